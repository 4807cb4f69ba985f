//! `udpkit cast send`: from arguments to a socket and a run.

use super::error::{CastUsage, TooFewReceivers};
use super::local_address;
use super::targets::{Host, Role, expand, named_interfaces, needs_interface};
use super::warnings;
use crate::batch::{Dest, LocalRefusal, TxBatch};
use crate::cli::CastSendArgs;
use crate::commands::live::{self, Prints};
use crate::commands::metrics::{Metrics, WATCH};
use crate::commands::misread::{check_hosts, check_zones, take_phrases};
use crate::commands::own_losses::OwnLosses;
use crate::commands::payload::{PayloadLimit, PayloadPlan};
use crate::commands::progress::{Counted, watch};
use crate::commands::usage::check_limits;
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals, WakePrecision, random_u64};
use crate::net::{self, FamilyChoice, KeptSocket, SocketPlan};
use crate::record::{
    CastDestination, CastNote, CastSent, Event, FanoutReceiver, SilenceCause, Watched, Worded,
};
use crate::report::metrics::CastSendMetrics;
use crate::report::words::progress::{Doing, RunLength};
use crate::report::words::{cast as words, cast_hints as hints};
use crate::report::{
    self, FanoutScene, FanoutView, LineFormat, Page, ProgressLine, RECEIVER_COLUMNS, RecordLines,
    Shown,
};
use crate::session::{
    CastSender, CastSenderConfig, CastSenderEnd, CastSenderSummary, PayloadSource, Spacing,
};
use crate::units::{Nanos, Rate};
use crate::wire::{CONTROL_MAX, Header, tos};
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// Datagrams of one batch.
const SLOTS: usize = 1024;
/// Payload bytes of one batch, in addition to the largest datagram.
const ARENA: usize = 1 << 20;

/// Runs `udpkit cast send`.
pub(super) fn run(mut args: CastSendArgs) -> anyhow::Result<Exit> {
    let summary = send(&mut args, Some(Signals::listen()?))?;
    Ok(finish(&args, summary))
}

/// One run without output, for callers within this process: nothing is printed, and signals are
/// left to the caller.
pub fn measure(mut args: CastSendArgs) -> anyhow::Result<CastSent> {
    args.quiet = true;
    let CastSenderSummary { mut sent, failed, too_few } = send(&mut args, None)?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if let Some(heard) = too_few {
        let wanted = args.receivers.unwrap_or(0);
        return Err(TooFewReceivers { heard, wanted }.into());
    }
    sent.limits = sent.standing.hold(&args.fail_if);
    Ok(sent)
}

