//! One stream of a throughput run: its socket, its loop, its thread.

use super::steady_arrivals::SteadyArrivals;
use super::{Handle, Loop, LoopConfig, Placement, WakePrecision};
use crate::batch::{Convenience, KeptDatagram, RxMeta, TxBatch};
use crate::net::note_convenience;
use crate::net::{KeptSocket, NetError, Redirect, Socket, SocketPlan};
use crate::record::Sink;
use crate::session::blast::{
    BlastReceiver, BlastSender, DataFormat, Filling, Greeting, GreetingReply, LARGEST_ANSWER,
    Opening, RECEIVED_AT_ONCE, ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary,
    SenderEvent, SenderOrder, SenderPlan, SenderSummary, StreamOpening, TestPlan, largest_received,
    receiver_room,
};
use crate::session::serve::StreamIo;
use crate::sys;
use crate::sys::error_text::io_error_text;
use crate::units::Nanos;
use crate::wire::{self, split_tos};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// Smallest socket buffer of a stream, however many streams share the total, in bytes.
const LEAST_BUFFER: usize = 1 << 20;
/// How often a stream's session is called when nothing happens.
const TICK: Nanos = Nanos::from_millis(100);

/// Longest datagram of another that is passed on, in bytes.
const LARGEST_ASTRAY: usize = 2_048;
/// Datagrams of others that are passed on, about: what comes in the few microseconds between two
/// calls, or in the milliseconds that a busy host takes for them.
const MOST_ASTRAY: usize = 512;

/// How much later than it came a stream of a set rate may read what comes to a sender, which is
/// little, and to a receiver, whose kernel stamps it.
const SENDER_SLACK: Nanos = Nanos::from_millis(10);
const RECEIVER_SLACK: Nanos = Nanos::from_millis(20);

/// Whether a stream sends or receives.
pub enum StreamRole {
    /// Sends, and reports its events if a sink is given.
    Send(SenderPlan, Box<dyn Sink<SenderEvent> + Send>),
    /// Receives, and reports its events.
    Receive(ReceiverPlan, Box<dyn Sink<ReceiverEvent> + Send>),
}

/// A stream to be started.
pub struct StreamPlan {
    /// Its socket, connected.
    pub socket: SocketPlan,
    /// Payload bytes per datagram.
    pub payload: usize,
    /// The handshake that admits this stream; `None` on the server's side.
    pub opening: Option<StreamOpening>,
    /// The processor to run on; `None` for any.
    pub cpu: Option<usize>,
    /// Whether the other end runs on the same processor.
    pub shared: bool,
    /// How exactly it sends.
    pub precision: WakePrecision,
    /// What is to come, if that is known: how much later it may be read.
    pub arrivals: Option<SteadyArrivals>,
    /// Sender or receiver.
    pub role: StreamRole,
}

/// A stream of a run, as both of its ends know it, with what one end has for it.
pub struct TestStream<'a> {
    /// The run.
    pub test: &'a TestPlan,
    /// The run's tag.
    pub tag: u16,
    /// The stream's number.
    pub number: u32,
    /// The address and options of this end's socket.
    pub socket: SocketPlan,
    /// Whether this end may receive by GRO.
    pub gro: bool,
    /// Processors for the run's streams at this end.
    pub placement: &'a Placement,
    /// Silence after which the other end is given up.
    pub patience: Nanos,
    /// How often a receiver at this end says something; zero for never.
    pub keepalive: Nanos,
    /// Whether a sender at this end is busy between two sends, to send exactly.
    pub spin: bool,
}

