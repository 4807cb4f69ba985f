//! `udpkit probe mtu`, `marks` and `shape` over two routers with known rules, which the verdict
//! must state.

use crate::common::{self, Lab, Output, Running, path, require_lab, run, secs};
use serde_json::{Value, json};

const TARGETS: [&str; 2] = ["10.77.3.2", "fd77:3::2"];
/// The ports of all tests here.
const HELD: &str = "5000-5040";

/// Replaces the ruleset.
fn rules(lab: &Lab, host: &str, rules: &str) {
    lab.nft(host, &format!("flush ruleset\n{rules}"));
}

/// Clears the path MTU caches of the hosts.
fn forget(lab: &Lab) {
    for host in ["client", "server"] {
        lab.shell(host, "ip route flush cache; ip -6 route flush cache");
    }
}

fn middle_mtu(lab: &Lab, mtu: u32) {
    lab.shell("r1", &format!("ip link set wan mtu {mtu}"));
    lab.shell("r2", &format!("ip link set lan mtu {mtu}"));
    forget(lab);
}

fn begin(lab: &Lab, kind: &str, target: &str, args: &[&str]) -> Running {
    Running::start(lab.udpkit("client").args(["probe", kind, target, "-J"]).args(args))
}

fn report(running: Running) -> Value {
    common::json(&running.wait(secs(60)).expect_success().out())
}

/// The reports over both families, run in parallel.
fn both(lab: &Lab, kind: &str, args: &[&str]) -> [Value; 2] {
    TARGETS.map(|target| begin(lab, kind, target, args)).map(report)
}

fn fits_80_columns(output: &Output) -> String {
    let text = output.out();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    text
}

const NO_TOO_BIG: &str = "table inet t {
    chain output {
        type filter hook output priority 0
        icmp type destination-unreachable icmp code frag-needed drop
        icmpv6 type packet-too-big drop
    }
}";
/// The port follows the ICMP header and the quoted IP header.
const NO_TOO_BIG_FOR_9002: &str = "table inet t {
    chain output {
        type filter hook output priority 0
        icmp type destination-unreachable icmp code frag-needed @th,240,16 9002 drop
        icmpv6 type packet-too-big @th,400,16 9002 drop
    }
}";
const NO_FRAGMENTS: &str = "table ip t {
    chain prerouting {
        type filter hook prerouting priority -450
        ip frag-off & 0x3fff != 0 drop
    }
}
table ip6 t {
    chain prerouting {
        type filter hook prerouting priority -450
        exthdr frag exists drop
    }
}";

/// Runs cases in parallel, each on its own network: they mostly wait, and the test runner has only
/// one thread per processor. A failing case panics.
fn side_by_side(cases: &[fn()]) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(case);
        }
    });
}

#[test]
fn sizes_and_this_hosts_refusals_are_reported() {
    side_by_side(&[
        the_largest_datagram_is_found_whether_routers_speak_or_not,
        fragments_are_told_from_whole_datagrams,
        without_a_helper_sizes_are_known_by_routers_and_by_what_answers,
        what_the_own_packet_filter_drops_is_said_of_this_host,
    ]);
}

#[test]
fn marks_payloads_and_rates_are_found() {
    side_by_side(&[
        marks_are_told_by_what_changed_and_on_which_way,
        what_reads_payloads_or_eats_sizes_is_told_by_what_it_stops,
        a_policer_is_found_with_its_rate_its_burst_its_way_and_what_it_counts,
    ]);
}

fn the_largest_datagram_is_found_whether_routers_speak_or_not() {
    require_lab!();
    let lab = Lab::path();
    let _server = lab.serve("server", &["--probe-ports", HELD]);
    middle_mtu(&lab, 1280);
    for (told, (payload, first, second)) in both(&lab, "mtu", &[])
        .iter()
        .zip([(1252, "10.77.1.1", "10.77.3.1"), (1232, "fd77:1::1", "fd77:3::1")])
    {
        let way = |router: &str| {
            json!({
                "code": "router",
                "packet_bytes": 1280,
                "payload_bytes": payload,
                "router_addresses": [router],
            })
        };
        assert_eq!(path(told, "verdict.code"), "path_mtu", "{told:#}");
        assert_eq!(path(told, "verdict.mtu_out"), &way(first), "{told:#}");
        assert_eq!(path(told, "verdict.mtu_back"), &way(second), "{told:#}");
        fragments(told, &all_pass());
        assert_eq!(path(told, "out.too_big_reports.0.mtu_bytes"), 1280);
        assert_eq!(path(told, "caveats"), &json!([]), "{told:#}");
    }

    for router in ["r1", "r2"] {
        rules(&lab, router, NO_TOO_BIG);
    }
    forget(&lab);
    for (told, (payload, first, rest)) in both(&lab, "mtu", &[])
        .iter()
        .zip([(1252, "10.77.1.1", all_pass()), (1232, "fd77:1::1", json!({ "code": "blocked" }))])
    {
        let way = |after: Value| {
            json!({
                "code": "black_hole",
                "packet_bytes": 1280,
                "payload_bytes": payload,
                "vanishes_after": after,
            })
        };
        assert_eq!(path(told, "verdict.mtu_out"), &way(first.into()), "{told:#}");
        assert_eq!(path(told, "verdict.mtu_back"), &way(Value::Null), "{told:#}");
        fragments(told, &rest);
        assert_eq!(path(told, "out.limited_by"), "black_hole");
    }
}

