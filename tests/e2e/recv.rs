//! `udpkit recv`, end to end: real processes, other programs as senders, compared with the kernel's
//! counters and a capture.

use crate::common::{
    Capture, DAMAGED, Lab, Output, Running, busy, free_udp_port, json, json_lines, number, path,
    require_lab, require_tools, run, secs, skip, text, udpkit, wait_bound, wait_until,
};
use serde_json::Value;
use std::net::UdpSocket;
use std::process::Command;

/// A running receiver and the addresses that it listens on.
fn recv(args: &[&str]) -> (Running, Vec<String>) {
    let running = Running::start(udpkit().arg("recv").args(args));
    let line = running.wait_for_line("listening on ", secs(5));
    let addrs = line.trim_start_matches("listening on ").split(", ").map(str::to_owned).collect();
    (running, addrs)
}

/// A receiver that says nothing, on a port that was free.
fn quiet_recv(args: &[&str]) -> (Running, String) {
    let port = free_udp_port();
    let addr = format!("127.0.0.1:{port}");
    let running = Running::start(udpkit().args(["recv", &addr, "-q"]).args(args));
    wait_bound(port);
    (running, addr)
}

fn port_of(addr: &str) -> u16 {
    addr.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address with a port")
}

/// A sending socket, connected.
fn peer(addr: &str) -> UdpSocket {
    let any = if addr.starts_with('[') { "[::1]:0" } else { "127.0.0.1:0" };
    let socket = UdpSocket::bind(any).expect("a port is free");
    socket.connect(addr).expect("connectable");
    socket.set_read_timeout(Some(secs(5))).expect("settable");
    socket
}

/// Ends a run by a signal; returns its document.
fn stop(running: Running) -> Value {
    running.signal("INT");
    json(&running.wait(secs(10)).expect_success().out())
}

fn failing(args: &[&str]) -> Output {
    run(udpkit().arg("recv").args(args), secs(5))
}

#[test]
fn a_line_has_time_source_length_and_escaped_text() {
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        let (running, addrs) = recv(&[bind, "-c", "3"]);
        let socket = peer(&addrs[0]);
        for payload in [&b"hello"[..], b"\x1b[2J\xff\n", b""] {
            socket.send(payload).unwrap();
        }
        let output = running.wait(secs(5)).expect_success().out();
        let lines: Vec<_> = output.lines().collect();
        let source = socket.local_addr().unwrap().to_string();
        for (line, end) in
            lines.iter().zip(["     5  hello", "     6  \\x1b[2J\\xff\\n", "     0  "])
        {
            let (time, rest) = line.split_once("  ").unwrap();
            assert_eq!(time.len(), "12:34:56.123456".len(), "{line}");
            assert!(rest.starts_with(&source) && rest.ends_with(end), "{line}");
        }
        assert!(lines[3].starts_with("received 3 datagrams, 11 bytes in "), "{output}");
        assert!(output.contains(&format!("from {source}")), "{output}");
    }
}

#[test]
fn without_an_address_both_families_are_taken() {
    let (running, addrs) = recv(&[":0", "-c", "2"]);
    let port = port_of(&addrs[0]);
    peer(&format!("127.0.0.1:{port}")).send(b"four").unwrap();
    peer(&format!("[::1]:{port}")).send(b"six").unwrap();
    let output = running.wait(secs(5)).expect_success().out();
    assert!(output.contains(" 127.0.0.1:") && output.contains(" [::1]:"), "{output}");
}

