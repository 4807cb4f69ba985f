//! Traces over a path in memory: routers that answer, stay silent, reject, balance load.

use super::*;
use crate::batch::{CauseCode, Dest, IcmpMeaning, LocalCause, LocalSendFailure, RxEntry, SendStop};
use crate::impair::{Chance, Delay, Duplication, Impairments, Jitter, Loss};
use crate::netsim::{
    Element, ErrorBudget, Fault, Host, INSIDE, Link, Network, Responder, Router, RouterRule,
    RoutingLoop, SimSocket, Way, Weather, runs,
};
use crate::record::probe::{
    TraceAlternative, TraceCaveat, TraceDistance, TraceEnd, TraceEvidence, TraceIcmp, TraceSeen,
};
use crate::session::simulation::fault_matrix::{Machine, Trial};
use std::collections::VecDeque;
use std::net::SocketAddr;

const REAL: Nanos = Nanos(1_763_927_115_000_000_000);
const TARGET: &str = "192.0.2.99:8620";

/// Reaction of a hop to a datagram whose TTL expires there, or that it should forward.
#[derive(Clone, Copy, PartialEq)]
enum Hop {
    /// Replies, quoting this many bytes.
    Speaks(usize),
    Silent,
    /// Replies on TTL expiry, and rejects what it should forward.
    Forbids,
    /// Replies on TTL expiry, and drops what it should forward.
    Drops,
}

/// Reaction of the target.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Stamp,
    Echo,
    Closed,
    Silent,
}

#[derive(Clone)]
enum Word {
    Icmp(u8, u8, i32, usize),
    Reply(Vec<u8>),
}

struct Path {
    hops: Vec<Hop>,
    end: End,
    /// Answers of the first router that are lost, by their order.
    lost: Vec<usize>,
    /// Loss rate out and back, and the seed.
    loss: [f64; 2],
    seed: u64,
    /// Copies of each datagram, out and back; 1 for no duplication.
    copies: [usize; 2],
    /// From this hop on, the last routers pass a datagram among themselves forever; this many of
    /// them.
    turn: Option<u8>,
}

fn router(hop: u8) -> IpAddr {
    [192, 0, 2, hop].into()
}

/// One way's delay from one hop to the next.
const HOP_DELAY: Nanos = Nanos::from_micros(2_500);

impl Path {
    /// The near host behind its routers.
    fn near(&self) -> Host {
        let mut host = Host::at("10.0.0.5");
        for (index, hop) in self.routers().enumerate() {
            let way = |way: usize| match index {
                0 => self.faults(way),
                _ => Impairments { delay: DELAY, ..Impairments::default() },
            };
            host = host.behind(Link::new(way(0), way(1))).behind(hop);
        }
        let (first, lost) = (router(1), self.lost.clone());
        let mut answers = 0;
        host.line.insert(
            0,
            Element::Rule(Box::new(move |_, way, packet| {
                if way == Way::Out || packet.from.ip() != first {
                    return true;
                }
                answers += 1;
                !lost.contains(&(answers - 1))
            })),
        );
        let last = match self.hops.len() {
            0 => Link::new(self.faults(0), self.faults(1)),
            _ => Link::both(&Impairments { delay: DELAY, ..Impairments::default() }),
        };
        host = host.behind(last);
        let Some(turn) = self.turn else { return host };
        let last = self.hops.len() as u8;
        let routers = (last - turn + 1..=last).map(router).collect();
        host.behind(RoutingLoop { routers, hop_delay: Nanos::from_micros(100) })
    }

    /// The routers on the way.
    fn routers(&self) -> impl Iterator<Item = Router> {
        (1..).map(router).zip(&self.hops).map(|(address, hop)| {
            let speaks = Router { quotes: 64, ..Router::at(address) };
            match *hop {
                Hop::Speaks(quotes) => Router { quotes, ..speaks },
                Hop::Silent => speaks.silent(),
                Hop::Forbids => speaks.ruled(RouterRule::Reject(3, 13)),
                Hop::Drops => speaks.ruled(RouterRule::Drop),
            }
        })
    }

