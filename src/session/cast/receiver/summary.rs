//! The result of a receiver, built from its accounts.

use super::{CastReceiver, Content, SourceAccount, unicast_copies};
use crate::machine::Now;
use crate::record::{
    ArrivalOutage, CastEvent, CastReceived, CastSource, HostReport, KnownHosts, LossFacts, Outage,
    PlacedLosses, Sink, Way,
};
use crate::session::host_meter::fragments_of;
use crate::units::{Endpoint, IpFamily};

impl<S> CastReceiver<S>
where
    S: for<'e> Sink<CastEvent<'e>>,
{
    /// What arrived, as of now.
    pub(super) fn summary(&self, now: Now) -> CastReceived {
        let names = &self.config.names;
        let measured = self.config.content == Content::Measured;
        let if_measured = |count: u64| measured.then_some(count);
        let sum = |each: &dyn Fn(&SourceAccount) -> u64| self.counted().map(each).sum::<u64>();
        let stream = self.stream.as_ref();
        let (places, hosts) = self.places();
        let socket_drops = self.drops.iter().map(|drops| drops.buffers).sum();
        let reader_pause_ns = self.timing.longest_pause().as_u64();
        // What this host may have lost itself is no outage of the path.
        let is_the_paths = |outage: &Outage| {
            outage.lost > socket_drops
                && (reader_pause_ns == 0
                    || outage.length_ns().is_none_or(|length| length > 2 * reader_pause_ns))
        };
        let mut sources: Vec<CastSource> =
            self.counted().map(|row| row.record(now, names)).collect();
        for outages in sources.iter_mut().filter_map(|source| source.outages.as_mut()) {
            outages.retain(is_the_paths);
        }
        let is_listed = |outage: &ArrivalOutage| {
            outage.lost.is_none_or(|lost| lost > socket_drops)
                && (reader_pause_ns == 0 || outage.length_ns > 2 * reader_pause_ns)
        };
        for gaps in sources.iter_mut().filter_map(|source| source.arrival_gaps.as_mut()) {
            gaps.retain(is_listed);
        }
        CastReceived {
            received: sum(&|row| row.received()),
            bytes: sum(&|row| row.bytes()),
            lost: if_measured(sum(&|row| row.lost())),
            places: places.filter(|_| measured),
            hosts,
            duplicates: if_measured(sum(&|row| row.duplicates())),
            duplicate_bytes: if_measured(sum(&|row| row.duplicate_bytes())),
            reordered: if_measured(sum(&|row| row.reordered())),
            strays: if_measured(self.strays),
            others: self.others,
            foreign: self.foreign.total(),
            foreign_from: self.foreign.record(names),
            excluded: self.excluded,
            stream: stream.map(|stream| stream.record(|source| Endpoint::from(source).to_string())),
            socket_drops,
            reports_refused: self.refused.reports(),
            report_refusals: self.refused.reasons().to_vec(),
            interface_events: self.interfaces.events().to_vec(),
            reader_pause_ns,
            duration_ns: (now.mono - self.timing.started).as_u64(),
            interrupted: self.asked,
            sources,
            unicast_copies: unicast_copies::copies(&self.rows),
            groups: self.config.groups.clone(),
            expected: self.config.expect,
            limits: Vec::new(),
            caveats: Vec::new(),
        }
        .with_caveats()
    }

    /// What was lost at each place since this was asked last.
    pub(super) fn newly_placed(&mut self) -> PlacedLosses {
        let now = self.places().0.unwrap_or_default();
        let before = std::mem::replace(&mut self.placed, now);
        let more = |of: fn(&PlacedLosses) -> Option<u64>| {
            Some(of(&now)?.saturating_sub(of(&before).unwrap_or(0)))
        };
        PlacedLosses {
            receiver_host: more(|one| one.receiver_host),
            receiver_socket: more(|one| one.receiver_socket),
            damaged: more(|one| one.damaged),
            // Of the run so far.
            path: now.path,
            path_at_most: now.path_at_most,
            ..PlacedLosses::default()
        }
    }

    /// Where what is missing was lost, and this host's counters; `None` without a source.
    fn places(&self) -> (Option<PlacedLosses>, Vec<HostReport>) {
        let rows: Vec<&SourceAccount> = self.counted().collect();
        let Some(first) = rows.first().map(|row| row.key()) else { return (None, Vec::new()) };
        // Where datagrams came by several interfaces, the route's stands for them.
        let is_one = rows.iter().all(|row| row.key().interface == first.interface);
        let interface = if is_one { first.interface } else { 0 };
        let host = self.config.host.read(first.source.ip(), interface);
        let sum = |each: fn(&SourceAccount) -> u64| rows.iter().map(|row| each(row)).sum::<u64>();
        let received = sum(SourceAccount::received);
        let payload = sum(SourceAccount::bytes).div_ceil(received.max(1));
        let facts = LossFacts {
            missing: sum(SourceAccount::lost),
            arrived: received,
            socket_drops: sum(SourceAccount::dropped),
            drop_events: self.drops.iter().map(|drops| drops.buffers).sum(),
            drops_known: true,
            per_drop: self.config.per_buffer.max(1),
            fragments: fragments_of(payload, IpFamily::of(first.source), host.as_ref()),
            ..LossFacts::default()
        };
        let hosts = KnownHosts { way: Way::Down, sender: None, receiver: host.as_ref() };
        let (places, reports) = PlacedLosses::share(facts, None, hosts);
        (Some(places), reports)
    }
}
