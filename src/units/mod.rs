//! Quantities with their unit in the type: parse and print, nothing else.

mod nanos;

pub use nanos::Nanos;
