//! `send` on a host whose socket stutters or refuses, and call by call.

use super::*;
use crate::batch::{LocalCause, RxEntry};
use crate::netsim::{Host, Mailbox, Network, SimSocket};
use crate::session::{FixedMessages, Message};

/// Collects the session's events.
#[derive(Default)]
struct Told {
    replies: Vec<(Option<Nanos>, bool)>,
    refused: u32,
    closed: bool,
}

impl<'a> Sink<SendEvent<'a>> for Told {
    fn take(&mut self, event: SendEvent<'a>) -> Flow {
        match event {
            SendEvent::Reply(reply) => self.replies.push((reply.after, reply.asked)),
            SendEvent::Refused(_) => self.refused += 1,
            SendEvent::Trouble(_) | SendEvent::Lull => {}
        }
        if self.closed { Flow::Closed } else { Flow::Continue }
    }
}

fn at(nanos: u64) -> Now {
    Now { mono: Nanos(nanos), real: Nanos(nanos + 1_000_000) }
}

fn plan(peers: &[&str]) -> SendPlan {
    SendPlan {
        dests: peers.iter().map(|peer| Dest::from(peer.parse::<SocketAddr>().unwrap())).collect(),
        spacing: Spacing::None,
        wait: None,
        enough: 0,
        explain: LocalSendFailure::from_errno,
    }
}

fn numbered(count: u64) -> FixedMessages {
    let messages = (0..count).map(|n| Message::Bytes(n.to_string().into_bytes())).collect();
    FixedMessages::new(messages, Some(1))
}

fn session(plan: SendPlan, count: u64) -> SendSession<FixedMessages, Told> {
    SendSession::new(plan, numbered(count), Told::default())
}

/// Runs a session to its end on a host; returns everything that left it, as `(payload,
/// destination)`, too.
fn run(
    seed: u64,
    host: Host,
    session: SendSession<FixedMessages, Told>,
) -> (SendEnd<Told>, Vec<(String, String)>) {
    let left = Mailbox::new();
    let sent = left.clone();
    let mut network = Network::new(seed);
    let host = network.add(host.and("2001:db8::9").behind_rule(move |_, _, packet| {
        let payload = packet.payload().unwrap_or_default().to_vec();
        sent.push((String::from_utf8(payload).unwrap(), packet.to.to_string()));
        true
    }));
    let socket = SimSocket::bound("0.0.0.0:9000".parse().unwrap());
    let batch = TxBatch::new(16, 1 << 17);
    let session = network.start_with(host, &[socket], session, batch);
    (network.finish(&session, Nanos::from_secs(10)), left.drain())
}

#[test]
fn every_destination_gets_every_datagram_in_order_however_the_socket_stutters() {
    for seed in 0..50 {
        let peers = ["192.0.2.1:1", "192.0.2.2:2", "[2001:db8::1]:3"];
        let mut host = Host::at("192.0.2.9");
        host.send_faults.blocked = 0.9;
        let (end, left) = run(seed, host, session(plan(&peers), 300));
        let expected: Vec<_> =
            (0..300).flat_map(|n| peers.map(|peer| (n.to_string(), peer.to_owned()))).collect();
        assert_eq!(left, expected, "seed {seed}");
        assert_eq!(end.summary.datagrams, 900);
        assert_eq!(end.summary.destinations[2].datagrams, 300);
    }
}

#[test]
fn what_is_refused_is_counted_by_cause_and_the_rest_goes_on() {
    let mut tried = 0;
    let host = Host::at("192.0.2.9").refusing(move |_, _, _| {
        tried += 1;
        (tried % 4 == 2).then_some(90)
    });
    let (end, left) = run(1, host, session(plan(&["192.0.2.1:1", "192.0.2.2:2"]), 5));
    // The second, the sixth and the tenth.
    assert_eq!((left.len(), end.summary.datagrams), (7, 7));
    assert_eq!(end.summary.refused_datagrams(), 3);
    assert_eq!(end.summary.refused.len(), 1);
    assert_eq!(end.summary.refused[0].cause.cause, LocalCause::TooBig);
    assert_eq!(end.sink.refused, 1);
}

