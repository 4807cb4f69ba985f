//! The server against the adversary, followed by an honest client.

use super::{Adversary, Arrival, Stage};
use crate::batch::{RxMeta, TxBatch};
use crate::machine::{Executor, Orders};
use crate::netsim::runs;
use crate::session::serve::{
    MOST_PORTS, PortsOpened, ServeCommand, ServeControl, ServeEvent, ServeOrder, ServePolicy,
    StreamReport,
};
use crate::session::stamp::{StampPolicy, StampReflector};
use crate::session::stun::{StunAlternate, StunPolicy, StunReflector};
use crate::units::Nanos;
use crate::wire::stamp::ErrorEstimate;
use crate::wire::{Class, Code, Reply, TicketKey, Verb};
use fastrand::Rng;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// The server's sockets: the dialogue, STAMP's own, STUN's other port.
const SOCKETS: usize = 3;
/// How long a verified address may still get what it requested: a probe's eight answers, the first
/// after six minutes, each a minute after the one before.
const FORGOTTEN: Nanos = Nanos::from_secs(900);
/// How long a stream may continue to an address whose owner is gone: six seconds and the path's own
/// time, of which the adversary can feign up to fifteen.
const FLOWS: Nanos = Nanos::from_secs(16);
/// Number of moves per run.
const MOVES: std::ops::Range<usize> = 30..160;

/// What the server has opened, as its engine sees it.
#[derive(Default)]
struct Opened {
    orders: VecDeque<ServeOrder>,
    /// Streams by session and number: the client's address, and whether they are sent to it.
    streams: HashMap<(u64, u32), (SocketAddr, bool)>,
    ports: HashMap<usize, u16>,
    next_socket: usize,
    most_streams: usize,
    most_ports: usize,
    /// Peers to which streams were opened.
    peers: HashSet<SocketAddr>,
}

#[derive(Clone)]
struct Engine(Rc<RefCell<Opened>>);

impl Engine {
    fn new() -> Self {
        Self(Rc::new(RefCell::new(Opened { next_socket: 900, ..Opened::default() })))
    }
}

impl Orders<ServeOrder> for Engine {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.0.borrow_mut().orders.pop_front()
    }
}

impl Executor<ServeCommand> for Engine {
    fn execute(&mut self, command: ServeCommand) {
        let mut all = self.0.borrow_mut();
        let all = &mut *all;
        match command {
            ServeCommand::Open(request) => {
                let (session, stream) = (request.session, request.stream);
                all.peers.insert(request.peer);
                let flows = !request.plan.is_up(stream);
                all.streams.insert((session, stream), (request.peer, flows));
                all.most_streams = all.most_streams.max(all.streams.len());
                let news = StreamReport::Opened(Ok(()));
                all.orders.push_back(ServeOrder { session, stream, news });
            }
            ServeCommand::Close { session } => all.streams.retain(|(of, _), _| *of != session),
            ServeCommand::OpenPorts(request) => {
                let mut opened = PortsOpened::default();
                let mut open = |port| {
                    all.next_socket += 1;
                    all.ports.insert(all.next_socket, port);
                    (port, all.next_socket)
                };
                opened.opened = request.ports.iter().map(&mut open).collect();
                opened.alternate = request.alternate.first().map(|port| open(*port));
                opened.other = "203.0.113.8".parse().ok();
                all.most_ports = all.most_ports.max(all.ports.len());
                let news = StreamReport::Ports(Box::new(opened));
                all.orders.push_back(ServeOrder { session: request.session, stream: 0, news });
            }
            ServeCommand::ClosePorts { sockets } => {
                all.ports.retain(|socket, _| !sockets.contains(socket));
            }
            _ => {}
        }
    }
}

type Server = ServeControl<Engine, (Engine, Vec<ServeEvent>), Box<dyn FnMut() -> u64>>;

fn addresses() -> [IpAddr; 2] {
    ["203.0.113.7", "203.0.113.8"].map(|text| text.parse().unwrap())
}

fn server(engine: &Engine, seed: u64) -> Server {
    let mut rng = Rng::with_seed(seed);
    let key = TicketKey(std::array::from_fn(|_| rng.u8(..)));
    let random: Box<dyn FnMut() -> u64> = Box::new(move || rng.u64(..));
    let stamp = StampReflector::new(StampPolicy::default(), ErrorEstimate::default);
    let alternate = Some(StunAlternate { socket: 2, port: 8_621 });
    let stun = StunPolicy { port: 8_620, alternate, ..StunPolicy::default() };
    let [one, other] = addresses();
    let others = move |meta: &RxMeta| Some(if meta.destination == Some(one) { other } else { one });
    let (orders, engine) = (engine.clone(), (engine.clone(), Vec::new()));
    ServeControl::new(ServePolicy::default(), key, orders, engine, random)
        .on_ports(8_620, &[])
        .with_reflector(Class::Stamp, Box::new(stamp))
        .with_reflector(Class::Stun, Box::new(StunReflector::new(stun, others)))
        .with_port(Class::Stamp)
        .with_port(Class::Stun)
}

