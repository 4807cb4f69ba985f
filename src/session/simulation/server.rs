//! The server alone, with commands that no real client would send.

use super::Mailbox;
use super::client_and_server::{IO, serve};
use crate::batch::{Datagram, RxEntry, RxMeta, TxBatch};
use crate::machine::{Executor, Next, Now, Orders, Session};
use crate::record::{BlastInterval, BlastReceived};
use crate::session::serve::{
    ServeCommand, ServeControl, ServeEngine, ServeOrder, ServePolicy, StreamReport,
};
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use crate::wire::{CONTROL_MAX, Code, Command, HELO_LEN, Reply, Tag, TicketKey, Verb};
use std::net::SocketAddr;

fn at(seconds: u64) -> Now {
    Now { mono: Nanos::from_secs(seconds), real: Nanos::from_secs(1_700_000_000 + seconds) }
}

fn peer(number: u32) -> SocketAddr {
    SocketAddr::from((std::net::Ipv4Addr::from(0x0A00_0000 + number), 4_000))
}

/// Delivers one datagram and returns all answers.
fn ask<O, E, R>(
    serve: &mut ServeControl<O, E, R>,
    now: Now,
    from: SocketAddr,
    bytes: &[u8],
) -> Vec<Vec<u8>>
where
    O: Orders<ServeOrder>,
    E: ServeEngine,
    R: FnMut() -> u64,
{
    let meta = RxMeta { source: from, ..RxEntry::default().meta };
    serve.on_datagram(now, &Datagram { payload: bytes, true_len: bytes.len(), meta });
    let mut out = TxBatch::new(64, 64 * CONTROL_MAX);
    assert_ne!(Session::poll_transmit(serve, now, &mut out), Next::Done);
    for slot in out.slots() {
        assert_eq!(out.dest(slot.dest).map(|dest| dest.addr), Some(from));
    }
    out.slots().iter().map(|slot| out.payload(slot).to_vec()).collect()
}

fn command(tag: &str, verb: Verb, params: &[(&str, &str)]) -> Command {
    let mut command = Command::new(Tag::new(tag).unwrap(), verb);
    for (key, value) in params {
        command.params.push(key, value);
    }
    command
}

/// Sends one command and parses its only reply.
macro_rules! reply {
    ($serve:expr, $now:expr, $from:expr, $($command:tt)*) => {{
        let bytes = command($($command)*).padded(HELO_LEN).encode().unwrap();
        let replies = ask($serve, $now, $from, &bytes);
        assert_eq!(replies.len(), 1);
        Reply::decode(&replies[0]).unwrap()
    }};
}

/// Opens a session for `from`; returns its name.
macro_rules! open {
    ($serve:expr, $now:expr, $from:expr) => {{
        let ready = reply!($serve, $now, $from, "a1", Verb::Helo, &[]);
        let ticket = ready.params.get("ticket").unwrap().to_owned();
        let hello = reply!($serve, $now, $from, "a2", Verb::Helo, &[("ticket", &ticket)]);
        hello.params.get("session").map(str::to_owned).ok_or(hello.code)
    }};
}

#[test]
fn ten_thousand_strangers_leave_nothing_behind() {
    let (mut serve, _, (commands, events)) = serve(ServePolicy::default(), 1);
    for number in 0..10_000 {
        let bytes = command("a1", Verb::Helo, &[]).padded(HELO_LEN).encode().unwrap();
        let replies = ask(&mut serve, at(1), peer(number), &bytes);
        assert!(replies.len() == 1 && replies[0].len() <= bytes.len());
    }
    assert_eq!(serve.sessions(), 0);
    assert!(commands.drain().is_empty() && events.drain().is_empty());
}

#[test]
fn a_ticket_is_of_no_use_to_another_address() {
    let (mut serve, _, _) = serve(ServePolicy::default(), 1);
    let ready = reply!(&mut serve, at(1), peer(1), "a1", Verb::Helo, &[]);
    let ticket = ready.params.get("ticket").unwrap();
    let other = reply!(&mut serve, at(1), peer(2), "a2", Verb::Helo, &[("ticket", ticket)]);
    assert_eq!((other.code, serve.sessions()), (Code::READY, 0));
    let late = reply!(&mut serve, at(100), peer(1), "a2", Verb::Helo, &[("ticket", ticket)]);
    assert_eq!((late.code, serve.sessions()), (Code::READY, 0));
}