#[test]
fn several_addresses_and_a_range_of_ports_are_served_by_one_run() {
    // Four consecutive free ports: another program may take one meanwhile, so the search is
    // repeated.
    for _ in 0..20 {
        let from = free_udp_port().min(65_000);
        let range = format!("127.0.0.1:{from}-{}", from + 3);
        let running = Running::start(udpkit().args(["recv", &range, "[::1]:0", "-J", "-c", "5"]));
        if !running.wait_for_stderr(secs(5), |said| said.contains("listening")) {
            continue;
        }
        let line = running.wait_for_line("listening on ", secs(5));
        let addrs: Vec<_> = line.trim_start_matches("listening on ").split(", ").collect();
        assert_eq!(addrs.len(), 5, "{line}");
        for addr in &addrs {
            peer(addr).send(b"x").unwrap();
        }
        let document = json(&running.wait(secs(5)).expect_success().out());
        for (index, addr) in addrs.iter().enumerate() {
            assert_eq!(path(&document, &format!("socket_rows.{index}.address")), addr);
            assert_eq!(number(&document, &format!("socket_rows.{index}.datagrams")), 1);
        }
        return;
    }
    panic!("no four free ports in a row");
}

#[test]
fn every_format_carries_the_same_bytes() {
    let bytes = b"a\x00b\nc\xfe";
    for format in ["raw", "hex", "json"] {
        let (running, addrs) = recv(&["127.0.0.1:0", "-c", "2", "--format", format]);
        let socket = peer(&addrs[0]);
        socket.send(bytes).unwrap();
        socket.send(b"end").unwrap();
        let output = running.wait(secs(5)).expect_success();
        match format {
            "raw" => assert_eq!(output.stdout, [&bytes[..], b"end"].concat()),
            "hex" => assert!(output.out().contains("  6100620a63fe\n"), "{}", output.out()),
            _ => {
                let lines = json_lines(&output.out());
                assert_eq!(path(&lines[0], "event"), "datagram");
                assert_eq!(path(&lines[0], "payload_hex"), "6100620a63fe");
                assert!(path(&lines[0], "payload_text").is_null());
                assert_eq!(path(&lines[1], "payload_text"), "end");
                assert_eq!(path(&lines[1], "destination"), "127.0.0.1");
                assert_eq!(path(&lines[2], "event"), "summary");
                assert_eq!(number(&lines[2], "datagrams"), 2);
            }
        }
    }
}

#[test]
fn socat_and_nc_are_received_byte_for_byte() {
    require_tools!("socat", "nc");
    let mut random = fastrand::Rng::with_seed(2);
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        for (tool, sizes) in [("socat", &[1, 1472, 65_507][..]), ("nc", &[1, 1472, 16_000])] {
            for &size in sizes {
                let bytes: Vec<u8> = (0..size).map(|_| random.u8(..)).collect();
                let (running, addrs) = recv(&[bind, "-c", "1", "--format", "raw"]);
                let (host, port) = addrs[0].rsplit_once(':').unwrap();
                let mut command = Command::new(tool);
                if tool == "socat" {
                    command.args(["-u", "-b", "65536", "STDIN", &format!("UDP:{host}:{port}")]);
                } else {
                    command.args(["-u", "-N", host.trim_matches(['[', ']']), port]);
                }
                let mut other = Running::start_with_input(&mut command);
                other.write(&bytes);
                other.close_input();
                let output = running.wait(secs(5)).expect_success();
                assert_eq!(output.stdout, bytes, "{tool} {bind} {size}");
                other.signal("TERM");
            }
        }
        let (running, addrs) = recv(&[bind, "-c", "1", "-J"]);
        peer(&addrs[0]).send(b"").unwrap();
        let document = json(&running.wait(secs(5)).expect_success().out());
        assert_eq!((number(&document, "datagrams"), number(&document, "bytes")), (1, 0));
    }
}

#[test]
fn what_does_not_fit_is_marked_with_its_true_length() {
    for io in ["auto", "plain", "gso"] {
        let (running, addrs) = recv(&["127.0.0.1:0", "-c", "2", "--buffer", "4", "--io", io]);
        let socket = peer(&addrs[0]);
        socket.send(b"12345").unwrap();
        socket.send(b"1234").unwrap();
        let output = running.wait(secs(5)).expect_success().out();
        let lines: Vec<_> = output.lines().collect();
        assert!(lines[0].ends_with("     5 (truncated to 4)  1234"), "{output}");
        assert!(lines[1].ends_with("     4  1234"), "{output}");
        assert!(output.contains("received 2 datagrams, 9 bytes"), "{output}");
        assert!(output.contains("truncated  1"), "{output}");
    }
}

