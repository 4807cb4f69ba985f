//! The results of a fan-out, at the sender and at the receiver.

use super::finding::all;
use super::host_losses::Certainty;
use super::{
    ArrivalGaps, CastForeign, CastGap, CastReceiving, CastStream, DeliveryError, FanoutStanding,
    HostReport, InterfaceEvent, LimitReport, Outage, PlacedLosses, ReceivedCaveat, SendRefusal,
    Trouble, Way, hold_against,
};
use crate::units::{Limit, Measured, Metric, Nanos};
use serde::{Serialize, Serializer};

/// Summary of `cast send`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastSent {
    /// Datagrams that the kernel accepted, over all destinations; end marks are not counted.
    pub datagrams: u64,
    /// Payload bytes, including the measurement header if there is one.
    pub bytes: u64,
    /// Datagrams that this host refused, over all destinations.
    pub refused: u64,
    /// Sequence numbers used: each went to every destination. `None` with `--no-header`.
    pub numbered: Option<u64>,
    /// The run's tag in the measurement header; `None` with `--no-header`.
    pub tag: Option<u16>,
    /// Bytes of the measurement header in each datagram; 0 with `--no-header`.
    pub header_bytes: u64,
    /// The longest pause of this host (suspended, or without processor time) in which it sent
    /// nothing; 0 for no pause of 0.1 s or more.
    pub pause_ns: u64,
    /// From the first send to the last.
    pub duration_ns: u64,
    /// Payload rate over all destinations; `None` for fewer than two sends.
    pub bits_per_second: Option<u64>,
    /// Datagrams per second over all destinations; `None` for fewer than two sends.
    pub datagrams_per_second: Option<u64>,
    /// Whether the user ended the run early.
    pub interrupted: bool,
    /// Addresses of this host that went, came back or were replaced, the first 256.
    pub interface_events: Vec<InterfaceEvent>,
    /// Results per destination, in the order given.
    pub destinations: Vec<CastDestination>,
    /// The receivers' reports; empty with `--no-header`.
    #[serde(flatten)]
    pub standing: FanoutStanding,
    /// The result of each `--fail-if` limit.
    pub limits: Vec<LimitReport>,
}

/// One destination of a fan-out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastDestination {
    /// The address, `239.1.2.3:5000`.
    pub destination: String,
    /// The requested interface; `None` when the route chose it.
    pub interface: Option<String>,
    /// Datagrams that the kernel accepted.
    pub sent: u64,
    /// Payload bytes of these.
    pub bytes: u64,
    /// Datagrams that this host refused.
    pub refused: u64,
    /// Why, by error number; the latest is last.
    pub refusals: Vec<SendRefusal>,
    /// ICMP errors that report an undelivered datagram; multicast causes none.
    pub unreachable: u64,
    /// The latest of these errors.
    #[serde(serialize_with = "super::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<DeliveryError>>"))]
    pub unreachable_reason: Option<DeliveryError>,
    /// All of these errors, by kind, with the address that each came from and when.
    pub network_errors: Vec<Trouble>,
}

