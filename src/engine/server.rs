//! The far end of a throughput run: the control loop on its port, and a thread for each stream.

use super::confinement::Confinement;
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
    ServeControl, ServeEvent, ServeOrder, ServePolicy, ServeSummary, StreamNews, StreamRequest,
};
use crate::session::stamp::{StampPolicy, StampReflector};
use crate::session::stun::{StunAlternate, StunPolicy, StunReflector};
use crate::sys::{self, ConfineError};
use crate::units::Nanos;
use crate::wire::stamp::{ErrorEstimate, TimeFormat};
use crate::wire::{CONTROL_MAX, Class, ControlKey, HostId, PortList, TicketKey};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::mpsc::{Receiver, Sender, channel};

/// How often counts travel from a stream to the control loop, and sessions are looked through.
const TICK: Nanos = Nanos::from_millis(50);
/// Silence after which a stream's sender is given up.
const SILENCE: Nanos = Nanos::from_secs(15);
/// Replies that one batch holds: as many as the loop receives in one turn, or a flood of requests
/// would come in faster than its replies go out.
const REPLIES: usize = 1_024;
/// Largest datagram that a reflector is shown whole: any that there is. A buffer's memory is taken
/// only as far as a datagram has filled it.
const LARGEST: usize = 65_535;

/// What a server is told before it opens.
#[derive(Clone, Debug)]
pub struct ServerPlan {
    /// Where to listen.
    pub bind: SocketAddr,
    /// On `[::]`, whether IPv4 is served too.
    pub dual_stack: bool,
    /// Limits.
    pub policy: ServePolicy,
    /// The key that clients must have; `None` serves those without one.
    pub key: Option<ControlKey>,
    /// STAMP beside the dialogue: its limits; the key is the one above.
    pub stamp: StampPolicy,
    /// One more port, for STAMP alone; on `[::]` as `dual_stack` says.
    pub stamp_bind: Option<SocketAddr>,
    /// STUN beside the dialogue; `None` for none, and with a key there is none.
    pub stun: Option<StunPlan>,
    /// Batch calls that streams may use.
    pub io: IoMode,
    /// Whether streams may receive coalesced.
    pub gro: bool,
    /// Socket buffers to ask for, in bytes.
    pub buffer: usize,
    /// Processors for the streams' threads, in turn; none for what suits the run.
    pub cpus: Vec<usize>,
    /// What the process gives up once all is open; `None` to leave the process as it is.
    pub confinement: Option<Confinement>,
}

type WriteLog = Box<dyn FnMut(Nanos, &ServeRecord) -> Flow + Send>;

/// Where a server's events go, and whether anybody still reads them.
struct Log {
    write: WriteLog,
    flow: Flow,
}

impl Log {
    /// Tells of what happens now.
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
    /// Opens the port. With [`ServerPlan::confinement`] the process must have one thread. `log` takes each thing that an operator wants to read, with its time on the
    /// real-time clock; when it answers that nobody reads any more, the server ends.
    pub fn open(
        plan: &ServerPlan,
        signals: Option<Signals>,
        log: impl FnMut(Nanos, &ServeRecord) -> Flow + Send + 'static,
    ) -> Result<Self, ServerError> {
        let listener = SocketPlan {
            dual_stack: plan.dual_stack,
            details: true,
            // Arrival as the kernel stamps it is what a STAMP reply tells.
            accounting: true,
            // So that hops can be counted (RFC 8762 §4.3).
            ttl: Some(255),
            io: plan.io,
            ..SocketPlan::new(plan.bind)
        };
        let socket = listener.open()?;
        // Only now: a second server on this port must fail, a stream's socket must not.
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
        // A coalesced buffer would be one packet to whoever counts them on a virtual path.
        let io = plan.io.uncoalesced();
        let each = SocketPlan { bind: SocketAddr::new(plan.bind.ip(), 0), io, ..listener };
        let mut ports = ProbePorts::new(each, control.adoption(), own);
        let held = hold_ports(&mut ports, &plan.policy, &mut log);
        // Before files are out of reach.
        let host = host_id();
        if let Some(confinement) = &plan.confinement {
            let record = confinement.apply(local.port(), plan.buffer)?;
            log.take(&record);
        }
        if log.flow == Flow::Closed {
            // Nobody reads what it tells: it ends as it would at the next event.
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

    /// The address that is served, with the port that the kernel chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The means to end it from another thread.
    pub fn handle(&self) -> Handle {
        self.control.handle()
    }

    /// Serves until it is ended.
    pub fn run(self) -> io::Result<ServeSummary> {
        let batch = TxBatch::new(REPLIES, REPLIES * CONTROL_MAX);
        self.control.run(self.session, batch).map(|ended| ended.summary)
    }
}

/// Opens the ports that are held for probes from the start, and tells the operator.
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

/// The session-reflector of both ports.
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
    /// Its socket.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its loop.
    #[error("cannot start the server's loop")]
    Loop(#[from] io::Error),
    /// Its privileges, which it could not lay down.
    #[error(transparent)]
    Confine(#[from] ConfineError),
}

/// What this host knows itself by; `None` where the kernel does not tell.
pub fn host_id() -> Option<HostId> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    (!id.is_empty()).then(|| HostId(id.to_owned()))
}

/// The streams of all sessions, and where the control session's wishes go.
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
                // The control session reads its orders before it answers anything else.
                let news = StreamNews::Opened(result);
                let _ = self.orders.send(ServeOrder { session, stream, news });
            }
            ServeEvent::OpenPorts(request) => {
                let news = StreamNews::Ports(Box::new(self.ports.open(&request)));
                let _ = self.orders.send(ServeOrder { session: request.session, stream: 0, news });
            }
            ServeEvent::ClosePorts { sockets } => self.ports.close(&sockets),
            ServeEvent::Total { session, stream, total } => {
                if let Some(running) = self.running.get(&(session, stream)) {
                    running.tell_total(total);
                }
            }
            ServeEvent::StopSenders { session } => {
                let of_session = self.running.iter().filter(|((id, _), _)| *id == session);
                for (_, running) in of_session.filter(|(_, running)| running.sends()) {
                    running.stop();
                }
            }
            ServeEvent::Close { session } => {
                // All are told before the first is waited for.
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
                // Its policy bounds a session's runs.
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
                StreamEnd::Sent(summary, io) => StreamNews::Sent(Box::new(summary.sent), io),
                StreamEnd::Received(summary, io) => {
                    let ReceiverSummary { received, delay, .. } = *summary;
                    StreamNews::Received(Box::new(received), Box::new(delay), io)
                }
                StreamEnd::Failed(error) => StreamNews::Failed(LocalFailure::from(&error)),
            });
            control.wake();
        })
    }
}

/// What a stream tells, on its way to the control session.
struct ToControl {
    session: u64,
    stream: u32,
    orders: Sender<ServeOrder>,
}

impl ToControl {
    fn tell(&self, news: StreamNews) -> Flow {
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
            ReceiverEvent::Interval(interval) => StreamNews::Interval(interval),
            ReceiverEvent::Progress(received) => StreamNews::Progress(received),
        })
    }
}

impl Sink<SenderEvent> for ToControl {
    fn take(&mut self, event: SenderEvent) -> Flow {
        match event {
            SenderEvent::Refused => self.tell(StreamNews::Refused),
            // Nobody asks about what is still being sent.
            SenderEvent::Started | SenderEvent::Progress { .. } => Flow::Continue,
        }
    }
}

/// Where a stream's socket is bound: the address that the client asked, on the server's port.
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
