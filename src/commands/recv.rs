//! `udpkit recv`: from arguments to a run.

use super::bind::{Bind, parse_binds};
use super::live::{self, Prints};
use super::metrics::{Metrics, WATCH};
use super::misread::{check_address, check_zones, device};
use super::own_losses::OwnLosses;
use super::progress;
use super::shared::detail_sockets;
use super::usage::{RecvUsage, Step};
use super::wait_for_address::AddressWait;
use super::{Exit, Usage};
use crate::batch::TxBatch;
use crate::cli::{DatagramFormat, RecvArgs};
use crate::engine::{Loop, LoopConfig, Signals};
use crate::net::{
    self, DamageMeter, IoMode, KeptSocket, NetError, Socket, SocketPlan, interface_name, on_link,
};
use crate::record::Watched;
use crate::report::metrics::RecvMetrics;
use crate::report::words::interfaces::waiting_for;
use crate::report::words::progress::Doing;
use crate::report::words::usage as words;
use crate::report::{self, DatagramStyle, ProgressLine, RecvReport, RecvScene, RecvView};
use crate::session::{Answering, RecvPlan, RecvSession, Show};
use crate::sys::{Membership, bytes_of};
use crate::units::{MAX_PACKET, Nanos};
use crate::wire::unescape;
use anyhow::Context;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;

/// Most replies of one batch, and their payload bytes.
const SLOTS: usize = 64;
const ARENA: usize = 1 << 20;

/// Length of the intervals on a screen, where none is asked for.
const LIVE_INTERVAL: Nanos = Nanos::from_millis(500);

/// Runs `udpkit recv`.
pub fn run(args: RecvArgs) -> anyhow::Result<Exit> {
    for word in &args.binds {
        check_address(word).map_err(Usage::from)?;
    }
    let largest = buffer(&args)?;
    let answering = answering(&args)?;
    if args.report_every == Some(Nanos::ZERO) {
        return Err(Usage::from(RecvUsage::ReportsWithoutEnd).into());
    }
    if args.out.as_deref() == Some(Path::new("-")) {
        return Err(Usage::from(RecvUsage::OutIsStandardOutput).into());
    }
    let metrics = Metrics::open(args.metrics, "recv")?;
    let (own_losses, damage) = (OwnLosses::watch(), DamageMeter::open());
    let wait = AddressWait::when(args.wait_for_address, args.time);
    let opened = wait.open(|| open(&args, &answering), |what| report::note(waiting_for(&what)))?;
    let (sockets, kept) = opened;
    let store = args
        .out
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("cannot write {}", path.display())));
    let store = store.transpose()?;
    let local: Vec<_> = sockets.iter().map(Socket::local_addr).collect();
    // Before it says that it is ready: whoever reads that may signal it.
    let signals = Signals::listen().context(Step::Signals)?;
    let shown: Vec<_> = local.iter().copied().map(Into::into).collect();
    report::note(words::listening(&shown));
    detail_sockets(&sockets);
    let is_live = is_live(&args);
    let every = args.report_every.or(is_live.then_some(LIVE_INTERVAL));
    let plan = RecvPlan {
        local,
        show: if is_live && args.out.is_none() { Show::Counts } else { show(&args) },
        count: args.count,
        timeout: args.time,
        idle: args.idle,
        answering,
        interval: every,
        explain: net::explain,
    };
    let view = match view(&args) {
        RecvView::Datagrams(style) if is_live => RecvView::Counts(style),
        view => view,
    };
    let mut printed = RecvReport::new(view, args.times.timestamps.into(), store, interface_name);
    if is_live {
        let scene = RecvScene::new(words::listening(&shown), args.time, every.unwrap_or_default());
        printed = printed.on_screen(scene, Signals::interrupt)?;
    }
    let watch = metrics.as_ref().map(|_| WATCH);
    let watcher = metrics.as_ref().map(|metrics| RecvMetrics::new(metrics.board(), &shown));
    let serving = metrics.map(Metrics::serve).transpose()?;
    let printed = Watched { sink: printed, watcher };
    let session = RecvSession::new(plan, printed).with_damage(move |drops| damage.damaged(drops));
    let doing = Doing::Receive { sockets: sockets.len() as u64 };
    // Below raw payloads there is no line of one's own.
    let lines =
        args.datagram_format() != DatagramFormat::Raw && args.report_every.is_none() && !is_live;
    let shown = lines && !args.quiet;
    let running = progress::show(doing, args.time, &signals, ProgressLine::when(shown))?;
    let config = LoopConfig { tick: every, watch, largest, ..LoopConfig::default() };
    let looped = Loop::new(sockets, Some(signals), config).and_then(|looped| looped.keeping(kept));
    let looped = looped.context(Step::Start)?;
    let ended = looped.run(session, TxBatch::new(SLOTS, ARENA)).context(Step::Run);
    drop((running, serving));
    let ended = ended?;
    let mut done = ended.summary;
    let losses = own_losses.split(done.summary.drops);
    let peer = done.summary.sources.first().map(|source| source.address.ip());
    done.summary.hosts = vec![own_losses.before_sockets(peer, &losses)];
    done.summary.losses = losses;
    if let Some(socket) = ended.sockets.first() {
        let used = socket.io_used();
        done.summary.io = used.rx;
        done.summary.coalesced = used.coalesced;
    }
    let stored = done.sink.sink.finish(&done.summary);
    stored.with_context(|| {
        let path = args.out.unwrap_or_default();
        format!("cannot write {}", path.display())
    })?;
    Ok(Exit::Done)
}

