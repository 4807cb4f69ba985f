//! What arrives for a group while its membership is kept: each source with its first and last
//! datagram.

use super::super::Names;
use crate::batch::Datagram;
use crate::record::CheckStream;
use crate::stats::SequenceTracker;
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::net::SocketAddr;

/// Maximum sources kept apart.
const STREAMS_MAX: usize = 64;

struct Row {
    source: SocketAddr,
    interface: u32,
    datagrams: u64,
    /// Sequence numbers, if the stream has them.
    numbers: Option<SequenceTracker>,
    longest_gap: Nanos,
    first: Nanos,
    last: Nanos,
    ended: bool,
}

/// The sources so far.
#[derive(Default)]
pub(super) struct Watch {
    rows: Vec<Row>,
}

impl Watch {
    /// Records a datagram that arrived `at` this time after the join; returns the source if it is
    /// new.
    pub fn observe(&mut self, datagram: &Datagram<'_>, at: Nanos) -> Option<SocketAddr> {
        let (source, interface) = (datagram.meta.source, datagram.meta.interface);
        let header = Header::decode(datagram.payload);
        let header = header.ok();
        let ended = header.is_some_and(|header| header.kind == Kind::End);
        let number = header.filter(|header| header.kind == Kind::Data).map(|one| one.sequence);
        let known = |row: &&mut Row| row.source == source && row.interface == interface;
        if let Some(row) = self.rows.iter_mut().find(known) {
            row.datagrams += 1;
            row.longest_gap = row.longest_gap.max(at - row.last);
            row.last = row.last.max(at);
            if let (Some(numbers), Some(number)) = (&mut row.numbers, number) {
                numbers.observe(number);
            }
            row.ended = ended;
            return None;
        }
        if self.rows.len() == STREAMS_MAX {
            return None;
        }
        let numbers = number.map(|number| {
            let mut numbers = SequenceTracker::starting_anywhere();
            numbers.observe(number);
            numbers
        });
        self.rows.push(Row {
            source,
            interface,
            datagrams: 1,
            numbers,
            longest_gap: Nanos::ZERO,
            first: at,
            last: at,
            ended,
        });
        Some(source)
    }

    /// Number of sources heard after `since`.
    pub fn lively(&self, since: Nanos) -> usize {
        self.rows.iter().filter(|row| row.last > since).count()
    }

    pub fn record(&self, names: &Names) -> Vec<CheckStream> {
        let one = |row: &Row| CheckStream {
            source: names.address(row.source),
            interface: names.interface(row.interface),
            datagrams: row.datagrams,
            lost: row.numbers.as_ref().map(SequenceTracker::lost),
            longest_gap_ns: row.longest_gap.as_u64(),
            first_ns: row.first.as_u64(),
            last_ns: row.last.as_u64(),
            ended: row.ended,
        };
        self.rows.iter().map(one).collect()
    }
}
