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
    /// Datagrams lost before, from the order to move to the first arrival after it.
    lost_before: Option<u64>,
    /// When it was last asked for because nothing arrived.
    asked: Option<Nanos>,
}

impl Moving {
    /// The stream is to be admitted again, after so many datagrams were lost.
    pub fn begin(&mut self, lost: u64) {
        self.reopens = true;
        self.lost_before.get_or_insert(lost);
    }

    /// The other end moved, after so many datagrams were lost: the stream is there already.
    pub fn follow(&mut self, lost: u64) {
        self.begin(lost);
        self.done();
    }

    /// The stream is there, or goes on where it was.
    pub fn done(&mut self) {
        self.reopens = false;
    }

    /// Whether the next arrival ends the move.
    pub fn is_ending(&self) -> bool {
        self.lost_before.is_some() && !self.reopens
    }

    /// Datagrams arrived after the move, and `lost` are lost now: how many of them meanwhile.
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
        assert!(!moving.is_ending());
        moving.begin(3);
        moving.begin(5);
        assert!(!moving.is_ending());
        moving.done();
        assert!(moving.is_ending());
        assert_eq!(moving.lost_meanwhile(10), 7);
        assert!(!moving.is_ending());
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
        moving.begin(0);
        assert!(!wanted(&mut moving, 9_000));
    }
}
