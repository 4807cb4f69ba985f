//! The client's side of the control dialogue: opens a session, asks for a run, watches it, and
//! brings the far end's report home.

use super::plan::TestPlan;
use super::stat::{read_counts, read_interval};
use crate::batch::{Datagram, DestId, NetworkError, SendOutcome, TxBatch};
use crate::record::{BlastInterval, BlastReceived, Flow, Sink};
use crate::session::{Exchange, Next, Now, Orders, Session, Step, Tags, refusal};
use crate::units::Nanos;
use crate::wire::{Code, Command, HELO_LEN, Reply, Verb};

/// How long a closing QUIT is worth waiting for.
const FAREWELL: Nanos = Nanos::from_millis(500);
/// Between two looks at a receiver that still drains.
const DRAIN_LOOK: Nanos = Nanos::from_millis(50);
/// How long the far end may drain after the sender has ended.
const DRAIN_PATIENCE: Nanos = Nanos::from_secs(10);

/// What the control session tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlEvent {
    /// The run was granted: streams may open.
    Granted {
        /// The session's name, for DATA.
        session: String,
        /// The run's tag, for every header.
        tag: u16,
    },
    /// A stretch of the run as the far end saw it.
    Interval(BlastInterval),
    /// The run is over early: streams must end.
    StopStreams,
}

/// What the control session is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlOrder {
    /// The sender has ended after this many datagrams.
    SenderEnded {
        /// Datagrams that the kernel took.
        total: u64,
        /// Why it broke off; `None` when it ran to its end.
        broken: Option<String>,
    },
}

/// What the control session brings home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlSummary {
    /// The far end's counts, the last that came; `None` when none ever did.
    pub received: Option<BlastReceived>,
    /// Whether those counts are the run's last word.
    pub complete: bool,
    /// Address and port as the far end saw them.
    pub seen: Option<String>,
    /// Batch calls that the far end's receiver used, and its receive buffer in bytes.
    pub far_io: Option<String>,
    /// Receive buffer that the far end's kernel granted, in bytes.
    pub far_buffer: Option<u64>,
    /// Why the run failed; `None` when it did not.
    pub broken: Option<String>,
    /// Whether the user ended it early.
    pub stopped: bool,
}

/// The sender's total as the far end knows it.
fn received_total(reply: &Reply) -> Option<u64> {
    reply.params.parse("total").ok().flatten()
}

#[derive(Debug)]
enum State {
    Start,
    Hello(Exchange),
    Ticket(Exchange),
    Test(Exchange),
    /// The run is on: a STAT is out, or the next is due at the given time.
    Watch {
        stat: Option<Exchange>,
        at: Nanos,
    },
    /// The run broke: wait for the sender to notice.
    Wait {
        until: Nanos,
    },
    Quit(Exchange),
    Over,
}

/// The client's side of the control dialogue.
pub struct BlastControl<O, K> {
    plan: TestPlan,
    patience: Nanos,
    orders: O,
    sink: K,
    tags: Tags,
    state: State,
    session: String,
    intervals: u64,
    sender_total: Option<u64>,
    drained_by: Nanos,
    summary: ControlSummary,
}

impl<O: Orders<ControlOrder>, K: Sink<ControlEvent>> BlastControl<O, K> {
    /// A control session that asks for `plan` and gives the far end up after `patience` of silence.
    pub fn new(plan: TestPlan, patience: Nanos, orders: O, sink: K) -> Self {
        Self {
            plan,
            patience,
            orders,
            sink,
            tags: Tags::new("c"),
            state: State::Start,
            session: String::new(),
            intervals: 0,
            sender_total: None,
            drained_by: Nanos::MAX,
            summary: ControlSummary::default(),
        }
    }

    fn command(&mut self, verb: Verb) -> Command {
        let mut command = Command::new(self.tags.fresh(), verb);
        if !self.session.is_empty() {
            command.params.push("session", &self.session);
        }
        command
    }

    fn ask(&mut self, command: &Command, now: Now) -> Exchange {
        Exchange::new(command, 0, now.mono, self.patience)
    }

