//! `udpkit probe ports` without a remote agent: real services, firewalls with known rules, and a
//! comparison with nmap.

use crate::common::{
    Lab, Running, json, path, ports::lists_port, require_lab, require_tools, run, secs, udpkit,
    wait_until,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Every port probed in the lab.
const PORTS: &str = "53,67,69,123,161,3478,5000-5008,6000-6004,6010-6015";

/// The firewalls: r2 drops, drops replies, and rejects in four ways; r1 rejects in one way, and so
/// does the server itself, with its own address.
const R2: &str = "table inet wall {
    chain forward {
        type filter hook forward priority 0
        udp dport 6000-6003 drop
        udp sport 6004 drop
        udp dport 6010 reject with icmpx type admin-prohibited
        udp dport 6011 reject with icmpx type port-unreachable
        udp dport 6012 reject with icmpx type host-unreachable
        meta nfproto ipv4 udp dport 6013 reject with icmp type net-prohibited
        meta nfproto ipv6 udp dport 6013 reject with icmpv6 type no-route
    }
}";
const R1: &str = "table inet wall {
    chain forward {
        type filter hook forward priority 0
        udp dport 6014 reject with icmpx type admin-prohibited
    }
}";
const SERVER: &str = "table inet wall {
    chain input {
        type filter hook input priority 0
        udp dport 6015 reject with icmpx type port-unreachable
    }
}";

/// Starts the services, each with a temporary configuration, for a minute at most.
fn services(lab: &Lab, dir: &Path) -> Vec<Running> {
    let at = |name: &str| dir.join(name).display().to_string();
    let chrony = format!(
        "local stratum 10\nallow all\ncmdport 0\nbindcmdaddress /\npidfile {}\ndriftfile {}\n",
        at("chrony.pid"),
        at("drift")
    );
    fs::write(dir.join("chrony.conf"), chrony).expect("a file");
    fs::write(dir.join("snmpd.conf"), "agentaddress udp:161,udp6:161\nrocommunity public\n")
        .expect("a file");
    fs::create_dir(dir.join("tftp")).expect("a directory");
    let start = |program: &str, args: &[&str]| {
        let mut command = lab.command("server", "timeout");
        command.args(["60", program]).args(args).env("SNMP_PERSISTENT_DIR", dir).env("MIBS", "");
        Running::start(&mut command)
    };
    let (leases, pid) = (format!("--dhcp-leasefile={}", at("leases")), at("dnsmasq.pid"));
    vec![
        // The echo server whose replies a firewall drops.
        start("socat", &["UDP6-RECVFROM:6004,fork", "PIPE"]),
        start(
            "dnsmasq",
            &[
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-resolv",
                "--no-hosts",
                "--user=root",
                &format!("--pid-file={pid}"),
                &leases,
                "--dhcp-range=10.77.1.100,10.77.1.120,255.255.255.0",
            ],
        ),
        start("chronyd", &["-x", "-d", "-u", "root", "-f", &at("chrony.conf")]),
        start("in.tftpd", &["-L", "-s", "--address", ":69", &at("tftp")]),
        start("snmpd", &["-f", "-Lo", "-C", "-c", &at("snmpd.conf"), "-p", &at("snmpd.pid")]),
        start(
            "turnserver",
            &[
                "-n",
                "--no-tls",
                "--no-dtls",
                "--no-tcp",
                "--no-cli",
                "--no-auth",
                "-l",
                "stdout",
                "--pidfile",
                &at("turn.pid"),
                "-b",
                &at("turn.db"),
                "-L",
                "0.0.0.0",
                "-L",
                "::",
            ],
        ),
    ]
}

/// Waits until the services have bound their ports, over both families if they serve both.
fn wait_until_served(lab: &Lab) {
    for (table, ports) in [
        ("/proc/net/udp", &[53, 67, 69, 123, 161, 3478][..]),
        ("/proc/net/udp6", &[53, 69, 123, 161, 3478, 6004]),
    ] {
        for port in ports {
            wait_until(&format!("who serves port {port} of {table}"), secs(30), || {
                lists_port(&lab.shell("server", &format!("cat {table}")), *port)
            });
        }
    }
}

