//! `udpkit ping`: from arguments to a run.

use super::address_race::{choose, stamp_request};
use super::exit::{code_of, message_of};
use super::live::{self, Prints};
use super::metrics::{Metrics, WATCH};
use super::misread::{check_hosts, check_zones, device};
use super::outage_length::outage_length;
use super::own_losses::OwnLosses;
use super::progress::show;
use super::usage::{PingUsage, Step, check_limits};
use super::{Exit, Usage, key};
use crate::batch::TxBatch;
use crate::cli::PingArgs;
use crate::engine::{Loop, LoopConfig, Signals, WakePrecision, random_u64};
use crate::net::{
    AddressFault, FamilyChoice, KeptSocket, NetError, Socket, SocketPlan, explain, literal,
    on_link_of, resolve_all, split_host_port,
};
use crate::record::{
    LocalFailure, LossPart, LossPlace, PingCaveat, PingEvent, PingSummary, PingTargetReport, Sink,
    Watched, Watcher,
};
use crate::report::metrics::PingMetrics;
use crate::report::words::progress::Doing;
use crate::report::{HistogramLog, PingReport, PingView, ProgressLine, ReplyLines, warning};
use crate::session::ping::{
    Asked, PingEnd, PingPlan, PingSession, PingSpacing, PingTarget, Protocol, StampProbes,
};
use crate::sys;
use crate::units::{Endpoint, IpFamily, MAX_PACKET, Nanos, any_address, max_payload, with_port};
use crate::wire::stamp::{ErrorEstimate, StampKey, TimeFormat};
use crate::wire::{ControlKey, Dscp, Header, tos};
use anyhow::Context;
use std::net::{IpAddr, SocketAddr};

/// Most targets of one run; each takes about 2 MiB.
const MOST_TARGETS: usize = 256;
/// Payload of an echo probe in bytes, as in ping(8).
const PLAIN_LEN: usize = 56;
/// The shortest interval.
const LEAST_INTERVAL: Nanos = Nanos::from_micros(1);
/// From this interval on, each reply is printed on its own line.
const LINES_FROM: Nanos = Nanos::from_millis(10);
/// From this interval on, the kernel time-stamps each probe; faster ones leave in coalesced
/// buffers.
const STAMPED_FROM: Nanos = Nanos::from_micros(20);
/// Most probes of one batch, and their payload bytes.
const SLOTS: usize = 256;
const ARENA: usize = 1 << 20;
/// Socket buffers to request: room for replies and transmit time stamps of one second at 10,000
/// probes per second.
const BUFFER: usize = 16 << 20;
/// How often intervals are reported.
const TICK: Nanos = Nanos::from_secs(1);
/// Largest reply that is not truncated.
const LARGEST: usize = MAX_PACKET;

/// Runs `udpkit ping`.
pub fn run(args: PingArgs) -> anyhow::Result<Exit> {
    let metrics = Metrics::open(args.metrics, "ping")?;
    let (targets, sockets, not_asked) = targets(&args)?;
    let plan = plan(&args, targets)?;
    let hlog = args
        .hlog
        .as_ref()
        .map(|path| {
            HistogramLog::create(path).with_context(|| format!("cannot write {}", path.display()))
        })
        .transpose()?;
    let signals = Signals::listen().context(Step::Signals)?;
    let names: Vec<String> = plan.targets.iter().map(|target| target.name.clone()).collect();
    let watcher = metrics.as_ref().map(|metrics| PingMetrics::new(metrics.board(), &names));
    let times = args.timestamps.map(Into::into);
    let mut report = PingReport::new(view(&args), times, names, hlog);
    report.begin(&announced(&plan));
    let is_live = is_live(&args);
    if is_live {
        let replies = match view(&args) {
            PingView::Lines => ReplyLines::Shown,
            _ => ReplyLines::LeftOut,
        };
        let interrupt = Signals::interrupt;
        report = report.on_screen(&announced(&plan), length(&args), replies, interrupt)?;
    }
    let doing = Doing::Ping { targets: plan.targets.len() as u64 };
    let shown = args.json && !args.quiet && !is_live;
    let running = show(doing, length(&args), &signals, ProgressLine::when(shown))?;
    let serving = metrics.map(Metrics::serve).transpose()?;
    let (own, peers) = (OwnLosses::watch(), peers(&plan));
    let watched = Watched { sink: report, watcher };
    let ended = drive(plan, sockets, Some(signals), args.spin, watched)?;
    drop((running, serving));
    let mut summary = ended.summary;
    note_own_losses(&mut summary, &own, &peers);
    summary.targets.extend(not_asked);
    summary.hold(&args.fail_if);
    ended
        .sink
        .sink
        .finish(&summary)
        .with_context(|| format!("cannot write {}", args.hlog.unwrap_or_default().display()))?;
    Ok(exit(&summary))
}

