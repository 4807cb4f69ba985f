//! What may have limited a throughput run, and caveats about it; `report::words::throughput` has
//! the text.

use super::finding::Findings;
use super::host_losses::{Certainty, HostRole, LossPlace};
use super::throughput_advice::{ThroughputAdvice, host_advice, place_advice};
use super::{CapacityLimit, Contradiction, Refusal};
use serde::Serialize;

/// What limited a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// The target rate was sent, and arrived.
    Rate,
    /// The requested number of datagrams or bytes was reached.
    Count,
    /// The time of a capacity measurement was over while its rate still rose.
    Time,
    /// The path between the two hosts lost datagrams, or, in a capacity measurement, delayed them.
    Network,
    /// The path was interrupted.
    Outage,
    /// This side of the path: the sender's own queue or interface took no more.
    SenderInterface,
    /// The sender's host refused to send: no route, an interface down, its own firewall, the size.
    SenderHost,
    /// The sender's processor.
    SenderCpu,
    /// The sender paused, or was far behind its schedule.
    SenderPause,
    /// The receiver's processor: its socket overflowed while it worked all the time.
    ReceiverCpu,
    /// The receiver's socket: its buffer overflowed although there was time to read, or it dropped
    /// datagrams otherwise.
    ReceiverSocket,
    /// The receiver's host, before its socket.
    ReceiverHost,
    /// Damage in transit.
    Damage,
    /// Something that forwards datagrams cut or rewrote their content.
    ChangedContent,
    /// The user ended it.
    Interrupted,
    /// The run failed, or some streams never started: no statement about a limit.
    BrokenOff,
    /// Too little is known.
    #[default]
    Unknown,
}

