//! Notes what the system made of a request that a run does without where it is refused.

use crate::batch::{Convenience, note_lacking, note_refused};
use crate::sys::{ErrorNumber, errno};
use std::io;

/// Notes what the system made of a request for `what`; returns whether it was granted.
pub fn note_convenience<T>(what: Convenience, asked: &io::Result<T>) -> bool {
    let Err(error) = asked else { return true };
    note_refused(what, error.errno());
    false
}

/// Notes that this system has no such thing.
pub fn note_lack(what: Convenience) {
    note_lacking(what, errno::EOPNOTSUPP);
}
