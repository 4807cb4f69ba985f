//! Where `udpkit blast` says that datagrams were lost, with the kernel's counters as witness, and
//! the same network without the fault beside it.

use crate::common::{
    DAMAGED, Lab, Running, assert_sums, json, number, path, require_lab, require_tools, run, secs,
    text, wait_until,
};
use serde_json::Value;

/// Datagrams that need no fragments, at a rate that no host is busy with.
const WHOLE: &[&str] = &["-t", "1s", "--rate", "5M", "--size", "1000"];

/// A run from `a` to `b`, whose parts were checked.
fn blast(lab: &Lab, args: &[&str]) -> Value {
    let output = run(lab.udpkit("a").args(["blast", "10.77.0.2", "--json"]).args(args), secs(30));
    let report = json(&output.out());
    assert_sums(&report);
    report
}

/// What each host lost: place, datagrams, certainty.
fn parts(report: &Value) -> Vec<(String, u64, String)> {
    let hosts = path(report, "hosts").as_array().expect("hosts");
    let losses = hosts.iter().flat_map(|host| path(host, "losses").as_array().expect("losses"));
    losses
        .map(|part| {
            let certainty = text(part, "certainty").to_owned();
            (text(part, "place").to_owned(), number(part, "datagrams"), certainty)
        })
        .collect()
}

/// A counter of the host with this role.
fn counter(report: &Value, role: &str, key: &str) -> u64 {
    let hosts = path(report, "hosts").as_array().expect("hosts");
    let host = hosts.iter().find(|host| text(host, "role") == role).expect(role);
    number(host, &format!("counters.{key}"))
}

/// The sum over all intervals.
fn sum_of(report: &Value, key: &str) -> u64 {
    let intervals = path(report, "intervals").as_array().expect("intervals");
    intervals.iter().map(|interval| number(interval, key)).sum()
}

#[track_caller]
fn assert_clean(report: &Value) {
    assert_eq!(number(report, "lost.total"), 0, "{report:#}");
    assert!(parts(report).is_empty(), "{report:#}");
    // A busy machine pauses its programs.
    let limit = text(report, "limited_by");
    assert!(["rate", "sender_pause"].contains(&limit), "{report:#}");
}

/// Every tenth datagram of a run is changed on its way into `host`, and its checksum is not.
fn damage(lab: &Lab, host: &str) {
    lab.nft_early(host, &format!("udp length 1008 numgen inc mod 10 == 0 {DAMAGED}"));
}

#[test]
fn damaged_datagrams_are_no_overflow_in_either_direction() {
    require_lab!();
    for (host, direction) in [("b", &[][..]), ("a", &["--reverse"])] {
        let lab = Lab::up("pair", &["--no-offload"]);
        let _server = lab.serve("b", &[]);
        let args = [WHOLE, direction].concat();
        assert_clean(&blast(&lab, &args));
        damage(&lab, host);
        let before = lab.snmp(host);
        let report = blast(&lab, &args);
        let (after, damaged) = (lab.snmp(host), number(&report, "lost.damaged"));
        assert_eq!(damaged, after.in_csum_errors - before.in_csum_errors, "{report:#}");
        assert_eq!(after.rcvbuf_errors, before.rcvbuf_errors);
        assert!(damaged > 50 && number(&report, "lost.total") == damaged, "{report:#}");
        assert_eq!(parts(&report), [("udp_checksum".to_owned(), damaged, "exact".to_owned())]);
        assert_eq!(text(&report, "limited_by"), "damage", "{report:#}");
        // A drop is known with what is queued after it, and the last ones after the run.
        let shown = |key| sum_of(&report, key);
        assert!((1..=damaged).contains(&shown("damaged")), "{report:#}");
        assert_eq!(shown("damaged"), shown("socket_drops"), "{report:#}");
        assert_eq!(text(&report, "advice.code"), "check_for_damage");
    }
}

/// A second link between `a` and `b`, by which `b` does not expect the addresses of the first.
fn second_link(lab: &Lab) {
    let peer = lab.namespace("b");
    lab.shell("a", &format!("ip link add eth1 type veth peer name eth1 netns {peer}"));
    lab.shell("a", "ip addr add 10.78.0.1/24 dev eth1; ip link set eth1 up");
    lab.shell("b", "ip addr add 10.78.0.2/24 dev eth1; ip link set eth1 up");
    // The filter would drop the question for this address, too.
    let address = lab.shell("b", "ip -br link show eth1 | awk '{print $3}'");
    lab.shell("a", &format!("ip neigh replace 10.78.0.2 lladdr {} dev eth1", address.trim()));
}

