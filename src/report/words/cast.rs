//! Sentences of `cast send` and `cast recv`: warnings, notes, live lines and reports.

use super::host_losses::{part_text, place_text};
use super::terms::{list, plural};
use crate::record::{
    CastGap, CastNote, CastReceived, CastSource, CastStream, CastWarning, Certainty, CommonLoss,
    CopyVerdict, Departure, FanoutCaveat, LossOrigin, LossPart, Outage, ReceivedCaveat,
    SilenceCause, Skew, Worded,
};
use crate::units::{Nanos, group_digits};

impl Worded for CastWarning {
    fn text(&self) -> String {
        match self {
            Self::OneLinkGroup { group } => {
                format!("{group} is a link-local group: no router forwards it, whatever the TTL")
            }
            Self::TtlTooSmall { group, beyond, ttl } => format!(
                "{beyond} is beyond a router, and no router forwards {group} with a TTL of {ttl}; \
                 use --ttl 2 or more"
            ),
            Self::SourceBeyondRouter { source } => format!(
                "{source} is beyond a router: it must send with a TTL of 2 or more, and the routers \
                 must route the group"
            ),
            Self::NoRoute { group } => {
                format!("this host has no route to {group}; name an interface with --interface")
            }
            Self::UnusualInterface { group, interface, kind } => format!(
                "the route to {group} uses {interface}, a {}; --interface chooses another \
                 interface",
                super::check::link_kind(*kind)
            ),
            Self::SourceSpecificGroup { group } => format!(
                "{group} is for source-specific multicast (RFC 4607): routers forward nothing \
                 without --source"
            ),
            Self::ForeignGroup { source, destination, interface } => format!(
                "{source} sends to {destination}{}, which this run did not ask for: another process \
                 of this host has joined it; these datagrams are not counted",
                on(interface.as_deref())
            ),
            Self::NoHeader { source, group } => format!(
                "datagrams from {source} to {group} have no measurement header and are not counted; \
                 --no-header counts them"
            ),
            Self::NoReports { after_ns } => {
                let after = Nanos(*after_ns).as_secs_f64();
                format!("no receiver has reported for {after} s; likely causes:")
            }
        }
    }
}

impl Worded for SilenceCause {
    fn text(&self) -> String {
        match self {
            Self::NoReceiver => "no `udpkit cast recv` runs there, or it runs with --silent",
            Self::Firewall => {
                "a firewall drops the stream at a receiver, or the receivers' reports here"
            }
            Self::NoQuerier => {
                "a switch does IGMP or MLD snooping without a querier and ages memberships out"
            }
            Self::WrongInterface => {
                "the group is sent on the wrong interface; --interface chooses another"
            }
            Self::TtlOfOne => "the TTL is 1 and the receivers are beyond a router; raise --ttl",
            Self::NoMulticastRouting => "the routers on the path do not route the group",
        }
        .to_owned()
    }
}

impl Worded for CastNote {
    fn text(&self) -> String {
        match self {
            Self::Joined { group, interfaces, sources, excluded } => {
                let from = preceded(" from ", sources);
                let (on, without) = (preceded(" on ", interfaces), preceded(" without ", excluded));
                format!("joined {group}{from}{on}{without}")
            }
            Self::Listening { address, interfaces, excluded } => {
                let (on, without) = (preceded(" on ", interfaces), preceded(" without ", excluded));
                format!("listening on {address}{on}{without}")
            }
            Self::JoinedMany { count, first, last } => {
                format!("joined {} groups and addresses, {first} to {last}", group_digits(*count))
            }
            Self::Asking { sender } => format!("subscribing to {sender}"),
            Self::FirstDatagram { source, group, after_join_ns } => {
                let after = |nanos| format!(", first datagram {} after the join", Nanos(nanos));
                let after = after_join_ns.map(after).unwrap_or_default();
                format!("receiving {group} from {source}{after}")
            }
            Self::OpenToReceivers { address } => {
                format!("open to receivers on {address}")
            }
            Self::Waiting { heard: 0, wanted, wait_ns } => {
                let limit = wait_ns.map(|wait| format!(", for {} at most", Nanos(wait)));
                let limit = limit.unwrap_or_default();
                format!("waiting for {} before sending{limit}", plural(*wanted, "receiver"))
            }
            Self::Waiting { heard, wanted, .. } => {
                format!("{} of {} ready", group_digits(*heard), plural(*wanted, "receiver"))
            }
            Self::Moved { from, to } => format!("{from} goes on at {to}"),
            Self::Subscribed { receiver } => format!("{receiver} joined"),
            Self::Unsubscribed { receiver, departure } => match departure {
                Departure::Left => format!("{receiver} left"),
                Departure::Silent => format!("{receiver} removed: it stopped responding"),
                Departure::Refused => format!("{receiver} removed: port unreachable"),
            },
        }
    }
}

