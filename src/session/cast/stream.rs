//! The payload of one source in order, with its gaps: what `cast recv --out` writes.
//!
//! An early datagram waits for those before it, within limits of number, bytes and time; then the
//! missing ones are given up and listed as a gap. The same number from another group or interface
//! counts too: it is the same datagram.

use crate::record::{CastGap, CastStream};
use crate::units::Nanos;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Maximum datagrams that wait.
const HELD_MAX: usize = 1024;
/// Maximum payload bytes that wait, beyond one datagram that is always accepted.
const HELD_BYTES: usize = 4 << 20;
/// How long a datagram waits for those before it.
const PATIENCE: Nanos = Nanos::from_secs(1);
/// A first number below this means that the beginning was overtaken or lost; a higher one is a join
/// in mid-run, where the stream begins.
const NEAR_START: u32 = 1024;
/// Maximum gaps listed; further ones are counted.
const GAPS_MAX: usize = 1000;

/// The stored source: the first one heard, in its current run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    source: SocketAddr,
    tag: Option<u16>,
}

/// A piece of the stream, ready to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Content(&'a [u8]),
    Gap(CastGap),
}

/// A datagram that waits for those before it.
struct Held {
    payload: Vec<u8>,
    since: Nanos,
}

/// State of the stream.
#[derive(Default)]
pub(super) struct Stream {
    key: Option<Key>,
    /// The next number to be written, extended to 64 bits.
    next: u64,
    first: u64,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    /// The sender's total.
    total: Option<u64>,
    told: CastStream,
    missing: u64,
    gap_count: u64,
}

/// A datagram of the stream, or of another.
#[derive(Clone, Copy)]
pub(super) struct Arrived<'a> {
    pub source: SocketAddr,
    /// The sequence number with the run's tag; `None` for a datagram without header, which is
    /// written as it arrives.
    pub number: Option<(u16, u32)>,
    pub payload: &'a [u8],
}

