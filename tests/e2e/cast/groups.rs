//! `udpkit cast` with many groups, given sources, several interfaces, routers, stored streams, and
//! other programs.

use crate::common::relay::Relay;
use crate::common::{
    Lab, Output, Running, free_udp_port, json, number, path, require_lab, require_tools, run,
};
use crate::common::{secs, text, udpkit};
use serde_json::Value;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Instant;

/// Starts a receiver and waits until it has joined `last`, the last of its groups.
fn receiver(command: &mut Command, last: &str, args: &[&str]) -> Running {
    let running = Running::start(command.args(["cast", "recv"]).args(args));
    running.wait_for("line that says it is ready", secs(20), |line| {
        line.starts_with("joined") && line.contains(last)
    });
    running
}

fn send(command: &mut Command, args: &[&str]) -> Output {
    run(command.args(["cast", "send"]).args(args), secs(30)).expect_success()
}

fn report_of(receiver: Running) -> Value {
    receiver.signal("INT");
    json(&receiver.wait(secs(10)).expect_success().out())
}

fn sources(report: &Value) -> &[Value] {
    path(report, "source_rows").as_array().expect("sources")
}

/// Adds a second link between the hosts of a pair: eth1, 10.78.0.0/24 and `fd78::/64`.
fn second_wire(lab: &Lab) {
    let peer = lab.namespace("b");
    lab.shell("a", &format!("ip link add eth1 type veth peer name eth1 netns {peer}"));
    for (host, last) in [("a", 1), ("b", 2)] {
        let script = format!(
            "sysctl -qw net.ipv6.conf.eth1.accept_dad=0; ip addr add 10.78.0.{last}/24 dev eth1; \
             ip addr add fd78::{last}/64 dev eth1; ip link set eth1 up"
        );
        lab.shell(host, &script);
    }
    // A link becomes ready some time after the command that brings it up.
    let deadline = Instant::now() + secs(10);
    let ready = |host| !lab.shell(host, "ip -6 addr show dev eth1 scope link").trim().is_empty();
    while !(ready("a") && ready("b")) {
        assert!(Instant::now() < deadline, "eth1 does not come up");
    }
}

#[test]
fn excluded_sources_are_kept_out_by_the_kernel_and_beyond_its_list_by_the_receiver() {
    require_lab!();
    let lab = Lab::fanout(2);
    let groups = ["239.1.2.3:5000", "[ff15::1]:5000"];
    let mut args = groups.to_vec();
    args.extend(["--interface", "eth0", "-J"]);
    // r2 is the first excluded source for one receiver, and far beyond the kernel's list of 10
    // (64 of IPv6) for the other.
    let first = ["--exclude", "10.77.0.12", "--exclude", "fd77::12"];
    let others: Vec<String> =
        (20..90).flat_map(|last| [format!("10.77.0.{last}"), format!("fd77::{last}")]).collect();
    let few = [&args[..], &first].concat();
    let more = others.iter().flat_map(|one| ["--exclude", one.as_str()]);
    let many: Vec<&str> = args.iter().copied().chain(more).chain(first).collect();
    let few = receiver(&mut lab.udpkit("r1"), "[ff15::1]", &few);
    let filter = lab.shell("r1", "cat /proc/net/mcfilter");
    assert!(filter.contains("0xef010203 0x0a4d000c"), "{filter}");
    let many = receiver(&mut lab.udpkit("s"), "[ff15::1]", &many);
    let args = [&groups[..], &["--interface", "eth0", "-c", "20", "-s", "10"]].concat();
    // Without end messages and announcements, which are excluded as well.
    send(&mut lab.udpkit("r2"), &[&args[..], &["--no-header"]].concat());
    send(&mut lab.udpkit("r1"), &args);
    for (running, passed) in [(few, 0), (many, 40)] {
        let report = report_of(running);
        let mut heard: Vec<&str> = sources(&report).iter().map(|one| text(one, "source")).collect();
        // Each family has its own socket, and either may be read first.
        heard.sort_unstable();
        assert_eq!(heard.len(), 2, "{report:#}");
        assert!(heard[0].starts_with("10.77.0.11:") && heard[1].starts_with("[fd77::11]:"));
        assert_eq!(number(&report, "received"), 40);
        assert_eq!(number(&report, "excluded"), passed);
        assert!(text(&report, "groups.0.excluded_sources.0").starts_with("10.77.0."));
    }
}

