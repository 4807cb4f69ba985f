//! Tests of the control connection, fed byte by byte.

use super::{Iperf3Control, Iperf3Plan};
use crate::machine::{ByteSession, ConnectionEnd, Executor, Next, Now, Orders};
use crate::record::{
    BlastReceived, Contradiction, Flow, Iperf3Failure, Iperf3Phase, RunFailure, Sink,
};
use crate::session::blast::{ControlCommand, ControlEvent, ControlOrder, Direction, TestPlan};
use crate::session::iperf3::Iperf3Summary;
use crate::units::Nanos;
use crate::wire::Params;
use crate::wire::iperf3::{
    Iperf3Params, Iperf3Results, StreamResults, decode_message, encode_message, stream_id,
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

const PAYLOAD: u32 = 100;
const PATIENCE: Nanos = Nanos::from_secs(5);
const ERROR: u8 = 0xFE;

/// What both sides of the session share with the test.
#[derive(Clone, Default)]
struct Desk {
    commands: Rc<RefCell<Vec<ControlCommand>>>,
    orders: Rc<RefCell<VecDeque<ControlOrder>>>,
}

impl Orders<ControlOrder> for Desk {
    fn next_order(&mut self) -> Option<ControlOrder> {
        self.orders.borrow_mut().pop_front()
    }
}

impl Executor<ControlCommand> for Desk {
    fn execute(&mut self, command: ControlCommand) {
        self.commands.borrow_mut().push(command);
    }
}

impl Sink<ControlEvent> for Desk {
    fn take(&mut self, _event: ControlEvent) -> Flow {
        Flow::Continue
    }
}

/// A session with a clock.
struct Client {
    session: Iperf3Control<Desk, Desk>,
    desk: Desk,
    now: Nanos,
    next: Next,
}

fn plan(direction: Direction, streams: u32) -> Iperf3Plan {
    let test = TestPlan::read(&Params::default()).unwrap();
    let time = Nanos::from_secs(2);
    Iperf3Plan {
        test: TestPlan { direction, streams, payload: PAYLOAD, time, ..test },
        omit: Nanos::ZERO,
        target: ([192, 0, 2, 1], 5201).into(),
        params: Iperf3Params { udp: true, len: PAYLOAD, parallel: streams, ..Default::default() },
        cookie: *b"abcdefghijklmnopqrstuvwxyz234567abcd\0",
        patience: PATIENCE,
    }
}

impl Client {
    fn new(plan: Iperf3Plan) -> Self {
        let desk = Desk::default();
        let session = Iperf3Control::new(plan, desk.clone(), desk.clone());
        let mut client = Self { session, desk, now: Nanos::from_secs(1), next: Next::Idle };
        assert!(client.poll().is_empty());
        client
    }

    fn connected(plan: Iperf3Plan) -> Self {
        let mut client = Self::new(plan);
        let now = client.now();
        client.session.on_connected(now);
        assert_eq!(client.poll(), b"abcdefghijklmnopqrstuvwxyz234567abcd\0");
        client
    }

    fn now(&self) -> Now {
        Now { mono: self.now, real: self.now }
    }

    fn poll(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.next = self.session.poll(self.now(), &mut out);
        out
    }

    /// Feeds one byte after the other, and returns what was written.
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for byte in bytes {
            self.session.on_bytes(self.now(), &[*byte]);
            out.extend(self.poll());
        }
        out
    }

    fn order(&mut self, order: ControlOrder) -> Vec<u8> {
        self.desk.orders.borrow_mut().push_back(order);
        self.poll()
    }

    fn commands(&self) -> Vec<ControlCommand> {
        self.desk.commands.borrow_mut().drain(..).collect()
    }

    /// Lets time pass up to the instant that the session waits for.
    fn wait(&mut self) -> Vec<u8> {
        let Next::WaitUntil(at) = self.next else { panic!("it waits for {:?}", self.next) };
        self.now = at;
        self.poll()
    }

    fn answered(&mut self, stream: u32) {
        assert_eq!(self.commands(), [ControlCommand::Greet { stream }]);
        assert!(self.order(ControlOrder::Answered { stream, repeats: 0 }).is_empty());
    }

    /// Comes to the test's running.
    fn running(plan: Iperf3Plan) -> Self {
        let mut client = Self::connected(plan.clone());
        assert_eq!(client.feed(&[9]), encode_message(&plan.params));
        assert!(client.feed(&[10]).is_empty());
        for stream in 0..plan.test.all_streams() {
            client.answered(stream);
        }
        assert!(client.feed(&[1, 2]).is_empty());
        assert_eq!(client.commands(), [ControlCommand::Begin]);
        client
    }

    fn ended(&mut self, stream: u32, total: u64) -> Vec<u8> {
        self.order(ControlOrder::StreamEnded { stream, total, broken: None })
    }

    /// Comes to the end of the test, where the server has asked for the results.
    fn ending(plan: Iperf3Plan, total: u64) -> Self {
        let up = plan.test.direction != Direction::Down;
        let streams = plan.test.streams;
        let mut client = Self::running(plan);
        if up {
            for stream in 0..streams {
                assert!(client.ended(stream, total).is_empty());
            }
            let before = client.now;
            assert_eq!(client.wait(), [4]);
            assert_eq!(client.now - before, Nanos::from_millis(500), "the last are under way");
        } else {
            assert_eq!(client.wait(), [4]);
        }
        client
    }

    fn finish(self) -> Iperf3Summary {
        let now = self.now();
        self.session.finish(now)
    }

    /// The session has failed: its streams are stopped, and then it is over.
    fn failed(mut self) -> RunFailure {
        assert!(self.commands().contains(&ControlCommand::Abort));
        while self.next != Next::Done {
            self.wait();
        }
        let summary = self.finish();
        assert!(!summary.control.complete);
        summary.control.failure.unwrap()
    }

    fn failed_by(self) -> Iperf3Failure {
        match self.failed() {
            RunFailure::Iperf3 { cause } => cause,
            other => panic!("{other:?}"),
        }
    }
}

