//! Fan-out: one sender, many receivers, by multicast groups, broadcast addresses and lists of
//! unicast addresses.

mod census;
mod check;
mod comparison;
mod copies;
mod credit;
mod ear;
mod end_mark;
mod feedback;
mod foreign;
mod member;
mod names;
mod proof;
mod receiver;
mod refusal;
mod reporter;
mod row;
mod sender;
mod stream;
mod subscribers;
mod subscription;
mod tally;

pub use census::RECEIVERS_MAX;
pub use check::{CheckAnswerer, CheckAnswererConfig, CheckConfig, CheckProber, CheckWay};
pub use ear::EarConfig;
pub use end_mark::EndMark;
use foreign::Foreigners;
pub use names::Names;
pub use receiver::{CastReceiver, CastReceiverConfig, CastReceiverEnd, Content, Listen, ROWS_MAX};
use row::{KeepDelays, Row, RowKey};
pub use sender::{CastSender, CastSenderConfig, CastSenderEnd, CastSenderSummary};
use stream::{Piece, Stream};
pub use subscribers::{DoorPolicy, SUBSCRIBERS_MAX};
pub use subscription::SubscribeError;

#[cfg(test)]
mod census_tests;
#[cfg(test)]
mod fanout_network;
#[cfg(test)]
mod fanout_tests;
#[cfg(test)]
mod receiver_tests;
#[cfg(test)]
mod tests;
