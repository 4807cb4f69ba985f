//! The server against the adversary, followed by an honest client.

use super::super::simulation::client_and_server::{Serve, ServeMail, serve};
use super::{Adversary, Arrival, Engine, Stage, Start, addresses};
use crate::batch::{RxMeta, TxBatch};
use crate::netsim::{Mailbox, Network, ProcessId, SimSocket, runs};
use crate::session::serve::{
    MOST_PORTS, PortsOpened, PortsRequest, ServeCommand, ServeOrder, ServePolicy, StreamReport,
};
use crate::session::stamp::{StampPolicy, StampReflector};
use crate::session::stun::{StunAlternate, StunPolicy, StunReflector};
use crate::units::Nanos;
use crate::wire::stamp::ErrorEstimate;
use crate::wire::{Class, Code, Reply, Verb};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

/// The server's ports: the dialogue, STAMP's own, STUN's other port.
const PORTS: [u16; 3] = [8_620, 862, 8_621];
/// How long a verified address may still get what it requested: a probe's eight answers, the first
/// after six minutes, each a minute after the one before.
const FORGOTTEN: Nanos = Nanos::from_secs(900);
/// How long a stream may continue to an address whose owner is gone: six seconds and the path's own
/// time, of which the adversary can feign up to fifteen; and six in which a ticket of the address
/// takes it there.
const FLOWS: Nanos = Nanos::from_secs(22);
/// Number of moves per run.
const MOVES: std::ops::Range<usize> = 30..160;

/// What the server has opened, as its engine sees it.
struct Opened {
    orders: Mailbox<ServeOrder>,
    mail: ServeMail,
    /// Streams by session and number: the client's address, and whether they are sent to it.
    streams: HashMap<(u64, u32), (SocketAddr, bool)>,
    /// Open ports by the numbers of their sockets.
    ports: HashMap<usize, u16>,
    most_streams: usize,
    most_ports: usize,
    /// How often a stream went on at another address.
    moved: u64,
    /// Peers to which streams were opened.
    peers: HashSet<SocketAddr>,
}

impl Opened {
    fn open(&mut self, request: &PortsRequest, network: &mut Network, server: ProcessId) {
        let mut open = |port| {
            let socket = network.open_socket(server, bound(port));
            self.ports.insert(socket, port);
            (port, socket)
        };
        let opened = PortsOpened {
            opened: request.ports.iter().map(&mut open).collect(),
            alternate: request.alternate.first().map(|port| open(*port)),
            other: Some(addresses()[1]),
            ..PortsOpened::default()
        };
        self.most_ports = self.most_ports.max(self.ports.len());
        let news = StreamReport::Ports(Box::new(opened));
        self.orders.push(ServeOrder { session: request.session, stream: 0, news });
    }
}

impl Engine for Opened {
    fn serve(&mut self, network: &mut Network, server: ProcessId) {
        self.mail.1.drain();
        for command in self.mail.0.drain() {
            match command {
                ServeCommand::Open(request) => {
                    let (session, stream) = (request.session, request.stream);
                    self.peers.insert(request.peer);
                    let flows = !request.plan.is_up(stream);
                    self.streams.insert((session, stream), (request.peer, flows));
                    self.most_streams = self.most_streams.max(self.streams.len());
                    let news = StreamReport::Opened(Ok(()));
                    self.orders.push(ServeOrder { session, stream, news });
                }
                ServeCommand::Move { session, stream, peer } => {
                    self.peers.insert(peer);
                    self.moved += 1;
                    if let Some((known, _)) = self.streams.get_mut(&(session, stream)) {
                        *known = peer;
                    }
                }
                ServeCommand::Close { session } => {
                    self.streams.retain(|(of, _), _| *of != session);
                }
                ServeCommand::OpenPorts(request) => self.open(&request, network, server),
                ServeCommand::ClosePorts { sockets } => {
                    for socket in sockets {
                        self.ports.remove(&socket);
                        network.close_socket(server, socket);
                    }
                }
                _ => {}
            }
            network.wake(server);
        }
    }
}

