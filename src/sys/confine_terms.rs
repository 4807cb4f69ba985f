//! Privileges, and what a process gives up: the terms that every system shares.

use crate::batch::MissingRestriction;
use crate::sys::error_text::io_error_text;
use std::path::PathBuf;
use std::{fmt, io};

/// A user and a group that a process may run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's name; its number if it has no name.
    pub name: String,
    /// Its numbers; `None` on a system whose users have none.
    pub ids: Option<AccountIds>,
}

/// The numbers of a user and a group (credentials(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountIds {
    /// The user ID.
    pub user: u32,
    /// The group ID.
    pub group: u32,
}

/// Why a text does not name an account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is no such user.
    #[error("this host has no user {0}")]
    NoUser(String),
    /// There is no such group.
    #[error("this host has no group {0}")]
    NoGroup(String),
    /// The user database could not be read.
    #[error("cannot look up the user or group {name}: {}", io_error_text(source))]
    Lookup {
        /// The user or the group.
        name: String,
        /// The system error.
        source: io::Error,
    },
    /// No process can become another user.
    #[error("a process cannot change its user on this system")]
    NoChange,
}

/// What to drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfinePlan {
    /// The user to switch to; `None` to keep the current one.
    pub become_account: Option<Account>,
    /// Capabilities to keep.
    pub keep: KeptCapabilities,
    /// Directories below which files can still be read, as far as the user may; no others can.
    pub readable: Vec<PathBuf>,
}

/// Which of its capabilities a process keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptCapabilities {
    /// All.
    Everything,
    /// None except those listed here.
    Only {
        /// Binding ports below [`unprivileged_port_start`](super::unprivileged_port_start)
        /// (`CAP_NET_BIND_SERVICE`).
        reserved_ports: bool,
        /// Socket buffers above the system's limit (`CAP_NET_ADMIN`), through a thread that can do
        /// nothing else.
        large_buffers: bool,
    },
}

/// The restrictions now in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confined {
    /// The user the process runs as.
    pub account: Account,
    /// Whether the user changed.
    pub changed: bool,
    /// Remaining capabilities, by name.
    pub capabilities: Vec<String>,
    /// Whether one thread keeps `CAP_NET_ADMIN`, only to set socket buffer sizes.
    pub large_buffers: bool,
    /// Whether programs it could start cannot gain privileges (`no_new_privs`, prctl(2)).
    pub no_new_privileges: bool,
    /// Landlock's ABI version, if in force: no file can be opened, no TCP port reached.
    pub landlock_abi: Option<u32>,
    /// Whether the seccomp filter is in force.
    pub seccomp: bool,
    /// Restrictions that are not available, and why.
    pub missing: Vec<MissingRestriction>,
}

/// Why a process could not switch user or drop privileges.
#[derive(Debug, thiserror::Error)]
#[error("cannot run as {account}: {step}: {}", io_error_text(why))]
pub struct ConfineError {
    pub(super) account: Account,
    pub(super) step: ConfineStep,
    pub(super) why: io::Error,
}

/// A mandatory step. Each system has some of them.
#[allow(dead_code)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfineStep {
    /// Keeping capabilities across the change of user.
    #[error("cannot keep a capability")]
    KeepCapability,
    /// Supplementary groups.
    #[error("cannot leave the supplementary groups")]
    Groups,
    /// The group.
    #[error("cannot change the group")]
    Group,
    /// The user.
    #[error("cannot change the user")]
    User,
    /// Dropping the capabilities that are not kept.
    #[error("cannot give up the capabilities")]
    Capabilities,
    /// Verifying the change.
    #[error("cannot verify the change")]
    Verify,
}

/// Why a change of user is not effective.
#[allow(dead_code)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unchanged {
    /// A real, effective or saved ID is still the old one.
    #[error("a user or group ID is unchanged")]
    Identity,
    /// The process could become root again.
    #[error("the process can become root again")]
    Root,
}

impl Account {
    /// Whether this is root.
    pub fn is_root(&self) -> bool {
        self.ids.is_some_and(|ids| ids.user == 0)
    }
}

/// The name, and the numbers where there are some.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ids {
            Some(AccountIds { user, group }) => write!(f, "{} ({user}:{group})", self.name),
            None => f.write_str(&self.name),
        }
    }
}
