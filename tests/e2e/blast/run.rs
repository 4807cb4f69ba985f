//! `udpkit blast` and `udpkit serve`, end to end: every count is compared with an independent one.

use crate::common::{
    Lab, Output, Running, assert_sums, busy, free_udp_port, json, number, path, require_lab, run,
    secs, udpkit, wait_until,
};
use serde_json::Value;
use std::net::UdpSocket;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// The report of a run, with its sums checked.
pub(super) fn report_of(output: &Output) -> Value {
    let report = json(&output.out());
    assert_sums(&report);
    report
}

pub(super) fn blast(command: &mut Command, args: &[&str]) -> Output {
    run(command.args(["blast", "--json"]).args(args), secs(30))
}

/// Starts a server and waits until it listens.
pub(super) fn serve(command: &mut Command, args: &[&str]) -> Running {
    let server = Running::start(command.arg("serve").args(args));
    server.wait_for_line("serving on", secs(5));
    server
}

/// Counts data datagrams of 1000 bytes (1008 with the UDP header) that arrive at `host`.
fn count_data(lab: &Lab, host: &str, drop: &str) {
    lab.nft(
        host,
        &format!(
            "add table inet t\n\
             add counter inet t data\n\
             add counter inet t dropped\n\
             add chain inet t input {{ type filter hook input priority 0; }}\n\
             add rule inet t input udp length 1008 counter name data {drop}\n"
        ),
    );
}

const DROP_3_OF_100: &str = "numgen random mod 100 < 3 counter name dropped drop";

#[test]
fn a_run_without_a_host_measures_through_real_sockets() {
    for (family, target) in [("-4", "127.0.0.1:"), ("-6", "[::1]:")] {
        let output = blast(&mut udpkit(), &[family, "--time", "300ms", "--report-every", "100ms"]);
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let report = report_of(&output);
        assert!(path(&report, "target").as_str().unwrap().starts_with(target));
        assert!(number(&report, "delivered") > 1000, "{report:#}");
        assert_eq!(number(&report, "payload_bytes"), 1472);
        for key in ["p50", "p90", "p99", "p999", "max"] {
            assert!(!path(&report, &format!("delay_above_min_ns.{key}")).is_null(), "{key}");
        }
        assert!(number(&report, "duration_ns") > 250_000_000);
        assert!(path(&report, "jitter_ns").is_u64());
        assert!(number(&report, "received.bits_per_second") > 0);
        assert!(number(&report, "received.datagrams_per_second") > 0);
    }
}

#[test]
fn every_batch_call_carries_the_same_run() {
    for (io, tx, rx) in
        [("auto", "gso", "gro"), ("mmsg", "mmsg", "mmsg"), ("plain", "plain", "plain")]
    {
        let args = ["--io", io, "--count", "5000", "--rate", "50kpps", "--verify"];
        let output = blast(&mut udpkit(), &args);
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let report = report_of(&output);
        assert_eq!(number(&report, "sent.datagrams"), 5000);
        assert_eq!(number(&report, "corrupt"), 0);
        assert_eq!(path(&report, "io.tx_mode"), tx);
        assert_eq!(path(&report, "io.rx_mode"), rx);
    }
}

#[test]
fn several_streams_run_in_either_direction_and_both() {
    for (args, reverse) in [
        (&["--streams", "3"][..], false),
        (&["--reverse"], false),
        (&["--reverse", "--streams", "2", "--cpus", "0"], false),
        (&["--bidir", "--streams", "2"], true),
    ] {
        let run = ["--count", "3001", "--rate", "20kpps", "--report-every", "50ms"];
        let output = blast(&mut udpkit(), &[args, &run].concat());
        assert_eq!(output.code(), Some(0), "{args:?}: {}", output.err());
        let report = report_of(&output);
        assert_eq!(path(&report, "complete"), true, "{args:?}");
        assert_eq!(number(&report, "sent.datagrams"), 3001, "{args:?}");
        assert_eq!(number(&report, "delivered"), 3001, "{args:?}");
        let down = args.contains(&"--reverse");
        assert_eq!(path(&report, "direction"), if down { "down" } else { "up" });
        assert!(path(&report, "io.tx_mode").is_string(), "{args:?}");
        assert!(number(&report, "io.receive_buffer_granted_bytes") > 0, "{args:?}");
        assert_eq!(path(&report, "reverse").is_object(), reverse);
        if reverse {
            assert_eq!(number(&report, "reverse.sent.datagrams"), 3001);
            assert_eq!(number(&report, "reverse.delivered"), 3001);
            assert!(path(&report, "reverse.io.tx_mode").is_string());
        }
        // 3001 datagrams at 20,000 per second; longer on a busy machine.
        let nanos = number(&report, "duration_ns");
        assert!((140_000_000..3_000_000_000).contains(&nanos), "{args:?}: {nanos}");
    }
}

