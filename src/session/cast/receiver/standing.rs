//! How a receiver stands, by group: its sources may be anybody.

use super::{CastReceiver, SourceAccount};
use crate::record::{CastEvent, CastReceiving, CastReceivingOf, Sink};
use crate::units::{Endpoint, Nanos};
use std::collections::BTreeMap;

impl<S> CastReceiver<S>
where
    S: for<'e> Sink<CastEvent<'e>>,
{
    /// What came until now.
    pub(super) fn standing(&self) -> CastReceiving {
        let mut groups: BTreeMap<Endpoint, CastReceivingOf> = BTreeMap::new();
        for row in self.counted() {
            let group = Endpoint::from(row.key().group);
            add(groups.entry(group).or_insert_with(|| none_of(group)), row);
        }
        CastReceiving {
            groups: groups.into_values().collect(),
            strays: self.strays,
            others: self.others,
            foreign: self.foreign.total(),
            excluded: self.excluded,
            socket_drops: self.drops.iter().map(|drops| drops.buffers).sum(),
        }
    }
}

fn none_of(group: Endpoint) -> CastReceivingOf {
    CastReceivingOf {
        group,
        sources: 0,
        received: 0,
        bytes: 0,
        lost: 0,
        duplicates: 0,
        reordered: 0,
        jitter_ns: None,
    }
}

fn add(sum: &mut CastReceivingOf, row: &SourceAccount) {
    sum.sources += 1;
    sum.received += row.received();
    sum.bytes += row.bytes();
    sum.lost += row.lost();
    sum.duplicates += row.duplicates();
    sum.reordered += row.reordered();
    sum.jitter_ns = sum.jitter_ns.max(row.jitter().map(Nanos::as_u64));
}
