//! Everything about a throughput run that is decided before the first datagram.

use super::error::BlastUsage;
use super::iperf3_options::{self, Iperf3Options, rate_of_all};
use super::sizes::AskedMix;
use crate::batch::Fragmentation;
use crate::cli::{BlastArgs, CapacityArg};
use crate::commands::address_race::{choose, hello};
use crate::commands::misread::{check_hosts, check_zones, device};
use crate::commands::outage_length::outage_length;
use crate::commands::shared::check_cpus;
use crate::commands::{Usage, key};
use crate::engine::{Placement, ServerPlan, ServicePlan};
use crate::net::{
    FamilyChoice, IoMode, SocketPlan, binds, literal, on_link_of, resolve_all, split_host_port,
};
use crate::pace::AdjustmentType;
use crate::report::words::blast::{RunHeading, Ways};
use crate::session::blast::{Delays, Direction, Marking, TestPlan};
use crate::session::serve::ServePolicy;
use crate::session::stamp::StampPolicy;
use crate::stats::{WINDOW, WINDOWS};
use crate::units::{
    ETHERNET_MTU, ETHERNET_PAYLOAD, IpFamily, Nanos, Rate, SizeChoice, any_address, fragments,
    max_payload, with_port,
};
use crate::wire::iperf3::{MOST_PAYLOAD, MOST_STREAMS};
use crate::wire::{ControlKey, Header, tos};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The MTU of loopback, 65,536, would measure what no link carries.
const LOOPBACK_PAYLOAD: u64 = ETHERNET_PAYLOAD as u64;
/// Shortest probe interval.
const LEAST_PROBE: Nanos = Nanos::from_millis(1);
/// Shortest report interval.
const LEAST_INTERVAL: Nanos = Nanos::from_millis(20);
/// Most streams in each direction.
const MAX_STREAMS: u32 = 64;
/// Most default streams of a run without a limit whose ends are on one host.
const DEFAULT_STREAMS: u32 = 8;
/// Default length of a run without `--time`, `--count` or `--bytes`.
const DEFAULT_TIME: Nanos = Nanos::from_secs(10);

/// A throughput run, ready to start.
#[derive(Clone, Debug)]
pub struct BlastPlan {
    /// The server.
    pub target: SocketAddr,
    /// Its name as given by the user; `None` for the server of this process.
    pub named: Option<String>,
    /// Local address of the control socket.
    pub control_bind: SocketAddr,
    /// The sockets of the streams.
    pub stream: SocketPlan,
    /// The test to request from the server.
    pub test: TestPlan,
    /// Streams in each direction if the server turns out to be on this host; `None` for the number
    /// in `test`.
    pub host_streams: Option<u32>,
    /// Whether the rate is not searched for if the server turns out to be on this host.
    pub floods_one_host: bool,
    /// Whether receivers at this end may use GRO.
    pub gro: bool,
    /// Whether senders at this end are busy between two sends.
    pub spin: bool,
    /// Processors for the streams of this end.
    pub placement: Placement,
    /// The key that authenticates control commands; `None` for no authentication.
    pub key: Option<ControlKey>,
    /// How long the server may be silent.
    pub patience: Nanos,
    /// How often each receiving socket sends a keepalive; zero for never.
    pub keepalive: Nanos,
    /// Interval of round-trip probes; `None` for no probes.
    pub probe: Option<Nanos>,
    /// Whether somebody looks at the distribution of delays.
    pub delays: Delays,
    /// The mix of sizes; `None` where all are the same.
    pub mix: Option<AskedMix>,
    /// Whether the user set the length of an outage.
    pub is_outage_asked: bool,
    /// MTU of the route, in bytes.
    pub mtu: u32,
    /// For an iperf3 server; `None` for one of udpkit.
    pub iperf3: Option<Iperf3Options>,
}

