//! The state machines of the dialogue, the streams, ping and the probes' sessions on the simulated
//! network ([`crate::netsim`]): they run against each other over links with seeded faults, which
//! are logged, on clocks that no two hosts share.

mod account;
mod paths;
mod stream;

mod blast_faults;
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

use crate::netsim::Mailbox;
pub use crate::netsim::runs;
