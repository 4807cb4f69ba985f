//! `udpkit cast`, end to end: groups, broadcast and lists, compared with the kernel's counters.

use crate::common::{
    Lab, Output, Running, free_udp_port, json, number, path, require_lab, require_tools, run,
};
use crate::common::{secs, text, udpkit};
use serde_json::Value;
use std::process::Command;

/// Starts a receiver and waits until it has joined: it says so once all sockets are open.
fn receiver(command: &mut Command, args: &[&str]) -> Running {
    let running = Running::start(command.args(["cast", "recv"]).args(args));
    let is_ready = |line: &str| line.starts_with("joined") || line.starts_with("listening on");
    running.wait_for("line that says it is ready", secs(5), is_ready);
    running
}

fn send(command: &mut Command, args: &[&str]) -> Output {
    run(command.args(["cast", "send"]).args(args), secs(30))
}

/// Interrupts a receiver that has received everything, and returns its report.
fn report_of(receiver: Running) -> Value {
    receiver.signal("INT");
    json(&receiver.wait(secs(10)).expect_success().out())
}

fn sources(report: &Value) -> &[Value] {
    path(report, "source_rows").as_array().expect("sources")
}

#[test]
fn loopback_multicast_arrives_whole_and_is_left() {
    let port = free_udp_port();
    let group = format!("239.77.1.2:{port}");
    let mut command = udpkit();
    let args = ["cast", "recv", &group, "--interface", "lo", "-J", "--count", "200"];
    let running = Running::start(command.args(args));
    running.wait_for_line(&format!("joined {group} on lo"), secs(5));
    let args = [&group, "--interface", "lo", "-s", "500", "-c", "200", "-J"];
    let sent = json(&send(&mut udpkit(), &args).expect_success().out());
    assert_eq!(number(&sent, "datagrams"), 200);
    assert_eq!(number(&sent, "bytes"), 200 * 516);
    assert_eq!(number(&sent, "destinations.0.sent"), 200);
    let report = json(&running.wait(secs(10)).expect_success().out());
    assert_eq!(text(&report, "command"), "cast recv");
    assert_eq!(sources(&report).len(), 1);
    let source = &sources(&report)[0];
    assert_eq!(text(source, "group"), group);
    assert_eq!(text(source, "interface"), "lo");
    for (key, expected) in
        [("received", 200), ("lost_datagrams", 0), ("duplicates", 0), ("reordered", 0)]
    {
        assert_eq!(number(source, key), expected, "{key}");
    }
    assert_eq!(path(source, "tag"), path(&sent, "tag"));
    let memberships = run(Command::new("ip").args(["maddress", "show", "dev", "lo"]), secs(5));
    assert!(!memberships.out().contains("239.77.1.2"), "{}", memberships.out());
}

#[test]
fn a_member_on_the_senders_own_host_receives_unless_no_loop_is_set() {
    require_lab!();
    // On eth0, as Linux does not carry IPv6 groups over lo.
    let lab = Lab::pair();
    for (group, source) in
        [("[ff15::77:1%eth0]:5000", "[fd77::1]:6002"), ("239.77.1.9:5000", "10.77.0.1:6002")]
    {
        let running =
            receiver(&mut lab.udpkit("a"), &[group, "--interface", "eth0", "--count", "50", "-J"]);
        for extra in [&["--no-loop", "--bind", ":6001"][..], &["--bind", ":6002"]] {
            let mut args = vec![group, "--interface", "eth0", "-c", "50", "-s", "0"];
            args.extend(extra);
            send(&mut lab.udpkit("a"), &args).expect_success();
        }
        let report = json(&running.wait(secs(5)).expect_success().out());
        assert_eq!(sources(&report).len(), 1, "{report:#}");
        assert_eq!(text(&report, "source_rows.0.source"), source);
        assert_eq!(text(&report, "source_rows.0.group"), group);
        assert_eq!(number(&report, "source_rows.0.lost_datagrams"), 0);
        assert_eq!(text(&report, "source_rows.0.interface"), "eth0");
    }
}

#[test]
fn a_count_that_is_given_bounds_a_run_with_a_time() {
    let port = free_udp_port();
    let target = format!("127.0.0.1:{port}");
    let args = [&target, "-s", "9", "--time", "20s", "-c", "1", "-J"];
    assert_eq!(number(&json(&send(&mut udpkit(), &args).out()), "datagrams"), 1);
}

