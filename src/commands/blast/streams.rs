//! The client's streams: started when the run is granted, reported by interval while they run, and
//! collected at the end.

use super::plan::BlastPlan;
use crate::batch::HostChange;
use crate::control::Sealer;
use crate::engine::{
    Handle, Placement, ProbeSwitch, RunningStream, StreamEnd, StreamError, StreamPlan, StreamSinks,
    TestEnd, TestStream, random_u64, stream_buffer,
};
use crate::machine::Executor;
use crate::net::{DamageMeter, HostReader, HostSnapshot, RunInterfaces, SocketPlan};
use crate::record::{
    BlastInterval, BlastReceived, BlastSent, CoursePoint, Flow, RunFailure, Sink, StreamCounts,
};
use crate::report::metrics::{Count, StreamReceiving};
use crate::report::{BlastView, FlowDirection, StreamCounter};
use crate::session::blast::{
    ControlCommand, ControlEvent, ControlOrder, DataFormat, Direction, Greeting, IntervalMerger,
    Opening, ReceiverEvent, ReceiverSummary, SenderEvent, SizeAccount, merge_courses,
    merge_received, merge_sent, merge_sizes,
};
use crate::session::serve::StreamIo;
use crate::session::stamp::ProbePhase;
use crate::stats::{EncodedHistogram, OutageLog};
use crate::sys::process_cpu_time;
use crate::units::{Nanos, with_port};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// What the streams of this end counted.
#[derive(Default)]
pub struct Collected {
    /// What this end sent; `None` if it only receives, or nothing was started.
    pub sent: Option<BlastSent>,
    /// What this end received; `None` if it only sends, or nothing was started.
    pub received: Option<BlastReceived>,
    /// The delays of all that this end received, above each stream's minimum.
    pub delay: Option<EncodedHistogram>,
    /// What this end received of each class of sizes; empty where all are the same.
    pub sizes: Vec<SizeAccount>,
    /// The outages of what this end received; `None` if it received nothing.
    pub outages: Option<OutageLog>,
    /// The same of each of its streams, in their order.
    pub received_streams: Vec<StreamCounts>,
    /// Sending streams of this end that ran to the end, or moved datagrams before they broke off.
    pub begun_up: u64,
    /// The same for receiving streams.
    pub begun_down: u64,
    /// Keepalives that left the receiving sockets.
    pub keepalives: u64,
    /// System calls and buffers of the sending sockets.
    pub sender_io: Option<StreamIo>,
    /// System calls and buffers of the receiving sockets.
    pub receiver_io: Option<StreamIo>,
    /// What this host counted during the run.
    pub host: Option<HostChange>,
    /// Intervals of the server's receivers.
    pub up: Vec<BlastInterval>,
    /// Intervals of the receivers of this end.
    pub down: Vec<BlastInterval>,
    /// The course of the search of what this end sent.
    pub course_up: Vec<CoursePoint>,
    /// The course of the search of what it received.
    pub course_down: Vec<CoursePoint>,
}

/// A stream and how it ended.
type EndOf = (u32, StreamEnd);

/// Starts the streams when the control session says so, and shows their intervals.
pub struct Driver {
    plan: BlastPlan,
    orders: Sender<ControlOrder>,
    control: Handle,
    view: BlastView,
    running: Vec<RunningStream>,
    ends: (Sender<EndOf>, Receiver<EndOf>),
    up: Vec<BlastInterval>,
    down: Vec<BlastInterval>,
    board: IntervalMerger,
    probe: Option<ProbeSwitch>,
    counters: HostReader,
    damage: Arc<DamageMeter>,
    /// This host's counters before the first stream, or before the dialogue until that.
    before: HostSnapshot,
    /// Processor time of this process when an iperf3 test began.
    cpu_before: (Nanos, Nanos),
}

/// Where streams are opened.
struct SessionPlace {
    /// The session's name.
    session: String,
    /// The identity of its server; empty if it gives none.
    server: String,
}

impl Driver {
    /// A driver without streams yet.
    pub fn new(
        plan: BlastPlan,
        orders: Sender<ControlOrder>,
        control: Handle,
        view: BlastView,
        probe: Option<ProbeSwitch>,
    ) -> Self {
        let board = board(&plan);
        let counters = HostReader::open();
        Self {
            plan,
            orders,
            control,
            view,
            running: Vec::new(),
            ends: channel(),
            up: Vec::new(),
            down: Vec::new(),
            board,
            probe,
            before: counters.snapshot(),
            counters,
            damage: Arc::new(DamageMeter::open()),
            cpu_before: (Nanos::ZERO, Nanos::ZERO),
        }
    }