#[test]
fn each_destination_has_its_own_reason_for_the_same_error_number() {
    let peers = ["192.0.2.1:1", "192.0.2.2:2"];
    let explain = |errno, destination: SocketAddr| {
        let banned = destination.port() == 1;
        let cause = if banned { LocalCause::ProhibitRoute } else { LocalCause::Broadcast };
        LocalSendFailure { errno, destination, cause }
    };
    let host = Host::at("192.0.2.9").refusing(|_, _, _| Some(13));
    let (end, _) = run(1, host, session(SendPlan { explain, ..plan(&peers) }, 2));
    let refused = end.summary.refused;
    let told: Vec<_> = refused.iter().map(|one| (one.cause.cause.clone(), one.datagrams)).collect();
    assert_eq!(told, [(LocalCause::ProhibitRoute, 2), (LocalCause::Broadcast, 2)]);
}

#[test]
fn a_destination_that_is_named_three_times_is_one_with_all_its_answers() {
    let peers = ["192.0.2.1:1", "192.0.2.2:2", "192.0.2.1:1", "192.0.2.1:1"];
    let waiting = SendPlan { wait: Some(Nanos(500)), ..plan(&peers) };
    let mut session = session(waiting, 1);
    let mut out = TxBatch::new(16, 1 << 17);
    session.poll_transmit(at(10), &mut out);
    session.on_sent(at(10), &out, &SendOutcome { accepted: 4, stop: None });
    for _ in 0..3 {
        answer(&mut session, "192.0.2.1:1", 20);
    }
    let summary = session.finish(at(30)).summary;
    let rows: Vec<_> = summary
        .destinations
        .iter()
        .map(|row| (row.address.to_string(), row.times, row.datagrams, row.replies))
        .collect();
    let (first, second) = ("192.0.2.1:1".to_owned(), "192.0.2.2:2".to_owned());
    assert_eq!(rows, [(first, 3, 3, 3), (second, 1, 1, 0)]);
}

#[test]
fn a_pause_of_this_host_is_no_silence_of_the_others() {
    let waiting = SendPlan { wait: Some(Nanos(500)), ..plan(&["192.0.2.1:1"]) };
    let mut session = session(waiting, 1);
    let mut out = TxBatch::new(16, 1 << 17);
    session.poll_transmit(at(10), &mut out);
    session.on_sent(at(10), &out, &SendOutcome { accepted: 1, stop: None });
    out.clear();
    session.poll_transmit(at(20), &mut out);
    assert_eq!(session.poll_transmit(at(20), &mut out), Next::WaitUntil(Nanos(510)));
    session.on_pause(at(9_000), Nanos(8_500));
    answer(&mut session, "192.0.2.1:1", 9_000);
    assert_eq!(session.poll_transmit(at(9_000), &mut out), Next::WaitUntil(Nanos(9_010)));
    let summary = session.finish(at(9_000)).summary;
    assert_eq!((summary.replies, summary.paused_ns, summary.interrupted), (Some(1), 8_500, false));
}

#[test]
fn an_early_end_says_so_and_an_end_of_its_own_does_not() {
    for (stopped_at, interrupted) in [(Some(20), true), (None, false)] {
        let mut session = session(plan(&["192.0.2.1:1"]), 1);
        let mut out = TxBatch::new(16, 1 << 17);
        if let Some(at_) = stopped_at {
            session.on_stop(at(at_));
        }
        while session.poll_transmit(at(30), &mut out) != Next::Done {
            session.on_sent(at(30), &out, &SendOutcome { accepted: out.len(), stop: None });
            out.clear();
        }
        session.on_stop(at(40));
        assert_eq!(session.finish(at(50)).summary.interrupted, interrupted);
    }
}

