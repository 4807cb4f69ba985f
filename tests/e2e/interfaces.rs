//! Interfaces and addresses that go and come back, or come only after the start.

use crate::common::{Lab, Running, json, number, path, require_lab, run, secs, text, wait_until};
use serde_json::Value;

/// Deletes the receiver's interface; the switch loses its end with it.
fn take_away(lab: &Lab) {
    lab.shell("r1", "ip link del eth0");
}

/// Makes it again, with the same name and addresses and another index.
fn bring_back(lab: &Lab) {
    let receiver = lab.namespace("r1");
    lab.shell(
        "switch",
        &format!(
            "set -e
             ip link add to-r1 type veth peer name eth0 netns {receiver}
             ip link set to-r1 master br0 up
             ethtool -K to-r1 tx off rx off tso off gso off gro off >/dev/null 2>&1"
        ),
    );
    lab.shell(
        "r1",
        "set -e
         ip addr add 10.77.0.11/24 brd + dev eth0
         ip -6 addr add fd77::11/64 dev eth0 nodad
         ethtool -K eth0 tx off rx off tso off gso off gro off >/dev/null 2>&1
         ip link set eth0 up
         ip route replace 224.0.0.0/4 dev eth0",
    );
}

fn start(lab: &Lab, host: &str, args: &[&str]) -> Running {
    Running::start(lab.udpkit(host).args(args))
}

/// Ends a command and returns its document.
fn end(running: Running) -> Value {
    running.signal("INT");
    json(&running.wait(secs(10)).expect_success().out())
}

fn codes(report: &Value) -> Vec<&str> {
    let events = path(report, "interface_events").as_array().expect("events");
    events.iter().map(|event| text(event, "code")).collect()
}

#[test]
fn a_stream_is_received_on_when_the_receivers_interface_comes_back() {
    require_lab!();
    // A coalesced buffer would count as one packet.
    let lab = Lab::up("fanout", &["--receivers", "1", "--no-offload"]);
    lab.nft(
        "r1",
        "table inet seen {
            counter data4 { }
            counter data6 { }
            chain in { type filter hook input priority 0;
                meta nfproto ipv4 udp dport 5000 udp length 124 counter name data4;
                meta nfproto ipv6 udp dport 5000 udp length 124 counter name data6; }
         }",
    );
    let groups = [("239.1.2.3:5000", "data4"), ("[ff15::1234]:5000", "data6")];
    let seen = |name| lab.counter("r1", "inet seen", name).0;
    let pairs = groups.map(|(group, counter)| {
        let receiver = start(&lab, "r1", &["cast", "recv", group, "-I", "eth0", "-J"]);
        receiver.wait_for_line(&format!("joined {group} on eth0"), secs(10));
        let args = ["cast", "send", group, "-I", "eth0", "-s", "100", "--rate", "200pps"];
        let sender = start(&lab, "s", &[&args[..], &["-t", "60s", "-J"]].concat());
        receiver.wait_for_line(&format!("receiving {group}"), secs(10));
        (group, counter, receiver, sender)
    });
    take_away(&lab);
    for (group, _, receiver, _) in &pairs {
        let line = format!("eth0 is gone, and the membership of {group}");
        receiver.wait_for_line(&line, secs(10));
    }
    bring_back(&lab);
    for (group, _, receiver, _) in &pairs {
        receiver.wait_for_line(&format!("joined {group} on eth0 again"), secs(10));
    }
    for (_, counter, ..) in &pairs {
        let before = seen(counter);
        wait_until("data after the interface came back", secs(10), || seen(counter) > before + 100);
    }
    for (_, counter, receiver, sender) in pairs {
        let sent = end(sender);
        let received = end(receiver);
        assert_eq!(number(&received, "received"), seen(counter));
        assert_eq!(codes(&received), ["membership_lost", "rejoined"]);
        // The same source on the same interface, with what was lost meanwhile.
        let rows = path(&received, "source_rows").as_array().expect("rows");
        assert_eq!(rows.len(), 1, "{rows:#?}");
        let lost = number(&received, "lost_datagrams");
        assert!(lost > 0);
        assert_eq!(number(&received, "received") + lost, number(&sent, "datagrams"));
    }
}

