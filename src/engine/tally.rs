//! Counts of what a loop has sent and received so far, and when it expects to end, for a thread that
//! displays them and for the loop's end.

use crate::units::Nanos;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of a running loop.
#[derive(Debug, Default)]
pub struct Tally {
    sent: AtomicU64,
    received: AtomicU64,
    /// Nanoseconds of the monotonic clock; 0 for unknown.
    expected_end: AtomicU64,
}

impl Tally {
    pub(super) fn add_sent(&self, datagrams: usize) {
        self.sent.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    pub(super) fn add_received(&self, datagrams: usize) {
        self.received.fetch_add(datagrams as u64, Ordering::Relaxed);
    }

    pub(super) fn expect_end(&self, at: Option<Nanos>) {
        self.expected_end.store(at.unwrap_or_default().0, Ordering::Relaxed);
    }

    /// When the session expects to be over, on the monotonic clock; `None` if it does not tell.
    pub fn expected_end(&self) -> Option<Nanos> {
        let at = Nanos(self.expected_end.load(Ordering::Relaxed));
        (at > Nanos::ZERO).then_some(at)
    }

    /// Datagrams that the kernel accepted.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Datagrams that arrived.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}
