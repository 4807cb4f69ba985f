//! Lying servers: an honest client reports the contradiction, treats no limit as held, prints no
//! wrong figures and fails. Numbers of any size end no program.

mod liar;

use crate::common::{Output, Running, free_udp_port, json, path, run, secs, udpkit, wait_bound};
use liar::Liar;
use serde_json::Value;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

fn serve(args: &[&str]) -> (Running, u16) {
    let port = free_udp_port();
    let server = Running::start(udpkit().args(["serve", "-p", &port.to_string()]).args(args));
    server.wait_for_line("serving on", secs(5));
    (server, port)
}

/// An honest client of the far end at `port`, which sends 200 datagrams of 100 bytes, or has them
/// sent.
fn blast(port: u16, args: &[&str]) -> Output {
    let to = format!("127.0.0.1:{port}");
    let fixed = ["blast", &to, "--size", "100", "--rate", "1kpps", "--count", "200"];
    run(udpkit().args(fixed).args(args), secs(20))
}

/// The report of a client that detected a contradiction of this kind.
#[track_caller]
fn disbelieved(port: u16, args: &[&str], kind: &str) -> Value {
    let limits = ["--json", "--fail-if", "loss>1%", "--fail-if", "p50>1h", "--fail-if", "rate<1"];
    let output = blast(port, &[&limits[..], args].concat());
    assert_eq!(output.code(), Some(1), "{kind}: {}\n{}", output.err(), output.out());
    assert!(output.err().contains("cannot be true: "), "{kind}: {}", output.err());
    let report = json(&output.out());
    assert_eq!(path(&report, "complete"), false, "{kind}: {report:#}");
    assert_eq!(path(&report, "contradiction.code"), kind, "{report:#}");
    let limits = path(&report, "limits").as_array().expect("limits").clone();
    assert_eq!(limits.len(), 3);
    for limit in limits {
        assert_eq!((path(&limit, "held"), path(&limit, "value")), (&false.into(), &Value::Null));
    }
    assert_eq!(path(&report, "lost"), &Value::Null, "{kind}: {report:#}");
    report
}

#[test]
fn a_receiver_that_lies_is_not_believed_and_the_lie_is_named() {
    let (_server, port) = serve(&[]);
    let huge = "1000000000000000";
    for (kind, lies) in [
        (
            "more_arrived",
            vec![("firsts", huge), ("datagrams", huge), ("bytes", "100000000000000000")],
        ),
        ("more_arrived", vec![("firsts", "201"), ("datagrams", "201"), ("bytes", "20100")]),
        ("sum_differs", vec![("lost", "7")]),
        ("other_total", vec![("total", "199")]),
        ("other_total", vec![("total", huge)]),
        ("parts_differ", vec![("duplicates", "1")]),
        ("parts_differ", vec![("datagrams", "18446744073709551614")]),
        ("bytes_differ", vec![("bytes", "18446744073709551615")]),
        ("beyond_whole", vec![("reordered", "18446744073709551615:1:1")]),
        ("beyond_whole", vec![("bursts", "0:18446744073709551615")]),
        ("too_many", vec![("socket_drops", "18446744073709551615")]),
        ("too_long", vec![("times_ns", "18446744073709551615:0:0:0:0:0")]),
        ("too_long", vec![("delay_ns", "-:-:-:-:18446744073709551615")]),
        ("too_long", vec![("i0", "18446744073709551615:18446744073709551615:0:0:0:0:0:0:0:0:0")]),
        ("intervals_beyond", vec![("i0", "0:1000:200000:20000000:0:0:0:0:0:0:0")]),
        ("unreadable", vec![("lost", "18446744073709551616")]),
    ] {
        let liar = Liar::start(port, &lies);
        let report = disbelieved(liar.port(), &[], kind);
        assert_eq!(path(&report, "received"), &Value::Null, "{report:#}");
        assert!(path(&report, "sent.datagrams").as_u64() <= Some(200), "{report:#}");
        assert!(liar.stop() > 0, "{kind}: it never lied");
    }
}

