//! The two transmitters that send Load PDUs at a rate of the table, each on a schedule of its own.

use crate::units::{IpFamily, Nanos};
use crate::wire::udpstp::{LOAD_HEADER_LEN, SendingRate, Size};
use fastrand::Rng;

/// Shortest interval of a transmitter.
const LEAST_INTERVAL: Nanos = Nanos::from_micros(100);
/// Most datagrams in a burst, and bytes in a datagram, whatever the peer says.
const MOST_BURST: u32 = 100;
const MOST_PAYLOAD: u32 = 8_972;
/// Least size of random ones over IPv4.
const LEAST_RANDOM: u32 = 52;
/// By how much IPv6's header is longer.
const LONGER: u32 = 20;
/// How far a transmitter may lag behind and still send all: beyond, this host is too slow.
const LAG: Nanos = Nanos::from_millis(5);
/// Longest wait of a transmitter, its start included.
const LONGEST: Nanos = Nanos::from_millis(50);
/// A test's transmitters start after a random time, from 5 to 50 ms.
const START_MICROS: std::ops::RangeInclusive<u64> = 5_000..=50_000;

/// What is due: a burst, and perhaps one more datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Burst {
    /// Datagrams.
    pub count: u32,
    /// Payload of each in bytes.
    pub payload: usize,
    /// Payload of one more, in bytes.
    pub addon: Option<usize>,
}

/// Sends at a rate.
#[derive(Debug)]
pub(super) struct LoadSender {
    rate: SendingRate,
    family: IpFamily,
    due: [Option<Nanos>; 2],
    has_begun: bool,
    /// Datagrams that were due while this host was elsewhere.
    skipped: u64,
    sequence: u32,
    rng: Rng,
}

impl LoadSender {
    /// Sends at this rate over this family.
    pub fn new(rate: SendingRate, family: IpFamily, seed: u64) -> Self {
        let rng = Rng::with_seed(seed);
        Self { rate, family, due: [None; 2], has_begun: false, skipped: 0, sequence: 0, rng }
    }

    /// From now on it sends at this rate.
    pub fn set_rate(&mut self, rate: SendingRate) {
        self.rate = rate;
    }

    /// When something is due next.
    pub fn next_due(&mut self, now: Nanos) -> Option<Nanos> {
        for transmitter in 0..2 {
            let interval = self.interval(transmitter);
            self.due[transmitter] = match (self.due[transmitter], interval) {
                (_, None) => None,
                (None, Some(_)) if !self.has_begun => {
                    Some(now + Nanos::from_micros(self.rng.u64(START_MICROS)))
                }
                (None, Some(interval)) => Some(now + interval),
                // A long interval does not outlast a change to a shorter one.
                (Some(due), Some(interval)) => Some(due.min(now + interval.max(LONGEST))),
            };
        }
        self.has_begun = true;
        self.due.into_iter().flatten().min()
    }

    /// What is due, and goes on to the next time.
    pub fn take_due(&mut self, now: Nanos) -> Option<Burst> {
        let transmitter = (0..2).find(|one| self.due[*one].is_some_and(|due| due <= now))?;
        let due = self.due[transmitter]?;
        let interval = self.interval(transmitter).unwrap_or(LEAST_INTERVAL);
        let next = due + interval;
        let is_late = next + LAG < now;
        self.due[transmitter] = Some(if is_late { now + interval } else { next });
        let burst = self.burst(transmitter);
        if is_late {
            let missed = (now - next).0 / interval.0.max(1);
            let each = u64::from(burst.count) + u64::from(burst.addon.is_some());
            self.skipped = self.skipped.saturating_add(missed.saturating_mul(each));
        }
        Some(burst)
    }

    fn burst(&mut self, transmitter: usize) -> Burst {
        let rate = self.rate;
        match transmitter {
            0 => Burst {
                count: rate.burst1.min(MOST_BURST),
                payload: self.payload(rate.size1),
                addon: None,
            },
            _ => Burst {
                count: rate.burst2.min(MOST_BURST),
                payload: self.payload(rate.size2),
                addon: (rate.addon2.payload > 0).then(|| self.payload(rate.addon2)),
            },
        }
    }

