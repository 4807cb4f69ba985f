//! Responders talking to each other: every pair, started by one forged datagram of every kind,
//! falls silent. So do text generators, fixed replies and foreign reflectors that talk to one of
//! ours.

use super::{Endpoint, Network, Seat};
use crate::batch::{Dest, OwnFinding, RxEntry, SendOutcome, TxBatch};
use crate::record::{CheckEvent, FanoutEvent, Flow, RecvEvent, Sink};
use crate::session::serve::ServePolicy;
use crate::session::stamp::{ShortRequests, StampPolicy, StampReflector};
use crate::session::stun::{StunPolicy, StunReflector};
use crate::session::{
    Answering, CastSender, CastSenderConfig, CheckAnswerer, CheckAnswererConfig, DoorPolicy,
    EarConfig, FixedMessages, Message, Names, Next, Now, RecvPlan, RecvSession, Show, Spacing,
};
use crate::units::Nanos;
use crate::wire::stamp::{ErrorEstimate, StampReply, StampRequest, TimeFormat, Timestamp};
use crate::wire::stun::{AttributeKind, StunClass, StunWriter, TransactionId};
use crate::wire::{Class, TicketKey};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// Accepts all events and drops them.
struct Deaf;

impl Sink<RecvEvent<'_>> for Deaf {
    fn take(&mut self, _: RecvEvent<'_>) -> Flow {
        Flow::Continue
    }
}

impl Sink<FanoutEvent<'_>> for Deaf {
    fn take(&mut self, _: FanoutEvent<'_>) -> Flow {
        Flow::Continue
    }
}

impl Sink<CheckEvent<'_>> for Deaf {
    fn take(&mut self, _: CheckEvent<'_>) -> Flow {
        Flow::Continue
    }
}

/// A foreign program that answers everything: `make` creates the answer from its number, the
/// datagram and the time.
struct Foreign<F> {
    make: F,
    answered: u64,
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
}

impl<F: FnMut(u64, &[u8], Now) -> Vec<u8>> Foreign<F> {
    fn seated(make: F) -> Rc<RefCell<dyn Endpoint>>
    where
        F: 'static,
    {
        Rc::new(RefCell::new(Self { make, answered: 0, waiting: VecDeque::new() }))
    }
}

impl<F: FnMut(u64, &[u8], Now) -> Vec<u8>> Endpoint for Foreign<F> {
    fn poll_transmit(&mut self, _: Now, out: &mut TxBatch) -> Next {
        out.reset();
        for (dest, bytes) in self.waiting.drain(..) {
            let id = out.add_dest(Dest::from(dest));
            if let Some(slot) = out.push(id, bytes.len()) {
                slot.copy_from_slice(&bytes);
            }
        }
        if out.is_empty() { Next::Idle } else { Next::Send }
    }

    fn on_sent(&mut self, _: Now, _: &TxBatch, _: &SendOutcome) {}

    fn on_buffer(&mut self, now: Now, entry: &RxEntry, bytes: &[u8]) {
        let answer = (self.make)(self.answered, bytes, now);
        self.answered += 1;
        self.waiting.push_back((entry.meta.source, answer));
    }

    fn on_tick(&mut self, _: Now) {}

    fn on_pause(&mut self, _: Now, _: Nanos) {}

    fn on_stop(&mut self, _: Now) {}
}

/// The kinds of responders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Echo,
    /// `recv --reply` with one of [`TEXTS`].
    Reply(usize),
    /// `serve`, with or without short requests.
    Serve(ShortRequests),
    /// `cast send --open`.
    Door,
    /// `cast check --answer`.
    Check,
    /// A line of text, different every time.
    Generator,
    /// Lines that are commands, a few in turn.
    Commands,
    /// Always the same STAMP packet.
    FixedStamp,
    /// Always the same STUN request.
    FixedStun,
    /// A reflector that leaves out the receive time.
    Stateless,
}

const TEXTS: [&str; 6] = [
    "ok",
    "a HELP",
    "a HELO pad=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "a XXXX",
    "- what is this? nobody knows you here, and nobody ever will, so go away",
    "a 500 not understood; HELP",
];

const OURS: [Who; 11] = [
    Who::Echo,
    Who::Reply(0),
    Who::Reply(1),
    Who::Reply(2),
    Who::Reply(3),
    Who::Reply(4),
    Who::Reply(5),
    Who::Serve(ShortRequests::Ignored),
    Who::Serve(ShortRequests::Answered),
    Who::Door,
    Who::Check,
];

const FOREIGN: [Who; 5] =
    [Who::Generator, Who::Commands, Who::FixedStamp, Who::FixedStun, Who::Stateless];

fn recv(local: SocketAddr, answering: Answering) -> Rc<RefCell<dyn Endpoint>> {
    let plan = RecvPlan {
        local: vec![local],
        show: Show::Counts,
        count: None,
        timeout: None,
        idle: None,
        answering,
        interval: None,
        explain: OwnFinding::from_errno,
    };
    Rc::new(RefCell::new(RecvSession::new(plan, Deaf)))
}

