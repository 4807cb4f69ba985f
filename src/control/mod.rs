//! The control dialogue, both halves: a client's handshake, session and repeats, and what every
//! server needs to answer strangers safely. What a command asks for is left to the sessions.

mod client;
mod exchange;
mod handshake;
mod issuer;
mod keepalive;
mod patience;
mod refusals;
mod sealer;
pub(crate) mod server;
mod session_token;
mod ticket;

pub use client::{Beside, Client, ClientReply};
pub use exchange::{Exchange, Step};
pub use handshake::{Handshake, HandshakeReply};
pub use issuer::{Issuer, Request};
pub use keepalive::{KEEPALIVE_EVERY, Keepalive};
pub use patience::Patience;
pub use refusals::Refusals;
pub use sealer::Sealer;
pub use session_token::SessionToken;
pub use ticket::{STREAM_TICKET_SLOT, TICKET_SLOT, Tickets};
