//! Scans of simulated hosts with given ports, rate limits and loss.

use super::{ScanPlan, ScanSession};
use crate::batch::{
    Datagram, Dest, ErrorOrigin, LocalCause, NetworkError, RxEntry, SendOutcome, TxBatch,
};
use crate::impair::{Chance, Delay, Impairments, Jitter, Loss};
use crate::machine::{Next, Now, Session};
use crate::netsim::{
    Content, ErrorBudget, Host, Link, Network, Responder, Router, RouterRule, SimSocket, Weather,
    runs,
};
use crate::record::probe::{
    PortState, PortsStopped, ScanAlternative, ScanCaveat, ScanEvidence, ScanReport, ScanVerdict,
    ScannedPort,
};
use crate::session::simulation::fault_matrix::{Machine, Trial, never_fails};
use crate::units::Nanos;
use crate::wire::service::Service;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

const TARGET: [u8; 4] = [192, 0, 2, 9];
const ROUTER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

/// Reaction of a port to a question.
#[derive(Clone, Copy, Debug)]
enum Port {
    /// Returns the same bytes.
    Echo,
    /// Sends one byte, which is not a valid answer of any service.
    Babble,
    /// Answers like TFTP: from a new port.
    Tftp,
    Closed,
    /// Closed, but the error is lost on the way back.
    Muffled,
    Silent,
    /// The router sends this type and code.
    Rejected(u8, u8),
    /// This host refuses to send there.
    Unsendable,
}

/// A host and the way to it.
struct World {
    ports: HashMap<u16, Port>,
    /// Burst of errors, and the time per error.
    burst: u64,
    refill: Nanos,
    round_trip: Nanos,
    /// Loss rate of datagrams and of answers.
    loss: [f64; 2],
    seed: u64,
    /// When somebody else had all errors of the target and the router.
    spent: Option<Nanos>,
    /// When questions were sent.
    sent: Vec<Nanos>,
}

impl World {
    /// Linux's limit, 2 ms away.
    fn linux(ports: impl IntoIterator<Item = (u16, Port)>) -> Self {
        Self {
            ports: ports.into_iter().collect(),
            burst: 6,
            refill: Nanos::from_secs(1),
            round_trip: Nanos::from_millis(2),
            loss: [0.0; 2],
            seed: 1,
            spent: None,
            sent: Vec::new(),
        }
    }

    fn plan(&self) -> ScanPlan {
        ScanPlan {
            host: "there".to_owned(),
            target: (TARGET, 0).into(),
            local: None,
            ports: self.ports.keys().copied().collect(),
            service: None,
            tries: 3,
            wait: Nanos::from_millis(200),
            per_second: 300,
            time: Nanos::from_secs(600),
            seed: 7,
        }
    }

    fn budget(&self) -> ErrorBudget {
        let budget = ErrorBudget::new(self.burst, self.refill);
        self.spent.map_or(budget, |at| budget.spent(at))
    }

    /// The near host, behind a link and a router that filters.
    fn near(&self) -> Host {
        let way = |share: f64| Impairments {
            loss: Loss::Independent(Chance::per_million((share * 1e6) as u32)),
            delay: Delay { base: Nanos(self.round_trip.0 / 2), jitter: Jitter::None },
            ..Impairments::default()
        };
        let rejected = self.ports.iter().filter_map(|(port, behaviour)| match behaviour {
            Port::Rejected(kind, code) => Some((*port, RouterRule::Reject(*kind, *code))),
            _ => None,
        });
        let router = Router { errors: Some(self.budget()), ..Router::at(ROUTER) }.except(rejected);
        let muffled = |port: &u16| matches!(self.ports.get(port), Some(Port::Muffled));
        let muffled: Vec<u16> = self.ports.keys().copied().filter(muffled).collect();
        let unsendable = |port: &u16| matches!(self.ports.get(port), Some(Port::Unsendable));
        let unsendable: Vec<u16> = self.ports.keys().copied().filter(unsendable).collect();
        Host::at("192.0.2.1")
            .and("fe80::1")
            .refusing(move |_, dest, _| unsendable.contains(&dest.addr.port()).then_some(1))
            .behind(Link::new(way(self.loss[0]), way(self.loss[1])))
            .behind_rule(move |_, _, packet| match &packet.content {
                Content::Icmp(icmp) => !muffled.contains(&icmp.to.port()),
                Content::Udp(_) => true,
            })
            .behind(router)
    }

