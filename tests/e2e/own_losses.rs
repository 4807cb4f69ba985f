//! Replies that the own host throws away: a silence that no path and no firewall afar explains.

use crate::common::{
    DAMAGED, Lab, Output, Running, json, number, path, require_lab, run, secs, text,
};
use serde_json::Value;

/// A lab whose `b` serves, and whose `a` gets every datagram damaged where `damaged` says so.
fn lab(damaged: bool) -> (Lab, Running) {
    let lab = Lab::up("pair", &["--no-offload"]);
    let server = Running::start(lab.udpkit("b").arg("serve"));
    server.wait_for_line("serving on", secs(5));
    if damaged {
        lab.nft_early("a", &format!("udp sport 8620 {DAMAGED}"));
    }
    (lab, server)
}

/// What a probe's report says that this host dropped, and how many.
fn lost_here(report: &Value) -> Option<u64> {
    let caveats = path(report, "caveats").as_array().expect("caveats");
    let caveat = caveats.iter().find(|one| text(one, "code") == "lost_here")?;
    assert_eq!(text(caveat, "losses.0.place"), "udp_checksum", "{report:#}");
    assert_eq!(text(caveat, "losses.0.certainty"), "up_to", "{report:#}");
    Some(number(caveat, "losses.0.datagrams"))
}

/// What standard error and standard output say, on one line.
fn told(output: &Output) -> String {
    let all = format!("{} {}", output.out(), output.err());
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_ping_without_replies_says_that_this_host_dropped_them() {
    require_lab!();
    let args = ["ping", "10.77.0.2", "-c", "5", "-i", "50ms", "--wait", "300ms"];
    let (clean, _server) = lab(false);
    let output = run(clean.udpkit("a").args(args), secs(20));
    assert!(!told(&output).contains("dropped"), "{}", told(&output));
    let (lab, _server) = lab(true);
    let output = run(lab.udpkit("a").args(args).arg("--json"), secs(20));
    let report = json(&output.out());
    let target = path(&report, "targets.0");
    assert_eq!(number(target, "lost_datagrams"), 5, "{target:#}");
    let caveats = path(target, "caveats").as_array().expect("caveats").clone();
    let of_host = caveats.iter().find(|one| text(one, "code") == "lost_here").expect("a caveat");
    assert_eq!(text(of_host, "place"), "udp_checksum");
    assert_eq!(number(of_host, "lost_datagrams"), 5);
    assert_eq!(lab.snmp("a").in_csum_errors, 5);
    assert_eq!(number(target, "socket_damaged"), number(target, "socket_drops"), "{target:#}");
    let output = run(lab.udpkit("a").args(args), secs(20));
    let told = told(&output);
    assert!(told.contains("InCsumErrors") && !told.contains("start"), "{told}");
    // What came damaged is not said to be dropped by this host's socket, too.
    assert!(!told.contains("host's socket"), "{told}");
}

#[test]
fn a_probe_and_a_run_without_replies_say_so_too() {
    require_lab!();
    let (lab, server) = lab(true);
    for args in [
        &["probe", "marks", "10.77.0.2"][..],
        &["blast", "10.77.0.2", "--wait", "1s"],
        &["probe", "ports", "10.77.0.2", "8620"],
    ] {
        let output = run(lab.udpkit("a").args(args), secs(30));
        let told = told(&output);
        if args.contains(&"ports") {
            assert!(told.contains("InCsumErrors"), "{told}");
            continue;
        }
        assert!(told.contains("no reply from 10.77.0.2:8620"), "{told}");
        assert!(told.contains("InCsumErrors") && !told.contains("allow UDP port"), "{told}");
    }
    let output = run(lab.udpkit("a").args(["probe", "marks", "10.77.0.2", "--json"]), secs(30));
    let report = json(&output.out());
    assert_eq!(text(&report, "failure.losses.0.place"), "udp_checksum", "{report:#}");
    // Nobody is there, and nothing was dropped here.
    lab.nft("a", "delete table inet t\n");
    drop(server);
    let output = run(lab.udpkit("a").args(["probe", "marks", "10.77.0.9"]), secs(30));
    assert!(!told(&output).contains("this host dropped"), "{}", told(&output));
}

/// A silence of the probes alone: the dialogue beside them goes on.
#[test]
fn a_probe_whose_replies_this_host_drops_says_so_beside_its_verdict() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    let _server = lab.serve("b", &["--probe-ports", "9000"]);
    let ports = || {
        let args = ["probe", "ports", "10.77.0.2", "9000", "--wait", "300ms", "--json"];
        json(&run(lab.udpkit("a").args(args), secs(20)).out())
    };
    let clean = ports();
    assert_eq!(lost_here(&clean), None, "{clean:#}");
    assert_eq!(number(&clean, "port_rows.0.replies"), 8, "{clean:#}");
    lab.nft_early("a", &format!("udp sport 9000 {DAMAGED}"));
    let silent = ports();
    let damaged = lab.snmp("a").in_csum_errors;
    // A port without replies is asked by a second socket.
    assert_eq!(number(&silent, "port_rows.0.arrived"), damaged, "{silent:#}");
    assert_eq!(number(&silent, "port_rows.0.replies"), 0, "{silent:#}");
    assert_eq!(lost_here(&silent), Some(damaged), "{silent:#}");
}

#[test]
fn a_probe_without_an_agent_blames_no_firewall_for_what_this_host_drops() {
    require_lab!();
    let (lab, _server) = lab(true);
    let probe = |args: &[&str]| run(lab.udpkit("a").args(args).args(["10.77.0.2"]), secs(20));
    let nat = ["probe", "nat", "--port", "8620", "--wait", "200ms", "--tries", "1"];
    let before = lab.snmp("a").in_csum_errors;
    let report = json(&probe(&[&nat[..], &["--json"]].concat()).out());
    let damaged = lab.snmp("a").in_csum_errors - before;
    assert!(damaged > 0 && lost_here(&report) == Some(damaged), "{report:#}");
    let output = probe(&nat);
    let told = told(&output);
    assert!(told.contains("InCsumErrors") && !told.contains("firewall"), "{told}");
    for args in [
        &["probe", "trace", "--hops", "2", "--tries", "1", "--wait", "200ms", "--json"][..],
        &["probe", "ports", "--no-agent", "--tries", "1", "--wait", "200ms", "--json"],
    ] {
        let mut command = lab.udpkit("a");
        command.args(args).arg("10.77.0.2");
        if args.contains(&"ports") {
            command.arg("8620");
        }
        let report = json(&run(&mut command, secs(20)).out());
        let report = report.get("scan").unwrap_or(&report);
        assert!(lost_here(report) > Some(0), "{report:#}");
    }
}
