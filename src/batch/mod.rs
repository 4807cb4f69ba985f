//! Types shared by the protocol side and the socket side: datagram buffers and the kernel's
//! results, as plain memory.

mod capability;
mod convenience;
mod datagram;
mod error_origin;
mod hint;
mod host_counters;
mod host_fault;
mod icmp_meaning;
mod interface_change;
mod io_call;
mod link_kind;
mod local_addresses;
mod local_refusal;
mod local_send_failure;
mod network_error;
mod outcome;
mod restriction;
mod rx;
mod transmit_stamp;
mod tx;

pub use capability::{Capabilities, Capability};
pub use convenience::{
    Convenience, RefusedConvenience, note_lacking, note_refused, refused_conveniences,
};
pub use datagram::{Datagram, KeptDatagram, RxMeta};
pub use error_origin::ErrorOrigin;
pub use hint::HostHint;
pub use host_counters::{HostChange, HostCounter, HostCounters};
pub use host_fault::HostFault;
pub use icmp_meaning::IcmpMeaning;
pub use interface_change::InterfaceChange;
pub use io_call::{RxCall, TxCall};
pub use link_kind::LinkKind;
pub use local_addresses::LocalAddresses;
pub use local_refusal::LocalRefusal;
pub use local_send_failure::{CauseCode, LocalCause, LocalSendFailure};
pub use network_error::{LocalFilter, Meaning, NetworkError, NetworkErrorSummary};
pub use outcome::{SendOutcome, SendStop};
pub use restriction::{MissingReason, MissingRestriction, Restriction};
pub use rx::{RxBatch, RxEntry, RxShape, split_buffer};
pub use transmit_stamp::TransmitStamp;
pub use tx::{Dest, DestId, Fragmentation, TxBatch, TxSlot};
