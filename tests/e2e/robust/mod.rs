//! `udpkit blast` and `udpkit serve` under attack and with failures: every claim is compared with
//! counters of other programs.

mod forge;

use self::forge::forger;
use crate::common::relay::Relay;
use crate::common::{
    Lab, Output, Running, assert_sums, busy, free_udp_port, json, number, path, punctual,
    require_lab, run, secs, udpkit,
};
use serde_json::Value;
use std::fs;
use std::process::Command;

fn serve(command: &mut Command, args: &[&str]) -> Running {
    let server = Running::start(command.arg("serve").args(args));
    server.wait_for_line("serving on", secs(5));
    server
}

/// The report of a successful run, with its sums checked.
#[track_caller]
fn whole(output: &Output) -> Value {
    assert_eq!(output.code(), Some(0), "{}\n{}", output.err(), output.out());
    let report = json(&output.out());
    assert_eq!(path(&report, "complete"), true, "{report:#}");
    assert_sums(&report);
    report
}

fn wait_until(what: &str, so: impl FnMut() -> bool) {
    crate::common::wait_until(what, secs(15), so);
}

/// Resident memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}

/// Counts input of `host` to port 8620 (`data` has the run's size and is not forged, `forged` has
/// the forger's TTL), and its replies (`answers`).
fn count(lab: &Lab, host: &str) {
    lab.nft(
        host,
        "add table inet t\n\
         add counter inet t data\n\
         add counter inet t forged\n\
         add counter inet t answers\n\
         add chain inet t input { type filter hook input priority 0; }\n\
         add rule inet t input udp dport 8620 ip ttl 77 counter name forged\n\
         add rule inet t input udp dport 8620 udp length 1008 ip ttl != 77 counter name data\n\
         add chain inet t output { type filter hook output priority 0; }\n\
         add rule inet t output udp sport 8620 counter name answers\n",
    );
}

/// Between the calls that bind and connect it, a stream's socket gets what is sent to the server.
#[test]
fn sockets_that_open_take_nothing_from_others() {
    let port = free_udp_port();
    let address = format!("127.0.0.1:{port}");
    let _server = serve(&mut udpkit(), &[&address]);
    let args = ["ping", &address, "-i", "200us", "-t", "3s", "-q", "-J"];
    let ping = Running::start(udpkit().args(args));
    for _ in 0..10 {
        let args = ["blast", &address, "-J", "-t", "10ms", "--rate", "1M", "-P", "32"];
        run(udpkit().args(args), secs(20)).expect_success();
    }
    let told = json(&ping.wait(secs(20)).expect_success().out());
    let ping = path(&told, "targets.0");
    // A server that is behind may drop replies, but not what it was asked.
    assert_eq!(number(ping, "lost_out"), 0, "of {}", number(ping, "sent"));
}

#[test]
fn a_flood_of_random_and_almost_right_datagrams_changes_no_count() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    count(&lab, "b");
    let _server = serve(&mut lab.udpkit("b"), &["--io", "mmsg"]);
    let flood = Running::start(&mut forger(&lab, "a", "flood"));
    flood.wait_for_line("listening", secs(10));
    let args = ["blast", "--json", "10.77.0.2", "--size", "1000", "--rate", "5kpps"];
    let client = Running::start(lab.udpkit("a").args(args).args(["--time", "2s"]));
    flood.wait(secs(20)).expect_success();
    assert!(client.is_running(), "the flood came while the run was on");
    let report = whole(&client.wait(secs(20)));
    assert_eq!(number(&report, "sent.datagrams"), lab.counter("b", "inet t", "data").0);
    assert_eq!(lab.counter("b", "inet t", "forged").0, forge::FLOOD);
    for key in ["lost.path", "duplicates", "reordered", "too_late"] {
        assert_eq!(number(&report, key), 0, "{key}: {report:#}");
    }
    // Each was recognised, except those that the kernel dropped at the full socket.
    let foreign = number(&report, "strays") + number(&report, "corrupt");
    let dropped = lab.snmp("b").rcvbuf_errors;
    assert!(foreign <= forge::FLOOD && foreign + dropped >= forge::FLOOD, "{foreign} {report:#}");
    assert!(number(&report, "corrupt") > 0 && number(&report, "strays") > 0, "{report:#}");
}

