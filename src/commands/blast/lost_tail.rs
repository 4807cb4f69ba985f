//! What was lost at the end of streams whose receivers never learnt the sender's total.
//!
//! Where a flow dies, its end messages are lost as well, and only the dialogue tells afterwards how
//! many datagrams were sent in all. What is missing after a stream's last arrival is one burst.

use crate::record::{BURST_CLASSES, BlastReceived, StreamCounts};
use crate::stats::LossGap;

/// Whether the bursts of a direction are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bursts {
    /// Every loss is in its burst.
    Known,
    /// Several streams lost their ends, and nothing tells which of them lost how many.
    Unknown,
}

/// Adds what is missing of `sent` datagrams to the final counts of all `streams`, of which `each`
/// holds those that are reported one by one.
pub fn add_lost_tail(
    whole: &mut BlastReceived,
    each: &mut [StreamCounts],
    sent: u64,
    streams: u32,
) -> Bursts {
    let seen = whole.numbers().saturating_add(whole.lost);
    let tail = sent.saturating_sub(seen);
    if tail == 0 || whole.sender_total.is_some() {
        return Bursts::Known;
    }
    whole.sender_total = Some(sent);
    whole.lost = whole.lost.saturating_add(tail);
    let known = each.iter().filter_map(|one| one.sent);
    let others = known.clone().fold(0u64, u64::saturating_add);
    if streams > 1 && known.count() as u64 + 1 != u64::from(streams) {
        return Bursts::Unknown;
    }
    whole.loss_bursts = whole.loss_bursts.saturating_add(1);
    whole.longest_burst = whole.longest_burst.max(tail);
    let class = &mut whole.burst_lengths[(tail.ilog2() as usize).min(BURST_CLASSES - 1)];
    *class = class.saturating_add(1);
    for one in each.iter_mut().filter(|one| one.sent.is_none()) {
        one.sent = Some(sent.saturating_sub(others));
        one.lost = one.lost.saturating_add(tail);
        one.loss_bursts = one.loss_bursts.saturating_add(1);
    }
    // Of several streams, that one's last arrival is not known; and what a socket dropped is no
    // outage.
    if streams == 1 && whole.drop_events == 0 {
        let rest = seen.saturating_sub(whole.gaps.head().map_or(0, |head| head.lost));
        let spacing = whole.span_ns / rest.saturating_sub(1).max(1);
        let length_ns = tail.saturating_mul(spacing);
        let start_ns =
            whole.span_ns.saturating_add(whole.gaps.head().map_or(0, |head| head.length_ns));
        whole.gaps.add(LossGap { start_ns, length_ns, lost: tail, is_open: true });
    }
    Bursts::Known
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five seconds of a stream, ten datagrams lost in two bursts.
    fn cut_off() -> BlastReceived {
        BlastReceived {
            datagrams: 491,
            firsts: 491,
            lost: 10,
            loss_bursts: 2,
            longest_burst: 6,
            span_ns: 5_000_000_000,
            ..BlastReceived::default()
        }
    }

    #[test]
    fn a_lost_end_is_one_burst_and_an_outage() {
        let mut whole = cut_off();
        assert_eq!(add_lost_tail(&mut whole, &mut [], 2_712, 1), Bursts::Known);
        assert_eq!((whole.lost, whole.loss_bursts, whole.longest_burst), (2_221, 3, 2_211));
        assert_eq!((whole.burst_lengths[11], whole.sender_total), (1, Some(2_712)));
        let gap = whole.gaps.as_slice()[0];
        assert_eq!((gap.start_ns, gap.length_ns), (5_000_000_000, 22_110_000_000));
        assert!(gap.is_open);
    }

    #[test]
    fn nothing_is_added_where_the_total_was_known_or_nothing_is_missing() {
        for (total, sent) in [(Some(501), 501), (None, 501)] {
            let mut whole = BlastReceived { sender_total: total, ..cut_off() };
            let before = whole;
            assert_eq!(add_lost_tail(&mut whole, &mut [], sent, 1), Bursts::Known);
            assert_eq!(whole, before);
        }
    }

    #[test]
    fn the_end_of_one_stream_of_several_is_its_own_and_those_of_two_are_unknown() {
        let ended = StreamCounts { sent: Some(250), delivered: 250, ..StreamCounts::default() };
        let cut = StreamCounts { delivered: 241, lost: 10, loss_bursts: 2, ..Default::default() };
        let (mut whole, mut each) = (cut_off(), [ended, cut]);
        assert_eq!(add_lost_tail(&mut whole, &mut each, 800, 2), Bursts::Known);
        assert_eq!((whole.lost, whole.loss_bursts, whole.longest_burst), (309, 3, 299));
        assert_eq!((each[0], each[1].sent), (ended, Some(550)));
        assert_eq!((each[1].lost, each[1].loss_bursts), (309, 3));
        for mut each in [vec![cut, cut], Vec::new()] {
            let (mut whole, before) = (cut_off(), each.clone());
            assert_eq!(add_lost_tail(&mut whole, &mut each, 800, 2), Bursts::Unknown);
            assert_eq!((whole.lost, whole.gaps.as_slice().len()), (309, 0));
            assert_eq!(each, before);
        }
    }
}
