//! `udpkit probe timeout`: from arguments to a run.

use super::agent_run;
use super::error::ProbeError;
use super::far_end::Target;
use super::usage::ProbeUsage;
use crate::batch::TxBatch;
use crate::cli::TimeoutArgs;
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals};
use crate::net::{KeptSocket, Socket, SocketPlan};
use crate::record::Sink;
use crate::record::probe::{ProbeKind, TimeoutCaveat, TimeoutEvent, TimeoutReport};
use crate::report::words::progress::RunLength;
use crate::report::{self, Shown};
use crate::session::probe::timeout::{CANDIDATES, TimeoutPlan, TimeoutSession};
use crate::units::Nanos;
use anyhow::Context;

/// Largest reply that is not truncated.
const LARGEST: usize = 2_048;
/// Most datagrams of one batch, and their payload bytes.
const SLOTS: usize = 128;
const ARENA: usize = 64 << 10;
/// The shortest idle time.
const LEAST: Nanos = Nanos::from_millis(100);
/// The longest time that an agent waits before it replies.
const MOST: Nanos = Nanos::from_secs(360);
/// Most idle times.
const MOST_CANDIDATES: usize = 64;

/// Runs `udpkit probe timeout`.
pub fn run(args: TimeoutArgs) -> anyhow::Result<Exit> {
    let candidates = candidates(&args)?;
    let far_end = &args.far_end;
    let target = Target::resolve(far_end)?;
    super::announce(&far_end.host, target.addr);
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let plan = TimeoutPlan {
        server: target.addr,
        candidates,
        precision: args.precision.max(Nanos::from_millis(1)),
        tries: args.tries,
        who_refreshes: args.who_refreshes,
    };
    let longest = Some(RunLength::AtMost(plan.longest()));
    let progress = if args.far_end.quiet {
        report::TimeoutProgress::silent()
    } else {
        report::TimeoutProgress::shown()
    };
    let running = super::progress(ProbeKind::Timeout, target.addr, longest, &signals)?;
    let found = measure(&target, plan, progress, Some(signals));
    drop(running);
    let found = found?;
    if let Some(why) = &found.no_agent {
        return Ok(agent_run::no_agent(far_end.json, "probe timeout", &target, why));
    }
    Shown { json: far_end.json, ..Shown::default() }.print(
        "probe timeout",
        &found,
        report::timeout_text,
    );
    let known = found.timers.iter().any(|one| one.open_ns.is_some() || one.closed_ns.is_some());
    Ok(if known { Exit::Done } else { Exit::Failed })
}

/// Measures; progress goes to `sink`.
pub fn measure(
    target: &Target,
    plan: TimeoutPlan,
    sink: impl Sink<TimeoutEvent>,
    signals: Option<Signals>,
) -> anyhow::Result<TimeoutReport> {
    let socket = SocketPlan { buffer: 0, ..SocketPlan::new(target.local) };
    let sockets = (0..plan.sockets()).map(|_| socket.open()).collect::<Result<Vec<Socket>, _>>()?;
    let config = LoopConfig { largest: LARGEST, ..LoopConfig::default() };
    let kept = KeptSocket::all_towards(&socket, target.addr, &sockets);
    let looped = Loop::new(sockets, signals, config);
    let looped = looped.and_then(|looped| looped.keeping(kept)).context(ProbeError::Start)?;
    let session = TimeoutSession::new(plan, target.far_end()?, sink);
    let mut ended = looped.run(session, TxBatch::new(SLOTS, ARENA)).context(ProbeError::Run)?;
    let caveats = target.own_losses.probe_caveats(target.addr.ip(), &ended).into_iter();
    ended.summary.findings.caveats.extend(caveats.map(TimeoutCaveat::Shared));
    Ok(ended.summary)
}

/// The idle times to try, sorted, without duplicates.
fn candidates(args: &TimeoutArgs) -> Result<Vec<Nanos>, Usage> {
    let mut all = match &args.candidates[..] {
        [] => CANDIDATES.map(Nanos::from_secs).to_vec(),
        given => given.to_vec(),
    };
    if let Some(wrong) = all.iter().find(|one| **one < LEAST || **one > MOST) {
        return Err(ProbeUsage::IdleTime { given: *wrong, least: LEAST, most: MOST }.into());
    }
    let shortest = all.iter().min().copied().unwrap_or_default();
    all.retain(|one| *one <= args.up_to);
    all.sort_unstable();
    all.dedup();
    if all.is_empty() {
        return Err(ProbeUsage::NoIdleTime { up_to: args.up_to, shortest }.into());
    }
    if all.len() > MOST_CANDIDATES {
        return Err(ProbeUsage::TooManyIdleTimes { given: all.len(), most: MOST_CANDIDATES }.into());
    }
    Ok(all)
}
