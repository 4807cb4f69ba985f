//! `udpkit serve --iperf3` with iperf3's own client, whose JSON has what both ends counted, with the
//! kernel's and the firewall's counters as witnesses, and with clients that break off or misbehave.

use crate::common::{
    Lab, Running, json, json_lines, number, path, require_lab, require_tools, run, secs, text,
    udpkit, wait_until,
};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

/// The server on `b`, with its events as JSON.
fn serve(lab: &Lab, args: &[&str]) -> Running {
    let server = lab.serve("b", &[&["--iperf3", "--json"], args].concat());
    server.wait_for("the port", secs(10), |line| line.contains("iperf3_port"));
    server
}

/// iperf3's client on `a`, for a second.
fn iperf3(lab: &Lab, args: &[&str]) -> Command {
    let mut client = lab.command("a", "iperf3");
    client.args(["-c", "10.77.0.2", "-u", "-J", "-t", "1"]).args(args);
    client
}

/// What both ends say of one test.
struct Told {
    client: Value,
    server: Value,
}

/// Runs the clients side by side. Each has payloads of another size, by which its session is found.
fn measured(lab: &Lab, server: &Running, tests: &[(u64, &[&str])]) -> Vec<Told> {
    let clients: Vec<_> = tests
        .iter()
        .map(|(size, args)| Running::start(iperf3(lab, args).args(["-l", &size.to_string()])))
        .collect();
    let clients: Vec<_> = clients
        .into_iter()
        .zip(tests)
        .map(|(client, (size, args))| {
            let told = json(&client.wait(secs(30)).out());
            // On a busy machine one may wait for its turn too long: it comes again.
            let is_busy = told.get("error").is_some_and(|error| error.to_string().contains("busy"));
            if !is_busy {
                return told;
            }
            let again = Running::start(iperf3(lab, args).args(["-l", &size.to_string()]));
            json(&again.wait(secs(30)).out())
        })
        .collect();
    let sizes = tests.iter().map(|(size, _)| *size);
    let found = sizes.zip(clients).map(|(size, client)| {
        assert!(client.get("error").is_none(), "{size}: {client:#}");
        Told { client, server: closed(server, size) }
    });
    found.collect()
}

fn events(server: &Running, event: &str) -> Vec<Value> {
    let all = json_lines(&server.stdout_so_far());
    all.into_iter().filter(|line| text(line, "event") == event).collect()
}

/// The refusals, once there are so many.
fn refusals(server: &Running, count: usize) -> Vec<Value> {
    let refused = || events(server, "iperf3_refused");
    wait_until("the refusals are logged", secs(5), || refused().len() >= count);
    refused()
}

/// The end of the test with payloads of this size.
fn closed(server: &Running, size: u64) -> Value {
    let find = || {
        let granted = events(server, "test_granted");
        let granted = granted.iter().find(|one| number(one, "payload_bytes") == size)?;
        let session = text(granted, "session").to_owned();
        events(server, "iperf3_closed").into_iter().find(|one| text(one, "session") == session)
    };
    wait_until("the test is closed", secs(10), || find().is_some());
    find().expect("it was there")
}

impl Told {
    /// The client's sum of one direction: `sum`, `sum_sent`, `sum_received`.
    fn sum(&self, name: &str, key: &str) -> u64 {
        number(&self.client, &format!("end.{name}.{key}"))
    }

    fn server(&self, key: &str) -> u64 {
        number(&self.server, key)
    }

    /// iperf3's summary of what its client sent is the server's, to the datagram and byte, but for
    /// `at_cut` datagrams: each end ends the omitted time by its own clock.
    #[track_caller]
    fn assert_up(&self, size: u64, at_cut: u64) {
        let (client, server) = (&self.client["end"], &self.server);
        let (datagrams, lost) =
            (self.server("received.datagrams"), self.server("received.lost_datagrams"));
        let apart = self.sum("sum_received", "packets").abs_diff(datagrams + lost);
        assert!(apart <= at_cut, "{client:#} {server:#}");
        assert_eq!(self.sum("sum_received", "lost_packets"), lost, "{client:#} {server:#}");
        assert_eq!(self.sum("sum_received", "bytes"), datagrams * size, "{client:#} {server:#}");
        assert_eq!(self.server("received.bytes"), datagrams * size);
        assert_eq!(self.server("received.duplicates"), 0);
        assert_eq!(self.server("received.other_size"), 0);
    }

