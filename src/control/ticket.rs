//! How long tickets are valid.

use crate::units::Nanos;

/// A ticket is valid in the time slot of its issue and the next.
pub const TICKET_SLOT: Nanos = Nanos::from_secs(30);
