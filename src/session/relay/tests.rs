//! Tests of the relay on plain inputs, with sockets that exist on paper.

use super::*;
use crate::batch::{LocalSendFailure, SendOutcome, SendStop};
use crate::impair::{
    Bottleneck, Capacity, Chance, Delay, Duplication, Impairments, Jitter, Loss, Phase, QueueLimit,
};
use crate::record::RelaySummary;
use crate::units::BitRate;
use std::collections::BTreeSet;

pub(super) const CLIENT: &str = "192.0.2.1:4000";
pub(super) const OTHER: &str = "192.0.2.2:4000";
const LISTEN: &str = "198.51.100.1:9";

/// What left: the socket's peer, or the address of an answer's client; its header and payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    to: SocketAddr,
    from: Option<std::net::IpAddr>,
    pub(super) header: Header,
    payload: Vec<u8>,
}

/// A loop without sockets.
pub(super) struct Bench {
    pub(super) relay: Relay<Vec<RelayEvent>>,
    pub(super) now: Now,
    /// The peer of each open socket.
    peers: HashMap<usize, SocketAddr>,
    /// Peers whose sockets take nothing, that refuse everything, and that cannot be opened.
    full: BTreeSet<SocketAddr>,
    refusing: BTreeSet<SocketAddr>,
    unopened: BTreeSet<SocketAddr>,
    pub(super) sent: Vec<Sent>,
    closed: usize,
    /// Where each socket was to send from.
    sources: Vec<Option<SocketAddr>>,
}

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn target(text: &str) -> RelayTarget {
    let address = addr(text);
    RelayTarget { address, interface: 0, is_shared: address.ip().is_multicast() }
}

pub(super) fn plan(targets: &[&str]) -> RelayPlan {
    RelayPlan {
        outage: None,
        listeners: vec![RelayListener {
            address: addr(LISTEN),
            interfaces: Vec::new(),
            is_shared: false,
        }],
        targets: targets.iter().map(|text| target(text)).collect(),
        answers: AnswersFrom::First,
        flows_of: FlowsOf::EachClient,
        source: RelaySource::Relay,
        port_changes: Vec::new(),
        up: None,
        down: None,
        seed: 7,
        idle: Nanos::from_secs(10),
        most_flows: 4,
        ttl: RelayTtl::Router,
        dscp: None,
        ecn: None,
        allowed: Vec::new(),
        filters: Vec::new(),
        time: None,
        own: [addr(LISTEN).ip()].into_iter().collect(),
        explain: LocalSendFailure::from_errno,
    }
}

/// One phase without an end.
pub(super) fn phases(impairments: Impairments) -> Vec<Phase> {
    vec![Phase { length: None, impairments }]
}

impl Bench {
    pub(super) fn new(plan: RelayPlan) -> Self {
        let mut relay = Relay::new(plan, Vec::new());
        let now = Now { mono: Nanos::from_secs(1), real: Nanos::from_secs(1_000) };
        relay.on_start(now);
        let none = BTreeSet::new;
        Self {
            relay,
            now,
            peers: HashMap::new(),
            full: none(),
            refusing: none(),
            unopened: none(),
            sent: Vec::new(),
            closed: 0,
            sources: Vec::new(),
        }
    }

    pub(super) fn pass(&mut self, span: Nanos) {
        self.now.mono += span;
        self.now.real += span;
        while !self.relay.release(self.now) {
            self.flush();
        }
        self.flush();
    }

    pub(super) fn meta(&self, socket: usize, source: SocketAddr) -> RxMeta {
        RxMeta {
            source,
            destination: Some(addr(LISTEN).ip()),
            ttl: Some(64),
            tos: Some(0),
            arrival: self.now.real,
            socket,
            ..RxEntry::default().meta
        }
    }

    pub(super) fn come(&mut self, meta: RxMeta, payload: &[u8], stride: usize) {
        let len = payload.len();
        let entry = RxEntry { len, true_len: len, stride, meta };
        self.relay.on_buffer(self.now, &entry, payload);
        self.relay.release(self.now);
        self.flush();
    }

    pub(super) fn request(&mut self, client: &str, payload: &[u8]) {
        let meta = self.meta(0, addr(client));
        self.come(meta, payload, 0);
    }

