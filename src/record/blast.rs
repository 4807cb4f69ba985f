//! The result of a throughput run, for each direction and as a whole.

use super::host_losses::HostReport;
use super::placed_losses::PlacedLosses;
use super::run_failure::{FailureAdvice, RefusalCause, RunFailure};
use super::throughput_advice::ThroughputAdvice;
use super::throughput_findings::{LimitedBy, ThroughputFindings};
use super::{
    AddressMove, ArrivalGaps, CapacityReport, ChangedContent, Contradiction, DelayQuantiles,
    EcnClass, EcnCounts, EcnFinding, InterfaceEvent, Iperf3Report, LimitReport, Occurrence, Outage,
    ProbeReport, Refusal, SizeRow, SizesAsked, StreamRow, Way,
};
use crate::batch::{RxCall, TxCall};
use crate::stats::{EncodedHistogram, LossGaps};
use crate::units::Rate;
use serde::{Serialize, Serializer};

/// What the receiving end counted in one interval of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BlastInterval {
    /// Start, in nanoseconds from the first arrival.
    pub start_ns: u64,
    /// Length in nanoseconds; only the last may be shorter than requested.
    pub duration_ns: u64,
    /// Datagrams that arrived, duplicates included.
    pub datagrams: u64,
    /// Payload bytes that arrived.
    pub bytes: u64,
    /// Datagrams lost in this interval; late arrivals are subtracted from the total, not from a
    /// later interval, so this is never negative.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Second and further copies.
    pub duplicates: u64,
    /// Reordered datagrams (RFC 4737).
    pub reordered: u64,
    /// Of the lost, those that the receiver's own socket dropped.
    pub socket_drops: u64,
    /// Of these, at most so many because they were damaged, by what the receiver's host counted
    /// meanwhile (`InCsumErrors`).
    pub damaged: u64,
    /// Datagrams that arrived cut, beside those that arrived whole.
    pub cut: u64,
    /// Datagrams that arrived altered, beside those.
    pub altered: u64,
    /// Largest one-way delay in this interval, above the smallest of the run so far; `None` if
    /// nothing arrived, or if the receiver does not report it.
    pub delay_max_ns: Option<u64>,
}

/// An interval and whose datagrams it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DirectedInterval {
    /// The direction of the datagrams.
    pub direction: Way,
    /// What the receiving end counted.
    #[serde(flatten)]
    pub interval: BlastInterval,
}

/// Number of loss burst length classes, by powers of two.
pub const BURST_CLASSES: usize = 12;

