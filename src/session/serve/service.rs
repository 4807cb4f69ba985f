//! What an operator has a running server do: read its files again (SIGHUP), and end once its
//! sessions have ended (SIGTERM).

use super::reflect::Reload;
use super::{ServeCommand, ServeControl, ServeEngine, ServeOrder, ServePolicy, ServeReload};
use crate::machine::{Now, Orders};
use crate::record::{ServeRecord, ServeRefusal};
use crate::units::Nanos;
use crate::wire::Class;
use std::net::IpAddr;

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// No new sessions from now on; the server ends once those that are open have ended.
    pub(super) fn drain(&mut self, now: Now) {
        if self.drained_at.is_some() {
            return;
        }
        self.drained_at = Some(now.mono + self.policy.grace);
        self.engine.execute(ServeCommand::Drain);
        let (sessions, grace_ns) = (self.all_sessions(), self.policy.grace.0);
        self.log(ServeRecord::Draining { sessions, grace_ns }, now);
        self.end_drained(now);
    }

    /// Ends a server that drains, if all sessions have ended, or their time is over.
    pub(super) fn end_drained(&mut self, now: Now) {
        let Some(at) = self.drained_at.filter(|_| !self.over) else { return };
        let sessions = self.all_sessions();
        if sessions > 0 && now.mono >= at {
            self.log(ServeRecord::GraceOver { sessions }, now);
        }
        self.over = sessions == 0 || now.mono >= at;
    }

    /// Why no session and no run begins any more; `None` while they do.
    pub(super) fn refusal_at_end(&self) -> Option<ServeRefusal> {
        (self.over || self.drained_at.is_some()).then_some(ServeRefusal::ShuttingDown)
    }

    /// Open sessions, with those of iperf3 clients and the connections of UDPSTP clients.
    fn all_sessions(&mut self) -> usize {
        let state = self.engine_state();
        self.sessions.len() + state.iperf3_sessions + state.udpstp_connections
    }

    /// What was read again is in force for whatever begins from now on.
    pub(super) fn reload(&mut self, reload: ServeReload, now: Now) {
        let ServeReload { policy, key, files, stamp_rate, stun_rate, .. } = reload;
        // What the engine has set, no file has.
        let [socket_buffer, grace] = [self.policy.socket_buffer, self.policy.grace.0];
        let (receives, lifetime) = (self.policy.receives, self.policy.lifetime);
        let probe_ports = self.policy.probe_ports.take();
        let keeps_sessions = !self.sessions.is_empty();
        self.policy = ServePolicy {
            socket_buffer,
            receives,
            lifetime,
            probe_ports,
            grace: Nanos(grace),
            ..policy
        };
        self.keeps_addresses |= keeps_sessions;
        self.keys.replace(key);
        (self.stamp_rate, self.stun_rate) = (stamp_rate, stun_rate);
        self.forget_keys();
        self.tell_reflectors();
        let sessions = self.all_sessions();
        self.log(ServeRecord::Reloaded { files, sessions }, now);
    }

    /// Forgets what is only kept for the sake of sessions that have ended. Not at once: the reply to
    /// the last command of a session has its key.
    pub(super) fn forget_keys(&mut self) {
        let sessions = &self.sessions;
        let needs = |generation| sessions.values().any(|session| session.key == generation);
        let forgot = self.keys.forget(needs);
        if self.sessions.is_empty() {
            self.keeps_addresses = false;
        }
        if forgot {
            self.tell_reflectors();
        }
    }

    /// Tells the reflectors their limits and keys.
    fn tell_reflectors(&mut self) {
        let keys = self.keys.stamp();
        self.reflectors.reload(Class::Stamp, &Reload { rate: self.stamp_rate, keys: &keys });
        self.reflectors.reload(Class::Stun, &Reload { rate: self.stun_rate, keys: &[] });
    }

    /// Whether an address is served: the policy allows it, or did when its session was opened.
    pub(super) fn serves(&self, address: IpAddr) -> bool {
        self.policy.serves(address)
            || self.keeps_addresses
                && self.sessions.values().any(|session| session.client.ip() == address)
    }
}
