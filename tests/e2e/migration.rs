//! A NAT that forgets in the middle of a run and gives other ports, or a host whose address is
//! replaced: the run goes on.

use crate::common::{
    Lab, Running, change_table, comes_true, json, number, path, require_lab, secs, text, wait_until,
};
use serde_json::Value;
use std::time::Instant;

/// A `path` whose r1 is a NAT with a range of ports for each run, lets in only what belongs to a
/// flow, and counts the run's datagrams and, as `moved`, what leaves it from other ports than those
/// that a run began with.
fn lab() -> Lab {
    let lab = Lab::path();
    lab.nft(
        "r1",
        "add table ip n
         add counter ip n data
         add counter ip n moved
         add chain ip n post { type nat hook postrouting priority srcnat; }
         add chain ip n left { type filter hook postrouting priority srcnat + 1; }
         add chain ip n f { type filter hook forward priority 0; }
         add rule ip n f udp length 208 counter name data
         add rule ip n f iifname wan ct state != { established, related } drop\n",
    );
    lab
}

#[test]
fn a_run_goes_on_when_a_nat_gives_other_ports() {
    require_lab!();
    let lab = lab();
    let server = Running::start(lab.udpkit("server").arg("serve"));
    server.wait_for_line("serving on", secs(10));
    let counted = |name| lab.counter("r1", "ip n", name).0;
    // The NAT gives these ports to flows that it does not know.
    let gives = |ports: &str| {
        format!(
            "flush chain ip n post
             add rule ip n post oifname wan meta l4proto udp snat to 10.77.2.1:{ports} fully-random\n"
        )
    };
    for way in [None, Some("-R"), Some("--bidir")] {
        lab.nft("r1", &format!("flush chain ip n left\n{}", gives("20000-29999")));
        let before = counted("data");
        let mut command = lab.udpkit("client");
        let args = ["blast", "10.77.3.2", "-J", "-s", "200", "--rate", "200pps", "-t", "6s"];
        let began = Instant::now();
        let run = Running::start(command.args(args).args(way));
        wait_until("some data", secs(20), || counted("data") >= before + 150);
        lab.nft(
            "r1",
            &format!(
                "{}reset counter ip n moved
                 add rule ip n left oifname wan udp sport 30000-39999 counter name moved\n",
                gives("30000-39999")
            ),
        );
        let forgets = || {
            change_table(&lab, "r1", "flush");
            eprintln!("{way:?}: the NAT forgot {:?} after the start of the run", began.elapsed());
            comes_true(secs(3), || counted("moved") > 0)
        };
        assert!(forgets() || forgets(), "{way:?}: the NAT gives no other ports");
        let report = json(&run.wait(secs(60)).expect_success().out());
        assert_eq!(path(&report, "complete"), true, "{report:#}");
        let (from, to) = ("address_changes.0.from_address", "address_changes.0.to_address");
        let changes = path(&report, "address_changes").as_array().map_or(0, Vec::len);
        assert!(changes >= 1, "{way:?}: {report:#}");
        for (address, range) in [(from, "10.77.2.1:2"), (to, "10.77.2.1:3")] {
            assert!(text(&report, address).starts_with(range), "{address}: {report:#}");
        }
        assert!(number(&report, "address_changes.0.after_ns") > 200_000_000, "{report:#}");
        let sent = number(&report, "sent.datagrams");
        let (delivered, lost) = (number(&report, "delivered"), number(&report, "lost.total"));
        assert_eq!(sent, delivered + lost, "{report:#}");
        // Of 1,200, those until the new address is confirmed; none upstream.
        assert!((0..800).contains(&lost), "{lost}: {report:#}");
        server.wait_for_line("goes on with session", secs(5));
    }
}

/// A `pair` whose `b` counts what comes and what leaves with payloads of 200 bytes, and both ways of
/// `a` in its own counters.
fn pair() -> Lab {
    let lab = Lab::up("pair", &["--no-offload"]);
    for host in ["a", "b"] {
        lab.nft(
            host,
            "add table inet t
             add counter inet t came
             add counter inet t left
             add chain inet t in { type filter hook input priority 0; }
             add rule inet t in udp length 208 counter name came
             add chain inet t out { type filter hook output priority 0; }
             add rule inet t out udp length 208 counter name left\n",
        );
    }
    lab
}

/// Replaces the address of `a`, in both families.
fn replace_address(lab: &Lab, from: u8, to: u8) {
    lab.shell(
        "a",
        &format!(
            "ip addr del 10.77.0.{from}/24 dev eth0 && ip -6 addr del fd77::{from}/64 dev eth0
             ip addr add 10.77.0.{to}/24 brd + dev eth0 && ip -6 addr add fd77::{to}/64 dev eth0 nodad"
        ),
    );
}

fn codes(report: &Value) -> Vec<&str> {
    let events = path(report, "interface_events").as_array().expect("events");
    events.iter().map(|event| text(event, "code")).collect()
}

