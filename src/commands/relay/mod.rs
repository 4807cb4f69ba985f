//! `udpkit relay`: from arguments to sockets and a run.

mod addresses;
mod error;

use super::live::{self, Prints};
use super::metrics::{Metrics, WATCH};
use super::progress::show;
use super::shared::{can_reload, detail_sockets};
use super::usage::Step;
use super::{Exit, Usage, message_of};
use crate::cli::{AnswersArg, Impairment, RelayArgs};
use crate::commands::cast::targets::Host;
use crate::engine::{Handle, RelayLoop, RelayLoopConfig, Reload, Signals, random_u64};
use crate::impair::Phase;
use crate::net::{self, IoMode, SocketPlan, own_addresses};
use crate::record::{RelayEvent, RelayNote, RelaySummary, Sink, Watched, Worded};
use crate::report::metrics::RelayMetrics;
use crate::report::words::progress::Doing;
use crate::report::words::relay as words;
use crate::report::{self, LineFormat, ProgressLine, RelayReport, RelayScene, RelayView};
use crate::session::relay::{
    AnswersFrom, FlowsOf, Relay, RelayListener, RelayPlan, RelaySource, RelayTarget, RelayTtl,
};
use crate::sys::{self, errno};
use crate::units::Nanos;
use addresses::{Listeners, Listening, TargetPlan};
use anyhow::Context;
use error::RelayUsage;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::channel;
use std::thread;

/// Length of the intervals on a screen, where none is asked for.
const LIVE_INTERVAL: Nanos = Nanos::from_millis(500);

/// Runs `udpkit relay`.
pub fn run(args: &RelayArgs) -> anyhow::Result<Exit> {
    check(args).map_err(Usage::from)?;
    let metrics = Metrics::open(args.metrics, "relay")?;
    let host = Host::ask();
    let listening = Listening::read(args, &host)?;
    let target_plan = TargetPlan::new(args)?;
    let targets = target_plan.read(&listening.listeners(), &host)?;
    let seed = args.seed.map_or_else(random_u64, Ok)?;
    let (up, down) = (
        phases(args.up.as_ref().or(args.both.as_ref()))?,
        phases(args.down.as_ref().or(args.both.as_ref()))?,
    );
    let plan = socket_plan(args);
    let Listeners { sockets, kept, known: listeners } = listening.open(&plan, &host)?;
    // Each flow has a descriptor for each destination.
    let _ = sys::raise_descriptor_limit();
    // Before it says that it is ready: whoever reads that may signal it.
    let signals = Signals::listen().context(Step::Signals)?;
    let is_reread = args.to_file.is_some() && can_reload();
    if is_reread {
        signals.heed_hangup().context(Step::Signals)?;
    }
    detail_sockets(&sockets);
    let mut report = RelayReport::new(view(args));
    let relaying = RelayNote::Relaying {
        listen: listeners.iter().map(|one| one.address.into()).collect(),
        destinations: targets.iter().map(|target| target.address.into()).collect(),
    };
    let heading = relaying.text();
    report.take(RelayEvent::Note(relaying));
    if up.is_some() || down.is_some() {
        report.take(RelayEvent::Note(RelayNote::Seed { seed }));
    }
    let doing = Doing::Relay { destinations: targets.len() as u64 };
    let is_live = is_live(args);
    let every = args.report_every.or(is_live.then_some(LIVE_INTERVAL));
    if is_live {
        let scene = RelayScene::new(heading, args.time, every.unwrap_or_default());
        report = report.on_screen(scene, Signals::interrupt)?;
    }
    let is_shown = !args.quiet && args.report_every.is_none() && !is_live;
    let running = show(doing, args.time, &signals, ProgressLine::when(is_shown))?;
    let config =
        RelayLoopConfig { tick: every, watch: metrics.as_ref().map(|_| WATCH), towards: plan };
    let looped = RelayLoop::new(sockets, Some(signals), config).and_then(|one| one.keeping(kept));
    let mut looped = looped.context(Step::Start)?;
    if is_reread {
        let handle = looped.handle();
        looped = looped.reloading(reload(target_plan, listeners.clone(), handle));
    }
    let source = source(args, &mut report);
    let plan = RelayPlan { source, up, down, seed, ..relay_plan(args, listeners, targets) };
    let watcher = metrics.as_ref().map(|metrics| RelayMetrics::new(metrics.board()));
    let serving = metrics.map(Metrics::serve).transpose()?;
    let relay = Relay::new(plan, Watched { sink: report, watcher });
    let ended = looped.run(relay).context(Step::Run);
    drop((running, serving));
    let done = ended?;
    let exit = exit_of(&done.summary);
    done.sink.sink.finish(&done.summary);
    Ok(exit)
}

