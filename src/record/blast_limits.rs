//! Checks the user's limits against a throughput run.

use super::{ArrivalGaps, BlastReport, DirectionReport, LimitReport, hold_against};
use crate::units::{Limit, Measured, Metric};

/// Holds every limit against each direction of a run.
pub fn hold(limits: &[Limit], run: &BlastReport) -> Vec<LimitReport> {
    let ways = [Some(&run.main), run.reverse.as_ref()];
    let hold_one = |limit: &Limit, way: &DirectionReport| {
        hold_against(limit, way.direction, |metric| measured(way, metric))
    };
    limits
        .iter()
        .flat_map(|limit| ways.into_iter().flatten().map(move |way| hold_one(limit, way)))
        .collect()
}

/// The measurement of a metric in one direction of a run; `None` if it is missing.
pub fn measured(way: &DirectionReport, metric: Metric) -> Option<Measured> {
    // Only the sender knows what was never sent; no remote report is needed.
    if metric == Metric::NeverSent {
        return way.never_sent.map(Measured::Count);
    }
    // A receiver's interim counts are not final measurements.
    if !way.counts_final {
        return None;
    }
    let delay = &way.delay_above_min_ns;
    match metric {
        Metric::Loss => {
            let lost = way.lost?.total;
            way.delivered?;
            let told = way.accounted(lost);
            // The same share as in the report: of the datagrams the receiver reported on.
            let of = way.sent.map_or(told, |sent| sent.datagrams.min(told));
            Some(Measured::Share { part: lost, of })
        }
        Metric::Rate => delivered_rate(way),
        Metric::P50 => delay.p50.map(Measured::Span),
        Metric::P90 => delay.p90.map(Measured::Span),
        Metric::P99 => delay.p99.map(Measured::Span),
        Metric::P999 => delay.p999.map(Measured::Span),
        Metric::Max => delay.max.map(Measured::Span),
        Metric::Jitter => way.jitter_ns.map(Measured::Span),
        Metric::Duplicates => way.duplicates.map(Measured::Count),
        Metric::Reordered => way.reordered.map(Measured::Count),
        Metric::Burst => Some(Measured::Count(way.lost?.longest_burst?)),
        Metric::Outage => way.arrival_gaps.as_ref().map(ArrivalGaps::measured),
        Metric::NeverSent => way.never_sent.map(Measured::Count),
        Metric::Cut => way.cut.map(Measured::Count),
        Metric::Altered => way.altered.map(Measured::Count),
    }
}

/// Delivered rate: what arrived, without copies, over the time in which it was sent or arrived,
/// whichever is longer.
fn delivered_rate(way: &DirectionReport) -> Option<Measured> {
    let received = way.received?;
    Some(Measured::Rate {
        bits: received.bits_per_second?,
        packets: received.datagrams_per_second?.saturating_mul(1000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{LimitUnit, LimitValue, Losses, Traffic};

    fn way() -> DirectionReport {
        let received = Traffic {
            datagrams: 1000,
            bits_per_second: Some(900_000),
            datagrams_per_second: Some(450),
            ..Traffic::default()
        };
        DirectionReport {
            received: Some(received),
            delivered: Some(900),
            counts_final: true,
            never_sent: Some(3),
            lost: Some(Losses { total: 100, longest_burst: Some(7), ..Losses::default() }),
            ..DirectionReport::default()
        }
    }

    #[test]
    fn copies_are_no_delivered_rate() {
        let rate = measured(&way(), Metric::Rate);
        assert_eq!(rate, Some(Measured::Rate { bits: 900_000, packets: 450_000 }));
        let loss = measured(&way(), Metric::Loss);
        assert_eq!(loss, Some(Measured::Share { part: 100, of: 1000 }));
    }

    #[test]
    fn a_direction_that_told_nothing_knows_no_figure() {
        for (name, metric) in Metric::ALL {
            assert_eq!(measured(&DirectionReport::default(), metric), None, "{name}");
        }
    }

    #[test]
    fn the_latest_word_of_a_receiver_that_was_killed_is_no_figure_of_the_run() {
        let killed = DirectionReport { counts_final: false, ..way() };
        for (name, metric) in Metric::ALL {
            let own = (metric == Metric::NeverSent).then_some(Measured::Count(3));
            assert_eq!(measured(&killed, metric), own, "{name}");
        }
        let limit: Limit = "loss>0.1%".parse().unwrap();
        let run = BlastReport { main: killed, ..BlastReport::default() };
        let told = &hold(&[limit], &run)[0];
        assert_eq!((told.value, told.held), (None, false));
    }

    #[test]
    fn both_directions_are_held_and_the_unknown_is_broken() {
        let limits = ["loss>=10%", "p99>1ms", "burst>7", "rate<400pps"]
            .map(|text| text.parse::<Limit>().unwrap());
        let run = BlastReport { main: way(), reverse: Some(way()), ..BlastReport::default() };
        let reports = hold(&limits, &run);
        let told: Vec<_> = reports.iter().map(|r| (r.value, r.unit, r.held)).collect();
        let twice = [
            (Some(LimitValue::Percent(10.0)), LimitUnit::Percent, false),
            (None, LimitUnit::Ns, false),
            (Some(LimitValue::Whole(7)), LimitUnit::Datagrams, true),
            (Some(LimitValue::Whole(450)), LimitUnit::DatagramsPerSecond, true),
        ];
        let expected: Vec<_> = twice.into_iter().flat_map(|row| [row, row]).collect();
        assert_eq!(told, expected);
    }
}
