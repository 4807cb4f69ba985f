//! What leaves: copies to the sockets of a flow, runs for one system call each, and what became of
//! them.

use super::impaired::Delays;
use super::outlet::{Delayed, Header, Outlet, Pending};
use super::{LARGEST, REFUSALS, Relay, RelaySource, Role, SLOTS};
use crate::batch::{Dest, DestId, SendOutcome, SendStop, TxBatch, TxSlot};
use crate::machine::Now;
use crate::record::{RelayEvent, RelayRefusal, RelayWay, SendRefusal, Sink};
use std::net::SocketAddr;

/// What is to be done with a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOrder {
    /// A socket towards a destination is opened under this number.
    Open {
        /// Its number.
        number: usize,
        /// The destination.
        to: SocketAddr,
        /// Index of the interface to leave by; 0 leaves it to the route.
        interface: u32,
        /// Whether it is a group or a broadcast address, so that the socket must not be connected:
        /// answers would not arrive.
        is_shared: bool,
        /// The address to send from, which is the client's; `None` for one of this host's.
        from: Option<SocketAddr>,
    },
    /// The socket of this number is closed.
    Close {
        /// Its number.
        number: usize,
    },
}

/// The datagrams of the batch, which leave by one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The socket.
    pub socket: usize,
    /// What the socket must have set before; `None` if each datagram says it.
    pub header: Option<Header>,
}

impl<S: Sink<RelayEvent>> Relay<S> {
    /// The next order.
    pub fn next_order(&mut self) -> Option<SocketOrder> {
        self.orders.pop_front()
    }

    /// A socket was opened and has this local port.
    pub fn on_opened(&mut self, number: usize, port: u16) {
        *self.own_ports.entry(port).or_insert(0) += 1;
        self.local_ports.insert(number, port);
    }

    /// A socket could not be opened: what was to leave by it is refused.
    pub fn on_open_failed(&mut self, now: Now, number: usize, errno: i32) {
        let datagrams = self.outlets[number].pending().map(|one| u64::from(one.count)).sum();
        if let Some(Role::Towards { flow, destination }) = self.roles.get(number).copied() {
            if let Some(flow) = self.flows.get_mut(flow)
                && let Some(socket) = flow.sockets.get_mut(destination)
            {
                *socket = None;
            }
            self.settle(now, number, usize::MAX, Fate::Refused(RelayRefusal::SendRefused));
            let to = self.destinations.get(destination).target.address;
            self.note_refusal(now, (errno, to), datagrams);
        }
        self.free_number(number);
    }

    pub(super) fn close_socket(&mut self, number: usize) {
        self.orders.push_back(SocketOrder::Close { number });
        if let Some(port) = self.local_ports.remove(&number)
            && let Some(count) = self.own_ports.get_mut(&port)
        {
            *count -= 1;
            if *count == 0 {
                self.own_ports.remove(&port);
            }
        }
        self.free_number(number);
    }

    fn free_number(&mut self, number: usize) {
        self.roles[number] = Role::Closed;
        self.outlets[number] = Outlet::default();
        self.free.push(number);
    }

