//! A NAT with given timers between the probe and the real server, in virtual time.

use super::{CANDIDATES, TimeoutPlan, TimeoutSession};
use crate::batch::{Datagram, Dest, RxEntry, RxMeta, SendOutcome, TxBatch};
use crate::control::Sealer;
use crate::record::probe::{TimeoutEvent, TimeoutReport};
use crate::record::{Flow, Sink};
use crate::session::probe::FarEnd;
use crate::session::serve::{
    PortsOpened, ServeControl, ServeEvent, ServeOrder, ServePolicy, StreamNews,
};
use crate::session::{Next, Now, Orders, Session};
use crate::units::Nanos;
use crate::wire::TicketKey;
use fastrand::Rng;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;

/// Delay in each direction.
const DELAY: Nanos = Nanos::from_millis(5);
/// Span of two-way traffic after which the second timer applies.
const SPAN: Nanos = Nanos::from_secs(2);

/// Behaviour of the NAT.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Timer after one datagram out.
    pub first: Nanos,
    /// Timer once established.
    pub established: Nanos,
    /// Whether inbound traffic restarts the timers.
    pub inbound_refreshes: bool,
    /// Idle times after which the path is closed although the timers have not expired.
    pub hole: Option<Range<Nanos>>,
    /// Loss rate, out and back.
    pub loss: [f64; 2],
    /// Copies of each datagram that arrive, out and back; 1 for no duplication.
    pub copies: [usize; 2],
    pub seed: u64,
    /// Whether the server acts as a remote agent.
    pub agent: bool,
    /// Behaviour of the server's other port.
    pub other_port: OtherPort,
}

/// Behaviour of the port through which sockets may be verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OtherPort {
    /// It does not exist.
    #[default]
    None,
    /// It sees the same address as the first, over a separate mapping timer.
    Open,
    /// Something on the path blocks it.
    Blocked,
    /// The NAT maps traffic to it to another address.
    Translated,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            first: Nanos::MAX,
            established: Nanos::MAX,
            inbound_refreshes: true,
            hole: None,
            loss: [0.0; 2],
            copies: [1; 2],
            seed: 1,
            agent: true,
            other_port: OtherPort::None,
        }
    }
}

/// Parameters of a run.
pub(super) fn plan() -> TimeoutPlan {
    TimeoutPlan {
        server: "198.51.100.1:8620".parse().unwrap(),
        candidates: CANDIDATES.map(Nanos::from_secs).to_vec(),
        precision: Nanos::from_millis(500),
        tries: 3,
        who_refreshes: false,
    }
}

/// The server's other port, and its socket.
const OTHER: (u16, usize) = (49_999, 9);

/// One of the client's sockets, and whether towards the server's other port.
type Path = (usize, bool);

/// Opens only the additional port, if there is one.
#[derive(Clone, Default)]
struct Engine(Rc<RefCell<VecDeque<ServeOrder>>>, bool);

impl Orders<ServeOrder> for Engine {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.0.borrow_mut().pop_front()
    }
}

impl Sink<ServeEvent> for Engine {
    fn take(&mut self, event: ServeEvent) -> Flow {
        if let ServeEvent::OpenPorts(request) = event {
            let alternate = self.1.then_some(OTHER);
            let news = StreamNews::Ports(Box::new(PortsOpened { alternate, ..Default::default() }));
            let order = ServeOrder { session: request.session, stream: 0, news };
            self.0.borrow_mut().push_back(order);
        }
        Flow::Continue
    }
}

/// One mapping.
struct State {
    began: Nanos,
    refreshed: Nanos,
    answered: bool,
}

struct Nat {
    rules: Rules,
    /// By socket, and whether to the other port.
    states: HashMap<Path, State>,
}

impl Nat {
    fn is_open(&self, flow: Path, now: Nanos) -> bool {
        let Some(state) = self.states.get(&flow) else { return false };
        // The dialogue's own socket is never idle for long, and is not measured.
        if flow.0 == 0 {
            return true;
        }
        let silence = now - state.refreshed;
        let established = state.answered && state.refreshed - state.began > SPAN;
        let timer = if established { self.rules.established } else { self.rules.first };
        let in_hole = self.rules.hole.as_ref().is_some_and(|hole| hole.contains(&silence));
        silence < timer && !in_hole
    }

    fn out(&mut self, flow: Path, now: Nanos) {
        if !self.is_open(flow, now) {
            let state = State { began: now, refreshed: now, answered: false };
            self.states.insert(flow, state);
        }
        if let Some(state) = self.states.get_mut(&flow) {
            state.refreshed = now;
        }
    }

    fn comes_in(&mut self, flow: Path, now: Nanos) -> bool {
        let open = self.is_open(flow, now);
        if let (true, Some(state)) = (open, self.states.get_mut(&flow)) {
            state.answered = true;
            if self.rules.inbound_refreshes {
                state.refreshed = now;
            }
        }
        open
    }
}

/// The mapped address of a flow; a different one if the NAT maps each flow separately.
fn address_of((socket, other): Path, rule: OtherPort) -> SocketAddr {
    let base = if other && rule == OtherPort::Translated { 50_000 } else { 40_000 };
    SocketAddr::from(([203, 0, 113, 1], base + socket as u16))
}

