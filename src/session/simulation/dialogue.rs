//! The whole dialogue over bad links: it completes or reports why not, and never hangs.

use super::Faults;

use super::house::{House, PATIENCE, server_address};
use crate::record::RunFailure;
use crate::record::{ServeRecord, SessionEnd};
use crate::units::Nanos;

const SECOND: Nanos = Nanos::from_secs(1);
const DEADLINE: Nanos = Nanos::from_secs(60);

fn storm() -> Faults {
    Faults {
        loss: 0.3,
        duplication: 0.3,
        delay: Nanos::from_millis(5),
        jitter: Nanos::from_millis(30),
        held: 0.2,
        hold: Nanos::from_millis(400),
        ..Faults::default()
    }
}

#[test]
fn copies_that_come_much_later_do_no_work_again() {
    for seed in 0..12 {
        let faults = Faults {
            duplication: 0.5,
            delay: Nanos::from_millis(1),
            held: 0.3,
            hold: Nanos::from_millis(800),
            ..Faults::default()
        };
        let mut house = House::new(seed, SECOND, &faults);
        let came = house.finish(DEADLINE);
        assert_eq!(came.summary.failure, None, "seed {seed}: {:?}", house.log);
        assert_eq!((house.sessions, house.opens), (1, 1), "seed {seed}: {:?}", house.log);
    }
}

#[test]
fn a_run_completes_under_heavy_loss_and_every_command_works_once() {
    for seed in 0..12 {
        let mut house = House::new(seed, SECOND, &storm());
        let came = house.finish(DEADLINE);
        let summary = came.summary;
        assert_eq!(summary.failure, None, "seed {seed}: {:?}", house.log);
        assert!(summary.complete, "seed {seed}");
        assert_eq!((house.sessions, house.opens), (1, 1), "seed {seed}: {:?}", house.log);
        let received = summary.received.expect("a complete run has counts");
        assert_eq!(came.sent, received.firsts + received.lost, "seed {seed}");
        assert_eq!(received.sender_total, Some(came.sent), "seed {seed}");
        assert!(came.sent >= 2_000 && came.stretches >= 9, "seed {seed}: {}", came.sent);
        assert_eq!(summary.seen.as_deref(), Some("192.0.2.1:4000"), "seed {seed}");
    }
}

#[test]
fn a_server_that_vanishes_mid_run_ends_it_within_the_patience() {
    for seed in 0..6 {
        let mut house = House::new(seed, Nanos::from_secs(30), &Faults::default());
        let at = Nanos::from_millis(100 + 70 * seed);
        house.run_until(DEADLINE, |house| house.network.instant >= at);
        house.vanish();
        let came = house.finish(at + PATIENCE + SECOND);
        let failure = came.summary.failure;
        assert!(matches!(failure, Some(RunFailure::WentSilent { .. })), "{failure:?}");
        assert!(came.summary.received.is_some() && !came.summary.complete);
    }
}

#[test]
fn a_server_that_never_was_is_given_up_after_the_patience() {
    let mut house = House::new(1, SECOND, &Faults::default());
    house.vanish();
    let came = house.finish(PATIENCE + SECOND);
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
        let mut house = House::new(seed, Nanos::from_secs(30), &Faults::default());
        let at = Nanos::from_millis(300 + 70 * seed);
        house.run_until(DEADLINE, |house| house.network.instant >= at);
        house.restart();
        let came = house.finish(at + SECOND);
        let failure = came.summary.failure;
        assert!(matches!(failure, Some(RunFailure::LostRun { .. })), "{failure:?}");
        assert_eq!(house.open_sessions(), 0);
    }
}

#[test]
fn an_interrupt_ends_the_run_whatever_it_was_doing() {
    for moment in 0..60u64 {
        let at = Nanos::from_micros(100 + moment * 900);
        let mut house = House::new(moment, Nanos::from_secs(30), &Faults::default());
        house.run_until(DEADLINE, |house| house.network.instant >= at);
        let sending = house.is_sending();
        let client = house.client;
        house.network.stop(client);
        let came = house.finish(at + Nanos::from_secs(2));
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
    let mut house = House::new(1, Nanos::from_secs(30), &Faults::default());
    house.run_until(DEADLINE, |house| house.network.instant >= SECOND);
    house.vanish();
    let client = house.client;
    house.network.stop(client);
    let came = house.finish(SECOND + PATIENCE + SECOND);
    assert!(came.summary.stopped && came.summary.failure.is_some());
}

#[test]
fn after_a_run_the_server_keeps_nothing_of_it() {
    let mut house = House::new(1, SECOND, &Faults::default());
    assert!(house.finish(DEADLINE).summary.complete);
    assert_eq!(house.open_sessions(), 0);
}

#[test]
fn a_client_that_never_comes_back_is_forgotten() {
    let mut house = House::new(1, Nanos::from_secs(30), &Faults::default());
    house.run_until(DEADLINE, |house| house.network.instant >= SECOND);
    assert_eq!(house.open_sessions(), 1);
    let client = house.client;
    house.network.unseat(client);
    house.silence_sender();
    house.run_until(Nanos::from_secs(40), |house| house.open_sessions() == 0);
    assert!(house.network.instant > Nanos::from_secs(15));
    let expired = |record: &ServeRecord| {
        matches!(record, ServeRecord::SessionClosed { ended: SessionEnd::Expired, .. })
    };
    assert!(house.log.iter().any(expired), "{:?}", house.log);
}
