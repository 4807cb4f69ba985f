//! Tests of the test harness itself.

use crate::common::{
    Capture, Lab, Running, comes_true, json, json_lines, path, require_lab, require_tools, run,
    secs, wait_until,
};
use std::fs;
use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn lab_script(arguments: &[&str]) -> crate::common::Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lab");
    run(Command::new(script).args(arguments), secs(30))
}

/// Waits until a process has this state letter in `/proc`.
fn state_becomes(pid: u32, wanted: char) -> bool {
    comes_true(secs(5), || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, tail)| tail.starts_with(wanted))
    })
}

// --- programs ----------------------------------------------------------------------------------

#[test]
fn a_line_on_either_stream_is_waited_for_and_a_signal_ends_the_program() {
    let program = Running::start(&mut sh("echo one; echo two >&2; exec sleep 60"));
    assert_eq!(program.wait_for_line("tw", secs(5)), "two");
    assert_eq!(program.wait_for_line("on", secs(5)), "one");
    program.signal("TERM");
    let output = program.wait(secs(5));
    assert_eq!(output.code(), None, "a signal ended it");
    assert_eq!((output.out().as_str(), output.err().as_str()), ("one\n", "two\n"));
}

#[test]
fn an_input_is_written_and_closed_and_the_exit_code_is_returned() {
    let mut cat = Running::start_with_input(&mut sh("cat; exit 3"));
    cat.write("to and fro\n");
    cat.wait_for_line("to and fro", secs(5));
    cat.write("no line feed");
    assert!(cat.wait_for_stdout(secs(5), |out| out.ends_with("no line feed")));
    cat.close_input();
    let output = cat.wait(secs(5));
    assert_eq!(output.code(), Some(3));
    assert_eq!(output.out(), "to and fro\nno line feed");
}

#[test]
fn more_output_than_a_pipe_holds_is_collected_whole() {
    let output = run(&mut sh("head -c 1000000 /dev/zero"), secs(20)).expect_success();
    assert_eq!(output.stdout.len(), 1_000_000);
}

#[test]
fn a_missing_line_fails_with_all_that_was_written() {
    let failure = catch_unwind(|| {
        Running::start(&mut sh("echo something else")).wait_for_line("wanted", secs(5))
    });
    let message = *failure.expect_err("the line never came").downcast::<String>().unwrap();
    assert!(message.contains("\"wanted\"") && message.contains("something else"), "{message}");
}

#[test]
fn a_program_that_does_not_end_fails_its_test_and_is_killed() {
    let program = Running::start(&mut sh("echo up; exec sleep 60"));
    let pid = program.pid();
    program.wait_for_line("up", secs(5));
    let failure = catch_unwind(AssertUnwindSafe(|| program.wait(Duration::from_millis(1))));
    assert!(failure.is_err());
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{pid} is still there");
}

#[test]
fn a_stopped_program_does_nothing_until_it_goes_on() {
    let mut cat = Running::start_with_input(&mut Command::new("cat"));
    cat.stop();
    assert!(state_becomes(cat.pid(), 'T'));
    cat.write("late\n");
    assert_eq!(cat.stdout_so_far(), "");
    cat.cont();
    cat.wait_for_line("late", secs(5));
}

// --- labs --------------------------------------------------------------------------------------

#[test]
fn a_pair_carries_datagrams_over_both_families() {
    require_lab!();
    require_tools!("socat");
    let lab = Lab::pair();
    for (receive, target) in
        [("UDP4-RECV:9000", "UDP4:10.77.0.2:9000"), ("UDP6-RECV:9001", "UDP6:[fd77::2]:9001")]
    {
        let receiver = Running::start(lab.command("b", "socat").args(["-u", receive, "STDOUT"]));
        lab.wait_bound("b", if receive.contains('6') { 9001 } else { 9000 });
        lab.shell("a", &format!("echo over {target} | socat -u STDIN {target}"));
        receiver.wait_for_line(&format!("over {target}"), secs(5));
    }
    assert_eq!((lab.snmp("a").out_datagrams, lab.snmp6("a").out_datagrams), (1, 1));
    assert_eq!((lab.snmp("b").in_datagrams, lab.snmp6("b").in_datagrams), (1, 1));
}

