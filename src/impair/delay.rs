//! How long a datagram is under way, and which of two arrives first.

use super::Chance;
use super::distribution::{DelayTable, normal, pareto, uniform};
use crate::units::Nanos;
use fastrand::Rng;

/// The time that a datagram takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// What every datagram takes, in the mean of a symmetric jitter.
    pub base: Nanos,
    /// How the time differs from one datagram to the next.
    pub jitter: Jitter,
}

/// How delays differ. No delay is below zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// They do not.
    #[default]
    None,
    /// Up to so much more, each value as likely as another.
    Above(Nanos),
    /// Up to so much less or more than the base, each value as likely as another.
    Uniform(Nanos),
    /// Around the base with this standard deviation, by a sum of twelve uniform draws: at most six
    /// deviations off.
    Normal(Nanos),
    /// A Pareto distribution of shape 3 with the base as its mean and this standard deviation: most
    /// delays are a little shorter, none by more than 0.58 deviations, and a few are far longer.
    Pareto(Nanos),
    /// The base and one of these, each as likely as another.
    Table(DelayTable),
}

/// Whether delays that differ change the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArrivalOrder {
    /// A datagram that would overtake arrives together with the one before it, as it would behind
    /// one queue.
    #[default]
    Kept,
    /// Each arrives when its own delay is over.
    Free,
}

/// Datagrams that others overtake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reordering {
    /// The share that is held back.
    pub share: Chance,
    /// For how long, at most; those that come meanwhile overtake it.
    pub hold: Nanos,
    /// How many overtake it before it goes on, even if the hold is not over; 0 for all that come
    /// within the hold.
    pub by: u32,
}

/// Draws the arrival times of a direction. Unless the order is free, only what [`Reordering`] holds
/// back is overtaken.
#[derive(Clone, Debug)]
pub(super) struct DelayProcess {
    delay: Delay,
    order: ArrivalOrder,
    reordering: Reordering,
    jitter_rng: Rng,
    hold_rng: Rng,
    latest: Nanos,
}

/// When a datagram arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delayed {
    pub at: Nanos,
    pub hold: Option<Hold>,
}

/// A datagram that others are to overtake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// When it would have arrived; it goes on no earlier.
    pub from: Nanos,
    /// How many overtake it; 0 for all that arrive before it.
    pub by: u32,
}

impl DelayProcess {
    pub fn new(
        delay: Delay,
        order: ArrivalOrder,
        reordering: Reordering,
        [jitter_rng, hold_rng]: [Rng; 2],
    ) -> Self {
        Self { delay, order, reordering, jitter_rng, hold_rng, latest: Nanos::ZERO }
    }

    /// The datagram to come draws from these generators.
    pub fn draw_from(&mut self, [jitter_rng, hold_rng]: [Rng; 2]) {
        self.jitter_rng = jitter_rng;
        self.hold_rng = hold_rng;
    }

    /// What arrives from now on is not to overtake what another process let arrive.
    pub fn follow(&mut self, before: &Self) {
        self.latest = self.latest.max(before.latest);
    }

