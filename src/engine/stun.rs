//! System resources of the STUN server: its alternate port, and this host's other addresses.

use super::probe_ports::scope;
use crate::batch::RxMeta;
use crate::net::{self, NetError, Socket, SocketPlan};
use crate::session::stamp::ShortRequests;
use crate::sys;
use crate::units::{Nanos, with_port};
use std::net::IpAddr;

/// How long the list of this host's addresses is cached.
const FRESH: Nanos = Nanos::from_secs(10);

/// Configuration of the STUN server.
#[derive(Clone, Copy, Debug)]
pub struct StunPlan {
    /// Rate limit per source, as answers and time span; `None` for no limit.
    pub rate: Option<(u64, Nanos)>,
    /// How to treat requests that are shorter than any answer.
    pub short: ShortRequests,
    /// The alternate port.
    pub alternate: AlternatePort,
}

/// The port from which responses to CHANGE-REQUEST are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlternatePort {
    /// There is none.
    None,
    /// The next port above the server's own, or any free one.
    Next,
    /// This port; 0 lets the kernel choose.
    This(u16),
}

/// Opens the alternate port on the address that `first` is bound to; `None` if none is configured.
pub(super) fn open_alternate(
    port: AlternatePort,
    first: &SocketPlan,
) -> Option<Result<Socket, NetError>> {
    let open = |port| {
        let bind = with_port(first.bind, port);
        SocketPlan { bind, ..first.clone() }.open()
    };
    match port {
        AlternatePort::None => None,
        AlternatePort::This(port) => Some(open(port)),
        AlternatePort::Next => {
            let next = first.bind.port().checked_add(1).unwrap_or(0);
            Some(open(next).or_else(|_| open(0)))
        }
    }
}

/// Further addresses at which a client may reach this host, besides the one it contacted.
pub(super) struct OtherAddresses {
    /// Whether the server listens on all addresses.
    is_wild: bool,
    /// Interface index and address.
    known: Vec<(u32, IpAddr)>,
    asked: Option<Nanos>,
}

impl OtherAddresses {
    /// The addresses of a server bound to `bind`.
    pub fn new(bind: IpAddr) -> Self {
        Self { is_wild: bind.is_unspecified(), known: Vec::new(), asked: None }
    }

    /// Returns a function that finds, for each request, another address the client can be expected
    /// to reach: same family and scope, on the interface the request arrived on.
    pub fn into_closure(mut self) -> impl FnMut(&RxMeta) -> Option<IpAddr> {
        move |meta| self.beside(meta.destination?, meta.interface)
    }

    fn beside(&mut self, asked: IpAddr, interface: u32) -> Option<IpAddr> {
        if !self.is_wild || interface == 0 {
            return None;
        }
        let now = sys::monotonic_now();
        if self.asked.is_none_or(|then| now - then >= FRESH) {
            self.asked = Some(now);
            // If addresses cannot be listed, there is no other address, as on most hosts.
            self.known = listed().unwrap_or_default();
        }
        let fits = |ip: &IpAddr| *ip != asked && scope(*ip) == scope(asked);
        let here = self.known.iter().filter(|(index, _)| *index == interface);
        // In order, so that with two addresses each is the other's alternative.
        let mut others: Vec<IpAddr> = here.map(|(_, ip)| *ip).filter(fits).collect();
        others.sort_unstable();
        others.first().copied()
    }
}

fn listed() -> Result<Vec<(u32, IpAddr)>, NetError> {
    let interfaces = net::interfaces()?;
    let each = interfaces.iter().flat_map(|interface| {
        interface.addresses.iter().map(move |address| (interface.index, *address))
    });
    Ok(each.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_other_address_is_one_of_the_same_interface_family_and_scope() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let known = [
            (2, "10.0.0.1"),
            (2, "10.0.0.2"),
            (2, "192.0.2.1"),
            (2, "fe80::1"),
            (2, "2001:db8::1"),
            (2, "2001:db8::2"),
            (3, "10.0.0.3"),
        ];
        let mut others = OtherAddresses {
            is_wild: true,
            known: known.map(|(index, text)| (index, ip(text))).to_vec(),
            asked: Some(sys::monotonic_now()),
        };
        for (asked, interface, other) in [
            ("10.0.0.1", 2, Some("10.0.0.2")),
            ("10.0.0.2", 2, Some("10.0.0.1")),
            ("192.0.2.1", 2, None),
            ("fe80::1", 2, None),
            ("2001:db8::2", 2, Some("2001:db8::1")),
            ("10.0.0.3", 3, None),
            ("10.0.0.1", 0, None),
        ] {
            assert_eq!(others.beside(ip(asked), interface), other.map(ip), "{asked}");
        }
        others.is_wild = false;
        assert_eq!(others.beside(ip("10.0.0.1"), 2), None);
    }

    #[test]
    fn the_port_behind_is_taken_and_where_it_is_not_free_another() {
        let taken = SocketPlan::new((Ipv4Addr::LOCALHOST, 0).into()).open().unwrap();
        let port = taken.local_addr().port();
        let before = SocketPlan::new((Ipv4Addr::LOCALHOST, port - 1).into());
        let opened = open_alternate(AlternatePort::Next, &before).unwrap().unwrap();
        assert_ne!(opened.local_addr().port(), port);
        assert!(open_alternate(AlternatePort::This(port), &before).unwrap().is_err());
        assert!(open_alternate(AlternatePort::None, &before).is_none());
    }
}
