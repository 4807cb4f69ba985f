//! Sentences of `probe ports` with a remote agent.

use super::marks::{dscp_name, ecn_name};
use super::terms::{part, percent, plural, plural_of};
use crate::record::Worded;
use crate::record::probe::{
    Inconclusive, NoAgent, NotOpened, PortGroup, PortPath, PortsAlternative, PortsCaveat,
    PortsEvidence, PortsVerdict, Way,
};
use crate::units::{Nanos, group_digits};
use crate::wire::PortList;

/// Longest list of ports in a sentence, in characters.
const LETTERS: usize = 48;

impl Worded for PortsVerdict {
    fn text(&self) -> String {
        match self {
            Self::Interrupted => NoAgent::Interrupted.text(),
            Self::SamePath { group } => group_text(group),
            Self::Mixed { passing, of, others } => {
                let mut text = format!("{} of {} pass both ways", passing, plural(*of, "port"));
                for other in others {
                    let ports = listed(&other.ports);
                    text.push_str(&format!("; {}: {ports}", path_text(other.path)));
                }
                text
            }
            Self::FlowLimit { passing, of } => format!(
                "the number of flows is limited: {} of {} pass, whichever are probed first; no \
                 further flow gets through",
                passing,
                plural(*of, "port")
            ),
        }
    }
}

/// What the path does to the datagrams of a port.
pub fn path_text(path: PortPath) -> &'static str {
    match path {
        PortPath::Passes => "passes both ways",
        PortPath::FilteredOut => "filtered on the way out",
        PortPath::RejectedOut => "rejected on the way out",
        PortPath::FilteredBack => "filtered on the way back",
        PortPath::RejectedBack => "rejected on the way back",
        PortPath::TtlExceeded => "not reached",
        PortPath::Inconclusive => "inconclusive",
        PortPath::NotSent => "not probed",
        PortPath::NotOpened => "not open at the server",
        PortPath::Unknown => "unknown",
    }
}

/// `filtered on the way back: 16 of 16 datagrams arrived, 0 of 16 replies came back`.
fn group_text(group: &PortGroup) -> String {
    format!("{}: {}", path_text(group.path), reason_text(group))
}

/// `port 5002 is filtered on the way back: …`.
fn ports_text(group: &PortGroup) -> String {
    let one = group.ports.len() == 1;
    let verb = match (group.path, one) {
        (PortPath::Passes, true) => "passes both ways".to_owned(),
        (PortPath::Passes, false) => "pass both ways".to_owned(),
        (path, true) => format!("is {}", path_text(path)),
        (path, false) => format!("are {}", path_text(path)),
    };
    format!("{} {verb}: {}", named(&group.ports), reason_text(group))
}

fn reason_text(group: &PortGroup) -> String {
    let counts = counts(group);
    match (group.path, group.not_opened, &group.not_sent, group.icmp, group.inconclusive) {
        (PortPath::NotOpened, Some(why), ..) => why.text(),
        (PortPath::NotSent, _, Some(why), ..) => why.text(),
        (PortPath::Unknown, ..) => "the server was lost before it reported".to_owned(),
        (PortPath::TtlExceeded, _, _, Some(icmp), _) => {
            let at = icmp.from.map_or_else(String::new, |from| format!(" at {from}"));
            format!("TTL exceeded in transit{at}; {counts}")
        }
        (.., Some(icmp), _) => format!("{}; {counts}", icmp.text()),
        (.., Some(why)) => format!("{counts}; {}", inconclusive_text(why)),
        _ => counts,
    }
}

fn counts(group: &PortGroup) -> String {
    let PortGroup { sent, arrived, replies, .. } = *group;
    let Some(arrived) = arrived else {
        return format!("{} answered", part(replies, sent, "datagram"));
    };
    let there = format!("{} arrived", part(arrived, sent, "datagram"));
    if arrived == 0 {
        return there;
    }
    let of = plural_of(arrived, "reply", "replies");
    format!("{there}, {} of {of} came back", group_digits(replies))
}

/// Why silence does not count as a filter.
fn inconclusive_text(why: Inconclusive) -> &'static str {
    match why {
        Inconclusive::Chance => "random loss cannot be ruled out",
        Inconclusive::FlowLimit => "the number of flows is limited, whichever ports they use",
        Inconclusive::RateLimit => "other silent ports passed when they were probed slowly",
    }
}

impl Worded for NotOpened {
    fn text(&self) -> String {
        match self {
            Self::Policy => "the server opens other ports for probes (its --probe-ports)",
            Self::InUse => "another program uses the port there",
            Self::Privileged => "the server may not open ports below 1024",
            Self::Limit => "the server has reached its limit of open ports",
            Self::Failed => "the server could not open the port",
        }
        .to_owned()
    }
}

