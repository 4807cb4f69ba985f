//! Runs a block of commands with bash in a directory and network namespace of its own, and compares
//! their output with the block.

use super::form::compare;
use super::markdown::{Block, Step};
use super::shell::{Simple, parse, simple_commands, udpkit_commands};
use crate::common::{Lab, Running, comes_true, secs};
use clap::ArgMatches;
use std::ffi::OsString;
use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};
use tempfile::TempDir;

/// Most seconds that a block may take.
const LONGEST_SECS: u64 = 10;

/// Programs that reach beyond the directory and network of a block.
const NOT_HERE: &[&str] = &[
    "sudo",
    "ip",
    "nft",
    "tc",
    "ssh",
    "scripts/lab",
    "cargo",
    "apt",
    "apt-get",
    "git",
    "docker",
    "curl",
    "systemctl",
    "setcap",
    "sysctl",
    "rm",
    "make",
];

/// The start of the script: it puts each command's output into its own file, keeps `$?` of the
/// command before, and waits until a port is bound or its command has ended.
const PRELUDE: &str = r#"
__next() { local code=$?; exec >"$OUT/$1" 2>&1; __rows=$(__sockets | wc -l); return $code; }
__code() { local code=$?; echo $code >"$OUT/$1.code"; return $code; }
__sockets() { cat /proc/net/udp /proc/net/udp6; }
__wait() {
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        "$@" || ! kill -0 $! 2>/dev/null && return 0
        sleep 0.02
    done
    return 0
}
__bound() { __sockets | grep -q "^ *[0-9]*: [0-9A-F]*:$1 "; }
__more() { [ "$(__sockets | wc -l)" -gt "$__rows" ]; }
__end() {
    local tries
    for ((tries = 0; tries < $1; tries++)); do
        [ -n "$(jobs -rp)" ] || return 0
        sleep 0.02
    done
    kill $(jobs -rp) 2>/dev/null
    wait
}
exec </dev/null
# A block that is interrupted still waits for its command's report.
trap : TERM
"#;

/// Whether a block needs only this host and nothing else of the machine. A block that only listens,
/// without background commands, shows one of two ends, so it is excluded.
pub fn is_on_loopback(block: &Block) -> bool {
    let simples: Vec<_> =
        block.steps.iter().flat_map(|step| simple_commands(&step.command)).collect();
    let commands: Vec<_> =
        block.steps.iter().flat_map(|step| udpkit_commands(&step.command)).collect();
    let is_one_end = block.steps.iter().all(|step| {
        let commands = udpkit_commands(&step.command);
        !in_background(&step.command) && commands.iter().all(|words| listens(words))
    });
    !is_one_end
        && !commands.is_empty()
        && commands.iter().all(|words| hosts_are_here(words))
        && simples.iter().all(stays_here)
}

fn stays_here(simple: &Simple) -> bool {
    let is_variable = simple.words[0].starts_with('$');
    // A page of this host is here.
    let is_page = |word: &String| word.starts_with("http://127.0.0.1:");
    let reads_page = simple.words[0] == "curl" && simple.words.last().is_some_and(is_page);
    let is_foreign = simple.words.iter().any(|word| NOT_HERE.contains(&word.as_str()));
    let is_foreign = is_foreign && !reads_page;
    let address =
        |word: &String| host(word).parse::<IpAddr>().is_ok_and(|address| !is_here(address));
    !is_variable && !is_foreign && !simple.words.iter().any(address)
}

fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

/// Whether every host, address and interface in the arguments is of this host. Arguments that do
/// not parse reach no host.
fn hosts_are_here(words: &[String]) -> bool {
    named(words).iter().all(|(name, value)| match name.as_str() {
        "NAME" => value == "lo",
        _ if value.contains(' ') => true,
        _ => match host(value) {
            "" | "localhost" => true,
            host => host.parse().is_ok_and(is_here),
        },
    })
}