#[test]
fn live_lines_stand_beside_a_document_on_standard_error() {
    let args = ["cast", "recv", "127.0.0.1:0", "--report-every", "20ms", "-J"];
    let args = args.map(|arg| arg.replace(":0", &format!(":{}", free_udp_port())));
    let running = Running::start(udpkit().args(args));
    assert!(running.wait_for_stderr(secs(20), |told| told.lines().count() > 3));
    running.signal("INT");
    let output = running.wait(secs(10)).expect_success();
    assert_eq!(text(&json(&output.out()), "command"), "cast recv");
}

/// Drops by `rule` and counts data datagrams of 100 bytes after the measurement header. End
/// messages are shorter and pass.
fn lose(lab: &Lab, host: &str, rules: &[(&str, &str, &str)]) {
    lab.nft(host, "add table inet loss");
    lab.nft(
        host,
        "add chain inet loss input { type filter hook prerouting priority -300; policy accept; }",
    );
    for (name, to, rule) in rules {
        lab.nft(host, &format!("add counter inet loss {name}"));
        lab.nft(
            host,
            &format!(
                "add rule inet loss input {to} udp length 124 {rule} counter name {name} drop"
            ),
        );
    }
}

#[test]
fn loss_equals_the_firewalls_counter_on_groups_and_broadcast_at_three_receivers() {
    require_lab!();
    let lab = Lab::fanout(3);
    let groups = ["239.1.2.3:5000", "255.255.255.255:5000", "10.77.0.255:5000", "[ff15::1]:5000"];
    let names = ["group", "limited", "directed", "group6"];
    let matches = ["ip daddr 239.1.2.3", "ip daddr 255.255.255.255", "ip daddr 10.77.0.255"];
    let receivers: Vec<(String, Running)> = (1..=3)
        .map(|index| {
            let host = format!("r{index}");
            // The first receiver also loses the very first datagrams.
            let rule =
                ["numgen inc mod 10 == 0", "numgen random mod 100 < 3", "numgen random mod 9 < 4"]
                    [index - 1];
            let rules: Vec<(&str, &str, &str)> = names
                .iter()
                .zip(matches.iter().chain(&["ip6 daddr ff15::1"]))
                .map(|(name, to)| (*name, *to, rule))
                .collect();
            lose(&lab, &host, &rules);
            let mut args = groups.to_vec();
            args.extend(["--interface", "eth0", "-J"]);
            let running = receiver(&mut lab.udpkit(&host), &args);
            running.wait_for_line("joined [ff15::1]:5000 on eth0", secs(5));
            (host, running)
        })
        .collect();
    let mut args = groups.to_vec();
    args.extend(["--interface", "eth0", "-s", "100", "-c", "1000", "--interval", "200us"]);
    args.extend(["--io", "mmsg", "-J"]);
    let sent = json(&send(&mut lab.udpkit("s"), &args).expect_success().out());
    assert_eq!(number(&sent, "datagrams"), 4000);
    for (host, running) in receivers {
        let report = report_of(running);
        assert_eq!(sources(&report).len(), 4, "{report:#}");
        for (name, group) in names.iter().zip(groups) {
            let source = sources(&report)
                .iter()
                .find(|source| text(source, "group") == group)
                .unwrap_or_else(|| panic!("{host} did not hear {group}: {report:#}"));
            let (dropped, _) = lab.counter(&host, "inet loss", name);
            assert!(dropped > 0, "{host} {name}");
            assert_eq!(number(source, "lost_datagrams"), dropped, "{host} {name}: {source:#}");
            assert_eq!(number(source, "received"), 1000 - dropped, "{host} {name}");
            assert_eq!(number(source, "duplicates"), 0);
            assert_eq!(number(source, "reordered"), 0);
            assert_eq!(number(source, "sender_total"), 1000);
            assert_eq!(text(source, "interface"), "eth0");
            assert_eq!(path(source, "joined_before"), true);
        }
    }
}

