//! What `probe` asks of its helper and what the helper answers: datagrams with a measurement header,
//! and the lines of STAT that tell what arrived.
//!
//! An [`Ask`] stands at the start of a payload or, behind a payload of another protocol's shape, in
//! its last 40 bytes. An [`Echo`] stands at the start of each answer. Behind either the pattern
//! ([`super::pattern`]) goes on, so that changes on the way are seen.

mod arrivals;
mod ask;
mod echo;

pub use arrivals::{Arrivals, BackError};
pub use ask::{Ask, Via};
pub use echo::Echo;
