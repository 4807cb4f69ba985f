//! The client of an iperf3 server's control connection: asks for the test, has the streams opened
//! one after the other, ends the test, and exchanges the results.

use super::inbox::Inbox;
use super::outcome::{Iperf3Summary, upstream};
use super::plan::Iperf3Plan;
use super::results::{self, Length, ReceivedStream, SentStream};
use crate::machine::{ByteSession, ConnectionEnd, Executor, Next, Now, Orders};
use crate::record::{BlastSent, Flow, Iperf3Failure, Iperf3Phase, RunFailure, Sink};
use crate::session::blast::{ControlCommand, ControlEvent, ControlOrder, Direction};
use crate::units::Nanos;
use crate::wire::iperf3::{
    ControlState, Iperf3Results, StreamResults, decode_message, encode_message, stream_id,
};

/// Time between the last datagram and the end of the test: a server counts nothing that is still
/// under way when it hears of the end.
const DRAIN: Nanos = Nanos::from_millis(500);
/// How long this end's receivers may take to report what they have.
const SETTLE: Nanos = Nanos::from_secs(5);
/// How much longer than their time this end's senders may run, and how long streams may take to
/// stop.
const OVERTIME: Nanos = Nanos::from_secs(2);
/// How long a stream's reply may be overtaken by the control connection. A server older than 3.7
/// begins without the streams of the other direction.
const OVERTAKEN: Nanos = Nanos::from_secs(1);
/// How long the server may take to close the connection after the goodbye.
const GOODBYE: Nanos = Nanos::from_secs(1);
/// `ECONNREFUSED` of Linux.
const CONNECTION_REFUSED: i32 = 111;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits for the server's next message; the deadline is in `until`.
    Phase(Iperf3Phase),
    /// The senders have ended; their last datagrams are under way.
    Draining,
    /// The server waits for the results, for which the receivers settle.
    Settling,
    /// Both ends have the results; the server prints them.
    Printing,
    /// Waits for this end's streams to stop.
    Stopping,
    /// The goodbye was said, and the server closes the connection.
    Closing,
    /// Nothing is left to do.
    Over,
}

/// A stream of this end.
#[derive(Clone, Debug, Default)]
struct Stream {
    ended: bool,
    /// Datagrams received so far.
    progress: u64,
    sent: SentStream,
    received: Option<ReceivedStream>,
}

/// The client of the control connection.
pub struct Iperf3Control<O, E> {
    plan: Iperf3Plan,
    orders: O,
    engine: E,
    state: State,
    /// When the state is given up, or over.
    until: Option<Nanos>,
    inbox: Inbox,
    out: Vec<u8>,
    /// A server's error was announced, and its numbers follow.
    error_follows: bool,
    /// The streams that were begun to be opened, in their order.
    streams: Vec<Stream>,
    /// Of these, those that the server has answered.
    answered: usize,
    /// The server sends and receives, although a stream's reply is missing.
    runs: bool,
    /// When data began to flow.
    begun: Nanos,
    /// How long the test took after the omitted time.
    length: Nanos,
    /// Datagrams received when the silence of a run without an end was last judged, and when.
    heard: (u64, Nanos),
    cpu: Option<(u64, u64)>,
    closes: bool,
    summary: Iperf3Summary,
}

