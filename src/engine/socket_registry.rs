//! Adding and removing sockets while a loop runs: a session queues changes here during its turn,
//! and the loop applies them before it next waits.

use crate::net::Socket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A change to the loop's set of sockets.
pub(super) enum Change {
    /// Adds this socket under this number.
    Add(usize, Box<Socket>),
    /// Closes the socket with this number.
    Remove(usize),
}

/// Adds sockets to a running loop and removes them; cheap to clone.
#[derive(Clone, Default)]
pub struct SocketRegistry {
    changes: Arc<Mutex<Vec<Change>>>,
    /// Whether changes are queued. A busy loop checks this on every turn, so it is an atomic rather
    /// than a lock.
    waiting: Arc<AtomicBool>,
}

impl SocketRegistry {
    /// Gives the loop a socket. `number` must be above those of the loop's own sockets and not in
    /// use. Do not reuse a number soon: datagrams received by the old socket may still be in the
    /// loop's buffers.
    pub fn add(&self, number: usize, socket: Socket) {
        self.push(Change::Add(number, Box::new(socket)));
    }

    /// Closes a socket that was added earlier.
    pub fn remove(&self, number: usize) {
        self.push(Change::Remove(number));
    }

    pub(super) fn take(&self) -> Vec<Change> {
        if !self.waiting.load(Ordering::Acquire) || !self.waiting.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut changes)
    }

    fn push(&self, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
        self.waiting.store(true, Ordering::Release);
    }
}
