//! The sheet of a throughput run.

use super::common::{outages, statements};
use super::delay::{Delay, curves, histogram};
use super::shape::{Axis, Block, Chart, Figure, Line, Section, Table};
use super::sizes::{arrival_gaps, sizes};
use super::unit::{Unit, count_or_dash, share_or_dash};
use crate::record::saved::{self, Node};

/// Adds the sections of a run: each direction, the round trips of `--probe`, the outages.
pub(super) fn draw(root: Node<'_>, to: &mut Vec<Section>) {
    let both = root.at("reverse").is_there();
    let mut blocks = Vec::new();
    outages(root, &mut blocks);
    Section::add(to, "Outages", blocks);
    way(root, if both { "To the far end" } else { "Traffic" }, to);
    if both {
        let blocks = vec![Block::Told(statements(root.at("reverse")))];
        Section::add(to, "Result from the far end", blocks);
        way(root.at("reverse"), "From the far end", to);
    }
    let mut blocks = Vec::new();
    let phase = |name: &str, key: &str| Delay {
        name: name.to_owned(),
        told: root.at("probe").at(key).at("round_trip_ns"),
        samples: None,
    };
    curves("Round trips", &[phase("idle", "idle"), phase("loaded", "loaded")], &mut blocks);
    Section::add(to, "Latency under load", blocks);
}

fn way(node: Node<'_>, heading: &str, to: &mut Vec<Section>) {
    let mut blocks = Vec::new();
    traffic(node, &mut blocks);
    over_time(node, &mut blocks);
    delay_over_time(node, &mut blocks);
    places(node, &mut blocks);
    bursts(node, &mut blocks);
    let samples = saved::histogram(node, "delay_above_min_ns");
    if let Some(samples) = &samples {
        histogram("Delay above the minimum", samples, &mut blocks);
    }
    let delay = Delay {
        name: "delay above minimum".to_owned(),
        told: node.at("delay_above_min_ns"),
        samples,
    };
    let late = Delay {
        name: "lateness of sending".to_owned(),
        told: node.at("lateness_ns"),
        samples: None,
    };
    curves("Delay by percentile", &[delay, late], &mut blocks);
    sizes(node, &mut blocks);
    arrival_gaps(node, &mut blocks);
    streams(node, &mut blocks);
    Section::add(to, heading, blocks);
}

/// Offered against sent and delivered.
fn traffic(node: Node<'_>, blocks: &mut Vec<Block>) {
    let counted = |key: &str| node.at(key).at("datagrams").u64();
    let sent = counted("sent");
    let parts = [
        ("offered", "offered", counted("offered")),
        ("sent", "sent", sent),
        // Copies are received and not delivered.
        ("received", "delivered", node.at("delivered").u64()),
    ];
    let row = |(key, name, count): (&str, &str, Option<u64>)| {
        let at = node.at(key);
        vec![
            name.to_owned(),
            Unit::Bits.show_or_dash(at.at("bits_per_second").f64()),
            Unit::Packets.show_or_dash(at.at("datagrams_per_second").f64()),
            Unit::Bits.show_or_dash(at.at("ethernet_bits_per_second").f64()),
            count_or_dash(count),
            share_or_dash(count, sent),
        ]
    };
    let head = ["", "payload", "datagrams/s", "on Ethernet", "datagrams", "of sent"];
    let mut rows: Vec<_> = parts.map(row).into();
    let lost = node.at("lost.total").u64();
    let none = || "-".to_owned();
    let share = share_or_dash(lost, sent);
    rows.push(vec!["lost".to_owned(), none(), none(), none(), count_or_dash(lost), share]);
    let rate = |(key, ..): (&str, &str, Option<u64>)| node.at(key).at("bits_per_second").f64();
    let chart = Chart::Bars {
        across: String::new(),
        labels: parts.map(|(_, name, _)| name.to_owned()).into(),
        y: Axis::new("payload", Unit::Bits),
        series: vec![("payload".to_owned(), parts.map(rate).into())],
    };
    let table = Table::of("Offered, sent and delivered", &head, rows);
    blocks.push(Block::Figure(Figure { chart, table }));
}

/// Rate and loss, interval by interval.
fn over_time(node: Node<'_>, blocks: &mut Vec<Block>) {
    let intervals: Vec<_> = node.at("intervals").items().collect();
    if intervals.len() < 2 {
        return;
    }
    let start = |one: &Node<'_>| one.at("start_ns").f64().unwrap_or(0.0);
    let rate = |one: &Node<'_>| {
        let span = one.at("duration_ns").f64().filter(|span| *span > 0.0)?;
        Some(one.at("bytes").f64()? * 8e9 / span)
    };
    let lost = |one: &Node<'_>| one.at("lost_datagrams").f64();
    let loss = |one: &Node<'_>| {
        let all = lost(one)? + one.at("datagrams").f64()?;
        (all > 0.0).then(|| lost(one).unwrap_or(0.0) * 100.0 / all)
    };
    let line = |name: &str, value: &dyn Fn(&Node<'_>) -> Option<f64>| Line {
        name: name.to_owned(),
        points: intervals.iter().map(|one| (start(one), value(one))).collect(),
    };
    let time = || Axis::new("time, s", Unit::Time);
    let rows = |cells: &dyn Fn(&Node<'_>) -> Vec<String>| {
        let row = |one: &Node<'_>| {
            std::iter::once(Unit::Time.show(start(one))).chain(cells(one)).collect()
        };
        intervals.iter().map(row).collect::<Vec<Vec<String>>>()
    };
    let count = |one: &Node<'_>, key: &str| Unit::Count.show_or_dash(one.at(key).f64());
    blocks.push(Block::Figure(Figure {
        chart: Chart::Lines {
            x: time(),
            y: Axis::new("payload received", Unit::Bits),
            lines: vec![line("received", &rate)],
        },
        table: Table::figures(
            "Rate over time",
            &["at, s", "received", "datagrams", "duplicates"],
            rows(&|one| {
                vec![
                    Unit::Bits.show_or_dash(rate(one)),
                    count(one, "datagrams"),
                    count(one, "duplicates"),
                ]
            }),
        ),
    }));
    blocks.push(Block::Figure(Figure {
        chart: Chart::Lines {
            x: time(),
            y: Axis::new("lost", Unit::Percent),
            lines: vec![line("lost", &loss)],
        },
        table: Table::figures(
            "Loss over time",
            &["at, s", "lost", "share", "at the socket", "reordered", "cut", "altered"],
            rows(&|one| {
                vec![
                    Unit::Count.show_or_dash(lost(one)),
                    Unit::Percent.show_or_dash(loss(one)),
                    count(one, "socket_drops"),
                    count(one, "reordered"),
                    count(one, "cut"),
                    count(one, "altered"),
                ]
            }),
        ),
    }));
}

