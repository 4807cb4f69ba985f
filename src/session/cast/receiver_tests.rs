//! Receivers that were paused, and paths that duplicate every datagram.

use super::tests::{
    Kept, RECEIVER_REAL, SENDER_REAL, addr, cast, host, meta, receiver_now, sender_now,
};
use super::*;
use crate::batch::{Datagram, LocalSendFailure, TxBatch};
use crate::impair::{Chance, Duplication, Impairments, Loss};
use crate::machine::{Next, Now, Session};
use crate::netsim::{Host, Link, Network, Packet, SimSocket};
use crate::record::CastReceived;
use crate::units::{Limit, Nanos};
use crate::wire::{Header, Kind};
use std::net::SocketAddr;

const GROUP: &str = "239.1.2.3:5000";
const START: Nanos = Nanos::from_secs(9);

fn config() -> CastReceiverConfig {
    let listen =
        ReceiveSocket { group: addr(GROUP), interfaces: vec![3], since: START, answers: 0 };
    CastReceiverConfig { listens: vec![listen], ..CastReceiverConfig::default() }
}

/// A datagram that arrived at one time and is read at another.
fn read(receiver: &mut CastReceiver<Kept>, arrived: Nanos, read: Nanos, payload: &[u8]) {
    let meta = meta("10.0.0.1:7000", addr(GROUP), arrived);
    let datagram = Datagram { payload, true_len: payload.len(), meta };
    receiver.on_datagram(receiver_now(read), &datagram);
}

fn data(sequence: u32, sent: Nanos) -> Vec<u8> {
    let mut payload = vec![0; 100];
    let header = Header { kind: Kind::Data, tag: 7, sequence, sent: sender_now(sent).real };
    header.encode(&mut payload);
    payload
}

fn poll(receiver: &mut CastReceiver<Kept>, at: Nanos) -> Next {
    receiver.poll_transmit(receiver_now(at), &mut TxBatch::new(4, 4_096))
}

#[test]
fn a_receiver_that_stood_still_for_three_seconds_counts_all_that_its_sockets_held() {
    let second = Nanos::from_secs(1);
    let idle = CastReceiverConfig { idle: Some(second), interval: Some(second), ..config() };
    let mut receiver = CastReceiver::new(idle, Kept::default());
    assert_eq!(poll(&mut receiver, START), Next::WaitUntil(START + second));
    // It stops at once; 500 datagrams arrive from 0.1 s to 2.595 s; it resumes after 3 s.
    let woke = START + Nanos::from_secs(3);
    receiver.on_pause(receiver_now(woke), Nanos::from_secs(3));
    for number in 0..500 {
        let sent = START + Nanos::from_millis(100 + 5 * u64::from(number));
        read(&mut receiver, sent, woke, &data(number, sent));
    }
    receiver.on_tick(receiver_now(woke));
    // Not yet silent for a second of its own running time.
    let Next::WaitUntil(at) = poll(&mut receiver, woke) else { panic!("it ended") };
    assert!(at > woke, "{at}");
    assert_eq!(poll(&mut receiver, at), Next::Done);
    let end = receiver.finish(receiver_now(at));
    let found = &end.received;
    assert_eq!((found.received, found.lost), (500, Some(0)));
    assert_eq!(found.reader_pause_ns, 3_000_000_000);
    let source = &found.sources[0];
    assert_eq!(source.duration_ns, 499 * 5_000_000, "by arrival");
    assert_eq!(source.jitter_ns, Some(0));
    assert!(source.delay_max_ns < Some(1_000), "the drift's rounding: {:?}", source.delay_max_ns);
    assert_eq!(source.goodput_bits_per_second, Some(160_000));
    let each: Vec<u64> = end.sink.intervals.iter().map(|one| one.received).collect();
    assert_eq!(each, [180, 200, 120], "each interval has what arrived in it");
}

#[test]
fn what_arrived_before_the_join_was_confirmed_has_no_time_after_it() {
    let mut receiver = CastReceiver::new(config(), Kept::default());
    let early = START - Nanos::from_millis(3);
    read(&mut receiver, early, START + Nanos::from_millis(1), &data(0, early));
    let found = receiver.finish(receiver_now(START + Nanos::from_secs(1))).received;
    assert_eq!((found.received, found.sources[0].join_to_first_ns), (1, None));
}

#[test]
fn a_clock_that_is_set_back_hides_no_silence_at_the_end() {
    let mut receiver = CastReceiver::new(config(), Kept::default());
    read(&mut receiver, START, START, &data(0, START));
    let end = receiver_now(START + Nanos::from_secs(5));
    let set_back = Now { real: end.real - Nanos::from_secs(60), ..end };
    let found = receiver.finish(set_back).received;
    assert_eq!(found.sources[0].silence_at_end_ns, 5_000_000_000);
    assert!(found.sources[0].is_tail_unknown());
}

