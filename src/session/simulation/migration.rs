//! A NAT that begins anew in the middle of a run: both ends go on, and count what was lost.

use super::client_and_server::{ClientAndServer, Serve, plan, serve, stream_address};
use crate::netsim::{Fault, runs};
use crate::session::blast::{Direction, TestPlan};
use crate::units::{Nanos, PacketRate, Rate};

use crate::batch::{Datagram, RxEntry, RxMeta, TxBatch};
use crate::machine::{Now, Session};
use crate::session::serve::ServePolicy;
use crate::wire::{CONTROL_MAX, Code, Reply};
use std::net::SocketAddr;

const DEADLINE: Nanos = Nanos::from_secs(60);

#[test]
fn a_run_goes_on_through_a_nat_that_gives_other_ports() {
    let mut moves = 0;
    for seed in 0..runs(45) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let direction = [Direction::Up, Direction::Down, Direction::Both][seed as usize % 3];
        let rate = Rate::Packets(PacketRate(20_000));
        let streams = 1 + (seed % 2) as u32;
        let plan = TestPlan { direction, streams, rate, ..plan(Nanos::from_secs(4)) };
        let mut ends = ClientAndServer::under(seed, plan, &Fault::Nat.weather());
        // Once or twice, from the opening on.
        let times = 1 + seed % 2;
        for _ in 0..times {
            let at = ends.network.instant() + Nanos(rng.u64(0..1_800_000_000));
            ends.run_until(DEADLINE, |ends| ends.network.instant() >= at);
            ends.network.host(ends.client_host).nat().restart();
        }
        let finished = ends.finish(DEADLINE);
        let summary = &finished.summary;
        assert_eq!(summary.failure, None, "seed {seed}: {:#?}", ends.log);
        assert!(summary.complete, "seed {seed}");
        assert!(summary.moves.len() as u64 <= times, "seed {seed}: {:?}", summary.moves);
        moves += summary.moves.len();
        if direction != Direction::Down {
            let received = summary.received.expect("a complete run has counts");
            assert_eq!(finished.sent, received.firsts + received.lost, "seed {seed}");
            let told: u64 = summary.moves.iter().filter_map(|one| one.lost_up).sum();
            assert_eq!(told, received.lost, "seed {seed}: {:?}", summary.moves);
            // A quarter of a second until it is noticed, and a round trip or two.
            assert!(received.lost * 5 < finished.sent, "seed {seed}: {received:?}");
        }
        if direction != Direction::Up {
            let sent = summary.sent.as_ref().expect("a complete run has counts").datagrams;
            let firsts: u64 = finished.near_received.iter().map(|end| end.received.firsts).sum();
            let told: u64 = summary.moves.iter().filter_map(|one| one.lost_down).sum();
            assert_eq!(told, sent - firsts, "seed {seed}: {:?}", summary.moves);
            assert!((sent - firsts) * 5 < sent, "seed {seed}: {firsts} of {sent}");
        }
        assert_eq!((ends.sessions, ends.open_sessions()), (1, 0), "seed {seed}");
    }
    assert!(moves as u64 > runs(45) / 2, "{moves}");
}

/// Near its end, a run may be over before its streams are known at the new address: then it says
/// that what was lost meanwhile is unknown, not that it was nothing.
#[test]
fn what_was_lost_at_a_move_near_the_end_is_right_or_unknown() {
    let mut unknown = 0;
    for seed in 0..runs(16) {
        let direction = [Direction::Up, Direction::Down][seed as usize % 2];
        let plan = TestPlan { direction, ..plan(Nanos::from_secs(2)) };
        let mut ends = ClientAndServer::under(seed, plan, &Fault::Nat.weather());
        let at = ends.network.instant() + Nanos::from_millis(1_600 + 30 * (seed % 16));
        ends.run_until(DEADLINE, |ends| ends.network.instant() >= at);
        ends.network.host(ends.client_host).nat().restart();
        let finished = ends.finish(DEADLINE);
        let summary = &finished.summary;
        assert!(summary.moves.len() <= 1, "seed {seed}: {:?}", summary.moves);
        let Some(change) = summary.moves.first() else { continue };
        let (told, lost) = if direction == Direction::Up {
            (change.lost_up, summary.received.map(|received| received.lost))
        } else {
            let firsts: u64 = finished.near_received.iter().map(|end| end.received.firsts).sum();
            (change.lost_down, summary.sent.as_ref().map(|sent| sent.datagrams - firsts))
        };
        unknown += u64::from(told.is_none());
        assert!(told.is_none() || told == lost, "seed {seed}: {told:?} of {lost:?}");
    }
    assert!(unknown > 0 && unknown < runs(16), "{unknown}");
}