#[test]
fn a_sender_that_lies_is_not_believed_and_the_lie_is_named() {
    let (_server, port) = serve(&[]);
    let huge = "1000000000000000";
    for (kind, lies) in [
        ("fewer_sent", vec![("tx_datagrams", "199"), ("tx_bytes", "19900")]),
        (
            "beyond_asked",
            vec![("tx_datagrams", "201"), ("tx_offered", "201"), ("tx_bytes", "20100")],
        ),
        ("bytes_differ", vec![("tx_datagrams", huge)]),
        ("too_many", vec![("tx_offered", "18446744073709551615")]),
        ("too_long", vec![("tx_span_ns", "18446744073709551615")]),
        ("too_long", vec![("tx_cpu_ns", "18446744073709551615")]),
    ] {
        let liar = Liar::start(port, &lies);
        let report = disbelieved(liar.port(), &["--reverse"], kind);
        assert_eq!(path(&report, "sent"), &Value::Null, "{report:#}");
        assert!(path(&report, "received.datagrams").as_u64() > Some(0), "{report:#}");
        assert!(liar.stop() > 0, "{kind}: it never lied");
    }
}

#[test]
fn in_print_nothing_rests_on_a_lie() {
    let (_server, port) = serve(&[]);
    let huge = "1000000000000000";
    let lies = [("firsts", huge), ("datagrams", huge), ("bytes", "100000000000000000")];
    let liar = Liar::start(port, &lies);
    let output = blast(liar.port(), &["--fail-if", "loss>1%"]);
    assert_eq!(output.code(), Some(1), "{}", output.err());
    let out = output.out();
    let named = "it reports 1 000 000 000 000 000 datagrams received, but only ";
    let flowing = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let caution = format!("the server's counts contradict this end's and are ignored: {named}");
    assert!(flowing.contains(caution.trim_end()), "{out}");
    assert!(output.err().contains(named), "{}", output.err());
    assert!(out.contains("limit      unknown: loss>1%"), "{out}");
    for row in ["received", "lost"] {
        let line = out.lines().find(|line| line.trim_start().starts_with(row)).expect(row);
        assert_eq!(line.split_whitespace().nth(1), Some("-"), "{line}");
    }
    assert!(!out.contains("Gbit/s") && !out.contains("held"), "{out}");
}

#[test]
fn the_same_way_without_a_lie_is_a_whole_run() {
    let (_server, port) = serve(&[]);
    for args in [&[][..], &["--reverse"], &["--bidir"], &["--streams", "3"]] {
        let honest = Liar::start(port, &[]);
        let output = blast(honest.port(), &[&["--json", "--fail-if", "loss>1%"], args].concat());
        assert_eq!(output.code(), Some(0), "{args:?}: {}\n{}", output.err(), output.out());
        let report = json(&output.out());
        assert_eq!(path(&report, "complete"), true, "{report:#}");
        assert_eq!(path(&report, "contradiction"), &Value::Null, "{report:#}");
        honest.stop();
    }
}

/// A manual client: a socket to `port` that sends one command after another.
struct ByHand {
    socket: UdpSocket,
    port: u16,
}

impl ByHand {
    fn new(port: u16) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has sockets");
        socket.set_read_timeout(Some(secs(5))).expect("loopback has sockets");
        Self { socket, port }
    }

    fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, (Ipv4Addr::LOCALHOST, self.port)).expect("loopback carries it");
    }

    /// Sends a command; the reply.
    fn ask(&self, line: &str) -> String {
        self.send(line.as_bytes());
        let mut buffer = [0; 2_000];
        let len =
            self.socket.recv(&mut buffer).unwrap_or_else(|e| panic!("no reply to {line}: {e}"));
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    }

    /// HELO with its padding, then with the ticket; the ticket and the second reply.
    fn hello(&self, tag: &str) -> (String, String) {
        let first = self.ask(&format!("{tag}1 HELO pad={}\r\n", "x".repeat(200)));
        let ticket = value(&first, "ticket").expect("a ticket");
        let second = self.ask(&format!("{tag}2 HELO ticket={ticket}\r\n"));
        (ticket, second)
    }
}

