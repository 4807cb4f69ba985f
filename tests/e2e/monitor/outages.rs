//! What a firewall takes is told as outages and losses in its direction, to the datagram.

use crate::common::{
    Lab, Running, json, json_lines, number, path, punctual, require_lab, secs, text, wait_until,
};
use serde_json::Value;
use std::thread;
use std::time::{Duration, Instant};

/// Between two probes.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long it is dark.
const DARK: Duration = Duration::from_secs(2);
/// What a busy machine adds.
const SLACK: Duration = Duration::from_millis(300);

/// A lab with a server and a monitor of two of its addresses, once both answer.
fn start(lab: &Lab) -> (Running, Running) {
    let server = lab.serve("b", &["0.0.0.0"]);
    lab.shell(
        "b",
        "ip address add 10.77.0.9/24 dev $(ip -o -4 addr | awk '/10.77.0.2/ {print $2}')",
    );
    let args = ["monitor", "10.77.0.2", "10.77.0.9", "-i", "100ms", "-w", "1s", "--jsonl"];
    let monitor = Running::start(lab.udpkit("a").args(args).args(["--interval-report", "1s"]));
    let answered = |line: &str| line.contains("\"event\":\"row\"") && !line.contains("\"back\":0");
    assert!(
        monitor
            .wait_for_stdout(secs(30), |out| out.lines().filter(|one| answered(one)).count() >= 2)
    );
    (server, monitor)
}

/// The news so far.
fn news(monitor: &Running) -> Vec<Value> {
    let out = monitor.stdout_so_far();
    let whole = out.rfind('\n').map_or("", |end| &out[..end]);
    let all = json_lines(whole).into_iter();
    all.filter(|line| text(line, "event") == "news").collect()
}

/// A firewall at a host that counts what it takes of probes and answers, and takes nothing yet.
fn firewall(lab: &Lab, host: &str) {
    lab.nft(
        host,
        "add table inet m\nadd counter inet m taken\n\
         add chain inet m in { type filter hook prerouting priority -300; }\n",
    );
}

/// It takes what is meant.
fn take(lab: &Lab, host: &str, what: &str) {
    lab.nft(host, &format!("add rule inet m in {what} udp length 52 counter name taken drop\n"));
}

/// It takes nothing more; returns how many datagrams it took.
fn open(lab: &Lab, host: &str) -> u64 {
    lab.nft(host, "flush chain inet m in\n");
    lab.counter(host, "inet m", "taken").0
}

/// Takes probes or answers for two seconds; returns the least and the most time that it did, and how
/// many datagrams it took.
fn go_dark(lab: &Lab, host: &str, what: &str) -> (Duration, Duration, u64) {
    firewall(lab, host);
    let before = Instant::now();
    take(lab, host, what);
    let since = Instant::now();
    thread::sleep(DARK);
    let least = since.elapsed();
    let taken = open(lab, host);
    (least, before.elapsed(), taken)
}

#[test]
fn an_outage_has_the_length_the_losses_and_the_direction_of_the_firewalls() {
    require_lab!();
    let _turn = punctual();
    for (host, what, way, other) in [
        ("b", "ip daddr 10.77.0.9", "lost_out", "lost_back"),
        ("a", "ip saddr 10.77.0.9", "lost_back", "lost_out"),
    ] {
        let lab = Lab::pair();
        let (_server, monitor) = start(&lab);
        let (least, most, taken) = go_dark(&lab, host, what);
        assert!(taken > 10, "{taken}");
        wait_until("the outage is over", secs(30), || {
            news(&monitor).iter().any(|one| text(one, "code") == "outage_ended")
        });
        monitor.signal("INT");
        let output = monitor.wait(secs(20));
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let lines = json_lines(&output.out());
        let told: Vec<&Value> = lines.iter().filter(|line| text(line, "event") == "news").collect();
        let [began, ended] = &told[..] else { panic!("{told:#?}") };
        assert_eq!(text(began, "code"), "outage_began");
        assert_eq!(text(ended, "target"), "10.77.0.9:8620".trim_end_matches(":8620"));
        assert_eq!(number(began, "start_ns"), number(ended, "start_ns"));
        assert_eq!(number(ended, "lost"), taken, "{ended:#}");
        assert_eq!((number(ended, way), number(ended, other)), (taken, 0), "{ended:#}");
        let length = Duration::from_nanos(number(ended, "length_ns"));
        let is_right = length + INTERVAL + SLACK >= least && length <= most + INTERVAL + SLACK;
        assert!(is_right, "{length:?} of {least:?} to {most:?}");
        let summary = lines.last().unwrap();
        let rows = path(summary, "target_rows").as_array().unwrap();
        assert_eq!(number(&rows[0], "lost"), 0, "{summary:#}");
        assert_eq!((number(&rows[1], "lost"), number(&rows[1], way)), (taken, taken));
        assert_eq!(number(&rows[1], "outages"), 1);
        let sum = number(&rows[1], "back") + number(&rows[1], "lost") + number(&rows[1], "open");
        assert_eq!(number(&rows[1], "sent"), sum);
        assert!(output.err().contains("10.77.0.9"), "{}", output.err());
        assert!(output.err().contains("answers again after"), "{}", output.err());
    }
}

#[test]
fn a_few_lost_probes_are_losses_and_no_outage() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::pair();
    let (_server, monitor) = start(&lab);
    firewall(&lab, "b");
    // Never two in a row.
    lab.nft(
        "b",
        "add rule inet m in ip daddr 10.77.0.2 udp length 52 numgen inc mod 5 == 0 counter name \
         taken drop\n",
    );
    wait_until("some are taken", secs(30), || lab.counter("b", "inet m", "taken").0 >= 8);
    let taken = open(&lab, "b");
    // Of two targets: each answers some more, so that what was lost before is known.
    let before = lab.snmp("a").in_datagrams;
    wait_until("answers go on", secs(30), || lab.snmp("a").in_datagrams > before + 30);
    monitor.signal("INT");
    let output = monitor.wait(secs(20)).expect_success();
    let lines = json_lines(&output.out());
    assert!(!lines.iter().any(|line| text(line, "event") == "news"), "{}", output.err());
    let rows = path(lines.last().unwrap(), "target_rows").as_array().unwrap();
    assert_eq!(
        (number(&rows[0], "lost"), number(&rows[0], "lost_out")),
        (taken, taken),
        "{rows:#?}"
    );
    assert_eq!((number(&rows[0], "outages"), number(&rows[1], "lost")), (0, 0));
}

#[test]
fn an_outage_of_fail_if_ends_the_run_with_code_3() {
    require_lab!();
    let lab = Lab::pair();
    let mut monitor = lab.udpkit("a");
    let args =
        ["monitor", "10.77.0.2", "-i", "50ms", "-w", "200ms", "-J", "--fail-if", "outage>500ms"];
    let output = Running::start(monitor.args(args)).wait(secs(60));
    assert_eq!(output.code(), Some(3), "{}", output.err());
    let report = json(&output.out());
    let threshold = &path(&report, "thresholds")[0];
    assert_eq!(text(threshold, "condition"), "outage>500ms");
    assert_eq!(path(threshold, "ended_run"), &Value::Bool(true), "{threshold:#}");
    assert_eq!(number(&report, "targets_down"), 1);
}
