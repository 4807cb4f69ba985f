//! `udpkit probe nat` and the STUN server of `udpkit serve`, in labs with known rules, and with
//! coturn's server and clients.

use crate::common::{
    Lab, Output, Running, free_udp_port, json, path, require_lab, require_tools, run, secs, udpkit,
};
use serde_json::Value;
use std::net::UdpSocket;
use std::thread;

const SERVER: &str = "10.77.3.2";
const SERVER6: &str = "fd77:3::2";

/// The rules of r1, and the expected findings.
struct Case {
    name: &'static str,
    rules: &'static str,
    host: &'static str,
    nat: bool,
    mapping: Option<&'static str>,
    filtering: Option<&'static str>,
    ports: Option<&'static str>,
    hairpin: Option<&'static str>,
}

const MASQUERADE: &str = "
    add table ip n
    add chain ip n post { type nat hook postrouting priority srcnat; }
    add rule ip n post oifname wan masquerade\n";

const RANDOM: &str = "
    add table ip n
    add chain ip n post { type nat hook postrouting priority srcnat; }
    add rule ip n post oifname wan masquerade fully-random\n";

const CASES: &[Case] = &[
    Case {
        name: "no NAT",
        rules: "",
        host: SERVER,
        nat: false,
        mapping: None,
        filtering: Some("endpoint_independent"),
        ports: None,
        hairpin: None,
    },
    Case {
        name: "IPv6 without NAT",
        rules: "",
        host: SERVER6,
        nat: false,
        mapping: None,
        filtering: Some("endpoint_independent"),
        ports: None,
        hairpin: None,
    },
    Case {
        name: "IPv6 behind a firewall",
        rules: "
            add table inet w
            add chain inet w f { type filter hook forward priority 0; }
            add rule inet w f iifname wan ct state != { established, related } drop\n",
        host: SERVER6,
        nat: false,
        mapping: None,
        filtering: Some("address_and_port_dependent"),
        ports: None,
        hairpin: None,
    },
    Case {
        name: "masquerade; conntrack lets in who was sent to",
        rules: MASQUERADE,
        host: SERVER,
        nat: true,
        mapping: Some("endpoint_independent"),
        filtering: Some("address_and_port_dependent"),
        ports: Some("kept"),
        hairpin: Some("fails"),
    },
    Case {
        name: "random ports",
        rules: RANDOM,
        host: SERVER,
        nat: true,
        mapping: Some("address_and_port_dependent"),
        filtering: Some("address_and_port_dependent"),
        ports: Some("random"),
        hairpin: Some("fails"),
    },
    Case {
        name: "full cone, with hairpin",
        rules: "
            add table ip n
            add chain ip n post { type nat hook postrouting priority srcnat; }
            add rule ip n post oifname wan masquerade
            add rule ip n post oifname lan ip saddr 10.77.1.0/24 snat to 10.77.2.1
            add chain ip n pre { type nat hook prerouting priority dstnat; }
            add rule ip n pre ip daddr 10.77.2.1 udp dport 1024-65535 dnat to 10.77.1.2\n",
        host: SERVER,
        nat: true,
        mapping: Some("endpoint_independent"),
        filtering: Some("endpoint_independent"),
        ports: Some("kept"),
        hairpin: Some("works"),
    },
    Case {
        name: "lets in what an address sends that was sent to",
        rules: "
            add table ip n
            add set ip n known { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 1m; }
            add chain ip n f { type filter hook forward priority 0; }
            add rule ip n f oifname wan meta l4proto udp add @known { ip daddr . udp sport }
            add chain ip n post { type nat hook postrouting priority srcnat; }
            add rule ip n post oifname wan masquerade
            add chain ip n pre { type nat hook prerouting priority dstnat; }
            add rule ip n pre iifname wan ip saddr . udp dport @known dnat to 10.77.1.2\n",
        host: SERVER,
        nat: true,
        mapping: Some("endpoint_independent"),
        filtering: Some("address_dependent"),
        ports: Some("kept"),
        hairpin: Some("fails"),
    },
];

/// A `path` lab with rules in r1.
fn lab(rules: &str) -> Lab {
    let lab = Lab::path();
    if !rules.is_empty() {
        lab.nft("r1", rules);
    }
    lab
}

fn probe(lab: &Lab, args: &[&str]) -> Output {
    run(lab.udpkit("client").args(["probe", "nat"]).args(args), secs(60))
}

#[track_caller]
fn held(case: &Case, server: &str, report: &Value) {
    let told = |key: &str| path(report, key).as_str();
    let name = case.name;
    assert_eq!(
        path(report, "behind_nat").as_bool(),
        Some(case.nat),
        "{name}, {server}: {report:#}"
    );
    for (key, expected) in [
        ("mapping", case.mapping),
        ("filtering", case.filtering),
        ("port_choice", case.ports),
        ("hairpin", case.hairpin),
    ] {
        assert_eq!(told(key), expected, "{key}, {name}, {server}: {report:#}");
    }
    assert_eq!(path(report, "not_known").as_array().map(Vec::len), Some(0), "{name}: {report:#}");
}

