//! End-to-end tests of what a machine has but once, whatever its namespaces: other tests beside
//! them would feel it. Cargo runs this binary when no other runs.

#[path = "e2e/common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "made for tests/e2e, which uses all of it")]
mod common;

use common::{
    Lab, assert_sums, json, number, path, require_lab, require_tools, run, secs, skip, text,
};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::thread::available_parallelism;

/// Datagrams that this machine's backlogs had no room for, over all processors
/// (`net/core/net-procfs.c`).
fn dropped() -> u64 {
    let table = fs::read_to_string("/proc/net/softnet_stat").expect("the backlogs' counters");
    let second = |line: &str| u64::from_str_radix(line.split_whitespace().nth(1)?, 16).ok();
    table.lines().map(|line| second(line).expect("a number")).sum()
}

/// A run from `a` to `b`, and what the backlogs dropped meanwhile.
fn blast(lab: &Lab, rate: &str) -> (Value, u64) {
    let before = dropped();
    // On the first processor: one that sends empties its own backlog before it sends on.
    let mut sender = lab.command("a", "taskset");
    sender.args(["-c", "0", env!("CARGO_BIN_EXE_udpkit"), "blast", "10.77.0.2", "--json"]);
    let report = json(&run(sender.args(["-t", "1s", "-s", "200", "--rate", rate]), secs(30)).out());
    assert_sums(&report);
    (report, dropped() - before)
}

/// A processor that takes longer for what came than it comes: its backlog has no room.
#[test]
fn what_the_backlog_had_no_room_for_is_named_and_not_the_path() {
    require_lab!();
    require_tools!("taskset");
    if available_parallelism().map_or(1, usize::from) < 2 {
        skip!("there is one processor only");
    }
    let lab = Lab::up("pair", &["--no-offload"]);
    // What comes is queued for the second processor, whoever sent it.
    lab.shell("b", "echo 2 > /sys/class/net/eth0/queues/rx-0/rps_cpus");
    let _server = lab.serve("b", &[]);

    let (clean, dropped) = blast(&lab, "5kpps");
    assert_eq!((number(&clean, "lost.total"), dropped), (0, 0), "{clean:#}");
    for host in path(&clean, "hosts").as_array().expect("hosts") {
        assert_eq!(path(host, "losses").as_array().map(Vec::len), Some(0), "{clean:#}");
    }

    let mut rules = String::from("add table ip t\n");
    rules += "add chain ip t p { type filter hook prerouting priority -300; }\n";
    for port in 1..=5_000 {
        let _ = writeln!(rules, "add rule ip t p udp sport {port} counter");
    }
    lab.nft("b", &rules);
    let (report, dropped) = blast(&lab, "200kpps");
    let lost = number(&report, "lost.total");
    assert!(lost > 1_000, "{report:#}");
    // All that is missing: the counter is the machine's, and holds what else came in that second.
    assert!((lost..lost + 1_000).contains(&dropped), "{dropped}: {report:#}");
    assert_eq!(number(&report, "lost.receiver_host"), lost, "{report:#}");
    let part = "hosts.1.losses.0";
    assert_eq!(text(&report, "hosts.1.role"), "receiver");
    assert_eq!(text(&report, &format!("{part}.place")), "backlog", "{report:#}");
    // Whether others' datagrams were among them, the counters may rule out, or not.
    let certainty = text(&report, &format!("{part}.certainty"));
    assert!(["exact", "up_to"].contains(&certainty), "{report:#}");
    assert_eq!(number(&report, &format!("{part}.datagrams")), lost, "{report:#}");
    assert_eq!(text(&report, "verdict.code"), "host_loss", "{report:#}");
    assert_eq!(text(&report, "verdict.place"), "backlog", "{report:#}");
    let advice = text(&report, "advice.text");
    assert!(advice.contains("net.core.netdev_max_backlog"), "{advice}");
}
