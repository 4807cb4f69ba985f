//! Encodes and decodes a receiver's list of outages as STAT parameters.

use super::gap_params::{gap_list_text, read_gap_list};
use crate::stats::{LossGap, OUTAGES_LISTED, OutageLog};
use crate::units::Nanos;
use crate::wire::Params;

/// The parameter with the numbers: least length, outages, the longest, other gaps, the longest of
/// these; lengths in nanoseconds.
pub const OUTAGES: &str = "outages";
/// The parameter with the list.
pub const OUTAGE_LIST: &str = "outage_list_us";

/// The numbers.
pub fn outages_text(log: &OutageLog) -> String {
    let (others, longest_other) = log.others();
    let (least, count, longest) = (log.least().0, log.count(), log.longest_ns());
    format!("{least}:{count}:{longest}:{others}:{longest_other}")
}

/// The list, as far as it fits in `room` characters: the longest first.
pub fn outage_list_text(log: &OutageLog, room: usize) -> String {
    gap_list_text(log.listed(), room)
}

/// Reads both; `None` if the reply has none, or numbers that are none.
pub(super) fn read_outages(params: &Params) -> Option<OutageNumbers> {
    let numbers: Vec<u64> =
        params.get(OUTAGES)?.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [least, count, longest_ns, others, longest_other_ns] = numbers[..] else { return None };
    let list = read_gap_list(params.get(OUTAGE_LIST).unwrap_or_default(), OUTAGES_LISTED);
    Some(OutageNumbers {
        least: Nanos(least),
        count: (count, longest_ns),
        others: (others, longest_other_ns),
        list,
    })
}

/// What a far end tells of outages, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutageNumbers {
    least: Nanos,
    count: (u64, u64),
    others: (u64, u64),
    list: Vec<LossGap>,
}

impl OutageNumbers {
    /// The outages, if there can be such ones in a run in which so many datagrams were lost, and that
    /// took no longer than this. They are told for information: those that cannot be are left out.
    pub fn within(&self, lost: u64, longest: Nanos) -> Option<OutageLog> {
        let ends = self.list.iter().map(LossGap::end_ns).max().unwrap_or(0);
        let in_all = self.list.iter().fold(0u64, |sum, gap| sum.saturating_add(gap.lost));
        let most = ends.max(self.count.1).max(self.others.1).max(self.least.0);
        let is_sound = most <= longest.0 && in_all <= lost && self.count.0 <= lost;
        let mut log = OutageLog::longer_than(self.least);
        self.list.iter().for_each(|gap| log.add(*gap));
        is_sound.then(|| log.with_counts(self.count, self.others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> OutageLog {
        let mut log = OutageLog::longer_than(Nanos::from_millis(10));
        for start in 0..40u64 {
            let (start_ns, length_ns) = (start * 1_000_000_000, (20 + start) * 1_000_000);
            log.add(LossGap { start_ns, length_ns, lost: 7, is_open: start == 39 });
        }
        log.note_other(11_000_000);
        log
    }

    fn told(log: &OutageLog, room: usize) -> Params {
        let mut params = Params::default();
        params.push(OUTAGES, outages_text(log));
        params.push(OUTAGE_LIST, outage_list_text(log, room));
        params
    }

    #[test]
    fn outages_survive_the_dialogue_and_of_too_many_the_longest_do() {
        let log = log();
        let hour = Nanos::from_secs(3_600);
        let read = |room| read_outages(&told(&log, room)).unwrap().within(280, hour).unwrap();
        assert_eq!(read(1_000), log);
        let some = read(100);
        assert_eq!(
            (some.count(), some.longest_ns(), some.others()),
            (40, 59_000_000, (1, 11_000_000))
        );
        assert!((3..OUTAGES_LISTED).contains(&some.listed().len()));
        assert_eq!(some.listed().last(), log.listed().last());
    }

    #[test]
    fn what_cannot_be_is_left_out() {
        let log = log();
        let numbers = read_outages(&told(&log, 1_000)).unwrap();
        let hour = Nanos::from_secs(3_600);
        assert_eq!(numbers.within(100, hour), None, "more lost than all");
        assert_eq!(numbers.within(280, Nanos::from_secs(39)), None, "longer than the run");
        for text in ["", "1:2:3:4", "1:2:3:4:5:6", "1:2:3:4:-5", "x:2:3:4:5"] {
            let mut params = Params::default();
            params.push(OUTAGES, text);
            assert_eq!(read_outages(&params), None, "{text}");
        }
    }
}