    /// What this host counted since the first stream; `interface` is that of the server's replies,
    /// 0 if unknown.
    pub fn count_host(&self, interface: u32) -> HostChange {
        let peer = self.plan.target.ip();
        let tx = self.plan.stream.device.or_else(|| self.counters.interface_to(peer));
        let rx = Some(interface).filter(|index| *index != 0).or(tx);
        self.counters.snapshot().since(&self.before, peer, RunInterfaces { rx, tx })
    }

    /// Waits for the streams to end and returns the driver's parts.
    pub fn into_parts(mut self) -> (Collected, BlastView) {
        self.running.iter().for_each(RunningStream::stop);
        self.running.clear();
        // A stream that ended earlier must not hold back the intervals of the others.
        (0..self.plan.test.streams as usize).for_each(|stream| self.board.end(stream));
        self.show_complete();
        let (sender, receiver) = self.ends;
        drop(sender);
        let mut found = Collected { up: self.up, down: self.down, ..Collected::default() };
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        let (mut courses_up, mut courses_down) = (Vec::new(), Vec::new());
        for (stream, end) in receiver {
            match end {
                StreamEnd::Sent(summary, io) => {
                    found.sender_io = Some(io);
                    found.begun_up += u64::from(summary.begun);
                    courses_up.push(summary.course);
                    sent.push(summary.sent);
                }
                StreamEnd::Received(mut summary, io) => {
                    courses_down.push(std::mem::take(&mut summary.course));
                    found.receiver_io = Some(io);
                    found.keepalives += summary.keepalives;
                    let begun = summary.broken.is_none() || summary.received.datagrams > 0;
                    found.begun_down += u64::from(begun);
                    received.push((stream, *summary));
                }
                StreamEnd::Failed(_) => {}
            }
        }
        found.course_up = merge_courses(courses_up);
        found.course_down = merge_courses(courses_down);
        found.sent = (!sent.is_empty()).then(|| merge_sent(&sent));
        received.sort_by_key(|(stream, _)| *stream);
        let parts = received
            .iter()
            .map(|(_, part): &(u32, ReceiverSummary)| (&part.received, Some(&part.delay)));
        let each = received.iter();
        found.received_streams = each.map(|(_, part)| StreamCounts::from(&part.received)).collect();
        found.sizes = merge_sizes(received.iter().map(|(_, part)| part.sizes.as_slice()));
        found.outages =
            received.iter().map(|(_, part)| part.outages.clone()).reduce(|mut all, log| {
                all.merge(&log);
                all
            });
        let delays = received.iter().map(|(_, part)| part.delay.clone());
        let delay = delays.reduce(|mut all, delay| {
            all.merge(&delay);
            all
        });
        let filled = delay.filter(|delay| delay.count() > 0);
        found.delay = filled.map(|delay| delay.encoded());
        found.received = (!received.is_empty()).then(|| merge_received(parts));
        (found, self.view)
    }

    fn start_all(&mut self, at: &SessionPlace, tag: u16) {
        for stream in 0..self.plan.test.all_streams() {
            let opening = Opening::new(at.session.clone(), stream, self.plan.patience)
                .at_server(at.server.clone());
            let end = random_u64().map(|random| {
                let sealer = Sealer::new(self.plan.key.clone(), random);
                TestEnd::Client(Box::new(opening.of_run(tag, sealer)))
            });
            self.start_one(tag, stream, end.map_err(StreamError::from));
        }
    }

    fn start_one(&mut self, tag: u16, stream: u32, end: Result<TestEnd, StreamError>) {
        match end.and_then(|end| self.start(tag, stream, end)) {
            Ok(running) => self.running.push(running),
            Err(error) => {
                let broken = Some(RunFailure::StreamFailed { cause: (&error).into() });
                let order = ControlOrder::StreamEnded { stream, total: 0, broken };
                let _ = self.orders.send(order);
            }
        }
    }

    /// Opens a stream of an iperf3 test.
    fn greet(&mut self, stream: u32) {
        let Some(iperf3) = &self.plan.iperf3 else { return };
        let end = TestEnd::Iperf3 {
            greeting: Greeting::new(self.plan.patience),
            format: DataFormat::Iperf3(iperf3.counters),
            omit: iperf3.omit,
        };
        self.start_one(0, stream, Ok(end));
    }

    /// Every stream of an iperf3 test is open.
    fn begin(&mut self) {
        self.view.started();
        self.before = self.counters.snapshot();
        self.cpu_before = process_cpu_time();
        self.running.iter().for_each(RunningStream::begin);
    }

    /// An iperf3 test is over.
    fn settle(&self) {
        self.running.iter().for_each(RunningStream::settle);
        let ((user, system), before) = (process_cpu_time(), self.cpu_before);
        let (user_ns, system_ns) = ((user - before.0).0, (system - before.1).0);
        let _ = self.orders.send(ControlOrder::Processor { user_ns, system_ns });
    }

