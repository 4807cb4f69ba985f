//! A remote agent at the end of a path in memory, to test the kinds that work in rounds.

use super::plausibility::believe;
use super::probe_batch::{Grant, ItemLog, ProbeBatch, ProbeItem};
use super::{AgentCounts, Kind, Round, RoundsEnd};
use crate::batch::{
    Datagram, ErrorOrigin, Fragmentation, NetworkError, RxEntry, SendOutcome, SendStop, TxBatch,
};
use crate::machine::Now;
use crate::netsim::alter;
use crate::record::probe::{ProbeTraffic, RefusedHere};
use crate::units::Nanos;
use crate::wire::{Arrivals, Ask, Echo};
use std::collections::BTreeSet;
use std::net::SocketAddr;

const HELPER: &str = "192.0.2.99:8620";
const REAL: Nanos = Nanos::from_secs(1_763_927_115);
/// Length of IP and UDP header.
const HEADERS: u32 = 28;
const DELAY: Nanos = Nanos::from_millis(2);

/// Behaviour of the path. The default changes nothing.
pub struct World {
    /// Path MTU, out and back.
    pub mtu: [u32; 2],
    /// Whether routers report packets that are too big.
    pub speaks: bool,
    /// Whether fragments pass.
    pub fragments: bool,
    /// Packet loss rate, out and back.
    pub loss: [f64; 2],
    /// Copies of each datagram that arrive, out and back; 1 for no duplication.
    pub copies: [u32; 2],
    /// Whether routers fragment packets with don't-fragment set.
    pub clears_df: bool,
    /// MTU of the interfaces of this host and of the remote agent.
    pub interfaces: [u32; 2],
    /// Rate in datagrams per second and burst of this host's own packet filter.
    pub own_limit: Option<(f64, f64)>,
    /// Whether the remote agent reports its counts at the end.
    pub tells: bool,
    /// Mapping of a TOS byte, out and back.
    pub tos: [fn(u8) -> u8; 2],
    /// Whether a TOS byte is blocked on the way out.
    pub stops_tos: fn(u8) -> bool,
    /// Whether a payload is blocked on the way out.
    pub stops: fn(&[u8]) -> bool,
    /// Whether an answer of this many bytes is blocked on the way back.
    pub stops_back: fn(usize) -> bool,
    /// Rate in datagrams per second and burst of a policer.
    pub policer: Option<(f64, f64)>,
    /// Whether it is on the way back instead.
    pub polices_back: bool,
    /// When the remote agent answers an arrival at this time; never before earlier ones.
    pub answers_at: fn(Nanos) -> Nanos,
    pub bucket: (f64, Nanos),
    pub own_bucket: (f64, Nanos),
    pub helper_mtu: Option<u32>,
    /// Share of echoes and of the remote agent's rows in which a number is replaced by an extreme
    /// one.
    pub extremes: f64,
    pub came: BTreeSet<(u32, u32)>,
    pub rng: fastrand::Rng,
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            mtu: [1_500; 2],
            speaks: true,
            fragments: true,
            loss: [0.0; 2],
            copies: [1; 2],
            clears_df: false,
            interfaces: [1_500; 2],
            own_limit: None,
            tells: true,
            tos: [|tos| tos; 2],
            stops_tos: |_| false,
            stops: |_| false,
            stops_back: |_| false,
            policer: None,
            polices_back: false,
            answers_at: |at| at,
            bucket: (f64::MAX, Nanos::ZERO),
            own_bucket: (f64::MAX, Nanos::ZERO),
            helper_mtu: None,
            extremes: 0.0,
            came: BTreeSet::new(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// Whether a datagram of this many packets is lost.
    fn lost(&mut self, way: usize, pieces: u32) -> bool {
        let share = 1.0 - (1.0 - self.loss[way]).powi(pieces as i32);
        self.rng.f64() < share
    }

    /// The remote agent's rows after a path that changes numbers.
    fn alter(&mut self, told: &mut AgentCounts) {
        for row in told.values_mut() {
            if self.extremes == 0.0 || self.rng.f64() >= self.extremes {
                continue;
            }
            // A line of STAT: `i=` makes a parameter of it.
            let mut line = format!("a 211-i=0,{row}").into_bytes();
            alter(&mut line, &mut self.rng);
            let line = String::from_utf8(line).expect("text");
            let read = line.split_once(',').and_then(|(_, row)| row.parse().ok());
            *row = read.unwrap_or(*row);
        }
    }

    fn polices(&mut self, now: Nanos) -> bool {
        self.policer.is_some_and(|limit| !passes(limit, &mut self.bucket, now))
    }

    fn refuses(&mut self, now: Nanos) -> bool {
        self.own_limit.is_some_and(|limit| !passes(limit, &mut self.own_bucket, now))
    }

    /// Whether a packet passes in one direction, and the size and number of fragments in which it
    /// arrives.
    fn carries(&self, way: usize, payload: usize, whole: bool) -> Option<(Option<u32>, u32)> {
        let packet = payload as u32 + HEADERS;
        if packet <= self.mtu[way] {
            return Some((None, 1));
        }
        let cut = (!whole || self.clears_df) && self.fragments;
        cut.then(|| (Some(self.mtu[way]), packet.div_ceil(self.mtu[way] - 20)))
    }
}

/// Takes one token from a bucket.
fn passes((rate, burst): (f64, f64), (level, at): &mut (f64, Nanos), now: Nanos) -> bool {
    *level = (*level + rate * (now - *at).as_secs_f64()).min(burst);
    *at = now;
    let passes = *level >= 1.0;
    *level -= f64::from(u8::from(passes));
    passes
}

pub fn helper() -> SocketAddr {
    HELPER.parse().expect("an address")
}

/// Runs a kind to its end against a remote agent behind `world`.
pub fn run<K: Kind>(mut kind: K, ports: &[u16], world: &mut World) -> K::Facts {
    let grant = Grant { helper: helper(), tag: 7, key: 99, ports: ports.to_vec() };
    let (spacing, wait) = (Nanos::from_millis(60), Nanos::from_millis(600));
    let mut shots = ProbeBatch::new(grant.clone(), spacing, wait);
    let mut told = AgentCounts::new();
    let mut mono = Nanos(1_000);
    let mut controls = Vec::new();
    for _ in 0..60 {
        let asked: Vec<ProbeItem> = kind.round(&grant);
        if asked.is_empty() {
            world.alter(&mut told);
            let told = believe(&told, shots.items()).ok().filter(|_| world.tells);
            let helper_mtu = world.helper_mtu.filter(|_| world.tells);
            let traffic = traffic(&shots, &controls, told.as_ref());
            return kind.finish(RoundsEnd { told, helper_mtu, traffic });
        }
        mono += kind.pause();
        if let Some(gap) = kind.gap() {
            shots.slow_down(gap);
        }
        let now = Now { mono, real: REAL + mono };
        let control = kind.control();
        let first = shots.begin(now, asked.iter().copied().chain(control));
        mono = round(&mut shots, world, &mut told, mono);
        let (items, control) = shots.round().split_at(asked.len());
        let number = first + items.len();
        let control = control.first().map(|log| (number as u32, log));
        controls.extend(control.map(|_| number));
        let local_mtu = shots.local_mtu;
        kind.take(&Round { first: first as u32, items, control, local_mtu });
    }
    panic!("the rounds have no end");
}

fn traffic(shots: &ProbeBatch, controls: &[usize], told: Option<&AgentCounts>) -> ProbeTraffic {
    let items = shots.items();
    let refused = items.iter().flat_map(ItemLog::refusals).count() as u64;
    let refusal = RefusedHere::new(1, helper().into(), refused);
    let sum = |of: &dyn Fn(usize) -> u64| controls.iter().map(|number| of(*number)).sum();
    ProbeTraffic {
        sent: items.iter().map(|item| item.left() as u64).sum(),
        refused_here: if refused > 0 { vec![refusal] } else { Vec::new() },
        copies_out: told.map(|told| told.values().map(|row| u64::from(row.copies)).sum()),
        copies_back: items.iter().map(|item| item.copies_back).sum(),
        control_sent: sum(&|number| items[number].left() as u64),
        control_arrived: told.map(|told| {
            sum(&|number| told.get(&(number as u32)).map_or(0, |row| u64::from(row.count)))
        }),
        contradiction: None,
        control_back: sum(&|number| items[number].backs().count() as u64),
    }
}

/// One round, until it is over.
fn round(
    shots: &mut ProbeBatch,
    world: &mut World,
    told: &mut AgentCounts,
    mut mono: Nanos,
) -> Nanos {
    let mut out = TxBatch::new(64, 1 << 18);
    let mut flights: Vec<(Nanos, Vec<u8>, RxEntry)> = Vec::new();
    loop {
        let now = Now { mono, real: REAL + mono };
        if shots.is_over(now) {
            return mono;
        }
        out.reset();
        let wake = shots.write_due(now, &mut out);
        let mut accepted = 0;
        let mut stop = None;
        for slot in out.slots() {
            let dest = out.dest(slot.dest).expect("it is unconnected");
            let whole = dest.fragmentation == Some(Fragmentation::Probe);
            let own = world.interfaces[0];
            if whole && slot.len + HEADERS > own {
                let mut error = NetworkError::new(ErrorOrigin::Local, (0, 0), 90, helper(), b"");
                error.mtu = Some(own);
                shots.on_network_error(&error);
                stop = Some(SendStop::Refused { datagrams: 1, errno: 90 });
                break;
            }
            if world.refuses(mono) {
                stop = Some(SendStop::Refused { datagrams: 1, errno: 1 });
                break;
            }
            accepted += 1;
            let sent = (out.payload(slot), dest.tos, dest.addr.port(), whole);
            deliver(shots, world, told, (mono, &mut flights), sent);
        }
        if !out.is_empty() {
            shots.on_sent(&SendOutcome { accepted, stop });
        }
        flights.sort_by_key(|flight| flight.0);
        let arrival = flights.first().map_or(Nanos::MAX, |flight| flight.0);
        mono = mono.max(wake.min(arrival));
        let due = flights.iter().take_while(|flight| flight.0 <= mono).count();
        for (_, payload, entry) in flights.drain(..due) {
            let now = Now { mono, real: REAL + mono };
            let datagram =
                Datagram { payload: &payload, true_len: payload.len(), meta: entry.meta };
            let known = shots.on_datagram(now, &datagram);
            assert!(known || world.extremes > 0.0, "an answer is known");
        }
    }
}

type Flights<'a> = (Nanos, &'a mut Vec<(Nanos, Vec<u8>, RxEntry)>);

