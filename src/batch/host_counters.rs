//! The counters of a host at every place where it can lose a datagram, and what they counted
//! between two readings.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A counter of a host, named after the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostCounter {
    /// Packets that the interface delivered.
    RxPackets,
    /// Packets that all interfaces delivered, without the loopback unless it is the stream's.
    RxPacketsAll,
    /// No room in the card's receive ring.
    RxMissed,
    /// The card's receive FIFO overflowed.
    RxFifo,
    /// The driver's receive buffers overflowed.
    RxOver,
    /// Frames with a wrong check sequence.
    RxCrc,
    /// Frames with a broken alignment.
    RxFrame,
    /// Frames of an impossible length.
    RxLength,
    /// Packets dropped by the driver, or that nobody on this host handles.
    RxDropped,
    /// Packets that the receive softirq processed, of the whole machine.
    SoftnetProcessed,
    /// No room in the backlog (`net.core.netdev_max_backlog`), of the whole machine.
    SoftnetDropped,
    /// Times that the receive softirq ran out of its budget, of the whole machine.
    SoftnetTimeSqueeze,
    /// Wrong IP headers.
    IpInHdrErrors,
    /// Destinations that are not this host's.
    IpInAddrErrors,
    /// Packets shorter than their header says.
    IpInTruncated,
    /// Dropped for lack of memory, or by a packet filter's rules of the kernel itself.
    IpInDiscards,
    /// No route for an arriving packet.
    IpInNoRoutes,
    /// A source that is not reached by the interface on which it arrived (`rp_filter`).
    IpReversePathFilter,
    /// Fragments that arrived.
    IpReasmReqds,
    /// Packets put together from fragments.
    IpReasmOks,
    /// Packets that could not be put together.
    IpReasmFails,
    /// Packets whose fragments did not arrive in time.
    IpReasmTimeout,
    /// Packets dropped because they could not be tracked: the table is full.
    ConntrackDrop,
    /// Tracked flows that were removed to make room.
    ConntrackEarlyDrop,
    /// Packets dropped because their flow could not be added.
    ConntrackInsertFailed,
    /// Lookups that had to start again.
    ConntrackSearchRestart,
    /// Datagrams delivered to sockets.
    UdpInDatagrams,
    /// Datagrams to a port where nobody listens.
    UdpNoPorts,
    /// A socket's receive buffer was full.
    UdpRcvbufErrors,
    /// All sockets together had reached the memory limit (`net.ipv4.udp_mem`).
    UdpMemErrors,
    /// Wrong checksums.
    UdpInCsumErrors,
    /// A socket's send buffer was full.
    UdpSndbufErrors,
    /// Packets of this host that IP dropped.
    IpOutDiscards,
    /// Packets of this host without a route.
    IpOutNoRoutes,
    /// Packets that could not be fragmented.
    IpFragFails,
    /// Packets dropped by the interface's queueing disciplines.
    QdiscDrops,
    /// Packets that the interface sent.
    TxPackets,
    /// Packets dropped by the driver on the way out.
    TxDropped,
    /// Packets that the card could not send.
    TxErrors,
    /// Packets that left the interface's queueing disciplines for the driver.
    QdiscPackets,
}

impl HostCounter {
    /// Every counter, in the order of the dialogue and of JSON.
    pub const ALL: [Self; 40] = [
        Self::RxPackets,
        Self::RxPacketsAll,
        Self::RxMissed,
        Self::RxFifo,
        Self::RxOver,
        Self::RxCrc,
        Self::RxFrame,
        Self::RxLength,
        Self::RxDropped,
        Self::SoftnetProcessed,
        Self::SoftnetDropped,
        Self::SoftnetTimeSqueeze,
        Self::IpInHdrErrors,
        Self::IpInAddrErrors,
        Self::IpInTruncated,
        Self::IpInDiscards,
        Self::IpInNoRoutes,
        Self::IpReversePathFilter,
        Self::IpReasmReqds,
        Self::IpReasmOks,
        Self::IpReasmFails,
        Self::IpReasmTimeout,
        Self::ConntrackDrop,
        Self::ConntrackEarlyDrop,
        Self::ConntrackInsertFailed,
        Self::ConntrackSearchRestart,
        Self::UdpInDatagrams,
        Self::UdpNoPorts,
        Self::UdpRcvbufErrors,
        Self::UdpMemErrors,
        Self::UdpInCsumErrors,
        Self::UdpSndbufErrors,
        Self::IpOutDiscards,
        Self::IpOutNoRoutes,
        Self::IpFragFails,
        Self::QdiscDrops,
        Self::TxPackets,
        Self::TxDropped,
        Self::TxErrors,
        Self::QdiscPackets,
    ];

