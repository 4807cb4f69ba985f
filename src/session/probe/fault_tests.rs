//! Every kind of probe, with the real server, for the matrix of faults: its counts are consistent,
//! and nothing is called blocked, limited or filtered that is not.

use super::Kind;
use super::marks::{MarksKind, MarksPlan};
use super::mtu::{MtuKind, MtuPlan, MtuWithoutAgent, MtuWithoutAgentPlan, judge};
use super::ports::{PortsEnd, PortsPlan, PortsSession};
use super::shape::{ShapeKind, ShapePlan};
use super::simulated::{PORTS as SERVER_PORTS, client, far_end, hosts, in_rounds, probed, server};
use super::timeout::{TimeoutPlan, TimeoutSession};
use crate::netsim::{Fault, Host, Mailbox, runs};
use crate::record::probe::{
    FragmentMtu, FragmentRow, MarksVerdict, MtuLimit, MtuVerdict, Outcome, PathMtu, PayloadFinding,
    PortPath, PortsVerdict, ProbeTraffic, ShapeVerdict, TimeoutVerdict,
};
use crate::session::simulation::fault_matrix::{Machine, Trial};
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn};
use std::fmt::Debug;

/// The two hosts under what a trial is about.
fn under(trial: &Trial<'_>) -> [Host; 2] {
    let (weather, [near, far]) = (trial.weather(), hosts());
    [weather.near(near, [203, 0, 113, 1].into()), weather.far(far)]
}

/// Runs a kind that works in rounds; concludes the trial where it finds no agent.
fn rounds<K: Kind + 'static>(
    trial: &mut Trial<'_>,
    kind: K,
    ports: &[u16],
) -> Option<(K::Facts, Nanos)> {
    let (end, at) = in_rounds(trial.seed, under(trial), kind, ports);
    match end.facts {
        Ok(facts) => Some((facts, at)),
        Err(why) => {
            trial.conclude(at, Some(&why), &(), &why);
            None
        }
    }
}

fn hold_traffic(trial: &mut Trial<'_>, traffic: &ProbeTraffic) {
    trial.own_at_most("control sent <= sent", traffic.control_sent, traffic.sent);
    trial.at_most("control back <= control sent", traffic.control_back, traffic.control_sent);
    if let Some(arrived) = traffic.control_arrived {
        trial.at_most("control arrived <= control sent", arrived, traffic.control_sent);
        trial.at_most("control back <= control arrived", traffic.control_back, arrived);
    }
    trial.never(("contradiction", traffic.contradiction), traffic.contradiction.is_some());
}

pub const MTU: Machine = Machine {
    name: "probe mtu",
    against: "the server",
    seeds: 2,
    event_at: Nanos::from_millis(300),
    ends_within: Nanos::from_secs(200),
    may_fail: Fault::may_fail_a_run,
    never: "finds a black hole, a small MTU, or fragments that do not pass",
    run: mtu,
};

fn mtu(trial: &mut Trial<'_>) {
    let kind = MtuKind::new(MtuPlan { target: server(), tries: 3 });
    let Some((mut report, at)) = rounds(trial, kind, &[]) else { return };
    report.findings = judge(&report);
    hold_traffic(trial, &report.traffic);
    // A whole datagram of more than 60 kB is more than the queue holds.
    let most = if trial.fault == Fault::Bottleneck { 60_000 } else { u32::MAX };
    for way in [&report.out, &report.back] {
        let limits = [Some(MtuLimit::BlackHole), Some(MtuLimit::Router)];
        trial.never(("limit", way.limit), limits.contains(&way.limit));
        trial.never(("holes", &way.holes_bytes), !way.holes_bytes.is_empty());
        let is_blocked =
            |row: &FragmentRow| row.outcome == Outcome::Blocked && row.payload_bytes < most;
        trial.never(("blocked", &way.fragments), way.fragments.iter().any(is_blocked));
    }
    trial.conclude(at, None, &report.findings.verdict, &report);
}

pub const MTU_WITHOUT_AGENT: Machine = Machine {
    name: "probe mtu, no agent",
    against: "a STAMP reflector",
    event_at: Nanos::from_millis(1),
    never: "finds a size that does not pass",
    run: mtu_without_agent,
    ..MTU
};