/// What limited one direction of a run, with the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ThroughputVerdict {
    /// The schedule was kept.
    RateKept {
        /// Datagrams that the schedule called for.
        offered: u64,
        /// Of these, never sent.
        never_sent: u64,
        /// Datagrams sent.
        sent: u64,
        /// Of these, lost.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
    },
    /// The requested amount was sent.
    CountReached {
        /// Datagrams sent.
        sent: u64,
    },
    /// The path lost datagrams.
    PathLoss {
        /// Lost on the path.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
        /// Datagrams sent.
        sent: u64,
    },
    /// Most of the loss was in outages of the path, so that it says nothing of a rate.
    PathOutage {
        /// Outages.
        #[serde(rename = "outage_count")]
        outages: u64,
        /// The longest that ended; `None` if none did.
        longest_ns: Option<u64>,
        /// Lost in them.
        #[serde(rename = "outage_lost_datagrams")]
        in_outages: u64,
        /// Lost on the path.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
        /// Datagrams sent.
        sent: u64,
    },
    /// Nearly all was lost, although small datagrams pass the same path.
    OnlySmallPass {
        /// Lost on the path.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
        /// Datagrams sent.
        sent: u64,
        /// Payload bytes of each.
        payload_bytes: u64,
    },
    /// A queue of the sender's host was full.
    QueueFull {
        /// Datagrams that the host refused.
        refused: u64,
        /// Datagrams that were offered.
        offered: u64,
        /// The reasons, the most frequent first.
        #[serde(rename = "refusals")]
        causes: Vec<Refusal>,
    },
    /// The sender's host refused for another reason than a full queue.
    HostRefused {
        /// Datagrams that the host refused.
        refused: u64,
        /// Datagrams that were offered.
        offered: u64,
        /// The reasons, the most frequent first.
        #[serde(rename = "refusals")]
        causes: Vec<Refusal>,
    },
    /// The sender's send buffer was full.
    SendBufferFull {
        /// How often.
        times: u64,
    },
    /// The sender's processors were full.
    SenderBusy {
        /// Percent of a core.
        cpu_percent: u64,
    },
    /// Both ends are on one host, whose processors were fully loaded.
    HostBusy {
        /// Percent of a core, both ends together.
        cpu_percent: u64,
    },
    /// The sender stood still, or was behind its schedule.
    SenderPaused {
        /// The longest pause, where one was seen.
        pause_ns: Option<u64>,
        /// The most that a send was late, where that was long.
        late_ns: Option<u64>,
        /// Datagrams that were never sent.
        never_sent: u64,
        /// Datagrams that were offered.
        offered: u64,
    },
    /// The target rate was not reached, for an unknown reason.
    FellBehind {
        /// Datagrams that were never sent.
        never_sent: u64,
        /// Datagrams that were offered.
        offered: u64,
    },
    /// No target rate, and no evidence of a bottleneck.
    Unexplained,
    /// The receiver's socket overflowed while its processors were full.
    ReceiverBusy {
        /// Percent of a core.
        cpu_percent: u64,
        /// Datagrams that were dropped there.
        #[serde(rename = "socket_drops")]
        dropped: u64,
        /// Datagrams sent.
        sent: u64,
    },
    /// The receiver's socket overflowed.
    ReceiverSocketFull {
        /// Datagrams that were dropped there.
        #[serde(rename = "socket_drops")]
        dropped: u64,
        /// Datagrams sent.
        sent: u64,
        /// The longest pause of the receiver, where it was long.
        pause_ns: Option<u64>,
    },
    /// All UDP sockets of the receiver's host together had reached the memory limit.
    UdpMemoryFull {
        /// Datagrams that were dropped there.
        #[serde(rename = "socket_drops")]
        dropped: u64,
        /// Datagrams sent.
        sent: u64,
    },
    /// The receiver's socket dropped datagrams, and no counter says why.
    ReceiverSocketDropped {
        /// Datagrams that were dropped there.
        #[serde(rename = "socket_drops")]
        dropped: u64,
        /// Datagrams sent.
        sent: u64,
    },
    /// A host lost datagrams, outside of a socket.
    HostLoss {
        /// Which host.
        role: HostRole,
        /// Where in it.
        place: LossPlace,
        /// How many.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
        /// Whether that is a bound.
        certainty: Certainty,
        /// The most that the path may have lost.
        path_at_most: u64,
        /// Datagrams sent.
        sent: u64,
        /// Fragments of each datagram; 1 for whole ones.
        #[serde(rename = "fragments_each")]
        fragments: u64,
    },
    /// Datagrams arrived damaged.
    Damaged {
        /// Where it was noticed.
        place: LossPlace,
        /// How many.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
        /// Whether that is a bound.
        certainty: Certainty,
        /// The most that the path may have lost.
        path_at_most: u64,
        /// Datagrams sent.
        sent: u64,
    },
    /// Datagrams arrived shorter than they were sent: something that forwards them cut them.
    ArrivedCut {
        /// How many.
        cut: u64,
        /// The most payload bytes of these.
        cut_to_bytes: u64,
        /// Payload bytes of each as sent.
        payload_bytes: u64,
        /// Datagrams sent.
        sent: u64,
    },
    /// Datagrams arrived with other bytes than were sent and a right checksum: something on the
    /// path rewrote them.
    ArrivedAltered {
        /// How many.
        altered: u64,
        /// Datagrams sent.
        sent: u64,
    },
    /// The user ended it.
    Interrupted,
    /// It failed, or never began in part.
    BrokenOff {
        /// Streams that began; `None` where that is not known.
        streams_begun: Option<u64>,
        /// Requested streams.
        streams: u64,
        /// Datagrams sent; `None` if unknown.
        sent: Option<u64>,
        /// Datagrams that were offered; `None` where that is not known.
        offered: Option<u64>,
        /// Datagrams that arrived, copies too; `None` where that is not known.
        received: Option<u64>,
    },
    /// The capacity of the path was measured, or what prevented that.
    Capacity {
        /// What was the limit.
        limit: CapacityLimit,
        /// The IP-layer capacity; `None` if the path was not the limit.
        ip_bits_per_second: Option<u64>,
        /// Its payload.
        goodput_bits_per_second: Option<u64>,
        /// The largest sub-interval of all, at the IP layer; `None` if there was none.
        largest_ip_bits_per_second: Option<u64>,
    },
    /// Nothing was offered.
    NothingOffered,
    /// One end did not deliver final counts.
    #[default]
    CountsMissing,
}

