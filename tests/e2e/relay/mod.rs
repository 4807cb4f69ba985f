//! `udpkit relay`, end to end: its counts against the kernel's, and against what other commands say
//! of the datagrams that went through it.

mod bridges;
mod impair;
mod impaired;
mod lists;

use crate::common::{
    Lab, Running, json, number, path, require_lab, run, secs, text, udpkit, wait_until,
};
use serde_json::Value;
use std::net::UdpSocket;
use std::process::Command;

/// A relay, once it relays; its document comes at the end.
fn relay(command: &mut Command, args: &[&str]) -> Running {
    let running = Running::start(command.args(["relay", "-J"]).args(args));
    running.wait_for_line("relaying ", secs(10));
    running
}

/// A relay of this host on a port that the kernel chose, and its address.
fn relay_here(args: &[&str]) -> (Running, String) {
    let running = Running::start(udpkit().args(["relay", "-J", "127.0.0.1:0"]).args(args));
    let line = running.wait_for_line("relaying ", secs(10));
    let (_, rest) = line.split_once("relaying ").expect("waited for");
    let address = rest.split_whitespace().next().expect("an address").to_owned();
    (running, address)
}

/// Ends a relay; returns its document, whose sums are exact.
#[track_caller]
fn stop(running: Running) -> Value {
    running.signal("INT");
    let report = json(&running.wait(secs(10)).expect_success().out());
    for way in ["up", "down"] {
        let of = |key: &str| number(&report, &format!("{way}.{key}"));
        let out = of("forwarded") + of("dropped.total") + of("refused.total") + of("queued");
        assert_eq!(of("received") + of("copies"), out, "{way}: {report:#}");
    }
    report
}

/// A socket that answers everything with itself, until it is dropped with its thread.
fn client(relay: &str) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.connect(relay).expect("connectable");
    socket.set_read_timeout(Some(secs(20))).expect("settable");
    socket
}

fn ask(socket: &UdpSocket, payload: &[u8]) -> Vec<u8> {
    socket.send(payload).expect("loopback takes it");
    let mut answer = [0; 2048];
    let len = socket.recv(&mut answer).expect("an answer");
    answer[..len].to_vec()
}

/// What came to and left a host by UDP over IPv4, as its kernel counts.
fn by_udp(lab: &Lab, host: &str) -> (u64, u64) {
    let counters = lab.snmp(host);
    (counters.in_datagrams, counters.out_datagrams)
}

fn both_ways(report: &Value, key: &str) -> u64 {
    number(report, &format!("up.{key}")) + number(report, &format!("down.{key}"))
}

#[test]
fn each_client_gets_its_own_answers() {
    let echo = Running::start(udpkit().args(["recv", "127.0.0.1:0", "--echo"]));
    let line = echo.wait_for_line("listening on ", secs(10));
    let server = line.trim_start_matches("listening on ").to_owned();
    let (running, address) = relay_here(&[&server]);
    let clients = [client(&address), client(&address)];
    for round in 0..20_u8 {
        for (number, socket) in clients.iter().enumerate() {
            let payload = [round, number as u8];
            assert_eq!(ask(socket, &payload), payload);
        }
    }
    // The empty datagram and the largest are datagrams, too.
    assert_eq!(ask(&clients[0], b""), b"");
    let report = stop(running);
    assert_eq!(number(&report, "flows"), 2, "{report:#}");
    for way in ["up", "down"] {
        assert_eq!(number(&report, &format!("{way}.forwarded")), 41, "{report:#}");
        assert_eq!(number(&report, &format!("{way}.forwarded_bytes")), 80, "{report:#}");
    }
    let own = clients[0].local_addr().expect("bound").to_string();
    let rows = path(&report, "flow_rows").as_array().expect("rows");
    let row = rows.iter().find(|row| text(row, "client") == own).expect("a row of the client");
    assert_eq!((number(row, "up.received"), number(row, "down.forwarded")), (21, 21), "{row:#}");
    assert_eq!(path(&report, "caveats"), &Value::Array(Vec::new()), "{report:#}");
    assert_eq!(path(&report, "seed"), &Value::Null);
}

/// A fan-out of a client `s`, a relay on `r1` and servers; without offloads, with which a kernel
/// counts several datagrams to a closed port as one.
fn lab(receivers: u32) -> Lab {
    Lab::up("fanout", &["--no-offload", "--receivers", &receivers.to_string()])
}

#[test]
fn ping_and_blast_through_a_relay_agree_with_its_counts_and_the_kernels() {
    require_lab!();
    let lab = lab(2);
    let _server = lab.serve("r2", &[]);
    // The kernel counts a buffer that leaves as one datagram.
    let args = ["10.77.0.11:8620", "10.77.0.12:8620", "--io", "mmsg"];
    let running = relay(&mut lab.udpkit("r1"), &args);
    let before = by_udp(&lab, "r1");
    let args = ["ping", "10.77.0.11", "-c", "50", "-i", "5ms", "-J"];
    let ping = json(&run(lab.udpkit("s").args(args), secs(20)).expect_success().out());
    assert_eq!(number(&ping, "targets.0.back"), 50, "{ping:#}");
    let args = ["blast", "10.77.0.11", "-b", "20M", "-t", "500ms", "-J"];
    let blast = json(&run(lab.udpkit("s").args(args), secs(20)).expect_success().out());
    assert_eq!(number(&blast, "lost.total"), 0, "{blast:#}");
    // What comes late counts where it is read.
    let report = stop(running);
    let after = by_udp(&lab, "r1");
    assert_eq!(both_ways(&report, "received"), after.0 - before.0, "{report:#}");
    assert_eq!(both_ways(&report, "forwarded"), after.1 - before.1, "{report:#}");
    assert!(number(&report, "up.forwarded") > 50 + number(&blast, "sent.datagrams"), "{report:#}");
    assert_eq!(number(&report, "up.received"), number(&report, "up.forwarded"), "{report:#}");
    assert_eq!(path(&report, "network_errors"), &Value::Array(Vec::new()), "{report:#}");
}

