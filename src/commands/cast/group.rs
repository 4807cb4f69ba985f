//! Reads what `cast` is told to send to or receive from: one address, a range of them, or a name.
//!
//! Only the text is judged here; whether an interface, a name or a route exists is for the plan.

use crate::cli::DEFAULT_PORT;
use crate::net::{HostPort, split_host_port};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Most addresses that one range may name.
pub(super) const RANGE_MAX: u32 = 256;

/// One `GROUP` of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// The text as given, for messages.
    pub text: String,
    /// Which hosts.
    pub host: GroupHost,
    /// The port, 1 to 65,535.
    pub port: u16,
}

/// The host part of a [`GroupSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupHost {
    /// Addresses in order, 1 to 256 of one family, all in one zone (RFC 4007 §11) where one is
    /// named.
    Addresses {
        /// The addresses; IPv4-mapped ones are given as IPv4.
        all: Vec<IpAddr>,
        /// Name or number of the interface behind a `%`.
        zone: Option<String>,
    },
    /// A name to be looked up.
    Name(String),
    /// No host: `:5000`, which a receiver reads as every address of this host.
    Any,
}

/// What is wrong with a `GROUP`, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupError(String);

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GroupError {}

impl FromStr for GroupSpec {
    type Err = GroupError;

    fn from_str(text: &str) -> Result<Self, GroupError> {
        let HostPort { host, port } = split_host_port(text).map_err(|error| {
            let text = error.to_string();
            GroupError(text.split_once(": ").map_or(text.clone(), |(_, wrong)| wrong.to_owned()))
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
        Ok(0) => wrong("port 0 is no destination; use 1 to 65535"),
        Ok(port) => Ok(port),
        Err(_) => wrong(format!("port {text:?} is not a number from 1 to 65535")),
    }
}

fn read_host(host: &str) -> Result<GroupHost, GroupError> {
    if host.is_empty() {
        return Ok(GroupHost::Any);
    }
    let (address, zone) = match host.split_once('%') {
        Some((_, "")) => return wrong("the zone behind the % is missing; write [ff02::1%eth0]"),
        Some((address, zone)) => (address, Some(zone.to_owned())),
        None => (host, None),
    };
    let all = match read_addresses(address)? {
        Some(all) => all,
        None if zone.is_some() => return wrong("only an IPv6 address can have a %zone"),
        None if looks_numeric(address) => {
            return wrong(format!("{address:?} is no IPv4 address: four numbers from 0 to 255"));
        }
        None => return Ok(GroupHost::Name(address.to_owned())),
    };
    if zone.is_some() && all[0].is_ipv4() {
        return wrong("only an IPv6 address can have a %zone; for IPv4 use --interface");
    }
    Ok(GroupHost::Addresses { all, zone })
}

/// Digits, dots and dashes alone are meant as an address: a resolver would wait for an answer.
fn looks_numeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-')
}

/// One address or a range; `None` for what is neither.
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
            Err(_) => {
                return wrong(format!(
                    "range {text:?} ends at {end}; the last number is at most 255"
                ));
            }
        },
        _ => return wrong(format!("range {text:?} has no end; write {first}-{}", 255)),
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
        _ => {
            return wrong(format!(
                "range {text:?} has no end; write its last group in hexadecimal: {first}-ff"
            ));
        }
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
        return wrong(format!("range {text:?} runs backwards; write {}", turned()));
    }
    let count = (end - first).saturating_add(1);
    if count > u128::from(RANGE_MAX) {
        return wrong(format!("range {text:?} names {count} addresses; {RANGE_MAX} at most"));
    }
    Ok(())
}

fn wrong<T>(text: impl Into<String>) -> Result<T, GroupError> {
    Err(GroupError(text.into()))
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
    fn what_is_wrong_with_a_group_is_said_with_what_would_be_right() {
        for (text, part) in [
            ("239.1.2.10-1:5000", "runs backwards; write 239.1.2.1-10"),
            ("[ff15::a-1]:5000", "runs backwards; write ff15::1-a"),
            ("239.1.2.1-300", "the last number is at most 255"),
            ("239.1.2.1-", "has no end"),
            ("239.1.2.1-x", "has no end"),
            ("239.1.0.0-239.2.0.0", "names 65537 addresses; 256 at most"),
            ("[ff15::0-fff]", "names 4096 addresses; 256 at most"),
            ("[::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]", "256 at most"),
            ("239.1.2.3:0", "port 0 is no destination"),
            ("239.1.2.3:70000", "not a number from 1 to 65535"),
            ("239.1.2.3:", "not a number from 1 to 65535"),
            ("239.1.2.3%eth0:1", "for IPv4 use --interface"),
            ("[ff02::1%]:1", "the zone behind the % is missing"),
            ("name%eth0:1", "only an IPv6 address"),
            ("239.1.2:1", "four numbers from 0 to 255"),
            ("239.1.2.256:1", "four numbers from 0 to 255"),
            ("[ff15::1:5000", "the closing ] is missing"),
            ("ff15::1:zz:5000", "in brackets"),
        ] {
            let error = text.parse::<GroupSpec>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
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
