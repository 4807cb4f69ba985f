//! Sentences on what limited a throughput run.

use super::capacity;
use super::host_losses::{count_text, place_text};
use super::terms::{list, part, percent, plural, times};
use crate::record::{
    Certainty, HostRole, LossPlace, Refusal, ThroughputAdvice, ThroughputAlternative,
    ThroughputCaveat, ThroughputEvidence, ThroughputVerdict, Way, Worded,
};
use crate::units::{Nanos, group_digits};

impl Worded for ThroughputVerdict {
    fn text(&self) -> String {
        match self {
            Self::RateKept { offered, never_sent, sent, lost } => {
                kept((*never_sent, *offered), (*lost, *sent))
            }
            Self::CountReached { sent } => {
                format!("limited by the requested count: {} sent", plural(*sent, "datagram"))
            }
            Self::PathLoss { lost, sent } => format!(
                "limited by the network: {} of the datagrams were lost on the path",
                percent(*lost, *sent)
            ),
            Self::PathOutage { outages, longest_ns, in_outages, lost, sent } => {
                interrupted((*outages, *longest_ns), *in_outages, *lost, *sent)
            }
            Self::OnlySmallPass { lost, sent, payload_bytes } => format!(
                "limited by the network: {} of the {payload_bytes}-byte datagrams were lost, \
                 while small control datagrams got through",
                percent(*lost, *sent)
            ),
            Self::QueueFull { refused, offered, causes } => queue_full(*refused, *offered, causes),
            Self::HostRefused { refused, offered, causes } => format!(
                "limited by the sender's host: it refused to send {} of the datagrams: {}",
                percent(*refused, *offered),
                reasons(causes)
            ),
            Self::SendBufferFull { times: count } => format!(
                "limited by the sender's interface: the send buffer was full {}",
                times(*count)
            ),
            Self::SenderBusy { cpu_percent } => {
                format!("limited by the sender's CPU: {cpu_percent}% of a core in use")
            }
            Self::HostBusy { cpu_percent } => format!(
                "limited by this host's CPU: both ends run on it and use {cpu_percent}% of a core"
            ),
            Self::SenderPaused { pause_ns, late_ns, never_sent, offered } => {
                paused(*pause_ns, *late_ns, (*never_sent, *offered))
            }
            Self::FellBehind { never_sent, offered } => format!(
                "limit unknown: {} not sent in time, which neither CPU nor interface explains",
                part(*never_sent, *offered, "datagram")
            ),
            Self::Unexplained => {
                "limit unknown: neither loss, CPU nor interface explains the rate".to_owned()
            }
            Self::ReceiverBusy { cpu_percent, dropped, sent } => format!(
                "limited by the receiver's CPU: {cpu_percent}% of a core in use, and its socket \
                 buffer overflowed ({} of the datagrams dropped)",
                percent(*dropped, *sent)
            ),
            Self::ReceiverSocketFull { dropped, sent, pause_ns } => {
                let during = pause_ns
                    .map(|pause| format!(" while it paused for {}", Nanos(pause)))
                    .unwrap_or_default();
                format!(
                    "limited by the receiver's socket buffer: it overflowed{during} ({} of the \
                     datagrams dropped)",
                    percent(*dropped, *sent)
                )
            }
            Self::UdpMemoryFull { dropped, sent } => format!(
                "limited by the receiver's memory for UDP: {} of the datagrams were dropped at \
                 the limit of all its sockets together",
                percent(*dropped, *sent)
            ),
            Self::ReceiverSocketDropped { dropped, sent } => format!(
                "limited by the receiver's socket: it dropped {} of the datagrams for an unknown \
                 reason",
                percent(*dropped, *sent)
            ),
            Self::HostLoss { role, place, lost, certainty, path_at_most, sent, fragments } => {
                let lost_there = of_sent(*lost, *certainty, *sent);
                let or_path = or_path((*lost, *certainty), *path_at_most);
                host_loss((*role, *place), or_path, &lost_there, *fragments)
            }
            Self::Damaged { lost, certainty, path_at_most, sent, .. } => {
                damaged((*lost, *certainty), *path_at_most, *sent)
            }
            Self::ArrivedCut { cut, cut_to_bytes, payload_bytes, sent } => {
                arrived_cut((*cut, *sent), *cut_to_bytes, *payload_bytes)
            }
            Self::ArrivedAltered { altered, sent } => format!(
                "limited by something that rewrites datagrams: {} ({}) arrived with other bytes \
                 than were sent, and with a right checksum",
                part(*altered, *sent, "datagram"),
                percent(*altered, *sent)
            ),
            Self::Capacity { .. } => capacity::verdict(self),
            Self::Interrupted => "interrupted before the end of the run".to_owned(),
            Self::BrokenOff { streams_begun, streams, sent, offered, received } => {
                broken_off((*streams_begun, *streams), sent.zip(*offered), *received)
            }
            Self::NothingOffered => "limit unknown: nothing was sent".to_owned(),
            Self::CountsMissing => {
                "limit unknown: the final counts of one end are missing".to_owned()
            }
        }
    }
}

