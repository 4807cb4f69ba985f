//! A finding about a throughput run in words; what is found is judged in `verdict`.

use super::verdict::{Finding, LimitedBy, Share};
use crate::batch::LocalRefusal;
use crate::units::{Nanos, group_digits};

impl LimitedBy {
    /// The limit in words, as the line of the verdict begins.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rate => "limited by the rate asked for",
            Self::Count => "limited by the count asked for",
            Self::Network => "limited by the network",
            Self::SenderInterface => "limited by the sender's interface",
            Self::SenderHost => "limited by the sender's host",
            Self::SenderCpu => "limited by the sender's processor",
            Self::SenderPause => "limited by the sender's own pauses",
            Self::ReceiverCpu => "limited by the receiver's processor",
            Self::ReceiverSocket => "limited by the receiver's socket",
            Self::Interrupted => "interrupted",
            Self::BrokenOff => "broke off",
            Self::Unknown => "limited by something that did not show",
        }
    }
}

impl Finding {
    /// What the run came up against.
    pub(super) fn limited_by(&self) -> LimitedBy {
        match self {
            Self::Kept { .. } => LimitedBy::Rate,
            Self::CountReached(_) => LimitedBy::Count,
            Self::PathLoss(_) | Self::OnlySmallPass { .. } => LimitedBy::Network,
            Self::Refused { kind: Some(LocalRefusal::QueueFull), .. } | Self::SendBufferFull(_) => {
                LimitedBy::SenderInterface
            }
            Self::Refused { .. } => LimitedBy::SenderHost,
            Self::SenderBusy(_) | Self::HostBusy(_) => LimitedBy::SenderCpu,
            Self::SenderStoodStill { .. } => LimitedBy::SenderPause,
            Self::ReceiverBusy { .. } => LimitedBy::ReceiverCpu,
            Self::SocketOverflowed { .. } => LimitedBy::ReceiverSocket,
            Self::Interrupted => LimitedBy::Interrupted,
            Self::BrokenOff { .. } => LimitedBy::BrokenOff,
            Self::FellBehind(_)
            | Self::NothingShows
            | Self::NothingOffered
            | Self::CountsMissing => LimitedBy::Unknown,
        }
    }

    /// The figures that say so.
    pub(super) fn because(&self) -> String {
        match self {
            Self::Kept { never, lost } => kept(*never, *lost),
            Self::CountReached(count) => format!("all {} were sent", group_digits(*count)),
            Self::PathLoss(share) => {
                format!("{} were lost between the two hosts", percent(*share))
            }
            Self::OnlySmallPass { lost, payload } => format!(
                "{} of {payload} bytes were lost, and the control dialogue's small datagrams passed",
                percent(*lost)
            ),
            Self::Refused { kind, causes, share } => refused(*kind, causes, *share),
            Self::SendBufferFull(times) => format!("its send buffer was full {times} times"),
            Self::SenderBusy(cpu) => format!("it was at {cpu}% of a core"),
            Self::HostBusy(cpu) => format!("both ends on it, {cpu}% of a core"),
            Self::SenderStoodStill { pause_ns, late_ns, never } => {
                stood_still(*pause_ns, *late_ns, *never)
            }
            Self::FellBehind(never) => format!(
                "{} of {} did not leave in time, and neither processor nor interface says why",
                group_digits(never.part),
                group_digits(never.of)
            ),
            Self::NothingShows => {
                "neither loss nor a processor nor an interface says what held it".to_owned()
            }
            Self::ReceiverBusy { cpu, share } => {
                format!("at {cpu}%, its socket overflowed ({})", percent(*share))
            }
            Self::SocketOverflowed { share, pause_ns } => {
                let while_it = pause_ns
                    .map(|pause| format!(" while it stood still for {}", Nanos(pause)))
                    .unwrap_or_default();
                format!("its buffer overflowed{while_it} ({})", percent(*share))
            }
            Self::Interrupted => "it was ended before its time".to_owned(),
            Self::BrokenOff { begun, sent, received } => broke_off(*begun, *sent, *received),
            Self::NothingOffered => "nothing was sent".to_owned(),
            Self::CountsMissing => "one end never told the whole of its counts".to_owned(),
        }
    }

