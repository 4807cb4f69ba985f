//! The throughput server: the control loop on its port, and one thread per stream.

use super::confinement::PrivilegeDrop;
use super::probe_ports::ProbePorts;
use super::random::Random;
use super::stream::{RunningStream, StreamEnd, StreamError, StreamPlan, StreamRole};
use super::stun::{self, OtherAddresses, StunPlan};
use super::{Handle, Loop, LoopConfig, Placement, Signals};
use crate::batch::TxBatch;
use crate::net::{IoMode, NetError, SocketPlan, receive_shape};
use crate::record::{Flow, LocalFailure, ServeRecord, Sink};
use crate::session::blast::{
    ReceiverEvent, ReceiverPlan, ReceiverSummary, SenderEvent, SenderPlan,
};
use crate::session::serve::{
    ServeControl, ServeEvent, ServeOrder, ServePolicy, ServeSummary, StreamReport, StreamRequest,
};
use crate::session::stamp::{StampPolicy, StampReflector};
use crate::session::stun::{StunAlternate, StunPolicy, StunReflector};
use crate::sys::{self, ConfineError};
use crate::units::{Nanos, with_port};
use crate::wire::stamp::{ErrorEstimate, TimeFormat};
use crate::wire::{CONTROL_MAX, Class, ControlKey, HostId, PortList, TicketKey};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::mpsc::{Receiver, Sender, channel};

/// How often streams report counts to the control loop, and sessions are checked for expiry.
const TICK: Nanos = Nanos::from_millis(50);
/// A stream is ended after its sender has been silent for this long.
const SILENCE: Nanos = Nanos::from_secs(15);
/// Replies per batch: as many as the loop receives in one turn, so that a flood of requests cannot
/// arrive faster than replies leave.
const REPLIES: usize = 1_024;
/// Largest datagram that a reflector receives whole: any UDP datagram. Buffer memory is only
/// committed as far as datagrams have filled it.
const LARGEST: usize = 65_535;

/// Configuration of a server.
#[derive(Clone, Debug)]
pub struct ServerPlan {
    /// Address to listen on.
    pub bind: SocketAddr,
    /// On `[::]`, whether IPv4 is served too.
    pub dual_stack: bool,
    /// Limits.
    pub policy: ServePolicy,
    /// The key that clients must have; `None` accepts clients without one.
    pub key: Option<ControlKey>,
    /// Limits for STAMP, which is served on the control port; it uses the key above.
    pub stamp: StampPolicy,
    /// An additional port for STAMP only; on `[::]` `dual_stack` applies.
    pub stamp_bind: Option<SocketAddr>,
    /// STUN on the control port; `None` for none. With a key there is none.
    pub stun: Option<StunPlan>,
    /// Batch system calls that streams may use.
    pub io: IoMode,
    /// Whether streams may use coalesced receiving (GRO).
    pub gro: bool,
    /// Socket buffer size to request, in bytes.
    pub buffer: usize,
    /// Processors for stream threads, in rotation; empty to choose automatically.
    pub cpus: Vec<usize>,
    /// Privileges to drop once all sockets are open; `None` leaves the process as it is.
    pub confinement: Option<PrivilegeDrop>,
}

type WriteLog = Box<dyn FnMut(Nanos, &ServeRecord) -> Flow + Send>;

/// Where a server's events go, and whether the sink still accepts them.
struct Log {
    write: WriteLog,
    flow: Flow,
}

impl Log {
    /// Records an event with the current time.
    fn take(&mut self, record: &ServeRecord) {
        self.take_at(sys::real_now(), record);
    }

    fn take_at(&mut self, at: Nanos, record: &ServeRecord) {
        if (self.write)(at, record) == Flow::Closed {
            self.flow = Flow::Closed;
        }
    }
}

type Numbers = Box<dyn FnMut() -> u64 + Send>;

/// An open server, not yet running.
pub struct Server {
    control: Loop,
    session: ServeControl<Receiver<ServeOrder>, Streams, Numbers>,
    local: SocketAddr,
}

