//! `probe timeout` as text, and what is told while it waits.

use super::{labelled, verdict_text};
use crate::record::probe::{IdleOutcome, IdleTimerReport, IdleTrial, TimeoutEvent, TimeoutReport};
use crate::record::{Flow, Sink};
use crate::report::note;
use crate::units::Nanos;

/// Tells whoever waits, a line an event, on standard error.
pub struct TimeoutProgress {
    quiet: bool,
}

impl TimeoutProgress {
    /// A progress that says nothing where it is `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }
}

impl Sink<TimeoutEvent> for TimeoutProgress {
    fn take(&mut self, event: TimeoutEvent) -> Flow {
        if !self.quiet {
            note(event);
        }
        Flow::Continue
    }
}

/// The whole report, within 80 columns.
pub fn timeout_text(found: &TimeoutReport) -> String {
    let seen = found.seen_as.map_or_else(String::new, |seen| format!("   seen as {seen}"));
    let took = Nanos(found.duration_ns);
    let mut text = format!("udpkit probe timeout {}{seen}   {took}\n\n", found.target);
    if found.helper {
        text.push_str(&table(&found.timers));
        text.push('\n');
    }
    text.push_str(&labelled("not known", &found.not_known));
    text.push_str(&verdict_text(&found.verdict));
    text
}

/// A row for each silence, a column for each timer.
fn table(timers: &[IdleTimerReport]) -> String {
    let mut silences: Vec<u64> =
        timers.iter().flat_map(|timer| &timer.trials).map(|trial| trial.silence_ns).collect();
    silences.sort_unstable();
    silences.dedup();
    let mut text = format!("  {:<12}", "silence");
    for timer in timers {
        text.push_str(&format!("{:<26}", timer.timer.words()));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    for silence in silences {
        let mut line = format!("  {:<12}", Nanos(silence).to_string());
        for timer in timers {
            let trial = timer.trials.iter().find(|trial| trial.silence_ns == silence);
            line.push_str(&format!("{:<26}", trial.map_or_else(String::new, cell)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn cell(trial: &IdleTrial) -> String {
    let word = match trial.outcome {
        IdleOutcome::Open => "open",
        IdleOutcome::Closed => "closed",
        IdleOutcome::Unknown => return "-".to_owned(),
    };
    match trial.sent {
        Some(sent) => format!("{word:<8}{} of {sent} came", trial.answers),
        None => word.to_owned(),
    }
}
