//! `relay`: forwards datagrams between clients and destinations, copies them to several, and applies
//! impairments on the way.
//!
//! Each client has a flow, with a socket of its own towards each destination, so that answers find
//! their way back and no destination waits for another. Sockets have numbers, by which the loop knows
//! them; what is to be opened and closed is among the orders. Nothing is ever sent that did not
//! arrive.

mod delay_queue;
mod destinations;
mod flow;
mod gaps;
mod impaired;
#[cfg(test)]
mod impaired_tests;
mod outlet;
mod plan;
mod run_end;
mod sending;
#[cfg(test)]
mod tests;

pub use outlet::Header;
pub use plan::{
    AnswersFrom, FlowsOf, RelayListener, RelayPlan, RelaySource, RelayTarget, RelayTtl,
};
pub use run_end::RelayDone;
pub use sending::{Run, SocketOrder};

use super::{InterfaceLog, NetworkErrorLog};
use crate::batch::{InterfaceChange, NetworkError, RxEntry, RxMeta, TxBatch, split_buffer};
use crate::machine::Now;
use crate::record::{
    Flow as SinkFlow, RelayCounts, RelayEvent, RelayFlowEnd, RelayInterval, RelayNote,
    RelayRefusal, RelayStanding, SendRefusal, Sink,
};
use crate::stats::DropCount;
use crate::units::Nanos;
use crate::wire::Filtered;
use destinations::Destinations;
use flow::{Flow, FlowKey, FlowTable};
use impaired::Impaired;
use outlet::{Outlet, Pending};
use run_end::Intervals;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

/// Stored bytes of one turn: all that one receive call may bring.
const ARENA: usize = 4 << 20;
/// Datagrams of one run.
const SLOTS: usize = 1024;
/// The least room for another datagram.
const LARGEST: usize = 1 << 16;
/// A flow that heard something so recently is not ended for a new client.
const ACTIVE: Nanos = Nanos::from_secs(1);
/// How often flows are looked at for silence.
const LOOKS: Nanos = Nanos::from_millis(250);
/// Kinds of refusals by this host that are kept.
const REFUSALS: usize = 256;

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Clients send to it, and answers leave by it.
    Listener,
    /// A flow's socket towards a destination.
    Towards { flow: usize, destination: usize },
    /// It is closed, and its number free.
    Closed,
}

/// The state of a relay.
pub struct Relay<S> {
    plan: RelayPlan,
    sink: S,
    /// Whether the sink still takes something.
    is_read: bool,
    batch: TxBatch,
    roles: Vec<Role>,
    outlets: Vec<Outlet>,
    free: Vec<usize>,
    /// Sockets with something to send.
    touched: VecDeque<usize>,
    orders: VecDeque<SocketOrder>,
    flows: FlowTable,
    destinations: Destinations,
    up: Option<Impaired>,
    down: Option<Impaired>,
    /// Counts of what belongs to no flow.
    strays: RelayCounts,
    /// How many own sockets have a port.
    own_ports: HashMap<u16, u32>,
    local_ports: HashMap<usize, u16>,
    started: Option<Nanos>,
    /// Whether the impairments' phases have begun.
    is_under_way: bool,
    /// When to look at the flows for silence next.
    next_look: Nanos,
    flows_replaced: u64,
    told_loop: bool,
    told_replaced: bool,
    told_full: bool,
    intervals: Intervals,
    drops: Vec<DropCount>,
    /// Buffers that closed sockets towards destinations had dropped.
    answer_drops: u64,
    refusals: Vec<SendRefusal>,
    troubles: NetworkErrorLog,
    interfaces: InterfaceLog,
    stopped: bool,
}

