//! The log of a server, before and while it runs.

use super::Handle;
use super::server_traffic::ServerTraffic;
use crate::record::{Flow, ServeRecord, Sink};
use crate::session::serve::ServeEvent;
use crate::sys;
use crate::units::Nanos;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type WriteLog = Box<dyn FnMut(Nanos, &ServeRecord) -> Flow + Send>;

/// Where a server's events go, and whether anybody still reads them.
pub(super) struct ServerLog {
    write: WriteLog,
    flow: Flow,
}

impl ServerLog {
    /// A log that is written so.
    pub fn new(write: impl FnMut(Nanos, &ServeRecord) -> Flow + Send + 'static) -> Self {
        Self { write: Box::new(write), flow: Flow::Continue }
    }

    /// Records an event with the current time.
    pub fn note(&mut self, record: &ServeRecord) {
        if (self.write)(sys::real_now(), record) == Flow::Closed {
            self.flow = Flow::Closed;
        }
    }
}

/// The tests of iperf3's clients that are open, and their streams, for whoever asks the server.
#[derive(Debug, Default)]
pub(super) struct OpenTests {
    sessions: AtomicUsize,
    streams: AtomicUsize,
    /// Connections of UDPSTP clients.
    udpstp: AtomicUsize,
}

impl OpenTests {
    /// So many there are now.
    pub fn set(&self, sessions: usize, streams: usize) {
        self.sessions.store(sessions, Ordering::Relaxed);
        self.streams.store(streams, Ordering::Relaxed);
    }

    /// So many connections of UDPSTP clients there are now.
    pub fn set_udpstp(&self, connections: usize) {
        self.udpstp.store(connections, Ordering::Relaxed);
    }

    /// How many of them there are.
    pub fn udpstp(&self) -> usize {
        self.udpstp.load(Ordering::Relaxed)
    }

    /// How many there are: tests, and streams.
    pub fn read(&self) -> (usize, usize) {
        (self.sessions.load(Ordering::Relaxed), self.streams.load(Ordering::Relaxed))
    }

    /// The status of the server's own sessions with these added.
    fn added_to(&self, record: &ServeRecord) -> Option<ServeRecord> {
        let ServeRecord::Status { sessions, streams } = *record else { return None };
        Some(ServeRecord::Status {
            sessions: sessions + self.sessions.load(Ordering::Relaxed) + self.udpstp(),
            streams: streams + self.streams.load(Ordering::Relaxed),
        })
    }
}

/// The log of a running server, which ends once nobody reads it any more. All threads that serve
/// share it.
#[derive(Clone)]
pub(super) struct RunningLog {
    log: Arc<Mutex<ServerLog>>,
    control: Handle,
    open_tests: Arc<OpenTests>,
    traffic: Arc<ServerTraffic>,
}

impl RunningLog {
    /// The log of a server that `control` ends.
    pub fn new(log: ServerLog, control: Handle) -> Self {
        if log.flow == Flow::Closed {
            // Nobody reads it: end the server, as at the next event.
            control.stop();
        }
        let (open_tests, traffic) = (Arc::default(), Arc::default());
        Self { log: Arc::new(Mutex::new(log)), control, open_tests, traffic }
    }

    /// What all streams have received and sent.
    pub fn traffic(&self) -> Arc<ServerTraffic> {
        Arc::clone(&self.traffic)
    }

    /// What is open beside the server's own sessions.
    pub fn open_tests(&self) -> Arc<OpenTests> {
        Arc::clone(&self.open_tests)
    }
}

impl Sink<ServeEvent> for RunningLog {
    fn take(&mut self, event: ServeEvent) -> Flow {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self.open_tests.added_to(&event.record);
        if (log.write)(event.at, status.as_ref().unwrap_or(&event.record)) == Flow::Closed {
            log.flow = Flow::Closed;
        }
        if log.flow == Flow::Closed {
            self.control.stop();
        }
        log.flow
    }
}
