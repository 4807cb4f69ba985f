//! Checks over paths with random loss and duplication: no false findings, and real faults are
//! found.

use super::tests::{Path, TTLS, outcome_of, run, verdict_on};
use crate::netsim::runs;
use crate::record::{CastCheck, CheckOutcome, CheckSubject, CheckVerdict, HeldFlow};
use crate::units::Nanos;

const SHARES: [f64; 6] = [0.0, 0.01, 0.05, 0.1, 0.3, 0.5];

/// Runs of each kind in the regular test suite.
const RUNS: u64 = 24;

/// Runs `act` with every loss rate, out, back and both ways, each with every seed.
fn each(mut act: impl FnMut(&str, Path)) {
    for share in SHARES {
        for loss in [[share, 0.0], [0.0, share], [share; 2]] {
            for seed in 0..runs(RUNS) {
                let name = format!("loss {loss:?}, seed {seed}");
                act(&name, Path { loss, seed, ..Path::clean(1) });
            }
        }
    }
}

/// The broken parts found; route and interfaces do not exist in a simulation.
fn broken(check: &CastCheck) -> Vec<CheckSubject> {
    let broken = check.findings.iter().filter(|one| one.outcome == CheckOutcome::Broken);
    broken.map(|one| one.subject).filter(|subject| *subject != CheckSubject::Route).collect()
}

#[test]
fn a_path_that_loses_at_random_is_never_called_broken() {
    each(|name, path| {
        for copies in 1..=3 {
            // A single TTL has the fewest probes to the group.
            for ttls in [&TTLS[..], &[2]] {
                let check = run(&Path { copies, ..path }, None, ttls);
                assert_eq!(broken(&check), [], "{name}: {:#?}", check.findings);
                let far = check.far.as_ref().unwrap();
                assert!(far.group_back <= far.group_sent, "{name}: {far:?}");
                assert!(far.unicast_back <= far.unicast_sent, "{name}: {far:?}");
                assert!(far.heard <= far.asked, "{name}: {far:?}");
                assert!(check.interfaces[0].looped == check.interfaces[0].sent, "{name}");
            }
        }
    });
}

#[test]
fn a_membership_that_lasts_is_never_said_to_end_on_a_path_that_loses() {
    let hold = Some(Nanos::from_secs(120));
    for share in SHARES {
        for seed in 0..runs(RUNS).div_ceil(4) {
            let path = Path { loss: [share, 0.0], seed, ..Path::clean(1) };
            let check = run(&path, hold, &[2]);
            assert_eq!(broken(&check), [], "loss {share}, seed {seed}: {:#?}", check.findings);
            let is_end = |verdict: &CheckVerdict| {
                matches!(
                    verdict,
                    CheckVerdict::Ended { what: HeldFlow::FarEnd, .. }
                        | CheckVerdict::EndedWithMembership { what: HeldFlow::FarEnd, .. }
                )
            };
            let ended = check.findings.iter().any(|one| is_end(&one.found.verdict));
            assert!(!ended, "loss {share}, seed {seed}: {:#?}", check.findings);
        }
    }
}

#[test]
fn a_group_that_is_blocked_is_found_beside_the_losses_of_its_path() {
    each(|name, path| {
        let check = run(&Path { group: false, ..path }, None, &TTLS);
        let far = check.far.as_ref().unwrap();
        assert_eq!((far.group_back, far.heard), (0, 0), "{name}");
        let few = path.loss.iter().all(|share| *share <= 0.1);
        if few {
            for subject in [CheckSubject::ToFarEnd, CheckSubject::FromFarEnd] {
                assert_eq!(outcome_of(&check, subject), CheckOutcome::Broken, "{name}: {far:?}");
            }
        }
    });
}

#[test]
fn a_ttl_that_is_too_small_is_found_beside_the_losses_of_its_path() {
    each(|name, path| {
        if path.loss.iter().all(|share| *share <= 0.1) {
            let check = run(&Path { hops: 2, ..path }, None, &[0, 1, 2]);
            let small = CheckVerdict::TtlTooSmall { routers: 2, ttl_max: 2 };
            assert_eq!(*verdict_on(&check, CheckSubject::ToFarEnd), small, "{name}: {check:#?}");
        }
    });
}

#[test]
fn a_membership_that_ends_is_found_beside_the_losses_of_its_path() {
    let hold = Some(Nanos::from_secs(300));
    let forgotten = Some(Nanos::from_secs(260));
    for share in [0.0, 0.05, 0.1] {
        for seed in 0..runs(RUNS).div_ceil(6) {
            let path = Path { loss: [share; 2], seed, forgotten, ..Path::clean(1) };
            let check = run(&path, hold, &TTLS);
            let found = outcome_of(&check, CheckSubject::Hold);
            assert_eq!(found, CheckOutcome::Broken, "loss {share}, seed {seed}: {check:#?}");
        }
    }
}
