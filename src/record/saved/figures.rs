//! The figures of a document that can be compared, each with the noise that the run itself shows.

use super::document::{Saved, SavedCommand};
use super::node::Node;
use crate::record::Way;
use crate::stats::{DelayHistogram, Noise, quantile_bounds, samples_that_count};
use crate::units::Metric;
use serde::Serialize;

/// What a figure is about: a direction, and a target, a receiver or a rate where there are several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Scope {
    /// The direction.
    pub direction: Way,
    /// The target, receiver or rate; `None` if there is one.
    pub name: Option<String>,
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FigureUnit {
    /// A share.
    Percent,
    /// A rate of payload.
    BitsPerSecond,
    /// Nanoseconds.
    Ns,
    /// A count.
    Datagrams,
}

impl FigureUnit {
    /// The unit of a metric in comparisons.
    pub fn of(metric: Metric) -> Self {
        match metric {
            Metric::Loss => Self::Percent,
            Metric::Rate => Self::BitsPerSecond,
            Metric::P50
            | Metric::P90
            | Metric::P99
            | Metric::P999
            | Metric::Max
            | Metric::Jitter
            | Metric::Outage => Self::Ns,
            Metric::Duplicates
            | Metric::Reordered
            | Metric::Burst
            | Metric::NeverSent
            | Metric::Cut
            | Metric::Altered => Self::Datagrams,
        }
    }
}

/// What is known of how much a figure moves by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Certainty {
    /// Nothing.
    Unknown,
    /// How it moved from interval to interval.
    Intervals(Noise),
    /// The range in which a percentile lies, by the samples that count.
    Between(f64, f64),
}

/// One figure of one document.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is about.
    pub scope: Scope,
    /// What it counts.
    pub metric: Metric,
    /// The figure, in the unit of its metric; `None` if the document does not have it.
    pub value: Option<f64>,
    /// Its noise.
    pub certainty: Certainty,
}

const DELAYS: [(Metric, &str, f64); 4] = [
    (Metric::P50, "p50", 0.5),
    (Metric::P90, "p90", 0.9),
    (Metric::P99, "p99", 0.99),
    (Metric::P999, "p999", 0.999),
];

/// The figures of a document, in the order of a report.
pub fn figures(saved: &Saved) -> Vec<Figure> {
    let root = saved.root();
    match saved.command {
        SavedCommand::Blast if root.at("trials").is_there() => series(root),
        SavedCommand::Blast => {
            let both = [root, root.at("reverse")];
            both.into_iter().filter(|way| way.at("direction").is_there()).flat_map(way).collect()
        }
        SavedCommand::Ping => targets(root),
        SavedCommand::CastSend => receivers(root),
        SavedCommand::Relay => relayed(root),
        _ => Vec::new(),
    }
}

fn plain(scope: &Scope, metric: Metric, value: Option<f64>) -> Figure {
    Figure { scope: scope.clone(), metric, value, certainty: Certainty::Unknown }
}

/// A share in percent; `None` of nothing.
fn percent(part: Option<f64>, of: Option<f64>) -> Option<f64> {
    part.zip(of.filter(|of| *of > 0.0)).map(|(part, of)| part * 100.0 / of)
}

/// One direction of a throughput run.
fn way(node: Node<'_>) -> Vec<Figure> {
    let scope = Scope { direction: direction(node), name: None };
    let lost = percent(node.at("lost.total").f64(), node.at("sent.datagrams").f64());
    let mut found = vec![
        Figure {
            certainty: noise(&rates(node)),
            ..plain(&scope, Metric::Rate, node.at("received.bits_per_second").f64())
        },
        Figure { certainty: noise(&losses(node)), ..plain(&scope, Metric::Loss, lost) },
    ];
    for (metric, key, _) in DELAYS {
        found.push(plain(&scope, metric, node.at("delay_above_min_ns").at(key).f64()));
    }
    for (metric, path) in [
        (Metric::Max, "delay_above_min_ns.max"),
        (Metric::Jitter, "jitter_ns"),
        (Metric::Burst, "lost.longest_burst"),
        (Metric::Duplicates, "duplicates"),
        (Metric::Reordered, "reordered"),
        (Metric::NeverSent, "never_sent"),
        (Metric::Cut, "cut"),
        (Metric::Altered, "altered"),
    ] {
        found.push(plain(&scope, metric, node.at(path).f64()));
    }
    found
}

