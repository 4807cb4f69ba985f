//! `udpkit cast send` and the reports of its receivers, compared with the counters of their
//! firewalls; and receivers that come, go, stop or get refused.

use crate::common::{
    Lab, Output, Running, free_udp_port, json, number, path, require_lab, require_tools, run,
};
use crate::common::{secs, text, udpkit};
use serde_json::Value;
use std::net::UdpSocket;
use std::process::Command;

/// Starts a receiver and waits until it has joined: it says so once all sockets are open.
fn receiver(command: &mut Command, args: &[&str]) -> Running {
    let running = Running::start(command.args(["cast", "recv"]).args(args));
    let is_ready = |line: &str| {
        ["joined", "listening on", "subscribing"].iter().any(|word| line.starts_with(word))
    };
    running.wait_for("line that says it is ready", secs(10), is_ready);
    running
}

fn send(command: &mut Command, args: &[&str]) -> Output {
    run(command.args(["cast", "send"]).args(args), secs(40))
}

/// The row of the receiver whose name begins with `host`.
fn row<'a>(sent: &'a Value, host: &str) -> &'a Value {
    let rows = path(sent, "receiver_rows").as_array().expect("receivers");
    rows.iter()
        .find(|row| text(row, "receiver").starts_with(host))
        .unwrap_or_else(|| panic!("no {host} in {sent:#}"))
}

/// Drops this percentage of data datagrams of 100 bytes after the header, and counts them. End
/// messages and announcements pass.
fn lose(lab: &Lab, host: &str, percent: u32) {
    lab.nft(
        host,
        &format!(
            "add table inet loss
             add counter inet loss dropped
             add chain inet loss input {{ type filter hook prerouting priority -300; }}
             add rule inet loss input udp dport 5000 udp length 124 \
                 numgen random mod 100 < {percent} counter name dropped drop"
        ),
    );
}

const LOSSES: [u32; 5] = [0, 1, 5, 10, 50];

#[test]
fn the_table_equals_the_firewalls_counters_over_both_families() {
    require_lab!();
    let lab = Lab::fanout(5);
    for (host, percent) in (1..).zip(LOSSES) {
        lose(&lab, &format!("r{host}"), percent);
    }
    for (group, from) in [("239.1.2.3:5000", "10.77.0.1"), ("[ff15::1%eth0]:5000", "[fd77::1")] {
        let before: Vec<u64> = (1..=5)
            .map(|host| lab.counter(&format!("r{host}"), "inet loss", "dropped").0)
            .collect();
        let receivers: Vec<Running> = (1..=5)
            .map(|host| receiver(&mut lab.udpkit(&format!("r{host}")), &[group, "-J"]))
            .collect();
        let args = [group, "-s", "100", "-c", "4000", "-i", "250us", "--io", "mmsg", "-J"];
        let wait = ["--receivers", "5", "--wait", "20s", "--fail-if", "loss>40%"];
        let output = send(&mut lab.udpkit("s"), &[&args[..], &wait].concat());
        assert_eq!(output.code(), Some(3), "{}", output.err());
        let sent = json(&output.out());
        assert_eq!(path(&sent, "limits.0.held"), false);
        for (index, running) in receivers.into_iter().enumerate() {
            let host = index + 1;
            let counted = lab.counter(&format!("r{host}"), "inet loss", "dropped").0;
            let dropped = counted - before[index];
            assert_eq!(dropped > 0, LOSSES[index] > 0);
            let source = match group.as_bytes()[0] {
                b'[' => format!("[fd77::1{host}]"),
                _ => format!("10.77.0.1{host}:"),
            };
            let row = row(&sent, &source);
            assert_eq!(number(row, "lost_datagrams"), dropped, "{row:#}");
            assert_eq!(number(row, "received"), 4000 - dropped, "{row:#}");
            assert_eq!(number(row, "expected"), 4000, "{row:#}");
            assert_eq!((number(row, "duplicates"), number(row, "reordered")), (0, 0));
            assert_eq!(text(row, "state"), "done");
            assert_eq!(text(row, "interface"), "eth0");
            assert!(number(row, "delay_p99_ns") >= number(row, "delay_p50_ns"));
            assert_eq!(number(row, "bursts") > 0, dropped > 0);
            // Its own report agrees with what it reported to the sender.
            running.signal("INT");
            let own = json(&running.wait(secs(10)).expect_success().out());
            assert!(text(&own, "source_rows.0.source").starts_with(from), "{own:#}");
            for key in ["received", "lost_datagrams", "bursts", "longest_burst", "delay_p50_ns"] {
                let key_there = format!("source_rows.0.{key}");
                assert_eq!(path(&own, &key_there), path(row, key), "{key}: {own:#} {row:#}");
            }
        }
        assert_eq!(text(&sent, "common_loss.location.code"), "near_one_receiver");
        assert_eq!(
            text(&sent, "receiver_rows.0.receiver"),
            text(&sent, "common_loss.location.receiver")
        );
        assert!(number(&sent, "skew.receivers") >= 2, "{sent:#}");
    }
}

