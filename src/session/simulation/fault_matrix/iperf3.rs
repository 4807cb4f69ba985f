//! A test of iperf3's protocol between udpkit's own two ends: the control connection over a
//! simulated TCP connection, and the streams in iperf3's format.

use super::super::client_and_server::{plan, server_address};
use super::super::iperf3::{Finished, Iperf3Ends};
use super::{Machine, Tap, Trial};
use crate::netsim::{Fault, Segment, Way, Weather};
use crate::record::{Iperf3End, Iperf3Received, Iperf3Sent, ServeRecord};
use crate::session::blast::{Direction, TestPlan};
use crate::session::iperf3::Iperf3Plan;
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::iperf3::{Iperf3Params, cookie};
use std::collections::BTreeSet;

pub const UP: Machine = Machine {
    name: "iperf3 up",
    against: "the server of iperf3 clients",
    seeds: 1,
    event_at: Nanos::from_millis(1_500),
    ends_within: Nanos::from_secs(60),
    may_fail,
    never: "counts as lost what arrived, or leaves a connection or a stream open",
    run: |trial| run(trial, Direction::Up),
};

pub const DOWN: Machine =
    Machine { name: "iperf3 down", run: |trial| run(trial, Direction::Down), ..UP };

pub const BOTH: Machine =
    Machine { name: "iperf3 both", run: |trial| run(trial, Direction::Both), ..UP };

/// Streams of each direction.
const STREAMS: u32 = 2;
const PAYLOAD: u32 = 64;
/// Longer than the server keeps a client that is silent.
const FORGOTTEN: Nanos = Nanos::from_secs(60);

/// A NAT that starts anew breaks a TCP connection. Bursts are counted in datagrams: on a connection
/// on which nothing but repeats is under way, one lasts for seconds, longer than either end waits.
fn may_fail(fault: Fault) -> bool {
    fault.forges() || matches!(fault, Fault::HeavyLoss | Fault::Bursts | Fault::Events)
}

fn test(direction: Direction, time: Nanos) -> Iperf3Plan {
    let rate = Rate::Packets(PacketRate(200_000));
    let test = TestPlan {
        direction,
        streams: STREAMS,
        payload: PAYLOAD,
        rate,
        verify: false,
        ..plan(time)
    };
    let params = Iperf3Params {
        udp: true,
        time: time.0 / 1_000_000_000,
        parallel: STREAMS,
        reverse: direction == Direction::Down,
        bidirectional: direction == Direction::Both,
        len: PAYLOAD,
        // A hundred datagrams a second.
        bandwidth: 100 * 8 * u64::from(PAYLOAD),
        client_version: "3.21".to_owned(),
        ..Iperf3Params::default()
    };
    Iperf3Plan {
        test,
        omit: Nanos::ZERO,
        target: server_address(),
        params,
        cookie: cookie(&[7; 36]),
        patience: Nanos::from_secs(10),
    }
}

fn run(trial: &mut Trial<'_>, direction: Direction) {
    // Longer than a firewall remembers.
    let forgets = trial.fault == Fault::ForgetfulFirewall;
    let time = Nanos::from_secs(if forgets { 7 } else { 3 });
    let taps = [Tap::default(), Tap::default()];
    let [near, far] = Iperf3Ends::hosts();
    let hosts = [taps[0].on(near), taps[1].on(far)];
    let plan = test(direction, time);
    let mut ends = Iperf3Ends::under(trial.seed + 6, plan, &trial.weather(), hosts);
    ends.run(trial.deadline());
    let at = ends.network.instant();
    while ends.step(at + FORGOTTEN) {}
    trial.own_sum("connections open at the end: none", ends.open_connections() as u64, &[]);
    trial.own_sum("streams open at the end: none", ends.open_streams() as u64, &[]);
    let finished = ends.finish();
    let control = &finished.summary.control;
    assert_eq!(control.complete, control.failure.is_none(), "{:?}", control.failure);
    trial.hold_streams(&finished.near_sent, &finished.near_received);
    hold_log(trial, &finished);
    if control.complete {
        hold_counts(trial, &finished, &taps, direction);
    }
    let failure = control.failure.as_ref().map(|failure| failure as &dyn std::fmt::Debug);
    trial.conclude(at, failure, &finished.summary.up, &finished);
}

/// How the server's tests ended, and what it counted of them.
fn ended(finished: &Finished) -> Vec<(Iperf3End, Option<Iperf3Received>, Option<Iperf3Sent>)> {
    let ended = |record: &ServeRecord| match record {
        ServeRecord::Iperf3Closed { ended, received, sent, .. } => Some((*ended, *received, *sent)),
        _ => None,
    };
    finished.log.iter().filter_map(ended).collect()
}

fn hold_log(trial: &mut Trial<'_>, finished: &Finished) {
    let granted = |record: &&ServeRecord| matches!(record, ServeRecord::TestGranted { .. });
    let granted = finished.log.iter().filter(granted).count() as u64;
    let ended = ended(finished);
    trial.own_sum("tests granted = tests ended", granted, &[ended.len() as u64]);
    for record in &finished.log {
        let is_refused = matches!(record, ServeRecord::Iperf3Refused { .. });
        let is_broken = matches!(record, ServeRecord::StreamFailed { .. });
        trial.never(record, is_refused || is_broken);
    }
    // That the client's last byte is lost, the client never knows.
    if !may_fail(trial.fault) {
        for (how, ..) in ended {
            trial.never(how, how != Iperf3End::Done);
        }
    }
}

