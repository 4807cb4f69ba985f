//! The error queue, which these systems lack.

use super::errno::error_of;
use crate::sys::errno::EAGAIN;
use crate::sys::{Handle, QueuedMessage};
use std::io;

/// Nothing is queued.
pub fn read_error_queue(_: Handle<'_>) -> io::Result<QueuedMessage> {
    Err(error_of(EAGAIN))
}
