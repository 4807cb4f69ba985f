//! A sender and receivers on the simulated network, with loss, duplication and reordering, compared
//! with what got through.

use super::*;
use crate::batch::{
    Datagram, Dest, LocalCause, LocalSendFailure, RxEntry, RxMeta, SendOutcome, SendStop, TxBatch,
};
use crate::impair::{Chance, Delay, Duplication, Impairments, Jitter, Loss, Reordering};
use crate::machine::{Next, Now, Session};
use crate::netsim::{self, Clock, ENOBUFS, Host, Link, Network, Packet, Running, SimSocket};
use crate::record::{
    CastEvent, CastInterval, CastReceived, CastSource, Flow, ReceivedCaveat, Sink,
};
use crate::session::{FixedMessages, HostMeter, Message, Spacing};
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::cell::RefCell;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::rc::Rc;

const STEP: Nanos = Nanos::from_micros(500);
/// The sender's real-time clock is far from the receivers'.
pub(super) const SENDER_REAL: Nanos = Nanos::from_secs(1_000_000);
pub(super) const RECEIVER_REAL: Nanos = Nanos::from_secs(5_000);

#[derive(Default)]
pub(super) struct Kept {
    content: Vec<Vec<u8>>,
    heard: usize,
    pub no_header: Vec<(String, String)>,
    pub intervals: Vec<CastInterval>,
}

impl Sink<CastEvent<'_>> for Kept {
    fn take(&mut self, event: CastEvent<'_>) -> Flow {
        match event {
            CastEvent::Content(bytes) => self.content.push(bytes.to_vec()),
            CastEvent::Heard(_) => self.heard += 1,
            CastEvent::Interval(interval) => self.intervals.push(interval),
            CastEvent::NoHeader { source, group } => {
                self.no_header.push((source.to_owned(), group.to_owned()));
            }
            CastEvent::Gap(_)
            | CastEvent::Foreign(_)
            | CastEvent::Interface(_)
            | CastEvent::Standing(_) => {}
        }
        Flow::Continue
    }
}

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(super) fn sender_now(mono: Nanos) -> Now {
    Now { mono, real: SENDER_REAL + mono }
}

pub(super) fn receiver_now(mono: Nanos) -> Now {
    Now { mono, real: RECEIVER_REAL + mono }
}

pub(super) fn sender(
    targets: &[&str],
    count: u64,
    batch: &mut TxBatch,
) -> CastSender<FixedMessages, ()> {
    let config = CastSenderConfig {
        targets: targets.iter().map(|text| Dest::from(addr(text))).collect(),
        names: Names::default(),
        tag: Some(0xBEEF),
        broadcasts: Vec::new(),
        spacing: Spacing::Every(STEP),
        time: None,
        receivers: 0,
        wait: None,
        ear: None,
        explain: LocalSendFailure::from_errno,
        host: HostMeter::default(),
    };
    let messages = vec![Message::Bytes(b"some content".to_vec())];
    CastSender::new(config, FixedMessages::new(messages, Some(count)), (), batch)
}

pub(super) fn receiver(group: &str, since: Nanos) -> CastReceiver<Kept> {
    let listen = ReceiveSocket { group: addr(group), interfaces: vec![3], since, answers: 0 };
    let listens = vec![listen];
    let config = CastReceiverConfig { listens, store: true, ..CastReceiverConfig::default() };
    CastReceiver::new(config, Kept::default())
}

pub(super) fn meta(source: &str, group: SocketAddr, mono: Nanos) -> RxMeta {
    RxMeta {
        source: addr(source),
        destination: Some(group.ip()),
        interface: 3,
        arrival: RECEIVER_REAL + mono,
        ..RxEntry::default().meta
    }
}

pub(super) fn deliver(
    receiver: &mut CastReceiver<Kept>,
    group: SocketAddr,
    mono: Nanos,
    payload: &[u8],
) {
    let meta = meta("10.0.0.1:7000", group, mono);
    let datagram = Datagram { payload, true_len: payload.len(), meta };
    receiver.on_datagram(receiver_now(mono), &datagram);
}

/// A host of a fan-out, on whose real-time clock it is this late at the start.
pub(super) fn host(address: &str, real: Nanos) -> Host {
    let boot = Nanos::from_secs(10);
    let mut host = Host::at(address);
    host.clock = Clock { boot, epoch: real + boot, ..Clock::default() };
    host
}

