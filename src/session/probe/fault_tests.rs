//! Every kind of probe, with the real server, under every fault of the matrix: it ends, its counts
//! are consistent, and nothing is called blocked, limited or filtered that is not.
//!
//! `cargo test --lib fault -- --nocapture` prints how each of them ended.

use super::marks::{MarksKind, MarksPlan};
use super::mtu::{MtuKind, MtuPlan, judge};
use super::ports::{PortsEnd, PortsPlan, PortsSession};
use super::shape::{ShapeKind, ShapePlan};
use super::simulated::{PORTS, client, far_end, hosts, in_rounds, probed, server};
use super::timeout::{TimeoutPlan, TimeoutSession};
use crate::netsim::{Fault, Host, Mailbox, runs};
use crate::record::probe::{
    FragmentMtu, FragmentRow, MarkChange, MarksVerdict, MtuLimit, MtuVerdict, Outcome, PathMtu,
    PayloadFinding, PortPath, PortsVerdict, ProbeTraffic, ShapeVerdict, TimeoutVerdict,
};
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn};

/// The two hosts under a fault.
fn under(fault: Fault) -> [Host; 2] {
    let (weather, [near, far]) = (fault.weather(), hosts());
    [weather.near(near, [203, 0, 113, 1].into()), weather.far(far)]
}

/// A row of the table: the machine, the fault, and how it ended.
fn print(machine: &str, fault: Fault, ended: &dyn std::fmt::Debug) {
    println!("{machine:8} {:18} {ended:?}", format!("{fault:?}"));
}

/// Whether numbers may reach a machine that nobody sent.
fn forges(fault: Fault) -> bool {
    matches!(fault, Fault::Corruption | Fault::Extremes)
}

/// Every fault, each with two seeds.
fn faults() -> impl Iterator<Item = (Fault, u64)> {
    Fault::ALL.into_iter().flat_map(|fault| [(fault, 1), (fault, 2)])
}

fn assert_counts(traffic: &ProbeTraffic, fault: Fault) {
    if forges(fault) {
        return;
    }
    assert!(traffic.control_sent <= traffic.sent, "{fault:?}: {traffic:?}");
    assert!(traffic.control_back <= traffic.control_sent, "{fault:?}: {traffic:?}");
    if let Some(arrived) = traffic.control_arrived {
        assert!(arrived <= traffic.control_sent, "{fault:?}: {traffic:?}");
        assert!(traffic.control_back <= arrived, "{fault:?}: {traffic:?}");
    }
    assert_eq!(traffic.contradiction, None, "{fault:?}");
}

#[test]
fn mtu_meets_every_fault() {
    for (fault, seed) in faults() {
        let kind = MtuKind::new(MtuPlan { target: server(), tries: 3 });
        let end = in_rounds(seed, under(fault), kind, &[]);
        let Ok(mut report) = end.facts else {
            print("mtu", fault, &end.facts.err());
            assert!(fault.may_fail_a_run(), "{fault:?}");
            continue;
        };
        report.findings = judge(&report);
        print("mtu", fault, &report.findings.verdict);
        assert_counts(&report.traffic, fault);
        for way in [&report.out, &report.back] {
            let context = || format!("{fault:?}, seed {seed}: {report:#?}");
            if !forges(fault) {
                let limits = [Some(MtuLimit::BlackHole), Some(MtuLimit::Router)];
                assert!(!limits.contains(&way.limit), "{}", context());
                assert!(way.holes_bytes.is_empty(), "{}", context());
                // A whole datagram of more than 60 kB is more than the queue holds.
                let fits =
                    |row: &FragmentRow| fault != Fault::Bottleneck || row.payload_bytes < 60_000;
                let is_blocked = |row: &FragmentRow| row.outcome == Outcome::Blocked && fits(row);
                assert!(!way.fragments.iter().any(is_blocked), "{}", context());
            }
        }
    }
}

