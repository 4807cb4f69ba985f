//! Outages: what is told of them is what the network did, and nothing is told where it did not.

use super::client_and_server::{ClientAndServer, Finished, plan};
use super::paths::{clean, lossy};
use super::ping::Ping;
use crate::impair::Impairments;
use crate::netsim::{Host, Link, Way as LinkWay, Weather};
use crate::record::{BlastReceived, Outage, RunFailure, Way};
use crate::session::blast::{Direction, TestPlan};
use crate::session::ping::PingSpacing;
use crate::stats::{LossGap, StreamLosses};
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::{Header, Kind};
use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

/// Datagrams a second.
const RATE: u64 = 250;
const SPACING: Nanos = Nanos(1_000_000_000 / RATE);
/// The round trips of an opening, and a delay.
const OPENING: Nanos = Nanos::from_millis(20);
const DEADLINE: Nanos = Nanos::from_secs(120);

fn run_plan(direction: Direction, streams: u32, time: Nanos) -> TestPlan {
    let rate = Rate::Packets(PacketRate(RATE * 1_000 * u64::from(streams)));
    TestPlan { direction, streams, rate, ..plan(time) }
}

/// What a receiver's counts tell.
fn told(way: Way, received: &BlastReceived) -> Vec<Outage> {
    let (arrived, lost, bursts) = (received.numbers(), received.lost, received.loss_bursts);
    Outage::among(way, &received.gaps, StreamLosses { arrived, lost, bursts })
}

/// A blackout of 150 ms to 1.5 s.
fn blackout(rng: &mut fastrand::Rng) -> Range<Nanos> {
    let from = Nanos::from_millis(rng.u64(600..1_200));
    from..from + Nanos::from_millis(rng.u64(150..1_500))
}

/// Holds an outage against the blackout: its begin and its end are within the spacing of the
/// datagrams and `slack`.
#[track_caller]
fn hold(what: &str, outage: &Outage, blackout: &Range<Nanos>, (origin, slack): (Nanos, Nanos)) {
    let begin = origin + Nanos(outage.start_ns);
    let end = origin + Nanos(outage.end_ns.expect("it ended"));
    for (told, was) in [(begin, blackout.start), (end, blackout.end)] {
        let apart = told.signed_since(was).unsigned_abs();
        assert!(apart <= (SPACING + slack).0, "{what}: {outage:?} at {origin}, {blackout:?}");
    }
    let length = Nanos(outage.length_ns().expect("it ended"));
    let was = blackout.end - blackout.start;
    let apart = length.signed_since(was).unsigned_abs();
    assert!(apart <= 2 * SPACING.0 + 1_000_000, "{what}: {outage:?}, {blackout:?}");
}

#[test]
fn a_blackout_of_a_throughput_run_is_told_as_it_was() {
    for seed in 0..24 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let direction = [Direction::Up, Direction::Down, Direction::Both][seed as usize % 3];
        let streams = rng.u32(1..=2);
        let blackout = blackout(&mut rng);
        let blackouts = vec![blackout.clone()];
        let weather = Weather { path: [clean(), clean()], blackouts, ..Weather::default() };
        let run = run_plan(direction, streams, Nanos::from_secs(4));
        let mut ends = ClientAndServer::under(seed, run, &weather);
        ends.run_until(DEADLINE, ClientAndServer::is_granted);
        let granted = ends.network.instant();
        let finished = ends.finish(DEADLINE);
        let what = format!("seed {seed}, {direction:?}, {streams} streams");
        assert!(finished.summary.complete, "{what}: {:?}", finished.summary.failure);
        let up = finished.summary.received.iter().map(|received| (Way::Up, received));
        let down = finished.near_received.iter().map(|near| (Way::Down, &near.received));
        let each: Vec<_> = up.chain(down).collect();
        assert!(!each.is_empty(), "{what}");
        for (way, received) in each {
            let outages = told(way, received);
            let [outage] = &outages[..] else { panic!("{what}: {outages:?} of {received:?}") };
            hold(&what, outage, &blackout, (granted, OPENING));
            // The path lost nothing else.
            assert_eq!(outage.lost, received.lost, "{what}: {outage:?}");
            let (up, down) = (outage.up.unwrap_or(0), outage.down.unwrap_or(0));
            assert_eq!((up + down, up > 0), (outage.lost, way == Way::Up), "{what}: {outage:?}");
        }
    }
}

