//! What fingers that learnt iperf3, ping, nc or socat type, and what udpkit calls it.

use crate::units::{Nanos, Rate};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// A flag of another tool, the subcommands where it is likely meant so (none: all), and the hint.
const HABITS: &[(&str, &[&str], &str)] = &[
    ("-u", &[], "udpkit always speaks UDP; leave -u out"),
    ("--udp", &[], "udpkit always speaks UDP; leave --udp out"),
    ("-l", &["blast", "ping"], "the size of a datagram is -s or --size"),
    ("--length", &[], "the size of a datagram is -s or --size"),
    ("--len", &[], "the size of a datagram is -s or --size"),
    ("-l", &["send", "recv"], "udpkit recv PORT listens; the size of a datagram is -s or --size"),
    ("-W", &[], "how long to wait for replies is -w or --wait"),
    ("-i", &["blast", "recv", "cast recv"], "a report every second is --report-every 1s"),
    ("-M", &[], "to forbid fragmentation use --dont-fragment"),
    ("-Q", &[], "the DSCP is --dscp, a name (EF) or a number from 0 to 63"),
    ("-S", &[], "the DSCP is --dscp, a name (EF) or a number from 0 to 63"),
    ("--tos", &[], "the DSCP is --dscp, the ECN bits are --ecn"),
    ("-d", &["blast"], "both directions at once is --bidir"),
    ("-O", &["blast"], "there is no warm-up to leave out; --report-every shows each second"),
    ("--parallel", &[], "parallel streams are -P or --streams"),
    ("--bitrate", &[], "the rate is -b or --rate"),
    ("--bandwidth", &[], "the rate is -b or --rate"),
    ("--client", &[], "the host is an argument: udpkit blast HOST"),
    ("--server", &[], "the server is udpkit serve"),
    ("-e", &["recv"], "to send each datagram back use --echo"),
    ("-r", &["recv"], "to reply to each datagram use --reply MESSAGE"),
    ("-r", &["send", "cast send"], "the rate is -b or --rate"),
    ("-n", &["blast"], "the amount to send is --bytes or -c/--count"),
    ("-n", &["ping"], "the number of probes is -c or --count"),
    ("-f", &["send", "cast send"], "to send a file use --file FILE"),
    ("--from", &["cast recv"], "the sender to ask is --sender HOST:PORT"),
    ("--from", &[], "the local address is -B or --bind"),
    ("--interval", &["blast", "recv", "cast recv"], "a report every second is --report-every 1s"),
    ("--source-port", &[], "the local port is -B :PORT"),
    ("--timeout", &[], "how long to run is -t or --time; how long to wait for replies -w"),
    ("--broadcast-address", &[], "broadcast destinations need --broadcast"),
    ("--plain", &["ping"], "to ping a service that echoes use --echo"),
    ("--plain", &[], "to leave out the measurement header use --no-header"),
    ("--no-helper", &[], "to scan without a remote agent use --no-agent"),
    ("--pps", &[], "the rate is -b or --rate"),
];

/// What would be right, where the error is a habit of another tool.
pub(super) fn hint(error: &clap::Error, words: &[OsString]) -> Option<String> {
    match error.kind() {
        ErrorKind::UnknownArgument => unknown(&context(error, ContextKind::InvalidArg)?, words),
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

/// A word that no command has room for: probably the value, the unit or the port of the one before.
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
    let fits = |(known, commands, _): &&(&str, &[&str], &str)| {
        *known == flag && (commands.is_empty() || commands.contains(&command.as_str()))
    };
    HABITS.iter().find(fits).map(|(_, _, hint)| (*hint).to_owned())
}

/// The subcommand, `cast recv`, as it was typed.
fn command_of(words: &[OsString]) -> String {
    let mut names = words.iter().skip(1).filter_map(|word| word.to_str());
    let first = names.find(|word| !word.starts_with('-')).unwrap_or_default();
    match first {
        "cast" => format!("cast {}", names.find(|word| !word.starts_with('-')).unwrap_or_default()),
        _ => first.to_owned(),
    }
}

fn is_blast(words: &[OsString]) -> bool {
    command_of(words) == "blast"
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}
