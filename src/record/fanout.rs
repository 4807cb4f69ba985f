//! A fan-out's receivers, as known to its sender.

use super::finding::{all, maybe};
use super::{
    CastSending, Contradiction, Departure, FanoutCaveat, FanoutCopy, HostReport, LimitReport,
    PlacedLosses, Way, hold_against,
};
use crate::units::{Endpoint, Limit, Measured, Metric, Nanos};
use serde::Serialize;
use std::cmp::Reverse;

/// The state of a receiver, as known to its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReceiverState {
    /// Addressed, but has not reported.
    #[default]
    Unheard,
    /// It reports.
    Live,
    /// It has not reported for longer than expected: later losses are not known.
    Silent,
    /// It sent its final report: the counts are complete.
    Done,
}

/// One receiver of a fan-out, as it reported to the sender.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FanoutReceiver {
    /// Source address of its reports.
    pub receiver: String,
    /// Destination address of the datagrams that it received; `None` if it received none.
    pub destination: Option<String>,
    /// The receiver's incoming interface; `None` if not reported.
    pub interface: Option<String>,
    /// Its state.
    pub state: ReceiverState,
    /// Datagrams that arrived, duplicates included.
    pub received: Option<u64>,
    /// Numbers that did not arrive, since it joined.
    #[serde(rename = "lost_datagrams")]
    pub lost: Option<u64>,
    /// Numbers that it should have received: first copies plus lost ones.
    pub expected: Option<u64>,
    /// Runs of lost numbers (RFC 3357).
    pub bursts: Option<u64>,
    /// The longest of these, in datagrams.
    pub longest_burst: Option<u64>,
    /// Reordered datagrams (RFC 4737).
    pub reordered: Option<u64>,
    /// Second and later copies.
    pub duplicates: Option<u64>,
    /// Buffers that its own socket dropped.
    pub socket_drops: Option<u64>,
    /// Where they were lost; `None` if it has not reported.
    #[serde(rename = "lost")]
    pub places: Option<PlacedLosses>,
    /// The sender's host and its own with their counters, as far as they are known; empty if it
    /// lost nothing.
    pub hosts: Vec<HostReport>,
    /// Median of the one-way delay above its minimum; `None` with too few datagrams.
    pub delay_p50_ns: Option<u64>,
    /// Its 99th percentile.
    pub delay_p99_ns: Option<u64>,
    /// Its maximum.
    pub delay_max_ns: Option<u64>,
    /// From the receiver's join to its first datagram.
    pub join_to_first_ns: Option<u64>,
    /// From its last report to the end of the run, or to now.
    pub last_heard_ns: Option<u64>,
    /// The shortest round trip of an announcement and a report.
    pub round_trip_ns: Option<u64>,
    /// Reports received.
    pub reports: u64,
    /// Why its report cannot be true: none of its counts is then included.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<Contradiction>>"))]
    pub contradiction: Option<Contradiction>,
}

impl FanoutReceiver {
    /// Sort order of the table: the highest loss first, but receivers without a report, or with an
    /// impossible one, before all.
    fn rank(&self) -> (bool, Reverse<u64>, Reverse<u64>) {
        let (lost, expected) = (self.lost.unwrap_or(0), self.expected.unwrap_or(0));
        let share = u128::from(lost) * 1_000_000_000 / u128::from(expected.max(1));
        let share = u64::try_from(share).unwrap_or(u64::MAX);
        let tells = self.state != ReceiverState::Unheard && self.contradiction.is_none();
        (tells, Reverse(share), Reverse(lost))
    }

    /// The metrics that a limit can be set on.
    pub const METRICS: &[Metric] = &[
        Metric::Loss,
        Metric::P50,
        Metric::P99,
        Metric::Max,
        Metric::Duplicates,
        Metric::Reordered,
        Metric::Burst,
    ];

    /// This receiver's measurement of a metric; `None` if it is missing.
    fn measured(&self, metric: Metric) -> Option<Measured> {
        Some(match metric {
            Metric::Loss => Measured::Share { part: self.lost?, of: self.expected? },
            Metric::P50 => Measured::Span(self.delay_p50_ns?),
            Metric::P99 => Measured::Span(self.delay_p99_ns?),
            Metric::Max => Measured::Span(self.delay_max_ns?),
            Metric::Duplicates => Measured::Count(self.duplicates?),
            Metric::Reordered => Measured::Count(self.reordered?),
            Metric::Burst => Measured::Count(self.longest_burst?),
            Metric::Rate
            | Metric::P90
            | Metric::P999
            | Metric::Jitter
            | Metric::Outage
            | Metric::NeverSent
            | Metric::Cut
            | Metric::Altered => return None,
        })
    }
}

/// Sorts receivers, the worst first.
pub fn rank_receivers(receivers: &mut [FanoutReceiver]) {
    receivers.sort_by_cached_key(FanoutReceiver::rank);
}

/// Inter-receiver skew: time between the arrivals of the same datagram at different receivers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Skew {
    /// Datagrams that were compared: one at each mark.
    pub samples: u64,
    /// Receivers that sent the last of these reports.
    pub receivers: u64,
    /// Between the first and the last receiver, at the last sample.
    #[serde(rename = "last_sample_ns")]
    pub last_ns: u64,
    /// The median; `None` for fewer than twenty samples.
    pub p50_ns: Option<u64>,
    /// The largest.
    pub max_ns: u64,
    /// Possible error of the skew in nanoseconds, since the receivers' clocks are compared by round
    /// trips.
    pub uncertainty_ns: u64,
    /// The first receiver at the last sample.
    #[serde(rename = "first_receiver")]
    pub first: String,
    /// The last receiver at the last sample.
    #[serde(rename = "last_receiver")]
    pub last: String,
}

