//! Output of every subcommand: a full disk is an error and fails the command, a closed pipe is not.

use crate::common::{Output, json, path, require_tools, run, secs};
use std::process::Command;

/// One short run of each subcommand that prints, on its own.
const RUNS: [&str; 7] = [
    "send 127.0.0.1:9 -c 3 -s 9",
    "send 127.0.0.1:9 -c 3 -s 9 -J",
    "recv 127.0.0.1:0 --time 10ms",
    "recv 127.0.0.1:0 --time 10ms -J",
    "cast send 127.0.0.1:9 -c 3 -s 9",
    "cast recv 127.0.0.1 --time 10ms",
    "blast --time 100ms --report-every 20ms",
];

fn in_a_shell(arguments: &str, redirections: &str) -> Output {
    let binary = env!("CARGO_BIN_EXE_udpkit");
    let script = format!("set -o pipefail; {binary} {arguments} {redirections}");
    run(Command::new("bash").args(["-c", &script]), secs(20))
}

#[test]
fn a_full_disk_is_reported_once_and_ends_with_1() {
    require_tools!("bash");
    for arguments in RUNS.into_iter().chain(["blast --time 100ms --json"]) {
        let output = in_a_shell(arguments, "> /dev/full");
        assert_eq!(output.code(), Some(1), "{arguments}: {}", output.err());
        let told = output.err().matches("cannot write to standard output").count();
        assert_eq!(told, 1, "{arguments}: {}", output.err());
    }
}

#[test]
fn a_reader_of_both_outputs_that_goes_ends_nothing_badly() {
    require_tools!("bash");
    for arguments in RUNS.into_iter().chain(["serve --port 70000", "blast --rate x", "recv :x"]) {
        let alone = in_a_shell(arguments, "");
        let code = alone.code();
        let output = in_a_shell(arguments, "2>&1 | true");
        assert_eq!(output.code(), code, "{arguments}");
    }
}

#[test]
fn a_closed_standard_error_costs_nothing_of_the_result() {
    require_tools!("bash");
    let output = in_a_shell("blast --count 10 --json", "2>&-").expect_success();
    assert_eq!(path(&json(&output.out()), "received_traffic.datagrams"), 10);
}
