//! `udpkit probe paths` over equal-cost routes by nexthop groups: which flows take the bad path,
//! in which direction, and where they part; and that nothing is found where there is nothing.

use crate::common::relay::Relay;
use crate::common::slower_flows::SlowerFlows;
use crate::common::{
    Lab, Running, free_udp_port, json, number, path, require_lab, run, secs, text, udpkit,
};
use serde_json::Value;
use std::time::Duration;

/// The two routers of a path, joined by a second link (`low`, 10.78.2.0/24) besides their own
/// (10.77.2.0/24). A group of both is the route of each towards the host behind the other, chosen
/// by `policy`: 1 for addresses and ports, 0 for addresses alone.
fn two_ways(policy: u8) -> Lab {
    let lab = Lab::up("path", &["--no-offload"]);
    let r2 = lab.namespace("r2");
    lab.shell("r1", &format!("ip link add low type veth peer name low netns {r2}"));
    for (host, own) in [("r1", 1), ("r2", 2)] {
        lab.shell(
            host,
            &format!(
                "ip addr add 10.78.2.{own}/24 dev low
                 ip link set low up
                 for one in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$one; done
                 echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
                 echo 1 >/proc/sys/net/ipv4/icmp_errors_use_inbound_ifaddr
                 echo {policy} >/proc/sys/net/ipv4/fib_multipath_hash_policy"
            ),
        );
    }
    for (host, other, up, lan) in
        [("r1", 2, "wan", "10.77.3.0/24"), ("r2", 1, "lan", "10.77.1.0/24")]
    {
        lab.shell(
            host,
            &format!(
                "ip nexthop add id 1 via 10.77.2.{other} dev {up}
                 ip nexthop add id 2 via 10.78.2.{other} dev low
                 ip nexthop add id 3 group 1/2
                 ip route replace {lan} nhid 3"
            ),
        );
    }
    lab
}

/// A counter at a router of the probe's datagrams that come in by the second link, and a rule for
/// them.
fn rule(lab: &Lab, host: &str, rule: &str) {
    lab.nft(
        host,
        &format!(
            "add table inet t
             add counter inet t low
             add counter inet t dropped
             add chain inet t in {{ type filter hook prerouting priority -300; }}
             add rule inet t in iifname low udp length 72 counter name low
             {rule}"
        ),
    );
}

/// Drops the probe's datagrams on the second link.
const DROP: &str = "add rule inet t in iifname low udp length 72 counter name dropped drop";
/// Drops a fifth of them.
const DROP_A_FIFTH: &str = "add rule inet t in iifname low udp length 72 \
    numgen random mod 5 == 0 counter name dropped drop";

fn probe(lab: &Lab, args: &[&str]) -> (Value, Option<i32>) {
    let server = Running::start(lab.udpkit("server").arg("serve"));
    server.wait_for_line("serving on", secs(5));
    let fixed = ["probe", "paths", "10.77.3.2", "-J"];
    let output = run(lab.udpkit("client").args(fixed).args(args), secs(120));
    (json(&output.out()), output.code())
}

fn rows<'a>(report: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    path(report, key).as_array().expect("rows").iter()
}

fn sum(report: &Value, key: &str) -> u64 {
    rows(report, "flow_rows").map(|row| number(row, key)).sum()
}

