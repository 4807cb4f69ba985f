//! Output of every subcommand: a full disk is an error and fails the command, a closed pipe is not.

use crate::command_line::{commands, flags_of};
use crate::common::{
    Lab, Output, Running, json, json_lines, path, require_lab, require_tools, run, secs,
};
use std::process::Command;

/// One short run of each subcommand that prints, on its own.
const RUNS: [&str; 9] = [
    "send 127.0.0.1:9 -c 3 -s 9",
    "send 127.0.0.1:9 -c 3 -s 9 -J",
    "recv 127.0.0.1:0 --time 10ms",
    "recv 127.0.0.1:0 --time 10ms -J",
    "cast send 127.0.0.1:9 -c 3 -s 9",
    "cast recv 127.0.0.1 --time 10ms",
    "blast --time 100ms --report-every 20ms",
    "blast --time 100ms --report-every 20ms --rate 5M --jsonl",
    "blast --time 100ms --report-every 20ms --rate 5M --csv",
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
    assert_eq!(path(&json(&output.out()), "received.datagrams"), 10);
}

/// Runs in a network of its own, which has loopback alone: nothing resolves, and there is no route.
fn alone(arguments: &str) -> Command {
    let binary = env!("CARGO_BIN_EXE_udpkit");
    let script = format!("ip link set lo up && exec {binary} {arguments}");
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", &script]);
    command
}

/// Each command on a host (`HOST`), with the name that its document has.
const TO_A_HOST: [(&str, &str); 13] = [
    ("send", "send HOST:9 -s 9"),
    ("cast send", "cast send HOST:9 -s 9 -c 1"),
    ("blast", "blast HOST"),
    ("ping", "ping HOST -c 1"),
    ("probe", "probe HOST"),
    ("probe ports", "probe ports HOST 1-3"),
    ("probe nat", "probe nat HOST"),
    ("probe timeout", "probe timeout HOST"),
    ("probe mtu", "probe mtu HOST"),
    ("probe marks", "probe marks HOST"),
    ("probe shape", "probe shape HOST"),
    ("probe trace", "probe trace HOST"),
    ("probe paths", "probe paths HOST"),
];

/// Commands that cannot start, with exit code 1 or, for what cannot be right, 2.
const NOT_STARTED: [(&str, &str, i32); 7] = [
    ("send", "send 127.0.0.1:9 -c 0", 2),
    ("cast recv", "cast recv 239.1.1.1:5000", 1),
    ("cast recv", "cast recv 239.1.1.1:5000 -I none0", 2),
    ("cast check", "cast check 239.1.1.1:5000", 2),
    ("cast send", "cast send 127.0.0.1:9 -s 9 --bind 239.1.1.1", 2),
    ("cast send", "cast send 127.0.0.1:9 -s 9 --open=239.1.1.1", 2),
    ("cast check", "cast check 192.0.2.77:5000", 2),
];

/// Every way to name a local address, with one that this host does not have (`ADDR`).
const FOREIGN_ADDRESS: [(&str, &str); 11] = [
    ("send", "send 127.0.0.1:9 -s 9 --bind ADDR"),
    ("recv", "recv ADDR:9000"),
    ("cast send", "cast send 127.0.0.1:9 -s 9 --bind ADDR"),
    ("cast send", "cast send 127.0.0.1:9 -s 9 --bind ADDR:7000"),
    ("cast send", "cast send --open=ADDR -s 9"),
    ("cast recv", "cast recv ADDR:5000"),
    ("serve", "serve ADDR"),
    ("blast", "blast 127.0.0.1 --bind ADDR"),
    ("ping", "ping 127.0.0.1 --bind ADDR"),
    ("probe nat", "probe nat 127.0.0.1 --bind ADDR"),
    ("probe trace", "probe trace 127.0.0.1 --bind ADDR"),
];