    /// Puts the target on the network, with what its ports do.
    fn place_target(&self, network: &mut Network, address: IpAddr, weather: &Weather) {
        let budget = self.budget();
        let host = Host::at(&address.to_string()).telling_closed_ports(budget);
        let host = network.add(weather.far(host));
        let is_bound = |(_, port): &(u16, Port)| !matches!(port, Port::Closed | Port::Muffled);
        let bound = self.ports.iter().map(|(number, port)| (*number, *port)).filter(is_bound);
        let (mut numbers, ports): (Vec<u16>, Vec<Port>) = bound.unzip();
        let other = numbers.len();
        let answer = move |_: Now, datagram: &Datagram<'_>, queue: &mut Replies| {
            let back = Dest::back_to(&datagram.meta);
            let reply = match ports.get(datagram.meta.socket) {
                Some(Port::Echo) => (back, datagram.payload.to_vec()),
                Some(Port::Babble) => (back, vec![0]),
                Some(Port::Tftp) => {
                    let reply = b"\0\x05\0\x01File not found\0".to_vec();
                    (Dest { socket: other, ..back }, reply)
                }
                _ => return,
            };
            queue.push_back(reply);
        };
        numbers.push(40_000);
        let socket = |port: &u16| SimSocket::bound((address, *port).into());
        let sockets: Vec<_> = numbers.iter().map(socket).collect();
        network.start(host, &sockets, Responder::new(answer));
    }

    fn scan(&mut self, plan: ScanPlan) -> ScanReport {
        self.scan_under(plan, None).0
    }

    /// The same with weather between the router and the target; returns when it was over, too.
    fn scan_under(&mut self, plan: ScanPlan, weather: Option<&Weather>) -> (ScanReport, Nanos) {
        let target = plan.target.ip();
        let mut network = Network::new(self.seed);
        let near = match weather {
            Some(weather) => weather.near(self.near(), [203, 0, 113, 9].into()),
            None => self.near(),
        };
        let near = network.add(near);
        self.place_target(&mut network, target, weather.unwrap_or(&Weather::default()));
        let any = if target.is_ipv6() { "[::]:7" } else { "0.0.0.0:7" };
        let socket = SimSocket::bound(any.parse().expect("an address"));
        let session = ScanSession::new(plan);
        let running = network.start_with(near, &[socket], session, TxBatch::new(4, 4_096));
        let report = network.finish(&running, Nanos::from_secs(2_000));
        let passages = &network.host(near).link().out.passages;
        self.sent = passages.iter().map(|passage| passage.at).collect();
        (report, network.instant())
    }
}

type Replies = VecDeque<(Dest, Vec<u8>)>;

fn find(report: &ScanReport, port: u16) -> &ScannedPort {
    report.ports.iter().find(|one| one.port == port).expect("every port is reported")
}

/// The correct state of a port.
fn truth(port: Port) -> PortState {
    match port {
        Port::Echo | Port::Babble | Port::Tftp => PortState::Open,
        Port::Closed => PortState::Closed,
        Port::Rejected(..) => PortState::Filtered,
        Port::Silent | Port::Muffled => PortState::Silent,
        Port::Unsendable => PortState::Unknown,
    }
}

fn assert_true(world: &World, report: &ScanReport, what: &str) {
    for (port, behaviour) in &world.ports {
        let found = find(report, *port);
        assert_eq!(found.state, truth(*behaviour), "{what}: {behaviour:?} {found:?}");
    }
}

