//! The network itself: who is on it, what is under way, and what happens next.

use super::host::{Host, Sent};
use super::line::Element;
use super::node::{Node, ProcessId, Running, Seated};
use super::packet::Packet;
use super::way::Way;
use crate::batch::{
    ErrorOrigin, Fragmentation, NetworkError, RxEntry, SendOutcome, SendStop, TransmitStamp,
    TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use fastrand::Rng;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::rc::Rc;

/// What one datagram costs its sender: a run without a rate must not stand still.
const SEND_COST: Nanos = Nanos(500);
/// How soon a full send buffer has room.
const BLOCKED: Nanos = Nanos::from_micros(100);
/// Calls at one instant after which a session spins.
const SPINS: u32 = 1_000;
/// A call so much later than it was meant is a pause, as in the engine's loop.
const PAUSE: Nanos = Nanos::from_millis(100);
/// `EMSGSIZE` as Linux numbers it.
pub(super) const EMSGSIZE: i32 = 90;

/// A host on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostId(usize);

/// One of the sockets of a session.
#[derive(Clone, Copy, Debug)]
pub struct SimSocket {
    /// To what it is bound; an unspecified address takes what comes to any of its host.
    pub address: SocketAddr,
    /// Where it is connected to; `None` takes datagrams from anybody.
    pub peer: Option<SocketAddr>,
    /// Whether a datagram that names nothing may be fragmented.
    pub fragmentation: Fragmentation,
    /// TTL of a datagram to a group that names none.
    pub group_ttl: u8,
}

impl SimSocket {
    /// A socket that is not connected.
    pub fn bound(address: SocketAddr) -> Self {
        Self { address, peer: None, fragmentation: Fragmentation::Allow, group_ttl: 64 }
    }

    /// A connected one.
    pub fn connected(address: SocketAddr, peer: SocketAddr) -> Self {
        Self { peer: Some(peer), ..Self::bound(address) }
    }
}

/// A session, where it runs, and when it is called next.
pub(super) struct Process {
    pub host: usize,
    pub sockets: Vec<SimSocket>,
    pub node: Rc<RefCell<dyn Node>>,
    tick: Nanos,
    next_tick: Nanos,
    wake: Nanos,
    pub is_over: bool,
    /// What its sockets hold while its host stands still.
    pub held: Vec<(RxEntry, Vec<u8>)>,
    /// Calls at one and the same instant.
    calls: u32,
    /// Taken out while the session writes into it.
    batch: Option<TxBatch>,
    sent: Sent,
    /// Datagrams that each socket's kernel took, for its stamps.
    taken: Vec<u32>,
}

/// Where a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// About to pass an element of a host's line.
    Line {
        host: usize,
        element: usize,
        way: Way,
    },
    Core,
    Host(usize),
}

/// Everything there is.
pub struct Network {
    pub(super) instant: Nanos,
    seed: u64,
    rng: Rng,
    pub(super) hosts: Vec<Host>,
    pub(super) processes: Vec<Process>,
    /// By time, then in the order of sending.
    pub(super) under_way: BTreeMap<(Nanos, u64), (Place, Packet)>,
    serial: u64,
}

