//! A session on the network, without the type of its summary, and the handle that has it.

use crate::batch::{NetworkError, RxEntry, SendOutcome, TransmitStamp, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::units::Nanos;
use std::cell::RefCell;
use std::rc::Rc;

/// A session on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId(pub(super) usize);

/// What the network calls of a session; see [`Session`].
#[expect(missing_docs, reason = "each is the method of this name of `Session`")]
pub trait Node {
    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next;
    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome);
    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]);
    fn on_network_error(&mut self, now: Now, error: &NetworkError);
    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp);
    fn on_tick(&mut self, now: Now);
    fn on_pause(&mut self, now: Now, length: Nanos);
    fn on_stop(&mut self, now: Now);
}

/// A session that can be taken off the network with what it knows.
pub(super) struct Seated<S>(Option<S>);

impl<S> Seated<S> {
    pub fn new(session: S) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self(Some(session))))
    }
}

impl<S: Session> Node for Seated<S> {
    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.0.as_mut().map_or(Next::Done, |session| session.poll_transmit(now, out))
    }

    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        if let Some(session) = &mut self.0 {
            session.on_sent(now, batch, outcome);
        }
    }

    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        if let Some(session) = &mut self.0 {
            session.on_buffer(now, entry, bytes);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if let Some(session) = &mut self.0 {
            session.on_network_error(now, error);
        }
    }

    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp) {
        if let Some(session) = &mut self.0 {
            session.on_transmit_stamp(now, stamp);
        }
    }

    fn on_tick(&mut self, now: Now) {
        if let Some(session) = &mut self.0 {
            session.on_tick(now);
        }
    }

    fn on_pause(&mut self, now: Now, length: Nanos) {
        if let Some(session) = &mut self.0 {
            session.on_pause(now, length);
        }
    }

    fn on_stop(&mut self, now: Now) {
        if let Some(session) = &mut self.0 {
            session.on_stop(now);
        }
    }
}

/// A session that runs on a [`super::Network`].
pub struct Running<S> {
    id: ProcessId,
    seated: Rc<RefCell<Seated<S>>>,
}

impl<S: Session> Running<S> {
    pub(super) fn new(id: ProcessId, seated: Rc<RefCell<Seated<S>>>) -> Self {
        Self { id, seated }
    }

    /// By what the network knows it.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Looks at the session, or speaks to it.
    ///
    /// # Panics
    /// Once it was finished.
    pub fn with<T>(&self, look: impl FnOnce(&mut S) -> T) -> T {
        look(self.seated.borrow_mut().0.as_mut().expect("the session is not finished yet"))
    }

    /// Ends the session and has its summary.
    ///
    /// # Panics
    /// When it was finished before.
    pub fn finish(&self, now: Now) -> S::Summary {
        self.seated.borrow_mut().0.take().expect("a session is finished once").finish(now)
    }
}