/// What the receiving end of one stream, or of all, has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BlastReceived {
    /// Datagrams of the run that arrived whole: firsts, duplicates and too late ones.
    pub datagrams: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// First copies.
    pub firsts: u64,
    /// Second and further copies.
    pub duplicates: u64,
    /// Reordered datagrams (RFC 4737); never counted as lost.
    pub reordered: u64,
    /// The largest reordering extent, in datagrams (RFC 4737 §4.2.2).
    pub reorder_extent_max: u64,
    /// All extents added up.
    pub reorder_extent_sum: u64,
    /// Older than the reorder window, so it is unknown whether it was a first copy or a duplicate.
    pub too_late: u64,
    /// Missing: the sender's total if known, otherwise the highest number seen, minus first copies
    /// and those with changed content.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Of the lost, those that the receiver's own socket dropped.
    pub socket_drops: u64,
    /// What that socket dropped, in buffers: with coalesced receiving (GRO) one may hold many
    /// datagrams.
    pub drop_events: u64,
    /// Runs of lost datagrams (RFC 3357).
    pub loss_bursts: u64,
    /// Length of the longest such run, in datagrams.
    pub longest_burst: u64,
    /// Such runs by length: entry `k` counts those of 2^k to 2^(k+1) - 1 datagrams, the last all
    /// that are longer.
    pub burst_lengths: [u64; BURST_CLASSES],
    /// Datagrams that arrived cut or altered.
    #[serde(flatten)]
    pub changed: ChangedContent,
    /// Datagrams with the run's tag that cannot be counted: unreadable ones, and changed copies of
    /// others.
    pub corrupt: u64,
    /// Datagrams that belong to no run, or another one.
    pub strays: u64,
    /// First to last arrival, in nanoseconds.
    pub span_ns: u64,
    /// Datagrams that arrived at the first instant of their stream: they begin the time span and
    /// are not part of a rate over it. `None` if not reported.
    pub at_start: Option<u64>,
    /// The longest time between two arrivals, in nanoseconds.
    pub silence_ns: u64,
    /// Its longest silences in which datagrams were lost.
    #[serde(skip)]
    pub gaps: LossGaps,
    /// The longest time, in nanoseconds, that an arrived datagram waited to be read or that the
    /// reader itself paused: not caused by the path. `None` if not reported.
    pub reader_pause_ns: Option<u64>,
    /// Jitter by RFC 3550, in nanoseconds; `None` before two datagrams.
    pub jitter_ns: Option<u64>,
    /// Delay above minimum, without the clocks' drift.
    pub delay: DelayQuantiles,
    /// Drift of the receiver's clock relative to the sender's, in parts per billion, positive if
    /// the receiver's is faster; `None` if no drift was seen, or not for long enough.
    pub drift_ppb: Option<i64>,
    /// Times that a clock was set during the run.
    pub clock_steps: u64,
    /// Processor time of the receiving thread, in nanoseconds; `None` until it ended.
    pub cpu_ns: Option<u64>,
    /// The sender's total, once known to the receiver.
    pub sender_total: Option<u64>,
    /// The smallest transit time, arrival minus sending on two clocks, in nanoseconds; `None`
    /// without arrivals, and where it is not reported.
    pub min_transit_ns: Option<i64>,
    /// What arrived whole, by its ECN field; `None` if not reported.
    pub ecn: Option<EcnCounts>,
}

impl BlastReceived {
    /// Datagrams whose numbers arrived: first copies, and those with changed content.
    pub fn numbers(&self) -> u64 {
        self.firsts.saturating_add(self.changed.datagrams())
    }
}

/// An error from the network, and how often it was received.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct NetworkErrorRow<'a> {
    #[serde(serialize_with = "super::run_failure::cause")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Statement"))]
    error: &'a RefusalCause,
    times: u64,
    #[serde(flatten)]
    seen: Occurrence,
}

/// For serde: errors from the network in the same form as in every document.
fn network_errors<S: Serializer>(errors: &[Refusal], to: S) -> Result<S::Ok, S::Error> {
    let rows = errors.iter();
    to.collect_seq(rows.map(|of| NetworkErrorRow {
        error: &of.cause,
        times: of.datagrams,
        seen: of.seen,
    }))
}

/// What the sending end of one stream, or of all, has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BlastSent {
    /// Datagrams that the schedule called for.
    pub offered: u64,
    /// Datagrams that the kernel accepted.
    pub datagrams: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Datagrams that the kernel refused, by cause.
    pub refused: Vec<Refusal>,
    /// Buffers, each of one datagram or more, in which those were for which a queue had no room;
    /// `None` if not reported.
    pub queue_full_buffers: Option<u64>,
    /// Errors from the network (ICMP) for datagrams in transit, by cause.
    pub network_errors: Vec<Refusal>,
    /// Datagrams that were due but still waited when the time was over.
    pub unsent: u64,
    /// Times that the socket's send buffer was full.
    pub blocked: u64,
    /// First to last send, in nanoseconds.
    pub span_ns: u64,
    /// Datagrams sent at the first instant of their stream: they begin the time span and are not
    /// part of a rate over it. `None` if not reported.
    pub at_start: Option<u64>,
    /// Duration of the schedule for the offered datagrams, in nanoseconds; without a rate, from the
    /// first attempt to the last. `None` if not reported.
    pub offered_ns: Option<u64>,
    /// How late sends were against the schedule, in nanoseconds; all `None` without a rate.
    pub lateness: DelayQuantiles,
    /// Most datagrams that the schedule lets go at once.
    pub quantum: u64,
    /// Times that sends were more than 100 µs late and caught up, a quantum at a time.
    pub catch_ups: u64,
    /// The longest pause of the sender itself, in nanoseconds; `None` if not reported.
    pub pause_ns: Option<u64>,
    /// Processor time of the sending threads, in nanoseconds; 0 until they ended.
    pub cpu_ns: u64,
}