    /// iperf3's summary of what its client received has the server's count of what was sent.
    #[track_caller]
    fn assert_down(&self, sum: &str, size: u64, at_cut: u64) {
        let (client, server) = (&self.client["end"], &self.server);
        let sent = self.server("sent.datagrams");
        assert_eq!(self.sum(sum, "bytes"), sent * size, "{client:#} {server:#}");
        assert_eq!(self.server("sent.bytes"), sent * size);
        let received = self.sum(&sum.replace("sent", "received"), "bytes") / size;
        assert!(received <= sent + at_cut, "{client:#} {server:#}");
    }
}

#[test]
fn every_mode_agrees_with_iperf3_to_the_datagram_and_byte() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let server = serve(&lab, &[]);
    let before = lab.snmp("b").in_datagrams;
    let tests: [(u64, &[&str]); 12] = [
        (1_472, &["-b", "5M"]),
        (64, &["-b", "200K", "-P", "4"]),
        (1_471, &["-b", "5M", "-R"]),
        (65, &["-b", "200K", "-R", "-P", "4"]),
        (1_470, &["-b", "3M", "--bidir"]),
        (66, &["-b", "200K", "--bidir", "-P", "4"]),
        (500, &["-b", "1M", "-O", "1"]),
        (501, &["-b", "1M", "-O", "1", "-R"]),
        (502, &["-b", "1M", "--udp-counters-64bit"]),
        (503, &["-b", "1M", "-R", "--udp-counters-64bit"]),
        (16, &["-b", "50K", "-S", "184", "-R"]),
        (65_507, &["-b", "10M"]),
    ];
    let all = measured(&lab, &server, &tests);
    let (mut received, mut greetings) = (0, 0);
    for ((size, args), told) in tests.iter().zip(&all) {
        assert_eq!(text(&told.server, "end.code"), "done", "{:#}", told.server);
        let (down, both) = (args.contains(&"-R"), args.contains(&"--bidir"));
        // A tenth of a second of them: either end may be late to end the omitted time.
        let at_cut = if args.contains(&"-O") { 25 } else { 0 };
        if !down {
            told.assert_up(*size, at_cut);
            received += told.server("received.datagrams");
        }
        // What iperf3 3.12 sent, or was sent, in the omitted time is in its sums of packets.
        if down || both {
            let sum = if both { "sum_sent_bidir_reverse" } else { "sum_sent" };
            told.assert_down(sum, *size, at_cut);
        }
        greetings += if args.contains(&"-P") { 4 } else { 1 } * if both { 2 } else { 1 };
    }
    // Beside these the kernel counted what came in the omitted time.
    assert!(lab.snmp("b").in_datagrams >= before + received + greetings);
    // 250 datagrams each second, of which one is omitted; a busy machine may end it early or late.
    assert!(all[6].server("received.datagrams") <= 400, "{:#}", all[6].server);
    assert!(all[7].server("sent.datagrams") <= 400, "{:#}", all[7].server);
}

#[test]
fn a_client_that_asks_for_the_server_s_report_shows_it() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let server = serve(&lab, &[]);
    let args = ["-b", "1M", "-t", "1", "-l", "600", "--get-server-output"];
    let output = run(&mut iperf3(&lab, &args), secs(15));
    let told = json(&output.out());
    let closed = closed(&server, 600);
    assert_eq!(path(&told, "server_output_json.received"), path(&closed, "received"), "{told:#}");
}

#[test]
fn without_a_rate_what_is_missing_is_what_the_kernel_dropped() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let server = serve(&lab, &[]);
    for (size, args) in [(1_472, &["-b", "0"][..]), (64, &["-b", "0", "-P", "4"])] {
        let before = lab.snmp("b");
        let told = &measured(&lab, &server, &[(size, args)])[0];
        let after = lab.snmp("b");
        told.assert_up(size, 0);
        let greetings = if args.contains(&"-P") { 4 } else { 1 };
        let read = after.in_datagrams - before.in_datagrams;
        assert_eq!(read, told.server("received.datagrams") + greetings, "{:#}", told.server);
        let dropped = after.rcvbuf_errors - before.rcvbuf_errors;
        // The link has a queue of its own.
        assert!(dropped <= told.server("received.lost_datagrams"), "{:#}", told.server);
    }
    let told = &measured(&lab, &server, &[(1_471, &["-b", "0", "-R"])])[0];
    told.assert_down("sum_sent", 1_471, 0);
    assert!(told.server("sent.datagrams") > 1_000, "{:#}", told.server);
}

