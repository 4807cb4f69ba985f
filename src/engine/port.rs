//! One socket of a loop: its buffers, its readiness, and how what is queued there reaches the
//! session.

use super::Tally;
use super::any_session::AnySession;
use super::clocks::read_clocks;
use super::moderation::{LEAST_CHARGE, Moderation};
use super::pause_watch::PauseWatch;
use crate::batch::RxBatch;
use crate::net::Socket;
use std::io;

/// Buffers read from one socket before other sockets and sending get their turn.
const RECEIVE_BUDGET: usize = 16;

/// A socket and its readiness at the last poll.
pub(super) struct Port {
    pub socket: Socket,
    /// `None` for sockets that use the shared buffers.
    pub buffers: Option<RxBatch>,
    pub readable: bool,
    pub erring: bool,
}

impl Port {
    /// Reads the queued datagrams, within the budget; returns how many buffers and errors there
    /// were.
    pub fn receive(
        &mut self,
        index: usize,
        (shared, pauses, moderation): (&mut Option<RxBatch>, &mut PauseWatch, &mut Moderation),
        (tally, shown): (&Tally, Option<&Tally>),
        session: &mut dyn AnySession,
    ) -> io::Result<usize> {
        let Self { socket, buffers, readable, erring } = self;
        let mut read = 0;
        if let Some(buffers) = buffers.as_mut().or(shared.as_mut()) {
            for _ in 0..RECEIVE_BUDGET {
                if !*readable {
                    break;
                }
                let filled = socket.receive(buffers)?;
                if filled == 0 {
                    *readable = false;
                    break;
                }
                // A call that filled fewer buffers than it was given found the queue empty; what comes
                // later is told by the poll, which is edge-triggered.
                *readable = !(socket.receives_many() && filled < buffers.buffers());
                read += filled;
                if socket.stamps_transmits() {
                    // These replies answer datagrams that left earlier, so their transmit time
                    // stamps are available.
                    *erring = !socket.drain_errors();
                    report_stamps(socket, index, session);
                }
                let now = read_clocks();
                pauses.step(now.mono);
                for (entry, bytes) in buffers.entries() {
                    let mut entry = *entry;
                    entry.meta.socket = index;
                    tally.add_received(entry.datagrams());
                    if let Some(shown) = shown {
                        shown.add_received(entry.datagrams());
                    }
                    moderation.note(entry.len + LEAST_CHARGE);
                    session.on_buffer(now, &entry, bytes);
                }
                buffers.adapt();
            }
        }
        if *erring {
            *erring = !socket.drain_errors();
            report_stamps(socket, index, session);
        }
        while let Some(mut error) = socket.take_error() {
            read += 1;
            error.socket = index;
            session.on_network_error(read_clocks(), &error);
        }
        Ok(read)
    }
}

/// Passes a socket's transmit time stamps to the session.
fn report_stamps(socket: &mut Socket, index: usize, session: &mut dyn AnySession) {
    while let Some(mut stamp) = socket.take_stamp() {
        stamp.socket = index;
        session.on_transmit_stamp(read_clocks(), &stamp);
    }
}
