//! `udpkit serve`, end to end: limits, key, manual dialogue, log and end.

use crate::common::{Output, Running, json, json_lines, number, path, run, secs, udpkit};
use serde_json::Value;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use udpkit::record::ServeRefusal;
use udpkit::report::words;
use udpkit::session::serve::{ServePolicy, help_reply};

/// A server on a port that the kernel chose.
struct Served {
    server: Running,
    address: String,
}

fn serve(args: &[&str]) -> Served {
    serve_with(&mut udpkit(), args)
}

fn serve_with(command: &mut Command, args: &[&str]) -> Served {
    let server = Running::start(command.args(["serve", "127.0.0.1:0"]).args(args));
    let line = server.wait_for("a line that says where", secs(5), |line| {
        line.contains("serving on") || line.contains("listening")
    });
    let word = |word: &&str| word.starts_with("127.0.0.1:");
    let mut words = line.split([' ', '"']);
    let address = words.find(word).expect("an address").to_owned();
    Served { server, address }
}

fn blast(address: &str, args: &[&str]) -> Output {
    let common = ["blast", address, "--json", "--time", "300ms", "--size", "1000"];
    run(udpkit().args(common).args(args), secs(20))
}

/// A refusal as a client shows it.
fn shown(refusal: &ServeRefusal) -> String {
    format!("{} {refusal}", refusal.code().0)
}

/// A refusal as the server's log shows it.
fn logged(refusal: &ServeRefusal) -> String {
    format!("refused: {} {refusal}", refusal.code().0)
}

/// A socket for a manual dialogue.
struct Hand(UdpSocket);

impl Hand {
    fn new(address: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address: SocketAddr = address.parse().expect("an address");
        socket.connect(address).expect("a route");
        socket.set_read_timeout(Some(secs(5))).expect("a deadline");
        Self(socket)
    }

    fn ask(&self, text: &str) -> String {
        self.0.send(text.as_bytes()).expect("it is sent");
        let mut bytes = [0; 2_000];
        let len = self.0.recv(&mut bytes).unwrap_or_else(|error| panic!("{text}: {error}"));
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }

    /// Sends a command padded for a long reply.
    fn padded(&self, text: &str) -> String {
        self.ask(&format!("{text:<600}"))
    }

    /// The value of a parameter in the reply.
    fn value(&self, text: &str, key: &str) -> String {
        let answer = self.padded(text);
        let line = answer.lines().find_map(|line| line.split_once(&format!("-{key}=")));
        line.unwrap_or_else(|| panic!("no {key} in {answer}")).1.to_owned()
    }

    /// Requests a ticket and returns it, if there is a reply.
    fn begin_to_open(&self) {
        let mut bytes = [0; 2_000];
        let padded = format!("{:<600}", "a HELO");
        let asked = self.0.send(padded.as_bytes()).and_then(|_| self.0.recv(&mut bytes));
        let reply = String::from_utf8_lossy(&bytes[..asked.unwrap_or(0)]).into_owned();
        let ticket = reply.lines().find_map(|line| line.split_once("-ticket="));
        if let Some((_, ticket)) = ticket {
            // The server may be gone already.
            let _ = self.0.send(format!("b HELO ticket={ticket}").as_bytes());
        }
    }

    fn open(&self) -> String {
        let ticket = self.value("a HELO", "ticket");
        self.value(&format!("b HELO ticket={ticket}"), "session")
    }
}

fn key_file(content: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), content).expect("it is written");
    file
}

fn name(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("a name")
}

