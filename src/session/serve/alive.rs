//! Whether a session's client is still there: the rotating value that every reply carries, and what
//! the client returned of it.
//!
//! A command's source address is no proof of anything: whoever once had the address, or saw one
//! datagram, can write it. So each reply carries a value that cannot be guessed and is renewed all
//! the time, and a client is as alive as the newest value that it returned is young. A value that is
//! played again says no more than it did the first time: its age counts from when it was made, not
//! from when it was returned.

use crate::record::SessionEnd;
use crate::units::Nanos;
use std::collections::VecDeque;

/// How long replies carry the same value.
const RENEWED: Nanos = Nanos::from_millis(500);
/// Values that are kept, at most: of 16 s where they are renewed as often as can be.
const KEPT: usize = 32;
/// How long streams flow to a client that returns no value, beside the path's own time.
const LIFE: Nanos = Nanos::from_secs(6);
/// How soon a client that the network calls gone must return a value, beside the path's own time.
const CONFIRMED: Nanos = Nanos::from_secs(2);
/// Round trips that come on top: one for the value, one for its return, one for what is lost.
const ROUND_TRIPS: u64 = 3;

/// What a session's client returned.
#[derive(Debug)]
pub(super) struct Alive {
    /// Values that replies carried, oldest first, each with when it was made.
    kept: VecDeque<(Nanos, u64)>,
    /// When the newest value that came back was made. The session's name is the first: only who was
    /// there when it was opened knows it.
    proven: Nanos,
    /// Whether any value came back but the name.
    returned: bool,
    /// The least age of a value that came back: the round trip and what the client waited.
    round_trip: Option<Nanos>,
    /// Since when the network says that the client is gone, without a value since.
    doubted: Option<Nanos>,
}

impl Alive {
    /// A session that was opened just now.
    pub fn new(now: Nanos) -> Self {
        Self {
            kept: VecDeque::new(),
            proven: now,
            returned: false,
            round_trip: None,
            doubted: None,
        }
    }

    /// The value that a reply carries now. `random` must not be guessable.
    pub fn value(&mut self, now: Nanos, random: &mut impl FnMut() -> u64) -> u64 {
        match self.kept.back() {
            Some((made, value)) if now < *made + RENEWED => *value,
            _ => {
                if self.kept.len() == KEPT {
                    self.kept.pop_front();
                }
                let value = random();
                self.kept.push_back((now, value));
                value
            }
        }
    }

    /// A command came with this value, or none. Whether it speaks for the client: with a value not
    /// older than `oldest`, or, before any came back, with the name alone while that is young.
    pub fn take(&mut self, value: Option<u64>, now: Nanos, oldest: Nanos) -> Standing {
        let known = self.kept.iter().find(|(_, known)| Some(*known) == value);
        let Some(made) = known.map(|(made, _)| *made).filter(|made| now < *made + oldest) else {
            let young = !self.returned && now < self.proven + LIFE;
            return if young { Standing::Named } else { Standing::Stale };
        };
        self.returned = true;
        self.proven = self.proven.max(made);
        let age = now - made;
        self.round_trip = Some(self.round_trip.map_or(age, |least| least.min(age)));
        if self.doubted.is_some_and(|doubted| doubted <= made) {
            self.doubted = None;
        }
        Standing::Returned
    }

    /// The network says that the client is gone. Anybody can forge that, so it is a reason to doubt
    /// and no more.
    pub fn doubt(&mut self, now: Nanos) {
        self.doubted.get_or_insert(now);
    }

    /// Why nothing may flow to the client any more; `None` while it may. However long the path is,
    /// `most` is the longest without a value.
    pub fn ended(&self, now: Nanos, most: Nanos) -> Option<SessionEnd> {
        let path = Nanos(self.round_trip.map_or(0, |least| least.0.saturating_mul(ROUND_TRIPS)));
        let within = |time: Nanos| (time + path).min(most.max(time));
        if self.doubted.is_some_and(|doubted| now >= doubted + within(CONFIRMED)) {
            return Some(SessionEnd::Gone);
        }
        (now >= self.proven + within(LIFE)).then_some(SessionEnd::Unreturned)
    }