#[test]
fn every_membership_and_address_is_kept() {
    require_lab!();
    let lab = Lab::fanout(1);
    let groups: [&[&str]; 5] = [
        &["239.1.2.3:5000"],
        &["232.1.2.4:5000", "--source", "10.77.0.1", "-I", "eth0"],
        &["[ff35::1235]:5000", "--source", "fd77::1", "-I", "eth0"],
        &["[ff02::1234%eth0]:5000"],
        &["[ff15::1234]:5000", "-I", "eth0"],
    ];
    let receivers = groups.map(|args| {
        let running = start(&lab, "r1", &[&["cast", "recv", "-J"], args].concat());
        running.wait_for_line("joined", secs(10));
        running
    });
    let addresses = ["10.77.0.11:6001", "[fd77::11]:6001"];
    let sockets =
        [&["239.1.2.5:6000", "-I", "eth0"][..], &addresses[..1], &addresses[1..]].map(|args| {
            let running = start(&lab, "r1", &[&["recv", "-J"], args].concat());
            running.wait_for_line("listening", secs(10));
            running
        });
    let check = ["cast", "check", "239.1.2.6:5000", "--answer", "-I", "eth0", "-J"];
    let answerer = start(&lab, "r1", &check);
    answerer.wait_for_line("answering for", secs(10));
    let servers = ["10.77.0.11:8620", "[fd77::11]:8620"].map(|address| {
        let server = start(&lab, "r1", &["serve", address, "--json"]);
        server.wait_for_line("confined", secs(10));
        server
    });

    take_away(&lab);
    for running in receivers.iter().chain(&sockets[..1]).chain([&answerer]) {
        running.wait_for_line("eth0 is gone", secs(10));
    }
    for (socket, address) in sockets[1..].iter().zip(addresses) {
        socket.wait_for_line(&format!("no longer has the address {address}"), secs(10));
    }
    for server in &servers {
        server.wait_for_line("\"address_lost\"", secs(10));
    }
    bring_back(&lab);
    for running in receivers.iter().chain(&sockets).chain([&answerer]) {
        running.wait_for_line(" again", secs(10));
    }
    for server in &servers {
        server.wait_for_line("\"address_back\"", secs(10));
    }

    for group in groups {
        let send = ["cast", "send", group[0], "-I", "eth0", "-s", "100", "-c", "20", "-q"];
        run(lab.udpkit("s").args(send), secs(20)).expect_success();
    }
    for to in ["239.1.2.5:6000"].into_iter().chain(addresses) {
        let send = ["send", to, "-c", "20", "--", "hello"];
        run(lab.udpkit("s").args(send), secs(20)).expect_success();
    }
    for server in ["10.77.0.11", "fd77::11"] {
        let blast = ["blast", server, "-t", "100ms", "--rate", "1M", "-J"];
        run(lab.udpkit("s").args(blast), secs(20)).expect_success();
    }
    let ask = ["cast", "check", "239.1.2.6:5000", "--far", "10.77.0.11", "-I", "eth0", "-J"];
    run(lab.udpkit("s").args(ask), secs(40)).expect_success();

    for receiver in receivers {
        let received = end(receiver);
        assert_eq!(number(&received, "received"), 20, "{received:#}");
        assert_eq!(codes(&received), ["membership_lost", "rejoined"]);
    }
    let address = ["address_lost", "address_back"];
    for (socket, expected) in
        sockets.into_iter().zip([["membership_lost", "rejoined"], address, address])
    {
        let received = end(socket);
        assert_eq!(number(&received, "datagrams"), 20, "{received:#}");
        assert_eq!(codes(&received), expected);
    }
    let answered = end(answerer);
    assert!(number(&answered, "group_probes") > 0, "{answered:#}");
    assert_eq!(codes(&answered), ["membership_lost", "rejoined"]);
}

#[test]
fn a_server_at_a_link_local_address_serves_on_when_its_interface_is_made_again() {
    require_lab!();
    let lab = Lab::fanout(1);
    let give = |lab: &Lab| lab.shell("r1", "ip -6 addr add fe80::77/64 dev eth0 nodad");
    give(&lab);
    let args = ["serve", "[fe80::77%eth0]:8620", "--stamp=9862", "--json"];
    let server = start(&lab, "r1", &args);
    server.wait_for_line("confined", secs(10));
    take_away(&lab);
    server.wait_for_line("\"address_lost\"", secs(10));
    bring_back(&lab);
    give(&lab);
    server.wait_for_line("\"address_back\"", secs(10));
    let target = "fe80::77%eth0";
    let blast = ["blast", target, "-t", "100ms", "--rate", "1M", "--bidir", "-J"];
    let told = json(&run(lab.udpkit("s").args(blast), secs(20)).expect_success().out());
    assert_eq!(path(&told, "complete"), true, "{told:#}");
    for args in [
        &["ping", target, "-c", "3", "-i", "20ms", "-J"][..],
        &["ping", "[fe80::77%eth0]:9862", "-c", "3", "-i", "20ms", "-J"],
    ] {
        let told = json(&run(lab.udpkit("s").args(args), secs(20)).expect_success().out());
        assert_eq!(number(&told, "targets.0.back"), 3, "{told:#}");
    }
    let ports = ["probe", "ports", target, "63000-63003", "-J"];
    let told = json(&run(lab.udpkit("s").args(ports), secs(20)).expect_success().out());
    let rows = path(&told, "port_rows").as_array().expect("rows");
    assert!(rows.iter().all(|row| text(row, "outcome") == "passes"), "{told:#}");
}