/// The finding if all fragments pass.
fn all_pass() -> Value {
    json!({ "code": "pass", "payload_bytes": 65507 })
}

#[track_caller]
fn fragments(told: &Value, wanted: &Value) {
    for way in ["verdict.fragments_out", "verdict.fragments_back"] {
        assert_eq!(path(told, way), wanted, "{told:#}");
    }
}

fn fragments_are_told_from_whole_datagrams() {
    require_lab!();
    let lab = Lab::path();
    let _server = lab.serve("server", &["--probe-ports", HELD]);
    for told in both(&lab, "mtu", &[]) {
        fragments(&told, &all_pass());
        let rows = path(&told, "out.fragments").as_array().expect("rows");
        let pieces = |row: &Value| row["largest_fragment_bytes"].as_u64();
        assert!(rows.iter().all(|row| matches!(pieces(row), Some(1_496 | 1_500))), "{told:#}");
    }
    rules(&lab, "r1", NO_FRAGMENTS);
    let shown = Running::start(lab.udpkit("client").args(["probe", "mtu", "fd77:3::2"]));
    for (told, payload) in both(&lab, "mtu", &[]).iter().zip([1472, 1452]) {
        let whole = json!({
            "code": "sender_interface",
            "packet_bytes": 1500,
            "payload_bytes": payload,
        });
        assert_eq!(path(told, "verdict.mtu_out"), &whole, "{told:#}");
        assert_eq!(path(told, "verdict.mtu_back"), &whole, "{told:#}");
        fragments(told, &json!({ "code": "blocked" }));
    }
    let text = shown.wait(secs(60));
    assert!(fits_80_columns(&text).contains("0 of 6              none"), "{}", text.out());
}

fn without_a_helper_sizes_are_known_by_routers_and_by_what_answers() {
    require_lab!();
    let lab = Lab::path();
    middle_mtu(&lab, 1280);
    let mut servers = Vec::new();
    for (args, words) in [
        (&["serve", "--no-probe"][..], "serving on"),
        (&["recv", "9000", "--echo"], "listening on"),
        (&["recv", "9002", "--echo"], "listening on"),
        // It receives and does not reply.
        (&["recv", "9001"], "listening on"),
    ] {
        let server = Running::start(lab.udpkit("server").args(args));
        server.wait_for_line(words, secs(10));
        servers.push(server);
    }
    let all = |ports: &[u16]| {
        let at = |port: &u16| {
            [(format!("10.77.3.2:{port}"), *port), (format!("[fd77:3::2]:{port}"), *port)]
        };
        let runs: Vec<_> = ports
            .iter()
            .flat_map(at)
            .map(|(at, port)| (port, at.starts_with('['), begin(&lab, "mtu", &at, &[])))
            .collect();
        runs.into_iter().map(|(port, v6, run)| (port, v6, report(run))).collect::<Vec<_>>()
    };
    rules(&lab, "r1", NO_TOO_BIG_FOR_9002);
    for (port, v6, told) in all(&[8620, 9000, 9001, 9002, 9]) {
        let payload = if v6 { 1232 } else { 1252 };
        let first = if v6 { "fd77:1::1" } else { "10.77.1.1" };
        let (code, limit) = match port {
            9001 => ("no_reply_router_limit", None),
            9 => ("refused_by_target", Some("router")),
            9002 => ("replied_up_to", None),
            _ => ("replied", Some("router")),
        };
        assert_eq!(path(&told, "verdict.code"), code, "{port}: {told:#}");
        assert_eq!(path(&told, "verdict.packet_bytes"), 1280, "{port}: {told:#}");
        assert_eq!(path(&told, "verdict.payload_bytes"), payload, "{port}: {told:#}");
        if code == "no_reply_router_limit" {
            assert_eq!(path(&told, "verdict.router"), first, "{port}: {told:#}");
        }
        if let Some(limit) = limit {
            assert_eq!(path(&told, "verdict.limited_by"), limit, "{port}: {told:#}");
            assert_eq!(
                path(&told, "verdict.router_addresses"),
                &json!([first]),
                "{port}: {told:#}"
            );
        }
        assert!(path(&told, "no_agent.code").is_string(), "{port}: {told:#}");
    }
}

