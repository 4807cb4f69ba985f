//! The sub-intervals of all connections of a test, summed: the course of its rate, and the largest.

use crate::record::{UdpstpInterval, UdpstpTotals};
use crate::units::{IpFamily, Nanos};
use crate::wire::udpstp::SubIntervalStats;
use std::collections::BTreeMap;

/// Ethernet's header and frame check sequence, preamble, start and gap between frames, in bytes.
const ETHERNET: u64 = 38;

/// What one connection tells of a sub-interval.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    /// What was counted.
    pub stats: SubIntervalStats,
    /// Mean variation of the round trips since the test began, in milliseconds, and their number.
    pub rtt: (u64, u64),
}

/// Sub-intervals by their number.
#[derive(Debug)]
pub(super) struct SubIntervals {
    family: IpFamily,
    told: BTreeMap<u32, BTreeMap<u8, Told>>,
    /// Those that are complete and were given out.
    given: u32,
    most: u32,
}

impl SubIntervals {
    /// None yet, of at most so many.
    pub fn new(family: IpFamily, most: u16) -> Self {
        Self { family, told: BTreeMap::new(), given: 0, most: u32::from(most) }
    }

    /// A test has so many, by what the server answered.
    pub fn set_most(&mut self, most: u16) {
        self.most = u32::from(most);
    }

    /// Takes what a connection tells of the sub-interval of this number.
    pub fn take(&mut self, number: u32, connection: u8, told: Told) {
        if (1..=self.most).contains(&number) && told.stats.length_us > 0 {
            self.told.entry(number).or_default().insert(connection, told);
        }
    }

    /// The next sub-interval that all these connections have told; or some, if there is one after
    /// the next.
    pub fn next_complete(
        &mut self,
        mut connections: impl Iterator<Item = u8>,
    ) -> Option<UdpstpInterval> {
        let number = self.given + 1;
        let told = self.told.get(&number)?;
        let is_past = self.told.keys().any(|later| *later > number + 1);
        if !is_past && !connections.all(|connection| told.contains_key(&connection)) {
            return None;
        }
        self.given = number;
        self.interval(number)
    }

    /// All of them.
    pub fn all(&self) -> Vec<UdpstpInterval> {
        self.told.keys().filter_map(|number| self.interval(*number)).collect()
    }

    /// What they add up to; `None` without any.
    pub fn totals(&self) -> Option<UdpstpTotals> {
        let each = || self.told.values().flat_map(BTreeMap::values).map(|told| &told.stats);
        if self.told.is_empty() {
            return None;
        }
        let sum = |field: fn(&SubIntervalStats) -> u64| each().map(field).sum::<u64>();
        Some(UdpstpTotals {
            datagrams: sum(|stats| u64::from(stats.datagrams)),
            bytes: each().map(|stats| stats.bytes).fold(0, u64::saturating_add),
            lost: sum(|stats| u64::from(stats.lost)),
            reordered: sum(|stats| u64::from(stats.reordered)),
            duplicates: sum(|stats| u64::from(stats.duplicates)),
        })
    }

    fn interval(&self, number: u32) -> Option<UdpstpInterval> {
        let of_each = self.told.get(&number)?;
        let mut sum = UdpstpInterval { number, ..UdpstpInterval::default() };
        let headers = self.family.headers() as u64;
        let (mut delays, mut trips) = ((0, 0), (0, 0));
        for Told { stats, rtt } in of_each.values() {
            sum.connections += 1;
            sum.end_ns = sum.end_ns.max(Nanos::from_millis(u64::from(stats.end_ms)).0);
            sum.ip_bits_per_second =
                sum.ip_bits_per_second.saturating_add(bits_per_second(stats, headers));
            sum.ethernet_bits_per_second = sum
                .ethernet_bits_per_second
                .saturating_add(bits_per_second(stats, headers + ETHERNET));
            sum.datagrams += u64::from(stats.datagrams);
            sum.bytes = sum.bytes.saturating_add(stats.bytes);
            sum.lost += u64::from(stats.lost);
            sum.reordered += u64::from(stats.reordered);
            sum.duplicates += u64::from(stats.duplicates);
            delays.0 += u64::from(stats.delay_sum_ms);
            delays.1 += u64::from(stats.delay_count);
            if let Some(least) = stats.delay_min_ms {
                let least = nanos(least);
                sum.delay_variation_min_ns =
                    Some(sum.delay_variation_min_ns.map_or(least, |known| known.min(least)));
                sum.delay_variation_max_ns =
                    sum.delay_variation_max_ns.max(Some(nanos(stats.delay_max_ms)));
            }
            if let Some(least) = stats.rtt_min_ms {
                let least = nanos(least);
                sum.rtt_variation_min_ns =
                    Some(sum.rtt_variation_min_ns.map_or(least, |known| known.min(least)));
                sum.rtt_variation_max_ns =
                    sum.rtt_variation_max_ns.max(Some(nanos(stats.rtt_max_ms)));
            }
            trips = (trips.0 + rtt.0, trips.1 + rtt.1);
        }
        sum.delay_variation_mean_ns = mean(delays);
        sum.rtt_variation_mean_ns = mean(trips);
        Some(sum)
    }
}