#[test]
fn loss_on_the_senders_own_wire_is_found_to_be_common() {
    require_lab!();
    let lab = Lab::fanout(3);
    lab.nft("switch", "add table netdev loss");
    lab.nft("switch", "add counter netdev loss dropped");
    let chain = "{ type filter hook ingress device \"to-s\" priority 0; policy accept; }";
    lab.nft("switch", &format!("add chain netdev loss in {chain}"));
    let rule = "udp length 124 numgen random mod 100 < 3 counter name dropped drop";
    if let Err(why) = lab.try_nft("switch", &format!("add rule netdev loss in {rule}")) {
        crate::common::skip!(why);
    }
    let _members: Vec<Running> = (1..=3)
        .map(|host| receiver(&mut lab.udpkit(&format!("r{host}")), &["239.1.2.3:5000"]))
        .collect();
    let args = ["239.1.2.3:5000", "-s", "100", "-c", "2000", "-i", "500us", "--io", "mmsg", "-J"];
    let wait = ["--receivers", "3", "--wait", "20s"];
    let sent =
        json(&send(&mut lab.udpkit("s"), &[&args[..], &wait].concat()).expect_success().out());
    let (dropped, _) = lab.counter("switch", "netdev loss", "dropped");
    assert!(dropped > 0);
    for host in ["10.77.0.11", "10.77.0.12", "10.77.0.13"] {
        assert_eq!(number(row(&sent, host), "lost_datagrams"), dropped, "{sent:#}");
    }
    assert_eq!(text(&sent, "common_loss.location.code"), "near_sender", "{sent:#}");
    // A report has room for a limited number of gaps; only the complete part is compared.
    let (by_all, compared) =
        (number(&sent, "common_loss.lost_by_all"), number(&sent, "common_loss.compared"));
    assert!(by_all == dropped || by_all < dropped && compared < 2000, "{sent:#}");
}