fn serve(local: SocketAddr, short: ShortRequests) -> Rc<RefCell<dyn Endpoint>> {
    let (serve, _, _) = super::client_and_server::serve(ServePolicy::default(), 1);
    let policy = StampPolicy { short, ..StampPolicy::default() };
    let stamp = StampReflector::new(policy, ErrorEstimate::default);
    let policy = StunPolicy { port: local.port(), short, ..StunPolicy::default() };
    let stun = StunReflector::new(policy, |_| None);
    let serve = serve
        .with_reflector(Class::Stamp, Box::new(stamp))
        .with_reflector(Class::Stun, Box::new(stun));
    Rc::new(RefCell::new(serve))
}

fn door(batch: &mut TxBatch) -> Rc<RefCell<dyn Endpoint>> {
    let door = DoorPolicy { open: true, listed: true, key: TicketKey([5; 32]) };
    let config = CastSenderConfig {
        targets: Vec::new(),
        broadcasts: Vec::new(),
        names: Names::default(),
        tag: Some(7),
        spacing: Spacing::Every(Nanos::from_millis(10)),
        time: None,
        receivers: 0,
        wait: None,
        ear: Some(EarConfig { run: Some(0xC0_FFEE), compare: false, door }),
        explain: OwnFinding::from_errno,
    };
    let messages = FixedMessages::new(vec![Message::Bytes(vec![7; 100])], None);
    Rc::new(RefCell::new(CastSender::new(config, messages, Deaf, batch)))
}

fn check(local: SocketAddr) -> Rc<RefCell<dyn Endpoint>> {
    let config = CheckAnswererConfig {
        group: SocketAddr::from(([239, 1, 2, 3], local.port())),
        interfaces: Vec::new(),
        unicast: 0,
        joined: Nanos::ZERO,
        time: None,
        names: Names::default(),
    };
    Rc::new(RefCell::new(CheckAnswerer::new(config, Deaf)))
}

/// Output of a character generator: 72 characters of a rotating line (RFC 864).
fn line(number: u64, first: u64) -> Vec<u8> {
    let mut line: Vec<u8> = (0..72).map(|at| b' ' + ((first + number + at) % 95) as u8).collect();
    line.extend(b"\r\n");
    line
}

fn stamp_request(now: Now) -> Vec<u8> {
    let sent = Timestamp::of(now.real, TimeFormat::Ptp);
    StampRequest { seq: 3, sent, ..StampRequest::default() }.encode().to_vec()
}

fn stun_message(class: StunClass) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = StunWriter::begin(&mut bytes, class, TransactionId(*b"0123456789ab"));
    writer.push(AttributeKind::Software, &[b'x'; 80]);
    writer.finish();
    bytes
}

/// A reflector's reply that repeats the request and has no receive time.
fn stateless(number: u64, came: &[u8], now: Now) -> Vec<u8> {
    let request = StampRequest::decode(came).unwrap_or_default();
    let sent = Timestamp::of(now.real, TimeFormat::Ntp);
    let received = Timestamp { bits: 0, format: TimeFormat::Ntp };
    let seq = number as u32;
    StampReply { seq, sent, received, request, ..StampReply::default() }.encode().to_vec()
}

impl Who {
    fn seat(self, address: SocketAddr) -> Seat {
        let mut batch = TxBatch::new(64, 64 * 1_472);
        let endpoint = match self {
            Self::Echo => recv(address, Answering::Echo),
            Self::Reply(text) => recv(address, Answering::Message(TEXTS[text].into())),
            Self::Serve(short) => serve(address, short),
            Self::Door => door(&mut batch),
            Self::Check => check(address),
            Self::Generator => Foreign::seated(|number, _, _| line(number, 0)),
            Self::Commands => {
                Foreign::seated(|number, _, _| format!("a{} HELP", number % 3).into())
            }
            Self::FixedStamp => Foreign::seated(|_, _, _| {
                StampRequest { seq: 3, ..StampRequest::default() }.encode().to_vec()
            }),
            Self::FixedStun => Foreign::seated(|_, _, _| stun_message(StunClass::Request)),
            Self::Stateless => Foreign::seated(stateless),
        };
        // Nothing here depends on the tick.
        Seat { batch, tick: Nanos::from_secs(1), ..Seat::new(address, None, endpoint) }
    }

    /// Whether it answers everything with text of its own or an echo: two of these end only by the
    /// long rule, which spares clients.
    fn answers_all(self) -> bool {
        matches!(
            self,
            Self::Echo
                | Self::Reply(_)
                | Self::Generator
                | Self::Commands
                | Self::Stateless
                | Self::FixedStamp
                | Self::FixedStun
        )
    }
}

