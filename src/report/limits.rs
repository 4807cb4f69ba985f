//! How a run stands against the limits that the user set, as text.

use crate::record::LimitReport;

/// A line for each limit; those that were broken say so first.
pub(super) fn limit_lines(limits: &[LimitReport], both_ways: bool) -> Vec<String> {
    let line = |limit: &LimitReport| {
        let way = if both_ways { format!(" {}", limit.direction) } else { String::new() };
        let (found, standing) = match (&limit.value, limit.held) {
            (None, _) => ("not known of this run".to_owned(), "broken"),
            (Some(_), true) => (limit.in_words.clone(), "held"),
            (Some(_), false) => (limit.in_words.clone(), "broken"),
        };
        format!("  limit      {standing}{way}: {}, it was {found}", limit.limit)
    };
    let (held, broken): (Vec<_>, Vec<_>) = limits.iter().partition(|limit| limit.held);
    broken.into_iter().chain(held).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LimitValue;

    #[test]
    fn what_broke_stands_first_with_value_and_limit() {
        let limit = |text: &str, value, held| LimitReport {
            limit: text.to_owned(),
            direction: "up",
            value,
            unit: "datagrams",
            held,
            in_words: "7".to_owned(),
        };
        let seven = Some(LimitValue::Whole(7));
        let limits = [
            limit("burst>9", seven, true),
            limit("burst>5", seven, false),
            limit("p99>1s", None, false),
        ];
        assert_eq!(
            limit_lines(&limits, false),
            [
                "  limit      broken: burst>5, it was 7",
                "  limit      broken: p99>1s, it was not known of this run",
                "  limit      held: burst>9, it was 7",
            ]
        );
        assert_eq!(limit_lines(&limits[..1], true), ["  limit      held up: burst>9, it was 7"]);
    }
}
