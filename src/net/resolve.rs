//! `host:port` in every form that a user types: IPv4, `[IPv6%zone]:port`, names.

use super::{NetError, find_interface};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

/// Which family a name may resolve to (`-4`, `-6`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FamilyChoice {
    /// The first that the resolver gives.
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

/// A host and a port, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Name or address without brackets, perhaps with a `%zone`; empty for none.
    pub host: String,
    /// Text behind the last colon; `None` when there was no port.
    pub port: Option<String>,
}

/// Takes `host`, `host:port`, `[v6]:port`, `[v6]`, bare `v6`, or `:port` apart.
pub fn split_host_port(text: &str) -> Result<HostPort, NetError> {
    let wrong = |wrong: &str| NetError::Address { text: text.to_owned(), wrong: wrong.to_owned() };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) = rest
            .split_once(']')
            .ok_or_else(|| wrong("the closing ] is missing; write [2001:db8::1]:9000"))?;
        let port = match behind {
            "" => None,
            _ => Some(
                behind
                    .strip_prefix(':')
                    .ok_or_else(|| wrong("only :PORT may follow the ]"))?
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
        _ => Err(wrong("write IPv6 addresses in brackets: [2001:db8::1]:9000")),
    }
}

/// Looks up `text` as `host:port`, with `default_port` where it names none. Port 0 is refused: no
/// datagram can be sent there.
pub fn resolve(
    text: &str,
    default_port: Option<u16>,
    family: FamilyChoice,
) -> Result<SocketAddr, NetError> {
    let wrong = |wrong: String| NetError::Address { text: text.to_owned(), wrong };
    let HostPort { host, port } = split_host_port(text)?;
    let port = match (port, default_port) {
        (Some(port), _) => port
            .parse::<u16>()
            .map_err(|_| wrong(format!("port {port:?} is not a number from 1 to 65535")))?,
        (None, Some(port)) => port,
        (None, None) => return Err(wrong("the port is missing; write HOST:PORT".to_owned())),
    };
    if port == 0 {
        return Err(wrong("port 0 is no destination; use 1 to 65535".to_owned()));
    }
    if host.is_empty() {
        return Err(wrong("the host is missing; write HOST:PORT".to_owned()));
    }
    lookup(&host, port, family)
}

/// The first address of the family that `chosen` is not of, where `text` is a name that has one.
pub fn other_family(text: &str, chosen: SocketAddr) -> Option<SocketAddr> {
    let host = split_host_port(text).ok()?.host;
    let is_name = host.parse::<IpAddr>().is_err() && !host.contains('%');
    let mut found = is_name.then(|| (host.as_str(), chosen.port()).to_socket_addrs().ok())??;
    found.find(|addr| addr.is_ipv4() != chosen.is_ipv4())
}

/// The address of a name or a literal, zones by name or number.
fn lookup(host: &str, port: u16, family: FamilyChoice) -> Result<SocketAddr, NetError> {
    let fail = |wrong: &str| NetError::Host { host: host.to_owned(), wrong: wrong.to_owned() };
    let literal = match host.split_once('%') {
        Some((ip, zone)) => {
            let ip: Ipv6Addr =
                ip.parse().map_err(|_| fail("only an IPv6 address can have a %zone"))?;
            let scope = match zone.parse() {
                Ok(number) => number,
                Err(_) => find_interface(zone)?,
            };
            Some(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)))
        }
        None => host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port)),
    };
    let wanted = match family {
        FamilyChoice::Any => "",
        FamilyChoice::V4 => "it has no IPv4 address",
        FamilyChoice::V6 => "it has no IPv6 address",
    };
    if let Some(addr) = literal {
        return if family.takes(&addr) { Ok(addr) } else { Err(fail(wanted)) };
    }
    let found = (host, port).to_socket_addrs().map_err(|error| {
        let text = error.to_string();
        fail(text.rsplit(": ").next().unwrap_or(&text))
    })?;
    let mut any = false;
    for addr in found {
        any = true;
        if family.takes(&addr) {
            return Ok(addr);
        }
    }
    Err(fail(if any { wanted } else { "it has no address" }))
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
        for (text, part) in [
            ("192.0.2.1:0", "port 0 is no destination"),
            ("192.0.2.1:65536", "not a number from 1 to 65535"),
            ("192.0.2.1", "the port is missing"),
            (":9", "the host is missing"),
            ("[::1:9", "the closing ] is missing"),
            ("[::1]9", "only :PORT may follow"),
            ("::1:zz:9", "in brackets"),
        ] {
            let error = resolve(text, None, FamilyChoice::Any).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_zone_is_found_by_name_and_a_family_is_kept_to() {
        let addr = resolve("[fe80::1%lo]:9", None, FamilyChoice::Any).unwrap();
        let SocketAddr::V6(v6) = addr else { panic!("{addr}") };
        assert_eq!(v6.scope_id(), find_interface("lo").unwrap());
        // A literal is of one family only; what names have is the resolver's affair.
        assert_eq!(other_family("127.0.0.1", "127.0.0.1:9".parse().unwrap()), None);
        let error = resolve("127.0.0.1:9", None, FamilyChoice::V6).unwrap_err();
        assert!(error.to_string().contains("no IPv6 address"));
        assert_eq!(
            resolve("127.0.0.1", Some(8620), FamilyChoice::V4).unwrap(),
            "127.0.0.1:8620".parse().unwrap()
        );
    }
}