impl BlastSent {
    /// Datagrams that were offered but not sent.
    pub fn never_sent(&self) -> u64 {
        self.offered.saturating_sub(self.datagrams)
    }
}

/// Whether a paced sender missed what was `offered` by more than a hundredth. One missing datagram
/// in each of its `streams` does not count: it may have been due just as the run ended.
pub fn fell_short(offered: u64, missing: u64, streams: u32) -> bool {
    missing > u64::from(streams) && missing.saturating_mul(100) > offered
}

/// Datagrams and payload, with rates over the time from the first to the last; for received traffic,
/// over the time from the first send to the last where that is longer. The rates are `None` if that
/// is zero (one system call can send 44 datagrams).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Traffic {
    /// Datagrams.
    pub datagrams: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Payload bits per second; for received traffic, those of first copies (goodput).
    pub bits_per_second: Option<u64>,
    /// Datagrams per second; for received traffic, first copies.
    pub datagrams_per_second: Option<u64>,
    /// Bits per second with UDP's and IP's headers, duplicates included.
    pub udp_ip_bits_per_second: Option<u64>,
    /// Bits per second as an Ethernet link would carry them, preamble and gap included.
    pub ethernet_bits_per_second: Option<u64>,
}

/// Where datagrams were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Losses {
    /// Sent and never received.
    pub total: u64,
    /// Offered and never sent, beside these; `None` if the sender did not report.
    pub never_sent: Option<u64>,
    /// Of the lost, those that the sender's host dropped after it had accepted them; `None` if its
    /// counters are unknown.
    pub sender_host: Option<u64>,
    /// Of the lost, those that no counter of either host explains.
    pub path: u64,
    /// The most that this may be: other traffic may have moved the counters that explain the rest.
    pub path_at_most: u64,
    /// Of the lost, those that the receiver's host dropped before its socket; `None` where the
    /// receiver cannot tell.
    pub receiver_host: Option<u64>,
    /// Of the lost, those that the receiver's socket dropped: its buffer or the memory limit was
    /// reached, or for an unknown reason; `None` where the receiver cannot tell.
    pub receiver_socket: Option<u64>,
    /// Of the lost, those that arrived damaged; `None` where the receiver cannot tell.
    pub damaged: Option<u64>,
    /// Runs of lost datagrams (RFC 3357); `None` where the receiver cannot tell, or where several
    /// streams never came to their end.
    pub bursts: Option<u64>,
    /// Length of the longest run, in datagrams; likewise.
    pub longest_burst: Option<u64>,
}

impl Losses {
    /// The sums of what was lost at each place.
    #[must_use]
    pub fn of_places(self, places: &PlacedLosses) -> Self {
        let PlacedLosses { sender_host, path, path_at_most, .. } = *places;
        let PlacedLosses { receiver_host, receiver_socket, damaged, .. } = *places;
        Self { sender_host, path, path_at_most, receiver_host, receiver_socket, damaged, ..self }
    }
}

/// Loss bursts of similar length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BurstLength {
    /// The shortest, in datagrams.
    #[serde(rename = "from_datagrams")]
    pub from: u64,
    /// The longest; `None` for any.
    #[serde(rename = "to_datagrams")]
    pub to: Option<u64>,
    /// How many.
    pub bursts: u64,
}

