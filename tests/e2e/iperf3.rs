//! `udpkit blast --iperf3` with iperf3's own server, which says in its JSON what it counted, with
//! the kernel's and the firewall's counters as witnesses, and with servers that break off.

use crate::common::{
    Lab, Output, Running, assert_sums, json, number, path, require_lab, require_tools, run, secs,
    text, udpkit, wait_until, worst_wake,
};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// iperf3's port, 5201, as the kernel lists it.
const LISTENING: &str = ":1451 00000000000000000000000000000000:0000 0A";

/// An iperf3 server on `b` for one test.
fn serve(lab: &Lab, args: &[&str]) -> Running {
    let mut server = lab.command("b", "iperf3");
    let server = Running::start(server.args(["-s", "-1", "-J"]).args(args));
    wait_until("iperf3 listens", secs(5), || {
        lab.shell("b", "cat /proc/net/tcp6").contains(LISTENING)
    });
    server
}

fn blast_command(lab: &Lab, args: &[&str]) -> Command {
    let mut command = lab.udpkit("a");
    command.args(["blast", "--iperf3", "10.77.0.2", "--json", "-t", "1s"]).args(args);
    command
}

/// A run from `a` to an iperf3 server on `b`: this end's report, and the server's.
fn measured(lab: &Lab, args: &[&str]) -> (Value, Value) {
    let server = serve(lab, &[]);
    let output = run(&mut blast_command(lab, args), secs(30));
    let report = json(&output.out());
    assert_sums(&report);
    (report, json(&server.wait(secs(10)).out()))
}

/// What the server counted of the streams that it sent, or received: bytes, datagrams, lost.
fn of_server(server: &Value, sender: bool) -> [u64; 3] {
    let streams = path(server, "end.streams").as_array().expect("streams");
    let udp = streams.iter().map(|stream| path(stream, "udp"));
    let udp: Vec<_> = udp.filter(|udp| udp["sender"] == sender).collect();
    ["bytes", "packets", "lost_packets"].map(|key| udp.iter().map(|udp| number(udp, key)).sum())
}

/// The server's figures of what this end sent are this end's.
#[track_caller]
fn assert_up(report: &Value, server: &Value) {
    let told @ [_, highest, lost] = of_server(server, false);
    // By stream, 3.12 has no bytes of what it received.
    let bytes = number(server, "end.sum_received.bytes");
    assert_eq!(number(report, "received.bytes"), bytes, "{told:?} {report:#}");
    assert_eq!(number(report, "iperf3.lost_without_tail_datagrams"), lost, "{told:?} {report:#}");
    let tail = number(report, "sent.datagrams") - highest;
    assert_eq!(number(report, "lost.total"), lost + tail, "{told:?} {report:#}");
    for unknown in ["duplicates", "reordered", "silence_ns", "lost.receiver_socket", "lost.bursts"]
    {
        assert!(path(report, unknown).is_null(), "{unknown} in {report:#}");
    }
}

/// The server's figures of what it sent are this end's; it shows no loss of the tail.
#[track_caller]
fn assert_down(way: &Value, server: &Value) {
    let told @ [bytes, sent, lost] = of_server(server, true);
    assert_eq!(number(way, "sent.datagrams"), sent, "{told:?} {way:#}");
    assert_eq!(number(way, "sent.bytes"), bytes, "{told:?} {way:#}");
    assert!(number(way, "lost.total") >= lost, "{told:?} {way:#}");
    assert_eq!(number(way, "duplicates"), 0);
}

#[test]
fn what_this_end_sends_agrees_with_iperf3_and_the_kernel() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    for (streams, size, rate) in
        [("1", "1472", "5M"), ("4", "64", "1M"), ("1", "64", "max"), ("4", "1472", "max")]
    {
        let before = lab.snmp("b");
        let (report, server) = measured(&lab, &["-P", streams, "--size", size, "-b", rate]);
        let after = lab.snmp("b");
        assert_up(&report, &server);
        assert_eq!(report["complete"], true, "{report:#}");
        // Each stream is opened by one datagram.
        let read = number(&report, "received.datagrams") + streams.parse::<u64>().unwrap();
        assert_eq!(after.in_datagrams - before.in_datagrams, read, "{report:#}");
    }
}

