//! A session as the loop calls it, whatever its type: the loop's code is there once, and not once
//! for each of two dozen sessions. A call is made for each batch, buffer and event, which costs
//! nanoseconds where a system call costs a microsecond; what a session does for each datagram is
//! its own, and compiled into it.

use crate::batch::{InterfaceChange, NetworkError, RxEntry, SendOutcome, TransmitStamp, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::units::Nanos;

/// [`Session`] without its end, which alone depends on the type.
pub(super) trait AnySession {
    /// [`Session::poll_transmit`].
    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next;
    /// [`Session::on_sent`].
    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome);
    /// [`Session::on_buffer`].
    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]);
    /// [`Session::on_network_error`].
    fn on_network_error(&mut self, now: Now, error: &NetworkError);
    /// [`Session::on_transmit_stamp`].
    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp);
    /// [`Session::on_tick`].
    fn on_tick(&mut self, now: Now);
    /// [`Session::is_idle`].
    fn is_idle(&self) -> bool;
    /// [`Session::on_pause`].
    fn on_pause(&mut self, now: Now, length: Nanos);
    /// [`Session::on_socket_drops`].
    fn on_socket_drops(&mut self, socket: usize, drops: u32);
    /// [`Session::on_interface_change`].
    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange);
    /// [`Session::on_status`].
    fn on_status(&mut self, now: Now);
    /// [`Session::on_reload`].
    fn on_reload(&mut self, now: Now);
    /// [`Session::on_terminate`].
    fn on_terminate(&mut self, now: Now);
    /// [`Session::on_watch`].
    fn on_watch(&mut self, now: Now);
    /// [`Session::expected_end`].
    fn expected_end(&self, now: Now) -> Option<Nanos>;
    /// [`Session::on_stop`].
    fn on_stop(&mut self, now: Now);
}

impl<S: Session> AnySession for S {
    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        Session::poll_transmit(self, now, out)
    }

    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        Session::on_sent(self, now, batch, outcome);
    }

    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        Session::on_buffer(self, now, entry, bytes);
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        Session::on_network_error(self, now, error);
    }

    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp) {
        Session::on_transmit_stamp(self, now, stamp);
    }

    fn on_tick(&mut self, now: Now) {
        Session::on_tick(self, now);
    }

    fn is_idle(&self) -> bool {
        Session::is_idle(self)
    }

    fn on_pause(&mut self, now: Now, length: Nanos) {
        Session::on_pause(self, now, length);
    }

    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        Session::on_socket_drops(self, socket, drops);
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        Session::on_interface_change(self, now, change);
    }

    fn on_status(&mut self, now: Now) {
        Session::on_status(self, now);
    }

    fn on_reload(&mut self, now: Now) {
        Session::on_reload(self, now);
    }

    fn on_terminate(&mut self, now: Now) {
        Session::on_terminate(self, now);
    }

    fn on_watch(&mut self, now: Now) {
        Session::on_watch(self, now);
    }

    fn expected_end(&self, now: Now) -> Option<Nanos> {
        Session::expected_end(self, now)
    }

    fn on_stop(&mut self, now: Now) {
        Session::on_stop(self, now);
    }
}
