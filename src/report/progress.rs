//! The line that says what goes on while a command has nothing to show yet: on standard error, on a
//! terminal alone, never with `-q`; and the same line, by itself, for whoever sends SIGQUIT.

use super::messages::is_quiet;
use super::progress_line::{draw, erase};
use super::words::progress::{Doing, RunLength, counts, left, time_left, whole_seconds};
use super::{Page, status};
use crate::record::Worded;
use crate::units::Nanos;
use console::Term;
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A shorter run needs no line.
const PATIENCE: Duration = Duration::from_millis(700);
/// How often the line is drawn, and SIGQUIT looked for.
const STEP: Duration = Duration::from_millis(250);

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What goes on.
    pub doing: Doing,
    /// Time since it began.
    pub elapsed: Nanos,
    /// How long it will take, where that is known.
    pub expected: Option<RunLength>,
    /// Datagrams sent and received; `None` where they are counted elsewhere.
    pub counts: Option<(u64, u64)>,
}

/// `probe marks 192.0.2.1:8620   3 s   sent 40, received 38`, one line of the page.
pub fn progress_text(standing: &Standing, page: Page) -> String {
    let mut parts = vec![standing.doing.text(), whole_seconds(standing.elapsed)];
    parts.extend(standing.expected.and_then(|expected| left(expected, standing.elapsed)));
    let counts = |(sent, received)| counts(&standing.doing, sent, received);
    parts.extend(standing.counts.map(counts));
    fitting(&parts, "   ", page)
}

/// Parts in one line, as many as fit: a figure that is cut would be another one. The last column
/// stays free, so that the line never wraps.
pub(super) fn fitting(parts: &[String], between: &str, page: Page) -> String {
    let most = page.columns() - 1;
    let mut line = String::new();
    for part in parts {
        let more = if line.is_empty() { part.clone() } else { format!("{line}{between}{part}") };
        if more.chars().count() > most {
            break;
        }
        line = more;
    }
    if line.is_empty() {
        return parts.first().map_or(line, |first| first.chars().take(most).collect());
    }
    line
}

/// `  [====>     ] 3 s left`: the bar below a run's intervals.
pub fn blast_bar_text(expected: Nanos, elapsed: Nanos, page: Page) -> String {
    let width = page.columns() / 2;
    let share =
        u128::from(elapsed.0.min(expected.0)) * width as u128 / u128::from(expected.0.max(1));
    let full = "=".repeat(share as usize);
    let head = if full.len() < width { ">" } else { "" };
    format!("  [{:<width$}] {}", format!("{full}{head}"), time_left(expected, elapsed))
}

/// Whether a line stands on the terminal while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressLine {
    /// It does, if there is a terminal.
    Shown,
    /// It does not; the user may still ask.
    Hidden,
}

impl ProgressLine {
    /// Shown if it is wanted.
    pub fn when(wanted: bool) -> Self {
        if wanted { Self::Shown } else { Self::Hidden }
    }
}

/// Shows how a run stands until it is dropped.
#[derive(Debug)]
pub struct Progress {
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows what `text` says of the run from time to time, on a page as wide as the terminal,
    /// where there is a line at all; and prints what `told` says, which says something whenever the
    /// user has asked.
    pub fn start(
        line: ProgressLine,
        text: impl Fn(Nanos, Page) -> String + Send + 'static,
        mut told: impl FnMut(Nanos) -> Option<String> + Send + 'static,
    ) -> std::io::Result<Self> {
        let shown = line == ProgressLine::Shown && !is_quiet() && std::io::stderr().is_terminal();
        let (over, ended) = channel::<()>();
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(move || {
            let began = Instant::now();
            while ended.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
                if let Some(told) = told(began.elapsed().into()) {
                    told.lines().for_each(status);
                }
                if shown && began.elapsed() >= PATIENCE {
                    draw(&text(began.elapsed().into(), page_of_stderr()));
                }
            }
            if shown {
                erase();
            }
        })?;
        Ok(Self { over: Some(over), thread: Some(thread) })
    }
}

/// As wide as the terminal that standard error is.
fn page_of_stderr() -> Page {
    Page::new(Term::stderr().size_checked().map_or(80, |(_, columns)| usize::from(columns)))
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic; and if it did, the report still stands.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_goes_on_how_long_it_took_and_what_is_left() {
        let mut standing = Standing {
            doing: Doing::Send { destinations: 2 },
            elapsed: Nanos::from_millis(3_400),
            expected: Some(RunLength::Known(Nanos::from_secs(10))),
            counts: Some((1_400, 3)),
        };
        let line = "sending to 2 destinations   3 s   7 s left   sent 1 400, received 3";
        assert_eq!(progress_text(&standing, Page::new(80)), line);
        for (length, left) in [
            (RunLength::AtMost(Nanos::from_secs(4)), "at most 1 s left   "),
            (RunLength::About(Nanos::from_secs(200)), "about 197 s left   "),
            (RunLength::About(Nanos::from_secs(3)), ""),
        ] {
            standing.expected = Some(length);
            let line = format!("sending to 2 destinations   3 s   {left}sent 1 400, received 3");
            assert_eq!(progress_text(&standing, Page::new(80)), line);
        }
        standing.elapsed = Nanos::from_secs(185);
        standing.expected = Some(RunLength::Known(Nanos::from_secs(10)));
        standing.counts = None;
        let line = "sending to 2 destinations   3 min 5 s";
        assert_eq!(progress_text(&standing, Page::new(80)), line);
        // What does not fit is left out whole.
        standing.counts = Some((1_234_567_890_123, 1_234_567_890_123));
        assert_eq!(progress_text(&standing, Page::new(60)), line);
    }

    #[test]
    fn a_bar_is_as_wide_at_its_end_as_at_its_start() {
        let of = |seconds| {
            blast_bar_text(Nanos::from_secs(10), Nanos::from_secs(seconds), Page::new(80))
        };
        assert_eq!(of(0), format!("  [>{}] 10 s left", " ".repeat(39)));
        assert_eq!(of(5), format!("  [{}>{}] 5 s left", "=".repeat(20), " ".repeat(19)));
        assert_eq!(of(10), format!("  [{}] 0 s left", "=".repeat(40)));
    }
}
