//! TEST kind=probe: which ports a probe gets, and the reply with its key.

use super::probe::{MOST_PORTS, MOST_PROBES, Probe};
use super::received_command::ReceivedCommand;
use super::session_state::session_name;
use super::source_shares::Used;
use super::{PortsOpened, PortsRequest, ServeCommand, ServeControl, ServeEngine, ServeOrder};
use crate::control::server::network;
use crate::control::server::{Answer, ROOM};
use crate::machine::{Now, Orders};
use crate::record::{ServeRecord, ServeRefusal, ServeResource};
use crate::wire::{Code, PortDenial, PortList};
use std::net::SocketAddr;

/// Number of ports tried for answers "from another port".
const ALTERNATES: usize = 8;

/// Ports that are not available, by reason.
#[derive(Debug, Default)]
struct NotOpened {
    by_reason: Vec<(PortDenial, PortList)>,
}

impl NotOpened {
    fn add(&mut self, port: u16, why: PortDenial) {
        match self.by_reason.iter_mut().find(|(known, _)| *known == why) {
            Some((_, ports)) => ports.insert(port..=port),
            None => self.by_reason.push((why, [port].into_iter().collect())),
        }
    }
}

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// Grants a probe and requests its ports. The reply follows once they are open, so `None` is
    /// returned then.
    pub(super) fn grant_probe(&mut self, id: u64, asked: &ReceivedCommand<'_>) -> Option<Answer> {
        let opening = self.probe_of(id).and_then(|probe| probe.opening.as_ref());
        if opening.is_some_and(|(tag, _)| *tag == asked.command.tag) {
            return None;
        }
        let ports = match asked.command.params.get("ports").map(str::parse::<PortList>) {
            None => PortList::default(),
            Some(Ok(ports)) => ports,
            Some(Err(why)) => return Some(ServeRefusal::Ports { why }.into()),
        };
        if let Err(refusal) = self.admit_probe(id, asked.to.meta.source, &ports) {
            self.log_refusal(&asked.to.meta, &refusal, asked.now);
            return Some(refusal.into());
        }
        self.begin_anew(id, asked.now);
        let key = (self.random)();
        let tag = (self.random)() as u16;
        let mut probe = Probe::new(key, tag, asked.now.mono + self.policy.max_duration);
        probe.opening = Some((asked.tag(), asked.to));
        // The key is sent to the dialogue's address; returning it verifies that address.
        let client = asked.to.meta.source;
        probe.lanes.prove(client, asked.now.mono);
        let mut room = self.ports_room(client);
        let wanted = self.wanted_ports(id, &ports, &mut room);
        probe.alternate = self.doors.held_besides(|port| ports.contains(port));
        let alternate = match probe.alternate {
            None if room > 0 => self.alternate_ports(&ports),
            _ => Vec::new(),
        };
        let request = PortsRequest {
            session: id,
            ports: wanted,
            alternate,
            local: asked.to.meta.destination,
            peer: asked.to.meta.source,
        };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.probe = Some((ports, Box::new(probe)));
            session.tests += 1;
        }
        self.engine.execute(ServeCommand::OpenPorts(Box::new(request)));
        self.take_orders(asked.now);
        None
    }

    /// Whether a probe is permitted at all.
    fn admit_probe(
        &self,
        id: u64,
        client: SocketAddr,
        ports: &PortList,
    ) -> Result<(), ServeRefusal> {
        self.policy.admit_probe(ports)?;
        let used = self.used(client, Some(id), |session| u64::from(session.probe.is_some()));
        self.bound(MOST_PROBES as u64)
            .admit(used, 1)
            .map_err(|full| full.refusal(ServeResource::Probes, used))?;
        self.admit_memory(id, client, Probe::MOST_BYTES)
    }

    /// How many more ports may be opened, or kept open, for a client.
    fn ports_room(&self, client: SocketAddr) -> usize {
        let source = network(client.ip());
        let is_own = |id: u64| {
            self.sessions.get(&id).is_some_and(|session| network(session.client.ip()) == source)
        };
        let used =
            Used { all: self.doors.on_demand() as u64, source: self.doors.used_by(is_own) as u64 };
        self.bound(MOST_PORTS as u64).room(used) as usize
    }

    /// Candidates for answers "from another port": a few of the permitted ones, beginning at a
    /// random one.
    fn alternate_ports(&mut self, asked: &PortList) -> Vec<u16> {
        let free = |port: &u16| {
            self.policy.probe_port_is_on_demand(*port)
                && Some(*port) != self.port
                && !asked.contains(*port)
                && !self.doors.is_open(*port)
        };
        let mut free: Vec<u16> = self.policy.on_demand.clone().filter(free).collect();
        if !free.is_empty() {
            let start = (self.random)() % free.len() as u64;
            free.rotate_left(start as usize);
        }
        free.truncate(ALTERNATES);
        free
    }

    /// The ports that must be opened for a session, as far as there is room; ports that are already
    /// open become its own immediately.
    fn wanted_ports(&mut self, id: u64, ports: &PortList, room: &mut usize) -> PortList {
        let mut wanted = PortList::default();
        for port in ports.iter().filter(|port| Some(*port) != self.port) {
            if self.doors.is_held(port) {
                self.doors.share(port, id);
            } else if *room > 0 && self.policy.probe_port_is_on_demand(port) {
                *room -= 1;
                if !self.doors.share(port, id) {
                    wanted.insert(port..=port);
                }
            }
        }
        wanted
    }

    /// Its ports are open, or could not be opened.
    pub(super) fn ports_opened(&mut self, id: u64, opened: PortsOpened, now: Now) {
        let PortsOpened { opened, not_opened, alternate, other } = opened;
        for (port, socket) in opened {
            self.doors.open(port, socket, id);
        }
        if let Some((port, socket)) = alternate {
            self.doors.open(port, socket, id);
        }
        let (server, policy, doors) = (self.port, &self.policy, &self.doors);
        let Some(session) = self.sessions.get_mut(&id) else { return self.leave_doors(id) };
        let client = session.client;
        let Some((ports, probe)) = &mut session.probe else { return };
        let Some((tag, to)) = probe.opening.take() else { return };
        probe.alternate = probe.alternate.or(alternate);
        probe.other = other;
        let (mut open, mut closed) = (PortList::default(), NotOpened::default());
        for port in ports.iter() {
            let why = not_opened.iter().find(|(failed, _)| *failed == port).map(|(_, why)| *why);
            match why {
                _ if Some(port) == server || doors.serves(port, id) => open.insert(port..=port),
                Some(why) => closed.add(port, why),
                None if policy.probe_port_is_on_demand(port) => closed.add(port, PortDenial::Limit),
                None => closed.add(port, PortDenial::Policy),
            }
        }
        let granted = ServeRecord::ProbeGranted {
            client: client.into(),
            session: session_name(id),
            ports: open.clone(),
            not_opened: closed.by_reason.iter().map(|(_, ports)| ports.len() as u64).sum(),
        };
        let reply = granted_reply(probe, &open, &closed).encode(tag.clone());
        session.remember(tag.clone(), reply.clone());
        let reply = self.with_value(id, &tag, &reply, now);
        self.answer(&to, reply);
        self.log(granted, now);
    }

    /// Ends a session's probe and closes the ports that nobody uses any more.
    pub(super) fn end_probe(&mut self, id: u64, now: Now) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let client = session.client;
        if let Some((_, probe)) = session.probe.take() {
            let ended = ServeRecord::ProbeEnded {
                client: client.into(),
                session: session_name(id),
                arrived: probe.items.arrived,
                answered: probe.items.answered,
                withheld: probe.items.withheld,
            };
            self.pending.forget(id);
            self.log(ended, now);
        }
        self.leave_doors(id);
    }

    fn leave_doors(&mut self, id: u64) {
        let sockets = self.doors.leave(id);
        if !sockets.is_empty() {
            self.engine.execute(ServeCommand::ClosePorts { sockets });
        }
    }

    pub(super) fn probe_of(&self, id: u64) -> Option<&Probe> {
        self.sessions.get(&id)?.probe.as_ref().map(|(_, probe)| &**probe)
    }
}

/// The reply to a granted TEST: the most important parameters first, since the last ones are cut
/// off if they do not fit.
fn granted_reply(probe: &Probe, open: &PortList, closed: &NotOpened) -> Answer {
    let mut answer = Answer::new(Code::OK, "ready")
        .with("key", format!("{:016x}", probe.key))
        .with("tag", probe.tag);
    if let Some((port, _)) = probe.alternate {
        answer = answer.with("alternate", port);
    }
    if let Some(other) = probe.other {
        answer = answer.with("other", other);
    }
    let open = open.to_string();
    if answer.size() + open.len() + 100 > ROOM {
        return ServeRefusal::PortsTooScattered.into();
    }
    answer = answer.with("ports", open);
    if !closed.by_reason.is_empty() {
        let parts = closed.by_reason.iter().map(|(why, ports)| format!("{ports}:{}", why.as_str()));
        answer = answer.with("not_opened", parts.collect::<Vec<_>>().join(";"));
    }
    answer
}
