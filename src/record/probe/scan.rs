//! The result of a scan: the ports of a host without a remote agent.

use super::{AgentReport, IcmpError, NoAgent, ProbeCaveat, TraceLoop, TraceReport};
use crate::batch::LocalSendFailure;
use crate::record::Findings;
use crate::units::Endpoint;
use crate::wire::service::Service;
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// What is known of a port by asking it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// Something answered.
    Open,
    /// The target itself reported that nothing listens there.
    Closed,
    /// Another ICMP error arrived, or another host reported the port unreachable.
    Filtered,
    /// A router reported that the probe's TTL expired: a routing loop, or a very long path.
    TtlExceeded,
    /// No answer and no error, after enough tries at times when an error could have been sent.
    Silent,
    /// Undetermined: the time was over first, or nothing could be sent.
    Unknown,
}

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScannedPort {
    /// Its number.
    pub port: u16,
    /// The service that the probe was shaped for.
    pub service: &'static str,
    /// What is known.
    pub state: PortState,
    /// Time from the first probe of the scan until that was known; `None` where it never was.
    pub settled_ns: Option<u64>,
    /// Short meaning of a proper answer; `None` if the expected service did not answer.
    pub answer: Option<String>,
    /// Payload bytes of the first answer.
    pub answer_bytes: Option<u64>,
    /// Source of the answer, if it is not the address and port probed.
    pub answered_from: Option<Endpoint>,
    /// Time from the probe to the answer or error; `None` if the port had been probed more than
    /// once by then.
    pub round_trip_ns: Option<u64>,
    /// The ICMP error; `None` if there was none.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    pub icmp: Option<IcmpError>,
    /// Probes sent.
    pub sent: u64,
    /// Of these, tries without a reply while an ICMP error could have been sent.
    pub silent_tries: u64,
    /// Answers received.
    pub answers: u64,
    /// Why nothing could be sent; `None` otherwise.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    pub not_sent: Option<LocalSendFailure>,
}

/// A whole scan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScanReport {
    /// The host as the user wrote it.
    pub host: String,
    /// Its address; `None` before it is known.
    pub target: Option<IpAddr>,
    /// Unanswered tries after which a port counts as open or silent.
    pub tries: u64,
    /// Time from the first probe to the end.
    pub duration_ns: u64,
    /// Probes sent.
    pub sent: u64,
    /// Probes that this host refused to send.
    pub refused: u64,
    /// Answers received.
    pub answers: u64,
    /// ICMP errors received.
    pub icmp_errors: u64,
    /// Datagrams received that did not answer a probe.
    pub strays: u64,
    /// Probes to ports that answered a later one, unanswered without an excuse.
    pub lost: u64,
    /// Whether ICMP errors were rate limited.
    pub icmp_limited: bool,
    /// Errors a second under that limit, in thousandths; `None` where it is not known.
    pub icmp_per_second_milli: Option<u64>,
    /// Ports in each state.
    pub open: u64,
    /// Ports that are closed.
    pub closed: u64,
    /// Ports that are filtered.
    pub filtered: u64,
    /// Ports whose probes had their TTL expire in transit.
    pub ttl_exceeded: u64,
    /// Ports that are open or silent: no reply.
    pub silent: u64,
    /// Undetermined ports.
    pub unknown: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Every port, upwards.
    #[serde(rename = "port_rows")]
    pub ports: Vec<ScannedPort>,
    /// A trace to the first port whose TTL expired in transit; `None` if there is none.
    #[serde(rename = "trace_report")]
    pub trace: Option<TraceReport>,
    /// What it comes to.
    #[serde(flatten)]
    pub findings: ScanFindings,
}

/// The verdict with evidence, alternatives and caveats.
pub type ScanFindings = Findings<ScanVerdict, ScanEvidence, ScanAlternative, ScanCaveat>;

/// A scan as the document of `probe ports` where there is no remote agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScannedAlone {
    /// Null, as there is none.
    pub agent: Option<AgentReport>,
    /// Why there is none; `None` where none was looked for.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    pub no_agent: Option<NoAgent>,
    /// What was found without one.
    #[serde(flatten)]
    pub scan: ScanReport,
}

