//! A host behind a NAT of every behaviour of RFC 4787, and a STUN server, on the simulated network.

use super::{NatPlan, NatSession, RunId};
use crate::batch::{Datagram, Dest, RxMeta, TxBatch};
use crate::impair::{Chance, Delay, Duplication, Impairments, Jitter, Loss};
use crate::machine::Now;
use crate::netsim::{Host, Link, Nat, Network, Responder, SimSocket, Way, Weather};
use crate::record::probe::{Dependence, NatReport, PortChoice};
use crate::session::serve::{Reflection, Reflector};
use crate::session::stun::{StunAlternate, StunPolicy, StunReflector};
use crate::units::Nanos;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// Delay in each direction.
const DELAY: Nanos = Nanos::from_millis(10);
const SERVER: &str = "198.51.100.1";
const SECOND: &str = "198.51.100.2";
const EXTERNAL: [u8; 4] = [203, 0, 113, 1];

/// What is between the host and the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// `None` for no NAT.
    pub mapping: Option<Dependence>,
    pub filtering: Dependence,
    pub ports: PortChoice,
    pub hairpin: bool,
    /// Whether the server has a second address.
    pub two_addresses: bool,
    /// Whether the server has a second port.
    pub two_ports: bool,
    /// Loss rate, out and back.
    pub loss: [f64; 2],
    /// How often each answer arrives, by duplication in either direction.
    pub copies: u64,
    /// Everything sent later than this after the start is lost.
    pub until: Nanos,
    /// Error with which this host refuses every send; `None` if it does not.
    pub refused: Option<i32>,
    pub seed: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            mapping: Some(Dependence::EndpointIndependent),
            filtering: Dependence::AddressAndPortDependent,
            ports: PortChoice::Kept,
            hairpin: false,
            two_addresses: true,
            two_ports: true,
            loss: [0.0; 2],
            copies: 1,
            until: Nanos::MAX,
            refused: None,
            seed: 1,
        }
    }
}

impl Rules {
    /// The probing host: its link, and behind it the NAT or firewall.
    fn near(&self) -> Host {
        let way = |share: f64, copies: u64| {
            let share_of_copies = if copies > 1 { Chance::ALWAYS } else { Chance::NEVER };
            Impairments {
                loss: Loss::Independent(Chance::per_million((share * 1e6) as u32)),
                duplication: Duplication { share: share_of_copies, copies: copies as u32 - 1 },
                delay: Delay { base: DELAY, jitter: Jitter::None },
                ..Impairments::default()
            }
        };
        let (until, refused) = (self.until, self.refused);
        Host::at("10.0.0.5")
            .refusing(move |_, _, _| refused)
            .behind_rule(move |now, direction, _| direction == Way::Back || now <= until)
            .behind(Link::new(way(self.loss[0], 1), way(self.loss[1], self.copies)))
            .behind(self.middlebox())
    }

    fn middlebox(&self) -> Nat {
        let mut nat = match self.mapping {
            Some(_) => Nat::at(EXTERNAL.into()),
            None => Nat::firewall(),
        };
        if let (Some(translation), Some(mapping)) = (&mut nat.translation, self.mapping) {
            translation.mapping = mapping;
            translation.ports = self.ports;
        }
        nat.filtering = self.filtering;
        nat.hairpin = self.hairpin;
        nat
    }

    /// The STUN server with the addresses and ports that it has.
    fn place_server(&self, network: &mut Network, weather: &Weather) {
        let host = weather.far(Host::at(SERVER));
        let host = network.add(if self.two_addresses { host.and(SECOND) } else { host });
        let (two_addresses, two_ports) = (self.two_addresses, self.two_ports);
        let alternate = two_ports.then_some(StunAlternate { socket: 1, port: 8621 });
        let policy = StunPolicy { port: 8620, alternate, ..StunPolicy::default() };
        let mut reflector = StunReflector::new(policy, move |meta: &RxMeta| {
            let [first, second]: [Option<IpAddr>; 2] = [SERVER.parse().ok(), SECOND.parse().ok()];
            let other = if meta.destination == first { second } else { first };
            other.filter(|_| two_addresses)
        });
        let answer = move |now: Now, datagram: &Datagram<'_>, queue: &mut Replies| {
            let mut reply = Vec::new();
            let back = Dest::back_to(&datagram.meta);
            let dest = match reflector.answer(now, datagram, &mut reply) {
                Reflection::Silent => return,
                Reflection::Answered { .. } => back,
                Reflection::Elsewhere { socket, from } => Dest { from, socket, ..back },
            };
            queue.push_back((dest, reply));
        };
        let ports = [8620, 8621];
        let ports = &ports[..if two_ports { 2 } else { 1 }];
        let sockets: Vec<_> = ports.iter().map(|port| bound([0; 4], *port)).collect();
        network.start(host, &sockets, Responder::new(answer));
    }
}

type Replies = VecDeque<(Dest, Vec<u8>)>;

fn bound(address: [u8; 4], port: u16) -> SimSocket {
    SimSocket::bound((address, port).into())
}

/// Runs `probe nat` through the rules.
pub(super) fn probed(rules: Rules) -> NatReport {
    probed_under(rules, None).0
}

/// The same with weather on the path behind them; returns when it was over, too.
pub(super) fn probed_under(rules: Rules, weather: Option<&Weather>) -> (NatReport, Nanos) {
    let own = [10, 0, 0, 5];
    let ports: Vec<u16> = (0..6).map(|number| 40_000 + 37 * number).collect();
    let plan = NatPlan {
        server: (SERVER.parse::<IpAddr>().unwrap(), 8620).into(),
        second: None,
        locals: ports.iter().map(|port| SocketAddr::from((own, *port))).collect(),
        tries: 10,
        wait: Nanos::from_millis(500),
        hairpin: true,
        run: RunId(*b"12345678"),
    };
    // The last is the source of the hairpinned datagram.
    let sockets: Vec<_> = ports.into_iter().chain([50_000]).map(|port| bound(own, port)).collect();
    let mut network = Network::new(rules.seed);
    let near = match weather {
        Some(weather) => weather.near(rules.near(), [203, 0, 113, 9].into()),
        None => rules.near(),
    };
    let near = network.add(near);
    rules.place_server(&mut network, weather.unwrap_or(&Weather::default()));
    let batch = TxBatch::new(64, 64 * NatSession::request_len());
    let running = network.start_with(near, &sockets, NatSession::new(plan), batch);
    let report = network.finish(&running, Nanos::from_secs(60));
    (report, network.instant())
}
