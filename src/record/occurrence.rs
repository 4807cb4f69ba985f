//! When something was first and last seen in a run.

use crate::units::Nanos;
use serde::Serialize;

/// The first and the last time, in nanoseconds since the run began to send or to listen; `None`
/// where whoever saw it did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Occurrence {
    /// The first time.
    pub first_ns: Option<u64>,
    /// The last time.
    pub last_ns: Option<u64>,
}

impl Occurrence {
    /// Occurrence once, at this time since the start.
    pub fn once(at: Nanos) -> Self {
        Self { first_ns: Some(at.0), last_ns: Some(at.0) }
    }

    /// Occurrence again, at this time.
    pub fn again(&mut self, at: Nanos) {
        self.join(Self::once(at));
    }

    /// Both together.
    pub fn join(&mut self, other: Self) {
        self.first_ns = match (self.first_ns, other.first_ns) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.last_ns = self.last_ns.max(other.last_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_time_stay() {
        let mut seen = Occurrence::default();
        seen.join(Occurrence::default());
        assert_eq!(seen, Occurrence::default());
        for at in [5, 2, 9, 7] {
            seen.again(Nanos(at));
        }
        assert_eq!(seen, Occurrence { first_ns: Some(2), last_ns: Some(9) });
        seen.join(Occurrence::default());
        assert_eq!(seen, Occurrence { first_ns: Some(2), last_ns: Some(9) });
    }
}
