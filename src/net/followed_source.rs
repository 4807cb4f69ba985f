//! Follows the source address towards a peer: a socket that was not bound to an address by the user
//! goes on from another one when this host loses the first.
//!
//! Linux keeps a connected socket's source address when the host loses it: IPv4 then refuses every
//! datagram (`EINVAL`), IPv6 goes on sending from an address to which no reply comes.

use super::{NetError, Socket, SocketPlan};
use crate::batch::InterfaceChange;
use crate::units::{any_address, with_port};
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// The source address of one socket.
pub(super) struct FollowedSource {
    peer: SocketAddr,
    /// The last one, with the socket's port; `None` before the first look, or without a route.
    source: Option<SocketAddr>,
    /// Whether this host lost it, and there is no other yet.
    lost: bool,
    /// Whether the socket has lost its peer in an attempt to give it another source.
    detached: bool,
}

impl FollowedSource {
    /// That of a socket which sends to `peer`.
    pub fn towards(peer: SocketAddr) -> Self {
        Self { peer, source: None, lost: false, detached: false }
    }

    /// Whether a new route may bring an address back.
    pub fn waits_for_route(&self) -> bool {
        self.lost
    }

    /// Looks whether this host still has the address, and gives the socket another one if there is
    /// one. `plan` is how the socket was opened. Returns a socket to be used instead if that takes
    /// a new one.
    pub fn follow(
        &mut self,
        socket: &mut Socket,
        plan: &mut SocketPlan,
        told: &mut Vec<InterfaceChange>,
    ) -> Option<Socket> {
        let local = socket.local_addr();
        let is_bound = plan.has_peer() || !plan.bind.ip().is_unspecified();
        let Some(from) = self.source else {
            self.source = if is_bound { Some(local) } else { self.look_up(plan, local.port()) };
            return None;
        };
        if is_bound && !self.detached && local == from && has_address(from) {
            self.note(from, from, told);
            return None;
        }
        let found = self.look_up(plan, local.port());
        let renewed = match found {
            Some(to) if is_bound => {
                let renewed = renew(socket, plan, to).ok();
                self.detached = renewed.is_none() && plan.has_peer();
                renewed
            }
            Some(to) => Some((to, None)),
            None => None,
        };
        let Some((to, new)) = renewed else {
            if !std::mem::replace(&mut self.lost, true) {
                told.push(InterfaceChange::AddressLost { address: from.into() });
            }
            return None;
        };
        self.note(from, to, told);
        new
    }

    /// The socket sends from `to`, after it did from `from`.
    fn note(&mut self, from: SocketAddr, to: SocketAddr, told: &mut Vec<InterfaceChange>) {
        let was_lost = std::mem::take(&mut self.lost);
        self.source = Some(to);
        if from.ip() != to.ip() {
            told.push(InterfaceChange::AddressChanged { from: from.into(), to: to.into() });
        } else if was_lost {
            told.push(InterfaceChange::AddressBack { address: to.into() });
        }
    }

    /// The address that the route gives; `None` as long as there is none that the peer can answer.
    fn look_up(&self, plan: &SocketPlan, port: u16) -> Option<SocketAddr> {
        let probe = SocketPlan {
            connect: Some(self.peer),
            device: plan.device,
            buffer: 0,
            ..SocketPlan::new(any_address(self.peer))
        };
        let found = probe.open().ok()?.local_addr();
        // Until an address of the network is confirmed (RFC 4862 §5.4) there is only this one.
        let is_narrow = is_link_local(found.ip()) && !is_link_local(self.peer.ip());
        (!is_narrow).then(|| with_port(found, port))
    }
}

/// Gives the socket the source `to`: in place where it is connected, otherwise as a new socket.
fn renew(
    socket: &mut Socket,
    plan: &mut SocketPlan,
    to: SocketAddr,
) -> Result<(SocketAddr, Option<Socket>), NetError> {
    if plan.has_peer() && plan.bind.ip().is_unspecified() {
        plan.reconnect(socket)?;
        return Ok((socket.local_addr(), None));
    }
    let new = SocketPlan { bind: to, ..plan.clone() };
    let opened = new.open()?;
    *plan = new;
    Ok((opened.local_addr(), Some(opened)))
}

/// Whether this host has an address, which is what lets a socket be bound to it.
pub(super) fn has_address(address: SocketAddr) -> bool {
    UdpSocket::bind(with_port(address, 0)).is_ok()
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}
