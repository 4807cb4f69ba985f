//! Golden files of `blast --sweep` and `blast --find-rate`.

use super::blast::none_lost;
use super::blast::told;
use crate::{hold, hold_as, hold_table, hold_text};
use std::net::Ipv4Addr;
use udpkit::record::{
    BlastReport, Circumstances, DelayQuantiles, DirectionReport, FindRateReport, Findings,
    FoundBound, Goal, LossShare, Losses, RateGoal, RateVerdict, RunEnd, SearchEnd, SeriesCaveat,
    SeriesEnd, SeriesMode, SweepReport, Traffic, TrialPurpose, TrialReport,
};
use udpkit::report::words::blast::{SeriesHeading, SeriesKind};
use udpkit::report::{TRIAL_COLUMNS, event_line, find_rate_text, sweep_text};
use udpkit::units::{BitRate, Nanos, Rate};

/// Capacity of the path in payload bit/s.
const CAPACITY: u64 = 12_000_000_000;

/// A run of one second at `rate`; no more than the capacity arrives.
fn run(rate: u64) -> BlastReport {
    let datagrams = |rate: u64| rate / (1_472 * 8);
    let traffic = |rate: u64| {
        Some(Traffic {
            datagrams: datagrams(rate),
            bytes: rate / 8,
            bits_per_second: Some(rate),
            datagrams_per_second: Some(datagrams(rate)),
            ..Traffic::default()
        })
    };
    let through = rate.min(CAPACITY);
    let lost = datagrams(rate) - datagrams(through);
    let mut main = DirectionReport {
        offered: traffic(rate),
        sent: traffic(rate),
        never_sent: Some(0),
        sender_limited: Some(false),
        streams_begun: Some(1),
        counts_final: true,
        received: traffic(through),
        delivered: Some(datagrams(through)),
        lost: Some(Losses { total: lost, path: lost, path_at_most: lost, ..none_lost() }),
        delay_above_min_ns: DelayQuantiles {
            p50: Some(84_000 + rate / 1_000),
            p99: Some(1_240_000 + rate / 100),
            ..DelayQuantiles::default()
        },
        ..DirectionReport::default()
    };
    main.conclude(Circumstances {
        goal: Goal::Paced,
        end: RunEnd::Whole,
        count: 0,
        payload: 1_472,
        streams: 1,
        fragments: 1,
        one_host: false,
    });
    let goal = Rate::Bits(BitRate(rate));
    BlastReport { goal, streams: 1, payload_bytes: 1_472, main, ..BlastReport::default() }
}

/// A run whose sender reached only half of the rate.
fn held_back(rate: u64) -> BlastReport {
    let mut held = run(rate);
    let half = run(rate / 2).main;
    let offered = held.main.offered.map_or(0, |offered| offered.datagrams);
    let sent = half.sent.map_or(0, |sent| sent.datagrams);
    (held.main.sent, held.main.received) = (half.sent, half.received);
    (held.main.delivered, held.main.lost) = (half.delivered, half.lost);
    (held.main.sender_limited, held.main.never_sent) = (Some(true), Some(offered - sent));
    held
}

/// A run whose receiver's socket dropped what was lost.
fn overflowed(rate: u64) -> BlastReport {
    let mut over = run(rate);
    let total = over.main.lost.map_or(0, |lost| lost.total);
    over.main.lost = Some(Losses { total, receiver_socket: Some(total), ..none_lost() });
    over
}

/// A run through a relay that cuts every datagram.
fn cut(rate: u64) -> BlastReport {
    let mut cut = run(rate);
    let sent = cut.main.sent.map_or(0, |sent| sent.datagrams);
    (cut.main.received, cut.main.delivered) = (Some(Traffic::default()), Some(0));
    (cut.main.cut, cut.main.cut_to_bytes) = (Some(sent), Some(1_200));
    cut.main.altered = Some(0);
    cut
}

/// A run without final counts.
fn unknown(rate: u64) -> BlastReport {
    let mut killed = run(rate);
    killed.main.counts_final = false;
    (killed.main.received, killed.main.delay_above_min_ns) = (None, DelayQuantiles::default());
    killed
}

fn heading(kind: SeriesKind, own_server: bool) -> SeriesHeading {
    let target = if own_server { "127.0.0.1:40123" } else { "192.0.2.10:8620" };
    let target = target.parse().expect("an address");
    SeriesHeading { target, own_server, payload_bytes: 1_472, kind, time: Nanos::from_secs(1) }
}

#[track_caller]
fn hold_search(
    name: &str,
    trials: Vec<TrialReport>,
    ends: &[(SearchEnd, Option<u64>)],
    interrupted: bool,
) {
    let loopback = interrupted;
    let end = ends[0].0;
    let mut findings = Findings::new(end.verdict());
    let target = if loopback { Ipv4Addr::LOCALHOST } else { Ipv4Addr::new(192, 0, 2, 10) };
    let ended = match end.bound {
        _ if interrupted => SeriesEnd::Interrupted,
        Some(_) => SeriesEnd::Complete,
        None => SeriesEnd::BrokenOff,
    };
    findings.caveats = SeriesCaveat::of(target.into(), ended);
    let report = FindRateReport {
        mode: SeriesMode::FindRate,
        target: "192.0.2.10:8620".to_owned(),
        loopback,
        payload_bytes: end.payload,
        loss_allowed_ppb: end.allowed,
        found_bits_per_second: end.rate,
        found_datagrams_per_second: end.datagrams_per_second(),
        bound: end.bound,
        findings,
        goals: ends.iter().map(|(end, failed)| RateGoal::new(end, *failed, &trials)).collect(),
        trials,
        complete: end.bound.is_some(),
        interrupted,
    };
    let losses_allowed_ppb = ends.iter().map(|(end, _)| end.allowed).collect();
    let heading = heading(SeriesKind::FindRate { losses_allowed_ppb }, interrupted);
    hold(name, "blast", &report, |page| find_rate_text(&heading, end.lowest, &report, page));
}

