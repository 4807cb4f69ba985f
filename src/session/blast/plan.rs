//! What a throughput run is to be, as both ends agree on it, and its form in the dialogue.

use crate::units::{Nanos, Rate};
use crate::wire::{BadParam, Params};

/// A run as the client asks for it in TEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestPlan {
    /// Payload bytes a datagram, 16 to 65,527.
    pub payload: u32,
    /// What the sender aims at; for the server's limits and the record.
    pub rate: Rate,
    /// How long; zero for a run that is bounded by a count.
    pub time: Nanos,
    /// Datagrams altogether; 0 for a run that is bounded by time.
    pub count: u64,
    /// Whether every payload byte is checked.
    pub verify: bool,
    /// Length of the stretches that the receiver reports.
    pub interval: Nanos,
}

impl TestPlan {
    /// Adds the plan to a TEST command.
    pub fn write(&self, params: &mut Params) {
        params.push("direction", "up");
        params.push("streams", 1);
        params.push("size", self.payload);
        params.push("rate", self.rate_text());
        params.push("time_ns", self.time.0);
        params.push("count", self.count);
        params.push("verify", u8::from(self.verify));
        params.push("interval_ns", self.interval.0);
    }

    /// Reads the plan from a TEST command. Missing parameters have defaults, so that a TEST can be
    /// typed by hand: 1472 bytes, any rate, ten seconds, stretches of one second.
    pub fn read(params: &Params) -> Result<Self, BadParam> {
        let rate = params.parse::<Rate>("rate")?.unwrap_or(Rate::Max);
        Ok(Self {
            payload: params.parse("size")?.unwrap_or(1472),
            rate,
            time: Nanos(params.parse("time_ns")?.unwrap_or(10_000_000_000)),
            count: params.parse("count")?.unwrap_or(0),
            verify: params.parse::<u8>("verify")?.unwrap_or(0) != 0,
            interval: Nanos(params.parse("interval_ns")?.unwrap_or(1_000_000_000)),
        })
    }

    /// The rate in a form without spaces: bits as a number, datagrams with `pps`.
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
