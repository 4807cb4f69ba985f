//! Sentences of `probe ports` without a remote agent.

use super::terms::{plural, plural_of};
use super::undelivered::icmp_kind;
use crate::record::Worded;
use crate::record::probe::{
    PortState, PortsStopped, ScanAlternative, ScanCaveat, ScanEvidence, ScanVerdict, ScannedPort,
    TraceEnd, TraceLoop,
};
use crate::units::{Nanos, group_digits};
use crate::wire::service::Service;
use std::net::IpAddr;

/// A port's state.
pub fn state_text(state: PortState) -> &'static str {
    match state {
        PortState::Open => "open",
        PortState::Closed => "closed",
        PortState::Filtered => "filtered",
        PortState::TtlExceeded => "TTL exceeded",
        PortState::Silent => "open or filtered",
        PortState::Unknown => "unknown",
    }
}

/// What is known of a port besides its state; `tries` is the number of tries per port.
pub fn port_text(port: &ScannedPort, tries: u64) -> String {
    let service = if is_plain(port) { String::new() } else { format!("{} ", port.service) };
    match (port.state, port.icmp) {
        (PortState::Open, _) => open_text(port),
        (PortState::Closed, Some(icmp)) => icmp_kind(&icmp),
        (PortState::Closed | PortState::Filtered | PortState::TtlExceeded, icmp) => {
            icmp.map_or_else(String::new, |icmp| icmp.text())
        }
        (PortState::Silent, _) => {
            format!("no reply to {}", plural(tries, &format!("{service}probe")))
        }
        (PortState::Unknown, _) => match &port.not_sent {
            Some(why) => format!("not sent: {}", why.text()),
            None if port.sent == 0 => "not probed".to_owned(),
            None => "no reply, and an ICMP error may have been rate-limited".to_owned(),
        },
    }
}

/// Whether no service is known for the port.
fn is_plain(port: &ScannedPort) -> bool {
    port.service.parse() == Ok(Service::Text)
}

fn open_text(port: &ScannedPort) -> String {
    let bytes = plural(port.answer_bytes.unwrap_or(0), "byte");
    let answer = match &port.answer {
        Some(answer) if is_plain(port) => format!("echo answered ({answer})"),
        Some(answer) => format!("{} answered ({answer})", port.service),
        None if is_plain(port) => format!("answered with {bytes}"),
        None => format!("answered with {bytes}, not {}", port.service),
    };
    let after = port.round_trip_ns.map_or_else(String::new, |nanos| format!(", {}", Nanos(nanos)));
    let from = port.answered_from.map_or_else(String::new, |from| format!(", from {from}"));
    format!("{answer}{after}{from}")
}

impl Worded for ScanVerdict {
    /// `2 open, 3 closed, 1 filtered by 192.0.2.1, 4 open or filtered`.
    fn text(&self) -> String {
        let Self::Counted { open, closed, filtered, ttl_exceeded, routing_loop, silent, unknown } =
            self;
        let by = |from: Option<IpAddr>| from.map_or_else(String::new, |from| format!(" by {from}"));
        let counted = |ports: u64, state| {
            (ports > 0).then(|| format!("{} {}", group_digits(ports), state_text(state)))
        };
        let mut parts = Vec::new();
        parts.extend(counted(*open, PortState::Open));
        parts.extend(counted(*closed, PortState::Closed));
        parts.extend(filtered.iter().filter_map(|PortsStopped { ports, from }| {
            Some(counted(*ports, PortState::Filtered)? + &by(*from))
        }));
        parts.extend(ttl_exceeded.map(|PortsStopped { ports, from }| {
            let from = from.map_or_else(String::new, |from| format!(" (from {from})"));
            format!("{} unreachable: TTL exceeded in transit{from}", group_digits(ports))
        }));
        parts.extend(counted(*silent, PortState::Silent));
        parts.extend(counted(*unknown, PortState::Unknown));
        if parts.is_empty() {
            parts.push("no port was probed".to_owned());
        }
        let text = parts.join(", ");
        match routing_loop {
            Some(TraceLoop { from_hop, routers }) => {
                let end = TraceEnd::RoutingLoop { from_hop: *from_hop, routers: routers.clone() };
                format!("{text}; {}", end.text())
            }
            None => text,
        }
    }
}

