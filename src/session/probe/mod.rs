//! The kinds of `probe` as state machines, one file (or folder) each.
//!
//! Kinds that need a remote agent embed a [`FarEnd`], which handles the dialogue; those that work
//! in rounds ([`Kind`]) are driven by [`RoundDriver`].

mod far_end;
#[cfg(test)]
pub(super) mod fault_tests;
#[cfg(test)]
mod forecast_tests;
pub mod marks;
pub mod mtu;
pub mod nat;
#[cfg(test)]
mod no_agent_tests;
pub mod paths;
mod plausibility;
pub mod ports;
pub mod probe_batch;
mod question;
#[cfg(test)]
mod random_loss;
mod round_driver;
mod rounds;
mod scan;
pub mod shape;
#[cfg(test)]
mod simulated;
pub mod timeout;
pub mod trace;

pub use far_end::{FarEnd, Granted, ProofState, Seen, sooner};
#[cfg(test)]
pub(super) use paths::tests::PATHS;
pub use round_driver::{RoundDriver, RoundDriverEnd, RoundParameters};
pub use rounds::{AgentCounts, Kind, Round, RoundsEnd};
#[cfg(test)]
pub(super) use scan::SCAN;
pub use scan::{ScanPlan, ScanSession};
