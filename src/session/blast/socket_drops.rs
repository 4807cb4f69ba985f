//! Datagrams that a receiver's own socket dropped, matched with gaps in the sequence.

use crate::stats::DropCount;

/// Drops of one socket. With GRO one dropped buffer is many datagrams, and only the gap in the
/// sequence says how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct SocketDrops {
    /// Datagrams dropped, as far as a gap explains them.
    pub datagrams: u64,
    /// Buffers dropped.
    pub buffers: u64,
    /// Of these, those that no gap has explained yet.
    unexplained: u64,
    /// Maximum datagrams in a buffer.
    each: u64,
    /// The socket's counter.
    counter: DropCount,
}

impl SocketDrops {
    /// None yet, in a socket whose buffers hold up to `each` datagrams.
    pub fn of_up_to(each: u64) -> Self {
        Self { datagrams: 0, buffers: 0, unexplained: 0, each, counter: DropCount::default() }
    }

    /// Takes the socket's counter, which wraps.
    pub fn note(&mut self, counter: u32) {
        let more = self.counter.observe(counter);
        self.buffers += more;
        self.unexplained += more;
    }

    /// Whether buffers were dropped that no gap has explained yet.
    #[inline]
    pub fn are_unexplained(&self) -> bool {
        self.unexplained > 0
    }

    /// Matches the unexplained drops with a gap of so many datagrams.
    pub fn explain(&mut self, gap: u64) {
        let explained = gap.min(self.unexplained.saturating_mul(self.each));
        if explained > 0 {
            self.datagrams += explained;
            self.unexplained = 0;
        }
    }

    /// Counts from here on.
    pub fn forget(&mut self) {
        (self.datagrams, self.buffers, self.unexplained) = (0, 0, 0);
    }
}
