//! Drops privileges once the sockets are open: the user, capabilities, file access, and unneeded
//! system calls (credentials(7), capabilities(7), landlock(7), seccomp(2)).
//!
//! User and group change for all threads of a process, everything else for the calling thread and
//! those it starts later: call [`ConfinePlan::apply`] before starting the first thread.

pub(super) mod buffer_keeper;
mod filter;

use crate::batch::{MissingReason, MissingRestriction, Restriction};
use crate::sys::confine_terms::{ConfineStep, Unchanged};
use crate::sys::{
    Account, AccountIds, ConfineError, ConfinePlan, Confined, KeptCapabilities, is_root,
};
use caps::{CapSet, Capability, CapsHashSet};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    RestrictSelfAttr, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid};
use std::io;
use std::path::PathBuf;

/// The first port that needs no privilege (`net.ipv4.ip_unprivileged_port_start`, also for IPv6).
pub fn unprivileged_port_start() -> u16 {
    const USUAL: u16 = 1_024;
    let read = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    read.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(USUAL)
}

impl ConfinePlan {
    /// Applies the restrictions. After an error the process must not continue. Restrictions that
    /// the kernel does not support are not errors; they are reported in the result.
    pub fn apply(&self) -> Result<Confined, ConfineError> {
        let before = Account::current();
        let account = self.become_account.clone().unwrap_or_else(|| before.clone());
        let failed = |step| {
            let account = account.clone();
            move |why| ConfineError { account, step, why }
        };
        let wanted = self.become_account.as_ref().and_then(|account| account.ids);
        let mut missing = Vec::new();
        self.bound(&mut missing);
        if let Some(ids) = wanted {
            switch(ids, self.keep).map_err(|(step, why)| failed(step)(why))?;
        }
        self.lower(&self.kept()).map_err(failed(ConfineStep::Capabilities))?;
        if let Some(ids) = wanted {
            check(ids).map_err(failed(ConfineStep::Verify))?;
        }
        // A core file would contain the keys.
        note(&mut missing, Restriction::CoreFiles, system(prctl::set_dumpable(false)));
        let no_new = system(prctl::set_no_new_privs());
        let no_new_privileges = note(&mut missing, Restriction::NoNewPrivileges, no_new).is_some();
        let landlock_abi = note(&mut missing, Restriction::Landlock, landlock(&self.readable));
        let seccomp = note(&mut missing, Restriction::Seccomp, filter::install()).is_some();
        let large_buffers = self.start_buffer_keeper(seccomp, &mut missing);
        let stay = self.kept().into_iter().filter(|one| *one != Capability::CAP_NET_ADMIN);
        self.lower(&stay.collect()).map_err(failed(ConfineStep::Capabilities))?;
        Ok(Confined {
            changed: user(&before) != user(&account),
            account,
            capabilities: capabilities(),
            large_buffers,
            no_new_privileges,
            landlock_abi,
            seccomp,
            missing,
        })
    }

    fn kept(&self) -> CapsHashSet {
        let KeptCapabilities::Only { reserved_ports, large_buffers } = self.keep else {
            return CapsHashSet::new();
        };
        let bind = reserved_ports.then_some(Capability::CAP_NET_BIND_SERVICE);
        bind.into_iter().chain(large_buffers.then_some(Capability::CAP_NET_ADMIN)).collect()
    }

    /// Reduces the bounding set, which requires root. It only matters for programs that are
    /// started, and there will be none, so a refusal is merely reported.
    fn bound(&self, missing: &mut Vec<MissingRestriction>) {
        if self.keep == KeptCapabilities::Everything || !is_root() {
            return;
        }
        note(missing, Restriction::BoundingSet, system(caps::clear(None, CapSet::Bounding)));
    }

