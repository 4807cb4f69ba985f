//! `monitor` with targets that do what a test wants.

use super::target::Target;
use super::*;
use crate::batch::{LocalSendFailure, RxEntry, RxMeta};
use crate::record::{MonitorNews, MonitorSummary, MonitorWay};
use crate::session::ping::{Asked, Protocol, StampProbes};
use crate::units::Threshold;
use crate::wire::stamp::{ErrorEstimate, StampReply, StampRequest};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

const START: Nanos = Nanos::from_secs(1_000);
const REAL: u64 = 1_700_000_000_000_000_000;
const DELAY: Nanos = Nanos::from_millis(5);

type Told = Rc<RefCell<Vec<MonitorEvent>>>;
type Asked2 = Rc<RefCell<Vec<(u64, Box<str>)>>>;
type Given = Rc<RefCell<VecDeque<MonitorOrder>>>;

struct Outside(Told, Asked2);

impl Sink<MonitorEvent> for Outside {
    fn take(&mut self, event: MonitorEvent) -> Flow {
        self.0.borrow_mut().push(event);
        Flow::Continue
    }
}

impl Executor<MonitorCommand> for Outside {
    fn execute(&mut self, command: MonitorCommand) {
        let MonitorCommand::Resolve { ticket, host } = command;
        self.1.borrow_mut().push((ticket, host));
    }
}

struct Inbox(Given);

impl Orders<MonitorOrder> for Inbox {
    fn next_order(&mut self) -> Option<MonitorOrder> {
        self.0.borrow_mut().pop_front()
    }
}

/// What becomes of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    LostOut,
    LostBack,
}

/// A target as the network has it: its count, its clock, TTLs.
#[derive(Clone, Copy, Debug)]
struct Far {
    count: u32,
    ahead: i64,
    ttl: u8,
}

/// A run on a clock that jumps from event to event.
struct World {
    session: MonitorSession<Outside, Inbox>,
    now: Nanos,
    told: Told,
    asked: Asked2,
    given: Given,
    batch: TxBatch,
    far: HashMap<(SocketAddr, u16), Far>,
    answers: BTreeMap<(Nanos, u64), (SocketAddr, Vec<u8>, u8)>,
    sent: Vec<(Nanos, SocketAddr)>,
    next_tick: Nanos,
    is_over: bool,
}

fn now_at(mono: Nanos) -> Now {
    Now { mono, real: Nanos(REAL + mono.0) }
}

fn address(number: u32) -> SocketAddr {
    ([10, 0, (number >> 8) as u8, number as u8], 862).into()
}

fn profile(interval: Nanos) -> Profile {
    let probes = StampProbes {
        key: None,
        ssid: 0,
        error: ErrorEstimate::default(),
        asked: Asked::default(),
        len: 44,
    };
    Profile { protocol: Protocol::Stamp(probes), tos: 0, interval }
}

fn listed(name: &str, address: Option<SocketAddr>) -> ListedTarget {
    let host: Box<str> = format!("{name}:862").into();
    ListedTarget { name: name.into(), host, address, profile: 0, thresholds: Box::default() }
}

fn list(interval: Nanos, targets: Vec<ListedTarget>) -> MonitorList {
    MonitorList { profiles: vec![profile(interval)], targets, thresholds: Vec::new() }
}

fn plan(list: MonitorList) -> MonitorPlan {
    MonitorPlan {
        list,
        thresholds: Vec::new(),
        limits: Vec::new(),
        sockets: [Some(0), None],
        wait: Nanos::from_secs(2),
        outage_probes: 3,
        resolve_every: Nanos::from_secs(60),
        report_every: Nanos::from_secs(60),
        rows: false,
        watched: false,
        time: None,
        first_tag: 1,
        explain: LocalSendFailure::from_errno,
    }
}

impl World {
    fn new(plan: MonitorPlan) -> Self {
        let (told, asked, given) = (Told::default(), Asked2::default(), Given::default());
        let outside = Outside(Rc::clone(&told), Rc::clone(&asked));
        let session = MonitorSession::new(plan, outside, Inbox(Rc::clone(&given)));
        Self {
            session,
            now: START,
            told,
            asked,
            given,
            batch: TxBatch::new(32, 1 << 16),
            far: HashMap::new(),
            answers: BTreeMap::new(),
            sent: Vec::new(),
            next_tick: START + Nanos::from_secs(1),
            is_over: false,
        }
    }

