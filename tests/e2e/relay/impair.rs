//! What `blast`, `ping` and `cast` say of a path that `udpkit relay` impairs: their counts equal the
//! relay's own, and nothing is found where it does nothing.

use crate::common::relay::Relay;
use crate::common::{
    Lab, Running, assert_sums, free_udp_port, json, number, path, require_lab, run, secs, udpkit,
};
use serde_json::Value;
use std::thread;

/// A payload that no datagram of the dialogue has: impairments are for these alone.
const SIZE: &str = "777";
const COUNT: u64 = 400;

/// What is to be held of two reports.
type Holds = fn(&Value, &Value);

/// A server, and its port.
fn serve() -> (Running, u16) {
    let port = free_udp_port();
    let server = Running::start(udpkit().args(["serve", &format!("127.0.0.1:{port}")]));
    server.wait_for_line("serving on", secs(10));
    (server, port)
}

/// What a run through a relay says that does this to the run's datagrams on the way up, and what the
/// relay says of this way.
fn blast(server: u16, impairments: &str) -> (Value, Value) {
    let relay = Relay::start(server, &["--up", impairments]);
    let (address, count) = (relay.address(), COUNT.to_string());
    let args = ["blast", &address, "-J", "--size", SIZE, "--count", &count, "--rate", "1kpps"];
    let output = run(udpkit().args(args), secs(30));
    let report = json(&output.out());
    assert_sums(&report);
    let carried = relay.stop();
    (report, path(&carried, "up").clone())
}

/// Runs through relays side by side: each with what is to be held of the two reports.
fn each(cases: &[(&str, Holds)]) {
    let (_server, port) = serve();
    thread::scope(|scope| {
        for (impairments, holds) in cases {
            scope.spawn(move || {
                let (report, up) = blast(port, impairments);
                assert_eq!(number(&report, "sent.datagrams"), COUNT, "{impairments}: {report:#}");
                assert_eq!(number(&up, "refused.total"), 0, "{impairments}: {up:#}");
                holds(&report, &up);
            });
        }
    });
}

/// Losses on the path are those of the relay's impairment of this name, and there are so many.
#[track_caller]
fn assert_lost(report: &Value, up: &Value, by: &str) -> u64 {
    let lost = number(up, &format!("dropped.{by}"));
    assert_eq!(number(up, "dropped.total"), lost, "{up:#}");
    assert_eq!(number(report, "lost.total"), lost, "{report:#}\n{up:#}");
    lost
}

#[test]
fn blast_loses_what_the_relay_dropped_and_nothing_else() {
    each(&[
        ("only size 777, loss every 20", |report, up| {
            assert_eq!(assert_lost(report, up, "lost"), COUNT / 20);
        }),
        ("only size 777 loss 5%", |report, up| {
            let lost = assert_lost(report, up, "lost");
            assert!((8..40).contains(&lost), "{lost} of {COUNT}");
        }),
        ("only size 777 loss burst 8x20ms", |report, up| {
            let lost = assert_lost(report, up, "lost");
            assert!(lost > 0 && number(report, "lost.longest_burst") > 5, "{report:#}");
        }),
        ("80ms clean, 50ms only size 777 blackout", |report, up| {
            let lost = assert_lost(report, up, "blackout");
            assert!(lost > 20 && number(report, "lost.longest_burst") > 20, "{report:#}");
        }),
        ("only size 777, rate 4M queue 20ms", |report, up| {
            // Of 6.2 Mbit/s.
            let lost = assert_lost(report, up, "rate_queue_full");
            assert!((60..200).contains(&lost), "{lost} of {COUNT}");
            let p50 = number(report, "delay_above_min_ns.p50");
            assert!(p50 > 10_000_000, "the queue is full: {report:#}");
        }),
        ("clean", |report, up| {
            assert_eq!(number(up, "dropped.total"), 0);
            for key in ["lost.total", "duplicates", "reordered", "cut", "altered"] {
                assert_eq!(number(report, key), 0, "{key}: {report:#}");
            }
        }),
    ]);
}

