//! The table on a terminal while a fan-out's sender runs: redrawn in place, in one write a frame,
//! and never longer than the screen. Where standard output is no terminal, only what happens is
//! told, on standard error.

use super::{closing_lines, table_lines};
use crate::record::{Departure, FanoutEvent, FanoutStanding, Flow, Sink};
use crate::report::{note, warning};
use crate::units::{Nanos, group_digits};
use crate::wire::harmless;
use console::Term;
use std::io::Write;

/// Shows how a fan-out stands.
pub struct FanoutView {
    /// `None` for no live table.
    screen: Option<Screen>,
    /// Whether anything is said at all.
    talk: bool,
    /// What may be wrong when nobody answers, in the order of likelihood.
    causes: Vec<String>,
}

/// The frame that stands on the terminal.
struct Screen {
    term: Term,
    /// Lengths of the lines drawn last, the cursor being below them.
    drawn: Vec<usize>,
}

impl FanoutView {
    /// A view that draws a table where standard output is a terminal and `table` is set, and says
    /// what happens where `talk` is.
    pub fn new(table: bool, talk: bool, causes: Vec<String>) -> Self {
        let term = Term::buffered_stdout();
        let screen = (table && term.is_term()).then(|| Screen { term, drawn: Vec::new() });
        Self { screen, talk, causes }
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

    fn say(&mut self, text: impl std::fmt::Display) {
        if self.talk {
            self.clear();
            note(text);
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
            writeln!(self.term, "{}", harmless(line))?;
        }
        self.term.clear_to_end_of_screen()?;
        self.term.flush()?;
        self.drawn = lines.iter().map(|line| line.chars().count()).collect();
        Ok(())
    }
}

/// A frame of at most `rows` lines of at most `columns` columns.
fn frame(
    elapsed: Nanos,
    numbered: u64,
    standing: &FanoutStanding,
    rows: usize,
    columns: usize,
) -> Vec<String> {
    let count = standing.receivers.len() as u64;
    let s = if count == 1 { "" } else { "s" };
    let mut lines = vec![format!(
        "udpkit cast send   {:.1} s   {} datagrams to each   {} receiver{s}, worst first",
        elapsed.as_secs_f64(),
        group_digits(numbered),
        group_digits(count),
    )];
    let closing = closing_lines(standing);
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

impl Sink<FanoutEvent<'_>> for FanoutView {
    fn take(&mut self, event: FanoutEvent<'_>) -> Flow {
        match event {
            FanoutEvent::Standing { elapsed, numbered, standing } => {
                let Some(screen) = &mut self.screen else { return Flow::Continue };
                let (rows, columns) = screen.term.size();
                // The last row is the cursor's; a full last column wraps on some terminals.
                let (rows, columns) = (usize::from(rows) - 1, usize::from(columns));
                let lines = frame(elapsed, numbered, standing, rows, columns.max(20));
                if screen.draw(&lines).is_err() {
                    return Flow::Closed;
                }
            }
            FanoutEvent::Silence => {
                if self.talk {
                    self.clear();
                    warning("no receiver has answered in two seconds; likely causes:");
                    for cause in &self.causes {
                        note(format_args!("  {cause}"));
                    }
                }
            }
            FanoutEvent::Subscribed(addr) => self.say(format_args!("{addr} joined")),
            FanoutEvent::Unsubscribed(addr, Departure::Left) => {
                self.say(format_args!("{addr} left"));
            }
            FanoutEvent::Unsubscribed(addr, Departure::Silent) => {
                self.say(format_args!("{addr} fell silent and was dropped"));
            }
            FanoutEvent::Unsubscribed(addr, Departure::Refused) => {
                self.say(format_args!("{addr} is gone (port unreachable) and was dropped"));
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
            copies: Vec::new(),
            ..FanoutStanding::default()
        };
        for (rows, columns) in [(23, 80), (49, 120), (5, 80), (3, 40), (1, 20), (0, 20)] {
            let lines = frame(Nanos::from_secs(3), 9, &standing, rows, columns);
            assert!(lines.len() <= rows, "{rows}: {lines:#?}");
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{lines:#?}");
            if rows > 20 {
                let left_out = format!("  and {} more", 1_000 - (rows - 5));
                assert!(lines.iter().any(|line| line.starts_with(&left_out)), "{lines:#?}");
            }
        }
    }
}