/// What `b`'s reverse path filter has dropped.
fn filtered(lab: &Lab) -> u64 {
    let rows = lab.shell("b", "grep ^TcpExt: /proc/net/netstat");
    let mut rows = rows.lines().map(|row| row.split_whitespace());
    let (names, values) = (rows.next().expect("names"), rows.next().expect("values"));
    let mut pairs = names.zip(values);
    let (_, value) = pairs.find(|(name, _)| *name == "IPReversePathFilter").expect("a counter");
    value.parse().expect("a number")
}

/// In the middle of a run, half a second's datagrams take the second link.
fn detour(lab: &Lab) -> Value {
    let args = ["blast", "10.77.0.2", "--json", "-t", "3s", "--rate", "2M", "--size", "1000"];
    let before = lab.snmp("b").in_datagrams;
    let client = Running::start(lab.udpkit("a").args(args));
    wait_until("data", secs(10), || lab.snmp("b").in_datagrams > before + 100);
    lab.shell("a", "ip route add 10.77.0.2/32 via 10.78.0.2 dev eth1 src 10.77.0.1");
    let sent = lab.snmp("a").out_datagrams;
    wait_until("the detour", secs(10), || lab.snmp("a").out_datagrams > sent + 125);
    lab.shell("a", "ip route del 10.77.0.2/32");
    let report = json(&client.wait(secs(20)).out());
    assert_sums(&report);
    report
}

#[test]
fn what_the_reverse_path_filter_dropped_was_not_lost_on_the_path() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    second_link(&lab);
    let _server = lab.serve("b", &[]);
    let off = "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done";
    lab.shell("b", off);
    // Otherwise a connected socket's cached route passes its datagrams by the filter.
    lab.shell("b", "echo 0 >/proc/sys/net/ipv4/udp_early_demux");
    let report = detour(&lab);
    assert_eq!(filtered(&lab), 0);
    assert_clean(&report);
    lab.shell("b", "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter");
    let report = detour(&lab);
    let (total, dropped) = (number(&report, "lost.total"), filtered(&lab));
    // Commands of the dialogue were dropped, too.
    assert!(total > 50 && (total..total + 20).contains(&dropped), "{dropped}: {report:#}");
    assert_eq!(number(&report, "lost.receiver_host"), total, "{report:#}");
    let [(place, datagrams, _)] = &parts(&report)[..] else { panic!("{report:#}") };
    assert_eq!((place.as_str(), *datagrams), ("reverse_path_filter", total), "{report:#}");
    assert_eq!(text(&report, "verdict.code"), "host_loss");
    assert_eq!(text(&report, "limited_by"), "receiver_host");
    assert_eq!(text(&report, "advice.code"), "check_reverse_path");
}

#[test]
fn what_a_filter_dropped_of_others_is_at_most_a_bound_and_never_more_than_is_missing() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    second_link(&lab);
    lab.shell("b", "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter");
    lab.shell("a", "ip addr add 10.99.0.1/32 dev eth1");
    lab.nft_early("b", "udp length 1008 numgen inc mod 10 == 0 counter name dropped drop");
    let _server = lab.serve("b", &[]);
    let others = ["send", "10.78.0.2:9", "--bind", "10.99.0.1", "--count", "250", "-i", "5ms"];
    let others = Running::start(lab.udpkit("a").args(others).args(["--", "x"]));
    let report = blast(&lab, WHOLE);
    others.wait(secs(10));
    let dropped = lab.counter("b", "inet t", "dropped").0;
    assert!(filtered(&lab) >= 50 && dropped >= 50, "{dropped}: {report:#}");
    assert_eq!(number(&report, "lost.total"), dropped);
    for (place, datagrams, certainty) in parts(&report) {
        assert_eq!((place.as_str(), certainty.as_str()), ("reverse_path_filter", "up_to"));
        assert!(datagrams <= filtered(&lab), "{report:#}");
    }
}

#[test]
fn another_sockets_overflow_explains_nothing() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft_early("b", "udp length 1008 numgen inc mod 10 == 0 drop");
    let _server = lab.serve("b", &[]);
    // It is stopped, and its buffer fills.
    let args = ["recv", "9009", "-q", "--socket-buffer", "8k"];
    let other = Running::start(lab.udpkit("b").args(args));
    lab.wait_bound("b", 9009);
    other.stop();
    let flood = ["send", "10.77.0.2:9009", "--count", "400", "-i", "1ms", "--", "xxxx"];
    let flood = Running::start(lab.udpkit("a").args(flood));
    let report = blast(&lab, WHOLE);
    flood.wait(secs(10));
    assert!(lab.snmp("b").rcvbuf_errors > 100, "{:?}", lab.snmp("b"));
    let total = number(&report, "lost.total");
    assert!(total > 50 && number(&report, "lost.path") == total, "{report:#}");
    assert!(parts(&report).is_empty(), "{report:#}");
}