#[test]
fn an_answer_comes_from_the_address_that_was_asked() {
    for (bind, asked) in [("0.0.0.0:0", "127.0.0.5"), (":0", "127.0.0.6"), (":0", "[::1]")] {
        for (flags, answer) in [
            (&["--echo"][..], &b"ask\0me"[..]),
            (&["--reply", "no\\n"], b"no\\n"),
            (&["--reply", "no\\n", "--escape"], b"no\n"),
        ] {
            let mut args = vec![bind, "-c", "1", "-J"];
            args.extend(flags);
            let (running, addrs) = recv(&args);
            // Connected, so that it receives only a reply from the address that it asked.
            let socket = peer(&format!("{asked}:{}", port_of(&addrs[0])));
            socket.send(b"ask\0me").unwrap();
            let mut bytes = [0; 20];
            let len = socket.recv(&mut bytes).expect("an answer");
            assert_eq!(&bytes[..len], answer, "{bind} {asked}");
            let document = json(&running.wait(secs(5)).expect_success().out());
            assert_eq!(number(&document, "answered"), 1);
        }
    }
}

#[test]
fn an_echo_of_the_largest_datagrams_is_whole() {
    let (running, addrs) = recv(&["[::1]:0", "--echo"]);
    let sizes = ["0", "1", "1472", "65527"];
    for size in sizes {
        let args = ["send", &addrs[0], "-s", size, "-w", "5s", "--replies", "1", "-J"];
        let document = json(&run(udpkit().args(args), secs(10)).expect_success().out());
        assert_eq!(number(&document, "reply_rows.0.payload_bytes").to_string(), size);
    }
    running.signal("TERM");
    assert!(running.wait(secs(5)).expect_success().out().contains("replies    4 sent"));
}

#[test]
fn payloads_are_stored_as_they_come() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let name = file.path().to_str().unwrap();
    let (running, addr) = quiet_recv(&["-c", "3", "--out", name]);
    let socket = peer(&addr);
    for payload in [&b"one\0"[..], b"", b"two"] {
        socket.send(payload).unwrap();
    }
    running.wait(secs(5)).expect_success();
    assert_eq!(std::fs::read(file.path()).unwrap(), b"one\0two");
}

#[test]
fn a_store_that_is_full_ends_the_run_with_an_error() {
    let (running, addr) = quiet_recv(&["--out", "/dev/full"]);
    peer(&addr).send(b"x").unwrap();
    let output = running.wait(secs(5));
    assert_eq!(output.code(), Some(1));
    assert!(output.err().contains("cannot write /dev/full"), "{}", output.err());
}

#[test]
fn each_bad_input_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let cases: &[(i32, &str, &[&str])] = &[
        (1, "address already in use", &[&taken]),
        (1, "cannot assign requested address", &["192.0.2.1:9"]),
        (1, "nosuch.invalid", &["nosuch.invalid:9"]),
        (2, "no such interface", &["[fe80::1%nosuch0]:9"]),
        (2, "is not a number from 0 to 65535", &["127.0.0.1:65536"]),
        (2, "FROM-TO", &["127.0.0.1:20-10"]),
        (2, "too many", &["127.0.0.1:10000-20000"]),
        (2, "--buffer", &["--buffer", "65536"]),
        (2, "--report-every 0", &["--report-every", "0"]),
        (2, "soon is not a time", &["--idle", "soon"]),
        (2, "is not an escape", &["--reply", "\\q", "--escape"]),
        (1, "cannot write /nosuch/file", &["127.0.0.1:0", "--out", "/nosuch/file"]),
    ];
    for (code, words, args) in cases {
        let output = failing(args);
        assert_eq!(output.code(), Some(*code), "{args:?}\n{}", output.err());
        assert!(output.err().contains(words), "{args:?}\n{}", output.err());
        assert_eq!(output.out(), "", "{args:?}");
    }
    let said = failing(&[&taken]).err();
    assert!(said.contains("hint: another process uses the port"), "{said}");
    assert_eq!(said.matches("in use").count(), 1, "{said}");
}

