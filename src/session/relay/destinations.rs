//! The destinations of a relay, each with its own counts. The list can be replaced while it runs.

use super::plan::RelayTarget;
use crate::record::{RelayDestination, RelayRefusal, RelayRefused};

/// One destination, or one that was in an earlier list.
#[derive(Debug)]
pub(super) struct Destination {
    pub target: RelayTarget,
    pub is_current: bool,
    pub forwarded: u64,
    pub forwarded_bytes: u64,
    pub refused: RelayRefused,
    pub queued: u64,
    pub answers: u64,
    pub network_errors: u64,
}

/// All destinations by their numbers, which stay.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    all: Vec<Destination>,
    current: Vec<usize>,
}

impl Destinations {
    pub fn new(targets: &[RelayTarget]) -> Self {
        let mut new = Self::default();
        new.replace(targets);
        new
    }

    /// Replaces the list; what both have goes on as it was. Returns how many came and went.
    pub fn replace(&mut self, targets: &[RelayTarget]) -> (u64, u64) {
        let before = std::mem::take(&mut self.current);
        let mut added = 0;
        for target in targets {
            let number = self.number_of(*target);
            if self.current.contains(&number) {
                continue;
            }
            added += u64::from(!before.contains(&number));
            self.current.push(number);
        }
        for (number, destination) in self.all.iter_mut().enumerate() {
            destination.is_current = self.current.contains(&number);
        }
        let removed = before.iter().filter(|number| !self.current.contains(number)).count();
        (added, removed as u64)
    }

    fn number_of(&mut self, target: RelayTarget) -> usize {
        let known = self.all.iter().position(|known| known.target == target);
        known.unwrap_or_else(|| {
            self.all.push(Destination {
                target,
                is_current: true,
                forwarded: 0,
                forwarded_bytes: 0,
                refused: RelayRefused::default(),
                queued: 0,
                answers: 0,
                network_errors: 0,
            });
            self.all.len() - 1
        })
    }

    /// The numbers of those in the list, in its order.
    pub fn current(&self) -> &[usize] {
        &self.current
    }

    /// The first of the list.
    pub fn first(&self) -> Option<usize> {
        self.current.first().copied()
    }

    pub fn get(&self, number: usize) -> &Destination {
        &self.all[number]
    }

    pub fn get_mut(&mut self, number: usize) -> &mut Destination {
        &mut self.all[number]
    }

    /// Counts datagrams that were not sent to one.
    pub fn refuse(&mut self, number: usize, why: RelayRefusal, datagrams: u64) {
        self.all[number].refused.add(why, datagrams);
    }

    /// The rows of all.
    pub fn rows(&self) -> Vec<RelayDestination> {
        let row = |one: &Destination| RelayDestination {
            destination: one.target.address.into(),
            is_current: one.is_current,
            forwarded: one.forwarded,
            forwarded_bytes: one.forwarded_bytes,
            refused: one.refused,
            queued: one.queued,
            answers: one.answers,
            errors: one.network_errors,
        };
        self.all.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(port: u16) -> RelayTarget {
        let address = ([192, 0, 2, 1], port).into();
        RelayTarget { address, interface: 0, is_shared: false }
    }

    #[test]
    fn a_new_list_keeps_the_counts_of_those_that_stay_and_of_those_that_return() {
        let mut all = Destinations::new(&[target(1), target(2)]);
        all.get_mut(0).forwarded = 7;
        all.get_mut(1).forwarded = 8;
        assert_eq!(all.replace(&[target(3), target(2), target(3)]), (1, 1));
        assert_eq!(all.current(), [2, 1]);
        assert_eq!(all.first(), Some(2));
        assert_eq!(all.replace(&[target(1)]), (1, 2));
        let rows = all.rows();
        let told: Vec<_> = rows.iter().map(|row| (row.is_current, row.forwarded)).collect();
        assert_eq!(told, [(true, 7), (false, 8), (false, 0)]);
        assert_eq!(all.replace(&[]), (0, 1));
        assert_eq!(all.first(), None);
    }
}