    fn take_orders(&mut self, now: Now) {
        while let Some(ControlOrder::SenderEnded { total, broken }) = self.orders.next_order() {
            self.sender_total = Some(total);
            self.drained_by = now.mono + DRAIN_PATIENCE;
            if let Some(broken) = broken {
                self.summary.broken.get_or_insert(broken);
            }
            match self.state {
                // A sender that broke off may still be reported on, if the far end is there.
                State::Watch { .. } => self.state = State::Watch { stat: None, at: now.mono },
                _ => self.state = State::Over,
            }
        }
    }

    fn poll_exchange(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let exchange = match &mut self.state {
            State::Hello(exchange)
            | State::Ticket(exchange)
            | State::Test(exchange)
            | State::Watch { stat: Some(exchange), .. }
            | State::Quit(exchange) => exchange,
            State::Watch { stat: None, at } => return Next::WaitUntil(*at),
            State::Wait { until } if *until <= now.mono => return Next::Done,
            State::Wait { until } => return Next::WaitUntil(*until),
            State::Start | State::Over => return Next::Done,
        };
        match exchange.poll(now.mono) {
            Step::Send(bytes) => {
                if let Some(slot) = out.push(DestId::CONNECTED, bytes.len()) {
                    slot.copy_from_slice(bytes);
                }
                Next::Send
            }
            Step::Wait(at) => Next::WaitUntil(at),
            Step::TimedOut => self.timed_out(now),
        }
    }

    fn timed_out(&mut self, now: Now) -> Next {
        let patience = self.patience;
        let why = match self.state {
            State::Hello(_) => format!("no answer from the far end within {patience}"),
            State::Quit(_) => {
                self.state = State::Over;
                return Next::Done;
            }
            State::Watch { .. } => format!("the far end stopped answering {patience} ago"),
            _ => format!("the far end stopped answering in the dialogue, {patience} ago"),
        };
        self.break_off(why, now);
        Next::Send
    }

    /// The run is lost; the sender is told, and what was measured is kept.
    fn break_off(&mut self, why: String, now: Now) {
        self.summary.broken.get_or_insert(why);
        let streams = matches!(self.state, State::Watch { .. }) && self.sender_total.is_none();
        self.state =
            if streams { State::Wait { until: now.mono + DRAIN_PATIENCE } } else { State::Over };
        self.sink.take(ControlEvent::StopStreams);
    }

    /// Starts the next STAT if one is due.
    fn watch(&mut self, now: Now) {
        let State::Watch { stat: None, at } = self.state else { return };
        if now.mono < at {
            return;
        }
        let mut stat = self.command(Verb::Stat);
        stat.params.push("from", self.intervals);
        if let Some(total) = self.sender_total {
            stat.params.push("sent", total);
        }
        let exchange = self.ask(&stat, now);
        self.state = State::Watch { stat: Some(exchange), at };
    }

    fn on_reply(&mut self, reply: &Reply, now: Now) {
        let next = match &self.state {
            State::Hello(_) => match (reply.code, reply.params.get("ticket")) {
                (Code::READY, Some(ticket)) => {
                    let ticket = ticket.to_owned();
                    let mut hello = self.command(Verb::Helo);
                    hello.params.push("ticket", ticket);
                    State::Ticket(self.ask(&hello, now))
                }
                _ => return self.break_off(refusal(reply), now),
            },
            State::Ticket(_) => match (reply.code, reply.params.get("session")) {
                (Code::OK, Some(session)) => {
                    session.clone_into(&mut self.session);
                    self.summary.seen = reply.params.get("seen").map(str::to_owned);
                    let mut test = self.command(Verb::Test);
                    self.plan.write(&mut test.params);
                    State::Test(self.ask(&test, now))
                }
                _ => return self.break_off(refusal(reply), now),
            },
            State::Test(_) => match (reply.code, reply.params.parse::<u16>("tag")) {
                (Code::OK, Ok(Some(tag))) => {
                    let session = self.session.clone();
                    self.sink.take(ControlEvent::Granted { session, tag });
                    State::Watch { stat: None, at: now.mono + self.look() }
                }
                _ => return self.break_off(refusal(reply), now),
            },
            State::Watch { .. } if reply.code == Code::STATUS => return self.on_status(reply, now),
            State::Watch { .. } => {
                let why = format!("the far end lost the run: {}", refusal(reply));
                return self.break_off(why, now);
            }
            State::Quit(_) => State::Over,
            State::Start | State::Wait { .. } | State::Over => return,
        };
        self.state = next;
    }

