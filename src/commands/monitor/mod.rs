//! `udpkit monitor`: from arguments and a list to sockets, a session and its helpers.

mod alerts;
mod error;
mod fault;
mod list;
mod queue;
mod read;
mod resolver;

use super::exit::message_of;
use super::metrics::{Metrics, WATCH};
use super::misread::device;
use super::progress::show;
use super::shared::{can_reload, detail_sockets};
use super::usage::Step;
use super::{Exit, Usage};
use crate::batch::TxBatch;
use crate::cli::MonitorArgs;
use crate::engine::{Handle, Loop, LoopConfig, ServiceManager, Signals, WakePrecision};
use crate::machine::Executor;
use crate::net::{NetError, Socket, SocketPlan, explain};
use crate::record::{
    Flow, MonitorCaveat, MonitorEvent, MonitorSummary, MonitorTarget, Sink, Watcher as _,
};
use crate::report::metrics::MonitorMetrics;
use crate::report::words::monitor as words;
use crate::report::words::progress::Doing;
use crate::report::words::serve_operator::no_service_manager;
use crate::report::{self, LineFormat, MonitorReport, MonitorView, ProgressLine};
use crate::session::monitor::{
    MonitorCommand, MonitorEnd, MonitorOrder, MonitorPlan, MonitorSession,
};
use crate::sys;
use crate::units::{Limit, Nanos, Threshold, any_address};
use alerts::Alerts;
use anyhow::Context;
use error::MonitorUsage;
use list::{ListReader, first_tag};
use queue::Queue;
use resolver::Resolver;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Most probes of one batch, and their payload bytes: a batch takes some microseconds for each, by
/// which the last one's round trip is too long.
const SLOTS: usize = 32;
const ARENA: usize = 256 << 10;
/// Socket buffers to request: room for the answers of a second to 10,000 targets.
const BUFFER: usize = 16 << 20;
/// How often the loop looks whether an interval is over.
const TICK: Nanos = Nanos::from_secs(1);
/// TTL of the probes, the highest: hops are counted from it.
const TTL: u8 = 255;

/// Runs `udpkit monitor`.
pub fn run(args: &MonitorArgs) -> anyhow::Result<Exit> {
    check(args).map_err(Usage::from)?;
    let metrics = Metrics::open(args.metrics, "monitor")?;
    let mut reader = ListReader::new(args)?;
    let list = reader.read()?;
    let (sockets, places) = sockets(args)?;
    let signals = Signals::listen().context(Step::Signals)?;
    detail_sockets(&sockets);
    let plan = MonitorPlan {
        thresholds: list.thresholds.clone(),
        list,
        limits: whole_run(&args.fail_if).collect(),
        sockets: places,
        wait: args.wait,
        outage_probes: args.outage_probes,
        resolve_every: args.resolve_every,
        report_every: args.interval_report,
        rows: args.jsonl || args.csv,
        watched: metrics.is_some(),
        time: args.time,
        first_tag: first_tag()?,
        explain,
    };
    let manager = ServiceManager::from_environment().unwrap_or_else(|why| {
        report::warning(no_service_manager(&why.socket, why.errno));
        ServiceManager::default()
    });
    let tick = manager.period().map_or(TICK, |period| TICK.min(period));
    let watch = metrics.as_ref().map(|_| WATCH);
    let (largest, precision) = (largest(&plan), WakePrecision::Timer);
    let config =
        LoopConfig { tick: Some(tick), watch, largest, precision, ..LoopConfig::default() };
    let targets = plan.list.targets.len() as u64;
    let doing = Doing::Monitor { targets };
    let is_shown = view(args) == MonitorView::Document && !args.quiet;
    let running = show(doing, args.time, &signals, ProgressLine::when(is_shown))?;
    let looped = Loop::new(sockets, Some(signals), config).context(Step::Start)?;
    let looped = looped.watched_by(manager.clone());
    let orders = Queue::default();
    let sink = MonitorSink {
        report: MonitorReport::new(view(args), args.times.timestamps.into()),
        alerts: Alerts::new(reader.commands()),
        resolver: Resolver::new(args.family.into(), orders.clone(), looped.handle()),
        metrics: metrics.as_ref().map(|metrics| MonitorMetrics::new(metrics.board())),
    };
    let serving = metrics.map(Metrics::serve).transpose()?;
    let looped = heeding_hangup(looped, reader, orders.clone(), &manager)?;
    report::note(words::monitoring(targets));
    manager.ready();
    let ended = drive(looped, plan, sink, orders);
    manager.stopping();
    drop((running, serving));
    let MonitorEnd { mut summary, sink } = ended?;
    let commands = sink.alerts.finish();
    if commands > 0 {
        summary.caveats.push(MonitorCaveat::CommandsSkipped { commands });
    }
    sink.report.finish(&summary);
    Ok(exit(&summary, args))
}

fn drive(
    looped: Loop,
    plan: MonitorPlan,
    sink: MonitorSink,
    orders: Queue<MonitorOrder>,
) -> anyhow::Result<MonitorEnd<MonitorSink>> {
    let session = MonitorSession::new(plan, sink, orders);
    Ok(looped.run(session, TxBatch::new(SLOTS, ARENA)).context(Step::Run)?.summary)
}

