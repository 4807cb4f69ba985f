//! The outcome of `--fail-if` as text.

use super::words::throughput::way;
use crate::record::{LimitFound, LimitReport};

/// A line per limit: broken ones first, then unknown ones, then those that held.
pub(super) fn limit_lines(limits: &[LimitReport]) -> Vec<String> {
    lines(limits, |_| String::new())
}

/// The same with the direction that each is of.
pub(super) fn limit_lines_by_way(limits: &[LimitReport]) -> Vec<String> {
    lines(limits, |limit| format!(" {}", way(limit.direction)))
}

fn lines(limits: &[LimitReport], way: impl Fn(&LimitReport) -> String) -> Vec<String> {
    let line = |limit: &LimitReport| {
        let way = way(limit);
        let (found, standing) = match limit.found {
            LimitFound::Unknown => ("not measured".to_owned(), "unknown"),
            LimitFound::Lost => ("falls among the lost datagrams".to_owned(), "broken"),
            LimitFound::Figure(figure) => {
                let standing = if limit.held { "held" } else { "broken" };
                (format!("measured {}", limit.limit.in_words(figure)), standing)
            }
        };
        format!("  limit      {standing}{way}: {}, {found}", limit.limit)
    };
    let mut sorted: Vec<_> = limits.iter().collect();
    sorted.sort_by_key(|limit| (limit.held, limit.found == LimitFound::Unknown));
    sorted.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{LimitUnit, LimitValue, Way};
    use crate::units::Measured;

    #[test]
    fn broken_limits_come_first_with_value_and_limit() {
        let limit = |text: &str, found, held| LimitReport {
            limit: text.parse().unwrap(),
            direction: Way::Up,
            value: matches!(found, LimitFound::Figure(_)).then_some(LimitValue::Whole(7)),
            unit: LimitUnit::Datagrams,
            held,
            found,
        };
        let seven = LimitFound::Figure(Measured::Count(7));
        let limits = [
            limit("burst>9", seven, true),
            limit("burst>5", seven, false),
            limit("p99>1s", LimitFound::Unknown, false),
            limit("p50>1s", LimitFound::Lost, false),
        ];
        assert_eq!(
            limit_lines(&limits),
            [
                "  limit      broken: burst>5, measured 7",
                "  limit      broken: p50>1s, falls among the lost datagrams",
                "  limit      unknown: p99>1s, not measured",
                "  limit      held: burst>9, measured 7",
            ]
        );
        assert_eq!(limit_lines_by_way(&limits[..1]), ["  limit      held up: burst>9, measured 7"]);
    }
}
