//! What is decided of a run with an iperf3 server before it begins.

use super::error::BlastUsage;
use super::token;
use crate::cli::BlastArgs;
use crate::commands::Usage;
use crate::session::blast::{Direction, TestPlan};
use crate::session::iperf3::Iperf3Plan;
use crate::units::{BitRate, Nanos, PacketRate, Rate};
use crate::wire::iperf3::{
    CLIENT_VERSION, Counters, Iperf3Params, MOST_BURST, MOST_OMIT_SECS, MOST_TIME_SECS,
};

/// Microseconds between two checks of the rate, which servers since 3.18 ignore.
const PACING_TIMER: u64 = 1_000;

/// What is decided of a run with an iperf3 server.
#[derive(Clone, Debug)]
pub struct Iperf3Options {
    /// Width of the numbers in the datagrams.
    pub counters: Counters,
    /// Time at the start that is not counted.
    pub omit: Nanos,
    /// Bits per second of each stream; `None` for as fast as possible.
    pub stream_rate: Option<BitRate>,
    /// Type of service of the server's datagrams.
    tos: u64,
    /// Whether the server's datagrams are not to be fragmented.
    dont_fragment: bool,
    /// The token that authenticates the user.
    token: Option<String>,
}

impl Iperf3Options {
    /// The options of a run with an iperf3 server; `None` for another.
    pub fn of(args: &BlastArgs, test: &TestPlan) -> anyhow::Result<Option<Self>> {
        if !args.iperf3 {
            return Ok(None);
        }
        check(args, test).map_err(Usage::from)?;
        let omit = args.omit.unwrap_or_default();
        let dscp = args.dscp.unwrap_or_default();
        let tos = crate::wire::tos(dscp, args.ecn.unwrap_or_default());
        Ok(Some(Self {
            counters: Iperf3Plan::counters_for(test, omit),
            omit,
            stream_rate: stream_rate(args, u64::from(test.payload)),
            tos: u64::from(tos),
            dont_fragment: args.dont_fragment,
            token: token::of(args)?,
        }))
    }

    /// What the server is told.
    pub fn params(&self, test: &TestPlan) -> Iperf3Params {
        // A test without an end by time is ended by this end alone.
        let timed = test.count == 0;
        Iperf3Params {
            udp: true,
            omit: whole_secs(self.omit),
            time: if timed { whole_secs(test.time) } else { 0 },
            num: 0,
            blockcount: test.count,
            parallel: test.streams,
            reverse: test.direction == Direction::Down,
            bidirectional: test.direction == Direction::Both,
            len: test.payload,
            bandwidth: self.stream_rate.map_or(0, |rate| rate.0),
            burst: u64::from(test.burst.unwrap_or(0)),
            pacing_timer: PACING_TIMER,
            tos: self.tos,
            udp_counters_64bit: u64::from(self.counters == Counters::Wide),
            dont_fragment: u64::from(self.dont_fragment),
            authtoken: self.token.clone(),
            client_version: CLIENT_VERSION.to_owned(),
            // Each end decides for itself how it sends and receives.
            ..Iperf3Params::default()
        }
    }
}

/// The rate of all streams of a direction together: `--rate` is that of each.
pub fn rate_of_all(args: &BlastArgs, payload: u64) -> Rate {
    let streams = u64::from(args.streams.unwrap_or(1));
    match stream_rate(args, payload) {
        None => Rate::Max,
        Some(rate) => Rate::Bits(BitRate(rate.0.saturating_mul(streams))),
    }
}

/// The rate of each stream in bits of payload, the only one that iperf3 knows.
fn stream_rate(args: &BlastArgs, payload: u64) -> Option<BitRate> {
    match args.rate {
        Rate::Max => None,
        Rate::Bits(rate) => Some(rate),
        Rate::Packets(PacketRate(milli)) => {
            let bits = u128::from(milli) * u128::from(payload) * 8 / 1_000;
            Some(BitRate(u64::try_from(bits).unwrap_or(u64::MAX).max(1)))
        }
    }
}

fn whole_secs(time: Nanos) -> u64 {
    time.0.div_ceil(1_000_000_000)
}

fn check(args: &BlastArgs, test: &TestPlan) -> Result<(), BlastUsage> {
    let most = Nanos::from_secs(MOST_OMIT_SECS);
    let is_whole = |omit: Nanos| omit.0.is_multiple_of(1_000_000_000) && omit <= most;
    if let Some(omit) = args.omit.filter(|omit| !is_whole(*omit)) {
        return Err(BlastUsage::Omit { omit, most: MOST_OMIT_SECS });
    }
    if test.time > Nanos::from_secs(MOST_TIME_SECS) {
        return Err(BlastUsage::TooLong { time: test.time, most: MOST_TIME_SECS });
    }
    match args.burst.filter(|burst| *burst > MOST_BURST) {
        Some(burst) => Err(BlastUsage::Burst { burst, most: MOST_BURST }),
        None => Ok(()),
    }
}
