//! Arguments that would be misunderstood, found before anything is resolved or sent, each with the
//! correct form.

use super::Usage;
use crate::net::{find_interface, interface_name, interfaces};
use crate::units::{Nanos, Rate};
use std::ffi::OsString;
use std::net::{Ipv6Addr, SocketAddr};
use thiserror::Error;

/// An argument that is probably a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Misread {
    /// A number instead of a host.
    #[error("{0} is a port number, not a host; write HOST:{0}, such as 127.0.0.1:{0}")]
    BarePort(String),
    /// A host, and the port as a separate argument, as in nc.
    #[error("{1} is a port number, not a host; write {0}:{1}")]
    HostAndPort(String, String),
    /// An IPv6 address without brackets that may end in a port.
    #[error("{whole} is ambiguous; write [{host}]:{port} for port {port}, or [{whole}]")]
    BareIpv6 {
        /// The argument as given.
        whole: String,
        /// The part before the last colon.
        host: String,
        /// The part after it.
        port: String,
    },
    /// A zone that seems to contain a port.
    #[error("an interface name has no colon; write [{host}]:{port}")]
    ZoneWithPort {
        /// The part before the last colon.
        host: String,
        /// The part after it.
        port: String,
    },
    /// An interface name that the kernel would cut at its colon.
    #[error("--interface {0}: an interface name has no colon")]
    InterfaceWithColon(String),
    /// A unit separated by a space.
    #[error("{0} looks like a unit, not a host; write a value and its unit as one word: 10{0}")]
    Unit(String),
    /// A duration or a rate instead of a host.
    #[error(
        "{0} looks like a duration or a rate, not a host; a flag that may stand without a value takes it as --FLAG={0}"
    )]
    Value(String),
    /// A format of times where a host is wanted.
    #[error("{0} looks like a format of times, not a host; write --timestamps={0}")]
    TimeFormat(String),
    /// `:8620` instead of a host.
    #[error("{0} names no host; write HOST{0}, such as 127.0.0.1{0}")]
    PortAlone(String),
    /// A phrase instead of a host.
    #[error(
        "{0:?} contains spaces and is not a host; if it is a message, put it in quotes after --"
    )]
    Sentence(String),
    /// A link-local address without an interface.
    #[error(
        "{ip} is link-local and needs its interface: [{ip}%{example}]:{port}; this host has {known}"
    )]
    NoZone {
        /// The address.
        ip: Ipv6Addr,
        /// Its port.
        port: u16,
        /// One of the interfaces.
        example: String,
        /// All of them.
        known: String,
    },
    /// A zone that differs from `--interface`.
    #[error("{ip}%{zone} is on interface {zone}, and --interface names {interface}")]
    OtherInterface {
        /// The address.
        ip: Ipv6Addr,
        /// The interface of its zone.
        zone: String,
        /// The interface of the flag.
        interface: String,
    },
}

impl From<Misread> for Usage {
    fn from(misread: Misread) -> Self {
        Self::new(misread.to_string())
    }
}

/// Formats of `--timestamps`, which takes them behind `=` alone: nobody calls a host so.
const TIME_FORMATS: &[&str] = &["date", "utc", "epoch"];

/// Units that people write after a space.
const UNITS: &[&str] = &[
    "k", "m", "g", "t", "kbit", "mbit", "gbit", "kbit/s", "mbit/s", "gbit/s", "kbps", "mbps",
    "gbps", "pps", "kpps", "mpps", "ns", "us", "ms", "s", "min", "h",
];

/// Checks all host arguments of a command.
///
/// # Errors
///
/// The first argument that is probably not a host.
pub fn check_hosts<S: AsRef<str>>(words: &[S]) -> Result<(), Misread> {
    let mut before: Option<&str> = None;
    for word in words {
        let word = word.as_ref();
        check_host(word, before)?;
        before = Some(word);
    }
    Ok(())
}

fn check_host(word: &str, before: Option<&str>) -> Result<(), Misread> {
    let own = || word.to_owned();
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        let host = before.filter(|host| !host.contains(':'));
        return Err(match host {
            Some(host) => Misread::HostAndPort(host.to_owned(), own()),
            None => Misread::BarePort(own()),
        });
    }
    if word.contains(char::is_whitespace) {
        return Err(Misread::Sentence(own()));
    }
    if UNITS.contains(&word.to_lowercase().as_str()) && before.is_some() {
        return Err(Misread::Unit(own()));
    }
    let starts_as_number = word.starts_with(|first: char| first.is_ascii_digit());
    if starts_as_number && (word.parse::<Nanos>().is_ok() || word.parse::<Rate>().is_ok()) {
        return Err(Misread::Value(own()));
    }
    if word.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()) {
        return Err(Misread::PortAlone(own()));
    }
    check_address(word)
}

/// A number alone as a port to listen on: `:9000`.
pub fn as_port(word: &str) -> String {
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!(":{word}") } else { word.to_owned() }
}

/// Takes arguments with spaces out of `words`: they are messages that lack the `--`.
pub fn take_phrases(words: &mut Vec<String>) -> Vec<OsString> {
    let is_phrase = |word: &String| word.contains(char::is_whitespace);
    let (phrases, hosts): (Vec<_>, Vec<_>) = words.drain(..).partition(is_phrase);
    *words = hosts;
    phrases.into_iter().map(Into::into).collect()
}

