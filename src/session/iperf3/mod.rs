//! Throughput with iperf3: the client of an iperf3 server's control connection, and in `server` the
//! server of iperf3 clients. Their streams are those of `session::blast`, with iperf3's header.

mod control;
mod inbox;
mod outcome;
mod plan;
mod results;
pub mod server;

#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

pub use control::Iperf3Control;
pub use outcome::{Iperf3Summary, Upstream};
pub use plan::Iperf3Plan;
