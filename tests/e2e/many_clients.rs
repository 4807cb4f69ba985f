//! One server and as many clients at once as it lets in by default, each from an address of its own:
//! none is refused, and what each is told equals what a firewall counted for it. And the scripts that
//! measure that.

use crate::common::{
    Lab, Output, Running, assert_sums, busy, json, number, path, require_lab, require_tools, run,
    secs,
};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// As many as `serve --max-sessions` lets in by default.
const CLIENTS: u64 = 64;
const COUNT: u64 = 400;

/// A pair of hosts whose first has an address for each client, and whose second counts the data of
/// each.
fn lab() -> Lab {
    let lab = Lab::up("pair", &["--no-offload"]);
    let (mut addresses, mut rules, mut map) = (String::new(), String::new(), String::new());
    for client in 0..CLIENTS {
        let address = address(client);
        let _ = writeln!(addresses, "ip address add {address}/24 dev eth0");
        let _ = writeln!(rules, "add counter inet t c{client}");
        let _ = write!(map, "{address} : \"c{client}\", ");
    }
    lab.shell("a", &addresses);
    lab.nft(
        "b",
        &format!(
            "add table inet t\n{rules}\
             add chain inet t in {{ type filter hook input priority 0; }}\n\
             add rule inet t in udp dport 8620 udp length 1008 \
             counter name ip saddr map {{ {map} }}\n"
        ),
    );
    lab
}

fn address(client: u64) -> String {
    format!("10.77.0.{}", 100 + client)
}

/// Runs all clients at once; their reports.
fn blast(lab: &Lab) -> Vec<Value> {
    let count = COUNT.to_string();
    let clients: Vec<Running> = (0..CLIENTS)
        .map(|client| {
            let from = address(client);
            let args = ["blast", "10.77.0.2", "--json", "--io", "mmsg", "--bind", &from];
            let test = ["--size", "1000", "--rate", "200pps", "--count", &count];
            Running::start(lab.udpkit("a").args(args).args(test))
        })
        .collect();
    let reports = clients.into_iter().map(|client| {
        let report = json(&client.wait(secs(60)).expect_success().out());
        assert_eq!(path(&report, "complete"), true, "{report:#}");
        assert_sums(&report);
        report
    });
    reports.collect()
}

/// Jain's index of fairness: 1 where all have the same.
fn jain(values: &[f64]) -> f64 {
    let squares: f64 = values.iter().map(|value| value * value).sum();
    values.iter().sum::<f64>().powi(2) / squares / values.len() as f64
}

#[test]
fn as_many_clients_as_are_let_in_lose_nothing_and_are_told_what_a_firewall_counted() {
    require_lab!();
    let _turn = busy();
    let lab = lab();
    let server = lab.serve("b", &["--io", "mmsg"]);
    let before = lab.snmp("b");
    let reports = blast(&lab);
    for (client, report) in (0..).zip(&reports) {
        let counted = lab.counter("b", "inet t", &format!("c{client}")).0;
        assert_eq!(counted, COUNT, "client {client}");
        for key in ["sent.datagrams", "received.datagrams", "delivered"] {
            assert_eq!(number(report, key), counted, "{key} of client {client}: {report:#}");
        }
        assert_eq!(number(report, "lost.total"), 0, "client {client}: {report:#}");
    }
    assert_eq!(lab.snmp("b").rcvbuf_errors, before.rcvbuf_errors);
    let rates: Vec<f64> =
        reports.iter().map(|report| number(report, "received.bits_per_second") as f64).collect();
    assert!(jain(&rates) >= 0.95, "{rates:?}");
    server.signal("INT");
    let log = server.wait(secs(20)).expect_success().err();
    assert!(!log.contains("refused"), "{log}");
}

fn script(name: &str, args: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name);
    run(Command::new(script).args(args), secs(60))
}

#[test]
fn the_script_for_many_clients_tells_what_was_delivered_and_how_fairly() {
    require_lab!();
    require_tools!("python3");
    let _turn = busy();
    let binary = env!("CARGO_BIN_EXE_udpkit");
    let args = ["--clients", "3", "--rate", "1M", "--seconds", "1", "--json", "--udpkit", binary];
    let report = json(&script("many-clients", &args).expect_success().out());
    let row = path(&report, "rows.0");
    // 85 datagrams of 1472 bytes a second.
    assert_eq!((number(row, "clients"), number(row, "sent")), (3, 3 * 85), "{report:#}");
    assert_eq!((number(row, "lost"), number(row, "failed")), (0, 0), "{report:#}");
    assert!(row["jain"].as_f64().is_some_and(|jain| jain > 0.95), "{report:#}");
    assert!(row["delivered_bits_per_second"].as_f64().is_some_and(|bits| bits > 0.0), "{report:#}");
}

#[test]
fn the_scripts_that_measure_name_what_they_do_not_understand() {
    require_tools!("python3");
    for (name, args, told) in [
        ("many-clients", &["--clients", "some"][..], "--clients some"),
        ("many-clients", &["--udpkit", "/nowhere"], "/nowhere"),
        ("guard", &["no-such-revision", "--this", "/bin/true"], "no-such-revision"),
        ("guard", &["/etc/passwd"], "/etc/passwd is not a program"),
        ("guard", &["--only", "speed"], "--only speed"),
    ] {
        let output = script(name, args);
        assert_eq!(output.code(), Some(2), "{name} {args:?}: {}", output.err());
        assert!(output.err().contains(told), "{name} {args:?}: {}", output.err());
    }
}
