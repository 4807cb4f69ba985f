//! `udpkit probe shape`: from arguments to a run.

use super::error::ProbeError;
use super::far_end::Target;
use super::usage::ProbeUsage;
use super::{agent_run, announce, progress};
use crate::cli::ShapeArgs;
use crate::commands::{Exit, Usage};
use crate::engine::Signals;
use crate::record::probe::{NoAgent, ProbeCaveat, ProbeKind, ShapeCaveat, ShapeReport};
use crate::report::{Shown, shape_text};
use crate::session::probe::shape::{ShapeKind, ShapePlan};
use crate::session::serve::ON_DEMAND;
use crate::wire::PortList;
use anyhow::Context;

/// Most ports for a train.
const MOST_PORTS: usize = 16;
/// Number of ports if none are given.
const CHOSEN: u16 = 4;

/// What to compare.
#[derive(Clone, Debug)]
pub struct ShapeOrder {
    /// Ports of the server; empty for a random choice.
    pub ports: PortList,
    /// Most datagrams of one kind and size.
    pub tries: u32,
    /// Datagrams per second in a train.
    pub rate: u32,
    /// Datagrams of a train; 0 for none.
    pub train: u32,
}

/// Runs `udpkit probe shape`.
pub fn run(args: ShapeArgs) -> anyhow::Result<Exit> {
    let ports = args.ports.unwrap_or_default();
    if ports.len() > MOST_PORTS {
        let (count, most) = (ports.len(), MOST_PORTS);
        return Err(Usage::from(ProbeUsage::TooManyPorts { ports, count, most }).into());
    }
    let order = ShapeOrder { ports, tries: args.tries, rate: args.rate, train: args.train };
    let target = Target::resolve(&args.far_end)?;
    announce(&args.far_end.host, target.addr);
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let running = progress(ProbeKind::Shape, target.addr, None, &signals)?;
    let found = measure(&target, &order, Some(signals));
    drop(running);
    let report = match found? {
        Ok(report) => report,
        Err(why) => {
            return Ok(agent_run::no_agent(args.far_end.json, "probe shape", &target, &why));
        }
    };
    let believed = report.traffic.contradiction.is_none();
    let compared = report.payloads.iter().any(|row| row.sent > 0);
    Shown { json: args.far_end.json, ..Shown::default() }.print("probe shape", &report, shape_text);
    Ok(if compared && believed { Exit::Done } else { Exit::Failed })
}

/// Compares payloads, sizes and rates; the error is why there is no remote agent.
pub fn measure(
    target: &Target,
    order: &ShapeOrder,
    signals: Option<Signals>,
) -> anyhow::Result<Result<ShapeReport, NoAgent>> {
    let plan =
        ShapePlan { target: target.addr, tries: order.tries, rate: order.rate, count: order.train };
    let ports = if order.ports.is_empty() { some_ports() } else { order.ports.clone() };
    let manner = target.manner(ports);
    let ended = agent_run::measure(target, manner, ShapeKind::new(plan), signals)?;
    Ok(ended.facts.map(|mut report| {
        report.duration_ns = ended.duration.0;
        report.interrupted = ended.interrupted;
        let not_opened = ended.not_opened.into_iter();
        report.findings.caveats.extend(
            not_opened
                .map(|(ports, reason)| ShapeCaveat::NotOpened { ports: ports.to_string(), reason }),
        );
        let interrupted = ended.interrupted.then_some(ProbeCaveat::Interrupted);
        let caveats = ended.caveats.into_iter().chain(interrupted);
        report.findings.caveats.extend(caveats.map(ShapeCaveat::Shared));
        report
    }))
}

/// A few consecutive ports of the server's default range.
fn some_ports() -> PortList {
    let room = ON_DEMAND.end() - ON_DEMAND.start() - CHOSEN + 2;
    let first = ON_DEMAND.start() + fastrand::u16(..room);
    (first..first + CHOSEN).collect()
}
