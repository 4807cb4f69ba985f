//! Intervals and the end of a relay's run.

use super::Relay;
use crate::machine::Now;
use crate::record::{
    RelayCaveat, RelayCounts, RelayDirection, RelayEvent, RelayFlowEnd, RelayInterval, RelayRates,
    RelaySummary, RelayWay, Sink,
};
use crate::units::Nanos;

/// Lateness of delayed datagrams that is not worth a caution: the 99th percentile.
const USUAL: Nanos = Nanos::from_micros(100);

/// What a finished relay returns.
pub struct RelayDone<S> {
    /// The result.
    pub summary: RelaySummary,
    /// The sink, for its final output.
    pub sink: S,
}

/// The counts at the end of the last interval.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    at: Nanos,
    up: RelayCounts,
    down: RelayCounts,
}

impl Intervals {
    /// Ends an interval.
    pub fn close(
        &mut self,
        at: Nanos,
        flows: u64,
        (up, down): (RelayCounts, RelayCounts),
    ) -> RelayInterval {
        let span = at - self.at;
        let interval = RelayInterval {
            start_ns: self.at.0,
            duration_ns: span.0,
            flows,
            up: RelayRates::between(&self.up, &up, span),
            down: RelayRates::between(&self.down, &down, span),
        };
        *self = Self { at, up, down };
        interval
    }
}

impl<S: Sink<RelayEvent>> Relay<S> {
    /// Ends the run and returns its result.
    pub fn finish(self, now: Now) -> RelayDone<S> {
        let (up, down) = self.totals();
        let duration = self.since_start(now);
        let ways = [(RelayWay::Up, &self.up), (RelayWay::Down, &self.down)];
        let mut caveats = Vec::new();
        for (way, side) in ways {
            let late = side.as_ref().and_then(super::Impaired::late_p99);
            if let Some(late) = late.filter(|late| *late > USUAL) {
                caveats.push(RelayCaveat::Late { way, late_p99_ns: late.0, most_ns: USUAL.0 });
            }
        }
        let buffers = self.socket_drops();
        if buffers > 0 {
            caveats.push(RelayCaveat::SocketDrops { buffers });
        }
        if self.flows_replaced > 0 {
            let (flows, most) = (self.flows_replaced, self.plan.most_flows as u64);
            caveats.push(RelayCaveat::FlowsReplaced { flows, most });
        }
        if up.refused.own_datagram > 0 {
            caveats.push(RelayCaveat::Loop { datagrams: up.refused.own_datagram });
        }
        let delay = |side: &Option<super::Impaired>| side.as_ref().and_then(super::Impaired::delay);
        let start = self.started.unwrap_or_default();
        let open = self.flows.iter().map(|(_, flow)| {
            let listen = self.plan.listeners[flow.key.listener].address;
            flow.row(listen, start, RelayFlowEnd::Open)
        });
        let open = open.collect();
        let (flows, most_flows) = (self.flows.opened, self.flows.most as u64);
        let (up_delay, down_delay) = (delay(&self.up), delay(&self.down));
        let is_impaired = self.up.is_some() || self.down.is_some();
        let (flow_rows, mut other_flows) = self.flows.rows(open);
        other_flows.up.add(&self.strays);
        let summary = RelaySummary {
            listen_addresses: self.plan.listeners.iter().map(|one| one.address.into()).collect(),
            duration_ns: duration.0,
            interrupted: self.stopped,
            is_source_kept: self.plan.source == super::RelaySource::Client,
            seed: is_impaired.then_some(self.plan.seed),
            up: RelayDirection::new(up, duration, up_delay),
            down: RelayDirection::new(down, duration, down_delay),
            flows,
            most_flows,
            flows_replaced: self.flows_replaced,
            destination_rows: self.destinations.rows(),
            flow_rows,
            other_flows,
            refusals: self.refusals,
            other_network_errors: self.troubles.others(),
            network_errors: self.troubles.into_kinds(),
            interface_events: self.interfaces.events().to_vec(),
            caveats,
        };
        RelayDone { summary, sink: self.sink }
    }
}