impl<S: Sink<RelayEvent>> Relay<S> {
    /// A relay at its start.
    pub fn new(plan: RelayPlan, sink: S) -> Self {
        let listeners = plan.listeners.len();
        // The directions draw from different generators, or both would lose the same numbers.
        let (towards, back) = plan.families();
        let up = plan.up.clone().map(|up| Impaired::new(up, plan.seed, towards));
        let down = plan.down.clone().map(|down| Impaired::new(down, !plan.seed, back));
        Self {
            sink,
            is_read: true,
            batch: TxBatch::new(SLOTS, ARENA),
            roles: vec![Role::Listener; listeners],
            outlets: (0..listeners).map(|_| Outlet::default()).collect(),
            free: Vec::new(),
            touched: VecDeque::new(),
            orders: VecDeque::new(),
            flows: FlowTable::default(),
            destinations: Destinations::new(&plan.targets),
            up,
            down,
            strays: RelayCounts::default(),
            own_ports: HashMap::new(),
            local_ports: HashMap::new(),
            started: None,
            is_under_way: false,
            next_look: Nanos::ZERO,
            flows_replaced: 0,
            told_loop: false,
            told_replaced: false,
            told_full: false,
            intervals: Intervals::default(),
            drops: vec![DropCount::default(); listeners],
            answer_drops: 0,
            refusals: Vec::new(),
            troubles: NetworkErrorLog::default(),
            interfaces: InterfaceLog::default(),
            stopped: false,
            plan,
        }
    }

    /// The run begins.
    pub fn on_start(&mut self, now: Now) {
        self.started = Some(now.mono);
        self.next_look = now.mono + LOOKS;
    }