#[test]
fn what_this_end_receives_agrees_with_iperf3_and_the_kernel() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    for (streams, size, rate) in [("1", "64", "1M"), ("4", "1472", "5M"), ("1", "1472", "max")] {
        let before = lab.snmp("a");
        let args = ["--reverse", "-P", streams, "--size", size, "-b", rate];
        let (report, server) = measured(&lab, &args);
        let after = lab.snmp("a");
        assert_down(&report, &server);
        assert_eq!(report["complete"], true, "{report:#}");
        let read = number(&report, "received.datagrams") + streams.parse::<u64>().unwrap();
        assert_eq!(after.in_datagrams - before.in_datagrams, read, "{report:#}");
    }
}

#[test]
fn both_directions_at_once_agree_with_iperf3() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    for (streams, size) in [("1", "1472"), ("4", "64")] {
        let (report, server) =
            measured(&lab, &["--bidir", "-P", streams, "--size", size, "-b", "1M"]);
        assert_up(&report, &server);
        assert_down(path(&report, "reverse"), &server);
        assert_eq!(report["complete"], true, "{report:#}");
    }
}

#[test]
fn an_omitted_time_is_in_no_count() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let args = ["--omit", "1s", "-b", "1M", "--size", "500"];
    let ((report, server), late) = worst_wake(|| measured(&lab, &args));
    let bytes = number(&server, "end.sum_received.bytes");
    assert_eq!(number(&report, "received.bytes"), bytes);
    // 250 datagrams each second, of which one is omitted; a busy machine may end it early or late.
    let of_late = |late: Duration| late.as_millis() as u64 / 4;
    let sent = number(&report, "sent.datagrams");
    assert!(sent <= 400 + of_late(late), "{late:?}: {report:#}");
    // iperf3 3.12 does not say what it lost in the omitted time.
    assert!(path(&report, "lost").is_null(), "{report:#}");
    let before = lab.snmp("a").in_datagrams;
    let ((report, _), late) = worst_wake(|| measured(&lab, &[&args[..], &["--reverse"]].concat()));
    assert_eq!(number(&report, "lost.total"), 0, "{report:#}");
    // iperf3's own count may be with the omitted time or without it.
    let arrived = lab.snmp("a").in_datagrams - before;
    let (counted, received) = (number(&report, "sent.datagrams"), number(&report, "delivered"));
    assert_eq!(counted, received, "{report:#}");
    assert!(counted + 100 < arrived + of_late(late), "{late:?}, {arrived}: {report:#}");
}

/// Drops by a rule what goes to, or comes from, iperf3's port on its way into `host`, but not what
/// opens a stream.
fn dropping(lab: &Lab, host: &str, rule: &str) {
    lab.nft(
        host,
        &format!(
            "add table inet lossy\n\
             add counter inet lossy dropped\n\
             add chain inet lossy early {{ type filter hook prerouting priority -300; }}\n\
             add rule inet lossy early udp length > 20 {rule} counter name dropped drop\n"
        ),
    );
}

fn dropped(lab: &Lab, host: &str) -> u64 {
    lab.counter(host, "inet lossy", "dropped").0
}

#[test]
fn loss_is_what_the_firewall_dropped_also_at_the_end_and_of_everything() {
    require_lab!();
    require_tools!("iperf3");
    // The number of a datagram is 8 bytes into its payload.
    for rule in [
        "udp dport 9",
        "numgen inc mod 100 == 7",
        "numgen inc mod 10 == 7",
        "@th,128,32 > 300",
        "udp sport > 0",
    ] {
        let lab = Lab::up("pair", &["--no-offload"]);
        dropping(&lab, "b", rule);
        let (report, server) = measured(&lab, &["-b", "5M"]);
        assert_up(&report, &server);
        assert_eq!(number(&report, "lost.total"), dropped(&lab, "b"), "{rule} {report:#}");
        let shown = number(&report, "iperf3.lost_without_tail_datagrams");
        match rule {
            "@th,128,32 > 300" | "udp sport > 0" => {
                assert!(dropped(&lab, "b") > 50 && shown == 0, "iperf3 sees none: {report:#}");
                assert_eq!(text(&report, "limited_by"), "network", "{report:#}");
            }
            "udp dport 9" => assert_eq!(number(&report, "lost.total"), 0),
            _ => assert!(shown > 0, "{rule} {report:#}"),
        }
    }
    for rule in ["numgen inc mod 10 == 7", "@th,128,32 > 300", "udp sport > 0"] {
        let lab = Lab::up("pair", &["--no-offload"]);
        dropping(&lab, "a", rule);
        let (report, server) = measured(&lab, &["-b", "5M", "--reverse"]);
        assert_down(&report, &server);
        assert_eq!(number(&report, "lost.total"), dropped(&lab, "a"), "{rule} {report:#}");
    }
}