/// One run without output, for callers within this process: nothing is printed, and signals are
/// left to the caller.
pub fn measure(args: &PingArgs) -> anyhow::Result<PingSummary> {
    let (targets, sockets, not_asked) = targets(args)?;
    let plan = plan(args, targets)?;
    let (own, peers) = (OwnLosses::watch(), peers(&plan));
    let mut summary =
        drive(plan, sockets, None, args.spin, Watched { sink: (), watcher: None::<PingMetrics> })?
            .summary;
    note_own_losses(&mut summary, &own, &peers);
    summary.targets.extend(not_asked);
    summary.hold(&args.fail_if);
    Ok(summary)
}

fn peers(plan: &PingPlan) -> Vec<IpAddr> {
    plan.targets.iter().map(|target| target.addr.ip()).collect()
}

/// Notes what this host dropped, where replies are missing, and what its sockets dropped because it
/// came damaged.
fn note_own_losses(summary: &mut PingSummary, own: &OwnLosses, peers: &[IpAddr]) {
    let drops = summary.targets.iter().map(|target| target.socket_drops).sum();
    let parts = own.split(drops).into_iter();
    let damaged = parts.filter(|part| part.place == LossPlace::UdpChecksum);
    let damaged: u64 = damaged.map(|part| part.datagrams).sum();
    for (target, peer) in summary.targets.iter_mut().zip(peers) {
        target.socket_damaged = target.socket_drops.min(damaged);
        let missing = target.lost.total;
        if missing > 0 {
            let parts = own.explain(*peer, missing).into_iter();
            let caveats = parts.map(|LossPart { place, datagrams: lost, .. }| {
                PingCaveat::LostHere { place, lost }
            });
            target.caveats.extend(caveats);
        }
    }
}

/// Runs the plan to its end.
fn drive<K: for<'a> Sink<PingEvent<'a>>, W: for<'a> Watcher<PingEvent<'a>>>(
    plan: PingPlan,
    (sockets, kept): (Vec<Socket>, Vec<KeptSocket>),
    signals: Option<Signals>,
    spin: bool,
    sink: Watched<K, W>,
) -> anyhow::Result<PingEnd<Watched<K, W>>> {
    // Short probes get short replies, so smaller buffers are enough.
    let largest = (plan.protocol.probe_len() + 512).min(LARGEST);
    let watch = sink.watcher.is_some().then_some(WATCH);
    let precision = if spin { WakePrecision::Busy } else { WakePrecision::Exact };
    let config =
        LoopConfig { tick: Some(TICK), watch, precision, largest, ..LoopConfig::default() };
    let looped = Loop::new(sockets, signals, config).and_then(|looped| looped.keeping(kept));
    let looped = looped.context(Step::Start)?;
    let arena = (SLOTS * plan.protocol.probe_len()).clamp(1, ARENA);
    let session = PingSession::new(plan, sink);
    Ok(looped.run(session, TxBatch::new(SLOTS, arena)).context(Step::Run)?.summary)
}

/// How long the run will take, where that is known.
fn length(args: &PingArgs) -> Option<Nanos> {
    let fixed = !args.flood && !args.poisson;
    let count = args.count.filter(|_| fixed);
    let sending = count.map(|count| Nanos(args.interval.0.saturating_mul(count.saturating_sub(1))));
    [args.time, sending].into_iter().flatten().min()
}