#[test]
fn receivers_come_late_end_and_stop_while_the_sender_continues() {
    require_lab!();
    let lab = Lab::fanout(4);
    let of = |host: u32| receiver(&mut lab.udpkit(&format!("r{host}")), &["239.1.2.3:5000", "-J"]);
    let (whole, dying, stopping) = (of(1), of(2), of(3));
    let mut command = lab.udpkit("s");
    let args = ["239.1.2.3:5000", "-s", "1000", "-c", "0", "--rate", "4kpps", "--io", "mmsg", "-J"];
    let sender = Running::start(command.args(["cast", "send"]).args(args));
    whole.wait_for_line("from 10.77.0.1:", secs(10));
    dying.wait_for_line("from 10.77.0.1:", secs(10));
    stopping.wait_for_line("from 10.77.0.1:", secs(10));
    // What does not fit its socket is lost there; the kernel's counter shows how much.
    stopping.stop();
    let late = of(4);
    late.wait_for_line("from 10.77.0.1:", secs(10));
    dying.signal("KILL");
    dying.wait(secs(10));
    let errors = || lab.snmp("r3").rcvbuf_errors;
    let deadline = std::time::Instant::now() + secs(20);
    while errors() < 500 {
        assert!(std::time::Instant::now() < deadline, "the socket of r3 never filled");
    }
    stopping.cont();
    let taken = |lab: &Lab| lab.snmp("r3").in_datagrams;
    let at = taken(&lab);
    while taken(&lab) < at + 6_000 {
        assert!(std::time::Instant::now() < deadline, "r3 did not go on");
    }
    sender.signal("INT");
    let sent = json(&sender.wait(secs(20)).expect_success().out());
    let total = number(&sent, "numbered");
    let whole_row = row(&sent, "10.77.0.11");
    assert_eq!((number(whole_row, "received"), number(whole_row, "lost_datagrams")), (total, 0));
    let stopped = row(&sent, "10.77.0.13");
    assert_eq!(text(stopped, "state"), "done", "{stopped:#}");
    assert!(number(stopped, "lost_datagrams") >= 500, "{stopped:#}");
    // The kernel also counts announcements, one per second.
    let (lost, dropped) = (number(stopped, "lost_datagrams"), errors());
    assert!(lost <= dropped && dropped - lost <= 20, "{dropped} dropped: {stopped:#}");
    assert_eq!(
        number(stopped, "received") + number(stopped, "lost_datagrams"),
        total,
        "{stopped:#}"
    );
    let dead = row(&sent, "10.77.0.12");
    assert!(["live", "silent"].contains(&text(dead, "state")), "{dead:#}");
    assert!(number(dead, "received") < total && number(dead, "lost_datagrams") == 0, "{dead:#}");
    late.signal("INT");
    let own = json(&late.wait(secs(10)).expect_success().out());
    let late_row = row(&sent, "10.77.0.14");
    assert_eq!(number(late_row, "received"), number(&own, "received"));
    assert_eq!(number(late_row, "lost_datagrams"), 0, "{late_row:#}");
    assert_eq!(number(late_row, "expected"), total - number(&own, "source_rows.0.first_sequence"));
}

#[test]
fn a_list_has_a_row_for_each_host_and_marks_those_that_never_reported() {
    require_lab!();
    let lab = Lab::fanout(2);
    let heard = receiver(&mut lab.udpkit("r1"), &["10.77.0.11:5000", "[fd77::11]:5000"]);
    heard.wait_for_line("listening on [fd77::11]:5000", secs(5));
    let silent = receiver(&mut lab.udpkit("r2"), &["10.77.0.12:5000", "--silent", "-J"]);
    let args = ["10.77.0.11-12:5000", "[fd77::11]:5000", "-s", "100", "-c", "500", "-J"];
    let args = [&args[..], &["--rate", "1kpps", "--fail-if", "loss>50%"]].concat();
    let output = send(&mut lab.udpkit("s"), &args);
    // The loss of the silent receiver is unknown.
    assert_eq!(output.code(), Some(3), "{}", output.err());
    let sent = json(&output.out());
    assert_eq!(path(&sent, "receiver_rows").as_array().map(Vec::len), Some(3), "{sent:#}");
    for host in ["10.77.0.11:5000", "[fd77::11]:5000"] {
        assert_eq!(number(row(&sent, host), "received"), 500, "{sent:#}");
        assert_eq!(text(row(&sent, host), "destination"), host);
    }
    let unheard = row(&sent, "10.77.0.12:5000");
    assert_eq!(text(unheard, "state"), "unheard");
    assert!(path(unheard, "lost_datagrams").is_null());
    silent.signal("INT");
    let own = json(&silent.wait(secs(10)).expect_success().out());
    assert_eq!((number(&own, "received"), number(&own, "strays")), (500, 0));
}