    /// This host stood still for `length`, and could take no value meanwhile.
    pub fn on_pause(&mut self, length: Nanos) {
        self.proven += length;
        self.kept.iter_mut().for_each(|(made, _)| *made += length);
        if let Some(doubted) = &mut self.doubted {
            *doubted += length;
        }
    }
}

/// What a command of a session's may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It returned a value: it is the client's, and shows that the client is there.
    Returned,
    /// It named a session that was just opened, which shows no more than that.
    Named,
    /// It may be anybody's.
    Stale,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = Nanos::from_secs(1);
    const OLDEST: Nanos = Nanos::from_secs(15);

    fn counter() -> impl FnMut() -> u64 {
        let mut last = 0;
        move || {
            last += 1;
            last
        }
    }

    #[test]
    fn a_value_that_is_played_again_keeps_nothing_going() {
        let mut random = counter();
        let mut alive = Alive::new(SECOND);
        let value = alive.value(SECOND, &mut random);
        for tenth in 10..200 {
            let now = Nanos::from_millis(100 * tenth);
            let standing = alive.take(Some(value), now, OLDEST);
            let good = now < SECOND + OLDEST;
            assert_eq!(standing == Standing::Returned, good, "{now}");
            let ended = alive.ended(now, OLDEST);
            assert_eq!(ended.is_some(), now >= Nanos::from_secs(7), "{now}");
        }
    }

    #[test]
    fn a_client_that_returns_what_it_gets_stays_whatever_is_said_of_it() {
        let mut random = counter();
        let mut alive = Alive::new(SECOND);
        let mut value = alive.value(SECOND, &mut random);
        for tenth in 11..1_000 {
            let now = Nanos::from_millis(100 * tenth);
            alive.doubt(now);
            // A value comes back once a second.
            if tenth % 10 == 0 {
                assert_eq!(alive.take(Some(value), now, OLDEST), Standing::Returned);
                value = alive.value(now, &mut random);
            }
            assert_eq!(alive.ended(now, OLDEST), None, "{now}");
        }
        assert!(alive.kept.len() <= KEPT);
    }

    #[test]
    fn a_doubt_ends_what_a_value_from_before_cannot_save() {
        let mut random = counter();
        let mut alive = Alive::new(SECOND);
        let value = alive.value(SECOND, &mut random);
        alive.take(Some(value), SECOND, OLDEST);
        alive.doubt(SECOND + Nanos(1));
        alive.take(Some(value), SECOND + SECOND, OLDEST);
        assert_eq!(alive.ended(Nanos::from_millis(2_900), OLDEST), None);
        assert_eq!(alive.ended(Nanos::from_millis(3_100), OLDEST), Some(SessionEnd::Gone));
    }

    #[test]
    fn the_name_alone_is_good_while_it_is_young_and_no_value_came_back() {
        let mut alive = Alive::new(SECOND);
        assert_eq!(alive.take(None, Nanos::from_secs(6), OLDEST), Standing::Named);
        assert_eq!(alive.take(Some(7), Nanos::from_secs(6), OLDEST), Standing::Named);
        assert_eq!(alive.take(None, Nanos::from_secs(7), OLDEST), Standing::Stale);
        let value = alive.value(SECOND, &mut counter());
        assert_eq!(alive.take(Some(value), SECOND, OLDEST), Standing::Returned);
        assert_eq!(alive.take(None, SECOND, OLDEST), Standing::Stale);
    }

    #[test]
    fn a_pause_of_the_server_and_a_long_path_accuse_nobody() {
        let mut random = counter();
        let mut alive = Alive::new(SECOND);
        let value = alive.value(SECOND, &mut random);
        alive.doubt(SECOND);
        alive.on_pause(Nanos::from_secs(100));
        assert_eq!(alive.ended(Nanos::from_secs(102), OLDEST), None);
        assert_eq!(alive.take(Some(value), Nanos::from_secs(103), OLDEST), Standing::Returned);
        // The path takes two seconds: six more for three of its round trips.
        assert_eq!(alive.ended(Nanos::from_secs(112), OLDEST), None);
        assert_eq!(alive.ended(Nanos::from_secs(113), OLDEST), Some(SessionEnd::Unreturned));
    }
}
