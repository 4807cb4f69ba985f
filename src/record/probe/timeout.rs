//! What `probe timeout` found.

use super::{NoAgent, ProbeCaveat};
use crate::batch::OwnFinding;
use crate::record::finding::{Findings, Never, all, maybe};
use crate::units::Endpoint;
use serde::Serialize;

/// Which of a NAT's or firewall's timers (RFC 4787 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdleTimer {
    /// The one that runs after one datagram out, before anything came back.
    OneDatagram,
    /// The one that runs once traffic went both ways for a while.
    Established,
}

/// What became of one socket's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdleOutcome {
    /// An answer came after the silence.
    Open,
    /// The far end sent its answers, and none came, which is no chance.
    Closed,
    /// Neither is known.
    Unknown,
}

/// One silence that was tried, on a socket of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdleTrial {
    /// How long nothing went either way.
    pub silence_ns: u64,
    /// Whether it belongs to the refinement between two of the first.
    pub refinement: bool,
    /// What became of it.
    pub outcome: IdleOutcome,
    /// Answers that the far end sent after the silence, copies not counted; `None` when not known, as
    /// where the first that came decided it.
    pub sent: Option<u32>,
    /// Answers that came.
    pub answers: u32,
    /// Why the outcome is not known; `None` when it is.
    #[serde(serialize_with = "maybe")]
    pub why: Option<IdleUnknown>,
}

/// Why it is not known whether a path was open after a silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum IdleUnknown {
    /// The socket proved its address by the same path, and so late that the path may count as
    /// established.
    SlowProof {
        /// How long it took.
        took_ns: u64,
    },
    /// The socket could not prove its address.
    NotProven {
        /// Why.
        reason: NoAgent,
    },
    /// This host refused to send.
    NotSent {
        /// The system's error number, errno(3).
        errno: i32,
        /// What explains it, in one word.
        cause: &'static str,
        /// The same with all that was looked up.
        #[serde(skip)]
        found: OwnFinding,
    },
    /// What was to establish the flow was not answered.
    NotEstablished,
    /// The request did not reach the remote agent.
    RequestLost {
        /// How often it was sent.
        requests: u32,
    },
    /// The agent's limits kept its replies back.
    RepliesWithheld,
    /// The agent did not send a reply.
    NoReplySent,
    /// This host stood still when the replies were due.
    HostPaused,
    /// No reply came, not even those that an open path would have let in.
    NothingCame,
    /// The agent was lost before.
    AgentLost {
        /// Why.
        reason: NoAgent,
    },
    /// The run ended before.
    EndedEarly,
    /// No reply came, and nothing is known of the loss of the path.
    LossUnknown {
        /// Replies that were sent.
        replies: u64,
    },
    /// No reply came, and the path loses so many datagrams that it may be chance.
    LossyPath {
        /// Replies that were sent.
        replies: u64,
        /// Datagrams that are answered at once and were not.
        control_lost: u64,
        /// All of these.
        control_sent: u64,
    },
    /// No reply came, of too few to be sure.
    TooFewReplies {
        /// Replies that were sent.
        replies: u64,
    },
}

impl IdleUnknown {
    /// This host's refusal.
    pub fn not_sent(found: OwnFinding) -> Self {
        Self::NotSent { errno: found.errno, cause: found.code(), found }
    }
}

/// One timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdleTimerReport {
    /// Which.
    pub timer: IdleTimer,
    /// The longest silence before the first that was too long; `None` when none was survived.
    pub open_ns: Option<u64>,
    /// The shortest silence that was too long; `None` when none was.
    pub closed_ns: Option<u64>,
    /// Whether a longer silence than one that was too long was survived; `None` when none was too
    /// long.
    pub monotonic: Option<bool>,
    /// Each silence, shortest first.
    pub trials: Vec<IdleTrial>,
}

/// A document of `probe timeout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimeoutReport {
    /// The far end.
    pub target: Endpoint,
    /// The dialogue's own address as the far end saw it; `None` when it told none.
    pub seen_as: Option<Endpoint>,
    /// What it comes to.
    #[serde(flatten)]
    pub findings: TimeoutFindings,
    /// Why there is no remote agent, without which nothing is known; `None` where there is one.
    #[serde(serialize_with = "maybe")]
    pub no_agent: Option<NoAgent>,
    /// How often to send something so that the path stays open, with a margin; `None` when not
    /// known.
    pub keep_alive_ns: Option<u64>,
    /// Each timer.
    pub timers: Vec<IdleTimerReport>,
    /// Whether what comes in alone keeps the path open; `None` when it was not asked or is not
    /// known.
    pub inbound_refreshes: Option<bool>,
    /// What could not be known, and why.
    #[serde(serialize_with = "all")]
    pub not_known: Vec<TimeoutUnknown>,
    /// Further answers to what had one: copies that the network made, of either.
    pub copies: u64,
    /// Whether it was ended early.
    pub interrupted: bool,
    /// How long it took.
    pub duration_ns: u64,
}

