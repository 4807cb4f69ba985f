//! A queue shared by a session and a test: orders in one direction, commands and events in the
//! other.

use crate::machine::{Executor, Orders};
use crate::record::{Flow, Sink};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// A shared queue; clones refer to the same queue.
#[derive(Debug)]
pub struct Mailbox<T>(Rc<RefCell<VecDeque<T>>>);

impl<T> Mailbox<T> {
    /// An empty one.
    pub fn new() -> Self {
        Self(Rc::default())
    }

    /// Leaves something in it.
    pub fn push(&self, item: T) {
        self.0.borrow_mut().push_back(item);
    }

    /// Removes everything waiting, oldest first.
    pub fn drain(&self) -> Vec<T> {
        self.0.borrow_mut().drain(..).collect()
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Orders<T> for Mailbox<T> {
    fn next_order(&mut self) -> Option<T> {
        self.0.borrow_mut().pop_front()
    }
}

impl<T> Sink<T> for Mailbox<T> {
    fn take(&mut self, event: T) -> Flow {
        self.push(event);
        Flow::Continue
    }
}

impl<T> Executor<T> for Mailbox<T> {
    fn execute(&mut self, command: T) {
        self.push(command);
    }
}