    /// A buffer arrived: one datagram, or several that the kernel coalesced.
    pub fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        match self.roles.get(entry.meta.socket).copied() {
            Some(Role::Listener) => self.on_request(now, entry, bytes),
            Some(Role::Towards { flow, destination }) => {
                self.on_answer(now, (flow, destination), entry, bytes);
            }
            // What a closed socket had received belongs to nobody any more.
            Some(Role::Closed) | None => {}
        }
    }

    /// Something came from a client.
    fn on_request(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        let listener = &self.plan.listeners[entry.meta.socket];
        let on = &listener.interfaces;
        if !on.is_empty() && !on.contains(&entry.meta.interface) {
            // Joined on another interface, or by another program.
            return;
        }
        if self.plan.filters.is_empty() {
            match self.admit(now, &entry.meta) {
                Ok(of) => {
                    self.count_request(of.0, entry.datagrams() as u64, bytes.len());
                    self.carry_up(now, of, (entry, bytes));
                }
                Err(why) => self.refuse_stray(why, entry.datagrams() as u64, bytes.len()),
            }
            return;
        }
        // The flow is found, or opened, by the first datagram that passes.
        let mut admitted = None;
        for datagram in split_buffer(entry, bytes) {
            let filtered = Filtered {
                source: entry.meta.source.ip(),
                tos: entry.meta.tos,
                payload: datagram.payload,
            };
            let len = datagram.payload.len();
            if !self.plan.passes(&filtered) {
                self.refuse_stray(RelayRefusal::Filtered, 1, len);
                continue;
            }
            match *admitted.get_or_insert_with(|| self.admit(now, &entry.meta)) {
                Ok(of) => {
                    self.count_request(of.0, 1, len);
                    let one = RxEntry { len, true_len: len, stride: 0, meta: entry.meta };
                    self.carry_up(now, of, (&one, datagram.payload));
                }
                Err(why) => self.refuse_stray(why, 1, len),
            }
        }
    }

    /// Finds the flow of a client, or opens one, and says what its datagrams leave with.
    fn admit(&mut self, now: Now, meta: &RxMeta) -> Result<(usize, Header), RelayRefusal> {
        let source = meta.source;
        if !self.plan.allows(source.ip()) {
            return Err(RelayRefusal::NotAllowed);
        }
        let is_each = self.plan.flows_of == FlowsOf::EachClient;
        let key = FlowKey { listener: meta.socket, client: is_each.then_some(source) };
        let known = self.flows.find(key);
        // The client of a known flow is no own socket, or it would not have one.
        if (known.is_none() || !is_each) && self.is_own(source) {
            if !std::mem::replace(&mut self.told_loop, true) {
                self.tell(RelayNote::Loop { source: source.into() });
            }
            return Err(RelayRefusal::OwnDatagram);
        }
        let header = self.header(meta).ok_or(RelayRefusal::TtlExpired)?;
        let flow = match known {
            Some(flow) => flow,
            None => self.open_flow(now, key, meta)?,
        };
        let start = self.started.unwrap_or_default();
        if let Some(flow) = self.flows.get_mut(flow) {
            flow.last = now.mono;
            if let Some(gaps) = &mut flow.up_gaps {
                gaps.arrived(arrival(now, meta), start);
            }
        }
        Ok((flow, header))
    }

    /// Whether an address is that of one of this relay's own sockets.
    fn is_own(&self, source: SocketAddr) -> bool {
        self.own_ports.contains_key(&source.port()) && self.plan.own.contains(source.ip())
    }

    /// What a datagram leaves with; `None` if its TTL is used up.
    fn header(&self, meta: &RxMeta) -> Option<Header> {
        let is_shared = self.plan.listeners.get(meta.socket).is_some_and(|one| one.is_shared);
        let ttl = match (self.plan.ttl, meta.ttl) {
            (RelayTtl::Set(ttl), _) => ttl,
            (RelayTtl::Router, None) => 0,
            (RelayTtl::Router, Some(_)) if is_shared => 0,
            (RelayTtl::Router, Some(ttl)) => ttl.checked_sub(1).filter(|left| *left > 0)?,
        };
        Some(Header { ttl, tos: self.plan.tos(meta.tos.unwrap_or(0)) })
    }

    fn open_flow(&mut self, now: Now, key: FlowKey, meta: &RxMeta) -> Result<usize, RelayRefusal> {
        if self.flows.len() >= self.plan.most_flows {
            self.make_room(now, meta.source)?;
        }
        let listener = &self.plan.listeners[key.listener];
        // A group or a broadcast address is no source address; a socket that is bound to one address
        // needs none.
        let is_any = listener.address.ip().is_unspecified();
        let local = meta.destination.filter(|ip| is_any && self.plan.own.contains(*ip));
        Ok(self.flows.add(Flow::new(key, local, now.mono).listing(self.plan.outage)))
    }

    /// Ends the flow that has been silent for the longest time, unless that is active.
    fn make_room(&mut self, now: Now, client: SocketAddr) -> Result<(), RelayRefusal> {
        let most = self.plan.most_flows as u64;
        let silent = self.flows.longest_silent();
        let oldest = silent.filter(|(_, last)| now.mono - *last >= ACTIVE);
        let Some((oldest, last)) = oldest else {
            if !std::mem::replace(&mut self.told_full, true) {
                self.tell(RelayNote::FlowsFull { most, client: client.into() });
            }
            return Err(RelayRefusal::FlowsFull);
        };
        self.flows_replaced += 1;
        let gone = self.flows.get(oldest).and_then(|flow| flow.key.client);
        self.close_flow(oldest, RelayFlowEnd::Replaced);
        if let Some(gone) = gone
            && !std::mem::replace(&mut self.told_replaced, true)
        {
            let silent_ns = (now.mono - last).0;
            self.tell(RelayNote::FlowReplaced { most, client: gone.into(), silent_ns });
        }
        Ok(())
    }

    fn close_flow(&mut self, number: usize, end: RelayFlowEnd) {
        let Some(flow) = self.flows.remove(number) else { return };
        for socket in flow.sockets.iter().flatten() {
            self.close_socket(*socket);
        }
        let listen = self.plan.listeners[flow.key.listener].address;
        let row = flow.row(listen, self.started.unwrap_or_default(), end);
        self.flows.keep(row.clone());
        self.take(RelayEvent::FlowEnded(Box::new(row)));
    }

    /// Ends the flows that have been silent for too long.
    fn end_silent(&mut self, now: Nanos) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOKS;
        let idle = self.plan.idle;
        let is_over = |flow: &Flow| flow.last + idle <= now && flow.queued() == 0;
        let over: Vec<usize> =
            self.flows.iter().filter(|(_, flow)| is_over(flow)).map(|(number, _)| number).collect();
        for number in over {
            self.close_flow(number, RelayFlowEnd::Idle);
        }
    }

    fn count_request(&mut self, flow: usize, datagrams: u64, bytes: usize) {
        if let Some(flow) = self.flows.get_mut(flow) {
            flow.up.received += datagrams;
            flow.up.received_bytes += bytes as u64;
        }
    }

    /// Counts datagrams that belong to no flow.
    fn refuse_stray(&mut self, why: RelayRefusal, datagrams: u64, bytes: usize) {
        self.strays.received += datagrams;
        self.strays.received_bytes += bytes as u64;
        self.strays.refused.add(why, datagrams);
    }

    /// Has the impairments decide about what came from a client, if there are any.
    fn carry_up(&mut self, now: Now, of: (usize, Header), came: (&RxEntry, &[u8])) {
        self.begin_phases(arrival(now, &came.0.meta));
        if let Some(up) = &mut self.up {
            let Some(own) = self.flows.get_mut(of.0) else { return };
            up.carry_buffer(arrival(now, &came.0.meta), of, came, &mut own.up);
            return;
        }
        match self.store(of.0, of.1, came.0, came.1) {
            Some(pending) => self.send_up(pending),
            None => {
                if let Some(flow) = self.flows.get_mut(of.0) {
                    flow.up.refused.add(RelayRefusal::QueueFull, came.0.datagrams() as u64);
                }
            }
        }
    }

    /// The phases of both directions begin with the first datagram in either.
    fn begin_phases(&mut self, at: Nanos) {
        if !std::mem::replace(&mut self.is_under_way, true) {
            [&mut self.up, &mut self.down].into_iter().flatten().for_each(|side| side.start(at));
        }
    }

    /// Stores the datagrams of a buffer in the batch.
    fn store(
        &mut self,
        flow: usize,
        header: Header,
        entry: &RxEntry,
        bytes: &[u8],
    ) -> Option<Pending> {
        let offset = self.batch.store(bytes)?;
        let one = Pending::one(offset, bytes.len(), flow, header);
        let is_one = entry.stride == 0 || bytes.len() <= entry.stride;
        let (stride, count) = (entry.stride as u32, entry.datagrams() as u32);
        Some(if is_one { one } else { Pending { stride, count, ..one } })
    }

    /// An answer came from a destination.
    fn on_answer(
        &mut self,
        now: Now,
        (number, destination): (usize, usize),
        entry: &RxEntry,
        bytes: &[u8],
    ) {
        let datagrams = entry.datagrams() as u64;
        self.begin_phases(arrival(now, &entry.meta));
        self.destinations.get_mut(destination).answers += datagrams;
        let is_first = self.destinations.first() == Some(destination);
        let is_wanted = match (self.plan.flows_of, self.plan.answers) {
            (FlowsOf::AllClients, _) | (_, AnswersFrom::None) => false,
            (_, AnswersFrom::All) => true,
            (_, AnswersFrom::First) => is_first,
        };
        let header = self.header(&entry.meta);
        let Some(flow) = self.flows.get_mut(number) else { return };
        flow.last = now.mono;
        if let Some(gaps) = &mut flow.down_gaps {
            gaps.arrived(arrival(now, &entry.meta), self.started.unwrap_or_default());
        }
        flow.down.received += datagrams;
        flow.down.received_bytes += bytes.len() as u64;
        let header = match (header, is_wanted) {
            (_, false) => {
                return flow.down.refused.add(RelayRefusal::AnswerUnwanted, datagrams);
            }
            (None, true) => return flow.down.refused.add(RelayRefusal::TtlExpired, datagrams),
            (Some(header), true) => header,
        };
        if let Some(down) = &mut self.down {
            let arrived = arrival(now, &entry.meta);
            down.carry_buffer(arrived, (number, header), (entry, bytes), &mut flow.down);
            return;
        }
        match self.store(number, header, entry, bytes) {
            Some(pending) => self.send_down(pending),
            None => {
                if let Some(flow) = self.flows.get_mut(number) {
                    flow.down.refused.add(RelayRefusal::QueueFull, datagrams);
                }
            }
        }
    }

    /// The network reported an error for an earlier datagram.
    pub fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if let Some(Role::Towards { destination, .. }) = self.roles.get(error.socket) {
            self.destinations.get_mut(*destination).network_errors += error.times;
        }
        let at = self.since_start(now);
        if let Some(trouble) = self.troubles.observe(at, error).cloned() {
            self.take(RelayEvent::Trouble(trouble));
        }
    }

    /// A membership or an address went or came back with this host's interfaces.
    pub fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        let at = self.since_start(now);
        self.interfaces.observe(at, change);
    }

    /// The drop counter of a socket that clients send to.
    pub fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        if let Some(count) = self.drops.get_mut(socket) {
            count.observe(drops);
        }
    }

    /// A socket towards a destination is closed and had dropped so many buffers.
    pub fn on_answer_drops(&mut self, buffers: u64) {
        self.answer_drops += buffers;
    }

    /// An interval is over.
    pub fn on_tick(&mut self, now: Now) {
        let interval = self.interval(now);
        self.take(RelayEvent::Interval(interval));
        self.take(RelayEvent::Destinations(self.destinations.rows()));
    }

    /// The user asks how it stands.
    pub fn on_status(&mut self, now: Now) {
        let so_far = self.so_far(now);
        self.take(RelayEvent::Status(so_far));
    }

    /// Programs watch the run: tells the counts so far.
    pub fn on_watch(&mut self) {
        let (up, down) = self.totals();
        let standing = RelayStanding {
            flows: self.flows.len() as u64,
            flows_opened: self.flows.opened,
            flows_replaced: self.flows_replaced,
            socket_drops: self.socket_drops(),
            up,
            down,
            destinations: self.destinations.rows(),
        };
        self.take(RelayEvent::Standing(Box::new(standing)));
    }

    /// Buffers that all sockets dropped.
    fn socket_drops(&self) -> u64 {
        self.drops.iter().map(|drops| drops.total()).sum::<u64>() + self.answer_drops
    }

    /// The user asks for the end.
    pub fn on_stop(&mut self) {
        self.stopped = true;
    }

    /// Another list of destinations is in force. Datagrams to those that stay are not affected;
    /// what was queued for one that is none any more still leaves for it.
    pub fn replace_targets(&mut self, targets: &[RelayTarget]) {
        let (added, removed) = self.destinations.replace(targets);
        let destinations = self.destinations.current().len() as u64;
        self.tell(RelayNote::Reloaded { destinations, added, removed });
    }

    /// When the relay ends by itself, or must be asked again though nothing arrives; `None` for
    /// never.
    pub fn next(&self) -> Option<Nanos> {
        let ends = self.plan.time.zip(self.started).map(|(time, started)| started + time);
        let due = [&self.up, &self.down].into_iter().flatten().filter_map(Impaired::next);
        let looks = (self.flows.len() > 0).then_some(self.next_look);
        due.chain(ends).chain(looks).min()
    }

    /// Whether the run is over.
    pub fn is_over(&self, now: Now) -> bool {
        let ends = self.plan.time.zip(self.started).map(|(time, started)| started + time);
        self.stopped || !self.is_read || ends.is_some_and(|end| end <= now.mono)
    }

    fn since_start(&self, now: Now) -> Nanos {
        now.mono - self.started.unwrap_or(now.mono)
    }

    fn tell(&mut self, note: RelayNote) {
        self.take(RelayEvent::Note(note));
    }

    fn take(&mut self, event: RelayEvent) {
        if self.sink.take(event) == SinkFlow::Closed {
            self.is_read = false;
        }
    }

    /// The counts of both directions so far.
    fn totals(&self) -> (RelayCounts, RelayCounts) {
        let (mut up, mut down) = self.flows.ended_counts();
        up.add(&self.strays);
        for (_, flow) in self.flows.iter() {
            up.add(&flow.up);
            down.add(&flow.down);
        }
        (up, down)
    }

    fn interval(&mut self, now: Now) -> RelayInterval {
        let (up, down) = self.totals();
        let (at, flows) = (self.since_start(now), self.flows.len() as u64);
        self.intervals.close(at, flows, (up, down))
    }

    fn so_far(&self, now: Now) -> RelayInterval {
        let (up, down) = self.totals();
        let (at, flows) = (self.since_start(now), self.flows.len() as u64);
        Intervals::default().close(at, flows, (up, down))
    }
}

/// When the kernel received a buffer, on the monotonic clock.
fn arrival(now: Now, meta: &RxMeta) -> Nanos {
    now.mono - (now.real - meta.arrival)
}
