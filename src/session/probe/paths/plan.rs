//! Parameters of `probe paths`.

use crate::units::Nanos;
use std::net::SocketAddr;

/// Parameters of the probe.
#[derive(Clone, Debug)]
pub struct PathsPlan {
    /// Where all flows go: the agent, or a host that answers.
    pub target: SocketAddr,
    /// Source ports of the flows, a socket each.
    pub sources: Vec<u16>,
    /// Time between two datagrams, of any flows.
    pub gap: Nanos,
    /// Time for all datagrams.
    pub time: Nanos,
    /// How long replies are waited for at most.
    pub wait: Nanos,
    /// STAMP session identifier for a probe without an agent, not 0.
    pub ssid: u16,
    /// Seed for the order of the flows.
    pub seed: u64,
}

impl PathsPlan {
    /// Datagrams of each flow before any is looked at, and of more if there are few flows.
    pub const SCREENING: u32 = 8;
    /// Fewest datagrams of all flows together before any is looked at: with fewer, chance could
    /// explain any difference of delays.
    pub const LEAST_SCREENING: u32 = 64;
    /// Flows that are tested for reordering, and the datagrams that each sends at once for it.
    pub const TRAINS: usize = 32;
    /// Datagrams of a train.
    pub const TRAIN: u32 = 8;
    /// Suspicious flows of one direction that are measured closely.
    pub const SUSPECTS: usize = 8;
    /// Flows without a loss that are measured beside them.
    pub const CONTROLS: usize = 8;
    /// Datagrams of each of these before the first look; each further look doubles them.
    pub const FIRST_LOOK: u32 = 16;
    /// Most datagrams of a flow in one phase: the agent tells the first 4,096 from copies.
    pub const MOST: u32 = 4_096;
    /// Tests for a loss of some flows in one run: the screening and nine looks, each way.
    pub const TESTS: u64 = 20;

    /// Datagrams of each flow before any is looked at.
    pub fn screening(&self) -> u32 {
        let flows = self.sources.len().max(1) as u32;
        Self::LEAST_SCREENING.div_ceil(flows).max(Self::SCREENING)
    }
}