impl ThroughputVerdict {
    /// What limited the run.
    pub fn limited_by(&self) -> LimitedBy {
        match self {
            Self::RateKept { .. } => LimitedBy::Rate,
            Self::CountReached { .. } => LimitedBy::Count,
            Self::PathLoss { .. } | Self::OnlySmallPass { .. } => LimitedBy::Network,
            Self::PathOutage { .. } => LimitedBy::Outage,
            Self::QueueFull { .. } | Self::SendBufferFull { .. } => LimitedBy::SenderInterface,
            Self::SenderBusy { .. } | Self::HostBusy { .. } => LimitedBy::SenderCpu,
            Self::SenderPaused { .. } => LimitedBy::SenderPause,
            Self::ReceiverBusy { .. } => LimitedBy::ReceiverCpu,
            Self::ReceiverSocketFull { .. }
            | Self::ReceiverSocketDropped { .. }
            | Self::UdpMemoryFull { .. } => LimitedBy::ReceiverSocket,
            Self::HostLoss { role: HostRole::Receiver, .. } => LimitedBy::ReceiverHost,
            Self::HostLoss { place: LossPlace::Qdisc | LossPlace::CardTransmit, .. } => {
                LimitedBy::SenderInterface
            }
            Self::HostLoss { .. } | Self::HostRefused { .. } => LimitedBy::SenderHost,
            Self::Damaged { .. } => LimitedBy::Damage,
            Self::ArrivedCut { .. } | Self::ArrivedAltered { .. } => LimitedBy::ChangedContent,
            Self::Capacity { limit, .. } => match limit {
                CapacityLimit::Path => LimitedBy::Network,
                CapacityLimit::Sender => LimitedBy::SenderPause,
                CapacityLimit::ReceiverSocket => LimitedBy::ReceiverSocket,
                CapacityLimit::HighestRate => LimitedBy::Rate,
                CapacityLimit::Time => LimitedBy::Time,
                CapacityLimit::Host | CapacityLimit::NoSubInterval => LimitedBy::Unknown,
            },
            Self::Interrupted => LimitedBy::Interrupted,
            Self::BrokenOff { .. } => LimitedBy::BrokenOff,
            Self::FellBehind { .. }
            | Self::Unexplained
            | Self::NothingOffered
            | Self::CountsMissing => LimitedBy::Unknown,
        }
    }

    /// Advice; `None` if none is needed.
    pub fn advice(&self) -> Option<ThroughputAdvice> {
        Some(match self {
            Self::RateKept { never_sent: 0, .. } => ThroughputAdvice::RaiseRate,
            Self::PathLoss { .. } => ThroughputAdvice::FindRate,
            Self::OnlySmallPass { .. } | Self::ArrivedCut { .. } => ThroughputAdvice::ProbeMtu,
            Self::ArrivedAltered { .. } => ThroughputAdvice::FindRewriter,
            Self::QueueFull { .. } => ThroughputAdvice::LowerRateOrLongerQueue,
            Self::HostRefused { causes, .. } => return host_advice(causes),
            Self::SenderBusy { .. } => ThroughputAdvice::MoreStreams,
            Self::ReceiverBusy { .. } => ThroughputAdvice::MoreStreamsOrLowerRate,
            Self::ReceiverSocketFull { pause_ns: None, .. } => ThroughputAdvice::RaiseReceiveBuffer,
            Self::UdpMemoryFull { .. } => ThroughputAdvice::RaiseUdpMemory,
            Self::HostLoss { place, .. } => return place_advice(*place),
            Self::Damaged { .. } => ThroughputAdvice::CheckForDamage,
            Self::FellBehind { .. } | Self::Unexplained => ThroughputAdvice::CheckSenderLoad,
            Self::Capacity { limit, .. } => match limit {
                CapacityLimit::Sender => ThroughputAdvice::CheckSenderLoad,
                CapacityLimit::ReceiverSocket => ThroughputAdvice::RaiseReceiveBuffer,
                CapacityLimit::Time | CapacityLimit::NoSubInterval => ThroughputAdvice::LongerTime,
                CapacityLimit::HighestRate => ThroughputAdvice::RaiseRate,
                CapacityLimit::Path | CapacityLimit::Host => return None,
            },
            Self::CountsMissing => ThroughputAdvice::CheckServer,
            _ => return None,
        })
    }
}

