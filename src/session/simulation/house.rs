//! A server and a client as the engine builds them: a control session each, and streams that come
//! and go as they are asked for.

use super::{Faults, Mailbox, Network, Seat};
use crate::session::blast::{
    BlastControl, BlastReceiver, BlastSender, ControlEvent, ControlOrder, ControlSummary,
    Direction, Opening, ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary, SenderEvent,
    SenderOrder, SenderPlan, TestPlan,
};
use crate::session::serve::{
    ServeControl, ServeEvent, ServeOrder, ServePolicy, StreamIo, StreamNews, StreamRequest,
};
use crate::session::{Now, Sealer, Session};
use crate::stats::WINDOW;
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::{ControlKey, TicketKey};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

/// What the streams of this house use.
pub const IO: StreamIo =
    StreamIo { tx: "plain", rx: "plain", batch: 1, receive_buffer: 1, send_buffer: 1 };
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

/// One stream at the server.
struct Stream {
    session: u64,
    seat: usize,
    receiver: Option<Rc<RefCell<Receiver>>>,
    orders: Mailbox<ReceiverOrder>,
    events: Mailbox<ReceiverEvent>,
}

/// The server's host.
struct Server {
    seat: usize,
    control: Rc<RefCell<Serve>>,
    orders: Mailbox<ServeOrder>,
    events: Mailbox<ServeEvent>,
    streams: Vec<Stream>,
}

/// The client's stream.
struct Sending {
    seat: usize,
    session: Rc<RefCell<Sender>>,
    orders: Mailbox<SenderOrder>,
}

/// What a run between the two came to.
#[derive(Debug)]
pub struct Came {
    pub summary: ControlSummary,
    /// Datagrams that the sender's socket took.
    pub sent: u64,
    pub stretches: usize,
}

/// Both hosts, the network between them, and what was counted on the way.
pub struct House {
    pub network: Network,
    pub client: usize,
    server: Server,
    /// The client's.
    key: Option<ControlKey>,
    time: Nanos,
    control: Rc<RefCell<Control>>,
    orders: Mailbox<ControlOrder>,
    events: Mailbox<ControlEvent>,
    sending: Option<Sending>,
    sent: u64,
    stretches: usize,
    /// Sessions that the server opened, and streams.
    pub sessions: usize,
    pub opens: usize,
    pub log: Vec<String>,
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

impl House {
    pub fn new(seed: u64, time: Nanos, faults: &Faults) -> Self {
        Self::with_keys(seed, time, faults, None, None)
    }

