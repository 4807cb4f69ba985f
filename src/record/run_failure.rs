//! Why a throughput run failed, with figures and advice; `report::words::blast` has the text.

use super::{Contradiction, Iperf3Failure, LocalFailure, LossPart, ServerReply};
use crate::batch::{LocalSendFailure, NetworkError};
use crate::units::{Endpoint, Rate};
use crate::wire::{Code, Reply};
use serde::{Serialize, Serializer};

/// Why datagrams were refused, or did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RefusalCause {
    /// This host refused to send them.
    Host {
        /// Why.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        reason: LocalSendFailure,
    },
    /// An ICMP error received by this host.
    Network {
        /// The error.
        #[serde(serialize_with = "network_error")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Statement"))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RunFailure {
    /// No reply from the server.
    NoReply {
        /// The server's address.
        target: Endpoint,
        /// How long the client waited.
        waited_ns: u64,
    },
    /// No reply, and an ICMP error gave the reason.
    PathError {
        /// The server's address.
        target: Endpoint,
        /// How long the client waited.
        waited_ns: u64,
        /// The ICMP error.
        #[serde(serialize_with = "network_error")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Statement"))]
        error: NetworkError,
    },
    /// Replies came from another address than the server's.
    OtherAddress {
        /// The server's address.
        target: Endpoint,
        /// Source of the replies.
        from: Endpoint,
    },
    /// This host itself sent no control message: nothing is known about the server.
    NotSent {
        /// The server's address.
        target: Endpoint,
        /// Why.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        reason: LocalSendFailure,
    },
    /// An ICMP error reported the port closed.
    PortClosed {
        /// The server's address.
        target: Endpoint,
        /// The ICMP error.
        #[serde(serialize_with = "network_error")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Statement"))]
        error: NetworkError,
    },
    /// The server does not know mixes of sizes: it is of an older version.
    SizesUnknown,
    /// The server requires a key.
    KeyNeeded,
    /// The server has another key.
    OtherKey,
    /// The server has no key.
    NoKeyThere,
    /// The server is of a version that cannot search for the capacity.
    NoCapacitySearch,
    /// The server refuses the request, permanently or for now.
    Refused {
        /// Its reply.
        #[serde(flatten)]
        reply: ServerReply,
    },
    /// The server replied at first and then stopped, before the run began or while it ended.
    SilentInDialogue {
        /// Time since the first request, in nanoseconds.
        silent_ns: u64,
        /// An ICMP error received meanwhile.
        #[serde(serialize_with = "maybe_network_error")]
        #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Statement>"))]
        error: Option<NetworkError>,
    },
    /// The server stopped replying during the run.
    WentSilent {
        /// Time since the first request, in nanoseconds.
        silent_ns: u64,
        /// An ICMP error received meanwhile.
        #[serde(serialize_with = "maybe_network_error")]
        #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Statement>"))]
        error: Option<NetworkError>,
    },
    /// The server's port was open, and then closed.
    WentAway {
        /// The ICMP error.
        #[serde(serialize_with = "network_error")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Statement"))]
        error: NetworkError,
    },
    /// The server no longer knows a session that it replied to a moment ago.
    ServerRestarted {
        /// Time since its last reply, in nanoseconds.
        silent_ns: u64,
        /// What it replies now.
        #[serde(flatten)]
        reply: ServerReply,
    },
    /// The server no longer knows the run.
    LostRun {
        /// Its reply.
        #[serde(flatten)]
        reply: ServerReply,
    },
    /// The server did not finish counting in time.
    NotCounted,
    /// The server did not end its streams when the user ended the run early.
    NotStopped,
    /// The server ended the run while this side was still sending.
    EndedThere,
    /// The user ended it before it began.
    Interrupted,
    /// The server's report of the run cannot be true.
    CountsContradict {
        /// The contradiction.
        #[serde(serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<Contradiction>"))]
        contradiction: Contradiction,
    },
    /// This host refused to send the datagrams that open a stream.
    StreamNotSent {
        /// Why.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        reason: LocalSendFailure,
    },
    /// The opening of a stream got no reply.
    StreamNoReply {
        /// The command that got no reply.
        #[serde(rename = "verb")]
        command: &'static str,
        /// How long the client waited.
        waited_ns: u64,
    },
    /// An ICMP error reported that a stream's first datagram was not delivered.
    StreamUnreachable {
        /// The ICMP error.
        #[serde(serialize_with = "network_error")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Statement"))]
        error: NetworkError,
    },
    /// A stream reached another server than the session's: several share the address.
    SeveralServers {
        /// The identity of the session's server.
        session_server: String,
        /// The identity of the server that answered the stream.
        stream_server: String,
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
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        reason: LocalSendFailure,
    },
    /// The server kept sending after the end of the run.
    StillSending {
        /// How long after.
        over_ns: u64,
        /// The run's time.
        time_ns: u64,
    },
    /// A stream could not start, or its loop failed.
    StreamFailed {
        /// What failed on this host.
        #[serde(serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalFailure>"))]
        cause: LocalFailure,
    },
    /// The final counts of a run in a series are not known.
    TrialCountsMissing,
    /// The server's version does not compare ECN fields.
    NoEcnComparison,
    /// A series ends: the path was interrupted in each of so many runs at one rate.
    TrialOutages {
        /// How many.
        trials: u64,
    },
    /// The test with an iperf3 server failed.
    Iperf3 {
        /// How.
        #[serde(serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<Iperf3Failure>"))]
        cause: Iperf3Failure,
    },
}

