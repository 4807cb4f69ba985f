//! Groups beside their unicast copies (`cast send --compare`), as text.

use crate::record::{CopyVerdict, FanoutCopy};
use crate::units::group_digits;

/// Receivers that are shown; more are counted.
const SHOWN: usize = 16;

/// A line for each receiver, those first whose group was lost.
pub(super) fn copy_lines(copies: &[FanoutCopy]) -> Vec<String> {
    if copies.is_empty() {
        return Vec::new();
    }
    let mut order: Vec<&FanoutCopy> = copies.iter().collect();
    order.sort_by_key(|one| (one.verdict != CopyVerdict::GroupLost, &one.receiver));
    let mut lines = vec!["  compare    lost by the group and by its unicast copies".to_owned()];
    for one in order.iter().take(SHOWN) {
        lines.push(format!(
            "    {:<26} {:>9} {:>9}  {}",
            one.receiver,
            share(one.group_lost, one.group_expected),
            share(one.unicast_lost, one.unicast_expected),
            words(one.verdict)
        ));
    }
    if copies.len() > SHOWN {
        lines.push(format!("    and {} more", group_digits((copies.len() - SHOWN) as u64)));
    }
    lines
}

fn words(verdict: CopyVerdict) -> &'static str {
    match verdict {
        CopyVerdict::TooFew => "too few to tell from chance",
        CopyVerdict::BothArrive => "both arrive",
        CopyVerdict::GroupLost => "the switch, not the host",
        CopyVerdict::UnicastLost => "unicast alone is lost",
        CopyVerdict::BothLost => "the path or the host",
    }
}

fn share(lost: u64, of: u64) -> String {
    if of == 0 { "-".to_owned() } else { format!("{:.2}%", lost as f64 * 100.0 / of as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_lost_alone_stands_first() {
        let one = |receiver: &str, group_lost, verdict| FanoutCopy {
            receiver: receiver.to_owned(),
            group_lost,
            group_expected: 1000,
            unicast_expected: if verdict == CopyVerdict::TooFew { 0 } else { 1000 },
            verdict,
            ..FanoutCopy::default()
        };
        let all = [
            one("10.77.0.11:40001", 0, CopyVerdict::BothArrive),
            one("10.77.0.12:40002", 100, CopyVerdict::GroupLost),
            one("10.77.0.13:40003", 0, CopyVerdict::TooFew),
        ];
        let expected = "  compare    lost by the group and by its unicast copies
    10.77.0.12:40002              10.00%     0.00%  the switch, not the host
    10.77.0.11:40001               0.00%     0.00%  both arrive
    10.77.0.13:40003               0.00%         -  too few to tell from chance";
        assert_eq!(copy_lines(&all).join("\n"), expected);
        assert!(copy_lines(&[]).is_empty());
    }
}
