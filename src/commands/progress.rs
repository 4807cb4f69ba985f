//! Shows how a run stands while its loop runs: on a terminal, and whenever SIGQUIT comes.

use super::usage::Step;
use crate::engine::Signals;
use crate::report::words::progress::Doing;
use crate::report::{Page, Progress, Standing, progress_text};
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
    shown: bool,
) -> anyhow::Result<Progress> {
    let tally = signals.tally();
    let line = move |elapsed, page| {
        let (doing, counts) = (doing.clone(), Some((tally.sent(), tally.received())));
        progress_text(&Standing { doing, elapsed, expected, counts }, page)
    };
    Progress::start(shown, line, |_| None).context(Step::Start)
}

/// Shows what goes on until the answer is dropped; `expected` is the run's length where that is
/// known, `shown` whether a line stands on the terminal meanwhile.
pub fn watch(
    doing: Doing,
    expected: Option<Nanos>,
    signals: &Signals,
    counted: Counted,
    shown: bool,
) -> anyhow::Result<Progress> {
    let mut asked = signals.asker();
    let tally = (counted == Counted::ByLoop).then(|| signals.tally());
    let text = move |elapsed, page| {
        let counts = tally.as_ref().map(|tally| (tally.sent(), tally.received()));
        progress_text(&Standing { doing: doing.clone(), elapsed, expected, counts }, page)
    };
    let (line, wide) = (text.clone(), Page::new(Page::WIDEST));
    let told = move |elapsed| asked().then(|| text(elapsed, wide));
    Progress::start(shown, line, told).context(Step::Start)
}
