//! Renders records: text, live lines, JSON. The only room that prints.
//!
//! Results go to standard output, talk and errors to standard error.

mod blast;
mod output;
mod spark;
mod trouble;

pub use blast::BlastView;
pub use output::{Output, print_json};
pub use trouble::{error, note, warning};
