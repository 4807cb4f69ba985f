//! A word that is no probe, where `probe` expects one: the parser takes it for the host, and then
//! complains about the host behind it.

use super::habits::context;
use crate::units::nearest;
use clap::ArgAction;
use clap::error::{ContextKind, ErrorKind};
use std::ffi::OsString;

/// What is wrong with the words behind `probe`, and what would be right; `None` if it is not that.
pub(super) fn fault(error: &clap::Error, words: &[OsString]) -> Option<(String, String)> {
    if error.kind() != ErrorKind::ArgumentConflict || words.get(1)? != "probe" {
        return None;
    }
    let behind = context(error, ContextKind::InvalidSubcommand)
        .or_else(|| context(error, ContextKind::InvalidArg))?;
    let behind = behind.split('\'').nth(1).unwrap_or(&behind).to_owned();
    let probe = super::command().find_subcommand("probe")?.clone();
    let first = first_operand(&probe, &words[2..])?;
    let names: Vec<_> = probe.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let is_name = |word: &str| names.iter().any(|name| name == word);
    if is_name(&first) {
        let wrong = format!("error: a flag stands before the probe {first}\n");
        return Some((wrong, format!("flags stand behind it: udpkit probe {first} {behind} ...")));
    }
    if is_name(&behind) {
        let wrong = format!("error: the probe {behind} stands behind the host\n");
        return Some((wrong, format!("the probe comes first: udpkit probe {behind} {first}")));
    }
    if first.contains(['.', ':']) {
        let wrong = format!("error: a probe has one host, and {first} and {behind} are two\n");
        return Some((wrong, format!("one after the other: udpkit probe {first}")));
    }
    let hint = match nearest(&first, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean udpkit probe {name} {behind}?"),
        None => format!("the probes are {}; udpkit probe {behind} runs all", names.join(", ")),
    };
    Some((format!("error: there is no probe {first:?}\n"), hint))
}

/// The first word that is neither a flag nor the value of one.
fn first_operand(command: &clap::Command, words: &[OsString]) -> Option<String> {
    let takes_value = |word: &str| {
        command.get_arguments().any(|arg| {
            let long = arg.get_long().is_some_and(|long| word == format!("--{long}"));
            let short = arg.get_short().is_some_and(|short| word == format!("-{short}"));
            matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) && (long || short)
        })
    };
    let mut words = words.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        if takes_value(word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::cli::parse;

    #[test]
    fn the_word_that_is_wrong_is_named_and_not_the_one_behind_it() {
        for (line, wrong, hint) in [
            ("foo 192.0.2.1", "no probe \"foo\"", "the probes are ports, nat"),
            ("foo --json 192.0.2.1", "no probe \"foo\"", "probe 192.0.2.1 runs all"),
            ("-I eth0 foo 192.0.2.1", "no probe \"foo\"", "the probes are"),
            ("mtus 192.0.2.1", "no probe \"mtus\"", "udpkit probe mtu 192.0.2.1?"),
            ("192.0.2.1 mtu", "mtu stands behind the host", "udpkit probe mtu 192.0.2.1"),
            ("-I eth0 mtu 192.0.2.1", "before the probe mtu", "udpkit probe mtu 192.0.2.1"),
            ("192.0.2.1 192.0.2.2", "192.0.2.1 and 192.0.2.2 are two", "one after the other"),
        ] {
            let words = format!("udpkit probe {line}");
            let stopped = parse(words.split(' ').map(Into::into)).unwrap_err();
            assert!(!stopped.asked_for && stopped.text.contains(wrong), "{line}: {stopped:?}");
            assert!(stopped.hint.as_deref().unwrap().contains(hint), "{line}: {stopped:?}");
        }
    }
}
