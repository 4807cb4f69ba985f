//! The kinds of `probe` as machines: a file (or folder) each.
//!
//! Kinds that need a helper embed a [`FarEnd`], which speaks the dialogue for them.

// A kind's machine: one line here and one file beside this.
mod far_end;
pub mod nat;
pub mod ports;
mod scan;
pub mod timeout;

pub use far_end::{FarEnd, Granted, LaneState, NoHelper, Seen, sooner};
pub use scan::{ScanPlan, ScanSession};
