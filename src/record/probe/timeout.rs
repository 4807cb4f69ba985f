//! The result of `probe timeout`.

use super::{NoAgent, ProbeCaveat};
use crate::batch::LocalSendFailure;
use crate::record::finding::{Findings, Never, all, maybe, one};
use crate::units::Endpoint;
use serde::Serialize;

/// Which of a NAT's or firewall's timers (RFC 4787 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum IdleTimer {
    /// The timer after a single outbound datagram, before any reply.
    OneDatagram,
    /// The timer once traffic has gone both ways for a while.
    Established,
}

/// The outcome for one socket's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum IdleOutcome {
    /// A reply arrived after the idle time.
    Open,
    /// The remote end sent its replies, none arrived, and chance is ruled out.
    Closed,
    /// Neither is known.
    Unknown,
}

/// One idle time that was tested, on its own socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IdleTrial {
    /// The idle time: no traffic in either direction, in nanoseconds.
    pub silence_ns: u64,
    /// Whether it belongs to the refinement between two of the initial idle times.
    pub refinement: bool,
    /// Its outcome.
    pub outcome: IdleOutcome,
    /// Replies that the remote end sent after the idle time, without copies; `None` when not known,
    /// for example if the first arrival decided the trial.
    pub sent: Option<u32>,
    /// Replies that arrived.
    pub answers: u32,
    /// Why the outcome is not known; `None` when it is.
    #[serde(rename = "reason", serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<IdleUnknown>>"))]
    pub why: Option<IdleUnknown>,
}

/// Why it is not known whether a path was open after an idle time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum IdleUnknown {
    /// The socket verified its address over the same path, so slowly that the path may count as
    /// established.
    SlowProof {
        /// How long it took.
        took_ns: u64,
    },
    /// The socket could not verify its address.
    NotProven {
        /// Why.
        reason: NoAgent,
    },
    /// This host refused to send.
    NotSent {
        /// Why, according to the state of this host.
        #[serde(rename = "cause", serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        found: LocalSendFailure,
    },
    /// The datagrams that should establish the flow were not answered.
    NotEstablished,
    /// The request did not reach the remote agent.
    RequestLost {
        /// How often it was sent.
        requests: u32,
    },
    /// The agent withheld its replies because of its limits.
    RepliesWithheld,
    /// The agent did not send a reply.
    NoReplySent,
    /// This host was paused when the replies were due.
    HostPaused,
    /// No reply arrived, not even those that an open path would have passed.
    NothingCame,
    /// Contact with the agent was lost first.
    AgentLost {
        /// Why.
        reason: NoAgent,
    },
    /// The run ended first.
    EndedEarly,
    /// No reply arrived, and the path's loss is unknown.
    LossUnknown {
        /// Replies that were sent.
        replies: u64,
    },
    /// No reply arrived, but the path loses so many datagrams that this may be chance.
    LossyPath {
        /// Replies that were sent.
        replies: u64,
        /// Control datagrams, which are answered at once, that got no answer.
        control_lost: u64,
        /// All control datagrams.
        control_sent: u64,
    },
    /// No reply arrived, but too few were sent to be sure.
    TooFewReplies {
        /// Replies that were sent.
        replies: u64,
    },
}

impl IdleUnknown {
    /// This host's refusal.
    pub fn not_sent(found: LocalSendFailure) -> Self {
        Self::NotSent { found }
    }
}

/// One timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IdleTimerReport {
    /// Which timer.
    pub timer: IdleTimer,
    /// The longest idle time with the path still open, below the first with it closed; `None` when
    /// there is none.
    pub open_ns: Option<u64>,
    /// The shortest idle time after which the path was closed; `None` when there is none.
    pub closed_ns: Option<u64>,
    /// Whether the path was open after a longer idle time than one that closed it; `None` when none
    /// closed it.
    pub monotonic: Option<bool>,
    /// Each idle time, shortest first.
    #[serde(rename = "idle_trials")]
    pub trials: Vec<IdleTrial>,
}

/// A document of `probe timeout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TimeoutReport {
    /// The remote end.
    pub target: Endpoint,
    /// The control connection's local address as the remote end saw it; `None` if not reported.
    pub seen_as: Option<Endpoint>,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: TimeoutFindings,
    /// Why there is no remote agent, without which there is no result; `None` if there is one.
    #[serde(serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NoAgent>>"))]
    pub no_agent: Option<NoAgent>,
    /// Keep-alive interval that keeps the path open, with a margin; `None` when not known.
    pub keep_alive_ns: Option<u64>,
    /// Each timer.
    pub timers: Vec<IdleTimerReport>,
    /// Whether inbound traffic alone keeps the path open; `None` if not tested or not known.
    pub inbound_refreshes: Option<bool>,
    /// What could not be known, and why.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<TimeoutUnknown>>"))]
    pub not_known: Vec<TimeoutUnknown>,
    /// Second and further answers to what had one: duplicates that the network made, of request or
    /// answer.
    pub copies: u64,
    /// Whether it was ended early.
    pub interrupted: bool,
    /// How long it took.
    pub duration_ns: u64,
}

