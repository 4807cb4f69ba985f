//! The server's side of the control dialogue: proves addresses, keeps sessions, starts streams.
//!
//! Before a valid ticket it keeps no state for an address and never answers with more bytes than
//! came. It owns no stream: it asks for one with [`ServeEvent::Open`] and is told of its counts by
//! [`ServeOrder`]s.

mod policy;
mod session_state;

pub use policy::{Refused, ServePolicy};
pub use session_state::StreamIo;

use self::session_state::{Run, ServerSession};
use crate::batch::{Datagram, Dest, NetworkError, RxMeta, TxBatch};
use crate::record::{BlastInterval, BlastReceived, BlastSent, Sink};
use crate::session::blast::{
    Direction, INTERVALS_A_REPLY, TestPlan, interval_text, write_counts, write_sent,
};
use crate::session::{Next, Now, Orders, Session};
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use crate::wire::{
    BadParam, CONTROL_MAX, Class, Code, Command, CommandError, Params, Reply, Tag, TicketKey, Verb,
    classify,
};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// A ticket is good for the slot that it was issued in and the next.
const TICKET_SLOT: Nanos = Nanos::from_secs(30);
/// Replies that wait to be sent; beyond it a command is as good as lost and will be repeated.
const REPLIES: usize = 256;

/// What a parameter's line has beside key and value: a tag, a code, signs between, a line's end.
const LINE: usize = 16 + 9;
/// Room that a status leaves for its last lines.
const STATUS_SPARE: usize = 3 * LINE;

/// A stream that a client is let in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// The session that it belongs to.
    pub session: u64,
    /// Its number in the run; [`TestPlan::is_up`] tells whether it is received or sent here.
    pub stream: u32,
    /// The client's address.
    pub peer: SocketAddr,
    /// The address of this host that the client asked; `None` if not told.
    pub local: Option<IpAddr>,
    /// The run's tag.
    pub tag: u16,
    /// What was asked for in TEST.
    pub plan: TestPlan,
    /// The reply that opens the stream, for a DATA that comes again.
    pub go_ahead: Vec<u8>,
}

/// What the server's control session asks for and tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServeEvent {
    /// Open a stream; answer with [`StreamNews::Opened`].
    Open(Box<StreamRequest>),
    /// Tell a stream that its sender ended after this many datagrams.
    Total {
        /// The session.
        session: u64,
        /// The stream.
        stream: u32,
        /// The sender's total.
        total: u64,
    },
    /// Have a session's senders end their run now.
    StopSenders {
        /// The session.
        session: u64,
    },
    /// End a session's streams, if any run.
    Close {
        /// The session.
        session: u64,
    },
    /// Something that an operator wants to read.
    Log(String),
}

/// What the server's control session is told of a stream.
#[derive(Clone, Debug)]
pub struct ServeOrder {
    /// The session.
    pub session: u64,
    /// The stream.
    pub stream: u32,
    /// What became of it.
    pub news: StreamNews,
}

/// What became of a stream.
#[derive(Clone, Debug)]
pub enum StreamNews {
    /// The stream's socket is open, or could not be opened.
    Opened(Result<(), String>),
    /// A stretch is over.
    Interval(BlastInterval),
    /// The counts so far.
    Progress(Box<BlastReceived>),
    /// The stream was received to its end: its last counts, and its delays.
    Received(Box<BlastReceived>, Box<DelayHistogram>, StreamIo),
    /// The stream was sent to its end.
    Sent(Box<BlastSent>, StreamIo),
}

/// The server's side of the control dialogue.
pub struct ServeControl<O, K, R> {
    policy: ServePolicy,
    key: TicketKey,
    orders: O,
    sink: K,
    random: R,
    sessions: HashMap<u64, ServerSession>,
    replies: VecDeque<(Dest, Vec<u8>)>,
    finished: u64,
    over: bool,
}

/// A command with where it came from.
struct Asked<'a> {
    command: &'a Command,
    meta: &'a RxMeta,
    /// Bytes of the command: the most that an unproven address is answered with.
    bytes: usize,
    now: Now,
}

/// A reply before it is encoded.
#[derive(Clone)]
struct Answer {
    code: Code,
    params: Vec<(String, String)>,
    text: String,
}

