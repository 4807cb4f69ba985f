//! The streams and probe ports of a server's sessions: one thread per stream; and what else its
//! control session has done.

use super::probe_ports::ProbePorts;
use super::server_log::OpenTests;
use super::server_plan::ServerPlan;
use super::server_service::ServerService;
use super::server_traffic::{ServerTraffic, StreamTraffic};
use super::stream::{
    RunningStream, StreamEnd, StreamError, StreamPlan, StreamSinks, TestEnd, TestStream,
};
use super::{Handle, Placement};
use crate::batch::Fragmentation;
use crate::machine::Executor;
use crate::net::{DamageMeter, HostReader, HostSnapshot, RunInterfaces, SocketPlan};
use crate::record::{Flow, LocalFailure, Sink};
use crate::session::blast::{
    DataFormat, GreetingReply, ReceiverEvent, ReceiverSummary, SenderEvent,
};
use crate::session::serve::{ServeCommand, ServeOrder, StreamReport, StreamRequest};
use crate::sys;
use crate::units::Nanos;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// A stream is ended after its sender has been silent for this long.
const SILENCE: Nanos = Nanos::from_secs(15);

/// This host's counters before a run.
struct CountersBefore {
    snapshot: HostSnapshot,
    interfaces: RunInterfaces,
    peer: IpAddr,
}

/// The streams of all sessions, which carry out the control session's commands.
pub(super) struct ServerStreams {
    plan: ServerPlan,
    port: u16,
    running: HashMap<(u64, u32), RunningStream>,
    /// This host's counters, and how they stood before each session's run.
    counters: HostReader,
    damage: Arc<DamageMeter>,
    before: HashMap<u64, CountersBefore>,
    /// Processor time of this process when each iperf3 test began.
    cpu_before: HashMap<u64, (Nanos, Nanos)>,
    /// `None` where no probes are served.
    ports: Option<ProbePorts>,
    /// Where the number of iperf3's tests is kept; `None` where there are none.
    open_tests: Option<Arc<OpenTests>>,
    /// What all streams receive and send.
    traffic: Arc<ServerTraffic>,
    /// `None` where only streams are served.
    service: Option<ServerService>,
    orders: Sender<ServeOrder>,
    control: Handle,
}

impl Executor<ServeCommand> for ServerStreams {
    fn execute(&mut self, command: ServeCommand) {
        match command {
            ServeCommand::Open(request) => {
                let (session, stream) = (request.session, request.stream);
                self.count_before(&request);
                let result = match self.open(*request) {
                    Ok(mut running) => {
                        let astray = running.take_astray();
                        if !astray.is_empty() {
                            let news = StreamReport::Astray(astray);
                            let _ = self.orders.send(ServeOrder { session, stream, news });
                        }
                        self.running.insert((session, stream), running);
                        Ok(())
                    }
                    Err(error) => Err(LocalFailure::from(&error)),
                };
                // The control session processes this result before it answers anything else.
                let news = StreamReport::Opened(result);
                let _ = self.orders.send(ServeOrder { session, stream, news });
            }
            ServeCommand::OpenPorts(request) => {
                let Some(ports) = &mut self.ports else { return };
                let news = StreamReport::Ports(Box::new(ports.open(&request)));
                let _ = self.orders.send(ServeOrder { session: request.session, stream: 0, news });
            }
            ServeCommand::ClosePorts { sockets } => {
                if let Some(ports) = &self.ports {
                    ports.close(&sockets);
                }
            }
            ServeCommand::Total { session, stream, total } => {
                if let Some(running) = self.running.get(&(session, stream)) {
                    running.announce_total(total);
                }
            }
            ServeCommand::Move { session, stream, peer } => {
                if let Some(running) = self.running.get(&(session, stream)) {
                    running.redirect(peer);
                }
            }
            ServeCommand::CountHost { session } => self.count_host(session),
            ServeCommand::Begin { session } => {
                self.cpu_before.insert(session, sys::process_cpu_time());
                self.of(session).for_each(RunningStream::begin);
            }
            ServeCommand::CountOpen { sessions, streams } => {
                if let Some(open) = &self.open_tests {
                    open.set(sessions, streams);
                }
            }
            ServeCommand::Count(standing) => {
                if let Some(watch) = &self.plan.watch {
                    watch.tell(&standing);
                }
            }
            ServeCommand::CountProcessor { session } => self.count_processor(session),
            ServeCommand::StopSenders { session } => {
                let senders = self.of(session).filter(|running| running.sends());
                senders.for_each(RunningStream::stop);
            }
            ServeCommand::Close { session } => {
                // Ask all of them to stop before waiting for the first.
                self.of(session).for_each(RunningStream::stop);
                self.running.retain(|(id, _), _| *id != session);
                self.before.remove(&session);
                self.cpu_before.remove(&session);
            }
            ServeCommand::GiveBack => sys::give_memory_back(),
            ServeCommand::Reload | ServeCommand::ReloadDone | ServeCommand::Drain => {
                self.serve_operator(&command);
            }
        }
    }
}

