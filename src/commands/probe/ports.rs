//! `udpkit probe ports`: from arguments to a run, with a helper where there is one.

use super::far_end::{Target, say_no_helper};
use crate::batch::TxBatch;
use crate::cli::PortsArgs;
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals};
use crate::record::Document;
use crate::record::probe::{PortPath, PortsReport};
use crate::report::{ports_text, print_json, print_text};
use crate::session::probe::ports::{MOST_TRIES, PortsEnd, PortsPlan, PortsSession};
use crate::units::{Nanos, Rate};
use crate::wire::{Dscp, Ecn, PortList};
use anyhow::Context;

/// Time from one datagram of a port to its next, so that a short burst of loss does not meet all.
const SPACING: Nanos = Nanos::from_millis(50);
/// Largest reply that is read whole.
const LARGEST: usize = 2_048;

/// A probe of ports to be made, before its sockets are open.
#[derive(Clone, Debug)]
pub struct PortsOrder {
    /// The ports.
    pub ports: PortList,
    /// Datagrams to each, 1 to 64.
    pub tries: u32,
    /// Datagrams a second.
    pub rate: Rate,
    /// How long the last replies are waited for.
    pub wait: Nanos,
    /// DSCP of datagrams and replies.
    pub dscp: Dscp,
    /// ECN of datagrams and replies.
    pub ecn: Ecn,
}

/// Runs `udpkit probe ports`.
pub fn run(args: PortsArgs) -> anyhow::Result<Exit> {
    let order = order(&args)?;
    let target = Target::resolve(&args.far_end)?;
    let signals = Signals::listen().context("cannot listen to signals")?;
    let report = match measure(&target, &order, Some(signals))? {
        PortsEnd::Helped(report) => *report,
        PortsEnd::NoHelper(why) => return Ok(say_no_helper(&target, &why)),
    };
    let all_pass = report.ports.iter().all(|row| row.path == PortPath::Passes);
    let report = PortsReport { host: target.name.clone(), ..report };
    if args.far_end.json {
        print_json(&Document::new("probe ports", report));
    } else {
        print_text(&ports_text(&report));
    }
    Ok(if all_pass { Exit::Done } else { Exit::Failed })
}

fn order(args: &PortsArgs) -> anyhow::Result<PortsOrder> {
    if args.wait == Nanos::ZERO {
        return Err(Usage::new("--wait 0 waits for nothing; it must be more").into());
    }
    if matches!(args.rate, Rate::Bits(_)) {
        let wrong = "--rate counts datagrams: 1kpps, 200pps, or max";
        return Err(Usage::new(wrong).into());
    }
    let PortsArgs { tries, rate, wait, dscp, ecn, .. } = *args;
    Ok(PortsOrder { ports: args.ports.clone(), tries, rate, wait, dscp, ecn })
}

/// Probes the ports of a far end that has a helper; `signals` end it early where they are given.
pub fn measure(
    target: &Target,
    order: &PortsOrder,
    signals: Option<Signals>,
) -> anyhow::Result<PortsEnd> {
    let (dialogue, asking) = (target.socket()?, target.socket()?);
    let gap = order.rate.ratio_for(0).map_or(Nanos::ZERO, |(n, span)| Nanos(span.0 / n.max(1)));
    let plan = PortsPlan {
        target: target.address,
        ports: order.ports.clone(),
        tries: order.tries.min(MOST_TRIES),
        dscp: order.dscp,
        ecn: order.ecn,
        gap,
        spacing: SPACING,
        wait: order.wait,
        source: asking.local_addr(),
    };
    let session = PortsSession::new(plan, target.far_end());
    let (slots, bytes) = session.room();
    let config = LoopConfig { largest: LARGEST, ..LoopConfig::default() };
    let looped =
        Loop::new(vec![dialogue, asking], signals, config).context("cannot start the loop")?;
    let ended = looped.run(session, TxBatch::new(slots, bytes)).context("cannot probe")?;
    Ok(ended.summary)
}
