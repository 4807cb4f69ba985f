//! Pictures of delay: the histogram, and the curve of percentiles by their nines.

use super::shape::{Axis, Block, Chart, Figure, Line, Table};
use super::unit::Unit;
use crate::record::saved::Node;
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use std::f64::consts::LOG10_2;

/// Bars of a histogram, at most.
const BARS: usize = 24;
/// How much longer the delays at one end of a bar are than at its other, at least.
const NARROWEST: f64 = 1.02;
/// The nines of the percentiles that every document has.
const KNOWN: [(&str, f64); 4] = [("p50", LOG10_2), ("p90", 1.0), ("p99", 2.0), ("p999", 3.0)];
/// Points of a curve for each nine.
const POINTS: u32 = 8;
/// Samples that must lie beyond a percentile before it is shown.
const BEYOND: f64 = 10.0;

/// A distribution: its name, what the document says of it, and its samples if they are there.
pub(super) struct Delay<'a> {
    /// Its name.
    pub name: String,
    /// Its percentiles.
    pub told: Node<'a>,
    /// Its samples.
    pub samples: Option<DelayHistogram>,
}

/// The curves of several distributions in one picture; nothing if none is known.
pub(super) fn curves(title: &str, delays: &[Delay<'_>], blocks: &mut Vec<Block>) {
    let is_known = |delay: &&Delay<'_>| {
        delay.samples.as_ref().is_some_and(|of| of.count() > 0)
            || delay.told.at("p50").is_there()
            || delay.told.at("max").is_there()
    };
    let known: Vec<&Delay<'_>> = delays.iter().filter(is_known).collect();
    if known.is_empty() {
        return;
    }
    let lines = known.iter().map(|one| Line { name: one.name.clone(), points: curve(one) });
    let x = Axis::new("percentile", Unit::Nines);
    let chart = Chart::Lines { x, y: Axis::new("delay", Unit::Span), lines: lines.collect() };
    let mut head = vec!["percentile"];
    head.extend(known.iter().map(|one| one.name.as_str()));
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut add = |name: String, value: &dyn Fn(&Delay<'_>) -> Option<f64>| {
        let values: Vec<_> = known.iter().map(|one| value(one)).collect();
        if values.iter().any(Option::is_some) {
            let cells = values.into_iter().map(|value| Unit::Span.show_or_dash(value));
            rows.push(std::iter::once(name).chain(cells).collect());
        }
    };
    add("min".to_owned(), &|one| one.told.at("min").f64());
    add("mean".to_owned(), &|one| one.told.at("mean").f64());
    for (key, nines) in KNOWN {
        add(Unit::Nines.mark(nines), &|one| one.told.at(key).f64());
    }
    for nines in [4.0, 5.0, 6.0] {
        add(Unit::Nines.mark(nines), &|one| at_nines(one.samples.as_ref()?, nines));
    }
    add("max".to_owned(), &|one| one.told.at("max").f64());
    blocks.push(Block::Figure(Figure { chart, table: Table::of(title, &head, rows) }));
}

/// The delay with so many nines, if ten samples lie beyond it.
fn at_nines(of: &DelayHistogram, nines: f64) -> Option<f64> {
    let beyond = 10f64.powf(-nines);
    (of.count() as f64 * beyond + 1e-6 >= BEYOND).then(|| of.value_at(1.0 - beyond).0 as f64)
}

fn curve(delay: &Delay<'_>) -> Vec<(f64, Option<f64>)> {
    let Some(samples) = delay.samples.as_ref().filter(|of| of.count() > 0) else {
        let known = KNOWN.iter().map(|(key, nines)| (*nines, delay.told.at(key).f64()));
        return known.filter(|(_, value)| value.is_some()).collect();
    };
    let nines = (0..=6 * POINTS).map(|point| f64::from(point) / f64::from(POINTS));
    nines
        .map(|nines| (nines, at_nines(samples, nines)))
        .take_while(|(_, value)| value.is_some())
        .collect()
}

/// The histogram of samples, in bars of equal width on a logarithmic scale.
pub(super) fn histogram(title: &str, samples: &DelayHistogram, blocks: &mut Vec<Block>) {
    let (Some(low), Some(high)) = (samples.min(), samples.max()) else { return };
    let low = low.0.max(1) as f64;
    let ratio = ((high.0 + 1) as f64 / low).max(1.0);
    // Bars that differ in their third digit say nothing.
    let bars = ((ratio.ln() / NARROWEST.ln()).ceil() as usize).clamp(1, BARS);
    let edge = |at: usize| Nanos((low * ratio.powf(at as f64 / bars as f64)).round() as u64);
    let mut edges: Vec<Nanos> = (0..=bars).map(edge).collect();
    edges.dedup();
    if edges.len() < 2 {
        edges = vec![low_edge(low), Nanos(low as u64 + 1)];
    }
    let counts = samples.cells(&edges);
    let bars = edges.windows(2).zip(counts).map(|(edge, count)| (edge[0].0, edge[1].0, count));
    bars_of(title, bars.collect(), blocks);
}

fn low_edge(low: f64) -> Nanos {
    Nanos(low as u64)
}

/// The bars of a histogram as a document has them.
pub(super) fn buckets(title: &str, node: Node<'_>, blocks: &mut Vec<Block>) {
    let bar = |one: Node<'_>| {
        Some((one.at("from_ns").u64()?, one.at("to_ns").u64()?, one.at("count").u64()?))
    };
    bars_of(title, node.items().filter_map(bar).collect(), blocks);
}

fn bars_of(title: &str, bars: Vec<(u64, u64, u64)>, blocks: &mut Vec<Block>) {
    if bars.is_empty() {
        return;
    }
    let span = |nanos: u64| Nanos(nanos).to_string();
    let rows = bars
        .iter()
        .map(|(from, to, count)| vec![span(*from), span(*to), Unit::Count.show(*count as f64)]);
    let table = Table::figures(title, &["from", "below", "datagrams"], rows.collect());
    let chart = Chart::Bars {
        across: "delay, from".to_owned(),
        labels: bars.iter().map(|(from, ..)| span(*from)).collect(),
        y: Axis::new("datagrams", Unit::Count),
        series: vec![(
            "datagrams".to_owned(),
            bars.iter().map(|(.., count)| Some(*count as f64)).collect(),
        )],
    };
    blocks.push(Block::Figure(Figure { chart, table }));
}
