//! A STUN server as a state machine without sockets (RFC 8489, RFC 5780).

mod reflector;
#[cfg(test)]
mod tests;

pub use reflector::{StunAlternate, StunPolicy, StunReflector};
