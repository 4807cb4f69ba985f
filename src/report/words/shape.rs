//! Sentences of `probe shape`.

use super::terms::{list, part, plural};
use crate::record::Worded;
use crate::record::probe::{
    Counted, NotOpened, PayloadFinding, PayloadKind, RateLimit, ShapeAlternative, ShapeCaveat,
    ShapeEvidence, ShapeVerdict, SizeSet, TrainPurpose, Way,
};
use crate::units::{BitRate, ByteCount, Nanos, group_digits};

/// A kind's name.
pub fn kind_name(kind: PayloadKind) -> &'static str {
    match kind {
        PayloadKind::Plain => "plain",
        PayloadKind::Random => "random",
        PayloadKind::Zeros => "zeros",
        PayloadKind::Dns => "DNS",
        PayloadKind::Quic => "QUIC",
        PayloadKind::Sip => "SIP",
        PayloadKind::Stun => "STUN",
        PayloadKind::Reply => "reply",
    }
}

/// A train's name.
pub fn train_name(purpose: TrainPurpose) -> &'static str {
    match purpose {
        TrainPurpose::Search => "test rate",
        TrainPurpose::Short => "short datagrams",
        TrainPurpose::Below => "below the limit",
        TrainPurpose::Again => "the first again",
        TrainPurpose::Spread => "over all ports",
    }
}

impl Worded for ShapeVerdict {
    fn text(&self) -> String {
        match self {
            Self::NoPorts => "nothing was sent: the server opened no port for the test".to_owned(),
            Self::Compared { limit, payloads } => {
                let limit = limit.iter().map(rate_limit);
                let parts: Vec<String> = limit.chain(payloads.iter().map(payload)).collect();
                parts.join("; ")
            }
            Self::Shared(refusal) => refusal.text(),
        }
    }
}

fn rate_limit(limit: &RateLimit) -> String {
    let traffic = match limit.way {
        Some(Way::Out) => "outbound traffic",
        Some(Way::Back) => "inbound traffic",
        None => "traffic",
    };
    let burst = plural(limit.burst_datagrams, "datagram");
    let per_second = limit.datagrams_per_1000_s / 1_000;
    if per_second == 0 {
        return format!("{traffic} stops after the first {burst}");
    }
    let (rate, burst) = if limit.counts == Some(Counted::Bytes) {
        (BitRate(limit.bits_per_s).to_string(), ByteCount(limit.burst_bytes).to_string())
    } else {
        let rounded = (limit.datagrams_per_1000_s + 500) / 1_000;
        (format!("{} datagrams/s", group_digits(rounded)), burst)
    };
    let what = if limit.queues { "a shaper (rate limit with a queue)" } else { "a policer" };
    let each = if limit.each_port == Some(true) { " per port" } else { "" };
    format!("{what} limits {traffic} to {rate}{each} after a burst of {burst}")
}

fn payload(found: &PayloadFinding) -> String {
    match found {
        PayloadFinding::AllPass => "payloads of every kind and size pass".to_owned(),
        PayloadFinding::NotCompared => "payloads were not compared".to_owned(),
        PayloadFinding::PortBlocked { port } => format!("nothing arrives at port {port}"),
        PayloadFinding::SizesBlocked { sizes } => {
            format!("payloads of {} are blocked, whatever their content", size_set(sizes))
        }
        PayloadFinding::KindBlocked { kind, sizes } => {
            let kind = match kind {
                PayloadKind::Zeros => "all-zero".to_owned(),
                PayloadKind::Plain | PayloadKind::Random => kind_name(*kind).to_owned(),
                _ => format!("{}-like", kind_name(*kind)),
            };
            let sizes = sizes.as_ref().map(|sizes| format!(" of {}", size_set(sizes)));
            format!("{kind} payloads{} are blocked", sizes.unwrap_or_default())
        }
        PayloadFinding::RepliesBlocked { sizes } => {
            format!("replies of {} do not come back", size_set(sizes))
        }
        PayloadFinding::Unknown { rows, loss } => {
            let why = loss.map_or_else(String::new, |loss| format!(": {}", loss.text()));
            format!("{} could not be determined{why}", combinations(*rows))
        }
    }
}

fn combinations(rows: u64) -> String {
    format!("{} of kind and size", plural(rows, "combination"))
}