/// Effects of a datagram at the remote agent: its row, and its answers with their arrival times.
fn deliver(
    shots: &mut ProbeBatch,
    world: &mut World,
    told: &mut AgentCounts,
    (mono, flights): Flights<'_>,
    (payload, tos, port, whole): (&[u8], u8, u16, bool),
) {
    let Some((fragment, pieces)) = world.carries(0, payload.len(), whole) else {
        if world.speaks && whole && !world.lost(0, 1) && !world.lost(1, 1) {
            let quote = &payload[..payload.len().min(64)];
            let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 4), 90, helper(), quote);
            error.offender = Some([192, 0, 2, 1].into());
            error.mtu = Some(world.mtu[0]);
            shots.on_network_error(&error);
        }
        return;
    };
    let policed = !world.polices_back && world.polices(mono);
    if policed || (world.stops)(payload) || (world.stops_tos)(tos) {
        return;
    }
    let ask = Ask::decode(payload).or_else(|| Ask::decode_at_end(payload)).expect("an ask");
    let tos = (world.tos[0])(tos);
    for copy in 0..world.copies[0] {
        if world.lost(0, pieces) {
            continue;
        }
        let arrived = mono + Nanos(u64::from(copy));
        let row = told.entry(ask.item).or_insert(Arrivals {
            count: 0,
            copies: 0,
            first: arrived,
            last: arrived,
            source: "192.0.2.1:5".parse().expect("an address"),
            moved: false,
            ttl: Some(253),
            tos: Some(tos),
            len: payload.len() as u16,
            fragment: fragment.map(|size| size as u16),
            port,
            answers: 0,
            withheld: 0,
            error: None,
        });
        let new = world.came.insert((ask.item, ask.sequence));
        *(if new { &mut row.count } else { &mut row.copies }) += 1;
        let echo = Echo {
            tag: ask.tag,
            sequence: ask.sequence,
            sent: ask.sent,
            arrived,
            left: (world.answers_at)(arrived),
            item: ask.item,
            number: 0,
            ttl: Some(253),
            tos,
            intact: true,
            len: payload.len() as u16,
            fragment: fragment.map(|size| size as u16),
            port,
            source: row.source,
        };
        answer(world, row, &ask, &echo, flights);
    }
}

