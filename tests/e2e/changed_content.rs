//! What `blast`, `ping` and `probe` say of datagrams that something forwards by their content, cuts
//! and rewrites, with the forwarder's own counts as witness; and of one that does nothing to them.

use crate::common::relay::Relay;
use crate::common::slower_flows::SlowerFlows;
use crate::common::{
    Output, Running, assert_sums, free_udp_port, json, number, path, run, secs, text, udpkit,
};
use serde_json::Value;
use std::time::Duration;

const NOTHING: &str = "clean";
/// More than the dialogue's longest reply.
const CUT: &str = "cut to 1200";
/// Of measurement and STAMP datagrams, none of which is shorter here.
const REWRITE: &str = "only size 1201-, rewrite 10%";
/// How many datagrams were cut or rewritten.
const CHANGED: [&str; 2] = ["up.changed", "down.changed"];

/// A relay that does these, out and back.
fn through(server: u16, [out, back]: [&str; 2]) -> Relay {
    Relay::start(server, &["--up", out, "--down", back])
}

/// Ends it: how many datagrams it changed, out and back.
fn changed(relay: Relay) -> [u64; 2] {
    let report = relay.stop();
    CHANGED.map(|key| number(&report, key))
}

/// A server, and its port.
fn serve() -> (Running, u16) {
    let port = free_udp_port();
    let server = Running::start(udpkit().args(["serve", &format!("127.0.0.1:{port}")]));
    server.wait_for_line("serving on", secs(5));
    (server, port)
}

fn blast(address: &str, args: &[&str]) -> Output {
    let base = ["blast", address, "-t", "1s", "--size", "1400"];
    let rate = ["--rate", if args.contains(&"-P") { "1kpps" } else { "4M" }];
    run(udpkit().args(base).args(rate).args(args), secs(30)).expect_success()
}

/// The codes of a report's caveats.
fn caveats(way: &Value) -> Vec<String> {
    let caveats = path(way, "caveats").as_array().expect("caveats");
    caveats.iter().map(|caveat| text(caveat, "code").to_owned()).collect()
}

#[test]
fn blast_tells_cut_datagrams_from_lost_and_from_whole_ones_each_way() {
    let (_server, port) = serve();
    for (index, args) in [&["-J"][..], &["-J", "--reverse"]].into_iter().enumerate() {
        let mut deeds = [NOTHING; 2];
        deeds[index] = CUT;
        let relay = through(port, deeds);
        let report = json(&blast(&relay.address(), args).out());
        let carried = changed(relay);
        assert_sums(&report);
        assert_eq!(number(&report, "cut"), carried[index], "{report:#}");
        assert!(carried[index] > 300 && carried[1 - index] == 0, "{carried:?}");
        assert_eq!(number(&report, "received.datagrams"), 0, "{report:#}");
        assert_eq!(number(&report, "delivered"), 0, "{report:#}");
        assert_eq!((number(&report, "cut_to_bytes"), number(&report, "altered")), (1_200, 0));
        let lost = number(&report, "sent.datagrams") - carried[index];
        assert_eq!(number(&report, "lost.total"), lost, "{report:#}");
        let verdict = text(&report, "verdict.code");
        assert_eq!((verdict, text(&report, "limited_by")), ("arrived_cut", "changed_content"));
    }
}

#[test]
fn blast_says_cut_in_words_and_in_every_interval() {
    let (_server, port) = serve();
    let relay = through(port, [CUT, NOTHING]);
    let text = blast(&relay.address(), &["--report-every", "250ms"]).out();
    assert!(text.contains("arrived cut to 1 200 of 1 400 bytes"), "{text}");
    assert!(text.contains("something that cuts datagrams (a relay or a"), "{text}");
    assert!(text.contains("   cut "), "{text}");
    assert!(!text.contains("lost on the path"), "{text}");
}

#[test]
fn blast_counts_what_was_rewritten_though_it_is_not_told_to_verify() {
    let (_server, port) = serve();
    for (index, args) in [&["-J"][..], &["-J", "--reverse"], &["-J", "--verify"]].iter().enumerate()
    {
        let way = usize::from(index == 1);
        let mut deeds = [NOTHING; 2];
        deeds[way] = REWRITE;
        let relay = through(port, deeds);
        let report = json(&blast(&relay.address(), args).out());
        let carried = changed(relay);
        assert_sums(&report);
        // STAMP and what else is not the stream's is too short to be rewritten.
        assert_eq!(number(&report, "altered"), carried[way], "{report:#}");
        assert!(carried[way] > 15, "{carried:?}");
        assert_eq!((number(&report, "cut"), number(&report, "corrupt")), (0, 0), "{report:#}");
        assert_eq!(text(&report, "verdict.code"), "arrived_altered", "{report:#}");
    }
}

