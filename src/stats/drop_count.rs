//! Sums of the kernel's wrapping counter of what a full socket dropped.

/// Drops of one socket since it was opened. The counter is read from the socket (`SO_MEMINFO`) and
/// stands beside each datagram as it was when that was queued (`SO_RXQ_OVFL`, socket(7)), so that
/// an older reading may follow a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCount {
    total: u64,
    last: u32,
}

impl DropCount {
    /// The kernel's counter is, or was, `count`; returns how many drops are new.
    pub fn observe(&mut self, count: u32) -> u64 {
        let more = count.wrapping_sub(self.last);
        // Fewer than 2^31 are dropped between two readings; more is an older one.
        if more.cast_signed() < 0 {
            return 0;
        }
        self.total += u64::from(more);
        self.last = count;
        more.into()
    }

    /// All that were seen.
    pub fn total(self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_wraps_goes_on() {
        let mut drops = DropCount::default();
        for count in [0, 7, 2_000_000_000, 4_000_000_000, 4] {
            drops.observe(count);
        }
        assert_eq!(drops.total(), (1 << 32) + 4);
    }

    #[test]
    fn an_older_reading_adds_and_takes_nothing() {
        let mut drops = DropCount::default();
        let new = [5, 3, 9, 8, 9].map(|count| drops.observe(count));
        assert_eq!((new, drops.total()), ([5, 0, 4, 0, 0], 9));
    }
}
