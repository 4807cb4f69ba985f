//! What another thread tells a running session, as a queue that it looks into.

use std::collections::VecDeque;

/// Orders that wait for a session. The loop asks the session after every wake, so an order is
/// taken soon after it was left.
pub trait Orders<T> {
    /// The oldest order, if one waits.
    fn next_order(&mut self) -> Option<T>;
}

impl<T> Orders<T> for VecDeque<T> {
    fn next_order(&mut self) -> Option<T> {
        self.pop_front()
    }
}

impl<T> Orders<T> for std::sync::mpsc::Receiver<T> {
    fn next_order(&mut self) -> Option<T> {
        self.try_recv().ok()
    }
}
