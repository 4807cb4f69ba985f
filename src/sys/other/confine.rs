//! Privileges given up by a server: on macOS and FreeBSD the user and core files. Nothing of it on
//! Windows.

use crate::batch::{MissingReason, MissingRestriction, Restriction};
use crate::sys::{Account, ConfineError, ConfinePlan, Confined};

/// What Linux has besides.
const MISSING: [Restriction; 3] =
    [Restriction::NoNewPrivileges, Restriction::Landlock, Restriction::Seccomp];

/// The first port that needs no privilege: 1,024 (`net.inet.ip.portrange.reservedhigh`).
#[cfg(unix)]
pub fn unprivileged_port_start() -> u16 {
    1_024
}

/// The first port that needs no privilege: none does.
#[cfg(windows)]
pub fn unprivileged_port_start() -> u16 {
    0
}

impl ConfinePlan {
    /// Applies the restrictions. After an error the process must not continue. Restrictions that
    /// the system does not support are not errors; they are reported in the result.
    pub fn apply(&self) -> Result<Confined, ConfineError> {
        let before = Account::current();
        let account = self.become_account.clone().unwrap_or_else(|| before.clone());
        doing::switch(self)?;
        let mut missing: Vec<_> = doing::end_core_files().err().into_iter().collect();
        let reason = MissingReason::NotInKernel;
        let lacking = MISSING.map(|restriction| (restriction, reason.clone()));
        missing.extend(lacking.map(|(restriction, reason)| missed(restriction, reason)));
        Ok(Confined {
            changed: before.ids.map(|ids| ids.user) != account.ids.map(|ids| ids.user),
            account,
            capabilities: Vec::new(),
            large_buffers: false,
            no_new_privileges: false,
            landlock_abi: None,
            seccomp: false,
            missing,
        })
    }
}

fn missed(restriction: Restriction, reason: MissingReason) -> MissingRestriction {
    MissingRestriction { restriction, reason }
}

#[cfg(unix)]
mod doing {
    use super::missed;
    use crate::batch::{MissingReason, MissingRestriction, Restriction};
    use crate::sys::confine_terms::{ConfineStep, Unchanged};
    use crate::sys::error_text::io_error_text;
    use crate::sys::{Account, AccountIds, ConfineError, ConfinePlan};
    use nix::unistd::{Gid, Uid, getegid, geteuid, getgid, getuid, setgid, setuid};
    use std::io;

    /// Switches the user of the process, which `setuid` does for good if root calls it.
    pub fn switch(plan: &ConfinePlan) -> Result<(), ConfineError> {
        let Some(Account { ids: Some(ids), .. }) = plan.become_account else { return Ok(()) };
        let failed = |(step, why)| {
            let account = plan.become_account.clone().unwrap_or_else(Account::current);
            ConfineError { account, step, why }
        };
        become_user(ids).map_err(failed)
    }

    fn become_user(ids: AccountIds) -> Result<(), (ConfineStep, io::Error)> {
        let told = |step| move |errno: nix::errno::Errno| (step, io::Error::from(errno));
        let (uid, gid) = (Uid::from_raw(ids.user), Gid::from_raw(ids.group));
        // SAFETY: one group, which lives through the call; the BSDs take it for the effective one.
        if unsafe { libc::setgroups(1, &raw const ids.group) } < 0 {
            return Err((ConfineStep::Groups, io::Error::last_os_error()));
        }
        setgid(gid).map_err(told(ConfineStep::Group))?;
        setuid(uid).map_err(told(ConfineStep::User))?;
        let users = [getuid(), geteuid()].iter().all(|one| *one == uid);
        let groups = [getgid(), getegid()].iter().all(|one| *one == gid);
        let wrong = |why| Err((ConfineStep::Verify, io::Error::other(why)));
        if !(users && groups) {
            return wrong(Unchanged::Identity);
        }
        let root = Uid::from_raw(0);
        if uid != root && setuid(root).is_ok() {
            return wrong(Unchanged::Root);
        }
        Ok(())
    }

    /// A core file would contain the keys.
    pub fn end_core_files() -> Result<(), MissingRestriction> {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `none` is a live rlimit that the call only reads.
        if unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) } < 0 {
            let error = io_error_text(&io::Error::last_os_error());
            return Err(missed(Restriction::CoreFiles, MissingReason::System { error }));
        }
        Ok(())
    }
}

#[cfg(windows)]
mod doing {
    use super::missed;
    use crate::batch::{MissingReason, MissingRestriction, Restriction};
    use crate::sys::{ConfineError, ConfinePlan};

    /// No process changes its user, and no argument asks for it.
    pub fn switch(_: &ConfinePlan) -> Result<(), ConfineError> {
        Ok(())
    }

    /// Windows writes its dumps by settings of the system.
    pub fn end_core_files() -> Result<(), MissingRestriction> {
        Err(missed(Restriction::CoreFiles, MissingReason::NotInKernel))
    }
}
