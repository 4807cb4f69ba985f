//! The seccomp filter: denies system calls that a server never makes and an intruder would
//! (seccomp(2)).
//!
//! It is a deny list rather than an allow list: which calls a C library makes for threads or memory
//! differs between libraries and releases, and a library update must not crash the server. Denied
//! calls return `EPERM`, so that a call wrongly listed here causes an error rather than a crash.

use super::system;
use crate::batch::MissingReason;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};
use std::collections::BTreeMap;

/// Calls that are denied with any arguments.
const DENIED: &[libc::c_long] = &[
    // Running another program or starting another process.
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    // Other processes: their memory, their descriptors, their signals.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    // Another user, another root, other namespaces.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_personality,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_mknodat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mknod,
    // Large or recent parts of the kernel that a UDP server does not use.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    // The system as a whole.
    libc::SYS_kexec_load,
    KEXEC_FILE_LOAD,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// libc has the number for musl on x86_64 alone (asm-generic/unistd.h).
#[cfg(all(target_env = "musl", target_arch = "aarch64"))]
const KEXEC_FILE_LOAD: libc::c_long = 294;
#[cfg(not(all(target_env = "musl", target_arch = "aarch64")))]
const KEXEC_FILE_LOAD: libc::c_long = libc::SYS_kexec_file_load;

/// Socket types that are not datagrams (`enum sock_type` of linux/net.h).
const OTHER_TYPES: [libc::c_int; 6] = [1, 3, 4, 5, 6, 10];
/// The type bits in the type argument of socket(2) (`SOCK_TYPE_MASK`).
const TYPE_MASK: u64 = 0xf;

/// Installs the filter for every thread of the process and the threads they start.
pub fn install() -> Result<(), MissingReason> {
    let program = program()?;
    system(seccompiler::apply_filter_all_threads(&program))
}

fn program() -> Result<BpfProgram, MissingReason> {
    let arch = system(TargetArch::try_from(std::env::consts::ARCH))?;
    let rules = system(rules(std::process::id()))?;
    let denial = SeccompAction::Errno(libc::EPERM as u32);
    let filter = system(SeccompFilter::new(rules, SeccompAction::Allow, denial, arch))?;
    let rest = system(BpfProgram::try_from(filter))?;
    Ok(preamble().into_iter().chain(rest).collect())
}

/// Rules placed before the list, because the list allows only one result. `clone3`, whose arguments
/// a filter cannot read, returns `ENOSYS`, for which C libraries fall back to `clone`. On `x86_64`
/// the calls of the x32 ABI are denied, since each denied call could be made through them under
/// another number.
fn preamble() -> BpfProgram {
    const NUMBER: u32 = 0;
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let answer = |errno: libc::c_int| libc::SECCOMP_RET_ERRNO | errno as u32;
    let line = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let mut program = vec![
        line(LOAD, 0, 0, NUMBER),
        line(EQUAL, 0, 1, libc::SYS_clone3 as u32),
        line(RETURN, 0, 0, answer(libc::ENOSYS)),
    ];
    if cfg!(target_arch = "x86_64") {
        const AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
        const X32: u32 = 0x4000_0000;
        program.push(line(AT_LEAST, 0, 1, X32));
        program.push(line(RETURN, 0, 0, answer(libc::EPERM)));
    }
    program
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn rules(pid: u32) -> Result<Rules, seccompiler::BackendError> {
    // An empty list of rules: whatever the arguments.
    let mut rules: Rules = DENIED.iter().map(|number| (*number, Vec::new())).collect();
    let when = |argument, operator, value: u64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
    };
    let masked =
        |argument, mask: u64, value: u64| when(argument, SeccompCmpOp::MaskedEq(mask), value);
    // A thread is created with CLONE_THREAD; any other new process is denied.
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![masked(0, thread, 0)?])?]);
    // abort(3) signals its own thread; signals to other processes are denied.
    let other = when(0, SeccompCmpOp::Ne, u64::from(pid))?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![other])?]);
    // Memory must not become executable after the filter is installed.
    let code = libc::PROT_EXEC as u64;
    for number in [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        rules.insert(number, vec![SeccompRule::new(vec![masked(2, code, code)?])?]);
    }
    // Datagram sockets of IP and of the Unix domain, and netlink of any type: the C library lists
    // interfaces over it.
    let family = |family: libc::c_int| when(0, SeccompCmpOp::Ne, family as u64);
    let mut sockets = vec![SeccompRule::new(vec![
        family(libc::AF_INET)?,
        family(libc::AF_INET6)?,
        family(libc::AF_UNIX)?,
        family(libc::AF_NETLINK)?,
    ])?];
    for other in OTHER_TYPES {
        let of_type = masked(1, TYPE_MASK, other as u64)?;
        sockets.push(SeccompRule::new(vec![family(libc::AF_NETLINK)?, of_type])?);
    }
    rules.insert(libc::SYS_socket, sockets);
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io;
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::{UnixDatagram, UnixStream};
    use std::process::Command;
    use std::thread;

    /// Runs `job` on a thread of its own with the filter; the filter ends with the thread.
    fn confined<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
        let thread = thread::spawn(|| {
            let program = program().unwrap();
            seccompiler::apply_filter(&program).unwrap();
            job()
        });
        thread.join().unwrap()
    }

    fn errno<T>(result: io::Result<T>) -> Option<i32> {
        result.err().and_then(|error| error.raw_os_error())
    }

    fn call(number: libc::c_long, first: libc::c_long) -> io::Result<libc::c_long> {
        // SAFETY: the calls that the tests below make take integers or null and are denied; what is
        // not denied fails on them.
        let done = unsafe { libc::syscall(number, first, 0, 0, 0, 0, 0) };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(done) }
    }

    #[test]
    fn no_program_is_started_and_no_process() {
        let shell = confined(|| errno(Command::new("/bin/true").status()));
        assert_eq!(shell, Some(libc::EPERM));
        let calls = [
            (libc::SYS_execve, 0, libc::EPERM),
            // A process without CLONE_THREAD is what fork(2) makes.
            (libc::SYS_clone, libc::SIGCHLD.into(), libc::EPERM),
            (libc::SYS_clone3, 0, libc::ENOSYS),
            #[cfg(target_arch = "x86_64")]
            (libc::SYS_fork, 0, libc::EPERM),
            // execve by the number that the x32 ABI has for it.
            #[cfg(target_arch = "x86_64")]
            (0x4000_0000 + 520, 0, libc::EPERM),
        ];
        for (number, first, wanted) in calls {
            let got = confined(move || errno(call(number, first)));
            assert_eq!(got, Some(wanted), "call {number}");
        }
        assert!(Command::new("/bin/true").status().unwrap().success(), "it was the thread's alone");
    }

    #[test]
    fn every_call_of_the_list_is_denied() {
        let failed = confined(|| {
            let denied = |number: &&libc::c_long| errno(call(**number, 0)) == Some(libc::EPERM);
            DENIED.iter().filter(|number| !denied(number)).copied().collect::<Vec<_>>()
        });
        assert_eq!(failed, [0; 0]);
    }

    #[test]
    fn sockets_are_of_datagrams_alone() {
        let got = confined(|| {
            [
                errno(UdpSocket::bind("127.0.0.1:0")),
                errno(UdpSocket::bind("[::1]:0")),
                errno(UnixDatagram::unbound()),
                errno(UnixStream::pair()),
                errno(TcpListener::bind("127.0.0.1:0")),
                errno(UnixStream::connect("/nowhere")),
                errno(call(libc::SYS_socket, libc::AF_PACKET.into())),
                errno(call(libc::SYS_socket, libc::AF_ALG.into())),
            ]
        });
        let denied = Some(libc::EPERM);
        assert_eq!(got, [None, None, None, None, denied, denied, denied, denied]);
    }

    #[test]
    fn what_a_server_does_goes_on() {
        let (name, got) = confined(|| {
            // Threads, and memory for them.
            let name = thread::Builder::new()
                .name("another".to_owned())
                .spawn(|| {
                    let memory = vec![7_u8; 64 << 20];
                    (thread::current().name().map(str::to_owned), memory[memory.len() - 1])
                })
                .unwrap()
                .join()
                .unwrap();
            let file = errno(File::open("/proc/sys/kernel/random/boot_id"));
            let poll = errno(mio::Poll::new());
            let timer = errno(crate::sys::Timer::new());
            let addresses = errno(crate::sys::interface_addresses());
            let random = getrandom::u64().err();
            assert_eq!(random, None);
            assert_eq!(crate::sys::interface_index("lo"), Some(1));
            assert_eq!(crate::sys::interface_name(1).as_deref(), Some("lo"));
            (name, [file, poll, timer, addresses])
        });
        assert_eq!(name, (Some("another".to_owned()), 7));
        assert_eq!(got, [None; 4]);
    }

    #[test]
    fn nothing_becomes_code() {
        let map = |protection: libc::c_int| {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            // SAFETY: a new mapping that nobody uses; it lasts until the test ends.
            let at = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
            if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(at as usize) }
        };
        let change = |at: usize, protection| {
            // SAFETY: the mapping was made by the test and is used by nobody.
            let done = unsafe { libc::mprotect(at as *mut libc::c_void, 4096, protection) };
            if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        };
        let (read, code) = (libc::PROT_READ, libc::PROT_READ | libc::PROT_EXEC);
        let got = confined(move || {
            let at = map(read).unwrap();
            [errno(map(code).map(drop)), errno(change(at, code)), errno(change(at, read))]
        });
        let [new, changed, kept] = got;
        // musl calls a mapping that is denied one for which there is no memory.
        assert!(matches!(new, Some(libc::EPERM | libc::ENOMEM)), "{new:?}");
        assert_eq!((changed, kept), (Some(libc::EPERM), None));
    }

    #[test]
    fn only_its_own_threads_are_signalled() {
        let parent = std::os::unix::process::parent_id();
        let got = confined(move || {
            let parent = libc::c_long::from(parent);
            [errno(call(libc::SYS_tgkill, parent)), errno(call(libc::SYS_kill, parent))]
        });
        assert_eq!(got, [Some(libc::EPERM); 2]);
        let own = libc::c_long::from(std::process::id());
        // Thread 0 does not exist: the kernel itself refuses it.
        assert_eq!(confined(move || errno(call(libc::SYS_tgkill, own))), Some(libc::EINVAL));
    }
}