/// The end of a receiver, and that of its sender.
pub(super) type Ends = (Vec<CastReceiverEnd<Kept>>, CastSenderSummary);

/// Runs a sender at 10 s, and for each group a receiver that joined at this time and ends at 30 s.
pub(super) fn cast(
    seed: u64,
    (near, total): (Host, u64),
    receivers: Vec<(&str, Nanos, Host)>,
) -> Ends {
    let mut network = Network::new(seed);
    let near = network.add(near);
    let mut batch = TxBatch::new(16, 1 << 16);
    let targets: Vec<&str> = receivers.iter().map(|(group, ..)| *group).collect();
    let session = sender(&targets, total, &mut batch);
    let mut running = Vec::new();
    for (group, since, mut host) in receivers {
        host.groups.insert(addr(group).ip());
        let host = network.add(host);
        let bound = [SimSocket::bound(addr(group))];
        running.push(network.start(host, &bound, receiver(group, since)));
    }
    let bound = [SimSocket::bound(addr("0.0.0.0:7000"))];
    let session = network.start_with(near, &bound, session, batch);
    let summary = network.finish(&session, Nanos::from_secs(20)).summary;
    network.run_until(Nanos::from_secs(20));
    let finish = |one: &Running<_>| one.finish(network.now(one.id()));
    (running.iter().map(finish).collect(), summary)
}

/// Whether it is data, by its number; else it is an end mark.
fn data_number(packet: &Packet) -> Option<u32> {
    let header = Header::decode(packet.payload()?).expect("a header");
    (header.kind == Kind::Data).then_some(header.sequence)
}

/// What got through to a receiver.
#[derive(Debug, Default)]
struct Through {
    delivered: u64,
    distinct: HashSet<u32>,
    reordered: u64,
    highest: Option<u32>,
}

impl Through {
    fn count(&mut self, sequence: u32) {
        self.delivered += 1;
        if self.distinct.insert(sequence) {
            self.reordered += u64::from(self.highest.is_some_and(|highest| sequence < highest));
        }
        self.highest = self.highest.max(Some(sequence));
    }
}

fn only(received: &CastReceived) -> &CastSource {
    assert_eq!(received.sources.len(), 1);
    &received.sources[0]
}

#[test]
fn loss_copies_and_disorder_are_what_the_link_did() {
    let (early, total) = (Nanos::from_secs(9), 2_000);
    let is_data = |packet: &Packet| data_number(packet).is_some();
    let delay = |millis| Delay { base: Nanos::from_millis(millis), jitter: Jitter::None };
    let path = Impairments {
        loss: Loss::Independent(Chance::percent(16)),
        duplication: Duplication { share: Chance::percent(8), copies: 1 },
        delay: delay(1),
        reordering: Reordering { share: Chance::percent(50), hold: Nanos::from_millis(2), by: 0 },
        ..Impairments::default()
    };
    let late_ends = Impairments { delay: delay(30), ..Impairments::default() };
    for seed in 0..20 {
        let groups = [
            ("239.1.2.3:5000", "10.0.0.2"),
            ("[ff15::1]:5000", "2001:db8::2"),
            ("10.0.0.255:5000", "10.0.0.255"),
        ];
        let through: [Rc<RefCell<Through>>; 3] = Default::default();
        let receivers = groups.iter().zip(&through).map(|((group, address), through)| {
            let through = Rc::clone(through);
            let host = host(address, RECEIVER_REAL)
                .behind_rule(move |_, _, packet| {
                    data_number(packet).inspect(|number| through.borrow_mut().count(*number));
                    true
                })
                .behind(Link::both(&late_ends).choosing(|packet| data_number(packet).is_none()))
                .behind(Link::both(&path).choosing(is_data));
            (*group, early, host)
        });
        let mut near = host("10.0.0.1", SENDER_REAL).and("2001:db8::1");
        near.send_faults.blocked = 0.2 * (seed % 5) as f64;
        let (ends, summary) = cast(seed, (near, total), receivers.collect());
        assert_eq!(summary.sent.datagrams, 3 * total);
        assert_eq!(summary.sent.numbered, Some(total));
        for (end, through) in ends.iter().zip(&through) {
            let (source, through) = (only(&end.received), through.borrow());
            let distinct = through.distinct.len() as u64;
            assert!(distinct < total && through.reordered > 0, "seed {seed}");
            assert_eq!(source.received, through.delivered, "seed {seed}");
            assert_eq!(source.lost, Some(total - distinct), "seed {seed}");
            assert_eq!(source.duplicates, Some(through.delivered - distinct), "seed {seed}");
            assert_eq!(source.reordered, Some(through.reordered), "seed {seed}");
            assert_eq!(source.sender_total, Some(total), "seed {seed}");
            assert_eq!(source.joined_before, Some(true), "seed {seed}");
            assert_eq!(end.sink.content.len() as u64, distinct, "seed {seed}");
            assert!(end.sink.content.iter().all(|bytes| bytes == b"some content"));
        }
    }
}

