//! Finished facts about a run, and the trait that takes them.
//!
//! A record is plain and owned (or borrows one datagram), carries base units, and is serialised as
//! it stands: its field names are the JSON keys. What has no value is `None`, null in JSON, never 0.

mod document;
mod rate;
mod recv;
mod send;
mod sink;

pub use document::{Document, Event, SCHEMA};
pub use rate::per_second;
pub use recv::{
    DatagramRecord, GapRecord, Received, RecvEnd, RecvEvent, RecvInterval, RecvSummary, SocketRecord,
    SourceRecord, UdpFields,
};
pub use send::{Answer, Refusal, Reply, SendEvent, SendSummary, SendTarget, Trouble};
pub use sink::{Flow, Sink};
