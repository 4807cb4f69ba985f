//! Sentences of `probe trace`.

use super::terms::{list, part, plural};
use crate::record::Worded;
use crate::record::probe::{
    FlowsEnd, TraceAlternative, TraceCaveat, TraceDistance, TraceEnd, TraceEvidence, TraceIcmp,
    TraceSeen, TraceVerdict,
};
use crate::units::Nanos;
use std::net::IpAddr;

impl Worded for TraceVerdict {
    fn text(&self) -> String {
        match self {
            Self::NoFlow => "no probe was sent".to_owned(),
            Self::Alike { flows: 1, end } => end.text(),
            Self::Alike { flows, end } => format!("all {flows} flows: {}", end.text()),
            Self::FlowsDiffer { ends } => {
                let ends: Vec<String> = ends.iter().map(flows_end).collect();
                format!("the flows differ: {}", ends.join("; "))
            }
        }
    }
}

fn flows_end(part: &FlowsEnd) -> String {
    let ports: Vec<String> = part.source_ports.iter().map(ToString::to_string).collect();
    let noun = if ports.len() == 1 { "port" } else { "ports" };
    format!("for source {noun} {}, {}", list(&ports), part.end.text())
}

impl Worded for TraceEnd {
    fn text(&self) -> String {
        match self {
            Self::Reached { target, distance } => reached(target.ip(), *distance),
            Self::PortClosed { target, distance } => {
                let reached = reached(target.ip(), *distance);
                format!("{reached}, where port {} is closed", target.port())
            }
            Self::TargetRefuses { target, distance, icmp } => {
                let reached = reached(target.ip(), *distance);
                format!("{reached}, which rejects the datagrams: {}", icmp_text(icmp))
            }
            Self::StoppedAt { hop, router, icmp } => {
                format!("rejected at hop {hop} ({router}): {}", icmp_text(icmp))
            }
            Self::StoppedAfter { hop, router: Some(router), icmp } => {
                format!("rejected after hop {hop} by {router}: {}", icmp_text(icmp))
            }
            Self::StoppedAfter { hop, router: None, icmp } => {
                format!("rejected after hop {hop}: {}", icmp_text(icmp))
            }
            Self::RoutingLoop { from_hop, routers } => {
                let between = if routers.len() == 1 { "at" } else { "between" };
                let routers: Vec<String> = routers.iter().map(ToString::to_string).collect();
                format!("routing loop from hop {from_hop} on, {between} {}", list(&routers))
            }
            Self::TtlExpired => "routing loop: a TTL of 255 expired on the path".to_owned(),
            Self::NotSent { cause } => {
                format!("datagrams do not leave this host: {cause}")
            }
            Self::Interrupted => "interrupted before the end of the path was known".to_owned(),
            Self::NoReplyBeyond { hop, routers } => {
                format!("no reply beyond hop {hop} ({})", addresses(routers))
            }
            Self::NoReply => "no reply from any router or from the target".to_owned(),
        }
    }
}

fn reached(target: IpAddr, distance: TraceDistance) -> String {
    let TraceDistance { hops, hops_at_most } = distance;
    let hops = match (hops, hops_at_most) {
        (Some(hops), _) => format!(" in {}", plural(hops.into(), "hop")),
        (None, Some(most)) => format!(" in at most {}", plural(most.into(), "hop")),
        (None, None) => String::new(),
    };
    format!("reached {target}{hops}")
}

/// `port unreachable (ICMP 3/3)`.
pub fn icmp_text(icmp: &TraceIcmp) -> String {
    let TraceIcmp { icmp_type, icmp_code, meaning } = icmp;
    match (meaning, icmp_type.zip(*icmp_code)) {
        (Some(meaning), Some((kind, code))) => format!("{meaning} (ICMP {kind}/{code})"),
        (Some(meaning), None) => meaning.to_string(),
        (None, Some((kind, code))) => format!("ICMP {kind}/{code}"),
        (None, None) => "ICMP error".to_owned(),
    }
}