#[test]
fn the_length_of_a_run_is_not_that_of_a_clock_that_is_set_meanwhile() {
    let group = addr("239.1.2.3:5000");
    let hour = Nanos::from_secs(3_600);
    let reals = [RECEIVER_REAL, RECEIVER_REAL + hour, RECEIVER_REAL - hour];
    for later in reals {
        let mut receiver = receiver("239.1.2.3:5000", Nanos::from_secs(9));
        for number in 0..100_u32 {
            let mono = Nanos::from_secs(10) + Nanos::from_millis(u64::from(number));
            let header = Header { kind: Kind::Data, tag: 1, sequence: number, sent: mono };
            let mut bytes = vec![0; 64];
            header.encode(&mut bytes);
            let real = if number < 50 { RECEIVER_REAL } else { later } + mono;
            let base = meta("10.0.0.1:7000", group, mono);
            let meta = RxMeta { arrival: real, ..base };
            let datagram = Datagram { payload: &bytes, true_len: bytes.len(), meta };
            receiver.on_datagram(Now { mono, real }, &datagram);
        }
        let end = receiver.finish(receiver_now(Nanos::from_secs(30)));
        assert_eq!(only(&end.received).duration_ns, 99_000_000, "{later}");
    }
}

#[test]
fn a_sender_whose_clock_was_set_back_does_not_say_who_had_joined_before() {
    let far = host("10.0.0.2", RECEIVER_REAL).behind_rule(|_, _, packet| {
        let netsim::Content::Udp(payload) = &mut packet.content else { return true };
        let header = Header::decode(payload).expect("a header");
        if let Some(mut mark) = EndMark::decode(payload).filter(|_| header.kind == Kind::End) {
            mark.began = mark.began.map(|began| began + Nanos::from_secs(3_600));
            mark.encode(&header, payload);
        }
        header.kind == Kind::End || header.sequence >= 30
    });
    let group = ("239.1.2.3:5000", Nanos::from_secs(9), far);
    let (ends, _) = cast(1, (host("10.0.0.1", SENDER_REAL), 100), vec![group]);
    let source = only(&ends[0].received);
    assert_eq!(source.received, 70);
    assert_eq!((source.joined_before, source.lost), (None, Some(0)));
}