/// Which end of a run a stream is planned for.
pub enum TestEnd {
    /// The client, which asks the server to admit the stream.
    Client(Box<Opening>),
    /// The client of an iperf3 server.
    Iperf3 {
        /// How the stream is opened.
        greeting: Greeting,
        /// The header of its datagrams.
        format: DataFormat,
        /// Time at the start that is not counted.
        omit: Nanos,
    },
    /// The server of an iperf3 client.
    Iperf3Server {
        /// How the stream is opened.
        reply: GreetingReply,
        /// The header of its datagrams.
        format: DataFormat,
        /// What stands behind it.
        filling: Filling,
        /// Time at the start that is not counted.
        omit: Nanos,
    },
    /// The server, with its reply to a repeated request to admit it.
    Server {
        /// The reply; empty for none.
        go_ahead: Vec<u8>,
    },
}

/// Where a stream's events go, whichever end it turns out to be.
pub struct StreamSinks {
    /// A sender's events.
    pub sent: Box<dyn Sink<SenderEvent> + Send>,
    /// A receiver's events.
    pub received: Box<dyn Sink<ReceiverEvent> + Send>,
}

impl StreamPlan {
    /// The plan of a run's stream at one of its ends.
    pub fn for_test(stream: TestStream<'_>, end: TestEnd, sinks: StreamSinks) -> Self {
        let TestStream { test, tag, number, socket, gro, placement, .. } = stream;
        let TestStream { patience, keepalive, spin, .. } = stream;
        let is_server = matches!(end, TestEnd::Server { .. } | TestEnd::Iperf3Server { .. });
        // Its client ends the test and may begin the next at once: the stream must hear of it at once.
        let is_ended_by_client = matches!(end, TestEnd::Iperf3Server { .. });
        let sends = test.is_up(number) != is_server;
        let tos = match test.marking.of_stream(number) {
            Some(ecn) if sends => {
                let dscp = split_tos(socket.tos.unwrap_or_default()).0;
                Some(wire::tos(dscp, ecn))
            }
            _ => socket.tos,
        };
        let (accounting, gro_used) = (!sends, !sends && gro);
        let marks = !sends && test.counts_marks();
        let socket = SocketPlan { accounting, marks, gro: gro_used, tos, ..socket };
        let mut sender = SenderPlan::new(*test, number, tag);
        let mut receiver = ReceiverPlan::new(test, tag, patience);
        receiver.keepalive = keepalive;
        (sender.keeps_course, receiver.keeps_course) = (!is_server, !is_server);
        receiver.per_drop = if gro { ReceiverPlan::COALESCED } else { 1 };
        let opening = match end {
            TestEnd::Client(opening) => {
                receiver.time = test.time;
                Some(StreamOpening::from(*opening))
            }
            TestEnd::Iperf3 { greeting, format, omit } => {
                (sender.format, sender.omit) = (format, omit);
                (receiver.format, receiver.omit) = (format, omit);
                // The control connection tells whether the server is still there.
                receiver.patience = Nanos::MAX;
                // Its server knows no keepalives.
                receiver.keepalive = Nanos::ZERO;
                Some(StreamOpening::from(greeting))
            }
            TestEnd::Iperf3Server { reply, format, filling, omit } => {
                (sender.format, sender.filling, sender.omit) = (format, filling, omit);
                (receiver.format, receiver.omit) = (format, omit);
                // The client ends the test, in either direction.
                (sender.time, sender.count) = (Nanos::ZERO, 0);
                receiver.patience = Nanos::MAX;
                Some(StreamOpening::from(reply))
            }
            // The server's policy limits the duration of a session's runs.
            TestEnd::Server { go_ahead } => {
                receiver.go_ahead = go_ahead;
                None
            }
        };
        let role = if sends {
            StreamRole::Send(sender, sinks.sent)
        } else {
            StreamRole::Receive(receiver, sinks.received)
        };
        let (cpu, shared) = (placement.of(number), placement.is_paired());
        let precision = match (sends, spin) {
            // Only a send schedule needs better than millisecond precision.
            (false, _) => WakePrecision::Millisecond,
            (true, false) => WakePrecision::Timer,
            (true, true) => WakePrecision::Busy,
        };
        let arrivals = SteadyArrivals::of(test).filter(|_| !is_ended_by_client);
        let payload = test.payload as usize;
        Self { socket, payload, opening, cpu, shared, precision, arrivals, role }
    }

