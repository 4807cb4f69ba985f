//! Every command over a path without faults: no report may claim a fault.
//!
//! This includes the minimum of each command (one address, one port, one datagram, no remote
//! agent): little evidence must not lead to a strong verdict.

use crate::common::{Lab, Output, Running, json, punctual, require_lab, secs, worst_wake};
use serde_json::Value;
use std::time::Duration;

const ECHO: &str = "10.77.0.2:9007";
const SINK: &str = "10.77.0.2:9009";

/// The codes of statements that claim no fault, by the key at which they stand. Every other code is
/// an accusation, whatever its text says.
const INNOCENT: [(&str, &[&str]); 16] = [
    (
        "verdict",
        &[
            "back_received",
            "compared",
            "count_reached",
            "far_end_receives",
            "loop_works",
            "no_difference",
            "no_nat",
            "path_mtu",
            "querier_heard",
            "querier_not_yet_known",
            "rate_kept",
            "reached",
            "replied",
            "route_found",
            "same_path",
            "stays_open",
            "unchanged",
            "works",
            "works_as_far_as_seen",
            "works_both_ways",
        ],
    ),
    (
        "evidence",
        &[
            "answered",
            "answers_from",
            "counted",
            "fragments_seen",
            "igmp_version",
            "membership_listed",
            "no_query_yet",
            "observed",
            "own_probes",
            "payloads_passed",
            "queries",
            "queries_not_counted",
            "replies",
            "seen_as",
            "sent_back",
            "source_address",
            "source_unchanged",
            "target_replies",
            "train",
        ],
    ),
    // What the measurement cannot see, and the load of this machine.
    (
        "caveats",
        &[
            "end_unknown",
            "higher_limit_unseen",
            "host_near_limit",
            "host_paused",
            "one_host",
            "replies_look_alike",
            "return_path_unknown",
            "round_trips_only",
            "timed_by_program",
        ],
    ),
    ("mtu_out", &["sender_interface"]),
    ("mtu_back", &["sender_interface"]),
    ("fragments_out", &["pass"]),
    ("fragments_back", &["pass"]),
    ("payloads", &["all_pass"]),
    ("advice", &["raise_rate"]),
    ("next_steps", &["hold_for_query"]),
    ("not_known", &["filtering_by_address"]),
    ("reason", &["longer_idle_times", "many_flows", "one_address"]),
    // The echo server is none.
    ("no_agent", &["no_reply"]),
    // A port that the server may not open.
    ("not_opened_reason", &["policy"]),
    // Why nothing is seen of parallel paths.
    ("alternatives", &["one_path", "equal_paths", "address_hash", "slight_loss"]),
    ("failure", &[]),
];

/// Values that claim no fault, of keys that are a choice of several.
const INNOCENT_VALUES: [(&str, &[&str]); 5] = [
    ("limited_by", &["count", "interface", "rate"]),
    ("outcome", &["not_opened", "ok", "open", "passes", "unknown"]),
    ("port_outcome", &["passes"]),
    // An echo server does not report.
    ("state", &["done", "unheard"]),
    ("filtering", &["endpoint_independent", "endpoint_independent_or_address_dependent"]),
];

/// Counts that claim a fault if they are more than 0, and what stands only where there is one.
const FAULTS: [&str; 47] = [
    "altered",
    "altered_back",
    "altered_out",
    "answered_elsewhere",
    "behind_nat",
    "contradiction",
    "copies",
    "corrupt",
    "cut",
    "cut_back",
    "cut_out",
    "cut_to_bytes",
    "damaged",
    "duplicates",
    "error",
    "excluded",
    "failure",
    "foreign",
    "foreign_replies",
    "losses",
    "lost",
    "lost_at_socket",
    "lost_back",
    "lost_datagrams",
    "lost_on_path",
    "lost_out",
    "network_errors",
    "never_sent",
    "other_network_errors",
    "others",
    "path",
    "rate_limit",
    "receiver_host",
    "receiver_socket",
    "reflector_restarts",
    "refusals",
    "refused",
    "reordered",
    "report_refusals",
    "reports_refused",
    "router_addresses",
    "sender_host",
    "socket_drops",
    "strays",
    "truncated",
    "unreachable",
    "unsent",
];

/// Whether there is anything: not null, false, 0 or empty.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_so) => *is_so,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        // Counts by themselves, each judged where it stands, unless it is a statement.
        Value::Object(fields) => fields.contains_key("code"),
    }
}

/// The faults that a document claims, by its codes, values and counts: `verdict: black_hole`.
fn accusations(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    accuse("", document, &mut found);
    found
}

