//! Counts of `udpkit blast`, compared with independent ones: a switch that drops and duplicates,
//! and a capture of the wire.

use crate::common::{
    Capture, Lab, assert_sums, json, number, path, require_lab, require_tools, run, secs,
};
use serde_json::Value;

/// The report of a successful run, with its sums checked.
fn blast(lab: &Lab, host: &str, args: &[&str]) -> Value {
    let mut command = lab.udpkit(host);
    let output = run(command.args(["blast", "--json", "--io", "mmsg"]).args(args), secs(30));
    let report = json(&output.expect_success().out());
    assert_eq!(path(&report, "complete"), true, "{report:#}");
    assert_sums(&report);
    report
}

#[test]
fn copies_by_the_switch_are_duplicates_and_hide_no_drops() {
    require_lab!();
    let lab = Lab::up("fanout", &["--receivers", "1", "--no-offload"]);
    lab.nft("switch", "add table netdev t");
    lab.nft("switch", "add counter netdev t dropped");
    lab.nft("switch", "add counter netdev t copies");
    let chain = "{ type filter hook ingress device \"to-s\" priority 0; policy accept; }";
    lab.nft("switch", &format!("add chain netdev t in {chain}"));
    let data = "udp dport 8620 udp length 1008";
    for rule in [
        "numgen inc mod 10 == 4 counter name dropped drop",
        "numgen inc mod 9 == 0 counter name copies dup to \"to-r1\"",
    ] {
        if let Err(why) = lab.try_nft("switch", &format!("add rule netdev t in {data} {rule}")) {
            crate::common::skip!(why);
        }
    }
    let _server = lab.serve("r1", &["--io", "mmsg"]);
    let args = ["10.77.0.11", "--size", "1000", "--rate", "2kpps", "--count", "2000"];
    let report = blast(&lab, "s", &args);
    let counted = |name| lab.counter("switch", "netdev t", name).0;
    assert_eq!((counted("dropped"), counted("copies")), (200, 200));
    assert_eq!(number(&report, "sent.datagrams"), 2_000);
    assert_eq!(number(&report, "lost.path"), 200, "{report:#}");
    assert_eq!(number(&report, "duplicates"), 200, "{report:#}");
    assert_eq!(number(&report, "delivered"), 1_800, "{report:#}");
    assert_eq!(number(&report, "received.datagrams"), 2_000, "as many as were sent");
}

#[test]
fn the_wire_carried_the_bytes_in_the_report() {
    require_lab!();
    require_tools!("tshark", "dumpcap");
    let lab = Lab::up("pair", &["--no-offload"]);
    let _server = lab.serve("b", &["--io", "mmsg"]);
    for (target, size) in [("10.77.0.2", 1_000), ("fd77::2", 64)] {
        let (filter, payload) = (format!("udp port 8620 and greater {size}"), size.to_string());
        let capture = Capture::start(&lab, "b", "eth0", &filter);
        let args = [target, "--size", &payload, "--rate", "1kpps", "--count", "300"];
        let report = blast(&lab, "a", &args);
        let packets = capture.finish(300, &["udp.length", "frame.len", "udp.checksum.status"]);
        let data = packets.iter().filter(|packet| packet[0] == (size + 8).to_string());
        // Preamble, checksum and inter-frame gap are not captured.
        let frames: Vec<u64> =
            data.clone().map(|packet| packet[1].parse::<u64>().expect("a length") + 24).collect();
        assert!(data.into_iter().all(|packet| packet[2] == "1"), "a checksum is wrong");
        // The control dialogue may also have a datagram of this length.
        let wire = number(&report, "header.wire_bytes");
        assert!((300..310).contains(&frames.len()), "{}", frames.len());
        assert!(frames.iter().all(|bytes| *bytes == wire), "{wire}: {frames:?}");
        assert_eq!(number(&report, "sent.bytes"), 300 * size);
    }
}

#[test]
fn icmp_errors_to_a_sending_server_are_reported_by_the_client() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft(
        "a",
        "add table inet t\n\
         add counter inet t refused\n\
         add chain inet t input { type filter hook input priority 0; }\n\
         add rule inet t input udp sport 8620 udp length 1008 numgen inc mod 50 == 5 \
         counter name refused reject with icmpx type admin-prohibited\n",
    );
    let _server = lab.serve("b", &["--io", "mmsg"]);
    let args = ["10.77.0.2", "--reverse", "--size", "1000", "--rate", "1kpps", "--count", "500"];
    let report = blast(&lab, "a", &args);
    assert_eq!(lab.counter("a", "inet t", "refused").0, 10);
    assert_eq!(number(&report, "lost.path"), 10, "{report:#}");
    // The kernel limits its ICMP errors per second.
    let told = path(&report, "network_errors.0");
    let words = "communication administratively prohibited, from 10.77.0.1";
    assert_eq!(told["error"]["text"], words, "{report:#}");
    assert!((1..=10).contains(&number(told, "times")), "{report:#}");
}

#[test]
fn an_icmp_error_of_a_router_is_reported_if_there_is_no_reply() {
    require_lab!();
    let lab = Lab::nat();
    lab.nft(
        "router",
        "add table ip t
         add chain ip t c { type filter hook forward priority 0; }
         add rule ip t c udp dport 8620 reject with icmp type admin-prohibited\n",
    );
    let args = ["blast", "10.77.2.2", "--json", "--wait", "500ms"];
    let output = run(lab.udpkit("client").args(args), secs(20));
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    assert_eq!(path(&report, "failure.code"), "path_error", "{report:#}");
    assert_eq!(number(&report, "failure.waited_ns"), 500_000_000);
    let [kind, code] =
        ["icmp_type", "icmp_code"].map(|key| number(&report, &format!("failure.error.{key}")));
    assert_eq!((kind, code), (3, 13), "{report:#}");
    assert_eq!(path(&report, "failure.error.from"), "10.77.1.1");
}
