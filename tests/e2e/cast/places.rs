//! Where `udpkit cast send` and `cast recv` say that datagrams were lost, with the kernel's counters
//! as witness, and the same network without the fault beside it.

use crate::common::{
    DAMAGED, Lab, Output, Running, json, number, path, require_lab, require_tools, secs, text,
    wait_until,
};
use serde_json::Value;

const GROUP: &str = "239.7.7.7:5007";

/// A stream of datagrams of 1000 bytes from `a` to `b`: what both ends say at the end.
fn stream(
    lab: &Lab,
    (count, rate): (&str, &str),
    extra: &[&str],
    meanwhile: impl FnOnce(&Running),
) -> [Output; 2] {
    let args = ["cast", "recv", GROUP, "--idle", "1s", "--io", "mmsg"];
    let receiver = Running::start(lab.udpkit("b").args(args).args(extra));
    lab.wait_joined("b", "239.7.7.7");
    let args = ["cast", "send", GROUP, "-s", "984", "-c", count, "--rate", rate];
    let sender = Running::start(lab.udpkit("a").args(args).args(extra));
    meanwhile(&receiver);
    [sender.wait(secs(20)), receiver.wait(secs(20))]
}

/// The parts of what is lost, which sum up to it.
#[track_caller]
fn lost(report: &Value) -> [u64; 5] {
    let places = ["sender_host", "path", "receiver_host", "receiver_socket", "damaged"];
    let of = |key: &&str| path(report, &format!("lost.{key}")).as_u64().unwrap_or(0);
    let parts = places.each_ref().map(of);
    let never = path(report, "lost.never_sent").as_u64().unwrap_or(0);
    assert_eq!(parts.iter().sum::<u64>() + never, number(report, "lost.total"), "{report:#}");
    assert_eq!(number(report, "lost.total"), number(report, "lost_datagrams"), "{report:#}");
    parts
}

/// What the sender says of its one receiver, and what that says itself.
fn both(outputs: &[Output; 2]) -> [Value; 2] {
    let [sent, received] = outputs.each_ref().map(|output| json(&output.out()));
    [path(&sent, "receiver_rows.0").clone(), received]
}

/// The parts of the losses at the receiving host.
fn parts(report: &Value) -> Vec<(String, u64)> {
    let hosts = path(report, "hosts").as_array().expect("hosts").iter();
    let losses = hosts.flat_map(|host| path(host, "losses").as_array().expect("losses"));
    losses.map(|part| (text(part, "place").to_owned(), number(part, "datagrams"))).collect()
}

#[test]
fn damaged_and_dropped_datagrams_of_a_group_are_not_lost_on_the_path() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    for report in both(&stream(&lab, ("400", "2kpps"), &["-J"], |_| ())) {
        assert_eq!(lost(&report), [0; 5]);
        assert!(parts(&report).is_empty(), "{report:#}");
    }
    lab.nft_early("b", &format!("udp length 1008 numgen inc mod 10 == 0 {DAMAGED}"));
    let before = lab.snmp("b").in_csum_errors;
    let reports = both(&stream(&lab, ("400", "2kpps"), &["-J"], |_| ()));
    let damaged = lab.snmp("b").in_csum_errors - before;
    assert!(damaged >= 39, "{damaged}");
    for report in reports {
        assert_eq!(lost(&report), [0, 0, 0, 0, damaged], "{report:#}");
        assert_eq!(parts(&report), [("udp_checksum".to_owned(), damaged)]);
    }
    for output in stream(&lab, ("400", "2kpps"), &[], |_| ()) {
        let told = output.out().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("wrong UDP checksum (InCsumErrors)"), "{told}");
        assert!(told.contains("advice"), "{told}");
    }
}

#[test]
fn a_receiver_that_stands_still_is_told_apart_from_a_path_that_loses() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.nft(
        "b",
        "add table inet loss\n\
         add counter inet loss dropped\n\
         add chain inet loss early { type filter hook prerouting priority -300; }\n\
         add rule inet loss early udp length 1008 numgen inc mod 50 == 0 \
             counter name dropped drop\n",
    );
    let before = lab.snmp("b").rcvbuf_errors;
    let outputs = stream(&lab, ("12000", "20kpps"), &["-J"], |receiver| {
        receiver.stop();
        wait_until("the buffer overflows", secs(10), || lab.snmp("b").rcvbuf_errors > before + 200);
        receiver.cont();
    });
    let full = lab.snmp("b").rcvbuf_errors - before;
    let dropped = lab.counter("b", "inet loss", "dropped").0;
    for report in both(&outputs) {
        let [sender_host, path, receiver_host, socket, damaged] = lost(&report);
        assert_eq!((sender_host, receiver_host, damaged), (0, 0, 0), "{report:#}");
        assert_eq!(path + socket, full + dropped, "{report:#}");
        // A gap is explained as a whole by the buffers that were dropped in it.
        assert!(socket.abs_diff(full) * 20 <= full, "{socket} of {full}: {report:#}");
    }
}

/// Whether the sender says that everything was lost in its own queue, and the queue's own count.
fn queued(lab: &Lab, sent: &Value) -> (u64, u64) {
    let shown = lab.shell("a", "tc -s qdisc show dev eth0");
    let mut words = shown.split_whitespace().skip_while(|word| *word != "Sent");
    let passed = words.nth(3).and_then(|word| word.parse().ok()).expect("packets that left");
    let row = path(sent, "receiver_rows.0");
    let [sender_host, path, receiver_host, socket, damaged] = lost(row);
    assert_eq!([path, receiver_host, socket, damaged], [0; 4], "{sent:#}");
    (sender_host, passed)
}

#[test]
fn what_the_own_queue_cut_out_of_a_burst_was_not_lost_on_the_path() {
    require_lab!();
    require_tools!("tc");
    let lab = Lab::up("pair", &["--no-offload"]);
    let limit = |rate: &str, burst: u32, limit: u32| {
        let rule = format!("root tbf rate {rate} burst {burst} limit {limit}");
        // Removed first, so that its counts begin anew.
        lab.shell("a", &format!("tc qdisc del dev eth0 root; tc qdisc add dev eth0 {rule}"));
    };
    // Buffers of several datagrams, which the queue takes whole, in part or not at all.
    let args = ["cast", "send", GROUP, "-s", "984", "-c", "1500", "--rate", "max", "-J"];
    let run = || {
        let args_there = ["cast", "recv", GROUP, "--idle", "1s", "-q"];
        let receiver = Running::start(lab.udpkit("b").args(args_there));
        lab.wait_joined("b", "239.7.7.7");
        let sent = json(&Running::start(lab.udpkit("a").args(args)).wait(secs(20)).out());
        receiver.wait(secs(20));
        sent
    };
    limit("1gbit", 100_000, 2_000_000);
    assert_eq!(queued(&lab, &run()).0, 0);
    // The queue may also refuse every buffer whole, and cut none.
    let is_cut = (0..5).any(|_| {
        limit("2mbit", 60_000, 66_000);
        let sent = run();
        let (dropped, passed) = queued(&lab, &sent);
        let accepted = number(&sent, "datagrams");
        // Announcements and end marks left it, too.
        assert!(accepted - dropped <= passed, "{passed}: {sent:#}");
        assert_eq!(number(&sent, "receiver_rows.0.received"), accepted - dropped, "{sent:#}");
        dropped > 0
    });
    assert!(is_cut, "no buffer was cut");
}
