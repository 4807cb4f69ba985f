//! A server and a client as the engine builds them: one control session each, and streams that
//! start and end as requested.

use super::running_stream::{End, Stream, receiver, sender, start};
use crate::batch::{RxCall, TxCall};
use crate::control::{KEEPALIVE_EVERY, Sealer};
use crate::impair::{Chance, Impairments};
use crate::netsim::{Host, HostId, Link, Mailbox, Network, ProcessId, Running, SimSocket, Weather};
use crate::record::ServeRecord;
use crate::session::blast::{
    BlastControl, ControlCommand, ControlEvent, ControlOrder, ControlSummary, Delays, Direction,
    Marking, Opening, ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary, SenderPlan,
    SenderSummary, TestPlan,
};
use crate::session::serve::{
    ServeCommand, ServeControl, ServeEvent, ServeOrder, ServePolicy, StreamIo, StreamReport,
    StreamRequest,
};
use crate::session::stamp::{StampPolicy, StampReflector};
use crate::session::stun::{StunPolicy, StunReflector};
use crate::stats::WINDOW;
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::stamp::ErrorEstimate;
use crate::wire::{Class, ControlKey, TicketKey};
use std::net::{IpAddr, SocketAddr};

/// I/O figures of the simulated streams.
pub const IO: StreamIo =
    StreamIo { tx: TxCall::Plain, rx: RxCall::Plain, batch: 1, receive_buffer: 1, send_buffer: 1 };
pub const PATIENCE: Nanos = Nanos::from_secs(5);

type ControlMail = (Mailbox<ControlCommand>, Mailbox<ControlEvent>);
type Control = BlastControl<Mailbox<ControlOrder>, ControlMail>;
/// What a server wants done, and what it tells.
pub type ServeMail = (Mailbox<ServeCommand>, Mailbox<ServeEvent>);
pub type Serve = ServeControl<Mailbox<ServeOrder>, ServeMail, Box<dyn FnMut() -> u64>>;

/// A server without streams, and its mailboxes.
pub fn serve(policy: ServePolicy, seed: u64) -> (Serve, Mailbox<ServeOrder>, ServeMail) {
    let (orders, mail) = (Mailbox::new(), ServeMail::default());
    let mut rng = fastrand::Rng::with_seed(seed);
    let key = TicketKey(std::array::from_fn(|_| rng.u8(..)));
    let random: Box<dyn FnMut() -> u64> = Box::new(move || rng.u64(..));
    (ServeControl::new(policy, key, orders.clone(), mail.clone(), random), orders, mail)
}

/// The server's host.
struct Server {
    control: Running<Serve>,
    orders: Mailbox<ServeOrder>,
    mail: ServeMail,
    streams: Vec<Stream>,
}

/// The result of a run between the two.
#[derive(Debug)]
pub struct Finished {
    pub summary: ControlSummary,
    /// Datagrams that the client's sockets accepted.
    pub sent: u64,
    /// Counts of the client's senders, and of its receivers.
    pub near_sent: Vec<SenderSummary>,
    pub near_received: Vec<ReceiverSummary>,
    pub stretches: usize,
}

/// Both hosts, the network between them, and the counts.
pub struct ClientAndServer {
    pub network: Network,
    pub client_host: HostId,
    pub server_host: HostId,
    pub client: ProcessId,
    server: Server,
    /// The client's key.
    key: Option<ControlKey>,
    plan: TestPlan,
    control: Running<Control>,
    orders: Mailbox<ControlOrder>,
    mail: ControlMail,
    streams: Vec<Stream>,
    near_sent: Vec<SenderSummary>,
    near_received: Vec<ReceiverSummary>,
    stretches: usize,
    /// How often the client's receivers say something.
    pub keepalive: Nanos,
    /// Whether the server's senders ignore the order to stop.
    pub ignores_stop: bool,
    /// Whether the server ignores requests to open a stream.
    pub ignores_data: bool,
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
        marking: Marking::Alike,
        capacity: None,
        outage: None,
        sizes: None,
    }
}

fn receiver_plan(plan: &TestPlan, tag: u16, patience: Nanos) -> ReceiverPlan {
    ReceiverPlan { per_drop: ReceiverPlan::COALESCED, ..ReceiverPlan::new(plan, tag, patience) }
}