    /// Reduces the calling thread's capabilities to those in `stay`.
    fn lower(&self, stay: &CapsHashSet) -> io::Result<()> {
        if self.keep == KeptCapabilities::Everything {
            return Ok(());
        }
        let had = caps::read(None, CapSet::Permitted).map_err(io::Error::other)?;
        // Nothing to give up: without capset(2) too.
        if had.is_empty() {
            return Ok(());
        }
        let stay: CapsHashSet = had.intersection(stay).copied().collect();
        // In this order: the effective set must be a subset of the permitted set.
        for (set, stay) in [
            (CapSet::Inheritable, &CapsHashSet::new()),
            (CapSet::Effective, &stay),
            (CapSet::Permitted, &stay),
        ] {
            caps::set(None, set, stay).map_err(io::Error::other)?;
        }
        // Kernels before 4.3 have no ambient set; lowering the inheritable one has emptied it.
        let _ = caps::clear(None, CapSet::Ambient);
        Ok(())
    }

    /// Starts the thread for large buffers if it is wanted and permitted. Without the seccomp
    /// filter the thread could do anything with its capability, so the capability is dropped
    /// instead.
    fn start_buffer_keeper(&self, filtered: bool, missing: &mut Vec<MissingRestriction>) -> bool {
        let admin = Capability::CAP_NET_ADMIN;
        let wanted = self.kept().contains(&admin);
        let held = caps::has_cap(None, CapSet::Permitted, admin).unwrap_or(false);
        if !(wanted && held && filtered) {
            return false;
        }
        note(missing, Restriction::LargeBuffers, buffer_keeper::start()).is_some()
    }
}

fn user(account: &Account) -> Option<u32> {
    account.ids.map(|ids| ids.user)
}

/// Switches the user of all threads. An error names the failed step.
fn switch(ids: AccountIds, keep: KeptCapabilities) -> Result<(), (ConfineStep, io::Error)> {
    let (uid, gid) = (Uid::from_raw(ids.user), Gid::from_raw(ids.group));
    let told = |step| move |errno: nix::errno::Errno| (step, io::Error::from(errno));
    // Otherwise the kernel would clear the permitted set when the last ID stops being root, and the
    // kept capabilities are restored from that set. A process that keeps everything stays root.
    prctl::set_keepcaps(keep != KeptCapabilities::Everything)
        .map_err(told(ConfineStep::KeepCapability))?;
    setgroups(&[]).map_err(told(ConfineStep::Groups))?;
    setresgid(gid, gid, gid).map_err(told(ConfineStep::Group))?;
    setresuid(uid, uid, uid).map_err(told(ConfineStep::User))?;
    prctl::set_keepcaps(false).map_err(told(ConfineStep::KeepCapability))
}

/// Verifies that every ID is the new one, and that the process cannot become root again.
fn check(ids: AccountIds) -> io::Result<()> {
    let (users, groups) = (getresuid()?, getresgid()?);
    let (uid, gid) = (Uid::from_raw(ids.user), Gid::from_raw(ids.group));
    let all = [users.real, users.effective, users.saved].iter().all(|one| *one == uid)
        && [groups.real, groups.effective, groups.saved].iter().all(|one| *one == gid);
    if !all {
        return Err(io::Error::other(Unchanged::Identity));
    }
    let root = Uid::from_raw(0);
    if uid != root && setresuid(root, root, root).is_ok() {
        return Err(io::Error::other(Unchanged::Root));
    }
    Ok(())
}

/// Denies opening, creating and running files, binding and connecting TCP, connecting to other
/// processes' abstract sockets, and signalling other processes. Descriptors that are already open
/// are unaffected.
///
/// The exception is reading files below `readable`. A directory rather than a file, as an editor, or
/// whoever distributes keys, puts a new file in the place of the old one.
fn landlock(readable: &[PathBuf]) -> Result<u32, MissingReason> {
    let restrict = || -> Result<_, RulesetError> {
        // One that is not there is not to be read either.
        let open = readable.iter().filter_map(|path| PathFd::new(path).ok());
        let rules =
            open.map(|path| Ok::<_, RulesetError>(PathBeneath::new(path, AccessFs::ReadFile)));
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V10))?
            .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
            .scope(Scope::AbstractUnixSocket | Scope::Signal)?
            .create()?
            .add_rules(rules)?
            .all_threads(true)?
            .restrict_self()
    };
    let status = system(restrict())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => Err(MissingReason::SwitchedOff),
        (RulesetStatus::NotEnforced, _) => Err(MissingReason::NotInKernel),
        (_, LandlockStatus::Available { effective_abi, kernel_abi }) => {
            Ok(kernel_abi.unwrap_or(effective_abi as i32) as u32)
        }
        (_, _) => Err(MissingReason::Unclear),
    }
}

