//! What the counts of `probe ports` mean: verdict, evidence, alternatives and caveats.

use super::{IcmpError, Inconclusive, NotOpened, PortPath, ProbeCaveat, Way};
use crate::batch::LocalSendFailure;
use crate::units::Endpoint;
use crate::wire::PortList;
use serde::{Serialize, Serializer};

/// Ports with the same outcome and ICMP error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortGroup {
    /// What the path does to their datagrams.
    #[serde(rename = "outcome")]
    pub path: PortPath,
    /// The ports, in command line syntax.
    #[serde(rename = "port_list", serialize_with = "listed")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub ports: PortList,
    /// Datagrams that left.
    pub sent: u64,
    /// Of these, those that arrived; `None` if the agent did not report it.
    pub arrived: Option<u64>,
    /// Of these, how many replies arrived.
    pub replies: u64,
    /// The ICMP error that rejected them; `None` if there was none.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<IcmpError>>"))]
    pub icmp: Option<IcmpError>,
    /// Why they are not called filtered; `None` if that does not apply.
    pub inconclusive: Option<Inconclusive>,
    /// Why the agent does not listen there; `None` if it does.
    #[serde(rename = "not_opened_reason", serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NotOpened>>"))]
    pub not_opened: Option<NotOpened>,
    /// Why none could be sent; `None` if they were.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalSendFailure>>"))]
    pub not_sent: Option<LocalSendFailure>,
}

/// Ports with the same outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PathPorts {
    /// The outcome.
    #[serde(rename = "outcome")]
    pub path: PortPath,
    /// The ports, in command line syntax.
    #[serde(rename = "port_list", serialize_with = "listed")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub ports: PortList,
}

/// What a path does to datagrams by their port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PortsVerdict {
    /// The user ended the run before anything was known.
    #[default]
    Interrupted,
    /// The same for all ports.
    SamePath {
        /// The group.
        #[serde(flatten)]
        group: PortGroup,
    },
    /// Not the same for all ports.
    Mixed {
        /// Ports that pass both ways.
        passing: u64,
        /// All ports.
        of: u64,
        /// The other ports, by outcome.
        #[serde(rename = "other_ports")]
        others: Vec<PathPorts>,
    },
    /// The path limits the number of flows, whatever their ports.
    FlowLimit {
        /// Ports that pass.
        passing: u64,
        /// All ports.
        of: u64,
    },
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PortsEvidence {
    /// Ports with the same outcome, with their counts.
    Group {
        /// The group.
        #[serde(flatten)]
        group: PortGroup,
    },
    /// Silent ports were probed again, slowly and in random order.
    ProbedAgain {
        /// Control datagrams from a new socket to the agent's own port.
        fresh_sent: u64,
        /// Of these, those that were answered.
        fresh_replies: u64,
    },
    /// Ports passed nothing at the full rate, but did when probed slowly.
    PassedSlowly {
        /// How many.
        ports: u64,
        /// Datagrams per second at the full rate.
        #[serde(rename = "datagrams_per_second")]
        per_second: u64,
    },
    /// Loss of datagrams to ports that pass, or of their replies.
    PathLoss {
        /// Datagrams.
        sent: u64,
        /// Of these, unanswered.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
    },
    /// An ICMP error was received for ports that are not called rejected.
    IcmpReceived {
        /// Which ports.
        #[serde(rename = "port_list", serialize_with = "listed")]
        #[cfg_attr(test, schemars(with = "String"))]
        ports: PortList,
        /// The error.
        #[serde(serialize_with = "crate::record::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<IcmpError>"))]
        icmp: IcmpError,
    },
    /// ICMP errors are rate limited: these ports got one when probed again.
    IcmpHeldBack {
        /// Which ports.
        #[serde(rename = "port_list", serialize_with = "listed")]
        #[cfg_attr(test, schemars(with = "String"))]
        ports: PortList,
    },
    /// Datagrams arrived at another port than they were sent to.
    Redirected {
        /// The port that they were sent to.
        port: u16,
        /// The port at which they arrived.
        arrived_at: u16,
    },
    /// Datagrams arrived from another address or port than they were sent from.
    SourceChanged {
        /// The port that they were sent to; `None` if it is so for all.
        port: Option<u16>,
        /// Where they were sent from.
        source: Endpoint,
        /// Their apparent source.
        seen: Endpoint,
    },
    /// Datagrams arrived with the source address and port that they were sent with.
    SourceUnchanged,
    /// The source of the datagrams to one port varied.
    SourceVaried {
        /// That port.
        port: u16,
    },
    /// Replies came from another address or port.
    RepliesFromElsewhere {
        /// The port.
        port: u16,
        /// The source of the replies.
        from: Endpoint,
    },
    /// The DSCP did not arrive as it was sent.
    DscpChanged {
        /// The direction.
        way: Way,
        /// DSCP as sent.
        #[serde(rename = "dscp_sent")]
        sent: u8,
        /// DSCP as it arrived.
        #[serde(rename = "dscp_arrived")]
        arrived: u8,
    },
    /// ECN did not arrive as it was sent.
    EcnChanged {
        /// The direction.
        way: Way,
        /// ECN as sent.
        #[serde(rename = "ecn_sent")]
        sent: u8,
        /// ECN as it arrived.
        #[serde(rename = "ecn_arrived")]
        arrived: u8,
    },
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PortsAlternative {
    /// Filtered out: by the agent's own host.
    FilteredByAgentHost,
    /// Filtered out: rejected like others, but without an ICMP error.
    RejectedWithoutIcmp,
    /// Rejected out: by another host behind the agent's address.
    RejectedByAnotherHost,
    /// TTL exceeded: a path of more than 255 routers.
    LongPath,
    /// Filtered back: by this host.
    FilteredByThisHost,
}

/// Caveats about the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PortsCaveat {
    /// There was loss on ports that pass.
    LossOnPassing {
        /// Datagrams lost on the way out.
        out: u64,
        /// Replies lost on the way back.
        back: u64,
    },
    /// Each port got so few datagrams that a short burst of loss looks like a filter.
    FewTries {
        /// Datagrams to each port in the first pass.
        tries: u32,
    },
    /// ICMP errors are rate limited: some may have been outstanding when the probe ended.
    IcmpHeldBack {
        /// Number of ports concerned.
        ports: u64,
    },
    /// A caveat common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// Ports in command line syntax.
fn listed<S: Serializer>(ports: &PortList, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(ports)
}
