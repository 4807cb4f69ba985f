//! Verdicts against simulated NATs whose rules are known.

use super::simulated::{Rules, probed, probed_under};
use super::{NatPlan, NatSession, RunId};
use crate::batch::{ErrorOrigin, LocalCause, NetworkError, SendOutcome, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::netsim::{Fault, Middlebox, runs};
use crate::record::probe::{
    Dependence, Hairpin, NatAlternative, NatCaveat, NatUnknown, NatVerdict, PortChoice, ProbeCaveat,
};
use crate::session::simulation::fault_matrix::{Machine, Trial};
use crate::units::Nanos;

const ALL: [Dependence; 3] = [
    Dependence::EndpointIndependent,
    Dependence::AddressDependent,
    Dependence::AddressAndPortDependent,
];

#[test]
fn every_mapping_with_every_filtering_is_recognised_through_loss() {
    let base = fastrand::u64(..);
    for mapping in ALL {
        for filtering in ALL {
            for ports in [PortChoice::Kept, PortChoice::Sequential, PortChoice::Random] {
                let seed = base.wrapping_add(filtering as u64);
                let hairpin = filtering == Dependence::EndpointIndependent;
                let rules = Rules {
                    mapping: Some(mapping),
                    filtering,
                    ports,
                    hairpin,
                    loss: [0.1; 2],
                    seed,
                    ..Rules::default()
                };
                let report = probed(rules);
                let told = (report.nat, report.mapping, report.filtering, report.ports);
                let expected = (Some(true), Some(mapping), Some(filtering), Some(ports));
                assert_eq!(told, expected, "{rules:?}\n{report:#?}");
                if mapping == Dependence::EndpointIndependent {
                    let works = if hairpin { Hairpin::Works } else { Hairpin::Fails };
                    assert_eq!(report.hairpin, Some(works), "{rules:?}");
                }
                assert!(report.unknown.is_empty(), "{rules:?} {:?}", report.unknown);
            }
        }
    }
}

#[test]
fn without_a_nat_the_address_is_the_same_and_a_firewall_still_filters() {
    for filtering in ALL {
        let report = probed(Rules { mapping: None, filtering, ..Rules::default() });
        assert_eq!((report.nat, report.mapping, report.ports), (Some(false), None, None));
        assert_eq!(report.filtering, Some(filtering));
        assert_eq!(report.hairpin, None);
        let expected = NatVerdict::NoNat { filtering: Some(filtering) };
        assert_eq!(report.findings.verdict, expected);
    }
}

#[test]
fn a_server_with_one_address_leaves_open_what_it_cannot_tell() {
    use Dependence as D;
    let either = D::EndpointIndependentOrAddressDependent;
    for (rule, told) in [
        (D::EndpointIndependent, either),
        (D::AddressDependent, either),
        (D::AddressAndPortDependent, D::AddressAndPortDependent),
    ] {
        let rules = Rules {
            mapping: Some(rule),
            filtering: rule,
            two_addresses: false,
            ports: PortChoice::Random,
            ..Rules::default()
        };
        let report = probed(rules);
        assert_eq!((report.mapping, report.filtering), (Some(told), Some(told)), "{report:#?}");
        assert_eq!(report.unknown.len(), if told == either { 2 } else { 0 }, "{report:#?}");
    }
}

#[test]
fn a_server_with_one_port_tells_the_address_alone_and_the_rest_is_said() {
    let report = probed(Rules { two_ports: false, two_addresses: false, ..Rules::default() });
    assert_eq!((report.nat, report.ports), (Some(true), Some(PortChoice::Kept)));
    assert_eq!((report.mapping, report.filtering, report.other), (None, None, None));
    assert_eq!(report.unknown.len(), 2, "{report:#?}");
    let ports = Some(PortChoice::Kept);
    let expected = NatVerdict::Nat { ports, mapping: None, filtering: None };
    assert_eq!(report.findings.verdict, expected);
}

#[test]
fn a_path_that_dies_meanwhile_is_not_called_filtered() {
    // The first round trip takes 20 ms; the questions that depend on it are sent on its arrival.
    let report = probed(Rules { until: Nanos::from_millis(10), ..Rules::default() });
    assert_eq!((report.nat, report.filtering, report.mapping), (Some(true), None, None));
    assert!(report.unknown.contains(&NatUnknown::FilteringPathSilent), "{report:#?}");
    let report = probed(Rules { until: Nanos::from_millis(30), ..Rules::default() });
    assert_eq!(report.mapping, Some(Dependence::EndpointIndependent));
    assert_eq!(report.filtering, None, "what was lost beside it was as much");
    let lossy = |one: &NatUnknown| matches!(one, NatUnknown::FilteringLossy { .. });
    assert!(report.unknown.iter().any(lossy), "{report:#?}");
}

#[test]
fn silence_is_no_nat_and_no_lack_of_one() {
    let report = probed(Rules { loss: [1.0; 2], ..Rules::default() });
    assert_eq!((report.answered, report.nat, report.filtering), (false, None, None));
    let server = report.target;
    assert_eq!(report.findings.verdict, NatVerdict::NoServer { server });
    assert_eq!((report.sent, report.back), (0, 0));
}

/// Each loss rate, in both directions and in one at a time.
fn losses() -> impl Iterator<Item = [f64; 2]> {
    let shares = [0.0, 0.01, 0.05, 0.1, 0.3, 0.5];
    shares.into_iter().flat_map(|share| [[share; 2], [share, 0.0], [0.0, share]])
}

#[test]
fn random_loss_is_no_filter_and_no_nat() {
    let mut runs_of = 0;
    for loss in losses() {
        for seed in 0..runs(12) {
            let nat = seed % 3 == 0;
            let rules = Rules {
                mapping: nat.then_some(Dependence::EndpointIndependent),
                filtering: Dependence::EndpointIndependent,
                two_addresses: seed % 2 == 0,
                two_ports: seed % 5 != 0,
                loss,
                seed,
                ..Rules::default()
            };
            let report = probed(rules);
            let told = [None, Some(Dependence::EndpointIndependent)];
            let either = Some(Dependence::EndpointIndependentOrAddressDependent);
            assert!(
                told.contains(&report.filtering) || report.filtering == either,
                "{rules:?}\n{report:#?}"
            );
            assert!(report.nat.is_none_or(|told| told == nat), "{rules:?}\n{report:#?}");
            let accuses = |one: &NatAlternative| {
                matches!(one, NatAlternative::Firewall | NatAlternative::FirewallAtServer)
            };
            let accused = report.findings.alternatives.iter().any(accuses);
            assert!(!accused || !report.answered, "{rules:?}\n{report:#?}");
            runs_of += 1;
        }
    }
    assert!(runs_of >= 18);
}

#[test]
fn a_filter_is_found_through_a_tenth_of_loss_and_never_guessed_beyond() {
    for loss in losses() {
        for seed in 0..runs(6) {
            let filtering = ALL[1 + seed as usize % 2];
            let rules = Rules { mapping: None, filtering, loss, seed, ..Rules::default() };
            let report = probed(rules);
            let open = [
                Dependence::EndpointIndependent,
                Dependence::EndpointIndependentOrAddressDependent,
            ];
            match report.filtering {
                Some(found) if found == filtering => {}
                // Known for the address, unknown for the port.
                Some(Dependence::AddressDependentOrAddressAndPortDependent) => {}
                Some(found) if filtering == Dependence::AddressDependent && found == open[1] => {}
                other => {
                    assert_eq!(other, None, "{rules:?}\n{report:#?}");
                    assert!(loss.iter().any(|share| *share > 0.1), "{rules:?}\n{report:#?}");
                    let is_why = |one: &NatUnknown| {
                        matches!(
                            one,
                            NatUnknown::FilteringLossy { .. }
                                | NatUnknown::FilteringPathSilent
                                | NatUnknown::FilteringFirstUnanswered
                                | NatUnknown::FilteringOtherSilent { .. }
                        )
                    };
                    assert!(report.unknown.iter().any(is_why), "{:?}", report.unknown);
                }
            }
        }
    }
}

#[test]
fn what_this_host_refuses_is_nobody_elses_silence() {
    let report = probed(Rules { refused: Some(1), ..Rules::default() });
    assert_eq!((report.answered, report.nat, report.filtering), (false, None, None));
    let NatVerdict::Shared(ProbeCaveat::RefusedHere { refused, of, refusals }) =
        &report.findings.verdict
    else {
        panic!("{:?}", report.findings)
    };
    assert_eq!(refused, of);
    assert!(refusals.iter().all(|one| one.cause.cause == LocalCause::PacketFilter), "{refusals:?}");
    assert!(report.tests.iter().all(|test| test.sent == 0 && test.refused == 10));
    assert_eq!(report.findings.alternatives, []);
}

#[test]
fn copies_of_answers_are_no_answers_and_change_no_verdict() {
    for loss in losses() {
        for seed in 0..runs(3) {
            for filtering in ALL {
                let rules = Rules { filtering, loss, seed, ..Rules::default() };
                for copies in 1..=3 {
                    let report = probed(Rules { copies, ..rules });
                    let context = || format!("{copies}, {rules:?}\n{report:#?}");
                    assert!(
                        report.tests.iter().all(|test| test.answered <= test.sent),
                        "{}",
                        context()
                    );
                    assert!(report.back <= report.sent, "{}", context());
                    let copies_of = |caveat: &NatCaveat| match caveat {
                        NatCaveat::Shared(ProbeCaveat::RepliesDuplicated { copies }) => {
                            Some(*copies)
                        }
                        _ => None,
                    };
                    let told = report.findings.caveats.iter().find_map(copies_of);
                    assert_eq!(told.unwrap_or(0), report.copies, "{}", context());
                    assert!(copies > 1 || report.copies == 0, "{}", context());
                    let is_clean = loss.iter().all(|share| *share <= 0.0);
                    assert!(copies == 1 || !is_clean || report.copies > 0, "{}", context());
                    let right = [None, Some(filtering)].contains(&report.filtering)
                        || !report.filtering.is_some_and(|told| ALL.contains(&told));
                    assert!(right, "{}", context());
                }
            }
        }
    }
}

/// Under the matrix of faults, without a NAT but for the fault's own.
pub const NAT: Machine = Machine {
    name: "probe nat",
    against: "a STUN server of two addresses",
    seeds: 2,
    event_at: Nanos::from_millis(100),
    ends_within: Nanos::from_secs(60),
    may_fail: Fault::may_fail_a_run,
    never: "finds a NAT or a filter that is not there, or misses one",
    run: meet_fault,
};

fn meet_fault(trial: &mut Trial<'_>) {
    use Dependence as D;
    let (mapping, filtering, seed) = (None, D::EndpointIndependent, trial.seed);
    let rules = Rules { mapping, filtering, seed, ..Rules::default() };
    let (report, at) = probed_under(rules, Some(&trial.weather()));
    for test in &report.tests {
        trial.at_most("answered <= sent, of each test", test.answered.into(), test.sent.into());
    }
    trial.at_most("back <= sent", report.back, report.sent);
    let middlebox = trial.weather().middlebox;
    let is_nat = middlebox == Some(Middlebox::Nat);
    trial.never(("nat", report.nat), report.nat.is_some_and(|told| told != is_nat));
    let truth =
        if middlebox.is_some() { D::AddressAndPortDependent } else { D::EndpointIndependent };
    let vague = D::EndpointIndependentOrAddressDependent;
    let is_vague = report.filtering == Some(vague) && middlebox.is_none();
    let is_right = [None, Some(truth)].contains(&report.filtering) || is_vague;
    trial.never(("filtering", report.filtering), !is_right);
    let failure = (!report.answered).then_some(&"no answer" as &dyn std::fmt::Debug);
    trial.conclude(at, failure, &report.findings.verdict, &report);
}

/// A session that has asked, and the time after its first requests.
fn asked() -> (NatSession, Now, TxBatch) {
    let server = "192.0.2.2:3478".parse().unwrap();
    let local = |port: u16| ([192, 0, 2, 1], port).into();
    let plan = NatPlan {
        server,
        second: None,
        locals: vec![local(5_000), local(5_001)],
        tries: 3,
        wait: Nanos::from_secs(5),
        hairpin: false,
        run: RunId([7; 8]),
    };
    let mut session = NatSession::new(plan);
    let mut out = TxBatch::new(8, 8_000);
    let start = Now { mono: Nanos::from_secs(1), real: Nanos::from_secs(9) };
    assert_eq!(session.poll_transmit(start, &mut out), Next::WaitUntil(start.mono));
    let outcome = SendOutcome { accepted: out.len(), stop: None };
    session.on_sent(start, &out, &outcome);
    (session, start, out)
}

#[test]
fn a_closed_port_ends_the_probe_only_after_a_second_and_only_from_the_server() {
    let later = |now: Now, ms: u64| Now { mono: now.mono + Nanos::from_millis(ms), ..now };
    for (from, ends) in [([192, 0, 2, 2], true), ([192, 0, 2, 254], false)] {
        let (mut session, start, mut out) = asked();
        let to = "192.0.2.2:3478".parse().unwrap();
        let mut closed = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, to, b"");
        closed.offender = Some(from.into());
        for _ in 0..6 {
            session.on_network_error(later(start, 1), &closed);
        }
        let mut poll = |session: &mut NatSession, at: Now| {
            let next = session.poll_transmit(at, &mut out);
            let outcome = SendOutcome { accepted: out.len(), stop: None };
            session.on_sent(at, &out, &outcome);
            next
        };
        assert_ne!(poll(&mut session, later(start, 999)), Next::Done, "{from:?}");
        let next = poll(&mut session, later(start, 1_001));
        assert_eq!(next == Next::Done, ends, "{from:?}");
        let told = &session.errors.kinds()[0];
        assert_eq!((told.times, told.seen.first_ns), (6, Some(1_000_000)));
    }
}
