//! No accumulation over time: whatever forged sources request, a victim never gets more data, or
//! later data, than was sent in its name.

use super::{House, Sent, client, echoes, lane};
use crate::batch::{SendOutcome, SendStop};
use crate::machine::{Next, Session};
use crate::session::serve::ServePolicy;
use crate::units::Nanos;
use crate::wire::{Ask, Echo, Via};
use std::collections::HashMap;
use std::net::SocketAddr;

/// Bytes of an IPv4 and a UDP header.
const HEADERS: u64 = 28;

fn victim(number: u16) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, number as u8 % 4 + 1], 1_000 + number))
}

/// What arrived in a victim's name, and what was sent to it.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    datagrams: [u64; 2],
    bytes: [u64; 2],
    /// When something last arrived in its name.
    last: Nanos,
}

impl Account {
    fn add(&mut self, way: usize, bytes: usize) {
        self.datagrams[way] += 1;
        self.bytes[way] += bytes as u64 + HEADERS;
    }
}

/// Any ask.
fn some_ask(rng: &mut fastrand::Rng, key: u64, tag: u16) -> Ask {
    let any = [0, 0, 64, 65, 100, 1_472, 65_507];
    Ask {
        answers: rng.u8(0..=8),
        via: [Via::Same, Via::Same, Via::Port, Via::Address, Via::Both][rng.usize(0..5)],
        delay: Nanos::from_millis([0, 0, 1, 20_000, 360_000][rng.usize(0..5)]),
        gap: Nanos::from_millis([0, 1, 65_535][rng.usize(0..3)]),
        answer_len: any[rng.usize(0..any.len())],
        answer_tos: rng.u8(..),
        whole: rng.bool(),
        ..Ask::new(tag, key, rng.u32(0..100), rng.u32(0..5_000), Nanos(1))
    }
}

#[test]
fn at_every_instant_a_forged_source_gets_no_more_than_was_sent_in_its_name() {
    for seed in 0..8 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let other = "198.51.100.8".parse().ok();
        let engine = super::Engine { other, ..super::Engine::default() };
        let mut house = House::with(ServePolicy::default(), engine, &[]);
        let (key, tag) = house.probe("5000");
        let mut accounts: HashMap<SocketAddr, Account> = HashMap::new();
        let mut answered = 0;
        for _ in 0..6_000 {
            let source = victim(rng.u16(0..40));
            let mut bytes = vec![0; [40, 64, 65, 100, 512, 1_472][rng.usize(0..6)]];
            some_ask(&mut rng, key, tag).encode(&mut bytes);
            if rng.u8(0..10) == 0 {
                // The key holder requests too: its own allowance helps nobody else.
                house.prove(client());
            }
            let account = accounts.entry(source).or_default();
            account.add(0, bytes.len());
            account.last = house.now.mono;
            house.hand_in(source, [0, 5_000][rng.usize(0..2)], &bytes);
            if rng.bool() {
                let pauses = [0, 1, 1_000, 100_000, 2_000_000];
                house.pass(Nanos::from_micros(pauses[rng.usize(0..5)]));
            }
            let (sent, _) =
                if rng.u8(0..4) > 0 { house.leave() } else { (Sent::new(), Next::Idle) };
            for (dest, bytes) in sent {
                let Some(account) = accounts.get_mut(&dest.addr) else { continue };
                account.add(1, bytes.len());
                answered += 1;
                let [came, left] = account.datagrams;
                assert!(left <= came, "seed {seed}, {}: {account:?}", dest.addr);
                assert!(account.bytes[1] <= account.bytes[0], "seed {seed}: {account:?}");
                let late = house.now.mono - account.last;
                assert!(late <= Nanos::from_secs(2), "seed {seed}, {late} late: {account:?}");
            }
        }
        assert!(answered > 300, "they are answered at all: {answered}, seed {seed}");
        // Nothing is kept for them.
        assert!(!matches!(house.leave().1, Next::WaitUntil(_)), "seed {seed}");
    }
}

