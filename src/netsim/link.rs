//! A link with a model of what it does in each direction, and a log of what it did.

use super::extremes::alter;
use super::packet::{Content, Emitted, Packet, Passed};
use super::way::Way;
use crate::impair::{Chance, Change, Impairer, Impairments};
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use fastrand::Rng;

/// Congestion experienced, and the two that are capable of it (RFC 3168 §5).
const CE: u8 = 3;

/// What became of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// When it was handed in.
    pub at: Nanos,
    /// Its number, where it is numbered payload.
    pub sequence: Option<u32>,
    /// Copies that were let through: 0 when it was lost.
    pub copies: usize,
}

/// One direction of a link.
#[derive(Debug)]
pub struct Direction {
    impairer: Impairer,
    /// A burst of loss is over where nothing comes for so long.
    burst_ends: Nanos,
    /// When the last one came.
    last: Nanos,
    /// The share in which an extreme number stands in the place of one that was sent.
    pub extremes: Chance,
    extremes_rng: Rng,
    /// Every datagram that was handed in, in order.
    pub passages: Vec<Passage>,
    /// The passages that a receiver took, in the order in which it did.
    pub arrivals: Vec<usize>,
    /// What had been done to the content of each of these, here or elsewhere.
    pub changes: Vec<Option<Change>>,
}

