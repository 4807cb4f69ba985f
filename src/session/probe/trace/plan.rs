//! What `probe trace` is to find out.

use crate::batch::{Fragmentation, OwnFinding};
use crate::units::Nanos;
use std::net::SocketAddr;

/// A trace to be made.
#[derive(Clone, Debug)]
pub struct TracePlan {
    /// The end of the path, and the port of the flow that is meant.
    pub target: SocketAddr,
    /// The ports that the flows are sent from, a socket each; at least one.
    pub sources: Vec<u16>,
    /// Probes to each hop, at least 1.
    pub tries: u32,
    /// Most hops that are looked at, 1 to 254.
    pub hops: u8,
    /// How long an answer is waited for.
    pub wait: Nanos,
    /// Payload bytes of each probe, at least [`TracePlan::LEAST`].
    pub len: usize,
    /// Whether probes may be fragmented; `None` for the system's rule.
    pub fragmentation: Option<Fragmentation>,
    /// Name of the run in STAMP's terms (SSID), not 0, so that strangers' answers are left alone.
    pub ssid: u16,
    /// What explains that this host refused to send.
    pub explain: fn(i32, SocketAddr) -> OwnFinding,
}

impl TracePlan {
    /// The shortest payload: a STAMP request, which `serve` and other reflectors answer.
    pub const LEAST: usize = 44;
}
