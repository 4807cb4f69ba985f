//! Outages: a firewall that drops or refuses for a second is told as it was, in each direction, by
//! each command that numbers its datagrams. The router counts what it took.

use crate::common::{
    DarkRouter, Lab, Output, Running, json, number, path, punctual, require_lab, run, secs, text,
    wait_until,
};
use serde_json::Value;
use std::time::Duration;

/// Of the `path` lab.
const IPV4: &str = "10.77.3.2";
const IPV6: &str = "fd77:3::2";
/// How long it is dark.
const DARK: Duration = Duration::from_secs(1);
/// Between two datagrams of the slowest stream, and what a busy machine adds.
const SLACK: Duration = Duration::from_millis(150);

/// What the router takes while it is dark: by name, the way, the family, UDP's length, and how.
/// No command of a dialogue is as long.
const STREAMS: [(&str, &str, &str, u32, &str); 6] = [
    ("up4", "lan", "ipv4", 709, "reject with icmpx admin-prohibited"),
    ("out6", "lan", "ipv6", 711, "drop"),
    ("back6", "wan", "ipv6", 711, "drop"),
    ("ping6", "lan", "ipv6", 1019, "reject with icmpx host-unreachable"),
    ("ping4", "lan", "ipv4", 1021, "drop"),
    ("cast4", "lan", "ipv4", 729, "drop"),
];

/// A router that counts what it takes, and takes nothing yet.
fn router() -> Lab {
    let lab = Lab::path();
    lab.shell(
        "r1",
        "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
         echo 0 >/proc/sys/net/ipv6/icmp/ratelimit",
    );
    let streams = STREAMS
        .map(|(name, from, family, length, _)| (name.to_owned(), of_stream(from, family, length)));
    DarkRouter::counting(&lab, streams);
    lab
}

fn of_stream(from: &str, family: &str, length: u32) -> String {
    format!("iifname {from} meta nfproto {family} udp length {length}")
}

fn counted(lab: &Lab, name: &str) -> u64 {
    DarkRouter::of(lab).taken(name)
}

/// The router is dark once these streams flow: the least and the most time that it was.
fn go_dark(lab: &Lab, streams: &[&str]) -> (Duration, Duration) {
    let router = DarkRouter::of(lab);
    let flows = |name: &&str| router.seen(name) > 50;
    wait_until("data flows", secs(20), || streams.iter().all(flows));
    let taken = STREAMS.map(|(name, from, family, length, verdict)| {
        (name, of_stream(from, family, length), verdict)
    });
    router.take(taken, DARK)
}

fn report(output: &Output) -> Value {
    assert_eq!(output.code(), Some(0), "{}{}", output.err(), output.out());
    json(&output.out())
}

/// The only outage of a list, which was this long.
#[track_caller]
fn outage(of: &Value, key: &str, (least, most): (Duration, Duration)) -> Value {
    let all = path(of, key).as_array().expect("a list");
    assert_eq!(all.len(), 1, "{of:#}");
    let length = number(&all[0], "end_ns") - number(&all[0], "start_ns");
    let length = Duration::from_nanos(length);
    // A ping's outage begins with the first probe that was lost.
    let spacing = Duration::from_millis(10);
    let is_right = length + spacing >= least && length <= most + SLACK;
    assert!(is_right, "{length:?} of {least:?}: {:#}", all[0]);
    all[0].clone()
}

/// A row of errors: from the router, within the outage, as often as it says at most.
#[track_caller]
fn refusals(row: &Value, from: &str, outage: &Value, at_most: u64) {
    let times = number(row, "times");
    assert!(times > 10 && times <= at_most, "{times} of {at_most}: {row:#}");
    assert_eq!(text(row, "error.from"), from, "{row:#}");
    let (first, last) = (number(row, "first_ns"), number(row, "last_ns"));
    let slack = SLACK.as_nanos() as u64;
    let begins = number(outage, "start_ns");
    assert!(first + slack >= begins && first < last, "{row:#}, {outage:#}");
    assert!(last <= number(outage, "end_ns") + slack, "{row:#}, {outage:#}");
}