    fn start(&self, tag: u16, stream: u32, end: TestEnd) -> Result<RunningStream, StreamError> {
        let test = self.plan.test;
        // A fixed port is used by the first stream only; the others have their own ports.
        let bind = match stream {
            0 => self.plan.stream.bind,
            _ => with_port(self.plan.stream.bind, 0),
        };
        let socket = SocketPlan {
            bind,
            buffer: stream_buffer(self.plan.stream.buffer, test.streams),
            ..self.plan.stream.clone()
        };
        let (orders, control) = (self.orders.clone(), self.control.clone());
        let lane = if stream < test.streams && test.direction != Direction::Down {
            self.lane(FlowDirection::Up)
        } else {
            self.lane(FlowDirection::Down)
        };
        let shown = self.view.streams().filter(|_| test.streams > 1).map(|shown| (shown, lane));
        let counted = self.view.sent_count(lane).map(|count| (count, 0));
        let refusals = RefusalSender {
            stream,
            shown,
            counted,
            orders: orders.clone(),
            control: control.clone(),
        };
        let sinks = StreamSinks {
            sent: Box::new(refusals),
            received: Box::new(IntervalSender {
                stream,
                counts: self.plan.iperf3.is_some() && test.count > 0,
                counted: self.view.receiving(lane),
                damage: Arc::clone(&self.damage),
                orders,
                control,
            }),
        };
        let planned = TestStream {
            test: &test,
            tag,
            number: stream,
            socket,
            gro: self.plan.gro,
            placement: &self.plan.placement,
            patience: self.plan.patience,
            keepalive: self.plan.keepalive,
            spin: self.plan.spin,
        };
        let plan = StreamPlan::for_test(planned, end, sinks);
        let (orders, control) = (self.orders.clone(), self.control.clone());
        let (ends, probe) = (self.ends.0.clone(), self.probe.clone());
        RunningStream::start(plan, move |end| {
            let (total, broken) = match &end {
                StreamEnd::Sent(summary, _) => {
                    if summary.omitted > 0 {
                        let datagrams = summary.omitted;
                        let _ = orders.send(ControlOrder::Omitted { stream, datagrams });
                    }
                    (summary.sent.datagrams, summary.broken.clone())
                }
                StreamEnd::Received(summary, _) => (0, summary.broken.clone()),
                StreamEnd::Failed(error) => {
                    (0, Some(RunFailure::StreamFailed { cause: error.into() }))
                }
            };
            // The load has decreased.
            if let Some(probe) = probe {
                probe.set(ProbePhase::Rest);
            }
            // The control session may have ended already; then nothing waits for this.
            let _ = ends.send((stream, end));
            let _ = orders.send(ControlOrder::StreamEnded { stream, total, broken });
            control.wake();
        })
    }

    /// An interval of one of this end's receivers; shown once all receivers have finished it.
    fn stretch(&mut self, stream: u32, interval: BlastInterval) -> Flow {
        let first = match self.plan.test.direction {
            Direction::Both => self.plan.test.streams,
            _ => 0,
        };
        if self.plan.test.streams > 1 {
            self.view.stream_interval(stream, self.lane(FlowDirection::Down), &interval);
        }
        self.board.add((stream - first) as usize, interval);
        self.show_complete()
    }

    fn show_complete(&mut self) -> Flow {
        let mut flow = Flow::Continue;
        while let Some(whole) = self.board.next_complete() {
            self.down.push(whole);
            flow = self.view.interval(self.lane(FlowDirection::Down), &whole);
        }
        flow
    }

    /// The direction to show: named only if there are two.
    fn lane(&self, lane: FlowDirection) -> FlowDirection {
        if self.plan.test.direction == Direction::Both { lane } else { FlowDirection::Only }
    }
}

