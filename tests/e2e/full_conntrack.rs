//! A full connection tracking table at either end of a run, with the kernel's counters as witness,
//! and the same network with room in the table beside it.
//!
//! The limit is the whole machine's, but each namespace has a table of its own, which is filled
//! here.

use crate::common::{
    Lab, Output, Running, assert_sums, change_table, json, number, path, require_lab, run, secs,
    skip, text,
};
use serde_json::Value;

/// The most flows that are put into a table: a larger one takes too much memory.
const MOST: u64 = 1 << 19;
/// Marks the data of a run, of 1000 bytes.
const DATA: &str = "udp length 1008";

fn table_limit(lab: &Lab) -> u64 {
    let limit = lab.shell("a", "cat /proc/sys/net/netfilter/nf_conntrack_max");
    limit.trim().parse().expect("a number")
}

fn entries(lab: &Lab, host: &str) -> u64 {
    let count = lab.shell(host, "cat /proc/sys/net/netfilter/nf_conntrack_count");
    count.trim().parse().expect("a number")
}

/// Packets that the namespace dropped because of its table.
fn drops(lab: &Lab, host: &str) -> u64 {
    let stat = lab.shell(host, "cat /proc/net/stat/nf_conntrack");
    let mut lines = stat.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let names = lines.next().expect("names");
    let column = names.iter().position(|name| *name == "drop").expect("a column");
    lines.map(|line| u64::from_str_radix(line[column], 16).expect("a number")).sum()
}

/// Tracks the data of runs on `host`, and nothing else. What is said there passes a full table.
fn track_data(lab: &Lab, host: &str) {
    let hook = |hook: &str| {
        format!(
            "add chain inet track {hook}_raw {{ type filter hook {hook} priority -300; }}\n\
             add rule inet track {hook}_raw {DATA} return\n\
             add rule inet track {hook}_raw notrack\n\
             add chain inet track {hook}_seen {{ type filter hook {hook} priority 0; }}\n\
             add rule inet track {hook}_seen ct state new counter\n"
        )
    };
    let rules = format!("add table inet track\n{}{}", hook("prerouting"), hook("output"));
    lab.nft(host, &rules);
}

fn blast(lab: &Lab) -> Value {
    let args = ["blast", "10.77.0.2", "-J", "-t", "1s", "--rate", "2M", "--size", "1000"];
    json(&run(lab.udpkit("a").args(args), secs(30)).out())
}

fn serve(lab: &Lab) -> Running {
    let server = Running::start(lab.udpkit("b").arg("serve"));
    server.wait_for_line("serving on", secs(5));
    server
}

#[test]
fn a_full_table_at_the_receiver_is_not_the_path() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    if table_limit(&lab) > MOST {
        skip!("the connection tracking table is too large to be filled");
    }
    let _server = serve(&lab);
    track_data(&lab, "b");
    let report = blast(&lab);
    assert_sums(&report);
    assert_eq!((number(&report, "lost.total"), drops(&lab, "b")), (0, 0), "{report:#}");
    change_table(&lab, "b", "flush");
    change_table(&lab, "b", "fill");
    assert!(entries(&lab, "b") >= table_limit(&lab));
    let before = drops(&lab, "b");
    let report = blast(&lab);
    assert_sums(&report);
    let lost = number(&report, "lost.receiver_host");
    assert_eq!((lost, number(&report, "lost.path")), (drops(&lab, "b") - before, 0), "{report:#}");
    assert!(lost > 100, "{report:#}");
    assert_eq!(text(&report, "verdict.code"), "host_loss", "{report:#}");
    assert_eq!(text(&report, "verdict.place"), "conntrack_full", "{report:#}");
    assert!(text(&report, "advice.text").contains("nf_conntrack_max"), "{report:#}");
}

