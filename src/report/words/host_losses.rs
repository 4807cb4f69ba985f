//! Names of the places where hosts lose datagrams, with the counters that say so.

use super::terms::list;
use crate::record::{
    Certainty, HostReport, LossPart, LossPlace, PlacedLosses, ThroughputAdvice, Worded,
    largest_parts,
};
use crate::units::group_digits;

/// `up to 812`, `812`.
pub fn count_text(datagrams: u64, certainty: Certainty) -> String {
    match certainty {
        Certainty::Exact => group_digits(datagrams),
        Certainty::UpTo => format!("up to {}", group_digits(datagrams)),
    }
}

/// `up to 812 in the network card's receive ring (rx_missed_errors)`.
pub fn part_text(part: &LossPart) -> String {
    format!("{} {}", count_text(part.datagrams, part.certainty), place_text(part.place))
}

/// `90 = 3 on the path + up to 87 with a wrong UDP checksum (InCsumErrors)`, where `rest` is the
/// place of what no counter explains; `None` where none explains any.
pub fn placed(losses: &PlacedLosses, hosts: &[HostReport], rest: &str) -> Option<String> {
    let parts = largest_parts(hosts);
    let never = losses.never_sent.filter(|never| *never > 0);
    if parts.is_empty() && never.is_none() {
        return None;
    }
    let never = never.map(|never| format!("{} not sent to it", group_digits(never)));
    let path = (losses.path > 0).then(|| format!("{} {rest}", group_digits(losses.path)));
    let terms: Vec<String> =
        never.into_iter().chain(path).chain(parts.iter().map(part_text)).collect();
    Some(format!("{} = {}", group_digits(losses.total), terms.join(" + ")))
}

/// What helps against the largest of the losses in these hosts, if anything does.
pub fn placed_advice(hosts: &[HostReport]) -> Option<String> {
    let parts = largest_parts(hosts);
    parts
        .iter()
        .find_map(|part| ThroughputAdvice::for_place(part.place))
        .map(|advice| advice.text())
}

/// That this host dropped what may have been the replies; `None` if it dropped nothing.
pub fn lost_here(parts: &[LossPart]) -> Option<String> {
    let advice = parts.first().and_then(|part| ThroughputAdvice::for_place(part.place));
    let places = list(&parts.iter().map(part_text).collect::<Vec<_>>());
    (!parts.is_empty()).then(|| {
        let what = format!("this host dropped datagrams that arrived meanwhile: {places}");
        advice.map_or_else(|| what.clone(), |advice| format!("{what}; {}", advice.text()))
    })
}

/// The place, as it follows a count.
pub fn place_text(place: LossPlace) -> &'static str {
    match place {
        LossPlace::CardRing => "in the receiving network card's ring (rx_missed_errors)",
        LossPlace::FrameDamage => "with a damaged frame at the receiving card (rx_crc_errors)",
        LossPlace::InterfaceDrop => "at the receiving interface (rx_dropped)",
        LossPlace::Backlog => "in the receiving host's backlog (net.core.netdev_max_backlog)",
        LossPlace::IpHeader => "with a wrong IP header at the receiving host (InHdrErrors)",
        LossPlace::IpDiscard => "in the receiving host's IP layer (InDiscards)",
        LossPlace::ReversePathFilter => {
            "in the receiving host's reverse path filter (IPReversePathFilter)"
        }
        LossPlace::Reassembly => "because a fragment was missing (ReasmReqds, ReasmOKs)",
        LossPlace::ReassemblyMemory => {
            "for lack of memory to put fragments together (net.ipv4.ipfrag_high_thresh, ReasmFails)"
        }
        LossPlace::NoRoute => "because the receiving host had no route (InNoRoutes)",
        LossPlace::ConntrackFull => {
            "in the receiving host's full connection tracking table (nf_conntrack drop)"
        }
        LossPlace::UdpChecksum => "with a wrong UDP checksum (InCsumErrors)",
        LossPlace::UdpMemory => "at the memory limit of UDP (net.ipv4.udp_mem, MemErrors)",
        LossPlace::SocketBuffer => "in the receiving socket's buffer (RcvbufErrors)",
        LossPlace::SocketOther => "by the receiving socket, for an unknown reason",
        LossPlace::SendBuffer => "in the sending socket's buffer (SndbufErrors)",
        LossPlace::Qdisc => "in the sending interface's queue (queueing discipline)",
        LossPlace::OutDiscard => "in the sending host's IP layer (OutDiscards)",
        LossPlace::Fragmentation => "because they could not be fragmented (FragFails)",
        LossPlace::CardTransmit => "at the sending network card (tx_dropped, tx_errors)",
    }
}
