//! A stream's sender and receiver: every count equals the link's own log.

use super::paths::{self, held, jittery, lossy, twice};
use super::stream::{PAYLOAD, Stream, TAG};
use crate::impair::{Chance, Forwarding, Impairments};
use crate::netsim::{Clock, SendFaults};
use crate::units::Nanos;
use crate::wire::{END_LEN, Header, Kind};

fn bad_weather() -> Impairments {
    Impairments {
        loss: lossy(5),
        duplication: twice(3),
        delay: jittery(Nanos::from_millis(5), Nanos::from_micros(80)),
        reordering: held(50, Nanos::from_millis(4)),
        ..Impairments::default()
    }
}

#[test]
fn every_count_equals_the_links_own_book() {
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let path = Impairments {
            loss: lossy([0, 1, 10, 50][rng.usize(..4)]),
            duplication: twice([0, 2, 30][rng.usize(..3)]),
            delay: jittery(Nanos::from_millis(5), Nanos(rng.u64(0..400_000))),
            reordering: held([50, 300][rng.usize(..2)], Nanos(rng.u64(0..8_000_000))),
            ..Impairments::default()
        };
        let rate = [0, 5_000, 20_000, 1_000_000][rng.usize(..4)];
        let count = rng.u64(1..1_500);
        Stream { count, rate, path, ..Stream::default() }.check(seed);
    }
}

#[test]
fn a_lost_tail_is_lost_and_so_is_a_lost_head() {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (head, tail) = (rng.u64(0..50), rng.u64(1..200));
        let lose = vec![0..head, 1_000 - tail..1_000];
        let ran = Stream { lose, ..Stream::default() };
        let received = ran.check(seed).received;
        assert_eq!(received.lost, head + tail);
        assert_eq!(received.longest_burst, head.max(tail));
    }
}

#[test]
fn the_last_stretch_takes_the_time_of_what_was_lost_in_it() {
    for (from, length) in [(600, Nanos::from_millis(20)), (950, Nanos::from_millis(5))] {
        let lose = std::iter::once(from..1_000).collect();
        let interval = Nanos::from_millis(20);
        let ran = Stream { rate: 10_000, lose, interval, ..Stream::default() }.check(0);
        let last = ran.intervals.last().unwrap();
        assert_eq!(last.lost, 1_000 - from, "{:?}", ran.intervals);
        assert!(last.duration_ns.abs_diff(length.0) <= length.0 / 2, "{:?}", ran.intervals);
    }
}

#[test]
fn the_end_alone_tells_that_everything_was_lost() {
    let lose = std::iter::once(0..1_000).collect();
    let received = Stream { lose, ..Stream::default() }.check(0).received;
    assert_eq!((received.lost, received.loss_bursts, received.longest_burst), (1_000, 1, 1_000));
    assert_eq!(received.datagrams, 0);
}

#[test]
fn a_run_of_one_datagram_has_one_stretch() {
    let ran = Stream { count: 1, ..Stream::default() }.check(0);
    assert_eq!(ran.intervals.len(), 1);
}

#[test]
fn the_dialogue_tells_the_total_as_well_as_the_end_does() {
    for seed in 0..10 {
        // Five end messages follow a thousand datagrams.
        let ends = std::iter::once(1_000..1_005).collect();
        let stream = Stream { path: bad_weather(), ..Stream::default() };
        let told = Stream { lose: ends, told: true, ..stream.clone() };
        assert_eq!(told.check(seed).counts(), stream.check(seed).counts(), "seed {seed}");
    }
}

#[test]
fn a_receiver_that_never_hears_an_end_gives_up_and_counts_what_it_can() {
    let lose = vec![500..510, 990..2_000];
    let stream = Stream { lose, ..Stream::default() };
    let received = stream.check(0).received;
    assert_eq!((received.sender_total, received.lost), (None, 10));
}

#[test]
fn clocks_hours_apart_that_drift_and_jump_change_no_count() {
    for seed in 0..10 {
        let stream = Stream { path: bad_weather(), ..Stream::default() };
        let plain = stream.check(seed).counts();
        let apart = |hours: u64, drift_ppm, step| Clock {
            epoch: Nanos::from_secs(1_700_000_000 + hours * 3_600),
            drift_ppm,
            step,
            ..Clock::default()
        };
        let jump = |by| Some((Nanos::from_millis(25), by));
        for (sender_clock, receiver_clock) in [
            (apart(5, 0, None), apart(0, 0, None)),
            (apart(0, 100, None), apart(9, -100, None)),
            (apart(0, 0, jump(1_000_000_000)), apart(0, 0, None)),
            (apart(0, 0, None), apart(0, 0, jump(-1_000_000_000))),
        ] {
            let odd = Stream { sender_clock, receiver_clock, ..stream.clone() };
            assert_eq!(odd.check(seed).counts(), plain, "seed {seed}");
        }
    }
}

#[test]
fn drift_is_found_and_taken_out_of_the_delay() {
    for ppm in [100, -100] {
        let clock = Clock { drift_ppm: ppm, ..Clock::default() };
        let time = Nanos::from_secs(30);
        let stream = Stream { rate: 500, count: 0, time, sender_clock: clock, ..Stream::default() };
        let received = stream.check(3).received;
        // The sender's clock gains, so the receiver's loses.
        let found = received.drift_ppb.unwrap_or(0);
        assert!((found + ppm * 1_000).abs() < 500, "{found} for {ppm} ppm");
        // Undetected it would be 1.5 ms in the middle of the run.
        let spread = Stream { rate: 500, count: 0, time, ..Stream::default() }.check(3).received;
        let (drifting, steady) = (received.delay.p50.unwrap(), spread.delay.p50.unwrap());
        assert!(drifting.abs_diff(steady) < 60_000, "{drifting} and {steady}");
        assert_eq!(received.clock_steps, 0);
    }
}

