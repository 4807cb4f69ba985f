//! Parses the command line: short help that fits a screen, values that may look negative, and
//! errors with a hint.

use super::{Cli, command, habits, optional_value, probe_name, split_value};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Args, FromArgMatches};
use std::ffi::OsString;

/// Parses the arguments of this process.
///
/// # Errors
///
/// The message for invalid arguments; or the text, if they ask for help or the version.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, Stopped> {
    parse_at_width(words, None)
}

/// As [`parse`], with the width of help in columns; `None` for the terminal's width.
///
/// # Errors
///
/// As those of [`parse`].
pub fn parse_at_width(
    words: impl IntoIterator<Item = OsString>,
    columns: Option<usize>,
) -> Result<Cli, Stopped> {
    let words = help_as_flag(words.into_iter().collect());
    let asks_for_short_help =
        words.iter().take_while(|word| *word != "--").any(|word| word == "-h");
    let command = if asks_for_short_help { short(command()) } else { command() };
    let command = match columns {
        Some(columns) => command.term_width(columns),
        None => command,
    };
    let parsed = command
        .try_get_matches_from(&words)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| Stopped::new(error, &words));
    if parsed.as_ref().is_err_and(|stopped| stopped.asked_for) {
        return parsed;
    }
    if let Some(text) = split_value::fault(&words) {
        return Err(Stopped { text, asked_for: false, hint: None });
    }
    if let Some((text, hint)) = optional_value::fault(&words) {
        return Err(Stopped { text, asked_for: false, hint: Some(hint) });
    }
    parsed
}

/// The arguments of a command as its flags leave them when nobody types any; `positional` are the
/// words that the command requires.
///
/// # Errors
///
/// When the command takes no such words.
pub fn defaults<A: Args>(positional: &[&str]) -> Result<A, clap::Error> {
    let command = A::augment_args(clap::Command::new("udpkit").no_binary_name(true));
    A::from_arg_matches(&command.try_get_matches_from(positional)?)
}

/// `udpkit help cast send` as `udpkit cast send --help`, as git and cargo take it.
fn help_as_flag(mut words: Vec<OsString>) -> Vec<OsString> {
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    words
}

/// Why nothing is to be run.
#[derive(Debug)]
pub struct Stopped {
    /// What to print.
    pub text: String,
    /// Whether the user asked for it (standard output, exit code 0) or not (standard error, 2).
    pub asked_for: bool,
    /// How to correct it; `None` if the text says so.
    pub hint: Option<String>,
}

impl Stopped {
    fn new(mut error: clap::Error, words: &[OsString]) -> Self {
        let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if let Some((text, hint)) = probe_name::fault(&error, words) {
            return Self { text, asked_for, hint: Some(hint) };
        }
        let hint = if asked_for { None } else { habits::hint(&mut error, words) };
        Self { text: error.render().to_string(), asked_for, hint }
    }
}

/// Help without headings, defaults and possible values, which fits a screen of 24 lines.
fn short(command: clap::Command) -> clap::Command {
    let bare = |arg: Arg| {
        let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let told = text.split(" [default").next().unwrap_or_default().to_owned();
        let arg = arg.help(told).help_heading(None::<&str>);
        match arg.get_action() {
            ArgAction::Set | ArgAction::Append => {
                arg.hide_default_value(true).hide_possible_values(true)
            }
            _ => arg,
        }
    };
    command.mut_args(bare).mut_subcommands(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flagged(line: &str) -> String {
        let words = help_as_flag(line.split(' ').map(OsString::from).collect());
        words.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn help_is_a_flag_where_it_stands_first() {
        assert_eq!(flagged("udpkit help"), "udpkit --help");
        assert_eq!(flagged("udpkit help cast send"), "udpkit cast send --help");
        assert_eq!(flagged("udpkit send help:9"), "udpkit send help:9");
        assert_eq!(flagged("udpkit ping help"), "udpkit ping help");
    }
}
