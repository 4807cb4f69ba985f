//! How a run stands against the limits that the user set, as text.

use crate::record::LimitReport;

/// A line for each limit; those that were broken come first, then those of which nobody knows.
pub(super) fn limit_lines(limits: &[LimitReport], both_ways: bool) -> Vec<String> {
    let line = |limit: &LimitReport| {
        let way = if both_ways { format!(" {}", limit.direction) } else { String::new() };
        let (found, standing) = match (&limit.value, limit.held) {
            // A percentile that falls among the lost has no figure, but is beyond the limit.
            (None, _) if !limit.in_words.is_empty() => {
                (format!(", it was {}", limit.in_words), "broken")
            }
            (None, _) => (", not known of this run".to_owned(), "unknown"),
            (Some(_), true) => (format!(", it was {}", limit.in_words), "held"),
            (Some(_), false) => (format!(", it was {}", limit.in_words), "broken"),
        };
        format!("  limit      {standing}{way}: {}{found}", limit.limit)
    };
    let mut sorted: Vec<_> = limits.iter().collect();
    sorted.sort_by_key(|limit| (limit.held, limit.in_words.is_empty()));
    sorted.into_iter().map(line).collect()
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
            in_words: if value.is_some() { "7".to_owned() } else { String::new() },
        };
        let lost = LimitReport { in_words: "lost".to_owned(), ..limit("p50>1s", None, false) };
        let seven = Some(LimitValue::Whole(7));
        let limits = [
            limit("burst>9", seven, true),
            limit("burst>5", seven, false),
            limit("p99>1s", None, false),
            lost,
        ];
        assert_eq!(
            limit_lines(&limits, false),
            [
                "  limit      broken: burst>5, it was 7",
                "  limit      broken: p50>1s, it was lost",
                "  limit      unknown: p99>1s, not known of this run",
                "  limit      held: burst>9, it was 7",
            ]
        );
        assert_eq!(limit_lines(&limits[..1], true), ["  limit      held up: burst>9, it was 7"]);
    }
}
