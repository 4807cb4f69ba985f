//! Runs between the hosts of a mesh: the figures of each pair, the worst first.

use super::document::{Saved, SavedCommand};
use super::figures::{Figure, figures};
use super::node::Node;
use super::pair_names::{pair_names, stem, without_port};
use crate::record::{LimitReport, Way, hold_against};
use crate::units::{Limit, Measured, Metric};
use serde::Serialize;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use thiserror::Error;

/// Why documents are not those of a mesh.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MeshError {
    /// Of a command without pairs, or a series of runs.
    #[error("{name}: --mesh takes single runs of blast and ping")]
    NoRun {
        /// The file.
        name: String,
    },
    /// A file's name does not tell its hosts.
    #[error("{name} does not tell its two hosts: name the file FROM-TO.json, such as a-b.json")]
    NoPair {
        /// The file.
        name: String,
    },
    /// A file's name can be parted at several dashes.
    #[error(
        "{name} could be of several pairs of hosts: name hosts as the run's target does, or without \
         dashes, as in a-b.json"
    )]
    Unclear {
        /// The file.
        name: String,
    },
    /// Several documents of a pair.
    #[error("{one} and {other} are both from {from} to {to}: give one of them")]
    Twice {
        /// The first file.
        one: String,
        /// The second file.
        other: String,
        /// The pair's first host.
        from: String,
        /// The pair's second host.
        to: String,
    },
}

/// What a run gave of the datagrams from one host to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MeshPair {
    /// The host that sent; of round trips, the one that asked.
    pub from: String,
    /// The host that received, or answered.
    pub to: String,
    /// The file.
    #[serde(rename = "file_name")]
    pub file: String,
    /// The direction in that document: `down` if TO ran the command.
    pub direction: Way,
    /// Datagrams sent; `None` if unknown. Of a failed run, no figure is known.
    pub sent: Option<u64>,
    /// Datagrams lost.
    #[serde(rename = "lost_datagrams")]
    pub lost: Option<u64>,
    /// Their share of those sent.
    pub loss_percent: Option<f64>,
    /// The rate of payload received; `None` of round trips.
    pub bits_per_second: Option<u64>,
    /// The 99th percentile of the delay above its minimum, or of the round trips.
    pub delay_p99_ns: Option<u64>,
    /// Why the run failed, as its document has it; `None` if it did not.
    pub failure: Option<Value>,
    #[serde(skip)]
    figures: Vec<Figure>,
    #[serde(skip)]
    datagrams_per_second: Option<u64>,
}

/// A limit held against a pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PairLimit {
    /// The pair's first host.
    pub from: String,
    /// The pair's second host.
    pub to: String,
    /// What became of it.
    #[serde(flatten)]
    pub report: LimitReport,
}

/// All pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mesh {
    /// The hosts, by name.
    #[serde(rename = "host_names")]
    pub hosts: Vec<String>,
    /// The pairs that have a document: failed runs, then by loss, rate and delay, the worst first.
    #[serde(rename = "pair_rows")]
    pub pairs: Vec<MeshPair>,
    /// Pairs of two different hosts that have none.
    #[serde(rename = "missing_pairs")]
    pub missing: u64,
    /// What became of the limits, in the order of the pairs.
    pub limits: Vec<PairLimit>,
}

/// The pairs of these documents, each held against every limit.
///
/// # Errors
///
/// A document that is of no pair, or of one that another is of.
pub fn mesh(all: &[Saved], limits: &[Limit]) -> Result<Mesh, MeshError> {
    let mut pairs = Vec::new();
    for (saved, names) in all.iter().zip(pair_names(all)) {
        pairs.extend(pairs_of(saved, names)?);
    }
    let mut seen: HashMap<(&str, &str), &MeshPair> = HashMap::new();
    for pair in &pairs {
        if let Some(one) = seen.insert((&pair.from, &pair.to), pair) {
            let (one, other) = (one.file.clone(), pair.file.clone());
            let (from, to) = (pair.from.clone(), pair.to.clone());
            return Err(MeshError::Twice { one, other, from, to });
        }
    }
    pairs.sort_by(worse);
    let hosts: BTreeSet<&String> = pairs.iter().flat_map(|one| [&one.from, &one.to]).collect();
    let mut hosts: Vec<String> = hosts.into_iter().cloned().collect();
    hosts.sort_by(|one, other| by_number(one).cmp(&by_number(other)));
    let others = pairs.iter().filter(|one| one.from != one.to).count();
    let missing = (hosts.len() * hosts.len().saturating_sub(1)).saturating_sub(others) as u64;
    let limits = pairs.iter().flat_map(|pair| limits.iter().map(|limit| pair.hold(limit)));
    let limits = limits.collect();
    Ok(Mesh { hosts, pairs, missing, limits })
}

