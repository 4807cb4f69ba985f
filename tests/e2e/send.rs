//! `udpkit send`, end to end: real processes, with other programs as receivers.

use crate::common::{
    Lab, Output, Running, free_udp_port, json, path, require_lab, require_tools, run, secs, udpkit,
    wait_bound,
};
use std::io::Write;
use std::net::UdpSocket;
use std::process::Command;

/// A socket that receives, and its address as an argument.
fn sink(bind: &str) -> (UdpSocket, String) {
    let socket = UdpSocket::bind(bind).expect("a port is free");
    socket.set_read_timeout(Some(secs(10))).expect("a time-out can be set");
    let addr = socket.local_addr().expect("bound").to_string();
    (socket, addr)
}

fn next(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = vec![0; 70_000];
    let len = socket.recv(&mut bytes).expect("a datagram comes");
    bytes.truncate(len);
    bytes
}

fn nothing_waits(socket: &UdpSocket) {
    socket.set_nonblocking(true).expect("settable");
    assert!(socket.recv(&mut [0; 10]).is_err(), "one datagram too many");
    socket.set_nonblocking(false).expect("settable");
}

fn send(args: &[&str]) -> Output {
    run(udpkit().arg("send").args(args), secs(20))
}

#[test]
fn every_kind_of_payload_arrives_byte_for_byte() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"abcde").unwrap();
    let name = file.path().to_str().unwrap();
    let (socket, addr) = sink("127.0.0.1:0");
    let cases: &[(&[&str], &[&[u8]])] = &[
        (&["--", "hello", ""], &[b"hello", b""]),
        (&["--", "-c", "\\n"], &[b"-c", b"\\n"]),
        (&["--escape", "--", "a\\n\\t\\0\\xff"], &[b"a\n\t\0\xff"]),
        (&["--hex", "--", "de ad", "", "0xBEef"], &[b"\xde\xad", b"", b"\xbe\xef"]),
        (&["--template", "-c", "2", "--", "{seq}!", "{x}"], &[b"0!", b"{x}", b"2!", b"{x}"]),
        (&["--file", name], &[b"abcde"]),
        (&["--file", name, "--chunk", "2", "-c", "2"], &[b"ab", b"cd", b"e", b"ab", b"cd", b"e"]),
        (&["-s", "0", "-c", "3"], &[b"", b"", b""]),
    ];
    for (args, expected) in cases {
        let mut all = vec![addr.as_str()];
        all.extend(*args);
        send(&all).expect_success();
        for payload in *expected {
            assert_eq!(next(&socket), *payload, "{args:?}");
        }
        nothing_waits(&socket);
    }
}

#[test]
fn sizes_up_to_the_limit_of_each_family_arrive_whole() {
    for (bind, sizes) in [("127.0.0.1:0", [0, 1, 1472, 65_507]), ("[::1]:0", [0, 1, 1472, 65_527])]
    {
        let (socket, addr) = sink(bind);
        for io in ["auto", "gso", "mmsg", "plain", "portable"] {
            for size in sizes {
                let size_text = size.to_string();
                send(&[&addr, "-s", &size_text, "-c", "2", "--io", io]).expect_success();
                let (first, second) = (next(&socket), next(&socket));
                assert_eq!(first.len(), size, "{bind} {io}");
                assert_eq!(first, second);
            }
        }
    }
}

#[test]
fn lines_leave_as_they_are_typed() {
    let (socket, addr) = sink("[::1]:0");
    let mut sender = Running::start_with_input(udpkit().args(["send", &addr]));
    for line in ["one", "", "two words"] {
        sender.write(format!("{line}\n"));
        assert_eq!(next(&socket), line.as_bytes());
    }
    sender.write("no newline");
    sender.close_input();
    assert_eq!(next(&socket), b"no newline");
    let output = sender.wait(secs(5)).expect_success();
    assert!(output.out().contains("sent 4 datagrams, 22 bytes"), "{}", output.out());
}