    /// Whether it goes on from another address of this host: the server must know how to follow.
    fn moves(&self) -> bool {
        self.opening.as_ref().is_some_and(StreamOpening::can_move)
    }
}

/// How a stream ended.
pub enum StreamEnd {
    /// A sender finished.
    Sent(Box<SenderSummary>, StreamIo),
    /// A receiver finished.
    Received(Box<ReceiverSummary>, StreamIo),
    /// Its loop failed.
    Failed(StreamError),
}

/// Why a stream could not start, or failed.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Opening its socket failed.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Starting its loop or its thread failed.
    #[error("cannot start a stream: {}", io_error_text(.0))]
    Loop(#[from] io::Error),
    /// Its loop failed after it had started.
    #[error("a stream's event loop stopped: {}", io_error_text(.0))]
    Broke(#[source] io::Error),
}

/// A running stream thread. Dropping it stops the stream and waits for it.
pub struct RunningStream {
    handle: Handle,
    orders: StreamOrders,
    socket: Redirect,
    /// What is to be passed on.
    astray: Vec<KeptDatagram>,
    thread: Option<JoinHandle<()>>,
}

/// Orders to whichever end a stream is.
enum StreamOrders {
    Send(Sender<SenderOrder>),
    Receive(Sender<ReceiverOrder>),
}

/// What is queued at a socket that has just been connected: it came before that.
fn astray(socket: &mut Socket) -> Vec<KeptDatagram> {
    let local = socket.local_addr().ip();
    let mut batch = socket.rx_batch(LARGEST_ASTRAY);
    let mut found = Vec::new();
    while found.len() < MOST_ASTRAY && socket.receive(&mut batch).is_ok_and(|got| got > 0) {
        let whole = batch.datagrams().filter(|datagram| !datagram.truncated());
        found.extend(whole.map(|datagram| {
            let destination = datagram.meta.destination.or(Some(local));
            let meta = RxMeta { destination, socket: 0, ..datagram.meta };
            KeptDatagram { payload: datagram.payload.to_vec(), meta }
        }));
        batch.clear();
    }
    found
}

impl RunningStream {
    /// Opens the socket and starts the thread, which calls `on_end` when the stream is over.
    pub fn start(
        plan: StreamPlan,
        on_end: impl FnOnce(StreamEnd) + Send + 'static,
    ) -> Result<Self, StreamError> {
        let mut socket = plan.socket.open()?;
        let astray = if plan.socket.share_port { astray(&mut socket) } else { Vec::new() };
        let redirect = socket.redirect()?;
        let sends = matches!(plan.role, StreamRole::Send(..));
        let config = LoopConfig {
            tick: Some(TICK),
            largest: if sends { LARGEST_ANSWER } else { largest_received(plan.payload) },
            at_once: RECEIVED_AT_ONCE,
            shared: plan.shared,
            precision: plan.precision,
            read_slack: read_slack(&plan, socket.buffer_sizes().receive_granted),
            rests: !sends && !shares_processor(plan.shared),
            ..LoopConfig::default()
        };
        let mut stream = Loop::new(vec![socket], None, config)?;
        if let Some(peer) = plan.socket.connect.filter(|_| plan.moves()) {
            stream = stream.keeping(vec![KeptSocket::as_asked(plan.socket.clone(), peer)])?;
        }
        let handle = stream.handle();
        let (to_sender, sender_inbox) = channel();
        let (to_receiver, receiver_inbox) = channel();
        let orders =
            if sends { StreamOrders::Send(to_sender) } else { StreamOrders::Receive(to_receiver) };
        let inbox = (sender_inbox, receiver_inbox);
        let thread = thread::Builder::new().name("stream".to_owned()).spawn(move || {
            if let Some(cpu) = plan.cpu {
                // The processors were validated earlier; failing to pin costs speed, not
                // correctness.
                note_convenience(Convenience::Processors, &sys::pin_thread(cpu));
            }
            on_end(run(stream, plan.opening, plan.role, inbox));
        })?;
        Ok(Self { handle, orders, socket: redirect, astray, thread: Some(thread) })
    }

    /// Datagrams of others that came to its socket before it was connected, once: between the two
    /// calls it takes all that comes to the port that it shares.
    pub fn take_astray(&mut self) -> Vec<KeptDatagram> {
        std::mem::take(&mut self.astray)
    }

    /// Whether it sends.
    pub fn sends(&self) -> bool {
        matches!(self.orders, StreamOrders::Send(_))
    }

    /// Asks it to stop early; its result is complete.
    pub fn stop(&self) {
        self.handle.stop();
    }

    /// Tells a receiver how many datagrams its sender sent.
    pub fn announce_total(&self, total: u64) {
        self.order_receiver(ReceiverOrder::Total(total));
    }

    /// Lets the data of a stream that was greeted flow.
    pub fn begin(&self) {
        if let StreamOrders::Send(orders) = &self.orders {
            // A stream that has ended does not begin.
            let _ = orders.send(SenderOrder::Begin);
            self.handle.wake();
        }
        self.order_receiver(ReceiverOrder::Begin);
    }

    /// Tells a receiver that its sender was told to stop.
    pub fn settle(&self) {
        self.order_receiver(ReceiverOrder::Settle);
    }

    fn order_receiver(&self, order: ReceiverOrder) {
        if let StreamOrders::Receive(orders) = &self.orders {
            // A receiver that has ended needs no orders.
            let _ = orders.send(order);
            self.handle.wake();
        }
    }

    /// This end has another address: has the stream admitted again, with the session's latest
    /// value.
    pub fn reopen(&self, proof: String) {
        // One that has ended goes on nowhere.
        let _ = match &self.orders {
            StreamOrders::Send(orders) => orders.send(SenderOrder::Reopen { proof }).is_ok(),
            StreamOrders::Receive(orders) => orders.send(ReceiverOrder::Reopen { proof }).is_ok(),
        };
        self.handle.wake();
    }

    /// The other end has another address: sends there and receives from there from now on. Nothing
    /// changes if this host refuses.
    pub fn redirect(&self, peer: SocketAddr) {
        if self.socket.connect(peer).is_ok() {
            self.order_receiver(ReceiverOrder::Moved);
        }
    }
}

impl Drop for RunningStream {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // The thread already printed its panic.
            let _ = thread.join();
        }
    }
}

