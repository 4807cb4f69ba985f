//! Whole runs on the simulated network: flows that a hash sends over parallel links.

use super::super::simulated::{PORTS, client, far_end, hosts, place_server, probed, server};
use super::{PathsEnd, PathsPlan, PathsSession};
use crate::batch::{Dest, TxBatch};
use crate::impair::{Chance, Delay, Impairments, Jitter, Loss};
use crate::netsim::{Fault, Host, Link, Network, Packet, Responder, SimSocket, Way, runs};
use crate::record::probe::{
    FlowRow, Leg, PathsAlternative, PathsCaveat, PathsDifference, PathsReport, PathsVerdict,
    ProbeCaveat,
};
use crate::session::simulation::fault_matrix::{Machine, Trial};
use crate::units::Nanos;
use std::net::SocketAddr;

const CLIENT: [u8; 4] = [10, 0, 0, 5];
/// A port of the dialogue, which no hash in these tests sends over the bad link.
const DIALOGUE: u16 = 19_999;

/// What a router hashes of a packet: both ports of its flow, whichever way it goes.
fn hash(packet: &Packet) -> u64 {
    let (from, to) = (u64::from(packet.from.port()), u64::from(packet.to.port()));
    let mixed = (from.min(to) << 16 | from.max(to)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
}

fn is_measured(packet: &Packet) -> bool {
    ![packet.from.port(), packet.to.port()].contains(&DIALOGUE)
}

fn one_of_two(packet: &Packet) -> bool {
    is_measured(packet) && hash(packet).is_multiple_of(2)
}

fn one_of_32(packet: &Packet) -> bool {
    is_measured(packet) && hash(packet).is_multiple_of(32)
}

/// The other of two bits of the hash than [`one_of_two`].
fn other_of_two(packet: &Packet) -> bool {
    is_measured(packet) && (hash(packet) >> 8).is_multiple_of(2)
}

/// By addresses only: all or none.
fn every_flow(packet: &Packet) -> bool {
    is_measured(packet)
}

/// Packet by packet, as far as their contents differ.
fn every_other_packet(packet: &Packet) -> bool {
    let sum = |payload: &[u8]| {
        payload.iter().fold(7u32, |sum, byte| sum * 31 % 65_521 + u32::from(*byte))
    };
    is_measured(packet) && packet.payload().is_some_and(|payload| sum(payload) % 2 == 0)
}

fn losing(percent: u32) -> Impairments {
    let loss = Loss::Independent(Chance::percent(percent));
    Impairments { loss, ..Impairments::default() }
}

fn delaying(by: Nanos) -> Impairments {
    Impairments { delay: Delay { base: by, jitter: Jitter::None }, ..Impairments::default() }
}

fn plan(seed: u64, flows: u16) -> PathsPlan {
    let first = 20_000 + (seed % 64) as u16 * 500;
    PathsPlan {
        target: server(),
        sources: (first..first + flows).collect(),
        gap: Nanos::from_millis(1),
        time: Nanos::from_secs(60),
        wait: Nanos::from_secs(1),
        ssid: 9,
        seed,
    }
}

/// Sockets of the session: the dialogue's, and one for each flow.
fn sockets(plan: &PathsPlan) -> Vec<SimSocket> {
    let ports = std::iter::once(DIALOGUE).chain(plan.sources.iter().copied());
    ports.map(|port| SimSocket::bound(SocketAddr::from((CLIENT, port)))).collect()
}

fn measured(plan: PathsPlan, [near, far]: [Host; 2]) -> PathsReport {
    let mut network = Network::new(plan.seed);
    let near = network.add(near);
    place_server(&mut network, far, &PORTS);
    let sockets = sockets(&plan);
    let session = PathsSession::new(plan, Some(far_end()));
    let running = network.start_with(near, &sockets, session, TxBatch::new(16, 16 * 1_200));
    match network.finish(&running, Nanos::from_secs(300)) {
        PathsEnd::Measured(report) => *report,
        PathsEnd::NoAgent(why) => panic!("{why:?}"),
    }
}

/// A path of 5 ms each way with these links on it.
fn path(links: impl IntoIterator<Item = Link>) -> [Host; 2] {
    let [near, far] = hosts();
    let near = near.behind(Link::both(&delaying(Nanos::from_millis(5))));
    [links.into_iter().fold(near, Host::behind), far]
}

fn run(seed: u64, links: impl IntoIterator<Item = Link>) -> PathsReport {
    measured(plan(seed, 256), path(links))
}

/// Differences of a verdict that must have some.
fn differences(report: &PathsReport) -> &[PathsDifference] {
    match &report.findings.verdict {
        PathsVerdict::FlowsDiffer { differences } => differences,
        other => panic!("{other:?} {:?}", report.findings.caveats),
    }
}

/// Whether a flow's port takes the link.
fn takes(pick: fn(&Packet) -> bool, port: u16) -> bool {
    pick(&Packet::udp((CLIENT, port).into(), server(), vec![]))
}

/// Holds that a report names exactly the flows that take the bad link; `None` where it does not
/// find it in its time.
fn found(seed: u64, pick: fn(&Packet) -> bool, percent: u32, way: Way) -> Option<PathsReport> {
    let (out, back) = match way {
        Way::Out => (losing(percent), Impairments::default()),
        Way::Back => (Impairments::default(), losing(percent)),
    };
    let report = run(seed, [Link::new(out, back).choosing(pick)]);
    let PathsVerdict::FlowsDiffer { differences } = &report.findings.verdict else {
        return None;
    };
    let [
        PathsDifference::Loss {
            direction, worse_flows, better_lost, undecided_flows, ports, ..
        },
    ] = &differences[..]
    else {
        panic!("seed {seed}: {differences:?}");
    };
    let leg = if way == Way::Out { Leg::Out } else { Leg::Back };
    assert_eq!((*direction, *better_lost), (leg, 0), "seed {seed}");
    for row in &report.flow_rows {
        let (is_bad, is_named) = (takes(pick, row.source_port), ports.contains(row.source_port));
        assert!(is_bad || !is_named, "seed {seed}: {row:?} is accused");
        assert!(is_named || !is_bad || *undecided_flows > 0, "seed {seed}: {row:?} is missed");
    }
    assert_eq!(*worse_flows, ports.len() as u64);
    Some(report)
}

#[test]
fn one_bad_way_of_two_is_found_with_every_flow_that_takes_it() {
    for seed in 0..runs(1) {
        for way in [Way::Out, Way::Back] {
            for percent in [5, 20, 100] {
                let report = found(seed, one_of_two, percent, way);
                let report = report.unwrap_or_else(|| panic!("seed {seed}, {percent} % {way:?}"));
                assert!(Nanos(report.duration_ns) < Nanos::from_secs(62), "{report:?}");
            }
        }
    }
}

#[test]
fn one_bad_way_of_32_is_found_by_few_flows() {
    let mut missed = 0;
    for seed in 0..runs(1) {
        for way in [Way::Out, Way::Back] {
            for percent in [20, 100] {
                let report = found(seed, one_of_32, percent, way);
                missed += u32::from(report.is_none());
            }
        }
    }
    assert_eq!(missed, 0);
}

#[test]
fn slight_loss_on_one_way_of_32_is_found_or_left_open() {
    for seed in 0..runs(1) {
        for way in [Way::Out, Way::Back] {
            for percent in [1, 5] {
                if found(seed, one_of_32, percent, way).is_some() {
                    continue;
                }
                let (out, back) = match way {
                    Way::Out => (losing(percent), Impairments::default()),
                    Way::Back => (Impairments::default(), losing(percent)),
                };
                let report = run(seed, [Link::new(out, back).choosing(one_of_32)]);
                let found = &report.findings;
                let is_open = matches!(found.verdict, PathsVerdict::Undecided { lost: 1.., .. });
                let may_be = PathsAlternative::SlightLoss {
                    of_paths: 32,
                    datagrams: 72,
                    loss_ppb: 41_666_666,
                };
                let is_said = found.alternatives.contains(&may_be);
                assert!(is_open || is_said, "seed {seed}, {percent} % {way:?}: {found:?}");
            }
        }
    }
}

#[test]
fn one_percent_takes_most_of_a_minute_and_less_says_so() {
    let lossy = || [Link::new(losing(1), Impairments::default()).choosing(one_of_two)];
    for seed in 0..runs(1) {
        let report = run(seed, lossy());
        let [PathsDifference::Loss { direction: Leg::Out, ports, .. }] = differences(&report)
        else {
            panic!("seed {seed}: {:?}", report.findings);
        };
        assert!(ports.iter().all(|port| takes(one_of_two, port)), "seed {seed}");
        let open = |one: &PathsCaveat| matches!(one, PathsCaveat::FlowsUndecided { .. });
        assert!(report.findings.caveats.iter().any(open), "{:?}", report.findings);
        let short = PathsPlan { time: Nanos::from_secs(6), ..plan(seed, 256) };
        let report = measured(short, path(lossy()));
        let PathsVerdict::Undecided { of: 256, lost: 1.., .. } = report.findings.verdict else {
            panic!("seed {seed}: {:?}", report.findings);
        };
        let needs = |one: &PathsCaveat| match one {
            PathsCaveat::TimeOver { needed_ns } => *needed_ns > 10_000_000_000,
            _ => false,
        };
        assert!(report.findings.caveats.iter().any(needs), "{:?}", report.findings);
    }
}

#[test]
fn a_clean_path_has_nothing_to_see() {
    for seed in 0..runs(4) {
        let report = run(seed, []);
        let (flows, sent) = (256, 256 * 8 + 32 * 8);
        let nothing = PathsVerdict::NoDifference { flows, sent, lost: 0 };
        assert_eq!(report.findings.verdict, nothing, "seed {seed}");
        assert!(report.findings.caveats.is_empty(), "seed {seed}: {:?}", report.findings);
        assert_eq!((report.sent, report.arrived, report.replies), (sent, Some(sent), sent));
    }
}

/// `UDPKIT_TEST_RUNS` runs more of them.
#[test]
fn whole_sessions_over_one_path_of_any_kind_accuse_no_flow() {
    for seed in 0..runs(40) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let flows = [2, 8, 16, 32, 64][rng.usize(..5)];
        let mut way = || {
            let base = Nanos::from_micros(rng.u64(50..60_000));
            let most = Nanos::from_micros([0, 100, 2_000, 15_000][rng.usize(..4)]);
            let share = [0, 0, 0, 10_000, 50_000][rng.usize(..5)];
            let loss = Loss::Independent(Chance::per_million(share));
            let delay = Delay { base, jitter: Jitter::Above(most) };
            Impairments { loss, delay, ..Impairments::default() }
        };
        let (out, back) = (way(), way());
        let is_lossless = [&out, &back].iter().all(|way| way.loss == losing(0).loss);
        let plan = PathsPlan { time: Nanos::from_secs(1), ..plan(seed, flows) };
        let [near, far] = hosts();
        let near = near.behind(Link::new(out, back));
        let report = measured(plan, [near, far]);
        let verdict = &report.findings.verdict;
        let told = || format!("seed {seed}: {:?}", report.findings);
        if is_lossless {
            let is_clean = matches!(verdict, PathsVerdict::NoDifference { lost: 0, .. });
            assert!(is_clean && report.findings.caveats.is_empty(), "{}", told());
            assert_eq!(report.arrived, Some(report.sent), "{}", told());
            assert_eq!(report.replies, report.sent, "{}", told());
        }
        let is_fair =
            matches!(verdict, PathsVerdict::NoDifference { .. } | PathsVerdict::Undecided { .. });
        assert!(is_fair, "{}", told());
    }
}

