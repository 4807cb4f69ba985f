//! The server of iperf3 clients under any sequence of connections, bytes, datagrams, reports of
//! streams and times: it writes to nobody who is gone, keeps to its limits, and is empty again once
//! everybody is silent.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use udpkit::batch::{Datagram, RxCall, RxEntry, TxCall};
use udpkit::machine::{ByteServer, ConnectionEnd, ConnectionOrder, Executor, Next, Now, Orders};
use udpkit::record::{BlastReceived, BlastSent, Flow, LocalFailure, Sink};
use udpkit::session::iperf3::server::Iperf3Server;
use udpkit::session::serve::{
    ServeCommand, ServeEvent, ServeOrder, ServePolicy, StreamIo, StreamReport,
};
use udpkit::units::Nanos;
use udpkit::wire::iperf3::{
    CLIENT_GREETING, Iperf3Params, Iperf3Results, StreamResults, encode_message, stream_id,
};

const MAX_SESSIONS: usize = 3;
const COOKIE: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz234567abcd\0";
const IO: StreamIo =
    StreamIo { tx: TxCall::Plain, rx: RxCall::Plain, batch: 1, receive_buffer: 0, send_buffer: 0 };

/// The engine: streams open at once, every fourth of them fails to.
#[derive(Clone, Default)]
struct Engine {
    orders: Rc<RefCell<VecDeque<ServeOrder>>>,
    streams: Rc<RefCell<Vec<(u64, u32)>>>,
}

impl Engine {
    fn report(&self, session: u64, stream: u32, news: StreamReport) {
        self.orders.borrow_mut().push_back(ServeOrder { session, stream, news });
    }
}

impl Orders<ServeOrder> for Engine {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.orders.borrow_mut().pop_front()
    }
}

impl Executor<ServeCommand> for Engine {
    fn execute(&mut self, command: ServeCommand) {
        let ServeCommand::Open(request) = command else { return };
        let (session, stream) = (request.session, request.stream);
        if stream % 4 == 3 {
            let address = SocketAddr::from(([192, 0, 2, 1], 9));
            let failure = LocalFailure::NotLocal { address: address.into() };
            self.report(session, stream, StreamReport::Opened(Err(failure)));
        } else {
            self.streams.borrow_mut().push((session, stream));
            self.report(session, stream, StreamReport::Opened(Ok(())));
        }
    }
}

impl Sink<ServeEvent> for Engine {
    fn take(&mut self, _: ServeEvent) -> Flow {
        Flow::Continue
    }
}

/// The server with a clock, and the connections that are open.
struct World {
    server: Iperf3Server<Engine, Engine>,
    engine: Engine,
    now: Nanos,
    next: Next,
    open: BTreeSet<u64>,
    /// Of those, the ones that their clients have ended; the server still closes them.
    ended: BTreeSet<u64>,
    connections: u64,
}

impl World {
    fn new() -> Self {
        let policy = ServePolicy { max_sessions: MAX_SESSIONS, ..ServePolicy::default() };
        let engine = Engine::default();
        Self {
            server: Iperf3Server::new(policy, engine.clone(), engine.clone()),
            engine,
            now: Nanos::from_secs(1),
            next: Next::Idle,
            open: BTreeSet::new(),
            ended: BTreeSet::new(),
            connections: 0,
        }
    }

    fn at(&self) -> Now {
        Now { mono: self.now, real: self.now }
    }

    fn poll(&mut self) {
        for _ in 0..100 {
            let mut out = Vec::new();
            self.next = self.server.poll(self.at(), &mut out);
            for order in out {
                match order {
                    ConnectionOrder::Write { connection, bytes } => {
                        assert!(self.open.contains(&connection), "{bytes:?} to nobody");
                    }
                    ConnectionOrder::Close { connection } => {
                        assert!(self.open.remove(&connection), "closed twice");
                    }
                }
            }
            if self.next != Next::Send {
                return;
            }
        }
        panic!("it asks to be called again and again");
    }

    fn accept(&mut self, from: SocketAddr) {
        self.connections += 1;
        self.open.insert(self.connections);
        self.server.on_accept(self.at(), self.connections, from);
    }

