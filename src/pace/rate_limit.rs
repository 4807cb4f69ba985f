//! A limit of a rate, with what may be ahead of it (generic cell rate algorithm, ITU-T I.371).

use crate::units::Nanos;

/// One event in every so much time, and a burst of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    each: Nanos,
    ahead: Nanos,
}

impl RateLimit {
    /// One in every `each`, and `burst` at once, at least 1.
    pub const fn with_burst(each: Nanos, burst: u64) -> Self {
        Self { each, ahead: Nanos(each.0.saturating_mul(burst)) }
    }

    /// One in every `each`, and at once what is allowed in the time `ahead`, at least `each`.
    pub const fn ahead_by(each: Nanos, ahead: Nanos) -> Self {
        Self { each, ahead }
    }
}

/// How far a limit is used, in eight bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateMeter {
    /// When it will be unused again.
    unused_at: Nanos,
}

impl RateMeter {
    /// Whether one more event is allowed at `now`; if so, it is counted.
    #[inline]
    pub fn admits(&mut self, limit: RateLimit, now: Nanos) -> bool {
        let after = self.after(limit, 1, now);
        if let Some(after) = after {
            *self = after;
        }
        after.is_some()
    }

    /// The meter after `events` at `now`; `None` if they are too many.
    #[inline]
    pub fn after(self, limit: RateLimit, events: u64, now: Nanos) -> Option<Self> {
        let used = Nanos(limit.each.0.saturating_mul(events));
        let unused_at = self.unused_at.max(now) + used;
        (unused_at - now <= limit.ahead).then_some(Self { unused_at })
    }

    /// Counts `events` at `now`, admitted or not.
    #[inline]
    pub fn count(&mut self, limit: RateLimit, events: u64, now: Nanos) {
        self.unused_at = self.unused_at.max(now) + Nanos(limit.each.0.saturating_mul(events));
    }

    /// When `events` more are admitted at once.
    #[inline]
    pub fn admits_at(self, limit: RateLimit, events: u64) -> Nanos {
        let used = Nanos(limit.each.0.saturating_mul(events));
        (self.unused_at + used) - limit.ahead
    }

    /// Whether nothing of the limit is used at `now`.
    pub fn is_idle(self, now: Nanos) -> bool {
        self.unused_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_bucket_of_tokens() {
        for seed in 0..50 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (each, burst) = (rng.u64(1..1_000), rng.u64(1..20));
            let limit = RateLimit::with_burst(Nanos(each), burst);
            // The oracle: tokens in units of `1 / each`, refilled at every nanosecond.
            let (mut meter, mut tokens) = (RateMeter::default(), burst * each);
            let mut now = Nanos(rng.u64(1_000_000..2_000_000));
            for _ in 0..2_000 {
                let step = rng.u64(0..2 * each);
                now += Nanos(step);
                tokens = (tokens + step).min(burst * each);
                assert_eq!(meter.is_idle(now), tokens == burst * each, "seed {seed}");
                let events = rng.u64(1..4);
                let fits = events * each <= tokens;
                let after = meter.after(limit, events, now);
                assert_eq!(after.is_some(), fits, "seed {seed}");
                if fits && rng.bool() {
                    (meter, tokens) = (after.unwrap(), tokens - events * each);
                }
            }
        }
    }

    #[test]
    fn what_is_refused_is_not_counted() {
        let limit = RateLimit::ahead_by(Nanos(10), Nanos(25));
        let mut meter = RateMeter::default();
        let admitted = [0, 0, 0, 4, 5, 6].map(|at| meter.admits(limit, Nanos(1_000 + at)));
        assert_eq!(admitted, [true, true, false, false, true, false]);
    }

    #[test]
    fn numbers_of_any_size_do_not_overflow() {
        let limit = RateLimit::with_burst(Nanos::MAX, u64::MAX);
        let mut meter = RateMeter::default();
        assert!(meter.admits(limit, Nanos::MAX) && meter.admits(limit, Nanos::MAX));
        assert!(RateMeter::default().after(limit, u64::MAX, Nanos(0)).is_some());
    }
}