#[test]
fn blast_counts_copies_reordering_and_changed_content_as_the_relay_does() {
    each(&[
        ("only size 777, duplicate 5%", |report, up| {
            let copies = number(up, "duplicated");
            assert!(copies > 5, "{up:#}");
            assert_eq!(number(report, "duplicates"), copies, "{report:#}");
            assert_eq!(number(report, "lost.total"), 0, "{report:#}");
        }),
        ("only size 777, reorder 2% by 3", |report, up| {
            let held = number(up, "held_back");
            assert!(held > 2, "{up:#}");
            assert_eq!(number(report, "reordered"), held, "{report:#}");
            assert_eq!(number(report, "reorder_extent_max"), 3, "{report:#}");
            assert_eq!(number(report, "lost.total") + number(report, "duplicates"), 0);
        }),
        ("only size 777, rewrite 5%", |report, up| {
            let changed = number(up, "changed");
            assert!(changed > 5, "{up:#}");
            assert_eq!(number(report, "altered"), changed, "{report:#}");
        }),
        ("only size 777, cut 10% to 700", |report, up| {
            let changed = number(up, "changed");
            assert!(changed > 10, "{up:#}");
            assert_eq!(number(report, "cut"), changed, "{report:#}");
            assert_eq!(number(report, "cut_to_bytes"), 700);
        }),
        ("only size 777, corrupt 5%", |report, up| {
            let corrupted = number(up, "corrupted");
            assert!(corrupted > 5, "{up:#}");
            let whole = number(report, "delivered");
            assert_eq!(whole, COUNT - corrupted, "{report:#}");
        }),
    ]);
}

/// A ping through a relay: what it says of its target, and what the relay says.
fn ping(server: u16, impairments: &[&str], args: &[&str]) -> (Value, Value) {
    let relay = Relay::start(server, impairments);
    let base = ["ping", &relay.address(), "-c", "40", "-i", "10ms", "-w", "500ms", "-J"];
    let output = run(udpkit().args(base).args(args), secs(30));
    let report = json(&output.out());
    (path(&report, "targets")[0].clone(), relay.stop())
}

#[test]
fn ping_says_which_way_lost_and_which_is_long() {
    let (_server, port) = serve();
    let cases: &[(&[&str], &[&str], Holds)] = &[
        (&["--up", "only size 300, loss every 8"], &["-s", "300"], |target, relay| {
            let lost = number(relay, "up.dropped.lost");
            assert_eq!((number(target, "lost_out"), number(target, "lost_back")), (lost, 0));
            assert_eq!((lost, number(target, "back")), (5, 35), "{target:#}");
        }),
        (&["--down", "only size 300, loss every 8"], &["-s", "300"], |target, relay| {
            let lost = number(relay, "down.dropped.lost");
            assert_eq!((number(target, "lost_out"), number(target, "lost_back")), (0, lost));
            assert_eq!((lost, number(target, "back")), (5, 35), "{target:#}");
        }),
        (&["--up", "mtu 1000"], &["-s", "1000"], |target, relay| {
            let too_big = number(relay, "up.dropped.too_big");
            assert!(too_big >= 40, "{relay:#}");
            assert_eq!((number(target, "back"), number(target, "lost_datagrams")), (0, 40));
        }),
        (&["--both", "delay 15ms"], &[], |target, relay| {
            assert!(number(target, "round_trip_ns.min") >= 30_000_000, "{target:#}");
            assert_eq!((number(target, "back"), number(target, "lost_datagrams")), (40, 0));
            for way in ["up", "down"] {
                let delay = path(relay, way);
                let asked = number(delay, "delay.asked_ns.p50");
                // The figures of a histogram are rounded to three digits.
                assert!((14_900_000..15_100_000).contains(&asked), "{delay:#}");
                assert!(number(delay, "delay.achieved_ns.p50") >= 14_900_000, "{delay:#}");
            }
        }),
        (&["--up", "delay 20ms ± 15ms unordered"], &[], |target, relay| {
            assert!(number(target, "round_trip_ns.min") >= 5_000_000, "{target:#}");
            let spread = number(target, "out_above_min_ns.max");
            assert!((10_000_000..500_000_000).contains(&spread), "{target:#}");
            assert!(number(target, "reordered") > 0, "{target:#}");
            assert!(number(relay, "up.delayed") >= 40, "{relay:#}");
        }),
        (&["--up", "ecn mark 100%"], &["--ecn", "ect0", "--dscp", "ef"], |target, relay| {
            assert_eq!(number(relay, "up.marked"), number(target, "sent"), "{relay:#}");
            // Congestion experienced.
            assert_eq!((number(target, "ecn_seen"), number(target, "dscp_seen")), (3, 46));
        }),
        (&["--both", "clean"], &[], |target, relay| {
            assert_eq!((number(target, "back"), number(target, "lost_datagrams")), (40, 0));
            for key in ["duplicates", "reordered", "cut", "altered"] {
                assert_eq!(number(target, key), 0, "{key}: {target:#}");
            }
            assert_eq!(number(relay, "up.dropped.total"), 0);
        }),
    ];
    thread::scope(|scope| {
        for (impairments, args, holds) in cases {
            scope.spawn(move || {
                let (target, relay) = ping(port, impairments, args);
                holds(&target, &relay);
            });
        }
    });
}

