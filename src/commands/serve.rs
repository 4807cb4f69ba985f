//! `udpkit serve`: from arguments to a run.

use super::shared::{check_cpus, server_error};
use super::{Exit, Usage};
use crate::cli::ServeArgs;
use crate::engine::{Server, ServerPlan, Signals};
use crate::net::{IoMode, NetError, split_host_port};
use crate::report;
use crate::session::serve::ServePolicy;
use anyhow::Context;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Runs `udpkit serve`.
pub fn run(args: ServeArgs) -> anyhow::Result<Exit> {
    let signals = Signals::listen().context("cannot listen for signals")?;
    let (bind, dual_stack) = bind_address(&args)?;
    if args.max_sessions == 0 {
        return Err(Usage::new("--max-sessions must be at least 1").into());
    }
    check_cpus(&args.cpus)?;
    let io = IoMode::from(args.io);
    let plan = ServerPlan {
        bind,
        dual_stack,
        policy: ServePolicy {
            max_sessions: args.max_sessions,
            max_streams: args.max_streams,
            max_duration: args.max_duration,
            once: args.once,
            ..ServePolicy::default()
        },
        io,
        gro: io.coalesces() && !args.no_gro,
        buffer: args.socket_buffer.0 as usize,
        cpus: args.cpus.clone(),
    };
    let quiet = args.quiet;
    let server = Server::open(&plan, Some(signals), move |line| {
        if !quiet {
            report::note(line);
        }
    })
    .map_err(server_error)?;
    if !quiet {
        report::note(format_args!("serving on {} (UDP)", server.local_addr()));
    }
    server.run()?;
    Ok(Exit::Done)
}

/// The address to listen on, and whether IPv4 is taken too.
fn bind_address(args: &ServeArgs) -> anyhow::Result<(SocketAddr, bool)> {
    let any_v6 = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    let every = match (args.family.ipv4, args.family.ipv6) {
        (true, _) => (Ipv4Addr::UNSPECIFIED.into(), false),
        (_, true) => (any_v6, false),
        _ => (any_v6, true),
    };
    let Some(text) = &args.bind else {
        return Ok(((every.0, args.port).into(), every.1));
    };
    let wrong = |wrong: &str| NetError::Address { text: text.clone(), wrong: wrong.to_owned() };
    let parts = split_host_port(text)?;
    let port = match parts.port.as_deref() {
        None => args.port,
        Some(port) => port.parse().map_err(|_| wrong("the port is not a number up to 65535"))?,
    };
    if parts.host.is_empty() {
        return Ok(((every.0, port).into(), every.1));
    }
    let ip: IpAddr = parts.host.parse().map_err(|_| wrong("write an address of this host"))?;
    Ok(((ip, port).into(), false))
}
