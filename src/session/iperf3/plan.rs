//! A test with an iperf3 server.

use crate::session::blast::TestPlan;
use crate::units::Nanos;
use crate::wire::iperf3::{COOKIE_LEN, Counters, Iperf3Params};
use std::net::SocketAddr;

/// Datagrams per second of a stream that no host exceeds: with more of them in a run, the numbers
/// have 64 bits.
const MOST_RATE: u64 = 20_000_000;
/// Datagrams that 32-bit numbers can tell apart.
const NARROW: u64 = 1 << 32;

/// A test, ready to start.
#[derive(Clone, Debug)]
pub struct Iperf3Plan {
    /// The test; its rate is that of all streams of a direction together.
    pub test: TestPlan,
    /// Time at the start that is not counted.
    pub omit: Nanos,
    /// The server.
    pub target: SocketAddr,
    /// What the server is told.
    pub params: Iperf3Params,
    /// What makes this test different from others.
    pub cookie: [u8; COOKIE_LEN],
    /// How long the server may be silent.
    pub patience: Nanos,
}

impl Iperf3Plan {
    /// The width of the numbers in the datagrams.
    pub fn counters(&self) -> Counters {
        match self.params.udp_counters_64bit {
            0 => Counters::Narrow,
            _ => Counters::Wide,
        }
    }

    /// The width that numbers need in a test of this length, by time or by count, if a stream sends
    /// as fast as any can.
    pub fn counters_for(test: &TestPlan, omit: Nanos) -> Counters {
        let length = test.time + omit;
        let by_time = (length.0 / 1_000_000_000 + 1).saturating_mul(MOST_RATE);
        let most = match (test.time, test.count) {
            (Nanos::ZERO, 0) => u64::MAX,
            (Nanos::ZERO, count) => count.saturating_add(by_time),
            _ => by_time,
        };
        if most < NARROW { Counters::Narrow } else { Counters::Wide }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Params;

    #[test]
    fn numbers_have_64_bits_wherever_32_could_wrap() {
        let test = TestPlan::read(&Params::default()).unwrap();
        let timed = |secs| TestPlan { time: Nanos::from_secs(secs), count: 0, ..test };
        let counted = |count| TestPlan { time: Nanos::ZERO, count, ..test };
        let width = |test: TestPlan, omit| Iperf3Plan::counters_for(&test, Nanos::from_secs(omit));
        assert_eq!(width(timed(10), 0), Counters::Narrow);
        assert_eq!(width(timed(200), 0), Counters::Narrow);
        assert_eq!(width(timed(200), 200), Counters::Wide);
        assert_eq!(width(timed(429), 0), Counters::Wide, "10 Mpps wrap after 7 minutes");
        assert_eq!(width(counted(1_000_000), 0), Counters::Narrow);
        assert_eq!(width(counted(NARROW), 0), Counters::Wide);
        assert_eq!(width(counted(0), 0), Counters::Wide);
    }
}
