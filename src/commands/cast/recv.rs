//! `udpkit cast recv`: from arguments to joined sockets and a run, until the groups are left.

use super::error::CastUsage;
use super::listen::{self, Listeners, Wanted};
use super::sink::{CastSink, Store};
use super::targets::{Host, expand, is_source_specific, named_interfaces};
use super::warnings;
use crate::batch::TxBatch;
use crate::cli::{CastRecvArgs, DEFAULT_PORT};
use crate::commands::address_race::{choose, hello};
use crate::commands::metrics::{Metrics, WATCH};
use crate::commands::misread::check_address;
use crate::commands::outage_length::outage_length;
use crate::commands::own_losses::OwnLosses;
use crate::commands::progress::{Counted, watch};
use crate::commands::usage::check_limits;
use crate::commands::wait_for_address::AddressWait;
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{FamilyChoice, IoMode, Socket, SocketPlan, resolve_all, split_host_port};
use crate::record::{CastGroup, CastNote, CastReceived, CastWarning, Document, Watched, Worded};
use crate::report::metrics::CastRecvMetrics;
use crate::report::words::cast_hints as hints;
use crate::report::words::interfaces::waiting_for;
use crate::report::words::progress::{Doing, RunLength};
use crate::report::{
    self, LineFormat, Output, Page, ProgressLine, RecordLines, SOURCE_COLUMNS, print_json,
    print_text,
};
use crate::session::{
    CastReceiver, CastReceiverConfig, CastReceiverEnd, Content, Names, SubscribeError,
};
use crate::units::{Endpoint, GSO_SEGMENTS, Nanos, any_address};
use crate::wire::CONTROL_MAX;
use anyhow::Context;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// With this many sockets or more, each has one receive buffer instead of 64, to bound memory.
const MANY_SOCKETS: usize = 16;

/// Most reports sent in one batch.
const REPORTS: usize = 64;

/// Most groups announced line by line; more are summarised in one line.
const LINES_MAX: usize = 16;

/// Runs `udpkit cast recv`.
pub(super) fn run(args: CastRecvArgs) -> anyhow::Result<Exit> {
    check(&args).map_err(Usage::from)?;
    check_limits("cast recv", &args.fail_if, CastReceived::METRICS)?;
    let metrics = Metrics::open(args.metrics, "cast recv")?;
    let family = FamilyChoice::from(args.family);
    let subscribe = args.sender.as_deref().map(|text| sender(text, family)).transpose()?;
    let own_losses = Arc::new(OwnLosses::watch());
    let reports = (!args.silent && !args.no_header).then(random_u64).transpose()?;
    let wait = AddressWait::when(args.wait_for_address, args.time);
    let opened = wait.open(
        || open(&args, subscribe, reports.is_some()),
        |what| {
            if !args.quiet {
                report::note(waiting_for(&what));
            }
        },
    )?;
    let Opened { host, wanted, mut listeners } = opened;
    let signals = Signals::listen()?;
    let names = host.names();
    // Created only now, so that an existing file keeps its content if the groups cannot be joined.
    let store = args.out.as_deref().map(create).transpose()?;
    let groups: Vec<CastGroup> = wanted.iter().map(|item| describe(item, &names)).collect();
    if !args.quiet {
        match subscribe {
            Some(sender) => report::note(CastNote::Asking { sender: sender.into() }.text()),
            None => announce(&groups, &wanted),
        }
    }

    let config = CastReceiverConfig {
        listens: std::mem::take(&mut listeners.listens),
        groups,
        names,
        content: if args.no_header { Content::Plain } else { Content::Measured },
        excluded: args.exclude.clone(),
        store: store.is_some(),
        count: args.count,
        time: args.time,
        idle: args.idle,
        interval: args.report_every,
        expect: args.expect,
        reports,
        subscribe,
        keepalive: args.keepalive.every,
        per_buffer: if coalesces(&listeners.sockets) { GSO_SEGMENTS as u64 } else { 1 },
        host: own_losses.meter(),
        outage: outage_length(args.outage.length, None, &args.fail_if)?,
    };
    let report_to = match &store {
        Some(store) if store.is_standard_output() => ReportTo::StandardError,
        _ => ReportTo::StandardOutput,
    };
    let format = LineFormat::events(args.jsonl).or(LineFormat::rows(args.csv));
    let plain = !args.json && format.is_none();
    let live = (plain && report_to == ReportTo::StandardOutput).then(Output::new);
    let lines = LineFormat::events(args.jsonl)
        .map(|format| RecordLines::begin(format, "cast recv", SOURCE_COLUMNS));
    let sink = CastSink { talk: !args.quiet, lines, live, store, gaps: 0 };
    let doing = Doing::CastReceive { groups: config.groups.len() as u64 };
    let shown = !args.quiet && args.report_every.is_none();
    let running = watch(
        doing,
        args.time.map(RunLength::Known),
        &signals,
        Counted::ByLoop,
        ProgressLine::when(shown),
    )?;
    let watch = metrics.as_ref().map(|_| WATCH);
    let watcher = metrics.as_ref().map(|metrics| CastRecvMetrics::new(metrics.board()));
    let serving = metrics.map(Metrics::serve).transpose()?;
    let sink = Watched { sink, watcher };
    let timing = LoopConfig { tick: args.report_every, watch, ..LoopConfig::default() };
    let ended = Loop::new(listeners.sockets, Some(signals), timing)?
        .keeping(listeners.kept.clone())?
        .run(CastReceiver::new(config, sink), TxBatch::new(REPORTS, REPORTS * CONTROL_MAX));
    drop((running, serving));
    let ended = ended?;
    listen::leave(&ended.sockets, &listeners.kept);
    drop(ended.sockets);

    let mut end = ended.summary;
    let losses = own_losses.split(end.received.socket_drops);
    end.received.explain_drops(&losses);
    if end.received.hosts.is_empty() {
        // Without a source there is nothing to compare with, but what this host dropped.
        end.received.hosts = vec![own_losses.before_sockets(None, &losses)];
    }
    conclude(&args, end, report_to)
}

