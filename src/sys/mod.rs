//! System calls: the only module with `unsafe` and `libc`.
//!
//! One interface and a wing for each kind of system: `linux` with all that its kernel has, and
//! `other`. `portable` is beside both: what every system has. `unix` and `windows` are what both
//! kinds of system have for signals, terminals, users and files. Each function is one system call
//! (or one loop over its result), takes slices and plain types, and returns `io::Result`. Handling
//! of errors is left to `net`.
#![allow(unsafe_code)]

mod confine_terms;
pub mod errno;
#[cfg(target_os = "linux")]
mod errno_linux;
#[cfg(not(target_os = "linux"))]
mod errno_other;
mod error_number;
pub mod error_text;
mod handle;
mod interface_address;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod portable;
mod signal_terms;
mod socket_terms;
#[cfg(unix)]
mod unix;
mod watched;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as family;
#[cfg(windows)]
use windows as family;
#[cfg(target_os = "linux")]
use {errno_linux as native, linux as wing};
#[cfg(not(target_os = "linux"))]
use {errno_other as native, other as wing};

pub use confine_terms::{
    Account, AccountError, AccountIds, ConfineError, ConfinePlan, Confined, KeptCapabilities,
};
pub use error_number::{ErrorNumber, error_of, unsupported};
pub use family::*;
pub use handle::{AsHandle, Handle, OwnedHandle};
pub use interface_address::InterfaceAddress;
pub use portable::{PORTABLE, PortableCall};
pub use signal_terms::Signal;
pub use socket_terms::{Family, Membership, OutMessage, QueuedMessage, Switch, SwitchState};
pub use watched::WatchedSocket;
pub use wing::*;
