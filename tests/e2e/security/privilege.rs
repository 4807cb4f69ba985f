//! Privileges of the server once it listens: no thread keeps more than it needs, and all services
//! still work.

use crate::common::{
    Lab, Output, Running, comes_true, json, json_lines, path, require_lab, require_tools, run,
    secs, udpkit,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use udpkit::report::words::serve as words;

const SERVER: &str = "10.77.0.2";
/// `CAP_NET_ADMIN`, as a bit of the kernel's mask.
const NET_ADMIN: u64 = 1 << 12;
/// `CAP_NET_BIND_SERVICE`.
const NET_BIND: u64 = 1 << 10;

/// The content of `/proc/PID/task/TID/status` for one thread.
#[derive(Debug)]
struct Thread {
    name: String,
    fields: BTreeMap<String, String>,
}

impl Thread {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    fn mask(&self, name: &str) -> u64 {
        u64::from_str_radix(self.field(name), 16).expect("a mask is hexadecimal")
    }

    fn capabilities(&self) -> [u64; 5] {
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|name| self.mask(name))
    }

    /// Real, effective, saved and file system identity.
    fn all_four(&self, name: &str) -> Vec<&str> {
        self.field(name).split_whitespace().collect()
    }
}

/// The present threads of a process.
fn threads(pid: u32) -> Vec<Thread> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    // A thread may end meanwhile.
    let texts = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
    texts
        .map(|text| {
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            let fields: BTreeMap<_, _> =
                lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
            Thread { name: fields["Name"].clone(), fields }
        })
        .collect()
}

/// Waits until a process has `count` threads of a name, and returns all of its threads.
fn threads_with(pid: u32, name: &str, count: usize) -> Vec<Thread> {
    let mut all = Vec::new();
    let came = comes_true(secs(10), || {
        all = threads(pid);
        all.iter().filter(|thread| thread.name == name).count() >= count
    });
    assert!(came, "never {count} threads of {name}: {all:?}");
    all
}

/// Checks that no thread has more than it should; `own` are the capabilities of threads other than
/// the one for buffers.
#[track_caller]
fn assert_confined(all: &[Thread], (uid, gid): (u32, u32), own: u64) {
    for thread in all {
        assert_eq!(thread.all_four("Uid"), [&*uid.to_string(); 4], "{thread:?}");
        assert_eq!(thread.all_four("Gid"), [&*gid.to_string(); 4], "{thread:?}");
        assert_eq!(thread.field("Groups"), "", "{thread:?}");
        assert_eq!(thread.field("NoNewPrivs"), "1", "{thread:?}");
        assert_eq!(thread.field("Seccomp"), "2", "{thread:?}");
        // The thread for buffers has a second filter, which allows only two socket options.
        let (has, filters) = match &*thread.name {
            "buffers" => (NET_ADMIN, "2"),
            _ => (own, "1"),
        };
        assert_eq!(thread.capabilities(), [0, has, has, 0, 0], "{thread:?}");
        assert_eq!(thread.field("Seccomp_filters"), filters, "{thread:?}");
    }
}

/// The restrictions that the server logged.
fn confined(server: &Running) -> Value {
    server.wait_for_stdout(secs(5), |out| out.contains("\"event\":\"confined\""));
    let lines = json_lines(&server.stdout_so_far());
    let found = lines.into_iter().find(|line| line["event"] == "confined");
    found.expect("the server says what it laid down")
}

fn serve(lab: &Lab, args: &[&str]) -> Running {
    let server = Running::start(lab.udpkit("b").args(["serve", "--json"]).args(args));
    server.wait_for_line("(UDP)", secs(5));
    server
}

fn client(lab: &Lab, args: &[&str]) -> Output {
    run(lab.udpkit("a").args(args), secs(60)).expect_success()
}

/// Waits for the line on standard error that names the user.
fn who(server: &Running) -> String {
    let line = server.wait_for("a line that says who it is", secs(5), |line| {
        line.contains("dropped to") || line.contains("running as")
    });
    // After the time of day and the level.
    line.splitn(3, "  ").nth(2).expect("time and level").trim_start().to_owned()
}

