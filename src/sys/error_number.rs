//! The number of a system's error, as Linux has it.

use super::errno;
use super::native::{errno_of, native_errno};
use std::io;

/// The number of a system's error.
pub trait ErrorNumber {
    /// Linux's number for it; `None` if the system did not give one, or Linux has none that means
    /// the same.
    fn errno(&self) -> Option<i32>;
}

impl ErrorNumber for io::Error {
    fn errno(&self) -> Option<i32> {
        errno_of(self.raw_os_error()?)
    }
}

/// The error of Linux's number, as the system itself would return it.
pub fn error_of(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(native_errno(errno))
}

/// What this system lacks (`EOPNOTSUPP`).
pub fn unsupported() -> io::Error {
    error_of(errno::EOPNOTSUPP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::errno::*;

    #[test]
    fn a_number_comes_back_from_the_systems_own_error() {
        for errno in [
            EPERM,
            EINTR,
            EIO,
            EBADF,
            EAGAIN,
            ENOMEM,
            EACCES,
            ENODEV,
            EINVAL,
            ENOSYS,
            EMSGSIZE,
            ENOPROTOOPT,
            EOPNOTSUPP,
            EAFNOSUPPORT,
            EADDRINUSE,
            EADDRNOTAVAIL,
            ENETDOWN,
            ENETUNREACH,
            ENOBUFS,
            ECONNREFUSED,
            EHOSTDOWN,
            EHOSTUNREACH,
            EINPROGRESS,
        ] {
            let back = error_of(errno).errno();
            // Windows has one number for what Unix calls EPERM and EACCES, and lacks some.
            assert!(back == Some(errno) || cfg!(windows), "{errno} {back:?}");
        }
        let refused = error_of(ECONNREFUSED);
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(error_of(EAGAIN).kind(), io::ErrorKind::WouldBlock);
        assert_eq!(io::Error::other("none").errno(), None);
    }
}