fn told(stream: u32, received: i64, errors: i64, packets: i64) -> StreamResults {
    StreamResults {
        id: stream_id(stream),
        bytes: received * i64::from(PAYLOAD),
        retransmits: -1,
        jitter: 0.000_5,
        errors,
        packets,
        ..StreamResults::default()
    }
}

fn results(streams: Vec<StreamResults>) -> Vec<u8> {
    let results = Iperf3Results { cpu_util_total: 12.4, streams, ..Iperf3Results::default() };
    encode_message(&results)
}

fn own(message: &[u8]) -> Iperf3Results {
    decode_message(&message[4..]).unwrap()
}

#[test]
fn a_run_upstream_ends_with_the_loss_that_the_server_did_not_see() {
    let mut client = Client::ending(plan(Direction::Up, 2), 1_000);
    let own = own(&client.feed(&[13]));
    assert_eq!(client.commands(), [ControlCommand::Settle]);
    assert_eq!(own.sender_has_retransmits, 0);
    let sent: Vec<_> = own.streams.iter().map(|one| (one.id, one.packets, one.bytes)).collect();
    assert_eq!(sent, [(1, 1_000, 100_000), (3, 1_000, 100_000)]);
    // Ten in the middle, and five at the end of the second.
    assert!(client.feed(&results(vec![told(0, 990, 10, 1_000), told(1, 995, 0, 995)])).is_empty());
    assert_eq!(client.feed(&[14]), [16]);
    client.session.on_end(client.now(), ConnectionEnd::Closed);
    client.poll();
    assert_eq!(client.next, Next::Done);
    let summary = client.finish();
    let up = summary.up.unwrap();
    assert_eq!((up.sent, up.lost_without_tail), (Some(2_000), Some(10)));
    let received = summary.control.received.unwrap();
    assert_eq!((received.firsts, received.lost, received.duplicates), (1_985, 15, 0));
    assert_eq!(received.jitter_ns, Some(500_000));
    assert_eq!(summary.control.received_streams[1].lost, 5);
    assert_eq!((summary.control.failure, summary.server_cpu_percent), (None, Some(12)));
    assert!(summary.control.complete);
}

#[test]
fn a_run_in_which_nothing_arrived_lost_everything() {
    let mut client = Client::ending(plan(Direction::Up, 1), 1_000);
    client.feed(&[13]);
    client.feed(&results(vec![told(0, 0, 0, 0)]));
    let summary = client.finish();
    assert_eq!(summary.control.received.unwrap().lost, 1_000);
    assert_eq!(summary.up.unwrap().lost_without_tail, Some(0), "iperf3 shows none");
}

