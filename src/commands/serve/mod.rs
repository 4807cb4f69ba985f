//! `udpkit serve`: from arguments to a run.

mod error;
mod iperf3_users;
mod limits;
mod policy_file;
mod reload;
mod udpstp;

use super::exit::Hinted;
use super::key;
use super::metrics::Metrics;
use super::misread::{as_port, check_address, check_zones};
use super::shared::{can_reload, check_cpus, server_error};
use super::wait_for_address::AddressWait;
use super::{Exit, Usage};
use crate::cli::{LogLevelArg, ServeArgs, StunAlternateArg};
use crate::engine::{
    AlternatePort, NoServiceManager, PrivilegeDrop, Server, ServerError, ServerPlan, ServerWatch,
    ServiceManager, ServicePlan, Signals, StunPlan,
};
use crate::net::{IoMode, NetError, SocketPlan, literal, split_host_port};
use crate::record::{LogLevel, ServeRecord};
use crate::report::metrics::ServeMetrics;
use crate::report::words::serve as words;
use crate::report::{self, ServeLog, Shown};
use crate::session::serve::{MOST_PORTS, ServeSummary};
use crate::session::stamp::{ShortRequests, StampPolicy};
use crate::sys::{self, Account, AccountIds};
use crate::units::{Nanos, with_port};
use crate::wire::iperf3::IPERF3_PORT;
use crate::wire::stamp::STAMP_PORT;
use anyhow::Context;
use error::{ServeFailure, ServeUsage};
use limits::Limits;
use policy_file::PolicyFile;
use reload::Files;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs `udpkit serve`.
pub fn run(args: ServeArgs) -> anyhow::Result<Exit> {
    let args = Arc::new(args);
    let confinement = confinement(&args)?;
    let file = PolicyFile::read(args.policy.as_deref())?;
    let Limits { policy, stamp_rate, stun_rate } = Limits::of(&args, &file)?;
    // Before privileges are dropped, and before anything is opened that others may find open.
    let metrics = Metrics::open(args.metrics, "serve")?;
    let mut log = ServeLog::new(
        Shown { quiet: args.quiet, json: args.json || args.jsonl },
        args.times.timestamps.into(),
        args.log_level.into(),
    );
    let wait = AddressWait::when(args.wait_for_address, None);
    let (bind, dual_stack) = wait.open(
        || available_address(&args),
        |address| {
            log.take(sys::real_now(), &ServeRecord::WaitingForAddress { address });
        },
    )?;
    // Privileges are dropped per thread, so no thread may start before that.
    let (signals, second) = Signals::listen_without_thread().context(ServeFailure::Signals)?;
    check_cpus(&args.cpus)?;
    if let Some(ports) = args.probe_ports.as_ref().filter(|ports| ports.len() > MOST_PORTS) {
        let (ports, most) = (ports.clone(), MOST_PORTS);
        return Err(Usage::from(ServeUsage::TooManyProbePorts { ports, most }).into());
    }
    let io = IoMode::from(args.io);
    let service = service(&args, &mut log);
    if service.files.is_some() {
        signals.heed_hangup().context(ServeFailure::Signals)?;
    }
    let plan = ServerPlan {
        bind,
        dual_stack,
        policy,
        key: key::read(args.key.as_deref())?,
        // The server adds its key.
        stamp: StampPolicy { key: None, rate: stamp_rate, short: short(args.stamp_short) },
        stamp_bind: stamp_bind(&args, bind)?,
        iperf3_bind: iperf3_bind(&args, bind)?,
        iperf3_users: iperf3_users::read(&args)?,
        udpstp: udpstp::plan(&args, bind)?,
        stun: stun(&args, stun_rate),
        io,
        gro: io.coalesces() && !args.no_gro,
        buffer: args.socket_buffer.0 as usize,
        cpus: args.cpus.clone(),
        confinement: Some(confinement),
        service,
        watch: metrics.as_ref().map(watch),
    };
    check_stun(&plan)?;
    if plan.iperf3_bind.is_some() && plan.key.is_some() && plan.iperf3_users.is_none() {
        return Err(Usage::from(ServeUsage::Iperf3WithKey).into());
    }
    if plan.udpstp.as_ref().is_some_and(|udpstp| udpstp.keys.is_none()) && plan.key.is_some() {
        return Err(Usage::from(ServeUsage::UdpstpWithKey).into());
    }
    sys::limit_heaps();
    if let Err(error) = sys::raise_descriptor_limit() {
        report::note(words::descriptor_limit_stays(&error));
    }
    let server = Server::open(&plan, Some(signals), move |at, record| log.take(at, record))
        .map_err(open_error)?;
    second.watch().context(ServeFailure::Signals)?;
    // Its thread begins only now, within all restrictions.
    let _serving = metrics.map(Metrics::serve).transpose()?;
    Ok(verdict(&args, server.run()?))
}