#[test]
fn a_full_server_says_421_and_has_room_again_when_sessions_expire() {
    let policy = ServePolicy {
        max_sessions: 3,
        session_timeout: Nanos::from_secs(30),
        idle_timeout: Nanos::from_secs(30),
        idle_limit: Nanos::from_secs(30),
        ..ServePolicy::default()
    };
    let (mut serve, _, _) = serve(policy, 1);
    for number in 0..3 {
        assert!(open!(&mut serve, at(1), peer(number)).is_ok());
    }
    assert_eq!(open!(&mut serve, at(2), peer(9)), Err(Code::UNAVAILABLE));
    assert_eq!(serve.sessions(), 3);
    Session::on_tick(&mut serve, at(30));
    assert_eq!(serve.sessions(), 3);
    Session::on_tick(&mut serve, at(31));
    assert_eq!(serve.sessions(), 0);
    assert!(open!(&mut serve, at(31), peer(9)).is_ok());
}

#[test]
fn an_unproven_address_never_gets_more_bytes_than_it_sent() {
    let verbs = ["HELO", "TEST", "DATA", "STAT", "RSET", "NOOP", "HELP", "QUIT", "RCPT", "XXXX"];
    let mut answered = 0;
    let (mut serve, _, _) = serve(ServePolicy::default(), 1);
    // Another client's session, whose name could be guessed.
    let victim = open!(&mut serve, at(1), peer(1)).unwrap();
    for seed in 0..10_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let tag: String = (0..rng.usize(1..=16)).map(|_| rng.alphanumeric()).collect();
        let mut text = format!("{tag} {}", rng.choice(verbs).unwrap());
        for _ in 0..rng.usize(0..4) {
            let word = match rng.u8(0..6) {
                0 => format!(" session={victim}"),
                1 => format!(" ticket={}", "0".repeat(rng.usize(0..40))),
                2 => format!(" from={}", rng.u64(..)),
                3 => format!(" size={}", rng.u64(..)),
                4 => " pad=".to_owned() + &"x".repeat(rng.usize(0..300)),
                _ => " nonsense".to_owned(),
            };
            text.push_str(&word);
        }
        let mut bytes = text.into_bytes();
        if rng.u8(0..4) == 0 {
            let index = rng.usize(..bytes.len());
            bytes[index] = rng.u8(..);
        }
        let replies = ask(&mut serve, at(1), peer(2 + seed as u32), &bytes);
        let total: usize = replies.iter().map(Vec::len).sum();
        assert!(total <= bytes.len(), "seed {seed}: {}", String::from_utf8_lossy(&bytes));
        assert_eq!(serve.sessions(), 1, "seed {seed}");
        answered += replies.len();
    }
    assert!(answered > 3_000, "{answered}");
}

#[test]
fn a_stat_with_any_number_in_it_is_answered() {
    let (mut serve, _, _) = serve(ServePolicy::default(), 1);
    let session = open!(&mut serve, at(1), peer(1)).unwrap();
    reply!(&mut serve, at(1), peer(1), "a3", Verb::Test, &[("session", &session)]);
    let most = u64::MAX.to_string();
    for (tag, key) in [("a4", "from"), ("a5", "sent")] {
        let params = [("session", session.as_str()), (key, most.as_str())];
        let reply = reply!(&mut serve, at(1), peer(1), tag, Verb::Stat, &params);
        assert_eq!(reply.code, Code::STATUS, "{key}");
    }
}

#[test]
fn a_status_of_the_largest_numbers_still_fits_and_leaves_stretches_for_later() {
    let (mut serve, orders, _) = serve(ServePolicy::default(), 1);
    let text = open!(&mut serve, at(1), peer(1)).unwrap();
    let session = u64::from_str_radix(&text, 16).unwrap();
    reply!(&mut serve, at(1), peer(1), "a3", Verb::Test, &[("session", &text)]);
    let most = u64::MAX;
    let interval = BlastInterval {
        start_ns: most,
        duration_ns: most,
        datagrams: most,
        bytes: most,
        lost: most,
        duplicates: most,
        reordered: most,
        socket_drops: most,
        damaged: most,
        cut: most,
        altered: most,
        delay_max_ns: Some(most),
    };
    (0..9).for_each(|_| {
        orders.push(ServeOrder { session, stream: 0, news: StreamReport::Interval(interval) });
    });
    let received = Box::new(BlastReceived {
        datagrams: most,
        bytes: most,
        firsts: most,
        duplicates: most,
        reordered: most,
        lost: most,
        span_ns: most,
        jitter_ns: Some(most),
        cpu_ns: Some(most),
        sender_total: Some(most),
        ..BlastReceived::default()
    });
    orders.push(ServeOrder { session, stream: 0, news: StreamReport::Progress(received) });
    let mut shown = 0;
    for number in 4..20 {
        let from = shown.to_string();
        let params = [("session", text.as_str()), ("from", &from)];
        let reply = reply!(&mut serve, at(1), peer(1), &format!("a{number}"), Verb::Stat, &params);
        shown += reply.params.iter().filter(|(key, _)| key.starts_with('i')).count();
        assert_eq!(reply.params.get("more").is_some(), shown < 9);
    }
    assert_eq!(shown, 9);
}

