//! An interface with what it counted.

/// An interface's counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Link {
    /// Its name.
    pub name: String,
    /// Whether it is the loopback.
    pub loopback: bool,
    /// Its own counters; `None` if the kernel reports none.
    pub stats: Option<LinkStats>,
    /// Drops of its queueing disciplines; `None` if the kernel reports none.
    pub qdisc_drops: Option<u64>,
    /// Packets that left them; `None` if the kernel reports none.
    pub qdisc_packets: Option<u64>,
}

/// Counters of an interface (`struct rtnl_link_stats64`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LinkStats {
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub tx_errors: u64,
    pub rx_dropped: u64,
    pub tx_dropped: u64,
    pub rx_length_errors: u64,
    pub rx_over_errors: u64,
    pub rx_crc_errors: u64,
    pub rx_frame_errors: u64,
    pub rx_fifo_errors: u64,
    pub rx_missed_errors: u64,
}
