//! The protobuf form of metrics (`io.prometheus.client.MetricFamily`, each behind its length), the
//! only one that has native histograms. Field numbers are those of `metrics.proto` in
//! <https://github.com/prometheus/client_model>.

use super::board::{Series, Value};
use super::family::{Family, FamilyKind};
use super::histogram::{CLASSIC, SCHEMA, Snapshot};
use std::sync::Arc;

/// Wire types.
const VARINT: u64 = 0;
const FIXED: u64 = 1;
const BYTES: u64 = 2;

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | VARINT);
        self.varint(value);
    }

    /// A `sint32` or `sint64`, whose sign is its lowest bit.
    fn signed(&mut self, field: u64, value: i64) {
        self.number(field, (value << 1 ^ value >> 63) as u64);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.varint(field << 3 | FIXED);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }
}

/// Appends a family with its series.
pub fn append(page: &mut Vec<u8>, family: &Family, series: &[&Arc<Series>]) {
    let mut whole = Message::default();
    let (kind, field) = match family.kind {
        FamilyKind::Counter => (0, 3),
        FamilyKind::Gauge => (1, 2),
        FamilyKind::Histogram => (4, 7),
    };
    whole.text(1, &family.full_name());
    whole.text(2, family.help);
    whole.number(3, kind);
    for one in series {
        whole.message(4, |metric| {
            for (name, value) in one.labels.iter() {
                metric.message(1, |label| {
                    label.text(1, name);
                    label.text(2, value);
                });
            }
            metric.message(field, |told| match &one.value {
                Value::Number(_) => {
                    told.double(1, family.shown(one.number().unwrap_or_default()));
                }
                Value::Delays(histogram) => delays(told, &histogram.snapshot()),
            });
        });
    }
    if let Some(unit) = family.unit.name() {
        whole.text(5, unit);
    }
    let mut length = Message::default();
    length.varint(whole.0.len() as u64);
    page.extend(length.0);
    page.extend(whole.0);
}

fn delays(to: &mut Message, seen: &Snapshot) {
    let count: u64 = seen.native.iter().map(|(_, count)| count).sum();
    to.number(1, count);
    to.double(2, seen.sum.as_secs_f64());
    let mut below = 0;
    for (bound, inside) in CLASSIC.iter().zip(&seen.classic) {
        below += inside;
        to.message(3, |bucket| {
            bucket.number(1, below.min(count));
            bucket.double(2, bound.as_secs_f64());
        });
    }
    to.signed(5, i64::from(SCHEMA));
    // No bucket for zero: the shortest delay is 1 ns.
    to.double(6, 0.0);
    to.number(7, 0);
    for (offset, length) in spans(&seen.native) {
        to.message(12, |span| {
            span.signed(1, i64::from(offset));
            span.number(2, length);
        });
    }
    let mut before = 0;
    for (_, count) in &seen.native {
        to.signed(13, *count as i64 - before);
        before = *count as i64;
    }
}

/// Runs of buckets: the distance from the end of the run before, and the length. Without any there
/// is an empty one, which tells a native histogram from a classic one.
fn spans(buckets: &[(i32, u64)]) -> Vec<(i32, u64)> {
    let mut spans: Vec<(i32, u64)> = Vec::new();
    let mut next = 0;
    for (number, _) in buckets {
        match spans.last_mut() {
            Some((_, length)) if *number == next => *length += 1,
            _ => spans.push((number - next, 1)),
        }
        next = number + 1;
    }
    if spans.is_empty() { vec![(0, 0)] } else { spans }
}

#[cfg(test)]
mod tests {
    use super::super::histogram::Histogram;
    use super::super::ping::{LOST, ROUND_TRIP};
    use super::*;
    use crate::units::Nanos;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn spans_are_runs_of_buckets() {
        assert_eq!(spans(&[]), [(0, 0)]);
        let seen = [(-3, 1), (-2, 4), (1, 1), (2, 2), (3, 1), (9, 5)];
        assert_eq!(spans(&seen), [(-3, 2), (2, 3), (5, 1)]);
    }

    #[test]
    fn a_counter_is_these_bytes() {
        let labels = [("target", "a".to_owned())].into();
        let series =
            Arc::new(Series { family: &LOST, labels, value: Value::Number(AtomicU64::new(3)) });
        let mut page = Vec::new();
        append(&mut page, &LOST, &[&series]);
        let mut expected = Vec::new();
        let name = b"udpkit_lost_datagrams_total";
        expected.extend([0x0a, name.len() as u8]);
        expected.extend(name);
        expected.extend([0x12, LOST.help.len() as u8]);
        expected.extend(LOST.help.as_bytes());
        expected.extend([0x18, 0]);
        // The metric: its label, and its value as a double.
        expected.extend([0x22, 24, 0x0a, 11, 0x0a, 6]);
        expected.extend(b"target");
        expected.extend([0x12, 1, b'a', 0x1a, 9, 0x09]);
        expected.extend(3f64.to_le_bytes());
        expected.extend([0x2a, 9]);
        expected.extend(b"datagrams");
        assert_eq!(page[2..], expected);
        assert_eq!((page[0] & 0x7f, page[1]), (expected.len() as u8 & 0x7f, 1));
    }

    #[test]
    fn native_buckets_are_told_by_their_differences() {
        let seen = Histogram::default();
        for nanos in [1_000_000, 1_000_000, 1_000_000, 1_100_000] {
            seen.observe(Nanos(nanos));
        }
        let mut told = Message::default();
        delays(&mut told, &seen.snapshot());
        let tail: &[u8] = &[
            0x28, 6, 0x31, 0, 0, 0, 0, 0, 0, 0, 0, 0x38, 0, // schema 3, no bucket for zero
            0x62, 5, 0x08, 0x9d, 0x01, 0x10, 2, // two buckets from -79 on
            0x68, 6, 0x68, 3, // 3, and 2 less
        ];
        assert!(told.0.ends_with(tail), "{:02x?}", &told.0[told.0.len() - tail.len()..]);
        assert_eq!(ROUND_TRIP.kind, FamilyKind::Histogram);
    }
}
