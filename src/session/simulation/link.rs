//! One direction of a path: what it does to datagrams, and a log of that.

use crate::netsim::alter;
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::ops::Range;

/// Faults of a link. The default has none and a delay of one millisecond.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Loss rate, 0 to 1.
    pub loss: f64,
    /// Datagrams that are certainly lost, by their order on this link.
    pub lose: Vec<Range<u64>>,
    /// Duplication rate.
    pub duplication: f64,
    /// Fixed delay.
    pub delay: Nanos,
    /// Maximum additional delay; more than the spacing of two datagrams causes reordering.
    pub jitter: Nanos,
    /// Share that is held back; a second copy is held back with the same probability.
    pub held: f64,
    /// Maximum time of that.
    pub hold: Nanos,
    /// Share in which a number is replaced by an extreme one.
    pub extremes: f64,
    /// Interrupt moderation: arrivals are reported only at multiples of this; zero for immediately.
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

/// What happened to one datagram.
#[derive(Clone, Debug)]
pub struct Passage {
    /// When it was sent.
    pub at: Nanos,
    /// Its sequence number, if it has one.
    pub sequence: Option<u32>,
    /// Copies that arrived: 0 if it was lost.
    pub copies: usize,
}

/// One direction between two hosts.
#[derive(Debug)]
pub struct Link {
    pub faults: Faults,
    rng: fastrand::Rng,
    /// All datagrams, in the order of sending.
    pub passages: Vec<Passage>,
    /// Indices of the passages that a receiver accepted, in order.
    pub arrivals: Vec<usize>,
}

impl Link {
    pub fn new(faults: Faults, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { faults, rng, passages: Vec::new(), arrivals: Vec::new() }
    }

    /// Carries a datagram sent at `now`; returns its passage, and the arrival time of each copy.
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

    /// The payload as it arrives.
    pub fn deliver(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = payload.to_vec();
        // No random draw unless needed, so that a seed still gives the same run.
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
