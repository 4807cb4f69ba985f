//! Renders records: text, live lines, JSON. The only room that prints.
//!
//! Results go to standard output, talk and errors to standard error.

mod datagram;
mod number;
mod output;
mod recv;
mod send;
mod trouble;

pub use datagram::{DatagramPrinter, DatagramStyle};
pub use number::{grouped, plural, scaled, span_or_dash};
pub use output::{Output, print_json};
pub use recv::{RecvReport, RecvView};
pub use send::{SendReport, SendView};
pub use trouble::{error, note, warning};