/// Nothing of the data passes until a while after the run was granted: the streams' beginnings are
/// lost, and what comes later counts from there.
#[test]
fn a_lost_beginning_is_an_outage_of_each_direction_and_of_several_streams() {
    for seed in 0..24 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let direction = [Direction::Up, Direction::Down, Direction::Both][seed as usize % 3];
        let streams = rng.u32(1..=3);
        let dark = Nanos::from_millis(rng.u64(200..1_500));
        let opens = Rc::new(Cell::new(Nanos::MAX));
        let opens_at = Rc::clone(&opens);
        let is_data =
            |payload: &[u8]| Header::decode(payload).is_ok_and(|header| header.kind == Kind::Data);
        let client = Host::at("192.0.2.1").behind(Link::both(&clean())).behind_rule(
            move |now, _, packet| now >= opens_at.get() || !packet.payload().is_some_and(is_data),
        );
        let run = run_plan(direction, streams, Nanos::from_secs(4));
        let hosts = [client, Host::at("192.0.2.2")];
        let mut ends = ClientAndServer::on_hosts(seed, run, hosts, [None, None]);
        ends.run_until(DEADLINE, ClientAndServer::is_granted);
        let granted = ends.network.instant();
        opens.set(granted + dark);
        // Once more, when all of it flows.
        let again = Nanos::from_millis(2_500)..Nanos::from_millis(2_900);
        ends.run_until(DEADLINE, |ends| ends.network.instant() >= granted + again.start);
        opens.set(granted + again.end);
        let finished = ends.finish(DEADLINE);
        let what = format!("seed {seed}, {direction:?}, {streams} streams, {dark}");
        assert!(finished.summary.complete, "{what}: {:?}", finished.summary.failure);
        let up = finished.summary.received.iter().map(|received| (Way::Up, received));
        let down = finished.near_received.iter().map(|near| (Way::Down, &near.received));
        for (way, received) in up.chain(down) {
            let outages = told(way, received);
            let [first, second] = &outages[..] else { panic!("{what}: {outages:?}") };
            assert_eq!((first.start_ns, first.lost + second.lost), (0, received.lost), "{what}");
            let ended = Nanos(first.end_ns.expect("it ended"));
            let apart = ended.signed_since(dark).unsigned_abs();
            assert!(apart <= (OPENING + SPACING).0, "{what}: {first:?}");
            let again = granted + again.start..granted + again.end;
            hold(&what, second, &again, (granted, OPENING));
        }
    }
}

/// `EPERM` and `EMSGSIZE` as Linux numbers them.
const EPERM: i32 = 1;
const EMSGSIZE: i32 = 90;

/// A run of so many seconds whose host refuses the data until a time after the grant; returns when,
/// after that, it ended.
fn refused(errno: i32, until: Nanos, seconds: u64) -> (Finished, Nanos) {
    let ends_at = Rc::new(Cell::new(Nanos::MAX));
    let ends = Rc::clone(&ends_at);
    let client = Host::at("192.0.2.1").behind(Link::both(&clean()));
    let client = client.refusing(move |now, _, payload| {
        let is_data = Header::decode(payload).is_ok_and(|header| header.kind == Kind::Data);
        (is_data && now < ends.get()).then_some(errno)
    });
    let run = run_plan(Direction::Up, 1, Nanos::from_secs(seconds));
    let hosts = [client, Host::at("192.0.2.2")];
    let mut ends = ClientAndServer::on_hosts(1, run, hosts, [None, None]);
    ends.run_until(DEADLINE, ClientAndServer::is_granted);
    let granted = ends.network.instant();
    ends_at.set(granted + until);
    let finished = ends.finish(DEADLINE);
    (finished, ends.network.instant() - granted)
}

#[test]
fn what_this_host_refuses_at_first_ends_no_run_and_what_it_always_will_does() {
    let second = Nanos::from_secs(1);
    // A firewall that reloads.
    let (finished, _) = refused(EPERM, Nanos::from_millis(1_500), 4);
    let (summary, sent) = (&finished.summary, &finished.near_sent[0].sent);
    assert!(summary.complete && summary.failure.is_none(), "{summary:?}");
    let never: u64 = sent.refused.iter().map(|one| one.datagrams).sum();
    assert!(never.abs_diff(RATE * 3 / 2) <= 20, "{sent:?}");
    assert_eq!((sent.offered, sent.datagrams), (RATE * 4, RATE * 4 - never), "{sent:?}");
    let received = summary.received.expect("counts");
    assert_eq!((received.firsts, received.lost), (sent.datagrams, 0), "{received:?}");
    // What was never sent is in no outage.
    assert_eq!(told(Way::Up, &received), []);

    for (errno, seconds, least, most) in [
        (EPERM, 9, Nanos::from_secs(3), Nanos::from_secs(4)),
        (EPERM, 1, second, Nanos::from_secs(2)),
        (EMSGSIZE, 9, Nanos::ZERO, second),
    ] {
        let (finished, took) = refused(errno, Nanos::MAX, seconds);
        let failure = &finished.summary.failure;
        let is_told = matches!(failure, Some(RunFailure::DatagramsNotSent { .. }));
        assert!(is_told, "{errno} {seconds}: {failure:?}");
        assert!(least <= took && took <= most, "{errno} {seconds}: {took}");
    }
}

