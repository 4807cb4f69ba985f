//! What is decided of a run with an iperf3 server before it begins.

use super::error::BlastUsage;
use super::token;
use crate::cli::BlastArgs;
use crate::commands::Usage;
use crate::session::blast::{Direction, TestPlan};
use crate::session::iperf3::Iperf3Plan;
use crate::units::{BitRate, Nanos, PacketRate, Rate};
use crate::wire::iperf3::{
    CLIENT_VERSION, Counters, Iperf3Params, MOST_BURST, MOST_OMIT_SECS, MOST_PAYLOAD,
    MOST_TIME_SECS,
};

/// Microseconds between two checks of the rate, which servers since 3.18 ignore.
const PACING_TIMER: u64 = 1_000;

/// Most segments of one send in every Linux kernel that has GSO.
const MOST_SEGMENTS: u64 = 64;

/// Most datagrams and bytes that are sent back to back unless asked for: a quarter of what the default
/// socket buffer of a server holds of small ones, which the kernel charges 768 bytes each.
const MOST_AT_ONCE: u64 = 64;
const MOST_BYTES_AT_ONCE: u64 = 64 << 10;

/// What is decided of a run with an iperf3 server.
#[derive(Clone, Debug)]
pub struct Iperf3Options {
    /// Width of the numbers in the datagrams.
    pub counters: Counters,
    /// Time at the start that is not counted.
    pub omit: Nanos,
    /// Bits per second of each stream; `None` for as fast as possible.
    pub stream_rate: Option<BitRate>,
    /// Most datagrams that are sent back to back, as the user asked; 0 if not.
    burst: u32,
    /// Type of service of the server's datagrams.
    tos: u64,
    /// Whether the server's datagrams are not to be fragmented.
    dont_fragment: bool,
    /// Whether the server is to use GSO and GRO.
    pub gsro: bool,
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
            burst: args.burst.unwrap_or(0),
            tos: u64::from(tos),
            dont_fragment: args.dont_fragment,
            gsro: args.gsro,
            token: token::of(args)?,
        }))
    }

    /// What the server is told.
    pub fn params(&self, test: &TestPlan) -> Iperf3Params {
        // A test without an end by time is ended by this end alone.
        let timed = test.count == 0;
        let len = u64::from(test.payload);
        let sends = test.direction != Direction::Up;
        let segments = if self.gsro && sends { self.segments(test) } else { 1 };
        let coalesces = self.gsro && test.direction != Direction::Down;
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
            burst: u64::from(self.burst),
            pacing_timer: PACING_TIMER,
            gso: segments > 1,
            gso_dg_size: if segments > 1 { len } else { 0 },
            gso_bf_size: if segments > 1 { len * segments } else { 0 },
            gro: coalesces,
            gro_bf_size: if coalesces { MOST_PAYLOAD } else { 0 },
            tos: self.tos,
            udp_counters_64bit: u64::from(self.counters == Counters::Wide),
            dont_fragment: u64::from(self.dont_fragment),
            authtoken: self.token.clone(),
            client_version: CLIENT_VERSION.to_owned(),
            ..Iperf3Params::default()
        }
    }

    /// Datagrams in one buffer of a server that sends with GSO: what fits one IP packet, and what a
    /// kernel takes, neither of which a server of 3.21 looks at.
    fn segments(&self, test: &TestPlan) -> u64 {
        let fit = MOST_PAYLOAD / u64::from(test.payload.max(1));
        let asked = if self.burst > 0 { self.burst } else { u32::MAX };
        fit.min(MOST_SEGMENTS).min(u64::from(asked))
    }
}

/// Most datagrams that a stream sends back to back: a millisecond of its rate, as iperf3's own client
/// does, within what the server's socket surely holds. Each burst wakes the server once, and one that
/// is woken more often reads more slowly. `None` for what the pacer chooses, where that is more.
pub fn burst(args: &BlastArgs, payload: u64) -> Option<u32> {
    let rate = stream_rate(args, payload)?;
    let in_a_millisecond = rate.0 / 1_000 / (payload.max(1) * 8);
    let most = MOST_AT_ONCE.min(MOST_BYTES_AT_ONCE / payload.max(1)).max(1);
    let is_more = in_a_millisecond / 10 <= most;
    is_more.then(|| in_a_millisecond.clamp(1, most) as u32)
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
    match args.rate() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Params;

    fn params(options: &[&str], direction: Direction, payload: u32) -> Iperf3Params {
        let words = [&["--iperf3", "192.0.2.10"], options].concat();
        let args: BlastArgs = crate::cli::defaults(&words).unwrap();
        let test = TestPlan::read(&Params::default()).unwrap();
        let test = TestPlan { direction, payload, burst: args.burst, ..test };
        Iperf3Options::of(&args, &test).unwrap().unwrap().params(&test)
    }

    #[test]
    fn a_stream_sends_a_millisecond_at_once_within_what_a_small_socket_holds() {
        for (rate, payload, expected) in [
            ("1kpps", 64, Some(1)),
            ("100pps", 1_472, Some(1)),
            ("50kpps", 64, Some(50)),
            ("100kpps", 64, Some(64)),
            ("100kpps", 1_472, Some(44)),
            ("10kpps", 65_000, Some(1)),
            ("640kpps", 64, Some(64)),
            // A tenth of a millisecond is more than that.
            ("700kpps", 64, None),
            ("max", 64, None),
        ] {
            let words = ["--iperf3", "192.0.2.10", "--rate", rate];
            let args: BlastArgs = crate::cli::defaults(&words).unwrap();
            assert_eq!(burst(&args, payload), expected, "{rate} {payload}");
        }
    }

    /// What the server is told of its sending, and of its receiving.
    fn offload(params: &Iperf3Params) -> [(bool, u64, u64); 2] {
        [(params.gso, params.gso_dg_size, params.gso_bf_size), (params.gro, 0, params.gro_bf_size)]
    }

    #[test]
    fn a_server_uses_gso_and_gro_on_request_where_it_sends_and_receives() {
        let none = (false, 0, 0);
        for (options, direction, payload, expected) in [
            (&[][..], Direction::Both, 1_472, [none, none]),
            (&["--gsro"], Direction::Up, 1_472, [none, (true, 0, 65_507)]),
            (&["--gsro"], Direction::Down, 1_472, [(true, 1_472, 64_768), none]),
            (&["--gsro"], Direction::Both, 64, [(true, 64, 4_096), (true, 0, 65_507)]),
            (&["--gsro", "--burst", "3"], Direction::Down, 1_000, [(true, 1_000, 3_000), none]),
            (&["--gsro"], Direction::Down, 40_000, [none, none]),
        ] {
            let told = params(options, direction, payload);
            assert_eq!(offload(&told), expected, "{options:?} {direction:?} {payload}");
        }
    }
}