fn send(args: &mut CastSendArgs, signals: Option<Signals>) -> anyhow::Result<CastSenderSummary> {
    let payload = &mut args.payload;
    if payload.messages.is_empty() && payload.size.is_none() && payload.file.is_none() {
        payload.messages = take_phrases(&mut args.groups);
    }
    check_hosts(&args.groups).map_err(Usage::from)?;
    check(args).map_err(Usage::from)?;
    check_limits("cast send", &args.fail_if, FanoutReceiver::METRICS)?;
    let metrics = Metrics::open(args.metrics, "cast send")?;
    let host = Host::ask();
    let family = FamilyChoice::from(args.family);
    let addrs = expand(&args.groups, family, None)?;
    let interfaces = named_interfaces(&args.interface)?;
    let hosts: Vec<_> = addrs.iter().copied().filter(lacks_zone).collect();
    let only = if let [one] = interfaces[..] { Some(one) } else { None };
    check_zones(&hosts, only).map_err(Usage::from)?;
    let from = args.bind.as_deref().map(|text| local_address::read_bind(text, &addrs, &host));
    let from = from.transpose().map_err(CastUsage::into_error)?;
    let targets =
        targets(&addrs, &interfaces, from.and_then(|from| from.0), &host).map_err(Usage::from)?;
    if !args.quiet {
        let ttl = args.ttl.unwrap_or(1);
        let warnings = warnings::before_sending(&targets, ttl, &host);
        warnings.iter().map(Worded::text).for_each(report::warning);
    }
    // A run that is limited in time, or a beacon, needs no count.
    if (args.time.is_some() || args.repeat.is_some()) && args.payload.count.is_none() {
        args.payload.count = Some(u64::from(reads_input(args)));
    }
    let header = if args.no_header { 0 } else { Header::LEN };
    let limit = PayloadLimit::for_peers(&addrs).behind(header);
    let payload = PayloadPlan::new(&args.payload, limit)?;
    let plan = match &args.open {
        None => socket_plan(args, &addrs, from.map_or(0, |from| from.1)),
        Some(open) => {
            local_address::open_plan(socket_plan(args, &addrs, 0), open, &addrs, family, &host)
                .map_err(CastUsage::into_error)?
        }
    };

    let config = config(args, &addrs, targets, &host, &payload)?;
    let length = [args.time, payload.length(config.spacing, header)].into_iter().flatten().min();
    let mut view = view(args, &addrs);
    if signals.is_some() && is_live(args, length) {
        let scene = FanoutScene::new(length, FanoutView::FRAME);
        view = view.on_screen(scene, Signals::interrupt)?;
    }
    let doing = Doing::CastSend { destinations: addrs.len() as u64 };
    let line = is_text(args) && !view.is_live();
    let watching = signals.as_ref().map(|signals| {
        watch(
            doing,
            length.map(RunLength::Known),
            signals,
            Counted::ByLoop,
            ProgressLine::when(line),
        )
    });
    let running = watching.transpose()?;
    let tick = view.period();
    let watch = metrics.as_ref().map(|_| WATCH);
    let precision = WakePrecision::Timer;
    let timing =
        LoopConfig { largest: CONTROL_MAX + 1, tick, watch, precision, ..LoopConfig::default() };
    let socket = plan.open()?;
    if args.open.is_some() && !args.quiet {
        let address = socket.local_addr();
        report::note(CastNote::OpenToReceivers { address: address.into() }.text());
    }
    let kept = kept(plan, (from.and_then(|from| from.0), &interfaces), &addrs);
    let engine = Loop::new(vec![socket], signals, timing)?.keeping(kept.into_iter().collect())?;
    let watcher = metrics.as_ref().map(|metrics| {
        let named = addrs.iter().copied().map(Into::into).collect();
        CastSendMetrics::new(metrics.board(), named)
    });
    let serving = metrics.map(Metrics::serve).transpose()?;
    let view = Watched { sink: view, watcher };
    let batch = TxBatch::new(SLOTS, ARENA + header + payload.largest());
    let mut end = match payload {
        PayloadPlan::Fixed(messages) => drive(engine, config, messages, view, batch)?,
        PayloadPlan::Stream(stream) => {
            let handle = engine.handle();
            let fed = stream.start(move || handle.wake());
            drive(engine, config, fed, view, batch)?
        }
    };
    drop((running, serving));
    end.sink.sink.clear();
    Ok(end.summary)
}

/// The run without its payload.
fn config(
    args: &CastSendArgs,
    addrs: &[SocketAddr],
    targets: Vec<Dest>,
    host: &Host,
    payload: &PayloadPlan,
) -> anyhow::Result<CastSenderConfig> {
    let broadcast = |addr: &&SocketAddr| matches!(host.role(addr.ip()), Role::Broadcast(_));
    Ok(CastSenderConfig {
        broadcasts: addrs.iter().filter(broadcast).filter_map(|addr| ipv4(addr.ip())).collect(),
        targets,
        names: host.names(),
        tag: (!args.no_header).then(random_u64).transpose()?.map(|number| number as u16),
        spacing: spacing(args, payload).map_err(Usage::from)?,
        time: args.time,
        receivers: args.receivers.unwrap_or(0),
        wait: args.wait,
        explain: net::explain,
        host: Arc::new(OwnLosses::watch()).meter(),
        ear: (!args.no_header || args.open.is_some())
            .then(|| local_address::ear(args))
            .transpose()?,
    })
}

