//! `udpkit blast --udpstp` with `udpkit serve --udpstp`: what both ends say, the firewall's counters
//! as witnesses, keys, bandwidth, and what is refused.

use crate::common::{
    Lab, Output, Running, json, json_lines, number, path, require_lab, run, secs, text, udpkit,
    wait_until,
};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// A server on loopback, and its address for Setup Requests.
fn serve(args: &[&str]) -> (Running, String) {
    let mut server = udpkit();
    server.args(["serve", "127.0.0.1:0", "--no-stun", "--json", "--udpstp=127.0.0.1:0"]).args(args);
    let server = Running::start(&mut server);
    let line = server.wait_for("the port", secs(10), |line| line.contains("udpstp_port"));
    let address = text(&json(&line), "address").to_owned();
    (server, address)
}

fn blast(address: &str, args: &[&str]) -> Output {
    let mut client = udpkit();
    client.args(["blast", "--udpstp", address, "-t", "5s"]).args(args);
    run(&mut client, secs(60))
}

/// The events of this kind, once there are so many.
fn events(server: &Running, event: &str, count: usize) -> Vec<Value> {
    let found = || {
        let all = json_lines(&server.stdout_so_far());
        all.into_iter().filter(|line| text(line, "event") == event).collect::<Vec<_>>()
    };
    wait_until("the server logs it", secs(10), || found().len() >= count);
    found()
}

fn keys(name: &str, content: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("udpkit-udpstp-{}-{name}", std::process::id()));
    fs::write(&file, content).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
    file
}

#[test]
fn both_ends_tell_the_same_of_a_test_in_either_direction() {
    let (server, address) = serve(&[]);
    for (number_of_tests, (args, direction)) in
        [(&["-b", "8M"][..], "up"), (&["-b", "8M", "-R", "-P", "2"], "down")].iter().enumerate()
    {
        let output = blast(&address, &[args, &["--json"][..]].concat()).expect_success();
        let report = json(&output.out());
        assert_eq!(report["failure"], Value::Null, "{report:#}");
        assert_eq!(text(&report, "direction"), *direction);
        let most = number(&report, "maximum.ip_bits_per_second");
        assert!(most <= 12_000_000 && most > 1_000_000, "{report:#}");
        let intervals = path(&report, "intervals").as_array().expect("a list").len();
        assert!((4..=5).contains(&intervals), "{report:#}");
        let connections = number(&report, "connections") as usize;
        let all = if number_of_tests == 0 { 1 } else { 1 + connections };
        let closed = events(&server, "udpstp_closed", all);
        let of_this = &closed[closed.len() - connections..];
        let received: u64 = of_this.iter().map(|one| number(one, "served.datagrams")).sum();
        // What the client never learned of is the last sub-interval at most.
        assert!(received >= number(&report, "totals.datagrams"), "{of_this:#?} {report:#}");
        for one in of_this {
            assert_eq!(text(one, "end.code"), "done");
            assert_eq!(text(one, "served.direction"), *direction);
        }
    }
}

#[test]
fn the_keys_of_tr_181_are_there_for_programs_of_obudpst() {
    let (_server, address) = serve(&[]);
    let output = blast(&address, &["-R", "-b", "2M", "--json", "tr181"]).expect_success();
    let report = json(&output.out());
    let most = path(&report, "Output.AtMax.MaxIPLayerCapacity").as_f64().expect("a rate");
    assert!((0.3..4.0).contains(&most), "{report:#}");
    assert_eq!(number(&report, "ErrorStatus"), 0);
    assert_eq!(text(&report, "Input.Role"), "Receiver");
    assert_eq!(report.get("schema"), None);
}

#[test]
fn keys_decide_who_is_served() {
    let file = keys("ring", "1,first\n2,second\n");
    let other = keys("other", "1,another\n");
    let (file, other) = (file.to_str().expect("a path"), other.to_str().expect("a path"));
    let (server, address) = serve(&["--udpstp-keys", file]);
    let signed = ["--udpstp-keys", file, "--key-id", "2", "-b", "1M", "--json"];
    let report = json(&blast(&address, &signed).expect_success().out());
    assert_eq!(report["authenticated"], Value::Bool(true));
    for (args, code) in [(&["--udpstp-keys", other][..], 7), (&[], 5)] {
        let output = blast(&address, &[args, &["--json"]].concat());
        assert_eq!(output.code(), Some(1), "{}", output.err());
        let report = json(&output.out());
        assert_eq!(number(&report, "failure.response_code"), code);
        assert!(output.err().contains(&format!("(code {code})")), "{}", output.err());
    }
    let refused = events(&server, "udpstp_refused", 2);
    assert_eq!(number(&refused[0], "response_code"), 7);
    let missing = blast(&address, &["--udpstp-keys", file, "--key-id", "9"]);
    assert_eq!(missing.code(), Some(2), "{}", missing.err());
    assert!(missing.err().contains("--key-id 9"), "{}", missing.err());
}

#[test]
fn bandwidth_is_given_out_and_the_rest_refused() {
    let (_server, address) = serve(&["--udpstp-bandwidth", "5M"]);
    for (args, code) in [(&[][..], 9), (&["-b", "6M"], 10)] {
        let output = blast(&address, &[args, &["--json"]].concat());
        assert_eq!(output.code(), Some(1));
        assert_eq!(number(&json(&output.out()), "failure.response_code"), code);
    }
    blast(&address, &["-b", "5M"]).expect_success();
}

