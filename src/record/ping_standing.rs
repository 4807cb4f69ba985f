//! How a target of `ping` stands while the run goes on.

/// The counts of one target, since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingStanding {
    /// Which target, counted from 0.
    pub target: usize,
    /// Probes that the kernel accepted.
    pub sent: u64,
    /// Probes that the kernel refused.
    pub never_sent: u64,
    /// Probes that were answered, including late ones.
    pub back: u64,
    /// Of these, those answered after the time-out.
    pub late: u64,
    /// Probes whose time-out passed without an answer.
    pub lost: u64,
    /// Of these, on the way out; `None` where the reflector's numbers do not tell.
    pub lost_out: Option<u64>,
    /// Of these, on the way back.
    pub lost_back: Option<u64>,
    /// Second and further replies to one probe.
    pub duplicates: u64,
    /// Replies that arrived after one to a later probe (RFC 4737).
    pub reordered: u64,
    /// Datagrams that were not a reply to any probe.
    pub strays: u64,
    /// Datagrams that this host's socket dropped, whatever the reason.
    pub socket_drops: u64,
    /// Routers on the way out; `None` if the reflector does not report the TTL.
    pub routers_out: Option<u8>,
    /// Times that the reflector restarted its counts.
    pub reflector_restarts: u64,
}
