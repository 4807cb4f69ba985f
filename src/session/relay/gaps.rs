//! Gaps in the arrivals of a flow, one direction of it. What a relay forwards has no numbers that it
//! knows, so that nothing is known of losses.

use crate::record::{ArrivalGaps, Way};
use crate::stats::{LossGap, OutageLog};
use crate::units::Nanos;

/// The gaps of a direction.
#[derive(Clone, Debug)]
pub(super) struct FlowGaps {
    last: Option<Nanos>,
    log: OutageLog,
}

impl FlowGaps {
    /// None yet, of gaps longer than this.
    pub fn longer_than(least: Nanos) -> Self {
        Self { last: None, log: OutageLog::longer_than(least) }
    }

    /// A buffer arrived, in a run that began at `start`.
    #[inline]
    pub fn arrived(&mut self, at: Nanos, start: Nanos) {
        let since = self.last.replace(at.max(self.last.unwrap_or_default()));
        if let Some(since) = since
            && at - since > self.log.least()
        {
            let (start_ns, length_ns) = ((since - start).0, (at - since).0);
            self.log.add(LossGap { start_ns, length_ns, lost: 0, is_open: false });
        }
    }

    /// The list.
    pub fn told(&self, way: Way) -> ArrivalGaps {
        let gaps = ArrivalGaps::new(way, &self.log);
        let listed = gaps.listed.iter().map(|one| one.uncounted()).collect();
        ArrivalGaps { listed, is_asked: true, ..gaps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_gaps_are_listed_without_a_count_of_losses() {
        let at = |ms: u64| Nanos::from_millis(ms);
        let mut gaps = FlowGaps::longer_than(at(50));
        for arrival in [1_000, 1_020, 1_070, 1_130, 1_120, 1_400] {
            gaps.arrived(at(arrival), at(1_000));
        }
        let told = gaps.told(Way::Down);
        let rows: Vec<_> = told.listed.iter().map(|one| (one.start_ns, one.length_ns)).collect();
        assert_eq!(rows, [(70_000_000, 60_000_000), (130_000_000, 270_000_000)]);
        assert!(told.listed.iter().all(|one| one.lost.is_none() && one.direction == Way::Down));
        assert_eq!((told.count, told.longest_ns), (2, Some(270_000_000)));
    }
}