/// Whether a buffer of a socket may hold several datagrams.
fn coalesces(sockets: &[Socket]) -> bool {
    sockets.iter().any(|socket| socket.io_used().coalesced)
}

/// The address of the sender to subscribe to, the first to answer of its name's.
fn sender(text: &str, family: FamilyChoice) -> anyhow::Result<SocketAddr> {
    let addrs = resolve_all(text, Some(DEFAULT_PORT), family)?.addrs;
    let plan = SocketPlan::new(any_address(addrs[0]));
    Ok(choose(&split_host_port(text)?.host, &addrs, &plan, || hello(None)))
}

/// Everything that is open before the run.
struct Opened {
    host: Host,
    wanted: Vec<Wanted>,
    listeners: Listeners,
}

/// Opens and joins everything, with this host's interfaces as they are now.
fn open(
    args: &CastRecvArgs,
    subscribe: Option<SocketAddr>,
    reports: bool,
) -> anyhow::Result<Opened> {
    let host = Host::ask();
    let wanted = match subscribe {
        Some(sender) => vec![listen::for_sender(sender)],
        None => wanted(args, &host)?,
    };
    let plan = SocketPlan { towards: subscribe, ..socket_plan(args, wanted.len()) };
    let mut listeners = listen::open(&wanted, &plan, &host.names())?;
    for kept in &mut listeners.kept {
        kept.towards = subscribe;
    }
    if reports {
        listeners.open_answering(&plan, &host)?;
    }
    Ok(Opened { host, wanted, listeners })
}

/// What the groups of the arguments need to be received.
fn wanted(args: &CastRecvArgs, host: &Host) -> anyhow::Result<Vec<Wanted>> {
    let family = FamilyChoice::from(args.family);
    let any = match family {
        FamilyChoice::V6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => IpAddr::from(Ipv4Addr::UNSPECIFIED),
    };
    for group in &args.groups {
        check_address(group).map_err(Usage::from)?;
    }
    let addrs = expand(&args.groups, family, Some(any))?;
    let interfaces = named_interfaces(&args.interface)?;
    // While waiting, a route may still come.
    if !args.quiet && !args.wait_for_address {
        // If the user chose the interfaces, routes do not matter.
        let by_route = if interfaces.is_empty() { addrs.as_slice() } else { &[] };
        let warnings = warnings::before_listening(by_route, &args.source, host);
        warnings.iter().map(Worded::text).for_each(report::warning);
    }
    let plan = listen::plan(&addrs, &interfaces, &args.source, &args.exclude, host);
    Ok(plan.map_err(Usage::from)?)
}

/// Where the report goes: the content may have standard output for itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReportTo {
    StandardOutput,
    StandardError,
}

