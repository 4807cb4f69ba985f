//! The kinds of `probe` as machines: a file (or folder) each.

mod scan;
// A kind's machine: one line here and one file beside this.

pub use scan::{ScanPlan, ScanSession};
