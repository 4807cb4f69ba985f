//! Bursts of consecutive lost probes.

use crate::record::PingLost;
use crate::units::Nanos;

/// Burst statistics, updated as probes are decided in order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bursts {
    count: u64,
    longest: u64,
    longest_span: Nanos,
    longest_at: Option<Nanos>,
    run: u64,
    began: Nanos,
}

impl Bursts {
    /// The next probe was lost; `at` is its planned time since the start of the run.
    pub fn lose(&mut self, at: Nanos) {
        if self.run == 0 {
            self.began = at;
        }
        self.run += 1;
    }

    /// The next probe was not lost, or there is none; an open burst ended at this time.
    pub fn close(&mut self, at: Nanos) {
        if self.run == 0 {
            return;
        }
        self.count += 1;
        if self.run > self.longest {
            self.longest = self.run;
            self.longest_span = at - self.began;
            self.longest_at = Some(self.began);
        }
        self.run = 0;
    }

    /// The bursts, in a record without other results.
    pub fn told(&self) -> PingLost {
        PingLost {
            bursts: self.count,
            longest: self.longest,
            longest_ns: self.longest_span.0,
            longest_at_ns: self.longest_at.map(Nanos::as_u64),
            ..PingLost::default()
        }
    }
}
