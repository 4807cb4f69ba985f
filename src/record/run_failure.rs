//! Why a throughput run failed, with figures and advice; `report::words::blast` has the text.

use super::{Contradiction, LocalFailure, ServerReply};
use crate::batch::{LocalRefusal, LocalSendFailure, NetworkError};
use crate::units::{Endpoint, Rate};
use serde::{Serialize, Serializer};

/// Why datagrams were refused, or did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RefusalCause {
    /// This host refused to send them.
    Host {
        /// Why.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        reason: LocalSendFailure,
    },
    /// An ICMP error received by this host.
    Network {
        /// The error.
        #[serde(serialize_with = "network_error")]
        error: NetworkError,
    },
    /// Reported by the remote end.
    Reported {
        /// Its text.
        #[serde(rename = "error_text")]
        words: String,
    },
}

impl RefusalCause {
    /// Whether another has the same cause, whatever it quotes.
    pub fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Network { error }, Self::Network { error: other }) => error.is_alike(other),
            (one, other) => one == other,
        }
    }
}

/// What ended a run before it was complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RunFailure {
    /// No reply from the server.
    NoReply {
        /// Where the server should be.
        target: Endpoint,
        /// How long it was waited for.
        waited_ns: u64,
    },
    /// No reply, and an ICMP error gave the reason.
    PathError {
        /// Where the server should be.
        target: Endpoint,
        /// How long it was waited for.
        waited_ns: u64,
        /// The ICMP error.
        #[serde(serialize_with = "network_error")]
        error: NetworkError,
    },
    /// Replies came from another address than the server's.
    OtherAddress {
        /// Where the server should be.
        target: Endpoint,
        /// Source of the replies.
        from: Endpoint,
    },
    /// This host itself sent no control message: nothing is known about the server.
    NotSent {
        /// Where the server should be.
        target: Endpoint,
        /// Why.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        reason: LocalSendFailure,
    },
    /// An ICMP error reported the port closed.
    PortClosed {
        /// Where the server should be.
        target: Endpoint,
        /// The ICMP error.
        #[serde(serialize_with = "network_error")]
        error: NetworkError,
    },
    /// The server requires a key.
    KeyNeeded,
    /// The server has another key.
    OtherKey,
    /// The server has no key.
    NoKeyThere,
    /// The server refuses the request, permanently or for now.
    Refused {
        /// Its reply.
        #[serde(flatten)]
        reply: ServerReply,
    },
    /// The server replied at first and then no more, before the run began or as it closed.
    SilentInDialogue {
        /// Time since the first request, in nanoseconds.
        silent_ns: u64,
        /// An ICMP error received meanwhile.
        #[serde(serialize_with = "maybe_network_error")]
        error: Option<NetworkError>,
    },
    /// The server replied while the run was on, and then no more.
    WentSilent {
        /// Time since the first request, in nanoseconds.
        silent_ns: u64,
        /// An ICMP error received meanwhile.
        #[serde(serialize_with = "maybe_network_error")]
        error: Option<NetworkError>,
    },
    /// The server's port was there before and was closed.
    WentAway {
        /// The ICMP error.
        #[serde(serialize_with = "network_error")]
        error: NetworkError,
    },
    /// The server knows the run no more.
    LostRun {
        /// Its reply.
        #[serde(flatten)]
        reply: ServerReply,
    },
    /// The server did not finish counting in time.
    NotCounted,
    /// The server did not end its streams when the user wanted an early end.
    NotStopped,
    /// The server gave the run up while this side still sent.
    EndedThere,
    /// The user ended it before it began.
    Interrupted,
    /// The server's report of the run cannot be true.
    CountsContradict {
        /// How.
        #[serde(serialize_with = "super::finding::one")]
        contradiction: Contradiction,
    },
    /// This host let no datagram of a stream's opening leave.
    StreamNotSent {
        /// Why.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        reason: LocalSendFailure,
    },
    /// A stream's opening got no reply.
    StreamNoReply {
        /// The command that got none.
        #[serde(rename = "verb")]
        command: &'static str,
        /// How long it was waited for.
        waited_ns: u64,
    },
    /// An ICMP error reported that a stream's first datagram was not delivered.
    StreamUnreachable {
        /// The ICMP error.
        #[serde(serialize_with = "network_error")]
        error: NetworkError,
    },
    /// The server refused a stream.
    StreamRefused {
        /// Its reply.
        #[serde(flatten)]
        reply: ServerReply,
    },
    /// This host refused every datagram of the run.
    DatagramsNotSent {
        /// Payload bytes of each.
        payload_bytes: u64,
        /// Why.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        reason: LocalSendFailure,
    },
    /// The server sent beyond the run's time.
    StillSending {
        /// By how much.
        over_ns: u64,
        /// The run's time.
        time_ns: u64,
    },
    /// A stream could not start, or its loop failed.
    StreamFailed {
        /// What this host could not do.
        #[serde(serialize_with = "super::finding::one")]
        cause: LocalFailure,
    },
    /// The counts of a series' run are not known to the end.
    TrialCountsMissing,
}

impl RunFailure {
    /// What this host's refusal means; `None` where this host refused nothing.
    pub fn refused_here(&self) -> Option<LocalRefusal> {
        match self {
            Self::NotSent { reason, .. } => Some(LocalRefusal::of(reason.errno)),
            _ => None,
        }
    }
}

/// What can be done about a run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FailureAdvice {
    /// Start the server, and let its port through.
    StartServerAndOpenPort {
        /// Where it should be.
        target: Endpoint,
    },
    /// Start the server.
    StartServer {
        /// Where it should be.
        target: Endpoint,
    },
    /// The server is this process's own: look at this host.
    CheckLoopback,
    /// Ask the address that replies.
    AskAddress {
        /// That address.
        from: Endpoint,
    },
    /// See how far datagrams get.
    TracePath {
        /// Where the server should be.
        target: Endpoint,
    },
    /// Advice for this host's own refusal.
    MendThisHost {
        /// The refusal.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        reason: LocalSendFailure,
    },
    /// Give the key that the server wants.
    GiveKey,
    /// Give both ends the same key.
    SameKey,
    /// Start the server with the key, or give none.
    NoKey,
    /// The server serves up to so much.
    LowerRate {
        /// The highest rate: bits of payload or datagrams a second.
        #[serde(flatten, serialize_with = "super::rates::limit")]
        rate: Rate,
    },
    /// The server may take it later.
    TryLater,
}

/// For serde: the cause of a refusal as the statement that it wraps, as in every document.
pub(super) fn cause<S: Serializer>(cause: &RefusalCause, to: S) -> Result<S::Ok, S::Error> {
    match cause {
        RefusalCause::Host { reason } => super::finding::one(reason, to),
        RefusalCause::Network { error } => network_error(error, to),
        RefusalCause::Reported { .. } => super::finding::one(cause, to),
    }
}

fn network_error<S: Serializer>(error: &NetworkError, to: S) -> Result<S::Ok, S::Error> {
    super::finding::one(&error.notice(), to)
}

#[expect(clippy::ref_option, reason = "as serde hands it over")]
fn maybe_network_error<S: Serializer>(
    error: &Option<NetworkError>,
    to: S,
) -> Result<S::Ok, S::Error> {
    super::finding::maybe(&error.as_ref().map(NetworkError::notice), to)
}
