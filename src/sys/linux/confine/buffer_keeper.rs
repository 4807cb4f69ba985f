//! The one thread that keeps `CAP_NET_ADMIN`: it sets socket buffer sizes above `net.core.rmem_max`
//! and can do nothing else.
//!
//! A stream without such a buffer loses datagrams that a server running as root would receive: at
//! full speed with 1472 bytes, 58 in 100 with the 208 KiB default of most systems, and none with
//! the size that root may request. Capabilities and seccomp filters apply per thread: this one's
//! filter allows `setsockopt(2)` with two options, and what the thread needs to wait for requests.
//! An attacker who takes over another thread can obtain buffers of any size from this one, but
//! cannot change routes, firewall or interfaces.

use super::super::socket_option::set;
use super::system;
use crate::batch::MissingReason;
use caps::{CapSet, Capability, CapsHashSet};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The request to the thread and its answer, in shared memory: a pipe would need two more system
/// calls in the filter.
static DESK: Mutex<Desk> = Mutex::new(Desk::Closed);
static CHANGED: Condvar = Condvar::new();
/// One request at a time.
static TURN: Mutex<()> = Mutex::new(());
/// How long to wait for an answer from the thread.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Desk {
    /// The thread does not run.
    Closed,
    /// It waits for a request.
    Idle,
    /// A request: socket, option and value to set.
    Asked(RawFd, libc::c_int, libc::c_int),
    /// Its result: 0 or an error number.
    Answered(i32),
    /// The thread could not be set up.
    Failed(MissingReason),
}

/// Starts the thread. The calling thread must have the capability, and may drop it afterwards.
/// After an error the thread no longer exists.
pub fn start() -> Result<(), MissingReason> {
    let thread = thread::Builder::new().name("buffers".to_owned()).spawn(|| match prepare() {
        Ok(()) => serve(),
        Err(why) => put(desk(), Desk::Failed(why)),
    });
    system(thread)?;
    let waited = CHANGED.wait_timeout_while(desk(), PATIENCE, |at| matches!(at, Desk::Closed));
    let (at, _) = waited.unwrap_or_else(PoisonError::into_inner);
    match &*at {
        Desk::Idle => Ok(()),
        Desk::Failed(why) => Err(why.clone()),
        _ => Err(MissingReason::NoThread),
    }
}

/// Sets a buffer size through the thread (`SO_RCVBUFFORCE`, `SO_SNDBUFFORCE`); `EPERM` if it does
/// not run.
pub fn force(fd: BorrowedFd<'_>, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let at = desk();
    if !matches!(*at, Desk::Idle) {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    put(at, Desk::Asked(fd.as_raw_fd(), option, value));
    let asked = |at: &mut Desk| matches!(at, Desk::Asked(..));
    let waited = CHANGED.wait_timeout_while(desk(), PATIENCE, asked);
    let (mut at, _) = waited.unwrap_or_else(PoisonError::into_inner);
    match mem::replace(&mut *at, Desk::Idle) {
        Desk::Answered(0) => Ok(()),
        Desk::Answered(errno) => Err(io::Error::from_raw_os_error(errno)),
        // The thread no longer runs: later calls must not wait for it.
        _ => {
            *at = Desk::Closed;
            Err(io::Error::from_raw_os_error(libc::EPERM))
        }
    }
}

fn desk() -> MutexGuard<'static, Desk> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn put(mut at: MutexGuard<'_, Desk>, what: Desk) {
    *at = what;
    CHANGED.notify_all();
}

/// Reduces the calling thread to the one capability and installs the filter.
fn prepare() -> Result<(), MissingReason> {
    // A signal handler would make calls that the filter denies, and the signal would be lost.
    system(block_signals())?;
    let one: CapsHashSet = [Capability::CAP_NET_ADMIN].into();
    for set in [CapSet::Effective, CapSet::Permitted] {
        system(caps::set(None, set, &one))?;
    }
    system(seccompiler::apply_filter(&system(program())?))
}

