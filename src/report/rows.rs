//! Records as lines for programs: each event as a line of JSON, or each record as a row of
//! comma-separated values (RFC 4180).
//!
//! A column of a row is a key of the record's JSON, with a dot before the key of a member; of a
//! statement it is the code. What is not known is empty.

use super::json::{json_text, json_value};
use super::output::Output;
use crate::record::{Event, Flow};
use serde::Serialize;
use serde_json::Value;

/// A format of lines for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    /// `--jsonl`: a line of JSON for each event.
    Events,
    /// `--csv`: a row for each record.
    Rows,
}

impl LineFormat {
    /// The format if `--jsonl` is given.
    pub fn events(asked: bool) -> Option<Self> {
        asked.then_some(Self::Events)
    }

    /// The format if `--csv` is given.
    pub fn rows(asked: bool) -> Option<Self> {
        asked.then_some(Self::Rows)
    }
}

/// The columns of a table, by the keys of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns(&'static [&'static str]);

/// `blast --csv`: what the receiving end counted in one interval.
pub const INTERVAL_COLUMNS: Columns = Columns(&[
    "direction",
    "start_ns",
    "duration_ns",
    "datagrams",
    "bytes",
    "lost_datagrams",
    "duplicates",
    "reordered",
    "socket_drops",
    "damaged",
    "cut",
    "altered",
]);

/// `blast --csv` with `--sweep` or `--find-rate`: one run.
pub const TRIAL_COLUMNS: Columns = Columns(&[
    "goal_bps",
    "goal_pps",
    "outcome",
    "verification",
    "offered.datagrams",
    "offered.bits_per_second",
    "sent.datagrams",
    "sent.bits_per_second",
    "received.datagrams",
    "received.bits_per_second",
    "delivered",
    "lost.total",
    "lost.never_sent",
    "lost.sender_host",
    "lost.path",
    "lost.receiver_host",
    "lost.receiver_socket",
    "cut",
    "altered",
    "delay_above_min_ns.p50",
    "delay_above_min_ns.p99",
    "limited_by",
    "host_limit",
]);

/// `cast send --csv`: one receiver, as it reported.
pub const RECEIVER_COLUMNS: Columns = Columns(&[
    "receiver",
    "destination",
    "interface",
    "state",
    "received",
    "lost_datagrams",
    "expected",
    "bursts",
    "longest_burst",
    "reordered",
    "duplicates",
    "socket_drops",
    "delay_p50_ns",
    "delay_p99_ns",
    "delay_max_ns",
    "join_to_first_ns",
    "last_heard_ns",
    "round_trip_ns",
    "reports",
]);

/// `cast recv --csv`: one source.
pub const SOURCE_COLUMNS: Columns = Columns(&[
    "source",
    "group",
    "interface",
    "tag",
    "received",
    "bytes",
    "lost_datagrams",
    "duplicates",
    "goodput_bits_per_second",
    "goodput_datagrams_per_second",
    "reordered",
    "jitter_ns",
    "bursts",
    "longest_burst",
    "delay_p50_ns",
    "delay_p99_ns",
    "delay_max_ns",
    "join_to_first_ns",
    "duration_ns",
    "silence_at_end_ns",
    "first_sequence",
    "sender_total",
]);

/// `probe ports --csv`: one port, by a remote agent.
pub const PORT_COLUMNS: Columns = Columns(&[
    "port",
    "outcome",
    "inconclusive",
    "not_opened_reason",
    "sent",
    "arrived",
    "duplicates",
    "answered",
    "replies",
    "duplicates_back",
    "round_trip_ns",
    "source_seen",
    "arrived_at",
    "answered_from",
    "ttl_out",
]);

/// `probe ports --csv` without an agent: one port.
pub const SCANNED_COLUMNS: Columns = Columns(&[
    "port",
    "service",
    "state",
    "settled_ns",
    "answer",
    "answer_bytes",
    "answered_from",
    "round_trip_ns",
    "sent",
    "silent_tries",
    "answers",
]);

impl Columns {
    /// Columns of these keys.
    pub(super) const fn of(keys: &'static [&'static str]) -> Self {
        Self(keys)
    }

    /// Their names, the first line of a table.
    pub fn head(self) -> String {
        self.0.join(",")
    }

    /// One record as a row; a record that lacks a key has an empty cell there.
    pub fn row<T: Serialize>(self, record: &T) -> String {
        let value = json_value(record);
        let cells: Vec<_> = self.0.iter().map(|key| cell(find(&value, key))).collect();
        cells.join(",")
    }

    /// The columns that a record has no key for.
    pub fn missing_from<T: Serialize>(self, record: &T) -> Vec<&'static str> {
        let value = json_value(record);
        self.0.iter().copied().filter(|key| find(&value, key).is_none()).collect()
    }
}

fn find<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.pointer(&format!("/{}", key.replace('.', "/")))
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null | Value::Array(_)) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(Value::Object(members)) => cell(members.get("code")),
        Some(figure) => figure.to_string(),
    }
}

/// Text as a cell, quoted if necessary.
pub(super) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// An event as its line of JSON.
pub fn event_line<T: Serialize>(event: &'static str, command: &'static str, record: &T) -> String {
    json_text(&Event::new(event, command, record))
}

/// Prints what happens to standard output, a line at a time, each flushed.
pub struct RecordLines {
    out: Output,
    format: LineFormat,
    command: &'static str,
    columns: Columns,
}

impl RecordLines {
    /// Lines of a `command`; rows begin with their head.
    pub fn begin(format: LineFormat, command: &'static str, columns: Columns) -> Self {
        let mut lines = Self { out: Output::new(), format, command, columns };
        if format == LineFormat::Rows {
            lines.out.line(columns.head());
        }
        lines
    }

    /// The format.
    pub fn format(&self) -> LineFormat {
        self.format
    }

    /// An event that has no row.
    pub fn event<T: Serialize>(&mut self, event: &'static str, record: &T) -> Flow {
        match self.format {
            LineFormat::Events => self.out.json_text(&event_line(event, self.command, record)),
            LineFormat::Rows => Flow::Continue,
        }
    }

    /// An event that is a row, too.
    pub fn record<T: Serialize>(&mut self, event: &'static str, record: &T) -> Flow {
        match self.format {
            LineFormat::Events => self.event(event, record),
            LineFormat::Rows => self.out.line(self.columns.row(record)),
        }
    }
}

/// Prints a whole table, until nobody reads it any more.
pub fn print_table<T: Serialize>(columns: Columns, records: &[T]) {
    let mut out = Output::buffered();
    out.line(columns.head());
    let read = |record| out.line(columns.row(record)) == Flow::Continue;
    records.iter().all(read);
    out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SOME: Columns = Columns(&["name", "lost.total", "why", "ok", "list", "none"]);

    #[test]
    fn a_row_has_a_cell_for_each_column_and_of_a_statement_its_code() {
        let record = json!({
            "name": "a,\"b\"",
            "lost": { "total": 7 },
            "why": { "code": "rate_kept", "text": "it was kept" },
            "ok": true,
            "list": [1, 2],
            "none": null,
        });
        assert_eq!(SOME.row(&record), "\"a,\"\"b\"\"\",7,rate_kept,true,,");
        assert_eq!(SOME.head(), "name,lost.total,why,ok,list,none");
        assert_eq!(SOME.missing_from(&record), Vec::<&str>::new());
        assert_eq!(SOME.missing_from(&json!({ "lost": null })).len(), 6);
    }
}
