//! Replies that the own host throws away: a silence that no path and no firewall afar explains.

use crate::common::{Lab, Output, Running, json, number, path, require_lab, run, secs, text};

/// A lab whose `b` serves, and whose `a` gets every datagram damaged where `damaged` says so.
fn lab(damaged: bool) -> (Lab, Running) {
    let lab = Lab::up("pair", &["--no-offload"]);
    let server = Running::start(lab.udpkit("b").arg("serve"));
    server.wait_for_line("serving on", secs(5));
    if damaged {
        lab.nft(
            "a",
            "add table inet damage\n\
             add chain inet damage early { type filter hook prerouting priority -300; }\n\
             add rule inet damage early udp sport 8620 @th,96,32 set 1\n",
        );
    }
    (lab, server)
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
    lab.nft("a", "delete table inet damage\n");
    drop(server);
    let output = run(lab.udpkit("a").args(["probe", "marks", "10.77.0.9"]), secs(30));
    assert!(!told(&output).contains("this host dropped"), "{}", told(&output));
}
