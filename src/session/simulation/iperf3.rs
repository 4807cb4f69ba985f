//! A client and a server of iperf3 as the engine builds them: the control connection over a
//! simulated TCP connection, and streams that start and end as requested.

use super::client_and_server::{IO, client_address, server_address, stream_address};
use super::running_stream::{End, Stream, receiver, sender, start};
use crate::netsim::{
    Host, HostId, Mailbox, Network, Running, SimSocket, TcpClient, TcpServer, Weather,
};
use crate::record::ServeRecord;
use crate::session::blast::{
    ControlCommand, ControlEvent, ControlOrder, DataFormat, Greeting, GreetingReply, ReceiverEvent,
    ReceiverOrder, ReceiverPlan, ReceiverSummary, SenderEvent, SenderPlan, SenderSummary,
};
use crate::session::iperf3::server::Iperf3Server;
use crate::session::iperf3::{Iperf3Control, Iperf3Plan, Iperf3Summary};
use crate::session::serve::{
    ServeCommand, ServeEvent, ServeOrder, ServePolicy, StreamReport, StreamRequest,
};
use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};

type ClientMail = (Mailbox<ControlCommand>, Mailbox<ControlEvent>);
type Client = Iperf3Control<Mailbox<ControlOrder>, ClientMail>;
type ServerMail = (Mailbox<ServeCommand>, Mailbox<ServeEvent>);
type Server = Iperf3Server<Mailbox<ServeOrder>, ServerMail>;

/// Where the segments of the control connection go; datagrams go to the server's address.
fn control_address() -> SocketAddr {
    SocketAddr::new(server_address().ip(), server_address().port() + 1)
}

/// The result of a run.
#[derive(Debug)]
pub struct Finished {
    pub summary: Iperf3Summary,
    /// Counts of the client's senders, and of its receivers.
    pub near_sent: Vec<SenderSummary>,
    pub near_received: Vec<ReceiverSummary>,
    /// The server's log.
    pub log: Vec<ServeRecord>,
}

/// Both hosts and the network between them.
pub struct Iperf3Ends {
    pub network: Network,
    hosts: [HostId; 2],
    plan: Iperf3Plan,
    client: Running<TcpClient<Client>>,
    orders: Mailbox<ControlOrder>,
    mail: ClientMail,
    streams: Vec<Stream>,
    server: Running<TcpServer<Server>>,
    server_orders: Mailbox<ServeOrder>,
    server_mail: ServerMail,
    server_streams: Vec<Stream>,
    near_sent: Vec<SenderSummary>,
    near_received: Vec<ReceiverSummary>,
    log: Vec<ServeRecord>,
}

impl Iperf3Ends {
    /// A run of `plan` under a fault of the matrix; `hosts` are the client's and the server's.
    pub fn under(seed: u64, plan: Iperf3Plan, weather: &Weather, hosts: [Host; 2]) -> Self {
        let mut network = Network::new(seed);
        let [near, far] = hosts;
        let near = weather.near(near, IpAddr::from([198, 51, 100, 1]));
        let hosts = [near, weather.far_of_tcp(far)].map(|host| network.add(host));
        let (server_orders, server_mail) = (Mailbox::new(), ServerMail::default());
        let policy = ServePolicy::default();
        let server = Iperf3Server::new(policy, server_orders.clone(), server_mail.clone());
        let sockets = [control_address(), server_address()].map(SimSocket::bound);
        let server = network.start(hosts[1], &sockets, TcpServer::new(server));
        let (orders, mail) = (Mailbox::new(), ClientMail::default());
        let client = Iperf3Control::new(plan.clone(), orders.clone(), mail.clone());
        let socket = SimSocket::connected(client_address(), control_address());
        let client = start(&mut network, hosts[0], socket, TcpClient::new(client));
        Self {
            network,
            hosts,
            plan,
            client,
            orders,
            mail,
            streams: Vec::new(),
            server,
            server_orders,
            server_mail,
            server_streams: Vec::new(),
            near_sent: Vec::new(),
            near_received: Vec::new(),
            log: Vec::new(),
        }
    }

    /// The addresses of both hosts, the client's first.
    pub fn hosts() -> [Host; 2] {
        [client_address(), server_address()].map(|address| Host::at(&address.ip().to_string()))
    }

    /// Connections that the server has not closed.
    pub fn open_connections(&self) -> usize {
        self.server.with(|server| server.open_connections())
    }

    /// Streams of the server that still run.
    pub fn open_streams(&self) -> usize {
        self.server_streams.iter().filter(|stream| !stream.over).count()
    }