#[test]
fn a_reverse_run_comes_through_a_nat_and_its_loss_is_the_firewalls() {
    require_lab!();
    let lab = Lab::up("nat", &["--no-offload"]);
    lab.nft(
        "client",
        "add table inet t\n\
         add counter inet t dropped\n\
         add chain inet t input { type filter hook input priority 0; }\n\
         add rule inet t input udp length 1008 numgen random mod 100 < 3 counter name dropped drop\n",
    );
    let _server = serve(&mut lab.udpkit("server"), &[]);
    let args = ["10.77.2.2", "-R", "--size", "1000", "--rate", "10kpps", "--time", "500ms"];
    let output = blast(&mut lab.udpkit("client"), &args);
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let report = report_of(&output);
    assert!(path(&report, "seen_as").as_str().expect("told").starts_with("10.77.2.1:"));
    let dropped = lab.counter("client", "inet t", "dropped").0;
    assert!(dropped > 20, "the rule dropped {dropped}");
    assert_eq!(number(&report, "lost.path"), dropped, "{report:#}");
}

#[test]
fn several_clients_are_counted_separately() {
    let port = free_udp_port().to_string();
    let _server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let clients: Vec<Running> = (1..=6)
        .map(|index| {
            let count = (1000 + index).to_string();
            let args =
                ["blast", "--json", "127.0.0.1", "--port", &port, "--rate", "3kpps", "-c", &count];
            Running::start(udpkit().args(args))
        })
        .collect();
    for (index, client) in (1..).zip(clients) {
        let output = client.wait(secs(20));
        assert_eq!(output.code(), Some(0), "{}", output.err());
        assert_eq!(number(&report_of(&output), "delivered"), 1000 + index);
    }
}

#[test]
fn the_text_report_describes_the_run() {
    let output = run(
        udpkit().args(["blast", "--time", "400ms", "--report-every", "100ms", "--rate", "100M"]),
        secs(20),
    );
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let text = output.out();
    for part in ["offered", "sent", "received", "lost", "header", "TCP's would be 20", "loopback"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(text.lines().filter(|line| line.contains(" kpps   lost ")).count() >= 3, "{text}");
}

#[test]
fn counts_equal_a_packet_counter_in_the_path() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    count_data(&lab, "b", "");
    let _server = serve(&mut lab.udpkit("b"), &["--io", "mmsg"]);
    for target in ["10.77.0.2", "fd77::2"] {
        let before = lab.counter("b", "inet t", "data").0;
        let args =
            [target, "--size", "1000", "--rate", "20kpps", "--time", "500ms", "--io", "mmsg"];
        let output = blast(&mut lab.udpkit("a"), &args);
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let report = report_of(&output);
        let counted = lab.counter("b", "inet t", "data").0 - before;
        assert_eq!(number(&report, "sent.datagrams"), counted, "{target}");
        assert_eq!(number(&report, "lost.path"), 0, "{target}");
        let delivered = number(&report, "delivered") + number(&report, "lost.receiver_socket");
        assert_eq!(delivered, counted);
    }
}