    /// When what leaves at `departure` arrives.
    pub fn arrival(&mut self, departure: Nanos) -> Delayed {
        let is_held = self.reordering.share.draw(&mut self.hold_rng);
        let rng = &mut self.jitter_rng;
        let base = self.delay.base;
        let length = match &self.delay.jitter {
            Jitter::None => base,
            Jitter::Above(most) => base + Nanos(rng.u64(0..=most.0)),
            Jitter::Uniform(most) => uniform(base, *most, rng),
            Jitter::Normal(deviation) => normal(base, *deviation, rng),
            Jitter::Pareto(deviation) => pareto(base, *deviation, rng),
            Jitter::Table(table) => base + table.draw(rng),
        };
        let at = departure + length;
        if is_held {
            let hold = Hold { from: at, by: self.reordering.by };
            return Delayed { at: at + self.reordering.hold, hold: Some(hold) };
        }
        let at = match self.order {
            ArrivalOrder::Kept => at.max(self.latest),
            ArrivalOrder::Free => at,
        };
        self.latest = self.latest.max(at);
        Delayed { at, hold: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: u64 = 1_000_000;

    fn process(delay: Delay, reordering: Reordering) -> DelayProcess {
        let generators = [Rng::with_seed(1), Rng::with_seed(2)];
        DelayProcess::new(delay, ArrivalOrder::Kept, reordering, generators)
    }

    #[test]
    fn a_constant_delay_is_that_delay() {
        let delay = Delay { base: Nanos(700), jitter: Jitter::None };
        let mut process = process(delay, Reordering::default());
        for departure in [0, 5, 5, 9_000] {
            let expected = Delayed { at: Nanos(departure + 700), hold: None };
            assert_eq!(process.arrival(Nanos(departure)), expected);
        }
        assert_eq!(process.arrival(Nanos(u64::MAX - 5)).at, Nanos(u64::MAX));
    }

    #[test]
    fn jitter_however_large_reorders_nothing() {
        let most = Nanos(20 * GAP);
        let table = DelayTable::new(vec![Nanos(30 * GAP), Nanos(1)]).expect("two delays");
        for jitter in [
            Jitter::Above(Nanos(50 * GAP)),
            Jitter::Uniform(most),
            Jitter::Normal(most),
            Jitter::Pareto(most),
            Jitter::Table(table),
        ] {
            let delay = Delay { base: Nanos(10 * GAP), jitter: jitter.clone() };
            let mut process = process(delay, Reordering::default());
            let mut last = Nanos::ZERO;
            let mut moved = 0;
            for number in 0..10_000 {
                let departure = Nanos(number * GAP);
                let arrival = process.arrival(departure);
                assert!(arrival.at >= last.max(departure), "{number} with {jitter:?}");
                moved += u32::from(arrival.at.0 != departure.0 + 10 * GAP);
                last = arrival.at;
            }
            assert!(moved > 9_000, "{moved} with {jitter:?}");
        }
    }

    #[test]
    fn where_the_order_is_free_each_has_its_own_delay() {
        let delay = Delay { base: Nanos(10 * GAP), jitter: Jitter::Uniform(Nanos(10 * GAP)) };
        let [mut kept, mut free] = [ArrivalOrder::Kept, ArrivalOrder::Free].map(|order| {
            let generators = [Rng::with_seed(1), Rng::with_seed(2)];
            DelayProcess::new(delay.clone(), order, Reordering::default(), generators)
        });
        let (mut latest, mut overtook) = (Nanos::ZERO, 0);
        for number in 0..10_000 {
            let departure = Nanos(number * GAP);
            let own = free.arrival(departure).at;
            assert!(own >= departure && own <= departure + Nanos(20 * GAP), "{number}");
            overtook += u32::from(own < latest);
            latest = latest.max(own);
            // The order kept is the same delays, each no earlier than the one before.
            assert_eq!(kept.arrival(departure).at, latest, "{number}");
        }
        assert!(overtook > 5_000, "{overtook}");
    }

    #[test]
    fn what_is_held_back_is_overtaken_by_what_comes_within_the_hold() {
        let reordering = Reordering { share: Chance::percent(10), hold: Nanos(3 * GAP + 1), by: 0 };
        let mut process = process(Delay::default(), reordering);
        let arrivals: Vec<_> = (0..10_000).map(|n| process.arrival(Nanos(n * GAP))).collect();
        let held = arrivals.iter().filter(|arrival| arrival.hold.is_some()).count();
        assert!((900..1_100).contains(&held), "{held}");
        for (number, arrival) in arrivals.iter().enumerate() {
            let later = arrivals[number + 1..].iter().take(10);
            let overtaking =
                later.filter(|later| later.at < arrival.at && later.hold.is_none()).count();
            let next = arrivals[number + 1..].iter().take(3);
            let expected = match arrival.hold {
                Some(_) => next.filter(|next| next.hold.is_none()).count(),
                None => 0,
            };
            assert_eq!(overtaking, expected, "{number}");
        }
    }
}