    /// An answer by the socket of the flow that was opened as the `index`th towards a peer.
    pub(super) fn answer(&mut self, peer: &str, index: usize, payload: &[u8]) {
        let socket = self.sockets_of(peer)[index];
        let meta = self.meta(socket, addr(peer));
        self.come(meta, payload, 0);
    }

    pub(super) fn sockets_of(&self, peer: &str) -> Vec<usize> {
        let peer = addr(peer);
        let of = self.peers.iter().filter(|(_, to)| **to == peer);
        let mut all: Vec<usize> = of.map(|(number, _)| *number).collect();
        all.sort_unstable();
        all
    }

    fn carry_out(&mut self) {
        while let Some(order) = self.relay.next_order() {
            match order {
                SocketOrder::Open { number, to, .. } if self.unopened.contains(&to) => {
                    self.relay.on_open_failed(self.now, number, 24);
                }
                SocketOrder::Open { number, to, from, .. } => {
                    self.sources.push(from);
                    assert!(self.peers.insert(number, to).is_none(), "opened twice");
                    self.relay.on_opened(number, 50_000 + number as u16);
                }
                SocketOrder::Close { number } => {
                    assert!(self.peers.remove(&number).is_some(), "closed, but never open");
                    self.closed += 1;
                }
            }
        }
    }

    fn flush(&mut self) {
        self.carry_out();
        while let Some(run) = self.relay.next_run() {
            let peer = self.peers.get(&run.socket).copied();
            let batch = self.relay.batch();
            let is_in = |set: &BTreeSet<SocketAddr>, to: SocketAddr| set.contains(&to);
            let mut outcome = SendOutcome::default();
            for slot in batch.slots() {
                let dest = batch.dest(slot.dest);
                let to = dest.map(|dest| dest.addr).or(peer).expect("a destination");
                if is_in(&self.full, to) {
                    outcome.stop = Some(SendStop::Blocked);
                } else if is_in(&self.refusing, to) {
                    outcome.stop = Some(SendStop::Refused { datagrams: 1, errno: 101 });
                }
                if outcome.stop.is_some() {
                    break;
                }
                outcome.accepted += 1;
                let of_dest =
                    dest.map_or(Header::default(), |dest| Header { ttl: dest.ttl, tos: dest.tos });
                let header = run.header.unwrap_or(of_dest);
                let from = dest.and_then(|dest| dest.from);
                let payload = batch.payload(slot).to_vec();
                self.sent.push(Sent { to, from, header, payload });
            }
            self.relay.on_sent(self.now, run.socket, &outcome);
        }
        assert!(self.relay.batch().is_empty());
        let (up, down) = self.relay.totals();
        assert!(up.is_exact() && down.is_exact(), "{up:#?} {down:#?}");
        let queued: u64 = self.relay.destinations.rows().iter().map(|row| row.queued).sum();
        assert!(queued <= up.queued);
    }

    pub(super) fn to(&self, peer: &str) -> Vec<&[u8]> {
        let to = addr(peer);
        self.sent.iter().filter(|sent| sent.to == to).map(|sent| sent.payload.as_slice()).collect()
    }

    fn notes(&self) -> Vec<RelayNote> {
        let note = |event: &RelayEvent| match event {
            RelayEvent::Note(note) => Some(note.clone()),
            _ => None,
        };
        self.relay.sink.iter().filter_map(note).collect()
    }

    pub(super) fn finish(self) -> RelaySummary {
        let summary = self.relay.finish(self.now).summary;
        for (up, way) in [(true, &summary.up), (false, &summary.down)] {
            assert!(way.counts.is_exact(), "{way:#?}");
            let side = |flow: &crate::record::RelayFlow| if up { flow.up } else { flow.down };
            let mut sum = if up { summary.other_flows.up } else { summary.other_flows.down };
            for flow in &summary.flow_rows {
                assert!(side(flow).is_exact(), "{flow:#?}");
                sum.add(&side(flow));
            }
            assert_eq!(sum, way.counts, "the rows are not the whole");
        }
        summary
    }
}

pub(super) const A: &str = "203.0.113.1:9";
pub(super) const B: &str = "203.0.113.2:9";
const C: &str = "203.0.113.3:9";

