//! A server and a client as the engine builds them: one control session each, and streams that
//! start and end as requested.

use super::{Endpoint, Faults, Mailbox, Network, Seat};
use crate::batch::{RxCall, TxCall};
use crate::control::Sealer;
use crate::record::ServeRecord;
use crate::session::Session;
use crate::session::blast::{
    BlastControl, BlastReceiver, BlastSender, ControlEvent, ControlOrder, ControlSummary,
    Direction, Opening, ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary, SenderEvent,
    SenderOrder, SenderPlan, SenderSummary, TestPlan,
};
use crate::session::serve::{
    ServeControl, ServeEvent, ServeOrder, ServePolicy, StreamIo, StreamNews, StreamRequest,
};
use crate::stats::WINDOW;
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::{ControlKey, TicketKey};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

/// I/O figures of the simulated streams.
pub const IO: StreamIo =
    StreamIo { tx: TxCall::Plain, rx: RxCall::Plain, batch: 1, receive_buffer: 1, send_buffer: 1 };
pub const PATIENCE: Nanos = Nanos::from_secs(5);

type Receiver = BlastReceiver<Mailbox<ReceiverOrder>, Mailbox<ReceiverEvent>>;
type Sender = BlastSender<Mailbox<SenderOrder>, Mailbox<SenderEvent>>;
type Control = BlastControl<Mailbox<ControlOrder>, Mailbox<ControlEvent>>;
pub type Serve = ServeControl<Mailbox<ServeOrder>, Mailbox<ServeEvent>, Box<dyn FnMut() -> u64>>;

/// A server without streams, and its two mailboxes.
pub fn serve(policy: ServePolicy, seed: u64) -> (Serve, Mailbox<ServeOrder>, Mailbox<ServeEvent>) {
    let (orders, events) = (Mailbox::new(), Mailbox::new());
    let mut rng = fastrand::Rng::with_seed(seed);
    let key = TicketKey(std::array::from_fn(|_| rng.u8(..)));
    let random: Box<dyn FnMut() -> u64> = Box::new(move || rng.u64(..));
    (ServeControl::new(policy, key, orders.clone(), events.clone(), random), orders, events)
}

/// What a stream does, and its mailboxes.
enum Role {
    Sends { session: Rc<RefCell<Sender>>, orders: Mailbox<SenderOrder> },
    Receives(Rc<RefCell<Receiver>>, Mailbox<ReceiverOrder>, Mailbox<ReceiverEvent>),
}

/// One stream of either host.
struct Stream {
    /// The server's session; 0 at the client.
    session: u64,
    number: u32,
    seat: usize,
    role: Role,
    /// Whether its end was reported.
    over: bool,
}

/// How a stream ended.
enum End {
    Sent(Box<SenderSummary>),
    Received(Box<ReceiverSummary>),
}

impl Stream {
    fn stop(&self, network: &mut Network) {
        match &self.role {
            Role::Sends { orders, .. } => orders.push(SenderOrder::Stop),
            Role::Receives(_, orders, _) => orders.push(ReceiverOrder::Stop),
        }
        network.wake(self.seat);
    }

    fn sends(&self) -> bool {
        matches!(self.role, Role::Sends { .. })
    }

    fn events(&self) -> Vec<ReceiverEvent> {
        match &self.role {
            Role::Sends { .. } => Vec::new(),
            Role::Receives(_, _, events) => events.drain(),
        }
    }

    /// Its final counts, once.
    fn end(&mut self, network: &Network) -> Option<End> {
        if self.over || !network.is_over(self.seat) {
            return None;
        }
        self.over = true;
        let now = network.sitting(self.seat).clock.read(network.instant);
        // The network keeps its own reference to the session, so a fresh one takes its place.
        Some(match &self.role {
            Role::Sends { session, .. } => {
                let plan = SenderPlan::new(plan(Nanos::ZERO), 0, 0);
                let fresh = BlastSender::new(plan, None, Mailbox::new(), Mailbox::new());
                End::Sent(Box::new(session.replace(fresh).finish(now)))
            }
            Role::Receives(session, _, _) => {
                let plan = receiver_plan(&plan(Nanos::ZERO), 0, PATIENCE);
                let fresh = BlastReceiver::new(plan, None, Mailbox::new(), Mailbox::new());
                End::Received(Box::new(session.replace(fresh).finish(now)))
            }
        })
    }
}

/// The server's host.
struct Server {
    seat: usize,
    control: Rc<RefCell<Serve>>,
    orders: Mailbox<ServeOrder>,
    events: Mailbox<ServeEvent>,
    streams: Vec<Stream>,
}

