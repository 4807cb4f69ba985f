//! Limits the log: events that strangers can cause must not fill a disk.
//!
//! Each kind of event has an allowance that refills with time. Events beyond it are counted, and
//! the count is logged.

use crate::pace::{RateLimit, RateMeter};
use crate::record::ServeRecord;
use crate::units::Nanos;

/// Refusals: 20 at once, then one a second; at 100 bytes a line that is at most 9 MB a day.
const REFUSALS: RateLimit = RateLimit::with_burst(Nanos::from_secs(1), 20);
/// All other events, which need a verified address: 1,000 at once, then five a second.
const OTHERS: RateLimit = RateLimit::with_burst(Nanos::from_millis(200), 1_000);
/// Minimum time between two reports of omitted events.
const TELL: Nanos = Nanos::from_secs(10);

/// Decides which events are logged.
#[derive(Debug, Default)]
pub(in crate::session) struct LogLimit {
    refusals: RateMeter,
    others: RateMeter,
    left_out: u64,
    told: Nanos,
}

impl LogLimit {
    /// Whether an event is logged.
    pub fn admits(&mut self, record: &ServeRecord, now: Nanos) -> bool {
        let admitted = if record.is_refusal() {
            self.refusals.admits(REFUSALS, now)
        } else {
            self.others.admits(OTHERS, now)
        };
        self.left_out += u64::from(!admitted);
        admitted
    }

    /// The number of omitted events, when it is time to report it; counting then restarts at 0.
    pub fn left_out(&mut self, now: Nanos) -> Option<ServeRecord> {
        if self.left_out == 0 || now < self.told + TELL {
            return None;
        }
        self.told = now;
        Some(ServeRecord::NotShown { events: std::mem::take(&mut self.left_out) })
    }

    /// The same at the end, regardless of time.
    pub fn last_left_out(&mut self) -> Option<ServeRecord> {
        (self.left_out > 0)
            .then(|| ServeRecord::NotShown { events: std::mem::take(&mut self.left_out) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ServeRecord, ServeRefusal};

    fn refusal() -> ServeRecord {
        let client = "192.0.2.1:9".parse().unwrap();
        let refusal = ServeRefusal::KeyNeeded;
        ServeRecord::Refused { client, reply_code: refusal.code().0, refusal }
    }

    #[test]
    fn a_flood_of_refusals_is_a_line_a_second_and_its_count_is_told() {
        let mut journal = LogLimit::default();
        let start = Nanos::from_secs(1_000);
        let (mut logged, mut told) = (0, 0);
        // 100 seconds of 1,000 refusals each.
        for step in 0..100_000u64 {
            let now = start + Nanos::from_millis(step);
            logged += u64::from(journal.admits(&refusal(), now));
            if let Some(ServeRecord::NotShown { events }) = journal.left_out(now) {
                told += events;
            }
        }
        assert!((119..=121).contains(&logged), "{logged}");
        if let Some(ServeRecord::NotShown { events }) = journal.last_left_out() {
            told += events;
        }
        assert_eq!(logged + told, 100_000);
        assert_eq!(journal.last_left_out(), None);
    }

    #[test]
    fn refusals_do_not_use_up_what_sessions_may_log() {
        let mut journal = LogLimit::default();
        let now = Nanos::from_secs(5);
        (0..10_000).for_each(|_| _ = journal.admits(&refusal(), now));
        let other = ServeRecord::NotShown { events: 1 };
        assert!(journal.admits(&other, now));
        // A quiet hour refills no more than the burst.
        let later = now + Nanos::from_secs(3_600);
        let logged = (0..100).filter(|_| journal.admits(&refusal(), later)).count();
        assert_eq!(logged, 20);
    }
}
