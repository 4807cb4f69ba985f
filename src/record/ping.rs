//! Events and results of `ping`: replies as they arrive, the outcome of each probe in order, and
//! the summary.

use super::{
    ArrivalGaps, InterfaceEvent, LimitFound, LimitReport, LocalFailure, Outage, PingAsk,
    PingCaveat, PingProtocol, PingSchedule, PingStanding, ReplyChange, SendRefusal, Trouble, Way,
    hold_against,
};
use crate::batch::NetworkErrorSummary;
use crate::stats::{DelayHistogram, EncodedHistogram};
use crate::units::{Endpoint, Limit, Measured, Metric, Nanos, Standing};
use serde::Serialize;

/// Something that happened while `ping` ran. Targets are counted from 0 in the order of the plan.
#[derive(Clone, Copy, Debug)]
pub enum PingEvent<'a> {
    /// A reply arrived.
    Reply(&'a PingReply),
    /// No reply arrived in time.
    TimedOut(&'a PingTimeout),
    /// The network reported an error for a probe.
    Trouble {
        /// Which target.
        target: usize,
        /// The probe's number; `None` if the error does not quote it.
        seq: Option<u64>,
        /// The error, with the address that it came from.
        error: &'a NetworkErrorSummary,
    },
    /// The kernel refused a probe: the first for this reason.
    Refused(&'a SendRefusal),
    /// An address of this host went, came back or was replaced.
    Interface(&'a InterfaceEvent),
    /// A probe's final outcome, in the order of their numbers.
    Settled(&'a PingRow),
    /// An interval is over: one such event for each target.
    Interval(&'a PingInterval<'a>),
    /// The user asked for interim results: one such event per target.
    Status(&'a PingInterval<'a>),
    /// How a target stands, for programs that watch the run: one such event per target.
    Standing(&'a PingStanding),
    /// All pending events have been delivered: time to flush buffered output.
    Lull,
}

/// The kind of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReplyKind {
    /// The first to its probe, in time.
    Back,
    /// The first to its probe, after the time-out.
    Late,
    /// A further one.
    Duplicate,
}

/// A reply, reported on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingReply {
    /// Which target, counted from 0.
    #[serde(rename = "target_index")]
    pub target: usize,
    /// Its source; not always the target.
    pub source: Endpoint,
    /// The probe's number, from 0.
    pub seq: u64,
    /// Its kind.
    pub kind: ReplyKind,
    /// Its payload bytes.
    pub bytes: u64,
    /// TTL or hop limit on arrival; `None` if not available.
    pub ttl: Option<u8>,
    /// From the actual transmission to the arrival, without the time in the reflector; `None` if
    /// the probe was sent too long ago to be remembered.
    pub round_trip_ns: Option<u64>,
    /// The same from the planned time of sending.
    pub as_planned_ns: Option<u64>,
    /// Processing time in the reflector; `None` if not reported.
    pub server_ns: Option<u64>,
    /// The reflector's own sequence number of the reply; `None` if it has none.
    pub reflector_seq: Option<u32>,
    /// What something that forwards datagrams did to the content of the probe or the reply; `None`
    /// if nothing is known to.
    pub change: Option<ReplyChange>,
    /// When it arrived, nanoseconds since 1970.
    pub arrival_ns: u64,
}

/// A probe that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingTimeout {
    /// Which target, counted from 0.
    #[serde(rename = "target_index")]
    pub target: usize,
    /// The probe's number, from 0.
    pub seq: u64,
    /// When it was sent, nanoseconds since 1970.
    pub sent_ns: u64,
    /// How long `ping` waited for it.
    pub waited_ns: u64,
}

/// The final outcome of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Answered in time.
    Back,
    /// Answered after the time-out.
    Late,
    /// Not answered within twice the time-out. A reply after that is in the summary alone, as late.
    Lost,
    /// An ICMP error reported that it was not delivered.
    Refused,
    /// Still outstanding when the run ended.
    Open,
}

/// One probe. Times are nanoseconds since 1970: the first four and `received_ns` by this host's
/// clock, the reflector's by its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingRow {
    /// Which target, counted from 0.
    #[serde(rename = "target_index")]
    pub target: usize,
    /// Its number, from 0.
    pub seq: u64,
    /// Its outcome.
    pub outcome: Outcome,
    /// When it was planned.
    pub planned_ns: u64,
    /// When it was handed to the kernel.
    pub sent_ns: u64,
    /// When it left according to the kernel; `None` if not available.
    pub left_ns: Option<u64>,
    /// When it reached the reflector.
    pub reflector_received_ns: Option<u64>,
    /// When the reflector answered.
    pub reflector_sent_ns: Option<u64>,
    /// When the reply arrived.
    pub received_ns: Option<u64>,
    /// From the actual transmission to the arrival, without the time in the reflector.
    pub round_trip_ns: Option<u64>,
    /// The same from the planned time of sending.
    pub as_planned_ns: Option<u64>,
    /// TTL or hop limit of the reply on arrival.
    pub ttl: Option<u8>,
    /// Second and further replies.
    pub duplicates: u16,
}

