//! The kinds of `probe` as text: a file for each, and lines that all of them share.

mod all;
mod failure;
mod marks;
mod mtu;
mod nat;
mod paths;
mod ports;
mod scan;
mod shape;
mod timeout;
mod trace;

pub use all::{AllProgress, all_progress_line, all_text};
pub use failure::{FailureReport, ProbeFailure};
pub use marks::marks_text;
pub use mtu::mtu_text;
pub use nat::nat_text;
pub use paths::paths_text;
pub use ports::ports_text;
pub use scan::scan_text;
pub use shape::shape_text;
pub use timeout::{TimeoutProgress, timeout_text};
pub use trace::trace_text;

use crate::record::Worded;
use crate::record::probe::{ProbeTraffic, RefusedHere, TraceReport};
use crate::report::Page;

/// What this host refused to send, a line per reason; empty if it sent everything.
fn refused_text(traffic: &ProbeTraffic) -> String {
    let line = |refused: &RefusedHere| {
        let cause = refused.cause.code().text();
        format!("  {:<36}{:>9}  {cause}\n", "datagrams refused by this host", refused.datagrams)
    };
    traffic.refused_here.iter().map(line).collect()
}

/// The result of a trace that belongs to a report.
fn traced(trace: Option<&TraceReport>, page: Page) -> String {
    let line = trace.map(|trace| {
        let found = trace.findings.verdict.text();
        format!("port {}: {found}", trace.target.port())
    });
    page.labelled("trace", line.as_slice())
}

/// The line of an interrupted run.
fn interrupted_text(interrupted: bool) -> &'static str {
    if interrupted { "  interrupted by the user\n" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_run_has_one_line_and_a_whole_one_none() {
        assert_eq!(interrupted_text(true).lines().count(), 1);
        assert!(interrupted_text(true).contains("interrupted"));
        assert_eq!(interrupted_text(false), "");
    }
}
