//! Renders records: text, live lines, JSON. The only room that prints.
//!
//! Results go to standard output, talk and errors to standard error.

mod blast;
mod cast;
mod output;
mod spark;
mod trouble;

pub use blast::BlastView;
pub use cast::{cast_interval_line, cast_received_text, cast_sent_text};
pub use output::{Output, print_json};
pub use trouble::{error, note, warning};