#[test]
fn standard_input_is_cut_into_pieces_or_keeps_its_newlines() {
    let (socket, addr) = sink("127.0.0.1:0");
    for (args, expected) in [
        (&["--chunk", "3"][..], [&b"a\nb"[..], b"\nc\n"]),
        (&["--newline"][..], [b"a\n", b"b\nc\n"]),
    ] {
        let mut sender = Running::start_with_input(udpkit().args(["send", &addr]).args(args));
        sender.write("a\nb\nc\n");
        sender.close_input();
        sender.wait(secs(5)).expect_success();
        assert_eq!(next(&socket), expected[0]);
        if args.len() == 1 {
            assert_eq!([next(&socket), next(&socket)].concat(), expected[1]);
        } else {
            assert_eq!(next(&socket), expected[1]);
        }
    }
}

#[test]
fn several_destinations_of_both_families_get_the_same_in_the_same_order() {
    let (four, four_addr) = sink("127.0.0.1:0");
    let (six, six_addr) = sink("[::1]:0");
    let args = [&four_addr, &six_addr, "--template", "-c", "100", "--", "{seq} {random:8}"];
    let output = send(&args).expect_success();
    for seq in 0..100 {
        let (a, b) = (next(&four), next(&six));
        assert_eq!(a, b);
        assert!(a.starts_with(format!("{seq} ").as_bytes()));
    }
    assert!(output.out().contains("sent 200 datagrams"), "{}", output.out());
}

#[test]
fn a_name_is_looked_up_in_the_family_that_was_asked_for() {
    let (socket, addr) = sink("127.0.0.1:0");
    let port = addr.rsplit(':').next().unwrap();
    send(&["-4", &format!("localhost:{port}"), "--", "hi"]).expect_success();
    assert_eq!(next(&socket), b"hi");
    let refused = send(&["-6", &addr, "--", "hi"]);
    assert_eq!(refused.code(), Some(1));
    assert!(refused.err().contains("no IPv6 address"), "{}", refused.err());
}

#[test]
fn the_source_port_and_address_are_those_asked_for() {
    let (socket, addr) = sink("127.0.0.1:0");
    let port = free_udp_port();
    for from in [format!("127.0.0.3:{port}"), format!(":{port}")] {
        send(&[&addr, "--bind", &from, "--", "hi"]).expect_success();
        let (_, source) = socket.recv_from(&mut [0; 10]).unwrap();
        assert_eq!(source.port(), port);
        assert_eq!(source.ip().to_string() == "127.0.0.3", from.starts_with("127.0.0.3"));
    }
}

#[test]
fn each_bad_input_is_named_and_nothing_is_sent() {
    let (socket, addr) = sink("127.0.0.1:0");
    let long = "x".repeat(65_508);
    let big = tempfile::NamedTempFile::new().unwrap();
    big.as_file().set_len(70_000).unwrap();
    let big = big.path().to_str().unwrap();
    let cases: &[(i32, &str, &[&str])] = &[
        (1, "nosuch.invalid", &[&addr, "nosuch.invalid:9", "--", "x"]),
        (2, "port 0 cannot be sent to", &[&addr, "127.0.0.1:0", "--", "x"]),
        (2, "put a message after --", &[&addr, "hello"]),
        (2, "65508 bytes exceeds 65507 bytes", &[&addr, "-s", "65508"]),
        (2, "65528 bytes exceeds 65527 bytes", &["[::1]:9", "-s", "65528"]),
        (2, "65527 bytes exceeds 65507 bytes", &["[::1]:9", &addr, "-s", "65527"]),
        (2, "65508 bytes exceeds", &[&addr, "--", "x", &long]),
        (2, "70000 bytes exceeds", &[&addr, "--file", big]),
        (2, "--chunk 0", &[&addr, "--chunk", "0"]),
        (2, "--count 0", &[&addr, "--count", "0"]),
        (2, "fast is not a rate", &[&addr, "--rate", "fast", "--", "x"]),
        (2, "soon is not a time", &[&addr, "--interval", "soon", "--", "x"]),
        (2, "not a hexadecimal digit", &[&addr, "--hex", "--", "00", "xy"]),
        (2, "is not an escape", &[&addr, "--escape", "--", "\\q"]),
        (2, "is not a length", &[&addr, "--template", "--", "{random:x}"]),
        (2, "DSCP", &[&addr, "--dscp", "64", "--", "x"]),
        (1, "cannot read /nosuch/file", &[&addr, "--file", "/nosuch/file"]),
        (2, "no such interface", &[&addr, "--interface", "nosuch0", "--", "x"]),
        (1, "cannot bind 192.0.2.1:9", &[&addr, "--bind", "192.0.2.1:9", "--", "x"]),
        (2, "other address family", &[&addr, "--bind", "[::1]", "--", "x"]),
    ];
    for (code, words, args) in cases {
        let output = send(args);
        let args: Vec<_> = args.iter().map(|arg| &arg[..arg.len().min(60)]).collect();
        assert_eq!(output.code(), Some(*code), "{args:?}\n{}", output.err());
        assert!(output.err().contains(words), "{args:?}\n{}", output.err());
        assert_eq!(output.out(), "", "{args:?}");
    }
    nothing_waits(&socket);
}

