//! What a scan is to do.

use crate::units::Nanos;
use crate::wire::PortList;
use crate::wire::service::Service;
use std::net::SocketAddr;

/// A scan of one host's ports without anybody's help there.
#[derive(Clone, Debug)]
pub struct ScanPlan {
    /// The host as the user wrote it.
    pub host: String,
    /// Its address; the port does not matter.
    pub target: SocketAddr,
    /// Where questions leave from, for protocols that name it; `None` when not known.
    pub local: Option<SocketAddr>,
    /// The ports.
    pub ports: PortList,
    /// The service to ask them all for; `None` takes each port's own.
    pub service: Option<Service>,
    /// Silent tries after which a port counts as open or silent; at least 1.
    pub tries: u32,
    /// How long the first answer is waited for; each further try waits twice as long.
    pub wait: Nanos,
    /// Questions a second at most; at least 1.
    pub per_second: u32,
    /// When the scan ends, whatever is known by then.
    pub time: Nanos,
    /// What the secrets in the questions are drawn from; not to be guessed by others.
    pub seed: u64,
}