#[test]
fn partial_batches_and_full_buffers_never_skip_or_reuse_a_number() {
    let mut blocked = 0;
    for seed in 0..30 {
        let rate = [0, 10_000, 2_000_000][seed as usize % 3];
        let send_faults = SendFaults { blocked: 0.3, refused: 0.0 };
        let ran = Stream { rate, send_faults, ..Stream::default() }.check(seed);
        assert_eq!((ran.socket.accepted, ran.received.lost), (1_000, 0), "seed {seed}");
        blocked += ran.socket.blocked;
    }
    assert!(blocked > 100);
}

#[test]
fn what_the_kernel_refused_is_never_sent_and_never_lost_on_the_path() {
    for seed in 0..30 {
        let rate = [0, 10_000, 2_000_000][seed as usize % 3];
        let send_faults = SendFaults { blocked: 0.1, refused: 0.2 };
        let ran = Stream { rate, send_faults, ..Stream::default() }.check(seed);
        assert!(ran.socket.refused > 0, "seed {seed}");
        assert_eq!(ran.received.lost, 0, "seed {seed}");
    }
}

#[test]
fn a_paced_run_keeps_its_rate_over_every_second() {
    for (seed, rate) in [(0, 3_000), (1, 7_919), (2, 25_000)] {
        let late = Nanos::from_micros(300);
        let time = Nanos::from_secs(2);
        let stream = Stream { rate, count: 0, time, late, ..Stream::default() };
        let ran = stream.check(seed);
        for second in 0..2u64 {
            let of = |(at, _): &&(Nanos, u32)| at.0 / 1_000_000_000 == second;
            let left = ran.departures.iter().filter(of).count() as u64;
            let slack = rate / 1_000 + rate * late.0 / 1_000_000_000;
            assert!(left.abs_diff(rate) <= slack + 1, "{left} of {rate} in second {second}");
        }
    }
}

#[test]
fn a_run_on_time_offers_what_its_rate_and_time_say_and_sends_all_of_it() {
    for rate in [1, 10, 999, 25_001, 29_999] {
        let stream = Stream { rate, count: 0, time: Nanos::from_secs(1), ..Stream::default() };
        let sent = stream.check(0).sent.sent;
        assert_eq!((sent.offered, sent.datagrams, sent.unsent), (rate, rate, 0), "{rate} pps");
    }
}

#[test]
fn strays_change_nothing_but_their_own_count() {
    for seed in 0..10 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let stream = Stream { path: bad_weather(), ..Stream::default() };
        let strays: Vec<_> = (0..100)
            .map(|index| {
                let len = [0, 1, 15, 16, END_LEN, PAYLOAD, 200][rng.usize(..7)];
                let mut bytes: Vec<u8> = (0..len).map(|_| rng.u8(..)).collect();
                if index % 2 == 0 && len >= Header::LEN {
                    let kind = if len == END_LEN { Kind::End } else { Kind::Data };
                    let header =
                        Header { kind, tag: TAG ^ 1, sequence: rng.u32(..), sent: Nanos(7) };
                    header.encode(&mut bytes);
                }
                (Nanos(rng.u64(0..50_000_000)), bytes)
            })
            .collect();
        let ran = Stream { strays, ..stream.clone() }.check(seed);
        assert_eq!(ran.counts(), (stream.check(seed).account, 100), "seed {seed}");
    }
}

#[test]
fn coalesced_buffers_give_the_counts_of_single_ones() {
    for seed in 0..20 {
        let moderation = Nanos::from_micros(500);
        let single = Stream { path: bad_weather(), moderation, ..Stream::default() };
        let coalesced = Stream { coalesces: true, ..single.clone() };
        let (one, many) = (single.check(seed), coalesced.check(seed));
        assert_eq!(one.counts(), many.counts(), "seed {seed}");
        assert_eq!(one.received.jitter_ns.is_some(), many.received.jitter_ns.is_some());
    }
}

#[test]
fn what_a_relay_cuts_and_rewrites_is_neither_lost_nor_received() {
    let mut changed = 0;
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        // End messages fit its buffer.
        let forwarding = Forwarding {
            buffer: 28 + rng.u32(24..PAYLOAD as u32),
            cut: Chance::percent([0, 2, 50, 100][rng.usize(..4)]),
            rewritten: Chance::percent([0, 3, 60, 100][rng.usize(..4)]),
        };
        let path = Impairments { forwarding, ..bad_weather() };
        let stream = Stream { path, coalesces: rng.bool(), ..Stream::default() };
        let ran = stream.check(seed);
        changed += ran.received.changed.datagrams();
        let is_sampled = Stream { verify: false, ..stream }.check(seed);
        // Among the first datagrams, which are all compared, is one that was altered.
        assert_eq!(ran.account, is_sampled.account, "seed {seed}");
    }
    assert!(changed > 10_000, "{changed}");
}

#[test]
fn what_comes_from_below_the_window_is_too_late() {
    let reordering = held(1, Nanos::from_millis(200));
    let path = Impairments { reordering, ..paths::clean() };
    let stream = Stream { count: 120_000, rate: 400_000, path, ..Stream::default() };
    let ran = Stream { interval: Nanos::from_millis(100), ..stream }.check(3);
    assert!(ran.account.too_late > 0);
}
