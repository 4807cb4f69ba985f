//! `probe timeout` as text, and its progress.

use crate::record::probe::{IdleOutcome, IdleTimerReport, IdleTrial, TimeoutEvent, TimeoutReport};
use crate::record::{Flow, Sink, Worded};
use crate::report::page::{Align, table};
use crate::report::words::timeout::timer_name;
use crate::report::{Page, note};
use crate::units::Nanos;

/// Prints progress, a line per event, on standard error.
pub struct TimeoutProgress {
    quiet: bool,
}

impl TimeoutProgress {
    /// Progress that is printed.
    pub fn shown() -> Self {
        Self { quiet: false }
    }

    /// Progress that is not.
    pub fn silent() -> Self {
        Self { quiet: true }
    }
}

impl Sink<TimeoutEvent> for TimeoutProgress {
    fn take(&mut self, event: TimeoutEvent) -> Flow {
        if !self.quiet {
            note(event.text());
        }
        Flow::Continue
    }
}

/// The whole report.
pub fn timeout_text(found: &TimeoutReport, page: Page) -> String {
    let seen = found.seen_as.map_or_else(String::new, |seen| format!("   seen as {seen}"));
    let took = Nanos(found.duration_ns);
    let head = format!("udpkit probe timeout {}{seen}   {took}", found.target);
    let mut text = page.paragraph("", 2, &head);
    text.push('\n');
    if found.no_agent.is_none() {
        text.push_str(&silences(&found.timers));
        text.push('\n');
    }
    text.push_str(&page.findings(&found.findings));
    text.push_str(&page.told("unknown", &found.not_known));
    text
}

/// A row per idle time, a column per timer.
fn silences(timers: &[IdleTimerReport]) -> String {
    let mut silences: Vec<u64> =
        timers.iter().flat_map(|timer| &timer.trials).map(|trial| trial.silence_ns).collect();
    silences.sort_unstable();
    silences.dedup();
    let names = timers.iter().map(|timer| timer_name(timer.timer).to_owned());
    let mut rows = vec![std::iter::once("idle for".to_owned()).chain(names).collect::<Vec<_>>()];
    for silence in silences {
        let of = |timer: &IdleTimerReport| {
            let trial = timer.trials.iter().find(|trial| trial.silence_ns == silence);
            trial.map_or_else(String::new, cell)
        };
        let first = std::iter::once(Nanos(silence).to_string());
        rows.push(first.chain(timers.iter().map(of)).collect());
    }
    table(&[Align::Left; 3], rows)
}

fn cell(trial: &IdleTrial) -> String {
    let word = match trial.outcome {
        IdleOutcome::Open => "open",
        IdleOutcome::Closed => "closed",
        IdleOutcome::Unknown => return "-".to_owned(),
    };
    match trial.sent {
        Some(sent) => format!("{word}   {} of {sent} replies", trial.answers),
        None => word.to_owned(),
    }
}