#[test]
fn loss_that_all_flows_share_accuses_none() {
    for seed in 0..runs(1) {
        for percent in [1, 20, 50] {
            let plan = PathsPlan { time: Nanos::from_secs(8), ..plan(seed, 256) };
            let lossy = Link::both(&losing(percent)).choosing(every_flow);
            let report = measured(plan, path([lossy]));
            let is_fair = matches!(
                report.findings.verdict,
                PathsVerdict::NoDifference { .. } | PathsVerdict::Undecided { .. }
            );
            assert!(is_fair, "seed {seed}, {percent} %: {:?}", report.findings);
        }
    }
}

#[test]
fn a_slow_way_is_told_from_a_fast_one_and_a_slow_and_bad_one() {
    for seed in 0..runs(1) {
        let slow = || delaying(Nanos::from_millis(12));
        let report = run(seed, [Link::new(slow(), Impairments::default()).choosing(one_of_two)]);
        let [PathsDifference::Delay { direction: Leg::Out, slower_by_ns, ports, .. }] =
            differences(&report)
        else {
            panic!("{:?}", report.findings);
        };
        assert!(slower_by_ns.abs_diff(12_000_000) < 100_000, "{slower_by_ns}");
        for row in &report.flow_rows {
            assert_eq!(takes(one_of_two, row.source_port), ports.contains(row.source_port));
        }
        // Four ways: loss out by one bit of the hash, delay back by another.
        let lossy = Link::new(losing(20), Impairments::default()).choosing(one_of_two);
        let slow = Link::new(Impairments::default(), slow()).choosing(other_of_two);
        let report = run(seed, [lossy, slow]);
        let [PathsDifference::Loss { direction: Leg::Out, .. }, delay] = differences(&report)
        else {
            panic!("{:?}", report.findings);
        };
        assert!(matches!(delay, PathsDifference::Delay { direction: Leg::Back, .. }), "{delay:?}");
    }
}

