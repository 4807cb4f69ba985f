//! The result of `probe ports` with a remote agent: each port, outbound and return separately.

use super::{
    AgentReport, IcmpError, Inconclusive, NotOpened, PortPath, PortsAlternative, PortsCaveat,
    PortsEvidence, PortsVerdict, ScanReport, TraceReport,
};
use crate::batch::LocalSendFailure;
use crate::record::Findings;
use crate::units::Endpoint;
use serde::Serialize;
use std::net::IpAddr;

/// Control measurements, which separate filtering of ports from loss and rate limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortsBeside {
    /// Datagrams to ports that pass and to the agent's own port, from the probing socket.
    pub sent: u64,
    /// Of these, those that arrived.
    pub arrived: u64,
    /// Replies to these that arrived.
    pub replies: u64,
    /// Datagrams to the agent's own port from new sockets, each a new flow.
    pub fresh_sent: u64,
    /// Of these, those that were answered.
    pub fresh_replies: u64,
    /// Number of ports that pass under a flow limit; `None` if no flow limit was seen.
    pub flows_passing: Option<u64>,
    /// Ports that passed nothing at the full rate but did when probed slowly; 0 if that may be
    /// chance.
    pub recovered: u64,
}

/// One port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortRow {
    /// Its number.
    pub port: u16,
    /// What the path does to its datagrams.
    #[serde(rename = "outcome")]
    pub path: PortPath,
    /// Why it is not called filtered; `None` if that does not apply.
    pub inconclusive: Option<Inconclusive>,
    /// Why the agent does not listen there; `None` if it does.
    #[serde(rename = "not_opened_reason", serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NotOpened>>"))]
    pub not_opened: Option<NotOpened>,
    /// Datagrams that left.
    pub sent: u64,
    /// Of these, those that arrived at the agent; `None` if not reported.
    pub arrived: Option<u64>,
    /// Duplicates that arrived there; `None` if not reported.
    pub duplicates: Option<u64>,
    /// Of those that arrived, how many the agent replied to; `None` if not reported.
    pub answered: Option<u64>,
    /// Of these, how many replies arrived.
    pub replies: u64,
    /// Duplicates of replies.
    pub duplicates_back: u64,
    /// The shortest round trip, without the agent's processing time.
    pub round_trip_ns: Option<u64>,
    /// Source address and port of the datagrams as the agent saw them.
    pub source_seen: Option<Endpoint>,
    /// Whether the source port had changed on arrival.
    pub source_port_changed: Option<bool>,
    /// Whether the source address had changed on arrival; `None` if this host's own is not known.
    pub source_address_changed: Option<bool>,
    /// Whether the source differed between datagrams.
    pub source_varied: Option<bool>,
    /// The port at which they arrived.
    pub arrived_at: Option<u16>,
    /// Source of the replies, if it differs from the destination of the datagrams.
    pub answered_from: Option<Endpoint>,
    /// TTL or hop limit of the datagrams on arrival.
    pub ttl_out: Option<u8>,
    /// Routers on the way out, from the initial TTL of 255; `None` also if a relay may have resent
    /// the datagrams.
    #[serde(rename = "routers_out")]
    pub hops_out: Option<u8>,
    /// DSCP of the datagrams on arrival.
    pub dscp_out: Option<u8>,
    /// ECN of the datagrams on arrival.
    pub ecn_out: Option<u8>,
    /// TTL or hop limit of the replies on arrival.
    pub ttl_back: Option<u8>,
    /// Routers on the way back, from the initial TTL of 255; `None` also if a relay may have resent
    /// the datagrams.
    #[serde(rename = "routers_back")]
    pub hops_back: Option<u8>,
    /// DSCP of the replies on arrival.
    pub dscp_back: Option<u8>,
    /// ECN of the replies on arrival.
    pub ecn_back: Option<u8>,
    /// The ICMP error for the datagrams; `None` if there was none.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<IcmpError>>"))]
    pub icmp_out: Option<IcmpError>,
    /// The ICMP error that the agent received for its replies; `None` if there was none.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<IcmpError>>"))]
    pub icmp_back: Option<IcmpError>,
    /// Why none could be sent; `None` if they were.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub not_sent: Option<LocalSendFailure>,
}

/// All ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortsReport {
    /// The host as the user wrote it.
    pub host: String,
    /// Its address.
    pub target: Option<IpAddr>,
    /// The agent; `None` if there is none.
    pub agent: Option<AgentReport>,
    /// Datagrams to each port.
    pub tries: u32,
    /// Their source address, as far as this host knows.
    pub source: Option<Endpoint>,
    /// DSCP that they were sent with, both ways.
    pub dscp_sent: u8,
    /// ECN that they were sent with, both ways.
    pub ecn_sent: u8,
    /// How long it took.
    pub duration_ns: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// The highest rate of the first pass in datagrams per second; 0 if not known.
    #[serde(rename = "datagrams_per_second")]
    pub per_second: u64,
    /// Control measurements.
    pub beside: PortsBeside,
    /// Datagrams lost on the way out, on ports that pass.
    pub lost_out: u64,
    /// Replies lost on the way back, on ports that pass.
    pub lost_back: u64,
    /// Every port, ascending.
    #[serde(rename = "port_rows")]
    pub ports: Vec<PortRow>,
    /// The scan, without the agent, of ports on which it could not listen; `None` if there was
    /// none.
    #[serde(rename = "scan_report")]
    pub scan: Option<ScanReport>,
    /// A trace to the first port at which no datagram arrived; `None` if there is none.
    #[serde(rename = "trace_report")]
    pub trace: Option<TraceReport>,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: PortsFindings,
}

/// The verdict with evidence, alternatives and caveats.
pub type PortsFindings = Findings<PortsVerdict, PortsEvidence, PortsAlternative, PortsCaveat>;