#[test]
fn an_address_that_this_host_does_not_have_is_a_failed_run_of_every_command() {
    require_tools!("unshare", "ip");
    for (command, arguments) in FOREIGN_ADDRESS {
        let arguments = format!("{} -J", arguments.replace("ADDR", "192.0.2.77"));
        let output = run(&mut alone(&arguments), secs(30));
        assert_eq!(output.code(), Some(1), "{arguments}: {}", output.err());
        let document = json(&output.out());
        assert_eq!(path(&document, "command"), command, "{arguments}");
        assert_eq!(path(&document, "failure.code"), "bind", "{arguments}: {document:#}");
        let hint = path(&document, "failure.hint").as_str().expect("a hint");
        assert!(hint.contains("127.0.0.1"), "{arguments}: {hint}");
    }
    // No flag that names a local address is left out.
    for command in commands() {
        let names_one = flags_of(&command).iter().any(|flag| flag == "bind" || flag == "open");
        let command = command.join(" ");
        let is_tried = FOREIGN_ADDRESS.iter().any(|(tried, _)| *tried == command);
        assert!(is_tried || !names_one, "{command}");
    }
}

#[test]
fn every_failure_leaves_one_json_document_of_its_command() {
    require_tools!("unshare", "ip");
    let document = |command: &str, arguments: &str| {
        let output = run(&mut alone(arguments), secs(30));
        // Fails unless there is exactly one document.
        let document = json(&output.out());
        assert_eq!(path(&document, "command"), command, "{arguments}: {}", output.err());
        assert_eq!(path(&document, "schema"), 1, "{arguments}");
        (document, output)
    };
    for (command, arguments) in TO_A_HOST {
        for flags in ["-J", "-J -q"] {
            let to = |host| format!("{} {flags}", arguments.replace("HOST", host));
            let (unknown, output) = document(command, &to("no.such.invalid"));
            assert_eq!(path(&unknown, "failure.code"), "name_not_resolved", "{arguments}");
            assert_eq!(output.code(), Some(1), "{arguments}");
            document(command, &to("203.0.113.9"));
            document(command, &to("127.0.0.1"));
        }
    }
    for (command, arguments, code) in NOT_STARTED {
        for flags in ["-J", "-J -q"] {
            let (document, output) = document(command, &format!("{arguments} {flags}"));
            assert!(path(&document, "failure.code").is_string(), "{arguments}: {document:#}");
            assert_eq!(output.code(), Some(code), "{arguments}: {}", output.err());
        }
    }
}

#[test]
fn an_interrupt_before_anything_came_leaves_the_document_and_the_lines() {
    require_tools!("unshare", "ip");
    for (arguments, line) in [
        ("recv 127.0.0.1:9001 -J", "listening"),
        ("cast recv 239.1.1.1:5000 -I lo -J", "joined"),
        ("cast check 239.1.1.1:5000 --answer -I lo -J", "answering"),
        ("serve --user root -J", "serving"),
        ("recv 127.0.0.1:9001 --format json", "listening"),
    ] {
        let running = Running::start(&mut alone(arguments));
        running.wait_for_line(line, secs(10));
        running.signal("INT");
        let output = running.wait(secs(10));
        assert_eq!(output.code(), Some(0), "{arguments}: {}", output.err());
        let is_lines = arguments.starts_with("serve") || arguments.contains("--format");
        let documents =
            if is_lines { json_lines(&output.out()) } else { vec![json(&output.out())] };
        for document in &documents {
            let command = path(document, "command").as_str().expect("a command");
            assert!(arguments.starts_with(command) || arguments.contains("--answer"), "{command}");
        }
    }
}