#[test]
fn two_namespaces_know_that_they_are_on_one_host() {
    require_lab!();
    let lab = Lab::up("pair", &[]);
    let server = serve(&mut lab.udpkit("b"), &[]);
    let run = |args: &[&str]| {
        let all = [&["10.77.0.2", "--time", "300ms"], args].concat();
        report_of(&blast(&mut lab.udpkit("a"), &all))
    };
    let report = run(&["--streams", "1"]);
    assert_eq!(path(&report, "one_host"), true);
    assert_eq!(path(&report, "loopback"), false);
    // Sender and receiver share one processor, so neither uses all of it.
    assert!(number(&report, "sender_cpu_percent") < 97, "{report:#}");
    assert_eq!(number(&report, "lost.total"), 0, "{report:#}");

    // Without limits a run has one stream per processor; with a limit it has one.
    let cpus = thread::available_parallelism().unwrap().get() as u64;
    let report = run(&[]);
    assert_eq!(number(&report, "streams"), cpus.min(8), "{report:#}");
    assert_eq!(number(&report, "sent.datagrams"), number(&report, "delivered"), "{report:#}");
    assert_eq!(number(&run(&["--rate", "10M"]), "streams"), 1);
    drop(server);

    // The client does not request more streams than the server allows.
    let _server = serve(&mut lab.udpkit("b"), &["--max-streams", "1"]);
    assert_eq!(number(&run(&[]), "streams"), 1);
}

#[test]
fn loss_on_the_path_equals_the_firewalls_counter() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    count_data(&lab, "b", DROP_3_OF_100);
    // Without GRO, a drop at the socket is one datagram, so that a busy machine cannot mix up
    // the two causes.
    let _server = serve(&mut lab.udpkit("b"), &["--io", "mmsg"]);
    let args = ["10.77.0.2", "--size", "1000", "--rate", "20kpps", "--time", "1s"];
    let output = blast(&mut lab.udpkit("a"), &args);
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let report = report_of(&output);
    let dropped = lab.counter("b", "inet t", "dropped").0;
    assert!(dropped > 100, "the rule dropped {dropped}");
    assert_eq!(number(&report, "lost.path"), dropped, "{report:#}");
    assert!(number(&report, "lost.bursts") > 0);
}

#[test]
fn total_loss_is_reported_as_total_loss() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    count_data(&lab, "b", "counter name dropped drop");
    let _server = serve(&mut lab.udpkit("b"), &[]);
    let args = ["10.77.0.2", "--size", "1000", "--rate", "1kpps", "--count", "200"];
    let output = blast(&mut lab.udpkit("a"), &args);
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let report = report_of(&output);
    assert_eq!(number(&report, "sent.datagrams"), 200);
    assert_eq!(number(&report, "delivered"), 0);
    assert_eq!(number(&report, "lost.total"), 200);
}

#[test]
fn a_run_gets_through_a_path_that_loses_every_third_control_datagram() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft(
        "b",
        "add table inet t\n\
         add chain inet t input { type filter hook input priority 0; }\n\
         add rule inet t input udp dport 8620 udp length != 1008 numgen random mod 100 < 33 drop\n\
         add chain inet t output { type filter hook output priority 0; }\n\
         add rule inet t output udp sport 8620 numgen random mod 100 < 33 drop\n",
    );
    let _server = serve(&mut lab.udpkit("b"), &[]);
    let args =
        ["10.77.0.2", "--size", "1000", "--rate", "5kpps", "--time", "500ms", "--wait", "15s"];
    let output = blast(&mut lab.udpkit("a"), &args);
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let report = report_of(&output);
    assert_eq!(path(&report, "complete"), true);
    assert_eq!(number(&report, "lost.path"), 0, "{report:#}");
}