/// Passes the server's counts to its metrics.
fn watch(metrics: &Metrics) -> ServerWatch {
    let counts = Mutex::new(ServeMetrics::new(metrics.board()));
    ServerWatch::new(move |standing| {
        counts.lock().unwrap_or_else(PoisonError::into_inner).set(standing);
    })
}

/// The user that the server runs as once its ports are open.
fn confinement(args: &ServeArgs) -> Result<PrivilegeDrop, Usage> {
    let now = Account::current();
    let Some(text) = &args.user else {
        let stay = !now.is_root();
        return Ok(if stay {
            PrivilegeDrop::Stay
        } else {
            PrivilegeDrop::Become(Account::nobody())
        });
    };
    let text = text.clone();
    let wanted = match Account::parse(&text) {
        Ok(wanted) => wanted,
        Err(error) => return Err(ServeUsage::Account { text, error }.into()),
    };
    // Without a group in the argument, the present one is kept.
    let is_same = |id: fn(AccountIds) -> u32| wanted.ids.map(id) == now.ids.map(id);
    if is_same(|ids| ids.user) && (is_same(|ids| ids.group) || !text.contains(':')) {
        return Ok(if now.is_root() { PrivilegeDrop::StayRoot } else { PrivilegeDrop::Stay });
    }
    if !now.is_root() {
        return Err(ServeUsage::NotRoot { text, now: now.name }.into());
    }
    if wanted.is_root() {
        return Err(ServeUsage::RootsGroup { text }.into());
    }
    Ok(PrivilegeDrop::Become(wanted))
}

/// What the server is to its operator. Whom it cannot tell anything is logged.
fn service(args: &Arc<ServeArgs>, log: &mut ServeLog) -> ServicePlan {
    let manager = ServiceManager::from_environment().unwrap_or_else(|why| {
        let NoServiceManager { socket, errno } = why;
        log.take(sys::real_now(), &ServeRecord::NoServiceManager { socket, errno });
        ServiceManager::default()
    });
    let files = Files::of(args);
    let readable = files.directories();
    // Where there is nothing to be read, SIGHUP ends a server, as a terminal that is closed does.
    let is_wanted = !files.is_empty() || manager.is_there();
    let files = (is_wanted && can_reload()).then(|| files.reader(Arc::clone(args)));
    ServicePlan { manager, files, readable, log_level: args.log_level.into() }
}

impl From<LogLevelArg> for LogLevel {
    fn from(arg: LogLevelArg) -> Self {
        match arg {
            LogLevelArg::Error => Self::Error,
            LogLevelArg::Warn => Self::Warn,
            LogLevelArg::Info => Self::Info,
            LogLevelArg::Debug => Self::Debug,
        }
    }
}

fn stun(args: &ServeArgs, rate: Option<(u64, Nanos)>) -> Option<StunPlan> {
    let alternate = match args.stun_alternate {
        None => AlternatePort::Next,
        Some(StunAlternateArg::None) => AlternatePort::None,
        Some(StunAlternateArg::Port(port)) => AlternatePort::This(port),
    };
    let short = short(args.stun_short);
    (!args.no_stun).then_some(StunPlan { rate, short, alternate })
}

fn short(answered: bool) -> ShortRequests {
    if answered { ShortRequests::Answered } else { ShortRequests::Ignored }
}

