//! Messages from another thread to a running session, as a queue that the session polls.

use std::collections::VecDeque;

/// Pending orders for a session. The loop polls the session after every wake-up, so an order is
/// handled soon.
pub trait Orders<T> {
    /// Takes the oldest pending order.
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
