//! `udpkit ping`, end to end: against `serve`, echo servers, firewalls and closed ports.

use crate::common::relay::Relay;
use crate::common::{
    Lab, Output, Running, busy, free_udp_port, json, json_lines, number, path, punctual,
    require_lab, require_tools, run, secs, udpkit, wait_bound,
};
use serde_json::Value;
use std::net::UdpSocket;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// A reflector on 127.0.0.1 and its address.
fn serve(args: &[&str]) -> (Running, String) {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]).args(args));
    let line = server.wait_for_line("serving on", secs(5));
    let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
    (server, address.expect("an address").trim_end_matches(',').to_owned())
}

fn ping(args: &[&str]) -> Output {
    run(udpkit().arg("ping").args(args), secs(60))
}

/// The only target of a JSON report.
fn target(output: &Output) -> Value {
    path(&json(&output.out()), "targets.0").clone()
}

/// Drops every tenth datagram that arrives at a host, and counts them. On the way out, the sending
/// program would get an error.
fn drop_every_tenth(lab: &Lab, host: &str, port: &str) {
    lab.nft(
        host,
        &format!(
            "add table inet t
             add counter inet t dropped
             add chain inet t c {{ type filter hook input priority 0; }}
             add rule inet t c udp {port} 8620 numgen inc mod 10 9 counter name dropped drop\n"
        ),
    );
}