#[test]
fn duplicates_equal_what_the_switch_duplicated() {
    require_lab!();
    let lab = Lab::fanout(2);
    lab.nft("switch", "add table netdev twice");
    lab.nft("switch", "add counter netdev twice copies");
    let chain = "{ type filter hook ingress device \"to-s\" priority 0; policy accept; }";
    lab.nft("switch", &format!("add chain netdev twice in {chain}"));
    let rule = "udp length 124 numgen inc mod 7 == 0 counter name copies dup to \"to-r1\"";
    if let Err(why) = lab.try_nft("switch", &format!("add rule netdev twice in {rule}")) {
        crate::common::skip!(why);
    }
    let hosts = ["r1", "r2"];
    let receivers = hosts.map(|host| receiver(&mut lab.udpkit(host), &["239.1.2.3:5000", "-J"]));
    let args = ["239.1.2.3:5000", "-s", "100", "-c", "700", "--interval", "100us", "--io", "mmsg"];
    send(&mut lab.udpkit("s"), &args).expect_success();
    let (copies, _) = lab.counter("switch", "netdev twice", "copies");
    assert_eq!(copies, 100);
    for (running, expected) in receivers.into_iter().zip([copies, 0]) {
        let report = report_of(running);
        assert_eq!(number(&report, "source_rows.0.duplicates"), expected);
        assert_eq!(number(&report, "source_rows.0.received"), 700 + expected);
        assert_eq!(number(&report, "source_rows.0.lost_datagrams"), 0);
    }
}

#[test]
fn a_list_may_mix_groups_and_unicast_of_both_families() {
    require_lab!();
    let lab = Lab::fanout(2);
    let member = receiver(&mut lab.udpkit("r1"), &["239.1.2.1-3:5000", "[ff15::1]:5000", "-J"]);
    member.wait_for_line("joined [ff15::1]:5000", secs(5));
    let single = receiver(&mut lab.udpkit("r2"), &["10.77.0.12:5000", "[fd77::12]:5000", "-J"]);
    single.wait_for_line("listening on [fd77::12]:5000", secs(5));
    let args = ["239.1.2.1-3:5000", "[ff15::1]:5000", "10.77.0.12:5000", "[fd77::12]:5000", "-J"];
    let mut args = args.to_vec();
    args.extend(["-c", "20", "--", "one", "two", ""]);
    let sent = json(&send(&mut lab.udpkit("s"), &args).expect_success().out());
    assert_eq!(number(&sent, "numbered"), 60);
    assert_eq!(number(&sent, "datagrams"), 6 * 60);
    let member = report_of(member);
    assert_eq!(sources(&member).len(), 4);
    for source in sources(&member) {
        assert_eq!((number(source, "received"), number(source, "lost_datagrams")), (60, 0));
    }
    let single = report_of(single);
    // Either family's first datagram may be read first.
    let from = |group: &str| {
        let source = sources(&single).iter().find(|source| text(source, "group") == group);
        text(source.unwrap_or_else(|| panic!("nothing for {group} in {single:#}")), "source")
    };
    assert_eq!(sources(&single).len(), 2);
    assert_eq!(number(&single, "received"), 120);
    assert_eq!(from("10.77.0.12:5000").split(':').next(), Some("10.77.0.1"));
    assert!(from("[fd77::12]:5000").starts_with("[fd77::1]:"));
}

#[test]
fn a_source_specific_join_receives_no_other_source() {
    require_lab!();
    let lab = Lab::fanout(2);
    for (group, wanted) in [("232.1.2.3:5000", "10.77.0.1"), ("[ff35::8000:1]:5000", "fd77::1")] {
        let args = [group, "--source", wanted, "--interface", "eth0", "--count", "20", "-J"];
        let running = receiver(&mut lab.udpkit("r1"), &args);
        for host in ["r2", "s"] {
            let args = [group, "--interface", "eth0", "-c", "20", "-s", "10"];
            send(&mut lab.udpkit(host), &args).expect_success();
        }
        let report = json(&running.wait(secs(10)).expect_success().out());
        assert_eq!(sources(&report).len(), 1, "{report:#}");
        assert!(text(&report, "source_rows.0.source").contains(wanted), "{report:#}");
        assert_eq!(number(&report, "received"), 20);
        assert_eq!(text(&report, "groups.0.included_sources.0"), wanted);
    }
}

