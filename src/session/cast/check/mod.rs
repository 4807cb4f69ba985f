//! `cast check`: sends probes to a group on every interface with increasing TTLs, and reports who
//! receives them.

mod again;
mod answerer;
mod far;
mod first_copies;
mod probe;
mod prober;
mod watch;

pub use answerer::{CheckAnswerer, CheckAnswererConfig};
pub use prober::{CheckConfig, CheckProber, CheckWay};

#[cfg(test)]
use probe::Probe;
#[cfg(test)]
mod chance_tests;
#[cfg(test)]
mod tests;
