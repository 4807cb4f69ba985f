//! A fan-out on an open network: no stream goes on to an address where nobody receives.

use crate::common::{Lab, Running, require_lab, secs};
use crate::forge::{Forger, TTL};
use std::time::Instant;

#[test]
fn a_stream_ends_within_seconds_where_its_receiver_was_killed_beside_one_that_stays() {
    require_lab!();
    let lab = Lab::fanout(2);
    let mut command = lab.udpkit("s");
    let args = ["cast", "send", "--open", "-s", "100", "-i", "10ms", "-c", "0"];
    let sender = Running::start(command.args(args));
    sender.wait_for_line("open to receivers on", secs(10));
    let receive = |host: &str| {
        Running::start(lab.udpkit(host).args(["cast", "recv", "--from", "10.77.0.1", "-J"]))
    };
    let (stays, dies) = (receive("r1"), receive("r2"));
    for host in ["10.77.0.11:", "10.77.0.12:"] {
        let joined = |line: &str| line.starts_with(host) && line.ends_with(" joined");
        sender.wait_for("line that somebody joined", secs(10), joined);
    }
    dies.signal("KILL");
    dies.wait(secs(10));
    let killed = Instant::now();
    let gone = |line: &str| line.starts_with("10.77.0.12:") && line.contains("is gone");
    sender.wait_for("line that somebody is gone", secs(10), gone);
    assert!(killed.elapsed() < secs(4), "{:?}", killed.elapsed());
    sender.signal("INT");
    sender.wait(secs(10)).expect_success();
    let own = crate::common::json(&stays.wait(secs(10)).expect_success().out());
    assert_eq!(crate::common::number(&own, "lost"), 0, "{own:#}");
}

#[test]
fn a_forged_announcement_sends_no_more_to_its_source_than_it_was() {
    require_lab!();
    let lab = Lab::pair();
    lab.nft(
        "b",
        &format!(
            "add table inet t\n\
             add counter inet t came\n\
             add counter inet t went\n\
             add chain inet t in {{ type filter hook input priority 0; }}\n\
             add chain inet t out {{ type filter hook output priority 0; }}\n\
             add rule inet t in ip ttl {TTL} udp dport 9000 counter name came\n\
             add rule inet t out ip daddr 10.77.0.1 udp dport 7777 counter name went"
        ),
    );
    let receiver =
        Running::start(lab.udpkit("b").args(["cast", "recv", "10.77.0.2:9000", "-t", "4s"]));
    lab.wait_bound("b", 9000);
    let mut forger = Forger::start(&lab, "a");
    for run in 0..40 {
        let pad = if run < 20 { String::new() } else { format!(" pad={}", "x".repeat(400)) };
        let line = format!(
            "f STAT run={run:016x} tag={run} at=1 receivers=1 every=1000000000 within=1 mark=0 sent=9{pad}\r\n"
        );
        forger.send("10.77.0.1:7777", "10.77.0.2:9000", line.as_bytes());
    }
    forger.finish();
    receiver.wait(secs(15));
    let (came, went) = (lab.counter("b", "inet t", "came"), lab.counter("b", "inet t", "went"));
    assert!(came.0 == 40 && went.0 > 0, "{came:?} {went:?}");
    assert!(went.0 <= came.0 && went.1 <= came.1, "{came:?} {went:?}");
}