/// Rewrites DSCP and ECN in the first router, out and back.
fn marks(out: &str, back: &str) -> String {
    let rule = |interface: &str, what: &str| {
        let each = |family: &str| match what.split_once(' ') {
            Some((field, rest)) => {
                let (from, to) = rest.split_once('>').unwrap_or(("", rest));
                let matched = if from.is_empty() {
                    String::new()
                } else {
                    format!("{family} {field} {from}")
                };
                format!(
                    "iifname {interface} meta nfproto {} {matched} {family} {field} set {to}\n",
                    if family == "ip" { "ipv4" } else { "ipv6" }
                )
            }
            None => String::new(),
        };
        each("ip") + &each("ip6")
    };
    format!(
        "table inet t {{
            chain forward {{
                type filter hook forward priority 0
                {}{}
            }}
        }}",
        rule("lan", out),
        rule("wan", back)
    )
}

fn marks_are_told_by_what_changed_and_on_which_way() {
    require_lab!();
    let lab = Lab::path();
    let _server = lab.serve("server", &["--probe-ports", HELD]);
    // Loss that does not depend on DSCP or ECN.
    rules(
        &lab,
        "r2",
        "table inet t {
            chain forward {
                type filter hook forward priority 0
                meta l4proto udp numgen random mod 100 < 3 drop
            }
        }",
    );
    let changed = |changes: &Value| json!({ "code": "changed", "changes": changes });
    for (out, back, expected) in [
        ("", "", json!({ "code": "unchanged" })),
        (
            "dscp ef>0",
            "ecn ect0>not-ect",
            changed(&json!([
                { "code": "dscps_become", "way": "out", "dscps_sent": [46], "dscp_arrived": 0 },
                { "code": "ecn_cleared", "way": "back", "ecns_sent": [2] },
            ])),
        ),
        (
            "ecn not-ect",
            "dscp cs1",
            changed(&json!([
                { "code": "ecn_cleared", "way": "out", "ecns_sent": [2, 1, 3] },
                { "code": "all_dscps_become", "way": "back", "dscp_arrived": 8 },
            ])),
        ),
    ] {
        rules(&lab, "r1", &marks(out, back));
        for told in both(&lab, "marks", &["--tries", "6"]) {
            assert_eq!(without_text(path(&told, "verdict")), expected, "{told:#}");
            let hops = ["routers_out", "routers_back"].map(|way| path(&told, way).as_u64());
            assert_eq!(hops, [Some(2), Some(2)]);
            let caveats = path(&told, "caveats").as_array().expect("a list");
            let hop = caveats.iter().any(|one| one["code"] == "hop_unknown");
            assert_eq!(hop, !out.is_empty(), "{caveats:?}");
        }
    }
    let text = run(lab.udpkit("client").args(["probe", "marks", "10.77.3.2"]), secs(60));
    assert!(fits_80_columns(&text).starts_with("udpkit probe marks 10.77.3.2"), "{}", text.out());
}

/// A statement with its code and figures, and its parts, without texts.
fn without_text(told: &Value) -> Value {
    match told {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(key, _)| *key != "text");
            fields.map(|(key, value)| (key.clone(), without_text(value))).collect()
        }
        Value::Array(list) => list.iter().map(without_text).collect(),
        other => other.clone(),
    }
}

fn what_reads_payloads_or_eats_sizes_is_told_by_what_it_stops() {
    require_lab!();
    let lab = Lab::path();
    let _server = lab.serve("server", &["--probe-ports", HELD]);
    let args = |ports| ["--ports", ports, "--train", "0"];
    for told in both(&lab, "shape", &args("5000")) {
        assert_eq!(path(&told, "verdict.payloads"), &json!([{ "code": "all_pass" }]), "{told:#}");
    }
    // The flags of DNS are two bytes after the UDP header, the STUN cookie four.
    let kind = |kind: &str| json!({ "code": "kind_blocked", "kind": kind, "sizes": null });
    let sizes = |sizes: Value| json!({ "code": "sizes_blocked", "sizes": sizes });
    for (rule, found) in [
        ("@th,80,16 0x0100", kind("dns")),
        ("@th,96,32 0x2112a442", kind("stun")),
        ("udp length 500-700", sizes(json!({ "code": "these", "sizes_bytes": [512] }))),
        ("udp length > 1100", sizes(json!({ "code": "and_larger", "from_bytes": 1200 }))),
    ] {
        let chain = format!(
            "table inet t {{
                chain forward {{
                    type filter hook forward priority 0
                    iifname lan udp dport 5000 {rule} drop
                }}
            }}"
        );
        rules(&lab, "r1", &chain);
        for told in both(&lab, "shape", &args("5000")) {
            assert_eq!(path(&told, "verdict.payloads"), &json!([found]), "{told:#}");
        }
    }
}

