//! Parameters of a scan.

use crate::units::Nanos;
use crate::wire::PortList;
use crate::wire::service::Service;
use std::net::SocketAddr;

/// A scan of one host's ports without a remote agent.
#[derive(Clone, Debug)]
pub struct ScanPlan {
    /// The host as the user wrote it.
    pub host: String,
    /// Its address; the port does not matter.
    pub target: SocketAddr,
    /// Local address of the questions, for protocols that contain it; `None` if unknown.
    pub local: Option<SocketAddr>,
    /// The ports.
    pub ports: PortList,
    /// The service to test on every port; `None` uses each port's usual one.
    pub service: Option<Service>,
    /// Silent tries after which a port counts as open or silent; at least 1.
    pub tries: u32,
    /// How long to wait for the first answer; each further try waits twice as long.
    pub wait: Nanos,
    /// Maximum questions per second; at least 1.
    pub per_second: u32,
    /// When the scan ends, with whatever is known by then.
    pub time: Nanos,
    /// Seed of the secrets in the questions; must be unguessable.
    pub seed: u64,
}