#[test]
fn a_line_that_is_too_long_ends_the_run_and_is_named() {
    let (socket, addr) = sink("127.0.0.1:0");
    let mut sender = Running::start_with_input(udpkit().args(["send", &addr]));
    sender.write(format!("fine\n{}\n", "x".repeat(65_508)));
    sender.close_input();
    let output = sender.wait(secs(5));
    assert_eq!(output.code(), Some(2));
    assert!(output.err().contains("line 2 of standard input"), "{}", output.err());
    assert_eq!(next(&socket), b"fine");
    nothing_waits(&socket);
}

#[test]
fn a_broadcast_without_the_flag_is_refused_with_a_hint() {
    let output = send(&["127.255.255.255:9", "--", "x"]);
    assert_eq!(output.code(), Some(1));
    assert!(output.err().contains("--broadcast"), "{}", output.err());
    let words = "not sent 1: the destination is a broadcast address (EACCES)";
    assert!(output.out().contains(words), "{}", output.out());
}

#[test]
fn a_closed_port_is_reported_as_an_icmp_error() {
    for host in ["127.0.0.1", "[::1]"] {
        let addr = format!("{host}:{}", free_udp_port());
        let output = send(&[&addr, "-c", "3", "--io", "mmsg", "--", "x"]).expect_success();
        let ip = host.trim_matches(['[', ']']);
        let words = format!("{addr}: port unreachable, from {ip}");
        assert!(output.err().contains(&words), "{}", output.err());
        let counted = format!("{words}, 3 times");
        assert!(output.out().contains(&counted), "{}", output.out());
    }
}

#[test]
fn answers_are_printed_with_their_sender_and_silence_is_a_failure() {
    let (socket, addr) = sink("127.0.0.1:0");
    let asking = Running::start(
        udpkit().args(["send", &addr, "-w", "10s", "--replies", "2"]).args(["--", "ask"]),
    );
    let mut bytes = [0; 10];
    let (_, asker) = socket.recv_from(&mut bytes).unwrap();
    socket.send_to(b"an\x1bswer", asker).unwrap();
    let line = asking.wait_for_line("an\\x1bswer", secs(5));
    assert!(line.contains(&addr) && line.contains("after"), "{line}");
    let (other, other_addr) = sink("127.0.0.1:0");
    other.send_to(b"stranger", asker).unwrap();
    let output = asking.wait(secs(5)).expect_success();
    assert!(output.out().contains(&other_addr), "{}", output.out());
    let silent = send(&[&addr, "-w", "100ms", "--", "ask"]);
    assert_eq!(silent.code(), Some(1));
    assert!(silent.out().contains("replies 0"), "{}", silent.out());
}

#[test]
fn a_destination_that_is_named_three_times_has_one_row_with_all_its_answers() {
    let (socket, addr) = sink("127.0.0.1:0");
    let args = [&addr, &addr, &addr, "-w", "10s", "--replies", "3", "--", "ask"];
    let asking = Running::start(udpkit().arg("send").args(args));
    for _ in 0..3 {
        let (_, asker) = socket.recv_from(&mut [0; 10]).unwrap();
        socket.send_to(b"answer", asker).unwrap();
    }
    let out = asking.wait(secs(5)).expect_success().out();
    assert!(out.contains("to 1 destination, listed 3 times"), "{out}");
    assert!(out.contains("  3  (listed 3 times)"), "{out}");
    assert!(!out.contains("interrupted") && !out.contains("not sent"), "{out}");
}

