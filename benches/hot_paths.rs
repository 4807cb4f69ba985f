//! The cost of the pure hot paths, in nanoseconds per datagram.
//!
//! `cargo bench --bench hot_paths` measures; `-- --quick` only checks that everything runs. Each
//! figure is the median of its rounds, with the fastest and slowest beside it: a wide spread means
//! that the machine was busy, not that the code is slow.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its figures")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Instant;
use udpkit::batch::{RxEntry, SendOutcome, TxBatch};
use udpkit::machine::{Now, Session};
use udpkit::pace::Pacer;
use udpkit::session::blast::{
    BlastReceiver, BlastSender, Direction, ReceiverPlan, SenderPlan, TestPlan,
};
use udpkit::stats::{DelayAboveMin, DelayHistogram, Jitter, SequenceTracker, WINDOW};
use udpkit::units::{Nanos, Rate};
use udpkit::wire::{Header, Kind, pattern};

const TAG: u16 = 7;

/// Work per round, and number of rounds.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    datagrams: u32,
}

impl Effort {
    const FULL: Self = Self { rounds: 15, datagrams: 2_000_000 };
    const QUICK: Self = Self { rounds: 3, datagrams: 20_000 };

    /// `cargo bench` adds `--bench`; `cargo test --benches` does not, and should finish quickly.
    fn from_args() -> Self {
        let has = |flag: &str| std::env::args().any(|arg| arg == flag);
        if has("--bench") && !has("--quick") { Self::FULL } else { Self::QUICK }
    }
}

fn main() {
    let effort = Effort::from_args();
    println!("ns a datagram                        median   fastest   slowest");
    headers(effort);
    trackers(effort);
    delays(effort);
    pacers(effort);
    for (payload, datagrams) in [(1472, 44), (64, 128)] {
        sender(effort, payload, datagrams);
        receiver(effort, payload, datagrams);
    }
}

fn headers(effort: Effort) {
    let header = Header { kind: Kind::Data, tag: TAG, sequence: 0, sent: Nanos(1) };
    measure(
        "header, encode",
        effort,
        || [0u8; 16],
        |bytes| {
            for sequence in 0..effort.datagrams {
                Header { sequence, ..header }.encode(black_box(bytes));
            }
        },
    );
    measure(
        "header, decode",
        effort,
        || [0u8; 16],
        |bytes| {
            header.encode(bytes);
            for _ in 0..effort.datagrams {
                let _ = black_box(Header::decode(black_box(bytes)));
            }
        },
    );
    measure(
        "pattern, check 1456 bytes",
        effort,
        || vec![0u8; 1456],
        |bytes| {
            pattern::fill(Header::LEN, bytes);
            for _ in 0..effort.datagrams {
                black_box(pattern::matches(Header::LEN, black_box(bytes)));
            }
        },
    );
}

fn trackers(effort: Effort) {
    let count = effort.datagrams;
    measure("tracker, one by one", effort, SequenceTracker::new, |tracker| {
        for sequence in 0..count {
            black_box(tracker.observe(black_box(sequence)));
        }
    });
    for run in [44, 128] {
        measure(&format!("tracker, runs of {run}"), effort, SequenceTracker::new, |tracker| {
            for index in 0..count / run {
                tracker.observe_run(black_box(index * run), run);
            }
        });
    }
    let mut rng = fastrand::Rng::with_seed(1);
    let mut shuffled: Vec<u32> = (0..count).filter(|sequence| sequence % 10 != 0).collect();
    shuffled.chunks_mut(1_000).for_each(|chunk| rng.shuffle(chunk));
    measure("tracker, shuffled, 10 % lost", effort, SequenceTracker::new, |tracker| {
        for sequence in &shuffled {
            black_box(tracker.observe(black_box(*sequence)));
        }
        tracker.finish(Some(u64::from(count)));
    });
}

fn delays(effort: Effort) {
    let mut rng = fastrand::Rng::with_seed(2);
    let spans: Vec<u64> = (0..effort.datagrams)
        .map(|_| if rng.u8(..) == 0 { rng.u64(..30_000_000) } else { rng.u64(50_000..150_000) })
        .collect();
    measure("histogram, one by one", effort, DelayHistogram::new, |histogram| {
        for span in &spans {
            histogram.record(black_box(Nanos(*span)));
        }
    });
    measure("histogram, runs of 44", effort, DelayHistogram::new, |histogram| {
        for span in spans.iter().step_by(44) {
            histogram.record_n(black_box(Nanos(*span)), 44);
        }
    });
    measure("delay above minimum", effort, DelayAboveMin::new, |delays| {
        for span in &spans {
            delays.observe(black_box(*span as i64), 1);
        }
    });
    measure("jitter", effort, Jitter::new, |jitter| {
        for span in &spans {
            jitter.observe(black_box(*span as i64));
        }
        black_box(jitter.nanos());
    });
}