/// Summary of `cast recv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastReceived {
    /// What was listened to.
    pub groups: Vec<CastGroup>,
    /// Datagrams of all sources, copies included; end marks are not counted.
    pub received: u64,
    /// Payload bytes, including the measurement header if there is one.
    pub bytes: u64,
    /// Lost over all sources; `None` with `--no-header`.
    #[serde(rename = "lost_datagrams")]
    pub lost: Option<u64>,
    /// Where these were lost, as far as this host knows; `None` with `--no-header`.
    #[serde(rename = "lost")]
    pub places: Option<PlacedLosses>,
    /// This host and its counters, if they can be read.
    pub hosts: Vec<HostReport>,
    /// Second and later copies over all sources; `None` with `--no-header`.
    pub duplicates: Option<u64>,
    /// Payload bytes of these, which do not count as goodput; `None` with `--no-header`.
    pub duplicate_bytes: Option<u64>,
    /// Reordered over all sources (RFC 4737); `None` with `--no-header`.
    pub reordered: Option<u64>,
    /// Datagrams without a measurement header; `None` with `--no-header`.
    pub strays: Option<u64>,
    /// Datagrams of sources beyond those that the table holds.
    pub others: u64,
    /// Datagrams to unexpected addresses, or on unexpected interfaces.
    pub foreign: u64,
    /// Sources of the first 16 kinds of these.
    pub foreign_from: Vec<CastForeign>,
    /// Datagrams of excluded sources that the kernel delivered; those that it filtered itself are
    /// not counted.
    pub excluded: u64,
    /// Unicast copies that a sender sent for comparison (`cast send --compare`), which are in no
    /// other count; `None` if there were none.
    pub unicast_copies: Option<u64>,
    /// What was written with `--out`; `None` without.
    #[serde(rename = "stored_stream")]
    pub stream: Option<CastStream>,
    /// Buffers that this host's sockets dropped.
    pub socket_drops: u64,
    /// Reports to senders that this host itself refused to send.
    pub reports_refused: u64,
    /// Why, by error number; the latest is last.
    pub report_refusals: Vec<SendRefusal>,
    /// Memberships and addresses that went or came back with this host's interfaces, the first
    /// 256.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<InterfaceEvent>>"))]
    pub interface_events: Vec<InterfaceEvent>,
    /// The longest time for which this host itself paused (suspended, or without processor time)
    /// and read nothing; 0 for no pause of 0.1 s or more. Arrivals, silence and delays are
    /// unaffected: they are measured by the kernel's time stamps.
    pub reader_pause_ns: u64,
    /// From the first join to the end.
    pub duration_ns: u64,
    /// Whether the user ended the run early.
    pub interrupted: bool,
    /// Results per source and group, in order of appearance.
    #[serde(rename = "source_rows")]
    pub sources: Vec<CastSource>,
    /// Expected datagrams; `None` without `--expect`.
    pub expected: Option<u64>,
    /// The result of each `--fail-if` limit.
    pub limits: Vec<LimitReport>,
    /// Caveats about the whole.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<ReceivedCaveat>>"))]
    pub caveats: Vec<ReceivedCaveat>,
}

impl CastReceived {
    /// Datagrams received, without duplicates; with `--no-header` all of them.
    pub fn firsts(&self) -> u64 {
        self.received - self.duplicates.unwrap_or(0)
    }

    /// Whether all expected datagrams arrived.
    pub fn is_complete(&self) -> bool {
        self.expected.is_none_or(|expected| self.firsts() >= expected)
    }

    /// Checks limits: counts are summed over the sources, other metrics are those of the worst
    /// source.
    pub fn hold(&self, limits: &[Limit]) -> Vec<LimitReport> {
        let hold = |limit| hold_against(limit, Way::Down, |metric| self.measured(metric));
        limits.iter().map(hold).collect()
    }

    /// The metrics that a limit can be set on.
    pub const METRICS: &[Metric] = &[
        Metric::Loss,
        Metric::P50,
        Metric::P99,
        Metric::Max,
        Metric::Jitter,
        Metric::Duplicates,
        Metric::Reordered,
        Metric::Burst,
        Metric::Outage,
    ];

