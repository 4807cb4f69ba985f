//! Tests of the remote agent, datagram by datagram, with honest clients and strangers.

use super::{PortsOpened, PortsRequest};
use crate::batch::{Datagram, Dest, ErrorOrigin, NetworkError, RxEntry, RxMeta, TxBatch};
use crate::batch::{SendOutcome, SendStop};
use crate::machine::{Executor, Next, Now, Orders, Session};
use crate::record::{Flow, ServeRecord, ServeRefusal, Sink};
use crate::session::serve::{
    Probing, ServeCommand, ServeControl, ServeEvent, ServeOrder, ServePolicy, StreamReport,
};
use crate::units::Nanos;
use crate::wire::{Arrivals, Ask, Code, Echo, PortDenial, PortListError, Reply, TicketKey, Via};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

mod lens;

const KEY: TicketKey = TicketKey([3; 32]);
/// A port that another program uses.
const TAKEN: u16 = 5_009;
const ALTERNATE: (u16, usize) = (49_999, 900);

/// Opens every port but one, as the engine would; the socket number is the port.
#[derive(Clone, Default)]
struct Engine {
    orders: Rc<RefCell<VecDeque<ServeOrder>>>,
    closed: Rc<RefCell<Vec<usize>>>,
    log: Rc<RefCell<Vec<ServeRecord>>>,
    other: Option<IpAddr>,
}

impl Orders<ServeOrder> for Engine {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.orders.borrow_mut().pop_front()
    }
}

impl Executor<ServeCommand> for Engine {
    fn execute(&mut self, command: ServeCommand) {
        match command {
            ServeCommand::OpenPorts(request) => {
                let PortsRequest { session, ports, alternate, .. } = *request;
                let (taken, free): (Vec<u16>, Vec<u16>) = ports.iter().partition(|p| *p == TAKEN);
                let opened = PortsOpened {
                    opened: free.into_iter().map(|port| (port, usize::from(port))).collect(),
                    not_opened: taken.into_iter().map(|port| (port, PortDenial::InUse)).collect(),
                    alternate: (!alternate.is_empty()).then_some(ALTERNATE),
                    other: self.other,
                };
                let news = StreamReport::Ports(Box::new(opened));
                self.orders.borrow_mut().push_back(ServeOrder { session, stream: 0, news });
            }
            ServeCommand::ClosePorts { sockets } => self.closed.borrow_mut().extend(sockets),
            _ => {}
        }
    }
}

impl Sink<ServeEvent> for Engine {
    fn take(&mut self, event: ServeEvent) -> Flow {
        self.log.borrow_mut().push(event.record);
        Flow::Continue
    }
}

/// A server, its engine, and the time.
struct House {
    server: ServeControl<Engine, Engine, Box<dyn FnMut() -> u64>>,
    engine: Engine,
    now: Now,
    tags: u32,
    session: String,
    /// The liveness value of the last reply to the client.
    proof: String,
    out: TxBatch,
}

type Sent = Vec<(Dest, Vec<u8>)>;

fn client() -> SocketAddr {
    "192.0.2.1:4000".parse().unwrap()
}

impl House {
    fn new(policy: ServePolicy) -> Self {
        Self::with(policy, Engine::default(), &[])
    }

    fn with(policy: ServePolicy, engine: Engine, held: &[(u16, usize)]) -> Self {
        // Any port, so that the tests can use an operator's list.
        let policy = ServePolicy { on_demand: 1_024..=65_535, ..policy };
        let mut count = 0;
        let random: Box<dyn FnMut() -> u64> = Box::new(move || {
            count += 1;
            0x1111 * count
        });
        let server = ServeControl::new(policy, KEY, engine.clone(), engine.clone(), random)
            .on_ports(8_620, held);
        let now = Now { mono: Nanos::from_secs(1_000), real: Nanos::from_secs(5_000) };
        let out = TxBatch::new(4_096, 8 << 20);
        let mut house = Self {
            server,
            engine,
            now,
            tags: 0,
            session: String::new(),
            proof: String::new(),
            out,
        };
        let ticket = house.ticket(client());
        let reply = house.say(client(), &format!("HELO ticket={ticket}"));
        reply.params.get("session").unwrap().clone_into(&mut house.session);
        house
    }

