//! Verdicts with simulated timers over the whole range, in virtual time.

use super::TimeoutPlan;
use super::simulated::{OtherPort, Rules, plan, probed};
use crate::netsim::runs;
use crate::record::probe::{
    IdleLimit, IdleTimer, IdleTimerReport, IdleUnknown, NoAgent, ProbeCaveat, RefreshUnknown,
    TimeoutCaveat, TimeoutEvent, TimeoutReport, TimeoutUnknown, TimeoutVerdict,
};
use crate::units::Nanos;

#[track_caller]
fn held(timer: &IdleTimerReport, rule: Nanos, report: &TimeoutReport) {
    limited(timer, rule, report);
    if rule == Nanos::MAX {
        assert_eq!((timer.closed_ns, timer.monotonic), (None, None));
    } else {
        assert_eq!(timer.monotonic, Some(true), "{timer:#?}");
    }
}

/// The limit is on either side of the rule.
fn limited(timer: &IdleTimerReport, rule: Nanos, report: &TimeoutReport) {
    let open = timer.open_ns.unwrap_or(0);
    let is_right = match timer.closed_ns {
        Some(closed) => open < rule.0 && rule.0 <= closed,
        None => rule.0 > open,
    };
    assert!(is_right, "{rule}: {timer:#?}\n{:#?}", report.findings);
}

#[test]
fn both_timers_are_found_over_the_whole_range() {
    for (first, established) in [
        (2, 20),
        (7, 7),
        (12, 31),
        (30, 120),
        (31, 119),
        (60, 300),
        (100, 121),
        (170, 180),
        (239, 241),
        (30, 600),
    ] {
        let (first, established) = (Nanos::from_secs(first), Nanos::from_secs(established));
        let rules = Rules { first, established, ..Rules::default() };
        let (report, _, took) = probed(rules, plan());
        held(&report.timers[0], first, &report);
        let beyond = established > Nanos::from_secs(300);
        let rule = if beyond { Nanos::MAX } else { established };
        held(&report.timers[1], rule, &report);
        assert!(report.not_known.is_empty(), "{:?}", report.not_known);
        // One pass, and a refinement of what ends soon alongside it.
        let refined = if beyond { Nanos::ZERO } else { established + Nanos::from_secs(70) };
        let most = Nanos::from_secs(312) + refined;
        assert!(took < most, "{took} for {first} and {established}");
    }
}

#[test]
fn a_socket_is_proven_by_another_port_or_by_its_own_path_which_is_said() {
    for (other_port, is_said) in [
        (OtherPort::Open, false),
        (OtherPort::None, true),
        (OtherPort::Blocked, true),
        (OtherPort::Translated, true),
    ] {
        let (first, established) = (Nanos::from_secs(7), Nanos::from_secs(20));
        let rules = Rules { first, established, other_port, ..Rules::default() };
        let (report, _, took) = probed(rules, plan());
        held(&report.timers[0], first, &report);
        held(&report.timers[1], established, &report);
        assert!(report.not_known.is_empty(), "{:?}", report.not_known);
        let caveats = &report.findings.caveats;
        assert_eq!(caveats.contains(&TimeoutCaveat::ProvenByOwnPath), is_said);
        assert!(took < Nanos::from_secs(320), "{took} {other_port:?}");
    }
}

#[test]
fn one_pass_of_thirty_seconds_takes_little_more_than_twice_that() {
    let plan =
        TimeoutPlan { candidates: [10, 20, 28, 32].map(Nanos::from_secs).to_vec(), ..plan() };
    let thirty = Nanos::from_secs(30);
    let rules = Rules { first: thirty, established: thirty, ..Rules::default() };
    let (report, events, took) = probed(rules, plan);
    let expected = (Some(29_500_000_000), Some(30_000_000_000));
    for timer in &report.timers {
        assert_eq!((timer.open_ns, timer.closed_ns), expected);
    }
    assert!(took < Nanos::from_secs(75), "{took}");
    assert_eq!(report.keep_alive_ns, Some(23_000_000_000));
    let limit = IdleLimit { open_ns: expected.0, closed_ns: expected.1 };
    let verdict = TimeoutVerdict::KeepAlive {
        every_ns: 23_000_000_000,
        one_datagram: limit,
        established: limit,
    };
    assert_eq!(report.findings.verdict, verdict);
    assert_eq!(events[0], TimeoutEvent::Begun { sockets: 8, longest_ns: 32_000_000_000 });
    let refining = events.iter().filter(|event| matches!(event, TimeoutEvent::Refining { .. }));
    assert_eq!(refining.count(), 2);
    let decided = events.iter().filter(|event| matches!(event, TimeoutEvent::Decided { .. }));
    assert_eq!(decided.count(), 8 + 14);
}

