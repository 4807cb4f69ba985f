//! Encodes and decodes a receiver's gaps as a STAT parameter.

use crate::stats::{GAPS_KEPT, LossGap, LossGaps};

/// The parameter's name.
pub const GAPS: &str = "gaps_us";

/// The longest gaps that fit in `room` characters, as start, length and loss, `1200000:1001000:998,...`, times in microseconds; one up to the
/// end of the stream has a `+` behind it.
pub fn gaps_text(gaps: &LossGaps, room: usize) -> String {
    gap_list_text(gaps.as_slice(), room)
}

/// The same of any list.
pub(super) fn gap_list_text(gaps: &[LossGap], room: usize) -> String {
    let mut longest = gaps.to_vec();
    longest.sort_by_key(|gap| std::cmp::Reverse(gap.length_ns));
    let mut text = String::new();
    for gap in longest {
        let comma = if text.is_empty() { "" } else { "," };
        let end = if gap.is_open { "+" } else { "" };
        let one = format!(
            "{comma}{}:{}:{}{end}",
            gap.start_ns / 1_000,
            gap.length_ns.div_ceil(1_000),
            gap.lost
        );
        if text.len() + one.len() <= room {
            text.push_str(&one);
        }
    }
    text
}

/// Reads [`gaps_text`]; what is not readable is left out.
pub(super) fn read_gaps(text: &str) -> LossGaps {
    let mut gaps = LossGaps::default();
    for gap in read_gap_list(text, GAPS_KEPT) {
        gaps.add(gap);
    }
    gaps
}

/// Reads [`gap_list_text`], so many at most; what is not readable is left out.
pub(super) fn read_gap_list(text: &str, most: usize) -> Vec<LossGap> {
    text.split(',').take(most).filter_map(read_gap).collect()
}

fn read_gap(text: &str) -> Option<LossGap> {
    let (numbers, is_open) = match text.strip_suffix('+') {
        Some(numbers) => (numbers, true),
        None => (text, false),
    };
    let mut numbers = numbers.split(':').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let (start, length, lost) = (next()?, next()?, next()?);
    let (start_ns, length_ns) = (start.checked_mul(1_000)?, length.checked_mul(1_000)?);
    Some(LossGap { start_ns, length_ns, lost, is_open })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(start_ms: u64, length_ms: u64) -> LossGap {
        let (start_ns, length_ns) = (start_ms * 1_000_000, length_ms * 1_000_000);
        LossGap { start_ns, length_ns, lost: 9, is_open: false }
    }

    fn all(gaps: &[LossGap]) -> LossGaps {
        let mut all = LossGaps::default();
        for gap in gaps {
            all.add(*gap);
        }
        all
    }

    #[test]
    fn gaps_survive_the_dialogue_and_what_is_broken_is_left_out() {
        let gaps = all(&[gap(1_000, 250), LossGap { is_open: true, ..gap(9_000, 130) }]);
        assert_eq!(gaps_text(&gaps, 99), "1000000:250000:9,9000000:130000:9+");
        assert_eq!(read_gaps(&gaps_text(&gaps, 99)), gaps);
        for broken in ["", "x", "1:2", "5:200000:1:", "18446744073709551615:1:1", ":::", "1:9:-1"] {
            let read = read_gaps(broken);
            assert!(read.as_slice().len() <= 1, "{broken}: {read:?}");
        }
        let mixed = read_gaps("1:2,1000000:250000:9,x:200000:4");
        assert_eq!(mixed, all(&[gap(1_000, 250)]));
    }

    #[test]
    fn of_too_many_the_longest_are_told() {
        let day = 86_400_000;
        let many: Vec<LossGap> = (1..=8).map(|n| gap(n * day, 1_000 * n)).collect();
        let text = gaps_text(&all(&many), 160);
        assert!(text.len() <= 160);
        let read = read_gaps(&text);
        assert!(read.as_slice().len() >= 5, "{text}");
        assert_eq!(read.as_slice().last(), many.last());
        assert_eq!(gaps_text(&all(&many), 9), "");
    }
}
