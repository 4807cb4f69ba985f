//! What `--metrics` takes, and what is said of what it does not.

use super::{Scrape, address, watched};
use crate::common::{Running, json, run, secs, udpkit};
use std::net::TcpListener;

#[test]
fn a_port_that_is_taken_ends_the_run_before_anything_is_done() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("bound").port().to_string();
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("out");
    let out = file.to_str().expect("text");
    for args in [
        &["recv", "127.0.0.1:0", "--out", out][..],
        &["ping", "127.0.0.1:9", "--hlog", out],
        &["cast", "recv", "127.0.0.1:0", "--out", out],
        &["relay", "127.0.0.1:0", "127.0.0.1:9"],
        &["monitor", "127.0.0.1:9"],
        &["serve", "127.0.0.1:0"],
        &["blast", "-t", "1s"],
        &["cast", "send", "127.0.0.1:9", "hello"],
    ] {
        let ended = run(udpkit().args(args).args(["--metrics", &port]), secs(10));
        assert_eq!(ended.code(), Some(1), "{args:?}: {}", ended.err());
        let told = format!("error: cannot serve metrics: cannot bind 127.0.0.1:{port}: ");
        assert!(ended.err().contains(&told), "{args:?}: {}", ended.err());
        assert!(ended.err().contains("hint: another program has the port"), "{}", ended.err());
        assert!(!file.exists(), "{args:?} has written {out}");
    }
}

#[test]
fn an_address_that_is_not_of_this_host_or_none_at_all_is_said_to_be_wrong() {
    let wrong =
        |address: &str| run(udpkit().args(["recv", "127.0.0.1:0", "--metrics", address]), secs(10));
    let foreign = wrong("192.0.2.1:9620");
    assert_eq!(foreign.code(), Some(1), "{}", foreign.err());
    assert!(foreign.err().contains("cannot bind 192.0.2.1:9620"), "{}", foreign.err());
    assert!(foreign.err().contains("hint: "), "{}", foreign.err());
    for address in ["", "x", "192.0.2.1", "65536", "localhost:9620", "127.0.0.1:-1"] {
        let ended = wrong(address);
        assert_eq!(ended.code(), Some(2), "{address}: {}", ended.err());
        let said = ended.err();
        assert!(said.contains("--metrics") && said.contains("9620"), "{address}: {said}");
    }
}

#[test]
fn metrics_are_served_quietly_too_and_leave_standard_output_alone() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    let at = free.expect("a port is free");
    let port = format!(":{}", at.port());
    let args = ["recv", "127.0.0.1:0", "-q", "-J", "--metrics", &port];
    let receiver = Running::start(udpkit().args(args));
    crate::common::wait_until("the metrics", secs(20), || {
        Scrape::of(at).get("udpkit_received_bytes_total") == Some(0)
    });
    receiver.signal("INT");
    let ended = receiver.wait(secs(10)).expect_success();
    assert!(!ended.err().contains("metrics at"), "{}", ended.err());
    json(&ended.out());
}

#[test]
fn only_loopback_is_listened_on_unless_another_address_is_given() {
    let (receiver, at) = watched(&["recv", "127.0.0.1:0"]);
    assert!(at.ip().is_loopback(), "{at}");
    let all = Running::start(udpkit().args(["recv", "127.0.0.1:0", "--metrics", "0.0.0.0:0"]));
    let served = address(&all, "metrics at http://");
    assert!(served.starts_with("0.0.0.0:"), "{served}");
    for running in [receiver, all] {
        running.signal("INT");
        running.wait(secs(10)).expect_success();
    }
}