    /// One of the open connections.
    fn some_connection(&self, which: u8) -> Option<u64> {
        let live: Vec<u64> = self.open.difference(&self.ended).copied().collect();
        live.get(usize::from(which) % live.len().max(1)).copied()
    }

    fn send(&mut self, to: u8, bytes: &[u8]) {
        if let Some(connection) = self.some_connection(to) {
            self.server.on_bytes(self.at(), connection, bytes);
        }
    }

    fn datagram(&mut self, from: SocketAddr, payload: &[u8]) {
        let mut meta = RxEntry::default().meta;
        (meta.source, meta.destination) = (from, Some([203, 0, 113, 5].into()));
        let datagram = Datagram { payload, true_len: payload.len(), meta };
        self.server.on_datagram(self.at(), &datagram);
    }

    fn stream_ends(&mut self, how: u8) {
        let (session, stream) = {
            let streams = self.engine.streams.borrow();
            let Some(one) = streams.get(usize::from(how / 8) % streams.len().max(1)) else {
                return;
            };
            *one
        };
        let datagrams = u64::from(how) * 7;
        let received = BlastReceived { datagrams, firsts: datagrams, ..BlastReceived::default() };
        let sent = BlastSent { offered: datagrams, datagrams, ..BlastSent::default() };
        let news = match how % 8 {
            0 | 1 => StreamReport::Received(Box::new(received), Box::default(), IO),
            2 | 3 => StreamReport::Sent(Box::new(sent), IO),
            4 => StreamReport::Omitted(datagrams),
            5 => StreamReport::Processor { user_ns: datagrams, system_ns: 0 },
            6 => StreamReport::Progress(Box::new(received)),
            _ => StreamReport::Refused,
        };
        self.engine.report(session, stream, news);
    }
}

fn opening(how: u8) -> Vec<u8> {
    let params = Iperf3Params {
        udp: true,
        time: u64::from(how % 4),
        parallel: 1 + u32::from(how / 64),
        len: 100,
        bandwidth: 1_000_000,
        reverse: how & 8 != 0,
        bidirectional: how & 16 != 0,
        client_version: "3.21".to_owned(),
        ..Iperf3Params::default()
    };
    [&COOKIE[..], &encode_message(&params)].concat()
}

fn results(how: u8) -> Vec<u8> {
    let streams = (0..1 + u32::from(how / 64)).map(|stream| StreamResults {
        id: stream_id(stream),
        packets: i64::from(how) * 9 - 100,
        ..StreamResults::default()
    });
    encode_message(&Iperf3Results { streams: streams.collect(), ..Iperf3Results::default() })
}

// A step is three bytes: what, which, how; for bytes and datagrams, as many more as it says.
fuzz_target!(|data: &[u8]| {
    let mut world = World::new();
    let mut rest = data;
    while let Some(([what, which, how], behind)) = rest.split_first_chunk() {
        let (literal, others) = behind.split_at(usize::from(*how).min(behind.len()));
        let host = SocketAddr::from(([192, 0, 2, which % 4], 1_000 + u16::from(*how)));
        rest = behind;
        match what % 9 {
            0 => world.accept(host),
            1 => {
                world.send(*which, literal);
                rest = others;
            }
            2 => world.send(*which, &opening(*how)),
            3 => world.datagram(host, &CLIENT_GREETING),
            4 => {
                world.datagram(host, literal);
                rest = others;
            }
            5 => world.now += Nanos::from_millis(u64::from(*how) * 40),
            6 => world.stream_ends(*how),
            7 => world.send(*which, &results(*how)),
            _ => {
                if let Some(connection) = world.some_connection(*which) {
                    world.ended.insert(connection);
                    world.server.on_end(world.at(), connection, ConnectionEnd::Closed);
                }
            }
        }
        world.poll();
        assert!(world.open.len() <= MAX_SESSIONS, "more clients than places");
    }
    let silent_since = world.now;
    while let Next::WaitUntil(at) = world.next {
        world.now = world.now.max(at);
        world.poll();
        assert!(world.now - silent_since < Nanos::from_secs(600), "a silent client stays");
    }
    assert!(world.open.is_empty(), "{:?} are still there", world.open);
});
