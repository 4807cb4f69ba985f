//! What `cast recv --out` wrote, and unexpected datagrams that it skipped.

use serde::Serialize;

/// The payload stream of one source, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastStream {
    /// Address and port of the one source; `None` when nothing was received.
    pub source: Option<String>,
    /// The run's tag in the measurement header; `None` with `--no-header` or when nothing was
    /// received.
    pub tag: Option<u16>,
    /// Datagrams whose payload was written.
    pub datagrams: u64,
    /// Payload bytes that were written, without headers.
    pub bytes: u64,
    /// The first sequence number written; `None` with `--no-header` or when nothing was received.
    pub first_sequence: Option<u64>,
    /// Datagrams between those written that did not arrive in time; `None` with `--no-header`.
    pub missing: Option<u64>,
    /// Datagrams that arrived too late to be written: they are included in `missing`.
    pub late: u64,
    /// Datagrams of other sources or runs, which were not written.
    pub of_others: u64,
    /// Places where something is missing, all of them; `None` with `--no-header`.
    pub gap_count: Option<u64>,
    /// The first 1,000 of these.
    pub gaps: Vec<CastGap>,
}

/// A place in a written stream where datagrams are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastGap {
    /// Number of the first datagram that is missing.
    #[serde(rename = "first_sequence")]
    pub first: u64,
    /// Number of the last.
    #[serde(rename = "last_sequence")]
    pub last: u64,
    /// How many bytes had been written before it.
    pub at_bytes: u64,
}

/// Datagrams that reached a receiver although they were not meant for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastForeign {
    /// Address of the sender.
    pub source: String,
    /// Destination of the datagrams.
    pub destination: String,
    /// The receiving interface; `None` if the kernel did not report it.
    pub interface: Option<String>,
    /// How many there were.
    pub datagrams: u64,
}