#[test]
fn each_answer_has_its_line_and_the_report_its_figures() {
    let (_server, at) = serve(&[]);
    let output = ping(&[&at, "-c", "20", "-i", "10ms", "-D"]).expect_success();
    let text = output.out();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(" bytes from ")).collect();
    assert_eq!(lines.len(), 20, "{text}");
    for (seq, line) in lines.iter().enumerate() {
        assert!(
            line.starts_with('[') && line.contains(&format!("seq={seq} ttl=255 time=")),
            "{line}"
        );
    }
    assert!(text.contains("sent 20   back 20   lost 0 (0.00%)"), "{text}");
    for row in [
        "round trip",
        "queue out",
        "queue back",
        "server",
        "as planned",
        "late",
        "ipdv mean/max",
        "log scale",
    ] {
        assert!(text.contains(row), "no {row} in {text}");
    }
    assert!(!text.contains("timestamped by this program"), "{text}");
    let report = text.lines().filter(|line| !line.starts_with('['));
    assert!(report.into_iter().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn the_document_adds_up_and_the_kernel_stamps_both_ways() {
    let (_server, at) = serve(&[]);
    let output = ping(&[&at, "-c", "2000", "-i", "500us", "-J"]).expect_success();
    let report = json(&output.out());
    assert_eq!((&report["schema"], &report["command"]), (&1.into(), &"ping".into()));
    let told = target(&output);
    assert_eq!((number(&told, "sent"), number(&told, "back")), (2_000, 2_000));
    assert_eq!((number(&told, "transmit_stamps"), number(&told, "receive_stamps")), (2_000, 2_000));
    assert_eq!((number(&told, "lost_out"), number(&told, "lost_back")), (0, 0));
    let histogram = path(&told, "histogram").as_array().expect("cells");
    let counted: u64 = histogram.iter().map(|cell| number(cell, "count")).sum();
    assert_eq!(counted, 2_000);
    let stretches = path(&told, "over_time").as_array().expect("stretches");
    assert_eq!(stretches.iter().map(|cell| number(cell, "back")).sum::<u64>(), 2_000);
    let (trip, planned) = (number(&told, "round_trip_ns.p50"), number(&told, "as_planned_ns.p50"));
    assert!(0 < trip && trip <= planned && trip < 50_000_000, "{trip} {planned}");
    for figure in ["mean", "stddev", "ipdv_mean", "ipdv_max"] {
        assert!(number(&told, &format!("round_trip_ns.{figure}")) > 0, "{figure} in {told:#}");
    }
    assert_eq!((&report["interrupted"], number(&told, "lost_datagrams")), (&false.into(), 0));
    assert_eq!(told["drift_ppb"].as_i64().unwrap_or(0).abs() / 1_000, 0, "one clock: {told:#}");
}

#[test]
fn a_closed_port_is_reported_at_once_as_an_icmp_error() {
    let port = free_udp_port();
    let at = format!("127.0.0.1:{port}");
    let output =
        run(udpkit().args(["ping", &at, "-c", "2", "-i", "1ms", "-w", "300ms", "-J"]), secs(10));
    assert_eq!(output.code(), Some(1));
    let told = target(&output);
    let trouble = path(&told, "network_errors.0");
    let error = &trouble["error"];
    assert_eq!((&error["code"], &error["from"]), (&"port_unreachable".into(), &"127.0.0.1".into()));
    assert_eq!((number(trouble, "times"), number(&told, "lost_datagrams")), (2, 2));
    // Its answer is awaited all the same, here for longer than the test.
    let waits = Running::start(udpkit().args(["ping", &at, "-c", "1", "-w", "1h"]));
    waits.wait_for_line("seq=0 port unreachable, from 127.0.0.1", secs(10));
    assert!(waits.is_running());
    waits.signal("INT");
    assert_eq!(waits.wait(secs(10)).code(), Some(1));
}

#[test]
fn silence_ends_with_one_after_the_time_out() {
    let deaf = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let at = deaf.local_addr().expect("an address").to_string();
    let output = ping(&[&at, "-c", "1", "-w", "100ms"]);
    assert_eq!(output.code(), Some(1));
    let text = output.out();
    assert!(text.contains(&format!("no reply from {at}: seq=0 after 100 ms")), "{text}");
    assert!(text.contains("lost 1 (100.00%)"), "{text}");
    // A reflector with a key, an echo server and an unused address are all silent.
    for part in ["hint: ", "udpkit serve", "--key", "--echo", "862"] {
        assert!(output.err().contains(part), "no {part} in {}", output.err());
    }
}

#[test]
fn every_tenth_answer_that_a_firewall_drops_is_lost_on_the_way_back() {
    require_lab!();
    // A firewall would count a coalesced buffer as one packet.
    let lab = Lab::up("pair", &["--no-offload"]);
    drop_every_tenth(&lab, "a", "sport");
    let server = Running::start(lab.udpkit("b").args(["serve"]));
    server.wait_for_line("serving on", secs(5));
    let args = ["ping", "10.77.0.2", "-c", "1005", "-i", "1ms", "-w", "300ms", "-J"];
    let told = target(&run(lab.udpkit("a").args(args), secs(30)).expect_success());
    let (dropped, _) = lab.counter("a", "inet t", "dropped");
    assert_eq!((dropped, number(&told, "lost_datagrams")), (100, 100), "{told:#}");
    assert_eq!((number(&told, "lost_back"), number(&told, "lost_out")), (100, 0), "{told:#}");
    assert_eq!((number(&told, "bursts"), number(&told, "longest_burst")), (100, 1));
    assert_eq!(path(&told, "round_trip_ns.lost_from"), "p99");
    assert_eq!(number(&told, "back"), 905);
    // The reflector's numbers never differed from the probes': one more request showed that it
    // counts.
    assert_eq!((path(&told, "reflector_counts"), number(&told, "questions")), (&true.into(), 1));
}

#[test]
fn every_tenth_probe_that_a_firewall_drops_is_lost_on_the_way_out() {
    require_lab!();
    // A firewall would count a coalesced buffer as one packet.
    let lab = Lab::up("pair", &["--no-offload"]);
    drop_every_tenth(&lab, "b", "dport");
    let server = Running::start(lab.udpkit("b").args(["serve"]));
    server.wait_for_line("serving on", secs(5));
    for host in ["10.77.0.2", "fd77::2"] {
        let args = ["ping", host, "-c", "1003", "-i", "1ms", "-w", "300ms"];
        let (before, _) = lab.counter("b", "inet t", "dropped");
        let output = run(lab.udpkit("a").args(args), secs(30)).expect_success();
        let (dropped, _) = lab.counter("b", "inet t", "dropped");
        let (dropped, text) = (dropped - before, output.out());
        let share = dropped as f64 * 100.0 / 1003.0;
        let counts = format!("lost {dropped} ({share:.2}%): {dropped} out, 0 back");
        assert!(dropped >= 100 && text.contains(&counts), "{dropped}\n{text}");
        assert!(text.contains("lost") && text.contains(&format!("in {dropped} bursts")), "{text}");
    }
}

#[test]
fn a_rejecting_router_is_named_with_its_icmp_error() {
    require_lab!();
    let lab = Lab::nat();
    lab.nft(
        "router",
        "add table ip t
         add chain ip t c { type filter hook forward priority 0; }
         add rule ip t c udp dport 8620 reject with icmp type admin-prohibited\n",
    );
    let args = ["ping", "10.77.2.2", "-c", "3", "-i", "10ms", "--jsonl"];
    let output = run(lab.udpkit("client").args(args), secs(20));
    assert_eq!(output.code(), Some(1));
    let lines = json_lines(&output.out());
    let errors: Vec<_> = lines.iter().filter(|line| line["event"] == "network_error").collect();
    assert!(!errors.is_empty(), "{lines:#?}");
    for line in &errors {
        let code = line["error"]["code"].as_str().unwrap_or_default();
        assert!(["communication_prohibited", "host_prohibited"].contains(&code), "{line}");
        assert_eq!(line["error"]["from"], "10.77.1.1");
    }
    assert_eq!(errors[0]["seq"], 0);
    assert_eq!(lines.last().expect("a summary")["event"], "summary");
}

#[test]
fn hops_and_dscp_are_those_of_the_way() {
    require_lab!();
    let lab = Lab::nat();
    lab.nft(
        "router",
        "add table ip t
         add chain ip t c { type filter hook forward priority 0; }
         add rule ip t c udp dport 862 ip dscp set cs1\n",
    );
    let server = Running::start(lab.udpkit("server").args(["serve", "--stamp"]));
    server.wait_for_line("answering STAMP", secs(5));
    // One at a time: departures of replies that leave together are reported only later.
    let args = ["ping", "10.77.2.2:862", "-c", "5", "--flood", "--dscp", "EF", "--ecn", "ect0"];
    let ask = ["--ask", "counts,departure"];
    let text = run(lab.udpkit("client").args(args).args(ask), secs(20)).expect_success().out();
    for part in [
        "1 hop out",
        "probes arrived at the target with DSCP CS1(8), ECN ect0",
        "replies arrived with DSCP EF(46), ECN not-ect",
        "the target counted 5 probes and 5 replies",
        "after its timestamp",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains("not told"), "{text}");
}

#[test]
fn a_target_without_options_is_reported_as_such() {
    // It returns a TWAMP Light reply of 41 bytes with the request's number, as if it did not count.
    let mirror = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let at = mirror.local_addr().expect("an address").to_string();
    mirror.set_read_timeout(Some(secs(10))).expect("a deadline");
    let answering = thread::spawn(move || {
        let mut request = [0; 200];
        // The fourth gets no reply, and the fifth asks whether that one was counted.
        for turn in 0..5 {
            let (len, to) = mirror.recv_from(&mut request).expect("a probe");
            assert!(len > 80, "{len}");
            if turn == 3 {
                continue;
            }
            let mut reply = [0; 41];
            reply[..16].copy_from_slice(&request[..16]);
            reply[16..24].copy_from_slice(&request[4..12]);
            reply[24..38].copy_from_slice(&request[..14]);
            reply[40] = 255;
            mirror.send_to(&reply, to).expect("it is sent");
        }
    });
    let args = [&at, "-c", "4", "-i", "20ms", "-w", "1500ms", "--ask", "class,counts,departure"];
    let text = ping(&args).expect_success().out();
    answering.join().expect("it answered");
    assert!(text.contains("sent 4   back 3   lost 1 (25.00%)   dup"), "{text}");
    assert!(text.contains("not reported by the target: class, counts, departure"), "{text}");
    assert!(text.contains("the target does not count probes: the direction"), "{text}");
    assert!(!text.contains("cannot be told apart"), "{text}");
}

#[test]
fn with_a_key_only_its_holder_is_answered() {
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(key.path(), "0123456789abcdef\n").expect("it is written");
    let key = key.path().to_str().expect("a name");
    let (_server, at) = serve(&["--key", key]);
    let args = [&at, "-c", "3", "-i", "10ms", "-w", "300ms", "--dscp", "AF41", "-s", "200", "-J"];
    let whole = ping(&[&args[..], &["--key", key]].concat()).expect_success();
    let told = target(&whole);
    assert_eq!((number(&told, "back"), number(&told, "dscp_seen")), (3, 34));
    assert_eq!(number(&json(&whole.out()), "payload_bytes"), 200);
    assert_eq!(ping(&args).code(), Some(1));
}

#[test]
fn an_echo_service_is_pinged_with_echo() {
    require_tools!("socat");
    let echo = Running::start(udpkit().args(["recv", "127.0.0.1:0", "--echo"]));
    let line = echo.wait_for_line("listening on", secs(5));
    let ours = line.rsplit(' ').next().expect("an address").to_owned();
    let port = free_udp_port();
    let listen = format!("UDP4-RECVFROM:{port},bind=127.0.0.1,fork");
    let _socat = Running::start(Command::new("socat").args([&listen, "EXEC:cat"]));
    wait_bound(port);
    for at in [ours, format!("127.0.0.1:{port}")] {
        let output = ping(&["--echo", &at, "-c", "10", "-i", "50ms", "-J"]).expect_success();
        let told = target(&output);
        assert_eq!(number(&told, "back"), 10, "{at}: {told:#}");
        assert_eq!(told["lost_out"], Value::Null);
        assert_eq!(told["server_time_ns"]["samples"], 0);
    }
}

#[test]
fn a_reply_from_another_address_counts_and_is_reported() {
    let asked = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let other = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let at = asked.local_addr().expect("an address").to_string();
    let from = other.local_addr().expect("an address").to_string();
    asked.set_read_timeout(Some(secs(10))).expect("a deadline");
    let echo = thread::spawn(move || {
        let mut bytes = [0; 2_000];
        for _ in 0..3 {
            let (len, to) = asked.recv_from(&mut bytes).expect("a probe");
            // Twice: the second is a duplicate.
            other.send_to(&bytes[..len], to).expect("it is sent");
            other.send_to(&bytes[..len], to).expect("it is sent");
            other.send_to(b"nonsense", to).expect("it is sent");
        }
    });
    let output = ping(&["--echo", &at, "-c", "3", "-i", "20ms"]).expect_success();
    echo.join().expect("it answered");
    let text = output.out();
    assert!(text.contains("sent 3   back 3   lost 0"), "{text}");
    assert!(text.contains(&format!("came from another address, {from}")), "{text}");
    // The last copy may arrive after the end.
    assert!(text.matches("(DUP!)").count() >= 2 && text.contains("that answer no probe"), "{text}");
}

#[test]
fn several_targets_are_asked_at_once_and_have_a_row_each() {
    let (_one, first) = serve(&[]);
    let (_two, second) = serve(&[]);
    let nobody = format!("127.0.0.1:{}", free_udp_port());
    let targets = [first.as_str(), &nobody, &second];
    let args = ["-c", "30", "-i", "10ms", "-q"];
    let text = ping(&[&targets[..], &args].concat()).expect_success().out();
    for (at, counts) in targets.into_iter().zip(["30 30 0", "30 0 30", "30 30 0"]) {
        let row = text.lines().find(|line| line.trim_start().starts_with(at)).expect("a row");
        let told: Vec<&str> = row.split_whitespace().skip(1).take(3).collect();
        assert_eq!(told.join(" "), counts, "{text}");
    }
    assert!(text.contains("port unreachable, from 127.0.0.1, 30 times"), "{text}");
}

#[test]
fn csv_has_a_row_for_every_probe_in_order() {
    let (_server, at) = serve(&[]);
    let output = ping(&[&at, "-c", "50", "-i", "2ms", "--csv"]).expect_success();
    let text = output.out();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = rows.next().expect("names");
    let column = |name| names.iter().position(|known| *known == name).expect(name);
    let (seq, outcome) = (column("seq"), column("outcome"));
    let times = ["planned_ns", "sent_ns", "left_ns", "reflector_received_ns"].map(column);
    let mut count = 0;
    for (index, row) in rows.enumerate() {
        assert_eq!((row[seq], row[outcome]), (index.to_string().as_str(), "back"));
        let at: Vec<u64> = times.iter().map(|time| row[*time].parse().expect("a time")).collect();
        assert!(at[0] <= at[1] && at[1] <= at[2], "{row:?}");
        count += 1;
    }
    assert_eq!(count, 50);
    assert!(output.err().contains("sent 50   back 50"), "{}", output.err());
}

#[test]
fn the_histogram_log_is_read_by_others() {
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    let (_server, at) = serve(&[]);
    let log = tempfile::NamedTempFile::new().expect("a file");
    let name = log.path().to_str().expect("a name");
    ping(&[&at, "-c", "1500", "-i", "1ms", "-q", "--hlog", name]).expect_success();
    let text = std::fs::read(log.path()).expect("a log");
    let mut all = Histogram::<u64>::new(3).expect("a histogram");
    let (mut intervals, mut deserializer) = (0, Deserializer::new());
    for entry in IntervalLogIterator::new(&text) {
        let LogEntry::Interval(interval) = entry.expect("it can be read") else { continue };
        intervals += 1;
        let bytes = base64(interval.encoded_histogram());
        let one: Histogram<u64> = deserializer.deserialize(&mut &bytes[..]).expect("a histogram");
        all.add(&one).expect("room");
    }
    assert!(intervals >= 2, "{intervals}");
    assert_eq!(all.len(), 1_500);
}

/// Decodes base64 (RFC 4648 §4).
fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits =
            four.iter().fold(0, |bits, byte| bits << 6 | digit(*byte)) << (6 * (4 - four.len()));
        out.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    out
}

