//! System calls: the only module with `unsafe` and `libc`.
//!
//! One interface and a wing for each kind of system: [`linux`] with all that its kernel has, and
//! what every system has. Each function is one system call (or one loop over its result), takes
//! slices and plain types, and returns `io::Result`. Handling of errors is left to `net`.
#![allow(unsafe_code)]

pub mod errno;
mod handle;
mod interface_address;
mod linux;
mod portable;
mod socket_terms;
mod watched;

use linux as wing;

pub use errno::{ErrorNumber, error_of, unsupported};
pub use handle::{AsHandle, Handle, OwnedHandle};
pub use interface_address::InterfaceAddress;
pub use linux::*;
pub use portable::{PORTABLE, PortableCall};
pub use socket_terms::{Family, Membership, OutMessage, QueuedMessage, Switch, SwitchState};
pub use watched::WatchedSocket;
