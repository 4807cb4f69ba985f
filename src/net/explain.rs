//! Explains error numbers from the state of this host. No datagram is sent: connect(2) on a
//! separate socket looks up the route, getifaddrs(3) lists the interfaces.

use super::host::{FullTable, full_table};
use super::interface_list::{Interface, list};
use super::route::{Broadcast, look_up};
use crate::batch::{LocalCause, LocalRefusal, LocalSendFailure};
use crate::sys::{ErrorNumber, errno};
use std::net::SocketAddr;

/// Why this host refused to send to `destination` with this error number, according to its current
/// state.
pub fn explain(number: i32, destination: SocketAddr) -> LocalSendFailure {
    let plain = LocalSendFailure::from_errno(number, destination);
    if plain.cause == LocalCause::NoZone {
        return plain;
    }
    let cause = match LocalRefusal::of(number) {
        // A full table and a rule that drops give the same error number.
        LocalRefusal::PacketFilter => full_table()
            .map(|FullTable { entries, most }| LocalCause::ConntrackFull { entries, most }),
        LocalRefusal::Prohibited => prohibited(destination),
        LocalRefusal::Invalid => {
            route_says(destination, errno::EINVAL).then_some(LocalCause::BlackholeRoute)
        }
        LocalRefusal::HostUnreachable => Some(host_unreachable(destination)),
        LocalRefusal::NetworkUnreachable => Some(network_unreachable(destination)),
        LocalRefusal::InterfaceDown => {
            down_towards(destination).map(|name| LocalCause::InterfaceDown { name })
        }
        _ => None,
    };
    LocalSendFailure { cause: cause.unwrap_or(plain.cause), ..plain }
}

/// Both a prohibit route and a broadcast without `SO_BROADCAST` give `EACCES`; with `SO_BROADCAST`
/// set, only the route does.
fn prohibited(destination: SocketAddr) -> Option<LocalCause> {
    match look_up(destination, Broadcast::Allowed).err().and_then(|error| error.errno()) {
        Some(errno::EACCES) => Some(LocalCause::ProhibitRoute),
        Some(_) => None,
        None => {
            let refused = look_up(destination, Broadcast::Refused).err();
            let is_broadcast = refused.and_then(|error| error.errno()) == Some(errno::EACCES);
            is_broadcast.then_some(LocalCause::Broadcast)
        }
    }
}

fn host_unreachable(destination: SocketAddr) -> LocalCause {
    if route_says(destination, errno::EHOSTUNREACH) {
        LocalCause::UnreachableRoute
    } else {
        LocalCause::NoNeighbour
    }
}

fn network_unreachable(destination: SocketAddr) -> LocalCause {
    if look_up(destination, Broadcast::Allowed).is_ok() {
        return LocalCause::RouteCameBack;
    }
    if let Some(name) = down_towards(destination) {
        return LocalCause::InterfaceDown { name };
    }
    let names: Vec<_> = list()
        .unwrap_or_default()
        .into_iter()
        .filter(|one| {
            !one.running && one.addresses.iter().any(|ip| ip.is_ipv4() == destination.is_ipv4())
        })
        .map(|one| one.name)
        .collect();
    if names.is_empty() { LocalCause::NoRoute } else { LocalCause::NoRouteAndDown { names } }
}

/// An interface that is down and whose network contains `destination`; includes the interface of a
/// zone, and loopback, which has no address while it is down.
fn down_towards(destination: SocketAddr) -> Option<String> {
    let all = list().unwrap_or_default();
    let ip = destination.ip();
    if ip.is_loopback() {
        let running = all.iter().any(|one| one.loopback && one.running);
        return (!running).then(|| "lo".to_owned());
    }
    let zone = match destination {
        SocketAddr::V6(v6) => v6.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    let towards = |one: &&Interface| {
        if zone != 0 { one.index == zone } else { one.networks.iter().any(|net| net.contains(&ip)) }
    };
    let mut found = all.iter().filter(towards).peekable();
    let first = found.peek().map(|one| one.name.clone());
    if found.any(|one| one.running) { None } else { first }
}

/// Whether the routing lookup alone, with broadcasts allowed, gives this error number.
fn route_says(destination: SocketAddr, number: i32) -> bool {
    let told = look_up(destination, Broadcast::Allowed).err();
    told.and_then(|error| error.errno()) == Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn where_the_state_of_this_host_explains_nothing_nothing_is_claimed() {
        let to: SocketAddr = "127.0.0.1:9".parse().unwrap();
        for (number, cause) in [
            (errno::EACCES, LocalCause::Unexplained),
            (errno::EINVAL, LocalCause::Unexplained),
            (errno::EHOSTUNREACH, LocalCause::NoNeighbour),
            (errno::ENETUNREACH, LocalCause::RouteCameBack),
            (errno::ENETDOWN, LocalCause::SomeInterfaceDown),
            (errno::EPERM, LocalCause::PacketFilter),
        ] {
            assert_eq!(explain(number, to).cause, cause, "{number}");
        }
    }

    #[test]
    fn a_broadcast_address_is_told_from_a_prohibit_route() {
        let to: SocketAddr = "127.255.255.255:9".parse().unwrap();
        assert_eq!(explain(errno::EACCES, to).cause, LocalCause::Broadcast);
    }
}
