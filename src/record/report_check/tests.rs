//! Consistent counts are accepted whatever the path does; each violated identity is reported.

use super::*;
use crate::batch::{HostCounter, HostCounters};
use crate::record::{BURST_CLASSES, ChangedContent};

const RUN: KnownRun = KnownRun {
    payload: 100,
    least_payload: 100,
    streams: 2,
    count: 0,
    length: Nanos::from_secs(2),
    sent: Some(1_000),
};

fn honest() -> BlastReceived {
    BlastReceived {
        datagrams: 980,
        bytes: 98_000,
        firsts: 950,
        duplicates: 29,
        too_late: 1,
        reordered: 40,
        reorder_extent_max: 9,
        reorder_extent_sum: 360,
        lost: 50,
        loss_bursts: 3,
        longest_burst: 48,
        burst_lengths: std::array::from_fn(|class| u64::from(class < 3)),
        span_ns: 2_000_000_000,
        at_start: Some(2),
        sender_total: Some(1_000),
        ..BlastReceived::default()
    }
}

fn believe(told: &BlastReceived) -> Result<BlastReceived, Contradiction> {
    Untrusted::new(*told).believe(&RUN, None)
}

#[test]
fn an_honest_account_passes_and_so_does_an_empty_one() {
    assert_eq!(believe(&honest()), Ok(honest()));
    assert_eq!(believe(&BlastReceived::default()), Ok(BlastReceived::default()));
    // Every datagram arrived twenty times, on a path that duplicates, and none is missing.
    let copied = BlastReceived {
        datagrams: 20_000,
        bytes: 2_000_000,
        firsts: 1_000,
        duplicates: 19_000,
        too_late: 0,
        lost: 0,
        ..honest()
    };
    assert_eq!(believe(&copied), Ok(copied));
    // The final report is missing, and the end of the stream was lost.
    let open = BlastReceived { lost: 10, sender_total: None, ..honest() };
    assert!(Untrusted::new(open).believe(&RUN, Some(&honest())).is_ok());
}

#[test]
fn a_clock_that_was_set_costs_the_jitter_and_nothing_else() {
    let set = BlastReceived { jitter_ns: Some(5_400_000_000_000), ..honest() };
    let told = believe(&set).expect("a clock that is set is no lie");
    assert_eq!((told.jitter_ns, told.clock_steps, told.firsts), (None, 1, 950));
}

#[test]
fn the_lie_of_a_million_thousand_million_is_named() {
    let run = KnownRun { sent: Some(17), ..RUN };
    let (firsts, bytes) = (1_000_000_000_000_000, 100_000_000_000_000_000);
    let lie = BlastReceived { datagrams: firsts, firsts, bytes, ..BlastReceived::default() };
    let why = Untrusted::new(lie).believe(&run, None).expect_err("it cannot be");
    assert_eq!(why, Contradiction::MoreArrived { arrived: firsts, sent: 17 });
    // Until the number sent is known, the elapsed time limits it.
    let early = KnownRun { sent: None, ..run };
    let why = Untrusted::new(lie).believe(&early, None).expect_err("it cannot be");
    assert!(matches!(why, Contradiction::TooMany { counted: Counted::Arrived, .. }), "{why}");
}

/// One identity broken at a time.
#[test]
fn every_identity_is_held() {
    let broken: [(&str, BlastReceived); 15] = [
        ("more_arrived", BlastReceived { firsts: 1_001, ..honest() }),
        ("sum_differs", BlastReceived { lost: 51, ..honest() }),
        ("sum_differs", BlastReceived { lost: 49, ..honest() }),
        ("sum_differs", BlastReceived { lost: 51, sender_total: None, ..honest() }),
        ("other_total", BlastReceived { sender_total: Some(1_001), ..honest() }),
        ("parts_differ", BlastReceived { duplicates: 30, ..honest() }),
        ("bytes_differ", BlastReceived { bytes: 98_001, ..honest() }),
        ("beyond_whole", BlastReceived { reordered: 981, ..honest() }),
        ("beyond_whole", BlastReceived { reorder_extent_sum: 361, ..honest() }),
        ("beyond_whole", BlastReceived { longest_burst: 1_001, ..honest() }),
        ("beyond_whole", BlastReceived { at_start: Some(981), ..honest() }),
        ("beyond_whole", BlastReceived { burst_lengths: [9; BURST_CLASSES], ..honest() }),
        ("too_many", BlastReceived { strays: 1 << 40, ..honest() }),
        ("too_long", BlastReceived { span_ns: 1 << 50, ..honest() }),
        ("drift", BlastReceived { drift_ppb: Some(i64::MIN), ..honest() }),
    ];
    for (kind, told) in broken {
        let why = believe(&told).expect_err(kind);
        assert_eq!(serde_json::to_value(why).expect("JSON")["code"], kind, "{why}");
    }
    let shrunk = BlastReceived { firsts: 949, duplicates: 30, lost: 51, ..honest() };
    let why = Untrusted::new(shrunk).believe(&RUN, Some(&honest())).expect_err("it grew");
    let counted = Counted::Firsts;
    assert_eq!(why, Contradiction::Shrank { counted, before: 950, after: 949 });
}

