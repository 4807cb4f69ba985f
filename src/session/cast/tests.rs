//! A sender and receivers over a simulated link with loss, duplication and reordering by a seed,
//! compared with the link's own counts.

use super::*;
use crate::batch::{
    Datagram, Dest, LocalCause, LocalSendFailure, RxEntry, RxMeta, SendOutcome, SendStop, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::{
    CastEvent, CastInterval, CastReceived, CastSource, FanoutEvent, Flow, ReceivedCaveat, Sink,
};
use crate::session::{FixedMessages, Message, Spacing};
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

const STEP: Nanos = Nanos::from_micros(500);
/// The sender's real-time clock is far from the receivers'.
const SENDER_REAL: Nanos = Nanos::from_secs(1_000_000);
const RECEIVER_REAL: Nanos = Nanos::from_secs(5_000);

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
            CastEvent::Gap(_) | CastEvent::Foreign(_) => {}
        }
        Flow::Continue
    }
}

/// Accepts a sender's events and drops them.
pub(super) struct Quiet;

impl Sink<FanoutEvent<'_>> for Quiet {
    fn take(&mut self, _event: FanoutEvent<'_>) -> Flow {
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
) -> CastSender<FixedMessages, Quiet> {
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
    };
    let messages = vec![Message::Bytes(b"some content".to_vec())];
    CastSender::new(config, FixedMessages::new(messages, Some(count)), Quiet, batch)
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

/// Everything that the sender sends, by destination and time, with a kernel that accepts `most`
/// datagrams per call and refuses what `refuses` says.
pub(super) fn all_sent(
    mut sender: CastSender<FixedMessages, Quiet>,
    mut batch: TxBatch,
    most: usize,
    refuses: &dyn Fn(usize) -> bool,
) -> (Vec<(Nanos, SocketAddr, Vec<u8>)>, CastSenderSummary) {
    let (mut mono, mut out, mut tried) = (Nanos::from_secs(10), Vec::new(), 0);
    loop {
        batch.clear();
        let next = sender.poll_transmit(sender_now(mono), &mut batch);
        let (mut accepted, mut stop) = (0, None);
        for slot in batch.slots() {
            if accepted == most {
                stop = Some(SendStop::Blocked);
                break;
            }
            tried += 1;
            if refuses(tried) {
                stop = Some(SendStop::Refused { datagrams: 1, errno: 105 });
                break;
            }
            out.push((mono, batch.dest(slot.dest).unwrap().addr, batch.payload(slot).to_vec()));
            accepted += 1;
        }
        if !batch.is_empty() {
            sender.on_sent(sender_now(mono), &batch, &SendOutcome { accepted, stop });
        }
        match next {
            Next::Done if batch.is_empty() => {
                return (out, sender.finish(sender_now(mono)).summary);
            }
            Next::WaitUntil(at) if batch.is_empty() => mono = mono.max(at),
            _ => mono += Nanos(1_000),
        }
    }
}

/// What a lossy link did, by its own count.
#[derive(Debug, Default)]
struct Link {
    delivered: u64,
    distinct: HashSet<u32>,
    reordered: u64,
    highest: Option<u32>,
}

fn only(received: &CastReceived) -> &CastSource {
    assert_eq!(received.sources.len(), 1);
    &received.sources[0]
}