/// Datagrams of the test that passed a host's interface, and how many different ones.
struct Passed {
    all: u64,
    firsts: u64,
}

fn passed(tap: &Tap, way: Way) -> Passed {
    let mut data = tap.datagrams(way);
    data.retain(|(_, payload)| payload.len() == PAYLOAD as usize && !Segment::is_one(payload));
    let all = data.len() as u64;
    let firsts: BTreeSet<_> = data.into_iter().collect();
    Passed { all, firsts: firsts.len() as u64 }
}

/// A run that succeeds has counted what passed the hosts' interfaces.
fn hold_counts(trial: &mut Trial<'_>, finished: &Finished, taps: &[Tap; 2], direction: Direction) {
    let [near, far] = taps;
    let server = ended(finished);
    let Some((_, there_received, there_sent)) = server.last() else { return };
    let summary = &finished.summary;
    if direction != Direction::Down {
        let sent: u64 = finished.near_sent.iter().map(|near| near.sent.datagrams).sum();
        let (left, came) = (passed(near, Way::Out), passed(far, Way::Back));
        let here = summary.control.received.expect("a complete run has counts");
        let there = there_received.expect("it received");
        if !trial.is_refused() {
            trial.sum("sent = passed to the path", sent, &[left.all]);
        }
        // iperf3's server reads a stream from one address alone.
        trial.at_most("received there <= came", there.datagrams, came.all);
        if !trial.is_forgotten() {
            trial.sum("received there = came", there.datagrams, &[came.all]);
        }
        let firsts = there.datagrams - there.duplicates;
        trial.sum("sent = firsts there + lost there", sent, &[firsts, there.lost]);
        trial.sum("received by the results = received there", here.datagrams, &[there.datagrams]);
        trial.sum("sent = firsts + lost, by the results", sent, &[here.firsts, here.lost]);
        trial.at_most("lost by the results <= lost there", here.lost, there.lost);
        let is_followed = !trial.is_forgotten();
        trial.never(("lost", there.lost), is_followed && there.lost > sent - came.firsts.min(sent));
    }
    if direction != Direction::Up {
        let sent = summary.sent_there.expect("a complete run has counts");
        let (left, came) = (passed(far, Way::Out), passed(near, Way::Back));
        let there = there_sent.expect("it sent");
        trial.sum("sent by the results = sent there", sent, &[there.datagrams]);
        trial.sum("sent there = passed to the path", there.datagrams, &[left.all]);
        let of = |count: fn(&crate::record::BlastReceived) -> u64| -> u64 {
            finished.near_received.iter().map(|near| count(&near.received)).sum()
        };
        let (firsts, lost) = (of(|near| near.firsts), of(|near| near.lost));
        trial.sum("received = came", of(|near| near.datagrams), &[came.all]);
        trial.sum("sent there = firsts + lost", sent, &[firsts, lost, of(|near| near.too_late)]);
        trial.never(("lost", lost), lost > sent - came.firsts.min(sent));
    }
}

/// A test both ways on a path on which nothing passes any more from this instant on.
fn cut_off(at: Nanos) -> (Nanos, Finished) {
    let weather = Weather { blackouts: vec![at..Nanos::MAX], ..Fault::Clean.weather() };
    let plan = test(Direction::Both, Nanos::from_secs(1));
    let mut ends = Iperf3Ends::under(3, plan, &weather, Iperf3Ends::hosts());
    ends.run(UP.ends_within);
    let ended = ends.network.instant();
    while ends.step(ended + FORGOTTEN) {}
    assert_eq!((ends.open_connections(), ends.open_streams()), (0, 0), "cut off at {at}");
    (ended, ends.finish())
}

#[test]
fn whenever_the_path_breaks_both_ends_come_to_an_end_and_say_why() {
    let (clean, _) = cut_off(FORGOTTEN);
    assert!(clean < Nanos::from_secs(3), "{clean}");
    // The opening takes milliseconds, and so does the end.
    let opening = (0..18).map(Nanos::from_millis);
    let rest = (1..5).map(|step| Nanos(clean.0 * step / 5));
    let end = (0..10).map(|before| clean - Nanos::from_millis(before));
    let mut failures = BTreeSet::new();
    for at in opening.chain(rest).chain(end) {
        let (_, finished) = cut_off(at);
        let control = &finished.summary.control;
        assert_eq!(control.complete, control.failure.is_none(), "cut off at {at}");
        failures.extend(control.failure.as_ref().map(|failure| format!("{failure:?}")));
        for (how, ..) in ended(&finished) {
            assert!(how == Iperf3End::Done || how.broke_off(), "{how:?}, cut off at {at}");
        }
    }
    for phase in ["NoReply", "Opening", "Parameters", "StreamNoReply", "Ending", "Results"] {
        assert!(failures.iter().any(|failure| failure.contains(phase)), "{phase} of {failures:?}");
    }
}