#[test]
fn more_groups_and_sources_than_one_socket_takes_are_joined_and_left() {
    require_lab!();
    let lab = Lab::fanout(1);
    let mut args = vec!["232.1.2.1-30:5000", "--interface", "eth0", "-J"];
    let others: Vec<String> = (1..=24).map(|last| format!("10.77.0.{last}")).collect();
    args.extend(others.iter().flat_map(|source| ["--source", source.as_str()]));
    let running = receiver(&mut lab.udpkit("r1"), &args);
    for group in ["232.1.2.1", "232.1.2.30"] {
        lab.wait_joined("r1", group);
        assert!(lab.shell("r1", "cat /proc/net/igmp").contains(&igmp_form(group)), "{group}");
    }
    let args = ["232.1.2.1-30:5000", "--interface", "eth0", "-c", "5", "-s", "10"];
    send(&mut lab.udpkit("s"), &args).expect_success();
    let report = report_of(running);
    assert_eq!(sources(&report).len(), 30);
    assert_eq!(number(&report, "received"), 150);
    assert_eq!(number(&report, "duplicates"), 0);
    let after = lab.shell("r1", "cat /proc/net/igmp; ip maddress show");
    assert!(!after.contains("232.1.2.") && !after.contains(&igmp_form("232.1.2.1")), "{after}");
}

/// A group in the form of `/proc/net/igmp`: hexadecimal, in host byte order.
fn igmp_form(group: &str) -> String {
    let octets: Vec<u8> = group.split('.').map(|part| part.parse().expect("a number")).collect();
    let raw = u32::from_ne_bytes(octets.try_into().expect("four numbers"));
    format!("{raw:08X}")
}

#[test]
fn an_interrupted_sender_and_receiver_agree_and_a_late_one_counts_from_its_first() {
    require_lab!();
    let lab = Lab::fanout(2);
    let early = receiver(&mut lab.udpkit("r1"), &["239.1.2.3:5000", "-J"]);
    let mut command = lab.udpkit("s");
    let args = ["cast", "send", "239.1.2.3:5000", "-s", "100", "-c", "0", "-i", "500us", "-J"];
    let sender = Running::start(command.args(args));
    early.wait_for_line("from 10.77.0.1:", secs(5));
    let late = receiver(&mut lab.udpkit("r2"), &["239.1.2.3:5000", "-J"]);
    late.wait_for_line("from 10.77.0.1:", secs(5));
    sender.signal("INT");
    let sent = json(&sender.wait(secs(5)).expect_success().out());
    assert_eq!(path(&sent, "interrupted"), true);
    let total = number(&sent, "numbered");
    let early = report_of(early);
    assert_eq!(number(&early, "source_rows.0.received"), total);
    assert_eq!(number(&early, "source_rows.0.sender_total"), total);
    assert_eq!(number(&early, "source_rows.0.first_sequence"), 0);
    let late = report_of(late);
    let first = number(&late, "source_rows.0.first_sequence");
    assert!(first > 0);
    assert_eq!(path(&late, "source_rows.0.joined_before"), false);
    assert_eq!(number(&late, "source_rows.0.received"), total - first);
    for report in [early, late] {
        assert_eq!(number(&report, "lost_datagrams"), 0, "{report:#}");
        assert_eq!(path(&report, "interrupted"), true);
    }
}

#[test]
fn a_sender_that_starts_again_is_accounted_for_on_its_own() {
    require_lab!();
    let lab = Lab::fanout(1);
    let running = receiver(&mut lab.udpkit("r1"), &["239.1.2.3:5000", "-J"]);
    for _ in 0..2 {
        let args = ["239.1.2.3:5000", "--bind", ":6000", "-c", "30", "-s", "10"];
        send(&mut lab.udpkit("s"), &args).expect_success();
    }
    let report = report_of(running);
    assert_eq!(sources(&report).len(), 2, "{report:#}");
    for source in sources(&report) {
        assert_eq!(text(source, "source"), "10.77.0.1:6000");
        assert_eq!((number(source, "received"), number(source, "lost_datagrams")), (30, 0));
        assert_eq!(number(source, "duplicates"), 0);
    }
}

