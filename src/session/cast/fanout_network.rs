//! Senders and receivers of a fan-out on the simulated network: each receiver behind links that
//! lose, copy and delay data and control messages apart, and that count what got through.

use super::*;
use crate::batch::{LocalSendFailure, TxBatch};
use crate::impair::{Chance, Delay, Duplication, Impairments, Jitter, Loss, Reordering};
use crate::netsim::{Clock, Host, HostId, Link, Network, Packet, Running, SimSocket, Way, Weather};
use crate::record::{CastEvent, FanoutEvent, Flow, Sink};
use crate::session::{FixedMessages, HostMeter, Message, Spacing};
use crate::units::Nanos;
use crate::wire::{Header, Kind, TicketKey};
use std::cell::RefCell;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

pub(super) const GROUP: &str = "239.1.2.3:5000";
/// Every host's monotonic clock at the start.
const START: Nanos = Nanos::from_secs(100);

/// Events that a sink received.
#[derive(Default, Debug)]
pub(super) struct Heard {
    pub silences: usize,
    /// Receivers heard and wanted, each time that the sender waited for more.
    pub waited: Vec<(u64, u64)>,
    pub subscribed: usize,
    pub moved: usize,
    pub unsubscribed: usize,
}

impl Sink<FanoutEvent<'_>> for Heard {
    fn take(&mut self, event: FanoutEvent<'_>) -> Flow {
        match event {
            FanoutEvent::Silence(_) => self.silences += 1,
            FanoutEvent::Waiting { heard, wanted, .. } => self.waited.push((heard, wanted)),
            FanoutEvent::Subscribed(_) => self.subscribed += 1,
            FanoutEvent::Moved(..) => self.moved += 1,
            FanoutEvent::Unsubscribed(..) => self.unsubscribed += 1,
            FanoutEvent::Standing { .. } | FanoutEvent::Sending(_) => {}
        }
        Flow::Continue
    }
}

impl Sink<CastEvent<'_>> for Heard {
    fn take(&mut self, _event: CastEvent<'_>) -> Flow {
        Flow::Continue
    }
}

/// What a receiver's path does, in thousandths, and its delay.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Path {
    /// Loss of data.
    pub loss: u64,
    /// Loss of end marks and announcements.
    pub line_loss: u64,
    pub copies: u64,
    /// Loss of reports, on the way back; as many are duplicated.
    pub report_loss: u64,
    pub delay: Nanos,
    /// Share of all datagrams, both ways, in which a number is replaced by an extreme one.
    pub extremes: u64,
    /// Half of the datagrams are under way for so much longer; more than their spacing reorders.
    pub jitter: Nanos,
}

fn thousandths(share: u64) -> Chance {
    Chance::per_million(share as u32 * 1_000)
}

fn is_data(packet: &Packet) -> bool {
    let header = packet.payload().and_then(|payload| Header::decode(payload).ok());
    header.is_some_and(|header| header.kind == Kind::Data)
}

fn is_no_data(packet: &Packet) -> bool {
    !is_data(packet)
}

impl Path {
    fn way(&self, loss: u64, copies: u64) -> Impairments {
        Impairments {
            loss: Loss::Independent(thousandths(loss)),
            duplication: Duplication { share: thousandths(copies), copies: 1 },
            delay: Delay { base: self.delay, jitter: Jitter::None },
            reordering: Reordering { share: Chance::percent(50), hold: self.jitter, by: 0 },
            ..Impairments::default()
        }
    }

    /// A receiver behind this path, with a count of what got through.
    fn near(self, address: IpAddr, counts: &Rc<RefCell<Counts>>) -> Host {
        let (data, lines) =
            (self.way(self.loss, self.copies), self.way(self.line_loss, self.copies));
        let reports = self.way(self.report_loss, self.report_loss);
        let extremes = thousandths(self.extremes);
        let counts = Rc::clone(counts);
        Host::at(&address.to_string())
            .behind_rule(move |_, way, packet| {
                counts.borrow_mut().count(way, packet);
                true
            })
            .behind(
                Link::new(Impairments::default(), data).with_extremes(extremes).choosing(is_data),
            )
            .behind(Link::new(reports, lines).with_extremes(extremes).choosing(is_no_data))
    }
}

/// What passed at a receiver, by the sender's address.
#[derive(Default)]
struct Counts(Vec<(SocketAddr, SenderCounts)>);

/// What a receiver had from a sender, and sent to it.
#[derive(Clone, Default)]
struct SenderCounts {
    came: HashSet<u32>,
    delivered: u64,
    /// From and to it.
    bytes: (u64, u64),
}