#[test]
fn a_run_that_broke_off_does_not_outlast_the_next_one_of_the_same_socket() {
    let group = addr("239.1.2.3:5000");
    let run = |tag: u16, from: Nanos| {
        let at = move |number: u32| from + Nanos::from_millis(u64::from(number));
        let data = (0..10_u32).map(move |sequence| {
            let header = Header { kind: Kind::Data, tag, sequence, sent: at(sequence) };
            let mut bytes = vec![0; 64];
            header.encode(&mut bytes);
            (at(sequence), bytes)
        });
        let header = Header { kind: Kind::End, tag, sequence: 10, sent: at(10) };
        let mut end = vec![0; end_mark::END_MARK_LEN];
        EndMark { total: 10, began: Some(from) }.encode(&header, &mut end);
        (data.collect::<Vec<_>>(), (at(10), end))
    };
    let ends_at = |receiver: &mut CastReceiver<Kept>, until: Nanos| {
        let mut batch = TxBatch::new(16, 1 << 16);
        let mut at = until;
        for _ in 0..100 {
            match receiver.poll_transmit(receiver_now(at), &mut batch) {
                Next::Done => return Some(at),
                Next::WaitUntil(next) => at = at.max(next),
                _ => return None,
            }
        }
        None
    };
    let [first, second, third] = [10, 11, 12].map(Nanos::from_secs);
    let (broken, mark) = run(1, first);
    let (next, next_mark) = run(2, second);
    let waiting = |marks: &[&(Nanos, Vec<u8>)], last: &[(Nanos, Vec<u8>)]| {
        let listens = vec![ReceiveSocket {
            group,
            interfaces: vec![3],
            since: Nanos::from_secs(9),
            answers: 0,
        }];
        let config = CastReceiverConfig { listens, expect: Some(1_000), ..Default::default() };
        let mut receiver = CastReceiver::new(config, Kept::default());
        for (at, bytes) in broken.iter().chain(&next).chain(marks.iter().copied()).chain(last) {
            deliver(&mut receiver, group, *at, bytes);
        }
        ends_at(&mut receiver, second + Nanos::from_millis(20))
    };
    assert_eq!(waiting(&[], &[]), None, "neither has ended");
    assert!(waiting(&[&next_mark], &[]).is_some());
    assert!(waiting(&[&mark, &next_mark], &[]).is_some());
    // A third one has begun; a repeated mark says nothing about it.
    let (last, _) = run(3, third);
    assert_eq!(waiting(&[&next_mark], &last), None);
    let (mut repeated, again) =
        (last.clone(), (third + Nanos::from_millis(12), next_mark.1.clone()));
    repeated.push(again);
    assert_eq!(waiting(&[&next_mark], &repeated), None);
}

#[test]
fn a_lost_beginning_is_loss_only_for_who_had_joined_before_it() {
    // The run begins at 10 s with a datagram each 0.5 ms; the first 300 do not arrive.
    for (joined, lost) in [(Nanos::from_secs(9), 300), (Nanos::from_millis(10_150), 0)] {
        let far = host("10.0.0.2", RECEIVER_REAL)
            .behind_rule(|_, _, packet| data_number(packet).is_none_or(|number| number >= 300));
        let near = host("10.0.0.1", SENDER_REAL);
        let (ends, _) = cast(1, (near, 1_000), vec![("239.1.2.3:5000", joined, far)]);
        let source = only(&ends[0].received);
        assert_eq!((source.received, source.lost), (700, Some(lost)));
        assert_eq!(source.first_sequence, Some(300));
        assert_eq!(source.joined_before, Some(lost > 0));
    }
}

#[test]
fn without_an_end_mark_the_tail_and_the_beginning_are_not_counted() {
    let far = host("10.0.0.2", RECEIVER_REAL).behind_rule(|_, _, packet| {
        data_number(packet).is_some_and(|number| (10..90).contains(&number) && number % 3 != 0)
    });
    let near = host("10.0.0.1", SENDER_REAL);
    let group = ("239.1.2.3:5000", Nanos::from_secs(9), far);
    let (ends, _) = cast(1, (near, 100), vec![group]);
    let source = only(&ends[0].received);
    assert_eq!((source.sender_total, source.joined_before), (None, None));
    // From 10 to 89: 12, 15 and so on to 87.
    assert_eq!((source.received, source.lost), (54, Some(26)));
}

#[test]
fn a_refused_datagram_is_no_loss_at_the_other_targets_and_its_number_goes_on() {
    // Datagrams 5 and 6 are round 3 at both targets; 9 is one target of round 5.
    let mut tried = 0;
    let near = host("10.0.0.1", SENDER_REAL).refusing(move |_, _, _| {
        tried += 1;
        matches!(tried, 5 | 6 | 9).then_some(ENOBUFS)
    });
    let numbers: [Rc<RefCell<Vec<u32>>>; 2] = Default::default();
    let receivers = ["10.0.0.2", "10.0.0.3"].iter().zip(&numbers).map(|(address, numbers)| {
        let numbers = Rc::clone(numbers);
        host(address, RECEIVER_REAL).behind_rule(move |_, _, packet| {
            numbers.borrow_mut().extend(data_number(packet));
            true
        })
    });
    let groups = ["239.1.2.3:5000", "239.1.2.4:5000"];
    let receivers = groups.into_iter().zip(receivers);
    let receivers = receivers.map(|(group, host)| (group, Nanos::from_secs(9), host)).collect();
    let (_, summary) = cast(1, (near, 100), receivers);
    let whole: Vec<u32> = (0..99).collect();
    assert_eq!(*numbers[1].borrow(), whole);
    let gap: Vec<u32> = whole.into_iter().filter(|number| *number != 3).collect();
    assert_eq!(*numbers[0].borrow(), gap);
    let counts: Vec<_> =
        summary.sent.destinations.iter().map(|one| (one.sent, one.refused)).collect();
    assert_eq!(counts, [(98, 2), (99, 1)]);
    assert_eq!(summary.sent.numbered, Some(99));
}

