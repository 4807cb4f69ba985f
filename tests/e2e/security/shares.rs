//! A greedy address tries to take all sessions, probes, ports, streams, descriptors, threads and
//! memory, while an honest one must be served. Both are addresses of loopback.

use crate::common::{Running, comes_true, json, path, run, secs, udpkit};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};
use udpkit::record::{ServeRefusal, ServeResource};

const GREEDY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A server on a port of the kernel's choice.
struct Served {
    server: Running,
    address: SocketAddr,
}

fn serve(args: &[&str]) -> Served {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0", "--no-stun"]).args(args));
    let line = server.wait_for_line("serving on", secs(5));
    let mut words = line.split(' ');
    let address = words.find(|word| word.starts_with("127.0.0.1:")).expect("an address");
    let served = Served { address: address.parse().expect("an address"), server };
    // By then it has dropped its privileges, and all its own threads run.
    served.wait_until("it answers", secs(5), |served| {
        Client::new(served, OTHER).ask("STAT").contains("211-sessions=0")
    });
    served
}

impl Served {
    /// A number of the server's process, by file in `/proc` and line.
    fn number(&self, file: &str, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.server.pid()));
        let text = text.expect("it runs");
        let line = text.lines().find(|line| line.starts_with(name)).expect("the line");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
    }

    fn threads(&self) -> u64 {
        self.number("status", "Threads:")
    }

    /// Bytes of memory in use.
    fn memory(&self) -> u64 {
        1_024 * self.number("status", "VmRSS:")
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.server.pid())).expect("it runs").count()
    }

    /// Runs the honest client, whose address is 127.0.0.1; it must be served.
    #[track_caller]
    fn honest_run(&self, args: &[&str]) {
        let address = self.address.to_string();
        let common = ["blast", &address, "--json", "--time", "200ms"];
        let output = run(udpkit().args(common).args(["--rate", "2M"]).args(args), secs(20));
        assert_eq!(output.code(), Some(0), "{}", output.err());
        assert_eq!(path(&json(&output.out()), "complete"), true);
    }

    /// Waits until a number that it tells holds.
    #[track_caller]
    fn wait_until(&self, what: &str, within: Duration, holds: impl Fn(&Self) -> bool) {
        let came = comes_true(within, || holds(self));
        assert!(came, "{what}: {} threads, {} bytes", self.threads(), self.memory());
    }
}

/// A client that can send any command.
struct Client {
    socket: UdpSocket,
    tags: u32,
}

impl Client {
    fn new(served: &Served, from: Ipv4Addr) -> Self {
        let socket = UdpSocket::bind((from, 0)).expect("a port");
        socket.connect(served.address).expect("a route");
        socket.set_read_timeout(Some(secs(5))).expect("a deadline");
        Self { socket, tags: 0 }
    }

    /// The reply to a command, which is padded.
    fn ask(&mut self, text: &str) -> String {
        self.tags += 1;
        let text = format!("{:<600}", format!("t{} {text}", self.tags));
        self.socket.send(text.as_bytes()).expect("it is sent");
        let (tag, mut bytes) = (format!("t{} ", self.tags), [0; 2_000]);
        // A stream's first datagrams may arrive before the reply that opens it.
        loop {
            let read = self.socket.recv(&mut bytes);
            let len = read.unwrap_or_else(|error| panic!("{text}: {error}"));
            if bytes.starts_with(tag.as_bytes()) {
                return String::from_utf8_lossy(&bytes[..len]).into_owned();
            }
        }
    }

    fn ticket(&mut self) -> String {
        value(&self.ask("HELO"), "ticket").expect("a ticket")
    }

    /// The session's name, or the refusal.
    fn open(&mut self) -> Result<String, String> {
        let ticket = self.ticket();
        let reply = self.ask(&format!("HELO ticket={ticket}"));
        value(&reply, "session").ok_or(reply)
    }
}

/// A refusal as in a reply.
fn reply_of(refusal: &ServeRefusal) -> String {
    format!("{} {refusal}", refusal.code().0)
}

/// A parameter of a reply.
fn value(reply: &str, key: &str) -> Option<String> {
    let key = format!("-{key}=");
    reply.lines().find_map(|line| line.split_once(&key)).map(|(_, value)| value.to_owned())
}

