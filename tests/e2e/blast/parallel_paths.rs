//! `udpkit blast` over two equal-cost routes: which streams lose, and that streams which share one
//! path's loss are not called different.

use crate::common::{Lab, Running, json, number, path, require_lab, run, secs, text};
use serde_json::Value;

/// A second link between `a` and `b`, and a route of both links to `b`'s address 10.99.0.2, chosen
/// by the ports of a flow.
fn two_ways() -> Lab {
    let lab = Lab::up("pair", &["--no-offload"]);
    let b = lab.namespace("b");
    lab.shell("a", &format!("ip link add eth1 type veth peer name eth1 netns {b}"));
    lab.shell(
        "b",
        "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
         ip addr add 10.78.0.2/24 dev eth1
         ip link set eth1 up
         sysctl -qw net.ipv4.conf.eth1.rp_filter=0
         ip addr add 10.99.0.2/32 dev lo",
    );
    lab.shell(
        "a",
        "ip addr add 10.78.0.1/24 dev eth1
         ip link set eth1 up
         sysctl -qw net.ipv4.fib_multipath_hash_policy=1
         ip nexthop add id 1 via 10.77.0.2 dev eth0
         ip nexthop add id 2 via 10.78.0.2 dev eth1
         ip nexthop add id 3 group 1/2
         ip route add 10.99.0.2/32 nhid 3 src 10.77.0.1",
    );
    lab
}

/// Counters of what came in by each way, and a rule for the streams' datagrams.
fn rule(lab: &Lab, rule: &str) {
    lab.nft(
        "b",
        &format!(
            "add table inet t
             add counter inet t first
             add counter inet t second
             add counter inet t dropped
             add chain inet t in {{ type filter hook prerouting priority -300; }}
             add rule inet t in iifname eth0 udp length 1480 counter name first
             add rule inet t in iifname eth1 udp length 1480 counter name second
             {rule}"
        ),
    );
}

fn blast(lab: &Lab, extra: &[&str]) -> Value {
    let server = Running::start(lab.udpkit("b").arg("serve"));
    server.wait_for_line("serving on", secs(5));
    let output = run(
        lab.udpkit("a")
            .args(["blast", "10.99.0.2", "-J", "-P", "16", "--rate", "4000pps", "-t", "3s"])
            .args(extra),
        secs(30),
    );
    let report = json(&output.expect_success().out());
    assert_eq!(path(&report, "stream_rows").as_array().map(Vec::len), Some(16), "{report:#}");
    report
}

fn rows(report: &Value) -> impl Iterator<Item = &Value> {
    path(report, "stream_rows").as_array().expect("rows").iter()
}

fn sum(report: &Value, key: &str) -> u64 {
    rows(report).map(|row| number(row, key)).sum()
}

#[test]
fn a_lossy_way_of_two_shows_in_the_streams_that_take_it() {
    require_lab!();
    let lab = two_ways();
    rule(
        &lab,
        "add rule inet t in iifname eth1 udp length 1480 numgen random mod 5 == 0 \
         counter name dropped drop",
    );
    let report = blast(&lab, &[]);
    let [first, second, dropped] =
        ["first", "second", "dropped"].map(|name| lab.counter("b", "inet t", name).0);
    assert!(first > 1_000 && second > 1_000, "both ways are taken: {first} {second}");
    // Every count has its witness.
    assert_eq!(sum(&report, "lost_datagrams"), dropped, "{report:#}");
    assert_eq!(sum(&report, "sent_datagrams"), first + second);
    assert_eq!(sum(&report, "delivered"), first + second - dropped);
    let evidence = path(&report, "evidence.0");
    assert_eq!(text(evidence, "code"), "streams_lose_unequally", "{report:#}");
    assert_eq!(number(evidence, "worse_sent"), second);
    assert_eq!(number(evidence, "worse_lost"), dropped);
    assert_eq!(number(evidence, "better_sent"), first);
    assert_eq!(number(evidence, "better_lost"), 0);
    let worse = rows(&report).filter(|row| number(row, "lost_datagrams") > 0).count() as u64;
    assert_eq!(number(evidence, "worse_streams"), worse);
    assert_eq!(text(path(&report, "alternatives.0"), "code"), "rate_limit_in_step");
}

#[test]
fn streams_that_lose_alike_show_no_second_way() {
    require_lab!();
    let lab = two_ways();
    // Loss on both ways, and on none.
    rule(
        &lab,
        "add rule inet t in udp length 1480 numgen random mod 5 == 0 counter name dropped drop",
    );
    for (extra, lost) in [(&[][..], true), (&["--size", "600"][..], false)] {
        let report = blast(&lab, extra);
        assert_eq!(sum(&report, "lost_datagrams") > 0, lost, "{report:#}");
        assert_eq!(path(&report, "evidence"), &Value::Array(Vec::new()), "{report:#}");
        assert_eq!(path(&report, "alternatives"), &Value::Array(Vec::new()));
    }
}
