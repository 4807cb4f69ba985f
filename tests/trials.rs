//! Runs that are judged, and series of runs: `--fail-if`, `--sweep`, `--find-rate`.

mod common;

use common::{
    Lab, Output, Running, assert_sums, free_udp_port, json, path, require_lab, run, secs, udpkit,
};
use serde_json::Value;

fn blast(args: &[&str]) -> Output {
    run(udpkit().arg("blast").args(args), secs(60))
}

fn number(report: &Value, key: &str) -> u64 {
    path(report, key).as_u64().unwrap_or_else(|| panic!("{key} is no number in {report:#}"))
}

#[test]
fn a_broken_limit_ends_with_3_and_is_named_with_its_value() {
    let base = ["--rate", "1M", "-c", "50", "--fail-if"];
    let with = |limits: &'static str, more: &[&'static str]| {
        blast(&[&base[..], &[limits], more].concat())
    };
    let held = with("loss>0.1%,p50>1s,rate<10k", &["--json"]);
    assert_eq!(held.code(), Some(0), "{}", held.err());
    let report = json(&held.out());
    assert_sums(&report);
    assert!(path(&report, "limits").as_array().unwrap().iter().all(|limit| limit["held"] == true));
    let broken = with("loss>0.1%,rate<900M", &["--json"]);
    assert_eq!(broken.code(), Some(3), "{}", broken.err());
    let report = json(&broken.out());
    assert_eq!(path(&report, "limits.0.held"), true);
    assert_eq!(path(&report, "limits.1.held"), false);
    assert_eq!(path(&report, "limits.1.limit"), "rate<900M");
    assert!(number(&report, "limits.1.value") < 2_000_000);
    // Fifty samples have no 99th percentile: what is not known was not kept.
    let unknown = with("p99>1s", &["--quiet"]);
    assert_eq!(unknown.code(), Some(3), "{}", unknown.err());
    assert!(unknown.out().contains("broken: p99>1s"), "{}", unknown.out());
    let usage = with("speed>1", &[]);
    assert_eq!(usage.code(), Some(2));
    assert!(usage.err().contains("unknown metric \"speed\""), "{}", usage.err());
    // A run that failed did not break a limit, it failed.
    let nobody = free_udp_port().to_string();
    let failed = blast(&["127.0.0.1", "--port", &nobody, "--fail-if", "loss>0"]);
    assert_eq!(failed.code(), Some(1));
}