/// A stream's share of the run's socket buffer, but at least what one stream needs for good
/// throughput.
pub fn stream_buffer(buffer: usize, streams: u32) -> usize {
    (buffer / streams.max(1) as usize).max(buffer.min(LEAST_BUFFER))
}

/// Whether the other end runs on the same processor. Where the user leaves this process only some of
/// the processors, the other end may well have been given the others.
fn shares_processor(is_paired: bool) -> bool {
    is_paired && sys::allowed_processors().len() >= sys::online_processors()
}

/// How much later than it came a stream may read what comes to a socket with this receive buffer.
fn read_slack(plan: &StreamPlan, buffer: usize) -> Nanos {
    let Some(arrivals) = plan.arrivals else { return Nanos::ZERO };
    match plan.role {
        StreamRole::Send(..) => SENDER_SLACK,
        StreamRole::Receive(..) => arrivals.read_slack(buffer, RECEIVER_SLACK),
    }
}

fn run(
    stream: Loop,
    opening: Option<StreamOpening>,
    role: StreamRole,
    (sender_inbox, receiver_inbox): (Receiver<SenderOrder>, Receiver<ReceiverOrder>),
) -> StreamEnd {
    let ended = match role {
        StreamRole::Send(plan, sink) => {
            let (datagrams, bytes) = plan.test.sender_room();
            let session = BlastSender::new(plan, opening, sink).with_orders(sender_inbox);
            stream.run(session, TxBatch::new(datagrams, bytes)).map(|ended| {
                let mut summary = Box::new(ended.summary);
                summary.sent.cpu_ns = ended.cpu.0;
                StreamEnd::Sent(summary, io_of(&ended.sockets))
            })
        }
        StreamRole::Receive(plan, sink) => {
            let words = receiver_room();
            let session = BlastReceiver::new(plan, opening, receiver_inbox, sink);
            stream.run(session, TxBatch::new(words.0, words.1)).map(|ended| {
                let mut summary = Box::new(ended.summary);
                summary.received.cpu_ns = Some(ended.cpu.0);
                StreamEnd::Received(summary, io_of(&ended.sockets))
            })
        }
    };
    ended.unwrap_or_else(|error| StreamEnd::Failed(StreamError::Broke(error)))
}

