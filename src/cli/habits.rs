//! Flags of iperf3, ping, nc and socat, and their names in udpkit.

use crate::units::{Nanos, Rate};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// A flag that is typed out of habit: another tool's, or one that was renamed.
struct Habit {
    flag: &'static str,
    /// The subcommands where it is likely meant so; none: all.
    commands: &'static [&'static str],
    /// The flags, by their long names, that the hint speaks of: it is for commands that have them.
    names: &'static [&'static str],
    hint: &'static str,
}

const fn habit(
    flag: &'static str,
    commands: &'static [&'static str],
    names: &'static [&'static str],
    hint: &'static str,
) -> Habit {
    Habit { flag, commands, names, hint }
}

const BIND: &str = "the local address is -B or --bind";
const LOCAL_ARGUMENT: &str = "the local address is an argument: ADDRESS:PORT";
const NO_BIND: &str = "the kernel chooses the local address; --interface names the interface";
const COUNT: &str = "the number of datagrams is -c or --count";
const DSCP: &str = "the DSCP is --dscp, a name (EF) or a number from 0 to 63";
const INTERFACE: &str = "the interface is -I or --interface";
const LISTENS: &str = "recv listens by itself; leave -l out";
const RATE: &str = "the rate is -b or --rate";
const REPORTS: &str = "a report every second is --report-every 1s";
const SIZE: &str = "the size of a datagram is -s or --size";
const TRIES: &str = "the number of probes is --tries";
const LISTENING: &[&str] = &["recv", "serve"];
const RECEIVING: &[&str] = &["recv", "cast recv"];
const SENDING: &[&str] = &["send", "cast send"];

/// Of several that fit, the first is meant.
const HABITS: &[Habit] = &[
    habit("-u", &[], &[], "udpkit always speaks UDP; leave -u out"),
    habit("--udp", &[], &[], "udpkit always speaks UDP; leave --udp out"),
    habit("-l", RECEIVING, &[], LISTENS),
    habit("-l", &["send"], &["size"], "udpkit recv PORT listens; a datagram's size is --size"),
    habit("-l", &[], &["size"], SIZE),
    habit("--length", &[], &["size"], SIZE),
    habit("--len", &[], &["size"], SIZE),
    habit("-k", RECEIVING, &[], "recv listens until it is interrupted; leave -k out"),
    habit("-z", &["send"], &[], "udpkit probe ports HOST PORTS scans ports"),
    habit("-W", &[], &["wait"], "how long to wait for replies is -w or --wait"),
    habit("-W", &[], &["time"], "how long to run is -t or --time"),
    habit("-w", RECEIVING, &["idle"], "to end after a silence use --idle"),
    habit("-i", &[], &["report-every"], REPORTS),
    habit("--interval", &[], &["report-every"], REPORTS),
    habit("-M", &[], &["dont-fragment"], "to forbid fragmentation use --dont-fragment"),
    habit("-Q", &[], &["dscp"], DSCP),
    habit("-S", &[], &["dscp"], DSCP),
    habit("--tos", &[], &["dscp", "ecn"], "the DSCP is --dscp, the ECN bits are --ecn"),
    habit("-m", &[], &["hops"], "the largest TTL is --hops"),
    habit("-m", &[], &["ttl"], "the TTL is --ttl"),
    habit("-d", &[], &["bidir"], "both directions at once is --bidir"),
    habit("-r", &[], &["reverse"], "to receive from the server use -R or --reverse"),
    habit(
        "-O",
        &["blast"],
        &["report-every"],
        "time that is not counted is --omit, with --iperf3 only",
    ),
    habit("--parallel", &[], &["streams"], "parallel streams are -P or --streams"),
    habit("--bitrate", &[], &["rate"], RATE),
    habit("--bandwidth", &[], &["rate"], RATE),
    habit("--pps", &[], &["rate"], RATE),
    habit("--client", &[], &[], "the host is an argument: udpkit blast HOST"),
    habit("--server", &[], &[], "the server is udpkit serve"),
    habit("-e", &[], &["echo"], "to send each datagram back use --echo"),
    habit("-e", &[], &["escape"], "to write \\n or \\x00 in a message use --escape"),
    habit("-r", &[], &["reply"], "to reply to each datagram use --reply MESSAGE"),
    habit("-r", SENDING, &["rate"], RATE),
    habit("-n", &["blast"], &["bytes"], "the amount to send is --bytes or -c/--count"),
    habit("-n", &["ping"], &["count"], "the number of probes is -c or --count"),
    habit("-n", &[], &["count"], COUNT),
    habit("-c", &[], &["tries"], TRIES),
    habit("-f", &[], &["file"], "to send a file use --file FILE"),
    habit("-f", &[], &["out"], "to store payloads in a file use -o or --out"),
    habit("-p", SENDING, &[], "a port stands behind its host: HOST:PORT"),
    habit("--port", SENDING, &[], "a port stands behind its host: HOST:PORT"),
    habit("--from", &["cast recv"], &["sender"], "the sender to ask is --sender HOST:PORT"),
    habit("--from", &[], &["bind"], BIND),
    habit("--from", LISTENING, &[], LOCAL_ARGUMENT),
    habit("--from", &[], &["interface"], NO_BIND),
    habit("--bind", LISTENING, &[], LOCAL_ARGUMENT),
    habit("-B", LISTENING, &[], LOCAL_ARGUMENT),
    habit("--bind", &[], &["interface"], NO_BIND),
    habit("-B", &[], &["interface"], NO_BIND),
    habit("--source", &[], &["bind"], BIND),
    habit("--source-port", &[], &["bind"], "the local port is --bind :PORT"),
    habit("--iface", &[], &["interface"], INTERFACE),
    habit("--device", &[], &["interface"], INTERFACE),
    habit("--dev", &[], &["interface"], INTERFACE),
    habit("--timeout", &[], &["time", "idle"], "how long to run is --time; the silence, --idle"),
    habit("--timeout", &[], &["time", "wait"], "how long to run is --time; to wait, --wait"),
    habit("--timeout", &[], &["wait"], "how long to wait for replies is -w or --wait"),
    habit("--plain", &["ping"], &["echo"], "to ping a service that echoes use --echo"),
    habit("--plain", &[], &["no-header"], "to leave out the measurement header use --no-header"),
    habit("--no-helper", &[], &["no-agent"], "to scan without a remote agent use --no-agent"),
];