#[test]
fn a_port_that_needs_privilege_says_so() {
    require_tools!("setpriv");
    require_lab!();
    let lab = Lab::pair();
    lab.shell("a", "sysctl -qw net.ipv4.ip_unprivileged_port_start=1024");
    let drop = ["--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service"];
    let mut command = lab.command("a", "setpriv");
    command.args(drop).arg(env!("CARGO_BIN_EXE_udpkit")).args(["recv", "127.0.0.1:80"]);
    let output = run(&mut command, secs(5));
    if output.code() == Some(127) {
        skip!("setpriv cannot drop the capability");
    }
    assert_eq!(output.code(), Some(1), "{}", output.err());
    assert!(
        output.err().contains("cannot bind 127.0.0.1:80: permission denied"),
        "{}",
        output.err()
    );
    assert!(output.err().contains("CAP_NET_BIND_SERVICE"), "{}", output.err());
}

#[test]
fn a_run_ends_by_time_by_silence_and_by_signal_with_its_summary() {
    for (args, why) in [(["--time", "50ms"], "timeout"), (["--idle", "50ms"], "idle")] {
        let output = run(udpkit().args(["recv", "127.0.0.1:0", "-J"]).args(args), secs(5));
        let document = json(&output.expect_success().out());
        assert_eq!(path(&document, "ended_by"), why);
        assert!(number(&document, "duration_ns") >= 50_000_000);
        assert!(path(&document, "arrival_gaps_ns").is_null());
    }
    for signal in ["INT", "TERM"] {
        let (running, addrs) = recv(&["127.0.0.1:0"]);
        peer(&addrs[0]).send(b"last").unwrap();
        running.wait_for_line("last", secs(5));
        running.signal(signal);
        let output = running.wait(secs(5)).expect_success().out();
        assert!(output.contains("received 1 datagram, 4 bytes"), "{output}");
    }
}

#[test]
fn a_receiver_that_was_stopped_counts_all_and_reports_its_pause() {
    let args = ["--idle", "400ms", "--report-every", "100ms", "--format", "json"];
    let (running, addr) = quiet_recv(&args);
    assert!(running.wait_for_stdout(secs(10), |text| text.contains('\n')));
    running.stop();
    // 0.6 s, which is longer than --idle.
    let sending = ["send", &addr, "-s", "100", "-c", "31", "-i", "20ms"];
    run(udpkit().args(sending), secs(20)).expect_success();
    running.cont();
    let lines = json_lines(&running.wait(secs(20)).expect_success().out());
    let (summary, intervals) = lines.split_last().unwrap();
    assert_eq!(number(summary, "datagrams"), 31);
    assert_eq!(path(summary, "ended_by"), "idle");
    assert!(number(summary, "paused_ns") > 200_000_000, "{summary}");
    assert!(number(path(summary, "arrival_gaps_ns"), "max") < 400_000_000, "{summary}");
    let full = intervals.iter().filter(|line| number(line, "datagrams") > 0).count();
    assert!(full > 3, "{intervals:?}");
}

#[test]
fn rates_are_reported_each_interval_without_mixing_with_datagrams() {
    let (running, addr) = quiet_recv(&["--report-every", "50ms", "--format", "json"]);
    let socket = peer(&addr);
    for _ in 0..10 {
        socket.send(&[7; 100]).unwrap();
    }
    let seen = |text: &str| {
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let lines = json_lines(whole);
        lines.len() > 2 && lines.iter().map(|line| number(line, "datagrams")).sum::<u64>() == 10
    };
    assert!(running.wait_for_stdout(secs(5), seen), "{}", running.stdout_so_far());
    running.signal("INT");
    let lines = json_lines(&running.wait(secs(5)).expect_success().out());
    let (summary, intervals) = lines.split_last().unwrap();
    assert!(intervals.iter().all(|line| path(line, "event") == "interval"));
    let bytes: u64 = intervals.iter().map(|line| number(line, "bytes")).sum();
    assert_eq!((bytes, number(summary, "bytes")), (1000, 1000));

    let (running, _) = recv(&["127.0.0.1:0", "--report-every", "20ms"]);
    assert!(running.wait_for_stderr(secs(5), |said| said.contains("drops 0")));
    assert_eq!(running.stdout_so_far(), "");
}

