//! Findings in English: a file per subject, with nothing but sentences and figures.
//!
//! The reader is a network engineer who has never heard of udpkit: short, active sentences in the
//! field's standard terms, lower case at the start and without a full stop, with a unit after every
//! figure. Findings come from `record`; nothing is decided here.

pub mod address;
mod agent;
pub mod arrival_gaps;
pub mod blast;
pub mod capabilities;
mod capacity;
pub mod cast;
pub mod cast_hints;
pub mod check;
mod check_evidence;
pub mod ecn;
pub mod far_end;
pub mod host;
pub mod host_losses;
pub mod interfaces;
pub mod iperf3;
mod iperf3_server;
pub mod live;
mod marks;
pub mod metrics;
mod missing;
pub mod monitor;
pub mod mtu;
pub mod nat;
pub mod occurrence;
mod outages;
pub mod paths;
pub mod ping;
pub mod ports;
pub mod probe_all;
pub mod progress;
pub mod relay;
mod saved;
pub mod scan;
pub mod serve;
pub mod serve_operator;
pub mod server_state;
pub mod shape;
pub mod terms;
pub mod throughput;
pub mod timeout;
pub mod trace;
pub mod udpstp;
mod udpstp_server;
mod undelivered;
pub mod usage;
