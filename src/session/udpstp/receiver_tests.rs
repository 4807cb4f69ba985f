//! Tests of what a receiver counts.

use super::load_receiver::{Arrival, LoadReceiver, millis};
use crate::units::Nanos;
use crate::wire::udpstp::{Checksums, LoadHeader};

const START: Nanos = Nanos::from_secs(1_700_000_000);
const NEVER: Nanos = Nanos(u64::MAX >> 1);

fn ms(millis: u64) -> Nanos {
    Nanos::from_millis(millis)
}

/// A datagram that left so many milliseconds after the start, and how long it took.
fn arrive(receiver: &mut LoadReceiver, sequence: u32, (sent, took): (u64, u64)) {
    let header =
        LoadHeader { sequence, payload: 1_222, sent: START + ms(sent), ..LoadHeader::default() };
    receiver.observe(&header, Arrival { at: START + ms(sent + took), is_marked: false });
}

#[test]
fn gaps_are_losses_until_the_late_ones_come() {
    let mut receiver = LoadReceiver::new(Nanos::ZERO);
    for number in [1, 2, 6, 4, 4, 7, 7] {
        arrive(&mut receiver, number, (10, 1));
    }
    let status = receiver.feedback(ms(50));
    assert_eq!((status.lost, status.reordered, status.duplicates), (2, 1, 2));
    assert_eq!((status.trial_datagrams, status.trial_bytes, status.trial_us), (7, 8_554, 50_000));
    // Only those in order have a delay, and not the first.
    assert_eq!(status.delay_count, 3);
}

#[test]
fn a_late_one_of_an_earlier_trial_takes_no_loss_back() {
    let mut receiver = LoadReceiver::new(Nanos::ZERO);
    arrive(&mut receiver, 1, (0, 1));
    arrive(&mut receiver, 3, (0, 1));
    assert_eq!(receiver.begin_trial(ms(50), NEVER), None);
    arrive(&mut receiver, 2, (0, 1));
    let status = receiver.feedback(ms(100));
    assert_eq!((status.lost, status.reordered, status.sequence), (0, 1, 2));
}

#[test]
fn the_first_number_counts_from_one() {
    let mut receiver = LoadReceiver::new(Nanos::ZERO);
    arrive(&mut receiver, 4, (0, 1));
    assert_eq!(receiver.feedback(ms(50)).lost, 3);
}

#[test]
fn delay_variation_is_above_the_least_so_far_whatever_the_clocks() {
    let mut receiver = LoadReceiver::new(Nanos::ZERO);
    for (number, took) in [(1, 20), (2, 25), (3, 10), (4, 18)] {
        arrive(&mut receiver, number, (u64::from(number), took));
    }
    let status = receiver.feedback(ms(50));
    assert_eq!((status.delay_min_ms, status.delay_max_ms), (Some(0), 8));
    assert_eq!((status.delay_sum_ms, status.delay_count, status.clock_delta_min_ms), (13, 3, 10));
    assert!(status.minimum_updated);
    receiver.begin_trial(ms(50), NEVER);
    let status = receiver.feedback(ms(100));
    assert_eq!((status.delay_min_ms, status.clock_delta_min_ms), (None, 10));
    // A clock that is behind the sender's.
    let mut receiver = LoadReceiver::new(Nanos::ZERO);
    let header = LoadHeader { sequence: 1, sent: START + ms(500), ..LoadHeader::default() };
    receiver.observe(&header, Arrival { at: START, is_marked: false });
    assert_eq!(receiver.feedback(ms(50)).clock_delta_min_ms, -500);
}

#[test]
fn a_round_trip_is_taken_once_for_each_echo_without_the_time_at_the_peer() {
    let mut receiver = LoadReceiver::new(Nanos::ZERO);
    let mut echo = |sequence, status_time: u64, at: u64, response_delay_ms| {
        let header = LoadHeader {
            sequence,
            status_time: START + ms(status_time),
            sent: START,
            response_delay_ms,
            ..LoadHeader::default()
        };
        receiver.observe(&header, Arrival { at: START + ms(at), is_marked: false });
        let status = receiver.feedback(ms(at));
        (status.rtt_min_ms, status.rtt_variation_ms)
    };
    assert_eq!(echo(1, 0, 30, 10), (Some(20), Some(0)));
    assert_eq!(echo(2, 0, 90, 10), (Some(20), Some(0)), "the same echo");
    assert_eq!(echo(3, 50, 100, 5), (Some(20), Some(25)));
    // The peer's milliseconds may round to one more than there were.
    assert_eq!(echo(4, 100, 110, 11), (Some(0), Some(0)));
}

#[test]
fn sub_intervals_begin_with_the_first_feedback_and_end_with_one() {
    let mut receiver = LoadReceiver::new(Nanos::ZERO);
    let least = ms(975);
    let mut cut = Vec::new();
    for number in 1..=41_u32 {
        let now = u64::from(number) * 50;
        arrive(&mut receiver, number, (now, 5));
        cut.extend(receiver.begin_trial(ms(now), least));
    }
    let figures = |(number, stats): &(u32, crate::wire::udpstp::SubIntervalStats)| {
        (*number, stats.datagrams, stats.length_us, stats.end_ms)
    };
    let told: Vec<_> = cut.iter().map(figures).collect();
    assert_eq!(told, [(1, 20, 1_000_000, 1_000), (2, 20, 1_000_000, 2_000)]);
    assert_eq!(receiver.feedback(ms(2_100)).sub_interval_number, 2);
}

#[test]
fn milliseconds_are_rounded_below_zero_too() {
    for (nanos, expected) in [
        (499_999, 0),
        (500_000, 1),
        (-500_000, 0),
        (-500_001, -1),
        (i64::MAX, i32::MAX),
        (i64::MIN, i32::MIN),
    ] {
        assert_eq!(millis(nanos), expected, "{nanos}");
    }
}

#[test]
fn numbers_of_any_size_do_not_overflow() {
    let mut receiver = LoadReceiver::new(Nanos::ZERO);
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..10_000 {
        let word = |rng: &mut fastrand::Rng| match rng.u8(..4) {
            0 => 0,
            1 => u64::MAX,
            2 => u64::from(u32::MAX),
            _ => rng.u64(..),
        };
        let header = LoadHeader {
            sequence: word(&mut rng) as u32,
            payload: word(&mut rng) as u16,
            status_time: Nanos(word(&mut rng)),
            sent: Nanos(word(&mut rng)),
            response_delay_ms: word(&mut rng) as u16,
            ..LoadHeader::default()
        };
        let at = Nanos(word(&mut rng));
        receiver.observe(&header, Arrival { at, is_marked: rng.bool() });
        if rng.u8(..) < 10 {
            let now = Nanos(word(&mut rng));
            receiver.feedback(now).encode(20, Checksums::Unused);
            receiver.begin_trial(now, ms(975));
        }
    }
}