#[test]
fn answers_find_their_way_back_to_each_client() {
    let mut bench = Bench::new(plan(&[A]));
    bench.request(CLIENT, b"one");
    bench.request(OTHER, b"two");
    bench.request(CLIENT, b"three");
    assert_eq!(bench.to(A), [&b"one"[..], b"two", b"three"]);
    assert_eq!(bench.sockets_of(A).len(), 2, "a socket for each client");
    bench.answer(A, 1, b"to two");
    bench.answer(A, 0, b"to one");
    assert_eq!((bench.to(CLIENT), bench.to(OTHER)), (vec![&b"to one"[..]], vec![&b"to two"[..]]));
    let done = bench.finish();
    assert_eq!((done.flows, done.up.counts.forwarded, done.down.counts.forwarded), (2, 3, 2));
    assert_eq!(done.up.counts.forwarded_bytes, 11);
    assert_eq!(done.caveats, []);
}

#[test]
fn a_coalesced_buffer_goes_on_as_one_and_is_counted_by_datagrams() {
    let mut bench = Bench::new(plan(&[A, B]));
    let meta = bench.meta(0, addr(CLIENT));
    bench.come(meta, b"aabbccd", 2);
    let parts = [&b"aa"[..], b"bb", b"cc", b"d"];
    assert_eq!((bench.to(A), bench.to(B)), (parts.to_vec(), parts.to_vec()));
    let done = bench.finish();
    let up = done.up.counts;
    assert_eq!((up.received, up.copies, up.forwarded, up.forwarded_bytes), (4, 4, 8, 14));
    assert_eq!(done.destination_rows[1].forwarded_bytes, 7);
}

#[test]
fn a_full_destination_keeps_its_own_queue_and_no_other_waits() {
    let mut bench = Bench::new(plan(&[A, B]));
    bench.full.insert(addr(A));
    for number in 0..10_000_u32 {
        bench.request(CLIENT, &number.to_be_bytes());
    }
    assert_eq!((bench.to(A).len(), bench.to(B).len()), (0, 10_000));
    let rows = bench.relay.destinations.rows();
    assert_eq!(rows[0].queued + rows[0].refused.queue_full, 10_000);
    assert!(rows[0].queued >= 1_000, "{}", rows[0].queued);
    let queued = rows[0].queued as u32;
    bench.full.clear();
    let socket = bench.sockets_of(A)[0];
    bench.relay.on_writable(socket);
    bench.flush();
    // The oldest were kept, in order.
    let expected: Vec<[u8; 4]> = (0..queued).map(u32::to_be_bytes).collect();
    assert_eq!(bench.to(A), expected);
    bench.request(CLIENT, b"last");
    assert_eq!(bench.to(A).last(), Some(&&b"last"[..]));
    assert_eq!(bench.finish().up.counts.queued, 0);
}

#[test]
fn what_this_host_refuses_for_one_destination_is_charged_to_it_alone() {
    let mut bench = Bench::new(plan(&[A, B, C]));
    bench.refusing.insert(addr(A));
    bench.unopened.insert(addr(B));
    for _ in 0..3 {
        bench.request(CLIENT, b"x");
    }
    assert_eq!((bench.to(A).len(), bench.to(B).len(), bench.to(C).len()), (0, 0, 3));
    // Descriptors are free again.
    bench.unopened.clear();
    bench.request(CLIENT, b"y");
    assert_eq!(bench.to(B), [b"y"]);
    let done = bench.finish();
    let refused: Vec<_> = done.destination_rows.iter().map(|row| row.refused.total).collect();
    assert_eq!(refused, [4, 3, 0]);
    assert_eq!(done.up.counts.refused.send_refused, 7);
    let told: Vec<_> = done.refusals.iter().map(|one| (one.errno(), one.datagrams)).collect();
    assert_eq!(told, [(24, 3), (101, 4)]);
}

#[test]
fn answers_come_from_the_first_all_or_none() {
    for (answers, forwarded) in
        [(AnswersFrom::First, 1), (AnswersFrom::All, 2), (AnswersFrom::None, 0)]
    {
        let mut bench = Bench::new(RelayPlan { answers, ..plan(&[A, B]) });
        bench.request(CLIENT, b"x");
        bench.answer(B, 0, b"from b");
        bench.answer(A, 0, b"from a");
        assert_eq!(bench.to(CLIENT).len(), forwarded, "{answers:?}");
        let down = bench.finish().down.counts;
        assert_eq!((down.received, down.refused.answer_unwanted), (2, 2 - forwarded as u64));
    }
}

