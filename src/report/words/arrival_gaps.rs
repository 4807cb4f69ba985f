//! The list of outages of a direction, in words.

use super::terms::plural;
use crate::record::{ArrivalGaps, ArrivalOutage};
use crate::units::{Nanos, group_digits};

/// The lines about a direction's outages; none where there were none and nobody asked.
pub fn outage_lines(gaps: &ArrivalGaps) -> Vec<String> {
    let least = Nanos(gaps.least_ns);
    let Some(longest) = gaps.longest_ns.map(Nanos) else {
        let none = format!("none longer than {least}{}", others(gaps));
        return if gaps.is_asked { vec![none] } else { Vec::new() };
    };
    let mut lines = Vec::new();
    if gaps.count > 1 || gaps.other_gaps > 0 {
        let listed = match gaps.unlisted() {
            0 => String::new(),
            _ => format!(", of which these are the longest {}", gaps.listed.len()),
        };
        let count = group_digits(gaps.count);
        lines.push(format!(
            "{count} longer than {least}, the longest {longest}{listed}{}",
            others(gaps)
        ));
    }
    lines.extend(gaps.listed.iter().map(outage_line));
    lines
}

/// Gaps that are no outages.
fn others(gaps: &ArrivalGaps) -> String {
    let Some(longest) = gaps.other_longest_ns.map(Nanos) else { return String::new() };
    let (count, plural) =
        (group_digits(gaps.other_gaps), if gaps.other_gaps == 1 { "" } else { "s" });
    format!(
        "; beside it {count} gap{plural} of at most {longest} almost without loss: a late end, or a queue"
    )
}

fn outage_line(outage: &ArrivalOutage) -> String {
    let start = Nanos(outage.start_ns).as_secs_f64();
    let length = Nanos(outage.length_ns);
    let end = if outage.is_open { ", to the end" } else { "" };
    let lost = match outage.lost {
        Some(lost) => format!(": {} lost", plural(lost, "datagram")),
        None => String::new(),
    };
    let ways = match (outage.up, outage.down) {
        (Some(up), Some(down)) => {
            format!(" ({} on the way out, {} back)", group_digits(up), group_digits(down))
        }
        _ => String::new(),
    };
    format!("at {start:.3} s for {length}{end}{lost}{ways}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Way;

    #[test]
    fn outages_are_counted_where_there_are_several_and_each_is_told() {
        let row = |start_ns, length_ns| ArrivalOutage {
            direction: Way::Up,
            start_ns,
            length_ns,
            lost: Some(120),
            ..ArrivalOutage::default()
        };
        let one = ArrivalGaps {
            least_ns: 10_000_000,
            count: 1,
            longest_ns: Some(120_000_000),
            listed: vec![row(2_000_000_000, 120_000_000)],
            ..ArrivalGaps::default()
        };
        assert_eq!(outage_lines(&one), ["at 2.000 s for 120 ms: 120 datagrams lost"]);
        let two =
            ArrivalGaps { count: 18, other_gaps: 1, other_longest_ns: Some(30_000_000), ..one };
        assert_eq!(
            outage_lines(&two)[0],
            "18 longer than 10.0 ms, the longest 120 ms, of which these are the longest 1; beside it \
             1 gap of at most 30.0 ms almost without loss: a late end, or a queue"
        );
        let none = ArrivalGaps { longest_ns: None, count: 0, listed: Vec::new(), ..two };
        assert!(outage_lines(&none).is_empty());
        let asked = ArrivalGaps { other_gaps: 0, other_longest_ns: None, is_asked: true, ..none };
        assert_eq!(outage_lines(&asked), ["none longer than 10.0 ms"]);
    }
}
