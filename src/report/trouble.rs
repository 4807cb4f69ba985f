//! Errors, warnings and notes on standard error, each message in one line: file names and a far
//! end's words may hold what a terminal obeys, or a line of their own.

use crate::wire::harmless;
use std::fmt;
use std::io::{self, Write};

/// Prints `error: …` and, where there is one, `hint: …`.
pub fn error(message: impl fmt::Display, hint: Option<&str>) {
    say("error: ", message);
    if let Some(hint) = hint {
        say("hint: ", hint);
    }
}

/// Prints `warning: …`.
pub fn warning(message: impl fmt::Display) {
    say("warning: ", message);
}

/// Prints a line of talk.
pub fn note(message: impl fmt::Display) {
    say("", message);
}

/// One write for the whole line, so that lines of several threads stay whole. Standard error may be
/// closed (`2>&1 | head -1`): there is nobody left to tell, and no reason to end the run, so the
/// failure is dropped, where `eprintln!` would panic.
fn say(what: &str, message: impl fmt::Display) {
    let _ = io::stderr().write_all(line(what, &message.to_string()).as_bytes());
}

fn line(what: &str, message: &str) -> String {
    format!("{what}{}\n", harmless(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_can_steer_a_terminal_or_begin_a_line() {
        let told = line("error: ", "a\x1b[2J\u{9b}µ\r\nerror: b\u{202e}");
        assert_eq!(told, "error: a\\u{1b}[2J\\u{9b}µ\\u{d}\\u{a}error: b\\u{202e}\n");
    }
}