impl ServerStreams {
    /// None yet, for a server on `port`; they report to `orders` and wake `control`.
    pub fn new(
        plan: ServerPlan,
        port: u16,
        (counters, damage, ports): (HostReader, DamageMeter, Option<ProbePorts>),
        orders: Sender<ServeOrder>,
        control: Handle,
    ) -> Self {
        let (running, before, cpu_before) = (HashMap::new(), HashMap::new(), HashMap::new());
        let (damage, open_tests) = (Arc::new(damage), None);
        Self {
            plan,
            port,
            running,
            counters,
            damage,
            before,
            cpu_before,
            ports,
            open_tests,
            traffic: Arc::default(),
            service: None,
            orders,
            control,
        }
    }

    /// The same with the operator's side of the server.
    pub fn with_service(self, service: ServerService) -> Self {
        Self { service: Some(service), ..self }
    }

    /// The same, which adds what its streams receive and send to these counts.
    pub fn counting(self, traffic: Arc<ServerTraffic>) -> Self {
        Self { traffic, ..self }
    }

    fn serve_operator(&self, command: &ServeCommand) {
        let Some(service) = &self.service else { return };
        match command {
            ServeCommand::Reload => {
                if let Some(news) = service.reload() {
                    let _ = self.orders.send(ServeOrder { session: 0, stream: 0, news });
                }
            }
            ServeCommand::ReloadDone => service.reloaded(),
            _ => service.drain(),
        }
    }

    /// The same for iperf3's clients, whose tests are counted there.
    pub fn counted_in(self, open_tests: Arc<OpenTests>) -> Self {
        Self { open_tests: Some(open_tests), ..self }
    }

    /// The streams of a session.
    fn of(&self, session: u64) -> impl Iterator<Item = &RunningStream> {
        let streams = self.running.iter().filter(move |((id, _), _)| *id == session);
        streams.map(|(_, running)| running)
    }

    /// Reports the processor time since a session's test began.
    fn count_processor(&self, session: u64) {
        let (user, system) = sys::process_cpu_time();
        let before = self.cpu_before.get(&session).copied().unwrap_or((user, system));
        let (user_ns, system_ns) = ((user - before.0).0, (system - before.1).0);
        let news = StreamReport::Processor { user_ns, system_ns };
        let _ = self.orders.send(ServeOrder { session, stream: 0, news });
    }

    /// Reads this host's counters before the first stream of a run.
    fn count_before(&mut self, request: &StreamRequest) {
        let (counters, peer) = (&self.counters, request.peer.ip());
        self.before.entry(request.session).or_insert_with(|| CountersBefore {
            snapshot: counters.snapshot(),
            interfaces: RunInterfaces {
                rx: Some(request.interface).filter(|index| *index != 0),
                tx: counters.interface_to(peer),
            },
            peer,
        });
    }

    /// Reports what this host counted during a run.
    fn count_host(&self, session: u64) {
        let Some(CountersBefore { snapshot, interfaces, peer }) = self.before.get(&session) else {
            return;
        };
        let change = self.counters.snapshot().since(snapshot, *peer, *interfaces);
        let news = StreamReport::Host(Box::new(change));
        let _ = self.orders.send(ServeOrder { session, stream: 0, news });
    }