#[test]
fn a_run_goes_on_when_this_hosts_address_is_replaced() {
    require_lab!();
    let lab = pair();
    let _server = lab.serve("b", &[]);
    for (way, targets) in [("-R", ["10.77.0.2", "fd77::2"]), ("--bidir", ["fd77::2", "10.77.0.2"])]
    {
        let before =
            ["a", "b"].map(|host| ["came", "left"].map(|name| lab.counter(host, "inet t", name).0));
        let runs = targets.map(|to| {
            let args = ["blast", to, "-J", "-s", "200", "--rate", "200pps", "-t", "3s", way];
            Running::start(lab.udpkit("a").args(args))
        });
        let came = || lab.counter("a", "inet t", "came").0 - before[0][0];
        wait_until("a third of both runs", secs(20), || came() >= 400);
        let (from, to) = if way == "-R" { (1, 9) } else { (9, 1) };
        replace_address(&lab, from, to);
        let reports = runs.map(|run| json(&run.wait(secs(60)).expect_success().out()));
        let counted = |host: usize, name: usize| {
            let counter = lab.counter(["a", "b"][host], "inet t", ["came", "left"][name]);
            counter.0 - before[host][name]
        };
        let sum = |of: &dyn Fn(&Value) -> u64| reports.iter().map(of).sum::<u64>();
        let down = |report: &Value, key: &str| match way {
            "-R" => number(report, key),
            _ => number(report, &format!("reverse.{key}")),
        };
        assert_eq!(sum(&|report| down(report, "delivered")), counted(0, 0), "{reports:#?}");
        assert_eq!(sum(&|report| down(report, "sent.datagrams")), counted(1, 1), "{reports:#?}");
        if way == "--bidir" {
            // What comes from the new address before the server knows it finds no stream there.
            let delivered = sum(&|report| number(report, "delivered"));
            let lost = sum(&|report| number(report, "lost.total"));
            assert!(sum(&|report| number(report, "address_changes.0.lost_up")) <= lost);
            let came = delivered..=delivered + lost;
            assert!(came.contains(&counted(1, 0)), "{came:?}, {}: {reports:#?}", counted(1, 0));
            assert_eq!(sum(&|report| number(report, "sent.datagrams")), counted(0, 1));
        }
        for (report, target) in reports.iter().zip(targets) {
            assert_eq!(path(report, "complete"), true, "{report:#}");
            assert_eq!(codes(report).last(), Some(&"address_changed"), "{report:#}");
            let start = |last: u8| {
                if target.contains(':') {
                    format!("[fd77::{last}]:")
                } else {
                    format!("10.77.0.{last}:")
                }
            };
            let [before, after] = [from, to].map(start);
            for (key, start) in [("from_address", before), ("to_address", after)] {
                let told = text(report, &format!("address_changes.0.{key}"));
                assert!(told.starts_with(&start), "{told}, {start}");
            }
            let lost = down(report, "sent.datagrams") - down(report, "delivered");
            assert_eq!(number(report, "address_changes.0.lost_down"), lost, "{report:#}");
            assert!(lost < 300, "{report:#}");
        }
    }
}

#[test]
fn ping_and_a_subscriber_go_on_from_another_address() {
    require_lab!();
    let lab = pair();
    let _server = lab.serve("b", &[]);
    let args = ["cast", "send", "--open=:7000", "-s", "184", "--rate", "100pps", "-t", "60s"];
    let sender = Running::start(lab.udpkit("b").args(args).arg("-J"));
    sender.wait_for_line("7000", secs(10));
    let receiver = ["cast", "recv", "--sender", "10.77.0.2:7000", "-J"];
    let receiver = Running::start(lab.udpkit("a").args(receiver));
    receiver.wait_for_line("receiving", secs(10));
    let pings = ["10.77.0.2", "fd77::2"]
        .map(|to| Running::start(lab.udpkit("a").args(["ping", to, "-i", "10ms", "-J"])));
    let came = || lab.counter("a", "inet t", "came").0;
    wait_until("data from the sender", secs(10), || came() > 50);
    replace_address(&lab, 1, 9);
    sender.wait_for_line("goes on at 10.77.0.9:", secs(10));
    let before = came();
    wait_until("data at the new address", secs(10), || came() > before + 50);
    let end = |running: Running| {
        running.signal("INT");
        json(&running.wait(secs(10)).expect_success().out())
    };
    let sent = end(sender);
    let received = end(receiver);
    assert_eq!(number(&received, "received"), came());
    assert_eq!(codes(&received).last(), Some(&"address_changed"));
    let rows = path(&sent, "receiver_rows").as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(number(&rows[0], "received"), number(&received, "received"));
    for ping in pings {
        let report = end(ping);
        assert_eq!(codes(&report).last(), Some(&"address_changed"), "{report:#}");
        assert!(number(&report, "targets.0.lost_datagrams") < 200, "{report:#}");
        // What was lost where the address changed was lost in no direction.
        assert_eq!(path(&report, "targets.0.lost_out").as_u64().unwrap_or(0), 0, "{report:#}");
    }
}
