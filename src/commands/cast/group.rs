//! Parses the `GROUP` arguments of `cast`: one address, a range of them, or a name.
//!
//! Only the syntax is checked here; the plan checks whether an interface, name or route exists.

use crate::cli::DEFAULT_PORT;
use crate::net::{HostPort, NetError, split_host_port};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use thiserror::Error;

/// Most addresses that one range may name.
pub(super) const RANGE_MAX: u32 = 256;

/// One `GROUP` of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// The argument as given, for messages.
    pub text: String,
    /// Which hosts.
    pub host: GroupHost,
    /// The port, 1 to 65,535.
    pub port: u16,
}

/// The host part of a [`GroupSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupHost {
    /// Addresses in order, 1 to 256 of one family, all in one zone (RFC 4007 §11) if there is
    /// one.
    Addresses {
        /// The addresses; IPv4-mapped ones are given as IPv4.
        all: Vec<IpAddr>,
        /// Name or number of the interface after `%`.
        zone: Option<String>,
    },
    /// A name to resolve.
    Name(String),
    /// No host: `:5000`, which for a receiver means every address of this host.
    Any,
}

/// What is wrong with a `GROUP`, and how to correct it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GroupError {
    /// Not an address and port.
    #[error("{wrong}")]
    Syntax {
        /// The parser's message.
        wrong: String,
    },
    /// Port 0.
    #[error("port 0 is not a destination; use 1 to 65535")]
    PortZero,
    /// An invalid port.
    #[error("port {port:?} is not a number from 1 to 65535")]
    Port {
        /// The text in place of the port.
        port: String,
    },
    /// Nothing after `%`.
    #[error("the zone after the % is missing; write [ff02::1%eth0]")]
    ZoneMissing,
    /// A name with a zone.
    #[error("only an IPv6 address can have a %zone")]
    ZoneOfName,
    /// An IPv4 address with a zone.
    #[error("only an IPv6 address can have a %zone; for IPv4 use --interface")]
    ZoneOfV4,
    /// Digits and dots that are not an IPv4 address.
    #[error("{address:?} is not an IPv4 address: four numbers from 0 to 255")]
    NotIpv4 {
        /// The text.
        address: String,
    },
    /// A range whose last number is too large.
    #[error("range {range:?} ends at {end}; the last number is at most 255")]
    EndTooLarge {
        /// The range.
        range: String,
        /// Its last number.
        end: u32,
    },
    /// A range of IPv4 addresses without an end.
    #[error("range {range:?} has no end; write {first}-255")]
    NoEndV4 {
        /// The range.
        range: String,
        /// Its first address.
        first: Ipv4Addr,
    },
    /// A range of IPv6 addresses without an end.
    #[error("range {range:?} has no end; write its last 16 bits in hexadecimal: {first}-ff")]
    NoEndV6 {
        /// The range.
        range: String,
        /// Its first address.
        first: Ipv6Addr,
    },
    /// A range whose end is below its start.
    #[error("range {range:?} runs backwards; write {turned}")]
    Backwards {
        /// The range.
        range: String,
        /// The range with its ends swapped.
        turned: String,
    },
    /// A range of too many addresses.
    #[error("range {range:?} names {count} addresses; {RANGE_MAX} at most")]
    TooLong {
        /// The range.
        range: String,
        /// How many addresses it has.
        count: u128,
    },
}

impl FromStr for GroupSpec {
    type Err = GroupError;

    fn from_str(text: &str) -> Result<Self, GroupError> {
        let HostPort { host, port } = split_host_port(text).map_err(|error| {
            let wrong = match error {
                NetError::Address { fault, .. } => fault.to_string(),
                other => other.to_string(),
            };
            GroupError::Syntax { wrong }
        })?;
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => read_port(&port)?,
        };
        Ok(Self { text: text.to_owned(), host: read_host(&host)?, port })
    }
}

fn read_port(text: &str) -> Result<u16, GroupError> {
    match text.parse::<u16>() {
        Ok(0) => Err(GroupError::PortZero),
        Ok(port) => Ok(port),
        Err(_) => Err(GroupError::Port { port: text.to_owned() }),
    }
}

