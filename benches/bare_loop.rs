//! The same system calls and nothing else: how fast this machine moves datagrams from one socket
//! to another, beside what `udpkit blast` carries in the same minute.
//!
//! `cargo bench --bench bare_loop` alternates the two and prints medians and their ratio;
//! `-- --quick` only shows that it runs; `--mmsg` leaves the offloads out; `--size BYTES` (may be
//! repeated), `--rounds N`, `--seconds N` choose the work.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its figures")]

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use udpkit::batch::{DestId, TxBatch};
use udpkit::net::{IoMode, SocketPlan};

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

/// One run's figures.
#[derive(Clone, Copy)]
struct Carried {
    gigabits: f64,
    megapackets: f64,
    lost_percent: f64,
}

fn main() {
    let work = Work::from_args();
    println!("  size   bare Gbit/s    Mpps   lost %   blast Gbit/s    Mpps   lost %   blast/bare");
    for &size in &work.sizes {
        let (mut bare_runs, mut blast_runs) = (Vec::new(), Vec::new());
        for _ in 0..work.rounds.max(1) {
            bare_runs.push(bare(size, work.seconds, work.io));
            blast_runs.push(blast(size, work.seconds, work.io));
        }
        let ratios = bare_runs.iter().zip(&blast_runs).map(|(a, b)| b.gigabits / a.gigabits);
        let ratio = median(ratios.collect());
        let row = |runs: &[Carried]| {
            let of = |field: fn(&Carried) -> f64| median(runs.iter().map(field).collect());
            format!(
                "{:11.3} {:9.3} {:7.2}",
                of(|run| run.gigabits),
                of(|run| run.megapackets),
                of(|run| run.lost_percent)
            )
        };
        println!("{size:6}  {}   {}   {ratio:10.3}", row(&bare_runs), row(&blast_runs));
    }
}

/// Sends and receives for `seconds`, counting only bytes.
fn bare(size: usize, seconds: f64, io: IoMode) -> Carried {
    let local: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let plan = SocketPlan { gro: true, io, buffer: 32 << 20, ..SocketPlan::new(local) };
    let mut receiver = plan.open().expect("a socket");
    let connect = Some(receiver.local_addr());
    let plan = SocketPlan { connect, io, ..SocketPlan::new(local) };
    let mut sender = plan.open().expect("a socket");
    let (stop, received) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (ended, count) = (Arc::clone(&stop), Arc::clone(&received));
    let receiving = thread::spawn(move || {
        let mut buffers = receiver.rx_batch(size.max(2048));
        while !ended.load(Ordering::Relaxed) {
            if receiver.receive(&mut buffers).expect("a receive") > 0 {
                let bytes: usize = buffers.entries().map(|(entry, _)| entry.len).sum();
                count.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        }
    });
    let datagrams = (65_536 / size).clamp(1, 1_024);
    let mut batch = TxBatch::new(datagrams, datagrams * size);
    while batch.push(DestId::CONNECTED, size).is_some() {}
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < Duration::from_secs_f64(seconds) {
        sent += sender.send(&batch, 0..batch.len()).accepted as u64;
    }
    let span = start.elapsed().as_secs_f64();
    let bytes = received.load(Ordering::Relaxed) as f64;
    stop.store(true, Ordering::Relaxed);
    receiving.join().expect("the receiver");
    let arrived = bytes / size as f64;
    Carried {
        gigabits: bytes * 8.0 / span / 1e9,
        megapackets: arrived / span / 1e6,
        lost_percent: (1.0 - arrived / sent as f64).max(0.0) * 100.0,
    }
}

/// The same by the binary, as a user runs it.
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
