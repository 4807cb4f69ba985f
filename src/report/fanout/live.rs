//! The table on a terminal while a fan-out's sender runs: redrawn in place, in one write a frame,
//! and never longer than the screen. Where standard output is no terminal, only what happens is
//! told, on standard error.

use super::{closing_text, table_lines};
use crate::record::{
    CastNote, CastWarning, FanoutEvent, FanoutStanding, Flow, SilenceCause, Sink, Worded,
};
use crate::report::guard::harmless_line;
use crate::report::page::Page;
use crate::report::words::cast as words;
use crate::report::{CastLine, RecordLines, note, warning};
use crate::units::Nanos;
use console::Term;
use std::io::Write;

/// How often the live table is drawn.
const FRAME: Nanos = Nanos::from_millis(250);
/// How often a line for programs says how the receivers stand.
const LINE: Nanos = Nanos::from_secs(1);

/// Shows how a fan-out stands.
pub struct FanoutView {
    /// Lines for programs, in place of everything that is told.
    lines: Option<RecordLines>,
    /// `None` for no live table.
    screen: Option<Screen>,
    /// Whether anything is said at all.
    talk: bool,
    /// What may be wrong when nobody answers, in the order of likelihood.
    causes: Vec<SilenceCause>,
}

/// The frame that stands on the terminal.
struct Screen {
    term: Term,
    /// Lengths of the lines drawn last, the cursor being below them.
    drawn: Vec<usize>,
}

impl FanoutView {
    /// A view that says what happens, unless it is silenced.
    pub fn new(causes: Vec<SilenceCause>) -> Self {
        Self { lines: None, screen: None, talk: true, causes }
    }

    /// The same, silent but for the table.
    #[must_use]
    pub fn silenced(self) -> Self {
        Self { talk: false, ..self }
    }

    /// The same, drawing a table where standard output is a terminal.
    #[must_use]
    pub fn with_table(self) -> Self {
        let term = Term::buffered_stdout();
        let screen = term.is_term().then(|| Screen { term, drawn: Vec::new() });
        Self { screen, ..self }
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
            (None, Some(_)) => Some(FRAME),
            (None, None) => None,
        }
    }

    /// Whether a table is drawn.
    pub fn is_live(&self) -> bool {
        self.screen.is_some()
    }

    /// Takes the table away, for the report that follows.
    pub fn clear(&mut self) {
        if let Some(screen) = &mut self.screen {
            // A terminal that is gone shows nothing.
            let _ = screen.draw(&[]);
        }
    }

    fn say(&mut self, what: &CastNote) {
        if self.talk {
            self.clear();
            note(what.text());
        }
    }
}

impl Screen {
    fn draw(&mut self, lines: &[String]) -> std::io::Result<()> {
        let columns = usize::from(self.term.size().1).max(1);
        // After a resize the lines before may take more rows than they did.
        let rows: usize = self.drawn.iter().map(|len| len.div_ceil(columns).max(1)).sum();
        if rows > 0 {
            self.term.move_cursor_up(rows)?;
        }
        for line in lines {
            self.term.clear_line()?;
            writeln!(self.term, "{}", harmless_line(line))?;
        }
        self.term.clear_to_end_of_screen()?;
        self.term.flush()?;
        self.drawn = lines.iter().map(|line| line.chars().count()).collect();
        Ok(())
    }
}

/// A frame of the live table, of at most `rows` lines of at most `columns` columns.
pub fn fanout_frame(
    elapsed: Nanos,
    numbered: u64,
    standing: &FanoutStanding,
    rows: usize,
    columns: usize,
) -> Vec<String> {
    let count = standing.receivers.len() as u64;
    let mut lines = vec![words::live_heading(elapsed, numbered, count)];
    let closing = closing_text(standing, Page::new(columns));
    let closing: Vec<String> = closing.lines().map(str::to_owned).collect();
    // The heading, the table's own two lines and the line of those left out, and what is below.
    let room = rows.saturating_sub(1 + 2 + 1 + closing.len());
    if room > 0 {
        lines.extend(table_lines(standing, columns, room));
    }
    lines.extend(closing);
    lines.truncate(rows);
    for line in &mut lines {
        if line.chars().count() > columns {
            *line = line.chars().take(columns).collect();
        }
    }
    lines
}

/// The line of an event for programs.
fn line<'a>(event: &FanoutEvent<'a>) -> CastLine<'a> {
    let note = |note| CastLine::Note { note };
    match *event {
        FanoutEvent::Standing { elapsed, numbered, standing } => {
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
    }
}

impl Sink<FanoutEvent<'_>> for FanoutView {
    fn take(&mut self, event: FanoutEvent<'_>) -> Flow {
        if let Some(lines) = &mut self.lines {
            return line(&event).print(lines);
        }
        match event {
            FanoutEvent::Standing { elapsed, numbered, standing } => {
                let Some(screen) = &mut self.screen else { return Flow::Continue };
                let (rows, columns) = screen.term.size();
                // The last row is the cursor's; a full last column wraps on some terminals.
                let (rows, columns) = (usize::from(rows) - 1, usize::from(columns));
                let lines = fanout_frame(elapsed, numbered, standing, rows, columns.max(20));
                if screen.draw(&lines).is_err() {
                    return Flow::Closed;
                }
            }
            FanoutEvent::Waiting { heard, wanted, wait } => {
                self.say(&CastNote::Waiting { heard, wanted, wait_ns: wait.map(Nanos::as_u64) });
            }
            FanoutEvent::Silence(after) => {
                if self.talk {
                    self.clear();
                    warning(CastWarning::NoReports { after_ns: after.as_u64() }.text());
                    for cause in &self.causes {
                        note(format_args!("  {}", cause.text()));
                    }
                }
            }
            FanoutEvent::Subscribed(receiver) => self.say(&CastNote::Subscribed { receiver }),
            FanoutEvent::Moved(from, to) => self.say(&CastNote::Moved { from, to }),
            FanoutEvent::Unsubscribed(receiver, departure) => {
                self.say(&CastNote::Unsubscribed { receiver, departure });
            }
        }
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FanoutReceiver;

    #[test]
    fn a_frame_stays_within_its_screen_and_says_what_it_leaves_out() {
        let standing = FanoutStanding {
            receivers: (0..1_000)
                .map(|number| FanoutReceiver {
                    receiver: format!("10.77.{}.{}:48484", number / 256, number % 256),
                    lost: Some(0),
                    expected: Some(7),
                    ..FanoutReceiver::default()
                })
                .collect(),
            receivers_left_out: 3,
            ..FanoutStanding::default()
        }
        .with_caveats();
        for (rows, columns) in [(23, 80), (49, 120), (5, 80), (3, 40), (1, 20), (0, 20)] {
            let lines = fanout_frame(Nanos::from_secs(3), 9, &standing, rows, columns);
            assert!(lines.len() <= rows, "{rows}: {lines:#?}");
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{lines:#?}");
            if rows > 20 {
                let left_out = format!("  and {} more", 1_000 - (rows - 5));
                assert!(lines.iter().any(|line| line.starts_with(&left_out)), "{lines:#?}");
            }
        }
    }
}
