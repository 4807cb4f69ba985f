//! What the live view shows of a relay: the rates of both directions, what was not forwarded, and
//! the destinations.

use super::blast_scene::rate_graph;
use super::live_view::{Bar, Graph, History, Moment, Picture, Scene, Stage};
use super::relay_destinations::destinations;
use super::words::{live as words, relay};
use crate::record::{RelayDestination, RelayInterval, RelayRates};
use crate::units::{Nanos, group_digits};

/// A running relay.
#[derive(Clone, Debug)]
pub struct RelayScene {
    heading: String,
    expected: Option<Nanos>,
    every: Nanos,
    flows: u64,
    up: Way,
    down: Way,
    lost: History,
    destinations: Vec<RelayDestination>,
}

/// One direction so far.
#[derive(Clone, Debug, Default)]
struct Way {
    bits: History,
    packets: History,
    forwarded: u64,
    dropped: u64,
    refused: u64,
    queued: u64,
}

impl RelayScene {
    /// A relay that has forwarded nothing; `every` is the length of its intervals.
    pub fn new(heading: String, expected: Option<Nanos>, every: Nanos) -> Self {
        Self {
            heading,
            expected,
            every,
            flows: 0,
            up: Way::default(),
            down: Way::default(),
            lost: History::default(),
            destinations: Vec::new(),
        }
    }

    /// An interval has ended.
    pub fn interval(&mut self, interval: &RelayInterval) {
        let (up, down) = (&interval.up, &interval.down);
        self.flows = interval.flows;
        self.up.add(up);
        self.down.add(down);
        let lost = up.dropped_datagrams
            + up.refused_datagrams
            + down.dropped_datagrams
            + down.refused_datagrams;
        self.lost.push(Bar { value: Some(lost as f64), is_trouble: lost > 0 });
    }

    /// How the destinations stand.
    pub fn stand(&mut self, destinations: Vec<RelayDestination>) {
        self.destinations = destinations;
    }

    fn losses(&self) -> Graph {
        let sum = |of: fn(&Way) -> u64| group_digits(of(&self.up) + of(&self.down));
        Graph {
            name: words::LOST.to_owned(),
            figures: vec![
                words::figure(&sum(|way| way.dropped), words::DROPPED),
                words::figure(&sum(|way| way.refused), relay::REFUSED),
                words::figure(&sum(|way| way.queued), relay::QUEUED),
                words::figure(&group_digits(self.flows), relay::FLOWS),
            ],
            bars: self.lost.bars(),
        }
    }
}

impl Way {
    fn add(&mut self, rates: &RelayRates) {
        self.forwarded += rates.forwarded;
        self.dropped += rates.dropped_datagrams;
        self.refused += rates.refused_datagrams;
        self.queued = rates.queued;
        let is_trouble = rates.dropped_datagrams + rates.refused_datagrams > 0;
        let bar = |value: Option<u64>| Bar { value: value.map(|value| value as f64), is_trouble };
        self.bits.push(bar(rates.forwarded_bits_per_second));
        self.packets.push(bar(rates.forwarded_datagrams_per_second));
    }

    fn graph(&self, name: &str, moment: &Moment) -> Graph {
        let count = words::figure(&group_digits(self.forwarded), relay::FORWARDED);
        let name = format!("{name}{}", words::RATE);
        rate_graph(name, moment.unit, &self.bits, &self.packets, count)
    }
}

impl Scene for RelayScene {
    fn picture(&self, moment: &Moment) -> Picture {
        let graphs = vec![
            self.up.graph(words::UP, moment),
            self.down.graph(words::DOWN, moment),
            self.losses(),
        ];
        let table = match self.destinations[..] {
            [] => Vec::new(),
            _ => destinations(&self.destinations).lines().map(str::to_owned).collect(),
        };
        Picture {
            heading: self.heading.clone(),
            stage: Stage::Running,
            elapsed: moment.now,
            expected: self.expected,
            bar_time: self.every,
            graphs,
            table,
            messages: Vec::new(),
            unit: Some(moment.unit.name()),
        }
    }
}