#[test]
fn a_run_over_a_limit_is_refused_and_the_limit_is_named() {
    let limits = ["--max-rate", "20M", "--max-duration", "10s", "--max-streams", "2"];
    let served = serve(&limits);
    let rate = ServeRefusal::RateLimit { limit: "20M".parse().unwrap() };
    for (args, refusal) in [
        (&["--rate", "max"][..], &rate),
        (&["--rate", "3kpps"], &rate),
        (&["--rate", "20000001", "--reverse"], &rate),
        (&["--rate", "1M", "--time", "11s"], &ServeRefusal::TimeLimit { limit_ns: 10_000_000_000 }),
        (&["--rate", "1M", "--streams", "3"], &ServeRefusal::StreamLimit { limit: 2 }),
    ] {
        let part = shown(refusal);
        let common = ["blast", &served.address, "--quiet"];
        let output = run(udpkit().args(common).args(args), secs(20));
        assert_eq!(output.code(), Some(1), "{args:?}: {}", output.err());
        assert!(output.err().contains(&part), "{args:?}: {}", output.err());
    }
    // Runs within the limits are granted, and the server's sending keeps to them.
    for args in [&["--rate", "20M"][..], &["--rate", "20M", "--reverse"], &["--rate", "2500pps"]] {
        let output = blast(&served.address, args);
        assert_eq!(output.code(), Some(0), "{args:?}: {}", output.err());
        let report = json(&output.out());
        // 20 Mbit/s in 1000 bytes for 300 ms; a late machine leaves some of them out.
        assert!((745..=751).contains(&number(&report, "offered.datagrams")), "{report:#}");
        assert!((1..=751).contains(&number(&report, "sent.datagrams")), "{report:#}");
    }
    // A refused client has closed its session.
    let stat = Hand::new(&served.address).padded("a STAT");
    assert!(stat.contains("211-sessions=0\r\n") && stat.contains("211-refused=5\r\n"), "{stat}");
}

#[test]
fn a_server_that_does_not_send_refuses_both_ways_down() {
    let served = serve(&["--no-reverse"]);
    for arg in ["--reverse", "--bidir"] {
        let output = blast(&served.address, &[arg, "--rate", "1M"]);
        assert_eq!(output.code(), Some(1));
        let part = shown(&ServeRefusal::OnlyReceives);
        assert!(output.err().contains(&part), "{}", output.err());
    }
    assert_eq!(blast(&served.address, &["--rate", "1M"]).code(), Some(0));
}

#[test]
fn only_networks_that_are_allowed_are_served() {
    let served = serve(&["--allow", "192.0.2.0/24", "--allow", "2001:db8::1"]);
    let output = blast(&served.address, &["--rate", "1M"]);
    assert_eq!(output.code(), Some(1));
    let refusal = ServeRefusal::AddressNotAllowed;
    assert!(output.err().contains(&shown(&refusal)), "{}", output.err());
    served.server.wait_for_line(&logged(&refusal), secs(5));
    let served = serve(&["--allow", "127.0.0.0/8"]);
    assert_eq!(blast(&served.address, &["--rate", "1M"]).code(), Some(0));
}

#[test]
fn only_clients_with_the_key_are_served() {
    let (key, other) = (key_file("a key of ours, long enough\n"), key_file("another one, as long"));
    let served = serve(&["--key", name(&key)]);
    for (args, failure) in [(&[][..], "key_needed"), (&["--key", name(&other)], "other_key")] {
        let output = blast(&served.address, &[&["--rate", "1M"], args].concat());
        assert_eq!(output.code(), Some(1), "{args:?}");
        assert_eq!(path(&json(&output.out()), "failure.code"), failure, "{args:?}");
    }
    for args in [&[][..], &["--reverse"], &["--bidir", "--streams", "2"]] {
        let output =
            blast(&served.address, &[&["--rate", "5M", "--key", name(&key)], args].concat());
        assert_eq!(output.code(), Some(0), "{args:?}: {}", output.err());
        let report = json(&output.out());
        assert_eq!(path(&report, "complete"), true, "{args:?}");
        assert!(path(&report, "delivered").as_u64().unwrap() > 150, "{report:#}");
    }
    // The variable names the file if the flag does not; without a host, both ends use it.
    let mut by_variable = udpkit();
    by_variable.env("UDPKIT_KEY", key.path()).args(["blast", &served.address, "--json"]);
    by_variable.args(["--time", "100ms", "--rate", "1M"]);
    assert_eq!(run(&mut by_variable, secs(20)).code(), Some(0));
    let mut alone = udpkit();
    alone.args(["blast", "--json", "--time", "100ms", "--rate", "1M", "--key", name(&key)]);
    assert_eq!(run(&mut alone, secs(20)).code(), Some(0));
    // A manual request gets a short refusal, never longer than the request.
    let hand = Hand::new(&served.address);
    assert_eq!(hand.ask("a HELP"), "a 530");
    assert_eq!(hand.padded("a HELO"), format!("a 530 {}\r\n", ServeRefusal::KeyNeeded));
    let unkeyed = serve(&[]);
    let output = blast(&unkeyed.address, &["--key", name(&key)]);
    assert_eq!(path(&json(&output.out()), "failure.code"), "no_key_there");
    served.server.signal("INT");
    let log = served.server.wait(secs(5));
    assert!(log.err().contains(&logged(&ServeRefusal::KeyNeeded)), "{}", log.err());
    assert!(!log.err().contains("long enough"), "{}", log.err());
}

