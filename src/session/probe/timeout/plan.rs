//! Which silences are tried, and which between the last that was survived and the first that was
//! not.

use crate::units::Nanos;
use std::net::SocketAddr;

/// The silences that are tried first, in seconds: what devices are set to, and beside it.
pub const CANDIDATES: [u64; 14] = [5, 10, 20, 28, 32, 45, 60, 90, 118, 122, 150, 180, 240, 300];
/// Times that a silence of a timer which may be chance is tried again, and the answers then.
pub(super) const AGAIN: usize = 2;
pub(super) const AGAIN_ANSWERS: u8 = 8;
/// Silences of a refinement at most, for each timer.
const POINTS: u64 = 7;

/// A run of `probe timeout`, before it begins.
#[derive(Clone, Debug)]
pub struct TimeoutPlan {
    /// The far end, with the port that it serves on.
    pub server: SocketAddr,
    /// The silences that are tried first, shortest first, at least one.
    pub candidates: Vec<Nanos>,
    /// A refinement goes no further than this.
    pub precision: Nanos,
    /// Answers after each silence, 1 to 8.
    pub tries: u8,
    /// Whether to try if inbound traffic alone keeps the path open.
    pub who_refreshes: bool,
}

impl TimeoutPlan {
    /// Sockets that the run needs: the dialogue's, one for each silence of each timer, those that are
    /// tried again, and the one that is refreshed from outside.
    pub fn sockets(&self) -> usize {
        2 + 2 * (self.candidates.len() + POINTS as usize + AGAIN)
    }

    /// The longest silence that is tried.
    pub fn longest(&self) -> Nanos {
        self.candidates.last().copied().unwrap_or_default()
    }

    /// The silences between two, evenly; none where they are close enough.
    pub(super) fn between(&self, open: Nanos, closed: Nanos) -> Vec<Nanos> {
        let gap = closed - open;
        let parts = gap.0.div_ceil(self.precision.0.max(1_000_000)).min(POINTS + 1);
        // Whole milliseconds, as the far end is told.
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
