//! The search for the highest rate without loss, or with several losses: what was found for each,
//! with the trials that say so.

use super::finding::{Findings, Never, one};
use super::trials::exceeds;
use super::{LossShare, SeriesCaveat, SeriesMode, TrialOutcome, TrialReport};
use crate::units::{BitRate, Rate};
use serde::Serialize;

/// What limited the next higher rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FoundBound {
    /// It lost datagrams on the path.
    Network,
    /// Datagrams arrived cut or altered, which is no loss on the path.
    ChangedContent,
    /// A host was the limit: the path may carry more.
    Host,
    /// The highest rate that was allowed passed.
    Ceiling,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RateVerdict {
    /// A rate that passed, in a longer trial too.
    Found {
        /// Payload bits per second.
        rate_bps: u64,
        /// The same in datagrams per second.
        datagrams_per_second: u64,
        /// Loss that was allowed, in parts per billion.
        loss_allowed_ppb: LossShare,
        /// What limited the next higher rate.
        bound: FoundBound,
    },
    /// The highest rate that passed before the search was aborted.
    SoFar {
        /// Payload bits per second.
        rate_bps: u64,
        /// The same in datagrams per second.
        datagrams_per_second: u64,
        /// Loss that was allowed, in parts per billion.
        loss_allowed_ppb: LossShare,
    },
    /// Even the lowest rate lost too much.
    LossAtLowest {
        /// That rate, in payload bits per second.
        lowest_bps: u64,
        /// Loss that was allowed, in parts per billion.
        loss_allowed_ppb: LossShare,
    },
    /// Even at the lowest rate, more than is allowed arrived cut or altered.
    ChangedAtLowest {
        /// That rate, in payload bits per second.
        lowest_bps: u64,
        /// Loss that was allowed, in parts per billion.
        loss_allowed_ppb: LossShare,
    },
    /// A host was the limit even at the lowest rate.
    HostLimitAtLowest {
        /// That rate, in payload bits per second.
        lowest_bps: u64,
    },
    /// Nothing passed before the search was aborted.
    NothingYet,
}

/// How a search ended.
#[derive(Clone, Copy, Debug)]
pub struct SearchEnd {
    /// The highest rate that passed, in payload bits per second; `None` if none did.
    pub rate: Option<u64>,
    /// What limited the next higher rate; `None` for an interrupted search.
    pub bound: Option<FoundBound>,
    /// The lowest rate that was tried, in payload bits per second.
    pub lowest: u64,
    /// Payload bytes of each datagram.
    pub payload: u64,
    /// Loss that was allowed, in parts per billion.
    pub allowed: LossShare,
}

impl SearchEnd {
    /// The same in datagrams per second.
    pub fn datagrams_per_second(&self) -> Option<u64> {
        self.rate.map(|rate| rate / (self.payload * 8).max(1))
    }

    /// What was found.
    pub fn verdict(&self) -> RateVerdict {
        let loss_allowed_ppb = self.allowed;
        let lowest_bps = self.lowest;
        match (self.rate.zip(self.datagrams_per_second()), self.bound) {
            (Some((rate_bps, datagrams_per_second)), Some(bound)) => {
                RateVerdict::Found { rate_bps, datagrams_per_second, loss_allowed_ppb, bound }
            }
            (Some((rate_bps, datagrams_per_second)), None) => {
                RateVerdict::SoFar { rate_bps, datagrams_per_second, loss_allowed_ppb }
            }
            (None, Some(FoundBound::Network)) => {
                RateVerdict::LossAtLowest { lowest_bps, loss_allowed_ppb }
            }
            (None, Some(FoundBound::ChangedContent)) => {
                RateVerdict::ChangedAtLowest { lowest_bps, loss_allowed_ppb }
            }
            (None, Some(_)) => RateVerdict::HostLimitAtLowest { lowest_bps },
            (None, None) => RateVerdict::NothingYet,
        }
    }
}

/// A rate that bounds what was found, and the trials that say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RateBound {
    /// Payload bits per second.
    pub rate_bps: u64,
    /// The trials at this rate that passed, or failed, by their number in the list of all: from 1.
    pub trials: Vec<u64>,
    /// Datagrams that these sent; `None` if a count is missing.
    pub sent_datagrams: Option<u64>,
    /// Of these, lost ones; `None` if a count is missing.
    pub lost_datagrams: Option<u64>,
}

impl RateBound {
    /// The bound at this rate, from those of all trials for which `says` is true; `None` if there is
    /// none.
    fn at(rate_bps: u64, all: &[TrialReport], says: impl Fn(&TrialReport) -> bool) -> Option<Self> {
        let goal = Rate::Bits(BitRate(rate_bps));
        let there = all.iter().zip(1..).filter(|(trial, _)| trial.goal == goal && says(trial));
        let (there, trials): (Vec<&TrialReport>, Vec<u64>) = there.unzip();
        let sent_datagrams = there.iter().map(|trial| Some(trial.sent?.datagrams)).sum();
        let lost_datagrams = there.iter().map(|trial| Some(trial.lost?.total)).sum();
        (!trials.is_empty()).then_some(Self { rate_bps, trials, sent_datagrams, lost_datagrams })
    }
}

