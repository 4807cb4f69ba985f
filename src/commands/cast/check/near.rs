//! A check from this host: its sockets, the run, the state of the kernel, and the report.

use super::surroundings::{self, Before};
use super::{Talk, on_interface};
use crate::batch::TxBatch;
use crate::cli::CastCheckArgs;
use crate::commands::Exit;
use crate::commands::cast::targets::Host;
use crate::commands::progress::{Counted, watch};
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{FamilyChoice, NetError, Socket, SocketPlan, resolve, route_source};
use crate::record::{CastCheck, CastCheckVerdict};
use crate::report::words::progress::{Doing, RunLength};
use crate::report::{self, ProgressLine, Shown};
use crate::session::{CheckConfig, CheckProber, CheckedInterface};
use crate::sys::{ErrorNumber, Membership, monotonic_now};
use crate::units::Nanos;
use std::net::SocketAddr;

/// TTLs to try, up to `--ttl`.
const STEPS: [u8; 10] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 255];
/// Default of `--ttl` without `--far`.
const TTL_HERE: u8 = 1;
/// Default of `--ttl` with `--far`.
const TTL_FAR: u8 = 64;
/// TTL of unicast probes; the hops follow from what is left of it on arrival.
const UNICAST_TTL: u8 = 64;
/// What one question takes, which is sent three times.
const PROBE: Nanos = Nanos::from_millis(18);
/// How often progress is reported during `--hold`.
const HOLD_TICK: Nanos = Nanos::from_secs(10);

pub(super) fn run(
    args: &CastCheckArgs,
    group: SocketAddr,
    interfaces: &[u32],
    host: &Host,
) -> anyhow::Result<Exit> {
    let family = if group.is_ipv4() { FamilyChoice::V4 } else { FamilyChoice::V6 };
    let far =
        args.far.as_ref().map(|text| resolve(text, Some(group.port()), family)).transpose()?;
    let signals = Signals::listen()?;
    let names = host.names();
    let mut before: Vec<Before> = interfaces
        .iter()
        .map(|index| Before::look(group.ip(), *index, names.interface(*index).unwrap_or_default()))
        .collect();

    let joined = monotonic_now();
    let mut sockets = Vec::new();
    let mut ways = Vec::new();
    for (index, state) in interfaces.iter().zip(&mut before) {
        let listens = listen_on(group, *index, state, &mut sockets)?;
        ways.push(CheckedInterface { interface: *index, listens });
    }
    let steps = open_steps(args, group, &mut sockets)?;

    let config = CheckConfig {
        // A link-local group differs by link, so with several interfaces it is shown without a
        // zone.
        group: if interfaces.len() > 1 { group } else { on_interface(group, interfaces[0]) },
        ways,
        steps,
        far,
        tag: random_u64()? as u16,
        wait: args.wait,
        hold: args.hold,
        membership: args.membership,
        joined,
        names,
    };
    let probes = (interfaces.len() * config.steps.len() + 2 * usize::from(far.is_some())) as u64;
    let expected = args.hold.unwrap_or_default().max(Nanos(PROBE.0 * probes)) + args.wait;
    let shown = !args.quiet;
    let doing = Doing::CastCheck { group: group.into() };
    let running = watch(
        doing,
        Some(RunLength::Known(expected)),
        &signals,
        Counted::ByLoop,
        ProgressLine::when(shown),
    )?;
    let timing = LoopConfig { tick: args.hold.map(|_| HOLD_TICK), ..LoopConfig::default() };
    let session = CheckProber::new(config, Talk { on: !args.quiet });
    let ended = Loop::new(sockets, Some(signals), timing)?.run(session, TxBatch::new(4, 4096));
    drop(running);
    let ended = ended?;

    let mut check = ended.summary;
    check.route = surroundings::route(on_interface(group, interfaces[0]), host);
    for (state, found) in before.into_iter().zip(&mut check.interfaces) {
        state.complete(group.ip(), host, found);
    }
    if let (Some(told), Some(addr)) = (&mut check.far, far) {
        let source = route_source(addr).ok();
        told.interface = source.and_then(|source| surroundings::interface_with(source, host));
    }
    check.judge();
    Ok(show(args, check))
}

/// Joins the group on an interface and notes how that went; the number of the socket, if it could
/// be joined.
fn listen_on(
    group: SocketAddr,
    interface: u32,
    state: &mut Before,
    sockets: &mut Vec<Socket>,
) -> anyhow::Result<Option<usize>> {
    match join(group, interface) {
        Ok(socket) => {
            sockets.push(socket);
            state.look_joined(group.ip());
            Ok(Some(sockets.len() - 1))
        }
        Err(NetError::Join { source, .. }) if source.errno().is_some() => {
            state.join_error = surroundings::system_error(&source, group);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn show(args: &CastCheckArgs, check: CastCheck) -> Exit {
    let exit = match check.verdict {
        CastCheckVerdict::Broken { .. } => Exit::Failed,
        _ => Exit::Done,
    };
    Shown { quiet: args.quiet, json: args.json }.print(
        "cast check",
        &check,
        report::cast_check_text,
    );
    exit
}

fn join(group: SocketAddr, index: u32) -> Result<Socket, NetError> {
    let plan = SocketPlan {
        share_port: true,
        details: true,
        accounting: true,
        ..SocketPlan::new(on_interface(group, index))
    };
    let socket = plan.open()?;
    socket.join(&Membership { group: group.ip(), interface: index, source: None })?;
    Ok(socket)
}

/// A sending socket for each TTL, numbered after the receiving sockets.
fn open_steps(
    args: &CastCheckArgs,
    group: SocketAddr,
    sockets: &mut Vec<Socket>,
) -> Result<Vec<(u8, usize)>, NetError> {
    let most = args.ttl.unwrap_or(if args.far.is_some() { TTL_FAR } else { TTL_HERE });
    let mut ttls: Vec<u8> = STEPS.into_iter().filter(|ttl| *ttl < most).collect();
    ttls.push(most);
    let mut steps = Vec::new();
    for ttl in ttls {
        let plan = SocketPlan {
            multicast_ttl: Some(ttl),
            ttl: Some(UNICAST_TTL),
            accounting: true,
            ..SocketPlan::for_peers([&group])
        };
        steps.push((ttl, sockets.len()));
        sockets.push(plan.open()?);
    }
    Ok(steps)
}