/// What a probe of idle timers comes to.
pub type TimeoutFindings = Findings<TimeoutVerdict, TimeoutEvidence, Never, TimeoutCaveat>;

/// How far a timer is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IdleLimit {
    /// The longest silence that was survived before the first that was too long; `None` when none
    /// was.
    pub open_ns: Option<u64>,
    /// The shortest silence that was too long; `None` when none was.
    pub closed_ns: Option<u64>,
}

/// How long an idle path stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TimeoutVerdict {
    /// There is no remote agent.
    NoAgent {
        /// Why.
        reason: NoAgent,
    },
    /// An idle path closes, and it is known how often to send.
    KeepAlive {
        /// How often, with a margin.
        every_ns: u64,
        /// The timer after one datagram out.
        one_datagram: IdleLimit,
        /// The timer of traffic both ways.
        established: IdleLimit,
    },
    /// An idle path closes; how often to send is not known.
    Closes {
        /// The timer after one datagram out.
        one_datagram: IdleLimit,
        /// The timer of traffic both ways.
        established: IdleLimit,
    },
    /// An idle path closes, and was open after no silence that was tried.
    NoneSafe {
        /// The timer after one datagram out.
        one_datagram: IdleLimit,
        /// The timer of traffic both ways.
        established: IdleLimit,
    },
    /// The path was open after the longest silence.
    StaysOpen {
        /// That silence.
        open_ns: u64,
        /// How often to send so that it is safe.
        every_ns: u64,
    },
    /// The path was open after a silence, and longer ones are not known.
    OpenAtLeast {
        /// That silence.
        open_ns: u64,
        /// How often to send so that it is safe.
        every_ns: u64,
    },
    /// Only one of the timers is known, and none closes the path.
    OneTimerKnown,
    /// The user ended the run before a silence was over.
    Interrupted,
    /// No reply came after any silence.
    NoReplies,
}

/// Replies after one silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IdleReplies {
    /// The silence.
    pub silence_ns: u64,
    /// Replies that came.
    pub replies: u32,
    /// Replies that the agent sent; `None` when not known, as where the first that came decided it.
    pub sent: Option<u32>,
}

/// What was seen of an idle path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TimeoutEvidence {
    /// Replies around the limit of a timer.
    Replies {
        /// Which.
        timer: IdleTimer,
        /// After the longest silence that was survived, and after the shortest that was not.
        after: Vec<IdleReplies>,
    },
    /// Inbound traffic alone keeps the path open.
    InboundRefreshes,
    /// Inbound traffic alone does not keep the path open.
    InboundDoesNotRefresh,
}

/// What to keep in mind of an idle path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TimeoutCaveat {
    /// A longer silence than one that was too long was survived.
    NotMonotonic {
        /// Of which timer.
        timer: IdleTimer,
    },
    /// The timer of one datagram was tried on paths that had seen a few both ways.
    ProvenByOwnPath,
    /// What any probe may have to say.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// What could not be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TimeoutUnknown {
    /// Whether the path was open after these silences.
    Silences {
        /// Of which timer.
        timer: IdleTimer,
        /// The silences.
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
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RefreshUnknown {
    /// No silence was long enough to close the path.
    NeverClosed,
    /// No silence short enough was survived.
    NoneSurvived,
    /// Its replies may be lost by chance.
    MayBeLoss,
    /// It was tried in vain; the code is that of the reason.
    #[serde(untagged)]
    Tried(IdleUnknown),
}

/// What happens meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutEvent {
    /// All first silences have begun.
    Begun {
        /// How many sockets are silent.
        sockets: usize,
        /// The longest silence.
        longest_ns: u64,
    },
    /// One is decided.
    Decided {
        /// Which timer.
        timer: IdleTimer,
        /// After how long a silence.
        silence_ns: u64,
        /// How.
        outcome: IdleOutcome,
    },
    /// A refinement between two silences has begun.
    Refining {
        /// Which timer.
        timer: IdleTimer,
        /// The longest that was survived; zero for none.
        open_ns: u64,
        /// The shortest that was not.
        closed_ns: u64,
        /// How many silences between them are tried.
        sockets: usize,
    },
    /// A silence that may be chance is tried again.
    Again {
        /// Which timer.
        timer: IdleTimer,
        /// How long a silence.
        silence_ns: u64,
    },
    /// Whether inbound traffic alone keeps the path open is being tried.
    Refreshing {
        /// How long that takes.
        duration_ns: u64,
    },
}
