//! Lists of destinations, clients that come and go, and who may send.

use super::{lab, relay, relay_here, stop};
use crate::common::{Running, number, path, require_lab, run, secs, text, wait_until};
use serde_json::Value;
use std::fs;
use std::net::UdpSocket;

#[test]
fn the_list_is_read_again_at_a_hangup_and_nothing_is_lost() {
    require_lab!();
    let lab = lab(3);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let list = file.path().to_str().expect("a path").to_owned();
    let write = |text: &str| fs::write(&list, text).expect("writable");
    write("# collectors\n10.77.0.12:9000\n");
    let receivers = ["r2", "r3"].map(|host| {
        let running = Running::start(lab.udpkit(host).args(["recv", "9000", "-q"]));
        lab.wait_bound(host, 9000);
        running
    });
    let running = relay(&mut lab.udpkit("r1"), &["10.77.0.11:9000", "--to-file", &list]);
    let send = ["send", "10.77.0.11:9000", "-s", "100", "-c", "0", "-b", "2kpps", "--io", "mmsg"];
    let sender = Running::start(lab.udpkit("s").args(send));
    let came = |host: &str| lab.snmp(host).in_datagrams;
    wait_until("some at the first", secs(10), || came("r2") > 100);
    write("10.77.0.13:9000\n10.77.0.12:9000\n");
    running.signal("HUP");
    running.wait_for_line("2 destinations, 1 added, 0 removed", secs(10));
    wait_until("some at the second", secs(10), || came("r3") > 100);
    // What cannot be read changes nothing.
    write("10.77.0.11:9000\n");
    running.signal("HUP");
    running.wait_for_line("a loop", secs(10));
    let before = came("r3");
    wait_until("some more", secs(10), || came("r3") > before + 100);
    write("10.77.0.12:9000\n");
    running.signal("HUP");
    running.wait_for_line("1 destination, 0 added, 1 removed", secs(10));
    sender.signal("INT");
    sender.wait(secs(10));
    let sent = lab.snmp("s").out_datagrams;
    wait_until("all at the first", secs(10), || came("r2") == sent);
    let report = stop(running);
    assert_eq!(number(&report, "up.received"), sent, "{report:#}");
    let [first, second] = [0, 1].map(|row| path(&report, &format!("destination_rows.{row}")));
    assert_eq!(text(first, "destination"), "10.77.0.12:9000");
    assert_eq!((number(first, "forwarded"), path(first, "is_current")), (sent, &Value::Bool(true)));
    assert_eq!(number(second, "forwarded"), came("r3"), "{report:#}");
    assert_eq!(path(second, "is_current"), &Value::Bool(false), "{report:#}");
    drop(receivers);
}

#[test]
fn strangers_are_refused_and_cannot_grow_it() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let to = server.local_addr().expect("bound").to_string();
    server.set_read_timeout(Some(secs(20))).expect("settable");
    let args = [&to, "--max-flows", "3", "--allow", "127.0.0.1", "--filter", "size=1-4"];
    let (running, address) = relay_here(&args);
    let stranger = UdpSocket::bind("127.0.0.2:0").expect("loopback is a network");
    stranger.send_to(b"no", &address).expect("loopback takes it");
    let clients: Vec<_> = (0..5).map(|_| super::client(&address)).collect();
    for (number, client) in clients.iter().enumerate() {
        client.send(b"longer").expect("loopback takes it");
        client.send(&[number as u8]).expect("loopback takes it");
    }
    let mut got = [0; 16];
    for expected in 0..3 {
        let (len, _) = server.recv_from(&mut got).expect("what the first three sent");
        assert_eq!(got[..len], [expected]);
    }
    running.wait_for_line("every flow is active", secs(10));
    // The last of all: what came before has been read.
    clients[0].send(b"end").expect("loopback takes it");
    let (len, _) = server.recv_from(&mut got).expect("the end");
    assert_eq!(&got[..len], b"end");
    let report = stop(running);
    let refused = |why: &str| number(&report, &format!("up.refused.{why}"));
    assert_eq!((refused("not_allowed"), refused("filtered")), (1, 5), "{report:#}");
    assert_eq!((refused("flows_full"), number(&report, "flows")), (2, 3), "{report:#}");
}

#[test]
fn one_way_and_without_a_port_datagrams_go_to_the_port_of_their_arrival() {
    require_lab!();
    let lab = lab(2);
    let receiver =
        lab.udpkit("r2").args(["recv", "9001-9002", "7003", "-q", "-J"]).spawn_ready(&lab);
    let args = ["10.77.0.11:9001-9003", "10.77.0.12", "--one-way", "--rewrite-port", "9003:7003"];
    let running = relay(&mut lab.udpkit("r1"), &args);
    for port in ["9001", "9002", "9003"] {
        let to = format!("10.77.0.11:{port}");
        run(lab.udpkit("s").args(["send", &to, "-c", "7", "-s", "9"]), secs(10)).expect_success();
    }
    wait_until("all", secs(10), || lab.snmp("r2").in_datagrams == 21);
    let report = stop(running);
    assert_eq!((number(&report, "up.forwarded"), number(&report, "flows")), (21, 3), "{report:#}");
    receiver.signal("INT");
    let got = crate::common::json(&receiver.wait(secs(10)).expect_success().out());
    let rows = path(&got, "socket_rows").as_array().expect("rows");
    assert!(rows.iter().all(|row| number(row, "datagrams") == 7), "{got:#}");
}

#[test]
fn the_clients_addresses_are_kept_where_that_is_permitted() {
    require_lab!();
    let lab = lab(2);
    let receiver = lab.udpkit("r2").args(["recv", "7003", "-q", "-J"]).spawn_ready(&lab);
    let args = ["10.77.0.11:9000", "10.77.0.12:7003", "--transparent"];
    let running = relay(&mut lab.udpkit("r1"), &args);
    run(lab.udpkit("s").args(["send", "10.77.0.11:9000", "--", "x"]), secs(10)).expect_success();
    wait_until("it", secs(10), || lab.snmp("r2").in_datagrams == 1);
    assert_eq!(path(&stop(running), "is_source_kept"), &Value::Bool(true));
    receiver.signal("INT");
    let got = crate::common::json(&receiver.wait(secs(10)).expect_success().out());
    let source = text(&got, "source_rows.0.address");
    assert!(source.starts_with("10.77.0.1:"), "{got:#}");
}

/// Starts a receiver and waits until its last port is bound.
trait SpawnReady {
    fn spawn_ready(&mut self, lab: &crate::common::Lab) -> Running;
}

impl SpawnReady for std::process::Command {
    fn spawn_ready(&mut self, lab: &crate::common::Lab) -> Running {
        let running = Running::start(self);
        lab.wait_bound("r2", 7003);
        running
    }
}
