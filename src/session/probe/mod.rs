//! The kinds of `probe` as machines: a file (or folder) each.

pub mod trace;
// A kind's machine: one line here and one file beside this.
