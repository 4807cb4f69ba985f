//! Messages between `probe` and the remote agent: datagrams with a measurement header, and the STAT
//! lines that report what arrived.
//!
//! An [`Ask`] is at the start of a payload or, if the payload imitates another protocol, in its last
//! 40 bytes. An [`Echo`] is at the start of each answer. The rest is filled with the pattern
//! ([`super::pattern`]), so that changes in transit are detected.

mod arrivals;
mod reply;
mod request;

pub use arrivals::{Arrivals, ReplyError};
pub use reply::Echo;
pub use request::{Ask, Via};
