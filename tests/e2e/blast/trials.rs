//! Limits and series of runs: `--fail-if`, `--sweep`, `--find-rate`.

use crate::common::{
    Lab, Output, Running, assert_sums, busy, free_udp_port, json, number, path, punctual,
    require_lab, run, secs, udpkit, worst_wake,
};
use serde_json::Value;
use std::time::Duration;

fn blast(args: &[&str]) -> Output {
    run(udpkit().arg("blast").args(args), secs(60))
}

#[test]
fn a_broken_limit_ends_with_3_and_is_named_with_its_value() {
    let base = ["--rate", "1M", "-c", "50", "--fail-if"];
    let with =
        |limits: &'static str, more: &[&'static str]| blast(&[&base[..], &[limits], more].concat());
    let held = with("loss>0.1%,p50>1s,rate<10k", &["--json"]);
    assert_eq!(held.code(), Some(0), "{}", held.err());
    let report = json(&held.out());
    assert_sums(&report);
    assert!(path(&report, "limits").as_array().unwrap().iter().all(|limit| limit["held"] == true));
    let broken = with("loss>0.1%,rate<900M", &["--json"]);
    assert_eq!(broken.code(), Some(3), "{}", broken.err());
    let report = json(&broken.out());
    assert_eq!(path(&report, "limits.0.held"), true);
    assert_eq!(path(&report, "limits.1.held"), false);
    assert_eq!(path(&report, "limits.1.condition"), "rate<900M");
    assert!(number(&report, "limits.1.value") < 2_000_000);
    // Fifty samples have no 99th percentile: an unknown figure breaks its limit.
    let unknown = with("p99>1s", &["--quiet"]);
    assert_eq!(unknown.code(), Some(3), "{}", unknown.err());
    assert!(unknown.out().contains("unknown: p99>1s, not measured"), "{}", unknown.out());
    let usage = with("speed>1", &[]);
    assert_eq!(usage.code(), Some(2));
    assert!(usage.err().contains("speed is not a metric"), "{}", usage.err());
    // A failed run ends with 1, not with 3.
    let nobody = free_udp_port().to_string();
    let failed = blast(&["127.0.0.1", "--port", &nobody, "--fail-if", "loss>0"]);
    assert_eq!(failed.code(), Some(1));
}

/// A client, a router and a server; what the router sends on to the server passes at `rate`, behind
/// a queue of 10 ms.
fn bottleneck(rate: &str) -> (Lab, Running) {
    let lab = Lab::up("nat", &["--no-offload"]);
    lab.shell(
        "router",
        &format!("tc qdisc replace dev wan root tbf rate {rate} burst 5kb latency 10ms"),
    );
    lab.nft(
        "server",
        "add table inet t
         add chain inet t input { type filter hook input priority 0; }
         add counter inet t arrived
         add rule inet t input udp dport 8620 udp length 1480 counter name arrived\n",
    );
    let server = Running::start(lab.udpkit("server").args(["serve"]));
    server.wait_for_line("serving on ", secs(10));
    (lab, server)
}

/// From which a machine that is late changes what a search finds.
const LATE: Duration = Duration::from_millis(2);

#[test]
fn the_rate_found_is_the_bottlenecks() {
    require_lab!();
    let _turn = punctual();
    let (lab, _server) = bottleneck("20mbit");
    let args = ["blast", "10.77.2.2", "--json", "--find-rate", "--time", "250ms"];
    // The queue lets 1514 bytes of every frame of 1472 bytes of payload pass at 20 Mbit/s.
    let passes = 20_000_000 * 1472 / 1514;
    let is_near = |found| found <= passes + passes / 50 && found >= passes * 9 / 10;
    let mut delivered = 0;
    for attempt in 1.. {
        let search = || run(lab.udpkit("client").args(args), secs(60));
        let (output, late) = worst_wake(search);
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let report = json(&output.out());
        // The firewall's counter saw just what all trials together delivered.
        let trials = path(&report, "trials").as_array().unwrap();
        delivered += trials.iter().filter_map(|trial| trial["delivered"].as_u64()).sum::<u64>();
        assert_eq!(lab.counter("server", "inet t", "arrived").0, delivered);
        if path(&report, "bound") == "network" && is_near(number(&report, "found_bits_per_second"))
        {
            assert!(trials.iter().any(|trial| trial["outcome"] == "lost"));
            assert_eq!(trials.last().unwrap()["verification"], true);
            break;
        }
        // A hundredth of a trial is 2.5 ms, and the queue holds 10 ms: where this machine is as late
        // as that, it cannot send at the rate, or sends in bursts that the queue drops.
        let excused = late >= LATE && attempt < 5;
        assert!(excused, "woken {late:?} late, attempt {attempt}: {report:#}");
    }
}