#[test]
fn a_trial_counts_cut_datagrams_neither_as_loss_nor_as_passed() {
    let (_server, port) = serve();
    for (deed, outcome) in [(CUT, "changed"), (NOTHING, "passed")] {
        let relay = through(port, [deed, NOTHING]);
        let args = ["blast", &relay.address(), "--find-rate", "-b", "1M", "-t", "200ms"];
        let args = [&args[..], &["--size", "1400", "-J"]].concat();
        let report = json(&run(udpkit().args(args), secs(30)).out());
        let [carried, _] = changed(relay);
        let trials = path(&report, "trials").as_array().expect("trials");
        let sum = |key| trials.iter().map(|trial| number(trial, key)).sum::<u64>();
        assert_eq!((sum("cut"), sum("lost.total")), (carried, 0), "{report:#}");
        for trial in trials {
            assert_eq!(text(trial, "outcome"), outcome, "{trial:#}");
        }
        let code = text(&report, "verdict.code");
        let is_cut = outcome == "changed";
        assert_eq!(code, if is_cut { "changed_at_lowest" } else { "found" }, "{report:#}");
        let bound = if is_cut { "changed_content" } else { "ceiling" };
        assert_eq!(text(&report, "bound"), bound, "{report:#}");
    }
}

#[test]
fn a_limit_on_cut_and_altered_datagrams_is_broken_by_them_alone() {
    let (_server, port) = serve();
    let limits = ["-J", "--fail-if", "cut>0,altered>0,loss>50%"];
    for (deed, held) in
        [(CUT, [false, true, true]), (REWRITE, [true, false, true]), (NOTHING, [true, true, true])]
    {
        let relay = through(port, [deed, NOTHING]);
        let base = ["blast", &relay.address(), "-t", "200ms", "--size", "1400", "--rate", "4M"];
        let output = run(udpkit().args(base).args(limits), secs(30));
        let [carried, _] = changed(relay);
        let report = json(&output.out());
        let told: Vec<_> = path(&report, "limits").as_array().expect("limits").iter().collect();
        let as_held: Vec<_> = told.iter().map(|one| path(one, "held").as_bool()).collect();
        assert_eq!(as_held, held.map(Some), "{report:#}");
        let counts = [number(told[0], "value"), number(told[1], "value")];
        let expected = if deed == CUT { [carried, 0] } else { [0, carried] };
        assert_eq!(counts, expected, "{report:#}");
        let code = if held == [true; 3] { 0 } else { 3 };
        assert_eq!(output.code(), Some(code));
    }
}

#[test]
fn a_forwarder_that_changes_nothing_is_accused_of_nothing() {
    let (_server, port) = serve();
    let relay = through(port, [NOTHING; 2]);
    for args in [&["-J"][..], &["-J", "--reverse"], &["-J", "--verify"]] {
        let report = json(&blast(&relay.address(), args).out());
        assert_sums(&report);
        assert_eq!((number(&report, "cut"), number(&report, "altered")), (0, 0), "{report:#}");
        assert!(path(&report, "cut_to_bytes").is_null());
        assert!(!caveats(&report).contains(&"content_changed".to_owned()), "{report:#}");
        assert_ne!(text(&report, "limited_by"), "changed_content");
    }
    let report = ping(&relay, &["--size", "1400"]);
    assert_eq!((number(&report, "cut"), number(&report, "altered")), (0, 0), "{report:#}");
    let report = mtu(&relay);
    for way in ["out", "back"] {
        assert!(path(&report, &format!("{way}.cut_to_bytes")).is_null(), "{report:#}");
    }
    for key in ["cut_out", "cut_back", "altered_out", "altered_back"] {
        assert_eq!(number(&report, &format!("traffic.{key}")), 0, "{key}: {report:#}");
    }
    assert_eq!(changed(relay), [0, 0]);
}

/// A ping of 20 probes: what it says of its target.
fn ping(relay: &Relay, args: &[&str]) -> Value {
    let base = ["ping", &relay.address(), "-c", "20", "-i", "10ms", "-J"];
    let report = json(&run(udpkit().args(base).args(args), secs(20)).expect_success().out());
    path(&report, "targets")[0].clone()
}

