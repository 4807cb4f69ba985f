//! What is under way: it arrives when it is due, or when enough others have overtaken it.

use super::delay::Hold;
use super::impairer::Arrival;
use crate::units::Nanos;
use std::collections::BTreeMap;

/// Items in the order in which they arrive. What arrives at the same time keeps the order in which
/// it was put in.
#[derive(Clone, Debug)]
pub struct InFlight<T> {
    /// By time and by the order of coming in.
    due: BTreeMap<(Nanos, u64), (u64, T)>,
    /// Those that a number of others is to overtake, in the order of coming in.
    held: Vec<Held>,
    next: u64,
}

/// One that waits for others to overtake it.
#[derive(Clone, Copy, Debug)]
struct Held {
    key: (Nanos, u64),
    number: u64,
    hold: Hold,
}

impl<T> Default for InFlight<T> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), held: Vec::new(), next: 0 }
    }
}

impl<T> InFlight<T> {
    /// Puts in what [`super::Line::carry`] let through, in the order in which it did.
    pub fn insert(&mut self, arrival: &Arrival, item: T) {
        let key = (arrival.at, self.next);
        self.next += 1;
        self.due.insert(key, (arrival.number, item));
        if let Some(hold) = arrival.hold.filter(|hold| hold.by > 0) {
            self.held.push(Held { key, number: arrival.number, hold });
        }
    }

    /// When the next arrives; `None` if nothing is under way.
    pub fn next_due(&self) -> Option<Nanos> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next that has arrived at `now`, with the time at which it was due.
    pub fn pop_due(&mut self, now: Nanos) -> Option<(Nanos, T)> {
        let first = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let (key, (number, item)) = first.remove_entry();
        self.overtake(key, number);
        Some((key.0, item))
    }

    /// Items under way.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// An item of this number has arrived: those of smaller numbers that are held were overtaken,
    /// and are due once enough have.
    fn overtake(&mut self, arrived: (Nanos, u64), number: u64) {
        let due = &mut self.due;
        self.held.retain_mut(|held| {
            if held.key == arrived {
                return false;
            }
            if held.number >= number {
                return true;
            }
            held.hold.by -= 1;
            if held.hold.by > 0 {
                return true;
            }
            if let Some(item) = due.remove(&held.key) {
                let at = arrived.0.max(held.hold.from).min(held.key.0);
                due.insert((at, held.key.1), item);
            }
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        ArrivalOrder, Chance, Delay, Duplication, Impairments, Jitter, Line, Phase, Reordering,
    };
    use super::*;

    const GAP: Nanos = Nanos(1_000_000);

    /// Numbers in the order in which they arrive, each with the time; one is sent every gap.
    fn arrivals(impairments: &Impairments, count: u64) -> Vec<(Nanos, u64)> {
        let phase = Phase { length: None, impairments: impairments.clone() };
        let mut line = Line::new(vec![phase], 3);
        let (mut flight, mut arrived) = (InFlight::default(), Vec::new());
        let mut now = Nanos::ZERO;
        for number in 0..count {
            line.carry(now, 100, false, |copy| flight.insert(&copy, number));
            now += GAP;
            while let Some(item) = flight.pop_due(now) {
                assert!(item.0 <= now);
                arrived.push(item);
            }
        }
        while let Some(at) = flight.next_due() {
            arrived.extend(flight.pop_due(at));
        }
        assert!(flight.is_empty() && flight.held.is_empty());
        assert!(arrived.is_sorted_by_key(|(at, _)| *at));
        arrived
    }

    /// How many with a larger number arrive before each.
    fn overtaken_by(arrived: &[(Nanos, u64)]) -> Vec<usize> {
        let before = |(at, (_, number)): (usize, &(Nanos, u64))| {
            arrived[..at].iter().filter(|(_, earlier)| earlier > number).count()
        };
        arrived.iter().enumerate().map(before).collect()
    }

    #[test]
    fn what_is_held_for_three_is_overtaken_by_exactly_three() {
        for base in [Nanos::ZERO, Nanos(40 * GAP.0)] {
            let reordering =
                Reordering { share: Chance::percent(2), hold: Nanos::from_secs(1), by: 3 };
            let delay = Delay { base, jitter: Jitter::None };
            let path = Impairments { delay, reordering, ..Impairments::default() };
            let arrived = arrivals(&path, 5_000);
            let by = overtaken_by(&arrived);
            let held = by.iter().filter(|by| **by > 0).count();
            assert!((70..130).contains(&held), "{held}");
            // But for the very last, after which too few come.
            let exact = by.iter().filter(|by| **by == 3).count();
            assert!(by.iter().all(|by| *by <= 3) && exact >= held - 1, "{exact} of {held}");
            for ((at, number), by) in arrived.iter().zip(by) {
                let own = Nanos(number * GAP.0) + base;
                let expected = Nanos(own.0 + by as u64 * GAP.0);
                assert!(*at >= own && *at <= expected + GAP, "{number}: {at:?} {by}");
            }
        }
    }

    #[test]
    fn the_last_ones_wait_for_no_longer_than_the_bound() {
        let hold = Nanos(10 * GAP.0);
        let reordering = Reordering { share: Chance::ALWAYS, hold, by: 3 };
        let path = Impairments { reordering, ..Impairments::default() };
        // Everything is held, so nothing overtakes.
        let expected: Vec<_> =
            (0..5).map(|number| (Nanos(number * GAP.0) + hold, number)).collect();
        assert_eq!(arrivals(&path, 5), expected);
    }

    #[test]
    fn copies_of_one_do_not_overtake_it() {
        let path = Impairments {
            duplication: Duplication { share: Chance::ALWAYS, copies: 1 },
            reordering: Reordering { share: Chance::percent(5), hold: Nanos::from_secs(1), by: 4 },
            ..Impairments::default()
        };
        let arrived = arrivals(&path, 2_000);
        assert_eq!(arrived.len(), 4_000);
        let by = overtaken_by(&arrived);
        assert!(by.iter().filter(|by| **by == 4).count() > 100);
        assert!(by.iter().all(|by| *by <= 4), "{:?}", by.iter().max());
    }

    #[test]
    fn without_a_number_the_order_is_that_of_the_times() {
        let path = Impairments {
            delay: Delay { base: Nanos(50 * GAP.0), jitter: Jitter::Uniform(Nanos(50 * GAP.0)) },
            order: ArrivalOrder::Free,
            ..Impairments::default()
        };
        let arrived = arrivals(&path, 2_000);
        assert_eq!(arrived.len(), 2_000);
        assert!(overtaken_by(&arrived).iter().filter(|by| **by > 0).count() > 500);
        let kept = Impairments { order: ArrivalOrder::Kept, ..path };
        assert!(overtaken_by(&arrivals(&kept, 2_000)).iter().all(|by| *by == 0));
    }
}
