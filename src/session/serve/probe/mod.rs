//! The remote agent of `probe`: it counts what arrives on the ports that a client requested,
//! reports what it saw of each datagram, and answers when, from where and how the client wants it.
//!
//! ```text
//! TEST kind=probe -> probe_granting.rs -> ServeCommand::OpenPorts -> PortsOpened -> reply with the key
//! request, any port -> probe_requests.rs -> items.rs   counted by item and number, for STAT
//!                                -> verified_addresses.rs   who may have more than one immediate answer
//!                                -> pending.rs later answers -> allowance.rs -> outbox
//! STAT kind=probe -> probe_status.rs
//! ```
//!
//! Why it cannot be abused: the key in every probe request is sent only to a verified address. An
//! address that was not verified recently (TEST, DATA) gets one answer to a request, immediately,
//! from the port that it contacted, and no longer than the request. Later, further and longer
//! answers to a verified address are limited per address and in total, both while they wait and
//! when they are sent. The numbers of ports and items are limited.

mod allowance;
mod answers;
mod items;
#[cfg(test)]
mod memory_tests;
mod pending;
mod ports_request;
mod probe_ports;
#[cfg(test)]
mod tests;
mod verified_addresses;

pub(super) use allowance::{Charged, Limits, When};
pub(super) use answers::{Asked, Place};
pub(super) use pending::Pending;
pub use ports_request::{PortsOpened, PortsRequest};
pub(super) use probe_ports::GrantedPorts;

use super::received_command::ReplyTo;
use crate::units::Nanos;
use crate::wire::Tag;
use items::Items;
use std::net::IpAddr;
use verified_addresses::VerifiedAddresses;

/// Ports that a probe may use, opened when it requests them, unless the operator names others.
///
/// They are among the dynamic ports, which are never registered (RFC 6335 §6: 49152 to 65535),
/// above the ephemeral range of Linux (`ip_local_port_range`: 32768 to 60999) and mosh's ports
/// (60000 to 61000), and avoid ports used there without registration: `WireGuard` 51820, `ActiveMQ`
/// 61613 to 61616, Cisco's VPN client 62514 to 62524, Mumble 64738.
pub const ON_DEMAND: std::ops::RangeInclusive<u16> = 63_000..=63_255;
/// Maximum ports open for probes at once, of all sessions together.
pub const MOST_PORTS: usize = 256;
/// Maximum concurrent probes.
pub(super) const MOST_PROBES: usize = 48;

/// One session's probe.
#[derive(Debug)]
pub(super) struct Probe {
    /// The secret key in every probe request.
    pub key: u64,
    /// Its tag.
    pub tag: u16,
    /// The TEST that waits for its ports.
    pub opening: Option<(Tag, ReplyTo)>,
    /// Port and socket for answers "from another port".
    pub alternate: Option<(u16, usize)>,
    /// Source address for answers "from another address".
    pub other: Option<IpAddr>,
    pub items: Items,
    pub lanes: VerifiedAddresses,
    /// Number of delayed answers.
    pub waiting: usize,
    /// When it must be over.
    pub due: Nanos,
}

impl Probe {
    /// Maximum memory of one probe, in bytes: its items, addresses and delayed answers.
    pub const MOST_BYTES: u64 = 5 << 20;

    pub fn new(key: u64, tag: u16, due: Nanos) -> Self {
        Self {
            key,
            tag,
            opening: None,
            alternate: None,
            other: None,
            items: Items::default(),
            lanes: VerifiedAddresses::default(),
            waiting: 0,
            due,
        }
    }

    /// Whether answers are still to be sent, so that silence is no reason to close its session.
    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }
}