#[test]
fn of_three_destinations_a_dead_one_harms_no_other() {
    require_lab!();
    let lab = lab(4);
    let receivers = ["r2", "r3"].map(|host| {
        let running = Running::start(lab.udpkit(host).args(["recv", "9000", "-q", "-J"]));
        lab.wait_bound(host, 9000);
        running
    });
    let to = ["10.77.0.14:9000", "10.77.0.12:9000", "10.77.0.13:9000"];
    let args = [&["10.77.0.11:9000"][..], &to].concat();
    let running = relay(&mut lab.udpkit("r1"), &args);
    let send = ["send", "10.77.0.11:9000", "-s", "200", "-c", "2000", "-b", "20kpps"];
    run(lab.udpkit("s").args(send), secs(20)).expect_success();
    let live = ["r2", "r3"];
    wait_until("all at both", secs(10), || {
        live.iter().all(|host| lab.snmp(host).in_datagrams == 2000)
    });
    let dead = || {
        let counters = lab.snmp("r4");
        counters.no_ports + counters.in_datagrams
    };
    wait_until("all at the dead one", secs(10), || dead() == 2000);
    let report = stop(running);
    for (row, wanted) in to.iter().enumerate() {
        let row = path(&report, &format!("destination_rows.{row}"));
        assert_eq!(text(row, "destination"), *wanted, "{report:#}");
        assert_eq!((number(row, "forwarded"), number(row, "queued")), (2000, 0), "{report:#}");
        let has_errors = number(row, "errors") > 0;
        assert_eq!(has_errors, *wanted == "10.77.0.14:9000", "{report:#}");
    }
    assert_eq!((number(&report, "up.received"), number(&report, "up.copies")), (2000, 4000));
    for receiver in receivers {
        receiver.signal("INT");
        let got = json(&receiver.wait(secs(10)).expect_success().out());
        assert_eq!(number(&got, "datagrams"), 2000, "{got:#}");
    }
}

#[test]
fn from_ipv4_to_ipv6_and_from_a_group_to_a_host() {
    require_lab!();
    let lab = lab(2);
    let echo = Running::start(lab.udpkit("r2").args(["recv", "9000", "--echo", "-q", "-J"]));
    lab.wait_bound("r2", 9000);
    let running = relay(&mut lab.udpkit("r1"), &["10.77.0.11:9001", "[fd77::12]:9000"]);
    let args = ["send", "10.77.0.11:9001", "-c", "20", "-s", "64", "-w", "10s", "--replies", "20"];
    let sent = run(lab.udpkit("s").args(args).arg("-J"), secs(30)).expect_success();
    assert_eq!(number(&json(&sent.out()), "replies"), 20);
    assert_eq!(lab.snmp6("r2").in_datagrams, 20);
    let report = stop(running);
    assert_eq!((number(&report, "up.forwarded"), number(&report, "down.forwarded")), (20, 20));

    let args = ["239.7.7.7:9002", "10.77.0.12:9000", "-I", "eth0"];
    let running = relay(&mut lab.udpkit("r1"), &args);
    lab.wait_joined("r1", "239.7.7.7");
    let before = lab.snmp("r2").in_datagrams;
    let args = ["send", "239.7.7.7:9002", "-c", "30", "-s", "64", "-b", "5kpps"];
    run(lab.udpkit("s").args(args), secs(20)).expect_success();
    wait_until("all of the group", secs(10), || lab.snmp("r2").in_datagrams == before + 30);
    let report = stop(running);
    assert_eq!(number(&report, "up.received"), 30, "{report:#}");
    drop(echo);
}

#[test]
fn a_loop_is_refused_at_the_start_and_ends_by_the_ttl_among_two_relays() {
    for args in [
        &["127.0.0.1:9000", "127.0.0.1:9000"][..],
        &["9000", "127.0.0.1:9000"],
        &["127.0.0.1:9000", "192.0.2.1:9", "192.0.2.1:9"],
        &["127.0.0.1:9000", "0.0.0.0:9"],
        &["127.0.0.1:9000"],
        &["127.0.0.1:9000", "127.0.0.1:9", "--up", "rate 0"],
        &["127.0.0.1:9000", "127.0.0.1:9", "--up", "loss 101%"],
        &["127.0.0.1:9000", "127.0.0.1:9", "--both", "trace /nonexistent"],
    ] {
        let output = run(udpkit().arg("relay").args(args), secs(10));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
    }
    require_lab!();
    let lab = Lab::pair();
    let relays =
        [("a", "10.77.0.1:9000", "10.77.0.2:9000"), ("b", "10.77.0.2:9000", "10.77.0.1:9000")]
            .map(|(host, listen, dest)| relay(&mut lab.udpkit(host), &[listen, dest]));
    run(lab.udpkit("a").args(["send", "10.77.0.2:9000", "--", "round"]), secs(10)).expect_success();
    let out = |host| lab.snmp(host).out_datagrams;
    // 64 hops, the first of which is the sender's own.
    wait_until("the last hop", secs(10), || out("a") + out("b") >= 64);
    let reports = relays.map(stop);
    let sum = |key: &str| reports.iter().map(|report| number(report, key)).sum::<u64>();
    assert_eq!((sum("up.received"), sum("up.forwarded")), (64, 63), "{reports:#?}");
    assert_eq!(sum("up.refused.ttl_expired"), 1, "{reports:#?}");
}