    /// Runs for so long; the fate of each probe is decided by its target and time since the start.
    fn run(&mut self, length: Nanos, fate: impl Fn(SocketAddr, Nanos) -> Fate) {
        let end = self.now + length;
        while !self.is_over {
            let next = self.session.poll_transmit(now_at(self.now), &mut self.batch);
            self.send(&fate);
            let at = match next {
                Next::Send => self.now,
                Next::WaitUntil(at) => at.max(self.now),
                Next::Idle => Nanos::MAX,
                Next::Done => {
                    self.is_over = true;
                    return;
                }
            };
            let answer = self.answers.first_key_value().map_or(Nanos::MAX, |((at, _), _)| *at);
            let at = at.min(answer).min(self.next_tick);
            if at > end {
                self.now = end;
                return;
            }
            self.now = at;
            if at == self.next_tick {
                self.session.on_tick(now_at(at));
                self.next_tick += Nanos::from_secs(1);
            }
            while let Some(entry) = self.answers.first_entry().filter(|one| one.key().0 <= at) {
                let (source, bytes, ttl) = entry.remove();
                self.deliver(source, &bytes, ttl);
            }
        }
    }

    fn send(&mut self, fate: &impl Fn(SocketAddr, Nanos) -> Fate) {
        if self.batch.is_empty() {
            return;
        }
        let accepted = self.batch.len();
        for slot in self.batch.slots() {
            let to = self.batch.dest(slot.dest).unwrap().addr;
            self.sent.push((self.now, to));
            let fate = fate(to, self.now - START);
            if fate == Fate::LostOut {
                continue;
            }
            let request = StampRequest::decode(self.batch.payload(slot)).unwrap();
            let key = (to, request.ssid);
            let far = self.far.entry(key).or_insert(Far { count: 0, ahead: 0, ttl: 250 });
            let time = Nanos((REAL + (self.now + DELAY).0).saturating_add_signed(far.ahead));
            let stamp =
                crate::wire::stamp::Timestamp::of(time, crate::wire::stamp::TimeFormat::Ntp);
            let (seq, ttl) = (far.count, far.ttl);
            far.count += 1;
            if fate == Fate::LostBack {
                continue;
            }
            let reply = StampReply {
                seq,
                sent: stamp,
                received: stamp,
                request,
                ttl,
                ..StampReply::default()
            };
            let order = self.sent.len() as u64;
            let at = self.now + DELAY + DELAY;
            self.answers.insert((at, order), (to, reply.encode().to_vec(), ttl));
        }
        let outcome = SendOutcome { accepted, stop: None };
        self.session.on_sent(now_at(self.now), &self.batch, &outcome);
        self.batch.clear();
    }

    fn deliver(&mut self, source: SocketAddr, bytes: &[u8], ttl: u8) {
        let now = now_at(self.now);
        let meta = RxMeta { source, ttl: Some(ttl), arrival: now.real, ..RxEntry::default().meta };
        let entry = RxEntry { len: bytes.len(), true_len: bytes.len(), stride: 0, meta };
        self.session.on_buffer(now, &entry, bytes);
    }

    fn news(&self) -> Vec<MonitorNews> {
        let told = self.told.borrow();
        let news = told.iter().filter_map(|event| match event {
            MonitorEvent::News(news) | MonitorEvent::Threshold { news, .. } => {
                Some((**news).clone())
            }
            _ => None,
        });
        news.collect()
    }

    fn finish(self) -> MonitorSummary {
        self.session.finish(now_at(self.now)).summary
    }
}

fn answered(_: SocketAddr, _: Nanos) -> Fate {
    Fate::Answered
}

