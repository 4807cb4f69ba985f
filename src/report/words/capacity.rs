//! Sentences on a capacity measurement.

use super::terms::plural;
use crate::record::{
    AdjustmentType, CapacityHost, CapacityLimit, CapacityNote, ThroughputVerdict, Worded,
};
use crate::units::{BitRate, Nanos};

/// `B`, as the standards write it.
pub fn type_name(kind: AdjustmentType) -> &'static str {
    match kind {
        AdjustmentType::B => "B",
        AdjustmentType::C => "C",
    }
}

fn host_name(host: CapacityHost) -> &'static str {
    match host {
        CapacityHost::Sender => "the sender was behind its schedule",
        CapacityHost::ReceiverSocket => "the receiver's socket dropped datagrams",
    }
}

/// The verdict on a capacity; nothing for others.
pub fn verdict(verdict: &ThroughputVerdict) -> String {
    match *verdict {
        ThroughputVerdict::Capacity {
            limit,
            ip_bits_per_second,
            largest_ip_bits_per_second,
            ..
        } => limit_text(limit, ip_bits_per_second, largest_ip_bits_per_second),
        _ => String::new(),
    }
}

/// What was the limit; rates are at the IP layer.
fn limit_text(limit: CapacityLimit, capacity: Option<u64>, largest: Option<u64>) -> String {
    let rate =
        |rate: Option<u64>| rate.map_or_else(|| "-".to_owned(), |of| BitRate(of).to_string());
    let at_least = format!("capacity not measured, at least {}", rate(largest));
    match limit {
        CapacityLimit::Path => format!(
            "limited by the path: its IP-layer capacity is {}; above that it lost datagrams or \
             delayed them",
            rate(capacity)
        ),
        CapacityLimit::Sender => {
            format!("{at_least}: limited by the sender, which was behind its schedule")
        }
        CapacityLimit::ReceiverSocket => {
            format!("{at_least}: limited by the receiver's socket, which dropped datagrams")
        }
        CapacityLimit::Host => format!("{at_least}: limited by a host"),
        CapacityLimit::HighestRate => {
            format!("{at_least}: the path carried the highest rate of the measurement")
        }
        CapacityLimit::Time => {
            format!("{at_least}: the rate was still rising at the end of the time")
        }
        CapacityLimit::NoSubInterval => {
            "capacity not measured: no sub-interval was complete".to_owned()
        }
    }
}

impl Worded for CapacityNote {
    fn text(&self) -> String {
        match *self {
            Self::NoQueue { delay_max_ns } => format!(
                "loss came without delay (variation {} at most): the bottleneck is a policer, or \
                 has a very short queue, and a sender that is less even gets less through",
                Nanos(delay_max_ns)
            ),
            Self::Burst { typical_ip_bits_per_second } => format!(
                "the largest sub-interval has a burst that the bottleneck lets through once: {} \
                 is what it carries in the long run",
                BitRate(typical_ip_bits_per_second)
            ),
            Self::CoarseSteps { step_ip_bits_per_second } => format!(
                "the measurement steps back by {}, which is much for a path as slow as this: it \
                 may carry more",
                BitRate(step_ip_bits_per_second)
            ),
            Self::HostLimited { sub_intervals, host, ip_bits_per_second } => format!(
                "{} faster, up to {}, and not called capacity: {}",
                match sub_intervals {
                    1 => "1 sub-interval was".to_owned(),
                    more => format!("{} were", plural(more, "sub-interval")),
                },
                BitRate(ip_bits_per_second),
                host_name(host)
            ),
        }
    }
}
