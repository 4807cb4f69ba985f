//! Two documents compared, figure by figure.

use super::document::Saved;
use super::figures::{Certainty, Figure, FigureUnit, Scope, figures};
use crate::units::Metric;
use serde::Serialize;

/// Whether a difference is more than what the runs show by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is beyond their noise.
    Beyond,
    /// It is within.
    Within,
    /// Their intervals do not tell.
    Unknown,
}

/// One figure of both.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Difference {
    /// What it is about.
    #[serde(flatten)]
    pub scope: Scope,
    /// Its name, as in `--fail-if`.
    pub metric: Metric,
    /// What both count.
    pub unit: FigureUnit,
    /// The first document's; `None` if it does not have it.
    pub base: Option<f64>,
    /// The other's.
    pub other: Option<f64>,
    /// The difference in percent of the first one's; of a share, in percentage points. `None` if one
    /// is missing, or if the first one's is 0 and the other's is not.
    pub change_percent: Option<f64>,
    /// Against the noise.
    pub noise: Standing,
}

/// Why two documents may differ for another reason than the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ComparisonCaveat {
    /// They are of different hosts.
    OtherTarget {
        /// That of the first document.
        base_target: String,
        /// That of the other.
        other_target: String,
    },
    /// Their datagrams have different sizes.
    OtherSize {
        /// Payload bytes in the first document.
        base_payload_bytes: u64,
        /// Payload bytes in the other.
        other_payload_bytes: u64,
    },
}

impl ComparisonCaveat {
    /// The caveats of a comparison.
    fn of(base: &Saved, other: &Saved) -> Vec<Self> {
        let mut caveats = Vec::new();
        if let (Some(base_target), Some(other_target)) = (base.targets(), other.targets())
            && base_target != other_target
        {
            caveats.push(Self::OtherTarget { base_target, other_target });
        }
        if let (Some(base_payload_bytes), Some(other_payload_bytes)) =
            (base.payload_bytes(), other.payload_bytes())
            && base_payload_bytes != other_payload_bytes
        {
            caveats.push(Self::OtherSize { base_payload_bytes, other_payload_bytes });
        }
        caveats
    }
}

/// A document against the first one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Comparison {
    /// The first document.
    #[serde(rename = "base_file")]
    pub base: String,
    /// The other one.
    #[serde(rename = "other_file")]
    pub other: String,
    /// The figures that either has.
    pub differences: Vec<Difference>,
    /// Why they may differ for another reason than the network.
    #[serde(serialize_with = "crate::record::finding::all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<ComparisonCaveat>>"))]
    pub caveats: Vec<ComparisonCaveat>,
}

/// Compares a document with the first one.
pub fn compare(base: &Saved, other: &Saved) -> Comparison {
    let (ours, mut theirs) = (figures(base), figures(other));
    let mut differences = Vec::new();
    for figure in ours {
        let same = |one: &Figure| one.scope == figure.scope && one.metric == figure.metric;
        let found = theirs.iter().position(same).map(|at| theirs.remove(at));
        differences.push(Difference::new(Some(&figure), found.as_ref()));
    }
    differences.extend(theirs.iter().map(|figure| Difference::new(None, Some(figure))));
    let is_known = |one: &Difference| one.base.is_some() || one.other.is_some();
    let differences = differences.into_iter().flatten().filter(is_known).collect();
    let caveats = ComparisonCaveat::of(base, other);
    Comparison { base: base.name.clone(), other: other.name.clone(), differences, caveats }
}

impl Difference {
    fn new(base: Option<&Figure>, other: Option<&Figure>) -> Option<Self> {
        let either = base.or(other)?;
        let unit = FigureUnit::of(either.metric);
        let value = |figure: Option<&Figure>| figure.and_then(|figure| figure.value);
        let both = value(base).zip(value(other));
        let change = both.map(|(base, other)| change(unit, base, other));
        Some(Self {
            scope: either.scope.clone(),
            metric: either.metric,
            unit,
            base: value(base),
            other: value(other),
            change_percent: change.filter(|change| change.is_finite()),
            noise: standing(base, other),
        })
    }

    /// The change that a limit is held against: infinite where something came of nothing; `None` if
    /// a figure is missing.
    pub fn change(&self) -> Option<f64> {
        self.base.zip(self.other).map(|(base, other)| change(self.unit, base, other))
    }
}

fn change(unit: FigureUnit, base: f64, other: f64) -> f64 {
    let difference = other - base;
    match unit {
        FigureUnit::Percent => difference,
        _ if difference == 0.0 => 0.0,
        // Zero to something divides to infinity.
        _ => difference / base * 100.0,
    }
}