#[test]
fn a_far_sender_is_held_against_what_was_asked_and_what_came() {
    let sent = BlastSent {
        offered: 1_000,
        datagrams: 1_000,
        bytes: 100_000,
        span_ns: 2_000_000_000,
        ..BlastSent::default()
    };
    let believe = |sent: &BlastSent, run: &KnownRun| UncheckedSent::new(sent.clone()).believe(run);
    assert_eq!(believe(&sent, &RUN), Ok(sent.clone()));
    let asked = KnownRun { count: 999, ..RUN };
    let why = believe(&sent, &asked).expect_err("more than asked");
    assert_eq!(why, Contradiction::BeyondAsked { sent: 1_000, count: 999 });
    assert_eq!(hold_sent_against_received(&sent, &honest()), Ok(()));
    let few = BlastSent { datagrams: 949, ..sent.clone() };
    let why = hold_sent_against_received(&few, &honest());
    assert_eq!(why, Err(Contradiction::FewerSent { arrived: 950, sent: 949 }));
    let other = BlastSent { datagrams: 1_001, ..sent };
    let why = hold_sent_against_received(&other, &honest());
    assert_eq!(why, Err(Contradiction::TwoTotals { told: 1_000, sent: 1_001 }));
}

#[test]
fn intervals_are_parts_of_the_run() {
    let stretch = |datagrams: u64, lost| BlastInterval {
        datagrams,
        bytes: datagrams * 100,
        lost,
        duration_ns: 1_000_000_000,
        ..BlastInterval::default()
    };
    let mut sums = IntervalSums::default();
    for one in [stretch(500, 900), stretch(480, 0)] {
        sums.add(&Untrusted::new(one).believe(&RUN).expect("an honest interval"));
    }
    // Many of an interval's losses arrived late.
    assert_eq!(sums.hold_against(&honest(), Some(1_000)), Ok(()));
    assert!(sums.hold_against(&honest(), Some(899)).is_err());
    sums.add(&stretch(1, 0));
    assert!(sums.hold_against(&honest(), Some(1_000)).is_err());
    sums.add(&stretch(u64::MAX / 100, u64::MAX));
    assert!(sums.hold_against(&honest(), None).is_err());
    for lie in [
        BlastInterval { bytes: 1, ..stretch(500, 0) },
        BlastInterval { duplicates: 501, ..stretch(500, 0) },
        BlastInterval { socket_drops: 4, damaged: 5, ..stretch(500, 0) },
        BlastInterval { start_ns: u64::MAX, ..stretch(500, 0) },
        BlastInterval { delay_max_ns: Some(u64::MAX), ..stretch(500, 0) },
        stretch(500, u64::MAX),
    ] {
        assert!(Untrusted::new(lie).believe(&RUN).is_err(), "{lie:?}");
    }
}

/// Accepted values are bounded so that no computation with them can overflow.
#[test]
fn extreme_numbers_pass_nowhere() {
    let edges = [0, 1, 1 << 31, u64::from(u32::MAX), 1 << 48, 1 << 63, u64::MAX];
    for seed in 0..20_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut edge = || if rng.bool() { 0 } else { edges[rng.usize(..edges.len())] };
        let mut gaps = LossGaps::default();
        for _ in 0..3 {
            let (start_ns, length_ns, lost) = (edge(), edge(), edge());
            gaps.add(LossGap { start_ns, length_ns, lost, is_open: false });
        }
        let told = BlastReceived {
            gaps,
            datagrams: edge(),
            bytes: edge(),
            firsts: edge(),
            duplicates: edge(),
            reordered: edge(),
            reorder_extent_max: edge(),
            reorder_extent_sum: edge(),
            too_late: edge(),
            lost: edge(),
            socket_drops: edge(),
            drop_events: edge(),
            loss_bursts: edge(),
            longest_burst: edge(),
            burst_lengths: std::array::from_fn(|_| edge()),
            changed: ChangedContent { cut: edge(), cut_to_bytes: edge(), altered: edge() },
            corrupt: edge(),
            strays: edge(),
            span_ns: edge(),
            at_start: Some(edge()),
            silence_ns: edge(),
            reader_pause_ns: Some(edge()),
            jitter_ns: Some(edge()),
            delay: DelayQuantiles { max: Some(edge()), ..DelayQuantiles::default() },
            drift_ppb: Some(edge().cast_signed()),
            clock_steps: edge(),
            cpu_ns: Some(edge()),
            sender_total: Some(edge()),
            min_transit_ns: Some(edge().cast_signed()),
            ecn: None,
        };
        let known = KnownRun { sent: rng.bool().then_some(0), ..RUN };
        if let Ok(told) = Untrusted::new(told).believe(&known, None) {
            assert!(told.datagrams <= MOST && told.lost <= MOST, "seed {seed}: {told:?}");
            assert!(told.jitter_ns.is_none_or(|jitter| jitter <= known.longest()));
        }
    }
}

#[test]
fn a_hosts_counters_are_believed_up_to_what_a_link_carries() {
    let known = KnownRun {
        payload: 100,
        least_payload: 100,
        streams: 1,
        count: 0,
        length: Nanos::from_secs(10),
        sent: None,
    };
    let believe = |value| {
        let counted = HostCounters::default().with(HostCounter::RxMissed, value);
        UncheckedHost::new(HostChange { interface: None, counted }).believe(&known)
    };
    assert!(believe(0).is_ok() && believe(1_000_000_000).is_ok());
    for value in [1 << 47, u64::MAX] {
        let why = believe(value).unwrap_err();
        let named = matches!(why, Contradiction::TooMany { counted: Counted::HostCounter, .. });
        assert!(named, "{why:?}");
    }
}