impl BlastPlan {
    /// Resolves the arguments; `embedded` is the address of this process's own server.
    pub fn resolve(args: &BlastArgs, embedded: Option<SocketAddr>) -> anyhow::Result<Self> {
        let family = FamilyChoice::from(args.family);
        let target = match (&args.target, embedded) {
            (Some(text), _) => {
                check_hosts(std::slice::from_ref(text)).map_err(Usage::from)?;
                let found = resolve_all(text, Some(args.port), family)?;
                one_of(args, text, found.addrs)?
            }
            (None, Some(addr)) => addr,
            (None, None) => return Err(Usage::from(BlastUsage::NoTarget).into()),
        };
        let device = device(args.interface.as_deref())?;
        check_zones(&[target], device).map_err(Usage::from)?;
        let bind = bind_address(args.bind.as_deref(), target)?;
        let control_bind = with_port(bind, 0);
        let control = SocketPlan { connect: Some(target), device, ..SocketPlan::new(control_bind) };
        let mtu = control.open()?.route_mtu().unwrap_or(ETHERNET_MTU as u32);
        let (own_memory, wide) = (target.ip().is_loopback(), host_streams(args));
        let streams = if own_memory { wide } else { args.streams }.unwrap_or(1);
        let streams = if args.compare_ecn { Marking::STREAMS } else { streams };
        let mix = AskedMix::of(args, target, (mtu, streams)).map_err(Usage::from)?;
        let payload = match &mix {
            Some(mix) => u64::from(mix.mix.bounds().1),
            None => payload(args, target, mtu).map_err(Usage::from)?,
        };
        let test = test_plan(args, payload, streams).map_err(Usage::from)?;
        let test = of_sizes(&test, args, mix.as_ref());
        let interval = test.interval_of_stream();
        let outage = outage_length(args.outage.length, interval, &args.fail_if)?;
        let test = TestPlan { outage, capacity: search_of(args, target), ..test };
        if let (Some(_), Some(mix)) = (test.capacity, &mix) {
            return Err(Usage::from(BlastUsage::MixSearched { text: mix.text() }).into());
        }
        check(args, &test).map_err(Usage::from)?;
        check_cpus(&args.cpus)?;
        let plain = SocketPlan { connect: Some(target), device, ..SocketPlan::new(bind) };
        let plan = Self {
            target,
            named: args.target.clone(),
            control_bind,
            stream: stream_socket(args, plain),
            test,
            host_streams: wide
                .filter(|_| !own_memory && args.streams.is_none() && !args.compare_ecn),
            floods_one_host: args.capacity.is_none() && test.capacity.is_some(),
            gro: IoMode::from(args.io).coalesces() && !args.no_gro,
            spin: args.spin,
            placement: match &args.cpus[..] {
                // The server will report whether both ends are on one host.
                [] => Placement::ANYWHERE,
                cpus => Placement::listed(cpus.to_vec()),
            },
            key: key::read(args.key.as_deref())?,
            patience: args.wait,
            keepalive: args.keepalive.every,
            probe: args.probe,
            delays: if args.json || args.jsonl || args.html.html.is_some() {
                Delays::Wanted
            } else {
                Delays::LeftOut
            },
            mix,
            is_outage_asked: args.outage.length.is_some(),
            mtu,
            iperf3: Iperf3Options::of(args, &test)?,
        };
        plan.check_gsro(args).map_err(Usage::from)?;
        Ok(plan)
    }

    /// A server that sends with GSO cannot fragment, and would end the test.
    fn check_gsro(&self, args: &BlastArgs) -> Result<(), BlastUsage> {
        if !args.gsro || self.test.direction == Direction::Up || self.fragments() == 1 {
            return Ok(());
        }
        let most = u64::from(self.mtu).saturating_sub(self.ip_family().headers() as u64);
        Err(BlastUsage::GsroFragments { size: u64::from(self.test.payload), most })
    }

    /// The same run at another rate, for another time: nothing is looked up again. Both plans have
    /// a limit, so that the number of streams does not depend on it.
    #[must_use]
    pub fn at(&self, rate: Rate, time: Nanos) -> Self {
        let test = TestPlan { rate, time, capacity: None, ..self.test };
        Self { test, delays: Delays::LeftOut, ..self.clone() }
    }

    /// The content of the report's first line.
    pub fn heading(&self) -> RunHeading {
        let TestPlan { payload, rate, capacity, time, count, streams, direction, .. } = self.test;
        RunHeading {
            least_bytes: self.test.sizes.map(|sizes| u32::from(sizes.bounds().0)),
            target: self.target.into(),
            own_server: self.named.is_none(),
            payload_bytes: payload,
            rate,
            capacity,
            time,
            count,
            streams,
            ways: match direction {
                Direction::Up => Ways::Up,
                Direction::Down => Ways::Down,
                Direction::Both => Ways::Both,
            },
        }
    }

    /// How long the run will take, if that is known.
    pub fn expected(&self) -> Option<Nanos> {
        (self.test.time != Nanos::ZERO).then_some(self.test.time)
    }

    /// Fragments of each datagram, by the MTU of the route; 1 for whole ones.
    pub fn fragments(&self) -> u64 {
        fragments(u64::from(self.test.payload), u64::from(self.mtu), self.ip_family())
    }

    /// Whether the server's address is one of this host's.
    pub fn is_on_this_host(&self) -> bool {
        is_of_this_host(self.target)
    }

    /// The family of the server's address.
    pub fn ip_family(&self) -> IpFamily {
        IpFamily::of(self.target)
    }
}

