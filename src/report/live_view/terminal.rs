//! The terminal's modes while a screen stands: entered in one place, and restored whatever ends the
//! run, a panic and a second signal among it.
//!
//! Signals stay the terminal's: Ctrl-C is SIGINT as ever, so a run can be ended even if nothing is
//! drawn any more.

use super::held;
use crate::sys::terminal::{Modes, Terminal, can_draw};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// The other screen, which leaves the lines before it as they are; no cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[0m\x1b[2J";
const LEAVE: &[u8] = b"\x1b[0m\x1b[?25h\x1b[?1049l";

/// The modes to restore; `None` while no screen stands. A process has one terminal.
static ENTERED: Mutex<Option<Before>> = Mutex::new(None);

/// The terminal as it was.
struct Before {
    terminal: Terminal,
    modes: Modes,
}

fn entered() -> MutexGuard<'static, Option<Before>> {
    ENTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a screen can be drawn: standard output and standard error are a terminal, it is not
/// dumb, and this process is the one that it serves now.
pub fn is_live_terminal() -> bool {
    let is_shown = io::stdout().is_terminal() && io::stderr().is_terminal();
    is_shown && can_draw() && Terminal::open().is_ok_and(|terminal| terminal.is_in_foreground())
}

/// Enters the screen, and returns what keys are read from; `None` if that is not possible now.
pub(super) fn enter() -> Option<Terminal> {
    let terminal = Terminal::open().ok().filter(Terminal::is_in_foreground)?;
    let keys = terminal.try_clone().ok()?;
    restore_on_panic();
    let mut entered = entered();
    let modes = terminal.enter().ok()?;
    held::begin();
    *entered = Some(Before { terminal, modes });
    write(ENTER).ok()?;
    Some(keys)
}

/// Writes to the screen if it stands; returns whether it does.
pub(super) fn show(bytes: &[u8]) -> bool {
    let entered = entered();
    entered.is_some() && (bytes.is_empty() || write(bytes).is_ok())
}

/// Leaves the screen, if it stands, restores the terminal's modes, and prints what was kept.
pub fn restore_terminal() {
    let mut entered = entered();
    let Some(Before { terminal, modes }) = entered.take() else { return };
    // A terminal that is gone needs nothing.
    let _ = write(LEAVE);
    terminal.restore(&modes);
    held::end();
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// A panic's message is printed on the normal screen.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore_terminal();
            before(panic);
        }));
    });
}