impl Direction {
    /// A direction that does this.
    pub fn new(impairments: Impairments, seed: u64) -> Self {
        Self {
            impairer: Impairer::new(impairments, seed),
            burst_ends: Nanos::MAX,
            last: Nanos::ZERO,
            extremes: Chance::NEVER,
            extremes_rng: Rng::with_seed(seed ^ 0xE1),
            passages: Vec::new(),
            arrivals: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// From now on it does this instead.
    pub fn impose(&mut self, impairments: Impairments) {
        self.impairer = Impairer::new(impairments, self.extremes_rng.u64(..));
    }

    /// When each copy arrives, and as what; each fragment of a datagram has its own fate, and only
    /// what is whole arrives.
    fn carry(&mut self, now: Nanos, packet: Packet) -> Vec<(Nanos, Packet)> {
        let pieces = packet.pieces();
        let length = (packet.ip_len() / pieces) as usize;
        let is_ect = packet.tos & CE != 0;
        let mut copies = Vec::new();
        self.impairer.carry(now, length, is_ect, |arrival| copies.push(arrival));
        for _ in 1..pieces {
            let mut number = 0;
            self.impairer.carry(now, length, is_ect, |arrival| {
                if let Some(copy) = copies.get_mut(number) {
                    copy.at = copy.at.max(arrival.at);
                }
                number += 1;
            });
            copies.truncate(number);
        }
        let deliver = |(copy, mut packet): (crate::impair::Arrival, Packet)| {
            if copy.is_marked {
                packet.tos |= CE;
            }
            if let (Some(flip), Content::Udp(payload)) = (copy.flip, &mut packet.content) {
                flip.apply(payload);
            }
            // The model counts the headers, too.
            let change = copy.change.map(|change| change.without(packet.header_len()));
            if let (Some(change), Content::Udp(payload)) = (change, &mut packet.content) {
                change.apply(payload);
                packet.change = Some(change);
            }
            (copy.at, packet)
        };
        let each = std::iter::repeat_n(packet, copies.len());
        copies.into_iter().zip(each).map(deliver).collect()
    }

    fn pass(&mut self, now: Nanos, packet: Packet) -> (usize, Vec<(Nanos, Packet)>) {
        let header = packet.payload().and_then(|payload| Header::decode(payload).ok());
        let data = header.filter(|header| header.kind == Kind::Data);
        let sequence = data.map(|header| header.sequence);
        if now - self.last >= self.burst_ends {
            self.impairer.end_burst();
        }
        self.last = now;
        let mut copies = self.carry(now, packet);
        for (_, packet) in &mut copies {
            if let Content::Udp(payload) = &mut packet.content
                && self.extremes.draw(&mut self.extremes_rng)
            {
                alter(payload, &mut self.extremes_rng);
            }
        }
        self.passages.push(Passage { at: now, sequence, copies: copies.len() });
        (self.passages.len() - 1, copies)
    }
}

/// Picks some of the packets.
pub type Pick = fn(&Packet) -> bool;

/// A link between two elements of a line.
#[derive(Debug)]
pub struct Link {
    /// From the host to the core.
    pub out: Direction,
    /// From the core to the host.
    pub back: Direction,
    /// Which packets it is for; the others pass at once and are not in its log. `None` for all.
    pub picks: Option<Pick>,
    /// Where it stands, for the trail of packets.
    pub(super) place: (usize, usize),
}

impl Link {
    /// A link that does these, out and back. The network gives it its seeds.
    pub fn new(out: Impairments, back: Impairments) -> Self {
        let direction = |impairments| Direction::new(impairments, 0);
        Self { out: direction(out), back: direction(back), picks: None, place: (0, 0) }
    }

    /// The same in both directions.
    pub fn both(impairments: &Impairments) -> Self {
        Self::new(impairments.clone(), impairments.clone())
    }

    /// The same link, with extreme numbers in this share of what it carries, either way.
    #[must_use]
    pub fn with_extremes(mut self, share: Chance) -> Self {
        self.out.extremes = share;
        self.back.extremes = share;
        self
    }

    /// The same link, whose bursts of loss are over where nothing comes for so long: what makes them,
    /// a full queue or a fading radio, does not wait for the next datagram.
    #[must_use]
    pub fn with_bursts_that_end(mut self, after: Nanos) -> Self {
        self.out.burst_ends = after;
        self.back.burst_ends = after;
        self
    }

    /// The same link for these packets alone; all others pass untouched.
    #[must_use]
    pub fn choosing(self, picks: Pick) -> Self {
        Self { picks: Some(picks), ..self }
    }

    /// Whether it does anything to a packet.
    pub(super) fn is_for(&self, packet: &Packet) -> bool {
        self.picks.is_none_or(|picks| picks(packet))
    }

    /// Its direction.
    pub fn direction(&mut self, way: Way) -> &mut Direction {
        match way {
            Way::Out => &mut self.out,
            Way::Back => &mut self.back,
        }
    }

    pub(super) fn seed(&mut self, seed: u64, place: (usize, usize)) {
        self.place = place;
        for (direction, salt) in [(&mut self.out, 1), (&mut self.back, 2)] {
            let impairments = direction.impairer.impairments().clone();
            let Direction { burst_ends, extremes, .. } = *direction;
            let new = Direction::new(impairments, seed ^ salt);
            *direction = Direction { burst_ends, extremes, ..new };
        }
    }

    pub(super) fn pass(&mut self, now: Nanos, way: Way, packet: Packet, emitted: &mut Emitted) {
        let (host, element) = self.place;
        let (passage, copies) = self.direction(way).pass(now, packet);
        for (at, mut packet) in copies {
            packet.trail.push(Passed { host, element, way, passage });
            emitted.on.push((at, packet));
        }
    }
}

#[test]
fn a_link_for_some_packets_leaves_the_others_alone() {
    let lost = crate::impair::Loss::Independent(Chance::ALWAYS);
    let lossy = Impairments { loss: lost, ..Impairments::default() };
    let is_long = |packet: &Packet| packet.payload().is_some_and(|payload| payload.len() > 10);
    let link = Link::both(&lossy).choosing(is_long);
    let at = |text: &str| text.parse().unwrap();
    let mut element = super::Element::from(link);
    let admitted = [10, 11].map(|len| {
        let mut packet = Packet::udp(at("10.0.0.1:1"), at("10.0.0.2:2"), vec![7; len]);
        let admitted = element.admits(Nanos(5), Way::Out, &mut packet);
        (admitted, element.pass(Nanos(5), Way::Out, packet).on.len())
    });
    assert_eq!(admitted, [(Some(true), 0), (None, 0)]);
}

#[test]
fn a_burst_ends_with_time_where_it_is_told_to() {
    use crate::impair::{GilbertElliott, Loss};
    // Once bad, it never becomes good by itself.
    let model =
        GilbertElliott { to_good: Chance::NEVER, ..GilbertElliott::bursts(Chance::percent(5), 5) };
    let path = Impairments { loss: Loss::Bursts(model), ..Impairments::default() };
    let passing = |every: Nanos| {
        let mut link = Link::both(&path).with_bursts_that_end(Nanos::from_millis(100));
        link.seed(7, (0, 0));
        let at = |text: &str| text.parse().unwrap();
        let packet = || Packet::udp(at("10.0.0.1:1"), at("10.0.0.2:2"), vec![7; 10]);
        let passes = |number: &u64| {
            let mut emitted = Emitted::default();
            link.pass(Nanos(number * every.0), Way::Out, packet(), &mut emitted);
            !emitted.on.is_empty()
        };
        (1..=2_000).filter(passes).count()
    };
    assert!(passing(Nanos::from_millis(99)) < 1_000);
    assert!(passing(Nanos::from_millis(100)) > 1_900);
}