#[test]
fn an_interrupted_sender_tells_the_total_and_ends() {
    // A buffer that is often full: the stop falls between the targets of a round.
    for seed in 0..20 {
        let counts = Rc::new(RefCell::new((0, 0)));
        let counted = Rc::clone(&counts);
        let mut near = host("10.0.0.1", SENDER_REAL).behind_rule(move |_, _, packet| {
            let (data, ends) = &mut *counted.borrow_mut();
            if data_number(packet).is_some() {
                *data += 1;
            } else {
                *ends += 1;
                let mark = EndMark::decode(packet.payload().expect("an end mark"));
                assert_eq!(mark.expect("an end mark").total * 2, *data, "seed {seed}");
            }
            true
        });
        near.send_faults.blocked = 0.8;
        let mut network = Network::new(seed);
        let near = network.add(near);
        let mut batch = TxBatch::new(16, 1 << 16);
        let session = sender(&["239.1.2.3:5000", "239.1.2.4:5000"], 1_000, &mut batch);
        let bound = [SimSocket::bound(addr("0.0.0.0:7000"))];
        let session = network.start_with(near, &bound, session, batch);
        network.run_until(Nanos::from_millis(150) + Nanos::from_micros(70 * seed));
        network.stop(session.id());
        let summary = network.finish(&session, Nanos::from_secs(2)).summary;
        assert!(summary.sent.interrupted, "seed {seed}");
        assert!((400..2_000).contains(&summary.sent.datagrams), "seed {seed}");
        assert_eq!(*counts.borrow(), (summary.sent.datagrams, 3 * 2), "seed {seed}");
    }
}

#[test]
fn nothing_can_be_sent_so_an_endless_run_ends() {
    let mut batch = TxBatch::new(16, 1 << 16);
    let mut session = sender(&["239.1.2.3:5000"], u64::MAX, &mut batch);
    let now = sender_now(Nanos::from_secs(10));
    session.poll_transmit(now, &mut batch);
    let stop = Some(SendStop::Refused { datagrams: 1, errno: 101 });
    session.on_sent(now, &batch, &SendOutcome { accepted: 0, stop });
    batch.clear();
    assert_eq!(session.poll_transmit(now, &mut batch), Next::Done);
    let summary = session.finish(now).summary;
    let only = &summary.sent.destinations[0];
    let refusal = &only.refusals[0];
    assert_eq!((&refusal.cause.cause, refusal.datagrams), (&LocalCause::NoRoute, 1));
}

#[test]
fn the_first_refusal_ends_a_run_only_if_it_will_last() {
    // A queue that is full, a packet filter that counts, and a port that was closed.
    for (errno, goes_on) in
        [(105, true), (1, true), (111, true), (101, false), (13, false), (22, false), (90, false)]
    {
        let mut tried = 0;
        let near = host("10.0.0.1", SENDER_REAL).refusing(move |_, _, _| {
            tried += 1;
            (tried == 1).then_some(errno)
        });
        let receiver = ("239.1.2.3:5000", Nanos::from_secs(9), host("10.0.0.2", RECEIVER_REAL));
        let (_, summary) = cast(1, (near, 100), vec![receiver]);
        let only = &summary.sent.destinations[0];
        assert_eq!((only.sent, only.refused), (if goes_on { 99 } else { 0 }, 1), "{errno}");
    }
}

