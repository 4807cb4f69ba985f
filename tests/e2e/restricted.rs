//! Less of a kernel: each system call and socket option that a sandbox or an emulated kernel may
//! refuse is refused by a filter (seccomp(2)), at both ends of every command. What is missing
//! without it is in `docs/kernel.md`.

use crate::common::{Lab, Output, Running, json, number, path, require_lab, run, secs, text};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A refused system call: its number, what its arguments must be by their index, and the error.
type Denial = (libc::c_long, &'static [(u8, libc::c_int)], libc::c_int);

/// The same as it is read from the environment.
type ReadDenial = (i64, Vec<(u8, u64)>, u32);

/// The addresses of a pair's host `b`.
const FAMILIES: [&str; 2] = ["10.77.0.2", "fd77::2"];

const SO_MEMINFO: libc::c_int = 55;
const SO_TIMESTAMPING_NEW: libc::c_int = 65;
const PR_SET_SECCOMP: libc::c_int = 22;

/// What each test refuses, by name.
const DENIALS: &[(&str, &[Denial])] = &[
    ("nothing", &[]),
    ("sendmmsg, as missing", &[(libc::SYS_sendmmsg, &[], libc::ENOSYS)]),
    ("sendmmsg", &[(libc::SYS_sendmmsg, &[], libc::EPERM)]),
    ("recvmmsg, as missing", &[(libc::SYS_recvmmsg, &[], libc::ENOSYS)]),
    ("recvmmsg", &[(libc::SYS_recvmmsg, &[], libc::EPERM)]),
    (
        "IP_RECVERR",
        &[
            (libc::SYS_setsockopt, &[(1, libc::IPPROTO_IP), (2, libc::IP_RECVERR)], libc::EPERM),
            (
                libc::SYS_setsockopt,
                &[(1, libc::IPPROTO_IPV6), (2, libc::IPV6_RECVERR)],
                libc::EPERM,
            ),
        ],
    ),
    (
        "SO_RXQ_OVFL, SO_MEMINFO",
        &[
            (libc::SYS_setsockopt, &[(1, libc::SOL_SOCKET), (2, libc::SO_RXQ_OVFL)], libc::EPERM),
            (libc::SYS_getsockopt, &[(1, libc::SOL_SOCKET), (2, SO_MEMINFO)], libc::EPERM),
        ],
    ),
    (
        "time stamps",
        &[
            (
                libc::SYS_setsockopt,
                &[(1, libc::SOL_SOCKET), (2, libc::SO_TIMESTAMPNS)],
                libc::EPERM,
            ),
            (libc::SYS_setsockopt, &[(1, libc::SOL_SOCKET), (2, SO_TIMESTAMPING_NEW)], libc::EPERM),
        ],
    ),
    (
        "GRO, fragment sizes",
        &[
            (libc::SYS_setsockopt, &[(1, libc::SOL_UDP), (2, libc::UDP_GRO)], libc::ENOPROTOOPT),
            (
                libc::SYS_setsockopt,
                &[(1, libc::IPPROTO_IP), (2, libc::IP_RECVFRAGSIZE)],
                libc::ENOPROTOOPT,
            ),
            (
                libc::SYS_setsockopt,
                &[(1, libc::IPPROTO_IPV6), (2, libc::IPV6_RECVFRAGSIZE)],
                libc::ENOPROTOOPT,
            ),
        ],
    ),
    (
        "buffers, timers, priorities",
        &[
            (
                libc::SYS_setsockopt,
                &[(1, libc::SOL_SOCKET), (2, libc::SO_RCVBUFFORCE)],
                libc::EPERM,
            ),
            (
                libc::SYS_setsockopt,
                &[(1, libc::SOL_SOCKET), (2, libc::SO_SNDBUFFORCE)],
                libc::EPERM,
            ),
            (libc::SYS_setsockopt, &[(1, libc::SOL_SOCKET), (2, libc::SO_RCVBUF)], libc::EPERM),
            (libc::SYS_setsockopt, &[(1, libc::SOL_SOCKET), (2, libc::SO_SNDBUF)], libc::EPERM),
            (libc::SYS_timerfd_create, &[], libc::ENOSYS),
            (libc::SYS_sched_setaffinity, &[], libc::EPERM),
            (libc::SYS_sched_getaffinity, &[], libc::EPERM),
            (libc::SYS_setpriority, &[], libc::EPERM),
            (libc::SYS_adjtimex, &[], libc::EPERM),
            (libc::SYS_prctl, &[(0, libc::PR_SET_TIMERSLACK)], libc::EPERM),
        ],
    ),
    (
        "IP_MTU_DISCOVER",
        &[
            (
                libc::SYS_setsockopt,
                &[(1, libc::IPPROTO_IP), (2, libc::IP_MTU_DISCOVER)],
                libc::ENOPROTOOPT,
            ),
            (
                libc::SYS_setsockopt,
                &[(1, libc::IPPROTO_IPV6), (2, libc::IPV6_MTU_DISCOVER)],
                libc::ENOPROTOOPT,
            ),
        ],
    ),
    ("netlink", &[(libc::SYS_socket, &[(0, libc::AF_NETLINK)], libc::EAFNOSUPPORT)]),
];

/// What the reports of both ends lack without what a test refuses, by its name; what is not named
/// here is in a report of its own (`io`, the buffers), or costs nothing.
const MISSING: &[(&str, &[&str])] = &[
    ("IP_RECVERR", &["network_errors"]),
    ("SO_RXQ_OVFL, SO_MEMINFO", &["socket_drops"]),
    ("time stamps", &["receive_time_stamps", "transmit_time_stamps"]),
    ("GRO, fragment sizes", &["coalesced_receive", "fragment_sizes"]),
    (
        "buffers, timers, priorities",
        &["exact_timer", "timer_slack", "socket_buffers", "processors"],
    ),
];

/// The two ways in which a process has no IPv6.
const NO_IPV6: [Denial; 2] = [
    (libc::SYS_socket, &[(0, libc::AF_INET6)], libc::EAFNOSUPPORT),
    (libc::SYS_socket, &[(0, libc::AF_INET6)], libc::EPERM),
];

/// The binary with `args` on `host`, under a filter that refuses `denials`.
fn restricted(lab: &Lab, host: &str, denials: &[Denial], args: &[&str]) -> Command {
    let mut command = lab.ignored_test(host, module_path!(), "runs_restricted");
    let each: Vec<Value> =
        denials.iter().map(|(call, when, errno)| serde_json::json!([call, when, errno])).collect();
    command.env("UDPKIT_DENIED", Value::from(each).to_string());
    command.env("UDPKIT_ARGS", Value::from(args.to_vec()).to_string());
    command
}

#[test]
#[ignore = "a program for the other tests, which start it in a namespace"]
fn runs_restricted() {
    // Run by hand with all ignored tests: do nothing.
    let (Ok(denied), Ok(args)) = (env::var("UDPKIT_DENIED"), env::var("UDPKIT_ARGS")) else {
        return;
    };
    let denied: Vec<ReadDenial> = serde_json::from_str(&denied).expect("denials");
    let args: Vec<String> = serde_json::from_str(&args).expect("arguments");
    let arch = TargetArch::try_from(env::consts::ARCH).expect("a known processor");
    // One filter for each: the strictest of several decides.
    for (call, when, errno) in denied {
        let (word, equal) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
        let when = when.into_iter().map(|(index, value)| {
            SeccompCondition::new(index, word.clone(), equal.clone(), value).expect("a condition")
        });
        let when: Vec<SeccompCondition> = when.collect();
        let rules = if when.is_empty() {
            Vec::new()
        } else {
            vec![SeccompRule::new(when).expect("a rule")]
        };
        let rules = BTreeMap::from([(call, rules)]);
        let filter =
            SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), arch);
        let program = BpfProgram::try_from(filter.expect("a filter")).expect("a program");
        seccompiler::apply_filter(&program).expect("a process may restrict itself");
    }
    let error = Command::new(env!("CARGO_BIN_EXE_udpkit")).args(args).exec();
    panic!("{error}");
}