fn pacers(effort: Effort) {
    for burst in [1u32, 44] {
        let fresh = || {
            Pacer::new(Nanos::ZERO, 849_185, Nanos::from_secs(1), Some(burst))
                .with_bounded_catch_up()
        };
        measure(&format!("pacer, bursts of {burst}"), effort, fresh, |pacer| {
            for _ in 0..effort.datagrams / burst {
                let now = black_box(pacer.next_at());
                let due = pacer.due(now);
                pacer.commit(now, due);
            }
        });
    }
}

fn plan(payload: usize) -> TestPlan {
    TestPlan {
        direction: Direction::Up,
        streams: 1,
        payload: payload as u32,
        rate: Rate::Max,
        time: Nanos::MAX,
        count: 0,
        window: WINDOW,
        verify: false,
        interval: Nanos::from_secs(1),
        burst: None,
        marking: udpkit::session::blast::Marking::default(),
        capacity: None,
        outage: None,
        sizes: None,
    }
}

fn now(index: u64) -> Now {
    Now { mono: Nanos(1 + index * 10_000), real: Nanos((1 << 60) + index * 10_000) }
}

fn sender(effort: Effort, payload: usize, datagrams: u32) {
    let fresh = || {
        let plan = SenderPlan::new(plan(payload), 0, TAG);
        let batch = TxBatch::new(datagrams as usize, datagrams as usize * payload);
        (BlastSender::new(plan, None, ()), batch)
    };
    let name = format!("sender, {datagrams} of {payload} bytes");
    measure(&name, effort, fresh, |(session, batch)| {
        for index in 0..u64::from(effort.datagrams / datagrams) {
            let at = now(index);
            session.poll_transmit(at, batch);
            let outcome = SendOutcome { accepted: black_box(batch.len()), stop: None };
            session.on_sent(at, batch, &outcome);
            batch.clear();
        }
    });
}

fn receiver(effort: Effort, payload: usize, datagrams: u32) {
    let fresh = || {
        let plan = ReceiverPlan {
            outage: udpkit::stats::OutageLength::default(),
            sizes: None,
            format: udpkit::session::blast::DataFormat::Udpkit,
            omit: Nanos::ZERO,
            tag: TAG,
            payload,
            window: WINDOW,
            verify: false,
            interval: Nanos::from_secs(1),
            per_drop: ReceiverPlan::COALESCED,
            patience: Nanos::MAX,
            time: Nanos::ZERO,
            go_ahead: Vec::new(),
            keepalive: Nanos::ZERO,
            capacity: None,
            keeps_course: false,
        };
        let len = datagrams as usize * payload;
        let mut buffer = vec![0; len];
        pattern::fill(0, &mut buffer);
        let mut entry = RxEntry { len, true_len: len, stride: payload, ..RxEntry::default() };
        entry.meta.kernel_stamp = true;
        let session = BlastReceiver::new(plan, None, VecDeque::new(), ());
        (session, buffer, entry)
    };
    let name = format!("receiver, {datagrams} of {payload} bytes");
    measure(&name, effort, fresh, |(session, buffer, entry)| {
        for index in 0..effort.datagrams / datagrams {
            let at = now(u64::from(index));
            for (number, part) in (index * datagrams..).zip(buffer.chunks_exact_mut(payload)) {
                let sent = at.real;
                Header { kind: Kind::Data, tag: TAG, sequence: number, sent }.encode(part);
            }
            entry.meta.arrival = at.real + Nanos(5_000);
            session.on_buffer(at, entry, black_box(buffer));
        }
    });
}

/// Times `work` on a fresh subject several times, after one warm-up round.
fn measure<T>(name: &str, effort: Effort, fresh: impl Fn() -> T, work: impl Fn(&mut T)) {
    let mut rounds: Vec<f64> = (0..=effort.rounds)
        .map(|_| {
            let mut subject = fresh();
            let start = Instant::now();
            work(&mut subject);
            let spent = start.elapsed();
            black_box(&subject);
            spent.as_nanos() as f64 / f64::from(effort.datagrams)
        })
        .skip(1)
        .collect();
    rounds.sort_by(f64::total_cmp);
    let (median, slowest) = (rounds[rounds.len() / 2], rounds[rounds.len() - 1]);
    println!("{name:<34} {median:>8.2}  {:>8.2}  {slowest:>8.2}", rounds[0]);
}