/// The result of a run between the two.
#[derive(Debug)]
pub struct Came {
    pub summary: ControlSummary,
    /// Datagrams that the client's sockets accepted.
    pub sent: u64,
    /// Counts of the client's senders, and of its receivers.
    pub near_sent: Vec<SenderSummary>,
    pub near_received: Vec<ReceiverSummary>,
    pub stretches: usize,
}

/// Both hosts, the network between them, and the counts.
pub struct House {
    pub network: Network,
    pub client: usize,
    server: Server,
    /// The client's key.
    key: Option<ControlKey>,
    plan: TestPlan,
    control: Rc<RefCell<Control>>,
    orders: Mailbox<ControlOrder>,
    events: Mailbox<ControlEvent>,
    streams: Vec<Stream>,
    near_sent: Vec<SenderSummary>,
    near_received: Vec<ReceiverSummary>,
    stretches: usize,
    /// Whether the server's senders ignore the order to stop.
    pub deaf_to_stop: bool,
    /// Whether the server ignores requests to open a stream.
    pub deaf_to_data: bool,
    /// Sessions and streams that the server opened.
    pub sessions: usize,
    pub opens: usize,
    pub log: Vec<ServeRecord>,
}

pub fn client_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4_000))
}

pub fn server_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 9_000))
}

pub fn plan(time: Nanos) -> TestPlan {
    TestPlan {
        direction: Direction::Up,
        streams: 1,
        payload: 64,
        rate: Rate::Packets(PacketRate(2_000_000)),
        time,
        count: 0,
        window: WINDOW,
        verify: true,
        interval: Nanos::from_millis(100),
        burst: None,
    }
}

fn receiver_plan(plan: &TestPlan, tag: u16, patience: Nanos) -> ReceiverPlan {
    ReceiverPlan {
        tag,
        payload: plan.payload as usize,
        window: WINDOW,
        verify: plan.verify,
        interval: plan.interval,
        patience,
        time: Nanos::ZERO,
        per_drop: ReceiverPlan::COALESCED,
        go_ahead: Vec::new(),
    }
}

impl House {
    pub fn new(seed: u64, time: Nanos, faults: &Faults) -> Self {
        Self::with_keys(seed, plan(time), faults, None, None)
    }

    /// The same for a run with any plan.
    pub fn of(seed: u64, plan: TestPlan, faults: &Faults) -> Self {
        Self::with_keys(seed, plan, faults, None, None)
    }

    /// The same, with a key at the server, the client, or both, derived from these bytes.
    pub fn with_keys(
        seed: u64,
        plan: TestPlan,
        faults: &Faults,
        server_key: Option<u8>,
        client_key: Option<u8>,
    ) -> Self {
        let [server_key, client_key] = [server_key, client_key]
            .map(|byte| byte.and_then(|byte| ControlKey::new(&[byte; 16]).ok()));
        let mut network = Network::new(seed);
        let (here, there) = (client_address(), server_address());
        network.link(here.ip(), there.ip()).faults = faults.clone();
        network.link(there.ip(), here.ip()).faults = faults.clone();
        let (orders, events) = (Mailbox::new(), Mailbox::new());
        let control =
            BlastControl::new(plan, server_address(), PATIENCE, orders.clone(), events.clone())
                .with_sealer(Sealer::new(client_key.clone(), seed));
        let control = Rc::new(RefCell::new(control));
        let server = Self::open_server(&mut network, seed, server_key);
        let client = network.seat(Seat::new(here, Some(there), control.clone()));
        Self {
            network,
            client,
            server,
            key: client_key,
            plan,
            control,
            orders,
            events,
            streams: Vec::new(),
            near_sent: Vec::new(),
            near_received: Vec::new(),
            stretches: 0,
            deaf_to_stop: false,
            deaf_to_data: false,
            sessions: 0,
            opens: 0,
            log: Vec::new(),
        }
    }

    fn open_server(network: &mut Network, seed: u64, key: Option<ControlKey>) -> Server {
        let (control, orders, events) = serve(ServePolicy::default(), seed);
        let control = Rc::new(RefCell::new(control.with_key(key)));
        let seat = network.seat(Seat::new(server_address(), None, control.clone()));
        Server { seat, control, orders, events, streams: Vec::new() }
    }

    /// The server's host disappears, with all streams.
    pub fn vanish(&mut self) {
        self.network.unseat(self.server.seat);
        for stream in self.server.streams.drain(..) {
            self.network.unseat(stream.seat);
        }
    }