/// Whether a trial passed where `allowed` may be lost; `None` if it says neither.
fn passed(trial: &TrialReport, allowed: LossShare) -> Option<bool> {
    match trial.outcome {
        TrialOutcome::Outage | TrialOutcome::Unknown => None,
        TrialOutcome::Invalid => Some(false),
        TrialOutcome::Passed | TrialOutcome::Lost | TrialOutcome::Changed => {
            let (sent, lost) = trial.sent.zip(trial.lost)?;
            let changed = trial.cut.unwrap_or(0).saturating_add(trial.altered.unwrap_or(0));
            Some(!exceeds(lost.total.saturating_add(changed), sent.datagrams, allowed))
        }
    }
}

/// What a search found for one of its loss targets.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RateGoal {
    /// Loss that was allowed, in parts per billion.
    pub loss_allowed_ppb: LossShare,
    /// What was found.
    #[serde(serialize_with = "one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<RateVerdict>"))]
    pub verdict: RateVerdict,
    /// The highest rate of payload that passed; `None` if none did.
    pub found_bits_per_second: Option<u64>,
    /// The same in datagrams per second.
    pub found_datagrams_per_second: Option<u64>,
    /// What limited the next higher rate; `None` if the search did not end.
    pub bound: Option<FoundBound>,
    /// The highest rate that passed, and its trials.
    pub lower: Option<RateBound>,
    /// The lowest rate that failed, and its trials; `None` if none did.
    pub upper: Option<RateBound>,
}

impl RateGoal {
    /// What was found, with its evidence; `failed` is the lowest rate that failed.
    pub fn new(end: &SearchEnd, failed: Option<u64>, trials: &[TrialReport]) -> Self {
        let allowed = end.allowed;
        let lower = |rate| RateBound::at(rate, trials, |one| passed(one, allowed) == Some(true));
        let upper = |rate| RateBound::at(rate, trials, |one| passed(one, allowed) == Some(false));
        Self {
            loss_allowed_ppb: allowed,
            verdict: end.verdict(),
            found_bits_per_second: end.rate,
            found_datagrams_per_second: end.datagrams_per_second(),
            bound: end.bound,
            lower: end.rate.and_then(lower),
            upper: failed.and_then(upper),
        }
    }
}

/// The search for the highest rate.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FindRateReport {
    /// `find_rate`.
    pub mode: SeriesMode,
    /// The remote address.
    pub target: String,
    /// Whether both ends are on this host, by its loopback.
    pub loopback: bool,
    /// Payload bytes of each datagram.
    pub payload_bytes: u64,
    /// Loss that was allowed, in parts per billion; of several targets the strictest, to which what
    /// follows belongs.
    pub loss_allowed_ppb: LossShare,
    /// The highest rate of payload that passed; `None` if none did.
    pub found_bits_per_second: Option<u64>,
    /// The same in datagrams per second.
    pub found_datagrams_per_second: Option<u64>,
    /// What limited the next higher rate; `None` for an interrupted search.
    pub bound: Option<FoundBound>,
    /// The verdict with its caveats.
    #[serde(flatten)]
    pub findings: Findings<RateVerdict, Never, Never, SeriesCaveat>,
    /// What was found for each loss that was asked for, rising, with both bounds and their trials.
    pub goals: Vec<RateGoal>,
    /// Every trial, in its order.
    pub trials: Vec<TrialReport>,
    /// Whether the search finished, including a longer trial at the rate found.
    pub complete: bool,
    /// Whether the user ended it early.
    pub interrupted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_lost_nothing_accuses_neither_the_path_nor_a_host() {
        let end = |rate, bound| SearchEnd {
            rate,
            bound,
            lowest: 1_000_000,
            payload: 1_250,
            allowed: LossShare::default(),
        };
        let loss_allowed_ppb = LossShare::default();
        let (rate_bps, datagrams_per_second, lowest_bps) = (10_000_000, 1_000, 1_000_000);
        let found =
            |bound| RateVerdict::Found { rate_bps, datagrams_per_second, loss_allowed_ppb, bound };
        for (rate, bound, verdict) in [
            (Some(rate_bps), Some(FoundBound::Ceiling), found(FoundBound::Ceiling)),
            (Some(rate_bps), Some(FoundBound::Network), found(FoundBound::Network)),
            (Some(rate_bps), Some(FoundBound::Host), found(FoundBound::Host)),
            (Some(rate_bps), Some(FoundBound::ChangedContent), found(FoundBound::ChangedContent)),
            (
                None,
                Some(FoundBound::ChangedContent),
                RateVerdict::ChangedAtLowest { lowest_bps, loss_allowed_ppb },
            ),
            (
                Some(rate_bps),
                None,
                RateVerdict::SoFar { rate_bps, datagrams_per_second, loss_allowed_ppb },
            ),
            (
                None,
                Some(FoundBound::Network),
                RateVerdict::LossAtLowest { lowest_bps, loss_allowed_ppb },
            ),
            (None, Some(FoundBound::Host), RateVerdict::HostLimitAtLowest { lowest_bps }),
            (None, None, RateVerdict::NothingYet),
        ] {
            assert_eq!(end(rate, bound).verdict(), verdict, "{rate:?} {bound:?}");
        }
    }
}