impl Worded for PortsEvidence {
    fn text(&self) -> String {
        match self {
            Self::Group { group } => ports_text(group),
            Self::ProbedAgain { fresh_sent, fresh_replies } => format!(
                "silent ports were probed again, slowly and in random order; meanwhile {} from a \
                 new socket to the server's own port were answered",
                part(*fresh_replies, *fresh_sent, "datagram")
            ),
            Self::PassedSlowly { ports, per_second } => format!(
                "{} silent at {} per second and passed when probed slowly: a rate limit, or a \
                 burst of loss",
                plural_of(*ports, "port was", "ports were"),
                plural(*per_second, "datagram")
            ),
            Self::PathLoss { sent, lost } => format!(
                "to ports that pass, {} or their replies were lost ({})",
                part(*lost, *sent, "datagram"),
                percent(*lost, *sent)
            ),
            Self::IcmpReceived { ports, icmp } => {
                format!("ICMP error received for {}: {}", named(ports), icmp.text())
            }
            Self::IcmpHeldBack { ports } => format!(
                "ICMP errors are rate-limited: {} rejected too when probed again",
                match ports.len() {
                    1 => format!("{} was", named(ports)),
                    _ => format!("{} were", named(ports)),
                }
            ),
            Self::Redirected { port, arrived_at } => {
                format!("datagrams to port {port} arrived at port {arrived_at}: redirected")
            }
            Self::SourceChanged { port, source, seen } => {
                let whose = port.map_or_else(String::new, |port| format!(" at port {port}"));
                format!("source {source} arrived as {seen}{whose}: a NAT or relay is on the path")
            }
            Self::SourceUnchanged => "source address and port arrived unchanged".to_owned(),
            Self::SourceVaried { port } => {
                format!("datagrams to port {port} arrived from several sources")
            }
            Self::RepliesFromElsewhere { port, from } => {
                format!("replies from port {port} came from {from}")
            }
            Self::DscpChanged { way, sent, arrived } => {
                format!("DSCP {} arrives as {} {}", dscp_name(*sent), dscp_name(*arrived), on(*way))
            }
            Self::EcnChanged { way, sent, arrived } => {
                format!("{} arrives as {} {}", ecn_name(*sent), ecn_name(*arrived), on(*way))
            }
        }
    }
}

impl Worded for PortsAlternative {
    fn text(&self) -> String {
        match self {
            Self::FilteredByAgentHost => {
                "filtered on the way out: by a firewall on the server's host"
            }
            Self::RejectedWithoutIcmp => {
                "filtered on the way out: rejected like the others, by a router that rate-limits \
                 its ICMP errors"
            }
            Self::RejectedByAnotherHost => {
                "rejected on the way out: by another host behind the server's address"
            }
            Self::LongPath => "TTL exceeded: a path of more than 255 routers",
            Self::FilteredByThisHost => "filtered on the way back: by a firewall on this host",
        }
        .to_owned()
    }
}

impl Worded for PortsCaveat {
    fn text(&self) -> String {
        match self {
            Self::LossOnPassing { out, back } => format!(
                "ports that pass lost {} on the way out and {} on the way back",
                plural(*out, "datagram"),
                plural_of(*back, "reply", "replies")
            ),
            Self::FewTries { tries } => format!(
                "only {} per port at first: a short burst of loss looks like a filter",
                plural((*tries).into(), "datagram")
            ),
            Self::IcmpHeldBack { ports } => format!(
                "ICMP errors are rate-limited: for {}, one may still have been due when the probe \
                 ended",
                plural(*ports, "port")
            ),
            Self::Shared(shared) => shared.text(),
        }
    }
}

/// The note before a scan without an agent.
pub fn no_agent_note(why: &NoAgent) -> String {
    format!("no remote agent: {}; scanning without one", why.text())
}

/// The note before ports are probed again.
pub fn held_back_note(ports: usize, time: Nanos) -> String {
    format!(
        "ICMP errors are rate-limited: probing {} again, for up to {time}",
        plural_of(ports as u64, "silent port", "silent ports")
    )
}

fn on(way: Way) -> &'static str {
    match way {
        Way::Out => "on the way out",
        Way::Back => "on the way back",
    }
}

/// `port 53`, `ports 5000-5003,5007`.
fn named(ports: &PortList) -> String {
    let noun = if ports.len() == 1 { "port" } else { "ports" };
    format!("{noun} {}", listed(ports))
}

/// Ports as ranges, shortened if there are too many.
fn listed(ports: &PortList) -> String {
    let text = ports.to_string();
    if text.len() <= LETTERS {
        return text;
    }
    let cut = text[..LETTERS].rfind(',').unwrap_or(LETTERS);
    format!("{} ... ({} ports)", &text[..cut], group_digits(ports.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_ports_is_cut_and_counted() {
        let names = listed(&(0..100).map(|number| 5_000 + 2 * number).collect());
        assert!(names.len() < 70 && names.ends_with(" ... (100 ports)"), "{names}");
        assert_eq!(listed(&[53, 54, 55, 80].into_iter().collect()), "53-55,80");
    }
}
