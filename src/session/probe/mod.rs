//! The kinds of `probe` as machines: a file (or folder) each.

// A kind's machine: one line here and one file beside this.
pub mod nat;