    /// Runs to the client's end.
    pub fn run(&mut self, deadline: Nanos) {
        self.run_until(deadline, |ends| ends.network.is_over(ends.client.id()));
        // Like the engine: streams still running are stopped and awaited.
        self.streams.iter().for_each(|stream| self.network.stop(stream.process));
        self.run_until(deadline, |ends| ends.streams.iter().all(|stream| stream.over));
    }

    /// What both ends say, after the client's end.
    pub fn finish(&mut self) -> Finished {
        let now = self.network.now(self.client.id());
        Finished {
            summary: self.client.finish(now),
            near_sent: std::mem::take(&mut self.near_sent),
            near_received: std::mem::take(&mut self.near_received),
            log: std::mem::take(&mut self.log),
        }
    }

    fn run_until(&mut self, deadline: Nanos, mut there_yet: impl FnMut(&Self) -> bool) {
        while !there_yet(self) {
            assert!(self.step(deadline), "hangs, still at {}", self.network.instant());
        }
    }

    /// Processes the next event on the network, and its effects on either host.
    pub fn step(&mut self, deadline: Nanos) -> bool {
        let more = self.network.step(deadline);
        self.server_streams();
        self.server_commands();
        self.client_commands();
        self.client_streams();
        more
    }

    fn format(&self) -> DataFormat {
        DataFormat::Iperf3(self.plan.counters())
    }

    fn tell_server(&mut self, session: u64, stream: u32, news: StreamReport) {
        self.server_orders.push(ServeOrder { session, stream, news });
        self.network.wake(self.server.id());
    }

    fn tell_client(&mut self, order: ControlOrder) {
        self.orders.push(order);
        self.network.wake(self.client.id());
    }

    fn server_commands(&mut self) {
        for command in self.server_mail.0.drain() {
            let of = |session: u64| move |stream: &&Stream| stream.session == session;
            match command {
                ServeCommand::Open(request) => self.open_stream(&request),
                ServeCommand::Begin { session } => {
                    for stream in self.server_streams.iter().filter(of(session)) {
                        stream.begin(&mut self.network);
                    }
                }
                ServeCommand::Total { session, stream: number, total } => {
                    let streams = self.server_streams.iter().filter(of(session));
                    for stream in streams.filter(|stream| stream.number == number) {
                        stream.order(&mut self.network, ReceiverOrder::Total(total));
                    }
                }
                ServeCommand::StopSenders { session } => {
                    let streams = self.server_streams.iter().filter(of(session));
                    for stream in streams.filter(|stream| stream.sends()) {
                        self.network.stop(stream.process);
                    }
                }
                ServeCommand::CountProcessor { session } => {
                    let news = StreamReport::Processor { user_ns: 0, system_ns: 0 };
                    self.tell_server(session, 0, news);
                }
                ServeCommand::Close { session } => {
                    for stream in self.server_streams.iter().filter(of(session)) {
                        self.network.kill(stream.process);
                    }
                    self.server_streams.retain(|stream| stream.session != session);
                }
                ServeCommand::CountOpen { .. }
                | ServeCommand::Count(_)
                | ServeCommand::GiveBack => {}
                ServeCommand::OpenPorts(_)
                | ServeCommand::ClosePorts { .. }
                | ServeCommand::Move { .. }
                | ServeCommand::CountHost { .. }
                | ServeCommand::Reload
                | ServeCommand::ReloadDone
                | ServeCommand::Drain => unreachable!("of the dialogue only"),
            }
        }
        let records = self.server_mail.1.drain().into_iter().map(|event| event.record);
        self.log.extend(records);
    }

    fn open_stream(&mut self, request: &StreamRequest) {
        let iperf3 = request.iperf3.expect("of iperf3");
        let format = DataFormat::Iperf3(iperf3.counters);
        let (session, number) = (request.session, request.stream);
        let socket = SimSocket::connected(server_address(), request.peer);
        let place = (&mut self.network, self.hosts[1], socket);
        let opening = Some(GreetingReply::new(iperf3.reply).into());
        let (process, role) = if request.plan.is_up(number) {
            let plan = ReceiverPlan::new(&request.plan, 0, Nanos::MAX);
            receiver(place, ReceiverPlan { format, omit: iperf3.omit, ..plan }, opening)
        } else {
            let plan = SenderPlan::new(request.plan, number, 0);
            let (time, count, omit) = (Nanos::ZERO, 0, iperf3.omit);
            let filling = iperf3.filling;
            sender(place, SenderPlan { time, count, format, filling, omit, ..plan }, opening)
        };
        self.server_streams.push(Stream { session, number, process, role, over: false });
        self.tell_server(session, number, StreamReport::Opened(Ok(())));
    }