#[test]
fn the_document_holds_counts_and_answers_in_base_units() {
    let (socket, addr) = sink("[::1]:0");
    let asking = Running::start(udpkit().args([
        "send",
        &addr,
        "-J",
        "-w",
        "10s",
        "--replies",
        "1",
        "-s",
        "100",
    ]));
    let (len, asker) = socket.recv_from(&mut [0; 200]).unwrap();
    socket.send_to(b"hi", asker).unwrap();
    let document = json(&asking.wait(secs(5)).expect_success().out());
    assert_eq!(len, 100);
    for (key, value) in [
        ("schema", 1),
        ("datagrams", 1),
        ("bytes", 100),
        ("replies", 1),
        ("reply_rows.0.payload_bytes", 2),
    ] {
        assert_eq!(path(&document, key), value, "{key}");
    }
    assert_eq!(path(&document, "command"), "send");
    assert_eq!(path(&document, "reply_rows.0.source"), addr.as_str());
    assert_eq!(path(&document, "reply_rows.0.payload_hex"), "6869");
    assert!(path(&document, "reply_rows.0.after_ns").as_u64().is_some());
    assert!(path(&document, "bits_per_second").is_null());
}

#[test]
fn a_signal_ends_an_endless_run_with_its_summary() {
    let (socket, addr) = sink("127.0.0.1:0");
    for signal in ["INT", "TERM"] {
        let sender = Running::start(udpkit().args(["send", &addr, "-c", "0", "-i", "1ms", "-s9"]));
        for _ in 0..20 {
            next(&socket);
        }
        sender.signal(signal);
        let output = sender.wait(secs(5)).expect_success();
        assert!(output.out().starts_with("sent "), "{}", output.out());
        assert!(output.out().contains("\n  interrupted\n"), "{}", output.out());
        socket.set_nonblocking(true).unwrap();
        while socket.recv(&mut [0; 10]).is_ok() {}
        socket.set_nonblocking(false).unwrap();
    }
}

#[test]
fn a_rate_is_kept_to() {
    // It is not read; its buffer may fill, which does not affect the sender.
    let (_socket, addr) = sink("127.0.0.1:0");
    for (flag, value) in [("--rate", "8M"), ("--rate", "1kpps"), ("--interval", "1ms")] {
        // 1000 bytes every millisecond, in each spelling; 200 intervals.
        let args = [&addr, flag, value, "-s", "1000", "-c", "201", "-J"];
        let document = json(&send(&args).expect_success().out());
        let took = path(&document, "duration_ns").as_u64().unwrap();
        assert!((200_000_000..400_000_000).contains(&took), "{flag} {value}: {took} ns");
    }
}

#[test]
fn datagrams_above_the_mtu_are_reported_once_with_the_mtu() {
    require_lab!();
    let lab = Lab::pair();
    let args = ["send", "10.77.0.2:9", "-s", "3000", "--dont-fragment"];
    let output = run(lab.udpkit("a").args(args), secs(10));
    assert_eq!(output.code(), Some(1));
    let said = output.out() + &output.err();
    assert!(said.contains("10.77.0.2: message too long (MTU 1500), from this host"), "{said}");
    assert!(said.contains("not sent 1: message too long"), "{said}");
    assert!(!said.contains("os error") && !said.contains("9 times"), "{said}");
}