#[test]
fn root_is_gone_from_every_thread_and_all_is_served() {
    require_lab!();
    let lab = Lab::pair();
    let server = serve(&lab, &["--stamp", "--probe-ports", "5000-5003"]);
    assert!(
        who(&server).starts_with("dropped to nobody (65534:65534), no capabilities, "),
        "{}",
        who(&server)
    );
    let said = confined(&server);
    assert_eq!((&said["user"], &said["uid"]), (&"nobody".into(), &65_534.into()));
    assert_eq!(
        (&said["privileges_dropped"], &said["seccomp"]),
        (&true.into(), &true.into()),
        "{said}"
    );
    assert_eq!(said["capabilities"].as_array().map(Vec::len), Some(0), "{said}");
    let nobody = (65_534, 65_534);
    assert_confined(&threads_with(server.pid(), "signals", 1), nobody, 0);

    // Threads of streams start afterwards, with the privileges of their parent.
    let both = ["blast", SERVER, "--bidir", "--streams", "2", "--rate", "5M", "--time", "2s"];
    let blast = Running::start(lab.udpkit("a").args(both).arg("--json"));
    let all = threads_with(server.pid(), "stream", 4);
    assert_confined(&all, nobody, 0);
    let report = json(&blast.wait(secs(30)).expect_success().out());
    assert_eq!(path(&report, "complete"), true);

    for direction in [&[][..], &["--reverse"]] {
        let args = [&["blast", SERVER, "--time", "300ms", "--rate", "20M", "--json"], direction];
        let report = json(&client(&lab, &args.concat()).out());
        assert_eq!(path(&report, "complete"), true, "{direction:?}");
        assert_eq!(path(&report, "lost.total"), 0, "{direction:?}");
    }
    let report = json(&client(&lab, &["ping", SERVER, "-c", "5", "-i", "20ms", "--json"]).out());
    assert_eq!(report["targets"][0]["back"], 5, "{report:#}");
    let stamp = format!("{SERVER}:862");
    client(&lab, &["ping", &stamp, "-c", "5", "-i", "20ms"]);
    client(&lab, &["probe", "nat", SERVER]);
    client(&lab, &["probe", "mtu", SERVER]);
    let report = json(&client(&lab, &["probe", "ports", SERVER, "5000-5003", "--json"]).out());
    assert!(report.to_string().contains("5000"), "{report:#}");
    assert_confined(&threads(server.pid()), nobody, 0);
    server.signal("INT");
    assert_eq!(server.wait(secs(10)).code(), Some(0));
}

#[test]
fn streams_have_the_buffers_that_root_may_ask_for() {
    require_lab!();
    let lab = Lab::pair();
    let granted = |args: &[&str]| {
        let server = serve(&lab, args);
        let large = confined(&server)["large_buffers"].as_bool();
        let args = ["blast", SERVER, "--rate", "5M", "--time", "200ms", "--json"];
        let report = json(&client(&lab, &args).out());
        let buffers = threads(server.pid()).iter().filter(|one| one.name == "buffers").count();
        (path(&report, "io.receive_buffer_granted_bytes").as_u64(), large, buffers)
    };
    let limit = fs::read_to_string("/proc/sys/net/core/rmem_max").expect("the kernel tells");
    let limit: u64 = limit.trim().parse().expect("a number");
    let above = (2 * limit).to_string();
    let root = granted(&["--user", "root", "--socket-buffer", &above]);
    assert_eq!(root, (Some(4 * limit), Some(false), 0));
    let nobody = granted(&["--socket-buffer", &above]);
    assert_eq!(nobody, (Some(4 * limit), Some(true), 1));
    // If the system's limit is enough, no thread keeps a capability.
    assert_eq!(granted(&["--socket-buffer", "65536"]), (Some(2 * 65_536), Some(false), 0));
}

#[test]
fn a_reserved_port_of_its_own_keeps_the_one_capability_for_it() {
    require_lab!();
    let lab = Lab::pair();
    let at = format!("{SERVER}:100");
    let server = serve(&lab, &[&at, "--socket-buffer", "65536"]);
    let said = confined(&server);
    assert_eq!(said["capabilities"], serde_json::json!(["CAP_NET_BIND_SERVICE"]), "{said}");
    assert_eq!(said["large_buffers"], false, "{said}");
    let blast = ["blast", &at, "--bidir", "--rate", "5M", "--time", "2s", "--json"];
    let blast = Running::start(lab.udpkit("a").args(blast));
    assert_confined(&threads_with(server.pid(), "stream", 2), (65_534, 65_534), NET_BIND);
    let report = json(&blast.wait(secs(30)).expect_success().out());
    assert_eq!(path(&report, "complete"), true);
}

#[test]
fn the_operator_chooses_the_user() {
    require_lab!();
    let lab = Lab::pair();
    for (user, name, ids) in [
        ("nobody", "nobody", (65_534, 65_534)),
        ("12345", "12345", (12_345, 12_345)),
        ("12345:54321", "12345", (12_345, 54_321)),
        ("nobody:root", "nobody", (65_534, 0)),
    ] {
        let server = serve(&lab, &["--user", user]);
        let start = format!("dropped to {name} ({}:{}), ", ids.0, ids.1);
        assert!(who(&server).starts_with(&start), "{user}: {}", who(&server));
        assert_confined(&threads_with(server.pid(), "signals", 1), ids, 0);
    }
    let server = serve(&lab, &["--user", "root"]);
    assert!(who(&server).starts_with("running as root (0:0), "), "{}", who(&server));
    for thread in threads_with(server.pid(), "signals", 1) {
        assert_eq!(thread.all_four("Uid"), ["0"; 4], "{thread:?}");
        let [_, permitted, effective, ..] = thread.capabilities();
        assert_eq!((permitted & NET_ADMIN, effective & NET_ADMIN), (NET_ADMIN, NET_ADMIN));
        // The other restrictions apply with --user root too.
        assert_eq!((thread.field("NoNewPrivs"), thread.field("Seccomp")), ("1", "2"));
    }
    client(&lab, &["blast", SERVER, "--rate", "5M", "--time", "200ms"]);
}

