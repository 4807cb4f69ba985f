//! When a receiver's run ends: silence is measured by the kernel's time of arrival, and this host's
//! own pauses do not count as silence.

use super::STRAGGLERS;
use crate::batch::Datagram;
use crate::machine::Now;
use crate::session::read_delay::ReadDelay;
use crate::units::Nanos;

/// A datagram unread for longer than this was delayed by a pause of this host.
const PAUSE: Nanos = Nanos::from_millis(100);

/// The instants from which deadlines count, all on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// Time of the first join.
    pub started: Nanos,
    /// The last arrival, or the start, moved by the pauses since.
    idle_from: Nanos,
    /// When the last of the heard senders ended, moved by the pauses since.
    all_over: Option<Nanos>,
    longest_pause: Nanos,
    unread: ReadDelay,
}

impl Timing {
    pub fn new(started: Nanos) -> Self {
        Self {
            started,
            idle_from: started,
            all_over: None,
            longest_pause: Nanos::ZERO,
            unread: ReadDelay::default(),
        }
    }

    /// A datagram is read. If it was unread for long, this host was paused, even if no deadline
    /// showed that.
    pub fn read(&mut self, now: Now, datagram: &Datagram<'_>) {
        let unread = self.unread.of(now, &datagram.meta).filter(|unread| *unread >= PAUSE);
        self.longest_pause = self.longest_pause.max(unread.unwrap_or_default());
        self.heard(now.arrival_of(datagram));
    }

    /// A datagram arrived at this instant.
    pub fn heard(&mut self, arrival: Nanos) {
        self.idle_from = self.idle_from.max(arrival);
    }

    /// Records whether every sender that was heard has ended.
    pub fn note_over(&mut self, now: Nanos, over: Over) {
        self.all_over = (over == Over::All).then_some(now);
    }

    /// Whether every sender that was heard has announced its end.
    pub fn is_over(&self) -> bool {
        self.all_over.is_some()
    }

    /// Until when stragglers of ended runs are accepted; `None` while a run is in progress.
    pub fn stragglers_until(&self) -> Option<Nanos> {
        self.all_over.map(|at| at + STRAGGLERS)
    }

    /// When silence ends the run, if it does.
    pub fn idle_until(&self, idle: Option<Nanos>) -> Option<Nanos> {
        idle.map(|idle| self.idle_from + idle)
    }

    /// This host was paused for this long until now.
    pub fn on_pause(&mut self, length: Nanos) {
        self.idle_from += length;
        self.all_over = self.all_over.map(|at| at + length);
        self.longest_pause = self.longest_pause.max(length);
    }

    /// The longest pause of this host.
    pub fn longest_pause(&self) -> Nanos {
        self.longest_pause
    }
}

/// Whether the senders that were heard have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    All,
    NotAll,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = Nanos::from_secs(1);

    #[test]
    fn silence_counts_from_the_last_arrival_and_not_from_its_reading() {
        let mut timing = Timing::new(Nanos::from_secs(5));
        assert_eq!(timing.idle_until(None), None);
        assert_eq!(timing.idle_until(Some(SECOND)), Some(Nanos::from_secs(6)));
        timing.heard(Nanos::from_millis(7_200));
        timing.heard(Nanos::from_secs(7));
        assert_eq!(timing.idle_until(Some(SECOND)), Some(Nanos::from_millis(8_200)));
    }

    #[test]
    fn a_pause_puts_off_what_waits_for_another() {
        let mut timing = Timing::new(Nanos::from_secs(5));
        timing.note_over(Nanos::from_secs(6), Over::All);
        timing.on_pause(Nanos::from_secs(3));
        assert_eq!(timing.idle_until(Some(SECOND)), Some(Nanos::from_secs(9)));
        assert_eq!(timing.stragglers_until(), Some(Nanos::from_secs(9) + STRAGGLERS));
        timing.on_pause(SECOND);
        assert_eq!(timing.longest_pause(), Nanos::from_secs(3));
        timing.note_over(Nanos::from_secs(9), Over::NotAll);
        assert!(!timing.is_over());
    }
}