#[test]
fn a_helo_or_test_that_comes_again_late_does_its_work_once() {
    let (mut serve, _, (commands, events)) = serve(ServePolicy::default(), 1);
    let session = open!(&mut serve, at(1), peer(1)).unwrap();
    let named = [("session", session.as_str())];
    let test = reply!(&mut serve, at(1), peer(1), "a3", Verb::Test, &named);
    for number in 4..40 {
        reply!(&mut serve, at(1), peer(1), &format!("a{number}"), Verb::Stat, &named);
    }
    commands.drain();
    events.drain();
    assert_eq!(reply!(&mut serve, at(1), peer(1), "a3", Verb::Test, &named), test);
    assert_eq!(open!(&mut serve, at(1), peer(1)), Ok(session));
    assert_eq!((serve.sessions(), commands.drain(), events.drain()), (1, Vec::new(), Vec::new()));
}

#[test]
fn the_openings_of_many_streams_do_not_make_the_server_forget_their_test() {
    let (mut serve, orders, (commands, events)) = serve(ServePolicy::default(), 1);
    let text = open!(&mut serve, at(1), peer(1)).unwrap();
    let session = u64::from_str_radix(&text, 16).unwrap();
    let test = [("session", text.as_str()), ("streams", "20")];
    let granted = reply!(&mut serve, at(1), peer(1), "a3", Verb::Test, &test);
    for stream in 0..20u32 {
        let ready = reply!(&mut serve, at(1), peer(100 + stream), "s1", Verb::Helo, &[]);
        let ticket = ready.params.get("ticket").unwrap();
        let (tag, number) = (format!("s{stream}x2"), stream.to_string());
        let data = [("session", text.as_str()), ("ticket", ticket), ("stream", &number)];
        let data = command(&tag, Verb::Data, &data).encode().unwrap();
        // The reply waits until the socket is open.
        assert!(ask(&mut serve, at(1), peer(100 + stream), &data).is_empty());
        orders.push(ServeOrder { session, stream, news: StreamReport::Opened(Ok(())) });
        assert_eq!(
            Session::poll_transmit(&mut serve, at(1), &mut TxBatch::new(9, 9_999)),
            Next::Idle
        );
    }
    let opened = |command: &ServeCommand| matches!(command, ServeCommand::Open(_));
    assert_eq!(commands.drain().iter().filter(|command| opened(command)).count(), 20);
    events.drain();
    assert_eq!(reply!(&mut serve, at(1), peer(1), "a3", Verb::Test, &test), granted);
    assert_eq!((commands.drain(), events.drain()), (Vec::new(), Vec::new()));
}

/// Ends a stream as the engine does: its final counts are queued before `Close` returns.
struct Prompt(Mailbox<ServeOrder>);

impl Executor<ServeCommand> for Prompt {
    fn execute(&mut self, command: ServeCommand) {
        match command {
            ServeCommand::Open(request) => {
                self.0.push(ServeOrder {
                    session: request.session,
                    stream: 0,
                    news: StreamReport::Opened(Ok(())),
                });
            }
            ServeCommand::Close { session } => {
                let received = BlastReceived { datagrams: 7, ..BlastReceived::default() };
                let delay = Box::new(DelayHistogram::new());
                let news = StreamReport::Received(Box::new(received), delay, IO);
                self.0.push(ServeOrder { session, stream: 0, news });
            }
            _ => {}
        }
    }
}

#[test]
fn a_second_test_does_not_inherit_the_end_of_the_first() {
    let orders = Mailbox::new();
    let mut numbers = 1..;
    let random = move || numbers.next().unwrap_or_default();
    let (policy, key) = (ServePolicy::default(), TicketKey([1; 32]));
    let engine = (Prompt(orders.clone()), Vec::new());
    let mut serve = ServeControl::new(policy, key, orders, engine, random);
    let session = open!(&mut serve, at(1), peer(1)).unwrap();
    let named = [("session", session.as_str())];
    reply!(&mut serve, at(1), peer(1), "a3", Verb::Test, &named);
    let ready = reply!(&mut serve, at(1), peer(2), "s1", Verb::Helo, &[]);
    let ticket = ready.params.get("ticket").unwrap();
    let data = [("session", session.as_str()), ("ticket", ticket)];
    assert_eq!(reply!(&mut serve, at(1), peer(2), "s2", Verb::Data, &data).code, Code::GO_AHEAD);
    reply!(&mut serve, at(1), peer(1), "a4", Verb::Test, &named);
    let stat = reply!(&mut serve, at(1), peer(1), "a5", Verb::Stat, &named);
    assert_eq!(stat.params.get("state"), Some("ready"));
    assert_eq!(stat.params.get("datagrams"), Some("0"));
}