/// Capabilities that this thread has or could regain, by name.
fn capabilities() -> Vec<String> {
    let held = caps::read(None, CapSet::Permitted).unwrap_or_default();
    let mut names: Vec<String> = held.iter().map(ToString::to_string).collect();
    names.sort_unstable();
    names
}

fn note<T>(
    missing: &mut Vec<MissingRestriction>,
    restriction: Restriction,
    result: Result<T, MissingReason>,
) -> Option<T> {
    result.map_err(|reason| missing.push(MissingRestriction { restriction, reason })).ok()
}

/// An error of the system, or of a library that calls it, as the reason.
fn system<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, MissingReason> {
    result.map_err(|error| MissingReason::System { error: system_text(&error.to_string()) })
}

/// The text of an error without the number that `std` appends. The libraries keep the text of an
/// `io::Error`, not the error itself.
fn system_text(text: &str) -> String {
    let text = text.split_once(" (os error ").map_or(text, |(text, _)| text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_missing_restriction_has_no_error_number() {
        let refused: Result<(), _> = Err("Operation not permitted (os error 1)");
        let reason = MissingReason::System { error: "operation not permitted".to_owned() };
        assert_eq!(system(refused), Err(reason));
    }
    use std::fs::File;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::thread;

    #[test]
    fn landlock_leaves_what_is_open_and_opens_nothing_but_what_is_to_be_read() {
        let path = "/proc/sys/kernel/random/boot_id";
        let open = File::open(path).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kept = tempfile::tempdir().unwrap();
        let (folder, file) = (kept.path().to_owned(), kept.path().join("key"));
        std::fs::write(&file, "key").unwrap();
        let got = thread::spawn(move || {
            let abi = match landlock(&[folder]) {
                Ok(abi) => abi,
                // A kernel without it; the result is tested below.
                Err(why) => return Err(why),
            };
            let denied = |result: io::Result<()>| {
                result.is_err_and(|error| error.raw_os_error() == Some(libc::EACCES))
            };
            let files = denied(File::open(path).map(drop)) && denied(File::create("x").map(drop));
            let is_read = std::fs::read_to_string(&file).is_ok_and(|text| text == "key");
            let files = files && is_read && denied(File::create(&file).map(drop));
            let tcp = denied(TcpStream::connect(address).map(drop))
                && denied(TcpListener::bind("127.0.0.1:0").map(drop));
            let still = io::read_to_string(open).is_ok() && UdpSocket::bind("127.0.0.1:0").is_ok();
            Ok((files, tcp || abi < 4, still))
        });
        match got.join().unwrap() {
            Ok(held) => assert_eq!(held, (true, true, true)),
            Err(why) => {
                assert!(matches!(why, MissingReason::SwitchedOff | MissingReason::NotInKernel));
            }
        }
        assert!(File::open(path).is_ok(), "it was the thread's alone");
    }

    #[test]
    fn what_cannot_be_had_is_told_with_its_reason() {
        let mut missing = Vec::new();
        assert_eq!(note(&mut missing, Restriction::Seccomp, Ok(1)), Some(1));
        let reason = MissingReason::NotInKernel;
        assert_eq!(note::<()>(&mut missing, Restriction::Landlock, Err(reason.clone())), None);
        let restriction = Restriction::Landlock;
        assert_eq!(missing, [MissingRestriction { restriction, reason }]);
    }

    #[test]
    fn the_first_port_for_everybody_is_read() {
        assert!(unprivileged_port_start() <= 1_024);
    }
}