fn arrived_cut((cut, sent): (u64, u64), cut_to_bytes: u64, payload_bytes: u64) -> String {
    format!(
        "limited by something that cuts datagrams (a relay or a gateway): {} ({}) arrived with {} \
         of {payload_bytes} bytes",
        part(cut, sent, "datagram"),
        percent(cut, sent),
        group_digits(cut_to_bytes),
    )
}

fn interrupted(
    (outages, longest_ns): (u64, Option<u64>),
    in_outages: u64,
    lost: u64,
    sent: u64,
) -> String {
    let longest = longest_ns.map(|longest| format!(", the longest of {}", Nanos(longest)));
    format!(
        "interrupted by {}{}: {} of the {} lost of {} sent. This says nothing of the rate that \
         the network carries",
        plural(outages, "outage"),
        longest.unwrap_or_default(),
        group_digits(in_outages),
        plural(lost, "datagram"),
        group_digits(sent)
    )
}

/// `up to 812 of 10 000 datagrams`.
fn of_sent(lost: u64, certainty: Certainty, sent: u64) -> String {
    format!("{} of {}", count_text(lost, certainty), plural(sent, "datagram"))
}

/// Where the host's share is a bound and the path may have lost as many, the host is one explanation
/// of two.
fn or_path((lost, certainty): (u64, Certainty), path_at_most: u64) -> &'static str {
    let is_either = certainty == Certainty::UpTo && path_at_most >= lost;
    if is_either { " or by the path" } else { "" }
}

fn damaged(lost: (u64, Certainty), path_at_most: u64, sent: u64) -> String {
    let (datagrams, certainty) = lost;
    format!(
        "limited by damage in transit{}: {} ({}) arrived damaged (wrong checksum)",
        or_path(lost, path_at_most),
        of_sent(datagrams, certainty, sent),
        percent(datagrams, sent)
    )
}

fn host_loss(
    (role, place): (HostRole, LossPlace),
    or_path: &str,
    lost: &str,
    fragments: u64,
) -> String {
    let host = match role {
        HostRole::Sender => "sender",
        HostRole::Receiver => "receiver",
    };
    match place {
        LossPlace::Reassembly => format!(
            "limited by lost fragments{or_path}: {lost} arrived without all of their {fragments} \
             fragments"
        ),
        place => {
            format!("limited by the {host}'s host{or_path}: {lost} were lost {}", place_text(place))
        }
    }
}

fn kept((never, offered): (u64, u64), (lost, sent): (u64, u64)) -> String {
    let share = lost as f64 * 100.0 / sent.max(1) as f64;
    let found = match (never, lost) {
        (0, 0) => "every datagram was sent on time and arrived".to_owned(),
        (0, _) => format!("every datagram was sent on time, {share:.4}% were lost"),
        (never, 0) => format!("{} not sent, all others arrived", part(never, offered, "datagram")),
        (never, _) => {
            format!("{} not sent, {share:.4}% of the others lost", part(never, offered, "datagram"))
        }
    };
    format!("limited by the requested rate: {found}")
}

fn queue_full(refused: u64, offered: u64, causes: &[Refusal]) -> String {
    let share = percent(refused, offered);
    match causes {
        [_] => format!(
            "limited by the sender's interface: its queue was full for {share} of the datagrams"
        ),
        causes => format!(
            "limited by the sender's interface: {share} of the datagrams were not sent: {}",
            reasons(causes)
        ),
    }
}

/// `no route`, or `no route 900 times and no buffer space available once`.
fn reasons(causes: &[Refusal]) -> String {
    match causes {
        [one] => one.cause.text(),
        causes => {
            let each = |one: &Refusal| format!("{} {}", one.cause.text(), times(one.datagrams));
            list(&causes.iter().map(each).collect::<Vec<_>>())
        }
    }
}