/// What is shown meanwhile.
fn view(args: &CastSendArgs, addrs: &[SocketAddr]) -> FanoutView {
    let view = FanoutView::new(causes(args, addrs));
    let view = if args.quiet { view.silenced() } else { view };
    match LineFormat::events(args.jsonl) {
        Some(format) => view.printing(RecordLines::begin(format, "cast send", RECEIVER_COLUMNS)),
        None => view,
    }
}

/// Whether there is a screen: not without reports of receivers, nor where messages are typed.
fn is_live(args: &CastSendArgs, length: Option<Nanos>) -> bool {
    let is_typed = reads_standard_input(args) && std::io::stdin().is_terminal();
    let prints = if is_text(args) { Prints::Standing } else { Prints::Results };
    !args.no_header && !is_typed && live::is_wanted(args.live, prints, length)
}

/// Whether a person is shown the run on standard output.
fn is_text(args: &CastSendArgs) -> bool {
    !(args.quiet || args.json || args.jsonl || args.csv)
}

/// Prints the report, in the format that was asked for.
fn print(args: &CastSendArgs, sent: &CastSent) {
    match LineFormat::events(args.jsonl).or(LineFormat::rows(args.csv)) {
        Some(LineFormat::Events) => {
            report::keep_page("cast send", sent);
            report::print_json_line(&Event::new("summary", "cast send", sent));
        }
        Some(LineFormat::Rows) => {
            report::keep_page("cast send", sent);
            report::print_table(RECEIVER_COLUMNS, &sent.standing.receivers);
            if !args.quiet {
                report::cast_sent_text(sent, Page::of_stdout()).lines().for_each(report::note);
            }
        }
        None => {
            let shown = Shown { quiet: args.quiet, json: args.json };
            shown.print("cast send", sent, report::cast_sent_text);
        }
    }
}

fn ipv4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    }
}

/// Checks that clap cannot make.
fn check(args: &CastSendArgs) -> Result<(), CastUsage> {
    // Receivers report on the header's sequence numbers; without them, receivers are known only by
    // their subscription.
    if args.receivers.is_some() && args.no_header && args.open.is_none() {
        return Err(CastUsage::ReceiversWithoutHeader);
    }
    Ok(())
}

/// Likely reasons why receivers of these destinations do not report.
fn causes(args: &CastSendArgs, addrs: &[SocketAddr]) -> Vec<SilenceCause> {
    let mut all = vec![SilenceCause::NoReceiver, SilenceCause::Firewall];
    if addrs.iter().any(|addr| addr.ip().is_multicast()) {
        let of_ttl = match args.ttl.unwrap_or(1) {
            0 | 1 => SilenceCause::TtlOfOne,
            _ => SilenceCause::NoMulticastRouting,
        };
        all.extend([SilenceCause::NoQuerier, SilenceCause::WrongInterface, of_ttl]);
    }
    all
}

fn drive<P: PayloadSource>(
    engine: Loop,
    config: CastSenderConfig,
    source: P,
    view: Watched<FanoutView, CastSendMetrics>,
    mut batch: TxBatch,
) -> anyhow::Result<CastSenderEnd<Watched<FanoutView, CastSendMetrics>>> {
    let session = CastSender::new(config, source, view, &mut batch);
    let mut ended = engine.run(session, batch)?;
    ended.summary.summary.sent.interface_events = ended.changes;
    Ok(ended.summary)
}

/// The source address that is followed: the one that was asked for, or that towards the first
/// destination, by the first interface. `None` without either.
fn kept(
    plan: SocketPlan,
    (from, interfaces): (Option<IpAddr>, &[u32]),
    addrs: &[SocketAddr],
) -> Option<KeptSocket> {
    if !plan.bind.ip().is_unspecified() {
        return Some(KeptSocket::bound(plan));
    }
    if let Some(from) = from {
        return Some(KeptSocket::bound(SocketPlan {
            bind: (from, plan.bind.port()).into(),
            ..plan
        }));
    }
    let first = *addrs.first()?;
    let device = interfaces.first().copied().filter(|_| first.ip().is_multicast());
    Some(KeptSocket::towards(SocketPlan { device, ..plan }, first))
}

