//! Tests of every responder against an adversary that may send any datagram from any source at any
//! time, and receives what is sent to addresses of its own. Checked at every instant: an address
//! that it only forges gets no more datagrams and no more bytes than arrived in its name a moment
//! before.
//!
//! ```text
//! adversary_moves.rs    what the adversary knows, and what it sends next
//! forged_traffic.rs  what came from each forged address, and what was sent there
//! stage.rs           one responder on the simulated network, whose sends go wrong now and then
//! ```
//!
//! An hour by hand: `UDPKIT_TEST_RUNS=1000000 cargo test --lib session::adversary`.

mod adversary_moves;
mod forged_traffic;
mod other_responders;
mod serve;
mod stage;

use adversary_moves::Adversary;
use forged_traffic::Ledger;
use stage::{Arrival, Engine, Stage, Start, addresses};
