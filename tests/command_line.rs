//! Mistakes of new users: misunderstood arguments, flags of other tools, and failures as a program
//! reads them. Nothing here sends a datagram.

mod common;

use common::{json, path, run, secs, udpkit};

#[track_caller]
fn refused(args: &[&str], told: &str) {
    let output = run(udpkit().args(args), secs(10));
    assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
    assert!(output.err().contains(told), "{args:?}: no {told:?} in {}", output.err());
    assert!(!output.err().contains("panicked"), "{args:?}: {}", output.err());
}

#[test]
fn an_argument_that_is_not_a_host_is_reported_with_the_correct_form() {
    for (args, told) in [
        (&["send", "9000", "--", "hi"][..], "127.0.0.1:9000"),
        (&["send", "127.0.0.1", "9000"], "write 127.0.0.1:9000"),
        (&["ping", "127.0.0.1", "9000"], "write 127.0.0.1:9000"),
        (&["blast", "127.0.0.1", "9000"], "HOST:9000"),
        (&["cast", "send", "239.1.2.3", "5000", "--", "x"], "write 239.1.2.3:5000"),
        (&["send", "::1:9000", "--", "x"], "[::1]:9000"),
        (&["ping", "::1:9000"], "[::1]:9000"),
        (&["blast", "::1:9000"], "[::1]:9000"),
        (&["probe", "mtu", "::1:9000"], "[::1]:9000"),
        (&["recv", "::1:9000"], "[::1]:9000"),
        (&["serve", "::1:9000"], "[::1]:9000"),
        (&["send", "fe80::2%eth0:9000", "--", "x"], "[fe80::2%eth0]:9000"),
        (&["send", "fe80::2", "--", "x"], "needs its interface"),
        (&["ping", "fe80::2"], "needs its interface"),
        (&["blast", "fe80::2"], "needs its interface"),
        (&["probe", "nat", "fe80::2"], "needs its interface"),
        (&["ping", "127.0.0.1", "-I", "lo:77"], "no colon"),
        (&["ping", "[fe80::2%1]:9", "-I", "2"], "no such interface"),
        (&["blast", "127.0.0.1", "--rate", "10", "M"], "10M"),
        (&["blast", "127.0.0.1", "--probe", "5ms"], "--FLAG=5ms"),
        (&["ping", "5ms"], "--FLAG=5ms"),
        (&["ping", "127.0.0.1", "hi there"], "spaces"),
        (&["cast", "send", "--open", ":8620", "-s", "10"], "127.0.0.1:8620"),
    ] {
        refused(args, told);
    }
}

#[test]
fn a_number_that_cannot_be_is_answered_with_its_bounds_and_units() {
    for (args, told) in [
        (&["blast", "--rate", "10Mb/x"][..], "did you mean"),
        (&["blast", "--rate", "0"], "would send nothing"),
        (&["blast", "--rate", "-5M"], "negative"),
        (&["ping", "127.0.0.1", "-t", "-1s"], "negative"),
        (&["ping", "127.0.0.1", "--ttl", "0"], "from 1 to 255"),
        (&["serve", "--max-duration", "1x"], "ns, us, ms, s, m, h or d"),
        (&["blast", "--size", "10q"], "k, M, G"),
    ] {
        refused(args, told);
    }
}

#[test]
fn habits_of_other_tools_are_answered_with_a_hint() {
    for (args, told) in [
        (&["blast", "127.0.0.1", "-u"][..], "always speaks UDP"),
        (&["blast", "127.0.0.1", "-l", "1400"], "-s or --size"),
        (&["blast", "-c", "127.0.0.1"], "udpkit blast 127.0.0.1"),
        (&["blast", "127.0.0.1", "-i", "1"], "--report-every"),
        (&["ping", "127.0.0.1", "-W", "1"], "--wait"),
        (&["send", "-u", "127.0.0.1:9", "--", "x"], "always speaks UDP"),
        (&["recv", "-l", "9000"], "udpkit recv PORT"),
        (&["ping", "127.0.0.1", "--from", "127.0.0.1"], "--bind"),
    ] {
        refused(args, told);
    }
}

#[test]
fn every_failure_before_a_run_is_a_document_where_json_is_asked_for() {
    let name = "nowhere.invalid";
    for args in [
        &["send", name, "-J", "--", "x"][..],
        &["ping", name, "-J"],
        &["blast", name, "-J"],
        &["cast", "send", name, "-J", "--", "x"],
        &["probe", "marks", name, "-J"],
        &["probe", "nat", name, "-J"],
        &["probe", name, "-J"],
    ] {
        let output = run(udpkit().args(args), secs(20));
        assert_eq!(output.code(), Some(1), "{args:?}: {}", output.err());
        let document = json(&output.out());
        assert_eq!(path(&document, "failure.code"), "name_not_resolved", "{args:?}");
        assert!(path(&document, "failure.text").as_str().is_some_and(|text| text.contains(name)));
    }
    let output = run(udpkit().args(["recv", "192.0.2.1:9", "-J"]), secs(10));
    assert_eq!(path(&json(&output.out()), "failure.code"), "bind", "{}", output.err());
    let output = run(udpkit().args(["send", "9000", "-J", "--", "x"]), secs(10));
    assert_eq!(path(&json(&output.out()), "failure.code"), "usage", "{}", output.err());
}

#[test]
fn a_bare_number_is_a_port_wherever_something_listens() {
    for args in [&["recv", "0", "-t", "50ms"][..], &["cast", "recv", "15999", "-t", "50ms"]] {
        run(udpkit().args(args), secs(10)).expect_success();
    }
}