/// Whether there is a screen; lines for programs, as they come, leave none.
fn is_live(args: &PingArgs) -> bool {
    let prints = match view(args) {
        PingView::Events | PingView::Table => return false,
        PingView::Quiet | PingView::Document => Prints::Results,
        PingView::Lines | PingView::Rows => Prints::Standing,
    };
    live::is_wanted(args.live, prints, length(args))
}

/// Limits decide if there are any. Without limits, the run failed unless a target replied and this
/// host sent every target something.
fn exit(summary: &PingSummary) -> Exit {
    let mut limits = summary.targets.iter().flat_map(|target| &target.limits).peekable();
    let has_limits = limits.peek().is_some();
    let asked = summary.targets.iter().all(PingTargetReport::was_asked);
    match limits.all(|limit| limit.held) {
        false => Exit::LimitBroken,
        true if has_limits || (summary.answered() && asked) => Exit::Done,
        true => Exit::Failed,
    }
}

type Targets = (Vec<PingTarget>, (Vec<Socket>, Vec<KeptSocket>), Vec<PingTargetReport>);

/// The targets, with a socket for each, and those that cannot be probed. These do not stop the
/// others, if there are others.
fn targets(args: &PingArgs) -> anyhow::Result<Targets> {
    check(args).map_err(Usage::from)?;
    check_limits("ping", &args.fail_if, PingTargetReport::METRICS)?;
    check_hosts(&args.targets).map_err(Usage::from)?;
    let device = device(args.interface.as_deref())?;
    // Without its key, no target can be asked.
    let key = key::read(args.key.as_deref())?;
    let family = FamilyChoice::from(args.family);
    let (mut targets, mut failures) = (Vec::new(), Vec::new());
    let (mut sockets, mut kept) = (Vec::new(), Vec::new());
    for text in &args.targets {
        let found = resolve_all(text, Some(args.port), family).map_err(anyhow::Error::from);
        let opened = found.and_then(|found| {
            let addr = one_of(key.as_ref(), text, &found.addrs, device)?;
            check_zones(&[addr], device).map_err(Usage::from)?;
            let plan = SocketPlan { device, towards: Some(addr), ..socket_plan(args, addr)? };
            let socket = plan.open()?;
            // A socket that other ones may share the port of has the one that was asked for.
            let bind = with_port(plan.bind, socket.local_addr().port());
            Ok((addr, socket, KeptSocket::as_asked(SocketPlan { bind, ..plan }, addr)))
        });
        match opened {
            Ok((addr, socket, keeping)) => {
                kept.push(keeping);
                targets.push(PingTarget { name: name(text, addr), addr });
                sockets.push(socket);
            }
            // A usage error ends the run.
            Err(error) if code_of(&error) == Exit::USAGE => return Err(error),
            Err(error) => failures.push((text, error)),
        }
    }
    // Without any target, the first failure is the run's, and is reported as that.
    if targets.is_empty() && !failures.is_empty() {
        let (_, first) = failures.remove(0);
        for (text, error) in &failures {
            warn(text, error);
        }
        return Err(first);
    }
    let not_asked = failures.into_iter().map(|(text, error)| {
        warn(text, &error);
        let failure = error.downcast_ref::<NetError>().map(LocalFailure::from);
        let error = failure.unwrap_or(LocalFailure::SetUp { errno: None });
        PingTargetReport { name: text.clone(), error: Some(error), ..Default::default() }
    });
    Ok((targets, (sockets, kept), not_asked.collect()))
}

/// The address of a target that answers first.
fn one_of(
    key: Option<&ControlKey>,
    text: &str,
    addrs: &[SocketAddr],
    device: Option<u32>,
) -> anyhow::Result<SocketAddr> {
    let plan = SocketPlan { device, ..SocketPlan::new(any_address(addrs[0])) };
    let name = split_host_port(text)?.host;
    Ok(choose(&name, addrs, &plan, || stamp_request(key)))
}

