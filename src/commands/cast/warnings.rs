//! What can be known before the first datagram: groups without a route, by the wrong interface, or
//! with a TTL that no router lets through.

use super::targets::{Host, Role, needs_interface};
use crate::batch::Dest;
use crate::net::{link_state, route_source};
use crate::report::words::check::link_kind;
use std::net::{IpAddr, SocketAddr};

/// Warnings about what is to be sent to; `ttl` is that of groups.
pub(super) fn before_sending(targets: &[Dest], ttl: u8, host: &Host) -> Vec<String> {
    let groups = || targets.iter().filter(|dest| host.role(dest.addr.ip()) == Role::Group);
    let mut all: Vec<String> = groups()
        .filter(|dest| dest.interface == 0)
        .find_map(|dest| by_route(dest.addr, host))
        .into_iter()
        .collect();
    if let Some(local) = groups().map(|dest| dest.addr.ip()).find(|ip| stays_on_link(*ip))
        && ttl > 1
    {
        all.push(format!("no router forwards {local}, whatever the TTL: it is for one link"));
    }
    let routable = groups().map(|dest| dest.addr.ip()).find(|ip| !stays_on_link(*ip));
    let mut others = targets.iter().map(|dest| dest.addr.ip());
    let beyond = others.find(|ip| host.role(*ip) == Role::Other && !host.is_on_link(*ip));
    if let (Some(group), Some(beyond), 0 | 1) = (routable, beyond, ttl) {
        all.push(format!(
            "{beyond} is beyond a router, and with TTL {ttl} no router forwards {group}: --ttl 2 or more"
        ));
    }
    all
}

/// Warnings about what is to be listened to, without interfaces named, and from whom.
pub(super) fn before_listening(
    addrs: &[SocketAddr],
    sources: &[IpAddr],
    host: &Host,
) -> Vec<String> {
    let mut all: Vec<String> = addrs
        .iter()
        .filter(|addr| addr.ip().is_multicast())
        .find_map(|addr| by_route(*addr, host))
        .into_iter()
        .collect();
    let beyond = sources.iter().find(|ip| host.role(**ip) == Role::Other && !host.is_on_link(**ip));
    if let Some(source) = beyond {
        all.push(format!(
            "{source} is beyond a router: it must send with a TTL of 2 or more, and the routers must \
             route the group"
        ));
    }
    all
}

/// What is wrong with leaving the interface to the route.
fn by_route(group: SocketAddr, host: &Host) -> Option<String> {
    if needs_interface(group.ip()) {
        return None;
    }
    let Ok(source) = route_source(group) else {
        let shown = group.ip();
        return Some(format!(
            "this host has no route to {shown}: name its interface (--interface)"
        ));
    };
    let by = host.interfaces().iter().find(|one| one.addresses.contains(&source))?;
    let kind = link_kind(link_state(&by.name).special?);
    Some(format!("{} goes by {}, a {kind}: --interface chooses another", group.ip(), by.name))
}

/// Whether no router forwards a group (RFC 5771 §4: 224.0.0.0/24; RFC 4291 §2.7: scopes 1 and 2).
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

    fn sending(targets: &[&str], ttl: u8) -> Vec<String> {
        let by_lo =
            |text: &&str| Dest { interface: 1, ..Dest::from(text.parse::<SocketAddr>().unwrap()) };
        let targets: Vec<Dest> = targets.iter().map(by_lo).collect();
        before_sending(&targets, ttl, &host())
    }

    #[test]
    fn a_ttl_that_stops_at_a_router_is_told_where_somebody_is_beyond_one() {
        let all = sending(&["239.1.2.3:5", "192.0.2.1:5"], 1);
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].starts_with("192.0.2.1 is beyond a router"), "{all:?}");
        assert!(sending(&["239.1.2.3:5", "192.0.2.1:5"], 2).is_empty());
        assert!(sending(&["239.1.2.3:5", "10.0.0.9:5"], 1).is_empty());
        assert!(sending(&["192.0.2.1:5"], 1).is_empty());
    }

    #[test]
    fn a_group_of_one_link_is_told_from_one_that_is_routed() {
        assert_eq!(sending(&["224.0.0.251:5"], 8).len(), 1);
        assert_eq!(sending(&["[ff02::fb%1]:5"], 8).len(), 1);
        assert!(sending(&["224.0.1.1:5", "[ff15::1]:5"], 8).is_empty());
    }

    #[test]
    fn a_source_beyond_a_router_needs_more_than_this_host() {
        let from = |text: &str| before_listening(&[], &[text.parse().unwrap()], &host());
        assert_eq!(from("192.0.2.1").len(), 1);
        assert!(from("127.0.0.1").is_empty() && from("10.0.0.9").is_empty());
    }
}
