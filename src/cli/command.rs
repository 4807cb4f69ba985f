//! The clap command with what all of its subcommands have in common.

use super::Cli;
use clap::{Arg, ArgAction, CommandFactory};

/// The last line of `-h`.
const MORE: &str = "More options and examples: --help";

/// Arguments whose values are numbers: `-1s` is an invalid value, not an unknown flag.
const FIGURES: &[&str] = &[
    "BYTES", "DURATION", "LIST", "N", "PERCENT", "PORT", "PORTS", "PPS", "RATE", "DSCP", "ECN",
    "LIMITS",
];

/// The clap command.
pub fn command() -> clap::Command {
    prepared(Cli::command())
}

fn prepared(command: clap::Command) -> clap::Command {
    command
        .disable_help_subcommand(true)
        .after_help(MORE)
        .mut_args(|arg| if is_figure(&arg) { arg.allow_hyphen_values(true) } else { arg })
        .mut_subcommands(prepared)
}

fn is_figure(arg: &Arg) -> bool {
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let names = arg.get_value_names().unwrap_or_default();
    takes_value && !arg.is_positional() && names.iter().any(|name| FIGURES.contains(&name.as_str()))
}
