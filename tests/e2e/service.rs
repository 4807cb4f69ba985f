//! `udpkit serve` as a service, and `udpkit stat`: reload, end, log levels, the service manager, and
//! the server's state.

use crate::common::ports::{free_udp_port, wait_bound};
use crate::common::wait::wait_until;
use crate::common::{Output, Running, json, json_lines, number, path, run, secs, udpkit};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::io;
use std::net::UdpSocket;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Served {
    server: Running,
    address: String,
}

/// A server on a port that the kernel chose.
fn serve(args: &[&str]) -> Served {
    serve_with(&mut udpkit(), args)
}

fn serve_with(command: &mut Command, args: &[&str]) -> Served {
    let server = Running::start(command.args(["serve", "127.0.0.1:0"]).args(args));
    let line = server.wait_for_line("serving on", secs(10));
    let word = |word: &&str| word.starts_with("127.0.0.1:");
    let address = line.split(' ').find(word).expect("an address").to_owned();
    Served { server, address }
}

impl Served {
    /// A run against it that is under way, of so many seconds.
    fn running_blast(&self, time: &str, args: &[&str]) -> Running {
        let common = ["blast", &self.address, "--json", "-b", "2M", "--size", "1000", "-t", time];
        let blast = Running::start(udpkit().args(common).args(args));
        self.server.wait_for_line("throughput test", secs(10));
        blast
    }

    fn blast(&self, args: &[&str]) -> Output {
        let common = ["blast", &self.address, "--json", "-t", "300ms", "-b", "2M"];
        run(udpkit().args(common).args(args), secs(30))
    }

    fn stat(&self, args: &[&str]) -> Output {
        run(udpkit().args(["stat", &self.address]).args(args), secs(20))
    }

    fn state(&self) -> Value {
        json(&self.stat(&["--json"]).expect_success().out())
    }

    /// Waits until one run is under way and its datagrams arrive; returns the state then.
    fn busy_state(&self, args: &[&str]) -> Value {
        let mut found = Value::Null;
        wait_until("datagrams arrive", secs(60), || {
            let args = [&["--json"], args].concat();
            found = json(&self.stat(&args).expect_success().out());
            let is_one = number(&found, "sessions") == 1 && number(&found, "streams") == 1;
            let rate = path(&found, "received_bps").as_u64();
            is_one && rate.is_some_and(|rate| rate > 0)
        });
        found
    }
}

/// Ends a run, and returns its report.
fn ended(blast: Running) -> Value {
    blast.signal("INT");
    let report = json(&blast.wait(secs(60)).expect_success().out());
    assert_eq!(path(&report, "interrupted"), true);
    assert_eq!(path(&report, "failure"), &Value::Null, "{report:#}");
    report
}

/// A folder that a server which has dropped its privileges can still read.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("it is ours");
        Self(folder)
    }

    /// Puts a new file in the place of the one before, as editors do.
    fn put(&self, name: &str, content: &str) -> PathBuf {
        let (new, path) = (self.0.path().join("new"), self.0.path().join(name));
        fs::write(&new, content).expect("it is written");
        fs::set_permissions(&new, Permissions::from_mode(0o644)).expect("it is ours");
        fs::rename(&new, &path).expect("it is moved");
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("it is UTF-8")
}

const OLD_KEY: &str = "an old key of more than 16 bytes";
const NEW_KEY: &str = "a new key of more than 16 bytes";

#[test]
fn a_server_that_is_told_to_end_lets_runs_end_and_refuses_new_ones() {
    let served = serve(&["--grace", "1h"]);
    let blast = served.running_blast("10min", &[]);
    served.busy_state(&[]);
    served.server.signal("TERM");
    let line = served.server.wait_for_line("shutting down", secs(10));
    assert!(line.contains("no new sessions; 1 session may end within"), "{line}");
    assert_eq!(path(&served.state(), "draining"), true);
    let refused = served.blast(&[]);
    assert_eq!(refused.code(), Some(1), "{}", refused.out());
    assert!(refused.out().contains("shutting down"), "{}", refused.out());
    served.busy_state(&[]);
    let report = ended(blast);
    assert!(number(&report, "received.datagrams") > 0);
    let ended = served.server.wait(secs(30));
    assert_eq!(ended.code(), Some(0));
    let refusal = "refused: 421 this server is shutting down";
    assert!(ended.err().contains(refusal), "{}", ended.err());
    assert!(ended.err().contains("closed by the client"), "{}", ended.err());
}

#[test]
fn sessions_that_do_not_end_in_time_are_ended() {
    let served = serve(&["--grace", "400ms"]);
    let _blast = served.running_blast("10min", &[]);
    served.server.signal("TERM");
    let ended = served.server.wait(secs(20));
    assert_eq!(ended.code(), Some(0));
    let log = ended.err();
    assert!(log.contains("the time for open sessions is over: 1 session ended"), "{log}");
    assert!(log.contains("closed: the server is shutting down"), "{log}");
}

