//! What an operator has a server do while sessions are open: end, and read its files again.

use super::typed_commands::{ByHand, peer};
use crate::batch::TxBatch;
use crate::machine::{Next, Session};
use crate::record::{ReloadFailure, ReloadFile, ServeRecord, SessionEnd};
use crate::session::serve::{ServeCommand, ServeOrder, ServePolicy, ServeReload, StreamReport};
use crate::units::Nanos;
use crate::wire::{CONTROL_MAX, Code, ControlKey};

const GRACE: Nanos = Nanos::from_secs(30);

fn key(byte: u8) -> ControlKey {
    ControlKey::new(&[byte; 16]).unwrap()
}

fn policy() -> ServePolicy {
    ServePolicy { grace: GRACE, ..ServePolicy::default() }
}

/// Whether the server has nothing more to do.
fn is_over(desk: &mut ByHand) -> bool {
    let mut out = TxBatch::new(64, 64 * CONTROL_MAX);
    desk.serve.poll_transmit(desk.now, &mut out) == Next::Done
}

/// Has the server read its files again, which contain this.
fn reload(desk: &mut ByHand, news: StreamReport) {
    desk.orders.push(ServeOrder { session: 0, stream: 0, news });
    desk.serve.on_reload(desk.now);
    let commands = desk.commands.drain();
    assert_eq!(commands, [ServeCommand::Reload, ServeCommand::ReloadDone]);
}

fn read(policy: ServePolicy, key: Option<ControlKey>) -> StreamReport {
    let files = vec![ReloadFile::Key, ReloadFile::Policy];
    let (stamp_rate, stun_rate, users) = (None, None, None);
    let reload =
        ServeReload { files, policy, key, stamp_rate, stun_rate, users, udpstp_keys: None };
    StreamReport::Reloaded(Box::new(reload))
}

#[test]
fn a_server_that_drains_ends_with_its_last_session_and_begins_nothing() {
    let mut desk = ByHand::new(policy());
    let session = desk.open(peer(1)).unwrap();
    assert_eq!(desk.code(peer(1), &format!("a TEST session={session}")), Code::OK);
    desk.serve.on_terminate(desk.now);
    assert!(desk.commands.drain().contains(&ServeCommand::Drain));
    assert!(!is_over(&mut desk));
    assert_eq!(desk.open(peer(2)), Err(Code::UNAVAILABLE));
    // The run goes on; another one does not begin.
    assert_eq!(desk.code(peer(1), &format!("b STAT session={session}")), Code::STATUS);
    assert_eq!(desk.code(peer(1), &format!("c TEST session={session}")), Code::UNAVAILABLE);
    let status = desk.say(peer(3), "d STAT");
    assert_eq!((status.code, status.params.get("draining")), (Code::STATUS, Some("1")));
    assert_eq!(desk.code(peer(1), &format!("e QUIT session={session}")), Code::CLOSING);
    assert!(!is_over(&mut desk), "until the next tick");
    desk.wait(Nanos::from_millis(50));
    assert!(is_over(&mut desk));
}

#[test]
fn a_server_that_drains_waits_for_its_grace_and_no_longer() {
    let mut desk = ByHand::new(ServePolicy {
        session_timeout: GRACE + GRACE,
        start_limit: GRACE + GRACE,
        ..policy()
    });
    let session = desk.open(peer(1)).unwrap();
    assert_eq!(desk.code(peer(1), &format!("a TEST session={session}")), Code::OK);
    desk.serve.on_terminate(desk.now);
    desk.wait(Nanos(GRACE.0 / 2));
    assert_eq!(desk.code(peer(1), &format!("b NOOP session={session}")), Code::OK);
    assert!(!is_over(&mut desk));
    desk.wait(Nanos(GRACE.0 / 2));
    assert!(is_over(&mut desk));
    let log = desk.log();
    assert!(log.contains(&ServeRecord::Draining { sessions: 1, grace_ns: GRACE.0 }));
    assert!(log.contains(&ServeRecord::GraceOver { sessions: 1 }), "{log:?}");
    let mut idle = ByHand::new(policy());
    idle.serve.on_terminate(idle.now);
    assert!(is_over(&mut idle), "nobody is there");
}

#[test]
fn a_reload_is_for_new_sessions_and_open_ones_keep_key_and_address() {
    let mut desk = ByHand::with_key(policy(), &key(1));
    let session = desk.open(peer(1)).unwrap();
    let elsewhere = ServePolicy { allow: vec!["192.0.2.0/24".parse().unwrap()], ..policy() };
    reload(&mut desk, read(elsewhere, Some(key(2))));
    let stat = format!("STAT session={session}");
    assert_eq!(desk.code(peer(1), &format!("a TEST session={session}")), Code::OK);
    assert_eq!(desk.code(peer(1), &format!("b {stat}")), Code::STATUS);
    // The key of before gets a ticket, as streams of the session need one, and opens nothing.
    let ticket = desk.ticket(peer(1));
    for text in [format!("c1 HELO ticket={ticket} nonce=90"), "c2 STAT nonce=91".to_owned()] {
        let (asked, _) = key(1).sign_command(format!("{text} pad={:0>99}", 0).into_bytes());
        let replies = desk.ask(peer(1), &asked);
        assert!(String::from_utf8_lossy(&replies[0]).contains("530"), "{text}: {replies:?}");
    }
    let request = desk.data(peer(1), "c3", &format!("session={session}")).unwrap();
    assert_eq!(request.peer, peer(1));
    assert_eq!(desk.code(peer(1), &format!("d QUIT session={session}")), Code::CLOSING);
    assert_eq!(desk.ends(), [(session, SessionEnd::Closed)]);
    // With its last session, the address is not served any more.
    let (asked, _) = key(2).sign_command(b"e HELO pad=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_vec());
    let replies = desk.ask(peer(1), &asked);
    assert!(String::from_utf8_lossy(&replies[0]).contains("550"), "{replies:?}");
}

#[test]
fn a_reload_that_fails_changes_nothing() {
    let mut desk = ByHand::with_key(policy(), &key(1));
    let failure = ReloadFailure { code: ReloadFile::Key, reason: "it is empty".to_owned() };
    reload(&mut desk, StreamReport::NotReloaded(failure.clone()));
    assert!(desk.open(peer(1)).is_ok());
    assert!(desk.log().contains(&ServeRecord::NotReloaded { failure }));
}
