//! Every command over a path without faults: no report may claim a fault.
//!
//! This includes the minimum of each command (one address, one port, one datagram, no remote
//! agent): little evidence must not lead to a strong verdict.

use crate::common::{Lab, Output, Running, json, punctual, require_lab, secs, worst_wake};
use serde_json::Value;
use std::time::Duration;

const ECHO: &str = "10.77.0.2:9007";
const SINK: &str = "10.77.0.2:9009";

/// Words that claim a fault, an obstacle or loss.
const ACCUSATIONS: [&str; 29] = [
    "firewall",
    "filter",
    "black hole",
    "vanish",
    "policer",
    "policed",
    "behind a nat",
    "a nat ",
    "blocked",
    "blocks",
    "rewrit",
    "bleached",
    "arrives as 0",
    "overflow",
    "fell behind",
    "dies after",
    "dies there",
    "not arrive",
    "not come",
    "no answer",
    "no reply",
    "nobody",
    "were lost",
    "prohibited",
    "unreachable",
    "not permitted",
    "gives up",
    "reads payloads",
    "at random",
];

/// Phrases with such words that claim no fault: negations, and descriptions of the test.
const INNOCENT: [&str; 16] = [
    "nothing was seen to filter",
    "nothing seen to filter",
    "nothing seen that filters",
    "no filtering",
    "no firewall",
    "filtering none seen",
    "whether the filtering depends",
    "filtering reply from",
    "no helper: nobody answers",
    "none seen; by address unknown",
    "filtering by address is unknown",
    "whether filtering depends",
    "filtering, answer from",
    "no remote agent",
    "no reply from 10.77.0.2:9007 within",
    "start `udpkit serve",
];

/// The words of a report that claim a fault.
fn accusations(told: &str) -> Vec<&'static str> {
    // A sentence may be wrapped within a phrase.
    let words: Vec<String> = told.split_whitespace().map(str::to_lowercase).collect();
    let mut rest = words.join(" ");
    for innocent in INNOCENT {
        rest = rest.replace(innocent, "");
    }
    let counted = |name: &&str| {
        let is_some = |count: &str| count.parse::<u64>().is_ok_and(|count| count > 0);
        words.windows(2).any(|pair| pair[0] == *name && is_some(&pair[1]))
    };
    let counts = ["lost", "refused", "unsent", "corrupt", "strays"].into_iter().filter(counted);
    ACCUSATIONS.into_iter().filter(|words| rest.contains(words)).chain(counts).collect()
}

/// One command on the client, and its exit code.
struct Row(&'static str, i32);

impl Row {
    /// Whether its JSON codes and counts are checked, rather than its text.
    fn is_coded(&self) -> bool {
        self.0.starts_with("blast ")
    }
}

fn start(lab: &Lab, row: &Row) -> Running {
    let mut command = lab.udpkit("a");
    command.args(row.0.split_whitespace()).args(row.is_coded().then_some("--json"));
    Running::start(&mut command)
}

/// The faults that the document of a throughput run claims, in either direction.
fn coded_accusations(report: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if !report["failure"].is_null() || !report["contradiction"].is_null() {
        found.push(format!("failure {} {}", report["failure"], report["contradiction"]));
    }
    for way in [report, &report["reverse"]].into_iter().filter(|way| way.is_object()) {
        let limit = way["limited_by"].as_str().unwrap_or_default();
        if !["rate", "count"].contains(&limit) {
            found.push(format!("limited by {limit}"));
        }
        for count in ["unsent", "corrupt", "strays"].map(|key| (key, &way[key])) {
            found.extend((count.1 != 0).then(|| format!("{} {}", count.0, count.1)));
        }
        found.extend((way["lost"]["total"] != 0).then(|| format!("lost {}", way["lost"])));
        for key in ["refusals", "network_errors"] {
            let is_empty = way[key].as_array().is_some_and(Vec::is_empty);
            found.extend((!is_empty).then(|| format!("{key} {}", way[key])));
        }
    }
    found
}

/// From which on a late machine cannot send all that is due before a run's time is over.
const LATE: Duration = Duration::from_millis(2);

/// `late` is the worst that this machine woke anybody meanwhile: what was due at the very end of a
/// run and could not be sent in time is rightly counted then.
#[track_caller]
fn assert_innocent(row: &Row, output: &Output, late: Duration) {
    let told = format!("{}\n{}", output.out(), output.err());
    assert_eq!(output.code(), Some(row.1), "{}\n{told}", row.0);
    if row.is_coded() {
        let mut found = coded_accusations(&json(&output.out()));
        found.retain(|fault| late < LATE || !fault.starts_with("unsent "));
        assert!(found.is_empty(), "udpkit {} accuses: {found:?}\n{told}", row.0);
    }
    // Standard error has text only.
    let words = if row.is_coded() { output.err() } else { told.clone() };
    let found: Vec<_> = accusations(&words);
    assert!(found.is_empty(), "udpkit {} accuses: {found:?}\n{told}", row.0);
}

/// Runs a few commands at a time: with more, the host would be the limit.
fn run_all(lab: &Lab, rows: &[Row]) {
    for some in rows.chunks(3) {
        let (outputs, late) = worst_wake(|| {
            let running: Vec<Running> = some.iter().map(|row| start(lab, row)).collect();
            running.into_iter().map(|running| running.wait(secs(60))).collect::<Vec<_>>()
        });
        for (row, output) in some.iter().zip(outputs) {
            assert_innocent(row, &output, late);
        }
    }
}

/// A server with one address, an echo server, and a quiet receiver.
fn far_ends(lab: &Lab) -> [Running; 3] {
    let serve = Running::start(lab.udpkit("b").args(["serve", "-q"]));
    let echo = Running::start(lab.udpkit("b").args(["recv", ECHO, "--echo", "-q"]));
    let sink = Running::start(lab.udpkit("b").args(["recv", SINK, "-q"]));
    for port in [8620, 9007, 9009] {
        lab.wait_bound("b", port);
    }
    [serve, echo, sink]
}

#[test]
fn the_scanner_for_accusations_finds_them_and_no_others() {
    assert_eq!(accusations("verdict  no NAT: a\n   firewall filters"), ["firewall", "filter"]);
    assert_eq!(accusations("  lost       3 (0.1%), never sent 0"), ["lost"]);
    assert!(accusations("  lost 0 (0.00%)\n  verdict  nothing seen\n   to filter").is_empty());
    let way = |limit: &str, lost: u64| {
        serde_json::json!({
            "failure": null, "contradiction": null, "limited_by": limit, "unsent": 0, "corrupt": 0,
            "strays": 0, "lost": { "total": lost }, "refusals": [], "network_errors": [],
        })
    };
    assert!(coded_accusations(&way("rate", 0)).is_empty());
    assert_eq!(coded_accusations(&way("network", 3)), ["limited by network", "lost {\"total\":3}"]);
    let mut both = way("count", 0);
    both["reverse"] = way("sender_cpu", 0);
    assert_eq!(coded_accusations(&both), ["limited by sender_cpu"]);
}

#[test]
fn sending_and_receiving_claim_no_fault() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::pair();
    let _far = far_ends(&lab);
    let rows = [
        Row("send 10.77.0.2:9009 -- one", 0),
        Row("send 10.77.0.2:9009 -s 100 -c 50 --rate 1kpps", 0),
        Row("send 10.77.0.2:9007 --wait 300ms -- one", 0),
        Row("blast 10.77.0.2 -c 1", 0),
        Row("blast 10.77.0.2 -c 100 --rate 1M", 0),
        Row("blast 10.77.0.2 -c 20000", 0),
        Row("blast 10.77.0.2 --bytes 1M", 0),
        Row("blast 10.77.0.2 -t 400ms --rate 1M", 0),
        Row("blast 10.77.0.2 -t 400ms --rate 5pps", 0),
        Row("blast 10.77.0.2 -t 400ms --rate 1M -R", 0),
        Row("blast 10.77.0.2 -t 400ms --rate 1M --bidir", 0),
        Row("blast 10.77.0.2 -t 400ms --rate 1M --streams 4", 0),
        Row("blast [fd77::2] -t 400ms --rate 1M --fail-if loss>0.1%", 0),
        Row("blast 10.77.0.2 -c 100 --rate 1M -R", 0),
        Row("cast send 10.77.0.2:9009 -s 100 -c 1", 0),
        Row("cast send 10.77.0.2:9009 -s 100 -c 20 --rate 200pps", 0),
    ];
    run_all(&lab, &rows);
}

