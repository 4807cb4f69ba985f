//! The limits and permissions of a server.

use super::probe::{MOST_PORTS, ON_DEMAND};
use crate::batch::RxShape;
use crate::record::ServeRefusal;
use crate::session::blast::{Direction, TestPlan};
use crate::stats::WINDOWS;
use crate::units::{MAX_PAYLOAD, Nanos, Rate};
use crate::wire::{Header, PortList};
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Largest payload of any UDP datagram.
const LARGEST: u32 = MAX_PAYLOAD as u32;
/// Shorter intervals would cause more reporting than measurement.
const LEAST_INTERVAL: Nanos = Nanos::from_millis(20);
/// How long a run may exceed its time, for differing clocks and datagrams in flight.
const GRACE: Nanos = Nanos::from_secs(60);

/// Whether clients may request data from the server (downstream runs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reverse {
    /// They may.
    #[default]
    Allowed,
    /// It only receives.
    Refused,
}

/// Whether the server acts as a remote agent for probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Probing {
    /// It does.
    #[default]
    Allowed,
    /// It does not.
    Refused,
}

/// When the server ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// Never.
    #[default]
    Endless,
    /// After the first session that was granted a run, and all others open at the time, have ended.
    OneSession,
}

/// The server's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServePolicy {
    /// Concurrent sessions.
    pub max_sessions: usize,
    /// Streams in each direction of one session.
    pub max_streams: u32,
    /// Concurrent streams of all sessions, in either direction.
    pub max_all_streams: usize,
    /// Maximum rate of a run in each direction; a faster run is refused, never slowed down.
    pub max_rate: Rate,
    /// Longest run.
    pub max_duration: Nanos,
    /// Share of every total limit that one source, an address or an IPv6 /64, may use: percent, 1
    /// to 100.
    pub source_share: u8,
    /// Memory of all concurrent sessions, streams and probes, in bytes, including requested kernel
    /// buffers.
    pub max_memory: u64,
    /// Kernel buffer to request, shared by the streams of a run, in bytes; less if memory is short.
    pub socket_buffer: u64,
    /// Shape of the streams' receive buffers.
    pub receives: RxShape,
    /// Silence after which a session is closed.
    pub session_timeout: Nanos,
    /// How long a session may go without a granted test once half of the sessions are in use, in
    /// all or by its source.
    pub idle_timeout: Nanos,
    /// The same while fewer are in use; long enough for long round trips.
    pub idle_limit: Nanos,
    /// How long a granted run may wait for its first stream.
    pub start_limit: Nanos,
    /// Whether it sends data.
    pub reverse: Reverse,
    /// Whether it acts as a remote agent for probes.
    pub probing: Probing,
    /// Ports for probes, open from the start; `None` opens ports of `on_demand` instead.
    pub probe_ports: Option<PortList>,
    /// Ports that are opened when a probe requests them, unless `probe_ports` is set.
    pub on_demand: RangeInclusive<u16>,
    /// Client networks that are allowed; empty allows everybody.
    pub allow: Vec<IpNet>,
    /// When it ends by itself.
    pub lifetime: Lifetime,
    /// How long open sessions may go on once it is told to end (SIGTERM); zero ends it at once.
    pub grace: Nanos,
}

impl Default for ServePolicy {
    fn default() -> Self {
        Self {
            max_sessions: 64,
            max_streams: 64,
            max_all_streams: 512,
            max_rate: Rate::Max,
            max_duration: Nanos::from_secs(3600),
            source_share: 25,
            max_memory: 256 << 20,
            socket_buffer: 32 << 20,
            receives: RxShape::Many,
            session_timeout: Nanos::from_secs(15),
            idle_timeout: Nanos::from_secs(3),
            idle_limit: Nanos::from_secs(10),
            start_limit: Nanos::from_secs(30),
            reverse: Reverse::Allowed,
            probing: Probing::Allowed,
            probe_ports: None,
            on_demand: ON_DEMAND,
            allow: Vec::new(),
            lifetime: Lifetime::Endless,
            grace: Nanos::ZERO,
        }
    }
}

