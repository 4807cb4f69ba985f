//! `udpkit probe ports` with a remote agent, over two routers whose rules are known: the verdict is
//! the rule, for each port and both families, twenty runs in a row.

use crate::common::{Lab, Running, json, path, require_lab, run, secs, udpkit};
use serde_json::Value;
use std::net::UdpSocket;

const TARGETS: [&str; 2] = ["10.77.3.2", "fd77:3::2"];
const PORTS: &str = "5000-5009";
/// The ports of all tests here, those that `probe` asks for by itself, and some for its trains.
const HELD: &str = "5000-5015,1194,3478,4500,5060,10000,33434,51820,63000-63200";

/// What r2 does, by the port that is probed.
const RULES: &str = "table inet t {
    chain forward {
        type filter hook forward priority 0
        iifname lan udp dport 5001 drop
        iifname wan udp sport 5002 drop
        iifname lan udp dport 5003 reject with icmpx type admin-prohibited
        iifname lan udp dport 5004 reject with icmpx type port-unreachable
        iifname lan udp dport 5005 reject with icmpx type host-unreachable
        iifname lan udp dport 5006 reject with icmpx type no-route
        iifname wan udp sport 5007 reject with icmpx type admin-prohibited
    }
    chain prerouting {
        type nat hook prerouting priority dstnat
        iifname lan meta nfproto ipv4 udp dport 5008 dnat ip to 10.77.3.2:5009
        iifname lan meta nfproto ipv6 udp dport 5008 dnat ip6 to [fd77:3::2]:5009
    }
}";

