//! Names of the places where hosts lose datagrams, with the counters that say so.

use super::terms::list;
use crate::record::{
    Certainty, HostReport, LossGroup, LossPart, LossPlace, Losses, PlacedLosses, ThroughputAdvice,
    Worded, largest_parts,
};
use crate::units::group_digits;

/// `up to 812`, `812`.
pub fn count_text(datagrams: u64, certainty: Certainty) -> String {
    match certainty {
        Certainty::Exact => group_digits(datagrams),
        Certainty::UpTo => format!("up to {}", group_digits(datagrams)),
    }
}

/// `3`, or `3 to 90` where other traffic may have moved the counters that explain the rest.
fn range_text(least: u64, most: u64) -> String {
    match most {
        most if most > least => format!("{} to {}", group_digits(least), group_digits(most)),
        _ => group_digits(least),
    }
}

/// Where what no counter explains was lost: not in a host whose counters are known.
fn unexplained_place(sender: Option<u64>, receiver: Option<u64>) -> &'static str {
    match (sender, receiver) {
        (Some(_), Some(_)) => "on the path",
        (Some(_), None) => "on the path or in the receiver's host",
        (None, Some(_)) => "on the path or in the sender's host",
        (None, None) => "on the path or in a host",
    }
}

/// Whether a group's losses are a bound, since one of its places' is.
fn certainty_of(group: LossGroup, hosts: &[HostReport]) -> Certainty {
    let mut parts = hosts.iter().flat_map(|host| &host.losses);
    let bound = |part: &LossPart| part.place.group() == group && part.certainty == Certainty::UpTo;
    if parts.any(bound) { Certainty::UpTo } else { Certainty::Exact }
}

/// `880 on the path + 17 at the receiver's socket`.
pub fn by_group(losses: &Losses, hosts: &[HostReport]) -> String {
    let groups = [
        (losses.receiver_host, LossGroup::ReceiverHost, "in the receiver's host", false),
        (losses.receiver_socket, LossGroup::ReceiverSocket, "at the receiver's socket", true),
        (losses.damaged, LossGroup::Damaged, "damaged", false),
    ];
    let sender = (losses.sender_host, LossGroup::SenderHost, "in the sender's host", false);
    let told = |(count, group, place, always): (Option<u64>, LossGroup, &str, bool)| {
        let count = count.filter(|count| always || *count > 0)?;
        Some(format!("{} {place}", count_text(count, certainty_of(group, hosts))))
    };
    let place = unexplained_place(losses.sender_host, losses.receiver_host);
    let path = format!("{} {place}", range_text(losses.path, losses.path_at_most));
    let terms = told(sender).into_iter().chain([path]).chain(groups.into_iter().filter_map(told));
    terms.collect::<Vec<_>>().join(" + ")
}

/// `up to 812 in the network card's receive ring (rx_missed_errors)`.
pub fn part_text(part: &LossPart) -> String {
    format!("{} {}", count_text(part.datagrams, part.certainty), place_text(part.place))
}

/// `90 = 3 to 90 on the path + up to 87 with a wrong UDP checksum (InCsumErrors)`, as the sender
/// knows it; `None` where no counter explains any.
pub fn placed(losses: &PlacedLosses, hosts: &[HostReport]) -> Option<String> {
    let place = unexplained_place(losses.sender_host, losses.receiver_host);
    placed_beside(losses, hosts, place)
}

/// The same, as the receiver knows it.
pub fn placed_here(losses: &PlacedLosses, hosts: &[HostReport]) -> Option<String> {
    placed_beside(losses, hosts, "before this host")
}

fn placed_beside(losses: &PlacedLosses, hosts: &[HostReport], rest: &str) -> Option<String> {
    let parts = largest_parts(hosts);
    let never = losses.never_sent.filter(|never| *never > 0);
    if parts.is_empty() && never.is_none() {
        return None;
    }
    let never = never.map(|never| format!("{} not sent to it", group_digits(never)));
    let PlacedLosses { path, path_at_most, .. } = *losses;
    let path =
        (path.max(path_at_most) > 0).then(|| format!("{} {rest}", range_text(path, path_at_most)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::HostCounters;
    use crate::record::HostRole;

    fn receiver(place: LossPlace, datagrams: u64, certainty: Certainty) -> Vec<HostReport> {
        vec![HostReport {
            role: HostRole::Receiver,
            this_host: false,
            interface: None,
            losses: vec![LossPart { place, datagrams, certainty }],
            counters: HostCounters::default(),
        }]
    }

    /// 90 lost, of which the receiver's host has so many.
    fn places(in_host: u64, path_at_most: u64) -> PlacedLosses {
        PlacedLosses {
            total: 90,
            sender_host: Some(0),
            path: 90 - in_host,
            path_at_most,
            receiver_host: Some(in_host),
            receiver_socket: Some(0),
            damaged: Some(0),
            ..PlacedLosses::default()
        }
    }

    fn groups(places: &PlacedLosses, hosts: &[HostReport]) -> String {
        by_group(&Losses::default().of_places(places), hosts)
    }

    #[test]
    fn beside_a_bound_the_path_lost_between_so_many_and_so_many() {
        let place = LossPlace::ReversePathFilter;
        let filter = "in the receiving host's reverse path filter (IPReversePathFilter)";
        for (in_host, at_most, certainty, path, most) in [
            (87, 90, Certainty::UpTo, "3 to 90", "up to 87"),
            (90, 90, Certainty::UpTo, "0 to 90", "up to 90"),
            (87, 3, Certainty::Exact, "3", "87"),
        ] {
            let (places, hosts) = (places(in_host, at_most), receiver(place, in_host, certainty));
            let told = groups(&places, &hosts);
            let rest = "in the receiver's host + 0 at the receiver's socket";
            assert_eq!(told, format!("{path} on the path + {most} {rest}"));
            let told = placed(&places, &hosts).unwrap();
            assert_eq!(told, format!("90 = {path} on the path + {most} {filter}"));
            let here = placed_here(&places, &hosts).unwrap();
            assert_eq!(here, format!("90 = {path} before this host + {most} {filter}"));
        }
    }

    #[test]
    fn a_host_of_which_nothing_is_known_may_have_lost_what_the_path_may_have() {
        let unknown = |sender_host, receiver_host| {
            let places = PlacedLosses { sender_host, receiver_host, ..places(0, 90) };
            groups(&places, &[])
        };
        let socket = "+ 0 at the receiver's socket";
        assert_eq!(unknown(Some(0), Some(0)), format!("90 on the path {socket}"));
        let receiver = "90 on the path or in the receiver's host";
        assert_eq!(unknown(Some(0), None), format!("{receiver} {socket}"));
        let sender = "90 on the path or in the sender's host";
        assert_eq!(unknown(None, Some(0)), format!("{sender} {socket}"));
    }

    #[test]
    fn where_everything_is_explained_for_certain_the_path_is_not_named() {
        let all = receiver(LossPlace::CardRing, 90, Certainty::Exact);
        let told = placed(&places(90, 0), &all).unwrap();
        assert_eq!(told, "90 = 90 in the receiving network card's ring (rx_missed_errors)");
    }
}
