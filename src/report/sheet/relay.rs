//! The sheet of a relay: what became of the datagrams of each direction, their delays, and bars for
//! destinations and clients.

use super::shape::{Axis, Block, Chart, Figure, Section, Table};
use super::unit::{Unit, count_or_dash};
use crate::record::saved::Node;

/// The directions, by their keys.
const WAYS: [(&str, &str); 2] = [("up", "to destinations"), ("down", "to clients")];
/// What became of datagrams that came or were copied: name and place of the count.
const FATES: [(&str, &str); 4] = [
    ("forwarded", "forwarded"),
    ("dropped", "dropped.total"),
    ("refused", "refused.total"),
    ("queued", "queued"),
];
/// Percentiles of delays.
const QUANTILES: [&str; 5] = ["p50", "p90", "p99", "p999", "max"];

/// Adds what a relay did.
pub(super) fn draw(root: Node<'_>, to: &mut Vec<Section>) {
    let ways = WAYS.map(|(key, name)| (name, root.at(key)));
    Section::add(to, "Datagrams", vec![fates("Datagrams by direction", "direction", &ways)]);
    let mut blocks = Vec::new();
    for (key, name) in WAYS {
        blocks.extend(delays(root.at(key).at("delay"), name));
    }
    Section::add(to, "Delays", blocks);
    let mut blocks = Vec::new();
    let named = |key: &str, list: &str| -> Vec<(String, Node<'_>)> {
        let name = |row: Node<'_>| row.at(key).text().unwrap_or("all clients").to_owned();
        root.at(list).items().map(|row| (name(row), row)).collect()
    };
    let destinations = named("destination", "destination_rows");
    if !destinations.is_empty() {
        blocks.push(fates("Datagrams by destination", "destination", &destinations));
    }
    for (key, name) in WAYS {
        let flows: Vec<_> = named("client", "flow_rows")
            .into_iter()
            .map(|(client, row)| (client, row.at(key)))
            .filter(|(_, counts)| counts.at("received").u64() > Some(0))
            .collect();
        if !flows.is_empty() {
            blocks.push(fates(&format!("Datagrams {name}, by client"), "client", &flows));
        }
    }
    Section::add(to, "Destinations and clients", blocks);
}

/// What became of the datagrams of several.
fn fates(caption: &str, across: &str, of: &[(impl ToString, Node<'_>)]) -> Block {
    let has = |key: &str| of.iter().any(|(_, node)| node.at(key).is_there());
    let shown: Vec<_> = FATES.into_iter().filter(|(_, key)| has(key)).collect();
    let came: Vec<_> =
        ["received", "copies", "answers"].into_iter().filter(|key| has(key)).collect();
    let mut head = vec![across];
    head.extend(&came);
    head.extend(shown.iter().map(|(name, _)| *name));
    let row = |(name, node): &(_, Node<'_>)| {
        let mut cells = vec![ToString::to_string(name)];
        let keys = came.iter().copied().chain(shown.iter().map(|(_, key)| *key));
        cells.extend(keys.map(|key| count_or_dash(node.at(key).u64())));
        cells
    };
    let table = Table::of(caption, &head, of.iter().map(row).collect());
    let bars = |(name, key): &(&str, &str)| {
        ((*name).to_owned(), of.iter().map(|(_, node)| node.at(key).f64()).collect())
    };
    let chart = Chart::Bars {
        across: across.to_owned(),
        labels: of.iter().map(|(name, _)| name.to_string()).collect(),
        y: Axis::new("datagrams", Unit::Count),
        series: shown.iter().map(bars).collect(),
    };
    Block::Figure(Figure { chart, table })
}

/// Delays as asked for and as achieved; `None` where nothing was delayed.
fn delays(node: Node<'_>, way: &str) -> Option<Block> {
    if !node.is_there() {
        return None;
    }
    let kinds = [("asked", "asked_ns"), ("achieved", "achieved_ns"), ("late", "late_ns")];
    let values = |key: &str| QUANTILES.map(|quantile| node.at(key).at(quantile).f64());
    let rows = kinds.map(|(name, key)| {
        let mut cells = vec![name.to_owned()];
        cells.extend(values(key).map(|value| Unit::Span.show_or_dash(value)));
        cells
    });
    let head = ["delay", "p50", "p90", "p99", "p99.9", "max"];
    let table = Table::of(format!("Delay of datagrams {way}"), &head, rows.into());
    let chart = Chart::Bars {
        across: "percentile".to_owned(),
        labels: head[1..].iter().map(|one| (*one).to_owned()).collect(),
        y: Axis::new("delay", Unit::Span),
        series: kinds.map(|(name, key)| (name.to_owned(), values(key).to_vec())).into(),
    };
    Some(Block::Figure(Figure { chart, table }))
}
