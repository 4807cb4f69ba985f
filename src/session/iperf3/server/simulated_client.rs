//! Clients and an engine for the server's tests: what is written is kept for each connection, and
//! streams are opened at once.

use super::Iperf3Server;
use crate::batch::{Datagram, RxEntry};
use crate::machine::{ByteServer, ConnectionEnd, ConnectionOrder, Executor, Next, Now, Orders};
use crate::record::{BlastReceived, BlastSent, Flow, ServeRecord, Sink};
use crate::session::serve::{
    ServeCommand, ServeEvent, ServeOrder, ServePolicy, StreamIo, StreamReport, StreamRequest,
};
use crate::units::Nanos;
use crate::wire::iperf3::{
    CLIENT_GREETING, Iperf3Params, Iperf3Results, StreamResults, decode_message, encode_message,
    stream_id,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;

pub(super) const PAYLOAD: u32 = 100;
pub(super) const COOKIE: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz234567abcd\0";
const IO: StreamIo = StreamIo {
    tx: crate::batch::TxCall::Plain,
    rx: crate::batch::RxCall::Plain,
    batch: 1,
    receive_buffer: 0,
    send_buffer: 0,
};

/// What the server and its engine share with a test.
#[derive(Clone, Default)]
pub(super) struct Desk {
    pub commands: Rc<RefCell<Vec<ServeCommand>>>,
    pub orders: Rc<RefCell<VecDeque<ServeOrder>>>,
    pub log: Rc<RefCell<Vec<ServeRecord>>>,
}

impl Orders<ServeOrder> for Desk {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.orders.borrow_mut().pop_front()
    }
}

impl Executor<ServeCommand> for Desk {
    fn execute(&mut self, command: ServeCommand) {
        if let ServeCommand::Open(request) = &command {
            let (session, stream) = (request.session, request.stream);
            let news = StreamReport::Opened(Ok(()));
            self.orders.borrow_mut().push_back(ServeOrder { session, stream, news });
        }
        self.commands.borrow_mut().push(command);
    }
}

impl Sink<ServeEvent> for Desk {
    fn take(&mut self, event: ServeEvent) -> Flow {
        self.log.borrow_mut().push(event.record);
        Flow::Continue
    }
}

/// A server with a clock and its connections.
pub(super) struct World {
    pub server: Iperf3Server<Desk, Desk>,
    pub desk: Desk,
    pub now: Nanos,
    pub next: Next,
    written: BTreeMap<u64, Vec<u8>>,
    pub closed: BTreeSet<u64>,
    connections: u64,
}

pub(super) fn address(host: u8, port: u16) -> SocketAddr {
    ([192, 0, 2, host], port).into()
}

/// Parameters of a test of two seconds.
pub(super) fn params(streams: u32) -> Iperf3Params {
    Iperf3Params {
        udp: true,
        time: 2,
        parallel: streams,
        len: PAYLOAD,
        bandwidth: 1_000_000,
        client_version: "3.21".to_owned(),
        ..Iperf3Params::default()
    }
}

impl World {
    pub fn new(policy: ServePolicy) -> Self {
        let desk = Desk::default();
        let server = Iperf3Server::new(policy, desk.clone(), desk.clone());
        Self {
            server,
            desk,
            now: Nanos::from_secs(1),
            next: Next::Idle,
            written: BTreeMap::new(),
            closed: BTreeSet::new(),
            connections: 0,
        }
    }

    pub fn now(&self) -> Now {
        Now { mono: self.now, real: self.now }
    }

    pub fn poll(&mut self) {
        let mut out = Vec::new();
        self.next = self.server.poll(self.now(), &mut out);
        for order in out {
            match order {
                ConnectionOrder::Write { connection, bytes } => {
                    assert!(!self.closed.contains(&connection), "written after the end");
                    self.written.entry(connection).or_default().extend(bytes);
                }
                ConnectionOrder::Close { connection } => {
                    assert!(self.closed.insert(connection), "closed twice");
                }
            }
        }
    }

    /// What was written to a client since the last call.
    pub fn told(&mut self, connection: u64) -> Vec<u8> {
        self.written.remove(&connection).unwrap_or_default()
    }

    pub fn connect(&mut self, client: SocketAddr) -> u64 {
        self.connections += 1;
        self.server.on_accept(self.now(), self.connections, client);
        self.poll();
        self.connections
    }

    /// Feeds one byte after the other, and returns what was written to that client.
    pub fn feed(&mut self, connection: u64, bytes: &[u8]) -> Vec<u8> {
        for byte in bytes {
            self.server.on_bytes(self.now(), connection, &[*byte]);
            self.poll();
        }
        self.told(connection)
    }