    /// Its key in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::RxPackets => "rx_packets",
            Self::RxPacketsAll => "rx_packets_all",
            Self::RxMissed => "rx_missed_errors",
            Self::RxFifo => "rx_fifo_errors",
            Self::RxOver => "rx_over_errors",
            Self::RxCrc => "rx_crc_errors",
            Self::RxFrame => "rx_frame_errors",
            Self::RxLength => "rx_length_errors",
            Self::RxDropped => "rx_dropped",
            Self::SoftnetProcessed => "softnet_processed",
            Self::SoftnetDropped => "softnet_dropped",
            Self::SoftnetTimeSqueeze => "softnet_time_squeeze",
            Self::IpInHdrErrors => "ip_in_hdr_errors",
            Self::IpInAddrErrors => "ip_in_addr_errors",
            Self::IpInTruncated => "ip_in_truncated_pkts",
            Self::IpInDiscards => "ip_in_discards",
            Self::IpInNoRoutes => "ip_in_no_routes",
            Self::IpReversePathFilter => "ip_reverse_path_filter",
            Self::IpReasmReqds => "ip_reasm_reqds",
            Self::IpReasmOks => "ip_reasm_oks",
            Self::IpReasmFails => "ip_reasm_fails",
            Self::IpReasmTimeout => "ip_reasm_timeout",
            Self::ConntrackDrop => "conntrack_drop",
            Self::ConntrackEarlyDrop => "conntrack_early_drop",
            Self::ConntrackInsertFailed => "conntrack_insert_failed",
            Self::ConntrackSearchRestart => "conntrack_search_restart",
            Self::UdpInDatagrams => "udp_in_datagrams",
            Self::UdpNoPorts => "udp_no_ports",
            Self::UdpRcvbufErrors => "udp_rcvbuf_errors",
            Self::UdpMemErrors => "udp_mem_errors",
            Self::UdpInCsumErrors => "udp_in_csum_errors",
            Self::UdpSndbufErrors => "udp_sndbuf_errors",
            Self::IpOutDiscards => "ip_out_discards",
            Self::IpOutNoRoutes => "ip_out_no_routes",
            Self::IpFragFails => "ip_frag_fails",
            Self::QdiscDrops => "qdisc_drops",
            Self::TxPackets => "tx_packets",
            Self::TxDropped => "tx_dropped",
            Self::TxErrors => "tx_errors",
            Self::QdiscPackets => "qdisc_packets",
        }
    }
}

/// A value of every counter: a reading, or what was counted between two. `None` is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostCounters([Option<u64>; HostCounter::ALL.len()]);

impl Default for HostCounters {
    fn default() -> Self {
        Self([None; HostCounter::ALL.len()])
    }
}

impl HostCounters {
    /// The value of a counter; `None` if it could not be read.
    pub fn get(&self, counter: HostCounter) -> Option<u64> {
        self.0[counter as usize]
    }

    /// Sets the value of a counter.
    pub fn set(&mut self, counter: HostCounter, value: Option<u64>) {
        self.0[counter as usize] = value;
    }

    /// The same with this value.
    #[must_use]
    pub fn with(mut self, counter: HostCounter, value: u64) -> Self {
        self.set(counter, Some(value));
        self
    }

    /// Adds to a counter, which is then known.
    pub fn add(&mut self, counter: HostCounter, value: u64) {
        let sum = self.get(counter).unwrap_or(0).saturating_add(value);
        self.set(counter, Some(sum));
    }

    /// All with their values.
    pub fn iter(&self) -> impl Iterator<Item = (HostCounter, Option<u64>)> + '_ {
        HostCounter::ALL.into_iter().zip(self.0)
    }

    /// Whether any counter is known.
    pub fn is_known(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// What was counted since `before`. A counter that is smaller than before was reset or has
    /// wrapped: how much it counted is unknown.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let pairs = self.0.iter().zip(before.0);
        let mut change = Self::default();
        for (slot, (now, then)) in change.0.iter_mut().zip(pairs) {
            *slot = now.zip(then).and_then(|(now, then)| now.checked_sub(then));
        }
        change
    }
}

impl Serialize for HostCounters {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(HostCounter::ALL.len()))?;
        for (counter, value) in self.iter() {
            map.serialize_entry(counter.key(), &value)?;
        }
        map.end()
    }
}

/// What a host's counters counted during a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostChange {
    /// The interface by which the datagrams came, or left; `None` if unknown.
    pub interface: Option<String>,
    /// What was counted.
    pub counted: HostCounters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_place_and_a_key_of_its_own() {
        for (place, counter) in HostCounter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, place, "{counter:?}");
        }
        let mut keys = HostCounter::ALL.map(HostCounter::key).to_vec();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), HostCounter::ALL.len());
    }

    #[test]
    fn a_counter_that_was_reset_or_never_read_counted_an_unknown_number() {
        let before = HostCounters::default()
            .with(HostCounter::RxMissed, 5)
            .with(HostCounter::SoftnetDropped, u64::from(u32::MAX))
            .with(HostCounter::UdpNoPorts, 7);
        let after = HostCounters::default()
            .with(HostCounter::RxMissed, 8)
            .with(HostCounter::SoftnetDropped, 2)
            .with(HostCounter::RxCrc, 9);
        let change = after.since(&before);
        assert_eq!(change, HostCounters::default().with(HostCounter::RxMissed, 3));
    }
}