#[test]
fn marks_and_dont_fragment_are_on_the_wire_in_either_direction() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::up("pair", &["--no-offload"]);
    for host in ["a", "b"] {
        lab.nft(
            host,
            "add table inet t
             add counter inet t data
             add counter inet t marked
             add counter inet t whole
             add chain inet t early { type filter hook prerouting priority -300; }
             add rule inet t early udp length 708 counter name data
             add rule inet t early udp length 708 ip dscp ef ip ecn ect0 counter name marked
             add rule inet t early udp length 708 ip frag-off & 0x4000 != 0 counter name whole\n",
        );
    }
    let counted =
        |host| ["data", "marked", "whole"].map(|name| lab.counter(host, "inet t", name).0);
    let since = |host, before: [u64; 3]| {
        let after = counted(host);
        [0, 1, 2].map(|index| after[index] - before[index])
    };
    let marks: &[&str] = &["--dscp", "ef", "--ecn", "ect0", "--dont-fragment"];
    for (options, all) in [(marks, true), (&[], false)] {
        let before = counted("b");
        let args = [&["--size", "700", "-b", "1M", "--io", "mmsg"], options].concat();
        let (report, _) = measured(&lab, &args);
        let [data, marked, whole] = since("b", before);
        assert_eq!(data, number(&report, "delivered"), "{args:?} {report:#}");
        assert_eq!(marked, if all { data } else { 0 }, "{args:?}");
        // Without the option, the system decides.
        assert!(!all || whole == data, "{args:?}: {whole} of {data}");
    }
    // What an iperf3 client asks its server for: 3.12's own server does not mark what it sends.
    let server = lab.serve("b", &["--iperf3", "--io", "mmsg"]);
    server.wait_for_line("serving iperf3", secs(10));
    let before = counted("a");
    let mut client = lab.command("a", "iperf3");
    client.args(["-c", "10.77.0.2", "-u", "-R", "-b", "1M", "-t", "1", "-l", "700", "-J"]);
    let told = json(&run(client.args(["-S", "0xba", "--dont-fragment"]), secs(20)).out());
    let [data, marked, whole] = since("a", before);
    let received = number(&told, "end.sum.packets");
    assert!(data >= received && received > 100, "{data} of {received}: {told:#}");
    assert_eq!((marked, whole), (data, data), "{told:#}");
}

#[test]
fn a_count_ends_a_run_in_either_direction() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let (report, server) = measured(&lab, &["-b", "5M", "--count", "100", "-P", "2"]);
    assert_up(&report, &server);
    assert_eq!(number(&report, "sent.datagrams"), 100);
    let (report, server) = measured(&lab, &["-b", "5M", "--bytes", "100000", "--reverse"]);
    assert_down(&report, &server);
    // The server sends until it is told.
    assert!((68..400).contains(&number(&report, "delivered")), "{report:#}");
}

#[test]
fn an_older_server_does_not_heed_gsro_and_none_is_asked_to_fragment_with_it() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let args = ["--gsro", "--bidir", "--size", "1472", "-b", "1M"];
    let (report, server) = measured(&lab, &args);
    assert_up(&report, &server);
    assert_down(path(&report, "reverse"), &server);
    assert_eq!(path(&report, "iperf3.gsro_requested"), true);
    for (way, code) in [("--reverse", 2), ("--bidir", 2), ("--ecn=ect0", 1)] {
        let output = run(&mut blast_command(&lab, &["--gsro", "--size", "1473", way]), secs(10));
        // Nobody listens.
        assert_eq!(output.code(), Some(code), "{way}: {}", output.err());
        assert_eq!(output.err().contains("use --size 1472 or less"), code == 2, "{way}");
    }
}