/// Runs `probe timeout` through the rules; returns its report, its events, and the time it took.
pub(super) fn probed(rules: Rules, plan: TimeoutPlan) -> (TimeoutReport, Vec<TimeoutEvent>, Nanos) {
    let server_address = plan.server;
    let events = Rc::new(RefCell::new(Vec::new()));
    let far = FarEnd::new(server_address, 0, Sealer::default(), Nanos::from_secs(5));
    let mut client = TimeoutSession::new(plan, far, Told(Rc::clone(&events)));
    let rule = rules.other_port;
    let engine = Engine(Rc::default(), rule != OtherPort::None);
    let mut names = 0;
    let names: Box<dyn FnMut() -> u64> = Box::new(move || {
        names += 0x1111;
        names
    });
    let mut server = ServeControl::new(
        ServePolicy::default(),
        TicketKey([3; 32]),
        engine.clone(),
        engine,
        names,
    )
    .on_ports(server_address.port(), &[]);
    let mut random = Rng::with_seed(rules.seed);
    let (loss, copies, agent) = (rules.loss, rules.copies, rules.agent);
    let mut nat = Nat { rules, states: HashMap::new() };
    let mut batch = TxBatch::new(256, 64 << 10);
    // By time: whether to the server, the flow, the bytes.
    let mut wire: BTreeMap<(Nanos, u64), (bool, Path, Vec<u8>)> = BTreeMap::new();
    let mut number = 0;
    let start = Nanos::from_secs(1_000);
    let (mut now, mut tick) = (start, start);
    loop {
        let clock = Now { mono: now, real: now };
        while let Some(entry) = wire.first_entry().filter(|first| first.key().0 <= now) {
            let (to_server, flow, bytes) = entry.remove();
            let base = RxEntry::default().meta;
            let datagram = |meta| Datagram { payload: &bytes, true_len: bytes.len(), meta };
            if to_server {
                let source = address_of(flow, rule);
                let destination = Some(server_address.ip());
                let socket = if flow.1 { OTHER.1 } else { 0 };
                let meta = RxMeta { source, destination, arrival: now, socket, ..base };
                server.on_datagram(clock, &datagram(meta));
            } else {
                let port = if flow.1 { OTHER.0 } else { server_address.port() };
                let source = SocketAddr::new(server_address.ip(), port);
                client.on_datagram(clock, &datagram(RxMeta { source, socket: flow.0, ..base }));
            }
        }
        if now >= tick {
            server.on_tick(clock);
            tick = now + Nanos::from_millis(500);
        }
        let mut send = |to_server: bool, flow: Path, bytes: &[u8], nat: &mut Nat| {
            let passes = if to_server {
                nat.out(flow, now);
                agent && !(flow.1 && rule == OtherPort::Blocked)
            } else {
                nat.comes_in(flow, now)
            };
            let way = usize::from(!to_server);
            if passes && random.f64() >= loss[way] {
                for copy in 0..copies[way] as u64 {
                    number += 1;
                    let at = now + DELAY + Nanos::from_micros(copy * 20);
                    wire.insert((at, number), (to_server, flow, bytes.to_vec()));
                }
            }
        };
        let client_next = client.poll_transmit(clock, &mut batch);
        for (dest, bytes) in written(&batch) {
            let flow = (dest.socket, dest.addr.port() == OTHER.0);
            send(true, flow, &bytes, &mut nat);
        }
        let outcome = SendOutcome { accepted: batch.len(), stop: None };
        client.on_sent(clock, &batch, &outcome);
        batch.clear();
        let server_next = server.poll_transmit(clock, &mut batch);
        for (dest, bytes) in written(&batch) {
            let socket = usize::from(dest.addr.port() % 10_000);
            send(false, (socket, dest.socket == OTHER.1), &bytes, &mut nat);
        }
        let outcome = SendOutcome { accepted: batch.len(), stop: None };
        server.on_sent(clock, &batch, &outcome);
        batch.clear();
        let at = |next| match next {
            Next::Send => now,
            Next::WaitUntil(at) => at.max(now),
            Next::Idle | Next::Done => Nanos::MAX,
        };
        if client_next == Next::Done {
            let told = events.borrow().clone();
            return (client.finish(clock), told, now - start);
        }
        let arrival = wire.first_key_value().map_or(Nanos::MAX, |(key, _)| key.0);
        now = at(client_next).min(at(server_next)).min(arrival).min(tick);
        assert!(now - start < Nanos::from_secs(2_000), "it does not end");
    }
}

fn written(batch: &TxBatch) -> Vec<(Dest, Vec<u8>)> {
    let each = batch.slots().iter();
    each.map(|slot| (*batch.dest(slot.dest).unwrap(), batch.payload(slot).to_vec())).collect()
}

/// Collects the events.
struct Told(Rc<RefCell<Vec<TimeoutEvent>>>);

impl Sink<TimeoutEvent> for Told {
    fn take(&mut self, event: TimeoutEvent) -> Flow {
        self.0.borrow_mut().push(event);
        Flow::Continue
    }
}
