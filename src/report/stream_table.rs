//! The streams of a throughput run side by side.

use super::number::span_or_dash;
use super::page::{Align, table};
use super::words::terms::share;
use crate::record::{Losses, StreamRow};
use crate::units::group_digits;
use std::cmp::Reverse;

/// Most rows; of more streams, those that lost most are shown.
const MOST: usize = 16;

/// What a socket's drops were, by what the run lost at all its sockets: no stream has counters of
/// its own that tell.
fn drops_heading(lost: Option<&Losses>) -> &'static str {
    let damaged = lost.and_then(|lost| lost.damaged).unwrap_or(0);
    let others = lost.and_then(|lost| lost.receiver_socket).unwrap_or(0);
    match (damaged > 0, others > 0) {
        (false, _) => "socket drops",
        (true, false) => "damaged",
        (true, true) => "drops, damaged",
    }
}

/// A row per stream, if any stream lost a datagram; empty otherwise. `lost` is all streams'.
pub(super) fn stream_table(streams: &[StreamRow], lost: Option<&Losses>) -> String {
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
    let drops = drops_heading(lost);
    let heading = ["stream", "sent", "lost", "", "bursts", drops, "above fastest", "p50"];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sockets_drops_are_called_what_they_were() {
        let lost =
            |damaged, others| Losses { damaged, receiver_socket: others, ..Losses::default() };
        assert_eq!(drops_heading(None), "socket drops");
        assert_eq!(drops_heading(Some(&lost(Some(0), Some(9)))), "socket drops");
        assert_eq!(drops_heading(Some(&lost(Some(9), Some(0)))), "damaged");
        assert_eq!(drops_heading(Some(&lost(Some(9), Some(9)))), "drops, damaged");
    }
}