impl Counts {
    fn count(&mut self, way: Way, packet: &Packet) {
        let Some(payload) = packet.payload() else { return };
        let len = payload.len() as u64;
        let address = if way == Way::Out { packet.to } else { packet.from };
        let index = self.0.iter().position(|(sender, _)| *sender == address).unwrap_or_else(|| {
            self.0.push((address, SenderCounts::default()));
            self.0.len() - 1
        });
        let counts = &mut self.0[index].1;
        if way == Way::Out {
            counts.bytes.1 += len;
            return;
        }
        counts.bytes.0 += len;
        if let Ok(Header { kind: Kind::Data, sequence, .. }) = Header::decode(payload) {
            counts.came.insert(sequence);
            counts.delivered += 1;
        }
    }

    fn of(&self, sender: usize) -> SenderCounts {
        let address = sender_address(sender);
        let found = self.0.iter().find(|(from, _)| *from == address);
        found.map(|(_, counts)| counts.clone()).unwrap_or_default()
    }
}

type Sender = CastSender<FixedMessages, Heard>;
type Receiver = CastReceiver<Heard>;

/// A sender, while it runs and once it has ended.
pub(super) struct SimSender {
    pub addr: SocketAddr,
    running: Option<Running<Sender>>,
    pub end: Option<CastSenderEnd<Heard>>,
    pub ended: Nanos,
    first_data: Rc<RefCell<Option<Nanos>>>,
}

impl SimSender {
    /// When it sent its first datagram.
    pub fn first_data(&self) -> Option<Nanos> {
        *self.first_data.borrow()
    }
}

/// A receiver, while it runs and once it has ended.
pub(super) struct SimReceiver {
    pub addr: SocketAddr,
    host: HostId,
    running: Option<Running<Receiver>>,
    counts: Rc<RefCell<Counts>>,
    pub end: Option<CastReceiverEnd<Heard>>,
}

fn sender_address(sender: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + sender as u8], 7000))
}

impl SimReceiver {
    /// The numbers that came from a sender.
    pub fn came(&self, sender: usize) -> HashSet<u32> {
        self.counts.borrow().of(sender).came
    }

    /// Datagrams that came from a sender, copies included.
    pub fn delivered(&self, sender: usize) -> u64 {
        self.counts.borrow().of(sender).delivered
    }

    /// Bytes from and to a sender.
    pub fn bytes(&self, sender: usize) -> (u64, u64) {
        self.counts.borrow().of(sender).bytes
    }
}

/// The network, with the senders and receivers on it.
pub(super) struct FanoutNetwork {
    /// The monotonic clock of every host.
    pub now: Nanos,
    network: Network,
    rng: fastrand::Rng,
    pub senders: Vec<SimSender>,
    pub receivers: Vec<SimReceiver>,
    /// Loss near the sender, in thousandths: seen by all receivers.
    pub shared_loss: u64,
    /// What the first receiver meets, and the senders as its far ends.
    pub weather: Option<Weather>,
    sender_hosts: Vec<HostId>,
}

/// A sender's plan: `count` datagrams, one every `every`.
pub(super) fn plan(targets: &[SocketAddr], every: Nanos, open: bool) -> CastSenderConfig {
    let door = SubscriptionPolicy { open, listed: false, key: TicketKey([5; 32]) };
    CastSenderConfig {
        targets: targets.iter().map(|addr| crate::batch::Dest::from(*addr)).collect(),
        broadcasts: Vec::new(),
        names: Names::default(),
        tag: Some(7),
        spacing: Spacing::Every(every),
        time: None,
        receivers: 0,
        wait: None,
        ear: Some(FeedbackConfig { run: Some(0xC0_FFEE), compare: false, door }),
        explain: LocalSendFailure::from_errno,
        host: HostMeter::default(),
    }
}

impl FanoutNetwork {
    pub fn new(seed: u64) -> Self {
        Self {
            now: START,
            network: Network::new(seed),
            rng: fastrand::Rng::with_seed(seed),
            senders: Vec::new(),
            receivers: Vec::new(),
            shared_loss: 0,
            weather: None,
            sender_hosts: Vec::new(),
        }
    }

    pub fn add_sender(&mut self, config: CastSenderConfig, count: u64) {
        let index = self.senders.len();
        let addr = sender_address(index);
        let first_data = Rc::new(RefCell::new(None));
        if self.sender_hosts.len() == index {
            let host = self.sender_host(addr.ip(), &first_data);
            self.sender_hosts.push(self.network.add(host));
        }
        let mut batch = TxBatch::new(64, 1 << 17);
        let messages = FixedMessages::new(vec![Message::Bytes(vec![7; 100])], Some(count));
        let session = CastSender::new(config, messages, Heard::default(), &mut batch);
        let host = self.sender_hosts[index];
        let running = self.network.start_with(host, &[SimSocket::bound(addr)], session, batch);
        let ended = Nanos::ZERO;
        self.senders.push(SimSender { addr, running: Some(running), end: None, ended, first_data });
    }

