//! `udpkit probe marks`: from arguments to a run.

use super::error::ProbeError;
use super::far_end::Target;
use super::{agent_run, announce, progress};
use crate::cli::MarksArgs;
use crate::commands::Exit;
use crate::engine::Signals;
use crate::record::probe::{MarksCaveat, MarksReport, NoAgent, ProbeKind};
use crate::report::{Shown, marks_text};
use crate::session::probe::marks::{MarksKind, MarksPlan};
use crate::wire::PortList;
use anyhow::Context;

/// Runs `udpkit probe marks`.
pub fn run(args: MarksArgs) -> anyhow::Result<Exit> {
    let target = Target::resolve(&args.far_end)?;
    announce(&args.far_end.host, target.addr);
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let running = progress(ProbeKind::Marks, target.addr, None, &signals)?;
    let found = measure(&target, args.tries, Some(signals));
    drop(running);
    let report = match found? {
        Ok(report) => report,
        Err(why) => {
            return Ok(agent_run::no_agent(args.far_end.json, "probe marks", &target, &why));
        }
    };
    let believed = report.traffic.contradiction.is_none();
    let seen = report.out.iter().chain(&report.back).any(|row| row.arrived > 0);
    Shown { json: args.far_end.json, ..Shown::default() }.print("probe marks", &report, marks_text);
    Ok(if seen && believed { Exit::Done } else { Exit::Failed })
}

/// Measures what the path does to DSCP and ECN; the error is why there is no remote agent.
pub fn measure(
    target: &Target,
    tries: u32,
    signals: Option<Signals>,
) -> anyhow::Result<Result<MarksReport, NoAgent>> {
    let kind = MarksKind::new(MarksPlan { target: target.addr, tries });
    let manner = target.manner(PortList::default());
    let ended = agent_run::measure(target, manner, kind, signals)?;
    Ok(ended.facts.map(|mut report| {
        report.duration_ns = ended.duration.0;
        report.interrupted = ended.interrupted;
        report.findings.caveats.extend(ended.caveats.into_iter().map(MarksCaveat::Shared));
        report
    }))
}