#[test]
fn marks_meet_every_fault() {
    for (fault, seed) in faults() {
        let kind = MarksKind::new(MarksPlan { target: server(), tries: 4 });
        let end = in_rounds(seed, under(fault), kind, &[]);
        let Ok(report) = end.facts else {
            print("marks", fault, &end.facts.err());
            assert!(fault.may_fail_a_run(), "{fault:?}");
            continue;
        };
        print("marks", fault, &report.findings.verdict);
        assert_counts(&report.traffic, fault);
        if let (MarksVerdict::Changed { changes }, false) =
            (&report.findings.verdict, forges(fault))
        {
            let none: &[MarkChange] = &[];
            assert_eq!(changes, none, "{fault:?}, seed {seed}");
        }
    }
}

#[test]
fn shape_meets_every_fault() {
    for (fault, seed) in faults() {
        let plan = ShapePlan { target: server(), tries: 4, rate: 1_000, count: 1_000 };
        let end = in_rounds(seed, under(fault), ShapeKind::new(plan), &PORTS[1..3]);
        let Ok(report) = end.facts else {
            print("shape", fault, &end.facts.err());
            assert!(fault.may_fail_a_run(), "{fault:?}");
            continue;
        };
        print("shape", fault, &report.findings.verdict);
        assert_counts(&report.traffic, fault);
        if forges(fault) {
            continue;
        }
        for train in &report.trains {
            assert!(train.arrived.is_none_or(|arrived| arrived <= train.sent), "{train:?}");
            assert!(train.arrived.is_none_or(|arrived| train.back <= arrived), "{train:?}");
        }
        let rows = report.payloads.iter().chain(&report.replies).chain(&report.further_ports);
        let blocked = rows.filter(|row| row.outcome == Outcome::Blocked).count();
        let context = || format!("{fault:?}, seed {seed}: {report:#?}");
        assert_eq!(blocked, 0, "{}", context());
        if fault == Fault::Bottleneck {
            let limit = report.limit.as_ref().expect("a rate of 5 Mbit/s");
            let off = limit.bits_per_s.abs_diff(5_000_000);
            assert!(off < 150_000 && limit.queues, "{}", context());
        } else {
            assert_eq!(report.limit, None, "{}", context());
        }
    }
}

#[test]
fn ports_meet_every_fault() {
    for (fault, seed) in faults() {
        let plan = PortsPlan {
            target: server(),
            ports: PORTS[1..5].iter().copied().collect(),
            tries: 8,
            dscp: Dscp::default(),
            ecn: Ecn::default(),
            gap: Nanos::from_millis(1),
            spacing: Nanos::from_millis(50),
            wait: Nanos::from_secs(1),
            source: client(1),
            seed,
        };
        let (end, _) = probed(seed, under(fault), 3, PortsSession::new(plan, far_end()));
        let report = match end {
            PortsEnd::Helped(counts) => counts.judge(),
            PortsEnd::NoAgent(why) => {
                print("ports", fault, &why);
                assert!(fault.may_fail_a_run(), "{fault:?}: {why:?}");
                continue;
            }
        };
        let paths: Vec<_> = report.ports.iter().map(|row| row.path).collect();
        print("ports", fault, &paths);
        assert_eq!(report.ports.len(), 4, "{fault:?}: {report:#?}");
        for row in report.ports.iter().filter(|_| !forges(fault)) {
            let arrived = row.arrived.unwrap_or(row.sent);
            assert!(arrived <= row.sent, "{fault:?}: {row:#?}");
            assert!(row.replies <= arrived, "{fault:?}: {row:#?}");
            let is_fair = matches!(row.path, PortPath::Passes | PortPath::Inconclusive);
            assert!(is_fair, "{fault:?}, seed {seed}: {row:#?}");
        }
    }
}

/// The timer that a fault brings along.
fn timer_of(fault: Fault) -> Nanos {
    if fault == Fault::ForgetfulFirewall { Nanos::from_secs(5) } else { Nanos::MAX }
}

