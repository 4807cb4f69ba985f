//! The control connections of all clients: what each may say next, and how long it may take.

use super::admission::Asked;
use super::client::{Client, State, Test};
use crate::batch::{Datagram, KeptDatagram};
use crate::control::server::network;
use crate::machine::{ByteServer, ConnectionEnd, ConnectionOrder, Next, Now, Orders};
use crate::record::{
    Iperf3End, Iperf3Objection, Iperf3Refusal, Iperf3Stage, ServeRecord, ServeRefusal,
    ServeResource, ServeService, ServeStanding,
};
use crate::session::iperf3::inbox::Inbox;
use crate::session::serve::{
    Bound, Left, Lifetime, LogLimit, RunResources, ServeCommand, ServeEngine, ServeEvent,
    ServeOrder, ServePolicy, ServeReload, ServeSummary, ServeTotals, Used,
};
use crate::units::Nanos;
use crate::wire::iperf3::{
    COOKIE_LEN, ControlState, Iperf3Error, Iperf3Params, Iperf3Users, Iperf3Version, MOST_PARAMS,
    MOST_RESULTS, decode_message, encode_server_error,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

/// After how long a client learns that its user and password were not accepted: always the same, so
/// that the time tells nothing, and long enough that trying many takes long.
const REJECTION: Nanos = Nanos::from_secs(1);
/// How long a client may take for its cookie, and for its parameters.
const OPENING: Nanos = Nanos::from_secs(5);
/// How long a client waits until another one from its address has opened its streams.
const TURN: Nanos = Nanos::from_secs(12);
/// How long a client may take for each stream. One whose greeting was lost may repeat it.
const GREETING: Nanos = Nanos::from_secs(10);
/// How long a client may take for its results.
const RESULTS: Nanos = Nanos::from_secs(10);
/// How long a client may take for its goodbye.
const GOODBYE: Nanos = Nanos::from_secs(5);
/// How often the reports of streams are read while nothing else happens.
const REPORTS: Nanos = Nanos::from_millis(500);
/// The prefix of the names of sessions, which tells them from those of the dialogue.
const PREFIX: &str = "iperf3-";

/// The server of iperf3 clients.
pub struct Iperf3Server<O, E> {
    pub(super) policy: ServePolicy,
    users: Option<Arc<Iperf3Users>>,
    orders: O,
    pub(super) engine: E,
    /// The clients by their connections, in the order in which they connected.
    pub(super) clients: BTreeMap<u64, Client>,
    pub(super) out: Vec<ConnectionOrder>,
    log_limit: LogLimit,
    totals: ServeTotals,
    /// When the counts are told next, where programs watch the server.
    count_at: Option<Nanos>,
    summary: ServeSummary,
    /// Datagrams that came to a stream's socket before it was connected.
    pub(super) astray: VecDeque<KeptDatagram>,
    over: bool,
    /// Whether no test begins any more.
    drains: bool,
    /// Tests and streams that were open when they were last told.
    told_open: (usize, usize),
}

impl<O: Orders<ServeOrder>, E: ServeEngine> Iperf3Server<O, E> {
    /// A server without clients, which has `engine` open their streams.
    pub fn new(policy: ServePolicy, orders: O, engine: E) -> Self {
        Self {
            policy,
            users: None,
            orders,
            engine,
            clients: BTreeMap::new(),
            out: Vec::new(),
            log_limit: LogLimit::default(),
            totals: ServeTotals::default(),
            count_at: None,
            summary: ServeSummary::default(),
            astray: VecDeque::new(),
            over: false,
            drains: false,
            told_open: (0, 0),
        }
    }

    /// The same for these users alone.
    #[must_use]
    pub fn for_users(self, users: Option<Arc<Iperf3Users>>) -> Self {
        Self { users, ..self }
    }

    /// What was read again is in force for tests from now on.
    pub(super) fn reload(&mut self, reload: ServeReload) {
        let ServePolicy { socket_buffer, receives, lifetime, .. } = self.policy;
        self.policy = ServePolicy { socket_buffer, receives, lifetime, ..reload.policy };
        self.users = reload.users;
    }

    /// No test begins from now on: clients that have not begun one are told so.
    pub(super) fn drain(&mut self, now: Now) {
        self.drains = true;
        let waits = |client: &Client| matches!(client.state, State::Parameters | State::Waiting);
        let waiting = self.clients.iter().filter(|(_, client)| waits(client));
        let waiting: Vec<_> = waiting.map(|(id, client)| (*id, client.address)).collect();
        for (connection, address) in waiting {
            self.refuse(connection, address, ServeRefusal::ShuttingDown.into(), now);
        }
        let silent = self.clients.iter().filter(|(_, one)| one.state == State::Cookie);
        let silent: Vec<u64> = silent.map(id).collect();
        for connection in silent {
            self.drop_client(connection);
        }
    }

    pub(super) fn write(&mut self, connection: u64, bytes: Vec<u8>) {
        self.out.push(ConnectionOrder::Write { connection, bytes });
    }

    pub(super) fn say(&mut self, connection: u64, state: ControlState) {
        self.write(connection, vec![state.byte()]);
    }

    /// The same, which tells its counts twice a second, if programs watch it.
    #[must_use]
    pub fn watched(self, is_watched: bool) -> Self {
        Self { count_at: is_watched.then_some(Nanos::ZERO), ..self }
    }

    /// Tells the counts so far, with those of open streams, if it is time.
    fn tell_counts(&mut self, now: Now) {
        if self.count_at.is_none_or(|at| at > now.mono) {
            return;
        }
        self.count_at = Some(now.mono + REPORTS);
        let (sessions, streams) = self.told_open;
        let mut all = ServeStanding {
            service: ServeService::Iperf3,
            sessions: sessions as u64,
            streams: streams as u64,
            ..self.totals.0.clone()
        };
        // Those that are open are counted among the ended once they have ended.
        all.opened += sessions as u64;
        all.tests += sessions as u64;
        let tests = self.clients.values().flat_map(|client| &client.test);
        for stream in tests.flat_map(|test| &test.streams).filter(|stream| !stream.ended) {
            all.received += stream.received.datagrams;
            all.lost += stream.received.lost;
            all.sent += stream.sending;
        }
        self.engine.execute(ServeCommand::Count(Box::new(all)));
    }

    pub(super) fn log(&mut self, record: ServeRecord, now: Now) {
        self.totals.note(&record);
        if self.log_limit.admits(&record, now.mono) {
            self.engine.take(ServeEvent { at: now.real, record });
        }
    }

    /// What all clients use, and those of one source.
    fn used(&self, client: SocketAddr, of: impl Fn(&Client) -> u64) -> Used {
        let source = network(client.ip());
        let mut used = Used::default();
        for other in self.clients.values() {
            let share = of(other);
            used.all = used.all.saturating_add(share);
            if network(other.address.ip()) == source {
                used.source = used.source.saturating_add(share);
            }
        }
        used
    }

    /// Tells how many tests and streams are open, if that has changed.
    fn tell_open(&mut self) {
        let granted = |client: &&Client| matches!(client.state, State::Test(_));
        let tests = || self.clients.values().filter(granted).flat_map(|client| &client.test);
        let open = (tests().count(), tests().map(Test::open_streams).sum());
        if open != self.told_open {
            self.told_open = open;
            let (sessions, streams) = open;
            self.engine.execute(ServeCommand::CountOpen { sessions, streams });
        }
    }

    fn bound(&self, all: u64) -> Bound {
        Bound { all, percent: self.policy.source_share }
    }

    /// Why a client gets no connection.
    fn no_place(&self, client: SocketAddr) -> Option<ServeRefusal> {
        if !self.policy.serves(client.ip()) {
            return Some(ServeRefusal::AddressNotAllowed);
        }
        let once = self.policy.lifetime == Lifetime::OneSession;
        if self.over || self.drains || (once && self.summary.tested > 0) {
            return Some(ServeRefusal::ShuttingDown);
        }
        let used = self.used(client, |_| 1);
        let full = self.bound(self.policy.max_sessions as u64).admit(used, 1).err()?;
        Some(full.refusal(ServeResource::Sessions, used))
    }

    /// The resources for a client's test, or why there are none.
    fn room_for(&self, client: SocketAddr, asked: &Asked) -> Result<RunResources, ServeRefusal> {
        let used = self.used(client, Client::streams);
        let bound = self.bound(self.policy.max_all_streams as u64);
        let streams = u64::from(asked.plan.all_streams());
        bound.admit(used, streams).map_err(|full| full.refusal(ServeResource::Streams, used))?;
        let bound = Bound::of_memory(&self.policy);
        let sessions = self.used(client, |other| u64::from(other.memory() > 0));
        let left = Left::of(&self.policy, sessions, self.used(client, Client::memory));
        RunResources::within(left, &asked.plan, &self.policy).map_err(|needed_bytes| {
            ServeRefusal::Memory {
                needed_bytes,
                free_bytes: left.free(),
                limit_bytes: bound.all,
                source_limit_bytes: bound.of_source(),
            }
        })
    }

    /// Tells a client without a test why it gets none, and closes its connection.
    fn refuse(&mut self, connection: u64, client: SocketAddr, refusal: Iperf3Refusal, now: Now) {
        let version = self.clients.remove(&connection).map(|client| client.version);
        let version = version.unwrap_or_default();
        let error = refusal.error().map(|error| error.known_to(version));
        match error {
            Some(error) => self.write(connection, encode_server_error(error)),
            None => self.say(connection, ControlState::AccessDenied),
        }
        self.out.push(ConnectionOrder::Close { connection });
        let iperf_error = error.map(|error| error.0);
        let client = client.into();
        self.log(ServeRecord::Iperf3Refused { client, iperf_error, refusal }, now);
    }

    /// Closes the connection of a client that has not asked for a test.
    fn drop_client(&mut self, connection: u64) {
        self.clients.remove(&connection);
        self.out.push(ConnectionOrder::Close { connection });
    }

    /// Reads the next thing that a client has sent; returns whether there may be more.
    fn read(&mut self, connection: u64, now: Now) -> bool {
        let Some(client) = self.clients.get_mut(&connection) else { return false };
        match client.state {
            State::Cookie => {
                if client.inbox.first::<COOKIE_LEN>().is_none() {
                    return false;
                }
                client.enter(State::Parameters, now.mono, OPENING);
                self.say(connection, ControlState::ParamExchange);
            }
            State::Parameters => match client.inbox.message_within(MOST_PARAMS) {
                Ok(None) => return false,
                Ok(Some(text)) => self.take_params(connection, &text, now),
                Err(_) => {
                    let address = client.address;
                    self.refuse(connection, address, Iperf3Objection::Unreadable.into(), now);
                }
            },
            State::Rejected | State::RejectedAndGone => {
                client.inbox = Inbox::default();
                return false;
            }
            // Nothing is due from it but an early end.
            State::Waiting => {
                if client.inbox.byte().is_none() {
                    return false;
                }
                self.drop_client(connection);
            }
            State::Test(Iperf3Stage::Results) => match client.inbox.message_within(MOST_RESULTS) {
                Ok(None) => return false,
                Ok(Some(text)) => self.take_results(connection, &text, now),
                Err(_) => self.fail(connection, Iperf3End::BadResults, now),
            },
            State::Test(stage) => {
                let Some(byte) = client.inbox.byte() else { return false };
                self.take_byte(connection, stage, byte, now);
            }
        }
        true
    }

    fn take_params(&mut self, connection: u64, text: &[u8], now: Now) {
        let params = decode_message::<Iperf3Params>(text);
        let Some(client) = self.clients.get_mut(&connection) else { return };
        let address = client.address;
        if let Ok(params) = &params {
            client.version = Iperf3Version::read(&params.client_version);
        }
        let params = params.map_err(|_| Iperf3Refusal::from(Iperf3Objection::Unreadable));
        if let Ok(params) = &params
            && let Err(objection) = self.admit_user(params, now)
        {
            let told_at_once = matches!(
                objection,
                Iperf3Objection::Credentials | Iperf3Objection::CredentialsNeeded
            );
            return match (told_at_once, self.clients.get(&connection)) {
                (true, Some(client)) => {
                    self.refuse(connection, client.address, objection.into(), now);
                }
                _ => self.reject(connection, objection, now),
            };
        }
        let admitted = params
            .and_then(|params| Asked::read(&params, &self.policy))
            .and_then(|asked| Ok((asked, self.room_for(address, &asked)?)));
        let (asked, room) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return self.refuse(connection, address, refusal, now),
        };
        if let Some(client) = self.clients.get_mut(&connection) {
            client.test = Some(Test::new(asked, room));
            client.enter(State::Waiting, now.mono, TURN);
        }
        self.grant_next(address, now);
    }

    /// Whether the client is a user of this server, where it has users.
    fn admit_user(&self, params: &Iperf3Params, now: Now) -> Result<(), Iperf3Objection> {
        match (&self.users, &params.authtoken) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Iperf3Objection::Credentials),
            (Some(_), None) => Err(Iperf3Objection::CredentialsNeeded),
            (Some(users), Some(token)) => {
                users.admit(token, now.real.0 / 1_000_000_000).map_err(Into::into)
            }
        }
    }

    /// Logs why a client is no user, of which it is told later.
    fn reject(&mut self, connection: u64, objection: Iperf3Objection, now: Now) {
        let Some(client) = self.clients.get_mut(&connection) else { return };
        client.enter(State::Rejected, now.mono, REJECTION);
        let client = client.address.into();
        let iperf_error = Some(Iperf3Error::AUTHORIZATION.0);
        let refusal = objection.into();
        self.log(ServeRecord::Iperf3Refused { client, iperf_error, refusal }, now);
    }

    /// Lets the first client from an address that waits for it open its streams, unless another one
    /// is about to.
    pub(super) fn grant_next(&mut self, address: SocketAddr, now: Now) {
        let mut same = self.clients.iter().filter(|(_, other)| is_same(other.address, address));
        if same.clone().any(|(_, other)| other.is_at(Iperf3Stage::Streams)) {
            return;
        }
        let waiting = same.find(|(_, other)| other.state == State::Waiting);
        let Some(connection) = waiting.map(|(connection, _)| *connection) else { return };
        let Some(client) = self.clients.get_mut(&connection) else { return };
        client.enter(State::Test(Iperf3Stage::Streams), now.mono, GREETING);
        let Some(test) = &client.test else { return };
        let plan = test.asked.plan;
        let granted = ServeRecord::TestGranted {
            client: client.address.into(),
            session: name(connection),
            direction: plan.direction.as_str(),
            streams: plan.streams,
            payload_bytes: plan.payload,
            rate: plan.rate,
            duration_ns: Some(plan.time.0).filter(|time| *time > 0),
            count: Some(plan.count).filter(|count| *count > 0),
        };
        self.say(connection, ControlState::CreateStreams);
        self.log(granted, now);
    }

    /// A stream of a client's test is about to be opened: it has time for the next one.
    pub(super) fn renew_greeting(client: &mut Client, now: Now) {
        client.until = now.mono + GREETING;
    }

    /// Data flows.
    pub(super) fn begin(&mut self, connection: u64, now: Now) {
        let Some(client) = self.clients.get_mut(&connection) else { return };
        let Some(test) = &mut client.test else { return };
        test.begun = now.mono;
        let longest = test.asked.longest(&self.policy);
        client.enter(State::Test(Iperf3Stage::Running), now.mono, longest);
        let address = client.address;
        self.engine.execute(ServeCommand::Begin { session: connection });
        self.say(connection, ControlState::TestStart);
        self.say(connection, ControlState::TestRunning);
        self.grant_next(address, now);
    }

    fn take_byte(&mut self, connection: u64, stage: Iperf3Stage, byte: u8, now: Now) {
        use ControlState as Told;
        match (Told::from_byte(byte), stage) {
            (Some(Told::ClientTerminate), _) => {
                self.end(connection, Iperf3End::Terminated { stage }, now);
            }
            (Some(Told::TestStart), Iperf3Stage::Running) => {}
            (Some(Told::TestEnd), Iperf3Stage::Running) => self.end_test(connection, now),
            (Some(Told::Done), Iperf3Stage::Running | Iperf3Stage::Goodbye) => {
                self.end(connection, Iperf3End::Done, now);
            }
            _ => self.fail(connection, Iperf3End::Unexpected { stage, byte }, now),
        }
    }

    /// The client has ended the test.
    fn end_test(&mut self, connection: u64, now: Now) {
        let Some(client) = self.clients.get_mut(&connection) else { return };
        let Some(test) = &mut client.test else { return };
        test.length.counted = now.mono - test.begun - test.length.omitted;
        client.enter(State::Test(Iperf3Stage::Results), now.mono, RESULTS);
        self.engine.execute(ServeCommand::StopSenders { session: connection });
        self.engine.execute(ServeCommand::CountProcessor { session: connection });
        self.say(connection, ControlState::ExchangeResults);
    }

    /// The results of both ends are known; the client says goodbye.
    pub(super) fn await_goodbye(&mut self, connection: u64, now: Now) {
        if let Some(client) = self.clients.get_mut(&connection) {
            client.enter(State::Test(Iperf3Stage::Goodbye), now.mono, GOODBYE);
        }
        self.say(connection, ControlState::DisplayResults);
    }

    /// Ends a client's test because of an error, of which it is told.
    pub(super) fn fail(&mut self, connection: u64, ended: Iperf3End, now: Now) {
        match ended {
            Iperf3End::ServerEnds => self.say(connection, ControlState::ServerTerminate),
            _ => self.write(connection, encode_server_error(error_of(ended))),
        }
        self.end(connection, ended, now);
    }

    /// Ends a client's test and closes its connection.
    fn end(&mut self, connection: u64, ended: Iperf3End, now: Now) {
        self.engine.execute(ServeCommand::Close { session: connection });
        self.engine.execute(ServeCommand::GiveBack);
        // Final counts of its streams still belong to it.
        self.take_orders(now);
        self.out.push(ConnectionOrder::Close { connection });
        let Some(client) = self.clients.remove(&connection) else { return };
        let Some(test) = &client.test else { return };
        self.summary.sessions += 1;
        self.summary.tested += 1;
        self.summary.broken += u64::from(ended.broke_off());
        let record = ServeRecord::Iperf3Closed {
            client: client.address.into(),
            session: name(connection),
            ended,
            received: test.received().as_ref().map(Into::into),
            sent: test.sent().as_ref().map(Into::into),
            duration_ns: (now.mono - client.since).0,
        };
        self.log(record, now);
        self.grant_next(client.address, now);
    }

    pub(super) fn take_orders(&mut self, now: Now) {
        while let Some(order) = self.orders.next_order() {
            self.take_order(order, now);
        }
    }

    /// A state's time is over.
    fn on_deadline(&mut self, connection: u64, now: Now) {
        let Some(client) = self.clients.get(&connection) else { return };
        let waited_ns = (now.mono - client.entered).0;
        match client.state {
            State::Cookie | State::Parameters => self.drop_client(connection),
            State::Rejected => {
                self.write(connection, encode_server_error(Iperf3Error::AUTHORIZATION));
                self.drop_client(connection);
            }
            State::RejectedAndGone => {
                self.clients.remove(&connection);
            }
            State::Waiting => {
                let address = client.address;
                self.refuse(connection, address, Iperf3Objection::AddressBusy.into(), now);
            }
            State::Test(Iperf3Stage::Running) => self.fail(connection, Iperf3End::Overdue, now),
            State::Test(Iperf3Stage::Settling) => self.settle_now(connection, now),
            State::Test(stage) => {
                self.fail(connection, Iperf3End::Silent { stage, waited_ns }, now);
            }
        }
    }

    /// Moves on where nothing but this end is waited for.
    fn advance(&mut self, now: Now) {
        let due = |client: &Client| client.until <= now.mono;
        let late: Vec<u64> = self.clients.iter().filter(|(_, one)| due(one)).map(id).collect();
        for connection in late {
            self.on_deadline(connection, now);
        }
        let failed = |client: &Client| client.test.as_ref().is_some_and(Test::has_failed);
        let failed: Vec<u64> = self.clients.iter().filter(|(_, one)| failed(one)).map(id).collect();
        for connection in failed {
            self.fail(connection, Iperf3End::StreamFailed, now);
        }
        let settled = |client: &Client| {
            client.is_at(Iperf3Stage::Settling) && client.test.as_ref().is_some_and(Test::has_ended)
        };
        let settled: Vec<u64> =
            self.clients.iter().filter(|(_, one)| settled(one)).map(id).collect();
        for connection in settled {
            self.send_results(connection, now);
        }
        let once = self.policy.lifetime == Lifetime::OneSession;
        let tests = self.clients.values().any(|client| client.test.is_some());
        self.over |= once && self.summary.tested > 0 && !tests;
        if let Some(left_out) = self.log_limit.left_out(now.mono) {
            self.engine.take(ServeEvent { at: now.real, record: left_out });
        }
    }
}

