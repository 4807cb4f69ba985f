//! Quantities with their unit in the type: parse and print, nothing else.

mod bytes;
mod limit;
mod nanos;
mod parse;
mod rate;

pub use bytes::{ByteCount, group_digits};
pub use limit::{Bound, Limit, Measured, Metric, ParseLimitError, Standing};
pub use nanos::Nanos;
pub use parse::ParseUnitError;
pub use rate::{BitRate, PacketRate, Rate};
