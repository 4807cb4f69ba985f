//! The bare system calls and nothing else: how fast this machine moves datagrams from one socket to
//! another, compared with what `udpkit blast` carries right after.
//!
//! There are two loops, since either may be faster: `apart`, a sender and a receiver on a processor
//! each, and `paired`, on each processor one thread that sends a few buffers and then receives
//! them.
//! `cargo bench --bench bare_loop` alternates them with blast and prints medians, and blast's ratio
//! to the faster loop of the same round; `-- --quick` only checks that it runs; `--mmsg` disables
//! the offloads; `--size BYTES` (may be repeated), `--rounds N` and `--seconds N` set the workload.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its figures")]

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use udpkit::batch::{DestId, RxBatch, TxBatch};
use udpkit::net::{IoMode, Socket, SocketPlan};

/// Buffers that a pair's sender is ahead of its receiver.
const TURNS: usize = 16;

/// What to measure.
struct Work {
    sizes: Vec<usize>,
    rounds: usize,
    seconds: f64,
    io: IoMode,
}

impl Work {
    fn from_args() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let has = |flag: &str| args.iter().any(|arg| arg == flag);
        let values = |flag: &str| -> Vec<f64> {
            let pairs = args.windows(2).filter(|pair| pair[0] == flag);
            pairs.filter_map(|pair| pair[1].parse().ok()).collect()
        };
        let quick = has("--quick") || !has("--bench");
        let mut sizes: Vec<usize> =
            values("--size").into_iter().map(|size| size as usize).collect();
        if sizes.is_empty() {
            sizes = if quick { vec![1472] } else { vec![64, 512, 1472, 8972] };
        }
        Self {
            sizes,
            rounds: values("--rounds").first().map_or(if quick { 1 } else { 5 }, |n| *n as usize),
            seconds: values("--seconds").first().copied().unwrap_or(if quick { 0.2 } else { 2.0 }),
            io: if has("--mmsg") { IoMode::Mmsg } else { IoMode::Auto },
        }
    }
}

/// One run's result.
#[derive(Clone, Copy)]
struct Carried {
    gigabits: f64,
    megapackets: f64,
    lost_percent: f64,
}

fn main() {
    let work = Work::from_args();
    println!("  size  loop          Gbit/s      Mpps   lost %");
    for &size in &work.sizes {
        let mut runs: [Vec<Carried>; 3] = Default::default();
        for _ in 0..work.rounds.max(1) {
            runs[0].push(apart(size, work.seconds, work.io));
            runs[1].push(paired(size, work.seconds, work.io));
            runs[2].push(blast(size, work.seconds, work.io));
        }
        for (name, runs) in ["bare, apart", "bare, paired", "blast"].iter().zip(&runs) {
            let of = |field: fn(&Carried) -> f64| median(runs.iter().map(field).collect());
            let (gigabits, megapackets) = (of(|run| run.gigabits), of(|run| run.megapackets));
            let lost = of(|run| run.lost_percent);
            println!("{size:6}  {name:12} {gigabits:8.3} {megapackets:9.3} {lost:8.2}");
        }
        let [apart, paired, blast] = &runs;
        let best = apart.iter().zip(paired).map(|(a, b)| a.gigabits.max(b.gigabits));
        let ratio = median(blast.iter().zip(best).map(|(run, best)| run.gigabits / best).collect());
        println!("        blast is {ratio:.3} times the faster bare loop");
    }
}

/// A connected sender, its receiver, and a batch of one buffer's bytes.
fn pair(size: usize, io: IoMode) -> (Socket, Socket, TxBatch) {
    let local: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let plan = SocketPlan { gro: true, io, buffer: 32 << 20, ..SocketPlan::new(local) };
    let receiver = plan.open().expect("a socket");
    let connect = Some(receiver.local_addr());
    let plan = SocketPlan { connect, io, ..SocketPlan::new(local) };
    let sender = plan.open().expect("a socket");
    let datagrams = (65_536 / size).clamp(1, 1_024);
    let mut batch = TxBatch::new(datagrams, datagrams * size);
    while batch.push(DestId::CONNECTED, size).is_some() {}
    (sender, receiver, batch)
}

