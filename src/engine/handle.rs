//! How one thread ends another's loop.

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

    /// Asks the loop for an early end; its session winds down and its summary is whole.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    /// Has the loop ask its session at once.
    pub fn wake(&self) {
        // A waker fails only when its eventfd is gone, and then the loop is, too.
        let _ = self.waker.wake();
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}
