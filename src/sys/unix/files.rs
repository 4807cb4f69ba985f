//! Files and arguments as bytes, and who may read a file.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

/// The bytes of an argument, as given.
pub fn bytes_of(text: &OsStr) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Takes the end of a line, if there is one: a line feed.
pub fn trim_line_end(line: &mut Vec<u8>) {
    line.pop_if(|last| *last == b'\n');
}

/// Whether others than its owner may use a file; `None` if the system does not say.
pub fn is_open_to_others(file: &Metadata) -> Option<bool> {
    Some(file.permissions().mode() & 0o077 != 0)
}
