//! The thread that draws what a run has counted, and reads keys. The run itself only updates its
//! counts, and never waits for a terminal.

use super::draw::{Look, draw};
use super::held;
use super::keys::{Key, Unit, keys};
use super::paint::paint;
use super::picture::{Moment, Picture, Scene, Stage};
use super::terminal::{enter, restore_terminal, show};
use crate::report::ascii::is_ascii_only;
use crate::sys::terminal::{KeyWait, Terminal, Wanted, stop_process};
use crate::units::Nanos;
use console::Term;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// A shorter run needs no screen.
const PATIENCE: u16 = 300;
/// Milliseconds between two frames, unless a key is typed.
const FRAME: u16 = 200;
/// Most messages that are looked at for a frame.
const MESSAGES: usize = 4;
/// Most columns and rows that are drawn.
const LARGEST: u16 = 1_000;

/// Changes what a screen shows, from any thread.
pub struct LiveHandle<S> {
    scene: Arc<Mutex<S>>,
    began: Instant,
}

impl<S> Clone for LiveHandle<S> {
    fn clone(&self) -> Self {
        Self { scene: Arc::clone(&self.scene), began: self.began }
    }
}

impl<S> LiveHandle<S> {
    /// Changes the scene; the time is that since the screen was started.
    pub fn update<T>(&self, change: impl FnOnce(&mut S, Nanos) -> T) -> T {
        let now = self.began.elapsed().into();
        change(&mut self.scene.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// A screen that shows a scene until it is dropped.
pub struct LiveScreen<S> {
    handle: LiveHandle<S>,
    /// Dropped to end the thread.
    running: Option<Wanted>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Scene + 'static> LiveScreen<S> {
    /// Shows a scene from now on; the quit key calls `interrupt`, which ends the run early.
    pub fn start(scene: S, interrupt: fn()) -> io::Result<Self> {
        let (running, over) = KeyWait::new()?;
        let handle = LiveHandle { scene: Arc::new(Mutex::new(scene)), began: Instant::now() };
        let look = Look {
            is_ascii: is_ascii_only(),
            has_color: console::colors_enabled() && console::colors_enabled_stderr(),
        };
        let drawn = handle.clone();
        let thread = thread::Builder::new().name("screen".to_owned()).spawn(move || {
            let screen = Drawing { handle: drawn, over, look, interrupt };
            screen.run();
        })?;
        Ok(Self { handle, running: Some(running), thread: Some(thread) })
    }
}

impl<S> LiveScreen<S> {
    /// What changes the scene from any thread.
    pub fn handle(&self) -> LiveHandle<S> {
        self.handle.clone()
    }

    /// As [`LiveHandle::update`].
    pub fn update<T>(&self, change: impl FnOnce(&mut S, Nanos) -> T) -> T {
        self.handle.update(change)
    }
}

impl<S> Drop for LiveScreen<S> {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            restore_terminal();
        }
    }
}

/// What the thread has.
struct Drawing<S> {
    handle: LiveHandle<S>,
    /// Over once the screen is no longer wanted.
    over: KeyWait,
    look: Look,
    interrupt: fn(),
}

/// What the user chose by keys.
#[derive(Default)]
struct Chosen {
    unit: Unit,
    is_quitting: bool,
    /// The frame that is looked at, while the display is paused.
    frozen: Option<Picture>,
}

impl<S: Scene> Drawing<S> {
    fn run(self) {
        let mut chosen = Chosen::default();
        let mut is_over = self.over.is_over(None, PATIENCE);
        while !is_over {
            match enter() {
                Some(keys) => {
                    is_over = self.show_until_left(keys, &mut chosen);
                    restore_terminal();
                    if !is_over {
                        // Control-Z. The process goes on here when it is continued.
                        stop_process();
                    }
                }
                // In the background; it may come back.
                None => is_over = self.over.is_over(None, FRAME),
            }
        }
    }

    /// Draws until the screen is no longer wanted, or the user stops the process: then false.
    fn show_until_left(&self, mut terminal: Terminal, chosen: &mut Chosen) -> bool {
        let mut shown: Option<Buffer> = None;
        loop {
            self.frame(chosen, &mut shown);
            if self.over.is_over(Some(&terminal), FRAME) {
                // What was counted last.
                chosen.frozen = None;
                self.frame(chosen, &mut shown);
                return true;
            }
            let mut typed = [0; 64];
            let read = terminal.read(&mut typed);
            for key in keys(&typed[..read]) {
                match key {
                    Key::Quit if chosen.is_quitting => {}
                    Key::Quit => {
                        chosen.is_quitting = true;
                        (self.interrupt)();
                    }
                    Key::Pause => match chosen.frozen.take() {
                        Some(_) => {}
                        None => chosen.frozen = Some(self.picture(chosen)),
                    },
                    Key::Unit => chosen.unit = chosen.unit.next(),
                    Key::Redraw => shown = None,
                    Key::Suspend => return false,
                }
            }
        }
    }

    fn picture(&self, chosen: &Chosen) -> Picture {
        let (columns, rows) = size();
        let (columns, rows, unit) = (columns.into(), rows.into(), chosen.unit);
        let mut picture =
            self.handle.update(|scene, now| scene.picture(&Moment { now, unit, columns, rows }));
        picture.messages = held::latest_messages(MESSAGES);
        picture
    }

    fn frame(&self, chosen: &Chosen, shown: &mut Option<Buffer>) {
        let mut picture = match &chosen.frozen {
            Some(frozen) => Picture { stage: Stage::Paused, ..frozen.clone() },
            None => self.picture(chosen),
        };
        if chosen.is_quitting {
            picture.stage = Stage::Ending;
        }
        let (columns, rows) = size();
        let mut next = Buffer::empty(Rect::new(0, 0, columns, rows));
        draw(&picture, self.look, &mut next);
        if show(&paint(shown.as_ref(), &next)) {
            *shown = Some(next);
        }
    }
}

/// Columns and rows of the terminal now.
fn size() -> (u16, u16) {
    let (rows, columns) = Term::stdout().size_checked().unwrap_or((24, 80));
    (columns.clamp(1, LARGEST), rows.clamp(1, LARGEST))
}
