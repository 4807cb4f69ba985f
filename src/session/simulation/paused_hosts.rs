//! Hosts that are paused and resume, and paths whose round trip takes seconds: what this side did
//! not receive in time, or gave up, is not a loss of the path.

use super::client_and_server::{ClientAndServer, Finished, PATIENCE, plan, server_address};
use super::paths::{clean, lossy, with_delay};
use super::typed_commands::ByHand;
use crate::impair::Impairments;
use crate::machine::Session;
use crate::netsim::HostId;
use crate::record::RunFailure;
use crate::session::blast::{Direction, TestPlan};
use crate::session::serve::ServePolicy;
use crate::units::{Nanos, PacketRate, Rate};

const SECOND: Nanos = Nanos::from_secs(1);
const DEADLINE: Nanos = Nanos::from_secs(200);
const WAYS: [Direction; 3] = [Direction::Up, Direction::Down, Direction::Both];

fn run_of(direction: Direction, time: Nanos) -> TestPlan {
    TestPlan { direction, ..plan(time) }
}

/// Checks that a run is complete and nothing was lost.
fn assert_whole(came: &Finished, direction: Direction, what: &str) {
    let summary = &came.summary;
    assert_eq!(summary.failure, None, "{what} {direction:?}");
    assert!(summary.complete, "{what} {direction:?}");
    if direction != Direction::Down {
        let received = summary.received.expect("the far end told");
        assert_eq!((received.lost, received.firsts), (0, came.sent), "{what} {direction:?}");
    }
    if direction != Direction::Up {
        let sent = summary.sent.as_ref().expect("the far end told");
        let received = &came.near_received[0].received;
        assert_eq!((received.lost, received.firsts), (0, sent.datagrams), "{what} {direction:?}");
        assert!(sent.datagrams > 500, "{what} {direction:?}");
    }
}

fn run_with_stop(
    direction: Direction,
    host: fn(&ClientAndServer) -> HostId,
    length: Nanos,
) -> Finished {
    let mut ends = ClientAndServer::of(7, run_of(direction, SECOND), &clean());
    let from = Nanos::from_millis(400);
    let host = host(&ends);
    ends.network.stand_still(host, from..from + length);
    ends.finish(DEADLINE)
}

#[test]
fn what_the_kernel_held_for_a_client_that_stood_still_is_not_lost() {
    let length = Nanos::from_secs(8);
    for direction in WAYS {
        let came = run_with_stop(direction, |ends| ends.client_host, length);
        assert_whole(&came, direction, "client");
        // The pause is the client's own, and not silence of the path.
        assert!(came.summary.pause > Nanos::from_secs(7));
        if direction == Direction::Up {
            let pause = came.near_sent[0].sent.pause_ns;
            assert!(pause.is_some_and(|pause| pause > 7_900_000_000), "{pause:?}");
        } else {
            let received = &came.near_received[0].received;
            assert!(received.reader_pause_ns.is_some_and(|pause| pause > 7_900_000_000));
            assert!(received.silence_ns < 100_000_000, "{}", received.silence_ns);
        }
    }
}

#[test]
fn a_server_that_stood_still_for_less_than_the_patience_loses_nothing() {
    for direction in WAYS {
        let came = run_with_stop(direction, |ends| ends.server_host, Nanos::from_secs(4));
        assert_whole(&came, direction, "server");
        if direction == Direction::Up {
            let received = came.summary.received.unwrap();
            assert!(received.reader_pause_ns.is_some_and(|pause| pause > 3_900_000_000));
            assert!(received.silence_ns < 100_000_000, "{}", received.silence_ns);
            assert_eq!(came.near_sent[0].sent.pause_ns, Some(0));
        }
    }
}

#[test]
fn at_whatever_moment_a_host_stands_still_nothing_is_lost_by_it() {
    for seed in 0..12 {
        let mut rng = fastrand::Rng::with_seed(seed);
        for direction in WAYS {
            // During the run; while it opens, sockets buffer what they get, too.
            let time = Nanos::from_millis(500);
            let mut ends = ClientAndServer::of(seed, run_of(direction, time), &clean());
            let host = if rng.bool() { ends.client_host } else { ends.server_host };
            let from = Nanos::from_micros(rng.u64(1..500_000));
            let length = Nanos::from_millis(rng.u64(50..4_500));
            ends.network.stand_still(host, from..from + length);
            let came = ends.finish(DEADLINE);
            let summary = &came.summary;
            let what = format!("seed {seed} {direction:?} {host:?} at {from} for {length}");
            assert_eq!(summary.failure, None, "{what}");
            assert!(summary.complete, "{what}");
            let far = summary.received.map(|received| received.lost);
            let near = came.near_received.iter().map(|summary| summary.received.lost);
            assert!(far.into_iter().chain(near).all(|lost| lost == 0), "{what}");
        }
    }
}

#[test]
fn a_far_end_that_does_not_stop_is_given_up_after_the_interrupt() {
    let mut ends =
        ClientAndServer::of(1, run_of(Direction::Down, Nanos::from_secs(3_000)), &clean());
    ends.run_until(DEADLINE, |ends| ends.network.instant() >= SECOND);
    ends.ignores_stop = true;
    ends.network.stop(ends.client);
    let came = ends.finish(SECOND + PATIENCE + SECOND + SECOND);
    assert!(came.summary.stopped && !came.summary.complete);
    assert_eq!(came.summary.failure, Some(RunFailure::NotStopped));
    assert_eq!(came.near_received[0].received.lost, 0);
}

