//! The other responders against the adversary: a fan-out's sender and receivers, the answering side
//! of `cast check`, and `recv --echo`.

use super::{Adversary, Arrival, Stage, Start, addresses};
use crate::batch::{Dest, LocalSendFailure, TxBatch};
use crate::machine::Session;
use crate::netsim::runs;
use crate::session::{
    Answering, CastReceiver, CastReceiverConfig, CastSender, CastSenderConfig, CheckAnswerer,
    CheckAnswererConfig, FeedbackConfig, FixedMessages, HostMeter, Message, Names, ReceiveSocket,
    RecvPlan, RecvSession, Show, Spacing, SubscriptionPolicy,
};
use crate::units::Nanos;
use crate::wire::{TicketKey, Verb};
use std::net::SocketAddr;

/// How long a value that an address received proves that somebody is there.
const FORGOTTEN: Nanos = Nanos::from_secs(25);
/// How long an answer may take.
const SECOND: Nanos = Nanos::from_secs(1);
const MOVES: std::ops::Range<usize> = 20..80;

fn group() -> SocketAddr {
    "239.1.2.3:5000".parse().unwrap()
}

fn here() -> SocketAddr {
    (addresses()[0], 5_000).into()
}

/// A run against one responder with these sockets; returns the number of datagrams sent to forged
/// addresses. An answer may take `moment`.
fn run<S: Session + 'static>(
    seed: u64,
    open: impl FnOnce(&mut Adversary, &mut TxBatch) -> S,
    sockets: &[SocketAddr],
    moment: Nanos,
) -> u64 {
    let mut mind = Adversary::new(seed);
    mind.named.push(group());
    let mut batch = TxBatch::new(256, 1 << 20);
    let session = open(&mut mind, &mut batch);
    let start = Start { session, engine: (), sockets, batch, moment };
    let mut stage = Stage::new(start, &mut mind);
    for _ in 0..mind.rng.usize(MOVES) {
        let span = mind.span();
        stage.pass(Nanos(span.0 / 4), &mut mind);
        if mind.rng.u8(..60) == 0
            && let Some(address) = mind.moves_away()
        {
            mind.note(format!("{} nobody is at {address} any more", stage.now()));
            stage.ledger.leave_behind(address, stage.now() + FORGOTTEN);
        }
        let source = mind.source();
        let bytes = match mind.rng.u8(..6) {
            0 => mind.opening(Verb::Helo, source, &[]),
            1 => mind.opening(Verb::Rcpt, source, &[]),
            2 if mind.rng.bool() => {
                let from = mind.own[mind.rng.usize(..mind.own.len())];
                mind.moving(Verb::Rcpt, from, source)
            }
            _ => mind.says(source),
        };
        let destination = mind.one_of(sockets);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        mind.note(format!("{} {source} to {destination}: {text:.160}", stage.now()));
        stage.arrive(Arrival { source, destination }, &bytes, &mut mind);
    }
    stage.pass(Nanos::from_secs(60), &mut mind);
    stage.ledger.answers
}

/// Many runs; each responder must have sent some answers, or nothing was tested.
#[track_caller]
fn runs_of(name: &str, one: impl Fn(u64) -> u64) {
    let answers: u64 = (0..runs(100)).map(one).sum();
    assert!(answers > 6, "{name} answered {answers} times");
}

fn sender(mind: &mut Adversary, batch: &mut TxBatch) -> CastSender<FixedMessages, ()> {
    let key = TicketKey(std::array::from_fn(|_| mind.rng.u8(..)));
    let door = SubscriptionPolicy { open: mind.rng.u8(..4) > 0, listed: mind.rng.bool(), key };
    let run = (mind.rng.u8(..4) > 0).then(|| mind.rng.u64(..));
    let compare = run.is_some() && mind.rng.bool();
    let config = CastSenderConfig {
        targets: vec![Dest::from(group())],
        names: Names::default(),
        tag: Some(0xBEEF),
        broadcasts: Vec::new(),
        spacing: Spacing::Every(Nanos::from_millis(700)),
        time: None,
        receivers: 0,
        wait: None,
        ear: Some(FeedbackConfig { run, compare, door }),
        explain: LocalSendFailure::from_errno,
        host: HostMeter::default(),
    };
    let messages = vec![Message::Bytes(b"some content".to_vec())];
    CastSender::new(config, FixedMessages::new(messages, None), (), batch)
}

#[test]
fn a_fan_outs_sender_sends_no_forged_address_more_than_came_in_its_name() {
    runs_of("cast send", |seed| run(seed, sender, &[here()], SECOND));
}

/// It reports now and then, not for each datagram: arrivals count for five seconds.
#[test]
fn a_fan_outs_receiver_reports_no_more_than_came() {
    let receiver = |mind: &mut Adversary, _: &mut TxBatch| {
        let since = Nanos::from_secs(1_000);
        let listen =
            |answers| ReceiveSocket { group: group(), interfaces: vec![3], since, answers };
        let config = CastReceiverConfig {
            listens: vec![listen(0)],
            reports: Some(mind.rng.u64(..)),
            ..CastReceiverConfig::default()
        };
        CastReceiver::new(config, ())
    };
    runs_of("cast recv", |seed| run(seed, receiver, &[group()], Nanos::from_secs(5)));
}

#[test]
fn the_far_end_of_a_check_answers_with_no_more_than_came() {
    let answerer = |_: &mut Adversary, _: &mut TxBatch| {
        let config = CheckAnswererConfig {
            group: group(),
            interfaces: vec![3],
            unicast: 1,
            joined: Nanos::from_secs(1_000),
            time: None,
            names: Names::default(),
        };
        CheckAnswerer::new(config, ())
    };
    runs_of("cast check", |seed| run(seed, answerer, &[group(), here()], SECOND));
}

#[test]
fn an_echo_is_no_more_than_came() {
    let echo = |_: &mut Adversary, _: &mut TxBatch| {
        let plan = RecvPlan {
            local: vec![here()],
            show: Show::Counts,
            count: None,
            timeout: None,
            idle: None,
            answering: Answering::Echo,
            interval: None,
            explain: LocalSendFailure::from_errno,
        };
        RecvSession::new(plan, ())
    };
    runs_of("recv --echo", |seed| run(seed, echo, &[here()], SECOND));
}