#[test]
fn a_stopped_receiver_loses_at_its_socket_and_the_kernel_agrees() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft(
        "b",
        "add table inet t\n\
         add counter inet t data\n\
         add counter inet t words\n\
         add chain inet t input { type filter hook input priority 0; }\n\
         add rule inet t input udp dport 8620 udp length 1008 counter name data accept\n\
         add rule inet t input udp dport 8620 counter name words\n",
    );
    let server = serve(&mut lab.udpkit("b"), &["--io", "mmsg", "--socket-buffer", "200k"]);
    let args =
        ["blast", "--json", "10.77.0.2", "--size", "1000", "--rate", "20kpps", "--time", "1500ms"];
    let client = Running::start(lab.udpkit("a").args(args));
    // The kernel's counters show when data flows, and when the buffer has overflowed.
    wait_until("data", secs(15), || lab.snmp("b").in_datagrams > 2_000);
    server.stop();
    wait_until("losses", secs(15), || lab.snmp("b").rcvbuf_errors > 1_000);
    server.cont();
    let output = client.wait(secs(30));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let report = report_of(&output);
    let lost = number(&report, "lost.receiver_socket");
    let [data, words] = ["data", "words"].map(|name| lab.counter("b", "inet t", name).0);
    assert_eq!(number(&report, "delivered") + lost, data, "{report:#}");
    // A sender's last word may have found the buffer full, too: it is no datagram of the run.
    let dropped = lab.snmp("b").rcvbuf_errors;
    assert!((lost..=lost + words).contains(&dropped), "{dropped} and {words}: {report:#}");
    assert_eq!(number(&report, "lost.path"), 0, "{report:#}");
}

#[test]
fn drops_of_coalesced_buffers_are_counted_in_datagrams() {
    require_lab!();
    let _turn = busy();
    // With offloads, veth delivers whole GSO buffers to a socket with GRO.
    let lab = Lab::up("pair", &[]);
    let server = serve(&mut lab.udpkit("b"), &["--socket-buffer", "400k"]);
    let args = ["blast", "--json", "10.77.0.2", "--size", "1000", "--rate", "400kpps"];
    let client = Running::start(lab.udpkit("a").args(args).args(["--time", "1500ms"]));
    wait_until("data", secs(15), || lab.snmp("b").in_datagrams > 500);
    server.stop();
    wait_until("losses", secs(15), || lab.snmp("b").rcvbuf_errors > 1_000);
    server.cont();
    let output = client.wait(secs(30));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let report = report_of(&output);
    let buffers = lab.snmp("b").rcvbuf_errors;
    let lost = number(&report, "lost.receiver_socket");
    assert_eq!(number(&report, "lost.path"), 0, "{report:#}");
    assert!(lost > 2 * buffers, "{lost} datagrams in {buffers} buffers");
    assert_eq!(path(&report, "io.rx_mode"), "gro");
    let verdict = path(&report, "limited_by").as_str().unwrap_or_default();
    assert!(verdict.starts_with("receiver_"), "{verdict}");
    assert!(number(&report, "silence_ns") > 0);
}

#[test]
fn a_window_reaches_the_server_and_its_limits_are_reported() {
    let report =
        report_of(&blast(&mut udpkit(), &["--rate", "1kpps", "-c", "20", "--window", "64"]));
    assert_eq!(number(&report, "too_late"), 0);
    assert_eq!(path(&report, "reorder_extent_max"), &Value::Null);
    // On a busy machine the sender may have been late.
    let verdict = path(&report, "limited_by").as_str().unwrap_or_default();
    assert!(["rate", "sender_pause"].contains(&verdict), "{verdict}");
    let output = blast(&mut udpkit(), &["--window", "63"]);
    assert_eq!(output.code(), Some(2));
    assert!(output.err().contains("--window 63"), "{}", output.err());
}

#[test]
fn the_server_sends_an_unproven_address_no_more_bytes_than_it_sent() {
    let port = free_udp_port();
    let _server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port.to_string()]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let padded = format!("a HELO pad={}", "x".repeat(1100));
    for (command, code) in [
        ("a XXXX", "502"),
        // A code and a text do not fit six bytes, so the hint has no code.
        ("a HELP", "pad="),
        ("a HELO", "220"),
        (padded.as_str(), "220"),
        ("a STAT session=0123456789abcdef", "503"),
        ("a TEST session=1 size=99999999", "503"),
        ("a QUIT", "503"),
        ("a NOOP", "250"),
        ("a DATA session=1 ticket=00", "503"),
        ("a RCPT", "550"),
    ] {
        socket.send(command.as_bytes()).unwrap();
        let mut reply = [0; 2000];
        let len = socket.recv(&mut reply).unwrap_or_else(|error| panic!("{command}: {error}"));
        let text = String::from_utf8_lossy(&reply[..len]);
        assert!(len <= command.len(), "{command} was answered with {len} bytes: {text}");
        assert!(text.starts_with(&format!("a {code}")), "{command}: {text}");
    }
    // Anything but a command gets no reply: the next reply is that of the next command.
    for stray in [&b"\xd6\x10"[..], b"", b"\xff\xff\xff\xff", b"GET / HTTP/1.0\r\n\r\n"] {
        socket.send(stray).unwrap();
    }
    socket.send(b"z NOOP").unwrap();
    let mut reply = [0; 2000];
    let len = socket.recv(&mut reply).unwrap();
    assert!(reply[..len].starts_with(b"z 250"), "{}", String::from_utf8_lossy(&reply[..len]));
}

