//! Sentences of `probe HOST`.

use super::terms::list;
use crate::record::Worded;
use crate::record::probe::{AllReport, LeftOut, LeftOutReason, ProbeKind};
use crate::units::{Endpoint, Nanos};

/// The command that runs one kind alone, with the port if it is not `usual`.
pub fn command(kind: ProbeKind, host: &str, target: Option<Endpoint>, usual: u16) -> String {
    match target.map(|target| target.port()).filter(|port| *port != usual) {
        None => format!("udpkit probe {kind} {host}"),
        Some(port) if host.contains(':') => format!("udpkit probe {kind} [{host}]:{port}"),
        Some(port) => format!("udpkit probe {kind} {host}:{port}"),
    }
}

/// What was left out, one sentence each; kinds that need the missing remote agent share one.
pub fn left_out(all: &[LeftOut]) -> Vec<String> {
    let lacks_agent = |left: &&LeftOut| left.reason == LeftOutReason::NoAgent;
    let kinds: Vec<&str> = all.iter().filter(lacks_agent).map(|left| left.kind.name()).collect();
    let verb = if kinds.len() == 1 { "needs" } else { "need" };
    let shared = (!kinds.is_empty()).then(|| format!("{} {verb} the remote agent", list(&kinds)));
    let alone = all.iter().filter(|left| left.reason != LeftOutReason::NoAgent);
    let alone = alone.map(|left| format!("{}: {}", left.kind, left.reason.text()));
    shared.into_iter().chain(alone).collect()
}

impl Worded for LeftOutReason {
    fn text(&self) -> String {
        match self {
            Self::NoAgent => "needs the remote agent".to_owned(),
            Self::AgentFailed { reason } => reason.to_string(),
            Self::NoStunReply { target } => format!("no STUN reply from {target}"),
            Self::NoTimeLeft { limit_ns } => {
                format!("no time left of the {} for all probes", Nanos(*limit_ns))
            }
            Self::NotInTime { limit_ns } => {
                format!("not complete after {}, the time for all probes", Nanos(*limit_ns))
            }
            Self::LongerIdleTimes { tried_ns } => {
                format!("idle times beyond {} were not tried", Nanos(*tried_ns))
            }
            Self::ManyFlows => "runs alone, since it opens hundreds of flows".to_owned(),
            Self::Interrupted => "interrupted".to_owned(),
            Self::Failed { failure } => failure.text(),
        }
    }
}

/// In the heading: whether there is a remote agent, and where.
pub fn agent_text(report: &AllReport) -> String {
    let at = report.target.map_or_else(String::new, |target| target.to_string());
    match (report.agent, &report.no_agent) {
        (true, _) => format!("remote agent at {at}"),
        (false, Some(_)) => format!("no remote agent at {at}"),
        (false, None) => at,
    }
}

/// How the kinds stand: `nat running`, `ports, mtu done`, what matters most first.
pub fn progress(ended: &[(ProbeKind, bool)], running: &[ProbeKind]) -> Vec<String> {
    let names = |kinds: &mut dyn Iterator<Item = ProbeKind>| -> Vec<&'static str> {
        kinds.map(ProbeKind::name).collect()
    };
    let of = |found: bool| {
        let mut those = ended.iter().filter(|(_, one)| *one == found).map(|(kind, _)| *kind);
        names(&mut those)
    };
    let parts = [
        (names(&mut running.iter().copied()), "running"),
        (of(true), "done"),
        (of(false), "no result"),
    ];
    let parts = parts.into_iter().filter(|(kinds, _)| !kinds.is_empty());
    parts.map(|(kinds, state)| format!("{} {state}", kinds.join(", "))).collect()
}

/// The progress line of a kind that has finished.
pub fn ended(kind: ProbeKind, found: bool) -> String {
    if found { format!("{kind} done") } else { format!("{kind}: no result") }
}
