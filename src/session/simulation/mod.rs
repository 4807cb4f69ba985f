//! The state machines of the dialogue, the streams, ping and the probes' sessions on the simulated
//! network ([`crate::netsim`]): they run against each other over links with seeded faults, which
//! are logged, on clocks that no two hosts share.

mod address_race;
mod capacity;
mod expected_counts;
mod paths;
mod stream;

pub mod client_and_server;
mod dialogue;
mod extreme;
pub mod fault_matrix;
mod iperf3;
mod keepalive;
mod migration;
mod mixes;
mod outages;
mod paused_hosts;
mod ping;
mod probe;
mod receiver;
mod reply_codes;
mod responder_loops;
mod running_stream;
mod server;
mod service;
mod shared_key;
mod streams;
mod typed_commands;

use crate::netsim::Mailbox;
use crate::netsim::runs;