/// Rates and bursts in nftables by port; a limit in bytes allows one second's worth in addition.
const LIMITS: &str = "table inet t {
    chain forward {
        type filter hook forward priority 0
        iifname lan udp dport 5000-5003 limit rate over 200/second burst 20 packets drop
        iifname lan udp dport 5010 limit rate over 100 kbytes/second burst 50 kbytes drop
        iifname wan udp sport 5020 limit rate over 250/second burst 40 packets drop
    }
}";

fn a_policer_is_found_with_its_rate_its_burst_its_way_and_what_it_counts() {
    require_lab!();
    // The policer would see a coalesced buffer as one packet.
    let lab = Lab::up("path", &["--no-offload"]);
    let _server = lab.serve("server", &["--probe-ports", HELD]);
    rules(&lab, "r1", LIMITS);
    let near = |told: &Value, key: &str, wanted: u64, tolerance: u64| {
        let found = path(told, &format!("rate_limit.{key}")).as_u64().expect("a number");
        assert!(found.abs_diff(wanted) <= tolerance, "{key} {found}, not {wanted}: {told:#}");
    };
    let runs = [
        begin(&lab, "shape", TARGETS[0], &["--ports", "5000-5003", "--train", "500"]),
        begin(&lab, "shape", TARGETS[1], &["--ports", "5010", "--train", "800"]),
        begin(&lab, "shape", TARGETS[0], &["--ports", "5020", "--train", "500"]),
    ];
    let [packets, bytes, back] = runs.map(report);
    near(&packets, "datagrams_per_1000_s", 200_000, 10_000);
    near(&packets, "burst_datagrams", 20, 4);
    near(&bytes, "bits_per_second", 102_400 * 8, 41_000);
    near(&bytes, "burst_bytes", 153_600, 10_000);
    // If the agent was late, the policer's bucket may have overflowed; the report then says so.
    let late = path(&back, "rate_limit.agent_late_ns");
    if late.as_u64() > Some(20_000_000) {
        let caveats = path(&back, "caveats").as_array().expect("caveats");
        let is_told = |one: &Value| one["code"] == "late_replies" && one["late_ns"] == *late;
        assert!(caveats.iter().any(is_told), "{back:#}");
        near(&back, "datagrams_per_1000_s", 150_000, 125_000);
    } else {
        near(&back, "datagrams_per_1000_s", 250_000, 25_000);
        near(&back, "burst_datagrams", 40, 8);
    }
    for (told, way, counts) in [
        (&packets, "out", Value::from("datagrams")),
        (&bytes, "out", Value::from("bytes")),
        (&back, "back", Value::Null),
    ] {
        assert_eq!(path(told, "rate_limit.way"), way, "{told:#}");
        assert_eq!(path(told, "rate_limit.counts"), &counts, "{told:#}");
        assert_eq!(path(told, "verdict.rate_limit"), path(told, "rate_limit"), "{told:#}");
        assert_eq!(path(told, "verdict.payloads"), &json!([{ "code": "all_pass" }]), "{told:#}");
    }
    assert_eq!(path(&packets, "rate_limit.each_port"), false);
}

fn what_the_own_packet_filter_drops_is_said_of_this_host() {
    require_lab!();
    let lab = Lab::path();
    let filter = "table inet t {
        chain output {
            type filter hook output priority 0
            meta nfproto ipv4 meta l4proto udp drop
            meta nfproto ipv6 meta l4proto udp reject
        }
    }";
    rules(&lab, "client", filter);
    let runs = TARGETS.map(|target| begin(&lab, "mtu", target, &[]));
    for told in runs.map(|running| common::json(&running.wait(secs(20)).out())) {
        assert_eq!(path(&told, "verdict.code"), "refused_here", "{told:#}");
        assert_eq!(path(&told, "verdict.refused"), path(&told, "verdict.of"), "{told:#}");
        assert_eq!(path(&told, "traffic.sent"), 0, "{told:#}");
        assert_eq!(path(&told, "no_agent.code"), "not_sent", "{told:#}");
    }
}
