//! The sheet of a mesh: a matrix of loss and one of rates, and the pairs, the worst first.

use super::Sheet;
use super::shape::{Align, Block, Chart, Figure, Section, Statement, Table};
use super::unit::{Unit, count_or_dash};
use crate::record::LimitFound;
use crate::record::saved::{Mesh, MeshPair, Node, PairLimit};
use std::collections::HashMap;

/// Pairs in the table that is seen at once.
const MOST_PAIRS: usize = 24;
/// Hosts of a matrix that is drawn.
const MOST_HOSTS: usize = 60;
/// Failed runs and missing documents that are named.
const MOST_NAMED: usize = 8;
/// Letters of a host's name in a matrix.
const LABEL: usize = 13;

/// Classes of loss, by percent, and of rates, by percent of the highest; the last is that of failed
/// runs.
const LOSSES: [(f64, &str); 6] = [
    (0.0, "none"),
    (0.1, "up to 0.1%"),
    (1.0, "up to 1%"),
    (10.0, "up to 10%"),
    (100.0, "more"),
    (f64::NAN, FAILED),
];
const RATES: [(f64, &str); 6] = [
    (95.0, "95% of the highest or more"),
    (75.0, "75% or more"),
    (50.0, "50% or more"),
    (10.0, "10% or more"),
    (0.0, "less"),
    (f64::NAN, FAILED),
];
const FAILED: &str = "failed";

/// The pairs of a mesh by their hosts.
type Pairs<'a> = HashMap<(&'a str, &'a str), &'a MeshPair>;

/// The runs between the hosts of a mesh.
pub fn meshed(all: &Mesh) -> Sheet {
    let pairs: Pairs<'_> =
        all.pairs.iter().map(|pair| ((pair.from.as_str(), pair.to.as_str()), pair)).collect();
    let (mut sections, mut rest) = (Vec::new(), Vec::new());
    let mut found = vec![Block::Told(told(all, &pairs))];
    found.extend(broken(&all.limits).map(Block::Table));
    Section::add(&mut sections, "Result", found);
    let figures = if all.hosts.len() <= MOST_HOSTS { figures(all, &pairs) } else { Vec::new() };
    Section::add(&mut sections, "Matrix", figures.into_iter().map(Block::Figure).collect());
    let has_rate = all.pairs.iter().any(|pair| pair.bits_per_second.is_some());
    let delay = if has_rate { "p99 delay" } else { "p99 round trip" };
    let mut head = vec!["from", "to", "lost", "loss", "rate", delay];
    if !has_rate {
        head.remove(4);
    }
    let mut caption = "Pairs, the worst first".to_owned();
    if all.pairs.len() > MOST_PAIRS {
        caption.push_str(&format!(": {MOST_PAIRS} of {}", all.pairs.len()));
    }
    let table = |pairs: &[MeshPair], caption| {
        let rows = pairs.iter().map(|pair| row(pair, has_rate)).collect();
        let mut table = Table::of(caption, &head, rows);
        table.head[1].1 = Align::Left;
        vec![Block::Table(table)]
    };
    let (first, others) = all.pairs.split_at(all.pairs.len().min(MOST_PAIRS));
    Section::add(&mut sections, "Pairs", table(first, caption));
    if !others.is_empty() {
        let caption = "The other pairs".to_owned();
        Section::add(&mut rest, caption.clone(), table(others, caption));
    }
    let title = format!("udpkit report: mesh of {} hosts", all.hosts.len());
    Sheet { title, sections, rest }
}

fn row(pair: &MeshPair, has_rate: bool) -> Vec<String> {
    let figure = |unit: Unit, value: Option<u64>| unit.show_or_dash(value.map(|of| of as f64));
    let loss = if pair.failure.is_some() {
        FAILED.to_owned()
    } else {
        Unit::Percent.show_or_dash(pair.loss_percent)
    };
    let mut cells = vec![pair.from.clone(), pair.to.clone()];
    cells.extend([count_or_dash(pair.lost), loss]);
    cells.extend(has_rate.then(|| figure(Unit::Bits, pair.bits_per_second)));
    cells.push(figure(Unit::Span, pair.delay_p99_ns));
    cells
}

