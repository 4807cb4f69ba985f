//! Calls for many datagrams, which these systems lack: the portable calls move datagrams there.

use crate::batch::RxBatch;
use crate::sys::unsupported;
use crate::sys::{Family, Handle, OutMessage};
use std::io;

/// Whether there is `recvmmsg`: no.
pub fn has_recvmmsg() -> bool {
    false
}

/// Whether there is `sendmmsg`: no.
pub fn has_sendmmsg() -> bool {
    false
}

/// Scratch memory for a receive call: none is needed.
#[derive(Debug)]
pub struct ReceiveCall;

impl ReceiveCall {
    /// Nothing, however many messages.
    pub fn new(_messages: usize) -> Self {
        Self
    }

    /// There is no such call.
    pub fn receive_many(&mut self, _: Handle<'_>, _: &mut RxBatch) -> io::Result<usize> {
        Err(unsupported())
    }

    /// There is no such call.
    pub fn receive_one(&mut self, _: Handle<'_>, _: &mut RxBatch) -> io::Result<usize> {
        Err(unsupported())
    }
}

/// Scratch memory for a send call: none is needed.
#[derive(Debug)]
pub struct SendCall;

impl SendCall {
    /// Nothing, however many messages.
    pub fn new(_messages: usize) -> Self {
        Self
    }

    /// Most messages per call.
    pub fn capacity(&self) -> usize {
        1
    }

    /// There is no such call.
    pub fn send_many<'a>(
        &mut self,
        _: Handle<'_>,
        _: Family,
        _: impl ExactSizeIterator<Item = OutMessage<'a>>,
    ) -> io::Result<usize> {
        Err(unsupported())
    }

    /// There is no such call.
    pub fn send_one(&mut self, _: Handle<'_>, _: Family, _: OutMessage<'_>) -> io::Result<()> {
        Err(unsupported())
    }
}
