//! The kinds of `probe` as state machines, one file (or folder) each.
//!
//! Kinds that need a remote agent embed a [`FarEnd`], which handles the dialogue; those that work
//! in rounds ([`Kind`]) are driven by [`Helped`].

mod believable;
mod far_end;
#[cfg(test)]
mod fault_tests;
mod helped;
pub mod marks;
pub mod mtu;
pub mod nat;
#[cfg(test)]
mod no_agent_tests;
pub mod ports;
mod question;
#[cfg(test)]
mod random_loss;
mod rounds;
mod scan;
pub mod shape;
pub mod shots;
#[cfg(test)]
mod simulated;
pub mod timeout;
pub mod trace;

pub use far_end::{FarEnd, Granted, ProofState, Seen, sooner};
pub use helped::{Helped, HelpedEnd, Manner};
pub use rounds::{Kind, Round, RoundsEnd, Told};
pub use scan::{ScanPlan, ScanSession};
