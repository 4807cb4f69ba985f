//! The server: proves addresses, keeps sessions, starts streams, and answers in other protocols
//! beside its own dialogue.
//!
//! One port takes everything, and the first bytes of a datagram say whose it is
//! ([`crate::wire::classify`]):
//!
//! ```text
//!                     +-> Control      command.rs: who asks, and which handler
//!                     |                  opening.rs   HELO, DATA: addresses that prove themselves
//! datagram -> entry --+                  dialogue.rs  TEST, STAT, RSET, NOOP, HELP, QUIT
//!  (control.rs)       +-> Stun, Stamp  reflect.rs: a `Reflector` each, where one is plugged in
//!                     +-> Measurement  a stray: streams have sockets of their own
//!                     +-> Other        a stray
//! ```
//!
//! Every answer, whoever wrote it, waits in one bounded queue (`outbox.rs`) and leaves in one
//! batch. Before a valid ticket the server keeps no state for an address and never answers with
//! more bytes than came. It owns no stream: it asks for one with [`ServeEvent::Open`] and is told
//! of its counts by [`ServeOrder`]s (`events.rs`, `news.rs`).

mod answer;
mod command;
mod control;
mod dialogue;
mod events;
mod news;
mod opening;
mod outbox;
mod policy;
mod reflect;
mod session_state;
mod status;

pub use control::ServeControl;
pub use events::{ServeEvent, ServeOrder, StreamNews, StreamRequest};
pub use policy::{Refused, ServePolicy};
pub use reflect::{Reflection, Reflector};
pub use session_state::StreamIo;
