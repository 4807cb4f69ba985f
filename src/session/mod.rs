//! Sans-IO machines: each mode of udpkit as a state machine fed with time and bytes.

mod contract;
mod payload;
mod recv;
mod send;
mod trouble;

pub use contract::{Next, Now, Session};
pub use payload::{FixedMessages, Message, PayloadSource, Supply, SupplyError};
pub use recv::{Answering, RecvDone, RecvPlan, RecvSession, Show};
pub use send::{SendEnd, SendPlan, SendSession, Spacing};
pub use trouble::TroubleLog;