#[test]
fn a_closed_standard_output_is_a_quiet_end() {
    require_tools!("bash");
    let port = free_udp_port();
    let script = format!(
        "{} recv 127.0.0.1:{port} | head -n 1; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_udpkit")
    );
    let running = Running::start(Command::new("bash").args(["-c", &script]));
    wait_bound(port);
    let socket = peer(&format!("127.0.0.1:{port}"));
    // The pipe breaks at the first line after the reader has gone, which may take several
    // datagrams.
    wait_until("the end", secs(10), || {
        let _ = socket.send(b"line");
        !running.is_running()
    });
    let output = running.wait(secs(1));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    assert_eq!(output.err().lines().count(), 1, "{}", output.err());
}

#[test]
fn a_full_buffer_loses_what_is_counted_as_dropped_and_nothing_else() {
    for io in ["mmsg", "gso"] {
        let (running, addrs) =
            recv(&["127.0.0.1:0", "-J", "--socket-buffer", "200000", "--idle", "3s"]);
        running.stop();
        let args = ["send", &addrs[0], "-s", "1000", "-c", "20000", "--io", io, "-J"];
        let sent = json(&run(udpkit().args(args), secs(20)).expect_success().out());
        running.cont();
        peer(&addrs[0]).send(b"the last").unwrap();
        let document = json(&running.wait(secs(20)).expect_success().out());
        let (received, drops) = (number(&document, "datagrams"), number(&document, "socket_drops"));
        assert!(drops > 10_000, "{document:#}");
        assert_eq!(received + drops, number(&sent, "datagrams") + 1, "--io {io}");
    }
}

#[test]
fn damaged_datagrams_are_told_apart_while_it_runs() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    for damages in [false, true] {
        if damages {
            lab.nft_early("b", &format!("udp length 508 numgen inc mod 10 == 0 {DAMAGED}"));
        }
        let args = ["recv", "9000", "-q", "--report-every", "100ms", "--format", "json"];
        let running = Running::start(lab.udpkit("b").args(args));
        lab.wait_bound("b", 9000);
        let before = lab.snmp("b");
        let args = ["send", "10.77.0.2:9000", "-s", "500", "-c", "300", "-b", "1000pps"];
        run(lab.udpkit("a").args(args), secs(20)).expect_success();
        let after = lab.snmp("b");
        let arrived = after.in_datagrams - before.in_datagrams;
        let whole = |told: &str| told[..told.rfind('\n').map_or(0, |end| end + 1)].to_owned();
        let sum = |told: &str, key: &str| -> u64 {
            let lines =
                json_lines(told).into_iter().filter(|line| text(line, "event") == "interval");
            lines.map(|line| number(&line, key)).sum()
        };
        let all = |told: &str| {
            let told = whole(told);
            sum(&told, "datagrams") == arrived && sum(&told, "socket_drops") == 300 - arrived
        };
        assert!(running.wait_for_stdout(secs(5), all), "{}", running.stdout_so_far());
        running.signal("INT");
        let out = running.wait(secs(5)).expect_success().out();
        let damaged = after.in_csum_errors - before.in_csum_errors;
        assert_eq!((damaged, sum(&out, "damaged")), (300 - arrived, 300 - arrived), "{out}");
        assert_eq!(damaged > 20, damages, "{out}");
    }
}

#[test]
fn the_kernel_counts_as_many_datagrams_as_the_report() {
    require_lab!();
    let lab = Lab::pair();
    for (to, six) in [("10.77.0.2:9000", false), ("[fd77::2]:9000", true)] {
        let running = Running::start(lab.udpkit("b").args(["recv", "9000", "-J"]));
        lab.wait_bound("b", 9000);
        let counters = || if six { lab.snmp6("b") } else { lab.snmp("b") };
        let before = counters();
        let args = ["send", to, "-s", "500", "-c", "30000", "-J"];
        run(lab.udpkit("a").args(args), secs(20)).expect_success();
        let document = stop(running);
        let after = counters();
        assert_eq!(number(&document, "datagrams"), after.in_datagrams - before.in_datagrams);
        assert_eq!(number(&document, "socket_drops"), after.rcvbuf_errors - before.rcvbuf_errors);
        assert_eq!(number(&document, "datagrams") + number(&document, "socket_drops"), 30_000);
    }
}

