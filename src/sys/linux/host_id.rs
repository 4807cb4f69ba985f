//! What tells this host from others (random(4)).

/// An identifier of this host since it was booted; `None` if the kernel provides none.
pub fn host_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    (!id.is_empty()).then(|| id.to_owned())
}