/// One target's interval.
#[derive(Clone, Copy, Debug)]
pub struct PingInterval<'a> {
    /// Which target, counted from 0.
    pub target: usize,
    /// From the start of the run to the end of the interval.
    pub elapsed: Nanos,
    /// Probes sent since the start of the run.
    pub sent: u64,
    /// Probes answered since then.
    pub back: u64,
    /// Probes given up since then and not answered late.
    pub lost: u64,
    /// When it began, nanoseconds since 1970.
    pub start: Nanos,
    /// How long it was.
    pub duration: Nanos,
    /// Round trips of the replies received in it.
    pub round_trips: &'a DelayHistogram,
}

/// A delay's distribution. A percentile above the median is `None` unless ten probes lie beyond it,
/// and from `lost_from` on because it falls among those that were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingDelay {
    /// The smallest; `None` without samples.
    pub min: Option<u64>,
    /// Mean of the samples; `None` without samples.
    pub mean: Option<u64>,
    /// Their standard deviation; `None` for fewer than two.
    pub stddev: Option<u64>,
    /// Median.
    pub p50: Option<u64>,
    /// 90 %.
    pub p90: Option<u64>,
    /// 99 %.
    pub p99: Option<u64>,
    /// 99.9 %.
    pub p999: Option<u64>,
    /// The largest received; `None` without samples.
    pub max: Option<u64>,
    /// Samples.
    pub samples: u64,
    /// Lost probes, which count as infinitely late; `None` if losses in this direction are unknown,
    /// and then the percentiles cover arrived ones only.
    #[serde(rename = "lost_datagrams")]
    pub lost: Option<u64>,
    /// The lowest percentile that falls among the lost; `None` if none does.
    pub lost_from: Option<Percentile>,
    /// Mean absolute difference between consecutive probes (IPDV, RFC 3393); `None` if no two
    /// consecutive probes were answered, or if this is not a delay of the path.
    pub ipdv_mean: Option<u64>,
    /// The largest of these differences.
    pub ipdv_max: Option<u64>,
}

/// Why it is not known in which direction probes were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LossDirectionUnknown {
    /// No reply arrived that could be used for this.
    NoCount,
    /// The target's numbers may be its own count, or copied from the probes.
    CountUnproven,
    /// Duplicates of probes reached the target: a missing reply may have been that to a duplicate.
    Copies,
    /// Too few replies to rule out copied numbers.
    TooFew,
    /// Replies to probes before the last one answered were outstanding when the run ended.
    Open,
}

/// Lost probes by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingLost {
    /// All of them.
    #[serde(rename = "lost_datagrams")]
    pub total: u64,
    /// Lost on the way to the target; `None` if unknown, for the reason in `untold`.
    #[serde(rename = "lost_out")]
    pub out: Option<u64>,
    /// Lost on the way back.
    #[serde(rename = "lost_back")]
    pub back: Option<u64>,
    /// Why neither direction is known; `None` if they are.
    #[serde(rename = "lost_way_missing")]
    pub untold: Option<LossDirectionUnknown>,
    /// Lost after the last reply, where no count reveals the direction.
    #[serde(rename = "lost_way_unknown")]
    pub unknown: Option<u64>,
    /// Runs of lost probes.
    pub bursts: u64,
    /// Probes in the longest run.
    #[serde(rename = "longest_burst")]
    pub longest: u64,
    /// Its length in time, from its first probe to the next that was not lost.
    #[serde(rename = "longest_burst_ns")]
    pub longest_ns: u64,
    /// When it began, from the start of the run; `None` without loss.
    #[serde(rename = "longest_burst_at_ns")]
    pub longest_at_ns: Option<u64>,
}

/// An interval of the run, for the chart over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingSlice {
    /// Its start, from the start of the run.
    pub start_ns: u64,
    /// Its length; the last ends with the last probe.
    pub duration_ns: u64,
    /// Answers to its probes.
    pub back: u64,
    /// Their mean round trip; `None` without answers.
    pub mean_ns: Option<u64>,
    /// Their longest.
    pub max_ns: Option<u64>,
    /// Its probes that were lost.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
}

