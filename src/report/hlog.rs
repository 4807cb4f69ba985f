//! The HDR histogram log, which `HdrHistogram`'s own tools read: each interval as a line with its
//! histogram in the V2 format, framed as zlib and written in base64.
//!
//! The frame holds the bytes as they are ("stored", RFC 1951 §3.2.4): a histogram of a second has
//! a few hundred counts, and what is zero is a run already.

use crate::record::PingInterval;
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Cookies of the format, version 2, with a word size of 1 byte (`HdrHistogram`'s Java source,
/// `EncodableHistogram`).
const COOKIE: u32 = 0x1C84_9313;
const COMPRESSED_COOKIE: u32 = 0x1C84_9314;
/// Most bytes of one stored block.
const BLOCK: usize = 65_535;

/// A log in a file.
pub struct HistogramLog {
    out: BufWriter<File>,
    base: Option<Nanos>,
}

impl HistogramLog {
    /// Makes the file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { out: BufWriter::new(File::create(path)?), base: None })
    }

    /// Writes an interval; the first one decides the time that all are told from. `tag` names whose
    /// it is.
    pub fn write(&mut self, interval: &PingInterval<'_>, tag: Option<&str>) -> io::Result<()> {
        let base = match self.base {
            Some(base) => base,
            None => self.begin(interval.start)?,
        };
        let (start, length) = (seconds(interval.start - base), seconds(interval.duration));
        // In milliseconds, where the values are nanoseconds: the format's own default.
        let max = interval.round_trips.max().unwrap_or_default().as_millis_f64();
        if let Some(tag) = tag {
            // A comma or a blank would end it.
            write!(self.out, "Tag={},", tag.replace([',', ' ', '\n', '\r'], "_"))?;
        }
        let histogram = base64(&compressed(interval.round_trips));
        writeln!(self.out, "{start},{length},{max:.3},{histogram}")?;
        self.out.flush()
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn begin(&mut self, base: Nanos) -> io::Result<Nanos> {
        let at = seconds(base);
        self.base = Some(base);
        writeln!(self.out, "#[Round trips in nanoseconds, by udpkit ping]")?;
        writeln!(self.out, "#[Histogram log format version 1.3]")?;
        writeln!(self.out, "#[StartTime: {at} (seconds since epoch)]")?;
        writeln!(self.out, "#[BaseTime: {at} (seconds since epoch)]")?;
        let names =
            ["StartTimestamp", "Interval_Length", "Interval_Max", "Interval_Compressed_Histogram"];
        writeln!(self.out, "\"{}\"", names.join("\",\""))?;
        Ok(base)
    }
}

/// Whole milliseconds, as the format's own writers have them.
fn seconds(span: Nanos) -> String {
    format!("{:.3}", span.as_secs_f64())
}

/// The V2 format: a header and the counts in order.
fn encoded(histogram: &DelayHistogram) -> Vec<u8> {
    let inner = histogram.inner();
    let mut counts = Vec::new();
    let (mut zeros, mut left) = (0i64, inner.len());
    for value in inner.iter_all() {
        if left == 0 {
            break;
        }
        let count = value.count_at_value();
        left = left.saturating_sub(count);
        if count == 0 {
            zeros += 1;
            continue;
        }
        if zeros > 0 {
            push_zigzag(&mut counts, -std::mem::take(&mut zeros));
        }
        push_zigzag(&mut counts, i64::try_from(count).unwrap_or(i64::MAX));
    }
    let mut out = Vec::with_capacity(40 + counts.len());
    out.extend(COOKIE.to_be_bytes());
    out.extend((counts.len() as u32).to_be_bytes());
    // Normalising index offset.
    out.extend(0u32.to_be_bytes());
    out.extend(u32::from(inner.sigfig()).to_be_bytes());
    out.extend(inner.low().to_be_bytes());
    out.extend(inner.high().to_be_bytes());
    // Ratio of doubles to integers.
    out.extend(1f64.to_be_bytes());
    out.extend(counts);
    out
}

/// The V2 format within a zlib stream (RFC 1950) of stored blocks.
fn compressed(histogram: &DelayHistogram) -> Vec<u8> {
    let bytes = encoded(histogram);
    // 32 KiB window, no dictionary, fastest: a multiple of 31.
    let mut zlib = vec![0x78, 0x01];
    let blocks = bytes.chunks(BLOCK);
    let last = blocks.len() - 1;
    for (index, block) in blocks.enumerate() {
        let len = block.len() as u16;
        zlib.push(u8::from(index == last));
        zlib.extend(len.to_le_bytes());
        zlib.extend((!len).to_le_bytes());
        zlib.extend(block);
    }
    zlib.extend(adler32(&bytes).to_be_bytes());
    let mut out = COMPRESSED_COOKIE.to_be_bytes().to_vec();
    out.extend((zlib.len() as u32).to_be_bytes());
    out.extend(zlib);
    out
}

/// A signed number in `ZigZag` LEB128 of at most nine bytes, the ninth with eight bits.
fn push_zigzag(out: &mut Vec<u8>, value: i64) {
    let mut bits = (value << 1 ^ value >> 63) as u64;
    for _ in 0..8 {
        if bits < 0x80 {
            out.push(bits as u8);
            return;
        }
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

/// RFC 1950 §8.2.
fn adler32(bytes: &[u8]) -> u32 {
    const PRIME: u32 = 65_521;
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % PRIME;
        (a, (a + b) % PRIME)
    });
    b << 16 | a
}

/// RFC 4648 §4, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let sextet = (bits >> (18 - 6 * digit)) as usize & 63;
            let known = digit <= chunk.len();
            text.push(if known { char::from(DIGITS[sextet]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn base64_and_adler32_are_those_of_their_rfcs() {
        for (plain, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), text);
        }
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn small_numbers_are_short_and_the_largest_has_nine_bytes() {
        for (value, bytes) in [(0, vec![0]), (-1, vec![1]), (1, vec![2]), (64, vec![0x80, 1])] {
            let mut out = Vec::new();
            push_zigzag(&mut out, value);
            assert_eq!(out, bytes, "{value}");
        }
        let mut out = Vec::new();
        push_zigzag(&mut out, i64::MIN);
        assert_eq!(out, [0xFF; 9]);
    }

    #[test]
    fn another_reader_finds_every_count() {
        let seed = fastrand::u64(..);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut deserializer = Deserializer::new();
        for samples in [0, 1, 100, 200_000] {
            let mut histogram = DelayHistogram::new();
            for _ in 0..samples {
                histogram.record(Nanos(rng.u64(..) >> rng.u32(28..64)));
            }
            let read: Histogram<u64> =
                deserializer.deserialize(&mut &compressed(&histogram)[..]).unwrap();
            assert_eq!(&read, histogram.inner(), "seed {seed}, {samples}");
        }
    }

    #[test]
    fn a_log_is_read_back_line_by_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut log = HistogramLog::create(file.path()).unwrap();
        let mut trips = DelayHistogram::new();
        trips.record(Nanos::from_millis(5));
        let interval = PingInterval {
            target: 0,
            elapsed: Nanos::ZERO,
            sent: 1,
            back: 1,
            lost: 0,
            start: Nanos(1_700_000_000_250_000_000),
            duration: Nanos::from_secs(1),
            round_trips: &trips,
        };
        log.write(&interval, None).unwrap();
        let next = PingInterval { start: interval.start + Nanos::from_secs(1), ..interval };
        log.write(&next, Some("a, b")).unwrap();
        let text = std::fs::read(file.path()).unwrap();
        let entries: Vec<_> = IntervalLogIterator::new(&text).map(Result::unwrap).collect();
        let intervals: Vec<_> = entries
            .iter()
            .filter_map(|entry| match entry {
                LogEntry::Interval(interval) => Some(interval),
                _ => None,
            })
            .collect();
        assert_eq!(intervals.len(), 2);
        assert_eq!(intervals[0].tag(), None);
        assert_eq!(intervals[1].tag().map(|tag| tag.as_str()), Some("a__b"));
        assert_eq!(intervals[1].start_timestamp().as_millis(), 1_000);
        assert!(entries.iter().any(|entry| matches!(entry, LogEntry::BaseTime(_))));
    }
}
