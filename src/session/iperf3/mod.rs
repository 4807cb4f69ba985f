//! Throughput with an iperf3 server: the client of its control connection. Its streams are those of
//! `session::blast`, with iperf3's header.

mod control;
mod inbox;
mod outcome;
mod plan;

#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

pub use control::Iperf3Control;
pub use outcome::{Iperf3Summary, Upstream};
pub use plan::Iperf3Plan;
