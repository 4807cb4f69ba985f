//! The bytes of the control connection that were not read yet.

use crate::wire::iperf3::{
    Iperf3Error, MAX_MESSAGE, MessageFault, SERVER_ERROR_LEN, decode_server_error, message_length,
};

/// Bytes in their order.
#[derive(Debug, Default)]
pub(super) struct Inbox(Vec<u8>);

impl Inbox {
    /// Adds what arrived.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The first `LEN` bytes, once they are there.
    pub fn first<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        let first = *self.0.first_chunk::<LEN>()?;
        self.0.drain(..LEN);
        Some(first)
    }

    /// The next byte; `None` if there is none.
    pub fn byte(&mut self) -> Option<u8> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// The two numbers of a server's error, once they are there.
    pub fn server_error(&mut self) -> Option<(Iperf3Error, i32)> {
        self.first::<SERVER_ERROR_LEN>().map(|bytes| decode_server_error(&bytes))
    }

    /// The text of a message, once it is whole.
    pub fn message(&mut self) -> Result<Option<Vec<u8>>, MessageFault> {
        self.message_within(MAX_MESSAGE)
    }

    /// The same of a message of so many bytes at most.
    pub fn message_within(&mut self, most: usize) -> Result<Option<Vec<u8>>, MessageFault> {
        let Some(prefix) = self.0.first_chunk::<4>() else { return Ok(None) };
        let length = message_length(*prefix)?;
        if length > most {
            return Err(MessageFault::TooLong { bytes: length as u64 });
        }
        if self.0.len() < 4 + length {
            return Ok(None);
        }
        let text = self.0[4..4 + length].to_vec();
        self.0.drain(..4 + length);
        Ok(Some(text))
    }
}