/// What can be done about a run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FailureAdvice {
    /// See to what this host dropped: it may have been the replies.
    LostHere {
        /// Where; not empty.
        losses: Vec<LossPart>,
    },
    /// Start the server, and open its port in the firewall.
    StartServerAndOpenPort {
        /// Its address.
        target: Endpoint,
    },
    /// Start the server.
    StartServer {
        /// Its address.
        target: Endpoint,
    },
    /// The server is part of this process: check this host's loopback.
    CheckLoopback,
    /// Use the address that replies.
    AskAddress {
        /// That address.
        from: Endpoint,
    },
    /// Trace how far datagrams get.
    TracePath {
        /// The server's address.
        target: Endpoint,
    },
    /// Advice for this host's own refusal.
    MendThisHost {
        /// The refusal.
        #[serde(rename = "cause", serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        reason: LocalSendFailure,
    },
    /// Give the key that the server requires.
    GiveKey,
    /// Give both ends the same key.
    SameKey,
    /// Start the server with the key, or give none.
    NoKey,
    /// Use a rate that the server allows.
    LowerRate {
        /// The highest allowed rate: bits of payload or datagrams per second.
        #[serde(flatten, serialize_with = "super::rates::limit")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::LimitRate"))]
        rate: Rate,
    },
    /// Say at which rate to send, or update the server.
    GiveRate,
    /// Use the address of one server.
    AskOneServer,
    /// Try again later: the refusal is temporary.
    TryLater,
    /// An iperf3 server is there: measure with that.
    UseIperf3 {
        /// The host, as given by the user.
        host: String,
        /// The server's port, for TCP and UDP.
        port: u16,
    },
    /// Start an iperf3 server, whose port may be closed or filtered.
    StartIperf3 {
        /// Its address.
        target: Endpoint,
    },
    /// Ask an iperf3 server for a shorter test.
    ShorterTime,
    /// Ask an iperf3 server for a lower rate; it does not say which it allows.
    LowerTotalRate,
    /// Check what an iperf3 server authenticates its clients by.
    CheckCredentials,
    /// Open the UDP port of an iperf3 server.
    OpenUdpPort {
        /// Its address.
        target: Endpoint,
    },
    /// Run one direction at a time.
    OneWayAtATime,
}

/// For serde: the cause of a refusal as the statement that it wraps, like causes in every document.
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

impl RunFailure {
    /// Why the far end refused the request for a run.
    pub fn refused(reply: &Reply) -> Self {
        match reply.code {
            Code::KEY_NEEDED => Self::KeyNeeded,
            _ => Self::Refused { reply: reply.into() },
        }
    }
}