#[test]
fn an_invalid_key_is_reported_with_the_correct_form() {
    let (empty, short) = (key_file("\n"), key_file("hunter2"));
    let long = key_file(&"x".repeat(2_000));
    for (file, code, part) in [
        ("/no/such/file", 1, "--key /no/such/file: cannot read the key: no such file"),
        ("/", 1, "is a directory"),
        (name(&empty), 2, "the file is empty"),
        (name(&short), 2, "a key must have from 16 to 1024 bytes; this one has 7"),
        (name(&long), 2, "a key has at most 1024 bytes"),
    ] {
        for command in [
            &["serve", "127.0.0.1:0"][..],
            &["blast", "127.0.0.1:9"],
            &["blast"],
            &["ping", "127.0.0.1:9"],
            &["ping", "127.0.0.1:9", "127.0.0.1:10"],
            &["probe", "mtu", "127.0.0.1:9"],
        ] {
            let output = run(udpkit().args(command).args(["--key", file]), secs(10));
            assert_eq!(output.code(), Some(code), "{command:?} {file}: {}", output.err());
            assert!(output.err().contains(part), "{command:?} {file}: {}", output.err());
            assert!(output.err().contains("hint: create one with"), "{}", output.err());
            assert!(!output.err().contains("hunter2"), "{}", output.err());
        }
    }
    // The key itself instead of a file name is not shown.
    let mut mistaken = udpkit();
    mistaken.env("UDPKIT_KEY", "open-sesame-open-sesame").args(["serve", "127.0.0.1:0"]);
    let output = run(&mut mistaken, secs(10));
    assert_eq!(output.code(), Some(1));
    assert!(output.err().contains("UDPKIT_KEY") && !output.err().contains("sesame"));
}

#[test]
fn a_key_that_others_may_read_is_warned_of_once() {
    use std::os::unix::fs::PermissionsExt;
    let key = key_file("a key of ours, long enough\n");
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(key.path(), PermissionsExt::from_mode(mode)).unwrap();
        let served = serve(&["--key", name(&key)]);
        served.server.signal("INT");
        let output = served.server.wait(secs(5));
        let warning = words::usage::key_is_readable(&format!("--key {}", name(&key)));
        assert_eq!(output.err().contains(&warning), warned, "{mode:o}");
        // With both ends in one process, the file is read for each.
        let mut both = udpkit();
        both.args(["blast", "--time", "100ms", "--rate", "1M", "--quiet", "--key", name(&key)]);
        let output = run(&mut both, secs(20));
        assert_eq!(output.err().matches(&warning).count(), usize::from(warned), "{mode:o}");
    }
}

#[test]
fn help_and_stat_are_usable_by_hand() {
    let served = serve(&[]);
    let send = |message: &str| {
        let wait = ["--wait", "5s", "--replies", "1", "--format", "raw", "-q", "--", message];
        run(udpkit().args(["send", &served.address]).args(wait), secs(10)).out()
    };
    assert_eq!(send("a HELP"), "a pad=");
    assert_eq!(
        send(&format!("{:<60}", "a HELP")),
        "a 214 HELO TEST DATA STAT RSET NOOP HELP QUIT\r\n"
    );
    let all = send(&format!("a HELP pad={}", "x".repeat(1_150)));
    assert_eq!(all, help_reply(&ServePolicy::default()));
    assert!(send(&format!("{:<200}", "a STAT")).contains("a 211-sessions=0\r\n"));
    // Within a session the whole text, however short the request.
    let hand = Hand::new(&served.address);
    let session = hand.open();
    let told = hand.ask(&format!("a HELP session={session}"));
    let (proof, rest) = told.split_once("\r\n").expect("lines");
    assert!(proof.starts_with("a 214-proof=") && rest == all, "{told}");
    assert!(hand.padded("c STAT").contains("c 211-sessions=1\r\n"));
    assert_eq!(hand.ask(&format!("d QUIT session={session}")), "d 221 goodbye\r\n");
}

