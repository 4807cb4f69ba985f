//! Events and results of `recv`: datagrams, intervals, and the summary.

use super::finding::all;
use super::rates::{rates, rates_between};
use super::{HostReport, InterfaceEvent, LossPart, SendRefusal, Trouble};
use crate::batch::{Datagram, RxCall};
use crate::units::{Endpoint, Nanos};
use serde::Serialize;
use std::net::IpAddr;

/// Something that happened while `recv` ran.
#[derive(Clone, Copy, Debug)]
pub enum RecvEvent<'a> {
    /// A datagram arrived.
    Datagram(&'a Received<'a>),
    /// An interval is over.
    Interval(&'a RecvInterval),
    /// The user asked for interim results.
    Status {
        /// Datagrams so far.
        datagrams: u64,
        /// Their payload bytes.
        bytes: u64,
        /// Time since the run began.
        elapsed: Nanos,
    },
    /// How it stands, for programs that watch the run.
    Standing(&'a RecvStanding),
    /// The network reported an error for one of our answers: the first of its kind.
    Trouble(&'a Trouble),
    /// A membership or an address went or came back.
    Interface(&'a InterfaceEvent),
    /// All pending events have been delivered: time to flush buffered output.
    Lull,
}

/// A datagram, with the socket that received it and its header.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The datagram.
    pub datagram: &'a Datagram<'a>,
    /// Local address of the socket that received it.
    pub local: Endpoint,
    /// Its UDP header, if requested.
    pub header: Option<UdpFields>,
}

/// The four fields of a UDP header (RFC 768).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UdpFields {
    /// Sender's port; 0 for none.
    pub source_port: u16,
    /// Receiver's port.
    pub destination_port: u16,
    /// Bytes of header and payload, 8 to 65,535.
    #[serde(rename = "length_bytes")]
    pub length: u16,
    /// Checksum over pseudo-header, header and payload, computed from the received bytes; `None`
    /// when the payload was truncated or the destination is not known.
    pub checksum: Option<u16>,
}

/// A datagram as a JSON line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DatagramRecord {
    /// Arrival, nanoseconds since 1970.
    pub arrival_ns: u64,
    /// Its source.
    pub source: Endpoint,
    /// The destination address; `None` if not available.
    pub destination: Option<IpAddr>,
    /// The port that it was sent to.
    pub port: u16,
    /// The receiving interface; `None` if not available.
    pub interface: Option<String>,
    /// Its payload's true length in bytes.
    #[serde(rename = "payload_bytes")]
    pub length: u64,
    /// Whether it was longer than the buffer; `hex` and `text` then contain only its beginning.
    #[serde(rename = "is_truncated")]
    pub truncated: bool,
    /// Its UDP header; `None` if not requested.
    #[serde(rename = "udp_header")]
    pub header: Option<UdpFields>,
    /// TTL or hop limit as received; `None` if not available.
    pub ttl: Option<u8>,
    /// DSCP as received, 0 to 63; `None` if not available.
    pub dscp: Option<u8>,
    /// ECN as received, 0 to 3; `None` if not available.
    pub ecn: Option<u8>,
    /// Time since the last datagram to its sender; `None` if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ns: Option<u64>,
    /// The payload as text; `None` when it is not UTF-8.
    #[serde(rename = "payload_text")]
    pub text: Option<String>,
    /// The payload in hexadecimal digits.
    #[serde(rename = "payload_hex")]
    pub hex: String,
}

/// Datagrams received in one interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecvInterval {
    /// Its start, from the start of the run.
    pub start_ns: u64,
    /// Its length.
    pub duration_ns: u64,
    /// Datagrams received.
    pub datagrams: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Buffers that this host's sockets dropped in this interval.
    #[serde(rename = "socket_drops")]
    pub drops: u64,
    /// Of these, at most so many because they were damaged (`InCsumErrors`).
    pub damaged: u64,
    /// Payload bits per second.
    pub bits_per_second: Option<u64>,
    /// Datagrams per second.
    pub datagrams_per_second: Option<u64>,
}

impl RecvInterval {
    /// Calculates the rates.
    pub fn set_rates(&mut self) {
        let span = Nanos(self.duration_ns);
        (self.bits_per_second, self.datagrams_per_second) = rates(self.datagrams, self.bytes, span);
    }
}

/// Why `recv` ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RecvEnd {
    /// The user ended it.
    #[default]
    Stopped,
    /// `--count` datagrams arrived.
    Count,
    /// `--timeout` passed.
    Timeout,
    /// Nothing arrived for `--idle`.
    Idle,
    /// Nobody reads standard output any more.
    Closed,
}