impl Worded for ReceivedCaveat {
    fn text(&self) -> String {
        match self {
            Self::NoHeader { datagrams } => format!(
                "not counted: {} without a measurement header (--no-header counts them)",
                plural(*datagrams, "datagram")
            ),
            Self::SocketDrops { buffers, place, certainty } => {
                let bound = if *certainty == Certainty::UpTo { "up to " } else { "" };
                let buffers = plural(*buffers, "buffer");
                format!("this host dropped {bound}{buffers} {}", place_text(*place))
            }
            Self::EndUnknown { sources } => format!(
                "no end of stream received from {}: loss after the last datagram is unknown",
                plural(*sources, "source")
            ),
            Self::JoinedLate { sources } => format!(
                "{} had sent datagrams before the first received here: loss counts from that one",
                plural(*sources, "source")
            ),
            Self::HostPaused { pause_ns } => format!(
                "this host paused for {} (suspended or out of CPU time): datagrams were read late",
                Nanos(*pause_ns)
            ),
        }
    }
}

impl Worded for FanoutCaveat {
    fn text(&self) -> String {
        match self {
            Self::TableFull { reports } => format!(
                "receiver table full: {} from further receivers ignored",
                plural(*reports, "report")
            ),
            Self::Contradicted { receiver, contradiction } => {
                format!("the figures of {receiver} are not used: {contradiction}")
            }
            Self::Silent { receivers: 1 } => {
                "1 receiver stopped reporting: its final counts are unknown".to_owned()
            }
            Self::Silent { receivers } => format!(
                "{} stopped reporting: their final counts are unknown",
                plural(*receivers, "receiver")
            ),
            Self::HostPaused { pause_ns } => format!(
                "this host paused for {} (suspended or out of CPU time) and sent nothing meanwhile",
                Nanos(*pause_ns)
            ),
        }
    }
}

impl Worded for LossOrigin {
    fn text(&self) -> String {
        match self {
            Self::NearSender => {
                "all receivers lost the same datagrams: loss near the sender or on the shared path"
                    .to_owned()
            }
            Self::NearOneReceiver { receiver } => {
                format!("most of the loss is near {receiver}")
            }
            Self::NearSeveralReceivers { lossless: 0, .. } => {
                "each receiver lost different datagrams: loss near the receivers".to_owned()
            }
            // Whether these lost the same is not compared.
            Self::NearSeveralReceivers { losing, lossless } => format!(
                "{} of {} lost datagrams, {} lost none: loss near those {}, or on a path that only \
                 they share",
                group_digits(*losing),
                plural(losing + lossless, "receiver"),
                group_digits(*lossless),
                group_digits(*losing)
            ),
            Self::Undetermined => {
                "the loss is too small, or too similar at all receivers, to locate".to_owned()
            }
        }
    }
}

impl Worded for CopyVerdict {
    fn text(&self) -> String {
        match self {
            Self::TooFew => "too few datagrams to rule out chance",
            Self::BothArrive => "both arrive",
            Self::GroupLost => "only the group is lost: suspect the switch, not the host",
            Self::UnicastLost => "only unicast is lost",
            Self::BothLost => "both are lost: suspect the path or the host",
        }
        .to_owned()
    }
}

impl Worded for CastGap {
    fn text(&self) -> String {
        let at = group_digits(self.at_bytes);
        if self.first == self.last {
            return format!("gap at byte {at}: datagram {} is missing", group_digits(self.first));
        }
        format!(
            "gap at byte {at}: {} missing, {} to {}",
            plural(self.last - self.first + 1, "datagram"),
            group_digits(self.first),
            group_digits(self.last)
        )
    }
}

/// The line of a report without a source.
pub fn no_source(all: &CastReceived) -> &'static str {
    let came = all.strays.unwrap_or(0) + all.foreign + all.excluded + all.others;
    if came > 0 { "no datagrams counted" } else { "no datagrams received" }
}

