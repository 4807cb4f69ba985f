//! The state of a server, as it tells anybody whom it serves.

use super::rates::rate;
use crate::units::{Endpoint, Rate};
use serde::Serialize;

/// The state of a server. What an older server does not tell is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServerState {
    /// Its address.
    pub server: Endpoint,
    /// Time from the request to its answer, in nanoseconds.
    pub round_trip_ns: u64,
    /// Its version.
    pub version: Option<String>,
    /// Time since its first datagram or tick, in nanoseconds; whole seconds.
    pub uptime_ns: Option<u64>,
    /// Whether it accepts no more sessions because it is about to end.
    pub draining: Option<bool>,
    /// Open sessions, without those of iperf3 clients.
    pub sessions: Option<u64>,
    /// Open streams of these.
    pub streams: Option<u64>,
    /// Sessions opened so far, without those of iperf3 clients.
    pub sessions_opened: Option<u64>,
    /// Open tests of iperf3 clients.
    pub iperf3_sessions: Option<u64>,
    /// Open streams of these.
    pub iperf3_streams: Option<u64>,
    /// Datagrams that streams received so far, iperf3's included.
    pub received_datagrams: Option<u64>,
    /// Their payload.
    pub received_bytes: Option<u64>,
    /// Datagrams that streams sent so far, iperf3's included.
    pub sent_datagrams: Option<u64>,
    /// Their payload.
    pub sent_bytes: Option<u64>,
    /// Payload received per second, over the last one to two seconds, in bits.
    pub received_bps: Option<u64>,
    /// Datagrams received per second.
    pub received_pps: Option<u64>,
    /// Payload sent per second, in bits.
    pub sent_bps: Option<u64>,
    /// Datagrams sent per second.
    pub sent_pps: Option<u64>,
    /// Datagrams that the sockets of streams dropped so far.
    #[serde(rename = "socket_drops")]
    pub stream_drops: Option<u64>,
    /// Buffers that the sockets of the control dialogue, STAMP and STUN dropped so far.
    pub control_socket_drops: Option<u64>,
    /// Commands refused so far by a limit, by policy or for lack of the key.
    pub refused: Option<u64>,
    /// The same by reply code.
    pub refusals: Vec<RefusalCount>,
    /// Datagrams so far that belong to nobody, or were not answered to avoid an endless loop.
    pub strays: Option<u64>,
    /// Datagrams so far that only keep a path open.
    pub keepalives: Option<u64>,
    /// Memory that the process occupies.
    pub resident_bytes: Option<u64>,
    /// Memory set aside for open sessions, in bytes.
    pub granted_memory_bytes: Option<u64>,
    /// What it grants.
    pub limits: ServerLimits,
}

/// Refusals with one reply code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusalCount {
    /// The three digits of the reply.
    pub reply_code: u16,
    /// How many there were.
    pub times: u64,
}

/// Limits of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServerLimits {
    /// Concurrent sessions.
    pub max_sessions: Option<u64>,
    /// Streams of a session in each direction.
    pub max_streams: Option<u64>,
    /// Concurrent streams of all sessions.
    pub max_all_streams: Option<u64>,
    /// Highest rate of a run: bits of payload or datagrams per second, both null for no limit or
    /// where it is not told.
    #[serde(flatten, serialize_with = "rate")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::AnyRate"))]
    pub max_rate: Rate,
    /// Longest run, in nanoseconds.
    pub max_duration_ns: Option<u64>,
    /// Memory of all sessions.
    pub max_memory_bytes: Option<u64>,
    /// Percentage of these that one source may use.
    pub source_share_percent: Option<u64>,
    /// Whether it sends, for reverse and bidirectional runs.
    pub reverse: Option<bool>,
}
