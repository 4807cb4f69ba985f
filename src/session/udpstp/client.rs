//! The client of a test: all its connections, their sub-intervals, and the result.

use super::client_connection::ClientConnection;
use super::client_plan::{UdpstpEvent, UdpstpPlan, UdpstpSummary};
use super::data_phase::{DataPhase, Sent};
use super::params::sub_intervals;
use super::sub_intervals::SubIntervals;
use crate::batch::{Datagram, IcmpMeaning, NetworkError, SendOutcome, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::record::{Flow, Sink, UdpstpFailure, UdpstpParams, UdpstpReport, Way};
use crate::units::{IpFamily, Nanos};
use crate::wire::udpstp::{DirectionAsked, TestParams};

/// A test, sans sockets: connection N uses socket N.
pub struct UdpstpClient<K> {
    plan: UdpstpPlan,
    connections: Vec<ClientConnection>,
    intervals: SubIntervals,
    /// What the slots of the last batch were, and whose.
    wrote: Vec<(usize, Sent)>,
    scratch: Vec<Sent>,
    /// Which connection is asked first: those behind must not starve.
    first: usize,
    began: Option<Now>,
    drops: Vec<Option<(u32, u32)>>,
    is_interrupted: bool,
    flow: Flow,
    sink: K,
}

impl<K: Sink<UdpstpEvent>> UdpstpClient<K> {
    /// A client with this plan; the sink is told each sub-interval.
    pub fn new(plan: UdpstpPlan, sink: K) -> Self {
        let connections = plan.connections.max(1);
        let most = sub_intervals(&plan.params);
        Self {
            connections: (0..connections)
                .map(|index| ClientConnection::new(index, plan.version))
                .collect(),
            intervals: SubIntervals::new(IpFamily::of(plan.target), most),
            wrote: Vec::new(),
            scratch: Vec::new(),
            first: 0,
            began: None,
            drops: vec![None; usize::from(connections)],
            is_interrupted: false,
            flow: Flow::Continue,
            plan,
            sink,
        }
    }

    fn take_told(&mut self) {
        for (index, connection) in self.connections.iter_mut().enumerate() {
            while let Some((number, told)) = connection.phase_mut().and_then(DataPhase::next_told) {
                self.intervals.take(number, index as u8, told);
            }
        }
        if let Some(phase) = self.connections.iter().find_map(ClientConnection::phase) {
            self.intervals.set_most(sub_intervals(phase.params()));
        }
        let open: Vec<u8> = self
            .connections
            .iter()
            .zip(0..)
            .filter_map(|(one, index)| (!one.is_over()).then_some(index))
            .collect();
        while let Some(interval) = self.intervals.next_complete(open.iter().copied()) {
            if self.sink.take(interval) == Flow::Closed {
                self.flow = Flow::Closed;
            }
        }
    }

    /// A test of several connections needs all of them to begin.
    fn look_at_beginning(&mut self) {
        let is_refused = |one: &ClientConnection| one.is_over() && one.phase().is_none();
        if self.connections.iter().any(is_refused) {
            self.connections.iter_mut().for_each(ClientConnection::stop);
        }
    }

    fn failure(&self) -> Option<UdpstpFailure> {
        let began = |one: &&ClientConnection| one.phase().is_some();
        let refused = self.connections.iter().find(|one| !began(one) && one.failure().is_some());
        let refused = refused.and_then(ClientConnection::failure);
        let ended = self.connections.iter().find_map(ClientConnection::failure);
        let nothing = self.intervals.totals().is_none().then_some(UdpstpFailure::NoInterval);
        let early = Some(UdpstpFailure::EndedEarly).filter(|_| self.is_interrupted);
        refused.or(ended.filter(|ended| Some(*ended) != early)).or(nothing)
    }
}

impl<K: Sink<UdpstpEvent>> Session for UdpstpClient<K> {
    type Summary = UdpstpSummary<K>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.wrote.clear();
        let mut wake = Nanos::MAX;
        let count = self.connections.len();
        let mut is_full = false;
        for step in 0..count {
            let index = (self.first + step) % count;
            self.scratch.clear();
            let next = self.connections[index].poll(now, (out, &mut self.scratch), &self.plan);
            self.wrote.extend(self.scratch.iter().map(|sent| (index, *sent)));
            if let Some(next) = next {
                wake = wake.min(next);
            } else {
                (self.first, is_full) = (index, true);
                break;
            }
        }
        if self.began.is_none() && self.connections.iter().any(|one| one.phase().is_some()) {
            self.began = Some(now);
        }
        self.look_at_beginning();
        self.take_told();
        if self.flow == Flow::Closed {
            self.on_stop(now);
        }
        if is_full {
            return Next::Send;
        }
        if self.connections.iter().all(ClientConnection::is_over) {
            return Next::Done;
        }
        Next::WaitUntil(wake)
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        if outcome.stop.is_none() {
            return;
        }
        for (index, sent) in self.wrote.iter().skip(outcome.accepted) {
            if *sent == Sent::Load
                && let Some(phase) = self.connections[*index].phase_mut()
            {
                phase.give_back(1);
            }
        }
    }

    #[inline]
    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if let Some(connection) = self.connections.get_mut(datagram.meta.socket) {
            connection.on_datagram(now, datagram, &self.plan);
        }
    }

    fn on_network_error(&mut self, _now: Now, error: &NetworkError) {
        let meaning = IcmpMeaning::of(error.origin, (error.icmp_type, error.icmp_code));
        let is_closed = meaning == Some(IcmpMeaning::PortUnreachable);
        if let Some(connection) = self.connections.get_mut(error.socket) {
            connection.on_error(error.destination, error.errno, is_closed);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.connections.iter_mut().for_each(|one| one.pause(length));
    }

    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        if let Some(known) = self.drops.get_mut(socket) {
            *known = Some((known.map_or(drops, |(first, _)| first), drops));
        }
    }

    fn expected_end(&self, _now: Now) -> Option<Nanos> {
        let time = Nanos::from_secs(u64::from(self.plan.params.time_s));
        Some(self.began?.mono + time)
    }

    fn on_stop(&mut self, _now: Now) {
        if self.connections.iter().any(|one| !one.is_over()) {
            self.is_interrupted = true;
        }
        self.connections.iter_mut().for_each(ClientConnection::stop);
    }

    fn finish(mut self, _now: Now) -> UdpstpSummary<K> {
        self.take_told();
        let phases = || self.connections.iter().filter_map(ClientConnection::phase);
        let sends = self.plan.direction == DirectionAsked::Upstream;
        let mut report = UdpstpReport {
            target: Some(self.plan.target.into()),
            direction: if sends { Way::Up } else { Way::Down },
            connections: self.plan.connections,
            version: self.connections.first().map_or(0, ClientConnection::version),
            authenticated: self.plan.authentication.is_some(),
            payload_bytes: if self.plan.modifiers.traditional_mtu { 1_472 } else { 1_222 },
            jumbo: self.plan.modifiers.jumbo,
            params: phases().next().map(|phase| params(phase.params())),
            totals: self.intervals.totals(),
            rtt_min_ns: phases()
                .filter_map(|phase| phase.least_delays().0)
                .min()
                .map(|least| u64::from(least) * 1_000_000),
            clock_delta_min_ns: phases()
                .filter_map(|phase| phase.least_delays().1)
                .min()
                .map(|least| i64::from(least) * 1_000_000),
            sent: sends.then(|| phases().filter_map(DataPhase::sent).map(u64::from).sum()),
            never_sent: sends.then(|| phases().map(DataPhase::unsent).sum()),
            socket_drops: (!sends).then(|| {
                let each = self.drops.iter().flatten();
                each.map(|(first, last)| u64::from(last.wrapping_sub(*first))).sum()
            }),
            began_unix_ns: self.began.map(|began| began.real.0),
            interrupted: self.is_interrupted,
            failure: self.failure(),
            ..UdpstpReport::default()
        };
        report.set_intervals(self.intervals.all());
        UdpstpSummary { report, sink: self.sink }
    }
}

fn params(params: &TestParams) -> UdpstpParams {
    let millis = |value: u16| Nanos::from_millis(u64::from(value)).0;
    UdpstpParams {
        duration_ns: Nanos::from_secs(u64::from(params.time_s)).0,
        sub_interval_ns: millis(params.sub_interval_ms),
        trial_ns: millis(params.trial_ms),
        low_delay_variation_ns: millis(params.low_ms),
        upper_delay_variation_ns: millis(params.upper_ms),
        sequence_errors: params.error_threshold,
        algorithm: if params.algorithm == 1 { "c" } else { "b" },
        tos: params.tos,
    }
}
