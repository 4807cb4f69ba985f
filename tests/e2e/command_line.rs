//! Mistakes of new users: misunderstood arguments, flags of other tools, and failures as a program
//! reads them. Nothing here sends a datagram.

use crate::common::{Lab, json, path, require_lab, run, secs, udpkit};

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
        (&["cast", "send", "fe80::2", "--", "x"], "needs its interface"),
        (&["serve", "fe80::2"], "needs its interface"),
        (&["recv", "fe80::2", "-t", "10ms"], "needs its interface"),
        (&["ping", "127.0.0.1", "-I", "lo:77"], "no colon"),
        (&["ping", "[fe80::2%1]:9", "-I", "2"], "no such interface"),
        (&["blast", "127.0.0.1", "--rate", "10", "M"], "10M"),
        (&["blast", "127.0.0.1", "--probe", "5ms"], "--FLAG=5ms"),
        (&["ping", "5ms"], "--FLAG=5ms"),
        (&["ping", "127.0.0.1", "-D", "utc"], "--timestamps=utc"),
        (&["recv", "-D", "date"], "--timestamps=date"),
        (&["serve", "-D", "epoch"], "--timestamps=epoch"),
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
        (&["recv", "-l", "9000"], "leave -l out"),
        (&["send", "-l", "9000"], "udpkit recv PORT"),
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
        assert_eq!(output.err().matches(name).count(), 1, "{args:?}: {}", output.err());
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

#[test]
fn a_zone_is_shown_as_the_name_of_its_interface_however_it_was_typed() {
    // The loopback is interface 1 of every network namespace; it has no link-local addresses.
    for zone in ["1", "lo"] {
        let target = format!("[fe80::1%{zone}]:9");
        let named = "[fe80::1%lo]:9";
        let output = run(udpkit().args(["send", &target, "-J", "--", "x"]), secs(10));
        let document = json(&output.out());
        assert_eq!(path(&document, "destinations.0.address"), named, "{}", output.err());
        for args in [
            &["send", &target, "--", "x"][..],
            &["ping", &target, "-c", "1", "-w", "0.1s"],
            &["blast", &target, "-t", "100ms"],
            &["probe", "trace", &target, "-w", "0.1s"],
            &["recv", &target, "-t", "10ms"],
            &["serve", &target],
            &["cast", "send", &target, "--", "x"],
        ] {
            let output = run(udpkit().args(args), secs(20));
            let (out, err) = (output.out(), output.err());
            assert!(out.contains(named) || err.contains(named), "{args:?}: {out}{err}");
            // Progress echoes what was typed; a report does not.
            assert!(!out.contains("%1]"), "{args:?}: {out}");
        }
    }
}

#[test]
fn a_command_takes_limits_only_on_what_it_measures() {
    let cast_send = "cast send measures loss, p50, p99, max, duplicates, reordered, burst\n";
    let cast_recv =
        "cast recv measures loss, p50, p99, max, jitter, duplicates, reordered, burst, outage\n";
    let ping = "ping measures loss, p50, p90, p99, p99.9, max, duplicates, reordered, burst, outage, \
                never-sent, cut, altered\n";
    for metric in ["rate<1M", "p90>1ms", "p99.9>1ms", "jitter>1ms", "never-sent>0", "cut>0"] {
        refused(&["cast", "send", "127.0.0.1", "-s", "9", "--fail-if", metric], cast_send);
        if !metric.starts_with("jitter") {
            refused(&["cast", "recv", "239.1.2.3:5000", "--fail-if", metric], cast_recv);
        }
    }
    refused(&["ping", "127.0.0.1", "--fail-if", "loss>1%,rate<1M"], ping);
    refused(&["ping", "127.0.0.1", "--fail-if", "jitter>1ms"], ping);
    for command in [
        &["ping", "127.0.0.1"][..],
        &["blast"],
        &["cast", "send", "127.0.0.1", "-s", "9"],
        &["cast", "recv", "239.1.2.3:5000"],
    ] {
        refused(&[command, &["--fail-if", "loss>100%"]].concat(), "can never be broken");
        refused(&[command, &["--fail-if", "burst>=0"]].concat(), "every value breaks it");
    }
}

/// Every subcommand that runs something, as it is typed.
pub fn commands() -> Vec<Vec<String>> {
    fn walk(at: &clap::Command, path: &[String], all: &mut Vec<Vec<String>>) {
        for sub in at.get_subcommands() {
            let path = [path, &[sub.get_name().to_owned()]].concat();
            if sub.get_arguments().any(|arg| arg.get_long().is_some()) {
                all.push(path.clone());
            }
            walk(sub, &path, all);
        }
    }
    let mut all = Vec::new();
    walk(&udpkit::cli::command(), &[], &mut all);
    all
}

/// The long flags of a command.
pub fn flags_of(path: &[String]) -> Vec<String> {
    let mut at = udpkit::cli::command();
    for name in path {
        at = at.find_subcommand(name).expect("it is one").clone();
    }
    let global = ["help", "verbose", "color"].map(str::to_owned);
    at.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).chain(global).collect()
}

