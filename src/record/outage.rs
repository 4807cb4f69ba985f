//! Outages: when a path carried nothing, and what was lost meanwhile.

use super::Way;
use crate::stats::{LossGap, LossGaps, StreamLosses};
use serde::Serialize;

/// A time in which nothing came through; `stats::loss_gaps` decides which silences are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outage {
    /// Its start, in nanoseconds from the first arrival, or from the start of a stream whose
    /// beginning was lost; of round trips, from the start of the run.
    pub start_ns: u64,
    /// When datagrams came through again; `None` if none did.
    pub end_ns: Option<u64>,
    /// Datagrams lost in it.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Of these, lost on the way to the far end; `None` if that is unknown, or not measured.
    #[serde(rename = "lost_up_datagrams")]
    pub up: Option<u64>,
    /// Of these, lost on the way from the far end, likewise.
    #[serde(rename = "lost_down_datagrams")]
    pub down: Option<u64>,
}

impl Outage {
    /// A gap of a stream that goes one way.
    pub fn one_way(way: Way, gap: LossGap) -> Self {
        let (up, down) = match way {
            Way::Up => (Some(gap.lost), None),
            Way::Down => (None, Some(gap.lost)),
            Way::RoundTrip => (None, None),
        };
        let end_ns = (!gap.is_open).then(|| gap.end_ns());
        Self { start_ns: gap.start_ns, end_ns, lost: gap.lost, up, down }
    }

    /// The outages among the gaps of a stream, or of several together.
    pub fn among(way: Way, gaps: &LossGaps, stream: StreamLosses) -> Vec<Self> {
        // More than was lost cannot be missing.
        let gaps = if gaps.lost() > stream.lost { LossGaps::default() } else { *gaps };
        gaps.outages(stream).map(|gap| Self::one_way(way, gap)).collect()
    }

    /// How long it lasted; `None` if it lasted to the end.
    pub fn length_ns(&self) -> Option<u64> {
        self.end_ns.map(|end| end.saturating_sub(self.start_ns))
    }

    /// Whether both were at the same time, for some time.
    fn meets(&self, other: &Self) -> bool {
        let before = |one: &Self, other: &Self| one.end_ns.is_none_or(|end| other.start_ns < end);
        before(self, other) && before(other, self)
    }

    fn join(&mut self, other: &Self) {
        self.start_ns = self.start_ns.min(other.start_ns);
        self.end_ns = self.end_ns.zip(other.end_ns).map(|(one, other)| one.max(other));
        self.lost = self.lost.saturating_add(other.lost);
        for (mine, others) in [(&mut self.up, other.up), (&mut self.down, other.down)] {
            *mine = match (*mine, others) {
                (Some(one), Some(other)) => Some(one.saturating_add(other)),
                (one, other) => one.or(other),
            };
        }
    }
}

/// The outages of both directions as one list, by their start: what met both ways at the same time
/// is one outage. Where a direction was measured and had none, it lost nothing.
pub fn join_ways(up: &[Outage], down: &[Outage]) -> Vec<Outage> {
    let mut whole: Vec<Outage> = Vec::new();
    let mut each: Vec<Outage> = up.iter().chain(down).copied().collect();
    each.sort_by_key(|outage| outage.start_ns);
    for outage in each {
        match whole.last_mut().filter(|last| last.meets(&outage)) {
            Some(last) => last.join(&outage),
            None => whole.push(outage),
        }
    }
    for outage in &mut whole {
        outage.up = outage.up.or(Some(0));
        outage.down = outage.down.or(Some(0));
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage(start_ns: u64, end_ns: Option<u64>, [up, down]: [Option<u64>; 2]) -> Outage {
        Outage { start_ns, end_ns, lost: up.unwrap_or(0) + down.unwrap_or(0), up, down }
    }

    #[test]
    fn what_met_both_ways_at_once_is_one_outage() {
        let up = [outage(100, Some(300), [Some(7), None]), outage(900, None, [Some(3), None])];
        let down =
            [outage(110, Some(320), [None, Some(9)]), outage(500, Some(600), [None, Some(4)])];
        assert_eq!(
            join_ways(&up, &down),
            [
                outage(100, Some(320), [Some(7), Some(9)]),
                outage(500, Some(600), [Some(0), Some(4)]),
                outage(900, None, [Some(3), Some(0)]),
            ]
        );
        assert_eq!(join_ways(&[], &[]), []);
    }

    #[test]
    fn an_outage_to_the_end_has_no_end() {
        let gap = LossGap { start_ns: 5, length_ns: 200_000_000, lost: 50, is_open: true };
        let told = Outage::one_way(Way::Down, gap);
        assert_eq!(told, outage(5, None, [None, Some(50)]));
        assert_eq!(told.length_ns(), None);
    }
}