/// A bucket of the histogram of round trips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingBucket {
    /// Its lower bound, inclusive.
    pub from_ns: u64,
    /// Its upper bound, exclusive.
    pub to_ns: u64,
    /// Replies within.
    pub count: u64,
}

/// Delays in nanoseconds as HDR histograms, so that runs can be merged; `None` without samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingHistograms {
    /// Round trips.
    #[serde(rename = "round_trip_ns_hdr")]
    pub round_trip_ns: Option<EncodedHistogram>,
    /// One-way delay outbound, above the run's own minimum.
    #[serde(rename = "out_above_min_ns_hdr")]
    pub out_above_min_ns: Option<EncodedHistogram>,
    /// One-way delay of the return path, likewise.
    #[serde(rename = "back_above_min_ns_hdr")]
    pub back_above_min_ns: Option<EncodedHistogram>,
}

/// The result for one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingTargetReport {
    /// As the user wrote it.
    pub name: String,
    /// Its address; `None` only before it is known.
    pub address: Option<Endpoint>,
    /// Probes that the kernel accepted.
    pub sent: u64,
    /// Probes that the kernel refused.
    pub never_sent: u64,
    /// Probes that were answered, including late ones.
    pub back: u64,
    /// Of these, those answered after the time-out.
    pub late: u64,
    /// Probes outstanding when the run was stopped: neither answered nor lost.
    #[serde(rename = "outstanding")]
    pub open: u64,
    /// Probes that were never answered.
    #[serde(flatten)]
    pub lost: PingLost,
    /// When no probe was answered: the longest eight.
    pub outages: Vec<Outage>,
    /// Every burst of lost probes that is longer than `--outage`, in time; `None` if it was not probed.
    pub arrival_gaps: Option<ArrivalGaps>,
    /// Probes that were answered although something that forwards datagrams, such as a relay or a
    /// gateway, had cut the probe or cut the reply.
    pub cut: u64,
    /// Of these, cut on the way out, as the reflector reported.
    pub cut_out: u64,
    /// Of these, cut on the way back, which the reflector did not report.
    pub cut_back: u64,
    /// The most payload bytes of these replies; `None` without any.
    pub cut_to_bytes: Option<u64>,
    /// Probes that were answered with other bytes than were sent and a right checksum, by a service
    /// that echoes: something on the path rewrote them.
    pub altered: u64,
    /// Second and further replies to one probe.
    pub duplicates: u64,
    /// Of these, replies to probes duplicated on the way out; `None` if the target's count does not
    /// distinguish them.
    pub duplicates_out: Option<u64>,
    /// Of these, replies duplicated on the way back.
    pub duplicates_back: Option<u64>,
    /// Replies that arrived after one to a later probe (RFC 4737).
    pub reordered: u64,
    /// The largest extent of a reordering (RFC 4737 §4.2.2).
    pub reorder_extent_max: u64,
    /// Datagrams that were not a reply to any probe.
    pub strays: u64,
    /// Datagrams that this host's socket dropped, whatever the reason, as the socket counts them:
    /// replies that count as lost on the way back, and strays.
    pub socket_drops: u64,
    /// Of these, at most so many had a wrong UDP checksum: something damaged them before they
    /// reached the socket. All of the rest is this host's doing.
    pub socket_damaged: u64,
    /// Routers on the way out; `None` if the reflector does not report the TTL, or if something on
    /// the path may have resent the probe with its own TTL.
    #[serde(rename = "routers_out")]
    pub hops_out: Option<u8>,
    /// The two possible counts of routers in that case: from this host, or from a relay.
    #[serde(rename = "routers_out_readings")]
    pub hops_out_readings: Option<[u8; 2]>,
    /// TTL of the probes as they reached the reflector; 255 may mean that it does not know.
    pub ttl_out: Option<u8>,
    /// TTL that they were sent with.
    pub ttl_sent: u8,
    /// Why nothing was sent to the target; `None` if something was.
    #[serde(serialize_with = "super::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<LocalFailure>>"))]
    pub error: Option<LocalFailure>,
    /// Another address that replied instead of the target; `None` if none did.
    pub answered_by: Option<Endpoint>,
    /// Replies from other addresses.
    pub answered_elsewhere: u64,
    /// Whether the reflector keeps its own count, which separates outbound from return loss; `None`
    /// if this could not be determined, in which case it is assumed.
    pub reflector_counts: Option<bool>,
    /// Times that the reflector restarted its counts.
    pub reflector_restarts: u64,
    /// Additional datagrams, not counted as sent, that requested the target's count at the end.
    pub questions: u64,
    /// Empty datagrams between probes that are far apart, not counted as sent, so that NATs and
    /// firewalls keep the flow open.
    pub keepalives: u64,
    /// Probes that the target counted, modulo 2^32; `None` if not requested or not reported.
    pub target_received: Option<u32>,
    /// Replies sent by the target, by its own count, modulo 2^32.
    pub target_reflected: Option<u32>,
    /// DSCP of the probes on arrival at the reflector; `None` if not requested or not reported.
    pub dscp_seen: Option<u8>,
    /// ECN of the probes as they reached it.
    pub ecn_seen: Option<u8>,
    /// DSCP of the replies on arrival; `None` if the kernel does not report it.
    pub dscp_back: Option<u8>,
    /// ECN of the replies on arrival.
    pub ecn_back: Option<u8>,
    /// From the actual transmission (the kernel's time stamp if there is one, otherwise the time of
    /// the send call) to the arrival, without the time in the reflector.
    pub round_trip_ns: PingDelay,
    /// The same from the planned time of sending, which includes this host's own lateness.
    pub as_planned_ns: PingDelay,
    /// One-way delay outbound, above the run's own minimum, clock drift removed.
    pub out_above_min_ns: PingDelay,
    /// One-way delay of the return path, above the run's own minimum, clock drift removed.
    pub back_above_min_ns: PingDelay,
    /// Time in the reflector.
    #[serde(rename = "server_time_ns")]
    pub server_ns: PingDelay,
    /// From a reply's own time stamp to its actual departure, if requested and reported.
    #[serde(rename = "departure_delay_ns")]
    pub departure_ns: PingDelay,
    /// How late probes were sent, after their planned time.
    #[serde(rename = "send_lateness_ns")]
    pub send_late_ns: PingDelay,
    /// Drift of the reflector's clock relative to this host's, in parts per billion; `None` when
    /// not known.
    pub drift_ppb: Option<i64>,
    /// Times that a clock was set during the run.
    pub clock_steps: u32,
    /// Probes with a kernel transmit time stamp.
    pub transmit_stamps: u64,
    /// Replies with a kernel receive time stamp.
    pub receive_stamps: u64,
    /// Round trips on a logarithmic scale, from the shortest to the longest.
    pub histogram: Vec<PingBucket>,
    /// The distributions themselves; `None` for a target that nothing was sent to.
    pub histograms: Option<PingHistograms>,
    /// The run over time.
    pub over_time: Vec<PingSlice>,
    /// Sends that the kernel refused, by reason.
    #[serde(rename = "refusals")]
    pub refused: Vec<SendRefusal>,
    /// Errors from the network, by kind.
    pub network_errors: Vec<Trouble>,
    /// The result of each `--fail-if` limit for this target.
    pub limits: Vec<LimitReport>,
    /// Caveats about the figures.
    #[serde(serialize_with = "super::finding::all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<PingCaveat>>"))]
    pub caveats: Vec<PingCaveat>,
}

