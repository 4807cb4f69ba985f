//! From a group to other groups and to broadcast addresses, and what impairments do as an nftables
//! counter behind the relay sees it.

use super::{lab, relay, stop};
use crate::common::{Lab, Running, json, number, path, require_lab, run, secs, wait_until};
use std::fs;

/// Counts what comes to port 9000 of a host, all of it and what is marked with CE.
fn count(lab: &Lab, host: &str) {
    lab.nft(
        host,
        "add table inet seen
         add counter inet seen every
         add counter inet seen marked
         add chain inet seen early { type filter hook prerouting priority -300; }
         add rule inet seen early udp dport 9000 counter name every
         add rule inet seen early udp dport 9000 ip ecn ce counter name marked\n",
    );
}

fn seen(lab: &Lab, name: &str) -> u64 {
    lab.counter("r2", "inet seen", name).0
}

/// What is sent through an impaired relay to a counter.
fn through(impairments: &str, send: &[&str]) -> (Lab, serde_json::Value) {
    let lab = lab(2);
    count(&lab, "r2");
    let receiver = Running::start(lab.udpkit("r2").args(["recv", "9000", "-q", "-J"]));
    lab.wait_bound("r2", 9000);
    let args = ["10.77.0.11:9000", "10.77.0.12:9000", "--io", "mmsg", "--seed", "7"];
    let args = [&args[..], &["--up", impairments]].concat();
    let running = relay(&mut lab.udpkit("r1"), &args);
    let args = [&["send", "10.77.0.11:9000", "-s", "500"][..], send].concat();
    run(lab.udpkit("s").args(args), secs(30)).expect_success();
    wait_until("all at the relay", secs(10), || lab.snmp("r1").in_datagrams == 500);
    wait_until("what is delayed", secs(10), || {
        let before = seen(&lab, "every");
        before > 0 && !crate::common::comes_true(secs(1), || seen(&lab, "every") != before)
    });
    let report = stop(running);
    assert_eq!(number(&report, "up.received"), 500, "{report:#}");
    assert_eq!(number(&report, "up.queued"), 0, "{report:#}");
    assert_eq!(number(&report, "up.forwarded"), seen(&lab, "every"), "{report:#}");
    receiver.signal("INT");
    let received = json(&receiver.wait(secs(10)).expect_success().out());
    assert_eq!(number(&received, "datagrams"), seen(&lab, "every"), "{received:#}");
    (lab, report)
}

#[test]
fn a_group_goes_on_to_another_group_and_to_a_broadcast_address() {
    require_lab!();
    let lab = lab(3);
    let receivers = [("r2", "239.8.8.8:9003"), ("r3", "0.0.0.0:9004")].map(|(host, at)| {
        let running = Running::start(lab.udpkit(host).args(["recv", at, "-q", "-J"]));
        lab.wait_bound(host, if host == "r2" { 9003 } else { 9004 });
        running
    });
    lab.wait_joined("r2", "239.8.8.8");
    let args = ["239.7.7.7:9002", "239.8.8.8:9003", "10.77.0.255:9004", "-I", "eth0"];
    let args = [&args[..], &["--out-interface", "eth0"]].concat();
    let running = relay(&mut lab.udpkit("r1"), &args);
    lab.wait_joined("r1", "239.7.7.7");
    let args = ["send", "239.7.7.7:9002", "-c", "200", "-s", "64", "-b", "5kpps"];
    run(lab.udpkit("s").args(args), secs(20)).expect_success();
    for host in ["r2", "r3"] {
        wait_until("all", secs(10), || lab.snmp(host).in_datagrams == 200);
    }
    let report = stop(running);
    assert_eq!(number(&report, "up.received"), 200, "{report:#}");
    for row in 0..2 {
        let row = path(&report, &format!("destination_rows.{row}"));
        assert_eq!((number(row, "forwarded"), number(row, "refused.total")), (200, 0), "{row:#}");
    }
    assert_eq!(path(&report, "caveats"), &serde_json::json!([]), "{report:#}");
    for receiver in receivers {
        receiver.signal("INT");
        let received = json(&receiver.wait(secs(10)).expect_success().out());
        assert_eq!(number(&received, "datagrams"), 200, "{received:#}");
    }
}

#[test]
fn a_firewall_behind_an_impaired_relay_counts_what_the_relay_says() {
    require_lab!();
    let paced = ["-c", "500", "-b", "1kpps"];
    let (_, report) = through("every 10, duplicate 5%", &paced);
    assert_eq!(number(&report, "up.dropped.lost"), 50, "{report:#}");
    assert!(number(&report, "up.duplicated") > 5, "{report:#}");
    // 500 bytes at 1,000 a second are 4.2 Mbit/s with their headers.
    let marked = [&paced[..], &["--ecn", "ect0"]].concat();
    let (lab, report) = through("rate 3M queue 2s, ecn mark at 5ms", &marked);
    assert!(number(&report, "up.marked") > 100, "{report:#}");
    assert_eq!(number(&report, "up.marked"), seen(&lab, "marked"), "{report:#}");
    assert_eq!(number(&report, "up.dropped.total"), 0, "{report:#}");
    // Who does not know marks gets none.
    let (lab, report) = through("rate 3M queue 2s, ecn mark at 5ms", &paced);
    assert_eq!((number(&report, "up.marked"), seen(&lab, "marked")), (0, 0), "{report:#}");
}

#[test]
fn delays_are_those_of_the_trace_and_of_the_distribution() {
    require_lab!();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("link.trace");
    // 1,500 bytes each two milliseconds.
    fs::write(&file, "2\n").expect("writable");
    let trace = format!("trace {} queue 5s", file.display());
    let (_, report) = through(&trace, &["-c", "500", "-b", "5kpps"]);
    assert_eq!(number(&report, "up.forwarded"), 500, "{report:#}");
    // The last of 500 with 528 bytes each came after 100 ms and left after 352 ms.
    let longest = number(&report, "up.delay.asked_ns.max");
    assert!((200_000_000..260_000_000).contains(&longest), "{report:#}");

    let (_, report) = through("delay 20ms ± 5ms pareto", &["-c", "500", "-b", "1kpps"]);
    assert_eq!(number(&report, "up.forwarded"), 500, "{report:#}");
    let asked = |key: &str| number(&report, &format!("up.delay.asked_ns.{key}"));
    // Skewed: the long delays are farther from the median than a symmetric jitter's.
    assert!((10_000_000..25_000_000).contains(&asked("p50")), "{report:#}");
    assert!(asked("max") > asked("p50") + 10_000_000, "{report:#}");
    let achieved = number(&report, "up.delay.achieved_ns.p50");
    assert!(achieved >= asked("p50"), "{report:#}");
}
