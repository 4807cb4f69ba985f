//! The sheet of the probes: the matrix of ports, the hops of a path, the trains of a rate limit; of
//! every report within the document, in a section of its own.

use super::common::statements;
use super::shape::{Align, Axis, Block, Chart, Figure, Line, Section, Table};
use super::unit::{Unit, count_or_dash, words};
use crate::record::saved::Node;

/// Reports of reports are drawn to this depth.
const DEEPEST: usize = 3;

/// Adds what a probe found.
pub(super) fn draw(root: Node<'_>, to: &mut Vec<Section>) {
    let mut blocks = Vec::new();
    pictures(root, &mut blocks);
    Section::add(to, "Findings", blocks);
    within(root, DEEPEST, to);
}

/// The reports that stand within another one.
fn within(node: Node<'_>, depth: usize, to: &mut Vec<Section>) {
    if depth == 0 {
        return;
    }
    for (key, part) in node.entries() {
        if !part.at("verdict").is_statement() {
            continue;
        }
        let mut blocks = Vec::new();
        let told = statements(part);
        if !told.is_empty() {
            blocks.push(Block::Told(told));
        }
        pictures(part, &mut blocks);
        Section::add(to, sentence(&words(key)), blocks);
        within(part, depth - 1, to);
    }
}

/// With a capital letter.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn pictures(node: Node<'_>, blocks: &mut Vec<Block>) {
    ports(node, blocks);
    hops(node, blocks);
    trains(node, blocks);
}

/// Every port with what became of it.
fn ports(node: Node<'_>, blocks: &mut Vec<Block>) {
    let state = |row: &Node<'_>| {
        let state = row.at("outcome").text().or_else(|| row.at("state").text());
        state.unwrap_or("-").replace('_', " ")
    };
    let rows: Vec<_> = node.at("port_rows").items().collect();
    if rows.is_empty() {
        return;
    }
    let mut classes: Vec<String> = rows.iter().map(state).collect();
    classes.sort();
    classes.dedup();
    let class = |row: &Node<'_>| {
        let own = state(row);
        classes.iter().position(|one| *one == own).unwrap_or(0)
    };
    let port = |row: &Node<'_>| count(row.at("port").u64());
    let cells = rows.iter().map(|row| (port(row), class(row))).collect();
    let head = ["port", "outcome", "sent", "arrived", "answered", "round trip"];
    let align = |at: usize| if at == 1 { Align::Left } else { Align::Right };
    let head = head.iter().enumerate().map(|(at, name)| ((*name).to_owned(), align(at)));
    let line = |row: &Node<'_>| {
        let counted = |key: &str| count_or_dash(row.at(key).u64());
        let answered = row.at("answered").u64().or_else(|| row.at("answers").u64());
        vec![
            port(row),
            state(row),
            counted("sent"),
            counted("arrived"),
            count_or_dash(answered),
            Unit::Span.show_or_dash(row.at("round_trip_ns").f64()),
        ]
    };
    let table = Table {
        caption: "Ports".to_owned(),
        head: head.collect(),
        rows: rows.iter().map(line).collect(),
    };
    blocks.push(Block::Figure(Figure {
        chart: Chart::Cells { cells, classes: classes.clone() },
        table,
    }));
}

/// A number as it is, without groups: a port.
fn count(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// The routers on the way, with their round trips.
fn hops(node: Node<'_>, blocks: &mut Vec<Block>) {
    let flows: Vec<_> = node.at("flow_reports").items().collect();
    let fastest = |hop: &Node<'_>| {
        let trips = hop.at("try_rows").items().filter_map(|one| one.at("rtt_ns").f64());
        trips.fold(None, |least: Option<f64>, trip| {
            Some(least.map_or(trip, |least| least.min(trip)))
        })
    };
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for flow in &flows {
        let name = format!("source port {}", count(flow.at("source_port").u64()));
        let mut points = Vec::new();
        for hop in flow.at("hop_rows").items() {
            let ttl = hop.at("ttl").u64();
            points.extend(ttl.map(|ttl| (ttl as f64, fastest(&hop))));
            let mut from: Vec<&str> =
                hop.at("try_rows").items().filter_map(|one| one.at("from").text()).collect();
            from.dedup();
            let tries = hop.at("try_rows").items();
            let heard = tries.filter(|one| one.at("from").is_there()).count() as u64;
            rows.push(vec![
                count(flow.at("source_port").u64()),
                count(ttl),
                if from.is_empty() { "-".to_owned() } else { from.join(", ") },
                count_or_dash(Some(heard)),
                Unit::Span.show_or_dash(fastest(&hop)),
            ]);
        }
        if !points.is_empty() {
            lines.push(Line { name, points });
        }
    }
    if rows.is_empty() {
        return;
    }
    let head = ["source port", "hop", "router", "replies", "fastest"];
    let align = |at: usize| if at == 2 { Align::Left } else { Align::Right };
    let head = head.iter().enumerate().map(|(at, name)| ((*name).to_owned(), align(at)));
    let table = Table { caption: "Path, hop by hop".to_owned(), head: head.collect(), rows };
    let chart = Chart::Lines {
        x: Axis::new("hop", Unit::Count),
        y: Axis::new("fastest round trip", Unit::Span),
        lines,
    };
    blocks.push(Block::Figure(Figure { chart, table }));
}

/// What arrived of each train of a search for a rate limit.
fn trains(node: Node<'_>, blocks: &mut Vec<Block>) {
    let trains: Vec<_> = node.at("trains").items().collect();
    if trains.is_empty() {
        return;
    }
    let label = |at: usize, one: &Node<'_>| {
        let purpose = one.at("purpose").text().unwrap_or("-").replace('_', " ");
        format!("{}: {purpose}", at + 1)
    };
    let rows = trains.iter().enumerate().map(|(at, one)| {
        let counted = |key: &str| count_or_dash(one.at(key).u64());
        vec![
            label(at, one),
            counted("payload_bytes"),
            counted("offered_per_second"),
            counted("sent"),
            counted("arrived"),
            counted("back"),
        ]
    });
    let head = ["train", "bytes", "datagrams/s", "sent", "arrived", "answered"];
    let table = Table::of("Trains", &head, rows.collect());
    let bars = |(key, name): (&str, &str)| {
        (name.to_owned(), trains.iter().map(|one| one.at(key).f64()).collect())
    };
    let chart = Chart::Bars {
        across: "train".to_owned(),
        labels: (1..=trains.len()).map(|at| at.to_string()).collect(),
        y: Axis::new("datagrams", Unit::Count),
        series: [("sent", "sent"), ("arrived", "arrived"), ("back", "answered")].map(bars).into(),
    };
    blocks.push(Block::Figure(Figure { chart, table }));
}
