//! A test environment: senders and receivers over links that lose, duplicate and delay by a seed,
//! and count what they did.

use super::*;
use crate::batch::{
    Datagram, ErrorOrigin, NetworkError, OwnFinding, RxEntry, RxMeta, SendOutcome, TxBatch,
};
use crate::netsim::alter;
use crate::record::{CastEvent, FanoutEvent, Flow, Sink};
use crate::session::{FixedMessages, Message, Next, Now, Session, Spacing};
use crate::units::Nanos;
use crate::wire::{Header, Kind, TicketKey};
use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

pub(super) const GROUP: &str = "239.1.2.3:5000";

/// Events that a sink received.
#[derive(Default, Debug)]
pub(super) struct Heard {
    pub silences: usize,
    /// Receivers heard and wanted, each time that the sender waited for more.
    pub waited: Vec<(u64, u64)>,
    pub subscribed: usize,
    pub unsubscribed: usize,
}

impl Sink<FanoutEvent<'_>> for Heard {
    fn take(&mut self, event: FanoutEvent<'_>) -> Flow {
        match event {
            FanoutEvent::Silence(_) => self.silences += 1,
            FanoutEvent::Waiting { heard, wanted, .. } => self.waited.push((heard, wanted)),
            FanoutEvent::Subscribed(_) => self.subscribed += 1,
            FanoutEvent::Unsubscribed(..) => self.unsubscribed += 1,
            FanoutEvent::Standing { .. } => {}
        }
        Flow::Continue
    }
}

impl Sink<CastEvent<'_>> for Heard {
    fn take(&mut self, _event: CastEvent<'_>) -> Flow {
        Flow::Continue
    }
}

/// What a link does, in thousandths, and its delay.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    /// Loss of data.
    pub loss: u64,
    /// Loss of end marks and announcements.
    pub line_loss: u64,
    pub copies: u64,
    /// Loss and duplication of reports, on the way back.
    pub report_loss: u64,
    pub delay: Nanos,
    /// Share of all datagrams, both ways, in which a number is replaced by an extreme one.
    pub extremes: u64,
    /// Maximum additional delay; more than the datagrams' spacing causes reordering.
    pub jitter: Nanos,
}

type Sender = CastSender<FixedMessages, Heard>;
type Receiver = CastReceiver<Heard>;

pub(super) struct SenderSeat {
    pub addr: SocketAddr,
    session: Option<Sender>,
    batch: TxBatch,
    pub end: Option<CastSenderEnd<Heard>>,
    pub ended: Nanos,
    pub first_data: Option<Nanos>,
    wake: Nanos,
}

pub(super) struct ReceiverSeat {
    pub addr: SocketAddr,
    session: Option<Receiver>,
    batch: TxBatch,
    pub link: Link,
    /// Its real-time clock minus the sender's.
    clock: Nanos,
    wake: Nanos,
    joined: bool,
    /// Numbers that reached it, by sender.
    pub came: Vec<HashSet<u32>>,
    pub delivered: Vec<u64>,
    /// Bytes from and to each sender.
    pub bytes: Vec<(u64, u64)>,
    pub end: Option<CastReceiverEnd<Heard>>,
}

