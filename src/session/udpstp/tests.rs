//! Whole tests of a client and a server on the simulated network.

use super::{
    BATCH, ClientAuthentication, UdpstpClient, UdpstpCommand, UdpstpOrder, UdpstpPlan,
    UdpstpPolicy, UdpstpServer,
};
use crate::batch::TxBatch;
use crate::impair::{Bottleneck, Capacity, Chance, Delay, Impairments, Loss, QueueLimit};
use crate::netsim::{
    ErrorBudget, Host, HostId, Link, Mailbox, Network, Packet, Running, SimSocket, Way as Line,
};
use crate::record::{ServeRecord, UdpstpEnd, UdpstpFailure, UdpstpInterval, UdpstpReport};
use crate::session::serve::{ServeEvent, ServePolicy};
use crate::units::{BitRate, Nanos};
use crate::wire::udpstp::{
    DirectionAsked, KeyRing, Modifiers, Pdu, SharedKey, TestParams, UDPSTP_PORT, VERSION,
};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

const CLIENT: &str = "192.0.2.1";
const SERVER: &str = "192.0.2.9";
/// Beyond it a test hangs.
const DEADLINE: Nanos = Nanos::from_secs(60);
const DIRECTIONS: [DirectionAsked; 2] = [DirectionAsked::Upstream, DirectionAsked::Downstream];

type ServerMail = (Mailbox<UdpstpCommand>, Mailbox<ServeEvent>);
type Server = UdpstpServer<Mailbox<UdpstpOrder>, ServerMail>;

fn address(host: &str, port: u16) -> SocketAddr {
    SocketAddr::new(host.parse().unwrap(), port)
}

fn plan(direction: DirectionAsked, connections: u8) -> UdpstpPlan {
    UdpstpPlan {
        target: address(SERVER, UDPSTP_PORT),
        version: VERSION,
        direction,
        connections,
        ident: 77,
        bandwidth_mbps: 0,
        modifiers: Modifiers { jumbo: true, traditional_mtu: false },
        params: TestParams::default(),
        authentication: None,
        patience: Nanos::from_secs(5),
        seed: 7,
    }
}

fn short(direction: DirectionAsked, connections: u8) -> UdpstpPlan {
    let params = TestParams { time_s: 5, ..TestParams::default() };
    UdpstpPlan { params, ..plan(direction, connections) }
}

/// A bottleneck of so many Mbit/s at the IP layer, with a queue of 120 ms, behind 5 ms.
/// A shorter one could stay full: between 30 and 90 ms no rate is adjusted.
fn path(mbps: u64) -> Impairments {
    Impairments {
        bottleneck: Some(Bottleneck {
            capacity: Capacity::Rate(BitRate(mbps * 1_000_000)),
            queue: QueueLimit::Time(Nanos::from_millis(120)),
            overhead: 0,
        }),
        delay: Delay { base: Nanos::from_millis(5), ..Delay::default() },
        ..Impairments::default()
    }
}

fn losing(percent: u32) -> Impairments {
    Impairments { loss: Loss::Independent(Chance::percent(percent)), ..path(20) }
}

/// A client and a server.
struct Ends {
    network: Network,
    server_host: HostId,
    client: Running<UdpstpClient<Vec<UdpstpInterval>>>,
    server: Running<Server>,
    orders: Mailbox<UdpstpOrder>,
    mail: ServerMail,
    next_port: u16,
}

impl Ends {
    fn new(seed: u64, plan: UdpstpPlan, policy: UdpstpPolicy, path: &Impairments) -> Self {
        let near = Host::at(CLIENT).behind(Link::both(path));
        Self::between(seed, plan, policy, [near, Host::at(SERVER)])
    }

    fn between(seed: u64, plan: UdpstpPlan, policy: UdpstpPolicy, hosts: [Host; 2]) -> Self {
        let mut network = Network::new(seed);
        let [near, far] = hosts.map(|host| network.add(host));
        let (orders, mail) = (Mailbox::new(), ServerMail::default());
        let server = UdpstpServer::new(policy, orders.clone(), mail.clone(), seed);
        let batch = || TxBatch::new(BATCH.0, BATCH.1);
        let socket = SimSocket::bound(address(SERVER, UDPSTP_PORT));
        let server = network.start_with(far, &[socket], server, batch());
        let sockets: Vec<SimSocket> = (0..plan.connections)
            .map(|index| SimSocket::bound(address(CLIENT, 40_000 + u16::from(index))))
            .collect();
        let client = UdpstpClient::new(plan, Vec::new());
        let client = network.start_with(near, &sockets, client, batch());
        Self { network, server_host: far, client, server, orders, mail, next_port: 50_000 }
    }