fn bound(port: u16) -> SimSocket {
    SimSocket::bound(([0; 4], port).into())
}

/// The server, and what it has opened.
fn server(seed: u64) -> (Serve, Opened) {
    let (server, orders, mail) = serve(ServePolicy::default(), seed);
    let stamp = StampReflector::new(StampPolicy::default(), ErrorEstimate::default);
    let alternate = Some(StunAlternate { socket: 2, port: PORTS[2] });
    let stun = StunPolicy { port: PORTS[0], alternate, ..StunPolicy::default() };
    let [one, other] = addresses();
    let others = move |meta: &RxMeta| Some(if meta.destination == Some(one) { other } else { one });
    let server = server
        .on_ports(PORTS[0], &[])
        .with_reflector(Class::Stamp, Box::new(stamp))
        .with_reflector(Class::Stun, Box::new(StunReflector::new(stun, others)))
        .with_port(Class::Stamp)
        .with_port(Class::Stun);
    let opened = Opened {
        orders,
        mail,
        streams: HashMap::new(),
        ports: HashMap::new(),
        most_streams: 0,
        most_ports: 0,
        moved: 0,
        peers: HashSet::new(),
    };
    (server, opened)
}

/// One run; returns the number of answers to forged addresses and of streams that moved, and of open
/// streams and ports.
fn run(seed: u64) -> ((u64, u64), usize, usize) {
    let mut mind = Adversary::new(seed);
    let (session, engine) = server(seed);
    let batch = TxBatch::new(256, 1 << 20);
    let sockets = PORTS.map(|port| bound(port).address);
    let start = Start { session, engine, sockets: &sockets, batch, moment: Nanos::from_secs(1) };
    let mut stage = Stage::new(start, &mut mind);
    let moves = mind.rng.usize(MOVES);
    for _ in 0..moves {
        let span = mind.span();
        stage.pass(span, &mut mind);
        for (peer, flows) in stage.engine.streams.values() {
            let left = stage.ledger.left_behind_since(*peer, FORGOTTEN);
            // A client's streams and its dialogue have ports of their own, which are not told apart
            // as long as something answers behind the same address.
            let is_there = mind.own.iter().any(|own| own.ip() == peer.ip());
            let is_late = !is_there && left.is_some_and(|left| stage.now() > left + FLOWS);
            assert!(!flows || !is_late, "seed {seed}: it flows on to {peer}\n{}", mind.story());
        }
        let arrival = arrival(&stage.engine, &mut mind);
        if mind.rng.u8(..100) == 0
            && let Some(address) = mind.moves_away()
        {
            mind.note(format!("{} nobody is at {address} any more", stage.now()));
            stage.ledger.leave_behind(address, stage.now() + FORGOTTEN);
        }
        if mind.rng.u8(..16) == 0 {
            let from = come_in(&mut stage, &mut mind);
            if mind.rng.bool() {
                go_elsewhere(&mut stage, &mut mind, from);
            }
        }
        let bytes = mind.says(arrival.source);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        mind.note(format!("{} {arrival:?}: {text:.160}", stage.now()));
        stage.arrive(arrival, &bytes, &mut mind);
        let mut peers = stage.engine.peers.iter();
        assert!(peers.all(|peer| mind.owned(*peer)), "seed {seed}: a stream to another");
    }
    let policy = ServePolicy::default();
    let Opened { most_streams, most_ports, moved, .. } = stage.engine;
    assert!(most_streams <= policy.max_all_streams, "seed {seed}: {most_streams}");
    // One more for each probe that answers from another port.
    assert!(most_ports <= MOST_PORTS + policy.max_sessions, "seed {seed}");
    let sessions = stage.responder.with(|server| server.sessions());
    assert!(sessions <= policy.max_sessions, "seed {seed}");
    newcomer(&mut stage, &mut mind);
    ((stage.ledger.answers, moved), most_streams, most_ports)
}