impl Server {
    /// Opens the port. With [`ServerPlan::confinement`] the process must have only one thread.
    /// `log` receives each event an operator may want to see, with its time on the real-time clock;
    /// if it returns that nobody is reading any more, the server ends.
    pub fn open(
        plan: &ServerPlan,
        signals: Option<Signals>,
        log: impl FnMut(Nanos, &ServeRecord) -> Flow + Send + 'static,
    ) -> Result<Self, ServerError> {
        let listener = SocketPlan {
            dual_stack: plan.dual_stack,
            details: true,
            // A STAMP reply carries the kernel's arrival time stamp.
            accounting: true,
            // So that hops can be counted (RFC 8762 §4.3).
            ttl: Some(255),
            io: plan.io,
            ..SocketPlan::new(plan.bind)
        };
        let socket = listener.open()?;
        // Only now: a second server on this port must fail, but stream sockets must be able to
        // share it.
        socket.allow_sharing()?;
        let local = socket.local_addr();
        let mut others = Vec::new();
        let config = LoopConfig { tick: Some(TICK), largest: LARGEST, ..LoopConfig::default() };
        let mut log = Log { write: Box::new(log), flow: Flow::Continue };
        let mut sockets = vec![socket];
        log.take(&ServeRecord::Listening { address: local.into(), key: plan.key.is_some() });
        if let Some(bind) = plan.stamp_bind {
            let news = match (SocketPlan { bind, ..listener.clone() }).open() {
                Ok(socket) => {
                    let address = socket.local_addr();
                    sockets.push(socket);
                    others.push(Class::Stamp);
                    ServeRecord::StampPort { address: address.into() }
                }
                Err(error) => ServeRecord::NoStampPort { failure: (&error).into() },
            };
            log.take(&news);
        }
        let stun = plan.stun.filter(|_| plan.key.is_none());
        let mut policy = StunPolicy { port: local.port(), ..StunPolicy::default() };
        if let Some(plan) = stun {
            (policy.rate, policy.short) = (plan.rate, plan.short);
            match stun::open_alternate(
                plan.alternate,
                &SocketPlan { bind: local, ..listener.clone() },
            ) {
                None => {}
                Some(Ok(socket)) => {
                    let address = socket.local_addr();
                    log.take(&ServeRecord::StunAlternate { address: address.into() });
                    let number = sockets.len();
                    policy.alternate = Some(StunAlternate { socket: number, port: address.port() });
                    sockets.push(socket);
                    others.push(Class::Stun);
                }
                Some(Err(error)) => {
                    log.take(&ServeRecord::NoStunAlternate { failure: (&error).into() });
                }
            }
        }
        let own = sockets.len();
        let control = Loop::new(sockets, signals, config)?;
        // On a virtual path, a packet counter would see a coalesced buffer as one packet.
        let io = plan.io.uncoalesced();
        let each = SocketPlan { bind: with_port(plan.bind, 0), io, ..listener };
        let mut ports = ProbePorts::new(each, control.adoption(), own);
        let held = hold_ports(&mut ports, &plan.policy, &mut log);
        // Read before the file system becomes inaccessible.
        let host = host_id();
        if let Some(confinement) = &plan.confinement {
            let record = confinement.apply(local.port(), plan.buffer)?;
            log.take(&record);
        }
        if log.flow == Flow::Closed {
            // Nobody reads the log: end the server, as it would at the next event.
            control.handle().stop();
        }
        let (orders, inbox) = channel();
        let streams = Streams {
            plan: plan.clone(),
            port: local.port(),
            running: HashMap::new(),
            ports,
            orders,
            control: control.handle(),
            log,
        };
        let mut generator = Random::open()?;
        let key = generator.key();
        let random: Numbers = Box::new(move || generator.next());
        let served = ServePolicy {
            socket_buffer: plan.buffer as u64,
            receives: receive_shape(plan.io, plan.gro),
            ..plan.policy.clone()
        };
        let mut session = ServeControl::new(served, TicketKey(key), inbox, streams, random)
            .on_host(host)
            .on_ports(local.port(), &held)
            .with_key(plan.key.clone())
            .with_reflector(Class::Stamp, Box::new(stamp_reflector(plan)));
        if stun.is_some() {
            let addresses = OtherAddresses::new(plan.bind.ip());
            let reflector = StunReflector::new(policy, addresses.into_closure());
            session = session.with_reflector(Class::Stun, Box::new(reflector));
        }
        for class in others {
            session = session.with_port(class);
        }
        Ok(Self { control, session, local })
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
        self.control.run(self.session, batch).map(|ended| ended.summary)
    }
}

