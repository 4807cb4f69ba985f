//! The combined result of all kinds of `probe`.

use super::{
    MarksReport, MtuReport, NatReport, NoAgent, PortsReport, ScanReport, ShapeReport,
    TimeoutReport, TraceReport,
};
use crate::record::finding::{Findings, maybe, one};
use crate::record::{LocalFailure, Worded};
use crate::units::Endpoint;
use serde::Serialize;
use std::fmt;

/// A kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// Which ports let datagrams through.
    Ports,
    /// NATs on the path.
    Nat,
    /// The largest datagrams that pass.
    Mtu,
    /// What happens to DSCP and ECN.
    Marks,
    /// Payloads, sizes and rates.
    Shape,
    /// The routers on the path.
    Trace,
    /// How long an idle path stays open.
    Timeout,
    /// Whether flows take different ways.
    Paths,
}

impl ProbeKind {
    /// Its name, the same as its subcommand's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ports => "ports",
            Self::Nat => "nat",
            Self::Mtu => "mtu",
            Self::Marks => "marks",
            Self::Shape => "shape",
            Self::Trace => "trace",
            Self::Timeout => "timeout",
            Self::Paths => "paths",
        }
    }
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The reports of all kinds.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AllReport {
    /// The host as the user wrote it.
    pub host: String,
    /// Its address, and the port on which a remote agent was looked for.
    pub target: Option<Endpoint>,
    /// Whether there is one.
    #[serde(rename = "agent_found")]
    pub agent: bool,
    /// Why there is none; `None` if there is one, or if that is not known.
    #[serde(serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NoAgent>>"))]
    pub no_agent: Option<NoAgent>,
    /// How long it took.
    pub duration_ns: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Ports, with a remote agent; `None` without one.
    #[serde(rename = "ports_report")]
    pub ports: Option<PortsReport>,
    /// Ports, without a remote agent; `None` with one.
    #[serde(rename = "scan_report")]
    pub scan: Option<ScanReport>,
    /// NATs on the path.
    #[serde(rename = "nat_report")]
    pub nat: Option<NatReport>,
    /// The largest datagrams that pass.
    #[serde(rename = "mtu_report")]
    pub mtu: Option<MtuReport>,
    /// What happens to DSCP and ECN.
    #[serde(rename = "marks_report")]
    pub marks: Option<MarksReport>,
    /// Payloads, sizes and rates.
    #[serde(rename = "shape_report")]
    pub shape: Option<ShapeReport>,
    /// The routers on the path.
    #[serde(rename = "trace_report")]
    pub trace: Option<TraceReport>,
    /// How long an idle path stays open, up to the longest idle time tested.
    #[serde(rename = "timeout_report")]
    pub timeout: Option<TimeoutReport>,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// A kind, or a part of one, that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// Which.
    pub kind: ProbeKind,
    /// Why.
    #[serde(serialize_with = "one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LeftOutReason>"))]
    pub reason: LeftOutReason,
    /// The command that measures it.
    pub command: String,
}

/// Why a kind was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LeftOutReason {
    /// It needs a remote agent, and there is none.
    NoAgent,
    /// It had no remote agent, though other kinds had.
    AgentFailed {
        /// Why.
        reason: NoAgent,
    },
    /// No STUN server replied.
    NoStunReply {
        /// The address tried.
        target: Endpoint,
    },
    /// There was no time left to start it.
    NoTimeLeft {
        /// The time for all kinds.
        limit_ns: u64,
    },
    /// It was not complete when the time ran out.
    NotInTime {
        /// The time for all kinds.
        limit_ns: u64,
    },
    /// Longer idle times were not tested.
    LongerIdleTimes {
        /// The longest that was tested.
        tried_ns: u64,
    },
    /// It has hundreds of flows, which would disturb the others.
    ManyFlows,
    /// The user ended the run.
    Interrupted,
    /// It failed on this host.
    Failed {
        /// Why.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalFailure>"))]
        failure: LocalFailure,
    },
}

/// What happens while the kinds run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllEvent {
    /// A kind has started.
    Begun {
        /// Which.
        kind: ProbeKind,
    },
    /// A kind has ended.
    Ended {
        /// Which.
        kind: ProbeKind,
        /// Whether it has a report.
        found: bool,
    },
}

/// The part of one kind's result that is shown in the overview.
pub struct KindVerdict<'a> {
    /// The kind.
    pub kind: ProbeKind,
    /// Its verdict.
    pub verdict: &'a dyn Worded,
    /// Its caveats.
    pub caveats: Vec<&'a dyn Worded>,
}

impl<'a> KindVerdict<'a> {
    fn of<V: Worded, E, A, C: Worded>(kind: ProbeKind, found: &'a Findings<V, E, A, C>) -> Self {
        let caveats = found.caveats.iter().map(|one| one as &dyn Worded).collect();
        Self { kind, verdict: &found.verdict, caveats }
    }
}

impl AllReport {
    /// Each kind that has a report, with its verdict.
    pub fn verdicts(&self) -> Vec<KindVerdict<'_>> {
        use ProbeKind::{Marks, Mtu, Nat, Ports, Shape, Timeout, Trace};
        [
            self.ports.as_ref().map(|report| KindVerdict::of(Ports, &report.findings)),
            self.scan.as_ref().map(|report| KindVerdict::of(Ports, &report.findings)),
            self.nat.as_ref().map(|report| KindVerdict::of(Nat, &report.findings)),
            self.mtu.as_ref().map(|report| KindVerdict::of(Mtu, &report.findings)),
            self.marks.as_ref().map(|report| KindVerdict::of(Marks, &report.findings)),
            self.shape.as_ref().map(|report| KindVerdict::of(Shape, &report.findings)),
            self.trace.as_ref().map(|report| KindVerdict::of(Trace, &report.findings)),
            self.timeout.as_ref().map(|report| KindVerdict::of(Timeout, &report.findings)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
