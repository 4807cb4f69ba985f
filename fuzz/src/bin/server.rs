//! The server's control session under any sequence of datagrams, stream events and times: its state
//! stays bounded, and an unverified address gets neither a session nor more bytes than allowed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use udpkit::batch::{Datagram, RxEntry, RxMeta, TxBatch};
use udpkit::machine::{Executor, Next, Now, Orders, Session};
use udpkit::record::LocalFailure;
use udpkit::session::serve::{ServeCommand, ServeControl, ServeOrder, ServePolicy, StreamReport};
use udpkit::units::Nanos;
use udpkit::wire::{CONTROL_MAX, TicketKey};

const KEY: TicketKey = TicketKey([7; 32]);
const MAX_SESSIONS: usize = 3;

#[derive(Clone, Default)]
struct Inbox(Rc<RefCell<VecDeque<ServeOrder>>>);

impl Orders<ServeOrder> for Inbox {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.0.borrow_mut().pop_front()
    }
}

/// Opens every requested stream, as the engine does.
struct Streams(Inbox, Rc<RefCell<usize>>);

impl Executor<ServeCommand> for Streams {
    fn execute(&mut self, command: ServeCommand) {
        if let ServeCommand::Open(request) = command {
            *self.1.borrow_mut() += 1;
            let news = match request.stream % 4 {
                3 => {
                    let address = SocketAddr::from(([192, 0, 2, 1], 9));
                    StreamReport::Opened(Err(LocalFailure::NotLocal { address: address.into() }))
                }
                _ => StreamReport::Opened(Ok(())),
            };
            let order = ServeOrder { session: request.session, stream: request.stream, news };
            self.0.0.borrow_mut().push_back(order);
        }
    }
}

// A step is a line: a letter for the sender and the action, then the datagram. `%T` becomes that
// address's ticket; session identifiers are small numbers, the first is 1.
fuzz_target!(|data: &[u8]| {
    let policy = ServePolicy { max_sessions: MAX_SESSIONS, max_streams: 4, ..Default::default() };
    let (inbox, opened) = (Inbox::default(), Rc::new(RefCell::new(0)));
    let mut names = 0;
    let random = move || {
        names += 1;
        names
    };
    let engine = (Streams(inbox.clone(), Rc::clone(&opened)), Vec::new());
    let mut server = ServeControl::new(policy, KEY, inbox, engine, random);
    let mut out = TxBatch::new(64, 64 * CONTROL_MAX);
    let mut proven: HashSet<SocketAddr> = HashSet::new();
    let mut now = Now { mono: Nanos::from_secs(1000), real: Nanos::from_secs(5_000_000) };
    for step in data.split(|byte| *byte == b'\n').take(200) {
        let Some((what, text)) = step.split_first() else { continue };
        match what {
            b'+' => now.mono += Nanos::from_millis(100 * text.len() as u64 * text.len() as u64),
            b'.' => server.on_tick(now),
            _ => {
                let source = SocketAddr::from(([192, 0, 2, what % 5], 9));
                let ticket = KEY.issue(source, now.mono.0 / 30_000_000_000);
                let payload = replaced(text, b"%T", &ticket);
                if payload
                    .windows(32)
                    .any(|part| KEY.verify(&lossy(part), source, now.mono.0 / 30_000_000_000))
                {
                    proven.insert(source);
                }
                let (before, opened_before) = (server.sessions(), *opened.borrow());
                let meta = RxMeta { source, ..RxEntry::default().meta };
                let datagram = Datagram { payload: &payload, true_len: payload.len(), meta };
                server.on_datagram(now, &datagram);
                if !proven.contains(&source) {
                    assert!(server.sessions() <= before, "a stranger got a session");
                    assert_eq!(*opened.borrow(), opened_before, "a stranger opened a stream");
                }
                let mut bytes = 0;
                loop {
                    let next = server.poll_transmit(now, &mut out);
                    for slot in out.slots() {
                        assert!(out.payload(slot).len() <= CONTROL_MAX);
                        assert_eq!(out.dest(slot.dest).map(|dest| dest.addr), Some(source));
                        bytes += out.payload(slot).len();
                    }
                    assert!(out.len() <= 2, "{} replies to one datagram", out.len());
                    out.clear();
                    if next != Next::Send {
                        break;
                    }
                }
                assert!(proven.contains(&source) || bytes <= payload.len(), "amplified");
            }
        }
        assert!(server.sessions() <= MAX_SESSIONS);
    }
    server.finish(now);
});

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn replaced(bytes: &[u8], mark: &[u8], by: &str) -> Vec<u8> {
    let mut rest = bytes;
    let mut whole = Vec::with_capacity(bytes.len());
    while let Some((first, behind)) = rest.split_first() {
        match rest.strip_prefix(mark) {
            Some(after) => {
                whole.extend_from_slice(by.as_bytes());
                rest = after;
            }
            None => {
                whole.push(*first);
                rest = behind;
            }
        }
    }
    whole
}
