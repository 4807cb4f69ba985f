//! A NAT that forgets in the middle of a run and gives other ports, or a host whose address is
//! replaced: the run goes on.

use crate::common::{
    Lab, Running, change_table, json, number, path, require_lab, secs, text, wait_until,
};
use serde_json::Value;

/// The addresses of the `path` lab in each family: the server, and the router outside. Then the
/// family's names in rules and in counters.
const FAMILIES: [(&str, &str, &str, &str); 2] =
    [("10.77.3.2", "10.77.2.1", "ip", "ipv4"), ("fd77:3::2", "[fd77:2::1]", "ip6", "ipv6")];

/// A `path` whose r1 is a NAT with a range of ports for each run, lets in only what belongs to a
/// flow, and counts the runs' datagrams and, as `moved`, what leaves it from other ports than those
/// that a run began with, by family.
fn lab() -> Lab {
    let lab = Lab::path();
    lab.nft(
        "r1",
        "add table inet n
         add chain inet n post { type nat hook postrouting priority srcnat; }
         add chain inet n left { type filter hook postrouting priority srcnat + 1; }
         add chain inet n f { type filter hook forward priority 0; }
         add rule inet n f iifname wan ct state != { established, related } drop\n",
    );
    for (.., family) in FAMILIES {
        lab.nft(
            "r1",
            &format!(
                "add counter inet n data_{family}
                 add counter inet n moved_{family}
                 add rule inet n f meta nfproto {family} udp length 208 counter name data_{family}\n"
            ),
        );
    }
    lab
}

/// The NAT gives these ports to flows that it does not know.
fn gives(ports: &str) -> String {
    let rules = FAMILIES.map(|(_, outside, ip, _)| {
        format!(
            "add rule inet n post oifname wan meta l4proto udp \
                 snat {ip} to {outside}:{ports} fully-random\n"
        )
    });
    format!("flush chain inet n post\n{}", rules.concat())
}

#[test]
fn a_run_goes_on_when_a_nat_gives_other_ports() {
    require_lab!();
    let lab = lab();
    let server = Running::start(lab.udpkit("server").arg("serve"));
    server.wait_for_line("serving on", secs(10));
    let counted = |what| {
        FAMILIES.map(|(.., family)| lab.counter("r1", "inet n", &format!("{what}_{family}")).0)
    };
    for way in [None, Some("-R"), Some("--bidir")] {
        lab.nft("r1", &format!("flush chain inet n left\n{}", gives("20000-29999")));
        let before = counted("data");
        let more = |before: [u64; 2], wanted: u64| {
            counted("data").iter().zip(before).all(|(data, before)| *data >= before + wanted)
        };
        let runs = FAMILIES.map(|(server, ..)| {
            let args = ["blast", server, "-J", "-s", "200", "--rate", "200pps", "-t", "2m"];
            Running::start(lab.udpkit("client").args(args).args(way))
        });
        wait_until("some data", secs(30), || more(before, 150));
        let moved = FAMILIES.map(|(.., family)| {
            format!(
                "reset counter inet n moved_{family}
                 add rule inet n left oifname wan meta nfproto {family} udp sport 30000-39999 \
                     counter name moved_{family}\n"
            )
        });
        lab.nft("r1", &format!("{}{}", gives("30000-39999"), moved.concat()));
        change_table(&lab, "r1", "flush");
        wait_until("other ports than before", secs(30), || {
            counted("moved").iter().all(|moved| *moved > 0)
        });
        for (_, outside, ..) in FAMILIES {
            server.wait_for_line(&format!(" from {outside}:3"), secs(30));
        }
        let at_the_new = counted("data");
        wait_until("data at the new addresses", secs(30), || more(at_the_new, 100));
        for (run, (_, outside, ..)) in runs.into_iter().zip(FAMILIES) {
            moved_once(&interrupted(run), outside);
        }
    }
}

/// The report of a run that is interrupted: a busy machine may need seconds for what a test does in
/// the middle of one, so none of them ends by time.
fn interrupted(run: Running) -> Value {
    run.signal("INT");
    let report = json(&run.wait(secs(60)).expect_success().out());
    assert_eq!(path(&report, "interrupted"), true, "{report:#}");
    assert_eq!(path(&report, "counts_final"), true, "{report:#}");
    report
}