#[test]
fn a_host_behind_no_filter_has_open_and_closed_ports_and_nothing_else() {
    let mut world = World::linux([(5000, Port::Echo), (5001, Port::Closed), (69, Port::Tftp)]);
    let report = world.scan(world.plan());
    assert_true(&world, &report, "no filter");
    let counted = ScanVerdict::Counted {
        open: 2,
        closed: 1,
        filtered: Vec::new(),
        ttl_exceeded: None,
        routing_loop: None,
        silent: 0,
        unknown: 0,
    };
    assert_eq!(report.findings.verdict, counted);
}

#[test]
fn each_port_is_told_with_who_spoke_and_what_was_said() {
    let mut world = World::linux([
        (69, Port::Tftp),
        (53, Port::Babble),
        (5000, Port::Echo),
        (5001, Port::Closed),
        (5002, Port::Silent),
        (5003, Port::Rejected(3, 13)),
        (5004, Port::Rejected(3, 3)),
        (5005, Port::Unsendable),
    ]);
    let report = world.scan(world.plan());
    assert_true(&world, &report, "one of each");
    let tftp = find(&report, 69);
    assert_eq!(tftp.answer.as_deref(), Some("error 1: File not found"));
    assert_eq!(tftp.answered_from, Some(SocketAddr::from((TARGET, 40_000)).into()));
    assert_eq!((find(&report, 53).answer.clone(), find(&report, 53).answer_bytes), (None, Some(1)));
    assert_eq!(find(&report, 5000).answer.as_deref(), Some("echo"));
    let closed = find(&report, 5001);
    assert_eq!(closed.icmp.and_then(|icmp| icmp.from), Some(TARGET.into()));
    assert_eq!(closed.round_trip_ns, Some(2_000_000));
    let filtered = find(&report, 5003).icmp.expect("an error");
    assert_eq!((filtered.icmp_type, filtered.icmp_code), (3, 13));
    assert_eq!(filtered.from, Some(ROUTER));
    assert_eq!(find(&report, 5002).silent_tries, 3);
    let not_sent = find(&report, 5005).not_sent.clone().expect("a reason");
    assert_eq!((not_sent.errno, &not_sent.cause), (1, &LocalCause::PacketFilter));
    let filtered = vec![PortsStopped { ports: 2, from: Some(ROUTER) }];
    let counted = ScanVerdict::Counted {
        open: 3,
        closed: 1,
        filtered,
        ttl_exceeded: None,
        routing_loop: None,
        silent: 1,
        unknown: 1,
    };
    assert_eq!(report.findings.verdict, counted);
    assert!(report.findings.alternatives.contains(&ScanAlternative::ClosedBehindNat));
    let caveat = ScanCaveat::NotSent { ports: 1, cause: not_sent };
    assert!(report.findings.caveats.contains(&caveat), "{:?}", report.findings);
}

#[test]
fn a_limit_of_icmp_errors_is_never_read_as_silence() {
    let closed = (5000..5040).map(|port| (port, Port::Closed));
    let silent = (5040..5060).map(|port| (port, Port::Silent));
    let mut world = World::linux(closed.chain(silent));
    let report = world.scan(world.plan());
    assert_true(&world, &report, "40 closed, 20 silent");
    // Six at once, 34 in as many seconds, and the last tries.
    assert!(report.duration_ns < 39_000_000_000, "{}", report.duration_ns);
    assert!(report.icmp_limited);
    let rate = report.icmp_per_second_milli.expect("a rate");
    assert!((850..=1_000).contains(&rate), "{rate}");
    let limited = ScanEvidence::IcmpLimited { per_second_milli: Some(rate) };
    assert!(report.findings.evidence.contains(&limited), "{:?}", report.findings);
}