/// Opens the ports that probes use from the start, and logs them.
fn hold_ports(ports: &mut ProbePorts, policy: &ServePolicy, log: &mut Log) -> Vec<(u16, usize)> {
    let Some(wanted) = &policy.probe_ports else { return Vec::new() };
    let held = ports.hold(wanted, |port, error| {
        log.take(&ServeRecord::NoProbePort { port, failure: (&error).into() });
    });
    let open: PortList = held.iter().map(|(port, _)| *port).collect();
    if !open.is_empty() {
        log.take(&ServeRecord::ProbePorts { ports: open });
    }
    held
}

/// The STAMP Session-Reflector of both ports.
fn stamp_reflector(plan: &ServerPlan) -> StampReflector<impl FnMut() -> ErrorEstimate + use<>> {
    let key = plan.key.as_ref().map(ControlKey::stamp);
    let policy = StampPolicy { key, ..plan.stamp.clone() };
    StampReflector::new(policy, || match sys::real_time_error() {
        Some(error) => ErrorEstimate::of(error, true, TimeFormat::Ntp),
        None => ErrorEstimate::default(),
    })
}

/// Why a server could not open.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Its socket failed.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its loop failed.
    #[error("cannot start the server's loop")]
    Loop(#[from] io::Error),
    /// Dropping privileges failed.
    #[error(transparent)]
    Confine(#[from] ConfineError),
}

/// An identifier of this host; `None` if the kernel provides none.
pub fn host_id() -> Option<HostId> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    (!id.is_empty()).then(|| HostId(id.to_owned()))
}

/// The streams of all sessions, which carry out the control session's orders.
struct Streams {
    plan: ServerPlan,
    port: u16,
    running: HashMap<(u64, u32), RunningStream>,
    ports: ProbePorts,
    orders: Sender<ServeOrder>,
    control: Handle,
    log: Log,
}

impl Sink<ServeEvent> for Streams {
    fn take(&mut self, event: ServeEvent) -> Flow {
        match event {
            ServeEvent::Open(request) => {
                let (session, stream) = (request.session, request.stream);
                let result = match self.open(*request) {
                    Ok(running) => {
                        self.running.insert((session, stream), running);
                        Ok(())
                    }
                    Err(error) => Err(LocalFailure::from(&error)),
                };
                // The control session processes this result before it answers anything else.
                let news = StreamReport::Opened(result);
                let _ = self.orders.send(ServeOrder { session, stream, news });
            }
            ServeEvent::OpenPorts(request) => {
                let news = StreamReport::Ports(Box::new(self.ports.open(&request)));
                let _ = self.orders.send(ServeOrder { session: request.session, stream: 0, news });
            }
            ServeEvent::ClosePorts { sockets } => self.ports.close(&sockets),
            ServeEvent::Total { session, stream, total } => {
                if let Some(running) = self.running.get(&(session, stream)) {
                    running.announce_total(total);
                }
            }
            ServeEvent::StopSenders { session } => {
                let of_session = self.running.iter().filter(|((id, _), _)| *id == session);
                for (_, running) in of_session.filter(|(_, running)| running.sends()) {
                    running.stop();
                }
            }
            ServeEvent::Close { session } => {
                // Ask all of them to stop before waiting for the first.
                for (_, running) in self.running.iter().filter(|((id, _), _)| *id == session) {
                    running.stop();
                }
                self.running.retain(|(id, _), _| *id != session);
            }
            ServeEvent::GiveBack => sys::give_memory_back(),
            ServeEvent::Log { at, record } => {
                self.log.take_at(at, &record);
                if self.log.flow == Flow::Closed {
                    self.control.stop();
                }
            }
        }
        Flow::Continue
    }
}