#[test]
fn ping_says_where_probes_and_replies_are_cut_and_calls_none_of_them_lost() {
    let (_server, port) = serve();
    for (deeds, cut) in [([CUT, NOTHING], "cut_out"), ([NOTHING, CUT], "cut_back")] {
        let relay = through(port, deeds);
        let target = ping(&relay, &["--size", "1400"]);
        let carried = changed(relay);
        let all = carried[0] + carried[1];
        assert_eq!((number(&target, "back"), number(&target, "lost_datagrams")), (20, 0));
        assert_eq!((number(&target, "cut"), number(&target, cut)), (20, 20), "{target:#}");
        assert_eq!(number(&target, "cut_to_bytes"), 1_200);
        assert!(all >= 20, "{carried:?}");
        assert_eq!(caveats(&target)[0], "replies_cut");
        // What fits the buffer passes whole.
        let relay = through(port, deeds);
        let target = ping(&relay, &["--size", "1200"]);
        assert_eq!((number(&target, "cut"), changed(relay)), (0, [0, 0]), "{target:#}");
    }
}

#[test]
fn ping_to_a_service_that_echoes_tells_what_was_rewritten() {
    let port = free_udp_port();
    let local = format!("127.0.0.1:{port}");
    let echo = Running::start(udpkit().args(["recv", &local, "--echo"]));
    crate::common::wait_bound(port);
    let every = "only size 1400, rewrite 30%";
    for deeds in [[every, NOTHING], [NOTHING, CUT], [NOTHING; 2]] {
        let relay = through(port, deeds);
        let target = ping(&relay, &["--echo", "--size", "1400"]);
        let [out, back] = changed(relay);
        assert_eq!((number(&target, "back"), number(&target, "lost_datagrams")), (20, 0));
        assert_eq!((number(&target, "cut"), number(&target, "altered")), (back, out));
        assert_eq!((out > 0, back), (deeds[0] == every, if deeds[1] == CUT { 20 } else { 0 }));
    }
    drop(echo);
}

fn mtu(relay: &Relay) -> Value {
    let args = ["probe", "mtu", &relay.address(), "-J"];
    json(&run(udpkit().args(args), secs(60)).expect_success().out())
}

#[test]
fn probe_mtu_takes_no_cut_datagram_for_a_whole_one() {
    let (_server, port) = serve();
    for (index, (way, other)) in [("out", "back"), ("back", "out")].into_iter().enumerate() {
        let mut deeds = [NOTHING; 2];
        deeds[index] = CUT;
        let relay = through(port, deeds);
        let report = mtu(&relay);
        assert!(changed(relay)[index] > 5);
        assert_eq!(number(&report, &format!("{way}.payload_bytes")), 1_200, "{report:#}");
        assert_eq!(number(&report, &format!("{way}.cut_to_bytes")), 1_200, "{report:#}");
        assert_eq!(text(&report, &format!("{way}.limited_by")), "cut", "{report:#}");
        assert_eq!(text(&report, &format!("verdict.mtu_{way}.code")), "cut", "{report:#}");
        assert_ne!(text(&report, &format!("{other}.limited_by")), "cut", "{report:#}");
        let fragments = path(&report, &format!("{way}.fragments")).as_array().expect("rows");
        assert!(!fragments.is_empty());
        for row in fragments {
            let cut = (text(row, "outcome"), number(row, "arrived"), number(row, "cut_to_bytes"));
            assert_eq!(cut, ("cut", 0, 1_200), "{row:#}");
        }
    }
}

#[test]
fn a_probe_says_that_its_datagrams_were_rewritten() {
    let (_server, port) = serve();
    for (deeds, key) in [([REWRITE, NOTHING], "altered_out"), ([NOTHING, REWRITE], "altered_back")]
    {
        let relay = through(port, deeds);
        let report = mtu(&relay);
        let [out, back] = changed(relay);
        assert!(out + back > 0);
        assert!(number(&report, &format!("traffic.{key}")) > 0, "{report:#}");
        assert!(caveats(&report).contains(&"altered".to_owned()), "{report:#}");
    }
}

#[test]
fn streams_that_take_longer_than_others_show_a_second_way() {
    let (_server, port) = serve();
    for (hold, differ) in [(60, true), (0, false)] {
        let slower = SlowerFlows::start(port, Duration::from_millis(hold));
        let report = json(&blast(&slower.address(), &["-J", "-P", "8"]).out());
        slower.stop();
        let evidence = path(&report, "evidence").as_array().expect("evidence");
        let longer = evidence.iter().find(|one| text(one, "code") == "streams_delayed_unequally");
        assert_eq!(longer.is_some(), differ, "{report:#}");
        let Some(longer) = longer else { continue };
        // The dialogue has a socket, too.
        assert_eq!((number(longer, "slower_streams"), number(longer, "faster_streams")), (4, 4));
        let longer = number(longer, "longer_ns");
        assert!((55_000_000..90_000_000).contains(&longer), "{longer}");
    }
}
