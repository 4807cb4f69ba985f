//! When each datagram is to be sent, by absolute schedules in integers, and limits of rates.

mod pacer;
mod poisson;
mod rate_limit;
mod schedule;

pub use pacer::Pacer;
pub use poisson::PoissonPacer;
pub use rate_limit::{RateLimit, RateMeter};
pub use schedule::{Schedule, Spacing};
