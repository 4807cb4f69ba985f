//! Sans-IO state machines: each mode of udpkit as a state machine driven by time and bytes.

#[cfg(test)]
mod adversary;
pub mod blast;
mod cast;
mod find_rate;
mod payload;
pub mod ping;
pub mod probe;
mod recv;
mod send;
pub mod serve;
#[cfg(test)]
mod simulation;
pub mod stamp;
pub mod stun;
mod trouble;
mod unread;

pub use crate::machine::{Next, Now, Orders, Session};
pub use cast::{
    CastReceiver, CastReceiverConfig, CastReceiverEnd, CastSender, CastSenderConfig, CastSenderEnd,
    CastSenderSummary, Content, DoorPolicy, EarConfig, EndMark, Listen, Names, RECEIVERS_MAX,
    ROWS_MAX, SUBSCRIBERS_MAX, SubscribeError,
};
pub use cast::{CheckAnswerer, CheckAnswererConfig, CheckConfig, CheckProber, CheckWay};
pub use find_rate::{FindRate, Found, Outcome, SearchStep};
pub use payload::{FixedMessages, Message, PayloadSource, Supply, SupplyError};
pub use recv::{Answering, RecvDone, RecvPlan, RecvSession, Show};
pub use send::{SendEnd, SendPlan, SendSession, Spacing};
pub use trouble::TroubleLog;
