//! `udpkit probe trace` over two routers with known rules, which the verdict must state.

use crate::common::{Lab, Running, json, path, require_lab, run, secs, udpkit};
use serde_json::{Value, json as value};

/// A path whose routers and server send an ICMP error for every datagram that they reject. Linux
/// would otherwise limit them, and parallel probes would share the limit.
fn outspoken_path() -> Lab {
    let lab = Lab::path();
    for host in ["r1", "r2", "server"] {
        lab.shell(
            host,
            "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
             echo 0 >/proc/sys/net/ipv6/icmp/ratelimit",
        );
    }
    lab
}

fn begin(lab: &Lab, args: &[&str]) -> Running {
    let args = ["probe", "trace"].iter().chain(args).chain(&["--wait", "700ms"]);
    Running::start(lab.udpkit("client").args(args))
}

/// Checks that a statement has at least these keys and values.
#[track_caller]
fn holds(told: &Value, wanted: &Value) {
    for (key, value) in wanted.as_object().expect("an object") {
        assert_eq!(&told[key], value, "{key} of {told:#}");
    }
}

/// The router that replied at each hop of the first flow.
fn routers(report: &Value) -> Vec<Option<String>> {
    let hops = path(report, "flow_reports.0.hop_rows").as_array().expect("hops");
    hops.iter()
        .map(|hop| {
            let tries = path(hop, "try_rows").as_array().expect("tries");
            tries.iter().find_map(|one| one["from"].as_str()).map(str::to_owned)
        })
        .collect()
}

/// The rules of the routers, by destination port. The quoted port follows the ICMP header and the
/// quoted IP header.
const FIRST: &str = "table inet t {
    chain forward {
        type filter hook forward priority 0
        udp dport 1002 drop
        udp dport 1003 reject with icmpx type admin-prohibited
    }
    chain output {
        type filter hook output priority 0
        icmp type time-exceeded @th,240,16 1004 drop
        icmpv6 type time-exceeded @th,400,16 1004 drop
    }
}";
const SECOND: &str = "table inet t {
    chain forward {
        type filter hook forward priority 0
        udp dport 1001 drop
    }
}";

#[test]
fn the_verdict_matches_the_rules_of_the_routers() {
    require_lab!();
    let lab = outspoken_path();
    lab.nft("r1", FIRST);
    lab.nft("r2", SECOND);
    let server = Running::start(lab.udpkit("server").args(["serve"]));
    server.wait_for_line("serving on", secs(10));
    let wanted = |v6: bool, port: u16| {
        let at = |v4: &str, address: &str| if v6 { address.to_owned() } else { v4.to_owned() };
        let target = format!("{}:{port}", at("10.77.3.2", "[fd77:3::2]"));
        let (first, second) = (at("10.77.1.1", "fd77:1::1"), at("10.77.2.2", "fd77:2::2"));
        let (icmp_type, icmp_code) = if v6 { (1, 1) } else { (3, 13) };
        let icmp = value!({ "icmp_type": icmp_type, "icmp_code": icmp_code, "meaning": "communication_prohibited" });
        match port {
            8620 | 1004 => value!({ "code": "reached", "target": target, "hops": 3 }),
            9 => value!({ "code": "port_closed", "target": target, "hops": 3 }),
            1001 => value!({ "code": "no_reply_beyond", "hop": 2, "router_addresses": [second] }),
            1002 => value!({ "code": "no_reply_beyond", "hop": 1, "router_addresses": [first] }),
            _ => value!({ "code": "stopped_at", "hop": 1, "router": first, "icmp": icmp }),
        }
    };
    let mut runs = Vec::new();
    for (v6, host) in [(false, "10.77.3.2"), (true, "[fd77:3::2]")] {
        for port in [8620, 9, 1001, 1002, 1003] {
            runs.push((v6, port, begin(&lab, &[&format!("{host}:{port}"), "-J"])));
        }
    }
    for (v6, port, run) in runs {
        let output = run.wait(secs(30));
        let reached = matches!(port, 8620 | 9);
        assert_eq!(output.code(), Some(i32::from(!reached)), "{port}: {}", output.err());
        let report = json(&output.out());
        holds(path(&report, "verdict"), &wanted(v6, port));
        if reached {
            let [one, two, three] = [("1", "1"), ("2", "2"), ("3", "2")].map(|(net, host)| {
                if v6 { format!("fd77:{net}::{host}") } else { format!("10.77.{net}.{host}") }
            });
            assert_eq!(routers(&report), [Some(one), Some(two), Some(three)], "{report:#}");
        }
        let silent = matches!(port, 1001 | 1002);
        let told = path(&report, "alternatives").as_array().expect("statements");
        // The silent hop may always be the target, silent on that port only.
        assert_eq!(told.len(), if silent { 3 } else { 0 }, "{report:#}");
    }
}