/// The loop, with the list read again on SIGHUP where there is one, in a thread of its own.
fn heeding_hangup(
    looped: Loop,
    reader: ListReader,
    to: Queue<MonitorOrder>,
    manager: &ServiceManager,
) -> anyhow::Result<Loop> {
    if !reader.has_file() || !can_reload() {
        return Ok(looped);
    }
    let (handle, manager) = (looped.handle(), manager.clone());
    let reader = Arc::new(Mutex::new(reader));
    let begin = move || {
        manager.reloading(sys::monotonic_now());
        let (reader, to) = (Arc::clone(&reader), to.clone());
        let (handle, manager) = (handle.clone(), manager.clone());
        let read = move || read_again(&reader, &to, &handle, &manager);
        if let Err(error) = thread::Builder::new().name("reload".to_owned()).spawn(read) {
            report::warning(words::not_reloaded(&message_of(&error.into())));
        }
    };
    looped.reloading(begin).context(Step::Signals)
}

fn read_again(
    reader: &Mutex<ListReader>,
    to: &Queue<MonitorOrder>,
    handle: &Handle,
    manager: &ServiceManager,
) {
    match reader.lock().unwrap_or_else(PoisonError::into_inner).read() {
        Ok(list) => {
            to.push(MonitorOrder::List(list), usize::MAX);
        }
        Err(error) => report::warning(words::not_reloaded(&message_of(&error))),
    }
    manager.ready();
    handle.wake();
}

/// Where a session's events and commands go.
struct MonitorSink {
    report: MonitorReport,
    alerts: Alerts,
    resolver: Resolver,
    metrics: Option<MonitorMetrics>,
}

impl Sink<MonitorEvent> for MonitorSink {
    fn take(&mut self, event: MonitorEvent) -> Flow {
        if let Some(metrics) = &mut self.metrics {
            metrics.see(&event);
        }
        if let MonitorEvent::Threshold { number, news } = &event {
            self.alerts.fire(*number, news);
        }
        self.report.take(event)
    }
}

impl Executor<MonitorCommand> for MonitorSink {
    fn execute(&mut self, command: MonitorCommand) {
        self.resolver.execute(command);
    }
}

/// Limits decide if there are any. Without limits, the run failed unless a target replied.
fn exit(summary: &MonitorSummary, args: &MonitorArgs) -> Exit {
    match summary.is_broken() {
        true => Exit::LimitBroken,
        false if !args.fail_if.is_empty() || summary.back > 0 => Exit::Done,
        false => Exit::Failed,
    }
}

/// The limits of `--fail-if` on the whole run.
fn whole_run(limits: &[Threshold]) -> impl Iterator<Item = Limit> {
    let whole = limits.iter().filter(|one| one.window.is_none());
    whole.filter_map(Threshold::limit).cloned()
}

/// A socket of each family that this host has, and their places.
fn sockets(args: &MonitorArgs) -> anyhow::Result<(Vec<Socket>, [Option<usize>; 2])> {
    let device = device(args.interface.as_deref())?;
    let (mut sockets, mut places) = (Vec::new(), [None; 2]);
    let mut first: Option<NetError> = None;
    let peers = [(Ipv4Addr::LOCALHOST, 1).into(), SocketAddr::from((Ipv6Addr::LOCALHOST, 1))];
    for (place, peer) in places.iter_mut().zip(peers) {
        if (args.family.ipv4 && peer.is_ipv6()) || (args.family.ipv6 && peer.is_ipv4()) {
            continue;
        }
        let plan = SocketPlan {
            ttl: Some(TTL),
            details: true,
            accounting: true,
            buffer: BUFFER,
            device,
            ..SocketPlan::new(any_address(peer))
        };
        match plan.open() {
            Ok(socket) => {
                *place = Some(sockets.len());
                sockets.push(socket);
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    // A host may lack a family.
    match first {
        Some(error) if sockets.is_empty() => Err(error.into()),
        _ => Ok((sockets, places)),
    }
}

/// Room for the answers, which are as long as the probes; a list that is read again may have longer
/// ones, up to what most paths carry whole.
fn largest(plan: &MonitorPlan) -> usize {
    let lens = plan.list.profiles.iter().map(|profile| profile.protocol.probe_len() + 512);
    lens.max().unwrap_or(0).max(2_048)
}

/// Checks that clap cannot make.
fn check(args: &MonitorArgs) -> Result<(), MonitorUsage> {
    for (flag, span) in [
        ("--wait", Some(args.wait)),
        ("--time", args.time),
        ("--resolve-every", Some(args.resolve_every)),
        ("--interval-report", Some(args.interval_report)),
    ] {
        if span == Some(Nanos::ZERO) {
            return Err(MonitorUsage::ZeroTime { flag });
        }
    }
    if args.interval_report < TICK {
        return Err(MonitorUsage::ReportsTooOften { every: args.interval_report });
    }
    if let Some(one) = args.alert.iter().find(|one| one.limit().is_some() && one.window.is_none()) {
        return Err(MonitorUsage::NoWindow { threshold: one.to_string() });
    }
    let of_run = |limit: &Limit| MonitorTarget::METRICS.contains(&limit.metric);
    debug_assert!(whole_run(&args.fail_if).all(|limit| of_run(&limit)));
    Ok(())
}

fn view(args: &MonitorArgs) -> MonitorView {
    match (args.json, args.jsonl, args.csv) {
        (true, ..) => MonitorView::Document,
        (_, true, _) => MonitorView::Lines(LineFormat::Events),
        (.., true) => MonitorView::Lines(LineFormat::Rows),
        _ if args.quiet => MonitorView::Quiet,
        _ => MonitorView::Text,
    }
}