#[test]
fn what_was_sent_in_the_omitted_time_is_taken_out_where_the_server_tells() {
    let omitting = || Iperf3Plan { omit: Nanos::from_secs(1), ..plan(Direction::Up, 1) };
    let new = |one| StreamResults { omitted_errors: Some(20), omitted_packets: Some(400), ..one };
    for (told, sent, lost, without_tail) in [
        (new(told(0, 590, 25, 998)), Some(600), Some(10), Some(5)),
        (told(0, 590, 25, 998), None, None, None),
    ] {
        let mut client = Client::running(omitting());
        client.order(ControlOrder::Omitted { stream: 0, datagrams: 395 });
        client.ended(0, 605);
        assert_eq!(client.wait(), [4]);
        let own = own(&client.feed(&[13]));
        assert_eq!((own.streams[0].packets, own.streams[0].omitted_packets), (1_000, Some(395)));
        assert_eq!(own.streams[0].bytes, 60_500);
        client.feed(&results(vec![told]));
        let summary = client.finish();
        let up = summary.up.unwrap();
        assert_eq!((up.sent, up.lost_without_tail), (sent, without_tail));
        let counted = summary.control.received.unwrap();
        assert_eq!(counted.datagrams, 590);
        assert_eq!(lost.unwrap_or(counted.lost), counted.lost);
    }
}

#[test]
fn a_run_downstream_waits_for_its_receivers_and_tells_them_the_total() {
    let mut client = Client::ending(plan(Direction::Down, 1), 0);
    assert!(client.feed(&[13]).is_empty(), "the receivers have not settled");
    assert_eq!(client.commands(), [ControlCommand::Settle]);
    let received = Box::new(BlastReceived {
        datagrams: 90,
        bytes: 9_000,
        firsts: 90,
        lost: 7,
        jitter_ns: Some(1_500),
        ..BlastReceived::default()
    });
    client.order(ControlOrder::Processor { user_ns: 100_000_000, system_ns: 300_000_000 });
    let own = own(&client.order(ControlOrder::Settled { stream: 0, received, omitted: 3 }));
    assert_eq!(
        (own.sender_has_retransmits, own.cpu_util_user, own.cpu_util_total),
        (-1, 5.0, 20.0)
    );
    let one = &own.streams[0];
    assert_eq!((one.bytes, one.errors, one.packets, one.jitter), (9_000, 7, 100, 0.000_001_5));
    assert_eq!((one.omitted_packets, one.end_time), (Some(3), 2.0));
    assert!(client.feed(&results(vec![told(0, 0, 0, 104)])).is_empty());
    assert_eq!(client.commands(), [ControlCommand::Total { stream: 0, datagrams: 104 }]);
    assert!(client.feed(&[14]).is_empty(), "a receiver is still running");
    assert_eq!(client.ended(0, 0), [16]);
    let summary = client.finish();
    assert_eq!(summary.sent_there, Some(101));
    assert_eq!(summary.control.sent.unwrap().datagrams, 101);
}

#[test]
fn a_run_downstream_by_count_ends_when_that_many_arrived_or_none_do() {
    let counted = || {
        let mut plan = plan(Direction::Down, 1);
        (plan.test.count, plan.test.time) = (500, Nanos::ZERO);
        plan
    };
    let mut client = Client::running(counted());
    assert!(client.order(ControlOrder::Progress { stream: 0, datagrams: 499 }).is_empty());
    assert_eq!(client.order(ControlOrder::Progress { stream: 0, datagrams: 510 }), [4]);
    let mut client = Client::running(counted());
    client.order(ControlOrder::Progress { stream: 0, datagrams: 20 });
    let before = client.now;
    assert_eq!(client.wait(), [4]);
    assert_eq!(client.now - before, PATIENCE);
}

#[test]
fn both_directions_have_the_sending_streams_first() {
    let mut client = Client::ending(plan(Direction::Both, 1), 50);
    client.feed(&[13]);
    let received = Box::new(BlastReceived { firsts: 40, ..BlastReceived::default() });
    let own = own(&client.order(ControlOrder::Settled { stream: 1, received, omitted: 0 }));
    let packets: Vec<_> = own.streams.iter().map(|one| (one.id, one.packets)).collect();
    assert_eq!(packets, [(1, 50), (3, 40)]);
    // The server's order is not that of the numbers.
    client.feed(&results(vec![told(1, 0, 0, 41), told(0, 50, 0, 50)]));
    let summary = client.finish();
    assert_eq!(summary.sent_there, Some(41));
    assert_eq!(summary.control.received.unwrap().firsts, 50);
}

#[test]
fn a_server_that_knows_one_direction_at_a_time_is_found_out() {
    let plan = plan(Direction::Both, 1);
    let mut client = Client::connected(plan);
    client.feed(&[9, 10]);
    client.answered(0);
    assert_eq!(client.commands(), [ControlCommand::Greet { stream: 1 }]);
    assert!(client.feed(&[1, 2]).is_empty());
    assert_eq!(client.wait(), [12]);
    assert_eq!(client.failed_by(), Iperf3Failure::OneWayOnly);
}

