//! What the live view shows of a receiver: the rate, and what its sockets dropped.

use super::blast_scene::rate_graph;
use super::live_view::{Bar, Graph, History, Moment, Picture, Scene, Stage};
use super::number::plural;
use super::words::live as words;
use crate::record::{RecvInterval, RecvSummary};
use crate::units::{Nanos, group_digits};

/// A running receiver.
#[derive(Clone, Debug)]
pub struct RecvScene {
    heading: String,
    expected: Option<Nanos>,
    every: Nanos,
    bits: History,
    packets: History,
    dropped: History,
    datagrams: u64,
    bytes: u64,
    drops: u64,
}

impl RecvScene {
    /// A receiver that has received nothing; `every` is the length of its intervals.
    pub fn new(heading: String, expected: Option<Nanos>, every: Nanos) -> Self {
        Self {
            heading,
            expected,
            every,
            bits: History::default(),
            packets: History::default(),
            dropped: History::default(),
            datagrams: 0,
            bytes: 0,
            drops: 0,
        }
    }

    /// An interval has ended.
    pub fn interval(&mut self, interval: &RecvInterval) {
        self.datagrams += interval.datagrams;
        self.bytes += interval.bytes;
        self.drops += interval.drops;
        let is_trouble = interval.drops > 0;
        let bar = |value: u64| Bar { value: Some(value as f64), is_trouble };
        let seconds = interval.duration_ns.max(1) as f64 / 1e9;
        let rate = |count: u64| (count as f64 / seconds) as u64;
        self.bits.push(bar(rate(interval.bytes.saturating_mul(8))));
        self.packets.push(bar(rate(interval.datagrams)));
        self.dropped.push(bar(interval.drops));
    }

    /// The run is over: the counts are those of its report.
    pub fn finish(&mut self, summary: &RecvSummary) {
        (self.datagrams, self.bytes) = (summary.datagrams, summary.bytes);
        self.drops = summary.drops;
    }
}

impl Scene for RecvScene {
    fn picture(&self, moment: &Moment) -> Picture {
        let count = words::figure(&group_digits(self.datagrams), words::RECEIVED);
        let mut rate =
            rate_graph(words::RATE.to_owned(), moment.unit, &self.bits, &self.packets, count);
        rate.figures.insert(2, plural(self.bytes, "byte"));
        let last = self.dropped.last().map_or(0, |drops| drops as u64);
        let drops = Graph {
            name: words::DROPS.to_owned(),
            figures: vec![
                words::figure(&group_digits(self.drops), words::DROPPED),
                words::figure(&group_digits(last), words::NOW),
            ],
            bars: self.dropped.bars(),
        };
        Picture {
            heading: self.heading.clone(),
            stage: Stage::Running,
            elapsed: moment.now,
            expected: self.expected,
            bar_time: self.every,
            graphs: vec![rate, drops],
            table: Vec::new(),
            messages: Vec::new(),
            unit: Some(moment.unit.name()),
        }
    }
}
