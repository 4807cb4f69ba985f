//! One source's account: one run of one sender, for one group, by one interface.

use super::{EndMark, Names};
use crate::batch::Datagram;
use crate::record::CastSource;
use crate::stats::{Arrival, Jitter, SequenceTracker, WINDOW};
use crate::units::Nanos;
use crate::wire::Header;
use std::net::SocketAddr;

/// What tells one account from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RowKey {
    pub source: SocketAddr,
    pub group: SocketAddr,
    /// Two ways into this host are two paths, each with its own loss.
    pub interface: u32,
    /// A sender that starts again has another; `None` without headers.
    pub tag: Option<u16>,
}

/// The account.
///
/// Whether what is missing before the first datagram heard was lost, or was sent before the join,
/// is known once an end mark tells when the run began; until then it is not counted.
pub(super) struct Row {
    key: RowKey,
    /// From the join to the first datagram.
    waited: Nanos,
    received: u64,
    bytes: u64,
    first_arrival: Nanos,
    last_arrival: Nanos,
    numbers: Option<Numbers>,
}

/// What sequence numbers tell.
struct Numbers {
    tracker: SequenceTracker,
    jitter: Jitter,
    /// The first number heard, and when it was sent.
    first: (u32, Nanos),
    /// Datagrams from below it.
    below_first: u64,
    end: Option<EndMark>,
}

impl Row {
    /// The account of a source that is heard for the first time.
    pub fn new(key: RowKey, waited: Nanos, arrival: Nanos) -> Self {
        Self {
            key,
            waited,
            received: 0,
            bytes: 0,
            first_arrival: arrival,
            last_arrival: arrival,
            numbers: None,
        }
    }

    /// Accounts for a datagram without a header.
    pub fn observe_plain(&mut self, datagram: &Datagram<'_>) {
        self.received += 1;
        self.bytes += datagram.true_len as u64;
        self.last_arrival = self.last_arrival.max(datagram.meta.arrival);
    }

    /// Accounts for a numbered datagram; whether it is the first copy.
    pub fn observe(&mut self, header: &Header, datagram: &Datagram<'_>) -> bool {
        self.observe_plain(datagram);
        let numbers = self.numbers.get_or_insert_with(|| Numbers::new(header));
        numbers.jitter.observe(datagram.meta.arrival.signed_since(header.sent));
        let arrival = numbers.tracker.observe(header.sequence);
        let below = (header.sequence.wrapping_sub(numbers.first.0) as i32) < 0;
        match arrival {
            Arrival::New => true,
            Arrival::Reordered { .. } => {
                numbers.below_first += u64::from(below);
                true
            }
            Arrival::Duplicate => false,
            // From before a join in mid-run: it has not been written yet, if it is no copy.
            Arrival::TooLate => {
                numbers.below_first += u64::from(below);
                below
            }
        }
    }

    /// The sender says that its run is over.
    pub fn end(&mut self, mark: EndMark) {
        if let Some(numbers) = &mut self.numbers {
            numbers.end = Some(mark);
        }
    }

    pub fn received(&self) -> u64 {
        self.received
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn lost(&self) -> u64 {
        self.numbers.as_ref().map_or(0, |numbers| numbers.lost(self.waited))
    }

    pub fn duplicates(&self) -> u64 {
        self.numbers.as_ref().map_or(0, |numbers| numbers.tracker.duplicates())
    }

    pub fn reordered(&self) -> u64 {
        self.numbers.as_ref().map_or(0, |numbers| numbers.tracker.reordered())
    }

    /// The account as a fact.
    pub fn record(&self, names: &Names) -> CastSource {
        let numbers = self.numbers.as_ref();
        CastSource {
            source: names.address(self.key.source),
            group: names.address(self.key.group),
            interface: names.interface(self.key.interface),
            tag: self.key.tag,
            received: self.received,
            bytes: self.bytes,
            lost: numbers.map(|_| self.lost()),
            duplicates: numbers.map(|_| self.duplicates()),
            reordered: numbers.map(|_| self.reordered()),
            jitter_ns: numbers.and_then(|numbers| numbers.jitter.nanos()).map(Nanos::as_u64),
            join_to_first_ns: Some(self.waited.as_u64()),
            duration_ns: (self.last_arrival - self.first_arrival).as_u64(),
            first_sequence: numbers.map(|numbers| u64::from(numbers.first.0)),
            joined_before: numbers.and_then(|numbers| numbers.joined_before(self.waited)),
            sender_total: numbers.and_then(|numbers| numbers.end).map(|end| end.total),
        }
    }
}

impl Numbers {
    fn new(header: &Header) -> Self {
        // Within the window of the run's start, numbers from before the first heard have a place.
        let near_start = u64::from(header.sequence) < WINDOW;
        let tracker =
            if near_start { SequenceTracker::new() } else { SequenceTracker::starting_anywhere() };
        Self {
            tracker,
            jitter: Jitter::new(),
            first: (header.sequence, header.sent),
            below_first: 0,
            end: None,
        }
    }

    /// Missing, so far as this receiver could have heard it.
    fn lost(&self, waited: Nanos) -> u64 {
        let first = u64::from(self.first.0);
        let before = first.saturating_sub(self.below_first);
        let known = match self.end {
            Some(end) => self.tracker.lost_of(end.total),
            None => self.tracker.lost(),
        };
        match (first < WINDOW, self.joined_before(waited)) {
            (true, Some(true)) => known,
            (true, _) => known.saturating_sub(before),
            (false, Some(true)) => known + before,
            (false, _) => known,
        }
    }

    /// Whether the join came before the run began: the first datagram heard was sent this long
    /// after the run's start, and came this long after the join. Two clocks, but only spans on
    /// each. `None` before an end mark told.
    fn joined_before(&self, waited: Nanos) -> Option<bool> {
        let began = self.end?.began?;
        Some(self.first.1 - began <= waited)
    }
}