#[test]
fn a_full_table_at_the_sender_is_no_firewall() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    if table_limit(&lab) > MOST {
        skip!("the connection tracking table is too large to be filled");
    }
    let _server = serve(&lab);
    track_data(&lab, "a");
    let report = blast(&lab);
    assert_sums(&report);
    assert!(path(&report, "refusals").as_array().expect("refusals").is_empty(), "{report:#}");
    assert_eq!(drops(&lab, "a"), 0);
    change_table(&lab, "a", "flush");
    change_table(&lab, "a", "fill");
    assert!(entries(&lab, "a") >= table_limit(&lab));
    let report = blast(&lab);
    assert!(drops(&lab, "a") > 0);
    let told = report.to_string();
    assert!(told.contains("connection tracking table is full"), "{report:#}");
    assert!(told.contains("nf_conntrack_max") && !told.contains("firewall"), "{report:#}");
    // Another command, another flow.
    let send = |lab: &Lab| {
        let args = ["send", "10.77.0.2:9000", "-s", "1000", "-c", "1"];
        told_of(&run(lab.udpkit("a").args(args), secs(10)))
    };
    let told = send(&lab);
    assert!(told.contains("connection tracking table is full"), "{told}");
    // A rule is a rule, whatever the table dropped before.
    change_table(&lab, "a", "flush");
    lab.nft("a", &format!("add rule inet track output_seen {DATA} drop\n"));
    let told = send(&lab);
    assert!(told.contains("firewall") && !told.contains("connection tracking"), "{told}");
}

#[test]
fn a_full_table_at_a_receiver_without_a_dialogue_is_told_too() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    if table_limit(&lab) > MOST {
        skip!("the connection tracking table is too large to be filled");
    }
    track_data(&lab, "b");
    // Those of `recv` have no number, and no announcements between them.
    let plain = |lab: &Lab| {
        let receiver = Running::start(lab.udpkit("b").args(["recv", "9000", "-J"]));
        lab.wait_bound("b", 9000);
        let args = ["send", "10.77.0.2:9000", "-s", "1000", "-c", "300", "--rate", "1kpps"];
        run(lab.udpkit("a").args(args), secs(10)).expect_success();
        receiver.signal("INT");
        json(&receiver.wait(secs(10)).out())
    };
    let numbered = |lab: &Lab| {
        let args = ["cast", "recv", "10.77.0.2:5007", "--idle", "2s", "-J"];
        let receiver = Running::start(lab.udpkit("b").args(args));
        lab.wait_bound("b", 5007);
        let args = ["cast", "send", "10.77.0.2:5007", "-s", "984", "-c", "300", "--rate", "1kpps"];
        let sent = json(&run(lab.udpkit("a").args(args).arg("-J"), secs(20)).out());
        [path(&sent, "receiver_rows.0").clone(), json(&receiver.wait(secs(10)).out())]
    };
    let at_host = |report: &Value| {
        let host = path(report, "hosts").as_array().expect("hosts").iter();
        let mut losses = host.flat_map(|host| path(host, "losses").as_array().expect("losses"));
        let part = losses.find(|part| text(part, "place") == "conntrack_full");
        part.map(|part| number(part, "datagrams"))
    };
    let report = plain(&lab);
    assert_eq!((number(&report, "datagrams"), at_host(&report)), (300, None), "{report:#}");
    for report in numbered(&lab) {
        assert_eq!((number(&report, "lost.total"), at_host(&report)), (0, None), "{report:#}");
    }
    change_table(&lab, "b", "flush");
    change_table(&lab, "b", "fill");
    let before = drops(&lab, "b");
    let report = plain(&lab);
    let dropped = drops(&lab, "b") - before;
    assert!(dropped >= 250, "{dropped}");
    assert_eq!(at_host(&report), Some(dropped), "{report:#}");
    assert_eq!(number(&report, "datagrams"), 300 - dropped);
    let before = drops(&lab, "b");
    let reports = numbered(&lab);
    let dropped = drops(&lab, "b") - before;
    assert!(dropped >= 250, "{dropped}");
    for report in &reports {
        assert_eq!(at_host(report), Some(dropped), "{report:#}");
    }
    // It heard only announcements, and knows no source of what is missing.
    let [sent, _] = reports;
    assert_eq!(number(&sent, "lost.receiver_host"), dropped, "{sent:#}");
    assert_eq!(number(&sent, "lost.path"), 0, "{sent:#}");
}

/// What standard error and standard output say, on one line.
fn told_of(output: &Output) -> String {
    let all = format!("{} {}", output.out(), output.err());
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}
