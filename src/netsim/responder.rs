//! A far end that answers by a rule, for tests that need no more of it.

use crate::batch::{Datagram, Dest, TxBatch};
use crate::machine::{Next, Now, Session};
use std::collections::VecDeque;

/// Answers each datagram as `answer` says; it never ends by itself.
pub struct Responder<F> {
    answer: F,
    queue: VecDeque<(Dest, Vec<u8>)>,
}

impl<F: FnMut(Now, &Datagram<'_>, &mut VecDeque<(Dest, Vec<u8>)>)> Responder<F> {
    /// `answer` leaves what is to be sent in the queue that it is given.
    pub fn new(answer: F) -> Self {
        Self { answer, queue: VecDeque::new() }
    }
}

impl<F: FnMut(Now, &Datagram<'_>, &mut VecDeque<(Dest, Vec<u8>)>)> Session for Responder<F> {
    type Summary = ();

    fn poll_transmit(&mut self, _now: Now, out: &mut TxBatch) -> Next {
        while let Some((to, bytes)) = self.queue.pop_front() {
            let dest = out.add_dest(to);
            let Some(slot) = out.push(dest, bytes.len()) else {
                self.queue.push_front((to, bytes));
                return Next::Send;
            };
            slot.copy_from_slice(&bytes);
        }
        Next::Idle
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        (self.answer)(now, datagram, &mut self.queue);
    }

    fn on_stop(&mut self, _now: Now) {}

    fn finish(self, _now: Now) {}
}