#[test]
fn one_way_all_clients_share_the_sockets_and_nothing_goes_back() {
    let mut bench =
        Bench::new(RelayPlan { flows_of: FlowsOf::AllClients, most_flows: 1, ..plan(&[A]) });
    for port in 1..=100 {
        bench.request(&format!("192.0.2.1:{port}"), b"x");
    }
    assert_eq!((bench.to(A).len(), bench.sockets_of(A).len()), (100, 1));
    bench.answer(A, 0, b"y");
    let done = bench.finish();
    assert_eq!((done.flows, done.down.counts.refused.answer_unwanted), (1, 1));
    assert_eq!(done.flow_rows[0].client, None);
}

#[test]
fn the_clients_address_is_kept_where_it_is_of_the_destinations_family() {
    let source = RelaySource::Client;
    let mut bench = Bench::new(RelayPlan { source, ..plan(&[A, "[2001:db8::1]:9"]) });
    bench.request(CLIENT, b"x");
    assert_eq!(bench.sources, [Some(addr(CLIENT)), None]);
    assert!(bench.finish().is_source_kept);
    let mut bench = Bench::new(plan(&[A]));
    bench.request(CLIENT, b"x");
    assert_eq!(bench.sources, [None]);
}

#[test]
fn own_datagrams_that_come_back_go_no_further() {
    let mut bench = Bench::new(plan(&[A]));
    bench.request(CLIENT, b"x");
    let own = format!("198.51.100.1:{}", 50_000 + bench.sockets_of(A)[0]);
    bench.request(&own, b"x");
    bench.request(&own, b"x");
    // The same port of another host is another's.
    let port = addr(&own).port();
    bench.request(&format!("192.0.2.9:{port}"), b"y");
    assert_eq!(bench.to(A), [b"x", b"y"]);
    assert_eq!(bench.notes(), [RelayNote::Loop { source: addr(&own).into() }]);
    let done = bench.finish();
    assert_eq!(done.up.counts.refused.own_datagram, 2);
    assert_eq!(done.caveats, [crate::record::RelayCaveat::Loop { datagrams: 2 }]);
}

#[test]
fn silent_flows_end_and_the_sockets_with_them() {
    let mut bench = Bench::new(plan(&[A, B]));
    bench.request(CLIENT, b"x");
    bench.pass(Nanos::from_secs(6));
    bench.request(OTHER, b"x");
    bench.answer(A, 0, b"y");
    bench.pass(Nanos::from_secs(6));
    assert_eq!(bench.peers.len(), 4, "the answer counts");
    bench.pass(Nanos::from_secs(5));
    assert_eq!((bench.peers.len(), bench.closed), (0, 4));
    // Numbers and flows are used again.
    bench.request(CLIENT, b"z");
    assert_eq!(bench.relay.roles.len(), 5);
    let done = bench.finish();
    let ends: Vec<_> = done.flow_rows.iter().map(|row| row.end).collect();
    assert_eq!(ends, [RelayFlowEnd::Idle, RelayFlowEnd::Idle, RelayFlowEnd::Open]);
    assert_eq!((done.flows, done.most_flows), (3, 2));
}

#[test]
fn for_a_new_client_the_longest_silent_flow_ends_unless_all_are_active() {
    let mut bench = Bench::new(plan(&[A]));
    let client = |number: u16| format!("192.0.2.1:{number}");
    for number in 1..=4 {
        bench.request(&client(number), b"x");
        bench.pass(Nanos::from_millis(10));
    }
    bench.request(&client(5), b"refused");
    assert_eq!(bench.to(A).len(), 4);
    bench.pass(Nanos::from_secs(2));
    bench.request(&client(1), b"x");
    bench.request(&client(6), b"accepted");
    assert_eq!(bench.to(A).last(), Some(&&b"accepted"[..]));
    assert_eq!(bench.peers.len(), 4);
    let full = RelayNote::FlowsFull { most: 4, client: addr(&client(5)).into() };
    let notes = bench.notes();
    assert_eq!(notes[0], full);
    let RelayNote::FlowReplaced { client: gone, .. } = notes[1] else { panic!("{notes:?}") };
    assert_eq!(gone, addr(&client(2)));
    let done = bench.finish();
    assert_eq!((done.up.counts.refused.flows_full, done.flows_replaced), (1, 1));
    assert_eq!(done.caveats, [crate::record::RelayCaveat::FlowsReplaced { flows: 1, most: 4 }]);
}