/// The answer to one arrival, and its copies.
fn answer(
    world: &mut World,
    row: &mut Arrivals,
    ask: &Ask,
    echo: &Echo,
    flights: &mut Vec<(Nanos, Vec<u8>, RxEntry)>,
) {
    let len = usize::from(ask.answer_len).max(Echo::LEN);
    if ask.whole && len as u32 + HEADERS > world.interfaces[1] {
        world.helper_mtu = Some(world.interfaces[1]);
        row.error = Some(crate::wire::ReplyError { icmp_type: 0, icmp_code: 0, router: None });
        return;
    }
    row.answers += u32::from(ask.answers);
    let Some((back, pieces)) = world.carries(1, len, ask.whole) else {
        if world.speaks && ask.whole {
            let router = Some([192, 0, 2, 2].into());
            row.error = Some(crate::wire::ReplyError { icmp_type: 3, icmp_code: 4, router });
        }
        return;
    };
    let policed = world.polices_back && world.polices(echo.left);
    if ask.answers == 0 || policed || (world.stops_back)(len) {
        return;
    }
    for copy in 0..world.copies[1] {
        if world.lost(1, pieces) {
            continue;
        }
        let mut bytes = vec![0; len];
        echo.encode(&mut bytes);
        if world.extremes > 0.0 && world.rng.f64() < world.extremes {
            alter(&mut bytes, &mut world.rng);
        }
        let mut entry = RxEntry::default();
        entry.meta.ttl = Some(253);
        entry.meta.tos = Some((world.tos[1])(ask.answer_tos));
        entry.meta.fragment = back;
        flights.push((echo.left + DELAY + Nanos(u64::from(copy)), bytes, entry));
    }
}