/// The report behind what the test runner prints first.
#[track_caller]
fn report(what: &str, output: &Output) -> Value {
    let out = output.out();
    let begins = out.find('{').unwrap_or_else(|| panic!("{what}: {out}{}", output.err()));
    json(&out[begins..])
}

/// The same of a run that must succeed.
#[track_caller]
fn whole(what: &str, output: &Output) -> Value {
    assert_eq!(output.code(), Some(0), "{what}: {}{}", output.err(), output.out());
    report(what, output)
}

fn at(ip: &str, port: u16) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

/// A processor that this process may use.
fn a_processor() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("this process");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = list.and_then(|list| list.trim().split([',', '-']).next());
    first.expect("a list of processors").to_owned()
}

/// Both ends of one command after the other, without `denials`.
struct Ends<'a> {
    lab: &'a Lab,
    name: &'a str,
    denials: &'a [Denial],
}

impl Ends<'_> {
    fn run(&self, args: &[&str]) -> Output {
        run(&mut restricted(self.lab, "a", self.denials, args), secs(60))
    }

    fn start(&self, args: &[&str], ready: &str) -> Running {
        let running = Running::start(&mut restricted(self.lab, "b", self.denials, args));
        running.wait_for_line(ready, secs(10));
        running
    }

    fn what(&self, command: &str) -> String {
        format!("{command} without {}", self.name)
    }

    /// A report names what it lacks and nothing else, and a note says each.
    #[track_caller]
    fn lacks(&self, what: &str, report: &Value, output: &Output) -> Vec<String> {
        let expected = MISSING.iter().find(|(name, _)| *name == self.name);
        let expected = expected.map_or(&[][..], |(_, codes)| *codes);
        let rows = report.get("missing").and_then(Value::as_array).cloned().unwrap_or_default();
        let told: Vec<String> = rows.iter().map(|row| text(row, "code").to_owned()).collect();
        assert!(told.iter().all(|code| expected.contains(&code.as_str())), "{what}: {told:?}");
        for row in &rows {
            assert!(output.err().contains(text(row, "text")), "{what}: {}", output.err());
        }
        told
    }

    fn send_and_recv(&self, ip: &str) {
        for io in ["auto", "plain"] {
            let (what, to) = (self.what("send"), at(ip, 9_000));
            let args = ["recv", &to, "--count", "20", "-J", "--io", io];
            let receiver = Running::start(&mut restricted(self.lab, "b", self.denials, &args));
            self.lab.wait_bound("b", 9_000);
            let sent = self.run(&["send", &to, "-s", "100", "-c", "20", "--io", io]);
            assert_eq!(sent.code(), Some(0), "{what}: {}", sent.err());
            let ended = receiver.wait(secs(20));
            assert_eq!(ended.code(), Some(0), "{what}: {}", ended.err());
        }
    }

    /// Commands of a server: throughput each way, round trips, probes.
    fn served(&self, ip: &str) {
        let server = self.start(&["serve"], "serving on");
        let mut told = Vec::new();
        // What is said of processors needs some to be asked for.
        let cpu = a_processor();
        let on_one = ["-R", "--cpus", &cpu];
        for args in [&["--io", "auto"][..], &["--io", "plain"], &on_one, &["--bidir"]] {
            let fixed = ["blast", ip, "--rate", "1kpps", "--size", "100", "-t", "300ms", "-J"];
            let what = self.what(&format!("blast {args:?}"));
            let output = self.run(&[&fixed, args].concat());
            let report = whole(&what, &output);
            let lacks = self.lacks(&what, &report, &output);
            told.extend(lacks);
            assert_eq!(path(&report, "complete"), true, "{what}: {report:#}");
            assert_eq!(number(&report, "lost.total"), 0, "{what}: {report:#}");
        }
        let what = self.what("ping");
        let output = self.run(&["ping", ip, "-c", "5", "-i", "20ms", "-J"]);
        let pinged = whole(&what, &output);
        told.extend(self.lacks(&what, &pinged, &output));
        // Each is told by a command that would have had it.
        for (_, codes) in MISSING.iter().filter(|(name, _)| *name == self.name) {
            let untold = codes.iter().filter(|code| !told.iter().any(|told| told == *code));
            assert_eq!(untold.count(), 0, "{what}: {told:?} of {codes:?}");
        }
        assert_eq!(number(&pinged, "targets.0.back"), 5, "{what}: {pinged:#}");
        for args in [
            &["probe", "marks", ip][..],
            &["probe", "paths", ip],
            &["probe", "ports", ip, "63000-63001"],
            &["probe", "mtu", ip],
            &["probe", "nat", &at(ip, 8620)],
            &["probe", "shape", ip],
            &["probe", "timeout", ip, "--candidates", "200ms"],
        ] {
            let what = self.what(&format!("{args:?}"));
            let output = self.run(&[args, &["-J"]].concat());
            if output.code() == Some(0) {
                self.lacks(&what, &report(&what, &output), &output);
            }
            if args[1] == "mtu" && self.name == "IP_MTU_DISCOVER" {
                assert_eq!(output.code(), Some(1), "{what}: {}", output.out());
            } else {
                whole(&what, &output);
            }
        }
        server.signal("INT");
        let ended = server.wait(secs(10));
        assert_eq!(ended.code(), Some(0), "{}: {}", self.what("serve"), ended.err());
    }

    /// Those that find out by network errors say that they cannot, or find out.
    fn about_errors(&self, ip: &str) {
        for args in [&["probe", "trace", ip][..], &["probe", "ports", ip, "9", "--no-agent"]] {
            let output = self.run(&[args, &["-J"]].concat());
            let what = self.what(&format!("{args:?}"));
            if self.name == "IP_RECVERR" {
                assert_eq!(output.code(), Some(1), "{what}: {}", output.out());
                assert!(output.err().contains("network errors"), "{what}: {}", output.err());
            } else {
                assert_ne!(output.code(), None, "{what}");
                let code = output.code();
                assert!(code.is_some_and(|code| code <= 1), "{what}: {}", output.err());
                assert!(!output.err().contains("socket option"), "{what}: {}", output.err());
                report(&what, &output);
            }
        }
    }

    fn cast(&self, group: &str) {
        let (what, to) = (self.what("cast"), at(group, 5_000));
        let args = ["cast", "recv", &to, "--interface", "eth0", "--count", "20", "-J"];
        let receiver = self.start(&args, "joined");
        let args = ["cast", "send", &to, "--interface", "eth0", "-s", "100", "-c", "20", "-J"];
        let sent = whole(&what, &self.run(&args));
        assert_eq!(number(&sent, "destinations.0.sent"), 20, "{what}: {sent:#}");
        let output = receiver.wait(secs(20));
        let received = whole(&what, &output);
        self.lacks(&what, &received, &output);
        assert_eq!(number(&received, "source_rows.0.received"), 20, "{what}: {received:#}");
    }
}

