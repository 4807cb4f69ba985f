//! The `udpkit` binary: parse, run, exit code.

use clap::Parser;
use std::process::ExitCode;
use udpkit::cli::Cli;
use udpkit::{commands, report};

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(_) if report::output_was_lost() => ExitCode::FAILURE,
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            let message = commands::message_of(&error);
            report::error(message, commands::hint_of(&error).as_deref());
            ExitCode::from(commands::code_of(&error))
        }
    }
}