    fn ticket(&self, address: SocketAddr) -> String {
        KEY.issue(address, self.now.mono.0 / 30_000_000_000)
    }

    fn pass(&mut self, time: Nanos) {
        self.now = Now { mono: self.now.mono + time, real: self.now.real + time };
    }

    fn hand_in(&mut self, source: SocketAddr, socket: usize, payload: &[u8]) {
        let destination = "198.51.100.7".parse().ok();
        let arrival = self.now.real;
        let (ttl, tos) = (Some(61), Some(0xB8));
        let base = RxEntry::default().meta;
        let meta = RxMeta { source, destination, ttl, tos, arrival, socket, ..base };
        let datagram = Datagram { payload, true_len: payload.len(), meta };
        self.server.on_datagram(self.now, &datagram);
    }

    /// Everything sent now, and when the server wants to be polled again.
    fn leave(&mut self) -> (Sent, Next) {
        let mut sent = Vec::new();
        loop {
            let next = self.server.poll_transmit(self.now, &mut self.out);
            let each = self.out.slots().iter();
            sent.extend(
                each.map(|slot| {
                    (*self.out.dest(slot.dest).unwrap(), self.out.payload(slot).to_vec())
                }),
            );
            let outcome = SendOutcome { accepted: self.out.len(), stop: None };
            self.server.on_sent(self.now, &self.out, &outcome);
            self.out.clear();
            if next != Next::Send {
                return (sent, next);
            }
        }
    }

    /// Sends a command and returns the reply; repeats it if its liveness value was too old.
    fn say(&mut self, source: SocketAddr, words: &str) -> Reply {
        let reply = self.say_once(source, words);
        if reply.code == Code::STALE { self.say_once(source, words) } else { reply }
    }

    fn say_once(&mut self, source: SocketAddr, words: &str) -> Reply {
        self.tags += 1;
        let mut line = format!("t{} {words}", self.tags);
        for (key, value) in [("session", &self.session), ("proof", &self.proof)] {
            if !value.is_empty() {
                line.push_str(&format!(" {key}={value}"));
            }
        }
        self.hand_in(source, 0, (line + "\r\n").as_bytes());
        let (sent, _) = self.leave();
        let mut replies = sent.iter().filter_map(|(_, bytes)| Reply::decode(bytes).ok());
        let reply = replies.next_back().expect("a reply");
        if let Some(proof) = reply.params.get("proof") {
            proof.clone_into(&mut self.proof);
        }
        reply
    }

    /// Requests a probe; returns its key and tag.
    fn probe(&mut self, ports: &str) -> (u64, u16) {
        let reply = self.say(client(), &format!("TEST kind=probe ports={ports}"));
        assert_eq!(reply.code, Code::OK, "{reply:?}");
        let key = u64::from_str_radix(reply.params.get("key").unwrap(), 16).unwrap();
        (key, reply.params.parse("tag").unwrap().unwrap())
    }

    /// Delivers a probe request and returns the echoes sent at once.
    fn ask(
        &mut self,
        source: SocketAddr,
        socket: usize,
        ask: &Ask,
        len: usize,
    ) -> Vec<(Dest, Echo, usize)> {
        let mut bytes = vec![0; len];
        ask.encode(&mut bytes);
        self.hand_in(source, socket, &bytes);
        echoes(self.leave().0)
    }

    /// A socket shows its ticket.
    fn prove(&mut self, source: SocketAddr) {
        let ticket = self.ticket(source);
        let reply = self.say(source, &format!("DATA ticket={ticket}"));
        assert_eq!(reply.code, Code::GO_AHEAD, "{reply:?}");
    }

    /// Every item in STAT, and the number of replies it took.
    fn items(&mut self) -> (Vec<(u32, Arrivals)>, usize) {
        let (mut items, mut from, mut replies) = (Vec::new(), Some(0), 0);
        while let Some(start) = from {
            let reply = self.say(client(), &format!("STAT kind=probe from={start}"));
            assert_eq!(reply.code, Code::STATUS, "{reply:?}");
            replies += 1;
            for (key, value) in reply.params.iter() {
                let number = key.strip_prefix('i').and_then(|number| number.parse().ok());
                items.extend(number.map(|number: u32| {
                    let mut row: Arrivals = value.parse().unwrap();
                    let withheld = reply.params.parse(&format!("w{number}")).unwrap();
                    row.withheld = withheld.unwrap_or(0);
                    (number, row)
                }));
            }
            from = reply.params.parse::<u32>("next").unwrap();
        }
        (items, replies)
    }
}

