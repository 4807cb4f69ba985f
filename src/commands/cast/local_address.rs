//! A sender's local addresses: the one that it sends from, and the one of `--open`; and its secret.

use super::error::{CastUsage, Family, LocalError, LocalFlag};
use super::targets::{Host, Role};
use crate::cli::{CastSendArgs, DEFAULT_PORT};
use crate::engine::{random_key, random_u64};
use crate::net::{FamilyChoice, NetError, SocketPlan, split_host_port};
use crate::session::{FeedbackConfig, SubscriptionPolicy};
use crate::wire::TicketKey;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Which requests and reports are accepted.
pub(super) fn ear(args: &CastSendArgs) -> anyhow::Result<FeedbackConfig> {
    let key = random_key()?;
    let door = SubscriptionPolicy {
        open: args.open.is_some(),
        listed: args.list_receivers,
        key: TicketKey(key),
    };
    let run = (!args.no_header).then(random_u64).transpose()?;
    Ok(FeedbackConfig { run, compare: args.compare, door })
}

/// The socket plan, listening on the address of `--open`.
pub(super) fn open_plan(
    plan: SocketPlan,
    text: &str,
    addrs: &[SocketAddr],
    family: FamilyChoice,
    host: &Host,
) -> Result<SocketPlan, CastUsage> {
    let wrong = |wrong| CastUsage::Local { flag: LocalFlag::Open, text: text.to_owned(), wrong };
    let (ip, port) = read_local(text).map_err(wrong)?;
    let ip = ip.unwrap_or_else(|| wildcard(family, host));
    let port = port.unwrap_or(DEFAULT_PORT);
    is_local(ip, port, host).map_err(wrong)?;
    let dual_stack = ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && family == FamilyChoice::Any;
    let reaches = |addr: &SocketAddr| dual_stack || addr.is_ipv4() == ip.is_ipv4();
    if let Some(destination) = addrs.iter().copied().find(|addr| !reaches(addr)) {
        return Err(wrong(LocalError::CannotReach { destination: destination.into() }));
    }
    Ok(SocketPlan { bind: (ip, port).into(), dual_stack, ..plan })
}

/// The local address (`None` for the route's) and port (0 for the kernel's choice) of `--bind`.
pub(super) fn read_bind(
    text: &str,
    addrs: &[SocketAddr],
    host: &Host,
) -> Result<(Option<IpAddr>, u16), CastUsage> {
    let wrong = |wrong| CastUsage::Local { flag: LocalFlag::Bind, text: text.to_owned(), wrong };
    let (ip, port) = read_local(text).map_err(wrong)?;
    let port = port.unwrap_or(0);
    let Some(ip) = ip else { return Ok((None, port)) };
    if is_local(ip, port, host).map_err(wrong)? == Role::Any {
        return Ok((None, port));
    }
    if !addrs.iter().any(|addr| addr.is_ipv4() == ip.is_ipv4()) {
        return Err(wrong(LocalError::NoDestination { family: Family::of(ip) }));
    }
    Ok((Some(ip), port))
}

/// The role of an address that is to be local: this host's own, or any.
fn is_local(ip: IpAddr, port: u16, host: &Host) -> Result<Role, LocalError> {
    match host.role(ip) {
        role @ (Role::Own | Role::Any) => Ok(role),
        Role::Other => Err(LocalError::NotLocal { address: SocketAddr::new(ip, port).into() }),
        Role::Group | Role::Broadcast(_) => Err(LocalError::NotAHost),
    }
}

/// An address and a port, each `None` if not given; a number alone is a port.
fn read_local(text: &str) -> Result<(Option<IpAddr>, Option<u16>), LocalError> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let port = text.parse().map_err(|_| LocalError::Port { port: text.to_owned() })?;
        return Ok((None, Some(port)));
    }
    let parts = split_host_port(text).map_err(|error| {
        let wrong = match error {
            NetError::Address { fault, .. } => fault.to_string(),
            other => other.to_string(),
        };
        LocalError::Syntax { wrong }
    })?;
    let number = |port: String| port.parse::<u16>().map_err(|_| LocalError::Port { port });
    let port = parts.port.map(number).transpose()?;
    if parts.host.is_empty() {
        return Ok((None, port));
    }
    let ip = parts.host.parse().map_err(|_| LocalError::NotAnAddress { host: parts.host })?;
    Ok((Some(ip), port))
}

/// The wildcard address: of both families if the host has both.
fn wildcard(family: FamilyChoice, host: &Host) -> IpAddr {
    let v6 = family == FamilyChoice::V6 || family == FamilyChoice::Any && host.has_ipv6();
    if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str, addrs: &[&str]) -> Result<SocketPlan, CastUsage> {
        let addrs: Vec<SocketAddr> = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
        let plan = SocketPlan::for_peers(&addrs);
        open_plan(plan, text, &addrs, FamilyChoice::Any, &Host::ask())
    }

    #[test]
    fn an_open_sender_listens_on_the_given_address() {
        let bound = |text| open(text, &[]).unwrap().bind;
        assert_eq!(bound("127.0.0.1:70"), "127.0.0.1:70".parse().unwrap());
        assert_eq!(bound("127.0.0.1").port(), DEFAULT_PORT);
        for text in [":71", "71"] {
            assert!(bound(text).ip().is_unspecified() && bound(text).port() == 71, "{text}");
        }
        let address = "192.0.2.77:5".parse().unwrap();
        for (given, addrs, wrong) in [
            ("192.0.2.77:5", &[][..], LocalError::NotLocal { address }),
            ("239.1.2.3:5", &[], LocalError::NotAHost),
            ("here:5", &[], LocalError::NotAnAddress { host: "here".to_owned() }),
            (":x", &[], LocalError::Port { port: "x".to_owned() }),
            (
                "127.0.0.1:5",
                &["[ff15::1]:5"],
                LocalError::CannotReach { destination: "[ff15::1]:5".parse().unwrap() },
            ),
        ] {
            let text = given.to_owned();
            let expected = CastUsage::Local { flag: LocalFlag::Open, text, wrong };
            assert_eq!(open(given, addrs).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_source_address_must_be_this_hosts_and_of_a_family_that_is_sent_to() {
        let host = Host::ask();
        let addrs = ["239.1.2.3:5".parse().unwrap()];
        let own = Some("127.0.0.1".parse().unwrap());
        assert_eq!(read_bind("127.0.0.1:70", &addrs, &host), Ok((own, 70)));
        assert_eq!(read_bind(":70", &addrs, &host), Ok((None, 70)));
        for (given, wrong) in [
            ("192.0.2.77", LocalError::NotLocal { address: "192.0.2.77:0".parse().unwrap() }),
            ("239.1.2.3", LocalError::NotAHost),
            ("[::1]:5", LocalError::NoDestination { family: Family::V6 }),
            ("127.0.0.1:x", LocalError::Port { port: "x".to_owned() }),
            ("name:5", LocalError::NotAnAddress { host: "name".to_owned() }),
        ] {
            let text = given.to_owned();
            let expected = CastUsage::Local { flag: LocalFlag::Bind, text, wrong };
            assert_eq!(read_bind(given, &addrs, &host), Err(expected));
        }
    }
}