/// The end of `ping`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PingSummary {
    /// The protocol of the probes.
    pub protocol: PingProtocol,
    /// Payload bytes of a probe.
    pub payload_bytes: u64,
    /// What was requested besides delays.
    #[serde(rename = "requested")]
    pub asked: Vec<PingAsk>,
    /// When probes were sent.
    pub schedule: PingSchedule,
    /// Mean time from one probe to the next; `None` in a closed loop.
    pub interval_ns: Option<u64>,
    /// How long `ping` waited for a reply.
    pub wait_ns: u64,
    /// From the first probe to the end of sending.
    pub duration_ns: u64,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// Times that this host did not run the program for 100 ms and longer.
    pub pauses: u64,
    /// Their total length.
    pub paused_ns: u64,
    /// Addresses of this host that went, came back or were replaced, the first 256.
    pub interface_events: Vec<InterfaceEvent>,
    /// The targets, in the order of the command line.
    pub targets: Vec<PingTargetReport>,
}

/// A percentile that a report shows, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Percentile {
    /// The median.
    #[serde(rename = "p50")]
    P50,
    /// The 90th percentile.
    #[serde(rename = "p90")]
    P90,
    /// The 99th percentile.
    #[serde(rename = "p99")]
    P99,
    /// The 99.9th percentile.
    #[serde(rename = "p99.9")]
    P999,
}

