//! SIGINT and SIGTERM: the first ends the run early with a complete report, a later one quits at
//! once. SIGQUIT prints interim results, as in ping(8). What is in their place on Windows is told at
//! [`Signal`].

use super::tally::Tally;
use crate::sys::{self, Signal, SignalQueue, SignalSource};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// Exit code of a run that a second signal interrupted.
const INTERRUPTED: i32 = 130;
/// Signals that follow the first within this time count as one: timeout(1) signals its child and
/// then the whole group, so the child gets the signal twice.
const ONE_WISH: Duration = Duration::from_millis(200);

/// Signals that end a run.
const ENDING: [Signal; 2] = [Signal::Interrupt, Signal::Terminate];

/// What restores the terminal before a second signal ends the process.
static BEFORE_EXIT: OnceLock<fn()> = OnceLock::new();

/// The process's signals, as an event source for a loop.
#[derive(Debug)]
pub struct Signals {
    /// Readable after each signal; it wakes the loop.
    pub(super) pipe: SignalSource,
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
        let pipe = SignalSource::new()?;
        let terminated = Arc::new(AtomicBool::new(false));
        sys::flag_on(Signal::Terminate, &terminated)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        sys::flag_on(Signal::Interrupt, &interrupted)?;
        let second = SecondSignal::listen()?;
        let arrived = Arc::new(AtomicBool::new(false));
        for signal in ENDING {
            // In this order: a thread that the pipe wakes must see the flag.
            sys::flag_on(signal, &arrived)?;
            pipe.wake_on(signal)?;
        }
        let asked = Arc::new(AtomicBool::new(false));
        let asked_beside = Arc::new(AtomicBool::new(false));
        sys::flag_on(Signal::Status, &asked)?;
        sys::flag_on(Signal::Status, &asked_beside)?;
        pipe.wake_on(Signal::Status)?;
        let (tally, hung_up) = (Arc::default(), Arc::default());
        let signals =
            Self { pipe, arrived, terminated, interrupted, asked, asked_beside, tally, hung_up };
        Ok((signals, second))
    }

    /// Whether this system has SIGHUP, which can be heeded.
    pub fn has_hangup() -> bool {
        sys::hears(Signal::Hangup)
    }

    /// Heeds SIGHUP, too, which ends the process otherwise.
    pub fn heed_hangup(&self) -> io::Result<()> {
        sys::flag_on(Signal::Hangup, &self.hung_up)?;
        self.pipe.wake_on(Signal::Hangup)
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
        sys::raise(Signal::Interrupt);
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
        self.pipe.drain();
    }
}

/// Quits at the second signal, once [`SecondSignal::watch`] has been called.
#[derive(Debug)]
pub struct SecondSignal {
    /// The signals; `None` if another instance in this process watches or will watch.
    queue: Option<SignalQueue>,
}

impl SecondSignal {
    fn listen() -> io::Result<Self> {
        static STARTED: Mutex<bool> = Mutex::new(false);
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        if *started {
            return Ok(Self { queue: None });
        }
        let queue = SignalQueue::of(&ENDING)?;
        *started = true;
        Ok(Self { queue: Some(queue) })
    }

    /// Starts the one thread of the process that waits for a second signal. Signals received
    /// earlier count.
    pub fn watch(self) -> io::Result<()> {
        let Some(mut queue) = self.queue else { return Ok(()) };
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            // Without a queue a second signal cannot be detected.
            if wait_for_second(&mut queue).is_ok() {
                if let Some(restore) = BEFORE_EXIT.get() {
                    restore();
                }
                sys::exit_at_once(INTERRUPTED);
            }
        })?;
        Ok(())
    }
}

/// Returns at the first signal later than [`ONE_WISH`] after the very first.
fn wait_for_second(queue: &mut SignalQueue) -> io::Result<()> {
    queue.wait()?;
    thread::sleep(ONE_WISH);
    queue.drain()?;
    queue.wait()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn signals_at_once_are_one_wish_and_a_later_one_is_another() {
        let (mut queue, signal) = SignalQueue::fed().unwrap();
        let (told, second) = channel();
        thread::spawn(move || told.send(wait_for_second(&mut queue).is_ok()));
        (0..3).for_each(|_| signal());
        assert!(second.recv_timeout(2 * ONE_WISH).is_err());
        // A second signal read together with the first, as on a busy machine, does not count.
        let came = (0..200).find_map(|_| {
            signal();
            second.recv_timeout(ONE_WISH).ok()
        });
        assert_eq!(came, Some(true));
    }
}
