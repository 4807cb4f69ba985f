//! UDPSTP, the UDP Speed Test Protocol (RFC 9946; TR-471): its PDUs in versions 11 to 20, their
//! checksum, and authentication mode 1. Which PDU follows which is left to `session::udpstp`.

mod activation;
mod authentication;
mod checksum;
mod fields;
mod key_ring;
mod load;
mod null_request;
mod sending_rate;
mod setup;
mod status;
mod sub_interval;

pub use activation::{ActivationResponse, DirectionAsked, TestActivation, TestParams};
pub use authentication::{
    MOST_SKEW_SECS, PduFault, PduKey, SessionKeys, SharedKey, SharedKeyLength, Signature,
};
pub use key_ring::{KeyRing, KeyRingFault};
pub use load::{LOAD_HEADER_LEN, LoadHeader};
pub use null_request::NullRequest;
pub use sending_rate::{SendingRate, Size};
pub use setup::{Bandwidth, Modifiers, SetupRequest, SetupResponse};
pub use status::StatusFeedback;
pub use sub_interval::SubIntervalStats;

/// UDP port for Setup Requests (IANA). obudpst before 9.0.0 used 25000.
pub const UDPSTP_PORT: u16 = 24_601;
/// The version of this implementation.
pub const VERSION: u16 = 20;
/// The oldest version that it speaks.
pub const LEAST_VERSION: u16 = 11;
/// Most connections of one test.
pub const MOST_CONNECTIONS: u8 = 24;
/// Bytes of the longest PDU of the control dialogue and of the feedback.
pub const MOST_CONTROL: usize = 204;

/// The kind of a PDU, by its first two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pdu {
    /// Test Setup Request or Response.
    Setup,
    /// Null Request, which opens a firewall and is not answered.
    Null,
    /// Test Activation Request or Response.
    Activation,
    /// Load: a datagram of the test.
    Load,
    /// Status Feedback: what the receiver counted.
    Status,
}

impl Pdu {
    const ALL: [(Self, u16); 5] = [
        (Self::Setup, 0xACE1),
        (Self::Activation, 0xACE2),
        (Self::Load, 0xBEEF),
        (Self::Null, 0xDEAD),
        (Self::Status, 0xFEED),
    ];

    /// The kind of a PDU; `None` for anything else.
    #[inline]
    pub fn of(payload: &[u8]) -> Option<Self> {
        let id = u16::from_be_bytes(payload.first_chunk().copied()?);
        Self::ALL.iter().find(|(_, known)| *known == id).map(|(pdu, _)| *pdu)
    }

    fn id(self) -> u16 {
        Self::ALL.iter().find(|(pdu, _)| *pdu == self).map_or(0, |(_, id)| *id)
    }
}

/// What a Load or Status PDU says of the test's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestAction {
    /// The test goes on.
    #[default]
    Test,
    /// The sender ends it.
    Stop,
}

impl TestAction {
    fn read(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Test),
            // 1 is used within obudpst's server, and accepted by its parsers.
            1 | 2 => Some(Self::Stop),
            _ => None,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Test => 0,
            Self::Stop => 2,
        }
    }
}

/// Whether checksums are written; those that come are checked either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksums {
    /// The field is 0, which means that it is not used.
    #[default]
    Unused,
    /// They are written.
    Written,
}