impl Answer {
    fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, params: Vec::new(), text: text.into() }
    }

    fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.params.push((key.to_owned(), value.to_string()));
        self
    }

    /// About how long its parameters will be, with the longest tag on every line.
    fn size(&self) -> usize {
        self.params.iter().map(|(key, value)| key.len() + value.len() + LINE).sum()
    }

    fn encode(self, tag: Tag) -> Vec<u8> {
        let mut reply = Reply { tag, code: self.code, params: Params::default(), text: self.text };
        for (key, value) in self.params {
            reply.params.push(&key, value);
        }
        reply.encode().unwrap_or_default()
    }
}

impl From<BadParam> for Answer {
    fn from(bad: BadParam) -> Self {
        Self::new(Code::BAD_PARAMETER, bad.to_string())
    }
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    /// A server without sessions. `random` gives the names of sessions and must not be guessable.
    pub fn new(policy: ServePolicy, key: TicketKey, orders: O, sink: K, random: R) -> Self {
        Self {
            policy,
            key,
            orders,
            sink,
            random,
            sessions: HashMap::new(),
            replies: VecDeque::new(),
            finished: 0,
            over: false,
        }
    }

    /// Sessions that are open.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    fn log(&mut self, text: String) {
        self.sink.take(ServeEvent::Log(text));
    }

    fn answer(&mut self, meta: &RxMeta, bytes: Vec<u8>) {
        if self.replies.len() < REPLIES && !bytes.is_empty() {
            let dest = Dest {
                addr: meta.source,
                from: meta.destination,
                interface: 0,
                socket: meta.socket,
            };
            self.replies.push_back((dest, bytes));
        }
    }

    /// Answers an address that has proven nothing: never with more bytes than it sent.
    fn answer_stranger(&mut self, asked: &Asked<'_>, answer: Answer) {
        let tag = asked.command.tag.clone();
        self.answer_within(asked.meta, asked.bytes, tag, answer);
    }

    fn answer_within(&mut self, meta: &RxMeta, limit: usize, tag: Tag, answer: Answer) {
        let code = answer.code;
        let whole = answer.encode(tag.clone());
        let bytes = if whole.len() <= limit { whole } else { Answer::new(code, "").encode(tag) };
        if bytes.len() <= limit {
            self.answer(meta, bytes);
        }
    }

    fn on_command(&mut self, asked: &Asked<'_>) {
        match asked.command.verb {
            Verb::Helo => self.hello(asked),
            Verb::Data => self.data(asked),
            Verb::Test | Verb::Stat | Verb::Rset | Verb::Quit => self.in_session(asked),
            Verb::Noop => self.noop(asked),
            Verb::Help => self.help(asked),
            // The fan-out's verbs have no meaning to a throughput server.
            Verb::Rcpt | Verb::Vrfy | Verb::Expn => {
                self.answer_stranger(asked, Answer::new(Code::NO_SUCH_VERB, "not offered here"));
            }
        }
    }

    fn hello(&mut self, asked: &Asked<'_>) {
        let (source, slot) = (asked.meta.source, slot(asked.now));
        let proven = asked
            .command
            .params
            .get("ticket")
            .is_some_and(|ticket| self.key.verify(ticket, source, slot));
        if !proven {
            let ticket = self.key.issue(source, slot);
            let answer = Answer::new(Code::READY, "udpkit ready").with("ticket", ticket);
            self.answer_stranger(asked, answer);
            return;
        }
        // The same HELO again is the same session.
        let known = self.sessions.values().find_map(|session| {
            (session.client == source).then(|| session.answered(&asked.command.tag)).flatten()
        });
        if let Some(bytes) = known {
            let bytes = bytes.to_vec();
            self.answer(asked.meta, bytes);
            return;
        }
        if self.sessions.len() >= self.policy.max_sessions {
            let text = format!("{} sessions are open, which is the limit", self.sessions.len());
            self.answer_stranger(asked, Answer::new(Code::UNAVAILABLE, text));
            return;
        }
        let id = (self.random)();
        let bytes = Answer::new(Code::OK, "hello")
            .with("session", format!("{id:016x}"))
            .with("seen", source)
            .encode(asked.command.tag.clone());
        let mut session = ServerSession::new(source, asked.now.mono);
        session.remember(asked.command.tag.clone(), bytes.clone());
        self.sessions.insert(id, session);
        self.answer(asked.meta, bytes);
        self.log(format!("{source} opened session {id:016x}"));
    }

    /// A stream's own address asks to be let in.
    fn data(&mut self, asked: &Asked<'_>) {
        let params = &asked.command.params;
        let (source, slot) = (asked.meta.source, slot(asked.now));
        let proven =
            params.get("ticket").is_some_and(|ticket| self.key.verify(ticket, source, slot));
        let id = params.get("session").and_then(session_id);
        let found = id.and_then(|id| self.sessions.get_mut(&id).map(|session| (id, session)));
        let (true, Some((id, session))) = (proven, found) else {
            let text = "no such session, or no valid ticket; HELO first";
            self.answer_stranger(asked, Answer::new(Code::WRONG_ORDER, text));
            return;
        };
        session.heard = asked.now.mono;
        if let Some(bytes) = session.answered(&asked.command.tag) {
            let bytes = bytes.to_vec();
            self.answer(asked.meta, bytes);
            return;
        }
        let Some(run) = &mut session.run else {
            self.answer_stranger(asked, Answer::new(Code::WRONG_ORDER, "TEST first"));
            return;
        };
        let number = match params.parse::<u32>("stream") {
            Ok(number) => number.unwrap_or(0),
            Err(bad) => return self.answer_stranger(asked, bad.into()),
        };
        let Some(stream) = run.streams.get_mut(number as usize) else {
            let answer = Answer::new(Code::BAD_PARAMETER, "no such stream");
            return self.answer_stranger(asked, answer);
        };
        // A repeat while the socket is being opened: its reply is on the way.
        if stream.opening.is_some() {
            return;
        }
        if stream.opened {
            let text = "the stream is open already";
            self.answer_stranger(asked, Answer::new(Code::WRONG_ORDER, text));
            return;
        }
        let tag = asked.command.tag.clone();
        let go_ahead = Answer::new(Code::GO_AHEAD, "go ahead").encode(tag.clone());
        let request = StreamRequest {
            session: id,
            stream: number,
            peer: source,
            local: asked.meta.destination,
            tag: run.tag,
            plan: run.plan,
            go_ahead: go_ahead.clone(),
        };
        stream.opening = Some((tag, *asked.meta, go_ahead));
        self.sink.take(ServeEvent::Open(Box::new(request)));
    }

    /// Commands that need a session: from the session's own address, answered once for each tag.
    fn in_session(&mut self, asked: &Asked<'_>) {
        let id = asked.command.params.get("session").and_then(session_id);
        let source = asked.meta.source;
        let session = id
            .and_then(|id| self.sessions.get_mut(&id).map(|session| (id, session)))
            .filter(|(_, session)| session.client == source);
        let Some((id, session)) = session else {
            self.answer_stranger(asked, Answer::new(Code::WRONG_ORDER, "no such session"));
            return;
        };
        session.heard = asked.now.mono;
        let tag = asked.command.tag.clone();
        if let Some(bytes) = session.answered(&tag) {
            let bytes = bytes.to_vec();
            self.answer(asked.meta, bytes);
            return;
        }
        let answer = match asked.command.verb {
            Verb::Test => self.test(id, asked),
            Verb::Stat => self.stat(id, asked),
            Verb::Rset => self.reset(id),
            _ => {
                self.close(id, "closed by the client");
                // The session is gone, so a repeat is answered by its absence: 503 ends it too.
                let bytes = Answer::new(Code::CLOSING, "goodbye").encode(tag);
                self.answer(asked.meta, bytes);
                return;
            }
        };
        let bytes = answer.encode(tag.clone());
        if let Some(session) = self.sessions.get_mut(&id) {
            match asked.command.verb {
                Verb::Stat => session.remember_frequent(tag, bytes.clone()),
                _ => session.remember(tag, bytes.clone()),
            }
        }
        self.answer(asked.meta, bytes);
    }

    fn test(&mut self, id: u64, asked: &Asked<'_>) -> Answer {
        let params = &asked.command.params;
        if params.get("direction").is_some_and(|word| word.parse::<Direction>().is_err()) {
            return Answer::new(Code::NOT_SUPPORTED, "direction is up, down or both");
        }
        let plan = match TestPlan::read(params) {
            Ok(plan) => plan,
            Err(bad) => return bad.into(),
        };
        match self.policy.admit(&plan) {
            Ok(()) => {}
            Err(Refused::Nonsense(right)) => return Answer::new(Code::BAD_PARAMETER, right),
            Err(Refused::OverLimit { key, limit }) => {
                let text = format!("{key} is over the limit");
                return Answer::new(Code::OVER_LIMIT, text).with(key, limit);
            }
        }
        let tag = (self.random)() as u16;
        self.sink.take(ServeEvent::Close { session: id });
        // The last word of the stream before belongs to the run before.
        self.take_orders(asked.now);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.run = Some(Run::new(plan, tag));
        }
        Answer::new(Code::OK, "ready for DATA").with("tag", tag)
    }

    fn stat(&mut self, id: u64, asked: &Asked<'_>) -> Answer {
        let params = &asked.command.params;
        let from = match params.parse::<usize>("from") {
            Ok(from) => from.unwrap_or(0),
            Err(bad) => return bad.into(),
        };
        if params.get("stop").is_some() {
            self.stop_senders(id);
        }
        if let Some(totals) = params.get("sent")
            && let Err(answer) = self.finish_run(id, totals)
        {
            return answer;
        }
        let Some(run) = self.sessions.get(&id).and_then(|session| session.run.as_ref()) else {
            return Answer::new(Code::WRONG_ORDER, "TEST first");
        };
        // Both sides' counts would not fit one datagram; by default it is what was received here.
        let side = match params.get("about") {
            Some("sent") => Side::Sent,
            Some("received") | None => Side::Received,
            Some(_) => return Answer::new(Code::NOT_SUPPORTED, "about is received or sent"),
        };
        status(run, side, from)
    }

    fn stop_senders(&mut self, id: u64) {
        if let Some(run) = self.sessions.get_mut(&id).and_then(|session| session.run.as_mut())
            && !run.stopped
        {
            run.stopped = true;
            self.sink.take(ServeEvent::StopSenders { session: id });
        }
    }

    /// The client's streams have ended: each of its senders' totals, with commas between.
    fn finish_run(&mut self, id: u64, totals: &str) -> Result<(), Answer> {
        let parsed: Result<Vec<u64>, _> =
            totals.split(',').filter(|total| !total.is_empty()).map(str::parse).collect();
        let Ok(parsed) = parsed else {
            return Err(Answer::new(Code::BAD_PARAMETER, "sent is numbers with commas between"));
        };
        let Some(run) = self.sessions.get_mut(&id).and_then(|session| session.run.as_mut()) else {
            return Ok(());
        };
        if run.finished {
            return Ok(());
        }
        run.finished = true;
        for (stream, total) in (0u32..).zip(parsed).take(run.streams.len()) {
            self.sink.take(ServeEvent::Total { session: id, stream, total });
        }
        Ok(())
    }

    fn reset(&mut self, id: u64) -> Answer {
        self.sink.take(ServeEvent::Close { session: id });
        if let Some(session) = self.sessions.get_mut(&id) {
            session.run = None;
        }
        Answer::new(Code::OK, "reset")
    }

    fn noop(&mut self, asked: &Asked<'_>) {
        let id = asked.command.params.get("session").and_then(session_id);
        if let Some(session) = id.and_then(|id| self.sessions.get_mut(&id))
            && session.client == asked.meta.source
        {
            session.heard = asked.now.mono;
        }
        self.answer_stranger(asked, Answer::new(Code::OK, "ok"));
    }

    fn help(&mut self, asked: &Asked<'_>) {
        let text = "HELO TEST DATA STAT RSET NOOP HELP QUIT";
        self.answer_stranger(asked, Answer::new(Code::HELP, text));
    }

    fn close(&mut self, id: u64, why: &str) {
        self.sink.take(ServeEvent::Close { session: id });
        if let Some(session) = self.sessions.remove(&id) {
            self.finished += 1;
            self.log(format!("{} session {id:016x} {why}", session.client));
        }
        if self.policy.once && self.finished > 0 && self.sessions.is_empty() {
            self.over = true;
        }
    }

    fn take_orders(&mut self, now: Now) {
        while let Some(order) = self.orders.next_order() {
            self.take_order(order, now);
        }
    }

    fn take_order(&mut self, order: ServeOrder, now: Now) {
        let (id, number) = (order.session, order.stream);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let client = session.client;
        let Some(run) = &mut session.run else { return };
        let Some(stream) = run.streams.get_mut(number as usize) else { return };
        match order.news {
            StreamNews::Opened(result) => {
                let Some((tag, meta, go_ahead)) = stream.opening.take() else { return };
                let bytes = match &result {
                    Ok(()) => go_ahead,
                    Err(why) => Answer::new(Code::LOCAL_ERROR, why).encode(tag.clone()),
                };
                stream.opened = result.is_ok();
                session.remember_frequent(tag, bytes.clone());
                self.answer(&meta, bytes);
                if let Err(why) = result {
                    self.log(format!("{client} session {id:016x}: {why}"));
                }
            }
            StreamNews::Interval(interval) => {
                session.heard = now.mono;
                run.board.add(number as usize, interval);
            }
            StreamNews::Progress(received) => stream.received = *received,
            StreamNews::Received(received, delay, io) => {
                stream.received = *received;
                stream.delay = Some(delay);
                stream.io = Some(io);
                stream.ended = true;
                run.board.end(number as usize);
                let BlastReceived { datagrams, lost, .. } = stream.received;
                self.log(format!(
                    "{client} session {id:016x} stream {number}: received {datagrams} datagrams, \
                     {lost} lost"
                ));
            }
            StreamNews::Sent(sent, io) => {
                let datagrams = sent.datagrams;
                stream.sent = Some(sent);
                stream.io = Some(io);
                stream.ended = true;
                self.log(format!(
                    "{client} session {id:016x} stream {number}: sent {datagrams} datagrams"
                ));
            }
        }
    }

    fn expire(&mut self, now: Now) {
        let expired: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(_, session)| now.mono >= session.heard + self.policy.session_timeout)
            .map(|(id, _)| *id)
            .collect();
        for id in expired {
            self.close(id, "expired: nothing heard any more");
        }
    }
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> Session
    for ServeControl<O, K, R>
{
    type Summary = ();

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.take_orders(now);
        // Clients are ever new: their addresses must not pile up in the batch.
        out.reset();
        while let Some((dest, bytes)) = self.replies.pop_front() {
            let id = out.add_dest(dest);
            let Some(slot) = out.push(id, bytes.len()) else {
                self.replies.push_front((dest, bytes));
                return Next::Send;
            };
            slot.copy_from_slice(&bytes);
        }
        if self.over { Next::Done } else { Next::Idle }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if classify(datagram.payload) != Class::Control {
            return;
        }
        self.take_orders(now);
        let (meta, bytes) = (&datagram.meta, datagram.true_len);
        match Command::decode(datagram.payload) {
            Ok(command) => self.on_command(&Asked { command: &command, meta, bytes, now }),
            Err(CommandError::UnknownVerb { tag, .. }) => {
                let answer = Answer::new(Code::NO_SUCH_VERB, "no such verb");
                self.answer_within(meta, bytes, tag, answer);
            }
            // Not a command: a stray, and strays are not answered.
            Err(_) => {}
        }
    }

    fn on_network_error(&mut self, _now: Now, _error: &NetworkError) {
        // A client that is gone is noticed by its silence.
    }

    fn on_tick(&mut self, now: Now) {
        self.expire(now);
    }

    fn on_stop(&mut self, _now: Now) {
        self.over = true;
    }

    fn finish(mut self, _now: Now) {
        let open: Vec<u64> = self.sessions.keys().copied().collect();
        for id in open {
            self.close(id, "closed: the server ends");
        }
    }
}