/// Checks an address that may be IPv6 without brackets.
///
/// # Errors
///
/// If it may end in a port, or if its zone contains one.
pub fn check_address(word: &str) -> Result<(), Misread> {
    if TIME_FORMATS.contains(&word) {
        return Err(Misread::TimeFormat(word.to_owned()));
    }
    let inner = word.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(ip, _)| ip);
    let bare = inner.unwrap_or(word);
    let Some((host, port)) = bare.rsplit_once(':') else { return Ok(()) };
    let is_zoned = |(ip, zone): (&str, &str)| ip.parse::<Ipv6Addr>().is_ok() && zone.contains(':');
    if bare.split_once('%').is_some_and(is_zoned) {
        return Err(Misread::ZoneWithPort { host: host.to_owned(), port: port.to_owned() });
    }
    let could_be_port = port.len() >= 3 && port.bytes().all(|byte| byte.is_ascii_digit());
    if inner.is_none() && could_be_port && bare.parse::<Ipv6Addr>().is_ok() {
        let host = if host.ends_with(':') && !host.ends_with("::") {
            format!("{host}:")
        } else {
            host.to_owned()
        };
        let (whole, port) = (bare.to_owned(), port.to_owned());
        return Err(Misread::BareIpv6 { whole, host, port });
    }
    Ok(())
}

/// The interface of `--interface`, by name or address.
pub fn device(text: Option<&str>) -> anyhow::Result<Option<u32>> {
    let Some(text) = text else { return Ok(None) };
    if text.contains(':') && text.parse::<Ipv6Addr>().is_err() {
        return Err(Usage::from(Misread::InterfaceWithColon(text.to_owned())).into());
    }
    Ok(Some(find_interface(text)?))
}

/// Checks resolved addresses against `--interface`.
///
/// # Errors
///
/// A link-local address without an interface, or with another one than `--interface`.
pub fn check_zones(addrs: &[SocketAddr], device: Option<u32>) -> Result<(), Misread> {
    for addr in addrs {
        let SocketAddr::V6(v6) = addr else { continue };
        let ip = *v6.ip();
        let link_local_group = ip.is_multicast() && ip.octets()[1] & 0x0f == 2;
        let link_local = ip.is_unicast_link_local() || link_local_group;
        match (v6.scope_id(), device) {
            (0, None) if link_local => {
                let names: Vec<String> = interfaces()
                    .unwrap_or_default()
                    .into_iter()
                    .filter(|one| !one.loopback)
                    .map(|one| one.name)
                    .collect();
                let example = names.first().cloned().unwrap_or_else(|| "eth0".to_owned());
                let known = names.join(", ");
                return Err(Misread::NoZone { ip, port: v6.port(), example, known });
            }
            (zone, Some(device)) if zone != 0 && zone != device => {
                let (zone, interface) = (interface_name(zone), interface_name(device));
                return Err(Misread::OtherInterface { ip, zone, interface });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_host_is_reported_with_the_correct_form() {
        for (words, told) in [
            (&["9000"][..], "write HOST:9000"),
            (&["127.0.0.1", "9000"], "write 127.0.0.1:9000"),
            (&["127.0.0.1:9", "9000"], "write HOST:9000"),
            (&["127.0.0.1", "M"], "10M"),
            (&["5ms"], "--FLAG=5ms"),
            (&["10M"], "--FLAG=10M"),
            (&[":8620"], "127.0.0.1:8620"),
            (&["hi there"], "spaces"),
            (&["::1:9000"], "[::1]:9000"),
            (&["2001:db8::1:9000"], "[2001:db8::1]:9000"),
            (&["fe80::2%eth0:9000"], "[fe80::2%eth0]:9000"),
        ] {
            let wrong = check_hosts(words).expect_err("it is no host").to_string();
            assert!(wrong.contains(told), "{words:?}: {wrong}");
        }
    }

    #[test]
    fn a_zone_of_what_is_not_ipv6_is_not_corrected_into_another_mistake() {
        for word in ["239.1.2.3%eth0:5000", "a.example%eth0:5000"] {
            assert_eq!(check_address(word), Ok(()), "{word}");
        }
    }

    #[test]
    fn a_host_is_a_host() {
        for word in [
            "127.0.0.1",
            "localhost",
            "a.example:9",
            "::1",
            "[::1]:9000",
            "2001:db8::1",
            "fe80::2%eth0",
            "[fe80::2%eth0]:9000",
            "m",
            "4.example",
            "3com.example:5",
            "2001:db8::beef",
        ] {
            assert_eq!(check_hosts(&[word]), Ok(()), "{word}");
        }
    }

    #[test]
    fn a_link_local_address_needs_one_interface_and_no_other() {
        let addr = |text: &str| [text.parse().expect("an address")];
        let no_zone = check_zones(&addr("[fe80::1]:9"), None).expect_err("no zone");
        assert!(matches!(no_zone, Misread::NoZone { port: 9, .. }), "{no_zone}");
        assert_eq!(check_zones(&addr("[fe80::1]:9"), Some(1)), Ok(()));
        assert_eq!(check_zones(&addr("[fe80::1%1]:9"), Some(1)), Ok(()));
        let other = check_zones(&addr("[fe80::1%1]:9"), Some(7)).expect_err("two interfaces");
        assert!(matches!(other, Misread::OtherInterface { .. }), "{other}");
        assert_eq!(check_zones(&addr("[2001:db8::1]:9"), None), Ok(()));
    }
}
