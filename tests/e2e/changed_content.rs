//! What `blast`, `ping` and `probe` say of datagrams that something forwards by their content, cuts
//! and rewrites, with the forwarder's own counts as witness; and of one that does nothing to them.

use crate::common::forwarder::{Deed, Forwarder};
use crate::common::{
    Output, Running, assert_sums, free_udp_port, json, number, path, run, secs, text, udpkit,
};
use serde_json::Value;
use std::time::Duration;

const NOTHING: Deed = Deed::NOTHING;
/// More than the dialogue's longest reply.
const CUT: Deed = Deed { cut_to: Some(1_200), ..NOTHING };
const REWRITE: Deed = Deed { rewrite_every: Some(10), ..NOTHING };
const HOLD: Deed = Deed { hold_others: Duration::from_millis(60), ..NOTHING };

/// A server, and its port.
fn serve() -> (Running, u16) {
    let port = free_udp_port();
    let server = Running::start(udpkit().args(["serve", &format!("127.0.0.1:{port}")]));
    server.wait_for_line("serving on", secs(5));
    (server, port)
}

fn blast(relay: &Forwarder, args: &[&str]) -> Output {
    let base = ["blast", &relay.address(), "-t", "1s", "--size", "1400"];
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
        let relay = Forwarder::start(port, deeds);
        let report = json(&blast(&relay, args).out());
        let carried = relay.stop();
        assert_sums(&report);
        assert_eq!(number(&report, "cut"), carried[index].cut, "{report:#}");
        assert!(carried[index].cut > 300 && carried[1 - index].cut == 0, "{carried:?}");
        assert_eq!(number(&report, "received.datagrams"), 0, "{report:#}");
        assert_eq!(number(&report, "delivered"), 0, "{report:#}");
        assert_eq!((number(&report, "cut_to_bytes"), number(&report, "altered")), (1_200, 0));
        let lost = number(&report, "sent.datagrams") - carried[index].cut;
        assert_eq!(number(&report, "lost.total"), lost, "{report:#}");
        let verdict = text(&report, "verdict.code");
        assert_eq!((verdict, text(&report, "limited_by")), ("arrived_cut", "changed_content"));
    }
}

#[test]
fn blast_says_cut_in_words_and_in_every_interval() {
    let (_server, port) = serve();
    let relay = Forwarder::start(port, [CUT, NOTHING]);
    let text = blast(&relay, &["--report-every", "250ms"]).out();
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
        let relay = Forwarder::start(port, deeds);
        let report = json(&blast(&relay, args).out());
        let carried = relay.stop();
        assert_sums(&report);
        // STAMP and what else is not the stream's is too short to be rewritten.
        assert_eq!(number(&report, "altered"), carried[way].rewritten, "{report:#}");
        assert!(carried[way].rewritten > 30, "{carried:?}");
        assert_eq!((number(&report, "cut"), number(&report, "corrupt")), (0, 0), "{report:#}");
        assert_eq!(text(&report, "verdict.code"), "arrived_altered", "{report:#}");
    }
}

#[test]
fn a_trial_counts_cut_datagrams_neither_as_loss_nor_as_passed() {
    let (_server, port) = serve();
    for (deed, outcome) in [(CUT, "changed"), (NOTHING, "passed")] {
        let relay = Forwarder::start(port, [deed, NOTHING]);
        let args = ["blast", &relay.address(), "--find-rate", "-b", "1M", "-t", "200ms"];
        let args = [&args[..], &["--size", "1400", "-J"]].concat();
        let report = json(&run(udpkit().args(args), secs(30)).out());
        let [carried, _] = relay.stop();
        let trials = path(&report, "trials").as_array().expect("trials");
        let sum = |key| trials.iter().map(|trial| number(trial, key)).sum::<u64>();
        assert_eq!((sum("cut"), sum("lost.total")), (carried.cut, 0), "{report:#}");
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
        let relay = Forwarder::start(port, [deed, NOTHING]);
        let base = ["blast", &relay.address(), "-t", "200ms", "--size", "1400", "--rate", "4M"];
        let output = run(udpkit().args(base).args(limits), secs(30));
        let [carried, _] = relay.stop();
        let report = json(&output.out());
        let told: Vec<_> = path(&report, "limits").as_array().expect("limits").iter().collect();
        let as_held: Vec<_> = told.iter().map(|one| path(one, "held").as_bool()).collect();
        assert_eq!(as_held, held.map(Some), "{report:#}");
        let counts = [number(told[0], "value"), number(told[1], "value")];
        assert_eq!(counts, [carried.cut, carried.rewritten], "{report:#}");
        let code = if held == [true; 3] { 0 } else { 3 };
        assert_eq!(output.code(), Some(code));
    }
}

