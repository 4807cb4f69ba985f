//! The system's text for an error, for use within a sentence.

use std::io;

/// The system's text for an error, such as `address already in use`: without the number that Rust
/// appends, and starting in lower case.
pub fn io_error_text(error: &io::Error) -> String {
    let text = error.to_string();
    let number = error.raw_os_error().map(|number| format!(" (os error {number})"));
    let text = number.and_then(|number| text.strip_suffix(&number)).unwrap_or(&text);
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

    #[test]
    fn the_number_and_the_capital_are_left_out_and_nothing_else() {
        for (error, text) in [
            (io::Error::from_raw_os_error(2), "no such file or directory"),
            (io::Error::from_raw_os_error(98), "address already in use"),
            // ESRMNT of Linux.
            (io::Error::from_raw_os_error(69), "srmount error"),
            (io::Error::other("RFS (os error 2) here"), "RFS (os error 2) here"),
            (io::Error::from(io::ErrorKind::AddrInUse), "address in use"),
            (io::Error::other(""), ""),
        ] {
            assert_eq!(io_error_text(&error), text);
        }
    }
}
