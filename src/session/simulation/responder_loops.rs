//! Responders talking to each other: every pair, started by one forged datagram of every kind,
//! falls silent. So do text generators, fixed replies and foreign reflectors that talk to one of
//! ours.

use super::paths::clean;
use crate::batch::{Datagram, Dest, LocalSendFailure, TxBatch};
use crate::machine::{Now, Session};
use crate::netsim::{Direction, Host, HostId, Link, Network, Packet, Responder, SimSocket, runs};
use crate::session::serve::ServePolicy;
use crate::session::stamp::{ShortRequests, StampPolicy, StampReflector};
use crate::session::stun::{StunPolicy, StunReflector};
use crate::session::{
    Answering, CastSender, CastSenderConfig, CheckAnswerer, CheckAnswererConfig, FeedbackConfig,
    FixedMessages, HostMeter, Message, Names, RecvPlan, RecvSession, Show, Spacing,
    SubscriptionPolicy,
};
use crate::units::Nanos;
use crate::wire::stamp::{ErrorEstimate, StampReply, StampRequest, TimeFormat, Timestamp};
use crate::wire::stun::{AttributeKind, StunClass, StunWriter, TransactionId};
use crate::wire::{Class, TicketKey};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// A foreign program that answers everything: `make` creates the answer from its number, the
/// datagram and the time.
fn foreign(mut make: impl FnMut(u64, &[u8], Now) -> Vec<u8> + 'static) -> impl Session + 'static {
    let mut answered = 0;
    let answer = move |now: Now, came: &Datagram<'_>, queue: &mut VecDeque<(Dest, Vec<u8>)>| {
        queue.push_back((Dest::from(came.meta.source), make(answered, came.payload, now)));
        answered += 1;
    };
    Responder::new(answer)
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

fn recv(local: SocketAddr, answering: Answering) -> impl Session + 'static {
    let plan = RecvPlan {
        local: vec![local],
        show: Show::Counts,
        count: None,
        timeout: None,
        idle: None,
        answering,
        interval: None,
        explain: LocalSendFailure::from_errno,
    };
    RecvSession::new(plan, ())
}

fn serve(local: SocketAddr, short: ShortRequests) -> impl Session + 'static {
    let (serve, _, _) = super::client_and_server::serve(ServePolicy::default(), 1);
    let policy = StampPolicy { short, ..StampPolicy::default() };
    let stamp = StampReflector::new(policy, ErrorEstimate::default);
    let policy = StunPolicy { port: local.port(), short, ..StunPolicy::default() };
    let stun = StunReflector::new(policy, |_| None);
    serve.with_reflector(Class::Stamp, Box::new(stamp)).with_reflector(Class::Stun, Box::new(stun))
}

fn door(batch: &mut TxBatch) -> impl Session + use<> {
    let door = SubscriptionPolicy { open: true, listed: true, key: TicketKey([5; 32]) };
    let config = CastSenderConfig {
        targets: Vec::new(),
        broadcasts: Vec::new(),
        names: Names::default(),
        tag: Some(7),
        spacing: Spacing::Every(Nanos::from_millis(10)),
        time: None,
        receivers: 0,
        wait: None,
        ear: Some(FeedbackConfig { run: Some(0xC0_FFEE), compare: false, door }),
        explain: LocalSendFailure::from_errno,
        host: HostMeter::default(),
    };
    let messages = FixedMessages::new(vec![Message::Bytes(vec![7; 100])], None);
    CastSender::new(config, messages, (), batch)
}

fn check(local: SocketAddr) -> impl Session + 'static {
    let config = CheckAnswererConfig {
        group: SocketAddr::from(([239, 1, 2, 3], local.port())),
        interfaces: Vec::new(),
        unicast: 0,
        joined: Nanos::ZERO,
        time: None,
        names: Names::default(),
    };
    CheckAnswerer::new(config, ())
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
    /// Starts it on a host. Nothing here depends on the tick.
    fn start(self, network: &mut Network, host: HostId, address: SocketAddr) {
        let mut batch = TxBatch::new(64, 64 * 1_472);
        let mut place = (network, host, address);
        match self {
            Self::Echo => start(&mut place, recv(address, Answering::Echo), batch),
            Self::Reply(text) => {
                start(&mut place, recv(address, Answering::Message(TEXTS[text].into())), batch);
            }
            Self::Serve(short) => start(&mut place, serve(address, short), batch),
            Self::Door => {
                let door = door(&mut batch);
                start(&mut place, door, batch);
            }
            Self::Check => start(&mut place, check(address), batch),
            Self::Generator => start(&mut place, foreign(|number, _, _| line(number, 0)), batch),
            Self::Commands => {
                let make = |number: u64, _: &[u8], _| format!("a{} HELP", number % 3).into();
                start(&mut place, foreign(make), batch);
            }
            Self::FixedStamp => {
                let request = StampRequest { seq: 3, ..StampRequest::default() };
                start(&mut place, foreign(move |_, _, _| request.encode().to_vec()), batch);
            }
            Self::FixedStun => {
                start(&mut place, foreign(|_, _, _| stun_message(StunClass::Request)), batch);
            }
            Self::Stateless => start(&mut place, foreign(stateless), batch),
        }
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

fn start(
    (network, host, address): &mut (&mut Network, HostId, SocketAddr),
    session: impl Session + 'static,
    batch: TxBatch,
) {
    let running = network.start_with(*host, &[SimSocket::bound(*address)], session, batch);
    network.set_tick(running.id(), Nanos::from_secs(1));
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
    let near = network.add(Host::at("192.0.2.1").behind(Link::both(&clean())));
    let far = network.add(Host::at("192.0.2.2"));
    here.0.start(&mut network, near, a);
    there.0.start(&mut network, far, b);
    network.inject(Nanos::from_millis(100), Packet::udp(a, b, first.to_vec()));
    let late = Nanos::from_secs(12);
    while network.step(Nanos::from_secs(24)) {
        let link = network.host(near).link();
        let total = link.out.passages.len().max(link.back.passages.len());
        assert!(total < 20_000, "seed {seed}: {here:?} and {there:?} go on and on: {first:02x?}");
    }
    let link = network.host(near).link();
    let ((out, out_late), (back, back_late)) = (count(&link.out, late), count(&link.back, late));
    (out + back, out_late + back_late)
}

fn count(way: &Direction, late: Nanos) -> (usize, usize) {
    let passages = &way.passages;
    (passages.len(), passages.iter().filter(|passage| passage.at >= late).count())
}

/// Connects two on these ports with half of the first datagrams, others each time, or with all if
/// more runs are asked for; each exchange ends within `most` datagrams.
fn many_firsts(here: (Who, u16), there: (Who, u16), most: usize) {
    some_firsts(if runs(1) > 1 { 1 } else { 2 }, here, there, most);
}

/// The same with one first datagram of `every`.
fn some_firsts(every: usize, here: (Who, u16), there: (Who, u16), most: usize) {
    let seed = fastrand::u64(..);
    let firsts = firsts(&mut fastrand::Rng::with_seed(seed));
    for first in firsts.into_iter().skip(seed as usize % every).step_by(every) {
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
            // Fixed replies know no protocol by its port.
            let is_reply = |who| matches!(who, Who::Reply(_));
            if !(is_reply(here) && is_reply(there)) {
                some_firsts(6, (here, 862), (there, 862), most.min(80));
            }
            many_firsts((here, 8_620), (there, 8_620), most);
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
                many_firsts((ours, 862), (other, port), 80);
            }
        }
    }
}
