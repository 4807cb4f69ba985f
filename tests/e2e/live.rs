//! What is shown while a command runs, as users see it: progress lines on a terminal and nowhere
//! else, a summary so far at SIGQUIT, and ASCII alone where there is nothing else.

use crate::common::{Running, require_tools, run, secs, udpkit, wait_until};
use std::net::UdpSocket;
use std::process::Command;

/// A server on 127.0.0.1 and its address.
fn serve() -> (Running, String) {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]));
    let line = server.wait_for_line("serving on", secs(5));
    let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
    (server, address.expect("an address").trim_end_matches(',').to_owned())
}

/// A port of 127.0.0.1 that takes what comes and says nothing.
fn silent_port() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let address = socket.local_addr().expect("an address").to_string();
    (socket, address)
}

/// The program on a terminal of its own, 80 columns wide; all that the terminal was given.
fn on_terminal(environment: &[(&str, &str)], words: &[&str]) -> String {
    let program = udpkit().get_program().to_str().expect("UTF-8").to_owned();
    let line = format!("stty cols 80; exec {program} {}", words.join(" "));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).envs(environment.iter().copied());
    let output = run(&mut command, secs(60));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until the process takes SIGQUIT for itself, as the kernel says.
fn wait_until_it_catches_sigquit(running: &Running) {
    const BIT: u64 = 1 << (3 - 1);
    let path = format!("/proc/{}/status", running.pid());
    // The handler is installed before it knows what to do; the thread that waits for a second signal
    // starts when all is registered.
    let catches = || {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let mask = field("SigCgt:").and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        let threads = field("Threads:").and_then(|count| count.trim().parse::<u32>().ok());
        mask.is_some_and(|mask| mask & BIT != 0) && threads > Some(1)
    };
    wait_until("somebody to catch SIGQUIT", secs(10), catches);
}

/// SIGQUIT once the command is at work; it says so as often as it is asked, and goes on.
#[track_caller]
fn answers_sigquit(words: &[&str], ready: Option<&str>, expected: &str) {
    let running = Running::start(udpkit().args(words));
    wait_until_it_catches_sigquit(&running);
    if let Some(line) = ready {
        running.wait_for_line(line, secs(10));
    }
    for times in 1..=2 {
        running.signal("QUIT");
        let said = |text: &str| text.lines().filter(|line| line.contains(expected)).count();
        let told = running.wait_for_stderr(secs(10), |text| said(text) >= times);
        assert!(told, "{words:?} did not say {expected:?} {times} times");
        assert!(running.is_running(), "{words:?} ended at SIGQUIT");
    }
    running.signal("INT");
    running.wait(secs(20));
}

#[test]
fn sigquit_prints_how_every_command_stands_and_it_goes_on() {
    let (_server, at) = serve();
    let (_own, silent) = silent_port();
    let free = format!("127.0.0.1:{}", crate::common::free_udp_port());
    let cases: [(Vec<&str>, Option<&str>, &str); 11] = [
        (
            vec!["send", &silent, "--interval", "100ms", "--count", "1000", "--", "hi"],
            None,
            "sending to 1 destination   ",
        ),
        (vec!["recv", "127.0.0.1:0"], Some("listening on"), "received 0 datagrams"),
        (vec!["serve", "127.0.0.1:0"], Some("serving on"), "status: 0 sessions, 0 streams"),
        (vec!["blast", &at, "--rate", "1M", "-t", "30s"], Some(" 2.00 s"), ": received "),
        (vec!["blast", &at, "--rate", "1M", "-t", "30s", "-q"], None, "after "),
        (vec!["ping", &at, "--interval", "100ms", "-q"], None, "lost 0"),
        (vec!["probe", "timeout", &at], Some("testing idle times"), "probe timeout 127.0.0.1:"),
        (
            vec!["cast", "send", &silent, "--interval", "100ms", "--count", "1000", "--", "hi"],
            None,
            "sending to 1 destination   ",
        ),
        (vec!["probe", &silent], None, "probe 127.0.0.1   "),
        (
            vec!["cast", "check", "239.66.1.9:5066", "--interface", "lo", "--hold", "30s"],
            None,
            "cast check 239.66.1.9:5066   ",
        ),
        (vec!["cast", "recv", &free, "--silent"], Some("listening"), "receiving 1 group   "),
    ];
    std::thread::scope(|scope| {
        for (words, ready, expected) in &cases {
            scope.spawn(|| answers_sigquit(words, *ready, expected));
        }
    });
}

#[test]
fn long_work_has_a_line_on_a_terminal_and_none_with_quiet_or_in_a_pipe() {
    require_tools!("script", "stty");
    let (_own, silent) = silent_port();
    let words = ["send", &silent, "--interval", "300ms", "--count", "6", "--", "hi"];
    let shown = on_terminal(&[], &words);
    assert!(shown.contains("sending to 1 destination   1 s   sent "), "{shown}");
    let last = shown.trim_end().lines().last().expect("the report");
    assert!(last.contains("sent 6 datagrams"), "{shown}");
    let (_server, at) = serve();
    let json = ["ping", &at, "--interval", "300ms", "--count", "6", "-J"];
    let shown = on_terminal(&[], &json);
    assert!(shown.contains("ping 1 target   1 s   "), "{shown}");
    assert!(shown.trim_end().ends_with('}'), "{shown}");
    let shown = on_terminal(&[], &["blast", &at, "--rate", "1M", "-t", "2s", "-J"]);
    assert!(shown.contains(" s left") && shown.trim_end().ends_with('}'), "{shown}");
    let quiet = on_terminal(
        &[],
        &["send", "-q", &silent, "--interval", "300ms", "--count", "4", "--", "hi"],
    );
    assert!(quiet.trim().is_empty(), "{quiet}");
    let piped = run(udpkit().args(words), secs(20));
    assert_eq!(String::from_utf8_lossy(&piped.stderr), "");
}

#[test]
fn ascii_alone_is_printed_where_there_is_nothing_else() {
    require_tools!("script", "stty");
    let (_server, at) = serve();
    let blast = ["blast", at.as_str(), "--rate", "5M", "-t", "2s"];
    let ping = ["ping", at.as_str(), "-c", "20", "-i", "10ms"];
    let utf8 = [("LC_ALL", "C.UTF-8"), ("TERM", "xterm")];
    assert!(!on_terminal(&utf8, &ping).is_ascii());
    for environment in [("LC_ALL", "C"), ("LC_ALL", "de_DE.ISO-8859-1")] {
        for words in [&blast[..], &ping[..]] {
            let shown = on_terminal(&[environment, ("TERM", "xterm")], words);
            assert!(shown.is_ascii(), "{environment:?}: {shown}");
            assert!(!shown.contains("\\u{"), "{shown}");
        }
    }
    let dumb = on_terminal(&[("LC_ALL", "C.UTF-8"), ("TERM", "dumb")], &ping);
    assert!(dumb.is_ascii(), "{dumb}");
    let asked = run(udpkit().args(ping).arg("--ascii").env("LC_ALL", "C.UTF-8"), secs(20));
    assert!(asked.stdout.is_ascii());
    let json = run(udpkit().args(ping).args(["--ascii", "--json"]), secs(20));
    serde_json::from_slice::<serde_json::Value>(&json.stdout).expect("still JSON");
}