/// State and description of every port.
fn told(report: &Value) -> BTreeMap<u64, (String, String)> {
    let ports = path(report, "port_rows").as_array().expect("ports");
    ports
        .iter()
        .map(|port| {
            let text = |key: &str| path(port, key).as_str().unwrap_or("-").to_owned();
            let number = |key: &str| port["icmp"][key].as_u64();
            let words = match number("icmp_type").zip(number("icmp_code")) {
                Some((kind, code)) => {
                    format!("{kind}/{code} {}", port["icmp"]["from"].as_str().unwrap_or("-"))
                }
                None => text("answer"),
            };
            (path(port, "port").as_u64().expect("a port"), (text("state"), words))
        })
        .collect()
}

/// Ports and states in nmap's greppable output.
fn nmap_states(text: &str) -> BTreeMap<u64, String> {
    let line = text.lines().find_map(|line| line.split_once("Ports: ")).expect("nmap's ports").1;
    line.split('\t')
        .next()
        .unwrap_or_default()
        .split(", ")
        .map(|entry| {
            let mut fields = entry.split('/');
            let port = fields.next().and_then(|port| port.parse().ok()).expect("a port");
            (port, fields.next().expect("a state").to_owned())
        })
        .collect()
}

/// The duration that nmap reports.
fn nmap_seconds(text: &str) -> f64 {
    let said = text.rsplit_once("scanned in ").and_then(|(_, rest)| rest.split_once(" seconds"));
    said.and_then(|(seconds, _)| seconds.parse().ok()).expect("nmap's time")
}

fn assert_told(found: &BTreeMap<u64, (String, String)>, port: u64, state: &str, words: &str) {
    assert_eq!(found[&port], (state.to_owned(), words.to_owned()), "port {port}");
}

#[test]
fn services_and_firewalls_are_found_and_nmap_agrees() {
    require_lab!();
    require_tools!("socat", "dnsmasq", "chronyd", "in.tftpd", "snmpd", "turnserver", "nmap", "nft");
    let dir = tempfile::tempdir().expect("a directory");
    let lab = Lab::path();
    lab.nft("r2", R2);
    lab.nft("r1", R1);
    lab.nft("server", SERVER);
    let _services = services(&lab, dir.path());
    wait_until_served(&lab);
    // In parallel: the server's ICMP rate limit applies per client and family.
    let probe = |target: &str| {
        let args = ["probe", "ports", target, PORTS, "--no-agent", "--json"];
        Running::start(lab.udpkit("client").args(args))
    };
    let nmap = |family: &[&str], target: &str| {
        let mut command = lab.command("r1", "nmap");
        let args = ["-sU", "-n", "-Pn", "-oG", "-", "-p", PORTS, target];
        Running::start(command.args(family).args(args))
    };
    let runs = [
        ("10.77.3.2", "10.77.2.2", probe("10.77.3.2"), nmap(&[], "10.77.3.2")),
        ("fd77:3::2", "fd77:2::2", probe("fd77:3::2"), nmap(&["-6"], "fd77:3::2")),
    ];
    for (target, r2, probe, nmap) in runs {
        let v4 = target.contains('.');
        let output = probe.wait(secs(60));
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let report = json(&output.out());
        let found = told(&report);
        assert_told(&found, 53, "open", "REFUSED");
        assert_told(&found, 69, "open", "error 1: File not found");
        assert_told(&found, 123, "open", "stratum 10");
        assert_told(&found, 161, "open", "v3");
        assert_told(&found, 3478, "open", "binding");
        let unreachable = if v4 { "3/3" } else { "1/4" };
        let by = |code: &str, who: &str| format!("{code} {who}");
        if v4 {
            assert_told(&found, 67, "open", "ACK");
        } else {
            // DHCP over IPv6 is another protocol with other ports.
            assert_told(&found, 67, "closed", &by(unreachable, target));
        }
        for port in (5000..=5008).chain([6015]) {
            assert_told(&found, port, "closed", &by(unreachable, target));
        }
        // The last one is open, but its replies are dropped.
        for port in 6000..=6004 {
            assert_told(&found, port, "silent", "-");
        }
        let icmp = if v4 { ["3/13", "3/3", "3/1", "3/9"] } else { ["1/1", "1/4", "1/3", "1/0"] };
        for (port, code) in (6010..).zip(icmp) {
            assert_told(&found, port, "filtered", &by(code, r2));
        }
        let r1 = if v4 { "10.77.1.1" } else { "fd77:1::1" };
        assert_told(&found, 6014, "filtered", &by(icmp[0], r1));
        assert!(codes(&report, "alternatives").contains(&"open_or_dropped"), "{report:#}");

        let output = nmap.wait(secs(120)).expect_success();
        let mut missed = Vec::new();
        for (port, theirs) in nmap_states(&output.out()) {
            let (ours, words) = &found[&port];
            let agree = match theirs.as_str() {
                // r1 probes from behind its own firewall.
                _ if port == 6014 => true,
                "open" => ours == "open",
                "closed" => ours == "closed",
                "filtered" => ours == "filtered",
                // nmap got no reply; udpkit may have got one, which is then described.
                "open|filtered" => ours == "silent" || words != "-",
                other => panic!("nmap says {other}"),
            };
            if theirs == "open|filtered" && ours != "silent" {
                missed.push(format!("{port} ({ours})"));
            }
            assert!(agree, "{target} port {port}: nmap says {theirs}, udpkit {ours} {words}");
        }
        let took = Duration::from_nanos(path(&report, "duration_ns").as_u64().expect("a span"));
        let (took, theirs) = (took.as_secs_f64(), nmap_seconds(&output.out()));
        let missed = missed.join(" ");
        eprintln!("{target}: udpkit {took:.2} s; nmap {theirs:.2} s, without word on {missed}");
        // Ten closed ports: Linux sends six ICMP errors at once, then one per second.
        assert!(took < 30.0, "{took} s");
    }
}