    fn step(&mut self) -> bool {
        let goes_on = self.network.step(DEADLINE);
        for command in self.mail.0.drain() {
            match command {
                UdpstpCommand::Open { test, .. } => {
                    self.next_port += 1;
                    let port = self.next_port;
                    let socket = SimSocket::bound(address(SERVER, port));
                    let socket = self.network.open_socket(self.server.id(), socket);
                    self.orders.push(UdpstpOrder::Opened { test, socket, port });
                    self.network.wake(self.server.id());
                }
                UdpstpCommand::Close { socket } => {
                    self.network.close_socket(self.server.id(), socket);
                }
            }
        }
        goes_on
    }

    fn run_until(&mut self, time: Nanos) {
        while self.network.instant() < time && self.step() {}
    }

    /// Runs the client to its end, and the server until it has no connection.
    fn finish(&mut self) -> (UdpstpReport, Vec<UdpstpInterval>) {
        while !self.network.is_over(self.client.id()) {
            assert!(self.step(), "hangs at {}", self.network.instant());
        }
        let now = self.network.now(self.client.id());
        let summary = self.client.finish(now);
        let last = self.network.instant() + Nanos::from_secs(8);
        self.run_until(last);
        assert_eq!(self.server.with(|server| server.connections()), 0);
        (summary.report, summary.sink)
    }

    fn log(&self) -> Vec<ServeRecord> {
        self.mail.1.drain().into_iter().map(|event| event.record).collect()
    }

    fn ends(&self) -> Vec<UdpstpEnd> {
        let ended = |record| match record {
            ServeRecord::UdpstpClosed { ended, .. } => Some(ended),
            _ => None,
        };
        self.log().into_iter().filter_map(ended).collect()
    }
}

fn run(seed: u64, plan: UdpstpPlan, path: &Impairments) -> (UdpstpReport, Vec<UdpstpEnd>) {
    let mut ends = Ends::new(seed, plan, UdpstpPolicy::default(), path);
    let (report, told) = ends.finish();
    assert!(told.len() <= report.intervals.len());
    (report, ends.ends())
}

#[test]
fn a_bottleneck_is_measured_with_1_to_24_connections() {
    for direction in DIRECTIONS {
        // With 24, each has 4 rows only.
        for (connections, mbps, percent) in [(1, 20, 3), (4, 40, 3), (24, 100, 8)] {
            let (report, ends) = run(3, short(direction, connections), &path(mbps));
            assert_eq!(report.failure, None, "{direction:?} {connections} {:?}", report.intervals);
            assert_eq!(ends, vec![UdpstpEnd::Done; usize::from(connections)]);
            let most = report.maximum.unwrap();
            let truth = mbps * 1_000_000;
            let off = most.ip_bits_per_second.abs_diff(truth);
            assert!(off * 100 <= truth * percent, "{direction:?} {connections}: {most:?}");
            assert_eq!(most.connections, connections);
            assert_eq!(report.intervals.len(), 5, "{direction:?} {connections}");
            // A round trip of 10 ms, as the other end tells it or this one has seen it.
            assert!((10..=13).contains(&(report.rtt_min_ns.unwrap() / 1_000_000)));
        }
    }
}

#[test]
fn both_algorithms_sizes_and_old_versions_measure_the_same() {
    for direction in DIRECTIONS {
        for (version, algorithm, traditional_mtu) in
            [(20, 1, false), (20, 0, true), (11, 0, false), (19, 1, true)]
        {
            let params = TestParams { algorithm, time_s: 5, ..TestParams::default() };
            let modifiers = Modifiers { jumbo: false, traditional_mtu };
            let plan = UdpstpPlan { version, modifiers, params, ..plan(direction, 1) };
            // Where it doubles, a step back of 30 rows is much of a low rate.
            let mbps = if algorithm == 1 { 100 } else { 20 };
            let (report, ends) = run(5, plan, &path(mbps));
            assert_eq!((report.failure, &ends[..]), (None, &[UdpstpEnd::Done][..]));
            assert_eq!(report.version, version);
            let rate = report.maximum.unwrap().ip_bits_per_second;
            let truth = mbps * 1_000_000;
            assert!(rate.abs_diff(truth) * 100 <= truth * 3, "{version} {algorithm}: {rate}");
        }
    }
}

