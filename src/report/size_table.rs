//! The classes of sizes of a direction side by side.

use super::number::{bits_or_dash, millis_or_dash};
use super::page::{Align, table};
use super::words::terms::share;
use crate::record::SizeRow;
use crate::units::group_digits;

/// A row per class; empty where all datagrams have one size.
pub(super) fn size_table(rows: &[SizeRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head = ["payload, B", "sent", "received", "lost", "", "goodput", "p50, ms", "p99", "max"];
    let cells = rows.iter().map(|row| {
        let delay = &row.delay_above_min_ns;
        let (least, most) = (row.least_payload_bytes, row.most_payload_bytes);
        vec![
            if least == most { least.to_string() } else { format!("{least}-{most}") },
            group_digits(row.sent),
            group_digits(row.received),
            group_digits(row.lost),
            share(row.lost, row.sent, 2),
            bits_or_dash(row.bits_per_second),
            millis_or_dash(delay.p50),
            millis_or_dash(delay.p99),
            millis_or_dash(delay.max),
        ]
    });
    let all = [head.map(str::to_owned).to_vec()].into_iter().chain(cells);
    let mut text = table(&[Align::Right; 9], all);
    text.push('\n');
    text
}
