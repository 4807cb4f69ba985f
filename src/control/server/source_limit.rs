//! Limits how many answers one source gets.

use super::bounded_map::BoundedMap;
use crate::pace::{RateLimit, RateMeter};
use crate::units::Nanos;
use std::net::{IpAddr, Ipv6Addr};

/// Sources remembered; beyond this the least recently seen start afresh.
const SOURCES: usize = 16_384;
/// Silence after which a source's limit is certainly unused.
const SILENCE: Nanos = Nanos::from_secs(10);
/// Burst: the answers of so much time, but at least this many.
const LEAST_AHEAD: Nanos = Nanos::from_millis(100);
const LEAST_BURST: u64 = 64;

/// A rate limit for each source: an IPv4 address or an IPv6 /64 network, since whoever holds one
/// address of it holds all.
#[derive(Debug)]
pub(crate) struct SourceLimit {
    /// `None` for no limit.
    limit: Option<RateLimit>,
    sources: BoundedMap<IpAddr, RateMeter>,
}

impl SourceLimit {
    /// `rate` is a number of answers and the time in which they are allowed; `None` for no limit.
    pub fn new(rate: Option<(u64, Nanos)>) -> Self {
        let limit = rate.map(|(count, span)| {
            let each = Nanos((span.0 / count.max(1)).max(1));
            let least = Nanos(each.0.saturating_mul(LEAST_BURST));
            RateLimit::ahead_by(each, LEAST_AHEAD.max(least))
        });
        Self { limit, sources: BoundedMap::new(SOURCES, SILENCE) }
    }

    /// Whether this source may get one more answer now; if so, it is counted.
    pub fn admits(&mut self, now: Nanos, source: IpAddr) -> bool {
        let Some(limit) = self.limit else { return true };
        self.sources.entry(now, network(source), RateMeter::default).admits(limit, now)
    }
}

/// The source that limits apply to: an IPv4 address (also if IPv4-mapped) or an IPv6 /64.
pub(crate) fn network(source: IpAddr) -> IpAddr {
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