fn accuse(key: &str, value: &Value, found: &mut Vec<String>) {
    let told_by = |list: &[(&str, &[&str])], word: &str| {
        let known = list.iter().find(|(name, _)| *name == key);
        known.is_some_and(|(_, innocent)| innocent.contains(&word))
    };
    if FAULTS.contains(&key) && is_something(value) {
        found.push(format!("{key}: {value}"));
    }
    match value {
        Value::Object(fields) => {
            if let Some(code) = fields.get("code").and_then(Value::as_str)
                && !told_by(&INNOCENT, code)
            {
                found.push(format!("{key}: {code}"));
            }
            fields.iter().for_each(|(key, value)| accuse(key, value, found));
        }
        Value::Array(all) => all.iter().for_each(|value| accuse(key, value, found)),
        Value::String(word)
            if INNOCENT_VALUES.iter().any(|(name, _)| *name == key)
                && !told_by(&INNOCENT_VALUES, word) =>
        {
            found.push(format!("{key}: {word}"));
        }
        _ => {}
    }
}

/// One command on the client, and its exit code.
struct Row(&'static str, i32);

fn start(lab: &Lab, row: &Row) -> Running {
    // What follows `--` is a message.
    let (command, message) = row.0.split_once(" -- ").unwrap_or((row.0, ""));
    let mut started = lab.udpkit("a");
    started.args(command.split_whitespace()).arg("--json");
    if !message.is_empty() {
        started.args(["--", message]);
    }
    Running::start(&mut started)
}

/// From which on a late machine cannot send all that is due before a run's time is over.
const LATE: Duration = Duration::from_millis(2);

/// `late` is the worst that this machine woke anybody meanwhile: what was due at the very end of a
/// run and could not be sent in time is rightly counted then.
#[track_caller]
fn assert_innocent(row: &Row, output: &Output, late: Duration) {
    let told = format!("{}\n{}", output.out(), output.err());
    assert_eq!(output.code(), Some(row.1), "{}\n{told}", row.0);
    let mut found = accusations(&json(&output.out()));
    let excused = |fault: &String| fault.starts_with("unsent:") || fault.starts_with("never_sent:");
    found.retain(|fault| late < LATE || !excused(fault));
    // What is not in the document is a warning or an error.
    let is_message =
        |line: &&str| ["error:", "warning:", "hint:"].iter().any(|word| line.starts_with(word));
    found.extend(output.err().lines().filter(is_message).map(str::to_owned));
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
fn every_code_value_and_count_that_claims_a_fault_is_found_and_no_other() {
    let clean = serde_json::json!({
        "failure": null,
        "contradiction": null,
        "limited_by": "rate",
        "unsent": 0,
        "losses": { "lost": 0, "lost_on_path": 0 },
        "refusals": [],
        "verdict": { "code": "rate_kept", "lost": 0 },
        "evidence": [{ "code": "seen_as" }],
        "caveats": [{ "code": "one_host" }],
        "alternatives": [],
    });
    assert_eq!(accusations(&clean), [""; 0]);
    let lossy = serde_json::json!({ "verdict": { "code": "path_loss", "lost": 3 } });
    assert_eq!(accusations(&lossy), ["verdict: path_loss", "lost: 3"]);
    for (key, value, told) in [
        ("limited_by", serde_json::json!("network"), "limited_by: network"),
        ("unsent", serde_json::json!(3), "unsent: 3"),
        ("caveats", serde_json::json!([{ "code": "lost" }]), "caveats: lost"),
        ("alternatives", serde_json::json!([{ "code": "firewall" }]), "alternatives: firewall"),
        ("evidence", serde_json::json!([{ "code": "source_changed" }]), "evidence: source_changed"),
        ("network_errors", serde_json::json!([{}]), "network_errors: [{}]"),
        ("reverse", serde_json::json!({ "losses": { "lost": 1 } }), "lost: 1"),
        ("behind_nat", serde_json::json!(true), "behind_nat: true"),
        ("traffic", serde_json::json!({ "cut_out": 2 }), "cut_out: 2"),
        ("altered", serde_json::json!(1), "altered: 1"),
        ("lost", serde_json::json!({ "path": 0, "damaged": 4 }), "damaged: 4"),
        ("hosts", serde_json::json!([{ "losses": [{}] }]), "losses: [{}]"),
        ("rows", serde_json::json!([{ "outcome": "filtered_out" }]), "outcome: filtered_out"),
        ("unheard_of", serde_json::json!({ "code": "new" }), "unheard_of: new"),
    ] {
        let mut document = clean.clone();
        document[key] = value;
        assert_eq!(accusations(&document), [told], "{key}");
    }
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
        Row("probe paths 10.77.0.2", 0),
        Row("probe paths [fd77::2] --flows 2", 0),
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
    let rows = [
        Row("probe mtu 10.77.0.2:9007", 0),
        Row("probe trace 10.77.0.2:9007", 0),
        Row("probe paths 10.77.0.2:9007 --no-agent", 0),
    ];
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
        Running::start(lab.udpkit("b").args(["cast", "recv", "239.7.7.7:5007", "-c", "100", "-J"]));
    lab.wait_joined("b", "239.7.7.7");
    run_all(&lab, &[Row("cast send 239.7.7.7:5007 -s 100 -c 100 --rate 1kpps", 0)]);
    assert_innocent(&Row("cast recv", 0), &receiver.wait(secs(10)), Duration::ZERO);
}
