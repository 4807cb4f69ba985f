//! Quantities with their unit in the type: parse and print, nothing else.

mod bytes;
mod claimed;
mod io_error;
mod limit;
mod nanos;
mod parse;
mod percent;
mod rate;
mod sweep;

pub use bytes::{ByteCount, group_digits};
pub use claimed::{Claimed, MOST_COUNT};
pub use io_error::io_error_text;
pub use limit::{Bound, Limit, Measured, Metric, ParseLimitError, Standing};
pub use nanos::Nanos;
pub use parse::ParseUnitError;
pub use percent::{ParsePercentError, Percent};
pub use rate::{BitRate, PacketRate, Rate};
pub use sweep::{MOST_STEPS, ParseSweepError, Sweep};