#[test]
fn a_thousand_targets_are_probed_evenly_and_at_their_pace() {
    let targets = (0..1_000).map(|one| listed(&format!("t{one}"), Some(address(one)))).collect();
    let mut world = World::new(plan(list(Nanos::from_secs(1), targets)));
    world.run(Nanos::from_secs(10), answered);
    let mut by_slot = BTreeMap::<u64, u32>::new();
    for (at, _) in &world.sent {
        *by_slot.entry((*at - START).0 / 10_000_000).or_default() += 1;
    }
    by_slot.pop_last();
    assert!(by_slot.values().all(|count| (6..=14).contains(count)), "{by_slot:?}");
    let mut last = HashMap::new();
    for (at, to) in &world.sent {
        if let Some(before) = last.insert(*to, *at) {
            let gap = (*at - before).0;
            assert!((999_000_000..=1_001_000_000).contains(&gap), "{gap}");
        }
    }
    let sent = world.sent.len() as u64;
    let summary = world.finish();
    assert_eq!((summary.sent, summary.lost, summary.strays), (sent, 0, 0));
    assert_eq!(summary.back + summary.target_rows.iter().map(|one| one.open).sum::<u64>(), sent);
    assert!(summary.send_late_ns.p99.unwrap() <= 1_000_000, "{summary:?}");
}

/// How each target stands, as told so far; several in a row of one are one.
fn standings(world: &World) -> BTreeMap<String, Vec<crate::record::MonitorStanding>> {
    let mut all = BTreeMap::<String, Vec<_>>::new();
    for event in world.told.borrow().iter() {
        if let MonitorEvent::Standing(one) = event {
            all.entry(one.target.clone()).or_default().push((**one).clone());
        }
    }
    all
}

#[test]
fn every_target_is_told_as_it_stands_and_each_round_trip_once() {
    let targets = (0..100).map(|one| listed(&format!("t{one}"), Some(address(one)))).collect();
    let mut plan = plan(list(Nanos::from_millis(100), targets));
    plan.watched = true;
    let mut world = World::new(plan);
    let dark = Nanos::from_secs(4)..Nanos::from_secs(6);
    for _ in 0..10 {
        world.run(Nanos::from_secs(1), |to, at| {
            if to == address(7) && dark.contains(&at) { Fate::LostOut } else { Fate::Answered }
        });
        world.session.on_watch(now_at(world.now));
        // It is not begun anew as long as it lasts.
        world.session.on_watch(now_at(world.now));
    }
    world.run(Nanos::from_millis(1), answered);
    let told = standings(&world);
    let summary = world.finish();
    assert_eq!(told.len(), 100);
    for row in &summary.target_rows {
        let all = &told[&row.name];
        assert_eq!(all.len(), 10, "{}", row.name);
        assert!(all.is_sorted_by_key(|one| one.outage_ns), "{all:?}");
        let (last, trips) = (&all[9], all.iter().map(|one| one.round_trips.len() as u64));
        assert_eq!(trips.sum::<u64>(), last.back);
        assert!(last.back.abs_diff(row.back) <= 1 && last.sent.abs_diff(row.sent) <= 1);
        let of_row = (row.outages, row.outage_ns, row.lost.lost_out, row.ttl_out);
        assert_eq!((last.outages, last.outage_ns, last.lost_out, last.ttl_out), of_row);
        assert_eq!(last.is_up, Some(true));
    }
    let down = told["t7"].iter().filter(|one| one.is_up == Some(false)).count();
    assert!((1..=4).contains(&down), "{down}");
}

#[test]
fn a_target_takes_less_than_a_kilobyte() {
    let mut plan = plan(list(Nanos::from_secs(1), Vec::new()));
    plan.thresholds = ["loss>1% for 1min", "outage>10s"]
        .map(|text| WatchedThreshold { threshold: text.parse().unwrap(), ends_run: false })
        .to_vec();
    let mut one = listed("router-17.example", Some(address(1)));
    one.thresholds = [0, 1].into();
    let mut target = Target::new(&one, &plan, 1, START);
    for delay in [90_000, 200_000, 900_000, 12_000_000] {
        target.round_trips.record(Nanos(delay));
    }
    assert!(target.bytes() < 1_536, "{}", target.bytes());
}

