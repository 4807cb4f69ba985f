//! Unicast copies of a group's data (`cast send --compare`): separate accounts, in no sum.

use super::super::{EndMark, SourceAccount, SourceKey};
use super::CastReceiver;
use crate::batch::Datagram;
use crate::machine::Now;
use crate::record::{CastEvent, Sink};
use crate::wire::{Header, Kind};
use std::net::SocketAddr;

impl<S> CastReceiver<S>
where
    S: for<'e> Sink<CastEvent<'e>>,
{
    /// Handles what arrives at the address that reports are sent from: answers, and unicast copies
    /// of what a known sender sends to a group (`--compare`). Copies have rows of their own, which
    /// are in no sum.
    pub(super) fn take_beside(&mut self, now: Now, datagram: &Datagram<'_>) {
        let meta = &datagram.meta;
        let header = Header::decode(datagram.payload).ok();
        let key = meta.destination.map(|ip| SourceKey {
            source: meta.source,
            group: SocketAddr::new(ip, 0),
            interface: meta.interface,
            tag: header.map(|header| header.tag),
            beside: true,
        });
        let (Some(key), Some(feedback), false) =
            (key, &self.feedback, self.config.excluded.contains(&meta.source.ip()))
        else {
            self.take_answer(now, datagram.payload);
            return;
        };
        if !self.by_key.contains_key(&key) && !feedback.knows(meta.source) {
            return;
        }
        let Some(header) = header else {
            self.take_line(now, &key, datagram);
            return;
        };
        match header.kind {
            Kind::Data => {
                let Some(index) = self.row(key, now, datagram, now.mono) else { return };
                self.observe(now, index, &header, datagram);
            }
            Kind::End => {
                let mark = EndMark::decode(datagram.payload);
                if let (Some(index), Some(mark)) = (self.by_key.get(&key), mark) {
                    self.rows[*index].end(mark);
                }
            }
            Kind::Probe | Kind::Echo | Kind::Load | Kind::Rate => {}
        }
    }
}

/// Number of unicast copies, `None` if there were none.
pub(super) fn copies(rows: &[SourceAccount]) -> Option<u64> {
    let copies: u64 = rows.iter().filter(|row| row.is_beside()).map(SourceAccount::received).sum();
    (copies > 0).then_some(copies)
}