    /// The same, where the server, the client, or both have a key: one of these bytes alone.
    pub fn with_keys(
        seed: u64,
        time: Nanos,
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
        let control = BlastControl::new(plan(time), PATIENCE, orders.clone(), events.clone())
            .with_sealer(Sealer::new(client_key.clone(), seed));
        let control = Rc::new(RefCell::new(control));
        let server = Self::open_server(&mut network, seed, server_key);
        let client = network.seat(Seat::new(here, Some(there), control.clone()));
        Self {
            network,
            client,
            server,
            key: client_key,
            time,
            control,
            orders,
            events,
            sending: None,
            sent: 0,
            stretches: 0,
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

    /// The server's host is gone, streams and all.
    pub fn vanish(&mut self) {
        self.network.unseat(self.server.seat);
        for stream in self.server.streams.drain(..) {
            self.network.unseat(stream.seat);
        }
    }

    /// Another server, that knows nothing of this run, has the port.
    pub fn restart(&mut self) {
        self.vanish();
        self.server = Self::open_server(&mut self.network, 4_711, None);
    }

    pub fn open_sessions(&self) -> usize {
        self.server.control.borrow().sessions()
    }

    pub fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// The client's stream goes without a word.
    pub fn silence_sender(&mut self) {
        if let Some(sending) = self.sending.take() {
            self.network.unseat(sending.seat);
        }
    }

    /// Lets the next thing happen on the network, and what follows from it on either host.
    pub fn step(&mut self, deadline: Nanos) -> bool {
        let more = self.network.step(deadline);
        self.serve_streams();
        self.serve_events();
        self.client_events();
        self.sender_ended();
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
        let Self { sent, stretches, .. } = *self;
        // The network keeps its own hold on the session, so the summary is taken from a fresh one.
        let fresh = BlastControl::new(plan(Nanos::ZERO), PATIENCE, Mailbox::new(), Mailbox::new());
        let control = self.control.replace(fresh);
        Came { summary: control.finish(now), sent, stretches }
    }

    fn serve_events(&mut self) {
        for event in self.server.events.drain() {
            match event {
                ServeEvent::Open(request) => self.open_stream(&request),
                ServeEvent::Total { session, total, .. } => {
                    for stream in self.server.streams.iter().filter(|s| s.session == session) {
                        stream.orders.push(ReceiverOrder::Total(total));
                        self.network.wake(stream.seat);
                    }
                }
                // There is one socket here, and it is the server's own.
                ServeEvent::OpenPorts(request) => {
                    let news = StreamNews::Ports(Box::default());
                    self.tell(ServeOrder { session: request.session, stream: 0, news });
                }
                // And nothing is sent from here.
                ServeEvent::ClosePorts { .. } | ServeEvent::StopSenders { .. } => {}
                ServeEvent::Close { session } => {
                    for stream in self.server.streams.iter().filter(|s| s.session == session) {
                        self.network.unseat(stream.seat);
                    }
                    self.server.streams.retain(|stream| stream.session != session);
                }
                ServeEvent::Log { record, .. } => {
                    let line = record.to_string();
                    self.sessions += usize::from(line.contains("opened session"));
                    self.log.push(line);
                }
            }
        }
    }

    fn open_stream(&mut self, request: &StreamRequest) {
        self.opens += 1;
        let (orders, events) = (Mailbox::new(), Mailbox::new());
        let plan = ReceiverPlan {
            tag: request.tag,
            payload: request.plan.payload as usize,
            window: WINDOW,
            verify: request.plan.verify,
            interval: request.plan.interval,
            patience: Nanos::from_secs(15),
            time: Nanos::ZERO,
            per_drop: ReceiverPlan::COALESCED,
            go_ahead: request.go_ahead.clone(),
        };
        let receiver = BlastReceiver::new(plan, None, orders.clone(), events.clone());
        let receiver = Rc::new(RefCell::new(receiver));
        let seat = Seat::new(server_address(), Some(request.peer), receiver.clone());
        let seat = self.network.seat(seat);
        let (session, receiver) = (request.session, Some(receiver));
        self.server.streams.push(Stream { session, seat, receiver, orders, events });
        self.tell(ServeOrder { session, stream: 0, news: StreamNews::Opened(Ok(())) });
    }

    fn tell(&mut self, order: ServeOrder) {
        self.server.orders.push(order);
        self.network.wake(self.server.seat);
    }

    fn serve_streams(&mut self) {
        let mut told = Vec::new();
        for stream in &mut self.server.streams {
            let session = stream.session;
            let mut ended = None;
            if self.network.is_over(stream.seat)
                && let Some(receiver) = stream.receiver.take()
            {
                let now = self.network.sitting(stream.seat).clock.read(self.network.instant);
                ended = Some(end_of(&receiver, now));
            }
            let news = stream.events.drain().into_iter().map(|event| match event {
                ReceiverEvent::Interval(interval) => StreamNews::Interval(interval),
                ReceiverEvent::Progress(received) => StreamNews::Progress(received),
            });
            let last = ended.map(|ended: ReceiverSummary| {
                StreamNews::Received(Box::new(ended.received), Box::new(ended.delay), IO)
            });
            told.extend(news.chain(last).map(|news| ServeOrder { session, stream: 0, news }));
        }
        for order in told {
            self.tell(order);
        }
    }

    fn client_events(&mut self) {
        for event in self.events.drain() {
            match event {
                ControlEvent::Granted { session, tag, .. } => self.open_sender(session, tag),
                ControlEvent::Interval(_) => self.stretches += 1,
                ControlEvent::Stretch { .. } => {}
                ControlEvent::StopSenders | ControlEvent::Abort => {
                    if let Some(sending) = &self.sending {
                        sending.orders.push(SenderOrder::Stop);
                        self.network.wake(sending.seat);
                    }
                }
            }
        }
    }

    fn open_sender(&mut self, session: String, tag: u16) {
        assert!(self.sending.is_none(), "one run is granted once");
        let plan = SenderPlan::new(plan(self.time), 0, tag);
        let sealer = Sealer::new(self.key.clone(), 1 << 40);
        let opening = Opening::new(session, 0, PATIENCE).of_run(tag, sealer);
        let orders = Mailbox::new();
        let sender = BlastSender::new(plan, Some(opening), orders.clone(), Mailbox::new());
        let session = Rc::new(RefCell::new(sender));
        let from = SocketAddr::new(client_address().ip(), 4_001);
        let seat = self.network.seat(Seat::new(from, Some(server_address()), session.clone()));
        self.sending = Some(Sending { seat, session, orders });
    }

    fn sender_ended(&mut self) {
        let Some(sending) = self.sending.take_if(|sending| self.network.is_over(sending.seat))
        else {
            return;
        };
        let plan = SenderPlan::new(plan(Nanos::ZERO), 0, 0);
        let fresh = BlastSender::new(plan, None, Mailbox::new(), Mailbox::new());
        let ended = sending.session.replace(fresh).finish(Now::default());
        self.sent = ended.sent.datagrams;
        self.orders.push(ControlOrder::StreamEnded {
            stream: 0,
            total: self.sent,
            broken: ended.broken,
        });
        self.network.wake(self.client);
    }
}

/// The last counts of a receiver that the network still holds.
fn end_of(receiver: &Rc<RefCell<Receiver>>, now: Now) -> ReceiverSummary {
    let interval = Nanos::from_secs(1);
    let plan = ReceiverPlan {
        tag: 0,
        payload: 64,
        window: WINDOW,
        verify: false,
        interval,
        patience: interval,
        time: Nanos::ZERO,
        per_drop: ReceiverPlan::COALESCED,
        go_ahead: vec![],
    };
    let fresh = BlastReceiver::new(plan, None, Mailbox::new(), Mailbox::new());
    receiver.replace(fresh).finish(now)
}
