//! Events and results of `send`: replies and problems as they occur, and the summary.

use super::Occurrence;
use super::rates::rates_between;
use crate::batch::{Datagram, LocalSendFailure, NetworkErrorSummary, TxCall};
use crate::units::{Endpoint, Nanos};
use serde::Serialize;

/// Something that happened while `send` ran.
#[derive(Clone, Copy, Debug)]
pub enum SendEvent<'a> {
    /// A reply arrived.
    Reply(&'a Reply<'a>),
    /// The network reported an error: the first of its kind.
    Trouble(&'a Trouble),
    /// The kernel refused a datagram: the first for this reason.
    Refused(&'a SendRefusal),
    /// All pending events have been delivered: time to flush buffered output.
    Lull,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The datagram itself.
    pub datagram: &'a Datagram<'a>,
    /// Time from the last datagram sent to this host (or to any host, if none was) until the reply
    /// arrived, by kernel time stamps if available; `None` when nothing had been sent.
    pub after: Option<Nanos>,
    /// Whether its source is one of the destinations.
    pub asked: bool,
}

/// Network errors of one kind for one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trouble {
    /// Where the datagrams were going.
    pub destination: Endpoint,
    /// The error, with the address that it came from.
    #[serde(serialize_with = "super::finding::one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<NetworkErrorSummary>"))]
    pub error: NetworkErrorSummary,
    /// Number of such errors; one may stand for a whole GSO buffer that was never segmented.
    pub times: u64,
    /// When they came.
    #[serde(flatten)]
    pub seen: Occurrence,
}

/// Datagrams to one destination that this host refused for one reason: they never left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SendRefusal {
    /// The destination; the first of several if there are too many to list.
    pub destination: Endpoint,
    /// The reason.
    #[serde(serialize_with = "super::finding::one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
    pub cause: LocalSendFailure,
    /// How many were refused.
    pub datagrams: u64,
    /// When.
    #[serde(flatten)]
    pub seen: Occurrence,
}

impl SendRefusal {
    /// One refusal, as far as the error number alone explains it.
    pub fn new(errno: i32, destination: Endpoint) -> Self {
        Self::explained(&LocalSendFailure::from_errno(errno, destination.into()))
    }

    /// One refusal, explained by the state of this host.
    pub fn explained(finding: &LocalSendFailure) -> Self {
        let destination = finding.destination.into();
        Self { destination, cause: finding.clone(), datagrams: 1, seen: Occurrence::default() }
    }

    /// The same, at this time since the start of the run.
    #[must_use]
    pub fn at(self, at: Nanos) -> Self {
        Self { seen: Occurrence::once(at), ..self }
    }

    /// More of the same, at this time.
    pub fn again(&mut self, at: Nanos, datagrams: u64) {
        self.datagrams += datagrams;
        self.seen.again(at);
    }

    /// The system's error number, errno(3).
    pub fn errno(&self) -> i32 {
        self.cause.errno
    }
}

/// One destination of `send`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SendTarget {
    /// Its address.
    pub address: Endpoint,
    /// How many times it was given: it gets each datagram that many times.
    pub times: u64,
    /// Datagrams to it that the kernel accepted.
    pub datagrams: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Datagrams received from it.
    pub replies: u64,
}

/// The end of `send`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SendSummary {
    /// Datagrams that the kernel accepted, over all destinations.
    pub datagrams: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// From the start to the last datagram.
    pub duration_ns: u64,
    /// Payload bits per second over that time; `None` if it is too short to measure.
    pub bits_per_second: Option<u64>,
    /// Datagrams per second over that time.
    pub datagrams_per_second: Option<u64>,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// Time that this host itself paused meanwhile.
    pub paused_ns: u64,
    /// Each destination, once.
    pub destinations: Vec<SendTarget>,
    /// Datagrams that this host refused, by destination and reason.
    #[serde(rename = "refusals")]
    pub refused: Vec<SendRefusal>,
    /// Errors from the network, by destination and kind.
    pub network_errors: Vec<Trouble>,
    /// Errors beyond the kinds that are listed.
    pub other_network_errors: u64,
    /// Answers; `None` without waiting for answers.
    pub replies: Option<u64>,
    /// Answers from addresses that were not destinations; `None` without waiting for answers.
    pub foreign_replies: Option<u64>,
    /// The first of these addresses.
    pub foreign_source: Option<Endpoint>,
    /// The first answers, for a JSON document.
    #[serde(rename = "reply_rows")]
    pub answers: Vec<Answer>,
    /// The send call in use at the end.
    #[serde(rename = "tx_mode")]
    pub io: TxCall,
}

/// One answer, kept for the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Answer {
    /// Its source.
    pub source: Endpoint,
    /// Its payload bytes.
    #[serde(rename = "payload_bytes")]
    pub length: u64,
    /// Time from the last datagram to its sender until it arrived.
    pub after_ns: Option<u64>,
    /// The payload as text; `None` when it is not UTF-8.
    #[serde(rename = "payload_text")]
    pub text: Option<String>,
    /// The payload in hexadecimal digits.
    #[serde(rename = "payload_hex")]
    pub hex: String,
}

impl SendSummary {
    /// Calculates the rates from counts and time. A single datagram has none.
    pub fn set_rates(&mut self) {
        let span = Nanos(self.duration_ns);
        (self.bits_per_second, self.datagrams_per_second) =
            rates_between(self.datagrams, self.bytes, span);
    }

    /// Datagrams that never left.
    pub fn refused_datagrams(&self) -> u64 {
        self.refused.iter().map(|refusal| refusal.datagrams).sum()
    }
}
