//! Runs one session: virtual time, a socket buffer that may be full, and the destinations of
//! everything that it sends.

use super::{Adversary, Ledger};
use crate::batch::{Datagram, RxEntry, RxMeta, SendOutcome, SendStop, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::units::Nanos;
use fastrand::Rng;
use std::net::{IpAddr, SocketAddr};

/// Time between two polls when the session waits for nothing.
const TICK: Nanos = Nanos::from_millis(50);
/// Number of polls at one instant that counts as an endless loop.
const TURNS: u32 = 10_000;

/// How a datagram arrives.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub source: SocketAddr,
    pub destination: IpAddr,
    pub socket: usize,
}

/// A session and its environment.
pub struct Stage<S> {
    pub session: S,
    pub now: Nanos,
    pub ledger: Ledger,
    pub batch: TxBatch,
    pub trouble: u8,
    pub over: bool,
    /// What reached the adversary since the last query.
    heard: Vec<(SocketAddr, Vec<u8>)>,
    last_tick: Nanos,
}

impl<S: Session> Stage<S> {
    /// `trouble` is the percentage of sends for which the socket buffer is full; `moment` is the
    /// maximum delay of an answer to a forged address.
    pub fn new(session: S, batch: TxBatch, (trouble, moment): (u8, Nanos)) -> Self {
        let now = Nanos::from_secs(1_000);
        let ledger = Ledger::new(moment);
        Self {
            session,
            now,
            ledger,
            batch,
            trouble,
            over: false,
            heard: Vec::new(),
            last_tick: now,
        }
    }

    pub fn clock(&self) -> Now {
        Now { mono: self.now, real: Nanos::from_secs(1_700_000_000) + self.now }
    }

    /// A datagram arrives. An immediate answer is sent at once.
    pub fn arrive(&mut self, arrival: Arrival, payload: &[u8], mind: &mut Adversary) {
        let Arrival { source, destination, socket } = arrival;
        if !mind.hears(source) {
            self.ledger.came(self.now, source, payload.len());
        }
        let meta = RxMeta {
            source,
            destination: Some(destination),
            interface: 3,
            arrival: self.clock().real,
            ttl: Some(61),
            tos: Some(0),
            socket,
            ..RxEntry::default().meta
        };
        let datagram = Datagram { payload, true_len: payload.len(), meta };
        self.session.on_datagram(self.clock(), &datagram);
        self.turn(mind);
    }

    /// The same; returns what was sent to its source then.
    pub fn hear(&mut self, arrival: Arrival, payload: &[u8], mind: &mut Adversary) -> Vec<Vec<u8>> {
        self.heard.clear();
        self.arrive(arrival, payload, mind);
        let heard = std::mem::take(&mut self.heard).into_iter();
        heard.filter(|(at, _)| *at == arrival.source).map(|(_, bytes)| bytes).collect()
    }

    /// Time passes, and the session does what is due.
    pub fn pass(&mut self, span: Nanos, mind: &mut Adversary) {
        let end = self.now + span;
        while self.now < end && !self.over {
            let next = self.turn(mind);
            // During a long wait polls are less frequent: only what is due matters.
            let look = self.now + TICK.max(Nanos(span.0 / 64));
            let at = match next {
                Next::WaitUntil(at) => at.max(self.now + Nanos(1)).min(look),
                Next::Send => self.now + Nanos::from_millis(1),
                Next::Idle | Next::Done => look,
            };
            self.now = at.min(end);
            if self.now - self.last_tick >= TICK {
                self.last_tick = self.now;
                self.session.on_tick(self.clock());
            }
        }
        self.turn(mind);
    }

    /// The session sends what it has, as far as the socket accepts it.
    fn turn(&mut self, mind: &mut Adversary) -> Next {
        for _ in 0..TURNS {
            if self.over {
                return Next::Done;
            }
            self.batch.clear();
            let next = self.session.poll_transmit(self.clock(), &mut self.batch);
            let outcome = self.outcome(&mut mind.rng);
            for slot in &self.batch.slots()[..outcome.accepted] {
                let dest = self.batch.dest(slot.dest).expect("nobody is connected");
                let bytes = self.batch.payload(slot);
                if mind.hears(dest.addr) {
                    mind.learn(dest.addr, bytes);
                    self.heard.push((dest.addr, bytes.to_vec()));
                } else if let Err(wrong) = self.ledger.left(self.now, dest.addr, bytes.len()) {
                    let text = String::from_utf8_lossy(bytes);
                    panic!("seed {}: {wrong}: {text:.200}\n{}", mind.seed, mind.story());
                }
            }
            if !self.batch.is_empty() {
                self.session.on_sent(self.clock(), &self.batch, &outcome);
            }
            self.over = next == Next::Done && self.batch.is_empty();
            match (next, outcome.stop) {
                (Next::Send, None | Some(SendStop::Refused { .. })) => {}
                _ if outcome.stop == Some(SendStop::Blocked) => return Next::Send,
                _ if !self.batch.is_empty() => {}
                _ => return next,
            }
        }
        panic!("seed {}: it sends for ever at one instant\n{}", mind.seed, mind.story());
    }

    fn outcome(&self, rng: &mut Rng) -> SendOutcome {
        let all = self.batch.len();
        if all == 0 || rng.u8(..100) >= self.trouble {
            return SendOutcome { accepted: all, stop: None };
        }
        let accepted = rng.usize(..all);
        let stop = if rng.bool() {
            SendStop::Blocked
        } else {
            SendStop::Refused { datagrams: 1, errno: 1 }
        };
        SendOutcome { accepted, stop: Some(stop) }
    }
}
