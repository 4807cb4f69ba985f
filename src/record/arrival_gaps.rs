//! The list of a stream's outages: every gap in its arrivals that is longer than `--outage`.

use super::Way;
use crate::stats::{LossGap, OutageLog};
use crate::units::Measured;
use serde::Serialize;

/// A gap in the arrivals of a direction in which datagrams were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArrivalOutage {
    /// The direction of the datagrams that did not arrive.
    pub direction: Way,
    /// Its start, in nanoseconds from the first arrival, or from the start of a stream whose
    /// beginning was lost; of round trips, from the start of the run.
    pub start_ns: u64,
    /// How long nothing arrived, without what an end itself paused; at the end of a stream, by the
    /// spacing of its datagrams.
    pub length_ns: u64,
    /// Whether nothing arrived after it.
    pub is_open: bool,
    /// Datagrams lost in it; `None` where they have no numbers.
    #[serde(rename = "lost_datagrams")]
    pub lost: Option<u64>,
    /// Of these, lost on the way to the far end; `None` if that is unknown, or not measured.
    #[serde(rename = "lost_up_datagrams")]
    pub up: Option<u64>,
    /// Of these, lost on the way from the far end, likewise.
    #[serde(rename = "lost_down_datagrams")]
    pub down: Option<u64>,
}

impl ArrivalOutage {
    /// A gap of a stream.
    pub fn of(direction: Way, gap: &LossGap) -> Self {
        let (up, down) = match direction {
            Way::Up => (Some(gap.lost), None),
            Way::Down => (None, Some(gap.lost)),
            Way::RoundTrip => (None, None),
        };
        let LossGap { start_ns, length_ns, lost, is_open } = *gap;
        Self { direction, start_ns, length_ns, is_open, lost: Some(lost), up, down }
    }

    /// The same where nothing is known of losses.
    #[must_use]
    pub fn uncounted(self) -> Self {
        Self { lost: None, up: None, down: None, ..self }
    }
}

/// The outages of a direction, the longest where there are many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArrivalGaps {
    /// A longer gap is an outage.
    pub least_ns: u64,
    /// Outages in all.
    #[serde(rename = "outages")]
    pub count: u64,
    /// The length of the longest; `None` without any.
    pub longest_ns: Option<u64>,
    /// The longest sixteen, by their start.
    #[serde(rename = "outage_rows")]
    pub listed: Vec<ArrivalOutage>,
    /// Gaps of that length in which too little was lost for an outage of the path: an end paused, or
    /// a queue held the datagrams back.
    pub other_gaps: u64,
    /// The length of the longest of these; `None` without any.
    pub other_longest_ns: Option<u64>,
    /// Whether the user set the length.
    #[serde(skip)]
    pub is_asked: bool,
}

impl ArrivalGaps {
    /// The outages of a direction.
    pub fn new(direction: Way, log: &OutageLog) -> Self {
        let (other_gaps, other_longest) = log.others();
        Self {
            least_ns: log.least().0,
            count: log.count(),
            longest_ns: (log.count() > 0).then(|| log.longest_ns()),
            listed: log.listed().iter().map(|gap| ArrivalOutage::of(direction, gap)).collect(),
            other_gaps,
            other_longest_ns: (other_gaps > 0).then_some(other_longest),
            is_asked: false,
        }
    }

    /// The same, whose length the user set, or not.
    #[must_use]
    pub fn asked(self, is_asked: bool) -> Self {
        Self { is_asked, ..self }
    }

    /// The longest as a measurement; 0 without any.
    pub fn measured(&self) -> Measured {
        Measured::Span(self.longest_ns.unwrap_or(0))
    }

    /// Keeps the listed outages that are the path's; the others were an end's own doing.
    pub fn retain(&mut self, is_the_paths: impl Fn(&ArrivalOutage) -> bool) {
        let before = self.listed.len();
        let lengths = self.listed.iter().filter(|one| !is_the_paths(one)).map(|one| one.length_ns);
        let longest_gone = lengths.max();
        self.listed.retain(is_the_paths);
        let gone = (before - self.listed.len()) as u64;
        if gone > 0 {
            self.count = self.count.saturating_sub(gone);
            self.other_gaps = self.other_gaps.saturating_add(gone);
            self.other_longest_ns = self.other_longest_ns.max(longest_gone);
            self.longest_ns = self.listed.iter().map(|one| one.length_ns).max();
        }
    }

    /// So many of its outages are not listed.
    pub fn unlisted(&self) -> u64 {
        self.count.saturating_sub(self.listed.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;

    #[test]
    fn outages_have_their_direction_and_none_is_a_length_of_zero() {
        let mut log = OutageLog::longer_than(Nanos(10));
        let none = ArrivalGaps::new(Way::Up, &log);
        assert_eq!((none.measured(), none.longest_ns, none.count), (Measured::Span(0), None, 0));
        let gap = LossGap { start_ns: 5, length_ns: 50, lost: 9, is_open: false };
        log.add(gap);
        let told = ArrivalGaps::new(Way::Down, &log);
        assert_eq!(told.measured(), Measured::Span(50));
        let row = told.listed[0];
        assert_eq!(
            (row.direction, row.lost, row.up, row.down),
            (Way::Down, Some(9), None, Some(9))
        );
        assert_eq!(row.uncounted().lost, None);
    }
}