/// The direction that a part of a document names.
pub(super) fn direction(node: Node<'_>) -> Way {
    node.at("direction").read().unwrap_or_default()
}

/// Values of whole intervals, and the step by which one datagram changes them.
type Values = (Vec<f64>, f64);

fn noise((values, step): &Values) -> Certainty {
    Noise::of(values, *step).map_or(Certainty::Unknown, Certainty::Intervals)
}

/// Intervals of full length: the last one may be shorter.
fn whole(node: Node<'_>) -> Vec<Node<'_>> {
    let longest = node.items().filter_map(|one| one.at("duration_ns").u64()).max().unwrap_or(0);
    let full = |one: &Node<'_>| one.at("duration_ns").u64() == Some(longest);
    node.items().filter(full).collect()
}

/// Delivered payload a second, interval by interval.
fn rates(node: Node<'_>) -> Values {
    let mut step = 0.0;
    let rate = |one: Node<'_>| {
        let seconds = one.at("duration_ns").f64()? / 1e9;
        let (all, bytes) = (one.at("datagrams").f64()?, one.at("bytes").f64()?);
        let firsts = all - one.at("duplicates").f64().unwrap_or(0.0);
        let each = if all > 0.0 { bytes * 8.0 / all / seconds } else { 0.0 };
        step = f64::max(step, each);
        Some(each * firsts)
    };
    let values = whole(node.at("intervals")).into_iter().filter_map(rate).collect();
    (values, step)
}

/// Loss in percent, interval by interval.
fn losses(node: Node<'_>) -> Values {
    let mut most = 0.0;
    let loss = |one: Node<'_>| {
        let lost = one.at("lost_datagrams").f64()?;
        let all = lost + one.at("datagrams").f64()? - one.at("duplicates").f64().unwrap_or(0.0);
        most = f64::max(most, all);
        percent(Some(lost), Some(all))
    };
    let values = whole(node.at("intervals")).into_iter().filter_map(loss).collect();
    (values, if most > 0.0 { 100.0 / most } else { 100.0 })
}

/// The trials of a series: the rate found, or each rate's result.
fn series(root: Node<'_>) -> Vec<Figure> {
    let scope = Scope { direction: Way::Up, name: None };
    if root.at("loss_allowed_ppb").is_there() {
        return vec![plain(&scope, Metric::Rate, root.at("found_bits_per_second").f64())];
    }
    let trial = |trial: Node<'_>| {
        let goal = ["goal_bps", "goal_pps"].map(|key| trial.at(key).u64());
        let name = goal[0].or(goal[1]).map(|goal| goal.to_string());
        let scope = Scope { direction: Way::Up, name };
        let lost = percent(trial.at("lost.total").f64(), trial.at("sent.datagrams").f64());
        [
            plain(&scope, Metric::Rate, trial.at("received.bits_per_second").f64()),
            plain(&scope, Metric::Loss, lost),
            plain(&scope, Metric::P50, trial.at("delay_above_min_ns.p50").f64()),
            plain(&scope, Metric::P99, trial.at("delay_above_min_ns.p99").f64()),
        ]
    };
    root.at("trials").items().flat_map(trial).collect()
}

/// The targets of `ping`, each by its name.
fn targets(root: Node<'_>) -> Vec<Figure> {
    let several = root.at("targets").items().count() > 1;
    root.at("targets").items().flat_map(|one| target(one, several.then_some(one))).collect()
}