#[test]
fn every_command_tells_the_outage_that_the_router_made() {
    require_lab!();
    let lab = router();
    let server = Running::start(lab.udpkit("server").args(["serve", "--io", "mmsg"]));
    server.wait_for_line("serving on", secs(10));
    let receiver = Running::start(lab.udpkit("server").args(["cast", "recv", "5000", "-J"]));
    lab.wait_bound("server", 5_000);
    let client = |args: &[&str]| Running::start(lab.udpkit("client").args(args));
    // A router that does not know its neighbour yet is an outage of a second over IPv6.
    wait_until("neighbours are known", secs(20), || {
        let answers = |target: &&str| client(&["ping", target, "-c", "1"]).wait(secs(10)).success();
        [IPV4, IPV6].iter().all(answers)
    });
    // A buffer of several datagrams (GSO) has another length.
    let rate = ["--rate", "200pps", "-t", "2m", "--io", "mmsg", "-J"];
    let up = client(&[&["blast", IPV4, "-s", "701"][..], &rate].concat());
    let both = client(&[&["blast", IPV6, "-s", "703", "--bidir"][..], &rate].concat());
    let probing = ["-i", "10ms", "-w", "500ms", "-J"];
    let ping6 = client(&[&["ping", IPV6, "-s", "1011"][..], &probing].concat());
    let ping4 = client(&[&["ping", IPV4, "-s", "1013"][..], &probing].concat());
    let to = format!("{IPV4}:5000");
    let casting = ["-s", "705", "-t", "2m", "-i", "5ms", "--io", "mmsg", "-J"];
    let cast = client(&[&["cast", "send", &to][..], &casting].concat());
    let names = STREAMS.map(|(name, ..)| name);
    let dark = go_dark(&lab, &names);
    let seen = || names.map(|name| counted(&lab, &format!("seen_{name}")));
    let then = seen();
    wait_until("data flows again", secs(20), || {
        seen().iter().zip(then).all(|(now, then)| *now > then + 100)
    });
    for client in [&up, &both, &ping6, &ping4, &cast] {
        client.signal("INT");
    }

    let told = report(&up.wait(secs(30)));
    let found = outage(&told, "outages", dark);
    let taken = counted(&lab, "up4");
    let counts = ["lost_datagrams", "lost_up_datagrams"].map(|key| number(&found, key));
    assert_eq!((counts, number(&told, "lost.total")), ([taken; 2], taken), "{told:#}");
    assert!(path(&found, "lost_down_datagrams").is_null(), "{found:#}");
    assert_eq!(text(&told, "verdict.code"), "path_outage", "{told:#}");
    refusals(path(&told, "network_errors.0"), "10.77.1.1", &found, taken);

    let told = report(&both.wait(secs(30)));
    let found = outage(&told, "outages", dark);
    let counts = ["lost_up_datagrams", "lost_down_datagrams"].map(|key| number(&found, key));
    assert_eq!(counts, ["out6", "back6"].map(|name| counted(&lab, name)), "{found:#}");

    for (ping, name, refused) in [(ping6, "ping6", true), (ping4, "ping4", false)] {
        let told = report(&ping.wait(secs(30)));
        let target = path(&told, "targets.0");
        let found = outage(target, "outages", dark);
        let taken = counted(&lab, name);
        let counts = ["lost_datagrams", "lost_up_datagrams", "lost_down_datagrams"];
        assert_eq!(counts.map(|key| number(&found, key)), [taken, taken, 0], "{target:#}");
        if refused {
            refusals(path(target, "network_errors.0"), "fd77:1::1", &found, taken);
        }
    }

    cast.wait(secs(30)).expect_success();
    receiver.signal("INT");
    let told = report(&receiver.wait(secs(10)));
    let found = outage(&told, "source_rows.0.outages", dark);
    assert_eq!(number(&found, "lost_datagrams"), counted(&lab, "cast4"), "{told:#}");
    assert_eq!(number(&told, "lost_datagrams"), counted(&lab, "cast4"), "{told:#}");
}

#[test]
fn a_trial_with_an_outage_is_run_again_and_stands_for_no_rate() {
    require_lab!();
    let _turn = punctual();
    let lab = router();
    let server = Running::start(lab.udpkit("server").args(["serve", "--io", "mmsg"]));
    server.wait_for_line("serving on", secs(10));
    let sweep = ["--sweep", "1120k..2240k/2", "-s", "701", "-t", "1500ms", "--io", "mmsg", "-J"];
    let sweep = Running::start(lab.udpkit("client").args(["blast", IPV4]).args(sweep));
    go_dark(&lab, &["up4"]);
    let told = report(&sweep.wait(secs(30)));
    let trials = path(&told, "trials").as_array().expect("a list");
    let outcomes: Vec<&str> = trials.iter().map(|trial| text(trial, "outcome")).collect();
    let lost: u64 = trials.iter().map(|trial| number(trial, "lost.total")).sum();
    assert_eq!(lost, counted(&lab, "up4"), "{told:#}");
    // The same rate again; the second may have met the end of the dark time.
    let (dark, rest) = outcomes.split_at(outcomes.len() - 2);
    assert!(!dark.is_empty() && dark.iter().all(|one| *one == "outage"), "{outcomes:?}");
    assert_eq!(rest, ["passed"; 2], "{told:#}");
}

#[test]
fn a_clean_path_has_no_outage() {
    require_lab!();
    let lab = Lab::pair();
    let server = Running::start(lab.udpkit("b").arg("serve"));
    server.wait_for_line("serving on", secs(10));
    let args = ["blast", "fd77::2", "--bidir", "--rate", "20kpps", "-s", "100", "-t", "1s", "-J"];
    let told = report(&run(lab.udpkit("a").args(args), secs(30)));
    assert_eq!(path(&told, "outages"), &Value::Array(Vec::new()), "{told:#}");
}