#[test]
fn what_another_interface_does_is_no_event() {
    require_lab!();
    let lab = Lab::fanout(1);
    let receiver = start(&lab, "r1", &["cast", "recv", "239.1.2.3:5000", "-J"]);
    receiver.wait_for_line("joined", secs(10));
    lab.shell(
        "r1",
        "set -e
         ip link add other type veth peer name end
         ip link set other up
         ip addr add 10.78.0.1/24 dev other
         ip link del other",
    );
    let send = ["cast", "send", "239.1.2.3:5000", "-s", "100", "-c", "20", "-q"];
    run(lab.udpkit("s").args(send), secs(20)).expect_success();
    let received = end(receiver);
    assert_eq!(number(&received, "received"), 20);
    assert!(codes(&received).is_empty(), "{received:#}");
}

#[test]
fn what_comes_after_the_start_is_waited_for() {
    require_lab!();
    let lab = Lab::fanout(1);
    take_away(&lab);
    let missing = run(lab.udpkit("r1").args(["recv", "10.77.0.11:6001"]), secs(10));
    assert_eq!(missing.code(), Some(1), "{}", missing.err());
    let wait = ["recv", "10.77.0.11:6001", "--wait-for-address", "-t", "100ms"];
    let in_vain = run(lab.udpkit("r1").args(wait), secs(10));
    assert_eq!(in_vain.code(), Some(1), "{}", in_vain.err());
    assert!(in_vain.err().contains("waiting until 10.77.0.11:6001 can be used"));

    let commands: [&[&str]; 8] = [
        &["cast", "recv", "239.1.2.3:5000", "-J"],
        &["cast", "recv", "[ff02::1234%eth0]:5000", "-J"],
        &["cast", "recv", "239.1.2.4:5000", "-I", "eth0", "-J"],
        &["cast", "recv", "[ff15::1235]:5000", "-I", "eth0", "-J"],
        &["recv", "10.77.0.11:6001", "-J"],
        &["recv", "[fd77::11]:6001", "-J"],
        &["serve", "10.77.0.11:8620"],
        &["serve", "[fd77::11]:8620"],
    ];
    let waiting = commands.map(|args| {
        let running = start(&lab, "r1", &[args, &["--wait-for-address"]].concat());
        running.wait_for_line("waiting until", secs(10));
        running
    });
    bring_back(&lab);
    for (running, args) in waiting.iter().zip(commands) {
        let line = match args[0] {
            "cast" => "joined",
            "recv" => "listening",
            _ => "dropped to",
        };
        running.wait_for_line(line, secs(10));
    }
    let groups = ["239.1.2.3:5000", "[ff02::1234%eth0]:5000", "239.1.2.4:5000"];
    for group in groups.into_iter().chain(["[ff15::1235]:5000"]) {
        let send = ["cast", "send", group, "-I", "eth0", "-s", "100", "-c", "20", "-q"];
        run(lab.udpkit("s").args(send), secs(20)).expect_success();
    }
    for host in ["10.77.0.11", "[fd77::11]"] {
        let send = ["send", &format!("{host}:6001"), "-c", "20", "--", "hello"];
        run(lab.udpkit("s").args(send), secs(20)).expect_success();
        let blast = ["blast", host, "-t", "100ms", "--rate", "1M", "-J"];
        run(lab.udpkit("s").args(blast), secs(20)).expect_success();
    }
    for (running, args) in waiting.into_iter().zip(commands) {
        match args[0] {
            "cast" => assert_eq!(number(&end(running), "received"), 20, "{args:?}"),
            "recv" => assert_eq!(number(&end(running), "datagrams"), 20, "{args:?}"),
            _ => {}
        }
    }
}
