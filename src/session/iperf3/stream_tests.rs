//! Tests of the two ends of a stream with iperf3's header.

use crate::batch::{RxEntry, SendOutcome, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::netsim::Mailbox;
use crate::session::blast::{
    BlastReceiver, BlastSender, DataFormat, Filling, Greeting, GreetingReply, ReceiverEvent,
    ReceiverOrder, ReceiverPlan, SenderEvent, SenderOrder, SenderPlan, StreamOpening, TestPlan,
};
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::Params;
use crate::wire::iperf3::{CLIENT_GREETING, Counters};

const PAYLOAD: u32 = 100;
const FORMAT: DataFormat = DataFormat::Iperf3(Counters::Narrow);

fn test() -> TestPlan {
    let rate = Rate::Packets(PacketRate(10_000));
    let test = TestPlan::read(&Params::default()).unwrap();
    TestPlan { payload: PAYLOAD, rate, time: Nanos::from_secs(1), burst: Some(1), ..test }
}

fn opening() -> StreamOpening {
    Greeting::new(Nanos::from_secs(5)).into()
}

fn at(millis: u64) -> Now {
    let mono = Nanos::from_millis(millis);
    Now { mono, real: mono }
}

fn feed(session: &mut impl Session, millis: u64, bytes: &[u8]) {
    let entry = RxEntry { len: bytes.len(), true_len: bytes.len(), ..RxEntry::default() };
    session.on_buffer(at(millis), &entry, bytes);
}

/// Polls once, accepts everything, and returns what was sent.
fn sent(session: &mut impl Session, millis: u64) -> (Next, Vec<Vec<u8>>) {
    let mut out = TxBatch::new(16, 16 * PAYLOAD as usize);
    let next = session.poll_transmit(at(millis), &mut out);
    let accepted = out.len();
    session.on_sent(at(millis), &out, &SendOutcome { accepted, stop: None });
    (next, out.slots().iter().map(|slot| out.payload(slot).to_vec()).collect())
}

#[test]
fn a_sender_greets_waits_and_numbers_from_one_without_a_last_message() {
    let (orders, events) = (Mailbox::new(), Mailbox::new());
    let omit = Nanos::from_secs(1);
    let plan = SenderPlan { format: FORMAT, omit, ..SenderPlan::new(test(), 0, 0) };
    let mut sender =
        BlastSender::new(plan, Some(opening()), events.clone()).with_orders(orders.clone());
    assert_eq!(sent(&mut sender, 0).1, [CLIENT_GREETING.to_vec()]);
    feed(&mut sender, 5, b"6789");
    assert!(sent(&mut sender, 6).1.is_empty());
    assert_eq!(events.drain(), [SenderEvent::Answered { repeats: 0 }]);
    orders.push(SenderOrder::Begin);
    let mut all = Vec::new();
    for millis in (1_000..).step_by(10) {
        let (next, datagrams) = sent(&mut sender, millis);
        all.extend(datagrams);
        if next == Next::Done {
            break;
        }
    }
    let numbers: Vec<_> = all.iter().map(|bytes| FORMAT.decode(bytes, 0).unwrap().0).collect();
    assert_eq!(numbers, (0..20).collect::<Vec<u32>>(), "ten in each second");
    assert_eq!(all[0][..12], [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert!(all.iter().all(|bytes| bytes.len() == PAYLOAD as usize));
    let ended = sender.finish(at(4_000));
    assert_eq!((ended.omitted, ended.sent.datagrams), (10, 10));
    assert_eq!((ended.sent.offered, ended.sent.bytes), (10, 1_000));
}

#[test]
fn a_payload_of_repeated_digits_is_iperf3_s() {
    let plan =
        SenderPlan { format: FORMAT, filling: Filling::Digits, ..SenderPlan::new(test(), 0, 0) };
    let mut sender = BlastSender::new(plan, None, ());
    let (_, datagrams) = sent(&mut sender, 1_000);
    assert_eq!(datagrams[0][12..24], *b"234567890123");
    assert_eq!(datagrams[0][90..], *b"0123456789");
}

#[test]
fn a_receiver_counts_from_the_end_of_the_omitted_time() {
    let (orders, events) = (Mailbox::new(), Mailbox::new());
    let omit = Nanos::from_secs(1);
    let patience = Nanos::MAX;
    let plan = ReceiverPlan { format: FORMAT, omit, ..ReceiverPlan::new(&test(), 0, patience) };
    let mut receiver = BlastReceiver::new(plan, Some(opening()), orders.clone(), events.clone());
    assert_eq!(sent(&mut receiver, 0).1, [CLIENT_GREETING.to_vec()]);
    let data = |number: u64| {
        let mut bytes = vec![0; PAYLOAD as usize];
        Counters::Narrow.encode(number, Nanos::from_millis(number), &mut bytes);
        bytes
    };
    // Data overtakes the reply, and the order to begin.
    feed(&mut receiver, 1, &data(0));
    feed(&mut receiver, 2, b"6789");
    sent(&mut receiver, 3);
    assert_eq!(events.drain(), [ReceiverEvent::Answered { repeats: 0 }]);
    orders.push(ReceiverOrder::Begin);
    sent(&mut receiver, 10);
    // Of the omitted time, number 3 is lost; of the rest, 6 is, and 9 and 10 are the tail.
    for (millis, number) in
        [(20, 1), (30, 2), (900, 4), (1_020, 5), (1_030, 7), (1_040, 7), (1_050, 8)]
    {
        feed(&mut receiver, millis, &data(number));
    }
    feed(&mut receiver, 1_060, &data(9)[..50]);
    orders.push(ReceiverOrder::Settle);
    sent(&mut receiver, 1_100);
    assert!(!events.drain().iter().any(|event| matches!(event, ReceiverEvent::Settled { .. })));
    sent(&mut receiver, 1_700);
    let settled = events.drain().into_iter().find_map(|event| match event {
        ReceiverEvent::Settled { received, omitted } => Some((received, omitted)),
        _ => None,
    });
    let (received, omitted) = settled.unwrap();
    assert_eq!((received.firsts, received.lost, received.duplicates), (3, 1, 1));
    assert_eq!((received.corrupt, omitted), (1, 5));
    orders.push(ReceiverOrder::Total(11));
    assert_eq!(sent(&mut receiver, 1_710).0, Next::Done);
    let ended = receiver.finish(at(1_720)).received;
    assert_eq!((ended.firsts, ended.lost, ended.sender_total), (3, 3, Some(6)));
    assert_eq!((ended.loss_bursts, ended.longest_burst), (2, 2));
}

/// The server's end of a stream that it receives, with what it omits.
fn answering(omit: Nanos) -> (BlastReceiver<Mailbox<ReceiverOrder>, ()>, Mailbox<ReceiverOrder>) {
    let orders = Mailbox::new();
    let plan = ReceiverPlan { format: FORMAT, omit, ..ReceiverPlan::new(&test(), 0, Nanos::MAX) };
    let reply = GreetingReply::new(*b"6789").into();
    (BlastReceiver::new(plan, Some(reply), orders.clone(), ()), orders)
}

fn numbered(number: u64) -> Vec<u8> {
    let mut bytes = vec![0; PAYLOAD as usize];
    Counters::Narrow.encode(number, Nanos::from_millis(number), &mut bytes);
    bytes
}

#[test]
fn a_server_s_receiver_replies_once_and_counts_up_to_the_client_s_total() {
    let (mut receiver, orders) = answering(Nanos::ZERO);
    assert_eq!(sent(&mut receiver, 0).1, [b"6789".to_vec()]);
    assert!(sent(&mut receiver, 10).1.is_empty());
    feed(&mut receiver, 3_000, &CLIENT_GREETING);
    assert_eq!(sent(&mut receiver, 3_001).1, [b"6789".to_vec()], "its client asks again");
    orders.push(ReceiverOrder::Begin);
    sent(&mut receiver, 3_010);
    for number in [0, 1, 3] {
        feed(&mut receiver, 3_020, &numbered(number));
    }
    // A late copy of the greeting is no datagram of the test.
    feed(&mut receiver, 3_030, &CLIENT_GREETING);
    assert!(sent(&mut receiver, 3_031).1.is_empty());
    orders.push(ReceiverOrder::Total(10));
    assert!(matches!(sent(&mut receiver, 3_100).0, Next::WaitUntil(_)), "more may be under way");
    feed(&mut receiver, 3_200, &numbered(9));
    assert_eq!(sent(&mut receiver, 3_701).0, Next::Done);
    let ended = receiver.finish(at(3_702)).received;
    assert_eq!((ended.datagrams, ended.lost, ended.corrupt), (4, 6, 0));
}

#[test]
fn a_stream_of_which_nothing_arrives_ends_at_once_with_its_total() {
    let (mut receiver, orders) = answering(Nanos::ZERO);
    sent(&mut receiver, 0);
    orders.push(ReceiverOrder::Begin);
    sent(&mut receiver, 10);
    orders.push(ReceiverOrder::Total(100));
    sent(&mut receiver, 2_000);
    assert_eq!(sent(&mut receiver, 2_500).0, Next::Done);
    let ended = receiver.finish(at(2_500)).received;
    assert_eq!((ended.lost, ended.sender_total), (100, Some(100)));
}

#[test]
fn what_arrived_in_the_omitted_time_is_not_lost_if_nothing_arrives_after_it() {
    let (mut receiver, orders) = answering(Nanos::from_secs(1));
    sent(&mut receiver, 0);
    orders.push(ReceiverOrder::Begin);
    sent(&mut receiver, 10);
    for number in 0..10 {
        feed(&mut receiver, 20, &numbered(number));
    }
    orders.push(ReceiverOrder::Total(25));
    sent(&mut receiver, 2_000);
    assert_eq!(sent(&mut receiver, 2_600).0, Next::Done);
    let ended = receiver.finish(at(2_600)).received;
    assert_eq!((ended.datagrams, ended.lost, ended.sender_total), (0, 15, Some(15)));
}