#[test]
fn a_forwarder_that_changes_nothing_is_accused_of_nothing() {
    let (_server, port) = serve();
    let relay = Forwarder::start(port, [NOTHING; 2]);
    for args in [&["-J"][..], &["-J", "--reverse"], &["-J", "--verify"]] {
        let report = json(&blast(&relay, args).out());
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
    relay.stop();
}

/// A ping of 20 probes: what it says of its target.
fn ping(relay: &Forwarder, args: &[&str]) -> Value {
    let base = ["ping", &relay.address(), "-c", "20", "-i", "10ms", "-J"];
    let report = json(&run(udpkit().args(base).args(args), secs(20)).expect_success().out());
    path(&report, "targets")[0].clone()
}

#[test]
fn ping_says_where_probes_and_replies_are_cut_and_calls_none_of_them_lost() {
    let (_server, port) = serve();
    for (deeds, cut) in [([CUT, NOTHING], "cut_out"), ([NOTHING, CUT], "cut_back")] {
        let relay = Forwarder::start(port, deeds);
        let target = ping(&relay, &["--size", "1400"]);
        let carried = relay.stop();
        let all = carried[0].cut + carried[1].cut;
        assert_eq!((number(&target, "back"), number(&target, "lost_datagrams")), (20, 0));
        assert_eq!((number(&target, "cut"), number(&target, cut)), (20, 20), "{target:#}");
        assert_eq!(number(&target, "cut_to_bytes"), 1_200);
        assert!(all >= 20, "{carried:?}");
        assert_eq!(caveats(&target)[0], "replies_cut");
        // What fits the buffer passes whole.
        let relay = Forwarder::start(port, deeds);
        let target = ping(&relay, &["--size", "1200"]);
        assert_eq!((number(&target, "cut"), relay.stop()[0].cut), (0, 0), "{target:#}");
    }
}

#[test]
fn ping_to_a_service_that_echoes_tells_what_was_rewritten() {
    let port = free_udp_port();
    let local = format!("127.0.0.1:{port}");
    let echo = Running::start(udpkit().args(["recv", &local, "--echo"]));
    crate::common::wait_bound(port);
    for (deeds, cut, altered) in
        [([REWRITE, NOTHING], 0, 2), ([NOTHING, CUT], 20, 0), ([NOTHING; 2], 0, 0)]
    {
        let relay = Forwarder::start(port, deeds);
        let target = ping(&relay, &["--echo", "--size", "1400"]);
        let [out, back] = relay.stop();
        assert_eq!((number(&target, "back"), number(&target, "lost_datagrams")), (20, 0));
        assert_eq!((number(&target, "cut"), number(&target, "altered")), (cut, altered));
        assert_eq!((out.cut + back.cut, out.rewritten + back.rewritten), (cut, altered));
    }
    drop(echo);
}

fn mtu(relay: &Forwarder) -> Value {
    let args = ["probe", "mtu", &relay.address(), "-J"];
    json(&run(udpkit().args(args), secs(60)).expect_success().out())
}

#[test]
fn probe_mtu_takes_no_cut_datagram_for_a_whole_one() {
    let (_server, port) = serve();
    for (index, (way, other)) in [("out", "back"), ("back", "out")].into_iter().enumerate() {
        let mut deeds = [NOTHING; 2];
        deeds[index] = CUT;
        let relay = Forwarder::start(port, deeds);
        let report = mtu(&relay);
        assert!(relay.stop()[index].cut > 5);
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
        let relay = Forwarder::start(port, deeds);
        let report = mtu(&relay);
        let [out, back] = relay.stop();
        assert!(out.rewritten + back.rewritten > 0);
        assert!(number(&report, &format!("traffic.{key}")) > 0, "{report:#}");
        assert!(caveats(&report).contains(&"altered".to_owned()), "{report:#}");
    }
}

#[test]
fn streams_that_take_longer_than_others_show_a_second_way() {
    let (_server, port) = serve();
    for (deed, differ) in [(HOLD, true), (NOTHING, false)] {
        let relay = Forwarder::start(port, [deed, NOTHING]);
        let report = json(&blast(&relay, &["-J", "-P", "8"]).out());
        relay.stop();
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
