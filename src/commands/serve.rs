//! `udpkit serve`: from arguments to a run.

use super::key;
use super::shared::{check_cpus, server_error};
use super::{Exit, Usage};
use crate::cli::{ServeArgs, StunAlternateArg};
use crate::engine::{AlternatePort, Confinement, Server, ServerPlan, Signals, StunPlan};
use crate::net::{IoMode, NetError, split_host_port};
use crate::report::{self, ServeLog};
use crate::session::serve::{Lifetime, MOST_PORTS, Probing, Reverse, ServePolicy, ServeSummary};
use crate::session::stamp::{ShortRequests, StampPolicy};
use crate::sys::{self, Account};
use crate::units::{Nanos, Rate};
use crate::wire::stamp::STAMP_PORT;
use anyhow::Context;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Runs `udpkit serve`.
pub fn run(args: ServeArgs) -> anyhow::Result<Exit> {
    let confinement = confinement(&args)?;
    // What the process lays down is laid down by each thread for itself, so that no thread may
    // start before.
    let (signals, second) =
        Signals::listen_without_thread().context("cannot listen for signals")?;
    let (bind, dual_stack) = bind_address(&args)?;
    for (name, is_none) in [
        ("--max-sessions", args.max_sessions == 0),
        ("--max-streams", args.max_streams == 0),
        ("--max-duration", args.max_duration == Nanos::ZERO),
        ("--max-memory", args.max_memory.0 == 0),
    ] {
        if is_none {
            return Err(Usage::new(format!("{name} 0 allows nothing; it must be more")).into());
        }
    }
    check_cpus(&args.cpus)?;
    if let Some(ports) = args.probe_ports.as_ref().filter(|ports| ports.len() > MOST_PORTS) {
        let wrong = format!("--probe-ports {ports}: {} ports are too many", ports.len());
        return Err(Usage::with_hint(wrong, format!("{MOST_PORTS} is the most")).into());
    }
    let io = IoMode::from(args.io);
    let plan = ServerPlan {
        bind,
        dual_stack,
        policy: policy(&args),
        key: key::read(args.key.as_deref())?,
        stamp: stamp(&args)?,
        stamp_bind: stamp_bind(&args, bind)?,
        stun: stun(&args)?,
        io,
        gro: io.coalesces() && !args.no_gro,
        buffer: args.socket_buffer.0 as usize,
        cpus: args.cpus.clone(),
        confinement: Some(confinement),
    };
    sys::tame_heaps();
    if let Err(error) = sys::raise_descriptor_limit() {
        report::note(format_args!("the limit of open descriptors stays as it is: {error}"));
    }
    let mut log = ServeLog::new(args.quiet, args.json);
    let server = Server::open(&plan, Some(signals), move |at, record| log.take(at, record))
        .map_err(server_error)?;
    second.watch().context("cannot listen for signals")?;
    Ok(verdict(&args, server.run()?))
}

/// Who the server runs as once its ports are open.
fn confinement(args: &ServeArgs) -> Result<Confinement, Usage> {
    let now = Account::current();
    let Some(text) = &args.user else {
        let stay = !now.is_root();
        return Ok(if stay { Confinement::Stay } else { Confinement::Become(Account::nobody()) });
    };
    let wanted =
        Account::parse(text).map_err(|error| Usage::new(format!("--user {text}: {error}")))?;
    // A group that was not named is the one that it has.
    if wanted.uid == now.uid && (wanted.gid == now.gid || !text.contains(':')) {
        return Ok(if now.is_root() { Confinement::StayRoot } else { Confinement::Stay });
    }
    if !now.is_root() {
        let wrong = format!("--user {text}: only root may become another user");
        return Err(Usage::with_hint(wrong, format!("it runs as {} without --user", now.name)));
    }
    if wanted.is_root() {
        let wrong = format!("--user {text}: root keeps the group that it has");
        return Err(Usage::with_hint(wrong, "say --user root, or name another user"));
    }
    Ok(Confinement::Become(wanted))
}

fn policy(args: &ServeArgs) -> ServePolicy {
    ServePolicy {
        max_sessions: args.max_sessions,
        max_streams: args.max_streams,
        max_rate: args.max_rate,
        max_duration: args.max_duration,
        source_share: args.source_share,
        max_memory: args.max_memory.0,
        probing: if args.no_probe { Probing::Refused } else { Probing::Allowed },
        probe_ports: args.probe_ports.clone(),
        reverse: if args.no_reverse { Reverse::Refused } else { Reverse::Allowed },
        allow: args.allow.clone(),
        lifetime: if args.once { Lifetime::OneSession } else { Lifetime::Endless },
        ..ServePolicy::default()
    }
}

fn stamp(args: &ServeArgs) -> Result<StampPolicy, Usage> {
    let rate = match args.stamp_rate {
        Rate::Bits(_) => {
            let wrong = "--stamp-rate counts datagrams: 200kpps, 500pps, or max";
            return Err(Usage::new(wrong));
        }
        rate => rate.ratio_for(0),
    };
    let short = if args.stamp_short { ShortRequests::Answered } else { ShortRequests::Ignored };
    // The key is the server's own.
    Ok(StampPolicy { key: None, rate, short })
}

fn stun(args: &ServeArgs) -> Result<Option<StunPlan>, Usage> {
    let rate = match args.stun_rate {
        Rate::Bits(_) => {
            return Err(Usage::new("--stun-rate counts datagrams: 1kpps, 50pps, or max"));
        }
        rate => rate.ratio_for(0),
    };
    let alternate = match args.stun_alternate {
        None => AlternatePort::Next,
        Some(StunAlternateArg::None) => AlternatePort::None,
        Some(StunAlternateArg::Port(port)) => AlternatePort::This(port),
    };
    let short = if args.stun_short { ShortRequests::Answered } else { ShortRequests::Ignored };
    Ok((!args.no_stun).then_some(StunPlan { rate, short, alternate }))
}

/// Where STAMP has a port of its own, if it has.
fn stamp_bind(args: &ServeArgs, bind: SocketAddr) -> Result<Option<SocketAddr>, NetError> {
    let Some(text) = &args.stamp else { return Ok(None) };
    if text.is_empty() {
        return Ok(Some((bind.ip(), STAMP_PORT).into()));
    }
    let wrong = |wrong: &str| NetError::Address { text: text.clone(), wrong: wrong.to_owned() };
    let parts = split_host_port(text)?;
    let port = match parts.port.as_deref() {
        None => STAMP_PORT,
        Some(port) => port.parse().map_err(|_| wrong("the port is not a number up to 65535"))?,
    };
    let ip = match parts.host.as_str() {
        "" => bind.ip(),
        host => host.parse().map_err(|_| wrong("write an address of this host"))?,
    };
    Ok(Some((ip, port).into()))
}

/// A server for one session is as good as that session.
fn verdict(args: &ServeArgs, summary: ServeSummary) -> Exit {
    if !args.once || summary.broken == 0 {
        return Exit::Done;
    }
    report::error("the session broke off: its client did not close it", None);
    Exit::Failed
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