/// Receives with one call and returns the number of bytes.
fn take(receiver: &mut Socket, buffers: &mut RxBatch) -> Option<u64> {
    match receiver.receive(buffers).expect("a receive") {
        0 => None,
        _ => Some(buffers.entries().map(|(entry, _)| entry.len as u64).sum()),
    }
}

fn carried(size: usize, bytes: u64, sent: u64, span: f64) -> Carried {
    let arrived = bytes as f64 / size as f64;
    Carried {
        gigabits: bytes as f64 * 8.0 / span / 1e9,
        megapackets: arrived / span / 1e6,
        lost_percent: (1.0 - arrived / sent as f64).max(0.0) * 100.0,
    }
}

/// Sends in one thread and receives in another for `seconds`, counting only bytes.
fn apart(size: usize, seconds: f64, io: IoMode) -> Carried {
    let (mut sender, mut receiver, batch) = pair(size, io);
    let (stop, received) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (ended, count) = (Arc::clone(&stop), Arc::clone(&received));
    let receiving = thread::spawn(move || {
        let mut buffers = receiver.rx_batch(size.max(2048));
        while !ended.load(Ordering::Relaxed) {
            if let Some(bytes) = take(&mut receiver, &mut buffers) {
                count.fetch_add(bytes, Ordering::Relaxed);
            }
        }
    });
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < Duration::from_secs_f64(seconds) {
        sent += sender.send(&batch, 0..batch.len()).accepted as u64;
    }
    let span = start.elapsed().as_secs_f64();
    let bytes = received.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    receiving.join().expect("the receiver");
    carried(size, bytes, sent, span)
}

/// On each processor one thread sends some buffers and then receives them, for `seconds`.
fn paired(size: usize, seconds: f64, io: IoMode) -> Carried {
    let threads: Vec<_> = udpkit::sys::allowed_processors()
        .into_iter()
        .map(|cpu| {
            thread::spawn(move || {
                let _ = udpkit::sys::pin_thread(cpu);
                let (mut sender, mut receiver, batch) = pair(size, io);
                let mut buffers = receiver.rx_batch(size.max(2048));
                let (start, mut sent, mut bytes) = (Instant::now(), 0, 0);
                while start.elapsed() < Duration::from_secs_f64(seconds) {
                    for _ in 0..TURNS {
                        sent += sender.send(&batch, 0..batch.len()).accepted as u64;
                    }
                    while let Some(more) = take(&mut receiver, &mut buffers) {
                        bytes += more;
                    }
                }
                (bytes, sent, start.elapsed().as_secs_f64())
            })
        })
        .collect();
    let (mut bytes, mut sent, mut span) = (0, 0, 0.0_f64);
    for thread in threads {
        let (its_bytes, its_sent, its_span) = thread.join().expect("a pair");
        bytes += its_bytes;
        sent += its_sent;
        span = span.max(its_span);
    }
    carried(size, bytes, sent, span)
}

/// The same with the binary, as a user runs it.
fn blast(size: usize, seconds: f64, io: IoMode) -> Carried {
    let mut command = Command::new(env!("CARGO_BIN_EXE_udpkit"));
    command.args([
        "blast",
        "--json",
        "--size",
        &size.to_string(),
        "--time",
        &format!("{seconds}s"),
    ]);
    if io == IoMode::Mmsg {
        command.args(["--io", "mmsg", "--no-gro"]);
    }
    let output = command.output().expect("the binary");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
    let sent = number(&report["sent"]["datagrams"]);
    Carried {
        gigabits: number(&report["received"]["bits_per_second"]) / 1e9,
        megapackets: number(&report["received"]["datagrams_per_second"]) / 1e6,
        lost_percent: number(&report["lost"]["total"]) / sent * 100.0,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
