//! The terminal that controls a process: its modes for a screen, and its keys (termios(3)).
//!
//! Signals stay the terminal's: Ctrl-C is SIGINT as ever.

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{
    InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use nix::unistd::{getpgrp, tcgetpgrp};
use signal_hook::consts::SIGTSTP;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

/// The terminal that controls this process, which may be none of its standard descriptors: these
/// may carry a payload.
#[derive(Debug)]
pub struct Terminal(File);

/// A terminal's modes, to be restored.
#[derive(Debug)]
pub struct Modes(Termios);

/// Whether the terminal can move its cursor, as far as its name tells.
pub fn can_draw() -> bool {
    let kind = std::env::var("TERM").unwrap_or_default();
    !kind.is_empty() && !kind.eq_ignore_ascii_case("dumb")
}

/// Stops this process as Ctrl-Z does, until it is continued.
pub fn stop_process() {
    // It fails for signals that do not exist.
    let _ = signal_hook::low_level::raise(SIGTSTP);
}

impl Terminal {
    /// Opens it. Reading never waits: once the modes are restored, a key that was typed before
    /// would be a line that nobody ends.
    pub fn open() -> io::Result<Self> {
        let flags = OFlag::O_NONBLOCK.bits();
        OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty").map(Self)
    }

    /// The same terminal for another owner.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Whether it serves this process now: one in the background is stopped when it changes the
    /// terminal's modes.
    pub fn is_in_foreground(&self) -> bool {
        tcgetpgrp(&self.0) == Ok(getpgrp())
    }

    /// Sets the modes of a screen, and returns those before.
    pub fn enter(&self) -> io::Result<Modes> {
        let modes = tcgetattr(&self.0)?;
        let mut changed = modes.clone();
        // Keys come one by one, unseen, and Ctrl-S is one of them; signals stay as they are, but
        // that of Ctrl-Z, which has to wait until the screen is left.
        changed.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        changed.input_flags.remove(InputFlags::IXON);
        for (place, value) in [
            (SpecialCharacterIndices::VMIN, 0),
            (SpecialCharacterIndices::VTIME, 0),
            (SpecialCharacterIndices::VSUSP, 0),
        ] {
            changed.control_chars[place as usize] = value;
        }
        tcsetattr(&self.0, SetArg::TCSADRAIN, &changed)?;
        Ok(Modes(modes))
    }

    /// Sets these modes again, unless it serves another process now.
    pub fn restore(&self, modes: &Modes) {
        if self.is_in_foreground() {
            let _ = tcsetattr(&self.0, SetArg::TCSADRAIN, &modes.0);
        }
    }

    /// Keys that were typed, as bytes: how many there were.
    pub fn read(&mut self, typed: &mut [u8]) -> usize {
        // Nothing typed is nothing read.
        self.0.read(typed).unwrap_or(0)
    }
}

/// Dropped to end a wait.
#[derive(Debug)]
pub struct Wanted {
    _other_end: UnixStream,
}

/// Waits for keys until something is no longer wanted.
#[derive(Debug)]
pub struct KeyWait(UnixStream);

impl KeyWait {
    /// A wait, and what ends it when it is dropped.
    pub fn new() -> io::Result<(Wanted, Self)> {
        let (wanted, over) = UnixStream::pair()?;
        Ok((Wanted { _other_end: wanted }, Self(over)))
    }

    /// Waits for a key of `terminal` or for so many milliseconds; returns whether it is over.
    pub fn is_over(&self, terminal: Option<&Terminal>, millis: u16) -> bool {
        let until = Instant::now() + Duration::from_millis(millis.into());
        loop {
            let left = until.saturating_duration_since(Instant::now()).as_millis();
            let mut fds = vec![PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            fds.extend(terminal.map(|file| PollFd::new(file.0.as_fd(), PollFlags::POLLIN)));
            let timeout = PollTimeout::from(u16::try_from(left).unwrap_or(millis));
            let ready = poll(&mut fds, timeout);
            let is_ready = |at: usize| fds.get(at).is_some_and(|fd| fd.any().unwrap_or(true));
            if is_ready(0) {
                return true;
            }
            if is_ready(1) {
                let gone = fds[1].revents().is_some_and(|found| !found.contains(PollFlags::POLLIN));
                // A terminal that hung up is ready for ever.
                if gone {
                    thread::sleep(Duration::from_millis(millis.into()));
                }
                return false;
            }
            if matches!(ready, Ok(0)) {
                return false;
            }
        }
    }
}
