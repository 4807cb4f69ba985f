//! Errors, warnings and notes on standard error.
#![allow(clippy::print_stderr, reason = "this is the file that talks on standard error")]

use std::fmt;

/// Prints `error: …` and, where there is one, `hint: …`.
pub fn error(message: impl fmt::Display, hint: Option<&str>) {
    eprintln!("error: {message}");
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
}

/// Prints `warning: …`.
pub fn warning(message: impl fmt::Display) {
    eprintln!("warning: {message}");
}

/// Prints a line of talk as it stands.
pub fn note(message: impl fmt::Display) {
    eprintln!("{message}");
}