/// What a name is sorted by: `web-10` is behind `web-2`.
fn by_number(host: &str) -> Vec<(&str, u64)> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let mut parts = Vec::new();
    let mut rest = host;
    while !rest.is_empty() {
        let (words, after) = rest.split_at(rest.find(is_digit).unwrap_or(rest.len()));
        let end = after.find(|letter| !is_digit(letter)).unwrap_or(after.len());
        let (number, after) = after.split_at(end);
        parts.push((words, number.parse().unwrap_or(0)));
        rest = after;
    }
    parts
}

/// The worse one first; what is not known is behind what is.
fn worse(one: &MeshPair, other: &MeshPair) -> Ordering {
    let most = |of: Option<f64>| of.unwrap_or(-1.0);
    let delay = |of: &MeshPair| of.delay_p99_ns.map_or(-1.0, |delay| delay as f64);
    let rate = |of: &MeshPair| of.bits_per_second.unwrap_or(u64::MAX);
    let by_failure = other.failure.is_some().cmp(&one.failure.is_some());
    by_failure
        .then_with(|| most(other.loss_percent).total_cmp(&most(one.loss_percent)))
        .then_with(|| rate(one).cmp(&rate(other)))
        .then_with(|| delay(other).total_cmp(&delay(one)))
        .then_with(|| by_number(&one.from).cmp(&by_number(&other.from)))
        .then_with(|| by_number(&one.to).cmp(&by_number(&other.to)))
}

type Names = Option<(String, String)>;

/// A document's pairs.
fn pairs_of(saved: &Saved, names: Names) -> Result<Vec<MeshPair>, MeshError> {
    match saved.command {
        SavedCommand::Blast if !saved.root().at("trials").is_there() => {
            names.map(|names| blasted(saved, &names)).ok_or_else(|| no_pair(saved))
        }
        SavedCommand::Ping => pinged(saved, names),
        _ => Err(MeshError::NoRun { name: saved.name.clone() }),
    }
}

fn no_pair(saved: &Saved) -> MeshError {
    let name = saved.name.clone();
    match stem(saved).map_or(0, |stem| stem.matches('-').count()) {
        0 | 1 => MeshError::NoPair { name },
        _ => MeshError::Unclear { name },
    }
}

/// The pair of a throughput run; of one in both directions, two.
fn blasted(saved: &Saved, (from, to): &(String, String)) -> Vec<MeshPair> {
    let (root, figures) = (saved.root(), figures(saved));
    let pair = |part: Node<'_>| {
        let way: Way = part.at("direction").read().unwrap_or_default();
        let names = if way == Way::Down { (to, from) } else { (from, to) };
        let mut pair = MeshPair::new(saved, (names.0, names.1), way, root.at("failure"));
        let own = figures.iter().filter(|one| one.scope.direction == way).cloned().collect();
        pair.read(part, ["sent.datagrams", "lost.total"], own);
        pair
    };
    let reverse = Some(root.at("reverse")).filter(|one| one.is_there());
    std::iter::once(root).chain(reverse).map(pair).collect()
}

