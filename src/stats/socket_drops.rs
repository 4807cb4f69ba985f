//! Datagrams that a receiver's own socket dropped, matched with gaps in the sequence.

use super::DropCount;

/// Drops of one socket. With GRO one dropped buffer is many datagrams, and only the gap in the
/// sequence says how many.
#[derive(Clone, Copy, Debug)]
pub struct SocketDrops {
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
    /// Whether datagrams bring its value along, as it was when each was queued.
    is_stamped: bool,
    /// Its value as it was last asked for, where they do: what was dropped behind datagrams that
    /// are still unread is not matched with the gaps before them.
    asked: u32,
}

impl SocketDrops {
    /// None yet, in a socket whose buffers hold up to `each` datagrams.
    pub fn of_up_to(each: u64) -> Self {
        Self {
            datagrams: 0,
            buffers: 0,
            unexplained: 0,
            each,
            counter: DropCount::default(),
            is_stamped: false,
            asked: 0,
        }
    }

    /// Takes the socket's counter from a datagram.
    pub fn note_stamp(&mut self, counter: u32) {
        self.is_stamped = true;
        self.note(counter);
    }

    /// Takes the socket's counter as it is now.
    pub fn note_asked(&mut self, counter: u32) {
        self.asked = counter;
        if !self.is_stamped {
            self.note(counter);
        }
    }

    /// Everything was read: matches the rest with what is missing at the end; returns how many of
    /// these it explains.
    pub fn explain_tail(&mut self, gap: u64) -> u64 {
        self.note(self.asked);
        self.explain(gap)
    }

    fn note(&mut self, counter: u32) {
        let more = self.counter.observe(counter);
        self.buffers += more;
        self.unexplained += more;
    }

    /// Whether buffers were dropped that no gap has explained yet.
    #[inline]
    pub fn are_unexplained(&self) -> bool {
        self.unexplained > 0
    }

    /// Matches the unexplained drops with a gap of so many datagrams; returns how many of these
    /// they explain.
    pub fn explain(&mut self, gap: u64) -> u64 {
        let explained = gap.min(self.unexplained.saturating_mul(self.each));
        if explained > 0 {
            self.datagrams += explained;
            // How many datagrams a coalesced buffer had is known by no gap but the next.
            self.unexplained = if self.each == 1 { self.unexplained - explained } else { 0 };
        }
        explained
    }

    /// At the end, so many missing datagrams are explained by no drop: returns how many of these
    /// the drops explain that no gap has. Only where a dropped buffer is one datagram: a counter
    /// that was read late is then matched all the same.
    pub fn explain_rest(&mut self, missing: u64) -> u64 {
        if self.each == 1 { self.explain(missing) } else { 0 }
    }

    /// Counts from here on.
    pub fn forget(&mut self) {
        (self.datagrams, self.buffers, self.unexplained) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_behind_unread_datagrams_explain_no_gap_before_them() {
        let mut drops = SocketDrops::of_up_to(64);
        drops.note_stamp(1);
        drops.explain(64);
        // Ten more are dropped behind what is still unread.
        drops.note_asked(11);
        drops.explain(5);
        assert_eq!((drops.datagrams, drops.buffers), (64, 1));
        drops.note_stamp(11);
        drops.explain(640);
        assert_eq!((drops.datagrams, drops.buffers), (704, 11));
        drops.note_asked(12);
        drops.explain_tail(30);
        assert_eq!((drops.datagrams, drops.buffers), (734, 12));
    }

    #[test]
    fn a_counter_that_was_read_late_explains_an_earlier_gap_at_the_end() {
        let mut drops = SocketDrops::of_up_to(1);
        assert_eq!(drops.explain(2_500), 0);
        drops.note_stamp(2_510);
        assert_eq!((drops.explain(10), drops.explain_tail(0)), (10, 0));
        assert_eq!((drops.explain_rest(2_600), drops.datagrams), (2_500, 2_510));
        let mut coalesced = SocketDrops::of_up_to(64);
        coalesced.note_stamp(10);
        assert_eq!((coalesced.explain(5), coalesced.explain_rest(600)), (5, 0));
    }

    #[test]
    fn without_stamps_the_socket_is_asked() {
        let mut drops = SocketDrops::of_up_to(1);
        drops.note_asked(3);
        drops.explain(10);
        assert_eq!((drops.datagrams, drops.buffers), (3, 3));
    }
}
