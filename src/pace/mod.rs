//! When the next datagram is due: an absolute schedule in integers.

mod pacer;

pub use pacer::Pacer;