#[test]
fn packets_that_are_spread_reorder_every_flow_and_accuse_none() {
    for seed in 0..runs(1) {
        for percent in [0, 20] {
            let way = Impairments { loss: losing(percent).loss, ..delaying(Nanos::from_millis(3)) };
            let spread = Link::new(way, Impairments::default()).choosing(every_other_packet);
            let plan = PathsPlan { time: Nanos::from_secs(6), ..plan(seed, 256) };
            let report = measured(plan, path([spread]));
            let PathsVerdict::PerPacket {
                direction: Leg::Out,
                reordered_flows,
                of: 1..=32,
                lost,
                ..
            } = report.findings.verdict
            else {
                panic!("seed {seed}, {percent} %: {:?}", report.findings);
            };
            assert!(reordered_flows >= 20, "seed {seed}: {reordered_flows}");
            assert_eq!(lost > 0, percent > 0);
        }
    }
}

#[test]
fn a_limit_on_the_number_of_flows_is_no_second_path() {
    for seed in 0..runs(4) {
        let [near, far] = path([]);
        let mut known = Vec::new();
        let near = near.behind_rule(move |_, way, packet| {
            let port = packet.from.port();
            if way == Way::Out && !known.contains(&port) && known.len() < 40 {
                known.push(port);
            }
            way == Way::Back || known.contains(&port)
        });
        let report = measured(plan(seed, 256), [near, far]);
        // The dialogue is one of them.
        let limit = PathsVerdict::FlowLimit { passing: 39, of: 256 };
        assert_eq!(report.findings.verdict, limit, "seed {seed}");
    }
}

