//! What is printed while a screen stands: kept, shown on the screen, and printed where it belongs
//! once the normal screen is back.

use crate::report::words::live::lines_left_out;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum HeldFor {
    /// Standard output.
    Output,
    /// Standard error.
    Messages,
}

/// Most bytes that are kept; the oldest are dropped.
const MOST: usize = 1 << 20;

/// What was printed, the oldest first.
#[derive(Debug)]
struct Held {
    pieces: VecDeque<(HeldFor, Vec<u8>)>,
    bytes: usize,
    lines_dropped: u64,
}

static HELD: Mutex<Held> = Mutex::new(Held { pieces: VecDeque::new(), bytes: 0, lines_dropped: 0 });
/// Whether a screen stands.
static HOLDS: AtomicBool = AtomicBool::new(false);

fn with<T>(change: impl FnOnce(&mut Held) -> T) -> T {
    change(&mut HELD.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Keeps what would be printed, if a screen stands; returns whether it does.
pub(in crate::report) fn hold(place: HeldFor, bytes: &[u8]) -> bool {
    if !HOLDS.load(Ordering::Acquire) {
        return false;
    }
    with(|held| held.push(place, bytes));
    true
}

/// From now on everything is kept.
pub(super) fn begin() {
    HOLDS.store(true, Ordering::Release);
}

/// From now on nothing is kept any more, and what was is printed.
pub(super) fn end() {
    HOLDS.store(false, Ordering::Release);
    let (pieces, dropped) = with(|held| {
        held.bytes = 0;
        (std::mem::take(&mut held.pieces), std::mem::take(&mut held.lines_dropped))
    });
    // Whoever prints the report notices a standard output that is gone.
    if dropped > 0 {
        let _ = writeln!(io::stderr(), "{}", lines_left_out(dropped));
    }
    for (place, bytes) in pieces {
        let _ = match place {
            HeldFor::Output => io::stdout().write_all(&bytes),
            HeldFor::Messages => io::stdout().flush().and_then(|()| io::stderr().write_all(&bytes)),
        };
    }
    let _ = io::stdout().flush();
}

/// The latest lines for standard error, at most so many, without attributes.
pub(super) fn latest_messages(most: usize) -> Vec<String> {
    let mut lines: Vec<String> = with(|held| {
        let messages = held.pieces.iter().rev().filter(|piece| piece.0 == HeldFor::Messages);
        let latest =
            messages.take(most).map(|piece| String::from_utf8_lossy(&piece.1).into_owned());
        latest.collect()
    });
    lines.reverse();
    lines.iter().map(|line| console::strip_ansi_codes(line.trim_end()).into_owned()).collect()
}

impl Held {
    fn push(&mut self, place: HeldFor, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.pieces.push_back((place, bytes.to_vec()));
        while self.bytes > MOST
            && let Some((_, oldest)) = self.pieces.pop_front()
        {
            self.bytes -= oldest.len();
            self.lines_dropped += oldest.split(|byte| *byte == b'\n').count() as u64 - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_what_was_dropped_is_counted() {
        let mut held = Held { pieces: VecDeque::new(), bytes: 0, lines_dropped: 0 };
        for _ in 0..5 {
            held.push(HeldFor::Output, &vec![b'\n'; MOST / 4]);
        }
        assert_eq!((held.pieces.len(), held.bytes), (4, MOST));
        assert_eq!(held.lines_dropped, MOST as u64 / 4);
    }
}