/// What arrived but is not counted for any source, except datagrams without a header, which are a
/// caution.
pub fn not_counted(all: &CastReceived) -> Vec<String> {
    let counts = [
        (all.others, "from further sources (the table is full)"),
        (all.foreign, "for other groups or interfaces"),
        (all.unicast_copies.unwrap_or(0), "unicast copies for the sender's comparison"),
        (all.excluded, "from excluded sources"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{} {what}", group_digits(*count))).collect()
}

/// What was stored of a stream: one sentence per line.
pub fn stored(stream: &CastStream) -> Vec<String> {
    let Some(source) = &stream.source else {
        return vec!["nothing: no source was received".to_owned()];
    };
    let datagrams = plural(stream.datagrams, "datagram");
    let mut lines = vec![format!("{datagrams} from {source}, {} B", group_digits(stream.bytes))];
    if let (Some(missing), Some(gaps)) = (stream.missing, stream.gap_count) {
        let mut line = format!("{} missing in {}", group_digits(missing), plural(gaps, "gap"));
        if let Some(first @ 1..) = stream.first_sequence {
            line.push_str(&format!("; starts at datagram {}", group_digits(first)));
        }
        if stream.late > 0 {
            line.push_str(&format!("; {} arrived too late", group_digits(stream.late)));
        }
        lines.push(line);
    }
    if stream.of_others > 0 {
        let others = plural(stream.of_others, "datagram");
        lines.push(format!("{others} from other sources or runs not stored"));
    }
    lines
}

/// The source and interface, after the group.
pub fn from(source: &CastSource, on: &str) -> String {
    format!(" from {}{on}", source.source)
}

/// When the first datagram arrived.
pub fn first_after_join(nanos: u64) -> String {
    format!("first datagram after {}", Nanos(nanos))
}

/// The remark in the duplicates row.
pub fn not_in_goodput() -> &'static str {
    "not included above"
}

/// The line about loss bursts.
pub fn loss_bursts(bursts: u64, longest: u64) -> String {
    format!("loss in {}, longest {}", plural(bursts, "burst"), plural(longest, "datagram"))
}

/// The line about an outage.
pub fn outage(outage: &Outage) -> String {
    format!("nothing arrived {}", outage.text())
}

/// A line of the list of outages.
pub fn outages(line: &str) -> String {
    format!("outages: {line}")
}

/// The label of a source's delays.
pub fn delay_variation() -> &'static str {
    "delay variation (above minimum)"
}

/// Datagrams to one destination that were not sent or did not arrive, and why.
pub fn reason_of(destination: &str, datagrams: u64, cause: &str) -> String {
    format!("{destination}: {}: {cause}", plural(datagrams, "datagram"))
}

/// Expected and received datagrams.
pub fn expected(expected: u64, received: u64) -> String {
    format!("{}, received {}", plural(expected, "datagram"), group_digits(received))
}

/// Why reports were not sent.
pub fn reports_not_sent(reports: u64, cause: &str) -> String {
    format!("{} to senders: {cause}", plural(reports, "report"))
}

/// Inter-receiver skew, and the first and last receiver.
pub fn skew(skew: &Skew) -> [String; 2] {
    let of = |nanos: u64| Nanos(nanos).to_string();
    [
        format!(
            "{} between the first and the last of {}, max {}, ±{}",
            of(skew.last_ns),
            plural(skew.receivers, "receiver"),
            of(skew.max_ns),
            of(skew.uncertainty_ns)
        ),
        format!("first {}, last {}", skew.first, skew.last),
    ]
}

/// Loss that all receivers have in common.
pub fn lost_by_all(common: &CommonLoss) -> String {
    let receivers = match common.receivers {
        2 => "both receivers".to_owned(),
        receivers => format!("all {}", plural(receivers, "receiver")),
    };
    let compared = plural(common.compared, "compared datagram");
    format!("{} of {compared} lost by {receivers}", group_digits(common.lost_by_all))
}

/// What this host dropped of what arrived for anybody.
pub fn dropped_here(part: &LossPart) -> String {
    format!("dropped {}", part_text(part))
}

/// Where one receiver lost datagrams.
pub fn lost_by(receiver: &str, places: &str) -> String {
    format!("{receiver}: {places}")
}

/// The line about further receivers to whom hosts lost datagrams; `None` without any.
pub fn more_with_host_losses(receivers: u64) -> Option<String> {
    (receivers > 0).then(|| format!("and {} more, told by --json", plural(receivers, "receiver")))
}

/// The heading of the columns of delays: milliseconds above the minimum (RFC 5481).
pub const DELAY_COLUMNS: &str = "PDV above min, ms";

/// The first line of the live table.
pub fn live_heading(elapsed: Nanos, numbered: u64, receivers: u64) -> String {
    let order = if receivers > 1 { ", worst first" } else { "" };
    format!(
        "udpkit cast send   {:.1} s   {} to each   {}{order}",
        elapsed.as_secs_f64(),
        plural(numbered, "datagram"),
        plural(receivers, "receiver")
    )
}

/// The line about rows that do not fit the table.
pub fn more_receivers(left_out: u64, lossless: u64) -> String {
    format!("and {} more, {} without loss", group_digits(left_out), group_digits(lossless))
}

/// The heading of the table of groups and their unicast copies.
pub fn copies_heading() -> &'static str {
    "loss of the group and of its unicast copies"
}

/// The error for too few receivers within `--wait`.
pub fn too_few_receivers(heard: u64, wanted: u64) -> String {
    let wanted = plural(wanted, "receiver");
    format!("{} of {wanted} reported in time; nothing was sent", group_digits(heard))
}

/// The error for a destination to which this host could send nothing.
pub fn cannot_send(destination: &str, cause: &str) -> String {
    format!("cannot send to {destination}: {cause}")
}

fn on(interface: Option<&str>) -> String {
    interface.map(|name| format!(" on {name}")).unwrap_or_default()
}

/// The word followed by the items; empty without items.
fn preceded(word: &str, items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!("{word}{}", list(items)) }
}
