//! Series of runs at different rates: a sweep, and the search for the highest rate without loss.

use super::finding::{all, maybe};
use super::{
    BlastReport, DelayQuantiles, HostRole, LimitedBy, Losses, Outage, ThroughputAdvice,
    ThroughputFindings, ThroughputVerdict, Traffic, fell_short,
};
use crate::units::Rate;
use serde::Serialize;
use std::net::IpAddr;

/// A sender's pause of this length, in nanoseconds, makes a trial invalid.
const PAUSE: u64 = 100_000_000;

/// How a trial counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrialOutcome {
    /// No more loss than is allowed.
    Passed,
    /// More loss than allowed.
    Lost,
    /// No more loss than is allowed, but with what arrived cut or altered more than that did not
    /// arrive as it was sent: something forwards the datagrams by their content.
    Changed,
    /// A host was the bottleneck, so the trial says nothing about the network.
    Invalid,
    /// The path was interrupted, so that it says nothing of the rate; it was run again.
    Outage,
    /// Not all of its counts are known.
    Unknown,
}

/// Which host limited a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostLimit {
    /// The sender did not keep the rate.
    Sender,
    /// The receiver's socket dropped datagrams.
    ReceiverSocket,
    /// The receiver's host dropped most of what was lost.
    ReceiverHost,
}

/// One run of a series.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrialReport {
    /// The target rate: bits of payload or datagrams per second.
    #[serde(flatten, serialize_with = "super::rates::goal")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::GoalRate"))]
    pub goal: Rate,
    /// What the schedule called for.
    pub offered: Option<Traffic>,
    /// What was sent.
    pub sent: Option<Traffic>,
    /// What arrived, duplicates included; its rates are those of first copies.
    pub received: Option<Traffic>,
    /// First copies among what arrived.
    pub delivered: Option<u64>,
    /// Datagrams that arrived cut: neither lost nor received; `None` if the receiver did not
    /// report.
    pub cut: Option<u64>,
    /// The most payload bytes of these; `None` without any.
    pub cut_to_bytes: Option<u64>,
    /// Datagrams that arrived altered: neither lost nor received; `None` if the receiver did not
    /// report.
    pub altered: Option<u64>,
    /// Where the rest was lost.
    pub lost: Option<Losses>,
    /// One-way delay above the trial's minimum, in nanoseconds.
    pub delay_above_min_ns: DelayQuantiles,
    /// What limited it.
    pub limited_by: LimitedBy,
    /// The verdict with its evidence.
    #[serde(flatten)]
    pub findings: ThroughputFindings,
    /// Advice; `None` if none is needed.
    #[serde(serialize_with = "maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<ThroughputAdvice>>"))]
    pub advice: Option<ThroughputAdvice>,
    /// When nothing came through; `None` if that is unknown.
    pub outages: Option<Vec<Outage>>,
    /// Loss that it may have, in parts per billion: of a search for several, the target for which
    /// it was run; `None` in a sweep.
    pub loss_allowed_ppb: Option<LossShare>,
    /// How it counts.
    pub outcome: TrialOutcome,
    /// Which host limited an invalid trial.
    pub host_limit: Option<HostLimit>,
    /// Whether it was the longer trial that verifies the rate found.
    pub verification: bool,
}

/// The loss that a trial may have, in parts per billion: 1 % is 10,000,000.
pub type LossShare = u64;

/// What a trial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialPurpose {
    /// To try a rate.
    Step,
    /// To verify, in a longer run, a rate that was found.
    Verification,
}

/// Whether more than `allowed` of what was sent is among these datagrams.
pub(super) fn exceeds(datagrams: u64, sent: u64, allowed: LossShare) -> bool {
    u128::from(datagrams) * 1_000_000_000 > u128::from(allowed) * u128::from(sent)
}

/// How a finished run counts where `allowed` may be lost, and the host that was its limit; with
/// `None`, any loss is accepted.
pub fn trial_outcome(
    run: &BlastReport,
    allowed: Option<LossShare>,
) -> (TrialOutcome, Option<HostLimit>) {
    let way = &run.main;
    let known = way.sent.filter(|_| way.counts_final).zip(way.lost);
    let exceeds = |datagrams, sent| allowed.is_some_and(|share| exceeds(datagrams, sent, share));
    let lost = known.map(|(sent, lost)| exceeds(lost.total, sent.datagrams));
    // What was changed was carried, but not delivered.
    let changed = way.changed().map_or(0, |changed| changed.datagrams());
    let not_whole = known
        .is_some_and(|(sent, lost)| exceeds(lost.total.saturating_add(changed), sent.datagrams));
    let host_limit = lost.and_then(|lost| host_limit(run, lost));
    let outcome = match (lost, host_limit) {
        (None, _) => TrialOutcome::Unknown,
        (Some(_), Some(_)) => TrialOutcome::Invalid,
        (Some(_), None) if !way.outages.as_deref().unwrap_or_default().is_empty() => {
            TrialOutcome::Outage
        }
        (Some(true), None) => TrialOutcome::Lost,
        (Some(false), None) if not_whole => TrialOutcome::Changed,
        (Some(false), None) => TrialOutcome::Passed,
    };
    (outcome, host_limit)
}

