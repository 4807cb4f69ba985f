//! What a system can do, in a few words each.

use crate::batch::Capability;

/// What each is, in the words of the documentation's table (docs/reference/platforms.md).
pub fn capability(what: Capability) -> &'static str {
    match what {
        Capability::ManyPerCall => "many datagrams per call",
        Capability::Segmentation => "segmentation offload when sending",
        Capability::CoalescedReceive => "coalesced receiving",
        Capability::ReceiveTimeStamps => "receive time stamps",
        Capability::TransmitTimeStamps => "transmit time stamps",
        Capability::NetworkErrors => "ICMP errors of unconnected sockets",
        Capability::SocketDrops => "drops of this host's sockets",
        Capability::QueueLength => "fill of socket buffers",
        Capability::PacketInfo => "destination address of each datagram",
        Capability::TimeToLive => "TTL of each datagram",
        Capability::TrafficClass => "DSCP of each datagram",
        Capability::Marks => "ECN field of each datagram",
        Capability::FragmentSizes => "fragments of each datagram",
        Capability::DontFragment => "don't fragment",
        Capability::PathMtu => "MTU of a route",
        Capability::ForeignSource => "source addresses of other hosts",
        Capability::Device => "binding to an interface",
        Capability::SourceFilter => "groups from one source (SSM)",
        Capability::SourceBlocks => "groups without some sources",
        Capability::GroupBinding => "binding to a group's address",
        Capability::ExactTimer => "timer finer than a millisecond",
        Capability::Processors => "threads on processors of their own",
        Capability::InterfaceNotices => "notices of changed interfaces",
        Capability::HostCounters => "counters of the host's losses",
        Capability::ClockError => "error of the real-time clock",
        Capability::Confinement => "confined server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentations_table_has_each_capability() {
        let table = include_str!("../../../docs/reference/platforms.md");
        for what in Capability::ALL {
            let row = format!("| {} |", capability(what));
            assert_eq!(table.matches(&row).count(), 1, "{row}");
        }
    }
}