#[test]
fn the_firewalls_counters_and_the_receiver_account_for_every_datagram() {
    require_lab!();
    require_tools!("socat", "bash");
    let lab = Lab::pair();
    lab.nft(
        "b",
        "table inet loss {
            counter seen {}
            counter dropped {}
            chain input {
                type filter hook input priority 0;
                udp dport 9000 counter name seen
                udp dport 9000 numgen random mod 100 < 30 counter name dropped drop
            }
        }",
    );
    let receiver =
        Running::start(lab.command("b", "socat").args(["-u", "UDP4-RECV:9000", "STDOUT"]));
    lab.wait_bound("b", 9000);
    let send = "for i in {100..399}; do echo $i >/dev/udp/10.77.0.2/9000; done";
    run(lab.command("a", "bash").args(["-c", send]), secs(10)).expect_success();

    // 4 bytes of payload after 20 of IPv4 and 8 of UDP.
    assert_eq!(lab.counter("b", "inet loss", "seen"), (300, 300 * 32));
    let (dropped, bytes) = lab.counter("b", "inet loss", "dropped");
    assert_eq!(bytes, dropped * 32);
    assert!((30..=180).contains(&dropped), "{dropped} of 300 at 30 %");
    let arrived = usize::try_from(300 - dropped).unwrap();
    assert!(receiver.wait_for_stdout(secs(5), |out| out.lines().count() == arrived));
    assert_eq!(lab.snmp("b").in_datagrams, 300 - dropped);
    assert_eq!(lab.snmp("a").out_datagrams, 300);
}

#[test]
fn a_closed_port_shows_in_the_kernels_counters() {
    require_lab!();
    require_tools!("bash");
    let lab = Lab::pair();
    run(lab.command("a", "bash").args(["-c", "echo x >/dev/udp/10.77.0.2/9"]), secs(5));
    // Delivery goes on when the send has returned.
    wait_until("the error", secs(5), || lab.snmp("b").no_ports > 0);
    assert_eq!(lab.snmp("b").no_ports, 1);
}

#[test]
fn behind_the_nat_the_server_sees_the_router_and_cannot_speak_first() {
    require_lab!();
    require_tools!("socat", "bash");
    let lab = Lab::nat();
    // It reads before it answers: socat breaks off when it cannot write what came to a shell that
    // has ended already, and waits half a second for the answer unless told to wait longer.
    let answer = ["-t5", "UDP4-RECVFROM:9000,fork", "SYSTEM:read who; echo $SOCAT_PEERADDR"];
    let _server = Running::start(lab.command("server", "socat").args(answer));
    lab.wait_bound("server", 9000);
    let ask = "echo who | socat -t5 - UDP4:10.77.2.2:9000,shut-none";
    let client = Running::start(lab.command("client", "sh").args(["-c", ask]));
    client.wait_for_line("10.77.2.1", secs(5));
    assert_eq!(lab.counter("router", "inet lab", "client_out").0, 1);
    assert_eq!(lab.counter("router", "inet lab", "client_in").0, 1);

    let knock = "echo x >/dev/udp/10.77.1.2/9000";
    run(lab.command("server", "bash").args(["-c", knock]), secs(5));
    assert_eq!(lab.counter("router", "inet lab", "blocked").0, 1);
}

#[test]
fn a_path_has_two_routers_and_two_addresses_at_its_far_end_and_a_wall_stands_where_it_is_built() {
    require_lab!();
    require_tools!("socat", "nft");
    let lab = Lab::path();
    for host in ["r1", "r2"] {
        let count = "table inet see {
                counter passed { }
                chain forward {
                    type filter hook forward priority 0
                    udp dport 9000 counter name passed
                    udp dport 9001 reject with icmpx type admin-prohibited
                }
            }";
        lab.nft(host, count);
    }
    // It replies from the address that was asked; the connected client takes no other reply.
    for (family, address) in [
        ("UDP4", "10.77.3.2"),
        ("UDP4", "10.77.3.3"),
        ("UDP6", "[fd77:3::2]"),
        ("UDP6", "[fd77:3::3]"),
    ] {
        let bare = address.trim_matches(['[', ']']);
        let answer = format!("{family}-RECVFROM:9000,bind={address}");
        let shell = ["-t5", answer.as_str(), "SYSTEM:read who; echo $SOCAT_PEERADDR"];
        let server = Running::start(lab.command("server", "socat").args(shell));
        lab.wait_bound("server", 9000);
        let ask = format!("echo who | socat -t5 - {family}:{address}:9000,shut-none");
        let client = Running::start(lab.command("client", "sh").args(["-c", &ask]));
        let seen = client.wait_for_line("", secs(5));
        // The compressed form differs from socat's; both contain the client's address.
        let wanted = if family == "UDP4" { "10.77.1.2" } else { "0002" };
        assert!(seen.contains(wanted), "{bare} saw {seen}");
        client.signal("TERM");
        drop(client);
        server.wait(secs(5));
    }
    for host in ["r1", "r2"] {
        assert_eq!(lab.counter(host, "inet see", "passed").0, 4, "{host}");
    }
    let knock = ["send", "10.77.3.2:9001", "-w", "1s", "--", "knock"];
    let sent = run(lab.udpkit("client").args(knock), secs(10));
    let told = format!("{}{}", sent.out(), sent.err());
    assert!(told.contains("10.77.1.1"), "the first wall speaks: {told}");
}

