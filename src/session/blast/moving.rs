//! A stream that goes on at another address: whether it is being admitted there, and what it lost
//! meanwhile.

use crate::units::Nanos;

/// Silence after which a receiving end has its stream admitted again: the path may know it by
/// another port. Also the time between two attempts.
const SILENT: Nanos = Nanos::from_millis(1_500);

/// The state of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moving {
    /// Whether the stream is being admitted again.
    pub reopens: bool,
    /// Datagrams lost before, from the move or the order to move to the first arrival after it.
    lost_before: Option<u64>,
    /// When that was, on the monotonic clock: what was queued then has not arrived after it.
    since: Nanos,
    /// When it was last asked for because nothing arrived.
    asked: Option<Nanos>,
}

impl Moving {
    /// The stream is to be admitted again, after so many datagrams were lost.
    pub fn begin(&mut self, lost: u64, at: Nanos) {
        self.reopens = true;
        self.note(lost, at);
    }

    /// The other end moved, after so many datagrams were lost: the stream is there already.
    pub fn follow(&mut self, lost: u64, at: Nanos) {
        self.done();
        self.note(lost, at);
    }

    /// This end moved, after so many datagrams were lost; the stream may come there by itself.
    pub fn note(&mut self, lost: u64, at: Nanos) {
        if self.lost_before.is_none() {
            (self.lost_before, self.since) = (Some(lost), at);
        }
    }

    /// The stream is there, or goes on where it was.
    pub fn done(&mut self) {
        self.reopens = false;
    }

    /// Whether what arrived at that time ends the move.
    #[inline]
    pub fn is_ending(&self, at: Nanos) -> bool {
        self.lost_before.is_some() && !self.reopens && at >= self.since
    }

    /// Whether the stream moved, or is to, and nothing that ends the move has arrived.
    pub fn is_pending(&self) -> bool {
        self.lost_before.is_some()
    }

    /// Datagrams arrived after the move, or the run is over, and `lost` are lost now: how many of them meanwhile.
    pub fn lost_meanwhile(&mut self, lost: u64) -> u64 {
        lost.saturating_sub(self.lost_before.take().unwrap_or(lost))
    }

    /// Whether to have the stream admitted again because nothing arrived since `heard`.
    pub fn is_wanted(&mut self, heard: Nanos, now: Nanos) -> bool {
        let since = self.asked.map_or(heard, |asked| asked.max(heard));
        let is_wanted = !self.reopens && now >= since + SILENT;
        if is_wanted {
            self.asked = Some(now);
        }
        is_wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_between_the_order_and_the_first_arrival_is_lost_meanwhile() {
        let mut moving = Moving::default();
        let at = Nanos::from_millis;
        assert!(!moving.is_ending(at(9)));
        moving.begin(3, at(10));
        moving.begin(5, at(20));
        assert!(!moving.is_ending(at(30)));
        moving.done();
        assert!(moving.is_ending(at(30)));
        assert_eq!(moving.lost_meanwhile(10), 7);
        assert!(!moving.is_ending(at(31)));
    }

    #[test]
    fn what_was_queued_before_a_move_does_not_end_it() {
        let at = Nanos::from_millis;
        for note in [Moving::follow, Moving::note] {
            let mut moving = Moving::default();
            note(&mut moving, 3, at(10));
            assert!(!moving.is_ending(at(9)) && moving.is_ending(at(10)));
            assert_eq!(moving.lost_meanwhile(4), 1);
        }
    }

    #[test]
    fn a_silent_stream_is_asked_for_again_but_not_all_the_time() {
        let mut moving = Moving::default();
        let wanted = |moving: &mut Moving, millis| {
            moving.is_wanted(Nanos::from_millis(1_000), Nanos::from_millis(millis))
        };
        let times = [1_000, 2_499, 2_500, 2_600, 3_999, 4_000, 4_001];
        let told = times.map(|at| wanted(&mut moving, at));
        assert_eq!(told, [false, false, true, false, false, true, false]);
        moving.begin(0, Nanos::ZERO);
        assert!(!wanted(&mut moving, 9_000));
    }
}