fn echoes(sent: Sent) -> Vec<(Dest, Echo, usize)> {
    let each = sent.into_iter();
    each.filter_map(|(dest, bytes)| Some((dest, Echo::decode(&bytes)?, bytes.len()))).collect()
}

fn lane(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

#[test]
fn a_probe_gets_the_ports_that_policy_allows_and_is_told_why_not_the_others() {
    let other = "198.51.100.8".parse().ok();
    let mut house = House::with(ServePolicy::default(), Engine { other, ..Engine::default() }, &[]);
    let reply = house.say(client(), "TEST kind=probe ports=53,80,5000-5010,8620");
    assert_eq!(reply.code, Code::OK);
    let said = |key| reply.params.get(key).unwrap_or("-");
    assert_eq!(said("ports"), "5000-5008,5010,8620");
    assert_eq!(said("not_opened"), "53,80:policy;5009:in-use");
    assert_eq!((said("alternate"), said("other")), ("49999", "198.51.100.8"));
    assert_eq!(said("key").len(), 16);
    let log = house.engine.log.borrow().last().unwrap().clone();
    let open = "5000-5008,5010,8620".parse().unwrap();
    assert!(
        matches!(&log, ServeRecord::ProbeGranted { ports, not_opened: 3, .. } if *ports == open),
        "{log:?}"
    );
}

#[test]
fn an_echo_tells_what_arrived_and_leaves_by_the_way_that_was_asked_for() {
    let other: Option<IpAddr> = "198.51.100.8".parse().ok();
    let mut house = House::with(ServePolicy::default(), Engine { other, ..Engine::default() }, &[]);
    let (key, tag) = house.probe("5000");
    house.prove(lane(4_001));
    let ask = Ask { answer_tos: 0x28, whole: true, ..Ask::new(tag, key, 7, 3, Nanos(42)) };
    let asked: Option<IpAddr> = "198.51.100.7".parse().ok();
    for (via, from, socket) in [
        (Via::Same, asked, 5_000),
        (Via::Port, asked, ALTERNATE.1),
        (Via::Address, other, 5_000),
        (Via::Both, other, ALTERNATE.1),
    ] {
        let got = house.ask(lane(4_001), 5_000, &Ask { via, ..ask }, 100);
        let [(dest, echo, len)] = got[..] else { panic!("{via:?}: {got:?}") };
        assert_eq!((dest.addr, dest.from, dest.socket), (lane(4_001), from, socket), "{via:?}");
        assert_eq!((dest.tos, len), (0x28, 64));
        assert_eq!(dest.fragmentation, Some(crate::batch::Fragmentation::Probe));
        let Echo { sequence, sent, item, port, source, .. } = echo;
        assert_eq!((sequence, sent, item, port, source), (3, Nanos(42), 7, 5_000, lane(4_001)));
        assert_eq!((echo.ttl, echo.tos, echo.len, echo.intact), (Some(61), Some(0xB8), 100, true));
        assert_eq!((echo.arrived, echo.left), (house.now.real, house.now.real));
    }
    // To the server's own port as well.
    let got = house.ask(lane(4_001), 0, &ask, 64);
    assert_eq!((got.len(), got[0].1.port), (1, 8_620));
}

#[test]
fn a_way_that_is_not_there_is_counted_and_not_replaced_by_another() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    house.prove(lane(4_001));
    let ask = Ask { via: Via::Address, ..Ask::new(tag, key, 1, 0, Nanos(1)) };
    assert!(house.ask(lane(4_001), 5_000, &ask, 64).is_empty());
    let reply = house.say(client(), "STAT kind=probe");
    let said = |key| reply.params.get(key).unwrap_or("-");
    assert_eq!((said("arrived"), said("answered"), said("withheld")), ("1", "0", "1"));
}