#[test]
fn an_endless_run_ends_whole_at_the_first_signal_and_its_lines_come_as_they_happen() {
    let (_server, at) = serve(&[]);
    let running = Running::start(udpkit().args(["ping", &at, "-i", "50ms"]));
    running.wait_for_line("seq=3", secs(10));
    running.signal("INT");
    let output = running.wait(secs(5)).expect_success();
    assert!(output.out().contains("lost 0 (0.00%)"), "{}", output.out());
    assert!(output.out().contains("interrupted"), "{}", output.out());
}

#[test]
fn a_run_that_is_ended_while_answers_may_be_on_the_way_lost_nothing_known() {
    let deaf = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let at = deaf.local_addr().expect("an address").to_string();
    let running = Running::start(udpkit().args(["ping", &at, "-w", "1h", "-i", "10ms"]));
    let mut probe = [0; 200];
    deaf.set_read_timeout(Some(secs(10))).expect("a deadline");
    deaf.recv_from(&mut probe).expect("a probe");
    running.signal("INT");
    let output = running.wait(secs(5));
    let text = output.out();
    assert_eq!(output.code(), Some(1), "{text}");
    assert!(text.contains("back 0   lost 0 (-)") && text.contains("outstanding"), "{text}");
}

#[test]
fn a_pause_of_this_program_is_not_a_delay_of_the_path() {
    let _turn = punctual();
    let (_server, at) = serve(&[]);
    let args = ["ping", &at, "-i", "2ms", "-t", "2s", "--jsonl"];
    let running = Running::start(udpkit().args(args));
    running.wait_for_line("\"seq\":250,", secs(10));
    running.stand_still(Duration::from_millis(500));
    let output = running.wait(secs(20)).expect_success();
    let report = json_lines(&output.out()).pop().expect("the summary");
    let told = path(&report, "targets.0").clone();
    assert!(number(&report, "pauses") >= 1 && number(&report, "paused_ns") > 300_000_000);
    assert!(number(&told, "as_planned_ns.max") > 300_000_000, "{told:#}");
    assert!(number(&told, "send_lateness_ns.max") > 300_000_000, "{told:#}");
    for way in ["round_trip", "out_above_min", "back_above_min"] {
        assert!(number(&told, &format!("{way}_ns.p99")) < 150_000_000, "{way}: {told:#}");
    }
    assert_eq!((number(&told, "lost_datagrams"), number(&told, "late")), (0, 0), "{told:#}");
}

