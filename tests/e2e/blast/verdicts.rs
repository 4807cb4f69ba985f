//! The verdicts of `udpkit blast`, end to end: they name what limited a run, and nothing else.

use crate::common::{
    Lab, Output, Running, json, number, path, require_lab, run, secs, text, udpkit, wait_until,
};
use serde_json::Value;

fn blast(lab: &Lab, args: &[&str]) -> (Output, Value) {
    let output = run(lab.udpkit("a").args(["blast", "10.77.0.2", "--json"]).args(args), secs(30));
    let report = json(&output.out());
    (output, report)
}

#[test]
fn a_run_that_ends_by_its_count_or_its_bytes_is_limited_by_that() {
    for bound in [["--count", "1000"], ["--bytes", "1M"]] {
        let output = run(udpkit().args(["blast", "--json"]).args(bound), secs(20));
        let report = json(&output.out());
        assert_eq!(text(&report, "limited_by"), "count", "{bound:?}: {report:#}");
        assert_eq!(path(&report, "interrupted"), false, "{bound:?}");
    }
}

#[test]
fn few_datagrams_of_many_streams_have_the_rate_of_the_time() {
    let args =
        ["blast", "--json", "-P", "32", "-t", "2s", "--rate", "32pps", "--fail-if", "rate<400k"];
    let output = run(udpkit().args(args), secs(20));
    let report = json(&output.out());
    // 64 of 1472 bytes in 2 s are 376,832 bit/s.
    let rate = number(&report, "received.bits_per_second");
    assert!((330_000..400_000).contains(&rate), "{rate}: {report:#}");
    assert_eq!(output.code(), Some(3), "{}", output.err());
}

#[test]
fn a_path_that_passes_only_small_datagrams_is_reported() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft_early("b", "udp length > 1280 drop");
    let _server = lab.serve("b", &[]);
    let (_, report) = blast(&lab, &["-t", "500ms", "--rate", "2M"]);
    assert_eq!(text(&report, "verdict.code"), "only_small_pass", "{report:#}");
    assert_eq!(number(&report, "verdict.payload_bytes"), 1472);
    assert_eq!(number(&report, "verdict.lost_datagrams"), number(&report, "lost.path"));
    assert_eq!(text(&report, "limited_by"), "network");
}

#[test]
fn drops_by_an_own_limit_are_no_success() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft(
        "a",
        "add table inet t\n\
         add chain inet t out { type filter hook output priority 0; }\n\
         add rule inet t out udp length > 1000 limit rate over 4/second burst 1 packets drop\n",
    );
    let _server = lab.serve("b", &[]);
    let (_, report) = blast(&lab, &["-t", "500ms", "--rate", "3M"]);
    assert_eq!(text(&report, "limited_by"), "sender_host", "{report:#}");
    assert_eq!(number(&report, "lost.path"), 0, "{report:#}");
}

#[test]
fn an_interface_that_was_down_is_no_queue() {
    require_lab!();
    let lab = Lab::pair();
    let _server = lab.serve("b", &[]);
    let args =
        ["blast", "10.77.0.2", "--json", "-t", "2s", "--rate", "2M", "--report-every", "100ms"];
    let client = Running::start(lab.udpkit("a").args(args));
    wait_until("data", secs(10), || lab.snmp("b").in_datagrams > 100);
    // Fifty datagrams fall into this time.
    let name = "$(ip -o link show type veth | sed 's/^[0-9]*: \\([^@:]*\\).*/\\1/' | head -1)";
    lab.shell("a", &format!("ip link set {name} down; sleep 0.3; ip link set {name} up"));
    let report = json(&client.wait(secs(20)).out());
    assert_eq!(text(&report, "limited_by"), "sender_host", "{report:#}");
    assert_eq!(text(&report, "verdict.code"), "host_refused", "{report:#}");
}