/// The hosts, addresses and interfaces in a command's arguments, with their value names in help.
fn named(words: &[String]) -> Vec<(String, String)> {
    let root = udpkit::cli::command();
    let Ok(matches) = root.clone().try_get_matches_from(words) else { return Vec::new() };
    let (mut command, mut matches): (&clap::Command, &ArgMatches) = (&root, &matches);
    let mut found = Vec::new();
    loop {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            let names = arg.get_value_names().unwrap_or_default();
            let Some(name) = names.iter().find(|name| {
                ["HOST", "ADDR", "GROUP", "SECOND", "NAME"].iter().any(|part| name.contains(part))
            }) else {
                continue;
            };
            let values = matches.try_get_raw(arg.get_id().as_str()).ok().flatten();
            let values = values.into_iter().flatten();
            found.extend(
                values.map(|value| (name.to_string(), value.to_string_lossy().into_owned())),
            );
        }
        let Some((name, inner)) = matches.subcommand() else { return found };
        command = command.find_subcommand(name).expect("clap matched it");
        matches = inner;
    }
}

/// The host in `HOST`, `HOST:PORT`, `[IPV6%INTERFACE]:PORT` or `PORT`: empty for the last.
fn host(value: &str) -> &str {
    if let Some(rest) = value.strip_prefix('[') {
        return rest.split([']', '%']).next().unwrap_or_default();
    }
    let is_port = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '-' || c == ',');
    match value.split_once(':') {
        None if is_port(value) => "",
        None => value,
        Some((_, after)) if after.contains(':') => value,
        Some((host, _)) => host,
    }
}

/// The last port that a background command will bind; `None` if the arguments do not give it.
fn port(words: &[String]) -> Option<u16> {
    let flag = words.iter().position(|word| word == "-p" || word == "--port");
    let flag = flag.and_then(|at| words.get(at + 1)?.parse().ok());
    let named = named(words).into_iter().find(|(name, _)| name != "NAME" && name != "ADDR");
    let named = named.and_then(|(_, value)| value.rsplit([':', '-', ',']).next()?.parse().ok());
    listens(words).then(|| flag.or(named).unwrap_or(udpkit::cli::DEFAULT_PORT))
}

/// Whether a command listens.
fn listens(words: &[String]) -> bool {
    let has = |at: usize, word: &str| words.get(at).is_some_and(|has| has == word);
    let opens = words.iter().any(|word| word == "--open" || word.starts_with("--open="));
    has(1, "recv") || has(1, "serve") || (has(1, "cast") && (has(2, "recv") || opens))
}

/// Runs a block that needs nothing but loopback; the error says what differs.
pub fn play(block: &Block) -> Result<(), String> {
    play_within(block, LONGEST_SECS)
}

/// As [`play`], within this many seconds.
pub fn play_within(block: &Block, longest_secs: u64) -> Result<(), String> {
    let writes = outside_writes(block);
    if !writes.is_empty() {
        let writes = writes.join(" ");
        return Err(format!("{}: writes outside of its folder: {writes}", place(block)));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let lab = Lab::pair();
    let host = Host { lab: &lab, name: "a", folder: folder.path(), prepare: "" };
    Playing::start(block, &host, longest_secs).finish()
}

/// Where a block's commands run.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    pub lab: &'a Lab,
    pub name: &'a str,
    /// The current directory.
    pub folder: &'a Path,
    /// Shell commands before the first one of the block, whose output is not compared.
    pub prepare: &'a str,
}

impl Host<'_> {
    /// A program on this host and in its folder, which finds the built binary as `udpkit`.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.lab.command(self.name, program);
        command.current_dir(self.folder).env("PATH", path()).env("HOME", self.folder);
        command.env_remove("COLUMNS").env_remove("UDPKIT_KEY");
        command
    }
}

fn path() -> OsString {
    let own = Path::new(env!("CARGO_BIN_EXE_udpkit")).parent().expect("a folder").to_owned();
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths([own].into_iter().chain(env::split_paths(&others))).expect("a path")
}

/// The file and line of a block.
pub fn place(block: &Block) -> String {
    format!("{}:{}", block.file, block.line)
}

/// A block whose commands are running.
pub struct Playing<'a> {
    block: &'a Block,
    outputs: TempDir,
    running: Running,
    longest_secs: u64,
}

impl<'a> Playing<'a> {
    /// Starts the commands of a block; they are killed after `longest_secs`.
    pub fn start(block: &'a Block, host: &Host, longest_secs: u64) -> Self {
        let outputs = tempfile::tempdir().expect("a folder");
        let file = outputs.path().join("script");
        fs::write(&file, script(block, host.prepare)).expect("the script is written");
        let mut command = host.command("timeout");
        command.args(["-k", "3", &longest_secs.to_string(), "bash"]).arg(&file);
        let running = Running::start(command.env("OUT", outputs.path()));
        Self { block, outputs, running, longest_secs }
    }

