//! Interarrival jitter (RFC 3550 §6.4.1), in integers.

use crate::units::Nanos;

/// The smoothed difference of consecutive transit times, stored times 16 as in the RFC's own code
/// (appendix A.8).
#[derive(Clone, Copy, Debug, Default)]
pub struct Jitter {
    scaled: u64,
    last: Option<i64>,
    differences: u64,
}

impl Jitter {
    /// No datagrams yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a transit time (arrival minus send, on any clocks), in nanoseconds.
    #[inline]
    pub fn observe(&mut self, transit: i64) {
        let Some(last) = self.last.replace(transit) else { return };
        let difference = transit.abs_diff(last);
        // J += (|D| - J) / 16, with J kept as 16 J and rounded.
        self.scaled = self.scaled.saturating_add(difference) - ((self.scaled + 8) >> 4);
        self.differences += 1;
    }

    /// Records `count` datagrams with one transit time: a coalesced run.
    #[inline]
    pub fn observe_n(&mut self, transit: i64, count: u64) {
        if count == 0 {
            return;
        }
        self.observe(transit);
        // The rest have no difference: J decays by a sixteenth each, until rounding stops it.
        for _ in 1..count {
            let decay = (self.scaled + 8) >> 4;
            if decay == 0 {
                break;
            }
            self.scaled -= decay;
        }
        self.differences += count - 1;
    }

    /// The jitter; `None` before two datagrams.
    pub fn nanos(&self) -> Option<Nanos> {
        (self.differences > 0).then_some(Nanos(self.scaled >> 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_rfcs_formula() {
        let mut jitter = Jitter::new();
        let mut exact = 0.0;
        let mut rng = fastrand::Rng::with_seed(5);
        let mut last = 1_000_000i64;
        jitter.observe(last);
        assert_eq!(jitter.nanos(), None);
        for _ in 0..10_000 {
            let transit = 1_000_000 + rng.i64(0..300_000);
            jitter.observe(transit);
            exact += ((transit - last).abs() as f64 - exact) / 16.0;
            last = transit;
        }
        let got = jitter.nanos().unwrap().0 as f64;
        assert!((got - exact).abs() < 2.0, "{got} {exact}");
    }

    #[test]
    fn a_run_counts_as_its_datagrams_one_by_one() {
        let (mut run, mut single) = (Jitter::new(), Jitter::new());
        let mut rng = fastrand::Rng::with_seed(6);
        for _ in 0..1000 {
            let (transit, count) = (rng.i64(-500_000..500_000), rng.u64(1..130));
            run.observe_n(transit, count);
            (0..count).for_each(|_| single.observe(transit));
            assert_eq!(run.nanos(), single.nanos());
        }
    }
}