#[test]
fn events_are_lines_of_json_as_they_happen() {
    let served = serve(&["--json", "--quiet", "--max-rate", "50M"]);
    assert_eq!(blast(&served.address, &["--rate", "10M"]).code(), Some(0));
    assert_eq!(blast(&served.address, &["--rate", "51M"]).code(), Some(1));
    // Each line is written at once, not when a buffer is full or the server ends.
    let wanted = |out: &str| out.matches("session_closed").count() == 2;
    assert!(served.server.wait_for_stdout(secs(5), wanted), "{}", served.server.stdout_so_far());
    served.server.signal("TERM");
    let output = served.server.wait(secs(5));
    assert_eq!((output.code(), output.err().as_str()), (Some(0), ""));
    let events = json_lines(&output.out());
    let text = |event: &Value, key: &str| path(event, key).as_str().unwrap().to_owned();
    let names: Vec<String> = events.iter().map(|event| text(event, "event")).collect();
    let expected = [
        "listening",
        "stun_alternate",
        "confined",
        "session_opened",
        "test_granted",
        "stream_received",
        "session_closed",
        "session_opened",
        "refused",
        "session_closed",
        "draining",
    ];
    assert_eq!(names, expected);
    for event in &events {
        assert_eq!((path(event, "schema"), path(event, "command")), (&1.into(), &"serve".into()));
        let time = text(event, "time");
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    }
    assert!(events[5]["datagrams"].as_u64().unwrap() > 300 && events[5]["lost_datagrams"] == 0);
    assert_eq!(events[6]["end"]["code"], "closed");
    assert_eq!(
        (&events[8]["reply_code"], path(&events[8], "refusal.code")),
        (&552.into(), &"rate_limit".into())
    );
}

#[test]
fn a_server_whose_reader_has_gone_ends_quietly() {
    let binary = env!("CARGO_BIN_EXE_udpkit");
    let script = format!(
        "{binary} serve 127.0.0.1:0 --json | (head -n 1; exec 0<&-; echo the reader has gone >&2)"
    );
    let mut bash = Command::new("bash");
    let bash = Running::start(bash.args(["-o", "pipefail", "-c", &script]).stdin(Stdio::null()));
    let line = bash.wait_for("where it listens", secs(5), |line| line.contains("127.0.0.1:"));
    let address = line.split(['"', ' ']).find(|word| word.starts_with("127.0.0.1:")).unwrap();
    bash.wait_for("the reader's last word", secs(5), |line| line.contains("has gone"));
    // The next event finds the pipe closed; the server may end before it replies.
    Hand::new(address).begin_to_open();
    assert_eq!(bash.wait(secs(10)).code(), Some(0));
}

#[test]
fn a_server_whose_log_cannot_be_written_ends_with_a_failure() {
    let script =
        format!("exec {} serve 127.0.0.1:0 --json >/dev/full", env!("CARGO_BIN_EXE_udpkit"));
    let output = run(Command::new("sh").args(["-c", &script]), secs(10));
    let said = output.err();
    assert_eq!(output.code(), Some(1), "{said}");
    assert_eq!(said.matches("error: cannot write to standard output").count(), 1, "{said}");
}

#[test]
fn every_line_of_the_log_begins_with_the_time_of_day() {
    let served = serve(&[]);
    served.server.signal("INT");
    let log = served.server.wait(secs(5)).err();
    for line in log.lines() {
        let time: Vec<char> = line.chars().take(17).collect();
        let digits = time.iter().filter(|c| c.is_ascii_digit()).count();
        let signs = [time[2], time[5], time[8], time[15], time[16]];
        assert_eq!((digits, signs), (12, [':', ':', '.', ' ', ' ']), "{line}");
    }
    assert!(log.lines().count() >= 3, "{log}");
}

#[test]
fn a_port_in_use_by_the_server_or_another_process_is_reported_as_such() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let bind = format!("127.0.0.1:{port}");
    let output = run(udpkit().args(["serve", &bind]), secs(10));
    assert_eq!(output.code(), Some(1), "{}", output.err());
    let hint = format!("hint: {}\n", words::serve::PORT_TAKEN);
    assert!(output.err().ends_with(&hint), "{}", output.err());
    for (args, hint) in [
        (("--stun-alternate", &port), words::serve::OTHER_STUN_PORT),
        (("--stamp", &bind), words::serve::STAMP_ANYWAY),
    ] {
        let flag = format!("{}={}", args.0, args.1);
        let output = run(udpkit().args(["serve", &bind, &flag]), secs(10));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        let start = format!("error: {} {}", args.0, args.1);
        assert!(output.err().starts_with(&start), "{}", output.err());
        assert!(output.err().ends_with(&format!("hint: {hint}\n")), "{}", output.err());
    }
}