    fn measured(&self, metric: Metric) -> Option<Measured> {
        let worst = |each: fn(&CastSource) -> Option<u64>| {
            let all: Option<Vec<u64>> = self.sources.iter().map(each).collect();
            all?.into_iter().max()
        };
        let heard = !self.sources.is_empty();
        Some(match metric {
            Metric::Loss => match self.expected {
                Some(of) => Measured::Share { part: of.saturating_sub(self.firsts()), of },
                None if !heard || self.sources.iter().any(CastSource::is_tail_unknown) => {
                    return None;
                }
                None => Measured::Share { part: self.lost?, of: self.firsts() + self.lost? },
            },
            Metric::P50 => Measured::Span(worst(|one| one.delay_p50_ns)?),
            Metric::P99 => Measured::Span(worst(|one| one.delay_p99_ns)?),
            Metric::Max => Measured::Span(worst(|one| one.delay_max_ns)?),
            Metric::Jitter => Measured::Span(worst(|one| one.jitter_ns)?),
            Metric::Burst => Measured::Count(worst(|one| one.longest_burst)?),
            Metric::Outage => Measured::Span(worst(|one| {
                let gaps = one.arrival_gaps.as_ref()?;
                Some(gaps.longest_ns.unwrap_or(0))
            })?),
            Metric::Duplicates => Measured::Count(self.duplicates.filter(|_| heard)?),
            Metric::Reordered => Measured::Count(self.reordered.filter(|_| heard)?),
            Metric::Rate
            | Metric::P90
            | Metric::P999
            | Metric::NeverSent
            | Metric::Cut
            | Metric::Altered => return None,
        })
    }
}

/// One group, broadcast address or own address that a receiver listens to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastGroup {
    /// The address, `239.1.2.3:5000`.
    pub group: String,
    /// The requested interfaces; empty when the route chose.
    #[serde(rename = "interface_names")]
    pub interfaces: Vec<String>,
    /// The requested sources; empty for any.
    #[serde(rename = "included_sources")]
    pub sources: Vec<String>,
    /// The excluded sources.
    #[serde(rename = "excluded_sources")]
    pub excluded: Vec<String>,
}

/// Silence at the end of a run, in usual gaps of its source, from which more may be missing.
const TAIL_GAPS: u64 = 10;
/// A shorter silence, in nanoseconds, never counts.
const TAIL_LEAST: u64 = 200_000_000;

impl CastSource {
    /// Whether datagrams after the last received one may be missing: no end mark gave the total,
    /// and the silence is longer than the stream's own gaps explain.
    pub fn is_tail_unknown(&self) -> bool {
        let gaps = self.received.saturating_sub(1).max(1);
        let usual = (self.duration_ns / gaps).saturating_mul(TAIL_GAPS);
        self.sender_total.is_none() && self.silence_at_end_ns > usual.max(TAIL_LEAST)
    }
}

/// What arrived from one source, for one group, on one interface, in one of the source's runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastSource {
    /// Address and port of the sender.
    pub source: String,
    /// The destination: a group, a broadcast address or an address of this host.
    pub group: String,
    /// The receiving interface; `None` if the kernel did not report it.
    pub interface: Option<String>,
    /// The run's tag: a sender that starts again has another. `None` with `--no-header`.
    pub tag: Option<u16>,
    /// Datagrams, duplicates included.
    pub received: u64,
    /// Payload bytes, including the measurement header if there is one.
    pub bytes: u64,
    /// Missing between the first received datagram and the end (or the last received).
    #[serde(rename = "lost_datagrams")]
    pub lost: Option<u64>,
    /// Second and later copies.
    pub duplicates: Option<u64>,
    /// Payload bytes of these.
    pub duplicate_bytes: Option<u64>,
    /// Payload bits per second of first copies, from the first arrival to the last: n datagrams
    /// have n - 1 gaps. `None` for fewer than two.
    pub goodput_bits_per_second: Option<u64>,
    /// First copies a second, calculated in the same way.
    pub goodput_datagrams_per_second: Option<u64>,
    /// Datagrams that arrived after one with a higher number (RFC 4737 §3.3).
    pub reordered: Option<u64>,
    /// Interarrival jitter (RFC 3550 §6.4.1); `None` for fewer than two datagrams.
    pub jitter_ns: Option<u64>,
    /// Runs of lost numbers (RFC 3357).
    pub bursts: Option<u64>,
    /// The longest of these, in datagrams.
    pub longest_burst: Option<u64>,
    /// When nothing came: the longest eight, in nanoseconds since the first datagram. `None` with
    /// `--no-header`.
    pub outages: Option<Vec<Outage>>,
    /// Every gap in its arrivals that is longer than `--outage`; `None` with `--no-header`.
    pub arrival_gaps: Option<ArrivalGaps>,
    /// Median of the one-way delay above its minimum; `None` with too few datagrams, or for sources
    /// beyond the first 64.
    pub delay_p50_ns: Option<u64>,
    /// Its 99th percentile.
    pub delay_p99_ns: Option<u64>,
    /// Its maximum.
    pub delay_max_ns: Option<u64>,
    /// From the join to the first datagram; `None` if that arrived before the join was confirmed.
    pub join_to_first_ns: Option<u64>,
    /// From the first datagram to the last.
    pub duration_ns: u64,
    /// From the last datagram to the end of the run.
    pub silence_at_end_ns: u64,
    /// The first sequence number received: not 0 for a receiver that joined late.
    pub first_sequence: Option<u64>,
    /// Whether the join preceded the sender's first datagram, so that datagrams missing before the
    /// first received one were lost; `None` without an end mark.
    pub joined_before: Option<bool>,
    /// Datagrams the sender reports as sent in its end mark; `None` if none was received, and then
    /// losses after the last datagram are not counted.
    pub sender_total: Option<u64>,
}