#[test]
fn a_second_signal_ends_a_server_at_once_and_an_interrupt_does_not_wait() {
    for second in ["TERM", "INT"] {
        let served = serve(&["--grace", "10min"]);
        let _blast = served.running_blast("10min", &[]);
        served.server.signal("TERM");
        served.server.wait_for_line("shutting down", secs(10));
        // One that comes at once counts as the first.
        wait_until("the server ends", secs(20), || {
            served.server.signal(second);
            !served.server.is_running()
        });
        assert_eq!(served.server.wait(secs(10)).code(), Some(130), "{second}");
    }
    let served = serve(&["--grace", "10min"]);
    let _blast = served.running_blast("10min", &[]);
    served.server.signal("INT");
    assert_eq!(served.server.wait(secs(20)).code(), Some(0));
}

#[test]
fn a_key_is_read_again_for_new_sessions_and_open_ones_keep_theirs() {
    let folder = Folder::new();
    let key = folder.put("key", OLD_KEY);
    let [old, new] = [folder.put("old", OLD_KEY), folder.put("new-key", NEW_KEY)];
    let (old, new) = (["--key", text(&old)], ["--key", text(&new)]);
    let served = serve(&["--key", text(&key)]);
    // Its probes are STAMP with the same key.
    // Its streams open after the idle phase of the probes.
    let blast = served.running_blast("10min", &[&old[..], &["--probe"]].concat());
    folder.put("key", NEW_KEY);
    served.server.signal("HUP");
    let line = served.server.wait_for_line("read again", secs(10));
    assert!(line.contains("key; 1 session from before keep what they were granted"), "{line}");
    let refused = served.blast(&old);
    assert_eq!(refused.code(), Some(1), "{}", refused.out());
    assert!(refused.out().contains("key"), "{}", refused.out());
    served.blast(&new).expect_success();
    served.busy_state(&new);
    let report = ended(blast);
    let [sent, back] = ["probes_sent", "back"].map(|name| format!("probe.loaded.{name}"));
    let (sent, back) = (number(&report, &sent), number(&report, &back));
    assert!(back * 2 > sent, "{report:#}");
}

#[test]
fn what_cannot_be_read_again_changes_nothing() {
    let folder = Folder::new();
    let key = folder.put("key", OLD_KEY);
    let policy = folder.put("policy", "max_rate = \"1G\"\n");
    let old = folder.put("old", OLD_KEY);
    let old = ["--key", text(&old)];
    let served = serve(&["--key", text(&key), "--policy", text(&policy)]);
    served.blast(&old).expect_success();
    // All or nothing: this one would refuse the run.
    folder.put("policy", "max_rate = \"1k\"\n");
    folder.put("key", "short");
    served.server.signal("HUP");
    let line = served.server.wait_for_line("nothing was changed by the reload", secs(10));
    assert!(line.contains(" error ") && line.contains(&format!("--key {}", key.display())));
    served.blast(&old).expect_success();
    folder.put("key", OLD_KEY);
    folder.put("policy", "# a comment\nmax_rat = \"1k\"\n");
    served.server.signal("HUP");
    let line = served.server.wait_for_line("max_rat", secs(10));
    assert!(line.contains("line 2: \"max_rat\" is none of allow"), "{line}");
    served.blast(&old).expect_success();
    folder.put("policy", "max_rate = \"1k\"\n");
    served.server.signal("HUP");
    served.server.wait_for_line("read again: key, policy", secs(10));
    let refused = served.blast(&old);
    assert!(refused.out().contains("rate_limit") || !refused.success(), "{}", refused.out());
    assert!(served.server.is_running());
}

#[test]
fn a_flag_wins_over_the_policy_and_a_wrong_policy_is_refused_at_the_start() {
    let folder = Folder::new();
    let policy = folder.put("policy", "max_rate = \"1k\"\nmax_sessions = 7\n");
    let served = serve(&["--policy", text(&policy), "--max-rate", "1G"]);
    let state = served.state();
    assert_eq!(number(&state, "limits.rate_bps"), 1_000_000_000);
    assert_eq!(number(&state, "limits.max_sessions"), 7);
    for (wrong, told) in [
        ("\nmax_sessions = 0\n", "line 2: max_sessions = \"0\""),
        ("allow = [\"192.0.2.0/24\"", "line 1: "),
        ("allow = [\"host\"]", "line 1: allow = \"host\": write a network"),
    ] {
        let policy = folder.put("policy", wrong);
        let refused =
            run(udpkit().args(["serve", "127.0.0.1:0", "--policy", text(&policy)]), secs(10));
        assert_eq!(refused.code(), Some(2), "{}", refused.err());
        assert!(refused.err().contains(told), "{}", refused.err());
    }
    let missing = run(udpkit().args(["serve", "127.0.0.1:0", "--policy", "/no/such"]), secs(10));
    assert_eq!(missing.code(), Some(1));
    assert!(missing.err().contains("--policy /no/such: no such file"), "{}", missing.err());
}