/// What answers without an agent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answers {
    /// The server's STAMP reflector.
    Stamp,
    Echo,
    Nobody,
}

#[test]
fn without_an_agent_round_trips_are_compared() {
    for answers in [Answers::Stamp, Answers::Echo, Answers::Nobody] {
        let lossy = Link::new(losing(20), Impairments::default()).choosing(one_of_two);
        let mut network = Network::new(3);
        let [near, far] = path([lossy]);
        let near = network.add(near);
        match answers {
            Answers::Stamp => place_server(&mut network, far, &PORTS),
            Answers::Echo => {
                let far = network.add(far);
                let echo = Responder::new(|_, datagram, queue| {
                    queue.push_back((Dest::from(datagram.meta.source), datagram.payload.to_vec()));
                });
                network.start(far, &[SimSocket::bound(server())], echo);
            }
            Answers::Nobody => drop(network.add(far)),
        }
        let plan = plan(3, 256);
        let sockets = sockets(&plan);
        let session = PathsSession::new(plan, None);
        let batch = TxBatch::new(16, 16 * 1_200);
        let running = network.start_with(near, &sockets[1..], session, batch);
        let PathsEnd::Measured(report) = network.finish(&running, Nanos::from_secs(300)) else {
            panic!("nobody was asked");
        };
        assert!(report.findings.caveats.contains(&PathsCaveat::RoundTripsOnly));
        assert_eq!((report.agent, report.arrived), (false, None));
        if answers == Answers::Nobody {
            assert_eq!(report.findings.verdict, PathsVerdict::NothingAnswered);
            assert!(report.sent < 1_200, "{}", report.sent);
            continue;
        }
        let [PathsDifference::Loss { direction: Leg::RoundTrip, ports, .. }] = differences(&report)
        else {
            panic!("{answers:?}: {:?}", report.findings);
        };
        assert!(ports.iter().all(|port| takes(one_of_two, port)));
    }
}