#[test]
fn an_unproven_address_gets_one_answer_no_longer_than_its_ask_and_a_proven_one_what_it_wants() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    let ask = Ask { answers: 8, answer_len: 1_200, ..Ask::new(tag, key, 1, 0, Nanos(1)) };
    assert!(house.ask(lane(4_001), 5_000, &ask, 64).is_empty(), "64 bytes buy none of 1,200");
    assert_eq!(house.ask(lane(4_001), 5_000, &ask, 1_200).len(), 1);
    let small = Ask { answers: 8, ..Ask::new(tag, key, 1, 1, Nanos(1)) };
    assert_eq!(house.ask(lane(4_001), 5_000, &small, 1_200).len(), 1, "and no second of 64");
    assert_eq!(house.ask(lane(4_001), 5_000, &small, 40).len(), 0, "40 bytes buy none");
    house.prove(lane(4_001));
    assert_eq!(house.ask(lane(4_001), 5_000, &ask, 64).len(), 8);
    // Another socket of the same host is not verified, and another's ticket does not help.
    assert!(house.ask(lane(4_002), 5_000, &ask, 64).is_empty());
    let ticket = house.ticket(lane(4_001));
    let reply = house.say(lane(4_002), &format!("DATA ticket={ticket}"));
    assert_eq!(reply.code, Code::WRONG_ORDER);
    let (items, _) = house.items();
    assert_eq!((items[0].1.answers, items[0].1.withheld), (10, 8 + 7 + 7 + 8 + 8));
    let reply = house.say(client(), "STAT kind=probe");
    assert_eq!(reply.params.get("withheld"), Some("38"));
}

#[test]
fn answers_wait_for_their_time_and_keep_the_session_alive() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    house.prove(lane(4_001));
    let ask = Ask {
        answers: 3,
        delay: Nanos::from_secs(300),
        gap: Nanos::from_millis(100),
        ..Ask::new(tag, key, 1, 0, Nanos(1))
    };
    let start = house.now.mono;
    assert!(house.ask(lane(4_001), 5_000, &ask, 64).is_empty());
    assert_eq!(house.leave().1, Next::WaitUntil(start + Nanos::from_secs(300)));
    for _ in 0..299 {
        house.pass(Nanos::from_secs(1));
        house.server.on_tick(house.now);
    }
    assert_eq!(house.server.sessions(), 1);
    house.pass(Nanos::from_millis(1_100));
    // The verification has expired meanwhile, but answers requested before are still sent.
    let got = echoes(house.leave().0);
    let numbers: Vec<u8> = got.iter().map(|(_, echo, _)| echo.number).collect();
    assert_eq!(numbers, [0, 1], "the third is due 100 ms later");
    assert_eq!(got[0].1.left, house.now.real);
    house.pass(Nanos::from_millis(100));
    assert_eq!(echoes(house.leave().0).len(), 1);
    house.server.on_tick(house.now);
    assert_eq!(house.server.sessions(), 0, "silent for five minutes, and nothing waits any more");
    let mut closed = house.engine.closed.borrow().clone();
    closed.sort_unstable();
    assert_eq!(closed, [900, 5_000]);
}

#[test]
fn stat_pages_through_every_item_and_tells_which_numbers_came() {
    let mut house = House::new(ServePolicy { source_share: 100, ..ServePolicy::default() });
    let (key, tag) = house.probe("5100-5200");
    for item in 0..101u32 {
        for sequence in [0, 2] {
            let ask = Ask { answers: 0, ..Ask::new(tag, key, item, sequence, Nanos(1)) };
            house.ask(lane(4_001), 5_100 + item as usize, &ask, 64);
        }
    }
    let (items, replies) = house.items();
    assert_eq!(items.len(), 101);
    assert!((8..=12).contains(&replies), "{replies} replies");
    for (index, (number, arrivals)) in items.iter().enumerate() {
        assert_eq!((*number as usize, arrivals.count, arrivals.answers), (index, 2, 0));
        assert_eq!((arrivals.port, arrivals.source), (5_100 + *number as u16, lane(4_001)));
    }
    let reply = house.say(client(), "STAT kind=probe seen=100");
    assert_eq!(reply.params.get("seen"), Some("a"));
    let reply = house.say(client(), "STAT kind=probe from=x");
    assert_eq!(reply.code, Code::BAD_PARAMETER);
}