#[test]
fn a_lossy_way_out_is_told_with_its_ports_and_the_hop_where_flows_part() {
    require_lab!();
    let lab = two_ways(1);
    rule(&lab, "r2", DROP_A_FIFTH);
    let (report, code) = probe(&lab, &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let verdict = path(&report, "verdict");
    assert_eq!(text(verdict, "code"), "flows_differ", "{report:#}");
    let differences = path(verdict, "differences").as_array().expect("a list");
    let [loss] = &differences[..] else { panic!("{verdict:#}") };
    assert_eq!((text(loss, "code"), text(loss, "direction")), ("loss", "out"));
    // Every count has its witness.
    let dropped = lab.counter("r2", "inet t", "dropped").0;
    let sent = number(&report, "sent");
    assert_eq!(sent - number(&report, "arrived"), dropped, "{verdict:#}");
    assert_eq!(sum(&report, "sent"), sent);
    assert_eq!(sum(&report, "arrived"), number(&report, "arrived"));
    assert_eq!(sum(&report, "replies"), number(&report, "arrived"), "nothing is lost back");
    assert_eq!(number(loss, "better_lost"), 0, "{loss:#}");
    let of_ways = |key: &str| -> u64 {
        let out = rows(&report, "way_rows").filter(|row| text(row, "direction") == "out");
        out.map(|row| number(row, key)).sum()
    };
    assert_eq!((of_ways("sent"), of_ways("lost"), of_ways("flows")), (sent, dropped, 256));
    let flows = ["worse_flows", "better_flows", "undecided_flows"].map(|key| number(loss, key));
    assert_eq!(flows.iter().sum::<u64>(), 256);
    // A slow machine may leave some undecided, none of which the closer look was about.
    assert!(flows[0] >= 4 && flows[1] >= 1, "{flows:?}");
    // The traces of both flows part at the second router's two addresses.
    let traced = rows(&report, "evidence").find(|one| text(one, "code") == "traced");
    let traced = traced.unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(text(traced, "parting"), "at_hop", "{traced:#}");
    assert_eq!(number(traced, "hop"), 2);
    assert_eq!(text(traced, "common_router"), "10.77.1.1");
    assert_eq!(text(traced, "good_router"), "10.77.2.2");
    assert_eq!(text(traced, "bad_router"), "10.78.2.2");
}

#[test]
fn a_dead_way_back_is_told_as_such() {
    require_lab!();
    let lab = two_ways(1);
    rule(&lab, "r1", DROP);
    let (report, code) = probe(&lab, &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let differences = path(&report, "verdict.differences").as_array().expect("a list");
    let [loss] = &differences[..] else { panic!("{report:#}") };
    assert_eq!((text(loss, "code"), text(loss, "direction")), ("loss", "back"));
    let dropped = lab.counter("r1", "inet t", "dropped").0;
    assert_eq!(number(&report, "arrived"), number(&report, "sent"), "{report:#}");
    assert_eq!(number(&report, "arrived") - number(&report, "replies"), dropped);
    assert_eq!(number(loss, "worse_sent"), dropped, "{loss:#}");
    assert_eq!(number(loss, "worse_lost"), dropped);
    let code = |one: &Value| text(one, "code").to_owned();
    let caveats: Vec<String> = rows(&report, "caveats").map(code).collect();
    assert_eq!(caveats, ["back_not_traced"]);
}

#[test]
fn equal_ways_and_a_hash_over_addresses_have_nothing_to_see() {
    require_lab!();
    for policy in [0, 1] {
        let lab = two_ways(policy);
        rule(&lab, "r2", "");
        let (report, code) = probe(&lab, &[]);
        assert_eq!(code, Some(0), "{report:#}");
        let verdict = path(&report, "verdict");
        assert_eq!(text(verdict, "code"), "no_difference", "{report:#}");
        assert_eq!((number(verdict, "flows"), number(verdict, "lost")), (256, 0));
        let low = lab.counter("r2", "inet t", "low").0;
        let sent = number(&report, "sent");
        // By addresses alone, all flows take one of the two.
        assert_eq!(policy == 1, low > 0 && low < sent, "{low} of {sent}");
        let code = |one: &Value| text(one, "code").to_owned();
        let alternatives: Vec<String> = rows(&report, "alternatives").map(code).collect();
        assert_eq!(alternatives, ["one_path", "equal_paths", "address_hash", "slight_loss"]);
    }
}

#[test]
fn without_an_agent_round_trips_are_compared() {
    require_lab!();
    let lab = two_ways(1);
    rule(&lab, "r2", DROP);
    let echo = Running::start(lab.udpkit("server").args(["recv", "9007", "--echo", "-q"]));
    lab.wait_bound("server", 9007);
    let args = ["probe", "paths", "10.77.3.2:9007", "--no-agent", "-J", "--flows", "64"];
    let output = run(lab.udpkit("client").args(args), secs(60));
    let report = json(&output.out());
    assert_eq!(output.code(), Some(1), "{report:#}");
    let differences = path(&report, "verdict.differences").as_array().expect("a list");
    assert_eq!(text(&differences[0], "direction"), "round_trip", "{report:#}");
    let dropped = lab.counter("r2", "inet t", "dropped").0;
    assert!(number(&report, "sent") - number(&report, "replies") <= dropped, "{report:#}");
    assert_eq!(number(&differences[0], "better_lost"), 0);
    drop(echo);
    // Nobody answers there any more.
    let output = run(lab.udpkit("client").args(args), secs(60));
    assert_eq!(output.code(), Some(1));
    assert_eq!(text(&json(&output.out()), "verdict.code"), "nothing_answered");
}

/// A server of this host, and its port.
fn serve() -> (Running, u16) {
    let port = free_udp_port();
    let server = Running::start(udpkit().args(["serve", &format!("127.0.0.1:{port}")]));
    server.wait_for_line("serving on", secs(5));
    (server, port)
}

#[test]
fn a_slow_way_packets_that_are_spread_and_neither_are_told_apart() {
    let hold = Duration::from_millis(40);
    let (_server, port) = serve();
    let slower = SlowerFlows::start(port, hold);
    let args = ["probe", "paths", &slower.address(), "--flows", "16", "-J"];
    let report = json(&run(udpkit().args(args), secs(60)).out());
    let held = slower.stop();
    let verdict = path(&report, "verdict");
    assert_eq!(text(verdict, "code"), "flows_differ", "{report:#}");
    let differences = path(verdict, "differences").as_array().expect("a list");
    let [delay] = &differences[..] else { panic!("{verdict:#}") };
    assert_eq!((text(delay, "code"), text(delay, "direction")), ("delay", "out"), "{verdict:#}");
    let by = number(delay, "slower_by_ns");
    assert!((35_000_000..60_000_000).contains(&by), "{verdict:#}");
    assert!(held > 16, "{held}");

    // A half of the probes, as a second link would take that is chosen packet by packet.
    let relay = |args: &[&str]| {
        let (_server, port) = serve();
        let relay = Relay::start(port, args);
        let args = ["probe", "paths", &relay.address(), "--flows", "16", "-J"];
        (json(&run(udpkit().args(args), secs(60)).out()), relay.stop())
    };
    let (report, carried) = relay(&["--up", "only size 64, reorder 50% for 40ms"]);
    let verdict = path(&report, "verdict");
    assert_eq!(text(verdict, "code"), "per_packet", "{report:#}");
    assert_eq!((text(verdict, "direction"), number(verdict, "lost")), ("out", 0));
    assert!(number(&carried, "up.held_back") > 64, "{carried:#}");

    let (report, carried) = relay(&["--both", "clean"]);
    assert_eq!(text(&report, "verdict.code"), "no_difference", "{report:#}");
    assert_eq!(number(&carried, "up.held_back"), 0);
}
