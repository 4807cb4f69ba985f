//! Shows how a run stands while its loop runs: on a terminal, and whenever SIGQUIT comes.

use super::usage::Step;
use crate::engine::{Signals, Tally};
use crate::report::words::progress::{Doing, RunLength};
use crate::report::{Page, Progress, ProgressLine, Standing, progress_text};
use crate::sys;
use crate::units::Nanos;
use anyhow::Context;

/// What the datagrams of a run are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The loop that listens to the signals.
    ByLoop,
    /// Something else, which shows them itself.
    Elsewhere,
}

/// As [`watch`], for a session that itself says how it stands when the user asks.
pub fn show(
    doing: Doing,
    expected: Option<Nanos>,
    signals: &Signals,
    line: ProgressLine,
) -> anyhow::Result<Progress> {
    let tally = signals.tally();
    let text = move |elapsed, page| {
        let (doing, counts) = (doing.clone(), Some((tally.sent(), tally.received())));
        let expected = expected.map(RunLength::Known);
        progress_text(&Standing { doing, elapsed, expected, counts }, page)
    };
    Progress::start(line, text, |_| None).context(Step::Start)
}

/// Shows what goes on until the answer is dropped; `expected` is the run's length where that is
/// known beforehand; otherwise it is what the session expects, if it does.
pub fn watch(
    doing: Doing,
    expected: Option<RunLength>,
    signals: &Signals,
    counted: Counted,
    line: ProgressLine,
) -> anyhow::Result<Progress> {
    let mut asked = signals.asker();
    let tally = (counted == Counted::ByLoop).then(|| signals.tally());
    let text = move |elapsed, page| {
        let told = || tally.as_ref().and_then(|tally| told_length(tally, elapsed));
        let expected = expected.or_else(told);
        let counts = tally.as_ref().map(|tally| (tally.sent(), tally.received()));
        progress_text(&Standing { doing: doing.clone(), elapsed, expected, counts }, page)
    };
    let (own, wide) = (text.clone(), Page::new(Page::WIDEST));
    let told = move |elapsed| asked().then(|| own(elapsed, wide));
    Progress::start(line, text, told).context(Step::Start)
}

/// What a session itself expects, from the start of a run that has taken so long.
fn told_length(tally: &Tally, elapsed: Nanos) -> Option<RunLength> {
    let end = tally.expected_end()?;
    Some(RunLength::About(elapsed + (end - sys::monotonic_now())))
}
