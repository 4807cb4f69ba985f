//! Marks: what was sent with an ECN field and how it arrived, against what a firewall counts.

use crate::common::relay::Relay;
use crate::common::{
    Lab, Running, free_udp_port, json, number, path, punctual, require_lab, run, secs, text, udpkit,
};
use serde_json::{Value, json as of};

/// A client, a router and a server that counts what arrives with each field.
fn lab() -> (Lab, Running) {
    let lab = Lab::up("nat", &["--no-offload"]);
    lab.nft(
        "server",
        "add table inet seen
         add counter inet seen not_ect
         add counter inet seen ect0
         add counter inet seen ect1
         add counter inet seen ce
         add chain inet seen early { type filter hook prerouting priority -300; }
         add rule inet seen early udp length 1208 ip ecn not-ect counter name not_ect
         add rule inet seen early udp length 1208 ip ecn ect0 counter name ect0
         add rule inet seen early udp length 1208 ip ecn ect1 counter name ect1
         add rule inet seen early udp length 1208 ip ecn ce counter name ce\n",
    );
    let server = Running::start(lab.udpkit("server").args(["serve"]));
    server.wait_for_line("serving on ", secs(10));
    (lab, server)
}

const FIELDS: [&str; 4] = ["not_ect", "ect0", "ect1", "ce"];

/// What the firewall before the server has counted.
fn seen(lab: &Lab) -> [u64; 4] {
    FIELDS.map(|name| lab.counter("server", "inet seen", name).0)
}

fn blast(lab: &Lab, args: &[&str]) -> Value {
    let short = ["blast", "10.77.2.2", "--json", "-b", "12M", "-t", "500ms", "-s", "1200"];
    json(&run(lab.udpkit("client").args(short).args(args), secs(30)).expect_success().out())
}

/// How the datagrams of each class of a direction arrived, by [`FIELDS`].
fn arrived(way: &Value) -> Vec<(String, [u64; 4])> {
    let classes = path(way, "ecn_classes").as_array().expect("a list");
    let fields = |class: &Value| FIELDS.map(|field| number(class, &format!("arrived_as.{field}")));
    classes.iter().map(|class| (text(class, "sent_as").to_owned(), fields(class))).collect()
}

fn sums(classes: &[(String, [u64; 4])]) -> [u64; 4] {
    std::array::from_fn(|field| classes.iter().map(|(_, counts)| counts[field]).sum())
}

fn codes(way: &Value) -> Vec<&str> {
    let found = path(way, "ecn_findings").as_array().expect("a list");
    found.iter().map(|one| text(one, "code")).collect()
}

#[test]
fn each_class_arrives_as_it_was_sent_where_nothing_marks() {
    require_lab!();
    let (lab, _server) = lab();
    let report = blast(&lab, &["--compare-ecn", "--bidir"]);
    let up = arrived(&report);
    let names: Vec<&str> = up.iter().map(|(sent, _)| sent.as_str()).collect();
    assert_eq!(names, ["not-ect", "ect0", "ect1"]);
    assert_eq!(sums(&up), seen(&lab), "{report:#}");
    let down = arrived(path(&report, "reverse"));
    for (class, (_, counts)) in up.iter().chain(&down).enumerate() {
        // About 208 datagrams of each: 12 Mbit/s of 1200 bytes for half a second, in three.
        assert!(counts[class % 3] > 100, "{report:#}");
        assert_eq!(counts[class % 3], counts.iter().sum::<u64>(), "{report:#}");
    }
    for way in [&report, path(&report, "reverse")] {
        assert_eq!(codes(way), <[&str; 0]>::default(), "{way:#}");
        assert_eq!(path(way, "evidence"), &of!([]), "{way:#}");
        for class in path(way, "ecn_classes").as_array().expect("a list") {
            assert_eq!(number(class, "lost_datagrams"), 0, "{class:#}");
            assert!(class["delay_p50_ns"].is_u64() && class["jitter_ns"].is_u64(), "{class:#}");
        }
    }
}

#[test]
fn a_run_of_one_field_tells_how_it_arrived() {
    require_lab!();
    let (lab, _server) = lab();
    let report = blast(&lab, &["--ecn", "ect1", "--dscp", "EF"]);
    assert_eq!(arrived(&report), [("ect1".to_owned(), seen(&lab))]);
    assert!(seen(&lab)[2] > 400, "{report:#}");
    // What nobody marked is no news.
    let plain = ["blast", "10.77.2.2", "-b", "1M", "-c", "20", "-q"];
    let shown = run(lab.udpkit("client").args(plain), secs(20)).expect_success().out();
    assert!(!shown.contains("  ecn "), "{shown}");
    let marked = [&plain[..], &["--ecn", "ect0"]].concat();
    let shown = run(lab.udpkit("client").args(marked), secs(20)).expect_success().out();
    assert!(shown.contains("  ecn        sent as ECT(0): 20 (100.00%) arrived so"), "{shown}");
}

