//! The dialogue under a shared key: without it, or with another, a client gets nothing; replays
//! have no effect.

use super::client_and_server::{ClientAndServer, plan};
use super::paths::{clean, held, jittery, lossy, twice};
use super::typed_commands::{ByHand, at, peer};
use crate::control::{Exchange, Sealer, Step};
use crate::impair::Impairments;
use crate::record::{RemoteRefusal, RunFailure, ServeRefusal};
use crate::session::serve::ServePolicy;
use crate::units::Nanos;
use crate::wire::{Code, Command, ControlKey, Reply};
use std::cell::RefCell;

fn key(byte: u8) -> ControlKey {
    ControlKey::new(&[byte; 16]).unwrap()
}

fn desk() -> ByHand {
    ByHand::with_key(ServePolicy::default(), &key(1))
}

#[test]
fn code_530_is_all_that_comes_without_the_key_or_with_another() {
    let mut desk = desk();
    let verbs = ["HELO", "TEST", "DATA", "STAT", "RSET", "NOOP", "HELP", "QUIT", "RCPT", "XXXX"];
    // Each from another source: nobody is refused this many times at once.
    let mut askers = (1..).map(peer);
    for verb in verbs {
        for length in [6, 20, 600] {
            let bare = format!("{:<length$}", format!("a {verb}")).into_bytes();
            let (other, _) = key(2).sign_command(bare.clone());
            for question in [bare, other] {
                let replies = desk.ask(askers.next().unwrap(), &question);
                assert_eq!(replies.len(), 1, "{verb}");
                assert!(replies[0].len() <= question.len(), "{verb} {length}");
                assert_eq!(Reply::decode(&replies[0]).unwrap().code, Code::KEY_NEEDED, "{verb}");
            }
        }
    }
    assert_eq!(desk.serve.sessions(), 0);
    let refusals = desk.refusals();
    for refusal in [ServeRefusal::KeyNeeded, ServeRefusal::OtherKey] {
        assert!(refusals.contains(&refusal), "{refusals:?}");
    }
}

#[test]
fn no_answer_is_longer_than_the_question_with_its_seal() {
    let mut desk = desk();
    for length in 6..300 {
        for verb in ["HELP", "STAT", "HELO", "NOOP", "VRFY"] {
            let question = format!("{:<length$}", format!("a {verb}"));
            let (question, _) = key(1).sign_command(question.into_bytes());
            let total: usize = desk.ask(peer(1), &question).iter().map(Vec::len).sum();
            assert!(total <= question.len(), "{verb} {length}");
        }
    }
}

#[test]
fn commands_of_a_session_that_are_played_again_do_nothing() {
    let mut desk = desk();
    // Everything that the client sends is recorded.
    let recorded = RefCell::new(Vec::new());
    let mut nonce = 100;
    let mut say = |desk: &mut ByHand, text: &str| {
        nonce += 1;
        let text = format!("{text} nonce={nonce} pad={}", "x".repeat(200));
        let (bytes, seal) = key(1).sign_command(text.into_bytes());
        recorded.borrow_mut().push(bytes.clone());
        let replies = desk.ask(peer(1), &bytes);
        Reply::decode(key(1).verify_reply(&replies[0], seal).unwrap()).unwrap()
    };
    let ready = say(&mut desk, "a HELO");
    let ticket = ready.params.get("ticket").unwrap().to_owned();
    let hello = say(&mut desk, &format!("b HELO ticket={ticket}"));
    let session = hello.params.get("session").unwrap().to_owned();
    assert_eq!(say(&mut desk, &format!("c TEST session={session}")).code, Code::OK);
    for number in 0..20 {
        say(&mut desk, &format!("s{number} STAT session={session} stop=1 sent=7"));
    }
    // These replies push the first ones out of the server's memory.
    for number in 0..20 {
        assert_eq!(say(&mut desk, &format!("r{number} RSET session={session}")).code, Code::OK);
    }
    let test = say(&mut desk, &format!("d TEST session={session}"));
    assert_eq!(test.code, Code::OK);
    desk.commands.drain();
    for bytes in recorded.borrow().iter() {
        desk.ask(peer(1), bytes);
    }
    assert_eq!(desk.commands.drain(), []);
    assert_eq!(desk.serve.sessions(), 1);
    let stat = say(&mut desk, &format!("e STAT session={session}"));
    assert_eq!(stat.params.get("state"), Some("ready"));
    assert_eq!(say(&mut desk, &format!("f QUIT session={session}")).code, Code::CLOSING);
    for bytes in recorded.borrow().iter() {
        desk.ask(peer(1), bytes);
    }
    assert_eq!(desk.serve.sessions(), 0);
}