#[test]
fn an_early_end_reports_what_is_known() {
    let mut network = Network::new(5);
    let [near, far] = path([]);
    let near = network.add(near);
    place_server(&mut network, far, &PORTS);
    let plan = plan(5, 64);
    let sockets = sockets(&plan);
    let session = PathsSession::new(plan, Some(far_end()));
    let running = network.start_with(near, &sockets, session, TxBatch::new(16, 16 * 1_200));
    network.run_until(Nanos::from_millis(300));
    network.stop(running.id());
    let PathsEnd::Measured(report) = network.finish(&running, Nanos::from_secs(60)) else {
        panic!("there is an agent");
    };
    assert!(report.interrupted);
    let sent = report.sent;
    assert!((100..512).contains(&sent), "{sent}");
    assert_eq!((report.arrived, report.replies), (Some(sent), sent));
    let interrupted = PathsCaveat::Shared(ProbeCaveat::Interrupted);
    assert_eq!(report.findings.caveats, [interrupted]);
}

pub const PATHS: Machine = Machine {
    name: "probe paths",
    against: "the server",
    seeds: 1,
    event_at: Nanos::from_millis(100),
    ends_within: Nanos::from_secs(200),
    may_fail: Fault::may_fail_a_run,
    never: "finds flows that differ, a second path, or a limit of flows",
    run: meet,
};

fn meet(trial: &mut Trial<'_>) {
    let (weather, [near, far]) = (trial.weather(), hosts());
    let hosts = [weather.near(near, [203, 0, 113, 1].into()), weather.far(far)];
    let flows = 64;
    let sources = (1..=flows).map(|flow| client(flow).port()).collect();
    let plan = PathsPlan { sources, time: Nanos::from_secs(10), ..plan(trial.seed, flows) };
    let session = PathsSession::new(plan, Some(far_end()));
    let (end, at) = probed(trial.seed, hosts, flows + 1, session);
    let report = match end {
        PathsEnd::Measured(report) => report,
        PathsEnd::NoAgent(why) => return trial.conclude(at, Some(&why), &(), &why),
    };
    let sum = |of: fn(&FlowRow) -> u64| report.flow_rows.iter().map(of).sum::<u64>();
    trial.own_sum("sent = sent, of all flows", report.sent, &[sum(|row| row.sent)]);
    trial.own_sum("replies = replies, of all flows", report.replies, &[sum(|row| row.replies)]);
    for row in &report.flow_rows {
        let arrived = row.arrived.unwrap_or(row.sent);
        trial.own_at_most("arrived <= sent, of each flow", arrived, row.sent);
        trial.own_at_most("replies <= arrived, of each flow", row.replies, arrived);
    }
    for row in &report.way_rows {
        trial.own_at_most("lost <= sent, of each path", row.lost, row.sent);
    }
    let verdict = &report.findings.verdict;
    let is_accused =
        matches!(verdict, PathsVerdict::FlowsDiffer { .. } | PathsVerdict::FlowLimit { .. });
    trial.never(verdict, is_accused);
    trial.conclude(at, None, verdict, &report);
}
