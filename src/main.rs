//! The `udpkit` binary: parses the command line, runs the command, returns the exit code. All else is
//! left to the library.

use std::process::ExitCode;
use udpkit::cli::{self, Stopped};
use udpkit::{commands, report};

fn main() -> ExitCode {
    // Of a command line that does not parse, too.
    report::set_ascii(cli::is_ascii_only(std::env::args_os().any(|arg| arg == "--ascii")));
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(stopped) => return stop(&stopped),
    };
    let output = cli.output();
    match commands::run(cli) {
        Ok(_) if report::output_was_lost() => ExitCode::FAILURE,
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            commands::show_failure(&error, output);
            ExitCode::from(commands::code_of(&error))
        }
    }
}

/// Prints the requested help, or the usage error.
fn stop(stopped: &Stopped) -> ExitCode {
    if stopped.asked_for {
        let whole = stopped.whole_version.then(commands::verbose_version);
        let _ = report::print_text(whole.as_ref().unwrap_or(&stopped.text));
        return ExitCode::SUCCESS;
    }
    report::usage(&stopped.text, stopped.hint.as_deref());
    ExitCode::from(commands::Exit::USAGE)
}