fn paused(pause: Option<u64>, late: Option<u64>, (never, offered): (u64, u64)) -> String {
    let mut parts = Vec::new();
    parts.extend(pause.map(|pause| format!("it paused for {}", Nanos(pause))));
    parts.extend(late.map(|late| format!("datagrams were sent up to {} late", Nanos(late))));
    if never > 0 {
        parts.push(format!("{} were not sent", part(never, offered, "datagram")));
    }
    format!("limited by pauses of the sender: {}", list(&parts))
}

fn broken_off(
    (begun, streams): (Option<u64>, u64),
    sent: Option<(u64, u64)>,
    received: Option<u64>,
) -> String {
    let mut parts = Vec::new();
    if let Some(begun) = begun.filter(|begun| *begun < streams) {
        parts.push(format!("{} started", part(begun, streams, "stream")));
    }
    if let Some((sent, offered)) = sent.filter(|(_, offered)| *offered > 0) {
        parts.push(format!("{} sent", part(sent, offered, "datagram")));
    } else if let Some(received) = received.filter(|received| *received > 0) {
        parts.push(format!("{} received of an unknown number", plural(received, "datagram")));
    }
    if let ([_], Some((sent, offered))) = (&parts[..], sent)
        && sent == offered
        && offered > 0
    {
        return match sent {
            1 => "the run failed after its only datagram was sent".to_owned(),
            _ => format!("the run failed after all {} were sent", plural(sent, "datagram")),
        };
    }
    if parts.is_empty() {
        return "the run failed before anything was sent, as far as is known".to_owned();
    }
    format!("the run did not finish: {}", list(&parts))
}

impl Worded for ThroughputAdvice {
    fn text(&self) -> String {
        match self {
            Self::RaiseRate => "a higher `--rate` shows whether the path carries more",
            Self::LongerTime => {
                "use a longer `--time`, or `--capacity c`, which climbs faster"
            }
            Self::FindRate => "`--find-rate` finds the highest rate without loss",
            Self::ProbeMtu => "`udpkit probe mtu` finds the largest packet that gets through",
            Self::LowerRateOrLongerQueue => "lower `--rate`, or lengthen the interface's queue",
            Self::SmallerSize => "use a smaller `--size`",
            Self::CheckPacketFilter => "check the sender's firewall rules",
            Self::CheckRoutes => "check the sender's interfaces, addresses and routes",
            Self::MoreStreams => "use more `--streams`, or larger datagrams",
            Self::MoreStreamsOrLowerRate => {
                "use more `--streams`, larger datagrams, or a lower `--rate`"
            }
            Self::RaiseReceiveBuffer => {
                "give the receiver a larger buffer (`--socket-buffer`, net.core.rmem_max), or lower \
                 `--rate`"
            }
            Self::LongerCardRing => {
                "lengthen the receiving card's ring (`ethtool -G`), or spread its load over more \
                 queues (`ethtool -L`)"
            }
            Self::LongerBacklog => {
                "raise net.core.netdev_max_backlog on the receiver, or spread its load over more \
                 processors (RPS)"
            }
            Self::CheckReversePath => {
                "the receiver expects this source on another interface: check its routes, or set \
                 net.ipv4.conf.*.rp_filter to 2 (loose)"
            }
            Self::AvoidFragments => "use a smaller `--size`, which needs no fragments",
            Self::MoreReassemblyMemory => {
                "raise net.ipv4.ipfrag_high_thresh (or net.ipv6.ip6frag_high_thresh) on the \
                 receiver, or use a smaller `--size`, which needs no fragments"
            }
            Self::LargerConntrackTable => {
                "raise net.netfilter.nf_conntrack_max on that host, or exempt these flows from \
                 tracking (notrack)"
            }
            Self::CheckReceiverRoutes => "check the receiver's routes and addresses",
            Self::CheckReceiverInterface => {
                "check the receiving interface: `ip -s -s link` and `ethtool -S` show its counters"
            }
            Self::CheckReceiverDrops => "check the receiver's IP counters: `nstat -az`",
            Self::CheckSenderInterface => {
                "check the sending interface: `ip -s -s link` and `ethtool -S` show its counters"
            }
            Self::CheckForDamage => {
                "check cables, network cards and middleboxes on the path; no setting of the \
                 socket helps"
            }
            Self::FindRewriter => {
                "look for a proxy, a relay or an application-level gateway (ALG) on the path that \
                 rewrites payloads"
            }
            Self::RaiseUdpMemory => {
                "raise net.ipv4.udp_mem on the receiver, or find the sockets that fill it"
            }
            Self::CheckSenderLoad => "check what else runs on the sender",
            Self::CheckServer => "check whether the server still runs",
        }
        .to_owned()
    }
}

