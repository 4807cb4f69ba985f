//! The sheet of a fan-out: a bar for each receiver, or for each source.

use super::shape::{Align, Axis, Block, Chart, Figure, Section, Table};
use super::unit::{Unit, count_or_dash, share_or_dash};
use crate::record::saved::Node;

/// What is shown of a row's delay, if it has it.
const DELAYS: [(&str, &str); 3] =
    [("delay_p50_ns", "p50"), ("delay_p99_ns", "p99"), ("delay_max_ns", "max")];

/// Adds the receivers of a sender, and the sources of a receiver.
pub(super) fn draw(root: Node<'_>, to: &mut Vec<Section>) {
    let mut blocks = Vec::new();
    rows_of(root, ("receiver_rows", "receiver"), &mut blocks);
    rows_of(root, ("source_rows", "source"), &mut blocks);
    Section::add(to, "Receivers and sources", blocks);
}

fn rows_of(root: Node<'_>, (list, name): (&str, &str), blocks: &mut Vec<Block>) {
    let rows: Vec<_> = root.at(list).items().collect();
    if rows.is_empty() {
        return;
    }
    let label = |row: &Node<'_>| row.at(name).text().unwrap_or("-").to_owned();
    let share = |row: &Node<'_>| {
        let expected = row.at("expected").f64().filter(|expected| *expected > 0.0)?;
        Some(row.at("lost_datagrams").f64()? * 100.0 / expected)
    };
    let cells = rows.iter().map(|row| {
        let (lost, expected) = (row.at("lost_datagrams").u64(), row.at("expected").u64());
        let count = |key: &str| count_or_dash(row.at(key).u64());
        vec![
            label(row),
            count_or_dash(expected),
            count_or_dash(lost),
            share_or_dash(lost, expected),
            count("bursts"),
            count("duplicates"),
            count("reordered"),
        ]
    });
    let mut head = vec![(name.to_owned(), Align::Left)];
    let names = ["expected", "lost", "share", "bursts", "duplicates", "reordered"];
    head.extend(names.map(|one| (one.to_owned(), Align::Right)));
    let caption = format!("Loss of each {name}");
    let labels: Vec<_> = rows.iter().map(label).collect();
    let chart = Chart::Bars {
        across: name.to_owned(),
        labels: labels.clone(),
        y: Axis::new("lost", Unit::Percent),
        series: vec![("lost".to_owned(), rows.iter().map(share).collect())],
    };
    let table = Table { caption, head, rows: cells.collect() };
    blocks.push(Block::Figure(Figure { chart, table }));
    if rows.iter().all(|row| DELAYS.iter().all(|(key, _)| !row.at(key).is_there())) {
        return;
    }
    let cells = rows.iter().map(|row| {
        let mut cells = vec![label(row)];
        cells.extend(DELAYS.map(|(key, _)| Unit::Span.show_or_dash(row.at(key).f64())));
        cells
    });
    let head = [name, "p50", "p99", "max"];
    let table =
        Table::of(format!("Delay of each {name}, above its minimum"), &head, cells.collect());
    let bars = |(key, told): (&str, &str)| {
        (told.to_owned(), rows.iter().map(|row| row.at(key).f64()).collect())
    };
    let chart = Chart::Bars {
        across: name.to_owned(),
        labels,
        y: Axis::new("delay", Unit::Span),
        series: DELAYS.map(bars).into(),
    };
    blocks.push(Block::Figure(Figure { chart, table }));
}
