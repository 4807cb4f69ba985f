//! What is shown while a fan-out's sender runs: the live view where there is one, and what happens,
//! on standard error.

use super::scene::FanoutScene;
use crate::record::{CastNote, CastWarning, FanoutEvent, Flow, SilenceCause, Sink, Worded};
use crate::report::live_view::LiveScreen;
use crate::report::{CastLine, RecordLines, note, warning};
use crate::units::Nanos;
use std::io;

/// How often a line for programs says how the receivers stand.
const LINE: Nanos = Nanos::from_secs(1);

/// Shows how a fan-out stands.
pub struct FanoutView {
    /// Lines for programs, in place of everything that is told.
    lines: Option<RecordLines>,
    /// The live view, where there is one.
    screen: Option<LiveScreen<FanoutScene>>,
    /// Whether anything is said at all.
    talk: bool,
    /// What may be wrong when nobody answers, in the order of likelihood.
    causes: Vec<SilenceCause>,
}

impl FanoutView {
    /// How often the screen learns how the receivers stand.
    pub const FRAME: Nanos = Nanos::from_millis(250);

    /// A view that says what happens, unless it is silenced.
    pub fn new(causes: Vec<SilenceCause>) -> Self {
        Self { lines: None, screen: None, talk: true, causes }
    }

    /// The same, silent but for the live view.
    #[must_use]
    pub fn silenced(self) -> Self {
        Self { talk: false, ..self }
    }

    /// The same, with a screen of graphs and receivers; the quit key calls `interrupt`.
    pub fn on_screen(self, scene: FanoutScene, interrupt: fn()) -> io::Result<Self> {
        Ok(Self { screen: Some(LiveScreen::start(scene, interrupt)?), ..self })
    }

    /// The same, printing a line for programs on each event.
    #[must_use]
    pub fn printing(self, lines: RecordLines) -> Self {
        Self { lines: Some(lines), screen: None, ..self }
    }

    /// How often it wants to know how the receivers stand; `None` for never.
    pub fn period(&self) -> Option<Nanos> {
        match (&self.lines, &self.screen) {
            (Some(_), _) => Some(LINE),
            (None, Some(_)) => Some(Self::FRAME),
            (None, None) => None,
        }
    }

    /// Whether there is a screen.
    pub fn is_live(&self) -> bool {
        self.screen.is_some()
    }

    /// Takes the screen away, for the report that follows.
    pub fn clear(&mut self) {
        self.screen = None;
    }

    fn say(&mut self, what: &CastNote) {
        if self.talk {
            note(what.text());
        }
    }
}

/// The line of an event for programs; that for metrics has none.
fn line<'a>(event: &FanoutEvent<'a>) -> Option<CastLine<'a>> {
    let note = |note| CastLine::Note { note };
    Some(match *event {
        FanoutEvent::Sending(_) => return None,
        FanoutEvent::Standing { elapsed, numbered, standing, .. } => {
            CastLine::Standing { elapsed_ns: elapsed.as_u64(), numbered, standing }
        }
        FanoutEvent::Waiting { heard, wanted, wait } => {
            note(CastNote::Waiting { heard, wanted, wait_ns: wait.map(Nanos::as_u64) })
        }
        FanoutEvent::Silence(after) => {
            CastLine::Warning { warning: CastWarning::NoReports { after_ns: after.as_u64() } }
        }
        FanoutEvent::Subscribed(receiver) => note(CastNote::Subscribed { receiver }),
        FanoutEvent::Moved(from, to) => note(CastNote::Moved { from, to }),
        FanoutEvent::Unsubscribed(receiver, departure) => {
            note(CastNote::Unsubscribed { receiver, departure })
        }
    })
}

impl Sink<FanoutEvent<'_>> for FanoutView {
    fn take(&mut self, event: FanoutEvent<'_>) -> Flow {
        if let Some(lines) = &mut self.lines {
            return line(&event).map_or(Flow::Continue, |line| line.print(lines));
        }
        match event {
            FanoutEvent::Standing { elapsed, numbered, mean_bytes, standing } => {
                if let Some(screen) = &self.screen {
                    let sent = (numbered, mean_bytes);
                    screen.update(|scene, _| scene.stand(elapsed, sent, standing));
                }
            }
            FanoutEvent::Waiting { heard, wanted, wait } => {
                let what = CastNote::Waiting { heard, wanted, wait_ns: wait.map(Nanos::as_u64) };
                if let Some(screen) = &self.screen {
                    screen.update(|scene, _| scene.wait(&what));
                }
                self.say(&what);
            }
            FanoutEvent::Silence(after) => {
                if self.talk {
                    warning(CastWarning::NoReports { after_ns: after.as_u64() }.text());
                    for cause in &self.causes {
                        note(format_args!("  {}", cause.text()));
                    }
                }
            }
            FanoutEvent::Sending(_) => {}
            FanoutEvent::Subscribed(receiver) => self.say(&CastNote::Subscribed { receiver }),
            FanoutEvent::Moved(from, to) => self.say(&CastNote::Moved { from, to }),
            FanoutEvent::Unsubscribed(receiver, departure) => {
                self.say(&CastNote::Unsubscribed { receiver, departure });
            }
        }
        Flow::Continue
    }
}
