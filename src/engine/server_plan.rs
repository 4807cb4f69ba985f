//! The configuration of a server.

use super::confinement::PrivilegeDrop;
use super::server_service::ServicePlan;
use super::server_watch::ServerWatch;
use super::stun::StunPlan;
use crate::net::IoMode;
use crate::session::serve::ServePolicy;
use crate::session::stamp::StampPolicy;
use crate::units::BitRate;
use crate::wire::ControlKey;
use crate::wire::iperf3::Iperf3Users;
use crate::wire::udpstp::KeyRing;
use std::net::SocketAddr;
use std::sync::Arc;

/// UDPSTP on a port of its own.
#[derive(Clone, Debug)]
pub struct UdpstpServerPlan {
    /// Address for Setup Requests.
    pub bind: SocketAddr,
    /// The shared keys; `None` serves clients that do not sign.
    pub keys: Option<KeyRing>,
    /// What the tests of one direction may state together; `None` for any, stated or not.
    pub bandwidth: Option<BitRate>,
}

/// Configuration of a server.
#[derive(Clone, Debug)]
pub struct ServerPlan {
    /// Address to listen on.
    pub bind: SocketAddr,
    /// On `[::]`, whether IPv4 is served too.
    pub dual_stack: bool,
    /// Limits.
    pub policy: ServePolicy,
    /// The key that clients must have; `None` accepts clients without one.
    pub key: Option<ControlKey>,
    /// Limits for STAMP, which is served on the control port; it uses the key above.
    pub stamp: StampPolicy,
    /// An additional port for STAMP only; on `[::]` `dual_stack` applies.
    pub stamp_bind: Option<SocketAddr>,
    /// The port for iperf3 clients; `None` for none. On `[::]` `dual_stack` applies. Half of the
    /// memory is then for them.
    pub iperf3_bind: Option<SocketAddr>,
    /// The users that iperf3 clients must be; `None` serves clients without one.
    pub iperf3_users: Option<Arc<Iperf3Users>>,
    /// UDPSTP on a port of its own; `None` for none. On `[::]` `dual_stack` applies.
    pub udpstp: Option<UdpstpServerPlan>,
    /// STUN on the control port; `None` for none. With a key there is none.
    pub stun: Option<StunPlan>,
    /// Batch system calls that streams may use.
    pub io: IoMode,
    /// Whether streams may use coalesced receiving (GRO).
    pub gro: bool,
    /// Socket buffer size to request, in bytes.
    pub buffer: usize,
    /// Processors for stream threads, in rotation; empty to choose automatically.
    pub cpus: Vec<usize>,
    /// Privileges to drop once all sockets are open; `None` leaves the process as it is.
    pub confinement: Option<PrivilegeDrop>,
    /// What it is to its operator.
    pub service: ServicePlan,
    /// Who is told the counts while it runs; `None` where nobody watches.
    pub watch: Option<ServerWatch>,
}