#[test]
fn who_is_not_there_is_named_before_anything_opens() {
    for (user, words) in [
        ("no-such-user", "error: --user no-such-user: this host has no user no-such-user\n"),
        (
            "root:no-such-group",
            "error: --user root:no-such-group: this host has no group no-such-group\n",
        ),
    ] {
        let output = run(udpkit().args(["serve", "127.0.0.1:0", "--user", user]), secs(10));
        assert_eq!((output.code(), &*output.err()), (Some(2), words));
    }
}

/// The built binary as another user, without any capabilities.
fn as_user(id: &str, binary: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", id, "--regid", id, "--clear-groups", binary]);
    command
}

#[test]
fn who_is_not_root_stays_who_he_is() {
    require_lab!();
    require_tools!("setpriv");
    // A directory where every user may run it.
    let folder = tempfile::tempdir().expect("a folder");
    let binary = folder.path().join("udpkit");
    fs::copy(env!("CARGO_BIN_EXE_udpkit"), &binary).expect("it is copied");
    run(Command::new("chmod").args(["-R", "755"]).arg(folder.path()), secs(5)).expect_success();
    let binary = binary.to_str().expect("a name");

    let mut command = as_user("12345", binary);
    let server = Running::start(command.args(["serve", "127.0.0.1:0", "--json"]));
    let line = who(&server);
    assert!(line.starts_with("running as 12345 (12345:12345), no capabilities, "), "{line}");
    let said = confined(&server);
    assert_eq!(
        (&said["privileges_dropped"], &said["large_buffers"]),
        (&false.into(), &false.into())
    );
    for thread in threads_with(server.pid(), "signals", 1) {
        let [inherited, permitted, effective, _, ambient] = thread.capabilities();
        assert_eq!([inherited, permitted, effective, ambient], [0; 4], "{thread:?}");
        assert_eq!((thread.field("NoNewPrivs"), thread.field("Seccomp")), ("1", "2"));
    }
    let listening = &json_lines(&server.stdout_so_far())[0];
    let address = listening["address"].as_str().expect("an address");
    run(udpkit().args(["blast", address, "--rate", "5M", "--time", "200ms"]), secs(20))
        .expect_success();

    // A user may give its own name, but no other.
    let mut command = as_user("12345", binary);
    let server = Running::start(command.args(["serve", "127.0.0.1:0", "--user", "12345"]));
    assert!(who(&server).starts_with("running as 12345 "), "{}", who(&server));
    for user in ["nobody", "root", "12345:0"] {
        let mut command = as_user("12345", binary);
        let output = run(command.args(["serve", "127.0.0.1:0", "--user", user]), secs(10));
        let text = format!(
            "error: --user {user}: only root can run as another user\n\
             hint: {}\n",
            words::stays_as("12345")
        );
        assert_eq!((output.code(), output.err()), (Some(2), text));
    }
}

#[test]
fn a_change_that_fails_ends_the_server() {
    require_lab!();
    require_tools!("setpriv");
    // Root without the capability to change its user.
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-setuid", "--inh-caps", "-setuid"]);
    command.args([env!("CARGO_BIN_EXE_udpkit"), "serve", "127.0.0.1:0"]);
    let output = run(&mut command, secs(10));
    assert_eq!(output.code(), Some(1), "{}", output.err());
    let text = format!(
        "error: cannot run as nobody (65534:65534): cannot change the user: operation not \
         permitted\nhint: {}\n",
        words::OTHER_USER
    );
    assert!(output.err().ends_with(&text), "{}", output.err());
}

#[test]
fn a_signal_still_ends_it() {
    require_lab!();
    let lab = Lab::pair();
    let server = serve(&lab, &[]);
    threads_with(server.pid(), "signals", 1);
    server.signal("TERM");
    assert_eq!(server.wait(secs(10)).code(), Some(0));
}

/// Landlock and seccomp have unit tests; this tests that the server applies them.
#[test]
fn the_server_says_what_the_kernel_has() {
    require_lab!();
    let lab = Lab::pair();
    let server = serve(&lab, &[]);
    let said = confined(&server);
    let missing = said["missing_restrictions"].as_array().expect("a list");
    let told = |what: &str| missing.iter().any(|one| one.to_string().contains(what));
    assert_eq!(said["landlock_abi"].is_null(), told("landlock"), "{said}");
    assert_eq!(said["seccomp"] == false, told("seccomp"), "{said}");
    assert_eq!(said["no_new_privileges"], true);
    let line = who(&server);
    assert_eq!(line.contains("landlock ABI "), !said["landlock_abi"].is_null(), "{line}");
}