    fn faults(&self, way: usize) -> Impairments {
        let chance = Chance::per_million((self.loss[way] * 1e6) as u32);
        let more = self.copies[way] as u32 - 1;
        let share = if more > 0 { Chance::ALWAYS } else { Chance::NEVER };
        Impairments {
            loss: Loss::Independent(chance),
            duplication: Duplication { share, copies: more },
            delay: DELAY,
            ..Impairments::default()
        }
    }

    /// The far host with what it has at the port.
    fn place_target(&self, network: &mut Network, weather: &Weather) {
        let target: SocketAddr = TARGET.parse().unwrap();
        let host = weather.far(Host::at(&target.ip().to_string()));
        let host = network.add(host.telling_closed_ports(ErrorBudget::unlimited()));
        let end = self.end;
        let answer = move |_: Now, datagram: &Datagram<'_>, queue: &mut Replies| {
            let payload = datagram.payload;
            let reply = match end {
                End::Echo => payload.to_vec(),
                End::Stamp => {
                    let request = StampRequest::decode(payload).unwrap();
                    let ttl = datagram.meta.ttl.unwrap();
                    StampReply { seq: 0, request, ttl, ..StampReply::default() }.encode().to_vec()
                }
                End::Silent | End::Closed => return,
            };
            queue.push_back((Dest::back_to(&datagram.meta), reply));
        };
        if end != End::Closed {
            network.start(host, &[SimSocket::bound(target)], Responder::new(answer));
        }
    }
}

type Replies = VecDeque<(Dest, Vec<u8>)>;

const DELAY: Delay = Delay { base: HOP_DELAY, jitter: Jitter::None };

/// Runs a trace to its end; every answer takes 5 ms per hop.
fn trace(path: &Path, flows: usize, tries: u32) -> TraceReport {
    trace_under(path, flows, tries, None).0
}

/// The same with weather behind the last router; returns when it was over, too.
fn trace_under(
    path: &Path,
    flows: usize,
    tries: u32,
    weather: Option<&Weather>,
) -> (TraceReport, Nanos) {
    let sources: Vec<u16> = (0..flows as u16).map(|index| 40_000 + index).collect();
    let bound = |port: &u16| SimSocket::bound(([10, 0, 0, 5], *port).into());
    let sockets: Vec<_> = sources.iter().map(bound).collect();
    let session = TraceSession::new(TracePlan {
        target: TARGET.parse().unwrap(),
        sources,
        tries,
        hops: 30,
        wait: Nanos::from_millis(300),
        len: TracePlan::LEAST,
        fragmentation: None,
        ssid: 77,
        explain: LocalSendFailure::from_errno,
    });
    let (slots, bytes) = session.room();
    let mut network = Network::new(path.seed);
    let near = match weather {
        Some(weather) => weather.near(path.near(), [203, 0, 113, 9].into()),
        None => path.near(),
    };
    let near = network.add(near);
    path.place_target(&mut network, weather.unwrap_or(&Weather::default()));
    let running = network.start_with(near, &sockets, session, TxBatch::new(slots, bytes));
    let report = network.finish(&running, Nanos::from_secs(600));
    (report, network.instant())
}

/// A trace by hand with its first probes written, and when.
fn polled(explain: fn(i32, SocketAddr) -> LocalSendFailure) -> (TraceSession, TxBatch, Now) {
    let mut session = TraceSession::new(TracePlan {
        target: TARGET.parse().unwrap(),
        sources: vec![1],
        tries: 1,
        hops: 3,
        wait: Nanos::from_millis(300),
        len: TracePlan::LEAST,
        fragmentation: None,
        ssid: 77,
        explain,
    });
    let now = Now { mono: Nanos(5), real: REAL };
    let (slots, bytes) = session.room();
    let mut out = TxBatch::new(slots, bytes);
    session.poll_transmit(now, &mut out);
    (session, out, now)
}