#[test]
fn loss_is_counted_as_the_path_had_it() {
    for direction in DIRECTIONS {
        let fixed = TestParams { row: Some(10), time_s: 5, ..TestParams::default() };
        let plan = UdpstpPlan { params: fixed, ..plan(direction, 1) };
        let (report, _) = run(11, plan, &losing(5));
        assert_eq!(report.failure, None, "{direction:?}");
        let totals = report.totals.unwrap();
        let share = totals.lost as f64 / (totals.lost + totals.datagrams) as f64;
        assert!((0.03..0.07).contains(&share), "{direction:?} {share}");
        assert_eq!((totals.reordered, totals.duplicates), (0, 0));
        assert!(totals.datagrams > 4_000);
    }
}

#[test]
fn a_test_over_a_lossy_path_ends_in_time_and_succeeds() {
    for direction in DIRECTIONS {
        for seed in 0..crate::netsim::runs(4) {
            let (report, _) = run(seed, short(direction, 4), &losing(20));
            let is_told = report.failure.is_none_or(|failure| {
                matches!(
                    failure,
                    UdpstpFailure::NoReply { .. } | UdpstpFailure::NotActivated { .. }
                )
            });
            assert!(is_told, "seed {seed}: {:?}", report.failure);
            if report.failure.is_none() {
                assert!(report.intervals.len() >= 4, "seed {seed}: {:?}", report.intervals);
            }
        }
    }
}

#[test]
fn a_key_and_its_number_let_a_client_in() {
    let ring = KeyRing::read("1,first\n2,second").unwrap();
    let policy = || UdpstpPolicy { keys: Some(ring.clone()), ..UdpstpPolicy::default() };
    let with = |key: &str, key_id| {
        Some(ClientAuthentication { key_id, key: SharedKey::new(key.as_bytes()).unwrap() })
    };
    for version in [20, 11] {
        for (authentication, code) in [
            (with("second", 2), None),
            (with("first", 2), Some(7)),
            (with("second", 3), Some(7)),
            (None, Some(5)),
        ] {
            let plan = UdpstpPlan { version, authentication, ..short(DIRECTIONS[1], 2) };
            let mut ends = Ends::new(1, plan, policy(), &path(20));
            let (report, _) = ends.finish();
            let refused = match report.failure {
                Some(UdpstpFailure::Refused { response_code, .. }) => Some(response_code.0.code()),
                other => {
                    assert_eq!(other, None);
                    None
                }
            };
            assert_eq!(refused, code, "{version}");
            assert_eq!(report.maximum.is_some(), code.is_none());
        }
    }
    let plan = UdpstpPlan { authentication: with("first", 1), ..short(DIRECTIONS[0], 1) };
    let (report, _) = run(1, plan, &path(20));
    assert!(matches!(report.failure, Some(UdpstpFailure::Refused { .. })), "{report:?}");
}

#[test]
fn bandwidth_is_shared_out_and_kept_to() {
    let policy = UdpstpPolicy { bandwidth: Some(BitRate(20_000_000)), ..UdpstpPolicy::default() };
    for (stated, connections, code) in
        [(0, 1, Some(9)), (21, 1, Some(10)), (24, 2, Some(10)), (10, 1, None), (20, 4, None)]
    {
        let plan = UdpstpPlan { bandwidth_mbps: stated, ..short(DIRECTIONS[1], connections) };
        let mut ends = Ends::new(1, plan, policy.clone(), &path(100));
        let (report, _) = ends.finish();
        match (report.failure, code) {
            (Some(UdpstpFailure::Refused { response_code, .. }), Some(code)) => {
                assert_eq!(response_code.0.code(), code, "{stated}");
            }
            (None, None) => {
                let rate = report.maximum.unwrap().ip_bits_per_second;
                let most = u64::from(stated) * 1_000_000;
                assert!(rate <= most + most / 50 && rate >= most * 9 / 10, "{stated}: {rate}");
            }
            other => panic!("{stated}: {other:?}"),
        }
    }
}