impl Network {
    /// An empty network; all that is drawn on it is drawn by this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            instant: Nanos::ZERO,
            seed,
            rng: Rng::with_seed(seed),
            hosts: Vec::new(),
            processes: Vec::new(),
            under_way: BTreeMap::new(),
            serial: 0,
        }
    }

    /// Adds a host.
    pub fn add(&mut self, mut host: Host) -> HostId {
        let index = self.hosts.len();
        for (place, element) in host.line.iter_mut().enumerate() {
            let seed = self.seed ^ (index as u64 + 1) << 32 ^ (place as u64 + 1) << 48;
            match element {
                Element::Link(link) => link.seed(seed, (index, place)),
                Element::Nat(nat) => nat.seed(seed),
                _ => {}
            }
        }
        self.hosts.push(host);
        HostId(index)
    }

    /// Starts a session on a host; its first call is at once.
    pub fn start<S: Session + 'static>(
        &mut self,
        host: HostId,
        sockets: &[SimSocket],
        session: S,
    ) -> Running<S> {
        self.start_with(host, sockets, session, TxBatch::new(64, 64 * 1_472))
    }

    /// The same, with the room that the session asks for.
    pub fn start_with<S: Session + 'static>(
        &mut self,
        host: HostId,
        sockets: &[SimSocket],
        session: S,
        batch: TxBatch,
    ) -> Running<S> {
        let seated = Seated::new(session);
        self.processes.push(Process {
            host: host.0,
            sockets: sockets.to_vec(),
            node: seated.clone(),
            tick: Nanos::MAX,
            next_tick: Nanos::MAX,
            wake: self.instant,
            is_over: false,
            held: Vec::new(),
            calls: 0,
            batch: Some(batch),
            sent: Sent::default(),
            taken: vec![0; sockets.len()],
        });
        Running::new(ProcessId(self.processes.len() - 1), seated)
    }

    /// The simulation's time.
    pub fn instant(&self) -> Nanos {
        self.instant
    }

    /// A host, to look at it or to change what it does.
    pub fn host(&mut self, host: HostId) -> &mut Host {
        &mut self.hosts[host.0]
    }

    /// Both clocks of the host of a session, now.
    pub fn now(&self, process: ProcessId) -> Now {
        self.now_at(process.0)
    }

    pub(super) fn now_at(&self, process: usize) -> Now {
        self.hosts[self.processes[process].host].clock.read(self.instant)
    }

    /// What the sockets of a session did with its numbered datagrams.
    pub fn sent(&self, process: ProcessId) -> Sent {
        self.processes[process.0].sent
    }

    /// Whether a session has come to its end, or was killed.
    pub fn is_over(&self, process: ProcessId) -> bool {
        self.processes[process.0].is_over
    }

    /// Opens one more socket for a session, and returns its number among its sockets.
    pub fn open_socket(&mut self, process: ProcessId, socket: SimSocket) -> usize {
        let process = &mut self.processes[process.0];
        process.sockets.push(socket);
        process.taken.push(0);
        process.sockets.len() - 1
    }

    /// Connects a session's socket to another peer.
    pub fn redirect(&mut self, process: ProcessId, peer: SocketAddr) {
        self.processes[process.0].sockets[0].peer = Some(peer);
    }

    /// Closes a socket of a session: nothing comes to it any more. Its number is not given again.
    pub fn close_socket(&mut self, process: ProcessId, socket: usize) {
        self.processes[process.0].sockets[socket].address.set_port(0);
    }

    /// Ends a session from outside: its sockets are closed.
    pub fn kill(&mut self, process: ProcessId) {
        self.processes[process.0].is_over = true;
    }

    /// Something was left for the session: it is called at once.
    pub fn wake(&mut self, process: ProcessId) {
        self.processes[process.0].wake = self.instant;
    }

    /// Has a session ticked so often; without this it never is.
    pub fn set_tick(&mut self, process: ProcessId, tick: Nanos) {
        let instant = self.instant;
        let process = &mut self.processes[process.0];
        process.tick = tick;
        process.next_tick = instant + tick;
    }

    /// Asks a session for an early end.
    pub fn stop(&mut self, process: ProcessId) {
        let now = self.now(process);
        let node = Rc::clone(&self.processes[process.0].node);
        node.borrow_mut().on_stop(now);
        self.wake(process);
    }

    /// Has a host stand still: its sockets hold what arrives, and none of its sessions is called.
    pub fn stand_still(&mut self, host: HostId, standstill: Range<Nanos>) {
        self.hosts[host.0].standstills.push(standstill);
    }

    /// Puts a packet of unknown origin into the core.
    pub fn inject(&mut self, at: Nanos, packet: Packet) {
        self.put(at, Place::Core, packet);
    }

    /// Lets the next thing happen, if there is one by `deadline`.
    pub fn step(&mut self, deadline: Nanos) -> bool {
        let packet = self.under_way.first_key_value().map(|((at, _), _)| *at);
        let waiting = (0..self.processes.len()).filter(|index| !self.processes[*index].is_over);
        let call = waiting.map(|index| (self.due(index), index)).min();
        let next = packet.into_iter().chain(call.map(|(at, _)| at)).min();
        let Some(next) = next.filter(|next| *next <= deadline && *next < Nanos::MAX) else {
            return false;
        };
        self.instant = self.instant.max(next);
        match call {
            _ if packet == Some(next) => self.move_packet(),
            Some((_, index)) => self.call(index),
            None => {}
        }
        true
    }

    /// Runs until `deadline`.
    pub fn run_until(&mut self, deadline: Nanos) {
        while self.step(deadline) {}
        self.instant = self.instant.max(deadline);
    }

    /// Runs until every session of `wanted` is over.
    ///
    /// # Panics
    /// When `deadline` comes first: a run that hangs is a fault.
    pub fn run(&mut self, wanted: &[ProcessId], deadline: Nanos) {
        while !wanted.iter().all(|process| self.is_over(*process)) {
            let goes_on = self.step(deadline);
            assert!(goes_on, "seed {}: hangs, still at {}", self.seed, self.instant);
        }
    }

    /// Runs a session to its end and has its summary.
    ///
    /// # Panics
    /// When `deadline` comes first.
    pub fn finish<S: Session>(&mut self, running: &Running<S>, deadline: Nanos) -> S::Summary {
        self.run(&[running.id()], deadline);
        running.finish(self.now(running.id()))
    }

    fn due(&self, index: usize) -> Nanos {
        let Process { host, wake, next_tick, held, .. } = &self.processes[index];
        let at = if held.is_empty() { *wake.min(next_tick) } else { self.instant };
        self.hosts[*host].stands_until(at.max(self.instant)).unwrap_or(at)
    }

    fn call(&mut self, index: usize) {
        let now = self.now_at(index);
        let process = &mut self.processes[index];
        let pause = self.instant - process.wake.min(process.next_tick);
        let node = Rc::clone(&process.node);
        if pause >= PAUSE {
            node.borrow_mut().on_pause(now, pause);
        }
        for (entry, bytes) in process.held.drain(..) {
            node.borrow_mut().on_buffer(now, &entry, &bytes);
        }
        if process.next_tick <= self.instant {
            while process.next_tick <= self.instant {
                process.next_tick += process.tick;
            }
            node.borrow_mut().on_tick(now);
        }
        self.poll(index);
    }

    /// One turn of the engine's loop: ask, send, tell, and note when to ask again.
    pub(super) fn poll(&mut self, index: usize) {
        let now = self.now_at(index);
        let node = Rc::clone(&self.processes[index].node);
        let Some(mut batch) = self.processes[index].batch.take() else { return };
        let next = node.borrow_mut().poll_transmit(now, &mut batch);
        let written = batch.len() as u64;
        let blocked = written > 0 && self.transmit(index, &node, &batch);
        batch.clear();
        let host = &self.hosts[self.processes[index].host];
        let late = Nanos(self.rng.u64(0..=host.late.0));
        let wake = match next {
            Next::Done if !blocked => {
                self.processes[index].is_over = true;
                Nanos::MAX
            }
            _ if blocked => self.instant + BLOCKED,
            Next::Done | Next::Send => self.instant + Nanos(SEND_COST.0 * written),
            Next::WaitUntil(at) => (host.clock.instant_of(at) + late).max(self.instant),
            Next::Idle => Nanos::MAX,
        };
        let process = &mut self.processes[index];
        process.batch = Some(batch);
        process.calls = if wake == self.instant { process.calls + 1 } else { 0 };
        assert!(
            process.calls < SPINS,
            "seed {}: spins at {} with {next:?}",
            self.seed,
            self.instant
        );
        process.wake = wake;
    }

    /// Sends the batch; whether the buffer was full.
    fn transmit(&mut self, index: usize, node: &Rc<RefCell<dyn Node>>, batch: &TxBatch) -> bool {
        let host = self.processes[index].host;
        let mut outcome = self.hosts[host].outcome(batch.len(), &mut self.rng);
        let mut errors = Vec::new();
        let mut stamps = Vec::new();
        let now = self.now_at(index);
        for number in 0..outcome.accepted {
            let slot = batch.slots()[number];
            match self.send(index, batch, number) {
                Ok(()) => {
                    let socket = batch.socket_of(&slot);
                    let taken = &mut self.processes[index].taken[socket];
                    stamps.push(TransmitStamp { socket, number: *taken, at: now.real });
                    *taken = taken.wrapping_add(1);
                }
                Err((errno, error)) => {
                    errors.extend(error);
                    let stop = Some(SendStop::Refused { datagrams: 1, errno });
                    outcome = SendOutcome { accepted: number, stop };
                    break;
                }
            }
        }
        if batch.slots().first().is_some_and(|slot| is_data(batch.payload(slot))) {
            tally(&mut self.processes[index].sent, &outcome);
        }
        for error in &errors {
            node.borrow_mut().on_network_error(now, error);
        }
        node.borrow_mut().on_sent(now, batch, &outcome);
        if self.hosts[host].stamps {
            for stamp in &stamps {
                node.borrow_mut().on_transmit_stamp(now, stamp);
            }
        }
        outcome.stop == Some(SendStop::Blocked)
    }

    /// Sends one datagram, or says why this host does not.
    fn send(
        &mut self,
        index: usize,
        batch: &TxBatch,
        number: usize,
    ) -> Result<(), (i32, Option<Box<NetworkError>>)> {
        let slot = batch.slots()[number];
        let socket = self.processes[index].sockets[batch.socket_of(&slot)];
        let dest = batch.dest(slot.dest).copied();
        let peer = socket.peer.map(crate::batch::Dest::from);
        let dest = dest.or(peer).expect("a connected slot has a peer");
        let host = &mut self.hosts[self.processes[index].host];
        let payload = batch.payload(&slot);
        let refusal = host.send_rule.as_mut().and_then(|rule| rule(self.instant, &dest, payload));
        if let Some(errno) = refusal {
            return Err((errno, None));
        }
        let own = Some(socket.address.ip()).filter(|ip| !ip.is_unspecified());
        let source = dest.from.or(own).or_else(|| host.source_for(dest.addr.ip()));
        // ENETUNREACH: no address of this family.
        let Some(source) = source else { return Err((101, None)) };
        let from = SocketAddr::new(source, socket.address.port());
        let mut packet = Packet::udp(from, dest.addr, payload.to_vec());
        packet.ttl = match dest.ttl {
            0 if dest.addr.ip().is_multicast() => socket.group_ttl,
            0 => packet.ttl,
            ttl => ttl,
        };
        packet.tos = dest.tos;
        let fragmentation = dest.fragmentation.unwrap_or(socket.fragmentation);
        packet.may_fragment = fragmentation == Fragmentation::Allow;
        if packet.ip_len() > host.mtu && !packet.may_fragment {
            let mut error = NetworkError::new(ErrorOrigin::Local, (0, 0), EMSGSIZE, dest.addr, b"");
            error.mtu = Some(host.mtu);
            error.socket = dest.socket;
            return Err((EMSGSIZE, Some(Box::new(error))));
        }
        packet.fit(host.mtu);
        let index = self.processes[index].host;
        if host.loops && host.groups.contains(&packet.to.ip()) {
            self.put(self.instant, Place::Host(index), packet.clone());
        }
        // One with a TTL of 0 does not leave its host.
        if packet.ttl > 0 {
            self.put(self.instant, self.first_place(index), packet);
        }
        Ok(())
    }

    /// Where what a host sends is first.
    pub(super) fn first_place(&self, host: usize) -> Place {
        match self.hosts[host].line.len() {
            0 => Place::Core,
            _ => Place::Line { host, element: 0, way: Way::Out },
        }
    }

    /// Where what comes to a host is first.
    fn last_place(&self, host: usize) -> Place {
        match self.hosts[host].line.len() {
            0 => Place::Host(host),
            elements => Place::Line { host, element: elements - 1, way: Way::Back },
        }
    }

    pub(super) fn put(&mut self, at: Nanos, place: Place, packet: Packet) {
        let at = match (place, self.moderation_of(place)) {
            (_, 0) => at,
            (_, period) => Nanos(at.0.div_ceil(period) * period),
        };
        self.serial += 1;
        self.under_way.insert((at, self.serial), (place, packet));
    }

    fn moderation_of(&self, place: Place) -> u64 {
        match place {
            Place::Host(host) => self.hosts[host].moderation.0,
            _ => 0,
        }
    }

    fn move_packet(&mut self) {
        let Some(((at, _), (place, packet))) = self.under_way.pop_first() else { return };
        self.follow(at, place, packet);
    }

    /// Moves a packet on as far as it gets at this instant.
    fn follow(&mut self, at: Nanos, place: Place, packet: Packet) {
        match place {
            Place::Line { host, element, way } => self.pass(host, element, way, packet),
            Place::Core => self.route(packet),
            Place::Host(host) => self.arrive(at, host, packet),
        }
    }

    fn pass(&mut self, host: usize, element: usize, way: Way, mut packet: Packet) {
        let admits = self.hosts[host].line[element].admits(self.instant, way, &mut packet);
        let last = self.hosts[host].line.len() - 1;
        let next = |way| match way {
            Way::Back if element == 0 => Place::Host(host),
            Way::Back => Place::Line { host, element: element - 1, way },
            Way::Out if element == last => Place::Core,
            Way::Out => Place::Line { host, element: element + 1, way },
        };
        if let Some(is_admitted) = admits {
            if is_admitted {
                self.move_on(self.instant, next(way), packet);
            }
            return;
        }
        let (on, back) = (next(way), next(way.reversed()));
        let emitted = self.hosts[host].line[element].pass(self.instant, way, packet);
        emitted.on.into_iter().for_each(|(at, packet)| self.move_on(at, on, packet));
        emitted.back.into_iter().for_each(|(at, packet)| self.move_on(at, back, packet));
    }

    /// At once, where nothing holds it up; hosts take one after the other.
    fn move_on(&mut self, at: Nanos, place: Place, packet: Packet) {
        if at <= self.instant && !matches!(place, Place::Host(_)) {
            self.follow(at, place, packet);
        } else {
            self.put(at, place, packet);
        }
    }

    /// The core: to whom an address belongs, or to all that joined a group.
    fn route(&mut self, packet: Packet) {
        let to = packet.to.ip();
        let is_broadcast = to == IpAddr::from([255; 4]);
        if !to.is_multicast() && !is_broadcast {
            let taker = self.hosts.iter().position(|host| host.is_reached_by(to));
            if let Some(host) = taker {
                self.move_on(self.instant, self.last_place(host), packet);
            }
            return;
        }
        for index in 0..self.hosts.len() {
            let host = &self.hosts[index];
            let takes = is_broadcast || host.groups.contains(&to);
            if takes && !host.is_reached_by(packet.from.ip()) {
                self.move_on(self.instant, self.last_place(index), packet.clone());
            }
        }
    }
}

fn is_data(payload: &[u8]) -> bool {
    Header::decode(payload).is_ok_and(|header| header.kind == Kind::Data)
}

fn tally(sent: &mut Sent, outcome: &SendOutcome) {
    sent.accepted += outcome.accepted as u64;
    match outcome.stop {
        None => {}
        Some(SendStop::Blocked) => sent.blocked += 1,
        Some(SendStop::Refused { datagrams, .. }) => sent.refused += datagrams as u64,
    }
}

#[cfg(test)]
mod tests;