/// A receiver's counts, once per interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CastInterval {
    /// Since the first join.
    #[serde(rename = "elapsed_ns", serialize_with = "nanos")]
    pub elapsed: Nanos,
    /// The interval's length.
    #[serde(rename = "duration_ns", serialize_with = "nanos")]
    pub span: Nanos,
    /// First copies that arrived in the interval.
    pub received: u64,
    /// Payload bytes of these.
    pub bytes: u64,
    /// Found lost in the interval: falls below zero when a late datagram fills an earlier gap.
    #[serde(rename = "lost_datagrams")]
    pub lost: i64,
    /// Of the lost, those that this host's sockets dropped.
    #[serde(rename = "socket_drops")]
    pub at_socket: u64,
    /// Of the lost, those that this host dropped before its sockets.
    pub in_host: u64,
    /// Whether that is a bound.
    pub in_host_certainty: Certainty,
    /// Of the lost, those that arrived damaged.
    pub damaged: u64,
    /// Duplicates in the interval.
    pub duplicates: u64,
    /// Datagrams without the measurement header that arrived in the interval and are not counted.
    #[serde(rename = "strays")]
    pub without_header: u64,
    /// Sources received so far.
    #[serde(rename = "sources_heard")]
    pub sources: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
fn nanos<S: Serializer>(nanos: &Nanos, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(nanos.as_u64())
}

/// What happens while a receiver runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CastEvent<'a> {
    /// First datagram from a source.
    Heard(Heard<'a>),
    /// An interval ended.
    Interval(CastInterval),
    /// The next piece of the stream that is stored, in order.
    Content(&'a [u8]),
    /// Something is missing in the stream that is stored, between the piece before and the next.
    Gap(CastGap),
    /// First unexpected datagram of its kind.
    Foreign(&'a CastForeign),
    /// How it stands, for programs that watch the run.
    Standing(&'a CastReceiving),
    /// A membership or an address went or came back.
    Interface(&'a InterfaceEvent),
    /// First datagram without the measurement header.
    NoHeader {
        /// Address and port of the sender.
        source: &'a str,
        /// The group that it sent to.
        group: &'a str,
    },
}

/// A source whose first datagram arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<'a> {
    /// Address and port of the sender.
    pub source: &'a str,
    /// The group that it sent to.
    pub group: &'a str,
    /// From the join to this datagram; `None` if it arrived before the join was confirmed.
    pub join_to_first: Option<Nanos>,
}