#[test]
fn once_ends_with_the_first_session_and_says_whether_it_was_whole() {
    let served = serve(&["--once"]);
    assert_eq!(Hand::new(&served.address).ask("a HELP"), "a pad=", "that is no session");
    assert_eq!(blast(&served.address, &["--rate", "1M"]).code(), Some(0));
    assert_eq!(served.server.wait(secs(5)).code(), Some(0));
    let served = serve(&["--once"]);
    // A client without a run does not end it.
    let looker = Hand::new(&served.address);
    let session = looker.open();
    assert_eq!(looker.ask(&format!("c QUIT session={session}")), "c 221 goodbye\r\n");
    let hand = Hand::new(&served.address);
    let session = hand.open();
    assert!(hand.padded(&format!("c TEST session={session}")).contains("c 250 ready"));
    let output = served.server.wait(secs(30));
    assert_eq!(output.code(), Some(1), "{}", output.err());
    assert!(output.err().contains("expired"), "{}", output.err());
    let error = format!("error: {}", words::serve::SESSION_BROKE_OFF);
    assert!(output.err().contains(&error), "{}", output.err());
}

#[test]
fn a_helo_that_comes_again_after_quit_opens_no_session() {
    let served = serve(&[]);
    let hand = Hand::new(&served.address);
    let ticket = hand.value("a HELO", "ticket");
    let helo = format!("b HELO ticket={ticket}");
    let session = hand.value(&helo, "session");
    assert_eq!(hand.ask(&format!("c QUIT session={session}")), "c 221 goodbye\r\n");
    assert!(hand.padded(&helo).starts_with("b 503 "));
    assert!(hand.padded("d STAT").contains("d 211-sessions=0\r\n"));
}

#[test]
fn a_flood_from_many_addresses_fills_neither_the_log_nor_the_server() {
    let key = key_file("a key of ours, long enough\n");
    let served = serve(&["--key", name(&key)]);
    let hand = Hand::new(&served.address);
    assert!(hand.ask("a HELO").contains("530"));
    for number in 0..2_000 {
        hand.0.send(format!("a{number} HELO").as_bytes()).expect("it is sent");
    }
    served.server.wait_for_line("more events were not logged", secs(20));
    // Errors are limited as well: 8 at once, then one per second, 24 in all.
    hand.0.set_nonblocking(true).expect("settable");
    let told = std::iter::from_fn(|| hand.0.recv(&mut [0; 2_000]).ok()).count();
    assert!((1..24).contains(&told), "{told}");
    served.server.signal("INT");
    let output = served.server.wait(secs(5));
    let lines = output.err().lines().count();
    assert!((20..60).contains(&lines), "{lines}");
}

#[test]
fn bad_arguments_name_the_value_and_what_is_right() {
    for (args, part) in [
        (
            &["serve", "--cpus", "x"][..],
            "'x' for '--cpus <LIST>': processors are comma-separated numbers",
        ),
        (
            &["blast", "--cpus", "0,y"],
            "'y' for '--cpus <LIST>': processors are comma-separated numbers",
        ),
        (&["serve", "--cpus", "4096"], "--cpus 4096: this host has no such processor"),
        (&["serve", "-p", "x"], "'x' for '--port <PORT>': x is not a whole number"),
        (&["blast", "-p", "65536", "h"], "write a whole number from 0 to 65535"),
        (
            &["serve", "--allow", "10.0.0.0/33"],
            "'10.0.0.0/33' for '--allow <CIDR>': write a network",
        ),
        (&["serve", "--max-rate", "10X"], "10X"),
        (&["serve", "--max-sessions", "0"], "--max-sessions must be more than 0"),
        (&["serve", "--max-streams", "0"], "--max-streams must be more than 0"),
        (&["serve", "--max-duration", "0s"], "--max-duration must be more than 0"),
        (&["send", "127.0.0.1:9", "--interface", "nosuch0", "--", "x"], "no such interface"),
        (&["recv", "[fe80::1%nosuch0]:9"], "no such interface"),
        (&["cast", "send", "239.1.2.3:9", "--interface", "nosuch0"], "no such interface"),
    ] {
        let output = run(udpkit().args(args), secs(10));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(part), "{args:?}: {}", output.err());
        assert!(output.out().is_empty(), "{args:?}");
    }
}