/// Why the figures of a run are not all that they seem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ThroughputCaveat {
    /// A host was close to its own limit.
    HostNearLimit {
        /// The sender's processors, in percent of a core; `None` where that is not known.
        sender_cpu_percent: Option<u64>,
        /// The receiver's.
        receiver_cpu_percent: Option<u64>,
    },
    /// The receiver's socket overflowed.
    ReceiverSocketOverflowed {
        /// Datagrams that were dropped there.
        #[serde(rename = "socket_drops")]
        dropped: u64,
    },
    /// Something that forwards datagrams cut or rewrote some.
    ContentChanged {
        /// Datagrams that arrived shorter than they were sent.
        cut: u64,
        /// Datagrams that arrived with other bytes.
        altered: u64,
    },
    /// A clock was set during the run.
    ClockSet {
        /// How often.
        times: u64,
    },
    /// The sender did not reach the target rate.
    SenderFellShort,
    /// Both ends are on this host, by its loopback.
    Loopback,
    /// Both ends are on this host.
    OneHost,
    /// The remote end's report contradicts this end's counts and is not used.
    CountsRejected {
        /// How.
        #[serde(serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<Contradiction>"))]
        contradiction: Contradiction,
    },
    /// The counts of one end are not its last.
    CountsNotFinal,
    /// An iperf3 server does not tell what its socket dropped: what is lost there counts as lost
    /// on the path.
    ReceiverDropsUnknown,
    /// More datagrams arrived at an iperf3 server than were sent: duplicates, which it does not
    /// count, and which hide as much loss.
    DuplicatesHideLoss {
        /// Datagrams that arrived.
        #[serde(rename = "received_datagrams")]
        received: u64,
        /// Datagrams sent.
        #[serde(rename = "sent_datagrams")]
        sent: u64,
    },
    /// An iperf3 server older than 3.14 does not say what it lost in the omitted time.
    OmittedLossUnknown,
    /// The greetings of streams were repeated: an iperf3 server up to 3.20 may have counted one as
    /// data.
    GreetingsRepeated {
        /// How often.
        times: u64,
    },
}

impl ThroughputCaveat {
    /// Whether it concerns one direction rather than the whole run.
    pub fn is_of_one_way(self) -> bool {
        matches!(
            self,
            Self::HostNearLimit { .. }
                | Self::ReceiverSocketOverflowed { .. }
                | Self::ContentChanged { .. }
                | Self::ClockSet { .. }
                | Self::SenderFellShort
                | Self::ReceiverDropsUnknown
                | Self::DuplicatesHideLoss { .. }
                | Self::OmittedLossUnknown
        )
    }
}

/// What the streams of a run show together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ThroughputEvidence {
    /// Some streams lose more than the others.
    StreamsLoseUnequally {
        /// Streams that lose more.
        worse_streams: u64,
        /// Datagrams that these sent.
        worse_sent: u64,
        /// Of these, lost on the way.
        worse_lost: u64,
        /// The other streams.
        better_streams: u64,
        /// Datagrams that these sent.
        better_sent: u64,
        /// Of these, lost on the way.
        better_lost: u64,
    },
    /// Some streams take longer than the others.
    StreamsDelayedUnequally {
        /// Streams that take longer.
        slower_streams: u64,
        /// The other streams.
        faster_streams: u64,
        /// How much longer the fastest datagram of the slower streams took than that of the
        /// others.
        longer_ns: u64,
    },
}

/// What else could explain a difference between streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ThroughputAlternative {
    /// A rate limit that the regular schedules of the streams meet in the same order each time.
    RateLimitInStep,
}

impl ThroughputEvidence {
    /// What else could explain it.
    pub fn alternative(self) -> Option<ThroughputAlternative> {
        match self {
            Self::StreamsLoseUnequally { .. } => Some(ThroughputAlternative::RateLimitInStep),
            Self::StreamsDelayedUnequally { .. } => None,
        }
    }
}

/// What is found of one direction.
pub type ThroughputFindings =
    Findings<ThroughputVerdict, ThroughputEvidence, ThroughputAlternative, ThroughputCaveat>;
