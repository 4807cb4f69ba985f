//! Error numbers: Linux's own.

use crate::sys::errno;
use std::io;

/// Linux's number for the system's.
pub fn errno_of(native: i32) -> Option<i32> {
    Some(native)
}

/// The error of this number, as the system itself would return it.
pub fn error_of(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

/// What this system lacks (`EOPNOTSUPP`).
pub fn unsupported() -> io::Error {
    error_of(errno::EOPNOTSUPP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_kernels() {
        for (ours, theirs) in [
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
            (errno::ENONET, libc::ENONET),
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
        ] {
            assert_eq!(ours, theirs);
        }
    }
}
