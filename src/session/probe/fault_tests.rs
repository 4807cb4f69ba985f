//! Every kind of probe, with the real server, under every fault of the matrix: it ends, its counts
//! are consistent, and nothing is called blocked, limited or filtered that is not.
//!
//! `cargo test --lib fault -- --nocapture` prints how each of them ended.

use super::marks::{MarksKind, MarksPlan};
use super::mtu::{MtuKind, MtuPlan, judge};
use super::ports::{PortsEnd, PortsPlan, PortsSession};
use super::shape::{ShapeKind, ShapePlan};
use super::timeout::{TimeoutPlan, TimeoutSession};
use super::{FarEnd, Kind, RoundDriver, RoundDriverEnd, RoundParameters};
use crate::batch::TxBatch;
use crate::control::Sealer;
use crate::machine::{Executor, Orders, Session};
use crate::netsim::{Clock, Fault, Host, Mailbox, Network, SimSocket, Weather, runs};
use crate::record::probe::{
    FragmentMtu, FragmentRow, MarkChange, MarksVerdict, MtuLimit, MtuVerdict, Outcome, PathMtu,
    PayloadFinding, PortPath, PortsVerdict, ProbeTraffic, ShapeVerdict, TimeoutReport,
    TimeoutVerdict,
};
use crate::session::serve::{
    PortsOpened, ServeCommand, ServeControl, ServeOrder, ServePolicy, StreamReport,
};
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn, PortList, TicketKey};
use std::net::{IpAddr, SocketAddr};

const SERVER: [u8; 4] = [198, 51, 100, 1];
const CLIENT: [u8; 4] = [10, 0, 0, 5];
/// The server's own port, those that it opens for a probe, and its other one.
const PORTS: [u16; 6] = [8_620, 5_000, 5_001, 5_002, 5_003, 49_999];

fn server() -> SocketAddr {
    (SERVER, PORTS[0]).into()
}

/// Opens the ports that have a socket, as the engine would.
#[derive(Clone)]
struct Engine(Mailbox<ServeOrder>);

impl Orders<ServeOrder> for Engine {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.0.next_order()
    }
}

impl Executor<ServeCommand> for Engine {
    fn execute(&mut self, command: ServeCommand) {
        if let ServeCommand::OpenPorts(request) = command {
            let socket = |port: u16| PORTS.iter().position(|own| *own == port);
            let opened = request.ports.iter().filter_map(|port| Some((port, socket(port)?)));
            let opened = PortsOpened {
                opened: opened.collect(),
                alternate: Some((PORTS[5], 5)),
                ..PortsOpened::default()
            };
            let news = StreamReport::Ports(Box::new(opened));
            self.0.push(ServeOrder { session: request.session, stream: 0, news });
        }
    }
}

/// The real server on a host with clocks of its own.
fn place_server(network: &mut Network, weather: &Weather) {
    let mut host = Host::at(&IpAddr::from(SERVER).to_string());
    host.clock.boot = Nanos::from_secs(70_000);
    host.clock = Clock { epoch: Nanos::from_secs(1_600_000_000), ..host.clock };
    let host = network.add(weather.far(host));
    let mut name = 0;
    let names = move || {
        name += 0x1111;
        name
    };
    let engine = Engine(Mailbox::new());
    let policy = ServePolicy { on_demand: 1_024..=65_535, ..ServePolicy::default() };
    let server =
        ServeControl::new(policy, TicketKey([3; 32]), engine.clone(), (engine, Vec::new()), names)
            .on_ports(PORTS[0], &[]);
    let sockets = PORTS.map(|port| SimSocket::bound((SERVER, port).into()));
    let running = network.start_with(host, &sockets, server, TxBatch::new(128, 1 << 20));
    network.set_tick(running.id(), Nanos::from_millis(500));
}