fn standing(base: Option<&Figure>, other: Option<&Figure>) -> Standing {
    let Some((base, other)) = base.zip(other) else { return Standing::Unknown };
    let Some((left, right)) = base.value.zip(other.value) else { return Standing::Unknown };
    let beyond = match (base.certainty, other.certainty) {
        (Certainty::Intervals(one), Certainty::Intervals(two)) => {
            one.is_exceeded(two, right - left)
        }
        (Certainty::Between(low, high), Certainty::Between(other_low, other_high)) => {
            other_low > high || other_high < low
        }
        _ => return Standing::Unknown,
    };
    if beyond { Standing::Beyond } else { Standing::Within }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn run(rate: u64, lost: u64) -> Saved {
        let interval = |at: u64| {
            let datagrams = rate / 8 / 1_000 + at % 3;
            let lost = if at.is_multiple_of(2) { lost } else { 0 };
            json!({ "start_ns": at * 1_000_000_000, "duration_ns": 1_000_000_000u64,
                "datagrams": datagrams, "bytes": datagrams * 1_000, "lost_datagrams": lost,
                "duplicates": 0 })
        };
        let intervals: Vec<Value> = (0..10).map(interval).collect();
        let value = json!({ "schema": 1, "command": "blast", "direction": "up",
            "received": { "bits_per_second": rate }, "sent": { "datagrams": 125_000 },
            "lost": { "total": lost * 5, "longest_burst": 1 }, "duplicates": 0,
            "delay_above_min_ns": { "p50": 1000, "p99": null }, "intervals": intervals });
        Saved::new("x", value).unwrap()
    }

    fn of(found: &Comparison, metric: Metric) -> (Option<f64>, Standing) {
        let one = found.differences.iter().find(|one| one.metric == metric).unwrap();
        (one.change_percent, one.noise)
    }

    #[test]
    fn a_run_does_not_differ_from_itself() {
        let found = compare(&run(100_000_000, 3), &run(100_000_000, 3));
        assert_eq!(of(&found, Metric::Rate), (Some(0.0), Standing::Within));
        assert_eq!(of(&found, Metric::Loss), (Some(0.0), Standing::Within));
        assert!(found.differences.iter().all(|one| one.noise != Standing::Beyond));
        // What neither has is no row.
        assert!(found.differences.iter().all(|one| one.metric != Metric::P99));
    }

    #[test]
    fn a_lower_rate_is_beyond_the_noise_and_what_has_no_intervals_is_unknown() {
        let found = compare(&run(100_000_000, 0), &run(90_000_000, 0));
        assert_eq!(of(&found, Metric::Rate), (Some(-10.0), Standing::Beyond));
        assert_eq!(of(&found, Metric::P50), (Some(0.0), Standing::Unknown));
        assert_eq!(of(&found, Metric::Loss), (Some(0.0), Standing::Within));
        // A few lost datagrams every other interval could be chance.
        let found = compare(&run(100_000_000, 0), &run(100_000_000, 3));
        assert_eq!(of(&found, Metric::Loss).1, Standing::Within);
    }

    #[test]
    fn something_out_of_nothing_has_no_share() {
        assert!(change(FigureUnit::Datagrams, 0.0, 5.0).is_infinite());
        assert_eq!(change(FigureUnit::Datagrams, 0.0, 0.0).to_bits(), 0.0f64.to_bits());
        assert!((change(FigureUnit::Percent, 0.0, 0.5) - 0.5).abs() < 1e-12);
    }

    fn told(base: &Value, other: &Value) -> Vec<ComparisonCaveat> {
        let [base, other] = [base, other].map(|value| Saved::new("x", value.clone()).unwrap());
        compare(&base, &other).caveats
    }

    #[test]
    fn another_target_or_size_is_said_and_the_same_is_not() {
        let blast = |target: &str, size: u64| json!({ "schema": 1, "command": "blast", "target": target, "payload_bytes": size });
        let first = blast("192.0.2.1:8620", 1_472);
        assert_eq!(told(&first, &first), []);
        let found = told(&first, &blast("192.0.2.2:8620", 64));
        let target = ComparisonCaveat::OtherTarget {
            base_target: "192.0.2.1:8620".to_owned(),
            other_target: "192.0.2.2:8620".to_owned(),
        };
        let size =
            ComparisonCaveat::OtherSize { base_payload_bytes: 1_472, other_payload_bytes: 64 };
        assert_eq!(found, [target, size]);
        let here = |target: &str| json!({ "schema": 1, "command": "blast", "target": target, "loopback": true });
        assert_eq!(told(&here("127.0.0.1:40001"), &here("127.0.0.1:40002")), []);
        assert_eq!(told(&here("127.0.0.1:40001"), &here("127.0.0.2:40001")).len(), 1);
        let ping = |names: &[&str]| {
            let targets: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
            json!({ "schema": 1, "command": "ping", "payload_bytes": 64, "targets": targets })
        };
        assert_eq!(told(&ping(&["a", "b"]), &ping(&["a", "b"])), []);
        assert_eq!(told(&ping(&["a"]), &ping(&["b"])).len(), 1);
        // Of several, each is compared with the one of its name.
        assert_eq!(told(&ping(&["a", "b"]), &ping(&["a", "c"])).len(), 1);
        let cast = |group: &str, bytes: u64| {
            json!({ "schema": 1, "command": "cast send", "datagrams": 10, "bytes": bytes,
                "destinations": [{ "destination": group }] })
        };
        assert_eq!(told(&cast("239.0.0.1:5000", 640), &cast("239.0.0.1:5000", 640)), []);
        assert_eq!(told(&cast("239.0.0.1:5000", 640), &cast("239.0.0.2:5000", 320)).len(), 2);
    }
}
