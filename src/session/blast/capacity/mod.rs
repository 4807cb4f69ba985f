//! The capacity search of a stream: the receiver reports each trial, the sender adjusts its rate
//! by that (`pace::RateAdjustment`), and both keep the course.

mod course;
mod rate_search;
mod trial_reporter;

pub use course::{Course, merge_courses};
pub use rate_search::{RateSearch, RateStep, SentSoFar, highest_rate};
pub use trial_reporter::{CountedSoFar, TrialReporter};

use crate::pace::AdjustmentType;
use crate::units::Nanos;

/// Time between two reports of the receiver: RFC 9097 has 50 ms. Type C climbs by one row for each
/// report above 1 Gbit/s, and with that would reach 10 Gbit/s after 4 s only.
pub fn trial_length(kind: AdjustmentType) -> Nanos {
    match kind {
        AdjustmentType::B => Nanos::from_millis(50),
        AdjustmentType::C => Nanos::from_millis(25),
    }
}