fn deliver(
    session: &mut TraceSession,
    now: Now,
    (socket, from): (usize, IpAddr),
    word: Word,
    bytes: &[u8],
) {
    match word {
        Word::Icmp(kind, code, errno, quoted) => {
            let to = TARGET.parse().unwrap();
            let quote = &bytes[..quoted.min(bytes.len())];
            let told = (kind, code);
            let mut error = NetworkError::new(ErrorOrigin::Icmp, told, errno, to, quote);
            error.offender = Some(from);
            error.socket = socket;
            session.on_network_error(now, &error);
        }
        Word::Reply(payload) => {
            let mut meta = RxEntry::default().meta;
            meta.source = (from, 8620).into();
            meta.arrival = now.real;
            meta.socket = socket;
            let datagram = Datagram { payload: &payload, true_len: payload.len(), meta };
            session.on_datagram(now, &datagram);
        }
    }
}

fn path(hops: &[Hop], end: End) -> Path {
    Path {
        hops: hops.to_vec(),
        end,
        lost: Vec::new(),
        loss: [0.0; 2],
        seed: 0,
        copies: [1; 2],
        turn: None,
    }
}

const SPEAKS: Hop = Hop::Speaks(64);

/// The verdict on a trace whose flows all end in this way.
fn alike(flows: usize, end: TraceEnd) -> TraceVerdict {
    TraceVerdict::Alike { flows, end }
}

fn target() -> SocketAddr {
    TARGET.parse().unwrap()
}

fn hops(hops: u8) -> TraceDistance {
    TraceDistance { hops: Some(hops), hops_at_most: None }
}

fn at_most(hops: u8) -> TraceDistance {
    TraceDistance { hops: None, hops_at_most: Some(hops) }
}

/// The evidence of a trace with one flow.
fn seen(report: &TraceReport) -> Vec<&TraceSeen> {
    let told = |one: &TraceEvidence| assert_eq!(one.source_port, None, "of one flow");
    report.findings.evidence.iter().inspect(|one| told(one)).map(|one| &one.seen).collect()
}

