//! The questions: to whom, and with which time-outs.

use super::RunId;
use crate::units::Nanos;
use std::net::{SocketAddr, SocketAddrV6};

/// Parameters of `probe nat`.
#[derive(Clone, Debug)]
pub struct NatPlan {
    /// The STUN server.
    pub server: SocketAddr,
    /// A second server, used for the mapping if the first has no other address or port; `None` for
    /// none.
    pub second: Option<SocketAddr>,
    /// Local addresses of the sockets, at least two; they are the loop's first. With
    /// [`Self::hairpin`] there is one more.
    pub locals: Vec<SocketAddr>,
    /// How often a question is asked before it counts as unanswered, at least once.
    pub tries: u32,
    /// How long to wait for an answer after the last try.
    pub wait: Nanos,
    /// Whether to test hairpinning.
    pub hairpin: bool,
    /// The bytes that mark answers to this run.
    pub run: RunId,
}

impl NatPlan {
    /// An address from the server's answer in a form that this host can send to: a link-local one
    /// is reached on the server's interface.
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

    /// The server's other sources that exist: other port, other address, both.
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