/// Rules for what arrives at `host` from payloads of certain sizes, each with its counter.
fn dropping(lab: &Lab, host: &str, rules: &[(u64, &str)]) {
    let mut script = "add table inet lossy\n\
         add chain inet lossy early { type filter hook prerouting priority -300; }\n"
        .to_owned();
    for (size, rule) in rules {
        let length = size + 8;
        script += &format!(
            "add counter inet lossy d{size}\n\
             add rule inet lossy early udp length {length} {rule} counter name d{size} drop\n"
        );
    }
    lab.nft(host, &script);
}

fn dropped(lab: &Lab, host: &str, size: u64) -> u64 {
    lab.counter(host, "inet lossy", &format!("d{size}")).0
}

/// The number of a datagram is 8 bytes into its payload.
const TAIL: &str = "@th,128,32 > 100";

#[test]
fn loss_is_what_the_firewall_dropped_also_at_the_end_and_of_everything() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::up("pair", &["--no-offload"]);
    let rules = [
        (500, "udp dport 9"),
        (501, "numgen inc mod 100 == 7"),
        (502, "numgen inc mod 10 == 7"),
        (503, TAIL),
        (504, "udp sport > 0"),
    ];
    dropping(&lab, "b", &rules);
    let server = serve(&lab, &[]);
    let args: &[&str] = &["-b", "1M"];
    for ((size, rule), told) in
        rules.iter().zip(measured(&lab, &server, &rules.map(|(size, _)| (size, args))))
    {
        told.assert_up(*size, 0);
        let (lost, dropped) = (told.server("received.lost_datagrams"), dropped(&lab, "b", *size));
        assert_eq!(lost, dropped, "{rule} {:#} {:#}", told.client["end"], told.server);
        assert_eq!(dropped > 0, *size != 500, "{rule}");
        let sent = told.sum("sum_sent", "packets");
        if *size == 504 {
            assert_eq!((lost, told.sum("sum", "lost_packets")), (sent, sent), "{rule}");
        }
        // iperf3's own summary has the tail, too.
        assert_eq!(told.sum("sum", "lost_packets"), lost, "{rule} {:#}", told.client["end"]);
    }
}

#[test]
fn what_a_firewall_drops_of_what_the_server_sends_is_missing_at_the_client() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::up("pair", &["--no-offload"]);
    let rules = [
        (500, "udp dport 9"),
        (502, "numgen inc mod 10 == 7"),
        (503, TAIL),
        (504, "udp sport > 0"),
    ];
    dropping(&lab, "a", &rules);
    let server = serve(&lab, &[]);
    let args: &[&str] = &["-b", "1M", "-R"];
    for ((size, rule), told) in
        rules.iter().zip(measured(&lab, &server, &rules.map(|(size, _)| (size, args))))
    {
        told.assert_down("sum_sent", *size, 0);
        let received = told.sum("sum_received", "bytes") / size;
        let (sent, dropped) = (told.server("sent.datagrams"), dropped(&lab, "a", *size));
        // The client ends the test while some are under way.
        let under_way = sent - received - dropped;
        assert!(under_way <= 60, "{rule} {under_way} {:#}", told.server);
        assert!(received == 0 || *size != 504, "{rule}");
    }
}

