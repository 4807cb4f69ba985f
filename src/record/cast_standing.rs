//! How both ends of a fan-out stand while the run goes on.

use crate::units::Endpoint;

/// What a sender has sent since the run began, and what receivers have reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CastSending {
    /// Datagrams that the kernel accepted, over all destinations there ever were.
    pub datagrams: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Datagrams that this host refused.
    pub refused: u64,
    /// The destinations now, receivers that subscribed included.
    pub destinations: Vec<CastSendingTo>,
    /// The receivers, as they report; `None` if no reports are asked for.
    pub receivers: Option<CastReceivers>,
}

/// One destination of a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CastSendingTo {
    /// The address.
    pub destination: Endpoint,
    /// The requested interface; `None` when the route chose it.
    pub interface: Option<String>,
    /// Datagrams that the kernel accepted.
    pub sent: u64,
    /// Payload bytes of these.
    pub bytes: u64,
    /// Datagrams that this host refused.
    pub refused: u64,
}

/// All receivers of a fan-out, as they report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CastReceivers {
    /// Receivers that report.
    pub live: u64,
    /// Receivers that have not reported for longer than expected.
    pub silent: u64,
    /// Receivers that sent their final report.
    pub done: u64,
    /// Datagrams that arrived, duplicates included, over all receivers.
    pub received: u64,
    /// Numbers that did not arrive, over all receivers.
    pub lost: u64,
}

/// What a receiver has received since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CastReceiving {
    /// Each group that something came for.
    pub groups: Vec<CastReceivingOf>,
    /// Datagrams without a measurement header.
    pub strays: u64,
    /// Datagrams of sources beyond those that the table holds.
    pub others: u64,
    /// Datagrams to unexpected addresses, or on unexpected interfaces.
    pub foreign: u64,
    /// Datagrams of excluded sources that the kernel delivered.
    pub excluded: u64,
    /// Buffers that this host's sockets dropped.
    pub socket_drops: u64,
}

/// What came for one group, of all sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CastReceivingOf {
    /// The group, broadcast address or own address.
    pub group: Endpoint,
    /// Sources.
    pub sources: u64,
    /// Datagrams, duplicates included.
    pub received: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Lost datagrams; 0 without a measurement header.
    pub lost: u64,
    /// Second and later copies.
    pub duplicates: u64,
    /// Datagrams that arrived after one with a higher number (RFC 4737 §3.3).
    pub reordered: u64,
    /// The largest interarrival jitter of the sources (RFC 3550 §6.4.1), in nanoseconds; `None`
    /// before two datagrams.
    pub jitter_ns: Option<u64>,
}