#[test]
fn a_stream_whose_port_alone_changes_is_followed() {
    for seed in 0..runs(20) {
        let direction = [Direction::Up, Direction::Down][seed as usize % 2];
        let rate = Rate::Packets(PacketRate(200_000));
        let plan = TestPlan { direction, streams: 2, rate, ..plan(Nanos::from_secs(6)) };
        let mut ends = ClientAndServer::under(seed, plan, &Fault::Nat.weather());
        // While it runs.
        let at = ends.network.instant() + Nanos::from_millis(1_500 + 50 * (seed % 80));
        ends.run_until(DEADLINE, |ends| ends.network.instant() >= at);
        ends.network.host(ends.client_host).nat().forget(stream_address(1));
        let finished = ends.finish(DEADLINE);
        let summary = &finished.summary;
        assert_eq!(summary.failure, None, "seed {seed}: {:#?}", ends.log);
        let (sent, firsts) = if direction == Direction::Up {
            (finished.sent, summary.received.unwrap().firsts)
        } else {
            let firsts = finished.near_received.iter().map(|end| end.received.firsts).sum();
            (summary.sent.as_ref().unwrap().datagrams, firsts)
        };
        // Half of them are of this stream: at most two and a half of six seconds.
        assert!(
            firsts < sent && (sent - firsts) * 24 < sent * 6,
            "seed {seed}: {firsts} of {sent}"
        );
        let [alone] = &summary.moves[..] else { panic!("seed {seed}: {:?}", summary.moves) };
        assert_eq!(alone.stream, Some(1), "seed {seed}: {alone:?}");
        assert_ne!(alone.from.as_ref(), Some(&alone.to), "seed {seed}: {alone:?}");
        let (lost, none) = match direction {
            Direction::Up => (alone.lost_up, alone.lost_down),
            _ => (alone.lost_down, alone.lost_up),
        };
        assert_eq!((lost, none), (Some(sent - firsts), None), "seed {seed}: {alone:?}");
        // The far end told when: from the change until at most two and a half seconds later.
        let after = Nanos(alone.after_ns);
        assert!(after + Nanos::from_secs(1) > at && after < at + Nanos::from_millis(2_500));
    }
}

#[test]
fn a_streams_own_move_adds_nothing_to_an_earlier_one_of_the_session() {
    for seed in 0..runs(12) {
        let direction = [Direction::Up, Direction::Down, Direction::Both][seed as usize % 3];
        let rate = Rate::Packets(PacketRate(200_000));
        let plan = TestPlan { direction, streams: 2, rate, ..plan(Nanos::from_secs(8)) };
        let mut ends = ClientAndServer::under(seed, plan, &Fault::Nat.weather());
        let wait_until = |ends: &mut ClientAndServer, millis| {
            ends.run_until(DEADLINE, |ends| ends.network.instant() >= Nanos::from_millis(millis));
        };
        wait_until(&mut ends, 1_000 + 40 * (seed % 12));
        ends.network.host(ends.client_host).nat().restart();
        wait_until(&mut ends, 4_000);
        // Of a bidirectional run, one of the client's own streams.
        ends.network.host(ends.client_host).nat().forget(stream_address(1));
        let finished = ends.finish(DEADLINE);
        let summary = &finished.summary;
        assert_eq!(summary.failure, None, "seed {seed}: {:#?}", ends.log);
        let [whole, alone] = &summary.moves[..] else { panic!("seed {seed}: {:?}", summary.moves) };
        assert_eq!((whole.stream, alone.stream), (None, Some(1)), "seed {seed}");
        let (mut up, mut down) = (None, None);
        if direction != Direction::Down {
            up = Some(finished.sent - summary.received.unwrap().firsts);
        }
        if direction != Direction::Up {
            let firsts: u64 = finished.near_received.iter().map(|end| end.received.firsts).sum();
            down = Some(summary.sent.as_ref().unwrap().datagrams - firsts);
        }
        let sum = |one: Option<u64>, two: Option<u64>| one.map(|one| one + two.unwrap_or(0));
        let told = (sum(whole.lost_up, alone.lost_up), sum(whole.lost_down, alone.lost_down));
        assert_eq!(told, (up, down), "seed {seed}: {:?}", summary.moves);
        let of_it = if direction == Direction::Down { alone.lost_down } else { alone.lost_up };
        assert!(of_it > Some(0), "seed {seed}: {alone:?}");
    }
}