#[test]
fn loss_is_not_taken_for_a_closed_path() {
    let mut told = 0;
    for seed in 0..20 {
        let (first, established) = (Nanos::from_secs(30), Nanos::from_secs(120));
        let rules = Rules { first, established, loss: [0.08; 2], seed, ..Rules::default() };
        let (report, ..) = probed(rules, TimeoutPlan { tries: 8, ..plan() });
        // What chance can explain stays undecided, and is reported as such.
        if !report.not_known.is_empty() {
            let by_chance = |what: &TimeoutUnknown| {
                let TimeoutUnknown::Silences { reason, .. } = what else { return false };
                matches!(reason, IdleUnknown::LossyPath { .. })
            };
            let said = report.not_known.iter().all(by_chance);
            assert!(said, "seed {seed}: {:?}", report.not_known);
            continue;
        }
        told += 1;
        for (timer, rule) in report.timers.iter().zip([first, established]) {
            // The request may have been sent twice, which shortens one idle time: a longer one may
            // be survived.
            limited(timer, rule, &report);
        }
    }
    assert!(told >= 15, "{told} of 20 runs told both timers");
}

#[test]
fn a_path_without_state_is_open_after_the_longest_silence() {
    let plan = TimeoutPlan { who_refreshes: true, ..plan() };
    let (report, _, took) = probed(Rules::default(), plan);
    for timer in &report.timers {
        assert_eq!((timer.open_ns, timer.closed_ns), (Some(300_000_000_000), None));
    }
    assert_eq!(report.keep_alive_ns, Some(240_000_000_000));
    assert!(took < Nanos::from_secs(310), "{took}");
    assert_eq!(report.inbound_refreshes, None);
    let reason = RefreshUnknown::NeverClosed;
    assert_eq!(report.not_known, [TimeoutUnknown::InboundRefresh { reason }]);
}

#[test]
fn who_refreshes_is_told_either_way() {
    for inbound_refreshes in [true, false] {
        for established in [9, 30, 120, 290] {
            let established = Nanos::from_secs(established);
            let rules = Rules { established, inbound_refreshes, ..Rules::default() };
            let plan = TimeoutPlan { who_refreshes: true, ..plan() };
            let (report, ..) = probed(rules, plan);
            assert_eq!(report.inbound_refreshes, Some(inbound_refreshes), "{established}");
        }
    }
}

#[test]
fn a_silence_that_is_survived_beyond_one_that_is_not_is_said() {
    let hole = Some(Nanos::from_secs(25)..Nanos::from_secs(50));
    let (report, ..) = probed(Rules { hole, ..Rules::default() }, plan());
    for timer in &report.timers {
        assert_eq!(timer.monotonic, Some(false), "{timer:#?}");
        assert_eq!(timer.closed_ns, Some(25_000_000_000), "{timer:#?}");
    }
    let caveats = [IdleTimer::OneDatagram, IdleTimer::Established]
        .map(|timer| TimeoutCaveat::NotMonotonic { timer });
    assert_eq!(report.findings.caveats[..2], caveats);
}

#[test]
fn a_timer_shorter_than_the_shortest_silence_is_found_below_it() {
    let three = Nanos::from_secs(3);
    let rules = Rules { first: three, established: Nanos(three.0 * 2), ..Rules::default() };
    let (report, ..) = probed(rules, plan());
    held(&report.timers[0], three, &report);
    assert!(report.timers[0].open_ns.is_some());
}

