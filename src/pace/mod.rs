//! When each datagram is to be sent, by absolute schedules in integers, and limits of rates.
//!
//! A schedule is caught up with after a pause. The probes of a path do the opposite: they keep a
//! distance from their last send, `now + gap`, so that no router or agent meets a burst that its
//! rate limit would drop. That is no schedule, and stays one line where it is.

mod pacer;
mod poisson;
mod rate_adjustment;
mod rate_limit;
mod schedule;
mod sending_rates;
mod size_mix;

pub use pacer::Pacer;
pub use poisson::PoissonPacer;
pub use rate_adjustment::{
    AdjustmentParams, AdjustmentType, RateAdjustment, SequenceErrors, Trial, TrialVerdict,
};
pub use rate_limit::{RateLimit, RateMeter};
pub use schedule::{Schedule, Spacing};
pub use sending_rates::{
    FastRows, HIGH_SPEED_ROW, LAST_ROW, RANDOM_SIZE, RatePayload, SendingRate, SendingRates,
};
pub use size_mix::{MOST_SIZE_CLASSES, SizeClass, SizeMix, SizeRun, SizeSequence};
