//! Which processor each stream's thread runs on.

use crate::session::blast::TestPlan;
use crate::sys;
use crate::units::Rate;

/// Which processor each stream's thread runs on.
///
/// If both ends are on this host, a stream without a rate limit is fastest when its sender and its
/// receiver take turns on one processor: the receiver then reads from the cache that the sender
/// wrote to. One such pair carried 1.2 to 1.5 times as much as the same two threads on two
/// processors, two pairs 2.4 times. Each end applies this rule independently and gets the same
/// result, because a stream has the same number at both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    cpus: Vec<usize>,
    paired: bool,
}

impl Placement {
    /// Any processor; the kernel decides.
    pub const ANYWHERE: Self = Self { cpus: Vec::new(), paired: false };

    /// Assigns streams to these processors in rotation; an empty list means any.
    pub fn listed(cpus: Vec<usize>) -> Self {
        Self { cpus, paired: false }
    }

    /// Placement for a run at `rate` with both ends on this host, when the user named no processors.
    pub fn for_one_host(rate: Rate) -> Self {
        // Below the maximum rate there is time to spare, and a wake-up on another processor is
        // faster.
        if rate != Rate::Max {
            return Self::ANYWHERE;
        }
        let cpus = sys::allowed_processors();
        Self { paired: !cpus.is_empty(), cpus }
    }

    /// The same for a run. A search has a rate, and time to spare until it is at its end.
    pub fn for_test_on_one_host(test: &TestPlan) -> Self {
        if test.capacity.is_some() { Self::ANYWHERE } else { Self::for_one_host(test.rate) }
    }

    /// Whether the user named the processors.
    pub fn is_listed(&self) -> bool {
        !self.cpus.is_empty() && !self.paired
    }

    /// Whether a stream's two ends share one processor and must take turns.
    pub fn is_paired(&self) -> bool {
        self.paired
    }

    /// Number of processors that streams are spread over; 0 for any.
    pub fn processors(&self) -> usize {
        self.cpus.len()
    }

    /// The processor for this stream; `None` for any.
    pub fn of(&self, stream: u32) -> Option<usize> {
        match self.cpus[..] {
            [] => None,
            ref cpus => Some(cpus[stream as usize % cpus.len()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_processors_are_taken_in_turn() {
        let placement = Placement::listed(vec![3, 5]);
        assert_eq!([0, 1, 2].map(|stream| placement.of(stream)), [Some(3), Some(5), Some(3)]);
        assert!(!placement.is_paired());
        assert_eq!(Placement::ANYWHERE.of(1), None);
    }

    #[test]
    fn only_runs_without_a_rate_on_this_host_are_paired() {
        assert!(Placement::for_one_host(Rate::Max).is_paired());
        assert_eq!(Placement::for_one_host("10M".parse().unwrap()), Placement::ANYWHERE);
    }
}