#[test]
fn what_a_router_marks_or_clears_is_counted_as_its_own_counters_do() {
    require_lab!();
    let (lab, _server) = lab();
    let forward = |rules: &str| {
        let table = "add table inet marks
             delete table inet marks
             add table inet marks
             add chain inet marks way { type filter hook forward priority 0; }\n";
        lab.nft("router", &format!("{table}{rules}"));
    };
    // Every fifth of what may be marked, so that it is of either class in turn.
    forward(
        "add counter inet marks changed
         add rule inet marks way udp length 1208 ip ecn { ect0, ect1 } numgen inc mod 5 0 \
             counter name changed ip ecn set ce\n",
    );
    let report = blast(&lab, &["--compare-ecn"]);
    let classes = arrived(&report);
    assert_eq!(sums(&classes), seen(&lab), "{report:#}");
    assert_eq!(sums(&classes)[3], lab.counter("router", "inet marks", "changed").0, "{report:#}");
    let marked: Vec<u64> = classes.iter().map(|(_, counts)| counts[3]).collect();
    assert!(marked[0] == 0 && marked[1] > 0 && marked[2] > 0, "{report:#}");
    assert_eq!(codes(&report), <[&str; 0]>::default(), "{report:#}");

    // A bleaching middlebox.
    forward(
        "add counter inet marks changed
         add rule inet marks way udp length 1208 ip ecn ect1 counter name changed ip ecn set not-ect\n",
    );
    let report = blast(&lab, &["--compare-ecn"]);
    assert_eq!(codes(&report), ["cleared"], "{report:#}");
    let cleared = path(&report, "ecn_findings.0");
    assert_eq!(text(cleared, "sent_as"), "ect1");
    assert_eq!(number(cleared, "datagrams"), lab.counter("router", "inet marks", "changed").0);

    // One that marks what must not be marked.
    forward("add rule inet marks way udp length 1208 ip ecn not-ect ip ecn set ce\n");
    let report = blast(&lab, &[]);
    assert_eq!(codes(&report), ["marked_not_ect"], "{report:#}");
}

#[test]
fn a_queue_of_its_own_shows_in_the_delays_and_accuses_no_path() {
    require_lab!();
    let _turn = punctual();
    let (lab, _server) = lab();
    // Two queues: that of ECT(1) has room, that of the rest is offered 8 of 7 Mbit/s.
    lab.shell(
        "router",
        "tc qdisc replace dev wan root handle 1: htb default 1
         tc class add dev wan parent 1: classid 1:1 htb rate 1gbit
         tc class add dev wan parent 1: classid 1:2 htb rate 7mbit burst 5kb",
    );
    lab.nft(
        "router",
        "add table inet queues
         add chain inet queues way { type filter hook forward priority 0; }
         add rule inet queues way udp length 1208 ip ecn { not-ect, ect0 } meta priority set 1:2\n",
    );
    let report = blast(&lab, &["--compare-ecn"]);
    assert_eq!(codes(&report), ["own_queue"], "{report:#}");
    let own = path(&report, "ecn_findings.0");
    assert_eq!(text(own, "class"), "ect1", "{report:#}");
    assert_eq!(path(own, "others"), &of!(["not-ect", "ect0"]), "{report:#}");
    assert!(number(own, "others_p50_ns") > 10_000_000, "{report:#}");
    // Streams that differ by their marks are no sign of parallel paths.
    assert_eq!(path(&report, "alternatives"), &of!([]), "{report:#}");
    let short =
        ["blast", "10.77.2.2", "-b", "12M", "-t", "500ms", "-q", "-s", "1200", "--compare-ecn"];
    let shown = run(lab.udpkit("client").args(short), secs(30)).expect_success().out();
    assert!(shown.contains("ECT(1) has a queue of its own"), "{shown}");
    assert!(shown.contains("  ECT(1)"), "{shown}");
}

#[test]
fn a_relay_that_marks_above_5_ms_marks_as_many_as_it_says() {
    let port = free_udp_port();
    let args = ["serve", "127.0.0.1", "--port", &port.to_string()];
    let server = Running::start(udpkit().args(args));
    server.wait_for_line("serving on ", secs(10));
    let relay =
        Relay::start(port, &["--up", "only size 1201-, rate 8M queue 300ms, ecn mark at 5ms"]);
    let address = relay.address();
    let args = ["blast", &address, "--json", "-b", "9M", "-t", "600ms", "--compare-ecn"];
    let report = json(&run(udpkit().args(args), secs(30)).expect_success().out());
    let classes = arrived(&report);
    let marked = sums(&classes)[3];
    let counted = relay.stop();
    assert_eq!(number(&counted, "up.marked"), marked, "{report:#}\n{counted:#}");
    assert!(marked > 0 && classes[0].1[3] == 0, "{report:#}");
    // One queue for all: nothing is said of another.
    assert_eq!(codes(&report), <[&str; 0]>::default(), "{report:#}");
}

#[test]
fn the_comparison_is_refused_where_it_makes_no_sense() {
    for more in [
        &["--ecn", "ect1"][..],
        &["--streams", "2"],
        &["--iperf3"],
        &["--find-rate"],
        &["--sweep", "1M..2M/2"],
    ] {
        let args = [&["blast", "192.0.2.1", "--compare-ecn"][..], more].concat();
        let refused = run(udpkit().args(args), secs(10));
        assert_eq!(refused.code(), Some(2), "{more:?}");
        assert!(refused.err().contains("cannot be used with"), "{}", refused.err());
    }
}