    /// The socket of a flow towards a destination, which is opened if there is none yet.
    fn socket_towards(&mut self, flow: usize, destination: usize) -> Option<usize> {
        let own = self.flows.get_mut(flow)?;
        if own.sockets.len() <= destination {
            own.sockets.resize(destination + 1, None);
        }
        if let Some(number) = own.sockets[destination] {
            return Some(number);
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.roles.push(Role::Closed);
            self.outlets.push(Outlet::default());
            self.roles.len() - 1
        });
        own.sockets[destination] = Some(number);
        let arrival = self.plan.listeners[own.key.listener].address.port();
        self.roles[number] = Role::Towards { flow, destination };
        let target = self.destinations.get(destination).target;
        let to = target.at_port(arrival, &self.plan.port_changes);
        let (interface, is_shared) = (target.interface, target.is_shared);
        let kept = own.key.client.filter(|_| self.plan.source == RelaySource::Client);
        let from = kept.filter(|client| client.is_ipv4() == to.is_ipv4());
        self.orders.push_back(SocketOrder::Open { number, to, interface, is_shared, from });
        Some(number)
    }

    /// Sends datagrams to every destination.
    pub(super) fn send_up(&mut self, pending: Pending) {
        let count = u64::from(pending.count);
        let destinations = self.destinations.current().len();
        if let Some(flow) = self.flows.get_mut(pending.flow) {
            if destinations == 0 {
                flow.up.refused.add(RelayRefusal::NoDestination, count);
                return;
            }
            flow.up.copies += count * (destinations as u64 - 1);
        }
        for index in 0..destinations {
            let destination = self.destinations.current()[index];
            let Some(number) = self.socket_towards(pending.flow, destination) else { continue };
            self.push(number, pending);
        }
    }

    /// Sends answers to the client of their flow.
    pub(super) fn send_down(&mut self, pending: Pending) {
        let listener = self.flows.get(pending.flow).map(|flow| flow.key.listener);
        if let Some(number) = listener {
            self.push(number, pending);
        }
    }

    fn push(&mut self, number: usize, pending: Pending) {
        let outlet = &mut self.outlets[number];
        let was_empty = !outlet.has_pending();
        let refused = outlet.push(pending, &self.batch);
        if was_empty && outlet.has_pending() {
            self.touched.push_back(number);
        }
        self.queue(number, &pending, u64::from(pending.count) - refused);
        self.refuse(number, pending.flow, RelayRefusal::QueueFull, refused);
    }

    /// Counts datagrams that wait for a socket.
    fn queue(&mut self, number: usize, pending: &Pending, datagrams: u64) {
        let role = self.roles[number];
        if let Role::Towards { destination, .. } = role {
            self.destinations.get_mut(destination).queued += datagrams;
        }
        let Some(flow) = self.flows.get_mut(pending.flow) else { return };
        match role {
            Role::Listener => flow.down.queued += datagrams,
            Role::Towards { .. } | Role::Closed => flow.up.queued += datagrams,
        }
    }

    /// Counts datagrams that did not leave by a socket.
    fn refuse(&mut self, number: usize, flow: usize, why: RelayRefusal, datagrams: u64) {
        if datagrams == 0 {
            return;
        }
        let role = self.roles[number];
        if let Role::Towards { destination, .. } = role {
            self.destinations.refuse(destination, why, datagrams);
        }
        let Some(flow) = self.flows.get_mut(flow) else { return };
        match role {
            Role::Listener => flow.down.refused.add(why, datagrams),
            Role::Towards { .. } | Role::Closed => flow.up.refused.add(why, datagrams),
        }
    }

    /// Releases what is due, as far as the batch has room; returns whether all was.
    pub fn release(&mut self, now: Now) -> bool {
        self.end_silent(now.mono);
        self.release_way(now, RelayWay::Up) && self.release_way(now, RelayWay::Down)
    }

    fn release_way(&mut self, now: Now, way: RelayWay) -> bool {
        loop {
            let side = match way {
                RelayWay::Up => &mut self.up,
                RelayWay::Down => &mut self.down,
            };
            let Some(side) = side else { return true };
            if self.batch.free_bytes() < LARGEST {
                return side.next().is_none_or(|next| next > now.mono);
            }
            let Some((due, held)) = side.take_due(now.mono) else { return true };
            let offset = self.batch.store(&held.payload);
            let len = held.payload.len();
            side.recycle(held.payload);
            let delayed = Delayed { arrived: held.arrived, due };
            if let Some(flow) = self.flows.get_mut(held.flow) {
                let counts = match way {
                    RelayWay::Up => &mut flow.up,
                    RelayWay::Down => &mut flow.down,
                };
                counts.queued -= held.count;
                if offset.is_none() {
                    counts.refused.add(RelayRefusal::QueueFull, held.count);
                }
            }
            let Some(offset) = offset else { continue };
            let one = Pending::one(offset, len, held.flow, held.header);
            let (stride, count) = (held.stride as u32, held.count as u32);
            let pending = Pending { stride, count, delayed: Some(delayed), ..one };
            match way {
                RelayWay::Up => self.send_up(pending),
                RelayWay::Down => self.send_down(pending),
            }
        }
    }

    /// A socket takes datagrams again.
    pub fn on_writable(&mut self, number: usize) {
        let Some(outlet) = self.outlets.get_mut(number) else { return };
        if !outlet.is_blocked() {
            return;
        }
        let was_empty = !outlet.has_pending();
        outlet.unblock(&mut self.batch);
        if was_empty && outlet.has_pending() {
            self.touched.push_back(number);
        }
    }

    /// Writes the datagrams of the next run into the batch; `None` when nothing is left, and the
    /// batch is then empty.
    pub fn next_run(&mut self) -> Option<Run> {
        while let Some(number) = self.touched.front().copied() {
            if self.outlets[number].has_pending() {
                let header = self.write_run(number);
                return Some(Run { socket: number, header });
            }
            self.touched.pop_front();
        }
        self.batch.clear_slots();
        self.batch.clear();
        None
    }

    /// The batch with the datagrams of the run.
    pub fn batch(&self) -> &TxBatch {
        &self.batch
    }

    fn write_run(&mut self, number: usize) -> Option<Header> {
        let Self { batch, outlets, flows, roles, destinations, plan, .. } = self;
        batch.clear_slots();
        let Role::Towards { destination, .. } = roles[number] else {
            let mut last = None;
            for pending in outlets[number].pending() {
                let key = (pending.flow, pending.header);
                let dest = match last {
                    Some((known, dest)) if known == key => dest,
                    _ => {
                        let Some(flow) = flows.get(pending.flow) else { continue };
                        let Some(client) = flow.key.client else { continue };
                        let Header { ttl, tos } = pending.header;
                        let from = flow.local;
                        let dest = Dest { from, ttl, tos, socket: number, ..Dest::from(client) };
                        batch.append_dest(dest)
                    }
                };
                last = Some((key, dest));
                if !write(batch, pending, dest) {
                    break;
                }
            }
            return None;
        };
        let target = destinations.get(destination).target;
        let mut dest = DestId::CONNECTED;
        let mut header = None;
        for pending in outlets[number].pending() {
            if *header.get_or_insert(pending.header) != pending.header {
                break;
            }
            if target.is_shared && dest == DestId::CONNECTED {
                let flow = flows.get(pending.flow).map(|flow| flow.key.listener);
                let arrival = flow.map_or(0, |one| plan.listeners[one].address.port());
                let to = target.at_port(arrival, &plan.port_changes);
                let interface = target.interface;
                dest = batch.append_dest(Dest { interface, socket: number, ..Dest::from(to) });
            }
            if !write(batch, pending, dest) {
                break;
            }
        }
        // The TTL of a group is the system's unless it was asked for.
        header.map(|header| match (target.is_shared, plan.ttl) {
            (true, super::RelayTtl::Router) => Header { ttl: 0, ..header },
            _ => header,
        })
    }

    /// What became of the run.
    pub fn on_sent(&mut self, now: Now, socket: usize, outcome: &SendOutcome) {
        self.settle(now, socket, outcome.accepted, Fate::Left);
        match outcome.stop {
            None => {}
            Some(SendStop::Refused { datagrams, errno }) => {
                let to = self.address_of(socket);
                self.settle(now, socket, datagrams, Fate::Refused(RelayRefusal::SendRefused));
                self.note_refusal(now, (errno, to), datagrams as u64);
            }
            Some(SendStop::Blocked) => {
                let mut refused = Vec::new();
                let Self { outlets, batch, .. } = self;
                outlets[socket].block(batch, |one, count| refused.push((one.flow, count)));
                for (flow, count) in refused {
                    self.unqueue(socket, flow, count);
                    self.refuse(socket, flow, RelayRefusal::QueueFull, count);
                }
            }
        }
    }

    /// Where the next datagram of a socket goes.
    fn address_of(&self, socket: usize) -> SocketAddr {
        let flow = self.outlets[socket].pending().next().and_then(|one| self.flows.get(one.flow));
        let client = flow.and_then(|flow| flow.key.client);
        match self.roles[socket] {
            Role::Towards { destination, .. } => self.destinations.get(destination).target.address,
            Role::Listener | Role::Closed => {
                client.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
            }
        }
    }

    fn settle(&mut self, now: Now, socket: usize, count: usize, fate: Fate) {
        let Self { outlets, flows, destinations, roles, up, down, .. } = self;
        let role = roles[socket];
        outlets[socket].settle(count, |pending, datagrams, bytes| {
            if let Role::Towards { destination, .. } = role {
                let destination = destinations.get_mut(destination);
                destination.queued -= datagrams;
                match fate {
                    Fate::Left => {
                        destination.forwarded += datagrams;
                        destination.forwarded_bytes += bytes;
                    }
                    Fate::Refused(why) => destination.refused.add(why, datagrams),
                }
            }
            let delayed =
                pending.delayed.filter(|_| fate == Fate::Left).filter(Delayed::is_delayed);
            let side = if role == Role::Listener { &mut *down } else { &mut *up };
            if let (Some(side), Some(delayed)) = (side, delayed) {
                side.left(delayed, now.mono, datagrams);
            }
            if let Some(flow) = flows.get_mut(pending.flow) {
                let (counts, delays) = match role {
                    Role::Listener => (&mut flow.down, &mut flow.down_delays),
                    Role::Towards { .. } | Role::Closed => (&mut flow.up, &mut flow.up_delays),
                };
                if let Some(delayed) = delayed {
                    let delays = delays.get_or_insert_with(|| Box::new(Delays::coarse()));
                    delays.record(delayed, now.mono, datagrams);
                }
                counts.queued -= datagrams;
                match fate {
                    Fate::Left => {
                        counts.forwarded += datagrams;
                        counts.forwarded_bytes += bytes;
                    }
                    Fate::Refused(why) => counts.refused.add(why, datagrams),
                }
            }
        });
    }

    fn unqueue(&mut self, socket: usize, flow: usize, datagrams: u64) {
        let role = self.roles[socket];
        if let Role::Towards { destination, .. } = role {
            self.destinations.get_mut(destination).queued -= datagrams;
        }
        let Some(flow) = self.flows.get_mut(flow) else { return };
        match role {
            Role::Listener => flow.down.queued -= datagrams,
            Role::Towards { .. } | Role::Closed => flow.up.queued -= datagrams,
        }
    }

    fn note_refusal(&mut self, now: Now, (errno, to): (i32, SocketAddr), datagrams: u64) {
        if datagrams == 0 {
            return;
        }
        let at = self.since_start(now);
        let known = self
            .refusals
            .iter_mut()
            .find(|known| known.errno() == errno && SocketAddr::from(known.destination) == to);
        if let Some(known) = known {
            known.again(at, datagrams);
            return;
        }
        let mut refusal = SendRefusal::explained(&(self.plan.explain)(errno, to)).at(at);
        refusal.datagrams = datagrams;
        if self.refusals.len() < REFUSALS {
            self.refusals.push(refusal.clone());
        }
        self.take(RelayEvent::Refused(refusal));
    }
}

/// What became of datagrams at their socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Left,
    Refused(RelayRefusal),
}

/// Writes the slots of some datagrams; `false` when not all have room.
fn write(batch: &mut TxBatch, pending: &Pending, dest: DestId) -> bool {
    pending.slots().all(|(offset, len)| batch.refer(TxSlot { offset, len, dest }))
        && batch.len() < SLOTS
}
