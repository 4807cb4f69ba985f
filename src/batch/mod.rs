//! Types shared by the protocol side and the socket side: datagram buffers and the kernel's
//! results, as plain memory.

mod datagram;
mod hint;
mod icmp_meaning;
mod io_call;
mod link_kind;
mod local_refusal;
mod network_error;
mod outcome;
mod own_addresses;
mod own_finding;
mod restriction;
mod rx;
mod transmit_stamp;
mod tx;

pub use datagram::{Datagram, RxMeta};
pub use hint::HostHint;
pub use icmp_meaning::IcmpMeaning;
pub use io_call::{RxCall, TxCall};
pub use link_kind::LinkKind;
pub use local_refusal::LocalRefusal;
pub use network_error::{ErrorOrigin, Meaning, NetworkError, NetworkNotice, OwnFilter};
pub use outcome::{SendOutcome, SendStop};
pub use own_addresses::OwnAddresses;
pub use own_finding::{CauseCode, OwnCause, OwnFinding, system_words};
pub use restriction::{MissingReason, MissingRestriction, Restriction};
pub use rx::{RxBatch, RxEntry, RxShape, split_buffer};
pub use transmit_stamp::TransmitStamp;
pub use tx::{Dest, DestId, Fragmentation, TxBatch, TxSlot};