    /// Another server, without knowledge of this run, takes over the port.
    pub fn restart(&mut self) {
        self.vanish();
        self.server = Self::open_server(&mut self.network, 4_711, None);
    }

    pub fn open_sessions(&self) -> usize {
        self.server.control.borrow().sessions()
    }

    /// Whether the client was granted its streams.
    pub fn is_granted(&self) -> bool {
        !self.streams.is_empty()
    }

    pub fn is_sending(&self) -> bool {
        self.streams.iter().any(|stream| stream.sends() && !stream.over)
    }

    /// The client's streams disappear without notice.
    pub fn silence_sender(&mut self) {
        for stream in self.streams.drain(..) {
            self.network.unseat(stream.seat);
        }
    }

    /// Processes the next event on the network, and its effects on either host.
    pub fn step(&mut self, deadline: Nanos) -> bool {
        let more = self.network.step(deadline);
        self.serve_streams();
        self.serve_events();
        self.client_events();
        self.client_streams();
        more
    }

    pub fn run_until(&mut self, deadline: Nanos, mut there_yet: impl FnMut(&Self) -> bool) {
        while !there_yet(self) {
            assert!(self.step(deadline), "hangs, still at {}", self.network.instant);
        }
    }

    /// Runs to the client's end.
    pub fn finish(&mut self, deadline: Nanos) -> Came {
        self.run_until(deadline, |house| house.network.is_over(house.client));
        let now = self.network.sitting(self.client).clock.read(self.network.instant);
        // Like the engine: streams still running are stopped and awaited.
        self.streams.iter().for_each(|stream| stream.stop(&mut self.network));
        self.run_until(deadline, |house| house.streams.iter().all(|stream| stream.over));
        // The network keeps its own reference to the session, so the summary is taken from a fresh
        // one.
        let fresh = BlastControl::new(
            plan(Nanos::ZERO),
            server_address(),
            PATIENCE,
            Mailbox::new(),
            Mailbox::new(),
        );
        let control = self.control.replace(fresh);
        let near_sent = std::mem::take(&mut self.near_sent);
        Came {
            summary: control.finish(now),
            sent: near_sent.iter().map(|summary| summary.sent.datagrams).sum(),
            near_sent,
            near_received: std::mem::take(&mut self.near_received),
            stretches: self.stretches,
        }
    }

    fn serve_events(&mut self) {
        for event in self.server.events.drain() {
            let of = |session: u64| move |stream: &&Stream| stream.session == session;
            match event {
                ServeEvent::Open(_) if self.deaf_to_data => {}
                ServeEvent::Open(request) => self.open_stream(&request),
                ServeEvent::Total { session, stream: number, total } => {
                    let streams = self.server.streams.iter().filter(of(session));
                    for stream in streams.filter(|stream| stream.number == number) {
                        if let Role::Receives(_, orders, _) = &stream.role {
                            orders.push(ReceiverOrder::Total(total));
                            self.network.wake(stream.seat);
                        }
                    }
                }
                // There is only one socket here, the server's own.
                ServeEvent::OpenPorts(request) => {
                    let news = StreamNews::Ports(Box::default());
                    self.tell(ServeOrder { session: request.session, stream: 0, news });
                }
                ServeEvent::ClosePorts { .. } | ServeEvent::GiveBack => {}
                ServeEvent::StopSenders { .. } if self.deaf_to_stop => {}
                ServeEvent::StopSenders { session } => {
                    let streams = self.server.streams.iter().filter(of(session));
                    for stream in streams.filter(|stream| stream.sends()) {
                        stream.stop(&mut self.network);
                    }
                }
                ServeEvent::Close { session } => {
                    for stream in self.server.streams.iter().filter(of(session)) {
                        self.network.unseat(stream.seat);
                    }
                    self.server.streams.retain(|stream| stream.session != session);
                }
                ServeEvent::Log { record, .. } => {
                    let is_opened = matches!(record, ServeRecord::SessionOpened { .. });
                    self.sessions += usize::from(is_opened);
                    self.log.push(record);
                }
            }
        }
    }

    fn open_stream(&mut self, request: &StreamRequest) {
        self.opens += 1;
        let (session, number) = (request.session, request.stream);
        let (endpoint, role): (Rc<RefCell<dyn Endpoint>>, Role) = if request.plan.is_up(number) {
            let plan = ReceiverPlan {
                go_ahead: request.go_ahead.clone(),
                ..receiver_plan(&request.plan, request.tag, Nanos::from_secs(15))
            };
            receiver(plan, None)
        } else {
            sender(SenderPlan::new(request.plan, number, request.tag), None)
        };
        let seat = self.network.seat(Seat::new(server_address(), Some(request.peer), endpoint));
        self.server.streams.push(Stream { session, number, seat, role, over: false });
        self.tell(ServeOrder { session, stream: number, news: StreamNews::Opened(Ok(())) });
    }

