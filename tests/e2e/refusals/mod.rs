//! What a refusal is worth: errors of the network, of the far end's host and of this host, for
//! datagrams of runs that could go on. Each beside the same without the fault, in both families.

mod answerer;

use self::answerer::answerer;
use crate::common::{
    Lab, Output, Running, free_udp_port, json, number, path, require_lab, run, secs, text, udpkit,
    wait_until,
};
use serde_json::Value;
use std::process::Command;

/// The server of a `path` lab, in each family, and the router next to the client.
const SERVER: [(&str, &str); 2] = [("10.77.3.2", "10.77.1.1"), ("fd77:3::2", "fd77:1::1")];

/// The address with a port.
fn at(ip: &str, port: u16) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

/// A lab whose first router has an empty chain `inet t f` for what it forwards, and a server.
fn routed() -> (Lab, Running) {
    let lab = Lab::path();
    for host in ["r1", "server"] {
        lab.shell(
            host,
            "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
             echo 0 >/proc/sys/net/ipv6/icmp/ratelimit",
        );
    }
    lab.nft("r1", "add table inet t\nadd chain inet t f { type filter hook forward priority 0; }");
    let server = Running::start(lab.udpkit("server").arg("serve"));
    server.wait_for_line("serving on", secs(10));
    (lab, server)
}

/// Every command that opens a dialogue with a server, short.
fn dialogues() -> [Vec<&'static str>; 6] {
    [
        vec!["probe", "marks", "HOST"],
        vec!["probe", "ports", "HOST", "63000-63001"],
        vec!["probe", "mtu", "HOST"],
        vec!["probe", "timeout", "HOST", "--candidates", "1s", "--tries", "1"],
        vec!["probe", "shape", "HOST"],
        vec!["blast", "HOST", "--rate", "100pps", "--size", "100", "-t", "500ms"],
    ]
}

fn to_host(lab: &Lab, args: &[&str], host: &str) -> Command {
    let mut command = lab.udpkit("client");
    command.args(args.iter().map(|arg| if *arg == "HOST" { host } else { arg })).arg("--json");
    command
}

/// Runs every dialogue with `server` after a rule has been loaded for it.
fn every_dialogue_succeeds(lab: &Lab, server: &str, rule: &str) {
    for args in dialogues() {
        lab.nft("r1", rule);
        let output = run(&mut to_host(lab, &args, server), secs(60));
        assert_eq!(output.code(), Some(0), "{args:?} {rule}: {}{}", output.err(), output.out());
        lab.nft("r1", "flush chain inet t f");
    }
}

#[test]
fn one_refusal_by_a_router_of_the_first_datagram_ends_no_dialogue() {
    require_lab!();
    let (lab, _server) = routed();
    for ((server, _), refusal) in SERVER.into_iter().zip(["host-unreachable", "port-unreachable"]) {
        every_dialogue_succeeds(&lab, server, "");
        let once = "limit rate 1/hour burst 1 packets";
        let rule = format!(
            "add rule inet t f iifname lan udp dport 8620 {once} reject with icmpx {refusal}"
        );
        every_dialogue_succeeds(&lab, server, &rule);
    }
}

#[test]
fn one_refusal_of_the_first_command_ends_no_subscription() {
    require_lab!();
    let (lab, _server) = routed();
    for (server, _) in SERVER {
        for refusal in ["", "host-unreachable", "port-unreachable", "admin-prohibited"] {
            let args = ["cast", "send", "--open=8700", "-s", "50", "-c", "400", "-i", "5ms"];
            let sender = Running::start(lab.udpkit("server").args(args).args(["--receivers", "1"]));
            lab.wait_bound("server", 8700);
            if !refusal.is_empty() {
                let once = "limit rate 1/hour burst 1 packets";
                let rule = format!("udp dport 8700 {once} reject with icmpx {refusal}");
                lab.nft("r1", &format!("add rule inet t f iifname lan {rule}"));
            }
            let args = ["cast", "recv", "--sender", &at(server, 8_700), "--count", "3", "-J"];
            let output = run(lab.udpkit("client").args(args), secs(15));
            assert_eq!(output.code(), Some(0), "{server} {refusal}: {}", output.err());
            lab.nft("r1", "flush chain inet t f");
            sender.signal("INT");
            sender.wait(secs(10));
        }
    }
}

