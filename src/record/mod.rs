//! Finished facts about a run, and the trait that takes them.
//!
//! A record is plain and owned (or borrows one datagram), carries base units, and is serialised as
//! it stands: its field names are the JSON keys. What has no value is `None`, null in JSON, never 0.

mod blast;
mod cast;
mod document;
mod limits;
mod ping;
pub mod probe;
mod rates;
mod recv;
mod round_trips;
mod send;
mod serve;
mod sink;
mod trials;
mod verdict;

pub use blast::{
    BURST_CLASSES, BlastInterval, BlastReceived, BlastReport, BlastSent, BurstLength,
    DelayQuantiles, DirectionReport, HeaderShare, IoReport, Losses, Refusal, Traffic,
};
pub use cast::{
    CastDestination, CastEvent, CastGroup, CastInterval, CastReceived, CastSent, CastSource, Heard,
};
pub use document::{Document, Event, SCHEMA};
pub use limits::{LimitReport, LimitValue, hold, measured};
pub use ping::{
    Outcome, PingBucket, PingDelay, PingEvent, PingInterval, PingLost, PingReply, PingRow,
    PingStretch, PingSummary, PingTargetReport, PingTimeout, ReplyKind,
};
pub use recv::{
    DatagramRecord, GapRecord, Received, RecvEnd, RecvEvent, RecvInterval, RecvSummary,
    SocketRecord, SourceRecord, UdpFields,
};
pub use round_trips::{ProbeReport, RoundTrips};
pub use send::{Answer, Reply, SendEvent, SendRefusal, SendSummary, SendTarget, Trouble};
pub use serve::{ServeRecord, SessionEnd};
pub use sink::{Flow, Sink};
pub use trials::{FindRateReport, LossShare, SweepReport, TrialOutcome, TrialReport};
pub use verdict::{Circumstances, LimitedBy, Verdict, verdict};