#[test]
fn a_receiver_asks_to_be_sent_to_is_listed_and_leaves() {
    require_lab!();
    let lab = Lab::fanout(3);
    let mut command = lab.udpkit("s");
    let args = ["--open", "--list-receivers", "-s", "100", "-i", "1ms", "-c", "0", "-J"];
    let sender = Running::start(command.args(["cast", "send"]).args(args));
    sender.wait_for_line("open to receivers on", secs(10));
    let stays = receiver(&mut lab.udpkit("r1"), &["--sender", "10.77.0.1", "-J"]);
    let sixth = receiver(&mut lab.udpkit("r3"), &["--sender", "[fd77::1]:8620", "-J"]);
    let leaves = receiver(&mut lab.udpkit("r2"), &["--sender", "10.77.0.1:8620", "-J", "-c", "50"]);
    for host in ["10.77.0.11:", "10.77.0.12:", "[fd77::13]:"] {
        let joined = |line: &str| line.starts_with(host) && line.ends_with(" joined");
        sender.wait_for("line that somebody joined", secs(10), joined);
    }
    let left = json(&leaves.wait(secs(10)).expect_success().out());
    assert_eq!(number(&left, "received"), 50);
    let gone = |line: &str| line.starts_with("10.77.0.12:") && line.ends_with(" left");
    sender.wait_for("line that somebody left", secs(10), gone);
    // By hand: from the sender's own host, and with padding from another one.
    let ask = |host: &str, to: &str, text: &str| {
        let args = ["send", to, "--wait", "5s", "--replies", "1", "--", text];
        run(lab.udpkit(host).args(args), secs(10)).expect_success().out()
    };
    let pad = "x".repeat(300);
    for answer in [
        ask("s", "127.0.0.1:8620", "a EXPN"),
        ask("r2", "10.77.0.1:8620", &format!("a EXPN pad={pad}")),
    ] {
        assert!(answer.contains("=10.77.0.11:") && answer.contains("=[fd77::13]:"), "{answer}");
        assert!(!answer.contains("=10.77.0.12:") || answer.contains("3 receivers"), "{answer}");
    }
    assert!(ask("r2", "10.77.0.1:8620", "a EXPN").contains("a pad="));
    let verify = format!("a VRFY addr=10.77.0.11:9 pad={pad}");
    assert!(ask("s", "127.0.0.1:8620", &verify).contains("550"));
    sender.signal("INT");
    let sent = json(&sender.wait(secs(10)).expect_success().out());
    // Receivers with --sender end with their sender.
    for (running, host) in [(stays, "10.77.0.11"), (sixth, "[fd77::13]")] {
        let own = json(&running.wait(secs(10)).expect_success().out());
        let row = row(&sent, host);
        assert_eq!(number(row, "received"), number(&own, "received"), "{own:#} {row:#}");
        assert_eq!(
            (number(row, "lost_datagrams"), number(&own, "lost_datagrams")),
            (0, 0),
            "{own:#} {row:#}"
        );
        assert_eq!(text(row, "state"), "done");
    }
    assert_eq!(number(row(&sent, "10.77.0.12"), "received"), 50);
}

#[test]
fn scripts_can_rely_on_the_exit_codes() {
    let port = free_udp_port();
    let group = format!("239.77.3.1:{port}");
    // Without receivers, nothing is sent.
    let args = [&group, "--interface", "lo", "--receivers", "1", "--wait", "300ms", "--", "x"];
    let output = send(&mut udpkit(), &args);
    assert_eq!(output.code(), Some(1));
    assert!(output.err().starts_with("waiting for 1 receiver before sending"), "{}", output.err());
    assert!(output.err().contains("error: 0 of 1 receiver reported in time"), "{}", output.err());
    // Too few datagrams arrived; with a limit, the limit decides.
    for (expect, limit, code) in [
        ("100", None, 0),
        ("101", None, 1),
        ("101", Some("loss>1%"), 0),
        ("150", Some("loss>1%"), 3),
    ] {
        let mut args = vec![group.as_str(), "--interface", "lo", "--expect", expect];
        args.extend(["--time", "20s"]);
        args.extend(limit.into_iter().flat_map(|limit| ["--fail-if", limit]));
        let running = receiver(&mut udpkit(), &args);
        let args = [&group, "--interface", "lo", "-s", "10", "-c", "100", "--receivers", "1"];
        let args = [&args[..], &["--wait", "20s", "--fail-if", "loss>0"]].concat();
        send(&mut udpkit(), &args).expect_success();
        let output = running.wait(secs(10));
        assert_eq!(output.code(), Some(code), "{expect} {limit:?}: {}", output.out());
        assert!(
            output.out().contains(&format!("expected   {expect} datagrams, received 100")),
            "{}",
            output.out()
        );
    }
}

