//! `--io portable`, end to end: what moves datagrams on other systems, tried where the kernel's own
//! counters are witnesses. The whole suite runs so by `scripts/portable io`.

use crate::common::{
    Lab, Output, Running, free_udp_port, json, number, path, require_lab, run, secs, udpkit,
    wait_bound,
};
use serde_json::Value;
use std::process::Command;

/// A command of one host, all of whose sockets are portable.
fn portable(lab: &Lab, host: &str) -> Command {
    let mut command = lab.udpkit(host);
    command.env("UDPKIT_IO", "portable");
    command
}

fn report(output: &Output) -> Value {
    json(&output.out())
}

#[test]
fn what_a_firewall_counts_is_what_both_ends_report_whichever_of_them_is_portable() {
    require_lab!();
    let lab = Lab::pair();
    lab.nft(
        "b",
        "add table inet t\n\
         add counter inet t came\n\
         add counter inet t gone\n\
         add chain inet t input { type filter hook input priority 0; }\n\
         add rule inet t input udp length 1008 counter name came numgen inc mod 10 == 3 counter name gone drop\n",
    );
    for (near, far) in [(true, true), (true, false), (false, true)] {
        let count = |name| lab.counter("b", "inet t", name).0;
        let before = [count("came"), count("gone")];
        let command = |host, is_portable: bool| {
            if is_portable { portable(&lab, host) } else { lab.udpkit(host) }
        };
        let server = Running::start(command("b", far).args(["serve", "--once"]));
        server.wait_for_line("serving on", secs(20));
        let mut client = command("a", near);
        client.args(["blast", "10.77.0.2", "--json", "-t", "1s", "-b", "20M", "-s", "1000"]);
        let output = run(&mut client, secs(60));
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let report = report(&output);
        let [all, gone] = [count("came") - before[0], count("gone") - before[1]];
        assert_eq!(number(&report, "delivered"), all - gone, "{near} {far}");
        assert_eq!(number(&report, "lost.path"), gone, "{near} {far}");
        server.wait(secs(20));
    }
}

#[test]
fn boundaries_from_nothing_to_the_largest_are_kept_in_both_families() {
    for local in ["127.0.0.1", "[::1]"] {
        let port = free_udp_port();
        let at = format!("{local}:{port}");
        let mut receiver = udpkit();
        receiver.args(["recv", &at, "-c", "10", "--jsonl"]).env("UDPKIT_IO", "portable");
        let receiver = Running::start(&mut receiver);
        wait_bound(port);
        let sizes = ["0", "1", "1472", "9000", "65507"];
        for size in sizes {
            let mut sender = udpkit();
            sender.args(["send", &at, "-s", size, "-c", "2", "--io", "portable"]);
            run(&mut sender, secs(20)).expect_success();
        }
        let output = receiver.wait(secs(20));
        let lens: Vec<u64> = output
            .out()
            .lines()
            .map(json)
            .filter(|line| path(line, "event") == "datagram")
            .map(|line| number(&line, "payload_bytes"))
            .collect();
        assert_eq!(lens, [0, 0, 1, 1, 1472, 1472, 9000, 9000, 65_507, 65_507], "{local}");
    }
}

#[test]
fn an_agent_that_cannot_see_marks_accuses_no_router() {
    require_lab!();
    let lab = Lab::pair();
    let server = Running::start(portable(&lab, "b").arg("serve"));
    server.wait_for_line("serving on", secs(20));
    let mut probe = lab.udpkit("a");
    probe.args(["probe", "marks", "10.77.0.2", "--json"]);
    let output = run(&mut probe, secs(60));
    let verdict = path(&report(&output), "verdict").to_string();
    assert!(!verdict.contains("changed"), "{verdict}");
    assert!(output.out().contains("\"not_shown\""), "{verdict}");
}

#[test]
fn one_peer_without_a_listener_is_told_by_who_sends_to_it_or_waits_for_it() {
    let nobody = format!("127.0.0.1:{}", free_udp_port());
    let told = |words: &[&str], place: &str| {
        let mut command = udpkit();
        command.args(words).args([&nobody, "--json"]).env("UDPKIT_IO", "portable");
        let output = run(&mut command, secs(20));
        assert_eq!(output.code(), Some(1), "{words:?}: {}", output.err());
        let errors = path(&report(&output), place).clone();
        let codes: Vec<_> = errors
            .as_array()
            .unwrap_or_else(|| panic!("{words:?}: {errors}"))
            .iter()
            .map(|error| path(error, "error.code").clone())
            .collect();
        assert_eq!(codes, ["port_unreachable"], "{words:?}");
    };
    told(&["ping", "-c", "3", "-i", "50ms", "--wait", "100ms"], "targets.0.network_errors");
    let spread = ["send", "-s", "10", "-c", "3", "--interval", "50ms", "--wait", "100ms"];
    told(&spread, "network_errors");
}

#[test]
fn a_mode_that_there_is_not_is_named() {
    let mut send = udpkit();
    send.args(["send", "127.0.0.1:9", "--", "x"]).env("UDPKIT_IO", "fast");
    let output = run(&mut send, secs(20));
    assert_eq!(output.code(), Some(2), "{}", output.out());
    assert!(output.err().contains("UDPKIT_IO is \"fast\""), "{}", output.err());
}