/// The findings of an idle timeout probe.
pub type TimeoutFindings = Findings<TimeoutVerdict, TimeoutEvidence, Never, TimeoutCaveat>;

/// The known bounds of a timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IdleLimit {
    /// The longest idle time with the path still open, below the first with it closed; `None` when
    /// there is none.
    pub open_ns: Option<u64>,
    /// The shortest idle time after which the path was closed; `None` when there is none.
    pub closed_ns: Option<u64>,
}

/// How long an idle path stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TimeoutVerdict {
    /// There is no remote agent.
    NoAgent {
        /// Why.
        reason: NoAgent,
    },
    /// An idle path closes, and a sufficient keep-alive interval is known.
    KeepAlive {
        /// The interval, with a margin.
        every_ns: u64,
        /// The timer after one datagram out.
        one_datagram: IdleLimit,
        /// The timer of traffic both ways.
        established: IdleLimit,
    },
    /// An idle path closes; a sufficient keep-alive interval is not known.
    Closes {
        /// The timer after one datagram out.
        one_datagram: IdleLimit,
        /// The timer of traffic both ways.
        established: IdleLimit,
    },
    /// The path closes when idle, and was closed after every idle time tested.
    NoneSafe {
        /// The timer after one datagram out.
        one_datagram: IdleLimit,
        /// The timer of traffic both ways.
        established: IdleLimit,
    },
    /// The path was open after the longest idle time.
    StaysOpen {
        /// That idle time, in nanoseconds.
        open_ns: u64,
        /// A safe keep-alive interval.
        every_ns: u64,
    },
    /// The path was open after this idle time; longer ones are unknown.
    OpenAtLeast {
        /// That idle time, in nanoseconds.
        open_ns: u64,
        /// A safe keep-alive interval.
        every_ns: u64,
    },
    /// Only one of the timers is known, and none closes the path.
    OneTimerKnown,
    /// The user ended the run before the first idle time was over.
    Interrupted,
    /// No reply arrived after any idle time.
    NoReplies,
}

/// Replies after one idle time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IdleReplies {
    /// The idle time, in nanoseconds.
    pub silence_ns: u64,
    /// Replies that arrived.
    pub replies: u32,
    /// Replies that the agent sent; `None` when not known, for example if the first arrival decided
    /// the trial.
    pub sent: Option<u32>,
}

/// Evidence about an idle path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TimeoutEvidence {
    /// Replies around the limit of a timer.
    Replies {
        /// Which timer.
        timer: IdleTimer,
        /// After the longest idle time with the path open, and the shortest with it closed.
        #[serde(rename = "idle_rows")]
        after: Vec<IdleReplies>,
    },
    /// Inbound traffic alone keeps the path open.
    InboundRefreshes,
    /// Inbound traffic alone does not keep the path open.
    InboundDoesNotRefresh,
}

/// Caveats about an idle path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TimeoutCaveat {
    /// The path was open after a longer idle time than one that closed it.
    NotMonotonic {
        /// Of which timer.
        timer: IdleTimer,
    },
    /// The timer after one datagram was tested on paths that had carried a few in both directions.
    ProvenByOwnPath,
    /// A caveat common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// What could not be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TimeoutUnknown {
    /// Whether the path was open after these idle times.
    Silences {
        /// Of which timer.
        timer: IdleTimer,
        /// The idle times, in nanoseconds.
        silences_ns: Vec<u64>,
        /// Why, for the first of them of which it is known.
        reason: IdleUnknown,
    },
    /// Whether inbound traffic alone keeps the path open.
    InboundRefresh {
        /// Why.
        reason: RefreshUnknown,
    },
}

/// Why it is not known whether inbound traffic alone keeps the path open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RefreshUnknown {
    /// No idle time tested was long enough to close the path.
    NeverClosed,
    /// No idle time tested was short enough to keep the path open.
    NoneSurvived,
    /// Its replies may be lost by chance.
    MayBeLoss,
    /// The test failed; the code is that of the reason.
    #[serde(untagged)]
    Tried(IdleUnknown),
}

/// Progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutEvent {
    /// All initial trials have started.
    Begun {
        /// Number of idle sockets.
        sockets: usize,
        /// The longest idle time, in nanoseconds.
        longest_ns: u64,
    },
    /// One is decided.
    Decided {
        /// Which timer.
        timer: IdleTimer,
        /// The idle time, in nanoseconds.
        silence_ns: u64,
        /// How.
        outcome: IdleOutcome,
    },
    /// A refinement between two idle times has started.
    Refining {
        /// Which timer.
        timer: IdleTimer,
        /// The longest idle time with the path still open; zero for none.
        open_ns: u64,
        /// The shortest idle time after which it was closed.
        closed_ns: u64,
        /// Number of idle times tested between them.
        sockets: usize,
    },
    /// An idle time whose result may be chance is tested again.
    Again {
        /// Which timer.
        timer: IdleTimer,
        /// The idle time, in nanoseconds.
        silence_ns: u64,
    },
    /// Whether inbound traffic alone keeps the path open is being tried.
    Refreshing {
        /// The duration of the test, in nanoseconds.
        duration_ns: u64,
    },
}