#[test]
fn a_server_that_will_not_be_able_to_read_its_key_again_says_so_at_the_start() {
    let folder = Folder::new();
    let key = folder.put("key", OLD_KEY);
    let private = Permissions::from_mode(0o600);
    fs::set_permissions(&key, private).expect("it is ours");
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let served = serve(&["--key", text(&key)]);
    if is_root {
        let line = served.server.wait_for_line("a reload (SIGHUP) will change nothing", secs(10));
        assert!(line.contains(" warn ") && line.contains("permission denied"), "{line}");
    }
    served.server.signal("HUP");
    let what = if is_root { "nothing was changed by the reload" } else { "read again: key" };
    served.server.wait_for_line(what, secs(10));
    served.blast(&["--key", text(&key)]).expect_success();
}

#[test]
fn a_log_has_what_its_level_admits() {
    let served = serve(&["--log-level", "debug"]);
    served.stat(&[]).expect_success();
    let line = served.server.wait_for_line("asked for the state of the server", secs(10));
    assert!(line.contains("  debug  127.0.0.1:"), "{line}");
    let port = free_udp_port();
    let args =
        ["serve", "127.0.0.1", "--port", &port.to_string(), "--no-reverse"].map(str::to_owned);
    let server = Running::start(udpkit().args(&args).args(["--log-level", "warn", "--json"]));
    wait_bound(port);
    let address = format!("127.0.0.1:{port}");
    let down = ["blast", &address, "-t", "300ms", "-b", "2M", "--reverse"];
    assert_eq!(run(udpkit().args(down), secs(30)).code(), Some(1));
    server.wait_for_line("  warn   127.0.0.1:", secs(10));
    server.signal("INT");
    let ended = server.wait(secs(10));
    assert!(!ended.err().contains("  info  "), "{}", ended.err());
    let lines = json_lines(&ended.out());
    assert!(!lines.is_empty());
    assert!(lines.iter().all(|line| path(line, "level") == "warn"), "{}", ended.out());
}

