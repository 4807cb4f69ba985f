//! The streams of a throughput run side by side.

use super::number::span_or_dash;
use super::page::{Align, table};
use super::words::terms::share;
use crate::record::StreamRow;
use crate::units::group_digits;
use std::cmp::Reverse;

/// Most rows; of more streams, those that lost most are shown.
const MOST: usize = 16;

/// A row per stream, if any stream lost a datagram; empty otherwise.
pub(super) fn stream_table(streams: &[StreamRow]) -> String {
    let is_plain = |row: &StreamRow| {
        row.lost == 0 && (row.min_above_fastest_ns.is_some() || row.loss_bursts.is_none())
    };
    if streams.iter().all(is_plain) {
        return String::new();
    }
    let mut shown: Vec<&StreamRow> = streams.iter().collect();
    shown.sort_by_key(|row| Reverse(row.lost));
    shown.truncate(MOST);
    shown.sort_by_key(|row| row.stream);
    let heading = ["stream", "sent", "lost", "", "bursts", "socket drops", "above fastest", "p50"];
    let count = |known: Option<u64>| known.map_or_else(|| "-".to_owned(), group_digits);
    let rows = shown.iter().map(|row| {
        let sent = row.sent.unwrap_or(row.delivered.saturating_add(row.lost));
        vec![
            row.stream.to_string(),
            count(row.sent),
            group_digits(row.lost),
            share(row.lost, sent, 2),
            count(row.loss_bursts),
            count(row.socket_drops),
            span_or_dash(row.min_above_fastest_ns),
            span_or_dash(row.delay_p50_ns),
        ]
    });
    let rows = [heading.map(str::to_owned).to_vec()].into_iter().chain(rows);
    let mut text = table(&[Align::Right; 8], rows);
    if streams.len() > shown.len() {
        text.push_str(&format!("  the {} of {} that lost most\n", shown.len(), streams.len()));
    }
    text.push('\n');
    text
}
