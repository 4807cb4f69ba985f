//! Sums of the kernel's wrapping counters of datagrams dropped by full sockets.

/// Drops of one socket since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DropCount {
    total: u64,
    last: u32,
}

impl DropCount {
    /// The kernel's counter is now `count`.
    pub fn observe(&mut self, count: u32) {
        self.total += u64::from(count.wrapping_sub(self.last));
        self.last = count;
    }

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
        for count in [0, 7, u32::MAX, 4] {
            drops.observe(count);
        }
        assert_eq!(drops.total(), (1 << 32) + 4);
    }
}
