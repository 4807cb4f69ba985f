//! Which rate a capacity search sends next: load adjustment by type B (RFC 9097 §8, ITU-T Y.1540
//! Annex B) and type C ("multiply and retry", TR-471), from what the last trial met.
//!
//! The rates themselves are rows of a table ([`SendingRates`](super::SendingRates)); a trial is the
//! time between two reports of the receiver. What a trial met is counted elsewhere.

use super::sending_rates::{HIGH_SPEED_ROW, LAST_ROW};
use crate::units::Nanos;
use std::str::FromStr;

/// Type C tries to multiply again after so many steps, at first and more each time.
const RETRY: u32 = 5;
/// A step back from a first overload is so many steps up.
const BACK: u32 = 3;

/// How the next rate is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdjustmentType {
    /// Type B: up by a fixed step until there is an overload, by one row at a time after several.
    #[default]
    B,
    /// Type C: doubles on every second trial, and again after some time in single steps.
    C,
}

impl AdjustmentType {
    /// Its name on the command line and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::B => "b",
            Self::C => "c",
        }
    }
}

impl FromStr for AdjustmentType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::B, Self::C].into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// Whether datagrams out of order and duplicates are errors of the sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SequenceErrors {
    /// Only losses are.
    #[default]
    Losses,
    /// Losses, datagrams out of order and duplicates.
    All,
}

/// What counts as an overload, and how large steps are. The defaults are RFC 9097's and TR-471's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdjustmentParams {
    /// How the next rate is chosen.
    pub kind: AdjustmentType,
    /// Delay variation below which a trial is good: 30 ms.
    pub low: Nanos,
    /// Delay variation above which it is an overload: 90 ms.
    pub upper: Nanos,
    /// Errors of the sequence that a trial may have: 10.
    pub errors: u64,
    /// Errors that it may have for each million datagrams, where that is more; 0, the standard's,
    /// for an absolute number alone. That of 10 in 50 ms is 0.1 % at 2.4 Gbit/s: without a share,
    /// the least random loss bounds fast paths.
    pub errors_per_million: u64,
    /// What these are.
    pub counted: SequenceErrors,
    /// Rows of a fast step up: 10; three times that back.
    pub fast_step: u32,
    /// Overloads in a row after which the search takes single rows: 3.
    pub slow_after: u32,
    /// The highest row that is sent.
    pub highest: u32,
}

impl Default for AdjustmentParams {
    fn default() -> Self {
        Self {
            kind: AdjustmentType::B,
            low: Nanos::from_millis(30),
            upper: Nanos::from_millis(90),
            errors: 10,
            errors_per_million: 0,
            counted: SequenceErrors::Losses,
            fast_step: 10,
            slow_after: 3,
            highest: LAST_ROW,
        }
    }
}

/// What a trial met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Datagrams that arrived, copies included.
    pub datagrams: u64,
    /// Datagrams lost, by gaps in the numbers.
    pub lost: u64,
    /// Datagrams that arrived out of order.
    pub reordered: u64,
    /// Copies beside the first.
    pub duplicates: u64,
    /// Delay above the least so far: of the last round trip, or the mean one-way; `None` if no
    /// datagram had one, which is neither good nor an overload.
    pub delay_variation: Option<Nanos>,
    /// Whether so many were marked as having met congestion (ECN CE) that it is an overload.
    pub is_marked: bool,
}

/// What a trial says of the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialVerdict {
    /// Few errors and a low delay variation: more may be tried.
    Good,
    /// Neither: the rate stays.
    Hold,
    /// Too many errors, or too high a delay variation: less.
    Overload,
}

impl AdjustmentParams {
    /// What a trial says of the rate that it was sent at.
    pub fn judge(&self, trial: &Trial) -> TrialVerdict {
        let others = match self.counted {
            SequenceErrors::Losses => 0,
            SequenceErrors::All => trial.reordered.saturating_add(trial.duplicates),
        };
        let errors = trial.lost.saturating_add(others);
        let sent = u128::from(trial.datagrams) + u128::from(trial.lost);
        let share = sent.saturating_mul(u128::from(self.errors_per_million)) / 1_000_000;
        let allowed = u128::from(self.errors).max(share);
        // No sample is taken as the lower threshold, as TR-471 does.
        let delay = trial.delay_variation.unwrap_or(self.low);
        if u128::from(errors) > allowed || delay > self.upper || trial.is_marked {
            return TrialVerdict::Overload;
        }
        if delay < self.low { TrialVerdict::Good } else { TrialVerdict::Hold }
    }
}

