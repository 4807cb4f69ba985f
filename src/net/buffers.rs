//! The sizes of a socket's kernel buffers.

use crate::sys;

/// The largest send buffer requested, in bytes: a larger one would only lengthen the queue between
/// the schedule and the wire.
pub(super) const SEND_BUFFER: usize = 4 << 20;

/// Whether a buffer of this size, in bytes, exceeds the limits for unprivileged processes, or
/// might.
pub fn exceeds_buffer_limits(buffer: usize) -> bool {
    sys::buffer_limits()
        .is_none_or(|(receive, send)| buffer > receive || buffer.min(SEND_BUFFER) > send)
}

/// Socket buffers in bytes as the kernel counts them, which is twice the requested size
/// (socket(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferSizes {
    /// Receive buffer requested.
    pub receive_asked: usize,
    /// Receive buffer granted.
    pub receive_granted: usize,
    /// Send buffer granted.
    pub send_granted: usize,
}
