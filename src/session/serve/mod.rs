//! The server: verifies addresses, keeps sessions, starts streams, and answers other protocols
//! besides its own control dialogue.
//!
//! One port takes everything; the first bytes of a datagram tell its protocol
//! ([`crate::wire::classify`]):
//!
//! ```text
//!                     +-> Control      command.rs: who asks, whether it is allowed, which handler
//!                     |                  opening.rs   HELO, DATA: address verification
//! datagram -> entry --+                  dialogue.rs  TEST, STAT, RSET, NOOP, QUIT in a session
//!                     |                  help.rs      HELP
//!                     |                  server_status.rs  STAT without a session
//!  (control.rs)       +-> Stun, Stamp  reflect.rs: one `Reflector` each, if installed
//!                     +-> Measurement  probe_requests.rs: a probe request, or a stray:
//!                     |                streams have sockets of their own
//!                     +-> Other        a stray
//! ```
//!
//! Every answer, whichever part wrote it, waits in one bounded queue (`reply_queue.rs`) and is sent in
//! one batch. Before a valid ticket the server keeps no state for an address and never answers with
//! more bytes than arrived. Within a session every reply carries a value that the client returns
//! ([`crate::control`]); nothing is sent to a client that does not return it. The server owns no streams:
//! it requests one with [`ServeCommand::Open`] and receives its counts in [`ServeOrder`]s
//! (`events.rs`, `session_events.rs`). `policy.rs` has the permissions and limits, `log_limit.rs` decides what
//! is logged, and `source_shares.rs` limits what one source may use. `service.rs` has what an operator
//! has it do while it runs: read files again, and end.

mod command;
mod control;
mod dialogue;
mod events;
mod help;
mod keys;
mod log_limit;
mod migration;
mod opening;
mod policy;
mod probe;
mod probe_granting;
mod probe_requests;
mod probe_status;
mod received_command;
mod recent_traffic;
mod reflect;
mod reply_queue;
mod resource_admission;
mod run_resources;
mod server_status;
mod service;
mod session_events;
mod session_state;
mod source_shares;
mod status;
mod totals;

pub use control::ServeControl;
pub use events::{
    EngineState, Iperf3Stream, ServeCommand, ServeEngine, ServeEvent, ServeOrder, ServeReload,
    ServeSummary, StreamReport, StreamRequest, Traffic,
};
pub use help::help_reply;
pub(in crate::session) use log_limit::LogLimit;
pub use policy::{Lifetime, Probing, Reverse, ServePolicy};
pub use probe::{MOST_PORTS, ON_DEMAND, PortsOpened, PortsRequest};
pub use reflect::{Reflection, Reflector, Reload, is_askable};
pub(in crate::session) use run_resources::{Left, RunResources};
pub use session_state::StreamIo;
pub(in crate::session) use source_shares::{Bound, Used};
pub(in crate::session) use totals::ServeTotals;
