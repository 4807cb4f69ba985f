//! iperf3's port of a server: TCP for the control connections, UDP of the same number for what opens
//! streams, and the thread that serves both beside the server's own loop.

use super::Handle;
use super::byte_server_loop::ByteServerLoop;
use super::server_error::ServerError;
use super::server_log::RunningLog;
use super::server_plan::ServerPlan;
use super::server_streams::ServerStreams;
use crate::net::{DamageMeter, HostReader, ListenerPlan, SocketPlan, receive_shape};
use crate::session::iperf3::server::Iperf3Server;
use crate::session::serve::{ServeOrder, ServePolicy, ServeSummary};
use crate::units::with_port;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// The open port, not yet served.
pub(super) struct Iperf3Port {
    control: ByteServerLoop,
    local: SocketAddr,
    counters: (HostReader, DamageMeter),
    orders: Sender<ServeOrder>,
    inbox: Receiver<ServeOrder>,
}

/// The thread that serves it.
pub(super) struct RunningIperf3 {
    handle: Handle,
    thread: JoinHandle<io::Result<ServeSummary>>,
}

impl Iperf3Port {
    /// Opens the port on `bind`.
    pub fn open(plan: &ServerPlan, bind: SocketAddr) -> Result<Self, ServerError> {
        let dual_stack = plan.dual_stack && bind.ip().is_unspecified();
        let listener = ListenerPlan { bind, dual_stack }.open()?;
        let local = listener.local_addr().map_err(ServerError::Loop)?;
        let socket = SocketPlan {
            dual_stack,
            // A stream's socket is bound to the address that its client contacted.
            details: true,
            io: plan.io,
            ..SocketPlan::new(with_port(bind, local.port()))
        };
        let socket = socket.open()?;
        // Only now: a second server on this port must fail, but streams share it.
        socket.allow_sharing()?;
        let control = ByteServerLoop::new(listener, socket)?;
        let (orders, inbox) = channel();
        let counters = (HostReader::open(), DamageMeter::open());
        Ok(Self { control, local, counters, orders, inbox })
    }

    /// Where what serves it is told something, and what wakes it for that.
    pub fn orders(&self) -> (Sender<ServeOrder>, Handle) {
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
        log: RunningLog,
        server: Handle,
    ) -> io::Result<RunningIperf3> {
        let handle = self.control.handle();
        let (orders, inbox) = (self.orders, self.inbox);
        let port = self.local.port();
        let (counters, damage) = self.counters;
        let counters = (counters, damage, None);
        let streams = ServerStreams::new(plan.clone(), port, counters, orders, handle.clone())
            .counted_in(log.open_tests())
            .counting(log.traffic());
        let policy = ServePolicy {
            socket_buffer: plan.buffer as u64,
            receives: receive_shape(plan.io, plan.gro),
            ..plan.policy.clone()
        };
        let (control, users) = (self.control, plan.iperf3_users.clone());
        let is_watched = plan.watch.is_some();
        let thread = thread::Builder::new().name("iperf3".to_owned()).spawn(move || {
            let session = Iperf3Server::new(policy, inbox, (streams, log)).for_users(users);
            let session = session.watched(is_watched);
            let ended = control.run(session);
            server.stop();
            ended
        })?;
        Ok(RunningIperf3 { handle, thread })
    }
}

impl RunningIperf3 {
    /// Ends it and returns its totals.
    pub fn stop(self) -> io::Result<ServeSummary> {
        self.handle.stop();
        // A panic is printed by its thread.
        self.thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }
}
