//! The delays of a target as a table, in one unit.

use crate::record::{Percentile, PingDelay, PingTargetReport};

/// Width of the longest figure that leaves a space between columns.
const WIDEST: usize = 7;

/// The unit of a block of delays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DelayUnit {
    nanos: f64,
    name: &'static str,
    decimals: usize,
}

impl DelayUnit {
    /// Microseconds if the median (or the minimum) is below a millisecond and the maximum fits its
    /// column; otherwise milliseconds.
    pub fn for_delay(delay: &PingDelay) -> Self {
        let typical = delay.p50.or(delay.min).unwrap_or(u64::MAX);
        match (typical, delay.max.unwrap_or(0)) {
            (..1_000_000, ..100_000_000) => Self { nanos: 1e3, name: "µs", decimals: 1 },
            (..1_000_000, _) => Self { nanos: 1e6, name: "ms", decimals: 3 },
            _ => Self { nanos: 1e6, name: "ms", decimals: 2 },
        }
    }

    pub fn name(self) -> &'static str {
        self.name
    }

    /// A delay without its unit; `-` if unknown.
    pub fn figure(self, nanos: Option<u64>) -> String {
        nanos.map_or_else(
            || "-".to_owned(),
            |nanos| {
                let figure = format!("{:.*}", self.decimals, nanos as f64 / self.nanos);
                match figure.len() {
                    ..=WIDEST => figure,
                    // Without decimals it fits its column.
                    _ => format!("{:.0}", nanos as f64 / self.nanos),
                }
            },
        )
    }
}

/// The percentiles of a delay; `lost` for one that falls among lost probes.
pub(super) fn percentiles(delay: &PingDelay, unit: DelayUnit) -> [String; 4] {
    let values = [delay.p50, delay.p90, delay.p99, delay.p999];
    let mut among_lost = false;
    std::array::from_fn(|index| {
        among_lost |= delay.lost_from == Some(Percentile::ALL[index]);
        match values[index] {
            // A percentile beyond a lost one may still have too few samples to be known.
            None if among_lost && index_is_told(delay, index) => "lost".to_owned(),
            value => unit.figure(value),
        }
    })
}

/// Whether at least ten probes lie beyond a percentile; the median needs none.
fn index_is_told(delay: &PingDelay, index: usize) -> bool {
    let all = delay.samples + delay.lost.unwrap_or(0);
    [true, all >= 100, all >= 1_000, all >= 10_000][index]
}

/// Whether probes had a planned send time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    Yes,
    /// In `--flood`, each probe is sent when the last one came back.
    No,
}

/// The table: a head, and a line per delay that was measured; without any, no head.
pub(super) fn table(report: &PingTargetReport, plan: Planned) -> Vec<String> {
    let unit = DelayUnit::for_delay(&report.round_trip_ns);
    let head = format!(
        "  {:<10}{:>7}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}",
        unit.name(),
        "min",
        "mean",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "stddev"
    );
    let mut lines = Vec::new();
    let none = PingDelay::default();
    let (planned, late) = match plan {
        Planned::Yes => (&report.as_planned_ns, &report.send_late_ns),
        Planned::No => (&none, &none),
    };
    let round_trip = &report.round_trip_ns;
    if round_trip.samples > 0 || round_trip.lost > Some(0) {
        lines.push(line("round trip", round_trip, unit));
    }
    for (name, delay) in [
        ("queue out", &report.out_above_min_ns),
        ("queue back", &report.back_above_min_ns),
        ("server", &report.server_ns),
        ("departure", &report.departure_ns),
        ("as planned", planned),
        ("late", late),
    ] {
        if delay.samples > 0 {
            lines.push(line(name, delay, unit));
        }
    }
    if !lines.is_empty() {
        lines.insert(0, head);
    }
    lines.extend(variation(report, unit));
    lines.extend(legend(report, plan).into_iter().map(str::to_owned));
    lines
}

