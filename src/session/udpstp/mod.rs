//! UDPSTP (RFC 9946): client and server of IP-layer capacity tests, and what both share: what a
//! receiver counts, what a sender sends, and how a test ends. Its PDUs are `wire::udpstp`'s, its
//! rates and their adjustment `pace`'s.

mod client;
mod client_connection;
mod client_plan;
mod data_phase;
mod load_receiver;
mod load_sender;
mod params;
mod rate_control;
mod server;
mod server_admission;
mod server_policy;
mod server_test;
mod sub_intervals;

#[cfg(test)]
mod receiver_tests;
#[cfg(test)]
mod tests;

pub use client::UdpstpClient;
pub use client_plan::{ClientAuthentication, UdpstpPlan, UdpstpSummary};
pub use server::{UdpstpServer, UdpstpServerSummary};
pub use server_policy::{UdpstpCommand, UdpstpOrder, UdpstpPolicy};

use crate::units::Nanos;

/// Silence of the peer after which it is told that nothing comes.
const WARNING: Nanos = Nanos::from_secs(1);
/// Silence of the peer after which a test ends.
const SILENCE: Nanos = Nanos::from_secs(3);
/// How long after its time a test is ended by the server.
const BEFORE_STOP: Nanos = Nanos::from_millis(500);
/// Datagrams that a batch must have room for, and their bytes: those of a burst of any row.
pub const BATCH: (usize, usize) = (128, 1 << 20);
