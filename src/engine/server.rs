//! The far end of a throughput run: the control loop on its port, and a thread for each stream.

use super::{Handle, Loop, LoopConfig, Signals};
use crate::batch::TxBatch;
use crate::net::{IoMode, NetError, SocketPlan};
use crate::record::{Flow, Sink};
use crate::session::blast::{BlastReceiver, ReceiverEvent, ReceiverOrder, ReceiverPlan};
use crate::session::serve::{ServeControl, ServeEvent, ServeOrder, ServePolicy, StreamRequest};
use crate::units::Nanos;
use crate::wire::{CONTROL_MAX, TicketKey};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// How often counts travel from a stream to the control loop, and sessions are looked through.
const TICK: Nanos = Nanos::from_millis(50);
/// Replies that one batch holds.
const REPLIES: usize = 64;

/// What a server is told before it opens.
#[derive(Clone, Debug)]
pub struct ServerPlan {
    /// Where to listen.
    pub bind: SocketAddr,
    /// On `[::]`, whether IPv4 is served too.
    pub dual_stack: bool,
    /// Limits.
    pub policy: ServePolicy,
    /// Batch calls that streams may use.
    pub io: IoMode,
    /// Whether streams may receive coalesced.
    pub gro: bool,
    /// Socket buffers to ask for, in bytes.
    pub buffer: usize,
}

type Log = Box<dyn FnMut(&str) + Send>;
type Random = Box<dyn FnMut() -> u64 + Send>;

/// An open server, not yet running.
pub struct Server {
    control: Loop,
    session: ServeControl<Receiver<ServeOrder>, Streams, Random>,
    local: SocketAddr,
}

impl Server {
    /// Opens the port. `log` takes one line for each thing that an operator wants to read.
    pub fn open(
        plan: &ServerPlan,
        signals: Option<Signals>,
        log: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, ServerError> {
        let listener = SocketPlan {
            dual_stack: plan.dual_stack,
            details: true,
            io: plan.io,
            ..SocketPlan::new(plan.bind)
        };
        let socket = listener.open()?;
        // Only now: a second server on this port must fail, a stream's socket must not.
        socket.allow_sharing()?;
        let local = socket.local_addr();
        let config = LoopConfig { tick: Some(TICK), largest: CONTROL_MAX + 1, spin: false };
        let control = Loop::new(vec![socket], signals, config)?;
        let (orders, inbox) = channel();
        let streams = Streams {
            plan: plan.clone(),
            port: local.port(),
            running: HashMap::new(),
            orders,
            control: control.handle(),
            log: Box::new(log),
        };
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let random: Random = Box::new(random_u64);
        let session = ServeControl::new(plan.policy, TicketKey(key), inbox, streams, random);
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
    pub fn run(self) -> io::Result<()> {
        let batch = TxBatch::new(REPLIES, REPLIES * CONTROL_MAX);
        self.control.run(self.session, batch).map(|_| ())
    }
}

/// Why a server could not open.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Its socket.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its loop.
    #[error("cannot start the server's loop: {0}")]
    Loop(#[from] io::Error),
}

/// A random number that nobody can guess; zero would only be a name among others.
pub fn random_u64() -> u64 {
    getrandom::u64().unwrap_or_default()
}

/// The streams of all sessions, and where the control session's wishes go.
struct Streams {
    plan: ServerPlan,
    port: u16,
    running: HashMap<u64, Running>,
    orders: Sender<ServeOrder>,
    control: Handle,
    log: Log,
}

/// One stream's thread. Dropping it ends the stream and waits for its thread.
struct Running {
    orders: Sender<ReceiverOrder>,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            // A panic in the stream was printed by its thread; the server goes on.
            let _ = thread.join();
        }
    }
}

impl Sink<ServeEvent> for Streams {
    fn take(&mut self, event: ServeEvent) -> Flow {
        match event {
            ServeEvent::Open(request) => {
                let session = request.session;
                let result = match self.open(*request) {
                    Ok(running) => {
                        self.running.insert(session, running);
                        Ok(())
                    }
                    Err(error) => Err(error.to_string()),
                };
                // The control session reads its orders before it answers anything else.
                let _ = self.orders.send(ServeOrder::Opened { session, result });
            }
            ServeEvent::Total { session, total } => {
                if let Some(running) = self.running.get(&session) {
                    let _ = running.orders.send(ReceiverOrder::Total(total));
                    running.handle.wake();
                }
            }
            ServeEvent::Close { session } => {
                self.running.remove(&session);
            }
            ServeEvent::Log(line) => (self.log)(&line),
        }
        Flow::Continue
    }
}

impl Streams {
    fn open(&self, request: StreamRequest) -> Result<Running, ServerError> {
        let plan = SocketPlan {
            connect: Some(request.peer),
            share_port: true,
            accounting: true,
            gro: self.plan.gro,
            io: self.plan.io,
            buffer: self.plan.buffer,
            ..SocketPlan::new(stream_address(request.local, request.peer, self.port))
        };
        let socket = plan.open()?;
        let payload = request.plan.payload as usize;
        let config =
            LoopConfig { tick: Some(TICK), largest: payload.max(CONTROL_MAX) + 1, spin: false };
        let stream = Loop::new(vec![socket], None, config)?;
        let handle = stream.handle();
        let (orders, inbox) = channel();
        let session = request.session;
        let sink = ToControl { session, orders: self.orders.clone() };
        let plan = ReceiverPlan {
            tag: request.tag,
            payload,
            verify: request.plan.verify,
            interval: request.plan.interval,
            go_ahead: request.go_ahead,
        };
        let control = self.control.clone();
        let back = self.orders.clone();
        let thread = thread::Builder::new().name("stream".to_owned()).spawn(move || {
            let batch = TxBatch::new(1, CONTROL_MAX);
            if let Ok(ended) = stream.run(BlastReceiver::new(plan, inbox, sink), batch) {
                let mut received = Box::new(ended.summary.received);
                received.cpu_ns = Some(ended.cpu.0);
                let socket = &ended.sockets[0];
                let (rx, buffer) = (socket.io_used().rx, socket.buffer_sizes().receive_granted);
                let buffer = buffer as u64;
                let _ = back.send(ServeOrder::Ended { session, received, rx, buffer });
                control.wake();
            }
        })?;
        Ok(Running { orders, handle, thread: Some(thread) })
    }
}

/// What a stream tells, on its way to the control session.
struct ToControl {
    session: u64,
    orders: Sender<ServeOrder>,
}

impl Sink<ReceiverEvent> for ToControl {
    fn take(&mut self, event: ReceiverEvent) -> Flow {
        let session = self.session;
        let order = match event {
            ReceiverEvent::Interval(interval) => ServeOrder::Interval { session, interval },
            ReceiverEvent::Progress(received) => ServeOrder::Progress { session, received },
        };
        match self.orders.send(order) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Closed,
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
