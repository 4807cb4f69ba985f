//! Resolves `host:port` in every form a user may type: IPv4, `[IPv6%zone]:port`, names.

use super::{AddressFault, NetError, find_interface};
use crate::batch::HostFault;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

/// The address family a name may resolve to (`-4`, `-6`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FamilyChoice {
    /// The first address that the resolver returns.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl FamilyChoice {
    fn takes(self, addr: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => addr.is_ipv4(),
            Self::V6 => addr.is_ipv6(),
        }
    }
}

/// A host and a port, not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Name or address without brackets, with its `%zone` if it has one; empty for none.
    pub host: String,
    /// Text after the last colon; `None` if there is no port.
    pub port: Option<String>,
}

/// Splits `host`, `host:port`, `[v6]:port`, `[v6]`, bare `v6`, or `:port`.
pub fn split_host_port(text: &str) -> Result<HostPort, NetError> {
    let wrong = |fault| NetError::Address { text: text.to_owned(), fault };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) =
            rest.split_once(']').ok_or_else(|| wrong(AddressFault::NoClosingBracket))?;
        let port = match behind {
            "" => None,
            _ => Some(
                behind
                    .strip_prefix(':')
                    .ok_or_else(|| wrong(AddressFault::BehindBracket))?
                    .to_owned(),
            ),
        };
        return Ok(HostPort { host: host.to_owned(), port });
    }
    match text.matches(':').count() {
        0 => Ok(HostPort { host: text.to_owned(), port: None }),
        1 => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            Ok(HostPort { host: host.to_owned(), port: Some(port.to_owned()) })
        }
        _ if text.split('%').next().is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()) => {
            Ok(HostPort { host: text.to_owned(), port: None })
        }
        _ => Err(wrong(AddressFault::NoBrackets)),
    }
}

/// What one look-up of a name or an address found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The addresses of the wanted family, in the resolver's order; not empty.
    pub addrs: Vec<SocketAddr>,
    /// The first address of another family than the first of these, if a name has one.
    pub other_family: Option<SocketAddr>,
}

/// Resolves `text` as `host:port`, with `default_port` if it has no port. Port 0 is refused: no
/// datagram can be sent to it.
pub fn resolve(
    text: &str,
    default_port: Option<u16>,
    family: FamilyChoice,
) -> Result<SocketAddr, NetError> {
    resolve_all(text, default_port, family).map(|found| found.addrs[0])
}

/// The same with all addresses of a name.
pub fn resolve_all(
    text: &str,
    default_port: Option<u16>,
    family: FamilyChoice,
) -> Result<Resolved, NetError> {
    #[cfg(test)]
    RESOLUTIONS.set(RESOLUTIONS.get() + 1);
    let wrong = |fault| NetError::Address { text: text.to_owned(), fault };
    let HostPort { host, port } = split_host_port(text)?;
    let port = match (port, default_port) {
        (Some(port), _) => {
            port.parse::<u16>().map_err(|_| wrong(AddressFault::Port { port, least: 1 }))?
        }
        (None, Some(port)) => port,
        (None, None) => return Err(wrong(AddressFault::NoPort)),
    };
    if port == 0 {
        return Err(wrong(AddressFault::PortZero));
    }
    if host.is_empty() {
        return Err(wrong(AddressFault::NoHost));
    }
    lookup(&host, port, family)
}

#[cfg(test)]
thread_local! {
    static RESOLUTIONS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How often this thread has resolved anything.
#[cfg(test)]
pub fn resolutions() -> usize {
    RESOLUTIONS.get()
}

/// `host` as an IP address: an IPv4-mapped one (`::ffff:192.0.2.1`) is the IPv4 address, as it is in
/// all that is sent and received (RFC 4291 §2.5.5.2). In IPv6 optionally with a zone (an interface's name or index, RFC 4007
/// §11); `None` if it is not an address.
pub fn literal(host: &str, port: u16) -> Result<Option<SocketAddr>, NetError> {
    let Some((ip, zone)) = host.split_once('%') else {
        return Ok(host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip.to_canonical(), port)));
    };
    let wrong = |_| NetError::Host { host: host.to_owned(), fault: HostFault::Zone };
    let ip: Ipv6Addr = ip.parse().map_err(wrong)?;
    let scope = match zone.parse() {
        Ok(number) => number,
        Err(_) => find_interface(zone)?,
    };
    Ok(Some(SocketAddrV6::new(ip, port, 0, scope).into()))
}