fn each_command_without(names: &[&str]) {
    require_lab!();
    let lab = Lab::pair();
    for (name, denials) in DENIALS.iter().filter(|(name, _)| names.contains(name)) {
        let ends = Ends { lab: &lab, name, denials };
        for ip in FAMILIES {
            ends.send_and_recv(ip);
            ends.served(ip);
            ends.about_errors(ip);
        }
        ends.cast("239.7.7.7");
        ends.cast("ff15::7");
    }
}

#[test]
fn every_command_runs_where_nothing_is_denied() {
    each_command_without(&["nothing"]);
}

#[test]
fn one_datagram_a_call_is_sent_where_many_are_denied() {
    each_command_without(&["sendmmsg, as missing", "sendmmsg"]);
}

#[test]
fn one_datagram_a_call_is_received_where_many_are_denied() {
    each_command_without(&["recvmmsg, as missing", "recvmmsg"]);
}

#[test]
fn without_an_error_queue_only_what_is_about_errors_fails() {
    each_command_without(&["IP_RECVERR"]);
}

#[test]
fn no_run_fails_without_drop_counts_or_time_stamps() {
    each_command_without(&["SO_RXQ_OVFL, SO_MEMINFO", "time stamps"]);
}

#[test]
fn no_run_fails_without_coalescing_large_buffers_or_timers() {
    each_command_without(&["GRO, fragment sizes", "buffers, timers, priorities"]);
}