/// Says that a target is left out.
fn warn(target: &str, error: &anyhow::Error) {
    warning(format_args!("{target}: {}", message_of(error)));
}

fn plan(args: &PingArgs, targets: Vec<PingTarget>) -> anyhow::Result<PingPlan> {
    let protocol = protocol(args, &targets)?;
    let mean = (!args.flood).then_some(args.interval);
    let outage = outage_length(args.outage.length, mean, &args.fail_if)?;
    Ok(PingPlan {
        outage,
        protocol,
        spacing: match (args.flood, args.poisson) {
            (true, _) => PingSpacing::Flood,
            (_, true) => {
                let seed = args.seed.map_or_else(random_u64, Ok)?;
                PingSpacing::Poisson { mean: args.interval, seed }
            }
            _ => PingSpacing::Every(args.interval),
        },
        targets,
        count: args.count,
        time: args.time,
        wait: args.wait,
        // What echoes datagrams would echo these too, and has no session to lose.
        keepalive: if args.echo { Nanos::ZERO } else { args.keepalive.every },
        ttl: args.ttl,
        explain,
    })
}

/// The target as given, with its port.
fn name(text: &str, addr: SocketAddr) -> String {
    let has_port = split_host_port(text).is_ok_and(|parts| parts.port.is_some());
    match (has_port, text.contains(':')) {
        (true, _) => text.to_owned(),
        (false, true) => Endpoint::from(addr).to_string(),
        (false, false) => format!("{text}:{}", addr.port()),
    }
}

fn check(args: &PingArgs) -> Result<(), PingUsage> {
    if args.targets.len() > MOST_TARGETS {
        let (many, most) = (args.targets.len(), MOST_TARGETS);
        return Err(PingUsage::TooManyTargets { many, most });
    }
    if args.interval < LEAST_INTERVAL {
        return Err(PingUsage::IntervalTooShort { interval: args.interval });
    }
    if args.wait == Nanos::ZERO {
        return Err(PingUsage::ZeroTime { flag: "--wait" });
    }
    if args.time == Some(Nanos::ZERO) {
        return Err(PingUsage::ZeroTime { flag: "--time" });
    }
    Ok(())
}

fn protocol(args: &PingArgs, targets: &[PingTarget]) -> anyhow::Result<Protocol> {
    let most = targets.iter().map(|target| max_payload(IpFamily::of(target.addr)));
    let most = most.min().unwrap_or(0);
    let size = args.size.map(|size| usize::try_from(size.0).unwrap_or(usize::MAX));
    let fits = |len: usize, least: usize| -> Result<usize, Usage> {
        let (size, least, most) = (len as u64, least as u64, most as u64);
        if size > most { Err(PingUsage::TooLarge { size, least, most }.into()) } else { Ok(len) }
    };
    if args.echo {
        let len = fits(size.unwrap_or(PLAIN_LEN), Header::LEN)?;
        if len < Header::LEN {
            let (size, least, most) = (len as u64, Header::LEN as u64, most as u64);
            return Err(Usage::from(PingUsage::TooSmall { size, least, most }).into());
        }
        return Ok(Protocol::Plain { tag: random_u64()? as u16, len });
    }
    let key: Option<StampKey> = key::read(args.key.as_deref())?.as_ref().map(ControlKey::stamp);
    let asked = asked(args);
    let least = StampProbes::least(key.as_ref(), asked);
    let len = fits(size.unwrap_or(least), least)?;
    // Padding is a TLV with a header of four bytes.
    if len < least || (1..4).contains(&(len - least)) {
        let (size, least, most) = (len as u64, least as u64, most as u64);
        let wrong = PingUsage::NoStampPacket { size, least, padded: least + 4, most };
        return Err(Usage::from(wrong).into());
    }
    let error = match sys::real_time_error() {
        Some(error) => ErrorEstimate::of(error, TimeFormat::Ntp).synchronised(),
        None => ErrorEstimate::default(),
    };
    Ok(Protocol::Stamp(StampProbes {
        key,
        ssid: args.ssid.map_or_else(|| random_u64().map(|number| (number as u16).max(1)), Ok)?,
        error,
        asked,
        len,
    }))
}

