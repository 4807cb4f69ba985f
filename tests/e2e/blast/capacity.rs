//! `udpkit blast --capacity`, end to end: a bottleneck is measured, a host that is the limit is
//! named, and a path without faults is not accused.

use crate::common::{
    Lab, Running, busy, json, number, path, punctual, require_lab, run, secs, text,
};
use serde_json::Value;

/// What the bottleneck carries, in bits per second with Ethernet's headers.
const BUCKET: u64 = 100_000_000;

/// A run whose sender could keep up: that of a host with other things to do is no fault, and says
/// nothing of the path.
fn blast_on_time(lab: &Lab, client: &str, args: &[&str]) -> Value {
    let mut runs = (0..6).map(|_| blast(lab, client, args));
    let on_time = |report: &Value| text(report, "capacity.limit") != "sender";
    runs.find(on_time).expect("this host keeps up once in six runs")
}

fn blast(lab: &Lab, client: &str, args: &[&str]) -> Value {
    let output = run(lab.udpkit(client).args(["blast", "--json"]).args(args), secs(60));
    json(&output.expect_success().out())
}

/// A path whose routers have a bottleneck each way.
fn bottleneck() -> Lab {
    let lab = Lab::up("path", &["--no-offload"]);
    for interface in ["wan", "lan"] {
        let tbf = format!(
            "tc qdisc replace dev {interface} root tbf rate {BUCKET} burst 15kb latency 60ms"
        );
        lab.shell("r1", &tbf);
    }
    lab
}

#[test]
fn a_token_bucket_is_measured_to_a_fiftieth_in_both_directions() {
    let _turn = punctual();
    require_lab!();
    let lab = bottleneck();
    let _server = lab.serve("server", &[]);
    for direction in [&[][..], &["-R"]] {
        // Bursts, so that a busy host needs fewer turns.
        let args = [&["10.77.3.2", "--capacity", "-t", "4s", "--burst", "24"], direction].concat();
        let report = blast_on_time(&lab, "client", &args);
        assert_eq!(text(&report, "verdict.code"), "capacity", "{report:#}");
        assert_eq!(text(&report, "capacity.limit"), "path", "{report:#}");
        let found = number(&report, "capacity.ip_bits_per_second");
        assert!((BUCKET * 98 / 100..=BUCKET * 102 / 100).contains(&found), "{found}");
        // The payload has 1472 of 1500 bytes.
        let goodput = number(&report, "capacity.goodput_bits_per_second");
        assert!(goodput.abs_diff(found * 1_472 / 1_500) < 100, "{goodput} of {found}");
        // The course and the receiver's counts are of the same datagrams.
        let course = path(&report, "capacity.course").as_array().expect("a list");
        let received: u64 = course.iter().map(|one| number(one, "received_datagrams")).sum();
        let all = number(&report, "received.datagrams");
        assert!(received <= all && received * 100 >= all * 95, "{received} of {all}");
        let asked = course.iter().map(|one| number(one, "asked_ip_bits_per_second")).max();
        assert!(asked > Some(BUCKET), "{asked:?}");
    }
}

#[test]
fn drops_of_the_receivers_socket_are_no_capacity() {
    let _turn = busy();
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    // A buffer of two datagrams.
    let _server = lab.serve("b", &["--socket-buffer", "4Ki"]);
    let report = blast(&lab, "a", &["10.77.0.2", "--capacity", "c", "--rate", "200M", "-t", "3s"]);
    assert!(number(&report, "lost.receiver_socket") > 0, "{report:#}");
    assert_eq!(text(&report, "capacity.limit"), "receiver_socket", "{report:#}");
    assert_eq!(path(&report, "capacity.ip_bits_per_second"), &Value::Null, "{report:#}");
    assert_eq!(text(&report, "limited_by"), "receiver_socket", "{report:#}");
}

#[test]
fn a_clean_path_is_not_accused() {
    let _turn = punctual();
    require_lab!();
    let lab = Lab::pair();
    let _server = lab.serve("b", &[]);
    let args = ["10.77.0.2", "--capacity", "--rate", "20M", "-t", "3s", "--burst", "8"];
    for direction in [&[][..], &["-R"], &["--bidir"]] {
        let report = blast_on_time(&lab, "a", &[&args[..], direction].concat());
        assert_eq!(text(&report, "capacity.limit"), "highest_rate", "{direction:?}: {report:#}");
        assert_eq!(path(&report, "capacity.ip_bits_per_second"), &Value::Null, "{report:#}");
        assert_eq!(number(&report, "lost.total"), 0, "{report:#}");
        let fastest = number(&report, "capacity.largest.ip_bits_per_second");
        // A busy host may be late, but no second has much more than was asked.
        assert!((10_000_000..22_000_000).contains(&fastest), "{fastest}");
    }
}

#[test]
fn between_two_ends_on_one_host_no_rate_still_means_as_fast_as_possible() {
    require_lab!();
    let lab = Lab::pair();
    let _server = lab.serve("b", &[]);
    let report = blast(&lab, "a", &["10.77.0.2", "-t", "300ms"]);
    assert_eq!(path(&report, "capacity"), &Value::Null, "{report:#}");
    assert_eq!(path(&report, "one_host"), true, "{report:#}");
}

/// A server that its clients take for one on another host: the kernel's name of this boot is another.
fn serve_elsewhere(lab: &Lab) -> Running {
    let own = "/proc/sys/kernel/random";
    let script = format!(
        "name=$(mktemp); cat {own}/uuid > $name; mount --bind $name {own}/boot_id; rm $name
         exec \"$0\" serve"
    );
    let mut command = lab.command("server", "unshare");
    command.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_udpkit")]);
    let running = Running::start(&mut command);
    running.wait_for_line("serving on ", secs(10));
    running
}

#[test]
fn to_another_host_no_rate_means_a_search_that_floods_nobody() {
    let _turn = punctual();
    require_lab!();
    let lab = bottleneck();
    let _server = serve_elsewhere(&lab);
    let report = blast(&lab, "client", &["10.77.3.2", "-t", "2s"]);
    assert_eq!(path(&report, "one_host"), false, "{report:#}");
    assert_eq!(text(&report, "capacity.type"), "b", "{report:#}");
    // A flood would send ten times of it and more.
    let sent = number(&report, "sent.udp_ip_bits_per_second");
    assert!(sent < BUCKET * 2, "{sent}");
    // Who means it has it.
    let report = blast(&lab, "client", &["10.77.3.2", "-t", "300ms", "-b", "max"]);
    assert_eq!(path(&report, "capacity"), &Value::Null, "{report:#}");
    assert!(number(&report, "sent.udp_ip_bits_per_second") > BUCKET * 3, "{report:#}");
    // A mix needs a rate there, but none where memory is measured.
    let mixed = ["blast", "10.77.3.2", "-s", "imix", "-t", "1s"];
    let refused = run(lab.udpkit("client").args(mixed), secs(20));
    assert_eq!(refused.code(), Some(2), "{}", refused.err());
    assert!(refused.err().contains("give a --rate"), "{}", refused.err());
}
