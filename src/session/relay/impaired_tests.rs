//! Tests of the relay with impairments.

use super::tests::{A, B, Bench, CLIENT, OTHER, addr, phases, plan};
use super::*;
use crate::impair::{Chance, Delay, Duplication, Impairments, Jitter, Loss, Phase, Reordering};
use std::num::NonZeroU64;

#[test]
fn a_delay_is_kept_and_its_order_and_what_is_still_delayed_is_queued() {
    let delay = Delay { base: Nanos::from_millis(40), jitter: Jitter::None };
    let up = Some(phases(Impairments { delay, ..Impairments::default() }));
    let mut bench = Bench::new(RelayPlan { up, ..plan(&[A, B]) });
    for number in 0..20_u8 {
        bench.request(CLIENT, &[number]);
        bench.pass(Nanos::from_millis(1));
    }
    assert_eq!(bench.to(A).len(), 0);
    assert_eq!(bench.relay.next(), Some(Nanos::from_millis(1_040)));
    bench.pass(Nanos::from_micros(29_900));
    let expected: Vec<[u8; 1]> = (0..10).map(|number| [number]).collect();
    assert_eq!(
        (bench.to(A), bench.to(B).len()),
        (expected.iter().map(|one| &one[..]).collect(), 10)
    );
    // A flow with something queued is not silent.
    let before = bench.relay.flows.len();
    bench.relay.next_look = Nanos::ZERO;
    bench.relay.plan.idle = Nanos(1);
    bench.relay.release(bench.now);
    assert_eq!(bench.relay.flows.len(), before);
    let done = bench.finish();
    let up = done.up.counts;
    assert_eq!((up.received, up.copies, up.forwarded, up.queued, up.delayed), (20, 10, 20, 10, 20));
    let delay = done.up.delay.expect("some were delayed");
    let asked = delay.asked_ns.p50.expect("twenty samples");
    assert!((39_900_000..=40_100_000).contains(&asked), "{asked}");
    assert!(delay.late_ns.max.unwrap() >= 900_000, "the last waited for its turn: {delay:?}");
}

#[test]
fn each_flow_has_its_own_delays_in_each_direction() {
    let of = |millis| {
        let delay = Delay { base: Nanos::from_millis(millis), jitter: Jitter::None };
        Some(phases(Impairments { delay, ..Impairments::default() }))
    };
    let mut bench = Bench::new(RelayPlan { up: of(40), down: of(5), ..plan(&[A]) });
    for _ in 0..20 {
        bench.request(CLIENT, b"x");
        bench.pass(Nanos::from_millis(40));
        bench.answer(A, 0, b"y");
        bench.pass(Nanos::from_millis(5));
    }
    for _ in 0..20 {
        bench.request(OTHER, b"x");
        // The loop is two milliseconds late.
        bench.pass(Nanos::from_millis(42));
    }
    let done = bench.finish();
    let flow = |text: &str| {
        let client = Some(addr(text).into());
        done.flow_rows.iter().find(|row| row.client == client).expect("a row").clone()
    };
    let near = |told: Option<u64>, millis: u64| {
        let (told, exact) = (told.expect("twenty samples"), millis * 1_000_000);
        assert!(told.abs_diff(exact) <= exact / 16, "{told} {millis}");
    };
    let (one, other) = (flow(CLIENT), flow(OTHER));
    near(one.up_delay.unwrap().achieved_ns.p50, 40);
    near(one.down_delay.unwrap().achieved_ns.p50, 5);
    assert!(one.up_delay.unwrap().late_ns.p50.unwrap() <= 1);
    near(other.up_delay.unwrap().achieved_ns.p50, 42);
    near(other.up_delay.unwrap().late_ns.p50, 2);
    assert_eq!(other.down_delay, None);
}

#[test]
fn impairments_count_what_they_do_by_flow_and_direction() {
    let every = |n| Loss::EveryNth(NonZeroU64::new(n).unwrap());
    let duplication = Duplication { share: Chance::ALWAYS, copies: 1 };
    let up = Some(phases(Impairments { loss: every(4), duplication, ..Impairments::default() }));
    let down = Some(phases(Impairments { loss: every(2), ..Impairments::default() }));
    let mut bench = Bench::new(RelayPlan { up, down, ..plan(&[A]) });
    for _ in 0..4 {
        bench.request(CLIENT, b"x");
        bench.request(OTHER, b"y");
        bench.answer(A, 0, b"z");
    }
    assert_eq!(bench.to(A).len(), 12);
    assert_eq!(bench.to(CLIENT).len(), 2);
    let done = bench.finish();
    let (up, down) = (done.up.counts, done.down.counts);
    assert_eq!((up.received, up.dropped.lost, up.duplicated, up.copies), (8, 2, 6, 6));
    assert_eq!((down.received, down.dropped.lost, down.forwarded), (4, 2, 2));
    let of = |text: &str| {
        let client = Some(addr(text).into());
        done.flow_rows.iter().find(|row| row.client == client).expect("a row").up
    };
    // The fates go by the number of the datagram in its direction.
    assert_eq!((of(CLIENT).dropped.lost, of(OTHER).dropped.lost), (0, 2));
    assert_eq!(done.seed, Some(7));
}