#[test]
fn one_address_gets_its_share_of_the_sessions_and_idle_ones_go_within_seconds() {
    let served = serve(&[]);
    let mut greedy: Vec<Client> = Vec::new();
    let mut opened = Vec::new();
    let refusal = loop {
        let mut client = Client::new(&served, GREEDY);
        match client.open() {
            Ok(session) => opened.push(session),
            Err(refusal) => break refusal,
        }
        greedy.push(client);
        assert!(opened.len() <= 64);
    };
    assert_eq!(opened.len(), 16, "a quarter of 64");
    let resource = ServeResource::Sessions;
    let share = reply_of(&ServeRefusal::SourceShare { resource, limit: 16 });
    assert!(refusal.contains(&share), "{refusal}");
    served.server.wait_for_line(&format!("refused: {share}"), secs(5));
    served.honest_run(&[]);
    // Whatever is sent in them.
    let (start, gone) = (Instant::now(), reply_of(&ServeRefusal::NoSession));
    while start.elapsed() < secs(9) {
        let replies = greedy.iter_mut().zip(&opened).map(|(client, session)| {
            client.ask(&format!("NOOP session={session}"));
            client.ask(&format!("STAT session={session}"))
        });
        if replies.filter(|reply| reply.contains(&gone)).count() >= 8 {
            break;
        }
        // Far more often than a session must say something to live.
        thread::sleep(Duration::from_millis(200));
    }
    assert!((2..6).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[test]
fn several_greedy_addresses_leave_the_last_sessions_to_newcomers() {
    let served = serve(&["--max-sessions", "8", "--source-share", "90"]);
    let open = |from| Client::new(&served, from).open();
    let got = (0..8).filter(|number| open([GREEDY, OTHER][number % 2]).is_ok()).count();
    assert_eq!(got, 7);
    let refusal = open(OTHER).unwrap_err();
    let resource = ServeResource::Sessions;
    assert!(refusal.contains(&reply_of(&ServeRefusal::Reserved { resource, reserved: 1 })));
    served.honest_run(&[]);
}

#[test]
fn one_address_gets_its_share_of_probes_and_ports_and_none_that_the_operator_did_not_name() {
    let served = serve(&[]);
    let mut greedy = Vec::new();
    let (mut open, mut refusal) = (String::new(), String::new());
    for number in 0..13 {
        let mut client = Client::new(&served, GREEDY);
        let session = client.open().expect("a session");
        let from = 63_000 + 19 * number;
        let ask =
            format!("TEST kind=probe session={session} ports=5353,51820,{from}-{}", from + 18);
        let reply = client.ask(&ask);
        if number < 12 {
            let closed = value(&reply, "not_opened").expect("ports that are not open");
            assert!(closed.contains("5353,51820:policy"), "{closed}");
            open = format!("{open},{}", value(&reply, "ports").expect("ports"));
        } else {
            refusal = reply;
        }
        greedy.push(client);
    }
    let share = ServeRefusal::SourceShare { resource: ServeResource::Probes, limit: 12 };
    assert!(refusal.contains(&reply_of(&share)), "{refusal}");
    let ports: Vec<u16> = ports(&open);
    // One port may be in use as the "other port" of another probe.
    assert!((60..=64).contains(&ports.len()), "a quarter of 256: {open}");
    // Ports of other programs on this host stay free.
    let _own = UdpSocket::bind("127.0.0.1:51820").or_else(|_| UdpSocket::bind("127.0.0.1:5353"));
    let honest = run(
        udpkit().args(["probe", "ports", &served.address.to_string(), "63200-63203", "--json"]),
        secs(30),
    );
    assert_eq!(honest.code(), Some(0), "{}{}", honest.out(), honest.err());
}

fn ports(list: &str) -> Vec<u16> {
    let parts = list.split(',').filter(|part| !part.is_empty());
    parts
        .flat_map(|part| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            from.parse::<u16>().expect("a port")..=to.parse::<u16>().expect("a port")
        })
        .collect()
}

/// Sessions of one address that ask for all that they can get: those that were granted streams,
/// each with its sockets, and the last refusal.
fn take_streams(served: &Served, test: &str) -> (Vec<(Client, Vec<Client>)>, String) {
    let (mut taken, mut refusal) = (Vec::new(), String::new());
    for _ in 0..8 {
        let mut client = Client::new(served, GREEDY);
        let session = client.open().expect("a session");
        for streams in [64, 32, 16, 8, 4, 2, 1] {
            let ask =
                format!("TEST session={session} time_ns=60000000000 streams={streams} {test}");
            let reply = client.ask(&ask);
            let Some(run) = value(&reply, "tag") else {
                refusal = reply;
                continue;
            };
            let lanes = (0..streams).map(|stream| {
                let mut lane = Client::new(served, GREEDY);
                let ticket = lane.ticket();
                let words = format!("DATA session={session} stream={stream} run={run}");
                let reply = lane.ask(&format!("{words} ticket={ticket}"));
                assert!(reply.contains(" 354 "), "{reply}");
                lane
            });
            let lanes = lanes.collect();
            taken.push((client, lanes));
            break;
        }
    }
    (taken, refusal)
}

fn quit(served: &Served, taken: Vec<(Client, Vec<Client>)>) {
    // They send nothing any more; the server has to detect that.
    drop(taken);
    served.wait_until("sessions end", secs(40), |served| {
        Client::new(served, OTHER).ask("STAT").contains("211-sessions=0")
    });
}

#[test]
fn one_address_gets_its_share_of_streams_and_each_costs_three_descriptors() {
    let served = serve(&["--max-memory", "4G"]);
    let (threads, descriptors) = (served.threads(), served.descriptors());
    let (taken, refusal) = take_streams(&served, "rate=1000pps size=100");
    let streams: usize = taken.iter().map(|(_, lanes)| lanes.len()).sum();
    assert_eq!(streams, 128, "a quarter of 512");
    let share = ServeRefusal::SourceShare { resource: ServeResource::Streams, limit: 128 };
    assert!(refusal.contains(&reply_of(&share)), "{refusal}");
    assert!(served.threads() <= threads + 128, "{}", served.threads());
    let each = (served.descriptors() - descriptors) as f64 / 128.0;
    assert!(each <= 3.0, "socket, poll and waker: {each}");
    served.honest_run(&["--streams", "4"]);
    quit(&served, taken);
    served.wait_until("threads end", secs(5), |now| now.threads() <= threads);
    served.wait_until("descriptors close", secs(5), |now| now.descriptors() <= descriptors + 1);
}

#[test]
fn memory_stays_under_its_bound_and_is_given_back() {
    thread::scope(|scope| {
        for test in [
            "window=16777216 size=65507 interval_ns=20000000 rate=100pps",
            "direction=down size=65507 rate=1000pps",
        ] {
            scope.spawn(|| memory_under(test));
        }
    });
}

/// One greedy client with as many of these as it gets, and an honest one.
fn memory_under(test: &str) {
    const MEMORY: u64 = 64 << 20;
    let served = serve(&["--max-memory", "64Mi"]);
    let base = served.memory();
    let (taken, refusal) = take_streams(&served, test);
    assert!(refusal.contains(" 452-"), "{refusal}");
    let limits = ["max_memory", "source_memory"].map(|key| value(&refusal, key).expect("a limit"));
    assert_eq!(limits, [MEMORY, MEMORY / 2].map(|bytes| bytes.to_string()), "{refusal}");
    assert!(!taken.is_empty(), "{refusal}");
    // Datagrams from everywhere in the window, as long as may be.
    for (number, (_, lanes)) in (0u32..).zip(&taken) {
        for lane in lanes {
            for sequence in [0, 1 << 20, 8 << 20, 12 << 20, number] {
                let mut payload = vec![0; 65_507];
                payload[0] = 0xD6;
                payload[4..8].copy_from_slice(&sequence.to_be_bytes());
                let _ = lane.socket.send(&payload);
            }
        }
    }
    served.honest_run(&["--socket-buffer", "1Mi"]);
    let most = served.memory();
    assert!(most < base + MEMORY, "{most} above {base}");
    quit(&served, taken);
    // Some pages of the program itself were loaded meanwhile.
    served.wait_until("memory comes back", secs(10), |served| served.memory() < base + (8 << 20));
}
