//! `udpkit probe timeout` through routers with known timeouts.

use crate::common::{Lab, Running, free_udp_port, json, path, require_lab, run, secs, udpkit};
use serde_json::Value;
use std::thread;

const SERVER: &str = "10.77.3.2";
const SECOND: u64 = 1_000_000_000;

const MASQUERADE: &str = "
    add table ip n
    add chain ip n post { type nat hook postrouting priority srcnat; }
    add rule ip n post oifname wan masquerade\n";

/// A stateful firewall that lets in only what belongs to an outbound flow, for both families.
const FIREWALL: &str = "
    add table inet w
    add chain inet w f { type filter hook forward priority 0; }
    add rule inet w f iifname wan ct state != { established, related } drop\n";

/// A `path` whose r1 keeps UDP state for so many seconds: after one datagram, and established.
fn lab(rules: &str, first: u64, established: u64) -> Lab {
    let lab = Lab::path();
    lab.nft("r1", rules);
    lab.shell(
        "r1",
        &format!(
            "cd /proc/sys/net/netfilter &&
             echo {first} > nf_conntrack_udp_timeout &&
             echo {established} > nf_conntrack_udp_timeout_stream"
        ),
    );
    lab
}

/// A timer's last silence that was survived and first that was not lie around the rule's, but for
/// what a busy machine adds to a silence.
#[track_caller]
fn held(report: &Value, timer: usize, rule: u64, precision: u64) {
    let told = |key: &str| path(report, &format!("timers.{timer}.{key}")).as_u64();
    let (rule, slack) = (rule * SECOND, SECOND / 2);
    let (Some(open), Some(closed)) = (told("open_ns"), told("closed_ns")) else {
        panic!("timer {timer} is not known: {report:#}")
    };
    let is_right = open < rule && closed + slack >= rule && closed <= rule + precision;
    assert!(is_right, "{open} {closed} for {rule}: {report:#}");
    assert_eq!(path(report, &format!("timers.{timer}.monotonic")), true, "{report:#}");
}

fn probe(lab: &Lab, args: &[&str]) -> Value {
    let mut command = lab.udpkit("client");
    let output = run(command.args(["probe", "timeout", "-J"]).args(args), secs(120));
    json(&output.expect_success().out())
}

#[test]
fn time_outs_of_3_7_and_20_seconds_are_found() {
    require_lab!();
    let masquerades = || {
        let lab = lab(MASQUERADE, 3, 7);
        let _server = lab.serve("server", &[]);
        let list = "1s,2s,4s,6s,8s";
        let report = probe(&lab, &[SERVER, "--candidates", list, "--who-refreshes"]);
        held(&report, 0, 3, SECOND);
        held(&report, 1, 7, SECOND);
        assert_eq!(path(&report, "inbound_refreshes"), true, "{report:#}");
        let every = path(&report, "keep_alive_ns").as_u64().expect("an interval");
        assert!((SECOND..3 * SECOND).contains(&every), "{every}");
        assert_eq!(path(&report, "no_agent"), &Value::Null);
        assert_eq!(path(&report, "verdict.code"), "keep_alive");
        assert_eq!(path(&report, "verdict.every_ns").as_u64(), Some(every));
    };
    let longer = || {
        let lab = lab(FIREWALL, 7, 20);
        let _server = lab.serve("server", &[]);
        let args = ["fd77:3::2", "--candidates", "6s,8s,18s,19s,21s", "--precision", "2s"];
        let report = probe(&lab, &args);
        held(&report, 0, 7, 2 * SECOND);
        held(&report, 1, 20, 2 * SECOND);
    };
    let without = || {
        let lab = Lab::path();
        let _server = lab.serve("server", &[]);
        let mut command = lab.udpkit("client");
        command.args(["probe", "timeout", SERVER, "--candidates", "1s,2s,3s", "--up-to", "2s"]);
        let told = run(command.arg("-J"), secs(60)).expect_success();
        let report = json(&told.out());
        assert_eq!(path(&report, "verdict.code"), "stays_open", "{report:#}");
        assert_eq!(path(&report, "verdict.open_ns").as_u64(), Some(2 * SECOND));
        // The progress lines: the host, the start, and two idle times of two timers.
        assert_eq!(told.err().lines().count(), 6, "{}", told.err());
    };
    thread::scope(|scope| {
        scope.spawn(masquerades);
        scope.spawn(longer);
        scope.spawn(without);
    });
}

#[test]
fn without_an_agent_the_document_has_the_reason() {
    let closed = format!("127.0.0.1:{}", free_udp_port());
    let output = run(udpkit().args(["probe", "timeout", &closed, "-J"]), secs(30));
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    assert_eq!(path(&report, "failure.code"), "unreachable", "{report:#}");
    assert_eq!(path(&report, "failure.target"), &closed);
    assert_eq!(path(&report, "failure.icmp_code"), 3);
    // The error has the same reason, and the hint has the command for that port.
    let port = closed.rsplit(':').next().expect("a port");
    assert!(output.err().contains(&format!("serve --port {port}")), "{}", output.err());
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0", "--no-probe"]));
    let line = server.wait_for_line("serving on", secs(5));
    let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
    let at = address.expect("an address").trim_end_matches(',').to_owned();
    let output = run(udpkit().args(["probe", "timeout", &at, "-J"]), secs(30));
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    assert_eq!(path(&report, "failure.code"), "refused", "{report:#}");
}

#[test]
fn an_interrupted_run_reports_what_is_known() {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]));
    let line = server.wait_for_line("serving on", secs(5));
    let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
    let at = address.expect("an address").trim_end_matches(',').to_owned();
    let mut command = udpkit();
    command.args(["probe", "timeout", &at, "-J", "--candidates", "500ms,300s"]);
    let probing = Running::start(&mut command);
    probing.wait_for_line("established: open after 500 ms idle", secs(30));
    probing.signal("INT");
    let output = probing.wait(secs(10)).expect_success();
    let report = json(&output.out());
    assert_eq!(path(&report, "interrupted"), true);
    assert_eq!(path(&report, "timers.0.open_ns"), 500_000_000);
    let unknown = path(&report, "not_known.0");
    assert_eq!(path(unknown, "code"), "silences", "{report:#}");
    assert_eq!(path(unknown, "silences_ns"), &serde_json::json!([300 * SECOND]));
}

#[test]
fn impossible_arguments_are_usage_errors() {
    for (args, told) in [
        (&["192.0.2.1", "--candidates", "1h"][..], "out of range"),
        (&["192.0.2.1", "--candidates", "soon"], "--candidates"),
        (&["192.0.2.1", "--up-to", "1s"], "leaves no idle time"),
        (&["192.0.2.1", "--tries", "9"], "--tries"),
    ] {
        let output = run(udpkit().args(["probe", "timeout"]).args(args), secs(10));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(told), "{}", output.err());
    }
}
