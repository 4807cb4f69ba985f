//! Sockets that come and go while a loop runs: left here from within its session's turn, taken up by
//! the loop before it next waits.

use crate::net::Socket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One change.
pub(super) enum Change {
    /// From now on this socket has this number.
    Add(usize, Box<Socket>),
    /// The socket of this number closes.
    Remove(usize),
}

/// Adds sockets to a loop and removes them; cheap to clone.
#[derive(Clone, Default)]
pub struct Adoption {
    changes: Arc<Mutex<Vec<Change>>>,
    /// Whether there are any: a busy loop looks at every turn, and nearly always in vain.
    waiting: Arc<AtomicBool>,
}

impl Adoption {
    /// Gives the loop a socket. `number` must be above those of the loop's own and not in use;
    /// numbers should not be used again soon, as what the old socket received may still be on its
    /// way through the loop.
    pub fn add(&self, number: usize, socket: Socket) {
        self.push(Change::Add(number, Box::new(socket)));
    }

    /// Has the loop close a socket that it was given.
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