#[test]
fn a_target_that_cannot_be_probed_stops_no_other_and_fails_the_run() {
    let (_server, at) = serve(&[]);
    let dead = format!("127.0.0.1:{}", free_udp_port());
    let args = ["-c", "3", "-i", "10ms", "-w", "2s", "-J"];
    let output = ping(&[&[&at, "nowhere.invalid"][..], &args].concat());
    let report = json(&output.out());
    assert_eq!((output.code(), number(&report, "targets.0.back")), (Some(1), 3), "{report:#}");
    assert_eq!(path(&report, "targets.1.error.code"), "name_not_resolved", "{report:#}");
    let limits = ["--fail-if", "loss>10%,p50>10s"];
    let output = ping(&[&[at.as_str(), &dead][..], &args, &limits].concat());
    let report = json(&output.out());
    let held = |at: &str| path(&report, at)["held"].clone();
    assert_eq!(output.code(), Some(3), "{report:#}");
    assert_eq!(
        (held("targets.0.limits.0"), held("targets.0.limits.1")),
        (true.into(), true.into())
    );
    assert_eq!(held("targets.1.limits.0"), Value::from(false), "{report:#}");
    let output = ping(&[&[at.as_str()][..], &args, &limits].concat());
    assert_eq!(output.code(), Some(0), "{}", output.out());
}

