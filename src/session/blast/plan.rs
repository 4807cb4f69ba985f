//! The parameters of a throughput run, as both ends agree on them, and their form in the control
//! dialogue.

use super::ecn_params::Marking;
use crate::pace::{AdjustmentType, Pacer, SizeMix};
use crate::stats::WINDOW;
use crate::units::{BitRate, ETHERNET_PAYLOAD, Nanos, Rate};
use crate::wire::{BadParam, Params};
use std::str::FromStr;

/// The parameter with the sizes of datagrams that differ.
const SIZES: &str = "sizes";
/// In this time a rate in bits per second sends as many bytes.
const BITS_SPAN: Nanos = Nanos::from_secs(8);

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
    /// How the streams mark what they send.
    pub marking: Marking,
    /// Whether the rate is searched for, up to `rate`, and how; `None` if it is sent.
    pub capacity: Option<AdjustmentType>,
    /// From which length a gap in arrivals is an outage; `None` for three intervals, and 10 ms at
    /// least.
    pub outage: Option<Nanos>,
    /// The sizes of the datagrams, where they differ; `payload` is then the largest.
    pub sizes: Option<SizeMix>,
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
        if let Some((key, value)) = self.marking.param() {
            params.push(key, value);
        }
        if let Some(kind) = self.capacity {
            params.push("capacity", kind.as_str());
        }
        if let Some(least) = self.outage {
            params.push("outage_ns", least.0);
        }
        if let Some(sizes) = &self.sizes {
            params.push(SIZES, sizes);
        }
    }

    /// Reads the plan from a TEST command. Missing parameters have defaults, so that TEST can be
    /// typed by hand: 1472 bytes, unlimited rate, ten seconds, intervals of one second.
    pub fn read(params: &Params) -> Result<Self, BadParam> {
        let rate = params.parse::<Rate>("rate")?.unwrap_or(Rate::Max);
        let sizes = params.parse::<SizeMix>(SIZES)?;
        let largest = sizes.as_ref().map(|sizes| u32::from(sizes.bounds().1));
        let size = params.parse("size")?.unwrap_or(ETHERNET_PAYLOAD as u32);
        Ok(Self {
            direction: params.parse("direction")?.unwrap_or_default(),
            streams: params.parse("streams")?.unwrap_or(1),
            payload: largest.unwrap_or(size),
            sizes,
            rate,
            time: Nanos(params.parse("time_ns")?.unwrap_or(10_000_000_000)),
            count: params.parse("count")?.unwrap_or(0),
            verify: params.parse::<u8>("verify")?.unwrap_or(0) != 0,
            interval: Nanos(params.parse("interval_ns")?.unwrap_or(1_000_000_000)),
            window: params.parse("window")?.unwrap_or(WINDOW),
            burst: params.parse("burst")?,
            marking: Marking::read(params),
            capacity: params.parse("capacity")?,
            outage: params.parse("outage_ns")?.map(Nanos),
        })
    }

    /// Whether receivers ask for the ECN field of what arrives. That costs an unlimited run of small
    /// datagrams a thirtieth of its rate, so that there it takes a mark to look for.
    pub fn counts_marks(&self) -> bool {
        self.rate != Rate::Max || self.capacity.is_some() || self.marking != Marking::Alike
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
        if let (Some(sizes), Rate::Bits(rate)) = (&self.sizes, self.rate) {
            return self.pacer_of_bytes(sizes, rate, start);
        }
        match self.rate.ratio_for(self.mean_payload()) {
            Some((datagrams, span)) => {
                let span = Nanos(span.0.saturating_mul(u64::from(self.streams)));
                Pacer::new(start, datagrams, span, self.burst).with_bounded_catch_up()
            }
            None => Pacer::unlimited(),
        }
    }

    /// A pacer of which each slot is a byte of payload.
    fn pacer_of_bytes(&self, sizes: &SizeMix, rate: BitRate, start: Nanos) -> Pacer {
        let span = Nanos(BITS_SPAN.0.saturating_mul(u64::from(self.streams)));
        let bytes = |datagrams: u32| u64::from(datagrams).saturating_mul(sizes.mean());
        let burst = self.burst.map(|burst| u32::try_from(bytes(burst)).unwrap_or(u32::MAX));
        Pacer::new(start, rate.0, span, burst).with_bounded_catch_up_of(sizes.mean())
    }

    /// The mean payload of a datagram, in bytes, rounded down.
    pub fn mean_payload(&self) -> u64 {
        self.sizes.as_ref().map_or(u64::from(self.payload), SizeMix::mean)
    }

    /// The smallest payload of a datagram, in bytes.
    pub fn least_payload(&self) -> u32 {
        self.sizes.as_ref().map_or(self.payload, |sizes| u32::from(sizes.bounds().0))
    }

    /// Time from one burst of a stream to the next, by its share of the rate; `None` without a rate.
    pub fn interval_of_stream(&self) -> Option<Nanos> {
        let (datagrams, span) = self.rate.ratio_for(self.mean_payload())?;
        let at_once = u128::from(self.burst.unwrap_or(1));
        let all = u128::from(span.0) * u128::from(self.streams) * at_once;
        let each = all / u128::from(datagrams.max(1));
        Some(Nanos(u64::try_from(each).unwrap_or(u64::MAX)))
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
    fn a_search_survives_the_dialogue() {
        let mut params = Params::default();
        let plan = TestPlan::read(&params).unwrap();
        let search = TestPlan { capacity: Some(AdjustmentType::C), ..plan };
        search.write(&mut params);
        assert_eq!(TestPlan::read(&params).unwrap(), search);
    }
}
