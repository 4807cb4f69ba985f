//! The number of a system's error, as Linux has it.

use super::wing::errno_of;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::errno::*;
    use crate::sys::error_of;

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
