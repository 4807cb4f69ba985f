//! Two hosts under a fault, with a tap at each: what really left and came, to hold the counts
//! against.

use super::super::client_and_server::serve;
use super::Trial;
use crate::machine::Session;
use crate::netsim::{Host, HostId, Network, Packet, Running, SimSocket, Way};
use crate::session::serve::ServePolicy;
use crate::session::stamp::{StampPolicy, StampReflector};
use crate::units::Nanos;
use crate::wire::Class;
use crate::wire::stamp::ErrorEstimate;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

const NEAR: [u8; 4] = [192, 0, 2, 1];
const FAR: [u8; 4] = [198, 51, 100, 1];
/// Of the near host, where a NAT stands before it.
const EXTERNAL: [u8; 4] = [203, 0, 113, 1];
const SERVER_PORT: u16 = 8_620;
const TICK: Nanos = Nanos::from_millis(50);

/// The server's STAMP reflector.
pub fn reflector() -> StampReflector<fn() -> ErrorEstimate> {
    StampReflector::new(StampPolicy::default(), ErrorEstimate::default)
}

/// The payloads that passed a host's interface.
#[derive(Clone, Default)]
pub struct Tap(Rc<RefCell<Vec<Tapped>>>);

/// A datagram, its direction, and the ports that it goes from and to.
type Tapped = (Way, [u16; 2], Vec<u8>);

impl Tap {
    /// A host with this tap at its interface.
    pub fn on(&self, host: Host) -> Host {
        let seen = Rc::clone(&self.0);
        host.behind_rule(move |_, way, packet: &mut Packet| {
            if let Some(payload) = packet.payload() {
                let ports = [packet.from.port(), packet.to.port()];
                seen.borrow_mut().push((way, ports, payload.to_vec()));
            }
            true
        })
    }

    /// What left the host, or came to it, in order.
    pub fn payloads(&self, way: Way) -> Vec<Vec<u8>> {
        let seen = self.0.borrow();
        let passed = seen.iter().filter(|(passed, ..)| *passed == way);
        passed.map(|(_, _, payload)| payload.clone()).collect()
    }

    /// The same, with the ports that each went from and to.
    pub fn datagrams(&self, way: Way) -> Vec<([u16; 2], Vec<u8>)> {
        let seen = self.0.borrow();
        let passed = seen.iter().filter(|(passed, ..)| *passed == way);
        passed.map(|(_, ports, payload)| (*ports, payload.clone())).collect()
    }

    /// How many datagrams that were.
    pub fn count(&self, way: Way) -> u64 {
        self.0.borrow().iter().filter(|(passed, ..)| *passed == way).count() as u64
    }
}

/// The network of a trial: a near host that meets the fault, and its far end.
pub struct Scenario {
    pub network: Network,
    near: HostId,
    far: HostId,
    pub at_near: Tap,
    pub at_far: Tap,
}

impl Scenario {
    pub fn of(trial: &Trial<'_>) -> Self {
        let weather = trial.weather();
        let mut network = Network::new(trial.seed);
        let (at_near, at_far) = (Tap::default(), Tap::default());
        let near = at_near.on(Host::at(&IpAddr::from(NEAR).to_string()));
        let near = network.add(weather.near(near, EXTERNAL.into()));
        let far = at_far.on(Host::at(&IpAddr::from(FAR).to_string()));
        let far = network.add(weather.far(far));
        Self { network, near, far, at_near, at_far }
    }

    /// An address of the near host.
    pub fn near(port: u16) -> SocketAddr {
        (NEAR, port).into()
    }

    /// An address of the far host.
    pub fn far(port: u16) -> SocketAddr {
        (FAR, port).into()
    }

    /// The server's address.
    pub fn server() -> SocketAddr {
        Self::far(SERVER_PORT)
    }

    /// Starts the server at the far host, with its STAMP reflector.
    pub fn start_reflector(&mut self) {
        let (server, _, _) = serve(ServePolicy::default(), 1);
        let server = server.with_reflector(Class::Stamp, Box::new(reflector()));
        self.start_far(SERVER_PORT, server);
    }

    /// Starts a session at the near host.
    pub fn start_near<S: Session + 'static>(
        &mut self,
        sockets: &[SimSocket],
        session: S,
    ) -> Running<S> {
        self.start(self.near, sockets, session)
    }

    /// Starts a session at the far host, with one socket.
    pub fn start_far<S: Session + 'static>(&mut self, port: u16, session: S) -> Running<S> {
        self.start_at_far(&[SimSocket::bound(Self::far(port))], session)
    }

    /// Starts a session at the far host.
    pub fn start_at_far<S: Session + 'static>(
        &mut self,
        sockets: &[SimSocket],
        session: S,
    ) -> Running<S> {
        self.start(self.far, sockets, session)
    }

    /// Both hosts join a group, and hear what they send to it.
    pub fn join(&mut self, group: IpAddr) {
        for host in [self.near, self.far] {
            let host = self.network.host(host);
            host.groups.insert(group);
            host.loops = true;
        }
    }

    fn start<S: Session + 'static>(
        &mut self,
        host: HostId,
        sockets: &[SimSocket],
        session: S,
    ) -> Running<S> {
        let running = self.network.start(host, sockets, session);
        self.network.set_tick(running.id(), TICK);
        running
    }
}