#[test]
fn sources_filters_and_ttl_decide_who_passes_and_strangers_get_no_flow() {
    let allowed = vec!["192.0.2.0/24".parse().unwrap()];
    let filters = ["size=2", "bytes=0:7a"].map(|text| text.parse().unwrap()).to_vec();
    let mut bench = Bench::new(RelayPlan { allowed, filters, ..plan(&[A]) });
    bench.request("203.0.113.77:5", b"ab");
    bench.request(CLIENT, b"abc");
    assert_eq!(bench.relay.flows.opened, 0);
    bench.request(CLIENT, b"ab");
    bench.request(CLIENT, b"zzz");
    let meta = RxMeta { ttl: Some(1), ..bench.meta(0, addr(OTHER)) };
    bench.come(meta, b"ab", 0);
    // Of a coalesced buffer, what passes.
    let meta = bench.meta(0, addr(CLIENT));
    bench.come(meta, b"zaabaaz", 3);
    assert_eq!(bench.to(A), [&b"ab"[..], b"zzz", b"zaa", b"z"]);
    let done = bench.finish();
    let refused = done.up.counts.refused;
    assert_eq!((refused.not_allowed, refused.filtered, refused.ttl_expired), (1, 2, 1));
    assert_eq!(done.flows, 1);
}

#[test]
fn ttl_dscp_and_ecn_are_kept_as_at_a_router_or_set() {
    let header = |plan: RelayPlan| {
        let mut bench = Bench::new(plan);
        let meta = RxMeta { ttl: Some(9), tos: Some(0xb9), ..bench.meta(0, addr(CLIENT)) };
        bench.come(meta, b"x", 0);
        bench.sent[0].header
    };
    let group = "239.1.2.3:9";
    for (plan, expected) in [
        (plan(&[A]), Header { ttl: 8, tos: 0xb9 }),
        (RelayPlan { ttl: RelayTtl::Set(3), ..plan(&[A]) }, Header { ttl: 3, tos: 0xb9 }),
        (RelayPlan { dscp: Some(10), ..plan(&[A]) }, Header { ttl: 8, tos: 10 << 2 | 1 }),
        (RelayPlan { ecn: Some(0), ..plan(&[A]) }, Header { ttl: 8, tos: 0xb8 }),
        // The TTL of a group is a decision of its own.
        (plan(&[group]), Header { ttl: 0, tos: 0xb9 }),
        (RelayPlan { ttl: RelayTtl::Set(3), ..plan(&[group]) }, Header { ttl: 3, tos: 0xb9 }),
    ] {
        assert_eq!(header(plan.clone()), expected, "{:?}", plan.targets);
    }
    let mut from_group = plan(&[A]);
    from_group.listeners[0].is_shared = true;
    let mut bench = Bench::new(from_group);
    let meta = RxMeta { ttl: Some(1), ..bench.meta(0, addr(CLIENT)) };
    bench.come(meta, b"x", 0);
    assert_eq!(bench.sent[0].header.ttl, 0);
}

#[test]
fn datagrams_of_other_headers_leave_in_order_by_runs_of_their_own() {
    let mut bench = Bench::new(plan(&[A]));
    for (tos, payload) in [(0, b"a"), (0, b"b"), (3, b"c"), (0, b"d")] {
        let meta = RxMeta { tos: Some(tos), ..bench.meta(0, addr(CLIENT)) };
        let entry = RxEntry { len: 1, true_len: 1, stride: 0, meta };
        bench.relay.on_buffer(bench.now, &entry, payload);
    }
    bench.flush();
    let told: Vec<_> = bench.sent.iter().map(|one| (one.payload[0], one.header.tos)).collect();
    assert_eq!(told, [(b'a', 0), (b'b', 0), (b'c', 3), (b'd', 0)]);
}

#[test]
fn answers_leave_from_the_address_that_the_client_asked() {
    let mut any = plan(&[A]);
    any.listeners[0].address = addr("0.0.0.0:9");
    for (plan, from) in [(any, Some(addr(LISTEN).ip())), (plan(&[A]), None)] {
        let mut bench = Bench::new(plan);
        bench.request(CLIENT, b"x");
        bench.answer(A, 0, b"y");
        assert_eq!(bench.sent.last().map(|sent| sent.from), Some(from));
    }
}