impl Worded for ThroughputCaveat {
    fn text(&self) -> String {
        match self {
            Self::HostNearLimit { sender_cpu_percent, receiver_cpu_percent } => format!(
                "a host was near its limit: sender {} of a core, receiver {}",
                whole_percent(*sender_cpu_percent),
                whole_percent(*receiver_cpu_percent)
            ),
            Self::ReceiverSocketOverflowed { dropped } => format!(
                "the receiver's socket buffer overflowed and dropped {}: give it a larger one \
                 (`--socket-buffer`, net.core.rmem_max), or lower `--rate`",
                plural(*dropped, "datagram")
            ),
            Self::ContentChanged { cut, altered } => {
                let parts = [(*cut, "cut"), (*altered, "altered, with a right checksum")];
                let parts = parts.into_iter().filter(|(count, _)| *count > 0);
                let parts: Vec<String> =
                    parts.map(|(count, how)| format!("{} {how}", group_digits(count))).collect();
                format!(
                    "something that forwards the datagrams changed their content: {} (counted \
                     neither as received nor as lost)",
                    list(&parts)
                )
            }
            Self::ClockSet { times: count } => format!(
                "a clock was set {} during the run: delays around that moment are wrong",
                times(*count)
            ),
            Self::SenderFellShort => {
                "the sender offered less than 99% of the requested rate in time".to_owned()
            }
            Self::Loopback => {
                "loopback measures this host's memory and kernel, not a link".to_owned()
            }
            Self::OneHost => {
                "both ends run on this host: this measures its kernel, not a link".to_owned()
            }
            Self::CountsRejected { contradiction } => format!(
                "the server's counts contradict this end's and are ignored: {contradiction}"
            ),
            Self::CountsNotFinal => {
                "final counts of one end are missing; its latest are shown".to_owned()
            }
            Self::ReceiverDropsUnknown => "loss \"on the path\" includes the receiver's host: an \
                                           iperf3 server does not report the drops of its socket"
                .to_owned(),
            Self::DuplicatesHideLoss { received, sent } => format!(
                "{} arrived of {} sent: the network duplicated some, which an iperf3 server does \
                 not count, and which hide as much loss",
                group_digits(*received),
                group_digits(*sent)
            ),
            Self::OmittedLossUnknown => "loss unknown: an iperf3 server before 3.14 does not \
                                         report what it lost in the omitted time"
                .to_owned(),
            Self::GreetingsRepeated { times: count } => format!(
                "the datagram that opens a stream was repeated {}: a server up to 3.20 may have \
                 counted it as data",
                times(*count)
            ),
        }
    }
}

impl Worded for ThroughputEvidence {
    fn text(&self) -> String {
        match *self {
            Self::StreamsLoseUnequally {
                worse_streams,
                worse_sent,
                worse_lost,
                better_streams,
                better_sent,
                better_lost,
            } => {
                let all = worse_streams.saturating_add(better_streams);
                let others = match better_lost {
                    0 => "nothing".to_owned(),
                    lost => percent(lost, better_sent),
                };
                format!(
                    "{} lost {} of their datagrams, {better_streams} lost {others}: one of \
                     several parallel paths loses (chance: less than 1 in 10 000)",
                    part(worse_streams, all, "stream"),
                    percent(worse_lost, worse_sent),
                )
            }
            Self::StreamsDelayedUnequally { slower_streams, faster_streams, longer_ns } => {
                let all = slower_streams.saturating_add(faster_streams);
                format!(
                    "{} took {} longer than the others at their fastest: parallel paths of \
                     different length",
                    part(slower_streams, all, "stream"),
                    Nanos(longer_ns),
                )
            }
        }
    }
}

impl Worded for ThroughputAlternative {
    fn text(&self) -> String {
        match self {
            Self::RateLimitInStep => {
                "a rate limit that drops in step with the regular schedules of the streams: at \
                 another rate, other streams would lose"
            }
        }
        .to_owned()
    }
}

/// `97%`; `-` if unknown.
fn whole_percent(percent: Option<u64>) -> String {
    percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"))
}

/// The direction at the start of a sentence, for runs with several.
pub fn way(way: Way) -> &'static str {
    match way {
        Way::Up => "up",
        Way::Down => "down",
        Way::RoundTrip => "round trip",
    }
}
