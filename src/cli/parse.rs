//! From words to arguments: help that fits a screen, values that may look negative, and errors
//! with a hint.

use super::{Cli, habits};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches};
use std::ffi::OsString;

/// What `-h` says at its end.
const MORE: &str = "More options and examples: --help";

/// Values that are figures: `-1s` is one to refuse with a reason, not an unknown flag.
const FIGURES: &[&str] = &[
    "BYTES", "DURATION", "LIST", "N", "PERCENT", "PORT", "PORTS", "PPS", "RATE", "DSCP", "ECN",
    "LIMITS",
];

/// The command line as it is parsed and as `--help` shows it.
pub fn command() -> clap::Command {
    prepared(Cli::command())
}

/// Parses the words of this process.
///
/// # Errors
///
/// The text for standard error and the exit code, where the words cannot be understood; the text for
/// standard output and 0, where they ask for help.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, Stopped> {
    parse_at_width(words, None)
}

/// As [`parse`], with help of so many columns; `None` for the terminal's.
///
/// # Errors
///
/// As those of [`parse`].
pub fn parse_at_width(
    words: impl IntoIterator<Item = OsString>,
    columns: Option<usize>,
) -> Result<Cli, Stopped> {
    let words: Vec<OsString> = words.into_iter().collect();
    let asks_for_short_help =
        words.iter().take_while(|word| *word != "--").any(|word| word == "-h");
    let command = if asks_for_short_help { short(command()) } else { command() };
    let command = match columns {
        Some(columns) => command.term_width(columns),
        None => command,
    };
    command
        .try_get_matches_from(&words)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| Stopped::new(error, &words))
}

/// Why there is nothing to run.
#[derive(Debug)]
pub struct Stopped {
    /// What to print.
    pub text: String,
    /// Whether it was asked for: standard output and exit code 0; else standard error and 2.
    pub asked_for: bool,
    /// What would be right; `None` where the text says it.
    pub hint: Option<String>,
}

impl Stopped {
    fn new(mut error: clap::Error, words: &[OsString]) -> Self {
        let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        let hint = if asked_for { None } else { habits::hint(&mut error, words) };
        Self { text: error.render().to_string(), asked_for, hint }
    }
}

fn prepared(command: clap::Command) -> clap::Command {
    command
        .disable_help_subcommand(true)
        .after_help(MORE)
        .mut_args(|arg| if is_figure(&arg) { arg.allow_hyphen_values(true) } else { arg })
        .mut_subcommands(prepared)
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

fn is_figure(arg: &Arg) -> bool {
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let names = arg.get_value_names().unwrap_or_default();
    takes_value && !arg.is_positional() && names.iter().any(|name| FIGURES.contains(&name.as_str()))
}