#[test]
fn ten_thousand_hellos_from_spoofed_addresses_leave_memory_flat_and_no_session() {
    require_lab!();
    let _turn = busy();
    let lab = Lab::up("pair", &["--no-offload"]);
    count(&lab, "b");
    // Replies to unused addresses leave by a route, without neighbour resolution.
    lab.shell(
        "b",
        "ip route add 10.0.0.0/8 via 10.77.0.1
         sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0",
    );
    let server = serve(&mut lab.udpkit("b"), &[]);
    run(&mut forger(&lab, "a", "hellos"), secs(20)).expect_success();
    let heard = |lab: &Lab| {
        let snmp = lab.snmp("b");
        snmp.in_datagrams + snmp.rcvbuf_errors
    };
    wait_until("the first round", || heard(&lab) >= forge::HELLOS);
    let before = resident(server.pid());
    run(&mut forger(&lab, "a", "hellos"), secs(20)).expect_success();
    wait_until("the second round", || heard(&lab) >= 2 * forge::HELLOS);
    // A command sent now gets its reply after all of them.
    let asked = run(
        lab.udpkit("a").args([
            "send",
            "10.77.0.2:8620",
            "--wait",
            "1s",
            "--replies",
            "1",
            "--",
            "a HELP",
        ]),
        secs(10),
    );
    assert!(asked.out().contains("a pad="), "{}{}", asked.out(), asked.err());
    let after = resident(server.pid());
    assert!(after <= before + 512, "{before} KiB became {after} KiB");
    let (forged, in_bytes) = lab.counter("b", "inet t", "forged");
    assert_eq!(forged, 2 * forge::HELLOS);
    let (answers, out_bytes) = lab.counter("b", "inet t", "answers");
    assert!(answers > forge::HELLOS, "{answers} answers to {forged}: a busy server sends, too");
    assert!(out_bytes <= in_bytes, "{out_bytes} for {in_bytes}");
    server.signal("INT");
    let told = server.wait(secs(5));
    assert!(!told.err().contains("session"), "{}", told.err());
}

#[test]
fn duplicated_and_reordered_control_datagrams_change_nothing() {
    let port = free_udp_port();
    let _server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port.to_string()]);
    // Data has 200 bytes; of the dialogue, each comes twice and a half of it late.
    let disorder = "only size 0-199, duplicate 100%, reorder 50% by 2 within 50ms";
    let relay = Relay::start(port, &["--both", disorder]);
    let to = relay.port().to_string();
    let args = ["blast", "--json", "127.0.0.1", "--port", &to, "--count", "500", "--rate"];
    let args = [&args[..], &["1kpps", "--size", "200", "--report-every", "50ms"]].concat();
    let report = whole(&run(udpkit().args(args), secs(30)));
    assert_eq!(number(&report, "delivered"), 500, "{report:#}");
    assert_eq!(number(&report, "duplicates"), 0);
    let seen = relay.stop();
    let both = |key: &str| ["up", "down"].map(|way| number(&seen, &format!("{way}.{key}")));
    assert!(both("duplicated").iter().all(|copies| *copies > 6), "{seen:#}");
    assert!(both("held_back").iter().sum::<u64>() > 6, "{seen:#}");
    assert!(number(&seen, "up.received") > 500 && both("dropped.total") == [0, 0], "{seen:#}");
}

#[test]
fn a_server_that_is_restarted_ends_the_run_with_what_was_measured() {
    let port = free_udp_port().to_string();
    let server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let args = ["blast", "127.0.0.1", "--port", &port, "--rate", "10M", "--report-every", "100ms"];
    let client = Running::start(udpkit().args(args));
    client.wait_for_line(" kpps   lost ", secs(10));
    server.signal("KILL");
    server.wait(secs(5));
    let again = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let output = client.wait(secs(30));
    assert_eq!(output.code(), Some(1), "{}\n{}", output.err(), output.out());
    assert!(output.err().contains("error: "), "{}", output.err());
    assert!(output.out().contains("sent"), "what was measured is printed:\n{}", output.out());
    // The new server does not know the old one's session, and serves new clients.
    let args = ["blast", "--json", "127.0.0.1", "--port", &port, "--count", "100"];
    whole(&run(udpkit().args(args).args(["--rate", "10kpps"]), secs(20)));
    assert!(again.is_running());
}

#[test]
fn a_client_that_is_stopped_for_a_second_continues_and_reports_correctly() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    count(&lab, "b");
    let _server = serve(&mut lab.udpkit("b"), &["--io", "mmsg"]);
    let args = ["blast", "--json", "10.77.0.2", "--size", "1000", "--rate", "2kpps"];
    let client = Running::start(lab.udpkit("a").args(args).args(["--time", "2500ms"]));
    let data = || lab.counter("b", "inet t", "data").0;
    wait_until("data", || data() > 500);
    client.stand_still(secs(1));
    let report = whole(&client.wait(secs(20)));
    assert_eq!(number(&report, "sent.datagrams"), data());
    assert_eq!(number(&report, "lost.path"), 0, "{report:#}");
}