#[test]
fn refusals_of_this_host_are_reported_as_such() {
    require_lab!();
    let lab = Lab::pair();
    let script = "ip route add blackhole 10.20.0.0/16; ip route add prohibit 10.21.0.0/16; \
        ip route add unreachable 10.22.0.0/16; ip route add throw 10.23.0.0/16; \
        ip link add down0 type bridge; ip addr add 10.24.0.1/24 dev down0; \
        ip -6 route add blackhole fd00:20::/64";
    lab.shell("a", script);
    lab.nft(
        "a",
        "table ip own { chain out { type filter hook output priority 0; \
         ip daddr 10.77.0.2 udp dport 66 drop; ip daddr 10.77.0.2 udp dport 67 reject; }; }",
    );
    let cases = [
        ("10.20.0.1:9", "discarded by a blackhole route of this host (EINVAL)"),
        ("[fd00:20::1]:9", "discarded by a blackhole route of this host (EINVAL)"),
        ("10.21.0.1:9", "rejected by a prohibit route of this host (EACCES)"),
        ("10.22.0.1:9", "rejected by an unreachable route of this host (EHOSTUNREACH)"),
        ("10.23.0.1:9", "this host has no route to the destination"),
        ("10.24.0.9:9", "interface down0 of this host is down (ENETUNREACH)"),
        ("10.77.0.255:9", "the destination is a broadcast address (EACCES)"),
        ("10.77.0.2:66", "blocked by this host's firewall"),
        ("10.77.0.2:67", "blocked by this host's firewall"),
    ];
    let sending: Vec<_> = cases
        .iter()
        .map(|(to, _)| Running::start(lab.udpkit("a").args(["send", to, "-w", "1ms", "--", "x"])))
        .collect();
    for ((to, words), sending) in cases.iter().zip(sending) {
        let output = sending.wait(secs(10));
        let said = output.out() + &output.err();
        assert_eq!(output.code(), Some(1), "{to}: {said}");
        assert!(said.contains(&format!("not sent 1: {words}")), "{to}: {said}");
        let broadcast = *to == "10.77.0.255:9";
        assert_eq!(said.contains("--broadcast"), broadcast, "{to}: {said}");
        assert!(!said.contains("from 10.77.0.1"), "{to}: {said}");
        let rejected = *to == "10.77.0.2:67";
        assert_eq!(said.contains("from this host (10.77.0.1)"), rejected, "{to}: {said}");
    }
    let allowed = ["send", "10.77.0.255:9", "--broadcast", "--", "x"];
    run(lab.udpkit("a").args(allowed), secs(10)).expect_success();
}

#[test]
fn every_icmp_error_is_counted_however_many_come_at_once() {
    require_lab!();
    let lab = Lab::pair();
    // Each of them is answered, as what a router refuses is: rate limits are a host's own.
    lab.shell("b", "sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv4.icmp_msgs_per_sec=1000000");
    let args = ["send", "10.77.0.2:9", "-c", "2000", "-s", "20", "-w", "1s", "--io", "mmsg", "-J"];
    let document = json(&run(lab.udpkit("a").args(args), secs(20)).out());
    let told = path(&document, "network_errors.0.times").as_u64().unwrap();
    let script =
        "awk '/^IcmpMsg/ { if (n++) print $0 }' /proc/net/snmp; grep ^Icmp: /proc/net/snmp";
    assert_eq!(told, 2_000, "{}", lab.shell("a", script));
}

#[test]
fn a_closed_standard_output_is_a_quiet_end() {
    require_tools!("bash");
    let script = format!(
        "{} send 127.0.0.1:9 -c 3 -w 50ms -- x | true; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_udpkit")
    );
    let output = run(Command::new("bash").args(["-c", &script]), secs(10));
    // There is no reply, so the run has failed; the closed pipe is not mentioned.
    assert_eq!(output.code(), Some(1));
    assert!(!output.err().contains("panic") && !output.err().contains("pipe"), "{}", output.err());
}

#[test]
fn socat_and_nc_receive_the_same_bytes() {
    require_tools!("socat", "nc");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    for (host, family) in [("127.0.0.1", "4"), ("[::1]", "6")] {
        for (tool, sizes) in [("socat", &[1, 1472, 65_507][..]), ("nc", &[1, 1472, 16_000])] {
            for &size in sizes {
                let bytes: Vec<u8> = (0..size).map(|_| random.u8(..)).collect();
                file.as_file_mut().set_len(0).unwrap();
                std::fs::write(file.path(), &bytes).unwrap();
                let port = free_udp_port();
                let mut command = Command::new(tool);
                if tool == "socat" {
                    let source = format!("UDP{family}-RECV:{port}");
                    command.args(["-u", "-b", "65536", &source, "STDOUT"]);
                } else {
                    let bind = host.trim_matches(['[', ']']);
                    command.args(["-u", &format!("-{family}"), "-l", bind, &port.to_string()]);
                }
                let other = Running::start(&mut command);
                wait_bound(port);
                let addr = format!("{host}:{port}");
                send(&[&addr, "--file", file.path().to_str().unwrap()]).expect_success();
                // The bytes are as random as text allows to compare; the length must fit first.
                assert!(
                    other.wait_for_stdout(secs(5), |text| {
                        text == String::from_utf8_lossy(&bytes)
                    }),
                    "{tool} {host} {size}"
                );
                other.signal("TERM");
                let output = other.wait(secs(5));
                assert_eq!(output.stdout, bytes, "{tool} {host} {size}");
            }
        }
    }
}

