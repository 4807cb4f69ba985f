//! Limits what one source may use of a server's resources, so that nobody takes everything.
//!
//! A source is an IPv4 address or an IPv6 /64 network, since whoever has one address of it has all.
//! Each total limit has a limit per source, and the last part of the total is reserved for sources
//! that use nothing yet, so that a few greedy ones cannot lock out a newcomer.

use super::ServePolicy;
use crate::record::{ServeRefusal, ServeResource};

/// One part in this many is reserved for newcomers, but never less than one.
const KEPT: u64 = 8;

/// A total limit, and the share of it that one source may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct Bound {
    pub all: u64,
    /// Percent; 100 lets one source use everything and reserves nothing.
    pub percent: u8,
}

/// What is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::session) struct Used {
    pub all: u64,
    /// By the requesting source.
    pub source: u64,
}

/// Which limit is reached, with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Full {
    /// The total limit.
    All(u64),
    /// The limit per source.
    Source(u64),
    /// The rest is reserved for sources that use nothing yet.
    Kept(u64),
}

impl Bound {
    /// The memory limit. A source may have twice its share of other resources, though never
    /// everything: sessions and streams are many small things, but one wide run with large socket
    /// buffers takes much.
    pub fn of_memory(policy: &ServePolicy) -> Self {
        let percent = u16::from(policy.source_share.min(100));
        let percent = (2 * percent).min(u16::midpoint(100, percent)) as u8;
        Self { all: policy.max_memory, percent }
    }

    /// Maximum for one source.
    pub fn of_source(self) -> u64 {
        if self.percent >= 100 {
            return self.all;
        }
        let share = u128::from(self.all) * u128::from(self.percent);
        (share.div_ceil(100) as u64).max(1)
    }

    /// Reserved for newcomers.
    pub fn kept(self) -> u64 {
        if self.percent >= 100 { 0 } else { (self.all / KEPT).max(1) }
    }

    /// How much more the source may use.
    pub fn room(self, used: Used) -> u64 {
        let [all, source] = self.left(used);
        all.min(source)
    }

    /// What is left of the total for the source, and of its own share.
    pub fn left(self, used: Used) -> [u64; 2] {
        let kept = if used.source == 0 { 0 } else { self.kept() };
        let left = self.all.saturating_sub(kept).saturating_sub(used.all);
        [left, self.of_source().saturating_sub(used.source)]
    }

    /// Whether half of it is in use, in total or by one source.
    pub fn is_half_taken(self, used: Used) -> bool {
        used.all > self.all / 2 || used.source > self.of_source() / 2
    }

    /// Whether the source may use this much more, or which limit prevents it.
    pub fn admit(self, used: Used, more: u64) -> Result<(), Full> {
        if more <= self.room(used) {
            return Ok(());
        }
        if more > self.all.saturating_sub(used.all) {
            return Err(Full::All(self.all));
        }
        let share = self.of_source();
        let over = more > share.saturating_sub(used.source);
        Err(if over { Full::Source(share) } else { Full::Kept(self.kept()) })
    }
}

impl Full {
    /// The refusal of one more of a resource, given its current use.
    pub fn refusal(self, resource: ServeResource, used: Used) -> ServeRefusal {
        match self {
            Self::All(limit) => ServeRefusal::AllInUse { resource, used: used.all, limit },
            Self::Source(limit) => ServeRefusal::SourceShare { resource, limit },
            Self::Kept(reserved) => ServeRefusal::Reserved { resource, reserved },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSIONS: Bound = Bound { all: 64, percent: 25 };

    #[test]
    fn one_source_has_its_share_and_the_last_are_kept_for_newcomers() {
        let admit = |all, source| SESSIONS.admit(Used { all, source }, 1);
        assert_eq!((SESSIONS.of_source(), SESSIONS.kept()), (16, 8));
        assert_eq!(admit(15, 15), Ok(()));
        assert_eq!(admit(16, 16), Err(Full::Source(16)));
        assert_eq!(admit(55, 3), Ok(()));
        assert_eq!(admit(56, 3), Err(Full::Kept(8)));
        assert_eq!(admit(63, 0), Ok(()));
        assert_eq!(admit(64, 0), Err(Full::All(64)));
    }

    #[test]
    fn however_greedy_sources_are_a_newcomer_finds_room() {
        for percent in [1, 10, 25, 50, 99] {
            for all in [2, 3, 4, 8, 16, 64, 512] {
                let bound = Bound { all, percent };
                let mut total = 0;
                let mut had = [0; 3];
                // Three sources take turns and take all they can get.
                for turn in 0..3 * all as usize {
                    let source = &mut had[turn % 3];
                    let room = bound.room(Used { all: total, source: *source }).min(1);
                    *source += room;
                    total += room;
                }
                assert!(had.iter().all(|had| *had <= bound.of_source()), "{all} {percent}");
                // With very small limits, the newcomers may be these three.
                let left = bound.room(Used { all: total, source: 0 });
                assert!(left > 0 || all <= 3, "{all} {percent}: {had:?}");
            }
        }
    }

    #[test]
    fn a_hundred_percent_is_the_bound_in_all_alone() {
        let whole = Bound { all: 64, percent: 100 };
        assert_eq!(whole.admit(Used { all: 63, source: 63 }, 1), Ok(()));
        assert_eq!(whole.admit(Used { all: 64, source: 64 }, 1), Err(Full::All(64)));
        assert_eq!(Bound { all: u64::MAX, percent: 25 }.of_source(), u64::MAX / 4 + 1);
    }
}
