//! What moves datagrams on every system: one call for a datagram or for what the system segments,
//! by `quinn-udp`. On Linux it is there beside the kernel's own calls (`--io portable`).

mod datagrams;

pub use datagrams::PortableCall;

use crate::batch::{Capabilities, Capability};

/// What the portable calls can do, on the system that can most.
pub const PORTABLE: Capabilities = super::NATIVE.and(Capabilities::of(&[
    Capability::Segmentation,
    Capability::CoalescedReceive,
    Capability::PacketInfo,
    Capability::Marks,
    Capability::DontFragment,
    Capability::PathMtu,
    Capability::Device,
    Capability::SourceFilter,
    Capability::GroupBinding,
    Capability::Processors,
    Capability::ClockError,
    Capability::Confinement,
]));