/// `bind` with the zone of `peer` if it is link-local without a zone: both are on the same link.
pub fn on_link_of(bind: SocketAddr, peer: SocketAddr) -> SocketAddr {
    match peer {
        SocketAddr::V4(_) => bind,
        SocketAddr::V6(peer) => on_link(bind, peer.scope_id()),
    }
}

/// `addr` with this interface as its zone if it is link-local without one.
pub fn on_link(addr: SocketAddr, interface: u32) -> SocketAddr {
    match addr {
        SocketAddr::V6(mut v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 => {
            v6.set_scope_id(interface);
            v6.into()
        }
        other => other,
    }
}

/// The address of a name or a literal, whose zone may be a name or an index.
fn lookup(host: &str, port: u16, family: FamilyChoice) -> Result<Resolved, NetError> {
    let fail = |fault| NetError::Host { host: host.to_owned(), fault };
    let wanted = match family {
        FamilyChoice::Any => HostFault::NoAddress,
        FamilyChoice::V4 => HostFault::NoIpv4,
        FamilyChoice::V6 => HostFault::NoIpv6,
    };
    if let Some(addr) = literal(host, port)? {
        let found = Resolved { addrs: vec![addr], other_family: None };
        return if family.takes(&addr) { Ok(found) } else { Err(fail(wanted)) };
    }
    let found = (host, port).to_socket_addrs().map_err(|error| {
        let text = error.to_string();
        let error = text.rsplit(": ").next().unwrap_or(&text).to_owned();
        fail(HostFault::Resolver { error })
    })?;
    let canonical = |addr: SocketAddr| match addr.ip().to_canonical() {
        IpAddr::V4(ip) => (ip, addr.port()).into(),
        // With its zone.
        IpAddr::V6(_) => addr,
    };
    let all: Vec<SocketAddr> = found.map(canonical).collect();
    match first_of(&all, family) {
        Some(found) => Ok(found),
        None => Err(fail(if all.is_empty() { HostFault::NoAddress } else { wanted })),
    }
}

/// The addresses of a wanted family, each once, and the first of the other one.
fn first_of(all: &[SocketAddr], family: FamilyChoice) -> Option<Resolved> {
    let mut addrs: Vec<SocketAddr> = Vec::new();
    for addr in all.iter().filter(|addr| family.takes(addr)) {
        if !addrs.contains(addr) {
            addrs.push(*addr);
        }
    }
    let first = addrs.first()?;
    let other_family = all.iter().find(|other| other.is_ipv4() != first.is_ipv4()).copied();
    Some(Resolved { addrs, other_family })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>) {
        let found = split_host_port(text).unwrap();
        (found.host, found.port)
    }

    #[test]
    fn every_form_of_host_and_port_is_taken_apart() {
        for (text, host, port) in [
            ("192.0.2.1:9", "192.0.2.1", Some("9")),
            ("192.0.2.1", "192.0.2.1", None),
            ("[::1]:9", "::1", Some("9")),
            ("[fe80::1%eth0]:9", "fe80::1%eth0", Some("9")),
            ("[::1]", "::1", None),
            ("::1", "::1", None),
            ("fe80::1%eth0", "fe80::1%eth0", None),
            (":5000", "", Some("5000")),
            ("name:80", "name", Some("80")),
        ] {
            assert_eq!(parts(text), (host.to_owned(), port.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said_with_what_would_be_right() {
        let port = |port: &str| AddressFault::Port { port: port.to_owned(), least: 1 };
        for (text, wrong) in [
            ("192.0.2.1:0", AddressFault::PortZero),
            ("192.0.2.1:65536", port("65536")),
            ("192.0.2.1:-1", port("-1")),
            ("192.0.2.1", AddressFault::NoPort),
            (":9", AddressFault::NoHost),
            ("[::1:9", AddressFault::NoClosingBracket),
            ("[::1]9", AddressFault::BehindBracket),
            ("::1:zz:9", AddressFault::NoBrackets),
        ] {
            let error = resolve(text, None, FamilyChoice::Any).unwrap_err();
            let is_right = matches!(&error, NetError::Address { fault, .. } if *fault == wrong);
            assert!(is_right, "{text}: {error}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_local_address_has_the_zone_that_is_named_or_that_of_its_peer() {
        let lo = find_interface("lo").unwrap();
        let addr = |text: &str| literal(text, 9).unwrap();
        assert_eq!(addr("fe80::1%lo"), Some(format!("[fe80::1%{lo}]:9").parse().unwrap()));
        assert_eq!(addr("192.0.2.1"), Some("192.0.2.1:9".parse().unwrap()));
        assert_eq!(addr("name.example"), None);
        assert!(literal("192.0.2.1%lo", 9).is_err());
        for (bind, peer, bound) in [
            ("[fe80::1]:0", "[fe80::2%7]:9", "[fe80::1%7]:0"),
            ("[fe80::1%3]:0", "[fe80::2%7]:9", "[fe80::1%3]:0"),
            ("[2001:db8::1]:0", "[fe80::2%7]:9", "[2001:db8::1]:0"),
            ("192.0.2.1:0", "192.0.2.2:9", "192.0.2.1:0"),
        ] {
            let found = on_link_of(bind.parse().unwrap(), peer.parse().unwrap());
            assert_eq!(found, bound.parse().unwrap(), "{bind} {peer}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_zone_is_found_by_name_and_a_family_is_kept_to() {
        let addr = resolve("[fe80::1%lo]:9", None, FamilyChoice::Any).unwrap();
        let SocketAddr::V6(v6) = addr else { panic!("{addr}") };
        assert_eq!(v6.scope_id(), find_interface("lo").unwrap());
        // A literal has one family only; the addresses of a name depend on the resolver.
        let literal = resolve_all("127.0.0.1:9", None, FamilyChoice::Any).unwrap();
        assert_eq!(literal.other_family, None);
        let [v4, other_v4, v6]: [SocketAddr; 3] =
            ["192.0.2.1:9", "192.0.2.2:9", "[2001:db8::1]:9"].map(|addr| addr.parse().unwrap());
        for (family, addrs, other_family) in [
            (FamilyChoice::Any, vec![v4, other_v4, v6], Some(v6)),
            (FamilyChoice::V4, vec![v4, other_v4], Some(v6)),
            (FamilyChoice::V6, vec![v6], Some(v4)),
        ] {
            let found = Some(Resolved { addrs, other_family });
            assert_eq!(first_of(&[v4, other_v4, v6, v4], family), found, "{family:?}");
        }
        let found = Some(Resolved { addrs: vec![v4, other_v4], other_family: None });
        assert_eq!(first_of(&[v4, other_v4], FamilyChoice::Any), found);
        assert_eq!(first_of(&[v4], FamilyChoice::V6), None);
        let mapped = resolve("[::ffff:192.0.2.1]:9", None, FamilyChoice::Any).unwrap();
        assert_eq!(mapped, v4);
        let error = resolve("127.0.0.1:9", None, FamilyChoice::V6).unwrap_err();
        assert!(matches!(error, NetError::Host { fault: HostFault::NoIpv6, .. }), "{error}");
        assert_eq!(
            resolve("127.0.0.1", Some(8620), FamilyChoice::V4).unwrap(),
            "127.0.0.1:8620".parse().unwrap()
        );
    }
}