impl ClientAndServer {
    pub fn new(seed: u64, time: Nanos, path: &Impairments) -> Self {
        Self::with_keys(seed, plan(time), path, None, None)
    }

    /// The same for a run with any plan.
    pub fn of(seed: u64, plan: TestPlan, path: &Impairments) -> Self {
        Self::with_keys(seed, plan, path, None, None)
    }

    /// The same, with a key at the server, the client, or both, derived from these bytes.
    pub fn with_keys(
        seed: u64,
        plan: TestPlan,
        path: &Impairments,
        server_key: Option<u8>,
        client_key: Option<u8>,
    ) -> Self {
        let hosts = [Host::at("192.0.2.1").behind(Link::both(path)), Host::at("192.0.2.2")];
        Self::on_hosts(seed, plan, hosts, [server_key, client_key])
    }

    /// The same under a fault of the matrix.
    pub fn under(seed: u64, plan: TestPlan, weather: &Weather) -> Self {
        let client = weather.near(Host::at("192.0.2.1"), IpAddr::from([198, 51, 100, 1]));
        let server = weather.far(Host::at("192.0.2.2"));
        Self::on_hosts(seed, plan, [client, server], [None, None])
    }

    pub fn on_hosts(seed: u64, plan: TestPlan, hosts: [Host; 2], keys: [Option<u8>; 2]) -> Self {
        let [server_key, client_key] =
            keys.map(|byte| byte.and_then(|byte| ControlKey::new(&[byte; 16]).ok()));
        let mut network = Network::new(seed);
        let (here, there) = (client_address(), server_address());
        let [client_host, server_host] = hosts.map(|host| network.add(host));
        let (orders, mail) = (Mailbox::new(), ControlMail::default());
        let control =
            BlastControl::new(plan, server_address(), PATIENCE, orders.clone(), mail.clone())
                .with_sealer(Sealer::new(client_key.clone(), seed))
                .with_delays(Delays::Wanted);
        let server = Self::open_server(&mut network, server_host, seed, server_key);
        let control = start(&mut network, client_host, SimSocket::connected(here, there), control);
        Self {
            network,
            client_host,
            server_host,
            client: control.id(),
            server,
            key: client_key,
            plan,
            control,
            orders,
            mail,
            streams: Vec::new(),
            near_sent: Vec::new(),
            near_received: Vec::new(),
            stretches: 0,
            keepalive: KEEPALIVE_EVERY,
            ignores_stop: false,
            ignores_data: false,
            sessions: 0,
            opens: 0,
            log: Vec::new(),
        }
    }

    fn open_server(
        network: &mut Network,
        host: HostId,
        seed: u64,
        key: Option<ControlKey>,
    ) -> Server {
        let (control, orders, mail) = serve(ServePolicy::default(), seed);
        let socket = SimSocket::bound(server_address());
        let (port, reflector) = (server_address().port(), ErrorEstimate::default as fn() -> _);
        let stamp = StampReflector::new(StampPolicy::default(), reflector);
        let stun = StunReflector::new(StunPolicy { port, ..StunPolicy::default() }, |_| None);
        let control = control
            .with_key(key)
            .on_ports(port, &[])
            .with_reflector(Class::Stamp, Box::new(stamp))
            .with_reflector(Class::Stun, Box::new(stun));
        let control = start(network, host, socket, control);
        Server { control, orders, mail, streams: Vec::new() }
    }

    /// Numbers are replaced by extreme ones in this share of what is sent, either way.
    pub fn set_extremes(&mut self, share: Chance) {
        let link = self.network.host(self.client_host).link();
        (link.out.extremes, link.back.extremes) = (share, share);
    }

    /// From now on the path does this, either way.
    pub fn impose(&mut self, path: &Impairments) {
        let link = self.network.host(self.client_host).link();
        link.out.impose(path.clone());
        link.back.impose(path.clone());
    }

    /// The server's host disappears, with all streams.
    pub fn vanish(&mut self) {
        self.network.kill(self.server.control.id());
        for stream in self.server.streams.drain(..) {
            self.network.kill(stream.process);
        }
    }

    /// Another server, without knowledge of this run, takes over the port.
    pub fn restart(&mut self) {
        self.vanish();
        self.server = Self::open_server(&mut self.network, self.server_host, 4_711, None);
    }