/// Runs a session with so many sockets to its end under a fault; returns how long it took, too.
fn run<S: Session + 'static>(
    fault: Fault,
    seed: u64,
    sockets: usize,
    session: S,
) -> (S::Summary, Nanos) {
    let weather = fault.weather();
    let mut network = Network::new(seed);
    let host = Host::at(&IpAddr::from(CLIENT).to_string());
    let near = network.add(weather.near(host, [203, 0, 113, 1].into()));
    place_server(&mut network, &weather);
    let sockets: Vec<_> = (0..sockets as u16)
        .map(|number| SimSocket::bound((CLIENT, 40_000 + number).into()))
        .collect();
    let batch = TxBatch::new(128, 1 << 20);
    let running = network.start_with(near, &sockets, session, batch);
    let summary = network.finish(&running, Nanos::from_secs(2_000));
    (summary, network.instant())
}

fn far_end() -> FarEnd {
    FarEnd::new(server(), 0, Sealer::new(None, 1), Nanos::from_secs(5))
}

fn ports(range: std::ops::RangeInclusive<u16>) -> PortList {
    range.collect()
}

fn helped<K: Kind + 'static>(
    fault: Fault,
    seed: u64,
    kind: K,
    ports: PortList,
) -> RoundDriverEnd<K::Facts> {
    let (spacing, wait) = (Nanos::from_millis(60), Nanos::from_millis(600));
    let manner = RoundParameters { target: server(), ports, spacing, wait };
    run(fault, seed, 1, RoundDriver::new(manner, kind, far_end())).0
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
        let end = helped(fault, seed, kind, PortList::default());
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
        let end = helped(fault, seed, kind, PortList::default());
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
        let end = helped(fault, seed, ShapeKind::new(plan), ports(5_000..=5_001));
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
            ports: ports(5_000..=5_003),
            tries: 8,
            dscp: Dscp::default(),
            ecn: Ecn::default(),
            gap: Nanos::from_millis(1),
            spacing: Nanos::from_millis(50),
            wait: Nanos::from_secs(1),
            source: (CLIENT, 40_001).into(),
            seed,
        };
        let (end, _) = run(fault, seed, 3, PortsSession::new(plan, far_end()));
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
        let (report, took): (TimeoutReport, _) = run(fault, seed, sockets, session);
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
        let report = helped(fault, seed, kind, PortList::default()).facts.expect("an agent");
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
        let report = helped(fault, seed, kind, PortList::default()).facts.expect("an agent");
        let found = &report.findings;
        assert_eq!(found.verdict, MarksVerdict::Unchanged, "seed {seed}");
        assert!(found.alternatives.is_empty(), "seed {seed}: {found:#?}");

        let plan = ShapePlan { target: server(), tries: 4, rate: 1_000, count: 1_000 };
        let kind = ShapeKind::new(plan);
        let report = helped(fault, seed, kind, ports(5_000..=5_001)).facts.expect("an agent");
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
        let (report, _): (TimeoutReport, _) = run(fault, seed, sockets, session);
        let found = &report.findings;
        let is_clean =
            matches!(found.verdict, TimeoutVerdict::StaysOpen { open_ns: 4_000_000_000, .. });
        assert!(is_clean && found.alternatives.is_empty(), "seed {seed}: {found:#?}");

        let plan = PortsPlan {
            target: server(),
            ports: ports(5_000..=5_003),
            tries: 8,
            dscp: Dscp::default(),
            ecn: Ecn::default(),
            gap: Nanos::from_millis(1),
            spacing: Nanos::from_millis(50),
            wait: Nanos::from_secs(1),
            source: (CLIENT, 40_001).into(),
            seed,
        };
        let (end, _) = run(fault, seed, 3, PortsSession::new(plan, far_end()));
        let PortsEnd::Helped(report) = end else { panic!("seed {seed}: no agent") };
        let found = &report.findings;
        let is_clean = matches!(
            &found.verdict,
            PortsVerdict::SamePath { group } if group.path == PortPath::Passes
        );
        assert!(is_clean && found.alternatives.is_empty(), "seed {seed}: {found:#?}");
    }
}
