//! SIGINT and SIGTERM: the first ends the run early with a whole report, the second quits at once.

use mio::net::UnixStream;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a run that a second signal broke off.
const INTERRUPTED: i32 = 130;

/// The process's signals as something that a loop can wait for.
#[derive(Debug)]
pub struct Signals {
    pub(super) pipe: UnixStream,
    arrived: Arc<AtomicBool>,
}

impl Signals {
    /// Takes over SIGINT and SIGTERM. Every instance hears both.
    pub fn listen() -> io::Result<Self> {
        let (read, write) = std::os::unix::net::UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let arrived = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the check sees the flag only from the second signal on.
            flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&arrived))?;
            flag::register(signal, Arc::clone(&arrived))?;
            low_level::pipe::register(signal, write.try_clone()?)?;
        }
        Ok(Self { pipe: UnixStream::from_std(read), arrived })
    }

    /// Whether a signal came since [`Signals::listen`].
    pub fn arrived(&self) -> bool {
        self.arrived.load(Ordering::Acquire)
    }

    /// Empties the pipe, so that the next signal is a new edge.
    pub(super) fn drain(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.pipe.read(&mut bytes), Ok(count) if count > 0) {}
    }
}