fn finish(args: &CastSendArgs, summary: CastSenderSummary) -> Exit {
    let CastSenderSummary { mut sent, failed, too_few } = summary;
    sent.limits = sent.standing.hold(&args.fail_if);
    let broken = sent.limits.iter().any(|limit| !limit.held);
    let unreached = unreached(&sent);
    print(args, &sent);
    if let Some(error) = failed {
        report::error(error, None);
        return Exit::Failed;
    }
    if let Some(heard) = too_few {
        let wanted = args.receivers.unwrap_or(0);
        let wrong = words::too_few_receivers(heard, wanted);
        report::error(wrong, Some(hints::START_RECEIVERS));
        return Exit::Failed;
    }
    for (wrong, hint) in &unreached {
        report::error(wrong, hint.as_deref());
    }
    match (unreached.is_empty(), broken) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::LimitBroken,
        (true, false) => Exit::Done,
    }
}

/// Destinations to which this host could send nothing at all, with the reason and a hint.
fn unreached(sent: &CastSent) -> Vec<(String, Option<String>)> {
    let nothing = |one: &&CastDestination| one.sent == 0 && one.refused > 0;
    let all = sent.destinations.iter().filter(nothing);
    let all = all.filter_map(|one| Some((one, one.refusals.last()?)));
    all.map(|(one, latest)| {
        let no_route = LocalRefusal::of(latest.errno()) == LocalRefusal::NetworkUnreachable;
        let group = latest.destination.ip();
        let hint = match (no_route && group.is_multicast(), &one.interface) {
            (true, None) => Some(hints::CHOOSE_INTERFACE.to_owned()),
            (true, Some(_)) if group.is_ipv6() => Some(hints::ADD_MULTICAST_ROUTE.to_owned()),
            _ => latest.cause.hint().map(|hint| hint.text()),
        };
        (words::cannot_send(&one.destination, &latest.cause.text()), hint)
    })
    .collect()
}

/// Whether the content is standard input.
fn reads_standard_input(args: &CastSendArgs) -> bool {
    let payload = &args.payload;
    let from_file = payload.file.as_deref().is_some_and(|file| file != Path::new("-"));
    payload.size.is_none() && payload.messages.is_empty() && !from_file
}

/// Whether the content is standard input or a file in chunks, which end by themselves.
fn reads_input(args: &CastSendArgs) -> bool {
    let payload = &args.payload;
    payload.size.is_none()
        && payload.messages.is_empty()
        && (payload.file.is_none() || payload.chunk.is_some())
}

fn spacing(args: &CastSendArgs, payload: &PayloadPlan) -> Result<Spacing, CastUsage> {
    if let Some(every) = args.repeat {
        let PayloadPlan::Fixed(messages) = payload else {
            return Err(CastUsage::RepeatsInput);
        };
        if every == Nanos::ZERO {
            return Err(CastUsage::ZeroTime { flag: "--repeat" });
        }
        return Ok(Spacing::Rounds(messages.per_round(), every));
    }
    Ok(match (args.interval, args.rate) {
        (Some(Nanos::ZERO), _) | (None, None | Some(Rate::Max)) => Spacing::None,
        (Some(every), _) => Spacing::Every(every),
        (None, Some(Rate::Bits(rate))) => Spacing::Bits(rate.0),
        (None, Some(Rate::Packets(rate))) => Spacing::Datagrams(rate.0),
    })
}

fn socket_plan(args: &CastSendArgs, addrs: &[SocketAddr], port: u16) -> SocketPlan {
    let mut plan = SocketPlan::for_peers(addrs);
    plan.bind.set_port(port);
    plan.broadcast = true;
    plan.multicast_ttl = Some(args.ttl.unwrap_or(1));
    // The minimum TTL for unicast is 1.
    plan.ttl = args.ttl.map(|ttl| ttl.max(1));
    plan.multicast_loop = !args.no_loop;
    plan.tos = (args.dscp.is_some() || args.ecn.is_some())
        .then(|| tos(args.dscp.unwrap_or_default(), args.ecn.unwrap_or_default()));
    plan.io = args.io.into();
    // For the arrival time and destination address of reports.
    plan.details = true;
    plan.accounting = true;
    plan
}

