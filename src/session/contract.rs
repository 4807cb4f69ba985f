//! The contract between the loop and every mode of udpkit.

use crate::batch::{
    Datagram, NetworkError, RxEntry, SendOutcome, TransmitStamp, TxBatch, split_buffer,
};
use crate::units::Nanos;

/// One instant on both clocks: the monotonic one for schedules and spans, the real-time one for
/// what is written on the wire and compared with kernel stamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic clock.
    pub mono: Nanos,
    /// Real-time clock.
    pub real: Nanos,
}

/// When a session wants to be asked again, once the batch that it filled has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: there is more to send.
    Send,
    /// At this instant of the monotonic clock, or when something arrives.
    WaitUntil(Nanos),
    /// When something arrives.
    Idle,
    /// Never: the session is over.
    Done,
}

/// A mode of udpkit as a machine without sockets, clock or threads.
///
/// The loop calls [`Session::poll_transmit`] after every event and at the instant that the session
/// asked for; whatever it left in the batch is sent, and [`Session::on_sent`] tells what became of
/// it. A datagram that was not accepted is the session's to send again: its slot is gone, and a
/// session that numbers datagrams advances only by what was accepted.
pub trait Session {
    /// What is known when the session is over.
    type Summary;

    /// Writes what is due into the empty batch and says when to ask again.
    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next;

    /// What became of the batch that was written last.
    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        let _ = (now, batch, outcome);
    }

    /// A datagram arrived.
    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>);

    /// A buffer arrived: one datagram, or a run that the kernel coalesced. Takes it apart unless a
    /// session has a faster way.
    #[inline]
    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        for datagram in split_buffer(entry, bytes) {
            self.on_datagram(now, &datagram);
        }
    }

    /// The network, or this host, answered an earlier datagram with an error.
    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        let _ = (now, error);
    }

    /// The kernel told when a datagram left; where a socket has these stamps, they come before the
    /// answers that were received after them.
    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp) {
        let _ = (now, stamp);
    }

    /// The loop's regular tick, where it was given a period.
    fn on_tick(&mut self, now: Now) {
        let _ = now;
    }

    /// This host did not run the loop for `length` beyond what was meant (suspended, starved of the
    /// processor, or its clock jumped), until now. What the sockets held meanwhile follows before the
    /// session is asked or ticked again: no deadline may be judged before it. The gap is this host's
    /// own and nobody's silence: deadlines that wait for another move by it.
    fn on_pause(&mut self, now: Now, length: Nanos) {
        let _ = (now, length);
    }

    /// A socket's count of dropped buffers, before each tick and at the end; it wraps at 2^32.
    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        let _ = (socket, drops);
    }

    /// The user asks how the run stands (SIGQUIT); it goes on.
    fn on_status(&mut self, now: Now) {
        let _ = now;
    }

    /// The user, or another part of udpkit, asks for an early end: wind down and answer `Done` soon.
    fn on_stop(&mut self, now: Now);

    /// The end.
    fn finish(self, now: Now) -> Self::Summary;
}