#[test]
fn strays_foreigners_and_sources_beyond_the_table_are_counted_apart() {
    let group = addr("239.1.2.3:5000");
    let mut receiver = receiver("239.1.2.3:5000", Nanos::from_secs(9));
    let at = Nanos::from_secs(10);
    deliver(&mut receiver, group, at, b"hello");
    deliver(&mut receiver, addr("239.1.2.9:5000"), at, b"hello");
    let mut by_other = meta("10.0.0.1:7000", group, at);
    by_other.interface = 4;
    let datagram = Datagram { payload: b"hello", true_len: 5, meta: by_other };
    receiver.on_datagram(receiver_now(at), &datagram);
    for tag in 0..ROWS_MAX as u16 + 5 {
        let mut payload = [0; 20];
        Header { kind: Kind::Data, tag, sequence: 0, sent: SENDER_REAL }.encode(&mut payload);
        deliver(&mut receiver, group, at, &payload);
    }
    let end = receiver.finish(receiver_now(at));
    let found = end.received;
    assert_eq!((found.strays, found.foreign, found.others), (Some(1), 2, 5));
    assert_eq!(found.sources.len(), ROWS_MAX);
    assert_eq!(end.sink.heard, ROWS_MAX);
    // A datagram without a header is reported; those for others and numbered ones are not.
    assert_eq!(end.sink.no_header, [("10.0.0.1:7000".to_owned(), group.to_string())]);
    assert!(found.caveats.contains(&ReceivedCaveat::NoHeader { datagrams: 1 }));
}

#[test]
fn no_datagram_makes_a_receiver_panic() {
    let seed = fastrand::u64(..);
    let mut rng = fastrand::Rng::with_seed(seed);
    let group = addr("239.1.2.3:5000");
    let mut receiver = receiver("239.1.2.3:5000", Nanos::from_secs(9));
    for turn in 0..20_000u64 {
        let mut payload: Vec<u8> = (0..rng.usize(0..40)).map(|_| rng.u8(..)).collect();
        for (byte, value) in payload.iter_mut().zip([0xD6, 0x10 | rng.u8(0..4), 0, rng.u8(0..3)]) {
            *byte = value;
        }
        deliver(&mut receiver, group, Nanos::from_secs(10) + Nanos(turn), &payload);
    }
    receiver.on_tick(receiver_now(Nanos::from_secs(11)));
    let found = receiver.finish(receiver_now(Nanos::from_secs(12))).received;
    assert!(found.received + found.strays.unwrap() <= 20_000, "seed {seed}");
}

#[test]
fn count_time_idle_and_interruption_end_a_receiver() {
    let group = addr("239.1.2.3:5000");
    let listen =
        ReceiveSocket { group, interfaces: Vec::new(), since: Nanos::from_secs(9), answers: 0 };
    let config = CastReceiverConfig {
        listens: vec![listen],
        content: Content::Plain,
        ..CastReceiverConfig::default()
    };
    let secs = Nanos::from_secs;
    let ask = |receiver: &mut CastReceiver<Kept>, at: Nanos| {
        receiver.poll_transmit(receiver_now(at), &mut TxBatch::new(1, 1))
    };
    let new = |config: CastReceiverConfig| CastReceiver::new(config, Kept::default());

    let mut counted = new(CastReceiverConfig { count: Some(2), ..config.clone() });
    assert_eq!(ask(&mut counted, secs(10)), Next::Idle);
    deliver(&mut counted, group, secs(10), b"a");
    assert_eq!(ask(&mut counted, secs(10)), Next::Idle);
    deliver(&mut counted, group, secs(10), b"");
    assert_eq!(ask(&mut counted, secs(10)), Next::Done);

    let mut timed = new(CastReceiverConfig { time: Some(secs(3)), ..config.clone() });
    assert_eq!(ask(&mut timed, secs(10)), Next::WaitUntil(secs(12)));
    assert_eq!(ask(&mut timed, secs(12)), Next::Done);

    let mut idle = new(CastReceiverConfig { idle: Some(secs(2)), ..config.clone() });
    assert_eq!(ask(&mut idle, secs(10)), Next::WaitUntil(secs(11)));
    deliver(&mut idle, group, secs(10), b"a");
    assert_eq!(ask(&mut idle, secs(10)), Next::WaitUntil(secs(12)));
    assert_eq!(ask(&mut idle, secs(12)), Next::Done);

    let mut stopped = new(config);
    stopped.on_stop(receiver_now(secs(10)));
    assert!(matches!(ask(&mut stopped, secs(10)), Next::WaitUntil(at) if at < secs(11)));
    deliver(&mut stopped, group, secs(10), b"a");
    assert_eq!(ask(&mut stopped, secs(11)), Next::Done);
    let received = stopped.finish(receiver_now(secs(11))).received;
    assert!(received.interrupted);
    assert_eq!((received.received, received.lost), (1, None));
}
