//! Where to listen: `5000`, `:5000`, `127.0.0.1:5000-5010`, `[::1]:5000`, `[::]`, `name:5000`.

use super::Usage;
use super::exit::UsageError;
use crate::net::{
    AddressFault, FamilyChoice, HostPort, NetError, Socket, SocketPlan, resolve, split_host_port,
};
use crate::units::Endpoint;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use thiserror::Error;

/// Sockets that one run may open.
const MOST: usize = 1024;

/// Why a text is not an address to listen on.
#[derive(Debug, Error)]
enum BindUsage {
    #[error("{ports} ports are too many; use at most {MOST}")]
    TooMany { ports: usize },
    #[error("{0} is named twice")]
    Twice(Bind),
    #[error("{all} includes {one}: leave one of them out")]
    Overlap { all: Bind, one: Bind },
}

impl UsageError for BindUsage {}

/// A local address to bind to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind {
    /// The address; port 0 lets the kernel choose.
    pub addr: SocketAddr,
    /// Whether no address was given, so that the socket receives both families.
    pub any: bool,
}

impl Bind {
    /// Whether only one of two binds to a port can be open, or both are the same.
    fn overlaps(&self, other: &Self) -> bool {
        self.addr == other.addr || self.covers(other) || other.covers(self)
    }

    /// Whether it takes what arrives at the other's address. A group shares its port.
    fn covers(&self, one: &Self) -> bool {
        let family = self.any || self.addr.is_ipv4() == one.addr.is_ipv4();
        self.addr.ip().is_unspecified() && family && !one.addr.ip().is_multicast()
    }

    /// Opens a socket according to `plan`.
    pub fn open(self, plan: impl Fn(SocketAddr) -> SocketPlan) -> Result<Socket, NetError> {
        SocketPlan { dual_stack: self.any, ..plan(self.addr) }.open()
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any { PortOfAll(self.addr.port()).fmt(f) } else { Endpoint::from(self.addr).fmt(f) }
    }
}

/// How a bind to every address is typed.
#[derive(Debug, Error)]
#[error("port {0}")]
struct PortOfAll(u16);

/// Every address of `binds`, with ranges expanded. `port` (a number or a range) is the default of
/// those without a port, and the only bind if there are none.
pub fn parse_binds(
    binds: &[String],
    port: &str,
    family: FamilyChoice,
) -> anyhow::Result<Vec<Bind>> {
    let fallback = parse_ports(port, port)?;
    let mut found = Vec::new();
    for text in binds {
        found.extend(parse_bind(text, &fallback, family)?);
    }
    if binds.is_empty() {
        found.extend(on_ports("", &fallback, family)?);
    }
    if found.len() > MOST {
        return Err(Usage::from(BindUsage::TooMany { ports: found.len() }).into());
    }
    check_twice(&found)?;
    Ok(found)
}

/// Fails if two binds cannot both be open, or the second is the first once more.
fn check_twice(binds: &[Bind]) -> Result<(), Usage> {
    let mut by_port: HashMap<u16, Vec<Bind>> = HashMap::new();
    for bind in binds.iter().filter(|bind| bind.addr.port() != 0) {
        let known = by_port.entry(bind.addr.port()).or_default();
        if let Some(first) = &known.iter().find(|first| first.overlaps(bind)) {
            return Err(match (first.addr == bind.addr, first.covers(bind)) {
                (true, _) => BindUsage::Twice(*bind),
                (_, true) => BindUsage::Overlap { all: **first, one: *bind },
                (_, false) => BindUsage::Overlap { all: *bind, one: **first },
            }
            .into());
        }
        known.push(*bind);
    }
    Ok(())
}

fn parse_bind(
    text: &str,
    fallback: &RangeInclusive<u16>,
    family: FamilyChoice,
) -> anyhow::Result<Vec<Bind>> {
    // A number or a range of numbers is a port.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return Ok(on_ports("", &parse_ports(text, text)?, family)?);
    }
    let HostPort { host, port } = split_host_port(text)?;
    let ports = match port {
        Some(port) => parse_ports(&port, text)?,
        None => fallback.clone(),
    };
    Ok(on_ports(&host, &ports, family)?)
}

/// `5000` or `5000-5010`; `text` is the whole argument, for messages.
fn parse_ports(ports: &str, text: &str) -> Result<RangeInclusive<u16>, NetError> {
    let wrong = |fault| NetError::Address { text: text.to_owned(), fault };
    let number = |port: &str| {
        port.parse::<u16>()
            .map_err(|_| wrong(AddressFault::Port { port: port.to_owned(), least: 0 }))
    };
    let Some((from, to)) = ports.split_once('-') else {
        let port = number(ports)?;
        return Ok(port..=port);
    };
    let (from, to) = (number(from)?, number(to)?);
    if from == 0 || from > to {
        return Err(wrong(AddressFault::PortRange));
    }
    Ok(from..=to)
}