#[test]
fn only_the_path_mtu_needs_dont_fragment() {
    each_command_without(&["IP_MTU_DISCOVER"]);
}

#[test]
fn what_needs_no_list_of_interfaces_runs_without_netlink() {
    each_command_without(&["netlink"]);
    require_lab!();
    let lab = Lab::pair();
    let (_, netlink) = DENIALS.iter().find(|(name, _)| *name == "netlink").expect("it is listed");
    let args = ["cast", "send", "239.7.7.7:5000", "--bind", "10.77.0.1", "-c", "1", "-s", "10"];
    let output = run(&mut restricted(&lab, "a", netlink, &args), secs(10));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    // What does need it says so.
    let args = ["cast", "check", "239.7.7.7"];
    let output = run(&mut restricted(&lab, "a", netlink, &args), secs(10));
    assert_eq!(output.code(), Some(1), "{}", output.err());
    assert!(output.err().contains("cannot list the interfaces"), "{}", output.err());
}

#[test]
fn what_listens_on_both_families_takes_ipv4_where_there_is_no_ipv6() {
    require_lab!();
    let lab = Lab::pair();
    for denial in NO_IPV6 {
        let denied = [denial];
        let ends = Ends { lab: &lab, name: "IPv6", denials: &denied };
        ends.served("10.77.0.2");
        ends.send_and_recv("10.77.0.2");
        ends.cast("239.7.7.7");
        let args = ["cast", "send", "--open=8620", "-s", "50", "-c", "200", "-i", "10ms", "-J"];
        let args = [&args[..], &["--receivers", "1"]].concat();
        let sender = Running::start(&mut restricted(&lab, "b", &denied, &args));
        lab.wait_bound("b", 8620);
        let args = ["cast", "recv", "--sender", "10.77.0.2:8620", "--count", "5", "-J"];
        let received = whole("cast recv without IPv6", &ends.run(&args));
        assert!(number(&received, "source_rows.0.received") >= 5, "{received:#}");
        sender.signal("INT");
        sender.wait(secs(10));
    }
}