fn value(reply: &str, key: &str) -> Option<String> {
    let at = reply.find(&format!("-{key}="))? + key.len() + 2;
    Some(reply[at..].split(['\r', '\n']).next()?.to_owned())
}

/// A measurement header of 16 bytes.
fn header(kind: u8, tag: u16, sequence: u32, sent: u64) -> Vec<u8> {
    let mut bytes = vec![0xD6, 0x10 | kind];
    bytes.extend(tag.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(sent.to_be_bytes());
    bytes
}

#[test]
fn extreme_time_stamps_of_a_client_do_not_stop_the_server() {
    let (server, port) = serve(&[]);
    let client = ByHand::new(port);
    let (_, opened) = client.hello("c");
    let session = value(&opened, "session").expect("a session");
    let granted = client.ask(&format!(
        "c3 TEST session={session} direction=up streams=1 size=16 rate=max count=5000\r\n"
    ));
    let tag: u16 = value(&granted, "tag").expect("a grant").parse().expect("a tag");
    let stream = ByHand::new(port);
    let (ticket, _) = stream.hello("s");
    let go = stream.ask(&format!("s3 DATA session={session} stream=0 ticket={ticket}\r\n"));
    assert!(go.contains("354"), "{go}");
    // For longer than the server's epochs of 50 ms: a clock that jumps between extremes.
    let stamps = [0, u64::MAX, 1 << 63, (1 << 63) - 1, 1, u64::MAX - 1, 1 << 62];
    let until = Instant::now() + Duration::from_millis(1_500);
    let mut number = 0u32;
    while Instant::now() < until {
        for stamp in stamps {
            let jump = if number.is_multiple_of(97) { 0x7FFF_FFFF } else { 0 };
            stream.send(&header(0, tag, number.wrapping_add(jump), stamp));
            number = number.wrapping_add(1);
        }
        // A pace that lasts as long as it should, and that the server's socket can follow.
        std::thread::sleep(Duration::from_millis(3));
    }
    let status = client.ask(&format!("c4 STAT session={session} from=0\r\n"));
    let came: u64 = value(&status, "datagrams").expect("counts").parse().expect("a number");
    assert!(came > 1_000 && status.contains("state=running"), "the stream lives: {status}");
    // The highest possible totals.
    for total in [u64::MAX, 1 << 48] {
        let mut end = header(1, tag, number, 0);
        end.extend(total.to_be_bytes());
        stream.send(&end);
    }
    let status = client.ask(&format!("c5 STAT session={session} from=0 sent={}\r\n", u64::MAX));
    assert!(status.contains(" 211"), "{status}");
    let honest = blast(port, &["--json", "--fail-if", "loss>1%"]);
    assert_eq!(honest.code(), Some(0), "{}\n{}", honest.err(), honest.out());
    assert!(server.is_running(), "{}", server.stdout_so_far());
}

#[test]
fn an_extreme_announcement_or_a_foreign_datagram_ends_no_receiver() {
    let port = free_udp_port();
    let at = format!("127.0.0.1:{port}");
    let receiver = Running::start(udpkit().args(["cast", "recv", &at, "--json", "--time", "2s"]));
    wait_bound(port);
    let stranger = ByHand::new(port);
    for (index, edge) in [u64::MAX, 1 << 63, (1 << 48) + 1, 1 << 48, 0].into_iter().enumerate() {
        for (sent, mark) in [(edge, edge), (edge, 0), (u64::MAX, edge)] {
            for key in ["sent", "total"] {
                let line = format!(
                    "f STAT run=000000000000fee{index} tag={index} at={edge} began={edge} \
                     receivers={edge} every={edge} within={edge} mark={mark} {key}={sent} pad="
                );
                stranger.send(format!("{line}{}\r\n", "x".repeat(598 - line.len())).as_bytes());
                for sequence in [0, u32::MAX, 1 << 31, 1] {
                    stranger.send(&header(0, index as u16, sequence, edge));
                }
            }
        }
        let mut end = header(1, index as u16, 9, edge);
        end.extend([edge.to_be_bytes(), edge.to_be_bytes()].concat());
        stranger.send(&end);
    }
    let output = receiver.wait(secs(20));
    assert!(output.code().is_some_and(|code| code <= 1), "{:?}: {}", output.status, output.err());
    assert!(!output.err().contains("panicked"), "{}", output.err());
    let report = json(&output.out());
    assert!(path(&report, "received").as_u64() > Some(50), "{report:#}");
}

#[test]
fn a_receivers_report_that_cannot_be_true_is_named_and_in_no_sum() {
    let receiver = ByHand::new(0);
    let at = receiver.socket.local_addr().expect("loopback has sockets").to_string();
    let args = ["cast", "send", &at, "-s", "100", "-c", "40", "--rate", "40pps"];
    let limits = ["--json", "--fail-if", "loss>1%"];
    let sender = Running::start(udpkit().args(args).args(limits));
    let mut buffer = [0; 2_000];
    let mut told = 0;
    while sender.is_running() && told < 40 {
        let Ok((len, from)) = receiver.socket.recv_from(&mut buffer) else { break };
        let line = String::from_utf8_lossy(&buffer[..len]).into_owned();
        let Some(run) = line.strip_prefix("f STAT run=").map(|rest| &rest[..16]) else { continue };
        told += 1;
        let verb = if line.contains("total=") { "QUIT" } else { "STAT" };
        let report = format!(
            "f {verb} run={run} id=00000001 to={at} received=1000000000000000 \
             firsts=1000000000000000 lost=0 bursts=0 longest=0 reordered=0 duplicates=0 drops=0 \
             echo=0 held=0 now=0\r\n"
        );
        receiver.socket.send_to(report.as_bytes(), from).expect("loopback carries it");
    }
    let output = sender.wait(secs(20));
    assert_eq!(output.code(), Some(3), "{}\n{}", output.err(), output.out());
    let report = json(&output.out());
    let row = path(&report, "receiver_rows").as_array().expect("receivers")[0].clone();
    assert_eq!(path(&row, "contradiction.code"), "more_arrived", "{report:#}");
    assert_eq!(path(&row, "contradiction.arrived"), 1_000_000_000_000_000_u64);
    for figure in ["received", "lost_datagrams", "expected"] {
        assert_eq!(path(&row, figure), &Value::Null, "{report:#}");
    }
    let limit = path(&report, "limits").as_array().expect("limits")[0].clone();
    assert_eq!(path(&limit, "held"), false, "{report:#}");
}

#[test]
fn an_agent_that_reports_more_than_was_requested_is_not_believed() {
    let (_server, port) = serve(&[]);
    let row = "4294967295,0,18446744073709551615,127.0.0.1:9,0,-,-,80,-,9,4294967295";
    let whole = "4000000000,1000,500,127.0.0.1:9,0,64,0,80,-,9,4294967295";
    for (lie, is_read) in [(row, false), (whole, true)] {
        let liar = Liar::start(port, &[("i1", lie)]);
        let to = format!("127.0.0.1:{}", liar.port());
        let output =
            run(udpkit().args(["probe", "marks", &to, "--json", "--tries", "2"]), secs(60));
        assert_eq!(output.code(), Some(1), "{}\n{}", output.err(), output.out());
        assert!(!output.err().contains("panicked"), "{}", output.err());
        if is_read {
            let report = json(&output.out());
            assert_eq!(path(&report, "traffic.contradiction.code"), "more_arrived", "{report:#}");
            assert_eq!(path(&report, "traffic.control_arrived"), &Value::Null, "{report:#}");
            let caveats = path(&report, "caveats").as_array().expect("a list");
            let told = caveats.iter().find(|one| one["code"] == "agent_contradicted");
            let told = told.unwrap_or_else(|| panic!("{report:#}"));
            assert_eq!(told["contradiction"]["code"], "more_arrived", "{told:#}");
            assert_eq!(told["contradiction"]["arrived"], 4_000_000_000_u64, "{told:#}");
        }
        assert!(liar.stop() > 0, "it never lied");
    }
}