/// The pair of each target: with several, the file is named after FROM alone.
fn pinged(saved: &Saved, names: Names) -> Result<Vec<MeshPair>, MeshError> {
    let (root, figures) = (saved.root(), figures(saved));
    let mut targets: Vec<Node<'_>> = root.at("targets").items().collect();
    let is_one = targets.len() < 2;
    if targets.is_empty() {
        targets.push(root);
    }
    let from = stem(saved).filter(|_| saved.name != "-");
    let pair = |target: &Node<'_>| {
        let told = target.at("name").text();
        let several = || Some((from?.to_owned(), without_port(told?).to_owned()));
        let names = if is_one { names.clone() } else { several() };
        let (from, to) = names.ok_or_else(|| no_pair(saved))?;
        let failures = [root.at("failure"), target.at("error")];
        let failure = failures[usize::from(!failures[0].is_there())];
        let mut pair = MeshPair::new(saved, (&from, &to), Way::RoundTrip, failure);
        let is_own = |one: &&Figure| is_one || one.scope.name.as_deref() == told;
        let own = figures.iter().filter(is_own).cloned().collect();
        pair.read(*target, ["sent", "lost_datagrams"], own);
        Ok(pair)
    };
    targets.iter().map(pair).collect()
}

impl MeshPair {
    /// A pair without figures.
    fn new(saved: &Saved, (from, to): (&str, &str), direction: Way, failure: Node<'_>) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            file: saved.name.clone(),
            direction,
            sent: None,
            lost: None,
            loss_percent: None,
            bits_per_second: None,
            delay_p99_ns: None,
            failure: failure.value().cloned(),
            figures: Vec::new(),
            datagrams_per_second: None,
        }
    }

    /// Takes the figures of a part of its document, which has sent and lost at these paths; of a
    /// failed run none, as it may have ended anywhere.
    fn read(&mut self, part: Node<'_>, [sent, lost]: [&str; 2], figures: Vec<Figure>) {
        if self.failure.is_some() {
            return;
        }
        self.figures = figures;
        self.sent = part.at(sent).u64();
        self.lost = part.at(lost).u64();
        self.loss_percent = self.figure(Metric::Loss);
        self.bits_per_second = self.figure(Metric::Rate).map(|rate| rate as u64);
        self.delay_p99_ns = self.figure(Metric::P99).map(|delay| delay as u64);
        self.datagrams_per_second = part.at("received.datagrams_per_second").u64();
    }

    fn figure(&self, metric: Metric) -> Option<f64> {
        self.figures.iter().find(|one| one.metric == metric)?.value
    }

    /// What limits are held against; `None` if the document does not have it.
    fn measured(&self, metric: Metric) -> Option<Measured> {
        let whole = self.figure(metric).map(|value| value as u64);
        match metric {
            Metric::Loss => self.lost.zip(self.sent).map(|(part, of)| Measured::Share { part, of }),
            Metric::Rate => whole.map(|bits| Measured::Rate {
                bits,
                packets: self.datagrams_per_second.unwrap_or(0).saturating_mul(1_000),
            }),
            Metric::P50
            | Metric::P90
            | Metric::P99
            | Metric::P999
            | Metric::Max
            | Metric::Jitter
            | Metric::Outage => whole.map(Measured::Span),
            Metric::Duplicates
            | Metric::Reordered
            | Metric::Burst
            | Metric::NeverSent
            | Metric::Cut
            | Metric::Altered => whole.map(Measured::Count),
        }
    }

    fn hold(&self, limit: &Limit) -> PairLimit {
        let report = hold_against(limit, self.direction, |metric| self.measured(metric));
        PairLimit { from: self.from.clone(), to: self.to.clone(), report }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn blast(name: &str, (lost, rate, p99): (u64, u64, u64)) -> Saved {
        let value = json!({ "schema": 1, "command": "blast", "direction": "up",
            "sent": { "datagrams": 1_000 }, "lost": { "total": lost },
            "received": { "bits_per_second": rate, "datagrams_per_second": 1_000 },
            "delay_above_min_ns": { "p99": p99 } });
        Saved::new(name, value).unwrap()
    }

    fn failed(name: &str, command: &str) -> Saved {
        let failure = json!({ "code": "no_reply", "text": "no reply" });
        let value = json!({ "schema": 1, "command": command, "failure": failure });
        Saved::new(name, value).unwrap()
    }

    fn order(all: &[Saved]) -> Vec<String> {
        let found = mesh(all, &[]).unwrap().pairs;
        found.iter().map(|pair| format!("{} {}", pair.from, pair.to)).collect()
    }

    #[test]
    fn failed_runs_are_first_and_then_loss_rate_and_delay_decide() {
        let all = [
            blast("c-a.json", (0, 100, 5)),
            blast("a-b.json", (0, 100, 7)),
            blast("a-d.json", (0, 90, 1)),
            blast("b-a.json", (1, 100, 1)),
            blast("c-b.json", (500, 100, 1)),
            failed("d-a.json", "blast"),
            blast("b-c.json", (0, 100, 5)),
        ];
        assert_eq!(order(&all), ["d a", "c b", "b a", "a d", "a b", "b c", "c a"]);
        let found = mesh(&all, &[]).unwrap();
        assert_eq!((found.hosts.len(), found.missing), (4, 5));
        assert_eq!(found.pairs[0].failure.as_ref().unwrap()["code"], "no_reply");
        assert_eq!(found.pairs[1].loss_percent, Some(50.0));
    }

    #[test]
    fn what_a_document_does_not_have_is_behind_what_is_known() {
        let value = json!({ "schema": 1, "command": "blast", "direction": "up" });
        let unknown = Saved::new("a-c.json", value).unwrap();
        let found = mesh(&[unknown, blast("a-b.json", (0, 1, 1))], &[]).unwrap();
        assert_eq!(found.pairs[1].to, "c");
        assert_eq!((found.pairs[1].loss_percent, found.pairs[1].lost), (None, None));
    }

    #[test]
    fn what_came_back_is_of_the_opposite_pair() {
        let mut value = blast("a-b.json", (0, 100, 1)).root().value().cloned().unwrap();
        let mut reverse = blast("", (10, 50, 1)).root().value().cloned().unwrap();
        reverse["direction"] = json!("down");
        value["reverse"] = reverse.clone();
        let both = Saved::new("a-b.json", value).unwrap();
        assert_eq!(order(std::slice::from_ref(&both)), ["b a", "a b"]);
        // A run in the other direction alone is of that pair too.
        let down = Saved::new("x/a-b.json", reverse).unwrap();
        assert_eq!(order(std::slice::from_ref(&down)), ["b a"]);
        let twice = mesh(&[both, down], &[]).unwrap_err().to_string();
        assert_eq!(twice, "a-b.json and x/a-b.json are both from b to a: give one of them");
    }

    #[test]
    fn a_ping_of_several_targets_is_named_after_the_host_that_asked() {
        let target =
            |name: &str, lost: u64| json!({ "name": name, "sent": 10, "lost_datagrams": lost });
        let ping = |name: &str, targets: Vec<Value>| {
            Saved::new(name, json!({ "schema": 1, "command": "ping", "targets": targets })).unwrap()
        };
        let all = [
            ping("a.json", vec![target("b", 1), target("c:8620", 5)]),
            ping("b-a.json", vec![target("192.0.2.1", 2)]),
            failed("c-a.json", "ping"),
        ];
        assert_eq!(order(&all), ["c a", "a c", "b a", "a b"]);
        let limits = ["loss>15%".parse().unwrap(), "rate<1M".parse().unwrap()];
        let held = mesh(&all, &limits).unwrap().limits;
        let held: Vec<bool> = held.iter().map(|one| one.report.held).collect();
        assert_eq!(held, [false, false, false, false, false, false, true, false]);
    }

    #[test]
    fn what_is_of_no_pair_says_why() {
        let told = |saved: Saved| mesh(&[saved], &[]).unwrap_err().to_string();
        assert!(told(blast("a.json", (0, 1, 1))).starts_with("a.json does not tell its two hosts"));
        assert!(told(blast("-", (0, 1, 1))).starts_with("- does not tell"));
        assert!(told(blast("a-b-c.json", (0, 1, 1))).contains("could be of several pairs"));
        let series = json!({ "schema": 1, "command": "blast", "trials": [] });
        let series = Saved::new("a-b.json", series).unwrap();
        assert!(told(series).contains("takes single runs of blast and ping"));
        assert!(told(failed("a-b.json", "relay")).contains("takes single runs"));
    }

    #[test]
    fn hosts_are_in_the_order_of_their_numbers() {
        let mut hosts = ["b", "a10", "a2", "a", "a2x", "a02"];
        hosts.sort_by(|one, other| by_number(one).cmp(&by_number(other)));
        assert_eq!(hosts, ["a", "a2", "a02", "a2x", "a10", "b"]);
    }
}