/// Takes a session and its streams to another address, its own or a forged one.
fn go_elsewhere(stage: &mut Stage<Serve, Opened>, mind: &mut Adversary, from: SocketAddr) {
    let source = mind.source();
    let destination = SocketAddr::new(mind.one_of(&addresses()), PORTS[0]);
    for verb in [Verb::Noop, Verb::Stat, Verb::Helo, Verb::Data] {
        let bytes = match verb {
            Verb::Helo => mind.opening(verb, source, &[]),
            _ => mind.moving(verb, from, source),
        };
        mind.note(format!("{} to {source} with a session: {verb:?}", stage.now()));
        stage.arrive(Arrival { source, destination }, &bytes, mind);
    }
}

/// Opens a session from an address of its own, as a client would, to misuse it; returns the address.
fn come_in(stage: &mut Stage<Serve, Opened>, mind: &mut Adversary) -> SocketAddr {
    let source = mind.own[mind.rng.usize(..mind.own.len())];
    let destination = SocketAddr::new(mind.one_of(&addresses()), PORTS[0]);
    let here = Arrival { source, destination };
    let test: &[(&str, &str)] = match mind.rng.u8(..3) {
        0 => &[("kind", "probe"), ("ports", "61000-61003")],
        1 => &[("direction", "both"), ("streams", "8"), ("time_ns", "900000000")],
        _ => &[("direction", "down"), ("streams", "1"), ("count", "10")],
    };
    for (verb, keys) in [
        (Verb::Helo, &[][..]),
        (Verb::Helo, &[]),
        (Verb::Test, test),
        (Verb::Data, &[("stream", "0")]),
    ] {
        let bytes = mind.opening(verb, source, keys);
        mind.note(format!("{} {source} comes in: {verb:?}", stage.now()));
        stage.arrive(here, &bytes, mind);
    }
    source
}

fn arrival(opened: &Opened, mind: &mut Adversary) -> Arrival {
    let mut ports: Vec<u16> = opened.ports.values().copied().collect();
    ports.sort_unstable();
    let port = match mind.rng.u8(..8) {
        0 => PORTS[1],
        1 => PORTS[2],
        2 | 3 if !ports.is_empty() => mind.one_of(&ports),
        _ => PORTS[0],
    };
    let source = mind.source();
    Arrival { source, destination: (mind.one_of(&addresses()), port).into() }
}

/// Whatever happened before, an honest client from elsewhere is served.
fn newcomer(stage: &mut Stage<Serve, Opened>, mind: &mut Adversary) {
    let source: SocketAddr = "198.51.100.77:5000".parse().unwrap();
    mind.own.push(source);
    stage.end_trouble();
    let here = Arrival { source, destination: (addresses()[0], PORTS[0]).into() };
    for (verb, keys, expected) in [
        (Verb::Helo, &[][..], Code::READY),
        (Verb::Helo, &[], Code::OK),
        (Verb::Test, &[("streams", "1"), ("time_ns", "1000000000")], Code::OK),
    ] {
        let bytes = mind.opening(verb, source, keys);
        let heard = stage.hear(here, &bytes, mind);
        let codes: Vec<Code> =
            heard.iter().filter_map(|bytes| Reply::decode(bytes).ok()).map(|r| r.code).collect();
        assert_eq!(codes, [expected], "seed {}: {verb:?}\n{}", mind.seed, mind.story());
    }
}

#[test]
fn no_forged_address_gets_more_than_came_in_its_name_and_a_newcomer_is_served() {
    let (mut answers, mut moves, mut streams, mut ports) = (0, 0, 0, 0);
    let count = runs(250);
    for seed in 0..count {
        let ((more, moved), most_streams, most_ports) = run(seed);
        answers += more;
        moves += moved;
        streams += usize::from(most_streams > 0);
        ports += usize::from(most_ports > 0);
    }
    // The adversary achieves something: forged addresses are answered, streams and ports are
    // opened, and streams go with it.
    assert!(moves * 100 > count, "{count} runs: {moves} moves");
    assert!(
        answers > count && streams * 10 > count as usize && ports * 10 > count as usize,
        "{count} runs: {answers} answers, {streams} with streams, {ports} with ports"
    );
}
