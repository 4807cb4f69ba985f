//! `cast check --answer`: joins the group and replies to checks from other hosts.

use super::{Talk, on_interface};
use crate::batch::TxBatch;
use crate::cli::CastCheckArgs;
use crate::commands::Exit;
use crate::commands::cast::targets::{Host, wildcard};
use crate::commands::progress::{Counted, watch};
use crate::engine::{Loop, LoopConfig, Signals};
use crate::net::{KeptSocket, NetError, Socket, SocketPlan};
use crate::report::words::check::answering;
use crate::report::words::progress::{Doing, RunLength};
use crate::report::{self, ProgressLine, Shown};
use crate::session::{CheckAnswerer, CheckAnswererConfig};
use crate::sys::{Membership, monotonic_now};
use crate::units::Endpoint;
use std::net::SocketAddr;

/// TTL of the datagrams that a check asks this host to send to the group.
const TTL: u8 = 64;

pub(super) fn run(
    args: &CastCheckArgs,
    group: SocketAddr,
    interfaces: &[u32],
    host: &Host,
) -> anyhow::Result<Exit> {
    let signals = Signals::listen()?;
    let joined = monotonic_now();
    let (mut sockets, kept) = join_all(group, interfaces)?;
    let on: Vec<u32> = kept
        .iter()
        .flat_map(|kept| &kept.memberships)
        .map(|membership| membership.interface)
        .collect();
    let any = SocketAddr::new(wildcard(group.ip()), group.port());
    sockets.push(SocketPlan { multicast_ttl: Some(TTL), ..shared_port(any) }.open()?);
    let names = host.names();
    if !args.quiet {
        let shown: Vec<String> = on.iter().filter_map(|index| names.interface(*index)).collect();
        report::note(answering(&Endpoint::from(group).to_string(), &shown));
    }
    let config = CheckAnswererConfig {
        group,
        unicast: on.len(),
        interfaces: on,
        joined,
        time: args.time,
        names,
    };
    let doing = Doing::CastCheckAnswer { group: group.into() };
    let shown = !args.quiet;
    let running = watch(
        doing,
        args.time.map(RunLength::Known),
        &signals,
        Counted::ByLoop,
        ProgressLine::when(shown),
    )?;
    let session = CheckAnswerer::new(config, Talk { on: !args.quiet });
    let ended = Loop::new(sockets, Some(signals), LoopConfig::default())?
        .keeping(kept)?
        .run(session, TxBatch::new(64, 64 * 64));
    drop(running);
    let ended = ended?;
    Shown { quiet: args.quiet, json: args.json }.print(
        "cast check --answer",
        &ended.summary,
        report::cast_answered_text,
    );
    Ok(Exit::Done)
}

fn shared_port(address: SocketAddr) -> SocketPlan {
    SocketPlan { share_port: true, details: true, ..SocketPlan::new(address) }
}

/// Joins the group on each interface, with a socket of its own; the sockets of those on which it
/// could be joined, with their memberships.
fn join_all(
    group: SocketAddr,
    interfaces: &[u32],
) -> Result<(Vec<Socket>, Vec<KeptSocket>), NetError> {
    let (mut sockets, mut kept, mut failed) = (Vec::new(), Vec::new(), None);
    for index in interfaces {
        let plan = shared_port(on_interface(group, *index));
        let socket = plan.open()?;
        let membership = Membership { group: group.ip(), interface: *index, source: None };
        match socket.join(&membership) {
            Ok(()) => {
                let memberships = vec![membership];
                kept.push(KeptSocket { memberships, ..KeptSocket::bound(plan) });
                sockets.push(socket);
            }
            // An interface that cannot join must not keep the others from answering.
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if kept.is_empty() => Err(error),
        _ => Ok((sockets, kept)),
    }
}