#[test]
fn silence_that_is_the_senders_ends_a_receiver_although_it_reads_late() {
    let second = Nanos::from_secs(1);
    let idle = CastReceiverConfig { idle: Some(second), ..config() };
    let mut receiver = CastReceiver::new(idle, Kept::default());
    read(&mut receiver, START, START + Nanos::from_millis(900), &data(0, START));
    assert_eq!(poll(&mut receiver, START + second), Next::Done);
    let found = receiver.finish(receiver_now(START + second)).received;
    assert_eq!((found.received, found.reader_pause_ns), (1, 0));
}

#[test]
fn a_host_that_refuses_to_ask_is_not_a_sender_that_does_not_answer() {
    let to: SocketAddr = "10.0.0.1:7000".parse().unwrap();
    let asks = CastReceiverConfig { subscribe: Some(to), ..config() };
    for errno in [None, Some(1), Some(101)] {
        let mut host = Host::at("10.0.1.1").refusing(move |_, _, _| errno);
        host.clock.boot = START;
        let mut network = Network::new(1);
        let host = network.add(host);
        let receiver = CastReceiver::new(asks.clone(), Kept::default());
        let running = network.start(host, &[SimSocket::bound(addr("0.0.0.0:5000"))], receiver);
        let failed = network.finish(&running, Nanos::from_secs(9)).failed;
        let expected = match errno {
            None => SubscribeError::NoReply { sender: to.into() },
            Some(errno) => {
                SubscribeError::NotSent { finding: LocalSendFailure::from_errno(errno, to) }
            }
        };
        assert_eq!(failed, Some(expected));
    }
}

/// A run of `total` datagrams over a path that copies each and loses a tenth of the copies.
fn copied(seed: u64, copies: u32, total: u64) -> CastReceived {
    let share = if copies > 1 { Chance::ALWAYS } else { Chance::NEVER };
    let duplication = Duplication { share, copies: copies - 1 };
    let loss = Loss::Independent(Chance::percent(10));
    let is_data = |packet: &Packet| {
        packet.payload().is_some_and(|payload| Header::decode(payload).unwrap().kind == Kind::Data)
    };
    let far = host("10.0.0.2", RECEIVER_REAL)
        .behind(Link::both(&Impairments { loss, ..Impairments::default() }).choosing(is_data))
        .behind(Link::both(&Impairments { duplication, ..Impairments::default() }));
    let (mut ends, _) =
        cast(seed, (host("10.0.0.1", SENDER_REAL), total), vec![(GROUP, START, far)]);
    ends.remove(0).received
}

#[test]
fn copies_are_never_goodput_whatever_of_them_is_lost() {
    for seed in 0..20 {
        for copies in 1..=3 {
            let found = copied(seed, copies, 500);
            let source = &found.sources[0];
            let (lost, firsts) = (found.lost.unwrap(), found.firsts());
            assert_eq!(firsts + lost, 500, "seed {seed}, {copies} copies");
            assert_eq!(found.received, firsts + found.duplicates.unwrap());
            assert!(found.received > u64::from(copies) * 400 && firsts <= 500);
            let size = Header::LEN as u64 + 12;
            assert_eq!(found.bytes - found.duplicate_bytes.unwrap(), firsts * size);
            // One datagram each 0.5 ms is 448 kbit/s, minus the loss.
            let rate = source.goodput_bits_per_second.unwrap();
            let expected = 8 * size * (firsts - 1) * 1_000_000_000 / source.duration_ns;
            assert!(rate.abs_diff(expected) <= 1 && rate <= 448_000, "{rate} {expected}");
        }
    }
}

#[test]
fn an_unknown_tail_is_no_limit_held_and_a_known_one_is() {
    let limits: [Limit; 1] = ["loss>0.1%".parse().unwrap()];
    let held = |found: &CastReceived| found.hold(&limits)[0].held;
    assert!(!held(
        &CastReceiver::new(config(), Kept::default()).finish(receiver_now(START)).received
    ));
    let run = |end: Nanos, mark: bool| {
        let mut receiver = CastReceiver::new(config(), Kept::default());
        for number in 0..100 {
            let at = START + Nanos::from_millis(u64::from(number));
            read(&mut receiver, at, at, &data(number, at));
        }
        if mark {
            let at = START + Nanos::from_millis(100);
            let mut payload = vec![0; end_mark::END_MARK_LEN];
            let sent = sender_now(at).real;
            let header = Header { kind: Kind::End, tag: 7, sequence: 100, sent };
            EndMark { total: 100, began: Some(sender_now(START).real) }
                .encode(&header, &mut payload);
            read(&mut receiver, at, at, &payload);
        }
        receiver.finish(receiver_now(START + end)).received
    };
    // It broke off, and what followed is unknown.
    assert!(!held(&run(Nanos::from_secs(2), false)));
    // It announced its end; or the receiver ended while it continued.
    assert!(held(&run(Nanos::from_secs(2), true)));
    assert!(held(&run(Nanos::from_millis(110), false)));
}