#[test]
fn the_header_is_what_was_on_the_wire() {
    require_lab!();
    require_tools!("dumpcap", "tshark");
    let lab = Lab::up("pair", &["--no-offload"]);
    let seed = 13;
    let mut random = fastrand::Rng::with_seed(seed);
    for to in ["10.77.0.2:9000", "[fd77::2]:9000"] {
        let count = 20;
        let running = Running::start(
            lab.udpkit("b")
                .args(["recv", "9000", "--header", "--format", "json", "-c"])
                .arg(count.to_string()),
        );
        lab.wait_bound("b", 9000);
        let capture = Capture::start(&lab, "b", "eth0", "udp port 9000");
        for index in 0..count {
            let len = if index == 0 { 0 } else { random.usize(1..700) };
            let hex: String = (0..2 * len).map(|_| random.digit(16)).collect();
            let args = ["send", to, "--hex", "--dscp", "EF", "--ttl", "9", "--", &hex];
            run(lab.udpkit("a").args(args), secs(5)).expect_success();
        }
        let lines = json_lines(&running.wait(secs(10)).expect_success().out());
        let fields = ["udp.srcport", "udp.dstport", "udp.length", "udp.checksum"];
        let wire = capture.finish(count, &fields);
        assert_eq!(wire.len() as u64, count);
        for (line, wire) in lines.iter().zip(&wire) {
            let header = |key: &str| number(line, &format!("udp_header.{key}"));
            let ours = [
                header("source_port").to_string(),
                header("destination_port").to_string(),
                header("length_bytes").to_string(),
                format!("0x{:04x}", header("checksum")),
            ];
            assert_eq!(ours, wire[..], "seed {seed} {to}");
            assert_eq!((number(line, "ttl"), number(line, "dscp")), (9, 46));
            assert_eq!(path(line, "interface"), "eth0");
        }
    }
}

/// Memory in use, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

#[test]
fn a_million_random_datagrams_are_shown_or_dropped_and_take_no_memory() {
    let _turn = busy();
    let seed = 17;
    let mut random = fastrand::Rng::with_seed(seed);
    let noise: Vec<u8> = (0..1 << 16).map(|_| random.u8(..)).collect();
    let (running, addrs) =
        recv(&["127.0.0.1:0", "--format", "text", "--out", "/dev/null", "--idle", "5s"]);
    let pid = running.pid();
    let sockets: Vec<_> = (0..8).map(|_| peer(&addrs[0])).collect();
    let total = 1_000_000u64;
    let mut warm = 0;
    for index in 0..total {
        let start = random.usize(..noise.len() - 200);
        let len = if random.u8(..) == 0 { random.usize(..200) } else { random.usize(..24) };
        let socket = &sockets[random.usize(..sockets.len())];
        socket.send(&noise[start..start + len]).expect("loopback takes it");
        if index == total / 10 {
            warm = resident(pid);
        }
    }
    let grown = resident(pid).saturating_sub(warm);
    assert!(grown < 8 * 1024, "{grown} KiB more after a million datagrams");
    let output = running.wait(secs(60)).expect_success();
    assert!(!output.stdout.iter().any(|byte| *byte < b' ' && *byte != b'\n'), "seed {seed}");
    let text = output.out();
    let shown = text.lines().filter(|line| line.as_bytes().get(2) == Some(&b':')).count() as u64;
    let dropped: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("  dropped    ")?.strip_suffix(" at the socket"))
        .map(|count| count.replace(' ', "").parse().expect("a number"))
        .expect("a count of drops");
    assert_eq!(shown + dropped, total, "seed {seed}");
}