/// The codes of a list of statements.
fn codes<'a>(report: &'a Value, list: &str) -> Vec<&'a str> {
    let list = path(report, list).as_array().expect("a list").iter();
    list.map(|told| told["code"].as_str().expect("a code")).collect()
}

/// How many ports are open, closed, silent and unknown.
fn counted(report: &Value) -> [Option<u64>; 4] {
    assert_eq!(path(report, "verdict.code"), "counted");
    ["open", "closed", "silent", "unknown"].map(|state| report["verdict"][state].as_u64())
}

/// A scan of this host, which is quick.
fn scan(args: &[&str]) -> crate::common::Output {
    run(udpkit().args(["probe", "ports", "--no-agent"]).args(args), secs(30))
}

fn bound() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port().to_string();
    (socket, port)
}

#[test]
fn an_open_port_that_does_not_reply_is_never_called_closed() {
    let (_silent, port) = bound();
    let args = ["127.0.0.1", &port, "--tries", "2", "--wait", "50ms"];
    let text = scan(&args).expect_success().out();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let report = json(&scan(&[&args[..], &["-J"]].concat()).expect_success().out());
    assert_eq!(path(&report, "port_rows.0.state"), "silent");
    assert_eq!(path(&report, "port_rows.0.silent_tries"), 2);
    assert_eq!(counted(&report), [0, 0, 1, 0].map(Some));
    assert!(codes(&report, "alternatives").contains(&"closed_without_icmp"), "{report:#}");
    let closed = crate::common::free_udp_port().to_string();
    let report = json(&scan(&["127.0.0.1", &closed, "-J"]).expect_success().out());
    assert_eq!(counted(&report), [0, 1, 0, 0].map(Some));
    assert_eq!(path(&report, "port_rows.0.icmp.meaning"), "port_unreachable");
    assert_eq!(path(&report, "port_rows.0.icmp.icmp_code"), 3);
}

