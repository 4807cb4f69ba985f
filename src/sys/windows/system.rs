//! What the system is called (`RtlGetVersion`), and how many handles a process may have.

use std::io;
use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;

/// The name and the version of the system; `None` if it does not tell.
pub fn system_name() -> Option<String> {
    let mut version = OSVERSIONINFOW {
        dwOSVersionInfoSize: size_of::<OSVERSIONINFOW>() as u32,
        ..OSVERSIONINFOW::default()
    };
    // SAFETY: `version` is live, and its size is set, which is what the call fills.
    if unsafe { RtlGetVersion(&raw mut version) } < 0 {
        return None;
    }
    let OSVERSIONINFOW {
        dwMajorVersion: major, dwMinorVersion: minor, dwBuildNumber: build, ..
    } = version;
    Some(format!("Windows {major}.{minor}.{build}"))
}

/// The number of sockets that a process may have: there is no limit to be raised.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    Ok(u64::MAX)
}