/// Ports that one host or router keeps from being reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PortsStopped {
    /// How many.
    pub ports: u64,
    /// The host that reported it; `None` if unknown.
    pub from: Option<IpAddr>,
}

/// How many ports are in which state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ScanVerdict {
    /// So many.
    Counted {
        /// Open.
        open: u64,
        /// Closed.
        closed: u64,
        /// Filtered ports, by the host that reported it.
        #[serde(rename = "filtered_by")]
        filtered: Vec<PortsStopped>,
        /// Not reached, as the TTL was over; `None` where there is none.
        #[serde(rename = "ttl_exceeded_by")]
        ttl_exceeded: Option<PortsStopped>,
        /// The loop that a trace shows; `None` where none is seen.
        routing_loop: Option<TraceLoop>,
        /// Ports that are open or silent.
        silent: u64,
        /// Not found out.
        unknown: u64,
    },
}

impl Default for ScanVerdict {
    fn default() -> Self {
        Self::Counted {
            open: 0,
            closed: 0,
            filtered: Vec::new(),
            ttl_exceeded: None,
            routing_loop: None,
            silent: 0,
            unknown: 0,
        }
    }
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ScanEvidence {
    /// What was sent and what came.
    Traffic {
        /// Probes sent.
        sent: u64,
        /// To so many ports.
        ports: u64,
        /// Answers that came.
        answers: u64,
        /// ICMP errors that came.
        icmp_errors: u64,
    },
    /// Unanswered ports did not reply while the host could have sent an ICMP error.
    SilentDespiteIcmp {
        /// Probes to each.
        tries: u64,
    },
    /// Unanswered ports were probed for long enough that a host at its ICMP rate limit could have
    /// sent an error again; none came from any port.
    SilentWithoutIcmp {
        /// Probes to each.
        tries: u64,
    },
    /// ICMP errors are limited.
    IcmpLimited {
        /// Errors a second, in thousandths; `None` where that is not known.
        per_second_milli: Option<u64>,
    },
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ScanAlternative {
    /// Closed: a firewall that rejects in the target's name.
    RejectedInItsName,
    /// TTL exceeded: a routing loop.
    RoutingLoop,
    /// Filtered by a "port unreachable": closed on the host behind a NAT.
    ClosedBehindNat,
    /// Filtered by an "unreachable": the host is down, or a route is missing.
    HostDown,
    /// Silent: an open port that these probes do not move, or a filter.
    OpenOrDropped,
    /// Silent: random loss.
    Chance {
        /// Probes to ports that answer.
        sent: u64,
        /// Of these, those that were lost.
        lost: u64,
    },
    /// Silent: closed, where ICMP errors are not sent or get lost.
    ClosedWithoutIcmp,
    /// A service that does not answer unknown clients.
    QuietService {
        /// The port.
        port: u16,
        /// Its service.
        #[serde(serialize_with = "named")]
        service: Service,
    },
}

/// What to keep in mind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ScanCaveat {
    /// This host could send nothing to some ports.
    NotSent {
        /// How many.
        ports: u64,
        /// Why, for the first of them.
        #[serde(serialize_with = "crate::record::finding::one")]
        cause: LocalSendFailure,
    },
    /// Ports were not found out in the time that there was.
    OutOfTime {
        /// How many.
        ports: u64,
        /// The time.
        time_ns: u64,
        /// Time that would do at the pace of ICMP errors; `None` where that is not known.
        needed_ns: Option<u64>,
    },
    /// Ports were not found out before the user ended the scan.
    InterruptedFirst {
        /// How many.
        ports: u64,
    },
    /// Ports of which something is known left probes unanswered.
    Lost {
        /// Probes.
        probes: u64,
        /// Ports of which something is known.
        ports: u64,
        /// Whether a limit on ICMP errors may have kept some back.
        or_icmp_limited: bool,
    },
    /// Outbound and return loss cannot be separated without a remote agent.
    DirectionUnknown,
    /// The host's name has an address of the other family as well.
    OtherFamily {
        /// The name.
        host: String,
        /// That address.
        address: IpAddr,
    },
    /// As with any probe.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// A service by its name.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde hands over")]
fn named<S: Serializer>(service: &Service, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(service)
}
