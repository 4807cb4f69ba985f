//! The whole dialogue over bad links: it completes or reports why not, and never hangs.

use super::client_and_server::{ClientAndServer, PATIENCE, plan, server_address};
use super::paths::{clean, held, jittery, lossy, twice};
use crate::impair::Impairments;
use crate::record::{RunFailure, ServeRecord, SessionEnd};
use crate::session::blast::{Direction, TestPlan};
use crate::units::Nanos;

const SECOND: Nanos = Nanos::from_secs(1);
const DEADLINE: Nanos = Nanos::from_secs(60);

fn storm() -> Impairments {
    Impairments {
        loss: lossy(30),
        duplication: twice(30),
        delay: jittery(Nanos::from_millis(5), Nanos::from_millis(30)),
        reordering: held(200, Nanos::from_millis(200)),
        ..Impairments::default()
    }
}

#[test]
fn copies_that_come_much_later_do_no_work_again() {
    for seed in 0..12 {
        let path = Impairments {
            duplication: twice(50),
            reordering: held(300, Nanos::from_millis(50 + 60 * seed)),
            ..clean()
        };
        let mut ends = ClientAndServer::new(seed, SECOND, &path);
        let came = ends.finish(DEADLINE);
        assert_eq!(came.summary.failure, None, "seed {seed}: {:?}", ends.log);
        assert_eq!((ends.sessions, ends.opens), (1, 1), "seed {seed}: {:?}", ends.log);
    }
}

#[test]
fn a_run_completes_under_heavy_loss_and_every_command_works_once() {
    for seed in 0..12 {
        let mut ends = ClientAndServer::new(seed, SECOND, &storm());
        let came = ends.finish(DEADLINE);
        let summary = came.summary;
        assert_eq!(summary.failure, None, "seed {seed}: {:?}", ends.log);
        assert!(summary.complete, "seed {seed}");
        assert_eq!((ends.sessions, ends.opens), (1, 1), "seed {seed}: {:?}", ends.log);
        let received = summary.received.expect("a complete run has counts");
        assert_eq!(came.sent, received.firsts + received.lost, "seed {seed}");
        assert_eq!(received.sender_total, Some(came.sent), "seed {seed}");
        assert!(came.sent >= 2_000 && came.stretches >= 9, "seed {seed}: {}", came.sent);
        assert_eq!(summary.seen.as_deref(), Some("192.0.2.1:4000"), "seed {seed}");
    }
}

#[test]
fn the_far_end_tells_the_delays_of_all_that_it_counted() {
    for (direction, streams) in [(Direction::Up, 1), (Direction::Up, 3), (Direction::Both, 1)] {
        let path = Impairments {
            loss: lossy(10),
            delay: jittery(Nanos::from_millis(5), Nanos::from_millis(40)),
            ..clean()
        };
        let plan = TestPlan { direction, streams, ..plan(SECOND) };
        let mut ends = ClientAndServer::of(7, plan, &path);
        let summary = ends.finish(DEADLINE).summary;
        assert!(summary.complete, "{:?}", summary.failure);
        let received = summary.received.expect("a complete run has counts");
        let delay = summary.delay.expect("and delays");
        assert_eq!(delay.count(), received.datagrams);
        // It is told to two digits.
        let (told, exact) = (delay.value_at(0.5).0, received.delay.p50.expect("thousands"));
        assert!(told.abs_diff(exact) * 50 <= exact, "{told} {exact}");
    }
    let plan = TestPlan { direction: Direction::Down, ..plan(SECOND) };
    let summary = ClientAndServer::of(7, plan, &clean()).finish(DEADLINE).summary;
    assert!(summary.complete && summary.delay.is_none(), "{summary:?}");
}

