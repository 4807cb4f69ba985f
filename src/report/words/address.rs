//! Sentences about addresses.

use super::terms::list;
use crate::units::Endpoint;

/// The hint for a host argument that may be a message.
pub const MESSAGE_BEHIND_DASHES: &str = "put a message after --: udpkit send HOST:PORT -- MESSAGE";

/// Which address of a name is used, because it answered first.
pub fn first_to_answer(name: &str, taken: Endpoint, others: &[Endpoint]) -> String {
    format!("{name}: using {taken}, the first to answer; it also has {}", addresses(others))
}

/// Which address of a name is used where none of them answered.
pub fn first_of_silent(name: &str, taken: Endpoint, others: &[Endpoint]) -> String {
    format!("{name}: no address answered; using {taken}; it also has {}", addresses(others))
}

fn addresses(all: &[Endpoint]) -> String {
    list(&all.iter().map(|one| one.ip().to_string()).collect::<Vec<_>>())
}