fn addresses(routers: &[IpAddr]) -> String {
    let routers: Vec<String> = routers.iter().map(ToString::to_string).collect();
    routers.join(", ")
}

impl Worded for TraceEvidence {
    fn text(&self) -> String {
        let seen = self.seen.text();
        match self.source_port {
            Some(port) => format!("from port {port}: {seen}"),
            None => seen,
        }
    }
}

impl Worded for TraceSeen {
    fn text(&self) -> String {
        match self {
            Self::TargetReplies { replies, rtt_min_ns, rtt_max_ns } => {
                let replies = super::terms::plural_of(*replies, "reply", "replies");
                let (least, most) = (Nanos(*rtt_min_ns), Nanos(*rtt_max_ns));
                format!("{replies} from the target, round trip {least} to {most}")
            }
            Self::NoneBeyond { probes, from_hop, to_hop } => {
                let hops = if from_hop == to_hop {
                    format!("hop {from_hop}")
                } else {
                    format!("hops {from_hop} to {to_hop}")
                };
                format!("no reply to {} to {hops}", plural(*probes, "probe"))
            }
            Self::FullTtlExpired { from } => {
                let from = from.map_or_else(String::new, |from| format!(" (ICMP from {from})"));
                format!("a TTL of 255 expired on the path{from}")
            }
            Self::FullTtlUnanswered { probes } => {
                format!("no reply to {} with a TTL of 255", plural(*probes, "probe"))
            }
            Self::SilentRouters { hops } => {
                format!("{} did not reply but forwarded datagrams", hops_text(hops))
            }
            Self::SilentRoutersOrTarget { hops } => {
                let hops = hops_text(hops);
                format!("{hops} did not reply: routers that send no ICMP, or the target itself")
            }
            Self::SeveralRouters { hop, routers } => format!(
                "several routers replied at hop {hop}, although all probes of the flow have the \
                 same ports: {}",
                addresses(routers)
            ),
            Self::NotSent { cause } => {
                format!("this host did not send a probe: {cause}")
            }
            Self::Interrupted => "interrupted before the trace was complete".to_owned(),
        }
    }
}

/// `hop 2`, `hops 2, 3 and 4`.
fn hops_text(hops: &[u8]) -> String {
    let noun = if hops.len() == 1 { "hop" } else { "hops" };
    let hops: Vec<String> = hops.iter().map(ToString::to_string).collect();
    format!("{noun} {}", list(&hops))
}

impl Worded for TraceAlternative {
    fn text(&self) -> String {
        match self {
            Self::TargetSilent { hop, port } => {
                format!("hop {hop} is the target, and nothing replies on its port {port}")
            }
            Self::RepliesLost { hop } => format!(
                "hop {hop} forwards the datagrams, and no reply from there on gets back to this \
                 host"
            ),
            Self::Dropped { hop, port } => {
                format!("hop {hop}, or a device before it, drops datagrams to port {port}")
            }
            Self::RandomLoss { unanswered, probes } => format!(
                "random loss: {} to hops that reply got no reply",
                part(*unanswered, *probes, "probe")
            ),
            Self::OwnFirewall => {
                "a firewall on this host drops the datagrams, or the ICMP replies".to_owned()
            }
        }
    }
}

impl Worded for TraceCaveat {
    fn text(&self) -> String {
        match self {
            Self::RepliesMissing { unanswered, probes } => format!(
                "{} to hops that reply got no reply: loss, or a router's ICMP rate limit (Linux: \
                 six at once, then one per second)",
                part(*unanswered, *probes, "probe")
            ),
            Self::OneAtATime => "ICMP errors quote too little of a datagram to tell probes apart, \
                                 so one probe was sent at a time"
                .to_owned(),
            Self::Shared(caveat) => caveat.text(),
        }
    }
}