#[test]
fn a_server_that_vanishes_mid_run_ends_it_within_the_patience() {
    for seed in 0..6 {
        let mut ends = ClientAndServer::new(seed, Nanos::from_secs(30), &clean());
        let at = Nanos::from_millis(100 + 70 * seed);
        ends.run_until(DEADLINE, |ends| ends.network.instant() >= at);
        ends.vanish();
        let came = ends.finish(at + PATIENCE + SECOND);
        let failure = came.summary.failure;
        assert!(matches!(failure, Some(RunFailure::WentSilent { .. })), "{failure:?}");
        assert!(came.summary.received.is_some() && !came.summary.complete);
    }
}

#[test]
fn a_server_that_never_was_is_given_up_after_the_patience() {
    let mut ends = ClientAndServer::new(1, SECOND, &clean());
    ends.vanish();
    let came = ends.finish(PATIENCE + SECOND);
    let (target, waited_ns) = (server_address(), PATIENCE.0);
    assert_eq!(
        came.summary.failure,
        Some(RunFailure::NoReply { target: target.into(), waited_ns })
    );
    assert_eq!(came.summary.received, None);
}

#[test]
fn a_server_that_was_restarted_mid_run_is_recognised() {
    for seed in 0..6 {
        let mut ends = ClientAndServer::new(seed, Nanos::from_secs(30), &clean());
        let at = Nanos::from_millis(300 + 70 * seed);
        ends.run_until(DEADLINE, |ends| ends.network.instant() >= at);
        ends.restart();
        let came = ends.finish(at + SECOND);
        let failure = came.summary.failure;
        let Some(RunFailure::ServerRestarted { silent_ns, .. }) = failure else {
            panic!("{failure:?}")
        };
        assert!(silent_ns < SECOND.0, "{silent_ns}");
        assert_eq!(ends.open_sessions(), 0);
    }
}

#[test]
fn an_interrupt_ends_the_run_whatever_it_was_doing() {
    for moment in 0..60u64 {
        let at = Nanos::from_micros(100 + moment * 900);
        let mut ends = ClientAndServer::new(moment, Nanos::from_secs(30), &clean());
        ends.run_until(DEADLINE, |ends| ends.network.instant() >= at);
        let sending = ends.is_sending();
        let client = ends.client;
        ends.network.stop(client);
        let came = ends.finish(at + Nanos::from_secs(2));
        assert!(came.summary.stopped, "{at}");
        if sending {
            // An early end of a successful run is still a complete run.
            assert_eq!(came.summary.failure, None, "{at}");
            assert!(came.summary.complete, "{at}");
        } else {
            assert_eq!(came.summary.failure, Some(RunFailure::Interrupted), "{at}");
        }
    }
}

#[test]
fn an_interrupt_after_the_far_end_vanished_still_ends() {
    let mut ends = ClientAndServer::new(1, Nanos::from_secs(30), &clean());
    ends.run_until(DEADLINE, |ends| ends.network.instant() >= SECOND);
    ends.vanish();
    let client = ends.client;
    ends.network.stop(client);
    let came = ends.finish(SECOND + PATIENCE + SECOND);
    assert!(came.summary.stopped && came.summary.failure.is_some());
}

#[test]
fn after_a_run_the_server_keeps_nothing_of_it() {
    let mut ends = ClientAndServer::new(1, SECOND, &clean());
    assert!(ends.finish(DEADLINE).summary.complete);
    assert_eq!(ends.open_sessions(), 0);
}

#[test]
fn a_client_that_never_comes_back_is_forgotten() {
    let mut ends = ClientAndServer::new(1, Nanos::from_secs(30), &clean());
    ends.run_until(DEADLINE, |ends| ends.network.instant() >= SECOND);
    assert_eq!(ends.open_sessions(), 1);
    let client = ends.client;
    ends.network.kill(client);
    ends.silence_sender();
    ends.run_until(Nanos::from_secs(40), |ends| ends.open_sessions() == 0);
    assert!(ends.network.instant() > Nanos::from_secs(15));
    let expired = |record: &ServeRecord| {
        matches!(record, ServeRecord::SessionClosed { ended: SessionEnd::Expired, .. })
    };
    assert!(ends.log.iter().any(expired), "{:?}", ends.log);
}