#[test]
fn loss_copies_and_disorder_are_what_the_link_did() {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut batch = TxBatch::new(16, 1 << 16);
        let groups = ["239.1.2.3:5000", "[ff15::1]:5000", "10.0.0.255:5000"];
        let total = 2_000;
        let session = sender(&groups, total, &mut batch);
        let (sent, summary) = all_sent(session, batch, 1 + seed as usize % 7, &|_| false);
        assert_eq!(summary.sent.datagrams, 3 * total);
        assert_eq!(summary.sent.numbered, Some(total));
        for group in groups.map(addr) {
            let mut receiver = receiver(&group.to_string(), Nanos::from_secs(9));
            let mut link = Link::default();
            let mut queue: Vec<(Nanos, Vec<u8>)> = Vec::new();
            for (at, to, payload) in sent.iter().filter(|(_, to, _)| *to == group) {
                assert_eq!(*to, group);
                let is_end = Header::decode(payload).unwrap().kind == Kind::End;
                let copies = match rng.u8(..) {
                    _ if is_end => 1,
                    0..40 => 0,
                    40..60 => 2,
                    _ => 1,
                };
                for _ in 0..copies {
                    let delay = if is_end { 30_000_000 } else { rng.u64(1_000_000..3_000_000) };
                    queue.push((*at + Nanos(delay), payload.clone()));
                }
            }
            queue.sort_by_key(|(at, _)| *at);
            for (at, payload) in &queue {
                let header = Header::decode(payload).unwrap();
                if header.kind == Kind::Data {
                    link.delivered += 1;
                    if link.distinct.insert(header.sequence) {
                        let late = link.highest.is_some_and(|highest| header.sequence < highest);
                        link.reordered += u64::from(late);
                    }
                    link.highest = link.highest.max(Some(header.sequence));
                }
                deliver(&mut receiver, group, *at, payload);
            }
            let end = receiver.finish(receiver_now(Nanos::from_secs(30)));
            let source = only(&end.received);
            let distinct = link.distinct.len() as u64;
            assert_eq!(source.received, link.delivered, "seed {seed}");
            assert_eq!(source.lost, Some(total - distinct), "seed {seed}");
            assert_eq!(source.duplicates, Some(link.delivered - distinct), "seed {seed}");
            assert_eq!(source.reordered, Some(link.reordered), "seed {seed}");
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
    let group = addr("239.1.2.3:5000");
    let mut batch = TxBatch::new(16, 1 << 16);
    let session = sender(&["239.1.2.3:5000"], 100, &mut batch);
    let (sent, _) = all_sent(session, batch, 16, &|_| false);
    let mut receiver = receiver("239.1.2.3:5000", Nanos::from_secs(9));
    for (at, _, payload) in sent.iter().skip(30) {
        let mut payload = payload.clone();
        if let Some(mut mark) = EndMark::decode(&payload) {
            let header = Header::decode(&payload).unwrap();
            if header.kind == Kind::End {
                mark.began = mark.began.map(|began| began + Nanos::from_secs(3_600));
                mark.encode(&header, &mut payload);
            }
        }
        deliver(&mut receiver, group, *at, &payload);
    }
    let end = receiver.finish(receiver_now(Nanos::from_secs(30)));
    let source = only(&end.received);
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
    let group = addr("239.1.2.3:5000");
    let mut batch = TxBatch::new(16, 1 << 16);
    let session = sender(&["239.1.2.3:5000"], 1_000, &mut batch);
    let (sent, _) = all_sent(session, batch, 16, &|_| false);
    // The run begins at 10 s with a datagram each 0.5 ms; the first 300 do not arrive.
    for (joined, lost) in [(Nanos::from_secs(9), 300), (Nanos::from_millis(10_150), 0)] {
        let mut receiver = receiver("239.1.2.3:5000", joined);
        for (at, _, payload) in &sent {
            if Header::decode(payload).unwrap().kind == Kind::End
                || *at >= Nanos::from_millis(10_150)
            {
                deliver(&mut receiver, group, *at, payload);
            }
        }
        let end = receiver.finish(receiver_now(Nanos::from_secs(30)));
        let source = only(&end.received);
        assert_eq!((source.received, source.lost), (700, Some(lost)));
        assert_eq!(source.first_sequence, Some(300));
        assert_eq!(source.joined_before, Some(lost > 0));
    }
}

#[test]
fn without_an_end_mark_the_tail_and_the_beginning_are_not_counted() {
    let group = addr("239.1.2.3:5000");
    let mut batch = TxBatch::new(16, 1 << 16);
    let session = sender(&["239.1.2.3:5000"], 100, &mut batch);
    let (sent, _) = all_sent(session, batch, 16, &|_| false);
    let mut receiver = receiver("239.1.2.3:5000", Nanos::from_secs(9));
    for (at, _, payload) in sent.iter().skip(10).take(80).filter(|(at, ..)| at.0 % 3 != 0) {
        deliver(&mut receiver, group, *at, payload);
    }
    let end = receiver.finish(receiver_now(Nanos::from_secs(30)));
    let source = only(&end.received);
    assert_eq!((source.sender_total, source.joined_before), (None, None));
    assert!(source.received + source.lost.unwrap() <= 80);
}

#[test]
fn a_refused_datagram_is_no_loss_at_the_other_targets_and_its_number_goes_on() {
    let mut batch = TxBatch::new(16, 1 << 16);
    let session = sender(&["239.1.2.3:5000", "239.1.2.4:5000"], 100, &mut batch);
    // Datagrams 5 and 6 are round 3 at both targets; 9 is one target of round 5.
    let (sent, summary) = all_sent(session, batch, 16, &|tried| matches!(tried, 5 | 6 | 9));
    let mut numbers: HashMap<SocketAddr, Vec<u32>> = HashMap::new();
    for (_, to, payload) in &sent {
        let header = Header::decode(payload).unwrap();
        if header.kind == Kind::Data {
            numbers.entry(*to).or_default().push(header.sequence);
        }
    }
    let whole: Vec<u32> = (0..99).collect();
    assert_eq!(numbers[&addr("239.1.2.4:5000")], whole);
    let gap: Vec<u32> = whole.into_iter().filter(|number| *number != 3).collect();
    assert_eq!(numbers[&addr("239.1.2.3:5000")], gap);
    let counts: Vec<_> =
        summary.sent.destinations.iter().map(|one| (one.sent, one.refused)).collect();
    assert_eq!(counts, [(98, 2), (99, 1)]);
    assert_eq!(summary.sent.numbered, Some(99));
}

#[test]
fn an_interrupted_sender_tells_the_total_and_ends() {
    let mut batch = TxBatch::new(16, 1 << 16);
    let mut session = sender(&["239.1.2.3:5000", "239.1.2.4:5000"], 1_000, &mut batch);
    let mut mono = Nanos::from_secs(10);
    let mut ends = 0;
    let mut data = 0;
    for turn in 0..2_000 {
        if turn == 500 {
            session.on_stop(sender_now(mono));
        }
        batch.clear();
        let next = session.poll_transmit(sender_now(mono), &mut batch);
        // One datagram per call: the stop falls between the targets of a round.
        let accepted = batch.len().min(1);
        for slot in &batch.slots()[..accepted] {
            let payload = batch.payload(slot);
            match Header::decode(payload).unwrap().kind {
                Kind::End => {
                    ends += 1;
                    assert_eq!(EndMark::decode(payload).unwrap().total * 2, data);
                }
                _ => data += 1,
            }
        }
        let stop = (accepted < batch.len()).then_some(SendStop::Blocked);
        session.on_sent(sender_now(mono), &batch, &SendOutcome { accepted, stop });
        if next == Next::Done && batch.is_empty() {
            let summary = session.finish(sender_now(mono)).summary;
            assert!(summary.sent.interrupted);
            assert_eq!(summary.sent.datagrams, data);
            assert_eq!(ends, 3 * 2);
            return;
        }
        mono += Nanos::from_micros(300);
    }
    panic!("the sender did not end");
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
