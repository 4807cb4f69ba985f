//! Dropping a server's privileges once its sockets are open.

use crate::net;
use crate::record::ServeRecord;
use crate::sys::{self, Account, ConfineError, ConfinePlan, KeptCapabilities};
use std::path::PathBuf;

/// How a server drops the privileges it was started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivilegeDrop {
    /// Switch to this user, without capabilities.
    Become(Account),
    /// Keep the current user, without capabilities.
    Stay,
    /// Stay root and keep all capabilities; apply the other restrictions.
    StayRoot,
}

impl PrivilegeDrop {
    /// Drops privileges and applies the restrictions. `port` is the server's own port, which stream
    /// sockets are also bound to; `buffer` is the socket buffer size they request, in bytes. Files
    /// below `readable` can still be read, as far as the user may.
    pub fn apply(
        &self,
        port: u16,
        buffer: usize,
        readable: &[PathBuf],
    ) -> Result<ServeRecord, ConfineError> {
        let needed = KeptCapabilities::Only {
            reserved_ports: port < sys::unprivileged_port_start(),
            large_buffers: net::exceeds_buffer_limits(buffer),
        };
        let (become_account, keep) = match self {
            Self::Become(account) => (Some(account.clone()), needed),
            Self::Stay => (None, needed),
            Self::StayRoot => (None, KeptCapabilities::Everything),
        };
        let plan = ConfinePlan { become_account, keep, readable: readable.to_vec() };
        let confined = plan.apply()?;
        Ok(ServeRecord::Confined {
            user: confined.account.name,
            uid: confined.account.ids.map(|ids| ids.user),
            gid: confined.account.ids.map(|ids| ids.group),
            dropped: confined.changed,
            capabilities: confined.capabilities,
            large_buffers: confined.large_buffers,
            no_new_privileges: confined.no_new_privileges,
            landlock_abi: confined.landlock_abi,
            seccomp: confined.seccomp,
            readable: readable.iter().map(|path| path.display().to_string()).collect(),
            missing: confined.missing,
        })
    }
}
