//! A UDP datagram toolkit: the library beneath the `udpkit` binary.
//!
//! # A measurement in a few lines
//!
//! [`Throughput`], [`Ping`] and [`Fanout`] run what `udpkit blast`, `udpkit ping` and
//! `udpkit cast send` run, and return the record that these print as JSON:
//!
//! ```
//! use std::time::Duration;
//! use udpkit::Throughput;
//!
//! let report =
//!     Throughput::of_this_host().rate("10M".parse()?).time(Duration::from_millis(200)).run()?;
//! assert!(report.failure.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whole programs are in `examples/`. What the builders leave out is reached through the modules
//! below.
//!
//! # Modules by layer
//!
//! ```text
//!         protocol side (pure)   |   system side
//!  6                            main                               parse, run, exit code
//!  5                    api, cli, commands                        builders, clap; Plan -> session + sockets + report
//!  4                  engine           |      report               event loop, clock, threads   | text, live, JSON
//!  3   session                   |   net                           sans-IO state machines | sockets, options, multicast, error queue
//!  2   control   record          |   sys                           the control dialogue; results, trait Sink | the only unsafe code and libc calls
//!  1   wire   stats   pace       |   batch                         wire formats, statistics, pacing | datagram buffers shared by both sides
//!  0                           units                               Nanos, ByteCount, BitRate, PacketRate: parse and print
//! ```
//!
//! `wire`, `stats`, `pace`, `control` and `session` are pure: time and bytes come in as arguments, and nothing
//! there touches a socket, a clock or a thread. `net` moves datagrams without interpreting them.
//! The two sides share only [`batch`] and do not depend on each other; [`engine`] joins them.
//! A module imports only from lower layers (`tests/layers.rs` checks this).
//!
//! # The path of one datagram
//!
//! ```text
//! argv -> cli Args -> commands Plan
//!   -> Pacer::due(now) -> wire header written into a TxBatch slot -> net::Socket::send -> one syscall for many ----> network
//!        <- SendOutcome (accepted, blocked, refused) -> TxCounters                                                     |
//!   net::Socket::recv, one syscall for many -> RxBatch -> Datagram -> Session::on_datagram -> wire decode  <-----------+
//!        -> SequenceTracker -> loss, duplicates, reorder;  DelayHistogram, Jitter
//!   tick -> Interval -> Sink -> report;   end -> Summary -> the same Sink -> exit code
//! ```

pub mod api;
pub mod batch;
pub mod cli;
pub mod commands;
pub mod control;
pub mod engine;
pub mod impair;
pub mod machine;
pub mod net;
#[cfg(any(test, feature = "netsim"))]
pub mod netsim;
pub mod pace;
pub mod record;
pub mod report;
pub mod session;
pub mod stats;
pub mod sys;
pub mod units;
pub mod wire;

pub use api::{Error, Fanout, Ping, Throughput};
