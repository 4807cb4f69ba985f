//! The result of a capacity search: its course, the largest sub-interval, and what limited it
//! (RFC 9097). `capacity_judge` judges; `report::words::capacity` has the text.

use crate::pace::AdjustmentType;
use serde::Serialize;

/// Datagrams in ten thousand that were due and not sent, from which the sender was the limit.
const BEHIND: u64 = 100;
/// One trial of the search: the time between two reports of the receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CoursePoint {
    /// Start, in nanoseconds from the first arrival.
    pub start_ns: u64,
    /// Length in nanoseconds.
    pub duration_ns: u64,
    /// What the search asked for, in bits per second at the IP layer; `None` if the sender's notice
    /// did not come.
    #[serde(rename = "asked_ip_bits_per_second")]
    pub asked: Option<u64>,
    /// Datagrams that the sender sent meanwhile; `None` likewise.
    #[serde(rename = "sent_datagrams")]
    pub sent: Option<u64>,
    /// Datagrams that were due meanwhile and were not sent; `None` likewise.
    #[serde(rename = "behind_datagrams")]
    pub behind: Option<u64>,
    /// Datagrams that arrived, copies included.
    #[serde(rename = "received_datagrams")]
    pub received: u64,
    /// Datagrams lost.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Datagrams out of order.
    pub reordered: u64,
    /// Copies beside the first.
    pub duplicates: u64,
    /// Of the lost, those that the receiver's socket dropped.
    pub socket_drops: u64,
    /// Mean one-way delay above the least so far; `None` if nothing arrived.
    pub delay_mean_ns: Option<u64>,
    /// The largest.
    pub delay_max_ns: Option<u64>,
    /// The longest time that the receiver left datagrams unread.
    pub receiver_pause_ns: u64,
}

impl CoursePoint {
    /// Two trials as one, of which the other is the later or of another stream.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let sum = |one: Option<u64>, two: Option<u64>| Some(one?.saturating_add(two?));
        let mean = self.delay_mean_ns.zip(other.delay_mean_ns).map(|(one, two)| {
            let weights = [self.received.max(1), other.received.max(1)].map(u128::from);
            let all = u128::from(one) * weights[0] + u128::from(two) * weights[1];
            u64::try_from(all / (weights[0] + weights[1])).unwrap_or(u64::MAX)
        });
        Self {
            start_ns: self.start_ns.min(other.start_ns),
            duration_ns: self.duration_ns,
            asked: self.asked,
            sent: sum(self.sent, other.sent),
            behind: sum(self.behind, other.behind),
            received: self.received.saturating_add(other.received),
            lost: self.lost.saturating_add(other.lost),
            reordered: self.reordered.saturating_add(other.reordered),
            duplicates: self.duplicates.saturating_add(other.duplicates),
            socket_drops: self.socket_drops.saturating_add(other.socket_drops),
            delay_mean_ns: mean.or(self.delay_mean_ns).or(other.delay_mean_ns),
            delay_max_ns: self.delay_max_ns.max(other.delay_max_ns),
            receiver_pause_ns: self.receiver_pause_ns.max(other.receiver_pause_ns),
        }
    }

    /// Whether the sender did not send what was asked of it.
    pub fn is_sender_behind(&self) -> bool {
        is_behind(self.behind.unwrap_or(0), self.sent.unwrap_or(0))
    }
}

/// Whether a notable part of what was due was not sent.
pub(super) fn is_behind(behind: u64, sent: u64) -> bool {
    behind.saturating_mul(10_000) > behind.saturating_add(sent).saturating_mul(BEHIND)
}

/// A host that was the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CapacityHost {
    /// The sender did not send what was asked.
    Sender,
    /// The receiver's socket dropped datagrams.
    ReceiverSocket,
}

