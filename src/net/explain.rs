//! Explains error numbers from the state of this host. No datagram is sent: connect(2) on a
//! separate socket looks up the route, getifaddrs(3) lists the interfaces.

use super::interface::interfaces;
use super::route::{Broadcast, look_up};
use crate::batch::{LocalRefusal, NetworkError, OwnCause, OwnFinding};
use crate::sys::errno;
use std::net::SocketAddr;

/// Why this host refused to send to `destination` with this error number, according to its current
/// state.
pub fn explain(number: i32, destination: SocketAddr) -> OwnFinding {
    let plain = OwnFinding::from_errno(number, destination);
    if plain.cause == OwnCause::NoZone {
        return plain;
    }
    let cause = match LocalRefusal::of(number) {
        LocalRefusal::Prohibited => prohibited(destination),
        LocalRefusal::Invalid => {
            route_says(destination, errno::EINVAL).then_some(OwnCause::BlackholeRoute)
        }
        LocalRefusal::HostUnreachable => Some(host_unreachable(destination)),
        LocalRefusal::NetworkUnreachable => Some(network_unreachable(destination)),
        LocalRefusal::InterfaceDown => {
            down_towards(destination).map(|name| OwnCause::InterfaceDown { name })
        }
        _ => None,
    };
    OwnFinding { cause: cause.unwrap_or(plain.cause), ..plain }
}

/// The same for an error from this host's own error queue; `None` for an error from the network.
pub fn explain_network_error(error: &NetworkError) -> Option<OwnFinding> {
    error.refused_here().map(|errno| explain(errno, error.destination))
}

/// Both a prohibit route and a broadcast without `SO_BROADCAST` give `EACCES`; with `SO_BROADCAST`
/// set, only the route does.
fn prohibited(destination: SocketAddr) -> Option<OwnCause> {
    match look_up(destination, Broadcast::Allowed).err().and_then(|error| error.raw_os_error()) {
        Some(errno::EACCES) => Some(OwnCause::ProhibitRoute),
        Some(_) => None,
        None => {
            let refused = look_up(destination, Broadcast::Refused).err();
            let is_broadcast =
                refused.and_then(|error| error.raw_os_error()) == Some(errno::EACCES);
            is_broadcast.then_some(OwnCause::Broadcast)
        }
    }
}

fn host_unreachable(destination: SocketAddr) -> OwnCause {
    if route_says(destination, errno::EHOSTUNREACH) {
        OwnCause::UnreachableRoute
    } else {
        OwnCause::NoNeighbour
    }
}

fn network_unreachable(destination: SocketAddr) -> OwnCause {
    if look_up(destination, Broadcast::Allowed).is_ok() {
        return OwnCause::RouteCameBack;
    }
    if let Some(name) = down_towards(destination) {
        return OwnCause::InterfaceDown { name };
    }
    let names: Vec<_> = interfaces()
        .unwrap_or_default()
        .into_iter()
        .filter(|one| {
            !one.running && one.addresses.iter().any(|ip| ip.is_ipv4() == destination.is_ipv4())
        })
        .map(|one| one.name)
        .collect();
    if names.is_empty() { OwnCause::NoRoute } else { OwnCause::NoRouteAndDown { names } }
}

/// An interface that is down and whose network contains `destination`; includes the interface of a
/// zone, and loopback, which has no address while it is down.
fn down_towards(destination: SocketAddr) -> Option<String> {
    let all = interfaces().unwrap_or_default();
    let ip = destination.ip();
    if ip.is_loopback() {
        let running = all.iter().any(|one| one.loopback && one.running);
        return (!running).then(|| "lo".to_owned());
    }
    let zone = match destination {
        SocketAddr::V6(v6) => v6.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    let towards = |one: &&super::Interface| {
        if zone != 0 { one.index == zone } else { one.networks.iter().any(|net| net.contains(&ip)) }
    };
    let mut found = all.iter().filter(towards).peekable();
    let first = found.peek().map(|one| one.name.clone());
    if found.any(|one| one.running) { None } else { first }
}

/// Whether the routing lookup alone, with broadcasts allowed, gives this error number.
fn route_says(destination: SocketAddr, number: i32) -> bool {
    let told = look_up(destination, Broadcast::Allowed).err();
    told.and_then(|error| error.raw_os_error()) == Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_state_of_this_host_explains_nothing_nothing_is_claimed() {
        let to: SocketAddr = "127.0.0.1:9".parse().unwrap();
        for (number, cause) in [
            (errno::EACCES, OwnCause::Unexplained),
            (errno::EINVAL, OwnCause::Unexplained),
            (errno::EHOSTUNREACH, OwnCause::NoNeighbour),
            (errno::ENETUNREACH, OwnCause::RouteCameBack),
            (errno::ENETDOWN, OwnCause::SomeInterfaceDown),
            (errno::EPERM, OwnCause::PacketFilter),
        ] {
            assert_eq!(explain(number, to).cause, cause, "{number}");
        }
    }

    #[test]
    fn a_broadcast_address_is_told_from_a_prohibit_route() {
        let to: SocketAddr = "127.255.255.255:9".parse().unwrap();
        assert_eq!(explain(errno::EACCES, to).cause, OwnCause::Broadcast);
    }
}
