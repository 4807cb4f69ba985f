//! What a receiver of a set rate expects: it need not be woken by each datagram.

use crate::session::blast::TestPlan;
use crate::units::Nanos;

/// What the kernel charges to a socket for a datagram beside twice its payload, in bytes.
const CHARGE: u64 = 1024;
/// The share of the receive buffer that may fill before it is read: a sender that was late sends
/// four times as fast for a while.
const SHARE: u64 = 8;
/// Shorter sleeps save nothing.
const LEAST: Nanos = Nanos::from_micros(100);

/// Datagrams that come at a known rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SteadyArrivals {
    /// Time from one burst to the next.
    interval: Nanos,
    /// Datagrams of a burst.
    burst: u32,
    /// What a datagram is charged with, in bytes.
    charge: u64,
}

impl SteadyArrivals {
    /// The arrivals at a receiver of one stream; `None` if nobody knows their rate.
    pub fn of(test: &TestPlan) -> Option<Self> {
        let interval = test.interval_of_stream().filter(|_| test.capacity.is_none())?;
        let charge = u64::from(test.payload) * 2 + CHARGE;
        Some(Self { interval, burst: test.burst.unwrap_or(1).max(1), charge })
    }

    /// How much later than they came they may be read from a socket whose receive buffer was
    /// granted this many bytes, and `most` at most; zero if that would save nothing.
    pub fn read_slack(self, buffer: usize, most: Nanos) -> Nanos {
        let held = buffer as u64 / SHARE / self.charge;
        let fills = self.interval.0.saturating_mul(held) / u64::from(self.burst);
        Some(Nanos(fills).min(most)).filter(|time| *time >= LEAST).unwrap_or(Nanos::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::AdjustmentType;
    use crate::wire::Params;

    const MOST: Nanos = Nanos::from_millis(10);

    fn arrivals(rate: &str, payload: u32) -> Option<SteadyArrivals> {
        let given = TestPlan::read(&Params::default()).unwrap();
        SteadyArrivals::of(&TestPlan { rate: rate.parse().unwrap(), payload, ..given })
    }

    #[test]
    fn what_comes_slowly_is_read_every_ten_milliseconds() {
        let slow = arrivals("10M", 1472).unwrap();
        assert_eq!(slow.read_slack(32 << 20, MOST), MOST);
        assert_eq!(slow.read_slack(425_984, MOST), MOST);
    }

    #[test]
    fn no_more_than_an_eighth_of_the_buffer_fills_meanwhile() {
        // 3,968 bytes every 11.776 us: an eighth of 425,984 bytes holds 13 of them.
        let fast = arrivals("1G", 1472).unwrap();
        assert_eq!(fast.read_slack(425_984, MOST), Nanos(11_776 * 13));
        assert_eq!(fast.read_slack(32 << 20, MOST), MOST);
        let burst = SteadyArrivals { burst: 13, ..fast };
        assert_eq!(burst.read_slack(425_984, MOST), Nanos::ZERO);
    }

    #[test]
    fn nobody_knows_what_comes_without_a_rate_or_while_it_is_searched() {
        assert_eq!(arrivals("max", 1472), None);
        let given = TestPlan::read(&Params::default()).unwrap();
        let rate = "1G".parse().unwrap();
        let capacity = Some(AdjustmentType::B);
        assert_eq!(SteadyArrivals::of(&TestPlan { rate, capacity, ..given }), None);
    }
}