/// Each port with what a report must say: its path, and ICMP out and back as type, code, sender.
type Expected = (u64, &'static str, Option<Icmp>, Option<Icmp>);
type Icmp = (u64, u64, &'static str);

const V4: [Expected; 10] = [
    (5_000, "passes", None, None),
    (5_001, "filtered_out", None, None),
    (5_002, "filtered_back", None, None),
    (5_003, "rejected_out", Some((3, 13, "10.77.2.2")), None),
    (5_004, "rejected_out", Some((3, 3, "10.77.2.2")), None),
    (5_005, "rejected_out", Some((3, 1, "10.77.2.2")), None),
    (5_006, "rejected_out", Some((3, 0, "10.77.2.2")), None),
    (5_007, "rejected_back", None, Some((3, 13, "10.77.3.1"))),
    (5_008, "passes", None, None),
    (5_009, "passes", None, None),
];
const V6: [Expected; 10] = [
    (5_000, "passes", None, None),
    (5_001, "filtered_out", None, None),
    (5_002, "filtered_back", None, None),
    (5_003, "rejected_out", Some((1, 1, "fd77:2::2")), None),
    (5_004, "rejected_out", Some((1, 4, "fd77:2::2")), None),
    (5_005, "rejected_out", Some((1, 3, "fd77:2::2")), None),
    (5_006, "rejected_out", Some((1, 0, "fd77:2::2")), None),
    (5_007, "rejected_back", None, Some((1, 1, "fd77:3::1"))),
    (5_008, "passes", None, None),
    (5_009, "passes", None, None),
];

/// A path with these rules in r2, whose routers answer every datagram that they refuse: Linux would
/// otherwise limit its ICMP, and probes beside each other would have to share it.
fn path_with(rules: &str) -> Lab {
    let lab = Lab::path();
    for host in ["r1", "r2", "server"] {
        lab.shell(
            host,
            "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
             echo 0 >/proc/sys/net/ipv6/icmp/ratelimit",
        );
    }
    lab.nft("r2", rules);
    lab
}

fn probe(lab: &Lab, target: &str, ports: &str, args: &[&str]) -> Running {
    Running::start(lab.udpkit("client").args(["probe", "ports", target, ports]).args(args))
}

fn icmp(row: &Value, way: &str) -> Option<(u64, u64, String)> {
    let word = &row[way];
    let number = |key: &str| word[key].as_u64();
    Some((number("icmp_type")?, number("icmp_code")?, word["from"].as_str()?.to_owned()))
}

#[track_caller]
fn hold(report: &Value, expected: &[Expected], tries: u64) {
    let rows = path(report, "port_rows").as_array().expect("rows");
    assert_eq!(rows.len(), expected.len());
    for (row, (port, fate, out, back)) in rows.iter().zip(expected) {
        assert_eq!(
            (row["port"].as_u64(), row["outcome"].as_str()),
            (Some(*port), Some(*fate)),
            "{row}"
        );
        let told = |word: &Option<Icmp>| word.map(|(kind, code, by)| (kind, code, by.to_owned()));
        assert_eq!(icmp(row, "icmp_out"), told(out), "{row}");
        assert_eq!(icmp(row, "icmp_back"), told(back), "{row}");
        let (arrived, replies) = match *fate {
            "passes" => (tries, tries),
            "filtered_back" | "rejected_back" => (tries, 0),
            _ => (0, 0),
        };
        let counts = [row["sent"].as_u64(), row["arrived"].as_u64(), row["replies"].as_u64()];
        if arrived == replies && arrived > 0 {
            assert_eq!(counts, [Some(tries), Some(arrived), Some(replies)], "{row}");
        } else {
            // What is silent is asked again.
            let sent = counts[0].unwrap_or(0);
            let arrived = if arrived > 0 { sent } else { 0 };
            assert!(sent >= tries, "{row}");
            assert_eq!(counts[1..], [Some(arrived), Some(0)], "{row}");
        }
        if arrived > 0 {
            assert_eq!(row["routers_out"].as_u64(), Some(2), "{row}");
            let at = if *port == 5_008 { 5_009 } else { *port };
            assert_eq!(row["arrived_at"].as_u64(), Some(at), "{row}");
        }
    }
}

#[test]
fn each_rule_is_found_for_each_port_twenty_runs_in_a_row() {
    require_lab!();
    let lab = path_with(RULES);
    // Five probes of one address at once.
    let server = lab.serve("server", &["--probe-ports", HELD, "--source-share", "100"]);
    let args = ["-J", "--tries", "4", "--wait", "500ms"];
    for turn in 0..2 {
        // Both families, five times, at once.
        let all: Vec<(Running, &[Expected])> = TARGETS
            .iter()
            .zip([&V4[..], &V6[..]])
            .flat_map(|(target, rows)| {
                (0..5)
                    .map(|_| probe(&lab, target, PORTS, &args))
                    .map(move |running| (running, rows))
            })
            .collect();
        for (running, rows) in all {
            let output = running.wait(secs(30));
            assert_eq!(output.code(), Some(1), "turn {turn}: not every port passes");
            hold(&json(&output.out()), rows, 4);
        }
    }
    server.signal("INT");
    server.wait(secs(5)).expect_success();
}

#[test]
fn rejected_ports_are_distinguished_from_dropped_ones_despite_icmp_limits() {
    require_lab!();
    // Linux's own limit: six errors, then one a second, over IPv6 more.
    let lab = Lab::path();
    lab.nft(
        "r2",
        "table inet wall {
            chain forward {
                type filter hook forward priority 0
                udp dport 5000-5001 drop
                udp dport 5002-5011 reject with icmpx type admin-prohibited
            }
        }",
    );
    let _server = lab.serve("server", &["--probe-ports", HELD]);
    let args = ["-J", "--wait", "500ms"];
    let runs = TARGETS.map(|target| (target, probe(&lab, target, "5000-5012", &args)));
    for (target, running) in runs {
        let output = running.wait(secs(30));
        assert_eq!(output.code(), Some(1), "not every port passes");
        let report = json(&output.out());
        let found: Vec<_> = path(&report, "port_rows")
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| (row["outcome"].as_str().expect("an outcome"), icmp(row, "icmp_out")))
            .collect();
        let v4 = target.contains('.');
        let (kind, code, by) = if v4 { (3, 13, "10.77.2.2") } else { (1, 1, "fd77:2::2") };
        let rejected = ("rejected_out", Some((kind, code, by.to_owned())));
        let mut expected = vec![("filtered_out", None); 2];
        expected.extend(vec![rejected; 10]);
        expected.push(("passes", None));
        assert_eq!(found, expected, "{target}");
        let held_back = statement(&report, "evidence", "icmp_held_back");
        let held_back = held_back.map(|told| told["port_list"].as_str().expect("ports"));
        assert!(!v4 || held_back.is_some_and(|ports| ports.starts_with("50")), "{report:#}");
        assert_traced_to_hop_2(&report, 5_000, by);
    }
}