/// What each datagram costs in headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeaderShare {
    /// UDP's header, in bytes.
    pub udp_bytes: u64,
    /// The Ethernet wire bytes of one datagram.
    pub wire_bytes: u64,
    /// TCP's header, for comparison, in bytes.
    pub tcp_bytes: u64,
}

/// Which of the kernel's batch calls were used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IoReport {
    /// The sender's call; `None` if not reported, or not known to this version.
    #[serde(rename = "tx_mode")]
    pub tx: Option<TxCall>,
    /// The receiver's call, likewise.
    #[serde(rename = "rx_mode")]
    pub rx: Option<RxCall>,
    /// Most datagrams passed to one send call.
    #[serde(rename = "batch_datagrams")]
    pub batch: u32,
    /// The sender's granted send buffer in bytes; `None` if not reported.
    #[serde(rename = "send_buffer_bytes")]
    pub send_buffer: Option<u64>,
    /// The requested receive buffer in bytes; `None` if the receiver is another host.
    #[serde(rename = "receive_buffer_requested_bytes")]
    pub receive_buffer_asked: Option<u64>,
    /// The receiver's granted receive buffer in bytes; `None` if not reported.
    #[serde(rename = "receive_buffer_granted_bytes")]
    pub receive_buffer_granted: Option<u64>,
}

/// Distributions of one direction as HDR histograms, so that runs can be merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BlastHistograms {
    /// One-way delay above the run's minimum, to two digits where the other end received; `None`
    /// where it did not tell, or nobody asked.
    #[serde(rename = "delay_above_min_ns_hdr")]
    pub delay_above_min_ns: Option<EncodedHistogram>,
}

