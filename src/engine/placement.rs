//! Which processor each stream's thread runs on.

use crate::sys;
use crate::units::Rate;

/// Where streams' threads run.
///
/// Where both ends are on this host, a stream without a rate is at its fastest when its sender and
/// its receiver share one processor and take turns: the receiver then reads what the sender wrote
/// from the cache that it was written to. One such pair carried 1.2 to 1.5 times what the same two
/// threads did on two processors, two pairs 2.4 times. Each end applies this rule for itself and
/// comes to the same answer, because a stream has the same number at both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    cpus: Vec<usize>,
    paired: bool,
}

impl Placement {
    /// Any processor, as the kernel likes.
    pub const ANYWHERE: Self = Self { cpus: Vec::new(), paired: false };

    /// Streams on these processors, in turn; none for any.
    pub fn listed(cpus: Vec<usize>) -> Self {
        Self { cpus, paired: false }
    }

    /// The rule for a run at `rate`, where the user named no processors; `one_host` is whether both
    /// ends are on this one.
    pub fn for_run(rate: Rate, one_host: bool) -> Self {
        // Beside a rate there is time to spare, and waking up elsewhere is quicker.
        if rate != Rate::Max || !one_host {
            return Self::ANYWHERE;
        }
        let cpus = sys::allowed_processors();
        Self { paired: !cpus.is_empty(), cpus }
    }

    /// Whether the user named the processors.
    pub fn is_listed(&self) -> bool {
        !self.cpus.is_empty() && !self.paired
    }

    /// Whether a stream's two ends share its processor and must take turns.
    pub fn is_paired(&self) -> bool {
        self.paired
    }

    /// Processors that streams are spread over; 0 for any.
    pub fn processors(&self) -> usize {
        self.cpus.len()
    }

    /// The processor of a stream; `None` for any.
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
        assert!(Placement::for_run(Rate::Max, true).is_paired());
        assert_eq!(Placement::for_run(Rate::Max, false), Placement::ANYWHERE);
        assert_eq!(Placement::for_run("10M".parse().unwrap(), true), Placement::ANYWHERE);
    }
}
