//! How much a helper sends for one probe, by the generic cell rate algorithm (ITU-T I.371): 2,000
//! datagrams and 20 Mbit of payload a second, as many at once as a second allows.

use crate::units::Nanos;

/// One datagram of 2,000 a second.
const DATAGRAM: Nanos = Nanos::from_micros(500);
/// One byte of 20 Mbit/s.
const BYTE: Nanos = Nanos(400);
/// What may leave at once.
const BURST: Nanos = Nanos::from_secs(1);

/// What is left of both.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    datagrams: Nanos,
    bytes: Nanos,
}

impl Allowance {
    /// Whether a datagram of `len` bytes may leave now; it is counted if so.
    pub fn takes(&mut self, len: usize, now: Nanos) -> bool {
        let datagrams = self.datagrams.max(now) + DATAGRAM;
        let bytes = self.bytes.max(now) + Nanos(BYTE.0 * len as u64);
        if datagrams - now > BURST || bytes - now > BURST {
            return false;
        }
        (self.datagrams, self.bytes) = (datagrams, bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_may_leave_at_once_and_then_the_rate_holds() {
        for (len, at_once, a_second) in [(64, 2_000, 2_000), (10_000, 250, 250)] {
            let mut allowance = Allowance::default();
            let start = Nanos::from_secs(10);
            let burst = (0..5_000).filter(|_| allowance.takes(len, start)).count();
            assert_eq!(burst, at_once, "{len} bytes");
            let later = (0..100_000u64)
                .filter(|step| allowance.takes(len, start + Nanos::from_micros(100 * step)))
                .count();
            // Ten seconds of asking for more than is given.
            assert!((10 * a_second - 1..=10 * a_second + 1).contains(&later), "{later}");
        }
    }
}
