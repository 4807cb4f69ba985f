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
//!     pure: time and bytes come in    |   the system
//!  6                                main                     parse, run, exit code
//!  5                         api, cli, commands              builders; clap; plans of a run
//!  4                     engine       |      report          the event loop | text, live, JSON
//!  3   session                        |   net                state machines | sockets, errors
//!  2   control  record  netsim        |   sys                dialogue, results, tests | unsafe, libc
//!  1   machine  wire  stats  pace     |   batch              contract, formats, counting, schedule,
//!      impair                         |                      paths | datagram buffers for both
//!  0                                units                    durations, sizes, rates
//! ```
//!
//! The pure modules touch no socket, clock or thread. `net` moves datagrams without interpreting
//! them.
//! The two sides share only [`batch`] and do not depend on each other; [`engine`] joins them.
//! A module imports only from lower layers (`tests/layers.rs` checks this).
//!
//! # Every folder
//!
//! ```text
//! units                          durations, sizes, rates, limits: parse and print
//! wire                           formats on the wire: the header, the control dialogue, escapes, tickets
//! wire/fanout                    announcements and receivers' reports of a fan-out
//! wire/iperf3                    iperf3's control messages, greetings and datagrams
//! wire/probe                     probe requests, replies and what arrived
//! wire/service                   questions of known services, for scans without an agent
//! wire/stamp                     STAMP packets and their TLVs (RFC 8762, RFC 8972)
//! wire/stun                      STUN messages and attributes (RFC 8489, RFC 5780)
//! wire/udpstp                    UDPSTP's PDUs and their authentication (RFC 9946)
//! stats                          counting: sequences, loss bursts, delay, jitter, drift, chance
//! pace                           when the next datagram is due, and limits of rates
//! impair                         what a path does to a datagram: loss, delay, rate, marks
//! batch                          datagram buffers and kernel results as plain memory
//! machine                        the contract between the event loop and every state machine
//! record                         results and findings as data, and the trait `Sink`
//! record/check                   results of `cast check`
//! record/report_check            what the far end reports, checked against what can be true
//! record/host_losses             the tests of where datagrams were lost
//! record/probe                   results of the probes, a file each
//! record/saved                   documents that were saved: figures, comparison, merging
//! record/verdict                 the verdict on a throughput run
//! control                        the client of the control dialogue, and how tickets are issued
//! control/server                 what a server keeps of clients that have not proven their address
//! netsim                         the simulated network of the tests
//! netsim/network                 the tests of the network itself
//! session                        a state machine for every command
//! session/adversary              an adversary that tries every message, source and time (tests)
//! session/blast                  throughput: control, streams, what both ends counted
//! session/blast/capacity         the search for the capacity: reports, the sender's rate, the course
//! session/blast/control          why a dialogue failed
//! session/blast/receiver         what a receiver has counted
//! session/blast/sender           a sender that searches for its rate, or sends several sizes
//! session/cast                   fan-out: sender, receivers, subscriptions, reports
//! session/cast/check             whether a network carries a group
//! session/cast/receiver          the parts of a receiver
//! session/cast/sender            the parts of a sender
//! session/iperf3                 the client of an iperf3 server
//! session/iperf3/server          the server of iperf3 clients
//! session/monitor                many targets over a long time, in constant memory
//! session/ping                   round trips and loss by direction
//! session/ping/directions        tests of the split by direction
//! session/probe                  probes of a path, a folder each
//! session/probe/far_end          the agent as the probes see it
//! session/probe/marks            DSCP and ECN
//! session/probe/mtu              the path MTU, and fragments
//! session/probe/nat              NAT mapping and filtering, by STUN
//! session/probe/paths            parallel paths: which flows take the bad one
//! session/probe/ports            which ports a firewall passes
//! session/probe/scan             ports without an agent
//! session/probe/shape            rate limits, and filters by payload
//! session/probe/probe_batch      probes sent in batches, with what came back
//! session/probe/timeout          how long a NAT or firewall remembers a flow
//! session/probe/trace            routers on the path
//! session/recv                   receive, answer, store
//! session/relay                  forwarding: flows, destinations, delays, counts
//! session/send                   send, and print replies
//! session/serve                  the server
//! session/serve/probe            what the server keeps and answers as the agent of probes
//! session/serve/probe/tests      tests of the agent
//! session/simulation             whole runs on the simulated network (tests)
//! session/simulation/fault_matrix  every machine under every fault (tests)
//! session/stamp                  STAMP: prober and reflector
//! session/stat                   the question for a server's state
//! session/stun                   STUN: reflector
//! session/udpstp                 UDPSTP: client and server, and what they share
//! sys                            system calls: the only unsafe code, the only libc
//! sys/linux                      Linux: batches, stamps, counters, the error queue
//! sys/linux/confine              privileges given up by a server
//! sys/other                      what Windows, macOS and FreeBSD have in the place of Linux's
//! sys/portable                   one datagram per call, as every system has it
//! sys/unix                       what Linux, macOS and FreeBSD share: signals, terminals, users, files
//! sys/windows                    what Windows has in their place
//! net                            sockets, options, groups, routes, the error queue
//! net/host                       the counters of this host wherever it can lose a datagram
//! engine                         the event loop, the clock, threads, signals
//! report                         layout: tables, live lines, JSON, CSV, histogram logs
//! report/fanout                  layout of fan-out reports
//! report/html                    a sheet as a page of HTML with pictures
//! report/live_view               the screen of graphs on a terminal, and the terminal's modes
//! report/metrics                 counts as metrics for Prometheus: families, cells, pages
//! report/ping                    layout of ping reports
//! report/probe                   layout of probe reports
//! report/sheet                   what a page shows, from a document; a sheet as text
//! report/words                   every sentence, a file per subject
//! cli                            the command line as clap types
//! cli/cast                       arguments of `cast`
//! cli/impairment                 what `relay` does to datagrams, as text
//! cli/probe                      arguments of the probes
//! commands                       from arguments to sockets, a session and a report
//! commands/blast                 throughput runs and series of them
//! commands/cast                  fan-out runs
//! commands/cast/check            group checks
//! commands/monitor               a list of targets, names, commands of thresholds
//! commands/monitor/list          tests of lists
//! commands/payload               where the payload comes from
//! commands/probe                 probe runs
//! commands/relay                 where a relay listens and forwards to
//! commands/serve                 the server's run
//! api                            builders: a measurement from another program
//! ```
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
