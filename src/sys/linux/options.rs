//! Socket options that the `socket2` crate does not have (socket(7), ip(7), ipv6(7), udp(7)).

use super::address::in_addr;
use super::confine::buffer_keeper;
use super::socket_option::{get, set};
use crate::batch::Fragmentation;
use crate::sys::{Family, Membership, Switch, SwitchState};
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::BorrowedFd;

/// Switches `what` on or off, for both families on a socket that carries both.
pub fn set_switch(
    fd: BorrowedFd<'_>,
    family: Family,
    what: Switch,
    state: SwitchState,
) -> io::Result<()> {
    const MULTICAST_ALL_V6: libc::c_int = 29;
    const TRANSPARENT_V6: libc::c_int = 75;
    let (v4, v6) = match what {
        Switch::Timestamps => {
            return set_switched(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, state);
        }
        Switch::DropCount => return set_switched(fd, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, state),
        Switch::Gro => return set_switched(fd, libc::SOL_UDP, libc::UDP_GRO, state),
        Switch::ErrorQueue => (libc::IP_RECVERR, libc::IPV6_RECVERR),
        Switch::PacketInfo => (libc::IP_PKTINFO, libc::IPV6_RECVPKTINFO),
        Switch::ReceiveTtl => (libc::IP_RECVTTL, libc::IPV6_RECVHOPLIMIT),
        Switch::ReceiveTos => (libc::IP_RECVTOS, libc::IPV6_RECVTCLASS),
        Switch::FragmentSize => (libc::IP_RECVFRAGSIZE, libc::IPV6_RECVFRAGSIZE),
        Switch::Transparent => (libc::IP_TRANSPARENT, TRANSPARENT_V6),
        Switch::ForeignGroups => (libc::IP_MULTICAST_ALL, MULTICAST_ALL_V6),
    };
    if family == Family::V6 {
        set_switched(fd, libc::IPPROTO_IPV6, v6, state)?;
    }
    // An IPv6 socket may carry IPv4 too, and Linux accepts these options on it.
    set_switched(fd, libc::IPPROTO_IP, v4, state)
}

/// `SO_TIMESTAMPING_NEW` of asm-generic/socket.h: its stamps have 64-bit seconds on every system.
pub(super) const TIMESTAMPING: libc::c_int = 65;
/// `SO_TIMESTAMPNS_NEW`, the type of the socket's receive stamps from then on.
pub(super) const TIMESTAMPNS: libc::c_int = 64;

/// Switches transmit time stamps on or off. Datagrams are counted from 0 when switched on, and the
/// error queue reports when each entered its interface's queue, without its bytes.
/// `SOF_TIMESTAMPING_TX_SOFTWARE`, which stamps when the driver takes the datagram, is not used:
/// waiting in that queue is delay caused by other traffic, as on every other hop, and a bottleneck
/// there would show as no delay.
pub fn set_transmit_stamps(fd: BorrowedFd<'_>, state: SwitchState) -> io::Result<()> {
    let flags = libc::SOF_TIMESTAMPING_TX_SCHED
        | libc::SOF_TIMESTAMPING_SOFTWARE
        | libc::SOF_TIMESTAMPING_OPT_ID
        | libc::SOF_TIMESTAMPING_OPT_TSONLY;
    set(fd, libc::SOL_SOCKET, TIMESTAMPING, if state == SwitchState::On { flags } else { 0 })
}

/// Sets the don't-fragment policy (`IP_MTU_DISCOVER`, ip(7)) for both families.
pub fn set_fragmentation(
    fd: BorrowedFd<'_>,
    family: Family,
    policy: Fragmentation,
) -> io::Result<()> {
    let (v4, v6) = match policy {
        Fragmentation::Allow => (libc::IP_PMTUDISC_DONT, libc::IPV6_PMTUDISC_DONT),
        Fragmentation::Forbid => (libc::IP_PMTUDISC_DO, libc::IPV6_PMTUDISC_DO),
        Fragmentation::Probe => (libc::IP_PMTUDISC_PROBE, libc::IPV6_PMTUDISC_PROBE),
    };
    if family == Family::V6 {
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, v6)?;
    }
    set(fd, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, v4)
}

/// A socket's don't-fragment policy as the kernel stores it, so that it can be restored: the
/// system's default is not among the policies that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentationPolicy {
    v4: libc::c_int,
    /// With `IPV6_DONTFRAG`; `None` on an IPv4 socket.
    v6: Option<[libc::c_int; 2]>,
}

/// Reads the don't-fragment policy in force.
pub fn fragmentation_policy(fd: BorrowedFd<'_>, family: Family) -> io::Result<FragmentationPolicy> {
    let v6 = match family {
        Family::V4 => None,
        Family::V6 => Some([
            get(fd, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER)?,
            get(fd, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG)?,
        ]),
    };
    Ok(FragmentationPolicy { v4: get(fd, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER)?, v6 })
}

