//! `udpkit cast check`: from arguments to a check, or to a responder (`--answer`).

mod answer;
mod error;
mod near;
mod surroundings;

use self::error::CheckUsage;
use super::targets::{Host, expand, named_interfaces, needs_interface};
use crate::cli::CastCheckArgs;
use crate::commands::{Exit, Usage};
use crate::net::{FamilyChoice, link_state};
use crate::record::{CheckEvent, Flow, Sink, Worded};
use crate::report;
use crate::units::{IpFamily, Nanos};
use std::net::SocketAddr;

/// Most interfaces of one check: each has its own sockets and probes.
const INTERFACES_MAX: usize = 64;

/// Runs `udpkit cast check`.
pub(super) fn run(args: CastCheckArgs) -> anyhow::Result<Exit> {
    if args.hold == Some(Nanos::ZERO) {
        return Err(usage(CheckUsage::NoHold));
    }
    if args.membership < Nanos::from_secs(1) {
        return Err(usage(CheckUsage::ShortMembership));
    }
    let group = group_of(&args)?;
    let host = if args.interface.is_empty() { Host::listed()? } else { Host::ask() };
    let interfaces = interfaces_of(&args, group, &host)?;
    if args.answer {
        return answer::run(&args, group, &interfaces, &host);
    }
    near::run(&args, group, &interfaces, &host)
}

fn usage(error: CheckUsage) -> anyhow::Error {
    Usage::from(error).into()
}

/// The group to check.
fn group_of(args: &CastCheckArgs) -> anyhow::Result<SocketAddr> {
    let all = expand(std::slice::from_ref(&args.group), FamilyChoice::from(args.family), None)?;
    let [group] = all.as_slice() else {
        let (text, groups) = (args.group.clone(), all.len());
        return Err(usage(CheckUsage::ManyGroups { text, groups }));
    };
    if !group.ip().is_multicast() {
        return Err(usage(CheckUsage::NotAGroup { address: group.ip() }));
    }
    Ok(*group)
}

/// The indices of the interfaces to test: those given, the group's zone, or all that could carry
/// the group.
fn interfaces_of(args: &CastCheckArgs, group: SocketAddr, host: &Host) -> anyhow::Result<Vec<u32>> {
    let mut all = named_interfaces(&args.interface)?;
    if let SocketAddr::V6(v6) = group
        && v6.scope_id() != 0
    {
        if !all.is_empty() && all != [v6.scope_id()] {
            return Err(usage(CheckUsage::TwoInterfaces));
        }
        all = vec![v6.scope_id()];
    }
    if all.is_empty() {
        let suits = |ip: &std::net::IpAddr| ip.is_ipv4() == group.is_ipv4();
        all = host
            .interfaces()
            .iter()
            .filter(|one| !one.loopback && one.addresses.iter().any(suits))
            .filter(|one| link_state(&one.name).up != Some(false))
            .map(|one| one.index)
            .collect();
    }
    if all.is_empty() {
        return Err(usage(CheckUsage::NoInterface { family: IpFamily::of(group) }));
    }
    all.truncate(INTERFACES_MAX);
    Ok(all)
}

/// The group's address for a socket on one interface.
fn on_interface(group: SocketAddr, index: u32) -> SocketAddr {
    match group {
        SocketAddr::V6(mut v6) if needs_interface(group.ip()) => {
            v6.set_scope_id(index);
            v6.into()
        }
        other => other,
    }
}

/// Reports progress on standard error.
struct Talk {
    on: bool,
}

impl Sink<CheckEvent<'_>> for Talk {
    fn take(&mut self, event: CheckEvent<'_>) -> Flow {
        if self.on {
            report::note(event.text());
        }
        Flow::Continue
    }
}