#[test]
fn a_path_that_stays_dark_is_an_outage_without_an_end() {
    // Dark from a second on, until all of the data has been sent.
    let run = run_plan(Direction::Down, 1, Nanos::from_secs(3));
    let mut ends = ClientAndServer::of(7, run, &clean());
    ends.run_until(DEADLINE, ClientAndServer::is_granted);
    let granted = ends.network.instant();
    let past = |time: Nanos| move |ends: &ClientAndServer| ends.network.instant() >= granted + time;
    ends.run_until(DEADLINE, past(Nanos::from_secs(1)));
    ends.impose(&Impairments { loss: lossy(100), ..clean() });
    ends.run_until(DEADLINE, past(Nanos::from_millis(3_020)));
    ends.impose(&clean());
    let finished = ends.finish(DEADLINE);
    let received = &finished.near_received[0].received;
    let outages = told(Way::Down, received);
    let [outage] = &outages[..] else { panic!("{outages:?} of {received:?}") };
    assert_eq!((outage.end_ns, outage.down), (None, Some(received.lost)), "{received:?}");
    assert!(received.lost > RATE, "{received:?}");
}

#[test]
fn independent_loss_and_a_clean_path_have_no_outage() {
    for seed in 0..30 {
        let percent = [0, 1, 10, 30, 50][seed as usize % 5];
        let path = Impairments { loss: lossy(percent), ..clean() };
        // As slow as a gap of two datagrams is long enough.
        let rate = [50_000, 10_000][seed as usize % 2];
        let time = Nanos::from_secs(10);
        let run = TestPlan {
            rate: Rate::Packets(PacketRate(rate)),
            ..run_plan(Direction::Both, 1, time)
        };
        let mut ends = ClientAndServer::of(seed, run, &path);
        let finished = ends.finish(DEADLINE);
        let up = finished.summary.received.iter().map(|received| (Way::Up, received));
        let down = finished.near_received.iter().map(|near| (Way::Down, &near.received));
        for (way, received) in up.chain(down) {
            let outages = told(way, received);
            assert_eq!(outages, [], "seed {seed}, {percent} %: {received:?}");
        }
    }
}

#[test]
fn a_blackout_of_a_ping_is_told_as_it_was_and_in_its_direction() {
    for seed in 0..24u64 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let blackout = blackout(&mut rng);
        let dark = [None, Some(LinkWay::Out), Some(LinkWay::Back)][seed as usize % 3];
        let mut ping = Ping::default();
        ping.spacing = PingSpacing::Every(SPACING);
        ping.blackout = Some((blackout.clone(), dark));
        let report = ping.run(seed).report;
        let [outage] = &report.outages[..] else { panic!("seed {seed}: {report:?}") };
        hold(&format!("seed {seed}, {dark:?}"), outage, &blackout, (Nanos::ZERO, OPENING));
        assert_eq!(outage.lost, report.lost.total, "seed {seed}");
        assert_eq!((outage.up, outage.down), (report.lost.out, report.lost.back), "seed {seed}");
        let (up, down) = (outage.up.unwrap(), outage.down.unwrap());
        match dark {
            // What was under way when it began is lost on the way back.
            None => assert!(up > 0 && down <= 2, "seed {seed}: {outage:?}"),
            Some(LinkWay::Out) => assert_eq!((up, down), (outage.lost, 0), "seed {seed}"),
            Some(LinkWay::Back) => assert_eq!((up, down), (0, outage.lost), "seed {seed}"),
        }
    }
}

#[test]
fn pings_lost_one_by_one_are_no_outage() {
    for seed in 0..45u64 {
        let percent = [0, 1, 10, 30, 50][seed as usize % 5];
        let path = Impairments { loss: lossy(percent), ..clean() };
        let count = Some([10, 50, 120][seed as usize % 3]);
        let mut ping = Ping::default();
        ping.spacing = PingSpacing::Every(Nanos::from_millis(200));
        ping.count = count;
        (ping.out, ping.back) = (path.clone(), path);
        let report = ping.run(seed).report;
        assert_eq!(report.outages, [], "seed {seed}, {percent} %: {:?}", report.lost);
    }
}

/// A gap is judged by what it is, not by how the counts around it are told.
#[test]
fn more_than_was_lost_is_in_no_outage() {
    let mut received = BlastReceived { firsts: 1_000, lost: 100, loss_bursts: 1, ..<_>::default() };
    let gap = LossGap { start_ns: 0, length_ns: 400_000_000, lost: 100, is_open: false };
    received.gaps.add(gap);
    assert_eq!(told(Way::Up, &received), [Outage::one_way(Way::Up, gap)]);
    received.lost = 99;
    assert_eq!(told(Way::Up, &received), []);
}