#[test]
fn a_busy_server_and_a_killed_one_are_told_in_words() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    for direction in [&[][..], &["--reverse"]] {
        let server = serve(&lab, &[]);
        let mut long = lab.udpkit("a");
        long.args(["blast", "--iperf3", "10.77.0.2", "-t", "60s", "-b", "5M", "--json"]);
        let long = Running::start(long.args(direction));
        // The server's socket is connected once the stream is open.
        wait_until("the stream is open", secs(5), || {
            let sockets = lab.shell("b", "cat /proc/net/udp /proc/net/udp6");
            sockets.lines().any(|line| line.contains(":1451 ") && line.contains(" 01 "))
        });
        let busy = run(&mut blast_command(&lab, &[]), secs(10));
        assert_eq!(busy.code(), Some(1));
        let report = json(&busy.out());
        assert_eq!(text(&report, "failure.cause.code"), "busy", "{report:#}");
        assert_eq!(text(&report, "failure_advice.code"), "try_later");
        server.signal("KILL");
        server.wait(secs(5));
        let killed = long.wait(secs(10));
        assert_eq!(killed.code(), Some(1), "{}", killed.err());
        let report = json(&killed.out());
        assert_eq!(text(&report, "failure.cause.code"), "closed", "{report:#}");
        assert_eq!(text(&report, "failure.cause.phase"), "running", "{report:#}");
    }
}

#[test]
fn an_interrupted_run_has_the_server_s_counts() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let server = serve(&lab, &[]);
    let mut client = lab.udpkit("a");
    client.args(["blast", "--iperf3", "10.77.0.2", "-t", "60s", "-b", "5M", "--json"]);
    let client = Running::start(&mut client);
    let start = lab.snmp("b").in_datagrams;
    wait_until("datagrams arrive", secs(10), || lab.snmp("b").in_datagrams > start + 50);
    client.signal("INT");
    let report = json(&client.wait(secs(10)).out());
    assert_eq!((&report["interrupted"], &report["failure"]), (&Value::Bool(true), &Value::Null));
    assert_up(&report, &json(&server.wait(secs(10)).out()));
}

#[test]
fn a_server_of_iperf3_alone_is_named_in_the_hint_and_never_used_by_itself() {
    require_lab!();
    require_tools!("iperf3");
    let lab = Lab::pair();
    let blast = || {
        let mut command = lab.udpkit("a");
        run(command.args(["blast", "10.77.0.2", "-t", "1s", "--json"]), secs(20))
    };
    let without = json(&blast().out());
    assert_eq!(text(&without, "failure_advice.code"), "start_server", "{without:#}");
    let _server = serve(&lab, &[]);
    let output = blast();
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    assert_eq!(text(&report, "failure_advice.code"), "use_iperf3", "{report:#}");
    assert!(output.err().contains("`udpkit blast --iperf3 10.77.0.2`"), "{}", output.err());
}

#[test]
fn a_user_is_authenticated_by_password_and_key() {
    require_lab!();
    require_tools!("iperf3", "openssl", "sha256sum");
    let lab = Lab::pair();
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (private, public, users) = (file("private.pem"), file("public.pem"), file("users.csv"));
    lab.shell("b", &format!("openssl genrsa -out {private} 2048 2>&1"));
    lab.shell("b", &format!("openssl rsa -in {private} -pubout -out {public} 2>&1"));
    let hash = lab.shell("b", "printf '{mario}rossi' | sha256sum | cut -d' ' -f1");
    fs::write(&users, format!("mario,{}\n", hash.trim())).expect("the users' file");
    let args = ["--rsa-private-key-path", &private, "--authorized-users-path", &users];
    for (password, accepted) in [("rossi", true), ("bianchi", false)] {
        let server = serve(&lab, &args);
        // iperf3 3.12 knows only the old padding.
        let login = ["--user", "mario", "--rsa-key", &public, "--pkcs1-padding", "-b", "1M"];
        let mut command = blast_command(&lab, &login);
        let output = run(command.env("IPERF3_PASSWORD", password), secs(20));
        let report = json(&output.out());
        assert_eq!(output.success(), accepted, "{report:#}");
        if accepted {
            assert_eq!(report["complete"], true, "{report:#}");
        } else {
            assert_eq!(text(&report, "failure.cause.code"), "not_authorized", "{report:#}");
            assert_eq!(text(&report, "failure_advice.code"), "check_credentials");
        }
        assert!(!output.out().contains(password), "the password is shown nowhere");
        drop(server);
    }
}

