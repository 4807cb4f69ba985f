//! Whether the length of the path, or the target's clock, changed: a new reading counts once it has
//! come several times in a row.

use crate::units::Nanos;

/// Readings in a row that make a change.
const SETTLED: u8 = 3;

/// The TTL on arrival of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hops {
    known: Option<u8>,
    other: u8,
    seen: u8,
    pub changes: u32,
}

impl Hops {
    /// Notes a reading; returns the TTL before if it has changed.
    pub fn observe(&mut self, ttl: u8) -> Option<u8> {
        let Some(known) = self.known else {
            self.known = Some(ttl);
            return None;
        };
        if ttl == known {
            self.seen = 0;
            return None;
        }
        self.seen = if ttl == self.other { self.seen + 1 } else { 1 };
        self.other = ttl;
        if self.seen < SETTLED {
            return None;
        }
        (self.known, self.seen) = (Some(ttl), 0);
        self.changes += 1;
        Some(known)
    }

    /// The TTL now.
    pub fn known(self) -> Option<u8> {
        self.known
    }

    /// Another target answers from now on.
    pub fn forget(&mut self) {
        (self.known, self.seen) = (None, 0);
    }
}

/// How fast two clocks may drift apart: each is steered by up to 500 ppm (adjtimex(2)).
const DRIFT_PER_MILLE: u64 = 1;
/// What two readings of an instant may differ by.
const NOISE: i64 = 1_000_000;

/// Between which bounds the target's clock is ahead of the monotonic clock here: it cannot have sent
/// the answer before it got the probe, nor have got it before it was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClockWatch {
    bounds: Option<(i64, i64)>,
    at: Nanos,
    apart: u8,
    pub steps: u32,
}

impl ClockWatch {
    /// Notes the times of one probe: sent and answered here (monotonic), received and sent there.
    /// Returns by how much its clock was set, if it was.
    pub fn observe(
        &mut self,
        (sent, came): (Nanos, Nanos),
        (received, left): (Nanos, Nanos),
    ) -> Option<i64> {
        let new = (left.signed_since(came), received.signed_since(sent));
        if new.0 > new.1 {
            // Another clock's reading, or a guess.
            return None;
        }
        let Some((least, most)) = self.bounds else {
            (self.bounds, self.at) = (Some(new), came);
            return None;
        };
        let drift = ((came - self.at).0 / 1_000 * DRIFT_PER_MILLE) as i64 + NOISE;
        let (least, most) = (least.saturating_sub(drift), most.saturating_add(drift));
        let both = (least.max(new.0), most.min(new.1));
        if both.0 <= both.1 {
            (self.bounds, self.at, self.apart) = (Some(both), came, 0);
            return None;
        }
        self.apart += 1;
        if self.apart < SETTLED {
            return None;
        }
        (self.bounds, self.at, self.apart) = (Some(new), came, 0);
        self.steps += 1;
        Some((new.0 / 2 + new.1 / 2).saturating_sub(least / 2 + most / 2))
    }

    /// Another target answers from now on.
    pub fn forget(&mut self) {
        (self.bounds, self.apart) = (None, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_change_once_the_new_ones_stay() {
        let mut hops = Hops::default();
        let told: Vec<_> = [60, 60, 61, 60, 61, 61, 62, 61, 61, 61, 61]
            .into_iter()
            .map(|ttl| hops.observe(ttl))
            .collect();
        assert_eq!(told.iter().flatten().collect::<Vec<_>>(), [&60]);
        assert_eq!((told[9], hops.known(), hops.changes), (Some(60), Some(61), 1));
    }

    #[test]
    fn a_clock_that_was_set_is_told_within_a_round_trip_and_delays_are_no_step() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut watch, mut ahead) = (ClockWatch::default(), 5_000_000_000_000u64);
        let mut told = Vec::new();
        for second in 1..400u64 {
            let sent = second * 1_000_000_000;
            let (out, back) = (random.u64(50_000..900_000_000), random.u64(50_000..90_000_000));
            ahead += random.u64(0..400_000);
            if second == 200 {
                ahead += 3_000_000_000;
            }
            let (received, came) = (sent + out + ahead, sent + out + back);
            let step =
                watch.observe((Nanos(sent), Nanos(came)), (Nanos(received), Nanos(received)));
            told.extend(step.map(|step| (second, step)));
        }
        assert_eq!(told.len(), 1, "{told:?} seed {seed}");
        let (second, step) = told[0];
        assert!((202..=203).contains(&second), "{second}");
        assert!((step - 3_000_000_000).abs() < 1_000_000_000, "{step} seed {seed}");
    }
}