fn line(name: &str, delay: &PingDelay, unit: DelayUnit) -> String {
    let [p50, p90, p99, p999] = percentiles(delay, unit);
    let [min, mean, max, deviation] =
        [delay.min, delay.mean, delay.max, delay.stddev].map(|nanos| unit.figure(nanos));
    format!("  {name:<10}{min:>7}{mean:>8}{p50:>8}{p90:>8}{p99:>8}{p999:>8}{max:>8}{deviation:>8}")
}

/// IPDV (RFC 3393), mean and maximum.
fn variation(report: &PingTargetReport, unit: DelayUnit) -> Option<String> {
    let told: Vec<String> = [
        ("round trip", &report.round_trip_ns),
        ("out", &report.out_above_min_ns),
        ("back", &report.back_above_min_ns),
    ]
    .into_iter()
    .filter(|(_, delay)| delay.ipdv_mean.is_some())
    .map(|(name, delay)| {
        let [mean, max] = [delay.ipdv_mean, delay.ipdv_max].map(|nanos| unit.figure(nanos));
        format!("{name} {mean}/{max}")
    })
    .collect();
    (!told.is_empty()).then(|| format!("  ipdv mean/max  {}", told.join("   ")))
}

/// Explanations of the rows, as far as their names need one.
fn legend(report: &PingTargetReport, plan: Planned) -> Vec<&'static str> {
    let mut lines = Vec::new();
    match (report.out_above_min_ns.samples, report.back) {
        (1.., _) => {
            lines
                .push("  queue: delay above the minimum each way, no clock synchronisation needed");
        }
        (0, 1..) => lines.push("  the target reports no timestamps: no one-way delays"),
        (0, 0) => {}
    }
    if report.departure_ns.samples > 0 {
        lines.push("  departure: when a reply left, after its timestamp");
    }
    if plan == Planned::Yes && report.as_planned_ns.samples > 0 {
        lines.push("  as planned: round trips from the planned send time; late: sends behind it");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay() -> PingDelay {
        PingDelay {
            min: Some(11_930_000),
            p50: Some(19_200_000),
            p90: Some(27_410_000),
            p99: Some(44_020_000),
            max: Some(80_490_000),
            mean: Some(20_020_000),
            stddev: Some(1_300_000),
            samples: 9_988,
            lost: Some(12),
            lost_from: Some(Percentile::P999),
            ..PingDelay::default()
        }
    }

    #[test]
    fn a_percentile_among_the_lost_says_so_and_one_of_too_few_is_a_dash() {
        let unit = DelayUnit::for_delay(&delay());
        let all = "  round trip  11.93   20.02   19.20   27.41   44.02    lost   80.49    1.30";
        assert_eq!(line("round trip", &delay(), unit), all);
        let few = PingDelay { lost_from: None, p99: None, samples: 99, lost: Some(2), ..delay() };
        let text = "  round trip  11.93   20.02   19.20   27.41       -       -   80.49    1.30";
        assert_eq!(line("round trip", &few, unit), text);
        // So many are lost that even the median is; for the last percentile there are too few.
        let none = PingDelay {
            lost: Some(1_000),
            lost_from: Some(Percentile::P50),
            ..PingDelay::default()
        };
        assert_eq!(percentiles(&none, unit), ["lost", "lost", "lost", "-"]);
    }

    #[test]
    fn a_short_round_trip_is_in_microseconds() {
        let delay = PingDelay { min: Some(11_600), samples: 1, ..PingDelay::default() };
        let unit = DelayUnit::for_delay(&delay);
        assert_eq!((unit.name(), unit.figure(delay.min)), ("µs", "11.6".to_owned()));
        let spread = PingDelay { max: Some(388_497_400), ..delay };
        let unit = DelayUnit::for_delay(&spread);
        assert_eq!((unit.name(), unit.figure(spread.min)), ("ms", "0.012".to_owned()));
        assert_eq!(unit.figure(spread.max), "388.497");
        assert_eq!(unit.figure(Some(12_345_678_900)), "12346");
    }
}
