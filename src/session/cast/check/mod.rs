//! `cast check`: sends probes to a group on every interface with increasing TTLs, and reports who
//! receives them.

mod answerer;
mod far_answers;
mod first_copies;
mod probe;
mod prober;
mod repetition;
mod watch;

pub use answerer::{CheckAnswerer, CheckAnswererConfig};
pub use prober::{CheckConfig, CheckProber, CheckedInterface};

#[cfg(test)]
use probe::Probe;
#[cfg(test)]
mod chance_tests;
#[cfg(test)]
mod tests;