impl<O: Orders<ServeOrder>, E: ServeEngine> ByteServer for Iperf3Server<O, E> {
    type Summary = ServeSummary;

    fn on_accept(&mut self, now: Now, connection: u64, client: SocketAddr) {
        match self.no_place(client) {
            Some(refusal) => self.refuse(connection, client, refusal.into(), now),
            None => {
                self.clients.insert(connection, Client::new(client, now.mono, OPENING));
            }
        }
    }

    fn on_bytes(&mut self, now: Now, connection: u64, bytes: &[u8]) {
        self.take_orders(now);
        if let Some(client) = self.clients.get_mut(&connection) {
            client.inbox.add(bytes);
            while self.read(connection, now) {}
        }
    }

    fn on_end(&mut self, now: Now, connection: u64, end: ConnectionEnd) {
        self.take_orders(now);
        let errno = match end {
            ConnectionEnd::Closed => None,
            ConnectionEnd::Failed(errno) => Some(errno),
        };
        match self.clients.get(&connection).map(|client| client.state) {
            None => {}
            Some(State::Cookie | State::Parameters | State::Waiting) => {
                self.drop_client(connection);
            }
            Some(State::Rejected | State::RejectedAndGone) => {
                if let Some(client) = self.clients.get_mut(&connection) {
                    client.state = State::RejectedAndGone;
                }
                self.out.push(ConnectionOrder::Close { connection });
            }
            // It has everything.
            Some(State::Test(Iperf3Stage::Goodbye)) => self.end(connection, Iperf3End::Done, now),
            Some(State::Test(stage)) => {
                self.end(connection, Iperf3End::Closed { stage, errno }, now);
            }
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        self.greeted(now, datagram);
    }

    fn poll(&mut self, now: Now, out: &mut Vec<ConnectionOrder>) -> Next {
        self.take_orders(now);
        while let Some(datagram) = self.astray.pop_front() {
            self.greeted(now, &datagram.as_datagram());
        }
        self.advance(now);
        // Whatever was carried out may have left orders.
        self.take_orders(now);
        self.tell_open();
        self.tell_counts(now);
        out.append(&mut self.out);
        if self.over {
            return Next::Done;
        }
        let runs = self.clients.values().any(|client| client.test.is_some());
        let deadlines = self.clients.values().map(|client| client.until);
        match deadlines.chain(runs.then(|| now.mono + REPORTS)).chain(self.count_at).min() {
            Some(at) => Next::WaitUntil(at),
            None => Next::Idle,
        }
    }

    fn on_stop(&mut self, now: Now) {
        self.over = true;
        let all: Vec<u64> = self.clients.keys().copied().collect();
        for connection in all {
            let state = self.clients.get(&connection).map(|client| client.state);
            match state {
                Some(State::Test(_)) => self.fail(connection, Iperf3End::ServerEnds, now),
                Some(State::RejectedAndGone) => {
                    self.clients.remove(&connection);
                }
                _ => self.drop_client(connection),
            }
        }
    }

    fn finish(mut self, now: Now) -> ServeSummary {
        if let Some(left_out) = self.log_limit.last_left_out() {
            self.engine.take(ServeEvent { at: now.real, record: left_out });
        }
        self.summary
    }
}

/// Whether two clients cannot be told apart by their addresses.
pub(super) fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip().to_canonical() == other.ip().to_canonical()
}

/// The name of a client's session.
pub(super) fn name(connection: u64) -> String {
    format!("{PREFIX}{connection}")
}

fn id((connection, _): (&u64, &Client)) -> u64 {
    *connection
}

/// What a client is told of an end that is not its own.
fn error_of(ended: Iperf3End) -> Iperf3Error {
    match ended {
        Iperf3End::Overdue => Iperf3Error::SERVER_TIMEOUT,
        Iperf3End::BadResults => Iperf3Error::RESULTS,
        Iperf3End::Silent { stage: Iperf3Stage::Streams, .. } | Iperf3End::StreamFailed => {
            Iperf3Error::STREAM
        }
        _ => Iperf3Error::MESSAGE,
    }
}
