//! The sheet of `ping`: a section for each target.

use super::common::{limits, outages, statements};
use super::delay::{Delay, buckets, curves};
use super::shape::{Axis, Block, Chart, Figure, Line, Section, Table};
use super::unit::{Unit, count_or_dash, share_or_dash};
use crate::record::saved::{self, Node};
use crate::report::words::terms::list;

/// The distributions of a target, with what each is.
const DELAYS: [(&str, &str); 6] = [
    ("round_trip_ns", "round trip"),
    ("as_planned_ns", "as planned"),
    ("out_above_min_ns", "out"),
    ("back_above_min_ns", "back"),
    ("server_time_ns", "reflector"),
    ("send_lateness_ns", "late"),
];

/// The targets of a document.
pub(super) fn names(root: Node<'_>) -> Option<String> {
    let names = root.at("targets").items().filter_map(|one| one.at("name").text());
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| list(&names))
}

/// Adds the targets' sections, and before them all targets in one picture if there are several.
pub(super) fn draw(root: Node<'_>, to: &mut Vec<Section>) {
    let targets: Vec<_> = root.at("targets").items().collect();
    if targets.len() > 1 {
        all(&targets, to);
    }
    for target in &targets {
        let name = target.at("name").text().unwrap_or("-");
        Section::add(to, format!("Target {name}"), one(*target));
    }
}

fn all(targets: &[Node<'_>], to: &mut Vec<Section>) {
    let name = |one: &Node<'_>| one.at("name").text().unwrap_or("-").to_owned();
    let delays: Vec<_> = targets
        .iter()
        .map(|one| Delay {
            name: name(one),
            told: one.at("round_trip_ns"),
            samples: saved::histogram(*one, "round_trip_ns"),
        })
        .collect();
    let mut blocks = Vec::new();
    let share = |one: &Node<'_>| {
        let sent = one.at("sent").f64().filter(|sent| *sent > 0.0)?;
        Some(one.at("lost_datagrams").f64()? * 100.0 / sent)
    };
    let rows = targets.iter().map(|one| {
        let count = |key: &str| count_or_dash(one.at(key).u64());
        let share = Unit::Percent.show_or_dash(share(one));
        vec![name(one), count("sent"), count("back"), count("lost_datagrams"), share]
    });
    let head = ["target", "sent", "answered", "lost", "share"];
    let chart = Chart::Bars {
        across: String::new(),
        labels: targets.iter().map(name).collect(),
        y: Axis::new("lost", Unit::Percent),
        series: vec![("lost".to_owned(), targets.iter().map(share).collect())],
    };
    let table = Table::of("Loss of each target", &head, rows.collect());
    blocks.push(Block::Figure(Figure { chart, table }));
    curves("Round trips of each target by percentile", &delays, &mut blocks);
    Section::add(to, "All targets", blocks);
}

fn one(target: Node<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut told = statements(target);
    if let Some(text) = target.at("error.text").text() {
        told.push(super::Statement { label: "failed", text: text.to_owned() });
    }
    if !told.is_empty() {
        blocks.push(Block::Told(told));
    }
    limits(target, &mut blocks);
    counts(target, &mut blocks);
    outages(target, &mut blocks);
    over_time(target, &mut blocks);
    buckets("Histogram of round trips", target.at("histogram"), &mut blocks);
    let delays = DELAYS.map(|(key, name)| Delay {
        name: name.to_owned(),
        told: target.at(key),
        samples: saved::histogram(target, key),
    });
    curves("Delay by percentile; out and back above their minimum", &delays, &mut blocks);
    blocks
}

/// What became of the probes.
fn counts(target: Node<'_>, blocks: &mut Vec<Block>) {
    let sent = target.at("sent").u64();
    let rows = [
        ("sent", "sent"),
        ("back", "answered"),
        ("late", "of these, late"),
        ("lost_datagrams", "lost"),
        ("lost_out", "of these, on the way out"),
        ("lost_back", "of these, on the way back"),
        ("outstanding", "outstanding"),
        ("never_sent", "never sent"),
        ("duplicates", "duplicates"),
        ("reordered", "reordered"),
        ("bursts", "loss bursts"),
        ("longest_burst", "longest burst"),
    ]
    .map(|(key, name)| {
        let count = target.at(key).u64();
        vec![name.to_owned(), count_or_dash(count), share_or_dash(count, sent)]
    });
    let head = ["", "probes", "of sent"];
    blocks.push(Block::Table(Table::of("Probes", &head, rows.into())));
}

/// Round trips and loss over time.
fn over_time(target: Node<'_>, blocks: &mut Vec<Block>) {
    let slices: Vec<_> = target.at("over_time").items().collect();
    if slices.len() < 2 {
        return;
    }
    let start = |one: &Node<'_>| one.at("start_ns").f64().unwrap_or(0.0);
    let at = |one: &Node<'_>, key: &str| one.at(key).f64();
    let share = |one: &Node<'_>| {
        let (lost, back) = (at(one, "lost_datagrams")?, at(one, "back")?);
        (lost + back > 0.0).then(|| lost * 100.0 / (lost + back))
    };
    let line = |name: &str, value: &dyn Fn(&Node<'_>) -> Option<f64>| Line {
        name: name.to_owned(),
        points: slices.iter().map(|one| (start(one), value(one))).collect(),
    };
    let time = || Axis::new("time, s", Unit::Time);
    let rows = |cells: &dyn Fn(&Node<'_>) -> Vec<String>| {
        let row = |one: &Node<'_>| {
            std::iter::once(Unit::Time.show(start(one))).chain(cells(one)).collect()
        };
        slices.iter().map(row).collect::<Vec<Vec<String>>>()
    };
    let delays =
        rows(&|one| ["mean_ns", "max_ns"].map(|key| Unit::Span.show_or_dash(at(one, key))).into());
    blocks.push(Block::Figure(Figure {
        chart: Chart::Lines {
            x: time(),
            y: Axis::new("round trip", Unit::Span),
            lines: vec![
                line("mean", &|one| at(one, "mean_ns")),
                line("longest", &|one| at(one, "max_ns")),
            ],
        },
        table: Table::figures("Round trips over time", &["at, s", "mean", "longest"], delays),
    }));
    let losses = rows(&|one| {
        vec![
            Unit::Count.show_or_dash(at(one, "back")),
            Unit::Count.show_or_dash(at(one, "lost_datagrams")),
            Unit::Percent.show_or_dash(share(one)),
        ]
    });
    blocks.push(Block::Figure(Figure {
        chart: Chart::Lines {
            x: time(),
            y: Axis::new("lost", Unit::Percent),
            lines: vec![line("lost", &share)],
        },
        table: Table::figures("Loss over time", &["at, s", "answered", "lost", "share"], losses),
    }));
}
