//! Errors, warnings and notes on standard error. Each message is one escaped line, as file names
//! and text from the remote end may contain control characters and line breaks.

use super::guard::{harmless_line, harmless_lines};
use super::live_view::{HeldFor, hold};
use super::progress_line::around;
use crate::record::{InterfaceEvent, Worded};
use console::{StyledObject, Term, style};
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints `error: …` and, where there is one, `hint: …`.
pub fn error(message: impl fmt::Display, hint: Option<&str>) {
    say(style("error:").red().bold(), message);
    if let Some(hint) = hint {
        say(style("hint:").bold(), hint);
    }
}

/// Asks on the terminal for the password of `user`, which is not shown; `None` without a terminal,
/// or if nothing is entered.
pub fn ask_password(user: &str) -> Option<String> {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return None;
    }
    terminal.write_str(&format!("password of {}: ", harmless_line(user))).ok()?;
    terminal.read_secure_line().ok().filter(|password| !password.is_empty())
}

/// Prints `warning: …`.
pub fn warning(message: impl fmt::Display) {
    say(style("warning:").yellow().bold(), message);
}

/// Whether details are printed (`--verbose`).
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Whether problems are highlighted in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Sets whether problems are highlighted in colour.
pub fn set_color(color: Color) {
    let enabled = match color {
        Color::Auto if std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) => return,
        Color::Always => true,
        Color::Auto | Color::Never => false,
    };
    console::set_colors_enabled(enabled);
    console::set_colors_enabled_stderr(enabled);
}

/// Sets whether [`detail`] prints.
pub fn set_verbose(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// Prints a line if `--verbose` is set.
pub fn detail(message: impl fmt::Display) {
    if VERBOSE.load(Ordering::Relaxed) {
        say_plain(message);
    }
}

/// Prints the message of the command-line parser, which may have several lines.
pub fn usage(text: &str, hint: Option<&str>) {
    let _ = io::stderr().write_all(harmless_lines(text).as_bytes());
    if let Some(hint) = hint {
        say(style("hint:").bold(), hint);
    }
}

/// Whether notes are suppressed.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Sets whether [`note`] is suppressed.
pub fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether notes are left out.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a note, unless suppressed.
pub fn note(message: impl fmt::Display) {
    if is_quiet() {
        return;
    }
    say_plain(message);
}

/// Says that an address or a membership of this host went, as a warning, or that it is there again
/// or replaced, as a note.
pub fn interface_news(event: &InterfaceEvent) {
    if event.change.is_recovery() {
        note(event.change.text());
    } else {
        warning(event.change.text());
    }
}

/// Prints a line that is part of the result, or that the user asked for while a run goes on; it is
/// printed with `-q`, too.
pub fn status(message: impl fmt::Display) {
    say_plain(message);
}

/// Writes the line in one call, so that lines of several threads do not mix. If standard error is
/// closed (`2>&1 | head -1`), the error is ignored and the run goes on, where `eprintln!` would
/// panic.
fn say(what: StyledObject<&str>, message: impl fmt::Display) {
    let what = format!("{} ", what.for_stderr());
    write(&line(&what, &message.to_string()));
}

fn say_plain(message: impl fmt::Display) {
    write(&line("", &message.to_string()));
}

fn write(text: &str) {
    if hold(HeldFor::Messages, text.as_bytes()) {
        return;
    }
    around(|| {
        let _ = io::stderr().write_all(text.as_bytes());
    });
}

fn line(what: &str, message: &str) -> String {
    format!("{what}{}\n", harmless_line(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_can_control_a_terminal_or_start_a_line() {
        let told = line("error: ", "a\x1b[2J\u{9b}µ\r\nerror: b\u{202e}");
        assert_eq!(told, "error: a\\u{1b}[2J\\u{9b}µ\\u{d}\\u{a}error: b\\u{202e}\n");
    }
}
