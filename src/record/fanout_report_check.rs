//! Checks whether a fan-out receiver's report is consistent with what was sent.

use super::contradiction::{Contradiction, Counted, Timed};
use crate::units::Nanos;
use crate::wire::ReceiverReport;

/// The longest delay that a histogram can report, including its rounding, in nanoseconds.
const LONGEST_DELAY: u64 = 61_000_000_000;
/// A longer time since a join, in nanoseconds (36 years), is not credible.
const LONGEST_WAIT: u64 = 1 << 60;
/// Larger counts are not credible; with this bound, sums over 4,096 receivers fit 64 bits.
const MOST: u64 = 1 << 47;

/// What a sender knows about its run when a report arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownFanout {
    /// Sequence numbers that may have been sent by now.
    pub numbered: u64,
    /// How long the sender has been sending.
    pub length: Nanos,
}

impl KnownFanout {
    /// An error says why a report cannot be true. Receivers may join and leave, keep earlier
    /// counts, and receive duplicates made by the path; but none can have received or missed more
    /// numbers than were sent.
    pub fn check(&self, report: &ReceiverReport) -> Result<(), Contradiction> {
        let ReceiverReport { received, firsts, lost, duplicates, .. } = *report;
        let sent = self.numbered;
        if firsts > sent {
            return Err(Contradiction::MoreArrived { arrived: firsts, sent });
        }
        if firsts.saturating_add(lost) > sent {
            return Err(Contradiction::SumDiffers { arrived: firsts, lost, sent });
        }
        // Datagrams below the reorder window are neither.
        if firsts.saturating_add(duplicates) > received {
            let (datagrams, too_late) = (received, 0);
            return Err(Contradiction::PartsDiffer { datagrams, firsts, duplicates, too_late });
        }
        let arrived = (Counted::Arrived, received);
        let numbers = (Counted::Numbers, sent);
        let parts = [
            (Counted::Reordered, report.reordered, arrived),
            (Counted::LossBursts, report.bursts, numbers),
            (Counted::LongestBurst, report.longest, numbers),
        ];
        if let Some((counted, claimed, (whole, most))) =
            parts.into_iter().find(|(_, part, (_, whole))| part > whole)
        {
            return Err(Contradiction::BeyondWhole { counted, claimed, whole, most });
        }
        let counts = [arrived, (Counted::SocketDrops, report.drops)];
        if let Some((counted, claimed)) = counts.into_iter().find(|(_, count)| *count > MOST) {
            return Err(Contradiction::TooMany { counted, claimed, length_ns: self.length.0 });
        }
        let delay = [report.p50, report.p99, report.max].into_iter().flatten().max();
        let times =
            [(Timed::Delay, delay, LONGEST_DELAY), (Timed::Wait, report.join, LONGEST_WAIT)];
        for (timed, claimed, most) in times {
            if let Some(claimed_ns) = claimed.filter(|claimed| *claimed > most) {
                let length_ns = self.length.0;
                return Err(Contradiction::TooLong { timed, claimed_ns, length_ns });
            }
        }
        match &report.mark {
            Some(mark) if mark.upto > sent => {
                Err(Contradiction::OtherTotal { told: mark.upto, sent })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::MarkReport;

    const KNOWN: KnownFanout = KnownFanout { numbered: 1_000, length: Nanos::from_secs(1) };

    fn honest() -> ReceiverReport {
        ReceiverReport {
            received: 901,
            firsts: 890,
            lost: 110,
            duplicates: 10,
            bursts: 3,
            longest: 100,
            reordered: 7,
            join: Some(86_400_000_000_000),
            mark: Some(MarkReport {
                from: 500,
                upto: 1_000,
                gaps: vec![(990, 999)],
                transit: None,
            }),
            ..ReceiverReport::default()
        }
    }

    #[test]
    fn an_honest_report_passes_and_each_lie_is_named() {
        assert_eq!(KNOWN.check(&honest()), Ok(()));
        assert_eq!(KNOWN.check(&ReceiverReport::default()), Ok(()));
        let most = u64::MAX;
        for (kind, lie) in [
            ("more_arrived", ReceiverReport { firsts: 1_001, ..honest() }),
            ("more_arrived", ReceiverReport { firsts: most, lost: most, ..honest() }),
            ("sum_differs", ReceiverReport { lost: most, ..honest() }),
            ("sum_differs", ReceiverReport { lost: 111, ..honest() }),
            ("parts_differ", ReceiverReport { duplicates: most, ..honest() }),
            ("beyond_whole", ReceiverReport { reordered: most, ..honest() }),
            ("beyond_whole", ReceiverReport { longest: most, ..honest() }),
            ("too_many", ReceiverReport { received: most, ..honest() }),
            ("too_many", ReceiverReport { drops: most, ..honest() }),
            ("too_long", ReceiverReport { max: Some(most), ..honest() }),
            ("too_long", ReceiverReport { join: Some(most), ..honest() }),
            (
                "other_total",
                ReceiverReport {
                    mark: Some(MarkReport {
                        from: 500,
                        upto: most,
                        gaps: Vec::new(),
                        transit: None,
                    }),
                    ..honest()
                },
            ),
        ] {
            let why = KNOWN.check(&lie).expect_err(kind);
            assert_eq!(serde_json::to_value(why).expect("JSON")["code"], kind, "{why}");
        }
    }
}
