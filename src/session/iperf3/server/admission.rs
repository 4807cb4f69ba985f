//! Whether a client's test is granted: what its parameters ask for, and the policy's answer.

use crate::record::{Iperf3Objection, Iperf3Refusal, ServeRefusal};
use crate::session::blast::{Direction, Filling, Marking, TestPlan};
use crate::session::serve::ServePolicy;
use crate::stats::WINDOW;
use crate::units::{BitRate, Nanos, Rate};
use crate::wire::iperf3::{
    Counters, Iperf3Params, LEAST_PAYLOAD, MOST_BURST, MOST_OMIT_SECS, MOST_PAYLOAD,
};

/// Length of the intervals that a receiver counts, which nobody reads.
const INTERVAL: Nanos = Nanos::from_secs(1);
/// How long a test may exceed its time, for what is under way and clocks that differ.
const GRACE: Nanos = Nanos::from_secs(30);

/// A test as the client asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The test; its rate is that of all streams of a direction together.
    pub plan: TestPlan,
    /// Time at the start that is not counted.
    pub omit: Nanos,
    /// The width of the numbers in the datagrams.
    pub counters: Counters,
    /// Kernel socket buffer that the client wants, in bytes; `None` for as much as there is.
    pub window: Option<u64>,
    /// Type of service of what this end sends.
    pub tos: u8,
    /// Whether that must not be fragmented.
    pub dont_fragment: bool,
    /// What stands behind its header.
    pub filling: Filling,
    /// Whether the client wants to know what else this end has counted.
    pub wants_report: bool,
}

impl Asked {
    /// What the parameters ask for, if the policy permits it.
    pub fn read(params: &Iperf3Params, policy: &ServePolicy) -> Result<Self, Iperf3Refusal> {
        use Iperf3Objection as Wrong;
        if !params.udp {
            return Err(Wrong::NotUdp.into());
        }
        if params.omit > MOST_OMIT_SECS {
            return Err(Wrong::OmitTooLong { most_secs: MOST_OMIT_SECS }.into());
        }
        if params.burst > u64::from(MOST_BURST) {
            return Err(Wrong::BurstTooLong { most: MOST_BURST }.into());
        }
        let tos = u8::try_from(params.tos).map_err(|_| Wrong::TosOutOfRange)?;
        let sizes = LEAST_PAYLOAD..=MOST_PAYLOAD;
        if !sizes.contains(&u64::from(params.len)) {
            let (least_bytes, most_bytes) = (LEAST_PAYLOAD as u32, MOST_PAYLOAD as u32);
            return Err(ServeRefusal::SizeOutOfRange { least_bytes, most_bytes }.into());
        }
        let asked = Self {
            plan: plan(params),
            omit: Nanos::from_secs(params.omit),
            counters: match params.udp_counters_64bit {
                0 => Counters::Narrow,
                _ => Counters::Wide,
            },
            window: Some(params.window).filter(|window| *window > 0),
            tos,
            dont_fragment: params.dont_fragment != 0,
            filling: match params.repeating_payload {
                0 => Filling::Pattern,
                _ => Filling::Digits,
            },
            wants_report: params.get_server_output != 0,
        };
        policy.admit(&asked.whole())?;
        Ok(asked)
    }

    /// The test with the omitted time in it, which the limits apply to.
    fn whole(&self) -> TestPlan {
        let time = match self.plan.time {
            Nanos::ZERO => Nanos::ZERO,
            time => time + self.omit,
        };
        TestPlan { time, ..self.plan }
    }

    /// How long the test may run.
    pub fn longest(&self, policy: &ServePolicy) -> Nanos {
        match self.plan.time {
            Nanos::ZERO => policy.max_duration + self.omit + GRACE,
            time => time + self.omit + GRACE,
        }
    }
}

fn plan(params: &Iperf3Params) -> TestPlan {
    let direction = match (params.bidirectional, params.reverse) {
        (true, _) => Direction::Both,
        (_, true) => Direction::Down,
        _ => Direction::Up,
    };
    // Whoever sends keeps the lower of both.
    let rates = [params.bandwidth, params.fqrate];
    let stream_rate = rates.into_iter().filter(|rate| *rate > 0).min();
    let streams = u64::from(params.parallel);
    let rate = stream_rate.map(|rate| Rate::Bits(BitRate(rate.saturating_mul(streams.max(1)))));
    let in_bytes = params.num.div_ceil(u64::from(params.len.max(1)));
    let time = params.time.min(u64::MAX / 2_000_000_000);
    TestPlan {
        direction,
        streams: params.parallel,
        payload: params.len,
        rate: rate.unwrap_or(Rate::Max),
        time: Nanos::from_secs(time),
        count: if params.blockcount > 0 { params.blockcount } else { in_bytes },
        verify: false,
        interval: INTERVAL,
        window: WINDOW,
        outage: None,
        sizes: None,
        burst: u32::try_from(params.burst).ok().filter(|burst| *burst > 0),
        marking: Marking::Alike,
        capacity: None,
    }
}
