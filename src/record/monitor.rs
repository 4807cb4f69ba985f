//! Events and results of `monitor`: many targets over a long time.

use super::finding::{all, one};
use super::{DelayQuantiles, LimitReport, MonitorStanding, PingProtocol, Way, hold_against};
use crate::batch::{HostFault, LocalSendFailure, NetworkErrorSummary};
use crate::units::{Endpoint, Limit, Measured, Metric, Threshold};
use serde::Serialize;

/// The way to a target, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MonitorWay {
    /// To the target.
    Out,
    /// From the target.
    Back,
}

/// Probes that were lost, by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorLost {
    /// All of them: not answered within `--wait`, nor later.
    pub lost: u64,
    /// On the way to the target; `None` if the target keeps no count.
    pub lost_out: Option<u64>,
    /// On the way back, likewise.
    pub lost_back: Option<u64>,
    /// In a direction that no count shows, likewise.
    pub lost_unknown: Option<u64>,
}

/// Something that happened to a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MonitorChange {
    /// So many probes in a row were not answered.
    OutageBegan {
        /// When the first of them was due, since the start.
        start_ns: u64,
        /// Probes in a row.
        probes: u64,
    },
    /// The target answers again.
    OutageEnded {
        /// When the first probe that was not answered was due, since the start.
        start_ns: u64,
        /// From then to the first probe that was answered again.
        length_ns: u64,
        /// What was lost in it.
        #[serde(flatten)]
        lost: MonitorLost,
        /// Probes that were due in it and not sent, as there was no address, or this host refused.
        never_sent: u64,
    },
    /// Datagrams arrive with another TTL or hop limit: the path has another length.
    HopsChanged {
        /// On this way.
        way: MonitorWay,
        /// The TTL on arrival before.
        ttl_before: u8,
        /// The TTL on arrival since.
        ttl: u8,
    },
    /// The target's clock was set, by so much.
    ClockStepped {
        /// Forward if positive; within a round trip.
        step_ns: i64,
    },
    /// The target counts anew: it was restarted, or a NAT has given this host another port.
    ReflectorRestarted,
    /// The name has another address, or the first one.
    AddressChanged {
        /// The address before; `None` for none.
        before: Option<Endpoint>,
        /// The address since.
        address: Endpoint,
    },
    /// The name could not be resolved; asked again until it can.
    NotResolved {
        /// The name.
        #[serde(rename = "host_name")]
        host: String,
        /// Why.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<HostFault>"))]
        cause: HostFault,
    },
    /// The network reported an error; the first since the target answered.
    NetworkError {
        /// The error.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<NetworkErrorSummary>"))]
        error: NetworkErrorSummary,
    },
    /// This host refused to send; the first time since it last did.
    SendRefused {
        /// Why.
        #[serde(serialize_with = "one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        cause: LocalSendFailure,
    },
    /// A threshold is broken.
    ThresholdBroken {
        /// The threshold.
        condition: Threshold,
        /// What was measured.
        #[serde(flatten)]
        measured: MonitorMeasured,
    },
    /// A threshold that was broken is kept again.
    ThresholdHeld {
        /// The threshold.
        condition: Threshold,
        /// For how long it was broken.
        broken_ns: u64,
    },
    /// The list was read again, and has this target now.
    Added,
    /// The list was read again, and has this target no more; its row is its result.
    Removed,
}

impl MonitorChange {
    /// Whether it is something to act upon.
    pub fn is_warning(&self) -> bool {
        match self {
            Self::OutageEnded { .. }
            | Self::HopsChanged { .. }
            | Self::AddressChanged { .. }
            | Self::ThresholdHeld { .. }
            | Self::Added
            | Self::Removed => false,
            Self::OutageBegan { .. }
            | Self::ClockStepped { .. }
            | Self::ReflectorRestarted
            | Self::NotResolved { .. }
            | Self::NetworkError { .. }
            | Self::SendRefused { .. }
            | Self::ThresholdBroken { .. } => true,
        }
    }
}

/// What broke a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorMeasured {
    /// Probes of the window that were decided; `None` for outages.
    pub probes: Option<u64>,
    /// Of these, lost ones, or those beyond a limit on delay.
    pub exceeding: Option<u64>,
    /// The length of the outage so far; `None` for other thresholds.
    pub outage_ns: Option<u64>,
}