fn mtu_without_agent(trial: &mut Trial<'_>) {
    let session = MtuWithoutAgent::new(MtuWithoutAgentPlan {
        target: server(),
        tries: 3,
        spacing: Nanos::from_millis(10),
        wait: Nanos::from_millis(500),
        ssid: 9,
    });
    let (facts, at) = probed(trial.seed, under(trial), 1, session);
    hold_traffic(trial, &facts.traffic);
    trial.never(("too large", facts.too_large), facts.too_large.is_some());
    trial.never(("routers", &facts.routers), !facts.routers.is_empty());
    let failure = facts.answered.is_none().then_some(&"no answer" as &dyn Debug);
    trial.conclude(at, failure, &facts.answered, &facts);
}

pub const MARKS: Machine = Machine {
    name: "probe marks",
    event_at: Nanos::from_millis(100),
    never: "finds a mark changed, or blocked",
    run: marks,
    ..MTU
};

fn marks(trial: &mut Trial<'_>) {
    let kind = MarksKind::new(MarksPlan { target: server(), tries: 4 });
    let Some((report, at)) = rounds(trial, kind, &[]) else { return };
    hold_traffic(trial, &report.traffic);
    let verdict = &report.findings.verdict;
    let is_accused = matches!(verdict, MarksVerdict::Changed { changes } if !changes.is_empty());
    trial.never(verdict, is_accused);
    trial.conclude(at, None, verdict, &report);
}

pub const SHAPE: Machine = Machine {
    name: "probe shape",
    never: "finds a payload blocked, or a rate limit but the bottleneck's own",
    run: shape,
    ..MTU
};

fn shape(trial: &mut Trial<'_>) {
    let plan = ShapePlan { target: server(), tries: 4, rate: 1_000, count: 1_000 };
    let Some((report, at)) = rounds(trial, ShapeKind::new(plan), &SERVER_PORTS[1..3]) else {
        return;
    };
    hold_traffic(trial, &report.traffic);
    for train in &report.trains {
        let arrived = train.arrived.unwrap_or(train.sent);
        trial.at_most("arrived <= sent, of each train", arrived, train.sent);
        trial.at_most("back <= arrived, of each train", train.back, arrived);
    }
    let rows = report.payloads.iter().chain(&report.replies).chain(&report.further_ports);
    for row in rows {
        trial.never(row, row.outcome == Outcome::Blocked);
    }
    let limit = report.limit.as_ref();
    if trial.fault == Fault::Bottleneck {
        let off = limit.map(|limit| (limit.bits_per_s.abs_diff(5_000_000), limit.queues));
        trial.never(
            ("not 5 Mbit/s", limit),
            !off.is_some_and(|(off, queues)| off < 150_000 && queues),
        );
    } else {
        trial.never(("limit", limit), limit.is_some());
    }
    trial.conclude(at, None, &report.findings.verdict, &report);
}

pub const PORTS: Machine = Machine {
    name: "probe ports",
    event_at: Nanos::from_millis(100),
    never: "calls a port blocked, or its traffic changed",
    run: meet_ports,
    ..MTU
};

fn ports_plan(seed: u64) -> PortsPlan {
    PortsPlan {
        target: server(),
        ports: SERVER_PORTS[1..5].iter().copied().collect(),
        tries: 8,
        dscp: Dscp::default(),
        ecn: Ecn::default(),
        gap: Nanos::from_millis(1),
        spacing: Nanos::from_millis(50),
        wait: Nanos::from_secs(1),
        source: client(1),
        seed,
    }
}