/// Where losses probably occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LossOrigin {
    /// All receivers lost the same datagrams.
    NearSender,
    /// One receiver lost by far the most.
    NearOneReceiver {
        /// Its address.
        receiver: String,
    },
    /// Several receivers lost datagrams, and not the same as all others.
    NearSeveralReceivers {
        /// Receivers that lost some.
        #[serde(rename = "receivers_with_loss")]
        losing: u64,
        /// Receivers that lost none.
        #[serde(rename = "receivers_without_loss")]
        lossless: u64,
    },
    /// There were losses: too few, or too similar, to locate.
    Undetermined,
}

/// What receivers lost in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CommonLoss {
    /// Numbers reported on by at least two receivers.
    pub compared: u64,
    /// Of these, lost by all that reported.
    pub lost_by_all: u64,
    /// Most receivers that reported on one interval.
    pub receivers: u64,
    /// Where losses probably occurred; `None` without losses, or without a comparison.
    #[serde(rename = "location", serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LossOrigin>>"))]
    pub origin: Option<LossOrigin>,
}

/// A sender's knowledge of its receivers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FanoutStanding {
    /// Each receiver, the worst first.
    #[serde(rename = "receiver_rows")]
    pub receivers: Vec<FanoutReceiver>,
    /// Receivers beyond those that the table holds, by reports that were left out.
    pub receivers_left_out: u64,
    /// Inter-receiver skew; `None` for fewer than two receivers.
    pub skew: Option<Skew>,
    /// What they lost in common; `None` for fewer than two.
    pub common_loss: Option<CommonLoss>,
    /// Comparison of multicast with unicast copies; empty without `--compare`.
    #[serde(rename = "comparisons")]
    pub copies: Vec<FanoutCopy>,
    /// Caveats about the whole.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<FanoutCaveat>>"))]
    pub caveats: Vec<FanoutCaveat>,
}

impl FanoutStanding {
    /// Checks limits against the worst receiver for each metric. If one has no measurement, or
    /// there is no receiver, the limit is broken.
    pub fn hold(&self, limits: &[Limit]) -> Vec<LimitReport> {
        let worst = |limit: &Limit| {
            let reports = self
                .receivers
                .iter()
                .map(|one| hold_against(limit, Way::Up, |metric| one.measured(metric)));
            reports
                .min_by_key(|report| report.held)
                .unwrap_or_else(|| hold_against(limit, Way::Up, |_| None))
        };
        limits.iter().map(worst).collect()
    }
}

/// What happens while a fan-out's sender runs.
#[derive(Clone, Debug)]
pub enum FanoutEvent<'a> {
    /// Interim state, reported periodically.
    Standing {
        /// Since the first datagram, or since the start if there is none yet.
        elapsed: Nanos,
        /// Sequence numbers used so far.
        numbered: u64,
        /// Mean payload bytes of what was sent so far; 0 if nothing was.
        mean_bytes: u64,
        /// The receivers.
        standing: &'a FanoutStanding,
    },
    /// What was sent, for programs that watch the run.
    Sending(&'a CastSending),
    /// Waiting for receivers: sent at the start, and for each new receiver.
    Waiting {
        /// Receivers that reported so far.
        heard: u64,
        /// Receivers wanted.
        wanted: u64,
        /// Maximum waiting time; `None` for no limit.
        wait: Option<Nanos>,
    },
    /// Time passed without a report from any receiver.
    Silence(Nanos),
    /// A receiver was added at its own request.
    Subscribed(Endpoint),
    /// A receiver goes on at another address: from, to.
    Moved(Endpoint, Endpoint),
    /// A receiver was removed.
    Unsubscribed(Endpoint, Departure),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LimitFound;

    fn receiver(name: &str, lost: u64, expected: u64) -> FanoutReceiver {
        FanoutReceiver {
            receiver: name.to_owned(),
            state: ReceiverState::Live,
            lost: Some(lost),
            expected: Some(expected),
            ..FanoutReceiver::default()
        }
    }

    #[test]
    fn the_largest_share_of_loss_is_the_worst_and_silence_is_worse() {
        let unheard = FanoutReceiver { receiver: "d".to_owned(), ..FanoutReceiver::default() };
        let mut all =
            [receiver("a", 0, 100), receiver("b", 5, 10), receiver("c", 20, 100), unheard];
        rank_receivers(&mut all);
        assert_eq!(all.map(|one| one.receiver).concat(), "dbca");
    }

    #[test]
    fn a_limit_is_held_against_the_worst_and_the_unknown_breaks_it() {
        let limits = ["loss>10%", "loss>60%"].map(|text| text.parse().unwrap());
        let mut standing = FanoutStanding::default();
        let held = |standing: &FanoutStanding| {
            standing.hold(&limits).iter().map(|report| report.held).collect::<Vec<_>>()
        };
        assert_eq!(held(&standing), [false, false]);
        standing.receivers = vec![receiver("a", 0, 100), receiver("b", 50, 100)];
        assert_eq!(held(&standing), [false, true]);
        let half = LimitFound::Figure(Measured::Share { part: 50, of: 100 });
        assert_eq!(standing.hold(&limits)[0].found, half);
        standing.receivers.push(FanoutReceiver::default());
        assert_eq!(held(&standing), [false, false]);
    }
}
