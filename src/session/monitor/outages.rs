//! Outages of one target: so many probes in a row that were not answered, whatever the reason.

use super::directions::ByDirection;
use crate::units::Nanos;

/// An outage that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub start: Nanos,
    pub length: Nanos,
    pub lost: u64,
    pub never_sent: u64,
    /// The losses by direction before it began.
    pub before: ByDirection,
}

/// The outages of one target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outages {
    /// Probes in a row that were not answered, by what became of them.
    lost: u32,
    never_sent: u32,
    since: Nanos,
    last: Nanos,
    before: ByDirection,
    is_told: bool,
    count: u32,
    longest_burst: u32,
    total: Nanos,
    longest: Nanos,
    ended: Option<Ended>,
}

/// What became of a probe that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    Lost,
    NeverSent,
}

impl Outages {
    /// A probe that was due at this time was not answered; returns the length of the row if it is an
    /// outage from now on. `before` are the losses by direction without this one.
    pub fn miss(
        &mut self,
        due: Nanos,
        what: Missed,
        before: ByDirection,
        least: u32,
    ) -> Option<(Nanos, u64)> {
        if self.row() == 0 {
            (self.since, self.before) = (due, before);
        }
        self.last = self.last.max(due);
        match what {
            Missed::Lost => {
                self.lost += 1;
                self.longest_burst = self.longest_burst.max(self.lost);
            }
            Missed::NeverSent => self.never_sent += 1,
        }
        if self.is_told || self.row() < least {
            return None;
        }
        self.is_told = true;
        self.count += 1;
        Some((self.since, self.row().into()))
    }

    /// A probe that was sent at this time was answered.
    pub fn hit(&mut self, sent: Nanos) {
        if self.is_told {
            let length = sent - self.since;
            self.total += length;
            self.longest = self.longest.max(length);
            self.ended = Some(Ended {
                start: self.since,
                length,
                lost: self.lost.into(),
                never_sent: self.never_sent.into(),
                before: self.before,
            });
        }
        (self.lost, self.never_sent, self.is_told) = (0, 0, false);
    }

    /// The outage that is over and not told yet.
    pub fn take_ended(&mut self) -> Option<Ended> {
        self.ended.take()
    }

    /// Whether one is over and not told yet.
    #[cfg(test)]
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether there is one now.
    pub fn is_down(&self) -> bool {
        self.is_told
    }

    /// For how long nothing has come through; zero if the last probe was answered.
    pub fn silence(&self, now: Nanos) -> Nanos {
        if self.row() > 0 { now - self.since } else { Nanos::ZERO }
    }

    /// How many there were, the time in them until now, and the longest.
    pub fn totals(&self, now: Nanos) -> (u64, Nanos, Nanos) {
        let open = if self.is_told { now - self.since } else { Nanos::ZERO };
        (self.count.into(), self.total + open, self.longest.max(open))
    }

    /// The time in them that no answer can undo: until the last probe that was missed.
    pub fn certain(&self) -> Nanos {
        let open = if self.is_told { self.last - self.since } else { Nanos::ZERO };
        self.total + open
    }

    /// Most probes lost in a row.
    pub fn longest_burst(&self) -> u64 {
        self.longest_burst.into()
    }

    fn row(&self) -> u32 {
        self.lost + self.never_sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_goes_from_the_first_probe_that_was_missed_to_the_next_that_was_answered() {
        let mut outages = Outages::default();
        let none = ByDirection::default();
        let miss = |outages: &mut Outages, at, what| outages.miss(Nanos(at), what, none, 3);
        assert_eq!(miss(&mut outages, 10, Missed::Lost), None);
        assert_eq!(miss(&mut outages, 20, Missed::Lost), None);
        outages.hit(Nanos(30));
        assert!(!outages.has_ended());
        assert_eq!(miss(&mut outages, 40, Missed::Lost), None);
        assert_eq!(miss(&mut outages, 50, Missed::NeverSent), None);
        assert_eq!(miss(&mut outages, 60, Missed::Lost), Some((Nanos(40), 3)));
        assert_eq!(miss(&mut outages, 70, Missed::Lost), None);
        assert!(outages.is_down());
        assert_eq!(outages.silence(Nanos(75)), Nanos(35));
        assert_eq!(outages.totals(Nanos(75)), (1, Nanos(35), Nanos(35)));
        assert_eq!(outages.certain(), Nanos(30));
        outages.hit(Nanos(80));
        let ended = outages.take_ended().unwrap();
        assert_eq!(
            (ended.start, ended.length, ended.lost, ended.never_sent),
            (Nanos(40), Nanos(40), 3, 1)
        );
        assert_eq!(outages.totals(Nanos(99)), (1, Nanos(40), Nanos(40)));
        assert_eq!(outages.certain(), Nanos(40));
        assert_eq!((outages.longest_burst(), outages.silence(Nanos(99))), (3, Nanos::ZERO));
    }
}