#[test]
fn a_small_path_is_found_by_the_first_run_whether_its_router_says_so_or_not() {
    require_lab!();
    let (lab, _server) = routed();
    // Silent, in both families: nothing longer than 400 bytes leaves, whatever carries it.
    for (server, _) in SERVER {
        for args in dialogues().iter().filter(|args| !args.contains(&"shape")) {
            lab.nft("r1", "add rule inet t f iifname lan meta length > 400 drop");
            let first = run(&mut to_host(&lab, args, server), secs(60));
            assert_eq!(first.code(), Some(0), "{args:?}: {}{}", first.err(), first.out());
            lab.nft("r1", "flush chain inet t f");
        }
    }
    // An IPv4 path of 576 bytes (IPv6 has none so small), whose routers say so, or do not.
    for (host, interface) in [("r1", "wan"), ("r2", "lan")] {
        lab.shell(host, &format!("ip link set {interface} mtu 576"));
        lab.nft(host, "add table ip s\nadd chain ip s o { type filter hook output priority 0; }");
    }
    for rule in ["", "add rule ip s o icmp type destination-unreachable icmp code frag-needed drop"]
    {
        for host in ["r1", "r2"] {
            lab.nft(host, rule);
        }
        for args in dialogues() {
            for host in ["client", "server"] {
                lab.shell(host, "ip route flush cache");
            }
            let first = run(&mut to_host(&lab, &args, SERVER[0].0), secs(60));
            // What they find may be that large datagrams do not pass.
            let report = json(&first.out());
            let failed = ["failure", "no_agent", "error"].map(|key| report.get(key).cloned());
            assert!(failed.iter().flatten().all(Value::is_null), "{args:?} {rule}: {report:#}");
        }
    }
}

/// A run; `fault` is loaded on `host` in the middle, for as long as told, and then what it filled is
/// flushed.
fn blast_through(lab: &Lab, server: &str, fault: Option<(&str, &str, u64)>) -> Value {
    let before = sent(lab, "client");
    let args = ["blast", server, "--rate", "1kpps", "--size", "100", "-t", "2m", "--json"];
    let client = Running::start(lab.udpkit("client").args(args));
    let goes_on_from =
        |before, by| wait_until("the run", secs(10), || sent(lab, "client") > before + by);
    goes_on_from(before, 300);
    if let Some((host, rule, datagrams)) = fault {
        lab.nft(host, rule);
        goes_on_from(sent(lab, "client"), datagrams);
        lab.nft(host, "flush chain inet t f");
    }
    goes_on_from(sent(lab, "client"), 300);
    client.signal("INT");
    let output = client.wait(secs(30));
    assert_eq!(output.code(), Some(0), "{}{}", output.err(), output.out());
    json(&output.out())
}

/// Datagrams that a host has sent in both families.
fn sent(lab: &Lab, host: &str) -> u64 {
    lab.snmp(host).out_datagrams + lab.snmp6(host).out_datagrams
}

/// The network errors of a report, as (code, from, datagrams).
fn events(report: &Value) -> Vec<(String, String, u64)> {
    let all = path(report, "network_errors").as_array().expect("a list");
    all.iter()
        .map(|one| {
            let error = &one["error"];
            let error = if error.is_object() { error } else { one };
            (text(error, "code").to_owned(), text(error, "from").to_owned(), number(one, "times"))
        })
        .collect()
}

#[test]
fn a_refusal_in_mid_run_is_an_outage_whoever_sends_it() {
    require_lab!();
    for (index, (server, router)) in SERVER.into_iter().enumerate() {
        for (host, from) in [("r1", router), ("server", server)] {
            let (lab, _server) = routed();
            lab.nft(
                "server",
                "add table inet t\nadd chain inet t f { type filter hook input priority 0; }",
            );
            let whole = blast_through(&lab, server, None);
            assert_eq!(events(&whole), [], "{whole:#}");
            assert_eq!(number(&whole, "lost.total"), 0, "{whole:#}");
            let rule = "add rule inet t f meta l4proto udp reject with icmpx port-unreachable";
            // Less than a second, which would end the run: each refusal takes the place of a send.
            let report = blast_through(&lab, server, Some((host, rule, 250)));
            assert_eq!(path(&report, "counts_final"), true, "{report:#}");
            assert!(path(&report, "failure").is_null(), "{report:#}");
            let lost = number(&report, "lost.total");
            assert!((200..5_000).contains(&lost), "{index} {lost} {report:#}");
            let events = events(&report);
            assert_eq!(events.len(), 1, "{events:?}");
            assert_eq!((events[0].0.as_str(), events[0].1.as_str()), ("port_unreachable", from));
            assert!(events[0].2 > 0, "{events:?}");
        }
    }
}

#[test]
fn a_server_that_is_gone_ends_a_run_once_a_second_has_brought_no_answer() {
    require_lab!();
    let lab = Lab::pair();
    for server in ["10.77.0.2", "fd77::2"] {
        let there = Running::start(lab.udpkit("b").arg("serve"));
        there.wait_for_line("serving on", secs(10));
        let args = ["blast", server, "--rate", "1kpps", "--size", "100", "--json"];
        let client = Running::start(lab.udpkit("a").args(args).args(["-t", "30s"]));
        let before = sent(&lab, "a");
        wait_until("the run", secs(10), || sent(&lab, "a") > before + 300);
        there.signal("KILL");
        let output = client.wait(secs(10));
        assert_eq!(output.code(), Some(1), "{}", output.err());
        assert_eq!(text(&json(&output.out()), "failure.code"), "went_away");
        // Where none ever was, it takes as long to say so.
        let output = run(lab.udpkit("a").args(args), secs(4));
        assert_eq!(text(&json(&output.out()), "failure.code"), "port_closed", "{}", output.err());
    }
}

