//! Seals a client's commands with the shared key, if there is one.

use super::Exchange;
use crate::units::Nanos;
use crate::wire::{Command, ControlKey};

/// One client socket's key and its next nonce. Without a key, commands are sent unsealed.
#[derive(Clone, Debug, Default)]
pub struct Sealer {
    key: Option<ControlKey>,
    nonce: u64,
}

impl Sealer {
    /// Nonces count up from `nonce`, a random number, so that no other socket with the same key
    /// uses them.
    pub fn new(key: Option<ControlKey>, nonce: u64) -> Self {
        // Start in the lower half, so that counting up never wraps.
        Self { key, nonce: nonce >> 1 }
    }

    /// Starts `command` at `now`, waiting at most `patience`; padded to `length` bytes, 0 for no
    /// padding.
    pub fn exchange(
        &mut self,
        command: &Command,
        length: usize,
        now: Nanos,
        patience: Nanos,
    ) -> Exchange {
        let Some(key) = &self.key else {
            return Exchange::new(command, length, now, patience);
        };
        self.nonce += 1;
        let mut command = command.clone();
        command.params.push("nonce", self.nonce);
        Exchange::new(&command, length, now, patience).sealed(key.clone())
    }
}
