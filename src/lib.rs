//! A UDP datagram toolkit: the library beneath the `udpkit` binary.
//!
//! # The house: two towers and a roof
//!
//! ```text
//!         pure tower             |   machine tower
//!  6                            main                               parse, run, exit code
//!  5                       cli, commands                           clap; Plan -> session + sockets + report
//!  4                  engine           |      report               the loop, the clock, threads | text, live, JSON
//!  3   session                   |   net                           sans-IO machines | sockets, options, multicast, error queue
//!  2   record                    |   sys                           finished facts, trait Sink | the only unsafe, the only libc
//!  1   wire   stats   pace       |   batch                         bytes, arithmetic, schedule | datagram arenas shared by both
//!  0                           units                               Nanos, ByteCount, BitRate, PacketRate: parse and print
//! ```
//!
//! `wire`, `stats`, `pace` and `session` are pure: time and bytes come in as arguments; nothing
//! there touches a socket, a clock or a thread. `net` moves datagrams and knows nothing of what is
//! in them. The towers share only [`batch`] and cannot see each other; [`engine`] alone joins them.
//! A room imports only from lower floors (`tests/layers.rs` holds this).
//!
//! # The life of one datagram
//!
//! ```text
//! argv -> cli Args -> commands Plan
//!   -> Pacer::due(now) -> wire header written into a TxBatch slot -> net::Socket::send -> one syscall for many ----> network
//!        <- SendOutcome (accepted, blocked, refused) -> TxCounters                                                     |
//!   net::Socket::recv, one syscall for many -> RxBatch -> Datagram -> Session::on_datagram -> wire decode  <-----------+
//!        -> SequenceTracker -> loss, duplicates, reorder;  DelayHistogram, Jitter
//!   tick -> Interval -> Sink -> report;   end -> Summary -> the same Sink -> exit code
//! ```

pub mod batch;
pub mod cli;
pub mod commands;
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
