//! The library's front: a measurement in a few lines, by the same code that the commands run.
//!
//! A builder has a method for what the command has a flag, and the same default. What it returns is
//! the record that the command prints and writes as JSON. Nothing is printed, and no signal is taken
//! over. What the builders leave out is in [`crate::commands`] and below.

mod error;
mod fanout;
mod ping;
mod throughput;

pub use error::Error;
pub use fanout::Fanout;
pub use ping::Ping;
pub use throughput::Throughput;
