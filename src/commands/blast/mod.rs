//! `udpkit blast`: from arguments to a run and its report.

mod compose;
#[cfg(test)]
mod compose_tests;
mod error;
mod failure;
mod flow;
mod iperf3;
mod iperf3_options;
mod iperf3_unknown;
mod lost_tail;
mod plan;
mod probe;
mod search;
#[cfg(test)]
mod search_tests;
mod series;
mod sizes;
mod streams;
mod token;
mod udpstp;

use self::error::BlastError;
use self::plan::BlastPlan;
use self::streams::Driver;
use super::Exit;
use super::live::{self, Prints};
use super::metrics::Metrics;
use super::shared::server_error;
use crate::batch::{Fragmentation, TxBatch};
use crate::cli::BlastArgs;
use crate::control::Sealer;
use crate::engine::{
    Handle, Loop, LoopConfig, ProbeSwitch, RunningPage, RunningProber, Server, Signals, host_id,
    random_u64,
};
use crate::net::{KeptSocket, SocketPlan};
use crate::record::{BlastReport, Document, FailureAdvice, Flow, RunFailure, Way, Worded, hold};
use crate::report::metrics::BlastMetrics;
use crate::report::{self, BlastView, INTERVAL_COLUMNS, LineFormat, RecordLines, Shown};
use crate::session::blast::{BlastControl, ControlSummary, Direction};
use crate::wire::CONTROL_MAX;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

/// Runs `udpkit blast`.
pub fn run(args: BlastArgs) -> anyhow::Result<Exit> {
    if args.udpstp.udpstp {
        return udpstp::run(&args);
    }
    let metrics = Metrics::open(args.metrics, "blast")?;
    let far_end = match args.target {
        Some(_) => None,
        None => Some(FarEnd::start(&args)?),
    };
    let own = far_end.as_ref().map(|far| far.addr);
    if let Some(sweep) = args.sweep {
        return series::sweep(args, sweep, own, metrics);
    }
    if args.find_rate {
        return series::find_rate(args, own, metrics);
    }
    let plan = BlastPlan::resolve(&args, own)?;
    let shown = Shown { quiet: args.quiet, json: args.json };
    let view = BlastView::new(plan.heading(), plan.expected(), shown);
    let view = match LineFormat::events(args.jsonl).or(LineFormat::rows(args.csv)) {
        Some(format) => view.printing(RecordLines::begin(format, "blast", INTERVAL_COLUMNS)),
        None => view,
    };
    let signals = Signals::listen().map_err(BlastError::Signals)?;
    let prints = if args.quiet || args.json || args.jsonl || args.csv {
        Prints::Results
    } else {
        Prints::Standing
    };
    // An iperf3 server reports what it received at the end only.
    let is_told = plan.iperf3.is_none() || plan.test.direction != Direction::Up;
    let view = if is_told && live::is_wanted(args.live, prints, plan.expected()) {
        view.on_screen(plan.test.interval, Signals::interrupt)?
    } else {
        view
    };
    let (metrics, serving) = serve_metrics(metrics, &plan)?;
    let view = view.watched(signals.asker())?.counting(metrics);
    let (mut report, mut view) = run_once(&plan, view, Some(signals))?;
    view.over();
    drop((far_end, serving));
    report.limits = hold(&args.fail_if, &report);
    report::keep_page("blast", &report);
    if args.json {
        report::print_json(&Document::new("blast", &report));
    } else {
        view.finish(&report);
    }
    Ok(exit(&report))
}

/// One run without output, for callers within this process: nothing is printed, and signals are
/// left to the caller.
pub fn measure(args: &BlastArgs) -> anyhow::Result<BlastReport> {
    let far_end = match args.target {
        Some(_) => None,
        None => Some(FarEnd::start(args)?),
    };
    let plan = BlastPlan::resolve(args, far_end.as_ref().map(|far| far.addr))?;
    let view = BlastView::new(plan.heading(), plan.expected(), Shown { quiet: true, json: true });
    let (mut report, _) = run_once(&plan, view, None)?;
    report.limits = hold(&args.fail_if, &report);
    Ok(report)
}

/// The metrics of runs of this plan, and the port that serves them.
fn serve_metrics(
    metrics: Option<Metrics>,
    plan: &BlastPlan,
) -> anyhow::Result<(Option<BlastMetrics>, Option<RunningPage>)> {
    let Some(metrics) = metrics else { return Ok((None, None)) };
    let ways: &[Way] = match plan.test.direction {
        Direction::Up => &[Way::Up],
        Direction::Down => &[Way::Down],
        Direction::Both => &[Way::Up, Way::Down],
    };
    let counts = BlastMetrics::new(metrics.board(), ways);
    Ok((Some(counts), Some(metrics.serve()?)))
}

