//! Ending a loop from another thread.

use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends a loop from another thread; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Handle {
    pub(super) fn new(waker: Waker) -> Self {
        Self { stop: Arc::new(AtomicBool::new(false)), waker: Arc::new(waker) }
    }

    /// Asks the loop to end early; the session ends properly and its summary is complete.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    /// Makes the loop call its session at once.
    pub fn wake(&self) {
        // A waker fails only when its eventfd is closed, and then the loop has ended too.
        let _ = self.waker.wake();
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}
