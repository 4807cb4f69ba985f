//! The server: proves addresses, keeps sessions, starts streams, and answers in other protocols
//! beside its own dialogue.
//!
//! One port takes everything, and the first bytes of a datagram say whose it is
//! ([`crate::wire::classify`]):
//!
//! ```text
//!                     +-> Control      command.rs: who asks, whether it may, which handler
//!                     |                  opening.rs   HELO, DATA: addresses that prove themselves
//! datagram -> entry --+                  dialogue.rs  TEST, STAT, RSET, NOOP, QUIT in a session
//!                     |                  help.rs      HELP, and STAT without a session
//!  (control.rs)       +-> Stun, Stamp  reflect.rs: a `Reflector` each, where one is plugged in
//!                     +-> Measurement  probe/: an ask of a probe, or a stray: streams have
//!                     |                sockets of their own
//!                     +-> Other        a stray
//! ```
//!
//! Every answer, whoever wrote it, waits in one bounded queue (`outbox.rs`) and leaves in one
//! batch. Before a valid ticket the server keeps no state for an address and never answers with
//! more bytes than came. Within a session every reply carries a value that the client returns
//! (`alive.rs`); nothing flows to a client that does not. It owns no stream: it asks for one with [`ServeEvent::Open`] and is told
//! of its counts by [`ServeOrder`]s (`events.rs`, `news.rs`). What it allows is `policy.rs`, what
//! of its doings is logged `journal.rs`, and what one source may have of it all `shares.rs`.

mod alive;
mod answer;
mod command;
mod control;
mod dialogue;
mod events;
mod help;
mod journal;
mod news;
mod opening;
mod outbox;
mod policy;
mod probe;
mod reflect;
mod room;
mod session_state;
mod shares;
mod spent;
mod status;

pub use control::ServeControl;
pub use events::{ServeEvent, ServeOrder, ServeSummary, StreamNews, StreamRequest};
pub use help::help_reply;
pub use policy::{Lifetime, Probing, Reverse, ServePolicy};
pub use probe::{MOST_PORTS, ON_DEMAND, PortsOpened, PortsRequest};
pub use reflect::{Reflection, Reflector, is_askable};
pub use session_state::StreamIo;