impl ServePolicy {
    /// Whether an address is allowed.
    pub fn serves(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        self.allow.is_empty() || self.allow.iter().any(|net| net.contains(&addr))
    }

    /// Whether a run is permitted and within the limits.
    pub fn admit(&self, plan: &TestPlan) -> Result<(), ServeRefusal> {
        makes_sense(plan)?;
        if plan.direction != Direction::Up && self.reverse == Reverse::Refused {
            return Err(ServeRefusal::OnlyReceives);
        }
        if plan.payload > LARGEST {
            return Err(ServeRefusal::SizeLimit { limit_bytes: LARGEST });
        }
        if plan.streams > self.max_streams {
            return Err(ServeRefusal::StreamLimit { limit: self.max_streams });
        }
        if plan.window > *WINDOWS.end() {
            return Err(ServeRefusal::WindowLimit { limit: *WINDOWS.end() });
        }
        if exceeds(plan.rate, self.max_rate, plan.mean_payload()) {
            return Err(ServeRefusal::RateLimit { limit: self.max_rate });
        }
        let limit_ns = self.max_duration.0;
        if plan.time > self.max_duration {
            return Err(ServeRefusal::TimeLimit { limit_ns });
        }
        match self.most_datagrams(plan) {
            Some(limit) if plan.count > limit => Err(ServeRefusal::CountLimit { limit, limit_ns }),
            _ => Ok(()),
        }
    }

    /// Whether a probe of these ports is permitted.
    pub fn admit_probe(&self, ports: &PortList) -> Result<(), ServeRefusal> {
        if self.probing == Probing::Refused {
            return Err(ServeRefusal::NoProbes);
        }
        if ports.len() > MOST_PORTS {
            return Err(ServeRefusal::PortLimit { limit: MOST_PORTS as u64 });
        }
        Ok(())
    }

    /// Whether a port may be opened on a probe's request.
    pub fn probe_port_is_on_demand(&self, port: u16) -> bool {
        self.probe_ports.is_none() && self.on_demand.contains(&port)
    }

    /// Maximum duration of an admitted run, from its start.
    pub fn longest(&self, plan: &TestPlan) -> Nanos {
        let time = if plan.time == Nanos::ZERO { self.max_duration } else { plan.time };
        time + GRACE
    }

    /// How many datagrams a run bounded only by its count may have; `None` if time bounds it, or if
    /// it has no rate to compute with and [`ServePolicy::longest`] applies.
    fn most_datagrams(&self, plan: &TestPlan) -> Option<u64> {
        if plan.time != Nanos::ZERO {
            return None;
        }
        let (datagrams, span) = plan.rate.ratio_for(plan.mean_payload())?;
        let most = u128::from(datagrams) * u128::from(self.max_duration.0);
        Some(u64::try_from(most / u128::from(span.0.max(1))).unwrap_or(u64::MAX))
    }
}

fn makes_sense(plan: &TestPlan) -> Result<(), ServeRefusal> {
    let least = Header::LEN as u32;
    if plan.least_payload() < least {
        return Err(ServeRefusal::SizeOutOfRange { least_bytes: least, most_bytes: LARGEST });
    }
    if plan.interval < LEAST_INTERVAL {
        return Err(ServeRefusal::IntervalTooShort { least_ns: LEAST_INTERVAL.0 });
    }
    if plan.streams == 0 {
        return Err(ServeRefusal::NoStreams);
    }
    // Without a bound the far end would send forever.
    if plan.time == Nanos::ZERO && plan.count == 0 {
        return Err(ServeRefusal::Endless);
    }
    Ok(())
}

