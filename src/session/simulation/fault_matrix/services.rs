//! The server with clients of every kind at once: a run of `blast`, STAMP, STUN and a probe.

use super::super::client_and_server::{ClientAndServer, client_address, plan, server_address};
use super::{Machine, Trial, ping};
use crate::batch::TxBatch;
use crate::control::Sealer;
use crate::netsim::{Fault, SimSocket};
use crate::record::{ServeRecord, SessionEnd};
use crate::session::blast::{Direction, TestPlan};
use crate::session::ping::PingSession;
use crate::session::probe::marks::{MarksKind, MarksPlan};
use crate::session::probe::nat::{NatPlan, NatSession, RunId};
use crate::session::probe::{FarEnd, RoundDriver, RoundParameters};
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::{Ask, PortList};
use std::fmt::Debug;
use std::net::SocketAddr;

pub const SERVE: Machine = Machine {
    name: "serve",
    against: "blast both, ping, probe nat and probe marks at once",
    seeds: 2,
    event_at: Nanos::from_millis(500),
    ends_within: Nanos::from_secs(200),
    may_fail: Fault::may_fail_a_run,
    never: "refuses a client, breaks a sound session off, or keeps one that is over",
    run,
};

/// Longer than the server keeps a session whose client is silent, and is owed no answer.
const FORGOTTEN: Nanos = Nanos::from_secs(60);
/// The longest time between the answers to one probe request.
const LONGEST_GAP: Nanos = Nanos::from_millis(u16::MAX as u64);

fn near(port: u16) -> SimSocket {
    SimSocket::bound(SocketAddr::new(client_address().ip(), port))
}

/// How long answers may be due that a probe request asks for, if its numbers are not what was sent:
/// a session waits for them, as `probe timeout` needs it.
fn owed() -> Nanos {
    Ask::LONGEST_DELAY + Nanos(LONGEST_GAP.0 * u64::from(Ask::MOST_ANSWERS))
}

fn run(trial: &mut Trial<'_>) {
    let rate = Rate::Packets(PacketRate(200_000));
    let plan = TestPlan { direction: Direction::Both, rate, ..plan(Nanos::from_secs(2)) };
    let mut ends = ClientAndServer::under(trial.seed, plan, &trial.weather());
    let host = ends.client_host;
    let session = PingSession::new(ping::plan(server_address()), ping::Rows::default());
    let ping = ends.network.start(host, &[near(5_000)], session);
    let ports = [5_001, 5_002, 5_003];
    let stun = NatSession::new(NatPlan {
        server: server_address(),
        second: None,
        locals: ports.map(|port| near(port).address).to_vec(),
        tries: 10,
        wait: Nanos::from_millis(500),
        hairpin: false,
        run: RunId(*b"12345678"),
    });
    let stun = ends.network.start(host, &ports.map(near), stun);
    let manner = RoundParameters {
        target: server_address(),
        ports: PortList::default(),
        spacing: Nanos::from_millis(60),
        wait: Nanos::from_millis(600),
    };
    let agent = FarEnd::new(server_address(), 0, Sealer::new(None, 1), Nanos::from_secs(5));
    let marks = MarksKind::new(MarksPlan { target: server_address(), tries: 2 });
    let marks = RoundDriver::new(manner, marks, agent);
    let batch = TxBatch::new(128, 1 << 20);
    let marks = ends.network.start_with(host, &[near(5_004)], marks, batch);
    let others = [ping.id(), stun.id(), marks.id()];
    for id in &others {
        ends.network.set_tick(*id, Nanos::from_millis(50));
    }

    let blast = ends.finish(trial.deadline()).summary;
    let is_over = |ends: &ClientAndServer| others.iter().all(|id| ends.network.is_over(*id));
    ends.run_until(trial.deadline(), is_over);
    let at = ends.network.instant();
    let gone = at + FORGOTTEN + if trial.is_forged() { owed() } else { Nanos::ZERO };
    while ends.step(gone) {}
    hold_log(trial, &ends);

    let now = ends.network.now(ping.id());
    let (ping, stun) = (ping.finish(now).summary, stun.finish(now));
    let served = [
        ("blast", blast.failure.is_none()),
        ("ping", ping.answered()),
        ("stun", stun.answered),
        ("marks", marks.finish(now).facts.is_ok()),
    ];
    let is_failed = served.iter().any(|(_, is_served)| !is_served);
    let failure = is_failed.then_some(&served as &dyn Debug);
    let sessions = ends.sessions;
    trial.conclude(at, failure, &(sessions, served), &ends.log);
}

fn hold_log(trial: &mut Trial<'_>, ends: &ClientAndServer) {
    let mut ended = Vec::new();
    let (mut granted, mut streams) = (0, 0);
    for record in &ends.log {
        match record {
            ServeRecord::SessionClosed { ended: how, .. } => ended.push(*how),
            ServeRecord::TestGranted { .. } => granted += 1,
            ServeRecord::StreamReceived { .. } | ServeRecord::StreamSent { .. } => streams += 1,
            ServeRecord::Refused { .. } | ServeRecord::StreamFailed { .. } => {
                trial.never(record, true);
            }
            _ => {}
        }
    }
    let (opened, open) = (ends.sessions as u64, ends.open_sessions() as u64);
    trial.own_sum("sessions opened = closed + open", opened, &[ended.len() as u64, open]);
    trial.own_sum("sessions open at the end: none", open, &[]);
    trial.own_at_most("runs granted <= sessions", granted, opened);
    trial.own_at_most("streams ended <= streams opened", streams, ends.opens as u64);
    let is_sound = !trial.fault.may_fail_a_run();
    // Of a client that has gone, and whose farewells were lost; one that is there would fail.
    let may_expire = trial.fault.loses_by_chance();
    for how in ended {
        let is_fair = how == SessionEnd::Closed || may_expire && how == SessionEnd::Expired;
        trial.never(how, is_sound && !is_fair);
    }
}