    pub fn end(&mut self, connection: u64, end: ConnectionEnd) {
        self.server.on_end(self.now(), connection, end);
        self.poll();
    }

    pub fn datagram(&mut self, from: SocketAddr, payload: &[u8]) {
        let mut meta = RxEntry::default().meta;
        (meta.source, meta.destination) = (from, Some([203, 0, 113, 5].into()));
        let datagram = Datagram { payload, true_len: payload.len(), meta };
        self.server.on_datagram(self.now(), &datagram);
        self.poll();
    }

    /// A client with these parameters, which were taken.
    pub fn asking(&mut self, client: SocketAddr, params: &Iperf3Params) -> u64 {
        let connection = self.connect(client);
        assert_eq!(self.feed(connection, COOKIE), [9]);
        let message = encode_message(params);
        self.server.on_bytes(self.now(), connection, &message);
        self.poll();
        connection
    }

    /// A client whose data flows.
    pub fn running(&mut self, client: SocketAddr, params: &Iperf3Params) -> u64 {
        let connection = self.asking(client, params);
        assert_eq!(self.told(connection), [10]);
        let directions = if params.bidirectional { 2 } else { 1 };
        for stream in 0..params.parallel * directions {
            assert!(self.told(connection).is_empty(), "a stream is missing");
            let from = SocketAddr::new(client.ip(), 50_000 + stream as u16);
            self.datagram(from, &CLIENT_GREETING);
        }
        assert_eq!(self.told(connection), [1, 2]);
        connection
    }

    /// A client that has ended its test after its time.
    pub fn ending(&mut self, client: SocketAddr, params: &Iperf3Params) -> u64 {
        let connection = self.running(client, params);
        self.now += Nanos::from_secs(params.time + params.omit);
        self.poll();
        assert_eq!(self.feed(connection, &[4]), [13]);
        connection
    }

    pub fn report(&mut self, session: u64, stream: u32, news: StreamReport) {
        self.desk.orders.borrow_mut().push_back(ServeOrder { session, stream, news });
        self.poll();
    }

    /// A stream was received to its end.
    pub fn received(&mut self, session: u64, stream: u32, received: &BlastReceived) {
        let bytes = received.datagrams * u64::from(PAYLOAD);
        let received = Box::new(BlastReceived { bytes, ..*received });
        self.report(session, stream, StreamReport::Received(received, Box::default(), IO));
    }

    /// A stream was sent to its end.
    pub fn sent(&mut self, session: u64, stream: u32, datagrams: u64) {
        let bytes = datagrams * u64::from(PAYLOAD);
        let sent = BlastSent { offered: datagrams, datagrams, bytes, ..BlastSent::default() };
        self.report(session, stream, StreamReport::Sent(Box::new(sent), IO));
    }

    pub fn commands(&self) -> Vec<ServeCommand> {
        self.desk.commands.borrow_mut().drain(..).collect()
    }

    /// The streams that were opened since the last call.
    pub fn opened(&self) -> Vec<StreamRequest> {
        let opened = |command| match command {
            ServeCommand::Open(request) => Some(*request),
            _ => None,
        };
        self.commands().into_iter().filter_map(opened).collect()
    }

    pub fn log(&self) -> Vec<ServeRecord> {
        self.desk.log.borrow_mut().drain(..).collect()
    }

    /// Lets time pass up to the instant that the server waits for.
    pub fn wait(&mut self) {
        let Next::WaitUntil(at) = self.next else { panic!("it waits for {:?}", self.next) };
        self.now = at;
        self.poll();
    }

    /// Lets time pass until the server waits for nothing; returns how long that took.
    pub fn wait_for_nothing(&mut self) -> Nanos {
        let before = self.now;
        while self.next != Next::Idle {
            self.wait();
        }
        self.now - before
    }
}

/// A client's results: of each stream the datagrams that it has sent.
pub(super) fn results(packets: &[i64]) -> Vec<u8> {
    let streams = (0u32..).zip(packets).map(|(stream, packets)| StreamResults {
        id: stream_id(stream),
        bytes: *packets * i64::from(PAYLOAD),
        packets: *packets,
        ..StreamResults::default()
    });
    encode_message(&Iperf3Results { streams: streams.collect(), ..Iperf3Results::default() })
}

/// The server's results and the byte behind them.
pub(super) fn read_results(told: &[u8]) -> (Iperf3Results, &[u8]) {
    let length = u32::from_be_bytes(told[..4].try_into().unwrap()) as usize;
    let (text, rest) = told[4..].split_at(length);
    (decode_message(text).unwrap(), rest)
}
