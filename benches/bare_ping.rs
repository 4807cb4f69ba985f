//! The bare system calls of a round trip and nothing else, compared with what `udpkit ping` and, if
//! it is installed, sockperf's ping-pong measure on this machine right after.
//!
//! Each round runs all of them one after the other, against reflectors in a process of their own:
//! one that spins on `recv`, one that sleeps in epoll, and `udpkit serve`. It prints the median
//! over the rounds of the median round trip, and of its ratio to the bare loop; and the same for
//! the total time divided by the number of round trips, which kernel time stamps cannot shorten: it
//! includes everything that is done between two round trips.
//!
//! `cargo bench --bench bare_ping`; `-- --quick` only checks that it runs; `--rounds N` and
//! `--seconds N` (of one measurement) set the workload.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its figures")]

use mio::{Events, Interest, Poll, Token};
use std::env;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Length of a STAMP packet in bytes (RFC 8762 §4.2.1).
const LEN: usize = 44;
/// Interval between two round trips of the paced loops.
const PACE: Duration = Duration::from_millis(1);
/// Timeout for a missing answer.
const LOST: Duration = Duration::from_millis(200);

/// How an end waits for a datagram.
#[derive(Clone, Copy, PartialEq)]
enum Wait {
    /// By retrying at once (busy-polling).
    Spin,
    /// In epoll.
    Sleep,
}

/// When the next round trip begins.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    /// When the previous one has ended.
    AtOnce,
    /// Every [`PACE`].
    Paced,
}

struct Work {
    rounds: usize,
    seconds: f64,
}

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--reflect") {
        let spins = args.get(at + 1).is_some_and(|how| how == "spin");
        return reflect(if spins { Wait::Spin } else { Wait::Sleep });
    }
    let work = work(&args);
    println!("µs, medians of {} rounds; × of the bare loop", work.rounds);
    for (wait, start) in [
        (Wait::Spin, Start::AtOnce),
        (Wait::Sleep, Start::AtOnce),
        (Wait::Spin, Start::Paced),
        (Wait::Sleep, Start::Paced),
    ] {
        compare(&work, wait, start)?;
    }
    Ok(())
}

fn work(args: &[String]) -> Work {
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let value = |flag: &str| {
        let mut pairs = args.windows(2).filter(|pair| pair[0] == flag);
        pairs.find_map(|pair| pair[1].parse::<f64>().ok())
    };
    let quick = has("--quick") || !has("--bench");
    Work {
        rounds: value("--rounds")
            .map_or(if quick { 1 } else { 7 }, |rounds| rounds.max(1.0) as usize),
        seconds: value("--seconds").unwrap_or(if quick { 0.1 } else { 0.5 }),
    }
}

fn compare(work: &Work, wait: Wait, start: Start) -> io::Result<()> {
    let name = match (wait, start) {
        (Wait::Spin, Start::AtOnce) => "spinning, one after the other",
        (Wait::Sleep, Start::AtOnce) => "sleeping, one after the other",
        (Wait::Spin, Start::Paced) => "spinning, one each millisecond",
        (Wait::Sleep, Start::Paced) => "sleeping, one each millisecond",
    };
    let mut rows: [(&str, Vec<Trip>); 4] = [
        ("bare loop", Vec::new()),
        ("udpkit ping --echo, the same reflector", Vec::new()),
        ("udpkit ping, udpkit serve", Vec::new()),
        ("sockperf ping-pong, doubled", Vec::new()),
    ];
    for _ in 0..work.rounds {
        let mirror = Reflector::bare(wait)?;
        rows[0].1.push(bare(mirror.at, wait, start, work.seconds)?);
        rows[1].1.push(ping(mirror.at, wait, start, work.seconds, &["--echo", "--size", "44"])?);
        drop(mirror);
        let serve = Reflector::serve()?;
        rows[2].1.push(ping(serve.at, wait, start, work.seconds, &[])?);
        drop(serve);
        // sockperf has no comparable pacing.
        rows[3].1.extend(match start {
            Start::AtOnce => sockperf(wait, work.seconds),
            Start::Paced => None,
        });
    }
    println!("\n{name:<44}{:>9}{:>8}{:>11}{:>8}", "p50", "×", "time each", "×");
    let bare = rows[0].1.clone();
    for (name, trips) in rows {
        let cells = [|trip: &Trip| trip.p50, |trip: &Trip| trip.each].map(|of| {
            let value = median(trips.iter().map(of).collect());
            let ratio =
                median(trips.iter().zip(&bare).map(|(trip, bare)| of(trip) / of(bare)).collect());
            (value, ratio)
        });
        let [(p50, times), (each, costs)] = cells;
        if !p50.is_nan() {
            println!("  {name:<42}{p50:>9.1}{times:>8.2}{each:>11.1}{costs:>8.2}");
        }
    }
    Ok(())
}

/// Result of one measurement, in microseconds; NaN for a value that is not available.
#[derive(Clone, Copy)]
struct Trip {
    /// The median round trip.
    p50: f64,
    /// The total time divided by the number of round trips.
    each: f64,
}

/// A process that reflects datagrams; killed when dropped.
struct Reflector {
    child: Child,
    at: SocketAddr,
}

impl Reflector {
    fn bare(wait: Wait) -> io::Result<Self> {
        let how = if wait == Wait::Spin { "spin" } else { "sleep" };
        let mut command = Command::new(env::current_exe()?);
        Self::start(command.args(["--reflect", how]).stdout(Stdio::piped()), true)
    }