#[test]
fn another_list_of_destinations_loses_nothing_to_those_that_stay() {
    let mut bench = Bench::new(plan(&[A, B]));
    bench.full.insert(addr(A));
    bench.request(CLIENT, b"1");
    bench.relay.replace_targets(&[target(C), target(A)]);
    bench.request(CLIENT, b"2");
    bench.full.clear();
    let socket = bench.sockets_of(A)[0];
    bench.relay.on_writable(socket);
    bench.flush();
    assert_eq!(bench.to(A), [b"1", b"2"]);
    assert_eq!((bench.to(B), bench.to(C)), (vec![&b"1"[..]], vec![&b"2"[..]]));
    let reloaded = RelayNote::Reloaded { destinations: 2, added: 1, removed: 1 };
    assert_eq!(bench.notes(), [reloaded]);
    bench.relay.replace_targets(&[]);
    bench.request(CLIENT, b"3");
    let done = bench.finish();
    assert_eq!(done.up.counts.refused.no_destination, 1);
    assert_eq!(done.destination_rows.iter().filter(|row| row.is_current).count(), 0);
}

#[test]
fn every_datagram_is_accounted_for_whatever_happens() {
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let queue = QueueLimit::Bytes(2_000);
        let impaired = Impairments {
            loss: Loss::Independent(Chance::percent(10)),
            duplication: Duplication { share: Chance::percent(20), copies: 2 },
            bottleneck: Some(Bottleneck {
                capacity: Capacity::Rate(BitRate(1_000_000)),
                queue,
                overhead: 0,
            }),
            delay: Delay { base: Nanos::from_millis(5), jitter: Jitter::Above(Nanos(3_000_000)) },
            ..Impairments::default()
        };
        let mut run = plan(&[A, B, "239.1.2.3:9"]);
        run.answers = AnswersFrom::All;
        run.idle = Nanos::from_millis(200);
        let alike = Impairments {
            loss: Loss::Blackout,
            delay: Delay { base: Nanos::from_millis(9), jitter: Jitter::None },
            ..Impairments::default()
        };
        let length = Some(Nanos::from_millis(300));
        let stages = [impaired, alike, Impairments::default()];
        let stages = stages.map(|impairments| Phase { length, impairments }).to_vec();
        run.up = rng.bool().then(|| stages.clone());
        run.down = rng.bool().then_some(stages);
        run.filters = if rng.bool() { Vec::new() } else { vec!["size=1-90".parse().unwrap()] };
        let mut bench = Bench::new(run);
        for _ in 0..400 {
            let client = format!("192.0.2.1:{}", rng.u16(1..9));
            let peer = addr([A, B, "239.1.2.3:9"][rng.usize(0..3)]);
            match rng.u8(0..20) {
                0 => drop(bench.full.insert(peer)),
                1 => drop(bench.refusing.insert(peer)),
                2 => drop(bench.unopened.insert(peer)),
                3 => {
                    bench.full.clear();
                    for socket in bench.peers.keys().copied().collect::<Vec<_>>() {
                        bench.relay.on_writable(socket);
                    }
                    bench.flush();
                }
                4 => bench.refusing.clear(),
                5 => bench.unopened.clear(),
                6 => {
                    let all = [target(A), target(B), target(C), target("239.1.2.3:9")];
                    bench.relay.replace_targets(&all[..rng.usize(0..=4)]);
                }
                7..=9 => bench.pass(Nanos(rng.u64(0..300_000_000))),
                10..=12 if !bench.peers.is_empty() => {
                    let sockets: Vec<_> = bench.peers.keys().copied().collect();
                    let socket = sockets[rng.usize(0..sockets.len())];
                    let meta = bench.meta(socket, bench.peers[&socket]);
                    bench.come(meta, &[1; 50], [0, 7][rng.usize(0..2)]);
                }
                _ => {
                    let meta = bench.meta(0, addr(&client));
                    let len = rng.usize(0..200);
                    bench.come(meta, &vec![2; len], [0, 60][rng.usize(0..2)]);
                }
            }
        }
        bench.finish();
    }
}
