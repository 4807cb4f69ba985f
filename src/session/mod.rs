//! Sans-IO machines: each mode of udpkit as a state machine fed with time and bytes.

pub mod blast;
mod cast;
mod contract;
mod exchange;
mod orders;
pub mod serve;

pub use cast::{
    CastReceiver, CastReceiverConfig, CastReceiverEnd, CastSender, CastSenderConfig,
    CastSenderSummary, Content, EndMark, Listen, Names, ROWS_MAX,
};
pub use contract::{Next, Now, Session};
pub use exchange::{Exchange, Step, Tags, refusal};
pub use orders::Orders;