mod tests {
    use super::*;
    use crate::netsim::runs;
    use crate::record::probe::{
        Counted, FragmentMtu, MarkChange, MarksVerdict, MtuLimit, MtuReport, MtuVerdict, Outcome,
        PayloadFinding, PayloadKind, PayloadRow, ShapeCaveat, ShapeVerdict, SizeSet, Way,
    };
    use crate::session::probe::marks::{MarksKind, MarksPlan};
    use crate::session::probe::mtu::{MtuKind, MtuPlan, judge};
    use crate::session::probe::shape::{ShapeKind, ShapePlan};

    fn mtu(world: &mut World) -> MtuReport {
        let kind = MtuKind::new(MtuPlan { target: helper(), tries: 4 });
        let mut report = run(kind, &[], world);
        report.findings = judge(&report);
        report
    }

    #[test]
    fn sizes_are_found_each_way_under_loss_whether_routers_speak_or_not() {
        let mut rng = fastrand::Rng::with_seed(3);
        for seed in 0..24 {
            let mtu_of = [rng.u32(576..=1_500), rng.u32(576..=1_500)];
            let speaks = seed % 2 == 0;
            let loss = if seed % 3 == 0 { 0.02 } else { 0.0 };
            let mut world = World { mtu: mtu_of, speaks, loss: [loss; 2], ..World::new(seed) };
            let report = mtu(&mut world);
            let found = [report.out.packet_bytes, report.back.packet_bytes];
            assert_eq!(found, mtu_of.map(Some), "seed {seed}");
            let limit = match (mtu_of[0], speaks) {
                (1_500, _) => MtuLimit::Interface,
                (_, true) => MtuLimit::Router,
                (_, false) => MtuLimit::BlackHole,
            };
            assert_eq!(report.out.limit, Some(limit), "seed {seed}");
            let row = report.out.fragments.last().expect("rows");
            assert_eq!((row.payload_bytes, row.largest_fragment_bytes), (65_507, Some(mtu_of[0])));
        }
    }

    #[test]
    fn fragments_that_do_not_pass_are_told() {
        let report = mtu(&mut World { fragments: false, ..World::new(1) });
        let blocked = matches!(
            report.findings.verdict,
            MtuVerdict::PathMtu {
                fragments_out: FragmentMtu::Blocked,
                fragments_back: FragmentMtu::Blocked,
                ..
            }
        );
        assert!(blocked, "{report:?}");
        assert!(report.out.fragments.iter().all(|row| row.arrived == 0));
    }

    #[test]
    fn marks_are_told_through_loss() {
        for seed in 0..20 {
            let bleach = |tos: u8| if tos & 3 == 2 { tos & !3 } else { tos };
            let mut world =
                World { loss: [0.05; 2], tos: [|tos| tos & 3, bleach], ..World::new(seed) };
            let kind = MarksKind::new(MarksPlan { target: helper(), tries: 8 });
            let report = run(kind, &[], &mut world);
            let changes = vec![
                MarkChange::AllDscpsBecome { way: Way::Out, dscp: 0 },
                MarkChange::EcnCleared { way: Way::Back, sent: vec![2] },
            ];
            let verdict = MarksVerdict::Changed { changes };
            assert_eq!(report.findings.verdict, verdict, "seed {seed}");
            let hops = (report.hops_out, report.hops_back, report.hops_back_from);
            assert_eq!(hops, (Some(2), Some(2), Some(255)));
        }
    }

