//! How much one source may have answered.

use super::remembered::Remembered;
use crate::units::Nanos;
use std::net::{IpAddr, Ipv6Addr};

/// Sources that are remembered; beyond it the longest silent ones start afresh.
const SOURCES: usize = 16_384;
/// Silence after which a source's bucket is full for sure.
const SILENCE: Nanos = Nanos::from_secs(10);
/// What a bucket holds: a tenth of a second's worth, but never less than this many.
const LEAST_BURST: u64 = 64;

/// A token bucket for each source address, or /64 network of IPv6: who has one has all of it.
#[derive(Debug)]
pub(super) struct SourceLimit {
    /// Time that one answer takes from the bucket; `None` for no limit.
    each: Option<Nanos>,
    depth: Nanos,
    /// When each bucket will be full again.
    full: Remembered<IpAddr, Nanos>,
}

impl SourceLimit {
    /// `rate` is so many answers in so long; `None` for no limit.
    pub fn new(rate: Option<(u64, Nanos)>) -> Self {
        let each = rate.map(|(count, span)| Nanos((span.0 / count.max(1)).max(1)));
        let depth = each.map_or(Nanos::ZERO, |each| {
            Nanos::from_millis(100).max(Nanos(each.0.saturating_mul(LEAST_BURST)))
        });
        Self { each, depth, full: Remembered::new(SOURCES, SILENCE) }
    }

    /// Whether a source may have one more answer now, which it then has had.
    pub fn admits(&mut self, now: Nanos, source: IpAddr) -> bool {
        let Some(each) = self.each else { return true };
        let full = self.full.entry(now, network(source), || now);
        let after = (*full).max(now) + each;
        let fits = after - now <= self.depth;
        if fits {
            *full = after;
        }
        fits
    }
}

/// The source that a bound by source counts: an IPv4 address, mapped ones too, or a /64 of IPv6.
pub(super) fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limit: &mut SourceLimit, source: &str, times: impl Iterator<Item = u64>) -> usize {
        let source = source.parse().unwrap();
        times.filter(|at| limit.admits(Nanos(1 << 40) + Nanos(*at), source)).count()
    }

    #[test]
    fn a_source_gets_its_rate_and_a_burst_and_another_gets_its_own() {
        let mut limit = SourceLimit::new(Some((1_000, Nanos::from_secs(1))));
        // 10,000 a second for ten seconds: a tenth of them, and a tenth of a second's burst.
        let asked = || (0..100_000).map(|n| n * 100_000);
        let got = admitted(&mut limit, "192.0.2.1", asked());
        assert!((10_000..=10_101).contains(&got), "{got}");
        assert_eq!(admitted(&mut limit, "192.0.2.2", 0..10), 10);
    }

    #[test]
    fn one_network_of_ipv6_is_one_source() {
        let mut limit = SourceLimit::new(Some((10, Nanos::from_secs(1))));
        assert_eq!(admitted(&mut limit, "2001:db8::1", 0..1000), 64);
        assert_eq!(admitted(&mut limit, "2001:db8::2", 1000..2000), 0);
        assert_eq!(admitted(&mut limit, "2001:db8:0:1::1", 0..1000), 64);
    }

    #[test]
    fn without_a_limit_all_are_answered() {
        assert_eq!(admitted(&mut SourceLimit::new(None), "192.0.2.1", 0..100_000), 100_000);
    }
}
