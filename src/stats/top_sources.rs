//! The busiest sources, in bounded memory however many there are.

use std::collections::HashMap;
use std::net::SocketAddr;

/// Counts by source. The first sources, up to a limit, are counted individually, all later ones
/// together, so that a flood of forged addresses can neither exhaust memory nor displace a known
/// source.
#[derive(Clone, Debug)]
pub struct TopSources {
    most: usize,
    counts: HashMap<SocketAddr, SourceCount>,
    others: SourceCount,
}

/// Traffic from one source, or from many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCount {
    /// Datagrams.
    pub datagrams: u64,
    /// Payload bytes.
    pub bytes: u64,
}

impl SourceCount {
    fn add(&mut self, bytes: u64) {
        self.datagrams += 1;
        self.bytes += bytes;
    }
}

impl TopSources {
    /// Counts up to `most` sources individually.
    pub fn new(most: usize) -> Self {
        Self { most, counts: HashMap::new(), others: SourceCount::default() }
    }

    /// Records a datagram of `bytes` from `source`.
    #[inline]
    pub fn observe(&mut self, source: SocketAddr, bytes: u64) {
        if let Some(count) = self.counts.get_mut(&source) {
            count.add(bytes);
        } else if self.counts.len() < self.most {
            self.counts.entry(source).or_default().add(bytes);
        } else {
            self.others.add(bytes);
        }
    }

    /// Number of sources counted individually.
    pub fn known(&self) -> usize {
        self.counts.len()
    }

    /// The `wanted` busiest sources by datagrams, ties by address; then all others together.
    pub fn top(&self, wanted: usize) -> (Vec<(SocketAddr, SourceCount)>, SourceCount) {
        let mut all: Vec<_> = self.counts.iter().map(|(addr, count)| (*addr, *count)).collect();
        all.sort_by_key(|(addr, count)| (std::cmp::Reverse(count.datagrams), *addr));
        let mut rest = self.others;
        for (_, count) in all.drain(wanted.min(all.len())..) {
            rest.datagrams += count.datagrams;
            rest.bytes += count.bytes;
        }
        (all, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u16) -> SocketAddr {
        ([192, 0, 2, 1], number).into()
    }

    #[test]
    fn the_busiest_come_first_and_nothing_is_left_out_of_the_sum() {
        let mut sources = TopSources::new(3);
        for (number, times) in [(1, 2), (2, 5), (3, 2), (4, 9)] {
            for _ in 0..times {
                sources.observe(source(number), 10);
            }
        }
        let (top, rest) = sources.top(2);
        let count = |datagrams| SourceCount { datagrams, bytes: 10 * datagrams };
        assert_eq!(top, [(source(2), count(5)), (source(1), count(2))]);
        assert_eq!(rest, count(11));
        assert_eq!(sources.known(), 3);
    }
}
