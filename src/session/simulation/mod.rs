//! A network in memory, for tests: sessions run against each other over links with seeded faults,
//! which are logged, on clocks that no two hosts share. A run of an hour takes no time, and the
//! same seed gives the same run.

mod account;
mod link;
mod network;
mod paths;
mod seat;
mod stream;

mod by_hand;
mod client_and_server;
mod codes;
mod dialogue;
mod extreme;
mod keyed;
mod loops;
mod ping;
mod probe;
mod receiver;
mod server;
mod standstill;
mod streams;

pub use crate::netsim::runs;
use crate::netsim::{Clock, Mailbox};
use link::{Faults, Link};
use network::Network;
use seat::{Endpoint, Seat, SendFaults};
