//! Transmit time stamps: when a datagram actually left, according to the kernel.

use crate::units::Nanos;

/// A transmit time stamp (`SOF_TIMESTAMPING_TX_SCHED`): when the datagram entered its interface's
/// queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransmitStamp {
    /// Index, from 0, of the loop's socket that sent it.
    pub socket: usize,
    /// Which datagram: datagrams accepted by the kernel on this socket, counted from 0; wraps at
    /// 2^32.
    pub number: u32,
    /// Time on the real-time clock.
    pub at: Nanos,
}
