//! What arrives for a group while its membership is kept: each source with its first and last
//! datagram.

use super::super::Names;
use crate::batch::Datagram;
use crate::record::CheckStream;
use crate::stats::SequenceTracker;
use crate::units::{Endpoint, Nanos};
use crate::wire::{Announcement, Command, Header, Kind};
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
        let header = Header::decode(datagram.payload).ok();
        let kind = header.map(|header| header.kind);
        let known = |row: &&mut Row| row.source == source && row.interface == interface;
        // End marks, requests for reports and probes are no part of a stream; echoes to the group
        // are: they arrive because of this membership.
        let command = Command::decode(datagram.payload).ok();
        let request = command.as_ref().and_then(Announcement::read);
        let is_over = request.as_ref().is_some_and(|request| request.over);
        if is_over || kind == Some(Kind::End) {
            if let Some(row) = self.rows.iter_mut().find(known) {
                row.ended = true;
            }
            return None;
        }
        if request.is_some() || kind == Some(Kind::Probe) {
            return None;
        }
        let number = header.filter(|header| header.kind == Kind::Data).map(|one| one.sequence);
        if let Some(row) = self.rows.iter_mut().find(known) {
            row.datagrams += 1;
            row.longest_gap = row.longest_gap.max(at - row.last);
            row.last = row.last.max(at);
            if let (Some(numbers), Some(number)) = (&mut row.numbers, number) {
                numbers.observe(number);
            }
            row.ended = false;
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
            ended: false,
        });
        Some(source)
    }

    /// Number of sources heard after `since`.
    pub fn lively(&self, since: Nanos) -> usize {
        self.rows.iter().filter(|row| row.last > since).count()
    }

    pub fn record(&self, names: &Names) -> Vec<CheckStream> {
        let one = |row: &Row| CheckStream {
            source: Endpoint::from(row.source).to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{RxEntry, RxMeta};

    fn observe(watch: &mut Watch, payload: &[u8], secs: u64) -> bool {
        let meta = RxMeta { source: "10.0.0.1:7000".parse().unwrap(), ..RxEntry::default().meta };
        let datagram = Datagram { payload, true_len: payload.len(), meta };
        watch.observe(&datagram, Nanos::from_secs(secs)).is_some()
    }

    fn headed(kind: Kind) -> [u8; Header::LEN] {
        let mut bytes = [0; Header::LEN];
        Header { kind, tag: 7, sequence: 0, sent: Nanos(1) }.encode(&mut bytes);
        bytes
    }

    #[test]
    fn only_the_data_of_a_sender_is_its_stream() {
        let mut watch = Watch::default();
        let request = Announcement { run: 1, tag: 7, ..Announcement::default() }.encode();
        for other in [&request[..], &headed(Kind::Probe), &headed(Kind::End)] {
            assert!(!observe(&mut watch, other, 1));
        }
        let names = Names::new(Vec::new());
        assert_eq!(watch.record(&names), []);
        assert!(observe(&mut watch, &headed(Kind::Data), 2));
        observe(&mut watch, &request, 9);
        let streams = watch.record(&names);
        assert_eq!((streams[0].datagrams, streams[0].last_ns), (1, 2_000_000_000));
        observe(&mut watch, &headed(Kind::End), 10);
        let streams = watch.record(&names);
        assert_eq!((streams[0].datagrams, streams[0].ended), (1, true));
    }
}