/// Restores a policy read by [`fragmentation_policy`].
pub fn restore_fragmentation(fd: BorrowedFd<'_>, policy: FragmentationPolicy) -> io::Result<()> {
    if let Some([policy, whole]) = policy.v6 {
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, policy)?;
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, whole)?;
    }
    set(fd, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, policy.v4)
}

/// Sets TOS (and traffic class on IPv6) of what is sent.
pub fn set_tos(fd: BorrowedFd<'_>, family: Family, tos: u8) -> io::Result<()> {
    let value = libc::c_int::from(tos);
    if family == Family::V6 {
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, value)?;
    }
    set(fd, libc::IPPROTO_IP, libc::IP_TOS, value)
}

/// Sets TTL and hop limit of unicast, 1 to 255.
pub fn set_ttl(fd: BorrowedFd<'_>, family: Family, ttl: u8) -> io::Result<()> {
    let value = libc::c_int::from(ttl);
    if family == Family::V6 {
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS, value)?;
    }
    set(fd, libc::IPPROTO_IP, libc::IP_TTL, value)
}

/// Sets TTL and hop limit of multicast, 0 (stays on this host) to 255.
pub fn set_multicast_ttl(fd: BorrowedFd<'_>, family: Family, ttl: u8) -> io::Result<()> {
    let value = libc::c_int::from(ttl);
    if family == Family::V6 {
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS, value)?;
    }
    set(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_TTL, value)
}

/// Keeps members on this host from receiving what is sent to a group.
pub fn stop_multicast_loop(fd: BorrowedFd<'_>, family: Family) -> io::Result<()> {
    if family == Family::V6 {
        set_switched(fd, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP, SwitchState::Off)?;
    }
    set_switched(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP, SwitchState::Off)
}

/// Sets the interface, by index, that multicast is sent on; 0 leaves it to the route.
pub fn set_multicast_interface(fd: BorrowedFd<'_>, family: Family, index: u32) -> io::Result<()> {
    if family == Family::V6 {
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF, index as libc::c_int)?;
    }
    let by_index = libc::ip_mreqn {
        imr_multiaddr: in_addr(Ipv4Addr::UNSPECIFIED),
        imr_address: in_addr(Ipv4Addr::UNSPECIFIED),
        imr_ifindex: index as libc::c_int,
    };
    set(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, by_index)
}

/// `group_source_req` of netinet/in.h; its first two fields are `group_req`.
#[derive(Clone, Copy)]
#[repr(C)]
struct GroupSourceRequest {
    interface: u32,
    group: libc::sockaddr_storage,
    source: libc::sockaddr_storage,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct GroupRequest {
    interface: u32,
    group: libc::sockaddr_storage,
}

/// Joins a group (`MCAST_JOIN_GROUP`, `MCAST_JOIN_SOURCE_GROUP`, RFC 3678). The socket's family
/// must be the group's. `ENOBUFS` above 20 groups a socket or 10 sources a group.
pub fn join(fd: BorrowedFd<'_>, membership: &Membership) -> io::Result<()> {
    const JOIN_GROUP: libc::c_int = 42;
    const JOIN_SOURCE_GROUP: libc::c_int = 46;
    change_membership(fd, membership, JOIN_GROUP, JOIN_SOURCE_GROUP)
}

/// Leaves a group that was joined with the same membership.
pub fn leave(fd: BorrowedFd<'_>, membership: &Membership) -> io::Result<()> {
    const LEAVE_GROUP: libc::c_int = 45;
    const LEAVE_SOURCE_GROUP: libc::c_int = 47;
    change_membership(fd, membership, LEAVE_GROUP, LEAVE_SOURCE_GROUP)
}

/// Blocks a source of a joined group (`MCAST_BLOCK_SOURCE`, RFC 3678 §4.1.2); `IGMPv3` and `MLDv2`
/// report this to routers and switches. The membership is the joined one plus the source to block.
/// `ENOBUFS` above 10 sources a group (IPv4, `net.ipv4.igmp_max_msf`).
pub fn block(fd: BorrowedFd<'_>, membership: &Membership) -> io::Result<()> {
    const JOIN_GROUP: libc::c_int = 42;
    const BLOCK_SOURCE: libc::c_int = 43;
    change_membership(fd, membership, JOIN_GROUP, BLOCK_SOURCE)
}

fn change_membership(
    fd: BorrowedFd<'_>,
    membership: &Membership,
    any: libc::c_int,
    from_source: libc::c_int,
) -> io::Result<()> {
    let level = match membership.group {
        IpAddr::V4(_) => libc::IPPROTO_IP,
        IpAddr::V6(_) => libc::IPPROTO_IPV6,
    };
    let stored = |ip: IpAddr| {
        let mut storage = super::address::empty();
        let family = if ip.is_ipv4() { Family::V4 } else { Family::V6 };
        super::address::write(&(ip, 0).into(), family, &mut storage);
        storage
    };
    let group = stored(membership.group);
    let interface = membership.interface;
    match membership.source {
        None => set(fd, level, any, GroupRequest { interface, group }),
        Some(source) => {
            let source = stored(source);
            set(fd, level, from_source, GroupSourceRequest { interface, group, source })
        }
    }
}

/// Requests a receive buffer of `bytes`: above the system's limit if this process or one of its
/// threads (`ConfinePlan`) is privileged (`SO_RCVBUFFORCE`), otherwise up to it.
pub fn ask_receive_buffer(fd: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    ask_buffer(fd, bytes, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF)
}

/// Requests a send buffer of `bytes`, like [`ask_receive_buffer`].
pub fn ask_send_buffer(fd: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    ask_buffer(fd, bytes, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)
}

fn ask_buffer(
    fd: BorrowedFd<'_>,
    bytes: usize,
    force: libc::c_int,
    plain: libc::c_int,
) -> io::Result<()> {
    let value = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    set(fd, libc::SOL_SOCKET, force, value)
        .or_else(|_| buffer_keeper::force(fd, force, value))
        .or_else(|_| set(fd, libc::SOL_SOCKET, plain, value))
}

/// The largest receive and send buffers granted without a privilege, as requested
/// (`net.core.rmem_max`, `net.core.wmem_max`); `None` if unknown, as with older kernels in a
/// network namespace.
pub fn buffer_limits() -> Option<(usize, usize)> {
    let read = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/sys/net/core/{name}")).ok()?;
        text.trim().parse().ok()
    };
    Some((read("rmem_max")?, read("wmem_max")?))
}