fn io_of(sockets: &[Socket]) -> StreamIo {
    let (used, sizes) = (sockets[0].io_used(), sockets[0].buffer_sizes());
    StreamIo {
        tx: used.tx,
        rx: used.rx,
        batch: used.batch,
        receive_buffer: sizes.receive_granted as u64,
        send_buffer: sizes.send_granted as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Sealer;
    use crate::session::blast::Direction;
    use crate::wire::Params;

    fn planned(test: &TestPlan, number: u32, end: TestEnd) -> StreamPlan {
        let stream = TestStream {
            test,
            tag: 7,
            number,
            socket: SocketPlan::new(([127, 0, 0, 1], 0).into()),
            gro: true,
            placement: &Placement::listed(vec![3, 5]),
            patience: Nanos::from_secs(9),
            keepalive: Nanos::from_secs(2),
            spin: false,
        };
        let sinks = StreamSinks { sent: Box::new(()), received: Box::new(()) };
        StreamPlan::for_test(stream, end, sinks)
    }

    #[test]
    fn both_ends_plan_the_same_stream_one_to_send_and_one_to_receive() {
        let given = TestPlan::read(&Params::default()).unwrap();
        let given = TestPlan { streams: 2, count: 5, payload: 999, window: 64, ..given };
        for direction in [Direction::Up, Direction::Down, Direction::Both] {
            let test = TestPlan { direction, ..given };
            for number in 0..test.all_streams() {
                let patience = Nanos::from_secs(1);
                let opening = Opening::new("ab".to_owned(), number, patience);
                let client = TestEnd::Client(Box::new(opening.of_run(7, Sealer::default())));
                let server = TestEnd::Server { go_ahead: b"x 354 go".to_vec() };
                let ends = [client, server].map(|end| planned(&test, number, end));
                assert_eq!(ends.each_ref().map(|end| end.opening.is_some()), [true, false]);
                let both = [(true, true), (false, false)].map(|(client, up)| {
                    let end = &ends[usize::from(!client)];
                    let sends = test.is_up(number) == up;
                    assert_eq!((end.socket.gro, end.socket.accounting), (!sends, !sends));
                    assert_eq!(
                        (end.payload, end.cpu),
                        (999, [Some(3), Some(5)][number as usize % 2])
                    );
                    match &end.role {
                        StreamRole::Send(plan, _) => {
                            assert!(sends);
                            assert_eq!((plan.tag, plan.count), (7, test.count_of(number)));
                        }
                        StreamRole::Receive(plan, _) => {
                            assert!(!sends);
                            let time = if client { test.time } else { Nanos::ZERO };
                            assert_eq!((plan.tag, plan.window, plan.time), (7, 64, time));
                            assert_eq!(plan.per_drop, ReceiverPlan::COALESCED);
                            assert_eq!(plan.go_ahead.is_empty(), client);
                        }
                    }
                    sends
                });
                assert!(both[0] != both[1], "one of them sends");
            }
        }
    }
}