#[test]
fn a_group_and_a_broadcast_reach_every_receiver_of_a_fanout() {
    require_lab!();
    require_tools!("socat");
    let lab = Lab::fanout(2);
    for (port, group, receive, send) in [
        (
            9000,
            Some("239.7.7.7"),
            "UDP4-RECV:9000,ip-add-membership=239.7.7.7:eth0",
            "UDP4-DATAGRAM:239.7.7.7:9000",
        ),
        (
            9001,
            Some("ff15::7"),
            "UDP6-RECV:9001,ipv6-join-group=[ff15::7]:eth0",
            "UDP6-DATAGRAM:[ff15::7]:9001",
        ),
        (9002, None, "UDP4-RECV:9002", "UDP4-DATAGRAM:255.255.255.255:9002,broadcast"),
    ] {
        let receivers = ["r1", "r2"].map(|host| {
            let socat = Running::start(lab.command(host, "socat").args(["-u", receive, "STDOUT"]));
            lab.wait_bound(host, port);
            socat
        });
        // socat joins after it has bound; the kernel's table shows the membership.
        if let Some(group) = group {
            lab.wait_joined("r1", group);
            lab.wait_joined("r2", group);
        }
        lab.shell("s", &format!("echo to all | socat -u STDIN '{send}'"));
        for receiver in receivers {
            receiver.wait_for_line("to all", secs(5));
        }
    }
}

#[test]
fn a_host_without_addresses_runs_commands_and_a_part_of_a_name_is_no_host() {
    require_lab!();
    let lab = Lab::fanout(1);
    let name = lab.namespace("switch").trim_end_matches("-switch").to_owned();
    let code = |host: &str| lab_script(&["run", host, "--name", &name, "--", "true"]).code();
    assert_eq!(code("switch"), Some(0));
    for host in ["swit", "s.", "r"] {
        assert_eq!(code(host), Some(1), "{host}");
    }
}

#[test]
fn without_offload_a_capture_shows_true_checksums_and_single_datagrams() {
    require_lab!();
    require_tools!("dumpcap", "tshark", "bash");
    let lab = Lab::up("pair", &["--no-offload"]);
    let capture = Capture::start(&lab, "b", "eth0", "udp dst port 9000");
    let send = "for i in 1 22 333; do echo -n $i >/dev/udp/10.77.0.2/9000; done";
    run(lab.command("a", "bash").args(["-c", send]), secs(5)).expect_success();
    let told = capture.finish(3, &["udp.length", "udp.checksum.status", "udp.dstport"]);
    assert_eq!(told, [["9", "1", "9000"], ["10", "1", "9000"], ["11", "1", "9000"]]);
}

#[test]
fn labs_stand_side_by_side_and_vanish_with_their_test_even_in_a_panic() {
    require_lab!();
    let (first, second) = (Lab::pair(), Lab::pair());
    let namespaces = [first.namespace("a"), second.namespace("a")];
    let there = |name: &String| Path::new("/run/netns").join(name).exists();
    assert_ne!(namespaces[0], namespaces[1]);
    assert!(namespaces.iter().all(there));
    drop(first);
    assert!(!there(&namespaces[0]) && there(&namespaces[1]));
    let panic = catch_unwind(AssertUnwindSafe(move || {
        let _held = second;
        std::panic::panic_any("on purpose");
    }));
    assert!(panic.is_err());
    assert!(!there(&namespaces[1]));
}