/// Short runs of every command, none of which meets a problem.
const QUIET_RUNS: [(&str, &str); 19] = [
    ("send", "send 10.77.0.2:9001 -s 9"),
    ("recv", "recv 9002 -t 50ms"),
    ("relay", "relay 9003 10.77.0.2:9001 -t 50ms"),
    ("cast send", "cast send 10.77.0.2:9001 -s 9 -c 1"),
    ("cast recv", "cast recv 239.7.7.1:5000 -t 50ms"),
    ("cast check", "cast check 239.7.7.2:5000"),
    ("blast", "blast 10.77.0.2 -t 100ms --rate 1M"),
    ("ping", "ping 10.77.0.2 -c 2 -i 10ms"),
    ("stat", "stat 10.77.0.2 --json"),
    ("monitor", "monitor 10.77.0.2 -i 50ms -t 300ms"),
    ("probe", "probe 10.77.0.2"),
    ("probe ports", "probe ports 10.77.0.2 63000"),
    ("probe nat", "probe nat 10.77.0.2"),
    ("probe timeout", "probe timeout 10.77.0.2 --candidates 300ms --up-to 300ms --tries 1"),
    ("probe mtu", "probe mtu 10.77.0.2"),
    ("probe marks", "probe marks 10.77.0.2"),
    ("probe shape", "probe shape 10.77.0.2"),
    ("probe trace", "probe trace 10.77.0.2"),
    ("probe paths", "probe paths 10.77.0.2"),
];

#[test]
fn a_quiet_run_of_any_command_says_nothing_beside_its_result() {
    require_lab!();
    let lab = Lab::pair();
    let far = [&["serve", "-q"][..], &["recv", "9001", "-q"]];
    let far = far.map(|args| Running::start(lab.udpkit("b").args(args)));
    lab.wait_bound("b", 8620);
    lab.wait_bound("b", 9001);
    let start = |(command, run): (&'static str, &str)| {
        let run = run.split_whitespace().chain(["-q"]);
        (command, Running::start(lab.udpkit("a").args(run)))
    };
    let runs = QUIET_RUNS.map(start);
    for (command, run) in runs {
        assert_eq!(run.wait(secs(60)).err(), "", "{command}");
    }
    for server in far {
        server.signal("INT");
        assert_eq!(server.wait(secs(10)).err(), "");
    }
    for command in commands() {
        let has_flag = flags_of(&command).iter().any(|flag| flag == "quiet");
        let command = command.join(" ");
        // The last is tried with the pages.
        let elsewhere = ["serve", "report"].contains(&command.as_str());
        let is_tried = QUIET_RUNS.iter().any(|(tried, _)| *tried == command) || elsewhere;
        assert!(is_tried || !has_flag, "{command}");
    }
}

#[test]
fn each_line_of_json_names_its_command() {
    require_tools!("unshare", "ip");
    for (command, arguments) in [
        ("ping", "ping 127.0.0.1 -c 2 -i 10ms --jsonl"),
        ("ping", "ping no.such.invalid --jsonl"),
        ("blast", "blast -t 50ms --report-every 20ms --rate 5M --jsonl"),
        ("blast", "blast no.such.invalid --jsonl"),
        ("cast send", "cast send 127.0.0.1:9 -c 3 -s 9 --jsonl"),
        ("cast send", "cast send no.such.invalid --jsonl -- x"),
        ("cast recv", "cast recv 127.0.0.1 -t 20ms --jsonl"),
        ("recv", "recv 192.0.2.1:9 --jsonl"),
        ("send", "send no.such.invalid -w 1s --jsonl -- x"),
    ] {
        let lines = json_lines(&run(&mut alone(arguments), secs(20)).out());
        assert!(!lines.is_empty(), "{arguments}");
        for line in lines {
            assert_eq!(path(&line, "command"), command, "{arguments}: {line}");
        }
    }
}

#[test]
fn a_server_whose_json_log_is_lost_says_so_once_and_ends_with_1() {
    require_tools!("unshare", "ip", "timeout");
    // Without --user it cannot give up its rights there, and has a failure to print as well.
    for flags in ["--user root -J", "--user root -J -q", "-J", "-J -q"] {
        let output = run(&mut alone(&format!("serve {flags} > /dev/full")), secs(10));
        assert_eq!(output.code(), Some(1), "{flags}: {}", output.err());
        let told = output.err().matches("cannot write to standard output").count();
        assert_eq!(told, 1, "{flags}: {}", output.err());
    }
    // The text log is messages, not a result: the server goes on without it.
    let mut silent = alone("serve --user root 2> /dev/full");
    let running = Running::start(&mut silent);
    assert!(!running.ends_within(secs(1)));
    running.signal("INT");
    assert_eq!(running.wait(secs(10)).code(), Some(0));
}