#[test]
fn datagrams_of_which_a_fragment_is_missing_are_named() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    let _server = lab.serve("b", &[]);
    let args = ["-t", "1s", "--rate", "5M", "--size", "4000"];
    assert_clean(&blast(&lab, &args));
    // The third of three fragments; before the kernel puts them together.
    lab.nft(
        "b",
        "add table ip t\n\
         add counter ip t dropped\n\
         add chain ip t early { type filter hook prerouting priority -450; }\n\
         add rule ip t early ip frag-off & 0x1fff == 370 numgen inc mod 10 == 0 \
         counter name dropped drop\n",
    );
    let report = blast(&lab, &args);
    let (total, dropped) = (number(&report, "lost.total"), lab.counter("b", "ip t", "dropped").0);
    assert!(total > 10 && total == dropped, "{dropped}: {report:#}");
    assert_eq!(parts(&report), [("reassembly".to_owned(), total, "exact".to_owned())]);
    assert_eq!(number(&report, "verdict.fragments_each"), 3);
    assert_eq!(text(&report, "advice.code"), "avoid_fragments", "{report:#}");
}

#[test]
fn another_flows_damage_explains_nothing() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft_early("b", "udp length 1008 numgen inc mod 10 == 0 drop");
    lab.nft("b", &format!("add rule inet t early udp dport 9009 {DAMAGED}"));
    let _server = lab.serve("b", &[]);
    let other = Running::start(lab.udpkit("b").args(["recv", "9009", "-q"]));
    lab.wait_bound("b", 9009);
    let flood = ["send", "10.77.0.2:9009", "--count", "400", "-i", "1ms", "--", "more than enough"];
    let flood = Running::start(lab.udpkit("a").args(flood));
    let report = blast(&lab, WHOLE);
    flood.wait(secs(10));
    assert!(lab.snmp("b").in_csum_errors > 100, "{:?}", lab.snmp("b"));
    let total = number(&report, "lost.total");
    assert!(total > 50 && number(&report, "lost.path") == total, "{report:#}");
    assert!(parts(&report).is_empty(), "{report:#}");
    assert!(sum_of(&report, "damaged") == 0, "{report:#}");
    other.signal("INT");
    other.wait(secs(10));
}

#[test]
fn fragments_for_which_there_is_no_memory_are_not_missing() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    let _server = lab.serve("b", &[]);
    let thresholds = |low: u64, high: u64| {
        let set = format!("echo {low} > ipfrag_low_thresh; echo {high} > ipfrag_high_thresh");
        lab.shell("b", &format!("cd /proc/sys/net/ipv4; {set}"));
    };
    thresholds(0, 1);
    let report = blast(&lab, &["-t", "1s", "--rate", "5M", "--size", "2000"]);
    let total = number(&report, "lost.total");
    assert!(total > 100 && number(&report, "lost.receiver_host") == total, "{report:#}");
    assert_eq!(parts(&report), [("reassembly_memory".to_owned(), total, "up_to".to_owned())]);
    assert_eq!(text(&report, "advice.code"), "more_reassembly_memory", "{report:#}");
}

#[test]
fn the_own_queueing_discipline_is_not_the_path_and_is_counted_once() {
    require_lab!();
    require_tools!("tc");
    let lab = Lab::up("pair", &["--no-offload"]);
    let _server = lab.serve("b", &[]);
    assert_clean(&blast(&lab, WHOLE));
    lab.shell("a", "tc qdisc add dev eth0 root tbf rate 2mbit burst 3000 limit 6000");
    let report = blast(&lab, WHOLE);
    let never = number(&report, "never_sent");
    assert!(never > 50, "{report:#}");
    // Some may be late instead, where this machine is busy.
    let refused = number(&report, "verdict.refused");
    assert!(counter(&report, "sender", "qdisc_drops") >= refused, "{report:#}");
    assert!(refused <= never && never - refused <= 1 + never / 10, "{report:#}");
    assert_eq!(number(&report, "lost.path"), 0, "{report:#}");
    assert_eq!(text(&report, "limited_by"), "sender_interface", "{report:#}");
}