    /// Between two looks at a run: often enough that a stretch is shown soon after its end.
    fn look(&self) -> Nanos {
        Nanos((self.plan.interval.0 / 4).clamp(20_000_000, 250_000_000))
    }

    fn on_status(&mut self, reply: &Reply, now: Now) {
        if let Ok(received) = read_counts(&reply.params) {
            self.summary.received = Some(received);
        }
        self.summary.far_io = reply.params.get("rx").map(str::to_owned);
        self.summary.far_buffer = reply.params.parse("buffer").ok().flatten();
        let mut more = reply.params.get("more").is_some();
        for (key, value) in reply.params.iter() {
            // The index tells a stretch that came twice from the next.
            let index = key.strip_prefix('i').and_then(|index| index.parse::<u64>().ok());
            if index == Some(self.intervals)
                && let Some(interval) = read_interval(value)
            {
                self.intervals += 1;
                more |= self.sink.take(ControlEvent::Interval(interval)) == Flow::Closed;
            }
        }
        let done = reply.params.get("state") == Some("done");
        if done && self.sender_total.is_some() && !more {
            self.summary.complete = true;
            self.quit(now);
            return;
        }
        if now.mono >= self.drained_by {
            self.break_off("the far end did not finish counting".to_owned(), now);
            return;
        }
        // The sender's end messages may be faster than the sender's own word to this session.
        let ended = received_total(reply).is_some();
        if done && self.sender_total.is_none() && !ended {
            let why = "the far end ended the run before the sender did".to_owned();
            self.break_off(why, now);
            return;
        }
        let pause = match (more, self.sender_total) {
            (true, _) => Nanos::ZERO,
            (_, Some(_)) => DRAIN_LOOK,
            (_, None) => self.look(),
        };
        self.state = State::Watch { stat: None, at: now.mono + pause };
    }

    fn quit(&mut self, now: Now) {
        let quit = self.command(Verb::Quit);
        self.state = State::Quit(Exchange::new(&quit, 0, now.mono, FAREWELL));
    }
}

impl<O: Orders<ControlOrder>, K: Sink<ControlEvent>> Session for BlastControl<O, K> {
    type Summary = ControlSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.take_orders(now);
        if matches!(self.state, State::Start) {
            let hello = self.command(Verb::Helo);
            let exchange = Exchange::new(&hello, HELO_LEN, now.mono, self.patience);
            self.state = State::Hello(exchange);
        }
        self.watch(now);
        self.poll_exchange(now, out)
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, _outcome: &SendOutcome) {
        // What was not sent is repeated like what was lost on the way.
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let (State::Hello(exchange)
        | State::Ticket(exchange)
        | State::Test(exchange)
        | State::Watch { stat: Some(exchange), .. }
        | State::Quit(exchange)) = &self.state
        else {
            return;
        };
        if let Some(reply) = exchange.reply(datagram.payload) {
            self.on_reply(&reply, now);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if error.errno == super::CONNECTION_REFUSED {
            match self.state {
                State::Hello(_) => self.break_off(format!("nobody answers there: {error}"), now),
                State::Quit(_) | State::Over | State::Wait { .. } => {}
                _ => self.break_off(format!("the far end went away: {error}"), now),
            }
        }
    }

    fn on_stop(&mut self, now: Now) {
        self.summary.stopped = true;
        match self.state {
            State::Watch { .. } => {
                self.sink.take(ControlEvent::StopStreams);
            }
            State::Quit(_) | State::Over => {}
            _ => self.break_off("interrupted".to_owned(), now),
        }
    }

    fn finish(self, _now: Now) -> ControlSummary {
        self.summary
    }
}