impl<O, E> Iperf3Control<O, E>
where
    O: Orders<ControlOrder>,
    E: Executor<ControlCommand> + Sink<ControlEvent>,
{
    /// A session that asks for `plan`'s test once it is connected.
    pub fn new(plan: Iperf3Plan, orders: O, engine: E) -> Self {
        Self {
            plan,
            orders,
            engine,
            state: State::Phase(Iperf3Phase::Connecting),
            until: None,
            inbox: Inbox::default(),
            out: Vec::new(),
            error_follows: false,
            streams: Vec::new(),
            answered: 0,
            runs: false,
            begun: Nanos::ZERO,
            length: Nanos::ZERO,
            heard: (0, Nanos::ZERO),
            cpu: None,
            closes: false,
            summary: Iperf3Summary::default(),
        }
    }

    fn is_in(&self, phase: Iperf3Phase) -> bool {
        self.state == State::Phase(phase)
    }

    fn enter(&mut self, phase: Iperf3Phase, now: Now) {
        self.state = State::Phase(phase);
        self.until = Some(now.mono + self.plan.patience);
    }

    fn stay(&mut self, state: State, now: Now, length: Nanos) {
        self.state = state;
        self.until = Some(now.mono + length);
    }

    /// How far the test has come, for messages.
    fn phase(&self) -> Iperf3Phase {
        match self.state {
            State::Phase(phase) => phase,
            State::Draining => Iperf3Phase::Running,
            State::Settling | State::Printing | State::Stopping | State::Closing | State::Over => {
                Iperf3Phase::Results
            }
        }
    }

    fn say(&mut self, state: ControlState) {
        self.out.push(state.byte());
    }

    fn sends(&self) -> bool {
        self.plan.test.direction != Direction::Down
    }

    fn has_ended(&self) -> bool {
        self.streams.iter().all(|stream| stream.ended)
    }

    /// Streams that this end sends.
    fn senders(&self) -> usize {
        if self.sends() { self.plan.test.streams as usize } else { 0 }
    }

    fn has_settled(&self) -> bool {
        let mut receivers = self.streams.iter().skip(self.senders());
        receivers.all(|stream| stream.received.is_some() || stream.ended)
    }

    /// Ends the test because of a failure; the first one is the reason.
    fn fail(&mut self, cause: Iperf3Failure, now: Now) {
        self.break_off(RunFailure::Iperf3 { cause }, now);
    }

    fn break_off(&mut self, failure: RunFailure, now: Now) {
        self.summary.control.failure.get_or_insert(failure);
        if matches!(self.state, State::Stopping | State::Closing | State::Over) {
            return;
        }
        self.engine.execute(ControlCommand::Abort);
        self.stay(State::Stopping, now, OVERTIME);
    }

    /// As [`Self::break_off`], with a word to the server that nothing follows.
    fn terminate(&mut self, failure: RunFailure, now: Now) {
        if !self.is_in(Iperf3Phase::Connecting) {
            self.say(ControlState::ClientTerminate);
            self.closes = true;
        }
        self.break_off(failure, now);
    }

    fn take_orders(&mut self, now: Now) {
        while let Some(order) = self.orders.next_order() {
            self.take_order(order, now);
        }
    }

    fn take_order(&mut self, order: ControlOrder, now: Now) {
        match order {
            ControlOrder::Stretch { stream, interval } => {
                if self.engine.take(ControlEvent::Stretch { stream, interval }) == Flow::Closed {
                    self.stop(now);
                }
            }
            // A closed port may be the server's sockets between two tests; its connection tells.
            // Nor do its streams move.
            ControlOrder::Refused(_)
            | ControlOrder::StreamMoved { .. }
            | ControlOrder::LostInMove { .. } => {}
            ControlOrder::Processor { user_ns, system_ns } => {
                self.cpu = Some((user_ns, system_ns));
            }
            ControlOrder::Answered { stream, repeats } => {
                self.summary.repeated_greetings += u64::from(repeats);
                if self.is_in(Iperf3Phase::Streams) && stream as usize == self.answered {
                    self.answered += 1;
                    self.greet_next(now);
                }
            }
            ControlOrder::Progress { stream, datagrams } => {
                if let Some(stream) = self.streams.get_mut(stream as usize) {
                    stream.progress = datagrams;
                }
            }
            ControlOrder::Settled { stream, received, omitted } => {
                if let Some(stream) = self.streams.get_mut(stream as usize) {
                    stream.received = Some(ReceivedStream { received: *received, omitted });
                }
            }
            ControlOrder::Omitted { stream, datagrams } => {
                if let Some(stream) = self.streams.get_mut(stream as usize) {
                    stream.sent.omitted = datagrams;
                }
            }
            ControlOrder::StreamEnded { stream, total, broken } => {
                if let Some(stream) = self.streams.get_mut(stream as usize) {
                    stream.ended = true;
                    stream.sent.numbers = total + stream.sent.omitted;
                }
                if let Some(broken) = broken {
                    self.terminate(broken, now);
                }
            }
        }
    }

    /// Has the next stream opened, if the server has answered all before it.
    fn greet_next(&mut self, now: Now) {
        self.enter(Iperf3Phase::Streams, now);
        // The greeting has its own deadline, of the same length.
        self.until = Some(now.mono + self.plan.patience + OVERTIME);
        let all = self.plan.test.all_streams() as usize;
        if self.answered == all {
            self.summary.control.streams = Some(self.plan.test.streams);
            self.enter(Iperf3Phase::Starting, now);
            if self.runs {
                self.begin(now);
            }
            return;
        }
        self.streams.push(Stream::default());
        self.engine.execute(ControlCommand::Greet { stream: self.answered as u32 });
    }

    fn read(&mut self, now: Now) {
        loop {
            if self.error_follows {
                let Some((error, errno)) = self.inbox.server_error() else { return };
                self.error_follows = false;
                self.fail(Iperf3Failure::Refused { number: error.0, errno }, now);
            } else if self.is_in(Iperf3Phase::Results) {
                match self.inbox.message() {
                    Ok(None) => return,
                    Ok(Some(text)) => self.take_results(&text, now),
                    Err(_) => self.fail(Iperf3Failure::BadResults, now),
                }
            } else {
                let Some(byte) = self.inbox.byte() else { return };
                self.take_byte(byte, now);
            }
        }
    }

    fn take_byte(&mut self, byte: u8, now: Now) {
        use ControlState as Told;
        use Iperf3Phase as At;
        match (Told::from_byte(byte), self.state) {
            (_, State::Stopping | State::Closing | State::Over)
            | (Some(Told::TestStart), State::Phase(At::Starting)) => {}
            (Some(Told::AccessDenied), _) => self.fail(Iperf3Failure::Busy, now),
            (Some(Told::ServerError), _) => self.error_follows = true,
            (Some(Told::ServerTerminate), _) => {
                let phase = self.phase();
                self.fail(Iperf3Failure::Terminated { phase }, now);
            }
            (Some(Told::ParamExchange), State::Phase(At::Opening)) => {
                let params = encode_message(&self.plan.params);
                self.out.extend_from_slice(&params);
                self.enter(At::Parameters, now);
            }
            (Some(Told::CreateStreams), State::Phase(At::Parameters)) => self.greet_next(now),
            (Some(Told::TestRunning), State::Phase(At::Starting)) => self.begin(now),
            // It has all streams that it knows of. The last one's reply may be lost, or overtaken by
            // the control connection.
            (Some(Told::TestStart), State::Phase(At::Streams)) => {
                self.until = Some(now.mono + OVERTAKEN);
            }
            (Some(Told::TestRunning), State::Phase(At::Streams)) => {
                let all = self.streams.len() == self.plan.test.all_streams() as usize;
                if all && self.plan.test.direction != Direction::Both {
                    return self.begin(now);
                }
                self.runs = true;
                self.until = Some(now.mono + OVERTAKEN);
            }
            (Some(Told::ExchangeResults), State::Phase(At::Ending)) => {
                self.engine.execute(ControlCommand::Settle);
                self.stay(State::Settling, now, SETTLE);
            }
            (Some(Told::DisplayResults), State::Printing) => {
                self.until = None;
                self.finish_streams(now);
            }
            _ => {
                let phase = self.phase();
                self.fail(Iperf3Failure::Unexpected { phase, byte }, now);
            }
        }
    }

    /// Data flows.
    fn begin(&mut self, now: Now) {
        self.summary.control.streams = Some(self.plan.test.streams);
        self.state = State::Phase(Iperf3Phase::Running);
        (self.begun, self.heard) = (now.mono, (0, now.mono));
        self.until = match self.plan.test.time {
            Nanos::ZERO => None,
            time => {
                // Senders keep their time themselves.
                let more = if self.sends() { OVERTIME } else { Nanos::ZERO };
                Some(now.mono + self.plan.omit + time + more)
            }
        };
        self.engine.execute(ControlCommand::Begin);
    }

    /// Looks whether the test is over by what was sent or received.
    fn watch(&mut self, now: Now) {
        if !self.is_in(Iperf3Phase::Running) {
            return;
        }
        let senders = self.senders();
        if senders > 0 {
            if self.streams.iter().take(senders).all(|stream| stream.ended) {
                self.length = now.mono - self.begun - self.plan.omit;
                self.stay(State::Draining, now, DRAIN);
            }
            return;
        }
        let received: u64 = self.streams.iter().map(|stream| stream.progress).sum();
        if self.plan.test.count > 0 && received >= self.plan.test.count {
            return self.end_test(now);
        }
        if received > self.heard.0 {
            self.heard = (received, now.mono);
        }
    }

    /// When a run by count is given up because nothing arrives.
    fn silent_at(&self) -> Option<Nanos> {
        let counted = self.plan.test.count > 0 && !self.sends();
        let running = self.is_in(Iperf3Phase::Running);
        (running && counted).then(|| self.heard.1 + self.plan.omit + self.plan.patience)
    }

    fn end_test(&mut self, now: Now) {
        if self.length == Nanos::ZERO {
            self.length = now.mono - self.begun - self.plan.omit;
        }
        self.say(ControlState::TestEnd);
        self.enter(Iperf3Phase::Ending, now);
    }

    /// Sends the results once the receivers have settled.
    fn send_results(&mut self, now: Now) {
        let (senders, payload) = (self.senders(), u64::from(self.plan.test.payload));
        let sent = self.streams.iter().take(senders).map(|stream| stream.sent.results(payload));
        let received = self.streams.iter().skip(senders).map(|stream| {
            let none = ReceivedStream::default();
            stream.received.as_ref().unwrap_or(&none).results()
        });
        let length = Length { omitted: self.plan.omit, counted: self.length };
        let results = results::message(sent.chain(received), senders > 0, self.cpu, length);
        self.out.extend(encode_message(&results));
        self.enter(Iperf3Phase::Results, now);
    }

    fn take_results(&mut self, text: &[u8], now: Now) {
        let results = decode_message::<Iperf3Results>(text).ok();
        let of_streams = results.as_ref().and_then(|results| self.in_order(results));
        let (Some(results), Some(told)) = (&results, of_streams) else {
            return self.fail(Iperf3Failure::BadResults, now);
        };
        let (up, down) = told.split_at(self.senders());
        let percent = results.cpu_util_total;
        self.summary.server_cpu_percent =
            (0.0..1e6).contains(&percent).then(|| percent.round() as u64);
        let complete = self.take_upstream(up) && self.take_downstream(down);
        self.summary.control.complete = complete && self.summary.control.failure.is_none();
        self.stay(State::Printing, now, self.plan.patience);
    }

    /// The results of each of this end's streams; `None` if one is missing or impossible.
    fn in_order<'a>(&self, results: &'a Iperf3Results) -> Option<Vec<&'a StreamResults>> {
        let of = |stream: usize| {
            let id = stream_id(stream as u32);
            let told = results.streams.iter().find(|told| told.id == id)?;
            (told.packets >= 0 && told.jitter.is_finite()).then_some(told)
        };
        (0..self.streams.len()).map(of).collect()
    }

    /// What the server received.
    fn take_upstream(&mut self, told: &[&StreamResults]) -> bool {
        if told.is_empty() {
            return true;
        }
        let streams = self.streams.iter().map(|stream| stream.sent);
        let streams: Vec<_> = streams.zip(told.iter().copied()).collect();
        let control = &mut self.summary.control;
        match upstream(&self.plan, &streams) {
            Ok((received, counts, up)) => {
                (control.received, control.received_streams) = (Some(received), counts);
                self.summary.up = Some(up);
                true
            }
            Err(why) => {
                control.disbelieve(why);
                false
            }
        }
    }

    /// What the server sent.
    fn take_downstream(&mut self, told: &[&StreamResults]) -> bool {
        if told.is_empty() {
            return true;
        }
        let senders = self.senders();
        let mut sent = 0u64;
        let ends = told.iter().map(|told| told.end_time).filter(|end| (0.0..1e6).contains(end));
        let span_ns = (ends.fold(0.0, f64::max) * 1e9) as u64;
        for (index, told) in told.iter().enumerate() {
            let datagrams = u64::try_from(told.packets).unwrap_or(0);
            let received = self.streams.get(senders + index).and_then(|one| one.received.as_ref());
            sent += datagrams.saturating_sub(received.map_or(0, |one| one.omitted));
            let stream = (senders + index) as u32;
            self.engine.execute(ControlCommand::Total { stream, datagrams });
        }
        self.summary.sent_there = Some(sent);
        let bytes = sent.saturating_mul(u64::from(self.plan.test.payload));
        let sent =
            BlastSent { offered: sent, datagrams: sent, bytes, span_ns, ..BlastSent::default() };
        self.summary.control.sent = Some(sent);
        true
    }

    /// The results are known: waits for the last streams, and says goodbye.
    fn finish_streams(&mut self, now: Now) {
        if self.state == State::Printing && self.until.is_none() && self.has_ended() {
            self.say(ControlState::Done);
            self.closes = true;
            self.stay(State::Closing, now, GOODBYE);
        }
    }

    /// The user, or whoever reads the report, asks for an early end.
    fn stop(&mut self, now: Now) {
        match self.state {
            State::Phase(Iperf3Phase::Running) => {
                self.summary.control.stopped = true;
                self.engine.execute(ControlCommand::StopSenders);
                if !self.sends() {
                    self.end_test(now);
                }
            }
            State::Phase(Iperf3Phase::Ending | Iperf3Phase::Results)
            | State::Draining
            | State::Settling
            | State::Printing
            | State::Stopping
            | State::Closing
            | State::Over => {}
            State::Phase(_) => self.terminate(RunFailure::Interrupted, now),
        }
    }

    /// The state's time is over.
    fn on_deadline(&mut self, now: Now) {
        let waited_ns = self.plan.patience.0;
        match self.state {
            State::Phase(Iperf3Phase::Connecting) => {
                let target = self.plan.target.into();
                self.fail(Iperf3Failure::NoReply { target, waited_ns }, now);
            }
            State::Phase(Iperf3Phase::Running) if self.sends() => {
                self.until = None;
                self.engine.execute(ControlCommand::StopSenders);
            }
            State::Phase(Iperf3Phase::Running) | State::Draining => self.end_test(now),
            State::Phase(Iperf3Phase::Streams) if self.runs => {
                let cause = Iperf3Failure::OneWayOnly;
                self.terminate(RunFailure::Iperf3 { cause }, now);
            }
            State::Phase(phase) => {
                let cause = Iperf3Failure::Silent { phase, waited_ns };
                self.terminate(RunFailure::Iperf3 { cause }, now);
            }
            State::Settling => self.send_results(now),
            // The results are here; that the server does not say so changes nothing.
            State::Printing => {
                self.until = None;
                self.engine.execute(ControlCommand::Abort);
                self.stay(State::Stopping, now, OVERTIME);
            }
            State::Stopping | State::Closing => self.state = State::Over,
            State::Over => {}
        }
    }

    /// Moves on where nothing but this end is waited for; returns whether it did.
    fn advance(&mut self, now: Now) -> bool {
        let before = self.state;
        self.watch(now);
        if self.silent_at().is_some_and(|at| at <= now.mono) {
            self.end_test(now);
        }
        if self.until.is_some_and(|at| at <= now.mono) {
            self.until = None;
            self.on_deadline(now);
        }
        match self.state {
            State::Settling if self.has_settled() => self.send_results(now),
            State::Printing => self.finish_streams(now),
            State::Stopping if self.has_ended() => self.state = State::Over,
            _ => {}
        }
        self.state != before
    }
}

