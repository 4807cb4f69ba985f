//! The real server as the remote agent of a probe on the simulated network, and a path to it whose
//! behaviour a test sets.

use super::{FarEnd, Kind, RoundDriver, RoundDriverEnd, RoundParameters};
use crate::batch::TxBatch;
use crate::control::Sealer;
use crate::impair::{
    Bottleneck, Capacity, Chance, Delay, Duplication, Impairments, Jitter, Loss, QueueLimit,
};
use crate::machine::{Executor, Orders, Session};
use crate::netsim::{Clock, Host, Link, Mailbox, Network, Packet, Policer, Router, SimSocket, Way};
use crate::session::serve::{
    PortsOpened, ServeCommand, ServeControl, ServeOrder, ServePolicy, StreamReport,
};
use crate::session::simulation::fault_matrix::reflector;
use crate::units::{BitRate, Nanos};
use crate::wire::{Ask, Class, Echo, TicketKey};
use std::net::{IpAddr, SocketAddr};

const SERVER: [u8; 4] = [198, 51, 100, 1];
const CLIENT: [u8; 4] = [10, 0, 0, 5];
/// The server's own port, those that it opens for a probe, and its other one.
pub const PORTS: [u16; 6] = [8_620, 5_000, 5_001, 5_002, 5_003, 49_999];

pub fn server() -> SocketAddr {
    (SERVER, PORTS[0]).into()
}

/// The address of one of the client's sockets.
pub fn client(socket: u16) -> SocketAddr {
    (CLIENT, 40_000 + socket).into()
}

/// The host of the probe, and that of the server, with nothing between them.
pub fn hosts() -> [Host; 2] {
    let [near, mut far] = [CLIENT, SERVER].map(|own| Host::at(&IpAddr::from(own).to_string()));
    let (boot, epoch) = (Nanos::from_secs(70_000), Nanos::from_secs(1_600_000_000));
    far.clock = Clock { boot, epoch, ..far.clock };
    [near, far]
}

/// Opens the ports that have a socket, as the engine would; the last is the server's other port.
#[derive(Clone)]
struct Engine(Mailbox<ServeOrder>, Vec<u16>);

impl Orders<ServeOrder> for Engine {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.0.next_order()
    }
}

impl Executor<ServeCommand> for Engine {
    fn execute(&mut self, command: ServeCommand) {
        if let ServeCommand::OpenPorts(request) = command {
            let socket = |port: u16| self.1.iter().position(|own| *own == port);
            let opened = request.ports.iter().filter_map(|port| Some((port, socket(port)?)));
            let opened = PortsOpened {
                opened: opened.collect(),
                alternate: self.1[1..].last().map(|port| (*port, self.1.len() - 1)),
                ..PortsOpened::default()
            };
            let news = StreamReport::Ports(Box::new(opened));
            self.0.push(ServeOrder { session: request.session, stream: 0, news });
        }
    }
}

/// The real server on a host, with a socket for each of these ports.
pub fn place_server(network: &mut Network, host: Host, ports: &[u16]) {
    let host = network.add(host);
    let mut name = 0;
    let names = move || {
        name += 0x1111;
        name
    };
    let engine = Engine(Mailbox::new(), ports.to_vec());
    let policy = ServePolicy { on_demand: 1_024..=65_535, ..ServePolicy::default() };
    let (orders, engine) = (engine.clone(), (engine, Vec::new()));
    let server = ServeControl::new(policy, TicketKey([3; 32]), orders, engine, names)
        .on_ports(PORTS[0], &[])
        .with_reflector(Class::Stamp, Box::new(reflector()));
    let sockets: Vec<_> =
        ports.iter().map(|port| SimSocket::bound((SERVER, *port).into())).collect();
    let running = network.start_with(host, &sockets, server, TxBatch::new(128, 1 << 20));
    network.set_tick(running.id(), Nanos::from_millis(500));
}

/// The dialogue with the server.
pub fn far_end() -> FarEnd {
    FarEnd::new(server(), 0, Sealer::default(), Nanos::from_secs(5))
}

/// Runs a session with so many sockets to its end; returns how long it took, too.
pub fn probed<S: Session + 'static>(
    seed: u64,
    [near, far]: [Host; 2],
    sockets: u16,
    session: S,
) -> (S::Summary, Nanos) {
    let mut network = Network::new(seed);
    let near = network.add(near);
    place_server(&mut network, far, &PORTS);
    let sockets: Vec<_> = (0..sockets).map(|number| SimSocket::bound(client(number))).collect();
    let running = network.start_with(near, &sockets, session, TxBatch::new(128, 1 << 20));
    // An agent that lies about every number makes `probe shape` wait for more than 2,000 s.
    let summary = network.finish(&running, Nanos::from_secs(3_000));
    (summary, network.instant())
}