impl Percentile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::P50, Self::P90, Self::P99, Self::P999];
}

impl PingDelay {
    /// Whether this percentile falls among the lost. Above the lowest that does, a percentile with
    /// fewer than ten probes beyond it is unknown.
    pub fn is_lost(&self, percentile: Metric) -> bool {
        let all = self.samples + self.lost.unwrap_or(0);
        let (value, this, told) = match percentile {
            Metric::P50 => (self.p50, Percentile::P50, true),
            Metric::P90 => (self.p90, Percentile::P90, all >= 100),
            Metric::P99 => (self.p99, Percentile::P99, all >= 1_000),
            Metric::P999 => (self.p999, Percentile::P999, all >= 10_000),
            _ => return false,
        };
        value.is_none() && told && self.lost_from.is_some_and(|from| from <= this)
    }
}

impl PingTargetReport {
    /// The metrics that a limit can be set on.
    pub const METRICS: &[Metric] = &[
        Metric::Loss,
        Metric::P50,
        Metric::P90,
        Metric::P99,
        Metric::P999,
        Metric::Max,
        Metric::Duplicates,
        Metric::Reordered,
        Metric::Burst,
        Metric::Outage,
        Metric::NeverSent,
        Metric::Cut,
        Metric::Altered,
    ];

    /// The measurement of a metric; `None` if it is missing.
    fn measured(&self, metric: Metric) -> Option<Measured> {
        // For a target that could not be probed nothing is known, not even the loss.
        if self.error.is_some() {
            return None;
        }
        // Outstanding probes are neither answered nor lost.
        let told = self.sent - self.open;
        let known = |count| (told > 0).then_some(Measured::Count(count));
        let trip = &self.round_trip_ns;
        match metric {
            Metric::Loss => Some(Measured::Share { part: self.lost.total, of: told }),
            Metric::P50 => trip.p50.map(Measured::Span),
            Metric::P90 => trip.p90.map(Measured::Span),
            Metric::P99 => trip.p99.map(Measured::Span),
            Metric::P999 => trip.p999.map(Measured::Span),
            Metric::Max => trip.max.map(Measured::Span),
            Metric::Duplicates => known(self.duplicates),
            Metric::Reordered => known(self.reordered),
            Metric::Burst => known(self.lost.longest),
            Metric::Outage => {
                let gaps = self.arrival_gaps.as_ref();
                gaps.filter(|_| self.sent > self.open).map(ArrivalGaps::measured)
            }
            Metric::NeverSent => Some(Measured::Count(self.never_sent)),
            Metric::Cut => known(self.cut),
            Metric::Altered => known(self.altered),
            Metric::Rate | Metric::Jitter => None,
        }
    }
}

impl PingSummary {
    /// Checks every target against these limits.
    pub fn hold(&mut self, limits: &[Limit]) {
        for target in &mut self.targets {
            let hold =
                |limit| hold_against(limit, Way::RoundTrip, |metric| target.measured(metric));
            target.limits = limits.iter().map(hold).collect();
            for (told, limit) in target.limits.iter_mut().zip(limits) {
                // A lost probe exceeds any limit on delay.
                let beyond = limit.check(|_| Some(Measured::Span(u64::MAX))) == Standing::Broken;
                if beyond && target.round_trip_ns.is_lost(limit.metric) {
                    told.found = LimitFound::Lost;
                }
            }
        }
    }

    /// Whether any reply arrived.
    pub fn answered(&self) -> bool {
        self.targets.iter().any(|target| target.back > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_lost_from_the_first_that_is_as_far_as_the_samples_tell() {
        let all = [Metric::P50, Metric::P90, Metric::P99, Metric::P999, Metric::Max];
        let lost = |delay: PingDelay| all.map(|metric| delay.is_lost(metric));
        let clean = PingDelay { p50: Some(7), samples: 9, lost: Some(0), ..PingDelay::default() };
        assert_eq!(lost(clean), [false; 5]);
        let none =
            PingDelay { lost: Some(3), lost_from: Some(Percentile::P50), ..PingDelay::default() };
        assert_eq!(lost(none), [true, false, false, false, false]);
        let few = PingDelay {
            p90: Some(8),
            samples: 980,
            lost: Some(20),
            lost_from: Some(Percentile::P99),
            ..clean
        };
        assert_eq!(lost(few), [false, false, true, false, false]);
        assert_eq!(lost(PingDelay { lost_from: None, lost: None, ..few }), [false; 5]);
    }
}