    /// Waits for the end of its commands; the error says what differs.
    pub fn finish(self) -> Result<(), String> {
        let Self { block, outputs, running, longest_secs } = self;
        let ended = running.wait(secs(longest_secs + 5));
        let found = if ended.code() == Some(124) {
            Err(format!("takes longer than {longest_secs} s"))
        } else {
            judge(block, outputs.path())
        };
        found.map_err(|why| fault(block, &why, outputs.path()) + "\n" + &ended.err())
    }

    /// Waits until what it shows is printed, within two seconds, and then stops its commands; the
    /// error says what differs.
    pub fn stop(self) -> Result<(), String> {
        let Self { block, outputs, running, .. } = self;
        let mut found = Ok(());
        comes_true(secs(2), || {
            found = judge(block, outputs.path());
            found.is_ok()
        });
        running.signal("TERM");
        running.wait(secs(10));
        let found = found.and_then(|()| judge_codes(block, outputs.path()));
        found.map_err(|why| fault(block, &why, outputs.path()))
    }

    /// Waits for the end of its commands; `false` when `within` passes first.
    pub fn ends_within(&self, within: Duration) -> bool {
        self.running.ends_within(within)
    }

    /// Whether a command has printed this text.
    pub fn has_printed(&self, text: &str) -> bool {
        self.printed().contains(text)
    }

    /// Its commands, each with its output so far.
    pub fn printed(&self) -> String {
        printed(self.block, self.outputs.path())
    }
}

fn fault(block: &Block, why: &str, outputs: &Path) -> String {
    format!("{}: {why}{}", place(block), printed(block, outputs))
}

fn outside_writes(block: &Block) -> Vec<String> {
    let is_outside = |target: &String| {
        let device = target.starts_with("/dev/");
        !device && (target.starts_with(['/', '~', '$']) || target.contains(".."))
    };
    let mut targets = Vec::new();
    for step in &block.steps {
        for simple in simple_commands(&step.command) {
            targets.extend(simple.writes);
            let files = simple
                .words
                .windows(2)
                .filter(|two| matches!(two[0].as_str(), "--out" | "-o" | "--hlog" | "tee"));
            targets.extend(files.map(|two| two[1].clone()));
        }
    }
    targets.retain(is_outside);
    targets
}

/// Whether the arguments of a background command make it end by itself.
fn ends_by_itself(step: &Step) -> bool {
    let limits = ["-c", "--count", "-t", "--time", "--once", "--idle", "--expect"];
    in_background(&step.command)
        && udpkit_commands(&step.command)
            .iter()
            .any(|words| words.iter().any(|word| limits.contains(&word.as_str())))
}

fn in_background(command: &str) -> bool {
    command.trim_end().ends_with('&')
}

fn script(block: &Block, prepare: &str) -> String {
    let mut script = format!("{PRELUDE}{prepare}\n");
    for (number, step) in block.steps.iter().enumerate() {
        let _ = writeln!(script, "__next {number}\n{}", step.command);
        if !in_background(&step.command) {
            let _ = writeln!(script, "__code {number}");
            continue;
        }
        match udpkit_commands(&step.command).last().map(|words| port(words)) {
            Some(Some(port)) => {
                let _ = writeln!(script, "__wait __bound {port:04X}");
            }
            Some(None) => {}
            None => script += "__wait __more\n",
        }
    }
    // A command that ends by itself may still print its report; a server ends by a signal only.
    let tries = if block.steps.iter().any(ends_by_itself) { 100 } else { 10 };
    script + &format!("__next end\n__end {tries}\n")
}