#[test]
fn an_outage_is_told_when_it_begins_and_when_it_ends_with_its_direction() {
    for (fate, side) in [(Fate::LostOut, 0), (Fate::LostBack, 1)] {
        let targets = vec![listed("a", Some(address(1))), listed("b", Some(address(2)))];
        let mut world = World::new(plan(list(Nanos::from_millis(100), targets)));
        let dark = Nanos::from_secs(10)..Nanos::from_secs(12);
        world.run(Nanos::from_secs(20), |to, at| {
            if to == address(2) && dark.contains(&at) { fate } else { Fate::Answered }
        });
        let news = world.news();
        let [began, ended] = &news[..] else { panic!("{news:#?}") };
        assert!(news.iter().all(|one| one.target == "b"));
        let MonitorChange::OutageBegan { start_ns, probes: 3 } = began.change else {
            panic!("{began:?}")
        };
        assert!((10_000_000_000..10_100_000_000).contains(&start_ns), "{start_ns}");
        let MonitorChange::OutageEnded { length_ns, lost, never_sent: 0, .. } = &ended.change
        else {
            panic!("{ended:?}")
        };
        assert_eq!((lost.lost, lost.lost_unknown), (20, Some(0)), "{lost:?}");
        assert_eq!([lost.lost_out, lost.lost_back][side], Some(20), "{lost:?}");
        assert!(length_ns.abs_diff(2_000_000_000) < 2_000_000, "{length_ns}");
        let summary = world.finish();
        let b = &summary.target_rows[1];
        assert_eq!((b.outages, b.lost.lost, summary.target_rows[0].lost.lost), (1, 20, 0));
        assert_eq!(b.longest_outage_ns, *length_ns);
    }
}

#[test]
fn an_outage_that_ends_with_the_last_answer_is_told_at_the_end() {
    let mut plan = plan(list(Nanos::from_secs(1), vec![listed("a", Some(address(1)))]));
    plan.time = Some(Nanos::from_millis(10_500));
    let mut world = World::new(plan);
    world.run(Nanos::from_secs(30), |_, at| match at.0 / 1_000_000_000 {
        3..10 => Fate::LostBack,
        _ => Fate::Answered,
    });
    assert!(world.is_over);
    let ended = world.news().pop().unwrap().change;
    let MonitorChange::OutageEnded { lost, .. } = ended else { panic!("{ended:?}") };
    assert_eq!((lost.lost, lost.lost_unknown), (7, Some(7)), "one answer shows no direction");
}

#[test]
fn a_restart_a_clock_step_and_another_path_are_told_once_each() {
    let mut world =
        World::new(plan(list(Nanos::from_millis(100), vec![listed("a", Some(address(1)))])));
    world.run(Nanos::from_secs(5), answered);
    world.far.values_mut().for_each(|far| far.count = 0);
    world.run(Nanos::from_secs(5), answered);
    world.far.values_mut().for_each(|far| far.ahead = -3_000_000_000);
    world.run(Nanos::from_secs(5), answered);
    world.far.values_mut().for_each(|far| far.ttl = 248);
    world.run(Nanos::from_secs(5), answered);
    let changes: Vec<_> = world.news().into_iter().map(|one| one.change).collect();
    let [restart, step, out, back] = &changes[..] else { panic!("{changes:#?}") };
    assert_eq!(*restart, MonitorChange::ReflectorRestarted);
    let MonitorChange::ClockStepped { step_ns } = step else { panic!("{step:?}") };
    assert!((step_ns + 3_000_000_000).abs() <= DELAY.0 as i64 * 2, "{step_ns}");
    for (told, way) in [(out, MonitorWay::Out), (back, MonitorWay::Back)] {
        let expected = MonitorChange::HopsChanged { way, ttl_before: 250, ttl: 248 };
        assert_eq!(*told, expected);
    }
}

#[test]
fn a_name_that_cannot_be_resolved_stops_no_other_and_is_asked_for_again() {
    let targets = vec![listed("a", None), listed("b", Some(address(2)))];
    let mut world = World::new(plan(list(Nanos::from_secs(1), targets)));
    world.run(Nanos::from_secs(3), answered);
    let asked = std::mem::take(&mut *world.asked.borrow_mut());
    assert_eq!(asked.len(), 1);
    assert_eq!(&*asked[0].1, "a:862");
    let give = |world: &World, ticket, found| {
        world.given.borrow_mut().push_back(MonitorOrder::Resolved { ticket, found });
    };
    give(&world, asked[0].0, Err(HostFault::NoAddress));
    world.run(Nanos::from_secs(15), answered);
    assert_eq!(world.sent.iter().filter(|(_, to)| *to == address(2)).count(), 18);
    let news = world.news();
    assert!(matches!(news[0].change, MonitorChange::NotResolved { .. }), "{news:?}");
    assert!(matches!(news[1].change, MonitorChange::OutageBegan { .. }), "{news:?}");
    let asked = std::mem::take(&mut *world.asked.borrow_mut());
    give(&world, asked[0].0, Ok(vec![address(7), address(8)]));
    world.run(Nanos::from_secs(5), answered);
    let ended = world.news().pop().unwrap();
    assert!(matches!(ended.change, MonitorChange::OutageEnded { .. }), "{ended:?}");
    assert_eq!(ended.address, Some(address(7).into()));
    // The name moves.
    world.run(Nanos::from_secs(60), answered);
    let asked = std::mem::take(&mut *world.asked.borrow_mut());
    give(&world, asked.last().unwrap().0, Ok(vec![address(9)]));
    world.run(Nanos::from_secs(5), answered);
    let moved = world.news().pop().unwrap().change;
    let (before, address) = (Some(address(7).into()), address(9).into());
    assert_eq!(moved, MonitorChange::AddressChanged { before, address });
    let summary = world.finish();
    assert_eq!((summary.lost, summary.target_rows[0].address_changes), (0, 1));
    assert!(summary.target_rows[0].never_sent > 10, "{summary:#?}");
}