const END: SearchEnd = SearchEnd {
    rate: Some(11_900_000_000),
    bound: Some(FoundBound::Network),
    lowest: 1_000_000,
    payload: 1_472,
    allowed: 0,
};

#[test]
fn a_search_from_a_megabit_to_the_capacity_of_the_path() {
    let trial = |run: &BlastReport| TrialReport::new(run, Some(0), TrialPurpose::Step);
    let mut trials: Vec<_> = [1u64, 4, 16, 64, 256, 1_024, 4_096, 16_384, 16_384, 10_240]
        .map(|megabits| trial(&run(megabits * 1_000_000)))
        .to_vec();
    trials.push(trial(&held_back(13_312_000_000)));
    trials.push(trial(&overflowed(13_312_000_000)));
    trials.push(TrialReport::new(&run(12_100_000_000), Some(0), TrialPurpose::Verification));
    trials.push(TrialReport::new(&run(11_900_000_000), Some(0), TrialPurpose::Verification));
    hold_search("find_rate.found", trials, &[(END, Some(12_100_000_000))], false);
}

#[test]
fn a_search_that_was_broken_off() {
    let trials = [
        TrialReport::new(&cut(1_000_000), Some(1_000_000), TrialPurpose::Step),
        TrialReport::new(&run(1_000_000), Some(1_000_000), TrialPurpose::Step),
        TrialReport::new(&unknown(4_000_000), Some(1_000_000), TrialPurpose::Step),
    ];
    let end = SearchEnd { rate: Some(1_000_000), bound: None, allowed: 1_000_000, ..END };
    hold_search("find_rate.so_far", trials.to_vec(), &[(end, None)], true);
}

#[test]
fn a_search_for_several_losses_shows_the_bounds_of_each() {
    let trial = |megabits: u64, allowed: LossShare, purpose| {
        TrialReport::new(&run(megabits * 1_000_000), Some(allowed), purpose)
    };
    let (step, longer) = (TrialPurpose::Step, TrialPurpose::Verification);
    let trials = vec![
        trial(4_096, 0, step),
        trial(16_384, 0, step),
        trial(16_384, 0, step),
        trial(12_100, 0, step),
        trial(12_100, 0, step),
        trial(12_000, 0, longer),
        trial(12_100, 10_000_000, longer),
        trial(12_200, 10_000_000, step),
        trial(12_200, 10_000_000, step),
    ];
    let looser = SearchEnd { rate: Some(12_100_000_000), allowed: 10_000_000, ..END };
    let half = SearchEnd { bound: None, allowed: 500_000_000, ..looser };
    let ends = [
        (SearchEnd { rate: Some(12_000_000_000), ..END }, Some(12_100_000_000)),
        (looser, Some(12_200_000_000)),
        (half, None),
    ];
    hold_search("find_rate.several", trials, &ends, false);
}

#[test]
fn a_sweep_shows_the_sender_going_on_while_loss_climbs() {
    let sweep = "2G..20G/10".parse().expect("a sweep");
    let heading = heading(SeriesKind::Sweep(sweep), false);
    let mut trials: Vec<_> = (1..=9u64)
        .map(|step| TrialReport::new(&run(step * 2_000_000_000), None, TrialPurpose::Step))
        .collect();
    trials.push(TrialReport::new(&held_back(20_000_000_000), None, TrialPurpose::Step));
    let report = SweepReport {
        mode: SeriesMode::Sweep,
        target: "192.0.2.10:8620".to_owned(),
        loopback: false,
        payload_bytes: 1_472,
        trials,
        complete: false,
        interrupted: false,
        caveats: SeriesCaveat::of(Ipv4Addr::new(192, 0, 2, 10).into(), SeriesEnd::BrokenOff),
    };
    hold("sweep", "blast", &report, |page| sweep_text(&heading, 2_000_000_000, &report, page));
    hold_table("sweep.table", TRIAL_COLUMNS, &report.trials);
    let lines = report.trials[5..7].iter().map(|trial| event_line("trial", "blast", trial));
    hold_as("sweep.events", &lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_end_of_a_search_and_every_caution_of_a_series() {
    let nothing = SearchEnd { rate: None, ..END };
    let loss = SearchEnd { allowed: 1_000_000, ..END };
    let ends = [
        END,
        SearchEnd { bound: Some(FoundBound::Host), ..loss },
        SearchEnd { bound: Some(FoundBound::Ceiling), ..END },
        SearchEnd { bound: None, ..loss },
        nothing,
        SearchEnd { rate: None, ..loss },
        SearchEnd { bound: Some(FoundBound::Host), ..nothing },
        SearchEnd { bound: Some(FoundBound::ChangedContent), ..END },
        SearchEnd { bound: Some(FoundBound::ChangedContent), ..nothing },
        SearchEnd { bound: Some(FoundBound::ChangedContent), allowed: 1_000_000, ..nothing },
        SearchEnd { bound: None, ..nothing },
    ];
    let verdicts: Vec<RateVerdict> = ends.iter().map(SearchEnd::verdict).collect();
    let caveats = [SeriesCaveat::Loopback, SeriesCaveat::Interrupted, SeriesCaveat::BrokenOff];
    let all = [told("verdicts", &verdicts), told("\ncautions", &caveats)];
    hold_text("trials.verdicts", 80, &all.concat());
}