#[test]
fn a_host_without_a_limit_and_one_that_is_all_silent_are_done_in_a_few_seconds() {
    let mixed =
        (5000..5200).map(|port| (port, if port % 2 == 0 { Port::Closed } else { Port::Silent }));
    let mut world = World { refill: Nanos(1), burst: 1_000_000, ..World::linux(mixed) };
    let report = world.scan(world.plan());
    assert_true(&world, &report, "no limit");
    assert!(!report.icmp_limited);
    assert!(report.duration_ns < 7_000_000_000, "{}", report.duration_ns);
    let limit = ScanAlternative::FlowLimit;
    assert!(report.findings.alternatives.contains(&limit), "{:?}", report.findings);
    let mut world = World::linux((5000..5200).map(|port| (port, Port::Silent)));
    let report = world.scan(world.plan());
    assert_true(&world, &report, "all silent");
    assert!(report.duration_ns < 5_000_000_000, "{}", report.duration_ns);
    assert_eq!(report.sent, 600);
    let closed = ScanAlternative::ClosedWithoutIcmp;
    assert!(report.findings.alternatives.contains(&closed), "{:?}", report.findings);
    assert!(!report.findings.alternatives.contains(&limit), "{:?}", report.findings);
}

#[test]
fn a_slower_limit_than_linuxs_is_learned_where_the_tries_span_it() {
    for (tries, seconds) in [(3, 2), (6, 3)] {
        let ports =
            (5000..5012).map(|port| (port, if port < 5008 { Port::Closed } else { Port::Silent }));
        let mut world =
            World { refill: Nanos::from_secs(seconds), burst: 1, ..World::linux(ports) };
        let report = world.scan(ScanPlan { tries, ..world.plan() });
        assert_true(&world, &report, &format!("one in {seconds} s"));
    }
}

#[test]
fn under_loss_no_port_is_called_what_it_is_not() {
    let mut total = 0;
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut behaviour = || match rng.u8(0..5) {
            0 => Port::Echo,
            1 => Port::Closed,
            2 => Port::Rejected(3, 10),
            3 => Port::Babble,
            _ => Port::Silent,
        };
        let ports: Vec<_> = (5000..5020).map(|port| (port, behaviour())).collect();
        let mut world = World { loss: [0.05; 2], seed, ..World::linux(ports) };
        let report = world.scan(ScanPlan { tries: 5, ..world.plan() });
        assert_true(&world, &report, &format!("seed {seed}"));
        total += report.lost;
    }
    assert!(total > 0, "no loss was seen in 40 scans that had it");
}

#[test]
fn a_scan_ends_in_its_time_and_says_what_it_did_not_get_to() {
    let mut world = World::linux((1..=2_000).map(|port| (port, Port::Closed)));
    let plan = ScanPlan { time: Nanos::from_secs(20), ..world.plan() };
    let report = world.scan(plan);
    assert!(report.duration_ns <= 20_100_000_000, "{}", report.duration_ns);
    assert_eq!(report.silent, 0);
    assert_eq!(report.closed + report.unknown, 2_000);
    assert!((20..30).contains(&report.closed), "{}", report.closed);
    let in_vain = |one: &ScanCaveat| match *one {
        ScanCaveat::OutOfTime { ports, time_ns, needed_ns } => {
            let needed = needed_ns.is_some_and(|needed| needed > time_ns);
            needed && (ports, time_ns) == (report.unknown, 20_000_000_000)
        }
        _ => false,
    };
    assert!(report.findings.caveats.iter().any(in_vain), "{:?}", report.findings);
}

#[test]
fn no_more_questions_leave_in_a_second_than_may() {
    let mut world = World::linux((5000..5100).map(|port| (port, Port::Silent)));
    let report = world.scan(ScanPlan { per_second: 50, ..world.plan() });
    assert_true(&world, &report, "slowly");
    for pair in world.sent.windows(51) {
        assert!(pair[50] - pair[0] >= Nanos::from_millis(999), "{pair:?}");
    }
}