    pub fn open_sessions(&self) -> usize {
        self.server.control.with(|control| control.sessions())
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
            self.network.kill(stream.process);
        }
    }

    /// Processes the next event on the network, and its effects on either host.
    pub fn step(&mut self, deadline: Nanos) -> bool {
        let more = self.network.step(deadline);
        self.serve_streams();
        self.serve_commands();
        self.client_commands();
        self.client_streams();
        more
    }

    pub fn run_until(&mut self, deadline: Nanos, mut there_yet: impl FnMut(&Self) -> bool) {
        while !there_yet(self) {
            assert!(self.step(deadline), "hangs, still at {}", self.network.instant());
        }
    }

    /// Runs to the client's end.
    pub fn finish(&mut self, deadline: Nanos) -> Finished {
        self.run_until(deadline, |ends| ends.network.is_over(ends.client));
        let now = self.network.now(self.client);
        // Like the engine: streams still running are stopped and awaited.
        self.streams.iter().for_each(|stream| self.network.stop(stream.process));
        self.run_until(deadline, |ends| ends.streams.iter().all(|stream| stream.over));
        let near_sent = std::mem::take(&mut self.near_sent);
        Finished {
            summary: self.control.finish(now),
            sent: near_sent.iter().map(|summary| summary.sent.datagrams).sum(),
            near_sent,
            near_received: std::mem::take(&mut self.near_received),
            stretches: self.stretches,
        }
    }

    fn serve_commands(&mut self) {
        for command in self.server.mail.0.drain() {
            let of = |session: u64| move |stream: &&Stream| stream.session == session;
            match command {
                ServeCommand::Open(_) if self.ignores_data => {}
                ServeCommand::Open(request) => self.open_stream(&request),
                ServeCommand::Move { session, stream: number, peer } => {
                    let mut streams = self.server.streams.iter().filter(of(session));
                    if let Some(stream) = streams.find(|stream| stream.number == number) {
                        self.network.redirect(stream.process, peer);
                        stream.order(&mut self.network, ReceiverOrder::Moved);
                    }
                }
                ServeCommand::Total { session, stream: number, total } => {
                    let streams = self.server.streams.iter().filter(of(session));
                    for stream in streams.filter(|stream| stream.number == number) {
                        stream.order(&mut self.network, ReceiverOrder::Total(total));
                    }
                }
                // There is only one socket here, the server's own.
                ServeCommand::OpenPorts(request) => {
                    let news = StreamReport::Ports(Box::default());
                    self.tell(ServeOrder { session: request.session, stream: 0, news });
                }
                ServeCommand::ClosePorts { .. }
                | ServeCommand::CountHost { .. }
                | ServeCommand::Begin { .. }
                | ServeCommand::CountProcessor { .. }
                | ServeCommand::CountOpen { .. }
                | ServeCommand::GiveBack
                | ServeCommand::Count(_)
                | ServeCommand::Reload
                | ServeCommand::ReloadDone
                | ServeCommand::Drain => {}
                ServeCommand::StopSenders { .. } if self.ignores_stop => {}
                ServeCommand::StopSenders { session } => {
                    let streams = self.server.streams.iter().filter(of(session));
                    for stream in streams.filter(|stream| stream.sends()) {
                        self.network.stop(stream.process);
                    }
                }
                ServeCommand::Close { session } => {
                    for stream in self.server.streams.iter().filter(of(session)) {
                        self.network.kill(stream.process);
                    }
                    self.server.streams.retain(|stream| stream.session != session);
                }
            }
        }
        for ServeEvent { record, .. } in self.server.mail.1.drain() {
            let is_opened = matches!(record, ServeRecord::SessionOpened { .. });
            self.sessions += usize::from(is_opened);
            self.log.push(record);
        }
    }

    fn open_stream(&mut self, request: &StreamRequest) {
        self.opens += 1;
        let (session, number) = (request.session, request.stream);
        let socket = SimSocket::connected(server_address(), request.peer);
        let place = (&mut self.network, self.server_host, socket);
        let (process, role) = if request.plan.is_up(number) {
            let plan = ReceiverPlan {
                go_ahead: request.go_ahead.clone(),
                ..receiver_plan(&request.plan, request.tag, Nanos::from_secs(15))
            };
            receiver(place, plan, None)
        } else {
            sender(place, SenderPlan::new(request.plan, number, request.tag), None)
        };
        self.server.streams.push(Stream { session, number, process, role, over: false });
        self.tell(ServeOrder { session, stream: number, news: StreamReport::Opened(Ok(())) });
    }

    fn tell(&mut self, order: ServeOrder) {
        self.server.orders.push(order);
        self.network.wake(self.server.control.id());
    }

    fn serve_streams(&mut self) {
        let mut told = Vec::new();
        for stream in &mut self.server.streams {
            let (session, number) = (stream.session, stream.number);
            let ended = stream.end(&self.network);
            let news = stream.events().into_iter().map(|event| match event {
                ReceiverEvent::Interval(interval) => StreamReport::Interval(interval),
                ReceiverEvent::Progress(received) => StreamReport::Progress(received),
                ReceiverEvent::LostInMove(lost) => StreamReport::LostInMove(lost),
                ReceiverEvent::Answered { .. }
                | ReceiverEvent::Settled { .. }
                | ReceiverEvent::Moved => unreachable!(),
            });
            let last = ended.into_iter().flat_map(|ended| match ended {
                End::Received(ended) => vec![
                    StreamReport::Outages(Box::new(ended.outages)),
                    StreamReport::Sizes(ended.sizes),
                    StreamReport::Received(Box::new(ended.received), Box::new(ended.delay), IO),
                ],
                End::Sent(ended) => vec![StreamReport::Sent(Box::new(ended.sent), IO)],
            });
            told.extend(news.chain(last).map(|news| ServeOrder { session, stream: number, news }));
        }
        for order in told {
            self.tell(order);
        }
    }

    fn client_commands(&mut self) {
        self.stretches += self.mail.1.drain().len();
        for command in self.mail.0.drain() {
            match command {
                ControlCommand::Start { session, server, tag, patience, .. } => {
                    self.open_streams((&session, &server), tag, patience);
                }
                ControlCommand::Reopen { stream: only, proof } => {
                    for (number, stream) in (0u32..).zip(&self.streams) {
                        if only.is_none_or(|only| only == number) {
                            stream.reopen(&mut self.network, proof.clone());
                        }
                    }
                }
                ControlCommand::StopSenders => {
                    for stream in self.streams.iter().filter(|stream| stream.sends()) {
                        self.network.stop(stream.process);
                    }
                }
                ControlCommand::Greet { .. }
                | ControlCommand::Begin
                | ControlCommand::Settle
                | ControlCommand::Total { .. } => unreachable!("of iperf3 only"),
                ControlCommand::Abort => {
                    self.streams.iter().for_each(|stream| self.network.stop(stream.process));
                }
            }
        }
    }

    fn open_streams(&mut self, (session, server): (&str, &str), tag: u16, patience: Nanos) {
        assert!(self.streams.is_empty(), "one run is granted once");
        for number in 0..self.plan.all_streams() {
            let sealer = Sealer::new(self.key.clone(), 1 << 40 | u64::from(number) << 32);
            let opening = Opening::new(session.to_owned(), number, patience)
                .of_run(tag, sealer)
                .at_server(server.to_owned());
            let from = stream_address(number);
            let socket = SimSocket::connected(from, server_address());
            let place = (&mut self.network, self.client_host, socket);
            let (process, role) = if self.plan.is_up(number) {
                sender(place, SenderPlan::new(self.plan, number, tag), Some(opening.into()))
            } else {
                let plan = ReceiverPlan {
                    time: self.plan.time,
                    keepalive: self.keepalive,
                    ..receiver_plan(&self.plan, tag, patience)
                };
                receiver(place, plan, Some(opening.into()))
            };
            self.streams.push(Stream { session: 0, number, process, role, over: false });
        }
    }

    fn client_streams(&mut self) {
        for stream in &mut self.streams {
            let number = stream.number;
            for event in stream.events() {
                self.orders.push(match event {
                    ReceiverEvent::Interval(interval) => {
                        ControlOrder::Stretch { stream: number, interval }
                    }
                    ReceiverEvent::Moved => ControlOrder::StreamMoved { stream: number },
                    ReceiverEvent::LostInMove(datagrams) => {
                        ControlOrder::LostInMove { stream: number, datagrams }
                    }
                    _ => continue,
                });
                self.network.wake(self.client);
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

/// The client's address of a stream.
pub fn stream_address(number: u32) -> SocketAddr {
    SocketAddr::new(client_address().ip(), 4_001 + number as u16)
}