#[test]
fn the_rates_of_several_losses_are_found_together() {
    require_lab!();
    let _turn = punctual();
    let (lab, _server) = bottleneck("20mbit");
    let args = ["blast", "10.77.2.2", "--find-rate", "--loss", "10%,0", "--time", "250ms"];
    let args = [&args[..], &["--rate", "40M"]].concat();
    let passes = 20_000_000 * 1472 / 1514;
    // What is above the bottleneck's rate is lost: nine tenths arrive at ten ninths of it.
    let truths = [passes, passes * 10 / 9];
    let is_near = |found: u64, truth: u64| found <= truth + truth / 50 && found >= truth * 9 / 10;
    for attempt in 1.. {
        let search = || run(lab.udpkit("client").args(&args).arg("--json"), secs(120));
        let (output, late) = worst_wake(search);
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let report = json(&output.out());
        let goals = path(&report, "goals").as_array().unwrap();
        let losses: Vec<_> = goals.iter().map(|goal| number(goal, "loss_allowed_ppb")).collect();
        assert_eq!(losses, [0, 100_000_000]);
        let trials = path(&report, "trials").as_array().unwrap();
        for (goal, bound) in goals.iter().flat_map(|goal| [(goal, "lower"), (goal, "upper")]) {
            if goal[bound].is_null() {
                continue;
            }
            // Its trials are those at its rate, and their counts are its own.
            let at = number(goal, &format!("{bound}.rate_bps"));
            let numbers = path(goal, &format!("{bound}.trials")).as_array().unwrap();
            assert!(!numbers.is_empty(), "{goal:#}");
            let mut lost = 0;
            for trial in numbers.iter().map(|n| &trials[n.as_u64().unwrap() as usize - 1]) {
                assert_eq!(number(trial, "goal_bps"), at, "{trial:#}");
                lost += number(trial, "lost.total");
            }
            assert_eq!(lost, number(goal, &format!("{bound}.lost_datagrams")), "{goal:#}");
        }
        let found = |goal: &Value| goal["found_bits_per_second"].as_u64();
        let near = goals.iter().zip(truths).all(|(goal, truth)| {
            goal["bound"] == "network" && found(goal).is_some_and(|found| is_near(found, truth))
        });
        if near {
            // Each loss alone takes twenty trials to forty.
            assert!(trials.len() < 60, "{}", trials.len());
            break;
        }
        let excused = late >= LATE && attempt < 5;
        assert!(excused, "woken {late:?} late, attempt {attempt}: {report:#}");
    }
}

#[test]
fn a_sweep_shows_the_sender_going_on_while_loss_climbs() {
    require_lab!();
    let _turn = punctual();
    let (lab, _server) = bottleneck("20mbit");
    let args = ["blast", "10.77.2.2", "--sweep", "5M..35M/4", "--time", "500ms"];
    let mut delivered = 0;
    for attempt in 1.. {
        let sweep = || run(lab.udpkit("client").args(args).arg("--json"), secs(60));
        let (output, late) = worst_wake(sweep);
        assert_eq!(output.code(), Some(0), "{}", output.err());
        let report = json(&output.out());
        assert_eq!(path(&report, "mode"), "sweep");
        let column =
            |key: &str| [0, 1, 2, 3].map(|step| number(&report, &format!("trials.{step}.{key}")));
        let [five, fifteen, more, most] = column("sent.bits_per_second");
        assert!(five < 6_000_000 && fifteen < 16_000_000);
        let lost = column("lost.path");
        delivered += column("delivered").iter().sum::<u64>();
        assert_eq!(lab.counter("server", "inet t", "arrived").0, delivered);
        let holds_nothing_back = more > 24_000_000 && most > 34_000_000;
        if holds_nothing_back && lost[..2] == [0, 0] && 0 < lost[2] && lost[2] < lost[3] {
            break;
        }
        // As above: a late machine sends in bursts that the queue drops, or cannot keep the rate.
        let excused = late >= LATE && attempt < 5;
        assert!(excused, "woken {late:?} late, attempt {attempt}: {report:#}");
    }
    let text = run(lab.udpkit("client").args(args), secs(60)).out();
    assert!(text.contains("lower line: received, Mbit/s"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_host_limit_is_named_and_not_reported_as_the_networks() {
    require_lab!();
    let _turn = punctual();
    // The sender's own queue refuses what is over 20 Mbit/s: nothing is lost on the path.
    let lab = Lab::up("pair", &["--no-offload"]);
    lab.shell("a", "tc qdisc replace dev eth0 root tbf rate 20mbit burst 5kb latency 10ms");
    let server = Running::start(lab.udpkit("b").args(["serve"]));
    server.wait_for_line("serving on ", secs(10));
    let args = ["blast", "10.77.0.2", "--json", "--find-rate", "--time", "200ms"];
    let report = json(&run(lab.udpkit("a").args(args), secs(60)).out());
    assert_eq!(path(&report, "bound"), "host");
    let trials = path(&report, "trials").as_array().unwrap();
    let invalid = |trial: &&Value| trial["outcome"] == "invalid";
    assert!(trials.iter().filter(invalid).all(|trial| trial["host_limit"] == "sender"));
    assert!(trials.iter().any(|trial| invalid(&trial)));
    assert_eq!(path(&report, "verdict.code"), "found");
    assert_eq!(path(&report, "verdict.bound"), "host");
}

#[test]
fn series_are_refused_where_they_make_no_sense() {
    for (args, words) in [
        (&["--sweep", "2G..1M/4"][..], "did you mean 1M..2G/4"),
        (&["--sweep", "1M..2M/4", "--rate", "5M"], "cannot be used with"),
        (&["--loss", "1%"], "--find-rate"),
        (&["--find-rate", "--loss", "101%"], "largest percentage is 100%"),
        (&["--find-rate", "--loss", "0,0.1%,many"], "many"),
        (&["--find-rate", "--count", "5"], "cannot be used with"),
    ] {
        let output = blast(args);
        assert_eq!(output.code(), Some(2), "{args:?}");
        assert!(output.err().contains(words), "{args:?}: {}", output.err());
    }
}

#[test]
fn an_interrupt_ends_a_search_with_what_is_known() {
    let _turn = busy();
    let search = Running::start(udpkit().args(["blast", "--find-rate", "--time", "1s"]));
    search.wait_for_line("  passed", secs(20));
    search.signal("INT");
    let output = search.wait(secs(20));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    assert!(output.out().contains("  verdict    highest rate so far"), "{}", output.out());
    assert!(output.out().contains("  caution "), "{}", output.out());
}
