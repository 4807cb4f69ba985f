//! One direction of a path: what it does to datagrams, and what it did to each.

use crate::netsim::alter;
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::ops::Range;

/// What a link does wrong. The default does nothing wrong and takes one millisecond.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Share that is lost, 0 to 1.
    pub loss: f64,
    /// Datagrams that are lost for certain, by their order on this link.
    pub lose: Vec<Range<u64>>,
    /// Share that comes twice.
    pub duplication: f64,
    /// What every datagram takes.
    pub delay: Nanos,
    /// What it takes more, at most; more than the gap between two lets them overtake.
    pub jitter: Nanos,
    /// Share that is held back, and a second copy with the same chance of its own.
    pub held: f64,
    /// For how long at most.
    pub hold: Nanos,
    /// Share in which an extreme number stands in the place of one that was sent.
    pub extremes: f64,
    /// The receiving card tells of arrivals only at multiples of this; zero for at once.
    pub moderation: Nanos,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            loss: 0.0,
            lose: Vec::new(),
            duplication: 0.0,
            delay: Nanos::from_millis(1),
            jitter: Nanos::ZERO,
            held: 0.0,
            hold: Nanos::ZERO,
            extremes: 0.0,
            moderation: Nanos::ZERO,
        }
    }
}

/// What became of one datagram.
#[derive(Clone, Debug)]
pub struct Passage {
    /// When it was handed in.
    pub at: Nanos,
    /// Its number, where it is numbered payload.
    pub sequence: Option<u32>,
    /// Copies that were let through: 0 when it was lost.
    pub copies: usize,
}

/// One direction between two hosts.
#[derive(Debug)]
pub struct Link {
    pub faults: Faults,
    rng: fastrand::Rng,
    /// Every datagram that was handed in, in order.
    pub passages: Vec<Passage>,
    /// The passages that a receiver took, in the order in which it did.
    pub arrivals: Vec<usize>,
}

impl Link {
    pub fn new(faults: Faults, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { faults, rng, passages: Vec::new(), arrivals: Vec::new() }
    }

    /// Takes a datagram at `now`: its passage, and when each of its copies arrives.
    pub fn carry(&mut self, now: Nanos, payload: &[u8]) -> (usize, Vec<Nanos>) {
        let passage = self.passages.len();
        let certain = self.faults.lose.iter().any(|lost| lost.contains(&(passage as u64)));
        let mut copies = Vec::new();
        if !certain && self.rng.f64() >= self.faults.loss {
            let twice = self.rng.f64() < self.faults.duplication;
            copies.extend((0..=usize::from(twice)).map(|_| self.arrival(now)));
        }
        let header = Header::decode(payload).ok().filter(|header| header.kind == Kind::Data);
        let sequence = header.map(|header| header.sequence);
        self.passages.push(Passage { at: now, sequence, copies: copies.len() });
        (passage, copies)
    }

    /// What arrives of a datagram.
    pub fn deliver(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = payload.to_vec();
        // No draw where there is nothing to draw for: a seed is the same run as before.
        if self.faults.extremes > 0.0 && self.rng.f64() < self.faults.extremes {
            alter(&mut bytes, &mut self.rng);
        }
        bytes
    }

    fn arrival(&mut self, now: Nanos) -> Nanos {
        let mut at = now + self.faults.delay + Nanos(self.rng.u64(0..=self.faults.jitter.0));
        if self.rng.f64() < self.faults.held {
            at += Nanos(self.rng.u64(0..=self.faults.hold.0));
        }
        match self.faults.moderation.0 {
            0 => at,
            period => Nanos(at.0.div_ceil(period) * period),
        }
    }
}

#[test]
fn the_link_writes_down_what_it_did() {
    let faults =
        Faults { loss: 0.3, duplication: 0.2, lose: vec![0..2, 2..3], ..Faults::default() };
    let mut link = Link::new(faults, 1);
    let copies: Vec<usize> = (0..10_000).map(|_| link.carry(Nanos(5), b"x").1.len()).collect();
    let of = |wanted| copies.iter().filter(|copies| **copies == wanted).count();
    assert!(copies.iter().eq(link.passages.iter().map(|passage| &passage.copies)));
    assert_eq!(copies[..3], [0, 0, 0]);
    assert!((2_800..3_200).contains(&of(0)) && (1_200..1_600).contains(&of(2)), "{}", of(2));
}
