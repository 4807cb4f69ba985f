//! How a server stands while it runs.

use std::collections::BTreeMap;

/// Whose clients a server serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServeService {
    /// Those of its own dialogue, and whoever asks its reflectors.
    #[default]
    Udpkit,
    /// Those of iperf3.
    Iperf3,
}

/// The counts of a server since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServeStanding {
    /// Of which clients.
    pub service: ServeService,
    /// Open sessions.
    pub sessions: u64,
    /// Running streams.
    pub streams: u64,
    /// Sessions that were opened.
    pub opened: u64,
    /// Sessions that have ended.
    pub closed: u64,
    /// Of these, those that ended without either side requesting it.
    pub broken: u64,
    /// Runs that were granted.
    pub tests: u64,
    /// Probes that were granted.
    pub probes: u64,
    /// Requests that were refused, by the code of the reply (of iperf3: by its error number; `None`
    /// for a server that is busy).
    pub refused: BTreeMap<Option<i32>, u64>,
    /// Streams that could not be opened, or broke.
    pub failed_streams: u64,
    /// Datagrams received by streams, duplicates included.
    pub received: u64,
    /// Datagrams that these lost.
    pub lost: u64,
    /// Datagrams sent by streams.
    pub sent: u64,
    /// STAMP packets that were answered.
    pub stamp: u64,
    /// STUN requests that were answered.
    pub stun: u64,
    /// Datagrams that belong to nobody, or that were not answered to avoid an endless loop.
    pub strays: u64,
}
