//! Concentration in time: a client asks the probe agent, in a victim's name, for replies that are
//! late, many, long or from another port, all due at once. The victim must get no more than was
//! sent in its name, and nothing later.

use crate::common::{Lab, Running, json, path, require_lab, run, secs};
use crate::security::forge::{Forger, TTL};
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};
use udpkit::units::Nanos;
use udpkit::wire::{Ask, Via};

const SERVER: &str = "10.77.0.1";
const AT: &str = "10.77.0.1:8620";
const VICTIM: &str = "10.77.0.12";
/// Forged requests: those that an unproven address may get a reply to, and the others.
const PLAIN: u32 = 200;
const GREEDY: u32 = 3_000;

/// Counts what arrives at the server in the victim's name, and what arrives at the victim, which
/// does not reply.
fn count(lab: &Lab) {
    lab.nft(
        "s",
        &format!(
            "add table inet t
             add counter inet t named
             add chain inet t in {{ type filter hook input priority 0; }}
             add rule inet t in ip saddr {VICTIM} ip ttl {TTL} meta l4proto udp counter name named\n"
        ),
    );
    lab.nft(
        "r2",
        &format!(
            "add table inet t
             add counter inet t got
             add chain inet t in {{ type filter hook input priority 0; }}
             add rule inet t in ip saddr {SERVER} meta l4proto udp counter name got drop\n"
        ),
    );
}

/// What the victim got and what was sent in its name, as datagrams and bytes; checks that the
/// former is not more.
fn compared(lab: &Lab) -> [(u64, u64); 2] {
    let got = lab.counter("r2", "inet t", "got");
    let named = lab.counter("s", "inet t", "named");
    assert!(got.0 <= named.0 && got.1 <= named.1, "{got:?} of {named:?}");
    [got, named]
}

/// The attacker's own session, held from `r1`: the key and the tag of its probe.
fn probe_of_attacker(lab: &Lab) -> (u64, u16) {
    let mut command = lab.ignored_test("r1", module_path!(), "asks_for_a_probe");
    let told = run(command.env("UDPKIT_ASK", AT), secs(20)).expect_success().out();
    let line = told.lines().find_map(|line| line.strip_prefix("granted "));
    let mut words = line.unwrap_or_else(|| panic!("no probe: {told}")).split(' ');
    let key = u64::from_str_radix(words.next().expect("a key"), 16).expect("a key");
    (key, words.next().expect("a tag").parse().expect("a tag"))
}

/// Sends a request in the victim's name, from one of many ports.
fn forge(forger: &mut Forger, number: u32, ask: &Ask, len: usize) {
    let mut payload = vec![0; len];
    ask.encode(&mut payload);
    forger.send(&format!("{VICTIM}:{}", 20_000 + number % 4_000), AT, &payload);
}

#[test]
fn forged_requests_bring_a_victim_never_more_and_never_later() {
    require_lab!();
    let lab = Lab::fanout(3);
    count(&lab);
    let server = Running::start(lab.udpkit("s").arg("serve"));
    server.wait_for_line("serving on", secs(10));
    let (key, tag) = probe_of_attacker(&lab);
    let started = Instant::now();
    let mut forger = Forger::start(&lab, "r1");
    let plain = Ask::new(tag, key, 1, 0, Nanos(1));
    for number in 0..GREEDY {
        // All due at one instant, three seconds from the first; or many, long, or from elsewhere.
        let passed = started.elapsed().as_millis() as u64;
        let delay = Nanos::from_millis(3_000_u64.saturating_sub(passed).max(1));
        let ask = match number % 5 {
            0 => Ask { delay, ..plain },
            1 => Ask { delay, answers: 8, answer_len: 512, ..plain },
            2 => Ask { answers: 8, gap: Nanos::from_millis(500), answer_len: 1_400, ..plain },
            3 => Ask { answers: 8, via: Via::Port, ..plain },
            _ => Ask { answer_len: 513, ..plain },
        };
        forge(&mut forger, number, &Ask { sequence: number, ..ask }, 512);
        if number % (GREEDY / PLAIN) == 0 {
            forge(&mut forger, number, &Ask { item: 2, sequence: number, ..plain }, 64);
            // A pace that the server's socket can follow.
            thread::sleep(Duration::from_millis(1));
        }
        if number % 1_000 == 0 {
            compared(&lab);
        }
    }
    forger.finish();
    // Beside it, an honest client finds the port open, and by then all of it has been dealt with.
    let probe = |args: &[&str]| {
        let mut command = lab.udpkit("r3");
        let output = run(command.arg("probe").args(args).arg("-J"), secs(60)).expect_success();
        json(&output.out())
    };
    let ports = probe(&["ports", SERVER, "63001", "--tries", "2"]);
    assert_eq!(path(&ports, "port_rows.0.outcome"), "passes", "{ports:#}");
    let [got, named] = compared(&lab);
    assert_eq!(named.0, u64::from(GREEDY + PLAIN));
    // What asks for one answer at once, no longer than itself, is answered: a fair share of it.
    assert!((u64::from(PLAIN) / 2..=u64::from(PLAIN)).contains(&got.0), "{got:?} of {named:?}");
    // Its silences outlast all that was asked for; they are answered, and the victim is not.
    let timeout = probe(&["timeout", SERVER, "--candidates", "1s,5s"]);
    for timer in 0..2 {
        let open = path(&timeout, &format!("timers.{timer}.open_ns"));
        assert_eq!(open, 5_000_000_000_u64, "{timeout:#}");
    }
    assert!(path(&timeout, "caveats").as_array().is_some_and(Vec::is_empty), "{timeout:#}");
    let nat = probe(&["nat", SERVER]);
    assert!(path(&nat, "verdict.code").is_string(), "{nat:#}");
    assert_eq!(compared(&lab)[0], got, "nothing came late");
    assert!(started.elapsed() > secs(5), "the forged delays are over");
    // The log reports it to the operator.
    server.signal("INT");
    let told = server.wait(secs(10)).err();
    assert!(told.contains("withheld (over a limit)"), "{told}");
}

#[test]
#[ignore = "a program for the other test, which starts it in a namespace"]
fn asks_for_a_probe() {
    // Run by hand with all ignored tests: do nothing.
    let Ok(server) = std::env::var("UDPKIT_ASK") else { return };
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a port");
    socket.connect(server).expect("a route");
    socket.set_read_timeout(Some(secs(5))).expect("a deadline");
    let ask = |text: &str| {
        socket.send(format!("{text:<600}").as_bytes()).expect("it is sent");
        let mut bytes = [0; 2_000];
        let len = socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{text}: {error}"));
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    };
    let value = |answer: &str, key: &str| {
        let line = answer.lines().find_map(|line| line.split_once(&format!("-{key}=")));
        line.unwrap_or_else(|| panic!("no {key} in {answer}")).1.to_owned()
    };
    let ticket = value(&ask("a HELO"), "ticket");
    let session = value(&ask(&format!("b HELO ticket={ticket}")), "session");
    let granted = ask(&format!("c TEST session={session} kind=probe"));
    // After the line that the test runner has started.
    let text = format!("\ngranted {} {}\n", value(&granted, "key"), value(&granted, "tag"));
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).expect("somebody reads it");
}