#[test]
fn a_service_is_found_on_any_port_with_its_own_request() {
    let (socket, port) = bound();
    let server = thread::spawn(move || {
        socket.set_read_timeout(Some(secs(20))).expect("a timeout");
        let mut bytes = [0; 1_500];
        let (len, from) = socket.recv_from(&mut bytes).expect("a question");
        assert_eq!(bytes[2..len], *b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01");
        // The same request, as a response with a code.
        bytes[2..4].copy_from_slice(&[0x81, 0x83]);
        socket.send_to(&bytes[..len], from).expect("an answer");
    });
    let args = ["127.0.0.1", &port, "--as", "dns", "--json", "--wait", "20s"];
    let report = json(&scan(&args).expect_success().out());
    server.join().expect("it was asked");
    assert_eq!(path(&report, "command"), "probe ports");
    assert_eq!(path(&report, "port_rows.0.answer"), "NXDOMAIN");
    assert_eq!(counted(&report), [1, 0, 0, 0].map(Some));
    assert!(path(&report, "port_rows.0.round_trip_ns").as_u64().is_some_and(|nanos| nanos > 0));
}

#[test]
fn an_interrupted_scan_reports_what_it_knows() {
    let (socket, port) = bound();
    let args = ["127.0.0.1", &port, "--no-agent", "--wait", "300s", "--time", "300s", "-J"];
    let running = Running::start(udpkit().args(["probe", "ports"]).args(args));
    socket.set_read_timeout(Some(secs(20))).expect("a timeout");
    socket.recv_from(&mut [0; 1_500]).expect("a question");
    running.signal("INT");
    let output = running.wait(secs(10));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let report = json(&output.out());
    assert_eq!(path(&report, "port_rows.0.state"), "unknown");
    assert_eq!(codes(&report, "caveats"), ["interrupted", "interrupted_first"]);
    assert_eq!(path(&report, "caveats.1.ports"), 1);
}

#[test]
fn usage_errors_of_a_scan_are_found_before_anything_is_sent() {
    for (args, named) in [
        (&["127.0.0.1", "5100-5000"][..], "'5100-5000'"),
        (&["127.0.0.1", "65536"], "'65536'"),
        (&["127.0.0.1", "0"], "'0'"),
        (&["127.0.0.1", ""], "PORTS"),
        (&["127.0.0.1", "53,"], "'53,'"),
        (&["127.0.0.1"], "PORTS"),
        (&["127.0.0.1", "53", "--tries", "0"], "--tries"),
        (&["127.0.0.1", "53", "--rate", "0"], "--rate"),
        (&["127.0.0.1", "53", "--wait", "0"], "--wait"),
        (&["127.0.0.1", "53", "--as", "gopher"], "'gopher'"),
    ] {
        let output = scan(args);
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(named), "{args:?}: {}", output.err());
        assert_eq!(output.out(), "", "{args:?}");
    }
}

#[test]
fn a_name_of_both_families_is_scanned_over_one_and_the_other_is_named() {
    require_lab!();
    require_tools!("unshare", "mount");
    let dir = tempfile::tempdir().expect("a directory");
    let hosts = dir.path().join("hosts");
    fs::write(&hosts, "127.0.0.1 both.test\n::1 both.test\n").expect("a file");
    // Visible to this command only.
    let script = format!("mount --bind {} /etc/hosts && exec \"$@\"", hosts.display());
    let closed = crate::common::free_udp_port().to_string();
    let scan = |family: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_udpkit")]);
        command.args(["probe", "ports", "both.test", &closed, "--no-agent", "-J"]).args(family);
        json(&run(&mut command, secs(30)).expect_success().out())
    };
    // The caveat names the other one.
    let other = |report: &Value| {
        let caveats = path(report, "caveats").as_array().expect("a list");
        let told = caveats.iter().find(|told| told["code"] == "other_family")?;
        assert_eq!(told["host"], "both.test");
        told["address"].as_str().map(str::to_owned)
    };
    let (v4, v6) = (scan(&["-4"]), scan(&["-6"]));
    for (report, target) in [(v4, "127.0.0.1"), (v6, "::1")] {
        assert_eq!(path(&report, "host"), "both.test");
        assert_eq!(path(&report, "target"), target);
        assert_eq!(other(&report), None);
    }
    let either = scan(&[]);
    let is_v6 = path(&either, "target") == "::1";
    assert_eq!(other(&either).as_deref(), Some(if is_v6 { "127.0.0.1" } else { "::1" }));
}
