//! Errors, warnings and notes on standard error.

use std::fmt;
use std::io::{self, Write};

/// Prints `error: …` and, where there is one, `hint: …`.
pub fn error(message: impl fmt::Display, hint: Option<&str>) {
    match hint {
        None => say(format_args!("error: {message}\n")),
        Some(hint) => say(format_args!("error: {message}\nhint: {hint}\n")),
    }
}

/// Prints `warning: …`.
pub fn warning(message: impl fmt::Display) {
    say(format_args!("warning: {message}\n"));
}

/// Prints a line of talk as it stands.
pub fn note(message: impl fmt::Display) {
    say(format_args!("{message}\n"));
}

/// One write for the whole text, so that lines of several threads stay whole. Standard error may be
/// closed (`2>&1 | head -1`): there is nobody left to tell, and no reason to end the run, so the
/// failure is dropped, where `eprintln!` would panic.
fn say(text: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(harmless(&text.to_string()).as_bytes());
}

/// File names and a far end's words may hold what a terminal obeys.
pub(super) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for one in text.chars() {
        if one.is_control() && one != '\n' {
            shown.extend(one.escape_default());
        } else {
            shown.push(one);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_said_can_steer_a_terminal() {
        assert_eq!(harmless("a\x1b[2J\u{9b}µ\r\n"), "a\\u{1b}[2J\\u{9b}µ\\r\n");
    }
}