#[test]
fn a_denied_receive_call_is_an_error_and_no_silence() {
    require_lab!();
    let lab = Lab::pair();
    let denied: [Denial; 2] = [
        (libc::SYS_recvmmsg, &[], libc::EPERM),
        // Reads of the error queue too, which are none of datagrams.
        (libc::SYS_recvmsg, &[], libc::EPERM),
    ];
    for args in
        [&["recv", "9000", "--idle", "500ms"][..], &["ping", "10.77.0.2", "-c", "2", "-w", "300ms"]]
    {
        let output = run(&mut restricted(&lab, "a", &denied, args), secs(20));
        assert_eq!(output.code(), Some(1), "{args:?}: {}{}", output.out(), output.err());
        assert!(output.err().contains("not permitted"), "{args:?}: {}", output.err());
    }
}

#[test]
fn a_server_without_what_its_replies_need_names_the_option() {
    require_lab!();
    let lab = Lab::pair();
    for (name, level, option) in [
        ("packet information", libc::IPPROTO_IP, libc::IP_PKTINFO),
        ("the received TTL", libc::IPPROTO_IP, libc::IP_RECVTTL),
        ("the received TOS", libc::IPPROTO_IP, libc::IP_RECVTOS),
    ] {
        // A filter's values live as long as the test.
        let when: &'static [(u8, libc::c_int)] = Box::leak(Box::new([(1, level), (2, option)]));
        let denied: [Denial; 1] = [(libc::SYS_setsockopt, when, libc::EPERM)];
        let output = run(&mut restricted(&lab, "b", &denied, &["serve"]), secs(10));
        assert_eq!(output.code(), Some(1), "{name}: {}", output.err());
        assert!(output.err().contains(name), "{name}: {}", output.err());
        // A sender of plain datagrams needs none of them.
        let args = ["send", "10.77.0.1:9000", "-c", "1"];
        let output = run(&mut restricted(&lab, "b", &denied, &args), secs(10));
        assert_eq!(output.code(), Some(0), "{name}: {}", output.err());
    }
}