/// The state of a search: the row that is sent now, and what came before it.
#[derive(Clone, Debug)]
pub struct RateAdjustment {
    params: AdjustmentParams,
    row: u32,
    /// Overloads since the last fast step.
    slow: u32,
    /// Type C: whether the last good trial left the rate as it was, so that the next one doubles it.
    is_doubling: bool,
    /// Type C: single steps since the last attempt to multiply.
    retry: u32,
    /// Type C: single steps up after which it multiplies again.
    retry_after: u32,
}

impl RateAdjustment {
    /// A search that begins at that row.
    pub fn new(params: AdjustmentParams, row: u32) -> Self {
        let highest = params.highest.min(LAST_ROW);
        let params = AdjustmentParams { highest, ..params };
        let row = row.min(highest);
        Self { params, row, slow: 0, is_doubling: false, retry: 0, retry_after: RETRY }
    }

    /// The row that is sent now.
    pub fn row(&self) -> u32 {
        self.row
    }

    /// Thresholds and steps.
    pub fn params(&self) -> &AdjustmentParams {
        &self.params
    }

    /// Whether the search takes single rows, because there were several overloads.
    pub fn is_slow(&self) -> bool {
        self.row >= HIGH_SPEED_ROW || self.slow >= self.params.slow_after
    }

    /// A trial at the current row is over. Returns the row to send next.
    pub fn observe(&mut self, trial: &Trial) -> u32 {
        match self.params.judge(trial) {
            TrialVerdict::Good if self.is_slow() => self.step_up(),
            TrialVerdict::Good => self.step_up_fast(),
            TrialVerdict::Hold => {}
            TrialVerdict::Overload => self.step_down(),
        }
        self.row = self.row.min(self.params.highest);
        self.row
    }

    fn step_up_fast(&mut self) {
        self.slow = 0;
        match self.params.kind {
            AdjustmentType::B => {
                self.row = self.row.saturating_add(self.params.fast_step).min(HIGH_SPEED_ROW);
            }
            AdjustmentType::C => {
                if self.row > HIGH_SPEED_ROW / 2 {
                    self.row = HIGH_SPEED_ROW;
                    return;
                }
                if self.is_doubling {
                    self.row = 2 * self.row.max(1);
                }
                self.is_doubling = !self.is_doubling;
            }
        }
    }

    fn step_up(&mut self) {
        self.row = self.row.saturating_add(1).min(self.params.highest);
        if self.params.kind == AdjustmentType::C {
            self.retry += 1;
            if self.retry >= self.retry_after {
                (self.slow, self.retry) = (0, 0);
                self.retry_after = self.retry_after.saturating_add(RETRY);
            }
        }
    }

