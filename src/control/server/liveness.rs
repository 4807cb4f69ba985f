//! Whether a session's client is still there: every reply carries a changing liveness value, and
//! the client returns it.
//!
//! A command's source address proves nothing: whoever once had the address, or saw one datagram,
//! can forge it. So each reply carries an unguessable value that is renewed continuously, and a
//! client counts as alive by the age of the newest value that it returned. Replaying a value gains
//! nothing: its age counts from when it was made, not from when it was returned.

use crate::record::SessionEnd;
use crate::units::Nanos;
use std::collections::VecDeque;

/// How long replies carry the same value.
const RENEWED: Nanos = Nanos::from_millis(500);
/// Maximum number of values kept: those of 16 s at the fastest renewal.
const KEPT: usize = 32;
/// How long streams are sent to a client that returns no value; the path's own time is added.
const LIFE: Nanos = Nanos::from_secs(6);
/// How soon a client must return a value after the network reported it gone; the path's own time is
/// added.
const CONFIRMED: Nanos = Nanos::from_secs(2);
/// Round trips added to these limits: one for the value, one for its return, one for a loss.
const ROUND_TRIPS: u64 = 3;

/// Liveness state of a session's client.
#[derive(Debug)]
pub(crate) struct Liveness {
    /// Values sent in replies, oldest first, each with the time it was made.
    kept: VecDeque<(Nanos, u64)>,
    /// When the newest returned value was made. The session's name counts as the first value: only
    /// its client knows it.
    proven: Nanos,
    /// Whether any value other than the name was returned.
    returned: bool,
    /// The lowest age of a returned value: the round trip plus the client's waiting time.
    round_trip: Option<Nanos>,
    /// Since when the network reports the client gone, with no value returned since.
    doubted: Option<Nanos>,
}

impl Liveness {
    /// For a session that was just opened.
    pub fn new(now: Nanos) -> Self {
        Self {
            kept: VecDeque::new(),
            proven: now,
            returned: false,
            round_trip: None,
            doubted: None,
        }
    }

    /// The value for a reply sent now. `random` must be unguessable.
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

    /// Judges a command by the value that it carries, if any. It is the client's if the value is
    /// not older than `oldest`; before any value was returned, the name alone counts while it is
    /// young.
    pub fn judge(&mut self, value: Option<u64>, now: Nanos, oldest: Nanos) -> Standing {
        let Some(made) = self.made(value).filter(|made| now < *made + oldest) else {
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

    /// Whether a value is not older than `oldest`.
    pub fn is_recent(&self, value: Option<u64>, now: Nanos, oldest: Nanos) -> bool {
        self.made(value).is_some_and(|made| now < made + oldest)
    }

    /// Whether a value is recent, and no newer one came back: a command from another address must
    /// return such a one, or a recorded one would do.
    pub fn is_latest(&self, value: Option<u64>, now: Nanos, oldest: Nanos) -> bool {
        self.is_recent(value, now, oldest)
            && self.made(value).is_some_and(|made| !self.returned || made >= self.proven)
    }

    /// When a value was made; `None` if it is none of this session's.
    fn made(&self, value: Option<u64>) -> Option<Nanos> {
        self.kept.iter().find(|(_, known)| Some(*known) == value).map(|(made, _)| *made)
    }

    /// What the network said was about an address that the client has left.
    pub fn reassure(&mut self) {
        self.doubted = None;
    }

    /// The network reports the client gone. Anybody can forge that, so it only shortens the time
    /// until a value must be returned.
    pub fn doubt(&mut self, now: Nanos) {
        self.doubted.get_or_insert(now);
    }

    /// Why nothing may be sent to the client any more; `None` while it may. However long the path,
    /// `most` is the longest time without a value.
    pub fn ended(&self, now: Nanos, most: Nanos) -> Option<SessionEnd> {
        let path = Nanos(self.round_trip.map_or(0, |least| least.0.saturating_mul(ROUND_TRIPS)));
        let within = |time: Nanos| (time + path).min(most.max(time));
        if self.doubted.is_some_and(|doubted| now >= doubted + within(CONFIRMED)) {
            return Some(SessionEnd::Gone);
        }
        (now >= self.proven + within(LIFE)).then_some(SessionEnd::Unreturned)
    }

    /// This host was paused for `length` and could not receive a value meanwhile.
    pub fn on_pause(&mut self, length: Nanos) {
        self.proven += length;
        self.kept.iter_mut().for_each(|(made, _)| *made += length);
        if let Some(doubted) = &mut self.doubted {
            *doubted += length;
        }
    }
}

/// How far a session's command can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It returned a recent value: it comes from the client, which is still there.
    Returned,
    /// It names a session that was just opened, and proves no more than that.
    Named,
    /// It may come from anybody.
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
        let mut alive = Liveness::new(SECOND);
        let value = alive.value(SECOND, &mut random);
        for tenth in 10..200 {
            let now = Nanos::from_millis(100 * tenth);
            let standing = alive.judge(Some(value), now, OLDEST);
            let good = now < SECOND + OLDEST;
            assert_eq!(standing == Standing::Returned, good, "{now}");
            let ended = alive.ended(now, OLDEST);
            assert_eq!(ended.is_some(), now >= Nanos::from_secs(7), "{now}");
        }
    }

