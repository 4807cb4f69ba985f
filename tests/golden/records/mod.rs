//! The fixed records, a file per subject.

mod all;
mod blast;
mod capacity;
mod cast;
mod check;
mod datagrams;
mod errors;
mod help;
mod iperf3;
mod live;
mod marks;
mod mistakes;
mod mixes;
mod monitor;
mod mtu;
mod nat;
mod paths;
mod ping;
mod ports;
mod recv;
mod relay;
mod report;
mod scan;
mod screen;
mod send;
mod serve;
mod shape;
mod stat;
mod timeout;
mod trace;
mod trials;
mod udpstp;

#[allow(dead_code, reason = "the reference needs more of them than the golden files")]
#[path = "../../reference/records.rs"]
mod plain;
