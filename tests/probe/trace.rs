//! `udpkit probe trace` over two routers whose rules are known: the verdict is the rule.

use crate::common::{Lab, Output, Running, json, path, require_lab, run, secs, udpkit};
use serde_json::Value;

/// A path whose routers and server answer every datagram that they refuse: Linux would otherwise
/// limit its ICMP, and probes beside each other would have to share it.
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

fn verdict(output: &Output) -> String {
    let report = json(&output.out());
    path(&report, "verdict").as_str().expect("a sentence").to_owned()
}

/// Who spoke at each hop of the first flow.
fn routers(report: &Value) -> Vec<Option<String>> {
    let hops = path(report, "flows.0.hops").as_array().expect("hops");
    hops.iter()
        .map(|hop| {
            let tries = path(hop, "tries").as_array().expect("tries");
            tries.iter().find_map(|one| one["from"].as_str()).map(str::to_owned)
        })
        .collect()
}

/// What the routers do, by the port that a datagram is for. The quoted port stands behind ICMP's
/// header and the quoted IP header.
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
fn the_verdict_is_what_the_routers_were_told_to_do() {
    require_lab!();
    let lab = outspoken_path();
    lab.nft("r1", FIRST);
    lab.nft("r2", SECOND);
    let server = Running::start(lab.udpkit("server").args(["serve"]));
    server.wait_for_line("serving on", secs(10));
    let wanted = |v6: bool, port: u16| {
        let at = |v4: &str, address: &str| if v6 { address.to_owned() } else { v4.to_owned() };
        let target = at("10.77.3.2", "fd77:3::2");
        let (first, second) = (at("10.77.1.1", "fd77:1::1"), at("10.77.2.2", "fd77:2::2"));
        let forbidden = at("3/13", "1/1");
        match port {
            8620 | 1004 => format!("reaches {target} in 3 hops"),
            9 => format!("reaches {target} in 3 hops, where port 9 is closed"),
            1001 => format!("has no answer beyond hop 2 ({second})"),
            1002 => format!("has no answer beyond hop 1 ({first})"),
            _ => format!(
                "is stopped at hop 1 ({first}): \
                 communication administratively prohibited (ICMP {forbidden})"
            ),
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
        assert_eq!(verdict(&output), wanted(v6, port), "{}", output.out());
        let report = json(&output.out());
        if reached {
            let [one, two, three] = [("1", "1"), ("2", "2"), ("3", "2")].map(|(net, host)| {
                if v6 { format!("fd77:{net}::{host}") } else { format!("10.77.{net}.{host}") }
            });
            assert_eq!(routers(&report), [Some(one), Some(two), Some(three)], "{report:#}");
        }
        let silent = matches!(port, 1001 | 1002);
        let told = path(&report, "could_also_be").as_array().expect("sentences");
        // Whoever fell silent, the next hop may be the target, and keep silent of that port alone.
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
    let runs = ["10.77.3.2:1004", "[fd77:3::2]:1004"].map(|at| begin(&lab, &[at]));
    for run in runs {
        let text = run.wait(secs(30)).expect_success().out();
        assert!(text.contains("\n    1  *   ") && text.contains("in 3 hops"), "{text}");
        assert!(text.contains("hop 1 kept silent and let datagrams through"), "{text}");
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
    let ports = [0, 1].map(|flow| path(&report, &format!("flows.{flow}.source_port")).as_u64());
    assert_eq!(ports, [Some(5000), Some(5001)]);
    assert_eq!(
        path(&report, "verdict"),
        "each of 2 flows reaches 10.77.3.2 in 3 hops, where port 9 is closed"
    );
    let (ours, _) = lab.counter("client", "inet t", "ours");
    let (others, _) = lab.counter("client", "inet t", "others");
    // Three hops twice and the full TTL once, for each of two flows, at least.
    assert!(ours >= 14 && others == 0, "{ours} {others}");
}

#[test]
fn arguments_that_cannot_be_are_refused_before_a_socket_opens() {
    for (args, words) in [
        (&["127.0.0.1", "--flows", "4", "--bind", ":65534"][..], "no 4 ports from 65534 on"),
        (&["127.0.0.1", "--wait", "0s"], "--wait 0 waits for nothing"),
        (&["127.0.0.1", "--bind", "[::1]:9"], "of the other family"),
        (&["127.0.0.1", "--hops", "255"], "255"),
        (&["127.0.0.1:70000"], "not a number from 1 to 65535"),
    ] {
        let output = run(udpkit().args(["probe", "trace"]).args(args), secs(10));
        assert_eq!(output.code(), Some(2), "{args:?}");
        assert!(output.err().contains(words), "{args:?}: {}", output.err());
    }
}