#[test]
fn a_port_that_answers_late_is_open_whatever_was_said_before() {
    let mut session = ScanSession::new(World::linux([(5000, Port::Silent)]).plan());
    let mut batch = TxBatch::new(1, 2_048);
    let now = |ms| Now { mono: Nanos::from_millis(ms), real: Nanos::from_millis(ms) };
    let accepted = SendOutcome { accepted: 1, stop: None };
    session.poll_transmit(now(0), &mut batch);
    session.on_sent(now(0), &batch, &accepted);
    let to = SocketAddr::from((TARGET, 5000));
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 10), 113, to, b"");
    error.offender = Some(ROUTER);
    session.on_network_error(now(5), &error);
    // From another host's port, or a port not tested: irrelevant to this scan.
    let mut meta = RxEntry::default().meta;
    for source in [SocketAddr::from(([192, 0, 2, 8], 5000)), (TARGET, 5001).into(), to] {
        meta.source = source;
        meta.arrival = now(9).real;
        session.on_datagram(now(9), &Datagram { payload: b"x", true_len: 1, meta });
    }
    let report = session.finish(now(10));
    assert_eq!((find(&report, 5000).state, report.strays), (PortState::Open, 2));
}

#[test]
fn all_of_it_holds_over_ipv6() {
    let mut world = World::linux([(5000, Port::Echo), (5001, Port::Closed), (5002, Port::Silent)]);
    let target = "[fe80::9%3]:0".parse().expect("an address");
    let plan = ScanPlan { target, ..world.plan() };
    let report = world.scan(ScanPlan { service: Some(Service::Text), ..plan });
    assert_true(&world, &report, "IPv6");
    assert_eq!(find(&report, 5001).icmp.map(|icmp| icmp.icmp_code), Some(4));
}

#[test]
fn a_fast_limit_is_kept_pace_with() {
    // Over IPv6, Linux sends one error in 62 ms where its route to the asker is the default one.
    let ports =
        (5000..5060).map(|port| (port, if port < 5050 { Port::Closed } else { Port::Silent }));
    let mut world = World { refill: Nanos::from_millis(62), ..World::linux(ports) };
    let report = world.scan(world.plan());
    assert_true(&world, &report, "one in 62 ms");
    assert!(report.duration_ns < 8_000_000_000, "{}", report.duration_ns);
}

#[test]
fn a_port_whose_errors_get_lost_may_cost_others_theirs_but_makes_none_wrong() {
    let mut missed = 0;
    for seed in 0..40 {
        let ports = (5000..5020).map(|port| match port {
            5000..5012 => (port, Port::Closed),
            5012..5019 => (port, Port::Silent),
            _ => (port, Port::Muffled),
        });
        let mut world = World::linux(ports);
        let report = world.scan(ScanPlan { seed, ..world.plan() });
        for port in &report.ports {
            let closed = matches!(world.ports[&port.port], Port::Closed);
            missed += u64::from(closed && port.state == PortState::Silent);
            assert!(closed || port.state == PortState::Silent, "seed {seed}: {port:?}");
        }
        assert_eq!(report.unknown, 0, "seed {seed}");
    }
    // Of 480 that are closed.
    assert!(missed <= 2, "{missed}");
}

/// Median duration and number of wrongly classified ports, over `scans` scans.
fn scans(
    scans: u64,
    counts: [(usize, Port); 4],
    refill: Nanos,
    loss: f64,
) -> (Nanos, usize, usize) {
    let (mut took, mut wrong, mut all) = (Vec::new(), 0, 0);
    for seed in 0..scans {
        let ports = counts.iter().flat_map(|(count, port)| std::iter::repeat_n(*port, *count));
        let mut world =
            World { refill, loss: [loss; 2], seed, ..World::linux((5000..).zip(ports)) };
        let report = world.scan(ScanPlan { seed, ..world.plan() });
        took.push(report.duration_ns);
        all += report.ports.len();
        let truth = |one: &&ScannedPort| one.state != truth(world.ports[&one.port]);
        wrong += report.ports.iter().filter(truth).count();
    }
    took.sort_unstable();
    (Nanos(took[took.len() / 2]), wrong, all)
}

