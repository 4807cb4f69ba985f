//! What all kinds of `probe` found together.

use super::{
    MarksReport, MtuReport, NatReport, PortsReport, ScanReport, ShapeReport, TimeoutReport,
    TraceReport, Verdict,
};
use serde::Serialize;
use std::net::SocketAddr;

/// Every kind's report, side by side.
#[derive(Debug, Default, Serialize)]
pub struct AllReport {
    /// The host as the user wrote it.
    pub host: String,
    /// Its address, and the port on which a helper was looked for.
    pub target: Option<SocketAddr>,
    /// Whether there is a helper.
    pub helper: bool,
    /// How long it took.
    pub duration_ns: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Ports, with a helper; `None` without one.
    pub ports: Option<PortsReport>,
    /// Ports, without a helper; `None` with one.
    pub scan: Option<ScanReport>,
    /// NATs on the way.
    pub nat: Option<NatReport>,
    /// The largest datagrams that pass.
    pub mtu: Option<MtuReport>,
    /// What becomes of DSCP and ECN.
    pub marks: Option<MarksReport>,
    /// Payloads, sizes and rates.
    pub shape: Option<ShapeReport>,
    /// The routers on the way.
    pub trace: Option<TraceReport>,
    /// How long an idle path stays open, as far as it was tried.
    pub timeout: Option<TimeoutReport>,
    /// What was not found out.
    pub left_out: Vec<LeftOut>,
}

/// A kind, or a part of one, that was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Which.
    pub kind: &'static str,
    /// Why.
    pub why: String,
    /// The command that finds it out.
    pub command: String,
}

impl AllReport {
    /// Each kind that has a report, with its verdict.
    pub fn verdicts(&self) -> Vec<(&'static str, &Verdict)> {
        [
            ("ports", self.ports.as_ref().map(|report| &report.verdict)),
            ("ports", self.scan.as_ref().map(|report| &report.verdict)),
            ("nat", self.nat.as_ref().map(|report| &report.verdict)),
            ("mtu", self.mtu.as_ref().map(|report| &report.verdict)),
            ("marks", self.marks.as_ref().map(|report| &report.verdict)),
            ("shape", self.shape.as_ref().map(|report| &report.verdict)),
            ("trace", self.trace.as_ref().map(|report| &report.verdict)),
            ("timeout", self.timeout.as_ref().map(|report| &report.verdict)),
        ]
        .into_iter()
        .filter_map(|(kind, verdict)| Some((kind, verdict?)))
        .collect()
    }
}
