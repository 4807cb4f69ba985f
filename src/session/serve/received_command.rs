//! A command as it arrived, and where its reply goes.

use crate::batch::RxMeta;
use crate::machine::Now;
use crate::wire::{Command, Seal, Tag};

/// Where a reply goes, and what it answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyTo {
    /// The datagram with the command.
    pub meta: RxMeta,
    /// The command's seal, which the reply's seal covers; `None` without a key, or if the client
    /// has not shown that it holds it.
    pub seal: Option<Seal>,
    /// Which key that is ([`super::keys`]).
    pub key: u32,
    /// Length of the command in bytes: the limit for the answer to an unverified address.
    pub bytes: usize,
}

/// A command and where it came from.
pub(super) struct ReceivedCommand<'a> {
    pub command: &'a Command,
    pub to: ReplyTo,
    /// Hash of the command, to recognise repeats.
    pub print: u64,
    pub now: Now,
}

impl ReceivedCommand<'_> {
    pub fn tag(&self) -> Tag {
        self.command.tag.clone()
    }
}