fn read_host(host: &str) -> Result<GroupHost, GroupError> {
    if host.is_empty() {
        return Ok(GroupHost::Any);
    }
    let (address, zone) = match host.split_once('%') {
        Some((_, "")) => return Err(GroupError::ZoneMissing),
        Some((address, zone)) => (address, Some(zone.to_owned())),
        None => (host, None),
    };
    let all = match read_addresses(address)? {
        Some(all) => all,
        None if zone.is_some() => return Err(GroupError::ZoneOfName),
        None if looks_numeric(address) => {
            return Err(GroupError::NotIpv4 { address: address.to_owned() });
        }
        None => return Ok(GroupHost::Name(address.to_owned())),
    };
    if zone.is_some() && all[0].is_ipv4() {
        return Err(GroupError::ZoneOfV4);
    }
    Ok(GroupHost::Addresses { all, zone })
}

/// Text of digits, dots and dashes only is meant as an address; it is not passed to the resolver,
/// which could wait for a reply.
fn looks_numeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-')
}

/// One address or a range; `None` for anything else.
fn read_addresses(text: &str) -> Result<Option<Vec<IpAddr>>, GroupError> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(Some(vec![ip.to_canonical()]));
    }
    let Some((first, last)) = text.split_once('-') else { return Ok(None) };
    match first.parse::<IpAddr>() {
        Ok(IpAddr::V4(first)) => read_range_v4(text, first, last).map(Some),
        Ok(IpAddr::V6(first)) => read_range_v6(text, first, last).map(Some),
        Err(_) => Ok(None),
    }
}

fn read_range_v4(text: &str, first: Ipv4Addr, last: &str) -> Result<Vec<IpAddr>, GroupError> {
    let [a, b, c, _] = first.octets();
    let end = match (last.parse::<Ipv4Addr>(), last.parse::<u32>()) {
        (Ok(end), _) => end,
        (_, Ok(end)) => match u8::try_from(end) {
            Ok(end) => Ipv4Addr::new(a, b, c, end),
            Err(_) => return Err(GroupError::EndTooLarge { range: text.to_owned(), end }),
        },
        _ => return Err(GroupError::NoEndV4 { range: text.to_owned(), first }),
    };
    let (first, end) = (u32::from(first), u32::from(end));
    check_range(text, u128::from(first), u128::from(end), || {
        format!("{}-{}", Ipv4Addr::from(end), Ipv4Addr::from(first).octets()[3])
    })?;
    Ok((first..=end).map(|ip| IpAddr::V4(ip.into())).collect())
}

fn read_range_v6(text: &str, first: Ipv6Addr, last: &str) -> Result<Vec<IpAddr>, GroupError> {
    let end = match (last.parse::<Ipv6Addr>(), u16::from_str_radix(last, 16)) {
        (Ok(end), _) => end,
        (_, Ok(end)) => {
            let mut segments = first.segments();
            segments[7] = end;
            Ipv6Addr::from(segments)
        }
        _ => return Err(GroupError::NoEndV6 { range: text.to_owned(), first }),
    };
    let (first, end) = (u128::from(first), u128::from(end));
    check_range(text, first, end, || {
        format!("{}-{:x}", Ipv6Addr::from(end), Ipv6Addr::from(first).segments()[7])
    })?;
    Ok((first..=end).map(|ip| IpAddr::V6(ip.into())).collect())
}