#[test]
fn a_silent_router_is_a_star_and_the_trace_goes_on_behind_it() {
    require_lab!();
    let lab = outspoken_path();
    lab.nft("r1", FIRST);
    let _servers = ["0.0.0.0:1004", "[::]:1004"].map(|at| {
        let server = Running::start(lab.udpkit("server").args(["serve", at]));
        server.wait_for_line("serving on", secs(10));
        server
    });
    for at in ["10.77.3.2:1004", "[fd77:3::2]:1004"] {
        let runs = [begin(&lab, &[at, "-J"]), begin(&lab, &[at])];
        let [report, text] = runs.map(|run| run.wait(secs(30)).expect_success().out());
        let report = json(&report);
        holds(path(&report, "verdict"), &value!({ "code": "reached", "hops": 3 }));
        let silent = value!({ "code": "silent_routers", "silent_hops": [1] });
        let told = path(&report, "evidence").as_array().expect("statements");
        let told = told.iter().find(|one| one["code"] == silent["code"]);
        holds(told.unwrap_or_else(|| panic!("{report:#}")), &silent);
        assert!(text.contains("\n    1  *   "), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn a_flow_keeps_its_ports_whatever_the_ttl() {
    require_lab!();
    let lab = outspoken_path();
    lab.nft(
        "client",
        "table inet t {
            counter ours { }
            counter others { }
            chain output {
                type filter hook output priority 0
                udp sport 5000-5001 udp dport 9 counter name ours accept
                meta l4proto udp counter name others
            }
        }",
    );
    let args = ["10.77.3.2:9", "--bind", ":5000", "--flows", "2", "--tries", "2", "-J"];
    let output = begin(&lab, &args).wait(secs(30)).expect_success();
    let report = json(&output.out());
    let ports =
        [0, 1].map(|flow| path(&report, &format!("flow_reports.{flow}.source_port")).as_u64());
    assert_eq!(ports, [Some(5000), Some(5001)]);
    let wanted = value!({ "code": "port_closed", "flows": 2, "target": "10.77.3.2:9", "hops": 3 });
    holds(path(&report, "verdict"), &wanted);
    let (ours, _) = lab.counter("client", "inet t", "ours");
    let (others, _) = lab.counter("client", "inet t", "others");
    // Three hops twice and the full TTL once, for each of two flows, at least.
    assert!(ours >= 14 && others == 0, "{ours} {others}");
}

#[test]
fn arguments_that_cannot_be_are_refused_before_a_socket_opens() {
    for (args, words) in [
        (
            &["127.0.0.1", "--flows", "4", "--bind", ":65534"][..],
            "the first port can be 65532 at most",
        ),
        (&["127.0.0.1", "--wait", "0s"], "--wait must be longer than 0 s"),
        (&["127.0.0.1", "--bind", "[::1]:9"], "of the other address family"),
        (&["127.0.0.1", "--hops", "255"], "255"),
        (&["127.0.0.1:70000"], "not a number from 1 to 65535"),
    ] {
        let output = run(udpkit().args(["probe", "trace"]).args(args), secs(10));
        assert_eq!(output.code(), Some(2), "{args:?}");
        assert!(output.err().contains(words), "{args:?}: {}", output.err());
    }
}