    fn shape(world: &mut World, ports: &[u16]) -> crate::record::probe::ShapeReport {
        let plan = ShapePlan { target: helper(), tries: 4, rate: 1_000, count: 1_000 };
        run(ShapeKind::new(plan), ports, world)
    }

    #[test]
    fn a_policer_is_found_and_kept_below() {
        for (rate, burst) in [(50.0, 10.0), (200.0, 20.0), (600.0, 100.0)] {
            let mut world = World { policer: Some((rate, burst)), ..World::new(9) };
            let report = shape(&mut world, &[5_000, 5_001]);
            let limit = report.limit.expect("it is there");
            let found = limit.datagrams_per_1000_s as f64 / 1e3;
            assert!((found - rate).abs() < rate * 0.03, "{rate}: {limit:?}");
            assert!((limit.burst_datagrams as f64 - burst).abs() <= 2.0, "{burst}: {limit:?}");
            assert_eq!((limit.way, limit.counts), (Some(Way::Out), Some(Counted::Datagrams)));
            assert_eq!(limit.each_port, Some(false));
            assert!(
                report.payloads.iter().all(|row: &PayloadRow| row.outcome == Outcome::Passes),
                "{report:?}"
            );
        }
    }

    #[test]
    fn a_policer_on_the_way_back_is_found_although_the_helper_answers_in_bunches() {
        // It is delayed for 45 of each 100 ms.
        let answers_at = |at: Nanos| {
            let tenth = at.0 / 100_000_000 * 100_000_000;
            if at.0 - tenth < 55_000_000 { at } else { Nanos(tenth + 100_000_000) }
        };
        for (rate, burst) in [(100.0, 30.0), (250.0, 40.0), (500.0, 60.0)] {
            let mut world = World {
                policer: Some((rate, burst)),
                polices_back: true,
                answers_at,
                ..World::new(9)
            };
            let limit = shape(&mut world, &[5_000]).limit.expect("it is there");
            let found = limit.datagrams_per_1000_s as f64 / 1e3;
            assert!((found - rate).abs() < rate * 0.05, "{rate}: {limit:?}");
            assert!((limit.burst_datagrams as f64 - burst).abs() <= 4.0, "{burst}: {limit:?}");
            assert_eq!(limit.way, Some(Way::Back), "{limit:?}");
        }
    }

    #[test]
    fn loss_at_any_rate_is_no_policer() {
        let report = shape(&mut World { loss: [0.1; 2], ..World::new(4) }, &[5_000]);
        assert_eq!(report.limit, None);
        let caveats = &report.findings.caveats;
        let is_loss = |caveat: &ShapeCaveat| matches!(caveat, ShapeCaveat::TrainLoss { .. });
        assert!(caveats.iter().any(is_loss), "{caveats:?}");
    }

    #[test]
    fn what_reads_payloads_is_told_by_what_it_stops() {
        let stops = |payload: &[u8]| payload.starts_with(b"OPTIONS sip:");
        let report = shape(&mut World { stops, ..World::new(5) }, &[5_000]);
        let only = |found| ShapeVerdict::Compared { limit: None, payloads: vec![found] };
        let sip = PayloadFinding::KindBlocked { kind: PayloadKind::Sip, sizes: None };
        assert_eq!(report.findings.verdict, only(sip));
        let stops = |payload: &[u8]| payload.len() > 1_100;
        let report = shape(&mut World { stops, ..World::new(5) }, &[5_000]);
        let sizes = SizeSet::AndLarger { from_bytes: 1_200 };
        assert_eq!(report.findings.verdict, only(PayloadFinding::SizesBlocked { sizes }));
    }

    #[test]
    fn helpers_may_say_anything() {
        for seed in 0..runs(60) {
            let extremes = [0.02, 0.2, 1.0][seed as usize % 3];
            let world = || World { extremes, loss: [0.02; 2], ..World::new(seed) };
            let report = mtu(&mut world());
            assert!(report.out.packet_bytes <= Some(65_535), "seed {seed}: {report:?}");
            let kind = MarksKind::new(MarksPlan { target: helper(), tries: 8 });
            run(kind, &[], &mut world());
            shape(&mut World { policer: Some((200.0, 20.0)), ..world() }, &[5_000]);
        }
    }
}
