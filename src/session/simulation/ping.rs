//! `ping` with the real reflector over links with known faults.

use super::paths::{clean, held, jittery, lossy, twice, with_delay};
use crate::batch::{Datagram, Dest, LocalSendFailure, RxEntry, SendOutcome, TxBatch};
use crate::control::KEEPALIVE_EVERY;
use crate::impair::{Chance, Impairments};
use crate::machine::{Next, Now, Session};
use crate::netsim::{
    Clock, Host, Link, Nat, NatTimers, Network, Refresh, SendFaults, SimSocket, Way, runs,
};
use crate::record::probe::PortChoice;
use crate::record::{Flow, Outcome, PingEvent, PingRow, PingSummary, PingTargetReport, Sink};
use crate::session::ping::{
    Asked, PingPlan, PingSession, PingSpacing, PingTarget, Protocol, StampProbes,
};
use crate::session::serve::{Reflection, Reflector};
use crate::session::stamp::{StampPolicy, StampReflector};
use crate::units::Nanos;
use crate::wire::stamp::{ErrorEstimate, StampReply};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;

const LEN: usize = 44;

/// A host with only a reflector, or one that merely echoes.
struct Mirror {
    reflector: Option<StampReflector<fn() -> ErrorEstimate>>,
    queue: VecDeque<(SocketAddr, Vec<u8>)>,
    /// Whether the probe's number is copied into the answer (RFC 8762 §4.3, stateless).
    stateless: bool,
    /// The probe of each answer, in order.
    answered: Vec<u32>,
}

impl Session for Mirror {
    type Summary = ();

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        while let Some((to, mut bytes)) = self.queue.pop_front() {
            if let Some(reflector) = &mut self.reflector {
                reflector.departing(now, &Dest::from(to), &mut bytes);
            }
            let dest = out.add_dest(to);
            let Some(slot) = out.push(dest, bytes.len()) else {
                self.queue.push_front((to, bytes));
                return Next::Send;
            };
            slot.copy_from_slice(&bytes);
        }
        Next::Idle
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let mut reply = Vec::new();
        match &mut self.reflector {
            None => reply.extend_from_slice(datagram.payload),
            Some(reflector) => {
                let told = reflector.answer(now, datagram, &mut reply);
                if datagram.payload.is_empty() {
                    assert_eq!(told, Reflection::Silent, "a keepalive");
                    return;
                }
                assert!(matches!(told, Reflection::Answered { .. }), "{told:?}");
                let seq = StampReply::decode(&reply).unwrap().request.seq;
                self.answered.push(seq);
                if self.stateless {
                    reply[..4].copy_from_slice(&seq.to_be_bytes());
                }
            }
        }
        self.queue.push_back((datagram.meta.source, reply));
    }

    fn on_stop(&mut self, _now: Now) {}

    fn finish(self, _now: Now) {}
}

/// Records each probe's result and the last interval's losses, shared with the test.
#[derive(Clone, Default)]
struct Rows(Rc<RefCell<Vec<PingRow>>>, Rc<Cell<u64>>);

impl Sink<PingEvent<'_>> for Rows {
    fn take(&mut self, event: PingEvent<'_>) -> Flow {
        match event {
            PingEvent::Settled(row) => self.0.borrow_mut().push(*row),
            PingEvent::Interval(interval) => self.1.set(interval.lost),
            _ => {}
        }
        Flow::Continue
    }
}

/// Parameters of one run.
#[derive(Clone)]
pub(super) struct Ping {
    pub spacing: PingSpacing,
    pub count: Option<u64>,
    time: Option<Nanos>,
    wait: Nanos,
    keepalive: Nanos,
    /// What translates addresses before the path.
    nat: Option<NatTimers>,
    plain: bool,
    stateless: bool,
    asked: Asked,
    pub out: Impairments,
    pub back: Impairments,
    /// When nothing passes, in one direction or in both.
    pub blackout: Option<(Range<Nanos>, Option<Way>)>,
    /// Share of answers in which a number is replaced by an extreme one.
    extremes: Chance,
    clock: Clock,
    far_clock: Clock,
    send_faults: SendFaults,
    late: Nanos,
    /// When the user ends it.
    stop: Option<Nanos>,
}

