//! The kinds of `probe` as machines: a file (or folder) each.
//!
//! Kinds that need a helper embed a [`FarEnd`], which speaks the dialogue for them.

mod far_end;
mod scan;
// A kind's machine: one line here and one file beside this.

pub use far_end::{FarEnd, Granted, LaneState, NoHelper, Seen, sooner};
pub use scan::{ScanPlan, ScanSession};
