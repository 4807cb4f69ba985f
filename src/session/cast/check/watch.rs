//! What comes for a group while its membership is held: each source with its first and last.

use super::super::Names;
use crate::batch::Datagram;
use crate::record::CheckStream;
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::net::SocketAddr;

/// Sources that are told apart.
const STREAMS_MAX: usize = 64;

struct Row {
    source: SocketAddr,
    interface: u32,
    datagrams: u64,
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
    /// A datagram came `at` this long after the join; the source where it is a new one.
    pub fn observe(&mut self, datagram: &Datagram<'_>, at: Nanos) -> Option<SocketAddr> {
        let (source, interface) = (datagram.meta.source, datagram.meta.interface);
        let header = Header::decode(datagram.payload);
        let ended = header.is_ok_and(|header| header.kind == Kind::End);
        let known = |row: &&mut Row| row.source == source && row.interface == interface;
        if let Some(row) = self.rows.iter_mut().find(known) {
            row.datagrams += 1;
            row.last = at;
            row.ended = ended;
            return None;
        }
        if self.rows.len() == STREAMS_MAX {
            return None;
        }
        self.rows.push(Row { source, interface, datagrams: 1, first: at, last: at, ended });
        Some(source)
    }

    /// Sources that were heard after `since`.
    pub fn lively(&self, since: Nanos) -> usize {
        self.rows.iter().filter(|row| row.last > since).count()
    }

    pub fn record(&self, names: &Names) -> Vec<CheckStream> {
        let one = |row: &Row| CheckStream {
            source: names.address(row.source),
            interface: names.interface(row.interface),
            datagrams: row.datagrams,
            first_ns: row.first.as_u64(),
            last_ns: row.last.as_u64(),
            ended: row.ended,
        };
        self.rows.iter().map(one).collect()
    }
}