impl Default for Ping {
    fn default() -> Self {
        Self {
            spacing: PingSpacing::Every(Nanos::from_millis(1)),
            count: Some(1_000),
            time: None,
            wait: Nanos::from_millis(200),
            keepalive: KEEPALIVE_EVERY,
            nat: None,
            plain: false,
            stateless: false,
            asked: Asked::default(),
            out: clean(),
            back: clean(),
            blackout: None,
            extremes: Chance::NEVER,
            clock: Clock::default(),
            far_clock: Clock::default(),
            send_faults: SendFaults::default(),
            late: Nanos::ZERO,
            stop: None,
        }
    }
}

/// The report, and what really happened.
pub(super) struct Ran {
    pub report: PingTargetReport,
    rows: Vec<PingRow>,
    /// Losses reported in the last interval.
    lost_so_far: u64,
    /// Probes that reached the reflector, and those with an answer that came back.
    reached: BTreeSet<u64>,
    returned: BTreeSet<u64>,
    /// Lost answers that are counted as losses of their probes: those to copies made on the way
    /// out, and those after the last that came back, by either number.
    doubtful: u64,
    sent: u64,
    ended: Nanos,
}

impl Ping {
    pub fn run(&self, seed: u64) -> Ran {
        let ours: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        let theirs: SocketAddr = "192.0.2.2:862".parse().unwrap();
        let protocol = if self.plain {
            Protocol::Plain { tag: 7, len: LEN }
        } else {
            let error = ErrorEstimate::default();
            let asked = self.asked;
            let len = StampProbes::least(None, asked);
            Protocol::Stamp(StampProbes { key: None, ssid: 7, error, asked, len })
        };
        let plan = PingPlan {
            targets: vec![PingTarget { name: "far".to_owned(), addr: theirs }],
            protocol,
            spacing: self.spacing,
            count: self.count,
            time: self.time,
            wait: self.wait,
            keepalive: self.keepalive,
            outage: None,
            ttl: 255,
            explain: LocalSendFailure::from_errno,
        };
        let mut network = Network::new(seed);
        let mut link = Link::new(self.out.clone(), self.back.clone());
        link.back.extremes = self.extremes;
        let mut near = Host::at("192.0.2.1");
        if let Some(timers) = self.nat.clone() {
            let mut nat = Nat::at([203, 0, 113, 1].into());
            nat.timers = timers;
            if let Some(translation) = &mut nat.translation {
                translation.ports = PortChoice::Random;
            }
            near = near.behind(nat);
        }
        near = near.behind(link);
        if let Some((at, dark)) = self.blackout.clone() {
            near = near.behind_rule(move |now, way, _| {
                !at.contains(&now) || dark.is_some_and(|dark| dark != way)
            });
        }
        (near.clock, near.send_faults, near.late) = (self.clock, self.send_faults, self.late);
        let near = network.add(near);
        let mut far = Host::at("192.0.2.2");
        far.clock = self.far_clock;
        let far = network.add(far);
        let rows = Rows::default();
        let estimate: fn() -> ErrorEstimate = ErrorEstimate::default;
        let reflector = StampReflector::new(StampPolicy::default(), estimate);
        let mirror = Mirror {
            reflector: (!self.plain).then_some(reflector),
            queue: VecDeque::new(),
            stateless: self.stateless,
            answered: Vec::new(),
        };
        let mirror = network.start(far, &[SimSocket::bound(theirs)], mirror);
        let prober = PingSession::new(plan, rows.clone());
        let prober = network.start(near, &[SimSocket::bound(ours)], prober);
        for process in [mirror.id(), prober.id()] {
            network.set_tick(process, Nanos::from_millis(50));
        }
        let deadline = Nanos::from_secs(4_000);
        if let Some(stop) = self.stop {
            while network.step(stop) {}
            network.stop(prober.id());
        }
        network.run(&[prober.id()], deadline);
        let (ended, now) = (network.instant(), network.now(prober.id()));
        let link = network.host(near).link();
        let on_link = link.out.passages.len() as u64;
        let arrived: BTreeSet<usize> = link.back.arrivals.iter().copied().collect();
        let answered = mirror.with(|mirror| mirror.answered.clone());
        let returned = arrived.iter().map(|passage| {
            // Plain ones cannot be told apart, only counted.
            if self.plain { *passage as u64 } else { u64::from(answered[*passage]) }
        });
        let mut returned: BTreeSet<u64> = returned.collect();
        let last = returned.last().copied().unwrap_or(0);
        let beyond = answered.iter().filter(|probe| u64::from(**probe) > last).count();
        let behind = answered.len().saturating_sub(arrived.last().map_or(0, |last| last + 1));
        let summary: PingSummary = prober.finish(now).summary;
        let mut reached: BTreeSet<u64> = answered.iter().copied().map(u64::from).collect();
        // The extra probe after the last one is not a probe of the run.
        let sent = summary.targets[0].sent;
        reached.retain(|probe| *probe < sent);
        returned.retain(|probe| self.plain || *probe < sent);
        let (rows, lost_so_far) = (rows.0.borrow().clone(), rows.1.get());
        Ran {
            lost_so_far,
            report: summary.targets.into_iter().next().unwrap(),
            rows,
            doubtful: (answered.len() - reached.len() + behind + beyond) as u64,
            reached,
            returned,
            sent: on_link,
            ended,
        }
    }
}