/// What is to be said first: how many pairs, the worst, failed runs, missing documents.
fn told(all: &Mesh, pairs: &Pairs<'_>) -> Vec<Statement> {
    let failed = all.pairs.iter().filter(|pair| pair.failure.is_some());
    let (whole, failures) = (all.pairs.len(), failed.clone().count());
    let mut told = vec![Statement {
        label: "verdict",
        text: format!("{}; {}", measured(whole - failures, failures), worst(&all.pairs)),
    }];
    let why = |pair: &MeshPair| {
        let failure = pair.failure.as_ref().map(Node::of);
        let why = failure.and_then(|failure| failure.at("text").text()).unwrap_or("-");
        Statement { label: FAILED, text: format!("{}: {why}", name(&pair.from, &pair.to)) }
    };
    told.extend(failed.take(MOST_NAMED).map(why));
    if failures > MOST_NAMED {
        let text = format!("and {} more", failures - MOST_NAMED);
        told.push(Statement { label: FAILED, text });
    }
    if all.missing > 0 {
        let each = all.hosts.iter().flat_map(|from| all.hosts.iter().map(move |to| (from, to)));
        let missing = each
            .filter(|(from, to)| from != to && !pairs.contains_key(&(from.as_str(), to.as_str())));
        let mut names: Vec<_> = missing.take(MOST_NAMED).map(|(from, to)| name(from, to)).collect();
        if all.missing > names.len() as u64 {
            names.push("…".to_owned());
        }
        let text = match all.missing {
            1 => format!("no document for the pair {}", names.join("")),
            count => format!("no document for {count} pairs: {}", names.join(", ")),
        };
        told.push(Statement { label: "caution", text });
    }
    told
}

fn measured(count: usize, failures: usize) -> String {
    let pairs = if count == 1 { "pair" } else { "pairs" };
    match failures {
        0 => format!("{count} {pairs} measured"),
        _ => format!("{count} {pairs} measured, {failures} failed"),
    }
}

/// The measured pair that comes first: the worst.
fn worst(pairs: &[MeshPair]) -> String {
    let Some(worst) = pairs.iter().find(|pair| pair.failure.is_none()) else {
        return "no run succeeded".to_owned();
    };
    match worst.loss_percent {
        Some(loss) if loss > 0.0 => {
            format!(
                "the worst, {}, lost {}",
                name(&worst.from, &worst.to),
                Unit::Percent.show(loss)
            )
        }
        Some(_) => "no datagram was lost".to_owned(),
        None => "losses are not known".to_owned(),
    }
}

fn name(from: &str, to: &str) -> String {
    format!("{from} to {to}")
}

/// The limits that were broken; `None` if all were kept.
fn broken(limits: &[PairLimit]) -> Option<Table> {
    let rows: Vec<_> = limits.iter().filter(|limit| !limit.report.held).map(limit_row).collect();
    let caption = format!("Broken limits: {} of {}", rows.len(), limits.len());
    let head = ["limit", "from", "to", "measured"];
    (!rows.is_empty()).then(|| Table::words(caption, &head, rows))
}

fn limit_row(limit: &PairLimit) -> Vec<String> {
    let of = &limit.report.limit;
    let found = match limit.report.found {
        LimitFound::Figure(figure) => of.in_words(figure),
        LimitFound::Unknown | LimitFound::Lost => "-".to_owned(),
    };
    vec![of.to_string(), limit.from.clone(), limit.to.clone(), found]
}

/// The matrix of loss, and that of rates if there are any.
fn figures(all: &Mesh, pairs: &Pairs<'_>) -> Vec<Figure> {
    let loss = Shown {
        caption: "Loss in percent, from (rows) to (columns)".to_owned(),
        classes: &LOSSES,
        class: &|pair| {
            let loss = pair.loss_percent?;
            LOSSES.iter().position(|(most, _)| loss <= *most)
        },
        value: &|pair| pair.loss_percent,
    };
    let mut figures = vec![loss.draw(&all.hosts, pairs)];
    let highest = all.pairs.iter().filter_map(|pair| pair.bits_per_second).max();
    if let Some(highest) = highest {
        let (per, unit) = scale(highest);
        let rate = Shown {
            caption: format!("Received payload in {unit}, from (rows) to (columns)"),
            classes: &RATES,
            class: &|pair| {
                let share = pair.bits_per_second? as f64 * 100.0 / highest.max(1) as f64;
                RATES.iter().position(|(least, _)| share >= *least)
            },
            value: &|pair| pair.bits_per_second.map(|rate| rate as f64 / per),
        };
        figures.push(rate.draw(&all.hosts, pairs));
    }
    figures
}

