//! UDPSTP's PDUs: what is read is written and read again as it was; and its client and server under
//! any bytes at any time.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use udpkit::batch::{Datagram, RxEntry, RxMeta, TxBatch};
use udpkit::machine::{Executor, Now, Orders, Session};
use udpkit::record::{Flow, Sink};
use udpkit::session::serve::ServeEvent;
use udpkit::session::udpstp::{
    BATCH, UdpstpClient, UdpstpCommand, UdpstpOrder, UdpstpPlan, UdpstpPolicy, UdpstpServer,
};
use udpkit::units::Nanos;
use udpkit::wire::udpstp::{
    Checksums, DirectionAsked, KeyRing, LoadHeader, Modifiers, NullRequest, SetupRequest,
    StatusFeedback, TestActivation, TestParams,
};

/// Opens each port at once.
#[derive(Clone, Default)]
struct Engine {
    orders: Rc<RefCell<VecDeque<UdpstpOrder>>>,
    opened: Rc<RefCell<usize>>,
}

impl Orders<UdpstpOrder> for Engine {
    fn next_order(&mut self) -> Option<UdpstpOrder> {
        self.orders.borrow_mut().pop_front()
    }
}

impl Executor<UdpstpCommand> for Engine {
    fn execute(&mut self, command: UdpstpCommand) {
        let UdpstpCommand::Open { test, .. } = command else { return };
        *self.opened.borrow_mut() += 1;
        let socket = *self.opened.borrow();
        let opened = UdpstpOrder::Opened { test, socket, port: 50_000 };
        self.orders.borrow_mut().push_back(opened);
    }
}

impl Sink<ServeEvent> for Engine {
    fn take(&mut self, _: ServeEvent) -> Flow {
        Flow::Continue
    }
}

fn pdus(bytes: &[u8]) {
    for checksums in [Checksums::Unused, Checksums::Written] {
        if let Ok(request) = SetupRequest::decode(bytes) {
            assert_eq!(SetupRequest::decode(&request.encode(checksums)), Ok(request));
        }
        if let Ok((request, response)) = SetupRequest::decode_response(bytes) {
            let again = request.respond(response, (None, checksums));
            assert_eq!(SetupRequest::decode_response(&again), Ok((request, response)));
        }
        if let Ok(null) = NullRequest::decode(bytes) {
            assert_eq!(NullRequest::decode(&null.encode(None, checksums)), Ok(null));
        }
        if let Ok(load) = LoadHeader::decode(bytes) {
            let mut again = [0; 32];
            load.encode(&mut again, checksums);
            let _ = LoadHeader::decode(&again);
        }
        for version in [11, 20] {
            if let Ok(activation) = TestActivation::decode(bytes, version) {
                let again = activation.encode(None, checksums);
                let _ = TestActivation::decode(&again, version);
            }
            if let Ok(status) = StatusFeedback::decode(bytes, version) {
                let _ = StatusFeedback::decode(&status.encode(version, checksums), version);
            }
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = KeyRing::read(text);
    }
}

fn plan(direction: DirectionAsked) -> UdpstpPlan {
    UdpstpPlan {
        target: SocketAddr::from(([192, 0, 2, 9], 24_601)),
        version: 20,
        direction,
        connections: 2,
        ident: 0x0707,
        bandwidth_mbps: 0,
        modifiers: Modifiers::default(),
        params: TestParams::default(),
        authentication: None,
        patience: Nanos::from_secs(5),
        seed: 1,
    }
}

/// Delivers records of a byte of time, a byte of socket and sender, a byte of length, and bytes.
fn deliver<S: Session>(mut session: S, mut data: &[u8]) {
    let mut out = TxBatch::new(BATCH.0, BATCH.1);
    let mut now = Now { mono: Nanos::from_secs(1), real: Nanos::from_secs(1_700_000_000) };
    while let [time, who, len, rest @ ..] = data {
        let step = Nanos::from_micros(u64::from(*time) * u64::from(*time) * 50);
        now = Now { mono: now.mono + step, real: now.real + step };
        let bytes = &rest[..usize::from(*len).min(rest.len())];
        data = &rest[bytes.len()..];
        let port = [24_601, 50_000, 40_000, 0][usize::from(who >> 2 & 3)];
        let source = SocketAddr::from(([192, 0, 2, 9], port));
        let socket = usize::from(who & 3);
        let meta = RxMeta { source, socket, arrival: now.real, ..RxEntry::default().meta };
        session.on_datagram(now, &Datagram { payload: bytes, true_len: bytes.len(), meta });
        out.clear();
        session.poll_transmit(now, &mut out);
    }
    session.on_stop(now);
    session.finish(now);
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 4 {
        0 => pdus(data),
        1 => {
            let engine = Engine::default();
            let policy = UdpstpPolicy::default();
            deliver(UdpstpServer::new(policy, engine.clone(), engine, 1), data);
        }
        2 => deliver(UdpstpClient::new(plan(DirectionAsked::Upstream), ()), data),
        _ => deliver(UdpstpClient::new(plan(DirectionAsked::Downstream), ()), data),
    }
});
