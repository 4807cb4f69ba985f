//! A name with several addresses: which one a command uses.

use crate::batch::TxBatch;
use crate::control::{Handshake, Issuer, Patience, Sealer, Step};
use crate::engine::{Loop, LoopConfig, random_u64};
use crate::net::{Socket, SocketPlan};
use crate::record::{NameChoice, note_choice};
use crate::report;
use crate::report::words::address::{first_of_silent, first_to_answer};
use crate::session::{AddressRace, in_turn};
use crate::units::{Endpoint, Nanos, any_address};
use crate::wire::{ControlKey, Verb, stamp::StampRequest};
use std::net::SocketAddr;

/// Most addresses of a name that are tried.
const MOST: usize = 8;

/// The question of commands that speak with a server.
pub fn hello(key: Option<&ControlKey>) -> Vec<u8> {
    let Ok(seed) = random_u64() else { return Vec::new() };
    let mut issuer = Issuer::new("n", Sealer::new(key.cloned(), seed));
    let mut handshake = Handshake::new(Verb::Helo, 0);
    let patience = Patience::new(Nanos::from_secs(1));
    match handshake.poll(Nanos::ZERO, &mut issuer, &patience, |_, _| {}) {
        Step::Send(bytes) => bytes.to_vec(),
        Step::Wait(_) | Step::TimedOut => Vec::new(),
    }
}

/// The question of `ping`: reflectors answer it, and whoever echoes.
pub fn stamp_request(key: Option<&ControlKey>) -> Vec<u8> {
    let request = StampRequest::default();
    match key {
        Some(key) => request.encode_signed(&key.stamp()).to_vec(),
        None => request.encode().to_vec(),
    }
}

/// The address of `name` that answers `question` first, or the resolver's first if none does; which
/// one it is, is told. `addrs` is not empty. `plan` has the interface to send on.
pub fn choose(
    name: &str,
    addrs: &[SocketAddr],
    plan: &SocketPlan,
    question: impl FnOnce() -> Vec<u8>,
) -> SocketAddr {
    let first = addrs[0];
    let mut wanted = in_turn(addrs);
    wanted.truncate(MOST);
    if wanted.len() < 2 {
        return first;
    }
    // What cannot be connected to has no route.
    let open = |addr: SocketAddr| -> Option<(SocketAddr, Socket)> {
        let plan = SocketPlan { bind: any_address(addr), connect: Some(addr), ..plan.clone() };
        plan.open().ok().map(|socket| (addr, socket))
    };
    let (reachable, sockets): (Vec<SocketAddr>, Vec<Socket>) =
        wanted.iter().copied().filter_map(open).unzip();
    let winner = race(&reachable, sockets, question());
    let taken = winner.or_else(|| reachable.first().copied()).unwrap_or(first);
    let others: Vec<Endpoint> =
        wanted.into_iter().filter(|addr| *addr != taken).map(Endpoint::from).collect();
    let said = if winner.is_some() { first_to_answer } else { first_of_silent };
    report::note(said(name, taken.into(), &others));
    let answered = winner.is_some();
    note_choice(NameChoice { name: name.to_owned(), taken: taken.into(), answered, others });
    taken
}

fn race(addrs: &[SocketAddr], sockets: Vec<Socket>, question: Vec<u8>) -> Option<SocketAddr> {
    if question.is_empty() || sockets.is_empty() {
        return None;
    }
    let room = addrs.len() * question.len();
    let looped = Loop::new(sockets, None, LoopConfig::default()).ok()?;
    let race = AddressRace::new(addrs.to_vec(), question);
    let winner = looped.run(race, TxBatch::new(addrs.len(), room)).ok()?.summary?;
    addrs.get(winner).copied()
}