#[test]
fn arrivals_on_two_interfaces_are_counted_separately() {
    require_lab!();
    let lab = Lab::pair();
    second_wire(&lab);
    lab.nft("b", "add table inet loss");
    lab.nft("b", "add chain inet loss input { type filter hook prerouting priority -300; }");
    for (name, to) in [("four", "ip daddr 239.1.2.3"), ("six", "ip6 daddr ff02::77")] {
        lab.nft("b", &format!("add counter inet loss {name}"));
        let which = "udp length 124 numgen inc mod 10 == 3";
        let rule = format!("iifname eth1 {to} {which} counter name {name} drop");
        lab.nft("b", &format!("add rule inet loss input {rule}"));
    }
    let both = ["--interface", "eth0", "--interface", "eth1", "-J"];
    let args = [&["239.1.2.3:5000", "[ff02::77]:5000"], &both[..]].concat();
    let running = receiver(&mut lab.udpkit("b"), "[ff02::77%eth1]", &args);
    let args = [&args[..], &["-s", "100", "-c", "200", "-i", "500us", "--io", "mmsg"]].concat();
    send(&mut lab.udpkit("a"), &args);
    let report = report_of(running);
    assert_eq!(sources(&report).len(), 4, "{report:#}");
    for source in sources(&report) {
        let name = if text(source, "group").starts_with('[') { "six" } else { "four" };
        let by_second = text(source, "interface") == "eth1";
        let lost = if by_second { lab.counter("b", "inet loss", name).0 } else { 0 };
        assert_eq!(lost, if by_second { 20 } else { 0 });
        assert_eq!(number(source, "lost_datagrams"), lost, "{source:#}");
        assert_eq!(number(source, "received"), 200 - lost, "{source:#}");
    }
}

#[test]
fn a_group_that_another_process_joined_is_reported_and_not_counted() {
    require_lab!();
    let lab = Lab::pair();
    second_wire(&lab);
    let args = ["[ff15::1]:5000", "--interface", "eth0", "-J"];
    let running = receiver(&mut lab.udpkit("b"), "[ff15::1]", &args);
    // For an IPv6 membership, Linux checks the address, not the interface.
    let other = ["[ff15::1]:5001", "--interface", "eth1"];
    let _other = receiver(&mut lab.udpkit("b"), "[ff15::1]:5001", &other);
    // Without end messages and announcements, which leak in as well.
    let args = ["[ff15::1]:5000", "--interface", "eth1", "-s", "10", "-c", "7", "--no-header"];
    send(&mut lab.udpkit("a"), &args);
    let args = ["[ff15::1]:5000", "--interface", "eth0", "-s", "10", "-c", "5"];
    send(&mut lab.udpkit("a"), &args);
    running.wait_for_line("receiving", secs(5));
    running.signal("INT");
    let output = running.wait(secs(10)).expect_success();
    let report = json(&output.out());
    assert_eq!(number(&report, "received"), 5, "{report:#}");
    assert_eq!(number(&report, "foreign"), 7, "{report:#}");
    assert_eq!(text(&report, "foreign_from.0.interface"), "eth1");
    assert_eq!(number(&report, "foreign_from.0.datagrams"), 7);
    let warning = "warning: fd78::1 sends to [ff15::1]:5000 on eth1";
    assert!(output.err().contains(warning), "{}", output.err());
}

#[test]
fn two_hundred_groups_are_joined_in_one_process_and_left() {
    require_lab!();
    let lab = Lab::pair();
    let joined = || {
        let table = lab.shell("b", "cat /proc/net/igmp");
        table.lines().filter(|line| line.split_whitespace().next().is_some_and(is_ours)).count()
    };
    let args = ["239.2.0.0-199:5000", "--interface", "eth0", "-J"];
    let running = receiver(&mut lab.udpkit("b"), "joined 200 groups", &args);
    assert_eq!(joined(), 200);
    let args = ["239.2.0.0-199:5000", "--interface", "eth0", "-c", "3", "-s", "10"];
    send(&mut lab.udpkit("a"), &[&args[..], &["--rate", "50pps"]].concat());
    let report = report_of(running);
    assert_eq!(sources(&report).len(), 200);
    assert_eq!((number(&report, "received"), number(&report, "lost_datagrams")), (600, 0));
    assert_eq!(joined(), 0);
}