/// The plan of this process's own server.
pub fn embedded_server(args: &BlastArgs) -> anyhow::Result<ServerPlan> {
    let ip: IpAddr =
        if args.family.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
    let io = IoMode::from(args.io);
    Ok(ServerPlan {
        bind: (ip, 0).into(),
        dual_stack: false,
        // It serves this process only.
        policy: ServePolicy {
            max_duration: Nanos::MAX,
            source_share: 100,
            max_memory: u64::MAX,
            ..ServePolicy::default()
        },
        key: key::read(args.key.as_deref())?,
        stamp: StampPolicy::default(),
        stamp_bind: None,
        iperf3_bind: None,
        iperf3_users: None,
        udpstp: None,
        stun: None,
        io,
        gro: io.coalesces() && !args.no_gro,
        buffer: args.socket_buffer.0 as usize,
        cpus: embedded_cpus(args),
        // The client runs in the same process.
        watch: None,
        confinement: None,
        service: ServicePlan::default(),
    })
}

/// Whether an address is one of this host's.
fn is_of_this_host(target: SocketAddr) -> bool {
    target.ip().is_loopback() || binds(target.ip())
}

/// How the rate is searched for: as asked, and to another host without a rate. `None` where it is
/// not.
fn search_of(args: &BlastArgs, target: SocketAddr) -> Option<AdjustmentType> {
    let is_flood = args.rate.is_some() || args.iperf3 || is_of_this_host(target);
    match args.capacity {
        None if is_flood => None,
        Some(CapacityArg::C) => Some(AdjustmentType::C),
        Some(CapacityArg::B) | None => Some(AdjustmentType::B),
    }
}

/// Streams in each direction between two ends on this host. A link is measured with one stream, but
/// a run through memory without any limit gets one per processor, as a single stream would leave
/// the other processors idle. `None` if the user set the number of streams or a limit.
fn host_streams(args: &BlastArgs) -> Option<u32> {
    let searches = args.capacity.is_some();
    let bounded =
        searches || args.count.is_some() || args.bytes.is_some() || args.rate() != Rate::Max;
    if args.streams.is_some() || bounded || !args.cpus.is_empty() || args.iperf3 {
        return args.streams;
    }
    let ways = if args.bidir { 2 } else { 1 };
    let processors = Placement::for_one_host(args.rate()).processors() as u32;
    Some((processors / ways).clamp(1, DEFAULT_STREAMS))
}

/// The own server takes the processors that follow those of this end's streams in the list.
fn embedded_cpus(args: &BlastArgs) -> Vec<usize> {
    let mut cpus = args.cpus.clone();
    if !cpus.is_empty() {
        let streams = args.streams.unwrap_or(1);
        let all = if args.bidir { 2 * streams } else { streams };
        let used = all as usize % cpus.len();
        cpus.rotate_left(used);
    }
    cpus
}

/// Local address of the streams' sockets: `--bind`, or any address of the target's family.
pub(super) fn bind_address(from: Option<&str>, target: SocketAddr) -> anyhow::Result<SocketAddr> {
    let any = any_address(target);
    let Some(text) = from else { return Ok(any) };
    let named = || text.to_owned();
    let parts = split_host_port(text)?;
    let port = match parts.port.as_deref() {
        None => 0,
        Some(port) => {
            port.parse().map_err(|_| Usage::from(BlastUsage::BindPort { text: named() }))?
        }
    };
    let addr = match parts.host.as_str() {
        "" => with_port(any, port),
        host => literal(host, port)?
            .ok_or_else(|| Usage::from(BlastUsage::BindAddress { text: named() }))?,
    };
    if addr.is_ipv4() != target.is_ipv4() {
        return Err(
            Usage::from(BlastUsage::BindFamily { text: named(), target: target.into() }).into()
        );
    }
    Ok(on_link_of(addr, target))
}

/// The address of the server's name that answers first, of those that `--bind` can send to.
fn one_of(args: &BlastArgs, text: &str, addrs: Vec<SocketAddr>) -> anyhow::Result<SocketAddr> {
    let first = addrs[0];
    let sendable: Vec<SocketAddr> = addrs
        .into_iter()
        .filter(|addr| bind_address(args.bind.as_deref(), *addr).is_ok())
        .collect();
    // iperf3's servers answer no question of udpkit's, and iperf3 takes the first as well.
    if sendable.len() < 2 || args.iperf3 {
        return Ok(sendable.first().copied().unwrap_or(first));
    }
    let device = device(args.interface.as_deref())?;
    let key = key::read(args.key.as_deref())?;
    let plan = SocketPlan { device, ..SocketPlan::new(any_address(first)) };
    let name = split_host_port(text)?.host;
    Ok(choose(&name, &sendable, &plan, || hello(key.as_ref())))
}

