//! How a loop runs: how exactly it wakes, how soon it reads, and with which buffers.

use crate::units::{MAX_PACKET, Nanos};

/// How long before an exact instant the timer fires; the rest is busy-waited while still receiving.
/// Waking from a timer was measured to take 5 to 30 µs on a quiet core.
pub(super) const SPIN: Nanos = Nanos::from_micros(30);

/// How exactly a loop wakes at an instant, and what that costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakePrecision {
    /// To the millisecond, by the poll's own timeout.
    Millisecond,
    /// As late as a timer wakes a sleeping thread: 5 to 30 µs.
    Timer,
    /// By a timer, and the last 30 µs busy.
    Exact,
    /// Busy all the time, which takes a full core.
    Busy,
}

/// How a loop runs.
#[derive(Clone, Copy, Debug)]
pub struct LoopConfig {
    /// Interval between calls of [`crate::machine::Session::on_tick`]; `None` for no ticks.
    pub tick: Option<Nanos>,
    /// Interval between calls of [`crate::machine::Session::on_watch`]; `None` where nobody watches.
    pub watch: Option<Nanos>,
    /// How exactly the loop wakes at an instant.
    pub precision: WakePrecision,
    /// So much later than it came may be read what arrives: a loop that is woken by each arrival
    /// pays for a wake-up each. Zero for at once.
    pub read_slack: Nanos,
    /// Whether a loop that polls may rest for some microseconds between two reads: one that only
    /// receives, and answers nothing.
    pub rests: bool,
    /// Whether the other end runs on the same processor, so that a busy sender must yield it.
    pub shared: bool,
    /// Largest payload that is received whole, in bytes.
    pub largest: usize,
    /// Memory for one receive call, in bytes, when its datagrams are large; see
    /// [`crate::batch::RxShape::room`].
    pub at_once: usize,
}

impl Default for LoopConfig {
    fn default() -> Self {
        let (largest, at_once) = (MAX_PACKET, usize::MAX);
        Self {
            tick: None,
            watch: None,
            precision: WakePrecision::Exact,
            read_slack: Nanos::ZERO,
            rests: false,
            shared: false,
            largest,
            at_once,
        }
    }
}
