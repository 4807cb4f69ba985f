//! The log of a server: text for its operator, JSON lines for programs.

use super::clock::{Clock, TimeStyle};
use super::{Output, Shown, note, status};
use crate::record::{Flow, LogLevel, SCHEMA, ServeRecord, Worded};
use crate::units::Nanos;
use jiff::Timestamp;
use serde::Serialize;

/// One event as a line of JSON.
#[derive(Serialize)]
pub struct ServeLine<'a> {
    schema: u32,
    command: &'static str,
    /// RFC 3339, UTC.
    time: String,
    level: LogLevel,
    #[serde(flatten)]
    record: &'a ServeRecord,
}

/// Logs a server's events: text to standard error, JSON to standard output.
pub struct ServeLog {
    text: Option<Clock>,
    json: Option<Output>,
    level: LogLevel,
}

impl ServeLog {
    /// A log of events of this level or a more serious one; quiet leaves out the text, JSON is
    /// beside it.
    pub fn new(Shown { quiet, json }: Shown, times: TimeStyle, level: LogLevel) -> Self {
        Self { text: (!quiet).then(|| Clock::new(times)), json: json.then(Output::new), level }
    }

    /// Logs an event that happened at `at` on the real-time clock. Each line is flushed at
    /// once.
    pub fn take(&mut self, at: Nanos, record: &ServeRecord) -> Flow {
        // The status was asked for.
        if record.level() > self.level && !matches!(record, ServeRecord::Status { .. }) {
            return Flow::Continue;
        }
        match (&mut self.text, record) {
            (Some(clock), _) => note(serve_log_line(at, record, clock)),
            // It was asked for, quiet or not.
            (None, ServeRecord::Status { .. }) => status(record.text()),
            (None, _) => {}
        }
        match &mut self.json {
            None => Flow::Continue,
            Some(out) => out.json_line(&serve_line(at, record)),
        }
    }
}

/// An event as its line of the log.
pub fn serve_log_line(at: Nanos, record: &ServeRecord, clock: &mut Clock) -> String {
    let mut line = String::new();
    clock.write(at, &mut line);
    line.push_str(&format!("  {:<5}  ", record.level().as_str()));
    line.push_str(&record.text());
    line
}

/// An event as its line of JSON.
pub fn serve_line(at: Nanos, record: &ServeRecord) -> ServeLine<'_> {
    // 64 bits of nanoseconds end in 2554, well within the range of a timestamp.
    let time = Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default();
    let (time, level) = (format!("{time:.3}"), record.level());
    ServeLine { schema: SCHEMA, command: "serve", time, level, record }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_schema_time_and_event() {
        let record = ServeRecord::NotShown { events: 3 };
        let line = serve_line(Nanos(1_700_000_000_123_456_789), &record);
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"schema":1,"command":"serve","time":"2023-11-14T22:13:20.123Z","level":"warn","event":"not_shown","events":3}"#
        );
    }
}
