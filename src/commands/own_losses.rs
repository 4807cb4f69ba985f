//! What this host itself threw away while it waited for replies: a silence that it explains is not
//! the path's.

use crate::batch::{HostCounter, HostCounters};
use crate::engine::Ended;
use crate::net::{HostReader, HostSnapshot, RunInterfaces};
use crate::record::probe::ProbeCaveat;
use crate::record::{HostReport, HostRole, LossPart, LossPlace, split_drops, thrown_away};
use crate::session::HostMeter;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counters that were read this recently are not read again for another peer.
const FRESH: Duration = Duration::from_millis(10);

/// What a meter has read: the routes' interfaces, and the latest counters.
#[derive(Default)]
struct Known {
    routes: HashMap<IpAddr, Option<u32>>,
    latest: Option<(Instant, HostSnapshot)>,
}

/// This host's counters since a run began.
pub struct OwnLosses {
    counters: HostReader,
    before: HostSnapshot,
}

impl OwnLosses {
    /// From now on.
    pub fn watch() -> Self {
        let counters = HostReader::open();
        Self { before: counters.snapshot(), counters }
    }

    /// What explains that so many datagrams of a peer did not arrive.
    pub fn explain(&self, peer: IpAddr, missing: u64) -> Vec<LossPart> {
        let route = self.counters.interface_to(peer);
        let interfaces = RunInterfaces { rx: route, tx: route };
        let change = self.counters.snapshot().since(&self.before, peer, interfaces);
        thrown_away(&change.counted, missing)
    }

    /// What happened to this host during a probe of `peer`, and what it dropped if replies are
    /// missing: that may be why.
    pub fn probe_caveats<S>(&self, peer: IpAddr, ended: &Ended<S>) -> Vec<ProbeCaveat> {
        let missing = ended.tally.sent().saturating_sub(ended.tally.received());
        let mut losses = self.explain(peer, missing);
        // Other programs fill the machine's backlogs: a few probes are hardly ever among that.
        losses.retain(|part| part.place != LossPlace::Backlog);
        let lost = (!losses.is_empty()).then_some(ProbeCaveat::LostHere { losses });
        lost.into_iter().chain(ProbeCaveat::address_changes(&ended.changes)).collect()
    }

    /// What this host dropped before its sockets, of anybody's, and its counters: those of the
    /// route to `peer`, if there is one. Of what its sockets dropped by `at_sockets`, nothing is
    /// told again.
    pub fn before_sockets(&self, peer: Option<IpAddr>, at_sockets: &[LossPart]) -> HostReport {
        let route = peer.and_then(|peer| self.counters.interface_to(peer));
        let interfaces = RunInterfaces { rx: route, tx: route };
        let peer = peer.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let change = self.counters.snapshot().since(&self.before, peer, interfaces);
        let mut losses = thrown_away(&change.counted, u64::MAX);
        for part in &mut losses {
            let told = at_sockets.iter().filter(|one| one.place == part.place);
            let told = told.map(|one| one.datagrams).sum::<u64>();
            part.datagrams = part.datagrams.saturating_sub(told);
        }
        losses.retain(|part| part.datagrams > 0);
        HostReport {
            role: HostRole::Receiver,
            this_host: true,
            interface: change.interface,
            losses,
            counters: change.counted,
        }
    }

    /// The counters for a state machine that asks for many peers.
    pub fn meter(self: &Arc<Self>) -> HostMeter {
        let (own, known) = (Arc::clone(self), Mutex::new(Known::default()));
        HostMeter::new(move |peer, interface| {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let Known { routes, latest } = &mut *known;
            let by = match interface {
                0 => *routes.entry(peer).or_insert_with(|| own.counters.interface_to(peer)),
                index => Some(index),
            };
            if latest.as_ref().is_none_or(|(at, _)| at.elapsed() > FRESH) {
                *latest = Some((Instant::now(), own.counters.snapshot()));
            }
            let interfaces = RunInterfaces { rx: by, tx: by };
            let now = latest.as_ref().map(|(_, now)| now.since(&own.before, peer, interfaces));
            now.unwrap_or_default()
        })
    }

    /// Why sockets of this host dropped what they dropped.
    pub fn split(&self, drops: u64) -> Vec<LossPart> {
        if drops == 0 {
            return Vec::new();
        }
        let now = self.counters.snapshot();
        // A socket of IPv6 may take both.
        let families = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        let both = families.map(|peer| now.since(&self.before, peer, RunInterfaces::default()));
        let mut sum = HostCounters::default();
        for counter in
            [HostCounter::UdpInCsumErrors, HostCounter::UdpRcvbufErrors, HostCounter::UdpMemErrors]
        {
            let counted = both.iter().filter_map(|change| change.counted.get(counter));
            counted.for_each(|count| sum.add(counter, count));
        }
        split_drops(&sum, drops)
    }
}