#[test]
fn plain_datagrams_are_exchanged_with_socat_both_ways() {
    require_lab!();
    require_tools!("socat");
    let lab = Lab::fanout(2);
    let args = ["UDP4-RECV:5000,ip-add-membership=239.1.2.3:eth0", "STDOUT"];
    let socat = Running::start(lab.command("r1", "socat").arg("-u").args(args));
    lab.wait_joined("r1", "239.1.2.3");
    let args = ["--no-header", "239.1.2.3:5000", "--interface", "eth0", "--", "just this"];
    send(&mut lab.udpkit("s"), &args).expect_success();
    assert!(socat.wait_for_stdout(secs(5), |text| text == "just this"));
    drop(socat);

    let args = ["--no-header", "239.1.2.4:5000", "--out", "-", "--count", "1"];
    let plain = receiver(&mut lab.udpkit("r2"), &args);
    let numbered = receiver(&mut lab.udpkit("r1"), &["239.1.2.4:5000", "-J"]);
    let script = "printf 'from socat' | socat -u STDIN UDP4-DATAGRAM:239.1.2.4:5000";
    lab.shell("s", script);
    let plain = plain.wait(secs(5)).expect_success();
    assert_eq!(plain.out(), "from socat");
    assert!(plain.err().contains("received 1\n"), "{}", plain.err());
    let numbered = report_of(numbered);
    assert_eq!((number(&numbered, "strays"), number(&numbered, "received")), (1, 0));
}

#[test]
fn each_source_is_shown_with_the_interface_that_it_came_by() {
    require_lab!();
    let lab = Lab::fanout(1);
    let args = ["239.1.2.3:5000", "--interface", "lo", "--interface", "eth0", "-J"];
    let running = receiver(&mut lab.udpkit("r1"), &args);
    for (host, by, count) in [("r1", "lo", "7"), ("s", "eth0", "9")] {
        let args = ["239.1.2.3:5000", "--interface", by, "-c", count, "-s", "10"];
        send(&mut lab.udpkit(host), &args).expect_success();
    }
    let report = report_of(running);
    let seen: Vec<(&str, u64)> = sources(&report)
        .iter()
        .map(|source| (text(source, "interface"), number(source, "received")))
        .collect();
    assert_eq!(seen, [("lo", 7), ("eth0", 9)]);
}

#[test]
fn ttl_and_dscp_are_on_the_wire_as_asked_and_one_hop_by_default() {
    require_lab!();
    let lab = Lab::fanout(1);
    lab.nft("r1", "add table inet seen");
    lab.nft("r1", "add chain inet seen input { type filter hook prerouting priority 0; }");
    let rules = [
        ("asked4", "ip daddr 239.1.2.3 ip ttl 7 ip dscp ef"),
        ("asked6", "ip6 daddr ff15::1 ip6 hoplimit 7 ip6 dscp ef"),
        ("default4", "ip daddr 239.1.2.3 ip ttl 1 ip dscp cs0"),
        ("default6", "ip6 daddr ff15::1 ip6 hoplimit 1 ip6 dscp cs0"),
    ];
    for (name, rule) in rules {
        lab.nft("r1", &format!("add counter inet seen {name}"));
        lab.nft("r1", &format!("add rule inet seen input {rule} counter name {name}"));
    }
    // IPv4 is sent from a dual-stack socket here, which has options of both families.
    let groups = ["239.1.2.3:5000", "[ff15::1%eth0]:5000", "--no-header", "--io", "mmsg"];
    for extra in [&["--ttl", "7", "--dscp", "ef"][..], &[]] {
        let mut args = groups.to_vec();
        args.extend(extra);
        args.extend(["-c", "5", "-s", "10"]);
        send(&mut lab.udpkit("s"), &args).expect_success();
    }
    for (name, _) in rules {
        assert_eq!(lab.counter("r1", "inet seen", name).0, 5, "{name}");
    }
}

#[test]
fn content_is_stored_once_for_each_number() {
    require_lab!();
    let lab = Lab::fanout(1);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let name = file.path().to_str().expect("a name");
    let running = receiver(&mut lab.udpkit("r1"), &["239.1.2.3:5000", "-J", "--out", name]);
    let args = ["239.1.2.3:5000", "-c", "2", "--", "ab", "", "cde"];
    send(&mut lab.udpkit("s"), &args).expect_success();
    report_of(running);
    assert_eq!(std::fs::read(name).expect("the file"), b"abcdeabcde");
}