/// Prints the result and closes the output.
fn conclude(
    args: &CastRecvArgs,
    end: CastReceiverEnd<Watched<CastSink, CastRecvMetrics>>,
    report_to: ReportTo,
) -> anyhow::Result<Exit> {
    let CastSink { store, lines, .. } = end.sink.sink;
    let stored = store.map_or(Ok(()), Store::close);
    let mut received = end.received;
    received.limits = received.hold(&args.fail_if);
    let exit = exit_of(&received, args);
    report::keep_page("cast recv", &received);
    if args.json {
        print_json(&Document::new("cast recv", received));
    } else if let Some(mut lines) = lines {
        lines.event("summary", &received);
    } else {
        if args.csv {
            report::print_table(SOURCE_COLUMNS, &received.sources);
        }
        if !args.quiet {
            tell(&received, if args.csv { ReportTo::StandardError } else { report_to });
        }
    }
    stored?;
    if let Some(why) = end.failed {
        let hint = match &why {
            SubscribeError::NotSent { finding } => finding.hint().map(|hint| hint.text()),
            SubscribeError::NoReply { .. }
            | SubscribeError::Unreachable { .. }
            | SubscribeError::Refused { .. } => Some(hints::START_OPEN_SENDER.to_owned()),
        };
        report::error(&why, hint.as_deref());
        return Ok(Exit::Failed);
    }
    Ok(exit)
}

/// Prints the report as text.
fn tell(received: &CastReceived, report_to: ReportTo) {
    let text = report::cast_received_text(received, Page::of_stdout());
    match report_to {
        ReportTo::StandardError => text.trim_end().lines().for_each(report::note),
        // A closed standard output ends the run quietly.
        ReportTo::StandardOutput => drop(print_text(&text)),
    }
}

/// Limits decide if there are any; otherwise `--expect` does.
fn exit_of(received: &CastReceived, args: &CastRecvArgs) -> Exit {
    let kept = received.limits.iter().all(|limit| limit.held);
    match (args.fail_if.is_empty(), kept) {
        (false, false) => Exit::LimitBroken,
        (false, true) => Exit::Done,
        (true, _) if received.is_complete() => Exit::Done,
        (true, _) => Exit::Failed,
    }
}

/// Checks that clap cannot make.
fn check(args: &CastRecvArgs) -> Result<(), CastUsage> {
    if (args.json || args.jsonl || args.csv) && args.out.as_deref() == Some(Path::new("-")) {
        return Err(CastUsage::StandardOutputTwice);
    }
    for (flag, span) in [("--report-every", args.report_every), ("--idle", args.idle)] {
        if span == Some(Nanos::ZERO) {
            return Err(CastUsage::ZeroTime { flag });
        }
    }
    Ok(())
}

fn create(path: &Path) -> anyhow::Result<Store> {
    Store::create(path).with_context(|| format!("cannot write {}", path.display()))
}

fn socket_plan(args: &CastRecvArgs, sockets: usize) -> SocketPlan {
    let io = match IoMode::from(args.io) {
        mode if sockets <= MANY_SOCKETS => mode,
        _ => IoMode::Plain,
    };
    SocketPlan {
        share_port: true,
        details: true,
        accounting: true,
        gro: true,
        io,
        ..SocketPlan::new((Ipv4Addr::UNSPECIFIED, 0).into())
    }
}

fn describe(item: &Wanted, names: &Names) -> CastGroup {
    CastGroup {
        group: Endpoint::from(item.bind).to_string(),
        interfaces: item.interfaces.iter().filter_map(|index| names.interface(*index)).collect(),
        sources: item.sources.iter().map(ToString::to_string).collect(),
        excluded: item.excluded.iter().map(ToString::to_string).collect(),
    }
}

/// Announces what is joined: scripts wait for this before they send.
fn announce(groups: &[CastGroup], wanted: &[Wanted]) {
    match groups {
        [first, .., last] if groups.len() > LINES_MAX => {
            let (first, last) = (first.group.clone(), last.group.clone());
            let count = groups.len() as u64;
            report::note(CastNote::JoinedMany { count, first, last }.text());
        }
        _ => {
            let notes = groups.iter().zip(wanted).map(|(group, item)| joined(group, item));
            notes.for_each(|note| report::note(note.text()));
        }
    }
    let unnamed = |item: &&Wanted| item.sources.is_empty() && is_source_specific(item.bind.ip());
    if let Some(item) = wanted.iter().find(unnamed) {
        let group = item.bind.ip();
        report::warning(CastWarning::SourceSpecificGroup { group }.text());
    }
}

fn joined(group: &CastGroup, item: &Wanted) -> CastNote {
    let CastGroup { group, interfaces, sources, excluded } = group.clone();
    if item.memberships.is_empty() {
        return CastNote::Listening { address: group, interfaces, excluded };
    }
    CastNote::Joined { group, interfaces, sources, excluded }
}
