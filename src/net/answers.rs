//! What a socket's error queue held, kept until the loop asks: answers of the network, and the
//! kernel's word on when each datagram left.

use super::own_addresses;
use crate::batch::{NetworkError, OwnAddresses, TransmitStamp};
use crate::sys::{self, QueuedMessage};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// Messages that are kept, and read at once, at most; beyond it the oldest go.
const KEPT: usize = 256;

/// How long the list of this host's addresses is believed.
const FRESH: Duration = Duration::from_secs(1);

/// What a look at the error queue found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Drained {
    /// Whether an answer of the network was there.
    pub errors: bool,
    /// Whether the queue is empty now.
    pub emptied: bool,
}

/// Messages that were read and not yet taken.
#[derive(Debug, Default)]
pub(super) struct Answers {
    errors: VecDeque<NetworkError>,
    own: Own,
    stamps: VecDeque<TransmitStamp>,
    /// Whether the kernel stamps what is sent.
    stamping: bool,
    /// Datagrams that it took since the socket was opened.
    sent: u32,
    /// Of these, those before it began to count from 0.
    base: u32,
    /// Calls that had failed by then.
    failures: u64,
}

impl Answers {
    /// Has the kernel stamp what is sent, where it can.
    pub fn begin_stamps(&mut self, fd: &OwnedFd) {
        self.stamping = sys::set_transmit_stamps(fd.as_fd(), true).is_ok();
    }

    /// Whether the kernel stamps what is sent.
    pub fn stamping(&self) -> bool {
        self.stamping
    }

    /// Reads the queue, a bounded number of messages, so that a flood of ICMP cannot hold the loop.
    pub fn drain(&mut self, fd: &OwnedFd) -> Drained {
        let mut drained = Drained::default();
        for _ in 0..KEPT {
            match sys::read_error_queue(fd.as_fd()) {
                Ok(QueuedMessage::Error(mut error)) => {
                    drained.errors = true;
                    error.judge_origin(self.own.addresses(&error));
                    keep(&mut self.errors, error);
                }
                Ok(QueuedMessage::Sent(id, at)) => {
                    let number = self.base.wrapping_add(id);
                    keep(&mut self.stamps, TransmitStamp { socket: 0, number, at });
                }
                Ok(QueuedMessage::Other) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    drained.emptied = true;
                    break;
                }
            }
        }
        drained
    }

    /// Takes down that the kernel took `datagrams` more, and that so many calls have failed so far.
    ///
    /// Whether a failed call spends a number depends on the kernel and on where it failed, so the
    /// count begins anew behind one.
    pub fn note_sent(&mut self, fd: &OwnedFd, datagrams: usize, failures: u64) {
        if !self.stamping {
            return;
        }
        self.sent = self.sent.wrapping_add(datagrams as u32);
        if failures != self.failures {
            self.failures = failures;
            self.drain(fd);
            self.base = self.sent;
            // Only the change from off to on sets the count to 0.
            let _ = sys::set_transmit_stamps(fd.as_fd(), false);
            self.begin_stamps(fd);
        }
    }

    pub fn take_error(&mut self) -> Option<NetworkError> {
        self.errors.pop_front()
    }

    pub fn take_stamp(&mut self) -> Option<TransmitStamp> {
        self.stamps.pop_front()
    }
}

/// This host's addresses, listed when an error first names an address that spoke.
#[derive(Debug, Default)]
struct Own {
    addresses: OwnAddresses,
    listed: Option<Instant>,
}

impl Own {
    fn addresses(&mut self, error: &NetworkError) -> &OwnAddresses {
        let stale = self.listed.is_none_or(|at| at.elapsed() > FRESH);
        if error.offender.is_some() && stale {
            self.addresses = own_addresses();
            self.listed = Some(Instant::now());
        }
        &self.addresses
    }
}

fn keep<T>(queue: &mut VecDeque<T>, message: T) {
    if queue.len() == KEPT {
        queue.pop_front();
    }
    queue.push_back(message);
}
