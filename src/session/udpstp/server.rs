//! The server: Setup Requests on one port, and a port of its own for each connection.

use super::data_phase::Sent;
use super::server_admission::{InUse, Keys, admit};
use super::server_policy::{UdpstpCommand, UdpstpOrder, UdpstpPolicy};
use super::server_test::ServerTest;
use crate::batch::{Datagram, Dest, SendOutcome, TxBatch};
use crate::control::server::network;
use crate::machine::{Executor, Next, Now, Orders, Session};
use crate::record::{Flow, ServeRecord, Sink, UdpstpEnd, UdpstpRefusal};
use crate::session::serve::{Lifetime, LogLimit, ServeEvent, ServeSummary};
use crate::units::Nanos;
use crate::wire::udpstp::{Checksums, NullRequest, SetupRequest, SetupResponse, VERSION};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// The socket on which Setup Requests come.
const SETUP: usize = 0;
/// Answers that wait to be sent; more are not answered.
const ANSWERS: usize = 256;
/// The first version that knows Null Requests.
const KNOWS_NULL: u16 = 20;
/// How long tests that are told of the server's end may take.
const LAST: Nanos = Nanos::from_millis(500);

/// What a server's tests came to.
pub type UdpstpServerSummary = ServeSummary;

/// A server, sans sockets. `X` carries out commands and takes what is logged.
pub struct UdpstpServer<O, X> {
    policy: UdpstpPolicy,
    orders: O,
    outside: X,
    tests: BTreeMap<u64, ServerTest>,
    by_socket: BTreeMap<usize, u64>,
    next_test: u64,
    answers: VecDeque<(Dest, Vec<u8>)>,
    wrote: Vec<(u64, Sent)>,
    scratch: Vec<Sent>,
    /// The test that is asked first.
    first: u64,
    seed: u64,
    log: LogLimit,
    summary: ServeSummary,
    /// It takes no new tests.
    drains: bool,
    /// When it was told to end.
    until: Option<Nanos>,
    is_closed: bool,
}

impl<O: Orders<UdpstpOrder>, X: Executor<UdpstpCommand> + Sink<ServeEvent>> UdpstpServer<O, X> {
    /// A server without tests; `seed` is for the random start of what it sends.
    pub fn new(policy: UdpstpPolicy, orders: O, outside: X, seed: u64) -> Self {
        Self {
            policy,
            orders,
            outside,
            tests: BTreeMap::new(),
            by_socket: BTreeMap::new(),
            next_test: 0,
            answers: VecDeque::new(),
            wrote: Vec::new(),
            scratch: Vec::new(),
            first: 0,
            seed,
            log: LogLimit::default(),
            summary: ServeSummary::default(),
            drains: false,
            until: None,
            is_closed: false,
        }
    }

    /// Connections that there are.
    pub fn connections(&self) -> usize {
        self.tests.len()
    }

    fn tell(&mut self, now: Now, record: ServeRecord) {
        if self.log.admits(&record, now.mono) {
            self.is_closed |=
                self.outside.take(ServeEvent { at: now.real, record }) == Flow::Closed;
        }
        if let Some(record) = self.log.left_out(now.mono) {
            self.is_closed |=
                self.outside.take(ServeEvent { at: now.real, record }) == Flow::Closed;
        }
    }

    fn take_setup(&mut self, now: Now, datagram: &Datagram<'_>) {
        let pdu = datagram.payload;
        let source = datagram.meta.source;
        // A port of 0 can get no answer; others than allowed get none either.
        if source.port() == 0 || !self.policy.serve.serves(source.ip()) {
            return;
        }
        let Ok(request) = SetupRequest::decode(pdu) else { return };
        let back = Dest::back_to(&datagram.meta);
        let known = self.tests.values().find(|test| {
            test.is_waiting() && test.client == source && is_same(&test.request, &request)
        });
        if let Some(test) = known {
            // Its answer was lost, or its port is not open yet.
            if let Some((_, port)) = test.port {
                let time = (now.real.0 / 1_000_000_000) as u32;
                let sealing = (test.keys.seal(time), Checksums::Unused);
                let answer = test.request.respond(SetupResponse::Accepted(port), sealing);
                self.answer(back, answer.to_vec());
            }
            return;
        }
        let time = (now.real.0 / 1_000_000_000) as u32;
        let in_use = self.in_use(&request, source.ip());
        let admitted = if self.drains || self.until.is_some() {
            Err((SetupResponse::NoConnection, Keys::None))
        } else {
            admit((&request, pdu), time, in_use, &self.policy)
        };
        match admitted {
            Ok(keys) => {
                let client = (source, datagram.meta.destination);
                self.next_test += 1;
                let test = self.next_test;
                self.tests.insert(test, ServerTest::new(client, request, keys, now));
                let (peer, local) = client;
                self.outside.execute(UdpstpCommand::Open { test, peer, local });
                self.take_orders(now);
            }
            Err((response, keys)) => self.refuse(now, (back, request), response, &keys),
        }
    }