#[test]
fn a_missing_sender_is_reported_and_fails_the_run() {
    let asks = |port: u16, time: &str| {
        let from = format!("127.0.0.1:{port}");
        let output = run(udpkit().args(["cast", "recv", "--sender", &from, "-t", time]), secs(20));
        assert_eq!(output.code(), Some(1), "{}", output.err());
        output.err()
    };
    // An ICMP error ends the run at once, long before the time is up.
    let err = asks(free_udp_port(), "1min");
    assert!(err.contains("port unreachable, from 127.0.0.1"), "{err}");
    // A port that is open but silent: the receiver waits for its limit, or until the time is up.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for time in ["300ms", "1min"] {
        let err = asks(port, time);
        assert!(err.contains("no reply from 127.0.0.1"), "{err}");
    }
}

#[test]
fn two_seconds_of_silence_are_reported_with_likely_causes() {
    let port = free_udp_port();
    let group = format!("239.77.3.2:{port}");
    let args = [&group, "--interface", "lo", "-s", "10", "-i", "50ms", "-c", "45"];
    let output = send(&mut udpkit(), &args).expect_success();
    for part in ["no receiver has reported for 2 s", "firewall", "querier", "the TTL is 1"] {
        assert!(output.err().contains(part), "{part}: {}", output.err());
    }
    assert!(!output.out().contains("recv"), "{}", output.out());
}

#[test]
fn plain_datagrams_pass_between_iperf_mgen_socat_and_udpkit() {
    require_lab!();
    require_tools!("iperf", "mgen", "socat");
    let lab = Lab::fanout(3);
    // Receivers of other programs receive our plain stream.
    let args = ["-s", "-u", "-B", "239.1.2.3", "-p", "5001", "-t", "20"];
    let iperf = Running::start(lab.command("r1", "iperf").args(args));
    lab.wait_joined("r1", "239.1.2.3");
    let args = ["event", "listen udp 5001", "event", "join 239.1.2.3"];
    let mgen = Running::start(lab.command("r2", "mgen").args(args));
    lab.wait_joined("r2", "239.1.2.3");
    let args = ["-u", "UDP4-RECV:5001,ip-add-membership=239.1.2.3:eth0", "STDOUT"];
    let socat = Running::start(lab.command("r3", "socat").args(args));
    lab.wait_joined("r3", "239.1.2.3");
    let args =
        ["--no-header", "239.1.2.3:5001", "--interface", "eth0", "-c", "20", "--", "a datagram"];
    send(&mut lab.udpkit("s"), &args).expect_success();
    let whole = "a datagram".repeat(20);
    assert!(socat.wait_for_stdout(secs(10), |text| text == whole), "{}", socat.stdout_so_far());
    drop((iperf, mgen, socat));
    // And streams of other programs are counted.
    let plain = |host: &str, count: &str| {
        receiver(&mut lab.udpkit(host), &["239.1.2.4:5001", "--no-header", "-J", "--count", count])
    };
    let receivers = [plain("r1", "10"), plain("r2", "10")];
    let args = ["event", "on 1 udp dst 239.1.2.4/5001 periodic [100 64] count 10"];
    let ten = Running::start(lab.command("s", "mgen").args(args));
    for running in receivers {
        let report = json(&running.wait(secs(10)).expect_success().out());
        assert_eq!((number(&report, "received"), number(&report, "bytes")), (10, 640));
        assert!(text(&report, "source_rows.0.source").starts_with("10.77.0.1:"));
    }
    drop(ten);
    let running = plain("r1", "5");
    let args = ["-c", "239.1.2.4", "-u", "-p", "5001", "-n", "5000", "-l", "500", "-b", "1m"];
    run(lab.command("s", "iperf").args(args), secs(20));
    let report = json(&running.wait(secs(10)).expect_success().out());
    assert_eq!(number(&report, "received"), 5);
    assert_eq!(number(&report, "bytes"), 2500);
}
