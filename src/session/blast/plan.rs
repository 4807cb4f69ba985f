//! The parameters of a throughput run, as both ends agree on them, and their form in the control
//! dialogue.

use crate::pace::{AdjustmentType, Pacer};
use crate::stats::WINDOW;
use crate::units::{ETHERNET_PAYLOAD, Nanos, Rate};
use crate::wire::{BadParam, Params};
use std::str::FromStr;

/// Direction of the data, seen from the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The client sends.
    #[default]
    Up,
    /// The far end sends.
    Down,
    /// Both at once, each with the same number of streams.
    Both,
}

impl Direction {
    /// Its name in the dialogue and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Both => "both",
        }
    }
}

impl FromStr for Direction {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Up, Self::Down, Self::Both]
            .into_iter()
            .find(|direction| direction.as_str() == text)
            .ok_or(())
    }
}

/// A run as the client requests it in TEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestPlan {
    /// Which way the datagrams go.
    pub direction: Direction,
    /// Streams in each direction, from 1; each has its own socket, thread and numbers.
    pub streams: u32,
    /// Payload bytes per datagram, from 16 (the header) to [`MAX_PAYLOAD`](crate::units::MAX_PAYLOAD).
    pub payload: u32,
    /// Target rate of all streams of one direction together.
    pub rate: Rate,
    /// Duration; zero for a run bounded by a count.
    pub time: Nanos,
    /// Datagrams of all streams of one direction together; 0 for a run bounded by time.
    pub count: u64,
    /// Whether every payload byte is checked.
    pub verify: bool,
    /// Length of the intervals that the receiver reports.
    pub interval: Nanos,
    /// Reordering window: how far behind the highest number a late datagram still counts as
    /// reordered.
    pub window: u64,
    /// Maximum datagrams that one stream sends at once; `None` lets the pacer choose.
    pub burst: Option<u32>,
    /// Whether the rate is searched for, up to `rate`, and how; `None` if it is sent.
    pub capacity: Option<AdjustmentType>,
}

impl TestPlan {
    /// Adds the plan to a TEST command.
    pub fn write(&self, params: &mut Params) {
        params.push("direction", self.direction.as_str());
        params.push("streams", self.streams);
        params.push("size", self.payload);
        params.push("rate", self.rate_text());
        params.push("time_ns", self.time.0);
        params.push("count", self.count);
        params.push("verify", u8::from(self.verify));
        params.push("interval_ns", self.interval.0);
        if self.window != WINDOW {
            params.push("window", self.window);
        }
        if let Some(burst) = self.burst {
            params.push("burst", burst);
        }
        if let Some(kind) = self.capacity {
            params.push("capacity", kind.as_str());
        }
    }

    /// Reads the plan from a TEST command. Missing parameters have defaults, so that TEST can be
    /// typed by hand: 1472 bytes, unlimited rate, ten seconds, intervals of one second.
    pub fn read(params: &Params) -> Result<Self, BadParam> {
        let rate = params.parse::<Rate>("rate")?.unwrap_or(Rate::Max);
        Ok(Self {
            direction: params.parse("direction")?.unwrap_or_default(),
            streams: params.parse("streams")?.unwrap_or(1),
            payload: params.parse("size")?.unwrap_or(ETHERNET_PAYLOAD as u32),
            rate,
            time: Nanos(params.parse("time_ns")?.unwrap_or(10_000_000_000)),
            count: params.parse("count")?.unwrap_or(0),
            verify: params.parse::<u8>("verify")?.unwrap_or(0) != 0,
            interval: Nanos(params.parse("interval_ns")?.unwrap_or(1_000_000_000)),
            window: params.parse("window")?.unwrap_or(WINDOW),
            burst: params.parse("burst")?,
            capacity: params.parse("capacity")?,
        })
    }

    /// Whether a server that says this in its greeting can search for the rate, if that is asked.
    pub fn is_searched_by(&self, greeting: &Params) -> bool {
        let known = |kind: AdjustmentType| {
            let kinds = greeting.get("capacity").unwrap_or_default();
            kinds.split(',').any(|known| known == kind.as_str())
        };
        self.capacity.is_none_or(known)
    }

    /// Number of all streams: upstream first, then downstream.
    pub fn all_streams(&self) -> u32 {
        match self.direction {
            Direction::Both => self.streams.saturating_mul(2),
            _ => self.streams,
        }
    }

    /// Whether the client sends this stream.
    pub fn is_up(&self, stream: u32) -> bool {
        match self.direction {
            Direction::Up => true,
            Direction::Down => false,
            Direction::Both => stream < self.streams,
        }
    }

    /// The stream's share of the count; the first streams get the remainder.
    pub fn count_of(&self, stream: u32) -> u64 {
        let (streams, index) = (u64::from(self.streams.max(1)), u64::from(stream));
        let share = self.count / streams;
        share + u64::from(index % streams < self.count % streams)
    }

    /// The stream's pacer, with its share of the total rate, starting at `start`.
    pub fn pacer(&self, start: Nanos) -> Pacer {
        match self.rate.ratio_for(u64::from(self.payload)) {
            Some((datagrams, span)) => {
                let span = Nanos(span.0.saturating_mul(u64::from(self.streams)));
                Pacer::new(start, datagrams, span, self.burst).with_bounded_catch_up()
            }
            None => Pacer::unlimited(),
        }
    }

    /// The rate without spaces: bits as a number, datagrams with `pps`.
    fn rate_text(&self) -> String {
        match self.rate {
            Rate::Max => "max".to_owned(),
            Rate::Bits(rate) => rate.0.to_string(),
            Rate::Packets(rate) => {
                format!("{}.{:03}pps", rate.0 / 1000, rate.0 % 1000)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_know_a_search_is_told_by_its_greeting() {
        let mut greeting = Params::default();
        let plan = TestPlan::read(&greeting).unwrap();
        let search = |kind| TestPlan { capacity: Some(kind), ..plan };
        // That of an older version.
        assert!(plan.is_searched_by(&greeting));
        assert!(!search(AdjustmentType::B).is_searched_by(&greeting));
        greeting.push("capacity", "b");
        let known = [AdjustmentType::B, AdjustmentType::C]
            .map(|kind| search(kind).is_searched_by(&greeting));
        assert_eq!(known, [true, false]);
    }

    #[test]
    fn a_search_survives_the_dialogue() {
        let mut params = Params::default();
        let plan = TestPlan::read(&params).unwrap();
        let search = TestPlan { capacity: Some(AdjustmentType::C), ..plan };
        search.write(&mut params);
        assert_eq!(TestPlan::read(&params).unwrap(), search);
    }
}
