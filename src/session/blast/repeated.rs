//! Commands and replies of a stream's opening that were repeated, and arrive when it is open.

use crate::wire::{Class, Command, Verb, classify};

/// A reply to a command whose tag begins so.
pub(super) fn is_reply_to(tag_prefix: &str, payload: &[u8]) -> bool {
    classify(payload) == Class::Control && payload.starts_with(tag_prefix.as_bytes())
}

/// A HELO of a stream that was repeated before its reply came, read after the DATA. `go_ahead` is
/// the reply to that DATA; empty at the end that asks.
pub(super) fn is_repeated_helo(payload: &[u8], go_ahead: &[u8]) -> bool {
    !go_ahead.is_empty()
        && classify(payload) == Class::Control
        && Command::decode(payload).is_ok_and(|command| command.verb == Verb::Helo)
}

/// The DATA to which `go_ahead` is the reply, again.
pub(super) fn is_repeated_data(payload: &[u8], go_ahead: &[u8]) -> bool {
    !go_ahead.is_empty()
        && classify(payload) == Class::Control
        && Command::decode(payload).is_ok_and(|command| {
            // The reply begins with the tag of its command.
            let of_it = go_ahead.strip_prefix(command.tag.to_string().as_bytes());
            command.verb == Verb::Data && of_it.is_some_and(|rest| rest.starts_with(b" "))
        })
}
