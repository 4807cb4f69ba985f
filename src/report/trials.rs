//! Series of runs as text: a line per run as it ends, then the chart or the result.

use super::number::{RateUnit, millis_or_dash};
use super::page::{Align, ended, table};
use super::rows::{LineFormat, RecordLines};
use super::words::blast::{SeriesHeading, SeriesKind};
use super::words::terms::share;
use super::{Output, Page, note};
use crate::record::{
    FindRateReport, HostLimit, RateBound, RateGoal, SweepReport, TrialOutcome, TrialReport, Worded,
};
use crate::units::{BitRate, Percent};
use rasciigraph::{Config, plot_many};
use serde::Serialize;

/// Columns and lines of the chart.
const WIDTH: u32 = 60;
const HEIGHT: u32 = 12;

/// Prints a series of runs.
pub struct TrialsView {
    output: Output,
    /// Lines for programs, in place of text.
    records: Option<RecordLines>,
    text: bool,
    lines: TrialLines,
    page: Page,
}

impl TrialsView {
    /// A view with its first line; `lowest` is the lowest rate of the series in bit/s, which
    /// determines the unit of all lines. With `records`, these are printed in place of text.
    pub fn new(
        heading: &SeriesHeading,
        lowest: u64,
        json: bool,
        records: Option<RecordLines>,
    ) -> Self {
        let page = Page::of_stdout();
        let lines = TrialLines::new(&heading.kind, lowest);
        let text = !json && records.is_none();
        let mut view = Self { output: Output::new(), records, text, lines, page };
        view.print(&view.lines.first(heading, page));
        view
    }

    /// Prints the line of a run.
    pub fn trial(&mut self, trial: &TrialReport) {
        if let Some(records) = &mut self.records {
            records.record("trial", trial);
        }
        self.print(&self.lines.row(trial));
    }

    /// Prints the chart of a sweep.
    pub fn sweep(&mut self, report: &SweepReport) {
        let text = self.lines.sweep(report, self.page);
        self.end(report, &text);
    }

    /// Prints the result of a search.
    pub fn found(&mut self, report: &FindRateReport) {
        self.end(report, &found(report, self.page));
    }

    /// The end of the series: a line for programs, or the text; beside rows on standard error.
    fn end<T: Serialize>(&mut self, report: &T, text: &str) {
        match self.records.as_mut().map(|records| (records.format(), records)) {
            Some((LineFormat::Events, records)) => {
                records.event("summary", report);
            }
            Some((LineFormat::Rows, _)) => text.lines().for_each(note),
            None => self.print(text),
        }
    }

    fn print(&mut self, text: &str) {
        if self.text && !text.is_empty() {
            self.output.line(text.trim_end_matches('\n'));
        }
    }
}

/// A whole sweep; `lowest` is its lowest rate in bit/s.
pub fn sweep_text(
    heading: &SeriesHeading,
    lowest: u64,
    report: &SweepReport,
    page: Page,
) -> String {
    let lines = TrialLines::new(&heading.kind, lowest);
    [lines.table(heading, &report.trials, page), lines.sweep(report, page)].concat()
}

/// A whole search; `lowest` is its lowest rate in bit/s.
pub fn find_rate_text(
    heading: &SeriesHeading,
    lowest: u64,
    report: &FindRateReport,
    page: Page,
) -> String {
    let lines = TrialLines::new(&heading.kind, lowest);
    [lines.table(heading, &report.trials, page), found(report, page)].concat()
}

fn found(report: &FindRateReport, page: Page) -> String {
    let verdicts: Vec<String> = report.goals.iter().map(|goal| goal.verdict.text()).collect();
    let bounds = if report.goals.len() > 1 { bounds(&report.goals) } else { String::new() };
    let verdict = page.labelled("verdict", &verdicts);
    let caution = page.told("caution", &report.findings.caveats);
    format!("\n{bounds}{verdict}{caution}")
}

/// The bounds of each loss of a search, with what was lost in how many trials at them.
fn bounds(goals: &[RateGoal]) -> String {
    let bound = |bound: Option<&RateBound>| match bound {
        Some(bound) => {
            let lost = bound.lost_datagrams.zip(bound.sent_datagrams);
            [
                BitRate(bound.rate_bps).to_string(),
                lost.map_or_else(|| "-".to_owned(), |(lost, sent)| share(lost, sent, 3)),
                bound.trials.len().to_string(),
            ]
        }
        None => ["-", "-", "-"].map(str::to_owned),
    };
    let head = ["loss", "passed", "lost", "trials", "failed", "lost", "trials"];
    let rows = goals.iter().map(|goal| {
        let loss = Percent(goal.loss_allowed_ppb).to_string();
        let bounds = [bound(goal.lower.as_ref()), bound(goal.upper.as_ref())];
        [loss].into_iter().chain(bounds.into_iter().flatten()).collect()
    });
    let rows = [head.map(str::to_owned).to_vec()].into_iter().chain(rows);
    format!("{}\n", table(&[Align::Right; 7], rows))
}

