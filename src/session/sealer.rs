//! Seals a client's commands with the shared key, where there is one.

use crate::session::Exchange;
use crate::units::Nanos;
use crate::wire::{Command, ControlKey};

/// One client socket's key and its next nonce. Without a key, commands go as they are.
#[derive(Clone, Debug, Default)]
pub struct Sealer {
    key: Option<ControlKey>,
    nonce: u64,
}

impl Sealer {
    /// Nonces count up from `nonce`, which no other socket of the key's holders should have: a
    /// random number.
    pub fn new(key: Option<ControlKey>, nonce: u64) -> Self {
        // From half way on, so that counting up never wraps.
        Self { key, nonce: nonce >> 1 }
    }

    /// Asks `command` from `now` on, for at most `patience`; padded to `length`, where it is not 0.
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
