//! A NAT with given timers between the probe and the real server, on the simulated network.

use super::{CANDIDATES, TimeoutPlan, TimeoutSession};
use crate::control::Sealer;
use crate::impair::{Chance, Delay, Duplication, Impairments, Jitter, Loss};
use crate::machine::{Executor, Orders};
use crate::netsim::{Clock, Host, Link, Mailbox, Nat, NatTimers, Network, Refresh, SimSocket, Way};
use crate::record::probe::{Dependence, TimeoutEvent, TimeoutReport};
use crate::session::probe::FarEnd;
use crate::session::serve::{
    PortsOpened, ServeCommand, ServeControl, ServeOrder, ServePolicy, StreamReport,
};
use crate::units::Nanos;
use crate::wire::TicketKey;
use std::net::IpAddr;
use std::ops::Range;

/// Delay in each direction.
const DELAY: Nanos = Nanos::from_millis(5);
const SERVER: [u8; 4] = [198, 51, 100, 1];
const PORT: u16 = 8620;
const EXTERNAL: [u8; 4] = [203, 0, 113, 1];

/// Behaviour of the NAT.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Timer after one datagram out.
    pub first: Nanos,
    /// Timer once established.
    pub established: Nanos,
    /// Whether inbound traffic restarts the timers.
    pub inbound_refreshes: bool,
    /// Idle times after which the path is closed although the timers have not expired.
    pub hole: Option<Range<Nanos>>,
    /// Loss rate, out and back.
    pub loss: [f64; 2],
    /// Copies of each datagram that arrive, out and back; 1 for no duplication.
    pub copies: [usize; 2],
    pub seed: u64,
    /// Whether the server acts as a remote agent.
    pub agent: bool,
    /// Behaviour of the server's other port.
    pub other_port: OtherPort,
}

/// Behaviour of the port through which sockets may be verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OtherPort {
    /// It does not exist.
    #[default]
    None,
    /// It sees the same address as the first, over a separate mapping timer.
    Open,
    /// Something on the path blocks it.
    Blocked,
    /// The NAT maps traffic to it to another address.
    Translated,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            first: Nanos::MAX,
            established: Nanos::MAX,
            inbound_refreshes: true,
            hole: None,
            loss: [0.0; 2],
            copies: [1; 2],
            seed: 1,
            agent: true,
            other_port: OtherPort::None,
        }
    }
}

/// Parameters of a run.
pub(super) fn plan() -> TimeoutPlan {
    TimeoutPlan {
        server: (SERVER, PORT).into(),
        candidates: CANDIDATES.map(Nanos::from_secs).to_vec(),
        precision: Nanos::from_millis(500),
        tries: 3,
        who_refreshes: false,
    }
}

/// The server's other port, and its socket.
const OTHER: (u16, usize) = (49_999, 1);

/// Opens only the additional port, if there is one.
#[derive(Clone)]
struct Engine(Mailbox<ServeOrder>, OtherPort);

impl Orders<ServeOrder> for Engine {
    fn next_order(&mut self) -> Option<ServeOrder> {
        self.0.next_order()
    }
}

impl Executor<ServeCommand> for Engine {
    fn execute(&mut self, command: ServeCommand) {
        if let ServeCommand::OpenPorts(request) = command {
            let alternate = (self.1 != OtherPort::None).then_some(OTHER);
            let news =
                StreamReport::Ports(Box::new(PortsOpened { alternate, ..Default::default() }));
            self.0.push(ServeOrder { session: request.session, stream: 0, news });
        }
    }
}

impl Rules {
    /// The probing host behind its NAT, and the path from there.
    fn near(&self) -> Host {
        let way = |direction: usize| {
            let (loss, more) = (self.loss[direction], self.copies[direction] as u32 - 1);
            let share = if more > 0 { Chance::ALWAYS } else { Chance::NEVER };
            Impairments {
                loss: Loss::Independent(Chance::per_million((loss * 1e6) as u32)),
                duplication: Duplication { share, copies: more },
                delay: Delay { base: DELAY, jitter: Jitter::None },
                ..Impairments::default()
            }
        };
        let blocked = self.other_port == OtherPort::Blocked;
        Host::at("10.0.0.5")
            .behind(self.nat())
            .behind_rule(move |_, direction, packet| {
                !blocked || direction == Way::Back || packet.to.port() != OTHER.0
            })
            .behind(Link::new(way(0), way(1)))
    }

    fn nat(&self) -> Nat {
        let mut nat = Nat::at(EXTERNAL.into());
        if let Some(translation) = &mut nat.translation
            && self.other_port == OtherPort::Translated
        {
            translation.mapping = Dependence::AddressAndPortDependent;
        }
        nat.timers = NatTimers {
            first: self.first,
            established: self.established,
            refresh: if self.inbound_refreshes { Refresh::Both } else { Refresh::Outbound },
            hole: self.hole.clone(),
        };
        nat
    }

    /// The real server, on clocks of its own.
    fn place_server(&self, network: &mut Network) {
        let mut host = Host::at(&IpAddr::from(SERVER).to_string());
        host.clock = Clock {
            boot: Nanos::from_secs(70_000),
            epoch: Nanos::from_secs(1_600_000_000),
            ..Clock::default()
        };
        let host = network.add(host);
        if !self.agent {
            return;
        }
        let engine = Engine(Mailbox::new(), self.other_port);
        let mut names = 0;
        let names: Box<dyn FnMut() -> u64> = Box::new(move || {
            names += 0x1111;
            names
        });
        let key = TicketKey([3; 32]);
        let (orders, engine) = (engine.clone(), (engine, Vec::new()));
        let server = ServeControl::new(ServePolicy::default(), key, orders, engine, names)
            .on_ports(PORT, &[]);
        let sockets = [PORT, OTHER.0].map(|port| SimSocket::bound((SERVER, port).into()));
        let bound = if self.other_port == OtherPort::None { 1 } else { 2 };
        let running = network.start(host, &sockets[..bound], server);
        network.set_tick(running.id(), Nanos::from_millis(500));
    }
}

/// Runs `probe timeout` through the rules; returns its report, its events, and the time it took.
pub(super) fn probed(rules: Rules, plan: TimeoutPlan) -> (TimeoutReport, Vec<TimeoutEvent>, Nanos) {
    let events = Mailbox::new();
    let far = FarEnd::new(plan.server, 0, Sealer::default(), Nanos::from_secs(5));
    let sockets: Vec<_> = (0..plan.sockets() as u16)
        .map(|number| SimSocket::bound(([10, 0, 0, 5], 40_000 + number).into()))
        .collect();
    let client = TimeoutSession::new(plan, far, events.clone());
    let mut network = Network::new(rules.seed);
    let near = network.add(rules.near());
    rules.place_server(&mut network);
    let running = network.start(near, &sockets, client);
    let report = network.finish(&running, Nanos::from_secs(2_000));
    (report, events.drain(), network.instant())
}