#[test]
fn a_user_who_ends_a_test_ends_it_at_both_ends() {
    for direction in DIRECTIONS {
        let plan = plan(direction, 2);
        let mut ends = Ends::new(2, plan, UdpstpPolicy::default(), &path(20));
        ends.run_until(Nanos::from_secs(3));
        ends.network.stop(ends.client.id());
        let stopped = ends.network.instant();
        while !ends.network.is_over(ends.client.id()) {
            assert!(ends.step());
        }
        assert!(ends.network.instant() - stopped < Nanos::from_millis(200));
        let (report, _) = ends.finish();
        assert_eq!((report.failure, report.interrupted), (None, true));
        assert!(report.intervals.len() >= 2, "{direction:?} {:?}", report.intervals);
        assert_eq!(ends.ends(), [UdpstpEnd::Early; 2]);
    }
}

#[test]
fn a_peer_that_is_gone_is_given_up_after_three_seconds() {
    for direction in DIRECTIONS {
        let mut ends = Ends::new(2, plan(direction, 1), UdpstpPolicy::default(), &path(20));
        ends.run_until(Nanos::from_secs(4));
        ends.network.kill(ends.server.id());
        while !ends.network.is_over(ends.client.id()) {
            assert!(ends.step());
        }
        let gone = ends.network.instant() - Nanos::from_secs(4);
        assert!((2_900..3_200).contains(&(gone.0 / 1_000_000)), "{gone}");
        let now = ends.network.now(ends.client.id());
        let report = ends.client.finish(now).report;
        assert_eq!(report.failure, Some(UdpstpFailure::Silent { waited_ns: 3_000_000_000 }));

        let mut ends = Ends::new(2, plan(direction, 1), UdpstpPolicy::default(), &path(20));
        ends.run_until(Nanos::from_secs(4));
        ends.network.kill(ends.client.id());
        ends.run_until(Nanos::from_secs(8));
        assert_eq!(ends.server.with(|server| server.connections()), 0);
        assert_eq!(ends.ends(), [UdpstpEnd::Silent]);
    }
}