/// Which of a run's counts a STAT asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// What was received here, and in what stretches.
    Received,
    /// What was sent from here.
    Sent,
}

/// The reply to STAT: where the run stands, and as many stretches from `from` on as fit.
fn status(run: &Run, side: Side, from: usize) -> Answer {
    let mut answer = Answer::new(Code::STATUS, "status").with("state", run.state());
    let mut counts = Params::default();
    let received = run.received().filter(|_| side == Side::Received);
    let up = received.is_some();
    if let Some(received) = received {
        write_counts(&received, &mut counts);
    } else if let Some(sent) = run.sent() {
        write_sent(&sent, &mut counts);
    }
    answer.params.extend(counts.iter().map(|(key, value)| (key.into(), value.into())));
    if let Some(io) = run.io(up) {
        answer = answer
            .with("tx", io.tx)
            .with("rx", io.rx)
            .with("batch", io.batch)
            .with("buffer", io.receive_buffer)
            .with("send_buffer", io.send_buffer);
    }
    let complete = if up { run.board.complete() } else { 0 };
    if complete > from {
        // Whether there is more than fits is said first, so that it cannot be what is cut.
        let more = complete > from + INTERVALS_A_REPLY;
        let intervals = (from..complete).take(INTERVALS_A_REPLY);
        for (index, interval) in intervals.filter_map(|i| run.board.get(i).map(|got| (i, got))) {
            let (key, text) = (format!("i{index}"), interval_text(&interval));
            if answer.size() + key.len() + text.len() + STATUS_SPARE > CONTROL_MAX {
                return answer.with("more", 1);
            }
            answer = answer.with(&key, text);
        }
        if more {
            answer = answer.with("more", 1);
        }
    }
    answer
}

fn session_id(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

fn slot(now: Now) -> u64 {
    now.mono.0 / TICKET_SLOT.0
}
