//! Probe requests, echoes and STAT lines from any bytes, and the remote agent under any requests:
//! an unverified address never gets more bytes than it sent, and the rate limit always holds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use udpkit::batch::{Datagram, RxEntry, RxMeta, TxBatch};
use udpkit::machine::{Executor, Next, Now, Orders, Session};
use udpkit::session::serve::{
    PortsOpened, ServeCommand, ServeControl, ServeOrder, ServePolicy, StreamReport,
};
use udpkit::units::Nanos;
use udpkit::wire::{Arrivals, Ask, Echo, PortList, TicketKey};

const KEY: TicketKey = TicketKey([7; 32]);
/// The client's control address, the only verified one.
const PROVEN: u8 = 0;

#[derive(Clone, Default)]
struct Engine(Rc<RefCell<VecDeque<ServeOrder>>>);

impl Orders<ServeOrder> for Engine {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.0.borrow_mut().pop_front()
    }
}

impl Executor<ServeCommand> for Engine {
    fn execute(&mut self, command: ServeCommand) {
        if let ServeCommand::OpenPorts(request) = command {
            let opened = PortsOpened {
                opened: request.ports.iter().map(|port| (port, usize::from(port))).collect(),
                not_opened: Vec::new(),
                alternate: (!request.alternate.is_empty()).then_some((49_999, 49_999)),
                other: "198.51.100.8".parse().ok(),
            };
            let news = StreamReport::Ports(Box::new(opened));
            let order = ServeOrder { session: request.session, stream: 0, news };
            self.0.borrow_mut().push_back(order);
        }
    }
}

fn source(who: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1 + who % 4], 9))
}

fuzz_target!(|data: &[u8]| {
    decoders(data);
    let engine = Engine::default();
    // The session is 1, the probe's key 2, its tag 3.
    let mut names = 0;
    let random = move || {
        names += 1;
        names
    };
    let policy = ServePolicy { on_demand: 1_024..=65_535, ..ServePolicy::default() };
    let mut server = ServeControl::new(policy, KEY, engine.clone(), (engine, Vec::new()), random)
        .on_ports(8_620, &[]);
    let mut out = TxBatch::new(1_024, 1 << 20);
    let mut now = Now { mono: Nanos::from_secs(1_000), real: Nanos::from_secs(5_000_000) };
    let start = now.mono;
    let ticket = KEY.issue(source(PROVEN), now.mono.0 / 30_000_000_000);
    for line in [
        format!("a1 HELO ticket={ticket}\r\n"),
        "a2 TEST session=1 kind=probe ports=5000-5003\r\n".to_owned(),
    ] {
        hand_in(&mut server, now, source(PROVEN), 0, line.as_bytes());
        leave(&mut server, now, &mut out);
    }
    let (mut came, mut left, mut datagrams) = (HashMap::new(), HashMap::new(), 0u64);
    for step in data.chunks_exact(8).take(400) {
        let [who, socket, answers, via, delay, gap, len, time] = step else { continue };
        now.mono += Nanos::from_millis(u64::from(*time));
        let mut bytes = vec![0; 40 + usize::from(*len)];
        Ask::new(3, 2, u32::from(*len), u32::from(*who), now.real).encode(&mut bytes);
        bytes[28] = *answers;
        bytes[29] = *via;
        bytes[34] = *delay;
        bytes[36] = *len;
        bytes[39] = *gap;
        let (who, socket) = (source(*who), [0, 5_000, 5_001, 7][usize::from(*socket % 4)]);
        *came.entry(who).or_insert(0) += bytes.len();
        hand_in(&mut server, now, who, socket, &bytes);
        for (to, bytes) in leave(&mut server, now, &mut out) {
            datagrams += 1;
            *left.entry(to).or_insert(0) += bytes;
        }
        for (to, bytes) in left.iter().filter(|(to, _)| **to != source(PROVEN)) {
            assert!(*bytes <= came.get(to).copied().unwrap_or(0), "amplified to {to}");
        }
        let most = 2_000 + (now.mono - start).0 / 500_000 + 1;
        assert!(datagrams <= most, "{datagrams} answers, {most} were allowed");
    }
    server.finish(now);
});

fn decoders(data: &[u8]) {
    let (ask, echo) = (Ask::decode(data), Echo::decode(data));
    assert!(ask.is_none() || echo.is_none());
    let _ = (Ask::decode_at_end(data), Echo::is_intact(data));
    if let Some(ask) = ask {
        let mut bytes = [0; Ask::LEN];
        ask.encode(&mut bytes);
        assert_eq!(Ask::decode(&bytes), Some(ask));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(arrivals) = text.parse::<Arrivals>() {
            assert_eq!(arrivals.to_string().parse(), Ok(arrivals));
        }
        if let Ok(ports) = text.parse::<PortList>() {
            assert_eq!(ports.to_string().parse(), Ok(ports));
        }
    }
}

fn hand_in(server: &mut impl Session, now: Now, source: SocketAddr, socket: usize, bytes: &[u8]) {
    let meta = RxMeta { source, socket, ..RxEntry::default().meta };
    server.on_datagram(now, &Datagram { payload: bytes, true_len: bytes.len(), meta });
}

fn leave(server: &mut impl Session, now: Now, out: &mut TxBatch) -> Vec<(SocketAddr, usize)> {
    let mut sent = Vec::new();
    loop {
        let next = server.poll_transmit(now, out);
        let to = |slot: &udpkit::batch::TxSlot| out.dest(slot.dest).map(|dest| dest.addr);
        sent.extend(out.slots().iter().filter_map(|slot| Some((to(slot)?, slot.len as usize))));
        out.clear();
        if next != Next::Send {
            return sent;
        }
    }
}