/// Whether a word is `239.2.0.x` in the form of /proc/net/igmp: hexadecimal, in host byte order.
fn is_ours(word: &str) -> bool {
    let octets = u32::from_str_radix(word, 16).unwrap_or(0).to_ne_bytes();
    word.len() == 8 && octets[..3] == [239, 2, 0]
}

/// A multicast router between `client` and `server` of a NAT lab, for both groups and directions.
struct Router {
    lab: Lab,
    _daemon: Running,
    _dir: tempfile::TempDir,
}

impl Router {
    fn start() -> Self {
        let lab = Lab::nat();
        lab.shell("router", "nft flush ruleset");
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = "phyint lan enable\nphyint wan enable\n".to_owned();
        for group in ["239.1.2.3", "ff15::1"] {
            config += &format!("mroute from lan group {group} to wan\n");
            config += &format!("mroute from wan group {group} to lan\n");
        }
        let file = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(file("conf"), config).expect("the configuration");
        let mut smcrouted = lab.command("router", "smcrouted");
        smcrouted.args(["-n", "-N", "-i", "udpkit-test", "-f", &file("conf")]);
        smcrouted.args(["-P", &file("pid"), "-u", &file("sock")]);
        let daemon = Running::start(&mut smcrouted);
        let show = format!("smcroutectl -u {} show 2>/dev/null || true", file("sock"));
        let deadline = Instant::now() + secs(10);
        while !lab.shell("router", &show).contains("ff15::1") {
            assert!(Instant::now() < deadline, "smcrouted does not route");
        }
        Self { lab, _daemon: daemon, _dir: dir }
    }
}

#[test]
fn a_receiver_behind_a_router_needs_ttl_2_and_check_reports_it() {
    require_lab!();
    require_tools!("smcrouted", "smcroutectl");
    let router = Router::start();
    let lab = &router.lab;
    let groups = ["239.1.2.3:5000", "[ff15::1]:5000"];
    let running =
        receiver(&mut lab.udpkit("server"), "[ff15::1]", &[&groups[..], &["-J"]].concat());
    // The router learns each source from its first datagrams, which it may drop.
    let warm = [&groups[..], &["--ttl", "2", "-c", "0", "-i", "20ms", "-s", "1"]].concat();
    let warm = Running::start(lab.udpkit("client").args(["cast", "send"]).args(warm));
    running.wait_for_line("receiving 239.1.2.3:5000", secs(10));
    running.wait_for_line("receiving [ff15::1]:5000", secs(10));
    drop(warm);
    for (ttl, from) in [("1", ":6001"), ("2", ":6002")] {
        let args = ["--ttl", ttl, "--bind", from, "-c", "20", "-i", "2ms", "-s", "100"];
        send(&mut lab.udpkit("client"), &[&groups[..], &args].concat());
    }
    let report = report_of(running);
    let from = |port: &str| {
        let counts = sources(&report).iter().filter(|one| text(one, "source").ends_with(port));
        counts
            .map(|one| (number(one, "received"), number(one, "lost_datagrams")))
            .collect::<Vec<_>>()
    };
    assert_eq!(from(":6001"), [], "{report:#}");
    assert_eq!(from(":6002"), [(20, 0), (20, 0)], "{report:#}");

    let warned = send(&mut lab.udpkit("client"), &["239.1.2.3:5000", "10.77.2.2:5000", "--", "x"]);
    let warning = "warning: 10.77.2.2 is beyond a router";
    assert!(warned.err().contains(warning), "{}", warned.err());

    for (group, far) in [("239.1.2.3:5000", "10.77.2.2"), ("[ff15::1]:5000", "fd77:2::2")] {
        let args = ["cast", "check", group, "--answer"];
        let answering = Running::start(lab.udpkit("server").args(args));
        answering.wait_for_line("answering for", secs(5));
        let check = |ttl: &str| {
            let args = ["cast", "check", group, "--far", far, "--ttl", ttl, "-J"];
            run(lab.udpkit("client").args(args), secs(20))
        };
        let near = check("1");
        assert_eq!(near.code(), Some(1), "{}", near.err());
        let near = json(&near.out());
        assert_eq!((number(&near, "far.group_back"), number(&near, "far.unicast_routers")), (0, 1));
        let findings = path(&near, "findings").as_array().expect("findings");
        let is_ttl = |one: &&Value| text(one, "verdict.code") == "ttl_too_small";
        let too_small = findings.iter().find(is_ttl).unwrap_or_else(|| panic!("{near:#}"));
        assert_eq!(number(too_small, "verdict.routers"), 1, "{near:#}");
        let wide = json(&check("8").expect_success().out());
        assert_eq!(number(&wide, "far.ttl_least"), 2, "{wide:#}");
        assert_eq!(number(&wide, "far.unicast_routers"), 1);
        assert!(number(&wide, "far.heard") > 0, "{wide:#}");
    }
}