#[test]
fn cast_receives_what_the_relay_let_through() {
    let cases: &[(&str, Holds)] = &[
        ("only size 516, loss every 10", |report, up| {
            assert_eq!(number(up, "dropped.lost"), 40);
            assert_eq!(number(report, "lost.total"), 40, "{report:#}");
        }),
        ("only size 516, duplicate 5%", |report, up| {
            assert!(number(up, "duplicated") > 5, "{up:#}");
            assert_eq!(number(report, "duplicates"), number(up, "duplicated"), "{report:#}");
        }),
        ("only size 516, reorder 2% by 2", |report, up| {
            assert!(number(up, "held_back") > 2, "{up:#}");
            assert_eq!(number(report, "reordered"), number(up, "held_back"), "{report:#}");
        }),
    ];
    thread::scope(|scope| {
        for (impairments, holds) in cases {
            scope.spawn(move || {
                let port = free_udp_port();
                let local = format!("127.0.0.1:{port}");
                let receiver = Running::start(udpkit().args(["cast", "recv", &local, "-J"]));
                receiver.wait_for_line("listening on", secs(10));
                let relay = Relay::start(port, &["--up", impairments]);
                let to = relay.address();
                // A header of 16 bytes comes before the payload.
                let args = ["cast", "send", &to, "-s", "500", "-c", "400", "--rate", "1kpps"];
                run(udpkit().args(args), secs(20)).expect_success();
                receiver.signal("INT");
                let report = json(&receiver.wait(secs(10)).expect_success().out());
                let relay = relay.stop();
                assert_eq!(number(path(&relay, "up"), "refused.total"), 0, "{relay:#}");
                holds(&report, path(&relay, "up"));
            });
        }
    });
}

#[test]
fn a_lab_impairs_a_path_whose_ends_are_used_as_ever() {
    require_lab!();
    thread::scope(|scope| {
        scope.spawn(|| impaired_lab(&Lab::path(), "r1", &["10.77.3.2", "fd77:3::2"]));
        scope.spawn(|| impaired_lab(&Lab::nat(), "router", &["10.77.2.2"]));
    });
}

fn impaired_lab(lab: &Lab, router: &str, servers: &[&str]) {
    let _server = lab.serve("server", &[]);
    let options = ["--up", "only size 777, loss every 10", "-J"];
    let impairing = Running::start(&mut lab.impair(&options));
    impairing.wait_for_line("relaying ", secs(10));
    for server in servers {
        let args = ["blast", server, "-J", "-s", SIZE, "-c", "200", "--rate", "1kpps"];
        let report = json(&run(lab.udpkit("client").args(args), secs(20)).expect_success().out());
        assert_eq!(number(&report, "lost.total"), 20, "{server}: {report:#}");
    }
    let second = run(&mut lab.impair(&options), secs(10));
    assert_eq!(second.code(), Some(1), "{}", second.err());
    impairing.signal("TERM");
    let carried = json(&impairing.wait(secs(10)).expect_success().out());
    assert_eq!(number(&carried, "up.dropped.lost"), 20 * servers.len() as u64, "{carried:#}");
    assert!(number(&carried, "down.forwarded") > 4, "{carried:#}");
    // Then the path is as it was.
    assert!(!lab.shell(router, "nft list tables").contains("impair"));
    let args = ["ping", servers[0], "-c", "5", "-i", "10ms", "-J"];
    let report = json(&run(lab.udpkit("client").args(args), secs(20)).expect_success().out());
    assert_eq!(number(&report, "targets.0.back"), 5, "{report:#}");
}

#[test]
fn one_seed_means_one_fate() {
    let (_server, port) = serve();
    let lost = || {
        let (_, up) = blast(port, "only size 777, loss 5%, duplicate 5%, rewrite 5%");
        ["dropped.lost", "duplicated", "changed"].map(|key| number(&up, key))
    };
    assert_eq!(lost(), lost());
}