#[test]
fn what_the_network_says_of_an_answer_stands_in_its_item() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    let ask = Ask::new(tag, key, 5, 0, Nanos(1));
    let mut bytes = [0; 64];
    ask.encode(&mut bytes);
    house.hand_in(lane(4_001), 5_000, &bytes);
    let (sent, _) = house.leave();
    let quoted = &sent[0].1;
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 13), 113, lane(4_001), quoted);
    error.offender = "203.0.113.1".parse().ok();
    house.server.on_network_error(house.now, &error);
    let (items, _) = house.items();
    let line = items[0].1.to_string();
    assert!(line.ends_with(",1,3.13@203.0.113.1"), "{line}");
}

#[test]
fn the_mtu_of_the_servers_interface_is_known_from_an_error_that_quotes_nothing() {
    let mut house = House::new(ServePolicy::default());
    house.probe("5000");
    let mtu = |house: &mut House| {
        let reply = house.say(client(), "STAT kind=probe from=0");
        reply.params.get("interface_mtu").map(str::to_owned)
    };
    assert_eq!(mtu(&mut house), None);
    let too_big = |destination| {
        let mut error = NetworkError::new(ErrorOrigin::Local, (0, 0), 90, destination, b"");
        error.mtu = Some(1_400);
        error
    };
    // The answer may go to any of the client's ports, and others are answered by another interface.
    let other = SocketAddr::new("203.0.113.9".parse().unwrap(), 4_000);
    house.server.on_network_error(house.now, &too_big(other));
    assert_eq!(mtu(&mut house), None);
    // A router's limit is not the interface's.
    let mut routers = too_big(lane(4_001));
    routers.origin = ErrorOrigin::Icmp;
    house.server.on_network_error(house.now, &routers);
    assert_eq!(mtu(&mut house), None);
    house.server.on_network_error(house.now, &too_big(lane(4_001)));
    assert_eq!(mtu(&mut house).as_deref(), Some("1400"));
}

#[test]
fn an_answer_that_the_kernel_refuses_costs_no_other_one() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    let ticket = house.ticket(lane(4_001));
    house.say(lane(4_001), &format!("DATA ticket={ticket}"));
    for (item, answer_len) in [(1, 0), (2, 9_000), (3, 0)] {
        let ask = Ask { answer_len, ..Ask::new(tag, key, item, 0, Nanos(1)) };
        let mut bytes = [0; 64];
        ask.encode(&mut bytes);
        house.hand_in(lane(4_001), 5_000, &bytes);
    }
    house.server.poll_transmit(house.now, &mut house.out);
    assert_eq!(house.out.len(), 3);
    let stop = Some(SendStop::Refused { datagrams: 1, errno: 90 });
    let outcome = SendOutcome { accepted: 1, stop };
    house.server.on_sent(house.now, &house.out, &outcome);
    house.out.clear();
    let rest = echoes(house.leave().0);
    assert_eq!(rest.iter().map(|(_, echo, _)| echo.item).collect::<Vec<_>>(), [3]);
    let (items, _) = house.items();
    let answers: Vec<u32> = items.iter().map(|(_, arrivals)| arrivals.answers).collect();
    assert_eq!(answers, [1, 0, 1]);
    assert!(items[1].1.error.is_some_and(|error| error.router.is_none()));
}

#[test]
fn what_is_nobodys_ask_is_a_stray() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    let wrong = Ask::new(tag, key ^ 1, 1, 0, Nanos(1));
    assert!(house.ask(lane(4_001), 5_000, &wrong, 64).is_empty());
    // Behind another payload, a request is looked for only on a probe's ports.
    let mut shaped = b"INVITE sip:a@example.net SIP/2.0 and so on ".to_vec();
    let start = shaped.len();
    shaped.resize(start + Ask::LEN, 0);
    Ask::new(tag, key, 1, 0, Nanos(1)).encode_at_end(&mut shaped);
    house.hand_in(lane(4_001), 0, &shaped);
    assert!(house.leave().0.is_empty());
    house.hand_in(lane(4_001), 5_000, &shaped);
    let got = echoes(house.leave().0);
    assert_eq!((got.len(), got[0].1.len as usize, got[0].1.intact), (1, shaped.len(), false));
    // Not for a probe that is over either.
    let reply = house.say(client(), "RSET");
    assert_eq!(reply.code, Code::OK);
    assert!(house.ask(lane(4_001), 0, &Ask::new(tag, key, 1, 0, Nanos(1)), 64).is_empty());
    assert_eq!(house.engine.closed.borrow().len(), 2);
    // The session's name is no use elsewhere without a ticket.
    let status = house.say("192.0.2.9:1".parse().unwrap(), "NOOP");
    assert_eq!(status.code, Code::STALE);
}