#[test]
fn timeout_meets_every_fault() {
    for (fault, seed) in faults() {
        let plan = TimeoutPlan {
            server: server(),
            candidates: [1, 2, 4, 8].map(Nanos::from_secs).to_vec(),
            precision: Nanos::from_millis(500),
            tries: 3,
            who_refreshes: true,
        };
        let sockets = plan.sockets();
        let session = TimeoutSession::new(plan, far_end(), Mailbox::new());
        let (report, took) = probed(seed, under(fault), sockets as u16, session);
        print("timeout", fault, &report.findings.verdict);
        assert!(took < Nanos::from_secs(200), "{fault:?}: {took}");
        let is_without_agent = report.no_agent.is_some();
        assert!(!is_without_agent || fault.may_fail_a_run(), "{fault:?}: {report:#?}");
        if forges(fault) {
            continue;
        }
        let timer = timer_of(fault);
        for found in &report.timers {
            let closed = found.closed_ns.map_or(Nanos::MAX, Nanos);
            let open = found.open_ns.map_or(Nanos::ZERO, Nanos);
            assert!(open < timer && timer <= closed, "{fault:?}, seed {seed}: {report:#?}");
            for trial in &found.trials {
                assert!(trial.sent.is_none_or(|sent| trial.answers <= sent), "{trial:#?}");
            }
        }
        let is_denied = report.inbound_refreshes == Some(false);
        assert!(!is_denied || fault == Fault::ForgetfulFirewall, "{fault:?}: {report:#?}");
    }
}

#[test]
fn on_a_path_without_faults_no_kind_accuses_anybody() {
    for seed in 0..runs(8) {
        let fault = Fault::Clean;
        let kind = MtuKind::new(MtuPlan { target: server(), tries: 3 });
        let report = in_rounds(seed, under(fault), kind, &[]).facts.expect("an agent");
        let found = judge(&report);
        let pass = |one: &FragmentMtu| matches!(one, FragmentMtu::Pass { .. });
        let whole = |one: &PathMtu| matches!(one, PathMtu::SenderInterface { .. });
        let is_clean = matches!(
            &found.verdict,
            MtuVerdict::PathMtu { out, back, fragments_out, fragments_back }
                if whole(out) && whole(back) && pass(fragments_out) && pass(fragments_back)
        );
        assert!(is_clean && found.alternatives.is_empty(), "seed {seed}: {found:#?}");

        let kind = MarksKind::new(MarksPlan { target: server(), tries: 4 });
        let report = in_rounds(seed, under(fault), kind, &[]).facts.expect("an agent");
        let found = &report.findings;
        assert_eq!(found.verdict, MarksVerdict::Unchanged, "seed {seed}");
        assert!(found.alternatives.is_empty(), "seed {seed}: {found:#?}");

        let plan = ShapePlan { target: server(), tries: 4, rate: 1_000, count: 1_000 };
        let kind = ShapeKind::new(plan);
        let report = in_rounds(seed, under(fault), kind, &PORTS[1..3]).facts.expect("an agent");
        let found = &report.findings;
        let is_clean = matches!(
            &found.verdict,
            ShapeVerdict::Compared { limit: None, payloads } if *payloads == [PayloadFinding::AllPass]
        );
        assert!(is_clean && found.alternatives.is_empty(), "seed {seed}: {found:#?}");

        let plan = TimeoutPlan {
            server: server(),
            candidates: [1, 2, 4].map(Nanos::from_secs).to_vec(),
            precision: Nanos::from_millis(500),
            tries: 3,
            who_refreshes: true,
        };
        let sockets = plan.sockets();
        let session = TimeoutSession::new(plan, far_end(), Mailbox::new());
        let (report, _) = probed(seed, under(fault), sockets as u16, session);
        let found = &report.findings;
        let is_clean =
            matches!(found.verdict, TimeoutVerdict::StaysOpen { open_ns: 4_000_000_000, .. });
        assert!(is_clean && found.alternatives.is_empty(), "seed {seed}: {found:#?}");

        let plan = PortsPlan {
            target: server(),
            ports: PORTS[1..5].iter().copied().collect(),
            tries: 8,
            dscp: Dscp::default(),
            ecn: Ecn::default(),
            gap: Nanos::from_millis(1),
            spacing: Nanos::from_millis(50),
            wait: Nanos::from_secs(1),
            source: client(1),
            seed,
        };
        let (end, _) = probed(seed, under(fault), 3, PortsSession::new(plan, far_end()));
        let PortsEnd::Helped(report) = end else { panic!("seed {seed}: no agent") };
        let found = &report.findings;
        let is_clean = matches!(
            &found.verdict,
            PortsVerdict::SamePath { group } if group.path == PortPath::Passes
        );
        assert!(is_clean && found.alternatives.is_empty(), "seed {seed}: {found:#?}");
    }
}
