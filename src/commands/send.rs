//! `udpkit send`: from arguments to a run.

use super::misread::{check_hosts, check_zones, device, take_phrases};
use super::payload::{PayloadLimit, PayloadPlan};
use super::progress::{Counted, watch};
use super::shared::detail_sockets;
use super::usage::{SendUsage, Step};
use super::{Exit, Usage};
use crate::batch::Fragmentation;
use crate::batch::{Dest, TxBatch};
use crate::cli::{DEFAULT_PORT, SendArgs};
use crate::engine::{Loop, LoopConfig, Signals};
use crate::net::{self, IoMode, Socket, SocketPlan, interface_name, resolve};
use crate::report::words::host::sent_by;
use crate::report::words::progress::{Doing, RunLength};
use crate::report::words::usage as words;
use crate::report::{self, Progress, ProgressLine, SendReport, SendView};
use crate::session::{PayloadSource, SendPlan, SendSession, Spacing, SupplyError};
use crate::units::{Nanos, Rate};
use crate::wire::tos;
use anyhow::Context;
use std::net::SocketAddr;

/// Most datagrams of one batch.
const SLOTS: usize = 256;
/// Their payload bytes: room for sixteen of the largest.
const ARENA: usize = 1 << 20;

/// Runs `udpkit send`.
pub fn run(mut args: SendArgs) -> anyhow::Result<Exit> {
    let payload = &mut args.payload;
    if payload.messages.is_empty() && payload.size.is_none() && payload.file.is_none() {
        payload.messages = take_phrases(&mut args.dests);
    }
    let args = &args;
    if args.dests.is_empty() {
        return Err(Usage::from(SendUsage::NoDestination).into());
    }
    check_hosts(&args.dests).map_err(Usage::from)?;
    let family = args.family.into();
    let has_message = !args.payload.messages.is_empty();
    let dests = args.dests.iter().map(|text| destination(text, family, has_message));
    let peers = dests.collect::<anyhow::Result<Vec<_>>>()?;
    let interface = device(args.interface.as_deref())?;
    check_zones(&peers, interface).map_err(Usage::from)?;
    let interface = interface.unwrap_or(0);
    let payload = PayloadPlan::new(&args.payload, PayloadLimit::for_peers(&peers))?;
    let plan = SendPlan {
        dests: peers.iter().map(|peer| Dest { interface, ..Dest::from(*peer) }).collect(),
        spacing: spacing(args),
        wait: args.wait,
        enough: args.replies,
        explain: net::explain,
    };
    let socket_plan = socket_plan(args, &peers)?;
    let mut socket = socket_plan.open()?;
    if interface != 0 {
        socket.set_multicast_interface(interface)?;
    }
    detail_sockets(std::slice::from_ref(&socket));
    let local = socket.local_addr();
    let signals = Signals::listen().context(Step::Signals)?;
    let doing = Doing::Send { destinations: peers.len() as u64 };
    let shown = !args.quiet;
    let length = payload.length(plan.spacing, 0).map(RunLength::Known);
    let running = watch(doing, length, &signals, Counted::ByLoop, ProgressLine::when(shown))?;
    let config = LoopConfig::default();
    let looped = Loop::new(vec![socket], Some(signals), config).context(Step::Start)?;
    let arena = (SLOTS * payload.largest()).clamp(1, ARENA);
    let report = SendReport::new(view(args), local.into(), interface_name);
    let sending = Sending { looped, plan, report, running, arena };
    match payload {
        PayloadPlan::Fixed(messages) => sending.run(messages, args),
        PayloadPlan::Stream(stream) => {
            let handle = sending.looped.handle();
            sending.run(stream.start(move || handle.wake()), args)
        }
    }
}

/// All that a run needs besides its payloads.
struct Sending {
    looped: Loop,
    plan: SendPlan,
    report: SendReport,
    running: Progress,
    arena: usize,
}