#[test]
fn ping_claims_no_fault() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::pair();
    let _far = far_ends(&lab);
    let rows = [
        Row("ping 10.77.0.2 -c 1", 0),
        Row("ping 10.77.0.2 -c 2 -i 10ms", 0),
        Row("ping 10.77.0.2 -c 100 -i 2ms -q", 0),
        Row("ping [fd77::2] -c 10 -i 10ms", 0),
        Row("ping 10.77.0.2 -c 3 -i 10ms -s 20000", 0),
        Row("ping 10.77.0.2:9007 --echo -c 10 -i 10ms", 0),
        Row("ping 10.77.0.2 [fd77::2] -c 5 -i 10ms", 0),
    ];
    run_all(&lab, &rows);
}

#[test]
fn probes_with_an_agent_claim_no_fault() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::pair();
    let _far = far_ends(&lab);
    let rows = [
        Row("probe nat 10.77.0.2", 0),
        Row("probe marks 10.77.0.2", 0),
        Row("probe trace 10.77.0.2", 0),
        Row("probe mtu 10.77.0.2", 0),
        Row("probe ports 10.77.0.2 63000", 0),
        Row("probe ports 10.77.0.2 63000-63020", 0),
        Row("probe shape 10.77.0.2", 0),
        Row("probe timeout 10.77.0.2 --candidates 300ms,500ms --up-to 500ms --tries 1", 0),
        Row("probe 10.77.0.2 --ports 5060", 0),
        Row("probe marks [fd77::2]", 0),
        Row("probe mtu [fd77::2]", 0),
        Row("probe nat [fd77::2]", 0),
    ];
    run_all(&lab, &rows);
}

#[test]
fn probes_without_an_agent_claim_no_fault() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::pair();
    let _far = far_ends(&lab);
    let rows = [Row("probe mtu 10.77.0.2:9007", 0), Row("probe trace 10.77.0.2:9007", 0)];
    run_all(&lab, &rows);
}

#[test]
fn groups_claim_no_fault() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::pair();
    let answerer =
        Running::start(lab.udpkit("b").args(["cast", "check", "239.7.7.9:5009", "--answer"]));
    lab.wait_joined("b", "239.7.7.9");
    run_all(&lab, &[Row("cast check 239.7.7.9:5009 --far 10.77.0.2:5009", 0)]);
    drop(answerer);
    let receiver =
        Running::start(lab.udpkit("b").args(["cast", "recv", "239.7.7.7:5007", "-c", "100"]));
    lab.wait_joined("b", "239.7.7.7");
    run_all(&lab, &[Row("cast send 239.7.7.7:5007 -s 100 -c 100 --rate 1kpps", 0)]);
    assert_innocent(&Row("cast recv", 0), &receiver.wait(secs(10)), Duration::ZERO);
}