#[test]
fn nobody_stood_still_where_nobody_did() {
    for direction in WAYS {
        let came = ClientAndServer::of(3, run_of(direction, SECOND), &clean()).finish(DEADLINE);
        assert_whole(&came, direction, "clean");
        let near = came.near_received.iter().map(|summary| summary.received.reader_pause_ns);
        let far = came.summary.received.map(|received| received.reader_pause_ns);
        let senders = came.near_sent.iter().map(|summary| summary.sent.pause_ns);
        for pause in near.chain(far).chain(senders) {
            assert!(pause.is_some_and(|pause| pause < 100_000_000), "{direction:?} {pause:?}");
        }
    }
}

#[test]
fn a_server_that_stood_still_ends_no_session_for_it() {
    for (paused, open) in [(true, 1), (false, 0)] {
        let mut server = ByHand::new(ServePolicy::default());
        server.open(([192, 0, 2, 9], 4_000).into()).unwrap();
        server.wait(SECOND);
        let length = Nanos::from_secs(20);
        server.now.mono += length;
        if paused {
            let now = server.now;
            Session::on_pause(&mut server.serve, now, length);
        }
        server.wait(SECOND);
        assert_eq!(server.serve.sessions(), open, "paused {paused}");
    }
}

#[test]
fn a_client_stopped_longer_than_the_servers_patience_accuses_no_path() {
    for direction in WAYS {
        let came = run_with_stop(direction, |ends| ends.client_host, Nanos::from_secs(40));
        let summary = &came.summary;
        assert!(!summary.complete && summary.failure.is_some(), "{direction:?}");
        for near in &came.near_received {
            assert_eq!(near.received.lost, 0, "{direction:?}");
        }
    }
}

#[test]
fn a_long_round_trip_costs_time_and_no_datagram() {
    for millis in [50, 500, 2_000] {
        for direction in WAYS {
            let path = with_delay(Nanos::from_millis(millis));
            let came = ClientAndServer::of(millis, run_of(direction, SECOND + SECOND), &path)
                .finish(DEADLINE);
            assert_whole(&came, direction, &format!("{millis} ms each way"));
        }
    }
}

#[test]
fn a_long_round_trip_that_loses_is_waited_for() {
    for seed in 0..6 {
        for direction in WAYS {
            let delay = Nanos::from_millis(1_000);
            let path = Impairments { loss: lossy(10), ..with_delay(delay) };
            let came = ClientAndServer::of(seed, run_of(direction, SECOND), &path).finish(DEADLINE);
            assert_eq!(came.summary.failure, None, "seed {seed} {direction:?}");
            assert!(came.summary.complete, "seed {seed} {direction:?}");
        }
    }
}

#[test]
fn beyond_the_patience_it_is_given_up_and_nothing_is_called_lost() {
    let path = with_delay(Nanos::from_secs(3));
    for direction in WAYS {
        let came = ClientAndServer::of(1, run_of(direction, SECOND), &path).finish(DEADLINE);
        let (target, waited_ns) = (server_address(), PATIENCE.0);
        let failure = Some(RunFailure::NoReply { target: target.into(), waited_ns });
        assert_eq!(came.summary.failure, failure, "{direction:?}");
        assert!(came.summary.received.is_none() && came.near_received.is_empty());
    }
    assert!(PATIENCE < Nanos::from_secs(6));
}

#[test]
fn a_stream_that_this_side_gave_up_is_not_lost_on_the_path() {
    for direction in WAYS {
        let mut ends = ClientAndServer::of(1, run_of(direction, SECOND), &clean());
        ends.ignores_data = true;
        let came = ends.finish(DEADLINE);
        let failure = &came.summary.failure;
        assert!(matches!(failure, Some(RunFailure::StreamNoReply { .. })), "{failure:?}");
        assert!(!came.summary.complete, "{direction:?}");
        for near in &came.near_received {
            assert_eq!((near.received.lost, near.received.sender_total), (0, None));
        }
    }
}

#[test]
fn a_machine_that_was_suspended_with_both_ends_on_it_loses_nothing() {
    // Few datagrams and slow answers: at times nothing is in flight that would wake the session.
    let (path, rate) = (with_delay(Nanos::from_millis(60)), 5_000);
    for moment in 0..30 {
        for direction in WAYS {
            let rate = Rate::Packets(PacketRate(rate));
            let plan = TestPlan { rate, ..run_of(direction, Nanos::from_secs(2)) };
            let mut ends = ClientAndServer::of(moment, plan, &path);
            let from = Nanos::from_millis(40 * moment);
            for host in [ends.client_host, ends.server_host] {
                ends.network.stand_still(host, from..from + Nanos::from_secs(30));
            }
            let came = ends.finish(DEADLINE);
            assert_eq!(came.summary.failure, None, "{from} {direction:?}");
            assert!(came.summary.complete, "{from} {direction:?}");
            for near in &came.near_received {
                let near = &near.received;
                assert_eq!(near.sender_total, Some(near.firsts), "{from} {direction:?}");
            }
        }
    }
}

#[test]
fn a_path_that_gets_bad_is_waited_for_as_its_round_trip_wants() {
    for seed in 0..4 {
        for direction in WAYS {
            let path = with_delay(Nanos::from_secs(2));
            let mut ends = ClientAndServer::of(seed, run_of(direction, SECOND), &path);
            ends.run_until(DEADLINE, ClientAndServer::is_granted);
            ends.impose(&Impairments { loss: lossy(40), ..path });
            let came = ends.finish(DEADLINE);
            assert_eq!(came.summary.failure, None, "seed {seed} {direction:?}");
            assert!(came.summary.complete, "seed {seed} {direction:?}");
        }
    }
}
