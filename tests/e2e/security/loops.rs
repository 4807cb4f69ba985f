//! Two responders that reply to each other fall silent: real programs, triggered by one forged
//! datagram each, counted by the kernel's firewall. Other clients are served meanwhile.

use super::forge::Forger;
use crate::common::{Lab, Running, json, number, require_lab, run, secs};
use std::net::{SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

const A: &str = "10.77.0.1";
const B: &str = "10.77.0.2";

/// The ports of the responders on one host.
const ECHO: u16 = 1_007;
const FIXED: u16 = 1_008;
const HELPLESS: u16 = 1_009;
const TALKER: u16 = 1_010;
const SERVE: u16 = 1_011;
const STAMP: u16 = 862;
const DOOR: u16 = 1_012;
const PORTS: [u16; 7] = [ECHO, FIXED, HELPLESS, TALKER, SERVE, STAMP, DOOR];

/// Starts all kinds of responders on one host.
fn answerers(lab: &Lab, host: &str) -> Vec<Running> {
    let at = |port: u16| format!(":{port}");
    let bind = |port: u16| format!("0.0.0.0:{port}");
    let (any, stamp) = (bind(SERVE), format!("--stamp={}", bind(STAMP)));
    let plans: [(&[&str], u16); 6] = [
        (&["recv", "--echo", "-q", &at(ECHO)], ECHO),
        (&["recv", "--reply", "ok", "-q", &at(FIXED)], FIXED),
        (&["recv", "--reply", "a HELP", "-q", &at(HELPLESS)], HELPLESS),
        // By its first byte neither text nor STUN, so it may be STAMP.
        (&["recv", &format!("--reply={REPLY}"), "-q", &at(TALKER)], TALKER),
        (&["serve", &any, &stamp, "--stamp-short", "--stun-short"], SERVE),
        (&["cast", "send", "--open", "--bind", &at(DOOR), "--repeat", "1000", "hello"], DOOR),
    ];
    let start = |(args, port): (&[&str], u16)| {
        let running = Running::start(lab.udpkit(host).args(args));
        lab.wait_bound(host, port);
        running
    };
    let all = plans.map(start).into();
    lab.wait_bound(host, STAMP);
    all
}

const REPLY: &str = "- nobody knows you here, and nobody ever will, so please go away now";

/// Counts what goes from one port of `a` to one of `b` and back.
fn count_udp(lab: &Lab) {
    lab.nft(
        "a",
        "add table inet t\n\
         add counter inet t crossing\n\
         add chain inet t in { type filter hook input priority 0; }\n\
         add chain inet t out { type filter hook output priority 0; }\n\
         add rule inet t in meta l4proto udp counter name crossing\n\
         add rule inet t out meta l4proto udp ip ttl != 77 counter name crossing",
    );
}

fn counted(lab: &Lab) -> u64 {
    lab.counter("a", "inet t", "crossing").0
}

/// Waits until nothing is sent for half a second; returns what was sent beyond `start`.
fn until_quiet(lab: &Lab, start: u64, what: &str) -> u64 {
    let deadline = Instant::now() + secs(10);
    let mut before = start;
    loop {
        // The silence is what is looked for.
        sleep(Duration::from_millis(500));
        let now = counted(lab);
        if now == before {
            return now - start;
        }
        assert!(Instant::now() < deadline, "{what}: still going after {}", now - start);
        before = now;
    }
}

/// First datagrams of every protocol.
fn firsts() -> Vec<Vec<u8>> {
    let mut stun = b"\x00\x01\x00\x00\x21\x12\xA4\x42".to_vec();
    stun.resize(20, 7);
    let mut reply = vec![0; 44];
    reply[16..24].copy_from_slice(&[1; 8]);
    vec![
        b"a HELP".to_vec(),
        b"a XXXX".to_vec(),
        b"a 500 not understood; HELP\r\n".to_vec(),
        vec![0; 44],
        reply,
        stun,
        REPLY.into(),
        Vec::new(),
    ]
}

#[test]
fn every_pair_of_our_responders_falls_silent_after_one_forged_datagram() {
    require_lab!();
    let lab = Lab::pair();
    count_udp(&lab);
    let _here = answerers(&lab, "a");
    let _there = answerers(&lab, "b");
    for first in firsts() {
        let start = counted(&lab);
        let mut forger = Forger::start(&lab, "a");
        // All pairs at once, each with one datagram to `b` that seems to come from `a`.
        for here in PORTS {
            for there in PORTS {
                forger.send(&format!("{A}:{here}"), &format!("{B}:{there}"), &first);
            }
        }
        forger.finish();
        let sent = until_quiet(&lab, start, &format!("{first:02x?}"));
        let pairs = (PORTS.len() * PORTS.len()) as u64;
        // At most some tens per pair, and for most pairs none or one. The three that answer
        // everything may go on for 4,096 with each other, where this machine is too busy to answer
        // within 5 ms.
        let most = pairs * 80 + 3 * 3 * 2 * 4_096;
        assert!(sent <= most, "{sent} datagrams of {pairs} pairs from {first:02x?}");
    }
    assert_eq!(until_quiet(&lab, counted(&lab), "later"), 0);
}

/// Replies to everything that arrives at a port of `a` by a script, until dropped. The firewall
/// counts.
fn foreign(lab: &Lab, port: u16, script: &str) -> Running {
    let program = format!(
        "import socket\n\
         s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
         s.bind(('0.0.0.0', {port}))\n\
         n = 0\n\
         while True:\n\
        \x20   data, peer = s.recvfrom(2000)\n\
        \x20   n += 1\n\
        \x20   s.sendto({script}, peer)\n"
    );
    let running = Running::start(lab.command("a", "python3").args(["-c", &program]));
    lab.wait_bound("a", port);
    running
}

#[test]
fn generators_fixed_replies_and_echoes_of_others_do_not_keep_a_server_busy() {
    require_lab!();
    let lab = Lab::pair();
    count_udp(&lab);
    let stamp = format!("--stamp=0.0.0.0:{STAMP}");
    let args = ["serve", "0.0.0.0:1011", &stamp, "--stamp-short", "--stun-short"];
    let _server = Running::start(lab.udpkit("b").args(args));
    lab.wait_bound("b", SERVE);
    lab.wait_bound("b", STAMP);
    let turning = "bytes(32 + (n + i) % 95 for i in range(72)) + b'\\r\\n'";
    let symbols = "bytes(33 + (n + i) % 15 for i in range(72))";
    let stun = "b'\\x00\\x01\\x00\\x64\\x21\\x12\\xA4\\x42' + bytes(112)";
    let others = [
        (19, turning),
        (2_019, turning),
        (2_020, symbols),
        (2_021, "b'a HELP'"),
        (2_022, "b'a HELO pad=' + b'x' * 200"),
        (2_023, "b'a WHAT'"),
        (2_024, "bytes(44)"),
        (2_025, stun),
        (2_007, "data"),
    ];
    let _foreign: Vec<_> =
        others.iter().map(|(port, script)| foreign(&lab, *port, script)).collect();
    for first in firsts() {
        let start = counted(&lab);
        let mut forger = Forger::start(&lab, "a");
        for (here, _) in others {
            for there in [SERVE, STAMP] {
                forger.send(&format!("{A}:{here}"), &format!("{B}:{there}"), &first);
            }
        }
        forger.finish();
        let sent = until_quiet(&lab, start, &format!("{first:02x?}"));
        assert!(sent <= 2 * 60 * others.len() as u64, "{sent} datagrams from {first:02x?}");
    }
    assert_eq!(until_quiet(&lab, counted(&lab), "later"), 0);
    // Other clients are served.
    let server = format!("{B}:{SERVE}");
    let ping = ["ping", &format!("{B}:{STAMP}"), "-c", "500", "-i", "1ms", "-J"];
    let ping = json(&run(lab.udpkit("a").args(ping), secs(30)).expect_success().out());
    assert_eq!(number(&ping, "targets.0.back"), 500, "{ping}");
    let blast = ["blast", &server, "--time", "300ms", "--rate", "1M", "-J"];
    run(lab.udpkit("a").args(blast), secs(30)).expect_success();
}

#[test]
fn a_client_that_asks_the_same_a_thousand_times_in_lock_step_sees_every_answer() {
    for answering in [&["--echo"][..], &["--reply", "ok"]] {
        let mut command = crate::common::udpkit();
        command.args(["recv", "127.0.0.1:0", "-J"]).args(answering);
        let receiver = Running::start(&mut command);
        let line = receiver.wait_for_line("listening on ", secs(5));
        let address: SocketAddr =
            line.trim_start_matches("listening on ").parse().expect("an address");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(address).expect("a route");
        socket.set_read_timeout(Some(secs(5))).expect("a deadline");
        for number in 0..1_000 {
            socket.send(b"the same").expect("it is sent");
            let answer = socket.recv(&mut [0; 100]);
            assert!(answer.is_ok(), "{answering:?}: {number} is not answered");
        }
        receiver.signal("INT");
        let document = json(&receiver.wait(secs(10)).expect_success().out());
        assert_eq!(number(&document, "answered"), 1_000);
        assert_eq!(number(&document, "suspected_loop"), 0);
    }
}

#[test]
fn two_echoes_on_any_ports_end_and_say_that_it_looked_like_a_loop() {
    require_lab!();
    let lab = Lab::pair();
    count_udp(&lab);
    let echo = |host: &str| {
        let running = Running::start(lab.udpkit(host).args(["recv", "--echo", "-J", ":40000"]));
        lab.wait_bound(host, 40_000);
        running
    };
    let (here, there) = (echo("a"), echo("b"));
    let start = counted(&lab);
    let mut forger = Forger::start(&lab, "a");
    forger.send(&format!("{A}:40000"), &format!("{B}:40000"), b"hello");
    forger.finish();
    let sent = until_quiet(&lab, start, "two echoes");
    // On one port, and fast: 256 of each.
    assert!((2..=8_200).contains(&sent), "{sent}");
    let mut left_out = 0;
    for running in [here, there] {
        running.signal("INT");
        let document = json(&running.wait(secs(10)).expect_success().out());
        left_out += number(&document, "suspected_loop");
    }
    assert_eq!(left_out, 1);
}