/// The destinations: groups and broadcast addresses once per interface, others by the route.
fn targets(
    addrs: &[SocketAddr],
    interfaces: &[u32],
    from: Option<IpAddr>,
    host: &Host,
) -> Result<Vec<Dest>, CastUsage> {
    let mut all = Vec::new();
    let mut interface_used = interfaces.is_empty();
    for addr in addrs {
        let zone = match addr {
            SocketAddr::V6(v6) => v6.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        let role = host.role(addr.ip());
        let by: Vec<u32> = match (role, interfaces) {
            (Role::Any, _) => {
                return Err(CastUsage::NotADestination { address: addr.ip() });
            }
            (Role::Group, named) if zone != 0 => {
                interface_used |= named.contains(&zone);
                vec![zone]
            }
            (Role::Group, []) if needs_interface(addr.ip()) => {
                return Err(CastUsage::NeedsInterface { group: addr.ip() });
            }
            (Role::Group | Role::Broadcast(None), named @ [_, ..]) => {
                interface_used = true;
                named.to_vec()
            }
            (Role::Broadcast(Some(own)), named) => {
                interface_used |= named.contains(&own);
                vec![own]
            }
            (Role::Own | Role::Other, [one]) if lacks_zone(addr) => {
                interface_used = true;
                vec![*one]
            }
            (Role::Group | Role::Broadcast(None) | Role::Own | Role::Other, _) => vec![0],
        };
        let from = from.filter(|from| from.is_ipv4() == addr.is_ipv4());
        all.extend(by.iter().map(|interface| Dest {
            from,
            interface: *interface,
            ..Dest::from(with_zone(*addr, role, *interface))
        }));
    }
    if !interface_used && !addrs.is_empty() {
        return Err(CastUsage::InterfaceUnused);
    }
    Ok(all)
}

/// Whether it is the address of a host on one link, and does not say which.
fn lacks_zone(addr: &SocketAddr) -> bool {
    matches!(addr, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0)
}

/// What is of one link needs its zone in the address, too.
fn with_zone(addr: SocketAddr, role: Role, interface: u32) -> SocketAddr {
    match addr {
        SocketAddr::V6(mut v6)
            if lacks_zone(&addr) && interface != 0
                || role == Role::Group && needs_interface(addr.ip()) =>
        {
            v6.set_scope_id(interface);
            v6.into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets_of(groups: &[&str], interfaces: &[u32]) -> Result<Vec<(String, u32)>, CastUsage> {
        let addrs: Vec<SocketAddr> = groups.iter().map(|text| text.parse().unwrap()).collect();
        targets(&addrs, interfaces, None, &Host::ask())
            .map(|all| all.iter().map(|dest| (dest.addr.to_string(), dest.interface)).collect())
    }

    #[test]
    fn groups_and_limited_broadcast_leave_by_every_interface_and_unicast_by_the_route() {
        let all = targets_of(
            &["239.1.2.3:5", "255.255.255.255:5", "192.0.2.1:5", "[ff02::5]:5", "[ff15::5%9]:5"],
            &[3, 4],
        );
        let expected = [
            ("239.1.2.3:5", 3),
            ("239.1.2.3:5", 4),
            ("255.255.255.255:5", 3),
            ("255.255.255.255:5", 4),
            ("192.0.2.1:5", 0),
            ("[ff02::5%3]:5", 3),
            ("[ff02::5%4]:5", 4),
            ("[ff15::5%9]:5", 9),
        ];
        let expected = expected.map(|(addr, by)| (addr.to_owned(), by)).to_vec();
        assert_eq!(all, Ok(expected));
    }

    #[test]
    fn destinations_that_make_no_sense_are_refused() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        for (groups, interfaces, expected) in [
            (&["0.0.0.0:5"][..], &[][..], CastUsage::NotADestination { address: ip("0.0.0.0") }),
            (&["[ff02::5]:5"], &[], CastUsage::NeedsInterface { group: ip("ff02::5") }),
            (&["192.0.2.1:5"], &[3], CastUsage::InterfaceUnused),
        ] {
            assert_eq!(targets_of(groups, interfaces), Err(expected));
        }
    }
}
