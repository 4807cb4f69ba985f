//! What `probe timeout` found.

use super::Verdict;
use serde::Serialize;
use std::fmt;
use std::net::SocketAddr;

/// Which of a NAT's or firewall's timers (RFC 4787 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdleTimer {
    /// The one that runs after one datagram out, before anything came back.
    OneDatagram,
    /// The one that runs once traffic went both ways for a while.
    Established,
}

impl IdleTimer {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::OneDatagram => "after one datagram out",
            Self::Established => "established",
        }
    }
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
    pub why: Option<String>,
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
    pub target: SocketAddr,
    /// The dialogue's own address as the far end saw it; `None` when it told none.
    pub seen_as: Option<SocketAddr>,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whether a helper was there; without one nothing is known.
    pub helper: bool,
    /// How often to send something so that the path stays open, with a margin; `None` when not
    /// known.
    pub keep_alive_ns: Option<u64>,
    /// Each timer.
    pub timers: Vec<IdleTimerReport>,
    /// Whether what comes in alone keeps the path open; `None` when it was not asked or is not
    /// known.
    pub inbound_refreshes: Option<bool>,
    /// What could not be known, and why.
    pub not_known: Vec<String>,
    /// Further answers to what had one: copies that the network made, of either.
    pub copies: u64,
    /// Whether it was ended early.
    pub interrupted: bool,
    /// How long it took.
    pub duration_ns: u64,
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

impl fmt::Display for TimeoutEvent {
    /// A line for whoever waits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::units::Nanos;
        match self {
            Self::Begun { sockets, longest_ns } => {
                let longest = Nanos(*longest_ns);
                write!(f, "{sockets} sockets keep silent, for {longest} at most")
            }
            Self::Decided { timer, silence_ns, outcome } => {
                let (silence, timer) = (Nanos(*silence_ns), timer.words());
                match outcome {
                    IdleOutcome::Open => write!(f, "{timer}: open after {silence}"),
                    IdleOutcome::Closed => write!(f, "{timer}: no answer after {silence}"),
                    IdleOutcome::Unknown => write!(f, "{timer}: not known after {silence}"),
                }
            }
            Self::Refining { timer, open_ns, closed_ns, sockets } => {
                let (open, closed, timer) = (Nanos(*open_ns), Nanos(*closed_ns), timer.words());
                write!(f, "{timer}: trying {sockets} silences between {open} and {closed}")
            }
            Self::Again { timer, silence_ns } => {
                let (silence, timer) = (Nanos(*silence_ns), timer.words());
                write!(f, "{timer}: no answer after {silence} may be chance; trying again")
            }
            Self::Refreshing { duration_ns } => {
                let duration = Nanos(*duration_ns);
                write!(f, "trying for {duration} whether inbound traffic keeps it open")
            }
        }
    }
}