impl Streams {
    fn open(&self, request: StreamRequest) -> Result<RunningStream, StreamError> {
        let StreamRequest { session, stream, .. } = request;
        let up = request.plan.is_up(stream);
        let socket = SocketPlan {
            connect: Some(request.peer),
            share_port: true,
            accounting: up,
            gro: up && self.plan.gro,
            io: self.plan.io,
            buffer: request.buffer as usize,
            ..SocketPlan::new(stream_address(request.local, request.peer, self.port))
        };
        let out = ToControl { session, stream, orders: self.orders.clone() };
        let back = ToControl { session, stream, orders: self.orders.clone() };
        let role = if up {
            let plan = ReceiverPlan {
                tag: request.tag,
                payload: request.plan.payload as usize,
                window: request.plan.window,
                verify: request.plan.verify,
                interval: request.plan.interval,
                per_drop: if self.plan.gro { ReceiverPlan::COALESCED } else { 1 },
                patience: SILENCE,
                // The server's policy limits the duration of a session's runs.
                time: Nanos::ZERO,
                go_ahead: request.go_ahead,
            };
            StreamRole::Receive(plan, Box::new(out))
        } else {
            let plan = SenderPlan::new(request.plan, stream, request.tag);
            StreamRole::Send(plan.telling_refusals(), Some(Box::new(out)))
        };
        let placement = match &self.plan.cpus[..] {
            [] => Placement::for_run(request.plan.rate, request.one_host),
            cpus => Placement::listed(cpus.to_vec()),
        };
        let (cpu, shared) = (placement.of(stream), placement.is_paired());
        let payload = request.plan.payload as usize;
        let plan = StreamPlan { socket, payload, opening: None, cpu, shared, role };
        let control = self.control.clone();
        RunningStream::start(plan, move |end| {
            back.tell(match end {
                StreamEnd::Sent(summary, io) => StreamReport::Sent(Box::new(summary.sent), io),
                StreamEnd::Received(summary, io) => {
                    let ReceiverSummary { received, delay, .. } = *summary;
                    StreamReport::Received(Box::new(received), Box::new(delay), io)
                }
                StreamEnd::Failed(error) => StreamReport::Failed(LocalFailure::from(&error)),
            });
            control.wake();
        })
    }
}

/// Forwards a stream's events to the control session.
struct ToControl {
    session: u64,
    stream: u32,
    orders: Sender<ServeOrder>,
}

impl ToControl {
    fn tell(&self, news: StreamReport) -> Flow {
        let Self { session, stream, .. } = *self;
        match self.orders.send(ServeOrder { session, stream, news }) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Closed,
        }
    }
}

impl Sink<ReceiverEvent> for ToControl {
    fn take(&mut self, event: ReceiverEvent) -> Flow {
        self.tell(match event {
            ReceiverEvent::Interval(interval) => StreamReport::Interval(interval),
            ReceiverEvent::Progress(received) => StreamReport::Progress(received),
        })
    }
}

impl Sink<SenderEvent> for ToControl {
    fn take(&mut self, event: SenderEvent) -> Flow {
        match event {
            SenderEvent::Refused => self.tell(StreamReport::Refused),
            // Nobody asks about sending progress.
            SenderEvent::Started | SenderEvent::Progress { .. } => Flow::Continue,
        }
    }
}

/// Where a stream's socket is bound: the address that the client contacted, on the server's port.
fn stream_address(local: Option<IpAddr>, peer: SocketAddr, port: u16) -> SocketAddr {
    match (local, peer) {
        (Some(IpAddr::V6(ip)), SocketAddr::V6(peer)) => {
            SocketAddrV6::new(ip, port, 0, peer.scope_id()).into()
        }
        (Some(ip), _) => (ip, port).into(),
        (None, SocketAddr::V4(_)) => (Ipv4Addr::UNSPECIFIED, port).into(),
        (None, SocketAddr::V6(_)) => (Ipv6Addr::UNSPECIFIED, port).into(),
    }
}
