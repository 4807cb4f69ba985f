//! The progress line on the terminal, and the printing of anything else above it.

use super::guard::harmless_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The line that stands on the terminal; whatever else is printed stands above it.
static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);
static STANDS: AtomicBool = AtomicBool::new(false);

fn line() -> MutexGuard<'static, Option<ProgressBar>> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints while the line is away, where there is one.
pub(super) fn around<T>(print: impl FnOnce() -> T) -> T {
    if !STANDS.load(Ordering::Relaxed) {
        return print();
    }
    // Not held meanwhile: what is printed may fail, and say so.
    let bar = line().clone();
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// Draws the line.
pub(super) fn draw(text: &str) {
    let mut line = line();
    let bar = line.get_or_insert_with(|| {
        let style = ProgressStyle::with_template("{msg}");
        let bar = ProgressBar::new_spinner()
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar
    });
    bar.set_message(harmless_line(text).into_owned());
    bar.tick();
    STANDS.store(true, Ordering::Relaxed);
}

/// Removes the line.
pub(super) fn erase() {
    if let Some(bar) = line().take() {
        bar.finish_and_clear();
    }
    STANDS.store(false, Ordering::Relaxed);
}
