//! Probes as rows of comma-separated values (RFC 4180); unknown values are empty.

use crate::record::{Outcome, PingRow};
use crate::report::rows::quoted;

/// The names of the columns.
pub const HEAD: &str = "target,seq,outcome,planned_ns,sent_ns,left_ns,\
reflector_received_ns,reflector_sent_ns,received_ns,round_trip_ns,as_planned_ns,ttl,duplicates";

/// One probe.
pub fn row(row: &PingRow, target: &str) -> String {
    let outcome = match row.outcome {
        Outcome::Back => "back",
        Outcome::Late => "late",
        Outcome::Lost => "lost",
        Outcome::Refused => "refused",
        Outcome::Open => "open",
    };
    let cell = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    [
        quoted(target),
        row.seq.to_string(),
        outcome.to_owned(),
        row.planned_ns.to_string(),
        row.sent_ns.to_string(),
        cell(row.left_ns),
        cell(row.reflector_received_ns),
        cell(row.reflector_sent_ns),
        cell(row.received_ns),
        cell(row.round_trip_ns),
        cell(row.as_planned_ns),
        cell(row.ttl.map(u64::from)),
        row.duplicates.to_string(),
    ]
    .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        let lost = PingRow {
            target: 0,
            seq: 9,
            outcome: Outcome::Lost,
            planned_ns: 1,
            sent_ns: 2,
            left_ns: None,
            reflector_received_ns: None,
            reflector_sent_ns: None,
            received_ns: None,
            round_trip_ns: None,
            as_planned_ns: None,
            ttl: None,
            duplicates: 0,
        };
        let text = row(&lost, "[::1]:862");
        assert_eq!(text, "[::1]:862,9,lost,1,2,,,,,,,,0");
        assert_eq!(text.matches(',').count(), HEAD.matches(',').count());
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