fn answer(session: &mut SendSession<FixedMessages, Told>, from: &str, now: u64) {
    let mut meta = RxEntry::default().meta;
    meta.source = from.parse().unwrap();
    meta.arrival = at(now).real;
    session.on_datagram(at(now), &Datagram { payload: b"ok", true_len: 2, meta });
}

#[test]
fn an_interval_is_kept_to() {
    let paced = SendPlan { spacing: Spacing::Every(Nanos(100)), ..plan(&["192.0.2.1:1"]) };
    let mut session = session(paced, 3);
    let mut out = TxBatch::new(16, 1 << 17);
    for now in [1_000, 1_100, 1_200] {
        assert_eq!(session.poll_transmit(at(now), &mut out), Next::Send);
        assert_eq!(out.len(), 1);
        session.on_sent(at(now), &out, &SendOutcome { accepted: 1, stop: None });
        out.clear();
        if now < 1_200 {
            let next = Next::WaitUntil(Nanos(now + 100));
            assert_eq!(session.poll_transmit(at(now + 1), &mut out), next);
            assert!(out.is_empty());
        }
    }
}

#[test]
fn answers_are_waited_for_and_timed_from_the_datagram_that_they_answer() {
    let waiting = SendPlan { wait: Some(Nanos(500)), enough: 2, ..plan(&["192.0.2.1:1"]) };
    let mut session = session(waiting, 1);
    let mut out = TxBatch::new(16, 1 << 17);
    session.poll_transmit(at(10), &mut out);
    session.on_sent(at(10), &out, &SendOutcome { accepted: 1, stop: None });
    out.clear();
    session.poll_transmit(at(20), &mut out);
    assert_eq!(session.poll_transmit(at(20), &mut out), Next::WaitUntil(Nanos(510)));
    for (source, read, arrival) in [("192.0.2.1:1", 100, 90), ("192.0.2.7:7", 200, 200)] {
        let mut meta = RxEntry::default().meta;
        meta.source = source.parse().unwrap();
        meta.arrival = at(arrival).real;
        session.on_datagram(at(read), &Datagram { payload: b"ok", true_len: 2, meta });
    }
    assert_eq!(session.poll_transmit(at(210), &mut out), Next::Done);
    let end = session.finish(at(210));
    assert_eq!(end.sink.replies, [(Some(Nanos(80)), true), (Some(Nanos(190)), false)]);
    assert_eq!(end.summary.replies, Some(2));
    assert_eq!(end.summary.destinations[0].replies, 1);
}

#[test]
fn an_answer_is_timed_from_when_the_kernel_sent_and_a_late_host_is_no_slow_path() {
    let waiting = SendPlan { wait: Some(Nanos(500)), ..plan(&["192.0.2.1:1", "192.0.2.2:2"]) };
    let mut session = session(waiting, 1);
    let mut out = TxBatch::new(16, 1 << 17);
    session.poll_transmit(at(10), &mut out);
    session.on_sent(at(10), &out, &SendOutcome { accepted: 2, stop: None });
    for (number, left) in [(0, 700), (1, 800)] {
        let stamp = TransmitStamp { socket: 0, number, at: at(left).real };
        session.on_transmit_stamp(at(900), &stamp);
    }
    answer(&mut session, "192.0.2.1:1", 950);
    answer(&mut session, "192.0.2.2:2", 960);
    answer(&mut session, "192.0.2.9:2", 970);
    let end = session.finish(at(990));
    assert_eq!(end.sink.replies[..2], [(Some(Nanos(250)), true), (Some(Nanos(160)), true)]);
    let summary = end.summary;
    assert_eq!((summary.replies, summary.foreign_replies), (Some(3), Some(1)));
    assert_eq!(summary.foreign_source, "192.0.2.9:2".parse().ok());
}

#[test]
fn nobody_reading_ends_the_run() {
    let told = Told { closed: true, ..Told::default() };
    let mut session = SendSession::new(plan(&["192.0.2.1:1"]), numbered(1), told);
    assert_eq!(session.poll_transmit(at(1), &mut TxBatch::new(4, 64)), Next::Done);
}
