//! Fan-out: one sender, many receivers, by multicast groups, broadcast addresses and lists of
//! unicast addresses.

mod address_proofs;
mod check;
mod comparison;
mod credit;
mod end_mark;
mod feedback;
mod member;
mod names;
mod receiver;
mod receiver_table;
mod refusal;
mod reporter;
mod round;
mod sender;
mod sender_control;
mod sender_losses;
mod source_account;
mod stream;
mod subscribers;
mod subscription;
mod tally;
mod unicast_copies;
mod unrequested;

pub use check::{CheckAnswerer, CheckAnswererConfig, CheckConfig, CheckProber, CheckedInterface};
pub use end_mark::EndMark;
pub use names::Names;
pub use receiver::{
    CastReceiver, CastReceiverConfig, CastReceiverEnd, Content, ROWS_MAX, ReceiveSocket,
};
pub use receiver_table::RECEIVERS_MAX;
pub use sender::{CastSender, CastSenderConfig, CastSenderEnd, CastSenderSummary};
pub use sender_control::FeedbackConfig;
use source_account::{KeepDelays, SourceAccount, SourceKey};
use stream::{Piece, Stream};
pub use subscribers::{SUBSCRIBERS_MAX, SubscriptionPolicy};
pub use subscription::SubscribeError;
use unrequested::ForeignDatagrams;

#[cfg(test)]
pub(super) use check::{ANSWER, CHECK, HOLD};
#[cfg(test)]
pub(super) use fanout_tests::{CAST, SUBSCRIPTION};

#[cfg(test)]
mod fanout_network;
#[cfg(test)]
mod fanout_tests;
#[cfg(test)]
mod receiver_table_tests;
#[cfg(test)]
mod receiver_tests;
#[cfg(test)]
mod tests;
