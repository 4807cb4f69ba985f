//! A NAT with given timers between the probe and the real server, on the simulated network.

use super::{CANDIDATES, TimeoutPlan, TimeoutSession};
use crate::impair::{Chance, Delay, Duplication, Impairments, Jitter, Loss};
use crate::netsim::{Host, Link, Mailbox, Nat, NatTimers, Network, Refresh, SimSocket, Way};
use crate::record::probe::{Dependence, TimeoutEvent, TimeoutReport};
use crate::session::probe::simulated::{client, far_end, hosts, place_server, server};
use crate::units::Nanos;
use std::ops::Range;

/// Delay in each direction.
const DELAY: Nanos = Nanos::from_millis(5);
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
        server: server(),
        candidates: CANDIDATES.map(Nanos::from_secs).to_vec(),
        precision: Nanos::from_millis(500),
        tries: 3,
        who_refreshes: false,
    }
}

/// The server's other port.
const OTHER: u16 = 49_999;

impl Rules {
    /// The probing host behind its NAT, and the path from there.
    fn near(&self, host: Host) -> Host {
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
        host.behind(self.nat())
            .behind_rule(move |_, direction, packet| {
                !blocked || direction == Way::Back || packet.to.port() != OTHER
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
}

/// Runs `probe timeout` through the rules; returns its report, its events, and the time it took.
pub(super) fn probed(rules: Rules, plan: TimeoutPlan) -> (TimeoutReport, Vec<TimeoutEvent>, Nanos) {
    let (events, [near, far]) = (Mailbox::new(), hosts());
    let sockets: Vec<_> =
        (0..plan.sockets() as u16).map(|number| SimSocket::bound(client(number))).collect();
    let session = TimeoutSession::new(plan, far_end(), events.clone());
    let mut network = Network::new(rules.seed);
    let near = network.add(rules.near(near));
    if rules.agent {
        let bound = if rules.other_port == OtherPort::None { 1 } else { 2 };
        place_server(&mut network, far, &[server().port(), OTHER][..bound]);
    } else {
        network.add(far);
    }
    let running = network.start(near, &sockets, session);
    let report = network.finish(&running, Nanos::from_secs(2_000));
    (report, events.drain(), network.instant())
}
