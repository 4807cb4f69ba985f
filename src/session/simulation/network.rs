//! The network: sessions at their addresses, the links between hosts, and the datagrams in flight.

use super::{Endpoint, Faults, Link, Seat};
use crate::batch::{RxEntry, RxMeta, SendOutcome, SendStop};
use crate::session::Next;
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::rc::Rc;

/// Time that sending one datagram takes, so that time advances in a run without a rate.
const SEND_COST: Nanos = Nanos(500);
/// Time until a full send buffer has room.
const BLOCKED: Nanos = Nanos::from_micros(100);
/// Number of calls at one instant that counts as an endless loop.
const SPINS: u32 = 1_000;
/// Lateness of a call that counts as a pause, as in the engine's loop.
const PAUSE: Nanos = Nanos::from_millis(100);
/// Maximum datagrams coalesced by a network card.
const COALESCED: usize = 64;

/// A datagram in flight, with its passage over a link; injected ones have none.
struct Flight {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
    passage: Option<usize>,
}

/// The whole network.
pub struct Network {
    pub instant: Nanos,
    seats: Vec<Seat>,
    links: HashMap<(IpAddr, IpAddr), Link>,
    /// Hosts that are paused, and when.
    stops: Vec<(IpAddr, Range<Nanos>)>,
    /// By arrival, then in the order of sending.
    flights: BTreeMap<(Nanos, u64), Flight>,
    serial: u64,
    seed: u64,
    rng: fastrand::Rng,
    /// Whether consecutive datagrams of one size that arrive together come in one buffer.
    pub coalesces: bool,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        Self {
            instant: Nanos::ZERO,
            seats: Vec::new(),
            links: HashMap::new(),
            stops: Vec::new(),
            flights: BTreeMap::new(),
            serial: 0,
            seed,
            rng: fastrand::Rng::with_seed(seed),
            coalesces: false,
        }
    }

    /// Adds a session; it is called at once. The returned number identifies it from then on.
    pub fn seat(&mut self, mut seat: Seat) -> usize {
        seat.wake = self.instant;
        seat.next_tick = self.instant + seat.tick;
        self.seats.push(seat);
        self.seats.len() - 1
    }

    pub fn sitting(&self, seat: usize) -> &Seat {
        &self.seats[seat]
    }

    pub fn is_over(&self, seat: usize) -> bool {
        self.seats[seat].over
    }

    /// Removes a session: its host disappears without notice.
    pub fn unseat(&mut self, seat: usize) {
        self.seats[seat].over = true;
    }

    /// Something was left for the session: it is called at once.
    pub fn wake(&mut self, seat: usize) {
        self.seats[seat].wake = self.instant;
    }

    /// Asks the session for an early end.
    pub fn stop(&mut self, seat: usize) {
        let now = self.seats[seat].clock.read(self.instant);
        self.seats[seat].endpoint.borrow_mut().on_stop(now);
        self.wake(seat);
    }

    /// Pauses a host: its sockets buffer what arrives, and none of its sessions is called.
    pub fn stop_host(&mut self, host: IpAddr, standstill: Range<Nanos>) {
        self.stops.push((host, standstill));
    }

    /// When the host with this address resumes, if it is paused at `instant`.
    fn stands_until(&self, host: IpAddr, instant: Nanos) -> Option<Nanos> {
        let stands = self.stops.iter().find(|(of, at)| *of == host && at.contains(&instant));
        stands.map(|(_, at)| at.end)
    }

    /// The link from one host to another; without faults unless they are set.
    pub fn link(&mut self, from: IpAddr, to: IpAddr) -> &mut Link {
        let seed = self.seed ^ (self.links.len() as u64 + 1) << 32;
        self.links.entry((from, to)).or_insert_with(|| Link::new(Faults::default(), seed))
    }

    /// Injects a datagram of unknown origin, bypassing every link.
    pub fn inject(&mut self, at: Nanos, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.launch(at, Flight { from, to, bytes, passage: None });
    }

    /// Processes the next event, if there is one before `deadline`.
    pub fn step(&mut self, deadline: Nanos) -> bool {
        let flight = self.flights.first_key_value().map(|((at, _), _)| *at);
        let waiting = (0..self.seats.len()).filter(|seat| !self.seats[*seat].over);
        let call = waiting.map(|seat| (self.due(seat), seat)).min();
        let next = flight.into_iter().chain(call.map(|(at, _)| at)).min();
        let Some(next) = next.filter(|next| *next <= deadline) else { return false };
        self.instant = self.instant.max(next);
        match call {
            _ if flight == Some(next) => self.arrive(),
            Some((_, seat)) => self.call(seat),
            None => {}
        }
        true
    }

    /// Runs until every session in `wanted` is over; a run that hangs fails.
    pub fn run(&mut self, wanted: &[usize], deadline: Nanos) {
        while !wanted.iter().all(|seat| self.seats[*seat].over) {
            assert!(self.step(deadline), "seed {}: hangs, still at {}", self.seed, self.instant);
        }
    }

    fn due(&self, seat: usize) -> Nanos {
        let Seat { address, wake, next_tick, held, .. } = &self.seats[seat];
        let at = if held.is_empty() { *wake.min(next_tick) } else { self.instant };
        self.stands_until(address.ip(), at.max(self.instant)).unwrap_or(at)
    }

    fn call(&mut self, index: usize) {
        let seat = &mut self.seats[index];
        let now = seat.clock.read(self.instant);
        let pause = self.instant - seat.wake.min(seat.next_tick);
        if pause >= PAUSE {
            seat.endpoint.borrow_mut().on_pause(now, pause);
        }
        for (entry, bytes) in seat.held.drain(..) {
            seat.endpoint.borrow_mut().on_buffer(now, &entry, &bytes);
        }
        if seat.next_tick <= self.instant {
            while seat.next_tick <= self.instant {
                seat.next_tick += seat.tick;
            }
            seat.endpoint.borrow_mut().on_tick(now);
        }
        self.poll(index);
    }

    /// One turn of the engine's loop: poll, send, report, and record when to poll again.
    fn poll(&mut self, index: usize) {
        let seat = &mut self.seats[index];
        let now = seat.clock.read(self.instant);
        let endpoint = Rc::clone(&seat.endpoint);
        let next = endpoint.borrow_mut().poll_transmit(now, &mut seat.batch);
        let written = seat.batch.len() as u64;
        let blocked = written > 0 && self.transmit(index, &endpoint);
        let seat = &mut self.seats[index];
        seat.batch.clear();
        let late = Nanos(self.rng.u64(0..=seat.late.0));
        let wake = match next {
            Next::Done if !blocked => {
                seat.over = true;
                Nanos::MAX
            }
            _ if blocked => self.instant + BLOCKED,
            Next::Done | Next::Send => self.instant + Nanos(SEND_COST.0 * written),
            Next::WaitUntil(at) => (seat.clock.instant_of(at) + late).max(self.instant),
            Next::Idle => Nanos::MAX,
        };
        seat.calls = if wake == self.instant { seat.calls + 1 } else { 0 };
        assert!(seat.calls < SPINS, "seed {}: spins at {} with {next:?}", self.seed, self.instant);
        seat.wake = wake;
    }

    /// Sends the batch; returns whether the buffer was full.
    fn transmit(&mut self, index: usize, endpoint: &Rc<RefCell<dyn Endpoint>>) -> bool {
        let outcome = self.seats[index].outcome(&mut self.rng);
        let batch =
            std::mem::replace(&mut self.seats[index].batch, crate::batch::TxBatch::new(1, 1));
        let from = self.seats[index].address;
        let numbered = batch.slots().first().is_some_and(|slot| is_data(batch.payload(slot)));
        for slot in &batch.slots()[..outcome.accepted] {
            let to = batch.dest(slot.dest).map(|dest| dest.addr).or(self.seats[index].peer);
            let to = to.expect("a connected slot has a peer");
            self.send(from, to, batch.payload(slot));
        }
        if numbered {
            tally(&mut self.seats[index], &outcome);
        }
        let now = self.seats[index].clock.read(self.instant);
        endpoint.borrow_mut().on_sent(now, &batch, &outcome);
        self.seats[index].batch = batch;
        outcome.stop == Some(SendStop::Blocked)
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let instant = self.instant;
        let (passage, copies) = self.link(from.ip(), to.ip()).carry(instant, bytes);
        for at in copies {
            let bytes = self.link(from.ip(), to.ip()).deliver(bytes);
            self.launch(at, Flight { from, to, bytes, passage: Some(passage) });
        }
    }

    fn launch(&mut self, at: Nanos, flight: Flight) {
        self.serial += 1;
        self.flights.insert((at, self.serial), flight);
    }

    /// The session that gets a datagram: as in the kernel, a socket connected to its sender has
    /// priority.
    fn taker(&self, flight: &Flight) -> Option<usize> {
        let fits = |peer: Option<SocketAddr>| {
            self.seats
                .iter()
                .position(|seat| !seat.over && seat.address == flight.to && seat.peer == peer)
        };
        fits(Some(flight.from)).or_else(|| fits(None))
    }

    fn arrive(&mut self) {
        let Some(((at, _), flight)) = self.flights.pop_first() else { return };
        let Some(taker) = self.taker(&flight) else { return };
        let mut bytes = flight.bytes.clone();
        self.note(&flight);
        let stride = flight.bytes.len();
        let mut joined = 1;
        while self.coalesces && stride > 0 && bytes.len() == joined * stride && joined < COALESCED {
            // A shorter one may end the run.
            let Some(entry) = self.flights.first_entry() else { break };
            let next = entry.get();
            let fits = (1..=stride).contains(&next.bytes.len());
            if entry.key().0 != at || next.from != flight.from || next.to != flight.to || !fits {
                break;
            }
            let next = entry.remove();
            bytes.extend_from_slice(&next.bytes);
            self.note(&next);
            joined += 1;
        }
        let seat = &self.seats[taker];
        let now = seat.clock.read(self.instant);
        let meta = RxMeta {
            source: flight.from,
            destination: Some(flight.to.ip()),
            arrival: seat.clock.read(at).real,
            kernel_stamp: true,
            ..RxEntry::default().meta
        };
        let stride = if joined > 1 { stride } else { 0 };
        let entry = RxEntry { len: bytes.len(), true_len: bytes.len(), stride, meta };
        if self.stands_until(flight.to.ip(), self.instant).is_some() {
            self.seats[taker].held.push((entry, bytes));
            return;
        }
        let endpoint = Rc::clone(&seat.endpoint);
        endpoint.borrow_mut().on_buffer(now, &entry, &bytes);
        self.poll(taker);
    }

    /// Logs on the link that a datagram was accepted.
    fn note(&mut self, flight: &Flight) {
        if let Some(passage) = flight.passage {
            self.link(flight.from.ip(), flight.to.ip()).arrivals.push(passage);
        }
    }
}

fn is_data(payload: &[u8]) -> bool {
    Header::decode(payload).is_ok_and(|header| header.kind == Kind::Data)
}

fn tally(seat: &mut Seat, outcome: &SendOutcome) {
    seat.sent.accepted += outcome.accepted as u64;
    match outcome.stop {
        None => {}
        Some(SendStop::Blocked) => seat.sent.blocked += 1,
        Some(SendStop::Refused { datagrams, .. }) => seat.sent.refused += datagrams as u64,
    }
}
