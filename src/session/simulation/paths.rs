//! What the paths of these tests do.

use crate::impair::{Chance, Delay, Impairments, Jitter, Loss, Reordering};
use crate::units::Nanos;

/// Nothing but a delay of one millisecond.
pub fn clean() -> Impairments {
    with_delay(Nanos::from_millis(1))
}

/// Nothing but this delay.
pub fn with_delay(base: Nanos) -> Impairments {
    Impairments { delay: Delay { base, jitter: Jitter::None }, ..Impairments::default() }
}

/// A delay that differs by up to so much, without reordering.
pub fn jittery(base: Nanos, most: Nanos) -> Delay {
    Delay { base, jitter: Jitter::Above(most) }
}

/// Independent loss.
pub fn lossy(percent: u32) -> Loss {
    Loss::Independent(Chance::percent(percent))
}

/// So many in a thousand are held back for so long.
pub fn held(per_mille: u32, hold: Nanos) -> Reordering {
    Reordering { share: Chance::per_million(per_mille * 1_000), hold, by: 0 }
}

/// A share that comes twice.
pub fn twice(percent: u32) -> crate::impair::Duplication {
    crate::impair::Duplication { share: Chance::percent(percent), copies: 1 }
}