impl TrialReport {
    /// A finished run as a trial in which `allowed` may be lost; `None` for any loss.
    pub fn new(run: &BlastReport, allowed: Option<LossShare>, purpose: TrialPurpose) -> Self {
        let way = &run.main;
        let (outcome, host_limit) = trial_outcome(run, allowed);
        Self {
            goal: run.goal,
            offered: way.offered,
            sent: way.sent,
            received: way.received,
            delivered: way.delivered,
            cut: way.cut,
            cut_to_bytes: way.cut_to_bytes,
            altered: way.altered,
            lost: way.lost,
            delay_above_min_ns: way.delay_above_min_ns,
            limited_by: way.limited_by,
            findings: way.findings.clone(),
            advice: way.advice,
            outages: way.outages.clone(),
            loss_allowed_ppb: allowed,
            outcome,
            host_limit,
            verification: purpose == TrialPurpose::Verification,
        }
    }

    /// Loss in percent of what was sent; `None` if unknown.
    pub fn loss_percent(&self) -> Option<f64> {
        if self.outcome == TrialOutcome::Unknown {
            return None;
        }
        let sent = self.sent?.datagrams;
        (sent > 0).then_some(self.lost?.total as f64 * 100.0 / sent as f64)
    }
}

/// The host that limited a run, if any: datagrams that it could not send in time, or could not
/// receive, put no load on the network or say nothing about it.
fn host_limit(run: &BlastReport, lost: bool) -> Option<HostLimit> {
    let way = &run.main;
    // After a pause, a host does not send at the trial's rate.
    let stood_still = matches!(way.findings.verdict, ThroughputVerdict::SenderPaused { .. })
        || way.sender_pause_ns.is_some_and(|pause| pause >= PAUSE);
    if lost && stood_still {
        return Some(HostLimit::Sender);
    }
    let offered = way.offered.map_or(0, |offered| offered.datagrams);
    let never = way.never_sent.unwrap_or(0);
    if way.lost.is_some_and(|lost| lost.receiver_socket > Some(0)) {
        return Some(HostLimit::ReceiverSocket);
    }
    match way.findings.verdict {
        ThroughputVerdict::HostLoss { role: HostRole::Receiver, .. } if lost => {
            return Some(HostLimit::ReceiverHost);
        }
        ThroughputVerdict::HostLoss { role: HostRole::Sender, .. } if lost => {
            return Some(HostLimit::Sender);
        }
        _ => {}
    }
    // Refused datagrams count here as well.
    let limited = way.sender_limited == Some(true) || fell_short(offered, never, run.streams);
    limited.then_some(HostLimit::Sender)
}

/// What a series of runs was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SeriesMode {
    /// Runs at rising rates.
    Sweep,
    /// The search for the highest rate.
    FindRate,
}

/// How a series ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesEnd {
    /// With all that was asked for.
    Complete,
    /// By the user.
    Interrupted,
    /// By a failure.
    BrokenOff,
}

/// Caveats about a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SeriesCaveat {
    /// Both ends are on this host, by its loopback.
    Loopback,
    /// The user ended it early.
    Interrupted,
    /// It was aborted before its end.
    BrokenOff,
}

impl SeriesCaveat {
    /// Those of a series to this address that ended so.
    pub fn of(target: IpAddr, end: SeriesEnd) -> Vec<Self> {
        let ended = match end {
            SeriesEnd::Complete => None,
            SeriesEnd::Interrupted => Some(Self::Interrupted),
            SeriesEnd::BrokenOff => Some(Self::BrokenOff),
        };
        target.is_loopback().then_some(Self::Loopback).into_iter().chain(ended).collect()
    }
}

/// Runs at rising rates.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SweepReport {
    /// `sweep`.
    pub mode: SeriesMode,
    /// The remote address.
    pub target: String,
    /// Whether both ends are on this host, by its loopback.
    pub loopback: bool,
    /// Payload bytes of each datagram.
    pub payload_bytes: u64,
    /// The runs, in their order.
    pub trials: Vec<TrialReport>,
    /// Whether all of them were run.
    pub complete: bool,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// Caveats about the figures.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<SeriesCaveat>>"))]
    pub caveats: Vec<SeriesCaveat>,
}