/// A run that went on from ports of the second range: what it tells of that, and its counts.
#[track_caller]
fn moved_once(report: &Value, outside: &str) {
    let (from, to) = ("address_changes.0.from_address", "address_changes.0.to_address");
    let changes = path(report, "address_changes").as_array().map_or(0, Vec::len);
    assert!(changes >= 1, "{report:#}");
    for (address, range) in [(from, "2"), (to, "3")] {
        let start = format!("{outside}:{range}");
        assert!(text(report, address).starts_with(&start), "{address}: {report:#}");
    }
    assert!(number(report, "address_changes.0.after_ns") > 200_000_000, "{report:#}");
    let sent = number(report, "sent.datagrams");
    let (delivered, lost) = (number(report, "delivered"), number(report, "lost.total"));
    assert_eq!(sent, delivered + lost, "{report:#}");
    // Those until the new address is confirmed; none upstream.
    assert!(lost < 800 && delivered > lost, "{lost}: {report:#}");
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
            let args = ["blast", to, "-J", "-s", "200", "--rate", "200pps", "-t", "2m", way];
            Running::start(lab.udpkit("a").args(args))
        });
        let came = || lab.counter("a", "inet t", "came").0 - before[0][0];
        wait_until("some of both runs", secs(30), || came() >= 400);
        let (from, to) = if way == "-R" { (1, 9) } else { (9, 1) };
        replace_address(&lab, from, to);
        let before_goes_on = came();
        wait_until("data at the new addresses", secs(30), || came() >= before_goes_on + 400);
        let reports = runs.map(interrupted);
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
            assert!(lost < 800, "{report:#}");
        }
    }
}

#[test]
fn ping_and_subscribers_go_on_from_another_address() {
    require_lab!();
    let lab = pair();
    let _server = lab.serve("b", &[]);
    let args = ["cast", "send", "--open=:7000", "-s", "184", "--rate", "100pps", "-t", "60s"];
    let sender = Running::start(lab.udpkit("b").args(args).arg("-J"));
    sender.wait_for_line("7000", secs(10));
    let receivers = ["10.77.0.2:7000", "[fd77::2]:7000"].map(|from| {
        let receiver = ["cast", "recv", "--sender", from, "-J"];
        let receiver = Running::start(lab.udpkit("a").args(receiver));
        receiver.wait_for_line("receiving", secs(10));
        receiver
    });
    for family in ["ipv4", "ipv6"] {
        lab.nft(
            "a",
            &format!(
                "add counter inet t pinged_{family}
                 add rule inet t in meta nfproto {family} udp length 52 counter name pinged_{family}\n"
            ),
        );
    }
    let pings = ["10.77.0.2", "fd77::2"]
        .map(|to| Running::start(lab.udpkit("a").args(["ping", to, "-i", "10ms", "-J"])));
    let came = || lab.counter("a", "inet t", "came").0;
    wait_until("data from the sender", secs(10), || came() > 100);
    wait_until("replies to both pings", secs(10), || {
        ["pinged_ipv4", "pinged_ipv6"].iter().all(|one| lab.counter("a", "inet t", one).0 > 10)
    });
    replace_address(&lab, 1, 9);
    for address in ["10.77.0.9:", "[fd77::9]:"] {
        sender.wait_for_line(&format!("goes on at {address}"), secs(10));
    }
    let before = came();
    wait_until("data at the new addresses", secs(10), || came() > before + 100);
    let end = |running: Running| {
        running.signal("INT");
        json(&running.wait(secs(10)).expect_success().out())
    };
    let sent = end(sender);
    let received = receivers.map(end);
    let counts: Vec<_> = received.iter().map(|report| number(report, "received")).collect();
    assert_eq!(counts.iter().sum::<u64>(), came());
    let rows = path(&sent, "receiver_rows").as_array().expect("rows");
    let mut told: Vec<_> = rows.iter().map(|row| number(row, "received")).collect();
    let mut counts = counts;
    told.sort_unstable();
    counts.sort_unstable();
    assert_eq!(told, counts, "{rows:#?}");
    for report in &received {
        assert_eq!(codes(report).last(), Some(&"address_changed"), "{report:#}");
    }
    for ping in pings {
        let report = end(ping);
        assert_eq!(codes(&report).last(), Some(&"address_changed"), "{report:#}");
        assert!(number(&report, "targets.0.lost_datagrams") < 200, "{report:#}");
        // What was lost where the address changed was lost in no direction.
        assert_eq!(path(&report, "targets.0.lost_out").as_u64().unwrap_or(0), 0, "{report:#}");
    }
}
