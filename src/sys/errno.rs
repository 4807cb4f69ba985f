//! Error numbers, which are Linux's wherever udpkit runs (errno(3), asm-generic/errno.h): they stand
//! in records and on the wire, and two ends may run different systems.

/// Not permitted: by a packet filter, or for lack of a privilege.
pub const EPERM: i32 = 1;
/// A signal came.
pub const EINTR: i32 = 4;
/// Input or output failed.
pub const EIO: i32 = 5;
/// No such descriptor.
pub const EBADF: i32 = 9;
/// Nothing there now, or no room.
pub const EAGAIN: i32 = 11;
/// No memory.
pub const ENOMEM: i32 = 12;
/// Permission denied.
pub const EACCES: i32 = 13;
/// No such interface.
pub const ENODEV: i32 = 19;
/// Invalid argument.
pub const EINVAL: i32 = 22;
/// No such system call.
pub const ENOSYS: i32 = 38;
/// Not on the network.
pub const ENONET: i32 = 64;
/// Protocol error.
pub const EPROTO: i32 = 71;
/// Too long for the path, or for the socket.
pub const EMSGSIZE: i32 = 90;
/// No such option; ICMP: no such protocol.
pub const ENOPROTOOPT: i32 = 92;
/// Not supported.
pub const EOPNOTSUPP: i32 = 95;
/// No such address family.
pub const EAFNOSUPPORT: i32 = 97;
/// The address and port are in use.
pub const EADDRINUSE: i32 = 98;
/// Not an address of this host.
pub const EADDRNOTAVAIL: i32 = 99;
/// The interface is down.
pub const ENETDOWN: i32 = 100;
/// No route.
pub const ENETUNREACH: i32 = 101;
/// A queue is full.
pub const ENOBUFS: i32 = 105;
/// A connected socket is not to be told where to send.
pub const EISCONN: i32 = 106;
/// Nobody listens at the port.
pub const ECONNREFUSED: i32 = 111;
/// The host is down.
pub const EHOSTDOWN: i32 = 112;
/// The host cannot be reached.
pub const EHOSTUNREACH: i32 = 113;
/// It goes on.
pub const EINPROGRESS: i32 = 115;