/// One sub-interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SubInterval {
    /// Start, in nanoseconds from the first arrival.
    pub start_ns: u64,
    /// Length in nanoseconds.
    pub duration_ns: u64,
    /// First copies, with their IP and UDP headers, in bits per second.
    pub ip_bits_per_second: u64,
    /// The payload of these.
    pub goodput_bits_per_second: u64,
    /// Datagrams lost.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Datagrams that arrived, copies included.
    #[serde(rename = "received_datagrams")]
    pub received: u64,
    /// The largest delay variation; `None` if it is unknown.
    pub delay_max_ns: Option<u64>,
    /// The host that was the limit; `None` if none was.
    pub host_limit: Option<CapacityHost>,
}

/// What ended the climb of the search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CapacityLimit {
    /// The path: there was loss or delay at higher rates.
    Path,
    /// The sender did not send what was asked.
    Sender,
    /// The receiver's socket dropped datagrams.
    ReceiverSocket,
    /// A host lost datagrams outside of its socket.
    Host,
    /// The highest rate that was asked for, or that the search knows, was reached without loss.
    HighestRate,
    /// Time: the rate was still rising at the end.
    Time,
    /// No sub-interval was completed.
    #[default]
    NoSubInterval,
}

/// Why the figure is not all that it seems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CapacityNote {
    /// Loss came without delay: there is no queue, or a very short one, before the bottleneck.
    NoQueue {
        /// The largest delay variation among the trials with loss.
        delay_max_ns: u64,
    },
    /// The largest sub-interval stands out: the bottleneck lets a burst through.
    Burst {
        /// The sub-interval in the middle, by rate, among those at the limit.
        typical_ip_bits_per_second: u64,
    },
    /// The search steps back by a large part of what a slow path carries, and needs time to come up
    /// again.
    CoarseSteps {
        /// By so much, at the IP layer.
        step_ip_bits_per_second: u64,
    },
    /// Sub-intervals, in which a host was the limit, were faster than the one that is told.
    HostLimited {
        /// How many sub-intervals.
        #[serde(rename = "sub_interval_count")]
        sub_intervals: u64,
        /// The host.
        host: CapacityHost,
        /// The fastest of them.
        ip_bits_per_second: u64,
    },
}

/// The result of a search, for one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CapacityReport {
    /// How the rate was adjusted: `b` (RFC 9097) or `c`.
    #[serde(rename = "type", serialize_with = "type_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub kind: AdjustmentType,
    /// The IP-layer capacity: the largest sub-interval in which no host was the limit; `None` if
    /// there is none, or if nothing shows that the path was the limit.
    pub ip_bits_per_second: Option<u64>,
    /// The payload of the same sub-interval.
    pub goodput_bits_per_second: Option<u64>,
    /// The largest sub-interval of all; `None` if none was completed.
    pub largest: Option<SubInterval>,
    /// What was the limit.
    pub limit: CapacityLimit,
    /// What is to be known of the figure.
    #[serde(serialize_with = "crate::record::finding::all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<CapacityNote>>"))]
    pub notes: Vec<CapacityNote>,
    /// The sub-intervals.
    pub sub_intervals: Vec<SubInterval>,
    /// The trials.
    pub course: Vec<CoursePoint>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde hands it over")]
fn type_name<S: serde::Serializer>(kind: &AdjustmentType, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind.as_str())
}

impl CapacityReport {
    /// A host lost most of what was lost, at a time that is not known: nothing is the path's capacity.
    pub fn accuse_host(&mut self) {
        (self.ip_bits_per_second, self.goodput_bits_per_second) = (None, None);
        self.limit = CapacityLimit::Host;
        self.notes.clear();
    }

    /// The sub-interval whose figures are told: that of the capacity, or the largest of all.
    pub fn told(&self) -> Option<&SubInterval> {
        let of = |rate: u64| {
            let mut all = self.sub_intervals.iter();
            all.find(|one| one.host_limit.is_none() && one.ip_bits_per_second == rate)
        };
        self.ip_bits_per_second.and_then(of).or(self.largest.as_ref())
    }
}
