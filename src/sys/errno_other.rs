//! The systems' error numbers, and Linux's for them.

use super::errno;

/// Linux's number and the system's, for all that have one meaning. Where a system has one number for
/// several of Linux's, the first stands for it.
#[cfg(unix)]
const NUMBERS: &[(i32, i32)] = &[
    (errno::EPERM, libc::EPERM),
    (errno::EINTR, libc::EINTR),
    (errno::EIO, libc::EIO),
    (errno::EBADF, libc::EBADF),
    (errno::EAGAIN, libc::EAGAIN),
    (errno::ENOMEM, libc::ENOMEM),
    (errno::EACCES, libc::EACCES),
    (errno::ENODEV, libc::ENODEV),
    (errno::EINVAL, libc::EINVAL),
    (errno::ENOSYS, libc::ENOSYS),
    (errno::EPROTO, libc::EPROTO),
    (errno::EMSGSIZE, libc::EMSGSIZE),
    (errno::ENOPROTOOPT, libc::ENOPROTOOPT),
    (errno::EOPNOTSUPP, libc::EOPNOTSUPP),
    (errno::EAFNOSUPPORT, libc::EAFNOSUPPORT),
    (errno::EADDRINUSE, libc::EADDRINUSE),
    (errno::EADDRNOTAVAIL, libc::EADDRNOTAVAIL),
    (errno::ENETDOWN, libc::ENETDOWN),
    (errno::ENETUNREACH, libc::ENETUNREACH),
    (errno::ENOBUFS, libc::ENOBUFS),
    (errno::ECONNREFUSED, libc::ECONNREFUSED),
    (errno::EHOSTDOWN, libc::EHOSTDOWN),
    (errno::EHOSTUNREACH, libc::EHOSTUNREACH),
    (errno::EINPROGRESS, libc::EINPROGRESS),
    (2, libc::ENOENT),
    (17, libc::EEXIST),
    (24, libc::EMFILE),
    (28, libc::ENOSPC),
    (32, libc::EPIPE),
    (103, libc::ECONNABORTED),
    (104, libc::ECONNRESET),
    (errno::EISCONN, libc::EISCONN),
    (107, libc::ENOTCONN),
    (110, libc::ETIMEDOUT),
];

/// Linux's number and the system's, for all that have one meaning. Where a system has one number for
/// several of Linux's, the first stands for it. An ICMP port unreachable is a connection reset there.
#[cfg(windows)]
const NUMBERS: &[(i32, i32)] = {
    use windows_sys::Win32::{Foundation, Networking::WinSock};
    &[
        (errno::ECONNREFUSED, WinSock::WSAECONNRESET),
        (errno::ECONNREFUSED, WinSock::WSAECONNREFUSED),
        (errno::EACCES, WinSock::WSAEACCES),
        (errno::EPERM, Foundation::ERROR_ACCESS_DENIED as i32),
        (errno::EINTR, WinSock::WSAEINTR),
        (errno::EBADF, WinSock::WSAENOTSOCK),
        (errno::EAGAIN, WinSock::WSAEWOULDBLOCK),
        (errno::ENOMEM, WinSock::WSA_NOT_ENOUGH_MEMORY),
        (errno::ENODEV, Foundation::ERROR_DEV_NOT_EXIST as i32),
        (errno::EINVAL, WinSock::WSAEINVAL),
        (errno::ENOSYS, Foundation::ERROR_CALL_NOT_IMPLEMENTED as i32),
        (errno::EMSGSIZE, WinSock::WSAEMSGSIZE),
        (errno::ENOPROTOOPT, WinSock::WSAENOPROTOOPT),
        (errno::EOPNOTSUPP, WinSock::WSAEOPNOTSUPP),
        (errno::EAFNOSUPPORT, WinSock::WSAEAFNOSUPPORT),
        (errno::EADDRINUSE, WinSock::WSAEADDRINUSE),
        (errno::EADDRNOTAVAIL, WinSock::WSAEADDRNOTAVAIL),
        (errno::ENETDOWN, WinSock::WSAENETDOWN),
        (errno::ENETUNREACH, WinSock::WSAENETUNREACH),
        // A datagram that its TTL did not carry to its destination.
        (errno::EHOSTUNREACH, WinSock::WSAENETRESET),
        (errno::ENOBUFS, WinSock::WSAENOBUFS),
        (errno::EHOSTDOWN, WinSock::WSAEHOSTDOWN),
        (errno::EHOSTUNREACH, WinSock::WSAEHOSTUNREACH),
        (errno::EINPROGRESS, WinSock::WSAEINPROGRESS),
        (2, Foundation::ERROR_FILE_NOT_FOUND as i32),
        (2, Foundation::ERROR_PATH_NOT_FOUND as i32),
        (17, Foundation::ERROR_ALREADY_EXISTS as i32),
        (24, WinSock::WSAEMFILE),
        (28, Foundation::ERROR_DISK_FULL as i32),
        (32, Foundation::ERROR_BROKEN_PIPE as i32),
        (32, Foundation::ERROR_NO_DATA as i32),
        (103, WinSock::WSAECONNABORTED),
        (errno::EISCONN, WinSock::WSAEISCONN),
        (107, WinSock::WSAENOTCONN),
        (110, WinSock::WSAETIMEDOUT),
    ]
};

/// Linux's number for the system's; `None` if there is none that means the same.
pub fn errno_of(native: i32) -> Option<i32> {
    NUMBERS.iter().find(|(_, own)| *own == native).map(|(linux, _)| *linux)
}

/// The system's number for Linux's; the same where it has none.
pub fn native_errno(errno: i32) -> i32 {
    // The last: on Windows a refused connection is the one that is called so.
    NUMBERS.iter().rev().find(|(linux, _)| *linux == errno).map_or(errno, |(_, own)| *own)
}