/// Receives, also if this process is suspended meanwhile, which interrupts a call with a deadline.
fn received(mut receive: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<Vec<u8>> {
    let mut bytes = [0; 2_000];
    loop {
        match receive(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            length => return length.map(|length| bytes[..length].to_vec()),
        }
    }
}

/// What a service manager is told next, within a deadline.
fn told(socket: &UnixDatagram) -> String {
    socket.set_read_timeout(Some(secs(30))).expect("a deadline");
    let bytes = received(|bytes| socket.recv(bytes)).expect("the server says something");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_service_manager_is_told_of_the_start_the_reload_and_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("notify");
    let name = format!("udpkit-e2e-{}", std::process::id());
    let by_name = SocketAddr::from_abstract_name(&name).expect("a name");
    for (socket, address, end) in [
        (UnixDatagram::bind(&at).expect("a socket"), text(&at).to_owned(), "TERM"),
        (UnixDatagram::bind_addr(&by_name).expect("a socket"), format!("@{name}"), "INT"),
    ] {
        let served = serve_with(udpkit().env("NOTIFY_SOCKET", &address), &[]);
        assert_eq!(told(&socket), "READY=1");
        served.server.signal("HUP");
        let reloading = told(&socket);
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert_eq!(told(&socket), "READY=1");
        served.server.wait_for_line("nothing to read again", secs(10));
        served.server.signal(end);
        assert_eq!(told(&socket), "STOPPING=1");
        assert_eq!(served.server.wait(secs(20)).code(), Some(0), "{address}");
    }
}

#[test]
fn a_service_manager_that_watches_hears_that_the_server_lives() {
    let name = format!("udpkit-watch-e2e-{}", std::process::id());
    let by_name = SocketAddr::from_abstract_name(&name).expect("a name");
    let socket = UnixDatagram::bind_addr(&by_name).expect("a socket");
    let mut command = udpkit();
    command.env("NOTIFY_SOCKET", format!("@{name}")).env("WATCHDOG_USEC", "400000");
    let served = serve_with(&mut command, &[]);
    assert_eq!(told(&socket), "READY=1");
    (0..3).for_each(|_| assert_eq!(told(&socket), "WATCHDOG=1"));
    served.server.stop();
    // What was on its way; then silence, as nothing turns the loop.
    socket.set_read_timeout(Some(secs(1))).expect("a deadline");
    while received(|bytes| socket.recv(bytes)).is_ok() {}
    served.server.cont();
    assert_eq!(told(&socket), "WATCHDOG=1");
}

#[test]
fn a_service_manager_that_is_none_is_named_and_the_server_serves() {
    for (address, why) in [("notify", "not a path"), ("/no/such/socket", "no such file")] {
        let served = serve_with(udpkit().env("NOTIFY_SOCKET", address), &[]);
        served.blast(&[]).expect_success();
        served.server.signal("INT");
        let log = served.server.wait(secs(10)).err();
        assert!(log.contains(&format!("NOTIFY_SOCKET {address:?}: {why}")), "{log}");
    }
}

#[test]
fn the_state_of_a_server_is_what_a_run_beside_it_counts() {
    let served = serve(&[]);
    let idle = served.state();
    assert_eq!(path(&idle, "version"), env!("CARGO_PKG_VERSION"));
    for key in ["sessions", "streams", "received_datagrams", "refused", "granted_memory_bytes"] {
        assert_eq!(number(&idle, key), 0, "{key}");
    }
    assert!(number(&idle, "resident_bytes") > 1 << 20);
    assert_eq!(path(&idle, "limits.rate_bps"), &Value::Null);
    let blast = served.running_blast("10min", &[]);
    let state = served.busy_state(&[]);
    assert!(number(&state, "received_datagrams") > 0 && number(&state, "granted_memory_bytes") > 0);
    let shown = served.stat(&[]).expect_success().out();
    assert!(shown.contains("1 session, 1 stream, 0 iperf3 tests"), "{shown}");
    let report = ended(blast);
    let state = served.state();
    let [datagrams, bytes] =
        ["received_datagrams", "received_bytes"].map(|key| number(&state, key));
    assert_eq!(datagrams, number(&report, "received.datagrams"));
    assert_eq!(bytes, number(&report, "received.bytes"));
    assert_eq!(number(&state, "sessions_opened"), 1);
    // The other way, too.
    let down = json(&served.blast(&["--reverse"]).expect_success().out());
    let state = served.state();
    assert_eq!(number(&state, "sent_datagrams"), number(&down, "sent.datagrams"));
    assert_eq!(number(&state, "received_datagrams"), datagrams);
}

#[test]
fn a_state_is_told_to_those_whom_the_server_serves() {
    let folder = Folder::new();
    let key = folder.put("key", OLD_KEY);
    let served = serve(&["--key", text(&key)]);
    let refused = served.stat(&[]);
    assert_eq!(refused.code(), Some(1), "{}", refused.out());
    assert!(refused.err().contains("key"), "{}", refused.err());
    let state = json(&served.stat(&["--json", "--key", text(&key)]).expect_success().out());
    let refusals = path(&state, "refusals").as_array().expect("a list").clone();
    let codes: Vec<u64> = refusals.iter().map(|one| number(one, "reply_code")).collect();
    assert_eq!(codes, [530]);
    let served = serve(&["--allow", "192.0.2.0/24"]);
    let refused = served.stat(&["--json"]);
    assert_eq!(refused.code(), Some(1));
    assert!(refused.err().contains("550"), "{}", refused.err());
    let silent = run(udpkit().args(["stat", "127.0.0.1:9", "--wait", "500ms"]), secs(20));
    assert_eq!(silent.code(), Some(1), "{}", silent.err());
}

#[test]
fn a_state_is_never_longer_than_the_question_of_an_address_that_has_proven_nothing() {
    let served = serve(&[]);
    let question = |text: &str| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(&served.address).expect("a route");
        socket.set_read_timeout(Some(secs(20))).expect("a deadline");
        socket.send(text.as_bytes()).expect("it is sent");
        let bytes = received(|bytes| socket.recv(bytes)).expect("an answer");
        (socket, bytes)
    };
    for length in [6, 12, 60, 200, 600, 1_200] {
        let (_, reply) = question(&format!("{:<length$}", "a STAT"));
        assert!(reply.len() <= length, "{length}: {}", reply.len());
    }
    let (socket, reply) = question(&format!("{:<600}", "a HELO"));
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let ticket = reply.lines().find_map(|line| line.split_once("-ticket=")).expect("a ticket").1;
    let stat = format!("b STAT ticket={ticket}");
    // Another address does not have it.
    let (_, reply) = question(&stat);
    assert!(reply.len() <= stat.len(), "{}", reply.len());
    socket.send(stat.as_bytes()).expect("it is sent");
    let length = received(|bytes| socket.recv(bytes)).expect("an answer").len();
    assert!(length > 4 * stat.len() && length <= 1_200, "{length}");
}