#[test]
fn a_scan_ends_two_errors_after_the_last_that_was_held_back_or_soon_where_none_was() {
    let kinds = [Port::Closed, Port::Silent, Port::Rejected(3, 13), Port::Echo];
    for (counts, refill, most) in [
        // Six at once and one a second; two more must be due for silent ports.
        ([20, 5, 3, 0], 1_000, 16_300),
        ([20, 0, 0, 0], 1_000, 14_100),
        ([10, 5, 4, 6], 1_000, 6_300),
        // Linux has more to send: after one second it would have had one for any other.
        ([3, 25, 1, 0], 1_000, 1_500),
        ([0, 30, 0, 2], 1_000, 2_600),
        ([20, 20, 1, 5], 62, 2_900),
    ] {
        let counts = [0, 1, 2, 3].map(|index: usize| (counts[index], kinds[index]));
        let refill = Nanos::from_millis(refill);
        let (took, wrong, _) = scans(20, counts, refill, 0.0);
        assert!(took <= Nanos::from_millis(most), "{counts:?}: {took:?}");
        assert_eq!(wrong, 0, "{counts:?}");
        // One datagram in a hundred, in either direction.
        let (_, wrong, all) = scans(40, counts, refill, 0.01);
        assert!(wrong * 1_000 <= all, "{counts:?}: {wrong} of {all}");
    }
}

#[test]
fn a_host_that_had_spent_its_icmp_errors_is_not_called_silent() {
    for count in [1, 4, 10] {
        for tries in [1, 2, 3, 5] {
            let mut world = World::linux((5000..5000 + count).map(|port| (port, Port::Closed)));
            // Somebody else used them all up just before.
            world.spent = Some(Nanos::ZERO);
            let report = world.scan(ScanPlan { tries, ..world.plan() });
            assert_true(&world, &report, &format!("{count} ports, {tries} tries"));
        }
    }
}

#[test]
fn a_ttl_that_ends_on_the_way_is_no_filter() {
    let mut world = World::linux([(5000, Port::Rejected(11, 0)), (5001, Port::Rejected(3, 13))]);
    let report = world.scan(world.plan());
    assert_eq!(find(&report, 5000).state, PortState::TtlExceeded);
    assert_eq!((report.filtered, report.ttl_exceeded), (1, 1));
    let ScanVerdict::Counted { ttl_exceeded, .. } = report.findings.verdict;
    assert_eq!(ttl_exceeded, Some(PortsStopped { ports: 1, from: Some(ROUTER) }));
    assert!(report.findings.alternatives.contains(&ScanAlternative::RoutingLoop));
}

#[test]
fn what_this_host_rejects_is_not_sent_and_not_silent() {
    let mut session = ScanSession::new(World::linux([(5000, Port::Silent)]).plan());
    let mut batch = TxBatch::new(1, 2_048);
    let mut at = Nanos::ZERO;
    for _ in 0..10_000 {
        let now = Now { mono: at, real: at };
        let next = session.poll_transmit(now, &mut batch);
        if !batch.is_empty() {
            session.on_sent(now, &batch, &SendOutcome { accepted: 1, stop: None });
            let to = SocketAddr::from((TARGET, 5000));
            let error = NetworkError::new(ErrorOrigin::Local, (3, 3), 111, to, b"");
            session.on_network_error(now, &error);
            batch.clear();
        }
        match next {
            Next::Done => break,
            Next::WaitUntil(until) => at = until.max(at + Nanos(1)),
            _ => at += Nanos(1),
        }
    }
    let report = session.finish(Now { mono: at, real: at });
    assert_eq!((report.sent, report.silent, report.unknown), (0, 0, 1));
    assert!(find(&report, 5000).not_sent.is_some());
}

