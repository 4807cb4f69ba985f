//! A relay between two links: the bare system calls and nothing else, compared with
//! `udpkit relay` and, where it is installed, socat.
//!
//! Three network namespaces of its own, joined by veth pairs: a source that floods, a relay, and a
//! sink that is bound and reads nothing. The source's buffers of many datagrams are cut before its
//! link but for one row, and it has a processor of its own, so that the relay gets each by itself and more than it can forward. What reached the sink's link says how much was forwarded,
//! whatever the relay counts. `bare` receives and sends up to 64 datagrams a call, without offloads.
//! `cargo bench --bench relay_loop` (root) alternates them and prints medians and ratios in the same
//! round; `-- --quick` only checks that it runs; `--size BYTES`, `--rounds N` and `--seconds N` set
//! the workload.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its figures")]

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use udpkit::batch::{DestId, RxBatch, TxBatch};
use udpkit::net::{IoMode, Socket, SocketPlan};

/// Where the relay listens, and where the sink does.
const RELAY: &str = "10.78.1.2:9000";
const SINK: &str = "10.78.2.2:9000";
/// Datagrams of a call without offloads.
const AT_ONCE: usize = 64;

/// What to measure.
struct Work {
    size: usize,
    rounds: usize,
    seconds: f64,
}

impl Work {
    fn from(args: &[String]) -> Self {
        let has = |flag: &str| args.iter().any(|arg| arg == flag);
        let value = |flag: &str, default: f64| {
            let mut pairs = args.windows(2).filter(|pair| pair[0] == flag);
            pairs.find_map(|pair| pair[1].parse().ok()).unwrap_or(default)
        };
        let quick = has("--quick") || !has("--bench");
        Self {
            size: value("--size", 1472.0) as usize,
            rounds: value("--rounds", if quick { 1.0 } else { 7.0 }) as usize,
            seconds: value("--seconds", if quick { 0.3 } else { 2.0 }),
        }
    }
}

/// Who forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relay {
    /// This program, with system calls and nothing else.
    Bare,
    /// `udpkit relay --io mmsg`.
    Mmsg,
    /// `udpkit relay`.
    Single,
    /// `udpkit relay` of buffers that were not cut.
    Offloads,
    /// socat.
    Socat,
}

impl Relay {
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare loop",
            Self::Mmsg => "udpkit relay --io mmsg",
            Self::Single => "udpkit relay",
            Self::Offloads => "udpkit relay of buffers",
            Self::Socat => "socat",
        }
    }

    fn command(self) -> Vec<String> {
        let own = std::env::current_exe().expect("this program").display().to_string();
        let udpkit = env!("CARGO_BIN_EXE_udpkit");
        let words: &[&str] = match self {
            Self::Bare => &[&own, "--role", "relay"],
            Self::Mmsg => &[udpkit, "relay", RELAY, SINK, "-q", "--io", "mmsg"],
            Self::Single | Self::Offloads => &[udpkit, "relay", RELAY, SINK, "-q"],
            Self::Socat => &["socat", "-b", "2048", "UDP-LISTEN:9000", "UDP:10.78.2.2:9000"],
        };
        words.iter().map(ToString::to_string).collect()
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(role) = args.windows(2).find(|pair| pair[0] == "--role") {
        return match role[1].as_str() {
            "relay" => forward(),
            "sink" => stay(UdpSocket::bind(SINK).expect("a socket")),
            _ => flood(Work::from(&args).size),
        };
    }
    let work = Work::from(&args);
    let lab = match Lab::new() {
        Ok(lab) => lab,
        Err(why) => return println!("skipped: {why}"),
    };
    let mut relays = vec![Relay::Bare, Relay::Mmsg, Relay::Single, Relay::Offloads];
    if Command::new("socat").arg("-V").stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
        relays.push(Relay::Socat);
    }
    let mut rates = vec![Vec::new(); relays.len()];
    for round in 0..work.rounds.max(1) {
        for at in 0..relays.len() {
            let at = if round % 2 == 0 { at } else { relays.len() - 1 - at };
            rates[at].push(lab.rate(relays[at], &work));
        }
    }
    let bare = rates[0].clone();
    println!("{} bytes                    kpps   times the bare loop", work.size);
    for (relay, rates) in relays.iter().zip(&rates) {
        let times = median(rates.iter().zip(&bare).map(|(rate, bare)| rate / bare).collect());
        println!("{:24} {:9.1}   {times:19.3}", relay.name(), median(rates.clone()) / 1e3);
    }
}

/// The namespaces; removed when dropped.
struct Lab {
    name: String,
}

