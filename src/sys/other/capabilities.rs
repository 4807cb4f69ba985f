//! What these systems can do.

use crate::batch::{Capabilities, Capability};

/// Whether there are no calls but the portable ones.
pub const ONLY_PORTABLE: bool = true;

/// Windows. USO segments what is sent where the adapter has it; URO is left off, as `quinn-udp`
/// leaves it: it cuts datagrams on some adapters.
#[cfg(windows)]
pub const NATIVE: Capabilities = Capabilities::of(&[
    Capability::Segmentation,
    Capability::PacketInfo,
    Capability::Marks,
    Capability::DontFragment,
    Capability::PathMtu,
    Capability::SourceFilter,
    Capability::Processors,
]);

/// macOS.
#[cfg(target_vendor = "apple")]
pub const NATIVE: Capabilities = Capabilities::of(&[
    Capability::PacketInfo,
    Capability::Marks,
    Capability::DontFragment,
    Capability::Device,
    Capability::SourceFilter,
    Capability::GroupBinding,
]);

/// FreeBSD.
#[cfg(not(any(windows, target_vendor = "apple")))]
pub const NATIVE: Capabilities = Capabilities::of(&[
    Capability::PacketInfo,
    Capability::Marks,
    Capability::DontFragment,
    Capability::SourceFilter,
    Capability::GroupBinding,
]);
