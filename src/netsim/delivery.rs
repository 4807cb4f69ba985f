//! How a host takes what comes: which socket has it, one buffer for neighbours, errors, closed ports.

use super::Network;
use super::host::ClosedPorts;
use super::line::Element;
use super::network::{EMSGSIZE, Place, SimSocket};
use super::packet::{Content, Icmp, Packet};
use crate::batch::{ErrorOrigin, NetworkError, RxEntry, RxMeta};
use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// Most datagrams that a card coalesces.
const COALESCED: usize = 64;
/// Bytes that an error of a host quotes.
const QUOTED: usize = 512;

impl Network {
    pub(super) fn arrive(&mut self, at: Nanos, host: usize, packet: Packet) {
        if !self.hosts[host].is_up {
            return;
        }
        match &packet.content {
            Content::Icmp(icmp) => self.tell_error(host, packet.from.ip(), icmp),
            Content::Udp(_) => self.take(at, host, packet),
        }
    }

    /// Hands an ICMP error to the socket that sent what it is about.
    fn tell_error(&mut self, host: usize, router: IpAddr, icmp: &Icmp) {
        let origin = if router.is_ipv6() { ErrorOrigin::Icmp6 } else { ErrorOrigin::Icmp };
        let mut error =
            NetworkError::new(origin, icmp.kind, errno_of(origin, icmp.kind), icmp.to, &icmp.quote);
        error.offender = Some(router);
        error.mtu = icmp.mtu;
        let Some((index, socket)) = self.socket_at(host, icmp.from, icmp.to) else { return };
        error.socket = socket;
        let now = self.now_at(index);
        let node = Rc::clone(&self.processes[index].node);
        node.borrow_mut().on_network_error(now, &error);
        self.poll(index);
    }

    /// Who has an address: as in the kernel a socket that is connected to the peer comes first.
    fn socket_at(&self, host: usize, own: SocketAddr, peer: SocketAddr) -> Option<(usize, usize)> {
        let to_all = own.ip().is_multicast() || own.ip() == IpAddr::from([255; 4]);
        let is_own = |address: SocketAddr| {
            address.port() == own.port()
                && (to_all || address.ip() == own.ip() || address.ip().is_unspecified())
        };
        let fits = |peer: Option<SocketAddr>| {
            let here = self.processes.iter().enumerate();
            here.filter(|(_, process)| process.host == host && !process.is_over).find_map(
                |(index, process)| {
                    let fits = |socket: &SimSocket| is_own(socket.address) && socket.peer == peer;
                    process.sockets.iter().position(fits).map(|socket| (index, socket))
                },
            )
        };
        fits(Some(peer)).or_else(|| fits(None))
    }

    fn take(&mut self, at: Nanos, host: usize, packet: Packet) {
        let Some((index, socket)) = self.socket_at(host, packet.to, packet.from) else {
            return self.refuse_port(host, &packet);
        };
        self.note(&packet);
        let mut bytes = packet.payload().unwrap_or_default().to_vec();
        let stride = bytes.len();
        let mut joined = 1;
        while self.hosts[host].coalesces && stride > 0 && joined < COALESCED {
            let Some(next) = self.next_alike(at, host, &packet, stride) else { break };
            let payload = next.payload().unwrap_or_default();
            bytes.extend_from_slice(payload);
            let is_shorter = payload.len() < stride;
            self.note(&next);
            joined += 1;
            // A shorter one ends the run.
            if is_shorter {
                break;
            }
        }
        let meta = RxMeta {
            source: packet.from,
            destination: Some(packet.to.ip()),
            arrival: self.hosts[host].clock.read(at).real,
            kernel_stamp: true,
            ttl: Some(packet.ttl),
            tos: Some(packet.tos),
            fragment: packet.fragment,
            socket,
            ..RxEntry::default().meta
        };
        let stride = if joined > 1 { stride } else { 0 };
        let entry = RxEntry { len: bytes.len(), true_len: bytes.len(), stride, meta };
        // What is held already comes first.
        let stands = self.hosts[host].stands_until(self.instant).is_some();
        if stands || !self.processes[index].held.is_empty() {
            self.processes[index].held.push((entry, bytes));
            return;
        }
        let now = self.now_at(index);
        let node = Rc::clone(&self.processes[index].node);
        node.borrow_mut().on_buffer(now, &entry, &bytes);
        self.poll(index);
    }

    /// What comes at the same instant from the same peer to the same socket, and may join it.
    fn next_alike(
        &mut self,
        at: Nanos,
        host: usize,
        packet: &Packet,
        stride: usize,
    ) -> Option<Packet> {
        let entry = self.under_way.first_entry()?;
        let (place, next) = entry.get();
        let payload = next.payload().map_or(0, <[u8]>::len);
        let is_alike = entry.key().0 == at
            && *place == Place::Host(host)
            && (next.from, next.to, next.tos) == (packet.from, packet.to, packet.tos)
            && (1..=stride).contains(&payload);
        is_alike.then(|| entry.remove().1)
    }

    fn refuse_port(&mut self, host: usize, packet: &Packet) {
        let is_v6 = packet.to.is_ipv6();
        let ClosedPorts::Unreachable(budget) = &mut self.hosts[host].closed_ports else { return };
        // Nobody answers a group (RFC 1122 §3.2.2).
        if packet.to.ip().is_multicast() || !budget.admits(self.instant) {
            return;
        }
        let kind = if is_v6 { (1, 4) } else { (3, 3) };
        if let Some(error) = Packet::error(packet, packet.to.ip(), kind, None, QUOTED) {
            self.put(self.instant, self.first_place(host), error);
        }
    }

    /// The links' logs: somebody took it.
    fn note(&mut self, packet: &Packet) {
        for passed in &packet.trail {
            if let Element::Link(link) = &mut self.hosts[passed.host].line[passed.element] {
                let direction = link.direction(passed.way);
                direction.arrivals.push(passed.passage);
                direction.changes.push(packet.change);
            }
        }
    }
}

/// What Linux makes of an ICMP error (`icmp_err_convert`, `icmpv6_err_convert`).
fn errno_of(origin: ErrorOrigin, kind: (u8, u8)) -> i32 {
    const NETWORK_UNREACHABLE: i32 = 101;
    const CONNECTION_REFUSED: i32 = 111;
    const HOST_DOWN: i32 = 112;
    const HOST_UNREACHABLE: i32 = 113;
    const ACCESS: i32 = 13;
    match (origin, kind) {
        (ErrorOrigin::Icmp6, (1, 0)) | (ErrorOrigin::Icmp, (3, 0 | 6 | 11)) => NETWORK_UNREACHABLE,
        (ErrorOrigin::Icmp6, (1, 4)) | (ErrorOrigin::Icmp, (3, 3)) => CONNECTION_REFUSED,
        (ErrorOrigin::Icmp6, (1, 1 | 5 | 6)) => ACCESS,
        (ErrorOrigin::Icmp6, (2, _)) | (ErrorOrigin::Icmp, (3, 4)) => EMSGSIZE,
        (ErrorOrigin::Icmp, (3, 7)) => HOST_DOWN,
        _ => HOST_UNREACHABLE,
    }
}