/// The address of the separate STAMP port, if there is one.
fn stamp_bind(args: &ServeArgs, bind: SocketAddr) -> anyhow::Result<Option<SocketAddr>> {
    let Some(text) = &args.stamp else { return Ok(None) };
    let (address, port) = local_address(text)?;
    let mut address = address.unwrap_or(bind);
    address.set_port(port.unwrap_or(STAMP_PORT));
    if address == bind && address.port() != 0 {
        return Err(Usage::from(ServeUsage::StampOnOwnPort { address: address.into() }).into());
    }
    Ok(Some(address))
}

/// The address of iperf3's port, if there is one.
fn iperf3_bind(args: &ServeArgs, bind: SocketAddr) -> anyhow::Result<Option<SocketAddr>> {
    let Some(text) = &args.iperf3 else { return Ok(None) };
    let (address, port) = local_address(text)?;
    let mut address = address.unwrap_or(bind);
    address.set_port(port.unwrap_or(IPERF3_PORT));
    if address.port() == bind.port() && address.port() != 0 {
        return Err(Usage::from(ServeUsage::Iperf3OnOwnPort { port: bind.port() }).into());
    }
    Ok(Some(address))
}

/// The second STUN port must differ from the other ports of the server.
fn check_stun(plan: &ServerPlan) -> Result<(), Usage> {
    let Some(AlternatePort::This(port)) = plan.stun.map(|stun| stun.alternate) else {
        return Ok(());
    };
    // The kernel chooses.
    if port == 0 {
        return Ok(());
    }
    if port == plan.bind.port() {
        return Err(ServeUsage::StunOnOwnPort { port }.into());
    }
    match plan.stamp_bind {
        Some(stamp) if stamp == with_port(plan.bind, port) => {
            Err(ServeUsage::StunOnStampPort { port }.into())
        }
        _ => Ok(()),
    }
}

/// Parses `ADDR:PORT`, `:PORT` or `ADDR` of this host, or an empty text.
fn local_address(text: &str) -> anyhow::Result<(Option<SocketAddr>, Option<u16>)> {
    if text.is_empty() {
        return Ok((None, None));
    }
    check_address(text).map_err(Usage::from)?;
    let parts = split_host_port(&as_port(text))?;
    let port = parts.port.as_deref().map(str::parse).transpose();
    let port = port.map_err(|_| Usage::from(ServeUsage::Port { text: text.to_owned() }))?;
    let host = Some(parts.host.as_str()).filter(|host| !host.is_empty());
    let address = match host {
        None => None,
        Some(host) => Some(
            literal(host, 0)?
                .ok_or_else(|| Usage::from(ServeUsage::Host { text: text.to_owned() }))?,
        ),
    };
    Ok((address, port))
}

/// The error with a server's own hint if the port is in use.
fn open_error(error: ServerError) -> anyhow::Error {
    match error {
        ServerError::Net(error @ NetError::Bind { .. }) if error.is_in_use() => {
            Hinted { error: error.into(), hint: words::PORT_TAKEN }.into()
        }
        error => server_error(error),
    }
}

/// With `--once`, the exit code is that of the session.
fn verdict(args: &ServeArgs, summary: ServeSummary) -> Exit {
    if !args.once || summary.broken == 0 {
        return Exit::Done;
    }
    report::error(words::SESSION_BROKE_OFF, None);
    Exit::Failed
}

/// The address to listen on, once this host has it if that is to be waited for.
fn available_address(args: &ServeArgs) -> anyhow::Result<(SocketAddr, bool)> {
    let (bind, dual_stack) = bind_address(args)?;
    if args.wait_for_address {
        SocketPlan { dual_stack, ..SocketPlan::new(with_port(bind, 0)) }.open().map_err(
            |error| match error {
                NetError::Bind { source, .. } => NetError::Bind { addr: bind.into(), source },
                other => other,
            },
        )?;
    }
    Ok((bind, dual_stack))
}

/// The address to listen on, and whether it includes IPv4.
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
    let (address, port) = local_address(text)?;
    let (mut address, dual_stack) = match address {
        None => ((every.0, 0).into(), every.1),
        Some(address) => (address, false),
    };
    check_zones(&[address], None).map_err(Usage::from)?;
    address.set_port(port.unwrap_or(args.port));
    Ok((address, dual_stack))
}