#[test]
fn without_an_agent_nothing_is_known_and_that_is_said() {
    let (report, events, took) = probed(Rules { agent: false, ..Rules::default() }, plan());
    assert!(report.keep_alive_ns.is_none() && events.is_empty());
    let Some(why @ NoAgent::NoReply { target, .. }) = &report.no_agent else {
        panic!("{report:?}")
    };
    assert_eq!(*target, report.target);
    assert_eq!(report.findings.verdict, TimeoutVerdict::NoAgent { reason: why.clone() });
    assert!(took < Nanos::from_secs(6), "{took}");
}

/// Each loss rate, in both directions and in one at a time.
fn losses() -> impl Iterator<Item = [f64; 2]> {
    let shares = [0.0, 0.01, 0.05, 0.1, 0.3, 0.5];
    shares.into_iter().flat_map(|share| [[share; 2], [share, 0.0], [0.0, share]])
}

#[test]
fn random_loss_closes_no_path_and_a_closed_one_is_found_through_a_tenth_of_it() {
    let candidates = || [1, 2, 4, 8].map(Nanos::from_secs).to_vec();
    for loss in losses() {
        for seed in 0..runs(2) {
            let plan = || TimeoutPlan { candidates: candidates(), who_refreshes: true, ..plan() };
            let rules = Rules { loss, seed, ..Rules::default() };
            let (report, ..) = probed(rules, plan());
            for timer in &report.timers {
                assert_eq!(timer.closed_ns, None, "{loss:?} {seed}: {report:#?}");
            }
            assert_ne!(report.inbound_refreshes, Some(false));
            let three = Nanos::from_secs(3);
            let rules = Rules { first: three, established: three, loss, seed, ..Rules::default() };
            let (report, ..) = probed(rules, plan());
            let little = loss.iter().all(|share| *share <= 0.1);
            for timer in report.timers.iter().filter(|timer| little || timer.closed_ns.is_some()) {
                let closed = timer.closed_ns.unwrap_or(0);
                assert!(closed >= three.0, "{loss:?} {seed}: {report:#?}");
                assert!(timer.open_ns.is_none_or(|open| open < three.0), "{report:#?}");
            }
            assert_ne!(report.inbound_refreshes, Some(false), "{loss:?} {seed}: {report:#?}");
        }
    }
}

#[test]
fn a_longer_silence_that_is_not_known_is_no_longest_that_was_tried() {
    let rules = Rules { loss: [0.0, 0.6], seed: 3, ..Rules::default() };
    let plan = TimeoutPlan { candidates: vec![Nanos::from_secs(1)], tries: 1, ..plan() };
    let (report, ..) = probed(rules, plan);
    for trial in report.timers.iter().flat_map(|timer| &timer.trials) {
        assert!(trial.sent.is_none_or(|sent| trial.answers <= sent), "{report:#?}");
    }
}

#[test]
fn copies_are_no_answers_and_open_or_close_nothing() {
    let candidates = || [1, 2, 4].map(Nanos::from_secs).to_vec();
    for copies in [[2, 1], [1, 2], [2, 2], [3, 3]] {
        for loss in [[0.0; 2], [0.1, 0.0], [0.0, 0.1]] {
            for seed in 0..runs(2) {
                let three = Nanos::from_secs(3);
                let timers = [Nanos::MAX, three];
                for timer in timers {
                    let rules = Rules {
                        first: timer,
                        established: timer,
                        loss,
                        copies,
                        seed,
                        ..Rules::default()
                    };
                    let plan = TimeoutPlan { candidates: candidates(), ..plan() };
                    let (report, ..) = probed(rules, plan);
                    let context = || format!("{copies:?} {loss:?} {seed}: {report:#?}");
                    assert!(report.copies > 0, "{}", context());
                    let told = TimeoutCaveat::Shared(ProbeCaveat::RepliesDuplicated {
                        copies: report.copies,
                    });
                    assert!(report.findings.caveats.contains(&told), "{}", context());
                    for found in &report.timers {
                        let closed = found.closed_ns.map_or(Nanos::MAX, Nanos);
                        assert!(closed >= timer, "{}", context());
                        assert!(
                            found.open_ns.is_none_or(|open| Nanos(open) < timer),
                            "{}",
                            context()
                        );
                        for trial in &found.trials {
                            let most = trial.sent.unwrap_or(u32::MAX);
                            assert!(trial.answers <= most, "{}", context());
                        }
                    }
                }
            }
        }
    }
}
