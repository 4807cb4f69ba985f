//! What a client is to do, and what came of it.

use crate::record::{UdpstpInterval, UdpstpReport};
use crate::units::Nanos;
use crate::wire::udpstp::{DirectionAsked, Modifiers, SharedKey, TestParams};
use std::net::SocketAddr;

/// The key that a client signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthentication {
    /// Its number.
    pub key_id: u8,
    /// The key.
    pub key: SharedKey,
}

/// A test, as the client asks for it.
#[derive(Clone, Debug)]
pub struct UdpstpPlan {
    /// The server's address for Setup Requests.
    pub target: SocketAddr,
    /// Version of the protocol to begin with.
    pub version: u16,
    /// Who sends.
    pub direction: DirectionAsked,
    /// Connections, 1 to 24, each with a socket of the same number.
    pub connections: u8,
    /// Number of the test, not 0.
    pub ident: u16,
    /// Mbit/s of all connections together; 0 if it is not stated.
    pub bandwidth_mbps: u16,
    /// Sizes of datagrams.
    pub modifiers: Modifiers,
    /// Parameters asked for.
    pub params: TestParams,
    /// The key; `None` for no authentication.
    pub authentication: Option<ClientAuthentication>,
    /// How long the server may take to answer.
    pub patience: Nanos,
    /// For the random start of what is sent.
    pub seed: u64,
}

/// What came of a test.
#[derive(Debug)]
pub struct UdpstpSummary<K> {
    /// The report, without what the host counted.
    pub report: UdpstpReport,
    /// Who was told the sub-intervals.
    pub sink: K,
}

/// A sub-interval is complete.
pub type UdpstpEvent = UdpstpInterval;