impl Worded for ScanEvidence {
    fn text(&self) -> String {
        match *self {
            Self::Traffic { sent, ports, answers, icmp_errors } => format!(
                "{} to {}: {} and {} came back",
                plural(sent, "probe"),
                plural(ports, "port"),
                plural_of(answers, "reply", "replies"),
                plural(icmp_errors, "ICMP error")
            ),
            Self::SilentDespiteIcmp { tries } => format!(
                "each silent port left {} unanswered, at times when an ICMP error could have come",
                plural(tries, "probe")
            ),
            Self::SilentWithoutIcmp { tries } => format!(
                "each silent port left {} unanswered, the last over a second after the first: a \
                 host that rate-limits ICMP errors could have sent one by then",
                plural(tries, "probe")
            ),
            Self::IcmpLimited { per_second_milli } => {
                let rate = per_second_milli.map_or_else(
                    || "slowly".to_owned(),
                    |milli| format!("at {:.1} per second", milli as f64 / 1e3),
                );
                format!("ICMP errors are rate-limited: after the first few they came {rate}")
            }
        }
    }
}

impl Worded for ScanAlternative {
    fn text(&self) -> String {
        let fixed = match *self {
            Self::RejectedInItsName => {
                "closed: rejected by a firewall that uses the target's address"
            }
            Self::RoutingLoop => "TTL exceeded: a routing loop; `udpkit probe trace` shows it",
            Self::ClosedBehindNat => "filtered (port unreachable): closed on the host behind a NAT",
            Self::HostDown => "filtered (unreachable): the host is down, or a route is missing",
            Self::OpenOrDropped => {
                "open or filtered: an open service that ignores these probes, or a firewall that \
                 drops them or the replies silently"
            }
            Self::Chance { sent, lost } => {
                return format!(
                    "open or filtered: random loss, as {} of {} to ports that answer were lost",
                    group_digits(lost),
                    plural(sent, "probe")
                );
            }
            Self::ClosedWithoutIcmp => {
                "open or filtered: closed, if ICMP errors are not sent or get lost"
            }
            Self::FlowLimit => {
                "open or filtered: a firewall or NAT that lets only so many flows pass at once, \
                 whatever their ports"
            }
            Self::QuietService { port, service } => {
                return format!("port {port}: {}", quiet_text(service));
            }
        };
        fixed.to_owned()
    }
}

/// Why a running service may not reply.
fn quiet_text(service: Service) -> String {
    match service {
        Service::Dhcp => {
            "a DHCP server answers only networks that it serves, many only to port 68".to_owned()
        }
        Service::Tftp => {
            "a TFTP server answers from another port, which a firewall may drop".to_owned()
        }
        Service::Snmp => {
            "an SNMP agent without v3 or the community `public` does not answer".to_owned()
        }
        Service::Radius => "a RADIUS server does not answer unknown clients".to_owned(),
        Service::Mdns => "an mDNS responder answers only its own link".to_owned(),
        Service::Wireguard => {
            "a WireGuard peer answers only holders of a key that it knows".to_owned()
        }
        other => format!("{other} may be silent to strangers"),
    }
}

impl Worded for ScanCaveat {
    fn text(&self) -> String {
        match self {
            Self::NotSent { ports, cause } => {
                format!("nothing could be sent to {}: {}", plural(*ports, "port"), cause.text())
            }
            Self::OutOfTime { ports, time_ns, needed_ns } => {
                let more = needed_ns.map_or_else(String::new, |needed| {
                    let seconds = needed / 1_000_000_000;
                    format!("; at this rate of ICMP errors, --time {seconds}s would be enough")
                });
                let ports = plural(*ports, "port");
                format!("{ports} could not be determined within {}{more}", Nanos(*time_ns))
            }
            Self::InterruptedFirst { ports } => {
                let ports = plural(*ports, "port");
                format!("{ports} could not be determined before the interruption")
            }
            Self::Lost { probes, ports, or_icmp_limited } => format!(
                "{} to the {} that did answer went unanswered: lost on the path{}",
                plural(*probes, "probe"),
                plural(*ports, "port"),
                if *or_icmp_limited { ", or the ICMP error was rate-limited" } else { "" }
            ),
            Self::DirectionUnknown => "without a remote agent, a filter on the way out and one on \
                                       the way back look the same"
                .to_owned(),
            Self::OtherFamily { host, address } => {
                let flag = if address.is_ipv4() { "-4" } else { "-6" };
                format!("{host} also has the address {address}, which {flag} probes")
            }
            Self::Shared(shared) => shared.text(),
        }
    }
}
