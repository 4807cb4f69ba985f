//! Tells the service manager how a service stands (`sd_notify(3)`): ready, reloading, stopping, alive.
//!
//! The protocol is a datagram with `KEY=VALUE` lines to the socket that `NOTIFY_SOCKET` names, in the
//! file system or, with `@` first, in the abstract name space. Without the variable there is nobody
//! to tell.

use crate::sys;
use crate::units::Nanos;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;

/// The service manager of this process, if it has one; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ServiceManager {
    to: Option<Arc<(UnixDatagram, SocketAddr)>>,
    /// How often it wants to hear that the process is alive; `None` for never.
    watchdog: Option<Nanos>,
}

impl ServiceManager {
    /// That of this process: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. A socket that
    /// cannot be used is none: a service runs without, too.
    pub fn of_process() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return Self::default() };
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let is_meant =
            number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let micros = number("WATCHDOG_USEC").filter(|micros| *micros > 0 && is_meant);
        let watchdog = micros.map(Nanos::from_micros);
        match Self::at(&name) {
            Ok(to) => Self { to: Some(Arc::new(to)), watchdog },
            Err(_) => Self::default(),
        }
    }

    fn at(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
        let to = match name.as_bytes() {
            [b'@', hidden @ ..] => SocketAddr::from_abstract_name(hidden)?,
            _ => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold up a measurement.
        socket.set_nonblocking(true)?;
        Ok((socket, to))
    }

    /// How often to say that it is alive: half of what the manager waits for; `None` for never.
    pub fn watchdog_period(&self) -> Option<Nanos> {
        self.watchdog.map(|most| Nanos(most.0 / 2))
    }

    /// It serves, for the first time or again after it has read its configuration.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// It reads its configuration again; [`ServiceManager::ready`] ends that (`Type=notify-reload`).
    pub fn reloading(&self) {
        let micros = sys::monotonic_now().0 / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// It ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// It is alive; to be said by the loop that does the work.
    pub fn alive(&self) {
        if self.watchdog.is_some() {
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, state: &str) {
        if let Some(to) = &self.to {
            // A manager that is gone is no failure of the service.
            let _ = to.0.send_to_addr(state.as_bytes(), &to.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn heard(at: &UnixDatagram) -> String {
        at.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let mut bytes = [0; 256];
        let length = at.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_is_told_by_its_path_or_its_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let abstract_name = format!("udpkit-test-{}", std::process::id());
        let hidden = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        for (name, manager) in [
            (path.clone().into_os_string(), UnixDatagram::bind(&path).unwrap()),
            (format!("@{abstract_name}").into(), UnixDatagram::bind_addr(&hidden).unwrap()),
        ] {
            let to = ServiceManager::at(&name).unwrap();
            let watchdog = Some(Nanos::from_secs(3));
            let service = ServiceManager { to: Some(Arc::new(to)), watchdog };
            service.ready();
            assert_eq!(heard(&manager), "READY=1");
            service.reloading();
            let told = heard(&manager);
            let micros = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
            assert!(micros.parse::<u64>().is_ok(), "{told}");
            service.alive();
            assert_eq!(heard(&manager), "WATCHDOG=1");
            service.stopping();
            assert_eq!(heard(&manager), "STOPPING=1");
            assert_eq!(service.watchdog_period(), Some(Nanos::from_millis(1_500)));
        }
    }

    #[test]
    fn without_a_manager_nothing_is_told_and_nothing_fails() {
        let alone = ServiceManager::default();
        alone.ready();
        alone.alive();
        assert_eq!(alone.watchdog_period(), None);
    }
}