#[test]
fn what_gathers_for_one_instant_does_not_leave_at_it() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    for port in 4_001..4_041 {
        house.prove(lane(port));
    }
    let start = house.now.mono;
    // 20 seconds of requests from verified sockets, with delays that make all answers due at one
    // instant.
    for step in 0..20_000u32 {
        house.pass(Nanos::from_millis(1));
        let delay = start + Nanos::from_secs(30) - house.now.mono;
        let ask = Ask { answers: 8, delay, ..Ask::new(tag, key, 1, step, Nanos(1)) };
        assert!(house.ask(lane(4_001 + step as u16 % 40), 5_000, &ask, 512).is_empty());
    }
    let mut left = Vec::new();
    for _ in 0..20_000 {
        house.pass(Nanos::from_millis(1));
        left.extend(echoes(house.leave().0).iter().map(|_| house.now.mono));
    }
    // A third of a second's worth at 200 a second, and nothing more of what waited.
    assert!(!left.is_empty() && left.len() <= 70, "{}", left.len());
    let (items, _) = house.items();
    assert_eq!(u64::from(items[0].1.withheld), 160_000 - left.len() as u64);
}

#[test]
fn a_proof_that_has_aged_is_none_and_a_new_ticket_is_one_again() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    let longer = |sequence| Ask { answer_len: 1_000, ..Ask::new(tag, key, 1, sequence, Nanos(1)) };
    for source in [client(), lane(4_001)] {
        house.prove(source);
        assert_eq!(house.ask(source, 5_000, &longer(0), 64).len(), 1, "{source}");
    }
    for _ in 0..59 {
        house.pass(Nanos::from_secs(1));
        // Probe requests and dialogue commands prove nothing: the session's name never changes.
        house.say(client(), "NOOP");
        house.ask(lane(4_001), 5_000, &Ask::new(tag, key, 2, 0, Nanos(1)), 64);
    }
    assert_eq!(house.ask(client(), 5_000, &longer(1), 64).len(), 1);
    house.pass(Nanos::from_secs(1));
    for source in [client(), lane(4_001)] {
        assert!(house.ask(source, 5_000, &longer(2), 64).is_empty(), "{source}");
        assert_eq!(house.ask(source, 5_000, &longer(3), 1_000).len(), 1, "{source}");
        house.prove(source);
        assert_eq!(house.ask(source, 5_000, &longer(4), 64).len(), 1, "{source}");
    }
}

#[test]
fn what_a_full_socket_held_back_for_long_is_dropped_and_told() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    for sequence in 0..100 {
        let mut bytes = [0; 64];
        Ask::new(tag, key, 1, sequence, Nanos(1)).encode(&mut bytes);
        house.hand_in(client(), 5_000, &bytes);
    }
    // The socket buffer is full, again and again.
    for _ in 0..11 {
        house.server.poll_transmit(house.now, &mut house.out);
        assert_eq!(house.out.len(), 100);
        let outcome = SendOutcome { accepted: 0, stop: Some(SendStop::Blocked) };
        house.server.on_sent(house.now, &house.out, &outcome);
        house.out.clear();
        house.pass(Nanos::from_millis(100));
    }
    let (sent, next) = house.leave();
    assert_eq!((sent.len(), next), (0, Next::Idle));
    let (items, _) = house.items();
    assert_eq!((items[0].1.answers, items[0].1.withheld), (0, 100));
    // New requests are answered at once.
    assert_eq!(house.ask(client(), 5_000, &Ask::new(tag, key, 2, 0, Nanos(1)), 64).len(), 1);
}

#[test]
fn an_answer_to_a_stranger_that_finds_no_room_is_not_kept_for_later() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    let mut bytes = [0; 64];
    Ask::new(tag, key, 1, 0, Nanos(1)).encode(&mut bytes);
    // More at once than can wait; the session's limit is a second's worth.
    (0..5_000).for_each(|number| house.hand_in(victim(number % 40), 5_000, &bytes));
    let (sent, next) = house.leave();
    let echoed = sent.iter().filter(|(_, bytes)| Echo::decode(bytes).is_some()).count();
    assert!((1_900..=2_048).contains(&echoed), "{echoed}");
    assert_eq!(next, Next::Idle);
    house.pass(Nanos::from_secs(10));
    assert!(house.leave().0.is_empty());
}