/// The largest delay of each interval, where the receiver tells it.
fn delay_over_time(node: Node<'_>, blocks: &mut Vec<Block>) {
    let points: Vec<(f64, Option<f64>)> = node
        .at("intervals")
        .items()
        .filter_map(|one| Some((one.at("start_ns").f64()?, one.at("delay_max_ns").f64())))
        .collect();
    if points.iter().filter(|(_, delay)| delay.is_some()).count() < 2 {
        return;
    }
    let rows = points
        .iter()
        .map(|(start, delay)| vec![Unit::Time.show(*start), Unit::Span.show_or_dash(*delay)]);
    let table = Table::figures("Delay over time", &["at, s", "largest"], rows.collect());
    let chart = Chart::Lines {
        x: Axis::new("time, s", Unit::Time),
        y: Axis::new("above the minimum", Unit::Span),
        lines: vec![Line { name: "largest delay".to_owned(), points }],
    };
    blocks.push(Block::Figure(Figure { chart, table }));
}

/// Where datagrams were lost.
fn places(node: Node<'_>, blocks: &mut Vec<Block>) {
    let lost = node.at("lost");
    let places = [
        ("sender_host", "sender's host"),
        ("path", "path"),
        ("receiver_host", "receiver's host"),
        ("receiver_socket", "receiver's socket"),
        ("damaged", "damaged"),
    ];
    if lost.at("total").u64().unwrap_or(0) == 0 {
        return;
    }
    let of = node.at("sent.datagrams").u64();
    let row = |(key, name): (&str, &str)| {
        let count = lost.at(key).u64();
        vec![name.to_owned(), count_or_dash(count), share_or_dash(count, of)]
    };
    let table =
        Table::of("Where datagrams were lost", &["", "lost", "of sent"], places.map(row).into());
    let chart = Chart::Bars {
        across: String::new(),
        labels: places.map(|(_, name)| name.to_owned()).into(),
        y: Axis::new("lost", Unit::Count),
        series: vec![("lost".to_owned(), places.map(|(key, _)| lost.at(key).f64()).into())],
    };
    blocks.push(Block::Figure(Figure { chart, table }));
}

/// Loss bursts by their length.
fn bursts(node: Node<'_>, blocks: &mut Vec<Block>) {
    let of = |one: Node<'_>| {
        let (from, to) = (one.at("from_datagrams").u64()?, one.at("to_datagrams").u64());
        let label = match to {
            Some(to) if to == from => from.to_string(),
            Some(to) => format!("{from} to {to}"),
            None => format!("{from} or more"),
        };
        Some((label, one.at("bursts").f64()))
    };
    let bursts: Vec<_> = node.at("burst_lengths").items().filter_map(of).collect();
    if bursts.is_empty() {
        return;
    }
    let rows =
        bursts.iter().map(|(label, count)| vec![label.clone(), Unit::Count.show_or_dash(*count)]);
    let table = Table::of("Loss bursts", &["datagrams", "bursts"], rows.collect());
    let chart = Chart::Bars {
        across: "datagrams in a burst".to_owned(),
        labels: bursts.iter().map(|(label, _)| label.clone()).collect(),
        y: Axis::new("bursts", Unit::Count),
        series: vec![("bursts".to_owned(), bursts.iter().map(|(_, count)| *count).collect())],
    };
    blocks.push(Block::Figure(Figure { chart, table }));
}

/// What each stream lost.
fn streams(node: Node<'_>, blocks: &mut Vec<Block>) {
    let rows: Vec<_> = node.at("stream_rows").items().collect();
    if rows.is_empty() {
        return;
    }
    let parts = ["sent_datagrams", "delivered", "lost_datagrams"];
    let name = |at: usize, row: &Node<'_>| row.at("stream").u64().unwrap_or(at as u64).to_string();
    let cells = rows.iter().enumerate().map(|(at, row)| {
        let mut cells = vec![name(at, row)];
        cells.extend(parts.map(|key| count_or_dash(row.at(key).u64())));
        let (lost, sent) = (row.at("lost_datagrams").u64(), row.at("sent_datagrams").u64());
        cells.push(share_or_dash(lost, sent));
        cells
    });
    let head = ["stream", "sent", "delivered", "lost", "share"];
    let table = Table::of("Loss of each stream", &head, cells.collect());
    let chart = Chart::Bars {
        across: "stream".to_owned(),
        labels: rows.iter().enumerate().map(|(at, row)| name(at, row)).collect(),
        y: Axis::new("lost", Unit::Count),
        series: vec![(
            "lost".to_owned(),
            rows.iter().map(|row| row.at("lost_datagrams").f64()).collect(),
        )],
    };
    blocks.push(Block::Figure(Figure { chart, table }));
}