fn meet_ports(trial: &mut Trial<'_>) {
    let plan = ports_plan(trial.seed);
    let (end, at) = probed(trial.seed, under(trial), 3, PortsSession::new(plan, far_end()));
    let report = match end {
        PortsEnd::Helped(counts) => counts.judge(),
        PortsEnd::NoAgent(why) => return trial.conclude(at, Some(&why), &(), &why),
    };
    trial.own_sum("ports = rows", 4, &[report.ports.len() as u64]);
    for row in &report.ports {
        let arrived = row.arrived.unwrap_or(row.sent);
        trial.at_most("arrived <= sent, of each port", arrived, row.sent);
        trial.at_most("replies <= arrived, of each port", row.replies, arrived);
        let is_fair = matches!(row.path, PortPath::Passes | PortPath::Inconclusive);
        trial.never(row, !is_fair);
    }
    let paths: Vec<_> = report.ports.iter().map(|row| row.path).collect();
    trial.conclude(at, None, &paths, &report);
}

/// The timer that a fault brings along.
fn timer_of(fault: Fault) -> Nanos {
    if fault == Fault::ForgetfulFirewall { Nanos::from_secs(3) } else { Nanos::MAX }
}

pub const TIMEOUT: Machine = Machine {
    name: "probe timeout",
    event_at: Nanos::from_millis(1_500),
    never: "finds a time-out but the firewall's own",
    run: timeout,
    ..MTU
};

fn timeout(trial: &mut Trial<'_>) {
    let plan = TimeoutPlan {
        server: server(),
        candidates: [1, 2, 4, 8].map(Nanos::from_secs).to_vec(),
        precision: Nanos::from_millis(500),
        tries: 3,
        who_refreshes: true,
    };
    let sockets = plan.sockets();
    let session = TimeoutSession::new(plan, far_end(), Mailbox::new());
    let (report, at) = probed(trial.seed, under(trial), sockets as u16, session);
    let timer = timer_of(trial.fault);
    // A NAT that starts anew closes all idle paths at once, and so does for a moment an outage.
    let is_forgotten = trial.fault == Fault::Events;
    for found in &report.timers {
        let closed = found.closed_ns.map_or(Nanos::MAX, Nanos);
        let open = found.open_ns.map_or(Nanos::ZERO, Nanos);
        trial.never((open, closed), !is_forgotten && (open >= timer || timer > closed));
        for one in &found.trials {
            if let Some(sent) = one.sent {
                trial.at_most("answers <= sent, of each trial", one.answers.into(), sent.into());
            }
        }
    }
    let is_denied = report.inbound_refreshes == Some(false);
    trial.never("inbound does not refresh", is_denied && timer == Nanos::MAX);
    let failure = report.no_agent.as_ref().map(|why| why as &dyn Debug);
    trial.conclude(at, failure, &report.findings.verdict, &report);
}

#[test]
fn on_a_path_without_faults_no_kind_accuses_anybody() {
    for seed in 0..runs(8) {
        let kind = MtuKind::new(MtuPlan { target: server(), tries: 3 });
        let report = in_rounds(seed, hosts(), kind, &[]).0.facts.expect("an agent");
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
        let report = in_rounds(seed, hosts(), kind, &[]).0.facts.expect("an agent");
        let found = &report.findings;
        assert_eq!(found.verdict, MarksVerdict::Unchanged, "seed {seed}");
        assert!(found.alternatives.is_empty(), "seed {seed}: {found:#?}");

        let plan = ShapePlan { target: server(), tries: 4, rate: 1_000, count: 1_000 };
        let kind = ShapeKind::new(plan);
        let report = in_rounds(seed, hosts(), kind, &SERVER_PORTS[1..3]).0.facts.expect("an agent");
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
        let (report, _) = probed(seed, hosts(), sockets as u16, session);
        let found = &report.findings;
        let is_clean =
            matches!(found.verdict, TimeoutVerdict::StaysOpen { open_ns: 4_000_000_000, .. });
        assert!(is_clean && found.alternatives.is_empty(), "seed {seed}: {found:#?}");

        let plan = ports_plan(seed);
        let (end, _) = probed(seed, hosts(), 3, PortsSession::new(plan, far_end()));
        let PortsEnd::Helped(counts) = end else { panic!("seed {seed}: no agent") };
        let report = counts.judge();
        let found = &report.findings;
        let is_clean = matches!(
            &found.verdict,
            PortsVerdict::SamePath { group } if group.path == PortPath::Passes
        );
        assert!(is_clean && found.alternatives.is_empty(), "seed {seed}: {found:#?}");
    }
}