fn payload(args: &BlastArgs, target: SocketAddr, mtu: u32) -> Result<u64, BlastUsage> {
    let family = IpFamily::of(target);
    let most = if args.iperf3 { MOST_PAYLOAD } else { max_payload(family) as u64 };
    let least = Header::LEN as u64;
    let Some(SizeChoice::One(size)) = args.size else {
        let fits = u64::from(mtu).saturating_sub(family.headers() as u64).clamp(least, most);
        let loopback = target.ip().is_loopback();
        return Ok(if loopback { fits.min(LOOPBACK_PAYLOAD) } else { fits });
    };
    if size.0 > most {
        return Err(BlastUsage::SizeTooLarge { size: size.0, target: target.into(), least, most });
    }
    if size.0 < least {
        return Err(BlastUsage::SizeTooSmall { size: size.0, least, most });
    }
    Ok(size.0)
}

/// What both ends are to do.
fn test_plan(args: &BlastArgs, payload: u64, streams: u32) -> Result<TestPlan, BlastUsage> {
    let is_counted = args.count.is_some() || args.bytes.is_some();
    let chosen = || if args.iperf3 { iperf3_options::burst(args, payload) } else { None };
    Ok(TestPlan {
        direction: match (args.reverse, args.bidir) {
            (true, _) => Direction::Down,
            (_, true) => Direction::Both,
            _ => Direction::Up,
        },
        streams,
        payload: payload as u32,
        rate: if args.iperf3 { rate_of_all(args, payload) } else { args.rate() },
        time: args.time.unwrap_or(if is_counted { Nanos::ZERO } else { DEFAULT_TIME }),
        count: count(args, payload)?,
        verify: args.verify,
        interval: args.report_every,
        window: args.window.unwrap_or(WINDOW),
        burst: args.burst.or_else(chosen),
        marking: match (args.compare_ecn, args.ecn) {
            (true, _) => Marking::EachItsOwn,
            (_, Some(_)) => Marking::Marked,
            _ => Marking::Alike,
        },
        capacity: None,
        outage: None,
        sizes: None,
    })
}

/// The same for datagrams of several sizes.
fn of_sizes(test: &TestPlan, args: &BlastArgs, mix: Option<&AskedMix>) -> TestPlan {
    let Some(mix) = mix else { return *test };
    let streams = u64::from(test.streams.max(1));
    let count =
        args.bytes.map(|bytes| mix.datagrams_of(bytes.0.div_ceil(streams)).saturating_mul(streams));
    TestPlan { sizes: Some(mix.mix), count: count.unwrap_or(test.count), ..*test }
}

/// The socket of each stream; `plain` has its addresses alone.
fn stream_socket(args: &BlastArgs, plain: SocketPlan) -> SocketPlan {
    let is_marked = args.dscp.is_some() || args.ecn.is_some();
    SocketPlan {
        ttl: args.ttl,
        tos: is_marked.then(|| tos(args.dscp.unwrap_or_default(), args.ecn.unwrap_or_default())),
        fragmentation: args.dont_fragment.then_some(Fragmentation::Probe),
        io: args.io.into(),
        buffer: args.socket_buffer.0 as usize,
        ..plain
    }
}

fn count(args: &BlastArgs, payload: u64) -> Result<u64, BlastUsage> {
    let count = match (args.count, args.bytes) {
        (Some(count), _) => count,
        (None, Some(bytes)) => bytes.0.div_ceil(payload),
        (None, None) => return Ok(0),
    };
    if count == 0 {
        return Err(BlastUsage::NothingToSend);
    }
    Ok(count)
}

fn check(args: &BlastArgs, test: &TestPlan) -> Result<(), BlastUsage> {
    if args.time == Some(Nanos::ZERO) {
        return Err(BlastUsage::NoTime);
    }
    if test.interval < LEAST_INTERVAL {
        let (every, least) = (test.interval, LEAST_INTERVAL);
        return Err(BlastUsage::ReportsTooOften { every, least });
    }
    let most = if args.iperf3 { MOST_STREAMS } else { MAX_STREAMS };
    if let Some(streams) = args.streams.filter(|streams| !(1..=most).contains(streams)) {
        return Err(BlastUsage::Streams { streams, most });
    }
    if let Some(window) = args.window.filter(|window| !WINDOWS.contains(window)) {
        return Err(BlastUsage::Window { window });
    }
    if let Some(every) = args.probe.filter(|every| *every < LEAST_PROBE) {
        return Err(BlastUsage::ProbesTooOften { every, least: LEAST_PROBE });
    }
    if args.burst == Some(0) {
        return Err(BlastUsage::NoBurst);
    }
    if args.spin && args.rate() == Rate::Max {
        return Err(BlastUsage::NoInstants);
    }
    Ok(())
}