fn check_range(
    text: &str,
    first: u128,
    end: u128,
    turned: impl Fn() -> String,
) -> Result<(), GroupError> {
    if end < first {
        return Err(GroupError::Backwards { range: text.to_owned(), turned: turned() });
    }
    let count = (end - first).saturating_add(1);
    if count > u128::from(RANGE_MAX) {
        return Err(GroupError::TooLong { range: text.to_owned(), count });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> (Vec<String>, Option<String>, u16) {
        let spec: GroupSpec = text.parse().unwrap();
        let GroupHost::Addresses { all, zone } = spec.host else { panic!("{text}") };
        (all.iter().map(ToString::to_string).collect(), zone, spec.port)
    }

    #[test]
    fn every_form_of_a_group_is_read() {
        for (text, first, zone, port, count) in [
            ("239.1.2.3:5000", "239.1.2.3", None, 5000, 1),
            ("239.1.2.3", "239.1.2.3", None, 8620, 1),
            ("[ff15::1%eth0]:5000", "ff15::1", Some("eth0"), 5000, 1),
            ("[ff02::1%br-lan]", "ff02::1", Some("br-lan"), 8620, 1),
            ("ff15::1", "ff15::1", None, 8620, 1),
            ("239.1.2.1-10:5000", "239.1.2.1", None, 5000, 10),
            ("239.1.2.250-239.1.3.9", "239.1.2.250", None, 8620, 16),
            ("239.1.2.0-255", "239.1.2.0", None, 8620, 256),
            ("239.1.2.7-7", "239.1.2.7", None, 8620, 1),
            ("[ff15::9-12%eth0]:1", "ff15::9", Some("eth0"), 1, 10),
            ("[::ffff:192.0.2.1]:9", "192.0.2.1", None, 9, 1),
            ("255.255.255.255:65535", "255.255.255.255", None, 65535, 1),
        ] {
            let (all, found_zone, found_port) = addresses(text);
            assert_eq!(all[0], first, "{text}");
            assert_eq!(all.len(), count, "{text}");
            assert_eq!((found_zone.as_deref(), found_port), (zone, port), "{text}");
        }
        assert_eq!(addresses("239.1.2.1-3:5").0, ["239.1.2.1", "239.1.2.2", "239.1.2.3"]);
    }

    #[test]
    fn a_name_may_have_dashes_and_numbers() {
        let spec: GroupSpec = "rack-12.example:9".parse().unwrap();
        assert_eq!(spec.host, GroupHost::Name("rack-12.example".to_owned()));
        let any: GroupSpec = ":5000".parse().unwrap();
        assert_eq!((any.host, any.port), (GroupHost::Any, 5000));
    }

    #[test]
    fn invalid_groups_are_reported_with_the_correct_form() {
        let range = |text: &str| text.to_owned();
        for (text, expected) in [
            (
                "239.1.2.10-1:5000",
                GroupError::Backwards {
                    range: range("239.1.2.10-1"),
                    turned: "239.1.2.1-10".to_owned(),
                },
            ),
            (
                "[ff15::a-1]:5000",
                GroupError::Backwards { range: range("ff15::a-1"), turned: "ff15::1-a".to_owned() },
            ),
            ("239.1.2.1-300", GroupError::EndTooLarge { range: range("239.1.2.1-300"), end: 300 }),
            ("239.1.2.1-", no_end_v4("239.1.2.1-")),
            ("239.1.2.1-x", no_end_v4("239.1.2.1-x")),
            (
                "[ff15::1-x]",
                GroupError::NoEndV6 {
                    range: range("ff15::1-x"),
                    first: "ff15::1".parse().unwrap(),
                },
            ),
            (
                "239.1.0.0-239.2.0.0",
                GroupError::TooLong { range: range("239.1.0.0-239.2.0.0"), count: 65_537 },
            ),
            ("[ff15::0-fff]", GroupError::TooLong { range: range("ff15::0-fff"), count: 4_096 }),
            (
                "[::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
                GroupError::TooLong {
                    range: range("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                    count: u128::MAX,
                },
            ),
            ("239.1.2.3:0", GroupError::PortZero),
            ("239.1.2.3:70000", GroupError::Port { port: "70000".to_owned() }),
            ("239.1.2.3:", GroupError::Port { port: String::new() }),
            ("239.1.2.3%eth0:1", GroupError::ZoneOfV4),
            ("[ff02::1%]:1", GroupError::ZoneMissing),
            ("name%eth0:1", GroupError::ZoneOfName),
            ("239.1.2:1", GroupError::NotIpv4 { address: "239.1.2".to_owned() }),
            ("239.1.2.256:1", GroupError::NotIpv4 { address: "239.1.2.256".to_owned() }),
        ] {
            assert_eq!(text.parse::<GroupSpec>(), Err(expected), "{text}");
        }
        for text in ["[ff15::1:5000", "ff15::1:zz:5000"] {
            let error = text.parse::<GroupSpec>();
            assert!(matches!(error, Err(GroupError::Syntax { .. })), "{text}: {error:?}");
        }
    }

    fn no_end_v4(range: &str) -> GroupError {
        GroupError::NoEndV4 { range: range.to_owned(), first: Ipv4Addr::new(239, 1, 2, 1) }
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        let seed = fastrand::u64(..);
        let mut rng = fastrand::Rng::with_seed(seed);
        let alphabet: Vec<char> = "0123456789af.:-%[]xé".chars().collect();
        for _ in 0..20_000 {
            let text: String =
                (0..rng.usize(..24)).map(|_| *rng.choice(&alphabet).unwrap()).collect();
            if let Ok(GroupSpec { host: GroupHost::Addresses { all, .. }, port, .. }) =
                text.parse::<GroupSpec>()
            {
                assert!(!all.is_empty() && all.len() <= 256 && port != 0, "seed {seed}: {text:?}");
            }
        }
    }
}
