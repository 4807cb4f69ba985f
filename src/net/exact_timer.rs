//! The timer of an event loop, where the system has one that a poll can wait for.

use super::{IoMode, capabilities, note_convenience, note_lack};
use crate::batch::{Capability, Convenience};
use crate::sys::Timer;

/// A timer with the precision of the clock; `None` where instants are kept to the millisecond.
pub fn exact_timer() -> Option<Timer> {
    if !capabilities(IoMode::Auto).has(Capability::ExactTimer) {
        note_lack(Convenience::ExactTimer);
        return None;
    }
    let timer = Timer::new();
    note_convenience(Convenience::ExactTimer, &timer);
    timer.ok()
}