    fn open(&self, request: StreamRequest) -> Result<RunningStream, StreamError> {
        let StreamRequest { session, stream, .. } = request;
        let iperf3 = request.iperf3;
        let forbids = iperf3.is_some_and(|iperf3| iperf3.dont_fragment);
        let socket = SocketPlan {
            connect: Some(request.peer),
            share_port: true,
            tos: iperf3.map(|iperf3| iperf3.tos).filter(|tos| *tos != 0),
            fragmentation: forbids.then_some(Fragmentation::Forbid),
            io: self.plan.io,
            buffer: request.buffer as usize,
            ..SocketPlan::new(stream_address(request.local, request.peer, self.port))
        };
        let damage = Arc::clone(&self.damage);
        let traffic =
            StreamTraffic::new(Arc::clone(&self.traffic), request.plan.mean_payload() as u32);
        let (traffic, orders) = (Arc::new(traffic), self.orders.clone());
        let is_watched = self.plan.watch.is_some();
        let out = ToControl { session, stream, damage, traffic, orders, is_watched };
        let sinks = StreamSinks { sent: Box::new(out.clone()), received: Box::new(out.clone()) };
        let placement = match &self.plan.cpus[..] {
            [] if request.one_host => Placement::for_test_on_one_host(&request.plan),
            [] => Placement::ANYWHERE,
            cpus => Placement::listed(cpus.to_vec()),
        };
        let planned = TestStream {
            test: &request.plan,
            tag: request.tag,
            number: stream,
            socket,
            gro: self.plan.gro,
            placement: &placement,
            patience: SILENCE,
            // What it receives, the client sends, and whatever is on the path sees that.
            keepalive: Nanos::ZERO,
            spin: false,
        };
        let end = match iperf3 {
            None => TestEnd::Server { go_ahead: request.go_ahead },
            Some(iperf3) => TestEnd::Iperf3Server {
                reply: GreetingReply::new(iperf3.reply),
                format: DataFormat::Iperf3(iperf3.counters),
                filling: iperf3.filling,
                omit: iperf3.omit,
            },
        };
        let plan = StreamPlan::for_test(planned, end, sinks);
        let control = self.control.clone();
        RunningStream::start(plan, move |end| {
            out.tell(match end {
                StreamEnd::Sent(summary, io) => {
                    if summary.omitted > 0 {
                        out.tell(StreamReport::Omitted(summary.omitted));
                    }
                    StreamReport::Sent(Box::new(summary.sent), io)
                }
                StreamEnd::Received(summary, io) => {
                    let ReceiverSummary { received, delay, outages, sizes, .. } = *summary;
                    if !sizes.is_empty() {
                        out.tell(StreamReport::Sizes(sizes));
                    }
                    out.tell(StreamReport::Outages(Box::new(outages)));
                    StreamReport::Received(Box::new(received), Box::new(delay), io)
                }
                StreamEnd::Failed(error) => StreamReport::Failed(LocalFailure::from(&error)),
            });
            control.wake();
        })
    }
}

/// Forwards a stream's events to the control session.
#[derive(Clone)]
struct ToControl {
    session: u64,
    stream: u32,
    damage: Arc<DamageMeter>,
    traffic: Arc<StreamTraffic>,
    orders: Sender<ServeOrder>,
    /// Whether programs watch the server.
    is_watched: bool,
}

impl ToControl {
    fn tell(&self, news: StreamReport) -> Flow {
        match &news {
            StreamReport::Progress(received) | StreamReport::Received(received, ..) => {
                self.traffic.received(received);
            }
            StreamReport::Sent(sent, _) => self.traffic.sent(sent),
            _ => {}
        }
        let Self { session, stream, .. } = *self;
        match self.orders.send(ServeOrder { session, stream, news }) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Closed,
        }
    }
}

impl Sink<ReceiverEvent> for ToControl {
    fn take(&mut self, event: ReceiverEvent) -> Flow {
        self.tell(match event {
            ReceiverEvent::Interval(mut interval) => {
                interval.damaged = self.damage.damaged(interval.socket_drops);
                StreamReport::Interval(interval)
            }
            ReceiverEvent::Progress(received) => StreamReport::Progress(received),
            ReceiverEvent::LostInMove(lost) => StreamReport::LostInMove(lost),
            // Only clients have such streams.
            ReceiverEvent::Answered { .. }
            | ReceiverEvent::Settled { .. }
            | ReceiverEvent::Moved => return Flow::Continue,
        })
    }
}

impl Sink<SenderEvent> for ToControl {
    fn take(&mut self, event: SenderEvent) -> Flow {
        match event {
            SenderEvent::Refused(_) => self.tell(StreamReport::Refused),
            SenderEvent::Progress { datagrams } => {
                self.traffic.sent_so_far(datagrams);
                if self.is_watched {
                    return self.tell(StreamReport::Sending(datagrams));
                }
                Flow::Continue
            }
            // Only clients move.
            SenderEvent::Started | SenderEvent::Answered { .. } | SenderEvent::Moved => {
                Flow::Continue
            }
        }
    }
}

/// Where a stream's socket is bound: the address that the client contacted, on the server's port.
fn stream_address(local: Option<IpAddr>, peer: SocketAddr, port: u16) -> SocketAddr {
    match (local, peer) {
        (Some(IpAddr::V6(ip)), SocketAddr::V6(peer)) => {
            SocketAddrV6::new(ip, port, 0, peer.scope_id()).into()
        }
        (Some(ip), _) => (ip, port).into(),
        (None, SocketAddr::V4(_)) => (Ipv4Addr::UNSPECIFIED, port).into(),
        (None, SocketAddr::V6(_)) => (Ipv6Addr::UNSPECIFIED, port).into(),
    }
}