/// One direction of a throughput run.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DirectionReport {
    /// Which end sent.
    pub direction: Way,
    /// What limited it.
    pub limited_by: LimitedBy,
    /// The verdict with its evidence and caveats.
    #[serde(flatten)]
    pub findings: ThroughputFindings,
    /// Advice; `None` if none is needed.
    #[serde(serialize_with = "super::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<ThroughputAdvice>>"))]
    pub advice: Option<ThroughputAdvice>,
    /// Time from first to last send, in nanoseconds; from the receiver if the sender did not
    /// report.
    pub duration_ns: u64,
    /// What the schedule called for; `None` if the sender did not report.
    pub offered: Option<Traffic>,
    /// What was sent; `None` if the sender did not report.
    pub sent: Option<Traffic>,
    /// Datagrams that were offered but not sent.
    pub never_sent: Option<u64>,
    /// Why the kernel refused, by cause.
    #[serde(rename = "refusals")]
    pub refused: Vec<Refusal>,
    /// Errors from the network (ICMP) for datagrams in transit, received by this host, by cause.
    #[serde(serialize_with = "network_errors")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::ErrorRow>"))]
    pub network_errors: Vec<Refusal>,
    /// Datagrams that were due but still waited at the end.
    pub unsent: u64,
    /// Times that the send buffer was full.
    pub blocked: u64,
    /// Whether it fell short of what was offered ([`fell_short`]); `None` without a rate.
    pub sender_limited: Option<bool>,
    /// Number of the requested streams that started; `None` if unknown.
    pub streams_begun: Option<u64>,
    /// Each stream, where there are several and the receiver reported on each.
    pub stream_rows: Vec<StreamRow>,
    /// Whether both ends delivered final counts; otherwise received and lost are the last interim
    /// counts.
    pub counts_final: bool,
    /// What arrived, including copies; `None` if the receiver did not report. Its payload and
    /// datagram rates count first copies only.
    pub received: Option<Traffic>,
    /// First copies among what arrived.
    pub delivered: Option<u64>,
    /// Their payload bytes.
    pub delivered_bytes: Option<u64>,
    /// Second and further copies, with rates of their own.
    #[serde(rename = "duplicate_traffic")]
    pub copies: Option<Traffic>,
    /// Datagrams that arrived shorter than they were sent: something that forwards them, such as a
    /// relay or a gateway, cut them. Neither lost nor received. `None` if the receiver did not
    /// report.
    pub cut: Option<u64>,
    /// The most payload bytes of these; `None` without any.
    pub cut_to_bytes: Option<u64>,
    /// Datagrams that arrived with other bytes than were sent and a right checksum: something on
    /// the path rewrote them. Neither lost nor received. Without `--verify`, samples are compared
    /// until one is found altered.
    pub altered: Option<u64>,
    /// What was sent with each ECN field, and how it arrived; empty if the receiver did not report.
    pub ecn_classes: Vec<EcnClass>,
    /// What is to be said of that: nothing where all arrived as it was sent, or was marked as ECN
    /// allows.
    #[serde(serialize_with = "super::finding::all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<EcnFinding>>"))]
    pub ecn_findings: Vec<EcnFinding>,
    /// Where datagrams were lost; `None` if the receiver did not report.
    pub lost: Option<Losses>,
    /// The hosts whose counters are known, or at which something was lost.
    pub hosts: Vec<HostReport>,
    /// Second and further copies.
    pub duplicates: Option<u64>,
    /// Loss bursts by length; lengths that did not occur are omitted.
    pub burst_lengths: Vec<BurstLength>,
    /// The outages of this direction, which are in the run's list too; `None` if the receiver does
    /// not tell them.
    #[serde(skip)]
    pub outages: Option<Vec<Outage>>,
    /// Each class of sizes, where they differ; empty if the receiver did not report on them.
    pub size_rows: Vec<SizeRow>,
    /// Its gaps in arrivals; `None` if the receiver does not tell them.
    pub arrival_gaps: Option<ArrivalGaps>,
    /// The longest time between two arrivals; `None` if no two arrived.
    pub silence_ns: Option<u64>,
    /// The longest time the receiving host paused, or left queued datagrams unread; `None` if not
    /// reported.
    pub receiver_pause_ns: Option<u64>,
    /// Reordered datagrams (RFC 4737).
    pub reordered: Option<u64>,
    /// The largest reordering extent, in datagrams (RFC 4737 §4.2.2); `None` without reordering.
    pub reorder_extent_max: Option<u64>,
    /// The mean extent, in thousandths of a datagram.
    pub reorder_extent_mean_milli: Option<u64>,
    /// Datagrams older than the reorder window.
    pub too_late: Option<u64>,
    /// Datagrams with the run's tag that cannot be counted: unreadable ones, and changed copies of
    /// others.
    pub corrupt: Option<u64>,
    /// Datagrams of no run, or another.
    pub strays: Option<u64>,
    /// Jitter by RFC 3550.
    pub jitter_ns: Option<u64>,
    /// One-way delay above the run's minimum, with clock drift removed.
    pub delay_above_min_ns: DelayQuantiles,
    /// The distributions themselves.
    pub histograms: BlastHistograms,
    /// Drift of the receiver's clock relative to the sender's, in parts per billion, positive if
    /// the receiver's is faster; `None` if no drift was seen, or not for long enough, and where both
    /// ends are on one host.
    pub drift_ppb: Option<i64>,
    /// Times that a clock was set during the run; delays around them are wrong.
    pub clock_steps: Option<u64>,
    /// How late sends were against the schedule.
    pub lateness_ns: DelayQuantiles,
    /// The longest pause of the sending host; `None` if not reported.
    pub sender_pause_ns: Option<u64>,
    /// Most datagrams of one stream that the schedule sends at once; 0 without a rate.
    #[serde(rename = "burst")]
    pub quantum: u64,
    /// Times that sends were more than 100 µs late and caught up, a quantum at a time.
    pub catch_ups: u64,
    /// Batch calls and buffers.
    pub io: IoReport,
    /// Processor time of the sending threads over the run's length, in percent of a core.
    pub sender_cpu_percent: Option<u64>,
    /// The same of the receiving threads.
    pub receiver_cpu_percent: Option<u64>,
    /// The intervals of the run, as counted by the receiver.
    pub intervals: Vec<BlastInterval>,
    /// The result of a capacity search; `None` if the rate was not searched for.
    pub capacity: Option<CapacityReport>,
}