impl Ran {
    /// Compares the report with what really happened.
    #[track_caller]
    fn check(&self, seed: u64) {
        let PingTargetReport { sent, back, open, lost, .. } = self.report;
        let beside = self.report.questions + self.report.keepalives;
        assert_eq!(sent + beside, self.sent, "seed {seed}");
        assert_eq!(back, self.returned.len() as u64, "seed {seed}");
        assert_eq!(sent, back + lost.total + open, "seed {seed}");
        assert_eq!(self.lost_so_far, lost.total, "seed {seed}: live and in the end");
        let Some(last) = self.returned.last() else { return };
        // Up to the last answer, or to the end if an extra probe shows it.
        let end = if (open, lost.unknown) == (0, Some(0)) { sent } else { *last };
        let missing = |of: &BTreeSet<u64>| (0..end).filter(|seq| !of.contains(seq)).count() as u64;
        let (out, all) = (missing(&self.reached), missing(&self.returned));
        if let (Some(told_out), Some(told_back)) = (lost.out, lost.back) {
            assert_eq!(told_out + told_back + lost.unknown.unwrap(), lost.total, "seed {seed}");
            assert_eq!(told_out + told_back, all, "seed {seed}");
            assert!(told_out.abs_diff(out) <= self.doubtful, "seed {seed}: {told_out} of {out}");
        } else {
            assert!(lost.untold.is_some(), "seed {seed}: {lost:?}");
        }
        let seqs = self.rows.iter().map(|row| row.seq);
        assert!(seqs.eq(0..sent), "seed {seed}: every probe has its row, in order");
        let of = |wanted| self.rows.iter().filter(|row| row.outcome == wanted).count() as u64;
        assert_eq!(of(Outcome::Back) + of(Outcome::Late), back, "seed {seed}");
        assert_eq!(of(Outcome::Late), self.report.late, "seed {seed}");
        assert_eq!(of(Outcome::Lost), lost.total, "seed {seed}");
        let mut bursts = (0, 0);
        for run in
            self.rows.chunk_by(|a, b| (a.outcome == Outcome::Lost) == (b.outcome == Outcome::Lost))
        {
            if run[0].outcome == Outcome::Lost {
                bursts = (bursts.0 + 1, bursts.1.max(run.len() as u64));
            }
        }
        assert_eq!((lost.bursts, lost.longest), bursts, "seed {seed}");
    }
}

fn weather(percent: u32) -> Impairments {
    weather_over(Nanos::from_millis(1), percent)
}

