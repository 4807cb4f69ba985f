//! Why a sender refuses a command, each with its reply code and text.

use crate::wire::Code;
use thiserror::Error;

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Refusal {
    /// Receivers cannot subscribe.
    #[error("this sender takes no subscriptions (it runs without --open)")]
    NotOpen,
    /// RCPT without a ticket, or with one of another address or time.
    #[error("ticket missing or expired; send HELO first")]
    NoTicket,
    /// The maximum number of receivers is reached.
    #[error("receiver limit reached; try again later")]
    Full,
    /// QUIT of a subscription that does not exist.
    #[error("no such session")]
    NoSession,
    /// NOOP of a subscription that has ended.
    #[error("the subscription has ended; send HELO again")]
    Ended,
    /// EXPN, where the list of receivers is private.
    #[error("the list of receivers is private (no --list-receivers)")]
    ListPrivate,
    /// VRFY, where the list of receivers is private.
    #[error("the list of receivers is private (no --list-receivers)")]
    CannotVerify,
    /// VRFY without an address.
    #[error("which receiver? addr=192.0.2.1:5000")]
    NoAddress,
    /// VRFY of an address that is not a receiver.
    #[error("no such receiver")]
    NoReceiver,
    /// A verb that only `udpkit serve` knows.
    #[error("not a command of cast send; try HELP")]
    OtherVerb,
}

impl Refusal {
    /// The reply's code.
    pub fn code(self) -> Code {
        match self {
            Self::NotOpen | Self::ListPrivate | Self::NoReceiver => Code::POLICY,
            Self::NoTicket | Self::NoSession | Self::Ended | Self::OtherVerb => Code::WRONG_ORDER,
            Self::Full => Code::NO_ROOM,
            Self::CannotVerify => Code::CANNOT_VERIFY,
            Self::NoAddress => Code::BAD_PARAMETER,
        }
    }
}