#[test]
fn what_the_policy_forbids_is_refused_in_iperf3_s_own_words() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let server = serve(
        &lab,
        &["--no-reverse", "--max-rate", "10M", "--max-duration", "10s", "--max-streams", "2"],
    );
    let cases: [(&[&str], &str, i64); 5] = [
        (&["-R"], "authorization", 142),
        (&["--bidir"], "authorization", 142),
        (&["-P", "3"], "parallel streams", 6),
        (&["-b", "6M", "-P", "2"], "bandwidth", 27),
        (&["-t", "11"], "duration", 5),
    ];
    for (args, words, _) in cases {
        let output = run(&mut iperf3(&lab, args), secs(10));
        let told = json(&output.out());
        assert!(text(&told, "error").contains(words), "{args:?}: {told:#}");
    }
    let refused = refusals(&server, cases.len());
    let numbers: Vec<_> = refused.iter().filter_map(|one| one["iperf_error"].as_i64()).collect();
    assert_eq!(numbers, cases.map(|(_, _, number)| number), "{refused:#?}");
    let output = run(&mut iperf3(&lab, &["-b", "10M", "-t", "1"]), secs(10));
    assert!(output.success(), "{}", output.out());
}

/// A server on this host for one client at a time, and its address for iperf3 clients.
fn local_server(args: &[&str]) -> (Running, SocketAddr) {
    let mut command = udpkit();
    command.args(["serve", "127.0.0.1:0", "--iperf3=127.0.0.1:0", "--json", "--no-stun"]);
    let server = Running::start(command.args(args));
    let line = server.wait_for("the port", secs(10), |line| line.contains("iperf3_port"));
    server.wait_for_line("confined", secs(10));
    let address = text(&json(&line), "address").parse().expect("an address");
    (server, address)
}

/// The client's side of a control connection, as far as a test goes.
struct Client {
    control: TcpStream,
    data: UdpSocket,
}

const COOKIE: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz234567abcd\0";
const PARAMS: &str = r#"{"udp":true,"omit":0,"time":5,"num":0,"blockcount":0,"parallel":1,
    "len":100,"bandwidth":1000000,"pacing_timer":1000,"client_version":"3.12""#;
const RESULTS: &str = r#"{"cpu_util_total":0,"cpu_util_user":0,"cpu_util_system":0,
    "sender_has_retransmits":0,"streams":[{"id":1,"bytes":300,"retransmits":-1,"jitter":0,
    "errors":0,"packets":3,"start_time":0,"end_time":1}]}"#;

impl Client {
    fn new(server: SocketAddr) -> Self {
        let control = TcpStream::connect(server).expect("the server listens");
        control.set_read_timeout(Some(secs(10))).expect("a timeout");
        let data = UdpSocket::bind("127.0.0.1:0").expect("a port");
        data.connect(server).expect("an address");
        data.set_read_timeout(Some(secs(10))).expect("a timeout");
        Self { control, data }
    }

    /// A client that is asked for its parameters, once the server has a place for it: those before
    /// it have left theirs within seconds.
    fn placed(server: SocketAddr) -> Self {
        let mut placed = None;
        wait_until("the place is free", secs(5), || {
            let mut client = Self::new(server);
            let mut byte = [0];
            let asked = client.control.write_all(COOKIE).is_ok()
                && client.control.read_exact(&mut byte).is_ok()
                && byte == [9];
            placed = asked.then_some(client);
            placed.is_some()
        });
        placed.expect("it was there")
    }

    fn say(&mut self, bytes: &[u8]) {
        self.control.write_all(bytes).expect("the server reads");
    }

    fn message(&mut self, text: &str) {
        self.say(&(text.len() as u32).to_be_bytes());
        self.say(text.as_bytes());
    }

    #[track_caller]
    fn hears(&mut self, bytes: &[u8]) {
        let mut heard = vec![0; bytes.len()];
        self.control.read_exact(&mut heard).expect("the server answers");
        assert_eq!(heard, bytes);
    }

