//! The list of a target's outages: every burst of lost probes that is longer than `--outage`.

use crate::record::{ArrivalGaps, ArrivalOutage, Way};
use crate::stats::{LossGap, OUTAGES_LISTED, OutageLog};
use crate::units::Nanos;

/// Probes lost in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProbeGap {
    pub gap: LossGap,
    /// Those that the reflector answered, by its numbers before and after.
    pub lost_back: Option<u64>,
}

/// Whether the reflector's numbers tell the direction of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    /// They do.
    Good,
    /// It has none of its own, or copies confuse them.
    Doubtful,
}

/// The bursts, in bounded memory.
#[derive(Clone, Debug)]
pub(super) struct OutageList {
    least: Nanos,
    count: u64,
    /// The longest.
    listed: Vec<ProbeGap>,
}

impl OutageList {
    /// None yet, of bursts longer than this.
    pub fn longer_than(least: Nanos) -> Self {
        Self { least, count: 0, listed: Vec::new() }
    }

    /// Adds a burst, unless it is too short.
    pub fn add(&mut self, gap: ProbeGap) {
        if gap.gap.length_ns <= self.least.0 {
            return;
        }
        self.count += 1;
        self.listed.push(gap);
        if self.listed.len() > OUTAGES_LISTED {
            let lengths = self.listed.iter().map(|one| one.gap.length_ns).enumerate();
            if let Some((shortest, _)) = lengths.min_by_key(|(_, length)| *length) {
                self.listed.remove(shortest);
            }
        }
    }

    /// The list, each with its losses by direction if the reflector's numbers tell, without those in
    /// which no more was lost than this host's socket may have dropped.
    pub fn told(&self, numbering: Numbering, dropped_here: u64) -> ArrivalGaps {
        let of_path = || self.listed.iter().filter(|one| one.gap.lost > dropped_here);
        let mut log = OutageLog::longer_than(self.least);
        of_path().for_each(|one| log.add(one.gap));
        let unlisted = self.count.saturating_sub(self.listed.len() as u64);
        let rows = of_path().map(|one| {
            let down = one.lost_back.filter(|_| numbering == Numbering::Good);
            let up = down.and_then(|down| one.gap.lost.checked_sub(down));
            ArrivalOutage { up, down, ..ArrivalOutage::of(Way::RoundTrip, &one.gap) }
        });
        let listed: Vec<ArrivalOutage> = rows.collect();
        let count = unlisted.saturating_add(listed.len() as u64);
        ArrivalGaps { count, listed, ..ArrivalGaps::new(Way::RoundTrip, &log) }
    }
}
