//! A NAT and a STUN server in memory, with every behaviour of RFC 4787, and random loss by a seed.

use super::{NatPlan, NatSession, RunId};
use crate::batch::{Datagram, RxEntry, RxMeta, SendOutcome, SendStop, TxBatch};
use crate::record::probe::{Dependence, NatReport, PortChoice};
use crate::session::serve::{Reflection, Reflector};
use crate::session::stun::{StunAlternate, StunPolicy, StunReflector};
use crate::session::{Next, Now, Session};
use crate::units::Nanos;
use fastrand::Rng;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

const START: Nanos = Nanos::from_secs(1);
/// Delay in each direction.
const DELAY: Nanos = Nanos::from_millis(10);

/// What is between the host and the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// `None` for no NAT.
    pub mapping: Option<Dependence>,
    pub filtering: Dependence,
    pub ports: PortChoice,
    pub hairpin: bool,
    /// Whether the server has a second address.
    pub two_addresses: bool,
    /// Whether the server has a second port.
    pub two_ports: bool,
    /// Loss rate, out and back.
    pub loss: [f64; 2],
    /// How often each answer arrives, by duplication in either direction.
    pub copies: u64,
    /// Everything sent later than this after the start is lost.
    pub until: Nanos,
    /// Error with which this host refuses every send; `None` if it does not.
    pub refused: Option<i32>,
    pub seed: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            mapping: Some(Dependence::EndpointIndependent),
            filtering: Dependence::AddressAndPortDependent,
            ports: PortChoice::Kept,
            hairpin: false,
            two_addresses: true,
            two_ports: true,
            loss: [0.0; 2],
            copies: 1,
            until: Nanos::MAX,
            refused: None,
            seed: 1,
        }
    }
}

/// The part of the remote address that a rule depends on.
fn key(dependence: Dependence, far: SocketAddr) -> (Option<IpAddr>, Option<u16>) {
    match dependence {
        Dependence::EndpointIndependent => (None, None),
        Dependence::AddressDependent => (Some(far.ip()), None),
        _ => (Some(far.ip()), Some(far.port())),
    }
}

type Key = (Option<IpAddr>, Option<u16>);

struct Nat {
    rules: Rules,
    random: Rng,
    mapped: HashMap<(SocketAddr, Key), SocketAddr>,
    inside: HashMap<SocketAddr, SocketAddr>,
    let_in: HashSet<(SocketAddr, Key)>,
    next: u16,
}

impl Nat {
    fn out(&mut self, local: SocketAddr, far: SocketAddr) -> SocketAddr {
        let mapped = match self.rules.mapping {
            None => local,
            Some(mapping) => {
                let key = (local, key(mapping, far));
                let known = self.mapped.get(&key).copied();
                known.unwrap_or_else(|| {
                    let port = self.free_port(local.port());
                    let mapped = SocketAddr::from(([203, 0, 113, 1], port));
                    self.mapped.insert(key, mapped);
                    mapped
                })
            }
        };
        self.inside.insert(mapped, local);
        self.let_in.insert((mapped, key(self.rules.filtering, far)));
        mapped
    }

    fn free_port(&mut self, wanted: u16) -> u16 {
        loop {
            self.next += 1;
            let port = match self.rules.ports {
                PortChoice::Kept => wanted.wrapping_add(self.next - 1),
                PortChoice::Sequential => 20_000 + self.next,
                _ => self.random.u16(1024..),
            };
            let at = SocketAddr::from(([203, 0, 113, 1], port));
            if self.rules.ports == PortChoice::Kept {
                self.next = 0;
                if !self.inside.contains_key(&at) {
                    return port;
                }
                self.next = self.random.u16(1..1000);
            } else if !self.inside.contains_key(&at) {
                return port;
            }
        }
    }