#[test]
fn the_kernel_counts_as_many_datagrams_as_the_report_and_broadcast_arrives() {
    require_lab!();
    let lab = Lab::pair();
    // With GSO, the sender's kernel would count buffers.
    let before = lab.snmp("a").out_datagrams;
    let sent = run(
        lab.udpkit("a").args([
            "send",
            "10.77.0.2:9000",
            "-s",
            "1472",
            "-c",
            "20000",
            "-J",
            "--io",
            "mmsg",
        ]),
        secs(30),
    );
    let document = json(&sent.expect_success().out());
    assert_eq!(path(&document, "datagrams"), 20_000);
    assert_eq!(lab.snmp("a").out_datagrams - before, 20_000);

    let receiver = Running::start(lab.udpkit("b").args(["recv", "-4", "9001", "-c", "2"]));
    lab.wait_bound("b", 9001);
    for to in ["10.77.0.255:9001", "255.255.255.255:9001"] {
        let args = ["send", to, "--broadcast", "--interface", "eth0", "--", "to all"];
        run(lab.udpkit("a").args(args), secs(5)).expect_success();
    }
    let output = receiver.wait(secs(5)).expect_success();
    assert_eq!(output.out().matches("  to all\n").count(), 2, "{}", output.out());
}

#[test]
fn header_fields_leave_as_asked_and_fragments_are_forbidden() {
    require_lab!();
    let lab = Lab::pair();
    for to in ["10.77.0.2:9000", "[fd77::2]:9000"] {
        let receiver =
            Running::start(lab.udpkit("b").args(["recv", "9000", "--header", "-c", "1"]));
        lab.wait_bound("b", 9000);
        let args = ["send", to, "--ttl", "7", "--dscp", "AF41", "--ecn", "ect0", "--", "marked"];
        run(lab.udpkit("a").args(args), secs(5)).expect_success();
        let line = receiver.wait_for_line("marked", secs(5));
        assert!(line.contains("ttl 7  dscp AF41(34)  ecn ect0"), "{line}");
        receiver.wait(secs(5));
        let big = ["send", to, "--dont-fragment", "-s", "1500"];
        let refused = run(lab.udpkit("a").args(big), secs(5));
        assert_eq!(refused.code(), Some(1));
        assert!(refused.out().contains("not sent 1: message too long"), "{}", refused.out());
    }
}

#[test]
fn a_send_buffer_that_is_full_delays_datagrams_and_loses_none() {
    require_lab!();
    require_tools!("tc");
    let lab = Lab::pair();
    // The queue is larger than the socket's buffer, so that the socket blocks and nothing is
    // dropped.
    lab.shell("a", "tc qdisc add dev eth0 root tbf rate 200mbit burst 64kb limit 64mb");
    for io in ["mmsg", "plain"] {
        let receiver = Running::start(
            lab.udpkit("b").args(["recv", "9000", "-c", "20000", "--time", "20s", "-J"]),
        );
        lab.wait_bound("b", 9000);
        let args = ["send", "10.77.0.2:9000", "-s", "1400", "-c", "20000", "--io", io, "-J"];
        let sent = json(&run(lab.udpkit("a").args(args), secs(20)).expect_success().out());
        assert_eq!(path(&sent, "datagrams"), 20_000);
        // 20,000 datagrams take over a second at that rate, and the buffer holds no more than
        // a part of them.
        assert!(path(&sent, "duration_ns").as_u64().unwrap() > 300_000_000, "it never blocked");
        let received = json(&receiver.wait(secs(25)).expect_success().out());
        assert_eq!(path(&received, "ended_by"), "count", "{received:#}");
        assert_eq!(path(&received, "socket_drops"), 0);
    }
}

#[test]
fn an_argument_with_a_space_is_a_message_without_a_separator() {
    let (socket, addr) = sink("127.0.0.1:0");
    send(&[&addr, "two words"]).expect_success();
    assert_eq!(next(&socket), b"two words");
    let nowhere = send(&["two words"]);
    assert_eq!(nowhere.code(), Some(2));
    assert!(nowhere.err().contains("no destination"), "{}", nowhere.err());
}