#[test]
fn a_relay_that_sends_anew_is_no_long_way() {
    let (_server, at) = serve(&[]);
    let (_, port) = at.rsplit_once(':').expect("an address");
    let relay = Relay::start(port.parse().expect("a port"), &["--ttl", "64"]);
    let text = ping(&[&relay.address(), "-c", "3", "-i", "20ms"]).expect_success().out();
    let carried = relay.stop();
    assert!(number(&carried, "up.forwarded") >= 3, "{carried:#}");
    let told = "hops out unknown (TTL 255 sent, 64 on arrival): 191, or 0 from a relay";
    assert!(text.contains(told) && !text.contains("191 hops out"), "{text}");
}

#[test]
fn the_largest_probes_are_answered() {
    let (_server, at) = serve(&[]);
    for size in ["9001", "65507"] {
        let told = target(&ping(&[&at, "-s", size, "-c", "3", "-i", "20ms", "-J"]));
        assert_eq!(number(&told, "back"), 3, "{size}: {told:#}");
    }
}

#[test]
fn refusals_of_this_hosts_packet_filter_are_reported_as_such() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft(
        "a",
        "add table inet t
         add chain inet t c { type filter hook output priority 0; }
         add rule inet t c udp dport 8620 drop\n",
    );
    let args = ["ping", "10.77.0.2", "-c", "3", "-i", "10ms", "-w", "300ms"];
    let output = run(lab.udpkit("a").args(args), secs(20));
    let text = output.out();
    assert_eq!(output.code(), Some(1));
    assert!(text.contains("sent 0   back 0   lost 0 (-)"), "{text}");
    assert!(text.contains("never sent 3: ") && text.contains("firewall"), "{text}");
    assert!(!output.err().contains("udpkit serve"), "{}", output.err());
    lab.nft(
        "a",
        "flush chain inet t c
         add rule inet t c udp dport 8620 reject with icmp type port-unreachable\n",
    );
    let text = run(lab.udpkit("a").args(args), secs(20)).out();
    let words = "port unreachable, from this host (10.77.0.1)";
    // One line as it happens, and one in the report.
    assert_eq!(text.matches(words).count(), 2, "{text}");
    assert!(text.contains("sent 0   back 0   lost 0 (-)"), "{text}");
}

