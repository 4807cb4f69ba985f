//! The server: the control loop on its port.

use super::iperf3_port::{Iperf3Port, RunningIperf3};
use super::probe_ports::ProbePorts;
use super::random::Random;
use super::server_error::ServerError;
use super::server_log::{RunningLog, ServerLog};
use super::server_plan::ServerPlan;
use super::server_service::ServerService;
use super::server_sockets::ServerSockets;
use super::server_streams::ServerStreams;
use super::server_watch::WATCH;
use super::stun::OtherAddresses;
use super::udpstp_port::{RunningUdpstp, UdpstpPort};
use super::{Handle, Loop, LoopConfig, ServiceManager, Signals};
use crate::batch::TxBatch;
use crate::net::{DamageMeter, HostReader, KeptSocket, SocketPlan, receive_shape};
use crate::record::{Flow, ServeRecord};
use crate::session::serve::{EngineState, ServeControl, ServeOrder, ServePolicy, ServeSummary};
use crate::session::stamp::{StampPolicy, StampReflector};
use crate::session::stun::StunReflector;
use crate::sys::{self, ProcessMemory};
use crate::units::{MAX_PACKET, Nanos, with_port};
use crate::wire::stamp::{ErrorEstimate, TimeFormat};
use crate::wire::{CONTROL_MAX, Class, ControlKey, HostId, PortList, TicketKey};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};

/// How often streams report counts to the control loop, and sessions are checked for expiry.
const TICK: Nanos = Nanos::from_millis(100);
/// Replies per batch: as many as the loop receives in one turn, so that a flood of requests cannot
/// arrive faster than replies leave.
const REPLIES: usize = 1_024;
/// Largest datagram that a reflector receives whole: any UDP datagram. Buffer memory is only
/// committed as far as datagrams have filled it.
const LARGEST: usize = MAX_PACKET;

type Numbers = Box<dyn FnMut() -> u64 + Send>;
type Engine = (ServerStreams, RunningLog);
type ControlSession = ServeControl<Receiver<ServeOrder>, Engine, Numbers>;

/// An open server, not yet running.
pub struct Server {
    control: Loop,
    session: ControlSession,
    local: SocketAddr,
    /// iperf3's port, with what it is served by.
    iperf3: Option<(Iperf3Port, ServerPlan, RunningLog)>,
    /// UDPSTP's port, likewise.
    udpstp: Option<(UdpstpPort, ServerPlan, RunningLog)>,
    manager: ServiceManager,
}

