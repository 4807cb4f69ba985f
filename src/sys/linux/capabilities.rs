//! What Linux can do: all of it.

use crate::batch::{Capabilities, Capability};

/// Whether there are no calls but the portable ones.
pub const ONLY_PORTABLE: bool = false;

/// All; a kernel that is older, emulated or guarded refuses by itself.
pub const NATIVE: Capabilities = Capabilities::of(&Capability::ALL);