fn on_ports(
    host: &str,
    ports: &RangeInclusive<u16>,
    family: FamilyChoice,
) -> Result<Vec<Bind>, NetError> {
    let (mut addr, any) = if host.is_empty() || host == "*" {
        match family {
            FamilyChoice::V4 => (any_address(Ipv4Addr::UNSPECIFIED), false),
            FamilyChoice::V6 => (any_address(Ipv6Addr::UNSPECIFIED), false),
            FamilyChoice::Any => (any_address(Ipv6Addr::UNSPECIFIED), true),
        }
    } else {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        // A placeholder: the port is set below, and may be 0 for a socket that listens.
        (resolve(&host, Some(1), family)?, false)
    };
    Ok(ports
        .clone()
        .map(|port| {
            addr.set_port(port);
            Bind { addr, any }
        })
        .collect())
}

fn any_address(ip: impl Into<IpAddr>) -> SocketAddr {
    SocketAddr::new(ip.into(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Vec<(String, bool)> {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        let binds = parse_binds(&texts, "8620", FamilyChoice::Any).unwrap();
        binds.into_iter().map(|bind| (bind.addr.to_string(), bind.any)).collect()
    }

    #[test]
    fn every_form_of_bind_is_understood() {
        for (text, addr, any) in [
            ("5000", "[::]:5000", true),
            (":5000", "[::]:5000", true),
            ("*:5000", "[::]:5000", true),
            (":0", "[::]:0", true),
            ("127.0.0.1:5000", "127.0.0.1:5000", false),
            ("127.0.0.1", "127.0.0.1:8620", false),
            ("[::1]:5000", "[::1]:5000", false),
            ("[::]:5000", "[::]:5000", false),
            ("::1", "[::1]:8620", false),
            ("0.0.0.0:5000", "0.0.0.0:5000", false),
        ] {
            assert_eq!(parse(&[text]), [(addr.to_owned(), any)], "{text}");
        }
        assert_eq!(parse(&[]), [("[::]:8620".to_owned(), true)]);
    }

    #[test]
    fn a_range_is_one_socket_a_port() {
        let found = parse(&["127.0.0.1:5000-5002", "6000-6001"]);
        let addrs: Vec<_> = found.iter().map(|(addr, _)| addr.as_str()).collect();
        assert_eq!(
            addrs,
            ["127.0.0.1:5000", "127.0.0.1:5001", "127.0.0.1:5002", "[::]:6000", "[::]:6001"]
        );
    }

    #[test]
    fn a_family_is_kept_to() {
        let binds = parse_binds(&[], "9", FamilyChoice::V4).unwrap();
        assert_eq!(binds, [Bind { addr: "0.0.0.0:9".parse().unwrap(), any: false }]);
        let binds = parse_binds(&["5".to_owned()], "9", FamilyChoice::V6).unwrap();
        assert_eq!(binds, [Bind { addr: "[::]:5".parse().unwrap(), any: false }]);
        let other = parse_binds(&["127.0.0.1:9".to_owned()], "9", FamilyChoice::V6);
        assert!(other.unwrap_err().to_string().contains("no IPv6 address"));
    }

    #[test]
    fn a_port_that_is_named_twice_is_refused() {
        for (texts, told) in [
            (&["9007", "9007"][..], Some("port 9007 is named twice")),
            (&["127.0.0.1:5000-5002", "127.0.0.1:5002"], Some("127.0.0.1:5002 is named twice")),
            (&["9007", "127.0.0.1:9007"], Some("port 9007 includes 127.0.0.1:9007")),
            (&["127.0.0.1:9007", "0.0.0.0:9007"], Some("0.0.0.0:9007 includes 127.0.0.1:9007")),
            (&["239.1.2.3:9007", "239.1.2.3:9007"], Some("239.1.2.3:9007 is named twice")),
            (&["239.1.2.3:9007", "9007", "239.1.2.4:9007"], None),
            (&["127.0.0.1:9007", "127.0.0.2:9007", "9008"], None),
            (&["0", "0", "127.0.0.1:0"], None),
        ] {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            let found = parse_binds(&texts, "8620", FamilyChoice::Any);
            let Some(told) = told else {
                assert!(found.is_ok(), "{texts:?}");
                continue;
            };
            let wrong = found.unwrap_err();
            assert_eq!(super::super::code_of(&wrong), 2, "{texts:?}");
            assert!(wrong.to_string().contains(told), "{texts:?}: {wrong}");
        }
    }

    #[test]
    fn invalid_ports_are_refused() {
        for text in ["70000", "5010-5000", "0-5", ":x", "1-2-3", "[::1]:", "-", "1-60000"] {
            let wrong = parse_binds(&[text.to_owned()], "8620", FamilyChoice::Any);
            assert_eq!(super::super::code_of(&wrong.unwrap_err()), 2, "{text}");
        }
    }
}