/// Compares the output of each step.
fn judge(block: &Block, outputs: &Path) -> Result<(), String> {
    let output = |number: usize| -> Vec<String> {
        let bytes = fs::read(outputs.join(number.to_string())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    };
    let mut background = Vec::new();
    let mut seen = Vec::new();
    for (number, step) in block.steps.iter().enumerate() {
        let fault = |why: String| format!("`{}`: {why}", step.command);
        if in_background(&step.command) {
            background.push(output(number));
        }
        let own = if in_background(&step.command) { Vec::new() } else { output(number) };
        if !step.output.is_empty() {
            compare(&step.output, &own, &background, &mut seen).map_err(fault)?;
        }
    }
    judge_codes(block, outputs)
}

/// A command that shows no output may not be a usage error.
fn judge_codes(block: &Block, outputs: &Path) -> Result<(), String> {
    for (number, step) in block.steps.iter().enumerate() {
        let code = fs::read_to_string(outputs.join(format!("{number}.code"))).unwrap_or_default();
        if step.output.is_empty() && code.trim() == "2" {
            return Err(format!("`{}`: exit code 2", step.command));
        }
    }
    Ok(())
}

/// The output of every command, for the message.
fn printed(block: &Block, outputs: &Path) -> String {
    let mut text = String::new();
    for (number, step) in block.steps.iter().enumerate() {
        let bytes = fs::read(outputs.join(number.to_string())).unwrap_or_default();
        let _ = write!(text, "\n  $ {}", step.command);
        for line in String::from_utf8_lossy(&bytes).lines() {
            let _ = write!(text, "\n  {line}");
        }
    }
    text
}

fn fixture(command: &str) -> Block {
    let text = format!("```console\n$ {command}\n```\n");
    super::markdown::blocks("x.md", &text).remove(0)
}

#[test]
fn only_blocks_that_stay_on_loopback_are_run() {
    for here in [
        "udpkit blast -t 1s",
        "udpkit serve & udpkit ping 127.0.0.1:8620 -c 1",
        "udpkit recv 9000 -c 1 -I lo &",
        "udpkit recv 5000-5002 -q -t 1s &",
        "udpkit recv 9000 -c 1 | udpkit send 127.0.0.1:9",
        "udpkit send '[::1]:9' localhost:9 -- 10.0.0.1",
        "udpkit ping ::1 -c 1 | grep lost > x.txt",
    ] {
        let block = fixture(here);
        assert!(hosts_are_here(&udpkit_commands(here)[0]), "{here}");
        assert!(is_on_loopback(&block) != here.contains("10.0.0.1"), "{here}");
        assert!(udpkit_commands(here).iter().all(|words| parse(words).is_ok()), "{here}");
    }
    for elsewhere in [
        "udpkit ping 192.0.2.10",
        "udpkit ping host.example",
        "udpkit blast HOST",
        "udpkit send '[2001:db8::1]:9' -- hi",
        "udpkit recv 239.1.2.3:5000",
        "udpkit cast recv 239.1.2.3:5000 -I lo",
        "udpkit recv 9000 -I eth0",
        "udpkit probe nat 127.0.0.1:9 192.0.2.1:9",
        "udpkit blast -t 1s --bind 192.0.2.1",
        "udpkit recv 9000 -c 1",
        "udpkit serve",
        "udpkit cast send --open -t 4s -s 1",
        "sudo udpkit recv 9000 &",
        "udpkit recv 9000 & nc -u 192.0.2.1 9",
        "$S udpkit; udpkit ping 127.0.0.1",
        "true",
    ] {
        assert!(!is_on_loopback(&fixture(elsewhere)), "{elsewhere}");
    }
}

#[test]
fn the_port_of_a_background_command_is_known() {
    for (line, wanted) in [
        ("udpkit recv 127.0.0.1:5000-5002 -q", Some(5002)),
        ("udpkit recv 9000", Some(9000)),
        ("udpkit serve", Some(8620)),
        ("udpkit serve '[::1]:9001' --once", Some(9001)),
        ("udpkit serve -p 9002", Some(9002)),
        ("udpkit ping 127.0.0.1:7", None),
    ] {
        assert_eq!(port(&udpkit_commands(line)[0]), wanted, "{line}");
    }
}

#[test]
fn a_write_outside_of_the_folder_is_a_fault() {
    for outside in
        ["udpkit ping ::1 > /tmp/x", "udpkit recv 9 --out ../x", "cd; a >> ~/x", "a | tee /etc/x"]
    {
        let why = play(&fixture(outside)).expect_err("it would write elsewhere");
        assert!(why.contains("writes outside"), "{why}");
    }
    assert_eq!(outside_writes(&fixture("a > x 2>/dev/null; udpkit recv 9 --out y")), [""; 0]);
}