fn at(seconds: u64) -> Now {
    Now { mono: Nanos::from_secs(seconds), real: Nanos::from_secs(1_700_000_000 + seconds) }
}

fn address(last: u8) -> SocketAddr {
    ([192, 0, 2, last], 4_000).into()
}

/// Hands a line to the server, padded; returns its only reply, which is no longer.
fn told(serve: &mut Serve, now: Now, from: SocketAddr, line: &str) -> Option<Reply> {
    let line = format!("{line:<200}");
    let meta = RxMeta { source: from, ..RxEntry::default().meta };
    let payload = line.as_bytes();
    serve.on_datagram(now, &Datagram { payload, true_len: payload.len(), meta });
    let mut out = TxBatch::new(8, 8 * CONTROL_MAX);
    Session::poll_transmit(serve, now, &mut out);
    assert!(out.len() <= 1 && out.slots().iter().all(|slot| slot.len as usize <= line.len()));
    let slot = out.slots().first()?;
    assert_eq!(out.dest(slot.dest).map(|dest| dest.addr), Some(from));
    Reply::decode(out.payload(slot)).ok()
}

fn param(reply: &Reply, key: &str) -> String {
    reply.params.get(key).unwrap_or_else(|| panic!("no {key} in {reply:?}")).to_owned()
}

/// Opens a session from the first address; returns its name and its value.
fn opened(serve: &mut Serve, now: Now) -> (String, String) {
    let ticket = param(&told(serve, now, address(1), "a HELO").unwrap(), "ticket");
    let hello = told(serve, now, address(1), &format!("b HELO ticket={ticket}")).unwrap();
    (param(&hello, "session"), param(&hello, "proof"))
}

#[test]
fn a_session_moves_by_a_ticket_of_the_new_address_and_its_latest_value_and_by_nothing_less() {
    let (mut serve, _, _) = serve(ServePolicy::default(), 1);
    let (session, first) = opened(&mut serve, at(1));
    // The client returns its value, and gets another.
    let line = format!("c NOOP session={session} proof={first}");
    let second = param(&told(&mut serve, at(2), address(1), &line).unwrap(), "proof");
    let line = format!("d NOOP session={session} proof={second}");
    assert_eq!(told(&mut serve, at(2), address(1), &line).unwrap().code, Code::OK);
    // What was recorded, sent from elsewhere, gets a ticket at most: with it, an older value, a
    // repeated command and a value that never was move nothing.
    let asked = told(&mut serve, at(2), address(2), &line).unwrap();
    let ticket = param(&asked, "ticket");
    assert_eq!((asked.code, asked.params.get("proof")), (Code::STALE, None));
    for forged in [
        format!("e NOOP session={session} proof={first} ticket={ticket}"),
        format!("{line} ticket={ticket}"),
        format!("f NOOP session={session} proof=12 ticket={ticket}"),
        format!("g NOOP session={session} ticket={ticket}"),
    ] {
        assert_eq!(told(&mut serve, at(2), address(2), &forged), None, "{forged}");
    }
    // A ticket is one address's own.
    let moving = format!("h NOOP session={session} proof={second} ticket={ticket}");
    let other = told(&mut serve, at(2), address(3), &moving).unwrap();
    assert_eq!((other.code, other.params.get("moved")), (Code::STALE, None));
    // Until here the client is where it was.
    let line = format!("i NOOP session={session} proof={second}");
    assert_eq!(told(&mut serve, at(3), address(1), &line).unwrap().code, Code::OK);
    let moving = format!("j NOOP session={session} proof={second} ticket={ticket}");
    let moved = told(&mut serve, at(3), address(2), &moving).unwrap();
    assert_eq!((moved.code, param(&moved, "moved")), (Code::OK, address(2).to_string()));
    // Nothing that moved it once moves it again, and its old address is one of many.
    let third = param(&moved, "proof");
    let line = format!("k NOOP session={session} proof={third}");
    assert_eq!(told(&mut serve, at(4), address(2), &line).unwrap().code, Code::OK);
    let back = told(&mut serve, at(4), address(1), &line).unwrap();
    assert_eq!((back.code, back.params.get("proof")), (Code::STALE, None));
}