fn weather_over(base: Nanos, percent: u32) -> Impairments {
    let delay = jittery(base, Nanos::from_micros(300));
    Impairments { loss: lossy(percent), delay, ..Impairments::default() }
}

#[test]
fn loss_each_way_is_what_the_links_lost_each_way() {
    let mut told = 0;
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut path = || {
            let duplication = [0, 0, 10][rng.usize(..3)];
            Impairments {
                duplication: twice(duplication),
                reordering: held([0, 50][rng.usize(..2)], Nanos::from_millis(4)),
                ..weather([0, 1, 10, 50][rng.usize(..4)])
            }
        };
        let out = path();
        let back = path();
        let count = Some(rng.u64(1..2_000));
        let doubles = out.duplication.share > Chance::NEVER;
        let ran = Ping { count, out, back, ..Ping::default() }.run(seed);
        ran.check(seed);
        let lost = ran.report.lost;
        told += u64::from(lost.total > 0 && lost.out.is_some());
        if !doubles && lost.total > 0 && ran.report.back > 100 {
            assert!(lost.out.is_some(), "seed {seed}: {lost:?}");
        }
    }
    assert!(told > 20, "{told}");
}

#[test]
fn a_way_that_loses_is_named_and_the_other_is_not() {
    let lossy = weather(10);
    let out = Ping { out: lossy.clone(), ..Ping::default() }.run(1);
    let lost = out.report.lost;
    assert!(lost.out > Some(60) && lost.back == Some(0), "{lost:?}");
    assert_eq!(out.report.reflector_counts, Some(true));
    let back = Ping { back: lossy, ..Ping::default() }.run(1);
    let lost = back.report.lost;
    assert!(lost.back > Some(60) && lost.out == Some(0), "{lost:?}");
    // The numbers never differed: the extra probe decided.
    assert_eq!((back.report.reflector_counts, back.report.questions), (Some(true), 1));
    let none = Ping::default().run(1).report;
    assert_eq!((none.reflector_counts, none.questions), (None, 0), "nothing was in doubt");
}

#[test]
fn a_target_that_keeps_no_count_is_found_out_and_no_way_is_named() {
    for (out, back) in [(10, 0), (0, 10)] {
        let ping =
            Ping { stateless: true, out: weather(out), back: weather(back), ..Ping::default() };
        let told = ping.run(1).report;
        assert_eq!(told.reflector_counts, Some(false));
        assert_eq!((told.lost.out, told.lost.back, told.lost.unknown), (None, None, None));
        assert!(told.lost.total > 60 && told.questions > 0, "{told:?}");
        // Counters that were requested are a count even there.
        let asked = Asked { counts: true, ..Asked::default() };
        let told = Ping { asked, ..ping }.run(1).report;
        assert_eq!(told.reflector_counts, Some(true));
        let ways = [told.lost.out, told.lost.back].map(|lost| lost > Some(60));
        assert_eq!(ways, [out > 0, back > 0], "{:?}", told.lost);
    }
}

#[test]
fn what_died_behind_the_last_answer_is_told_by_the_count() {
    let mut told = 0;
    for seed in 0..40 {
        let (out, back) = (weather(50), weather(50));
        let ran = Ping { out, back, count: Some(200), ..Ping::default() }.run(seed);
        ran.check(seed);
        let report = &ran.report;
        // A repeated question may hide that the first was counted.
        let tail_was_lost = ran.returned.last() < Some(&199);
        if report.questions == 1 && report.lost.unknown == Some(0) && tail_was_lost {
            let reached = ran.reached.len() as u64;
            assert_eq!(report.lost.out, Some(200 - reached), "seed {seed}");
            assert_eq!(report.lost.back, Some(reached - report.back), "seed {seed}");
            told += 1;
        }
    }
    assert!(told > 3, "{told}");
}