/// Runs a kind that works in rounds to its end; returns how long it took, too.
pub fn in_rounds<K: Kind + 'static>(
    seed: u64,
    hosts: [Host; 2],
    kind: K,
    ports: &[u16],
) -> (RoundDriverEnd<K::Facts>, Nanos) {
    let (spacing, wait) = (Nanos::from_millis(60), Nanos::from_millis(600));
    let ports = ports.iter().copied().collect();
    let manner = RoundParameters { target: server(), ports, spacing, wait };
    probed(seed, hosts, 1, RoundDriver::new(manner, kind, far_end()))
}

/// Behaviour of the path. The default changes nothing, and nothing changes the dialogue.
pub struct World {
    pub seed: u64,
    /// Path MTU, out and back.
    pub mtu: [u32; 2],
    /// Whether routers report packets that are too big.
    pub speaks: bool,
    /// Whether fragments pass.
    pub fragments: bool,
    /// Packet loss rate, out and back.
    pub loss: [f64; 2],
    /// Copies of each datagram that arrive, out and back; 1 for no duplication.
    pub copies: [u32; 2],
    /// Whether routers fragment packets with don't-fragment set.
    pub clears_df: bool,
    /// MTU of the interfaces of this host and of the remote agent.
    pub interfaces: [u32; 2],
    /// Datagrams per second and burst that this host's own packet filter lets out.
    pub own_limit: Option<(u64, u64)>,
    /// Whether the remote agent's counts arrive.
    pub tells: bool,
    /// Mapping of a TOS byte, out and back.
    pub tos: [fn(u8) -> u8; 2],
    /// Whether a TOS byte is blocked on the way out.
    pub stops_tos: fn(u8) -> bool,
    /// Whether a payload is blocked on the way out.
    pub stops: fn(&[u8]) -> bool,
    /// Whether an answer of this many bytes is blocked on the way back.
    pub stops_back: fn(usize) -> bool,
    /// Datagrams per second and burst of a policer, and where it is.
    pub policer: Option<(u64, u64, Way)>,
    /// The remote agent runs for the second of these of each of the first.
    pub agent_runs: Option<(Nanos, Nanos)>,
    /// Share of echoes and of the remote agent's counts in which a number is replaced by an extreme
    /// one.
    pub extremes: Chance,
}

/// Whether it belongs to the measurement, not to the dialogue.
fn is_measured(packet: &Packet) -> bool {
    packet.payload().is_none_or(|payload| is_ask(payload) || Echo::decode(payload).is_some())
}

fn is_ask(payload: &[u8]) -> bool {
    Ask::decode(payload).or_else(|| Ask::decode_at_end(payload)).is_some()
}

/// Whether it is a part of the remote agent's counts.
fn is_count(packet: &Packet) -> bool {
    let is_row = |payload: &[u8]| payload.windows(5).any(|text| text == b" 211-");
    packet.payload().is_some_and(is_row)
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            mtu: [1_500; 2],
            speaks: true,
            fragments: true,
            loss: [0.0; 2],
            copies: [1; 2],
            clears_df: false,
            interfaces: [1_500; 2],
            own_limit: None,
            tells: true,
            tos: [|tos| tos; 2],
            stops_tos: |_| false,
            stops: |_| false,
            stops_back: |_| false,
            policer: None,
            agent_runs: None,
            extremes: Chance::NEVER,
        }
    }

    fn hosts(&self) -> [Host; 2] {
        let [mut near, mut far] = hosts();
        [near.mtu, far.mtu] = self.interfaces;
        far.runs = self.agent_runs;
        if let Some((rate, burst)) = self.own_limit {
            let mut filter = Policer::new(None, rate * 1_000, burst);
            near = near.refusing(move |now, _, payload| {
                (is_ask(payload) && !filter.admits(now, Way::Out)).then_some(1)
            });
        }
        if let Some((rate, burst, way)) = self.policer {
            let mut policer = Policer::new(Some(way), rate * 1_000, burst);
            near = near.behind_rule(move |now, way, packet| {
                !is_measured(packet) || policer.admits(now, way)
            });
        }
        [self.with_routers(self.with_links(near)), far]
    }

    /// Each copy has its own fate, in either direction.
    fn with_links(&self, mut near: Host) -> Host {
        let copied = self.copies.map(|copies| {
            let share = if copies > 1 { Chance::ALWAYS } else { Chance::NEVER };
            let duplication = Duplication { share, copies: copies - 1 };
            let delay = Delay { base: Nanos::from_millis(1), jitter: Jitter::None };
            // No two arrive at one instant.
            let (rate, queue) = (BitRate(10_000_000_000), QueueLimit::Time(Nanos::from_secs(1)));
            let bottleneck =
                Some(Bottleneck { capacity: Capacity::Rate(rate), queue, overhead: 0 });
            Impairments { duplication, bottleneck, delay, ..Impairments::default() }
        });
        let lossy = self.loss.map(|share| {
            let loss = Loss::Independent(Chance::per_million((share * 1e6) as u32));
            Impairments { loss, ..Impairments::default() }
        });
        let ([copied_out, copied_back], [lossy_out, lossy_back]) = (copied, lossy);
        if self.extremes != Chance::NEVER {
            let is_lied_to = |packet: &Packet| is_measured(packet) || is_count(packet);
            let mut liar = Link::both(&Impairments::default()).choosing(is_lied_to);
            liar.back.extremes = self.extremes;
            near = near.behind(liar);
        }
        near.behind(Link::new(copied_out, lossy_back).choosing(is_measured))
            .behind(Link::new(lossy_out, copied_back).choosing(is_measured))
    }

    fn with_routers(&self, near: Host) -> Host {
        let &Self { tells, fragments, clears_df, stops_tos, stops, stops_back, tos, .. } = self;
        let mut router = Router::at([192, 0, 2, 1].into()).with_mtus(self.mtu);
        if !self.speaks {
            router = router.silent();
        }
        near.behind_rule(move |_, way, packet| {
            let payload = packet.payload().unwrap_or_default();
            let is_stopped = match way {
                Way::Out => stops_tos(packet.tos) || is_ask(payload) && stops(payload),
                Way::Back => stops_back(payload.len()) || !tells && is_count(packet),
            };
            packet.tos = tos[way as usize](packet.tos);
            packet.may_fragment |= clears_df;
            !is_stopped && (fragments || packet.fragment.is_none())
        })
        .behind(router)
        .behind(Router::at([192, 0, 2, 2].into()))
    }
}

