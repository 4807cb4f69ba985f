//! One responder on the simulated network: datagrams come to it in anybody's name, and what it sends
//! goes to the adversary that hears it, or into the accounts.

use super::{Adversary, Ledger};
use crate::batch::TxBatch;
use crate::machine::Session;
use crate::netsim::{
    Host, HostId, Network, Packet, ProcessId, Running, SendFaults, SimSocket, Way,
};
use crate::units::Nanos;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// The host's addresses: two of IPv4, and one from which an IPv6 address can be answered.
pub const ADDRESSES: [&str; 3] = ["203.0.113.7", "203.0.113.8", "2001:db8:7::1"];
/// Time between two ticks.
const TICK: Nanos = Nanos::from_millis(50);

/// The addresses that the adversary sends to.
pub fn addresses() -> [IpAddr; 2] {
    [ADDRESSES[0], ADDRESSES[1]].map(|text| text.parse().unwrap())
}

/// How a datagram arrives.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub source: SocketAddr,
    pub destination: SocketAddr,
}

/// What a responder's process does for it between two datagrams.
pub trait Engine {
    /// Called after everything that happens.
    fn serve(&mut self, network: &mut Network, responder: ProcessId);
}

/// A responder that asks for nothing.
impl Engine for () {
    fn serve(&mut self, _network: &mut Network, _responder: ProcessId) {}
}

/// What left the responder's host, and where to.
type Left = Rc<RefCell<Vec<(SocketAddr, Vec<u8>)>>>;

/// A responder, its engine, and the accounts of what it sent.
pub struct Stage<S, E> {
    network: Network,
    host: HostId,
    pub responder: Running<S>,
    pub engine: E,
    pub ledger: Ledger,
    left: Left,
    /// What reached the adversary since the last query.
    heard: Vec<(SocketAddr, Vec<u8>)>,
}

/// How a responder starts.
pub struct Start<'a, S, E> {
    pub session: S,
    pub engine: E,
    pub sockets: &'a [SocketAddr],
    pub batch: TxBatch,
    /// Maximum delay of an answer to a forged address.
    pub moment: Nanos,
}

impl<S: Session + 'static, E: Engine> Stage<S, E> {
    /// In half of the runs the socket's buffer is full now and then, and the kernel refuses some.
    pub fn new(start: Start<'_, S, E>, mind: &mut Adversary) -> Self {
        let mut host = Host::at(ADDRESSES[0]).and(ADDRESSES[1]).and(ADDRESSES[2]);
        let addresses = start.sockets.iter().map(SocketAddr::ip);
        host.groups.extend(addresses.filter(IpAddr::is_multicast));
        let trouble = if mind.rng.bool() { 0.0 } else { f64::from(mind.rng.u8(..15)) / 100.0 };
        host.send_faults = SendFaults { blocked: trouble, refused: trouble };
        let left = Left::default();
        let leaving = Rc::clone(&left);
        let host = host.behind_rule(move |_, way, packet| {
            if let (Way::Out, Some(payload)) = (way, packet.payload()) {
                leaving.borrow_mut().push((packet.to, payload.to_vec()));
            }
            true
        });
        let mut network = Network::new(mind.seed);
        let host = network.add(host);
        let sockets: Vec<_> = start.sockets.iter().copied().map(SimSocket::bound).collect();
        let responder = network.start_with(host, &sockets, start.session, start.batch);
        let ledger = Ledger::new(start.moment);
        Self { network, host, responder, engine: start.engine, ledger, left, heard: Vec::new() }
    }

    /// The responder's monotonic clock.
    pub fn now(&self) -> Nanos {
        self.network.now(self.responder.id()).mono
    }

    /// From now on every send succeeds.
    pub fn end_trouble(&mut self) {
        self.network.host(self.host).send_faults = SendFaults::default();
    }

    /// A datagram arrives. What is answered at once has left when this returns.
    pub fn arrive(&mut self, arrival: Arrival, payload: &[u8], mind: &mut Adversary) {
        let Arrival { source, destination } = arrival;
        if !mind.hears(source) {
            self.ledger.came(self.now(), source, payload.len());
        }
        let instant = self.network.instant();
        self.network.inject(instant, Packet::udp(source, destination, payload.to_vec()));
        self.run_until(instant, mind);
    }

    /// The same, with a millisecond to answer; returns what was sent to its source then.
    pub fn hear(&mut self, arrival: Arrival, payload: &[u8], mind: &mut Adversary) -> Vec<Vec<u8>> {
        self.heard.clear();
        self.arrive(arrival, payload, mind);
        self.pass(Nanos::from_millis(1), mind);
        let heard = std::mem::take(&mut self.heard).into_iter();
        heard.filter(|(at, _)| *at == arrival.source).map(|(_, bytes)| bytes).collect()
    }

    /// Time passes, and the session does what is due.
    pub fn pass(&mut self, span: Nanos, mind: &mut Adversary) {
        // During a long wait ticks are less frequent: only what is due matters.
        self.network.set_tick(self.responder.id(), TICK.max(Nanos(span.0 / 64)));
        self.run_until(self.network.instant() + span, mind);
    }

    fn run_until(&mut self, end: Nanos, mind: &mut Adversary) {
        while self.network.step(end) {
            self.engine.serve(&mut self.network, self.responder.id());
            self.account(mind);
        }
        self.network.run_until(end);
    }

    /// Hands on what has left the host.
    fn account(&mut self, mind: &mut Adversary) {
        let (at, left) = (self.now(), self.left.take());
        for (to, bytes) in left {
            if mind.hears(to) {
                mind.learn(to, &bytes);
                self.heard.push((to, bytes));
            } else if let Err(wrong) = self.ledger.left(at, to, bytes.len()) {
                let text = String::from_utf8_lossy(&bytes);
                panic!("seed {}: {wrong}: {text:.200}\n{}", mind.seed, mind.story());
            }
        }
    }
}