/// One sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SourceRecord {
    /// Its address.
    pub address: Endpoint,
    /// Datagrams from it.
    pub datagrams: u64,
    /// Their payload bytes.
    pub bytes: u64,
}

/// Gaps between one arrival and the next at the same socket. A percentile is `None` unless ten
/// samples lie beyond it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GapRecord {
    /// How many gaps there were.
    pub samples: u64,
    /// The shortest; `None` when there was none.
    pub min: Option<u64>,
    /// Median.
    pub p50: Option<u64>,
    /// 90th percentile.
    pub p90: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// 99.9th percentile.
    pub p999: Option<u64>,
    /// The longest; `None` when there was none.
    pub max: Option<u64>,
}

/// How it stands while the run goes on: the counts since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecvStanding {
    /// Payload bytes received, counted in full for truncated datagrams.
    pub bytes: u64,
    /// Datagrams that were longer than the buffer.
    pub truncated: u64,
    /// Answers that the kernel accepted.
    pub answered: u64,
    /// Answers that could not be sent.
    pub unanswered: u64,
    /// Datagrams that were not answered because that would be a loop.
    pub suspected_loop: u64,
    /// Each socket: datagrams and drops.
    pub sockets: Vec<SocketRecord>,
}

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SocketRecord {
    /// The address it is bound to.
    pub address: Endpoint,
    /// Datagrams that it received.
    pub datagrams: u64,
    /// Buffers that it dropped.
    #[serde(rename = "socket_drops")]
    pub drops: u64,
}

/// The end of `recv`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecvSummary {
    /// Datagrams received.
    pub datagrams: u64,
    /// Their payload bytes, counted in full for truncated datagrams.
    pub bytes: u64,
    /// Datagrams that were longer than the buffer.
    pub truncated: u64,
    /// Datagrams that the sockets dropped (coalesced buffers, where the kernel coalesces).
    #[serde(rename = "socket_drops")]
    pub drops: u64,
    /// Why they were dropped, by what this host counted.
    pub losses: Vec<LossPart>,
    /// This host: its counters, and what it dropped before its sockets, of datagrams to anybody.
    pub hosts: Vec<HostReport>,
    /// From the start to the end of the run.
    pub duration_ns: u64,
    /// From the first arrival to the last.
    pub active_ns: u64,
    /// Payload bits per second between the first and last arrival; `None` if too short to measure.
    pub bits_per_second: Option<u64>,
    /// Datagrams per second between the first and last arrival.
    pub datagrams_per_second: Option<u64>,
    /// Why the run ended.
    #[serde(rename = "ended_by")]
    pub ended: RecvEnd,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Time that this host itself paused meanwhile.
    pub paused_ns: u64,
    /// The busiest senders, most datagrams first.
    #[serde(rename = "source_rows")]
    pub sources: Vec<SourceRecord>,
    /// Datagrams of senders that are not listed.
    pub other_datagrams: u64,
    /// Payload bytes of senders that are not listed.
    pub other_bytes: u64,
    /// Time between arrivals; `None` for fewer than two datagrams.
    #[serde(rename = "arrival_gaps_ns")]
    pub gaps_ns: Option<GapRecord>,
    /// Each socket.
    #[serde(rename = "socket_rows")]
    pub sockets: Vec<SocketRecord>,
    /// Answers that the kernel accepted.
    pub answered: u64,
    /// Answers that could not be sent: the queue was full, or the kernel refused them.
    pub unanswered: u64,
    /// Datagrams that were not answered because their sender seems to answer everything too, which
    /// would be a loop.
    pub suspected_loop: u64,
    /// Why this host refused answers, by error number.
    #[serde(rename = "refusals")]
    pub refused: Vec<SendRefusal>,
    /// Errors from the network for our answers.
    pub network_errors: Vec<Trouble>,
    /// Errors beyond the kinds that are listed.
    pub other_network_errors: u64,
    /// Memberships and addresses that went or came back with this host's interfaces, the first
    /// 256.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<InterfaceEvent>>"))]
    pub interface_events: Vec<InterfaceEvent>,
    /// The receive call in use.
    #[serde(rename = "rx_mode")]
    pub io: RxCall,
    /// Whether drops are of coalesced buffers, each of which may hold many datagrams.
    pub coalesced: bool,
}

impl RecvSummary {
    /// Calculates the rates from counts and time. A single datagram has none.
    pub fn set_rates(&mut self) {
        let span = Nanos(self.active_ns);
        (self.bits_per_second, self.datagrams_per_second) =
            rates_between(self.datagrams, self.bytes, span);
    }
}