/// What would be right, where the error is a habit of another tool. The parser's own guesses give
/// way to it.
pub(super) fn hint(error: &mut clap::Error, words: &[OsString]) -> Option<String> {
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let hint = unknown(&context(error, ContextKind::InvalidArg)?, words);
            // "To pass it as a value" is good advice for a message alone.
            if hint.is_some() || !SENDING.contains(&command_of(words).as_str()) {
                error.remove(ContextKind::Suggested);
            }
            if hint.is_some() {
                error.remove(ContextKind::SuggestedArg);
            }
            hint
        }
        ErrorKind::ValueValidation => {
            let arg = context(error, ContextKind::InvalidArg)?;
            let value = context(error, ContextKind::InvalidValue)?;
            let is_host = value.contains(['.', ':']) || value.chars().any(char::is_alphabetic);
            let host = format!("the host is an argument of its own: udpkit blast {value}");
            (is_blast(words) && arg.starts_with("--count") && is_host).then_some(host)
        }
        _ => None,
    }
}

/// An extra argument: probably the value, the unit or the port of the one before.
fn stray(word: &str) -> Option<String> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("a port stands behind its host: HOST:{word}"));
    }
    let number = word.starts_with(|first: char| first.is_ascii_digit());
    if number && (word.parse::<Nanos>().is_ok() || word.parse::<Rate>().is_ok()) {
        return Some(format!("a flag that may stand without a value takes one as --FLAG={word}"));
    }
    let unit = format!("10{word}");
    let is_unit = unit.parse::<Nanos>().is_ok() || unit.parse::<Rate>().is_ok();
    is_unit.then(|| format!("a value and its unit are one word: {unit}"))
}

fn unknown(flag: &str, words: &[OsString]) -> Option<String> {
    if !flag.starts_with('-') {
        return stray(flag);
    }
    let flag = flag.split('=').next().unwrap_or(flag).trim();
    let command = command_of(words);
    let has = flags_of(&command);
    let fits = |habit: &&Habit| {
        let meant = habit.commands.is_empty() || habit.commands.contains(&command.as_str());
        let known = habit.names.iter().all(|name| has.iter().any(|flag| flag == name));
        habit.flag == flag && meant && known
    };
    HABITS.iter().find(fits).map(|habit| habit.hint.to_owned())
}

/// The long names of a subcommand's flags.
fn flags_of(command: &str) -> Vec<String> {
    let mut at = super::command();
    for name in command.split(' ') {
        match at.find_subcommand(name) {
            Some(found) => at = found.clone(),
            None => break,
        }
    }
    at.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
}

/// The subcommand, `cast recv` or `probe nat`, as it was typed.
pub(super) fn command_of(words: &[OsString]) -> String {
    let mut names = words.iter().skip(1).filter_map(|word| word.to_str());
    let first = names.find(|word| !word.starts_with('-')).unwrap_or_default();
    let commands = super::command();
    let second = names.find(|word| !word.starts_with('-')).unwrap_or_default();
    let nested = commands.find_subcommand(first).and_then(|one| one.find_subcommand(second));
    match nested {
        Some(_) => format!("{first} {second}"),
        None => first.to_owned(),
    }
}

fn is_blast(words: &[OsString]) -> bool {
    command_of(words) == "blast"
}

pub(super) fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}
