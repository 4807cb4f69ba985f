//! Where in the order of arrival numbers were skipped.

/// Gaps that are remembered.
const GAPS: usize = 1_024;

/// The gaps that were opened last, in a ring: which number was the first missing, and how many
/// datagrams had come before the one that skipped it.
#[derive(Clone, Debug)]
pub(super) struct Gaps {
    ring: Box<[(u64, u64)]>,
    opened: usize,
}

impl Default for Gaps {
    fn default() -> Self {
        Self { ring: vec![(0, 0); GAPS].into_boxed_slice(), opened: 0 }
    }
}

impl Gaps {
    /// Bytes that it takes.
    pub const BYTES: usize = GAPS * size_of::<(u64, u64)>();

    /// Notes that `first_missing` was skipped after `received` datagrams had come.
    #[inline]
    pub fn open(&mut self, first_missing: u64, received: u64) {
        self.ring[self.opened % GAPS] = (first_missing, received);
        self.opened += 1;
    }

    /// The place in the order of arrival of the first datagram above `number`, which was missing.
    /// Of a gap that was forgotten only the oldest one known since bounds it.
    pub fn opened_at(&self, number: u64) -> u64 {
        let kept = self.opened.min(GAPS);
        let nth = |index: usize| self.ring[(self.opened - kept + index) % GAPS];
        // Gaps are opened in the order of their numbers.
        let (mut low, mut high) = (0, kept);
        while low < high {
            let middle = usize::midpoint(low, high);
            if nth(middle).0 <= number { low = middle + 1 } else { high = middle }
        }
        if kept == 0 { 0 } else { nth(low.saturating_sub(1)).1 }
    }
}
