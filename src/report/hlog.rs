//! Writes HDR histogram logs, which the tools of `HdrHistogram` read: a line per interval, with its
//! histogram in the compressed V2 format, in base64. The crate's own log writer is not used, as it
//! borrows its file for as long as the log is open.

use crate::record::PingInterval;
use crate::units::Nanos;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A log file.
pub struct HistogramLog {
    out: BufWriter<File>,
    base: Option<Nanos>,
    serializer: V2DeflateSerializer,
    bytes: Vec<u8>,
}

impl HistogramLog {
    /// Creates the file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            out: BufWriter::new(File::create(path)?),
            base: None,
            serializer: V2DeflateSerializer::new(),
            bytes: Vec::new(),
        })
    }

    /// Writes an interval. Times are relative to the first one. `tag` names the target.
    pub fn write(&mut self, interval: &PingInterval<'_>, tag: Option<&str>) -> io::Result<()> {
        let base = match self.base {
            Some(base) => base,
            None => self.begin(interval.start)?,
        };
        let (start, length) = (seconds(interval.start - base), seconds(interval.duration));
        // The maximum is in milliseconds, the histogram in nanoseconds: the format's default.
        let max = interval.round_trips.max().unwrap_or_default().as_millis_f64();
        if let Some(tag) = tag {
            // A comma or a space would end the tag.
            write!(self.out, "Tag={},", tag.replace([',', ' ', '\n', '\r'], "_"))?;
        }
        self.bytes.clear();
        let trips = interval.round_trips.inner();
        self.serializer.serialize(trips, &mut self.bytes).map_err(io::Error::other)?;
        let histogram = STANDARD.encode(&self.bytes);
        writeln!(self.out, "{start},{length},{max:.3},{histogram}")?;
        self.out.flush()
    }

    /// Flushes the buffer.
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

/// Seconds with milliseconds, as in the format's own writers.
fn seconds(span: Nanos) -> String {
    format!("{:.3}", span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::DelayHistogram;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn a_log_is_read_back_line_by_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut log = HistogramLog::create(file.path()).unwrap();
        let mut trips = DelayHistogram::new();
        for millis in [5, 5, 9, 40_000] {
            trips.record(Nanos::from_millis(millis));
        }
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
        let bytes = STANDARD.decode(intervals[0].encoded_histogram()).unwrap();
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        assert_eq!(&read, trips.inner());
        assert_eq!(intervals[1].tag().map(|tag| tag.as_str()), Some("a__b"));
        assert_eq!(intervals[1].start_timestamp().as_millis(), 1_000);
        assert!(entries.iter().any(|entry| matches!(entry, LogEntry::BaseTime(_))));
    }
}