impl Lab {
    fn new() -> Result<Self, String> {
        let lab = Self { name: format!("udpkit-relay-bench-{}", std::process::id()) };
        for part in ["a", "b", "c"] {
            Self::run(&format!("ip netns add {}-{part}", lab.name))?;
            lab.run_in(part, "ip link set lo up")?;
        }
        for (left, right, net) in [("a", "b", "1"), ("b", "c", "2")] {
            let (here, there) = (format!("{}-{left}", lab.name), format!("{}-{right}", lab.name));
            Self::run(&format!(
                "ip -n {here} link add to-{right} type veth peer name to-{left} netns {there}"
            ))?;
            for (part, link, host) in [(left, right, "1"), (right, left, "2")] {
                lab.run_in(part, &format!("ip addr add 10.78.{net}.{host}/24 dev to-{link}"))?;
                lab.run_in(part, &format!("ip link set to-{link} up"))?;
            }
        }
        Ok(lab)
    }

    fn run(line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split(' ').collect();
        let output = Command::new(words[0]).args(&words[1..]).output();
        let output = output.map_err(|error| format!("{line}: {error}"))?;
        let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{line}: {told}")) }
    }

    fn run_in(&self, part: &str, line: &str) -> Result<(), String> {
        Self::run(&format!("ip netns exec {}-{part} {line}", self.name))
    }

    fn start(&self, part: &str, words: &[String]) -> Process {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &format!("{}-{part}", self.name)]);
        // The source has one processor, and whoever forwards the other.
        command.args(["taskset", "-c", if part == "a" { "0" } else { "1" }]).args(words);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Process(child.expect("a process"))
    }

    fn start_own(&self, part: &str, role: &str, size: usize) -> Process {
        let own = std::env::current_exe().expect("this program").display().to_string();
        let words = [&own, "--role", role, "--size", &size.to_string()];
        self.start(part, &words.map(ToString::to_string))
    }

    /// Waits until a port is bound in a namespace.
    fn wait_bound(&self, part: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let name = format!("{}-{part}", self.name);
        loop {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", &name, "cat", "/proc/net/udp"]);
            let told = command.output().expect("ip").stdout;
            // Port 9000.
            if String::from_utf8_lossy(&told).contains(":2328 ") {
                return;
            }
            assert!(Instant::now() < deadline, "nobody has bound port 9000 in {name}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Payload bytes that came in at the sink's link.
    fn arrived(&self) -> f64 {
        let counter = |name: &str| {
            let mut command = Command::new("ip");
            let file = format!("/sys/class/net/to-b/statistics/{name}");
            command.args(["netns", "exec", &format!("{}-c", self.name), "cat", &file]);
            let told = command.output().expect("ip").stdout;
            String::from_utf8_lossy(&told).trim().parse::<f64>().expect("a counter")
        };
        counter("rx_bytes") - 42.0 * counter("rx_packets")
    }

    /// Datagrams a second that reach the sink's link.
    fn rate(&self, relay: Relay, work: &Work) -> f64 {
        let _sink = self.start_own("c", "sink", work.size);
        self.wait_bound("c");
        let _relay = self.start("b", &relay.command());
        self.wait_bound("b");
        let state = if relay == Relay::Offloads { "on" } else { "off" };
        self.run_in("a", &format!("ethtool -K to-b tx-udp-segmentation {state}")).expect("ethtool");
        let _source = self.start_own("a", "source", work.size);
        // Until it flows.
        let (deadline, before) = (Instant::now() + Duration::from_secs(20), self.arrived());
        while self.arrived() - before < 1e6 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (start, before) = (Instant::now(), self.arrived());
        std::thread::sleep(Duration::from_secs_f64(work.seconds));
        (self.arrived() - before) / work.size as f64 / start.elapsed().as_secs_f64()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for part in ["a", "b", "c"] {
            let _ = Self::run(&format!("ip netns del {}-{part}", self.name));
        }
    }
}

/// A process of this bench; ended when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn stay(_socket: UdpSocket) {
    loop {
        std::thread::park();
    }
}

fn to(address: &str, io: IoMode) -> Socket {
    let peer: SocketAddr = address.parse().expect("an address");
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    let plan = SocketPlan { connect: Some(peer), io, ..SocketPlan::new(any) };
    plan.open().expect("a socket")
}

/// Sends as fast as it goes.
fn flood(size: usize) {
    let mut socket = to(RELAY, IoMode::Auto);
    let datagrams = (65_000 / size).max(1);
    let mut batch = TxBatch::new(datagrams, datagrams * size);
    while batch.push(DestId::CONNECTED, size).is_some() {}
    loop {
        socket.send(&batch, 0..batch.len());
    }
}

/// Forwards as fast as it goes.
fn forward() {
    let bind: SocketAddr = RELAY.parse().expect("an address");
    let plan = SocketPlan { io: IoMode::Mmsg, ..SocketPlan::new(bind) };
    let (mut inward, mut outward) = (plan.open().expect("a socket"), to(SINK, IoMode::Mmsg));
    let mut received = RxBatch::new(AT_ONCE, 2048);
    let mut batch = TxBatch::new(AT_ONCE, AT_ONCE * 2048);
    loop {
        if inward.receive(&mut received).expect("a receive") == 0 {
            continue;
        }
        batch.clear();
        for (_, bytes) in received.entries() {
            batch.push(DestId::CONNECTED, bytes.len()).expect("room").copy_from_slice(bytes);
        }
        outward.send(&batch, 0..batch.len());
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