    #[test]
    fn a_client_that_returns_what_it_gets_stays_whatever_is_said_of_it() {
        let mut random = counter();
        let mut alive = Liveness::new(SECOND);
        let mut value = alive.value(SECOND, &mut random);
        for tenth in 11..1_000 {
            let now = Nanos::from_millis(100 * tenth);
            alive.doubt(now);
            // A value comes back once a second.
            if tenth % 10 == 0 {
                assert_eq!(alive.judge(Some(value), now, OLDEST), Standing::Returned);
                value = alive.value(now, &mut random);
            }
            assert_eq!(alive.ended(now, OLDEST), None, "{now}");
        }
        assert!(alive.kept.len() <= KEPT);
    }

    #[test]
    fn a_doubt_ends_what_a_value_from_before_cannot_save() {
        let mut random = counter();
        let mut alive = Liveness::new(SECOND);
        let value = alive.value(SECOND, &mut random);
        alive.judge(Some(value), SECOND, OLDEST);
        alive.doubt(SECOND + Nanos(1));
        alive.judge(Some(value), SECOND + SECOND, OLDEST);
        assert_eq!(alive.ended(Nanos::from_millis(2_900), OLDEST), None);
        assert_eq!(alive.ended(Nanos::from_millis(3_100), OLDEST), Some(SessionEnd::Gone));
    }

    #[test]
    fn the_name_alone_is_good_while_it_is_young_and_no_value_came_back() {
        let mut alive = Liveness::new(SECOND);
        assert_eq!(alive.judge(None, Nanos::from_secs(6), OLDEST), Standing::Named);
        assert_eq!(alive.judge(Some(7), Nanos::from_secs(6), OLDEST), Standing::Named);
        assert_eq!(alive.judge(None, Nanos::from_secs(7), OLDEST), Standing::Stale);
        let value = alive.value(SECOND, &mut counter());
        assert_eq!(alive.judge(Some(value), SECOND, OLDEST), Standing::Returned);
        assert_eq!(alive.judge(None, SECOND, OLDEST), Standing::Stale);
    }

    #[test]
    fn a_pause_of_the_server_and_a_long_path_accuse_nobody() {
        let mut random = counter();
        let mut alive = Liveness::new(SECOND);
        let value = alive.value(SECOND, &mut random);
        alive.doubt(SECOND);
        alive.on_pause(Nanos::from_secs(100));
        assert_eq!(alive.ended(Nanos::from_secs(102), OLDEST), None);
        assert_eq!(alive.judge(Some(value), Nanos::from_secs(103), OLDEST), Standing::Returned);
        // The path takes two seconds: six more for three round trips.
        assert_eq!(alive.ended(Nanos::from_secs(112), OLDEST), None);
        assert_eq!(alive.ended(Nanos::from_secs(113), OLDEST), Some(SessionEnd::Unreturned));
    }
}