impl Stream {
    /// Handles a datagram's payload; `ready` gets what can be written now.
    pub fn take(&mut self, arrived: &Arrived<'_>, now: Nanos, ready: &mut impl FnMut(Piece<'_>)) {
        let Arrived { source, number, payload } = *arrived;
        let key = Key { source, tag: number.map(|(tag, _)| tag) };
        let sequence = number.map(|(_, sequence)| sequence);
        if self.key.is_none() {
            self.key = Some(key);
            self.first = u64::from(sequence.filter(|first| *first >= NEAR_START).unwrap_or(0));
            self.next = self.first;
        }
        if self.key != Some(key) {
            self.told.of_others += 1;
            return;
        }
        let Some(sequence) = sequence else {
            self.write(payload, ready);
            return;
        };
        let ahead = i64::from(sequence.wrapping_sub(self.next as u32) as i32);
        let Some(place) = self.next.checked_add_signed(ahead).filter(|_| ahead >= 0) else {
            // A copy of what was written is ignored; one that was given up is late.
            self.told.late += u64::from(self.was_given_up(sequence));
            return;
        };
        if place == self.next {
            self.write(payload, ready);
            self.next += 1;
        } else if let std::collections::btree_map::Entry::Vacant(free) = self.held.entry(place) {
            self.held_bytes += payload.len();
            free.insert(Held { payload: payload.to_vec(), since: now });
        }
        self.follow(ready);
        while self.held.len() > HELD_MAX || self.held_bytes > HELD_BYTES {
            self.give_up(ready);
        }
    }

    /// The source announced its total.
    pub fn end(&mut self, source: SocketAddr, tag: u16, total: u64) {
        if self.key == Some(Key { source, tag: Some(tag) }) {
            self.total = Some(total);
        }
    }

    /// When the first waiting datagram has waited long enough; `None` if nothing waits.
    pub fn deadline(&self) -> Option<Nanos> {
        self.held.values().next().map(|first| first.since + PATIENCE)
    }

    /// Gives up missing datagrams that were waited for long enough.
    pub fn expire(&mut self, now: Nanos, ready: &mut impl FnMut(Piece<'_>)) {
        while self.deadline().is_some_and(|at| at <= now) {
            self.give_up(ready);
        }
    }

    /// Nothing more will arrive.
    pub fn finish(&mut self, ready: &mut impl FnMut(Piece<'_>)) {
        while !self.held.is_empty() {
            self.give_up(ready);
        }
        if let Some(total) = self.total.filter(|total| *total > self.next) {
            self.skip_to(total, ready);
        }
    }

    /// What was written, and what is missing.
    pub fn record(&self, shown: impl Fn(SocketAddr) -> String) -> CastStream {
        let numbered = self.key.is_none_or(|key| key.tag.is_some());
        CastStream {
            source: self.key.map(|key| shown(key.source)),
            tag: self.key.and_then(|key| key.tag),
            first_sequence: self.key.and_then(|key| key.tag).map(|_| self.first),
            missing: numbered.then_some(self.missing),
            gap_count: numbered.then_some(self.gap_count),
            ..self.told.clone()
        }
    }

    fn write(&mut self, payload: &[u8], ready: &mut impl FnMut(Piece<'_>)) {
        self.told.datagrams += 1;
        self.told.bytes += payload.len() as u64;
        ready(Piece::Content(payload));
    }

    /// Writes what waited for the datagram that was just written.
    fn follow(&mut self, ready: &mut impl FnMut(Piece<'_>)) {
        while let Some(held) = self.held.remove(&self.next) {
            self.held_bytes -= held.payload.len();
            self.write(&held.payload, ready);
            self.next += 1;
        }
    }

    /// Reports the gap before the first waiting datagram, and continues with it.
    fn give_up(&mut self, ready: &mut impl FnMut(Piece<'_>)) {
        let Some(place) = self.held.keys().next().copied() else { return };
        self.skip_to(place, ready);
        self.follow(ready);
    }

    fn skip_to(&mut self, place: u64, ready: &mut impl FnMut(Piece<'_>)) {
        let gap = CastGap { first: self.next, last: place - 1, at_bytes: self.told.bytes };
        self.missing += place - self.next;
        self.gap_count += 1;
        if self.told.gaps.len() < GAPS_MAX {
            self.told.gaps.push(gap);
        }
        self.next = place;
        ready(Piece::Gap(gap));
    }

    /// Whether a number below the next one is in a listed gap.
    fn was_given_up(&self, sequence: u32) -> bool {
        let back = u64::from((self.next as u32).wrapping_sub(sequence));
        let Some(number) = self.next.checked_sub(back) else { return false };
        let gaps = &self.told.gaps;
        let behind = gaps.partition_point(|gap| gap.last < number);
        gaps.get(behind).is_some_and(|gap| gap.first <= number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output: payloads as they are, gaps as `[first-last@bytes]`.
    #[derive(Default)]
    struct Written {
        stream: Stream,
        text: String,
        pieces: usize,
    }

    impl Written {
        fn with(&mut self, act: impl FnOnce(&mut Stream, &mut dyn FnMut(Piece<'_>))) {
            let (text, pieces) = (&mut self.text, &mut self.pieces);
            act(&mut self.stream, &mut |piece| {
                *pieces += 1;
                *text += &match piece {
                    Piece::Content(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Piece::Gap(gap) => format!("[{}-{}@{}]", gap.first, gap.last, gap.at_bytes),
                };
            });
        }

        fn take(&mut self, source: &str, number: Option<(u16, u32)>, payload: &[u8], now: Nanos) {
            self.with(|stream, mut ready| {
                let arrived = Arrived { source: addr(source), number, payload };
                stream.take(&arrived, now, &mut ready);
            });
        }

        fn feed(&mut self, numbers: &[u32], now: Nanos) {
            for number in numbers {
                self.take(SOURCE, Some((7, *number)), &payload(*number), now);
            }
        }

        fn finish(&mut self, total: Option<u64>) {
            if let Some(total) = total {
                self.stream.end(addr(SOURCE), 7, total);
            }
            self.with(|stream, mut ready| stream.finish(&mut ready));
        }

        fn record(&self) -> CastStream {
            self.stream.record(|addr| addr.to_string())
        }
    }

    const SOURCE: &str = "10.0.0.1:7000";

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn payload(number: u32) -> Vec<u8> {
        format!("<{number}>").into_bytes()
    }

    #[test]
    fn what_comes_out_of_order_is_written_in_order_and_copies_once() {
        let mut written = Written::default();
        written.feed(&[2, 0, 1, 1, 4, 2, 3, 4], Nanos(1));
        assert_eq!(written.text, "<0><1><2><3><4>");
        assert_eq!(written.stream.deadline(), None);
        let told = written.record();
        assert_eq!((told.datagrams, told.bytes, told.missing), (5, 15, Some(0)));
        assert_eq!((told.late, told.source.as_deref()), (0, Some(SOURCE)));
    }

    #[test]
    fn a_place_is_given_up_after_its_time_and_named_and_its_datagram_is_late() {
        let mut written = Written::default();
        written.feed(&[0, 3], Nanos(5));
        assert_eq!(written.stream.deadline(), Some(Nanos(5) + PATIENCE));
        written.with(|stream, mut ready| stream.expire(PATIENCE, &mut ready));
        assert_eq!(written.text, "<0>");
        written.with(|stream, mut ready| stream.expire(Nanos(5) + PATIENCE, &mut ready));
        written.feed(&[2, 0], Nanos(9));
        written.finish(Some(6));
        assert_eq!(written.text, "<0>[1-2@3]<3>[4-5@6]");
        let told = written.record();
        assert_eq!((told.late, told.missing, told.gap_count), (1, Some(4), Some(2)));
    }

    #[test]
    fn memory_is_bounded_whatever_is_missing() {
        let mut written = Written::default();
        let numbers: Vec<u32> = (1..=HELD_MAX as u32 + 1).collect();
        written.feed(&numbers[..HELD_MAX], Nanos(1));
        assert!(written.text.is_empty());
        written.feed(&numbers[HELD_MAX..], Nanos(1));
        assert!(written.text.starts_with("[0-0@0]<1><2>"));
        assert_eq!(written.pieces, HELD_MAX + 2);
        let mut large = Written::default();
        for number in 1..100 {
            large.take(SOURCE, Some((7, number)), &vec![b'x'; 65_000], Nanos(1));
        }
        assert!(large.stream.held_bytes <= HELD_BYTES && large.pieces > 0);
    }

    #[test]
    fn a_join_in_mid_run_begins_there_and_numbers_wrap() {
        let mut written = Written::default();
        written.feed(&[u32::MAX - 1, 0, u32::MAX, 1], Nanos(1));
        assert_eq!(written.text, "<4294967294><4294967295><0><1>");
        assert_eq!(written.record().first_sequence, Some(4_294_967_294));
    }

    #[test]
    fn one_source_is_written_and_others_are_counted() {
        let mut written = Written::default();
        written.feed(&[0], Nanos(1));
        written.take("10.0.0.2:7000", Some((7, 1)), b"other", Nanos(1));
        written.take(SOURCE, Some((8, 1)), b"again", Nanos(1));
        written.feed(&[1], Nanos(1));
        assert_eq!(written.text, "<0><1>");
        assert_eq!(written.record().of_others, 2);
        let mut plain = Written::default();
        plain.take(SOURCE, None, b"b", Nanos(1));
        plain.take("10.0.0.2:7000", None, b"x", Nanos(1));
        plain.take(SOURCE, None, b"a", Nanos(1));
        assert_eq!(plain.text, "ba");
        let told = plain.record();
        assert_eq!((told.missing, told.gap_count, told.tag), (None, None, None));
    }

    #[test]
    fn any_order_and_any_loss_give_what_an_oracle_gives() {
        for seed in 0..200 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let total = rng.u32(1..400);
            let mut arrivals: Vec<(u32, u32)> = Vec::new();
            for number in 0..total {
                for _ in 0..[0, 1, 1, 1, 2][rng.usize(..5)] {
                    arrivals.push((number + rng.u32(..60), number));
                }
            }
            arrivals.sort_unstable();
            let mut written = Written::default();
            for (at, number) in &arrivals {
                written.feed(&[*number], Nanos(u64::from(*at)));
            }
            written.finish(Some(u64::from(total)));
            assert_eq!(written.text, expected(total, &arrivals), "seed {seed}");
        }
    }

    /// The correct output, computed from all arrivals at once.
    fn expected(total: u32, arrivals: &[(u32, u32)]) -> String {
        let came: std::collections::BTreeSet<u32> =
            arrivals.iter().map(|(_, number)| *number).collect();
        let (mut text, mut bytes, mut number) = (String::new(), 0, 0);
        while number < total && !came.is_empty() {
            let first = number;
            while number < total && !came.contains(&number) {
                number += 1;
            }
            if number > first {
                text += &format!("[{first}-{}@{bytes}]", number - 1);
            }
            if number < total {
                let one = String::from_utf8_lossy(&payload(number)).into_owned();
                bytes += one.len();
                text += &one;
                number += 1;
            }
        }
        text
    }
}