impl Server {
    /// Opens the port. With [`ServerPlan::confinement`] the process must have only one thread.
    /// `log` receives each event that an operator may want to see, with its time on the real-time
    /// clock; if it reports that nobody reads any more, the server ends.
    pub fn open(
        plan: &ServerPlan,
        signals: Option<Signals>,
        log: impl FnMut(Nanos, &ServeRecord) -> Flow + Send + 'static,
    ) -> Result<Self, ServerError> {
        let plan = &shared_memory(plan);
        let mut log = ServerLog::new(log);
        // Whoever reads that it serves may come by any of its ports.
        let iperf3 = plan.iperf3_bind.map(|bind| Iperf3Port::open(plan, bind)).transpose()?;
        let udpstp =
            plan.udpstp.as_ref().map(|udpstp| UdpstpPort::open(plan, udpstp)).transpose()?;
        let opened = ServerSockets::open(plan, &mut log)?;
        let local = opened.local;
        let own = opened.sockets.len();
        let watch = plan.watch.as_ref().map(|_| WATCH);
        let config =
            LoopConfig { tick: Some(TICK), watch, largest: LARGEST, ..LoopConfig::default() };
        let kept = kept_sockets(&opened);
        let manager = plan.service.manager.clone();
        let control = Loop::new(opened.sockets, signals, config)?.watched_by(manager);
        let control = if kept.is_empty() { control } else { control.keeping(kept)? };
        // On a virtual path, a packet counter would see a coalesced buffer as one packet.
        let io = plan.io.uncoalesced();
        let each = SocketPlan { bind: with_port(plan.bind, 0), io, ..opened.listener };
        let mut ports = ProbePorts::new(each, control.adoption(), own);
        let held = hold_ports(&mut ports, &plan.policy, &mut log);
        note_ports(plan, iperf3.as_ref(), udpstp.as_ref(), &mut log);
        // Read before the file system becomes inaccessible.
        let host = host_id();
        let (counters, damage) = (HostReader::open(), DamageMeter::open());
        let memory = ProcessMemory::open();
        if let Some(confinement) = &plan.confinement {
            let ports = iperf3.iter().map(|iperf3| iperf3.local_addr().port());
            let ports = ports.chain(udpstp.iter().map(|udpstp| udpstp.local_addr().port()));
            let lowest = ports.chain([local.port()]).min().unwrap_or(0);
            let record = confinement.apply(lowest, plan.buffer, &plan.service.readable)?;
            log.note(&record);
        }
        // Whether it can still be done is known only now.
        if let Some(failure) = plan.service.files.as_ref().and_then(|files| files.read().err()) {
            log.note(&ServeRecord::NotReloadable { failure });
        }
        let log = RunningLog::new(log, control.handle());
        let (orders, inbox) = channel();
        let streams = ServerStreams::new(
            plan.clone(),
            local.port(),
            (counters, damage, Some(ports)),
            orders,
            control.handle(),
        );
        let service = ServerService::new(&plan.service, iperf3.as_ref().map(Iperf3Port::orders))
            .beside_udpstp(udpstp.as_ref().map(UdpstpPort::orders));
        let streams = streams.counting(log.traffic()).with_service(service);
        let iperf3 = iperf3.map(|port| (port, plan.clone(), log.clone()));
        let udpstp = udpstp.map(|port| (port, plan.clone(), log.clone()));
        let state = engine_state(&log, memory);
        let mut session = control_session(plan, inbox, (streams, log))?
            .with_engine_state(state)
            .on_host(host)
            .on_ports(local.port(), &held)
            .with_reflector(Class::Stamp, Box::new(stamp_reflector(plan)));
        if let Some(policy) = opened.stun {
            let addresses = OtherAddresses::new(plan.bind.ip());
            let reflector = StunReflector::new(policy, addresses.into_closure());
            session = session.with_reflector(Class::Stun, Box::new(reflector));
        }
        for class in opened.others {
            session = session.with_port(class);
        }
        let manager = plan.service.manager.clone();
        Ok(Self { control, session, local, iperf3, udpstp, manager })
    }

    /// The address being served, with the port that the kernel chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// A handle to end the server from another thread.
    pub fn handle(&self) -> Handle {
        self.control.handle()
    }

    /// Serves until it is stopped.
    pub fn run(self) -> io::Result<ServeSummary> {
        let batch = TxBatch::new(REPLIES, REPLIES * CONTROL_MAX);
        let server = self.control.handle();
        let iperf3 = self.iperf3.map(|(port, plan, log)| port.start(&plan, log, server));
        let iperf3 = iperf3.transpose()?;
        let udpstp = self.udpstp.and_then(|(port, plan, log)| {
            let udpstp = plan.udpstp.as_ref()?;
            Some(port.start(&plan, udpstp, log, self.control.handle()))
        });
        let udpstp = udpstp.transpose()?;
        self.manager.ready();
        let ended = self.control.run(self.session, batch);
        let beside = iperf3.map_or(Ok(ServeSummary::default()), RunningIperf3::stop);
        let udpstp = udpstp.map_or(Ok(ServeSummary::default()), RunningUdpstp::stop);
        let all = [ended?.summary, beside?, udpstp?];
        Ok(ServeSummary {
            sessions: all.iter().map(|summary| summary.sessions).sum(),
            tested: all.iter().map(|summary| summary.tested).sum(),
            broken: all.iter().map(|summary| summary.broken).sum(),
        })
    }
}

/// The plan with the memory that the server's own sessions may use, and iperf3's clients likewise.
fn shared_memory(plan: &ServerPlan) -> ServerPlan {
    let mut plan = plan.clone();
    if plan.iperf3_bind.is_some() {
        plan.policy.max_memory /= 2;
    }
    plan
}