#[test]
fn clocks_hours_apart_that_drift_and_jump_change_no_round_trip_and_no_count() {
    let out = weather_over(Nanos::from_millis(7), 2);
    let back = weather_over(Nanos::from_millis(3), 2);
    let count = Some(20_000);
    let plain = Ping { count, out, back, ..Ping::default() };
    let steady = plain.run(5).report;
    let median = steady.round_trip_ns.p50.unwrap();
    assert!((10_000_000..10_600_000).contains(&median), "{median}");
    let clock = |hours: u64, drift_ppm| Clock {
        epoch: Nanos::from_secs(1_700_000_000 + hours * 3_600),
        drift_ppm,
        ..Clock::default()
    };
    for (near, far, drift) in [
        (clock(5, 0), clock(0, 0), 0),
        (clock(0, 0), clock(9, 100), 100_000),
        (clock(0, 0), clock(9, -100), -100_000),
        (
            Clock { step: Some((Nanos::from_secs(9), -3_600_000_000_000)), ..clock(0, 0) },
            clock(0, 0),
            0,
        ),
    ] {
        let told = Ping { clock: near, far_clock: far, ..plain.clone() }.run(5).report;
        assert_eq!((told.back, told.lost), (steady.back, steady.lost));
        let trip = told.round_trip_ns;
        assert!(trip.p50.unwrap().abs_diff(median) < 20_000, "{near:?} {far:?}: {trip:?}");
        assert!(trip.max.unwrap() < 12_000_000, "{near:?} {far:?}: {trip:?}");
        assert!((told.drift_ppb.unwrap_or(0) - drift).abs() < 1_000, "{:?}", told.drift_ppb);
        // 0.3 ms of jitter in each direction; undetected, the drift would add 2 ms.
        for way in [told.out_above_min_ns, told.back_above_min_ns] {
            assert!(way.p90.unwrap() < 400_000, "{near:?} {far:?}: {way:?}");
        }
    }
}

#[test]
fn a_path_slower_than_the_time_out_is_late_and_loses_nothing() {
    let slow = with_delay(Nanos::from_millis(130));
    let ran = Ping { out: slow.clone(), back: slow, ..Ping::default() }.run(0);
    ran.check(0);
    let told = &ran.report;
    // The last ones come after the end: their time-out is over, too.
    assert_eq!(told.sent, told.late + told.lost.total);
    assert!(told.late > 900, "{told:?}");
    assert!(told.round_trip_ns.p50 > Some(259_000_000));
}

#[test]
fn an_open_loop_keeps_its_schedule_whatever_is_lost_and_however_late_it_is_woken() {
    for seed in 0..10 {
        let late = Nanos::from_millis(3);
        let ran = Ping { out: weather(50), late, ..Ping::default() }.run(seed);
        ran.check(seed);
        let planned: Vec<u64> = ran.rows.iter().map(|row| row.planned_ns).collect();
        assert!(planned.windows(2).all(|pair| pair[1] - pair[0] == 1_000_000), "seed {seed}");
        let told = ran.report.send_late_ns;
        assert!(told.max > Some(2_000_000) && told.max <= Some(3_010_000), "{told:?}");
        // Lateness of sending is part of the delay as planned, and not of the path's.
        let (planned, trip) = (ran.report.as_planned_ns, ran.report.round_trip_ns);
        assert!(planned.max > trip.max, "seed {seed}: {planned:?} {trip:?}");
        assert!(trip.max < Some(2_310_000), "seed {seed}: {trip:?}");
        let out = ran.report.out_above_min_ns;
        assert!(out.max < Some(310_000), "seed {seed}: {out:?}");
    }
}

