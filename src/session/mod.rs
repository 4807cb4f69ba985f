//! Sans-IO state machines: each mode of udpkit as a state machine driven by time and bytes.

mod address_race;
#[cfg(test)]
mod adversary;
pub mod blast;
mod cast;
mod find_rate;
mod host_meter;
mod interface_log;
pub mod iperf3;
pub mod monitor;
mod network_errors;
mod payload;
pub mod ping;
pub mod probe;
mod read_delay;
mod recv;
pub mod relay;
mod search_goals;
mod send;
pub mod serve;
#[cfg(test)]
pub(crate) mod simulation;
pub mod stamp;
pub mod stat;
pub mod stun;
pub mod udpstp;

pub use crate::pace::Spacing;
pub use address_race::{AddressRace, in_turn};
pub use cast::{
    CastReceiver, CastReceiverConfig, CastReceiverEnd, CastSender, CastSenderConfig, CastSenderEnd,
    CastSenderSummary, Content, EndMark, FeedbackConfig, Names, RECEIVERS_MAX, ROWS_MAX,
    ReceiveSocket, SUBSCRIBERS_MAX, SubscribeError, SubscriptionPolicy,
};
pub use cast::{CheckAnswerer, CheckAnswererConfig, CheckConfig, CheckProber, CheckedInterface};
pub use find_rate::{FindRate, Found, Outcome, SearchStep};
pub use host_meter::HostMeter;
pub use interface_log::InterfaceLog;
pub use network_errors::NetworkErrorLog;
pub use payload::{FixedMessages, Message, PayloadSource, Supply, SupplyError};
pub use recv::{Answering, RecvDone, RecvPlan, RecvSession, Show};
pub use search_goals::{GoalFound, GoalTrial, RateSearch};
pub use send::{SendEnd, SendPlan, SendSession};