#[test]
fn a_lab_that_fails_half_way_leaves_nothing() {
    require_lab!();
    let name = format!("half-{}", std::process::id());
    let other = format!("{name}-b");
    run(Command::new("ip").args(["netns", "add", &other]), secs(5)).expect_success();
    let up = lab_script(&["up", "pair", "--name", &name]);
    let listed = run(Command::new("ip").args(["netns", "list"]), secs(5)).out();
    let state = Path::new("/run/udpkit-lab").join(&name).exists();
    run(Command::new("ip").args(["netns", "delete", &other]), secs(5)).expect_success();
    assert_eq!(up.code(), Some(1), "{}", up.err());
    assert!(up.err().contains("could not be brought up"), "{}", up.err());
    assert!(!listed.contains(&format!("{name}-a")), "{listed}");
    assert!(listed.contains(&other), "what was there before stays: {listed}");
    assert!(!state);
}

#[test]
fn the_scripts_exit_codes_distinguish_failure_from_usage() {
    require_lab!();
    let code = |arguments: &[&str]| lab_script(arguments).code();
    assert_eq!(code(&["help"]), Some(0));
    assert_eq!(code(&["down", "--name", "never-was-up"]), Some(0));
    assert_eq!(code(&["run", "a", "--name", "never-was-up", "--", "true"]), Some(1));
    for usage in [
        &["up"][..],
        &["up", "ring"],
        &["up", "pair", "--name", "a b"],
        &["up", "fanout", "--receivers", "0"],
        &["up", "fanout", "--receivers", "81"],
        &["run", "a"],
        &["away"],
    ] {
        assert_eq!(code(usage), Some(2), "{usage:?}");
    }
}

// --- texts and tables --------------------------------------------------------------------------

#[test]
fn a_skip_is_reported_and_fails_if_ci_is_set() {
    use crate::common::skip::verdict;
    assert_eq!(verdict(None, "no root"), Ok("skipped: no root".to_owned()));
    assert_eq!(verdict(Some("false"), "no root"), Ok("skipped: no root".to_owned()));
    assert_eq!(verdict(None, "one\ntwo\n"), Ok("skipped: one; two".to_owned()), "one line");
    assert!(verdict(Some("true"), "no root").is_err_and(|text| text.contains("no root")));
    assert!(crate::common::tool_available("sh").is_ok());
    assert_eq!(
        crate::common::tool_available("no-such-tool").unwrap_err(),
        "no-such-tool is not installed"
    );
}

#[test]
fn a_bound_port_is_seen_and_a_free_one_is_free() {
    // Not a port that was free a moment ago: other tests bind some, too.
    let held = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    crate::common::wait_bound(held.local_addr().expect("bound").port());
    drop(held);
    let table = "  sl  local_address rem_address\n  8: 0100007F:2328 00000000:0035 07\n";
    assert!(crate::common::ports::lists_port(table, 9000));
    assert!(!crate::common::ports::lists_port(table, 53), "a remote port is not a local one");
}

#[test]
fn kernel_counters_are_read_by_name() {
    let snmp = "Tcp: RtoMin InErrs\nTcp: 200 9\n\
        Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors New\n\
        Udp: 1 2 3 4 5 6 7 8\nUdpLite: InDatagrams\nUdpLite: 99\n";
    let snmp6 = "Ip6InReceives 50\nUdp6InDatagrams \t1\nUdp6NoPorts 2\nUdp6InErrors 3\n\
        Udp6OutDatagrams 4\nUdp6RcvbufErrors 5\nUdp6SndbufErrors 6\nUdp6InCsumErrors 7\n\
        UdpLite6InDatagrams 99\n";
    let expected = crate::common::UdpCounters {
        in_datagrams: 1,
        no_ports: 2,
        in_errors: 3,
        out_datagrams: 4,
        rcvbuf_errors: 5,
        sndbuf_errors: 6,
        in_csum_errors: 7,
    };
    assert_eq!(crate::common::lab::parse_snmp(snmp), expected);
    assert_eq!(crate::common::lab::parse_snmp6(snmp6), expected);
}

#[test]
fn dumpcaps_running_count_is_its_last() {
    use crate::common::capture::captured;
    assert_eq!(captured("Capturing on 'eth0'\nFile: /x\n"), 0);
    assert_eq!(captured("\n\rPackets: 9 \rPackets: 12"), 12);
    assert_eq!(captured("\rPackets: 12 \rPackets captured: 12\n"), 12);
}

#[test]
fn a_path_leads_through_objects_and_arrays() {
    let value = json(r#"{"a": {"b": [1, {"c": null}]}}"#);
    assert_eq!(path(&value, "a.b.0").as_u64(), Some(1));
    assert!(path(&value, "a.b.1.c").is_null());
    assert!(catch_unwind(|| path(&value, "a.x").clone()).is_err());
    assert_eq!(json_lines("1\n2\n").len(), 2);
}
