//! The sockets of a server's loop: its own port, and those of single protocols.

use super::server_log::ServerLog;
use super::server_plan::ServerPlan;
use super::stun;
use crate::batch::Fragmentation;
use crate::net::{NetError, Socket, SocketPlan};
use crate::record::ServeRecord;
use crate::session::stun::{StunAlternate, StunPolicy};
use crate::wire::Class;
use std::net::SocketAddr;

/// The sockets, the server's own first.
pub(super) struct ServerSockets {
    /// The settings of the first.
    pub listener: SocketPlan,
    /// Its address.
    pub local: SocketAddr,
    /// All of them.
    pub sockets: Vec<Socket>,
    /// What each after the first is for.
    pub others: Vec<Class>,
    /// How STUN is answered; `None` for none.
    pub stun: Option<StunPolicy>,
}

impl ServerSockets {
    /// Opens them and logs it. Only the first one must succeed.
    pub fn open(plan: &ServerPlan, log: &mut ServerLog) -> Result<Self, NetError> {
        let listener = SocketPlan {
            dual_stack: plan.dual_stack,
            details: true,
            // A STAMP reply carries the kernel's arrival time stamp.
            accounting: true,
            // So that hops can be counted (RFC 8762 §4.3).
            ttl: Some(255),
            // Replies arrive over paths that are smaller than this host knows.
            fragmentation: Some(Fragmentation::Allow),
            io: plan.io,
            ..SocketPlan::new(plan.bind)
        };
        let socket = listener.open()?;
        // Only now: a second server on this port must fail, but stream sockets must be able to
        // share it.
        socket.allow_sharing()?;
        let local = socket.local_addr();
        log.note(&ServeRecord::Listening { address: local.into(), key: plan.key.is_some() });
        let mut all =
            Self { listener, local, sockets: vec![socket], others: Vec::new(), stun: None };
        if let Some(bind) = plan.stamp_bind {
            all.open_stamp(bind, log);
        }
        if let Some(plan) = plan.stun.filter(|_| plan.key.is_none()) {
            all.open_stun(plan, log);
        }
        Ok(all)
    }

    /// A port for STAMP alone.
    fn open_stamp(&mut self, bind: SocketAddr, log: &mut ServerLog) {
        match (SocketPlan { bind, ..self.listener.clone() }).open() {
            Ok(socket) => {
                let address = self.add(socket, Class::Stamp);
                log.note(&ServeRecord::StampPort { address: address.into() });
            }
            Err(error) => log.note(&ServeRecord::NoStampPort { failure: (&error).into() }),
        }
    }

    /// STUN on the first port, and its alternate one.
    fn open_stun(&mut self, plan: stun::StunPlan, log: &mut ServerLog) {
        let first = SocketPlan { bind: self.local, ..self.listener.clone() };
        let mut policy = StunPolicy {
            port: self.local.port(),
            rate: plan.rate,
            short: plan.short,
            ..StunPolicy::default()
        };
        match stun::open_alternate(plan.alternate, &first) {
            None => {}
            Some(Ok(socket)) => {
                let number = self.sockets.len();
                let address = self.add(socket, Class::Stun);
                log.note(&ServeRecord::StunAlternate { address: address.into() });
                policy.alternate = Some(StunAlternate { socket: number, port: address.port() });
            }
            Some(Err(error)) => {
                log.note(&ServeRecord::NoStunAlternate { failure: (&error).into() });
            }
        }
        self.stun = Some(policy);
    }

    fn add(&mut self, socket: Socket, class: Class) -> SocketAddr {
        let address = socket.local_addr();
        self.sockets.push(socket);
        self.others.push(class);
        address
    }
}