fn size_set(sizes: &SizeSet) -> String {
    match sizes {
        SizeSet::These { sizes_bytes } => {
            let each: Vec<String> = sizes_bytes.iter().map(ToString::to_string).collect();
            format!("{} bytes", list(&each))
        }
        SizeSet::AndLarger { from_bytes } => format!("{from_bytes} bytes and more"),
        SizeSet::AndSmaller { up_to_bytes } => format!("{up_to_bytes} bytes and less"),
    }
}

impl Worded for ShapeEvidence {
    fn text(&self) -> String {
        match self {
            Self::Train { purpose, payload_bytes, offered_per_s, sent, arrived, answered } => {
                let arrived = arrived.map_or_else(
                    || "arrivals unknown".to_owned(),
                    |arrived| format!("{} arrived", group_digits(arrived)),
                );
                format!(
                    "{}: {} of {payload_bytes} bytes at {}/s, {arrived}, {} answered",
                    train_name(*purpose),
                    plural(*sent, "datagram"),
                    group_digits(*offered_per_s),
                    group_digits(*answered)
                )
            }
            Self::TrainRefused { purpose, refused } => format!(
                "{}: {} did not leave this host",
                train_name(*purpose),
                plural(*refused, "more datagram")
            ),
            Self::PayloadsPassed { passed, rows, answered, sent } => format!(
                "{} of {} arrived; {} were answered",
                group_digits(*passed),
                combinations(*rows),
                part(*answered, *sent, "datagram")
            ),
            Self::PortBlocked { port } => {
                format!("nothing arrives at port {port}; `udpkit probe ports` tests it")
            }
            Self::Shared(control) => control.text(),
        }
    }
}

impl Worded for ShapeAlternative {
    fn text(&self) -> String {
        match self {
            Self::HostInspects => "one of the two hosts filters by payload, not the path",
            Self::HostLimits => "one of the two hosts limits the rate, not the path",
        }
        .to_owned()
    }
}

impl Worded for ShapeCaveat {
    fn text(&self) -> String {
        match self {
            Self::TryOtherPorts => "`--ports` selects other ports".to_owned(),
            Self::RepliesLost { rows } => {
                format!("{} arrived but got no reply", combinations(*rows))
            }
            Self::TrainLoss { lost, sent } => format!(
                "{} sent at the test rate were lost, but not because of a rate limit",
                part(*lost, *sent, "datagram")
            ),
            Self::HigherLimitUnseen { datagrams_per_s, payload_bps } => format!(
                "a limit above {} datagrams/s ({} of payload) would not have been seen",
                group_digits(*datagrams_per_s),
                BitRate(*payload_bps)
            ),
            Self::CountingUnknown => {
                "could not determine whether the limit counts datagrams or bytes".to_owned()
            }
            Self::LateReplies { late_ns } => format!(
                "the server sent replies in bunches, up to {} late; the inbound limit may be \
                 higher",
                Nanos(*late_ns)
            ),
            Self::RepliesLookAlike => {
                "payload kinds were tested outbound only; replies all look alike".to_owned()
            }
            Self::NotOpened { ports, reason } => {
                format!(
                    "the server did not open ports {ports}: {}",
                    NotOpened::from(*reason).text()
                )
            }
            Self::Shared(caveat) => caveat.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_stated_in_the_unit_that_it_counts() {
        let limit = RateLimit {
            way: Some(Way::Out),
            datagrams_per_1000_s: 200_400,
            bits_per_s: 1_650_000,
            burst_datagrams: 21,
            burst_bytes: 21_588,
            counts: Some(Counted::Datagrams),
            each_port: Some(false),
            queues: false,
            agent_late_ns: 0,
        };
        let quota = RateLimit { datagrams_per_1000_s: 999, way: None, ..limit };
        let bytes = RateLimit { counts: Some(Counted::Bytes), each_port: Some(true), ..limit };
        let told = [limit, bytes, quota].map(|limit| rate_limit(&limit));
        assert_eq!(
            told,
            [
                "a policer limits outbound traffic to 200 datagrams/s after a burst of 21 datagrams",
                "a policer limits outbound traffic to 1.65 Mbit/s per port after a burst of 21.6 kB",
                "traffic stops after the first 21 datagrams",
            ]
        );
    }
}
