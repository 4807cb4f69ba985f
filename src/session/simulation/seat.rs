//! A session in the network: its address, its clocks, and the faults of its socket.

use super::Clock;
use crate::batch::{RxEntry, SendOutcome, SendStop, TxBatch};
use crate::session::{Next, Now, Session};
use crate::units::Nanos;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

/// `ENOBUFS` as Linux numbers it: the local queue is full.
pub const ENOBUFS: i32 = 105;

/// A session, independent of the type of its summary.
pub trait Endpoint {
    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next;
    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome);
    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]);
    fn on_tick(&mut self, now: Now);
    fn on_pause(&mut self, now: Now, length: Nanos);
    fn on_stop(&mut self, now: Now);
}

impl<S: Session> Endpoint for S {
    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        Session::poll_transmit(self, now, out)
    }

    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        Session::on_sent(self, now, batch, outcome);
    }

    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        Session::on_buffer(self, now, entry, bytes);
    }

    fn on_tick(&mut self, now: Now) {
        Session::on_tick(self, now);
    }

    fn on_pause(&mut self, now: Now, length: Nanos) {
        Session::on_pause(self, now, length);
    }

    fn on_stop(&mut self, now: Now) {
        Session::on_stop(self, now);
    }
}

/// How often sending fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendFaults {
    /// Share of batches during which the buffer fills up.
    pub blocked: f64,
    /// Share of batches during which the kernel refuses with `ENOBUFS`.
    pub refused: f64,
}

/// What the socket did with the numbered datagrams of its session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    pub accepted: u64,
    pub refused: u64,
    pub blocked: u64,
}

/// One session in the network.
pub struct Seat {
    pub address: SocketAddr,
    /// Remote address of a connected socket; `None` accepts datagrams from anybody.
    pub peer: Option<SocketAddr>,
    pub endpoint: Rc<RefCell<dyn Endpoint>>,
    pub clock: Clock,
    pub send_faults: SendFaults,
    pub sent: Sent,
    /// Maximum lateness of its wake-ups.
    pub late: Nanos,
    pub tick: Nanos,
    pub next_tick: Nanos,
    pub wake: Nanos,
    pub over: bool,
    /// What its socket buffers while its host is paused.
    pub held: Vec<(RxEntry, Vec<u8>)>,
    /// Calls at one and the same instant.
    pub calls: u32,
    pub batch: TxBatch,
}

impl Seat {
    pub fn new(
        address: SocketAddr,
        peer: Option<SocketAddr>,
        endpoint: Rc<RefCell<dyn Endpoint>>,
    ) -> Self {
        Self {
            address,
            peer,
            endpoint,
            clock: Clock::default(),
            send_faults: SendFaults::default(),
            sent: Sent::default(),
            late: Nanos::ZERO,
            tick: Nanos::from_millis(50),
            next_tick: Nanos::ZERO,
            wake: Nanos::ZERO,
            over: false,
            held: Vec::new(),
            calls: 0,
            batch: TxBatch::new(64, 64 * 1_472),
        }
    }

    /// The outcome of sending the batch.
    pub fn outcome(&mut self, rng: &mut fastrand::Rng) -> SendOutcome {
        let slots = self.batch.slots();
        let whole = SendOutcome { accepted: slots.len(), stop: None };
        let mood = rng.f64();
        let SendFaults { blocked, refused } = self.send_faults;
        if mood >= blocked + refused {
            return whole;
        }
        let accepted = rng.usize(0..slots.len());
        let stop = if mood < blocked {
            SendStop::Blocked
        } else {
            let datagrams = rng.usize(1..=slots.len() - accepted);
            SendStop::Refused { datagrams, errno: ENOBUFS }
        };
        SendOutcome { accepted, stop: Some(stop) }
    }
}
