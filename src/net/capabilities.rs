//! What sockets can do here: the system's own, less what the mode of input and output does not use.

use super::IoMode;
use crate::batch::{Capabilities, Capability};
use crate::sys;

/// What a socket of this mode can do on this system.
pub fn capabilities(io: IoMode) -> Capabilities {
    if io.in_force().is_portable() { sys::PORTABLE } else { sys::NATIVE }
}

/// Whether this system has something, whatever moves its datagrams.
pub fn system_has(what: Capability) -> bool {
    sys::NATIVE.has(what)
}
