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
    let words = json_form(help_as_flag(words.into_iter().collect()));
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
        return Err(Stopped { text, asked_for: false, hint: None, whole_version: false });
    }
    if let Some((text, hint)) = optional_value::fault(&words) {
        return Err(Stopped { text, asked_for: false, hint: Some(hint), whole_version: false });
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

/// `--json tr181` as two flags: a value of `--json` would be taken from the words behind it.
fn json_form(mut words: Vec<OsString>) -> Vec<OsString> {
    let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
    let is_json = |word: &OsString| word == "--json" || word == "-J";
    let behind = words[..end].windows(2).position(|pair| is_json(&pair[0]) && pair[1] == "tr181");
    if let Some(at) = behind {
        words[at + 1] = "--tr181".into();
    } else if let Some(at) = words[..end].iter().position(|word| *word == "--json=tr181") {
        words.splice(at..=at, ["--json".into(), "--tr181".into()]);
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
    /// Whether the version is asked for with all that this system has (`--version -v`).
    pub whole_version: bool,
}

impl Stopped {
    fn new(mut error: clap::Error, words: &[OsString]) -> Self {
        let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if let Some((text, hint)) = probe_name::fault(&error, words) {
            return Self { text, asked_for, hint: Some(hint), whole_version: false };
        }
        let hint = if asked_for { None } else { habits::hint(&mut error, words) };
        let is_verbose = |word: &OsString| word == "-v" || word == "--verbose";
        let whole_version =
            error.kind() == ErrorKind::DisplayVersion && words.iter().any(is_verbose);
        Self { text: error.render().to_string(), asked_for, hint, whole_version }
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

    #[test]
    fn the_form_of_json_is_a_flag_of_its_own() {
        let formed = |line: &str| {
            let words = json_form(line.split(' ').map(OsString::from).collect());
            words.join(" ".as_ref()).into_string().unwrap()
        };
        for (line, expected) in [
            ("udpkit blast --json tr181 h", "udpkit blast --json --tr181 h"),
            ("udpkit blast h -J tr181", "udpkit blast h -J --tr181"),
            ("udpkit blast --json=tr181 h", "udpkit blast --json --tr181 h"),
            ("udpkit blast --json h", "udpkit blast --json h"),
            ("udpkit send -- --json tr181", "udpkit send -- --json tr181"),
        ] {
            assert_eq!(formed(line), expected);
        }
    }

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
