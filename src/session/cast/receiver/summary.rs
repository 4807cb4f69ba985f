//! The result of a receiver, built from its accounts.

use super::{CastReceiver, Content, unicast_copies};
use crate::machine::Now;
use crate::record::{CastEvent, CastReceived, Sink};
use crate::units::Endpoint;

impl<S> CastReceiver<S>
where
    S: for<'e> Sink<CastEvent<'e>>,
{
    /// What arrived, as of now.
    pub(super) fn summary(&self, now: Now) -> CastReceived {
        let names = &self.config.names;
        let measured = self.config.content == Content::Measured;
        let if_measured = |count: u64| measured.then_some(count);
        let sum =
            |each: &dyn Fn(&super::SourceAccount) -> u64| self.counted().map(each).sum::<u64>();
        let stream = self.stream.as_ref();
        CastReceived {
            received: sum(&|row| row.received()),
            bytes: sum(&|row| row.bytes()),
            lost: if_measured(sum(&|row| row.lost())),
            duplicates: if_measured(sum(&|row| row.duplicates())),
            duplicate_bytes: if_measured(sum(&|row| row.duplicate_bytes())),
            reordered: if_measured(sum(&|row| row.reordered())),
            strays: if_measured(self.strays),
            others: self.others,
            foreign: self.foreign.total(),
            foreign_from: self.foreign.record(names),
            excluded: self.excluded,
            stream: stream.map(|stream| stream.record(|source| Endpoint::from(source).to_string())),
            socket_drops: self.drops.iter().map(|drops| drops.total()).sum(),
            reports_refused: self.refused.reports(),
            report_refusals: self.refused.reasons().to_vec(),
            interface_events: self.interfaces.events().to_vec(),
            reader_pause_ns: self.timing.longest_pause().as_u64(),
            duration_ns: (now.mono - self.timing.started).as_u64(),
            interrupted: self.asked,
            sources: self.counted().map(|row| row.record(now, names)).collect(),
            unicast_copies: unicast_copies::copies(&self.rows),
            groups: self.config.groups.clone(),
            expected: self.config.expect,
            limits: Vec::new(),
            caveats: Vec::new(),
        }
        .with_caveats()
    }
}
