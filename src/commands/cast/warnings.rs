//! Warnings before the first datagram: groups without a route, on an unlikely interface, or with a
//! TTL that no router forwards.

use super::targets::{Host, Role, needs_interface};
use crate::batch::Dest;
use crate::net::{link_state, route_source};
use crate::record::CastWarning;
use std::net::{IpAddr, SocketAddr};

/// Warnings about destinations; `ttl` is that of groups.
pub(super) fn before_sending(targets: &[Dest], ttl: u8, host: &Host) -> Vec<CastWarning> {
    let groups = || targets.iter().filter(|dest| host.role(dest.addr.ip()) == Role::Group);
    let mut all: Vec<CastWarning> = groups()
        .filter(|dest| dest.interface == 0)
        .find_map(|dest| by_route(dest.addr, host))
        .into_iter()
        .collect();
    if let Some(group) = groups().map(|dest| dest.addr.ip()).find(|ip| stays_on_link(*ip))
        && ttl > 1
    {
        all.push(CastWarning::OneLinkGroup { group });
    }
    let routable = groups().map(|dest| dest.addr.ip()).find(|ip| !stays_on_link(*ip));
    let mut others = targets.iter().map(|dest| dest.addr.ip());
    let beyond = others.find(|ip| host.role(*ip) == Role::Other && !host.is_on_link(*ip));
    if let (Some(group), Some(beyond), 0 | 1) = (routable, beyond, ttl) {
        all.push(CastWarning::TtlTooSmall { group, beyond, ttl });
    }
    all
}

/// Warnings about groups to receive on the route's interface, and about their sources.
pub(super) fn before_listening(
    addrs: &[SocketAddr],
    sources: &[IpAddr],
    host: &Host,
) -> Vec<CastWarning> {
    let mut all: Vec<CastWarning> = addrs
        .iter()
        .filter(|addr| addr.ip().is_multicast())
        .find_map(|addr| by_route(*addr, host))
        .into_iter()
        .collect();
    let beyond = sources.iter().find(|ip| host.role(**ip) == Role::Other && !host.is_on_link(**ip));
    all.extend(beyond.map(|source| CastWarning::SourceBeyondRouter { source: *source }));
    all
}

/// The warning if the route's interface is missing or unlikely.
fn by_route(addr: SocketAddr, host: &Host) -> Option<CastWarning> {
    let group = addr.ip();
    if needs_interface(group) {
        return None;
    }
    let Ok(source) = route_source(addr) else {
        return Some(CastWarning::NoRoute { group });
    };
    let by = host.interfaces().iter().find(|one| one.addresses.contains(&source))?;
    let kind = link_state(&by.name).special?;
    Some(CastWarning::UnusualInterface { group, interface: by.name.clone(), kind })
}

/// Whether no router forwards the group (RFC 5771 §4: 224.0.0.0/24; RFC 4291 §2.7: scopes 1 and 2).
fn stays_on_link(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(_) => needs_interface(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Interface;

    fn host() -> Host {
        Host::with(vec![Interface {
            name: "eth0".to_owned(),
            index: 1,
            addresses: vec!["10.0.0.1".parse().unwrap()],
            networks: vec!["10.0.0.1/24".parse().unwrap()],
            broadcasts: Vec::new(),
            loopback: false,
            running: true,
        }])
    }

    fn sending(targets: &[&str], ttl: u8) -> Vec<CastWarning> {
        let by_lo =
            |text: &&str| Dest { interface: 1, ..Dest::from(text.parse::<SocketAddr>().unwrap()) };
        let targets: Vec<Dest> = targets.iter().map(by_lo).collect();
        before_sending(&targets, ttl, &host())
    }

    #[test]
    fn a_ttl_too_small_for_a_destination_beyond_a_router_is_a_warning() {
        let (group, beyond) = ("239.1.2.3".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let expected = [CastWarning::TtlTooSmall { group, beyond, ttl: 1 }];
        assert_eq!(sending(&["239.1.2.3:5", "192.0.2.1:5"], 1), expected);
        assert!(sending(&["239.1.2.3:5", "192.0.2.1:5"], 2).is_empty());
        assert!(sending(&["239.1.2.3:5", "10.0.0.9:5"], 1).is_empty());
        assert!(sending(&["192.0.2.1:5"], 1).is_empty());
    }

    #[test]
    fn link_local_groups_are_distinguished_from_routed_ones() {
        for (text, group) in [("224.0.0.251:5", "224.0.0.251"), ("[ff02::fb%1]:5", "ff02::fb")] {
            let group = group.parse().unwrap();
            assert_eq!(sending(&[text], 8), [CastWarning::OneLinkGroup { group }]);
        }
        assert!(sending(&["224.0.1.1:5", "[ff15::1]:5"], 8).is_empty());
    }

    #[test]
    fn a_source_beyond_a_router_needs_more_than_this_host() {
        let from = |text: &str| before_listening(&[], &[text.parse().unwrap()], &host());
        let source = "192.0.2.1".parse().unwrap();
        assert_eq!(from("192.0.2.1"), [CastWarning::SourceBeyondRouter { source }]);
        assert!(from("127.0.0.1").is_empty() && from("10.0.0.9").is_empty());
    }
}
