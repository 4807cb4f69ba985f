//! When each datagram is to be sent: an absolute schedule in integers.

mod pacer;
mod poisson;

pub use pacer::Pacer;
pub use poisson::PoissonPacer;