struct Flying {
    from: SocketAddr,
    to: Seat,
    destination: SocketAddr,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Seat {
    Sender(usize),
    Receiver(usize),
}

pub(super) struct Field {
    pub now: Nanos,
    pub rng: fastrand::Rng,
    pub senders: Vec<SenderSeat>,
    pub receivers: Vec<ReceiverSeat>,
    /// Loss near the sender, in thousandths: seen by all receivers.
    pub shared_loss: u64,
    flying: BTreeMap<(Nanos, u64), Flying>,
    order: u64,
}

/// A sender's plan: `count` datagrams, one every `every`.
pub(super) fn plan(targets: &[SocketAddr], every: Nanos, open: bool) -> CastSenderConfig {
    let door = DoorPolicy { open, listed: false, key: TicketKey([5; 32]) };
    CastSenderConfig {
        targets: targets.iter().map(|addr| crate::batch::Dest::from(*addr)).collect(),
        broadcasts: Vec::new(),
        names: Names::default(),
        tag: Some(7),
        spacing: Spacing::Every(every),
        time: None,
        receivers: 0,
        wait: None,
        ear: Some(EarConfig { run: Some(0xC0_FFEE), compare: false, door }),
        explain: OwnFinding::from_errno,
    }
}

impl ReceiverSeat {
    /// Removes the senders, with their counts.
    pub fn forget_senders(&mut self) {
        self.came.clear();
        self.delivered.clear();
        self.bytes.clear();
    }
}

impl Field {
    pub fn new(seed: u64) -> Self {
        Self {
            now: Nanos::from_secs(100),
            rng: fastrand::Rng::with_seed(seed),
            senders: Vec::new(),
            receivers: Vec::new(),
            shared_loss: 0,
            flying: BTreeMap::new(),
            order: 0,
        }
    }

    pub fn add_sender(&mut self, config: CastSenderConfig, count: u64) {
        let addr = SocketAddr::from(([10, 0, 0, 1 + self.senders.len() as u8], 7000));
        let mut batch = TxBatch::new(64, 1 << 17);
        let messages = FixedMessages::new(vec![Message::Bytes(vec![7; 100])], Some(count));
        let session = CastSender::new(config, messages, Heard::default(), &mut batch);
        self.senders.push(SenderSeat {
            addr,
            session: Some(session),
            batch,
            end: None,
            ended: Nanos::ZERO,
            first_data: None,
            wake: self.now,
        });
        for receiver in &mut self.receivers {
            receiver.came.push(HashSet::new());
            receiver.delivered.push(0);
            receiver.bytes.push((0, 0));
        }
    }

    /// Adds a receiver: a group member, or one that subscribes to a sender.
    pub fn add_receiver(&mut self, link: Link, subscribe: Option<SocketAddr>) {
        let index = self.receivers.len();
        let addr = SocketAddr::from(([10, 0, 1, index as u8], 5000));
        let group = match subscribe {
            None => GROUP.parse().unwrap(),
            Some(_) => SocketAddr::from(([0, 0, 0, 0], 5000)),
        };
        let config = CastReceiverConfig {
            listens: vec![Listen { group, interfaces: Vec::new(), since: self.now, answers: 0 }],
            reports: Some(self.rng.u64(..)),
            subscribe,
            ..CastReceiverConfig::default()
        };
        self.receivers.push(ReceiverSeat {
            addr,
            session: Some(CastReceiver::new(config, Heard::default())),
            batch: TxBatch::new(64, 1 << 17),
            link,
            clock: Nanos::from_secs(1_000 * (1 + index as u64)),
            wake: self.now,
            joined: subscribe.is_none(),
            came: vec![HashSet::new(); self.senders.len()],
            delivered: vec![0; self.senders.len()],
            bytes: vec![(0, 0); self.senders.len()],
            end: None,
        });
    }

    /// A receiver disappears without notice.
    pub fn kill(&mut self, receiver: usize) {
        self.receivers[receiver].session = None;
    }

    pub fn stop_receiver(&mut self, receiver: usize) {
        let now = self.receiver_now(receiver);
        let seat = &mut self.receivers[receiver];
        if let Some(session) = &mut seat.session {
            session.on_stop(now);
            seat.wake = Nanos::ZERO;
        }
    }

    /// Runs until `until`, or until every sender has ended.
    pub fn run_until(&mut self, until: Nanos) {
        while self.now < until && self.senders.iter().any(|one| one.session.is_some()) {
            self.step(until);
        }
    }

    /// Runs until `until`.
    pub fn run_on(&mut self, until: Nanos) {
        while self.now < until {
            self.step(until);
        }
    }

