//! Files and arguments as bytes, and who may read a file.

use std::ffi::OsStr;
use std::fs::Metadata;

/// The bytes of an argument, in UTF-8. What is no text, half of a surrogate pair, becomes U+FFFD.
pub fn bytes_of(text: &OsStr) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}

/// Takes the end of a line, if there is one: a line feed, with a carriage return before it or none.
pub fn trim_line_end(line: &mut Vec<u8>) {
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    }
}

/// Whether others than its owner may use a file: it is in no bit, but in a list of its own.
pub fn is_open_to_others(_: &Metadata) -> Option<bool> {
    None
}