/// What happened, to whom, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorNews {
    /// Since the start.
    pub at_ns: u64,
    /// Since 1970.
    pub time_ns: u64,
    /// The target's name.
    pub target: String,
    /// Its address; `None` as long as its name is not resolved.
    pub address: Option<Endpoint>,
    /// What happened.
    #[serde(flatten)]
    pub change: MonitorChange,
}

/// What a monitor tells while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum MonitorEvent {
    /// Something happened to a target.
    News(Box<MonitorNews>),
    /// A threshold is broken or kept again: its number in the plan, beside the news of it.
    Threshold {
        /// Its number.
        number: usize,
        /// What happened.
        news: Box<MonitorNews>,
    },
    /// A target's part of the interval that is over.
    Row(Box<MonitorRow>),
    /// A target that is gone from the list, with its result.
    Gone(Box<MonitorTarget>),
    /// The interval is over, after its rows.
    Interval(Box<MonitorInterval>),
    /// The user asked how it stands.
    Status(Box<MonitorInterval>),
    /// How a target stands, where somebody watches.
    Standing(Box<MonitorStanding>),
    /// The list was read again and is used now.
    Reloaded(MonitorReload),
}

/// What a list that was read again changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorReload {
    /// Targets now.
    pub targets: u64,
    /// New ones.
    pub added: u64,
    /// Those that are gone.
    pub removed: u64,
}

/// A target in one interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorRow {
    /// The end of the interval, since 1970.
    pub time_ns: u64,
    /// The target's name.
    pub target: String,
    /// Its address.
    pub address: Option<Endpoint>,
    /// Whether it is in an outage now.
    pub is_down: bool,
    /// Probes sent in the interval.
    pub sent: u64,
    /// Probes due and not sent.
    pub never_sent: u64,
    /// Probes that were answered in it.
    pub back: u64,
    /// Probes that were given up in it.
    pub lost: u64,
    /// The mean round trip.
    pub round_trip_mean_ns: Option<u64>,
    /// The longest round trip.
    pub round_trip_max_ns: Option<u64>,
}

/// One interval over all targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorInterval {
    /// Its start, since that of the run.
    pub start_ns: u64,
    /// Its length.
    pub duration_ns: u64,
    /// Targets at its end.
    pub targets: u64,
    /// Those that are in an outage.
    pub targets_down: u64,
    /// Probes sent.
    pub sent: u64,
    /// Probes answered.
    pub back: u64,
    /// Probes given up.
    pub lost: u64,
    /// Probes due and not sent.
    pub never_sent: u64,
    /// How late the probes left, 99th percentile of the run so far.
    pub send_late_p99_ns: Option<u64>,
    /// The worst targets: those in an outage, with the most loss, the longest round trips.
    pub worst: Vec<MonitorRow>,
}

/// One target over the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorTarget {
    /// Its name.
    #[serde(rename = "target")]
    pub name: String,
    /// Its address; `None` if its name was never resolved.
    pub address: Option<Endpoint>,
    /// How it is probed.
    pub protocol: PingProtocol,
    /// Time from one probe to the next.
    pub interval_ns: u64,
    /// Payload bytes of a probe.
    pub payload_bytes: u64,
    /// Whether it is in an outage at the end.
    pub is_down: bool,
    /// Probes sent: `sent = back + lost + open`.
    pub sent: u64,
    /// Probes due and not sent: no address, refused by this host, or this host stood still.
    pub never_sent: u64,
    /// Probes answered, late ones included.
    pub back: u64,
    /// Of these, later than `--wait`.
    pub late: u64,
    /// Probes that may still be answered.
    pub open: u64,
    /// Lost ones.
    #[serde(flatten)]
    pub lost: MonitorLost,
    /// Further answers to a probe.
    pub duplicates: u64,
    /// Answers that belong to no probe, or come too late to be known.
    pub strays: u64,
    /// Outages.
    pub outages: u64,
    /// Time in outages, the open one included.
    pub outage_ns: u64,
    /// The longest outage; 0 without any.
    pub longest_outage_ns: u64,
    /// Most probes in a row that were not answered.
    pub longest_burst: u64,
    /// How often the target's count began anew.
    pub reflector_restarts: u64,
    /// How often its clock was set.
    pub clock_steps: u64,
    /// How often the TTL on arrival changed, either way.
    pub hop_changes: u64,
    /// How often its name had another address.
    pub address_changes: u64,
    /// Errors from the network.
    pub network_errors: u64,
    /// TTL of probes on arrival there; `None` if unknown.
    pub ttl_out: Option<u8>,
    /// TTL of answers on arrival here; `None` if unknown.
    pub ttl_back: Option<u8>,
    /// Round trips, within 6 %; the lost are longer than any.
    pub round_trip_ns: DelayQuantiles,
    /// The limits of `--fail-if` on the whole run.
    pub limits: Vec<LimitReport>,
}