#[test]
fn a_stored_stream_is_the_original_in_order_with_its_gaps_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let name = |file: &str| dir.path().join(file).display().to_string();
    let original: Vec<u8> = (0..300_123u32).map(|index| (index * 7 / 5) as u8).collect();
    std::fs::write(name("original"), &original).expect("the original");
    let port = free_udp_port();
    let target = format!("127.0.0.1:{port}");
    let args = ["cast", "recv", &target, "--out", &name("copy"), "-J"];
    let running = Running::start(udpkit().args(args));
    running.wait_for_line("listening on", secs(5));
    // Whole chunks alone: the numbers that are lost are known before.
    let disorder = "only size 1016, loss every 20, duplicate 10%, reorder 30% by 7 within 20ms";
    let relay = Relay::start(port, &["--up", disorder]);
    let args = ["--file", &name("original"), "--chunk", "1000", "--rate", "8M"];
    send(&mut udpkit(), &[&[relay.address().as_str()][..], &args].concat());
    let dropped: Vec<u64> = (0..300).filter(|number| number % 20 == 19).collect();
    running.signal("INT");
    let output = running.wait(secs(10)).expect_success();
    let report = json(&output.out());
    let chunks: Vec<&[u8]> = original.chunks(1000).collect();
    let kept = |number: &usize| !dropped.contains(&(*number as u64));
    let expected: Vec<u8> =
        (0..chunks.len()).filter(kept).flat_map(|at| chunks[at].to_vec()).collect();
    let copy = std::fs::read(name("copy")).expect("the copy");
    assert!(copy == expected, "{} bytes, {} expected", copy.len(), expected.len());
    assert_eq!(number(&report, "stored_stream.missing"), dropped.len() as u64);
    assert_eq!(number(&report, "stored_stream.bytes"), expected.len() as u64);
    let gaps = path(&report, "stored_stream.gaps").as_array().expect("gaps");
    let named: Vec<u64> = gaps
        .iter()
        .flat_map(|gap| number(gap, "first_sequence")..=number(gap, "last_sequence"))
        .collect();
    assert_eq!(named, dropped);
    let first = dropped.first().map(|first| first * 1000);
    assert_eq!(gaps.first().map(|gap| number(gap, "at_bytes")), first);
    let said = output.err().lines().filter(|line| line.starts_with("gap at byte ")).count();
    assert_eq!(said, gaps.len().min(20), "{}", output.err());
    let carried = relay.stop();
    assert_eq!(number(&carried, "up.dropped.lost"), dropped.len() as u64);
    assert!(number(&carried, "up.held_back") > 60 && number(&carried, "up.duplicated") > 15);
}

#[test]
fn a_beacon_sends_all_its_messages_each_time() {
    let port = free_udp_port();
    let socket = UdpSocket::bind(("127.0.0.1", port)).expect("a socket");
    socket.set_read_timeout(Some(secs(5))).expect("a time-out");
    let target = format!("127.0.0.1:{port}");
    let args = [&target, "--no-header", "--repeat", "60ms", "-c", "3", "-J", "--", "a", "b"];
    let report = json(&send(&mut udpkit(), &args).out());
    assert_eq!(number(&report, "datagrams"), 6);
    assert!(number(&report, "duration_ns") >= 120_000_000, "{report:#}");
    let mut heard = String::new();
    let mut byte = [0; 1];
    while heard.len() < 6 {
        socket.recv(&mut byte).expect("six datagrams");
        heard.push(char::from(byte[0]));
    }
    assert_eq!(heard, "ababab");
}