impl<O, E> ByteSession for Iperf3Control<O, E>
where
    O: Orders<ControlOrder>,
    E: Executor<ControlCommand> + Sink<ControlEvent>,
{
    type Summary = Iperf3Summary;

    fn on_connected(&mut self, now: Now) {
        if self.is_in(Iperf3Phase::Connecting) {
            let cookie = self.plan.cookie;
            self.out.extend_from_slice(&cookie);
            self.enter(Iperf3Phase::Opening, now);
        }
    }

    fn on_bytes(&mut self, now: Now, bytes: &[u8]) {
        self.take_orders(now);
        self.inbox.add(bytes);
        self.read(now);
    }

    fn on_end(&mut self, now: Now, end: ConnectionEnd) {
        self.take_orders(now);
        let phase = self.phase();
        let errno = match end {
            ConnectionEnd::Closed => None,
            ConnectionEnd::Failed(errno) => Some(errno),
        };
        let target = self.plan.target.into();
        match (self.state, errno) {
            (State::Closing | State::Over, _) => self.state = State::Over,
            (State::Stopping, _) => {}
            // Everything that counts is known.
            (State::Printing, _) => self.on_deadline(now),
            (State::Phase(Iperf3Phase::Connecting), Some(CONNECTION_REFUSED)) => {
                self.fail(Iperf3Failure::PortClosed { target }, now);
            }
            (State::Phase(Iperf3Phase::Connecting), errno) => {
                let errno = errno.unwrap_or(0);
                self.fail(Iperf3Failure::NotConnected { target, errno }, now);
            }
            (State::Phase(Iperf3Phase::Parameters), _) if self.plan.params.authtoken.is_some() => {
                self.fail(Iperf3Failure::NotAuthorized, now);
            }
            _ => self.fail(Iperf3Failure::Closed { phase, errno }, now),
        }
    }

    fn poll(&mut self, now: Now, out: &mut Vec<u8>) -> Next {
        if self.is_in(Iperf3Phase::Connecting) && self.until.is_none() {
            self.until = Some(now.mono + self.plan.patience);
        }
        self.take_orders(now);
        while self.advance(now) {
            // A command may have left orders.
            self.take_orders(now);
        }
        out.append(&mut self.out);
        if self.state == State::Over {
            return Next::Done;
        }
        match self.until.into_iter().chain(self.silent_at()).min() {
            Some(at) => Next::WaitUntil(at),
            None => Next::Idle,
        }
    }

    fn has_written_all(&self) -> bool {
        self.closes
    }

    fn on_stop(&mut self, now: Now) {
        self.take_orders(now);
        self.stop(now);
    }

    fn finish(self, _now: Now) -> Iperf3Summary {
        self.summary
    }
}