/// What to request from the reflector besides time stamps; with `--dscp`, also the DSCP on arrival.
fn asked(args: &PingArgs) -> Asked {
    let asks = |what: &str| args.ask.iter().any(|asked| asked == what);
    Asked {
        class: args.dscp.or_else(|| asks("class").then(Dscp::default)),
        counts: asks("counts"),
        departure: asks("departure"),
    }
}

fn socket_plan(args: &PingArgs, target: SocketAddr) -> anyhow::Result<SocketPlan> {
    let bind = bind_address(args.bind.as_deref(), target)?;
    Ok(SocketPlan {
        ttl: Some(args.ttl),
        tos: (args.dscp.is_some() || args.ecn.is_some())
            .then(|| tos(args.dscp.unwrap_or_default(), args.ecn.unwrap_or_default())),
        details: true,
        accounting: true,
        buffer: BUFFER,
        transmit_stamps: args.flood || args.interval >= STAMPED_FROM,
        // Several targets are probed from one local port.
        share_port: bind.port() != 0 && args.targets.len() > 1,
        ..SocketPlan::new(bind)
    })
}

/// Local address of a target's socket: `--bind`, or any address of its family.
pub(super) fn bind_address(from: Option<&str>, target: SocketAddr) -> anyhow::Result<SocketAddr> {
    let any = any_address(target);
    let Some(text) = from else { return Ok(any) };
    let wrong = |fault| NetError::Address { text: text.to_owned(), fault };
    let parts = split_host_port(text)?;
    let port = match parts.port.as_deref() {
        None => 0,
        Some(port) => port
            .parse()
            .map_err(|_| wrong(AddressFault::Port { port: port.to_owned(), least: 0 }))?,
    };
    let addr = match parts.host.as_str() {
        "" => with_port(any, port),
        host => literal(host, port)?
            .ok_or_else(|| wrong(AddressFault::NotAnAddress { host: host.to_owned() }))?,
    };
    if addr.is_ipv4() != target.is_ipv4() {
        return Err(wrong(AddressFault::OtherFamily { peer: target.into() }).into());
    }
    Ok(on_link_of(addr, target))
}

fn view(args: &PingArgs) -> PingView {
    let fast = args.flood || args.interval < LINES_FROM;
    match (args.json, args.jsonl, args.csv) {
        (true, _, _) => PingView::Document,
        (_, true, _) => PingView::Events,
        (_, _, true) => PingView::Table,
        _ if args.quiet => PingView::Quiet,
        _ if fast || args.targets.len() > 1 => PingView::Rows,
        _ => PingView::Lines,
    }
}

/// An empty summary before the run, for the first line.
fn announced(plan: &PingPlan) -> PingSummary {
    let target = |target: &PingTarget| PingTargetReport {
        name: target.name.clone(),
        address: Some(target.addr.into()),
        ..PingTargetReport::default()
    };
    PingSummary {
        protocol: plan.protocol.name(),
        payload_bytes: plan.protocol.probe_len() as u64,
        schedule: plan.spacing.name(),
        interval_ns: plan.spacing.mean().map(Nanos::as_u64),
        targets: plan.targets.iter().map(target).collect(),
        ..PingSummary::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_was_sent_nothing_fails_the_run_but_a_refusal_among_many_does_not() {
        let answered = PingTargetReport { sent: 2, back: 2, ..PingTargetReport::default() };
        let unsent = PingTargetReport { never_sent: 2, ..PingTargetReport::default() };
        let refused = PingTargetReport { never_sent: 1, ..answered.clone() };
        for (second, code) in [(unsent, Exit::Failed), (refused, Exit::Done)] {
            let targets = vec![answered.clone(), second];
            assert_eq!(exit(&PingSummary { targets, ..PingSummary::default() }), code);
        }
    }
}
