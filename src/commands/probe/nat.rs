//! `udpkit probe nat`: from arguments to a run.

use super::error::ProbeError;
use super::usage::ProbeUsage;
use crate::batch::TxBatch;
use crate::cli::NatArgs;
use crate::commands::misread::{check_hosts, check_zones, device};
use crate::commands::own_losses::OwnLosses;
use crate::commands::{Exit, Usage};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{FamilyChoice, KeptSocket, Socket, SocketPlan, resolve};
use crate::record::Worded;
use crate::record::probe::{
    NatAlternative, NatCaveat, NatReport, NatVerdict, ProbeCaveat, ProbeKind,
};
use crate::report::words::host_losses::lost_here;
use crate::report::{self, Shown, words};
use crate::session::probe::nat::{NatPlan, NatSession, RunId};
use crate::units::Nanos;
use anyhow::Context;
use std::net::{IpAddr, SocketAddr};

/// Largest reply that is not truncated.
const LARGEST: usize = 2_048;
/// Most requests of one batch.
const SLOTS: usize = 256;

/// What to probe, before sockets are open.
#[derive(Clone, Debug)]
pub struct NatOrder {
    /// The server.
    pub server: SocketAddr,
    /// A second server.
    pub second: Option<SocketAddr>,
    /// The local address; `None` for the route's.
    pub from: Option<IpAddr>,
    /// The interface to use; `None` for the route's.
    pub device: Option<u32>,
    /// Local sockets, 2 to 64.
    pub sockets: u32,
    /// Requests per test, at least 1.
    pub tries: u32,
    /// How long to wait for replies after the last try.
    pub wait: Nanos,
    /// Whether to test hairpinning.
    pub hairpin: bool,
}

/// Runs `udpkit probe nat`.
pub fn run(args: NatArgs) -> anyhow::Result<Exit> {
    let hosts: Vec<&String> = std::iter::once(&args.host).chain(&args.second).collect();
    check_hosts(&hosts).map_err(Usage::from)?;
    let device = device(args.interface.as_deref())?;
    let server = resolve(&args.host, Some(args.port), FamilyChoice::from(args.family))?;
    check_zones(&[server], device).map_err(Usage::from)?;
    check_family(args.bind, server)?;
    let same = if server.is_ipv4() { FamilyChoice::V4 } else { FamilyChoice::V6 };
    let second = args.second.as_ref().map(|second| resolve(second, Some(args.port), same));
    let second = second.transpose()?;
    super::announce(&args.host, server);
    let signals = Signals::listen().context(ProbeError::Signals)?;
    let order = NatOrder {
        server,
        second,
        from: args.bind,
        device,
        sockets: args.sockets,
        tries: args.tries,
        wait: args.wait,
        hairpin: args.hairpin,
    };
    let running = super::progress(ProbeKind::Nat, server, None, &signals)?;
    let found = measure(&order, Some(signals));
    drop(running);
    let found = found?;
    Shown { json: args.json, ..Shown::default() }.print("probe nat", &found, report::nat_text);
    if let NatVerdict::NoServer { server } = found.findings.verdict {
        let lost_here = found.findings.caveats.iter().find_map(|caveat| match caveat {
            NatCaveat::Shared(ProbeCaveat::LostHere { losses }) => lost_here(losses),
            _ => None,
        });
        let hint = lost_here.unwrap_or_else(|| words::far_end::no_reply(server).1);
        report::error(found.findings.verdict.text(), Some(&hint));
    }
    Ok(if found.answered { Exit::Done } else { Exit::Failed })
}

/// Probes, and prints nothing.
pub fn measure(order: &NatOrder, signals: Option<Signals>) -> anyhow::Result<NatReport> {
    let server = order.server;
    let own_losses = OwnLosses::watch();
    let local = local_address(order.from, server, order.device)?;
    let count = order.sockets + u32::from(order.hairpin);
    let bind = scoped((local, 0).into(), server);
    let socket_plan =
        SocketPlan { buffer: 0, accounting: true, device: order.device, ..SocketPlan::new(bind) };
    let sockets = (0..count).map(|_| socket_plan.open()).collect::<Result<Vec<Socket>, _>>()?;
    let mut locals: Vec<SocketAddr> =
        sockets.iter().map(|socket| unscoped(socket.local_addr())).collect();
    locals.truncate(order.sockets as usize);
    let plan = NatPlan {
        server,
        second: order.second,
        locals,
        tries: order.tries,
        wait: order.wait,
        hairpin: order.hairpin,
        run: RunId(random_u64()?.to_be_bytes()),
    };
    let config = LoopConfig { largest: LARGEST, ..LoopConfig::default() };
    let kept = match order.from {
        None => KeptSocket::all_towards(&socket_plan, server, &sockets),
        Some(_) => sockets.iter().map(|_| KeptSocket::bound(socket_plan.clone())).collect(),
    };
    let looped = Loop::new(sockets, signals, config);
    let looped = looped.and_then(|looped| looped.keeping(kept)).context(ProbeError::Start)?;
    let batch = TxBatch::new(SLOTS, SLOTS * NatSession::request_len());
    let mut ended = looped.run(NatSession::new(plan), batch).context(ProbeError::Run)?;
    let caveats = own_losses.probe_caveats(server.ip(), &ended);
    let findings = &mut ended.summary.findings;
    if caveats.iter().any(|caveat| matches!(caveat, ProbeCaveat::LostHere { .. })) {
        // What this host drops needs no firewall that does.
        findings.alternatives.retain(|alternative| *alternative != NatAlternative::Firewall);
    }
    findings.caveats.extend(caveats.into_iter().map(NatCaveat::Shared));
    Ok(ended.summary)
}

/// A local address must be of the server's family.
fn check_family(from: Option<IpAddr>, server: SocketAddr) -> Result<(), Usage> {
    match from.filter(|from| from.is_ipv4() != server.is_ipv4()) {
        Some(bind) => Err(ProbeUsage::OtherFamily { bind, server: server.into() }.into()),
        None => Ok(()),
    }
}

/// The local address of datagrams to the server, as the kernel assigns it to a connected socket.
fn local_address(
    from: Option<IpAddr>,
    server: SocketAddr,
    device: Option<u32>,
) -> anyhow::Result<IpAddr> {
    if let Some(from) = from {
        return Ok(from);
    }
    let mut plan = SocketPlan::for_peers([&server]);
    plan.connect = Some(server);
    plan.device = device;
    Ok(plan.open()?.local_addr().ip())
}

/// The address with the server's zone, which a link-local address needs.
fn scoped(bind: SocketAddr, server: SocketAddr) -> SocketAddr {
    match (bind, server) {
        (SocketAddr::V6(mut bind), SocketAddr::V6(server)) => {
            bind.set_scope_id(server.scope_id());
            bind.into()
        }
        (bind, _) => bind,
    }
}

/// The address without its zone, as a server sees it.
fn unscoped(local: SocketAddr) -> SocketAddr {
    (local.ip(), local.port()).into()
}