#[test]
fn an_interface_that_goes_down_and_comes_back_costs_what_the_counter_says() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    count(&lab, "b");
    let _server = serve(&mut lab.udpkit("b"), &["--io", "mmsg"]);
    let args = ["blast", "--json", "10.77.0.2", "--size", "1000", "--rate", "2kpps"];
    let client = Running::start(lab.udpkit("a").args(args).args(["--time", "2m"]));
    let data = || lab.counter("b", "inet t", "data").0;
    wait_until("data", || data() > 500);
    lab.shell("b", "ip link set eth0 down");
    // A thousand datagrams fall into this time, whatever becomes of them.
    let tried = || {
        let of = lab.snmp("a");
        of.out_datagrams + of.sndbuf_errors
    };
    let before = tried();
    wait_until("what is sent meanwhile", || tried() > before + 1_000);
    lab.shell("b", "ip link set eth0 up");
    let back = data();
    wait_until("data again", || data() > back + 100);
    client.signal("INT");
    let output = client.wait(secs(30)).expect_success();
    let report = json(&output.out());
    assert_eq!(path(&report, "counts_final"), true, "{report:#}");
    assert_sums(&report);
    let delivered = number(&report, "delivered") + number(&report, "lost.receiver_socket");
    assert_eq!(delivered, data(), "{report:#}");
    assert!(number(&report, "lost.path") + number(&report, "never_sent") > 300, "{report:#}");
}

#[test]
fn refusals_of_a_short_queue_are_never_sent_and_not_loss() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::up("pair", &["--no-offload"]);
    count(&lab, "b");
    let _server = serve(&mut lab.udpkit("b"), &["--io", "mmsg"]);
    lab.shell("a", "tc qdisc add dev eth0 root tbf rate 4mbit burst 3000 limit 6000");
    let args = ["blast", "--json", "10.77.0.2", "--size", "1000", "--rate", "2kpps"];
    let client = Running::start(lab.udpkit("a").args(args).args(["--time", "1s"]));
    let report = whole(&client.wait(secs(30)));
    let qdisc = lab.shell("a", "tc -s qdisc show dev eth0");
    let dropped: u64 = qdisc
        .split("dropped ")
        .nth(1)
        .and_then(|rest| rest.split(',').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{qdisc}"));
    assert!(dropped > 200, "{qdisc}");
    assert!(number(&report, "never_sent") > 200, "{report:#}");
    // Only ENOBUFS: a full queue of this host.
    let causes: Vec<u64> = path(&report, "refusals")
        .as_array()
        .expect("causes")
        .iter()
        .map(|cause| number(cause, "errno"))
        .collect();
    assert_eq!(causes, [105], "{report:#}");
    assert_eq!(number(&report, "sent.datagrams"), lab.counter("b", "inet t", "data").0);
    assert_eq!(number(&report, "lost.total"), 0, "{report:#}");
}

#[test]
fn sixty_four_clients_at_once_are_all_served() {
    let _turn = busy();
    let port = free_udp_port().to_string();
    // All from one address.
    let whole_share = ["127.0.0.1", "--port", &port, "--source-share", "100"];
    let server = serve(&mut udpkit(), &whole_share);
    let args = ["blast", "--json", "127.0.0.1", "--port", &port, "--count", "200"];
    let clients: Vec<Running> = (0..64)
        .map(|_| Running::start(udpkit().args(args).args(["--rate", "400pps", "--size", "200"])))
        .collect();
    for client in clients {
        let report = whole(&client.wait(secs(40)));
        assert_eq!(number(&report, "sent.datagrams"), 200);
        assert_eq!(number(&report, "lost.path"), 0, "{report:#}");
    }
    server.signal("INT");
    let told = server.wait(secs(5));
    assert_eq!(told.err().matches("opened session").count(), 64, "{}", told.err());
}

#[test]
fn run_after_run_leaves_the_servers_memory_flat() {
    let _turn = busy();
    let output = run(
        Command::new("scripts/soak")
            .args(["--seconds", "6"])
            .env("UDPKIT", env!("CARGO_BIN_EXE_udpkit")),
        secs(50),
    );
    assert_eq!(output.code(), Some(0), "{}\n{}", output.out(), output.err());
    assert!(output.out().contains("flat"), "{}", output.out());
}