    fn step(&mut self, until: Nanos) {
        for index in 0..self.senders.len() {
            self.turn_sender(index);
        }
        for index in 0..self.receivers.len() {
            self.turn_receiver(index);
        }
        let wakes = self.senders.iter().filter(|one| one.session.is_some()).map(|one| one.wake);
        let others = self.receivers.iter().filter(|one| one.session.is_some()).map(|one| one.wake);
        let arrivals = self.flying.keys().next().map(|(at, _)| *at);
        let next = wakes.chain(others).chain(arrivals).min().unwrap_or(until);
        // A session that asks for a time in the past is polled again a little later, to avoid an
        // endless loop.
        self.now = next.max(self.now + Nanos(1_000)).min(until);
        self.deliver();
    }

    fn sender_now(&self) -> Now {
        Now { mono: self.now, real: Nanos::from_secs(1_000_000) + self.now }
    }

    fn receiver_now(&self, index: usize) -> Now {
        let real = Nanos::from_secs(1_000_000) + self.now + self.receivers[index].clock;
        Now { mono: self.now, real }
    }

    fn turn_sender(&mut self, index: usize) {
        let now = self.sender_now();
        for _ in 0..1_000 {
            let seat = &mut self.senders[index];
            let Some(session) = &mut seat.session else { return };
            if seat.wake > self.now {
                return;
            }
            let next = session.poll_transmit(now, &mut seat.batch);
            let from = seat.addr;
            let sent: Vec<(SocketAddr, Vec<u8>)> = seat
                .batch
                .slots()
                .iter()
                .map(|slot| {
                    (seat.batch.dest(slot.dest).unwrap().addr, seat.batch.payload(slot).to_vec())
                })
                .collect();
            let outcome = SendOutcome { accepted: sent.len(), stop: None };
            session.on_sent(now, &seat.batch, &outcome);
            seat.batch.clear();
            seat.wake = match next {
                Next::Send => self.now,
                Next::WaitUntil(at) => at,
                Next::Idle => Nanos::MAX,
                Next::Done => {
                    seat.ended = self.now;
                    seat.end = seat.session.take().map(|session| session.finish(now));
                    Nanos::MAX
                }
            };
            let nothing = sent.is_empty();
            for (to, payload) in sent {
                let header = Header::decode(&payload).ok();
                if header.is_some_and(|header| header.kind == Kind::Data) {
                    self.senders[index].first_data.get_or_insert(self.now);
                }
                self.spread(from, to, &payload);
            }
            if nothing && next != Next::Send {
                return;
            }
        }
    }

    /// Delivers one datagram to all receivers that it is for.
    fn spread(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let header = Header::decode(payload).ok();
        let data = header.filter(|header| header.kind == Kind::Data);
        if data.is_some() && self.rng.u64(0..1_000) < self.shared_loss {
            return;
        }
        for index in 0..self.receivers.len() {
            let seat = &self.receivers[index];
            if !(seat.addr == to || to.ip().is_multicast() && seat.joined) || seat.session.is_none()
            {
                continue;
            }
            let link = seat.link;
            let loss = if data.is_some() { link.loss } else { link.line_loss };
            if self.rng.u64(0..1_000) < loss {
                continue;
            }
            let copies = 1 + u64::from(self.rng.u64(0..1_000) < link.copies);
            for _ in 0..copies {
                let at = self.now + link.delay + Nanos(self.rng.u64(0..=link.jitter.0));
                self.fly(at, from, Seat::Receiver(index), to, payload.to_vec());
            }
        }
    }

