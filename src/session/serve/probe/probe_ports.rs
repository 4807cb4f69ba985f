//! Ports that are open for probes besides the server's own, with their sockets and users. Sessions
//! can share a port, since the key in every probe request tells them apart.

use std::collections::BTreeMap;

/// One open port.
#[derive(Debug)]
struct ProbePort {
    socket: usize,
    /// Sessions that use it.
    users: Vec<u64>,
    /// Whether it stays open without users.
    held: bool,
}

/// All open ports.
#[derive(Debug, Default)]
pub(in super::super) struct GrantedPorts {
    by_port: BTreeMap<u16, ProbePort>,
    by_socket: BTreeMap<usize, u16>,
}

impl GrantedPorts {
    /// Adds a port that stays open, with this socket, as long as the server runs.
    pub fn hold(&mut self, port: u16, socket: usize) {
        self.insert(port, ProbePort { socket, users: Vec::new(), held: true });
    }

    /// Adds a port that is open, with this socket, for a session.
    pub fn open(&mut self, port: u16, socket: usize, session: u64) {
        self.insert(port, ProbePort { socket, users: vec![session], held: false });
    }

    /// Whether a port is open.
    pub fn is_open(&self, port: u16) -> bool {
        self.by_port.contains_key(&port)
    }

    /// Whether a port is open for as long as the server runs.
    pub fn is_held(&self, port: u16) -> bool {
        self.by_port.get(&port).is_some_and(|door| door.held)
    }

    /// Whether a port is open for a session.
    pub fn serves(&self, port: u16, session: u64) -> bool {
        let door = self.by_port.get(&port);
        door.is_some_and(|door| door.held || door.users.contains(&session))
    }

    /// Adds a session to the users of a port, if it is open.
    pub fn share(&mut self, port: u16, session: u64) -> bool {
        let Some(door) = self.by_port.get_mut(&port) else { return false };
        if !door.users.contains(&session) {
            door.users.push(session);
        }
        true
    }

    /// Removes a session; returns the sockets that nobody uses any more.
    pub fn leave(&mut self, session: u64) -> Vec<usize> {
        let mut unused = Vec::new();
        self.by_port.retain(|_, door| {
            door.users.retain(|user| *user != session);
            let keep = door.held || !door.users.is_empty();
            if !keep {
                unused.push(door.socket);
            }
            keep
        });
        self.by_socket.retain(|socket, _| !unused.contains(socket));
        unused
    }

    /// The port of a socket, if it is one of these.
    pub fn port_of(&self, socket: usize) -> Option<u16> {
        self.by_socket.get(&socket).copied()
    }

    /// The socket of a permanently open port, except those in `besides`, from which a session may
    /// be answered.
    pub fn held_besides(&self, besides: impl Fn(u16) -> bool) -> Option<(u16, usize)> {
        let mut held = self.by_port.iter().filter(|(_, door)| door.held);
        held.rfind(|(port, _)| !besides(**port)).map(|(port, door)| (*port, door.socket))
    }

    /// Number of ports opened on request.
    pub fn on_demand(&self) -> usize {
        self.by_port.values().filter(|door| !door.held).count()
    }

    /// Number of those that any of these sessions uses.
    pub fn used_by(&self, session: impl Fn(u64) -> bool) -> usize {
        let doors = self.by_port.values().filter(|door| !door.held);
        doors.filter(|door| door.users.iter().any(|user| session(*user))).count()
    }

    fn insert(&mut self, port: u16, door: ProbePort) {
        self.by_socket.insert(door.socket, port);
        self.by_port.insert(port, door);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_port_closes_when_its_last_user_leaves_and_a_held_one_never() {
        let mut doors = GrantedPorts::default();
        doors.hold(5_000, 1);
        doors.open(6_000, 2, 11);
        assert!(doors.share(6_000, 12) && doors.share(5_000, 12) && !doors.share(7_000, 12));
        assert_eq!((doors.port_of(2), doors.port_of(3), doors.on_demand()), (Some(6_000), None, 1));
        assert!(doors.leave(11).is_empty());
        assert_eq!(doors.leave(12), [2]);
        assert_eq!((doors.port_of(2), doors.port_of(1)), (None, Some(5_000)));
        assert_eq!(doors.held_besides(|_| false), Some((5_000, 1)));
        assert_eq!(doors.held_besides(|port| port == 5_000), None);
    }
}
