//! The sockets of a server that runs the probe agent: opened at the start, or for one session.

use super::SocketRegistry;
use crate::net::{NetError, Socket, SocketPlan, interfaces};
use crate::session::serve::{PortsOpened, PortsRequest};
use crate::units::with_port;
use crate::wire::{PortDenial, PortList};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

/// Opens and closes ports for probes.
pub(super) struct ProbePorts {
    /// Template for the sockets; each gets its own port.
    plan: SocketPlan,
    adoption: SocketRegistry,
    /// The number of the next socket. Numbers are never reused, so that sockets cannot be confused.
    next: usize,
}

impl ProbePorts {
    /// Ports in addition to the server's own, which uses `plan`; their sockets are numbered from
    /// `next`.
    pub fn new(plan: SocketPlan, adoption: SocketRegistry, next: usize) -> Self {
        Self { plan, adoption, next }
    }

    /// Opens ports that stay open and returns those that succeeded with their socket numbers.
    /// `failed` is called for each that did not.
    pub fn hold(
        &mut self,
        ports: &PortList,
        mut failed: impl FnMut(u16, NetError),
    ) -> Vec<(u16, usize)> {
        let mut held = Vec::new();
        for port in ports.iter() {
            match self.bind(port, None) {
                Ok(socket) => held.push((port, self.adopt(socket))),
                Err(error) => failed(port, error),
            }
        }
        held
    }

    /// Opens the ports a session asks for.
    pub fn open(&mut self, request: &PortsRequest) -> PortsOpened {
        let mut opened = PortsOpened::default();
        for port in request.ports.iter() {
            match self.bind(port, Some(request.peer)) {
                Ok(socket) => opened.opened.push((port, self.adopt(socket))),
                Err(error) => opened.not_opened.push((port, denial(&error))),
            }
        }
        for port in &request.alternate {
            if let Ok(socket) = self.bind(*port, Some(request.peer)) {
                opened.alternate = Some((*port, self.adopt(socket)));
                break;
            }
        }
        // A server bound to one address has no other address to offer.
        if self.plan.bind.ip().is_unspecified() {
            opened.other = request.local.and_then(|local| other_address(local, request.peer.ip()));
        }
        opened
    }

    /// Closes the ports that no session needs any more.
    pub fn close(&self, sockets: &[usize]) {
        for number in sockets {
            self.adoption.remove(*number);
        }
    }

    /// Opens a port, for a client at `peer`: its zone is that of the interface that is there now,
    /// which may have been made again since the start.
    fn bind(&self, port: u16, peer: Option<SocketAddr>) -> Result<Socket, NetError> {
        let mut bind = with_port(self.plan.bind, port);
        if let (SocketAddr::V6(bind), Some(SocketAddr::V6(peer))) = (&mut bind, peer)
            && bind.scope_id() != 0
            && peer.scope_id() != 0
        {
            bind.set_scope_id(peer.scope_id());
        }
        SocketPlan { bind, ..self.plan.clone() }.open()
    }

    fn adopt(&mut self, socket: Socket) -> usize {
        let number = self.next;
        self.next += 1;
        self.adoption.add(number, socket);
        number
    }
}

/// Why a port could not be opened.
fn denial(error: &NetError) -> PortDenial {
    let NetError::Bind { source, .. } = error else { return PortDenial::Failed };
    match source.kind() {
        ErrorKind::AddrInUse => PortDenial::InUse,
        ErrorKind::PermissionDenied => PortDenial::Privileged,
        _ => PortDenial::Failed,
    }
}

/// Another address of this host with the same family and scope as `local`, preferably on the same
/// interface; `None` if there is none, or if the peer is this host itself.
fn other_address(local: IpAddr, peer: IpAddr) -> Option<IpAddr> {
    let all = interfaces().ok()?;
    let ours = |interface: &&crate::net::Interface| interface.addresses.contains(&local);
    let (near, far): (Vec<_>, Vec<_>) = all.iter().partition(ours);
    near.iter()
        .chain(&far)
        .flat_map(|interface| &interface.addresses)
        .find(|ip| **ip != local && **ip != peer && scope(**ip) == scope(local))
        .copied()
}

/// Groups addresses of one family that are reachable from the same places.
#[derive(PartialEq, Eq)]
pub(super) enum Scope {
    Loopback,
    Link,
    Private,
    Global,
}

/// Family and scope of an address.
pub(super) fn scope(ip: IpAddr) -> (bool, Scope) {
    let scope = match ip {
        _ if ip.is_loopback() => Scope::Loopback,
        IpAddr::V4(v4) if v4.is_link_local() => Scope::Link,
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Scope::Link,
        IpAddr::V4(v4) if v4.is_private() => Scope::Private,
        IpAddr::V6(v6) if v6.is_unique_local() => Scope::Private,
        _ => Scope::Global,
    };
    (ip.is_ipv4(), scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_family_and_scope_go_together() {
        let same = |a: &str, b: &str| scope(a.parse().unwrap()) == scope(b.parse().unwrap());
        assert!(same("10.0.0.1", "192.168.1.1") && same("192.0.2.1", "8.8.8.8"));
        assert!(same("fd00::1", "fd77::2") && same("2001:db8::1", "2001:db8::2"));
        for (a, b) in [
            ("10.0.0.1", "192.0.2.1"),
            ("127.0.0.1", "10.0.0.1"),
            ("fe80::1", "2001:db8::1"),
            ("::1", "2001:db8::1"),
            ("10.0.0.1", "fd00::1"),
            ("169.254.1.1", "10.0.0.1"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_port_that_another_has_says_so() {
        let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let plan = SocketPlan::new("127.0.0.1:0".parse().unwrap());
        let adoption = SocketRegistry::default();
        let mut ports = ProbePorts::new(plan, adoption.clone(), 7);
        let ip: IpAddr = "127.0.0.1".parse().unwrap();
        let request = PortsRequest {
            session: 1,
            ports: [port].into_iter().collect(),
            // The first of them is in use as well.
            alternate: vec![port, free],
            local: Some(ip),
            peer: (ip, 9).into(),
        };
        let opened = ports.open(&request);
        assert_eq!((opened.opened, opened.not_opened), (vec![], vec![(port, PortDenial::InUse)]));
        let (alternate, number) = opened.alternate.unwrap();
        assert_eq!((alternate, number, opened.other), (free, 7, None));
        assert!(std::net::UdpSocket::bind(("127.0.0.1", alternate)).is_err(), "it is open");
        assert_eq!(adoption.take().len(), 1);
    }
}
