//! The control dialogue, both halves: a client's handshake, session and repeats, and what every
//! server needs to answer strangers safely. What a command asks for is left to the sessions.

mod exchange;
mod sealer;
pub(crate) mod server;
mod session_token;

pub use exchange::{Exchange, Step, Tags, patience_for, refusal, server_reply};
pub use sealer::Sealer;
pub use session_token::SessionToken;