    fn refuse(
        &mut self,
        now: Now,
        (back, request): (Dest, SetupRequest),
        response: SetupResponse,
        keys: &Keys,
    ) {
        let time = (now.real.0 / 1_000_000_000) as u32;
        let told = match response {
            SetupResponse::BadVersion => SetupRequest { version: VERSION, ..request },
            _ => request,
        };
        let answer = told.respond(response, (keys.seal(time), Checksums::Unused));
        let response_code = UdpstpRefusal(response);
        let client = back.addr.into();
        let version = request.version;
        self.answer(back, answer.to_vec());
        self.tell(now, ServeRecord::UdpstpRefused { client, version, refusal: response_code });
    }

    fn answer(&mut self, to: Dest, pdu: Vec<u8>) {
        if self.answers.len() < ANSWERS {
            self.answers.push_back((to, pdu));
        }
    }

    fn in_use(&self, request: &SetupRequest, source: IpAddr) -> InUse {
        let mut in_use = InUse { connections: self.tests.len(), ..InUse::default() };
        let source = network(source);
        for test in self.tests.values() {
            if test.request.bandwidth.upstream == request.bandwidth.upstream {
                in_use.mbps += u64::from(test.request.bandwidth.mbps);
            }
            in_use.of_source += usize::from(network(test.client.ip()) == source);
            in_use.waiting += usize::from(test.is_waiting());
        }
        in_use
    }

    fn take_orders(&mut self, now: Now) {
        while let Some(order) = self.orders.next_order() {
            match order {
                UdpstpOrder::Opened { test, socket, port } => self.open(now, test, (socket, port)),
                UdpstpOrder::NotOpened { test } => {
                    if let Some(test) = self.tests.remove(&test) {
                        let back =
                            Dest { from: test.local, socket: SETUP, ..Dest::from(test.client) };
                        let refusal = SetupResponse::NoConnection;
                        self.refuse(now, (back, test.request), refusal, &test.keys);
                    }
                }
                UdpstpOrder::Drain => self.drains = true,
                UdpstpOrder::Reloaded(serve, keys) => {
                    (self.policy.serve, self.policy.keys) = (*serve, keys);
                }
            }
        }
    }

    fn open(&mut self, now: Now, number: u64, (socket, port): (usize, u16)) {
        let Some(test) = self.tests.get_mut(&number) else {
            self.outside.execute(UdpstpCommand::Close { socket });
            return;
        };
        test.port = Some((socket, port));
        self.by_socket.insert(socket, number);
        let (from, request) = (test.local, test.request);
        let time = (now.real.0 / 1_000_000_000) as u32;
        let sealing = (test.keys.seal(time), Checksums::Unused);
        let answer = request.respond(SetupResponse::Accepted(port), sealing);
        let back = Dest { from, socket: SETUP, ..Dest::from(test.client) };
        // With the response it is more than came: only to whom is known.
        let is_known = test.keys.are_proven() || !self.policy.serve.allow.is_empty();
        let null = (request.version >= KNOWS_NULL && is_known).then(|| {
            let null = NullRequest { version: request.version };
            null.encode(test.keys.seal(time), Checksums::Unused)
        });
        self.answer(back, answer.to_vec());
        if let Some(null) = null {
            self.answer(Dest { socket, ..back }, null.to_vec());
        }
    }