#[test]
fn usage_errors_are_found_before_a_socket_opens() {
    for (args, part) in [
        (&["recv", "239.1.2.3", "--exclude", "fd00::1"][..], "nothing is received over IPv6"),
        (&["recv", "239.1.2.3", "--exclude", "239.1.2.4"], "cannot be a sender's address"),
        (&["recv", "239.1.2.3", "--exclude", "10.0.0.1", "--source", "10.0.0.2"], "cannot be used"),
        (&["send", "239.1.2.3", "--repeat", "0", "--", "x"], "--repeat must be more than 0"),
        (&["send", "239.1.2.3", "--repeat", "1s"], "--repeat cannot repeat standard input"),
        (&["send", "239.1.2.3", "--repeat", "1s", "--rate", "1M", "--", "x"], "cannot be used"),
        (&["check", "192.0.2.1"], "not a multicast group"),
        (&["check", "239.1.2.1-9"], "a check takes one group"),
        (&["check", "239.1.2.3", "--answer", "--far", "x"], "cannot be used"),
        (&["check", "239.1.2.3", "--hold", "0"], "--hold must be more than 0"),
        (&["check", "239.1.2.3", "--time", "1s"], "--answer"),
        (&["check", "239.1.2.3", "--interface", "nosuch0"], "no such interface"),
    ] {
        let output = run(udpkit().arg("cast").args(args), secs(5));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(part), "{args:?}: {}", output.err());
    }
}

#[test]
fn unicast_copies_distinguish_a_lossy_switch_from_a_lossy_host() {
    require_lab!();
    let lab = Lab::fanout(3);
    let receivers: Vec<Running> = ["r1", "r2", "r3"]
        .map(|host| receiver(&mut lab.udpkit(host), "239.1.2.3", &["239.1.2.3:5000", "-J"]))
        .into_iter()
        .collect();
    // Data datagrams of 100 bytes after the header; lines and end messages have other lengths.
    let some = "udp length 124 numgen inc mod 5 == 2 drop";
    lab.nft("switch", "add table bridge wall");
    lab.nft("switch", "add chain bridge wall out { type filter hook forward priority 0; }");
    let rule = format!("oifname to-r2 ip daddr 239.1.2.3 {some}");
    lab.nft("switch", &format!("add rule bridge wall out {rule}"));
    lab.nft("r3", "add table inet wall");
    lab.nft("r3", "add chain inet wall input { type filter hook prerouting priority -300; }");
    for to in ["ip daddr 239.1.2.3", "ip daddr 10.77.0.13"] {
        lab.nft("r3", &format!("add rule inet wall input {to} {some}"));
    }
    let args = ["239.1.2.3:5000", "--compare", "--receivers", "3", "--wait", "10s", "-s", "100"];
    let args = [&args[..], &["-c", "3000", "-i", "500us", "--io", "mmsg", "-J"]].concat();
    let sent = json(&send(&mut lab.udpkit("s"), &args).out());
    let copies = path(&sent, "comparisons").as_array().expect("copies");
    assert_eq!(copies.len(), 3, "{sent:#}");
    for (address, verdict) in [
        ("10.77.0.11:", "both_arrive"),
        ("10.77.0.12:", "group_lost"),
        ("10.77.0.13:", "both_lost"),
    ] {
        let of = |one: &&Value| text(one, "receiver").starts_with(address);
        let copy = copies.iter().find(of).unwrap_or_else(|| panic!("no {address} in {sent:#}"));
        assert_eq!(text(copy, "verdict.code"), verdict, "{copy:#}");
        assert!(number(copy, "unicast_expected") > 1000, "{copy:#}");
    }
    for (running, lost) in receivers.into_iter().zip([0, 600, 600]) {
        let report = report_of(running);
        assert_eq!(sources(&report).len(), 1, "{report:#}");
        assert_eq!(
            (number(&report, "received"), number(&report, "lost_datagrams")),
            (3000 - lost, lost)
        );
        assert!(number(&report, "unicast_copies") > 1000, "{report:#}");
    }
}