fn stopped(words: &[String]) -> Option<udpkit::cli::Stopped> {
    let all = std::iter::once("udpkit".into()).chain(words.iter().map(Into::into));
    udpkit::cli::parse(all).err()
}

#[test]
fn a_flag_of_old_is_refused_with_the_name_that_this_command_has_for_it() {
    for (command, old, new) in [
        ("send", "--from", "--bind"),
        ("cast send", "--from", "--bind"),
        ("blast", "--from", "--bind"),
        ("ping", "--from", "--bind"),
        ("probe nat", "--from", "--bind"),
        ("probe trace", "--from", "--bind"),
        ("probe mtu", "--from", "--interface"),
        ("recv", "--from", "an argument"),
        ("serve", "--bind", "an argument"),
        ("cast recv", "--from", "--sender"),
        ("recv", "-i", "--report-every"),
        ("recv", "--interval", "--report-every"),
        ("cast recv", "-i", "--report-every"),
        ("blast", "--interval", "--report-every"),
        ("recv", "--timeout", "--time"),
        ("cast recv", "--timeout", "--time"),
        ("ping", "--timeout", "--wait"),
        ("probe ports", "--timeout", "--wait"),
        ("recv", "-e", "--echo"),
        ("recv", "-r", "--reply"),
        ("send", "-r", "--rate"),
        ("cast send", "-f", "--file"),
        ("ping", "--plain", "--echo"),
        ("cast send", "--plain", "--no-header"),
        ("cast recv", "--plain", "--no-header"),
        ("probe ports", "--no-helper", "--no-agent"),
        ("probe ports", "--pps", "--rate"),
        ("ping", "-W", "--wait"),
        ("send", "-p", "HOST:PORT"),
        ("recv", "-l", "by itself"),
    ] {
        let words: Vec<String> = command.split(' ').chain([old, "1"]).map(str::to_owned).collect();
        let stopped = stopped(&words).expect("no such flag");
        let hint = stopped.hint.unwrap_or_default();
        assert!(hint.contains(new), "{command} {old}: {hint:?}");
        assert!(!stopped.text.contains("tip:"), "{command} {old}: {}", stopped.text);
    }
}

#[test]
fn a_hint_names_no_flag_that_the_command_lacks() {
    let habits = [
        "-u",
        "-l",
        "--length",
        "-k",
        "-z",
        "-W",
        "-w",
        "-i",
        "--interval",
        "-M",
        "-Q",
        "--tos",
        "-m",
        "-d",
        "-r",
        "-O",
        "--parallel",
        "--bitrate",
        "--pps",
        "-e",
        "-n",
        "-c",
        "-f",
        "-p",
        "--from",
        "--bind",
        "--source",
        "--source-port",
        "--iface",
        "--timeout",
        "--plain",
        "--no-helper",
    ];
    let all = commands();
    assert!(all.len() >= 16, "{all:?}");
    for command in all {
        let flags = flags_of(&command);
        for habit in habits {
            let Some(stopped) = stopped(&[&command[..], &[habit.to_owned()]].concat()) else {
                continue;
            };
            let hint = stopped.hint.unwrap_or_default();
            let named = hint.split([' ', ',', ';']).filter_map(|word| word.strip_prefix("--"));
            for name in named {
                assert!(flags.iter().any(|flag| flag == name), "{command:?} {habit}: {hint}");
            }
        }
    }
}

/// A hint may name the flag of another command, with that command.
#[test]
fn a_hint_about_a_broadcast_address_names_no_flag_that_the_command_lacks() {
    require_lab!();
    let lab = Lab::pair();
    for line in [
        "blast 10.77.0.255",
        "blast --iperf3 10.77.0.255",
        "probe 10.77.0.255",
        "probe mtu 10.77.0.255",
        "probe ports 10.77.0.255 9000",
        "probe nat 10.77.0.255",
        "send 10.77.0.255:9 -- x",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let output = run(lab.udpkit("a").args(&words), secs(20));
        let said = output.err();
        assert_eq!(output.code(), Some(1), "{line}: {said}");
        assert!(said.contains("--broadcast"), "{line}: {said}");
        let of_this_command = said.split('`').step_by(2).any(|part| part.contains("--broadcast"));
        assert_eq!(of_this_command, words[0] == "send", "{line}: {said}");
    }
}

#[test]
fn a_number_is_refused_in_words_of_ours_by_every_flag_that_takes_one() {
    let root = udpkit::cli::command();
    let mut tried = 0;
    for command in commands() {
        let mut at = root.clone();
        for name in &command {
            at = at.find_subcommand(name).expect("it is one").clone();
        }
        for arg in at.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            let Some(long) = arg.get_long() else { continue };
            for value in ["1x1", "", "99999999999999999999999", "-1"] {
                let Some(stopped) =
                    stopped(&[&command[..], &[format!("--{long}={value}")]].concat())
                else {
                    continue;
                };
                for foreign in
                    ["invalid digit", "too large to fit", "cannot parse", "IP address syntax"]
                {
                    let text = &stopped.text;
                    assert!(!text.contains(foreign), "{command:?} --{long}={value}: {text}");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
}