/// Runs a kind to its end against the remote agent behind `world`.
pub fn run<K: Kind + 'static>(kind: K, ports: &[u16], world: &World) -> K::Facts {
    let (end, _) = in_rounds(world.seed, world.hosts(), kind, ports);
    end.facts.unwrap_or_else(|why| panic!("seed {}: {why:?}", world.seed))
}

mod tests {
    use super::*;
    use crate::netsim::runs;
    use crate::record::probe::{
        Counted, FragmentMtu, MarkChange, MarksVerdict, MtuLimit, MtuReport, MtuVerdict, Outcome,
        PayloadFinding, PayloadKind, PayloadRow, ShapeCaveat, ShapeVerdict, SizeSet,
        Way as Direction,
    };
    use crate::session::probe::marks::{MarksKind, MarksPlan};
    use crate::session::probe::mtu::{MtuKind, MtuPlan, judge};
    use crate::session::probe::shape::{ShapeKind, ShapePlan};

    fn mtu(world: &World) -> MtuReport {
        let kind = MtuKind::new(MtuPlan { target: server(), tries: 4 });
        let mut report = run(kind, &[], world);
        report.findings = judge(&report);
        report
    }

    #[test]
    fn sizes_are_found_each_way_under_loss_whether_routers_speak_or_not() {
        let mut rng = fastrand::Rng::with_seed(3);
        for seed in 0..24 {
            let mtu_of = [rng.u32(576..=1_500), rng.u32(576..=1_500)];
            let speaks = seed % 2 == 0;
            let loss = if seed % 3 == 0 { 0.02 } else { 0.0 };
            let world = World { mtu: mtu_of, speaks, loss: [loss; 2], ..World::new(seed) };
            let report = mtu(&world);
            let found = [report.out.packet_bytes, report.back.packet_bytes];
            assert_eq!(found, mtu_of.map(Some), "seed {seed}");
            let limit = match (mtu_of[0], speaks) {
                (1_500, _) => MtuLimit::Interface,
                (_, true) => MtuLimit::Router,
                (_, false) => MtuLimit::BlackHole,
            };
            assert_eq!(report.out.limit, Some(limit), "seed {seed}");
            let row = report.out.fragments.last().expect("rows");
            assert_eq!((row.payload_bytes, row.largest_fragment_bytes), (65_507, Some(mtu_of[0])));
        }
    }

    #[test]
    fn fragments_that_do_not_pass_are_told() {
        let report = mtu(&World { fragments: false, ..World::new(1) });
        let blocked = matches!(
            report.findings.verdict,
            MtuVerdict::PathMtu {
                fragments_out: FragmentMtu::Blocked,
                fragments_back: FragmentMtu::Blocked,
                ..
            }
        );
        assert!(blocked, "{report:?}");
        assert!(report.out.fragments.iter().all(|row| row.arrived == 0));
    }