#[test]
fn a_fast_run_keeps_its_memory() {
    let _turn = busy();
    let (_server, at) = serve(&[]);
    let running =
        Running::start(udpkit().args(["ping", &at, "-i", "100us", "-t", "60s", "-w", "200ms"]));
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number")
    };
    // On a busy machine, an interval may be reported a little late, so the run is ended only then.
    let reach = |second: &str| {
        let is_there =
            |line: &str| line.trim_start().starts_with(second) && line.contains(" s  sent");
        running.wait_for(second, secs(20), is_there);
    };
    reach("2.");
    let early = resident();
    reach("5.");
    let late = resident();
    assert!(late <= early + 256, "{early} KiB at 2 s, {late} at 5 s");
    assert!(late < 32_768, "{late} KiB");
    running.signal("INT");
    running.wait(secs(20)).expect_success();
}

#[test]
fn drops_at_this_hosts_socket_are_not_loss_of_the_path() {
    const FLOOD: u64 = 2_000;
    let asked = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let at = asked.local_addr().expect("an address").to_string();
    asked.set_read_timeout(Some(secs(10))).expect("a deadline");
    let mut probe = [0; 200];
    let args = ["ping", "--echo", &at, "-c", "40", "-i", "25ms", "-w", "5s", "--json"];
    let running = Running::start(udpkit().args(args));
    let (len, to) = asked.recv_from(&mut probe).expect("a probe");
    asked.send_to(&probe[..len], to).expect("it is sent");
    // More arrives than the socket can hold while the process is stopped.
    running.stop();
    let junk = vec![0; 60_000];
    for _ in 0..FLOOD {
        asked.send_to(&junk, to).expect("it is sent");
    }
    running.cont();
    for _ in 1..40 {
        let (len, to) = asked.recv_from(&mut probe).expect("a probe");
        asked.send_to(&probe[..len], to).expect("it is sent");
    }
    let told = target(&running.wait(secs(30)).expect_success());
    let (drops, strays) = (number(&told, "socket_drops"), number(&told, "strays"));
    assert!(drops > 100, "{told:#}");
    assert_eq!(drops + strays, FLOOD + number(&told, "lost_datagrams"), "{told:#}");
}