/// Whether there is a screen.
fn is_live(args: &RelayArgs) -> bool {
    let prints = match view(args) {
        RelayView::Lines(_) => return false,
        RelayView::Quiet | RelayView::Document => Prints::Results,
        RelayView::Text => Prints::Standing,
    };
    live::is_wanted(args.live, prints, args.time)
}

/// A relay that forwarded nothing of what it was to forward has failed.
fn exit_of(summary: &RelaySummary) -> Exit {
    let (up, down) = (&summary.up.counts, &summary.down.counts);
    let is_in_vain = up.received > 0
        && up.forwarded + down.forwarded == 0
        && up.refused.send_refused == up.received + up.copies;
    if is_in_vain { Exit::Failed } else { Exit::Done }
}

/// Where datagrams are to come from: the clients, if this process may.
fn source(args: &RelayArgs, report: &mut RelayReport) -> RelaySource {
    if !args.transparent {
        return RelaySource::Relay;
    }
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let errno = match (SocketPlan { transparent: true, ..SocketPlan::new(any) }).open() {
        Ok(_) => return RelaySource::Client,
        Err(error) => error.errno().unwrap_or(errno::EPERM),
    };
    report.take(RelayEvent::Note(RelayNote::SourceNotKept { errno }));
    RelaySource::Relay
}

/// The phases of a direction; the files that they name are read.
fn phases(impairment: Option<&Impairment>) -> Result<Option<Vec<Phase>>, Usage> {
    let phases = impairment.map(|one| one.phases(|path| fs::read_to_string(path)));
    phases.transpose().map_err(|error| Usage::new(error.to_string()))
}

/// Checks that clap cannot make.
fn check(args: &RelayArgs) -> Result<(), RelayUsage> {
    for (flag, span) in [
        ("--report-every", args.report_every),
        ("--idle", Some(args.idle)),
        ("--outage", args.outage),
    ] {
        if span == Some(Nanos::ZERO) {
            return Err(RelayUsage::ZeroTime { flag });
        }
    }
    Ok(())
}

fn relay_plan(
    args: &RelayArgs,
    listeners: Vec<RelayListener>,
    targets: Vec<RelayTarget>,
) -> RelayPlan {
    RelayPlan {
        outage: args.outage,
        listeners,
        targets,
        answers: match args.answers {
            _ if args.one_way => AnswersFrom::None,
            AnswersArg::First => AnswersFrom::First,
            AnswersArg::All => AnswersFrom::All,
            AnswersArg::None => AnswersFrom::None,
        },
        // Clients that keep their addresses cannot share a socket.
        flows_of: match (args.one_way, args.transparent) {
            (true, false) => FlowsOf::AllClients,
            _ => FlowsOf::EachClient,
        },
        source: RelaySource::Relay,
        port_changes: args.rewrite_port.clone(),
        up: None,
        down: None,
        seed: 0,
        idle: args.idle,
        most_flows: args.max_flows as usize,
        ttl: args.ttl.map_or(RelayTtl::Router, RelayTtl::Set),
        dscp: args.dscp.map(crate::wire::Dscp::value),
        ecn: args.ecn.map(|ecn| ecn as u8),
        allowed: args.allow.clone(),
        filters: args.filter.clone(),
        time: args.time,
        own: own_addresses().unwrap_or_default(),
        explain: net::explain,
    }
}

/// The settings of all sockets but their addresses.
fn socket_plan(args: &RelayArgs) -> SocketPlan {
    SocketPlan {
        details: true,
        accounting: args.up.is_some() || args.down.is_some() || args.both.is_some(),
        gro: true,
        io: IoMode::from(args.io),
        ..SocketPlan::new(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }
}

/// Reads the destinations again in a thread of its own.
fn reload(plan: TargetPlan, listeners: Vec<RelayListener>, handle: Handle) -> Reload {
    let (to, lists) = channel();
    let begin = move || {
        let (plan, listeners) = (plan.clone(), listeners.clone());
        let (to, handle) = (to.clone(), handle.clone());
        let read = move || {
            match plan.read(&listeners, &Host::ask()) {
                // The relay may have ended meanwhile.
                Ok(targets) => drop(to.send(targets)),
                Err(error) => report::warning(words::not_reloaded(&message_of(&error))),
            }
            handle.wake();
        };
        if let Err(error) = thread::Builder::new().name("reload".to_owned()).spawn(read) {
            report::warning(words::not_reloaded(&message_of(&error.into())));
        }
    };
    Reload { begin: Box::new(begin), lists }
}

fn view(args: &RelayArgs) -> RelayView {
    match (args.json, args.jsonl, args.csv) {
        (true, ..) => RelayView::Document,
        (_, true, _) => RelayView::Lines(LineFormat::Events),
        (.., true) => RelayView::Lines(LineFormat::Rows),
        _ if args.quiet => RelayView::Quiet,
        _ => RelayView::Text,
    }
}
