//! Processors, and threads on them.

use std::io;
use std::thread::available_parallelism;

/// Processors that this host has, at least 1.
pub fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Processors that this host has online, at least 1.
pub fn online_processors() -> usize {
    processors()
}

/// The processors that this thread may run on, in order.
pub fn allowed_processors() -> Vec<usize> {
    (0..processors()).collect()
}

/// Binds the calling thread to one processor, counted from 0.
#[cfg(windows)]
pub fn pin_thread(cpu: usize) -> io::Result<()> {
    use crate::sys::errno::EINVAL;
    use crate::sys::error_of;
    use windows_sys::Win32::System::Threading::{GetCurrentThread, SetThreadAffinityMask};
    let mask = 1_usize.checked_shl(cpu as u32).ok_or_else(|| error_of(EINVAL))?;
    // SAFETY: the handle is the calling thread's, and the mask an integer.
    match unsafe { SetThreadAffinityMask(GetCurrentThread(), mask) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Binds the calling thread to one processor: there is no call for it that holds.
#[cfg(unix)]
pub fn pin_thread(_: usize) -> io::Result<()> {
    Err(crate::sys::unsupported())
}