#[test]
fn random_loss_filters_no_port_and_silence_beside_it_may_be_chance() {
    let shares = [0.0, 0.01, 0.05, 0.1, 0.3, 0.5];
    for loss in shares.into_iter().flat_map(|share| [[share; 2], [share, 0.0], [0.0, share]]) {
        for seed in 0..runs(4) {
            let kinds = [Port::Echo, Port::Closed, Port::Rejected(3, 10), Port::Babble];
            let silent = if seed % 2 == 0 { Port::Echo } else { Port::Silent };
            let kind = |port: u16| kinds.get(usize::from(port) % 5).copied().unwrap_or(silent);
            let ports = (5_000..5_015).map(|port| (port, kind(port)));
            let refill = Nanos::from_millis(if seed % 3 == 0 { 62 } else { 1_000 });
            let mut world = World { refill, loss, seed, ..World::linux(ports) };
            let report = world.scan(ScanPlan { seed, ..world.plan() });
            let mut lost = false;
            for port in &report.ports {
                let truth = truth(world.ports[&port.port]);
                let quiet = matches!(port.state, PortState::Silent | PortState::Unknown);
                assert!(port.state == truth || quiet, "{loss:?}, seed {seed}: {port:?}");
                lost |= quiet && truth != PortState::Silent;
            }
            let clean = loss.iter().all(|share| *share <= 0.0);
            assert!(!lost || !clean, "{loss:?}, seed {seed}: {report:#?}");
            let by_chance = |one: &ScanAlternative| matches!(one, ScanAlternative::Chance { .. });
            let chance = report.findings.alternatives.iter().any(by_chance);
            assert!(!chance || !clean, "{seed}: {report:#?}");
            // Silence by chance goes along with other losses, except in lucky runs.
            let seen = report.ports.iter().any(|port| port.answers > 0 && port.silent_tries > 0);
            assert!(!seen || report.silent == 0 || chance, "{loss:?}, seed {seed}: {report:#?}");
        }
    }
}

/// Under the matrix of faults, which are behind the router.
pub const SCAN: Machine = Machine {
    name: "probe scan",
    against: "a host with open, closed, rejected and silent ports",
    seeds: 2,
    event_at: Nanos::from_millis(300),
    ends_within: Nanos::from_secs(200),
    may_fail: never_fails,
    never: "calls a port open, closed or filtered that is not",
    run: meet_fault,
};

fn meet_fault(trial: &mut Trial<'_>) {
    let kinds = [Port::Echo, Port::Closed, Port::Rejected(3, 10), Port::Babble];
    let kind = |port: u16| kinds.get(usize::from(port) % 5).copied();
    let ports = (5_000..5_015).map(|port| (port, kind(port).unwrap_or(Port::Silent)));
    let seed = trial.seed;
    let mut world = World { seed, ..World::linux(ports) };
    let plan = ScanPlan { seed, ..world.plan() };
    let (report, at) = world.scan_under(plan, Some(&trial.weather()));
    let ScanReport { open, closed, filtered, ttl_exceeded, silent, unknown, .. } = report;
    let states = [open, closed, filtered, ttl_exceeded, silent, unknown].map(u64::from);
    trial.own_sum("ports = sum of their states", report.ports.len() as u64, &states);
    for port in &report.ports {
        let is_quiet = matches!(port.state, PortState::Silent | PortState::Unknown);
        // What was refused at its time was filtered then.
        let refused = trial.is_refused() && port.state == PortState::Filtered;
        let is_right = port.state == truth(world.ports[&port.port]) || refused;
        trial.never((port.port, port.state), !is_right && !is_quiet);
    }
    trial.conclude(at, None, &report.findings.verdict, &report);
}
