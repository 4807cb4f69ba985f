//! Parameters of `probe trace`.

use crate::batch::{Fragmentation, LocalSendFailure};
use crate::units::Nanos;
use std::net::SocketAddr;

/// Parameters of a trace.
#[derive(Clone, Debug)]
pub struct TracePlan {
    /// The destination, with the port of the flow.
    pub target: SocketAddr,
    /// The source ports of the flows, one socket each; at least one.
    pub sources: Vec<u16>,
    /// Probes to each hop, at least 1.
    pub tries: u32,
    /// Maximum hops, 1 to 254.
    pub hops: u8,
    /// How long an answer is waited for.
    pub wait: Nanos,
    /// Payload bytes of each probe, at least [`TracePlan::LEAST`].
    pub len: usize,
    /// Whether probes may be fragmented; `None` for the system's default.
    pub fragmentation: Option<Fragmentation>,
    /// STAMP session identifier (SSID) of the run, not 0, so that answers of other runs are
    /// ignored.
    pub ssid: u16,
    /// Explains why this host refused to send.
    pub explain: fn(i32, SocketAddr) -> LocalSendFailure,
}

impl TracePlan {
    /// The shortest payload: a STAMP request, which `serve` and other reflectors answer.
    pub const LEAST: usize = 44;
}
