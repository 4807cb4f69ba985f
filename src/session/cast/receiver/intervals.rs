//! Counts per interval of a run, by the time the kernel received a datagram, whenever it was read.

use crate::batch::Datagram;
use crate::machine::Now;
use crate::record::CastInterval;
use crate::units::Nanos;
use std::collections::VecDeque;

/// Maximum open intervals: after a pause of this host there are several.
const OPEN_MAX: usize = 4_096;

/// What one datagram changed in its account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// Bytes of a first copy; `None` for a further copy.
    pub first: Option<u64>,
    /// Change in the number of missing datagrams.
    pub lost: i64,
}

/// The intervals that were not reported yet.
#[derive(Debug)]
pub(super) struct Intervals {
    period: Nanos,
    /// Start of the first open interval.
    from: Nanos,
    started: Nanos,
    open: VecDeque<CastInterval>,
    /// Missing datagrams at the end of all reported and open intervals.
    lost: i64,
}

impl Intervals {
    /// Intervals of `period`, more than 0.
    pub fn new(period: Nanos, started: Nanos) -> Self {
        let period = period.max(Nanos(1));
        Self { period, from: started, started, open: VecDeque::new(), lost: 0 }
    }

    fn at(&mut self, arrival: Nanos) -> &mut CastInterval {
        let place = ((arrival - self.from).0 / self.period.0).min(OPEN_MAX as u64 - 1) as usize;
        if self.open.len() <= place {
            self.open.resize_with(place + 1, CastInterval::default);
        }
        &mut self.open[place]
    }

    /// A datagram changed an account. If its interval was already reported, it counts in the next.
    pub fn take(&mut self, now: Now, datagram: &Datagram<'_>, change: Change) {
        self.lost += change.lost;
        let interval = self.at(now.arrival_of(datagram));
        interval.lost += change.lost;
        match change.first {
            Some(bytes) => {
                interval.received += 1;
                interval.bytes += bytes;
            }
            None => interval.duplicates += 1,
        }
    }

    /// A datagram without the measurement header, which is in no account.
    pub fn take_without_header(&mut self, now: Now, datagram: &Datagram<'_>) {
        self.at(now.arrival_of(datagram)).without_header += 1;
    }

    /// The next interval that has ended. `lost` is the total missing; losses learnt from the end of
    /// a run count in the latest interval.
    pub fn next(&mut self, now: Nanos, lost: u64) -> Option<CastInterval> {
        let end = self.from + self.period;
        if end > now {
            return None;
        }
        let mut interval = self.open.pop_front().unwrap_or_default();
        if end + self.period > now {
            let rest = lost as i64 - self.lost;
            interval.lost += rest;
            self.lost += rest;
        }
        self.from = end;
        Some(CastInterval { elapsed: end - self.started, span: self.period, ..interval })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{RxEntry, RxMeta};

    const REAL: Nanos = Nanos::from_secs(1_000);

    fn take(intervals: &mut Intervals, read: u64, arrived: u64, change: Change) {
        let now = |millis| REAL + Nanos::from_millis(millis);
        let meta = RxMeta { arrival: now(arrived), ..RxEntry::default().meta };
        let datagram = Datagram { payload: &[], true_len: 0, meta };
        let now = Now { mono: Nanos::from_millis(read), real: now(read) };
        intervals.take(now, &datagram, change);
    }

    #[test]
    fn what_has_no_header_counts_in_its_interval_and_as_nothing_else() {
        let mut intervals = Intervals::new(Nanos::from_secs(1), Nanos::ZERO);
        for arrived in [100, 900, 1_500] {
            let meta =
                RxMeta { arrival: REAL + Nanos::from_millis(arrived), ..RxEntry::default().meta };
            let datagram = Datagram { payload: b"x", true_len: 1, meta };
            let mono = Nanos::from_millis(1_600);
            intervals.take_without_header(Now { mono, real: REAL + mono }, &datagram);
        }
        let first = intervals.next(Nanos::from_secs(1), 0).expect("one is over");
        assert_eq!((first.without_header, first.received, first.lost), (2, 0, 0));
        let second = intervals.next(Nanos::from_secs(2), 0).expect("one is over");
        assert_eq!(second.without_header, 1);
    }

    #[test]
    fn what_was_read_late_counts_where_it_arrived_and_copies_are_no_goodput() {
        let first = Change { first: Some(100), lost: 0 };
        let mut intervals = Intervals::new(Nanos::from_secs(1), Nanos::ZERO);
        // The reader was paused from 0.5 s to 3.2 s.
        for arrived in [100, 900, 1_500, 2_500, 3_100] {
            take(&mut intervals, 3_200, arrived, first);
            take(&mut intervals, 3_200, arrived, Change { first: None, lost: 1 });
        }
        let told: Vec<_> =
            std::iter::from_fn(|| intervals.next(Nanos::from_millis(3_200), 7)).collect();
        let figures: Vec<_> = told
            .iter()
            .map(|one| (one.received, one.bytes, one.duplicates, one.lost, one.elapsed.0))
            .collect();
        let second = 1_000_000_000;
        let expected = [
            (2, 200, 2, 2, second),
            (1, 100, 1, 1, 2 * second),
            // Two more are missing than the datagrams showed: an end mark.
            (1, 100, 1, 3, 3 * second),
        ];
        assert_eq!(figures, expected);
        assert_eq!(intervals.next(Nanos::from_secs(4), 7).map(|one| one.received), Some(1));
        assert_eq!(intervals.next(Nanos::from_secs(4), 7), None);
    }
}