/// The table of a series. Rows are printed one by one, so the columns have fixed widths.
#[derive(Clone, Copy, Debug)]
struct TrialLines {
    unit: RateUnit,
    /// Losses that a search is for; none in a sweep.
    targets: usize,
}

impl TrialLines {
    fn new(kind: &SeriesKind, lowest: u64) -> Self {
        let targets = match kind {
            SeriesKind::Sweep(_) => 0,
            SeriesKind::FindRate { losses_allowed_ppb } => losses_allowed_ppb.len(),
        };
        Self { unit: RateUnit::for_rate(lowest), targets }
    }

    /// The first line, and the head of the table.
    fn first(self, heading: &SeriesHeading, page: Page) -> String {
        let result = if self.targets == 0 { "" } else { "  result" };
        let (unit, delay) = (self.unit.name(), "delay above minimum, ms");
        format!(
            "{}\n  {unit:>11}{:>22}{:>9}{delay:>25}\n  {:>11}{:>11}{:>11}{:>9}{:>9}{:>9}{result}\n",
            page.paragraph("", 2, &heading.text()),
            "",
            "",
            "offered",
            "sent",
            "received",
            "lost, %",
            "p50",
            "p99",
        )
    }

    fn table(self, heading: &SeriesHeading, trials: &[TrialReport], page: Page) -> String {
        let rows: String = trials.iter().map(|trial| self.row(trial)).collect();
        format!("{}{rows}", self.first(heading, page))
    }

    fn row(self, trial: &TrialReport) -> String {
        let rate = |traffic: Option<crate::record::Traffic>| {
            self.unit.aligned(traffic.and_then(|traffic| traffic.bits_per_second))
        };
        let loss = trial.loss_percent().map_or_else(|| "-".to_owned(), |loss| format!("{loss:.3}"));
        let delay = &trial.delay_above_min_ns;
        let row = format!(
            "  {}{}{}{loss:>9}{:>9}{:>9}  {}",
            rate(trial.offered),
            rate(trial.sent),
            rate(trial.received),
            millis_or_dash(delay.p50),
            millis_or_dash(delay.p99),
            self.result(trial)
        );
        format!("{}\n", row.trim_end())
    }

    /// The result column of a run, with the loss for which it counts where a search has several.
    fn result(self, trial: &TrialReport) -> String {
        let result = self.outcome(trial);
        match trial.loss_allowed_ppb {
            Some(allowed) if self.targets > 1 => format!("{result} {}", Percent(allowed)),
            _ => result.to_owned(),
        }
    }

    /// In a sweep, only limits of a host and changed content.
    fn outcome(self, trial: &TrialReport) -> &'static str {
        let searches = self.targets > 0;
        match (trial.outcome, trial.host_limit) {
            (TrialOutcome::Passed, _) if trial.verification => "confirmed",
            (TrialOutcome::Passed, _) if searches => "passed",
            (TrialOutcome::Lost, _) if searches => "failed",
            (TrialOutcome::Passed | TrialOutcome::Lost | TrialOutcome::Changed, _) => {
                changed(trial)
            }
            (TrialOutcome::Invalid, Some(HostLimit::Sender)) => "sender limited",
            (TrialOutcome::Invalid, Some(HostLimit::ReceiverHost)) => "receiver's host",
            (TrialOutcome::Invalid, _) => "receiver limited",
            (TrialOutcome::Outage, _) => "outage",
            (TrialOutcome::Unknown, _) => "counts missing",
        }
    }

    /// The chart and cautions of a sweep.
    fn sweep(self, report: &SweepReport, page: Page) -> String {
        let picture = picture(&report.trials, self.unit).unwrap_or_default();
        let cautions = page.told("caution", &report.caveats);
        [picture, if cautions.is_empty() { String::new() } else { format!("\n{cautions}") }]
            .concat()
    }
}

/// How some of what arrived was changed.
fn changed(trial: &TrialReport) -> &'static str {
    match (trial.cut, trial.altered) {
        (None | Some(0), None | Some(0)) => "",
        (_, None | Some(0)) => "cut",
        (None | Some(0), _) => "altered",
        _ => "cut and altered",
    }
}

/// A chart of the offered and the received rate, which diverge where the path is full.
fn picture(trials: &[TrialReport], unit: RateUnit) -> Option<String> {
    let bits = |traffic: Option<crate::record::Traffic>| {
        unit.scaled(traffic.and_then(|traffic| traffic.bits_per_second).unwrap_or(0) as f64)
    };
    let offered: Vec<f64> = trials.iter().map(|trial| bits(trial.offered)).collect();
    let received: Vec<f64> = trials.iter().map(|trial| bits(trial.received)).collect();
    (trials.len() > 1).then(|| {
        let caption = format!("upper line: offered, lower line: received, {}", unit.name());
        let config = Config::default()
            .with_width(WIDTH)
            .with_height(HEIGHT)
            .with_offset(4)
            .with_caption(caption);
        let plot = plot_many(vec![offered, received], config);
        format!("\n{}", ended(plot.lines()))
    })
}
