//! When the next datagram is due: an absolute schedule in integers.

mod pacer;
mod poisson;

pub use pacer::Pacer;
pub use poisson::PoissonPacer;
