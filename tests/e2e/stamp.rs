//! `udpkit serve` as a STAMP session-reflector for other senders, and `udpkit ping` with other
//! reflectors: scapy's STAMP layer, Python's HMAC, and tshark to decode what was on the wire.

use crate::common::{
    Capture, Lab, Running, json_lines, require_lab, require_tools, run, secs, skip, udpkit,
};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;
use udpkit::record::{LocalFailure, ServeRecord, Worded};

/// The first Python that has a module.
fn python(module: &str) -> Option<&'static str> {
    ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        let import = format!("import {module}");
        Command::new(python).args(["-c", &import]).output().is_ok_and(|told| told.status.success())
    })
}

/// The Python that has scapy's STAMP layer; skips the test without one.
macro_rules! require_scapy {
    () => {
        match python("scapy.contrib.stamp") {
            Some(python) => python,
            None => skip!("scapy's STAMP layer is not installed (python3-scapy)"),
        }
    };
}

fn script() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/peers/stamp.py")
}

/// A server on 127.0.0.1 and the port that the kernel chose for it.
fn serve(args: &[&str]) -> (Running, u16) {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]).args(args));
    let line = server.wait_for_line("serving on", secs(5));
    (server, port_of(&line))
}

fn port_of(line: &str) -> u16 {
    let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
    let port = address.and_then(|address| address.rsplit(':').next()?.parse().ok());
    port.unwrap_or_else(|| panic!("no port in {line}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Checks what scapy decoded from the replies to sequence numbers 0, 1 and 3.
fn assert_replies(replies: &[Value]) {
    assert_eq!(replies.len(), 3, "{replies:?}");
    for (reply, (seq, asked)) in replies.iter().zip([(0, 0), (1, 1), (2, 3)]) {
        assert_eq!(reply["bytes"], reply["bytes_sent"]);
        assert_eq!((&reply["seq"], &reply["seq_sender"]), (&json!(seq), &json!(asked)));
        assert_eq!((&reply["ssid"], &reply["ttl"]), (&json!(77), &json!(200)));
        assert_eq!(reply["estimate_echoed"], true);
        assert_eq!(reply["stamp_echoed"], true);
        assert_ne!(reply["multiplier"], 0);
        // One clock, so each leg takes a short positive time. Python's time stamps are floats of
        // 0.5 µs at this distance from 1900.
        for leg in ["out", "turn", "back"] {
            let seconds = number(&reply[leg]);
            assert!((-0.000_002..2.0).contains(&seconds), "{leg} took {seconds} s");
        }
        let counters = format!("{:08x}{:08x}{:08x}", asked + 1, seq + 1, seq + 1);
        // DSCP1 46, DSCP2 34, ECN 2 (ECT(0)), RP 0.
        let class = format!("{:04x}0000", 46 << 10 | 34 << 4 | 2 << 2);
        let expected =
            json!([[0, 1, "0102030405"], [0, 4, class], [0, 5, counters], [0x80, 241, "6869"],]);
        assert_eq!(reply["tlvs"], expected);
    }
}

#[test]
fn scapy_reads_the_replies_to_the_requests_that_it_builds() {
    let python = require_scapy!();
    let (_server, port) = serve(&[]);
    let mut peer = Command::new(python);
    peer.arg(script()).args(["open", "127.0.0.1", &port.to_string()]);
    assert_replies(&json_lines(&run(&mut peer, secs(20)).expect_success().out()));
}

#[test]
fn scapy_answers_the_requests_of_ping_and_ping_reads_what_it_built() {
    let python = require_scapy!();
    let mut peer = Command::new(python);
    let peer = Running::start(peer.arg(script()).args(["reflect", "127.0.0.1", "9"]));
    let port = peer.wait_for_line("", secs(20));
    let at = format!("127.0.0.1:{}", port.trim());
    let args = ["ping", &at, "-c", "9", "-i", "50ms", "-w", "5s", "--ssid", "77", "-J"];
    let ask = ["--dscp", "EF", "--ask", "counts,departure"];
    let told = run(udpkit().args(args).args(ask), secs(30)).expect_success();
    let told = crate::common::json(&told.out())["targets"][0].clone();
    assert_eq!((&told["sent"], &told["back"]), (&json!(9), &json!(8)), "{told:#}");
    let lost = [&told["lost_out"], &told["lost_back"], &told["lost_way_unknown"]];
    assert_eq!(lost, [&json!(0), &json!(1), &json!(0)], "{told:#}");
    assert_eq!((&told["dscp_seen"], &told["ecn_seen"]), (&json!(8), &json!(3)));
    assert_eq!((&told["target_received"], &told["target_reflected"]), (&json!(9), &json!(9)));
    assert_eq!((&told["routers_out"], &told["questions"]), (&json!(5), &json!(0)));
    // The next reply reported the lost reply's departure, but its own time stamp never arrived.
    assert_eq!(told["departure_delay_ns"]["samples"], 6, "{told:#}");
    let left = told["departure_delay_ns"]["min"].as_u64().expect("a time");
    assert!((998_000..1_002_000).contains(&left), "{left}");
    let requests: Vec<Value> = peer
        .wait(secs(10))
        .expect_success()
        .out()
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    assert_eq!(requests.len(), 9);
    for (seq, request) in requests.iter().enumerate() {
        let tlvs = json!([
            [0x80, 4, format!("{:04x}0000", 46 << 10)],
            [0x80, 5, format!("{:08x}{:016x}", seq + 1, 0)],
            [0x80, 7, "0".repeat(32)],
        ]);
        assert_eq!((&request["seq"], &request["ssid"]), (&json!(seq), &json!(77)));
        assert_eq!((&request["mbz"], &request["bytes"]), (&json!(0), &json!(44 + 8 + 16 + 20)));
        assert_eq!(request["tlvs"], tlvs);
        assert_ne!(request["multiplier"], 0);
        let behind = number(&request["behind"]);
        assert!((-0.000_002..5.0).contains(&behind), "{behind}");
    }
}

#[test]
fn pythons_hmac_agrees_with_the_authenticated_reply() {
    let Some(python) = python("hmac") else { skip!("python3 is not installed") };
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(key.path(), "0123456789abcdef\n").expect("it is written");
    let (_server, port) = serve(&["--key", key.path().to_str().expect("a name")]);
    let mut peer = Command::new(python);
    let port = port.to_string();
    peer.arg(script()).args(["signed", "127.0.0.1", &port, "0123456789abcdef"]);
    let told = json_lines(&run(&mut peer, secs(20)).expect_success().out());
    let expected = json!({
        "bytes_sent": 148, "bytes": 148, "seq": 0, "seq_sender": 9, "ssid": 5, "ttl": 200,
        "stamp_echoed": true, "hash": true, "counters": [1, 1, 1], "options_hash": true,
        "flags": [0, 0],
    });
    assert_eq!(told, [expected]);
    // Without the key there is no reply; the next one, with it, shows that the server runs.
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a port");
    stranger.connect(format!("127.0.0.1:{port}")).expect("a route");
    stranger.send(&[0; 44]).expect("it is sent");
    stranger.send(format!("{:<600}", "a HELP").as_bytes()).expect("it is sent");
    stranger.set_read_timeout(Some(secs(5))).expect("a deadline");
    let mut bytes = [0; 2_000];
    let len = stranger.recv(&mut bytes).expect("the server's word");
    assert_eq!(bytes[0], b'a', "{:?}", &bytes[..len]);
}

#[test]
fn on_the_wire_ttl_and_dscp_are_reported_and_the_reply_has_ttl_255_and_the_requested_dscp() {
    require_lab!();
    require_tools!("tshark", "dumpcap");
    let python = require_scapy!();
    let lab = Lab::pair();
    let server = Running::start(lab.udpkit("b").args(["serve", "--stamp"]));
    server.wait_for_line("answering STAMP on [::]:862", secs(5));
    let capture = Capture::start(&lab, "a", "eth0", "udp port 862");
    for host in ["10.77.0.2", "fd77::2"] {
        let mut peer = lab.command("a", python);
        peer.arg(script()).args(["open", host, "862"]);
        assert_replies(&json_lines(&run(&mut peer, secs(20)).expect_success().out()));
    }
    let fields = ["udp.srcport", "ip.ttl", "ip.dsfield", "ipv6.hlim", "ipv6.tclass", "udp.length"];
    let packets = capture.finish(12, &fields);
    assert_eq!(packets.len(), 12);
    for (index, packet) in packets.iter().enumerate() {
        let packet: Vec<&str> = packet.iter().map(String::as_str).collect();
        let out = packet[0] != "862";
        let (ttl, field) = if index < 6 { (packet[1], packet[2]) } else { (packet[3], packet[4]) };
        let (wanted_ttl, wanted_field) = if out { ("200", 0x8A) } else { ("255", 0xB8) };
        let hex = field.rsplit('x').next().unwrap_or_default();
        let field = u8::from_str_radix(hex, 16).expect("a TOS");
        assert_eq!((ttl, field), (wanted_ttl, wanted_field), "packet {index}: {packet:?}");
        // 44 bytes, the options and the UDP header, both ways.
        assert_eq!(packet[5], (8 + 44 + 9 + 8 + 16 + 6).to_string());
    }
}

#[test]
fn tshark_reads_the_reply_as_twamp() {
    require_lab!();
    require_tools!("tshark", "dumpcap");
    let lab = Lab::pair();
    let server = Running::start(lab.udpkit("b").args(["serve", "--stamp"]));
    server.wait_for_line("answering STAMP on [::]:862", secs(5));
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("wire.pcapng");
    let mut record = lab.command("a", "dumpcap");
    record.args(["-i", "eth0", "-f", "udp port 862", "-c", "2", "-w"]).arg(&file);
    let record = Running::start(&mut record);
    assert!(record.wait_for_stderr(secs(10), |said| said.contains("File: ")));
    // Sequence 7, one time stamp, an error estimate; bash sends it from a.
    let request = "\\0\\0\\0\\7\\351\\241\\262\\303\\200\\0\\0\\0\\1\\1".to_owned();
    let zeros = "\\0".repeat(30);
    lab.shell("a", &format!("printf '{request}{zeros}' | nc -u -w 1 10.77.0.2 862 >/dev/null"));
    record.wait(secs(10)).expect_success();
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&file).args(["-d", "udp.port==862,twamp.test", "-T", "fields"]);
    for field in ["seq_number", "sender_seq_number", "sender_ttl"] {
        tshark.args(["-e", &format!("twamp.test.{field}")]);
    }
    let told = run(&mut tshark, secs(60)).expect_success().out();
    let last = told.lines().last().unwrap_or_default().to_owned();
    assert_eq!(last, "0\t7\t64", "{told}");
}

#[test]
fn a_burst_is_answered_whole_and_numbered_in_order() {
    let (_server, port) = serve(&[]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(("127.0.0.1", port)).expect("a route");
    socket.set_read_timeout(Some(secs(5))).expect("a deadline");
    let mut packet = [0; 44];
    packet[13] = 1;
    // As many as the default receive buffer can hold of the replies.
    for seq in 0..200_u32 {
        packet[..4].copy_from_slice(&seq.to_be_bytes());
        socket.send(&packet).expect("it is sent");
    }
    let mut reply = [0; 100];
    for seq in 0..200_u32 {
        assert_eq!(socket.recv(&mut reply).expect("a reply"), 44);
        assert_eq!((&reply[..4], &reply[24..28]), (&seq.to_be_bytes()[..], &seq.to_be_bytes()[..]));
    }
}

#[test]
fn twamps_short_request_is_answered_only_with_stamp_short() {
    for (args, answered) in [(&[][..], false), (&["--stamp-short"][..], true)] {
        let (_server, port) = serve(args);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(("127.0.0.1", port)).expect("a route");
        socket.set_read_timeout(Some(secs(5))).expect("a deadline");
        let mut packet = [0; 41];
        packet[13] = 1;
        socket.send(&packet[..14]).expect("it is sent");
        // A following request of 41 bytes always gets a reply.
        packet[3] = 1;
        socket.send(&packet).expect("it is sent");
        let mut reply = [0; 100];
        let first = socket.recv(&mut reply).expect("a reply");
        assert_eq!((first, reply[27]), (41, u8::from(!answered)));
    }
}

#[test]
fn a_port_that_cannot_be_had_is_named_and_serving_goes_on() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let stamp = format!("--stamp={address}");
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0", &stamp]));
    let port = port_of(&server.wait_for_line("serving on", secs(5)));
    let failure = LocalFailure::InUse { address: address.into() };
    server.wait_for_line(&ServeRecord::NoStampPort { failure }.text(), secs(5));
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(("127.0.0.1", port)).expect("a route");
    socket.set_read_timeout(Some(secs(5))).expect("a deadline");
    socket.send(&[0; 44]).expect("it is sent");
    assert_eq!(socket.recv(&mut [0; 100]).map_err(|error| error.kind()), Ok::<_, ErrorKind>(44));
}

#[test]
fn wrong_limits_are_usage_errors() {
    for (flag, value, told) in [
        ("--stamp-rate", "10M", "counts datagrams"),
        ("--stamp", "nowhere.invalid", "use an IP address of this host"),
        ("--stamp", ":99999", "up to 65535"),
    ] {
        let output =
            run(udpkit().args(["serve", "127.0.0.1:0", &format!("{flag}={value}")]), secs(10));
        assert_eq!(output.status.code(), Some(2), "{flag} {value}: {}", output.err());
        assert!(output.err().contains(told), "{}", output.err());
    }
}
