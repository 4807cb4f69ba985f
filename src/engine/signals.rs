//! SIGINT and SIGTERM: the first ends the run early with a complete report, a later one quits at
//! once. SIGQUIT prints interim results, as in ping(8).

use super::tally::Tally;
use mio::net::UnixStream;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::unix::net::UnixStream as Pipe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// Exit code of a run that a second signal interrupted.
const INTERRUPTED: i32 = 130;
/// Signals that follow the first within this time count as one: timeout(1) signals its child and
/// then the whole group, so the child gets the signal twice.
const ONE_WISH: Duration = Duration::from_millis(200);

/// What restores the terminal before a second signal ends the process.
static BEFORE_EXIT: OnceLock<fn()> = OnceLock::new();

/// The process's signals, as an event source for a loop.
#[derive(Debug)]
pub struct Signals {
    pub(super) pipe: UnixStream,
    arrived: Arc<AtomicBool>,
    /// Of these, SIGTERM.
    terminated: Arc<AtomicBool>,
    /// Of these, SIGINT.
    interrupted: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
    /// The same flag for a thread other than the loop's.
    asked_beside: Arc<AtomicBool>,
    pub(super) tally: Arc<Tally>,
    /// Whether SIGHUP came, if it is heeded.
    hung_up: Arc<AtomicBool>,
    /// Where a signal wakes the loop.
    wake: Pipe,
}

impl Signals {
    /// Handles SIGINT, SIGTERM and SIGQUIT from now on. Every instance receives all of them.
    pub fn listen() -> io::Result<Self> {
        let (signals, second) = Self::listen_without_thread()?;
        second.watch()?;
        Ok(signals)
    }

    /// Like [`Signals::listen`], for a process that must not start a second thread yet.
    pub fn listen_without_thread() -> io::Result<(Self, SecondSignal)> {
        let (read, write) = Pipe::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let arrived = Arc::new(AtomicBool::new(false));
        let terminated = Arc::new(AtomicBool::new(false));
        flag::register(SIGTERM, Arc::clone(&terminated))?;
        let interrupted = Arc::new(AtomicBool::new(false));
        flag::register(SIGINT, Arc::clone(&interrupted))?;
        let second = SecondSignal::listen()?;
        for signal in [SIGINT, SIGTERM] {
            // In this order: a thread that the pipe wakes must see the flag.
            flag::register(signal, Arc::clone(&arrived))?;
            low_level::pipe::register(signal, write.try_clone()?)?;
        }
        let asked = Arc::new(AtomicBool::new(false));
        let asked_beside = Arc::new(AtomicBool::new(false));
        flag::register(SIGQUIT, Arc::clone(&asked))?;
        flag::register(SIGQUIT, Arc::clone(&asked_beside))?;
        low_level::pipe::register(SIGQUIT, write.try_clone()?)?;
        let (pipe, tally) = (UnixStream::from_std(read), Arc::default());
        let hung_up = Arc::default();
        let signals = Self {
            pipe,
            arrived,
            terminated,
            interrupted,
            asked,
            asked_beside,
            tally,
            hung_up,
            wake: write,
        };
        Ok((signals, second))
    }

    /// Heeds SIGHUP, too, which ends the process otherwise.
    pub fn heed_hangup(&self) -> io::Result<()> {
        flag::register(SIGHUP, Arc::clone(&self.hung_up))?;
        low_level::pipe::register(SIGHUP, self.wake.try_clone()?)?;
        Ok(())
    }

    /// Whether SIGHUP came since the last call.
    pub fn hung_up(&self) -> bool {
        self.hung_up.swap(false, Ordering::AcqRel)
    }

    /// Has a second signal call this before it ends the process; the first call counts.
    pub fn before_exit(restore: fn()) {
        BEFORE_EXIT.get_or_init(|| restore);
    }

    /// Ends the run early, as SIGINT does.
    pub fn interrupt() {
        // It fails for signals that do not exist.
        let _ = low_level::raise(SIGINT);
    }

    /// Whether SIGINT or SIGTERM arrived since [`Signals::listen`].
    pub fn arrived(&self) -> bool {
        self.arrived.load(Ordering::Acquire)
    }

    /// Whether SIGTERM arrived, which asks for an end, and SIGINT did not.
    pub fn terminated(&self) -> bool {
        self.terminated.load(Ordering::Acquire) && !self.interrupted()
    }

    /// Whether SIGINT arrived.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    /// Whether the user asked for interim results since the last call.
    pub fn asked(&self) -> bool {
        self.asked.swap(false, Ordering::AcqRel)
    }

    /// Counts of the loop that listens to these signals.
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Like [`Signals::asked`], for a thread other than the loop's: the function returns whether
    /// the user asked for interim results since its last call, or since [`Signals::listen`].
    pub fn asker(&self) -> impl FnMut() -> bool + Send + use<> {
        let asked = Arc::clone(&self.asked_beside);
        move || asked.swap(false, Ordering::AcqRel)
    }

    /// Empties the pipe, so that the next signal triggers a new event.
    pub(super) fn drain(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.pipe.read(&mut bytes), Ok(count) if count > 0) {}
    }
}

/// Quits at the second signal, once [`SecondSignal::watch`] has been called.
#[derive(Debug)]
pub struct SecondSignal {
    /// Receives a byte per signal; `None` if another instance in this process watches or will
    /// watch.
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

    /// Starts the one thread of the process that waits for a second signal. Signals received
    /// earlier count.
    pub fn watch(self) -> io::Result<()> {
        let Some(mut pipe) = self.pipe else { return Ok(()) };
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            // Without a pipe a second signal cannot be detected.
            if wait_for_second(&mut pipe).is_ok() {
                if let Some(restore) = BEFORE_EXIT.get() {
                    restore();
                }
                low_level::exit(INTERRUPTED);
            }
        })?;
        Ok(())
    }
}

/// Returns at the first signal later than [`ONE_WISH`] after the very first.
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
        // A second signal read together with the first, as on a busy machine, does not count.
        let came = (0..200).find_map(|_| {
            write.write_all(b"x").ok()?;
            second.recv_timeout(ONE_WISH).ok()
        });
        assert_eq!(came, Some(true));
    }
}