fn target(node: Node<'_>, named: Option<Node<'_>>) -> Vec<Figure> {
    let name = named.and_then(|node| node.at("name").text()).map(str::to_owned);
    let scope = Scope { direction: Way::RoundTrip, name };
    let lost = percent(node.at("lost_datagrams").f64(), node.at("sent").f64());
    let slices = whole(node.at("over_time"));
    let (mut values, mut most) = (Vec::new(), 0.0);
    for slice in &slices {
        let lost = slice.at("lost_datagrams").f64().unwrap_or(0.0);
        let all = lost + slice.at("back").f64().unwrap_or(0.0);
        most = f64::max(most, all);
        values.extend(percent(Some(lost), Some(all)));
    }
    let step = if most > 0.0 { 100.0 / most } else { 100.0 };
    let mut found =
        vec![Figure { certainty: noise(&(values, step)), ..plain(&scope, Metric::Loss, lost) }];
    let trips = node.at("round_trip_ns");
    let means: Vec<(f64, u64)> = slices
        .iter()
        .filter_map(|slice| slice.at("mean_ns").f64().zip(slice.at("back").u64()))
        .collect();
    let counting = samples_that_count(&means, trips.at("stddev").f64().unwrap_or(0.0));
    let samples = counting.zip(histogram(node, "round_trip_ns"));
    let missing = trips.at("lost_datagrams").u64().unwrap_or(0);
    for (metric, key, quantile) in DELAYS {
        let between = samples
            .as_ref()
            .and_then(|(samples, of)| percentile_between(of, (quantile, missing), *samples));
        let certainty =
            between.map_or(Certainty::Unknown, |(low, high)| Certainty::Between(low, high));
        found.push(Figure { certainty, ..plain(&scope, metric, trips.at(key).f64()) });
    }
    for (metric, path) in [
        (Metric::Max, "round_trip_ns.max"),
        (Metric::Jitter, "round_trip_ns.ipdv_mean"),
        (Metric::Burst, "longest_burst"),
        (Metric::Duplicates, "duplicates"),
        (Metric::Reordered, "reordered"),
        (Metric::NeverSent, "never_sent"),
        (Metric::Cut, "cut"),
        (Metric::Altered, "altered"),
    ] {
        found.push(plain(&scope, metric, node.at(path).f64()));
    }
    found
}

/// A histogram of a target or a direction, by its key.
pub fn histogram(node: Node<'_>, key: &str) -> Option<DelayHistogram> {
    node.at("histograms").at(&format!("{key}_hdr")).text().and_then(DelayHistogram::from_base64)
}

/// Where the percentile lies among the samples and those `missing`, which count as infinitely late.
fn percentile_between(
    of: &DelayHistogram,
    (quantile, missing): (f64, u64),
    samples: f64,
) -> Option<(f64, f64)> {
    let came = of.count() as f64;
    if came < 1.0 {
        return None;
    }
    let all = came + missing as f64;
    let (low, high) = quantile_bounds(quantile, samples);
    let value = |quantile: f64| {
        let share = quantile * all / came;
        if share >= 1.0 { f64::INFINITY } else { of.value_at(share).0 as f64 }
    };
    Some((value(low), value(high)))
}

/// The directions of a relay; what is compared of delays is what was achieved.
fn relayed(root: Node<'_>) -> Vec<Figure> {
    let mut found = Vec::new();
    for (key, direction) in [("up", Way::Up), ("down", Way::Down)] {
        let (node, scope) = (root.at(key), Scope { direction, name: None });
        let sum = |keys: [&str; 2]| {
            let [one, other] = keys.map(|key| node.at(key).f64());
            one.zip(other).map(|(one, other)| one + other)
        };
        let lost = percent(sum(["dropped.total", "refused.total"]), sum(["received", "copies"]));
        found.push(plain(&scope, Metric::Rate, node.at("forwarded_bits_per_second").f64()));
        found.push(plain(&scope, Metric::Loss, lost));
        for (metric, key, _) in DELAYS {
            found.push(plain(&scope, metric, node.at("delay.achieved_ns").at(key).f64()));
        }
        found.push(plain(&scope, Metric::Duplicates, node.at("duplicated").f64()));
    }
    found
}

/// The receivers of a fan-out.
fn receivers(root: Node<'_>) -> Vec<Figure> {
    let whole = Scope { direction: Way::Up, name: None };
    let mut found = vec![plain(&whole, Metric::Rate, root.at("bits_per_second").f64())];
    for row in root.at("receiver_rows").items() {
        let name = row.at("receiver").text().map(str::to_owned);
        let scope = Scope { direction: Way::Up, name };
        let lost = percent(row.at("lost_datagrams").f64(), row.at("expected").f64());
        found.push(plain(&scope, Metric::Loss, lost));
        for (metric, path) in [
            (Metric::P50, "delay_p50_ns"),
            (Metric::P99, "delay_p99_ns"),
            (Metric::Max, "delay_max_ns"),
            (Metric::Duplicates, "duplicates"),
        ] {
            found.push(plain(&scope, metric, row.at(path).f64()));
        }
    }
    found
}