#[test]
fn nonsense_is_refused_before_anything_is_sent() {
    for (args, part) in [
        (&["127.0.0.1:0"][..], "port 0 cannot be sent to"),
        (&["127.0.0.1", "-i", "1ns"], "--interval 1 ns is too short"),
        (&["127.0.0.1", "-w", "0"], "--wait must be longer than 0"),
        (&["127.0.0.1", "-t", "0"], "--time must be longer than 0"),
        (&["127.0.0.1", "-s", "45"], "--size 45 is not the size of a STAMP packet"),
        (&["127.0.0.1", "-s", "43"], "--size 43 is not the size of a STAMP packet"),
        (&["127.0.0.1", "-s", "65508"], "too large"),
        (&["127.0.0.1", "--echo", "-s", "15"], "no room for sequence number"),
        (&["127.0.0.1", "--ttl", "0"], "--ttl"),
        (&["127.0.0.1", "--flood", "--poisson"], "cannot be used with"),
        (&["127.0.0.1", "--ask", "weather"], "[possible values: class, counts, departure]"),
        (&["127.0.0.1", "--ask", "counts", "--echo"], "cannot be used with"),
        (&["127.0.0.1", "--ecn", "maybe"], "maybe is not an ECN codepoint"),
        (&["127.0.0.1", "--json", "--csv"], "cannot be used with"),
        (&["127.0.0.1", "--bind", "[::1]"], "other address family"),
        (&[], "required"),
    ] {
        let output = ping(args);
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(part), "{args:?}: {}", output.err());
    }
}
