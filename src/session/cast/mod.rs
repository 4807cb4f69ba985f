//! One sender, many receivers: groups, broadcast addresses and lists.

mod end_mark;
mod names;
mod receiver;
mod row;
mod sender;

pub use end_mark::EndMark;
pub use names::Names;
pub use receiver::{CastReceiver, CastReceiverConfig, CastReceiverEnd, Content, Listen, ROWS_MAX};
use row::{Row, RowKey};
pub use sender::{CastSender, CastSenderConfig, CastSenderSummary};

#[cfg(test)]
mod tests;