/// One run; returns the number of answers to forged addresses, and of open streams and ports.
fn run(seed: u64) -> (u64, usize, usize) {
    let engine = Engine::new();
    let mut mind = Adversary::new(seed);
    let trouble = if mind.rng.bool() { 0 } else { mind.rng.u8(..30) };
    let batch = TxBatch::new(256, 1 << 20);
    let mut stage = Stage::new(server(&engine, seed), batch, (trouble, Nanos::from_secs(1)));
    let moves = mind.rng.usize(MOVES);
    for _ in 0..moves {
        let span = mind.span();
        stage.pass(span, &mut mind);
        for (peer, flows) in engine.0.borrow().streams.values() {
            let left = stage.ledger.left_behind_since(*peer, FORGOTTEN);
            let is_late = left.is_some_and(|left| stage.now > left + FLOWS);
            assert!(!flows || !is_late, "seed {seed}: it flows on to {peer}\n{}", mind.story());
        }
        let arrival = arrival(&engine, &mut mind);
        if mind.rng.u8(..100) == 0
            && let Some(address) = mind.moves_away()
        {
            mind.note(format!("{} nobody is at {address} any more", stage.now));
            stage.ledger.leave_behind(address, stage.now + FORGOTTEN);
        }
        if mind.rng.u8(..16) == 0 {
            come_in(&mut stage, &mut mind);
        }
        let bytes = mind.says(arrival.source);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        mind.note(format!("{} {arrival:?}: {text:.160}", stage.now));
        stage.arrive(arrival, &bytes, &mut mind);
        let all = engine.0.borrow();
        assert!(all.peers.iter().all(|peer| mind.owned(*peer)), "seed {seed}: a stream to another");
    }
    {
        let (all, policy) = (engine.0.borrow(), ServePolicy::default());
        assert!(all.most_streams <= policy.max_all_streams, "seed {seed}: {}", all.most_streams);
        // One more for each probe that answers from another port.
        assert!(all.most_ports <= MOST_PORTS + policy.max_sessions, "seed {seed}");
        assert!(stage.session.sessions() <= policy.max_sessions, "seed {seed}");
    }
    newcomer(&mut stage, &mut mind);
    let all = engine.0.borrow();
    (stage.ledger.answers, all.most_streams, all.most_ports)
}

/// Opens a session from an address of its own, as a client would, to misuse it.
fn come_in(stage: &mut Stage<Server>, mind: &mut Adversary) {
    let source = mind.own[mind.rng.usize(..mind.own.len())];
    let here = Arrival { source, destination: mind.one_of(&addresses()), socket: 0 };
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
        mind.note(format!("{} {source} comes in: {verb:?}", stage.now));
        stage.arrive(here, &bytes, mind);
    }
}

fn arrival(engine: &Engine, mind: &mut Adversary) -> Arrival {
    let ports: Vec<usize> = engine.0.borrow().ports.keys().copied().collect();
    let socket = match mind.rng.u8(..8) {
        0 => 1,
        1 => 2,
        2 | 3 if !ports.is_empty() => ports[mind.rng.usize(..ports.len())],
        _ => 0,
    };
    debug_assert!(!(SOCKETS..900).contains(&socket));
    Arrival { source: mind.source(), destination: mind.one_of(&addresses()), socket }
}

/// Whatever happened before, an honest client from elsewhere is served.
fn newcomer(stage: &mut Stage<Server>, mind: &mut Adversary) {
    let source: SocketAddr = "198.51.100.77:5000".parse().unwrap();
    mind.own.push(source);
    stage.trouble = 0;
    let [destination, _] = addresses();
    let here = Arrival { source, destination, socket: 0 };
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
    let (mut answers, mut streams, mut ports) = (0, 0, 0);
    let count = runs(1_000);
    for seed in 0..count {
        let (more, most_streams, most_ports) = run(seed);
        answers += more;
        streams += usize::from(most_streams > 0);
        ports += usize::from(most_ports > 0);
    }
    // The adversary achieves something: forged addresses are answered, streams and ports are
    // opened.
    assert!(
        answers > count && streams * 10 > count as usize && ports * 10 > count as usize,
        "{count} runs: {answers} answers, {streams} with streams, {ports} with ports"
    );
}
