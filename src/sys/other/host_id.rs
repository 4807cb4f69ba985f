//! What tells this host from others (`sysctl(3)`).

/// An identifier of this host since it was booted; `None` if the kernel provides none.
#[cfg(unix)]
pub fn host_id() -> Option<String> {
    use std::ffi::CStr;
    const NAME: &CStr =
        if cfg!(target_vendor = "apple") { c"kern.bootsessionuuid" } else { c"kern.boot_id" };
    let mut bytes = [0_u8; 128];
    let mut length = bytes.len();
    // SAFETY: the name ends with a zero, the buffer lives and its length is given, nothing is set.
    let result = unsafe {
        libc::sysctlbyname(
            NAME.as_ptr(),
            bytes.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    let told = bytes.get(..length).filter(|_| result == 0)?;
    let text: String = match told.strip_suffix(&[0]) {
        Some(text) => String::from_utf8_lossy(text).into_owned(),
        // FreeBSD's is bytes.
        None => told.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
    };
    (!text.is_empty()).then_some(text)
}

/// Windows provides none that changes with each boot.
#[cfg(windows)]
pub fn host_id() -> Option<String> {
    None
}
