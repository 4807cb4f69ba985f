//! When a datagram truly left, as the kernel saw it.

use crate::units::Nanos;

/// A transmit time stamp (`SOF_TIMESTAMPING_TX_SCHED`): the datagram entered the queue of its
/// interface then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransmitStamp {
    /// Which of the loop's sockets sent it, counted from 0.
    pub socket: usize,
    /// Which datagram: those that the socket's kernel took are counted from 0; wraps at 2^32.
    pub number: u32,
    /// When, on the real-time clock.
    pub at: Nanos,
}