#[test]
fn the_dialogue_can_be_typed_by_hand() {
    let port = free_udp_port();
    let _server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port.to_string()]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let ask = |command: &str| {
        socket.send(command.as_bytes()).unwrap();
        let mut reply = [0; 2000];
        let len = socket.recv(&mut reply).unwrap_or_else(|error| panic!("{command}: {error}"));
        String::from_utf8_lossy(&reply[..len]).into_owned()
    };
    let value = |reply: &str, key: &str| {
        let start = reply.find(&format!("{key}=")).unwrap_or_else(|| panic!("{key} in {reply}"));
        reply[start + key.len() + 1..].split_whitespace().next().unwrap().to_owned()
    };
    let ticket = value(&ask(&format!("a1 HELO pad={}", "x".repeat(500))), "ticket");
    let hello = ask(&format!("a2 HELO ticket={ticket}"));
    assert!(hello.contains("250 "), "{hello}");
    assert!(hello.contains(&format!("seen={}", socket.local_addr().unwrap())), "{hello}");
    // A repeated command gets the same reply and opens no other session.
    assert_eq!(ask(&format!("a2 HELO ticket={ticket}")), hello);
    let session = value(&hello, "session");
    assert!(ask(&format!("a3 STAT session={session}")).contains("503"));
    assert!(ask(&format!("a4 TEST session={session} size=70000")).contains("552"));
    assert!(ask(&format!("a5 TEST session={session} size=many")).contains("501"));
    assert!(ask(&format!("a6 TEST session={session} direction=round")).contains("504"));
    let test = ask(&format!("a7 TEST session={session} size=100 count=3"));
    assert!(test.contains("a7 250"), "{test}");
    assert!(ask(&format!("a8 STAT session={session}")).contains("state=ready"));
    assert!(ask(&format!("a9 RSET session={session}")).contains("a9 250"));
    assert!(ask(&format!("b1 STAT session={session}")).contains("503"));
    assert!(ask(&format!("b2 QUIT session={session}")).contains("221"));
    assert!(ask(&format!("b3 STAT session={session}")).contains("503"));
}

#[test]
fn bad_input_is_refused_with_the_correct_form() {
    let busy = UdpSocket::bind("127.0.0.1:0").unwrap();
    let busy = busy.local_addr().unwrap().to_string();
    for (args, code, part) in [
        (vec!["blast", "--rate", "10X"], 2, "10X"),
        (vec!["blast", "--size", "65508"], 2, "16 to 65507"),
        (vec!["blast", "-6", "--size", "65528"], 2, "16 to 65527"),
        (vec!["blast", "--size", "15"], 2, "16 to 65507"),
        (vec!["blast", "--count", "0"], 2, "from 1 up"),
        (vec!["blast", "--time", "0s"], 2, "--time 0s"),
        (vec!["blast", "--report-every", "1ms"], 2, "20.0 ms"),
        (vec!["blast", "--dscp", "64"], 2, "64"),
        (vec!["blast", "127.0.0.1:0"], 2, "port 0 cannot be sent to"),
        (vec!["blast", "127.0.0.1:9", "--bind", "[::1]"], 2, "127.0.0.1:9"),
        (vec!["blast", "no.such.host.invalid"], 1, "no.such.host.invalid"),
        (vec!["blast", "127.0.0.1:9", "--bind", "192.0.2.1"], 1, "cannot bind 192.0.2.1:0"),
        (vec!["serve", &busy], 1, "address already in use"),
        (vec!["serve", "192.0.2.1:9"], 1, "cannot bind 192.0.2.1:9"),
        (vec!["serve", "127.0.0.1:99999"], 2, "65535"),
    ] {
        let output = run(udpkit().args(&args), secs(10));
        assert_eq!(output.code(), Some(code), "{args:?}: {}", output.err());
        assert!(output.err().contains(part), "{args:?}: {}", output.err());
        assert!(output.out().is_empty(), "{args:?}: {}", output.out());
    }
}