impl DirectionReport {
    /// Datagrams that arrived with changed content, if the receiver reported.
    pub fn changed(&self) -> Option<ChangedContent> {
        let (cut, altered) = (self.cut?, self.altered?);
        Some(ChangedContent { cut, cut_to_bytes: self.cut_to_bytes.unwrap_or(0), altered })
    }

    /// Datagrams that the receiver accounted for: first copies, changed and lost ones.
    pub fn accounted(&self, lost: u64) -> u64 {
        let changed = self.changed().map_or(0, |changed| changed.datagrams());
        self.delivered.unwrap_or(0).saturating_add(changed).saturating_add(lost)
    }
}

/// A complete throughput run.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BlastReport {
    /// The remote address.
    pub target: String,
    /// Whether both ends are on this host, by its loopback.
    pub loopback: bool,
    /// Whether both ends are on this host.
    pub one_host: bool,
    /// This end's address and port as seen by the remote end; `None` if not reported.
    pub seen_as: Option<String>,
    /// When the run went on from another address of this end, as the remote end sees it.
    pub address_changes: Vec<AddressMove>,
    /// Addresses of this end that went, came back or were replaced, as this host saw it, the first
    /// 256.
    pub interface_events: Vec<InterfaceEvent>,
    /// When nothing came through, of both directions: the longest eight of each; `None` if that is
    /// unknown.
    pub outages: Option<Vec<Outage>>,
    /// Keepalives that this end sent on the sockets that it receives on, so that NATs and firewalls
    /// on the path stay open to it; counted with nothing else.
    pub keepalives: u64,
    /// The target rate in each direction: bits of payload or datagrams per second, both null for as
    /// fast as possible.
    #[serde(flatten, serialize_with = "super::rates::goal")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::GoalRate"))]
    pub goal: Rate,
    /// Streams in each direction.
    pub streams: u32,
    /// Payload bytes of each datagram, or of the largest.
    pub payload_bytes: u64,
    /// The sizes, where they differ; `payload_bytes` is then the largest. `None` where all are the
    /// same.
    pub sizes: Option<SizesAsked>,
    /// Whether both ends delivered final counts and the run was not ended early.
    pub complete: bool,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// Why the run failed; `None` when it did not.
    #[serde(serialize_with = "super::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<RunFailure>>"))]
    pub failure: Option<RunFailure>,
    /// Advice about the failure; `None` if there is none.
    #[serde(serialize_with = "super::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<FailureAdvice>>"))]
    pub failure_advice: Option<FailureAdvice>,
    /// Why the remote end's report cannot be true; none of its figures is then used here. `None` if
    /// the report is plausible.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<Contradiction>>"))]
    pub contradiction: Option<Contradiction>,
    /// Round-trip times during the run; `None` without `--probe`.
    pub probe: Option<ProbeReport>,
    /// What is known beside that of a run with an iperf3 server; `None` with udpkit's own.
    pub iperf3: Option<Iperf3Report>,
    /// The share of headers.
    pub header: HeaderShare,
    /// The run, or the upstream direction of a bidirectional run; its keys are at the top level.
    #[serde(flatten)]
    pub main: DirectionReport,
    /// The downstream direction of a bidirectional run.
    pub reverse: Option<DirectionReport>,
    /// The result of each limit that the user set, per direction; empty without limits.
    pub limits: Vec<LimitReport>,
}