/// What a server says, in this order.
#[derive(Clone, Copy)]
enum Say {
    /// These bytes.
    Bytes(&'static [u8]),
    /// Nothing before the client has sent so many bytes at least.
    Read(usize),
    /// The reply to a stream's greeting.
    Reply,
    /// Nothing more; the connection stays open.
    Silence,
}

const COOKIE: Say = Say::Read(37);
const PARAMS: Say = Say::Read(100);

/// A server that follows a script and then closes the connection.
fn scripted(script: &'static [Say]) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let addr = listener.local_addr().expect("an address");
    let data = UdpSocket::bind(addr).expect("the same port for UDP");
    data.set_read_timeout(Some(secs(10))).expect("a timeout");
    let server = thread::spawn(move || {
        let (mut control, _) = listener.accept().expect("a client");
        control.set_read_timeout(Some(secs(20))).expect("a timeout");
        for say in script {
            follow(&mut control, &data, *say);
        }
    });
    (addr, server)
}

fn follow(control: &mut TcpStream, data: &UdpSocket, say: Say) {
    match say {
        Say::Bytes(bytes) => control.write_all(bytes).expect("the client reads"),
        Say::Read(least) => {
            let mut seen = 0;
            while seen < least {
                let count = control.read(&mut [0; 4096]).expect("the client writes");
                assert!(count > 0, "the client closed");
                seen += count;
            }
        }
        Say::Reply => {
            let (length, client) = data.recv_from(&mut [0; 2048]).expect("a greeting");
            assert_eq!(length, 4);
            data.send_to(b"6789", client).expect("the client is there");
        }
        Say::Silence => {
            // Until the client has given up.
            while control.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
        }
    }
}

fn against(script: &'static [Say]) -> (Output, Duration) {
    let (addr, server) = scripted(script);
    let began = Instant::now();
    let output = run(
        udpkit()
            .args(["blast", "--iperf3", &addr.to_string(), "--json", "-t", "1s", "-w", "1s"])
            .args(["-b", "1M"]),
        secs(30),
    );
    let took = began.elapsed();
    server.join().expect("the script was followed");
    (output, took)
}

#[test]
fn a_server_that_breaks_off_in_any_state_ends_the_run_within_seconds() {
    use Say::{Bytes, Reply, Silence};
    let cases: [(&'static [Say], &str, Option<&str>); 12] = [
        (&[Bytes(&[0xFF])], "busy", None),
        (&[COOKIE], "closed", Some("opening")),
        (&[COOKIE, Silence], "silent", Some("opening")),
        (&[COOKIE, Bytes(&[9]), PARAMS], "closed", Some("parameters")),
        (&[COOKIE, Bytes(&[9]), Silence], "silent", Some("parameters")),
        (&[COOKIE, Bytes(&[9]), PARAMS, Bytes(&[0xFE, 0, 0, 0, 27, 0, 0, 0, 0])], "refused", None),
        (&[COOKIE, Bytes(&[9]), PARAMS, Bytes(&[10]), Silence], "stream_no_reply", None),
        (&[COOKIE, Bytes(&[9]), PARAMS, Bytes(&[10]), Reply, Silence], "silent", Some("starting")),
        (&[COOKIE, Bytes(&[9]), PARAMS, Bytes(&[10]), Reply, Bytes(&[1, 2])], "closed", None),
        (
            &[COOKIE, Bytes(&[9]), PARAMS, Bytes(&[10]), Reply, Bytes(&[1, 2, 11])],
            "terminated",
            Some("running"),
        ),
        (
            &[COOKIE, Bytes(&[9]), PARAMS, Bytes(&[10]), Reply, Bytes(&[1, 2]), Silence],
            "silent",
            Some("ending"),
        ),
        (
            &[COOKIE, Bytes(&[9]), PARAMS, Bytes(&[10]), Reply, Bytes(&[1, 2, 77])],
            "unexpected",
            Some("running"),
        ),
    ];
    for (index, (script, code, phase)) in cases.into_iter().enumerate() {
        let (output, took) = against(script);
        assert_eq!(output.code(), Some(1), "case {index}: {}", output.err());
        let report = json(&output.out());
        assert_eq!(text(&report, "failure.cause.code"), code, "case {index}: {report:#}");
        if let Some(phase) = phase {
            assert_eq!(text(&report, "failure.cause.phase"), phase, "case {index}: {report:#}");
        }
        assert!(took < secs(15), "case {index} took {took:?}");
    }
}