impl MonitorTarget {
    /// What can be limited over the whole run.
    pub const METRICS: &[Metric] = &[
        Metric::Loss,
        Metric::P50,
        Metric::P90,
        Metric::P99,
        Metric::P999,
        Metric::Max,
        Metric::Duplicates,
        Metric::Burst,
        Metric::NeverSent,
    ];

    fn measured(&self, metric: Metric) -> Option<Measured> {
        let trip = &self.round_trip_ns;
        match metric {
            Metric::Loss => {
                let of = self.back + self.lost.lost;
                (of > 0).then_some(Measured::Share { part: self.lost.lost, of })
            }
            Metric::P50 => trip.p50.map(Measured::Span),
            Metric::P90 => trip.p90.map(Measured::Span),
            Metric::P99 => trip.p99.map(Measured::Span),
            Metric::P999 => trip.p999.map(Measured::Span),
            Metric::Max => trip.max.map(Measured::Span),
            Metric::Duplicates => Some(Measured::Count(self.duplicates)),
            Metric::Burst => Some(Measured::Count(self.longest_burst)),
            Metric::NeverSent => Some(Measured::Count(self.never_sent)),
            _ => None,
        }
    }

    /// Checks the limits.
    pub fn hold(&mut self, limits: &[Limit]) {
        let hold = |limit| hold_against(limit, Way::RoundTrip, |metric| self.measured(metric));
        self.limits = limits.iter().map(hold).collect();
    }
}

/// A threshold and how often it was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorThreshold {
    /// The threshold.
    pub condition: Threshold,
    /// How often it was broken, by any target.
    pub broken: u64,
    /// Whether that ended the run.
    pub ended_run: bool,
}

/// What makes the figures doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MonitorCaveat {
    /// This host stood still, or its clock jumped.
    Paused {
        /// How often.
        times: u64,
        /// For how long in all.
        paused_ns: u64,
    },
    /// The sockets dropped answers before they could be read; they count as lost.
    SocketDrops {
        /// Datagrams.
        datagrams: u64,
    },
    /// Probes left later than they should.
    Late {
        /// The 99th percentile.
        late_p99_ns: u64,
    },
    /// Commands of thresholds were not run, as too many were running.
    CommandsSkipped {
        /// How many.
        commands: u64,
    },
}

/// The end of `monitor`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MonitorSummary {
    /// From the start to the end.
    pub duration_ns: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Targets at the end.
    pub targets: u64,
    /// Those in an outage at the end.
    pub targets_down: u64,
    /// Probes sent, to targets that are gone, too.
    pub sent: u64,
    /// Probes answered.
    pub back: u64,
    /// Probes lost.
    pub lost: u64,
    /// Probes due and not sent.
    pub never_sent: u64,
    /// Datagrams of nobody that was asked.
    pub strays: u64,
    /// How late the probes left.
    pub send_late_ns: DelayQuantiles,
    /// How often the list was read again and used.
    pub reloads: u64,
    /// Targets that were on the list and are gone.
    pub removed: u64,
    /// The thresholds.
    pub thresholds: Vec<MonitorThreshold>,
    /// The targets, in the order of the list.
    pub target_rows: Vec<MonitorTarget>,
    /// What makes the figures doubtful.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<MonitorCaveat>>"))]
    pub caveats: Vec<MonitorCaveat>,
}

impl MonitorSummary {
    /// Checks the limits of the whole run, for each target.
    pub fn hold(&mut self, limits: &[Limit]) {
        self.target_rows.iter_mut().for_each(|row| row.hold(limits));
    }

    /// Whether a limit or a threshold that ends the run was broken.
    pub fn is_broken(&self) -> bool {
        let limits = self.target_rows.iter().flat_map(|row| &row.limits);
        self.thresholds.iter().any(|one| one.ended_run) || limits.into_iter().any(|one| !one.held)
    }
}