#[test]
fn an_answer_that_came_in_time_and_was_read_late_is_not_lost_live_either() {
    let addr: SocketAddr = "192.0.2.2:862".parse().unwrap();
    let wait = Nanos::from_millis(100);
    let plan = PingPlan {
        targets: vec![PingTarget { name: "far".to_owned(), addr }],
        protocol: Protocol::Plain { tag: 7, len: LEN },
        spacing: PingSpacing::Every(Nanos::from_millis(1)),
        count: Some(1),
        time: None,
        wait,
        keepalive: Nanos::ZERO,
        outage: None,
        ttl: 255,
        explain: LocalSendFailure::from_errno,
    };
    let rows = Rows::default();
    let mut session = PingSession::new(plan, rows.clone());
    let mut out = TxBatch::new(4, 4 * LEN);
    let now = |at| Now { mono: Nanos::from_secs(1) + at, real: Nanos::from_secs(1_000) + at };
    let later = Nanos::from_millis(1);
    session.poll_transmit(now(later), &mut out);
    let probes = out.arena()[..LEN].to_vec();
    session.on_sent(now(later), &out, &SendOutcome { accepted: out.len(), stop: None });
    out.clear();
    // It is timed out; then its answer is read, which had arrived in time.
    let late = now(later + wait + wait);
    session.poll_transmit(late, &mut out);
    let mut meta = RxEntry::default().meta;
    (meta.source, meta.arrival) = (addr, now(later + later).real);
    session.on_datagram(late, &Datagram { payload: &probes, true_len: LEN, meta });
    let told = session.finish(late).summary.targets.remove(0);
    assert_eq!((told.back, told.late, told.lost.total), (1, 0, 0));
    assert_eq!(rows.1.get(), 0);
}

#[test]
fn a_closed_loop_goes_on_when_one_is_lost() {
    let ping = Ping {
        spacing: PingSpacing::Flood,
        out: weather(10),
        back: weather(10),
        wait: Nanos::from_millis(20),
        ..Ping::default()
    };
    let ran = ping.run(3);
    ran.check(3);
    assert_eq!(ran.report.sent, 1_000);
    let lost = ran.report.lost.total;
    assert!((150..230).contains(&lost), "{lost}");
    // Just over two milliseconds each, and the time-out of each lost one.
    let least = lost * 20_000_000 + (1_000 - lost) * 2_000_000;
    assert!((least..least * 5 / 4).contains(&ran.ended.0), "{}", ran.ended);
}

#[test]
fn a_time_bounds_every_schedule_and_the_same_seed_is_the_same_run() {
    let time = Some(Nanos::from_secs(2));
    let mean = Nanos::from_millis(1);
    for (spacing, counts) in [
        (PingSpacing::Every(mean), 2_000..2_001),
        (PingSpacing::Poisson { mean, seed: 4 }, 1_850..2_150),
        (PingSpacing::Flood, 950..1_001),
    ] {
        let ping = Ping { spacing, time, count: None, ..Ping::default() };
        let ran = ping.run(1);
        ran.check(1);
        assert!(counts.contains(&ran.report.sent), "{spacing:?}: {}", ran.report.sent);
        assert_eq!(ran.report, ping.run(1).report);
    }
}

#[test]
fn what_the_kernel_refused_is_not_sent_and_not_lost() {
    for seed in 0..20 {
        let send_faults = SendFaults { blocked: 0.1, refused: 0.1 };
        let ran = Ping { send_faults, ..Ping::default() }.run(seed);
        ran.check(seed);
        let told = &ran.report;
        assert!(told.never_sent > 0 && told.lost.total == 0, "seed {seed}: {told:?}");
        assert_eq!(told.sent + told.never_sent, 1_000, "seed {seed}");
        assert_eq!(told.refused[0].datagrams, told.never_sent);
    }
}

#[test]
fn a_run_that_is_stopped_ends_at_once_and_loses_nothing_that_is_under_way() {
    let far = with_delay(Nanos::from_millis(80));
    let stop = Some(Nanos::from_millis(100));
    let ping =
        Ping { out: far.clone(), stop, count: None, wait: Nanos::from_secs(9), ..Ping::default() };
    let ran = ping.run(0);
    ran.check(0);
    let told = &ran.report;
    assert!(told.lost.total == 0 && told.sent >= 100, "{told:?}");
    assert!(ran.ended < Nanos::from_millis(300), "{}", ran.ended);
    let deaf = Ping { back: Impairments { loss: lossy(100), ..far }, ..ping }.run(0);
    assert_eq!((deaf.report.open, deaf.report.lost.total), (deaf.report.sent, 0));
    assert!(deaf.ended < Nanos::from_millis(300), "{}", deaf.ended);
}