#[test]
fn a_sealed_command_without_a_nonce_opens_nothing() {
    let mut desk = desk();
    let ticket = desk.ticket(peer(1));
    let (bytes, seal) =
        key(1).sign_command(format!("b HELO ticket={ticket} pad={:0>99}", 0).into_bytes());
    let replies = desk.ask(peer(1), &bytes);
    let reply = Reply::decode(key(1).verify_reply(&replies[0], seal).unwrap()).unwrap();
    assert_eq!((reply.code, desk.serve.sessions()), (Code::BAD_PARAMETER, 0));
}

/// The datagram that an exchange sends.
fn question(exchange: &mut Exchange, now: Nanos) -> Vec<u8> {
    match exchange.poll(now) {
        Step::Send(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_of_another_run_or_another_key_is_not_taken() {
    let patience = Nanos::from_secs(5);
    let hello = Command::decode(b"c1 HELO").unwrap();
    let ask = |nonce| Sealer::new(Some(key(1)), nonce).exchange(&hello, 600, at(0).mono, patience);
    let (mut first, mut second) = (ask(2), ask(4));
    let mut desk = desk();
    let recorded = desk.ask(peer(1), &question(&mut first, at(0).mono)).remove(0);
    let fresh = desk.ask(peer(1), &question(&mut second, at(0).mono)).remove(0);
    assert!(first.reply(&recorded).is_some() && second.reply(&fresh).is_some());
    assert_eq!(second.reply(&recorded), None);
    // A reply without a seal shortens the wait, and gives the reason if no sealed one comes.
    assert_eq!(second.reply(b"c1 530 key needed"), None);
    second.note_unsealed(b"c2 530 key needed", at(0).mono);
    assert_eq!(second.unsealed(), None, "that answers another command");
    second.note_unsealed(b"c1 530 another key needed", at(0).mono);
    assert_eq!(second.unsealed(), Some(&RemoteRefusal::OtherKey));
    assert!(second.reply(&fresh).is_some(), "the true one has its chance");
    assert_eq!(second.poll(at(1).mono), Step::TimedOut);
}

#[test]
fn a_run_under_a_key_completes_over_a_bad_link() {
    for seed in 0..6 {
        let path = Impairments {
            loss: lossy(20),
            duplication: twice(30),
            delay: jittery(Nanos::from_millis(5), Nanos::from_millis(30)),
            reordering: held(300, Nanos::from_millis(20)),
            ..Impairments::default()
        };
        let mut ends =
            ClientAndServer::with_keys(seed, plan(Nanos::from_secs(1)), &path, Some(1), Some(1));
        let came = ends.finish(Nanos::from_secs(60));
        assert_eq!(came.summary.failure, None, "seed {seed}: {:?}", ends.log);
        assert!(came.summary.complete, "seed {seed}");
        assert_eq!((ends.sessions, ends.opens), (1, 1), "seed {seed}: {:?}", ends.log);
    }
}

#[test]
fn a_client_without_the_right_key_is_told_plainly_and_soon() {
    for (server, client, failure) in [
        (Some(1), None, RunFailure::KeyNeeded),
        (Some(1), Some(2), RunFailure::OtherKey),
        (None, Some(1), RunFailure::NoKeyThere),
    ] {
        let (time, path) = (Nanos::from_secs(1), clean());
        let mut ends = ClientAndServer::with_keys(1, plan(time), &path, server, client);
        let came = ends.finish(Nanos::from_secs(2));
        assert_eq!(came.summary.failure, Some(failure));
        assert_eq!(ends.sessions, 0);
    }
}
