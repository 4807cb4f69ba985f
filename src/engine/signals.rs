//! SIGINT and SIGTERM: the first ends the run early with a whole report, a later one quits at once.
//! SIGQUIT asks how the run stands, as it does with ping(8).

use super::tally::Tally;
use mio::net::UnixStream;
use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::unix::net::UnixStream as Pipe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Exit code of a run that a second signal broke off.
const INTERRUPTED: i32 = 130;
/// Signals that follow the first within this time are one wish: timeout(1) signals its child and
/// then the whole group, so the child hears it twice.
const ONE_WISH: Duration = Duration::from_millis(200);

/// The process's signals as something that a loop can wait for.
#[derive(Debug)]
pub struct Signals {
    pub(super) pipe: UnixStream,
    arrived: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
    pub(super) tally: Arc<Tally>,
}

impl Signals {
    /// Takes over SIGINT, SIGTERM and SIGQUIT. Every instance hears them all.
    pub fn listen() -> io::Result<Self> {
        let (signals, second) = Self::listen_without_thread()?;
        second.watch()?;
        Ok(signals)
    }

    /// As [`Signals::listen`], in a process that must not have a second thread yet.
    pub fn listen_without_thread() -> io::Result<(Self, SecondSignal)> {
        let (read, write) = Pipe::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let arrived = Arc::new(AtomicBool::new(false));
        let second = SecondSignal::listen()?;
        for signal in [SIGINT, SIGTERM] {
            // In this order: whoever the pipe wakes sees the flag.
            flag::register(signal, Arc::clone(&arrived))?;
            low_level::pipe::register(signal, write.try_clone()?)?;
        }
        let asked = Arc::new(AtomicBool::new(false));
        flag::register(SIGQUIT, Arc::clone(&asked))?;
        low_level::pipe::register(SIGQUIT, write.try_clone()?)?;
        let (pipe, tally) = (UnixStream::from_std(read), Arc::default());
        Ok((Self { pipe, arrived, asked, tally }, second))
    }

    /// Whether a signal came since [`Signals::listen`].
    pub fn arrived(&self) -> bool {
        self.arrived.load(Ordering::Acquire)
    }

    /// Whether the user asked how the run stands, since this was asked last.
    pub fn asked(&self) -> bool {
        self.asked.swap(false, Ordering::AcqRel)
    }

    /// What the loop that listens to these has sent and received so far.
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Empties the pipe, so that the next signal is a new edge.
    pub(super) fn drain(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.pipe.read(&mut bytes), Ok(count) if count > 0) {}
    }
}

/// Quits at the second signal, once it is watched for.
#[derive(Debug)]
pub struct SecondSignal {
    /// A byte for each signal; `None` where the process has another that is or will be watched.
    pipe: Option<Pipe>,
}

impl SecondSignal {
    fn listen() -> io::Result<Self> {
        static STARTED: Mutex<bool> = Mutex::new(false);
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        if *started {
            return Ok(Self { pipe: None });
        }
        let (read, write) = Pipe::pair()?;
        write.set_nonblocking(true)?;
        for signal in [SIGINT, SIGTERM] {
            low_level::pipe::register(signal, write.try_clone()?)?;
        }
        *started = true;
        Ok(Self { pipe: Some(read) })
    }

    /// Starts the one thread of the process that waits for a second wish. What came before counts.
    pub fn watch(self) -> io::Result<()> {
        let Some(mut pipe) = self.pipe else { return Ok(()) };
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            // Without a pipe there is no second signal to be heard of.
            if wait_for_second(&mut pipe).is_ok() {
                low_level::exit(INTERRUPTED);
            }
        })?;
        Ok(())
    }
}

/// Returns at the first signal that comes later than [`ONE_WISH`] after the very first.
fn wait_for_second(pipe: &mut Pipe) -> io::Result<()> {
    let mut bytes = [0; 64];
    pipe.read_exact(&mut bytes[..1])?;
    thread::sleep(ONE_WISH);
    pipe.set_nonblocking(true)?;
    while matches!(pipe.read(&mut bytes), Ok(count) if count > 0) {}
    pipe.set_nonblocking(false)?;
    pipe.read_exact(&mut bytes[..1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::mpsc::channel;

    #[test]
    fn signals_at_once_are_one_wish_and_a_later_one_is_another() {
        let (mut read, mut write) = Pipe::pair().unwrap();
        let (told, second) = channel();
        thread::spawn(move || told.send(wait_for_second(&mut read).is_ok()));
        write.write_all(b"xxx").unwrap();
        assert!(second.recv_timeout(2 * ONE_WISH).is_err());
        // One that a busy machine reads with the first is no other.
        let came = (0..200).find_map(|_| {
            write.write_all(b"x").ok()?;
            second.recv_timeout(ONE_WISH).ok()
        });
        assert_eq!(came, Some(true));
    }
}