/// Datagrams or coalesced buffers that this socket has dropped because its buffer was full
/// (`SK_MEMINFO_DROPS`, `sock_diag`(7)); wraps at 2^32.
pub fn socket_drops(fd: BorrowedFd<'_>) -> io::Result<u32> {
    const DROPS: usize = 8;
    Ok(memory_info(fd)?[DROPS])
}

/// What the kernel charges this socket for the datagrams in its receive buffer, in bytes
/// (`SK_MEMINFO_RMEM_ALLOC`, `sock_diag`(7)).
pub fn socket_queued(fd: BorrowedFd<'_>) -> io::Result<usize> {
    const RMEM_ALLOC: usize = 0;
    Ok(memory_info(fd)?[RMEM_ALLOC] as usize)
}

/// The socket's memory (`SO_MEMINFO`), by the indices of `sock_diag`(7).
fn memory_info(fd: BorrowedFd<'_>) -> io::Result<[u32; 9]> {
    const SO_MEMINFO: libc::c_int = 55;
    get(fd, libc::SOL_SOCKET, SO_MEMINFO)
}

/// The MTU of a connected socket's route, in bytes (`IP_MTU`).
///
/// `peer` is the family of the peer, which a socket of IPv6 may reach by IPv4.
pub fn route_mtu(fd: BorrowedFd<'_>, peer: Family) -> io::Result<u32> {
    let mtu: libc::c_int = match peer {
        Family::V4 => get(fd, libc::IPPROTO_IP, libc::IP_MTU)?,
        Family::V6 => get(fd, libc::IPPROTO_IPV6, libc::IPV6_MTU)?,
    };
    Ok(mtu.max(0) as u32)
}

/// Processors that this host has configured, at least 1.
pub fn processors() -> usize {
    // SAFETY: sysconf takes an integer and returns one; no memory is passed.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) };
    usize::try_from(count).unwrap_or(1).max(1)
}

/// Processors that this host has online, at least 1.
pub fn online_processors() -> usize {
    // SAFETY: sysconf takes an integer and returns one; no memory is passed.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    usize::try_from(count).unwrap_or(1).max(1)
}

/// The processors that this thread may run on, in order; empty if the kernel does not report them.
pub fn allowed_processors() -> Vec<usize> {
    // SAFETY: cpu_set_t is plain bits; zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: thread 0 is the calling one; `set` is live, writable and of the size given.
    if unsafe { libc::sched_getaffinity(0, size, &raw mut set) } < 0 {
        return Vec::new();
    }
    // SAFETY: the index stays below CPU_SETSIZE, the number of bits in the set.
    (0..libc::CPU_SETSIZE as usize).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) }).collect()
}

/// Binds the calling thread to one processor, counted from 0 (`sched_setaffinity(2)`).
pub fn pin_thread(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: cpu_set_t is plain bits; zero is the empty set; the index was checked above.
    let set = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        set
    };
    // SAFETY: thread 0 is the calling one; `set` is live and its size is given.
    let done = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn set_switched(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    state: SwitchState,
) -> io::Result<()> {
    set(fd, level, name, libc::c_int::from(state == SwitchState::On))
}
