//! What is asked of whom, and how patiently.

use super::RunId;
use crate::units::Nanos;
use std::net::{SocketAddr, SocketAddrV6};

/// A run of `probe nat`, before it begins.
#[derive(Clone, Debug)]
pub struct NatPlan {
    /// The STUN server.
    pub server: SocketAddr,
    /// A second server, whose word on the mapping counts where the first has no other address or
    /// port; `None` for none.
    pub second: Option<SocketAddr>,
    /// The addresses of the sockets here, at least two; they are the loop's first. With
    /// [`Self::hairpin`] it has one more.
    pub locals: Vec<SocketAddr>,
    /// How often a question is asked until it is called unanswered, at least once.
    pub tries: u32,
    /// How long after its last try an answer is waited for.
    pub wait: Nanos,
    /// Whether to ask for the hairpin.
    pub hairpin: bool,
    /// What answers to this run begin with.
    pub run: RunId,
}

impl NatPlan {
    /// An address that the server told, as this host can send to it: a link-local one is reached
    /// by the interface of the server's.
    pub(super) fn reachable(&self, other: SocketAddr) -> SocketAddr {
        match (other, self.server) {
            (SocketAddr::V6(other), SocketAddr::V6(server)) => {
                let link_local = other.ip().segments()[0] & 0xFFC0 == 0xFE80;
                let scope = if link_local { server.scope_id() } else { 0 };
                SocketAddrV6::new(*other.ip(), other.port(), 0, scope).into()
            }
            (other, _) => other,
        }
    }

    /// The server's other three: other port, other address, both; those that there are.
    pub(super) fn others(&self, other: SocketAddr) -> Vec<SocketAddr> {
        let with = |mut at: SocketAddr, port| {
            at.set_port(port);
            at
        };
        let candidates = [with(self.server, other.port()), with(other, self.server.port()), other];
        let mut others = Vec::new();
        for candidate in candidates {
            if candidate != self.server && !others.contains(&candidate) {
                others.push(candidate);
            }
        }
        others
    }
}