    fn sender_host(&self, address: IpAddr, first_data: &Rc<RefCell<Option<Nanos>>>) -> Host {
        let loss = Loss::Independent(thousandths(self.shared_loss));
        let shared = Impairments { loss, ..Impairments::default() };
        let first = Rc::clone(first_data);
        let mut host = Host::at(&address.to_string())
            .behind_rule(move |at, way, packet| {
                if way == Way::Out && first.borrow().is_none() && is_data(packet) {
                    *first.borrow_mut() = Some(START + at);
                }
                true
            })
            .behind(Link::new(shared, Impairments::default()).choosing(is_data));
        host.clock = Clock { boot: START, ..host.clock };
        match &self.weather {
            Some(weather) => weather.far(host),
            None => host,
        }
    }

    /// Adds a receiver: a group member, or one that subscribes to a sender.
    pub fn add_receiver(&mut self, path: Path, subscribe: Option<SocketAddr>) {
        let index = self.receivers.len();
        let addr = SocketAddr::from(([10, 0, 1, index as u8], 5000));
        let any = SocketAddr::from(([0, 0, 0, 0], 5000));
        let group = if subscribe.is_none() { GROUP.parse().unwrap() } else { any };
        let counts = Rc::new(RefCell::new(Counts::default()));
        let mut host = path.near(addr.ip(), &counts);
        // No two real-time clocks agree.
        let epoch = host.clock.epoch + Nanos::from_secs(1_000 * (1 + index as u64));
        host.clock = Clock { boot: START, epoch, ..host.clock };
        if subscribe.is_none() {
            host.groups.insert(group.ip());
        }
        if let Some(weather) = self.weather.as_ref().filter(|_| index == 0) {
            host = weather.near(host, [203, 0, 113, 1].into());
        }
        let host = self.network.add(host);
        let config = CastReceiverConfig {
            listens: vec![ReceiveSocket {
                group,
                interfaces: Vec::new(),
                since: self.now,
                answers: 0,
            }],
            reports: Some(self.rng.u64(..)),
            subscribe,
            ..CastReceiverConfig::default()
        };
        let session = CastReceiver::new(config, Heard::default());
        let batch = TxBatch::new(64, 1 << 17);
        let running = self.network.start_with(host, &[SimSocket::bound(any)], session, batch);
        self.receivers.push(SimReceiver { addr, host, running: Some(running), counts, end: None });
    }

    /// The NAT before a receiver begins anew, and gives other ports.
    pub fn restart_nat(&mut self, receiver: usize) {
        self.network.host(self.receivers[receiver].host).nat().restart();
    }

    /// A sender disappears without notice; the next one takes its place.
    pub fn kill_sender(&mut self) {
        if let Some(running) = self.senders.pop().and_then(|sender| sender.running) {
            self.network.kill(running.id());
        }
    }

    /// A receiver disappears without notice.
    pub fn kill(&mut self, receiver: usize) {
        if let Some(running) = self.receivers[receiver].running.take() {
            self.network.kill(running.id());
        }
    }

    pub fn stop_receiver(&mut self, receiver: usize) {
        if let Some(running) = &self.receivers[receiver].running {
            self.network.stop(running.id());
        }
    }

    /// Removes all senders, with what came from them.
    pub fn forget_senders(&mut self) {
        self.senders.clear();
        for receiver in &self.receivers {
            *receiver.counts.borrow_mut() = Counts::default();
        }
    }

    /// Runs until `until`, or until every sender has ended.
    pub fn run_until(&mut self, until: Nanos) {
        while self.senders.iter().any(|one| one.running.is_some()) {
            if !self.step(until) {
                return;
            }
        }
    }

    /// Runs until `until`.
    pub fn run_on(&mut self, until: Nanos) {
        while self.step(until) {}
    }

    /// Lets the next thing happen, if there is one by `until`.
    fn step(&mut self, until: Nanos) -> bool {
        let goes_on = self.network.step(until - START);
        if !goes_on {
            self.network.run_until(until - START);
        }
        self.now = START + self.network.instant();
        let is_over = |id| self.network.is_over(id);
        for sender in &mut self.senders {
            if let Some(running) = sender.running.take_if(|one| is_over(one.id())) {
                sender.ended = self.now;
                sender.end = Some(running.finish(self.network.now(running.id())));
            }
        }
        for receiver in &mut self.receivers {
            if let Some(running) = receiver.running.take_if(|one| is_over(one.id())) {
                receiver.end = Some(running.finish(self.network.now(running.id())));
            }
        }
        goes_on
    }

    /// Somebody sends this to a sender.
    pub fn inject(&mut self, from: SocketAddr, sender: usize, payload: &[u8]) {
        let packet = Packet::udp(from, self.senders[sender].addr, payload.to_vec());
        self.network.inject(self.network.instant(), packet);
    }

    /// The network reports to a sender that a receiver's port is unreachable.
    pub fn refuse(&mut self, sender: usize, receiver: usize) {
        let (from, to) = (self.senders[sender].addr, self.receivers[receiver].addr);
        let sent = Packet::udp(from, to, Vec::new());
        let error = Packet::error(&sent, to.ip(), (3, 3), None, 0);
        self.network.inject(self.network.instant(), error.expect("it is about a datagram"));
    }
}
