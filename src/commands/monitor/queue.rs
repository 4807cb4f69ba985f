//! A queue between threads, in less code than a channel of each type takes.

use crate::machine::Orders;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A queue; clones share it.
pub(super) struct Queue<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    is_closed: bool,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let state = State { items: VecDeque::new(), is_closed: false };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }
}

impl<T> Queue<T> {
    /// Puts one behind the others; `false` if there are `most` already.
    pub fn push(&self, item: T, most: usize) -> bool {
        let mut state = self.state();
        if state.items.len() >= most {
            return false;
        }
        state.items.push_back(item);
        self.0.changed.notify_one();
        true
    }

    /// Takes the first, and waits for it; `None` once the queue is closed and empty.
    pub fn next(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(item) = state.items.pop_front() {
                return Some(item);
            }
            if state.is_closed {
                return None;
            }
            let waited = self.0.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing more comes.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.0.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Orders<T> for Queue<T> {
    fn next_order(&mut self) -> Option<T> {
        self.state().items.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn what_was_put_in_comes_out_in_order_and_the_end_after_it() {
        let queue = Queue::default();
        let other = queue.clone();
        let taken =
            thread::spawn(move || std::iter::from_fn(|| other.next()).collect::<Vec<u32>>());
        (0..100).for_each(|one| assert!(queue.push(one, 1_000)));
        queue.close();
        assert_eq!(taken.join().unwrap(), (0..100).collect::<Vec<_>>());
        let mut full = Queue::default();
        assert!(full.push(1, 1) && !full.push(2, 1));
        assert_eq!((full.next_order(), full.next_order()), (Some(1), None));
    }
}