#[test]
fn without_a_server_the_client_says_so() {
    let port = crate::common::free_udp_port();
    let output = blast(&format!("127.0.0.1:{port}"), &[]);
    assert_eq!(output.code(), Some(1));
    assert!(output.err().contains("no UDPSTP server listens"), "{}", output.err());
}

#[test]
fn flags_that_make_no_sense_with_it_are_refused_by_name() {
    for flag in [
        "--iperf3",
        "--bidir",
        "--find-rate",
        "--sweep=1M..2M/2",
        "--probe",
        "--verify",
        "--key=k",
        "--count=1",
        "--bytes=1",
        "--burst=1",
        "--ttl=1",
        "--dont-fragment",
        "--fail-if=loss>1%",
        "--report-every=1s",
        "--jsonl",
        "--csv",
        "--html=x",
        "--cpus=0",
        "--window=64",
    ] {
        let mut client = udpkit();
        let output = run(client.args(["blast", "--udpstp", "127.0.0.1", flag]), secs(20));
        let name = flag.split('=').next().unwrap_or(flag);
        assert_eq!(output.code(), Some(2), "{flag}: {}", output.err());
        assert!(output.err().contains(name), "{flag}: {}", output.err());
    }
    for (args, value) in [
        (&["--size", "1000"][..], "1000"),
        (&["--time", "4s"], "4.00 s"),
        (&["--time", "5500ms"], "5.50 s"),
        (&["--streams", "25"], "25"),
        (&["--rate", "10kpps"], "10"),
        (&["--rate", "40G"], "40"),
        (&["--bind", ":5000", "-P", "2"], "5000"),
        (&["--key-id", "3"], "--udpstp-keys"),
    ] {
        let mut client = udpkit();
        let output = run(client.args(["blast", "--udpstp", "127.0.0.1"]).args(args), secs(20));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(value), "{args:?}: {}", output.err());
    }
    for (args, value) in [
        (&["serve", "--udpstp-bandwidth=1M"][..], "--udpstp"),
        (&["serve", "--udpstp", "--udpstp-bandwidth=max"], "--udpstp-bandwidth"),
        (&["serve", "127.0.0.1:9999", "--udpstp=:9999"], "9999"),
        (&["serve", "--udpstp", "192.0.2.1"], "--udpstp=192.0.2.1"),
        (&["blast", "--tr181", "127.0.0.1"], "--udpstp"),
    ] {
        let output = run(udpkit().args(args), secs(20));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(value), "{args:?}: {}", output.err());
    }
}

/// Counts the load that comes to a host.
const RULES: &str = "table inet count {
    counter load {}
    chain input {
        type filter hook input priority 0;
        udp length >= 40 @th,64,16 0xbeef counter name load
    }
}";

#[test]
fn the_receiver_counts_what_the_firewall_sees() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft("a", RULES);
    lab.nft("b", RULES);
    let server = lab.serve("b", &["--udpstp", "--json"]);
    server.wait_for("the port", secs(10), |line| line.contains("udpstp_port"));
    let mut before = [0, 0];
    for (side, args) in [(1, &[][..]), (0, &["-R"])] {
        let mut client: Command = lab.udpkit("a");
        client
            .args(["blast", "--udpstp", "10.77.0.2", "-t", "5s", "-b", "4M", "--json"])
            .args(args);
        let report = json(&run(&mut client, secs(60)).expect_success().out());
        let closed = events(&server, "udpstp_closed", 2 - side);
        let last = closed.last().expect("an event");
        let host = ["a", "b"][side];
        let seen = lab.counter(host, "inet count", "load").0 - before[side];
        before[side] += seen;
        let counted =
            number(&report, "totals.datagrams") + number(&report, "totals.lost_datagrams");
        // What came before the first feedback, and after the last sub-interval, is in none.
        assert!(seen >= counted, "{seen} {report:#}");
        assert!(seen - counted <= seen / 5 + 100, "{seen} {report:#} {last:#}");
        assert_eq!(number(&report, "totals.lost_datagrams"), 0, "{report:#}");
    }
}

#[test]
fn a_server_that_is_told_to_end_lets_its_tests_end() {
    let (server, address) = serve(&["--grace", "10min"]);
    let mut client = udpkit();
    client.args(["blast", "--udpstp", &address, "-t", "10min", "-b", "1M"]);
    let client = Running::start(&mut client);
    let has_begun = client.wait_for_stdout(secs(30), |text| text.contains("RTT"));
    assert!(has_begun, "{}", client.stdout_so_far());
    server.signal("TERM");
    wait_until("the server drains", secs(10), || server.stdout_so_far().contains("draining"));
    // Nobody else begins one.
    let refused = blast(&address, &["--json"]);
    assert_eq!(number(&json(&refused.out()), "failure.response_code"), 13);
    client.signal("INT");
    let output = client.wait(secs(30)).expect_success();
    assert!(output.out().contains("interrupted"), "{}", output.out());
    server.wait(secs(30)).expect_success();
}