/// One whole run, up to its report, which `signals` end early if there are any.
fn run_once(
    plan: &BlastPlan,
    view: BlastView,
    signals: Option<Signals>,
) -> anyhow::Result<(BlastReport, BlastView)> {
    let (report, mut view) = run_to_report(plan, view, signals)?;
    let metrics = view.counted(&report);
    Ok((report, view.counting(metrics)))
}

fn run_to_report(
    plan: &BlastPlan,
    view: BlastView,
    signals: Option<Signals>,
) -> anyhow::Result<(BlastReport, BlastView)> {
    if plan.iperf3.is_some() {
        return iperf3::run(plan, view, signals);
    }
    let prober = probe::start(plan)?;
    if prober.is_some() {
        thread::sleep(probe::IDLE);
    }
    let switch = prober.as_ref().map(RunningProber::switch);
    let (mut control, driver) = run_control(plan, signals, view, switch)?;
    let host = driver.count_host(control.interface);
    let failure_advice = failure::explain(plan, &mut control, Some(&host));
    let trips = prober.and_then(RunningProber::finish);
    let (mut found, view) = driver.into_parts();
    found.host = Some(host);
    let mut plan = plan.clone();
    plan.test.streams = control.streams.unwrap_or(plan.test.streams);
    plan.test.capacity = control.capacity;
    compose::hold_claims(&plan, &mut control, &found);
    let mut report = compose::report(&plan, &control, found);
    report.failure_advice = failure_advice;
    report.probe = plan.probe.zip(trips).map(|(every, trips)| probe::report(every, &trips));
    Ok((report, view))
}

/// The control session, which starts and ends the streams.
fn run_control(
    plan: &BlastPlan,
    signals: Option<Signals>,
    view: BlastView,
    probe: Option<ProbeSwitch>,
) -> anyhow::Result<(ControlSummary, Driver)> {
    let socket = SocketPlan {
        connect: Some(plan.target),
        device: plan.stream.device,
        // The interface of what arrives, for its counters.
        details: true,
        // Commands arrive over paths that are smaller than this host knows.
        fragmentation: Some(Fragmentation::Allow),
        ..SocketPlan::new(plan.control_bind)
    };
    let config = LoopConfig { largest: CONTROL_MAX + 1, ..LoopConfig::default() };
    let kept = KeptSocket::as_asked(socket.clone(), plan.target);
    let control = Loop::new(vec![socket.open()?], signals, config)?.keeping(vec![kept])?;
    let (orders, inbox) = channel();
    let mut driver = Driver::new(plan.clone(), orders, control.handle(), view, probe);
    let sealer = Sealer::new(plan.key.clone(), random_u64()?);
    let session = BlastControl::new(plan.test, plan.target, plan.patience, inbox, &mut driver)
        .with_sealer(sealer)
        .with_host(host_id())
        .with_host_streams(plan.host_streams)
        .with_flood_on_one_host(plan.floods_one_host)
        .with_delays(plan.delays);
    let ended = control.run(session, TxBatch::new(4, 4 * CONTROL_MAX))?;
    Ok((ended.summary, driver))
}

/// An incomplete run has failed, whatever it measured; this takes precedence over limits.
fn exit(report: &BlastReport) -> Exit {
    match &report.failure {
        None if report.limits.iter().all(|limit| limit.held) => Exit::Done,
        None => Exit::LimitBroken,
        Some(failure) => {
            report_failure(failure, report.failure_advice.as_ref());
            Exit::Failed
        }
    }
}

fn report_failure(failure: &RunFailure, advice: Option<&FailureAdvice>) {
    report::error(failure.text(), advice.map(Worded::text).as_deref());
}

/// The server of this process, on loopback. Dropping it ends it.
struct FarEnd {
    addr: std::net::SocketAddr,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl FarEnd {
    fn start(args: &BlastArgs) -> anyhow::Result<Self> {
        let server = Server::open(&plan::embedded_server(args)?, None, |_, _| Flow::Continue)
            .map_err(server_error)?;
        let (addr, handle) = (server.local_addr(), server.handle());
        let thread = thread::Builder::new().name("far end".to_owned()).spawn(move || {
            // If it fails, the client reports that the server does not reply.
            let _ = server.run();
        })?;
        Ok(Self { addr, handle, thread: Some(thread) })
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The arguments of a command line, without the command.
#[cfg(test)]
fn parsed(words: &str) -> BlastArgs {
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: BlastArgs,
    }

    Line::parse_from(["blast"].into_iter().chain(words.split_whitespace())).args
}
