//! What a service manager is told: that the service is ready, reloads, ends, and lives
//! (`sd_notify(3)`).
//!
//! The protocol is a line `NAME=VALUE` for each fact in a datagram to the socket that
//! `NOTIFY_SOCKET` names. The socket is connected at the start: Landlock lets a process that it
//! confines go on with that, and not begin it.

use crate::sys::{ErrorNumber, NotifySocket};
use crate::units::Nanos;
use std::ffi::OsStr;
use std::io;
use std::sync::Arc;

/// A service manager that waits for news. By default there is none, and nothing is told.
#[derive(Clone, Debug, Default)]
pub struct ServiceManager {
    socket: Option<Arc<NotifySocket>>,
    /// How often it is told that the service lives; `None` where it does not ask.
    every: Option<Nanos>,
    /// When it is told next.
    due: Nanos,
}

/// Why a service manager is told nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoServiceManager {
    /// The address of its socket, as given.
    pub socket: String,
    /// The system's error number; `None` if the address itself is wrong.
    pub errno: Option<i32>,
}

impl ServiceManager {
    /// The service manager that started this process, if there is one.
    ///
    /// # Errors
    ///
    /// If its socket is not one, or cannot be reached.
    pub fn from_environment() -> Result<Self, NoServiceManager> {
        let Some(address) = std::env::var_os("NOTIFY_SOCKET").filter(|text| !text.is_empty())
        else {
            return Ok(Self::default());
        };
        let number = |name| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
        // Another process of the service may be the one that is watched.
        let is_meant =
            number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|_| is_meant).map(Nanos::from_micros);
        Self::connect(&address, watchdog)
    }

    /// The one at `address`, a path or on Linux `@` and an abstract name, which takes a service for dead that
    /// is silent for `watchdog`; `None` if it does not watch.
    ///
    /// # Errors
    ///
    /// If the address is neither, or cannot be reached.
    pub fn connect(address: &OsStr, watchdog: Option<Nanos>) -> Result<Self, NoServiceManager> {
        let wrong = |errno| NoServiceManager { socket: address.to_string_lossy().into(), errno };
        let failed = |error: io::Error| wrong(error.errno());
        let connected = NotifySocket::connect(address).ok_or_else(|| wrong(None))?;
        let socket = connected.map_err(failed)?;
        // Half of the time, as sd_watchdog_enabled(3) has it.
        let every = watchdog.filter(|time| *time > Nanos::ZERO).map(|time| Nanos(time.0 / 2));
        Ok(Self { socket: Some(Arc::new(socket)), every, due: Nanos::ZERO })
    }

    /// How often it wants to be told that the service lives; `None` where it does not ask.
    pub fn period(&self) -> Option<Nanos> {
        self.every
    }

    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// The service has started, or is done with a reload.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The service reads its configuration again, as of `now` on the monotonic clock.
    pub fn reloading(&self, now: Nanos) {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.0 / 1000));
    }

    /// The service ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// The service lives; called more often than it is told.
    pub fn alive(&mut self, now: Nanos) {
        if let Some(every) = self.every.filter(|_| self.due <= now) {
            self.due = now + every;
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, text: &str) {
        if let Some(socket) = &self.socket {
            // It may be restarted itself, or be busy; the service goes on.
            let _ = socket.send(text.as_bytes());
        }
    }
}
