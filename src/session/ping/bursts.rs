//! Runs of lost probes, in the order of their numbers.

use crate::record::PingLost;
use crate::units::Nanos;

/// What is learnt of them as probes are settled one after the other.
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
    /// The next probe was lost, planned at this time from the start of the run.
    pub fn lose(&mut self, at: Nanos) {
        if self.run == 0 {
            self.began = at;
        }
        self.run += 1;
    }

    /// The next probe was not lost, or there is none; a run that was open has ended at this time.
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

    /// The bursts, in an account that knows nothing else yet.
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