#[test]
fn a_last_reply_may_be_overtaken_by_the_control_connection() {
    for direction in [Direction::Up, Direction::Both] {
        let plan = plan(direction, 1);
        let last = plan.test.all_streams() - 1;
        let mut client = Client::connected(plan);
        client.feed(&[9, 10]);
        for stream in 0..last {
            client.answered(stream);
        }
        assert!(client.feed(&[1, 2]).is_empty());
        client.order(ControlOrder::Answered { stream: last, repeats: 2 });
        let commands = client.commands();
        assert_eq!(commands.last(), Some(&ControlCommand::Begin), "{commands:?}");
    }
}

#[test]
fn every_phase_has_a_deadline() {
    use Iperf3Phase as At;
    let up = || plan(Direction::Up, 1);
    let fed = |bytes: &[u8]| {
        let mut client = Client::connected(up());
        client.feed(bytes);
        client
    };
    let starting = || {
        let mut client = fed(&[9, 10]);
        client.answered(0);
        client
    };
    let results = || {
        let mut client = Client::ending(up(), 10);
        client.feed(&[13]);
        client
    };
    let waited_ns = PATIENCE.0;
    let phases = [At::Opening, At::Parameters, At::Streams, At::Starting, At::Ending, At::Results];
    for phase in phases {
        let mut client = match phase {
            At::Parameters => fed(&[9]),
            At::Streams => fed(&[9, 10]),
            At::Starting => starting(),
            At::Ending => Client::ending(up(), 10),
            At::Results => results(),
            _ => fed(&[]),
        };
        let before = client.now;
        assert_eq!(client.wait(), [12], "{phase:?}");
        assert!(client.now - before <= PATIENCE + Nanos::from_secs(2), "{phase:?}");
        assert_eq!(client.failed_by(), Iperf3Failure::Silent { phase, waited_ns });
    }
    let mut client = Client::new(up());
    assert!(client.wait().is_empty());
    let target = up().target.into();
    assert_eq!(client.failed_by(), Iperf3Failure::NoReply { target, waited_ns });
    // A sender that does not keep its time is stopped.
    let mut client = Client::running(up());
    client.wait();
    assert_eq!(client.commands(), [ControlCommand::StopSenders]);
}

#[test]
fn a_lost_connection_is_told_with_the_phase_in_which_it_was_lost() {
    use Iperf3Phase as At;
    let up = || plan(Direction::Up, 1);
    let fed = |bytes: &[u8]| {
        let mut client = Client::connected(up());
        client.feed(bytes);
        client
    };
    for (phase, mut client) in [
        (At::Opening, fed(&[])),
        (At::Parameters, fed(&[9])),
        (At::Streams, fed(&[9, 10])),
        (At::Running, Client::running(up())),
        (At::Ending, Client::ending(up(), 1)),
    ] {
        client.session.on_end(client.now(), ConnectionEnd::Failed(104));
        client.poll();
        assert_eq!(client.failed_by(), Iperf3Failure::Closed { phase, errno: Some(104) });
    }
    let mut client = Client::new(up());
    client.session.on_end(client.now(), ConnectionEnd::Failed(111));
    client.poll();
    assert_eq!(client.failed_by(), Iperf3Failure::PortClosed { target: up().target.into() });
    let mut secret = up();
    secret.params.authtoken = Some("token".to_owned());
    let mut client = Client::connected(secret);
    client.feed(&[9]);
    client.session.on_end(client.now(), ConnectionEnd::Closed);
    client.poll();
    assert_eq!(client.failed_by(), Iperf3Failure::NotAuthorized);
}

#[test]
fn a_lost_connection_after_the_results_changes_nothing() {
    let mut client = Client::ending(plan(Direction::Up, 1), 10);
    client.feed(&[13]);
    client.feed(&results(vec![told(0, 10, 0, 10)]));
    client.session.on_end(client.now(), ConnectionEnd::Failed(104));
    client.poll();
    assert_eq!(client.next, Next::Done);
    let summary = client.finish();
    assert!(summary.control.complete && summary.control.failure.is_none());
}