#[cfg(test)]
mod tests {
    use super::TrialOutcome::{Changed, Invalid, Lost, Passed, Unknown};
    use super::*;
    use crate::record::DirectionReport;

    fn run(sent: u64, path: u64, socket: u64, never: u64) -> BlastReport {
        let traffic = |datagrams| Some(Traffic { datagrams, ..Traffic::default() });
        let lost = Losses {
            total: path + socket,
            path,
            receiver_socket: Some(socket),
            ..Losses::default()
        };
        let main = DirectionReport {
            offered: traffic(sent + never),
            sent: traffic(sent),
            never_sent: Some(never),
            lost: Some(lost),
            sender_limited: Some(false),
            counts_final: true,
            ..DirectionReport::default()
        };
        BlastReport { main, streams: 1, ..BlastReport::default() }
    }

    #[test]
    fn a_host_that_was_the_limit_makes_a_trial_invalid_whatever_was_lost() {
        let outcome = |run, allowed| {
            let trial = TrialReport::new(&run, Some(allowed), TrialPurpose::Step);
            (trial.outcome, trial.host_limit)
        };
        assert_eq!(outcome(run(1_000, 0, 0, 0), 0), (Passed, None));
        assert_eq!(outcome(run(1_000, 1, 0, 0), 0), (Lost, None));
        assert_eq!(outcome(run(1_000, 1, 0, 0), 1_000_000), (Passed, None));
        assert_eq!(outcome(run(1_000, 2, 0, 0), 1_000_000), (Lost, None));
        assert_eq!(outcome(run(1_000, 9, 1, 0), 0), (Invalid, Some(HostLimit::ReceiverSocket)));
        assert_eq!(outcome(run(1_000, 0, 0, 11), 0), (Invalid, Some(HostLimit::Sender)));
        assert_eq!(outcome(run(1_000, 0, 0, 9), 0), (Passed, None));
        assert_eq!(outcome(run(85, 0, 0, 1), 0), (Passed, None));
        assert_eq!(outcome(run(85, 0, 0, 2), 0), (Invalid, Some(HostLimit::Sender)));
        // A host that paused may have lost them itself.
        let mut paused = run(1_000, 2, 0, 0);
        paused.main.sender_pause_ns = Some(2 * PAUSE);
        assert_eq!(outcome(paused.clone(), 0), (Invalid, Some(HostLimit::Sender)));
        paused.main.lost = run(1_000, 0, 0, 0).main.lost;
        assert_eq!(outcome(paused, 0), (Passed, None));
    }

    #[test]
    fn what_arrived_changed_is_no_loss_and_did_not_pass() {
        let trial = |lost, (cut, altered), allowed| {
            let mut run = run(1_000, lost, 0, 0);
            (run.main.cut, run.main.altered) = (Some(cut), Some(altered));
            run.main.cut_to_bytes = (cut > 0).then_some(1_200);
            run.main.delivered = Some(1_000 - lost - cut - altered);
            TrialReport::new(&run, Some(allowed), TrialPurpose::Step)
        };
        let outcome = |lost, changed, allowed| trial(lost, changed, allowed).outcome;
        assert_eq!(outcome(0, (0, 0), 0), Passed);
        assert_eq!(outcome(0, (1, 0), 0), Changed);
        assert_eq!(outcome(0, (0, 1), 0), Changed);
        assert_eq!(outcome(1, (999, 0), 0), Lost);
        // Of a thousand, one may be missing, whichever way.
        assert_eq!(outcome(1, (0, 0), 1_000_000), Passed);
        assert_eq!(outcome(0, (1, 0), 1_000_000), Passed);
        assert_eq!(outcome(1, (0, 1), 1_000_000), Changed);
        assert_eq!(outcome(0, (1_000, 0), 1_000_000_000), Passed);
        let cut = trial(0, (1_000, 0), 0);
        assert_eq!((cut.outcome, cut.loss_percent(), cut.host_limit), (Changed, Some(0.0), None));
        assert_eq!((cut.cut, cut.cut_to_bytes, cut.altered), (Some(1_000), Some(1_200), Some(0)));
    }

    #[test]
    fn what_was_not_told_to_the_end_neither_passed_nor_lost() {
        let mut silent = run(1_000, 0, 0, 0);
        silent.main.lost = None;
        let mut killed = run(1_000, 9, 9, 900);
        killed.main.counts_final = false;
        for run in [silent, killed] {
            let trial = TrialReport::new(&run, Some(0), TrialPurpose::Step);
            assert_eq!((trial.outcome, trial.host_limit), (Unknown, None));
            assert_eq!(trial.loss_percent(), None);
        }
    }
}