    fn step_down(&mut self) {
        self.slow = self.slow.saturating_add(1);
        if self.row < HIGH_SPEED_ROW && self.slow == self.params.slow_after {
            self.row = self.row.saturating_sub(self.params.fast_step.saturating_mul(BACK));
            return;
        }
        self.row = self.row.saturating_sub(1);
        if self.params.kind == AdjustmentType::C {
            self.retry += 1;
            if self.retry >= self.retry_after {
                (self.slow, self.retry) = (0, 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Trial {
        let delay_variation = Some(Nanos::from_millis(1));
        Trial { datagrams: 1_000, delay_variation, ..Trial::default() }
    }

    fn overload() -> Trial {
        Trial { lost: 11, ..good() }
    }

    fn params(kind: AdjustmentType) -> AdjustmentParams {
        AdjustmentParams { kind, ..AdjustmentParams::default() }
    }

    fn rows(search: &mut RateAdjustment, trial: &Trial, times: usize) -> Vec<u32> {
        (0..times).map(|_| search.observe(trial)).collect()
    }

    #[test]
    fn a_trial_is_judged_by_errors_and_delay() {
        use TrialVerdict::{Good, Hold, Overload};
        let delayed = |millis| Some(Nanos::from_millis(millis));
        let standard = AdjustmentParams::default();
        let all = AdjustmentParams { counted: SequenceErrors::All, ..standard };
        let shares = AdjustmentParams { errors_per_million: 20_000, ..standard };
        for (params, trial, verdict) in [
            (standard, good(), Good),
            (standard, Trial { lost: 10, ..good() }, Good),
            (standard, overload(), Overload),
            (standard, Trial { delay_variation: delayed(30), ..good() }, Hold),
            (standard, Trial { delay_variation: delayed(90), ..good() }, Hold),
            (standard, Trial { delay_variation: delayed(91), ..good() }, Overload),
            (standard, Trial { delay_variation: None, ..good() }, Hold),
            (standard, Trial { is_marked: true, ..good() }, Overload),
            (standard, Trial { reordered: 50, duplicates: 50, ..good() }, Good),
            (all, Trial { reordered: 5, duplicates: 6, ..good() }, Overload),
            (shares, Trial { lost: 20, ..good() }, Good),
            (shares, Trial { lost: 21, ..good() }, Overload),
            // The absolute number still holds where the share is less.
            (shares, Trial { datagrams: 10, lost: 10, ..good() }, Good),
        ] {
            assert_eq!(params.judge(&trial), verdict, "{trial:?}");
        }
    }

    #[test]
    fn type_b_reaches_1_gbit_s_after_5_s_and_10_gbit_s_after_8_s() {
        let mut search = RateAdjustment::new(params(AdjustmentType::B), 0);
        assert_eq!(rows(&mut search, &good(), 3), [10, 20, 30]);
        assert_eq!(rows(&mut search, &good(), 97).last(), Some(&HIGH_SPEED_ROW));
        assert_eq!(rows(&mut search, &good(), 66).last(), Some(&1_066));
    }

    #[test]
    fn type_c_doubles_on_every_second_trial() {
        let mut search = RateAdjustment::new(params(AdjustmentType::C), 0);
        assert_eq!(rows(&mut search, &good(), 6), [0, 2, 2, 4, 4, 8]);
        // 1 Gbit/s after about a second.
        let reached = 6 + rows(&mut search, &good(), 40)
            .iter()
            .position(|row| *row == HIGH_SPEED_ROW)
            .unwrap();
        assert!((15..=21).contains(&reached), "{reached}");
    }

    #[test]
    fn several_overloads_end_the_fast_way_of_type_b_for_good() {
        let mut search = RateAdjustment::new(params(AdjustmentType::B), 200);
        assert_eq!(rows(&mut search, &overload(), 2), [199, 198]);
        // A good trial between them starts the count again.
        assert_eq!(rows(&mut search, &good(), 1), [208]);
        assert_eq!(rows(&mut search, &overload(), 5), [207, 206, 176, 175, 174]);
        assert_eq!(rows(&mut search, &good(), 3), [175, 176, 177]);
        assert!(search.is_slow());
    }

    #[test]
    fn type_c_multiplies_again_after_some_steps() {
        let mut search = RateAdjustment::new(params(AdjustmentType::C), 100);
        assert_eq!(rows(&mut search, &overload(), 3), [99, 98, 68]);
        // Two of the overloads count as steps.
        assert_eq!(rows(&mut search, &good(), 5), [69, 70, 71, 71, 142]);
        // The next time it takes longer.
        assert_eq!(rows(&mut search, &overload(), 3), [141, 140, 110]);
        assert_eq!(rows(&mut search, &good(), 9).last(), Some(&118));
    }

    #[test]
    fn rows_stay_within_the_table_and_the_highest_allowed() {
        for (kind, highest) in [(AdjustmentType::B, 155), (AdjustmentType::C, 1_100)] {
            let limits = AdjustmentParams { highest, ..params(kind) };
            let mut search = RateAdjustment::new(limits, 2_000);
            assert_eq!(search.row(), highest);
            assert_eq!(rows(&mut search, &good(), 200).last(), Some(&highest));
            assert_eq!(rows(&mut search, &overload(), 1_200).last(), Some(&0));
            assert!(rows(&mut search, &good(), 3_000).iter().all(|row| *row <= highest));
        }
    }

    #[test]
    fn numbers_of_any_size_do_not_overflow() {
        let extreme = AdjustmentParams {
            kind: AdjustmentType::C,
            errors_per_million: u64::MAX,
            counted: SequenceErrors::All,
            fast_step: u32::MAX,
            slow_after: u32::MAX,
            highest: u32::MAX,
            ..AdjustmentParams::default()
        };
        let many = u64::MAX;
        let delay_variation = Some(Nanos::MAX);
        let worst = Trial { datagrams: many, lost: many, reordered: many, ..good() };
        for kind in [AdjustmentType::B, AdjustmentType::C] {
            let mut search = RateAdjustment::new(AdjustmentParams { kind, ..extreme }, u32::MAX);
            for trial in [worst, Trial { delay_variation, duplicates: many, ..worst }, good()] {
                assert!(search.observe(&trial) <= LAST_ROW);
            }
        }
    }
}
