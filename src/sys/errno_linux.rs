//! Error numbers: Linux's own.

/// Linux's number for the system's.
#[expect(clippy::unnecessary_wraps, reason = "other systems have numbers of their own")]
pub fn errno_of(native: i32) -> Option<i32> {
    Some(native)
}

/// The system's number for Linux's.
pub fn native_errno(errno: i32) -> i32 {
    errno
}

#[cfg(test)]
mod tests {
    use crate::sys::errno;

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
            (errno::EISCONN, libc::EISCONN),
            (errno::ECONNREFUSED, libc::ECONNREFUSED),
            (errno::EHOSTDOWN, libc::EHOSTDOWN),
            (errno::EHOSTUNREACH, libc::EHOSTUNREACH),
            (errno::EINPROGRESS, libc::EINPROGRESS),
        ] {
            assert_eq!(ours, theirs);
        }
    }
}