/// Whether there is a screen: where rates are asked for in place of datagrams. Those are the result,
/// and a screen would hide them; but it shows rates in their place if the user asks for it.
fn is_live(args: &RecvArgs) -> bool {
    let rates = args.quiet && args.report_every.is_some() && !args.json;
    let lines = matches!(args.format, DatagramFormat::Json | DatagramFormat::Raw);
    let prints = if rates { Prints::Standing } else { Prints::Results };
    !lines && live::is_wanted(args.live, prints, args.time)
}

/// Bytes of each datagram to keep.
fn buffer(args: &RecvArgs) -> Result<usize, Usage> {
    usize::try_from(args.buffer.0)
        .ok()
        .filter(|bytes| (1..=MAX_PACKET).contains(bytes))
        .ok_or_else(|| RecvUsage::Buffer { bytes: args.buffer.0 }.into())
}

fn answering(args: &RecvArgs) -> anyhow::Result<Answering> {
    let Some(reply) = &args.reply else {
        return Ok(if args.echo { Answering::Echo } else { Answering::Silent });
    };
    let reply = bytes_of(reply);
    let bytes = if args.escape {
        unescape(&reply).map_err(|wrong| Usage::new(wrong.to_string()))?
    } else {
        reply
    };
    Ok(Answering::Message(bytes))
}

/// Opens every socket, or none; with each comes what it must keep.
fn open(args: &RecvArgs, answering: &Answering) -> anyhow::Result<(Vec<Socket>, Vec<KeptSocket>)> {
    let binds = parse_binds(&args.binds, &args.port, args.family.into())?;
    let io = IoMode::from(args.io);
    let plan = |addr: SocketAddr| SocketPlan {
        details: args.header
            || args.datagram_format() == DatagramFormat::Json
            || *answering != Answering::Silent,
        accounting: true,
        // Only with --io gso: the drop of a coalesced buffer counts once for all its datagrams, and
        // --buffer would truncate the buffer, not each datagram.
        gro: io == IoMode::Gso && args.buffer.0 == MAX_PACKET as u64,
        io,
        buffer: usize::try_from(args.socket_buffer.0).unwrap_or(usize::MAX),
        ..SocketPlan::new(addr)
    };
    let device = device(args.interface.as_deref())?;
    let addrs: Vec<_> = binds.iter().map(|bind| bind.addr).collect();
    check_zones(&addrs, device).map_err(Usage::from)?;
    let interface = device.unwrap_or(0);
    let open = |bind: &Bind| -> Result<(Socket, KeptSocket), NetError> {
        let group = bind.addr;
        if !group.ip().is_multicast() {
            let socket = Bind { addr: on_link(bind.addr, interface), ..*bind }.open(plan)?;
            let kept = KeptSocket::bound(plan(socket.local_addr()));
            return Ok((socket, kept));
        }
        let zone = match group {
            SocketAddr::V6(v6) => v6.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        let interface = if interface == 0 { zone } else { interface };
        let socket = bind.open(|addr| SocketPlan { share_port: true, ..plan(addr) })?;
        let membership = Membership { group: group.ip(), interface, source: None };
        socket.join(&membership)?;
        let plan = SocketPlan { share_port: true, ..plan(socket.local_addr()) };
        let kept = KeptSocket { memberships: vec![membership], ..KeptSocket::bound(plan) };
        Ok((socket, kept))
    };
    let all: Vec<(Socket, KeptSocket)> = binds.iter().map(open).collect::<Result<_, _>>()?;
    Ok(all.into_iter().unzip())
}

fn show(args: &RecvArgs) -> Show {
    match (args.quiet || args.json, args.header) {
        (true, _) if args.out.is_none() => Show::Counts,
        (false, true) => Show::EachWithHeader,
        _ => Show::Each,
    }
}

fn view(args: &RecvArgs) -> RecvView {
    let style = DatagramStyle::from(args.datagram_format());
    match (args.json, args.quiet) {
        (true, _) => RecvView::Document,
        (_, true) => RecvView::Counts(style),
        _ => RecvView::Datagrams(style),
    }
}
