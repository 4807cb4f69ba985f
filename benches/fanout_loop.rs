//! One sender to a thousand receivers on loopback: the bare system calls with the same
//! destinations, compared with `udpkit cast send`, whose receivers also report, right after them.
//!
//! `cargo bench --bench fanout_loop` alternates the two and prints medians and their ratio;
//! `-- --quick` only checks that it runs; `--receivers N` (up to 1000), `--size BYTES`,
//! `--rounds N` and `--seconds N` set the workload. In each round one `udpkit cast recv` receives
//! for both.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its figures")]

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use udpkit::batch::TxBatch;
use udpkit::net::{IoMode, SocketPlan};
use udpkit::wire::Header;

/// What to measure.
struct Work {
    receivers: usize,
    size: usize,
    rounds: usize,
    seconds: f64,
}

impl Work {
    fn from_args() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let has = |flag: &str| args.iter().any(|arg| arg == flag);
        let value = |flag: &str, default: f64| {
            let mut pairs = args.windows(2).filter(|pair| pair[0] == flag);
            pairs.find_map(|pair| pair[1].parse().ok()).unwrap_or(default)
        };
        let quick = has("--quick") || !has("--bench");
        Self {
            receivers: value("--receivers", if quick { 50.0 } else { 1000.0 }) as usize,
            size: value("--size", 1000.0) as usize,
            rounds: value("--rounds", if quick { 1.0 } else { 5.0 }) as usize,
            seconds: value("--seconds", if quick { 0.5 } else { 3.0 }),
        }
    }

    /// Ranges of at most 250 addresses of this host, in command line syntax.
    fn ranges(&self, port: u16) -> Vec<String> {
        let nets = self.receivers.div_ceil(250);
        let last = |net: usize| (self.receivers - net * 250).min(250);
        (0..nets).map(|net| format!("127.7.{net}.1-{}:{port}", last(net))).collect()
    }

    fn addresses(&self, port: u16) -> Vec<SocketAddr> {
        (0..self.receivers)
            .map(|one| SocketAddr::from(([127, 7, (one / 250) as u8, (one % 250 + 1) as u8], port)))
            .collect()
    }
}

/// The receiver process; killed when dropped.
struct Receivers(Child);

impl Receivers {
    /// Starts the receivers and waits until all are ready.
    fn start(work: &Work, port: u16) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_udpkit"));
        command.args(["cast", "recv"]).args(work.ranges(port));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let receivers = Self(child.expect("the binary"));
        wait_bound(&work.addresses(port));
        receivers
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let work = Work::from_args();
    let (mut bare_runs, mut cast_runs, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..work.rounds.max(1) {
        let port = free_port();
        let _receivers = Receivers::start(&work, port);
        bare_runs.push(bare(&work, port));
        let (rate, receivers) = cast(&work, port);
        cast_runs.push(rate);
        told.push(receivers);
    }
    let ratio = median(bare_runs.iter().zip(&cast_runs).map(|(bare, cast)| cast / bare).collect());
    let (bare, cast) = (median(bare_runs), median(cast_runs));
    println!(
        "receivers   size   bare kpps   cast send kpps   cast/bare   rows that told their last"
    );
    println!(
        "{:9} {:6} {bare:11.1} {cast:16.1} {ratio:11.3}   {:.0}",
        work.receivers,
        work.size,
        median(told)
    );
}

/// Sends one encoded datagram to all receivers repeatedly; returns thousands of datagrams per
/// second.
fn bare(work: &Work, port: u16) -> f64 {
    let addresses = work.addresses(port);
    let plan = SocketPlan { io: IoMode::Mmsg, ..SocketPlan::for_peers(&addresses) };
    let mut socket = plan.open().expect("a socket");
    let len = Header::LEN + work.size;
    let mut batch = TxBatch::new(addresses.len(), len);
    let mut ids =
        addresses.iter().map(|addr| batch.append_dest(*addr)).collect::<Vec<_>>().into_iter();
    batch.push(ids.next().expect("a receiver"), len).expect("room").fill(7);
    ids.for_each(|id| assert!(batch.repeat(id)));
    let (start, mut sent) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs_f64(work.seconds) {
        sent += socket.send(&batch, 0..batch.len()).accepted as u64;
    }
    sent as f64 / start.elapsed().as_secs_f64() / 1e3
}

/// The same with the binary: thousands of datagrams per second, and how many receivers sent their
/// final report.
fn cast(work: &Work, port: u16) -> (f64, f64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_udpkit"));
    command.args(["cast", "send", "--json", "--size", &work.size.to_string()]);
    command.args(["--time", &format!("{}s", work.seconds)]).args(work.ranges(port));
    let output = command.output().expect("the binary");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let number = |key: &str| report[key].as_f64().unwrap_or(f64::NAN);
    let rows = report["receiver_rows"].as_array().expect("rows");
    let told = rows.iter().filter(|row| row["state"] == "done").count();
    (number("datagrams") / number("duration_ns") * 1e6, told as f64)
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a port");
    socket.local_addr().expect("an address").port()
}

/// Waits until every address is bound.
fn wait_bound(addresses: &[SocketAddr]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    for addr in addresses {
        while UdpSocket::bind(addr).is_ok() {
            assert!(Instant::now() < deadline, "nobody has bound {addr}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
