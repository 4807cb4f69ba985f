//! The result of `probe marks`.

use super::{ControlEvidence, ControlLoss, Outcome, ProbeCaveat, ProbeTraffic, Way};
use crate::record::Findings;
use crate::units::Endpoint;
use serde::Serialize;

/// What a path does to DSCP and ECN, in each direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MarksReport {
    /// The remote end.
    pub target: Endpoint,
    /// Fewest datagrams with one value before it is called blocked; more are needed on a path with
    /// more loss.
    pub tries: u32,
    /// Routers on the way out, from the TTL on arrival; `None` if not reported.
    #[serde(rename = "routers_out")]
    pub hops_out: Option<u8>,
    /// Routers on the way back, assuming the initial TTL in `hops_back_from`; `None` if no TTL is
    /// available.
    #[serde(rename = "routers_back")]
    pub hops_back: Option<u8>,
    /// The assumed initial TTL of the remote end: the next higher of 64, 128 and 255.
    #[serde(rename = "initial_ttl_back")]
    pub hops_back_from: Option<u8>,
    /// Outbound, one row per value.
    #[serde(rename = "out_rows")]
    pub out: Vec<MarkRow>,
    /// The return direction, one row per value.
    #[serde(rename = "back_rows")]
    pub back: Vec<MarkRow>,
    /// Totals of the datagrams of the probe.
    pub traffic: ProbeTraffic,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: MarksFindings,
}

/// The verdict with evidence, alternatives and caveats.
pub type MarksFindings = Findings<MarksVerdict, MarksEvidence, MarksAlternative, MarksCaveat>;

/// One value of the TOS byte or traffic class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MarkRow {
    /// DSCP as sent, 0 to 63.
    pub dscp: u8,
    /// ECN as sent, 0 to 3.
    pub ecn: u8,
    /// Datagrams sent with it, or answers requested with it.
    pub sent: u32,
    /// How many arrived, duplicates not counted.
    pub arrived: u32,
    /// Whether it passes, changed or not.
    pub outcome: Outcome,
    /// DSCP on arrival; `None` when none arrived, or if not reported.
    pub dscp_arrived: Option<u8>,
    /// ECN on arrival; `None` when none arrived, or if not reported.
    pub ecn_arrived: Option<u8>,
}

/// What happens to DSCP and ECN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MarksVerdict {
    /// Every value arrives as it was sent, both ways.
    Unchanged,
    /// Some arrive changed, or not at all.
    Changed {
        /// The changes, outbound first.
        #[serde(serialize_with = "crate::record::finding::all")]
        #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<MarkChange>>"))]
        changes: Vec<MarkChange>,
    },
    /// The values that could be observed arrive as they were sent; others could not be observed.
    NoChangeSeen {
        /// Values that could be observed, both ways together.
        observed: u64,
        /// Values that were sent, both ways together.
        of: u64,
    },
    /// No datagram was answered.
    NothingAnswered,
    /// This host sent none.
    NothingSent,
}

/// What a path does to some DSCP or ECN values in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MarkChange {
    /// Whatever the DSCP was, it arrives as this one.
    AllDscpsBecome {
        /// The direction.
        way: Way,
        /// DSCP as it arrives.
        #[serde(rename = "dscp_arrived")]
        dscp: u8,
    },
    /// The upper three bits of every DSCP, once the IP precedence, arrive as 0.
    PrecedenceCleared {
        /// The direction.
        way: Way,
    },
    /// The lower three bits of every DSCP arrive as 0.
    LowBitsCleared {
        /// The direction.
        way: Way,
    },
    /// Several DSCPs, or one, arrive as another.
    DscpsBecome {
        /// The direction.
        way: Way,
        /// DSCPs as sent.
        #[serde(rename = "dscps_sent")]
        sent: Vec<u8>,
        /// DSCP as they arrive.
        #[serde(rename = "dscp_arrived")]
        arrived: u8,
    },
    /// ECN arrives as 0.
    EcnCleared {
        /// The direction.
        way: Way,
        /// ECN as sent.
        #[serde(rename = "ecns_sent")]
        sent: Vec<u8>,
    },
    /// One ECN value arrives as another, which is not 0.
    EcnBecomes {
        /// The direction.
        way: Way,
        /// ECN as sent.
        #[serde(rename = "ecn_sent")]
        sent: u8,
        /// ECN as it arrives.
        #[serde(rename = "ecn_arrived")]
        arrived: u8,
    },
    /// Datagrams with these values do not arrive, while others do.
    Dropped {
        /// The direction.
        way: Way,
        /// DSCPs, without ECN.
        #[serde(rename = "dscps")]
        dscp: Vec<u8>,
        /// ECN values, without a DSCP.
        #[serde(rename = "ecns")]
        ecn: Vec<u8>,
    },
}

/// What was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MarksEvidence {
    /// How much was observed in one direction.
    Observed {
        /// The direction.
        way: Way,
        /// Values of which it is known how they arrive.
        observed: u64,
        /// Values that were sent.
        of: u64,
        /// Datagrams that arrived.
        arrived: u64,
        /// Datagrams that were sent.
        sent: u64,
    },
    /// Control measurements.
    #[serde(untagged)]
    Shared(ControlEvidence),
}

/// What else could change marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MarksAlternative {
    /// One of the two hosts, not the path.
    HostRewrites,
    /// A congested queue, which marks CE by design (RFC 3168 §5).
    Congestion,
}

/// Caveats about the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MarksCaveat {
    /// For some values no datagram arrived, and it is not known why.
    Undecided {
        /// Values on the way out.
        out: u64,
        /// Values on the way back.
        back: u64,
        /// The path's loss of short datagrams; `None` if unknown.
        #[serde(serialize_with = "crate::record::finding::maybe")]
        #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<ControlLoss>>"))]
        control_loss: Option<ControlLoss>,
    },
    /// Some values arrived at a receiver whose system does not report DSCP and ECN.
    NotShown {
        /// Values on the way out.
        out: u64,
        /// Values on the way back.
        back: u64,
    },
    /// Which hop changes marks cannot be known.
    HopUnknown,
    /// A caveat common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}
