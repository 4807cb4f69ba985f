//! Which datagrams of a stream are compared with the pattern that was sent, byte by byte.

use crate::wire::{Header, pattern};

/// Datagrams at the start of a stream that are all compared.
const FIRST: usize = 256;
/// Of the rest, one in so many is, and at most one in a buffer. A prime: what rewrites every tenth
/// or every hundredth datagram does not stay in step with it.
const EVERY: usize = 61;
/// Bytes of the pattern that show that a datagram of another length is one of the run.
const PROOF: usize = 8;

/// How many datagrams are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    None,
    Sample,
    All,
}

/// Compares all datagrams, or until one was altered a sample. A pattern of 1472 bytes takes about
/// as long as 60 headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inspection {
    extent: Extent,
    /// Datagrams at the start that are still to come.
    first: usize,
    /// Datagrams until the next sample.
    skip: usize,
}

impl Inspection {
    /// Compares every datagram.
    pub fn full() -> Self {
        Self::to(Extent::All)
    }

    /// Compares a sample, and everything from the first altered datagram on.
    pub fn sampled() -> Self {
        Self::to(Extent::Sample)
    }

    /// Compares nothing: whoever sends fills the datagrams as it likes.
    pub fn none() -> Self {
        Self::to(Extent::None)
    }

    fn to(extent: Extent) -> Self {
        Self { extent, first: FIRST, skip: EVERY - 1 }
    }

    /// A datagram was altered: from now on all are compared.
    pub fn found(&mut self) {
        self.extent = Extent::All;
    }

    /// Whether each datagram of a buffer is to be compared; `stride` is the length of each, and
    /// not zero.
    #[inline]
    pub fn is_due(&mut self, bytes: &[u8], stride: usize) -> bool {
        match self.extent {
            Extent::None => return false,
            Extent::All => return true,
            Extent::Sample => {}
        }
        let count = bytes.len() / stride;
        if self.skip >= count && self.first == 0 {
            self.skip -= count;
            return false;
        }
        self.sample(bytes, stride, count)
    }

    #[cold]
    fn sample(&mut self, bytes: &[u8], stride: usize, count: usize) -> bool {
        if self.first > 0 {
            self.first = self.first.saturating_sub(count);
            return true;
        }
        let start = self.skip * stride;
        self.skip = (EVERY - 1).saturating_sub(count - self.skip - 1);
        let behind = bytes.get(start + Header::LEN..start + stride);
        behind.is_some_and(|behind| !pattern::matches(Header::LEN, behind))
    }
}

/// Whether what is behind the header, of some length, is what was sent.
pub(super) fn is_begun_as_sent(payload: &[u8]) -> bool {
    let behind = payload.get(Header::LEN..).unwrap_or_default();
    behind.len() >= PROOF && pattern::matches(Header::LEN, behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of the altered datagrams that are found, of `count` in buffers of `each`.
    fn found(each: usize, count: usize, is_altered: fn(usize) -> bool) -> Vec<usize> {
        let mut inspection = Inspection::sampled();
        let mut found = Vec::new();
        let numbers: Vec<usize> = (0..count).collect();
        for buffer in numbers.chunks(each) {
            let mut bytes = vec![0; buffer.len() * 64];
            for (datagram, number) in bytes.chunks_mut(64).zip(buffer) {
                pattern::fill(Header::LEN, &mut datagram[Header::LEN..]);
                datagram[63] ^= u8::from(is_altered(*number));
            }
            if inspection.is_due(&bytes, 64) {
                let altered = buffer.iter().filter(|number| is_altered(**number));
                let before = found.len();
                found.extend(altered);
                if found.len() > before {
                    inspection.found();
                }
            }
        }
        found
    }

    #[test]
    fn what_alters_datagrams_is_found_soon_and_then_each_of_them() {
        for each in [1, 2, 44, 61, 128] {
            let all = found(each, 20_000, |_| true);
            assert_eq!(all.len(), 20_000, "{each}");
            let tenth = found(each, 20_000, |number| number % 10 == 9);
            assert_eq!(tenth.len(), 2_000, "{each}");
            // One in a hundred that begins late: the first sample that hits one is soon.
            let late = found(each, 40_000, |number| number > 1_000 && number % 100 == 0);
            assert!(late.len() > 200, "{each}: {}", late.len());
            assert!(found(each, 20_000, |_| false).is_empty(), "{each}");
        }
    }

    #[test]
    fn what_another_fills_as_it_likes_is_not_compared() {
        let mut inspection = Inspection::none();
        let zeros = vec![0; 64 * 1_024];
        assert!((0..100).all(|_| !inspection.is_due(&zeros, 64)));
    }
}