#[test]
fn a_second_server_on_the_same_port_is_refused() {
    let port = free_udp_port().to_string();
    let _server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let output = run(udpkit().args(["serve", "127.0.0.1", "--port", &port]), secs(5));
    assert_eq!(output.code(), Some(1));
    let told = output.err().to_lowercase();
    assert_eq!(told.matches("address already in use").count(), 1, "{told}");
    assert!(told.contains("hint: "), "{told}");
}

#[test]
fn a_run_of_no_time_has_no_rate_and_no_load() {
    let output = blast(&mut udpkit(), &["--count", "1", "--size", "16"]);
    let report = report_of(&output);
    for key in ["offered", "sent", "received"] {
        assert_eq!(number(&report, &format!("{key}.datagrams")), 1);
        assert!(path(&report, &format!("{key}.bits_per_second")).is_null(), "{report:#}");
        assert!(path(&report, &format!("{key}.datagrams_per_second")).is_null(), "{report:#}");
    }
    assert!(path(&report, "sender_cpu_percent").is_null(), "{report:#}");
}

#[test]
fn a_closed_standard_output_is_a_quiet_end() {
    let binary = env!("CARGO_BIN_EXE_udpkit");
    let script = format!("{binary} blast --time 500ms --report-every 50ms | head -n 1");
    let output = run(Command::new("bash").args(["-o", "pipefail", "-c", &script]), secs(20));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    assert_eq!(output.err(), "");
}

#[test]
fn a_reply_from_another_address_is_named_and_an_own_refusal_is_not_silence() {
    require_lab!();
    let lab = Lab::pair();
    let server = Running::start(lab.udpkit("b").args(["serve"]));
    lab.wait_bound("b", 8620);
    lab.shell("b", "ip addr add 10.77.0.3/24 dev eth0");
    lab.nft(
        "b",
        "table ip m { chain p { type filter hook postrouting priority 0; \
         ip protocol udp ip saddr 10.77.0.2 ip saddr set 10.77.0.3; }; }",
    );
    lab.shell("a", "ip route add blackhole 10.20.0.0/16");
    lab.nft(
        "a",
        "table ip own { chain out { type filter hook output priority 0; \
         ip daddr 10.77.0.3 udp dport 8621 reject; }; }",
    );
    let blast = |to: &str| {
        Running::start(lab.udpkit("a").args(["blast", to, "-t", "1s", "--json", "--wait", "1s"]))
    };
    let (elsewhere, filtered) = (blast("10.77.0.2"), blast("10.77.0.3:8621"));
    let failed = |running: Running| json(&running.wait(secs(20)).out());
    // No socket can be opened, so the document contains only the failure.
    let blackhole = blast("10.20.0.1").wait(secs(20));
    assert_eq!(blackhole.code(), Some(1));
    assert_eq!(path(&json(&blackhole.out()), "failure.code"), "connect");
    let blackhole = blackhole.err();
    assert!(blackhole.contains("(EINVAL)") && !blackhole.contains("udpkit serve"), "{blackhole}");
    let elsewhere = failed(elsewhere);
    assert_eq!(path(&elsewhere, "failure.code"), "other_address");
    assert_eq!(path(&elsewhere, "failure.from"), "10.77.0.3:8620");
    assert_eq!(path(&elsewhere, "failure.target"), "10.77.0.2:8620");
    let filtered = failed(filtered);
    assert_eq!(path(&filtered, "failure.code"), "not_sent");
    assert_eq!(path(&filtered, "failure.cause.code"), "packet_filter");
    for told in [&elsewhere, &filtered] {
        let advice = path(told, "failure_advice.code").as_str().unwrap_or_default();
        assert!(!advice.starts_with("start_server"), "{told:#}");
    }
    drop(server);
}
