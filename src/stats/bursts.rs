//! Runs of lost numbers (RFC 3357), settled once nothing can fill them any more.

use super::sequence::word;

/// Runs of lost numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LossBursts {
    /// How many runs.
    pub count: u64,
    /// Length of the longest.
    pub longest: u64,
    /// All lengths added up: every number that never came.
    pub lost: u64,
    /// Runs by length: entry `k` counts those of 2^k to 2^(k+1) - 1 numbers.
    pub by_length: [u64; 32],
}

/// Walks the numbers in order as they leave the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Settler {
    /// The first number that is not settled.
    at: u64,
    /// Lost numbers right before it.
    run: u64,
    bursts: LossBursts,
}

impl Settler {
    /// The stream begins here.
    pub fn start_at(&mut self, number: u64) {
        self.at = number;
    }

    /// Settles the numbers below `to`, whose bits are still in the window below `next`.
    #[inline]
    pub fn settle_to(&mut self, to: u64, next: u64, bits: &[u64]) {
        debug_assert!(next - to <= bits.len() as u64 * 64 || to <= self.at);
        while self.at < to {
            let bit = self.at % 64;
            let count = (64 - bit).min(to - self.at);
            let came = bits[word(bits, self.at)] >> bit;
            // All came: the common case, a word at a time.
            if u64::from(came.trailing_ones()) >= count {
                self.close();
            } else {
                self.settle_word(came, count);
            }
            self.at += count;
        }
    }

    /// Settles the numbers below `to` as lost, all of them.
    pub fn settle_missing_to(&mut self, to: u64) {
        if to > self.at {
            self.run += to - self.at;
            self.at = to;
        }
    }

    /// The stream is over: an open run is a run.
    pub fn end(&mut self) {
        self.close();
    }

    pub fn bursts(&self) -> &LossBursts {
        &self.bursts
    }

    fn settle_word(&mut self, came: u64, count: u64) {
        for bit in 0..count {
            if came >> bit & 1 == 1 {
                self.close();
            } else {
                self.run += 1;
            }
        }
    }

    fn close(&mut self) {
        if self.run > 0 {
            self.bursts.count += 1;
            self.bursts.lost += self.run;
            self.bursts.longest = self.bursts.longest.max(self.run);
            let class = (self.run.ilog2() as usize).min(self.bursts.by_length.len() - 1);
            self.bursts.by_length[class] += 1;
            self.run = 0;
        }
    }
}