#[test]
fn a_host_without_a_server_is_told_from_one_that_is_silent() {
    let silent = Host::at("192.0.2.8");
    let closed = Host::at("192.0.2.8").telling_closed_ports(ErrorBudget::unlimited());
    for (host, is_closed) in [(silent, false), (closed, true)] {
        let target = address("192.0.2.8", UDPSTP_PORT);
        let plan = UdpstpPlan { target, ..short(DIRECTIONS[0], 1) };
        let near = Host::at(CLIENT);
        let mut ends = Ends::between(1, plan, UdpstpPolicy::default(), [near, Host::at(SERVER)]);
        ends.network.add(host);
        let (report, _) = ends.finish();
        match report.failure {
            Some(UdpstpFailure::PortClosed { .. }) => assert!(is_closed),
            Some(UdpstpFailure::NoReply { waited_ns, .. }) => {
                assert_eq!((is_closed, waited_ns), (false, 5_000_000_000));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Loses the first PDU of a kind on the way to the client.
fn losing_first(pdu: Pdu, len: usize) -> Host {
    let mut is_lost = false;
    Host::at(CLIENT).behind_rule(move |_, way, packet: &mut Packet| {
        let payload = packet.payload().unwrap_or_default();
        let is_it = way == Line::Back && Pdu::of(payload) == Some(pdu) && payload.len() == len;
        let lets_in = is_lost || !is_it;
        is_lost |= is_it;
        lets_in
    })
}

#[test]
fn lost_answers_of_the_dialogue_do_not_end_a_test() {
    for direction in DIRECTIONS {
        for (pdu, len) in [(Pdu::Setup, 56), (Pdu::Activation, 104)] {
            let hosts = [losing_first(pdu, len), Host::at(SERVER)];
            let plan = UdpstpPlan { bandwidth_mbps: 10, ..short(direction, 1) };
            let mut ends = Ends::between(1, plan, UdpstpPolicy::default(), hosts);
            let (report, _) = ends.finish();
            assert_eq!(report.failure, None, "{direction:?} {pdu:?}");
            assert_eq!(ends.ends(), [UdpstpEnd::Done], "one connection, not two");
            assert!(report.intervals.len() >= 4);
        }
    }
}

/// What went between both hosts before the activation: bytes to the server, and to the client.
fn before_activation(policy: UdpstpPolicy, key: Option<ClientAuthentication>) -> (usize, usize) {
    let counts = Rc::new(RefCell::new((0, 0, false)));
    let counted = Rc::clone(&counts);
    let near = Host::at(CLIENT).behind_rule(move |_, way, packet: &mut Packet| {
        let payload = packet.payload().unwrap_or_default();
        let mut counts = counted.borrow_mut();
        counts.2 |= Pdu::of(payload) == Some(Pdu::Activation);
        if !counts.2 {
            match way {
                Line::Out => counts.0 += payload.len(),
                Line::Back => counts.1 += payload.len(),
            }
        }
        // The client never learns of its port.
        way == Line::Out
    });
    let plan = UdpstpPlan { authentication: key, ..short(DIRECTIONS[1], 3) };
    let mut ends = Ends::between(1, plan, policy, [near, Host::at(SERVER)]);
    let (report, _) = ends.finish();
    assert!(matches!(report.failure, Some(UdpstpFailure::NoReply { .. })));
    let (out, back, _) = *counts.borrow();
    (out, back)
}

#[test]
fn an_address_that_is_not_proven_gets_no_more_bytes_than_came_from_it() {
    let (out, back) = before_activation(UdpstpPolicy::default(), None);
    assert!(back > 0 && back <= out, "{back} of {out}");
    // Who has the key, or is allowed by name, has the Null Request as well.
    let keys = Some(KeyRing::read("0,key").unwrap());
    let policy = UdpstpPolicy { keys, ..UdpstpPolicy::default() };
    let key = SharedKey::new(b"key").unwrap();
    let (out, back) = before_activation(policy, Some(ClientAuthentication { key_id: 0, key }));
    assert!(back > out);
    let serve = ServePolicy { allow: vec!["192.0.2.0/24".parse().unwrap()], ..Default::default() };
    let (out, back) = before_activation(UdpstpPolicy { serve, ..Default::default() }, None);
    assert!(back > out);
}

#[test]
fn a_client_that_is_not_allowed_gets_no_answer() {
    let serve = ServePolicy { allow: vec!["10.0.0.0/8".parse().unwrap()], ..Default::default() };
    let policy = UdpstpPolicy { serve, ..UdpstpPolicy::default() };
    let mut ends = Ends::new(1, short(DIRECTIONS[0], 1), policy, &path(20));
    let (report, _) = ends.finish();
    assert!(matches!(report.failure, Some(UdpstpFailure::NoReply { .. })));
}

#[test]
fn stray_and_altered_datagrams_harm_neither_end() {
    for direction in DIRECTIONS {
        let mut rng = fastrand::Rng::with_seed(9);
        let near = Host::at(CLIENT).behind_rule(move |_, _, packet: &mut Packet| {
            if let crate::netsim::Content::Udp(payload) = &mut packet.content
                && rng.u8(..) < 3
                && !payload.is_empty()
            {
                let at = rng.usize(..payload.len().min(204));
                payload[at] = rng.u8(..);
            }
            true
        });
        let plan = UdpstpPlan { bandwidth_mbps: 10, ..short(direction, 2) };
        let mut ends = Ends::between(1, plan, UdpstpPolicy::default(), [near, Host::at(SERVER)]);
        let mut rng = fastrand::Rng::with_seed(10);
        for step in 0..2_000_u64 {
            let at = Nanos::from_millis(step * 2);
            let to = if rng.bool() {
                address(SERVER, [UDPSTP_PORT, 50_001, 50_002][rng.usize(..3)])
            } else {
                address(CLIENT, 40_000 + rng.u16(..2))
            };
            let from = address([SERVER, CLIENT, "203.0.113.5"][rng.usize(..3)], rng.u16(1..));
            let kinds = [0xACE1_u16, 0xACE2, 0xBEEF, 0xDEAD, 0xFEED];
            let lengths = [32, 48, 56, 60, 104, 168, 204];
            let mut payload: Vec<u8> = (0..lengths[rng.usize(..7)]).map(|_| rng.u8(..)).collect();
            payload[..2].copy_from_slice(&kinds[rng.usize(..5)].to_be_bytes());
            ends.network.inject(at, Packet::udp(from, to, payload));
        }
        let (report, _) = ends.finish();
        assert!(report.failure.is_none() || report.totals.is_some(), "{:?}", report.failure);
        let _ = ends.server_host;
    }
}