#[test]
fn a_refusal_has_its_number_in_every_phase() {
    let up = || plan(Direction::Up, 1);
    let fed = |bytes: &[u8]| {
        let mut client = Client::connected(up());
        client.feed(bytes);
        client
    };
    for number in [5, 6, 7, 12, 15, 20, 21, 27, 37, 114, 141, 144, 160, 200, 208, 999] {
        for mut client in [fed(&[9]), fed(&[9, 10]), Client::running(up())] {
            client.feed(&[ERROR, 0, 0]);
            assert_ne!(client.next, Next::Done, "the number is not whole");
            client.feed(&[(number >> 8) as u8, number as u8, 0, 0, 0, 13]);
            assert_eq!(client.failed_by(), Iperf3Failure::Refused { number, errno: 13 });
        }
    }
    let mut client = Client::connected(up());
    client.feed(&[0xFF]);
    assert_eq!(client.failed_by(), Iperf3Failure::Busy);
    let mut client = Client::running(up());
    client.feed(&[11]);
    let phase = Iperf3Phase::Running;
    assert_eq!(client.failed_by(), Iperf3Failure::Terminated { phase });
}

#[test]
fn a_byte_out_of_place_ends_the_run() {
    for (fed, byte, phase) in [
        (&[][..], 10, Iperf3Phase::Opening),
        (&[], 3, Iperf3Phase::Opening),
        (&[9], 9, Iperf3Phase::Parameters),
        (&[9, 10], 13, Iperf3Phase::Streams),
    ] {
        let mut client = Client::connected(plan(Direction::Up, 1));
        client.feed(fed);
        client.feed(&[byte]);
        assert_eq!(client.failed_by(), Iperf3Failure::Unexpected { phase, byte });
    }
}

#[test]
fn results_that_cannot_be_are_not_used() {
    let junk = b"\0\0\0\x02[]".to_vec();
    let long = [0xFF; 4].to_vec();
    let other = results(vec![told(1, 10, 0, 10)]);
    let negative = results(vec![told(0, 10, 0, -10)]);
    for message in [junk, long, other, negative] {
        let mut client = Client::ending(plan(Direction::Up, 1), 10);
        client.feed(&[13]);
        client.feed(&message);
        assert_eq!(client.failed_by(), Iperf3Failure::BadResults, "{message:?}");
    }
    let mut client = Client::ending(plan(Direction::Up, 1), 10);
    client.feed(&[13]);
    client.feed(&results(vec![told(0, 10, 0, 11)]));
    let summary = client.finish();
    let contradiction = Some(Contradiction::MoreArrived { arrived: 11, sent: 10 });
    assert_eq!(summary.control.contradiction, contradiction);
    assert_eq!((summary.control.received, summary.control.complete), (None, false));
}

#[test]
fn more_than_was_sent_are_duplicates_and_no_contradiction() {
    let mut client = Client::ending(plan(Direction::Up, 1), 10);
    client.feed(&[13]);
    client.feed(&results(vec![told(0, 12, 0, 10)]));
    let received = client.finish().control.received.unwrap();
    assert_eq!((received.datagrams, received.firsts, received.duplicates), (12, 10, 2));
}

#[test]
fn an_interrupted_run_still_gets_its_results() {
    let mut client = Client::running(plan(Direction::Up, 1));
    client.session.on_stop(client.now());
    assert!(client.poll().is_empty());
    assert_eq!(client.commands(), [ControlCommand::StopSenders]);
    client.ended(0, 7);
    assert_eq!(client.wait(), [4]);
    client.feed(&[13]);
    client.feed(&results(vec![told(0, 7, 0, 7)]));
    let summary = client.finish();
    assert!(summary.control.stopped && summary.control.failure.is_none());
    assert_eq!(summary.control.received.unwrap().firsts, 7);
    let mut client = Client::running(plan(Direction::Down, 1));
    client.session.on_stop(client.now());
    assert_eq!(client.poll(), [4], "the server stops sending");
}

#[test]
fn a_run_that_is_interrupted_before_it_began_is_called_off() {
    let mut client = Client::connected(plan(Direction::Up, 1));
    client.feed(&[9]);
    client.session.on_stop(client.now());
    assert_eq!(client.poll(), [12]);
    assert_eq!(client.failed(), RunFailure::Interrupted);
}

#[test]
fn a_stream_that_cannot_be_opened_calls_the_test_off() {
    let mut client = Client::connected(plan(Direction::Up, 1));
    client.feed(&[9, 10]);
    let waited_ns = PATIENCE.0;
    let failure = RunFailure::Iperf3 { cause: Iperf3Failure::StreamNoReply { waited_ns } };
    let broken = Some(failure.clone());
    assert_eq!(client.order(ControlOrder::StreamEnded { stream: 0, total: 0, broken }), [12]);
    assert_eq!(client.failed(), failure);
}