#[test]
fn a_path_that_speaks_is_told_hop_by_hop_whatever_the_target_answers() {
    for (end, found) in [
        (End::Stamp, TraceEnd::Reached { target: target().into(), distance: hops(4) }),
        (End::Echo, TraceEnd::Reached { target: target().into(), distance: hops(4) }),
        (End::Closed, TraceEnd::PortClosed { target: target().into(), distance: hops(4) }),
    ] {
        let report = trace(&path(&[SPEAKS; 3], end), 1, 3);
        assert_eq!(report.findings.verdict, alike(1, found));
        let flow = &report.flows[0];
        let routers: Vec<_> = flow.hops.iter().map(|hop| hop.routers()[0]).collect();
        assert_eq!(routers, [router(1), router(2), router(3), target().ip()]);
        let trips = |hop: &crate::record::probe::TraceHop| {
            hop.tries.iter().map(|one| one.rtt_ns.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(trips(&flow.hops[1]), [10_000_000; 3]);
        assert_eq!(report.findings.alternatives, []);
    }
}

#[test]
fn a_path_that_drops_ends_after_the_last_router_that_speaks() {
    let report = trace(&path(&[SPEAKS, Hop::Drops, SPEAKS], End::Stamp), 1, 2);
    let beyond = alike(1, TraceEnd::NoReplyBeyond { hop: 2, routers: vec![router(2)] });
    assert_eq!(report.findings.verdict, beyond);
    assert_eq!(report.flows[0].last_heard, Some(2));
    let expected = [
        &TraceSeen::NoneBeyond { probes: 12, from_hop: 3, to_hop: 8 },
        &TraceSeen::FullTtlUnanswered { probes: 2 },
    ];
    assert_eq!(seen(&report), expected);
    let (hop, port) = (3, target().port());
    let expected = [
        TraceAlternative::TargetSilent { hop, port },
        TraceAlternative::RepliesLost { hop },
        TraceAlternative::Dropped { hop, port },
    ];
    assert_eq!(report.findings.alternatives, expected);
    let silent = trace(&path(&[SPEAKS, SPEAKS], End::Silent), 1, 2);
    assert_eq!(silent.findings.verdict, beyond);
    let deaf = trace(&path(&[Hop::Silent; 2], End::Silent), 1, 2);
    assert_eq!(deaf.findings.verdict, alike(1, TraceEnd::NoReply));
}

#[test]
fn a_router_that_forbids_is_named_with_its_hop() {
    let report = trace(&path(&[SPEAKS, Hop::Forbids, SPEAKS], End::Stamp), 1, 2);
    let icmp = TraceIcmp {
        icmp_type: Some(3),
        icmp_code: Some(13),
        meaning: Some(IcmpMeaning::CommunicationProhibited),
    };
    let stopped = TraceEnd::StoppedAt { hop: 2, router: router(2), icmp };
    assert_eq!(report.findings.verdict, alike(1, stopped));
}

#[test]
fn silent_hops_are_passed_over_however_many_there_are() {
    // Two tries do not show whether the last of them is a router or the target with lost answers: a
    // reflector does.
    let silent: Vec<u8> = (2..=10).collect();
    let target = target();
    for (end, found, silence) in [
        (
            End::Stamp,
            TraceEnd::Reached { target: target.into(), distance: hops(11) },
            TraceSeen::SilentRouters { hops: silent.clone() },
        ),
        (
            End::Echo,
            TraceEnd::Reached { target: target.into(), distance: at_most(11) },
            TraceSeen::SilentRoutersOrTarget { hops: silent.clone() },
        ),
        (
            End::Closed,
            TraceEnd::PortClosed { target: target.into(), distance: at_most(11) },
            TraceSeen::SilentRoutersOrTarget { hops: silent.clone() },
        ),
    ] {
        let mut all = vec![SPEAKS];
        all.extend([Hop::Silent; 9]);
        let report = trace(&path(&all, end), 1, 2);
        assert_eq!(report.findings.verdict, alike(1, found), "{report:?}");
        assert!(seen(&report).contains(&&silence), "{report:?}");
    }
    // More tries do.
    let path = path(&[SPEAKS, SPEAKS, SPEAKS, Hop::Silent], End::Closed);
    let report = trace(&path, 1, 10);
    let closed = TraceEnd::PortClosed { target: target.into(), distance: hops(5) };
    assert_eq!(report.findings.verdict, alike(1, closed), "{report:?}");
}

#[test]
fn routers_that_quote_nothing_are_asked_one_by_one() {
    for (quoted, end) in [(0, End::Echo), (0, End::Silent), (4, End::Stamp)] {
        let report = trace(&path(&[Hop::Speaks(quoted); 3], end), 1, 2);
        let flow = &report.flows[0];
        assert_eq!(flow.one_by_one, quoted == 0);
        for (index, hop) in flow.hops.iter().take(3).enumerate() {
            assert_eq!(hop.routers(), [router(index as u8 + 1)], "{quoted}");
            assert_eq!(hop.tries.len(), 2);
        }
        assert_eq!(flow.reached, end != End::Silent);
    }
}

#[test]
fn a_lost_answer_is_one_star_and_a_caveat() {
    let report = trace(&Path { lost: vec![1], ..path(&[SPEAKS, SPEAKS], End::Stamp) }, 1, 3);
    let answers: Vec<_> =
        report.flows[0].hops[0].tries.iter().map(|one| one.answer.is_some()).collect();
    assert_eq!(answers, [true, false, true]);
    let missing = TraceCaveat::RepliesMissing { unanswered: 1, probes: 9 };
    assert_eq!(report.findings.caveats[0], missing);
}

#[test]
fn flows_are_side_by_side_and_told_apart_by_their_ports() {
    let report = trace(&path(&[SPEAKS; 2], End::Stamp), 3, 1);
    let reached = TraceEnd::Reached { target: target().into(), distance: hops(3) };
    assert_eq!(report.findings.verdict, alike(3, reached));
    let ports: Vec<_> = report.flows.iter().map(|flow| flow.source_port).collect();
    assert_eq!(ports, [40_000, 40_001, 40_002]);
}

#[test]
fn strangers_are_left_alone() {
    let (mut session, out, now) = polled(LocalSendFailure::from_errno);
    let sent = out.payload(&out.slots()[0]).to_vec();
    session.on_sent(now, &out, &SendOutcome { accepted: 1, stop: None });
    let mut other = sent.clone();
    other[15] ^= 1;
    let icmp = Word::Icmp(3, 3, 111, 64);
    deliver(&mut session, now, (0, router(1)), icmp, &other);
    deliver(&mut session, now, (0, router(1)), Word::Reply(other.clone()), &other);
    deliver(&mut session, now, (0, router(1)), Word::Reply(b"hello".to_vec()), &[]);
    deliver(&mut session, now, (7, router(1)), Word::Reply(sent), &[]);
    let report = session.finish(now);
    assert!(report.flows[0].full_ttl.iter().all(|one| one.answer.is_none()), "{report:?}");
}

#[test]
fn a_routing_loop_is_named_with_its_routers_and_not_walked_to_the_end() {
    for (turn, from_hop) in [(2, 2), (3, 1)] {
        let looped = Path { turn: Some(turn), ..path(&[SPEAKS; 3], End::Stamp) };
        let report = trace(&looped, 1, 3);
        let routers = (from_hop..=3).map(router).collect();
        let looped = TraceEnd::RoutingLoop { from_hop, routers };
        assert_eq!(report.findings.verdict, alike(1, looped));
        let flow = &report.flows[0];
        assert!(!flow.reached && flow.hops.len() < 12, "{}", flow.hops.len());
        assert_eq!(report.findings.alternatives, []);
        let expired = |one: &&TraceSeen| matches!(one, TraceSeen::FullTtlExpired { from: Some(_) });
        assert_eq!(seen(&report).into_iter().filter(expired).count(), 1, "{report:?}");
    }
    // On a clean path the same router twice in a row is no loop.
    let mut flow = trace(&path(&[SPEAKS; 3], End::Silent), 1, 3).flows.remove(0);
    flow.hops[1].tries.iter_mut().for_each(|one| one.from = Some(router(1)));
    assert_eq!((flow.routing_loop.clone(), flow.find_loop()), (None, None));
}

#[test]
fn what_this_host_refuses_is_explained_by_its_state() {
    let explain = |errno, to| LocalSendFailure {
        cause: LocalCause::BlackholeRoute,
        ..LocalSendFailure::from_errno(errno, to)
    };
    let (mut session, out, now) = polled(explain);
    let stop = SendStop::Refused { datagrams: out.len(), errno: 22 };
    session.on_sent(now, &out, &SendOutcome { accepted: 0, stop: Some(stop) });
    let refusal = explain(22, target());
    assert_eq!(refusal.code(), CauseCode::BlackholeRoute);
    let verdict = session.finish(now).findings.verdict;
    assert_eq!(verdict, alike(1, TraceEnd::NotSent { cause: refusal }));
}

#[test]
fn a_clock_that_is_set_back_makes_no_round_trip_of_zero() {
    let (mut session, out, now) = polled(LocalSendFailure::from_errno);
    let sent = out.payload(&out.slots()[0]).to_vec();
    session.on_sent(now, &out, &SendOutcome { accepted: 1, stop: None });
    let later = Now { mono: Nanos(1_000_005), real: REAL - Nanos::from_secs(1) };
    deliver(&mut session, later, (0, target().ip()), Word::Reply(sent), &[]);
    let report = session.finish(later);
    let hops = report.flows[0].hops.iter().flat_map(|hop| &hop.tries);
    let trips = hops.chain(&report.flows[0].full_ttl).filter_map(|one| one.rtt_ns);
    assert_eq!(trips.collect::<Vec<_>>(), [1_000_000]);
}

/// Loss rates, in both directions and in one at a time, each with seeds.
fn losses(usual: u64) -> impl Iterator<Item = ([f64; 2], u64)> {
    let shares = [0.0, 0.01, 0.05, 0.1, 0.3, 0.5].into_iter();
    let losses = shares.flat_map(|share| [[share; 2], [share, 0.0], [0.0, share]]);
    losses.flat_map(move |loss| (0..runs(usual)).map(move |seed| (loss, seed)))
}

#[test]
fn random_loss_stops_nothing_and_makes_no_path_longer_than_it_is() {
    for (loss, seed) in losses(5) {
        for end in [End::Stamp, End::Echo, End::Closed] {
            let copies = [1 + seed as usize % 3, 1 + seed as usize / 3 % 3];
            let hops = [SPEAKS; 3].into_iter().take(seed as usize % 4).collect::<Vec<_>>();
            let truth = hops.len() as u8 + 1;
            let report = trace(&Path { loss, seed, copies, ..path(&hops, end) }, 1, 3);
            let context = || format!("{loss:?}, seed {seed}: {report:#?}");
            let flow = &report.flows[0];
            assert!(flow.distance.hops.is_none_or(|hops| hops == truth), "{}", context());
            assert!(flow.distance.hops_at_most.is_none_or(|most| most >= truth), "{}", context());
            assert!(flow.routing_loop.is_none() && flow.stopped_by().is_none(), "{}", context());
            let TraceVerdict::Alike { flows: 1, end: found } = &report.findings.verdict else {
                panic!("{}", context())
            };
            let silent = matches!(found, TraceEnd::NoReplyBeyond { .. } | TraceEnd::NoReply);
            let closed = matches!(found, TraceEnd::PortClosed { .. });
            let reached = matches!(found, TraceEnd::Reached { .. });
            assert!(reached || closed || silent, "{}", context());
            assert!(!silent || loss.iter().any(|share| *share > 0.1), "{}", context());
            if silent && report.flows[0].last_heard.is_some() {
                let explains = |one: &TraceAlternative| {
                    use TraceAlternative::{RandomLoss, TargetSilent};
                    matches!(one, TargetSilent { .. } | RandomLoss { .. })
                };
                assert!(report.findings.alternatives.iter().any(explains), "{}", context());
            }
            assert_eq!(closed, end == End::Closed && !silent, "{}", context());
            let copied = copies != [1, 1];
            assert!(copied || flow.copies == 0, "{}", context());
            assert!(
                !copied || loss.iter().any(|share| *share > 0.0) || flow.copies > 0,
                "{}",
                context()
            );
            for hop in &flow.hops {
                assert!(hop.tries.len() <= 3, "{}", context());
                let routers = hop.routers();
                let own = if hop.ttl < truth { router(hop.ttl) } else { report.target.ip() };
                assert!(routers.iter().all(|from| *from == own), "{}", context());
            }
        }
    }
}

/// Under the matrix of faults, which are behind the last of three routers.
pub const TRACE: Machine = Machine {
    name: "probe trace",
    against: "a STAMP reflector behind three routers",
    seeds: 2,
    event_at: Nanos::from_millis(30),
    ends_within: Nanos::from_secs(60),
    may_fail: Fault::may_fail_a_run,
    never: "names a router at another hop than its own, or loses one before the fault",
    run: meet_fault,
};

fn meet_fault(trial: &mut Trial<'_>) {
    let path = Path { seed: trial.seed, ..path(&[SPEAKS; 3], End::Stamp) };
    let (report, at) = trace_under(&path, 2, 4, Some(&trial.weather()));
    let refuses = trial.is_refused().then_some(INSIDE[0]);
    for flow in &report.flows {
        // The routers before the fault are all named.
        let known = |index: usize| [Some(router(index as u8 + 1)), Some(target().ip()), refuses];
        for (index, hop) in flow.hops.iter().enumerate() {
            let found = hop.routers();
            let is_right = found.iter().all(|found| known(index).contains(&Some(*found)));
            let is_target = index < 3 && found.contains(&target().ip());
            trial.never((index, &found), !is_right || is_target);
            let tries = hop.tries.len() as u64;
            trial.own_at_most("tries <= asked, of each hop", tries, 4);
        }
        trial.never(("silence after", flow.last_heard), flow.last_heard < Some(3));
    }
    let is_reached = report.flows.iter().all(|flow| flow.reached);
    let failure = (!is_reached).then_some(&"not reached" as &dyn std::fmt::Debug);
    trial.conclude(at, failure, &report.findings.verdict, &report);
}
