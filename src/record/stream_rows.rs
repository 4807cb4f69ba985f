//! What the receiver of each stream of a throughput run counted.

use super::EcnCounts;
use serde::Serialize;

/// What one stream's receiver counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StreamRow {
    /// The stream, from 0.
    pub stream: u64,
    /// Datagrams sent; `None` where the receiver never got the sender's total.
    #[serde(rename = "sent_datagrams")]
    pub sent: Option<u64>,
    /// First copies that arrived.
    pub delivered: u64,
    /// Datagrams lost.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Runs of lost datagrams (RFC 3357); `None` where the receiver cannot tell.
    pub loss_bursts: Option<u64>,
    /// Of the lost, those that the receiver's socket dropped, damaged ones among them; likewise.
    pub socket_drops: Option<u64>,
    /// The smallest transit time, in nanoseconds, above that of the fastest stream; `None` if
    /// nothing arrived.
    pub min_above_fastest_ns: Option<u64>,
    /// Median delay above the stream's own minimum, in nanoseconds; `None` for fewer than twenty
    /// datagrams.
    pub delay_p50_ns: Option<u64>,
}

/// What one stream's receiver counted, as the dialogue carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Datagrams sent, if known to the receiver.
    pub sent: Option<u64>,
    /// First copies that arrived.
    pub delivered: u64,
    /// Datagrams lost.
    pub lost: u64,
    /// Runs of lost datagrams.
    pub loss_bursts: u64,
    /// Drops of its socket.
    pub socket_drops: u64,
    /// The smallest transit time: arrival minus sending, on two clocks, so any value.
    pub min_transit_ns: Option<i64>,
    /// Median delay above the minimum.
    pub delay_p50_ns: Option<u64>,
    /// 90th percentile of the same.
    pub delay_p90_ns: Option<u64>,
    /// 99th percentile of the same.
    pub delay_p99_ns: Option<u64>,
    /// Jitter by RFC 3550.
    pub jitter_ns: Option<u64>,
    /// What arrived, by its ECN field.
    pub ecn: Option<EcnCounts>,
}
