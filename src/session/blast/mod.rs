//! Throughput: the sender and the receiver of a stream, and the client's side of the dialogue.

mod control;
mod opening;
mod plan;
mod receiver;
mod sender;
mod stat;

pub use control::{BlastControl, ControlEvent, ControlOrder, ControlSummary};
pub use opening::{Opening, OpeningStep};
pub use plan::TestPlan;
pub use receiver::{BlastReceiver, ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary};
pub use sender::{BlastSender, SenderEvent, SenderOrder, SenderPlan, SenderSummary};
pub use stat::{INTERVALS_A_REPLY, interval_text, read_counts, read_interval, write_counts};

/// `ECONNREFUSED` as Linux numbers it: the peer's port is closed.
const CONNECTION_REFUSED: i32 = 111;