/// Logs the ports of other tools' dialogues.
fn note_ports(
    plan: &ServerPlan,
    iperf3: Option<&Iperf3Port>,
    udpstp: Option<&UdpstpPort>,
    log: &mut ServerLog,
) {
    if let Some(port) = iperf3 {
        log.note(&ServeRecord::Iperf3Port { address: port.local_addr().into() });
    }
    if let Some(port) = udpstp {
        let key = plan.udpstp.as_ref().is_some_and(|udpstp| udpstp.keys.is_some());
        log.note(&ServeRecord::UdpstpPort { address: port.local_addr().into(), key });
    }
}

/// What follows the address of the server's own port, if it has one. All sockets that are bound to
/// a zone are opened again when its interface is made again; the others wait for their address.
fn kept_sockets(opened: &ServerSockets) -> Vec<KeptSocket> {
    let has_zone = matches!(opened.local, SocketAddr::V6(v6) if v6.scope_id() != 0);
    let sockets = match (opened.local.ip().is_unspecified(), has_zone) {
        (true, _) => &[],
        (false, true) => &opened.sockets[..],
        (false, false) => &opened.sockets[..1],
    };
    let kept = sockets.iter().map(|socket| {
        // Opened again, it must share the port with its streams from the start.
        let bind = socket.local_addr();
        KeptSocket::bound(SocketPlan { bind, share_port: true, ..opened.listener.clone() })
    });
    kept.collect()
}

/// The control session, with secrets of its own.
fn control_session(
    plan: &ServerPlan,
    inbox: Receiver<ServeOrder>,
    engine: Engine,
) -> io::Result<ControlSession> {
    let mut generator = Random::open()?;
    let key = generator.key();
    let random: Numbers = Box::new(move || generator.next());
    let policy = ServePolicy {
        socket_buffer: plan.buffer as u64,
        receives: receive_shape(plan.io, plan.gro),
        ..plan.policy.clone()
    };
    let session = ServeControl::new(policy, TicketKey(key), inbox, engine, random);
    Ok(session.with_key(plan.key.clone()).with_log_level(plan.service.log_level))
}

/// What the server says of itself when a client asks.
fn engine_state(log: &RunningLog, memory: ProcessMemory) -> impl FnMut() -> EngineState + use<> {
    let (tests, traffic) = (log.open_tests(), log.traffic());
    move || {
        let (iperf3_sessions, iperf3_streams) = tests.read();
        let (traffic, resident_bytes) = (traffic.read(), memory.resident_bytes());
        let udpstp_connections = tests.udpstp();
        EngineState { traffic, resident_bytes, iperf3_sessions, iperf3_streams, udpstp_connections }
    }
}

/// Opens the ports that probes use from the start, and logs them.
fn hold_ports(
    ports: &mut ProbePorts,
    policy: &ServePolicy,
    log: &mut ServerLog,
) -> Vec<(u16, usize)> {
    let Some(wanted) = &policy.probe_ports else { return Vec::new() };
    let held = ports.hold(wanted, |port, error| {
        log.note(&ServeRecord::NoProbePort { port, failure: (&error).into() });
    });
    let open: PortList = held.iter().map(|(port, _)| *port).collect();
    if !open.is_empty() {
        log.note(&ServeRecord::ProbePorts { ports: open });
    }
    held
}

/// The STAMP Session-Reflector of both ports.
fn stamp_reflector(plan: &ServerPlan) -> StampReflector<impl FnMut() -> ErrorEstimate + use<>> {
    let key = plan.key.as_ref().map(ControlKey::stamp);
    let policy = StampPolicy { key, ..plan.stamp.clone() };
    StampReflector::new(policy, || match sys::real_time_error() {
        Some(error) => ErrorEstimate::of(error, TimeFormat::Ntp).synchronised(),
        None => ErrorEstimate::default(),
    })
}

/// An identifier of this host; `None` if the kernel provides none.
pub fn host_id() -> Option<HostId> {
    sys::host_id().map(HostId)
}