impl Executor<ControlCommand> for &mut Driver {
    fn execute(&mut self, command: ControlCommand) {
        match command {
            ControlCommand::Start {
                session,
                server,
                tag,
                one_host,
                streams,
                capacity,
                patience,
            } => {
                self.plan.patience = patience;
                if (streams, capacity) != (self.plan.test.streams, self.plan.test.capacity) {
                    self.plan.test.capacity = capacity;
                    self.plan.test.streams = streams;
                    self.board = board(&self.plan);
                    self.view.set_heading(self.plan.heading());
                }
                if !self.plan.placement.is_listed() {
                    self.plan.placement = if one_host {
                        Placement::for_test_on_one_host(&self.plan.test)
                    } else {
                        Placement::ANYWHERE
                    };
                }
                self.view.started();
                self.before = self.counters.snapshot();
                self.start_all(&SessionPlace { session, server }, tag);
                if let Some(probe) = &self.probe {
                    probe.set(ProbePhase::Loaded);
                }
            }
            ControlCommand::Reopen { stream, proof } => {
                let all = (0u32..).zip(&self.running);
                all.filter(|(number, _)| stream.is_none_or(|only| only == *number))
                    .for_each(|(_, running)| running.reopen(proof.clone()));
            }
            ControlCommand::Greet { stream } => self.greet(stream),
            ControlCommand::Begin => self.begin(),
            ControlCommand::Settle => self.settle(),
            ControlCommand::Total { stream, datagrams } => {
                if let Some(stream) = self.running.get(stream as usize) {
                    stream.announce_total(datagrams);
                }
            }
            ControlCommand::StopSenders => {
                self.running.iter().filter(|stream| stream.sends()).for_each(RunningStream::stop);
            }
            ControlCommand::Abort => self.running.iter().for_each(RunningStream::stop),
        }
    }
}

impl Sink<ControlEvent> for &mut Driver {
    fn take(&mut self, event: ControlEvent) -> Flow {
        match event {
            ControlEvent::Interval(interval) => {
                self.up.push(interval);
                let lane = self.lane(FlowDirection::Up);
                self.view.interval(lane, &interval)
            }
            ControlEvent::SoFar(received) => {
                self.view.so_far(self.lane(FlowDirection::Up), &received);
                Flow::Continue
            }
            ControlEvent::Stretch { stream, interval } => self.stretch(stream, interval),
        }
    }
}

/// Merges the intervals of this end's receivers.
fn board(plan: &BlastPlan) -> IntervalMerger {
    IntervalMerger::new(match plan.test.direction {
        Direction::Up => 0,
        Direction::Down | Direction::Both => plan.test.streams as usize,
    })
}

/// Passes a receiver's intervals to the control session, which shows them.
struct IntervalSender {
    stream: u32,
    /// Whether the run may end by what was received.
    counts: bool,
    /// Counts it, where programs watch the run.
    counted: Option<StreamReceiving>,
    damage: Arc<DamageMeter>,
    orders: Sender<ControlOrder>,
    control: Handle,
}

impl Sink<ReceiverEvent> for IntervalSender {
    fn take(&mut self, event: ReceiverEvent) -> Flow {
        let stream = self.stream;
        if let (ReceiverEvent::Progress(received), Some(counted)) = (&event, &mut self.counted) {
            counted.see(received);
        }
        let order = match event {
            ReceiverEvent::Interval(mut interval) => {
                interval.damaged = self.damage.damaged(interval.socket_drops);
                ControlOrder::Stretch { stream, interval }
            }
            ReceiverEvent::LostInMove(datagrams) => ControlOrder::LostInMove { stream, datagrams },
            ReceiverEvent::Moved => ControlOrder::StreamMoved { stream },
            ReceiverEvent::Answered { repeats } => ControlOrder::Answered { stream, repeats },
            ReceiverEvent::Settled { received, omitted } => {
                ControlOrder::Settled { stream, received, omitted }
            }
            ReceiverEvent::Progress(received) if self.counts => {
                ControlOrder::Progress { stream, datagrams: received.datagrams }
            }
            ReceiverEvent::Progress(_) => return Flow::Continue,
        };
        let _ = self.orders.send(order);
        self.control.wake();
        Flow::Continue
    }
}

/// Passes the refusals that a sender meets to the control session, which decides what they mean.
struct RefusalSender {
    stream: u32,
    /// The screen, where there is one, is told what was sent.
    shown: Option<(StreamCounter, FlowDirection)>,
    /// The count of what was sent, where programs watch the run, and what it has of this stream.
    counted: Option<(Count, u64)>,
    orders: Sender<ControlOrder>,
    control: Handle,
}

impl Sink<SenderEvent> for RefusalSender {
    fn take(&mut self, event: SenderEvent) -> Flow {
        let order = match event {
            SenderEvent::Refused(error) => ControlOrder::Refused(error),
            SenderEvent::Moved => ControlOrder::StreamMoved { stream: self.stream },
            SenderEvent::Answered { repeats } => {
                ControlOrder::Answered { stream: self.stream, repeats }
            }
            SenderEvent::Progress { datagrams } => {
                if let Some((count, known)) = &mut self.counted {
                    count.add(datagrams.saturating_sub(*known));
                    *known = datagrams;
                }
                if let Some((shown, lane)) = &self.shown {
                    shown.sent(self.stream, *lane, datagrams);
                }
                return Flow::Continue;
            }
            SenderEvent::Started => return Flow::Continue,
        };
        let _ = self.orders.send(order);
        self.control.wake();
        Flow::Continue
    }
}
