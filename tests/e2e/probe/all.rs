//! `udpkit probe HOST`, and what all probes report without a remote agent.

use crate::common::{Lab, Running, free_udp_port, json, path, require_lab, run, secs, udpkit};
use serde_json::Value;
use std::net::UdpSocket;

const TARGETS: [&str; 2] = ["10.77.3.2", "fd77:3::2"];
/// The default ports of `probe`, and some for its trains.
const HELD: &str = "1194,3478,4500,5060,10000,33434,51820,63000-63200";
const KINDS: [&str; 7] = ["ports", "nat", "mtu", "marks", "shape", "trace", "timeout"];

/// The code of the reason why a kind was left out.
fn left_out<'a>(report: &'a Value, kind: &str) -> Option<&'a str> {
    let left = path(report, "left_out").as_array().expect("a list");
    let left = left.iter().find(|one| one["kind"] == kind)?;
    path(left, "reason.code").as_str()
}

#[test]
fn probe_host_runs_all_kinds_within_ten_seconds_or_lists_them_as_left_out() {
    require_lab!();
    let lab = Lab::path();
    let server = Running::start(lab.udpkit("server").args(["serve", "--probe-ports", HELD]));
    server.wait_for_line("serving on", secs(10));
    let begin = |args: &[&str]| Running::start(lab.udpkit("client").arg("probe").args(args));
    let all = TARGETS.map(|target| begin(&[target, "-J"]));
    let nobody = begin(&["10.77.2.3:8700", "-J"]);
    for running in all {
        let output = running.wait(secs(40)).expect_success();
        assert_eq!(output.err(), "", "a document comes alone");
        let report = json(&output.out());
        assert_eq!(path(&report, "agent_found"), true, "{report}");
        let took = path(&report, "duration_ns").as_u64().expect("told");
        assert!(took <= 10_000_000_000, "{took} ns");
        for kind in KINDS {
            let is_told =
                !report[format!("{kind}_report")].is_null() || left_out(&report, kind).is_some();
            assert!(is_told, "{kind} is neither told nor left out");
        }
        assert_eq!(left_out(&report, "timeout"), Some("longer_idle_times"));
        assert_eq!(
            path(&report, "ports_report.port_rows.0.outcome").as_str(),
            Some("passes"),
            "{report}"
        );
    }
    let output = nobody.wait(secs(40));
    assert_eq!(output.code(), Some(1), "{}", output.out());
    let report = json(&output.out());
    assert_eq!(path(&report, "agent_found"), false);
    assert_eq!(path(&report, "no_agent.code"), "unreachable");
    assert_eq!(path(&report, "no_agent.target"), "10.77.2.3:8700");
    for kind in ["nat", "mtu", "marks", "shape", "timeout"] {
        assert_eq!(left_out(&report, kind), Some("no_agent"), "{kind}");
    }
    assert_eq!(path(&report, "trace_report.verdict.code"), "port_closed");
    // Standard error has the reason once, and a progress line per kind.
    let output = begin(&["10.77.2.3:8700"]).wait(secs(40));
    let text = output.out();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(text.matches("port unreachable").count(), 1, "{text}");
    assert_eq!(output.err().lines().count(), 6, "{}", output.err());
}

#[test]
fn every_kind_reports_a_missing_or_refusing_agent_in_the_same_way() {
    let deaf = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let silent = deaf.local_addr().expect("an address").to_string();
    let refusing = Running::start(udpkit().args(["serve", "127.0.0.1:0", "--no-probe"]));
    let line = refusing.wait_for_line("serving on", secs(10));
    let at = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
    let refuses = at.expect("an address").trim_end_matches(',').to_owned();
    let closed = format!("127.0.0.1:{}", free_udp_port());
    let cases = [(&silent, "no_reply"), (&refuses, "refused"), (&closed, "unreachable")];
    let runs = ["marks", "shape", "timeout"].map(|kind| {
        let begin = |at: &str| Running::start(udpkit().args(["probe", kind, at, "-J"]));
        cases.map(|(at, code)| (begin(at), code))
    });
    let mut errors = Vec::new();
    for (running, code) in runs.into_iter().flatten() {
        let output = running.wait(secs(30));
        assert_eq!(output.code(), Some(1));
        let report = json(&output.out());
        assert_eq!(path(&report, "failure.code"), code, "{report:#}");
        if code == "unreachable" {
            errors.push(output.err());
        }
    }
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
}

#[test]
fn a_name_without_an_address_is_a_document_too() {
    for kind in ["", "ports", "nat", "mtu", "marks", "shape", "trace", "timeout"] {
        let mut command = udpkit();
        command.arg("probe").args((!kind.is_empty()).then_some(kind)).arg("nowhere.invalid");
        if kind == "ports" {
            command.arg("9");
        }
        let output = run(command.arg("-J"), secs(30));
        assert_eq!(output.code(), Some(1), "{kind}: {}", output.err());
        let report = json(&output.out());
        assert_eq!(path(&report, "failure.code"), "name_not_resolved", "{kind}: {report:#}");
    }
}