/// Starts coturn on both addresses of the server, with RFC 5780 if there are two.
fn coturn(lab: &Lab, port: u16) -> Running {
    let dir = tempfile::tempdir().expect("a folder").keep();
    let file = |name: &str| dir.join(name).display().to_string();
    let mut command = lab.command("server", "turnserver");
    command.args(["-n", "-S", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout"]);
    command.args(["--db", &file("db"), "--pidfile", &file("pid"), "--listening-port"]);
    command.arg(port.to_string());
    for address in [SERVER, "10.77.3.3", SERVER6, "fd77:3::3"] {
        command.args(["--listening-ip", address]);
    }
    let server = Running::start(&mut command);
    lab.wait_bound("server", port);
    server
}

#[test]
fn verdicts_equal_the_rules_by_serve_and_by_coturn() {
    require_lab!();
    require_tools!("turnserver");
    thread::scope(|scope| {
        for case in CASES {
            scope.spawn(move || {
                let lab = lab(case.rules);
                let _serve = lab.serve("server", &[]);
                let _coturn = coturn(&lab, 3478);
                // Both at once.
                let ask = |port: &str| {
                    let mut args = vec![case.host, "-p", port, "--json"];
                    args.extend(case.nat.then_some("--hairpin"));
                    json(&probe(&lab, &args).expect_success().out())
                };
                let (own, coturns) = thread::scope(|both| {
                    let own = both.spawn(|| ask("8620"));
                    let coturns = both.spawn(|| ask("3478"));
                    (own.join(), coturns.join())
                });
                held(case, "serve", &own.expect("a report"));
                held(case, "coturn", &coturns.expect("a report"));
            });
        }
    });
}

#[test]
fn two_independent_servers_show_the_mapping() {
    require_lab!();
    thread::scope(|scope| {
        for (rules, mapping) in [
            (MASQUERADE, "endpoint_independent"),
            (RANDOM, "address_dependent_or_address_and_port_dependent"),
        ] {
            scope.spawn(move || {
                let lab = lab(rules);
                let _first = lab.serve("server", &[SERVER, "--stun-alternate", "none"]);
                let _second = lab.serve("server", &["10.77.3.3", "--stun-alternate", "none"]);
                let output = probe(&lab, &[SERVER, "10.77.3.3", "-J"]).expect_success();
                let report = json(&output.out());
                assert_eq!(path(&report, "mapping"), mapping, "{report:#}");
                assert!(path(&report, "filtering").is_null(), "{report:#}");
            });
        }
    });
}

#[test]
fn coturns_clients_understand_serve() {
    require_lab!();
    require_tools!("turnutils_stunclient", "turnutils_natdiscovery");
    let lab = lab(MASQUERADE);
    let _serve = lab.serve("server", &["--stun-short"]);
    let mut client = lab.command("client", "turnutils_stunclient");
    // It would wait for ever for a reply that the NAT blocks.
    let client = Running::start(client.args(["-p", "8620", SERVER]));
    client.wait_for_line("Other addr: : 10.77.3.3:8621", secs(20));
    client.wait_for_line("UDP reflexive addr: 10.77.2.1:", secs(20));
    drop(client);
    let mut client = lab.command("client", "turnutils_natdiscovery");
    let told = run(client.args(["-m", "-f", "-p", "8620", SERVER]), secs(60)).out();
    assert!(told.contains("NAT with Endpoint Independent Mapping!"), "{told}");
    assert!(told.contains("NAT with Address and Port Dependent Filtering!"), "{told}");
}

#[test]
fn the_report_reads_within_80_columns() {
    require_lab!();
    let lab = lab(MASQUERADE);
    let _serve = lab.serve("server", &[]);
    let text = probe(&lab, &[SERVER, "--sockets", "3"]).expect_success().out();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for part in [
        "udpkit probe nat 10.77.3.2:8620\n",
        "other address and port 10.77.3.3:8621\n",
        "  mapping    endpoint-independent\n",
        "  filtering  address- and port-dependent\n",
        "  ports      preserved\n",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

/// A server on 127.0.0.1 and its port.
fn local(args: &[&str]) -> (Running, String) {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]).args(args));
    let line = server.wait_for_line("serving on", secs(5));
    let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
    (server, address.expect("an address").trim_end_matches(',').to_owned())
}

#[test]
fn a_server_with_one_port_and_address_leaves_mapping_and_filtering_open() {
    let (_server, at) = local(&["--stun-alternate", "none"]);
    let output = run(udpkit().args(["probe", "nat", &at, "-J"]), secs(30)).expect_success();
    let report = json(&output.out());
    assert_eq!(path(&report, "behind_nat"), false);
    assert!(path(&report, "filtering").is_null() && path(&report, "other").is_null());
    assert_eq!(path(&report, "not_known.0.code"), "filtering_one_address", "{report:#}");
}

#[test]
fn a_closed_port_is_known_by_icmp_and_ends_with_1() {
    let at = format!("127.0.0.1:{}", free_udp_port());
    let output = run(udpkit().args(["probe", "nat", &at, "-J"]), secs(30));
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    let error = path(&report, "network_errors.0");
    for (key, wanted) in [
        ("error.code", Value::from("port_unreachable")),
        ("error.icmp_type", 3.into()),
        ("error.icmp_code", 3.into()),
        ("error.from", "127.0.0.1".into()),
        ("destination", at.as_str().into()),
    ] {
        assert_eq!(path(error, key), &wanted, "{report:#}");
    }
    assert_eq!(path(&report, "verdict.code"), "no_server", "{report:#}");
    assert_eq!(path(&report, "verdict.server"), at.as_str(), "{report:#}");
}

#[test]
fn silent_servers_are_distinguished_from_no_nat() {
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(key.path(), "0123456789abcdef").expect("it is written");
    let key = key.path().display().to_string();
    for args in [&["--no-stun"][..], &["--key", &key][..]] {
        let (_server, at) = local(args);
        let args = ["probe", "nat", &at, "-J", "--tries", "2", "-w", "100ms"];
        let output = run(udpkit().args(args), secs(30));
        assert_eq!(output.code(), Some(1));
        let report = json(&output.out());
        assert!(path(&report, "behind_nat").is_null() && path(&report, "server_answered") == false);
        assert_eq!(path(&report, "verdict.code"), "no_server", "{report:#}");
        let codes = ["alternatives.0.code", "alternatives.1.code"].map(|key| path(&report, key));
        assert_eq!(codes, ["firewall", "stun_disabled"], "{report:#}");
    }
}

#[test]
fn a_plain_request_is_answered_only_with_stun_short() {
    // Header, type 1, no attributes; and one with 128 bytes of them.
    let mut plain = [0; 20];
    plain[1] = 1;
    plain[4..8].copy_from_slice(&[0x21, 0x12, 0xA4, 0x42]);
    let mut padded = [0; 152];
    padded[..20].copy_from_slice(&plain);
    padded[3] = 132;
    padded[20..24].copy_from_slice(&[0x80, 0x22, 0, 128]);
    padded[19] = 9;
    for (args, first) in [(&[][..], 9), (&["--stun-short"][..], 0)] {
        let (_server, at) = local(args);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(&at).expect("a route");
        socket.set_read_timeout(Some(secs(5))).expect("a deadline");
        socket.send(&plain).expect("it is sent");
        // This one always gets a reply.
        socket.send(&padded).expect("it is sent");
        let mut reply = [0; 200];
        let len = socket.recv(&mut reply).expect("a reply");
        assert_eq!((&reply[..2], reply[19]), (&[1, 1][..], first));
        assert!(len <= 152);
    }
}

#[test]
fn an_alternate_port_that_cannot_be_had_is_named_and_serving_goes_on() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (server, at) = local(&["--stun-alternate", &port]);
    let line = server.wait_for_line("STUN is answered on the main port only", secs(5));
    assert!(line.contains(&port) && line.contains("already in use"), "{line}");
    run(udpkit().args(["probe", "nat", &at]), secs(30)).expect_success();
}

#[test]
fn impossible_arguments_are_usage_errors() {
    for (args, told) in [
        (&["192.0.2.1:65536"][..], "not a number from 1 to 65535"),
        (&["192.0.2.1", "--bind", "::1"], "other address family"),
        (&["192.0.2.1", "--tries", "0"], "--tries"),
        (&["192.0.2.1", "--sockets", "1"], "--sockets"),
        (&[], "HOST"),
    ] {
        let output = run(udpkit().args(["probe", "nat"]).args(args), secs(10));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(told), "{}", output.err());
        assert!(output.err().starts_with("error: "), "{}", output.err());
    }
    for (flag, value, told) in [
        ("--stun-alternate", "many", "or none"),
        ("--stun-rate", "10M", "counts datagrams"),
        ("--no-stun", "--stun-short", "cannot be used with"),
    ] {
        let output = run(udpkit().args(["serve", "127.0.0.1:0", flag, value]), secs(10));
        assert_eq!(output.code(), Some(2), "{flag}: {}", output.err());
        assert!(output.err().contains(told), "{}", output.err());
    }
}