#[test]
fn policy_decides_who_is_helped_and_by_which_ports() {
    let no = ServePolicy { probing: Probing::Refused, ..ServePolicy::default() };
    let reply = House::new(no).say(client(), "TEST kind=probe ports=5000");
    assert_eq!((reply.code, reply.text), (Code::POLICY, ServeRefusal::NoProbes.to_string()));
    let mut house = House::new(ServePolicy::default());
    let reply = house.say(client(), "TEST kind=probe ports=5000-5256");
    assert_eq!((reply.code, reply.params.get("ports")), (Code::OVER_LIMIT, Some("256")));
    let reply = house.say(client(), "TEST kind=probe ports=5100-5000");
    assert_eq!(reply.code, Code::BAD_PARAMETER);
    let why = PortListError::Backwards { from: 5_100, to: 5_000 };
    assert_eq!(reply.text, ServeRefusal::Ports { why }.to_string());
    let reply = house.say(client(), "TEST kind=sweep");
    assert_eq!(reply.code, Code::NOT_SUPPORTED);
    let reply = house.say(client(), "STAT kind=probe");
    assert_eq!(reply.code, Code::WRONG_ORDER);
    // Permanent ports are shared and stay open; no other is opened.
    let held = ServePolicy { probe_ports: "53,5000-5001".parse().ok(), ..ServePolicy::default() };
    let sockets = [(53, 1), (5_000, 2), (5_001, 3)];
    let mut house = House::with(held, Engine::default(), &sockets);
    let reply = house.say(client(), "TEST kind=probe ports=53,5000,6000");
    let said = |key| reply.params.get(key).unwrap_or("-");
    assert_eq!((said("ports"), said("not_opened")), ("53,5000", "6000:policy"));
    assert_eq!(said("alternate"), "5001", "one that the client does not use");
    house.say(client(), "RSET");
    assert!(house.engine.closed.borrow().is_empty());
}

#[test]
fn answers_keep_to_their_rate_whatever_is_asked() {
    let mut house = House::new(ServePolicy::default());
    let (key, tag) = house.probe("5000");
    let (mut first, mut further) = (0, 0);
    // Three seconds of 8,000 requests a second, alternately from a verified and a forged address,
    // each for two answers.
    for step in 0..24_000u32 {
        house.pass(Nanos::from_micros(125));
        let ask = Ask { answers: 2, ..Ask::new(tag, key, 1, step, Nanos(1)) };
        let sources = [client(), SocketAddr::from(([203, 0, 113, 1], step as u16 | 1))];
        // The verification is that of TEST, at most three seconds old.
        for (_, echo, _) in house.ask(sources[step as usize % 2], 5_000, &ask, 64) {
            *(if echo.number == 0 { &mut first } else { &mut further }) += 1;
        }
    }
    assert!((7_990..=8_010).contains(&first), "a second's worth and three more: {first}");
    assert!((660..=670).contains(&further), "a third of a second's worth and three: {further}");
}

#[test]
fn a_test_that_comes_again_is_answered_again_and_granted_once() {
    let mut house = House::new(ServePolicy::default());
    let line = format!("again TEST kind=probe ports=5000 session={}\r\n", house.session);
    let mut replies = Vec::new();
    for _ in 0..3 {
        house.hand_in(client(), 0, line.as_bytes());
        replies.extend(house.leave().0.into_iter().map(|(_, bytes)| bytes));
    }
    assert_eq!(replies.len(), 3);
    assert!(replies.iter().all(|reply| *reply == replies[0]));
    let log = house.engine.log.borrow();
    let granted = log.iter().filter(|one| matches!(one, ServeRecord::ProbeGranted { .. }));
    assert_eq!(granted.count(), 1);
}
