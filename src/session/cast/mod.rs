//! One sender, many receivers: groups, broadcast addresses and lists.

mod check;
mod end_mark;
mod foreign;
mod names;
mod receiver;
mod row;
mod sender;
mod stream;

pub use check::{CheckAnswerer, CheckAnswererConfig, CheckConfig, CheckProber, CheckWay};
pub use end_mark::EndMark;
use foreign::Foreigners;
pub use names::Names;
pub use receiver::{CastReceiver, CastReceiverConfig, CastReceiverEnd, Content, Listen, ROWS_MAX};
use row::{Row, RowKey};
pub use sender::{CastSender, CastSenderConfig, CastSenderSummary};
use stream::{Piece, Stream};

#[cfg(test)]
mod tests;