impl Sending {
    fn run(self, source: impl PayloadSource, args: &SendArgs) -> anyhow::Result<Exit> {
        let session = SendSession::new(self.plan, source, self.report);
        let batch = TxBatch::new(SLOTS, self.arena);
        let ended = self.looped.run(session, batch).context(Step::Run);
        drop(self.running);
        let ended = ended?;
        let mut end = ended.summary;
        let used = ended.sockets.first().map(Socket::io_used);
        if let Some(used) = used {
            end.summary.io = used.tx;
            let stepped_down = IoMode::from(args.io) == IoMode::Gso && !used.segmented;
            if stepped_down && end.summary.datagrams > 1 {
                report::warning(words::stepped_down(used.tx));
            }
            report::detail(sent_by(used.tx, used.batch));
        }
        let unanswered = end.summary.replies == Some(0);
        let refused = end.summary.refused_datagrams() > 0;
        end.sink.finish(end.summary);
        match end.failed {
            Some(SupplyError::Content(wrong)) => Err(Usage::new(wrong.to_string()).into()),
            Some(SupplyError::Unreadable(wrong)) => Err(anyhow::anyhow!(wrong)),
            None if unanswered || refused => Ok(Exit::Failed),
            None => Ok(Exit::Done),
        }
    }
}

/// Parses a destination. Text without a port may be a message that lacks the `--`.
fn destination(
    text: &str,
    family: net::FamilyChoice,
    has_message: bool,
) -> anyhow::Result<SocketAddr> {
    let no_port = net::split_host_port(text).ok().filter(|parts| parts.port.is_none());
    resolve(text, Some(DEFAULT_PORT), family).map_err(|error| match &no_port {
        // It may be a message that lacks the `--`.
        Some(_) if !has_message => {
            Usage::with_hint(error.to_string(), report::words::address::MESSAGE_BEHIND_DASHES)
                .into()
        }
        _ => error.into(),
    })
}

fn spacing(args: &SendArgs) -> Spacing {
    match (args.interval, args.rate) {
        (Some(Nanos::ZERO), _) | (None, None | Some(Rate::Max)) => Spacing::None,
        (Some(period), _) => Spacing::Every(period),
        (None, Some(Rate::Bits(rate))) => Spacing::Bits(rate.0),
        (None, Some(Rate::Packets(rate))) => Spacing::Datagrams(rate.0),
    }
}

fn view(args: &SendArgs) -> SendView {
    match (args.json, args.quiet) {
        (true, _) => SendView::Document,
        (_, true) => SendView::Quiet(args.reply_format().into()),
        _ => SendView::Lines(args.reply_format().into()),
    }
}

fn socket_plan(args: &SendArgs, peers: &[SocketAddr]) -> anyhow::Result<SocketPlan> {
    let mut plan = SocketPlan::for_peers(peers);
    if let Some(from) = &args.bind {
        bind_from(&mut plan, from, peers)?;
    }
    if args.dscp.is_some() || args.ecn.is_some() {
        plan.tos = Some(tos(args.dscp.unwrap_or_default(), args.ecn.unwrap_or_default()));
    }
    plan.broadcast = args.broadcast;
    plan.ttl = args.ttl;
    plan.multicast_ttl = args.ttl;
    plan.fragmentation = args.dont_fragment.then_some(Fragmentation::Forbid);
    plan.accounting = args.wait.is_some();
    plan.io = args.io.into();
    // The time of a reply counts from the actual transmission of its request.
    plan.transmit_stamps = args.wait.is_some() && plan.io != IoMode::Gso;
    if let [only] = peers {
        plan.towards = Some(*only);
    }
    Ok(plan)
}

/// Sets the local address: `ADDR`, `ADDR:PORT` or `:PORT`.
fn bind_from(plan: &mut SocketPlan, text: &str, peers: &[SocketAddr]) -> anyhow::Result<()> {
    let parts = net::split_host_port(text)?;
    let port = parts.port.as_deref().unwrap_or("0").parse::<u16>();
    let port = port.map_err(|_| Usage::from(SendUsage::BindPort { text: text.to_owned() }))?;
    if parts.host.is_empty() {
        plan.bind.set_port(port);
        return Ok(());
    }
    let host = &parts.host;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    // A placeholder: the port is set below.
    let mut addr = resolve(&host, Some(1), net::FamilyChoice::Any)?;
    addr.set_port(port);
    if let Some(peer) = peers.iter().find(|peer| peer.is_ipv4() != addr.is_ipv4()) {
        let wrong = SendUsage::BindFamily { text: text.to_owned(), peer: (*peer).into() };
        return Err(Usage::from(wrong).into());
    }
    plan.bind = addr;
    plan.dual_stack = false;
    Ok(())
}