/// First datagrams, possibly forged: of every protocol, questions and answers.
fn firsts(rng: &mut fastrand::Rng) -> Vec<Vec<u8>> {
    let now = Now { mono: Nanos::from_secs(1), real: Nanos::from_secs(1_700_000_000) };
    let reply =
        StampReply { seq: 1, sent: Timestamp::of(now.real, TimeFormat::Ntp), ..<_>::default() };
    let mut firsts: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"x".to_vec(),
        line(0, 95 - 32),
        line(0, 1),
        stamp_request(now),
        vec![0; 14],
        vec![0; 44],
        vec![0xFF; 200],
        reply.encode().to_vec(),
        stun_message(StunClass::Request),
        stun_message(StunClass::Success),
        stun_message(StunClass::Error),
        stun_message(StunClass::Request)[..20].to_vec(),
        b"f STAT run=0000000000c0ffee id=00000001 received=3".to_vec(),
        b"f QUIT run=0000000000c0ffee id=00000001 received=3".to_vec(),
        b"f STAT run=0000000000c0ffee tag=7 at=1 receivers=0 every=1 within=1 mark=0 sent=0"
            .to_vec(),
        b"a 220-ticket=00112233\r\na 220 udpkit ready\r\n".to_vec(),
        b"a pad=".to_vec(),
        vec![0xD6; 64],
    ];
    for verb in ["HELO", "STAT", "HELP", "NOOP", "QUIT", "RCPT", "EXPN", "VRFY", "XXXX", "TOOLONG"]
    {
        firsts.push(format!("a {verb}").into());
        firsts.push(format!("{:<300}", format!("a {verb} pad=x")).into());
    }
    firsts.extend((0..8).map(|_| (0..rng.usize(..200)).map(|_| rng.u8(..)).collect()));
    firsts
}

/// Connects the two, injects the first datagrams between them, and runs for 24 s; returns the
/// number of datagrams in all, and in the last half of it.
fn meet(seed: u64, here: (Who, u16), there: (Who, u16), first: &[u8]) -> (usize, usize) {
    let mut network = Network::new(seed);
    let address = |last, port| SocketAddr::from(([192, 0, 2, last], port));
    let (a, b) = (address(1, here.1), address(2, there.1));
    network.seat(here.0.seat(a));
    network.seat(there.0.seat(b));
    network.inject(Nanos::from_millis(100), a, b, first.to_vec());
    let late = Nanos::from_secs(12);
    while network.step(Nanos::from_secs(24)) {
        let total = network.link(a.ip(), b.ip()).passages.len();
        assert!(total < 20_000, "seed {seed}: {here:?} and {there:?} go on and on: {first:02x?}");
    }
    let (out, out_late) = count(&mut network, a.ip(), b.ip(), late);
    let (back, back_late) = count(&mut network, b.ip(), a.ip(), late);
    (out + back, out_late + back_late)
}

fn count(network: &mut Network, from: IpAddr, to: IpAddr, late: Nanos) -> (usize, usize) {
    let passages = &network.link(from, to).passages;
    (passages.len(), passages.iter().filter(|passage| passage.at >= late).count())
}

/// Connects two on these ports with every first datagram; each exchange ends within `most`
/// datagrams.
fn all_firsts(here: (Who, u16), there: (Who, u16), most: usize) {
    let seed = fastrand::u64(..);
    for first in firsts(&mut fastrand::Rng::with_seed(seed)) {
        let (total, late) = meet(seed, here, there, &first);
        let what = format!("seed {seed}: {here:?} and {there:?}, from {first:02x?}");
        assert!(total <= most, "{what}: {total} datagrams");
        assert_eq!(late, 0, "{what}: still there");
    }
}

#[test]
fn any_two_answerers_of_ours_that_meet_fall_silent() {
    for (index, here) in OURS.into_iter().enumerate() {
        for there in OURS.into_iter().skip(index) {
            // Two that answer everything look like client and server, except on the same port.
            let most = if here.answers_all() && there.answers_all() { 600 } else { 80 };
            all_firsts((here, 862), (there, 862), most.min(80));
            all_firsts((here, 8_620), (there, 8_620), most);
        }
    }
}

#[test]
fn two_that_answer_all_on_ports_of_clients_fall_silent_too() {
    for there in [Who::Echo, Who::Reply(0)] {
        let seed = fastrand::u64(..);
        let (total, late) = meet(seed, (Who::Echo, 40_000), (there, 50_000), b"hello");
        assert!((4_000..9_000).contains(&total), "seed {seed}: {total}");
        assert_eq!(late, 0, "seed {seed}");
    }
}

#[test]
fn answerers_of_others_that_meet_ours_fall_silent() {
    for ours in [
        Who::Serve(ShortRequests::Ignored),
        Who::Serve(ShortRequests::Answered),
        Who::Door,
        Who::Check,
    ] {
        for other in FOREIGN {
            for port in [19, 862, 8_620, 40_000] {
                all_firsts((ours, 862), (other, port), 80);
            }
        }
    }
}
