//! What the system is called (`uname(3)`), and how many descriptors a process may have
//! (`getrlimit(2)`).

use std::ffi::CStr;
use std::io;

/// The name and the release of the kernel; `None` if it does not tell.
pub fn system_name() -> Option<String> {
    // SAFETY: `utsname` is arrays of integers, for which zeros are valid.
    let mut name: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: `name` is a live utsname that the call fills.
    if unsafe { libc::uname(&raw mut name) } < 0 {
        return None;
    }
    let text = |field: &[libc::c_char]| {
        let bytes: Vec<u8> = field.iter().map(|unit| unit.to_ne_bytes()[0]).collect();
        CStr::from_bytes_until_nul(&bytes).ok().map(|text| text.to_string_lossy().into_owned())
    };
    Some(format!("{} {}", text(&name.sysname)?, text(&name.release)?))
}

/// Raises the soft limit of open descriptors to the hard limit and returns it.
#[allow(clippy::useless_conversion, reason = "FreeBSD's limits are signed")]
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a live rlimit that the call fills.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let most = most(limit.rlim_max);
    if limit.rlim_cur < most {
        limit.rlim_cur = most;
        // SAFETY: `limit` is a live rlimit that the call only reads.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    u64::try_from(limit.rlim_cur).map_err(io::Error::other)
}

/// macOS refuses more than `OPEN_MAX` even where the hard limit is none (`setrlimit(2)`).
#[cfg(target_vendor = "apple")]
fn most(hard: libc::rlim_t) -> libc::rlim_t {
    hard.min(10_240)
}

#[cfg(not(target_vendor = "apple"))]
fn most(hard: libc::rlim_t) -> libc::rlim_t {
    hard
}