#[test]
fn a_restarted_server_is_named_and_no_closed_port() {
    let port = free_udp_port().to_string();
    for ip in ["127.0.0.1", "::1"] {
        let serve = || {
            let server = Running::start(udpkit().args(["serve", ip, "--port", &port]));
            server.wait_for_line("serving on", secs(10));
            server
        };
        let first = serve();
        let args = ["blast", ip, "--port", &port, "--rate", "1kpps", "-t", "30s", "--json"];
        let client = Running::start(udpkit().args(args));
        first.wait_for_line("throughput test", secs(10));
        first.signal("KILL");
        first.wait(secs(5));
        let _second = serve();
        let output = client.wait(secs(10));
        assert_eq!(output.code(), Some(1), "{}", output.err());
        let report = json(&output.out());
        assert_eq!(text(&report, "failure.code"), "server_restarted", "{}", output.err());
    }
}

/// The figures of a `ping` to one target.
fn pinged(output: &Output) -> (u64, u64, u64) {
    let report = json(&output.out());
    let target = path(&report, "targets.0");
    let errors = path(target, "network_errors").as_array().expect("a list");
    let times = errors.iter().map(|one| number(one, "times")).sum();
    (number(target, "back"), number(target, "lost_datagrams"), times)
}

#[test]
fn an_answer_overrules_a_refusal_of_the_same_probe() {
    require_lab!();
    let lab = Lab::pair();
    for ip in ["10.77.0.2", "fd77::2"] {
        let to = at(ip, 7_000);
        let args = ["ping", "--echo", &to, "-c", "3", "-i", "100ms", "-w", "500ms", "--json"];
        let echo = Running::start(lab.udpkit("b").args(["recv", "--echo", "-q", &to]));
        lab.wait_bound("b", 7_000);
        let plain = run(lab.udpkit("a").args(args), secs(10)).expect_success();
        assert_eq!(pinged(&plain), (3, 0, 0), "{}", plain.out());
        echo.signal("INT");
        echo.wait(secs(5));
        let refusing = Running::start(&mut answerer(&lab, "b", &to));
        refusing.wait_for_line("listening", secs(10));
        let refused = run(lab.udpkit("a").args(args), secs(10)).expect_success();
        assert_eq!(pinged(&refused), (3, 0, 3), "{}", refused.out());
    }
}

#[test]
fn what_this_hosts_own_filter_refuses_is_tried_once() {
    require_lab!();
    let lab = Lab::pair();
    for ip in ["10.77.0.2", "fd77::2"] {
        for (io, verdict) in [
            ("plain", "drop"),
            ("plain", "reject with icmpx port-unreachable"),
            ("plain", "reject with icmpx admin-prohibited"),
            ("mmsg", "drop"),
            ("mmsg", "reject with icmpx port-unreachable"),
            ("plain", "accept"),
        ] {
            lab.nft(
                "a",
                &format!(
                    "add table inet t
                     add counter inet t tried
                     add chain inet t o {{ type filter hook output priority 0; }}
                     add rule inet t o udp dport 9000 counter name tried {verdict}"
                ),
            );
            let to = at(ip, 9_000);
            let args = ["send", &to, "-s", "50", "-c", "20", "--io", io, "--json"];
            let output = run(lab.udpkit("a").args(args), secs(20));
            assert_eq!(
                lab.counter("a", "inet t", "tried").0,
                20,
                "{io} {verdict}: {}",
                output.err()
            );
            lab.nft("a", "delete table inet t");
        }
    }
}

#[test]
fn a_dead_destination_beside_a_live_one_costs_the_live_one_nothing() {
    require_lab!();
    // So that the counter sees datagrams.
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.shell(
        "b",
        "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
         echo 0 >/proc/sys/net/ipv6/icmp/ratelimit",
    );
    lab.nft(
        "b",
        "add table inet t
         add counter inet t live
         add chain inet t i { type filter hook input priority 0; }
         add rule inet t i udp dport 9000 counter name live",
    );
    let mut before = 0;
    for ip in ["10.77.0.2", "fd77::2"] {
        let (dead, live) = (at(ip, 9), at(ip, 9_000));
        let receiver = Running::start(lab.udpkit("b").args(["recv", &live, "-q"]));
        lab.wait_bound("b", 9_000);
        for io in ["plain", "mmsg", "auto"] {
            for to in [&[&dead[..], &live][..], &[&live]] {
                let args = ["-s", "50", "-c", "500", "--rate", "10kpps", "--io", io];
                let output = run(lab.udpkit("a").arg("send").args(to).args(args), secs(20));
                let said = format!("{}{}", output.out(), output.err());
                assert!(!said.contains("not sent"), "{io}: {said}");
                let blamed = |line: &&str| line.contains(&live) && line.contains("unreachable");
                assert_eq!(said.lines().find(blamed), None, "{io}: {said}");
                assert_eq!(said.contains("port unreachable"), to.len() == 2, "{io}: {said}");
                let arrived = lab.counter("b", "inet t", "live").0;
                assert_eq!(arrived - before, 500, "{io} {to:?}: {said}");
                before = arrived;
            }
        }
        receiver.signal("INT");
        receiver.wait(secs(5));
    }
}
