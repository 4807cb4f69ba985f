//! The log of a server, before and while it runs.

use super::Handle;
use crate::record::{Flow, ServeRecord, Sink};
use crate::session::serve::ServeEvent;
use crate::sys;
use crate::units::Nanos;
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

/// The log of a running server, which ends once nobody reads it any more. All threads that serve
/// share it.
#[derive(Clone)]
pub(super) struct RunningLog {
    log: Arc<Mutex<ServerLog>>,
    control: Handle,
}

impl RunningLog {
    /// The log of a server that `control` ends.
    pub fn new(log: ServerLog, control: Handle) -> Self {
        if log.flow == Flow::Closed {
            // Nobody reads it: end the server, as at the next event.
            control.stop();
        }
        Self { log: Arc::new(Mutex::new(log)), control }
    }
}

impl Sink<ServeEvent> for RunningLog {
    fn take(&mut self, event: ServeEvent) -> Flow {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if (log.write)(event.at, &event.record) == Flow::Closed {
            log.flow = Flow::Closed;
        }
        if log.flow == Flow::Closed {
            self.control.stop();
        }
        log.flow
    }
}