    /// Datagrams that were due and are not sent any more, as this host came too late.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next datagram's number.
    pub fn number(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// So many of the last numbers were not sent after all.
    pub fn give_back(&mut self, datagrams: u32) {
        self.sequence = self.sequence.wrapping_sub(datagrams);
    }

    /// Datagrams sent.
    pub fn sent(&self) -> u32 {
        self.sequence
    }

    fn interval(&self, transmitter: usize) -> Option<Nanos> {
        let micros = [self.rate.interval1_us, self.rate.interval2_us][transmitter];
        (micros > 0).then(|| Nanos::from_micros(u64::from(micros)).max(LEAST_INTERVAL))
    }

    fn payload(&mut self, size: Size) -> usize {
        let is_v6 = self.family == IpFamily::V6;
        let same_packet = |payload: u32| {
            if is_v6 && payload >= LEAST_RANDOM { payload - LONGER } else { payload }
        };
        let most = same_packet(size.payload.min(MOST_PAYLOAD));
        let least = same_packet(LEAST_RANDOM).min(most);
        let payload = if size.random { self.rng.u32(least..=most) } else { most };
        (payload as usize).max(LOAD_HEADER_LEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::{FastRows, RatePayload, SendingRates};
    use crate::session::udpstp::rate_control::on_the_wire;

    /// Bits at the IP layer that a row sends in a second.
    fn sent(row: u32, family: IpFamily) -> u64 {
        let table = SendingRates { payload: RatePayload::Reduced, fast: FastRows::Jumbo };
        let mut sender = LoadSender::new(on_the_wire(&table.row(row)), family, 7);
        let begin = Nanos::from_secs(100);
        let (mut now, mut bits) = (begin, 0);
        sender.next_due(now);
        now += Nanos::from_millis(100);
        sender.next_due(now);
        while sender.take_due(now).is_some() {}
        let end = now + Nanos::from_secs(2);
        while let Some(due) = sender.next_due(now).filter(|due| *due <= end) {
            now = due;
            while let Some(burst) = sender.take_due(now) {
                let headers = family.headers();
                bits += u64::from(burst.count) * (burst.payload + headers) as u64 * 8;
                bits += burst.addon.map_or(0, |addon| (addon + headers) as u64 * 8);
            }
        }
        bits / 2
    }

    #[test]
    fn a_row_is_its_rate_at_the_ip_layer_over_either_family() {
        for family in [IpFamily::V4, IpFamily::V6] {
            for row in [1, 9, 10, 57, 100, 999, 1_000] {
                let expected = u64::from(row) * 1_000_000;
                let bits = sent(row, family);
                assert!(bits.abs_diff(expected) <= expected / 500 + 2_000, "{row} {bits}");
            }
            assert!(sent(1_063, family).abs_diff(7_920_000_000) < 20_000_000);
        }
        let slowest = sent(0, IpFamily::V4);
        assert!((60_000..160_000).contains(&slowest), "{slowest}");
    }

    #[test]
    fn what_a_peer_says_is_bounded() {
        let wild = Size { payload: u32::MAX >> 1, random: false };
        let rate = SendingRate {
            interval1_us: 1,
            size1: wild,
            burst1: u32::MAX,
            ..SendingRate::default()
        };
        let mut sender = LoadSender::new(rate, IpFamily::V4, 7);
        sender.next_due(Nanos::ZERO);
        let now = Nanos::from_secs(1);
        let burst = sender.take_due(now).unwrap();
        assert_eq!((burst.count, burst.payload), (100, 8_972));
        assert_eq!(sender.next_due(now), Some(now + LEAST_INTERVAL));
    }

    #[test]
    fn what_was_due_while_the_host_was_elsewhere_is_counted_and_not_sent() {
        let table = SendingRates { payload: RatePayload::Reduced, fast: FastRows::Jumbo };
        let mut sender = LoadSender::new(on_the_wire(&table.row(100)), IpFamily::V4, 7);
        let start = Nanos::from_secs(1);
        sender.next_due(start);
        let now = start + Nanos::from_millis(50);
        sender.next_due(now);
        while sender.take_due(now).is_some() {}
        let before = sender.skipped();
        // A burst of one each 100 us.
        let later = now + Nanos::from_millis(20);
        let mut sent = 0;
        while sender.take_due(later).is_some() {
            sent += 1;
        }
        let all = sent + sender.skipped() - before;
        assert!((199..=201).contains(&all), "{sent} {all}");
        assert_eq!(sent, 1);
    }

    #[test]
    fn a_rate_that_changes_takes_effect_at_once() {
        let slow = SendingRate {
            interval2_us: 50_000,
            addon2: Size { payload: 1_222, random: true },
            ..SendingRate::default()
        };
        let mut sender = LoadSender::new(slow, IpFamily::V4, 7);
        let now = Nanos::from_secs(1);
        sender.next_due(now);
        let fast = SendingRate {
            interval1_us: 100,
            size1: Size { payload: 1_222, random: false },
            burst1: 10,
            ..SendingRate::default()
        };
        sender.set_rate(fast);
        let later = now + Nanos::from_millis(60);
        assert_eq!(sender.next_due(later), Some(later + LEAST_INTERVAL));
        sender.set_rate(SendingRate::default());
        assert_eq!(sender.next_due(later), None);
    }
}
