//! Loss bursts (RFC 3357), final once no late datagram can fill them any more.

/// Statistics of loss bursts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LossBursts {
    /// Number of bursts.
    pub count: u64,
    /// Length of the longest, in datagrams.
    pub longest: u64,
    /// Sum of all lengths: every number that never arrived.
    pub lost: u64,
    /// Bursts by length: entry `k` counts those of 2^k to 2^(k+1) - 1 numbers.
    pub by_length: [u64; 32],
}

/// Evaluates numbers in order as they leave the window.
#[derive(Clone, Debug, Default)]
pub(super) struct BurstCounter {
    /// The first number that is not final.
    at: u64,
    /// Lost numbers directly before it.
    run: u64,
    bursts: LossBursts,
}

impl BurstCounter {
    /// Begins the stream at `number`.
    pub fn start_at(&mut self, number: u64) {
        self.at = number;
    }

    /// Evaluates the numbers below `to`, whose bits are still in the window below `next`.
    #[inline]
    pub fn settle_to(&mut self, to: u64, next: u64, bits: &[u64]) {
        debug_assert!(next - to <= bits.len() as u64 * 64 || to <= self.at);
        while self.at < to {
            let bit = self.at % 64;
            let count = (64 - bit).min(to - self.at);
            let came = bits[word(bits, self.at)] >> bit;
            // All arrived: the common case, one machine word at a time.
            if u64::from(came.trailing_ones()) >= count {
                self.close();
            } else {
                self.settle_word(came, count);
            }
            self.at += count;
        }
    }

    /// Counts all numbers below `to` as lost.
    pub fn settle_missing_to(&mut self, to: u64) {
        if to > self.at {
            self.run += to - self.at;
            self.at = to;
        }
    }

    /// Ends the stream: counts a burst that is still open.
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

/// Index of the machine word that holds a number; windows are powers of two.
#[inline]
pub(super) fn word(bits: &[u64], number: u64) -> usize {
    (number / 64) as usize & (bits.len() - 1)
}
