//! UDPSTP's port of a server, a port for each connection of its tests, and the thread that serves
//! them beside the server's own loop.

use super::random::random_u64;
use super::server_error::ServerError;
use super::server_log::{OpenTests, RunningLog};
use super::server_plan::{ServerPlan, UdpstpServerPlan};
use super::{Handle, Loop, LoopConfig, SocketRegistry};
use crate::batch::TxBatch;
use crate::machine::Executor;
use crate::net::SocketPlan;
use crate::record::{Flow, Sink};
use crate::session::serve::{ServeEvent, ServeSummary};
use crate::session::udpstp::{BATCH, UdpstpCommand, UdpstpOrder, UdpstpPolicy, UdpstpServer};
use crate::units::with_port;
use crate::wire::udpstp::MOST_CONTROL;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// Most kernel buffer to request for a connection, in bytes.
const BUFFER: usize = 8 << 20;

/// The open port, not yet served.
pub(super) struct UdpstpPort {
    control: Loop,
    local: SocketAddr,
    /// The settings of the ports of connections.
    each: SocketPlan,
    orders: Sender<UdpstpOrder>,
    inbox: Receiver<UdpstpOrder>,
}

/// The thread that serves it.
pub(super) struct RunningUdpstp {
    handle: Handle,
    thread: JoinHandle<io::Result<ServeSummary>>,
}

impl UdpstpPort {
    /// Opens the port.
    pub fn open(plan: &ServerPlan, udpstp: &UdpstpServerPlan) -> Result<Self, ServerError> {
        let bind = udpstp.bind;
        let listener = SocketPlan {
            dual_stack: plan.dual_stack && bind.ip().is_unspecified(),
            details: true,
            accounting: true,
            io: plan.io,
            ..SocketPlan::new(bind)
        };
        let socket = listener.open()?;
        let local = socket.local_addr();
        let each = SocketPlan {
            bind: with_port(bind, 0),
            gro: plan.gro,
            buffer: plan.buffer.min(BUFFER),
            ..listener
        };
        let config = LoopConfig { largest: MOST_CONTROL + 1, ..LoopConfig::default() };
        let control = Loop::new(vec![socket], None, config)?;
        let (orders, inbox) = channel();
        Ok(Self { control, local, each, orders, inbox })
    }

    /// Where what serves it is told something, and what wakes it for that.
    pub fn orders(&self) -> (Sender<UdpstpOrder>, Handle) {
        (self.orders.clone(), self.control.handle())
    }

    /// Its address.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves it in a thread, which ends the `server` once it is over.
    pub fn start(
        self,
        plan: &ServerPlan,
        udpstp: &UdpstpServerPlan,
        log: RunningLog,
        server: Handle,
    ) -> io::Result<RunningUdpstp> {
        let handle = self.control.handle();
        let ports = TestPorts {
            each: self.each,
            adoption: self.control.adoption(),
            next: 1,
            open: 0,
            orders: self.orders,
            tests: log.open_tests(),
            log,
        };
        let policy = UdpstpPolicy {
            serve: plan.policy.clone(),
            keys: udpstp.keys.clone(),
            bandwidth: udpstp.bandwidth,
        };
        let session = UdpstpServer::new(policy, self.inbox, ports, random_u64()?);
        let control = self.control;
        let thread = thread::Builder::new().name("udpstp".to_owned()).spawn(move || {
            let ended = control.run(session, TxBatch::new(BATCH.0, BATCH.1));
            server.stop();
            ended.map(|ended| ended.summary)
        })?;
        Ok(RunningUdpstp { handle, thread })
    }
}

impl RunningUdpstp {
    /// Ends it and returns its totals.
    pub fn stop(self) -> io::Result<ServeSummary> {
        self.handle.stop();
        // A panic is printed by its thread.
        self.thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }
}

/// Opens and closes the ports of connections.
struct TestPorts {
    each: SocketPlan,
    adoption: SocketRegistry,
    /// The number of the next socket; none is given twice.
    next: usize,
    /// Those that are open.
    open: usize,
    orders: Sender<UdpstpOrder>,
    tests: Arc<OpenTests>,
    log: RunningLog,
}

impl Executor<UdpstpCommand> for TestPorts {
    fn execute(&mut self, command: UdpstpCommand) {
        let order = match command {
            UdpstpCommand::Close { socket } => {
                self.adoption.remove(socket);
                self.count(self.open.saturating_sub(1));
                return;
            }
            UdpstpCommand::Open { test, peer, .. } => match self.open(peer) {
                Some((socket, port)) => UdpstpOrder::Opened { test, socket, port },
                None => UdpstpOrder::NotOpened { test },
            },
        };
        // The session that would take it runs in this very thread.
        let _ = self.orders.send(order);
    }
}

impl TestPorts {
    /// Opens a port for a client at `peer`: its zone is that of the interface that is there now.
    fn open(&mut self, peer: SocketAddr) -> Option<(usize, u16)> {
        let mut bind = self.each.bind;
        if let (SocketAddr::V6(bind), SocketAddr::V6(peer)) = (&mut bind, peer)
            && bind.scope_id() != 0
            && peer.scope_id() != 0
        {
            bind.set_scope_id(peer.scope_id());
        }
        let socket = SocketPlan { bind, ..self.each.clone() }.open().ok()?;
        let (number, port) = (self.next, socket.local_addr().port());
        self.next += 1;
        self.adoption.add(number, socket);
        self.count(self.open + 1);
        Some((number, port))
    }

    fn count(&mut self, open: usize) {
        self.open = open;
        self.tests.set_udpstp(open);
    }
}

impl Sink<ServeEvent> for TestPorts {
    fn take(&mut self, event: ServeEvent) -> Flow {
        self.log.take(event)
    }
}