    #[test]
    fn marks_are_told_through_loss() {
        for seed in 0..20 {
            let bleach = |tos: u8| if tos & 3 == 2 { tos & !3 } else { tos };
            let world = World { loss: [0.05; 2], tos: [|tos| tos & 3, bleach], ..World::new(seed) };
            let kind = MarksKind::new(MarksPlan { target: server(), tries: 8 });
            let report = run(kind, &[], &world);
            let changes = vec![
                MarkChange::AllDscpsBecome { way: Direction::Out, dscp: 0 },
                MarkChange::EcnCleared { way: Direction::Back, sent: vec![2] },
            ];
            let verdict = MarksVerdict::Changed { changes };
            assert_eq!(report.findings.verdict, verdict, "seed {seed}");
            let hops = (report.hops_out, report.hops_back, report.hops_back_from);
            assert_eq!(hops, (Some(2), Some(2), Some(64)));
        }
    }

    fn shape(world: &World, ports: &[u16]) -> crate::record::probe::ShapeReport {
        let plan = ShapePlan { target: server(), tries: 4, rate: 1_000, count: 1_000 };
        run(ShapeKind::new(plan), ports, world)
    }

    #[test]
    fn a_policer_is_found_and_kept_below() {
        for (rate, burst) in [(50, 10), (200, 20), (600, 100)] {
            let world = World { policer: Some((rate, burst, Way::Out)), ..World::new(9) };
            let report = shape(&world, &[5_000, 5_001]);
            let limit = report.limit.expect("it is there");
            let off = limit.datagrams_per_1000_s.abs_diff(rate * 1_000);
            assert!(off < rate * 30, "{rate}: {limit:?}");
            assert!(limit.burst_datagrams.abs_diff(burst) <= 2, "{burst}: {limit:?}");
            assert_eq!((limit.way, limit.counts), (Some(Direction::Out), Some(Counted::Datagrams)));
            assert_eq!(limit.each_port, Some(false));
            assert!(
                report.payloads.iter().all(|row: &PayloadRow| row.outcome == Outcome::Passes),
                "{report:?}"
            );
        }
    }

    #[test]
    fn a_policer_on_the_way_back_is_found_although_the_helper_answers_in_bunches() {
        let agent_runs = Some((Nanos::from_millis(100), Nanos::from_millis(55)));
        for (rate, burst) in [(100, 30), (250, 40), (500, 60)] {
            let policer = Some((rate, burst, Way::Back));
            let world = World { policer, agent_runs, ..World::new(9) };
            let limit = shape(&world, &[5_000]).limit.expect("it is there");
            let off = limit.datagrams_per_1000_s.abs_diff(rate * 1_000);
            assert!(off < rate * 50, "{rate}: {limit:?}");
            assert!(limit.burst_datagrams.abs_diff(burst) <= 4, "{burst}: {limit:?}");
            assert_eq!(limit.way, Some(Direction::Back), "{limit:?}");
        }
    }

    #[test]
    fn loss_at_any_rate_is_no_policer() {
        let report = shape(&World { loss: [0.1; 2], ..World::new(4) }, &[5_000]);
        assert_eq!(report.limit, None);
        let caveats = &report.findings.caveats;
        let is_loss = |caveat: &ShapeCaveat| matches!(caveat, ShapeCaveat::TrainLoss { .. });
        assert!(caveats.iter().any(is_loss), "{caveats:?}");
    }

    #[test]
    fn what_reads_payloads_is_told_by_what_it_stops() {
        let stops = |payload: &[u8]| payload.starts_with(b"OPTIONS sip:");
        let report = shape(&World { stops, ..World::new(5) }, &[5_000]);
        let only = |found| ShapeVerdict::Compared { limit: None, payloads: vec![found] };
        let sip = PayloadFinding::KindBlocked { kind: PayloadKind::Sip, sizes: None };
        assert_eq!(report.findings.verdict, only(sip));
        let stops = |payload: &[u8]| payload.len() > 1_100;
        let report = shape(&World { stops, ..World::new(5) }, &[5_000]);
        let sizes = SizeSet::AndLarger { from_bytes: 1_200 };
        assert_eq!(report.findings.verdict, only(PayloadFinding::SizesBlocked { sizes }));
    }

    #[test]
    fn helpers_may_say_anything() {
        for seed in 0..runs(12) {
            let extremes = Chance::percent([2, 20, 100][seed as usize % 3]);
            let world = || World { extremes, loss: [0.02; 2], ..World::new(seed) };
            let report = mtu(&world());
            assert!(report.out.packet_bytes <= Some(65_535), "seed {seed}: {report:?}");
            let kind = MarksKind::new(MarksPlan { target: server(), tries: 8 });
            run(kind, &[], &world());
            shape(&World { policer: Some((200, 20, Way::Out)), ..world() }, &[5_000]);
        }
    }
}