#[test]
fn usage_errors_are_found_before_a_socket_opens() {
    for (args, part) in [
        (&["recv", "239.1.2.10-1:5000"][..], "runs backwards; write 239.1.2.1-10"),
        (&["recv", "[ff15::0-fff]"], "256 at most"),
        (&["recv", "239.1.2.3:0"], "port 0"),
        (&["recv", "239.1.2.3", "--interface", "nosuch0"], "no such interface"),
        (&["recv", "[ff02::5%nosuch0]"], "no such interface"),
        (&["recv", "[ff02::5]"], "link-local group: it needs an interface"),
        (&["recv", "127.0.0.1:5", "--source", "10.0.0.1"], "--source"),
        (&["recv", "239.1.2.3", "--source", "fd00::1"], "needs an IPv6 group"),
        (&["recv", "239.1.2.3", "-6"], "is not an IPv6 address"),
        (&["recv", "239.1.2.3", "--count", "0"], "--count <N>"),
        (&["recv", "239.1.2.3", "--out", "-", "-J"], "both write to standard output"),
        (&["send", "239.1.2.3", "--ttl", "256", "--", "x"], "--ttl <N>"),
        (&["send", "239.1.2.3", "-s", "65492"], "65491"),
        (&["send", "ff15::1", "-s", "65512"], "65511"),
        (&["send", "239.1.2.3", "--no-header", "-s", "65508"], "65507"),
        (&["send", "0.0.0.0:5", "--", "x"], "is not a destination"),
        (&["send", "239.1.2.3", "--dscp", "64", "--", "x"], "--dscp <DSCP>"),
        (&["send", "239.1.2.3", "--no-header", "--receivers", "1", "--", "x"], "--receivers"),
        (&["send", "127.0.0.1", "--interface", "lo", "--", "x"], "--interface applies to groups"),
    ] {
        let output = run(udpkit().arg("cast").args(args), secs(5));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(part), "{args:?}: {}", output.err());
    }
}

#[test]
fn without_a_route_the_hint_is_to_name_the_interface() {
    require_lab!();
    let lab = Lab::pair();
    lab.shell("a", "ip route del 224.0.0.0/4 dev eth0");
    for args in [&["send", "239.1.2.3:5000", "-c", "0", "-s", "9"][..], &["recv", "239.1.2.3"]] {
        let output = run(lab.udpkit("a").arg("cast").args(args), secs(5));
        assert_eq!(output.code(), Some(1), "{args:?}");
        assert!(output.err().contains("--interface"), "{args:?}: {}", output.err());
    }
}

#[test]
fn a_closed_standard_output_ends_a_receiver_quietly() {
    let binary = env!("CARGO_BIN_EXE_udpkit");
    let run_it = format!("{binary} cast recv 239.77.9.9 --interface lo --report-every 10ms");
    let script = format!("{{ {run_it}; echo ended with $? >&2; }} | head -n 1");
    let output = run(Command::new("sh").args(["-c", &script]), secs(10));
    assert!(output.err().contains("ended with 0"), "{}", output.err());
    assert!(!output.err().contains("panic"), "{}", output.err());
    assert_eq!(output.out().lines().count(), 1);
}

#[test]
fn a_filter_that_refuses_the_first_datagram_is_counted_and_a_missing_route_ends_at_once() {
    require_lab!();
    let lab = Lab::pair();
    lab.nft(
        "a",
        "add table inet t\n\
         add chain inet t out { type filter hook output priority 0; }\n\
         add rule inet t out udp length 124 numgen inc mod 50 == 0 drop\n",
    );
    // One call each: a coalesced buffer passes the filter as one, and a batch tries again.
    let args = ["-I", "eth0", "-s", "100", "-c", "1000", "-b", "20kpps", "--io", "plain", "--json"];
    let output = run(lab.udpkit("a").args(["cast", "send", "239.1.2.3:5000"]).args(args), secs(20));
    let report = json(&output.expect_success().out());
    let only = path(&report, "destinations.0");
    assert_eq!((number(only, "sent"), number(only, "refused")), (980, 20), "{only:#}");
    let endless = ["cast", "send", "192.0.2.1:5000", "-s", "100", "-c", "0", "-b", "1kpps"];
    let output = run(lab.udpkit("a").args(endless), secs(10));
    assert_eq!(output.code(), Some(1), "{}", output.err());
    assert!(output.err().contains("no route"), "{}", output.err());
}
