//! The error queue, which these systems lack.

use crate::sys::errno::EAGAIN;
use crate::sys::error_of;
use crate::sys::{Handle, QueuedMessage};
use std::io;

/// Nothing is queued.
pub fn read_error_queue(_: Handle<'_>) -> io::Result<QueuedMessage> {
    Err(error_of(EAGAIN))
}
