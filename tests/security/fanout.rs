//! A fan-out on an open network: no stream goes on to an address where nobody receives.

use crate::common::{Lab, Running, require_lab, secs};
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