    fn back(&self, mapped: SocketAddr, far: SocketAddr) -> Option<SocketAddr> {
        let is_let_in = self.let_in.contains(&(mapped, key(self.rules.filtering, far)));
        is_let_in.then(|| self.inside.get(&mapped).copied()).flatten()
    }
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The outcome of a batch at a host that refuses to send, or does not.
fn outcome_of(batch: &TxBatch, refused: Option<i32>) -> SendOutcome {
    match refused.filter(|_| !batch.is_empty()) {
        Some(errno) => {
            let stop = Some(SendStop::Refused { datagrams: 1, errno });
            SendOutcome { accepted: 0, stop }
        }
        None => SendOutcome { accepted: batch.len(), stop: None },
    }
}

/// Runs `probe nat` through the rules.
pub(super) fn probed(rules: Rules) -> NatReport {
    let server = at("198.51.100.1:8620");
    let mut locals: Vec<SocketAddr> =
        (0..6).map(|n| SocketAddr::from(([10, 0, 0, 5], 40_000 + 37 * n))).collect();
    let run = RunId(*b"12345678");
    let plan = NatPlan {
        server,
        second: None,
        locals: locals.clone(),
        tries: 10,
        wait: Nanos::from_millis(500),
        hairpin: true,
        run,
    };
    locals.push(at("10.0.0.5:50000"));
    let alternate = rules.two_ports.then_some(StunAlternate { socket: 1, port: 8621 });
    let policy = StunPolicy { port: 8620, alternate, ..StunPolicy::default() };
    let mut reflector = StunReflector::new(policy, |meta: &RxMeta| {
        let (first, second) = ("198.51.100.1".parse().ok(), "198.51.100.2".parse().ok());
        let other = if meta.destination == first { second } else { first };
        other.filter(|_| rules.two_addresses)
    });
    let mut random = Rng::with_seed(rules.seed);
    let mut nat = Nat {
        rules,
        random: random.fork(),
        mapped: HashMap::new(),
        inside: HashMap::new(),
        let_in: HashSet::new(),
        next: 0,
    };
    let mut session = NatSession::new(plan);
    let mut batch = TxBatch::new(64, 64 * NatSession::request_len());
    // Arrivals at the host, by time: socket, source, bytes.
    let mut arrivals: BTreeMap<(Nanos, u64), (usize, SocketAddr, Vec<u8>)> = BTreeMap::new();
    let mut number = 0;
    let mut now = START;
    loop {
        let clock = |mono| Now { mono, real: mono };
        while let Some(entry) = arrivals.first_entry().filter(|first| first.key().0 <= now) {
            let (socket, source, bytes) = entry.remove();
            let meta = RxMeta { source, socket, arrival: now, ..RxEntry::default().meta };
            let datagram = Datagram { payload: &bytes, true_len: bytes.len(), meta };
            session.on_datagram(clock(now), &datagram);
        }
        let next = session.poll_transmit(clock(now), &mut batch);
        session.on_sent(clock(now), &batch, &outcome_of(&batch, rules.refused));
        for slot in batch.slots().iter().filter(|_| rules.refused.is_none()) {
            let dest = *batch.dest(slot.dest).unwrap();
            let payload = batch.payload(slot).to_vec();
            let (local, to) = (locals[dest.socket], dest.addr);
            let seen = nat.out(local, to);
            number += 1;
            if random.f64() < rules.loss[0] || now - START > rules.until {
                continue;
            }
            if to.ip() == seen.ip() {
                // To a mapped address of the NAT itself.
                if let Some(inside) = nat.back(to, seen).filter(|_| rules.hairpin) {
                    let socket = locals.iter().position(|local| *local == inside).unwrap();
                    arrivals.insert((now + DELAY, number), (socket, seen, payload));
                }
                continue;
            }
            let is_second = to.port() == 8621;
            let served =
                (rules.two_ports || !is_second) && (rules.two_addresses || to.ip() == server.ip());
            if !served {
                continue;
            }
            let socket = usize::from(is_second);
            let destination = Some(to.ip());
            let meta = RxMeta { source: seen, socket, destination, ..RxEntry::default().meta };
            let datagram = Datagram { payload: &payload, true_len: payload.len(), meta };
            let mut reply = Vec::new();
            let from = match reflector.answer(clock(now), &datagram, &mut reply) {
                Reflection::Silent => continue,
                Reflection::Answered { .. } => to,
                Reflection::Elsewhere { socket, from } => {
                    let port = if socket == 1 { 8621 } else { 8620 };
                    (from.unwrap(), port).into()
                }
            };
            if random.f64() < rules.loss[1] {
                continue;
            }
            if let Some(inside) = nat.back(seen, from) {
                let socket = locals.iter().position(|local| *local == inside).unwrap();
                let at = |copy| now + DELAY + DELAY + Nanos::from_micros(20 * copy);
                let each = (0..rules.copies).map(|copy| (at(copy), number));
                arrivals.extend(each.map(|at| (at, (socket, from, reply.clone()))));
            }
        }
        batch.clear();
        let arrival = arrivals.first_key_value().map_or(Nanos::MAX, |(key, _)| key.0);
        now = match next {
            Next::Done => return session.finish(clock(now)),
            Next::WaitUntil(at) => at.min(arrival).max(now),
            Next::Send => now,
            Next::Idle => arrival,
        };
        assert!(now < Nanos::from_secs(60), "it does not end");
    }
}