    fn serve() -> io::Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_udpkit"));
        command.args(["serve", "127.0.0.1:0"]).stderr(Stdio::piped());
        Self::start(&mut command, false)
    }

    /// Starts the process, whose first line of output is its address.
    fn start(command: &mut Command, on_stdout: bool) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let mut line = String::new();
        if on_stdout {
            BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line)?;
        } else {
            BufReader::new(child.stderr.take().expect("it is piped")).read_line(&mut line)?;
        }
        let at = line.split_whitespace().find_map(|word| word.parse().ok());
        let at = at.ok_or_else(|| io::Error::other(format!("no address in {line:?}")))?;
        Ok(Self { child, at })
    }
}

impl Drop for Reflector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A non-blocking socket and the poll that waits for it.
struct End {
    socket: mio::net::UdpSocket,
    poll: Poll,
    events: Events,
    wait: Wait,
}

impl End {
    fn new(wait: Wait) -> io::Result<Self> {
        let mut socket = mio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, Token(0), Interest::READABLE)?;
        Ok(Self { socket, poll, events: Events::with_capacity(8), wait })
    }

    /// Waits until `take` returns a datagram, or for a limited time. The poll is edge-triggered;
    /// only one datagram is ever outstanding, so none is left unread.
    fn take<T>(
        &mut self,
        patience: Option<Duration>,
        take: impl Fn(&mio::net::UdpSocket) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let end = patience.map(|patience| Instant::now() + patience);
        loop {
            if self.wait == Wait::Sleep {
                self.poll.poll(&mut self.events, patience)?;
            }
            match take(&self.socket) {
                Ok(taken) => return Ok(Some(taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if end.is_some_and(|end| Instant::now() > end) {
                return Ok(None);
            }
        }
    }
}

fn reflect(wait: Wait) -> io::Result<()> {
    let mut end = End::new(wait)?;
    println!("{}", end.socket.local_addr()?);
    loop {
        let taken = end.take(None, |socket| {
            let mut bytes = [0; LEN];
            socket.recv_from(&mut bytes).map(|(len, from)| (bytes, len, from))
        })?;
        if let Some((bytes, len, from)) = taken {
            end.socket.send_to(&bytes[..len], from)?;
        }
    }
}

/// The bare loop, for `seconds`.
fn bare(at: SocketAddr, wait: Wait, start: Start, seconds: f64) -> io::Result<Trip> {
    let mut end = End::new(wait)?;
    end.socket.connect(at)?;
    let (began, mut trips) = (Instant::now(), Vec::new());
    let mut bytes = [0; LEN];
    for number in 0_u32.. {
        if start == Start::Paced {
            pause_until(began + PACE * number, wait);
        }
        let sent = Instant::now();
        if (sent - began).as_secs_f64() > seconds {
            break;
        }
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        end.socket.send(&bytes)?;
        let back = end.take(Some(LOST), |socket| socket.recv(&mut [0; LEN]))?;
        if back.is_some() {
            trips.push(sent.elapsed().as_secs_f64() * 1e6);
        }
    }
    let each = began.elapsed().as_secs_f64() * 1e6 / trips.len() as f64;
    Ok(Trip { p50: median(trips), each })
}

fn pause_until(at: Instant, wait: Wait) {
    if wait == Wait::Sleep {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
    }
    while Instant::now() < at {}
}

/// The figures that `udpkit ping` reports.
fn ping(at: SocketAddr, wait: Wait, start: Start, seconds: f64, more: &[&str]) -> io::Result<Trip> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_udpkit"));
    command.args(["ping", &at.to_string(), "--json", "--time", &format!("{seconds}s")]).args(more);
    if wait == Wait::Spin {
        command.arg("--spin");
    }
    match start {
        Start::AtOnce => command.arg("--flood"),
        Start::Paced => command.args(["--interval", "1ms"]),
    };
    let output = command.output()?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let target = &report["targets"][0];
    let micros = |value: &serde_json::Value| value.as_f64().map_or(f64::NAN, |nanos| nanos / 1e3);
    let each = micros(&report["duration_ns"]) / target["back"].as_f64().unwrap_or(f64::NAN);
    // From the planned time, because the loop counts from before its send: `round_trip` covers
    // the network alone and excludes the time from this program to the kernel's stamp.
    Ok(Trip { p50: micros(&target["as_planned_ns"]["p50"]), each })
}

/// sockperf's median, which is half a round trip, doubled; `None` if it is not installed.
fn sockperf(wait: Wait, seconds: f64) -> Option<Trip> {
    const PORT: &str = "48621";
    let at = ["-i", "127.0.0.1", "-p", PORT];
    let how: &[&str] = if wait == Wait::Spin { &["--nonblocked", "--timeout", "0"] } else { &[] };
    let mut server = Command::new("sockperf");
    server.arg("server").args(at).args(how).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Reflector { child: server.spawn().ok()?, at: ([127, 0, 0, 1], 0).into() };
    // It does not report when it is ready; a client that starts too early reports nothing and is
    // started again.
    let mut told = None;
    for _ in 0..20 {
        let mut client = Command::new("sockperf");
        let time = format!("{}", seconds.ceil().max(1.0));
        client.args(["ping-pong"]).args(at).args(how).args(["-m", "44", "-t", &time]);
        let output = client.output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        told = text.lines().find_map(|line| {
            let rest = line.split("percentile 50.000 =").nth(1)?;
            rest.trim().parse::<f64>().ok()
        });
        if told.is_some() {
            break;
        }
    }
    drop(server);
    told.map(|half| Trip { p50: half * 2.0, each: f64::NAN })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