#[test]
fn a_list_that_is_read_again_keeps_the_counts_of_targets_that_stay() {
    let targets = ["a", "b"].map(|one| listed(one, Some(address(one.len() as u32 + 4)))).to_vec();
    let mut first = targets;
    first[1].address = Some(address(2));
    let mut world = World::new(plan(list(Nanos::from_secs(1), first.clone())));
    world.run(Nanos::from_secs(10), answered);
    let again =
        list(Nanos::from_millis(500), vec![first[1].clone(), listed("c", Some(address(3)))]);
    world.given.borrow_mut().push_back(MonitorOrder::List(again));
    world.run(Nanos::from_secs(10), answered);
    {
        let told = world.told.borrow();
        let gone = told.iter().find_map(|event| match event {
            MonitorEvent::Gone(row) => Some(row),
            _ => None,
        });
        let gone = gone.unwrap();
        assert_eq!((&*gone.name, gone.sent, gone.back), ("a", 11, 10));
    }
    let news: Vec<_> = world.news().into_iter().map(|one| (one.target, one.change)).collect();
    let expected = [("a", MonitorChange::Removed), ("c", MonitorChange::Added)];
    assert_eq!(news, expected.map(|(name, change)| (name.to_owned(), change)));
    let sent = world.sent.len() as u64;
    let summary = world.finish();
    assert_eq!((summary.sent, summary.lost, summary.removed, summary.reloads), (sent, 0, 1, 1));
    let [b, c] = &summary.target_rows[..] else { panic!("{summary:?}") };
    assert!((29..=31).contains(&b.sent) && b.reflector_restarts == 0, "{b:?}");
    assert!((19..=21).contains(&c.sent), "{c:?}");
}

#[test]
fn a_threshold_is_told_and_one_of_fail_if_ends_the_run() {
    let mut one = listed("a", Some(address(1)));
    one.thresholds = [0, 1].into();
    let mut plan = plan(list(Nanos::from_millis(100), vec![one]));
    let watched = |text: &str, ends_run| WatchedThreshold {
        threshold: text.parse::<Threshold>().unwrap(),
        ends_run,
    };
    plan.thresholds = vec![watched("loss>10% for 4s", false), watched("outage>3s", true)];
    let mut world = World::new(plan);
    world.run(Nanos::from_secs(60), |_, at| match at.0 / 1_000_000_000 {
        10 | 40.. => Fate::LostOut,
        _ => Fate::Answered,
    });
    assert!(world.is_over);
    assert!(world.now - START < Nanos::from_secs(46), "{}", world.now - START);
    let news = world.news();
    let codes: Vec<_> = news
        .iter()
        .map(|one| match &one.change {
            MonitorChange::ThresholdBroken { condition, .. } => format!("broken {condition}"),
            MonitorChange::ThresholdHeld { condition, .. } => format!("held {condition}"),
            MonitorChange::OutageBegan { .. } => "down".to_owned(),
            MonitorChange::OutageEnded { .. } => "up".to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(codes.contains(&"broken loss>10% for 4s".to_owned()), "{codes:?}");
    assert!(codes.contains(&"held loss>10% for 4s".to_owned()), "{codes:?}");
    assert_eq!(codes.last().unwrap(), "broken outage>3s", "{codes:?}");
    let summary = world.finish();
    assert!(summary.is_broken() && summary.thresholds[1].ended_run);
    assert!(!summary.thresholds[0].ended_run);
}