    /// What would help; empty where nothing needs help.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Kept { never: Share { part: 0, .. }, .. } => {
                "a higher --rate shows what more the path carries"
            }
            Self::PathLoss(_) => "--find-rate tells what passes without loss",
            Self::OnlySmallPass { .. } => {
                "larger packets may not pass: `udpkit probe mtu` tries the sizes"
            }
            Self::Refused { kind, .. } => refused_advice(*kind),
            Self::SenderBusy(_) => "more --streams, or larger datagrams",
            Self::ReceiverBusy { .. } => "more --streams, larger datagrams, or a lower --rate",
            Self::SocketOverflowed { pause_ns: None, .. } => {
                "raise net.core.rmem_max there, or lower the --rate"
            }
            Self::FellBehind(_) | Self::NothingShows => "look at what else runs on the sender",
            Self::CountsMissing => "look whether the far end still runs",
            _ => "",
        }
    }
}

fn percent(share: Share) -> String {
    format!("{:.3}%", share.part as f64 * 100.0 / share.of.max(1) as f64)
}

fn kept(never: Share, lost: Share) -> String {
    let share = lost.part as f64 * 100.0 / lost.of.max(1) as f64;
    match (never.part, lost.part) {
        (0, 0) => "all of it left in time and arrived".to_owned(),
        (0, _) => format!("it left in time, and {share:.4}% were lost"),
        (part, lost) => {
            let rest = match lost {
                0 => "the rest arrived".to_owned(),
                _ => format!("{share:.4}% of the rest were lost"),
            };
            format!("{} of {} never left, {rest}", group_digits(part), group_digits(never.of))
        }
    }
}

fn refused(kind: Option<LocalRefusal>, causes: &[(String, u64)], share: Share) -> String {
    let share = percent(share);
    match (kind, causes) {
        (Some(LocalRefusal::QueueFull), [_]) => format!("its own queue refused {share}"),
        (_, [(cause, _)]) => format!("{share} never left: {cause}"),
        (_, causes) => {
            let each =
                |(cause, times): &(String, u64)| format!("{cause}: {}", group_digits(*times));
            let causes: Vec<_> = causes.iter().map(each).collect();
            format!("{share} never left: {}", causes.join("; "))
        }
    }
}

fn refused_advice(kind: Option<LocalRefusal>) -> &'static str {
    match kind {
        Some(LocalRefusal::QueueFull) => "lower the --rate, or lengthen the queue",
        Some(LocalRefusal::TooBig) => "a smaller --size",
        Some(LocalRefusal::PacketFilter) => "look at the rules of its own packet filter",
        Some(
            LocalRefusal::NetworkUnreachable
            | LocalRefusal::HostUnreachable
            | LocalRefusal::InterfaceDown
            | LocalRefusal::AddressGone,
        ) => "look at its interface, its addresses and its routes",
        _ => "",
    }
}

fn stood_still(pause: Option<u64>, late: Option<u64>, never: Share) -> String {
    let mut parts = Vec::new();
    parts.extend(pause.map(|pause| format!("it stood still for {}", Nanos(pause))));
    parts.extend(late.map(|late| format!("sends were up to {} late", Nanos(late))));
    if never.part > 0 {
        let (part, of) = (group_digits(never.part), group_digits(never.of));
        parts.push(format!("{part} of {of} never left"));
    }
    parts.join(", ")
}

fn broke_off(begun: Option<Share>, sent: Option<Share>, received: Option<u64>) -> String {
    let mut parts = Vec::new();
    if let Some(Share { part, of }) = begun.filter(|begun| begun.part < begun.of) {
        parts.push(format!("{part} of {of} streams began"));
    }
    if let Some(Share { part, of }) = sent.filter(|sent| sent.of > 0) {
        parts.push(format!("{} of {} datagrams left", group_digits(part), group_digits(of)));
    } else if let Some(received) = received.filter(|received| *received > 0) {
        parts.push(format!("{} came, of an unknown number", group_digits(received)));
    }
    if parts.is_empty() {
        return "before anything was sent, as far as is known".to_owned();
    }
    parts.join(", ")
}