/// Whether a rate exceeds a limit, for datagrams of this payload; exact.
fn exceeds(asked: Rate, limit: Rate, payload: u64) -> bool {
    match (asked.ratio_for(payload), limit.ratio_for(payload)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some((n, span)), Some((most, limit_span))) => {
            u128::from(n) * u128::from(limit_span.0) > u128::from(most) * u128::from(span.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Code, Params};

    fn plan(words: &str) -> TestPlan {
        let mut params = Params::default();
        for word in words.split_whitespace() {
            let (key, value) = word.split_once('=').unwrap();
            params.push(key, value);
        }
        TestPlan::read(&params).unwrap()
    }

    fn limit(policy: &ServePolicy, words: &str) -> Option<(&'static str, String)> {
        let refusal = policy.admit(&plan(words)).err()?;
        assert_eq!(refusal.code(), Code::OVER_LIMIT, "{words}: {refusal:?}");
        refusal.values().pop()
    }

    #[test]
    fn a_rate_is_held_against_a_limit_in_either_unit() {
        let bits = ServePolicy { max_rate: "100M".parse().unwrap(), ..ServePolicy::default() };
        let packets = ServePolicy { max_rate: "10kpps".parse().unwrap(), ..ServePolicy::default() };
        for (policy, words, fits) in [
            (&bits, "rate=100M", true),
            (&bits, "rate=100000001", false),
            (&bits, "rate=max", false),
            (&bits, "rate=12500pps size=1000", true),
            (&bits, "rate=12500.001pps size=1000", false),
            (&packets, "rate=10kpps", true),
            (&packets, "rate=10001pps", false),
            (&packets, "rate=80M size=1000", true),
            (&packets, "rate=80000001 size=1000", false),
            (&packets, "rate=max", false),
            (&ServePolicy::default(), "rate=max", true),
        ] {
            assert_eq!(limit(policy, words).is_none(), fits, "{words} of {:?}", policy.max_rate);
        }
        assert_eq!(limit(&bits, "rate=max"), Some(("rate", "100000000".to_owned())));
        assert_eq!(limit(&packets, "rate=max"), Some(("rate", "10000pps".to_owned())));
        // In a downstream or bidirectional run the limit applies to each direction.
        assert_eq!(limit(&bits, "rate=100M direction=both"), None);
    }

    #[test]
    fn every_limit_is_named_when_it_is_passed() {
        let policy = ServePolicy {
            max_streams: 2,
            max_duration: Nanos::from_secs(10),
            ..ServePolicy::default()
        };
        for (words, passed) in [
            ("streams=2 time_ns=10000000000", None),
            ("streams=3", Some(("streams", "2"))),
            ("time_ns=10000000001", Some(("time_ns", "10000000000"))),
            ("size=65528", Some(("size", "65527"))),
            ("time_ns=0 count=1000 rate=100pps", None),
            ("time_ns=0 count=1001 rate=100pps", Some(("count", "1000"))),
            // Without a rate the server ends it after the maximum time.
            ("time_ns=0 count=18446744073709551615", None),
        ] {
            let passed = passed.map(|(key, limit)| (key, limit.to_owned()));
            assert_eq!(limit(&policy, words), passed, "{words}");
        }
        assert_eq!(policy.longest(&plan("time_ns=0 count=9")), Nanos::from_secs(70));
        assert_eq!(policy.longest(&plan("time_ns=5000000000")), Nanos::from_secs(65));
    }

    #[test]
    fn a_server_that_does_not_send_says_so_to_both_ways_down() {
        let policy = ServePolicy { reverse: Reverse::Refused, ..ServePolicy::default() };
        assert_eq!(policy.admit(&plan("direction=up")), Ok(()));
        for words in ["direction=down", "direction=both"] {
            assert_eq!(policy.admit(&plan(words)), Err(ServeRefusal::OnlyReceives), "{words}");
        }
    }

    #[test]
    fn only_the_networks_that_are_named_are_served() {
        let nets = ["192.0.2.0/24", "2001:db8::/32", "10.0.0.1/32"];
        let allow = nets.iter().map(|net| net.parse().unwrap()).collect();
        let policy = ServePolicy { allow, ..ServePolicy::default() };
        for (addr, served) in [
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("::ffff:192.0.2.1", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("10.0.0.1", true),
            ("10.0.0.2", false),
        ] {
            assert_eq!(policy.serves(addr.parse().unwrap()), served, "{addr}");
            assert!(ServePolicy::default().serves(addr.parse().unwrap()));
        }
    }
}