fn nanos(millis: u32) -> u64 {
    Nanos::from_millis(u64::from(millis)).0
}

/// Of a sum of milliseconds and their number, the mean in nanoseconds.
fn mean((sum, count): (u64, u64)) -> Option<u64> {
    let nanos = u128::from(sum) * 1_000_000 / u128::from(count.max(1));
    (count > 0).then(|| u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The rate of a connection's sub-interval at the IP layer.
pub(super) fn ip_bits_per_second(stats: &SubIntervalStats, family: IpFamily) -> u64 {
    bits_per_second(stats, family.headers() as u64)
}

fn bits_per_second(stats: &SubIntervalStats, headers: u64) -> u64 {
    let bytes = u128::from(stats.bytes) + u128::from(stats.datagrams) * u128::from(headers);
    let bits = bytes * 8 * 1_000_000 / u128::from(stats.length_us.max(1));
    u64::try_from(bits).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(datagrams: u32, lost: u32) -> Told {
        let stats = SubIntervalStats {
            datagrams,
            bytes: u64::from(datagrams) * 1_222,
            length_us: 1_000_000,
            lost,
            delay_min_ms: Some(1),
            delay_max_ms: lost,
            delay_sum_ms: datagrams,
            delay_count: datagrams,
            end_ms: 1_000,
            ..SubIntervalStats::default()
        };
        Told { stats, rtt: (10, 5) }
    }

    #[test]
    fn sub_intervals_of_all_connections_are_summed() {
        let mut all = SubIntervals::new(IpFamily::V4, 10);
        all.take(1, 0, told(10_000, 3));
        assert_eq!(all.next_complete(0..2), None);
        all.take(1, 1, told(5_000, 4));
        let sum = all.next_complete(0..2).unwrap();
        assert_eq!((sum.ip_bits_per_second, sum.connections, sum.lost), (150_000_000, 2, 7));
        assert_eq!(sum.ethernet_bits_per_second, 15_000 * (1_250 + 38) * 8);
        assert_eq!(sum.delay_variation_mean_ns, Some(1_000_000));
        assert_eq!(
            (sum.delay_variation_max_ns, sum.rtt_variation_mean_ns),
            (Some(4_000_000), Some(2_000_000))
        );
        assert_eq!(sum.rtt_variation_min_ns, None);
        assert_eq!(all.next_complete(0..2), None);
        assert_eq!(all.totals().unwrap().lost, 7);
    }

    #[test]
    fn one_that_a_connection_never_tells_is_given_once_two_later_ones_are_there() {
        let mut all = SubIntervals::new(IpFamily::V4, 3);
        all.take(1, 0, told(1, 0));
        all.take(2, 0, told(1, 0));
        assert_eq!(all.next_complete(0..2), None);
        all.take(3, 0, told(1, 0));
        assert_eq!(all.next_complete(0..2).map(|sum| sum.number), Some(1));
        assert_eq!(all.next_complete(0..2), None);
        // More than the test has are none.
        all.take(4, 0, told(1, 0));
        all.take(0, 0, told(1, 0));
        assert_eq!(all.all().len(), 3);
    }

    #[test]
    fn numbers_of_any_size_do_not_overflow() {
        let most = u32::MAX;
        let stats = SubIntervalStats {
            datagrams: most,
            bytes: u64::MAX,
            length_us: 1,
            lost: most,
            delay_min_ms: Some(most - 1),
            delay_max_ms: most,
            delay_sum_ms: most,
            delay_count: 1,
            end_ms: most,
            ..SubIntervalStats::default()
        };
        let mut all = SubIntervals::new(IpFamily::V6, 3);
        (0..24).for_each(|connection| {
            all.take(1, connection, Told { stats, rtt: (u64::from(most), 1) });
        });
        assert_eq!(all.all()[0].ip_bits_per_second, u64::MAX);
        assert_eq!(all.totals().unwrap().bytes, u64::MAX);
    }
}