    fn tell(&mut self, order: ServeOrder) {
        self.server.orders.push(order);
        self.network.wake(self.server.seat);
    }

    fn serve_streams(&mut self) {
        let mut told = Vec::new();
        for stream in &mut self.server.streams {
            let (session, number) = (stream.session, stream.number);
            let ended = stream.end(&self.network);
            let news = stream.events().into_iter().map(|event| match event {
                ReceiverEvent::Interval(interval) => StreamNews::Interval(interval),
                ReceiverEvent::Progress(received) => StreamNews::Progress(received),
            });
            let last = ended.map(|ended| match ended {
                End::Received(ended) => {
                    StreamNews::Received(Box::new(ended.received), Box::new(ended.delay), IO)
                }
                End::Sent(ended) => StreamNews::Sent(Box::new(ended.sent), IO),
            });
            told.extend(news.chain(last).map(|news| ServeOrder { session, stream: number, news }));
        }
        for order in told {
            self.tell(order);
        }
    }

    fn client_events(&mut self) {
        for event in self.events.drain() {
            match event {
                ControlEvent::Granted { session, tag, patience, .. } => {
                    self.open_streams(&session, tag, patience);
                }
                ControlEvent::Interval(_) | ControlEvent::Stretch { .. } => self.stretches += 1,
                ControlEvent::StopSenders => {
                    for stream in self.streams.iter().filter(|stream| stream.sends()) {
                        stream.stop(&mut self.network);
                    }
                }
                ControlEvent::Abort => {
                    self.streams.iter().for_each(|stream| stream.stop(&mut self.network));
                }
            }
        }
    }

    fn open_streams(&mut self, session: &str, tag: u16, patience: Nanos) {
        assert!(self.streams.is_empty(), "one run is granted once");
        for number in 0..self.plan.all_streams() {
            let sealer = Sealer::new(self.key.clone(), 1 << 40 | u64::from(number) << 32);
            let opening = Opening::new(session.to_owned(), number, patience).of_run(tag, sealer);
            let (endpoint, role) = if self.plan.is_up(number) {
                sender(SenderPlan::new(self.plan, number, tag), Some(opening))
            } else {
                let time = self.plan.time;
                let plan = ReceiverPlan { time, ..receiver_plan(&self.plan, tag, patience) };
                receiver(plan, Some(opening))
            };
            let from = SocketAddr::new(client_address().ip(), 4_001 + number as u16);
            let seat = self.network.seat(Seat::new(from, Some(server_address()), endpoint));
            self.streams.push(Stream { session: 0, number, seat, role, over: false });
        }
    }

    fn client_streams(&mut self) {
        for stream in &mut self.streams {
            let number = stream.number;
            for event in stream.events() {
                if let ReceiverEvent::Interval(interval) = event {
                    self.orders.push(ControlOrder::Stretch { stream: number, interval });
                    self.network.wake(self.client);
                }
            }
            let (total, broken) = match stream.end(&self.network) {
                None => continue,
                Some(End::Sent(ended)) => {
                    let told = (ended.sent.datagrams, ended.broken.clone());
                    self.near_sent.push(*ended);
                    told
                }
                Some(End::Received(ended)) => {
                    let broken = ended.broken.clone();
                    self.near_received.push(*ended);
                    (0, broken)
                }
            };
            self.orders.push(ControlOrder::StreamEnded { stream: number, total, broken });
            self.network.wake(self.client);
        }
    }
}

fn sender(plan: SenderPlan, opening: Option<Opening>) -> (Rc<RefCell<dyn Endpoint>>, Role) {
    let orders = Mailbox::new();
    let session = BlastSender::new(plan, opening, orders.clone(), Mailbox::new());
    let session = Rc::new(RefCell::new(session));
    (session.clone(), Role::Sends { session, orders })
}

fn receiver(plan: ReceiverPlan, opening: Option<Opening>) -> (Rc<RefCell<dyn Endpoint>>, Role) {
    let (orders, events) = (Mailbox::new(), Mailbox::new());
    let session = BlastReceiver::new(plan, opening, orders.clone(), events.clone());
    let session = Rc::new(RefCell::new(session));
    (session.clone(), Role::Receives(session, orders, events))
}
