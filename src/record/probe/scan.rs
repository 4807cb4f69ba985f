//! The result of a scan: the ports of a host without a remote agent.

use super::{AgentReport, IcmpError, NoAgent, ProbeCaveat, TraceLoop, TraceReport};
use crate::batch::LocalSendFailure;
use crate::record::Findings;
use crate::units::Endpoint;
use crate::wire::service::Service;
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// What probing a port without an agent shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Undetermined: the time ran out, or nothing could be sent.
    Unknown,
}

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScannedPort {
    /// Its number.
    pub port: u16,
    /// The service whose usual request was sent.
    pub service: &'static str,
    /// What is known.
    pub state: PortState,
    /// Time from the first probe of the scan until the state was known; `None` if it never was.
    pub settled_ns: Option<u64>,
    /// What a valid answer means, in brief; `None` if the expected service did not answer.
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
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<IcmpError>>"))]
    pub icmp: Option<IcmpError>,
    /// Probes sent.
    pub sent: u64,
    /// Of these, tries without a reply while an ICMP error could have been sent.
    pub silent_tries: u64,
    /// Answers received.
    pub answers: u64,
    /// Why nothing could be sent; `None` otherwise.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub not_sent: Option<LocalSendFailure>,
}

/// A whole scan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Unanswered probes to ports that answered a later one, not explained by a rate limit.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Whether ICMP errors were rate limited.
    pub icmp_limited: bool,
    /// That limit, in thousandths of an error per second; `None` if not known.
    pub icmp_per_second_milli: Option<u64>,
    /// Ports in each state.
    pub open: u64,
    /// Ports that are closed.
    pub closed: u64,
    /// Ports that are filtered.
    pub filtered: u64,
    /// Ports at which the TTL of the probes expired in transit.
    pub ttl_exceeded: u64,
    /// Ports that are open or silent: no reply.
    pub silent: u64,
    /// Undetermined ports.
    pub unknown: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Every port, ascending.
    #[serde(rename = "port_rows")]
    pub ports: Vec<ScannedPort>,
    /// A trace to the first port whose TTL expired in transit; `None` if there is none.
    #[serde(rename = "trace_report")]
    pub trace: Option<TraceReport>,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: ScanFindings,
}

/// The verdict with evidence, alternatives and caveats.
pub type ScanFindings = Findings<ScanVerdict, ScanEvidence, ScanAlternative, ScanCaveat>;

/// A scan as the document of `probe ports` where there is no remote agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScannedAlone {
    /// Null, as there is none.
    pub agent: Option<AgentReport>,
    /// Why there is none; `None` if none was looked for.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NoAgent>>"))]
    pub no_agent: Option<NoAgent>,
    /// The scan.
    #[serde(flatten)]
    pub scan: ScanReport,
}

/// Ports that one host or router prevents from being reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortsStopped {
    /// How many.
    pub ports: u64,
    /// The host that reported it; `None` if unknown.
    pub from: Option<IpAddr>,
}

/// The number of ports in each state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ScanVerdict {
    /// The numbers.
    Counted {
        /// Open.
        open: u64,
        /// Closed.
        closed: u64,
        /// Filtered ports, by the host that reported it.
        #[serde(rename = "filtered_by")]
        filtered: Vec<PortsStopped>,
        /// Not reached because the TTL expired; `None` if there are none.
        #[serde(rename = "ttl_exceeded_by")]
        ttl_exceeded: Option<PortsStopped>,
        /// The routing loop that a trace shows; `None` if none was seen.
        routing_loop: Option<TraceLoop>,
        /// Ports that are open or silent.
        silent: u64,
        /// Undetermined.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ScanEvidence {
    /// Counts of what was sent and received.
    Traffic {
        /// Probes sent.
        sent: u64,
        /// Ports that they were sent to.
        ports: u64,
        /// Answers received.
        answers: u64,
        /// ICMP errors received.
        icmp_errors: u64,
    },
    /// Unanswered ports did not reply while the host could have sent an ICMP error.
    SilentDespiteIcmp {
        /// Probes to each port.
        tries: u64,
    },
    /// Unanswered ports were probed for long enough that a host at its ICMP rate limit could have
    /// sent an error again; none came from any port.
    SilentWithoutIcmp {
        /// Probes to each port.
        tries: u64,
    },
    /// ICMP errors are rate limited.
    IcmpLimited {
        /// The limit in thousandths of an error per second; `None` if not known.
        per_second_milli: Option<u64>,
    },
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ScanAlternative {
    /// Closed: a firewall that rejects with the target's address.
    RejectedInItsName,
    /// TTL exceeded: a routing loop.
    RoutingLoop,
    /// Filtered by a "port unreachable": closed on the host behind a NAT.
    ClosedBehindNat,
    /// Filtered by an "unreachable": the host is down, or a route is missing.
    HostDown,
    /// Silent: an open port that does not answer these probes, or a filter.
    OpenOrDropped,
    /// Silent: random loss.
    Chance {
        /// Probes to ports that answer.
        sent: u64,
        /// Of these, those that were lost.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
    },
    /// Silent: a closed port whose ICMP errors are not sent or are lost.
    ClosedWithoutIcmp,
    /// Many silent ports beside some that are not: a limit on the number of flows.
    FlowLimit,
    /// A service that does not answer unknown clients.
    QuietService {
        /// The port.
        port: u16,
        /// Its service.
        #[serde(serialize_with = "named")]
        #[cfg_attr(test, schemars(with = "String"))]
        service: Service,
    },
}

/// Caveats about the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ScanCaveat {
    /// This host could send nothing to some ports.
    NotSent {
        /// How many.
        ports: u64,
        /// Why, for the first of them.
        #[serde(serialize_with = "crate::record::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        cause: LocalSendFailure,
    },
    /// Some ports were not determined in the time available.
    OutOfTime {
        /// How many.
        ports: u64,
        /// The time available.
        time_ns: u64,
        /// The time needed at the rate limit of ICMP errors; `None` if not known.
        needed_ns: Option<u64>,
    },
    /// Some ports were not determined before the user ended the scan.
    InterruptedFirst {
        /// How many.
        ports: u64,
    },
    /// Ports whose state is known left some probes unanswered.
    Lost {
        /// Probes.
        probes: u64,
        /// Ports whose state is known.
        ports: u64,
        /// Whether a rate limit on ICMP errors may have caused that.
        or_icmp_limited: bool,
    },
    /// Outbound and return loss cannot be separated without a remote agent.
    DirectionUnknown,
    /// The host name also has an address of the other family.
    OtherFamily {
        /// The name.
        host: String,
        /// That address.
        address: IpAddr,
    },
    /// A caveat common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// A service by its name.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde hands over")]
fn named<S: Serializer>(service: &Service, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(service)
}