fn serve() {
    let mut at = desk();
    put_in_place(&mut at, Desk::Idle);
    loop {
        if let Desk::Asked(fd, option, value) = *at {
            // SAFETY: the requesting thread lends the descriptor and waits for the answer.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            let answer = set(fd, libc::SOL_SOCKET, option, value);
            let errno = answer.err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EIO));
            put_in_place(&mut at, Desk::Answered(errno));
        }
        at = CHANGED.wait(at).unwrap_or_else(PoisonError::into_inner);
    }
}

fn put_in_place(at: &mut MutexGuard<'_, Desk>, what: Desk) {
    **at = what;
    CHANGED.notify_all();
}

fn block_signals() -> io::Result<()> {
    // SAFETY: sigset_t is plain bits, filled by sigfillset before it is read.
    let mut all: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: `all` is a live sigset_t.
    unsafe { libc::sigfillset(&raw mut all) };
    // SAFETY: `all` is a live sigset_t; the old mask is not asked for.
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut()) }
    {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// An allow list, since this thread's few lines are known: everything else returns `EPERM`.
fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    // Waiting, and exiting with the process.
    let waiting = [
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_restart_syscall,
        libc::SYS_rt_sigreturn,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        waiting.into_iter().map(|number| (number, Vec::new())).collect();
    let equal = |argument, value: libc::c_int| {
        let equal = SeccompCmpOp::Eq;
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, equal, value as u64)
    };
    let of = |option| SeccompRule::new(vec![equal(1, libc::SOL_SOCKET)?, equal(2, option)?]);
    let options = vec![of(libc::SO_RCVBUFFORCE)?, of(libc::SO_SNDBUFFORCE)?];
    rules.insert(libc::SYS_setsockopt, options);
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let denial = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, denial, SeccompAction::Allow, arch)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::sync::mpsc::channel;

    #[test]
    fn the_threads_filter_lets_two_options_pass_and_nothing_else() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (told, heard) = channel();
        // A thread under this filter cannot end in the ordinary way: it reports its result and
        // waits for the process to end.
        thread::spawn(move || {
            let fd = socket.as_fd().as_raw_fd();
            seccompiler::apply_filter(&program().unwrap()).unwrap();
            let set = |level, option: libc::c_int| {
                let value: libc::c_int = 1 << 20;
                // SAFETY: `value` is a live integer and its size is given.
                let done = unsafe {
                    let size = size_of::<libc::c_int>() as libc::socklen_t;
                    libc::setsockopt(fd, level, option, (&raw const value).cast(), size)
                };
                if done < 0 { io::Error::last_os_error().raw_os_error() } else { None }
            };
            // SAFETY: calls with integers or null only, all of which should be denied.
            let call = |number| match unsafe { libc::syscall(number, 0, 0, 0, 0, 0, 0) } {
                -1 => io::Error::last_os_error().raw_os_error(),
                _ => None,
            };
            let passed = [libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE]
                .map(|option| set(libc::SOL_SOCKET, option));
            let denied = [
                set(libc::SOL_SOCKET, libc::SO_MARK),
                set(libc::SOL_SOCKET, libc::SO_RCVBUF),
                set(libc::IPPROTO_IP, libc::IP_TRANSPARENT),
                // The same option numbers at another level.
                set(libc::IPPROTO_IP, libc::SO_RCVBUFFORCE),
                call(libc::SYS_socket),
                call(libc::SYS_sendmsg),
                call(libc::SYS_write),
                call(libc::SYS_ioctl),
                call(libc::SYS_openat),
                call(libc::SYS_capset),
                call(libc::SYS_execve),
                call(libc::SYS_clone),
                call(libc::SYS_prctl),
            ];
            told.send((passed, denied)).unwrap();
            loop {
                thread::park();
            }
        });
        let (passed, denied) = heard.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(denied, [Some(libc::EPERM); 13]);
        // The kernel decides about those that pass the filter.
        if super::super::is_root() {
            assert_eq!(passed, [None; 2]);
        }
    }

    #[test]
    fn without_the_thread_nothing_is_forced() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let error = force(socket.as_fd(), libc::SO_RCVBUFFORCE, 1 << 20).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }
}
