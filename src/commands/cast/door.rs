//! How a sender is open to receivers: the address that it listens on, and its secret.

use super::targets::{Host, Role};
use crate::cli::{CastSendArgs, DEFAULT_PORT};
use crate::commands::Usage;
use crate::engine::{random_key, random_u64};
use crate::net::{FamilyChoice, SocketPlan, split_host_port};
use crate::session::{DoorPolicy, EarConfig};
use crate::wire::TicketKey;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Who is heard, and what may be asked.
pub(super) fn ear(args: &CastSendArgs) -> anyhow::Result<EarConfig> {
    let key = random_key()?;
    let door =
        DoorPolicy { open: args.open.is_some(), listed: args.list_receivers, key: TicketKey(key) };
    let run = (!args.no_header).then(random_u64).transpose()?;
    Ok(EarConfig { run, compare: args.compare, door })
}

/// The same socket, listening on the address of `--open`.
pub(super) fn open_plan(
    plan: SocketPlan,
    text: &str,
    addrs: &[SocketAddr],
    family: FamilyChoice,
    host: &Host,
) -> anyhow::Result<SocketPlan> {
    let parts = split_host_port(text)?;
    let wrong = |wrong: String| Usage::new(format!("--open={text}: {wrong}"));
    let port = match parts.port {
        None => DEFAULT_PORT,
        Some(port) => port
            .parse()
            .map_err(|_| wrong(format!("port {port:?} is not a number from 0 to 65535")))?,
    };
    let ip = if parts.host.is_empty() {
        wildcard(family, host)
    } else {
        parts.host.parse().map_err(|_| wrong(format!("{:?} is no address", parts.host)))?
    };
    if !matches!(host.role(ip), Role::Own | Role::Any) {
        let hint = format!("this host has {}", host.known());
        return Err(Usage::with_hint(wrong("no address of this host".into()).wrong, hint).into());
    }
    let dual_stack = ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && family == FamilyChoice::Any;
    let reaches = |addr: &SocketAddr| dual_stack || addr.is_ipv4() == ip.is_ipv4();
    if let Some(other) = addrs.iter().find(|addr| !reaches(addr)) {
        let hint = "leave the address out: --open=:PORT";
        let text = wrong(format!("cannot send to {other} from there")).wrong;
        return Err(Usage::with_hint(text, hint).into());
    }
    Ok(SocketPlan { bind: (ip, port).into(), dual_stack, ..plan })
}

/// Every address of this host, of both families where it has both.
fn wildcard(family: FamilyChoice, host: &Host) -> IpAddr {
    let v6 = family == FamilyChoice::V6 || family == FamilyChoice::Any && host.has_ipv6();
    if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str, addrs: &[&str]) -> anyhow::Result<SocketPlan> {
        let addrs: Vec<SocketAddr> = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
        let plan = SocketPlan::for_peers(&addrs);
        open_plan(plan, text, &addrs, FamilyChoice::Any, &Host::ask().unwrap())
    }

    #[test]
    fn an_open_sender_listens_where_it_is_told() {
        let bound = |text| open(text, &[]).unwrap().bind;
        assert_eq!(bound("127.0.0.1:70"), "127.0.0.1:70".parse().unwrap());
        assert_eq!(bound("127.0.0.1").port(), DEFAULT_PORT);
        assert!(bound(":71").ip().is_unspecified() && bound(":71").port() == 71);
        for (text, addrs, part) in [
            ("192.0.2.77:5", &[][..], "no address of this host"),
            ("here:5", &[], "is no address"),
            (":x", &[], "not a number"),
            ("127.0.0.1:5", &["[ff15::1]:5"], "cannot send to [ff15::1]:5 from there"),
        ] {
            let error = open(text, addrs).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