/// Counts datagrams to 239.1.2.3:5000 that arrive at `host`.
fn count_group(lab: &Lab, host: &str) {
    lab.nft(host, "add table inet seen");
    lab.nft(host, "add counter inet seen group");
    lab.nft(host, "add chain inet seen input { type filter hook prerouting priority -300; }");
    let rule = "ip daddr 239.1.2.3 udp dport 5000 counter name group";
    lab.nft(host, &format!("add rule inet seen input {rule}"));
}

/// A receiver of plain datagrams that stores them in a file.
fn keeper(lab: &Lab, host: &str, file: &str) -> Running {
    let args = ["239.1.2.3:5000", "--no-header", "--out", file, "--interface", "eth0", "-J"];
    receiver(&mut lab.udpkit(host), "239.1.2.3", &args)
}

#[test]
fn iperfs_datagrams_are_received_and_sent_on_to_iperf_without_loss() {
    require_lab!();
    require_tools!("iperf");
    let lab = Lab::fanout(2);
    count_group(&lab, "r1");
    let file = tempfile::NamedTempFile::new().expect("a file");
    let name = file.path().to_str().expect("a name");
    let keeping = keeper(&lab, "r1", name);
    let script = "iperf -u -c 239.1.2.3 -p 5000 -T 1 -b 800k -n 50000 -l 500";
    let iperf = run(lab.command("s", "sh").args(["-c", script]), secs(20));
    assert!(iperf.out().contains("Sent "), "{}{}", iperf.out(), iperf.err());
    let report = report_of(keeping);
    let (seen, _) = lab.counter("r1", "inet seen", "group");
    assert!(seen >= 100, "{seen}");
    assert_eq!(number(&report, "received"), seen, "{report:#}");
    assert_eq!(number(&report, "stored_stream.bytes"), seen * 500);

    let args = ["-u", "-s", "-B", "239.1.2.3%eth0", "-p", "5000", "-l", "500"];
    let iperf = Running::start(lab.command("r2", "iperf").args(args));
    lab.wait_joined("r2", "239.1.2.3");
    lab.wait_bound("r2", 5000);
    let args =
        ["239.1.2.3:5000", "--no-header", "--file", name, "--chunk", "500", "--rate", "200pps"];
    send(&mut lab.udpkit("s"), &args);
    let total = format!(" 0/{seen} (0%)");
    iperf.wait_for("report without loss", secs(15), |line| line.contains(&total));
}

#[test]
fn mgens_messages_are_received_and_sent_on_to_mgen_without_loss() {
    require_lab!();
    require_tools!("mgen");
    let lab = Lab::fanout(2);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let name = file.path().to_str().expect("a name");
    let keeping = keeper(&lab, "r1", name);
    let on = "on 1 udp dst 239.1.2.3/5000 periodic [100 200] count 40";
    let mgen = Running::start(lab.command("s", "mgen").args(["event", on, "interface", "eth0"]));
    let mut kept = 0;
    let deadline = Instant::now() + secs(15);
    while kept < 40 * 200 {
        assert!(Instant::now() < deadline, "{kept} bytes of mgen");
        let table = lab.snmp("r1");
        kept = table.in_datagrams * 200;
    }
    drop(mgen);
    let report = report_of(keeping);
    assert_eq!((number(&report, "received"), number(&report, "bytes")), (40, 8000));

    let events = ["event", "listen udp 5000", "event", "join 239.1.2.3 interface eth0"];
    let mgen = Running::start(lab.command("r2", "mgen").args(events));
    lab.wait_joined("r2", "239.1.2.3");
    lab.wait_bound("r2", 5000);
    let args =
        ["239.1.2.3:5000", "--no-header", "--file", name, "--chunk", "200", "--rate", "200pps"];
    send(&mut lab.udpkit("s"), &args);
    let deadline = Instant::now() + secs(15);
    while lab.snmp("r2").in_datagrams < 40 {
        assert!(Instant::now() < deadline, "{}", mgen.stdout_so_far());
    }
    // It flushes its log when it ends.
    mgen.signal("INT");
    let log = mgen.wait(secs(10)).out();
    for seq in 0..40 {
        assert!(log.contains(&format!("flow>1 seq>{seq} ")), "no {seq} in {log}");
    }
}
