//! What a server needs of its privileges once its sockets are open, and what becomes of the rest.

use crate::net;
use crate::record::ServeRecord;
use crate::sys::{self, Account, ConfineError, ConfinePlan, Keep};

/// How a server lays down what it was started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// It becomes this user, without capabilities.
    Become(Account),
    /// It stays who it is, without capabilities.
    Stay,
    /// It stays root and keeps all capabilities; the rest is laid down.
    StayRoot,
}

impl Confinement {
    /// Lays it down. `port` is the server's own, where streams' sockets are bound too; `buffer` is
    /// the socket buffer that they ask for.
    pub fn apply(&self, port: u16, buffer: usize) -> Result<ServeRecord, ConfineError> {
        let needed = Keep::Only {
            reserved_ports: port < sys::unprivileged_port_start(),
            large_buffers: net::exceeds_buffer_limits(buffer),
        };
        let (become_account, keep) = match self {
            Self::Become(account) => (Some(account.clone()), needed),
            Self::Stay => (None, needed),
            Self::StayRoot => (None, Keep::Everything),
        };
        let confined = ConfinePlan { become_account, keep }.apply()?;
        Ok(ServeRecord::Confined {
            user: confined.account.name,
            uid: confined.account.uid,
            gid: confined.account.gid,
            dropped: confined.changed,
            capabilities: confined.capabilities,
            large_buffers: confined.large_buffers,
            no_new_privileges: confined.no_new_privileges,
            landlock_abi: confined.landlock_abi,
            seccomp: confined.seccomp,
            missing: confined.missing,
        })
    }
}
