//! Which idle times to test, and which between the longest that was survived and the shortest that
//! was not.

use crate::units::Nanos;
use std::net::SocketAddr;

/// The initial idle times in seconds: usual settings of devices, and values around them.
pub const CANDIDATES: [u64; 14] = [5, 10, 20, 28, 32, 45, 60, 90, 118, 122, 150, 180, 240, 300];
/// Repetitions of a possibly random silence per timer, and the number of answers then.
pub(super) const AGAIN: usize = 2;
pub(super) const AGAIN_ANSWERS: u8 = 8;
/// Maximum idle times of a refinement, per timer.
const POINTS: u64 = 7;

/// Parameters of `probe timeout`.
#[derive(Clone, Debug)]
pub struct TimeoutPlan {
    /// The far end, with its port.
    pub server: SocketAddr,
    /// The initial idle times, shortest first, at least one.
    pub candidates: Vec<Nanos>,
    /// Resolution of the refinement.
    pub precision: Nanos,
    /// Answers after each idle time, 1 to 8.
    pub tries: u8,
    /// Whether to test if inbound traffic alone keeps the path open.
    pub who_refreshes: bool,
}

impl TimeoutPlan {
    /// Number of sockets that the run needs: the dialogue's, one for each idle time of each timer,
    /// those for repetitions, and the one refreshed from outside.
    pub fn sockets(&self) -> usize {
        2 + 2 * (self.candidates.len() + POINTS as usize + AGAIN)
    }

    /// The longest idle time tested.
    pub fn longest(&self) -> Nanos {
        self.candidates.last().copied().unwrap_or_default()
    }

    /// Evenly spaced idle times between two; none if they are close enough.
    pub(super) fn between(&self, open: Nanos, closed: Nanos) -> Vec<Nanos> {
        let gap = closed - open;
        let parts = gap.0.div_ceil(self.precision.0.max(1_000_000)).min(POINTS + 1);
        // Whole milliseconds, the unit of the request.
        let point = |part| Nanos::from_millis((open.0 + gap.0 * part / parts) / 1_000_000);
        (1..parts).map(point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refinement_is_as_fine_as_wanted_and_no_finer_than_its_sockets_allow() {
        let plan = TimeoutPlan {
            server: "192.0.2.1:8620".parse().unwrap(),
            candidates: CANDIDATES.map(Nanos::from_secs).to_vec(),
            precision: Nanos::from_millis(500),
            tries: 3,
            who_refreshes: false,
        };
        let between = |open, closed| {
            let points = plan.between(Nanos::from_millis(open), Nanos::from_millis(closed));
            points.into_iter().map(|at| at.0 / 1_000_000).collect::<Vec<_>>()
        };
        assert_eq!(between(2_000, 4_000), [2_500, 3_000, 3_500]);
        let fine = [28_500, 29_000, 29_500, 30_000, 30_500, 31_000, 31_500];
        assert_eq!(between(28_000, 32_000), fine);
        assert_eq!(between(240_000, 300_000).len(), 7);
        assert_eq!(between(0, 1_000), [500]);
        assert!(between(1_000, 1_500).is_empty() && between(1_000, 1_001).is_empty());
        assert_eq!(plan.sockets(), 48);
    }
}