#[test]
fn a_buffer_goes_on_as_one_where_no_impairment_wants_its_datagrams_apart() {
    let delay = Delay { base: Nanos::from_millis(5), jitter: Jitter::None };
    let together = Impairments { delay: delay.clone(), ..Impairments::default() };
    let apart =
        Impairments { loss: Loss::EveryNth(NonZeroU64::new(3).unwrap()), ..together.clone() };
    for (impairments, expected) in [(together, "aabbccd"), (apart, "aabbd")] {
        let mut bench = Bench::new(RelayPlan { up: Some(phases(impairments)), ..plan(&[A]) });
        let meta = bench.meta(0, addr(CLIENT));
        bench.come(meta, b"aabbccd", 2);
        assert_eq!(bench.sent, []);
        bench.pass(Nanos::from_millis(5));
        assert_eq!(bench.to(A).concat(), expected.as_bytes());
        assert!(bench.to(A).iter().all(|one| one.len() <= 2));
        let done = bench.finish();
        assert_eq!(done.up.counts.delayed, done.up.counts.forwarded);
        assert_eq!(done.up.delay.unwrap().late_ns.max, Some(1), "exactly when they were due");
    }
}

#[test]
fn phases_begin_with_the_first_datagram_for_both_directions() {
    let length = Some(Nanos::from_secs(1));
    let stages = [Loss::None, Loss::Blackout].map(|loss| {
        let impairments = Impairments { loss, ..Impairments::default() };
        Phase { length, impairments }
    });
    let both = Some(stages.to_vec());
    let mut bench = Bench::new(RelayPlan { up: both.clone(), down: both, ..plan(&[A]) });
    bench.pass(Nanos::from_millis(1_500));
    bench.request(CLIENT, b"clean");
    bench.pass(Nanos::from_millis(1_200));
    bench.request(CLIENT, b"lost");
    bench.answer(A, 0, b"lost, too");
    assert_eq!((bench.to(A), bench.to(CLIENT).len()), (vec![&b"clean"[..]], 0));
    let done = bench.finish();
    assert_eq!((done.up.counts.dropped.blackout, done.down.counts.dropped.blackout), (1, 1));
}

#[test]
fn what_is_held_back_leaves_once_it_was_overtaken_often_enough() {
    let reordering = Reordering { share: Chance::percent(20), hold: Nanos::from_secs(1), by: 3 };
    let up = Some(phases(Impairments { reordering, ..Impairments::default() }));
    let mut bench = Bench::new(RelayPlan { up, ..plan(&[A]) });
    for number in 0..100 {
        bench.request(CLIENT, &[number]);
        bench.pass(Nanos::from_millis(1));
    }
    let order: Vec<u8> = bench.to(A).iter().map(|one| one[0]).collect();
    let overtaken = |at: usize| order[..at].iter().filter(|one| **one > order[at]).count();
    let by: Vec<usize> = (0..order.len()).map(overtaken).filter(|by| *by > 0).collect();
    assert!(by.len() > 5 && by.iter().all(|by| *by == 3), "{by:?}");
    let up = bench.finish().up.counts;
    assert!(up.held_back >= by.len() as u64 && up.queued == up.received - order.len() as u64);
}

#[test]
fn the_same_seed_has_the_same_fates_and_the_directions_have_their_own() {
    let fates = |seed: u64| -> (Vec<u8>, Vec<u8>) {
        let loss = Loss::Independent(Chance::percent(50));
        let both = Some(phases(Impairments { loss, ..Impairments::default() }));
        let mut bench = Bench::new(RelayPlan { up: both.clone(), down: both, seed, ..plan(&[A]) });
        let mut left = 0;
        for number in 0..64 {
            bench.request(CLIENT, &[number]);
            if let Some(socket) = bench.sockets_of(A).first() {
                left += 1;
                let meta = bench.meta(*socket, addr(A));
                bench.come(meta, &[number], 0);
            }
        }
        assert!(left > 0);
        let first = |of: Vec<&[u8]>| of.iter().map(|one| one[0]).collect::<Vec<u8>>();
        (first(bench.to(A)), first(bench.to(CLIENT)))
    };
    assert_eq!(fates(1), fates(1));
    assert_ne!(fates(1), fates(2));
    let (up, down) = fates(1);
    assert_ne!(up, down);
}
