//! STAMP, the Simple Two-way Active Measurement Protocol (RFC 8762, RFC 8972), and what it shares
//! with TWAMP-Light (RFC 5357): packets, time stamps, error estimates, TLVs, keyed hashes.
//!
//! All fields are big-endian. Nothing here panics on any bytes, and nothing here knows when a
//! packet was sent or received: instants come in and go out as [`Nanos`](crate::units::Nanos)
//! since the Unix epoch.

mod estimate;
#[cfg(test)]
mod golden;
mod hash;
mod packet;
mod reply;
mod request;
mod time;
mod tlv;
mod value;

pub use estimate::ErrorEstimate;
pub use hash::{HASH_LEN, StampKey};
pub use packet::{PacketError, PacketForm, TWAMP_REPLY_LEN, TWAMP_REQUEST_LEN};
pub use reply::StampReply;
pub use request::StampRequest;
pub use time::{TimeFormat, Timestamp};
pub use tlv::{TLV_HEADER, Tlv, TlvFlags, TlvKind, Tlvs, push_hash_tlv, push_tlv, set_tlv_flags};
pub use value::{ClassOfService, DirectMeasurement, FollowUp, ReversePath, StampingMethod};

/// The port that IANA assigned to STAMP and TWAMP (RFC 8762 §4.1).
pub const STAMP_PORT: u16 = 862;
