//! Finished facts about a run, and the trait that takes them.
//!
//! A record is plain and owned (or borrows one datagram), carries base units, and is serialised as
//! it stands: its field names are the JSON keys. What has no value is `None`, null in JSON, never 0.

mod document;
mod sink;

pub use document::{Document, SCHEMA};
pub use sink::{Flow, Sink};