/// The unit in which the highest rate has at most three digits.
fn scale(highest: u64) -> (f64, &'static str) {
    match highest {
        1_000_000_000.. => (1e9, "Gbit/s"),
        1_000_000.. => (1e6, "Mbit/s"),
        1_000.. => (1e3, "kbit/s"),
        _ => (1.0, "bit/s"),
    }
}

/// What a matrix shows of each pair.
struct Shown<'a> {
    caption: String,
    classes: &'static [(f64, &'static str); 6],
    class: &'a dyn Fn(&MeshPair) -> Option<usize>,
    value: &'a dyn Fn(&MeshPair) -> Option<f64>,
}

impl Shown<'_> {
    fn draw(self, hosts: &[String], pairs: &Pairs<'_>) -> Figure {
        let numbered = hosts.iter().zip(1..);
        let labels: Vec<String> =
            numbered.map(|(host, number)| format!("{number} {}", short(host))).collect();
        let pair = |from: &String, to: &String| pairs.get(&(from.as_str(), to.as_str())).copied();
        let class = |pair: &MeshPair| match &pair.failure {
            Some(_) => Some(self.classes.len() - 1),
            None => (self.class)(pair),
        };
        let rows = hosts
            .iter()
            .map(|from| hosts.iter().map(|to| pair(from, to).and_then(class)).collect());
        let rows = rows.collect();
        let cells = hosts.iter().zip(&labels).map(|(from, label)| {
            let cells = hosts.iter().map(|to| match pair(from, to) {
                None if from == to => String::new(),
                Some(MeshPair { failure: Some(_), .. }) => "x".to_owned(),
                known => cell(known.and_then(self.value)),
            });
            std::iter::once(label.clone()).chain(cells).collect()
        });
        let cells = cells.collect();
        let numbers: Vec<String> = (1..=hosts.len()).map(|number| number.to_string()).collect();
        let head: Vec<&str> =
            std::iter::once("from").chain(numbers.iter().map(String::as_str)).collect();
        let table = Table::of(format!("{}; x {FAILED}, - not known", self.caption), &head, cells);
        let classes = self.classes.iter().map(|(_, name)| (*name).to_owned()).collect();
        Figure { chart: Chart::Matrix { labels, rows, classes }, table }
    }
}

/// A name that is not too long for its place; the table of pairs has all of it.
fn short(host: &str) -> String {
    if host.chars().count() <= LABEL {
        return host.to_owned();
    }
    let begin: String = host.chars().take(LABEL - 1).collect();
    format!("{begin}…")
}

/// A figure in three letters: what is small must not be shown as zero, nor what is nearly all as all.
fn cell(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(small) if small < 0.01 => ">0".to_owned(),
        Some(part) if part < 0.995 => format!("{part:.2}").trim_start_matches('0').to_owned(),
        Some(value) if value < 9.95 => format!("{value:.1}"),
        Some(value) => format!("{:.0}", value.floor().max(10.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_three_letters_and_small_is_not_nothing() {
        let shown = [0.0, 0.000_1, 0.013, 0.994, 0.996, 9.94, 9.96, 12.9, 99.99, 100.0, 940.4];
        let shown = shown.map(|value| cell(Some(value)));
        let expected = ["0", ">0", ".01", ".99", "1.0", "9.9", "10", "12", "99", "100", "940"];
        assert_eq!(shown, expected);
        assert_eq!(cell(None), "-");
    }

    #[test]
    fn a_long_name_is_shortened() {
        assert_eq!(short("web-1"), "web-1");
        assert_eq!(short("web-1.dc1.example.net"), "web-1.dc1.ex…");
    }
}
