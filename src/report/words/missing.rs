//! What a report lacks because the kernel refused an option.

use crate::batch::{Convenience, RefusedConvenience};
use crate::record::Worded;
use crate::units::errno_text;

/// The option's name.
fn option(what: Convenience) -> &'static str {
    match what {
        Convenience::NetworkErrors => "IP_RECVERR",
        Convenience::ReceiveTimeStamps => "SO_TIMESTAMPNS",
        Convenience::TransmitTimeStamps => "SO_TIMESTAMPING",
        Convenience::SocketDrops => "SO_RXQ_OVFL",
        Convenience::CoalescedReceive => "UDP_GRO",
        Convenience::PacketInfo => "IP_PKTINFO",
        Convenience::TimeToLive => "IP_RECVTTL",
        Convenience::DontFragment => "IP_MTU_DISCOVER",
        Convenience::FragmentSizes => "IP_RECVFRAGSIZE",
        Convenience::TrafficClass | Convenience::Marks => "IP_RECVTOS",
        Convenience::ExactTimer => "timerfd_create",
        Convenience::TimerSlack => "PR_SET_TIMERSLACK",
        Convenience::SocketBuffers => "SO_RCVBUF",
        Convenience::Processors => "sched_setaffinity",
    }
}

/// What is missing without it.
fn lack(what: Convenience) -> &'static str {
    match what {
        Convenience::NetworkErrors => "ICMP errors",
        Convenience::ReceiveTimeStamps => {
            "the kernel's receive times: delays include this host's own"
        }
        Convenience::TransmitTimeStamps => {
            "the kernel's transmit times: delays include this host's own"
        }
        Convenience::SocketDrops => "drops of this host's sockets: they count as lost on the path",
        Convenience::CoalescedReceive => "coalesced receiving: one datagram a buffer",
        Convenience::PacketInfo => "the addresses at which datagrams arrived",
        Convenience::TimeToLive => "the TTLs with which datagrams arrived",
        Convenience::TrafficClass => "the DSCPs with which datagrams arrived",
        Convenience::DontFragment => "datagrams that must not be fragmented: routers may cut them",
        Convenience::FragmentSizes => "whether datagrams arrived in fragments",
        Convenience::Marks => "the ECN fields with which datagrams arrived",
        Convenience::ExactTimer => "exact send times: they are kept to the millisecond",
        Convenience::TimerSlack => "exact send times: they may be 50 µs late",
        Convenience::SocketBuffers => {
            "socket buffers of the size asked for: they have the system's"
        }
        Convenience::Processors => "processors for each stream: streams share what there are",
    }
}

impl Worded for RefusedConvenience {
    fn text(&self) -> String {
        let (lack, option) = (lack(self.what), option(self.what));
        format!("missing: {lack} ({option}: {})", errno_text(self.errno))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_options_has_each_of_them() {
        let table = include_str!("../../../docs/kernel.md");
        // What is refused, of each row.
        let rows: Vec<&str> = table
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
            .collect();
        for what in Convenience::ALL {
            let name = option(what);
            assert_eq!(
                rows.iter().filter(|row| row.split('`').any(|word| word == name)).count(),
                1,
                "{name}"
            );
        }
    }
}
