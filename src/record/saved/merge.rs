//! Many documents of one command as one: counts are added, and histograms, which loses nothing.

use super::document::{Saved, SavedCommand};
use super::figures::{Scope, direction, histogram};
use super::node::Node;
use crate::record::{DelayQuantiles, Way};
use crate::stats::DelayHistogram;
use serde::Serialize;

/// What several runs have counted of one direction or target.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MergedScope {
    /// The direction.
    pub direction: Way,
    /// The target; `None` if there is one.
    pub name: Option<String>,
    /// Runs that counted it.
    pub runs: u64,
    /// Datagrams sent; `None` if a run does not tell.
    pub sent: Option<u64>,
    /// Datagrams delivered, or probes answered.
    pub delivered: Option<u64>,
    /// Datagrams lost.
    #[serde(rename = "lost_datagrams")]
    pub lost: Option<u64>,
    /// Second and further copies.
    pub duplicates: Option<u64>,
    /// Reordered datagrams.
    pub reordered: Option<u64>,
    /// The longest loss burst.
    pub longest_burst: Option<u64>,
    /// Delays of all runs: round trips, or above each run's minimum.
    pub delay_ns: DelayQuantiles,
    /// Their histogram; `None` if a run has none.
    #[cfg_attr(test, schemars(with = "Option<crate::stats::EncodedHistogram>"))]
    #[serde(rename = "delay_ns_hdr")]
    pub histogram: Option<DelayHistogram>,
}

/// All runs together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Merger {
    /// The files, in the order given.
    #[serde(rename = "file_names")]
    pub files: Vec<String>,
    /// Each direction or target.
    pub merged: Vec<MergedScope>,
}

/// Merges documents of one command; `None` if that command's cannot be merged.
pub fn merge(all: &[Saved]) -> Option<Merger> {
    let mut whole = Merger::default();
    for saved in all {
        let root = saved.root();
        let parts: Vec<MergedScope> = match saved.command {
            SavedCommand::Blast if root.at("trials").is_there() => return None,
            SavedCommand::Blast => {
                let both = [root, root.at("reverse")];
                let ways = both.into_iter().filter(|way| way.at("direction").is_there());
                ways.map(way).collect()
            }
            SavedCommand::Ping => root.at("targets").items().map(target).collect(),
            _ => return None,
        };
        whole.files.push(saved.name.clone());
        for part in parts {
            whole.add(part);
        }
    }
    for scope in &mut whole.merged {
        let told = scope.histogram.as_ref().map(DelayHistogram::percentiles);
        scope.delay_ns = told.map(DelayQuantiles::from).unwrap_or_default();
    }
    Some(whole)
}

fn way(node: Node<'_>) -> MergedScope {
    MergedScope {
        direction: direction(node),
        runs: 1,
        sent: node.at("sent.datagrams").u64(),
        delivered: node.at("delivered").u64(),
        lost: node.at("lost.total").u64(),
        duplicates: node.at("duplicates").u64(),
        reordered: node.at("reordered").u64(),
        longest_burst: node.at("lost.longest_burst").u64(),
        histogram: histogram(node, "delay_above_min_ns"),
        ..MergedScope::default()
    }
}

fn target(node: Node<'_>) -> MergedScope {
    MergedScope {
        direction: Way::RoundTrip,
        name: node.at("name").text().map(str::to_owned),
        runs: 1,
        sent: node.at("sent").u64(),
        delivered: node.at("back").u64(),
        lost: node.at("lost_datagrams").u64(),
        duplicates: node.at("duplicates").u64(),
        reordered: node.at("reordered").u64(),
        longest_burst: node.at("longest_burst").u64(),
        histogram: histogram(node, "round_trip_ns"),
        ..MergedScope::default()
    }
}

impl MergedScope {
    /// What it is about.
    pub fn scope(&self) -> Scope {
        Scope { direction: self.direction, name: self.name.clone() }
    }

    fn add(&mut self, other: Self) {
        let sum = |one: Option<u64>, two: Option<u64>| {
            one.zip(two).map(|(one, two)| one.saturating_add(two))
        };
        self.runs += other.runs;
        self.sent = sum(self.sent, other.sent);
        self.delivered = sum(self.delivered, other.delivered);
        self.lost = sum(self.lost, other.lost);
        self.duplicates = sum(self.duplicates, other.duplicates);
        self.reordered = sum(self.reordered, other.reordered);
        let longest = self.longest_burst.zip(other.longest_burst);
        self.longest_burst = longest.map(|(one, two)| one.max(two));
        self.histogram = self.histogram.take().zip(other.histogram).map(|(mut one, two)| {
            one.merge(&two);
            one
        });
    }
}

impl Merger {
    fn add(&mut self, part: MergedScope) {
        match self.merged.iter_mut().find(|one| one.scope() == part.scope()) {
            Some(one) => one.add(part),
            None => self.merged.push(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;
    use serde_json::json;

    #[test]
    fn histograms_of_many_runs_are_one_of_all_samples() {
        let mut all = DelayHistogram::new();
        let mut runs = Vec::new();
        for run in 1..=3u64 {
            let mut own = DelayHistogram::new();
            for at in 0..2_000 {
                own.record(Nanos(run * 1_000_000 + at * at));
            }
            all.merge(&own);
            let target = json!({ "name": "h", "sent": 2_001, "back": 2_000, "lost_datagrams": 1,
                "duplicates": 0, "reordered": run, "longest_burst": run,
                "histograms": { "round_trip_ns_hdr": own.encoded() } });
            let value = json!({ "schema": 1, "command": "ping", "targets": [target] });
            runs.push(Saved::new("x", value).unwrap());
        }
        let merged = merge(&runs).unwrap();
        let [one] = &merged.merged[..] else { panic!("{merged:?}") };
        assert_eq!((one.runs, one.sent, one.lost), (3, Some(6_003), Some(3)));
        assert_eq!((one.reordered, one.longest_burst), (Some(6), Some(3)));
        assert_eq!(one.histogram, Some(all.clone()));
        assert_eq!(one.delay_ns, all.percentiles().into());
        assert!(one.delay_ns.p99.is_some());
    }
}