#[test]
fn what_is_asked_for_by_name_fails_where_it_is_refused() {
    require_lab!();
    let lab = Lab::pair();
    let _server = lab.serve("b", &[]);
    let send: &[&str] = &["send", "10.77.0.2:9000", "-c", "1", "-s", "10"];
    let ping: &[&str] = &["ping", "10.77.0.2", "-c", "1"];
    for (command, flag, level, option) in [
        (ping, &["--interface", "eth0"][..], libc::SOL_SOCKET, libc::SO_BINDTODEVICE),
        (send, &["--dscp", "ef"], libc::IPPROTO_IP, libc::IP_TOS),
        (send, &["--ttl", "9"], libc::IPPROTO_IP, libc::IP_TTL),
        (send, &["--dont-fragment"], libc::IPPROTO_IP, libc::IP_MTU_DISCOVER),
    ] {
        let when: &'static [(u8, libc::c_int)] = Box::leak(Box::new([(1, level), (2, option)]));
        let denied: [Denial; 1] = [(libc::SYS_setsockopt, when, libc::EPERM)];
        let with = |more: &[&str]| {
            run(&mut restricted(&lab, "a", &denied, &[command, more].concat()), secs(10))
        };
        let output = with(flag);
        assert_eq!(output.code(), Some(1), "{flag:?}: {}{}", output.out(), output.err());
        assert!(output.err().contains("not permitted"), "{flag:?}: {}", output.err());
        assert_eq!(with(&[]).code(), Some(0), "{flag:?}");
    }
}

#[test]
fn a_server_without_sandboxes_says_so_and_keeps_no_privilege() {
    require_lab!();
    let lab = Lab::pair();
    // The filter that refuses filters is the last.
    let sandboxes: [Denial; 3] = [
        (libc::SYS_landlock_create_ruleset, &[], libc::EPERM),
        (libc::SYS_prctl, &[(0, PR_SET_SECCOMP)], libc::EPERM),
        (libc::SYS_seccomp, &[], libc::EPERM),
    ];
    let mut serve = restricted(&lab, "b", &sandboxes, &["serve", "--json"]);
    let server = Running::start(&mut serve);
    server.wait_for_stdout(secs(10), |out| out.contains("\"event\":\"confined\""));
    let said = server.stdout_so_far();
    let line = said.lines().find(|line| line.contains("\"confined\"")).expect("the line");
    let said = json(line);
    assert_eq!(
        (path(&said, "seccomp"), path(&said, "landlock_abi")),
        (&false.into(), &Value::Null)
    );
    let missing = path(&said, "missing_restrictions").to_string();
    assert!(missing.contains("seccomp") && missing.contains("landlock"), "{said:#}");
    assert_eq!(path(&said, "capabilities").as_array().map(Vec::len), Some(0), "{said:#}");
    let args = ["blast", "10.77.0.2", "--rate", "1kpps", "-s", "100", "-t", "100ms", "-J"];
    let told = json(&run(lab.udpkit("a").args(args), secs(20)).expect_success().out());
    assert_eq!(number(&told, "lost.total"), 0, "{told:#}");

    let denied: [Denial; 1] = [(libc::SYS_capset, &[], libc::EPERM)];
    let output = run(&mut restricted(&lab, "b", &denied, &["serve", ":9620"]), secs(10));
    assert_eq!(output.code(), Some(1), "{}", output.err());
    assert!(output.err().contains("capabilities"), "{}", output.err());
}

#[test]
fn what_a_report_says_of_calls_is_what_was_called() {
    require_lab!();
    let lab = Lab::pair();
    let many: [Denial; 2] =
        [(libc::SYS_recvmmsg, &[], libc::EPERM), (libc::SYS_sendmmsg, &[], libc::EPERM)];
    for (denied, calls) in [(&[][..], ["mmsg", "mmsg"]), (&many, ["plain", "plain"])] {
        let ends = Ends { lab: &lab, name: "calls", denials: denied };
        let _server = ends.start(&["serve", "--io", "mmsg"], "serving on");
        let args = ["blast", "10.77.0.2", "--io", "mmsg", "-t", "300ms", "--rate", "20M", "-J"];
        let report = whole("blast", &ends.run(&args));
        let said = ["io.tx_mode", "io.rx_mode"].map(|key| text(&report, key));
        assert_eq!(said, calls, "{report:#}");
    }
}
