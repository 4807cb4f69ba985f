//! Where in the order of arrival gaps in the numbering appeared.

/// Most gaps remembered.
const GAPS: usize = 1_024;

/// The most recent gaps, in a ring: the first missing number of each, and how many datagrams had
/// arrived before the one that skipped it.
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
    /// Memory in bytes.
    pub const BYTES: usize = GAPS * size_of::<(u64, u64)>();

    /// Records that `first_missing` was skipped after `received` datagrams had arrived.
    #[inline]
    pub fn open(&mut self, first_missing: u64, received: u64) {
        self.ring[self.opened % GAPS] = (first_missing, received);
        self.opened += 1;
    }

    /// The arrival position of the first datagram above the missing `number`. For a forgotten gap,
    /// the position of the oldest remembered gap is used as a bound.
    pub fn opened_at(&self, number: u64) -> u64 {
        let kept = self.opened.min(GAPS);
        let nth = |index: usize| self.ring[(self.opened - kept + index) % GAPS];
        // Gaps are stored in ascending order of their numbers.
        let (mut low, mut high) = (0, kept);
        while low < high {
            let middle = usize::midpoint(low, high);
            if nth(middle).0 <= number { low = middle + 1 } else { high = middle }
        }
        if kept == 0 { 0 } else { nth(low.saturating_sub(1)).1 }
    }
}