    fn server_streams(&mut self) {
        let mut told = Vec::new();
        for stream in &mut self.server_streams {
            let place = (stream.session, stream.number);
            let ended = stream.end(&self.network);
            for event in stream.events() {
                if let ReceiverEvent::Progress(received) = event {
                    told.push((place, StreamReport::Progress(received)));
                }
            }
            match ended {
                None => {}
                Some(End::Received(ended)) => {
                    let (received, delay) = (Box::new(ended.received), Box::new(ended.delay));
                    told.push((place, StreamReport::Received(received, delay, IO)));
                }
                Some(End::Sent(ended)) => {
                    told.push((place, StreamReport::Omitted(ended.omitted)));
                    told.push((place, StreamReport::Sent(Box::new(ended.sent), IO)));
                }
            }
        }
        for ((session, stream), news) in told {
            self.tell_server(session, stream, news);
        }
    }

    fn client_commands(&mut self) {
        self.mail.1.drain();
        for command in self.mail.0.drain() {
            match command {
                ControlCommand::Greet { stream } => self.greet(stream),
                ControlCommand::Begin => {
                    self.streams.iter().for_each(|stream| stream.begin(&mut self.network));
                }
                ControlCommand::Settle => {
                    for stream in &self.streams {
                        stream.order(&mut self.network, ReceiverOrder::Settle);
                    }
                }
                ControlCommand::Total { stream, datagrams } => {
                    if let Some(stream) = self.streams.get(stream as usize) {
                        stream.order(&mut self.network, ReceiverOrder::Total(datagrams));
                    }
                }
                ControlCommand::StopSenders => {
                    for stream in self.streams.iter().filter(|stream| stream.sends()) {
                        self.network.stop(stream.process);
                    }
                }
                ControlCommand::Abort => {
                    self.streams.iter().for_each(|stream| self.network.stop(stream.process));
                }
                ControlCommand::Start { .. } | ControlCommand::Reopen { .. } => {
                    unreachable!("of the dialogue only")
                }
            }
        }
    }

    fn greet(&mut self, number: u32) {
        let (format, omit) = (self.format(), self.plan.omit);
        let opening = Some(Greeting::new(self.plan.patience).into());
        let socket = SimSocket::connected(stream_address(number), server_address());
        let place = (&mut self.network, self.hosts[0], socket);
        let test = self.plan.test;
        let (process, role) = if test.is_up(number) {
            let plan = SenderPlan::new(test, number, 0);
            sender(place, SenderPlan { format, omit, ..plan }, opening)
        } else {
            let plan = ReceiverPlan::new(&test, 0, Nanos::MAX);
            receiver(place, ReceiverPlan { format, omit, ..plan }, opening)
        };
        self.streams.push(Stream { session: 0, number, process, role, over: false });
    }

    fn client_streams(&mut self) {
        let mut told = Vec::new();
        for one in &mut self.streams {
            let stream = one.number;
            // Before the end: with it, they come no more.
            let ended = one.end(&self.network);
            for event in one.sender_events() {
                if let SenderEvent::Answered { repeats } = event {
                    told.push(ControlOrder::Answered { stream, repeats });
                }
            }
            for event in one.events() {
                told.push(match event {
                    ReceiverEvent::Answered { repeats } => {
                        ControlOrder::Answered { stream, repeats }
                    }
                    ReceiverEvent::Settled { received, omitted } => {
                        ControlOrder::Settled { stream, received, omitted }
                    }
                    ReceiverEvent::Interval(interval) => ControlOrder::Stretch { stream, interval },
                    _ => continue,
                });
            }
            let (total, broken) = match ended {
                None => continue,
                Some(End::Sent(ended)) => {
                    if ended.omitted > 0 {
                        let datagrams = ended.omitted;
                        told.push(ControlOrder::Omitted { stream, datagrams });
                    }
                    let counts = (ended.sent.datagrams, ended.broken.clone());
                    self.near_sent.push(*ended);
                    counts
                }
                Some(End::Received(ended)) => {
                    let broken = ended.broken.clone();
                    self.near_received.push(*ended);
                    (0, broken)
                }
            };
            told.push(ControlOrder::StreamEnded { stream, total, broken });
        }
        for order in told {
            self.tell_client(order);
        }
    }
}