#[test]
fn bytes_that_come_back_have_round_trips_and_losses_but_no_ways() {
    let ran = Ping { plain: true, out: weather(10), back: weather(10), ..Ping::default() }.run(2);
    let told = &ran.report;
    assert_eq!(told.sent, told.back + told.lost.total);
    assert!((150..230).contains(&told.lost.total), "{told:?}");
    assert_eq!((told.lost.out, told.lost.back), (None, None));
    assert_eq!((told.server_ns.samples, told.out_above_min_ns.samples), (0, 0));
    assert!(told.round_trip_ns.p50 > Some(2_000_000));
}

#[test]
fn a_reflector_may_answer_any_number() {
    for seed in 0..runs(60) {
        let (back, extremes) = (weather(5), Chance::percent([1, 30, 100][seed as usize % 3]));
        let dscp = "EF".parse().expect("a class");
        let asked = Asked { class: Some(dscp), counts: true, departure: true };
        let plain = seed % 5 == 4;
        let ran =
            Ping { back, extremes, asked, plain, stateless: seed % 2 == 1, ..Ping::default() }
                .run(seed);
        let told = &ran.report;
        assert!(told.back <= told.sent && told.lost.total <= told.sent, "seed {seed}: {told:?}");
        let server = told.server_ns.max.unwrap_or(0);
        assert!(server <= 61_000_000_000, "seed {seed}: {told:?}");
    }
}

/// Counts how often the status was told.
#[derive(Clone, Default)]
struct Statuses(Rc<Cell<u32>>);

impl Sink<PingEvent<'_>> for Statuses {
    fn take(&mut self, event: PingEvent<'_>) -> Flow {
        self.0.set(self.0.get() + u32::from(matches!(event, PingEvent::Status(_))));
        Flow::Continue
    }
}

#[test]
fn a_status_that_is_asked_for_before_the_run_begins_is_told_once_it_has() {
    let plan = PingPlan {
        targets: vec![PingTarget { name: "far".to_owned(), addr: "192.0.2.2:7".parse().unwrap() }],
        protocol: Protocol::Plain { tag: 7, len: LEN },
        spacing: PingSpacing::Every(Nanos::from_millis(1)),
        count: Some(1),
        time: None,
        wait: Nanos::from_millis(1),
        keepalive: Nanos::ZERO,
        outage: None,
        ttl: 255,
        explain: LocalSendFailure::from_errno,
    };
    let told = Statuses::default();
    let mut session = PingSession::new(plan, told.clone());
    let now = Clock::default().read(Nanos(5));
    session.on_status(now);
    let mut out = TxBatch::new(8, 8 * LEN);
    session.poll_transmit(now, &mut out);
    assert_eq!(told.0.get(), 1);
    session.on_status(now);
    assert_eq!(told.0.get(), 2);
}

#[test]
fn probes_that_are_far_apart_remain_one_session_behind_a_nat_that_forgets() {
    let timer = Nanos::from_secs(3);
    let timers = NatTimers {
        first: timer,
        established: timer,
        refresh: Refresh::Outbound,
        ..NatTimers::default()
    };
    let apart = Ping {
        spacing: PingSpacing::Every(Nanos::from_secs(5)),
        count: Some(20),
        nat: Some(timers),
        ..Ping::default()
    };
    for seed in 0..runs(4) {
        let ran = apart.run(seed);
        ran.check(seed);
        let report = &ran.report;
        assert_eq!((report.back, report.reflector_restarts), (20, 0), "seed {seed}");
        assert_eq!(report.keepalives, 38, "seed {seed}: two in each gap");
        let off = Ping { keepalive: Nanos::ZERO, ..apart.clone() }.run(seed);
        assert_eq!(off.report.keepalives, 0, "seed {seed}");
        // Each probe comes from another port, and the reflector begins to count anew.
        assert_eq!(off.report.reflector_restarts, 19, "seed {seed}: {:#?}", off.report);
    }
}
