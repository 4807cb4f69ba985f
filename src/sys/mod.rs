//! System calls: the only module with `unsafe` and `libc`.
//!
//! One interface and a wing for each kind of system: `linux` with all that its kernel has, and
//! `other`. `portable` is beside both: what every system has. Each function is one system call (or one loop over its result), takes
//! slices and plain types, and returns `io::Result`. Handling of errors is left to `net`.
#![allow(unsafe_code)]

pub mod errno;
mod error_number;
mod handle;
mod interface_address;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod portable;
mod socket_terms;
mod watched;

#[cfg(target_os = "linux")]
use linux as wing;
#[cfg(not(target_os = "linux"))]
use other as wing;

pub use error_number::ErrorNumber;
pub use handle::{AsHandle, Handle, OwnedHandle};
pub use interface_address::InterfaceAddress;
pub use portable::{PORTABLE, PortableCall};
pub use socket_terms::{Family, Membership, OutMessage, QueuedMessage, Switch, SwitchState};
pub use watched::WatchedSocket;
pub use wing::*;
