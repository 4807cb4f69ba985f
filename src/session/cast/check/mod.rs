//! `cast check`: sends probes to a group on every interface with increasing TTLs, and reports who
//! receives them.

mod answerer;
mod far_answers;
mod first_copies;
mod probe;
mod prober;
mod repetition;
mod sent_probes;
mod watch;

pub use answerer::{CheckAnswerer, CheckAnswererConfig};
pub use prober::{CheckConfig, CheckProber, CheckedInterface};

#[cfg(test)]
pub use fault_tests::{ANSWER, CHECK, HOLD};

#[cfg(test)]
use probe::Probe;
#[cfg(test)]
mod chance_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;