    /// Takes out the tests that are over.
    fn close_ended(&mut self, now: Now) {
        let ended = |test: &ServerTest| test.end();
        let over: Vec<u64> =
            self.tests.iter().filter_map(|(number, test)| ended(test).map(|_| *number)).collect();
        for number in over {
            let Some(test) = self.tests.remove(&number) else { continue };
            if let Some((socket, _)) = test.port {
                self.by_socket.remove(&socket);
                self.outside.execute(UdpstpCommand::Close { socket });
            }
            let Some(end) = test.end() else { continue };
            let served = test.served();
            self.summary.sessions += 1;
            self.summary.tested += u64::from(served.is_some());
            self.summary.broken += u64::from(end.broke_off());
            // Setup Requests from spoofed addresses fill no log.
            if end == UdpstpEnd::NotActivated && !test.keys.are_proven() {
                continue;
            }
            let record = ServeRecord::UdpstpClosed {
                client: test.client.into(),
                test: test.request.ident,
                connection: test.request.index + 1,
                connections: test.request.count,
                ended: end,
                served,
                duration_ns: test.age(now).0,
            };
            self.tell(now, record);
        }
    }

    fn is_done(&self, now: Now) -> bool {
        let is_once = self.policy.serve.lifetime == Lifetime::OneSession
            && self.summary.tested > 0
            && self.tests.is_empty();
        let is_drained =
            self.until.is_some_and(|until| self.tests.is_empty() || now.mono >= until + LAST);
        is_once || is_drained || self.is_closed
    }

    fn write_answers(&mut self, out: &mut TxBatch) {
        while let Some((to, pdu)) = self.answers.front() {
            let dest = out.add_dest(*to);
            let Some(bytes) = out.push(dest, pdu.len()) else { return };
            bytes.copy_from_slice(pdu);
            self.wrote.push((0, Sent::Other));
            self.answers.pop_front();
        }
    }
}

fn is_same(one: &SetupRequest, other: &SetupRequest) -> bool {
    (one.ident, one.index, one.version) == (other.ident, other.index, other.version)
}

impl<O: Orders<UdpstpOrder>, X: Executor<UdpstpCommand> + Sink<ServeEvent>> Session
    for UdpstpServer<O, X>
{
    type Summary = ServeSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.take_orders(now);
        out.reset();
        self.wrote.clear();
        self.write_answers(out);
        if self.until.is_some() {
            self.tests.values_mut().for_each(ServerTest::stop);
        }
        let mut wake = self.until.map_or(Nanos::MAX, |until| until + LAST);
        let behind = self.tests.range(self.first..).map(|(number, _)| *number);
        let before = self.tests.range(..self.first).map(|(number, _)| *number);
        let order: Vec<u64> = behind.chain(before).collect();
        let mut is_full = false;
        for number in order {
            let Some(test) = self.tests.get_mut(&number) else { continue };
            self.scratch.clear();
            let next = test.poll(now, (out, &mut self.scratch));
            self.wrote.extend(self.scratch.iter().map(|sent| (number, *sent)));
            if let Some(next) = next {
                wake = wake.min(next);
            } else {
                (self.first, is_full) = (number, true);
                break;
            }
        }
        self.close_ended(now);
        if is_full || !self.answers.is_empty() {
            return Next::Send;
        }
        if self.is_done(now) {
            return Next::Done;
        }
        if wake == Nanos::MAX { Next::Idle } else { Next::WaitUntil(wake) }
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        if outcome.stop.is_none() {
            return;
        }
        for (number, sent) in self.wrote.iter().skip(outcome.accepted) {
            if *sent == Sent::Load
                && let Some(test) = self.tests.get_mut(number)
            {
                test.give_back(1);
            }
        }
    }

    #[inline]
    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let socket = datagram.meta.socket;
        if socket == SETUP {
            return self.take_setup(now, datagram);
        }
        let number = self.by_socket.get(&socket);
        if let Some((number, test)) =
            number.and_then(|number| self.tests.get_mut(number).map(|test| (number, test)))
        {
            test.on_datagram(now, datagram, (&self.policy, self.seed ^ number));
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.tests.values_mut().for_each(|test| test.pause(length));
    }

    fn on_stop(&mut self, now: Now) {
        self.until = Some(now.mono);
    }

    fn finish(mut self, now: Now) -> ServeSummary {
        self.tests.values_mut().for_each(ServerTest::stop);
        self.close_ended(now);
        if let Some(record) = self.log.last_left_out() {
            self.outside.take(ServeEvent { at: now.real, record });
        }
        self.summary
    }
}
