//! The sheets of several documents: compared, or merged.

use super::Sheet;
use super::delay::{Delay, curves, histogram};
use super::shape::{Align, Block, Section, Statement, Table};
use super::unit::{Unit, count_or_dash, share_or_dash};
use crate::record::saved::{
    Compared, ComparisonCaveat, Difference, FigureUnit, Merger, Node, Scope, Standing,
};
use crate::record::{Way, Worded};
use crate::report::json::json_value;
use serde_json::Value;

/// Documents against the first one.
pub fn compared(all: &Compared) -> Sheet {
    let (found, limits) = (&all.comparisons, &all.limits);
    let mut sections = Vec::new();
    if !limits.is_empty() {
        let head = ["limit", "of", "file", "change", ""].map(|name| (name.to_owned(), Align::Left));
        let rows = limits.iter().map(|limit| {
            vec![
                limit.limit.to_string(),
                limit.scope.as_ref().map_or_else(|| "-".to_owned(), scope_text),
                limit.other.clone(),
                signed(limit.change_percent),
                if limit.held { "kept" } else { "broken" }.to_owned(),
            ]
        });
        let table = Table { caption: "Limits".to_owned(), head: head.into(), rows: rows.collect() };
        Section::add(&mut sections, "Limits", vec![Block::Table(table)]);
    }
    for one in found {
        let beyond = one.differences.iter().filter(|one| one.noise == Standing::Beyond);
        let told: Vec<_> = beyond.map(statement).collect();
        let is_known = one.differences.iter().any(|one| one.noise != Standing::Unknown);
        let mut told = if told.is_empty() { vec![nothing(is_known)] } else { told };
        let caution =
            |caveat: &ComparisonCaveat| Statement { label: "caution", text: caveat.text() };
        told.extend(one.caveats.iter().map(caution));
        let mut blocks = vec![Block::Told(told)];
        let several = one.differences.iter().any(|one| one.scope != found[0].differences[0].scope);
        let head = ["metric", "of", one.base.as_str(), one.other.as_str(), "change", "noise"];
        let align = |at: usize| if (2..=4).contains(&at) { Align::Right } else { Align::Left };
        let mut head: Vec<_> =
            head.iter().enumerate().map(|(at, name)| ((*name).to_owned(), align(at))).collect();
        let mut rows: Vec<_> = one.differences.iter().map(row).collect();
        if !several {
            head.remove(1);
            for row in &mut rows {
                row.remove(1);
            }
        }
        blocks.push(Block::Table(Table { caption: "Differences".to_owned(), head, rows }));
        Section::add(&mut sections, format!("{} against {}", one.other, one.base), blocks);
    }
    Sheet { title: "udpkit report: comparison".to_owned(), sections, rest: Vec::new() }
}

fn nothing(is_known: bool) -> Statement {
    let text = if is_known {
        "no difference is beyond the noise"
    } else {
        "the runs have too few intervals to tell a difference from noise"
    };
    Statement { label: "verdict", text: text.to_owned() }
}

fn statement(one: &Difference) -> Statement {
    let unit = shown(one.unit);
    let (base, other) = (unit.show_or_dash(one.base), unit.show_or_dash(one.other));
    let (name, scope) = (one.metric.name(), scope_text(&one.scope));
    let change = change_text(one);
    let text = format!("{name} ({scope}) went from {base} to {other} ({change}), beyond the noise");
    Statement { label: "verdict", text }
}

fn shown(unit: FigureUnit) -> Unit {
    match unit {
        FigureUnit::Percent => Unit::Percent,
        FigureUnit::BitsPerSecond => Unit::Bits,
        FigureUnit::Ns => Unit::Span,
        FigureUnit::Datagrams => Unit::Count,
    }
}

fn signed(change: Option<f64>) -> String {
    change.map_or_else(|| "-".to_owned(), |change| format!("{change:+.2}%"))
}

fn change_text(one: &Difference) -> String {
    match one.change_percent {
        Some(points) if one.unit == FigureUnit::Percent => format!("{points:+.3} points"),
        change => signed(change),
    }
}

/// What a figure is about: `out`, `round trip, 192.0.2.1`.
fn scope_text(scope: &Scope) -> String {
    let way = match scope.direction {
        Way::Up => "out",
        Way::Down => "back",
        Way::RoundTrip => "round trip",
    };
    match &scope.name {
        Some(name) => format!("{way}, {name}"),
        None => way.to_owned(),
    }
}

fn row(one: &Difference) -> Vec<String> {
    let unit = shown(one.unit);
    vec![
        one.metric.name().to_owned(),
        scope_text(&one.scope),
        unit.show_or_dash(one.base),
        unit.show_or_dash(one.other),
        change_text(one),
        match one.noise {
            Standing::Beyond => "beyond",
            Standing::Within => "within",
            Standing::Unknown => "-",
        }
        .to_owned(),
    ]
}

/// Many runs as one.
pub fn merged(all: &Merger) -> Sheet {
    let mut sections = Vec::new();
    let nothing = Value::Null;
    for one in &all.merged {
        let quantiles = json_value(&one.delay_ns);
        let mut blocks = Vec::new();
        let rows = [
            ("runs", Some(one.runs)),
            ("sent", one.sent),
            ("delivered", one.delivered),
            ("lost", one.lost),
            ("duplicates", one.duplicates),
            ("reordered", one.reordered),
            ("longest burst", one.longest_burst),
        ];
        let mut rows =
            rows.map(|(name, count)| vec![name.to_owned(), count_or_dash(count)]).to_vec();
        rows.push(vec!["loss".to_owned(), share_or_dash(one.lost, one.sent)]);
        blocks.push(Block::Table(Table::of("Counts of all runs", &["", ""], rows)));
        if let Some(samples) = &one.histogram {
            histogram("Histogram of delay", samples, &mut blocks);
        }
        let told = if one.histogram.is_some() { &quantiles } else { &nothing };
        let told = Node::of(told);
        let delay = Delay { name: "delay".to_owned(), told, samples: one.histogram.clone() };
        curves("Delay by percentile", &[delay], &mut blocks);
        Section::add(&mut sections, scope_text(&one.scope()), blocks);
    }
    let rows = all.files.iter().enumerate();
    let rows = rows.map(|(at, file)| vec![(at + 1).to_string(), file.clone()]);
    let table = Table::words("Files", &["", "file"], rows.collect());
    Section::add(&mut sections, "Runs", vec![Block::Table(table)]);
    Sheet {
        title: format!("udpkit report: {} runs merged", all.files.len()),
        sections,
        rest: Vec::new(),
    }
}
