//! What became of each class of sizes, and the list of outages of a direction.

use super::shape::{Block, Table};
use super::unit::{Unit, count_or_dash, share_or_dash};
use crate::record::saved::Node;

/// Adds a row for each class of sizes, where they differ.
pub(super) fn sizes(node: Node<'_>, blocks: &mut Vec<Block>) {
    let row = |class: Node<'_>| {
        let count = |key: &str| class.at(key).u64();
        let bytes = |key: &str| Unit::Bytes.show_or_dash(class.at(key).f64());
        let delay = class.at("delay_above_min_ns");
        let span = |key: &str| Unit::Span.show_or_dash(delay.at(key).f64());
        let (sent, lost) = (count("sent_datagrams"), count("lost_datagrams"));
        vec![
            bytes("least_payload_bytes"),
            bytes("most_payload_bytes"),
            count_or_dash(sent),
            count_or_dash(count("received_datagrams")),
            count_or_dash(lost),
            share_or_dash(lost, sent),
            Unit::Bits.show_or_dash(class.at("bits_per_second").f64()),
            span("p50"),
            span("p99"),
            span("max"),
        ]
    };
    let rows: Vec<_> = node.at("size_rows").items().map(row).collect();
    if !rows.is_empty() {
        let head =
            ["from", "to", "sent", "received", "lost", "of sent", "payload", "p50", "p99", "max"];
        blocks.push(Block::Table(Table::figures("By size", &head, rows)));
    }
}

/// Adds the list of outages of a direction.
pub(super) fn arrival_gaps(node: Node<'_>, blocks: &mut Vec<Block>) {
    let row = |outage: Node<'_>| {
        vec![
            Unit::Time.show_or_dash(outage.at("start_ns").f64()),
            Unit::Span.show_or_dash(outage.at("length_ns").f64()),
            count_or_dash(outage.at("lost_datagrams").u64()),
        ]
    };
    let rows: Vec<_> = node.at("arrival_gaps").at("outage_rows").items().map(row).collect();
    if !rows.is_empty() {
        let head = ["at, s", "length", "lost"];
        blocks.push(Block::Table(Table::figures("Gaps in arrivals", &head, rows)));
    }
}