    /// Goes so many steps, of six, and is then gone.
    fn go(server: SocketAddr, steps: usize, reverse: bool) {
        if steps == 0 {
            return drop(Self::new(server));
        }
        let mut client = Self::placed(server);
        let more = if reverse { r#","reverse":true}"# } else { "}" };
        for step in 1..steps {
            match step {
                1 => {
                    client.message(&format!("{PARAMS}{more}"));
                    client.hears(&[10]);
                }
                2 => {
                    client.data.send(b"9876").expect("sent");
                    let mut reply = [0; 2_000];
                    let length = client.data.recv(&mut reply).expect("a reply");
                    assert_eq!(&reply[..length], b"6789");
                    client.hears(&[1, 2]);
                }
                3 => {
                    client.data.send(&[0; 100]).expect("sent");
                    client.say(&[4]);
                    client.hears(&[13]);
                }
                4 => client.message(RESULTS),
                _ => {
                    let mut length = [0; 4];
                    client.control.read_exact(&mut length).expect("results");
                    let mut text = vec![0; u32::from_be_bytes(length) as usize];
                    client.control.read_exact(&mut text).expect("results");
                    client.hears(&[14]);
                }
            }
        }
    }
}

#[test]
fn a_running_test_is_in_the_status_and_its_payload_as_its_client_wants_it() {
    let (server, address) = local_server(&[]);
    let mut client = Client::placed(address);
    client.message(&format!(r#"{PARAMS},"reverse":true,"repeating_payload":1}}"#));
    client.hears(&[10]);
    client.data.send(b"9876").expect("sent");
    client.hears(&[1, 2]);
    let mut payload = [0; 2_000];
    let mut length = 0;
    while length != 100 {
        length = client.data.recv(&mut payload).expect("data");
    }
    assert_eq!(payload[12..22], *b"2345678901");
    server.signal("QUIT");
    let status = server.wait_for("the status", secs(10), |line| line.contains("\"status\""));
    let status = json(&status);
    assert_eq!((number(&status, "sessions"), number(&status, "streams")), (1, 1), "{status:#}");
}

#[test]
fn a_client_that_dies_in_any_state_leaves_its_place_to_the_next() {
    let (server, address) = local_server(&["--max-sessions", "1"]);
    for reverse in [false, true] {
        for steps in 0..=6 {
            Client::go(address, steps, reverse);
        }
    }
    wait_until("every test is closed", secs(5), || events(&server, "iperf3_closed").len() == 10);
    for (index, one) in events(&server, "iperf3_closed").iter().enumerate() {
        match (index, text(one, "end.code")) {
            // A client that receives has everything as soon as it has sent its results.
            (4 | 8 | 9, "done") => {}
            (4 | 9, _) | (_, "done") => panic!("{index}: {one:#}"),
            (_, code) => assert_eq!(code, "closed", "{index}: {one:#}"),
        }
    }
    // Whoever comes while it is taken is told so.
    let _first = Client::placed(address);
    Client::new(address).hears(&[0xFF]);
}

#[test]
fn connections_that_say_nothing_and_strangers_leave_it_serving() {
    require_tools!("iperf3");
    let (server, address) = local_server(&[]);
    let silent: Vec<_> = (0..200).filter_map(|_| TcpStream::connect(address).ok()).collect();
    assert!(silent.len() > 100, "{}", silent.len());
    let port = address.port().to_string();
    let mut client = Command::new("iperf3");
    client.args(["-c", "127.0.0.1", "-B", "127.0.0.2", "-p", &port, "-u", "-J", "-b", "1M"]);
    let client = Running::start(client.args(["-t", "1", "-l", "700"]));
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a port");
    // Not so many that the socket is ever full: iperf3 sends its one datagram of a stream's start
    // once, and gives up if it is lost.
    while !client.ends_within(Duration::from_millis(1)) {
        for payload in [&b"9876"[..], &[0; 700], b""] {
            let _ = stranger.send_to(payload, address);
        }
    }
    let told = json(&client.wait(secs(10)).out());
    assert!(told.get("error").is_none(), "{told:#}");
    let closed = closed(&server, 700);
    assert_eq!(text(&closed, "end.code"), "done", "{closed:#}");
    assert_eq!(number(&closed, "received.bytes"), number(&told, "end.sum_received.bytes"));
    assert_eq!(number(&closed, "received.other_size"), 0);
}

#[test]
fn whichever_end_is_killed_or_interrupted_the_other_says_so_within_seconds() {
    require_tools!("iperf3");
    for (signal, direction) in [("KILL", "-R"), ("KILL", "-u"), ("INT", "-u")] {
        let (server, address) = local_server(&["--once"]);
        let client = running_client_of(address, direction);
        client.signal(signal);
        client.wait(secs(10));
        let output = server.wait(secs(10));
        let closed = json_lines(&output.out());
        let closed = closed.iter().find(|line| text(line, "event") == "iperf3_closed");
        let code = path(closed.expect("the test is closed"), "end.code");
        // iperf3's client goes before it is heard, or says that it was interrupted.
        let interrupted = signal == "INT" && code == "terminated";
        assert!(interrupted || code == "closed", "{code}: {}", output.out());
        assert_eq!(output.code(), Some(i32::from(!interrupted)), "{}", output.out());
    }
    for signal in ["KILL", "INT"] {
        let (server, address) = local_server(&[]);
        let client = running_client_of(address, "-u");
        server.signal(signal);
        let output = client.wait(secs(10));
        let word = if signal == "INT" { "terminated" } else { "closed" };
        assert!(output.err().contains(word), "{}{}", output.err(), output.out());
        assert!(server.ends_within(secs(5)), "after {signal}");
    }
}

/// iperf3's client, and a stream that has begun: before it is answered, it hears of no end.
fn running_client_of(server: SocketAddr, direction: &str) -> Running {
    let port = server.port().to_string();
    let mut client = Command::new("iperf3");
    client.args(["-c", "127.0.0.1", "-p", &port, "-u", "-b", "1M", "-t", "60", direction]);
    let client = Running::start(client.args(["-i", "0.2", "--forceflush"]));
    client.wait_for_line(" sec ", secs(15));
    client
}

#[test]
fn udpkit_s_own_client_measures_against_it_in_every_direction() {
    let (_server, address) = local_server(&[]);
    for direction in ["--up", "--reverse", "--bidir"] {
        let mut client = udpkit();
        client.args(["blast", "--iperf3", &address.to_string(), "--json", "-t", "1s", "-b", "1M"]);
        client.args((direction != "--up").then_some(direction));
        let output = run(&mut client, secs(20));
        let report = json(&output.out());
        assert_eq!(report["complete"], true, "{report:#}");
        assert_eq!(number(&report, "lost.total"), 0, "{report:#}");
        assert!(number(&report, "delivered") > 50, "{report:#}");
    }
}

#[test]
fn users_are_served_by_password_and_key_and_nobody_else_is() {
    require_tools!("iperf3", "openssl", "sha256sum");
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (private, public, users) = (file("private.pem"), file("public.pem"), file("users.csv"));
    let script = format!(
        "openssl genrsa -out {private} 2048 && openssl rsa -in {private} -pubout -out {public} &&
         echo mario,$(printf '{{mario}}rossi' | sha256sum | cut -d' ' -f1) > {users}"
    );
    run(Command::new("sh").args(["-c", &script]), secs(20)).expect_success();
    let (key, users) = (format!("--iperf3-key={private}"), format!("--iperf3-users={users}"));
    // iperf3 3.12 knows only the old padding.
    let (server, address) = local_server(&[&key, &users, "--iperf3-pkcs1-padding"]);
    let port = address.port().to_string();
    let iperf3 = |login: &[&str], password: &str| {
        let mut client = Command::new("iperf3");
        client.args(["-c", "127.0.0.1", "-p", &port, "-u", "-b", "1M", "-k", "20"]).args(login);
        run(client.env("IPERF3_PASSWORD", password), secs(20))
    };
    let login = ["--username", "mario", "--rsa-public-key-path", &public];
    assert!(iperf3(&login, "rossi").success());
    for (login, password) in [(&login[..], "bianchi"), (&[], "")] {
        let output = iperf3(login, password);
        assert!(output.err().contains("authorization failed"), "{}", output.err());
    }
    let blast = |password: &str| {
        let mut client = udpkit();
        client.args(["blast", "--iperf3", &address.to_string(), "--json", "-c", "20", "-b", "1M"]);
        client.args(["--user", "mario", "--rsa-key", &public]);
        run(client.env("IPERF3_PASSWORD", password), secs(20))
    };
    assert_eq!(json(&blast("rossi").out())["complete"], true);
    let refused = json(&blast("bianchi").out());
    assert_eq!(path(&refused, "failure.cause.number"), 142, "{refused:#}");
    let refused = refusals(&server, 3);
    let reasons: Vec<_> = refused.iter().map(|one| text(one, "refusal.code")).collect();
    assert_eq!(reasons, ["credentials_wrong", "credentials_needed", "credentials_wrong"]);
}