/// The statement of that code in a list.
fn statement<'a>(report: &'a Value, list: &str, code: &str) -> Option<&'a Value> {
    path(report, list).as_array().expect("a list").iter().find(|told| told["code"] == code)
}

#[track_caller]
fn assert_traced_to_hop_2(report: &Value, port: u16, router: &str) {
    let trace = path(report, "trace_report");
    let target = trace["target"].as_str().expect("a target");
    assert!(target.ends_with(&format!(":{port}")), "{trace:#}");
    let verdict = &trace["verdict"];
    assert_eq!((&verdict["code"], &verdict["hop"]), (&"no_reply_beyond".into(), &2.into()));
    assert_eq!(verdict["router_addresses"][0], router, "{trace:#}");
}

#[test]
fn the_report_names_the_blocked_direction_and_the_last_router() {
    require_lab!();
    let lab = path_with(RULES);
    let _server = lab.serve("server", &["--probe-ports", HELD]);
    // Most of each run is waiting, so they go side by side.
    let args = |tries| ["--tries", tries, "--wait", "500ms", "-J"];
    let [back, out] = ["5002", "5001"].map(|port| probe(&lab, TARGETS[0], port, &args("16")));
    let all = probe(&lab, TARGETS[1], PORTS, &args("4"));
    let text = probe(&lab, TARGETS[1], PORTS, &["--tries", "4", "--wait", "500ms"]);
    let report = |running: Running| json(&running.wait(secs(30)).out());
    let same_path = |report: &Value| {
        let verdict = path(report, "verdict");
        assert_eq!(verdict["code"], "same_path", "{verdict}");
        let counts = ["sent", "arrived", "replies"].map(|key| verdict[key].as_u64());
        (verdict["outcome"].as_str().expect("an outcome").to_owned(), counts.map(Option::unwrap))
    };
    assert_eq!(same_path(&report(back)), ("filtered_back".to_owned(), [32, 32, 0]));
    let out = report(out);
    assert_eq!(same_path(&out), ("filtered_out".to_owned(), [32, 0, 0]));
    assert_traced_to_hop_2(&out, 5_001, "10.77.2.2");
    let all = report(all);
    let verdict = path(&all, "verdict");
    assert_eq!(verdict["code"], "mixed");
    assert_eq!((verdict["passing"].as_u64(), verdict["of"].as_u64()), (Some(3), Some(10)));
    let others = verdict["other_ports"].as_array().expect("a list");
    let filtered = others.iter().find(|other| other["outcome"] == "filtered_out");
    assert_eq!(filtered.expect("one")["port_list"], "5001", "{verdict}");
    let redirected = statement(&all, "evidence", "redirected").expect("one");
    let ports = [&redirected["port"], &redirected["arrived_at"]].map(Value::as_u64);
    assert_eq!(ports, [Some(5_008), Some(5_009)]);
    let text = text.wait(secs(30)).out();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_nat_on_the_way_shows_in_the_source_that_arrived() {
    require_lab!();
    let lab = Lab::nat();
    let _server = lab.serve("server", &["--probe-ports", HELD]);
    let output = probe(&lab, "10.77.2.2", "5000-5003", &["-J", "--dscp", "EF"]).wait(secs(30));
    let report = json(&output.expect_success().out());
    for row in path(&report, "port_rows").as_array().expect("rows") {
        assert_eq!(row["outcome"].as_str(), Some("passes"), "{row}");
        assert_eq!(row["source_address_changed"].as_bool(), Some(true), "{row}");
        let seen = row["source_seen"].as_str().expect("a source");
        assert!(seen.starts_with("10.77.2.1:"), "{row}");
        assert_eq!(row["dscp_out"].as_u64(), Some(46), "{row}");
        assert_eq!(row["dscp_back"].as_u64(), Some(46), "{row}");
    }
    let changed = statement(&report, "evidence", "source_changed").expect("told");
    assert!(changed["seen"].as_str().is_some_and(|seen| seen.starts_with("10.77.2.1:")));
}

#[test]
fn only_configured_ports_are_open() {
    require_lab!();
    let lab = Lab::pair();
    let taken = Running::start(lab.udpkit("b").args(["recv", "5353", "-q"]));
    lab.wait_bound("b", 5353);
    let server =
        Running::start(lab.udpkit("b").args(["serve", "--probe-ports", "53,5000-5001,5353"]));
    server.wait_for_line("port 5353 is not open for probes: [::]:5353 is already in use", secs(10));
    server.wait_for_line("ports 53,5000-5001 are open for probes", secs(10));
    let asked = "53,5000-5002,5353";
    let running =
        Running::start(lab.udpkit("a").args(["probe", "ports", "10.77.0.2", asked, "-J"]));
    let output = running.wait(secs(30));
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    let rows = path(&report, "port_rows").as_array().expect("rows");
    let fates: Vec<_> = rows
        .iter()
        .map(|row| {
            (row["outcome"].as_str().unwrap_or("-"), row["not_opened_reason"]["code"].as_str())
        })
        .collect();
    let policy = ("not_opened", Some("policy"));
    assert_eq!(fates, [("passes", None), ("passes", None), ("passes", None), policy, policy]);
    // Those two are scanned without the agent: nobody listens on one, and the other is silent.
    let scanned = path(&report, "scan_report.port_rows").as_array().expect("rows");
    let states: Vec<_> = scanned.iter().map(|row| row["state"].as_str().unwrap_or("-")).collect();
    assert_eq!(states, ["closed", "silent"]);
    drop(taken);
}

#[test]
fn a_refusal_is_quoted_and_the_scan_without_an_agent_is_reported() {
    require_lab!();
    let lab = Lab::pair();
    let server = Running::start(lab.udpkit("b").args(["serve", "--no-probe"]));
    server.wait_for_line("serving on", secs(10));
    let ask = |port: &str| {
        let args = ["probe", "ports", "10.77.0.2", "9999", "-p", port, "-J"];
        Running::start(lab.udpkit("a").args(args)).wait(secs(30))
    };
    let refused = ask("8620");
    let report = json(&refused.out());
    assert_eq!(path(&report, "no_agent.code"), "refused");
    assert_eq!(path(&report, "no_agent.reply.reply_code"), 550, "{report:#}");
    assert!(path(&report, "agent").is_null());
    assert_eq!(path(&report, "port_rows.0.state").as_str(), Some("closed"));
    let nobody = ask("8700");
    let report = json(&nobody.out());
    let why = path(&report, "no_agent");
    assert_eq!((&why["code"], &why["from"]), (&"unreachable".into(), &"10.77.0.2".into()));
    assert_eq!(why["target"], "10.77.0.2:8700");
    assert_eq!(nobody.err().lines().count(), 2, "{}", nobody.err());
}

#[test]
fn bad_input_is_named_before_anything_is_sent() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let host = taken.local_addr().expect("an address").to_string();
    for ports in ["5100-5000", "65536", "0", "53,,54", "x"] {
        let output = run(udpkit().args(["probe", "ports", &host, ports]), secs(10));
        assert_eq!(output.code(), Some(2), "{ports}");
        assert!(output.err().contains(&format!("'{ports}'")), "{ports}: {}", output.err());
    }
    let output = run(udpkit().args(["probe", "ports", &host, "9", "--wait", "0s"]), secs(10));
    assert_eq!(output.code(), Some(2));
    let output = run(udpkit().args(["serve", "--probe-ports", "1-65535"]), secs(10));
    assert_eq!(output.code(), Some(2));
    assert!(output.err().contains("--probe-ports 1-65535"), "{}", output.err());
    taken.set_nonblocking(true).expect("it can");
    assert!(taken.recv(&mut [0; 16]).is_err(), "nothing was sent");
}
