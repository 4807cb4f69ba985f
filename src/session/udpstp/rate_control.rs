//! The rate of a test at its server: the row of the table, and how trials move it.

use super::params::adjustment;
use crate::pace::{self, RANDOM_SIZE, RateAdjustment, SendingRates, Trial};
use crate::units::Nanos;
use crate::wire::udpstp::{SendingRate, Size, StatusFeedback, TestParams};

/// The rate of a test.
#[derive(Debug)]
pub(super) struct RateControl {
    table: SendingRates,
    params: TestParams,
    search: RateAdjustment,
    /// Whether the row that was asked for waits for the first feedback.
    waits: bool,
}

/// Whether the client's address has proven itself before the first feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstRow {
    /// The row that was asked for.
    AsAsked,
    /// The lowest, until feedback comes.
    Lowest,
}

impl RateControl {
    /// A test with these parameters, up to this row.
    pub fn new(table: SendingRates, params: TestParams, (highest, first): (u32, FirstRow)) -> Self {
        let row = params.row.map_or(0, u32::from);
        let search = RateAdjustment::new(adjustment(&params, highest), row);
        Self { table, params, search, waits: first == FirstRow::Lowest && row > 0 }
    }

    /// The row to send at now.
    pub fn row(&self) -> u32 {
        if self.waits { 0 } else { self.search.row() }
    }

    /// The same as a rate.
    pub fn rate(&self) -> SendingRate {
        on_the_wire(&self.table.row(self.row()))
    }

    /// A trial is over.
    pub fn observe(&mut self, feedback: &StatusFeedback) {
        if std::mem::take(&mut self.waits) {
            return;
        }
        let is_fixed = self.params.row.is_some() && !self.params.row_is_start;
        if is_fixed || feedback.sub_interval_number < u32::from(self.params.suppressed) {
            return;
        }
        self.search.observe(&self.trial(feedback));
    }

    fn trial(&self, feedback: &StatusFeedback) -> Trial {
        let mean = (feedback.delay_count > 0).then(|| {
            let (sum, count) = (u64::from(feedback.delay_sum_ms), u64::from(feedback.delay_count));
            (sum * 10 / count + 5) / 10
        });
        let millis =
            if self.params.one_way { mean } else { feedback.rtt_variation_ms.map(u64::from) };
        let threshold = u64::from(self.params.ce_threshold);
        let allowed =
            |threshold: u64| (threshold - 1) * u64::from(feedback.trial_datagrams) * 10 / 255 + 5;
        let is_marked = threshold > 0 && u64::from(feedback.trial_ce) > allowed(threshold) / 10;
        Trial {
            datagrams: u64::from(feedback.trial_datagrams),
            lost: u64::from(feedback.lost),
            reordered: u64::from(feedback.reordered),
            duplicates: u64::from(feedback.duplicates),
            delay_variation: millis.map(Nanos::from_millis),
            is_marked,
        }
    }
}

/// A row as a PDU has it.
pub(super) fn on_the_wire(row: &pace::SendingRate) -> SendingRate {
    let size = |size: u32| Size { payload: size & !RANDOM_SIZE, random: size & RANDOM_SIZE != 0 };
    SendingRate {
        interval1_us: row.interval_1_us,
        size1: size(row.payload_1),
        burst1: row.burst_1,
        interval2_us: row.interval_2_us,
        size2: size(row.payload_2),
        burst2: row.burst_2,
        addon2: size(row.addon_2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::LAST_ROW;

    fn good() -> StatusFeedback {
        StatusFeedback { trial_datagrams: 100, rtt_variation_ms: Some(1), ..Default::default() }
    }

    fn control(params: TestParams, first: FirstRow) -> RateControl {
        RateControl::new(SendingRates::default(), params, (LAST_ROW, first))
    }

    #[test]
    fn a_fixed_row_stays_and_a_start_moves() {
        let fixed = TestParams { row: Some(300), ..TestParams::default() };
        for (params, row) in [
            (fixed, 300),
            (TestParams { row_is_start: true, ..fixed }, 310),
            (TestParams::default(), 10),
        ] {
            let mut control = control(params, FirstRow::AsAsked);
            assert_eq!(control.row(), params.row.map_or(0, u32::from));
            control.observe(&good());
            assert_eq!(control.row(), row);
        }
    }

    #[test]
    fn a_row_for_an_address_that_is_not_proven_waits_for_its_feedback() {
        let fixed = TestParams { row: Some(300), ..TestParams::default() };
        let mut control = control(fixed, FirstRow::Lowest);
        assert_eq!(control.row(), 0);
        control.observe(&good());
        assert_eq!(control.row(), 300);
    }

    #[test]
    fn suppressed_sub_intervals_do_not_move_it() {
        let params = TestParams { suppressed: 2, ..TestParams::default() };
        let mut control = control(params, FirstRow::AsAsked);
        for (number, row) in [(0, 0), (1, 0), (2, 10)] {
            control.observe(&StatusFeedback { sub_interval_number: number, ..good() });
            assert_eq!(control.row(), row);
        }
    }

    #[test]
    fn delay_is_that_of_round_trips_or_the_mean_one_way_and_marks_count_from_a_share_on() {
        let feedback = StatusFeedback { delay_sum_ms: 1_000, delay_count: 10, ..good() };
        let marked = StatusFeedback { trial_ce: 2, ..good() };
        let one_way = TestParams { one_way: true, ..TestParams::default() };
        let ecn = |ce_threshold| TestParams { ce_threshold, tos: 1, ..TestParams::default() };
        for (params, feedback, row) in [
            (TestParams::default(), feedback, 60),
            (one_way, feedback, 49),
            (one_way, good(), 50),
            (TestParams::default(), marked, 60),
            (ecn(1), marked, 49),
            (ecn(5), marked, 60),
        ] {
            let params = TestParams { row: Some(50), row_is_start: true, ..params };
            let mut control = control(params, FirstRow::AsAsked);
            control.observe(&feedback);
            assert_eq!(control.row(), row, "{params:?}");
        }
    }
}