    fn turn_receiver(&mut self, index: usize) {
        let now = self.receiver_now(index);
        for _ in 0..100 {
            let seat = &mut self.receivers[index];
            let Some(session) = &mut seat.session else { return };
            if seat.wake > self.now {
                return;
            }
            let next = session.poll_transmit(now, &mut seat.batch);
            let sent: Vec<(SocketAddr, Vec<u8>)> = seat
                .batch
                .slots()
                .iter()
                .map(|slot| {
                    (seat.batch.dest(slot.dest).unwrap().addr, seat.batch.payload(slot).to_vec())
                })
                .collect();
            seat.batch.clear();
            seat.wake = match next {
                Next::Send => self.now,
                Next::WaitUntil(at) => at,
                Next::Idle => Nanos::MAX,
                Next::Done => {
                    seat.end = seat.session.take().map(|session| session.finish(now));
                    Nanos::MAX
                }
            };
            let (from, link) = (seat.addr, seat.link);
            let nothing = sent.is_empty();
            for (to, payload) in sent {
                let sender = self.senders.iter().position(|one| one.addr == to);
                let sender = sender.expect("only senders are written to");
                self.receivers[index].bytes[sender].1 += payload.len() as u64;
                let copies = match self.rng.u64(0..1_000) {
                    roll if roll < link.report_loss => 0,
                    roll if roll < link.report_loss * 2 => 2,
                    _ => 1,
                };
                for _ in 0..copies {
                    let at = self.now + link.delay + Nanos(self.rng.u64(0..=link.jitter.0));
                    self.fly(at, from, Seat::Sender(sender), to, payload.clone());
                }
            }
            if nothing {
                return;
            }
        }
    }

    pub fn fly_to_sender(&mut self, from: SocketAddr, sender: usize, payload: &[u8]) {
        let to = self.senders[sender].addr;
        self.fly(self.now, from, Seat::Sender(sender), to, payload.to_vec());
    }

    /// The network reports to a sender that a receiver's port is unreachable.
    pub fn refuse(&mut self, sender: usize, receiver: usize) {
        let (now, addr) = (self.sender_now(), self.receivers[receiver].addr);
        let error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, addr, b"");
        assert!(error.is_refusal());
        let seat = &mut self.senders[sender];
        if let Some(session) = &mut seat.session {
            session.on_network_error(now, &error);
            seat.wake = Nanos::ZERO;
        }
    }

    fn fly(
        &mut self,
        at: Nanos,
        from: SocketAddr,
        to: Seat,
        dest: SocketAddr,
        mut payload: Vec<u8>,
    ) {
        let extremes = self.receivers.iter().map(|one| one.link.extremes).max().unwrap_or(0);
        if extremes > 0 && self.rng.u64(0..1_000) < extremes {
            alter(&mut payload, &mut self.rng);
        }
        self.order += 1;
        let flying = Flying { from, to, destination: dest, payload };
        self.flying.insert((at, self.order), flying);
    }

    fn deliver(&mut self) {
        while let Some(first) = self.flying.first_entry() {
            if first.key().0 > self.now {
                return;
            }
            let one = first.remove();
            match one.to {
                Seat::Sender(index) => {
                    let now = self.sender_now();
                    let seat = &mut self.senders[index];
                    let Some(session) = &mut seat.session else { continue };
                    let meta = meta(one.from, one.destination, now.real);
                    let payload = &one.payload[..];
                    session.on_datagram(now, &Datagram { payload, true_len: payload.len(), meta });
                    seat.wake = Nanos::ZERO;
                }
                Seat::Receiver(index) => self.arrive(index, &one),
            }
        }
    }

    fn arrive(&mut self, index: usize, one: &Flying) {
        let now = self.receiver_now(index);
        let from = self.senders.iter().position(|sender| sender.addr == one.from);
        // It may be gone by now.
        let Some(from) = from else { return };
        let seat = &mut self.receivers[index];
        let Some(session) = &mut seat.session else { return };
        seat.bytes[from].0 += one.payload.len() as u64;
        if let Ok(Header { kind: Kind::Data, sequence, .. }) = Header::decode(&one.payload) {
            seat.came[from].insert(sequence);
            seat.delivered[from] += 1;
        }
        let meta = meta(one.from, one.destination, now.real);
        let payload = &one.payload[..];
        session.on_datagram(now, &Datagram { payload, true_len: payload.len(), meta });
        seat.wake = Nanos::ZERO;
    }
}

fn meta(source: SocketAddr, destination: SocketAddr, arrival: Nanos) -> RxMeta {
    let destination = Some(destination.ip());
    RxMeta { source, destination, interface: 3, arrival, ..RxEntry::default().meta }
}
