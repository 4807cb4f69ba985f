//! The text of a system's error, for use within a sentence: the same on every system.

use super::ErrorNumber;
use crate::units::errno_text;
use std::io;

/// The text for an error, such as `address already in use`: Linux's for what Linux has a number
/// for, and otherwise the system's own, without the number that Rust appends, and starting in lower
/// case.
pub fn io_error_text(error: &io::Error) -> String {
    error.errno().map_or_else(|| phrase(&error.to_string(), error.raw_os_error()), errno_text)
}

/// A sentence of the system as a part of another one.
fn phrase(text: &str, number: Option<i32>) -> String {
    let number = number.map(|number| format!(" (os error {number})"));
    let text = number.and_then(|number| text.strip_suffix(&number)).unwrap_or(text);
    // Windows ends its sentences.
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut chars = text.chars();
    match (chars.next(), text.chars().nth(1)) {
        // An abbreviation keeps its capitals: `RFS specific error`.
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::error_of;

    #[test]
    fn what_linux_has_a_number_for_has_its_text_everywhere() {
        for (error, text) in [
            (error_of(2), "no such file or directory"),
            (error_of(98), "address already in use"),
            (error_of(111), "connection refused"),
            (io::Error::other("RFS (os error 2) here"), "RFS (os error 2) here"),
            (io::Error::from(io::ErrorKind::AddrInUse), "address in use"),
            (io::Error::other(""), ""),
        ] {
            assert_eq!(io_error_text(&error), text);
        }
    }

    #[test]
    fn the_number_the_capital_and_the_full_stop_are_left_out_and_nothing_else() {
        for (text, number, phrased) in [
            ("No such thing (os error 2)", Some(2), "no such thing"),
            ("The port is closed. (os error 1234)", Some(1234), "the port is closed"),
            ("RFS specific error (os error 73)", Some(73), "RFS specific error"),
            ("No such thing (os error 2)", None, "no such thing (os error 2)"),
            ("", None, ""),
        ] {
            assert_eq!(phrase(text, number), phrased);
        }
    }
}
