//! The interface between the event loop and every mode of udpkit.

use crate::batch::{
    Datagram, InterfaceChange, NetworkError, RxEntry, SendOutcome, TransmitStamp, TxBatch,
    split_buffer,
};
use crate::units::Nanos;

/// One instant on both clocks: the monotonic one for schedules and durations, the real-time one for
/// what is written on the wire and compared with kernel time stamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic clock.
    pub mono: Nanos,
    /// Real-time clock.
    pub real: Nanos,
}

impl Now {
    /// When the kernel received a datagram, on the monotonic clock.
    #[inline]
    pub fn arrival_of(self, datagram: &Datagram<'_>) -> Nanos {
        self.mono - (self.real - datagram.meta.arrival)
    }
}

/// When a session wants to be polled again, once the batch that it filled has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Immediately: there is more to send.
    Send,
    /// At this instant of the monotonic clock, or earlier when something arrives and is read.
    WaitUntil(Nanos),
    /// Only when something arrives.
    Idle,
    /// Never: the session is over.
    Done,
}

/// A mode of udpkit as a state machine without sockets, clocks or threads.
///
/// The loop calls [`Session::poll_transmit`] after every event and at the instant that the session
/// asked for. It sends whatever the session left in the batch and reports the outcome through
/// [`Session::on_sent`]. A datagram that the kernel did not accept is the session's to send again:
/// its slot is gone, so a session that numbers datagrams advances only by the number accepted.
pub trait Session {
    /// The result of a session.
    type Summary;

    /// Writes what is due into the empty batch and says when to ask again.
    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next;

    /// Reports what became of the batch that was written last.
    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        let _ = (now, batch, outcome);
    }

    /// A datagram arrived.
    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>);

    /// A buffer arrived: one datagram, or several that the kernel coalesced (GRO). By default it is
    /// split into datagrams; a session may handle it faster.
    #[inline]
    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        for datagram in split_buffer(entry, bytes) {
            self.on_datagram(now, &datagram);
        }
    }

    /// An earlier datagram caused an error, reported by the network (ICMP) or by this host.
    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        let _ = (now, error);
    }

    /// The kernel reported when a datagram left. On sockets with transmit time stamps, the stamp is
    /// delivered before the answers received after it.
    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp) {
        let _ = (now, stamp);
    }

    /// The loop's periodic tick, if it was given a period.
    fn on_tick(&mut self, now: Now) {
        let _ = now;
    }

    /// Whether nothing is going on that a tick would find: a loop then ticks less often.
    fn is_idle(&self) -> bool {
        false
    }

    /// This host did not run the loop for `length` longer than intended, until now: it was
    /// suspended, starved of CPU, or its clock jumped. Whatever the sockets buffered meanwhile is
    /// delivered before the session is polled or ticked again; no deadline may be judged before
    /// that. The gap is this host's own and not silence of the peer: deadlines that wait for a peer
    /// move by its length.
    fn on_pause(&mut self, now: Now, length: Nanos) {
        let _ = (now, length);
    }

    /// A socket's counter of dropped buffers, before each tick and at the end; it wraps at 2^32.
    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        let _ = (socket, drops);
    }

    /// A socket's membership or address went or came back with this host's interfaces. The loop has
    /// already restored what can be restored.
    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        let _ = (now, change);
    }

    /// The user asked for a status report (SIGQUIT); the run continues.
    fn on_status(&mut self, now: Now) {
        let _ = now;
    }

    /// The user asked for files to be read again (SIGHUP), where the loop heeds that.
    fn on_reload(&mut self, now: Now) {
        let _ = now;
    }

    /// The system asks for an end (SIGTERM). By default that is an early end, as any.
    fn on_terminate(&mut self, now: Now) {
        self.on_stop(now);
    }

    /// Programs watch the run: tell the sink all counts as they stand now. Called periodically if
    /// the loop was given a period for it, and once more before the end.
    fn on_watch(&mut self, now: Now) {
        let _ = now;
    }

    /// When the session expects to be over, on the monotonic clock, by what it knows `now` and if
    /// what it waits for does not come; `None` if it cannot tell. It is shown to the user, and
    /// nothing else depends on it.
    fn expected_end(&self, now: Now) -> Option<Nanos> {
        let _ = now;
        None
    }

    /// The user, or another part of udpkit, asks for an early end: finish up and return
    /// [`Next::Done`] soon.
    fn on_stop(&mut self, now: Now);

    /// Ends the session and returns its result.
    fn finish(self, now: Now) -> Self::Summary;
}
