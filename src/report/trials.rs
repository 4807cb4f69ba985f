//! Series of runs as text: a line for each as it ends, then the picture, or what was found.

use super::Output;
use super::number::RateUnit;
use crate::record::{FindRateReport, SweepReport, TrialOutcome, TrialReport};
use crate::units::{BitRate, Nanos};
use rasciigraph::{Config, plot_many};

/// Columns and lines of the picture.
const WIDTH: u32 = 60;
const HEIGHT: u32 = 12;

/// What a series of runs shows while it goes on.
pub struct TrialsView {
    output: Output,
    text: bool,
    unit: RateUnit,
}

impl TrialsView {
    /// A view with its first line; `highest` is the highest rate of the series, in bits a second,
    /// whose unit all lines have.
    pub fn new(heading: &str, highest: u64, json: bool) -> Self {
        let mut view =
            Self { output: Output::new(), text: !json, unit: RateUnit::for_rate(highest) };
        view.line(heading);
        view.line("");
        view.line(&format!(
            "  {:>15} {:>15} {:>15} {:>9} {:>9} {:>9}",
            "offered", "sent", "received", "lost", "p50, ms", "p99, ms"
        ));
        view
    }

    /// One more run has ended.
    pub fn trial(&mut self, trial: &TrialReport) {
        self.line(&trial_line(trial, self.unit));
    }

    /// The picture of a sweep.
    pub fn sweep(&mut self, report: &SweepReport) {
        if let Some(picture) = picture(&report.trials, self.unit) {
            self.line("");
            picture.lines().for_each(|row| self.line(row));
        }
        self.doubts(report.loopback, report.complete, report.interrupted);
    }

    /// What was found.
    pub fn found(&mut self, report: &FindRateReport) {
        self.line("");
        for line in found_lines(report) {
            self.line(&line);
        }
        self.doubts(report.loopback, report.complete, report.interrupted);
    }

    fn doubts(&mut self, loopback: bool, complete: bool, interrupted: bool) {
        if interrupted {
            self.line("  interrupted");
        }
        if loopback {
            self.line(
                "  doubt: loopback: a figure of this host's memory and kernel, not of a link",
            );
        }
        if !complete {
            self.line("  doubt: broken off before its end");
        }
    }

    fn line(&mut self, line: &str) {
        if self.text {
            self.output.line(line);
        }
    }
}

fn trial_line(trial: &TrialReport, unit: RateUnit) -> String {
    let rate = |traffic: Option<crate::record::Traffic>| {
        let bits = traffic.and_then(|traffic| traffic.bits_per_second);
        unit.bits(bits.map(|bits| bits as f64))
    };
    let loss = trial.loss_percent().map_or_else(|| "-".to_owned(), |loss| format!("{loss:.3}%"));
    let millis = |nanos: Option<u64>| {
        nanos.map_or_else(|| "-".to_owned(), |nanos| format!("{:.3}", Nanos(nanos).as_millis_f64()))
    };
    let delay = &trial.delay_above_min_ns;
    let outcome = match (trial.outcome, trial.host_limit) {
        (TrialOutcome::Passed, _) if trial.verification => "   passed, tried for longer",
        (TrialOutcome::Invalid, Some("sender")) => "   invalid: the sender was the limit",
        (TrialOutcome::Invalid, _) => "   invalid: the receiver's socket was the limit",
        (TrialOutcome::Unknown, _) => "   unknown: its counts were not told to the end",
        _ => "",
    };
    format!(
        "  {:>15} {:>15} {:>15} {loss:>9} {:>9} {:>9}{outcome}",
        rate(trial.offered).trim(),
        rate(trial.sent).trim(),
        rate(trial.received).trim(),
        millis(delay.p50),
        millis(delay.p99)
    )
}

/// Offered as a rising line, received as the line that leaves it where the path is full.
fn picture(trials: &[TrialReport], unit: RateUnit) -> Option<String> {
    let bits = |traffic: Option<crate::record::Traffic>| {
        unit.scaled(traffic.and_then(|traffic| traffic.bits_per_second).unwrap_or(0) as f64)
    };
    let offered: Vec<f64> = trials.iter().map(|trial| bits(trial.offered)).collect();
    let received: Vec<f64> = trials.iter().map(|trial| bits(trial.received)).collect();
    (trials.len() > 1).then(|| {
        let caption =
            format!("{} offered, and received below it, over the offered rate", unit.name());
        let config = Config::default()
            .with_width(WIDTH)
            .with_height(HEIGHT)
            .with_offset(4)
            .with_caption(caption);
        plot_many(vec![offered, received], config)
    })
}

fn found_lines(report: &FindRateReport) -> Vec<String> {
    let allowed = report.loss_allowed_ppb as f64 / 1e7;
    let Some(bits) = report.found_bits_per_second else {
        let lowest = report.trials.first().map_or("-", |trial| trial.goal.as_str());
        return vec![match report.bound {
            Some("network") => {
                format!("  found      no rate: even {lowest} lost more than {allowed}%")
            }
            Some(_) => format!("  found      no rate: a host was the limit at {lowest} already"),
            None => "  found      nothing yet".to_owned(),
        }];
    };
    let packets = report.found_datagrams_per_second.unwrap_or(0);
    let mut lines = vec![format!(
        "  found      {} of payload, {packets} datagrams a second, at {allowed}% loss or less",
        BitRate(bits)
    )];
    lines.push(match report.bound {
        Some("network") => "             the next higher rate lost more on the path".to_owned(),
        Some("host") => {
            "             the path carries this at least: beyond it a host was the limit".to_owned()
        }
        Some(_) => {
            "             the path carries this at least: it was the highest tried".to_owned()
        }
        None => "             the highest that passed before the search was broken off".to_owned(),
    });
    lines
}
